"""W1 with Python floats, without arrays."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.workloads import SCALAR_POINT


def scalar() -> Step:
    """W1: value and both derivatives of `workloads.scalar_expression`."""
    gradient = [0.0, 0.0]

    def run() -> float:
        a, b = SCALAR_POINT
        above, below = b + a, b - a
        c = 2 * (a + b) + 1
        c = 2 * c + 1 - a
        d = 3 * (a * b + b**3) + (above if above > 0 else 0.0)
        d = 4 * d + (below if below > 0 else 0.0)
        e = c - d
        f = e * e
        # dg/df = 1/2 - 10/f^2, df/de = 2e, de/dc = 1, de/dd = -1
        dc = (0.5 - 10.0 / (f * f)) * 2 * e
        dd = -12 * dc  # the cotangent of a*b + b**3, after the factors 3 and 4
        da, db = 3 * dc + dd * b, 4 * dc + dd * (a + 3 * b * b)
        if above > 0:
            da -= 4 * dc
            db -= 4 * dc
        if below > 0:
            da += dc
            db -= dc
        gradient[0] = da
        gradient[1] = db
        return f / 2.0 + 10.0 / f

    return Step(run, lambda: [np.asarray(g) for g in gradient])
