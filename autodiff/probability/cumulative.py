"""Cumulative functions of the gamma, beta and Student distributions, and their inverses: values from SciPy, rules ours.

The slope by the variable is the density. That by a shape parameter has no closed form: it is the integral over the
nearer tail of the slope of the density, which one double-exponential rule takes in coordinates in which tails decay
exponentially (the logarithm for gamma, the logit for beta, the inverse hyperbolic sine for Student's t). An inverse
has the slopes that implicit differentiation gives, so that its rules are the same formulas at its own output; that is
what makes samples of these distributions differentiable. The quotient by the density in them is one of exponents, for
far out both may be smaller than the smallest number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.primitives import Primitive, elementwise
from autodiff.errors import MissingExtraError
from autodiff.ops.gamma_remainders import stirling
from autodiff.probability.kernels import (
    LOG_2PI,
    beta_kernel,
    digamma_less_log,
    gamma_kernel,
    log1p_square,
    log_growth,
    student_constant,
    student_constant_slope,
    student_log_density,
)


def _scipy(name: str) -> Callable[..., Any]:
    """A function of ``scipy.special``."""
    try:
        from scipy import special
    except ImportError as error:
        raise MissingExtraError(
            f"The distribution function takes its values from scipy.special.{name}, and SciPy is not installed: "
            "pip install 'wengert[special]'."
        ) from error
    return getattr(special, name)


# H. Takahasi, M. Mori, "Double exponential formulas for numerical integration", Publ. RIMS 9 (1974): the
# substitution w = exp(u - exp(-u)) for integrands over (0, inf) that decay like exp(-w).
_U = np.arange(-4.0, 5.5, 1 / 16)
_NODES = np.exp(_U - np.exp(-_U))
_WEIGHTS = _NODES * (1 + np.exp(-_U)) / 16


def _tail(integrand: Callable[[Any], Any], start: Any, sign: Any, scale: Any) -> Any:
    """The integral over ``start + sign * w``, w > 0, of something that decays on the length `scale`."""
    at = start[..., None] + (sign * scale)[..., None] * _NODES
    return (integrand(at) * _WEIGHTS).sum(axis=-1) * scale


# --- gamma ----------------------------------------------------------------------------------------


def _gamma_density(a: Any, x: Any) -> Any:
    return np.exp(gamma_kernel(a, x) - np.log(x))


def _gamma_by_shape(a: Any, x: Any, less: Any = 0.0) -> Any:
    """Slope of the lower incomplete gamma function by its shape, times exp(-less)."""
    wide, mean = a[..., None], digamma_less_log(a)[..., None]
    height = (0.5 * np.log(a) - LOG_2PI / 2 - stirling(a, n=0) - less)[..., None]
    side = np.where(x < a, -1.0, 1.0)
    value = _tail(
        lambda s: np.exp(wide * (s - np.expm1(np.minimum(s, 700.0))) + height) * (s - mean),  # s = log(x / a)
        np.log(x / a),
        side,
        np.where(x < a, np.sqrt(1 + a) / a, 2 / np.sqrt(1 + a)),  # left of a small shape the tail is exp(a s)
    )
    return -side * value


gamma_cdf = elementwise(
    lambda a, x, *, upper=False: _scipy("gammaincc" if upper else "gammainc")(a, x),
    lambda t, y, a, x, *, upper=False: t * ((-1 if upper else 1) * _gamma_by_shape(a, x)),
    lambda t, y, a, x, *, upper=False: t * ((-1 if upper else 1) * _gamma_density(a, x)),
    name="gamma_cdf",
    singular=True,
)
"""The regularised incomplete gamma function: the lower one, P(a, x), or the `upper` one, 1 - P(a, x)."""

gamma_quantile: Primitive = elementwise(
    lambda a, p: _scipy("gammaincinv")(a, p),
    lambda t, y, a, p: t * -_gamma_by_shape(a, y, gamma_kernel(a, y) - np.log(y)),
    lambda t, y, a, p: t / _gamma_density(a, y),
    name="gamma_quantile",
    singular=True,
)

# --- beta -----------------------------------------------------------------------------------------


def _beta_log_density(a: Any, b: Any, x: Any) -> Any:
    return beta_kernel(a, b, x, 1 - x) - np.log(x) - np.log1p(-x)


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return np.exp(_beta_log_density(a, b, x))


def _beta_by_first(a: Any, b: Any, s: Any, less: Any = 0.0) -> Any:
    """Slope of the incomplete beta function by `a`, at the logit `s` of its variable, times exp(-less)."""
    n = a + b
    mean = (digamma_less_log(a) - digamma_less_log(n))[..., None]  # of log(x), less log(a / n)
    height = 0.5 * (np.log(b) - np.log1p(b / a)) - LOG_2PI / 2
    height = (height - stirling(a, n=0) - stirling(b, n=0) + stirling(n, n=0) - less)[..., None]
    wide_a, wide_b, share, rest = a[..., None], b[..., None], (a / n)[..., None], (b / n)[..., None]
    centre = np.log(a) - np.log(b)
    side = np.where(s < centre, -1.0, 1.0)

    def integrand(u: Any) -> Any:  # u is the logit less its centre; x / share and (1 - x) / rest as functions of it
        log_x = -np.logaddexp(np.log(share), np.log(rest) - u)
        log_rest = -np.logaddexp(np.log(rest), np.log(share) + u)
        small = np.abs(u) < 1
        v = np.where(small, u, 0.0)
        log_x = np.where(small, -np.log1p(rest * np.expm1(-v)), log_x)
        log_rest = np.where(small, -np.log1p(share * np.expm1(v)), log_rest)
        return np.exp(wide_a * log_x + wide_b * log_rest + height) * (log_x - mean)

    # round the mean the width of a bell; of small shapes the tails are exp(a u) on the left and exp(-b u) on the right
    scale = (1 / a + 1 / b) ** 0.5 + np.where(side < 0, 1 / a, 1 / b)
    return -side * _tail(integrand, s - centre, side, scale)


def _logit(x: Any) -> Any:
    return np.log(x) - np.log1p(-x)


beta_cdf = elementwise(
    lambda a, b, x, *, upper=False: _scipy("betaincc" if upper else "betainc")(a, b, x),
    lambda t, y, a, b, x, *, upper=False: t * ((-1 if upper else 1) * _beta_by_first(a, b, _logit(x))),
    lambda t, y, a, b, x, *, upper=False: t * ((1 if upper else -1) * _beta_by_first(b, a, -_logit(x))),
    lambda t, y, a, b, x, *, upper=False: t * ((-1 if upper else 1) * _beta_density(a, b, x)),
    name="beta_cdf",
    singular=True,
)
"""The regularised incomplete beta function I_x(a, b), or the `upper` one, 1 - I_x(a, b)."""

beta_quantile: Primitive = elementwise(
    lambda a, b, p: _scipy("betaincinv")(a, b, p),
    lambda t, y, a, b, p: t * -_beta_by_first(a, b, _logit(y), _beta_log_density(a, b, y)),
    lambda t, y, a, b, p: t * _beta_by_first(b, a, -_logit(y), _beta_log_density(a, b, y)),
    lambda t, y, a, b, p: t / _beta_density(a, b, y),
    name="beta_quantile",
    singular=True,
)

# --- Student's t ----------------------------------------------------------------------------------


def _student_density(nu: Any, x: Any) -> Any:
    return np.exp(student_log_density(nu, x))


def _student_by_freedom(nu: Any, x: Any, less: Any = 0.0) -> Any:
    """Slope of Student's cumulative function by the degrees of freedom, times exp(-less)."""
    side = np.where(x < 0, -1.0, 1.0)
    wide, mean = nu[..., None], student_constant_slope(nu)[..., None]
    height = (student_constant(nu) + 0.5 * np.log(nu) - less)[..., None]

    def integrand(v: Any) -> Any:  # t = sqrt(nu) sinh(v): the density is cosh(v)^-(nu + 1) but for its constant
        near = np.sinh(np.minimum(v, 1.0))
        log_cosh = np.where(v < 1, 0.5 * np.log1p(near * near), v + np.log1p(np.exp(-2 * v)) - math.log(2.0))
        share = np.tanh(v) ** 2  # t^2 / (nu + t^2)
        slope = (mean + log_growth(share, 2 * log_cosh) + share / wide) / 2
        return np.exp(-wide * log_cosh + height) * slope

    slope = _tail(integrand, np.arcsinh(x * side / np.sqrt(nu)), np.ones_like(side), np.sqrt(1 + nu) / nu)
    return np.where(x == 0, 0.0, -side * slope)  # half of it lies on each side


