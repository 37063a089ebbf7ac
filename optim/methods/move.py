"""A move from one point to the next: what every method yields, and the driver records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optim.objective import Point


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


def moved(old: Point, new: Point) -> Move:
    """A move whose curvature is that between its ends, ``s'y / s's`` with the gradient's change y along the step s."""
    s = new.x - old.x
    ss = float(s @ s)
    return Move(new, ss**0.5, float(s @ (new.grad - old.grad)) / ss if ss else float(np.nan))
