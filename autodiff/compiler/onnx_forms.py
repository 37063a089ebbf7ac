"""What each operation of a program is in ONNX's standard operations.

A form is a function of the graph, the value it makes and the operands of the operation; it returns the name of the
result. Reshapes take the shape of the value that is made, so none of them repeats NumPy's rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autodiff.compiler.onnx_graph import Graph
from autodiff.compiler.two_sizes import Shape, Size, Step
from autodiff.compiler.values import Value
from autodiff.ops import windows
from autodiff.ops.indexing import Index

# --- elementwise ----------------------------------------------------------------------------------

_RENAMED = {
    "absolute": "Abs", "fabs": "Abs", "negative": "Neg", "sign": "Sign", "floor": "Floor", "ceil": "Ceil",
    "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos", "tan": "Tan", "sinh": "Sinh",
    "cosh": "Cosh", "tanh": "Tanh", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "arcsinh": "Asinh",
    "arccosh": "Acosh", "arctanh": "Atanh", "erf": "Erf", "reciprocal": "Reciprocal", "isnan": "IsNaN", "add": "Add",
    "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "float_power": "Pow", "maximum": "Max",
    "minimum": "Min", "greater": "Greater", "less": "Less", "greater_equal": "GreaterOrEqual",
    "less_equal": "LessOrEqual", "equal": "Equal", "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor",
    "logical_not": "Not", "bitwise_and": "BitwiseAnd", "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor",
    "invert": "BitwiseNot", "rint": "Round", "positive": "Identity", "matmul": "MatMul",
}  # fmt: skip
"""For the name of a ufunc the operation that does the same, also for NaN, infinities and broadcasting."""
_OF_TRUTH = {
    "add": "Or", "multiply": "And", "maximum": "Or", "minimum": "And", "bitwise_and": "And", "bitwise_or": "Or",
    "bitwise_xor": "Xor", "invert": "Not", "not_equal": "Xor", "absolute": "Identity",
}  # fmt: skip
"""The same for Booleans, for which ONNX's arithmetic is not defined."""


def _log1p(g: Graph, d: Any, x: str) -> str:
    """Log(1 + x) with all digits near 0, by Kahan's quotient: what is lost in 1 + x is lost above and below."""
    one = g.constant(1, d)
    sum_ = g.node("Add", x, one)
    quotient = g.node("Div", g.node("Mul", x, g.node("Log", sum_)), g.node("Sub", sum_, one))
    same = g.node("Equal", sum_, one)
    infinite = g.node("Equal", x, g.constant(np.inf, d))
    return str(g.node("Where", same, x, g.node("Where", infinite, x, quotient)))


def _expm1(g: Graph, d: Any, x: str) -> str:
    """Exp(x) - 1 with all digits near 0, by the same quotient; far from 0 nothing is lost."""
    one = g.constant(1, d)
    y = g.node("Exp", x)
    less = g.node("Sub", y, one)
    quotient = g.node("Div", g.node("Mul", less, x), g.node("Log", y))
    near = g.node("Less", g.node("Abs", x), one)
    return str(g.node("Where", g.node("Equal", y, one), x, g.node("Where", near, quotient, less)))


def _logaddexp(g: Graph, d: Any, a: str, b: str) -> str:
    top = g.node("Max", a, b)
    far = g.node("Neg", g.node("Abs", g.node("Sub", a, b)))
    y = g.node("Add", top, _log1p(g, d, g.node("Exp", far)))
    infinite = g.node("Equal", g.node("Abs", top), g.constant(np.inf, d))  # the difference may be NaN there
    return str(g.node("Where", infinite, top, y))


def _is_infinite(g: Graph, d: Any, x: str) -> str:
    return str(g.node("Equal", g.node("Abs", x), g.constant(np.inf, d)))  # IsInf knows no float16


def _is_finite(g: Graph, d: Any, x: str) -> str:
    return str(g.node("Less", g.node("Abs", x), g.constant(np.inf, d)))


def _remainder(g: Graph, d: Any, a: str, b: str) -> str:
    if np.dtype(d).kind in "iu":
        return str(g.node("Mod", a, b))
    return str(g.node("Sub", a, g.node("Mul", b, g.node("Floor", g.node("Div", a, b)))))


