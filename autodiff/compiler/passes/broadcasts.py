"""Broadcasts absorbed: NumPy's elementwise functions stretch their operands themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.program import Op, Program, Value, elementwise

_LARGE = 1 << 24


def _shape(x: Any) -> tuple[int, ...]:
    return x.shape if isinstance(x, Value) else ()


def _uniform(v: Value) -> Any:
    """The number that a constant array is full of, if it is; else None."""
    if v.kind != "made" or not v.shape or not v.payload.size or v.nbytes > _LARGE or np.dtype(v.dtype).kind not in "fb":
        return None
    first = v.payload.flat[0]
    return first.item() if (v.payload == first).all() else None


def broadcasts(program: Program) -> Program:
    """Without arrays that only repeat a smaller one, where an elementwise function would stretch that as well."""
    narrow: dict[Value, Any] = {}
    numbers: dict[Value, Any] = {}
    ops: list[Op] = []

    def without(x: Any) -> Any:
        if not isinstance(x, Value):
            return x
        if x not in numbers:
            numbers[x] = _uniform(x)
        return narrow.get(x, x) if numbers[x] is None else numbers[x]

    for op in program.ops:
        if op.form == "function" and op.function is np.broadcast_to and isinstance(op.args[0], Value):
            narrow[op.outputs[0]] = op.args[0]
        elif elementwise(op):
            shape, args = op.outputs[0].shape, list(op.args)
            for i, x in enumerate(args):
                tried = [*args[:i], without(x), *args[i + 1 :]]
                if tried[i] is x or np.broadcast_shapes(*map(_shape, tried)) != shape:
                    continue
                kinds = {np.dtype(a.dtype) for a in tried if isinstance(a, Value)}
                if kinds & {np.dtype(x.dtype), np.dtype(op.outputs[0].dtype)}:  # some array has to keep the type
                    args = tried
            op = replace(op, args=tuple(args))
        ops.append(op)
    return program.with_ops(ops)
