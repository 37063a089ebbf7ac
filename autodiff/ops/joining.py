"""Joining arrays, splitting, repeating and padding them.

`concatenate` and `split` are each other's transpose, as are `stack` and `unstack`. Lists of arrays become
positional operands here, before the primitives are called.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from autodiff.core.kinds import linear
from autodiff.core.primitives import Primitive, implements
from autodiff.errors import ShapeError, UnsupportedError
from autodiff.ops.indexing import Index, index_add, take
from autodiff.ops.shapes import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    canonical_axis,
    cast,
    in_a_row,
    operand,
    ravel,
    reshape_to,
    spread,
    values,
)
from autodiff.typing import Shape


def _part(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(start, stop),)


def _member(axis: int, i: int) -> tuple[Any, ...]:
    return (slice(None),) * axis + (i,)


# --- end to end -----------------------------------------------------------------------------------


def _split(x: Any, *, sizes: Shape, axis: int) -> Any:
    return tuple(x[_part(axis, a, b)] for a, b in pairwise(accumulate(sizes, initial=0)))


concatenate_all: Primitive = linear(
    lambda *xs, axis: np.concatenate(xs, axis),
    lambda ct, *xs, axis: split_at(ct, sizes=tuple(x.shape[axis] for x in xs), axis=axis),
    name="concatenate",
    variadic=True,
    passes_mask=True,
)
split_at: Primitive = linear(
    _split, lambda cts, x, *, sizes, axis: concatenate_all(*cts, axis=axis), name="split", masking=True
)
"""Parts of an array. It masks, as reading by index does: entries in a part that is not used receive no gradient."""


def _joined_mask(index: int, live: Any, y: Any, *xs: Any, axis: int) -> Any:
    if live is None:
        return None
    start = sum(x.shape[axis] for x in xs[:index])
    return live[_part(axis, start, start + xs[index].shape[axis])]


concatenate_all.mask_pull = _joined_mask  # it cuts out one part of the mask; the rule would cut out all parts


def _arrays(arrays: Any, name: str) -> list[Any]:
    """The operands in a list of arrays, or in an array, whose slices along the first axis they are."""
    xs = [operand(x) for x in arrays]
    if not xs:
        raise ShapeError(f"{name}: at least one array is needed; the list is empty.")
    return xs


@implements(np.concatenate)
def concatenate(arrays: Any, axis: Any = 0, *, dtype: Any = None) -> Any:
    """``np.concatenate``."""
    xs = _arrays(arrays, "concatenate")
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    if dtype is not None:
        xs = [cast(x, dtype=np.dtype(dtype)) for x in xs]
    axis = canonical_axis(axis, xs[0].ndim, "concatenate")
    for i, x in enumerate(xs):
        if _without(x.shape, axis) != _without(xs[0].shape, axis):
            raise ShapeError(
                f"concatenate: array 0 has shape {xs[0].shape} and array {i} {x.shape}; all lengths but that of axis "
                f"{axis} must be equal. To join arrays of equal shape along a new axis, use np.stack."
            )
    return concatenate_all(*xs, axis=axis)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """``np.append``."""
    return concatenate([arr, values], axis)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None) -> Any:
    """``np.vstack``."""
    return concatenate([atleast_2d(x) for x in tup], 0, dtype=dtype)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None) -> Any:
    """``np.hstack``."""
    xs = [atleast_1d(x) for x in tup]
    return concatenate(xs, 0 if xs and xs[0].ndim == 1 else 1, dtype=dtype)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """``np.dstack``."""
    return concatenate([atleast_3d(x) for x in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """``np.column_stack``."""
    xs = [operand(x) for x in tup]
    return concatenate([x if x.ndim > 1 else reshape_to(x, shape=(x.size, 1)) for x in xs], 1)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """``np.array_split``."""
    axis = canonical_axis(axis, ary.ndim, "array_split")
    n = ary.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        parts = int(indices_or_sections)
        if parts < 1:
            raise ValueError(f"split: the number of parts must be at least 1; {parts} was given.")
        sizes = [n // parts + 1] * (n % parts) + [n // parts] * (parts - n % parts)
        return list(split_at(ary, sizes=tuple(sizes), axis=axis))
    bounds = [0, *(slice(None, int(i)).indices(n)[1] for i in indices_or_sections), n]
    if bounds != sorted(bounds):  # the parts overlap, so each is sliced by itself
        return [ary[_part(axis, a, b)] for a, b in pairwise(bounds)]
    return list(split_at(ary, sizes=tuple(b - a for a, b in pairwise(bounds)), axis=axis))


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """``np.split``."""
    axis = canonical_axis(axis, ary.ndim, "split")
    if isinstance(indices_or_sections, (int, np.integer)) and ary.shape[axis] % max(int(indices_or_sections), 1):
        raise ShapeError(
            f"split: axis {axis} has length {ary.shape[axis]}, not a multiple of {indices_or_sections}; np.array_split "
            f"allows unequal parts."
        )
    return array_split(ary, indices_or_sections, axis)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """``np.vsplit``."""
    return split(ary, indices_or_sections, 0)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """``np.hsplit``."""
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """``np.dsplit``."""
    return split(ary, indices_or_sections, 2)


# --- along a new axis -----------------------------------------------------------------------------


def _stack(*xs: Any, axis: int) -> Any:
    if axis == 0 and all(type(x) is np.ndarray or isinstance(x, np.generic) for x in xs):
        return np.array(xs)  # a tenth of the time of np.stack
    y = np.stack(xs, axis)
    return y if axis or not hasattr(y, "flags") or y.flags.c_contiguous else y.copy()  # C order, as by np.array


def _unstack(x: Any, *, axis: int) -> Any:
    return tuple(x) if axis == 0 else tuple(x[_member(axis, i)] for i in range(x.shape[axis]))


stack_all: Primitive = linear(
    _stack, lambda ct, *xs, axis: unstack_all(ct, axis=axis), name="stack", variadic=True, passes_mask=True
)
unstack_all: Primitive = linear(
    _unstack, lambda cts, x, *, axis: stack_all(*cts, axis=axis), name="unstack", masking=True
)


stack_all.mask_pull = lambda index, live, y, *xs, axis: None if live is None else live[_member(axis, index)]


@implements(np.stack)
def stack(arrays: Any, axis: Any = 0, *, dtype: Any = None) -> Any:
    """``np.stack``."""
    xs = _arrays(arrays, "stack")
    shape = xs[0].shape
    for i, x in enumerate(xs):
        if x.shape != shape:
            raise ShapeError(f"stack: array 0 has shape {shape} and array {i} {x.shape}; all must have the same shape.")
    if dtype is not None:
        xs = [cast(x, dtype=np.dtype(dtype)) for x in xs]
    return stack_all(*xs, axis=canonical_axis(axis, len(shape) + 1, "stack"))


def unstack(x: Any, /, *, axis: int = 0) -> Any:
    """``np.unstack``."""
    return unstack_all(x, axis=canonical_axis(axis, x.ndim, "unstack"))


if hasattr(np, "unstack"):  # NumPy 2.1
    implements(np.unstack)(unstack)


@implements(np.block)
def block(arrays: Any) -> Any:
    """``np.block``."""
    depth, inner = 0, arrays
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0] if inner else None
    return _block(arrays, depth, max(depth, _rank(arrays)))


def _rank(arrays: Any) -> int:
    return max(_rank(a) for a in arrays) if isinstance(arrays, list) else operand(arrays).ndim


def _block(arrays: Any, depth: int, rank: int) -> Any:
    if not isinstance(arrays, list):
        x = operand(arrays)
        return reshape_to(x, shape=(1,) * (rank - x.ndim) + x.shape)
    return concatenate([_block(a, depth - 1, rank) for a in arrays], -depth)


# --- repeating ------------------------------------------------------------------------------------


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """``np.tile``."""
    A = operand(A)
    reps = (int(reps),) if isinstance(reps, (int, np.integer)) else tuple(int(n) for n in reps)
    n = max(len(reps), A.ndim)
    reps, shape = (1,) * (n - len(reps)) + reps, (1,) * (n - A.ndim) + A.shape
    y = reshape_to(A, shape=tuple(m for length in shape for m in (1, length)))
    y = spread(y, shape=tuple(m for pair in zip(reps, shape) for m in pair))
    return reshape_to(y, shape=tuple(rep * length for rep, length in zip(reps, shape)))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """``np.repeat``."""
    a = operand(a)
    a, axis = in_a_row(a, axis)
    axis = canonical_axis(axis, a.ndim, "repeat")
    repeats = np.asarray(repeats)
    if repeats.size != 1:
        return take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)
    shape, n = a.shape, int(repeats.item())
    y = reshape_to(a, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :]))
    y = spread(y, shape=(*shape[: axis + 1], n, *shape[axis + 1 :]))
    return reshape_to(y, shape=(*shape[:axis], n * shape[axis], *shape[axis + 1 :]))


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """``np.meshgrid``."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij'; {indexing!r} was given.")
    xs = [ravel(operand(x)) for x in xi]
    n = len(xs)
    places = list(range(n))
    if indexing == "xy" and n > 1:
        places[:2] = [1, 0]
    grids = [reshape_to(x, shape=tuple(x.size if i == p else 1 for i in range(n))) for x, p in zip(xs, places)]
    if sparse:
        return tuple(grids)
    shape = np.broadcast_shapes(*(g.shape for g in grids))
    return tuple(spread(g, shape=shape) for g in grids)


