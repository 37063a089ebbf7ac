"""Norms of vectors and matrices, and roots of sums of powers that neither underflow nor overflow."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autodiff.core.primitives import Primitive, implements, primitive
from autodiff.errors import ShapeError
from autodiff.ops.elementwise import power_of, ratio
from autodiff.ops.matrices import conj, real_part
from autodiff.ops.reductions import Axes, kept, mask_back, mask_on, max_over, min_over, sum_over
from autodiff.ops.shapes import canonical_axes, cast, moveaxis, operand, reshape_to
from autodiff.ops.spectra import spectral_norm
from autodiff.typing import Shape


def squares(x: Any) -> Any:
    """The squared magnitudes."""
    return x.real * x.real + x.imag * x.imag if x.dtype.kind == "c" else x * x


def folding(fn: Any, slope: Any, name: str, **more: Any) -> Primitive:
    """A primitive that folds axes away; ``slope(y, x, **how)`` is that of the result with respect to each entry."""
    return primitive(
        fn,
        name=name,
        vjp=[lambda ct, y, x, **how: kept(ct, x.shape, how["axis"], how["keepdims"]) * slope(y, x, **how)],
        jvp=[lambda t, y, x, **how: real_part(t * slope(y, x, **how)).sum(axis=how["axis"], keepdims=how["keepdims"])],
        mask_pull=mask_back,
        mask_push=mask_on,
        **more,
    )


@functools.cache
def _least(kind: str, power: float) -> float:
    """The least root of a sum of powers that still has all its digits."""
    info = np.finfo(kind)
    return (float(info.tiny) / float(info.eps)) ** (1 / power) if power > 0 else 0.0


def kept_its_digits(y: Any, power: float = 2.0) -> bool:
    """Whether every root of a sum of powers kept its digits: no sum underflowed or overflowed."""
    least = _least(y.dtype.char, power)
    if type(y) is np.float64:
        return bool(least < y < math.inf)
    return not y.size or bool(least < np.minimum.reduce(y, None) and np.maximum.reduce(y, None) < math.inf)


def at_scale(root: Any, x: Any, axis: Axes, keepdims: bool) -> Any:
    """``root(x)``, a length, of `x` scaled to magnitude 1 and scaled back; powers of two round nothing."""
    size = np.abs(x)
    n = np.frexp(np.where(np.isfinite(size), size, 0).max(axis=axis, keepdims=True, initial=0))[1]
    if x.dtype.kind == "c":
        x = np.ldexp(x.real, -n) + 1j * np.ldexp(x.imag, -n)
    else:
        x = np.ldexp(x, -n)
    y = root(x)
    return np.ldexp(y, n if keepdims else n.reshape(y.shape))


def _norm(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    def root(x: Any) -> Any:
        return np.sqrt(squares(x).sum(axis=axis, keepdims=keepdims))

    y = root(x)
    return y if kept_its_digits(y) else at_scale(root, x, axis, keepdims)


def direction(y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    """The conjugate of `x` divided by its length `y`; 0 where `y` is 0."""
    return ratio(conj(x), kept(y, x.shape, axis, keepdims))


norm_over = folding(_norm, direction, "norm", singular=True)


def _power_slope(y: Any, x: Any, *, axis: Axes, keepdims: bool, order: float) -> Any:
    """The slope of the p-norm with respect to the magnitudes `x`; 0 where all of them are 0."""
    return power_of(ratio(x, kept(y, x.shape, axis, keepdims)), order - 1)


def _power_norm(x: Any, *, axis: Axes, keepdims: bool, order: float) -> Any:
    def root(x: Any) -> Any:
        return (x**order).sum(axis=axis, keepdims=keepdims) ** (1 / order)

    y = root(x)
    return y if kept_its_digits(y, order) else at_scale(root, x, axis, keepdims)


power_norm_over = folding(_power_norm, _power_slope, "norm", singular=True)
"""The p-norm of non-negative entries."""


def _vector_norm(x: Any, axes: Axes, keepdims: bool, order: Any) -> Any:
    if order is None or order == 2:
        return norm_over(x, axis=axes, keepdims=keepdims)
    size = np.abs(x)
    if order == math.inf:
        return max_over(size, axis=axes, keepdims=keepdims)
    if order == -math.inf:
        return min_over(size, axis=axes, keepdims=keepdims)
    if order == 1:
        return sum_over(size, axis=axes, keepdims=keepdims)
    if order == 0:
        return sum_over(cast(size != 0, dtype=size.dtype), axis=axes, keepdims=keepdims)
    if not isinstance(order, (int, float, np.number)):
        raise ValueError(f"norm: ord of a vector norm must be a number; {order!r} was given.")
    return power_norm_over(size, axis=axes, keepdims=keepdims, order=float(order))


def _matrix_norm(x: Any, axes: Shape, keepdims: bool, order: Any) -> Any:
    """`axes` are the axis of the rows and the axis of the columns, in this order."""
    if order in (None, "fro", "f"):
        return norm_over(x, axis=tuple(sorted(axes)), keepdims=keepdims)
    rows, columns = axes
    if order in (2, -2, "nuc"):
        y = spectral_norm(moveaxis(x, (rows, columns), (-2, -1)), order)
        return np.expand_dims(y, axes) if keepdims else y
    if order not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"norm: ord of a matrix must be None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf; {order!r} was given."
        )
    summed, other = (columns, rows) if abs(order) == math.inf else (rows, columns)
    sums = sum_over(np.abs(x), axis=(summed,), keepdims=True)
    y = (max_over if order > 0 else min_over)(sums, axis=(other,), keepdims=True)
    if keepdims:
        return y
    return reshape_to(y, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``; slope 0 at 0."""
    x = operand(x)
    if axis is None and (ord is None or x.ndim == 1):
        return _vector_norm(x, None, bool(keepdims), ord)
    given = tuple(range(x.ndim)) if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    axes = canonical_axes(given, x.ndim, "norm")
    assert axes is not None
    if len(axes) == 1:
        return _vector_norm(x, axes, bool(keepdims), ord)
    if len(axes) != 2:
        raise ShapeError(
            f"norm: axis must be one axis (of vectors) or two (of matrices); {axis} was given for shape {x.shape}."
        )
    return _matrix_norm(x, tuple(i % x.ndim for i in given), bool(keepdims), ord)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm``."""
    return _vector_norm(x, canonical_axes(axis, x.ndim, "vector_norm"), bool(keepdims), ord)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``np.linalg.matrix_norm``."""
    return norm(x, ord, (-2, -1), keepdims)
