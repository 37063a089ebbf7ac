"""Conjugate gradients for a symmetric positive definite system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Vector = np.ndarray[Any, np.dtype[Any]]


class CGResult(NamedTuple):
    """The result of `conjugate_gradient`.

    Attributes
    ----------
    x : ndarray, (n,)
        The last iterate.
    residual_norm : float
        ``|b - A x|``, as updated by the recurrence.
    iterations : int
        Number of products with the matrix.
    converged : bool
        Whether the residual met the tolerance.
    negative_curvature : bool
        Whether a direction d with ``d' A d <= 0`` was found, which ends the iteration.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import conjugate_gradient
    >>> found = conjugate_gradient(lambda v: 2 * v, np.array([2.0, 4.0]))
    >>> found.x, found.converged
    (array([1., 2.]), True)
    """

    x: Vector
    residual_norm: float
    iterations: int
    converged: bool
    negative_curvature: bool


def conjugate_gradient(
    matvec: Callable[[Vector], Vector], b: Vector, *, tol: float = 1e-10, max_iter: int | None = None
) -> CGResult:
    """Solve ``A x = b`` from products with the symmetric positive definite matrix A.

    Parameters
    ----------
    matvec : callable
        ``(n,) -> (n,)``, the product ``A v``.
    b : ndarray, (n,)
        Right-hand side.
    tol : float, default 1e-10
        Converged when ``|b - A x| <= tol * |b|``.
    max_iter : int, optional
        At most this many products; by default 10 n.

    Returns
    -------
    CGResult

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), algorithm 5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import conjugate_gradient
    >>> A = np.array([[4.0, 1.0], [1.0, 3.0]])
    >>> conjugate_gradient(lambda v: A @ v, np.array([1.0, 2.0])).x.round(6)
    array([0.090909, 0.636364])
    """
    b = np.asarray(b)
    x = np.zeros_like(b)
    r = b.copy()
    d = r.copy()
    rr = float(r @ r)
    goal = (tol**2) * rr
    limit = 10 * b.size if max_iter is None else max_iter
    for k in range(limit):
        if rr <= goal:
            return CGResult(x, rr**0.5, k, True, False)
        ad = matvec(d)
        curvature = float(d @ ad)
        if curvature <= 0:
            return CGResult(x, rr**0.5, k + 1, False, True)
        step = rr / curvature
        x = x + step * d
        r = r - step * ad
        rr, before = float(r @ r), rr
        d = r + (rr / before) * d
    return CGResult(x, rr**0.5, limit, rr <= goal, False)
