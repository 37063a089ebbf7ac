"""A search for poles: points of a region near which a field is unbounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.calculus.integrands import stacked
from autodiff.core.modes import no_grad
from autodiff.transforms.calling import called
from autodiff.transforms.recording import Function

_GRID = {1: 257, 2: 33, 3: 13}
_LOCAL = {1: 33, 2: 9, 3: 7}
_PEAKS = 4
_ZOOMS = 22
_ZOOM = 3.0
_HUGE = 1e6
_GROWTH = 1.2
"""Least growth of a pole in one zoom. A pole of order q grows by 3**q; this corresponds to order 1/6."""


class Look(NamedTuple):
    """The result of a search of a region.

    Attributes
    ----------
    pole : ndarray, (d,), or None
        A point where the field is unbounded.
    largest : float
        The largest finite magnitude on the grid.
    """

    pole: Any
    largest: float


def look_for_poles(F: Function, place: Function, ranges: Sequence[tuple[float, float]]) -> Look:
    """Search a region for a pole, on a grid and then ever more closely around the largest values.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns components.
    place : callable
        Takes one parameter per range and returns points (d, n).
    ranges : sequence of (float, float)

    Returns
    -------
    Look

    Notes
    -----
    The search is not a proof: it can miss a pole that is much narrower than the grid, as with a factor of 1e-6.
    """
    low, high = np.array([min(r) for r in ranges]), np.array([max(r) for r in ranges])
    d = len(ranges)

    def size(q: Any) -> Any:
        y = np.abs(concrete(stacked(called(F, stacked(place(*q))))))
        y = np.broadcast_to(y if y.ndim > 1 else y[..., None], (y.shape[0] if y.ndim else 1, q.shape[1]))
        return np.where(np.isnan(y), -1.0, y).max(axis=0)

    with no_grad(), np.errstate(all="ignore"):
        q = _grid(low, high, _GRID[d])
        values = size(q)
        finite = values[np.isfinite(values)]
        largest = float(max(finite.max(), 0.0)) if finite.size else 1.0
        for peak in _peaks(q, values, (high - low) / (_GRID[d] - 1)):
            center, half = q[:, peak], 1.5 * (high - low) / (_GRID[d] - 1)
            largest_near, median_near = [], []
            for _ in range(_ZOOMS):
                near = _grid(np.maximum(center - half, low), np.minimum(center + half, high), _LOCAL[d])
                found = size(near)
                best = int(np.argmax(found))
                largest_near.append(float(found[best]))
                median_near.append(float(np.median(found)))
                center, half = near[:, best], half / _ZOOM
            if _grows(np.array(largest_near[_ZOOMS // 2 :]), np.array(median_near)):
                return Look(np.asarray(concrete(stacked(place(*center[:, None]))))[:, 0], largest)
    return Look(None, largest)


def _grows(largest: Any, median: Any) -> bool:
    """Whether the largest values in the last windows indicate a pole, given the medians of all windows."""
    growing = (largest[1:] > _GROWTH * largest[:-1]).sum() >= len(largest) - 3
    # A node that coincides with the pole to the last digit has the largest value in every window, far above the median.
    standing_out = (largest > _GROWTH * median[-len(largest) :]).all() and largest[-1] > _HUGE * median[0]
    return bool(np.isinf(largest).any() or growing or standing_out)


def _grid(low: Any, high: Any, n: int) -> Any:
    axes = [np.linspace(a, b, n) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")).reshape(len(axes), -1)


def _peaks(q: Any, values: Any, cell: Any) -> list[int]:
    """The indices of the largest values, at least some cells apart."""
    chosen: list[int] = []
    for i in np.argsort(-values)[:400]:
        if all((np.abs(q[:, i] - q[:, j]) > 3.5 * cell).any() for j in chosen):
            chosen.append(int(i))
        if len(chosen) == _PEAKS:
            break
    return chosen
