"""Shared by the rules of linear algebra: transposes, checks of shapes, and errors that name the matrix.

A matrix occupies the last two axes; axes before them make a stack of matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import MatrixError, ShapeError, UnsupportedError
from autodiff.ops.shapes import operand, values

# --- rewriting ------------------------------------------------------------------------------------


def transposed(x: Any) -> Any:
    """Rows and columns exchanged."""
    return x.swapaxes(-1, -2)


def conj(x: Any) -> Any:
    """The complex conjugate; for a real array the array itself."""
    return x.conj() if x.dtype.kind == "c" else x


def real_part(x: Any) -> Any:
    """The real part; for a real array the array itself."""
    return x.real if x.dtype.kind == "c" else x


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    return conj(transposed(x))


def hermitian_part(x: Any) -> Any:
    """The mean of `x` and its adjoint. As a real linear map it is its own transpose, so it serves both sweeps."""
    return (x + adjoint(x)) / 2.0


def diagonal(x: Any) -> Any:
    """The entries on the diagonal."""
    return np.diagonal(x, 0, -2, -1)


def precision(x: Any) -> Any:
    """The limits (`finfo`) of the real dtype of NumPy's results for `x`: that of its parts, float64 for integers."""
    return np.finfo(x.dtype if x.dtype.kind in "fc" else np.float64)


def identity(x: Any) -> Any:
    """The real identity matrix with as many columns as `x`, in its precision."""
    return np.eye(x.shape[-1], dtype=precision(x).dtype)


def on_diagonal(values: Any) -> Any:
    """The diagonal matrix of `values`."""
    return values[..., None] * np.eye(values.shape[-1], dtype=values.dtype)


def rounding(x: Any) -> float:
    """The limit below which an eigenvalue or singular value of `x`, relative to the largest, counts as 0."""
    return 10 * max(x.shape[-2:]) * float(precision(x).eps)


# --- checks ---------------------------------------------------------------------------------------


def matrix(a: Any, name: str, what: str = "a") -> Any:
    """`a` as an operand with at least two axes."""
    a = operand(a)
    if a.ndim < 2:
        raise ShapeError(
            f"{name}: {what} has shape {a.shape}; a matrix is expected, or a stack of matrices: two axes or more."
        )
    return a


def square(a: Any, name: str, what: str = "a") -> Any:
    """`a` as an operand that is a square matrix or a stack of them."""
    a = matrix(a, name, what)
    if a.shape[-1] != a.shape[-2]:
        raise ShapeError(
            f"{name}: {what} has shape {a.shape}; a square matrix is expected, or a stack of them: the last two axes "
            f"must have equal length."
        )
    return a


def refused(text: str) -> UnsupportedError:
    """The refusal of a keyword, with what to write in its place."""
    return UnsupportedError(f"np.linalg.{text}")


def which(bad: Any) -> str:
    """The words that name the first bad matrix of a stack; empty for a single matrix."""
    bad = np.asarray(bad)
    if not bad.ndim or not bad.any():
        return ""
    index = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
    return f", the matrix [{index}] of the stack,"


def singular(a: Any, name: str, what: str = "a", mend: str = "") -> MatrixError:
    """The error about a singular operand."""
    a = values(a)
    where = which(np.linalg.slogdet(a)[0] == 0)
    return MatrixError(
        f"{name}: {what}{where} is singular, shape {a.shape}. "
        + (mend or "Use np.linalg.pinv or lstsq, or add a small multiple of np.eye(n) to a.")
    )


# --- NumPy's named results, which are also built around Tensors -----------------------------------

_ONE = np.ones((1, 1))
EighResult: Any = type(np.linalg.eigh(_ONE))
EigResult: Any = type(np.linalg.eig(_ONE))
SVDResult: Any = type(np.linalg.svd(_ONE))
QRResult: Any = type(np.linalg.qr(_ONE))
SlogdetResult: Any = type(np.linalg.slogdet(_ONE))
