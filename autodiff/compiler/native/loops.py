"""Loops: elementwise operations on arrays of one shape, and what reduces them, in one pass through memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.compiler.native.expressions import IDENTITIES, c_type, has_type, loop_dtypes, math_name
from autodiff.compiler.native.looping import Writing
from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import Memory, Place, merged
from autodiff.compiler.values import Op, Value, copied

MOST = 80
"""Operations of one loop; compilers need more than twice the time for twice as many."""


def is_elementwise(op: Op) -> bool:
    """Whether an operation can stand in a loop, for each entry by itself."""
    if len(op.outputs) != 1 or op.listed or not _has_types(op):
        return False
    if op.form == "opaque":
        return bool(math_name(op)) and np.dtype(op.outputs[0].dtype).kind == "f"
    if op.form == "ufunc" or op.form == "operator":
        return not op.keywords and op.function.signature is None and op.function.nout == 1 and _is_known(op)
    if op.form == "function" and op.function is np.where:
        return not op.keywords and len(op.args) == 3
    return copied(op) is not None


def is_fold(op: Op) -> bool:
    """Whether an operation reduces its operand along some axes, in the dtype of its entries."""
    if op.form != "reduce" or op.function not in IDENTITIES or not _has_types(op) or len(op.args) != 1:
        return False
    if not set(op.keywords) <= {"axis", "keepdims"} or not isinstance(op.args[0], Value):
        return False
    kind = np.dtype(op.outputs[0].dtype)
    of = np.dtype(op.args[0].dtype)
    if op.function in (np.logical_and, np.logical_or):
        return kind.kind == "b"
    return kind == of or (op.function is np.add and kind.kind in "iu" and of.kind in "iub")


def _has_types(op: Op) -> bool:
    return all(has_type(v.dtype) for v in (*op.inputs(), *op.outputs))


def _is_known(op: Op) -> bool:
    found = loop_dtypes(op)
    if found is None or not all(has_type(d) for d in found[0]):
        return False
    if not all(
        isinstance(a, (Value, int, float, np.generic, np.ndarray)) and np.ndim(_number(a)) == 0 for a in op.args
    ):
        return False
    if math_name(op):
        return found[1].kind == "f"
    from autodiff.compiler.native.expressions import Expressions

    names = ["a", "b"][: len(op.args)]
    return Expressions().plain(op.function, found[0][0], names, [None, None]) is not None


def _number(a: Any) -> Any:
    return 0 if isinstance(a, Value) else a


def folded_axes(op: Op) -> tuple[int, ...]:
    """The axes along which an operation reduces."""
    axis, ndim = op.keywords.get("axis"), len(op.args[0].shape)
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % ndim for a in axes)


class Loop(Step):
    """A loop over all entries of arrays of one shape.

    Parameters
    ----------
    part : Part
    shape : tuple of int
    """

    def __init__(self, part: Part, shape: tuple[int, ...]) -> None:
        super().__init__(part, [])
        self.shape = shape
        self.made: dict[Value, Op] = {}
        self.folds: list[Op] = []
        self.accumulates: dict[Value, Place] = {}

    def fits(self, op: Op) -> bool:
        """Whether an operation can join."""
        if is_elementwise(op):
            return op.outputs[0].shape == self.shape
        return is_fold(op) and op.args[0].shape == self.shape

    def take(self, op: Op) -> None:
        """Let an operation join."""
        self.ops.append(op)
        if is_elementwise(op):
            self.made[op.outputs[0]] = op
        else:
            self.folds.append(op)
        for v in op.inputs():
            if v not in self.made:
                self.part.place_of(v)

    # --- what it touches ---

    def stored(self) -> list[Value]:
        """The results that are needed after the loop."""
        return [v for v in self.made if v in self.part.places]

    def inputs(self) -> list[Value]:
        """The values from before the loop, each once."""
        return list(dict.fromkeys(v for op in self.ops for v in op.inputs() if v not in self.made))

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        for v in (*self.inputs(), *self.stored(), *(op.outputs[0] for op in self.folds)):
            if v not in self.part.literals:
                yield self.part.place_of(v).memory

    def overwrite(self, at: int) -> None:
        """Let results take the places of operands that nobody reads after this step: fewer lines of the cache.

        Each entry is read before it is written, in a single loop; in tiles it would not be.
        """
        part = self.part
        if any(map(part.calls, self.ops)):
            return
        places = [part.place_of(u) for u in self.inputs() if u not in part.literals]
        for v in self.stored():
            to = part.place_of(v)
            if to.memory.kind != "arena" or to.memory.owner is not None or to.memory.first != at:
                continue
            for place in places:
                memory = place.memory.root
                alike = place.strides == to.strides and place.shape == to.shape == self.shape
                same_room = memory.kind == "arena" and memory.dtype == to.dtype and memory.size == to.memory.size
                others = any(q.memory.root is memory and q != place for q in places)
                if alike and same_room and not (place.offset or to.offset or others) and memory.last == at:
                    to.memory.owner = memory
                    memory.last = to.memory.last
                    break

    def prepare(self) -> None:
        """Say where the results of folds lie."""
        for op in self.folds:
            self.part.place_of(op.outputs[0])

    # --- its dimensions ---

    def _access(self, v: Value) -> Place:
        return self.part.place_of(v).broadcast(self.shape)

    def _fold_access(self, op: Op) -> Place:
        out, axes = self.part.place_of(op.outputs[0]), folded_axes(op)
        strides = iter(
            [s for a, s in enumerate(out.strides) if a not in axes] if op.keywords.get("keepdims") else out.strides
        )
        return out._replace(
            shape=self.shape, strides=tuple(0 if a in axes else next(strides) for a in range(len(self.shape)))
        )

    # --- its text ---

    def text(self) -> list[str]:
        """The loop in C."""
        part = self.part
        inputs = [v for v in self.inputs() if v not in part.literals]
        arrays = [v for v in inputs if v.shape and part.place_of(v).size > 0]
        singles = [v for v in inputs if not v.shape]
        stored = self.stored()
        places = [self._access(v) for v in (*arrays, *stored)] + [self._fold_access(op) for op in self.folds]
        if not places:
            return []
        lead = max(places, key=lambda q: (sum(s != 0 for s in q.strides), q.size))
        lengths, strides = merged(self.shape, places, lead)
        steps = dict(zip((*arrays, *stored, *self.folds), strides))
        offsets = {key: q.offset for key, q in zip((*arrays, *stored, *self.folds), places)}
        write = Writing(self, lengths, steps, offsets)
        begun = {part.place_of(op.outputs[0]).memory for op in self.folds}
        if 0 in self.shape:
            return [*part.pointers(begun, begun), *write.beginnings()]
        lines = list(part.pointers(self.memories(), {part.place_of(v).memory for v in stored} | begun))
        for v in singles:
            q = part.place_of(v)
            lines.append(f"const {c_type(v.dtype)} {write.entry(v)} = {part.pointer(q.memory)}[{q.offset}];")
        return [*lines, *write.beginnings(), *write.nest()]
