"""Eigenvalues, singular values and their vectors.

Vectors turn towards each other at the rate 1/(difference of their values). Where two values are equal up to rounding,
the vectors are not determined, and that rate is NaN: whatever depends on such a vector has no slope by it, and is not
given a number in silence. A vector whose cotangent is blocked, as that of a column which is not taken, does not count.
What is well defined there, a function of the matrix, is exact by `matrix_functions` and by `polar`.

What depends on values only is finite. Of equal values the slopes are shared evenly, as the subgradient of smallest norm
has them; a singular value that is 0 has slope 0, as the magnitude of a number has.

Every vector has a free sign, or phase. The rules follow one choice of it; ask only for what does not depend on it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.primitives import Primitive, implements, primitive
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
    identity,
    matrix,
    on_diagonal,
    refused,
    rounding,
    square,
    transposed,
    which,
)


def _pairs(w: Any) -> Any:
    """At i, j the difference w_j - w_i."""
    return w[..., None, :] - w[..., :, None]


def _largest(w: Any) -> Any:
    """The largest magnitude, along two new axes; 0 of no values."""
    size = np.abs(w)
    return (np.max(size, axis=-1) if w.shape[-1] else size.sum(axis=-1))[..., None, None]


def _same(w: Any) -> Any:
    """At i, j whether these are one and the same."""
    return np.eye(w.shape[-1], dtype=bool)


def _equal(w: Any, a: Any) -> Any:
    """At i, j whether the two values are equal up to rounding."""
    return (np.abs(_pairs(w)) <= rounding(a) * _largest(w)) | _same(w)


def _rates(w: Any, equal: Any) -> Any:
    """Inverse differences, NaN for those of equal values; nothing turns towards itself."""
    return 1 / np.where(_same(w), math.inf, np.where(equal, math.nan, _pairs(w)))


def _means(x: Any, equal: Any) -> Any:
    """Of each group of equal values the mean of what belongs to them: its own transpose, so it serves both sweeps."""
    return np.where(equal, x[..., None, :], 0).sum(axis=-1) / equal.sum(axis=-1).astype(x.dtype)


def _diagonal_matrix(values: Any) -> Any:
    """As `on_diagonal`, but what is not finite stays on the diagonal."""
    return np.where(_same(values), values[..., None, :], 0)


def _any_equal(live: Any, equal: Any) -> Any:
    """The mask of the values behind `_means`."""
    return None if live is None else (equal & live[..., None, :]).any(axis=-1)


def _taken(v: Any, live: Any) -> Any:
    """In a sweep that records itself only the columns of live values: through the others no derivative flows."""
    if live is None or not getattr(v, "requires_grad", False):
        return v
    return np.where(live[..., None, :], v, 0)


def _unless_blocked(x: Any, live: Any, axis: int) -> Any:
    """`x` with 0 where all entries of a column (axis -2) or row (-1) of the cotangent are blocked."""
    return x if live is None else np.where(live.any(axis=axis, keepdims=True) | (x == 0), x, 0)


# --- symmetric matrices ---------------------------------------------------------------------------


def _eigh_pull(ct: Any, y: Any, a: Any, *, live: Any = None, **_: Any) -> Any:
    (ct_w, ct_v), (w, v), (live_w, live_v) = ct, y, live or (None, None)
    equal = _equal(w, a)
    total = 0
    if ct_w is not None:
        u = _taken(v, _any_equal(live_w, equal))
        total = conj(u) @ on_diagonal(_means(ct_w, equal)) @ transposed(u)
    if ct_v is not None:
        turned = _unless_blocked(_rates(w, equal) * (transposed(v) @ ct_v), live_v, -2)
        total = total + conj(v) @ turned @ transposed(v)
    return hermitian_part(total)


def _eigh_push(t: Any, y: Any, a: Any, **_: Any) -> Any:
    w, v = y
    equal = _equal(w, a)
    m = adjoint(v) @ hermitian_part(t) @ v
    return _means(np.real(diagonal(m)), equal), v @ (_rates(w, equal) * m)


eigh_of = primitive(
    lambda a, *, triangle: tuple(np.linalg.eigh(hermitian_part(a), triangle)),
    name="eigh",
    vjp=[_eigh_pull],
    jvp=[_eigh_push],
    symbolic_zeros=True,
    sees_masks=True,
    singular=True,
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


def _eig_pull(ct: Any, y: Any, a: Any, *, live: Any = None) -> Any:
    (ct_w, ct_v), (w, v), (live_w, live_v) = ct, y, live or (None, None)
    equal = _equal(w, a)
    left, total = transposed(basis_inverse(v)), 0
    if ct_w is not None:
        alive = _any_equal(live_w, equal)
        total = _taken(left, alive) @ on_diagonal(_means(ct_w, equal)) @ transposed(_taken(v, alive))
    if ct_v is not None:
        ct_v = ct_v - np.real((ct_v * v).sum(axis=-2, keepdims=True)) * conj(v)
        turned = _unless_blocked(_rates(w, equal) * (transposed(v) @ ct_v), live_v, -2)
        total = total + left @ turned @ transposed(v)
    return total


def _eig_push(t: Any, y: Any, a: Any) -> Any:
    w, v = y
    equal = _equal(w, a)
    m = basis_inverse(v) @ t @ v
    turned = v @ (_rates(w, equal) * m)
    return _means(diagonal(m), equal), turned - v * np.real((conj(v) * turned).sum(axis=-2, keepdims=True))


_EIG_RULES: dict[str, Any] = {
    "vjp": [_eig_pull],
    "jvp": [_eig_push],
    "symbolic_zeros": True,
    "sees_masks": True,
    "singular": True,
}
eig_of = primitive(lambda a: tuple(np.linalg.eig(a)), name="eig", **_EIG_RULES)
"""Eigenvalues and right eigenvectors, of length 1."""


def _real_eig(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    real = a.dtype.kind != "c" and w.dtype.kind == "c" and not w.imag.any()
    return (w.real.copy(), v.real.copy()) if real else (w, v)


real_eig_of = primitive(_real_eig, name="real_eig", **_EIG_RULES)
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


def _svd_rates(s: Any, a: Any) -> tuple[Any, Any, Any]:
    """Which are equal; by pairs 1 / (s_j^2 - s_i^2); by rows 1 / s_i. NaN for equal values, and for a 0."""
    scale = rounding(a) * _largest(s)
    equal = (np.abs(_pairs(s)) <= scale) | _same(s)
    sums = s[..., None, :] + s[..., :, None]
    rates = _rates(s, equal) / np.where(equal, 1, sums)
    return equal, rates, 1 / np.where(s <= scale[..., 0], math.nan, s)


def _not_0(s: Any, a: Any) -> Any:
    """The slope of a magnitude: 1, but 0 for a value that is 0 up to rounding, where there is no second one."""
    return ratio(s, np.where(s > rounding(a) * _largest(s)[..., 0], s, 0))


def _svd_push(t: Any, y: Any, a: Any) -> Any:
    u, s, vh = y
    v = adjoint(vh)
    m = adjoint(u) @ t @ v
    equal, pairs, inverse_s = _svd_rates(s, a)
    row, column = s[..., None, :], s[..., :, None]
    of_u = pairs * (m * row + column * adjoint(m))
    if a.dtype.kind == "c":
        of_u = of_u + _diagonal_matrix(1j * np.imag(diagonal(m)) * inverse_s)
    of_v = -pairs * (column * m + adjoint(m) * row)
    du, dvh = u @ of_u, of_v @ vh
    if a.shape[-2] > a.shape[-1]:  # else U has nowhere else to turn to
        du = du + (t @ v - u @ m) * inverse_s[..., None, :]
    if a.shape[-1] > a.shape[-2]:
        dvh = dvh + inverse_s[..., :, None] * (adjoint(u) @ t - m @ vh)
    return du, _means(np.real(diagonal(m)) * _not_0(s, a), equal), dvh


def _svd_pull(ct: Any, y: Any, a: Any, *, live: Any = None) -> Any:
    """The transpose of `_svd_push`, term by term."""
    (ct_u, ct_s, ct_vh), (u, s, vh), (live_u, live_s, live_vh) = ct, y, live or (None, None, None)
    equal, pairs, inverse_s = _svd_rates(s, a)
    row, column = s[..., None, :], s[..., :, None]
    total = 0
    if ct_s is not None:
        alive = _any_equal(live_s, equal)
        middle = on_diagonal(_means(ct_s, equal) * _not_0(s, a))
        total = conj(_taken(u, alive)) @ middle @ conj(transposed(_taken(transposed(vh), alive)))
    if ct_u is not None:
        p = transposed(u) @ ct_u
        turned = _unless_blocked(pairs * p, live_u, -2)
        middle = turned * row + adjoint(turned * column)
        if a.dtype.kind == "c":
            phases = _diagonal_matrix(1j * np.imag(diagonal(p)) * inverse_s)
            middle = middle + _unless_blocked(phases, live_u, -2)
        total = total + conj(u) @ middle @ conj(vh)
        if a.shape[-2] > a.shape[-1]:
            outside = _unless_blocked((ct_u - conj(u) @ p) * inverse_s[..., None, :], live_u, -2)
            total = total + outside @ conj(vh)
    if ct_vh is not None:
        q = ct_vh @ transposed(vh)
        turned = _unless_blocked(pairs * q, live_vh, -1)
        total = total - conj(u) @ (turned * column + adjoint(turned * row)) @ conj(vh)
        if a.shape[-1] > a.shape[-2]:
            outside = _unless_blocked(inverse_s[..., :, None] * (ct_vh - q @ conj(vh)), live_vh, -1)
            total = total + conj(u) @ outside
    return total


svd_of = primitive(
    lambda a: tuple(np.linalg.svd(a, full_matrices=False)),
    name="svd",
    vjp=[_svd_pull],
    jvp=[_svd_push],
    symbolic_zeros=True,
    sees_masks=True,
    singular=True,
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


def _sylvester(p: Any, x: Any) -> Any:
    w, v = np.linalg.eigh(p)
    sums = w[..., :, None] + w[..., None, :]
    sums = np.where(sums > rounding(p) * _largest(w), sums, math.nan)
    return v @ ((adjoint(v) @ x @ v) / sums) @ adjoint(v)


def _sylvester_transposed(p: Any, ct: Any) -> Any:
    return transposed(sylvester(p, transposed(ct)))


def _sylvester_pull(ct: Any, y: Any, p: Any, x: Any) -> Any:
    d = _sylvester_transposed(p, ct)
    return -(d @ transposed(y) + transposed(y) @ d)


sylvester: Primitive = primitive(
    _sylvester,
    name="sylvester",
    vjp=[_sylvester_pull, lambda ct, y, p, x: _sylvester_transposed(p, ct)],
    jvp=[lambda t, y, p, x: -sylvester(p, t @ y + y @ t), lambda t, y, p, x: sylvester(p, t)],
    singular=True,
)
"""The solution y of p y + y p = x for a Hermitian p, positive definite; NaN where p is singular up to rounding.