def _student_tail(nu: Any, size: Any) -> Any:
    """The probability of values beyond `size` on one side; far out the leading power, where a square would overflow."""
    log_share = -log1p_square(size / np.sqrt(nu))
    h = nu / 2
    far = np.exp(h * log_share - _scipy("betaln")(h, 0.5) - np.log(h)) / 2
    return np.where(log_share < -80, far, _scipy("stdtr")(nu, -size))


def _student_cdf(nu: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        tail = _student_tail(np.asarray(nu, float), np.abs(np.asarray(x, float)))
    return np.where(x < 0, tail, 1 - tail).astype(np.result_type(nu, x))[()]


def _student_quantile(nu: Any, p: Any) -> Any:
    inverse, h = _scipy("betaincinv"), np.asarray(nu / 2, float)
    with np.errstate(all="ignore"):
        tail = np.asarray(np.minimum(p, 1 - p), float)
        far = inverse(h, 0.5, 2 * tail)  # nu / (nu + t^2), of which far out only the leading power is left
        log_far = (np.log(2 * tail) + np.log(h) + _scipy("betaln")(h, 0.5)) / h
        near = inverse(0.5, h, np.maximum(1 - 2 * tail, 0))
        outside = np.where(far < 1e-30, np.exp(-log_far / 2), np.sqrt((1 - far) / far))
        size = np.sqrt(nu) * np.where(tail < 0.25, outside, np.sqrt(near / (1 - near)))
        for _ in range(2):  # at many degrees of freedom SciPy's inverse has 8 digits
            step = (_student_tail(2 * h, size) - tail) / _student_density(2 * h, size)
            size = np.where(np.abs(step) < 1e-3 * size, size + step, size)
        size = np.where(tail == 0, np.inf, size)
    return (np.sign(p - 0.5) * size).astype(np.result_type(nu, p))[()]


student_cdf = elementwise(
    _student_cdf,
    lambda t, y, nu, x: t * _student_by_freedom(nu, x),
    lambda t, y, nu, x: t * _student_density(nu, x),
    name="student_cdf",
)

student_quantile: Primitive = elementwise(
    _student_quantile,
    lambda t, y, nu, p: t * -_student_by_freedom(nu, y, student_log_density(nu, y)),
    lambda t, y, nu, p: t / _student_density(nu, y),
    name="student_quantile",
    singular=True,
)
