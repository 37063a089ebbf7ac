"""What operations with a C text of their own have in common."""

from __future__ import annotations

from collections.abc import Iterator

from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import Memory
from autodiff.compiler.values import Op, Value


class Pattern(Step):
    """One operation with a text of its own.

    Its operands and results lie in memory.
    """

    def __init__(self, part: Part, op: Op) -> None:
        super().__init__(part, [op])
        self.op = op
        for v in op.inputs():
            part.place_of(v)

    @classmethod
    def suits(cls, op: Op) -> bool:
        """Whether the text is for such operands."""
        return True

    def prepare(self) -> None:
        """Say where the results lie."""
        for v in self.op.outputs:
            self.part.place_of(v)

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        for v in (*self.op.inputs(), *self.op.outputs):
            yield self.part.place_of(v).memory

    def text(self) -> list[str]:
        """The C text."""
        written = {self.part.place_of(v).memory for v in self.op.outputs}
        return [*self.part.pointers(self.memories(), written), *self.lines()]

    def lines(self) -> list[str]:
        """The C text after the declarations of the pointers."""
        raise NotImplementedError

    def at(self, v: Value) -> str:
        """The expression for the first entry of a value that has no gaps."""
        place = self.part.place_of(v)
        if not place.is_dense() and place.size:
            raise self.part.no_c(self.op)
        return f"({self.part.pointer(place.memory)} + {place.offset})"
