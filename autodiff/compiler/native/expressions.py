"""NumPy's elementwise functions as C expressions, and the functions of the vectorised library."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.compiler.values import Op, Value
from autodiff.core.primitives import Primitive

TYPES = {
    "?": "bool_", "f": "float", "d": "double", "b": "int8_t", "h": "int16_t", "i": "int32_t", "l": "int64_t",
    "q": "int64_t", "B": "uint8_t", "H": "uint16_t", "I": "uint32_t", "L": "uint64_t", "Q": "uint64_t",
}  # fmt: skip
"""C's names for NumPy's types."""


def c_type(dtype: Any) -> str:
    """C's name for a dtype."""
    return TYPES[np.dtype(dtype).char]


def has_type(dtype: Any) -> bool:
    """Whether C knows numbers of a dtype, in this machine's order of bytes."""
    kind = np.dtype(dtype)
    return kind.char in TYPES and kind.isnative


def literal(x: Any, dtype: Any) -> str:
    """A number in C."""
    kind = np.dtype(dtype)
    with np.errstate(all="ignore"):
        x = kind.type(x).item()
    if kind.kind == "b":
        return "1" if x else "0"
    if kind.kind == "f":
        if x != x:
            return "NAN"
        if math.isinf(x):
            return "INFINITY" if x > 0 else "(-INFINITY)"
        text = str(kind.type(x)) if kind.char == "f" else repr(x)
        text += "" if "." in text or "e" in text else ".0"
        text += "f" if kind.char == "f" else ""
    else:
        text = f"{x}{'u' if kind.kind == 'u' else ''}{'ll' if kind.itemsize == 8 else ''}"
        if x == np.iinfo(kind).min and kind.kind == "i":
            text = f"({x + 1}{'ll' if kind.itemsize == 8 else ''} - 1)"
    return f"({text})" if x < 0 or text.startswith("-") else text


def cast(text: str, of: Any, to: Any) -> str:
    """An expression of one dtype as one of another."""
    of, to = np.dtype(of), np.dtype(to)
    if of == to:
        return text
    return f"({text} != 0)" if to.kind == "b" else f"({c_type(to)})({text})"


_INFIX = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
_COMPARED = {
    np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=",
}  # fmt: skip
_BITS = {np.bitwise_and: "&", np.bitwise_or: "|", np.bitwise_xor: "^"}
_LOGIC = {np.logical_and: "&", np.logical_or: "|", np.logical_xor: "^"}
EXACT = {
    np.sqrt: "sqrt", np.floor: "floor", np.ceil: "ceil", np.trunc: "trunc", np.rint: "rint", np.fabs: "fabs",
    np.copysign: "copysign", np.nextafter: "nextafter", np.fmod: "fmod",
}  # fmt: skip
"""Functions of C's library that are exact or correctly rounded."""
MATH = {
    np.sin: "sin", np.cos: "cos", np.tan: "tan", np.arcsin: "asin", np.arccos: "acos", np.arctan: "atan",
    np.sinh: "sinh", np.cosh: "cosh", np.tanh: "tanh", np.arcsinh: "asinh", np.arccosh: "acosh", np.arctanh: "atanh",
    np.exp: "exp", np.exp2: "exp2", np.expm1: "expm1", np.log: "log", np.log2: "log2", np.log10: "log10",
    np.log1p: "log1p", np.cbrt: "cbrt", np.power: "pow", np.float_power: "pow", np.arctan2: "atan2", np.hypot: "hypot",
}  # fmt: skip
"""Functions that a vectorised library computes; by C's names."""
_OF_OURS = {"erf": "erf", "erfc": "erfc"}


def math_name(op: Op) -> str:
    """C's name for the elementary function that an operation applies to each entry; empty if it does something else."""
    if op.form in ("ufunc", "operator"):
        return MATH.get(op.function, "")
    if op.form == "opaque" and isinstance(op.function, Primitive) and len(op.args) == 1 and not op.keywords:
        return _OF_OURS.get(op.function.name, "")
    return ""


