"""Reading entries by index, and writing them functionally.

An index is kept as an `Index`, a hashable template; its arrays are separate operands. Reading (`gather`)
and adding into zeros (`index_add`) are each other's transpose.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import linear, primitive
from autodiff.core.primitives import NUMPY_CONSTANTS, Primitive, implements
from autodiff.errors import ShapeError
from autodiff.ops.deciding import whole
from autodiff.ops.shapes import canonical_axis, in_a_row, operand, ravel, values
from autodiff.typing import Shape


class _Array:
    """Marks the place of an index array in a template."""

    def __repr__(self) -> str:
        return "array"

    def __reduce__(self) -> str:
        return "ARRAY"  # a pickle refers to the only instance


ARRAY = _Array()


class Index:
    """An index in which arrays are replaced by a mark, so that it can be compared and hashed."""

    __slots__ = ("template",)

    def __init__(self, template: Any) -> None:
        self.template = template

    def fill(self, arrays: tuple[Any, ...]) -> Any:
        """The index for NumPy, with the arrays in their places."""
        if not arrays:
            return self.template
        if self.template is ARRAY:
            return arrays[0]
        rest = iter(arrays)
        return tuple(next(rest) if part is ARRAY else part for part in self.template)

    def _key(self) -> Any:
        parts = self.template if isinstance(self.template, tuple) else (self.template,)
        return tuple(("slice", p.start, p.stop, p.step) if isinstance(p, slice) else p for p in parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        parts = self.template if isinstance(self.template, tuple) else (self.template,)
        return "[" + ", ".join(_show(p) for p in parts) + "]"


def _show(part: Any) -> str:
    if isinstance(part, slice):
        text = f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
        return text if part.step is None else f"{text}:{part.step}"
    return "..." if part is Ellipsis else repr(part)


def split_index(index: Any) -> tuple[Index, tuple[Any, ...]]:
    """An index as a template and its arrays."""
    if type(index) in (int, slice):
        return Index(index), ()
    if not isinstance(index, tuple):
        index = _canonical(index)
        return (Index(index), ()) if _is_basic(index) else (Index(ARRAY), (index,))
    parts = [_canonical(p) for p in index]
    arrays = tuple(p for p in parts if not _is_basic(p))
    return Index(tuple(p if _is_basic(p) else ARRAY for p in parts)), arrays


def _is_basic(part: Any) -> bool:
    return part is None or part is Ellipsis or type(part) in (int, slice)


def _canonical(part: Any) -> Any:
    """A part of an index as int, slice, None, Ellipsis or a plain array."""
    if _is_basic(part):
        return part
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, int) and not isinstance(part, bool):
        return int(part)
    array = values(part)
    if array.size == 0 and array.dtype.kind == "f":  # x[[]]
        return array.astype(np.intp)
    if array.dtype.kind not in "iub":
        raise IndexError(
            f"an index must consist of integers, slices, Boolean arrays, None and ...; {part!r} has dtype "
            f"{array.dtype}."
        )
    return array


# --- reading and adding ---------------------------------------------------------------------------


def _gather(x: Any, *arrays: Any, index: Index) -> Any:
    return x[index.fill(arrays)]


@linear(_gather, name="getitem", masking=True)
def gather(ct: Any, x: Any, *arrays: Any, index: Index) -> Any:
    """Cotangent of `x`: zeros, with the cotangent added to the entries that were read."""
    return index_add(ct, *arrays, index=index, shape=x.shape)


def entries(index: Index, arrays: tuple[Any, ...], shape: Shape) -> Any:
    """The flat positions, in C order, of the entries that an index selects in an array of this shape."""
    if index.template is ARRAY and len(shape) == 1 and arrays[0].dtype != np.bool_:
        return arrays[0]
    return np.arange(math.prod(shape)).reshape(shape)[index.fill(arrays)]


def _index_add(values: Any, *arrays: Any, index: Index, shape: Shape) -> Any:
    out = np.zeros(shape, values.dtype)
    if all(a.dtype == np.bool_ for a in arrays):
        out[index.fill(arrays)] = values  # slices and Boolean arrays select no entry twice
    else:  # np.add.at is fast with one flat index array; with any other index it takes five times as long
        np.add.at(out.reshape(-1), entries(index, arrays, shape).reshape(-1), values.reshape(-1))
    return out


@linear(_index_add, name="index_add", masking=True)
def index_add(ct: Any, values: Any, *arrays: Any, index: Index, shape: Shape) -> Any:
    """Cotangent of the added values: the entries at the same index."""
    return gather(ct, *arrays, index=index)


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``."""
    template, arrays = split_index(index)
    return gather(x, *arrays, index=template)


# --- writing --------------------------------------------------------------------------------------


