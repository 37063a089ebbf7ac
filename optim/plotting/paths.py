"""The paths that users pass, in one form: a name, points and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.drawing.labels import printable
from autodiff.plotting.sampling import box_of
from optim.minima.minimizing import MinimizeResult, Record
from optim.plotting.landscape import Box, Objective, Vector, value_at

_LONGEST = 40  # the longest name, in characters


class Path(NamedTuple):
    """The path of a method in the plane.

    Attributes
    ----------
    name : str
    points : ndarray, (n, 2)
        The points up to the first that is not finite.
    values : ndarray, (n,)
        The function at the points.
    lost_at : int or None
        The index of the first point that is not finite.
    """

    name: str
    points: Vector
    values: Vector
    lost_at: int | None

    @property
    def label(self) -> str:
        """The text for a legend: the name, the number of steps, and where the path was lost."""
        lost = "" if self.lost_at is None else f", lost at step {self.lost_at}"
        n = len(self.points) - 1
        return f"{legend_name(self.name)}: {n} step{'s' * (n != 1)}{lost}"


def legend_name(name: Any) -> str:
    """A user's name as text for a legend: shortened, and with nothing in it interpreted."""
    return printable(str(name), _LONGEST).replace("$", r"\$")


def is_history(value: Any) -> bool:
    """Whether a value is a list of records of `optim.minimize`."""
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(r, Record) for r in value)


def records_of(who: str, name: str, history: Any) -> list[Record]:
    """The records of a result or a history."""
    if isinstance(history, MinimizeResult):
        return history.history
    if is_history(history):
        return list(history)
    raise ad.StructureError(
        f"{who}: {name} is a {type(history).__name__}; give a result of optim.minimize or its history, whose records "
        "have gradients and steps."
    )


def named(who: str, paths: Any) -> dict[str, Any]:
    """Paths by name; a single one is called "path"."""
    if isinstance(paths, Mapping):
        if not paths:
            raise ValueError(f"{who}: the dict of paths is empty; leave paths out to draw only the function.")
        return dict(paths)
    return {"path": paths}


def paths_of(who: str, paths: Any, f: Objective) -> list[Path]:
    """All paths, checked; values are the recorded ones, or are computed with f."""
    return [] if paths is None else [_path(who, name, history, f) for name, history in named(who, paths).items()]


def _path(who: str, name: str, history: Any, f: Objective) -> Path:
    recorded = history.history if isinstance(history, MinimizeResult) else history
    values: Vector | None = None
    if is_history(recorded):
        values = np.array([record.fun for record in recorded])
        recorded = [record.x for record in recorded]
    try:
        points = np.zeros(()) if np.iscomplexobj(recorded) else np.asarray(recorded, float)
    except (TypeError, ValueError):
        points = np.zeros(())
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        given = f"have shape {points.shape}" if points.ndim else "are not real numbers"
        raise ad.ShapeError(
            f"{who}: the points of {name!r} {given}; expected (n, 2), one or more points of the plane. A path is a "
            "result of optim.minimize, its history, or an array such as the second result of optim.gradient_descent; "
            "give several in a dict, by name."
        )
    finite = np.isfinite(points).all(axis=1)
    lost_at = None if finite.all() else int(np.argmin(finite))
    if lost_at == 0:
        raise ad.DomainError(f"{who}: {name!r} begins at {points[0]}; a path must begin at a finite point.")
    points = points[:lost_at]
    if values is None:
        values = np.array([value_at(who, f, p) for p in points])
    return Path(name, points, values[:lost_at], lost_at)


def box_around(who: str, box: Any, paths: list[Path]) -> Box:
    """The given box, or one around the paths with a margin."""
    if box is not None:
        return box_of(who, box)
    if not paths:
        raise ValueError(
            f"{who}: give box=(left, right, bottom, top), the points p at which f(p) is drawn, or paths to show."
        )
    points = np.concatenate([path.points for path in paths])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.maximum(0.15 * (high - low), 0.08 * (high - low).max() or 1.0)
    (left, bottom), (right, top) = low - margin, high + margin
    return box_of(who, (left, right, bottom, top))
