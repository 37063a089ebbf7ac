"""Reading and functionally writing entries by index.

An index is kept as an `Index`, a hashable template whose arrays are operands of their own. Reading
(`gather`) and adding into zeros (`index_add`) are each other's transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitives import linear, primitive


class _Array:
    """Stands in a template where an index array goes."""

    def __repr__(self) -> str:
        return "array"


ARRAY = _Array()


class Index:
    """An index in which arrays are replaced by a mark, so that it may be compared and hashed."""

    __slots__ = ("template",)

    def __init__(self, template: Any) -> None:
        self.template = template

    def fill(self, arrays: tuple[Any, ...]) -> Any:
        """The index that NumPy takes."""
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


BASIC = (int, slice, type(None), type(Ellipsis))


def split_index(index: Any) -> tuple[Index, tuple[Any, ...]]:
    """An index as a template and its arrays."""
    if type(index) in (int, slice):
        return Index(index), ()
    if not isinstance(index, tuple):
        if isinstance(index, BASIC) and not isinstance(index, bool):
            return Index(index), ()
        return Index(ARRAY), (_plain(index),)
    arrays = tuple(_plain(p) for p in index if isinstance(p, bool) or not isinstance(p, BASIC))
    if not arrays:
        return Index(index), ()
    return Index(tuple(p if isinstance(p, BASIC) and not isinstance(p, bool) else ARRAY for p in index)), arrays


def _plain(part: Any) -> Any:
    part = getattr(part, "data", part) if hasattr(type(part), "__autodiff_apply__") else part
    array = np.asarray(part)
    return array.astype(np.intp) if array.size == 0 and array.dtype.kind == "f" else array


def _gather(x: Any, *arrays: Any, index: Index) -> Any:
    return x[index.fill(arrays)]


@linear(_gather, name="getitem", masking=True)
def gather(ct: Any, x: Any, *arrays: Any, index: Index) -> Any:
    """Cotangent of `x`: zero, with the cotangent added at the entries read."""
    return index_add(ct, *arrays, index=index, shape=x.shape)


def _index_add(values: Any, *arrays: Any, index: Index, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, values.dtype)
    if arrays:
        np.add.at(out, index.fill(arrays), values)
    else:
        out[index.template] = values  # a basic index names no entry twice
    return out


@linear(_index_add, name="index_add", masking=True)
def index_add(ct: Any, values: Any, *arrays: Any, index: Index, shape: tuple[int, ...]) -> Any:
    """Cotangent of the values added: read at the same index."""
    return gather(ct, *arrays, index=index)


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``."""
    template, arrays = split_index(index)
    return gather(x, *arrays, index=template)


def _at_set(x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    out = np.array(x, dtype=np.result_type(x, v))
    out[index.fill(arrays)] = v
    return out


def _written(index: Index, arrays: tuple[Any, ...], shape: tuple[int, ...], v: Any) -> tuple[Any, Any]:
    """Which entries are overwritten, and for each write whether it is the last at its entry."""
    last = np.full(shape, -1)
    number = np.arange(np.size(last[index.fill(arrays)])).reshape(np.shape(last[index.fill(arrays)]))
    last[index.fill(arrays)] = number
    return last >= 0, last[index.fill(arrays)] == number


def _at_set_x(ct: Any, y: Any, x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    return np.where(_written(index, arrays, x.shape, v)[0], 0, ct)


def _at_set_v(ct: Any, y: Any, x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    return np.where(_written(index, arrays, x.shape, v)[1], gather(ct, *arrays, index=index), 0)


at_set = primitive(
    _at_set,
    name="at_set",
    vjp=lambda ct, y, x, v, *arrays, index: (
        _at_set_x(ct, y, x, v, *arrays, index=index),
        _at_set_v(ct, y, x, v, *arrays, index=index),
        *(None for _ in arrays),
    ),
    jvp=lambda ts, y, x, v, *arrays, index: at_set(ts[0], ts[1], *arrays, index=index),
)
"""A copy of `x` with entries replaced. With repeated indices the last write counts, and receives the gradient."""
