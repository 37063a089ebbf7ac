"""Where the entries of a value lie: in which memory, from which entry on, with which strides.

An operation that only moves entries needs no code if their places are again evenly spaced. What it does is not written
down here a second time: NumPy runs it once on the numbers of the entries, and the answer says where each one went.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

import numpy as np

from autodiff.compiler.values import Op, Value, row_strides
from autodiff.core.primitives import Primitive
from autodiff.typing import Array

MemoryKind = Literal["passed", "number", "kept", "arena", "moving"]


@dataclass(eq=False)
class Memory:
    """A piece of memory.

    Attributes
    ----------
    kind : str
        An array that each call passes; a single number that each call passes; an array that is kept; a piece of the
        arena, where results that only C needs take turns; or, in a loop, another place each time (`moving`).
    name : str
        In C.
    dtype : dtype
    size : int
        Entries.
    payload : object
        The kept array; the `Value` that is passed; a function that gives the expression for a moving place.
    first, last : int
        The first and last step that uses it: the time for which it needs its piece of the arena.
    owner : Memory, optional
        The memory of an operand that it overwrites.
    """

    kind: MemoryKind
    name: str
    dtype: Any
    size: int
    payload: Any = None
    first: int = -1
    last: int = -1
    owner: Memory | None = None

    @property
    def root(self) -> Memory:
        """The memory in which it lies: itself, or that of an operand that it overwrites."""
        memory = self
        while memory.owner is not None:
            memory = memory.owner
        return memory

    @property
    def nbytes(self) -> int:
        """Bytes of the entries."""
        return self.size * int(np.dtype(self.dtype).itemsize)


class Place(NamedTuple):
    """The place of a value; `offset` and `strides` count entries of its memory."""

    memory: Memory
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def dtype(self) -> Any:
        """The dtype of the entries."""
        return self.memory.dtype

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    def is_dense(self) -> bool:
        """Whether the entries follow each other in C order."""
        expected = 1
        for n, step in zip(self.shape[::-1], self.strides[::-1]):
            if n != 1 and step != expected:
                return False
            expected *= n
        return True

    def broadcast(self, shape: tuple[int, ...]) -> Place:
        """The same entries under a larger shape, by NumPy's rules."""
        if shape == self.shape:
            return self
        strides = [0] * (len(shape) - len(self.shape))
        strides += [0 if n == 1 else s for n, s in zip(self.shape, self.strides)]
        return self._replace(shape=shape, strides=tuple(strides))

    def entries(self, array: Array) -> Array:
        """The entries, as a view of the array that is this memory."""
        start = array.__array_interface__["data"][0] + self.offset * array.itemsize
        about = {"data": (start, True), "shape": self.shape, "typestr": array.dtype.str, "version": 3}
        about["strides"] = tuple(s * array.itemsize for s in self.strides)
        return np.asarray(SimpleNamespace(__array_interface__=about, of=array))

    def axes(self, *groups: tuple[int, ...]) -> Place:
        """The axes in another order, given group by group."""
        order = [a for group in groups for a in group]
        return self._replace(shape=tuple(self.shape[a] for a in order), strides=tuple(self.strides[a] for a in order))


def merged(shape: tuple[int, ...], places: Sequence[Place], lead: Place) -> tuple[list[int], list[list[int]]]:
    """The lengths of loops over all entries, from the outside in, and for each place its strides in them.

    The innermost loop runs where the strides of `lead` are smallest. Axes that all places run through as one are one.
    """
    axes = sorted((a for a, n in enumerate(shape) if n != 1), key=lambda a: -abs(lead.strides[a]))
    lengths: list[int] = []
    strides: list[list[int]] = [[] for _ in places]
    for a in axes:
        n = shape[a]
        if lengths and all(s[-1] == q.strides[a] * n for s, q in zip(strides, places)):
            lengths[-1] *= n
            for s, q in zip(strides, places):
                s[-1] = q.strides[a]
        else:
            lengths.append(n)
            for s, q in zip(strides, places):
                s.append(q.strides[a])
    return lengths, strides


def layout(v: Value) -> tuple[int, ...]:
    """The strides of a new array for a value, in entries: those of the eager array if it has no gaps, else C order."""
    if v.order is not None:
        return v.steps
    return row_strides(v.shape, 1)


MOVES = frozenset((
    "reshape", "transpose", "swapaxes", "T", "mT", "ravel", "flatten", "squeeze", "expand_dims", "moveaxis", "rollaxis",
    "broadcast_to", "atleast_1d", "atleast_2d", "atleast_3d", "flip", "fliplr", "flipud", "roll", "rot90", "diagonal",
    "diag", "tile", "repeat", "concatenate", "stack", "hstack", "vstack", "dstack", "column_stack", "take",
    "take_along_axis", "tril", "triu", "pad", "getitem", "contiguous", "index_add", "resize", "delete", "insert",
    "append", "block", "permute_dims", "matrix_transpose", "all_windows", "sliding_window_view", "copy",
    "ascontiguousarray", "real", "conj", "conjugate", "array", "diagflat",
))  # fmt: skip
"""Names of operations that move entries, and may put 0 in between; of each one NumPy shows what it does."""
_LARGEST = 1 << 22
FILL = int(np.iinfo(np.int32).min)
"""In a table, what stands for an entry that is 0."""


