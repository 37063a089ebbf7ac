"""Hypergeometric functions, parabolic cylinder functions, and Wright's Bessel function."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.pieces import rise_from_zero
from autodiff.scipy_special.table import NUMERIC, POSITIVE, Numeric, outputs, part, rules


def _of_0f1(v: Any, z: Any) -> Any:
    return special.hyp0f1(v + 1, z) / v


def _of_1f1(a: Any, b: Any, x: Any) -> Any:
    return a / b * special.hyp1f1(a + 1, b + 1, x)


def _of_2f1(a: Any, b: Any, c: Any, z: Any) -> Any:
    return a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)


rules(
    "hyp0f1",
    NUMERIC,
    lambda t, y, v, z: t * _of_0f1(v, z),
    rise=lambda *xs: rise_from_zero(_of_0f1, special.hyp0f1(*xs) - 1, *xs),
)
rules(
    "hyp1f1",
    NUMERIC,
    NUMERIC,
    lambda t, y, a, b, x: t * _of_1f1(a, b, x),
    rise=lambda *xs: rise_from_zero(_of_1f1, special.hyp1f1(*xs) - 1, *xs),
)
rules(
    "hyp2f1",
    NUMERIC,
    NUMERIC,
    NUMERIC,
    lambda t, y, a, b, c, z: t * _of_2f1(a, b, c, z),
    rise=lambda *xs: rise_from_zero(_of_2f1, special.hyp2f1(*xs) - 1, *xs),
)
rules(
    "hyperu",
    NUMERIC,
    NUMERIC,
    lambda t, y, a, b, x: t * (-a * special.hyperu(a + 1, b + 1, x)),
)
rules(
    "wright_bessel",
    POSITIVE,
    POSITIVE,
    lambda t, y, a, b, x: t * special.wright_bessel(a, a + b, x),
)
rules(
    "log_wright_bessel",
    POSITIVE,
    POSITIVE,
    lambda t, y, a, b, x: t * np.exp(special.log_wright_bessel(a, a + b, x) - y),
)

# --- parabolic cylinder functions: the second output is the slope of the first (A&S 19.1) ---------


def _cylinder(name: str, k: int, v: Any, x: Any) -> Any:
    return part(name, k)(v, x)


_MODERATE = Numeric(-1e4, 1e4)
"""SciPy's recurrence takes as many steps as the order says."""
for _name in ("pbdv", "pbvv"):
    outputs(
        _name,
        (_MODERATE, lambda t, y, v, x, f=_name: t * _cylinder(f, 1, v, x)),
        (_MODERATE, lambda t, y, v, x, f=_name: t * ((x * x / 4 - v - 0.5) * _cylinder(f, 0, v, x))),
    )
outputs(
    "pbwa",
    (NUMERIC, lambda t, y, a, x: t * _cylinder("pbwa", 1, a, x)),
    (NUMERIC, lambda t, y, a, x: t * ((a - x * x / 4) * _cylinder("pbwa", 0, a, x))),
)