_HELPERS = {
    "remainder": """
static inline {T} remainder_{s}({T} a, {T} b) {{
    {T} r = fmod{f}(a, b);
    return r == 0 ? copysign{f}(r, b) : (r < 0) != (b < 0) ? r + b : r;
}}""",
    "floor_divide": """
static inline {T} floor_divide_{s}({T} a, {T} b) {{
    if (b == 0) return a / b;
    {T} r = fmod{f}(a, b), q = (a - r) / b;
    if (r != 0 && (r < 0) != (b < 0)) q -= 1;
    if (q == 0) return copysign{f}(0, a / b);
    {T} whole = floor{f}(q);
    return q - whole > ({T})0.5 ? whole + 1 : whole;
}}""",
    "logaddexp": """
static inline {T} logaddexp_{s}({T} a, {T} b) {{
    if (a == b) return a + ({T})0.693147180559945309417232121458176568;
    {T} d = a - b;
    return d > 0 ? a + log1p{f}(exp{f}(-d)) : d <= 0 ? b + log1p{f}(exp{f}(d)) : d;
}}""",
    "logaddexp2": """
static inline {T} logaddexp2_{s}({T} a, {T} b) {{
    if (a == b) return a + 1;
    {T} d = a - b, k = ({T})1.442695040888963407359924681001892137;
    return d > 0 ? a + k * log1p{f}(exp2{f}(-d)) : d <= 0 ? b + k * log1p{f}(exp2{f}(d)) : d;
}}""",
    "heaviside": """
static inline {T} heaviside_{s}({T} x, {T} middle) {{
    return x != x ? x : x == 0 ? middle : (x > 0);
}}""",
    "whole_divide": """
static inline {T} whole_divide_{s}({T} a, {T} b) {{
    if (b == 0) return 0;
    if (b == -1) return ({T})(0 - (uint64_t)a);
    {T} q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}}""",
    "whole_remainder": """
static inline {T} whole_remainder_{s}({T} a, {T} b) {{
    if (b == 0 || b == -1) return 0;
    {T} r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}}""",
    "natural_divide": """
static inline {T} natural_divide_{s}({T} a, {T} b) {{
    return b ? a / b : 0;
}}""",
    "natural_remainder": """
static inline {T} natural_remainder_{s}({T} a, {T} b) {{
    return b ? a % b : 0;
}}""",
}
"""Functions for which C has no expression, with Python's rules for signs as NumPy has them."""


