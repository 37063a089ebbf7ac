"""Sums, means, products and extremes: functions that fold axes away, of all entries or of those selected.

Axes arrive in canonical form: an increasing tuple of non-negative integers, or None for all axes.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autodiff.core.kinds import linear, primitive
from autodiff.core.primitives import implements
from autodiff.ops.choices import maximum, minimum
from autodiff.ops.choices import where as choose
from autodiff.ops.deciding import look
from autodiff.ops.scans import products_of_others
from autodiff.ops.shapes import (
    canonical_axes,
    cast,
    operand,
    permute,
    reshape_to,
    spread,
    values,
)
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
    if type(x) is np.ndarray and axis is not None:
        # The usual case: one extreme entry in every slice and no NaN. To look at the values takes less time than to
        # count ties; the shares are the same, 0 and 1.
        ties = x == kept(y, x.shape, axis, keepdims)
        if np.count_nonzero(ties) == y.size and y.size and not np.isnan(y).any():
            return ties
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
        mask_pull=lambda i, live, y, x, **axes: both(_ties(y, x, **axes), mask_back(i, live, y, x, **axes)),
        mask_push=lambda i, live, y, x, **axes: both(_ties(y, x, **axes), live).any(**axes),
    )


def both(a: Any, b: Any) -> Any:
    """The entries that are alive in both masks; None is a mask of all."""
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
