"""A function of the plane on a grid, and level lines that suit it."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.sampling import box_of
from optim.plotting.paths import Objective, Path, Vector

_TRIED = 3  # points at which one call on the whole grid is compared with single calls


def box_around(who: str, box: Any, paths: list[Path]) -> tuple[float, float, float, float]:
    """The box as given, or one round the paths with a margin."""
    if box is not None:
        return box_of(who, box)
    if not paths:
        raise ValueError(f"{who}: give box=(left, right, bottom, top), or paths to draw the function around.")
    points = np.concatenate([path.points for path in paths])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.maximum(0.15 * (high - low), 0.08 * (high - low).max() or 1.0)
    (left, bottom), (right, top) = low - margin, high + margin
    return box_of(who, (left, right, bottom, top))


def heights(who: str, f: Objective, box: tuple[float, float, float, float], n: int) -> tuple[Vector, Vector, Vector]:
    """Coordinates across and up, and the function at each crossing, (n, n), rows from below.

    The function is one of a point (2,). If a call on all points (2, n, n) gives the same, that call is enough.
    """
    left, right, bottom, top = box
    across, up = np.linspace(left, right, n), np.linspace(bottom, top, n)
    points = np.stack(np.meshgrid(across, up))
    with np.errstate(all="ignore"), ad.no_grad():
        values = _at_once(f, points)
        if values is None:
            columns = points.reshape(2, -1).T
            values = np.array([_one(who, f, p) for p in columns]).reshape(n, n)
    if not np.isfinite(values).any():
        raise ad.DomainError(f"{who}: the function is nowhere finite in the box {box}.")
    return across, up, np.where(np.isfinite(values), values, np.nan)


def _one(who: str, f: Objective, p: Vector) -> float:
    value = np.asarray(_plain(f(p)))
    if value.shape not in ((), (1,)):
        raise ad.ShapeError(f"{who}: at a point of the plane the function returned shape {value.shape}; expected ().")
    return float(value.reshape(())[()])


def _at_once(f: Objective, points: Vector) -> Vector | None:
    try:
        values = np.asarray(_plain(f(points)), float)
    except Exception:  # written for one point: whatever it says of many
        return None
    if values.shape != points.shape[1:]:
        return None
    n = points.shape[1]
    for i, j in [(0, 0), (n // 3, n // 2), (n - 1, n // 4)][:_TRIED]:
        if not np.allclose(values[i, j], _plain(f(points[:, i, j])), rtol=1e-9, equal_nan=True):
            return None
    return values


def _plain(value: Any) -> Any:
    return value.data if isinstance(value, ad.Tensor) else value


def levels_of(values: Vector, count: int) -> Vector:
    """Levels for contour lines: even, or in even ratios above the lowest value where the function spans decades."""
    there = np.sort(values[np.isfinite(values)])
    lowest = there[0]
    low, middle, high = np.quantile(there, (0.005, 0.5, 0.995)) - lowest
    if high <= 0:
        return np.array([lowest])
    if high / max(middle, 1e-300) < 8:
        return np.asarray(np.linspace(lowest, lowest + high, count + 2)[1:-1])
    return np.asarray(lowest + np.geomspace(max(low, 1e-4 * high), high, count))
