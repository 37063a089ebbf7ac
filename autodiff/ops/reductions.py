"""Functions that fold axes away, and their running forms.

Axes come in canonical form: a tuple of non-negative integers, or None for all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.ops.shapes import spread
from autodiff.primitives import implements, linear

Axes = tuple[int, ...] | None


def canonical_axes(axis: Any, ndim: int) -> Axes:
    """`axis` as a tuple of non-negative integers; None (all axes) stays None."""
    if axis is None:
        return None
    axes = axis if isinstance(axis, tuple) else (axis,)
    out = []
    for a in axes:
        i = int(a)
        if not -ndim <= i < ndim:
            raise np.exceptions.AxisError(i, ndim)
        out.append(i % ndim)
    if len(set(out)) != len(out):
        raise ValueError(f"axis {axis} names one axis twice")
    return tuple(sorted(out))


def kept(ct: Any, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    """A reduction's cotangent with the reduced axes put back, length 1 each."""
    if keepdims or axis is None:
        return ct
    return ct.reshape(tuple(1 if i in axis else n for i, n in enumerate(shape)))


def count(shape: tuple[int, ...], axis: Axes) -> int:
    """How many entries are folded into one."""
    n = 1
    for i in range(len(shape)) if axis is None else axis:
        n *= shape[i]
    return n


@linear(lambda x, *, axis=None, keepdims=False: x.sum(axis=axis, keepdims=keepdims), name="sum", passes_mask=True)
def sum_over(ct: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Cotangent of `x`: every summed entry receives the whole cotangent."""
    return spread(kept(ct, x.shape, axis, keepdims), shape=x.shape)


@implements(np.sum)
def sum_(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``np.sum``."""
    return sum_over(a, axis=canonical_axes(axis, a.ndim), keepdims=bool(keepdims))


@linear(lambda x, *, axis=None, keepdims=False: x.mean(axis=axis, keepdims=keepdims), name="mean", passes_mask=True)
def mean_over(ct: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Cotangent of `x`: an equal share for every entry."""
    return spread(kept(ct, x.shape, axis, keepdims) / max(count(x.shape, axis), 1), shape=x.shape)


@implements(np.mean)
def mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``np.mean``."""
    return mean_over(a, axis=canonical_axes(axis, a.ndim), keepdims=bool(keepdims))
