"""Bessel, modified Bessel and Hankel functions, Struve functions, and Airy functions.

The slopes by x are differences of neighbours (A&S 9.1.27, 9.6.26, 12.1.10, 12.2.5, 10.4.1); those by the order are
computed from values.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.ops import bessel_tails, through_scipy
from autodiff.ops.deciding import whole
from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.pieces import ROOT_PI, at
from autodiff.scipy_special.table import NUMERIC, WHOLE, alias, outputs, part, rules, shared

# --- J, Y and Hankel's H: f' = (f_(v-1) - f_(v+1)) / 2 --------------------------------------------


def _half_difference(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda v, x: (f(v - 1, x) - f(v + 1, x)) / 2


_jv, _jve, _hankel1, _hankel2, _hankel1e, _hankel2e = map(
    _half_difference,
    (special.jv, special.jve, special.hankel1, special.hankel2, special.hankel1e, special.hankel2e),
)


def _yv(v: Any, x: Any) -> Any:
    return at(x, 0, math.inf, (special.yv(v - 1, x) - special.yv(v + 1, x)) / 2)


def _yve(v: Any, x: Any) -> Any:
    return at(x, 0, math.inf, (special.yve(v - 1, x) - special.yve(v + 1, x)) / 2)


rules("jv", NUMERIC, lambda t, y, v, x: t * _jv(v, x), analytic=True)
alias("jn", "jv")
rules("yv", NUMERIC, lambda t, y, v, x: t * _yv(v, x), analytic=True)
rules("yn", WHOLE, lambda t, y, n, x: t * _yv(n, x))
rules("jve", NUMERIC, lambda t, y, v, x: t * _jve(v, x))
rules("yve", NUMERIC, lambda t, y, v, x: t * _yve(v, x))
rules("hankel1", NUMERIC, lambda t, y, v, z: t * _hankel1(v, z), analytic=True)
rules("hankel2", NUMERIC, lambda t, y, v, z: t * _hankel2(v, z), analytic=True)
rules("hankel1e", NUMERIC, lambda t, y, v, z: t * (_hankel1e(v, z) - 1j * y), analytic=True)
rules("hankel2e", NUMERIC, lambda t, y, v, z: t * (_hankel2e(v, z) + 1j * y), analytic=True)
rules("j0", lambda t, y, x: -t * special.j1(x))
rules("j1", lambda t, y, x: t * _jv(1.0, x))
rules("y0", lambda t, y, x: -t * special.y1(x))
rules("y1", lambda t, y, x: t * _yv(1.0, x))

# --- I and K: f' = (f_(v-1) + f_(v+1)) / 2, for K with a minus ------------------------------------


def _mean(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda v, x: (f(v - 1, x) + f(v + 1, x)) / 2


_iv, _ive, _kv = map(_mean, (special.iv, special.ive, special.kv))


MOST_STEPS = 20_000
"""Enough for orders up to about 1e5; beyond, K has no slope here."""


@np.errstate(all="ignore")
def _macdonald(v: Any, x: Any, *, n: int, m: int, scaled: bool) -> Any:
    """The n-th derivative by v and m-th by x of K_v(x), or of exp(x) K_v(x), as an integral (A&S 9.6.24).

    It is that of ``exp(-x cosh t) cosh(v t)`` over t from 0, even in t, so that the trapezoidal rule reaches all
    digits; all its values have one sign.
    """
    dtype = np.result_type(v, x)
    v, x = np.broadcast_arrays(np.asarray(v, float), np.asarray(x, float))
    order, good = np.abs(v), (x > 0) & (x < math.inf) & np.isfinite(v)
    order, at_x = np.where(good, order, 0)[..., None], np.where(good, x, 1)[..., None]
    end = np.ones_like(at_x)
    for _ in range(12):
        end = np.arccosh(1 + np.minimum((60 + 4 * (n + m) + (order + m) * end) / at_x, 1e306))
    steps = np.ceil(end / np.minimum(0.25, 0.7 / np.sqrt(np.hypot(at_x, order))))
    good &= steps[..., 0] < MOST_STEPS
    t = end * np.linspace(0, 1, int(np.max(np.where(good[..., None], steps, 1), initial=1)) + 1)
    rise = 2 * np.square(np.sinh(t / 2))  # cosh(t) - 1
    logs = order * t - at_x * rise
    top = logs.max(axis=-1, keepdims=True)
    pair = (1 + (-1) ** n * np.exp(-2 * order * t)) / 2 if n % 2 == 0 else -np.expm1(-2 * order * t) / 2
    factor = rise if scaled else rise + 1
    values = np.exp(logs - top) * pair * t**n * (factor**m if m else 1)
    values[..., 0] /= 2
    total = (values.sum(axis=-1, keepdims=True) * (t[..., 1:2]) * np.exp(top - (0 if scaled else at_x)))[..., 0]
    sign = (-1) ** m * np.where((v < 0) & (n % 2 == 1), -1, 1)
    at_zero = np.where((x == 0) & (n == 0), (-1) ** m * math.inf, math.nan)
    return np.where(good, sign * total, np.where(x == math.inf, 0, at_zero)).astype(dtype)[()]


macdonald: Primitive = elementwise(
    lambda v, x, *, n, m, scaled: whole(functools.partial(_macdonald, n=n, m=m, scaled=scaled), v, x),
    lambda t, y, v, x, *, n, m, scaled: t * macdonald(v, x, n=n + 1, m=m, scaled=scaled),
    lambda t, y, v, x, *, n, m, scaled: t * macdonald(v, x, n=n, m=m + 1, scaled=scaled),
    name="macdonald_derivative",
    singular=True,
)


def _by_order(scaled: bool) -> Callable[..., Any]:
    return lambda t, y, v, x: t * macdonald(v, x, n=1, m=0, scaled=scaled)


rules("iv", NUMERIC, lambda t, y, v, x: t * _iv(v, x), analytic=True)
rules("kv", _by_order(False), lambda t, y, v, x: -t * _kv(v, x))
rules("kn", WHOLE, lambda t, y, n, x: -t * _kv(n, x))
rules("ive", NUMERIC, lambda t, y, v, x: t * bessel_tails.patched(v, x, y, -1, _ive(v, x) - np.sign(x) * y))
rules("kve", _by_order(True), lambda t, y, v, x: t * macdonald(v, x, n=0, m=1, scaled=True))
for _n in (0, 1):
    shared(f"i{_n}", lambda x, n=_n: through_scipy.bessel_i(x, n=n))
    shared(f"i{_n}e", lambda x, n=_n: through_scipy.bessel_i_scaled(x, n=n))
rules("k0", lambda t, y, x: -t * special.k1(x))
rules("k1", lambda t, y, x: -t * _kv(1.0, x))
rules("k0e", lambda t, y, x: t * macdonald(0.0, x, n=0, m=1, scaled=True))
rules("k1e", lambda t, y, x: t * macdonald(1.0, x, n=0, m=1, scaled=True))

# --- Struve ---------------------------------------------------------------------------------------


def _power(v: Any, x: Any) -> Any:
    """``(x / 2)^v / (sqrt(pi) gamma(v + 3/2))``."""
    return np.power(x / 2, v * 1.0) * special.rgamma(v + 1.5) / ROOT_PI


def _struve(v: Any, x: Any, y: Any) -> Any:
    near = np.abs(x) < 1
    small, large = np.where(near, x, 0.5), np.where(near, 1, x)
    first = (special.struve(v - 1, small) - special.struve(v + 1, small) + _power(v, small)) / 2
    return np.where(near, first, special.struve(v - 1, x) - v / large * y)


rules("struve", NUMERIC, lambda t, y, v, x: t * _struve(v, x, y))
rules(
    "modstruve",
    NUMERIC,
    lambda t, y, v, x: t * ((special.modstruve(v - 1, x) + special.modstruve(v + 1, x) + _power(v, x)) / 2),
)
rules(
    "besselpoly",
    lambda t, y, a, lmb, nu: t * _besselpoly(a, lmb, nu, y),
    NUMERIC,
    NUMERIC,
)


def _besselpoly(a: Any, lmb: Any, nu: Any, y: Any) -> Any:
    """The integral of ``x^(lmb + 1) 2 J_nu'(2 a x)``; for small orders, where SciPy has no neighbour, by parts."""
    high = nu >= 1
    order = np.where(high, nu, 1)
    by_neighbours = special.besselpoly(a, lmb + 1, order - 1) - special.besselpoly(a, lmb + 1, order + 1)
    return np.where(high, by_neighbours, (special.jv(nu, 2 * a) - (lmb + 1) * y) / np.where(high, 1, a))


