"""Signs absorbed: a + (-b) is a - b, -(-a) is a, and the sign of a factor moves out of its product to be absorbed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.passes.apart import Apart
from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.values import EFFECTS, LIVE, Op, Value, mapped


def _alike(v: Value, w: Value) -> bool:
    return v.strides == w.strides and v.number == w.number


def signs(program: Program) -> Program:
    """The program with fewer negations. Every rewriting is exact, because rounding is symmetric in the sign."""
    roots, apart = roots_of(program), Apart(program)
    uses = Counter(v for op in program.ops for v in op.inputs())
    uses.update(program.results)
    positive: dict[Value, Value] = {}  # -w to w
    same: dict[Value, Value] = {}
    ops: list[Op] = []

    def opposite(x: Any, like: Value) -> Value | None:
        """The value of which `x` is the negative, if `x` has no other use and negating the result costs no more."""
        if not isinstance(x, Value) or uses[x] != 1 or x.shape != like.shape:
            return None
        bare = positive.get(x)
        return bare if bare is None or _alike(bare, x) else None

    for op in program.ops:
        op = op.with_inputs(same)
        if op.form in EFFECTS:  # the array that was negated may hold other values from here on
            positive = {v: w for v, w in positive.items() if all(r.kind not in LIVE for r in roots[w])}
        if op.form != "ufunc" or len(op.outputs) != 1 or np.dtype(op.outputs[0].dtype).kind not in "fc":
            ops.append(op)
            continue
        out, f = op.outputs[0], op.function
        if f is np.negative:
            bare = positive.get(op.args[0])
            if bare is not None and _alike(bare, out) and apart.may_merge(out, bare):
                same[out] = bare
                continue
            if isinstance(op.args[0], Value) and op.args[0].dtype == out.dtype:
                positive[out] = op.args[0]
        elif f in (np.add, np.subtract, np.multiply, np.divide):
            a, b = op.args
            minus_a, minus_b = opposite(a, out), opposite(b, out)
            if f in (np.multiply, np.divide) and np.dtype(out.dtype).kind == "c":
                pass  # not exact: a real or imaginary part that cancels to +0 would become -0
            elif f in (np.multiply, np.divide) and (minus_a is None) != (minus_b is None):
                bare = Value("result", out.shape, out.dtype, strides=out.strides, number=out.number)
                operands = (a if minus_a is None else minus_a, b if minus_b is None else minus_b)
                ops.append(replace(op, args=operands, outputs=[bare]))
                uses.update([bare])
                op = replace(op, function=np.negative, args=(bare,))
                positive[out] = bare
            elif f in (np.multiply, np.divide) and minus_a is not None:
                op = replace(op, args=(minus_a, minus_b))
            elif minus_b is not None:
                op = replace(op, function=np.subtract if f is np.add else np.add, args=(a, minus_b))
            elif minus_a is not None and f is np.add:
                op = replace(op, function=np.subtract, args=(b, minus_a))
        ops.append(op)
    return program.with_ops(ops, mapped(program.outputs, lambda v: same.get(v, v)))
