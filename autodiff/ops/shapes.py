"""Functions that move entries without changing them. All of them are linear.

Shapes, axes and permutations reach the primitives in canonical form: tuples of non-negative integers.
Functions that are equal to a sequence of reshaping, permuting and spreading are composed of these.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from autodiff.core.kinds import linear
from autodiff.core.primitives import NUMPY_CONSTANTS, Primitive, implements
from autodiff.core.switches import is_traced
from autodiff.errors import ShapeError, UnsupportedError
from autodiff.typing import Shape

# --- canonical form -------------------------------------------------------------------------------


_NUMPYS = (np.ndarray, np.generic)


def operand(x: Any) -> Any:
    """`x` if it is an array, else one made from it: NumPy passes lists, numbers and most libraries' arrays unchanged.

    What answers NumPy's functions itself, as a Tensor and an array of dask do, is an array. A torch tensor or a column
    of pandas is not: it has an `ndim`, but a method `reshape` or `sum` of its own, or none.
    """
    if isinstance(x, _NUMPYS) or (hasattr(kind := type(x), "__array_function__") and hasattr(kind, "ndim")):
        return x
    if is_sparse(x):
        raise no_dense_array(x)
    return np.asarray(x)


def is_sparse(x: Any) -> bool:
    """Whether it is one of SciPy's sparse arrays, which have no protocol of NumPy's. SciPy is not loaded for this."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(x))


def no_dense_array(x: Any) -> UnsupportedError:
    """The error for a sparse matrix where an array is needed."""
    return UnsupportedError(
        f"a scipy.{type(x).__name__} {x.shape} is no array: sparse matrices meet Tensors in x @ A, "
        "ad.sparse_matmul(A, x) and ad.sparse_solve(A, b). For anything else write A.toarray()."
    )


def values(x: Any) -> Any:
    """The plain array of an operand, for decisions by values outside the rules: an order, a count, an index."""
    x = getattr(x, "_data", x)
    return x if is_traced(x) else np.asarray(x)


def canonical_axis(axis: Any, ndim: int, name: str | None = None) -> int:
    """`axis` counted from the front."""
    i = index(axis)
    if not -ndim <= i < ndim:
        raise np.exceptions.AxisError(i, ndim, name)
    return int(i % ndim)


FOLDING = {"sum", "prod", "max", "min", "squeeze", "nanmean", "nanmax", "nanmin", "nanvar", "nanstd"}
"""Functions that accept axis 0 and -1 for a 0-d array, as those of NumPy do."""


def in_a_row(a: Any, axis: Any) -> tuple[Any, int | None]:
    """The array and axis to run along: without an axis the flat array; a 0-d array counts as one entry."""
    if axis is None or (a.ndim == 0 and type(axis) is int and axis in (0, -1)):
        return (a if a.ndim == 1 else ravel(a)), 0
    return a, axis


def canonical_axes(axis: Any, ndim: int, name: str | None = None) -> Shape | None:
    """`axis` as an increasing tuple of non-negative integers; None (all axes) stays None."""
    if axis is None or (ndim == 0 and type(axis) is int and axis in (0, -1) and name in FOLDING):
        return None
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    out = sorted(canonical_axis(a, ndim, name) for a in axes)
    if len(set(out)) != len(out):
        raise ValueError(f"{name or 'axis'}: {axis} contains one axis twice.")
    return tuple(out)


