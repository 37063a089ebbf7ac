"""Weighted means, covariances, and counts with weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import implements
from autodiff.errors import ShapeError
from autodiff.ops.complex_parts import conj
from autodiff.ops.deciding import decided, look, whole
from autodiff.ops.diagonals import diagonal
from autodiff.ops.indexing import ARRAY, Index, index_add
from autodiff.ops.joining import concatenate
from autodiff.ops.products import matmul
from autodiff.ops.reductions import max_, mean, min_, sum_, warn_of_nothing
from autodiff.ops.shapes import (
    atleast_2d,
    broadcast_to,
    canonical_axes,
    cast,
    operand,
    permute,
    ravel,
    reshape_to,
    values,
)

# --- means ----------------------------------------------------------------------------------------


def _fitted(weights: Any, a: Any, axis: Any) -> Any:
    """Weights that broadcast with the array: given in its shape, or along the given axes."""
    w = operand(weights)
    if w.shape == a.shape:
        return w
    if axis is None:
        raise TypeError(f"average: weights of shape {w.shape} for an array of shape {a.shape} need axis=.")
    given = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    places = [i % a.ndim for i in given]
    if w.shape != tuple(a.shape[i] for i in places):
        raise ShapeError(
            f"average: the weights have shape {w.shape}; they must have the shape of the array, {a.shape}, or that of "
            f"its axes {axis}."
        )
    order = sorted(range(len(places)), key=places.__getitem__)
    w = permute(w, axes=tuple(order))
    return reshape_to(w, shape=tuple(n if i in places else 1 for i, n in enumerate(a.shape)))


def _not_0(total: Any) -> None:
    if (total == 0).any():
        raise ZeroDivisionError("average: the weights sum to 0, so they cannot be normalised.")


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """``np.average``, differentiable in the values and in the weights."""
    a = operand(a)
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        if not returned:
            return y
        total: Any = np.full(y.shape, a.size / max(y.size, 1), y.dtype)
    else:
        axes = canonical_axes(axis, a.ndim, "average")
        w = _fitted(weights, a, axis)
        dtype = np.result_type(a.dtype, w.dtype, *((float,) if a.dtype.kind in "iub" else ()))
        w = broadcast_to(cast(w, dtype=dtype) if w.dtype != dtype else w, a.shape)
        total = sum_(w, axes, keepdims=keepdims)
        look(_not_0, values(total))
        y = sum_(cast(a, dtype=dtype) * w, axes, keepdims=keepdims) / total
    return (y, total) if returned else y


# --- covariances ----------------------------------------------------------------------------------


def _rows(m: Any, rowvar: bool) -> Any:
    """Variables as rows, observations as columns."""
    m = operand(m)
    if m.ndim > 2:
        raise ShapeError(f"cov: an array of one or two axes is expected; its shape is {m.shape}.")
    rows = atleast_2d(m)
    return rows if rowvar or m.ndim < 2 else permute(rows, axes=(1, 0))


def _observed(weights: Any, x: Any, name: str) -> Any:
    """The weights of the observations, after checks of their shape and values."""
    if weights.shape != x.shape[1:]:
        raise ShapeError(f"cov: {name} has shape {weights.shape}; there are {x.shape[1]} observations.")

    def check(plain: Any) -> None:
        if (plain < 0).any():
            raise ValueError(f"cov: {name} must not be negative.")
        if name == "fweights" and (plain != np.rint(plain)).any():
            raise TypeError("cov: fweights counts repetitions and must be integers.")

    look(check, values(weights))
    return weights


def _is_positive(x: Any) -> bool:
    return bool(x > 0)


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """``np.cov``, differentiable in the data and in `aweights`."""
    x = _rows(m, rowvar)
    if y is not None:
        x = concatenate([x, _rows(y, rowvar)], 0)
    x = cast(x, dtype=np.result_type(x.dtype, np.float64) if dtype is None else np.dtype(dtype))
    ddof = (0 if bias else 1) if ddof is None else ddof
    if ddof != int(ddof):
        raise ValueError(f"cov: ddof must be an integer; {ddof} was given.")
    f = None if fweights is None else _observed(values(fweights), x, "fweights")
    a = None if aweights is None else cast(_observed(operand(aweights), x, "aweights"), dtype=np.dtype(float))
    w = f if a is None else a if f is None else a * f
    if w is None:
        total: Any = x.shape[1]
        centre, freedom = x.mean(axis=1, keepdims=True), total - ddof
    else:
        total = w.sum()
        centre = (x * w).sum(axis=1, keepdims=True) / total
        freedom = total - ddof if a is None or not ddof else total - ddof * (w * a).sum() / total
    enough = decided(_is_positive, values(freedom))
    warn_of_nothing("Degrees of freedom <= 0 for slice", not enough)
    x = x - centre
    other = x if w is None else x * w
    other = conj(other) if other.dtype.kind == "c" else other
    c = matmul(x, permute(other, axes=(1, 0))) / (freedom if enough else 0)
    n = c.shape[0]
    return reshape_to(c, shape=()) if n == 1 else c


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """``np.corrcoef``. Values that rounding puts outside -1 to 1 are clipped; the slope is not changed by that."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    d = diagonal(c)
    size = np.sqrt(d.real if d.dtype.kind == "c" else d)
    c = c / size[:, None] / size[None, :]
    plain = values(c)
    inside = np.clip(plain.real, -1, 1) + (1j * np.clip(plain.imag, -1, 1) if plain.dtype.kind == "c" else 0)
    return c + (inside - plain)


