"""Which results share memory: a plan by liveness, made once, so that a compiled step allocates next to nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.compiler.program import Op, Program, Value
from autodiff.tape import Leaf


@dataclass
class Plan:
    """Where results go.

    Attributes
    ----------
    place : dict of Value to int or Leaf
        The number of a buffer, or the leaf in whose home a gradient is computed; a value that is not here is
        allocated by NumPy.
    buffers : list of (shape, dtype)
    """

    place: dict[Value, Any] = field(default_factory=dict)
    buffers: list[tuple[tuple[int, ...], Any]] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return sum(int(np.prod(s, dtype=int)) * np.dtype(d).itemsize for s, d in self.buffers)


def takes_out(op: Op) -> bool:
    """Whether the operation can write its result into a given array."""
    if len(op.outputs) != 1 or not op.outputs[0].shape:
        return False
    if op.form == "ufunc":
        return bool(op.function.nout == 1)
    if op.form == "reduce":
        return set(op.keywords) <= {"axis", "keepdims"}
    return op.form == "opaque" and hasattr(op.function, "writes_out")


def roots_of(program: Program) -> dict[Value, Value]:
    """For every value the one whose memory it shares, if it may share any; itself, if not."""
    root: dict[Value, Value] = {}
    for op in program.ops:
        for v in op.outputs:
            first = op.args[0] if op.args else None
            root[v] = root.get(first, first) if op.views and isinstance(first, Value) else v
    return root


def plan_buffers(program: Program) -> Plan:
    """The plan of a program.

    A result that comes back is never planned: it belongs to the caller. A gradient is computed in its place in the flat
    home where it has one. Elsewhere a result takes the buffer of an operand that dies in the same operation, or one
    that is free, or a new one.
    """
    plan = Plan()
    root = roots_of(program)
    of_caller = {root.get(v, v) for v in program.results}
    homes: dict[Value, Leaf] = {}
    last: dict[Value, int] = {}
    for i, op in enumerate(program.ops):
        for v in op.inputs():
            last[root.get(v, v)] = i
        if op.form == "store" and isinstance(op.args[0], Value):
            v, leaf = op.args[0], op.function
            if (
                leaf.home is not None
                and root.get(v, v) is v
                and v.shape == leaf.home.shape
                and v.dtype == leaf.home.dtype
            ):
                homes.setdefault(v, leaf)
    free: dict[Any, list[int]] = defaultdict(list)
    taken: set[Leaf] = set()
    for i, op in enumerate(program.ops):
        dying = dict.fromkeys(v for v in (root.get(v, v) for v in op.inputs()) if last.get(v) == i)
        released = [v for v in dying if isinstance(plan.place.get(v), int)]
        for out in op.outputs if op.form == "blocks" else op.outputs[:1] if takes_out(op) else ():
            if not out.shape:
                continue
            key = (out.shape, np.dtype(out.dtype))
            if out in homes and homes[out] not in taken and _is_free(homes[out], program, i, root):
                plan.place[out] = homes[out]
                taken.add(homes[out])
            elif root[out] not in of_caller:
                reusable = [
                    v for v in released if (v.shape, np.dtype(v.dtype)) == key and op.form == "ufunc" and v in op.args
                ]
                if reusable:
                    plan.place[out] = plan.place[reusable[0]]
                    released.remove(reusable[0])
                elif free[key]:
                    plan.place[out] = free[key].pop()
                else:
                    plan.place[out] = len(plan.buffers)
                    plan.buffers.append(key)
                if out not in last:  # nobody reads it
                    released.append(out)
        for v in released:
            free[(v.shape, np.dtype(v.dtype))].append(plan.place[v])
    return plan


def _is_free(leaf: Leaf, program: Program, at: int, root: dict[Value, Value]) -> bool:
    """Whether nobody reads the old gradient of a leaf from this operation on."""
    for op in program.ops[at:]:
        for v in op.inputs():
            r = root.get(v, v)
            if r.kind == "gradient" and r.payload is leaf and op is not program.ops[at]:
                return False
    return True
