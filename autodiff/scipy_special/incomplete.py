"""Incomplete gamma and beta functions, and the distributions that are these: chi-squared, F, Student's t, counts.

The slopes by shapes are integrals of the differentiated density, from `autodiff.ops.cumulative`; in units of the
density they neither cancel nor underflow, and the inverse functions need their quotients only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.ops import cumulative
from autodiff.ops.cumulative import beta_by_first, gamma_by_shape, length, student_by_freedom, student_kernel
from autodiff.ops.densities import beta_kernel, beta_log_density, gamma_kernel, student_log_density
from autodiff.ops.information import xlogy
from autodiff.ops.through_scipy import gammaln
from autodiff.scipy_special.table import WHOLE, like, rules

# --- gamma ----------------------------------------------------------------------------------------


def density(a: Any, x: Any) -> Any:
    """The gamma density ``x^(a-1) exp(-x) / gamma(a)``, at 0 with its limit."""
    large, x = a >= 16, np.where(x == math.inf, 1e300, x)
    v, w = np.where(large, a, 16), np.where(large & (x > 0), x, 1)
    whole = np.exp(gamma_kernel(v, w) - np.log(w))
    plain = np.exp(xlogy(np.where(large, 1, a) - 1, x) - x - gammaln(np.where(large, 1, a)))
    return np.where(large, np.where(x > 0, whole, 0 * x), plain)


def by_shape(a: Any, x: Any) -> Any:
    """The slope of the lower incomplete gamma function by `a`; 0 at both ends."""
    inside = (x > 0) & (x < math.inf)
    w = np.where(inside, x, 1)
    return np.where(inside, gamma_by_shape(a, w, gamma_kernel(a, w)), 0 * a)


def shape_quotient(a: Any, x: Any) -> Any:
    """The slope by `a` over that by log(x), for x above 0."""
    return gamma_by_shape(a, x, np.zeros_like(x))


def _quantile_by_shape(a: Any, y: Any) -> Any:
    """The slope by `a` of the inverse function, where its value is y."""
    inside = (y > 0) & (y < math.inf)
    w = np.where(inside, y, 1)
    return np.where(inside, -w * shape_quotient(a, w), 0 * a)


rules("gammainc", lambda t, y, a, x: t * by_shape(a, x), lambda t, y, a, x: t * density(a, x))
rules("gammaincc", lambda t, y, a, x: -t * by_shape(a, x), lambda t, y, a, x: -t * density(a, x))
rules(
    "gammaincinv",
    lambda t, y, a, p: t * _quantile_by_shape(a, y),
    lambda t, y, a, p: t / density(a, y),
)
rules(
    "gammainccinv",
    lambda t, y, a, p: t * _quantile_by_shape(a, y),
    lambda t, y, a, p: -t / density(a, y),
)
for _name, _sign in (("gdtr", 1), ("gdtrc", -1)):
    rules(
        _name,
        lambda t, y, a, b, x, s=_sign: t * (s * x * density(b, a * x)),
        lambda t, y, a, b, x, s=_sign: t * (s * by_shape(b, a * x)),
        lambda t, y, a, b, x, s=_sign: t * (s * a * density(b, a * x)),
    )
rules(
    "gdtria",
    lambda t, y, p, b, x: t / (x * density(b, y * x)),
    lambda t, y, p, b, x: t * (_quantile_by_shape(b, y * x) / x),
    lambda t, y, p, b, x: t * (-y / x),
)
rules(
    "gdtrib",
    lambda t, y, a, p, x: t * (-1 / (a * shape_quotient(y, a * x))),
    lambda t, y, a, p, x: t / by_shape(y, a * x),
    lambda t, y, a, p, x: t * (-1 / (x * shape_quotient(y, a * x))),
)
rules(
    "gdtrix",
    lambda t, y, a, b, p: t * (-y / a),
    lambda t, y, a, b, p: t * (_quantile_by_shape(b, a * y) / a),
    lambda t, y, a, b, p: t / (a * density(b, a * y)),
)
for _name, _sign in (("chdtr", 1), ("chdtrc", -1)):
    rules(
        _name,
        lambda t, y, v, x, s=_sign: t * (s / 2 * by_shape(v / 2, x / 2)),
        lambda t, y, v, x, s=_sign: t * (s / 2 * density(v / 2, x / 2)),
    )
rules(
    "chdtri",
    lambda t, y, v, p: t * _quantile_by_shape(v / 2, y / 2),
    lambda t, y, v, p: -2 * t / density(v / 2, y / 2),
)
rules(
    "chdtriv",
    lambda t, y, p, x: 2 * t / by_shape(y / 2, x / 2),
    lambda t, y, p, x: t * (-2 / (x * shape_quotient(y / 2, x / 2))),
)
rules("pdtr", WHOLE, lambda t, y, k, m: -t * density(np.floor(k) + 1, m))
rules("pdtrc", WHOLE, lambda t, y, k, m: t * density(np.floor(k) + 1, m))
rules("pdtri", WHOLE, lambda t, y, k, p: -t / density(k + 1.0, y))
rules(
    "pdtrik",
    lambda t, y, p, m: -t / by_shape(y + 1, m),
    lambda t, y, p, m: t * (-1 / (m * shape_quotient(y + 1, m))),
)

# --- beta -----------------------------------------------------------------------------------------


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """The beta density at x."""
    return np.exp(beta_log_density(a, b, x))


def by_first(a: Any, b: Any, x: Any) -> Any:
    """The slope of I_x(a, b) by `a`; 0 at both ends."""
    inside = (x > 0) & (x < 1)
    w = np.where(inside, x, 0.5)
    return np.where(inside, beta_by_first(a, b, w, 1 - w, beta_kernel(a, b, w, 1 - w)), 0 * a)


def by_second(a: Any, b: Any, x: Any) -> Any:
    """The slope of I_x(a, b) by `b`."""
    inside = (x > 0) & (x < 1)
    w = np.where(inside, x, 0.5)
    return np.where(inside, -beta_by_first(b, a, 1 - w, w, beta_kernel(a, b, w, 1 - w)), 0 * b)


def first_quotient(a: Any, b: Any, x: Any, rest: Any) -> Any:
    """The slope by `a` over that by the logit of x."""
    return beta_by_first(a, b, x, rest, np.zeros_like(x))


def second_quotient(a: Any, b: Any, x: Any, rest: Any) -> Any:
    """The slope by `b` over that by the logit of x."""
    return -beta_by_first(b, a, rest, x, np.zeros_like(x))


for _name, _sign in (("betainc", 1), ("betaincc", -1)):
    rules(
        _name,
        lambda t, y, a, b, x, s=_sign: t * (s * by_first(a, b, x)),
        lambda t, y, a, b, x, s=_sign: t * (s * by_second(a, b, x)),
        lambda t, y, a, b, x, s=_sign: t * (s * beta_density(a, b, x)),
    )
for _name, _sign in (("betaincinv", 1), ("betainccinv", -1)):
    rules(
        _name,
        lambda t, y, a, b, p: t * (-y * (1 - y) * first_quotient(a, b, y, 1 - y)),
        lambda t, y, a, b, p: t * (-y * (1 - y) * second_quotient(a, b, y, 1 - y)),
        lambda t, y, a, b, p, s=_sign: t * (s / beta_density(a, b, y)),
    )
rules(
    "btdtria",
    lambda t, y, p, b, x: t / by_first(y, b, x),
    lambda t, y, p, b, x: t * (-second_quotient(y, b, x, 1 - x) / first_quotient(y, b, x, 1 - x)),
    lambda t, y, p, b, x: t * (-1 / (x * (1 - x) * first_quotient(y, b, x, 1 - x))),
)
rules(
    "btdtrib",
    lambda t, y, a, p, x: t * (-first_quotient(a, y, x, 1 - x) / second_quotient(a, y, x, 1 - x)),
    lambda t, y, a, p, x: t / by_second(a, y, x),
    lambda t, y, a, p, x: t * (-1 / (x * (1 - x) * second_quotient(a, y, x, 1 - x))),
)
rules("bdtr", WHOLE, WHOLE, lambda t, y, k, n, p: -t * beta_density(np.floor(k) + 1, n - np.floor(k), p))
rules("bdtrc", WHOLE, WHOLE, lambda t, y, k, n, p: t * beta_density(np.floor(k) + 1, n - np.floor(k), p))
rules("bdtri", WHOLE, WHOLE, lambda t, y, k, n, p: -t / beta_density(k + 1.0, n - k * 1.0, y))
rules("nbdtr", WHOLE, WHOLE, lambda t, y, k, n, p: t * beta_density(n * 1.0, k + 1.0, p))
rules("nbdtrc", WHOLE, WHOLE, lambda t, y, k, n, p: -t * beta_density(n * 1.0, k + 1.0, p))
rules("nbdtri", WHOLE, WHOLE, lambda t, y, k, n, p: t / beta_density(n * 1.0, k + 1.0, y))


def _binomial(k: Any, n: Any, x: Any) -> tuple[Any, Any]:
    """The slopes of the upper binomial tail I_x(k + 1, n - k) by k and n, over that by the logit of x."""
    by_n = second_quotient(k + 1, n - k, x, 1 - x)
    return first_quotient(k + 1, n - k, x, 1 - x) - by_n, by_n


def _height(a: Any, b: Any, x: Any) -> Any:
    return np.exp(beta_kernel(a, b, x, 1 - x))


rules(
    "bdtrik",
    lambda t, y, p, n, x: -t / (_height(y + 1, n - y, x) * _binomial(y, n, x)[0]),
    lambda t, y, p, n, x: t * (-_binomial(y, n, x)[1] / _binomial(y, n, x)[0]),
    lambda t, y, p, n, x: t * (-1 / (x * (1 - x) * _binomial(y, n, x)[0])),
)
rules(
    "bdtrin",
    lambda t, y, k, p, x: t * (-_binomial(k, y, x)[0] / _binomial(k, y, x)[1]),
    lambda t, y, k, p, x: -t / (_height(k + 1, y - k, x) * _binomial(k, y, x)[1]),
    lambda t, y, k, p, x: t * (-1 / (x * (1 - x) * _binomial(k, y, x)[1])),
)
rules(
    "nbdtrik",
    lambda t, y, p, n, x: t / by_second(n, y + 1, x),
    lambda t, y, p, n, x: t * (-first_quotient(n, y + 1, x, 1 - x) / second_quotient(n, y + 1, x, 1 - x)),
    lambda t, y, p, n, x: t * (-1 / (x * (1 - x) * second_quotient(n, y + 1, x, 1 - x))),
)
rules(
    "nbdtrin",
    lambda t, y, k, p, x: t * (-second_quotient(y, k + 1, x, 1 - x) / first_quotient(y, k + 1, x, 1 - x)),
    lambda t, y, k, p, x: t / by_first(y, k + 1, x),
    lambda t, y, k, p, x: t * (-1 / (x * (1 - x) * first_quotient(y, k + 1, x, 1 - x))),
)

# --- F: an incomplete beta function of n x / (d + n x) --------------------------------------------


def f_shares(n: Any, d: Any, x: Any) -> tuple[Any, Any]:
    """The variable of the beta distribution, and 1 minus it."""
    ratio = n / d * x
    return ratio / (1 + ratio), 1 / (1 + ratio)


def f_height(n: Any, d: Any, x: Any) -> Any:
    """The density of log(x)."""
    return np.exp(beta_kernel(n / 2, d / 2, *f_shares(n, d, x)))


def f_density(n: Any, d: Any, x: Any) -> Any:
    """The density of F, at 0 with its limit."""
    w = np.where(x > 0, x, 1)
    at_zero = np.where(n < 2, math.inf, np.where(n == 2, 1, 0))
    return np.where(x > 0, f_height(n, d, w) / w, np.where(x == 0, at_zero, math.nan))


def _f_quotients(n: Any, d: Any, x: Any) -> tuple[Any, Any]:
    """The slopes of the cumulative function by n and d over that by log(x)."""
    w, rest = f_shares(n, d, x)
    return first_quotient(n / 2, d / 2, w, rest) / 2 + 1 / n, second_quotient(n / 2, d / 2, w, rest) / 2 - 1 / d


def _f_by(n: Any, d: Any, x: Any, which: int) -> Any:
    w = np.where(x > 0, x, 1)
    return np.where(x > 0, f_height(n, d, w) * _f_quotients(n, d, w)[which], np.where(x == 0, 0 * n, math.nan))


def _f_quantile_by(n: Any, d: Any, y: Any, which: int) -> Any:
    """The slope of the inverse function by n or d, where its value is y."""
    w = np.where(y > 0, y, 1)
    return np.where(y > 0, -w * _f_quotients(n, d, w)[which], 0 * n)


for _name, _sign in (("fdtr", 1), ("fdtrc", -1)):
    rules(
        _name,
        lambda t, y, n, d, x, s=_sign: t * (s * _f_by(n, d, x, 0)),
        lambda t, y, n, d, x, s=_sign: t * (s * _f_by(n, d, x, 1)),
        lambda t, y, n, d, x, s=_sign: t * (s * f_density(n, d, x)),
    )
rules(
    "fdtri",
    lambda t, y, n, d, p: t * _f_quantile_by(n, d, y, 0),
    lambda t, y, n, d, p: t * _f_quantile_by(n, d, y, 1),
    lambda t, y, n, d, p: t / f_density(n, d, y),
)
rules(
    "fdtridfd",
    lambda t, y, n, p, x: t * (-_f_quotients(n, y, x)[0] / _f_quotients(n, y, x)[1]),
    lambda t, y, n, p, x: t / _f_by(n, y, x, 1),
    lambda t, y, n, p, x: t * (-1 / (x * _f_quotients(n, y, x)[1])),
)

# --- Student's t ----------------------------------------------------------------------------------

like("stdtr", cumulative.student_cdf)
like("stdtrit", cumulative.student_quantile)
rules(
    "stdtridf",
    lambda t, y, p, x: t / student_by_freedom(y, x, student_kernel(y, x)),
    lambda t, y, p, x: t * (-1 / (length(y, x) * student_by_freedom(y, x, np.zeros_like(x)))),
)


def student_density(df: Any, x: Any) -> Any:
    """The density of Student's t."""
    return np.exp(student_log_density(df, x))