# --- counts ---------------------------------------------------------------------------------------


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """``np.bincount``, linear in the weights."""
    places = values(x)
    if weights is None:
        return np.bincount(places, minlength=minlength)
    w = ravel(cast(operand(weights), dtype=np.dtype(float)))
    n = decided(lambda places: np.bincount(places, minlength=minlength).size, places)
    if w.shape != places.shape:
        raise ShapeError(f"bincount: x has shape {places.shape} and weights {w.shape}; they must be equal.")
    return index_add(w, places.astype(np.intp), index=Index(ARRAY), shape=(n,))


def _weighed(places: Any, weights: Any, n: int) -> Any:
    """The sums of the weights in each place, added in double precision, as in NumPy, and cast to their own dtype."""
    wide = cast(weights, dtype=np.result_type(weights.dtype, np.float64))
    y = index_add(wide, places, index=Index(ARRAY), shape=(n,))
    return y if y.dtype == weights.dtype else cast(y, dtype=weights.dtype)


def _places(x: Any, edges: Any) -> Any:
    """The index of the bin of each value; the last bin includes both edges. Values outside get an extra index."""
    n = edges.size - 1
    i = np.minimum(np.searchsorted(edges, x, "right") - 1, n - 1)
    return np.where((x >= edges[0]) & (x <= edges[-1]), i, n)


def _edges(x: Any, bins: Any, range: Any, weights: Any) -> Any:
    if isinstance(bins, str):
        return np.histogram_bin_edges(x, bins, range, weights)

    def histogram_bin_edges(x: Any, bins: Any) -> Any:
        return np.histogram_bin_edges(x, bins, range)

    return whole(histogram_bin_edges, x, bins)


even_edges = elementwise(
    lambda low, high, edges, t: np.array(edges),
    lambda ct, y, low, high, edges, t: ct * (1 - t),
    lambda ct, y, low, high, edges, t: ct * t,
    None,
    None,
    name="even_edges",
    reads=False,
)
"""The edges of bins of equal width, as rounded by NumPy, as a function of the first and the last edge."""


def _moving(edges: Any, x: Any, bins: Any, range: Any) -> Any:
    """The edges with their slopes: given edges are tracked themselves, even ones depend on the range or extremes."""
    if isinstance(bins, (list, tuple)) or getattr(bins, "ndim", 0) > 0:
        return bins if hasattr(type(bins), "__autodiff_apply__") else edges
    if range is None and not x.size:
        return edges
    low, high = (min_(x), max_(x)) if range is None else range
    return even_edges(low, high, edges, np.arange(edges.size) / (edges.size - 1))


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """``np.histogram_bin_edges``; the number of edges counts as constant."""
    a = operand(a)
    edges = _edges(values(a), _plain(bins), _plain(range), _plain(weights))
    return _moving(edges, a, bins, range)


