"""Cumulative functions of the gamma, beta and Student distributions, their logarithms and their inverses.

Values are SciPy's where it has them; the rules are ours. The slope by the variable is the density. The slope by a shape
parameter has no closed form: it is the integral of the slope of the density over the nearer tail. It is computed by one
double-exponential rule, in coordinates in which tails decay exponentially (the logarithm for gamma, the logit for beta,
the inverse hyperbolic sine for Student's t), and in units of the density where the tail begins. So nothing cancels or
underflows. If SciPy has few digits of a tail or none, the tail is the integral of the density by the same rule. The
slopes of an inverse follow by implicit differentiation: its rules are the same formulas at its own output. This makes
samples of these distributions differentiable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.errors import MissingExtraError
from autodiff.ops.densities import (
    beta_kernel,
    beta_log_density,
    digamma_less_log,
    gamma_kernel,
    log_growth,
    student_constant_slope,
    student_log_density,
)


def _scipy(name: str) -> Callable[..., Any]:
    """A function of ``scipy.special``."""
    try:
        from scipy import special
    except ImportError as error:
        raise MissingExtraError(
            f"The distribution function takes its values from scipy.special.{name}, but SciPy is not installed: "
            "pip install 'wengert[special]'."
        ) from error
    return getattr(special, name)


# H. Takahasi, M. Mori, "Double exponential formulas for numerical integration", Publ. RIMS 9 (1974): the
# substitution w = exp(u - exp(-u)) for integrands over (0, inf) that decay like exp(-w).
_U = np.arange(-4.0, 5.5, 1 / 16)
_NODES = np.exp(_U - np.exp(-_U))
_WEIGHTS = _NODES * (1 + np.exp(-_U)) / 16


def _tail(integrand: Callable[[Any], Any], side: Any, scale: Any) -> Any:
    """The integral over ``side * w``, w > 0, of an integrand that decays on the length `scale`."""
    return (integrand((side * scale)[..., None] * _NODES) * _WEIGHTS).sum(axis=-1) * scale


_SMALLEST = 1e-290
"""Numbers below it may have few digits or none."""
_FAR = -30.0
"""For logarithms below it, a quotient of two densities has more digits than the exponential of a difference."""


def _logarithm(part: Any, rest: Any, poor: Any, log_tail: Callable[..., Any], is_tail: Any, *operands: Any) -> Any:
    """The logarithm of `part`, near 1 from `rest = 1 - part`; from the integral of the tail where these are `poor`."""
    value = np.array(np.where(part < 0.5, np.log(part), np.log1p(-rest)))
    poor = poor | ~(np.minimum(part, rest) > _SMALLEST)
    if poor.any():
        tail = log_tail(*(x[poor] for x in operands))
        value[poor] = np.where(is_tail[poor], tail, np.log1p(-np.exp(tail)))
    return value


def _wide(*operands: Any) -> Any:
    """The operands in double precision, broadcast to one shape."""
    return np.broadcast_arrays(*(np.asarray(x, float) for x in operands))


# --- gamma ----------------------------------------------------------------------------------------

_MANY = 1e4
"""For larger concentrations SciPy's incomplete gamma functions lose digits far below the mean: at 1e8 all of them."""


def _gamma_tail(a: Any, x: Any, weight: Callable[[Any], Any]) -> Any:
    """The integral of weight times density over the tail beyond x, as seen from the mean, in units of the density at x.

    The density is that of log(x). The weight is a function of d, the signed distance in log(x) from the tail's start.
    """
    below, wide, at = x < a, np.expand_dims(a, -1), np.expand_dims(x, -1)
    # far out it decays as an exponential, around the mean as a bell; on the left, for a small shape, as exp(a d)
    scale = 1 / (np.abs(a - x) + np.where(below, a / np.sqrt(1 + a), np.sqrt(1 + a) / 2))

    def integrand(d: Any) -> Any:
        return np.exp(wide * d - at * np.expm1(np.minimum(d, 700.0))) * weight(d)

    return _tail(integrand, np.where(below, -1.0, 1.0), scale)


