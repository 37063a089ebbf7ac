"""Calls of users' functions at the points of a plot, and the limits of the axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.calculus.fields import jacobian_field
from autodiff.calculus.integrands import stacked
from autodiff.errors import DomainError, ShapeError
from autodiff.plotting.style import titled
from autodiff.transforms.calling import called
from autodiff.transforms.recording import Function, title
from autodiff.typing import Array

Box = tuple[float, float, float, float]


def interval_of(who: str, interval: Any) -> tuple[float, float]:
    """An interval as two finite numbers, checked."""
    ends = np.asarray(interval, float).reshape(-1)
    if len(ends) != 2 or not np.isfinite(ends).all() or not ends[0] < ends[1]:
        raise ValueError(
            f"{who}: an interval must be two finite numbers (low, high), low < high; {interval!r} was given."
        )
    return float(ends[0]), float(ends[1])


def box_of(who: str, box: Any) -> Box:
    """A rectangle of the plane as (left, right, bottom, top), checked."""
    ends = np.asarray(box, float).reshape(-1)
    if len(ends) != 4 or not np.isfinite(ends).all() or not (ends[0] < ends[1] and ends[2] < ends[3]):
        raise ValueError(
            f"{who}: a box must be four finite numbers (left, right, bottom, top), left < right and bottom < top; "
            f"{box!r} was given."
        )
    left, right, bottom, top = ends.tolist()
    return left, right, bottom, top


def number(who: str, what: str, value: Any) -> float:
    """A single finite real number, checked."""
    a = np.asarray(concrete(value))
    if a.shape not in ((), (1,)) or a.dtype.kind not in "fiub" or not np.isfinite(a).all():
        raise DomainError(f"{who}: {what} must be a finite real number; {value!r} was given.")
    return float(a.reshape(())[()])


def heights(who: str, f: Function, x: Array) -> Array:
    """A function of one variable at many points, with NaN, a gap in the plot, where it is not finite."""
    with np.errstate(all="ignore"):
        y = np.asarray(concrete(called(f, x)))
    if y.shape == ():
        y = np.broadcast_to(y, x.shape)
    if y.shape != x.shape or y.dtype.kind not in "fiub":
        raise ShapeError(
            f"{who} calls {title(f)} once on an array of points, {x.shape}, and got shape {y.shape} and dtype "
            f"{y.dtype}; expected a real number for each. For a function of single numbers pass np.vectorize(f)."
        )
    return np.where(np.isfinite(y), y, np.nan).astype(float)


def frame(ax: Any, interval: tuple[float, float], y: Array, *more: float) -> None:
    """Name the axes, and set limits that show a curve and some more heights, with a margin; other lines are cut."""
    there = np.array([*y[np.isfinite(y)], *more])
    low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 1.0)
    margin = 0.12 * (high - low) or 0.5
    ax.set(xlim=interval, ylim=(low - margin, high + margin))
    titled(ax, ylabel="f(x)")
    ax.grid(alpha=0.3)


def grid(box: Box, n: int) -> tuple[Array, Array, Array]:
    """Coordinates across and up, and all points, (2, n, n), with rows from the bottom."""
    left, right, bottom, top = box
    across, up = np.linspace(left, right, n), np.linspace(bottom, top, n)
    return across, up, np.stack(np.meshgrid(across, up))


def field_at(who: str, F: Function, points: Array) -> Array:
    """A vector field of the plane at points (2, ...)."""
    with np.errstate(all="ignore"):
        y = np.asarray(concrete(stacked(called(F, points))), float)
    if y.shape == (2,):  # a constant field
        y = np.broadcast_to(y.reshape(2, *[1] * (points.ndim - 1)), points.shape)
    if y.shape != points.shape:
        raise ShapeError(
            f"{who}: at points of shape {points.shape} {title(F)} returned shape {y.shape}; expected {points.shape}: "
            "two components along the first axis, as in np.stack([P, Q])."
        )
    return y


def without_rounding(values: Array, F: Function, points: Array) -> Array:
    """A sum of partial derivatives of a field, set to 0 where only rounding errors are left."""
    with np.errstate(all="ignore"):
        partials = np.abs(np.asarray(concrete(jacobian_field(F)(points)), float)).max(axis=(0, 1))
        return np.where(np.abs(values) <= 1e-12 * partials, 0.0, values)


def scalars_at(who: str, f: Function, points: Array) -> Array:
    """A scalar field of the plane at points (2, ...)."""
    with np.errstate(all="ignore"):
        y = np.asarray(concrete(called(f, points)), float)
    if y.shape not in ((), points.shape[1:]):
        raise ShapeError(
            f"{who}: at points of shape {points.shape} {title(f)} returned shape {y.shape}; expected "
            f"{points.shape[1:]}, one number for each: write p[0] and p[1] for the coordinates."
        )
    return np.broadcast_to(y, points.shape[1:])
