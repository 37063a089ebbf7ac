"""Methods that follow the gradient with a given learning rate: gradient descent, momentum, Adam."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autodiff.solvers import backtracking
from optim.minima.methods.move import Move, moved
from optim.minima.objective import Objective, Point, Vector
from optim.optimizers.adam import Adam
from optim.optimizers.descent import Momentum
from optim.options import Group, checked, share


def gradient_steps(objective: Objective, point: Point, *, learning_rate: float | None = None) -> Iterator[Move]:
    """``x <- x - learning_rate * g``; without a rate, the longest step that a backtracking search accepts.

    Parameters
    ----------
    learning_rate : float, optional
    """
    if learning_rate is not None:
        rate = checked("learning_rate", learning_rate, 0.0, open_low=True, open_high=True)
        while True:
            new = objective.point(objective.project(point.x - rate * point.grad))
            yield moved(point, new)
            point = new
    first = 1.0 / max(1.0, float(np.linalg.norm(point.grad)))
    while True:
        here, tried = point, dict[float, Point]()

        def along(a: float, here: Point = here, tried: dict[float, Point] = tried) -> float:
            tried[a] = objective.point(objective.project(here.x - a * here.grad))
            return tried[a].fun

        def decrease(a: float, here: Point = here, tried: dict[float, Point] = tried) -> float:
            return float(here.grad @ (here.x - tried[a].x))

        found, _, _ = backtracking(along, point.fun, decrease, first)
        if not found:
            return
        point = tried[found]
        yield moved(here, point)
        # the step of Barzilai and Borwein (1988), if the curvature is positive: the inverse of the curvature
        s, y = point.x - here.x, point.grad - here.grad
        curvature = float(s @ y)
        first = float(s @ s) / curvature if curvature > 0.0 else 2.0 * found


def momentum_steps(
    objective: Objective,
    point: Point,
    *,
    learning_rate: float = 0.01,
    momentum: float = 0.9,
    nesterov: bool = False,
) -> Iterator[Move]:
    """The steps of `optim.Momentum`.

    Parameters
    ----------
    learning_rate : float, default 0.01
    momentum : float, default 0.9
    nesterov : bool, default False
    """
    rate = checked("learning_rate", learning_rate, 0.0, open_low=True, open_high=True)
    kept = share("momentum", momentum)
    settings = (rate, kept, kept if nesterov else 0.0, 1.0)
    state: tuple[Vector, ...] = (np.zeros_like(point.x),)
    while True:
        x, state = Momentum.update(point.x, point.grad, state, settings)
        new = objective.point(objective.project(x))
        yield moved(point, new)
        point = new


def adam_steps(
    objective: Objective,
    point: Point,
    *,
    learning_rate: float = 0.05,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> Iterator[Move]:
    """The steps of `optim.Adam`.

    Parameters
    ----------
    learning_rate : float, default 0.05
    betas : tuple of two floats, default (0.9, 0.999)
    eps : float, default 1e-8
    """
    rate = checked("learning_rate", learning_rate, 0.0, open_low=True, open_high=True)
    options = {"learning_rate": rate, "betas": betas, "eps": eps, "weight_decay": 0.0, "amsgrad": False}
    group = Group(Adam, [], options)
    state: tuple[Vector, ...] = (np.zeros_like(point.x), np.zeros_like(point.x))
    step = 0
    while True:
        step += 1
        x, state = Adam.update(point.x, point.grad, state, Adam.settings(group, step))
        new = objective.point(objective.project(x))
        yield moved(point, new)
        point = new
