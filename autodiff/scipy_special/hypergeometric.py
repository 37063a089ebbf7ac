"""Hypergeometric functions, parabolic cylinder functions, and Wright's Bessel function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from autodiff.scipy_special.table import NUMERIC, POSITIVE, outputs, part, rules

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def _rise(slope: Callable[..., Any], value: Any, *xs: Any) -> Any:
    """A function of the last operand minus its value 1 at 0: near 0 by Gauss's rule from its slope.

    Slopes by the other operands are as small as this is, and would be lost beside the 1.
    """
    *others, z = xs
    near = np.abs(z) < 0.5
    small = np.where(near, z, 0)
    total = sum(w * slope(*others, small * (1 + s) / 2) for s, w in zip(_NODES, _WEIGHTS, strict=True))
    return np.where(near, small / 2 * total, value - 1)


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
    rise=lambda *xs: _rise(_of_0f1, special.hyp0f1(*xs), *xs),
)
rules(
    "hyp1f1",
    NUMERIC,
    NUMERIC,
    lambda t, y, a, b, x: t * _of_1f1(a, b, x),
    rise=lambda *xs: _rise(_of_1f1, special.hyp1f1(*xs), *xs),
)
rules(
    "hyp2f1",
    NUMERIC,
    NUMERIC,
    NUMERIC,
    lambda t, y, a, b, c, z: t * _of_2f1(a, b, c, z),
    rise=lambda *xs: _rise(_of_2f1, special.hyp2f1(*xs), *xs),
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


for _name in ("pbdv", "pbvv"):
    outputs(
        _name,
        (NUMERIC, lambda t, y, v, x, f=_name: t * _cylinder(f, 1, v, x)),
        (NUMERIC, lambda t, y, v, x, f=_name: t * ((x * x / 4 - v - 0.5) * _cylinder(f, 0, v, x))),
    )
outputs(
    "pbwa",
    (NUMERIC, lambda t, y, a, x: t * _cylinder("pbwa", 1, a, x)),
    (NUMERIC, lambda t, y, a, x: t * ((a - x * x / 4) * _cylinder("pbwa", 0, a, x))),
)
