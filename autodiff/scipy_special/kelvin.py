"""Kelvin functions, and the integrals of Bessel, Struve and Airy functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.pieces import at, near_or_far, power_series
from autodiff.scipy_special.table import outputs, part, rules

# --- Kelvin functions: f'' + f' / x is another one of them (A&S 9.9.3) ----------------------------


def _quotient(x: Any, y: Any, series: list[float], lowest: int) -> Any:
    """``y / x``, near 0 from the coefficients of x^lowest, x^(lowest + 4), ..."""
    near = np.abs(x) < 0.1
    small = np.where(near, x, 0)
    return np.where(near, power_series(series, small**4) * small**lowest, np.where(near, 0, y) / np.where(near, 1, x))


def _coefficients(first: int) -> list[float]:
    """Of ber'(x) / x (first = 2) and bei'(x) / x (first = 1) in x^4, divided by their lowest power."""
    return [
        (-1) ** ((m + 1) // 2 if first == 2 else (m - 1) // 2) * 2 * m / (4**m * math.factorial(m) ** 2)
        for m in range(first, first + 10, 2)
    ]


rules("ber", lambda t, y, x: t * special.berp(x))
rules("bei", lambda t, y, x: t * special.beip(x))
rules("ker", lambda t, y, x: t * special.kerp(x))
rules("kei", lambda t, y, x: t * special.keip(x))
rules("berp", lambda t, y, x: t * (-special.bei(x) - _quotient(x, y, _coefficients(2), 2)))
rules("beip", lambda t, y, x: t * (special.ber(x) - _quotient(x, y, _coefficients(1), 0)))
rules("kerp", lambda t, y, x: t * at(x, 0, math.inf, -special.kei(x) - y / x))
rules("keip", lambda t, y, x: t * at(x, 0, math.inf, special.ker(x) - y / x))


def _kelvin(k: int, x: Any) -> Any:
    return part("kelvin", k)(x)


outputs(
    "kelvin",
    (lambda t, y, x: t * _kelvin(2, x),),
    (lambda t, y, x: t * _kelvin(3, x),),
    (lambda t, y, x: t * at(x, 0, 0.5j, 1j * _kelvin(0, x) - y / at(x, 0, 1, x)),),
    (lambda t, y, x: t * (1j * _kelvin(1, x) - y / x),),
)

# --- integrals ------------------------------------------------------------------------------------


def _less_one(sign: int) -> list[float]:
    """Coefficients in x^2 of ``(1 - j0(x)) / x^2`` (sign -1) and ``(i0(x) - 1) / x^2`` (sign 1)."""
    return [sign ** (k + 1) / (4**k * math.factorial(k) ** 2) for k in range(1, 14)]


def _rise(x: Any, sign: int) -> Any:
    """``(1 - j0(x)) / x`` or ``(i0(x) - 1) / x``."""
    return near_or_far(
        np.abs(x) < 2,
        lambda v: v * power_series(_less_one(sign), v * v),
        lambda v: (special.i0(v) - 1) / v if sign > 0 else (1 - special.j0(v)) / v,
        x,
        3,
    )


_STRUVE = [(-1) ** k / math.prod(range(1, 2 * k + 2, 2)) ** 2 * 2 / math.pi for k in range(12)]
"""Coefficients in x^2 of ``struve(0, x) / x`` (A&S 12.1.3)."""

outputs("itj0y0", (lambda t, y, x: t * special.j0(x),), (lambda t, y, x: t * special.y0(x),))
outputs("iti0k0", (lambda t, y, x: t * special.i0(x),), (lambda t, y, x: t * special.k0(x),))
outputs("it2j0y0", (lambda t, y, x: t * _rise(x, -1),), (lambda t, y, x: t * (-special.y0(x) / x),))
outputs(
    "it2i0k0",
    (lambda t, y, x: t * _rise(x, 1),),
    (lambda t, y, x: t * (-special.k0(x) / x),),
)
rules("itstruve0", lambda t, y, x: t * special.struve(0, x))
rules("itmodstruve0", lambda t, y, x: t * special.modstruve(0, x))
rules(
    "it2struve0",
    lambda t, y, x: (
        -t
        * near_or_far(np.abs(x) < 1, lambda v: power_series(_STRUVE, v * v), lambda v: special.struve(0, v) / v, x, 2)
    ),
)


def _airy(k: int, x: Any) -> Any:
    return special.airy(x)[k]


outputs(
    "itairy",
    (lambda t, y, x: t * _airy(0, x),),
    (lambda t, y, x: t * _airy(2, x),),
    (lambda t, y, x: t * _airy(0, -x),),
    (lambda t, y, x: t * _airy(2, -x),),
)
