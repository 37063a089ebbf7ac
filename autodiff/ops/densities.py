"""Logarithms of densities without terms that cancel: gamma, beta and Student's t.

For large shape parameters they are computed from the distance to the mean and the remainder of Stirling's formula, both
of which are small; `autodiff.ops.gamma_remainders` has these functions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.ops.gamma_remainders import betaln, log1p_less, stirling
from autodiff.ops.information import xlogy
from autodiff.ops.through_scipy import gammaln

LOG_2PI = math.log(2 * math.pi)
LARGE = 16.0
"""For smaller shape parameters the terms of a density are small, and adding them directly loses no digits."""


def gamma_kernel(a: Any, u: Any) -> Any:
    """``a log(u) - u - gammaln(a)``; for large a from the distance to a and the remainder of Stirling's formula."""
    plainly = xlogy(a, u) - u - gammaln(a)
    off = (u - a) / a
    close = (a >= LARGE) & (np.abs(off) < 0.5)  # farther away the result is as large as its terms
    large = a * log1p_less(np.where(close, off, 0.0)) + 0.5 * np.log(a) - LOG_2PI / 2 - stirling(a, n=0)
    return np.where(close, large, plainly)


def is_near_mean(a: Any, b: Any, x: Any, rest: Any) -> Any:
    """Whether the terms of a beta density cancel at x: for large shape parameters, and not too far from the mean."""
    off = x * b - rest * a
    return (a + b >= 2 * LARGE) & (off > -0.9 * a) & (off < 0.9 * b)


def beta_kernel(a: Any, b: Any, x: Any, rest: Any) -> Any:
    """``a log(x) + b log(rest) - betaln(a, b)`` with ``rest = 1 - x``; near the mean from the distance to it."""
    plainly = xlogy(a, x) + xlogy(b, rest) - betaln(a, b)
    off = x * b - rest * a
    close = is_near_mean(a, b, x, rest)
    off = np.where(close, off, 0.0)
    apart = a * log1p_less(off / a) + b * log1p_less(-off / b)
    constant = 0.5 * (np.log(b) - np.log1p(b / a)) - LOG_2PI / 2
    large = apart + constant - stirling(a, n=0) - stirling(b, n=0) + stirling(a + b, n=0)
    return np.where(close, large, plainly)


def beta_log_density(a: Any, b: Any, x: Any) -> Any:
    """The logarithm of the beta density, also at the ends 0 and 1."""
    plainly = xlogy(a - 1, x) + xlogy(b - 1, 1 - x) - betaln(a, b)
    large = is_near_mean(a, b, x, 1 - x)
    x = np.where(large, x, 0.5)
    return np.where(large, beta_kernel(a, b, x, 1 - x) - np.log(x) - np.log1p(-x), plainly)


def digamma_less_log(a: Any) -> Any:
    """``digamma(a) - log(a)``."""
    return stirling(a, n=1) - 0.5 / a


# --- Student's t ----------------------------------------------------------------------------------


def _log1p_square(w: Any) -> Any:
    small = np.where(np.abs(w) < 1, w, 0)
    with np.errstate(divide="ignore"):
        return np.where(np.abs(w) < 1, np.log1p(small * small), 2 * np.log(np.hypot(1, w)))[()]


log1p_square = elementwise(
    _log1p_square, lambda t, y, w: t * (2 * (w / np.hypot(1, w)) / np.hypot(1, w)), name="log1p_square"
)
"""log(1 + w^2), also where the square overflows."""


def _share(nu: Any, t: Any) -> Any:
    """``t**2 / (nu + t**2)``."""
    return np.square(t / np.hypot(np.sqrt(nu), t))


def log_growth(s: Any, log_whole: Any) -> Any:
    """``s - log_whole`` for ``log_whole = -log(1 - s)``, which is -s**2 / 2 to leading order at s = 0."""
    near = s < 0.5
    return np.where(near, log1p_less(np.where(near, -s, 0.0)), s - log_whole)


student_power = elementwise(
    lambda nu, t: -(nu + 1) / 2 * log1p_square(t / np.sqrt(nu)),
    lambda ct, y, nu, t: ct * ((log_growth(_share(nu, t), log1p_square(t / np.sqrt(nu))) + _share(nu, t) / nu) / 2),
    lambda ct, y, nu, t: ct * (-(nu + 1) * (t / np.hypot(np.sqrt(nu), t)) / np.hypot(np.sqrt(nu), t)),
    name="student_power",
)
"""The logarithm of (1 + t^2 / nu)^(-(nu + 1) / 2). In the formula of its slope by nu the first-order terms are gone."""


def student_constant(nu: Any) -> Any:
    """The logarithm of the density of Student's t at 0."""
    h = nu / 2
    return h * log1p_less(1 / nu) + stirling(h + 0.5, n=0) - stirling(h, n=0) - LOG_2PI / 2


def student_constant_slope(nu: Any) -> Any:
    """Twice the slope of `student_constant`: digamma((nu + 1) / 2) - digamma(nu / 2) - 1 / nu, of order 1 / nu^2."""
    h, r = nu / 2, 1 / nu
    return log1p_less(r) + r * r / (1 + r) + stirling(h + 0.5, n=1) - stirling(h, n=1)


def student_log_density(nu: Any, t: Any) -> Any:
    """The logarithm of the density of Student's t."""
    return student_power(nu, t) + student_constant(nu)
