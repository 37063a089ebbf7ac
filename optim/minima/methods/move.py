"""A move from one point to the next, which every method yields and the driver records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optim.minima.objective import Point


class Move(NamedTuple):
    """One iteration.

    Attributes
    ----------
    point : Point
        The new point.
    step : float
        The length of the move.
    curvature : float
        The smallest curvature seen in the iteration; NaN if none was computed.
    """

    point: Point
    step: float
    curvature: float


class Progress:
    """Detects a run that no longer makes progress, since only rounding errors are left.

    Parameters
    ----------
    fun, norm : float
        The function and the norm of its gradient at the start.
    patience : int, default 50
        The number of iterations allowed without a smaller value or a smaller gradient.
    """

    def __init__(self, fun: float, norm: float, patience: int = 50) -> None:
        self.fun, self.norm, self.patience, self.idle = fun, norm, patience, 0

    def goes_on(self, fun: float, norm: float) -> bool:
        """Note the result of an iteration; returns False when patience runs out."""
        self.idle = 0 if fun < self.fun or norm < self.norm else self.idle + 1
        self.fun, self.norm = min(self.fun, fun), min(self.norm, norm)
        return self.idle < self.patience


def moved(old: Point, new: Point) -> Move:
    """A move with the curvature between its ends, ``s'y / s's``, where y is the change of the gradient over step s."""
    s = new.x - old.x
    ss = float(s @ s)
    return Move(new, ss**0.5, float(s @ (new.grad - old.grad)) / ss if ss else float(np.nan))