def _floor_divide(g: Graph, d: Any, a: str, b: str) -> str:
    if np.dtype(d).kind in "iu":  # ONNX's quotient of integers is cut towards 0
        return str(g.node("Div", g.node("Sub", a, g.node("Mod", a, b)), b))
    return str(g.node("Floor", g.node("Div", a, b)))


def _times(factor: float, kind: str) -> Callable[..., str]:
    return lambda g, d, x: g.node("Mul", g.node(kind, x), g.constant(factor, d))


_UFUNCS: dict[str, Callable[..., str]] = {
    "log1p": _log1p,
    "expm1": _expm1,
    "logaddexp": _logaddexp,
    "isinf": _is_infinite,
    "isfinite": _is_finite,
    "remainder": _remainder,
    "floor_divide": _floor_divide,
    "square": lambda g, d, x: g.node("Mul", x, x),
    "exp2": lambda g, d, x: g.node("Pow", g.constant(2, d), x),
    "log2": _times(1 / math.log(2), "Log"),
    "log10": _times(1 / math.log(10), "Log"),
    "radians": _times(math.pi / 180, "Identity"),
    "degrees": _times(180 / math.pi, "Identity"),
    "deg2rad": _times(math.pi / 180, "Identity"),
    "rad2deg": _times(180 / math.pi, "Identity"),
    "trunc": lambda g, d, x: g.node("Mul", g.node("Sign", x), g.node("Floor", g.node("Abs", x))),
    "cbrt": lambda g, d, x: g.node(
        "Mul", g.node("Sign", x), g.node("Pow", g.node("Abs", x), g.constant(1 / 3, d))
    ),
    "hypot": lambda g, d, a, b: g.node("Sqrt", g.node("Add", g.node("Mul", a, a), g.node("Mul", b, b))),
    "not_equal": lambda g, d, a, b: g.node("Not", g.node("Equal", a, b)),
}  # fmt: skip


def _ufunc(g: Graph, step: Step) -> str:
    """A ufunc: its operands in the dtype in which NumPy computes."""
    name, args = step.name, step.args
    if name == "matmul":
        convolution = _convolved(g, *args, step.op.outputs[0])
        if convolution:
            return convolution
    if name == "maximum" and _is_zero(args[1]) and g.dtype(args[0]).kind == "f":
        return str(g.node("Relu", g.of(args[0])))
    ufunc = getattr(step.op.function, "fn", step.op.function)
    if not isinstance(ufunc, np.ufunc) or step.keywords or ufunc.nout != 1:
        raise g.refused()
    kinds = [x.dtype if hasattr(x, "dtype") else np.dtype(bool) if x is True or x is False else
             int if isinstance(x, Size) else type(x) for x in args]  # fmt: skip
    loop = ufunc.resolve_dtypes((*kinds, None))
    if name == "power" and args[1].__class__ in (int, float) and args[1] in (0.5, 2):
        x = g.operand(args[0], loop[0])
        return str(g.node("Sqrt", x) if args[1] == 0.5 else g.node("Mul", x, x))
    inputs = [g.operand(x, kind) for x, kind in zip(args, loop)]
    if loop[0] == np.dtype(bool) and name in _OF_TRUTH:
        return str(g.node(_OF_TRUTH[name], *inputs))
    if name in _RENAMED:
        return str(g.node(_RENAMED[name], *inputs))
    if name not in _UFUNCS:
        raise g.refused()
    return _UFUNCS[name](g, loop[0], *inputs)


def _is_zero(x: Any) -> bool:
    return type(x) in (int, float) and x == 0


def _where(g: Graph, out: Value, c: Any, a: Any, b: Any) -> str:
    c = g.operand(c, bool)
    a, b = (g.operand(x, out.dtype) for x in (a, b))
    if np.dtype(out.dtype).kind != "b":
        return str(g.node("Where", c, a, b))
    return str(g.node("Or", g.node("And", c, a), g.node("And", g.node("Not", c), b)))


def _clip(g: Graph, out: Value, x: Any, low: Any = None, high: Any = None) -> str:
    y = g.operand(x, out.dtype)
    y = y if low is None else g.node("Max", y, g.operand(low, out.dtype))
    return str(y if high is None else g.node("Min", y, g.operand(high, out.dtype)))


def _cast(g: Graph, out: Value, x: Any, *_: Any, **__: Any) -> str:
    return g.operand(x, out.dtype)


