"""Medians and quantiles, and other functions that sort values.

The gradient of an order statistic is shared among all entries equal to it. NumPy itself gives the rank that
a quantile needs: the quantile of 0, 1, 2, ... is a position among the sorted values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.core.primitives import implements, primitive
from autodiff.core.switches import is_traced
from autodiff.errors import ShapeError, UnsupportedError
from autodiff.ops.choices import where as choose
from autodiff.ops.deciding import decided, possibly, whole
from autodiff.ops.indexing import ARRAY, Index, gather, index_add, sort, take, take_along_axis
from autodiff.ops.joining import concatenate
from autodiff.ops.reductions import Axes, folded, warn_of_nothing
from autodiff.ops.shapes import canonical_axes, canonical_axis, cast, moveaxis, operand, ravel, reshape_to, values

# --- order statistics -----------------------------------------------------------------------------


def _ranked(x: Any, ranks: Any) -> Any:
    return np.take_along_axis(np.sort(x, axis=-1), ranks, -1)


class _Groups(NamedTuple):
    """Groups of equal entries along the last axis. A group is an integer, an index into a flat array.

    Attributes
    ----------
    of_entries, of_ranks : array, (..., n) and (..., k)
        The group of each entry, and the group of the entry with each rank.
    counts : array, (..., k)
        The number of entries in the group of each rank.
    """

    of_entries: Any
    of_ranks: Any
    counts: Any


def _groups_of(x: Any, ranks: Any) -> tuple[Any, Any, Any]:
    order = np.argsort(x, axis=-1, kind="stable")
    x = np.take_along_axis(x, order, -1)
    after, before = x[..., 1:], x[..., :-1]
    differs = ~((after == before) | ((after != after) & (before != before)))  # NaN equals NaN
    number = np.concatenate([np.zeros((*x.shape[:-1], 1), np.intp), differs.cumsum(axis=-1, dtype=np.intp)], axis=-1)
    number += np.arange(0, x.size, x.shape[-1]).reshape((*x.shape[:-1], 1))  # each row has its own groups
    of_entries = np.empty_like(number)
    np.put_along_axis(of_entries, order, number, -1)
    of_ranks = np.take_along_axis(number, ranks, -1)
    return of_entries, of_ranks, np.bincount(number.ravel(), minlength=x.size)[of_ranks]


def _groups(x: Any, ranks: Any) -> _Groups:
    return _Groups(*whole(_groups_of, values(x), ranks))


def _moved(t: Any, start: Any, end: Any, size: int) -> Any:
    """The sums of `t` over the groups `start`, read at the groups `end`."""
    return gather(index_add(t, start, index=Index(ARRAY), shape=(size,)), end, index=Index(ARRAY))


def _shared(t: Any, groups: _Groups) -> Any:
    return t / groups.counts.astype(np.result_type(t.dtype, np.float32))


def _statistics_pull(ct: Any, y: Any, x: Any, ranks: Any) -> Any:
    groups = _groups(x, ranks)
    return _moved(_shared(ct, groups), groups.of_ranks, groups.of_entries, x.size)


def _statistics_push(t: Any, y: Any, x: Any, ranks: Any) -> Any:
    groups = _groups(x, ranks)
    return _shared(_moved(t, groups.of_entries, groups.of_ranks, x.size), groups)


def _mask_pulled(index: int, live: Any, y: Any, x: Any, ranks: Any) -> Any:
    groups = _groups(x, ranks)
    live = np.ones(ranks.shape) if live is None else live * 1.0
    return _moved(live, groups.of_ranks, groups.of_entries, x.size) != 0


def _mask_pushed(index: int, live: Any, y: Any, x: Any, ranks: Any) -> Any:
    if live is None:
        return None
    groups = _groups(x, ranks)
    return _moved(live * 1.0, groups.of_entries, groups.of_ranks, x.size) != 0


order_statistics = primitive(
    _ranked,
    name="order_statistics",
    vjp=[_statistics_pull, None],
    jvp=[_statistics_push, None],
    live=(lambda y, x, ranks: _mask_pulled(0, None, y, x, ranks), None),
    mask_pull=_mask_pulled,
    mask_push=_mask_pushed,
)
"""The values with these ranks along the last axis; `ranks` is an array ``(..., k)``, and 0 is the smallest entry."""


class _Places(NamedTuple):
    """The two ranks between which each quantile lies, ``(..., k)``, and its distance from the lower one."""

    below: Any
    above: Any
    beyond: Any


def _places(counts: Any, q: Any, method: str, like: Callable[..., Any], scale: float) -> _Places:
    """The places of the quantiles `q` among `counts` sorted values, an array (...)."""
    if getattr(q, "requires_grad", False):
        if method != "linear":
            raise UnsupportedError(
                f"the quantile has a derivative by q with method='linear' only; {method!r} was given with a tracked q."
            )
        place = ravel(q) * ((counts[..., None] - 1) / scale)
    else:

        def places_of(counts: Any, q: Any) -> Any:
            table = {n: like(np.arange(max(n, 1)), q, method=method) for n in set(counts.ravel().tolist())}
            return np.array([table[n] for n in counts.ravel().tolist()], float).reshape((*counts.shape, q.size))

        place = whole(places_of, counts, values(q).ravel())
    plain = values(place)
    below = np.floor(plain)
    last = np.maximum(counts - 1, 0)[..., None]
    low = np.clip(below, 0, last).astype(np.intp)
    high = np.where(plain == below, low, np.minimum(low + 1, last))
    return _Places(low, high, place - below)


def _sum_of_two(a: Any, b: Any, beyond: Any) -> Any:
    """The value at the fraction `beyond` of the way from `a` to `b`; an end with weight 0 is ignored, even if inf."""
    plain = values(beyond)
    if not possibly(plain) and not getattr(beyond, "requires_grad", False):
        return a
    step = b - a
    finite = np.isfinite(values(step))
    if possibly(~finite):
        step = choose(finite | ((plain != 0) & (values(a) != values(b))), step, 0)
    near = plain >= 0.5  # computed from the nearer end, as in NumPy
    return choose(near, b, a) + step * (beyond - near)


def quantile_of(
    a: Any,
    q: Any,
    axis: Any,
    method: str,
    keepdims: bool,
    *,
    like: Callable[..., Any] = np.quantile,
    scale: float = 1,
    missing: bool = False,
) -> Any:
    """Quantiles as `like` defines them: its result for 0, 1, 2, ... is a position among the sorted values."""
    a = operand(a)
    axes = canonical_axes(axis, a.ndim, "quantile")
    if a.dtype.kind == "b" and like is median_of:  # NumPy has a median of Booleans, but no other quantile
        a = cast(a, dtype=np.dtype(float))
    if a.dtype.kind == "c":
        raise UnsupportedError("a quantile of complex numbers has no derivative rule here: they have no order.")
    raw = values(q) if hasattr(type(q), "__autodiff_apply__") else q
    raw = np.zeros(raw.shape, raw.dtype)[()] if is_traced(raw) else raw
    dtype = like(np.ones(1, a.dtype), raw, method=method).dtype  # NumPy does not let a Python number widen float32
    q = operand(q)
    shape = q.shape + _reduced(a.shape, axes, bool(keepdims))
    x = folded(a, axes)
    plain = values(x)
    n = plain.shape[-1]
    if n == 0 and plain.size == math.prod(shape):  # the result is empty as well
        return np.zeros(shape, dtype)
    if n == 0:
        if not missing and like is not median_of:
            raise ShapeError(
                f"a quantile needs at least one value; the array has shape {a.shape}, the axes are {axes}."
            )
        warn_of_nothing("Mean of empty slice", True)
        return np.full(shape, math.nan, dtype)
    nan = np.isnan(plain)
    counts = (~nan).sum(axis=-1) if missing else np.full(plain.shape[:-1], n)
    warn_of_nothing("All-NaN slice encountered", counts == 0)
    places = _places(counts, q, method, like, scale)
    low, high = places.below, places.above
    lies_between = possibly(high != low)  # asked before NaN moves both ranks alike: in a trace that depends on values
    if missing:
        x = choose(~nan, x, np.nan) if possibly(nan) else x
    elif possibly(nan):  # NaN is sorted after all numbers
        low, high = (np.where(nan.any(axis=-1)[..., None], n - 1, k) for k in (low, high))
    ranks = np.broadcast_shapes(low.shape, (*plain.shape[:-1], 1))
    low, high = np.broadcast_to(low, ranks), np.broadcast_to(high, ranks)
    if lies_between:
        both, k = order_statistics(x, np.concatenate([low, high], axis=-1)), low.shape[-1]  # one sort for both
        y = _sum_of_two(both[..., :k], both[..., k:], places.beyond)
    else:
        y = order_statistics(x, low)
        if getattr(places.beyond, "requires_grad", False):
            y = y + 0 * places.beyond
    y = cast(y, dtype=dtype) if y.dtype != dtype else y
    y = moveaxis(y, -1, 0)
    return reshape_to(y, shape=shape)


def _reduced(shape: tuple[int, ...], axes: Axes, keepdims: bool) -> tuple[int, ...]:
    gone = range(len(shape)) if axes is None else axes
    return tuple(1 if i in gone else n for i, n in enumerate(shape) if keepdims or i not in gone)


@implements(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Any:
    """``np.quantile``, by every method that NumPy has; a tracked `q` needs the linear method."""
    return quantile_of(a, q, axis, method, keepdims)


@implements(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Any:
    """``np.percentile``, as `quantile`."""
    return quantile_of(a, q, axis, method, keepdims, like=np.percentile, scale=100)


def median_of(a: Any, q: Any, method: str) -> Any:
    """NumPy's median, with the signature of its quantiles."""
    return np.median(a)


