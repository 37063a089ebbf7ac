"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.core.kinds import linear
from autodiff.core.primitives import Primitive, implements
from autodiff.errors import ShapeError
from autodiff.ops.choices import where
from autodiff.ops.matrices import adjoint
from autodiff.ops.shapes import canonical_axis, operand, ravel
from autodiff.typing import Shape


def _embed(values: Any, *, shape: Shape, offset: int, axis1: int, axis2: int) -> Any:
    out = np.zeros(shape, values.dtype)
    d = np.diagonal(out, offset, axis1, axis2)
    d.setflags(write=True)  # NumPy returns a read-only view, but the array was made here
    d[...] = values
    return out


embed_diagonal = linear(
    _embed,
    lambda ct, values, *, shape, offset, axis1, axis2: diagonal_of(ct, offset=offset, axis1=axis1, axis2=axis2),
    name="embed_diagonal",
    masking=True,
)
"""Zeros with `values` on a diagonal: the transpose of taking it."""

diagonal_of: Primitive = linear(
    lambda x, *, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2),
    lambda ct, x, *, offset, axis1, axis2: embed_diagonal(ct, shape=x.shape, offset=offset, axis1=axis1, axis2=axis2),
    name="diagonal",
    masking=True,
)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """``np.diagonal``."""
    i, j = canonical_axis(axis1, a.ndim, "diagonal"), canonical_axis(axis2, a.ndim, "diagonal")
    return diagonal_of(a, offset=int(offset), axis1=i, axis2=j)


@implements(np.linalg.diagonal)
def matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """``np.linalg.diagonal``: the diagonal of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """``np.trace``."""
    return diagonal(a, offset, axis1, axis2).sum(axis=-1)


@implements(np.linalg.trace)
def matrix_trace(x: Any, /, *, offset: int = 0) -> Any:
    """``np.linalg.trace``: the trace over the last two axes."""
    return trace(x, offset, -2, -1)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """``np.diag``: the diagonal of a matrix, or the matrix of a diagonal."""
    if v.ndim == 1:
        n = v.size + abs(int(k))
        return embed_diagonal(v, shape=(n, n), offset=int(k), axis1=0, axis2=1)
    if v.ndim != 2:
        raise ShapeError(f"diag: one or two axes are expected; the array has shape {v.shape}.")
    return diagonal(v, k)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """``np.diagflat``."""
    return diag(ravel(operand(v)), k)


def _lower(m: Any, k: int) -> Any:
    """The mask of entries on or below the k-th diagonal of a matrix, a stack, or a vector repeated as all rows."""
    return np.tri(m.shape[-2:][0], m.shape[-1], k, dtype=bool)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """``np.tril``."""
    return where(_lower(m, k), m, 0)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """``np.triu``."""
    return where(_lower(m, k - 1), 0, m)


def _read(a: Any, triangle: str, *, diagonal: bool = True) -> Any:
    lower = _lower(a, 0 if diagonal == (triangle == "L") else -1)
    return lower if triangle == "L" else ~lower


@linear(lambda a, *, triangle: np.where(_read(a, triangle), a, adjoint(a)), name="mirrored")
def mirrored_of(ct: Any, a: Any, *, triangle: str) -> Any:
    """Entries that are not read get slope 0 by a product: NaN, the answer of a rule that has none, stays NaN."""
    return ct * _read(a, triangle) + adjoint(ct) * _read(a, triangle, diagonal=False)


def mirrored(a: Any, triangle: str) -> Any:
    """The Hermitian matrix given by one triangle of `a`, ``"L"`` or ``"U"``; the other triangle is not read."""
    return mirrored_of(a, triangle=triangle)
