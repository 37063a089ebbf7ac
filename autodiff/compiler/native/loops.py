"""Loops: elementwise operations on arrays of one shape, and what reduces them, in one pass through memory.

Elementary functions come from a library that takes whole vectors, so a loop that calls them runs in tiles: a loop of
C for all that comes before them, the calls on the tile, a loop for what comes after.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.compiler.native.expressions import IDENTITIES, c_type, cast, has_type, literal, loop_dtypes, math_name
from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import Memory, Place, merged
from autodiff.compiler.values import Op, Value, copied

TILE = 2048
"""Bytes of a tile: a dozen of them lie in the first-level cache."""
_SHORT = 32  # entries of an inner loop below which a call for each of its runs would cost more than it does
MOST = 80
"""Operations of one loop; compilers need more than twice the time for twice as many."""


def is_elementwise(op: Op) -> bool:
    """Whether an operation can stand in a loop, for each entry by itself."""
    if len(op.outputs) != 1 or op.listed or not _has_types(op):
        return False
    if op.form == "opaque":
        return bool(math_name(op)) and np.dtype(op.outputs[0].dtype).kind == "f"
    if op.form == "ufunc" or op.form == "operator":
        return not op.keywords and op.function.signature is None and op.function.nout == 1 and _is_known(op)
    if op.form == "function" and op.function is np.where:
        return not op.keywords and len(op.args) == 3
    return copied(op) is not None


def is_fold(op: Op) -> bool:
    """Whether an operation reduces its operand along some axes, in the dtype of its entries."""
    if op.form != "reduce" or op.function not in IDENTITIES or not _has_types(op) or len(op.args) != 1:
        return False
    if not set(op.keywords) <= {"axis", "keepdims"} or not isinstance(op.args[0], Value):
        return False
    kind = np.dtype(op.outputs[0].dtype)
    of = np.dtype(op.args[0].dtype)
    if op.function in (np.logical_and, np.logical_or):
        return kind.kind == "b"
    return kind == of or (op.function is np.add and kind.kind in "iu" and of.kind in "iub")


def _has_types(op: Op) -> bool:
    return all(has_type(v.dtype) for v in (*op.inputs(), *op.outputs))


def _is_known(op: Op) -> bool:
    found = loop_dtypes(op)
    if found is None or not all(has_type(d) for d in found[0]):
        return False
    if not all(
        isinstance(a, (Value, int, float, np.generic, np.ndarray)) and np.ndim(_number(a)) == 0 for a in op.args
    ):
        return False
    if math_name(op):
        return found[1].kind == "f"
    from autodiff.compiler.native.expressions import Expressions

    names = ["a", "b"][: len(op.args)]
    return Expressions().plain(op.function, found[0][0], names, [None, None]) is not None


def _number(a: Any) -> Any:
    return 0 if isinstance(a, Value) else a


def folded_axes(op: Op) -> tuple[int, ...]:
    """The axes along which an operation reduces."""
    axis, ndim = op.keywords.get("axis"), len(op.args[0].shape)
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % ndim for a in axes)


class Loop(Step):
    """A loop over all entries of arrays of one shape.

    Parameters
    ----------
    part : Part
    shape : tuple of int
    """

    def __init__(self, part: Part, shape: tuple[int, ...]) -> None:
        super().__init__(part, [])
        self.shape = shape
        self.made: dict[Value, Op] = {}
        self.folds: list[Op] = []
        self.accumulates: dict[Value, Place] = {}

    def fits(self, op: Op) -> bool:
        """Whether an operation can join."""
        if is_elementwise(op):
            return op.outputs[0].shape == self.shape
        return is_fold(op) and op.args[0].shape == self.shape

    def take(self, op: Op) -> None:
        """Let an operation join."""
        self.ops.append(op)
        if is_elementwise(op):
            self.made[op.outputs[0]] = op
        else:
            self.folds.append(op)
        for v in op.inputs():
            if v not in self.made:
                self.part.place_of(v)

    # --- what it touches ---

    def stored(self) -> list[Value]:
        """The results that are needed after the loop."""
        return [v for v in self.made if v in self.part.places]

    def inputs(self) -> list[Value]:
        """The values from before the loop, each once."""
        return list(dict.fromkeys(v for op in self.ops for v in op.inputs() if v not in self.made))

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        for v in (*self.inputs(), *self.stored(), *(op.outputs[0] for op in self.folds)):
            if v not in self.part.literals:
                yield self.part.place_of(v).memory

    def overwrite(self, at: int) -> None:
        """Let results take the places of operands that nobody reads after this step: fewer lines of the cache.

        Each entry is read before it is written, in a single loop; in tiles it would not be.
        """
        part = self.part
        if any(map(part.calls, self.ops)):
            return
        places = [part.place_of(u) for u in self.inputs() if u not in part.literals]
        for v in self.stored():
            to = part.place_of(v)
            if to.memory.kind != "arena" or to.memory.owner is not None or to.memory.first != at:
                continue
            for place in places:
                memory = place.memory.root
                alike = place.strides == to.strides and place.shape == to.shape == self.shape
                same_room = memory.kind == "arena" and memory.dtype == to.dtype and memory.size == to.memory.size
                others = any(q.memory.root is memory and q != place for q in places)
                if alike and same_room and not (place.offset or to.offset or others) and memory.last == at:
                    to.memory.owner = memory
                    memory.last = to.memory.last
                    break

    def prepare(self) -> None:
        """Say where the results of folds lie."""
        for op in self.folds:
            self.part.place_of(op.outputs[0])

    # --- its dimensions ---

    def _access(self, v: Value) -> Place:
        return self.part.place_of(v).broadcast(self.shape)

    def _fold_access(self, op: Op) -> Place:
        out, axes = self.part.place_of(op.outputs[0]), folded_axes(op)
        strides = iter(
            [s for a, s in enumerate(out.strides) if a not in axes] if op.keywords.get("keepdims") else out.strides
        )
        return out._replace(
            shape=self.shape, strides=tuple(0 if a in axes else next(strides) for a in range(len(self.shape)))
        )

    def _merged(self, places: list[Place]) -> tuple[list[int], list[list[int]]]:
        """The lengths of the loops from the outside in, and for each place its strides."""
        return merged(self.shape, places, max(places, key=lambda q: (sum(s != 0 for s in q.strides), q.size)))

    # --- its text ---

    def text(self) -> list[str]:
        """The loop in C."""
        part = self.part
        inputs = [v for v in self.inputs() if v not in part.literals]
        arrays = [v for v in inputs if v.shape and part.place_of(v).size > 0]
        singles = [v for v in inputs if not v.shape]
        stored = self.stored()
        places = [self._access(v) for v in (*arrays, *stored)] + [self._fold_access(op) for op in self.folds]
        if not places:
            return []
        lengths, strides = self._merged(places)
        steps = dict(zip((*arrays, *stored, *self.folds), strides))
        offsets = {key: q.offset for key, q in zip((*arrays, *stored, *self.folds), places)}
        write = _Writing(self, lengths, steps, offsets)
        lines = [
            *part.pointers(
                self.memories(),
                {q.memory for q in map(part.place_of, stored)}
                | {part.place_of(op.outputs[0]).memory for op in self.folds},
            )
        ]
        for v in singles:
            q = part.place_of(v)
            lines.append(f"const {c_type(v.dtype)} {write.entry(v)} = {part.pointer(q.memory)}[{q.offset}];")
        lines += write.beginnings()
        return lines if 0 in self.shape else lines + write.nest()


class _Writing:
    """Writes the text of one loop."""

    def __init__(self, loop: Loop, lengths: list[int], steps: dict[Any, list[int]], offsets: dict[Any, int]) -> None:
        self.loop, self.part, self.lengths, self.steps, self.offsets = loop, loop.part, lengths, steps, offsets
        self._entries: dict[Value, str] = {}
        self.tiles: dict[Value, str] = {}

    # names

    def entry(self, v: Value) -> str:
        """The name of the current entry of a value."""
        if v not in self._entries:
            self._entries[v] = f"{self.part.name_of(v)}_i" if self.lengths else f"{self.part.name_of(v)}_"
        return self._entries[v]

    def at(self, key: Any, last: str | None, skip: int | None = None) -> str:
        """The index of the current entry; `last` replaces the innermost counter."""
        parts = [str(self.offsets[key])] if self.offsets[key] else []
        steps = self.steps[key]
        for depth, step in enumerate(steps):
            if step == 0 or depth == skip:
                continue
            name = _COUNTERS[depth] if depth < len(steps) - 1 or last is None else last
            parts.append(name if step == 1 else f"{step} * {name}")
        return " + ".join(parts) or "0"

    # beginnings and ends of folds

    def beginnings(self) -> list[str]:
        """Lines that set the results of folds to where they begin."""
        lines = []
        for op in self.loop.folds:
            q = self.part.place_of(op.outputs[0])
            kind = np.dtype(op.outputs[0].dtype)
            start = literal(IDENTITIES[op.function](kind), kind)
            pointer = self.part.pointer(q.memory)
            if q.size == 1:
                lines.append(f"{pointer}[{q.offset}] = {start};")
            else:  # a new array without gaps
                lines.append(f"for (long i = 0; i < {q.size}; i++) {pointer}[i] = {start};")
        return lines

    # the loops

    def nest(self) -> list[str]:
        """The loops with everything in them."""
        if any(map(self._is_call, self.loop.ops)):
            return self._tiled(self._depths())
        return self._single()

    def _depths(self) -> dict[Op, int]:
        """For each operation how many calls of the vectorised library come before it."""
        found: dict[Op, int] = {}
        for op in self.loop.ops:
            before = 0
            for v in op.inputs():
                maker = self.loop.made.get(v)
                if maker is not None:
                    before = max(before, found[maker] + (1 if self._is_call(maker) else 0))
            found[op] = before
        return found

    def _is_call(self, op: Op) -> bool:
        return bool(self.lengths) and math.prod(self.lengths) >= 8 and self.part.calls(op)

    def _open(self, depth: int) -> str:
        i = _COUNTERS[depth]
        return f"for (long {i} = 0; {i} < {self.lengths[depth]}; {i}++)"

    def _single(self) -> list[str]:
        """All in one loop."""
        inner = len(self.lengths) - 1
        folds = _Folds(self, bool(self.lengths) and self.lengths[-1] > _LONG)
        body: list[str] = []
        loaded: set[Value] = set()
        for op in self.loop.ops:  # first, since an update writes over what it reads
            body += self._loads(op, loaded, None)
        for op in self.loop.ops:
            if op in self.loop.folds:
                body += folds.add(op, None)
            else:
                body.append(self._statement(op))
                body += self._store(op, None)
        if inner < 0:
            return body
        return self._nested(body, folds)

    def _nested(self, body: list[str], folds: _Folds) -> list[str]:
        """The loops around a body, and around the innermost one what begins and ends the folds."""
        inner = len(self.lengths) - 1
        i, n = _COUNTERS[inner], self.lengths[-1]
        lines = [self._open(d) + " {" for d in range(inner)] + folds.before
        if folds.blocked and folds.parts:
            lines += [f"for (long start = 0; start < {n}; start += {_LONG // 2}) {{"]
            lines += [f"const long stop = {n} - start < {_LONG // 2} ? {n} : start + {_LONG // 2};", *folds.parts]
            lines += [*folds.pragma(), f"for (long {i} = start; {i} < stop; {i}++) {{", *body, "}", *folds.joined, "}"]
        else:
            lines += [*folds.parts, *folds.pragma(), self._open(inner) + " {", *body, "}", *folds.joined]
        return [*lines, *folds.after, *["}"] * inner]

    def _loads(self, op: Op, loaded: set[Value], last: str | None) -> Iterator[str]:
        for v in op.inputs():
            if v in self.loop.made or v in loaded or not v.shape or v in self.part.literals or v in self.tiles:
                continue
            loaded.add(v)
            pointer = self.part.pointer(self.part.place_of(v).memory)
            yield f"const {c_type(v.dtype)} {self.entry(v)} = {pointer}[{self.at(v, last)}];"

    def _statement(self, op: Op) -> str:
        v = op.outputs[0]
        return f"const {c_type(v.dtype)} {self.entry(v)} = {self.part.expression(op, self._operand)};"

    def _operand(self, v: Any) -> str:
        if v in self.part.literals:
            return literal(self.part.literals[v], v.dtype)
        return self.entry(v)

    _inner = "j"

    def _in_tiles(self, op: Op, loaded: set[Value]) -> Iterator[str]:
        """Lines that read the operands of an operation from tiles, each once in a loop.

        They are read before a choice between them, never in it: gcc 12 makes reads with masks of the latter, and takes
        the mask of the first iterations for all of them.
        """
        for v in op.inputs():
            if v in self.tiles and v not in loaded:
                loaded.add(v)
                yield f"const {c_type(v.dtype)} {self.entry(v)} = {self.tiles[v]}[{self._inner}];"

    def _store(self, op: Op, last: str | None) -> Iterator[str]:
        v = op.outputs[0]
        if v in self.steps:
            pointer = self.part.pointer(self.part.place_of(v).memory)
            yield f"{pointer}[{self.at(v, last)}] = {self.entry(v)};"

    # tiles

    def _tiled(self, depths: dict[Op, int]) -> list[str]:
        loop, part = self.loop, self.part
        whole = len(self.lengths) > 1 and self.lengths[-1] < _SHORT
        calls = [op for op in loop.ops if self._is_call(op)]
        size = math.prod(self.lengths)
        most = max(depths.values()) + 1
        in_arrays = self._crossing(depths, calls)
        lines: list[str] = []
        inner = len(self.lengths) - 1
        i, j = _COUNTERS[inner], "j"
        n = self.lengths[-1]
        width = TILE // max(np.dtype(v.dtype).itemsize for v in in_arrays)
        if whole:
            return self._by_passes(depths, calls, in_arrays, size, most)
        self._inner = j
        at = f"({i} + j)" if n > width else "j"
        lines += [self._open(d) + " {" for d in range(inner)]
        folds = _Folds(self, n > width)
        tile: list[str] = []
        if n > width:
            tile.append(f"const long n = {n} - {i} < {width} ? {n} - {i} : {width};")
        direct: dict[Value, str] = {}
        for v in in_arrays:
            step = self.steps.get(v)
            if step is not None and step[-1] == 1:  # contiguous in memory: no tile is needed
                pointer = part.pointer(part.place_of(v).memory)
                start = self.at(v, i if n > width else "0")
                direct[v] = f"({pointer} + {start})"
                self.tiles[v] = part.local(f"{part.name_of(v)}_t")
                const = "" if v in loop.made else "const "
                tile.append(f"{const}{c_type(v.dtype)} *{self.tiles[v]} = {direct[v]};")
            else:
                self.tiles[v] = part.local(f"{part.name_of(v)}_t")
                tile.append(f"{c_type(v.dtype)} {self.tiles[v]}[{min(width, n)}];")
        count = "n" if n > width else str(n)
        for depth in range(most):
            ops = [op for op in loop.ops if depths[op] == depth and op not in calls]
            body: list[str] = []
            folds.sums.clear()
            loaded: set[Value] = set()
            wanted = [
                v for v in in_arrays if v not in loop.made and v not in direct and depth == self._first(v, depths)
            ]
            for v in wanted:  # an operand of a call that has to be gathered
                pointer = part.pointer(part.place_of(v).memory)
                body.append(f"{self.tiles[v]}[j] = {pointer}[{self.at(v, at)}];")
            for op in ops:
                body += [*self._loads(op, loaded, at), *self._in_tiles(op, loaded)]
                if op in loop.folds:
                    body += folds.add(op, at)
                    continue
                body += self._statement_in_tile(op, loaded)
                if op.outputs[0] not in direct:
                    body += self._store(op, at)
            if body:
                tile += [*folds.pragma(), f"for (long j = 0; j < {count}; j++) {{", *body, "}"]
            for op in calls:
                if depths[op] == depth:
                    tile.append(self._call(op, count))
                    v = op.outputs[0]
                    if v in self.steps and v not in direct:
                        pointer = part.pointer(part.place_of(v).memory)
                        tile.append(
                            f"for (long j = 0; j < {count}; j++) {pointer}[{self.at(v, at)}] = {self.tiles[v]}[j];"
                        )
        lines += folds.before
        lines += [f"for (long {i} = 0; {i} < {n}; {i} += {width}) {{" if n > width else "{"]
        lines += [*folds.parts, *tile, *folds.joined, "}", *folds.after]
        return [*lines, *["}"] * inner]

    def _crossing(self, depths: dict[Op, int], calls: list[Op]) -> list[Value]:
        """The values that must lie in arrays: operands and results of calls, and what later loops of a tile read."""
        found: dict[Value, None] = {}
        for op in self.loop.ops:
            for v in op.inputs():
                if v in self.part.literals:
                    continue
                maker = self.loop.made.get(v)
                if op in calls or (maker is not None and (maker in calls or depths[maker] != depths[op])):
                    found[v] = None
            if op in calls:
                found[op.outputs[0]] = None
        return list(found)

    def _first(self, v: Value, depths: dict[Op, int]) -> int:
        return min(depths[op] for op in self.loop.ops if v in op.inputs())

    def _statement_in_tile(self, op: Op, loaded: set[Value]) -> Iterator[str]:
        v = op.outputs[0]
        yield self._statement(op)
        if v in self.tiles:
            loaded.add(v)
            yield f"{self.tiles[v]}[{self._inner}] = {self.entry(v)};"

    def _store_in_tile(self, op: Op, at: str | None) -> Iterator[str]:
        """Lines that store the result of a call, which lies in a tile."""
        v = op.outputs[0]
        pointer = self.part.pointer(self.part.place_of(v).memory)
        yield f"{pointer}[{self.at(v, at)}] = {self.tiles[v]}[{self._inner}];"

    def _call(self, op: Op, count: str) -> str:
        """The call of a vectorised function on a tile."""
        return self.part.call(op, count, [self._array(a) for a in op.args], self.tiles[op.outputs[0]])

    def _array(self, a: Any) -> str:
        if isinstance(a, Value) and a in self.tiles:
            return self.tiles[a]
        raise AssertionError("an operand of a call lies in an array")

    def _by_passes(
        self, depths: dict[Op, int], calls: list[Op], in_arrays: list[Value], size: int, most: int
    ) -> list[str]:
        """The same with arrays of the whole size in place of tiles, where the innermost loop is short."""
        loop, part = self.loop, self.part
        lines: list[str] = []
        dense: list[int] = []
        step = 1
        for n in self.lengths[::-1]:
            dense.insert(0, step)
            step *= n
        flat = self._flat(dense)
        for v in in_arrays:
            if v in self.steps and self.steps[v] == dense:
                self.tiles[v] = f"({part.pointer(part.place_of(v).memory)} + {self.offsets[v]})"
            else:
                memory = part.scratch(part.name_of(v), v.dtype, size)
                self.tiles[v] = part.scratch_pointer(memory)
        self._inner = flat
        direct = {v for v in in_arrays if v in self.steps and self.steps[v] == dense}
        for depth in range(most):
            ops = [op for op in loop.ops if depths[op] == depth and op not in calls]
            body: list[str] = []
            folds = _Folds(self, False)
            loaded: set[Value] = set()
            for v in in_arrays:
                if v not in loop.made and v not in direct and depth == self._first(v, depths):
                    pointer = part.pointer(part.place_of(v).memory)
                    body.append(f"{self.tiles[v]}[{flat}] = {pointer}[{self.at(v, None)}];")
            for op in ops:
                body += [*self._loads(op, loaded, None), *self._in_tiles(op, loaded)]
                if op in loop.folds:
                    body += folds.add(op, None)
                    continue
                body += self._statement_in_tile(op, loaded)
                if op.outputs[0] not in direct:
                    body += self._store(op, None)
            for op in calls:
                v = op.outputs[0]
                if depths[op] + 1 == depth and v in self.steps and v not in direct:
                    body += self._store_in_tile(op, None)
            if body:
                lines += self._nested(body, folds)
            lines += [self._call(op, str(size)) for op in calls if depths[op] == depth]
        late = [op for op in calls if depths[op] + 1 == most]
        body = [
            line
            for op in late
            if op.outputs[0] in self.steps and op.outputs[0] not in direct
            for line in self._store_in_tile(op, None)
        ]
        return lines + (self._nested(body, _Folds(self, False)) if body else [])

    def _flat(self, dense: list[int]) -> str:
        return " + ".join(_COUNTERS[d] if step == 1 else f"{step} * {_COUNTERS[d]}" for d, step in enumerate(dense))


class _Folds:
    """What the folds of a loop need before, between and after its innermost loops.

    A long sum is cut into parts, which are added up in double precision: one running sum over all entries would lose a
    digit with every hundred times as many.
    """

    def __init__(self, writing: _Writing, blocked: bool) -> None:
        self._writing, self.blocked = writing, blocked
        self.before: list[str] = []
        self.parts: list[str] = []
        self.sums: list[str] = []
        self.joined: list[str] = []
        self.after: list[str] = []

    def pragma(self) -> list[str]:
        """The line that lets the compiler add up in vectors."""
        return [f"SUMS({' '.join(self.sums)})"] if self.sums else []

    def add(self, op: Op, last: str | None) -> Iterator[str]:
        """The lines that add the current entry to the result of a fold."""
        w = self._writing
        out, kind = op.outputs[0], np.dtype(op.outputs[0].dtype)
        x = cast(w._operand(op.args[0]), op.args[0].dtype, kind)
        pointer = w.part.pointer(w.part.place_of(out).memory)
        if not w.lengths or w.steps[op][-1] != 0:
            place = f"{pointer}[{w.at(op, last)}]"
            yield f"{place} = {w.part.combined(op.function, kind, place, x)};"
            return
        name = w.part.name_of(out)
        start, total = literal(IDENTITIES[op.function](kind), kind), w.part.local(f"all_{name}")
        part = w.part.local(f"part_{name}") if self.blocked else total
        wide = np.dtype(float) if self.blocked and kind.char == "f" and op.function is np.add else kind
        self.before.append(f"{c_type(wide)} {total} = {literal(IDENTITIES[op.function](wide), wide)};")
        if self.blocked:
            self.parts.append(f"{c_type(kind)} {part} = {start};")
            self.joined.append(f"{total} = {w.part.combined(op.function, wide, total, part)};")
        place = f"{pointer}[{w.at(op, '0')}]"
        self.after.append(f"{place} = {w.part.combined(op.function, kind, place, cast(total, wide, kind))};")
        sign = {np.add: "+", np.multiply: "*"}.get(op.function)
        if sign and kind.kind == "f":
            self.sums.append(f"reduction({sign} : {part})")
        yield f"{part} = {w.part.combined(op.function, kind, part, x)};"


_LONG = 1024  # entries from which a sum is cut into parts
_COUNTERS = ("i", "k", "l", "m", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11", "i12", "i13", "i14", "i15")
