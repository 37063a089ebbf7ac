"""Constant folding: a result that depends only on constants is computed once, when the program is written."""

from __future__ import annotations

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.values import Value, mapped

_PURE = ("ufunc", "operator", "reduce", "function", "method", "attribute", "index")


def constants(program: Program) -> Program:
    """The program with every operation on constants replaced by its result."""
    known: dict[Value, Value] = {}
    ops = []
    for op in program.ops:
        op = op.with_inputs(known)
        fixed = (
            op.form in _PURE and len(op.outputs) == 1 and not op.listed and all(v.kind == "made" for v in op.inputs())
        )
        if not fixed:
            ops.append(op)
            continue
        out = op.outputs[0]
        with np.errstate(all="ignore"):  # the trace has warned already
            known[out] = Value(
                "made", out.shape, out.dtype, op.result(lambda v: v.payload), out.name, out.strides, out.number
            )
    return program.with_ops(ops, mapped(program.outputs, lambda v: known.get(v, v)))
