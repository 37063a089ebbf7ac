"""Which results share memory: a plan by liveness, made once, so that a compiled step allocates almost nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.values import Op, Value, row_strides
from autodiff.core.tape import Leaf
from autodiff.typing import Array

_PART_BY_PART = (np.add, np.subtract, np.negative, np.conjugate)
Room = tuple[tuple[int, ...], Any, tuple[int, ...]]
"""Shape, dtype and strides of a buffer."""


@dataclass
class Plan:
    """Where results go.

    Attributes
    ----------
    place : dict of Value to int or Leaf
        The number of a buffer, or the leaf in whose home a gradient is computed. NumPy allocates every value
        that is not here.
    buffers : list of (shape, dtype, strides)
    """

    place: dict[Value, Any] = field(default_factory=dict)
    buffers: list[Room] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype, _ in self.buffers)


def takes_out(op: Op) -> bool:
    """Whether the operation can write its result into a given array."""
    if len(op.outputs) != 1 or op.listed or not op.outputs[0].shape:
        return False
    if op.form == "ufunc":
        return bool(op.function.nout == 1)
    if op.form == "reduce":
        # NumPy 2.0 adds reversed memory in another order when it is given a place for the sum
        is_forward = all(step >= 0 for v in op.inputs() for step in v.strides or ())
        return is_forward and set(op.keywords) <= {"axis", "keepdims"}
    return op.form == "opaque" and hasattr(op.function, "writes_out")


def new_buffer(room: Room) -> Array:
    """An uninitialised array for a result."""
    shape, dtype, strides = room
    if strides == row_strides(shape, np.dtype(dtype).itemsize):
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, np.empty(math.prod(shape), dtype), 0, strides)


def apart(x: Any, strides: tuple[int, ...] | None = None) -> Array:
    """A copy that shares no memory and has the strides of `x`, or those given, gaps and repeated entries included."""
    if x.dtype.hasobject:  # its entries are references, which a buffer of bytes would not count
        return x.copy(order="K")
    strides = x.strides if strides is None else strides
    ends = [(n - 1) * step for n, step in zip(x.shape, strides) if x.size]
    before = -sum(end for end in ends if end < 0)
    room = np.empty(before + sum(end for end in ends if end > 0) + x.itemsize, np.uint8)
    copy: Any = np.ndarray(x.shape, x.dtype, room, before, strides)
    copy[...] = x
    if any(n > 1 and step == 0 for n, step in zip(x.shape, strides)):
        copy.flags.writeable = False  # as in NumPy's own broadcasts: one entry in memory stands for many
    return copy


def _room(v: Value) -> Room:
    assert v.strides is not None
    return v.shape, np.dtype(v.dtype), v.strides


def plan_buffers(program: Program) -> Plan:
    """The plan of a program.

    A buffer is in use from the operation that fills it to the last one that reads it, directly or through a view. A
    returned result is never planned: it belongs to the caller. A gradient that has a place in a flat home is computed
    there. Any other result takes the buffer of an operand whose last use is this operation, or a free buffer, or a new
    one. The buffer always has the shape, dtype and strides of the eager result.
    """
    plan = Plan()
    roots = roots_of(program)
    of_caller = frozenset[Value]().union(*(roots[v] for v in program.results))
    homes: dict[Value, Leaf] = {}
    last: dict[Value, int] = {}
    for i, op in enumerate(program.ops):
        for v in op.inputs():
            last.update(dict.fromkeys(roots[v], i))
        if op.form == "store" and isinstance(op.args[0], Value):
            v, home = op.args[0], op.function.home
            if home is not None and _room(v) == (home.shape, home.dtype, home.strides):
                homes.setdefault(v, op.function)
    free: dict[Room, list[int]] = defaultdict(list)
    taken: set[Leaf] = set()
    for i, op in enumerate(program.ops):
        inputs = list(op.inputs())
        dying = dict.fromkeys(r for v in inputs for r in roots[v] if last[r] == i)
        released = [r for r in dying if isinstance(plan.place.get(r), int)]
        for out in op.outputs if op.form == "blocks" else op.outputs[:1] if takes_out(op) else ():
            if not out.shape or out.order is None or roots[out] != {out}:
                continue
            if out in homes and homes[out] not in taken and _is_free(homes[out], program, i, roots):
                plan.place[out] = homes[out]
                taken.add(homes[out])
            elif out not in of_caller:
                room = _room(out)
                alone = [v for v in released if _room(v) == room and _is_read_alone(v, op, inputs, roots)]
                if alone:
                    plan.place[out] = plan.place[alone[0]]
                    released.remove(alone[0])
                elif free[room]:
                    plan.place[out] = free[room].pop()
                else:
                    plan.place[out] = len(plan.buffers)
                    plan.buffers.append(room)
                if out not in last:  # it is never read
                    released.append(out)
        for v in released:
            free[_room(v)].append(plan.place[v])
    return plan


def _is_read_alone(v: Value, op: Op, inputs: list[Value], roots: dict[Value, frozenset[Value]]) -> bool:
    """Whether an elementwise operation may overwrite this operand: no other operand shares its memory.

    Complex products are excluded: in place they run another loop of NumPy, which rounds differently.
    """
    in_place = op.form == "ufunc" and op.function.signature is None and v in op.args
    if np.dtype(v.dtype).kind == "c" and op.function not in _PART_BY_PART:
        return False
    return in_place and not any(v in roots[other] for other in inputs if other is not v)


def _is_free(leaf: Leaf, program: Program, at: int, roots: dict[Value, frozenset[Value]]) -> bool:
    """Whether no operation after this one reads the old gradient of a leaf."""
    return not any(
        r.kind == "gradient" and r.payload is leaf
        for op in program.ops[at + 1 :]
        for v in op.inputs()
        for r in roots[v]
    )