def _gamma_log_tail(a: Any, x: Any) -> Any:
    return gamma_kernel(a, x) + np.log(_gamma_tail(a, x, np.ones_like))


def gamma_by_shape(a: Any, x: Any, height: Any) -> Any:
    """The slope of the lower incomplete gamma function by its shape, with exp(height) for the density of log(x)."""
    off = (x - a) / a
    near = np.abs(off) < 0.5
    log_ratio = np.where(near, np.log1p(np.where(near, off, 0.0)), np.log(x) - np.log(a))
    rise = (log_ratio - digamma_less_log(a))[..., None]
    return np.where(x < a, 1.0, -1.0) * np.exp(height) * _gamma_tail(a, x, lambda d: d + rise)


def _gamma_height(a: Any, x: Any, y: Any, upper: bool) -> Any:
    """The logarithm of the density of log(x), minus the logarithm y of the probability of a tail."""
    far = ((x > a) if upper else (x < a)) & (y < _FAR)
    return np.where(far, -np.log(_gamma_tail(a, x, np.ones_like)), gamma_kernel(a, x) - y)


@np.errstate(all="ignore")
def _log_gamma(a: Any, x: Any, *, upper: bool = False) -> Any:
    dtype, (a, x) = np.result_type(a, x), _wide(a, x)
    part, rest = (_scipy(name)(a, x) for name in (("gammaincc", "gammainc") if upper else ("gammainc", "gammaincc")))
    return _logarithm(part, rest, a > _MANY, _gamma_log_tail, (x < a) != upper, a, x).astype(dtype)[()]


def _gamma(a: Any, x: Any, *, upper: bool = False) -> Any:
    value, many = _scipy("gammaincc" if upper else "gammainc")(a, x), np.asarray(a) > _MANY
    return np.where(many, np.exp(_log_gamma(a, x, upper=upper)), value)[()] if many.any() else value


@np.errstate(all="ignore")
def _gamma_quantile(a: Any, p: Any) -> Any:
    value = _scipy("gammaincinv")(a, p)
    if not np.any(many := np.asarray(a) > _MANY):
        return value
    dtype, (a, p, y) = np.result_type(a, p), _wide(a, p, value)
    upper = p >= 0.5
    for _ in range(3):  # SciPy inverts its own function, which is inaccurate here, so Newton steps follow
        log_tail = np.where(upper, _log_gamma(a, y, upper=True), _log_gamma(a, y))
        off = np.where(upper, log_tail - np.log(1 - p), np.log(p) - log_tail)
        step = off * y * np.exp(log_tail - gamma_kernel(a, y))
        y = np.where(many & np.isfinite(step), y + step, y)
    return y.astype(dtype)[()]


gamma_cdf = elementwise(
    _gamma,
    lambda t, y, a, x, *, upper=False: t * ((-1 if upper else 1) * gamma_by_shape(a, x, gamma_kernel(a, x))),
    lambda t, y, a, x, *, upper=False: t * ((-1 if upper else 1) * np.exp(gamma_kernel(a, x) - np.log(x))),
    name="gamma_cdf",
    singular=True,
)
"""The regularised incomplete gamma function: the lower one, P(a, x), or with `upper` 1 - P(a, x)."""

log_gamma_cdf = elementwise(
    _log_gamma,
    lambda t, y, a, x, *, upper=False: t * ((-1 if upper else 1) * gamma_by_shape(a, x, _gamma_height(a, x, y, upper))),
    lambda t, y, a, x, *, upper=False: t * ((-1 if upper else 1) * np.exp(_gamma_height(a, x, y, upper)) / x),
    name="log_gamma_cdf",
    singular=True,
)
"""The logarithm of `gamma_cdf`, also where that underflows."""

gamma_quantile: Primitive = elementwise(
    _gamma_quantile,
    lambda t, y, a, p: t * -gamma_by_shape(a, y, np.log(y)),
    lambda t, y, a, p: t * np.exp(np.log(y) - gamma_kernel(a, y)),
    name="gamma_quantile",
    singular=True,
)

