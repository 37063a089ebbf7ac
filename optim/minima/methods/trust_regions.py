"""Newton's method in a trust region, with Hessian-vector products: two ways to solve for the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from autodiff.solvers import TrustRegionStep, krylov_step, steihaug
from optim.minima.methods.move import Move, Progress
from optim.minima.objective import Objective, Point, Vector
from optim.options import checked, whole

_ACCEPT = 1e-4
_ROUNDING = 10.0  # the error of a value of the function, in units of the last place


def newton_cg_steps(
    objective: Objective,
    point: Point,
    *,
    radius: float | None = None,
    max_radius: float = float("inf"),
    max_products: int | None = None,
) -> Iterator[Move]:
    """Newton's method; truncated conjugate gradients (Steihaug) compute the step.

    Parameters
    ----------
    radius : float, optional
        Initial radius of the trust region; by default the norm of `x0`, at least 1.
    max_radius : float, default inf
    max_products : int, optional
        The largest number of Hessian-vector products for a step, at most twice the size of x; 1000 if not given.
    """
    return _steps(objective, point, steihaug, radius, max_radius, max_products, 1000)


def trust_krylov_steps(
    objective: Objective,
    point: Point,
    *,
    radius: float | None = None,
    max_radius: float = float("inf"),
    max_products: int | None = None,
) -> Iterator[Move]:
    """Newton's method; the step is optimal in a Krylov space, also on the boundary (Lanczos).

    Parameters
    ----------
    radius, max_radius, max_products
        As in newton-cg; 200 products if not given, since every product stores a vector.
    """
    return _steps(objective, point, krylov_step, radius, max_radius, max_products, 200)


def _steps(
    objective: Objective,
    point: Point,
    solve: Callable[..., TrustRegionStep],
    radius: float | None,
    max_radius: float,
    max_products: int | None,
    most_products: int,
) -> Iterator[Move]:
    max_radius = checked("max_radius", max_radius, 0.0, open_low=True)
    if radius is None:
        radius = min(max(1.0, float(np.linalg.norm(point.x))), max_radius)
    radius = checked("radius", radius, 0.0, max_radius, open_low=True)
    limit = most_products if max_products is None else whole("max_products", max_products, 1)
    limit = min(2 * point.x.size, limit)
    eps = float(np.finfo(point.x.dtype).eps)
    progress = Progress(point.fun, float(np.linalg.norm(objective.slope(point))))
    while True:
        free = objective.free(point)
        g = np.where(free, point.grad, 0).astype(point.grad.dtype)
        norm = float(np.linalg.norm(g))
        if not progress.goes_on(point.fun, norm):
            return
        matvec = point.matvec if free.all() else _reduced(point.matvec, free)
        assert matvec is not None
        rounding = _ROUNDING * eps * abs(point.fun)
        while True:
            # a tight tolerance, since a product costs less than the evaluation that a better step saves
            solved = solve(matvec, g, radius, tol=min(0.01, norm), max_iter=limit)
            step, predicted = _within(objective, point, matvec, g, solved, radius)
            length = float(np.linalg.norm(step))
            if not predicted > 0.0 or length <= 0.5 * eps * float(np.linalg.norm(point.x)):
                return
            new = objective.model(point.x + step)
            ratio = (point.fun - new.fun + rounding) / (predicted + rounding)
            if not np.isfinite(new.grad).all():
                ratio = float("nan") if new.fun > -np.inf else ratio
            radius = _next_radius(radius, length, ratio, max_radius)
            if ratio > _ACCEPT:
                break
        yield Move(new, length, solved.curvature)
        point = new


def _next_radius(radius: float, length: float, ratio: float, limit: float) -> float:
    """As `solvers.updated_radius`, but it grows threefold if the model is very good, for badly scaled functions."""
    if not ratio >= 0.25:  # also if it is NaN
        return 0.25 * length
    if ratio > 0.75 and length >= 0.99 * radius:
        return min((3.0 if ratio > 0.9 else 2.0) * radius, limit)
    return radius


def _reduced(matvec: Callable[[Vector], Vector] | None, free: Vector) -> Callable[[Vector], Vector]:
    """Products with the submatrix of the free numbers."""
    assert matvec is not None
    return lambda v: np.where(free, matvec(np.where(free, v, 0).astype(v.dtype)), 0).astype(v.dtype)


def _within(
    objective: Objective,
    point: Point,
    matvec: Callable[[Vector], Vector],
    g: Vector,
    solved: TrustRegionStep,
    radius: float,
) -> tuple[Vector, float]:
    """The step projected onto the bounds, and the decrease that the model predicts for it."""
    if objective.box is None:
        return solved.step, solved.predicted
    step = objective.project(point.x + solved.step) - point.x
    if np.array_equal(step, solved.step):
        return step, solved.predicted
    predicted = -float(g @ step + 0.5 * (step @ matvec(step)))
    # a projected step may lead uphill; a short enough step along the negative gradient does not
    cauchy = objective.project(point.x - min(1.0, radius / float(np.linalg.norm(g))) * g) - point.x
    curve = float(cauchy @ matvec(cauchy))
    slope = float(g @ cauchy)
    share = min(1.0, -slope / curve) if curve > 0.0 else 1.0
    by_gradient = -(share * slope + 0.5 * share**2 * curve)
    return (step, predicted) if predicted >= by_gradient else (share * cauchy, by_gradient)