@implements(np.median)
def median(a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """``np.median``; of an even number of values the two in the middle have half the slope each; equals share it."""
    return quantile_of(a, 0.5, axis, "linear", keepdims, like=median_of)


# --- in order -------------------------------------------------------------------------------------


@implements(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect") -> Any:
    """``np.partition``; the gradient follows the permutation."""
    a = operand(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = canonical_axis(axis, a.ndim, "partition")
    return take_along_axis(a, np.argpartition(values(a), kth, axis=axis), axis)


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """``np.sort_complex``."""
    y = sort(operand(a))
    dtype = np.sort_complex(np.zeros(1, y.dtype)).dtype
    return y if y.dtype == dtype else cast(y, dtype=dtype)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """``np.trim_zeros``: a slice along each axis that contains all non-zero entries."""
    x, trim = operand(filt), trim.lower()
    if not trim or trim.strip("fb"):
        raise ValueError(f"trim_zeros: trim must be 'f', 'b' or 'fb'; {trim!r} was given.")
    if x.ndim == 0:
        return x
    axes = canonical_axes(axis, x.ndim, "trim_zeros")

    def bounds(plain: Any) -> tuple[tuple[int, int], ...]:
        """Start and stop along each axis."""
        places, found = np.nonzero(plain), [(0, n) for n in plain.shape]
        for i in range(plain.ndim) if axes is None else axes:
            none, n = not places[i].size, plain.shape[i]
            start = 0 if "f" not in trim else n if none else int(places[i].min())
            stop = n if "b" not in trim else 0 if none else int(places[i].max()) + 1
            found[i] = (start, max(start, stop))
        return tuple(found)

    return x[tuple(slice(*ends) for ends in decided(bounds, values(x)))]


# --- without repetitions --------------------------------------------------------------------------


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """``np.unique``: of equal entries the first is read and receives the gradient."""
    a = operand(ar)
    _, first, inverse, counts = np.unique(
        values(a), return_index=True, return_inverse=True, return_counts=True, axis=axis, equal_nan=equal_nan
    )
    y = take(ravel(a) if axis is None else a, first, 0 if axis is None else axis)
    more = [x for x, wanted in ((first, return_index), (inverse, return_inverse), (counts, return_counts)) if wanted]
    return (y, *more) if more else y


@implements(np.unique_values)
def unique_values(x: Any) -> Any:
    """``np.unique_values``, in order."""
    return unique(x, equal_nan=False)


def _unique_with(function: Callable[..., Any]) -> None:
    """``np.unique_counts`` and the like: the values as by `unique`, and what NumPy finds about them."""

    def border(x: Any) -> Any:
        return function(values(operand(x)))._replace(values=unique(x, equal_nan=False))

    border.__doc__ = f"``np.{function.__name__}``."
    implements(function)(border)


for _function in (np.unique_counts, np.unique_inverse, np.unique_all):
    _unique_with(_function)

# --- as sets --------------------------------------------------------------------------------------


def _flat(a: Any, assume_unique: bool) -> Any:
    return ravel(operand(a)) if assume_unique else unique(a)


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    """``np.union1d``: values in both arrays are read from the first."""
    return unique(concatenate([ar1, ar2], None))


@implements(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """``np.intersect1d``: values are read from the first array."""
    a, b = operand(ar1), operand(ar2)
    _, first, second = np.intersect1d(values(a), values(b), assume_unique, True)
    y = take(ravel(a), first, 0)
    dtype = np.result_type(a.dtype, b.dtype)
    y = y if y.dtype == dtype else cast(y, dtype=dtype)
    return (y, first, second) if return_indices else y


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """``np.setdiff1d``."""
    a = _flat(ar1, assume_unique)
    return take(a, np.flatnonzero(np.isin(values(a), values(operand(ar2)), invert=True)), 0)


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """``np.setxor1d``."""
    both = sort(concatenate([_flat(ar1, assume_unique), _flat(ar2, assume_unique)]))
    plain = values(both)
    different = np.concatenate([[True], plain[1:] != plain[:-1], [True]])[: plain.size + 1]
    return take(both, np.flatnonzero(different[1:] & different[:-1]), 0)
