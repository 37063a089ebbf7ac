"""Operations that NumPy runs as a whole, written out in elementwise operations and folds, which C joins with others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.tracing import trace
from autodiff.compiler.values import Op, Value
from autodiff.core.primitives import Primitive
from autodiff.errors import CompileError


def _exponentials(x: Any, axis: Any) -> tuple[Any, Any, Any]:
    """The largest entries, exp(x - largest), which is 1 for each +inf, and the sums of these."""
    top = np.maximum.reduce(x, axis=axis, keepdims=True)
    e = np.exp(x - np.where(np.isinf(top), 0.0, top))
    e = np.where(top == np.inf, x == np.inf, e)  # two Python numbers instead would be float64
    return top, e, np.add.reduce(e, axis=axis, keepdims=True)


def _softmax(x: Any, *, axis: Any) -> Any:
    _, e, total = _exponentials(x, axis)
    return e / np.where(total == 0, 1.0, total)


def _log_softmax(x: Any, *, axis: Any) -> Any:
    top, e, total = _exponentials(x, axis)
    return np.where(np.isinf(top), np.log(e / np.where(total == 0, 1.0, total)), x - top - np.log(total))


def _logsumexp(x: Any, *, axis: Any, keepdims: bool) -> Any:
    top, _, total = _exponentials(x, axis)
    y = np.log(total) + np.where(np.isinf(top) & (top < 0), 0.0, top)
    if keepdims:
        return y
    axes = range(x.ndim) if axis is None else axis
    return y.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _fold(function: Any) -> Callable[..., Any]:
    def folded(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        return function.reduce(x, axis=axis, keepdims=keepdims)

    return folded


def _mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    count = math.prod(x.shape[a] for a in axes)
    return _FOLDS["sum"](x, axis, keepdims=keepdims) / count


_FOLDS: dict[str, Callable[..., Any]] = {
    "sum": _fold(np.add), "prod": _fold(np.multiply), "max": _fold(np.maximum), "min": _fold(np.minimum),
    "amax": _fold(np.maximum), "amin": _fold(np.minimum), "mean": _mean,
}  # fmt: skip
"""NumPy's functions and methods, as plain functions of arrays call them."""
_EXPANDED: dict[str, Callable[..., Any]] = {
    "softmax": _softmax, "log_softmax": _log_softmax, "logsumexp": _logsumexp, "clip": _clip,
}  # fmt: skip


def expansions(program: Program) -> Program:
    """The program with such operations written out."""
    ops: list[Op] = []
    for op in program.ops:
        ops += _expanded(op)
    return program.with_ops(ops)


def _expanded(op: Op) -> list[Op]:
    name = op.function.name if isinstance(op.function, Primitive) else getattr(op.function, "__name__", "")
    name = op.function if op.form == "method" else name
    formula = _EXPANDED.get(name) if op.form == "opaque" else _FOLDS.get(name)
    if name == "clip" and op.form == "function":
        formula = _clip
    if formula is None or op.form not in ("opaque", "function", "method") or len(op.outputs) != 1:
        return [op]
    if any(np.dtype(v.dtype).kind != "f" for v in op.inputs()) or not op.outputs[0].size:
        return [op]
    inputs = list(op.inputs())
    arrays = [a for a in op.args if isinstance(a, Value)]
    if arrays != inputs or len(set(inputs)) != len(inputs):
        return [op]

    def run(*given: Any) -> Any:
        rest = iter(given)
        return formula(*(next(rest) if isinstance(a, Value) else a for a in op.args), **op.keywords)

    zeros = [np.zeros(v.shape, v.dtype) for v in inputs]
    try:
        found = trace(partial(run), name, zeros, lambda new: (tuple(new), {})).program
    except (TypeError, CompileError):  # a keyword that the formula does not have
        return [op]
    (result,) = found.outputs
    out = op.outputs[0]
    if not isinstance(result, Value) or result.kind != "result" or result.dtype != out.dtype:
        return [op]
    known = {v: inputs[v.payload] for v in found.arguments}
    known[result] = out
    return [
        replace(
            o.with_inputs(known),
            outputs=[known.get(v, v) for v in o.outputs],
            scope=op.scope,
            rule=op.rule,
            errors=None,
        )
        for o in found.ops
    ]
