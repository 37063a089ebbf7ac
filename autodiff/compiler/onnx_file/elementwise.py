"""Ufuncs and other elementwise functions in ONNX's operations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.onnx_file.graph import Graph
from autodiff.compiler.onnx_file.two_sizes import Inverse, Size, Step
from autodiff.compiler.values import Value

_RENAMED = {
    "absolute": "Abs", "fabs": "Abs", "negative": "Neg", "sign": "Sign", "floor": "Floor", "ceil": "Ceil",
    "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos", "tan": "Tan", "sinh": "Sinh",
    "cosh": "Cosh", "tanh": "Tanh", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "arcsinh": "Asinh",
    "arccosh": "Acosh", "arctanh": "Atanh", "erf": "Erf", "reciprocal": "Reciprocal", "isnan": "IsNaN", "add": "Add",
    "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "float_power": "Pow", "maximum": "Max",
    "minimum": "Min", "greater": "Greater", "less": "Less", "greater_equal": "GreaterOrEqual",
    "less_equal": "LessOrEqual", "equal": "Equal", "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor",
    "logical_not": "Not", "bitwise_and": "BitwiseAnd", "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor",
    "invert": "BitwiseNot", "rint": "Round", "positive": "Identity", "conjugate": "Identity",
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


def is_infinite(g: Graph, d: Any, x: str) -> str:
    """Whether each entry of an array of this dtype is infinite."""
    return str(g.node("Equal", g.node("Abs", x), g.constant(np.inf, d)))  # IsInf knows no float16


def _is_finite(g: Graph, d: Any, x: str) -> str:
    return str(g.node("Less", g.node("Abs", x), g.constant(np.inf, d)))


def _by(g: Graph, d: Any, a: str, b: str, divided: Callable[[str], str]) -> str:
    """A quotient or remainder of integers, which is 0 in NumPy where b is: a runtime would stop there."""
    zero = g.constant(0, d)
    if b in g.initializers and np.all(g.onnx.numpy_helper.to_array(g.initializers[b])):
        return divided(b)
    none = g.node("Equal", b, zero)
    return str(g.node("Where", none, zero, divided(g.node("Where", none, g.constant(1, d), b))))


def _remainder(g: Graph, d: Any, a: str, b: str) -> str:
    if np.dtype(d).kind in "iu":
        return _by(g, d, a, b, lambda b: g.node("Mod", a, b))
    zero = g.constant(0, d)
    rest = g.node("Mod", a, b, fmod=1)  # has the sign of a; that of b is wanted
    sign = g.node("Mul", g.node("Sign", rest), g.node("Sign", b))
    return str(g.node("Where", g.node("Less", sign, zero), g.node("Add", rest, b), rest))


def _floor_divide(g: Graph, d: Any, a: str, b: str) -> str:
    if np.dtype(d).kind in "iu":  # ONNX's quotient of integers is cut towards 0
        return _by(g, d, a, b, lambda b: g.node("Div", g.node("Sub", a, g.node("Mod", a, b)), b))
    quotient = g.node("Round", g.node("Div", g.node("Sub", a, _remainder(g, d, a, b)), b))
    return str(g.node("Where", g.node("Equal", b, g.constant(0, d)), g.node("Div", a, b), quotient))


def scale(g: Graph, d: Any, largest: str) -> str:
    """By what numbers up to this one are divided before they are squared; no zero, no infinity."""
    usable = g.node("And", g.node("Greater", largest, g.constant(0, d)), _is_finite(g, d, largest))
    return str(g.node("Where", usable, largest, g.constant(1, d)))


def _hypot(g: Graph, d: Any, a: str, b: str) -> str:
    a, b = g.node("Abs", a), g.node("Abs", b)
    top = g.node("Max", a, b)
    unit = scale(g, d, top)
    squares = (g.node("Mul", part, part) for part in (g.node("Div", a, unit), g.node("Div", b, unit)))
    length = g.node("Mul", unit, g.node("Sqrt", g.node("Add", *squares)))
    # NumPy's is infinite also where the other operand is NaN.
    infinite = g.node("Or", is_infinite(g, d, a), is_infinite(g, d, b))
    return str(g.node("Where", infinite, g.constant(np.inf, d), length))


def _arctan2(g: Graph, d: Any, y: str, x: str) -> str:
    zero, pi = g.constant(0, d), g.constant(math.pi, d)
    half = g.node("Where", g.node("Less", y, zero), g.node("Neg", pi), pi)
    angle = g.node("Atan", g.node("Div", y, x))
    angle = g.node("Where", g.node("Less", x, zero), g.node("Add", angle, half), angle)
    neither = g.node("And", g.node("Equal", x, zero), g.node("Equal", y, zero))
    return str(g.node("Where", neither, zero, angle))


def _sinc(g: Graph, d: Any, x: str) -> str:
    angle = g.node("Mul", x, g.constant(math.pi, d))
    y = g.node("Div", g.node("Sin", angle), angle)
    return str(g.node("Where", g.node("Equal", x, g.constant(0, d)), g.constant(1, d), y))


def _unless_nan(g: Graph, a: str, b: str, y: str) -> str:
    return str(g.node("Where", g.node("IsNaN", a), b, g.node("Where", g.node("IsNaN", b), a, y)))


def _times(factor: float, kind: str) -> Callable[..., str]:
    return lambda g, d, x: g.node("Mul", g.node(kind, x), g.constant(factor, d))


_UFUNCS: dict[str, Callable[..., str]] = {
    "log1p": _log1p,
    "expm1": _expm1,
    "logaddexp": _logaddexp,
    "isinf": is_infinite,
    "isfinite": _is_finite,
    "remainder": _remainder,
    "floor_divide": _floor_divide,
    "fmod": lambda g, d, a, b: g.node("Mod", a, b, fmod=1),
    "fmax": lambda g, d, a, b: _unless_nan(g, a, b, g.node("Max", a, b)),
    "fmin": lambda g, d, a, b: _unless_nan(g, a, b, g.node("Min", a, b)),
    "heaviside": lambda g, d, x, h: g.node(
        "Where", g.node("Equal", x, g.constant(0, d)), h, g.node("Max", g.node("Sign", x), g.constant(0, d))
    ),
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
    "hypot": _hypot,
    "arctan2": _arctan2,
    "not_equal": lambda g, d, a, b: g.node("Not", g.node("Equal", a, b)),
}  # fmt: skip


def ufunc(g: Graph, step: Step) -> str:
    """One node or a few, with the operands in the dtype in which NumPy computes."""
    name, args = step.name, step.args
    if name == "maximum" and _is_zero(args[1]) and g.dtype(args[0]).kind == "f":
        return str(g.node("Relu", g.of(args[0])))
    if name == "add" and g.shape(args[0]) == g.shape(step.op.outputs[0]) and g.is_zeros(args[1]):  # behind a padding
        return g.operand(args[0], step.op.outputs[0].dtype)
    ufunc = getattr(step.op.function, "fn", step.op.function)
    if not isinstance(ufunc, np.ufunc) or step.keywords or ufunc.nout != 1:
        raise g.refused()
    loop = ufunc.resolve_dtypes((*map(_kind, args), None))
    if name == "power" and args[1].__class__ in (int, float) and args[1] in (0.5, 2):
        x = g.operand(args[0], loop[0])
        return str(g.node("Sqrt", x) if args[1] == 0.5 else g.node("Mul", x, x))
    inputs = [g.operand(x, kind) for x, kind in zip(args, loop)]
    if name == "matmul":
        return product(g, step.op.outputs[0], *args)
    if loop[0] == np.dtype(bool) and name in _OF_TRUTH:
        return str(g.node(_OF_TRUTH[name], *inputs))
    if name in _RENAMED:
        return str(g.node(_RENAMED[name], *inputs))
    if name not in _UFUNCS:
        raise g.refused()
    return _UFUNCS[name](g, loop[0], *inputs)


def product(g: Graph, out: Value, a: Any, b: Any) -> str:
    """A product of matrices. A vector on the right becomes a column.

    Without that onnxruntime 1.32 gives wrong answers for a transposed matrix times a vector.
    """
    left, right = g.operand(a, out.dtype), g.operand(b, out.dtype)
    if len(g.shape(b)) > 1:
        return str(g.node("MatMul", left, right))
    return g.reshaped(g.node("MatMul", left, g.reshaped(right, (*g.shape(b), 1))), g.shape(out))


def _kind(x: Any) -> Any:
    """What NumPy asks of an operand to choose a dtype: its dtype, or the type of a number in Python."""
    if isinstance(x, (Size, Inverse)):
        return int if isinstance(x, Size) else float
    return np.dtype(bool) if isinstance(x, bool) else getattr(x, "dtype", type(x))


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


def _round(g: Graph, out: Value, x: Any, decimals: int = 0) -> str:
    power = g.constant(10.0**decimals, out.dtype)
    return str(g.node("Div", g.node("Round", g.node("Mul", g.of(x), power)), power))


FORMS: dict[str, Callable[..., str]] = {
    "where": _where,
    "clip": _clip,
    "round": _round,
    "sinc": lambda g, out, x: _sinc(g, out.dtype, g.operand(x, out.dtype)),
}
"""The functions here that are no ufuncs, by name."""
