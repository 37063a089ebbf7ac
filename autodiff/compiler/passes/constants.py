"""Constant folding: a result that depends only on constants is computed once, when the program is written."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.values import OPERATORS, Op, Value, mapped

_PURE = ("ufunc", "operator", "reduce", "function", "method", "attribute", "index")


def _result(op: Op) -> Any:
    args = mapped(op.args, lambda v: v.payload)
    keywords = {k: mapped(v, lambda v: v.payload) for k, v in op.keywords.items()}
    if op.form == "ufunc":
        return op.function(*args, **keywords)
    if op.form == "operator":
        return OPERATORS[op.function][1](*args)
    if op.form == "reduce":
        return op.function.reduce(*args, **keywords)
    if op.form == "method":
        return getattr(args[0], op.function)(*args[1:], **keywords)
    if op.form == "attribute":
        return getattr(args[0], op.function)
    return args[0][args[1]] if op.form == "index" else op.function(*args, **keywords)


def constants(program: Program) -> Program:
    """The program with every operation on constants replaced by its result."""
    known: dict[Value, Value] = {}
    ops = []
    for op in program.ops:
        op = op.with_inputs(lambda v: known.get(v, v))
        fixed = (
            op.form in _PURE and len(op.outputs) == 1 and not op.listed and all(v.kind == "made" for v in op.inputs())
        )
        if not fixed:
            ops.append(op)
            continue
        out = op.outputs[0]
        with np.errstate(all="ignore"):  # the trace has warned already
            known[out] = Value("made", out.shape, out.dtype, _result(op), out.name, out.strides, out.number)
    return program.with_ops(ops, mapped(program.outputs, lambda v: known.get(v, v)))