# --- Airy -----------------------------------------------------------------------------------------


def _other(name: str, k: int) -> Callable[..., Any]:
    return lambda x: part(name, k)(x)


def _pair(name: str, k: int) -> tuple[Any, Any]:
    value, slope = _other(name, k), _other(name, k + 1)
    return (lambda t, y, x: t * slope(x),), (lambda t, y, x: t * (x * value(x)),)


outputs("airy", *_pair("airy", 0), *_pair("airy", 2), analytic=True)


def _zeta_of(x: Any) -> Any:
    return 2 / 3 * x * np.sqrt(x)


_FAR_AIRY = 8.0


def _scaled_airy(k: int, x: Any, y: Any) -> Any:
    """The slope of output k of airye; far out through K and I of the orders 1/3 and 2/3, which do not cancel."""
    sign, value = (1, k % 2 == 0) if k < 2 else (-1, k % 2 == 0)
    other = _other("airye", k + 1 if value else k - 1)(x)
    root = np.sqrt(np.where((x > 0) | (sign > 0), x, 0))
    near = (other if value else x * other) + sign * root * y
    far = x > _FAR_AIRY
    v = np.where(far, x, 10)
    z = _zeta_of(v)
    order = 1 / 3 if value else 2 / 3
    # Ai ~ sqrt(x) K_(1/3)(z) and Ai' ~ x K_(2/3)(z); Bi and Bi' likewise with I, whose second parts vanish
    beyond = y * (bessel_tails.relative_slope(order, z, sign) * np.sqrt(v) + (0.5 if value else 1) / v)
    return np.where(far & (z > 60), beyond, near)


outputs("airye", *[(lambda t, y, x, k=k: t * _scaled_airy(k, x, y),) for k in range(4)])
