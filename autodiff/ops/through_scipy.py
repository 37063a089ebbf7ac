"""Gamma and Bessel functions. Values come from SciPy, which is imported at the first call; rules from the handbook.

The families are closed under differentiation (Abramowitz & Stegun 1964, 6.3.1, 6.4.1 and 9.6.26): every derivative of a
member is a combination of members. The order is metadata.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.errors import MissingExtraError
from autodiff.ops import bessel_tails


def scipy_function(name: str) -> Callable[..., Any]:
    """A function of ``scipy.special``."""
    try:
        from scipy import special
    except ImportError as error:
        raise MissingExtraError(
            f"special.{name} takes its values from SciPy, which is not installed: pip install 'wengert[special]'."
        ) from error
    return getattr(special, name)


# --- the gamma function ---------------------------------------------------------------------------


def _cotangent(x: Any, n: int) -> Any:
    """The n-th derivative of ``pi cot(pi x)``, a polynomial in the cotangent."""
    c = 1 / np.tan(math.pi * (x - np.rint(x)))
    p = np.polynomial.Polynomial([0, 1])
    for _ in range(n):
        p = -p.deriv() * np.polynomial.Polynomial([1, 0, 1])
    return math.pi ** (n + 1) * p(c)


def _polygamma(x: Any, *, n: int) -> Any:
    if n == 0:
        return scipy_function("digamma")(x)
    wide = np.asarray(x, float)
    left = wide < 0  # mirrored: SciPy has Hurwitz's zeta function for positive arguments only
    with np.errstate(all="ignore"):
        y = scipy_function("polygamma")(n, np.where(left, 1 - wide, wide))
        y = np.where(left, (-1) ** n * y - _cotangent(np.where(left, wide, 0.5), n), y)
    return y.astype(np.asarray(x).dtype)[()]


polygamma: Primitive = elementwise(
    _polygamma,
    lambda t, y, x, *, n: t * polygamma(x, n=n + 1),
    name="polygamma",
    singular=True,
)
gammaln = elementwise(
    lambda x: scipy_function("gammaln")(x), lambda t, y, x: t * polygamma(x, n=0), name="gammaln", singular=True
)

# --- modified Bessel functions of the first kind --------------------------------------------------


def _neighbours(family: Primitive, x: Any, n: int) -> Any:
    """The mean of the members n - 1 and n + 1, which is I_n'(x); I_-1 is I_1."""
    return family(x, n=1) if n == 0 else (family(x, n=n - 1) + family(x, n=n + 1)) / 2


bessel_i: Primitive = elementwise(
    lambda x, *, n: scipy_function(f"i{n}")(x) if n < 2 else scipy_function("iv")(n, x),
    lambda t, y, x, *, n: t * _neighbours(bessel_i, x, n),
    name="bessel_i",
    singular=True,  # the slope overflows
)
bessel_i_scaled: Primitive = elementwise(
    lambda x, *, n: scipy_function(f"i{n}e")(x) if n < 2 else scipy_function("ive")(n, x),
    lambda t, y, x, *, n: t * bessel_tails.patched(n, x, y, -1, _neighbours(bessel_i_scaled, x, n) - np.sign(x) * y),
    name="bessel_i_scaled",
    singular=True,  # SciPy's ive of order 2 and more is NaN from about 1e9
)
"""``exp(-abs(x)) I_n(x)``; at 0 the slope is that of I_n, the mean of the two one-sided slopes."""
