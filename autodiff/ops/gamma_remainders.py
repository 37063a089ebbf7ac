"""The logarithm of the gamma function and its derivatives, minus their leading terms.

Densities such as gamma, beta and Student's t contain terms that grow like a log a and cancel: at a = 1e8 the eight
leading digits are lost. Here the terms that cancel are removed analytically. Each family is closed under
differentiation; its order is metadata.

References
----------
M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 1964: 6.1.40, 6.3.5, 6.3.18, 6.4.6, 6.4.11.
C. Loader, "Fast and accurate computation of binomial probabilities", 2000.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.ops.through_scipy import gammaln, polygamma, scipy_function

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
"""B_2, B_4, ..., B_20."""

_LARGE = 16.0
"""From here the asymptotic series is accurate for the first few derivatives; below, little cancels."""


def _wide(x: Any) -> Any:
    return np.asarray(x, np.result_type(x, np.float64))


def _series(n: int) -> list[tuple[float, int]]:
    """Coefficients and exponents of 1/x in the n-th derivative of the remainder of Stirling's formula."""
    return [
        ((-1) ** n * b / (2 * k * (2 * k - 1)) * math.prod(range(2 * k - 1, 2 * k - 1 + n)), 2 * k - 1 + n)
        for k, b in enumerate(_BERNOULLI, 1)
    ]


def _stirling(x: Any, *, n: int) -> Any:
    w = _wide(x)
    small, large = np.where(w < _LARGE, w, 1.0), np.where(w < _LARGE, _LARGE, w)
    with np.errstate(all="ignore"):
        if n == 0:
            direct = gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * math.log(2 * math.pi)
        elif n == 1:
            direct = polygamma(small, n=0) - np.log(small) + 1 / (2 * small)
        else:
            leading = math.factorial(n - 2) / small ** (n - 1) + math.factorial(n - 1) / (2 * small**n)
            direct = polygamma(small, n=n - 1) - (-1) ** n * leading
        far = sum(c * (1 / large) ** m for c, m in reversed(_series(n)))
    return np.where(w < _LARGE, direct, far).astype(x.dtype)[()]


stirling: Primitive = elementwise(
    _stirling, lambda t, y, x, *, n: t * stirling(x, n=n + 1), name="stirling_remainder", singular=True
)
"""The n-th derivative of gammaln(x) - ((x - 1/2) log x - x + log(2 pi) / 2), for positive x."""


def _log1p_less(x: Any) -> Any:
    w = _wide(x)
    near = np.abs(w) <= 0.4
    z = np.where(near, w, 0.0)
    y = z / (2 + z)  # log(1 + z) = 2 artanh(y), and 2 y - z = -z y
    square, tail = y * y, 0.0
    for k in range(21, 1, -2):
        tail = (tail + 1 / k) * square
    with np.errstate(all="ignore"):
        far = np.log1p(w) - w
    return np.where(near, y * (2 * tail - z), far).astype(x.dtype)[()]


log1p_less = elementwise(_log1p_less, lambda t, y, x: t * (-x / (1 + x)), name="log1p_less", singular=True)
"""log(1 + x) - x, near 0 approximately -x^2 / 2."""


def _digamma_rise(a: Any, b: Any, *, n: int) -> Any:
    a, b = np.broadcast_arrays(_wide(a), _wide(b))
    steps = int(_LARGE) + 2 * n
    order = n + 1
    scale = (-1) ** n * math.factorial(n)

    def fall(x: Any, m: int) -> Any:  # x^-m - (x + b)^-m for positive numbers, without cancellation
        return -np.expm1(-m * np.log1p(b / x)) * x ** (-float(m))

    with np.errstate(all="ignore"):
        # The recurrence moves both arguments to where the asymptotic series holds, term by term as differences.
        total = sum(scale * fall(a + k, order) for k in range(steps))
        x = a + steps
        total = total - sum(c * fall(x, m) for c, m in _series(order))
        if n == 0:
            return total + np.log1p(b / x) + fall(x, 1) / 2
        leading = math.factorial(n - 1) * fall(x, n) + math.factorial(n) / 2 * fall(x, n + 1)
        return total + (-1) ** n * leading


polygamma_rise: Primitive = elementwise(
    lambda a, b, *, n: _digamma_rise(a, b, n=n).astype(np.result_type(a, b))[()],
    lambda t, y, a, b, *, n: t * polygamma_rise(a, b, n=n + 1),
    lambda t, y, a, b, *, n: t * polygamma(a + b, n=n + 1),
    name="polygamma_rise",
    singular=True,
)
"""polygamma(a + b) - polygamma(a) of order n for positive a and b, accurate even if their sizes are far apart."""


def _betaln(a: Any, b: Any) -> Any:
    wide_a, wide_b = np.broadcast_arrays(_wide(a), _wide(b))
    large = (wide_a > 0) & (wide_b > 0) & (wide_a + wide_b >= 2 * _LARGE)
    x, y = np.where(large, wide_a, _LARGE), np.where(large, wide_b, _LARGE)
    with np.errstate(all="ignore"):
        root = 0.5 * (np.log(y) - np.log1p(y / x) - math.log(2 * math.pi))
        left = stirling(x, n=0) + stirling(y, n=0) - stirling(x + y, n=0)
        whole = left - root - x * np.log1p(y / x) - y * np.log1p(x / y)
    return np.where(large, whole, scipy_function("betaln")(wide_a, wide_b)).astype(np.result_type(a, b))[()]


def _betaln_slope(a: Any, b: Any) -> Any:
    """The slope by `a`: digamma(a) - digamma(a + b), for positive numbers a sum of terms of one sign."""
    positive = (a > 0) & (b > 0)
    x, y = np.where(positive, a, 1), np.where(positive, b, 1)
    others = polygamma(np.where(positive, 1, a), n=0) - polygamma(np.where(positive, 1, a + b), n=0)
    return np.where(positive, -polygamma_rise(x, y, n=0), others)


betaln = elementwise(
    _betaln,
    lambda t, y, a, b: t * _betaln_slope(a, b),
    lambda t, y, a, b: t * _betaln_slope(b, a),
    name="betaln",
    singular=True,
)
