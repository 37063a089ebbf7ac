"""Eigenvalues, singular values and their vectors.

Vectors turn towards each other at the rate 1/(difference of their values). Where two values are equal up to rounding,
the vectors are not determined, and that rate is put to 0: a loss that does not depend on the choice of vectors does not
see it, and all slopes are finite. What depends on values only has its usual derivative; but the slope of a value is
made of vectors, so that the second derivative at equal values lacks what their turning adds.

Every vector has a free sign, or phase. The rules follow one choice of it; ask only for what does not depend on it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import MatrixError
from autodiff.ops.diagonals import mirrored
from autodiff.ops.elementwise import ratio
from autodiff.ops.matrices import (
    EighResult,
    EigResult,
    SVDResult,
    adjoint,
    conj,
    diagonal,
    hermitian_part,
    matrix,
    on_diagonal,
    refused,
    rounding,
    square,
    transposed,
    which,
)
from autodiff.primitives import implements, primitive


def _rates(differences: Any, scale: Any) -> Any:
    """Inverse differences, 0 for those that are 0 up to rounding at this scale."""
    return 1 / np.where(np.abs(differences) <= scale, math.inf, differences)


def _pairs(w: Any) -> Any:
    """At i, j the difference w_j - w_i."""
    return w[..., None, :] - w[..., :, None]


def _largest(w: Any) -> Any:
    """The largest magnitude, along two new axes; 0 of no values."""
    size = np.abs(w)
    return (np.max(size, axis=-1) if w.shape[-1] else size.sum(axis=-1))[..., None, None]


def _eigen_rates(w: Any, a: Any) -> Any:
    return _rates(_pairs(w), rounding(a) * _largest(w))


# --- symmetric matrices ---------------------------------------------------------------------------


def _eigh_pull(ct: Any, y: Any, a: Any, **_: Any) -> Any:
    (ct_w, ct_v), (w, v) = ct, y
    middle = None if ct_w is None else on_diagonal(ct_w)
    if ct_v is not None:
        turned = _eigen_rates(w, a) * (transposed(v) @ ct_v)
        middle = turned if middle is None else middle + turned
    return hermitian_part(conj(v) @ middle @ transposed(v))


def _eigh_push(t: Any, y: Any, a: Any, **_: Any) -> Any:
    w, v = y
    m = adjoint(v) @ hermitian_part(t) @ v
    return np.real(diagonal(m)), v @ (_eigen_rates(w, a) * m)


eigh_of = primitive(
    lambda a, *, triangle: tuple(np.linalg.eigh(hermitian_part(a), triangle)),
    name="eigh",
    vjp=[_eigh_pull],
    jvp=[_eigh_push],
    symbolic_zeros=True,
)
"""Eigenvalues and eigenvectors of a Hermitian matrix. Which triangle of it is read decides only the signs."""


def _eigh(a: Any, triangle: Any, name: str) -> Any:
    """The parts for the Hermitian matrix that one triangle of `a` stands for."""
    a = square(a, name)
    if triangle not in ("L", "U", "l", "u"):
        raise ValueError(f"{name}: UPLO is 'L' or 'U'; {triangle!r} was given.")
    triangle = triangle.upper()
    return eigh_of(mirrored(a, triangle), triangle=triangle)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: Any = "L") -> Any:
    """``np.linalg.eigh``: of one triangle, as NumPy reads it; ``(x + x.T) / 2`` makes the gradient symmetric."""
    return EighResult(*_eigh(a, UPLO, "eigh"))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    """``np.linalg.eigvalsh``: as `eigh`."""
    return _eigh(a, UPLO, "eigvalsh")[0]


# --- other square matrices ------------------------------------------------------------------------


def _basis_inverse(v: Any) -> Any:
    """The inverse of a basis of eigenvectors of length 1, or an error if they are no basis up to rounding."""
    dependent = np.linalg.cond(v) * rounding(v) > 1 if v.size else np.False_
    if np.any(dependent):
        raise MatrixError(
            f"eig: a{which(dependent)} has no basis of eigenvectors (shape {v.shape}), so neither its eigenvalues nor "
            f"its eigenvectors have derivatives. Of a symmetric matrix np.linalg.eigh has them."
        )
    return np.linalg.inv(v)


basis_inverse = primitive(
    _basis_inverse,
    name="inv",
    vjp=[lambda ct, y, v: -(transposed(y) @ ct @ transposed(y))],
    jvp=[lambda t, y, v: -(y @ t @ y)],
)


def _eig_pull(ct: Any, y: Any, a: Any) -> Any:
    (ct_w, ct_v), (w, v) = ct, y
    middle = None if ct_w is None else on_diagonal(ct_w)
    if ct_v is not None:
        ct_v = ct_v - np.real((ct_v * v).sum(axis=-2, keepdims=True)) * conj(v)
        turned = _eigen_rates(w, a) * (transposed(v) @ ct_v)
        middle = turned if middle is None else middle + turned
    return transposed(basis_inverse(v)) @ middle @ transposed(v)


def _eig_push(t: Any, y: Any, a: Any) -> Any:
    w, v = y
    m = basis_inverse(v) @ t @ v
    turned = v @ (_eigen_rates(w, a) * m)
    return diagonal(m), turned - v * np.real((conj(v) * turned).sum(axis=-2, keepdims=True))


eig_of = primitive(lambda a: tuple(np.linalg.eig(a)), name="eig", vjp=[_eig_pull], jvp=[_eig_push], symbolic_zeros=True)
"""Eigenvalues and right eigenvectors, of length 1."""


def _real_eig(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    real = a.dtype.kind != "c" and w.dtype.kind == "c" and not w.imag.any()
    return (w.real.copy(), v.real.copy()) if real else (w, v)


real_eig_of = primitive(_real_eig, name="real_eig", vjp=[_eig_pull], jvp=[_eig_push], symbolic_zeros=True)
"""The same, real where all eigenvalues of a real matrix are: as NumPy's were before 2.5, and its `roots` are."""


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """``np.linalg.eig``; a matrix without a basis of eigenvectors has no derivative."""
    return EigResult(*eig_of(square(a, "eig")))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """``np.linalg.eigvals``."""
    return eig_of(square(a, "eigvals"))[0]


