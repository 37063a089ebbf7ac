"""Windows that slide over the last axes of an array: convolution and pooling.

An array is (n, channels, *spatial). Windows are described by tuples with one entry for each spatial axis: `kernel`,
`stride`, `dilation`. The caller has padded the array, so that every window lies inside.

Input, weights and output together have a trilinear form, and a convolution leaves one of the three open. So there are
three primitives, one for each array, and the transposes of each are the other two.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from autodiff.core import switches
from autodiff.core.kinds import linear, multilinear, primitive
from autodiff.core.primitives import Primitive
from autodiff.ops.workspace import workspace, writes_out
from autodiff.typing import Shape

# --- geometry -------------------------------------------------------------------------------------


def extents(kernel: Shape, dilation: Shape) -> Shape:
    """The number of entries that a window spans along each axis."""
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation))


def count(spatial: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Shape:
    """The number of windows along each axis."""
    return tuple((n - e) // s + 1 for n, e, s in zip(spatial, extents(kernel, dilation), stride))


def _offsets(kernel: Shape, stride: Shape, dilation: Shape, out: Shape) -> Iterator[tuple[Any, ...]]:
    """For every position in the kernel, in C order, the index that selects this entry of all windows."""
    for place in itertools.product(*(range(k) for k in kernel)):
        slices = (slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, out, stride))
        yield (Ellipsis, *slices)


# --- contiguous copies ----------------------------------------------------------------------------


def _kept(function: Any, name: str, shape: Shape, x: Any, *how: Any) -> Any:
    """The result of a function that copies: for an array it lies in the workspace, in a trace where the plan says."""
    if isinstance(x, np.ndarray):
        return function(x, *how, out=workspace(name, shape, x.dtype))
    tracer = switches.tracer()
    return function(x, *how) if tracer is None else tracer.record("opaque", function, function, (x, *how), {})


@writes_out
def contiguous(x: Any, out: Any = None) -> Any:
    """A C-contiguous copy."""
    out = np.empty(x.shape, x.dtype) if out is None else out
    np.copyto(out, x)
    return out


def contiguous_in(name: str, x: Any) -> Any:
    """A C-contiguous copy: for an array it lies in the workspace `name`, and is valid until the next one there."""
    return _kept(contiguous, name, x.shape, x)


@writes_out
def all_windows(x: Any, kernel: Shape, stride: Shape, dilation: Shape, out: Any = None) -> Any:
    """All windows as columns, a copy: (n, channels * kernel, windows)."""
    d = len(kernel)
    axes = tuple(range(x.ndim - d, x.ndim))
    windows: Any = np.lib.stride_tricks.sliding_window_view(x, extents(kernel, dilation), axis=axes)
    windows = windows[(Ellipsis, *(slice(None, None, s) for s in stride), *(slice(None, None, k) for k in dilation))]
    windows = windows.transpose((0, 1, *range(2 + d, 2 + 2 * d), *range(2, 2 + d)))  # image rows stay contiguous
    shape = (windows.shape[0], math.prod(windows.shape[1 : 2 + d]), math.prod(windows.shape[2 + d :]))
    out = np.empty(shape, x.dtype) if out is None else out
    np.copyto(out.reshape(windows.shape), windows)
    return out


@writes_out
def sum_of_columns(columns: Any, shape: Shape, kernel: Shape, stride: Shape, dilation: Shape, out: Any = None) -> Any:
    """The transpose of `all_windows`, but for columns (channels * kernel, windows * n)."""
    n, channels, *spatial = shape
    windows = count(tuple(spatial), kernel, stride, dilation)
    columns = columns.reshape((channels, math.prod(kernel), *windows, n))
    x = workspace("sums", (channels, *spatial, n), columns.dtype)
    x.fill(0)
    for i, place in enumerate(_offsets(kernel, stride, dilation, windows)):
        x[(*place, slice(None))] += columns[:, i]
    return contiguous(x.transpose((x.ndim - 1, *range(x.ndim - 1))), out)


def _columns(x: Any, kernel: Shape, stride: Shape, dilation: Shape, groups: int) -> Any:
    """All windows: (n, groups, channels of one * kernel, windows)."""
    places = math.prod(count(x.shape[2:], kernel, stride, dilation))
    shape = (x.shape[0], x.shape[1] * math.prod(kernel), places)
    columns = _kept(all_windows, "columns", shape, x, kernel, stride, dilation)
    return columns.reshape((x.shape[0], groups, shape[1] // groups, places))


# --- convolution ----------------------------------------------------------------------------------

# Sizes are written out, never -1, which NumPy cannot resolve for an empty batch. One small product for each image costs
# less than one for the whole batch, whose matrix would be very long for its few rows.


def _convolve(x: Any, w: Any, *, stride: Shape, dilation: Shape, groups: int) -> Any:
    kernel = w.shape[2:]
    out = count(x.shape[2:], kernel, stride, dilation)
    y = _rows(w, groups) @ _columns(x, kernel, stride, dilation, groups)
    return y.reshape((x.shape[0], w.shape[0], *out))


def _input(ct: Any, w: Any, *, shape: Shape, stride: Shape, dilation: Shape, groups: int) -> Any:
    # With the batch as the last axis, the sum over windows reads long runs of memory instead of single rows.
    n, kernel, out = ct.shape[0], w.shape[2:], ct.shape[2:]
    last = ct.transpose((*range(1, ct.ndim), 0))
    last = _kept(contiguous, "last", last.shape, last).reshape((groups, ct.shape[1] // groups, math.prod(out) * n))
    rows, how = _rows(w, groups).swapaxes(-1, -2), ((n, groups * w.shape[1], *shape), kernel, stride, dilation)
    if isinstance(ct, np.ndarray) and isinstance(w, np.ndarray):
        room = workspace("columns", (groups, math.prod(w.shape[1:]), math.prod(out) * n), np.result_type(ct, w))
        return sum_of_columns(np.matmul(rows, last, out=room), *how)
    columns, tracer = rows @ last, switches.tracer()
    if tracer is None:
        return sum_of_columns(columns, *how)
    return tracer.record("opaque", sum_of_columns, sum_of_columns, (columns, *how), {})


def _weights(ct: Any, x: Any, *, kernel: Shape, stride: Shape, dilation: Shape, groups: int) -> Any:
    columns = _columns(x, kernel, stride, dilation, groups)
    rows = ct.reshape((ct.shape[0], groups, ct.shape[1] // groups, columns.shape[3])).swapaxes(-1, -2)
    if isinstance(ct, np.ndarray) and isinstance(x, np.ndarray):
        room = workspace("weights", (*columns.shape[:3], rows.shape[3]), np.result_type(ct, x))
        w = np.matmul(columns, rows, out=room).sum(axis=0)
    else:
        w = (columns @ rows).sum(axis=0)  # with the long side first the product takes half the time
    return w.swapaxes(-1, -2).reshape((ct.shape[1], x.shape[1] // groups, *kernel))


def _rows(w: Any, groups: int) -> Any:
    """Weights as a matrix for each group: (groups, channels out, channels in * kernel)."""
    return w.reshape((groups, w.shape[0] // groups, math.prod(w.shape[1:])))


def _by_input(ct: Any, x: Any, w: Any, **how: Any) -> Any:
    return convolution_input(ct, w, shape=x.shape[2:], **how)


def _by_weights(ct: Any, x: Any, w: Any, **how: Any) -> Any:
    return convolution_weights(ct, x, kernel=w.shape[2:], **how)


convolution: Primitive = multilinear(_convolve, _by_input, _by_weights, name="convolution", passes_mask=True)
"""From input (n, c, *spatial) and weights (k, c / groups, *kernel) to output (n, k, *windows). As in all network
libraries, the kernel is not reversed."""

convolution_input: Primitive = multilinear(
    _input,
    lambda ct, y, w, *, shape, **how: convolution(ct, w, **how),
    lambda ct, y, w, *, shape, **how: convolution_weights(y, ct, kernel=w.shape[2:], **how),
    name="convolution_input",
    passes_mask=True,
)
"""From output and weights to input: a transposed convolution."""

convolution_weights: Primitive = multilinear(
    _weights,
    lambda ct, y, x, *, kernel, **how: convolution(x, ct, **how),
    lambda ct, y, x, *, kernel, **how: convolution_input(y, ct, shape=x.shape[2:], **how),
    name="convolution_weights",
    passes_mask=True,
)
"""From output and input to weights."""

# --- pooling --------------------------------------------------------------------------------------


def _first_largest(x: Any, *, kernel: Shape, stride: Shape, dilation: Shape) -> Any:
    inside, first = _geometry(x.shape, kernel, stride, dilation)
    at = inside.take(_number_of_largest(x, list(_offsets(kernel, stride, dilation, first.shape[2:]))))
    at += first
    return at


@lru_cache(maxsize=32)
def _geometry(shape: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> tuple[Any, Any]:
    """Flat offsets of a window's entries from its first one, and the flat index of each window's first entry."""
    steps = [math.prod(shape[i:]) for i in range(2, len(shape) + 1)]  # from image to image, and along each axis
    inside = _places(kernel, [s * d for s, d in zip(steps[1:], dilation)])
    first = _places(count(shape[2:], kernel, stride, dilation), [s * d for s, d in zip(steps[1:], stride)])
    image = np.arange(shape[0] * shape[1]).reshape((*shape[:2], *(1 for _ in kernel))) * steps[0]
    return inside.reshape(-1), image + first


def _places(counts: Shape, steps: list[int]) -> Any:
    """A grid of flat indices, with the given counts and steps along each axis."""
    return sum(
        np.arange(n).reshape((n, *(1 for _ in steps[i + 1 :]))) * s for i, (n, s) in enumerate(zip(counts, steps))
    )


def _number_of_largest(x: Any, places: list[tuple[Any, ...]]) -> Any:
    """For every window the position in the kernel of its first largest entry."""
    best = x[places[0]].copy()
    at = np.zeros(best.shape, np.min_scalar_type(len(places)))
    larger = np.empty(best.shape, bool)
    number = np.empty_like(at)
    for i, place in enumerate(places[1:], 1):
        entry = x[place].copy()  # it is read twice, which is fast only if it is contiguous
        np.greater(entry, best, out=larger)
        np.maximum(at, np.multiply(larger, at.dtype.type(i), out=number), out=at)  # a later position is larger
        np.maximum(best, entry, out=best)
    missing = np.isnan(best)
    if missing.any():  # NaN counts as the largest, so that it is propagated; the first one is taken
        for i, place in reversed(list(enumerate(places))):
            np.copyto(at, i, where=missing & np.isnan(x[place]))
    return at


first_largest: Primitive = primitive(_first_largest, vjp=[None], jvp=[None], name="first_largest")
"""For every window the flat index of its first largest entry: an integer, without derivative."""


def _sum_windows(x: Any, *, kernel: Shape, stride: Shape, dilation: Shape) -> Any:
    places = _offsets(kernel, stride, dilation, count(x.shape[2:], kernel, stride, dilation))
    y = x[next(places)].copy()
    for place in places:
        y += x[place]
    return y


def _spread_windows(ct: Any, *, shape: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Any:
    x = np.zeros((*ct.shape[:2], *shape), ct.dtype)
    for place in _offsets(kernel, stride, dilation, ct.shape[2:]):
        x[place] += ct
    return x


# Masking: with a stride larger than the kernel some entries are in no window.
sum_windows: Primitive = linear(
    _sum_windows, lambda ct, x, **how: spread_windows(ct, shape=x.shape[2:], **how), name="sum_windows", masking=True
)
"""The sum of each window."""
spread_windows: Primitive = linear(
    _spread_windows, lambda ct, y, *, shape, **how: sum_windows(ct, **how), name="spread_windows", masking=True
)
"""The transpose of `sum_windows`: every entry receives the sum over the windows that contain it."""
