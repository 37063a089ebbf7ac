"""Elementwise functions: for each operand the map ``(t, y, *xs) -> t * dy/dx``.

`t` is a cotangent or a tangent, `y` is the output. The rules are the rows of a table of derivatives, in
the order of a calculus book. Where a row is longer than the book's, a comment says which digits or which
point it saves. Constants are Python numbers (``math.log``), because a NumPy scalar would widen float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import NUMPY_CONSTANTS, Primitive, implements, pass_on
from autodiff.ops.complex_slopes import (
    inverse_square_of_cos,
    inverse_square_of_cosh,
    root_of_one_minus_square,
    root_of_one_plus_square,
    root_of_square_minus_one,
)

# --- arithmetic -----------------------------------------------------------------------------------

add = elementwise(np.add, pass_on, pass_on, reads=False)
subtract = elementwise(np.subtract, pass_on, lambda t, y, a, b: -t, reads=False)
multiply = elementwise(np.multiply, lambda t, y, a, b: t * b, lambda t, y, a, b: t * a)
divide = elementwise(np.divide, lambda t, y, a, b: t / b, lambda t, y, a, b: -(t * y) / b, singular=True)
divide_by_number = elementwise(lambda a, b: a / b, lambda t, y, a, b: t / b, None, name="divide", reads=False)
"""A quotient whose denominator is a Python number. It is linear and never singular."""


@implements(np.divide)
def quotient(a: Any, b: Any) -> Any:
    """``a / b``. A denominator that is a Python number is metadata and selects the rule."""
    return divide_by_number(a, b) if type(b) is float or type(b) is int else divide(a, b)


negative = elementwise(np.negative, lambda t, y, x: -t, reads=False)
positive = elementwise(np.positive, pass_on, reads=False)
reciprocal = elementwise(np.reciprocal, lambda t, y, x: -(t * y * y), singular=True)
remainder = elementwise(np.remainder, pass_on, lambda t, y, a, b: -t * np.floor_divide(a, b), singular=True)
fmod = elementwise(
    np.fmod, pass_on, lambda t, y, a, b: -t * np.rint((a - y) / b), singular=True
)  # trunc(a / b) would be one too large where a / b rounds up to an integer


@implements(np.copy)
def copy(a: Any) -> Any:
    """``np.copy``, tracked if `a` is."""
    return positive(a)


@implements(np.divmod)
def divmod_(a: Any, b: Any) -> Any:
    """``np.divmod``; the quotient is not tracked."""
    return np.floor_divide(a, b), np.remainder(a, b)


# --- powers and roots -----------------------------------------------------------------------------

square = elementwise(np.square, lambda t, y, x: t * (2 * x))
sqrt = elementwise(np.sqrt, lambda t, y, x: t / (2 * y), singular=True)
cbrt = elementwise(np.cbrt, lambda t, y, x: t / (3 * y * y), singular=True)


def whole_power(x: Any, n: Any) -> Any:
    """``x**n`` for a number `n` with an integer value. Products take a tenth of the time of NumPy's power of floats."""
    if (n == 3 or n == 4) and x.dtype.char in "fd":
        s = x * x
        return s * x if n == 3 else s * s
    return x**n


def _whole_slope(x: Any, n: Any) -> Any:
    return n * (x ** (n - 1) if n < 4 else integer_power(x, n - 1))


integer_power: Primitive = elementwise(
    whole_power,
    lambda t, y, x, n: t * _whole_slope(x, n) if n > 0 else t * 0,  # n is a Python number: metadata, not a value
    None,
    name="power",
)
"""A power whose exponent is a non-negative Python number with an integer value: a polynomial, smooth everywhere."""


def _slope(x: Any, n: Any, y: Any, at_zero: Any) -> Any:
    """The slope n x^(n-1), computed as n y / x: for huge and tiny x, rounding n-1 would lose digits."""
    return np.where(x == 0, at_zero, n * y / x)


real_power = elementwise(
    lambda x, n: x**n,
    lambda t, y, x, n: t * (n * y / x if n < 0 else _slope(x, n, y, n * x ** (n - 1))),
    None,
    name="power",
    singular=True,
)
"""A power whose exponent is a Python number. It needs no derivative with respect to n, hence no logarithm of `x`."""


def _power_and_logs(x: Any, n: Any, *, k: int) -> Any:
    if k == 0:
        return x**n
    return np.where((x == 0) & (n > 0), 0, x**n * np.log(x) ** k)[()]


