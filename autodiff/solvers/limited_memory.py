"""Quasi-Newton directions from the last few steps and changes of the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[Any]]


class LimitedMemory:
    """An approximation of the inverse Hessian from the last few pairs of steps and gradient changes.

    Parameters
    ----------
    size : int
        The number of pairs that are kept.

    Attributes
    ----------
    steps, changes : list of ndarray, (n,)
        The pairs, oldest first.

    Notes
    -----
    ``H <- (1 - s y'/y's) H (1 - y s'/y's) + s s'/y's`` for each pair of a step s and a change y, from a multiple of 1.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), algorithms 7.4 and 7.5, with the scale of
    equation 7.20.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import LimitedMemory
    >>> memory = LimitedMemory(5)
    >>> for s in np.eye(2):
    ...     kept = memory.remember(s, np.array([2.0, 4.0]) * s)
    >>> memory.apply(np.array([1.0, 1.0]))
    array([0.5 , 0.25])
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.steps: list[Vector] = []
        self.changes: list[Vector] = []

    def remember(self, step: Vector, change: Vector) -> bool:
        """Keep a pair if its curvature ``step . change`` is positive beyond rounding; returns whether it was kept."""
        curvature = float(step @ change)
        eps = float(np.finfo(change.dtype).eps)
        if not curvature > eps * float(change @ change):
            return False
        self.steps.append(step)
        self.changes.append(change)
        if len(self.steps) > self.size:
            del self.steps[0], self.changes[0]
        return True

    def apply(self, g: Vector) -> Vector:
        """The product of the approximate inverse Hessian and a vector; a copy of the vector if no pair is kept."""
        if not self.steps:
            return g.copy()
        q = g.copy()
        weights = []
        products = [float(s @ y) for s, y in zip(self.steps, self.changes, strict=True)]
        for s, y, sy in zip(reversed(self.steps), reversed(self.changes), reversed(products), strict=True):
            weight = float(s @ q) / sy
            weights.append(weight)
            q -= weight * y
        y = self.changes[-1]
        q *= products[-1] / float(y @ y)
        for s, y, sy, weight in zip(self.steps, self.changes, products, reversed(weights), strict=True):
            q += (weight - float(y @ q) / sy) * s
        return q

    def forget(self) -> None:
        """Drop all pairs."""
        self.steps.clear()
        self.changes.clear()