def _plain(value: Any) -> Any:
    """Arguments with plain arrays in place of Tensors, in lists too."""
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(v) for v in value)
    return values(value) if hasattr(type(value), "__autodiff_apply__") else value


@implements(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """``np.histogram``: linear in the weights; the values move even edges, but not the counts."""
    a = operand(a)
    plain = values(a)
    if weights is None:
        counts, edges = np.histogram(plain, _plain(bins), _plain(range))
        edges = _moving(edges, a, bins, range)
        return (counts / np.diff(edges) / counts.sum() if density else counts), edges
    w = operand(weights)
    if w.shape != plain.shape:
        raise ShapeError(f"histogram: the values have shape {plain.shape} and the weights {w.shape}; they must match.")
    edges = _edges(plain, _plain(bins), _plain(range), values(w))
    counts = _weighed(_places(plain.ravel(), edges), ravel(w), edges.size)[:-1]
    edges = _moving(edges, a, bins, range)
    return (counts / np.diff(edges) / counts.sum() if density else counts), edges


@implements(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """``np.histogramdd``: linear in the weights, like `histogram`."""
    moving = _columns(sample), bins, range
    sample, bins, range = _plain(sample), _plain(bins), _plain(range)
    columns = sample.T if getattr(sample, "ndim", 0) == 2 else np.stack(list(map(values, sample)))

    def histogram_of(columns: Any) -> Any:
        counts, edges = np.histogramdd(columns.T, bins, range)
        return counts, *edges

    counts, *found = whole(histogram_of, columns)
    edges = tuple(found)
    if weights is None:
        edges = _moving_edges(edges, *moving)
        return (_dense(counts, edges) if density else counts), edges
    w = ravel(cast(operand(weights), dtype=np.dtype(float)))
    if w.shape != columns.shape[1:]:
        raise ShapeError(f"histogramdd: {columns.shape[1]} points were given, and weights of shape {w.shape}.")
    places = [_places(x, e) for x, e in zip(columns, edges)]
    shape = tuple(e.size - 1 for e in edges)
    inside = np.all(np.stack([i < n for i, n in zip(places, shape)]), axis=0)
    flat: Any = 0
    for i, n in zip(places, shape):
        flat = flat * n + i
    flat = np.where(inside, flat, math.prod(shape))
    counts = reshape_to(_weighed(flat, w, math.prod(shape) + 1)[:-1], shape=shape)
    edges = _moving_edges(edges, *moving)
    return (_dense(counts, edges) if density else counts), edges


def _columns(sample: Any) -> Any:
    """The coordinates of the points along each axis."""
    return sample.T if getattr(sample, "ndim", 0) == 2 else [operand(x) for x in sample]


def _moving_edges(edges: Any, columns: Any, bins: Any, range: Any) -> tuple[Any, ...]:
    """The edges of each axis with their slopes."""
    n = len(edges)
    each = [bins] * n if isinstance(bins, str) or not hasattr(bins, "__len__") else bins
    ranges = [None] * n if range is None else range
    return tuple(_moving(e, x, b, r) for e, x, b, r in zip(edges, columns, each, ranges, strict=True))


def _dense(counts: Any, edges: tuple[Any, ...]) -> Any:
    """Counts as densities: divided by their total and by the volumes of the bins."""
    total = counts.sum()
    for i, e in enumerate(edges):
        counts = counts / np.diff(e).reshape(tuple(-1 if j == i else 1 for j, _ in enumerate(edges)))
    return counts / total


@implements(np.histogram2d)
def histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """``np.histogram2d``: linear in the weights, like `histogram`."""
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):  # one set of edges for both axes
        bins = [bins if hasattr(bins, "ndim") else np.asarray(bins)] * 2
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]
