"""Operations that move entries: shapes, joins, slices and places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.compiler.onnx_file.graph import Graph
from autodiff.compiler.onnx_file.two_sizes import Shape, Size, length, minus
from autodiff.compiler.values import Value
from autodiff.ops.indexing import Index


def _cast(g: Graph, out: Value, x: Any, *_: Any, **__: Any) -> str:
    return g.operand(x, out.dtype)


# --- shapes ---------------------------------------------------------------------------------------


def _reshape(g: Graph, out: Value, x: Any, *how: Any, order: str = "C", **_: Any) -> str:
    """Everything that only changes the shape."""
    if order not in ("C", "A", "K") or "F" in how:
        raise g.refused("entries would be read column by column")
    return g.reshaped(g.of(x), g.shape(out))


def transposed(g: Graph, name: str, axes: Sequence[int]) -> str:
    """The axes in another order."""
    return name if list(axes) == list(range(len(axes))) else str(g.node("Transpose", name, perm=list(axes)))


def _transpose(g: Graph, out: Value, x: Any, *axes: Any) -> str:
    ndim = len(g.shape(x))
    axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return transposed(g, g.of(x), [a % ndim for a in axes] if axes else range(ndim)[::-1])


def _swapaxes(g: Graph, out: Value, x: Any, i: int, j: int) -> str:
    axes = list(range(len(g.shape(x))))
    axes[i], axes[j] = axes[j], axes[i]
    return transposed(g, g.of(x), axes)


def _moveaxis(g: Graph, out: Value, x: Any, source: Any, destination: Any) -> str:
    ndim = len(g.shape(x))
    sources, ends = ([int(a) % ndim for a in np.atleast_1d(axes)] for axes in (source, destination))
    order = [a for a in range(ndim) if a not in sources]
    for end, start in sorted(zip(ends, sources)):
        order.insert(end, start)
    return transposed(g, g.of(x), order)


def _expand(g: Graph, out: Value, x: Any, *_: Any, **__: Any) -> str:
    return g.expanded(g.operand(x, out.dtype), g.shape(out), out.dtype)


def _full_like(g: Graph, out: Value, x: Any, value: Any, **_: Any) -> str:
    return g.expanded(g.operand(value, out.dtype), g.shape(out), out.dtype)


def _concatenate(g: Graph, out: Value, parts: Sequence[Any], axis: int = 0, **_: Any) -> str:
    if axis is None:
        raise g.refused("axis=None")
    return str(g.node("Concat", *(g.operand(x, out.dtype) for x in parts), axis=axis % len(out.shape)))


def _stack(g: Graph, out: Value, parts: Sequence[Any], axis: int = 0, **_: Any) -> str:
    axis %= len(out.shape)
    one = tuple(1 if i == axis else m for i, m in enumerate(g.shape(out)))
    return str(g.node("Concat", *(g.reshaped(g.operand(x, out.dtype), one) for x in parts), axis=axis))


def _split(g: Graph, out: list[Value], x: Any, _: Any, axis: int = 0) -> list[str]:
    lengths = [g.shape(part)[axis] for part in out]
    return list(_listed(g.node("Split", g.of(x), g.integers(lengths), count=len(out), axis=axis % len(g.shape(x)))))


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else names


def _triangle(upper: int) -> Callable[..., str]:
    return lambda g, out, x, k=0: g.node("Trilu", g.of(x), g.constant(k, np.int64), upper=upper)


def _rearranged(rearrange: Callable[..., Any]) -> Callable[..., str]:
    """A function that only moves or repeats entries along one axis, by the places from which it takes them."""

    def form(g: Graph, out: Value, x: Any, *how: Any, axis: Any = None) -> str:
        name, shape = g.of(x), g.shape(x)
        if axis is None and len(how) > 1:
            *how, axis = how  # type: ignore[assignment]  # a list from a tuple
        if axis is None:
            shape = (g.entries(shape),)
            name, axis = g.reshaped(name, shape), 0
        if not isinstance(axis, int) or any(isinstance(part, Size) for part in how):
            raise g.refused("it has several axes, or goes by the size of the batch")
        (length,) = g.fixed((shape[axis],))
        places = rearrange(np.arange(length), *how)
        return g.reshaped(str(g.node("Gather", name, g.constant(places, np.int64), axis=axis)), g.shape(out))

    return form


def _roll(
    g: Graph, out: Value, x: Any, shift: Any = None, axis: Any = None, *, by: Any = None, axes: Any = None
) -> str:
    shift, axis = (shift, axis) if by is None else (by, axes)
    if not isinstance(axis, tuple):
        return _rearranged(np.roll)(g, out, x, shift, axis=axis)
    name, shape = g.of(x), g.shape(x)
    if any(isinstance(part, Size) for part in (shift, *(shift if isinstance(shift, tuple) else ()))):
        raise g.refused("it goes by the size of the batch")
    for steps, along in np.broadcast(shift, axis):
        (size,) = g.fixed((shape[along],))
        places = g.constant(np.roll(np.arange(size), steps), np.int64)
        name = str(g.node("Gather", name, places, axis=int(along) % len(shape)))
    return name


def _diagonal(g: Graph, out: Value, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> str:
    ndim = len(g.shape(x))
    return diagonal_of(g, g.of(x), g.shape(x), axis1 % ndim, axis2 % ndim, offset)


def diagonal_of(g: Graph, name: str, shape: Shape, i: int, j: int, offset: int = 0) -> str:
    """The diagonal of two axes, as the last one."""
    rest = [a for a in range(len(shape)) if a not in (i, j)]
    m, n = g.fixed((shape[i], shape[j]))
    flat = g.reshaped(transposed(g, name, [*rest, i, j]), (*(shape[a] for a in rest), m * n))
    places = np.arange(m * n).reshape(m, n).diagonal(offset)
    return str(g.node("Gather", flat, g.constant(places, np.int64), axis=len(rest)))


def _flip(g: Graph, out: Value, x: Any, axis: Any = None) -> str:
    ndim = len(g.shape(x))
    axes = range(ndim) if axis is None else [a % ndim for a in np.atleast_1d(axis)]
    return sliced(g, g.of(x), [(int(a), slice(None, None, -1)) for a in axes])


# --- entries --------------------------------------------------------------------------------------


def sliced(g: Graph, name: str, parts: Sequence[tuple[int, slice]]) -> str:
    """Slices along some axes. ONNX clamps their ends as Python does."""
    if not parts:
        return name
    last = np.iinfo(np.int64)
    steps = [s.step or 1 for _, s in parts]
    starts = [(0 if k > 0 else last.max) if s.start is None else s.start for (_, s), k in zip(parts, steps)]
    ends = [(last.max if k > 0 else last.min) if s.stop is None else s.stop for (_, s), k in zip(parts, steps)]
    return str(g.node("Slice", name, *map(g.integers, (starts, ends, [a for a, _ in parts], steps))))


def _entry(i: int | Size) -> slice:
    """The slice of one entry."""
    if isinstance(i, Size):
        return slice(i, Size(i.slope, i.offset + 1))
    return slice(i, None if i == -1 else i + 1)


def _is_array(part: Any) -> bool:
    return isinstance(part, (Value, list, np.ndarray))


def _getitem(g: Graph, out: Value, x: Any, *given: Any, index: Index | None = None) -> str:
    place: Any = given[0] if index is None else index.fill(given)
    pooled = g.pooled.get(place) if isinstance(place, Value) else None
    if pooled is not None and len(g.shape(x)) == 1 and g.sources.get(g.of(x)) == pooled[0]:
        return str(pooled[1])
    return indexed(g, g.of(x), g.shape(x), place, g.shape(out))


def indexed(g: Graph, name: str, shape: Shape, index: Any, wanted: Shape) -> str:
    """Slices first, all in one node; then arrays of places; at last the shape, without axes of single entries."""
    parts = [int(p) if isinstance(p, np.integer) else p for p in (index if isinstance(index, tuple) else (index,))]
    if any(isinstance(p, (bool, np.bool_)) or (_is_array(p) and g.dtype(p).kind == "b") for p in parts):
        raise g.refused("an index by a mask")
    missing = len(shape) - sum(p is not None and p is not Ellipsis for p in parts)
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    parts[at : at + 1] = [slice(None)] * missing
    with_arrays = any(map(_is_array, parts))
    slices, arrays, axis = [], {}, 0
    for p in parts:
        if p is None:
            if with_arrays:
                raise g.refused("a new axis together with arrays of places")
            continue
        if _is_array(p) or (with_arrays and not isinstance(p, slice)):
            arrays[axis] = p
        elif p != slice(None):
            slices.append((axis, p if isinstance(p, slice) else _entry(p)))
        axis += 1
    name = sliced(g, name, slices)
    if arrays:
        return _gathered(g, name, len(shape), arrays)
    return name if all(isinstance(p, slice) for p in parts) else g.reshaped(name, wanted)


def _gathered(g: Graph, name: str, ndim: int, arrays: dict[int, Any]) -> str:
    """Entries at places along some axes; their axes stand in place of these, or first if these are not neighbours."""
    axes = list(arrays)
    places = [g.operand(p, np.int64) for p in arrays.values()]
    if len(axes) == 1:
        return str(g.node("Gather", name, places[0], axis=axes[0]))
    shape: Shape = np.broadcast_shapes(
        *(tuple(1 if isinstance(m, Size) else m for m in g.shape(p)) for p in arrays.values())
    )
    for p in arrays.values():  # a length that depends on the batch wins over 1
        own = g.shape(p)
        shape = tuple(own[i - len(shape)] if i >= len(shape) - len(own) and isinstance(own[i - len(shape)], Size) else m
                      for i, m in enumerate(shape))  # fmt: skip
    columns = [g.reshaped(g.expanded(p, shape, np.int64), (*shape, 1)) for p in places]
    rest = [a for a in range(ndim) if a not in arrays]
    y = g.node("GatherND", transposed(g, name, [*axes, *rest]), g.node("Concat", *columns, axis=len(shape)))
    if axes != list(range(axes[0], axes[-1] + 1)):
        return str(y)
    k, before = len(shape), axes[0]
    order = [*range(k, k + before), *range(k), *range(k + before, k + len(rest))]
    return transposed(g, y, order)


def _take(g: Graph, out: Value, x: Any, places: Any, axis: int | None = None, **_: Any) -> str:
    name = g.of(x) if axis is not None else g.reshaped(g.of(x), (g.entries(g.shape(x)),))
    return str(g.node("Gather", name, g.operand(places, np.int64), axis=axis or 0))


def _take_along_axis(g: Graph, out: Value, x: Any, places: Any, axis: int = -1) -> str:
    return str(g.node("GatherElements", g.of(x), g.operand(places, np.int64), axis=axis))


def _index_add(g: Graph, out: Value, values: Any, *arrays: Any, index: Index, shape: Shape) -> str:
    """Zeros to whose entries an array is added: padding if it lies in their midst, else by their places."""
    padded = _padded(g, values, index, shape)
    if padded:
        return padded
    zeros = g.expanded(g.constant(0, values.dtype), (g.entries(shape),), values.dtype)
    return _scattered(g, zeros, g.of(values), index.fill(arrays), shape, g.shape(values), reduction="add")


def _at_set(g: Graph, out: Value, x: Any, v: Any, *arrays: Any, index: Index) -> str:
    """A copy with other entries at an index; of two for one place onnxruntime keeps the last, as NumPy does."""
    shape, places = g.shape(x), index.fill(arrays)
    first, second = (
        np.broadcast_to(0, _at(g, shape, n))[_at(g, places, n)].shape for n in (g.recorded.rows, g.recorded.rows + 1)
    )
    wanted = tuple(length(m, n, g.recorded.rows) for m, n in zip(first, second))
    flat = g.reshaped(g.operand(x, out.dtype), (g.entries(shape),))
    values = g.operand(v, out.dtype)
    values = values if g.shape(v) == wanted else g.expanded(values, wanted, out.dtype)
    return _scattered(g, flat, values, places, shape, wanted)


def _at(g: Graph, part: Any, n: int) -> Any:
    """A shape or an index for a batch of n, with zeros for places that are not known."""
    if isinstance(part, Size):
        return part.slope * n + part.offset
    if isinstance(part, slice):
        return slice(*(_at(g, p, n) for p in (part.start, part.stop, part.step)))
    if _is_array(part):
        return np.zeros(_at(g, g.shape(part), n), g.dtype(part))
    return tuple(_at(g, p, n) for p in part) if isinstance(part, tuple) else part


def _padded(g: Graph, values: Any, index: Index, shape: Shape) -> str:
    parts = index.template if isinstance(index.template, tuple) else (index.template,)
    inner = g.shape(values)
    if not len(parts) == len(inner) == len(shape):
        return ""
    before, after = [], []
    for p, m, total in zip(parts, inner, shape):
        start = p.start or 0 if isinstance(p, slice) and p.step in (None, 1) else None
        rest = minus(total, m)
        if not isinstance(start, int) or start < 0 or isinstance(rest, Size):
            return ""
        before.append(start)
        after.append(rest - start)
    return str(g.node("Pad", g.of(values), g.integers([*before, *after])))


def _scattered(g: Graph, flat: str, values: str, index: Any, shape: Shape, of_values: Shape, **how: Any) -> str:
    """Values put into a flat array of this shape at an index. Their places are found by indexing all places."""
    stop = g.node("Squeeze", g.size(g.entries(shape)))
    places = g.node("Range", g.constant(0, np.int64), stop, g.constant(1, np.int64))
    places = indexed(g, g.reshaped(places, shape), shape, index, of_values)
    count = (g.entries(of_values),)
    put = g.reshaped(places, count), g.reshaped(values, count)
    return g.reshaped(str(g.node("ScatterElements", flat, *put, axis=0, **how)), shape)


FORMS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("copy", "astype", "contiguous", "ascontiguousarray", "asarray", "array", "asanyarray"), _cast),
    **dict.fromkeys(("real", "conj", "conjugate"), _cast),
    **dict.fromkeys(("reshape", "ravel", "flatten", "expand_dims", "squeeze"), _reshape),
    **dict.fromkeys(("transpose", "T", "permute_dims"), _transpose),
    **dict.fromkeys(("broadcast_to", "spread"), _expand),
    **dict.fromkeys(("concatenate", "concat"), _concatenate),
    **dict.fromkeys(("split", "array_split"), _split),
    "swapaxes": _swapaxes,
    "moveaxis": _moveaxis,
    "full_like": _full_like,
    "stack": _stack,
    "diagonal": _diagonal,
    "tril": _triangle(0),
    "triu": _triangle(1),
    "flip": _flip,
    "roll": _roll,
    "repeat": _rearranged(np.repeat),
    "getitem": _getitem,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "index_add": _index_add,
    "at_set": _at_set,
}