class Moved(NamedTuple):
    """What an operation that moves entries does.

    Attributes
    ----------
    view : (offset, strides) or None
        The result as a view of the memory of its operand.
    pieces : list of (operand number, offset, strides)
        For each operand where in the result (in C order) its entries go.
    fill : bool
        Whether the rest of the result is 0.
    table : array or None
        For each entry of the result the entry of the memory of the operand, counted from its first one, so that it
        may be negative; `FILL` for 0.
    """

    view: tuple[int, tuple[int, ...]] | None = None
    pieces: tuple[tuple[int, int, tuple[int, ...]], ...] = ()
    fill: bool = False
    table: Array | None = None


def moves(op: Op) -> bool:
    """Whether an operation may be one that moves entries."""
    if op.form not in ("method", "attribute", "index", "function", "opaque") or len(op.outputs) != 1 or op.listed:
        return False
    name = "getitem" if op.form == "index" else op.function
    if not isinstance(name, str):
        name = name.name if isinstance(name, Primitive) else getattr(name, "__name__", "")
    return name in MOVES


def moving(op: Op) -> list[Value]:
    """The operands whose entries move; the others are indices that were made while tracing, which never change."""
    return [v for v in op.inputs() if not (v.kind == "made" and np.dtype(v.dtype).kind in "bi")]


def moved(op: Op, places: list[Place]) -> Moved | None:
    """What an operation does with the entries of its operands, found by NumPy; None if it does something else.

    Parameters
    ----------
    op : Op
    places : list of Place
        Those of `moving(op)`, in order.
    """
    inputs = moving(op)
    out = op.outputs[0]
    if not out.size:
        return Moved(fill=True)
    if not inputs or len(set(inputs)) != len(inputs) or max(out.size, *(v.size for v in inputs)) > _LARGEST:
        return None
    if any(np.dtype(v.dtype) != np.dtype(out.dtype) for v in inputs):
        return None
    if len(inputs) == 1:
        seen = _as_view(op, inputs[0], places[0])
        if seen is not None:
            return seen
    numbers, start = [], 1
    for v in inputs:
        numbers.append(np.arange(start, start + v.size).reshape(v.shape))
        start += v.size
    try:
        once = _run(op, inputs, numbers)
        again = _run(op, inputs, [n + start for n in numbers])
    except Exception:  # it looks at values, or takes no integers
        return None
    if once.shape != out.shape or again.shape != out.shape or once.dtype.kind != "i":
        return None
    fill = once == again
    if not ((again - once == start) | (fill & (once == 0))).all():
        return None
    if len(inputs) == 1:
        offsets = _offsets(places[0]).reshape(-1)
        if not offsets.size:
            return Moved(fill=True)
        table = np.where(fill, FILL, offsets[np.where(fill, 0, once - 1)])
        even = None if fill.any() else _even(table)
        if even is not None:
            return Moved(view=even)
    pieces = []
    flat = np.ascontiguousarray(once).reshape(-1)
    counts = np.bincount(flat, minlength=start)[1:]
    if (counts == 1).all():
        where = np.empty(start, np.int64)
        where[flat] = np.arange(flat.size)
        for k, n in enumerate(numbers):
            even = _even(where[n])
            if even is None:
                break
            pieces.append((k, *even))
        else:
            return Moved(pieces=tuple(pieces), fill=bool(fill.any()))
    if len(inputs) == 1:
        return Moved(table=np.ascontiguousarray(table, np.int32))
    return None


def _run(op: Op, inputs: list[Value], arrays: list[Array]) -> Array:
    known = dict(zip(inputs, arrays))
    return np.asarray(op.result(lambda v: known.get(v, v.payload)))


def _as_view(op: Op, v: Value, place: Place) -> Moved | None:
    """The same for an operation whose result NumPy makes without copying."""
    low = sum(min(s * (n - 1), 0) for n, s in zip(place.shape, place.strides) if n)
    high = sum(max(s * (n - 1), 0) for n, s in zip(place.shape, place.strides) if n)
    if not place.size:
        return None
    room = np.zeros(high - low + 1, np.int8)
    x: Array = np.ndarray(place.shape, np.int8, room, -low, place.strides)
    try:
        y = op.result(lambda other: x if other is v else other.payload)
    except Exception:  # see above
        return None
    if not isinstance(y, np.ndarray) or y.shape != op.outputs[0].shape or not y.size or y.dtype != np.int8:
        return None
    if not np.may_share_memory(y, room):
        return None
    start = y.__array_interface__["data"][0] - x.__array_interface__["data"][0]
    return Moved(view=(place.offset + start, y.strides))


def _offsets(place: Place) -> Array:
    """The entry of the memory in which each entry of a value lies."""
    at = np.full(place.shape, place.offset)
    for axis, (n, step) in enumerate(zip(place.shape, place.strides)):
        at += (np.arange(n) * step).reshape((-1, *(1,) * (len(place.shape) - axis - 1)))
    return at


def _even(table: Array) -> tuple[int, tuple[int, ...]] | None:
    """Offset and strides, if the numbers are evenly spaced along every axis."""
    if not table.size:
        return 0, (0,) * table.ndim
    first = table[(0,) * table.ndim]
    strides = []
    for axis, n in enumerate(table.shape):
        at = [0] * table.ndim
        at[axis] = 1
        strides.append(int(table[tuple(at)] - first) if n > 1 else 0)
    place = Place(Memory("arena", "", np.int64, 0), table.shape, tuple(strides), int(first))
    return (int(first), tuple(strides)) if np.array_equal(_offsets(place), table) else None