# --- shapes ---------------------------------------------------------------------------------------


def _reshape(g: Graph, out: Value, x: Any, *how: Any, order: str = "C", **_: Any) -> str:
    """Everything that only changes the shape."""
    if order not in ("C", "A", "K") or "F" in how:
        raise g.refused("entries would be read column by column")
    return g.reshaped(g.of(x), g.shape(out))


def _transposed(g: Graph, name: str, axes: Sequence[int]) -> str:
    return name if list(axes) == list(range(len(axes))) else str(g.node("Transpose", name, perm=list(axes)))


def _transpose(g: Graph, out: Value, x: Any, *axes: Any) -> str:
    ndim = len(g.shape(x))
    axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return _transposed(g, g.of(x), [a % ndim for a in axes] if axes else range(ndim)[::-1])


def _swapaxes(g: Graph, out: Value, x: Any, i: int, j: int) -> str:
    axes = list(range(len(g.shape(x))))
    axes[i], axes[j] = axes[j], axes[i]
    return _transposed(g, g.of(x), axes)


def _moveaxis(g: Graph, out: Value, x: Any, source: Any, destination: Any) -> str:
    places = np.moveaxis(np.empty(range(2, 2 + len(g.shape(x)))[::-1] or ()), source, destination).shape
    return _transposed(g, g.of(x), [1 + len(places) - m for m in places])


def _expand(g: Graph, out: Value, x: Any, *_: Any, **__: Any) -> str:
    return g.expanded(g.operand(x, out.dtype), g.shape(out))


def _full_like(g: Graph, out: Value, x: Any, value: Any, **_: Any) -> str:
    return g.expanded(g.operand(value, out.dtype), g.shape(out))


def _concatenate(g: Graph, out: Value, parts: Sequence[Any], axis: int = 0, **_: Any) -> str:
    if axis is None:
        raise g.refused("axis=None")
    return str(g.node("Concat", *(g.operand(x, out.dtype) for x in parts), axis=axis % len(out.shape)))


def _stack(g: Graph, out: Value, parts: Sequence[Any], axis: int = 0, **_: Any) -> str:
    axis %= len(out.shape)
    one = tuple(1 if i == axis else m for i, m in enumerate(g.shape(out)))
    return str(g.node("Concat", *(g.reshaped(g.operand(x, out.dtype), one) for x in parts), axis=axis))


def _split(g: Graph, out: list[Value], x: Any, _: Any, axis: int = 0) -> list[str]:
    lengths = [g.shape(part)[axis] for part in out]
    return list(_listed(g.node("Split", g.of(x), g.integers(lengths), count=len(out), axis=axis % len(g.shape(x)))))


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else names


def _triangle(upper: int) -> Callable[..., str]:
    return lambda g, out, x, k=0: g.node("Trilu", g.of(x), g.constant(k, np.int64), upper=upper)


def _rearranged(rearrange: Callable[..., Any]) -> Callable[..., str]:
    """A function that only moves or repeats entries along one axis, by the places from which it takes them."""

    def form(g: Graph, out: Value, x: Any, *how: Any, axis: Any = None) -> str:
        name, shape = g.of(x), g.shape(x)
        if axis is None and len(how) > 1:
            *how, axis = how  # type: ignore[assignment]
        if axis is None:
            shape = (g.entries(shape),)
            name, axis = g.reshaped(name, shape), 0
        length = shape[axis]
        if isinstance(length, Size) or not isinstance(axis, int):
            raise g.refused("its axis is the batch")
        places = rearrange(np.arange(length), *how)
        return g.reshaped(str(g.node("Gather", name, g.constant(places, np.int64), axis=axis)), g.shape(out))

    return form


def _flip(g: Graph, out: Value, x: Any, axis: Any = None) -> str:
    ndim = len(g.shape(x))
    axes = range(ndim) if axis is None else [a % ndim for a in np.atleast_1d(axis)]
    return _sliced(g, g.of(x), [(int(a), slice(None, None, -1)) for a in axes])


# --- entries --------------------------------------------------------------------------------------