It divides by sums of eigenvalues, so equal ones do no harm, and all derivatives are made of itself.
"""


def _polar(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u * (s > rounding(a) * s[..., :1])[..., None, :]) @ vh


def _positive_factor(u: Any, a: Any) -> Any:
    return hermitian_part(adjoint(u) @ a)


def _polar_push(t: Any, u: Any, a: Any) -> Any:
    p, ut = _positive_factor(u, a), adjoint(u) @ t
    inside = u @ sylvester(p, ut - adjoint(ut))
    if a.shape[-2] == a.shape[-1]:
        return inside
    return inside + (t - u @ ut) @ (2 * sylvester(p, identity(a)))


def _polar_pull(ct: Any, u: Any, a: Any) -> Any:
    """The transpose of `_polar_push`, term by term."""
    p = _positive_factor(u, a)
    d = _sylvester_transposed(p, transposed(u) @ ct)
    inside = conj(u) @ (d - adjoint(d))
    if a.shape[-2] == a.shape[-1]:
        return inside
    outside = ct @ transposed(2 * sylvester(p, identity(a)))
    return inside + outside - conj(u) @ (transposed(u) @ outside)


polar_of_tall = primitive(_polar, name="polar", vjp=[_polar_pull], jvp=[_polar_push], singular=True)
"""U V^H of the singular vectors whose value is not 0: the direction of a matrix, as x / |x| is that of a vector."""


def polar(a: Any) -> Any:
    """The direction of a matrix of any shape."""
    return polar_of_tall(a) if a.shape[-2] >= a.shape[-1] else adjoint(polar_of_tall(adjoint(a)))


nuclear_norm = primitive(
    lambda a: np.linalg.svd(a, compute_uv=False).sum(-1),
    name="nuclear_norm",
    vjp=[lambda ct, y, a: ct[..., None, None] * conj(polar(a))],
    jvp=[lambda t, y, a: np.real((t * conj(polar(a))).sum(axis=(-2, -1)))],
)
"""The sum of the singular values. Of several subgradients the smallest: values that are 0 add nothing."""


def _extreme(s: Any, *, last: bool, rtol: float) -> Any:
    """Which values are the extreme one, up to rounding."""
    return np.abs(s - (s[..., -1:] if last else s[..., :1])) <= rtol * s[..., :1]


def _shares(s: Any, **how: Any) -> Any:
    """Equal extremes share evenly. That a value which is 0 has no slope is known to the rule of the values."""
    chosen = _extreme(s, **how)
    return chosen / chosen.sum(axis=-1, keepdims=True).astype(s.dtype)


def _and(a: Any, b: Any) -> Any:
    return a if b is None else a & b


extreme_value = primitive(
    lambda s, *, last, rtol: s.min(-1) if last else s.max(-1, initial=0),
    name="spectral_norm",
    vjp=[lambda ct, y, s, **how: ct[..., None] * _shares(s, **how)],
    jvp=[lambda t, y, s, **how: (t * _shares(s, **how)).sum(axis=-1)],
    live=(lambda y, s, **how: _extreme(s, **how),),
    mask_pull=lambda i, live, y, s, **how: _and(_extreme(s, **how), None if live is None else live[..., None]),
    mask_push=lambda i, live, y, s, **how: _and(_extreme(s, **how), live).any(axis=-1),
)
"""The largest of singular values, or the last; `rtol` says which count as equal."""


def spectral_norm(x: Any, order: Any) -> Any:
    """The norms made of singular values: their sum (``'nuc'``), the largest (2), the smallest (-2)."""
    if order == "nuc":
        return nuclear_norm(x)
    return extreme_value(svd_of(x)[1], last=order == -2, rtol=rounding(x))
