"""micrograd, the scalar engine of a hundred lines; W1 is the example of its README."""

from __future__ import annotations

from typing import Any

import numpy as np
from micrograd.engine import Value

from benchmarks.peers import Step
from benchmarks.workloads import SCALAR_POINT, scalar_expression


def scalar() -> Step:
    """W1."""
    gradient: list[float] = []

    def run() -> Any:
        a, b = (Value(value) for value in SCALAR_POINT)
        g = scalar_expression(a, b, Value.relu)
        g.backward()
        gradient[:] = a.grad, b.grad
        return g.data

    return Step(run, lambda: [np.asarray(g) for g in gradient])


STEPS = {"W1": scalar}