def _sliced(g: Graph, name: str, parts: Sequence[tuple[int, slice]]) -> str:
    """Slices along some axes. ONNX clamps their ends as Python does."""
    if not parts:
        return name
    last = np.iinfo(np.int64)
    steps = [s.step or 1 for _, s in parts]
    starts = [(0 if k > 0 else last.max) if s.start is None else s.start for (_, s), k in zip(parts, steps)]
    ends = [(last.max if k > 0 else last.min) if s.stop is None else s.stop for (_, s), k in zip(parts, steps)]
    return str(g.node("Slice", name, *map(g.integers, (starts, ends, [a for a, _ in parts], steps))))


def _entry(i: int | Size) -> slice:
    """The slice of one entry."""
    if isinstance(i, Size):
        return slice(i, Size(i.slope, i.offset + 1))
    return slice(i, None if i == -1 else i + 1)


def _is_array(part: Any) -> bool:
    return isinstance(part, (Value, list, np.ndarray))


def _getitem(g: Graph, out: Value, x: Any, index: Any) -> str:
    """Slices first, all in one node; then arrays of places; at last the shape, without axes of single entries."""
    pooled = g.pooled.get(index) if isinstance(index, Value) else None
    if pooled is not None and g.sources.get(g.of(x)) == pooled[0]:
        return str(pooled[1])
    parts = [int(p) if isinstance(p, np.integer) else p for p in (index if isinstance(index, tuple) else (index,))]
    if any(isinstance(p, (bool, np.bool_)) for p in parts):
        raise g.refused("an index by a mask")
    shape = g.shape(x)
    missing = len(shape) - sum(p is not None and p is not Ellipsis for p in parts)
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    parts[at : at + 1] = [slice(None)] * missing
    with_arrays = any(map(_is_array, parts))
    slices, arrays, axis = [], {}, 0
    for p in parts:
        if p is None:
            if with_arrays:
                raise g.refused("a new axis together with arrays of places")
            continue
        if _is_array(p) or (with_arrays and not isinstance(p, slice)):
            arrays[axis] = p
        elif p != slice(None):
            slices.append((axis, p if isinstance(p, slice) else _entry(p)))
        axis += 1
    name = _sliced(g, g.of(x), slices)
    return _gathered(g, name, len(shape), arrays) if arrays else g.reshaped(name, g.shape(out))


def _gathered(g: Graph, name: str, ndim: int, arrays: dict[int, Any]) -> str:
    """Entries at places along some axes; their axes stand in place of these, or first if these are not neighbours."""
    axes = list(arrays)
    places = [g.operand(p, np.int64) for p in arrays.values()]
    if len(axes) == 1:
        return str(g.node("Gather", name, places[0], axis=axes[0]))
    shape: Shape = np.broadcast_shapes(*(tuple(1 if isinstance(m, Size) else m for m in g.shape(p)) for p in arrays.values()))
    for p in arrays.values():  # a length that depends on the batch wins over 1
        own = g.shape(p)
        shape = tuple(own[i - len(shape)] if i >= len(shape) - len(own) and isinstance(own[i - len(shape)], Size) else m
                      for i, m in enumerate(shape))  # fmt: skip
    columns = [g.reshaped(g.expanded(p, shape), (*shape, 1)) for p in places]
    rest = [a for a in range(ndim) if a not in arrays]
    y = g.node("GatherND", _transposed(g, name, [*axes, *rest]), g.node("Concat", *columns, axis=len(shape)))
    if axes != list(range(axes[0], axes[-1] + 1)):
        return str(y)
    k, before = len(shape), axes[0]
    order = [*range(k, k + before), *range(k), *range(k + before, k + len(rest))]
    return _transposed(g, y, order)


def _take(g: Graph, out: Value, x: Any, places: Any, axis: int | None = None, **_: Any) -> str:
    name = g.of(x) if axis is not None else g.reshaped(g.of(x), (g.entries(g.shape(x)),))
    return str(g.node("Gather", name, g.operand(places, np.int64), axis=axis or 0))


def _take_along_axis(g: Graph, out: Value, x: Any, places: Any, axis: int = -1) -> str:
    return str(g.node("GatherElements", g.of(x), g.operand(places, np.int64), axis=axis))


