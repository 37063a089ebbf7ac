"""Arrays made from others: cross and Kronecker products, choices by index, insertions, functions along axes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import NumpyVersion

from autodiff.core import switches
from autodiff.core.primitives import implements
from autodiff.errors import ShapeError
from autodiff.ops import shapes
from autodiff.ops.choices import where
from autodiff.ops.deciding import decided
from autodiff.ops.indexing import ARRAY, Index, at_set, take
from autodiff.ops.joining import concatenate, stack
from autodiff.ops.shapes import broadcast_to, canonical_axis, cast, moveaxis, operand, ravel, reshape_to

# --- products -------------------------------------------------------------------------------------


COMPONENTS = (3,) if NumpyVersion(np.__version__) >= "2.5.0" else (2, 3)
"""The numbers of components that the vectors of a cross product may have."""


@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """``np.cross``, for vectors of three components; before NumPy 2.5 also of two."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = (moveaxis(operand(x), i, -1) for x, i in ((a, axisa), (b, axisb)))
    if a.shape[-1] not in COMPONENTS or b.shape[-1] not in COMPONENTS:
        raise ShapeError(
            f"cross: the vectors must have {' or '.join(map(str, COMPONENTS))} components along their last axis; the "
            f"shapes are {a.shape} and {b.shape}. For vectors in the plane write a[..., 0] * b[..., 1] - a[..., 1] * "
            f"b[..., 0]."
        )
    xs, ys = ([v[..., i] if i < v.shape[-1] else None for i in range(3)] for v in (a, b))

    def minor(i: int, j: int) -> Any:
        """The component x_i y_j - x_j y_i; a missing third component, None, counts as 0."""
        terms = [x * y for x, y in ((xs[i], ys[j]),) if x is not None and y is not None]
        back = [x * y for x, y in ((xs[j], ys[i]),) if x is not None and y is not None]
        return terms[0] - back[0] if terms and back else terms[0] if terms else -back[0]

    third = minor(0, 1)
    if a.shape[-1] == 2 and b.shape[-1] == 2:
        return third
    return moveaxis(stack([minor(1, 2), minor(2, 0), third], -1), -1, axisc)