@implements(np.ix_)
def ix_(*args: Any) -> Any:
    """``np.ix_``: each vector along an axis of its own; a Boolean vector stands for the indices where it is true."""
    out = []
    for k, given in enumerate(args):
        x = operand(given)
        if x.ndim != 1:
            raise ShapeError(f"ix_: vectors are expected; argument {k} has shape {x.shape}.")
        if x.dtype == np.bool_:
            x = np.flatnonzero(values(x))
        elif not x.size and not hasattr(given, "ndim"):
            x = x.astype(np.intp)
        out.append(reshape_to(x, shape=(1,) * k + (x.shape[0],) + (1,) * (len(args) - k - 1)))
    return tuple(out)


# --- padding --------------------------------------------------------------------------------------

_COPYING_MODES = ("edge", "reflect", "symmetric", "wrap")


@implements(np.pad)
def pad(
    array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0, reflect_type: str = "even"
) -> Any:
    """``np.pad`` in the modes that copy entries or write constants."""
    if mode not in ("constant", *_COPYING_MODES):
        known = ", ".join(repr(m) for m in ("constant", *_COPYING_MODES))
        raise UnsupportedError(f"np.pad on a Tensor: mode must be one of {known}; {mode!r} was given.")
    if reflect_type != "even":
        raise UnsupportedError(
            f'np.pad on a Tensor: reflect_type must be "even"; {reflect_type!r} was given. '
            "An odd reflection is twice the edge minus the even reflection."
        )
    widths = _widths(pad_width, array.ndim)
    if mode == "constant":
        inside = tuple(slice(a, a + n) for (a, _), n in zip(widths, array.shape))
        shape = tuple(a + n + b for (a, b), n in zip(widths, array.shape))
        y = index_add(array, index=Index(inside), shape=shape)
        if type(constant_values) is int and constant_values == 0:
            return y
        frame = np.pad(np.zeros(array.shape, array.dtype), widths, constant_values=constant_values)
        return y + frame
    for axis, width in enumerate(widths):
        if width != (0, 0):
            # The checker is wrong below: NumPy's stubs know modes as constants only.
            array = take(array, np.pad(np.arange(array.shape[axis]), width, mode=mode), axis)  # type: ignore[call-overload]
    return array


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """The widths before and after the entries, for each axis."""
    if isinstance(pad_width, dict):
        pairs = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axis] = (width, width) if isinstance(width, (int, np.integer)) else tuple(width)
        return [(int(a), int(b)) for a, b in pairs]
    return [(int(a), int(b)) for a, b in np.broadcast_to(np.asarray(pad_width), (ndim, 2))]
