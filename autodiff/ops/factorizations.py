"""Triangular factorizations: Cholesky and QR.

Both rules follow the same idea. In the basis of the factors a change of the matrix is split into a triangle and the
rest, and the rest is a rotation (QR) or the adjoint of the triangle (Cholesky).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.core.kinds import primitive
from autodiff.core.primitives import implements
from autodiff.errors import MatrixError
from autodiff.ops.diagonals import mirrored
from autodiff.ops.joining import concatenate_all
from autodiff.ops.matrices import (
    QRResult,
    adjoint,
    conj,
    hermitian_part,
    matrix,
    refused,
    square,
    transposed,
)
from autodiff.ops.products import matmul
from autodiff.ops.solving import solved

# --- Cholesky -------------------------------------------------------------------------------------


def _halved(x: Any) -> Any:
    """The lower triangle, with the diagonal halved."""
    n = x.shape[-1]
    return x * (np.tri(n) - np.eye(n) / 2).astype(np.finfo(x.dtype).dtype)


def _cholesky(a: Any) -> Any:
    a = hermitian_part(a)
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        raise _not_positive(a) from None


def _not_positive(a: Any) -> MatrixError:
    """The error about the first matrix that is not positive definite, with its first minor that is not positive."""
    n = a.shape[-1]
    for index in np.ndindex(a.shape[:-2]):
        for k in range(1, n + 1):
            try:
                np.linalg.cholesky(a[index][:k, :k])
            except np.linalg.LinAlgError:
                which = f", the matrix {list(index)} of the stack," if index else ""
                minor = np.linalg.det(a[index][:k, :k]).real
                return MatrixError(
                    f"cholesky: a{which} is not positive definite: its leading minor of order {k} (the determinant of "
                    f"a[:{k}, :{k}]) is {minor:.3g}, not positive. Adding a small multiple of np.eye({n}) may help."
                )
    return MatrixError("cholesky: a is not positive definite.")


def _cholesky_pull(ct: Any, y: Any, a: Any) -> Any:
    """Murray, Differentiation of the Cholesky decomposition, 2016, (10)."""
    upper = transposed(y)
    x = solved(upper, _halved(upper @ ct), "cholesky", "the factor")
    return hermitian_part(transposed(solved(conj(upper), transposed(x), "cholesky", "the factor")))


def _cholesky_push(t: Any, y: Any, a: Any) -> Any:
    x = solved(y, hermitian_part(t), "cholesky", "the factor")
    return y @ _halved(hermitian_part(solved(y, adjoint(x), "cholesky", "the factor")))


lower_factor = primitive(_cholesky, name="cholesky", vjp=[_cholesky_pull], jvp=[_cholesky_push])
"""The lower Cholesky factor of a Hermitian matrix."""


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """``np.linalg.cholesky``: reads the lower triangle, or with `upper` the upper one, as NumPy does; see `eigh`."""
    y = lower_factor(mirrored(square(a, "cholesky"), "U" if upper else "L"))
    return adjoint(y) if upper else y


# --- QR -------------------------------------------------------------------------------------------


def _over(x: Any, r: Any) -> Any:
    """``x @ inv(r)`` for a triangle `r`."""
    mend = "qr has a derivative only where the leading columns are independent."
    return transposed(solved(transposed(r), transposed(x), "qr", "the factor R", mend))


def _strictly_lower(x: Any) -> Any:
    n = x.shape[-1]
    return x * np.tri(n, n, -1, dtype=np.finfo(x.dtype).dtype)


def _real_diagonal(x: Any) -> Any:
    return np.real(x) * np.eye(x.shape[-1], dtype=np.finfo(x.dtype).dtype)


def _strictly_upper(x: Any) -> Any:
    n = x.shape[-1]
    return x * np.tri(n, n, -1, dtype=np.finfo(x.dtype).dtype).T


def _qr_pull(ct: Any, y: Any, a: Any) -> Any:
    """The transpose of `_qr_push`, step by step."""
    (ct_q, ct_r), (q, r) = ct, y
    turned = -(transposed(q) @ ct_q) + ct_r @ transposed(r)
    turned = _strictly_upper(turned) + _strictly_lower(adjoint(turned)) + _real_diagonal(turned)
    return _over(ct_q + conj(q) @ turned, transposed(r))


def _qr_push(t: Any, y: Any, a: Any) -> Any:
    """S = Q^H dA R^-1 is the sum of the rotation Q^H dQ and the triangle dR R^-1, which are separated here."""
    q, r = y
    t = _over(t, r)
    s = adjoint(q) @ t
    s = _strictly_upper(s) + adjoint(_strictly_lower(s)) + _real_diagonal(s)
    return t - q @ s, s @ r


tall_factors = primitive(lambda a: tuple(np.linalg.qr(a)), name="qr", vjp=[_qr_pull], jvp=[_qr_push])
"""Q and R of a matrix with at least as many rows as columns."""


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """``np.linalg.qr``; `mode` is ``'reduced'``, ``'r'``, or, if rows <= columns, ``'complete'``."""
    a = matrix(a, "qr")
    rows, columns = a.shape[-2:]
    if mode not in ("reduced", "r", "complete"):
        raise refused(f"qr on a Tensor: mode must be 'reduced', 'complete' or 'r'; {mode!r} was given.")
    if mode == "complete" and rows > columns:
        raise refused(
            f"qr on a Tensor of shape {a.shape}: mode='complete' adds columns to Q that a does not determine, so they "
            f"have no derivative. Use mode='reduced'."
        )
    if rows >= columns:
        q, r = tall_factors(a)
    else:  # the first columns determine Q
        q, r = tall_factors(a[..., :rows])
        r = concatenate_all(r, matmul(adjoint(q), a[..., rows:]), axis=a.ndim - 1)
    return r if mode == "r" else QRResult(q, r)
