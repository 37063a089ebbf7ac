"""The Lanczos iteration: extreme eigenvalues of a symmetric matrix from products with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Vector = np.ndarray[Any, np.dtype[Any]]


_LEAST = 10  # fewest products before the error is trusted: early estimates may converge to the second smallest


class Eigenpair(NamedTuple):
    """The smallest eigenvalue, as estimated by `smallest_eigenvalue`.

    Attributes
    ----------
    value : float
        A Rayleigh quotient, so never below the true smallest eigenvalue.
    vector : ndarray, (n,)
        Of length 1.
    error : float
        ``|A v - value v|``: some eigenvalue lies within this distance of `value`.
    largest : float
        The largest absolute value among the estimated eigenvalues: the scale of the matrix.
    iterations : int
        Number of products with the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import smallest_eigenvalue
    >>> found = smallest_eigenvalue(lambda v: np.array([3.0, -1.0, 2.0]) * v, 3)
    >>> round(found.value, 6), found.iterations <= 3
    (-1.0, True)
    """

    value: float
    vector: Vector
    error: float
    largest: float
    iterations: int


def smallest_eigenvalue(
    matvec: Callable[[Vector], Vector],
    n: int,
    *,
    tol: float = 1e-6,
    max_iter: int = 60,
    dtype: Any = float,
    seed: int = 0,
) -> Eigenpair:
    """The smallest eigenvalue of a symmetric matrix, ``A v = value v``, with its vector, from products with the matrix.

    Parameters
    ----------
    matvec : callable
        ``(n,) -> (n,)``, the product ``A v``.
    n : int
        Size of the matrix.
    tol : float, default 1e-6
        Stop when the error is at most this fraction of the largest estimated eigenvalue.
    max_iter : int, default 60
        At most this many products. With n or more the answer is exact up to rounding.
    dtype : dtype, default float
        The dtype of the vectors.
    seed : int, default 0
        Seed of the random start vector.

    Returns
    -------
    Eigenpair

    Notes
    -----
    Every new vector is orthogonalised twice against all before it, so that no copies of eigenvalues appear. The start
    vector is random, because an eigenvector orthogonal to it would not be found.

    References
    ----------
    B. Parlett, "The Symmetric Eigenvalue Problem" (1998), chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import smallest_eigenvalue
    >>> found = smallest_eigenvalue(lambda v: np.array([3.0, -1.0, 2.0]) * v, 3)
    >>> round(found.value, 6), np.abs(found.vector).round(6)
    (-1.0, array([0., 1., 0.]))
    """
    eps = float(np.finfo(dtype).eps)
    most = min(n, max_iter)
    basis, products, projected = np.zeros((most, n), dtype), np.zeros((most, n), dtype), np.zeros((most, most))
    value, error, largest, weights = np.nan, np.inf, 0.0, np.zeros(most)
    q = np.random.default_rng(seed).normal(size=n).astype(dtype)
    q /= np.linalg.norm(q)
    for k in range(1, most + 1):
        basis[k - 1] = q
        residual = np.asarray(matvec(q), dtype)
        if not np.isfinite(residual).all():
            return Eigenpair(np.nan, q, np.inf, np.inf, k)
        products[k - 1] = residual
        row = basis[:k] @ residual
        projected[k - 1, :k] = projected[:k, k - 1] = row
        values, vectors = np.linalg.eigh(projected[:k, :k])
        value, weights, largest = float(values[0]), vectors[:, 0], float(np.abs(values).max())
        error = float(np.linalg.norm(weights @ products[:k] - value * (weights @ basis[:k])))
        if error <= tol * largest and k >= min(n, _LEAST):
            break
        before = float(np.linalg.norm(residual))
        residual = residual - row @ basis[:k]
        residual -= (basis[:k] @ residual) @ basis[:k]
        length = float(np.linalg.norm(residual))
        if length <= 100 * eps * before:  # the space is exhausted: it is invariant under A
            break
        q = residual / length
    return Eigenpair(value, (weights @ basis[:k]).astype(dtype), error, largest, k)
