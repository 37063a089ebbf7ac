"""Cumulative functions of the gamma, beta and Student distributions, and their inverses: values from SciPy, rules ours.

The slope by the variable is the density. That by a shape parameter has no closed form: it is the integral over the
nearer tail of the slope of the density, which one double-exponential rule takes in coordinates in which tails decay
exponentially (the logarithm for gamma, the logit for beta, the inverse hyperbolic sine for Student's t). An inverse
has the slopes that implicit differentiation gives, so that its rules are the same formulas at its own output; that is
what makes samples of these distributions differentiable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import MissingExtraError
from autodiff.primitives import Primitive, elementwise
from autodiff.special import betaln, digamma, gammaln, softplus


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
    return np.exp((a - 1) * np.log(x) - x - gammaln(a))


def _gamma_by_shape(a: Any, x: Any) -> Any:
    """Slope of the lower incomplete gamma function by its shape."""
    wide, log_gamma, mean = a[..., None], gammaln(a)[..., None], digamma(a)[..., None]
    side = np.where(x < a, -1.0, 1.0)
    value = _tail(
        lambda s: np.exp(wide * s - np.exp(np.minimum(s, 700.0)) - log_gamma) * (s - mean),
        np.log(x),
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
    lambda t, y, a, p: t * (-_gamma_by_shape(a, y) / _gamma_density(a, y)),
    lambda t, y, a, p: t / _gamma_density(a, y),
    name="gamma_quantile",
    singular=True,
)

# --- beta -----------------------------------------------------------------------------------------


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return np.exp((a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - betaln(a, b))


def _beta_by_first(a: Any, b: Any, s: Any) -> Any:
    """Slope of the incomplete beta function by `a`, at the logit `s` of its variable."""
    mean = digamma(a) - digamma(a + b)
    wide_a, wide_b, log_beta, wide_mean = a[..., None], b[..., None], betaln(a, b)[..., None], mean[..., None]
    side = np.where(s < np.log(a / b), -1.0, 1.0)

    def integrand(u: Any) -> Any:
        log_x, log_rest = -softplus(-u), -softplus(u)
        return np.exp(wide_a * log_x + wide_b * log_rest - log_beta) * (log_x - wide_mean)

    return -side * _tail(integrand, s, side, (1 / a + 1 / b) ** 0.5)


def _logit(x: Any) -> Any:
    return np.log(x) - np.log1p(-x)


beta_cdf = elementwise(
    lambda a, b, x: _scipy("betainc")(a, b, x),
    lambda t, y, a, b, x: t * _beta_by_first(a, b, _logit(x)),
    lambda t, y, a, b, x: t * -_beta_by_first(b, a, -_logit(x)),
    lambda t, y, a, b, x: t * _beta_density(a, b, x),
    name="beta_cdf",
    singular=True,
)
"""The regularised incomplete beta function I_x(a, b)."""

beta_quantile: Primitive = elementwise(
    lambda a, b, p: _scipy("betaincinv")(a, b, p),
    lambda t, y, a, b, p: t * (-_beta_by_first(a, b, _logit(y)) / _beta_density(a, b, y)),
    lambda t, y, a, b, p: t * (_beta_by_first(b, a, -_logit(y)) / _beta_density(a, b, y)),
    lambda t, y, a, b, p: t / _beta_density(a, b, y),
    name="beta_quantile",
    singular=True,
)

# --- Student's t ----------------------------------------------------------------------------------


def student_log_density(nu: Any, t: Any) -> Any:
    """Logarithm of the density of Student's t."""
    return -(nu + 1) / 2 * np.log1p(t * t / nu) - 0.5 * np.log(nu) - betaln(nu / 2, 0.5)


def _student_density(nu: Any, x: Any) -> Any:
    return np.exp(student_log_density(nu, x))


def _student_by_freedom(nu: Any, x: Any) -> Any:
    """Slope of Student's cumulative function by the degrees of freedom."""
    side = np.where(x < 0, -1.0, 1.0)
    wide, log_beta = nu[..., None], betaln(nu / 2, 0.5)[..., None]
    mean = ((digamma((nu + 1) / 2) - digamma(nu / 2)) - 1 / nu)[..., None]

    def integrand(v: Any) -> Any:  # t = sqrt(nu) sinh(v): the density is cosh(v)^-(nu + 1) but for its constant
        log_cosh = np.logaddexp(v, -v) - np.log(2.0)
        share = np.tanh(v) ** 2  # t^2 / (nu + t^2)
        slope = (mean - 2 * log_cosh + (wide + 1) / wide * share) / 2
        return np.exp(-wide * log_cosh - log_beta) * slope

    return -side * _tail(integrand, np.arcsinh(x * side / np.sqrt(nu)), np.ones_like(side), 1 / np.sqrt(nu))


student_cdf = elementwise(
    lambda nu, x: _scipy("stdtr")(nu, x),
    lambda t, y, nu, x: t * _student_by_freedom(nu, x),
    lambda t, y, nu, x: t * _student_density(nu, x),
    name="student_cdf",
)

student_quantile: Primitive = elementwise(
    lambda nu, p: _scipy("stdtrit")(nu, p),
    lambda t, y, nu, p: t * (-_student_by_freedom(nu, y) / _student_density(nu, y)),
    lambda t, y, nu, p: t / _student_density(nu, y),
    name="student_quantile",
    singular=True,
)
