"""Products of matrices, in blocks whose sums stay in registers; large ones go to the BLAS that NumPy carries."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import Memory, Place
from autodiff.compiler.native.target import Target
from autodiff.compiler.values import Op, Value

_Block: TypeAlias = Callable[[int, int, int], str]
"""What names the function of a block of so many rows, vectors, and columns of the last vector."""

_LARGE = {64: 1 << 27, 32: 1 << 21, 16: 1 << 18}
"""For each width of vectors the number of products from which BLAS, which also divides them among caches, is faster."""

_SHORT = 2
"""Vectors in a row up to which plain loops are fastest: the compiler takes many rows, and turns them in registers."""

_FEW = 3  # terms of a sum that are written out

_SMALL, _SHORT_PROGRAM = 1 << 15, 64
"""Products of numbers up to which the compiler is told to write blocks out where they are used, with all sizes known,
and operations of a program that is short: a tenth of the time of a small network, but twice the compiler's own time."""


def is_product(op: Op) -> bool:
    """Whether an operation is a product of vectors or matrices that can be written here."""
    if len(op.outputs) != 1 or op.listed or len(op.args) != 2 or op.keywords:
        return False
    named = op.form == "method" and op.function == "dot"
    if not named and op.function not in (np.matmul, np.dot):
        return False
    a, b = op.args
    if not (isinstance(a, Value) and isinstance(b, Value) and a.shape and b.shape):
        return False
    if op.function is not np.matmul and max(len(a.shape), len(b.shape)) > 2:
        return False
    kinds = {np.dtype(v.dtype) for v in (a, b, op.outputs[0])}
    return len(kinds) == 1 and kinds.pop().char in "fd" and all(np.dtype(v.dtype).isnative for v in (a, b))


class Product(Step):
    """One product, perhaps of stacks of matrices."""

    def __init__(self, part: Part, op: Op) -> None:
        super().__init__(part, [op])
        self.a, self.b = op.args
        self.out = op.outputs[0]
        part.place_of(self.a), part.place_of(self.b)

    def prepare(self) -> None:
        """Say where the result lies."""
        self.part.place_of(self.out)

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        for v in (self.a, self.b, self.out):
            yield self.part.place_of(v).memory

    def text(self) -> list[str]:
        """The product in C."""
        part = self.part
        a, b, c = (part.place_of(v) for v in (self.a, self.b, self.out))
        lines = list(part.pointers(self.memories(), {c.memory}))
        if not c.size:
            return lines
        if len(a.shape) == 1:
            a, c = _with_axis(a, 0), _with_axis(c, max(len(c.shape) - (len(b.shape) > 1), 0))
        if len(b.shape) == 1:
            b, c = _with_axis(b, 1), _with_axis(c, len(c.shape))
        batch = c.shape[:-2]
        stacks = [q.broadcast((*batch, *q.shape[-2:])) for q in (a, b, c)]
        axes = [i for i, n in enumerate(batch) if n != 1]
        names = [f"i{k}" for k in range(len(axes))]
        ends = ["}"] * len(axes)
        for name, axis in zip(names, axes):
            lines.append(f"for (long {name} = 0; {name} < {batch[axis]}; {name}++) {{")
        texts = []
        for q in stacks:
            steps = [f" + {q.strides[axis]} * {name}" for name, axis in zip(names, axes) if q.strides[axis]]
            texts.append(f"{part.pointer(q.memory)}{f' + {q.offset}' if q.offset else ''}{''.join(steps)}")
        of_a, of_b, of_c = (Matrix(text, *q.shape[-2:], *q.strides[-2:]) for text, q in zip(texts, stacks))
        b_is_fixed = not any(stacks[1].strides[axis] for axis in axes)
        once = not axes and not part.repeating and len(part.ops) <= _SHORT_PROGRAM
        first, body = written(part, self.out.dtype, of_a, of_b, of_c, b.memory.kind == "arena", b_is_fixed, once)
        return [*lines[: len(lines) - len(axes)], *first, *lines[len(lines) - len(axes) :], *body, *ends]


class Matrix:
    """A matrix: its first entry as an expression, its size, and the steps from row to row and column to column."""

    def __init__(self, at: str, rows: int, columns: int, row: int, column: int) -> None:
        self.at, self.rows, self.columns, self.row, self.column = at, rows, columns, row, column

    @property
    def T(self) -> Matrix:  # noqa: N802 - as in NumPy
        """The transposed matrix."""
        return Matrix(self.at, self.columns, self.rows, self.column, self.row)


def _with_axis(q: Place, axis: int) -> Place:
    shape, strides = list(q.shape), list(q.strides)
    shape.insert(axis, 1)
    strides.insert(axis, 0)
    return q._replace(shape=tuple(shape), strides=tuple(strides))


