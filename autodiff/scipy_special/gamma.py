"""The gamma function, its logarithm and derivatives, beta functions, binomial coefficients, and zeta."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.ops import gamma_remainders, through_scipy
from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.pieces import cos_of_half_turns, sin_of_half_turns
from autodiff.scipy_special.table import NUMERIC, Numeric, alias, constant, like, rules, shared, slope


def _digamma(x: Any) -> Any:
    return through_scipy.polygamma(x, n=0)


def digamma_rise(x: Any, by: Any) -> Any:
    """``psi(x + by) - psi(x)``, without cancellation where both are positive."""
    up, down = (x > 0) & (by >= 0), (x + by > 0) & (by < 0)
    low, step = np.where(up, x, np.where(down, x + by, 1)), np.where(up, by, np.where(down, -by, 0))
    rise = gamma_remainders.polygamma_rise(low, step, n=0)
    other = up | down
    apart = _digamma(np.where(other, 1, x + by)) - _digamma(np.where(other, 1, x))
    return np.where(up, rise, np.where(down, -rise, apart))


def rgamma_slope(x: Any) -> Any:
    """The slope of 1 / gamma(x). Below 1/2 it comes from the reflection formula, which has no poles."""
    right = x > 0.5
    v, w = np.where(right, x, 1), np.where(right, 0.5, x)
    mirrored = cos_of_half_turns(w) - sin_of_half_turns(w) * _digamma(1 - w) / math.pi
    return np.where(right, -_digamma(v) * special.rgamma(v), special.gamma(1 - w) * mirrored)


rules("gamma", lambda t, y, x: t * (y * _digamma(x)))
rules("rgamma", lambda t, y, x: t * rgamma_slope(x))
shared("gammaln", through_scipy.gammaln)
rules("loggamma", lambda t, y, x: t * _digamma(np.where(x > 0, x, math.nan)))
shared("psi", _digamma)
alias("digamma", "psi")
constant("gammasgn")

# --- two gamma functions or more ------------------------------------------------------------------


def _beta_slope(y: Any, a: Any, b: Any) -> Any:
    # At a + b = 0, -1, ... the value is 0 and digamma has a pole: 1 / gamma(a + b) is differentiated instead.
    pole = (a + b < 0.5) & (np.abs(a) < 100) & (np.abs(b) < 100)
    v, w = np.where(pole, a, 1), np.where(pole, b, 1)
    near = special.gamma(v) * special.gamma(w)
    at_pole = near * (special.rgamma(v + w) * _digamma(v) + rgamma_slope(v + w))
    return np.where(pole, at_pole, y * -digamma_rise(np.where(pole, 1, a), np.where(pole, 1, b)))


rules("beta", lambda t, y, a, b: t * _beta_slope(y, a, b), lambda t, y, a, b: t * _beta_slope(y, b, a))
like("betaln", gamma_remainders.betaln)


def _binom_slopes(y: Any, n: Any, k: Any) -> tuple[Any, Any]:
    """By n and by k; near the poles of digamma from the slopes of 1 / gamma."""
    pole = ((n - k < -0.5) | (k < -0.5)) & (n > -1) & (np.abs(n) < 150) & (np.abs(k) < 150)
    m, j = np.where(pole, n, 1), np.where(pole, k, 0.5)
    top, left, right = special.gamma(m + 1), special.rgamma(j + 1), special.rgamma(m - j + 1)
    left_slope, right_slope = rgamma_slope(j + 1), rgamma_slope(m - j + 1)
    by_n = top * left * (_digamma(m + 1) * right + right_slope)
    by_k = top * (left_slope * right - left * right_slope)
    m, j = np.where(pole, 1, n), np.where(pole, 0.5, k)
    return (
        np.where(pole, by_n, y * digamma_rise(m - j + 1, j)),
        np.where(pole, by_k, y * digamma_rise(j + 1, m - 2 * j)),
    )


rules("binom", lambda t, y, n, k: t * _binom_slopes(y, n, k)[0], lambda t, y, n, k: t * _binom_slopes(y, n, k)[1])


def _poch_by_first(y: Any, z: Any, m: Any) -> Any:
    pole = (z < 0.5) & (z + m > 0) & (z + m < 170) & (z > -150)
    v, w = np.where(pole, z, 1), np.where(pole, m, 1)
    at_pole = special.gamma(v + w) * (rgamma_slope(v) + _digamma(v + w) * special.rgamma(v))
    return np.where(pole, at_pole, y * digamma_rise(np.where(pole, 1, z), np.where(pole, 1, m)))


rules("poch", lambda t, y, z, m: t * _poch_by_first(y, z, m), lambda t, y, z, m: t * (y * _digamma(z + m)))

# --- zeta -----------------------------------------------------------------------------------------

rules("zetac", NUMERIC)
rules("_riemann_zeta", lambda t, y, x: t * slope("zetac", 0, x), remark="behind `zeta(x)`")
rules(
    "_zeta",
    Numeric(low=1.0),
    lambda t, y, x, q: t * (-x * special.zeta(x + 1, q)),
    remark="behind `zeta(x, q)`",
)
