"""Algebraic identities that are exact in floating point: x * 1, a transpose of a transpose, a reshape to what it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.program import Op, Program, Value, mapped


def _is_number(x: Any, number: float) -> bool:
    if isinstance(x, Value):
        return x.kind == "made" and x.nbytes < 1 << 24 and bool((x.payload == number).all())
    return isinstance(x, (int, float, np.generic)) and not isinstance(x, (bool, np.bool_)) and x == number


def _keeps(op: Op, v: Value) -> bool:
    """Whether replacing the result by `v` changes neither shape nor dtype."""
    return v.shape == op.outputs[0].shape and v.dtype == op.outputs[0].dtype


def _stands_for(op: Op, made: dict[Value, Op]) -> Value | None:
    """What the result is equal to, if it is one of the operands."""
    if len(op.outputs) != 1 or not op.args or not isinstance(op.args[0], (Value, int, float, np.generic)):
        return None
    first = op.args[0]
    if op.form == "ufunc" and len(op.args) == 2:
        for a, b in ((op.args[0], op.args[1]), (op.args[1], op.args[0])):
            one = op.function in (np.multiply,) or (op.function in (np.divide, np.power) and b is op.args[1])
            if isinstance(a, Value) and one and _is_number(b, 1) and _keeps(op, a):
                return a
        return None
    if not isinstance(first, Value):
        return None
    if op.form == "ufunc" and op.function is np.positive and _keeps(op, first):
        return first
    if op.form == "method" and op.function in ("reshape", "ravel", "astype", "squeeze") and _keeps(op, first):
        return first
    if op.form == "attribute" and op.function == "T":
        if len(first.shape) < 2:
            return first
        inner = made.get(first)
        if inner is not None and inner.form == "attribute" and inner.function == "T":
            twice = inner.args[0]
            return twice if isinstance(twice, Value) else None
    if op.form == "reduce" and not op.keywords.get("keepdims") and op.keywords.get("axis") == () and _keeps(op, first):
        return first
    return None


def identities(program: Program) -> Program:
    """Without operations that give back what they are given."""
    same: dict[Value, Value] = {}
    made: dict[Value, Op] = {}
    ops = []
    for op in program.ops:
        op = op.with_inputs(lambda v: same.get(v, v))
        twin = _stands_for(op, made)
        if twin is not None:
            same[op.outputs[0]] = twin
            continue
        made |= dict.fromkeys(op.outputs, op)
        ops.append(op)
    return program.with_ops(ops, mapped(program.outputs, lambda v: same.get(v, v)))