def _index_add(g: Graph, out: Value, values: Any, *arrays: Any, index: Index, shape: Shape) -> str:
    """Zeros with an array in their midst: padding."""
    parts = index.template if isinstance(index.template, tuple) else (index.template,)
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    parts = (*parts[:at], *[slice(None)] * (len(shape) - len(parts) + (at < len(parts))), *parts[at + 1 :])
    inner, before, after = g.shape(values), [], []
    for p, m, total in zip(parts, (*inner, *[0] * len(shape)), shape):
        if not isinstance(p, slice) or p.step not in (None, 1) or isinstance(p.start, Size) or len(inner) != len(shape):
            raise g.refused("it adds up entries at places")
        before.append(p.start or 0)
        rest = _minus(total, m)
        if isinstance(rest, Size) or (p.start or 0) < 0:
            raise g.refused("the size of the batch changes")
        after.append(rest - before[-1])
    return str(g.node("Pad", g.of(values), g.integers([*before, *after])))


def _minus(a: int | Size, b: int | Size) -> int | Size:
    a, b = (m if isinstance(m, Size) else Size(0, m) for m in (a, b))
    return Size(a.slope - b.slope, a.offset - b.offset) if a.slope != b.slope else a.offset - b.offset


# --- reductions -----------------------------------------------------------------------------------

_FOLDS = {"add": "ReduceSum", "multiply": "ReduceProd", "maximum": "ReduceMax", "minimum": "ReduceMin"}
_FOLDS |= {"logical_and": "ReduceMin", "logical_or": "ReduceMax"}


def _axes(g: Graph, x: Any, axis: Any) -> list[int]:
    ndim = len(g.shape(x))
    return list(range(ndim)) if axis is None else [int(a) % ndim for a in np.atleast_1d(np.asarray(axis, int))]


def _folded(g: Graph, kind: str, name: str, axes: Sequence[int], keepdims: bool) -> str:
    return str(g.node(kind, name, g.constant(list(axes), np.int64), keepdims=int(keepdims))) if axes else name