@implements(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.linalg.cross``, for vectors of three components."""
    x1, x2 = operand(x1), operand(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ShapeError(f"linalg.cross: three components are expected; the shapes are {x1.shape} and {x2.shape}.")
    return cross(x1, x2, axis=axis)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """``np.kron``."""
    a, b = operand(a), operand(b)
    n = max(a.ndim, b.ndim)
    first, second = (1,) * (n - a.ndim) + a.shape, (1,) * (n - b.ndim) + b.shape
    left = reshape_to(a, shape=tuple(m for k in first for m in (k, 1)))
    right = reshape_to(b, shape=tuple(m for k in second for m in (1, k)))
    return reshape_to(left * right, shape=tuple(k * m for k, m in zip(first, second)))


# --- by index -------------------------------------------------------------------------------------


@implements(np.choose)
def choose(a: Any, choices: Any, *, mode: str = "raise") -> Any:
    """``np.choose``; entries that are not chosen receive no gradient."""
    number, xs = shapes.values(a), [operand(x) for x in choices]
    if number.dtype.kind not in "iub":
        raise TypeError(f"choose: the indices of the choices must be integers; their dtype is {number.dtype}.")
    n = len(xs)
    if mode == "wrap":
        number = np.mod(number, n)
    elif mode == "clip":
        number = np.clip(number, 0, n - 1)
    elif number.size and (number.min() < 0 or number.max() >= n):
        raise ValueError(
            f"choose: there are {n} choices, numbered from 0; {number.min()} to {number.max()} were given."
        )
    shape = np.broadcast_shapes(number.shape, *(x.shape for x in xs))
    dtype = np.result_type(*(x.dtype for x in xs))
    y = broadcast_to(cast(xs[0], dtype=dtype), shape)
    for i, x in enumerate(xs[1:], 1):
        y = where(number == i, x, y)
    return y


# --- insertion and resizing -----------------------------------------------------------------------


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """``np.insert``, differentiable in the array and in the inserted values."""
    arr, new = operand(arr), operand(values)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = canonical_axis(axis, arr.ndim, "insert")
    n = arr.shape[axis]
    places = np.arange(n)[obj] if isinstance(obj, slice) else shapes.values(obj)
    if places.dtype == np.bool_:
        places = np.flatnonzero(places)
    elif places.size == 0:
        places = places.astype(np.intp)
    new = cast(new, dtype=arr.dtype)
    if places.size == 1:
        if new.ndim < arr.ndim:
            new = reshape_to(new, shape=(1,) * (arr.ndim - new.ndim) + new.shape)
        if places.ndim == 0:
            new = moveaxis(new, 0, axis)
        count = new.shape[axis]
        places = np.repeat(places.ravel(), count)
    else:
        count = places.size
        while new.ndim > arr.ndim and new.shape[0] == 1:
            new = new[0]
    new = broadcast_to(new, (*arr.shape[:axis], count, *arr.shape[axis + 1 :]))
    order = np.insert(np.arange(n), places, n + np.arange(count))
    return take(concatenate([arr, new], axis), order, axis)


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """``np.resize``: the entries are repeated until the shape is full."""
    a = ravel(operand(a))
    shape = (int(new_shape),) if isinstance(new_shape, (int, np.integer)) else tuple(int(n) for n in new_shape)
    if any(n < 0 for n in shape):
        raise ShapeError(f"resize: the new shape must not have negative lengths; {shape} was given.")
    size = int(np.prod(shape, dtype=int))
    if not a.size:
        return np.zeros(shape, a.dtype)
    return reshape_to(take(a, np.arange(size) % a.size, 0), shape=shape)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """``np.real_if_close``: the real part, if the imaginary part is negligible."""
    a = operand(a)
    is_close = a.dtype.kind == "c" and decided(lambda x: np.real_if_close(x, tol).dtype.kind != "c", shapes.values(a))
    return a.real if is_close else a


# --- functions along axes -------------------------------------------------------------------------


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Any], axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.apply_along_axis``: it makes one call for each vector, so prefer a function with axis= if there is one."""
    arr = operand(arr)
    axis = canonical_axis(axis, arr.ndim, "apply_along_axis")
    rows = moveaxis(arr, axis, -1)
    outer = rows.shape[:-1]
    if 0 in outer:
        raise ShapeError(f"apply_along_axis: no vectors lie along axis {axis} of an array of shape {arr.shape}.")
    results = [operand(func1d(rows[i], *args, **kwargs)) for i in itertools.product(*(range(n) for n in outer))]
    inner = results[0].shape
    y = reshape_to(stack(results), shape=outer + inner)
    here = tuple(range(len(outer), len(outer) + len(inner)))
    return moveaxis(y, here, tuple(axis + i for i in range(len(inner)))) if inner else y


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """``np.apply_over_axes``."""
    a = operand(a)
    y, n = a, a.ndim
    for i in np.atleast_1d(shapes.values(axes)).tolist():
        i = canonical_axis(i, n, "apply_over_axes")
        folded = func(y, i)
        if folded.ndim == y.ndim - 1:
            shape = folded.shape
            folded = reshape_to(folded, shape=(*shape[:i], 1, *shape[i:]))
        if folded.ndim != n:
            raise ShapeError(f"apply_over_axes: the function returned shape {folded.shape} for {y.shape}, axis {i}.")
        y = folded
    return y


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """``np.piecewise``: each function is called on the entries of its piece only."""
    if switches.tracer() is not None and any(map(callable, funclist)):
        raise switches.refusal(
            "compile: np.piecewise gives each function the entries of its piece, and their number depends on values. "
            "Write np.where or np.select, which compute all pieces for all entries."
        )
    x = operand(x)
    if not isinstance(condlist, (list, tuple)) or (condlist and np.ndim(condlist[0]) == 0 and x.ndim > 0):
        condlist = [condlist] if not isinstance(condlist, np.ndarray) or condlist.ndim == x.ndim else list(condlist)
    conditions = [shapes.values(c).astype(bool) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    elif len(funclist) != len(conditions):
        raise ValueError(
            f"piecewise: {len(conditions)} conditions need as many functions, or one more; {len(funclist)} were given."
        )
    y: Any = np.zeros(x.shape, x.dtype)
    for c, f in zip(conditions, funclist):
        if callable(f) and not c.any():
            continue
        piece = f(x[c], *args, **kw) if callable(f) else f
        y = cast(at_set(y, operand(piece), c, index=Index(ARRAY)), dtype=x.dtype)
    return y
