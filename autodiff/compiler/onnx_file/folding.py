"""Operations that fold axes away, and those that are built from them: sums, order, softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.compiler.onnx_file.elementwise import is_infinite, scale
from autodiff.compiler.onnx_file.graph import Graph
from autodiff.compiler.onnx_file.two_sizes import Size, minus
from autodiff.compiler.values import Value

# --- reductions -----------------------------------------------------------------------------------


def axes_of(g: Graph, x: Any, axis: Any) -> list[int]:
    """The axes that NumPy's ``axis=`` means for an operand."""
    ndim = len(g.shape(x))
    if axis is None or not ndim:
        return list(range(ndim))
    return [int(a) % ndim for a in np.atleast_1d(np.asarray(axis, int))]


def folded(g: Graph, kind: str, name: str, axes: Sequence[int], keepdims: bool) -> str:
    """A reduction, such as ``ReduceSum``; of no axes nothing is to be done."""
    return str(g.node(kind, name, g.constant(list(axes), np.int64), keepdims=int(keepdims))) if axes else name


def _reduce(kind: str) -> Callable[..., str]:
    def form(g: Graph, out: Value, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> str:
        inner = np.dtype(np.int32) if np.dtype(out.dtype).kind == "b" else np.dtype(out.dtype)
        name = g.operand(x, bool) if inner != out.dtype else g.operand(x, inner)
        name = g.cast(name, out.dtype, inner)
        return g.cast(folded(g, kind, name, axes_of(g, x, axis), keepdims), inner, out.dtype)

    return form


def _mean(g: Graph, out: Value, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> str:
    return _averaged(g, out, x, g.operand(x, out.dtype), axes_of(g, x, axis), keepdims)


def _averaged(g: Graph, out: Value, x: Any, name: str, axes: Sequence[int], keepdims: bool, less: int = 0) -> str:
    """The sum over some axes of `x`, divided by their number of entries, less some; the mean of no rows is NaN."""
    count = g.entries(tuple(g.shape(x)[a] for a in axes))
    if less == 0 and not isinstance(count, Size):
        return folded(g, "ReduceMean", name, axes, keepdims)
    total = folded(g, "ReduceSum", name, axes, keepdims)
    divisor = g.operand(minus(count, less), out.dtype)
    if less:  # of fewer entries NaN, as NumPy says
        divisor = g.node("Max", divisor, g.constant(0, out.dtype))
    return str(g.node("Div", total, divisor))


def _var(
    g: Graph, out: Value, x: Any, axis: Any = None, dtype: Any = None, ddof: int = 0, keepdims: bool = False
) -> str:
    name, axes = g.operand(x, out.dtype), axes_of(g, x, axis)
    far = g.node("Sub", name, _averaged(g, out, x, name, axes, True))
    return _averaged(g, out, x, g.node("Mul", far, far), axes, keepdims, ddof)


def _norm(g: Graph, out: Value, x: Any, *, axis: Any, keepdims: bool, order: float = 2) -> str:
    sizes, axes = g.node("Abs", g.of(x)), axes_of(g, x, axis)
    unit = scale(g, x.dtype, folded(g, "ReduceMax", sizes, axes, True))
    powers = g.node("Pow", g.node("Div", sizes, unit), g.constant(order, x.dtype))
    total = folded(g, "ReduceSum", powers, axes, True)
    root = g.node("Sqrt", total) if order == 2 else g.node("Pow", total, g.constant(1 / order, x.dtype))
    return g.reshaped(g.node("Mul", unit, root), g.shape(out))


def _std(g: Graph, out: Value, x: Any, *axis: Any, **how: Any) -> str:
    return str(g.node("Sqrt", _var(g, out, x, *axis, **how)))


def _place_of(kind: str) -> Callable[..., str]:
    def form(g: Graph, out: Value, x: Any, axis: int | None = None, keepdims: bool = False) -> str:
        name = g.of(x) if axis is not None else g.reshaped(g.of(x), (g.entries(g.shape(x)),))
        y = g.node(kind, name, axis=axis or 0, keepdims=int(keepdims and axis is not None))
        return g.reshaped(g.cast(y, np.int64, out.dtype), g.shape(out)) if axis is None else y

    return form


def _cumsum(g: Graph, out: Value, x: Any, axis: int | None = None, dtype: Any = None) -> str:
    name = g.operand(x, out.dtype)
    if axis is None or not g.shape(x):
        name, axis = g.reshaped(name, (g.entries(g.shape(x)),)), 0
    return str(g.node("CumSum", name, g.constant(axis, np.int64)))


def _sorted(output: int) -> Callable[..., str]:
    """Sorting by TopK, in which of equal entries the first comes first."""

    def form(g: Graph, out: Value, x: Any, axis: int | None = -1, **_: Any) -> str:
        if axis is None:
            raise g.refused("axis=None")
        length = g.size(g.shape(x)[axis])
        return str(g.node("TopK", g.of(x), length, count=2, axis=axis, largest=0)[output])

    return form


# --- exponentials ---------------------------------------------------------------------------------


def _softmax(g: Graph, out: Value, x: Any, *, axis: Any) -> str:
    name, axes = g.of(x), axes_of(g, x, axis)
    if len(axes) > 1:
        far = g.node("Exp", g.node("Sub", name, folded(g, "ReduceMax", name, axes, True)))
        return str(g.node("Div", far, folded(g, "ReduceSum", far, axes, True)))
    y = g.node("Softmax", name, axis=axes[0])
    if not g.has_infinities:
        return str(y)
    # Where a mask leaves nothing to choose from, NumPy's shares are 0 here, and ONNX's are NaN.
    none = g.node("Equal", folded(g, "ReduceMax", name, axes, True), g.constant(-np.inf, out.dtype))
    return str(g.node("Where", none, g.constant(0, out.dtype), y))


def _log_softmax(g: Graph, out: Value, x: Any, *, axis: Any) -> str:
    axes = axes_of(g, x, axis)
    if len(axes) == 1:
        return str(g.node("LogSoftmax", g.of(x), axis=axes[0]))
    return str(g.node("Sub", g.of(x), _kept_logsumexp(g, x, axes)))


def _logsumexp(g: Graph, out: Value, x: Any, *, axis: Any, keepdims: bool) -> str:
    return g.reshaped(_kept_logsumexp(g, x, axes_of(g, x, axis)), g.shape(out))


def _kept_logsumexp(g: Graph, x: Value, axes: Sequence[int]) -> str:
    name = g.of(x)
    top = folded(g, "ReduceMax", name, axes, True)
    top = g.node("Where", is_infinite(g, x.dtype, top), g.constant(0, x.dtype), top)
    total = folded(g, "ReduceSum", g.node("Exp", g.node("Sub", name, top)), axes, True)
    return str(g.node("Add", g.node("Log", total), top))


FORMS: dict[str, Callable[..., Any]] = {
    "sum": _reduce("ReduceSum"),
    "prod": _reduce("ReduceProd"),
    **dict.fromkeys(("max", "amax", "any"), _reduce("ReduceMax")),
    **dict.fromkeys(("min", "amin", "all"), _reduce("ReduceMin")),
    "mean": _mean,
    "var": _var,
    "std": _std,
    "norm": _norm,
    "count_nonzero": lambda g, out, x, axis=None, *, keepdims=False: folded(
        g, "ReduceSum", g.cast(g.operand(x, bool), bool, out.dtype), axes_of(g, x, axis), keepdims
    ),
    "argmax": _place_of("ArgMax"),
    "argmin": _place_of("ArgMin"),
    "cumsum": _cumsum,
    "sort": _sorted(0),
    "argsort": _sorted(1),
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
}

FOLDS: dict[str, Callable[..., str]] = {
    "add": _reduce("ReduceSum"),
    "multiply": _reduce("ReduceProd"),
    **dict.fromkeys(("maximum", "logical_or"), _reduce("ReduceMax")),
    **dict.fromkeys(("minimum", "logical_and"), _reduce("ReduceMin")),
}
"""For ``ufunc.reduce`` by the name of the ufunc."""
