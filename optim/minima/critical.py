"""Critical points, where the gradient vanishes: their classification, and a search for all of them in a box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from optim.minima.objective import Objective, Point, Vector
from optim.minima.regions import Box, box_of
from optim.minima.stationary import Slopes, hessian_of, to_zero_gradient
from optim.options import checked, whole


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """A point where the gradient vanishes.

    Attributes
    ----------
    kind : {"minimum", "maximum", "saddle", "degenerate"}
        From the signs of the eigenvalues; degenerate if some are 0 and the others have one sign, so that they do not
        decide.
    index : int
        The number of negative eigenvalues.
    eigenvalues : ndarray, (n,)
        Eigenvalues of the Hessian, in ascending order.
    x : array or container
        The point.
    fun : float

    Examples
    --------
    >>> import numpy as np, optim
    >>> (point,) = optim.critical_points(lambda p: p[0] ** 2 - p[1] ** 2, [(-1.0, 1.0), (-1.0, 1.0)])
    >>> point.kind, point.index
    ('saddle', 1)
    """

    kind: str
    index: int
    eigenvalues: Vector
    x: Any
    fun: float


def classify_critical_point(
    f: Callable[[Any], Any], x: Any, *, tol: float = 1e-8, gradient_tol: float = 1e-4
) -> CriticalPoint:
    """Classify a critical point by the eigenvalues of the Hessian.

    Parameters
    ----------
    f : callable
        ``x -> number``.
    x : array_like or container
        A point where the gradient of `f` is 0.
    tol : float, default 1e-8
        Eigenvalues below this fraction of the largest count as 0.
    gradient_tol : float, default 1e-4
        The gradient counts as 0 if no entry exceeds ``gradient_tol * max(1, |f|)``.

    Returns
    -------
    CriticalPoint

    Raises
    ------
    autodiff.DomainError
        If the gradient is not 0 at `x`, or the Hessian is not finite or not symmetric there.

    Notes
    -----
    The Hessian is formed with one product for each number in `x`. A minimum has ``min(eigenvalues) > 0``, a maximum
    ``max(eigenvalues) < 0``, a saddle eigenvalues of both signs.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), theorems 2.3 and 2.4.

    Examples
    --------
    >>> import numpy as np, optim
    >>> point = optim.classify_critical_point(lambda p: p[0] ** 2 - p[1] ** 2, np.zeros(2))
    >>> point.kind, point.index, point.eigenvalues
    ('saddle', 1, array([-2.,  2.]))
    """
    tol = checked("tol", tol, 0.0)
    gradient_tol = checked("gradient_tol", gradient_tol, 0.0)
    objective = Objective(f, x, None)
    point = objective.model(objective.start)
    size = float(np.abs(point.grad).max())
    if not size <= gradient_tol * max(1.0, abs(point.fun)):
        raise ad.DomainError(
            f"classify_critical_point: the gradient at x is not 0; its largest entry is {size:.3g}. Find a critical "
            "point first, with optim.minimize or optim.critical_points, or raise gradient_tol."
        )
    return _classified(objective, point, tol, 0.0)


def critical_points(
    f: Callable[[Any], Any],
    box: Any,
    *,
    n: int | None = None,
    seed: int = 0,
    tol: float = 1e-10,
) -> list[CriticalPoint]:
    """Search for the critical points of a function in a box: minima, maxima and saddles.

    Parameters
    ----------
    f : callable
        A function of an array ``(d,)``; of one number, if `box` is a single pair.
    box : pair, or sequence of d pairs ``(low, high)``
        The finite range of each coordinate, including the bounds.
    n : int, optional
        Number of starting points; by default 64 for one number, 144 for two, 64 d for more.
    seed : int, default 0
        Seed of the starting points, one at random in each cell of a grid.
    tol : float, default 1e-10
        A point is accepted if no entry of the gradient exceeds this fraction of its typical size over the starts.

    Returns
    -------
    list of CriticalPoint
        Each point once, in ascending order of f.

    Raises
    ------
    autodiff.DomainError
        If f has no finite gradient at any starting point.

    Notes
    -----
    Newton's method for ``gradient = 0`` runs from every start, with Levenberg-Marquardt damping,
    ``(H^2 + c I) p = -H g``, so that the gradient shrinks at every step; from all of them at the same time if `f` also
    takes many points, (d, n), and returns (n,). The result holds all points that some start leads to; there may be
    more. Points that are not isolated (a valley floor) appear as often as starts end at different ones.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), section 10.3.

    Examples
    --------
    >>> import numpy as np, optim
    >>> double_well = lambda p: (p[0] ** 2 - 1.0) ** 2 + p[1] ** 2
    >>> for point in optim.critical_points(double_well, [(-2.0, 2.0), (-1.0, 1.0)]):
    ...     print(point.kind, point.x.round(6) + 0.0)
    minimum [-1.  0.]
    minimum [1.  0.]
    saddle [0. 0.]
    """
    x, limits = middle_of(box, "critical_points")
    tol = checked("tol", tol, 0.0, open_low=True)
    objective = Objective(f, x, None)
    d = x.size
    count = {1: 64, 2: 144}.get(d, 64 * d) if n is None else whole("n", n, 1)
    with np.errstate(all="ignore"):
        starts = spread(limits, count, seed).reshape(count, -1)
        slopes = Slopes(objective, starts)
        gradients, hessians = slopes.at(starts)
        there = np.flatnonzero(np.isfinite(gradients).all(axis=1))
        if not len(there):
            raise ad.DomainError(f"critical_points: f has no finite gradient at any of {count} points of the box.")
        scale = float(np.median(np.abs(gradients[there]).max(axis=1))) or 1.0
        curving = float(np.median(np.abs(hessians(there)).max(axis=(1, 2))))
        low, high = limits.low.reshape(-1), limits.high.reshape(-1)
        found: list[Vector] = []
        margin = 1e-8 * (high - low)
        for point in to_zero_gradient(slopes, starts[there], tol * scale, limits):
            if point is None or (point < low - margin).any() or (point > high + margin).any():
                continue
            if not any((np.abs(point - other) <= 1e-5 * (high - low)).all() for other in found):
                found.append(point)
        kinds = [_classified(objective, objective.model(point), 1e-8, 1e-7 * curving) for point in found]
    return sorted(kinds, key=lambda c: (c.fun, tuple(np.reshape(c.x, -1))))


def middle_of(box: Any, who: str) -> tuple[Vector, Box]:
    """The centre of a finite box, as a number or an array, and the box as bounds."""
    try:
        pairs = np.asarray(box, float)
    except (TypeError, ValueError):
        pairs = np.zeros(0)
    if pairs.shape != (2,) and (pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs)):
        raise ad.ShapeError(
            f"{who}: the box must be a pair (low, high), or one pair for each coordinate, such as [(-2, 2), (0, 1)]; "
            f"{box!r} was given."
        )
    if not np.isfinite(pairs).all():
        raise ValueError(f"{who}: the box must be finite, since starts are drawn from it; {box!r} was given.")
    middle = pairs.mean(axis=-1)
    limits = box_of(pairs, middle, "box")
    assert limits is not None
    return middle, limits


def spread(box: Box, n: int, seed: int) -> Vector:
    """`n` random points, one per grid cell in up to two dimensions if `n` fits a grid; otherwise a Latin hypercube."""
    rng = np.random.default_rng(seed)
    d = box.low.size
    side = round(n ** (1 / d))
    if d <= 2 and side**d == n:
        cells = np.stack(np.meshgrid(*[np.arange(side)] * d, indexing="ij"), axis=-1).reshape(n, d)
        unit = (cells + rng.uniform(size=(n, d))) / side
    else:
        unit = (np.stack([rng.permutation(n) for _ in range(d)], axis=1) + rng.uniform(size=(n, d))) / n
    return np.asarray(box.low + unit * (box.high - box.low))


def _classified(objective: Objective, point: Point, tol: float, floor: float) -> CriticalPoint:
    """Classify by the signs of the eigenvalues; those below `floor`, or below `tol` times the largest, count as 0."""
    H = hessian_of(point)
    largest = float(np.abs(H).max(initial=0.0))
    if not np.isfinite(H).all():
        raise ad.DomainError(f"the Hessian is not finite at {objective.unravel(point.x)!r}; f is not smooth there.")
    apart = float(np.abs(H - H.T).max())
    if apart > 1e-6 * largest:
        raise ad.DomainError(
            f"the mixed second derivatives differ by {apart:.3g} at {objective.unravel(point.x)!r}; f is not twice "
            "continuously differentiable there, and the eigenvalues cannot decide."
        )
    values = np.linalg.eigvalsh((H + H.T) / 2)
    zero = max(tol * float(np.abs(values).max()), floor)
    negative, positive = int((values < -zero).sum()), int((values > zero).sum())
    if negative and positive:
        kind = "saddle"
    elif negative + positive < values.size:
        kind = "degenerate"
    else:
        kind = "minimum" if positive else "maximum"
    return CriticalPoint(kind, negative, values, objective.unravel(point.x), point.fun)