# --- beta -----------------------------------------------------------------------------------------


def _beta_tail(a: Any, b: Any, x: Any, rest: Any, weight: Callable[[Any], Any]) -> Any:
    """The integral of weight times density over the tail beyond x, as seen from the mean, in units of the density at x.

    The density is that of logit(x). The weight is a function of the rise of log(x). At a distance d in the logit, the
    density is exp(a d - n log(1 + x expm1(d))). For x > 1/2 it is mirrored: -d, b and 1 - x take the place of d, a, x.
    """
    swap = x > rest
    less, more = np.where(swap, rest, x)[..., None], np.where(swap, x, rest)[..., None]
    lead, other = np.where(swap, b, a), np.where(swap, a, b)
    off = np.where(swap, b * x - a * rest, a * rest - b * x)

    def integrand(e: Any) -> Any:
        rise = less * np.expm1(np.minimum(e, 700.0))
        past = rise > 1  # past the middle, where exp(e) may overflow: count from the other end, which is nearer
        growth = np.log1p(np.where(past, more * np.expm1(-np.maximum(e, 0.0)), rise))
        log_less, log_more = np.where(past, -growth, e - growth), np.where(past, -e - growth, -growth)
        height = np.exp(lead[..., None] * log_less + other[..., None] * log_more)
        return height * weight(np.where(np.expand_dims(swap, -1), log_more, log_less))

    # around the mean the width of a bell; for small shapes the left tail is exp(lead e), the right one exp(-other e)
    width = (1 / a + 1 / b) ** 0.5 + np.where(off > 0, 1 / lead, 1 / other)
    return _tail(integrand, np.where(off > 0, -1.0, 1.0), 1 / (np.abs(off) + 1 / width))


def _beta_log_tail(a: Any, b: Any, x: Any, rest: Any) -> Any:
    return beta_kernel(a, b, x, rest) + np.log(_beta_tail(a, b, x, rest, np.ones_like))


def beta_by_first(a: Any, b: Any, x: Any, rest: Any, height: Any) -> Any:
    """The slope of the incomplete beta function by `a`, with exp(height) for the density of logit(x)."""
    n, off = a + b, (b * x - a * rest) / a
    near = np.abs(off) < 0.5
    log_ratio = np.where(near, np.log1p(np.where(near, off, 0.0)), np.log(x * (n / a)))
    rise = (log_ratio - digamma_less_log(a) + digamma_less_log(n))[..., None]
    tail = _beta_tail(a, b, x, rest, lambda log_x: log_x + rise)
    is_left = np.where(
        x > rest, off <= 0, off < 0
    )  # at the mean `_beta_tail` takes the right tail, or its mirror image
    return np.where(is_left, 1.0, -1.0) * np.exp(height) * tail


def _beta_log_hazard(a: Any, b: Any, x: Any, y: Any, upper: bool) -> Any:
    """The logarithm of the density, minus the logarithm y of the probability of a tail."""
    far = ((b * x > a * (1 - x)) if upper else (b * x < a * (1 - x))) & (y < _FAR)
    quotient = -np.log(_beta_tail(a, b, x, 1 - x, np.ones_like)) - _log_slope(x)
    return np.where(far, quotient, beta_log_density(a, b, x) - y)


def _beta_height(a: Any, b: Any, x: Any, y: Any, upper: bool) -> Any:
    """The same for the density of logit(x)."""
    return _beta_log_hazard(a, b, x, y, upper) + _log_slope(x)


@np.errstate(all="ignore")
def _log_beta(a: Any, b: Any, x: Any, *, upper: bool = False) -> Any:
    dtype, (a, b, x) = np.result_type(a, b, x), _wide(a, b, x)
    part, rest = (_scipy(name)(a, b, x) for name in (("betaincc", "betainc") if upper else ("betainc", "betaincc")))
    is_tail = (b * x < a * (1 - x)) != upper
    return _logarithm(part, rest, False, _beta_log_tail, is_tail, a, b, x, 1 - x).astype(dtype)[()]


def _log_slope(x: Any) -> Any:
    """The logarithm of the slope of the logistic function where its value is x."""
    return np.log(x) + np.log1p(-x)


