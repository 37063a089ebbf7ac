"""A function of the plane on a grid, and suitable level lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.plotting.style import pyplot
from autodiff.solvers import called

Vector = NDArray[np.float64]
Objective = Callable[[Any], Any]
Box = tuple[float, float, float, float]

_FINE, _COARSE = 301, 101  # grid points along each side, if one call evaluates all of them, or one by one
_HUGE = 1e200  # Matplotlib's own infinity is 1e250
_SHADES = ("#8fa9c4", "#f7f7f2")  # pale, so that paths of any colour stand out


def heights(who: str, f: Objective, box: Box, n: int | None) -> tuple[Vector, Vector, Vector]:
    """Coordinates across and up, and the function on the grid, (n, n), rows from the bottom; NaN where not finite.

    Without `n` the grid is fine if one call can evaluate it, and coarse otherwise.
    """
    left, right, bottom, top = box
    if n is not None and not (isinstance(n, (int, np.integer)) and n >= 2):
        raise ValueError(f"{who}: grid must be an integer, 2 or more; {n!r} was given.")

    def crossings(n: int) -> tuple[Vector, Vector, Vector]:
        across, up = np.linspace(left, right, n), np.linspace(bottom, top, n)
        return across, up, np.stack(np.meshgrid(across, up))

    across, up, points = crossings(n or _FINE)
    values = _at_once(who, f, points)
    if values is None:
        across, up, points = crossings(n or _COARSE)
        values = _one_by_one(who, f, points)
    there = np.abs(values) < _HUGE
    if not there.any():
        raise ad.DomainError(f"{who}: the function is not finite anywhere in the box {box}.")
    return across, up, np.where(there, values, np.nan)


def values_at(who: str, f: Objective, points: Vector) -> Vector:
    """A function of a point (2,) at many points, (2, ...); in a single call if that gives the same values."""
    values = _at_once(who, f, points)
    return _one_by_one(who, f, points) if values is None else values


def value_at(who: str, f: Objective, p: Vector) -> float:
    """The function at one point, as a float."""
    if not callable(f):
        raise TypeError(f"{who}: f must be a function of a point; a {type(f).__name__} was given.")
    with np.errstate(all="ignore"), ad.no_grad():
        value = np.asarray(_plain(called(f, p)))
    if value.shape not in ((), (1,)) or value.dtype.kind not in "fiub":
        raise ad.ShapeError(
            f"{who}: at a point of shape {np.shape(p)} the function returned shape {value.shape} and dtype "
            f"{value.dtype}; expected one real number."
        )
    return float(value.reshape(())[()])


def _one_by_one(who: str, f: Objective, points: Vector) -> Vector:
    return np.array([value_at(who, f, p) for p in points.reshape(2, -1).T]).reshape(points.shape[1:])


def _at_once(who: str, f: Objective, points: Vector) -> Vector | None:
    try:
        with np.errstate(all="ignore"), ad.no_grad():
            values = np.asarray(_plain(f(points)), float)
    except Exception:  # a function written for one point may raise anything for many
        return None
    if values.shape != points.shape[1:]:
        return None
    flat, found = points.reshape(2, -1).T, values.reshape(-1)
    for i in (0, len(flat) // 3, len(flat) - 1):
        if not np.isclose(found[i], value_at(who, f, flat[i]), rtol=1e-9, equal_nan=True):
            return None
    return values


def _plain(value: Any) -> Any:
    return value.data if isinstance(value, ad.Tensor) else value


def levels_of(who: str, values: Vector, count: int) -> Vector:
    """Levels for contour lines, evenly spaced, or geometrically above the lowest value if the function spans decades.

    A constant has none.
    """
    if not isinstance(count, (int, np.integer)) or count < 2:
        raise ValueError(f"{who}: levels must be an integer, 2 or more; {count!r} was given.")
    there = np.sort(values[np.isfinite(values)])
    lowest = there[0]
    low, middle, high = np.quantile(there, (0.005, 0.5, 0.995)) - lowest
    high = high or there[-1] - lowest  # a peak on a plain
    if high <= 1e-12 * np.abs(there[[0, -1]]).max():
        return np.zeros(0)
    if high < 8 * middle:
        return np.asarray(np.linspace(lowest, lowest + high, count + 2)[1:-1])
    return np.asarray(lowest + np.geomspace(max(low, 1e-4 * high), high, count))


def draw_levels(ax: Any, across: Vector, up: Vector, values: Vector, levels: Vector) -> None:
    """Draw level lines and the bands between them; lower bands are darker."""
    if not len(levels):
        return
    shades = pale()
    from matplotlib.colors import BoundaryNorm

    norm = BoundaryNorm(levels, shades.N, extend="both")
    ax.contourf(across, up, values, levels=levels, cmap=shades, norm=norm, extend="both")
    ax.contour(across, up, values, levels=levels, colors="#5d7186", linewidths=0.5, linestyles="solid")


def pale() -> Any:
    """The colour map for heights."""
    pyplot()
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("heights", _SHADES)
