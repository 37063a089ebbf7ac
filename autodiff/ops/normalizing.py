"""Normalisation along some axes, to mean 0 and variance 1, or to mean square 1.

The derivative of either map is its own transpose, up to a factor for each row, so one line serves both sweeps. The
moments are outputs as well, because the rules need them, and so do layers that keep running averages.
"""

from __future__ import annotations

import math
from typing import Any

from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive
from autodiff.ops.shapes import spread
from autodiff.typing import Shape


def _mean(x: Any, axes: Shape) -> Any:
    return x.sum(axis=axes, keepdims=True) / math.prod(x.shape[i] for i in axes)


def _added(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


# --- mean 0 and variance 1 ------------------------------------------------------------------------


def _standardize(x: Any, *, axes: Shape, eps: float) -> Any:
    mean = _mean(x, axes)
    y = x - mean
    variance = _mean(y * y, axes)
    y /= (variance + eps) ** 0.5
    return y, mean, variance


def _turned(t: Any, outputs: Any, axes: Shape, eps: float) -> Any:
    """Remove from `t` the parts that would change the mean or the variance, then scale it as the entries."""
    y, _, variance = outputs
    return (t - _mean(t, axes) - y * _mean(t * y, axes)) / (variance + eps) ** 0.5


def _standardize_pull(cts: Any, outputs: Any, x: Any, *, axes: Shape, eps: float) -> Any:
    ct, mean_ct, variance_ct = cts
    n = math.prod(x.shape[i] for i in axes)
    total = None if ct is None else _turned(ct, outputs, axes, eps)
    if variance_ct is not None:
        total = _added(total, (x - outputs[1]) * (variance_ct * (2 / n)))
    if mean_ct is not None:
        total = _added(total, spread(mean_ct / n, shape=x.shape))
    return total


def _standardize_push(t: Any, outputs: Any, x: Any, *, axes: Shape, eps: float) -> Any:
    return _turned(t, outputs, axes, eps), _mean(t, axes), 2 * _mean((x - outputs[1]) * t, axes)


standardized: Primitive = primitive(
    _standardize, name="standardize", vjp=[_standardize_pull], jvp=[_standardize_push], symbolic_zeros=True
)
"""``(x - mean) / sqrt(variance + eps)``, the mean and the variance along `axes`, which are kept with length 1."""

# --- mean square 1 --------------------------------------------------------------------------------


def _scale(x: Any, *, axes: Shape, eps: float) -> Any:
    square = _mean(x * x, axes)
    return x / (square + eps) ** 0.5, square


def _scaled(t: Any, outputs: Any, axes: Shape, eps: float) -> Any:
    y, square = outputs
    return (t - y * _mean(t * y, axes)) / (square + eps) ** 0.5


def _scale_pull(cts: Any, outputs: Any, x: Any, *, axes: Shape, eps: float) -> Any:
    ct, square_ct = cts
    total = None if ct is None else _scaled(ct, outputs, axes, eps)
    if square_ct is not None:
        total = _added(total, x * (square_ct * (2 / math.prod(x.shape[i] for i in axes))))
    return total


def _scale_push(t: Any, outputs: Any, x: Any, *, axes: Shape, eps: float) -> Any:
    return _scaled(t, outputs, axes, eps), 2 * _mean(x * t, axes)


rms_scaled: Primitive = primitive(
    _scale, name="rms_normalize", vjp=[_scale_pull], jvp=[_scale_push], symbolic_zeros=True
)
"""``x / sqrt(mean(x**2) + eps)``, and the mean square, along `axes`."""
