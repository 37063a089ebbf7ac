"""Determinants. The gradient of a determinant is its matrix of cofactors, exact for singular matrices too.

A formula with the inverse would fail for singular matrices, and a special case would be a branch on values. The SVD
covers all matrices: with a = U diag(s) V^H the cofactors are the products of all singular values but one, transformed
back, and their slope is made of the products of all but two. There is no division.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive, implements
from autodiff.ops.matrices import SlogdetResult, adjoint, conj, diagonal, identity, precision, square, transposed
from autodiff.ops.scans import products_of_others
from autodiff.ops.solving import inverse, inverted

# --- det ------------------------------------------------------------------------------------------


def _turned(u: Any, vh: Any, middle: Any) -> Any:
    """Transform back from the basis of singular vectors; det a is prod(s) times the phase of det U det V^H."""
    phase = np.linalg.det(u) * np.linalg.det(vh)
    return phase[..., None, None] * (conj(u) @ middle @ conj(vh))


def _exponents(a: Any, axis: int) -> Any:
    """The power of two just above the largest entry of each row or column."""
    return np.frexp(np.abs(a).max(axis=axis, keepdims=True, initial=0))[1]


def _scaled(a: Any, n: Any) -> Any:
    """``a * 2**n``, exact."""
    if a.dtype.kind != "c":
        return np.ldexp(a, n)
    y = np.empty_like(a)
    y.real, y.imag = np.ldexp(a.real, n), np.ldexp(a.imag, n)
    return y


def _cofactors(a: Any) -> Any:
    # Rows and columns are scaled to similar size first, so that a singular value is small because of linear dependence
    # and not because of the units of a row. If two are 0 to rounding, the rank is below n - 1 and all cofactors are 0.
    rows = _exponents(a, -1)
    columns = _exponents(_scaled(a, -rows), -2)
    u, s, vh = np.linalg.svd(_scaled(a, -rows - columns))
    limit = a.shape[-1] * float(precision(a).eps) * s[..., :1]
    low_rank = (s <= limit).sum(axis=-1, keepdims=True) > 1
    others = np.where(low_rank, 0, products_of_others(s, s.ndim - 1))
    y = _turned(u, vh, others[..., None] * identity(a))
    y = np.where(low_rank[..., None], 0, y)
    size = rows.sum(axis=-2, keepdims=True) - rows + columns.sum(axis=-1, keepdims=True) - columns
    return _scaled(y, size)


def _cofactors_slope(a: Any, m: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    m = adjoint(u) @ m @ adjoint(vh)
    n = s.shape[-1]
    without = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])  # row i: the singular values with s_i replaced by 1
    pairs = products_of_others(without, without.ndim - 1) * ~np.eye(n, dtype=bool)  # at i, j: all but s_i and s_j
    middle = (pairs @ diagonal(m)[..., None]) * identity(a) - pairs * transposed(m)
    return _turned(u, vh, middle)


def _third(ct: Any, y: Any, a: Any, m: Any) -> Any:
    """The third derivative of det, applied to `ct` and `m`: symmetric, so it serves both sweeps. NaN if singular."""
    if a.shape[-1] < 3:
        return np.zeros_like(a * ct * m)  # det is a polynomial of degree 2 at most
    one = identity(a)
    regular = (np.linalg.matrix_rank(a) == a.shape[-1])[..., None, None]
    x = inverse(np.where(regular, a, one)) * np.where(regular, 1, math.nan).astype(one.dtype)
    c, d = x @ ct, x @ m
    both = _trace(c) * _trace(d) - _trace(c @ d)
    terms = both * x - _trace(d) * (c @ x) - _trace(c) * (d @ x) + (c @ d + d @ c) @ x
    return determinant(a)[..., None, None] * transposed(terms)


def _trace(x: Any) -> Any:
    return diagonal(x).sum(axis=-1)[..., None, None]


cofactors_slope: Primitive = primitive(
    _cofactors_slope,
    name="cofactors_slope",
    vjp=[_third, lambda ct, y, a, m: cofactors_slope(a, ct)],
    jvp=[_third, lambda t, y, a, m: cofactors_slope(a, t)],
)
"""The slope of the cofactors of `a` in the direction `m`. It is the second derivative of det and hence symmetric."""

cofactors = primitive(
    _cofactors,
    name="cofactors",
    vjp=[lambda ct, y, a: cofactors_slope(a, ct)],
    jvp=[lambda t, y, a: cofactors_slope(a, t)],
)
"""The cofactors of a square matrix: the transposed adjugate."""

determinant = primitive(
    lambda a: np.linalg.det(a),
    name="det",
    vjp=[lambda ct, y, a: ct[..., None, None] * cofactors(a)],
    jvp=[lambda t, y, a: (t * cofactors(a)).sum(axis=(-2, -1))],
)


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """``np.linalg.det``; its first and second derivatives are right for a singular matrix too."""
    return determinant(square(a, "det"))


# --- slogdet --------------------------------------------------------------------------------------


def _inverse(a: Any) -> Any:
    return inverted(a, "slogdet", mend="There log|det| is -inf and has no derivative; np.linalg.det has one.")


log_abs_determinant = primitive(
    lambda a: np.linalg.slogdet(a)[1],
    name="log_abs_det",
    vjp=[lambda ct, y, a: ct[..., None, None] * transposed(_inverse(a))],
    jvp=[lambda t, y, a: np.real(diagonal(_inverse(a) @ t).sum(axis=-1))],
)
phase_of_determinant = primitive(
    lambda a: np.linalg.slogdet(a)[0],
    name="phase_of_det",
    vjp=[lambda ct, y, a: (np.imag(ct * y) * 1j)[..., None, None] * transposed(_inverse(a))],
    jvp=[lambda t, y, a: y * 1j * np.imag(diagonal(_inverse(a) @ t).sum(axis=-1))],
)
"""det / |det| of a complex matrix."""
sign_of_determinant = primitive(lambda a: np.linalg.slogdet(a)[0], name="sign_of_det", vjp=[None], jvp=[None])
"""The sign of det of a real matrix: 1, -1 or 0, not tracked."""


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """``np.linalg.slogdet``; for a singular matrix the value is NumPy's, and its gradient raises an error."""
    a = square(a, "slogdet")
    sign = (phase_of_determinant if a.dtype.kind == "c" else sign_of_determinant)(a)
    return SlogdetResult(sign, log_abs_determinant(a))
