"""A move from one point to the next: what every method yields, and the driver records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optim.minima.objective import Point


class Move(NamedTuple):
    """One iteration.

    Attributes
    ----------
    point : Point
        Where it led.
    step : float
        Its length.
    curvature : float
        The smallest curvature met on the way; NaN if none was seen.
    """

    point: Point
    step: float
    curvature: float


class Progress:
    """Notices when a run goes on without getting anywhere: what is left is rounding.

    Parameters
    ----------
    fun, norm : float
        The function and the norm of its gradient at the start.
    patience : int, default 50
        Iterations without a smaller value or a smaller gradient.
    """

    def __init__(self, fun: float, norm: float, patience: int = 50) -> None:
        self.fun, self.norm, self.patience, self.idle = fun, norm, patience, 0

    def goes_on(self, fun: float, norm: float) -> bool:
        """Note where an iteration led; False if it was one too many."""
        self.idle = 0 if fun < self.fun or norm < self.norm else self.idle + 1
        self.fun, self.norm = min(self.fun, fun), min(self.norm, norm)
        return self.idle < self.patience


def moved(old: Point, new: Point) -> Move:
    """A move whose curvature is that between its ends, ``s'y / s's`` with the gradient's change y along the step s."""
    s = new.x - old.x
    ss = float(s @ s)
    return Move(new, ss**0.5, float(s @ (new.grad - old.grad)) / ss if ss else float(np.nan))