power_and_logs: Primitive = elementwise(
    _power_and_logs,
    lambda t, y, x, n, *, k: t * (_times_power(x, n, k) + (k * power_and_logs(x, n - 1, k=k - 1) if k else 0)),
    lambda t, y, x, n, *, k: t * power_and_logs(x, n, k=k + 1),
    name="power_and_logs",
    singular=True,
)
"""``x**n * log(x)**k``, with its limit at x = 0. All derivatives of a power by both operands are made of these."""


def _times_power(x: Any, n: Any, k: int) -> Any:
    """The product n x^(n-1) log(x)^k. It is 0 where n is 0, even if x is 0 too."""
    return n * power_and_logs(x, np.where(n == 0, 1, n - 1), k=k)


power = elementwise(
    np.power,
    lambda t, y, x, n: t * _slope(x, n, y, _times_power(x, n, 0)),
    lambda t, y, x, n: t * np.where((x == 0) & (n == 0), 0, power_and_logs(x, n, k=1)),
    singular=True,
)
number_to_power = elementwise(lambda b, x: b**x, None, lambda t, y, b, x: t * (y * math.log(b)), name="power")
"""A positive Python number raised to a power: an exponential, smooth everywhere."""
float_power = elementwise(np.float_power, *(power.pulls or ()), singular=True)


@implements(np.power, np.pow)
def power_of(x: Any, n: Any) -> Any:
    """``x**n``. A base or exponent that is a Python number is metadata and selects the rule."""
    if type(n) is int or type(n) is float:
        if n == 2:
            return square(x)
        if n == 1:
            return positive(x)
        if n >= 0 and n % 1 == 0:
            return integer_power(x, n)
        return sqrt(x) if n == 0.5 else real_power(x, n)
    if (type(x) is int or type(x) is float) and 0 < x < math.inf:
        return number_to_power(x, n)
    return power(x, n)


# --- exponentials and logarithms ------------------------------------------------------------------

exp = elementwise(np.exp, lambda t, y, x: t * y, singular=True)  # its slope overflows
exp2 = elementwise(np.exp2, lambda t, y, x: t * (y * math.log(2)), singular=True)
expm1 = elementwise(np.expm1, lambda t, y, x: t * np.exp(x), singular=True)  # y + 1 would lose all digits far below 0
log = elementwise(np.log, lambda t, y, x: t / x, singular=True)
log2 = elementwise(np.log2, lambda t, y, x: t / (x * math.log(2)), singular=True)
log10 = elementwise(np.log10, lambda t, y, x: t / (x * math.log(10)), singular=True)
log1p = elementwise(np.log1p, lambda t, y, x: t / (1 + x), singular=True)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@elementwise(_sigmoid, name="sigmoid")
def sigmoid(t: Any, y: Any, x: Any) -> Any:
    """Slope y (1 - y). In float64 it is computed from x, which keeps all digits for large ``|x|``."""
    return t * (sigmoid_slope(x) if x.dtype.char in "dg" else y * (1 - y))