def canonical_shape(shape: Any, size: int) -> Shape:
    """`shape` as a tuple, with -1 resolved."""
    shape = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
    if -1 in shape:
        known = 1
        for n in shape:
            known *= 1 if n == -1 else n
        if known and size % known == 0 and shape.count(-1) == 1:
            shape = tuple(size // known if n == -1 else n for n in shape)
    return shape


# --- spreading ------------------------------------------------------------------------------------


def _spread(x: Any, *, shape: Shape) -> Any:
    out = np.empty(shape, x.dtype)  # takes a third of the time of np.broadcast_to, and is writable
    out[...] = x
    return out


def _unspread(ct: Any, x: Any, *, shape: Shape) -> Any:
    extra = len(shape) - x.ndim
    axes = tuple(range(extra)) + tuple(extra + i for i, n in enumerate(x.shape) if n != shape[extra + i])
    return ct.sum(axis=axes).reshape(x.shape) if axes else ct


spread = linear(_spread, _unspread, name="spread", passes_mask=True)
"""Broadcast to a shape, as a new array: the transpose of summing."""


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    """``np.broadcast_to``, as a copy."""
    shape = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
    extra = len(shape) - array.ndim
    if extra < 0 or any(n not in (1, m) for n, m in zip(array.shape, shape[extra:])):
        raise ShapeError(f"broadcast_to: an array of shape {array.shape} does not broadcast to {shape}.")
    return spread(array, shape=shape)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> Any:
    """``np.broadcast_arrays``, as copies."""
    xs = [operand(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in xs))
    return tuple(x if x.shape == shape else spread(x, shape=shape) for x in xs)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", *, shape: Any = None) -> Any:
    """``np.full_like``, differentiable in `fill_value`."""
    a = operand(a)
    shape = a.shape if shape is None else (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(shape)
    dtype = a.dtype if dtype is None else np.dtype(dtype)
    if not hasattr(type(fill_value), "__autodiff_apply__"):
        return np.full(shape, fill_value, dtype)
    return broadcast_to(cast(fill_value, dtype=dtype), shape)


# --- reshaping ------------------------------------------------------------------------------------

reshape_to = linear(
    lambda x, *, shape: x.reshape(shape), lambda ct, x, *, shape: ct.reshape(x.shape), name="reshape", passes_mask=True
)


@implements(np.reshape)
def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    """``np.reshape``, by rows ("C") or by columns ("F"); the memory layout of the array never matters."""
    shape = canonical_shape(shape, a.size)
    if order == "C":
        return reshape_to(a, shape=shape)
    if order != "F":
        raise ValueError(f"reshape: order must be 'C' or 'F' on a Tensor; {order!r} was given.")
    return transpose(reshape_to(transpose(a), shape=shape[::-1]))


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """``np.ravel``, by rows ("C") or by columns ("F")."""
    return reshape_to(a, shape=(a.size,)) if order == "C" else reshape(a, -1, order)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """``np.squeeze``."""
    axes = canonical_axes(axis, a.ndim, "squeeze")
    for i in axes or ():
        if a.shape[i] != 1:
            raise ShapeError(
                f"squeeze: axis {i} of shape {a.shape} has length {a.shape[i]}; only length 1 can be dropped."
            )
    return reshape_to(a, shape=tuple(n for i, n in enumerate(a.shape) if (n != 1 if axes is None else i not in axes)))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """``np.expand_dims``."""
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    axes = canonical_axes(axis, a.ndim + count, "expand_dims")
    assert axes is not None
    lengths = iter(a.shape)
    return reshape_to(a, shape=tuple(1 if i in axes else next(lengths) for i in range(a.ndim + count)))


def _at_least(n: int, x: Any) -> Any:
    x = operand(x)
    if x.ndim >= n:
        return x
    shape = x.shape
    if n == 3:  # NumPy puts new axes on both sides of a single axis, but after two axes
        shape = (1, *shape) if x.ndim == 1 else shape
        return reshape_to(x, shape=(*shape, *(1,) * (3 - len(shape))))
    return reshape_to(x, shape=(*(1,) * (n - x.ndim), *shape))


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """``np.atleast_1d``."""
    return _at_least(1, arys[0]) if len(arys) == 1 else tuple(_at_least(1, x) for x in arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """``np.atleast_2d``."""
    return _at_least(2, arys[0]) if len(arys) == 1 else tuple(_at_least(2, x) for x in arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """``np.atleast_3d``."""
    return _at_least(3, arys[0]) if len(arys) == 1 else tuple(_at_least(3, x) for x in arys)


# --- permuting ------------------------------------------------------------------------------------

permute = linear(
    lambda x, *, axes: x.transpose(axes),
    lambda ct, x, *, axes: ct.transpose(inverse(axes)),
    name="transpose",
    passes_mask=True,
)


def inverse(axes: Shape) -> Shape:
    """The permutation that undoes `axes`."""
    back = [0] * len(axes)
    for i, a in enumerate(axes):
        back[a] = i
    return tuple(back)


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """``np.transpose``."""
    if axes is None:
        return permute(a, axes=tuple(range(a.ndim))[::-1])
    return permute(a, axes=tuple(canonical_axis(i, a.ndim, "transpose") for i in axes))


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    """``np.swapaxes``."""
    i, j = canonical_axis(axis1, a.ndim, "swapaxes"), canonical_axis(axis2, a.ndim, "swapaxes")
    axes = list(range(a.ndim))
    axes[i], axes[j] = j, i
    return permute(a, axes=tuple(axes))


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """``np.matrix_transpose``."""
    return swapaxes(x, -1, -2)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """``np.moveaxis``."""
    sources, destinations = (
        [canonical_axis(i, a.ndim, "moveaxis") for i in (axes if isinstance(axes, (tuple, list)) else (axes,))]
        for axes in (source, destination)
    )
    if len(sources) != len(destinations) or len(set(sources)) != len(sources) or len(set(destinations)) != len(sources):
        raise ValueError(f"moveaxis: source {source} and destination {destination} need equally many, distinct axes.")
    order = [i for i in range(a.ndim) if i not in sources]
    for to, frm in sorted(zip(destinations, sources)):
        order.insert(to, frm)
    return permute(a, axes=tuple(order))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: Any, start: int = 0) -> Any:
    """``np.rollaxis``."""
    i = canonical_axis(axis, a.ndim, "rollaxis")
    start = start + a.ndim if start < 0 else start
    return moveaxis(a, i, start - 1 if i < start else start)


# --- turning and shifting -------------------------------------------------------------------------


def _flip(x: Any, *, axes: Shape) -> Any:
    return x[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(x.ndim))]


flip_axes: Primitive = linear(_flip, lambda ct, x, *, axes: flip_axes(ct, axes=axes), name="flip", passes_mask=True)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """``np.flip``."""
    axes = canonical_axes(axis, m.ndim, "flip")
    return flip_axes(m, axes=tuple(range(m.ndim)) if axes is None else axes)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """``np.fliplr``."""
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """``np.flipud``."""
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """``np.rot90``."""
    i, j = (canonical_axis(a, m.ndim, "rot90") for a in axes)
    k %= 4
    if k == 2:
        return flip(m, (i, j))
    if k == 0:
        return m[...]
    return swapaxes(flip(m, j), i, j) if k == 1 else flip(swapaxes(m, i, j), j)


rotate: Primitive = linear(
    lambda x, *, by, axes: np.roll(x, by, axes),
    lambda ct, x, *, by, axes: rotate(ct, by=tuple(-n for n in by), axes=axes),
    name="roll",
    passes_mask=True,
)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """``np.roll``."""
    if axis is None:
        total = sum(shift) if isinstance(shift, (tuple, list)) else shift
        return reshape_to(rotate(ravel(a), by=(int(total),), axes=(0,)), shape=a.shape)
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    by = tuple(shift) if isinstance(shift, (tuple, list)) else (shift,) * len(axes)
    axes = axes * len(by) if len(axes) == 1 else axes
    return rotate(a, by=tuple(int(n) for n in by), axes=tuple(canonical_axis(i, a.ndim, "roll") for i in axes))


# --- type -----------------------------------------------------------------------------------------

cast = linear(lambda x, *, dtype: x.astype(dtype), lambda ct, x, *, dtype: ct, name="astype", passes_mask=True)


def in_single(function: Callable[..., Any], *xs: Any, **keywords: Any) -> Any:
    """Call a function of floats; if all are float16, compute in float32 and cast the results back.

    In float16, squares overflow from 256 and sums from 65,520, even where the final result would not.
    """
    if any(x.dtype.char != "e" for x in xs):
        return function(*xs, **keywords)
    half, single = np.dtype(np.float16), np.dtype(np.float32)
    y = function(*[cast(x, dtype=single) for x in xs], **keywords)
    return tuple(cast(part, dtype=half) for part in y) if isinstance(y, tuple) else cast(y, dtype=half)


def astype(x: Any, dtype: Any, /) -> Any:
    """``np.astype``."""
    return cast(x, dtype=np.dtype(dtype))


if hasattr(np, "astype"):  # NumPy 2.1
    implements(np.astype)(astype)

# --- functions without a gradient -----------------------------------------------------------------

NUMPY_CONSTANTS.update({np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj})
NUMPY_CONSTANTS.update({np.common_type, np.min_scalar_type, np.may_share_memory, np.shares_memory})
NUMPY_CONSTANTS.update({np.zeros_like, np.ones_like, np.empty_like})
NUMPY_CONSTANTS.update({np.array_str, np.array_repr, np.array2string})