# --- singular values ------------------------------------------------------------------------------


def _svd_rates(s: Any, a: Any) -> tuple[Any, Any]:
    """By pairs 1 / (s_j^2 - s_i^2), and by rows 1 / s_i."""
    scale = rounding(a) * _largest(s)
    sums = s[..., None, :] + s[..., :, None]
    return _rates(_pairs(s), scale) * _rates(sums, scale), _rates(s, scale[..., 0])


def _svd_push(t: Any, y: Any, a: Any) -> Any:
    u, s, vh = y
    v = adjoint(vh)
    m = adjoint(u) @ t @ v
    pairs, inverse_s = _svd_rates(s, a)
    row, column = s[..., None, :], s[..., :, None]
    of_u = pairs * (m * row + column * adjoint(m))
    if a.dtype.kind == "c":
        of_u = of_u + on_diagonal(1j * np.imag(diagonal(m)) * inverse_s)
    of_v = -pairs * (column * m + adjoint(m) * row)
    tv, ut = t @ v, adjoint(u) @ t
    du = u @ of_u + (tv - u @ m) * inverse_s[..., None, :]
    dvh = of_v @ vh + inverse_s[..., :, None] * (ut - m @ vh)
    return du, np.real(diagonal(m)), dvh


def _svd_pull(ct: Any, y: Any, a: Any) -> Any:
    """The transpose of `_svd_push`, term by term."""
    (ct_u, ct_s, ct_vh), (u, s, vh) = ct, y
    middle = 0 if ct_s is None else on_diagonal(ct_s)
    if ct_u is None and ct_vh is None:
        return conj(u) @ middle @ conj(vh)
    pairs, inverse_s = _svd_rates(s, a)
    row, column = s[..., None, :], s[..., :, None]
    outside = 0
    if ct_u is not None:
        p = transposed(u) @ ct_u
        turned = pairs * p
        middle = middle + turned * row + adjoint(turned * column)
        if a.dtype.kind == "c":
            middle = middle + on_diagonal(1j * np.imag(diagonal(p)) * inverse_s)
        outside = ((ct_u - conj(u) @ p) * inverse_s[..., None, :]) @ conj(vh)
    if ct_vh is not None:
        q = ct_vh @ transposed(vh)
        turned = pairs * q
        middle = middle - turned * column - adjoint(turned * row)
        outside = outside + conj(u) @ (inverse_s[..., :, None] * (ct_vh - q @ conj(vh)))
    return conj(u) @ middle @ conj(vh) + outside


svd_of = primitive(
    lambda a: tuple(np.linalg.svd(a, full_matrices=False)),
    name="svd",
    vjp=[_svd_pull],
    jvp=[_svd_push],
    symbolic_zeros=True,
)
"""The reduced decomposition: U, the singular values, V^H."""


