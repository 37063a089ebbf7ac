"""Products of every step's input with the same matrix, hoisted out of an unrolled recurrence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.values import Op, Value

_FEW = 3  # a recurrence of so few steps is not worth it


class _Step(NamedTuple):
    """An operation ``x[t] @ w`` or ``x[:, t] @ w``."""

    x: Value
    w: Value
    axis: int
    t: int


def _place(index: Any) -> tuple[int, int] | None:
    """The axis and the integer of an index that picks one slice along one axis; None for any other index."""
    if isinstance(index, int) and not isinstance(index, bool):
        return 0, index
    if isinstance(index, tuple) and index and all(i == slice(None) for i in index[:-1]):
        return (len(index) - 1, index[-1]) if isinstance(index[-1], int) and len(index) < 3 else None
    return None


def _step(op: Op, made: dict[Value, Op]) -> _Step | None:
    if op.form != "ufunc" or op.function is not np.matmul or not all(isinstance(a, Value) for a in op.args):
        return None
    part, w = op.args
    source = made.get(part)
    if source is None or source.form != "index" or len(part.shape) != 2 or len(w.shape) != 2:
        return None
    x, place = source.args[0], _place(source.args[1])
    if place is None or len(x.shape) != 3:
        return None
    axis, t = place
    return _Step(x, w, axis, t % x.shape[axis])


def recurrences(program: Program) -> Program:
    """The program with one call for the products of all steps. Each product has the same bits as before."""
    made: dict[Value, Op] = {}
    steps: dict[Op, _Step] = {}
    groups: dict[tuple[Value, Value, int], list[Op]] = defaultdict(list)
    for op in program.ops:
        step = _step(op, made)
        if step is not None:
            steps[op] = step
            groups[step[:3]].append(op)
        made |= dict.fromkeys(op.outputs, op)
    whole: dict[tuple[Value, Value, int], Value] = {}
    ops: list[Op] = []
    for op in program.ops:
        step = steps.get(op)
        group = [] if step is None else groups[step[:3]]
        if step is None or len(group) <= _FEW or {steps[o].t for o in group} != set(range(step.x.shape[step.axis])):
            ops.append(op)
            continue
        if step[:3] not in whole:
            out, x = op.outputs[0], step.x
            if step.axis:
                shape, strides = ((s[1], s[0], s[2]) for s in (x.shape, x.strides or ()))
                x = Value("result", shape, x.dtype, strides=strides)
                swapped = replace(op, form="method", function="swapaxes", args=(step.x, 0, 1), outputs=[x])
                ops.append(replace(swapped, shares=((step.x,),)))
            whole[step[:3]] = every = Value("result", (x.shape[0], *out.shape), out.dtype)
            ops.append(replace(op, args=(x, step.w), outputs=[every]))
        every = whole[step[:3]]
        ops.append(replace(op, form="index", function="getitem", args=(every, step.t), shares=((every,),)))
    return program.with_ops(ops)