def _sigmoid_slope(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    below = 1 + e
    below *= below
    e /= below
    return e


sigmoid_slope = elementwise(_sigmoid_slope, lambda t, y, x: t * (y * -np.tanh(x / 2)), name="sigmoid_slope")
"""sigmoid(x) sigmoid(-x), accurate to the last digit for every x. It is a primitive because it takes
``abs(x)`` inside, against overflow, and its own derivatives must not see a kink there."""

softplus = elementwise(lambda x: np.logaddexp(x, 0), lambda t, y, x: t * sigmoid(x), name="softplus")


def share_of_exp(a: Any, b: Any) -> Any:
    """The share of exp(a) in exp(a) + exp(b). It is 1/2 if both are +inf, and 0 if both are -inf."""
    even = (a == b) & np.isinf(a)
    return sigmoid(np.where(even, 0, a - b)) * ~(even & (a < 0))


logaddexp = elementwise(
    np.logaddexp,
    lambda t, y, a, b: t * share_of_exp(a, b),
    lambda t, y, a, b: t * share_of_exp(b, a),
    singular=True,
)
logaddexp2 = elementwise(
    np.logaddexp2,
    lambda t, y, a, b: t * share_of_exp(a * math.log(2), b * math.log(2)),
    lambda t, y, a, b: t * share_of_exp(b * math.log(2), a * math.log(2)),
    singular=True,
)

# --- trigonometric and hyperbolic -----------------------------------------------------------------


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


def _root(x: Any) -> Any:
    """sqrt(1 + x^2), without overflow."""
    return root_of_one_plus_square(x) if _is_complex(x) else np.hypot(1, x)


def _root_at_one(x: Any) -> Any:
    """sqrt(1 - x^2), without cancellation near 1."""
    return root_of_one_minus_square(x) if _is_complex(x) else np.sqrt((1 - x) * (1 + x))


sin = elementwise(np.sin, lambda t, y, x: t * np.cos(x))
cos = elementwise(np.cos, lambda t, y, x: -t * np.sin(x))
tan = elementwise(np.tan, lambda t, y, x: t * (inverse_square_of_cos(x) if _is_complex(x) else 1 + y * y))
arcsin = elementwise(np.arcsin, lambda t, y, x: t / _root_at_one(x), singular=True)
arccos = elementwise(np.arccos, lambda t, y, x: -t / _root_at_one(x), singular=True)


@elementwise(np.arctan, singular=True)  # its slope is finite, but the slope of the slope is NaN at infinity
def arctan(t: Any, y: Any, x: Any) -> Any:
    """Slope 1 / (1 + x^2)."""
    if _is_complex(x):
        return t / (x - 1j) / (x + 1j)
    r = _root(x)
    return t / r / r


sinh = elementwise(np.sinh, lambda t, y, x: t * np.cosh(x), singular=True)
cosh = elementwise(np.cosh, lambda t, y, x: t * np.sinh(x), singular=True)


def _one_minus_square(y: Any) -> Any:
    s = y * y
    return np.subtract(1, s, out=s) if s.ndim else 1 - s  # in place: a batch is large, and one array is enough


one_minus_square = elementwise(_one_minus_square, lambda t, s, y: t * (-2 * y), name="one_minus_square")
"""The slope of tanh as a function of its value."""


def _tanh_slope(x: Any) -> Any:
    e = np.abs(x)
    e *= -2
    e = np.exp(e)
    share = 2 / (1 + e)
    e *= share
    e *= share
    return e


tanh_slope = elementwise(_tanh_slope, lambda t, y, x: t * (y * (-2 * np.tanh(x))), name="tanh_slope")
"""1 / cosh(x)^2, accurate to the last digit for every x. It is a primitive for the same reason as `sigmoid_slope`."""


@elementwise(np.tanh)
def tanh(t: Any, y: Any, x: Any) -> Any:
    """Slope 1 - y^2. In float64 it is computed from x, which keeps all digits for large ``|x|`` but costs more."""
    if _is_complex(x):
        return t * inverse_square_of_cosh(x)
    return t * (tanh_slope(x) if x.dtype.char in "dg" else one_minus_square(y))


arcsinh = elementwise(np.arcsinh, lambda t, y, x: t / _root(x), singular=True)  # for the same reason as arctan
arccosh = elementwise(
    np.arccosh,
    lambda t, y, x: t / (root_of_square_minus_one(x) if _is_complex(x) else np.sqrt(x - 1) * np.sqrt(x + 1)),
    singular=True,
)
arctanh = elementwise(
    np.arctanh,
    lambda t, y, x: t / (1 - x) / (1 + x) if _is_complex(x) else t / ((1 - x) * (1 + x)),
    singular=True,
)
degrees = elementwise(np.degrees, lambda t, y, x: t * (180 / math.pi), reads=False)
radians = elementwise(np.radians, lambda t, y, x: t * (math.pi / 180), reads=False)
rad2deg = elementwise(np.rad2deg, lambda t, y, x: t * (180 / math.pi), reads=False)
deg2rad = elementwise(np.deg2rad, lambda t, y, x: t * (math.pi / 180), reads=False)


def _sinc_derivative(x: Any, *, n: int) -> Any:
    """The n-th derivative of sin(u)/u with respect to x, where u = pi x."""
    wide = x.astype(np.result_type(x.dtype, np.float64))
    u = math.pi * wide
    near = np.abs(u) < 1 + n / 2
    # Near 0: the power series. Up to 1 + n/2 away from 0, 20 + n terms reach the last digit.
    v = np.where(near, u, 0)
    square = v * v
    series = np.zeros_like(v)
    for k in range(20 + n, (n - 1) // 2, -1):
        m = 2 * k - n  # the term (-1)^k u^m / ((2k + 1) m!), by Horner's scheme
        series = series * square * (-1 / ((m + 1) * (m + 2))) + 1 / (2 * k + 1)
    first = (n + 1) // 2
    series = series * (-1) ** first * (v if n % 2 else 1)
    # Elsewhere: the recurrence that follows from differentiating u s = sin(u) n times.
    w = np.where(near, 1, u)
    whole = np.rint(wide.real)  # half turns are subtracted before the angle is multiplied by pi, which is rounded
    sign, rest = 1 - 2 * (whole % 2), math.pi * (wide - whole)
    waves = sign * np.sin(rest), sign * np.cos(rest)
    far = waves[0] / w
    for m in range(1, n + 1):
        far = (waves[m % 2] * (-1) ** (m // 2) - m * far) / w
    return (np.where(near, series, far)[()] * math.pi**n).astype(x.dtype)


sinc_derivative: Primitive = elementwise(
    _sinc_derivative, lambda t, y, x, *, n: t * sinc_derivative(x, n=n + 1), name="sinc_derivative"
)
sinc = elementwise(np.sinc, lambda t, y, x: t * sinc_derivative(x, n=1))

# --- distances ------------------------------------------------------------------------------------


_TINY = {c: float(np.finfo(c).tiny) for c in "efdg"}


def _length(r: Any, at_zero: float) -> Any:
    """`r`, with `at_zero` in place of 0, and NaN where `r` overflowed or is subnormal, since it has lost its digits."""
    tiny = _TINY[r.dtype.char]
    # The usual case returns early: looking at plain values takes less time than `where`. A Tensor records the `where`.
    if type(r) is np.float64:
        if tiny <= r < math.inf:
            return r
    elif (
        type(r) is np.ndarray
        and r.size
        and tiny <= np.minimum.reduce(r, None)
        and np.maximum.reduce(r, None) < math.inf
    ):
        return r
    return np.where(r == 0, at_zero, np.where((r >= tiny) & (r < math.inf), r, math.nan))


ratio = elementwise(
    lambda x, r: x / _length(r, math.inf),
    lambda t, y, x, r: t / _length(r, math.nan),
    lambda t, y, x, r: -(t * y) / _length(r, math.nan),
    name="ratio",
    singular=True,
)
"""``x / r`` for a length `r`. Where `r` is 0 the value is 0 by convention, and the slope is NaN: the second
derivative of a norm does not exist at the origin, and must not be a silent 0."""

hypot = elementwise(np.hypot, lambda t, y, a, b: t * ratio(a, y), lambda t, y, a, b: t * ratio(b, y), singular=True)


def _turn(a: Any, b: Any) -> Any:
    """The quotient a / (a^2 + b^2), without overflow; 0 at the origin."""
    r = np.hypot(a, b)
    return ratio(ratio(a, r), r)


arctan2 = elementwise(
    np.arctan2, lambda t, y, a, b: t * _turn(b, a), lambda t, y, a, b: -t * _turn(a, b), singular=True
)
fabs = elementwise(np.fabs, lambda t, y, x: t * np.sign(x))
copysign = elementwise(np.copysign, lambda t, y, a, b: t * (np.sign(a) * np.sign(y)), None)

# --- the parts of a floating-point number ---------------------------------------------------------

fraction = elementwise(lambda x: np.modf(x)[0], pass_on, name="fraction", reads=False)
exponent = elementwise(lambda x: np.frexp(x)[1], None, name="exponent")
nextafter = elementwise(np.nextafter, pass_on, None, reads=False)
ldexp = elementwise(np.ldexp, lambda t, y, x, n: np.ldexp(t, n), None)


@implements(np.modf)
def modf(x: Any) -> Any:
    """``np.modf``; the integer part is not tracked."""
    return fraction(x), np.trunc(x)


@implements(np.frexp)
def frexp(x: Any) -> Any:
    """``np.frexp``; the exponent is not tracked."""
    n = exponent(x)
    return ldexp(x, -n), n


# --- functions without a gradient -----------------------------------------------------------------

_CONSTANT: set[Any] = {
    *(np.signbit, np.floor, np.ceil, np.rint, np.trunc, np.floor_divide, np.spacing),
    *(np.isfinite, np.isinf, np.isnan, np.isreal, np.iscomplex, np.isneginf, np.isposinf),
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.bitwise_count),
    *(np.gcd, np.lcm),
    *(np.round, np.around, np.fix, np.isclose, np.allclose, np.array_equal, np.array_equiv),
}
NUMPY_CONSTANTS.update(_CONSTANT)
