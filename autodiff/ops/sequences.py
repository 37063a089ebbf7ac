"""Sequences of samples: slopes and areas, interpolation, unwrapping, convolution, sliding windows."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise, linear, multilinear
from autodiff.core.primitives import Primitive, implements
from autodiff.errors import DtypeError, ShapeError
from autodiff.ops.choices import where
from autodiff.ops.complex_parts import conj
from autodiff.ops.deciding import look, possibly
from autodiff.ops.indexing import take
from autodiff.ops.joining import concatenate
from autodiff.ops.scans import cut, diff
from autodiff.ops.shapes import canonical_axis, cast, operand, ravel, reshape_to, values
from autodiff.typing import Shape


def _along(x: Any, axis: int, ndim: int) -> Any:
    """A vector reshaped to lie along one of several axes."""
    return reshape_to(x, shape=tuple(-1 if i == axis else 1 for i in range(ndim)))


def _floating(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else cast(x, dtype=np.dtype(float))


# --- slopes ---------------------------------------------------------------------------------------


def _steps(spacing: Any, n: int, axis: int, ndim: int) -> Any:
    """The distances of samples along an axis: one number, or the differences of coordinates."""
    if isinstance(spacing, (int, float)):
        return spacing
    spacing = operand(spacing)
    if spacing.ndim == 0:
        return spacing
    if spacing.ndim != 1 or spacing.shape[0] != n:
        raise ShapeError(f"gradient: axis {axis} has length {n}, but the coordinates have shape {spacing.shape}.")
    return _along(_floating(diff(spacing)), axis, ndim)


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Second-order differences inside, one-sided differences at both ends."""
    uneven = np.ndim(h) > 0
    before, here, after = cut(f, axis, None, -2), cut(f, axis, 1, -1), cut(f, axis, 2, None)
    if uneven:
        left, right = cut(h, axis, None, -1), cut(h, axis, 1, None)
        inner = (
            before * (-right / (left * (left + right)))
            + here * ((right - left) / (left * right))
            + after * (left / (right * (left + right)))
        )
    else:
        inner = (after - before) / (2.0 * h)
    ends = [_end(f, h, axis, edge_order, sign) for sign in (1, -1)]
    y = concatenate([ends[0], inner, ends[1]], axis)
    return y if y.dtype == f.dtype else cast(y, dtype=f.dtype)


