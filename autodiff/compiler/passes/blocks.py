"""Chains of elementwise operations over large arrays, gathered so that they run block by block.

A block and the results in between stay in the cache; only what goes in and what comes out travels to memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autodiff.compiler.program import EFFECTS, Op, Program, Value, elementwise

BLOCK = 1 << 17
"""Bytes of a block of float64; with half a dozen of them a second-level cache is full."""
_LARGE = 1 << 20  # bytes of an array from which on it is worth it
_FEW = 3  # operations that share no block


@dataclass(eq=False)
class Blocks:
    """A loop over blocks.

    Attributes
    ----------
    ops : list of Op
        What is done with each: elementwise operations, and sums (or extremes) over all entries.
    shape : tuple of int
        Of the arrays.
    """

    ops: list[Op]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Entries of an array."""
        return int(np.prod(self.shape, dtype=int))


def is_fold(op: Op) -> bool:
    """Whether it is a sum or an extreme over all entries."""
    if op.form != "reduce" or op.function not in (np.add, np.maximum, np.minimum) or op.outputs[0].shape:
        return False
    first = op.args[0]
    axis = op.keywords.get("axis")
    known = isinstance(first, Value) and first.dtype == op.outputs[0].dtype and set(op.keywords) <= {"axis", "keepdims"}
    return known and (axis is None or len(np.atleast_1d(axis)) == len(first.shape))


def _fits(op: Op, shape: tuple[int, ...]) -> bool:
    """Whether it can be done block by block, for arrays of some shape."""
    if elementwise(op):
        return op.outputs[0].shape == shape and all(v.shape in (shape, ()) for v in op.inputs())
    return is_fold(op) and op.args[0].shape == shape


class _Group:
    """Operations over one shape, and those that must run before and after them."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.before: list[Op] = []
        self.ops: list[Op] = []
        self.after: list[Op] = []
        self._inside: set[Value] = set()  # results that are there block by block
        self._later: set[Value] = set()  # results that are there when all blocks are done
        self._closed = False

    def take(self, op: Op) -> None:
        """Put the next operation where it can be."""
        inputs = set(op.inputs())
        if self._closed or inputs & self._later:
            self._put_after(op)
        elif _fits(op, self.shape):
            self.ops.append(op)
            (self._later if op.form == "reduce" else self._inside).update(op.outputs)
        elif op.form in EFFECTS or inputs & self._inside:
            self._closed = op.form in ("effect", "live", "assign", "check")
            self._put_after(op)
        else:
            self.before.append(op)

    def _put_after(self, op: Op) -> None:
        self.after.append(op)
        self._later.update(op.outputs)

    def gathered(self, program: Program) -> Op:
        """The operations as one."""
        made = {v for op in self.ops for v in op.outputs}
        needed = set(program.results).union(*(op.inputs() for op in self.after))
        inputs = dict.fromkeys(v for op in self.ops for v in op.inputs() if v not in made)
        outputs = [v for op in self.ops for v in op.outputs if v in needed]
        return Op("blocks", Blocks(self.ops, self.shape), tuple(inputs), {}, outputs)


def _worthwhile(op: Op) -> bool:
    out = op.outputs[0] if op.outputs else None
    return elementwise(op) and out is not None and out.nbytes >= _LARGE


def blocks(program: Program) -> Program:
    """With chains over large arrays gathered into loops over blocks."""
    done: list[Op] = []
    rest = list(program.ops)
    while rest:
        start = next((i for i, op in enumerate(rest) if _worthwhile(op) and _fits(op, op.outputs[0].shape)), None)
        if start is None:
            break
        group = _Group(rest[start].outputs[0].shape)
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
