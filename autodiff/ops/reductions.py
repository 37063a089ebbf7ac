"""Reductions: functions that fold axes away.

Axes arrive in canonical form: an increasing tuple of non-negative integers, or None for all axes.
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np

from autodiff.core.primitives import implements, linear, primitive
from autodiff.errors import ShapeError
from autodiff.ops.choices import maximum, minimum
from autodiff.ops.choices import where as choose
from autodiff.ops.deciding import look
from autodiff.ops.elementwise import power_of, ratio
from autodiff.ops.scans import products_of_others
from autodiff.ops.shapes import (
    canonical_axes,
    cast,
    in_single,
    moveaxis,
    operand,
    permute,
    reshape_to,
    spread,
    values,
)
from autodiff.ops.spectra import spectral_norm
from autodiff.typing import Shape

Axes = Shape | None


def kept(ct: Any, shape: Shape, axis: Axes, keepdims: bool) -> Any:
    """The result of a reduction with the reduced axes put back, each of length 1."""
    if keepdims or axis is None:
        return ct
    return ct.reshape(tuple(1 if i in axis else n for i, n in enumerate(shape)))


def count(shape: Shape, axis: Axes) -> int:
    """How many entries are folded into one."""
    return math.prod(shape if axis is None else [shape[i] for i in axis])


def share(ct: Any, n: float) -> Any:
    """`ct` divided by a count. For float16 the division is in float32: a count of 65,520 or more would be infinite."""
    return ct / (np.float32(n) if ct.dtype.char == "e" else n)


def mask_back(index: int, live: Any, y: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, **_: Any) -> Any:
    """An entry is alive if the entry that it is folded into is alive."""
    return None if live is None else spread(kept(live, x.shape, axis, keepdims), shape=x.shape)


def mask_on(index: int, live: Any, y: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, **_: Any) -> Any:
    """An output is alive if an entry that is folded into it is alive."""
    return None if live is None else live.any(axis=axis, keepdims=keepdims)


# --- sums and means -------------------------------------------------------------------------------


@linear(lambda x, *, axis=None, keepdims=False: x.sum(axis=axis, keepdims=keepdims), name="sum", passes_mask=True)
def sum_over(ct: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Cotangent of `x`: every summed entry receives the whole cotangent."""
    return spread(kept(ct, x.shape, axis, keepdims), shape=x.shape)