def _beta_kernel(a: Any, b: Any, x: Any) -> Any:
    return beta_kernel(a, b, x, 1 - x)


beta_cdf = elementwise(
    lambda a, b, x, *, upper=False: _scipy("betaincc" if upper else "betainc")(a, b, x),
    lambda t, y, a, b, x, *, upper=False: (
        t * ((-1 if upper else 1) * beta_by_first(a, b, x, 1 - x, _beta_kernel(a, b, x)))
    ),
    lambda t, y, a, b, x, *, upper=False: (
        t * ((1 if upper else -1) * beta_by_first(b, a, 1 - x, x, _beta_kernel(a, b, x)))
    ),
    lambda t, y, a, b, x, *, upper=False: t * ((-1 if upper else 1) * np.exp(beta_log_density(a, b, x))),
    name="beta_cdf",
    singular=True,
)
"""The regularised incomplete beta function I_x(a, b), or with `upper` 1 - I_x(a, b)."""

log_beta_cdf = elementwise(
    _log_beta,
    lambda t, y, a, b, x, *, upper=False: (
        t * ((-1 if upper else 1) * beta_by_first(a, b, x, 1 - x, _beta_height(a, b, x, y, upper)))
    ),
    lambda t, y, a, b, x, *, upper=False: (
        t * ((1 if upper else -1) * beta_by_first(b, a, 1 - x, x, _beta_height(a, b, x, y, upper)))
    ),
    lambda t, y, a, b, x, *, upper=False: t * ((-1 if upper else 1) * np.exp(_beta_log_hazard(a, b, x, y, upper))),
    name="log_beta_cdf",
    singular=True,
)
"""The logarithm of `beta_cdf`, also where that underflows."""

beta_quantile: Primitive = elementwise(
    lambda a, b, p: _scipy("betaincinv")(a, b, p),
    lambda t, y, a, b, p: t * -beta_by_first(a, b, y, 1 - y, _log_slope(y)),
    lambda t, y, a, b, p: t * beta_by_first(b, a, 1 - y, y, _log_slope(y)),
    lambda t, y, a, b, p: t * np.exp(-beta_log_density(a, b, y)),
    name="beta_quantile",
    singular=True,
)

# --- Student's t ----------------------------------------------------------------------------------


def length(nu: Any, x: Any) -> Any:
    """``sqrt(nu + x**2)``: the density of x times this is the density of arcsinh(x / sqrt(nu))."""
    return np.hypot(np.sqrt(nu), x)


def _student_tail(nu: Any, size: Any, weight: Callable[[Any], Any]) -> Any:
    """The integral of weight times density over the tail beyond `size`, in units of the density at `size`.

    The density is that of v = arcsinh(x / sqrt(nu)), and falls as cosh(v)**-nu. The weight is a function of v.
    """
    start, slant = np.arcsinh(size / np.sqrt(nu))[..., None], size / length(nu, size)
    flat = (1 - slant)[..., None] / 2

    def integrand(w: Any) -> Any:  # (cosh(start + w) / cosh(start))**-nu times the weight
        return np.exp(-nu[..., None] * (w + np.log1p(flat * np.expm1(-2 * w)))) * weight(start + w)

    return _tail(integrand, np.ones_like(slant), 1 / (nu * slant + nu / np.sqrt(1 + nu)))


def student_kernel(nu: Any, x: Any) -> Any:
    """The logarithm of the density of v = arcsinh(x / sqrt(nu))."""
    return student_log_density(nu, x) + np.log(length(nu, x))


def _student_log_tail(nu: Any, size: Any) -> Any:
    return student_kernel(nu, size) + np.log(_student_tail(nu, size, np.ones_like))