def _end(f: Any, h: Any, axis: int, edge_order: int, sign: int) -> Any:
    """The slope at the first end, or, as its mirror image, at the last."""

    def sample(x: Any, i: int) -> Any:
        i = i if sign > 0 else x.shape[axis] - 1 - i
        return cut(x, axis, i, i + 1)

    step = [sample(h, i) if np.ndim(h) else h for i in range(edge_order)]
    first = (sample(f, 1) - sample(f, 0)) / step[0]
    if edge_order == 2:
        second = (sample(f, 2) - sample(f, 1)) / step[1]
        first = first - (second - first) * (step[0] / (step[0] + step[1]))
    return first * sign


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """``np.gradient``, differentiable in the samples and in their distances or coordinates."""
    f = _floating(operand(f))
    axes = range(f.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    places = [canonical_axis(i, f.ndim, "gradient") for i in axes]
    if len(set(places)) < len(places):
        raise ValueError(f"gradient: axis={axis} contains one axis twice.")
    spacings = [1.0] * len(places) if not varargs else list(varargs)
    if len(spacings) == 1 and operand(spacings[0]).ndim == 0:
        spacings *= len(places)
    if len(spacings) != len(places):
        raise TypeError(f"gradient: {len(spacings)} spacings were given for {len(places)} axes.")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2; {edge_order} was given.")
    for i in places:
        if f.shape[i] < edge_order + 1:
            raise ShapeError(
                f"gradient: axis {i} has length {f.shape[i]}; edge_order={edge_order} needs at least {edge_order + 1}."
            )
    slopes = [_slope(f, _steps(h, f.shape[i], i, f.ndim), i, edge_order) for h, i in zip(spacings, places)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``np.ediff1d``."""
    y = diff(ravel(operand(ary)))
    parts = [None if e is None else ravel(operand(e)) for e in (to_begin, to_end)]
    for p, name in zip(parts, ("to_begin", "to_end")):
        if p is not None and not np.can_cast(p.dtype, y.dtype, "same_kind"):
            raise DtypeError(f"ediff1d: {name} has dtype {p.dtype}, which cannot be cast to that of y, {y.dtype}.")
    joined = [p if p is y else cast(p, dtype=y.dtype) for p in (parts[0], y, parts[1]) if p is not None]
    return concatenate(joined) if len(joined) > 1 else y


# --- areas ----------------------------------------------------------------------------------------


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    """``np.trapezoid``, differentiable in the heights, the coordinates and the distance."""
    y = operand(y)
    place = canonical_axis(axis, y.ndim, "trapezoid")
    if x is not None:
        x = operand(x)
        dx = _along(diff(x), place, y.ndim) if x.ndim == 1 else diff(x, axis=axis)
    # `axis` counts in each array by itself, as it was given, since a broadcast result may have more axes.
    areas = (cut(y, place, 1, None) + cut(y, place, None, -1)) * dx / 2.0
    return areas.sum(axis=axis)


# --- between samples ------------------------------------------------------------------------------


def _no_period(size: Any) -> None:
    if size == 0:
        raise ValueError("interp: the period must not be 0.")


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """``np.interp``, differentiable in x, xp and fp; at a sample the slope is that of the segment on its right."""
    x, xp, fp = operand(x), operand(xp), operand(fp)
    double = np.dtype(float)
    if "c" in x.dtype.kind + xp.dtype.kind:
        raise DtypeError(f"interp: x and xp must be real; their dtypes are {x.dtype} and {xp.dtype}. Take x.real.")
    x, xp = cast(x, dtype=double), cast(xp, dtype=double)
    fp = cast(fp, dtype=np.dtype(complex) if fp.dtype.kind == "c" else double)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(f"interp: xp and fp must be vectors of equal length, not 0; given: {xp.shape} and {fp.shape}.")
    if period is not None:
        left = right = None
        size = abs(operand(period))
        look(_no_period, values(size))
        x, xp = np.remainder(x, size), np.remainder(xp, size)
        order = np.argsort(values(xp), kind="stable")
        xp, fp = take(xp, order, 0), take(fp, order, 0)
        xp = concatenate([xp[-1:] - size, xp, xp[:1] + size])
        fp = concatenate([fp[-1:], fp, fp[:1]])
    at, places = values(x), values(xp)
    last = np.maximum(np.searchsorted(places, places[-1]) - 1, 0)  # equal samples at the end are not a segment
    i = np.clip(np.searchsorted(places, at, "right") - 1, 0, last)
    j = np.minimum(i + 1, places.size - 1)
    below, above = at < places[0], at > places[-1]
    outside = below | above
    x = where(outside, places[0], x) if possibly(outside) else x
    width = take(xp, j, 0) - take(xp, i, 0)
    width = where(values(width) != 0, width, 1.0) if possibly(values(width) == 0) else width
    low = take(fp, i, 0)
    y = low + (take(fp, j, 0) - low) * ((x - take(xp, i, 0)) / width)
    if possibly(below):
        y = where(below, fp[0] if left is None else left, y)
    if possibly(above):
        y = where(above, fp[-1] if right is None else right, y)
    return y


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: Any = -1, *, period: float = 2 * math.pi) -> Any:
    """``np.unwrap``: it adds a constant to each entry."""
    plain = values(operand(p))
    return p + (np.unwrap(plain, discont, axis, period=period) - plain)


# --- convolution ----------------------------------------------------------------------------------


def _by_one(ct: Any, other: Any, n: int) -> Any:
    """The cotangent of a factor of length `n`: the middle of a convolution with the other one reversed."""
    start = other.shape[0] - 1
    return convolve_full(ct, other[::-1])[start : start + n]


convolve_full: Primitive = multilinear(
    lambda a, v: np.convolve(a, v),
    lambda ct, a, v: _by_one(ct, v, a.shape[0]),
    lambda ct, a, v: _by_one(ct, a, v.shape[0]),
    name="convolve",
    passes_mask=True,
)
"""The full convolution of two sequences: all positions at which they overlap."""


def _sequences(a: Any, v: Any, name: str) -> tuple[Any, Any]:
    a, v = operand(a), operand(v)
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise ShapeError(f"{name}: two non-empty vectors are expected; the shapes are {a.shape} and {v.shape}.")
    return a, v


def _trimmed(full: Any, longer: int, shorter: int, mode: str, name: str) -> Any:
    if mode == "full":
        return full
    if mode == "same":
        start = shorter - 1 - shorter // 2
        return full[start : start + longer]
    if mode == "valid":
        return full[shorter - 1 : longer]
    raise ValueError(f"{name}: mode must be 'full', 'same' or 'valid'; {mode!r} was given.")


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``np.convolve``."""
    a, v = (reshape_to(x, shape=(1,)) if np.ndim(x) == 0 else x for x in (operand(a), operand(v)))
    a, v = _sequences(a, v, "convolve")
    if v.size > a.size:
        a, v = v, a
    return _trimmed(convolve_full(a, v), a.size, v.size, mode, "convolve")


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """``np.correlate``."""
    a, v = _sequences(a, v, "correlate")
    v = conj(v) if v.dtype.kind == "c" else v
    if v.size > a.size:
        return _trimmed(convolve_full(v, a[::-1]), v.size, a.size, mode, "correlate")[::-1]
    return _trimmed(convolve_full(a, v[::-1]), a.size, v.size, mode, "correlate")


def _fold(windows: Any, *, shape: Shape, axes: Shape) -> Any:
    x = np.zeros(shape, windows.dtype)
    counts, lengths = windows.shape[: len(shape)], windows.shape[len(shape) :]
    if math.prod(lengths) <= math.prod(counts[a] for a in axes):  # few places in a window: an addition for each
        for place in itertools.product(*map(range, lengths)):
            starts = [0] * len(shape)
            for a, i in zip(axes, place):
                starts[a] += i  # several windows along one axis move together
            x[tuple(slice(i, i + n) for i, n in zip(starts, counts))] += windows[(..., *place)]
        return x
    places = np.lib.stride_tricks.sliding_window_view(np.arange(x.size).reshape(shape), lengths, axes)
    np.add.at(x.reshape(-1), places.reshape(-1), windows.reshape(-1))
    return x


slide: Primitive = linear(
    lambda x, *, lengths, axes: np.lib.stride_tricks.sliding_window_view(x, lengths, axis=axes),
    lambda ct, x, *, lengths, axes: fold_windows(ct, shape=x.shape, axes=axes),
    name="sliding_window_view",
    masking=True,  # windows of length 0 let nothing through
)
"""All windows along some axes, as a view with more axes behind."""
fold_windows: Primitive = linear(
    _fold,
    lambda ct, windows, *, shape, axes: slide(ct, lengths=windows.shape[len(shape) :], axes=axes),
    name="fold_windows",
    passes_mask=True,
)
"""The transpose of `slide`: every entry receives the sum over the windows that contain it."""


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    """``np.lib.stride_tricks.sliding_window_view``: an entry receives gradients from all its windows."""
    x = operand(x)
    lengths = tuple(window_shape) if hasattr(window_shape, "__iter__") else (window_shape,)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    places = [canonical_axis(i, x.ndim, "sliding_window_view") for i in axes]
    if len(places) != len(lengths):
        raise ShapeError(f"sliding_window_view: {len(lengths)} window lengths were given for {len(places)} axes.")
    left = list(x.shape)
    for n, i in zip(lengths, places):
        if n < 0 or left[i] < n:
            raise ShapeError(f"sliding_window_view: axis {i} has length {left[i]}; a window of {n} does not fit.")
        left[i] -= int(n) - 1
    return slide(x, lengths=tuple(map(int, lengths)), axes=tuple(places)) if lengths else x


# --- Bessel functions, for the Kaiser window ------------------------------------------------------


_OVERFLOWN = 720.0
"""From here the functions overflow, so larger operands need no more steps."""


def _bessel(x: Any, *, n: int) -> Any:
    """The mean of exp(x cos u) cos(n u) over the circle, by equal steps, which converges faster than any power.

    A quarter of the circle is enough with the even or the odd part of exp. For even n > 0, 1 is subtracted from cosh,
    which does not change the mean, so that the result is exact at 0.
    """
    x = np.clip(x, -_OVERFLOWN, _OVERFLOWN)
    largest = float(np.max(np.abs(x), initial=0.0, where=~np.isnan(x)))
    m = 2 * (16 + n + int(3 * math.sqrt(largest)))
    u = math.pi * (np.arange(m // 2) + 0.5) / m
    z = x.astype(np.result_type(x.dtype, np.float64))[..., None] * np.cos(u)
    with np.errstate(over="ignore"):
        part = np.sinh(z) if n % 2 else np.cosh(z) if n == 0 else 2 * np.sinh(z / 2) ** 2
        return (part @ (np.cos(n * u) * (2 / m))).astype(x.dtype)


bessel: Primitive = elementwise(
    _bessel, lambda t, y, x, *, n: t * ((bessel(x, n=abs(n - 1)) + bessel(x, n=n + 1)) / 2), name="bessel"
)
"""The modified Bessel function of the first kind, of integer order `n`."""
i0 = elementwise(lambda x: np.i0(x), lambda t, y, x: t * bessel(x, n=1), name="i0")


@implements(np.i0)
def i0_of(x: Any) -> Any:
    """``np.i0``, differentiable to every order."""
    return i0(_floating(operand(x)))
