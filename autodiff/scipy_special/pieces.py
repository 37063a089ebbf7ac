"""Parts of rules that several families share: removable points, sines of multiples of pi, normal and bell densities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.ops.error_function import bell

LOG_PI = math.log(math.pi)
ROOT_PI = math.sqrt(math.pi)


def near_or_far(near: Any, series: Callable[[Any], Any], formula: Callable[[Any], Any], x: Any, safe: float) -> Any:
    """`series` where `near` holds, else `formula`; each sees harmless numbers where the other one counts."""
    return np.where(near, series(np.where(near, x, 0)), formula(np.where(near, safe, x)))


def power_series(coefficients: Sequence[float], x: Any) -> Any:
    """The polynomial with these coefficients, from the constant up, by Horner's scheme."""
    y = 0.0
    for c in reversed(coefficients):
        y = y * x + c
    return y


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def rise_from_zero(slope: Callable[..., Any], rise: Any, *xs: Any) -> Any:
    """How far a function is from its value where its last operand is 0: near 0 by Gauss's rule from its slope.

    Where the value at 0 is the same for all other operands, slopes by these are as small as this is, and would be lost
    beside the value.
    """
    *others, z = xs
    near = np.abs(z) < 0.5
    small = np.where(near, z, 0)
    total = sum(w * slope(*others, small * (1 + s) / 2) for s, w in zip(_NODES, _WEIGHTS, strict=True))
    return np.where(near, small / 2 * total, rise)


def at(x: Any, point: float, value: Any, y: Any) -> Any:
    """`y`, and `value` where `x` is `point`."""
    return np.where(x == point, value, y)


def normal_density(x: Any) -> Any:
    """The density of the standard normal distribution."""
    return bell(x / math.sqrt(2)) / math.sqrt(2 * math.pi)


def sin_of_half_turns(x: Any) -> Any:
    """``sin(pi x)``, accurate near every whole number."""
    whole = np.rint(x)
    return (1 - 2 * np.abs(np.fmod(whole, 2))) * np.sin(math.pi * (x - whole))


def cos_of_half_turns(x: Any) -> Any:
    """``cos(pi x)``, accurate near every whole number and a half."""
    return sin_of_half_turns(x + 0.5)


# --- quotients with a removable point at 0 --------------------------------------------------------


def _exprel(x: Any, *, n: int) -> Any:
    wide = np.asarray(x, np.result_type(x, np.float64))
    near = np.abs(wide) < 1 + n
    v, w = np.where(near, wide, 0.0), np.where(near, 1.0, wide)
    series = np.zeros_like(v)
    for k in range(30 + 3 * n, -1, -1):  # the term x^k / (k! (k + n + 1))
        series = series * v / (k + 1) + 1 / (k + n + 1)
    with np.errstate(all="ignore"):
        far = np.expm1(w) / w
        for m in range(1, n + 1):  # x f = exp(x) - 1, differentiated m times
            far = (np.exp(w) - m * far) / w
    return np.where(near, series, far).astype(np.asarray(x).dtype)[()]


exprel: Primitive = elementwise(
    _exprel, lambda t, y, x, *, n: t * exprel(x, n=n + 1), name="exprel_derivative", singular=True
)
"""The n-th derivative of (exp(x) - 1) / x, which is the integral of s^n exp(x s) over s from 0 to 1."""


def _log1p_quotient(x: Any, *, n: int) -> Any:
    wide = np.asarray(x, np.result_type(x, np.float64))
    near = np.abs(wide) < 0.5
    v, w = np.where(near, wide, 0.0), np.where(near, 1.0, wide)
    series = np.zeros_like(v)
    for k in range(56 + 8 * n, -1, -1):  # the term (-1)^(n + k) (n + k)! / k! x^k / (n + k + 1)
        series = series * v + (-1) ** (n + k) * math.prod(range(k + 1, k + n + 1)) / (n + k + 1)
    with np.errstate(all="ignore"):
        far = np.log1p(w) / w
        for m in range(1, n + 1):  # x f = log(1 + x), differentiated m times
            far = (-((-1) ** m) * math.factorial(m - 1) / (1 + w) ** m - m * far) / w
    return np.where(near, series, far).astype(np.asarray(x).dtype)[()]


log1p_quotient: Primitive = elementwise(
    _log1p_quotient, lambda t, y, x, *, n: t * log1p_quotient(x, n=n + 1), name="log1p_quotient", singular=True
)
"""The n-th derivative of log(1 + x) / x."""
