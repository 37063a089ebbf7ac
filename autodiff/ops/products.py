"""Products of vectors, matrices and arrays: linear in each operand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import multilinear
from autodiff.core.primitives import implements
from autodiff.errors import ShapeError
from autodiff.ops.complex_parts import conj
from autodiff.ops.shapes import canonical_axis, moveaxis, operand, permute, ravel, reshape_to

# --- matmul ---------------------------------------------------------------------------------------


def _matmul_a(ct: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return ct[..., None] * b if a.ndim > 1 else ct * b
    if a.ndim == 1:
        return (ct[..., None, :] @ b.swapaxes(-1, -2))[..., 0, :]
    if ct.ndim > 2 and b.ndim == 2:  # one long product: BLAS would rearrange a transposed matrix for every short one
        rows = math.prod(ct.shape[:-1])
        return (ct.reshape((rows, ct.shape[-1])) @ b.swapaxes(-1, -2)).reshape((*ct.shape[:-1], b.shape[0]))
    return ct @ b.swapaxes(-1, -2)


def _matmul_b(ct: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return a * ct if b.ndim == 1 else a[:, None] * ct[..., None, :]
    if a.ndim > 2 and b.ndim < 3:  # one `b` for many matrices: one long product in place of a sum of small ones
        rows = math.prod(a.shape[:-1])
        return a.reshape(rows, a.shape[-1]).T @ ct.reshape((rows, *b.shape[1:]))
    if b.ndim == 1:
        return a.swapaxes(-1, -2) @ ct
    return a.swapaxes(-1, -2) @ ct


matmul = multilinear(np.matmul, _matmul_a, _matmul_b, passes_mask=True)


@implements(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any, /) -> Any:
    """``np.linalg.matmul``."""
    return matmul(x1, x2)


# --- other products, by matmul --------------------------------------------------------------------


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """``np.dot``."""
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return matmul(a, b) if b.ndim <= 2 else tensordot(a, b, ((-1,), (-2,)))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """``np.inner``."""
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return matmul(a, b) if b.ndim == 1 else tensordot(a, b, ((-1,), (-1,)))


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """``np.vdot``."""
    return matmul(ravel(_conj(operand(a))), ravel(operand(b)))


def _conj(x: Any) -> Any:
    return conj(x) if x.dtype.kind == "c" else x


@implements(np.outer)
def outer(a: Any, b: Any) -> Any:
    """``np.outer``."""
    a, b = operand(a), operand(b)
    return reshape_to(a, shape=(a.size, 1)) * ravel(b)


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Any:
    """``np.linalg.outer``, for two vectors."""
    x1, x2 = operand(x1), operand(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"linalg.outer: two vectors are expected; the shapes are {x1.shape} and {x2.shape}.")
    return outer(x1, x2)


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``: one matrix product after the axes are put in order."""
    a, b = operand(a), operand(b)
    if isinstance(axes, (int, np.integer)):
        axes = range(a.ndim - int(axes), a.ndim), range(int(axes))
    first, second = (
        tuple(canonical_axis(i, x.ndim, "tensordot") for i in (given if hasattr(given, "__iter__") else (given,)))
        for x, given in zip((a, b), axes)
    )
    lengths = tuple(a.shape[i] for i in first), tuple(b.shape[i] for i in second)
    if lengths[0] != lengths[1]:
        raise ShapeError(
            f"tensordot: axes {first} of a (shape {a.shape}) have lengths {lengths[0]}, and axes {second} of b (shape "
            f"{b.shape}) {lengths[1]}; they must be equal."
        )
    rows = tuple(i for i in range(a.ndim) if i not in first)
    columns = tuple(i for i in range(b.ndim) if i not in second)
    shape = tuple(a.shape[i] for i in rows) + tuple(b.shape[i] for i in columns)
    n = math.prod(lengths[0])
    left = reshape_to(_in_order(a, rows + first), shape=(math.prod(shape[: len(rows)]), n))
    right = reshape_to(_in_order(b, second + columns), shape=(n, math.prod(shape[len(rows) :])))
    return reshape_to(matmul(left, right), shape=shape)


def _in_order(x: Any, axes: tuple[int, ...]) -> Any:
    return x if axes == tuple(range(x.ndim)) else permute(x, axes=axes)


@implements(np.linalg.tensordot)
def linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """``np.linalg.tensordot``."""
    return tensordot(x1, x2, axes)


# --- products of many vectors at once -------------------------------------------------------------


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.vecdot``."""
    x1, x2 = moveaxis(operand(x1), axis, -1), moveaxis(operand(x2), axis, -1)
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"vecdot: the vectors must have equal length; the shapes are {x1.shape} and {x2.shape}.")
    return (_conj(x1) * x2).sum(axis=-1)


def matvec(x1: Any, x2: Any) -> Any:
    """``np.matvec``."""
    x1, x2 = operand(x1), operand(x2)
    return matmul(x1, x2[..., None])[..., 0]


def vecmat(x1: Any, x2: Any) -> Any:
    """``np.vecmat``."""
    x1, x2 = operand(x1), operand(x2)
    return matmul(_conj(x1)[..., None, :], x2)[..., 0, :]


if hasattr(np, "matvec"):  # NumPy 2.2
    implements(np.matvec)(matvec)
    implements(np.vecmat)(vecmat)
