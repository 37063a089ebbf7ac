"""Elliptic integrals and functions, and the arithmetic-geometric mean.

Everything comes down to one family, which is closed under differentiation and has no removable points: the integral
over t from 0 to infinity of a product of powers ``(t + x_i)^(-k_i)``, of which Carlson's integrals are members (B. C.
Carlson, "Numerical computation of real or complex elliptic integrals", 1995). In log(t) the integrand is analytic
around the real line and decays exponentially, so that the trapezoidal rule reaches all digits.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.ops.deciding import whole
from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.table import outputs, part, rules

STEP = 0.4
"""The error of the rule is about exp(-2 pi^2 / STEP)."""
TAIL = 38.0
"""Logarithm of the digits that the ends of the range may miss."""


def _carlson(x: Any, y: Any, z: Any, w: Any, *, powers: tuple[float, ...]) -> Any:
    dtype = np.result_type(x, y, z, w)
    xs = np.broadcast_arrays(*(np.asarray(v, float) for v in (x, y, z, w)))
    result = np.full(xs[0].shape, np.nan)
    used = [(v, k) for v, k in zip(xs, powers, strict=True) if k]
    at_zero: Any = sum(np.where(v == 0, k, 0) for v, k in used)
    good = np.logical_and.reduce([(v >= 0) & (v < np.inf) for v, _ in used])
    result[good & (at_zero >= 1)] = np.inf
    good &= at_zero < 1
    if good.any():
        moving = [(v[good], k) for v, k in used]
        positive = [np.where(v > 0, v, np.nan) for v, _ in moving]
        with np.errstate(all="ignore"):
            low, high = np.log(np.nanmin(positive, axis=0)), np.log(np.nanmax(positive, axis=0))
            start = low - TAIL / (1 - at_zero[good])
            end = high + TAIL / (sum(powers) - 1)
            steps = int(np.max(np.ceil((end - start) / STEP), initial=1)) + 1
            u = start[:, None] + (end - start)[:, None] * np.linspace(0, 1, steps)
            logs = u - sum(k * np.logaddexp(u, np.where(v > 0, np.log(v), -np.inf)[:, None]) for v, k in moving)
            result[good] = np.exp(logs).sum(axis=1) * (end - start) / (steps - 1)
    return result.astype(dtype)[()]


def _raised(powers: tuple[float, ...], i: int) -> tuple[float, ...]:
    return (*powers[:i], powers[i] + 1, *powers[i + 1 :])


def _by(i: int) -> Any:
    return lambda t, y, *xs, powers: t * (-powers[i] * carlson(*xs, powers=_raised(powers, i)))


carlson: Primitive = elementwise(
    lambda *xs, powers: whole(functools.partial(_carlson, powers=powers), *xs),
    *map(_by, range(4)),
    name="carlson_integral",
    singular=True,
)
"""The integral over t from 0 to infinity of ``(t + x)^-k0 (t + y)^-k1 (t + z)^-k2 (t + w)^-k3``."""

# --- Carlson's symmetric integrals ----------------------------------------------------------------

_HALVES = (0.5, 0.5, 0.5)


def _slope(i: int, powers: tuple[float, ...], *xs: Any) -> Any:
    """The slope of a Carlson integral by operand `i`, without its factor in front."""
    four = (*xs, *([1.0] * (4 - len(xs))))
    return -powers[i] * carlson(*four, powers=_raised(powers, i))


for _name, _factor, _powers in (
    ("elliprf", 0.5, (*_HALVES, 0)),
    ("elliprd", 1.5, (0.5, 0.5, 1.5, 0)),
):
    rules(
        _name,
        *[lambda t, y, *xs, i=i, f=_factor, k=_powers: t * (f * _slope(i, k, *xs)) for i in range(3)],
    )


def _of_surface(t: Any, first: Any, second: Any, third: Any) -> Any:
    # (R_F - x R_D / 3) / 4, as one integral, in which nothing cancels
    return t * carlson(first, second, third, 0.0, powers=(1.5, 0.5, 0.5, -1)) / 8


rules(
    "elliprg",
    lambda t, y, a, b, c: _of_surface(t, a, b, c),
    lambda t, y, a, b, c: _of_surface(t, b, a, c),
    lambda t, y, a, b, c: _of_surface(t, c, a, b),
)


def _third_kind(i: int, y: Any, *xs: Any) -> Any:
    """The slope of R_J; for negative p, where the integral is a principal value, by partial fractions."""
    a, b, c, p = xs
    right = p > 0
    regular = 1.5 * _slope(i, (*_HALVES, 1), a, b, c, np.where(right, p, 1))
    q = np.where(right, -1, p)
    pairs = ((b, c, a), (a, c, b), (a, b, c))
    by_first = [(special.elliprd(*pair) - y) / (2 * (pair[2] - q)) for pair in (pairs if i == 3 else [pairs[i]])]
    if i < 3:
        return np.where(right, regular, by_first[0])
    return np.where(right, regular, (-1.5 * y - a * by_first[0] - b * by_first[1] - c * by_first[2]) / q)


rules("elliprj", *[lambda t, y, *xs, i=i: t * _third_kind(i, y, *xs) for i in range(4)])


def _degenerate(i: int, x: Any, y: Any, value: Any) -> Any:
    """The slope of R_C, for negative y by its differential equation."""
    right = y > 0
    regular = 0.5 * _slope(i, (0.5, 1, 0, 0), x, np.where(right, y, 1), 1.0)
    v, w = np.where(right, 2, x), np.where(right, -1, y)
    apart = (value - 1 / np.sqrt(v)) if i == 0 else np.sqrt(v) / w - value
    return np.where(right, regular, apart / (2 * (w - v)))


rules(
    "elliprc",
    lambda t, value, x, y: t * _degenerate(0, x, y, value),
    lambda t, value, x, y: t * _degenerate(1, x, y, value),
)

# --- Legendre's integrals: of sin^(2 p) (1 - m sin^2)^(-q) ----------------------------------------


def _complete(rest: Any, *, p: int, q: float) -> Any:
    """The integral from 0 to pi/2, by ``rest = 1 - m``."""
    return carlson(1.0, 0.0, rest, 1.0, powers=(p + 1 - q, 0.5, q, 0)) / 2


def _incomplete(phi: Any, m: Any, *, p: int, q: float) -> Any:
    turns = np.rint(phi / math.pi)
    s, c = np.sin(phi), np.cos(phi)
    rest = 1 - np.asarray(m, float)
    square = c * c + rest * s * s
    part_of_turn = s * (s * s) ** p / 2 * _carlson(1.0, c * c, square, 1.0, powers=(p + 1 - q, 0.5, q, 0))
    with np.errstate(all="ignore"):
        around = np.where(turns == 0, 0, turns * _carlson(1.0, 0.0, rest, 1.0, powers=(p + 1 - q, 0.5, q, 0)))
    return (np.where(turns % 2 == 0, 1, -1) * part_of_turn + around).astype(np.result_type(phi, m))[()]


def _integrand(phi: Any, m: Any, p: int, q: float) -> Any:
    s, c = np.sin(phi), np.cos(phi)
    return (s * s) ** p * np.power(c * c + (1 - m) * (s * s), -q)


elliptic_moment: Primitive = elementwise(
    lambda phi, m, *, p, q: whole(functools.partial(_incomplete, p=p, q=q), phi, m),
    lambda t, y, phi, m, *, p, q: t * _integrand(phi, m, p, q),
    lambda t, y, phi, m, *, p, q: t * (q * elliptic_moment(phi, m, p=p + 1, q=q + 1)),
    name="elliptic_moment",
    singular=True,
)
"""The integral from 0 to phi of ``sin^(2 p) (1 - m sin^2)^(-q)``."""

rules("ellipk", lambda t, y, m: t * (_complete(1 - m, p=1, q=1.5) / 2))
rules("ellipkm1", lambda t, y, p: t * (_complete(p, p=1, q=1.5) / -2))
rules("ellipe", lambda t, y, m: t * (_complete(1 - m, p=1, q=0.5) / -2))
rules(
    "ellipkinc",
    lambda t, y, phi, m: t * _integrand(phi, m, 0, 0.5),
    lambda t, y, phi, m: t * (elliptic_moment(phi, m, p=1, q=1.5) / 2),
)
rules(
    "ellipeinc",
    lambda t, y, phi, m: t * _integrand(phi, m, 0, -0.5),
    lambda t, y, phi, m: t * (elliptic_moment(phi, m, p=1, q=0.5) / -2),
)


def _jacobi(k: int, u: Any, m: Any) -> Any:
    return part("ellipj", k)(u, m)


def _amplitude_slope(u: Any, m: Any) -> Any:
    """The slope of the amplitude by m, from that of its inverse function."""
    return -_jacobi(2, u, m) * elliptic_moment(_jacobi(3, u, m), m, p=1, q=1.5) / 2


def _delta_slope(u: Any, m: Any, dn: Any) -> Any:
    sn, cn = _jacobi(0, u, m), _jacobi(1, u, m)
    return -(sn * sn + 2 * m * sn * cn * _amplitude_slope(u, m)) / (2 * dn)


outputs(
    "ellipj",
    (
        lambda t, y, u, m: t * (_jacobi(1, u, m) * _jacobi(2, u, m)),
        lambda t, y, u, m: t * (_jacobi(1, u, m) * _amplitude_slope(u, m)),
    ),
    (
        lambda t, y, u, m: -t * (_jacobi(0, u, m) * _jacobi(2, u, m)),
        lambda t, y, u, m: -t * (_jacobi(0, u, m) * _amplitude_slope(u, m)),
    ),
    (
        lambda t, y, u, m: -t * (m * _jacobi(0, u, m) * _jacobi(1, u, m)),
        lambda t, y, u, m: t * _delta_slope(u, m, y),
    ),
    (
        lambda t, y, u, m: t * _jacobi(2, u, m),
        lambda t, y, u, m: t * _amplitude_slope(u, m),
    ),
)

# --- the arithmetic-geometric mean ----------------------------------------------------------------


def _mean_slope(a: Any, b: Any, y: Any) -> Any:
    """The slope by `a` of agm(a, b) = pi / (2 R_F(0, a^2, b^2)), which is homogeneous."""
    ratio, share = b / a, y / a
    return share * share * (1 / math.pi) * carlson(0.0, ratio * ratio, 1.0, 1.0, powers=(0.5, 0.5, 1.5, 0))


rules("agm", lambda t, y, a, b: t * _mean_slope(a, b, y), lambda t, y, a, b: t * _mean_slope(b, a, y))
