"""Powers of two joined with the next number: (x * 4) * c is x * (4 c), to the last bit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.program import Op, Program, Value

_MODERATE = 2.0**20  # beyond it a product in between might overflow, or lose bits below the smallest normal number


def _number(x: Any) -> bool:
    return isinstance(x, (int, float, np.floating)) and not isinstance(x, (bool, np.bool_)) and bool(np.isfinite(x))


def _is_power(x: Any) -> bool:
    return _number(x) and x != 0 and abs(math.frexp(x)[0]) == 0.5 and 1 / _MODERATE <= abs(x) <= _MODERATE


def _scaled(op: Op) -> tuple[Value, Any] | None:
    """What a product with a number is a product of."""
    if op.form != "ufunc" or op.function is not np.multiply:
        return None
    for x, c in (op.args, op.args[::-1]):
        if isinstance(x, Value) and _number(c) and x.shape == op.outputs[0].shape and x.dtype == op.outputs[0].dtype:
            return x, c
    return None


def scales(program: Program) -> Program:
    """With one product where one of two numbers is a power of two."""
    made: dict[Value, tuple[Value, Any]] = {}
    ops: list[Op] = []
    for op in program.ops:
        found = _scaled(op)
        if found is not None and np.dtype(op.outputs[0].dtype).kind == "f":
            x, c = found
            if x in made and (_is_power(c) or _is_power(made[x][1])):
                inner, other = made[x]
                x, c = inner, float(c) * float(other)
                op = replace(op, args=(x, c))
            made[op.outputs[0]] = (x, c)
        ops.append(op)
    return program.with_ops(ops)