def hermitian_or_not(a: Any, hermitian: bool, name: str) -> Any:
    """`a`, or if the caller says that it is Hermitian the matrix of its lower triangle, which NumPy then reads."""
    return hermitian_part(mirrored(square(a, name), "L")) if hermitian else a


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """``np.linalg.svd``; of a matrix that is not square with ``full_matrices=False``, or the values only."""
    a = hermitian_or_not(matrix(a, "svd"), hermitian, "svd")
    rows, columns = a.shape[-2:]
    if compute_uv and full_matrices and rows != columns:
        raise refused(
            f"svd on a Tensor of shape {a.shape}: full_matrices=True adds vectors that a does not determine, so they "
            f"have no derivative. Use full_matrices=False."
        )
    parts = svd_of(a)
    return SVDResult(*parts) if compute_uv else parts[1]


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """``np.linalg.svdvals``."""
    return svd_of(matrix(x, "svdvals"))[1]


# --- norms --------------------------------------------------------------------------------------


def _polar(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u * (s > rounding(a) * s[..., :1])[..., None, :]) @ vh


def _parts_of_polar(a: Any) -> tuple[Any, Any, Any, Any]:
    """U and V^H, 1 / (s_i + s_j), and by rows 1 / s_i; NaN for singular values that are 0 up to rounding."""
    u, s, vh = svd_of(a)
    s = np.where(s > rounding(a) * s[..., :1], s, math.nan)
    return u, vh, 1 / (s[..., None, :] + s[..., :, None]), (1 / s)[..., :, None]


def _polar_push(t: Any, y: Any, a: Any) -> Any:
    """The vectors turn together, so it is the sum of two values that divides, and equal ones do no harm."""
    u, vh, pairs, inverse_s = _parts_of_polar(a)
    ut, tv = adjoint(u) @ t, t @ adjoint(vh)
    m = ut @ adjoint(vh)
    inside = u @ (pairs * (m - adjoint(m))) @ vh
    return inside + (tv - u @ m) @ (inverse_s * vh) + u @ (inverse_s * (ut - m @ vh))


def _polar_pull(ct: Any, y: Any, a: Any) -> Any:
    """The transpose of `_polar_push`, term by term."""
    u, vh, pairs, inverse_s = _parts_of_polar(a)
    uc, cv = transposed(u) @ ct, ct @ transposed(vh)
    p = uc @ transposed(vh)
    inside = conj(u) @ (pairs * (p - adjoint(p))) @ conj(vh)
    return inside + (cv - conj(u) @ p) @ (inverse_s * conj(vh)) + conj(u) @ (inverse_s * (uc - p @ conj(vh)))


polar = primitive(_polar, name="polar", vjp=[_polar_pull], jvp=[_polar_push], singular=True)
"""U V^H of the singular vectors whose value is not 0: the direction of a matrix, as x / |x| is that of a vector."""

nuclear_norm = primitive(
    lambda a: np.linalg.svd(a, compute_uv=False).sum(-1),
    name="nuclear_norm",
    vjp=[lambda ct, y, a: ct[..., None, None] * conj(polar(a))],
    jvp=[lambda t, y, a: np.real((t * conj(polar(a))).sum(axis=(-2, -1)))],
)
"""The sum of the singular values. Of several subgradients the smallest: values that are 0 add nothing."""


def _shares(s: Any, *, last: bool, rtol: float) -> Any:
    """Equal extremes share evenly; what is 0 has no slope, and there, as for every norm, no second one."""
    extreme, scale = s[..., -1:] if last else s[..., :1], rtol * s[..., :1]
    chosen = (np.abs(s - extreme) <= scale) & ((s > scale) | (not last))
    count = chosen.sum(axis=-1, keepdims=True).astype(s.dtype)
    return ratio(np.where(chosen, s, 0), np.where(chosen, s * count, 1))


extreme_value = primitive(
    lambda s, *, last, rtol: s.min(-1) if last else s.max(-1, initial=0),
    name="spectral_norm",
    vjp=[lambda ct, y, s, **how: ct[..., None] * _shares(s, **how)],
    jvp=[lambda t, y, s, **how: (t * _shares(s, **how)).sum(axis=-1)],
)
"""The largest of singular values, or the last; `rtol` says which count as equal."""


def spectral_norm(x: Any, order: Any) -> Any:
    """The norms made of singular values: their sum (``'nuc'``), the largest (2), the smallest (-2)."""
    if order == "nuc":
        return nuclear_norm(x)
    return extreme_value(svd_of(x)[1], last=order == -2, rtol=rounding(x))