def _at_set(x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    out = np.array(x, dtype=np.result_type(x, v))
    out[index.fill(arrays)] = v
    return out


def _kept(y: Any, x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    """A mask of the entries of `x` that are not overwritten."""
    shape = x.shape

    def kept(*arrays: Any) -> Any:
        out = np.ones(shape, bool)
        out[index.fill(arrays)] = False
        return out

    return whole(kept, *arrays)


def _last(x: Any, *arrays: Any, index: Index) -> Any:
    """For each value written, whether it is the last one written to its place."""
    shape = x.shape

    def last(*arrays: Any) -> Any:
        writer = np.zeros(shape, np.intp)
        where = index.fill(arrays)
        number = np.arange(writer[where].size).reshape(writer[where].shape)
        writer[where] = number
        return writer[where] == number

    return whole(last, *arrays)


def _mask_pulled(i: int, live: Any, y: Any, x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    alive = _kept(y, x, v, *arrays, index=index) if i == 0 else _last(x, *arrays, index=index)
    if live is None:
        return alive
    return alive & (live if i == 0 else gather(live, *arrays, index=index))


def _mask_pushed(i: int, live: Any, y: Any, x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    if i == 0:
        return _mask_pulled(i, live, y, x, v, *arrays, index=index)
    return at_set(np.zeros(x.shape, bool), True if live is None else live, *arrays, index=index)


at_set: Primitive = primitive(
    _at_set,
    name="at_set",
    vjp=[
        lambda ct, y, x, v, *arrays, index: np.where(_kept(y, x, v, *arrays, index=index), ct, 0),
        lambda ct, y, x, v, *arrays, index: np.where(
            _last(x, *arrays, index=index), gather(ct, *arrays, index=index), 0
        ),
    ],
    jvp=lambda ts, y, x, v, *arrays, index: at_set(ts[0], ts[1], *arrays, index=index),
    live=(_kept,),
    mask_pull=_mask_pulled,
    mask_push=_mask_pushed,
)
"""A copy of `x` with entries replaced. If an index is repeated, the last write counts and receives the gradient."""

# --- by index along one axis ----------------------------------------------------------------------


def _along(axis: int, part: Any) -> Index:
    return Index(part if axis == 0 else (slice(None),) * axis + (part,))


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    """``np.take``."""
    a = operand(a)
    a, axis = in_a_row(a, axis)
    axis = canonical_axis(axis, a.ndim, "take")
    indices = _canonical(indices)
    if mode != "raise":
        n = a.shape[axis]
        indices = np.clip(indices, 0, n - 1) if mode == "clip" else np.mod(indices, n)
    if type(indices) is int:
        return gather(a, index=_along(axis, indices))
    return gather(a, indices.astype(np.intp, casting="same_kind"), index=_along(axis, ARRAY))


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """``np.take_along_axis``."""
    indices = _canonical(indices)
    if axis is None:
        return gather(ravel(arr), indices, index=Index(ARRAY))
    axis = canonical_axis(axis, arr.ndim, "take_along_axis")
    if indices.ndim != arr.ndim:
        raise ShapeError(
            f"take_along_axis: the array has shape {arr.shape} and the indices {indices.shape}; both must have the "
            f"same number of axes."
        )
    grid = list(np.ix_(*(np.arange(n) for n in arr.shape)))
    grid[axis] = indices
    return gather(arr, *grid, index=Index((ARRAY,) * arr.ndim))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    """``np.compress``."""
    return take(a, np.flatnonzero(_canonical(condition)), axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """``np.extract``."""
    return take(ravel(operand(arr)), np.flatnonzero(_canonical(condition)), 0)


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """``np.delete``."""
    if axis is None:
        arr, axis = ravel(operand(arr)), 0
    axis = canonical_axis(axis, arr.ndim, "delete")
    obj = obj if isinstance(obj, slice) else _canonical(obj)
    return take(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


# --- in order -------------------------------------------------------------------------------------


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None, descending: Any = None) -> Any:
    """``np.sort``, always stable: equal values keep their order, and the gradient follows the permutation."""
    if axis is None:
        a, axis = ravel(a), 0
    axis = canonical_axis(axis, a.ndim, "sort")
    down: dict[str, Any] = {"descending": True} if descending else {}  # NumPy 2.5
    order = _canonical(np.argsort(a, axis=axis, stable=True, **down))
    return gather(a, order, index=Index(ARRAY)) if a.ndim == 1 else take_along_axis(a, order, axis)


# --- functions without a gradient -----------------------------------------------------------------

_CONSTANT: set[Any] = {
    *(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort, np.searchsorted),
    *(np.nonzero, np.flatnonzero, np.argwhere, np.count_nonzero, np.any, np.all, np.digitize, np.isin),
    *(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from),
}
NUMPY_CONSTANTS.update(_CONSTANT)
