"""Newton's method for a vanishing gradient, from many starts at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.solvers import called
from optim.minima.objective import Objective, Point, Vector
from optim.minima.regions import Box

_STEPS, _TRIALS = 100, 20
"""Steps of one search, and trials of one step, each with ten times the damping of the one before."""


def hessian_of(point: Point) -> Vector:
    """The Hessian at a point, (d, d), from its products with the unit vectors."""
    assert point.matvec is not None
    return np.stack([point.matvec(e) for e in np.eye(point.x.size, dtype=point.x.dtype)], axis=1)


class Slopes:
    """Gradients and Hessians at many points, (n, d): in one call where the function takes many, or one after another.

    A function takes many points if, called with them as (d, n), or (n,) for a function of a number, it returns (n,) and
    at each the value that it has there alone.
    """

    def __init__(self, objective: Objective, points: Vector) -> None:
        self.objective = objective
        self._low, self._high = points.min(axis=0), points.max(axis=0)
        self._rounding: float | None = None  # of values near 0, from the size of those at the first points
        self.at_once = self._takes(points)

    def _takes(self, points: Vector) -> bool:
        try:
            with ad.no_grad():
                found = np.asarray(_plain(self._values(np.array(points.T))))
        except Exception:  # a function written for one point may raise anything for many
            return False
        if found.shape != (len(points),) or found.dtype.kind != "f":
            return False
        alone = np.array([self.objective.value(x) for x in points])
        if self._rounding is None:
            sizes = np.abs(alone[np.isfinite(alone)])
            self._rounding = 1e-12 * float(np.median(sizes)) if len(sizes) else 0.0
        return bool(np.allclose(found, alone, rtol=1e-12, atol=self._rounding, equal_nan=True))

    def _values(self, columns: Any) -> Any:
        return called(
            self.objective.f, columns.reshape(-1) if self.objective.unravel(columns[:, 0]).ndim == 0 else columns
        )

    def at(self, points: Vector) -> tuple[Vector, Callable[[Vector], Vector]]:
        """The gradients, (n, d), and a function that gives the Hessians, (m, d, d), of those with the given numbers."""
        if self.at_once and ((points < self._low) | (points > self._high)).any():
            self.at_once = self._takes(points)  # out there, one point may change what all get: `if (p < 0).any()`
        if not self.at_once:
            d = points.shape[1]
            models = [self.objective.model(x) for x in points]
            gradients = np.array([model.grad for model in models]).reshape(points.shape)
            return gradients, lambda which: np.array([hessian_of(models[i]) for i in which]).reshape(-1, d, d)
        slopes = ad.grad(lambda columns: self._values(columns).sum())
        gradients, push = ad.linearize(slopes, np.array(points.T))
        self.objective.refuse_outer_transform(gradients)
        rows = [np.broadcast_to(e[:, None], points.T.shape) for e in np.eye(points.shape[1])]
        return _plain(gradients).T, lambda which: np.stack([_plain(push(row))[:, which] for row in rows]).transpose(
            2, 0, 1
        )


def _plain(value: Any) -> Any:
    return value.data if isinstance(value, ad.Tensor) else value


def to_zero_gradient(slopes: Slopes, x: Vector, tol: float, box: Box) -> list[Vector | None]:
    """Newton's method on the gradient from every row of `x`, (n, d), damped so that its norm falls.

    Returns for each row the point, or None where the method does not converge.
    """
    low, high = box.low.reshape(-1), box.high.reshape(-1)
    x, far = np.array(x), 2.0 * (high - low)
    n = len(x)
    ends: list[Vector | None] = [None] * n
    damping, trials, steps = np.full(n, 1e-3), np.zeros(n, int), np.zeros(n, int)
    running = np.arange(n)
    g, hessians = slopes.at(x)
    H = hessians(running)
    while len(running):
        moves = _damped_step(H[running], g[running], damping[running])
        sizes, norms = np.abs(g[running]).max(axis=1), np.linalg.norm(g[running], axis=1)
        trial = x[running] + moves
        new_g, hessians = slopes.at(trial)
        better = np.linalg.norm(new_g, axis=1) < norms
        arrived = (sizes <= tol) & (~better | (np.linalg.norm(moves, axis=1) <= 1e-12 * np.linalg.norm(far)))
        taken = running[better]
        x[taken], g[taken], H[taken] = trial[better], new_g[better], hessians(np.flatnonzero(better))
        damping[taken] = np.where(damping[taken] > 1e-14, 0.1 * damping[taken], 0.0)
        trials[taken], steps[taken] = 0, steps[taken] + 1
        held = running[~better]
        damping[held] = 10.0 * np.maximum(damping[held], 1e-8)
        trials[held] += 1
        for i in running[arrived]:
            ends[i] = x[i]
        last = running[~arrived & (steps[running] >= _STEPS)]
        for i in last[np.abs(g[last]).max(axis=1) <= tol]:
            ends[i] = x[i]
        lost = (np.abs(x - np.clip(x, low, high)) > far).any(axis=1) | ~np.isfinite(H).all(axis=(1, 2))
        running = running[~arrived & (steps[running] < _STEPS) & (trials[running] < _TRIALS) & ~lost[running]]
    return ends


def _damped_step(H: Vector, g: Vector, damping: Vector) -> Vector:
    """The steps s, (n, d), that minimise ``|H s + g|^2 + damping max|H|^2 |s|^2``; of several the shortest."""
    values, axes = np.linalg.eigh((H + H.transpose(0, 2, 1)) / 2)
    weight = damping * np.abs(H).max(axis=(1, 2)) ** 2
    scale = values**2 + weight[:, None]
    flat = scale <= (np.finfo(float).eps * np.abs(values).max(axis=1, keepdims=True)) ** 2
    turned = np.einsum("nij,ni->nj", axes, g)
    shares = np.where(flat, 0.0, values / np.where(flat, 1.0, scale)) * turned
    return -np.einsum("nij,nj->ni", axes, shares)
