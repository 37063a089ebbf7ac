"""The sign of a non-negative array, in the form that is fastest in NumPy."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.values import Op, Value

_WORTH = 1024  # number of entries from which two vectorised calls take less time than one that branches


def _at_least_0(op: Op | None) -> bool:
    """Whether every entry of the result is positive, +0 or NaN."""
    if op is None or op.form != "ufunc" or op.function is not np.maximum or not _is_0(op.args[1]):
        return False
    return _has_no_sign(np.dtype(op.outputs[0].dtype))


def _is_0(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool) and x == 0 and math.copysign(1, x) > 0


@cache
def _has_no_sign(dtype: Any) -> bool:
    """Whether ``maximum(-0.0, 0.0)`` is 0.0 on this machine: ``ceil`` would keep the sign of -0.0, unlike ``sign``."""
    return dtype.kind == "f" and not np.signbit(np.maximum(np.full(80, -0.0, dtype), 0.0)).any()


def rectified(program: Program) -> Program:
    """The program with ``minimum(ceil(y), 1)`` in place of ``sign(y)`` for y = max(x, 0): the slope of ReLU.

    Both are NaN where x is NaN.
    """
    made: dict[Value, Op] = {}
    ops: list[Op] = []
    for op in program.ops:
        y = op.args[0] if op.args else None
        if op.form == "ufunc" and op.function is np.sign and isinstance(y, Value) and _at_least_0(made.get(y)):
            out = op.outputs[0]
            if np.dtype(out.dtype).kind == "f" and np.prod(out.shape, dtype=int) >= _WORTH:
                whole = Value("result", out.shape, out.dtype, strides=out.strides)
                ops.append(replace(op, function=np.ceil, outputs=[whole]))
                op = replace(op, function=np.minimum, args=(whole, 1.0))
        made |= dict.fromkeys(op.outputs, op)
        ops.append(op)
    return program.with_ops(ops)