def _reduce(kind: str) -> Callable[..., str]:
    def form(g: Graph, out: Value, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> str:
        inner = np.dtype(np.int32) if np.dtype(out.dtype).kind == "b" else np.dtype(out.dtype)
        name = g.operand(x, bool) if inner != out.dtype else g.operand(x, inner)
        name = g.cast(name, out.dtype, inner)
        return g.cast(_folded(g, kind, name, _axes(g, x, axis), keepdims), inner, out.dtype)

    return form


def _mean(g: Graph, out: Value, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> str:
    return _folded(g, "ReduceMean", g.operand(x, out.dtype), _axes(g, x, axis), keepdims)


def _var(g: Graph, out: Value, x: Any, axis: Any = None, dtype: Any = None, ddof: int = 0, keepdims: bool = False) -> str:
    name, axes = g.operand(x, out.dtype), _axes(g, x, axis)
    far = g.node("Sub", name, _folded(g, "ReduceMean", name, axes, True))
    total = _folded(g, "ReduceSum", g.node("Mul", far, far), axes, keepdims)
    count = _minus(g.entries(tuple(g.shape(x)[a] for a in axes)), ddof)
    return str(g.node("Div", total, g.operand(count, out.dtype)))


def _std(g: Graph, out: Value, x: Any, **how: Any) -> str:
    return str(g.node("Sqrt", _var(g, out, x, **how)))


def _place_of(kind: str) -> Callable[..., str]:
    def form(g: Graph, out: Value, x: Any, axis: int | None = None, keepdims: bool = False) -> str:
        name = g.of(x) if axis is not None else g.reshaped(g.of(x), (g.entries(g.shape(x)),))
        y = g.node(kind, name, axis=axis or 0, keepdims=int(keepdims and axis is not None))
        return g.reshaped(g.cast(y, np.int64, out.dtype), g.shape(out)) if axis is None else y

    return form


def _cumsum(g: Graph, out: Value, x: Any, axis: int | None = None, dtype: Any = None) -> str:
    name = g.operand(x, out.dtype)
    name = name if axis is not None else g.reshaped(name, (g.entries(g.shape(x)),))
    return str(g.node("CumSum", name, g.constant(axis or 0, np.int64)))


def _sorted(output: int) -> Callable[..., str]:
    """Sorting by TopK, in which of equal entries the first comes first."""

    def form(g: Graph, out: Value, x: Any, axis: int | None = -1, **_: Any) -> str:
        if axis is None:
            raise g.refused("axis=None")
        length = g.size(g.shape(x)[axis])
        return str(g.node("TopK", g.of(x), length, count=2, axis=axis, largest=0)[output])

    return form


# --- products -------------------------------------------------------------------------------------


def _einsum(g: Graph, out: Value, equation: Any, *operands: Any, **_: Any) -> str:
    if not isinstance(equation, str):
        raise g.refused("its subscripts are no text")
    return str(g.node("Einsum", *(g.operand(x, out.dtype) for x in operands), equation=equation.replace(" ", "")))


def _tensordot(g: Graph, out: Value, a: Any, b: Any, axes: Any = 2) -> str:
    m, n = len(g.shape(a)), len(g.shape(b))
    if isinstance(axes, int):
        axes = (range(m - axes, m), range(axes))
    of_a = [chr(ord("a") + i) for i in range(m)]
    of_b = [chr(ord("A") + i) for i in range(n)]
    for i, j in zip(*(np.atleast_1d(part).tolist() for part in axes)):
        of_b[j] = of_a[i]
    shared = {*of_a} & {*of_b}
    left = "".join(k for k in (*of_a, *of_b) if k not in shared)
    return _einsum(g, out, f"{''.join(of_a)},{''.join(of_b)}->{left}", a, b)


def _dot(g: Graph, out: Value, a: Any, b: Any) -> str:
    if len(g.shape(b)) > 2:
        return _tensordot(g, out, a, b, ([-1], [len(g.shape(b)) - 2]))
    kind = "MatMul" if g.shape(a) and g.shape(b) else "Mul"
    return str(g.node(kind, g.operand(a, out.dtype), g.operand(b, out.dtype)))


def _inner(g: Graph, out: Value, a: Any, b: Any) -> str:
    return _tensordot(g, out, a, b, ([-1], [len(g.shape(b)) - 1]))


def _outer(g: Graph, out: Value, a: Any, b: Any) -> str:
    column, row = (g.entries(g.shape(a)), 1), (1, g.entries(g.shape(b)))
    a, b = (g.operand(x, out.dtype) for x in (a, b))
    return str(g.node("Mul", g.reshaped(a, column), g.reshaped(b, row)))


# --- exponentials ---------------------------------------------------------------------------------


def _softmax(g: Graph, out: Value, x: Any, *, axis: Any) -> str:
    name, axes = g.of(x), _axes(g, x, axis)
    if len(axes) > 1:
        far = g.node("Exp", g.node("Sub", name, _folded(g, "ReduceMax", name, axes, True)))
        return str(g.node("Div", far, _folded(g, "ReduceSum", far, axes, True)))
    y = g.node("Softmax", name, axis=axes[0])
    if not g.has_infinities:
        return str(y)
    # Where a mask leaves nothing to choose from, NumPy's shares are 0 here, and ONNX's are NaN.
    none = g.node("Equal", _folded(g, "ReduceMax", name, axes, True), g.constant(-np.inf, out.dtype))
    return str(g.node("Where", none, g.constant(0, out.dtype), y))


def _log_softmax(g: Graph, out: Value, x: Any, *, axis: Any) -> str:
    axes = _axes(g, x, axis)
    if len(axes) == 1:
        return str(g.node("LogSoftmax", g.of(x), axis=axes[0]))
    return str(g.node("Sub", g.of(x), _logsumexp(g, out, x, axis=axis, keepdims=True)))


def _logsumexp(g: Graph, out: Value, x: Any, *, axis: Any, keepdims: bool) -> str:
    name, axes = g.of(x), _axes(g, x, axis)
    top = _folded(g, "ReduceMax", name, axes, True)
    top = g.node("Where", _is_infinite(g, out.dtype, top), g.constant(0, out.dtype), top)
    total = _folded(g, "ReduceSum", g.node("Exp", g.node("Sub", name, top)), axes, True)
    return g.reshaped(str(g.node("Add", g.node("Log", total), top)), g.shape(out))


# --- windows --------------------------------------------------------------------------------------


def _all_windows(g: Graph, out: Value, x: Any, kernel: Any, stride: Any, dilation: Any) -> str:
    """Windows as columns: the places of their entries are known."""
    n, channels, *spatial = g.shape(x)
    places = np.arange(math.prod(spatial)).reshape(1, 1, *spatial)
    places = windows.all_windows(places, kernel, stride, dilation)[0]
    flat = g.reshaped(g.of(x), (n, channels, math.prod(spatial)))
    y = g.reshaped(str(g.node("Gather", flat, g.constant(places, np.int64), axis=2)), g.shape(out))
    g.windows[y] = g.sources[y], g.of(x), g.shape(x), kernel, stride, dilation
    return y


def _convolved(g: Graph, w: Any, columns: Any, out: Value) -> str:
    """The product of weights and windows as a convolution; empty if it is none."""
    if not isinstance(columns, Value) or not isinstance(w, Value) or np.dtype(out.dtype).itemsize > 4:
        return ""  # onnxruntime has no convolution in float64
    source = g.sources.get(g.of(columns), "")
    found = next((known for name, known in g.windows.items() if source in (name, known[0])), None)
    if found is None or len(w.shape) != 3 or len(columns.shape) != 4 or w.dtype != columns.dtype:
        return ""
    _, x, shape, kernel, stride, dilation = found
    channels, groups = shape[1], columns.shape[1]
    if w.shape != (groups, w.shape[1], channels // groups * math.prod(kernel)):
        return ""
    rows = groups * w.shape[1]
    weights = g.reshaped(g.of(w), (rows, channels // groups, *kernel))
    how = {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "group": groups}
    y = str(g.node("Conv", x, weights, **how))
    g.known[y] = (shape[0], rows, *windows.count(shape[2:], kernel, stride, dilation))
    return g.reshaped(y, g.shape(out))


def _first_largest(g: Graph, out: Value, x: Any, *, kernel: Any, stride: Any, dilation: Any) -> str:
    how = {"kernel_shape": kernel, "strides": stride, "dilations": dilation}
    y, places = g.node("MaxPool", g.of(x), count=2, **how)
    g.pooled[out] = g.sources.get(g.of(x), g.of(x)), y
    return str(places)


def _sum_windows(g: Graph, out: Value, x: Any, *, kernel: Any, stride: Any, dilation: Any) -> str:
    n, channels, *spatial = g.shape(x)
    places = windows.all_windows(np.arange(math.prod(spatial)).reshape(1, 1, *spatial), kernel, stride, dilation)[0]
    flat = g.reshaped(g.of(x), (n, channels, math.prod(spatial)))
    y = g.node("Gather", flat, g.constant(places, np.int64), axis=2)
    return g.reshaped(_folded(g, "ReduceSum", y, [2], False), g.shape(out))


# --- recurrences ----------------------------------------------------------------------------------


class _Body:
    """The graph of one step over time, which reads weights from outside."""

    def __init__(self, g: Graph, dtype: Any, states: Sequence[str]) -> None:
        self.g, self.states = g, states
        self.make, self.info, self.kind = g.onnx.helper.make_node, g.onnx.helper.make_tensor_value_info, g.kind(dtype)
        self.nodes: list[Any] = []

    def __call__(self, kind: str, *inputs: str, count: int = 1, **attributes: Any) -> Any:
        """Add a node."""
        names = [self.g.unique(kind.lower()) for _ in range(count)]
        self.nodes.append(self.make(kind, inputs, names, **attributes))
        return names[0] if count == 1 else names

    def scan(self, x: str, starts: Sequence[str], ends: Sequence[str], given: str) -> list[str]:
        """All states, time in the second axis, from the input of all steps."""
        copies = [self("Identity", y) for y in ends]
        infos = [[self.info(name, self.kind, None) for name in names] for names in
                 ((*self.states, given), (*ends, *copies))]  # fmt: skip
        body = self.g.onnx.helper.make_graph(self.nodes, "step", *infos)
        axes = [1] * len(ends)
        y = self.g.node(
            "Scan", *starts, x, count=2 * len(ends), body=body, num_scan_inputs=1, scan_input_axes=[1],
            scan_output_axes=axes,
        )  # fmt: skip
        return list(y[len(ends) :])


def _over_time(steps: Callable[..., Sequence[str]]) -> Callable[..., Any]:
    """A recurrence by what one step computes from the states and the input."""

    def form(g: Graph, out: Any, x: Any, *operands: Any, **how: Any) -> Any:
        dtype = (out[0] if isinstance(out, list) else out).dtype
        x, *names = (g.operand(a, dtype) for a in (x, *operands))
        count = len(out) if isinstance(out, list) else 1
        states, weights = names[:count], names[count:]
        inner = [g.unique("state") for _ in states]
        given = g.unique("given")
        body = _Body(g, dtype, inner)
        found = body.scan(x, states, steps(body, given, *inner, *weights, **how), given)
        return found if isinstance(out, list) else found[0]

    return form


def _rnn(body: _Body, given: str, h: str, w: str, *, bend: str) -> list[str]:
    return [body("Tanh" if bend == "tanh" else "Relu", body("Add", body("MatMul", h, w), given))]


def _lstm(body: _Body, given: str, h: str, c: str, w: str) -> list[str]:
    i, f, new, o = body("Split", body("Add", body("MatMul", h, w), given), count=4, axis=1, num_outputs=4)
    kept = body("Mul", body("Sigmoid", f), c)
    c = body("Add", kept, body("Mul", body("Sigmoid", i), body("Tanh", new)))
    return [body("Mul", body("Sigmoid", o), body("Tanh", c)), c]


def _gru(body: _Body, given: str, h: str, b: str, w: str) -> list[str]:
    own = body("Split", body("Add", body("MatMul", h, w), b), count=3, axis=1, num_outputs=3)
    new = body("Split", given, count=3, axis=1, num_outputs=3)
    r, z = (body("Sigmoid", body("Add", own[k], new[k])) for k in (0, 1))
    n = body("Tanh", body("Add", new[2], body("Mul", r, own[2])))
    return [body("Add", body("Mul", body("Sub", h, n), z), n)]


# --- the table ------------------------------------------------------------------------------------

_FORMS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(
        ("copy", "astype", "contiguous", "ascontiguousarray", "asarray", "array", "asanyarray", "real", "conj",
         "conjugate"),
        _cast,
    ),
    **dict.fromkeys(("reshape", "ravel", "flatten", "expand_dims", "squeeze"), _reshape),
    **dict.fromkeys(("transpose", "T", "permute_dims"), _transpose),
    "swapaxes": _swapaxes,
    "moveaxis": _moveaxis,
    "broadcast_to": _expand,
    "full_like": _full_like,
    "concatenate": _concatenate,
    "concat": _concatenate,
    "stack": _stack,
    "split": _split,
    "array_split": _split,
    "tril": _triangle(0),
    "triu": _triangle(1),
    "flip": _flip,
    "roll": _rearranged(np.roll),
    "repeat": _rearranged(np.repeat),
    "where": _where,
    "clip": _clip,
    "getitem": _getitem,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "index_add": _index_add,
    "sum": _reduce("ReduceSum"),
    "prod": _reduce("ReduceProd"),
    **dict.fromkeys(("max", "amax", "any"), _reduce("ReduceMax")),
    **dict.fromkeys(("min", "amin", "all"), _reduce("ReduceMin")),
    "mean": _mean,
    "var": _var,
    "std": _std,
    "argmax": _place_of("ArgMax"),
    "argmin": _place_of("ArgMin"),
    "cumsum": _cumsum,
    "sort": _sorted(0),
    "argsort": _sorted(1),
    "einsum": _einsum,
    "tensordot": _tensordot,
    "dot": _dot,
    "inner": _inner,
    "outer": _outer,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "all_windows": _all_windows,
    "first_largest": _first_largest,
    "sum_windows": _sum_windows,
    "rnn": _over_time(_rnn),
    "lstm": _over_time(_lstm),
    "gru": _over_time(_gru),
}  # fmt: skip


def write(g: Graph, step: Step) -> list[str]:
    """Add the nodes of an operation to a graph; the names of its results.

    Raises
    ------
    UnsupportedError
        If ONNX's standard operations cannot do it.
    """
    g.step, out = step, step.op.outputs
    if step.op.form in ("ufunc", "operator") or (step.name in (*_RENAMED, *_UFUNCS) and step.op.form == "opaque"):
        return [_ufunc(g, step)]
    if step.op.form == "reduce":
        form = _reduce(_FOLDS[step.name]) if step.name in _FOLDS else None
    else:
        form = _FORMS.get(step.name)
    if form is None or any(np.dtype(v.dtype).kind == "c" for v in out):
        raise g.refused()
    try:
        return _listed(form(g, out if step.op.listed else out[0], *step.args, **step.keywords))
    except TypeError as error:  # an operand or keyword that the form does not know
        raise g.refused(str(error)) from error
