"""Linear equations: inverses, solutions, pseudo-inverses, condition numbers, and products of many matrices."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autodiff.core.kinds import primitive
from autodiff.core.primitives import NUMPY_CONSTANTS, Primitive, implements
from autodiff.errors import MatrixError, ShapeError
from autodiff.ops.deciding import decided
from autodiff.ops.matrices import (
    adjoint,
    conj,
    identity,
    matrix,
    precision,
    refused,
    singular,
    square,
    transposed,
)
from autodiff.ops.products import matmul
from autodiff.ops.shapes import canonical_axis, operand, permute, reshape_to, values
from autodiff.ops.spectra import hermitian_or_not, svd_of

# --- inverse and solution -------------------------------------------------------------------------


def _inverse(a: Any) -> Any:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise singular(a, "inv") from None


def _inverse_pull(ct: Any, y: Any, a: Any) -> Any:
    z = transposed(y)
    return -(z @ ct @ z)


inverse = primitive(_inverse, name="inv", vjp=[_inverse_pull], jvp=[lambda t, y, a: -(y @ t @ y)])


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """``np.linalg.inv``."""
    return inverse(square(a, "inv"))


def inverted(a: Any, name: str, what: str = "a", mend: str = "") -> Any:
    """The inverse, for use in the function `name`, which the error message names."""
    try:
        return inverse(a)
    except MatrixError:
        raise singular(a, name, what, mend) from None


def _solve(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise singular(a, "solve") from None


solution: Primitive = primitive(
    _solve,
    name="solve",
    vjp=[
        lambda ct, y, a, b: -(solution(transposed(a), ct) @ transposed(y)),
        lambda ct, y, a, b: solution(transposed(a), ct),
    ],
    jvp=[
        lambda t, y, a, b: -solution(a, t @ y),
        lambda t, y, a, b: solution(a, t),
    ],
)
"""The x with ``a @ x = b``, where `b` is a matrix or a stack of them."""


def solved(a: Any, b: Any, name: str, what: str = "a", mend: str = "") -> Any:
    """The solution, for use in the function `name`, which the error message names."""
    try:
        return solution(a, b)
    except MatrixError:
        raise singular(a, name, what, mend) from None


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """``np.linalg.solve``; a `b` with one axis is a vector, any other is a matrix or a stack of them."""
    a, b = square(a, "solve"), operand(b)
    if b.ndim == 0 or b.shape[-2:][0] != a.shape[-1]:
        hint = ""
        if b.ndim > 1 and b.shape[-1] == a.shape[-1]:
            hint = " For a stack of vectors write np.linalg.solve(a, b[..., None])[..., 0]."
        raise ShapeError(
            f"solve: a has shape {a.shape} and b {b.shape}; b must have as many rows as a ({a.shape[-1]}).{hint}"
        )
    return solution(a, b[:, None])[..., 0] if b.ndim == 1 else solution(a, b)


# --- the same for arrays of many axes -------------------------------------------------------------


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """``np.linalg.tensorsolve``."""
    a, b = operand(a), operand(b)
    order = list(range(a.ndim))
    for k in () if axes is None else axes:
        order.append(order.pop(order.index(canonical_axis(k, a.ndim, "tensorsolve"))))
    if order != sorted(order):
        a = permute(a, axes=tuple(order))
    shape = a.shape[b.ndim :]
    n = math.prod(shape)
    if a.ndim < b.ndim or a.size != n * n or b.size != n:
        raise ShapeError(
            f"tensorsolve: a has shape {a.shape} and b {b.shape}; the first {b.ndim} axes of a must have as many "
            f"entries as b, and so must the other axes."
        )
    x = solved(reshape_to(a, shape=(n, n)), reshape_to(b, shape=(n, 1)), "tensorsolve", "a, as a matrix,")
    return reshape_to(x, shape=shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """``np.linalg.tensorinv``."""
    a = operand(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind, the number of row axes, must be at least 1; {ind} was given.")
    rows, columns = a.shape[:ind], a.shape[ind:]
    n = math.prod(rows)
    if n != math.prod(columns):
        raise ShapeError(
            f"tensorinv: a has shape {a.shape}; the first {ind} axes hold {n} entries, the others "
            f"{math.prod(columns)}; they must be equal."
        )
    return reshape_to(inverted(reshape_to(a, shape=(n, n)), "tensorinv", "a, as a matrix,"), shape=columns + rows)


# --- pseudo-inverse and least squares -------------------------------------------------------------


def _pseudo_pull(ct: Any, y: Any, a: Any, **_: Any) -> Any:
    """The transpose of `_pseudo_push`, term by term."""
    z, back = transposed(y), adjoint(ct)
    outside, inside = identity(y) - a @ y, identity(a) - y @ a
    return conj(outside) @ back @ conj(y @ adjoint(y)) + conj(adjoint(y) @ y) @ back @ conj(inside) - z @ ct @ z


def _pseudo_push(t: Any, y: Any, a: Any, **_: Any) -> Any:
    """Golub and Pereyra, The differentiation of pseudo-inverses, 1973, (4.12), for constant rank."""
    z, back = adjoint(y), adjoint(t)
    outside, inside = identity(y) - a @ y, identity(a) - y @ a
    return y @ z @ back @ outside + inside @ back @ z @ y - y @ t @ y


pseudo_inverse = primitive(
    lambda a, *, rcond: np.linalg.pinv(a, rcond), name="pinv", vjp=[_pseudo_pull], jvp=[_pseudo_push]
)


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = ...) -> Any:
    """``np.linalg.pinv``; if the rank is not full, the derivative is that at constant rank.

    It is right if the singular values that `rcond` cuts off are rounding errors. If they are not, the result is the
    inverse of a nearby matrix of lower rank, and the contribution of these values to the derivative is missing.
    """
    a = hermitian_or_not(matrix(a, "pinv"), hermitian, "pinv")
    if rcond is None:
        rcond = 1e-15 if rtol is ... else rtol
    elif rtol is not ...:
        raise ValueError("pinv: rcond and rtol are two names for one number; give only one of them.")
    if rcond is None:
        rcond = max(a.shape[-2:]) * float(precision(a).eps)
    return pseudo_inverse(a, rcond=_number(rcond, "pinv"))


def _number(rcond: Any, name: str) -> float:
    if np.ndim(rcond):
        raise refused(f"{name} on a Tensor: rcond must be a number; an array of shape {np.shape(rcond)} was given.")
    return float(rcond)


def _least_pull_a(ct: Any, y: Any, a: Any, b: Any, *, rcond: float) -> Any:
    """The transpose of `_least_push_a`, term by term."""
    p = pseudo_inverse(a, rcond=rcond)
    back, left = adjoint(ct), b - a @ y
    return (
        conj(left) @ back @ conj(p @ adjoint(p))
        + conj(adjoint(p) @ y) @ back @ conj(identity(a) - p @ a)
        - transposed(p) @ ct @ transposed(y)
    )


def _least_push_a(t: Any, y: Any, a: Any, b: Any, *, rcond: float) -> Any:
    """The slope of the pseudo-inverse times `b`."""
    p = pseudo_inverse(a, rcond=rcond)
    back, left = adjoint(t), b - a @ y
    return p @ adjoint(p) @ (back @ left) + (identity(a) - p @ a) @ (back @ (adjoint(p) @ y)) - p @ (t @ y)


least_squares = primitive(
    lambda a, b, *, rcond: np.linalg.lstsq(a, b, rcond)[0],
    name="lstsq",
    vjp=[_least_pull_a, lambda ct, y, a, b, *, rcond: transposed(pseudo_inverse(a, rcond=rcond)) @ ct],
    jvp=[_least_push_a, lambda t, y, a, b, *, rcond: pseudo_inverse(a, rcond=rcond) @ t],
)
"""The x of smallest norm among those for which ``a @ x`` is closest to the matrix `b`."""


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """``np.linalg.lstsq``; for a deficient rank the solution of smallest norm, differentiated at constant rank."""
    a, b = operand(a), operand(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ShapeError(
            f"lstsq: a has shape {a.shape} and b {b.shape}; a must be one matrix, and b a vector or a matrix with as "
            f"many rows."
        )
    rows, columns = a.shape
    eps = float(np.finfo(np.float64).eps)  # NumPy computes in double precision for every dtype
    rcond = max(rows, columns) * eps if rcond is None else _number(rcond, "lstsq")
    rcond = rcond if rcond >= 0 else eps
    several = b if b.ndim == 2 else b[:, None]
    y = least_squares(a, several, rcond=rcond)
    s = svd_of(a)[1]
    rank = (values(s) > rcond * values(s)[:1]).sum().astype(np.intc)
    left = several - matmul(a, y)
    squares = (left * conj(left)).real.sum(axis=0)
    if rows <= columns or decided(lambda rank: bool(rank < columns), rank):
        squares = np.zeros(0, squares.dtype)
    return (y if b.ndim == 2 else y[:, 0]), squares, rank, s


# --- condition ------------------------------------------------------------------------------------


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """``np.linalg.cond``; infinite for a singular matrix, or, in norms other than 2 and -2, an error."""
    x = matrix(x, "cond", "x")
    if x.size == 0:
        raise ShapeError(f"cond: x has shape {x.shape}; a matrix without entries has no condition number.")
    if p is None or p in (2, -2):
        s = svd_of(x)[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    x = square(x, "cond", "x")
    mend = "Its condition number is infinite; np.linalg.cond(x) returns that without an error."
    return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(inverted(x, "cond", "x", mend), p, (-2, -1))


# --- many matrices --------------------------------------------------------------------------------


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    """``np.linalg.matrix_power``, by repeated squaring."""
    a, n = square(a, "matrix_power"), operator.index(n)
    if n == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    if n < 0:
        a, n = inverted(a, "matrix_power"), -n
    if n == 1:
        return a[...]
    result = None
    while n:
        if n % 2:
            result = a if result is None else matmul(result, a)
        n //= 2
        if n:
            a = matmul(a, a)
    return result


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """``np.linalg.multi_dot``: in the order that needs the fewest multiplications."""
    xs = [operand(x) for x in arrays]
    if len(xs) < 2:
        raise ValueError(f"multi_dot: at least two matrices are expected; {len(xs)} was given.")
    for i, x in enumerate(xs):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, len(xs) - 1)):
            raise ShapeError(
                f"multi_dot: operand {i} has shape {x.shape}; matrices are expected, the first and the last may be "
                f"vectors."
            )
    sizes = [1 if xs[0].ndim == 1 else xs[0].shape[0], *(x.shape[0] for x in xs[1:])]
    sizes.append(1 if xs[-1].ndim == 1 else xs[-1].shape[1])
    return _chain(xs, _cheapest(sizes), 0, len(xs) - 1)


def _cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """For every run of factors i to j the place to split it; the i-th factor has shape sizes[i:i + 2]."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], cuts[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return cuts


def _chain(xs: list[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return xs[i]
    k = cuts[i, j]
    return matmul(_chain(xs, cuts, i, k), _chain(xs, cuts, k + 1, j))


NUMPY_CONSTANTS.add(np.linalg.matrix_rank)
