"""Polynomials as vectors of coefficients, highest power first, composed of products and convolutions."""

from __future__ import annotations

import warnings
from operator import index
from typing import Any

import numpy as np

from autodiff.core.primitives import implements
from autodiff.errors import ShapeError
from autodiff.ops.deciding import decided, look
from autodiff.ops.elementwise import power_of
from autodiff.ops.fourier import resized
from autodiff.ops.joining import concatenate, stack
from autodiff.ops.sequences import convolve
from autodiff.ops.shapes import broadcast_to, cast, flip_axes, operand, ravel, reshape_to, values
from autodiff.ops.spectra import real_eig_of


def _coefficients(p: Any, name: str = "") -> Any:
    """The coefficients of a polynomial; a number is one, too. With a name, more than one axis is refused."""
    p = operand(p)
    if name and p.ndim > 1:
        raise ShapeError(f"{name}: the coefficients must be a vector; their shape is {p.shape}.")
    return reshape_to(p, shape=(1,)) if p.ndim == 0 else p


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """``np.polyval``, by Horner's scheme."""
    p, x = _coefficients(p), operand(x)
    y: Any = np.zeros(x.shape, x.dtype)
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


def _together(a: Any, b: Any, name: str) -> tuple[Any, Any]:
    """Both with the same number of coefficients: the shorter one gets leading zeros."""
    a, b = _coefficients(a, name), _coefficients(b, name)
    n = max(a.shape[0], b.shape[0])
    return _in_front(a, n), _in_front(b, n)


def _in_front(p: Any, n: int) -> Any:
    if p.shape[0] == n:
        return p
    return flip_axes(resized(flip_axes(p, axes=(0,)), n, 0), axes=(0,))


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """``np.polyadd``."""
    a, b = _together(a1, a2, "polyadd")
    return a + b


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """``np.polysub``."""
    a, b = _together(a1, a2, "polysub")
    return a - b


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """``np.polymul``."""
    return convolve(_trimmed(a1), _trimmed(a2))


def _trimmed(p: Any) -> Any:
    """Without leading zeros."""
    p = _coefficients(p, "polymul")
    first, last = decided(_ends, values(p))
    return p[first:] if first <= last else np.zeros(1, p.dtype)


def _ends(p: Any) -> tuple[int, int]:
    """The indices of the first and the last non-zero coefficient; (0, -1) if there is none."""
    places = np.flatnonzero(p)
    return (int(places[0]), int(places[-1])) if places.size else (0, -1)


def _are_conjugate(zeros: Any) -> bool:
    return bool(np.all(np.sort(zeros) == np.sort(zeros.conjugate())))


def _start(rest: Any) -> int:
    start = 0
    while start < rest.size - 1 and np.allclose(rest[start], 0, rtol=1e-14):
        start += 1
    return start


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    """``np.polydiv``: long division, step by step."""
    u, v = _coefficients(u, "polydiv") + 0.0, _coefficients(v, "polydiv") + 0.0
    if not u.size or not v.size:
        raise ShapeError(f"polydiv: both need at least one coefficient; the shapes are {u.shape} and {v.shape}.")
    dtype = np.result_type(u.dtype, v.dtype)
    n, scale = v.shape[0], 1.0 / v[0]
    quotient, over, rest = [], [], cast(u, dtype=dtype) if u.dtype != dtype else u
    for _ in range(u.shape[0] - n + 1):
        q = scale * rest[0]
        quotient.append(q)
        over.append(rest[:1] - q * v[:1])  # 0 up to rounding
        rest = concatenate([rest[1:n] - q * v[1:], rest[n:]])
    rest = concatenate([*over, rest]) if over else rest
    return stack(quotient) if quotient else np.zeros(1, dtype), rest[decided(_start, values(rest)) :]