@implements(np.sum)
def sum_(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Any:
    """``np.sum``."""
    if where is not None:
        a = choose(where, a, 0)
    if dtype is not None:
        a = cast(a, dtype=np.dtype(dtype))
    y = sum_over(a, axis=canonical_axes(axis, a.ndim, "sum"), keepdims=bool(keepdims))
    return y if initial is None else y + first(initial, y)


def first(initial: Any, y: Any) -> Any:
    """The initial value of a reduction, a number or a 0-d array, in the dtype of the result."""
    return cast(operand(initial), dtype=y.dtype)


def _mean(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    n = count(x.shape, axis)
    if n and x.dtype.char in "fd":
        return x.sum(axis=axis, keepdims=keepdims) / n  # the same numbers as x.mean() in a third of the time
    return x.mean(axis=axis, keepdims=keepdims)


@linear(_mean, name="mean", passes_mask=True)
def mean_over(ct: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Cotangent of `x`: every entry receives an equal share."""
    return spread(share(kept(ct, x.shape, axis, keepdims), max(count(x.shape, axis), 1)), shape=x.shape)


@implements(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Any:
    """``np.mean``."""
    if dtype is not None:
        a = cast(a, dtype=np.dtype(dtype))
    axes, keepdims = canonical_axes(axis, a.ndim, "mean"), bool(keepdims)
    if where is not None:
        return mean_of(a, selection(where, a.shape), axes, keepdims)
    return mean_over(a, axis=axes, keepdims=keepdims)


# --- products -------------------------------------------------------------------------------------

prod_along = primitive(
    lambda x, *, axis: x.prod(axis),
    name="prod",
    vjp=[lambda ct, y, x, *, axis: kept(ct, x.shape, (axis,), False) * products_of_others(x, axis)],
    jvp=[lambda t, y, x, *, axis: (t * products_of_others(x, axis)).sum(axis=axis)],
    mask_pull=lambda index, live, y, x, *, axis: mask_back(index, live, y, x, axis=(axis,)),
    mask_push=lambda index, live, y, x, *, axis: mask_on(index, live, y, x, axis=(axis,)),
)


def folded(x: Any, axis: Axes) -> Any:
    """`x` with these axes merged into one, the last."""
    axes = tuple(range(x.ndim)) if axis is None else axis
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    order = rest + axes
    if order != tuple(range(x.ndim)):
        x = permute(x, axes=order)
    return reshape_to(x, shape=(*x.shape[: len(rest)], math.prod(x.shape[len(rest) :])))


@implements(np.prod)
def prod(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Any:
    """``np.prod``; derivatives of every order are exact with any number of zeros."""
    if where is not None:
        a = choose(where, a, 1)
    if dtype is not None:
        a = cast(a, dtype=np.dtype(dtype))
    axes = canonical_axes(axis, a.ndim, "prod")
    if axes is not None and len(axes) == 1:
        y = prod_along(a, axis=axes[0])
    else:
        y = prod_along(folded(a, axes), axis=a.ndim - len(axes) if axes is not None else 0)
    if initial is not None:
        y = y * first(initial, y)
    if not keepdims:
        return y
    return reshape_to(y, shape=tuple(1 if axes is None or i in axes else n for i, n in enumerate(a.shape)))


# --- the largest and the smallest -----------------------------------------------------------------


def _ties(y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    """A mask of the entries that equal the extreme one; a NaN is extreme."""
    return (x == kept(y, x.shape, axis, keepdims)) | (x != x)  # x != x: NaN


def _shares(y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    ties = _ties(y, x, axis=axis, keepdims=keepdims)
    # The count is at least float32, because float16 cannot count beyond 2048.
    return ties / ties.sum(axis=axis, keepdims=True).astype(np.result_type(x.dtype, np.float32))


def _extreme(fn: Any, name: str) -> Any:
    return primitive(
        fn,
        name=name,
        vjp=[lambda ct, y, x, **axes: kept(ct, x.shape, **axes) * _shares(y, x, **axes)],
        jvp=[lambda t, y, x, **axes: (t * _shares(y, x, **axes)).sum(**axes)],
        live=(_ties,),
        mask_pull=lambda i, live, y, x, **axes: _and(_ties(y, x, **axes), mask_back(i, live, y, x, **axes)),
        mask_push=lambda i, live, y, x, **axes: _and(_ties(y, x, **axes), live).any(**axes),
    )


def _and(a: Any, b: Any) -> Any:
    return a if b is None else a & b


max_over = _extreme(lambda x, *, axis, keepdims: x.max(axis=axis, keepdims=keepdims), "max")
min_over = _extreme(lambda x, *, axis, keepdims: x.min(axis=axis, keepdims=keepdims), "min")


def extreme_of(over: Any, limit: Any, a: Any, axis: Axes, keepdims: bool, initial: Any, where: Any) -> Any:
    """The extreme entry of those selected, or the initial value where that is more extreme or nothing is selected."""
    if initial is None:
        if where is not None:
            raise ValueError(f"{over.name}: where= needs initial=, the result where nothing is selected.")
        return over(a, axis=axis, keepdims=keepdims)
    start = a.dtype.type(initial)
    if where is not None:
        a = choose(where, a, start)
    if count(a.shape, axis):
        return limit(over(a, axis=axis, keepdims=keepdims), start)
    return np.full(np.zeros(a.shape).sum(axis=axis, keepdims=keepdims).shape, start)


@implements(np.max, np.amax)
def max_(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """``np.max``; k equal largest entries have slope 1/k each."""
    return extreme_of(max_over, maximum, a, canonical_axes(axis, a.ndim, "max"), bool(keepdims), initial, where)


@implements(np.min, np.amin)
def min_(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """``np.min``; k equal smallest entries have slope 1/k each."""
    return extreme_of(min_over, minimum, a, canonical_axes(axis, a.ndim, "min"), bool(keepdims), initial, where)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``np.ptp``."""
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


# --- variance and standard deviation --------------------------------------------------------------


def _conj(x: Any) -> Any:
    return x.conj() if x.dtype.kind == "c" else x


def _real(x: Any) -> Any:
    return x.real if x.dtype.kind == "c" else x


def _deviation(x: Any, axis: Axes) -> Any:
    """The conjugate of x - mean. It is centred twice, so that it is 0 for equal values even if their mean rounds."""
    d = x - x.mean(axis=axis, keepdims=True)
    return _conj(d - d.mean(axis=axis, keepdims=True))


def _freedom(x: Any, axis: Axes, ddof: float) -> float:
    n = count(x.shape, axis) - ddof
    return n if n > 0 else math.nan


def _var_slope(x: Any, *, axis: Axes, ddof: float) -> Any:
    return _deviation(x, axis) * (2 / _freedom(x, axis, ddof))


def _std_slope(y: Any, x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    """The slope of std, 0 where std is 0. There the second derivative, which divides by it, does not exist."""
    return share(ratio(_deviation(x, axis), kept(y, x.shape, axis, keepdims)), _freedom(x, axis, ddof))


var_over = primitive(
    lambda x, *, axis, ddof, keepdims: x.var(axis=axis, ddof=ddof, keepdims=keepdims),
    name="var",
    vjp=[
        lambda ct, y, x, *, axis, ddof, keepdims: (
            kept(ct, x.shape, axis, keepdims) * _var_slope(x, axis=axis, ddof=ddof)
        )
    ],
    jvp=[
        lambda t, y, x, *, axis, ddof, keepdims: _real(t * _var_slope(x, axis=axis, ddof=ddof)).sum(
            axis=axis, keepdims=keepdims
        )
    ],
    mask_pull=mask_back,
    mask_push=mask_on,
)


def _std(x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    y = x.std(axis=axis, ddof=ddof, keepdims=keepdims)
    if _exact(y):
        return y
    n = _freedom(x, axis, ddof)
    return _at_scale(
        lambda d: np.sqrt(_squares(d).sum(axis=axis, keepdims=keepdims) / n), _deviation(x, axis), axis, keepdims
    )


std_over = primitive(
    _std,
    name="std",
    vjp=[lambda ct, y, x, **how: kept(ct, x.shape, how["axis"], how["keepdims"]) * _std_slope(y, x, **how)],
    jvp=[lambda t, y, x, **how: _real(t * _std_slope(y, x, **how)).sum(axis=how["axis"], keepdims=how["keepdims"])],
    mask_pull=mask_back,
    mask_push=mask_on,
    singular=True,
)


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    correction: float | None = None,
) -> Any:
    """``np.var``."""
    a = operand(a) if dtype is None else cast(operand(a), dtype=np.dtype(dtype))
    axes, keepdims, ddof = canonical_axes(axis, a.ndim, "var"), bool(keepdims), _ddof(ddof, correction)
    if where is not None:
        return var_of(a, selection(where, a.shape), axes, keepdims, ddof)
    return in_single(var_over, a, axis=axes, ddof=ddof, keepdims=keepdims)


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    correction: float | None = None,
) -> Any:
    """``np.std``; its slope is 0 where all values are equal."""
    a = operand(a) if dtype is None else cast(operand(a), dtype=np.dtype(dtype))
    axes, keepdims, ddof = canonical_axes(axis, a.ndim, "std"), bool(keepdims), _ddof(ddof, correction)
    if where is not None:
        return std_of(a, selection(where, a.shape), axes, keepdims, ddof)
    if count(a.shape, axes) == 1:  # std is constant 0, as var is; the second derivative of the root would be NaN
        return in_single(var_over, a, axis=axes, ddof=ddof, keepdims=keepdims)
    return in_single(std_over, a, axis=axes, ddof=ddof, keepdims=keepdims)


def _ddof(ddof: float, correction: float | None) -> float:
    """`ddof` under either of NumPy's two names for it."""
    if correction is None:
        return ddof
    if ddof:
        raise ValueError("ddof and correction are two names for one thing; give only one of them.")
    return correction


# --- lengths --------------------------------------------------------------------------------------


def _squares(x: Any) -> Any:
    return x.real * x.real + x.imag * x.imag if x.dtype.kind == "c" else x * x


@functools.cache
def _least(kind: str, power: float) -> float:
    """The least root of a sum of powers that still has all its digits."""
    info = np.finfo(kind)
    return (float(info.tiny) / float(info.eps)) ** (1 / power) if power > 0 else 0.0


def _exact(y: Any, power: float = 2.0) -> bool:
    """Whether every root of a sum of powers kept its digits: no sum underflowed or overflowed."""
    least = _least(y.dtype.char, power)
    if type(y) is np.float64:
        return bool(least < y < math.inf)
    return not y.size or bool(least < np.minimum.reduce(y, None) and np.maximum.reduce(y, None) < math.inf)


def _at_scale(root: Any, x: Any, axis: Axes, keepdims: bool) -> Any:
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
        return np.sqrt(_squares(x).sum(axis=axis, keepdims=keepdims))

    y = root(x)
    return y if _exact(y) else _at_scale(root, x, axis, keepdims)


def direction(x: Any, y: Any, *, axis: Axes, keepdims: bool) -> Any:
    """The conjugate of `x` divided by its length `y`; 0 where `y` is 0."""
    return ratio(_conj(x), kept(y, x.shape, axis, keepdims))


norm_over = primitive(
    _norm,
    name="norm",
    vjp=[lambda ct, y, x, **axes: kept(ct, x.shape, **axes) * direction(x, y, **axes)],
    jvp=[lambda t, y, x, **axes: _real(t * direction(x, y, **axes)).sum(**axes)],
    mask_pull=mask_back,
    mask_push=mask_on,
    singular=True,
)


def _power_slope(y: Any, x: Any, *, axis: Axes, keepdims: bool, order: float) -> Any:
    """The slope of the p-norm with respect to the magnitudes `x`; 0 where all of them are 0."""
    return power_of(ratio(x, kept(y, x.shape, axis, keepdims)), order - 1)


def _power_norm(x: Any, *, axis: Axes, keepdims: bool, order: float) -> Any:
    def root(x: Any) -> Any:
        return (x**order).sum(axis=axis, keepdims=keepdims) ** (1 / order)

    y = root(x)
    return y if _exact(y, order) else _at_scale(root, x, axis, keepdims)


power_norm_over = primitive(
    _power_norm,
    name="norm",
    vjp=[lambda ct, y, x, **how: kept(ct, x.shape, how["axis"], how["keepdims"]) * _power_slope(y, x, **how)],
    jvp=[lambda t, y, x, **how: (t * _power_slope(y, x, **how)).sum(axis=how["axis"], keepdims=how["keepdims"])],
    mask_pull=mask_back,
    mask_push=mask_on,
    singular=True,
)
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


# --- reductions of selected entries ---------------------------------------------------------------


def selection(where: Any, shape: Shape) -> Any:
    """`where` as a plain Boolean array, broadcast to `shape`."""
    return np.broadcast_to(values(where).astype(bool), shape)


def number_of(here: Any, axis: Axes, keepdims: bool, ddof: float, like: Any) -> Any:
    """The number of selected entries minus `ddof`, in the real dtype of `like`; NaN where that is not positive."""
    kind = like.dtype if like.dtype.kind in "fc" else np.dtype(float)
    n = here.sum(axis=axis, keepdims=keepdims) - ddof
    return np.where(n > 0, n, math.nan)[()].astype(kind.type(0).real.dtype)


def warn_of_nothing(message: str, bad: Any) -> None:
    """Give NumPy's own warning if there are no entries, or too few, to reduce."""

    def warn(bad: Any) -> None:
        if np.any(bad):
            warnings.warn(message, RuntimeWarning, stacklevel=7)

    if not isinstance(bad, (bool, np.bool_)) or bad:
        look(warn, bad)


def mean_of(x: Any, here: Any, axis: Axes, keepdims: bool) -> Any:
    """The mean of the selected entries, NaN if there are none. For float16 it is computed in float32, as in NumPy."""
    if x.dtype.char == "e":
        return cast(mean_of(cast(x, dtype=np.dtype(np.float32)), here, axis, keepdims), dtype=x.dtype)
    n = number_of(here, axis, keepdims, 0, x)
    warn_of_nothing("Mean of empty slice", n != n)
    return sum_over(choose(here, x, 0), axis=axis, keepdims=keepdims) / n


def _deviation_of(x: Any, here: Any, axis: Axes) -> Any:
    """The distance from the mean, centred twice; 0 for entries that are not selected."""
    n = number_of(here, axis, True, 0, x)
    d = choose(here, x, 0)
    for _ in range(2):
        d = choose(here, d - sum_over(d, axis=axis, keepdims=True) / n, 0)
    return d


def var_of(x: Any, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """The variance of the selected entries."""
    return in_single(_var_of, x, here=here, axis=axis, keepdims=keepdims, ddof=ddof)


def _var_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    d = _deviation_of(x, here, axis)
    squares = d.real * d.real + d.imag * d.imag if d.dtype.kind == "c" else d * d
    return sum_over(squares, axis=axis, keepdims=keepdims) / n


def std_of(x: Any, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """The standard deviation of the selected entries, as a norm: its slope is 0 where all values are equal."""
    return in_single(_std_of, x, here=here, axis=axis, keepdims=keepdims, ddof=ddof)


def _std_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    return norm_over(_deviation_of(x, here, axis), axis=axis, keepdims=keepdims) / np.sqrt(n)
