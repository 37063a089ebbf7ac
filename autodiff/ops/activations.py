"""Activation functions of networks, with their slopes.

Where a slope jumps, the conventions give its value at the corner: the smallest subgradient where the function is convex
there, the smallest supergradient where it is concave.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.ops.elementwise import sigmoid, sigmoid_slope
from autodiff.ops.error_function import bell, erfc

# --- with a corner at 0 ---------------------------------------------------------------------------


def _leaky(x: Any, *, slope: float) -> Any:
    return np.where(x > 0, x, x * slope)[()]


leaky_relu = elementwise(
    _leaky,
    lambda t, y, x, *, slope: np.where(x > 0, t, t * slope),
    name="leaky_relu",
)


def _elu(x: Any, *, alpha: float) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))[()]


elu = elementwise(
    _elu,
    lambda t, y, x, *, alpha: np.where(x > 0, t, t * (alpha * np.exp(np.minimum(x, 0.0)))),
    name="elu",
)

# --- smooth ---------------------------------------------------------------------------------------

# Far below 0 these functions are a huge number times a share that underflows to 0. The number is limited, so that the
# product is 0 at minus infinity as well.
_LOW = -1000.0
_FAR = 250.0  # its square is finite in float16 too


def _silu(x: Any) -> Any:
    return np.maximum(x, _LOW) * sigmoid(x)


silu = elementwise(_silu, lambda t, y, x: t * (sigmoid(x) + np.clip(x, _LOW, -_LOW) * sigmoid_slope(x)), name="silu")


# The logarithm of erfc(z) exp(z^2) / t as a polynomial in t = 1 / (1 + z / 2), from the highest power down; fractional
# error below 1.2e-7. W. H. Press et al., Numerical Recipes in C, second edition, 1992, section 6.2.
_TAIL = (
    *(0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807),
    *(-0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223),
)


def _in_single_precision(x: Any) -> tuple[Any, Any]:
    """Distribution function and density of the standard normal distribution at x, accurate in float32 for every x."""
    z = np.minimum(np.abs(x), np.float32(20))
    # Rounding x^2 would lose digits of exp(-x^2 / 2). Split at a sixteenth: one square is exact, the rest is small.
    coarse = np.trunc(z * 16)
    coarse *= 1 / 16
    density = coarse * coarse
    density *= -0.5
    np.exp(density, density)
    rest = z - coarse
    coarse += z
    rest *= coarse
    rest *= -0.5
    density *= np.exp(rest, rest)
    z *= 0.5 * math.sqrt(0.5)
    z += 1
    t = np.divide(1, z, out=z)
    tail = np.full_like(t, _TAIL[0])
    for c in _TAIL[1:]:
        tail *= t
        tail += c
    np.exp(tail, tail)
    tail *= t
    tail *= 0.5
    tail *= density
    density *= 1 / math.sqrt(2 * math.pi)
    return np.where(x > 0, 1 - tail, tail), density


def _gelu(x: Any) -> Any:
    # In float32, in which networks train, this takes a tenth of the time; erfc keeps its digits far below 0.
    share = _in_single_precision(x)[0] if x.dtype.char == "f" and x.ndim else 0.5 * erfc(x * -math.sqrt(0.5))
    return np.maximum(x, _LOW) * share


def _slope_of_gelu(x: Any) -> Any:
    """The distribution function at x plus x times the density."""
    if x.dtype.char == "f" and x.ndim:
        share, density = _in_single_precision(x)
    else:
        share, density = 0.5 * erfc(x * -math.sqrt(0.5)), bell(x * math.sqrt(0.5)) / math.sqrt(2 * math.pi)
    return share + np.clip(x, _LOW, -_LOW) * density


slope_of_gelu = elementwise(
    _slope_of_gelu,
    lambda t, y, x: t * ((2 - np.clip(x, -_FAR, _FAR) ** 2) * (bell(x * math.sqrt(0.5)) / math.sqrt(2 * math.pi))),
    name="slope_of_gelu",
)
"""A primitive, so that float32 can be computed in place. Its own slope is (2 - x^2) times the density."""

gelu = elementwise(_gelu, lambda t, y, x: t * slope_of_gelu(x), name="gelu")


_CUBIC = 0.044715
_TWICE = 2 * math.sqrt(2 / math.pi)


def _bent(x: Any) -> Any:
    """The argument of the sigmoid, and its slope. Beyond 100 (30 in float16) the sigmoid is 0 or 1 to rounding."""
    x = np.clip(x, -100.0, 100.0) if x.dtype.char != "e" else np.clip(x, -30.0, 30.0)
    square = x * x
    return x * (_TWICE + (_TWICE * _CUBIC) * square), _TWICE + (3 * _TWICE * _CUBIC) * square


def _gelu_tanh(x: Any) -> Any:
    return np.maximum(x, _LOW) * sigmoid(_bent(x)[0])  # (1 + tanh(u)) / 2 is sigmoid(2 u), which keeps its digits


@elementwise(_gelu_tanh, name="gelu_tanh")
def gelu_tanh(t: Any, y: Any, x: Any) -> Any:
    """The slope, by the product rule."""
    u, du = _bent(x)
    return t * (sigmoid(u) + np.clip(x, _LOW, -_LOW) * (sigmoid_slope(u) * du))


# --- piecewise linear -----------------------------------------------------------------------------


def _inside(y: Any, x: Any, low: float, high: float) -> Any:
    return ~((x <= low) | (x >= high))  # NaN counts as inside, so that it is propagated


hardtanh = elementwise(
    lambda x, *, low, high: np.clip(x, low, high),
    lambda t, y, x, *, low, high: t * _inside(y, x, low, high),
    name="hardtanh",
    live=(lambda y, x, *, low, high: _inside(y, x, low, high),),
)
"""The same values as `clip`, but at a bound the slope of `clip` is 1 and that of an activation is 0."""

hardsigmoid = elementwise(
    lambda x: np.clip(x, -3.0, 3.0) / 6.0 + 0.5,
    lambda t, y, x: t * _inside(y, x, -3.0, 3.0) / 6.0,
    name="hardsigmoid",
    live=(lambda y, x: _inside(y, x, -3.0, 3.0),),
)


def _hardswish(x: Any) -> Any:
    return np.maximum(x, -3.0) * (np.clip(x, -3.0, 3.0) / 6.0 + 0.5)


hardswish = elementwise(
    _hardswish,
    lambda t, y, x: np.where(_inside(y, x, -3.0, 3.0), t * (x / 3.0 + 0.5), t * (x >= 3)),
    name="hardswish",
    live=(lambda y, x: ~(x <= -3),),
)
