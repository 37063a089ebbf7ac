"""Algebraic identities that are exact in floating point: x * 1, a double transpose, a reshape to the same shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.passes.apart import Apart
from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.values import EFFECTS, LIVE, Op, Value, mapped


def _is_number(x: Any, number: float) -> bool:
    if isinstance(x, Value):
        return x.kind == "made" and x.nbytes < 1 << 24 and bool((x.payload == number).all())
    return isinstance(x, (int, float, np.generic)) and not isinstance(x, (bool, np.bool_)) and x == number


def _keeps(op: Op, v: Value) -> bool:
    """Whether replacing the result by `v` keeps shape, dtype and layout."""
    out = op.outputs[0]
    return (v.shape, v.dtype, v.strides, v.number) == (out.shape, out.dtype, out.strides, out.number)


def _stands_for(op: Op, made: dict[Value, Op]) -> Value | None:
    """The value that equals the result: an operand, or the operand of a transpose undone here; None if none does."""
    if len(op.outputs) != 1 or op.listed or not op.args:
        return None
    first = op.args[0]
    if op.form == "ufunc" and len(op.args) == 2:
        if np.dtype(op.outputs[0].dtype).kind == "c":  # inf * (1 + 0j) contains a NaN
            return None
        for a, b in ((op.args[0], op.args[1]), (op.args[1], op.args[0])):
            one = op.function is np.multiply or (op.function in (np.divide, np.power) and b is op.args[1])
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
    return None


def identities(program: Program) -> Program:
    """The program without operations that return an operand unchanged.

    A copy of a live value stays if the program has effects: it holds the values from before the effect.
    """
    roots = roots_of(program)
    changes = any(op.form in EFFECTS for op in program.ops)
    apart = Apart(program)
    same: dict[Value, Value] = {}
    made: dict[Value, Op] = {}
    ops = []
    for op in program.ops:
        op = op.with_inputs(same)
        twin = _stands_for(op, made)
        copies = not any(op.shares)
        holds = copies and changes and twin is not None and any(r.kind in LIVE for r in roots[twin])
        if twin is not None and not holds and apart.may_merge(op.outputs[0], twin):
            same[op.outputs[0]] = twin
            continue
        made |= dict.fromkeys(op.outputs, op)
        ops.append(op)
    return program.with_ops(ops, mapped(program.outputs, lambda v: same.get(v, v)))