class Expressions:
    """Writes the expressions of one program, and notes which helping functions they call."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], str] = {}

    def _helper(self, name: str, dtype: Any, *args: str) -> str:
        kind = np.dtype(dtype)
        suffix = kind.name
        names = {"T": c_type(kind), "s": suffix, "f": "f" if kind.char == "f" else ""}
        self.used[name, suffix] = _HELPERS[name].format(**names)
        return f"{name}_{suffix}({', '.join(args)})"

    def plain(self, function: Any, dtype: Any, args: Sequence[str], constants: Sequence[Any]) -> str | None:
        """The expression of an elementwise function of operands of `dtype`; None if it has none.

        Parameters
        ----------
        function : ufunc
        dtype : dtype
            That in which it is computed.
        args : sequence of str
        constants : sequence
            For each operand its value if it is a known number, else None.
        """
        kind = np.dtype(dtype)
        f = "f" if kind.char == "f" else ""
        a, b = (*args, "", "")[:2]
        if function in _COMPARED:
            return f"{a} {_COMPARED[function]} {b}"
        if kind.kind == "b":
            return _on_truth(function, a, b)
        if function in _INFIX:
            return _wrapping(kind, _INFIX[function], a, b)
        if function in (np.maximum, np.minimum):
            sign = ">" if function is np.maximum else "<"
            if kind.kind != "f":
                return f"({a} {sign} {b} ? {a} : {b})"
            other = "<" if function is np.maximum else ">"
            if constants[1] is not None and constants[1] == constants[1]:
                return f"({a} {other}= {b} ? {b} : {a})"  # of two zeros the second, as NumPy's vectors do
            return f"((({a} {sign} {b}) | ({a} != {a})) ? {a} : {b})"
        if function in (np.fmax, np.fmin) and kind.kind == "f":
            sign = ">" if function is np.fmax else "<"
            return f"((({a} {sign} {b}) | ({b} != {b})) ? {a} : {b})"
        if function in (np.negative, np.positive):
            return (f"-{a}" if kind.kind == "f" else _wrapping(kind, "-", "0", a)) if function is np.negative else a
        if function is np.square:
            return _wrapping(kind, "*", a, a)
        if function in _LOGIC:
            return f"(({a} != 0) {_LOGIC[function]} ({b} != 0))"
        if function is np.logical_not:
            return f"({a} == 0)"
        if kind.kind == "f":
            return self._on_floats(function, kind, f, a, b)
        return self._on_whole(function, kind, a, b)

    def _on_floats(self, function: Any, kind: Any, f: str, a: str, b: str) -> str | None:
        if function in EXACT:
            return f"{EXACT[function]}{f}({', '.join(x for x in (a, b) if x)})"
        if function is np.absolute:
            return f"fabs{f}({a})"
        if function is np.reciprocal:
            return f"{literal(1, kind)} / {a}"
        if function is np.sign:
            return f"({a} == 0 ? {literal(0, kind)} : {a} != {a} ? {a} : copysign{f}({literal(1, kind)}, {a}))"
        if function is np.isnan:
            return f"({a} != {a})"
        if function is np.isfinite:
            return f"({a} - {a} == 0)"
        if function is np.isinf:
            return f"(fabs{f}({a}) == INFINITY)"
        if function is np.signbit:
            return f"(signbit({a}) != 0)"
        if function in (np.degrees, np.rad2deg):
            return f"{a} * {literal(180 / math.pi, kind)}"
        if function in (np.radians, np.deg2rad):
            return f"{a} * {literal(math.pi / 180, kind)}"
        if function in (np.remainder, np.floor_divide, np.logaddexp, np.logaddexp2, np.heaviside):
            return self._helper(function.__name__, kind, a, b)
        return None

    def _on_whole(self, function: Any, kind: Any, a: str, b: str) -> str | None:
        if function in _BITS:
            return f"({a} {_BITS[function]} {b})"
        if function is np.invert:
            return f"~{a}"
        if function is np.absolute:
            return a if kind.kind == "u" else f"({a} < 0 ? {_wrapping(kind, '-', '0', a)} : {a})"
        if function is np.sign:
            return f"({a} > 0)" if kind.kind == "u" else f"(({a} > 0) - ({a} < 0))"
        if function in (np.isnan, np.isinf, np.isfinite):
            return "1" if function is np.isfinite else "0"
        if function in (np.floor, np.ceil, np.trunc, np.rint):
            return a
        name = {np.floor_divide: "divide", np.remainder: "remainder"}.get(function)
        return self._helper(f"{'natural' if kind.kind == 'u' else 'whole'}_{name}", kind, a, b) if name else None


def _wrapping(kind: Any, sign: str, a: str, b: str) -> str:
    """A sum, difference or product. Of whole numbers it wraps around, which in C only unsigned numbers may."""
    narrow = kind.itemsize < (2 if sign == "*" else 4)  # C computes it in int, which is wide enough
    if kind.kind == "f" or narrow or (kind.kind == "u" and kind.itemsize > 2):
        return f"{a} {sign} {b}"
    wide = "uint64_t" if kind.itemsize == 8 else "uint32_t"
    return f"({c_type(kind)})(({wide}){a} {sign} ({wide}){b})"


def _on_truth(function: Any, a: str, b: str) -> str | None:
    if function in (np.add, np.logical_or, np.bitwise_or, np.maximum):
        return f"({a} | {b})"
    if function in (np.multiply, np.logical_and, np.bitwise_and, np.minimum):
        return f"({a} & {b})"
    if function in (np.logical_xor, np.bitwise_xor):
        return f"({a} ^ {b})"
    if function in (np.logical_not, np.invert):
        return f"!{a}"
    return a if function in (np.absolute, np.positive) else None


def loop_dtypes(op: Op) -> tuple[list[Any], Any] | None:
    """The dtypes to which an elementwise operation casts its operands, and that of its result."""
    out = np.dtype(op.outputs[0].dtype)
    if op.form == "function":  # where
        return [np.dtype(bool), out, out], out
    if op.form == "opaque":  # an elementary function of ours
        return [out], out
    given = [_offered(a) for a in op.args]
    try:
        found = op.function.resolve_dtypes((*given, None))
    except (TypeError, ValueError):
        return None
    kind = found[0]
    if found[-1] != out or any(d != kind for d in found[:-1]):  # NumPy compares int64 with uint64 without a cast
        return None
    if not all(_fits(a, kind) for a in op.args):
        return None
    return list(found[:-1]), out


def _fits(a: Any, kind: Any) -> bool:
    """Whether an operand is not a Python number too large for a dtype, with which NumPy can compare all the same."""
    if type(a) is not int or kind.kind not in "iu":
        return True
    return bool(np.iinfo(kind).min <= a <= np.iinfo(kind).max)


def _offered(a: Any) -> Any:
    if isinstance(a, Value):
        return np.dtype(a.dtype)
    if type(a) in (int, float):
        return type(a)
    return np.asarray(a).dtype


IDENTITIES: dict[Any, Callable[[Any], Any]] = {
    np.add: lambda kind: 0,
    np.multiply: lambda kind: 1,
    np.maximum: lambda kind: -np.inf if kind.kind == "f" else 0 if kind.kind == "b" else np.iinfo(kind).min,
    np.minimum: lambda kind: np.inf if kind.kind == "f" else 1 if kind.kind == "b" else np.iinfo(kind).max,
    np.logical_and: lambda kind: 1,
    np.logical_or: lambda kind: 0,
}
"""The functions by which arrays are reduced, and where each begins."""