def written(
    part: Part, dtype: Any, a: Matrix, b: Matrix, c: Matrix, may_read_on: bool, b_is_fixed: bool, once: bool = False
) -> tuple[list[str], list[str]]:
    """Lines for c = a @ b: those that come once, before a loop over a stack, and those in it.

    Parameters
    ----------
    may_read_on : bool
        Whether the memory behind b may be read, where rows of b do not fill a vector.
    b_is_fixed : bool
        Whether b is the same matrix for the whole stack.
    once : bool
        Whether it stands in no loop of a short program: if it is small, it is written out for its numbers.
    """
    target = part.target
    lanes, kind = target.lanes(dtype), np.dtype(dtype)
    m, k, n = a.rows, a.columns, b.columns
    dot = f"dot_{kind.name}"
    if m == n == 1:
        part.need_text("dot", kind)
        return [], [f"*({c.at}) = {dot}({k}, {a.at}, {a.column}, {b.at}, {b.row});"]
    by_rows = m * n * (k // lanes + 12)  # dot products of rows: two reads a product, and a sum over the lanes
    by_blocks = m * k * -(-n // lanes) / 2 + (k * -(-n // lanes) * lanes if b.column != 1 else 0)
    if a.column == 1 and b.row == 1 and n > 1 and by_rows < by_blocks:
        return [], list(_dots(part, kind, lanes, a, b, c))
    # A column of results: as a row of the transposed product, if that reads memory in its order; else as dot products.
    if n == 1 or (c.column != 1 and c.row == 1):
        if n == 1 and a.column == 1 and m < 8 and k >= lanes // 2:
            part.need_text("dot", kind)
            line = f"({c.at})[{c.row} * i] = {dot}({k}, {a.at} + {a.row} * i, 1, {b.at}, {b.row});"
            return [], [f"for (long i = 0; i < {m}; i++) {line}"]
        if n == 1 and a.column == 1 and k <= _SHORT * lanes and b.row == 1:
            return [], _sums_of_rows(kind, a, b, c)
        if (n > 1 or a.row == 1 or m < 8) and c.row in (0, 1):
            a, b, c = b.T, a.T, c.T
            m, n = n, m
            may_read_on = b_is_fixed = False
    if c.column != 1 and c.columns > 1:
        return _through_scratch(part, dtype, a, b, c)
    if m * n * k >= _LARGE[target.vector] and (call := _by_blas(part, kind, a, b, c)):
        return [], [call]
    if k <= _FEW and b.column == 1:
        return [], _few_terms(a, b, c)
    width = -(-n // lanes) * lanes
    first: list[str] = []
    lines: list[str] = []
    if (b.column != 1 and n > 1) or (width != n and not may_read_on):
        part.need_text("pack", kind)
        packed = part.scratch(dtype, k * width)
        pack = f"pack_{kind.name}({k}, {n}, {b.at}, {b.row}, {b.column}, {packed}, {width});"
        (first if b_is_fixed else lines).append(pack)
        b = Matrix(packed, k, n, width, 1)
    block = partial(_block, part, kind, lanes, "small" if once and m * n * k <= _SMALL else "block")
    lines += _blocks(block, lanes, target, a, b, c)
    return first, lines


def _sums_of_rows(kind: Any, a: Matrix, b: Matrix, c: Matrix) -> list[str]:
    """A matrix with short rows times a vector."""
    return [
        f"for (long i = 0; i < {a.rows}; i++) {{",
        f"{c_type(kind)} sum = 0;",
        f"for (long l = 0; l < {a.columns}; l++) sum += ({a.at})[{a.row} * i + l] * ({b.at})[l];",
        f"({c.at})[{c.row} * i] = sum;",
        "}",
    ]


def _few_terms(a: Matrix, b: Matrix, c: Matrix) -> list[str]:
    """A product with few terms in each sum, as an outer product has one."""
    terms = [f"({a.at})[{a.row} * i + {a.column * t}] * ({b.at})[{b.row * t} + j]" for t in range(a.columns)]
    return [
        f"for (long i = 0; i < {a.rows}; i++) {{",
        "SIMD()",
        f"for (long j = 0; j < {b.columns}; j++) ({c.at})[{c.row} * i + j] = {' + '.join(terms) or '0'};",
        "}",
    ]


def _dots(part: Part, kind: Any, lanes: int, a: Matrix, b: Matrix, c: Matrix) -> Iterator[str]:
    """A product whose operands both run along the sums, in blocks of dot products."""
    m, k, n = a.rows, a.columns, b.columns
    part.need_text("dots")
    most = (4, 4) if part.target.registers >= 32 else (3, 3)
    for i, rows in _cut(m, most[0]):
        for j, columns in _cut(n, most[1]):
            name = f"dots_{rows[1]}x{columns[1]}_{kind.name}"
            part.need(name, f"DOTS({name}, {c_type(kind)}, {lanes}, {rows[1]}, {columns[1]})\n")
            loops = [f"for (long i = {i}; i < {rows[0]}; i += {rows[1]})"]
            loops += [f"for (long j = {j}; j < {columns[0]}; j += {columns[1]})"]
            call = f"{name}({k}, {a.at} + {a.row} * i, {a.row}, {b.at} + {b.column} * j, {b.column}, "
            yield f"{' '.join(loops)} {call}{c.at} + {c.row} * i + {c.column} * j, {c.row}, {c.column});"


def _cut(n: int, most: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Where each group of blocks begins, where it ends, and the size of its blocks."""
    whole = n - n % most
    if whole:
        yield 0, (whole, most)
    if n % most:
        yield whole, (n, n % most)


def _blocks(block: _Block, lanes: int, target: Target, a: Matrix, b: Matrix, c: Matrix) -> Iterator[str]:
    n = b.columns
    column, left = 0, -(-n // lanes)
    most = 4 if target.registers >= 32 else 2
    while left:
        count = min(left, most)
        rows = {4: 6, 3: 8, 2: 12, 1: 12}[count] if target.registers >= 32 else {2: 6, 1: 12}[count]
        repeats = (left // count) if count == most else 1
        last = n - column - (count - 1) * lanes if left == count else lanes
        if last < lanes or left == count:
            repeats = 1
        elif left - count * repeats == 0 and n % lanes:
            repeats -= 1
        yield from _rows(block, lanes, a, b, c, rows, count, min(last, lanes), column, repeats)
        column += count * lanes * repeats
        left -= count * repeats


def _rows(
    block: _Block, lanes: int, a: Matrix, b: Matrix, c: Matrix, rows: int, count: int, last: int, column: int,
    repeats: int,
) -> Iterator[str]:  # fmt: skip
    """Blocks over all rows, for one or several groups of columns."""
    m, k = a.rows, a.columns
    shift = f" + {column}" if column else ""
    if repeats > 1:
        yield f"for (long j = {column}; j < {column + repeats * count * lanes}; j += {count * lanes}) {{"
        shift = " + j"
    whole = m - m % rows
    rest = f"{b.at}{shift}, {b.row}"
    if whole:
        name = block(rows, count, last)
        call = f"{name}({k}, {a.at} + {a.row} * i, {a.row}, {a.column}, {rest}, {c.at} + {c.row} * i{shift}, {c.row});"
        yield f"for (long i = 0; i < {whole}; i += {rows}) {call}"
    if m % rows:
        name = block(m % rows, count, last)
        yield (
            f"{name}({k}, {a.at} + {a.row * whole}, {a.row}, {a.column}, {rest}, "
            f"{c.at} + {c.row * whole}{shift}, {c.row});"
        )
    if repeats > 1:
        yield "}"


def _block(part: Part, kind: Any, lanes: int, sort: str, rows: int, count: int, last: int) -> str:
    """The name of a block's function, of the sort ``"small"`` or ``"block"``."""
    name = f"{sort}_{rows}x{count * lanes}" + (f"_{last}" if last < lanes else "") + f"_{kind.name}"
    split = 4 if rows == 1 else 2 if rows * count < 4 else 1
    part.need_text("block")
    inlined = "inline __attribute__((always_inline)) " if sort == "small" else ""
    part.need(name, f"{inlined}BLOCK({name}, {c_type(kind)}, {lanes}, {rows}, {count}, {last}, {split})\n")
    return name


def _by_blas(part: Part, kind: Any, a: Matrix, b: Matrix, c: Matrix) -> str:
    """The call of NumPy's BLAS, if there is one and both operands lie as it wants them."""
    address = part.blas(kind)
    if not address:
        return ""
    sides = []
    for x in (a, b):
        if x.column == 1 and x.row >= x.columns:
            sides.append((111, x.row))
        elif x.row == 1 and x.column >= x.rows:
            sides.append((112, x.column))
        else:
            return ""
    part.need_text("gemm", kind)
    (ta, la), (tb, lb) = sides
    return (
        f"((Gemm_{kind.name} *)p[{part.pointer_to(address)}])(101, {ta}, {tb}, {a.rows}, {b.columns}, {a.columns}, 1, "
        f"{a.at}, {la}, {b.at}, {lb}, 0, {c.at}, {c.row});"
    )


def _through_scratch(part: Part, dtype: Any, a: Matrix, b: Matrix, c: Matrix) -> tuple[list[str], list[str]]:
    """The product in scratch memory, copied to where it belongs: rows and columns both have gaps there."""
    room = part.scratch(dtype, math.prod((c.rows, c.columns)))
    inner = Matrix(room, c.rows, c.columns, c.columns, 1)
    first, lines = written(part, dtype, a, b, inner, False, False)
    copy = f"({c.at})[{c.row} * i + {c.column} * j] = {room}[{c.columns} * i + j];"
    lines.append(f"for (long i = 0; i < {c.rows}; i++) for (long j = 0; j < {c.columns}; j++) {copy}")
    return first, lines
