"""Gauss-Newton steps for sums of squares, with Levenberg-Marquardt damping."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optim.minima.methods.move import Move
from optim.minima.objective import Objective, Point
from optim.options import checked

_ACCEPT = 1e-4
_ROUNDING = 10.0


def gauss_newton_steps(objective: Objective, point: Point, *, damping: float = 1e-3) -> Iterator[Move]:
    """Levenberg-Marquardt: minimise ``|J p + r|^2 + damping |D p|^2``, where D has the norms of J's columns.

    Parameters
    ----------
    damping : float, default 1e-3
        Initial damping; later values depend on how well the linear model predicts.
    """
    damping = checked("damping", damping, 0.0, open_high=True)
    growth = 2.0
    eps = float(np.finfo(point.x.dtype).eps)
    scales = np.zeros_like(point.x)
    while True:
        J, r = point.jacobian, point.residuals
        assert J is not None and r is not None
        scales = np.maximum(scales, np.linalg.norm(J, axis=0))
        D = np.where(scales > 0.0, scales, 1.0)
        free = objective.free(point)
        rounding = _ROUNDING * eps * abs(point.fun)
        while True:
            step = np.zeros_like(point.x)
            stacked = np.vstack([J[:, free], np.diag((damping**0.5 * D)[free])])
            try:
                step[free] = np.linalg.lstsq(stacked, -np.concatenate([r, np.zeros(free.sum(), r.dtype)]), rcond=None)[
                    0
                ]
            except np.linalg.LinAlgError:
                return
            step = objective.project(point.x + step) - point.x
            length = float(np.linalg.norm(step))
            linear = J @ step
            predicted = -float(point.grad @ step) - 0.5 * float(linear @ linear)
            if length <= 0.5 * eps * float(np.linalg.norm(point.x)) or not np.isfinite(damping):
                return
            if predicted > 0.0:
                new = objective.linear(point.x + step)
                ratio = (point.fun - new.fun + rounding) / (predicted + rounding)
                if ratio > _ACCEPT and np.isfinite(new.grad).all():
                    break
            damping, growth = (damping or eps) * growth, growth * 2.0
        damping, growth = damping * max(1 / 3, 1.0 - (2.0 * min(ratio, 1.0) - 1.0) ** 3), 2.0
        yield Move(new, length, float(linear @ linear) / length**2)
        point = new
