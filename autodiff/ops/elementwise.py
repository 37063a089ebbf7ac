"""Functions that act entry by entry: for each operand the map ``(t, y, *xs) -> t * dy/dx``.

`t` is a cotangent or a tangent, `y` the output. The rules are the rows of a table of derivatives,
in the order in which a calculus book has them; where a row is longer than the book's, a comment
says which digits or which point it saves. Constants are Python numbers (``math.log``), since a NumPy
scalar would widen float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.primitives import NUMPY_CONSTANTS, elementwise, implements, primitive

# --- arithmetic -----------------------------------------------------------------------------------

add = elementwise(np.add, lambda t, y, a, b: t, lambda t, y, a, b: t, reads=False)
subtract = elementwise(np.subtract, lambda t, y, a, b: t, lambda t, y, a, b: -t, reads=False)
multiply = elementwise(np.multiply, lambda t, y, a, b: t * b, lambda t, y, a, b: t * a)
divide = elementwise(np.divide, lambda t, y, a, b: t / b, lambda t, y, a, b: -(t * y) / b, singular=True)
divide_by_number = elementwise(lambda a, b: a / b, lambda t, y, a, b: t / b, name="divide", reads=False)
"""A quotient whose denominator is a Python number: linear, and never singular."""
negative = elementwise(np.negative, lambda t, y, x: -t, reads=False)
positive = elementwise(np.positive, lambda t, y, x: t, reads=False)
reciprocal = elementwise(np.reciprocal, lambda t, y, x: -(t * y * y), singular=True)
remainder = elementwise(
    np.remainder, lambda t, y, a, b: t, lambda t, y, a, b: -t * np.floor_divide(a, b), singular=True
)
fmod = elementwise(np.fmod, lambda t, y, a, b: t, lambda t, y, a, b: -t * np.trunc(a / b), singular=True)

# --- powers and roots -----------------------------------------------------------------------------

square = elementwise(np.square, lambda t, y, x: t * (2 * x))
sqrt = elementwise(np.sqrt, lambda t, y, x: t / (2 * y), singular=True)
cbrt = elementwise(np.cbrt, lambda t, y, x: t / (3 * y * y), singular=True)

integer_power = elementwise(
    lambda x, n: x**n,
    lambda t, y, x, n: t * (n * power_of(x, n - 1)) if n > 0 else t * 0,  # n is a Python number: metadata, not a value
    name="power",
)
"""A power whose exponent is a whole Python number, not negative: a polynomial, smooth everywhere."""


def _power_slope(x: Any, n: Any, y: Any) -> Any:
    """N x^(n-1). As n y / x it keeps the digits that rounding n-1 would lose for huge and tiny x."""
    at_zero = x == 0
    return np.where(at_zero, n * x ** np.where(n == 0, 1, n - 1), n * y / x)


real_power = elementwise(lambda x, n: x**n, lambda t, y, x, n: t * _power_slope(x, n, y), name="power", singular=True)
"""A power whose exponent is a Python number or untracked: no derivative by it, so no logarithm of `x`."""

power = elementwise(
    np.power,
    lambda t, y, x, n: t * _power_slope(x, n, y),
    # at x = 0 the slope by n is 0 for n >= 0 and -inf for n < 0
    lambda t, y, x, n: t * y * np.log(np.where((x == 0) & (n >= 0), 1, x)),
    singular=True,
)
float_power = elementwise(np.float_power, *power.pulls, singular=True)


@implements(np.power, np.pow)
def power_of(x: Any, n: Any) -> Any:
    """``x**n``; a Python number as exponent is metadata and chooses the rule."""
    if type(n) is int or type(n) is float:
        if n == 2:
            return square(x)
        if n == 1:
            return positive(x)
        if n >= 0 and n == int(n):
            return integer_power(x, n)
        if n == 0.5:
            return sqrt(x)
        return real_power(x, n)
    return power(x, n)


# --- exponentials and logarithms ------------------------------------------------------------------

exp = elementwise(np.exp, lambda t, y, x: t * y)
exp2 = elementwise(np.exp2, lambda t, y, x: t * y * math.log(2))
expm1 = elementwise(np.expm1, lambda t, y, x: t * np.exp(x))  # y + 1 would lose all digits far below 0
log = elementwise(np.log, lambda t, y, x: t / x, singular=True)
log2 = elementwise(np.log2, lambda t, y, x: t / (x * math.log(2)), singular=True)
log10 = elementwise(np.log10, lambda t, y, x: t / (x * math.log(10)), singular=True)
log1p = elementwise(np.log1p, lambda t, y, x: t / (1 + x), singular=True)


def _share(y: Any, x: Any) -> Any:
    """exp(x - y), the share of one term in a log-sum; 0 where both are -inf, 1 where both are +inf."""
    return np.exp(np.where(x == y, 0, x - y)) * (y != -np.inf)


logaddexp = elementwise(
    np.logaddexp, lambda t, y, a, b: t * _share(y, a), lambda t, y, a, b: t * _share(y, b), singular=True
)
logaddexp2 = elementwise(
    np.logaddexp2,
    lambda t, y, a, b: t * _share(y * math.log(2), a * math.log(2)),
    lambda t, y, a, b: t * _share(y * math.log(2), b * math.log(2)),
    singular=True,
)

# --- trigonometric and hyperbolic -----------------------------------------------------------------

sin = elementwise(np.sin, lambda t, y, x: t * np.cos(x))
cos = elementwise(np.cos, lambda t, y, x: -t * np.sin(x))
tan = elementwise(np.tan, lambda t, y, x: t * (1 + y * y))
arcsin = elementwise(np.arcsin, lambda t, y, x: t / np.sqrt((1 - x) * (1 + x)), singular=True)
arccos = elementwise(np.arccos, lambda t, y, x: -t / np.sqrt((1 - x) * (1 + x)), singular=True)
arctan = elementwise(np.arctan, lambda t, y, x: t / (1 + x * x))
sinh = elementwise(np.sinh, lambda t, y, x: t * np.cosh(x))
cosh = elementwise(np.cosh, lambda t, y, x: t * np.sinh(x))


@elementwise(np.tanh)
def tanh(t: Any, y: Any, x: Any) -> Any:
    """1 - y^2. In float64 as 4 sigmoid(2x) sigmoid(-2x), which keeps its digits far out; networks train in float32."""
    if x.dtype.char != "d":
        return t * (1 - y * y)
    return t * (4 * sigmoid(2 * x) * sigmoid(-2 * x))


arcsinh = elementwise(np.arcsinh, lambda t, y, x: t / np.sqrt(1 + x * x))
arccosh = elementwise(np.arccosh, lambda t, y, x: t / (np.sqrt(x - 1) * np.sqrt(x + 1)), singular=True)
arctanh = elementwise(np.arctanh, lambda t, y, x: t / ((1 - x) * (1 + x)), singular=True)
degrees = elementwise(np.degrees, lambda t, y, x: t * (180 / math.pi), reads=False)
radians = elementwise(np.radians, lambda t, y, x: t * (math.pi / 180), reads=False)
rad2deg = elementwise(np.rad2deg, lambda t, y, x: t * (180 / math.pi), reads=False)
deg2rad = elementwise(np.deg2rad, lambda t, y, x: t * (math.pi / 180), reads=False)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@elementwise(_sigmoid, name="sigmoid")
def sigmoid(t: Any, y: Any, x: Any) -> Any:
    """Y (1 - y). In float64 the second factor is sigmoid(-x), which keeps its digits far out."""
    if x.dtype.char != "d":
        return t * (y * (1 - y))
    return t * (y * sigmoid(-x))


softplus = elementwise(lambda x: np.logaddexp(x, 0), lambda t, y, x: t * sigmoid(x), name="softplus")

# --- distances ------------------------------------------------------------------------------------

ratio = elementwise(
    lambda x, r: np.where(r == 0, 0, x) / np.where(r == 0, 1, r),
    lambda t, y, x, r: t / np.where(r == 0, math.nan, r),
    lambda t, y, x, r: -(t * y) / np.where(r == 0, math.nan, r),
    name="ratio",
    singular=True,
)
"""``x / r`` for a length `r`, 0 by convention where `r` is 0. There its own slope is NaN: the second
derivative of a norm at the origin does not exist, and is never a silent 0."""

hypot = elementwise(np.hypot, lambda t, y, a, b: t * ratio(a, y), lambda t, y, a, b: t * ratio(b, y), singular=True)
arctan2 = elementwise(
    np.arctan2,
    lambda t, y, a, b: t * ratio(ratio(b, np.hypot(a, b)), np.hypot(a, b)),
    lambda t, y, a, b: -t * ratio(ratio(a, np.hypot(a, b)), np.hypot(a, b)),
    singular=True,
)
real_absolute = elementwise(np.absolute, lambda t, y, x: t * np.sign(x))
fabs = elementwise(np.fabs, lambda t, y, x: t * np.sign(x))
complex_absolute = primitive(
    lambda z: np.absolute(z),
    name="absolute",
    vjp=[lambda ct, y, z: ct * ratio(np.conj(z), y)],
    jvp=[lambda t, y, z: np.real(t * ratio(np.conj(z), y))],
    singular=True,
)


@implements(np.absolute, np.abs)
def absolute(x: Any) -> Any:
    """The magnitude; of a complex operand it is real and has a rule of its own."""
    return complex_absolute(x) if x.dtype.kind == "c" else real_absolute(x)


copysign = elementwise(np.copysign, lambda t, y, a, b: t * np.sign(a) * np.copysign(1, b), None)

# --- complex parts --------------------------------------------------------------------------------
# A cotangent is a linear functional, dL = Re(ct * dz), without conjugation.

conjugate = primitive(
    lambda z: np.conjugate(z),
    name="conjugate",
    vjp=[lambda ct, y, z: np.conjugate(ct)],
    jvp=[lambda t, y, z: np.conjugate(t)],
)
real = primitive(
    lambda z: np.real(z) + 0, name="real", vjp=[lambda ct, y, z: ct * (1 + 0j)], jvp=[lambda t, y, z: np.real(t)]
)
imag = primitive(
    lambda z: np.imag(z) + 0, name="imag", vjp=[lambda ct, y, z: ct * -1j], jvp=[lambda t, y, z: np.imag(t)]
)
angle_of_complex = primitive(
    lambda z: np.angle(z),
    name="angle",
    vjp=[lambda ct, y, z: ct * -1j * ratio(ratio(np.conj(z), np.abs(z)), np.abs(z))],
    jvp=[lambda t, y, z: np.imag(t * ratio(ratio(np.conj(z), np.abs(z)), np.abs(z)))],
    singular=True,
)


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


@implements(np.conjugate, np.conj)
def conj(x: Any) -> Any:
    """The complex conjugate; a real operand is its own."""
    return conjugate(x) if _is_complex(x) else positive(x)


@implements(np.real)
def real_part(val: Any) -> Any:
    """The real part; a real operand is its own."""
    return real(val) if _is_complex(val) else positive(val)


@implements(np.imag)
def imag_part(val: Any) -> Any:
    """The imaginary part; 0 for a real operand."""
    return imag(val) if _is_complex(val) else val * 0


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """The argument of a complex number, in radians, or degrees if asked."""
    y = angle_of_complex(z) if _is_complex(z) else np.arctan2(z * 0, z)
    return y * (180 / math.pi) if deg else y


# --- choices --------------------------------------------------------------------------------------
# Each declares `live`, the entries through which anything flows: a blocked entry stays 0 even where
# a later slope is infinite.

maximum_of_two = elementwise(
    np.maximum,
    lambda t, y, a, b: np.where(a > b, t, np.where(a < b, 0, t / 2)),
    lambda t, y, a, b: np.where(b > a, t, np.where(b < a, 0, t / 2)),
    live=(lambda y, a, b: ~(a < b), lambda y, a, b: ~(b < a)),
)
minimum_of_two = elementwise(
    np.minimum,
    lambda t, y, a, b: np.where(a < b, t, np.where(a > b, 0, t / 2)),
    lambda t, y, a, b: np.where(b < a, t, np.where(b > a, 0, t / 2)),
    live=(lambda y, a, b: ~(a > b), lambda y, a, b: ~(b > a)),
)
fmax = elementwise(
    np.fmax,
    lambda t, y, a, b: np.where((a > b) | np.isnan(b), t, np.where(a == b, t / 2, 0)),
    lambda t, y, a, b: np.where((b > a) | np.isnan(a), t, np.where(a == b, t / 2, 0)),
    live=(lambda y, a, b: (a >= b) | np.isnan(b), lambda y, a, b: (b >= a) | np.isnan(a)),
)
fmin = elementwise(
    np.fmin,
    lambda t, y, a, b: np.where((a < b) | np.isnan(b), t, np.where(a == b, t / 2, 0)),
    lambda t, y, a, b: np.where((b < a) | np.isnan(a), t, np.where(a == b, t / 2, 0)),
    live=(lambda y, a, b: (a <= b) | np.isnan(b), lambda y, a, b: (b <= a) | np.isnan(a)),
)
# With a constant: one operand, and slope 0 (the smallest subgradient) where it meets the constant.
relu = elementwise(lambda x: np.maximum(x, 0), lambda t, y, x: t * np.sign(y), name="relu", live=(lambda y, x: x > 0,))
maximum_with_constant = elementwise(
    lambda x, c: np.maximum(x, c), lambda t, y, x, c: t * np.sign(y - c), name="maximum", live=(lambda y, x, c: x > c,)
)
minimum_with_constant = elementwise(
    lambda x, c: np.minimum(x, c), lambda t, y, x, c: t * np.sign(c - y), name="minimum", live=(lambda y, x, c: x < c,)
)


def _is_constant(c: Any) -> bool:
    """Whether `c` is a number, or an array without axes that nothing tracks: decided by type alone."""
    return isinstance(c, (int, float)) or (c.ndim == 0 and not getattr(c, "requires_grad", False))


@implements(np.maximum)
def maximum(a: Any, b: Any) -> Any:
    """The larger of two; at a tie of two operands one half each, against a constant 0."""
    if _is_constant(b):
        return relu(a) if type(b) in (int, float) and b == 0 else maximum_with_constant(a, b)
    return maximum(b, a) if _is_constant(a) else maximum_of_two(a, b)


@implements(np.minimum)
def minimum(a: Any, b: Any) -> Any:
    """The smaller of two; ties as in `maximum`."""
    if _is_constant(b):
        return minimum_with_constant(a, b)
    return minimum(b, a) if _is_constant(a) else minimum_of_two(a, b)


clip_between = elementwise(
    lambda x, lo, hi: np.clip(x, lo, hi),
    lambda t, y, x, lo, hi: t * ((x >= lo) & (x <= hi)),
    lambda t, y, x, lo, hi: t * (x < lo),
    lambda t, y, x, lo, hi: t * (x > hi),
    name="clip",
    live=(lambda y, x, lo, hi: (x >= lo) & (x <= hi), lambda y, x, lo, hi: x < lo, lambda y, x, lo, hi: x > hi),
)


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """``np.clip``; the slope is 1 at a bound, so that a parameter does not stick to it."""
    lo = min if a_min is None else a_min
    hi = max if a_max is None else a_max
    return clip_between(a, -math.inf if lo is None else lo, math.inf if hi is None else hi)


select_where = elementwise(
    lambda c, a, b: np.where(c, a, b),
    None,
    lambda t, y, c, a, b: np.where(c, t, 0),
    lambda t, y, c, a, b: np.where(c, 0, t),
    name="where",
    live=(None, lambda y, c, a, b: c, lambda y, c, a, b: ~c),
    reads=False,
)


@implements(np.where)
def where(condition: Any, *branches: Any) -> Any:
    """``np.where``; the branch not taken receives nothing, whatever its slope there."""
    c = getattr(condition, "data", condition) if getattr(condition, "requires_grad", False) else condition
    if not branches:
        return np.nonzero(c)
    if getattr(c, "dtype", None) != np.bool_:
        c = c != 0 if hasattr(c, "dtype") else np.asarray(c, dtype=bool)
    return select_where(c, *branches)


# --- no gradient by nature ------------------------------------------------------------------------

NUMPY_CONSTANTS.update(
    {np.sign, np.signbit, np.floor, np.ceil, np.rint, np.trunc, np.floor_divide, np.heaviside, np.spacing, np.nextafter}
    | {np.isfinite, np.isinf, np.isnan, np.isnat, np.isreal, np.iscomplex, np.isneginf, np.isposinf}
    | {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}
    | {np.logical_and, np.logical_or, np.logical_xor, np.logical_not}
    | {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift}
    | {np.round, np.around, np.fix, np.isclose, np.allclose, np.array_equal, np.array_equiv}
)
