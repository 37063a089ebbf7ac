"""One record for every size of the batch, from records at two sizes.

A trace has all shapes built in. Traced with n and with n + 1 rows, a function must do the same operations. A length
that grows from one trace to the other depends on n, and is written as ``slope * n + offset``. Two points always lie on
a line, so whoever uses the result looks at a third size, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.passes.dead import dead_code
from autodiff.compiler.program import Program
from autodiff.compiler.reading.numbers import Computed, result_of
from autodiff.compiler.record import Decision
from autodiff.compiler.tracing import Traced, trace
from autodiff.compiler.values import Op, Value
from autodiff.core.primitives import Primitive
from autodiff.errors import AutodiffError, CompileError, DtypeError, ShapeError, UnsupportedError
from autodiff.ops.indexing import Index
from autodiff.watchers.places import Place


@dataclass(frozen=True)  # no tuple: as an index or a shift that would mean something else
class Size:
    """A length that depends on the size n of the batch: ``slope * n + offset``."""

    slope: int
    offset: int

    def __str__(self) -> str:
        text = "n" if self.slope == 1 else f"{self.slope}*n"
        return f"{text}{self.offset:+d}" if self.offset else text


@dataclass(frozen=True)
class Inverse:
    """A number that depends on the size of the batch, as in a mean: ``1 / size``."""

    size: Size


Shape = tuple[int | Size, ...]


def length(m: int, n: int, rows: int) -> int | Size:
    """A whole number that was m with so many rows, and n with one more."""
    return m if m == n else Size(n - m, m - (n - m) * rows)


def inverse(a: Any, b: Any, rows: int) -> Inverse | None:
    """The rule of two floats that are the inverses of whole numbers; None for others."""
    if not (0 < abs(a) < 1 and 0 < abs(b) < 1):
        return None
    m, n = round(1 / a), round(1 / b)
    size = length(m, n, rows)
    return Inverse(size) if isinstance(size, Size) and (type(a)(1 / m), type(b)(1 / n)) == (a, b) else None


def minus(a: int | Size, b: int | Size) -> int | Size:
    """The difference of two lengths."""
    x, y = (m if isinstance(m, Size) else Size(0, m) for m in (a, b))
    return Size(x.slope - y.slope, x.offset - y.offset) if x.slope != y.slope else x.offset - y.offset


@dataclass
class Step:
    """An operation for every size of the batch.

    Attributes
    ----------
    op : Op
        As it was recorded with n rows.
    args, keywords
        Its operands, with a `Size` for each number that depends on the batch.
    place : Place
        The user's line.
    """

    op: Op
    args: tuple[Any, ...]
    keywords: dict[str, Any]
    place: Place

    @property
    def name(self) -> str:
        """What the operation is called."""
        function = self.op.function
        return str(function.name if isinstance(function, Primitive) else self.op.title)

    def __str__(self) -> str:
        layer = f" in layer {self.place.layer!r}" if self.place.scopes else ""
        return f"{self.name}{layer}, at {self.place}"


class Varying(NamedTuple):
    """An array that the function makes, with n rows and with n + 1, in the first trace and in the second."""

    first: Any
    second: Any


@dataclass
class ForAnySize:
    """A function for every size of the batch.

    Attributes
    ----------
    program : Program
        As it was recorded with n rows, without what no result needs.
    steps : list of Step
    shapes : dict of Value to tuple
        The shape of every value.
    arrays : dict of Value to array, Tensor or Varying
        The values that are no results: constants and Tensors from outside.
    traced : Traced
    rows : int
        The n of the first record.
    """

    program: Program
    steps: list[Step]
    shapes: dict[Value, Shape]
    arrays: dict[Value, Any]
    traced: Traced
    rows: int


def for_any_size(
    f: Callable[..., Any], name: str, rows: int, leaves: Sequence[Any], others: Sequence[Any]
) -> ForAnySize:
    """Record a function at two sizes of the batch.

    Parameters
    ----------
    f : callable
    name : str
        Its name in messages.
    rows : int
        The n of the first trace.
    leaves, others : sequence of array
        The arguments with n rows, and with n + 1. If no shapes differ, all lengths are fixed.

    Raises
    ------
    UnsupportedError
        If the function does not do the same for both, or does more than compute.
    """
    places: dict[Op, Place] = {}
    found = []
    numbers: list[list[Computed]] = []

    def check(writer: Any) -> None:
        _check_effects(writer, name, places)
        numbers.append(writer.numbers)

    for arguments in (leaves, others):
        try:
            with np.errstate(all="ignore"):
                traced = trace(f, name, arguments, lambda new: (tuple(new), {}), places, check)
        except (CompileError, UnsupportedError, DtypeError):
            raise
        except (AutodiffError, ValueError, IndexError) as error:
            if arguments is leaves:
                raise
            raise ShapeError(
                f"export_onnx: {name} takes the example, but not {rows + 1} rows of it ({str(error).rstrip('.')}). The "
                "first axis must be the batch, also of other inputs of this length. Write x[None] for a single row, or "
                "give batch=False, which fixes all shapes."
            ) from error
        program = Program(name, traced.program.arguments, traced.program.ops, traced.program.answers)
        program.ops = [op for op in dead_code(program).ops if op.form != "check"]
        found.append((traced, program))
    _check_numbers(name, rows, *numbers)
    (traced, first), (_, second) = found
    return _Merging(name, rows, places).merged(traced, first, second)


def _check_effects(writer: Any, name: str, places: dict[Op, Place]) -> None:
    """Refuse a function that draws, changes Tensors or decides by values."""
    of_training = "and a file cannot. Of a model in training mode, call .eval() first"
    for op in writer.ops:
        where = f"at {places.get(op, Place())}"
        if op.form == "live":
            raise UnsupportedError(f"export_onnx: {name} draws random numbers ({where}), {of_training}.")
        if op.form in ("assign", "store", "effect"):
            raise UnsupportedError(f"export_onnx: {name} changes a Tensor or its gradient ({where}), {of_training}.")
        decides = isinstance(op.function, Decision) and getattr(op.function.function, "__name__", "") != "are_finite"
        if decides:
            raise UnsupportedError(
                f"export_onnx: {name} chooses what it does by the values of an array, {where}; a file would always do "
                "what the example asks for. Write np.where(condition, a, b)."
            )
    if any(t._data._var.kind != "state" for t, _, _, _ in writer.states.values()):
        raise UnsupportedError(f"export_onnx: {name} changes the values of Tensors, {of_training}.")


def _check_numbers(name: str, rows: int, first: Sequence[Computed], second: Sequence[Computed]) -> None:
    """Refuse a function that decides by the size of the batch in a way that could be another for other sizes."""
    for a, b in zip(first, second):
        if (a.name, a.place, len(a.operands)) != (b.name, b.place, len(b.operands)):
            return  # another branch, whose operations differ
        if a.operands != b.operands and not _is_alike(a, b, rows):
            raise UnsupportedError(
                f"export_onnx: {name} decides by the size of the batch, at {a.place}: {a} with {rows} rows, {b} with "
                "one more. A file does the same for every size: compute from the array, not from the number of its "
                "rows, or give batch=False, which fixes all shapes."
            )


def _is_alike(a: Computed, b: Computed, rows: int) -> bool:
    """Whether what Python found with n rows, and with n + 1, is found in the same way for every number of rows."""
    if a.name in ("+", "-", "*", "/"):
        return True
    if a.name == "range":
        return len(a.result) != len(b.result)  # the operations in the loop tell more
    if a.name in ("min", "max"):
        pairs = zip(combinations(a.operands, 2), combinations(b.operands, 2))
        return all(
            any(_is_alike(Computed(less, x, a.place), Computed(less, y, b.place), rows) for less in ("<", "<="))
            for x, y in pairs
        )
    if a.name in ("//", "%"):  # without a rest, as in the number of entries by the length of an axis
        whole = not any(x % y for x, y in (a.operands, b.operands))
        return whole and (a.operands[1] == b.operands[1] or a.result == b.result)
    if a.name not in ("<", "<=", ">", ">=", "==", "!="):
        return False  # a number is rounded
    now, later = (x - y for x, y in (a.operands, b.operands))
    growth = later - now
    if growth == 0:
        return True
    meeting = rows - now / growth  # the number of rows with which both sides are equal
    if a.name in ("==", "!="):
        return meeting < 1 or meeting != round(meeting)
    of_one = now - growth * (rows - 1)
    return result_of(a.name, (of_one, 0)) == result_of(a.name, (math.copysign(math.inf, growth), 0))


class _Merging:
    """Compares two records, and notes what differs."""

    def __init__(self, name: str, rows: int, places: dict[Op, Place]) -> None:
        self.name, self.rows, self.places = name, rows, places
        self.twins: dict[Value, Value] = {}
        self.shapes: dict[Value, Shape] = {}
        self.arrays: dict[Value, Any] = {}
        self.place = Place()

    def merged(self, traced: Traced, first: Program, second: Program) -> ForAnySize:
        """The operations of both, as one list."""
        for v, w in zip(first.arguments, second.arguments, strict=True):
            self.pair(v, w)
        steps = []
        for op, other in zip(first.ops, second.ops):
            self.place = self.places.get(op, Place())
            what = Step(op, (), {}, self.place)
            theirs = Step(other, (), {}, self.places.get(other, Place()))
            same = (op.form, what.name, len(op.outputs), [*op.keywords]) == (
                other.form, theirs.name, len(other.outputs), [*other.keywords]
            )  # fmt: skip
            if not same:
                raise self.differs(f"{what}, or {theirs}")
            what.args = self.both(op.args, other.args, what)
            what.keywords = self.both(op.keywords, other.keywords, what)
            for v, w in zip(op.outputs, other.outputs):
                self.pair(v, w)
            steps.append(what)
        if len(first.ops) != len(second.ops):
            longer = max((first, second), key=lambda program: len(program.ops))
            op = longer.ops[min(len(first.ops), len(second.ops))]
            raise self.differs(f"{Step(op, (), {}, self.places.get(op, Place()))}, for one of them only")
        self.both(first.outputs, second.outputs, "the result")
        return ForAnySize(first, steps, self.shapes, self.arrays, traced, self.rows)

    def differs(self, what: str) -> UnsupportedError:
        """The error about something that is another thing for another size of the batch."""
        return UnsupportedError(
            f"export_onnx: {self.name} does something else for another size of the batch: {what}. A file does the "
            "same for every size: compute from the array, not from the number of its rows, or give batch=False, which "
            "fixes all shapes."
        )

    def pair(self, v: Value, w: Value) -> Value:
        """A value of the first record, whose shape is now known for every size."""
        if self.twins.setdefault(v, w) is not w:
            raise self.differs(f"another array is used at {self.place}")
        if v not in self.shapes:
            if len(v.shape) != len(w.shape) or v.dtype != w.dtype:
                raise self.differs(f"an array {v.dtype}{list(v.shape)} or {w.dtype}{list(w.shape)}, at {self.place}")
            self.shapes[v] = tuple(length(m, n, self.rows) for m, n in zip(v.shape, w.shape))
            if v.kind in ("state", "gradient"):
                self.arrays[v] = v.payload
            elif v.kind in ("constant", "made"):
                alike = v.shape == w.shape and np.array_equal(v.payload, w.payload, equal_nan=v.dtype.kind in "fc")
                self.arrays[v] = v.payload if alike else Varying(v.payload, w.payload)
        return v

    def both(self, a: Any, b: Any, what: object) -> Any:
        """One tree for two: values of the first record, and sizes for numbers that differ."""
        if isinstance(a, Value) and isinstance(b, Value):
            return self.pair(a, b)
        if type(a) is type(b):
            if isinstance(a, (tuple, list)) and len(a) == len(b):
                parts = [self.both(x, y, what) for x, y in zip(a, b)]
                return parts if isinstance(a, list) else tuple(parts)
            if isinstance(a, dict):
                return {k: self.both(a[k], b[k], what) for k in a}
            if isinstance(a, slice):
                return slice(*(self.both(getattr(a, k), getattr(b, k), what) for k in ("start", "stop", "step")))
            if isinstance(a, Index):
                return Index(self.both(a.template, b.template, what))
            if type(a) is int:
                return length(a, b, self.rows)
            if a is b or (callable(a) and getattr(a, "__qualname__", "") == getattr(b, "__qualname__", "")):
                return a
            if not isinstance(a, (bool, float, complex, str, np.generic)) and not callable(a):
                return a  # an object of which nothing is known here; no form takes it
            if not callable(a) and (a == b or (a != a and b != b)):
                return a
            if isinstance(a, (float, np.floating)) and (found := inverse(a, b, self.rows)) is not None:
                return found
        raise self.differs(f"{a!r} or {b!r} in {what}")
