"""A power of two merged with the next factor: (x * 4) * c is x * (4 c), to the last bit.

This holds if both factors are at least 1. A smaller factor may lose bits to underflow, and a large one followed by a
small one may overflow in between.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.values import EFFECTS, LIVE, Op, Value, lays_out


def _enlarges(x: Any) -> bool:
    """Whether it is a number of magnitude at least 1, and so small that the product of two does not overflow."""
    known = isinstance(x, (int, float, np.floating)) and not isinstance(x, (bool, np.bool_))
    return known and 1 <= abs(x) < 2.0**60


def _is_power(x: Any) -> bool:
    return abs(math.frexp(x)[0]) == 0.5


def _scaled(op: Op) -> tuple[Value, Any] | None:
    """The array and the number in a product of both; None for any other operation."""
    if op.form != "ufunc" or op.function is not np.multiply:
        return None
    for x, c in (op.args, op.args[::-1]):
        if isinstance(x, Value) and _enlarges(c) and lays_out((x,), op.outputs[0]) and x.dtype == op.outputs[0].dtype:
            return x, c
    return None


def scales(program: Program) -> Program:
    """The program with one product in place of two by numbers, of which the first is a power of two."""
    roots = roots_of(program)
    made: dict[Value, tuple[Value, Any]] = {}
    ops: list[Op] = []
    for op in program.ops:
        found = _scaled(op)
        if op.form in EFFECTS:  # the array that was multiplied may hold other values from here on
            made = {v: w for v, w in made.items() if all(r.kind not in LIVE for r in roots[w[0]])}
        elif found is not None and np.dtype(op.outputs[0].dtype).char in "fd":
            x, c = found
            if x in made and _enlarges(c * made[x][1]):
                x, c = made[x][0], float(c) * float(made[x][1])
                op = replace(op, args=(x, c))
            if _is_power(c):
                made[op.outputs[0]] = (x, c)
        ops.append(op)
    return program.with_ops(ops)
