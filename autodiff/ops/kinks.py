"""A table of kinks: where functions have no single slope, which slopes are valid there, and which one is taken.

A row is for one operand of a primitive, or of a function that records no node. It gives the distance of every entry
from its nearest kink. `kink_report` lists the entries for which that is 0 or small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.core.primitives import Rule
from autodiff.ops.activations import elu, hardsigmoid, hardswish, hardtanh, leaky_relu
from autodiff.ops.choices import (
    clip_between,
    fmax_of_two,
    fmax_with_constant,
    fmin_of_two,
    fmin_with_constant,
    maximum_of_two,
    maximum_with_constant,
    minimum_of_two,
    minimum_with_constant,
    relu,
)
from autodiff.ops.complex_parts import complex_absolute, real_absolute, real_sign
from autodiff.ops.elementwise import arctan2, copysign, fabs, fmod, fraction, hypot, remainder
from autodiff.ops.matrices import rounding
from autodiff.ops.norms import norm_over, power_norm_over
from autodiff.ops.order import order_statistics
from autodiff.ops.reductions import Axes, count, kept, max_over, min_over
from autodiff.ops.solving import least_squares, pseudo_inverse
from autodiff.ops.spectra import eigh_of, extreme_value, nuclear_norm, svd_of
from autodiff.ops.variances import std_over


class Bend(NamedTuple):
    """A kink of a function in one of its operands.

    Attributes
    ----------
    distance : callable
        ``(y, *xs, **keywords) -> array``: the distance of each entry from the nearest kink; 0 at a kink, inf or NaN if
        there is none. It has the shape of the output for an elementwise function and for one that folds whole slices,
        else that of the operand. Without a node, `y` is None.
    low, high : number or callable
        The valid slopes: from the lower to the upper one-sided slope.
    taken : number, callable or None
        The slope by convention. None: what the rule gives for a cotangent of ones.
    operand : int
    note : str
        What happens at the kink.
    """

    distance: Rule
    low: float | Rule
    high: float | Rule
    note: str
    taken: float | Rule | None = None
    operand: int = 0


# --- distances ------------------------------------------------------------------------------------


def _gap(a: Any, b: Any) -> Any:
    return np.where(a == b, 0, np.abs(a - b))  # inf - inf would be NaN


def _size(y: Any, x: Any, *_: Any, **__: Any) -> Any:
    return np.abs(x)


def _result(y: Any, *_: Any, **__: Any) -> Any:
    return np.abs(y)


def _between(y: Any, a: Any, b: Any) -> Any:
    return _gap(a, b)


def _to_corner(y: Any, x: Any) -> Any:
    """The distance from the corners of the hard sigmoid and the hard swish."""
    return _gap(np.abs(x), 3.0)


def _to_whole(x: Any) -> Any:
    return np.abs(x - np.rint(x))


def _to_step(y: Any, x: Any) -> Any:
    """The distance from a step of rounding towards 0, which has no step at 0."""
    return np.where(np.rint(x) == 0, math.inf, _to_whole(x))


def _to_half(y: Any, x: Any, decimals: int = 0, **_: Any) -> Any:
    scale = 10.0**decimals
    return np.abs(x * scale - np.floor(x * scale) - 0.5) / scale


def _to_multiple(y: Any, a: Any, b: Any) -> Any:
    rest = np.abs(np.remainder(a, b))
    return np.minimum(rest, np.abs(b) - rest)


def _to_multiple_but_0(y: Any, a: Any, b: Any) -> Any:
    return np.where(np.rint(a / b) == 0, math.inf, _to_multiple(y, a, b))


def _runner_up(d: Any, axis: Axes) -> Any:
    """The second smallest entry along some axes, which are kept with length 1; inf if there is only one entry."""
    axes = tuple(range(d.ndim)) if axis is None else axis
    rest = tuple(i for i in range(d.ndim) if i not in axes)
    flat = d.transpose(rest + axes).reshape((*[d.shape[i] for i in rest], count(d.shape, axis)))
    second = np.partition(flat, 1, axis=-1)[..., 1] if flat.shape[-1] > 1 else np.full(flat.shape[:-1], math.inf)
    return second.reshape(tuple(1 if i in axes else n for i, n in enumerate(d.shape)))


def _to_tie(y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    """The distance from a tie: for the extreme entry, its distance from the next one."""
    d = _gap(x, kept(y, x.shape, axis, keepdims))
    return np.maximum(d, _runner_up(d, axis))


def _to_tied_rank(y: Any, x: Any, ranks: Any) -> Any:
    d = _gap(x[..., :, None], y[..., None, :])
    return np.maximum(d, _runner_up(d, (d.ndim - 2,))).min(axis=-1)


def _rank_share(y: Any, x: Any, ranks: Any) -> Any:
    ties = x[..., :, None] == y[..., None, :]
    return (ties / ties.sum(axis=-2, keepdims=True)).max(axis=-1)


def _to_neighbour(y: Any, x: Any, axis: Any = -1, *_: Any, **__: Any) -> Any:
    """For each entry its distance from the nearest other entry."""
    x = np.ravel(x) if axis is None else x
    axis = -1 if axis is None else axis
    if not x.ndim or x.shape[axis] < 2:
        return np.full(x.shape, math.inf)
    order = np.argsort(x, axis=axis, kind="stable")
    steps = np.moveaxis(np.diff(np.take_along_axis(x, order, axis), axis=axis), axis, -1)
    ends = np.full((*steps.shape[:-1], 1), math.inf)
    nearest = np.minimum(np.concatenate([ends, steps], -1), np.concatenate([steps, ends], -1))
    out = np.empty(x.shape)
    np.put_along_axis(out, order, np.moveaxis(nearest, -1, axis), axis)
    return out


def _to_equal(w: Any, a: Any) -> Any:
    """The same for sorted values, where values that are equal up to rounding count as equal."""
    nearest = _to_neighbour(None, w)
    largest = np.abs(w).max(axis=-1, keepdims=True, initial=0.0)
    return np.where(nearest <= rounding(a) * largest, 0, nearest)


def _to_equal_extreme(y: Any, s: Any, *, last: bool, rtol: float) -> Any:
    d = _gap(s, s[..., -1:] if last else s[..., :1])
    d = np.where(d <= rtol * s[..., :1], 0, d)
    return np.maximum(d, _runner_up(d, (d.ndim - 1,)))


def _to_value_0(y: Any, a: Any) -> Any:
    s = np.linalg.svd(a, compute_uv=False)
    return np.where(s > rounding(a) * s[..., :1], s, 0).min(axis=-1, initial=math.inf)


def _to_rank_drop(y: Any, a: Any, *_: Any, rcond: float) -> Any:
    s = np.linalg.svd(a, compute_uv=False)
    if not s.shape[-1]:
        return np.full(s.shape[:-1], math.inf)
    return np.maximum(s[..., -1] - rcond * s[..., 0], 0)


# --- interpolation --------------------------------------------------------------------------------


def _knots(x: Any, xp: Any, fp: Any) -> tuple[Any, Any, Any]:
    """The distance from the nearest sample, and the slopes before and after that sample."""
    x, xp, fp = np.asarray(x, float), np.asarray(xp, float), np.asarray(fp)
    nearest = np.abs(x[..., None] - xp).argmin(axis=-1)
    slopes = np.concatenate([[0.0], np.diff(fp) / np.diff(xp), [0.0]])
    return np.abs(x - xp[nearest]), slopes[nearest], slopes[nearest + 1]


def _to_knot(y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if period is not None or np.iscomplexobj(fp) or np.size(xp) < 2:
        return math.inf
    distance, before, behind = _knots(x, xp, fp)
    return np.where(before == behind, math.inf, distance)


def _lower_slope(y: Any, x: Any, xp: Any, fp: Any, *_: Any, **__: Any) -> Any:
    return np.minimum(*_knots(x, xp, fp)[1:])


def _upper_slope(y: Any, x: Any, xp: Any, fp: Any, *_: Any, **__: Any) -> Any:
    return np.maximum(*_knots(x, xp, fp)[1:])


def _knot_slope(y: Any, x: Any, xp: Any, fp: Any, *_: Any, **__: Any) -> Any:
    h = 1e-6 * np.diff(xp).min()
    return (np.interp(np.asarray(x) + h, xp, fp) - np.interp(x, xp, fp)) / h


# --- the table ------------------------------------------------------------------------------------


def _spread(sign: int) -> Rule:
    """The steepest slopes of the standard deviation by one entry, where all entries are equal."""

    def bound(y: Any, x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
        n = count(x.shape, axis)
        return sign * math.sqrt((1 - 1 / n) / (n - ddof)) if n > max(ddof, 0) else 0.0

    return bound


_CORNER = (Bend(_size, -1, 1, "the slope turns from -1 to 1"),)
_TIE = (
    Bend(_between, 0, 1, "the two are equal"),
    Bend(_between, 0, 1, "the two are equal", operand=1),
)
_CONSTANT = (Bend(_between, 0, 1, "it meets the constant"),)
_CORNERS = "flat on one side"
_EXTREME = (Bend(_to_tie, 0, 1, "several entries are the extreme one"),)
_STEP: dict[str, Any] = {"low": 0, "high": math.inf, "taken": 0, "note": "the value jumps"}
_WHOLE = (Bend(lambda y, x, *_, **__: _to_whole(x), **_STEP),)
_HALF = (Bend(_to_half, **_STEP),)
_TOWARDS_0 = (Bend(lambda y, x, *_, **__: _to_step(y, x), **_STEP),)
_UNDEFINED: dict[str, Any] = {"low": -math.inf, "high": math.inf}

_RANK = (Bend(_to_rank_drop, note="the rank drops; it is taken as constant", taken=math.nan, **_UNDEFINED),)

KINKS: dict[Callable[..., Any], tuple[Bend, ...]] = {
    real_absolute: _CORNER,
    fabs: _CORNER,
    copysign: _CORNER,
    complex_absolute: (Bend(_size, -1, 1, "the tip of a cone", 0),),
    relu: (Bend(_size, 0, 1, "the slope turns from 0 to 1"),),
    maximum_of_two: _TIE,
    minimum_of_two: _TIE,
    fmax_of_two: _TIE,
    fmin_of_two: _TIE,
    maximum_with_constant: _CONSTANT,
    minimum_with_constant: _CONSTANT,
    fmax_with_constant: _CONSTANT,
    fmin_with_constant: _CONSTANT,
    clip_between: (
        Bend(lambda y, x, lo, hi: np.minimum(_gap(x, lo), _gap(x, hi)), 0, 1, "at a bound"),
        Bend(lambda y, x, lo, hi: _gap(x, lo), 0, 1, "at the lower bound", operand=1),
        Bend(lambda y, x, lo, hi: _gap(x, hi), 0, 1, "at the upper bound", operand=2),
    ),
    leaky_relu: (
        Bend(
            _size,
            lambda y, x, *, slope: min(slope, 1),
            lambda y, x, *, slope: max(slope, 1),
            "the slope turns from that of the negative side to 1",
        ),
    ),
    elu: (
        Bend(
            lambda y, x, *, alpha: np.abs(x) if alpha != 1 else math.inf,
            lambda y, x, *, alpha: min(alpha, 1),
            lambda y, x, *, alpha: max(alpha, 1),
            "the slope turns from alpha to 1",
        ),
    ),
    hardtanh: (Bend(lambda y, x, *, low, high: np.minimum(_gap(x, low), _gap(x, high)), 0, 1, _CORNERS),),
    hardsigmoid: (Bend(_to_corner, 0, 1 / 6, _CORNERS),),
    hardswish: (
        Bend(_to_corner, lambda y, x: np.where(x > 0, 1, -0.5), lambda y, x: np.where(x > 0, 1.5, 0), "a corner"),
    ),
    max_over: _EXTREME,
    min_over: _EXTREME,
    order_statistics: (Bend(_to_tied_rank, 0, 1, "several entries have this rank", _rank_share),),
    np.sort: (Bend(_to_neighbour, 0, 1, "equal entries keep their order", 1),),
    norm_over: (Bend(_result, -1, 1, "the tip of a cone", 0),),
    power_norm_over: (Bend(_result, 0, 1, "the tip of a cone", 0),),
    hypot: (
        Bend(_result, -1, 1, "the tip of a cone", 0),
        Bend(_result, -1, 1, "the tip of a cone", 0, 1),
    ),
    std_over: (Bend(_result, _spread(-1), _spread(1), "all entries are equal", 0),),
    arctan2: (
        Bend(lambda y, a, b: np.hypot(a, b), note="there is no angle", taken=0, **_UNDEFINED),
        Bend(lambda y, a, b: np.hypot(a, b), note="there is no angle", taken=0, operand=1, **_UNDEFINED),
    ),
    eigh_of: (Bend(lambda y, a, **_: _to_equal(y[0], a), note="equal eigenvalues", taken=math.nan, **_UNDEFINED),),
    nuclear_norm: (Bend(_to_value_0, -1, 1, "a singular value is 0", 0),),
    extreme_value: (Bend(_to_equal_extreme, 0, 1, "several singular values are the extreme one"),),
    svd_of: (Bend(lambda y, a, **_: _to_equal(y[1], a), note="equal singular values", taken=math.nan, **_UNDEFINED),),
    pseudo_inverse: _RANK,
    least_squares: _RANK,
    np.interp: (Bend(_to_knot, _lower_slope, _upper_slope, "at a sample", _knot_slope),),
    # --- steps
    real_sign: (Bend(_size, **_STEP),),
    np.floor: _WHOLE,
    np.ceil: _WHOLE,
    np.trunc: _TOWARDS_0,
    np.fix: _TOWARDS_0,
    np.rint: _HALF,
    np.round: _HALF,
    np.floor_divide: (Bend(_to_multiple, **_STEP),),
    fraction: (Bend(_to_step, -math.inf, 1, "the value jumps"),),
    remainder: (Bend(_to_multiple, -math.inf, 1, "the value jumps"),),
    fmod: (Bend(_to_multiple_but_0, -math.inf, 1, "the value jumps"),),
}
"""The kinks of every function that has any, by primitive or NumPy function."""
