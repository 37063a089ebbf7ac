"""Orthogonal polynomials of any degree, and Legendre functions.

By x the slope is a polynomial of one degree less (A&S 22.8, 22.5). By the degree the Chebyshev functions have closed
forms in the angle; the others, and all by their parameters, are computed from values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.table import NUMERIC, WHOLE, Numeric, rules

# --- Chebyshev, in the angle ----------------------------------------------------------------------


def _first_by_degree(n: Any, x: Any) -> Any:
    """The slope of T_n(x) by n: -theta sin(n theta), with theta = arccos(x); hyperbolic functions beyond 1."""
    inside = np.abs(x) <= 1
    angle = np.arccos(np.where(inside, x, 0))
    beyond = np.arccosh(np.where(x > 1, x, 2))
    outside = np.where(x > 1, beyond * np.sinh(n * beyond), math.nan)
    return np.where(inside, -angle * np.sin(n * angle), outside)


def _second_by_degree(n: Any, x: Any) -> Any:
    """The slope of U_n(x) by n: theta cos((n + 1) theta) / sin(theta)."""
    inside = np.abs(x) <= 1
    angle = np.arccos(np.where(inside, x, 0))
    beyond = np.arccosh(np.where(x > 1, x, 2))
    outside = np.where(x > 1, beyond * np.cosh((n + 1) * beyond) / np.sinh(beyond), math.nan)
    return np.where(inside, np.cos((n + 1) * angle) / np.sinc(angle / math.pi), outside)


def _lower(f: Callable[..., Any], n: Any, *rest: Any) -> Any:
    """The function of degree n - 1. For n = -1 it stands in the slope of one that is 0, and SciPy has NaN."""
    none = n == -1
    return np.where(none, 0, f(np.where(none, 1, n) - 1, *rest))


def _slope_of_second(n: Any, x: Any) -> Any:
    return 2 * _lower(special.eval_gegenbauer, n, 2, x)


rules(
    "eval_chebyt",
    lambda t, y, n, x: t * _first_by_degree(n, x),
    lambda t, y, n, x: t * (n * _lower(special.eval_chebyu, n, x)),
)
rules(
    "eval_chebyu",
    lambda t, y, n, x: t * _second_by_degree(n, x),
    lambda t, y, n, x: t * _slope_of_second(n, x),
)
rules(
    "eval_chebyc",
    lambda t, y, n, x: t * (2 * _first_by_degree(n, x / 2)),
    lambda t, y, n, x: t * (n * _lower(special.eval_chebyu, n, x / 2)),
)
rules(
    "eval_chebys",
    lambda t, y, n, x: t * _second_by_degree(n, x / 2),
    lambda t, y, n, x: t * (_slope_of_second(n, x / 2) / 2),
)
rules(
    "eval_sh_chebyt",
    lambda t, y, n, x: t * _first_by_degree(n, 2 * x - 1),
    lambda t, y, n, x: t * (2 * n * _lower(special.eval_chebyu, n, 2 * x - 1)),
)
rules(
    "eval_sh_chebyu",
    lambda t, y, n, x: t * _second_by_degree(n, 2 * x - 1),
    lambda t, y, n, x: t * (2 * _slope_of_second(n, 2 * x - 1)),
)

# --- the others -----------------------------------------------------------------------------------

rules("eval_legendre", NUMERIC, lambda t, y, n, x: t * _lower(special.eval_gegenbauer, n, 1.5, x))
rules("eval_sh_legendre", NUMERIC, lambda t, y, n, x: t * (2 * _lower(special.eval_gegenbauer, n, 1.5, 2 * x - 1)))
rules(
    "eval_gegenbauer",
    NUMERIC,
    NUMERIC,
    lambda t, y, n, a, x: t * (2 * a * _lower(special.eval_gegenbauer, n, a + 1, x)),
)
rules(
    "eval_jacobi",
    NUMERIC,
    NUMERIC,
    NUMERIC,
    lambda t, y, n, a, b, x: t * ((n + a + b + 1) / 2 * _lower(special.eval_jacobi, n, a + 1, b + 1, x)),
)
rules(
    "eval_sh_jacobi",
    NUMERIC,
    NUMERIC,
    NUMERIC,
    lambda t, y, n, p, q, x: (
        t * ((n + p) * _lower(special.eval_jacobi, n, p - q + 1, q, 2 * x - 1) / special.binom(2 * n + p - 1, n))
    ),
)
rules("eval_laguerre", NUMERIC, lambda t, y, n, x: -t * _lower(special.eval_genlaguerre, n, 1, x))
rules("eval_genlaguerre", NUMERIC, NUMERIC, lambda t, y, n, a, x: -t * _lower(special.eval_genlaguerre, n, a + 1, x))


def _hermite(name: str, n: Any, x: Any) -> Any:
    """The polynomial of degree n - 1; SciPy has NaN for a negative degree, where a factor 0 stands before it."""
    return getattr(special, name)(np.where(n > 0, n - 1, 0), x)


rules("eval_hermite", WHOLE, lambda t, y, n, x: t * (2 * n * _hermite("eval_hermite", n, x)))
rules("eval_hermitenorm", WHOLE, lambda t, y, n, x: t * (n * _hermite("eval_hermitenorm", n, x)))


def _legendre(m: Any, v: Any, x: Any, y: Any) -> Any:
    """A&S 8.5.4; at the ends, where that is 0/0, from the derivatives of the Legendre polynomial (8.6.6)."""
    end = np.abs(x) == 1
    inside = np.where(end, 0, x)
    slope = ((v + 1) * inside * y - (v - m + 1) * special.lpmv(m, v + 1, inside)) / (1 - inside * inside)
    first, second = special.eval_gegenbauer(v - 1, 1.5, x), 3 * special.eval_gegenbauer(v - 2, 2.5, x)
    infinite = np.sign(x * first) * math.inf
    at_end = np.where(m == 0, first, np.where(m == 1, infinite, np.where(m == 2, -2 * x * second, 0)))
    return np.where(end, at_end, slope)


rules("lpmv", WHOLE, Numeric(-1e4, 1e4), lambda t, y, m, v, x: t * _legendre(m, v, x, y))
