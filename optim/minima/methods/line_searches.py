"""Methods with a line search: L-BFGS, BFGS, nonlinear conjugate gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from autodiff.solvers import LimitedMemory, backtracking, strong_wolfe
from optim.minima.methods.move import Move, Progress, moved
from optim.minima.objective import Objective, Point, Vector
from optim.options import whole

_ROUNDING = 0.8  # relative error eps**0.8 of values: 1500 ulps in float64, 20 in float32; below it the slope decides


class Rule(Protocol):
    """How a method chooses its directions."""

    c2: float  # the line search must reduce the slope by this factor

    def direction(self, g: Vector, free: Vector) -> Vector:
        """A descent direction for the gradient g, in the free numbers only."""

    def first_step(self, slope: float) -> float | None:
        """The first trial of the line search; None if the length of the direction has no meaning."""

    def learn(self, s: Vector, y: Vector, g: Vector) -> None:
        """Learn from a step s, the change y of the gradient over it, and the gradient g at its end."""

    def forget(self) -> bool:
        """Forget what was learnt; returns whether there was anything to forget."""


class _LimitedMemoryRule:
    c2 = 0.9

    def __init__(self, history_size: int) -> None:
        self.memory = LimitedMemory(history_size)

    def direction(self, g: Vector, free: Vector) -> Vector:
        return np.where(free, -self.memory.apply(np.where(free, g, 0)), 0).astype(g.dtype)

    def first_step(self, slope: float) -> float | None:
        return 1.0 if self.memory.steps else None

    def learn(self, s: Vector, y: Vector, g: Vector) -> None:
        self.memory.remember(s, y)

    def forget(self) -> bool:
        had = bool(self.memory.steps)
        self.memory.forget()
        return had


class _DenseRule:
    """The whole inverse Hessian; the first pair scales its initial guess (Nocedal and Wright 2006, 6.17, 6.20)."""

    c2 = 0.9

    def __init__(self) -> None:
        self.inverse: Vector | None = None

    def direction(self, g: Vector, free: Vector) -> Vector:
        if self.inverse is None:
            return np.where(free, -g, 0).astype(g.dtype)
        d = np.zeros_like(g)
        if free.all():
            return -(self.inverse @ g)
        d[free] = -np.linalg.solve(np.linalg.inv(self.inverse)[np.ix_(free, free)], g[free])
        return d

    def first_step(self, slope: float) -> float | None:
        return None if self.inverse is None else 1.0

    def learn(self, s: Vector, y: Vector, g: Vector) -> None:
        sy = float(s @ y)
        if not sy > float(np.finfo(y.dtype).eps) * float(y @ y):
            return
        if self.inverse is None:
            self.inverse = np.eye(s.size, dtype=s.dtype) * (sy / float(y @ y))
        hy = self.inverse @ y
        self.inverse = (
            self.inverse + ((sy + float(y @ hy)) / sy**2) * np.outer(s, s) - (np.outer(hy, s) + np.outer(s, hy)) / sy
        )

    def forget(self) -> bool:
        had = self.inverse is not None
        self.inverse = None
        return had


class _ConjugateRule:
    """Directions of Polak and Ribière, restarted if the weight would be negative (Nocedal and Wright 2006, 5.45)."""

    c2 = 0.1

    def __init__(self) -> None:
        self.last: tuple[Vector, float, float] | None = None  # the direction, the step, the slope at its start
        self.weight = 0.0

    def direction(self, g: Vector, free: Vector) -> Vector:
        d = np.where(free, -g, 0).astype(g.dtype)
        if self.last is not None:
            d = np.where(free, d + self.weight * self.last[0], 0).astype(g.dtype)
        self._g, self._d = g, d
        return d

    def first_step(self, slope: float) -> float | None:
        if self.last is None:
            return None
        _, step, before = self.last
        return min(step * before / slope, 100.0 * step) or None  # for the same first-order change as in the last step

    def learn(self, s: Vector, y: Vector, g: Vector) -> None:
        gg = float(self._g @ self._g)
        self.weight = max(0.0, float(g @ y) / gg) if gg else 0.0
        dd = float(self._d @ self._d)
        step = (float(s @ s) / dd) ** 0.5 if dd else 1.0
        self.last = (self._d, step, float(self._g @ self._d))

    def forget(self) -> bool:
        had = self.last is not None
        self.last, self.weight = None, 0.0
        return had


def lbfgs_steps(objective: Objective, point: Point, *, history_size: int = 10) -> Iterator[Move]:
    """L-BFGS with a strong Wolfe search.

    Parameters
    ----------
    history_size : int, default 10
        The number of pairs of steps and gradient changes to keep.
    """
    return _descend(objective, point, _LimitedMemoryRule(whole("history_size", history_size, 1)))


def bfgs_steps(objective: Objective, point: Point) -> Iterator[Move]:
    """BFGS, with the whole inverse Hessian, and a strong Wolfe search."""
    return _descend(objective, point, _DenseRule())


def conjugate_steps(objective: Objective, point: Point) -> Iterator[Move]:
    """Nonlinear conjugate gradients (Polak and Ribière) with a strong Wolfe search."""
    return _descend(objective, point, _ConjugateRule())


def _descend(objective: Objective, point: Point, rule: Rule) -> Iterator[Move]:
    search = _bent if objective.box is not None else _straight
    progress = Progress(point.fun, float(np.linalg.norm(objective.slope(point))))
    while progress.goes_on(point.fun, float(np.linalg.norm(objective.slope(point)))):
        free = objective.free(point)
        d = rule.direction(point.grad, free)
        slope = float(point.grad @ d)
        if not slope < 0.0:
            if rule.forget():
                continue
            return
        first = rule.first_step(slope)
        if first is None:
            first = min(1.0, 1.0 / float(np.linalg.norm(d)))
        new = search(objective, point, d, slope, first, rule.c2)
        if new is None:
            if rule.forget():
                continue
            return
        rule.learn(new.x - point.x, new.grad - point.grad, new.grad)
        yield moved(point, new)
        point = new


def _slack(point: Point) -> float:
    return float(np.finfo(point.x.dtype).eps) ** _ROUNDING * abs(point.fun)


def _straight(objective: Objective, point: Point, d: Vector, slope: float, first: float, c2: float) -> Point | None:
    """The end point of a strong Wolfe search along d."""
    tried: dict[float, Point] = {}

    def along(a: float) -> tuple[float, float]:
        tried[a] = objective.point(point.x + a * d)
        return tried[a].fun, float(tried[a].grad @ d)

    found = strong_wolfe(along, point.fun, slope, first, c2=c2, slack=_slack(point))
    if not found.step or np.array_equal(tried[found.step].x, point.x):
        return None
    return tried[found.step]


def _bent(objective: Objective, point: Point, d: Vector, slope: float, first: float, c2: float) -> Point | None:
    """The end point of a search along the projection of the ray d onto the box.

    A strong Wolfe search comes first, with the slope along the rest of the ray; its theory does not cover the corners
    of the path. If it finds no point that satisfies Armijo's condition on the path, a backtracking search follows.
    """
    box = objective.box
    assert box is not None
    tried: dict[float, Point] = {}

    def value(a: float) -> float:
        if a not in tried:
            tried[a] = objective.point(objective.project(point.x + a * d))
        return tried[a].fun

    def along(a: float) -> tuple[float, float]:
        value(a)
        x = tried[a].x
        moving = ~(((x <= box.low) & (d < 0)) | ((x >= box.high) & (d > 0)))
        return tried[a].fun, float(tried[a].grad[moving] @ d[moving])

    def decrease(a: float) -> float:
        return float(point.grad @ (point.x - tried[a].x))

    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.where(d > 0, (box.high - point.x) / d, np.where(d < 0, (box.low - point.x) / d, 0.0))
    slack = _slack(point)
    found = strong_wolfe(
        along, point.fun, slope, first, c2=c2, slack=slack, max_step=min(1e20, float(ends.max())), max_evaluations=10
    ).step
    if not found or not tried[found].fun <= point.fun - 1e-4 * decrease(found) + slack:
        found, _, _ = backtracking(value, point.fun, decrease, first, slack=slack)
    if not found or np.array_equal(tried[found].x, point.x):
        return None
    return tried[found]
