"""The trust-region subproblem by truncated conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

Vector = np.ndarray[Any, np.dtype[Any]]
Ending = Literal["converged", "boundary", "negative curvature", "iterations"]


class TrustRegionStep(NamedTuple):
    """A step that lowers the quadratic model inside the trust region.

    Attributes
    ----------
    step : ndarray, (n,)
        Its length is at most the radius.
    predicted : float
        The decrease of the model, ``-(g'p + p'Bp/2)``; not negative.
    curvature : float
        The smallest ``d'Bd / d'd`` along the directions tried.
    iterations : int
        Number of products with the matrix.
    ending : {"converged", "boundary", "negative curvature", "iterations"}
        Why the iteration ended.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import steihaug
    >>> found = steihaug(lambda v: 2 * v, np.array([2.0, 0.0]), radius=10.0)
    >>> found.predicted, found.ending
    (1.0, 'converged')
    """

    step: Vector
    predicted: float
    curvature: float
    iterations: int
    ending: Ending


def steihaug(
    matvec: Callable[[Vector], Vector],
    g: Vector,
    radius: float,
    *,
    tol: float | None = None,
    max_iter: int | None = None,
) -> TrustRegionStep:
    """Minimise ``g'p + p'Bp/2`` over ``|p| <= radius``, approximately, from products with B.

    Parameters
    ----------
    matvec : callable
        ``(n,) -> (n,)``, the product ``B v`` with a symmetric, possibly indefinite matrix.
    g : ndarray, (n,)
        Gradient.
    radius : float
        Length of the longest step allowed.
    tol : float, optional
        The residual at which to stop, relative to ``|g|``. The default, ``min(1/2, sqrt|g|)``, makes
        Newton's method converge superlinearly.
    max_iter : int, optional
        At most this many products; by default 2 n.

    Returns
    -------
    TrustRegionStep

    References
    ----------
    T. Steihaug, "The conjugate gradient method and trust regions in large scale optimization", SIAM
    J. Numer. Anal. 20 (1983). J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), algorithm
    7.2.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import steihaug
    >>> steihaug(lambda v: 2 * v, np.array([2.0, 0.0]), radius=10.0).step
    array([-1., -0.])
    """
    norm = float(np.linalg.norm(g))
    if tol is None:
        tol = min(0.5, norm**0.5)
    p = np.zeros_like(g)
    bp = np.zeros_like(g)  # B p, updated along the way, so that the model's decrease costs no extra product
    r = g.copy()
    d = -r
    rr = float(r @ r)
    curvature = np.inf

    def ended(step: Vector, b_step: Vector, k: int, why: Ending) -> TrustRegionStep:
        return TrustRegionStep(step, -float(g @ step + 0.5 * (step @ b_step)), float(curvature), k, why)

    limit = 2 * g.size if max_iter is None else max_iter
    for k in range(1, limit + 1):
        bd = matvec(d)
        dd = float(d @ d)
        if dd == 0.0:
            return ended(p, bp, k, "converged")
        dbd = float(d @ bd)
        curvature = min(curvature, dbd / dd)
        if dbd <= 0:
            tau = _to_boundary(p, d, radius)
            return ended(p + tau * d, bp + tau * bd, k, "negative curvature")
        alpha = rr / dbd
        further = p + alpha * d
        if float(further @ further) >= radius * radius:
            tau = _to_boundary(p, d, radius)
            return ended(p + tau * d, bp + tau * bd, k, "boundary")
        p, bp = further, bp + alpha * bd
        r = r + alpha * bd
        rr, before = float(r @ r), rr
        if rr**0.5 <= tol * norm:
            return ended(p, bp, k, "converged")
        d = -r + (rr / before) * d
    return ended(p, bp, limit, "iterations")


def _to_boundary(p: Vector, d: Vector, radius: float) -> float:
    """The positive tau with ``|p + tau d| = radius``, without cancellation."""
    a, b, c = float(d @ d), float(p @ d), float(p @ p) - radius * radius
    root = float(np.sqrt(max(b * b - a * c, 0.0)))
    return -c / (b + root) if b > 0 else (root - b) / a


def updated_radius(radius: float, length: float, ratio: float, limit: float) -> float:
    """The next trust radius: smaller after a poor prediction, larger after a good one that reached the boundary.

    Parameters
    ----------
    radius, length : float
        The radius, and the length of the step taken in it.
    ratio : float
        Actual over predicted decrease.
    limit : float
        The largest radius allowed.

    Returns
    -------
    float
        The radius for the next step.

    Notes
    -----
    ``length / 4`` if ``ratio < 1/4``, and ``min(2 radius, limit)`` if ``ratio > 3/4`` at the boundary; else it stays.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), algorithm 4.1.

    Examples
    --------
    >>> from autodiff.solvers import updated_radius
    >>> updated_radius(1.0, 1.0, 0.9, 100.0), updated_radius(1.0, 0.5, 0.1, 100.0)
    (2.0, 0.125)
    """
    if not ratio >= 0.25:  # also if the ratio is NaN
        return 0.25 * length
    if ratio > 0.75 and length >= 0.99 * radius:
        return min(2.0 * radius, limit)
    return radius
