"""The trust-region subproblem, solved to convergence in a growing Krylov space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.solvers.trust_region import Ending, TrustRegionStep

Vector = np.ndarray[Any, np.dtype[Any]]


def krylov_step(
    matvec: Callable[[Vector], Vector],
    g: Vector,
    radius: float,
    *,
    tol: float | None = None,
    max_iter: int | None = None,
) -> TrustRegionStep:
    """Minimise ``g'p + p'Bp/2`` over ``|p| <= radius`` in the Krylov space of g, including the boundary.

    Parameters
    ----------
    matvec : callable
        ``(n,) -> (n,)``, the product ``B v`` with a symmetric, possibly indefinite matrix.
    g : ndarray, (n,)
        Gradient.
    radius : float
        Length of the longest step allowed.
    tol : float, optional
        The residual at which to stop, relative to ``|g|``; by default ``min(1/2, sqrt|g|)``.
    max_iter : int, optional
        At most this many products; by default n, but at most 100.

    Returns
    -------
    TrustRegionStep
        At the boundary, where `steihaug` would stop, the iteration goes on to the best boundary point; `curvature` is
        the smallest eigenvalue of B in the Krylov space.

    References
    ----------
    N. Gould, S. Lucidi, M. Roma, P. Toint, "Solving the trust-region subproblem using the Lanczos method", SIAM
    J. Optim. 9 (1999), algorithm 5.1, with the whole basis kept in place of a second pass.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import krylov_step
    >>> krylov_step(lambda v: np.array([1.0, -2.0]) * v, np.array([0.1, 0.1]), radius=1.0).step.round(3)
    array([-0.032, -0.999])
    """
    norm = float(np.linalg.norm(g))
    if norm == 0.0:
        return TrustRegionStep(np.zeros_like(g), 0.0, float("inf"), 0, "converged")
    if tol is None:
        tol = min(0.5, norm**0.5)
    most = min(g.size, 100) if max_iter is None else max(1, min(g.size, max_iter))
    basis = np.zeros((most, g.size), g.dtype)
    diagonal, beside = np.zeros(most), np.zeros(most)
    q = g / norm
    due = 1
    k, h, shift, values, next_beta = 0, np.zeros(1), 0.0, np.zeros(1), 0.0
    for k in range(1, most + 1):
        basis[k - 1] = q
        residual = np.asarray(matvec(q), g.dtype)
        diagonal[k - 1] = float(q @ residual)
        scale = float(np.linalg.norm(residual))
        for _ in range(2):
            residual = residual - (basis[:k] @ residual) @ basis[:k]
        next_beta = float(np.linalg.norm(residual))
        if not np.isfinite(scale):
            break
        exhausted = next_beta <= 1e-14 * scale
        if exhausted or k in (due, most):
            due = max(k + 1, k * 5 // 4)  # a decomposition at every step would soon cost more than the products
            T = np.diag(diagonal[:k]) + np.diag(beside[: k - 1], 1) + np.diag(beside[: k - 1], -1)
            values, vectors = np.linalg.eigh(T)
            h, shift = _on_the_region(values, vectors, norm, radius)
            if exhausted or next_beta * abs(h[-1]) <= tol * norm:
                break
        beside[k - 1] = next_beta
        q = residual / next_beta
    if not h.any():  # the first product was not finite
        return TrustRegionStep(np.zeros_like(g), 0.0, float("nan"), k, "iterations")
    step = (h @ basis[: h.size]).astype(g.dtype)
    predicted = -(norm * float(h[0]) + 0.5 * float(h @ (T @ h)))
    ending: Ending = "converged"
    if values[0] <= 0.0:
        ending = "negative curvature"
    elif shift > 0.0:
        ending = "boundary"
    elif next_beta * abs(float(h[-1])) > tol * norm:
        ending = "iterations"
    return TrustRegionStep(step, predicted, float(values[0]), k, ending)


def _on_the_region(values: Vector, vectors: Vector, norm: float, radius: float) -> tuple[Vector, float]:
    """The minimiser of ``norm e1'h + h'Th/2`` over ``|h| <= radius``, and the shift of T that yields it."""
    b = norm * vectors[0]  # -> h = -V (b / (values + shift))
    if values[0] > 0.0:
        h = -(b / values)
        if float(np.linalg.norm(h)) <= radius:
            return vectors @ h, 0.0
    tiny = 1e-14 * max(float(np.abs(values).max()), 1e-300)
    low = max(0.0, -float(values[0])) + tiny
    high = max(low, norm / radius - float(values[0])) + tiny
    shift = low
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if not float(np.linalg.norm(b / (values + low))) > radius:  # the hard case: add the smallest eigenvector
            h = -(b / (values + low))
            missing = max(0.0, radius**2 - float(h @ h))
            h[0] += np.copysign(missing**0.5, h[0] if h[0] else -1.0)
            return vectors @ (h * min(1.0, radius / max(float(np.linalg.norm(h)), 1e-300))), low
        for _ in range(200):  # Newton on 1/|h| - 1/radius, kept inside its interval
            h = b / (values + shift)
            length = float(np.linalg.norm(h))
            if abs(length - radius) <= 1e-12 * radius:
                break
            low, high = (shift, high) if length > radius else (low, shift)
            slope = float(np.sum(h * h / (values + shift)))
            new = shift + (length / radius - 1.0) * (length * length / slope) if slope else np.nan
            shift = new if low < new < high else 0.5 * (low + high)
            if high - low <= 1e-15 * high:
                break
    h = -(b / (values + shift))
    return vectors @ (h * (radius / float(np.linalg.norm(h)))), shift
