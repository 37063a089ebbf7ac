"""Chains of elementwise operations over large arrays, gathered into loops over blocks.

A block and its intermediate results stay in the cache; only operands and outputs travel to and from memory. The bits
stay the same: elementwise operations do not depend on the block bounds, and for sums the bounds are those at which
NumPy's pairwise summation halves an array. The sums would change if NumPy halved elsewhere; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.values import EFFECTS, Op, Value, elementwise
from autodiff.typing import Array

BLOCK = 1 << 17
"""Bytes of a block of float64; half a dozen of them fill a second-level cache."""
_LARGE = 1 << 20  # bytes of an array from which blocks are worthwhile
_FEW = 3  # a group of so few operations is not worth a loop


@dataclass(eq=False)
class Blocks:
    """A loop over blocks.

    Attributes
    ----------
    ops : list of Op
        The operations on each block: elementwise operations, and sums over all entries.
    like : Value
        A value with their common shape and layout.
    """

    ops: list[Op]
    like: Value

    @property
    def numbers(self) -> int:
        """How many real numbers an entry of the sums consists of: two if it is complex."""
        return next((_numbers(op.args[0]) for op in self.ops if op.form == "reduce"), 1)

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """The start and stop of each block."""
        return list(halves(0, self.like.size, self.numbers))


def _numbers(v: Value) -> int:
    return 2 if np.dtype(v.dtype).kind == "c" else 1


def halves(start: int, stop: int, numbers: int) -> Iterator[tuple[int, int]]:
    """The bounds of the pieces into which NumPy's pairwise sum halves an array, down to the size of a block."""
    if stop - start <= BLOCK // 8:
        yield start, stop
    else:
        middle = start + _half(stop - start, numbers)
        yield from halves(start, middle, numbers)
        yield from halves(middle, stop, numbers)


def joined(sums: Iterator[Array], size: int, numbers: int) -> Array:
    """The sum over all entries from the sums over the pieces, added in the order of NumPy's pairwise sum."""
    if size <= BLOCK // 8:
        return next(sums)
    half = _half(size, numbers)
    left = joined(sums, half, numbers)
    return left + joined(sums, size - half, numbers)


def _half(size: int, numbers: int) -> int:
    """Where the pairwise sum cuts: at half of the numbers, rounded down to a multiple of eight."""
    half = size * numbers // 2
    return (half - half % 8) // numbers


def is_fold(op: Op) -> bool:
    """Whether it is a sum over all entries that NumPy adds pairwise in the dtype of the entries."""
    if op.form != "reduce" or op.function is not np.add or op.outputs[0].shape:
        return False
    first, axis = op.args[0], op.keywords.get("axis")
    known = isinstance(first, Value) and first.dtype == op.outputs[0].dtype and set(op.keywords) <= {"axis", "keepdims"}
    whole = axis is None or len(np.atleast_1d(axis)) == len(first.shape)
    return known and whole and np.dtype(first.dtype).char in "fdFD"


def _lie_alike(v: Value, like: Value) -> bool:
    return v.shape == like.shape and v.steps == like.steps


def _fits(op: Op, like: Value) -> bool:
    """Whether an operation can run block by block on arrays with the shape and layout of `like`.

    A vector operand may have any stride, since slicing keeps the stride.
    """
    if not elementwise(op):
        return is_fold(op) and _lie_alike(op.args[0], like)
    vectors = len(like.shape) == 1
    readable = all(not v.shape or _lie_alike(v, like) or (vectors and v.shape == like.shape) for v in op.inputs())
    return readable and _lie_alike(op.outputs[0], like)


class _Group:
    """Operations on arrays of one shape and layout, with the operations that must run before and after them."""

    def __init__(self, like: Value) -> None:
        self.like = like
        self.before: list[Op] = []
        self.ops: list[Op] = []
        self.after: list[Op] = []
        self._inside: set[Value] = set()  # results that are available inside a block
        self._later: set[Value] = set()  # results that are available after the last block
        self._closed = False

    def take(self, op: Op) -> None:
        """Put the next operation into the loop, before it, or after it."""
        inputs = set(op.inputs())
        if self._closed or inputs & self._later:
            self._put_after(op)
        elif _fits(op, self.like) and self._adds_alike(op):
            self.ops.append(op)
            (self._later if op.form == "reduce" else self._inside).update(op.outputs)
        elif op.form in EFFECTS or inputs & self._inside:
            self._closed = op.form in ("effect", "live", "assign", "check")
            self._put_after(op)
        else:
            self.before.append(op)

    def _adds_alike(self, op: Op) -> bool:
        """Whether it is not a sum, or sums an array of this group over the same blocks as the other sums."""
        if op.form != "reduce":
            return True
        first = op.args[0]
        return first in self._inside and all(_numbers(o.args[0]) == _numbers(first) for o in self.ops if is_fold(o))

    def _put_after(self, op: Op) -> None:
        self.after.append(op)
        self._later.update(op.outputs)

    def gathered(self, program: Program) -> Op:
        """The operations of the loop as a single one."""
        made = {v for op in self.ops for v in op.outputs}
        needed = set(program.results).union(*(op.inputs() for op in self.after))
        inputs = dict.fromkeys(v for op in self.ops for v in op.inputs() if v not in made)
        outputs = [v for op in self.ops for v in op.outputs if v in needed]
        return Op("blocks", Blocks(self.ops, self.like), tuple(inputs), {}, outputs)


def _worthwhile(op: Op) -> bool:
    out = op.outputs[0] if op.outputs else None
    return elementwise(op) and out is not None and out.nbytes >= _LARGE and out.order is not None


def blocks(program: Program) -> Program:
    """The program with chains over large arrays gathered into loops over blocks."""
    done: list[Op] = []
    rest = list(program.ops)
    while rest:
        start = next((i for i, op in enumerate(rest) if _worthwhile(op) and _fits(op, op.outputs[0])), None)
        if start is None:
            break
        group = _Group(rest[start].outputs[0])
        for op in rest[start:]:
            group.take(op)
        done += rest[:start]
        if len(group.ops) > _FEW:
            done += [*group.before, group.gathered(program)]
            rest = group.after
        else:
            done.append(rest[start])
            rest = rest[start + 1 :]
    return program.with_ops(done + rest)