def _times(m: Any, name: str) -> int:
    m = index(m)
    if m < 0:
        raise ValueError(f"{name}: m, the number of times, must not be negative; {m} was given.")
    return int(m)


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """``np.polyder``."""
    p = _coefficients(p, "polyder")
    for _ in range(_times(m, "polyder")):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """``np.polyint``, differentiable in the coefficients and the constants of integration."""
    p, m = _coefficients(p, "polyint"), _times(m, "polyint")
    k = ravel(operand(0.0 if k is None else k))
    if k.shape[0] == 1 and m > 1:
        k = broadcast_to(k, (m,))
    if k.shape[0] < m:
        raise ShapeError(f"polyint: {m} integrations need one constant or {m}; {k.shape[0]} were given.")
    for i in range(m):
        p = concatenate([p / np.arange(p.shape[0], 0, -1), k[i : i + 1]])
    return p


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """``np.poly``: for zeros the product of the factors, for a matrix that of its eigenvalues."""
    zeros = _coefficients(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.shape[0]:
        zeros = real_eig_of(zeros)[0]
    if zeros.ndim != 1:
        raise ShapeError(f"poly: a vector of zeros or a square matrix is expected; the shape is {zeros.shape}.")
    if not zeros.shape[0]:
        return np.float64(1.0)
    dtype = np.dtype(np.mintypecode(zeros.dtype.char))
    p: Any = np.ones(1, dtype)
    for i in range(zeros.shape[0]):
        factor = concatenate([np.ones(1, dtype), -cast(zeros[i : i + 1], dtype=dtype)])
        p = convolve(p, factor)
    if p.dtype.kind == "c":  # for conjugate pairs of zeros the product is real
        return p.real if decided(_are_conjugate, values(zeros)) else p
    return p


@implements(np.roots)
def roots(p: Any) -> Any:
    """``np.roots``: the eigenvalues of the companion matrix."""
    p = _coefficients(p, "roots")
    first, last = decided(_ends, values(p))
    if last < first:
        return np.zeros(0)
    behind = p.shape[0] - last - 1
    p = p[first : last + 1]
    p = p if p.dtype.kind in "fc" else cast(p, dtype=np.dtype(float))
    n = p.shape[0] - 1
    if n == 0:
        return np.zeros(behind)
    first = reshape_to(-p[1:] / p[0], shape=(1, n))
    y = real_eig_of(concatenate([first, np.eye(n - 1, n, dtype=p.dtype)], 0))[0]
    return concatenate([y, np.zeros(behind, y.dtype)]) if behind else y


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """``np.vander``: powers as columns."""
    x = operand(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: a vector is expected; the shape is {x.shape}.")
    n = x.shape[0] if N is None else int(N)
    x = cast(x, dtype=np.promote_types(x.dtype, int))
    if n == 0:
        return np.zeros((x.shape[0], 0), x.dtype)
    columns = [power_of(x, k) if k else np.ones(x.shape, x.dtype) for k in range(n)]
    return stack(columns if increasing else columns[::-1], 1)


@implements(np.polyfit)
def polyfit(x: Any, y: Any, deg: int, rcond: Any = None, *, w: Any = None) -> Any:
    """``np.polyfit``, the coefficients only: the solution of a least-squares problem, by ``np.linalg.lstsq``."""
    x, y, deg = operand(x) + 0.0, operand(y) + 0.0, index(deg)
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        raise ShapeError(
            f"polyfit: x must be a vector that is not empty, and y a vector or matrix with as many rows; the shapes "
            f"are {x.shape} and {y.shape}."
        )
    if deg < 0:
        raise ValueError(f"polyfit: the degree must not be negative; {deg} was given.")
    lhs, rhs = vander(x, deg + 1), y
    if w is not None:
        w = operand(w) + 0.0
        if w.shape != x.shape:
            raise ShapeError(f"polyfit: x has shape {x.shape} and the weights w {w.shape}; they must be equal.")
        lhs, rhs = lhs * w[:, None], rhs * (w[:, None] if rhs.ndim == 2 else w)
    scale = np.sqrt((lhs * lhs).sum(axis=0))  # if the rank is not full, the smallest solution depends on the scale
    scale = np.where(scale == 0, scale.dtype.type(1), scale)
    cut = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    c, _, rank, _ = np.linalg.lstsq(lhs / scale, rhs, rcond=cut)

    def warn(rank: Any) -> None:
        if rank != deg + 1:
            warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=6)

    look(warn, values(rank))
    return c / (scale[:, None] if c.ndim == 2 else scale)
