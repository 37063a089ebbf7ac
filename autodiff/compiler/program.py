"""The intermediate representation: straight-line code of NumPy calls on values.

A trace writes it, passes rewrite it, and `source` turns it into Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff.compiler.identifiers import comment, identifier
from autodiff.compiler.values import Op, Value, values_in

if TYPE_CHECKING:
    from autodiff.drawing.rendering import Picture  # loads graphviz
else:
    Picture = Any


@dataclass(eq=False)
class Program:
    """The computation of a function as a list of operations.

    Attributes
    ----------
    name : str
        The name of the function.
    arguments : list of Value
    ops : list of Op
        In the order in which they run.
    outputs : list
        The returned leaves: each a Value, or an object that is the same in every call.
    kept : int
        How many of the last outputs are not part of the answer but saved for the backward pass.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> f = ad.compile(lambda x: np.sin(x) * 2)
    >>> _ = f(np.zeros(2))
    >>> [op.title for op in f.program.ops]
    ['sin', 'multiply']
    """

    name: str
    arguments: list[Value]
    ops: list[Op]
    outputs: list[Any]
    kept: int = 0

    def with_ops(self, ops: list[Op], outputs: list[Any] | None = None) -> Program:
        """The same program with other operations."""
        return replace(self, ops=ops, outputs=self.outputs if outputs is None else outputs)

    @property
    def answers(self) -> list[Any]:
        """The outputs without those saved for the backward pass."""
        return self.outputs[: len(self.outputs) - self.kept]

    @property
    def results(self) -> list[Value]:
        """The values that are returned."""
        return list(values_in(self.outputs))

    def values(self) -> list[Value]:
        """All values, in the order of their first use."""
        every = list(self.arguments)
        for op in self.ops:
            every += op.inputs()
            every += op.outputs
        return list(dict.fromkeys(every + self.results))

    @property
    def counts(self) -> dict[str, int]:
        """The number of operations, and the bytes of their results."""
        inner = [len(op.function.ops) - 1 for op in self.ops if op.form == "blocks"]
        return {"operations": len(self.ops) + sum(inner), "bytes": sum(v.nbytes for op in self.ops for v in op.outputs)}

    def draw(self, **options: Any) -> Picture:
        """Its picture by `autodiff.draw`, with the same options: `depth`, `repeats`, `rankdir` and `max_nodes`.

        Examples
        --------
        >>> import numpy as np, autodiff as ad
        >>> f = ad.compile(lambda x: np.sin(x) * 2.0)
        >>> y = f(np.ones(3))
        >>> "sin" in f.program.draw().source
        True
        """
        from autodiff.drawing import draw  # loads graphviz

        return draw(self, **options)

    def __autodiff_graph__(self) -> Any:
        """The graph for `autodiff.draw`."""
        from autodiff.compiler.pictures import graph_of  # loads graphviz

        return graph_of(self.arguments, self.ops, self.answers)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the listing, and the picture if it can be made."""
        return {**self.draw()._repr_mimebundle_(), "text/plain": str(self)}

    def __str__(self) -> str:
        inner = (
            v for op in self.ops if op.form == "blocks" for o in op.function.ops for v in (*o.inputs(), *o.outputs)
        )
        names = {v: identifier(v.name, f"v{i}") for i, v in enumerate(dict.fromkeys((*self.values(), *inner)))}

        def shown(tree: Any) -> str:
            if isinstance(tree, Value):
                return names[tree]
            if isinstance(tree, (tuple, list)):
                inner = ", ".join(map(shown, tree))
                return f"({inner})" if isinstance(tree, tuple) else f"[{inner}]"
            return f"{tree:.6g}" if isinstance(tree, float) else comment(getattr(tree, "__name__", str(tree)))

        def listed(ops: list[Op], indent: str) -> Iterator[str]:
            for op in ops:
                inputs = [shown(a) for a in op.args] + [f"{comment(k)}={shown(v)}" for k, v in op.keywords.items()]
                left = ", ".join(f"{names[v]}: {_type(v)}" for v in op.outputs)
                yield f"{indent}{left + ' = ' if left else ''}{comment(op.title)}({', '.join(inputs)})"
                if op.form == "blocks":
                    yield from listed(op.function.ops, indent + "  ")

        lines = [f"{comment(self.name)}({', '.join(f'{names[v]}: {_type(v)}' for v in self.arguments)})"]
        lines += listed(self.ops, "  ")
        lines.append(f"  return {', '.join(map(shown, self.answers))}")
        if self.kept:
            lines.append(f"  keep {', '.join(map(shown, self.outputs[-self.kept :]))}")
        return "\n".join(lines)


class Roots(dict[Value, frozenset[Value]]):
    """For each value those that own its memory. Most values own theirs, and are not listed."""

    def __missing__(self, v: Value) -> frozenset[Value]:
        return frozenset((v,))


def roots_of(program: Program) -> Roots:
    """For every value the values that own its memory: itself, or, if it may be a view, the roots of its operands."""
    roots = Roots()
    for op in program.ops:
        if op.shares:
            for out, operands in zip(op.outputs, op.shares):
                if operands:
                    roots[out] = frozenset().union(*(roots[v] for v in operands))
    return roots


def _type(v: Value) -> str:
    return f"{np.dtype(v.dtype).name}{list(v.shape)}"