def student_by_freedom(nu: Any, x: Any, height: Any) -> Any:
    """The slope of Student's cumulative function by the degrees of freedom, with exp(height) for the density of v."""
    wide, mean = nu[..., None], student_constant_slope(nu)[..., None]

    def slope(v: Any) -> Any:
        near = np.sinh(np.minimum(v, 1.0))
        log_cosh = np.where(v < 1, 0.5 * np.log1p(near * near), v + np.log1p(np.exp(-2 * v)) - math.log(2.0))
        share = np.square(np.tanh(v))  # x^2 / (nu + x^2)
        return (mean + log_growth(share, 2 * log_cosh) + share / wide) / 2

    side = np.where(x < 0, 1.0, -1.0)
    return np.where(x == 0, 0.0, side * np.exp(height) * _student_tail(nu, -side * x, slope))  # the cdf at 0 is 1/2


def _student_height(nu: Any, x: Any, y: Any) -> Any:
    """The logarithm of the density of v, minus the logarithm y of the probability of values up to x."""
    far = (x < 0) & (y < _FAR)
    return np.where(far, -np.log(_student_tail(nu, np.abs(x), np.ones_like)), student_kernel(nu, x) - y)


@np.errstate(all="ignore")
def _log_student(nu: Any, x: Any) -> Any:
    dtype, (nu, x) = np.result_type(nu, x), _wide(nu, x)
    part, rest = _scipy("stdtr")(nu, x), _scipy("stdtr")(nu, -x)
    return _logarithm(part, rest, False, _student_log_tail, x < 0, nu, np.abs(x)).astype(dtype)[()]


@np.errstate(all="ignore")
def _tail_of_student(nu: Any, size: Any) -> Any:
    """The probability of values beyond `size` on one side; by the integral where SciPy's is too small or NaN."""
    value = _scipy("stdtr")(nu, -size)
    far = ~(value > _SMALLEST)
    return np.where(far, np.exp(_student_log_tail(nu, size)), value) if far.any() else value


def _student_cdf(nu: Any, x: Any) -> Any:
    tail = _tail_of_student(*_wide(nu, np.abs(x)))
    return np.where(x < 0, tail, 1 - tail).astype(np.result_type(nu, x))[()]


def _student_quantile(nu: Any, p: Any) -> Any:
    inverse, h = _scipy("betaincinv"), np.asarray(nu / 2, float)
    with np.errstate(all="ignore"):
        tail = np.asarray(np.minimum(p, 1 - p), float)
        far = inverse(h, 0.5, 2 * tail)  # nu / (nu + t^2); far out only its leading power matters
        log_far = (np.log(2 * tail) + np.log(h) + _scipy("betaln")(h, 0.5)) / h
        near = inverse(0.5, h, np.maximum(1 - 2 * tail, 0))
        outside = np.where(far < 1e-30, np.exp(-log_far / 2), np.sqrt((1 - far) / far))
        size = np.sqrt(nu) * np.where(tail < 0.25, outside, np.sqrt(near / (1 - near)))
        for _ in range(2):  # for many degrees of freedom SciPy's inverse has only 8 digits
            step = (_tail_of_student(2 * h, size) - tail) / np.exp(student_log_density(2 * h, size))
            size = np.where(np.abs(step) < 1e-3 * size, size + step, size)
        size = np.where(tail == 0, np.inf, size)
    return (np.sign(p - 0.5) * size).astype(np.result_type(nu, p))[()]


student_cdf = elementwise(
    _student_cdf,
    lambda t, y, nu, x: t * student_by_freedom(nu, x, student_kernel(nu, x)),
    lambda t, y, nu, x: t * np.exp(student_log_density(nu, x)),
    name="student_cdf",
)

log_student_cdf = elementwise(
    _log_student,
    lambda t, y, nu, x: t * student_by_freedom(nu, x, _student_height(nu, x, y)),
    lambda t, y, nu, x: t * np.exp(_student_height(nu, x, y)) / length(nu, x),
    name="log_student_cdf",
)
"""The logarithm of `student_cdf`, also where that underflows."""

student_quantile: Primitive = elementwise(
    _student_quantile,
    lambda t, y, nu, p: t * -student_by_freedom(nu, y, np.log(length(nu, y))),
    lambda t, y, nu, p: t * np.exp(-student_log_density(nu, y)),
    name="student_quantile",
    singular=True,
)
