"""The text of a loop over all entries, with what begins and ends its folds.

Elementary functions come from a library that takes whole vectors, so a loop that calls them runs in tiles: a loop of
C for all that comes before them, the calls on the tile, a loop for what comes after.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff.compiler.native.expressions import IDENTITIES, c_type, cast, literal
from autodiff.compiler.values import Op, Value, row_strides

TILE = 2048
"""Bytes of a tile: a dozen of them lie in the first-level cache."""
_SHORT = 32  # entries of an inner loop below which a call for each of its runs would cost more than it does
_ROW = 4  # entries from which a row of its own is worth vectors
_LONG = 1024  # entries from which a sum is cut into parts
_COUNTERS = ("i", "k", "l", "m", *(f"i{d}" for d in range(4, 64)))  # NumPy has 64 axes at most


class Writing:
    """Writes the text of one loop."""

    def __init__(self, loop: Any, lengths: list[int], steps: dict[Any, list[int]], offsets: dict[Any, int]) -> None:
        self.loop, self.part, self.lengths, self.steps, self.offsets = loop, loop.part, lengths, steps, offsets
        self._entries: dict[Value, str] = {}
        self.tiles: dict[Value, str] = {}

    # names

    def entry(self, v: Value) -> str:
        """The name of the current entry of a value."""
        if v not in self._entries:
            self._entries[v] = f"{self.part.name_of(v)}_i" if self.lengths else f"{self.part.name_of(v)}_"
        return self._entries[v]

    def at(self, key: Any, last: str | None) -> str:
        """The index of the current entry; `last` replaces the innermost counter."""
        parts = [str(self.offsets[key])] if self.offsets[key] else []
        steps = self.steps[key]
        for depth, step in enumerate(steps):
            if step == 0:
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
            pragma = folds.pragma() or self._rows_in_vectors(folds)
            lines += [*folds.parts, *pragma, self._open(inner) + " {", *body, "}", *folds.joined]
        return [*lines, *folds.after, *["}"] * inner]

    def _rows_in_vectors(self, folds: _Folds) -> list[str]:
        """The line that has rows computed in vectors: left alone, gcc takes them across short rows, which is slow."""
        is_row = len(self.lengths) > 1 and self.lengths[-1] >= _ROW and not folds.runs
        return ["SIMD()"] if is_row and all(steps[-1] in (0, 1) for steps in self.steps.values()) else []

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
        """The loops in tiles along the innermost axis; if that is short, in passes over arrays of the whole size."""
        calls = [op for op in self.loop.ops if self._is_call(op)]
        crossing = self._crossing(depths, calls)
        if len(self.lengths) > 1 and self.lengths[-1] < _SHORT:
            return self._whole(depths, calls, crossing)
        inner, n = len(self.lengths) - 1, self.lengths[-1]
        i = _COUNTERS[inner]
        width = TILE // max(np.dtype(v.dtype).itemsize for v in crossing)
        several = n > width
        at, count, start = (f"({i} + j)", "n", i) if several else ("j", str(n), "0")
        direct: set[Value] = set()
        tile = [f"const long n = {n} - {i} < {width} ? {n} - {i} : {width};"] if several else []
        for v in crossing:
            name, kind = self.part.local(f"{self.part.name_of(v)}_t"), c_type(v.dtype)
            if v in self.steps and self.steps[v][-1] == 1:  # contiguous in memory: no tile is needed
                direct.add(v)
                const = "" if v in self.loop.made else "const "
                tile.append(f"{const}{kind} *{name} = ({self._pointer(v)} + {self.at(v, start)});")
            else:
                tile.append(f"{kind} {name}[{min(width, n)}];")
            self.tiles[v] = name
        folds = _Folds(self, several)
        for body, after in self._passes(depths, calls, crossing, direct, at, lambda: folds):
            if body:
                tile += [*folds.pragma(), f"for (long j = 0; j < {count}; j++) {{", *body, "}"]
            folds.sums.clear()
            folds.runs = False
            tile += [self._call(op, count) for op in after]
        lines = [*(self._open(d) + " {" for d in range(inner)), *folds.before]
        lines += [f"for (long {i} = 0; {i} < {n}; {i} += {width}) {{" if several else "{"]
        return [*lines, *folds.parts, *tile, *folds.joined, "}", *folds.after, *["}"] * inner]

    def _whole(self, depths: dict[Op, int], calls: list[Op], crossing: list[Value]) -> list[str]:
        """Passes over all entries, with arrays of the whole size between them."""
        part, size = self.part, math.prod(self.lengths)
        dense = list(row_strides(tuple(self.lengths), 1))
        direct = {v for v in crossing if v in self.steps and self.steps[v] == dense}
        for v in crossing:
            if v in direct:
                self.tiles[v] = f"({self._pointer(v)} + {self.offsets[v]})"
            else:
                self.tiles[v] = part.scratch(v.dtype, size)
        terms = [_COUNTERS[d] if step == 1 else f"{step} * {_COUNTERS[d]}" for d, step in enumerate(dense)]
        self._inner = " + ".join(terms)
        lines: list[str] = []
        folds: list[_Folds] = []

        def new_folds() -> _Folds:
            folds.append(_Folds(self, False))
            return folds[-1]

        for body, after in self._passes(depths, calls, crossing, direct, None, new_folds):
            lines += self._nested(body, folds[-1]) if body else []
            lines += [self._call(op, str(size)) for op in after]
        return lines

    def _passes(
        self, depths: dict[Op, int], calls: list[Op], crossing: list[Value], direct: set[Value], at: str | None,
        new_folds: Callable[[], _Folds],
    ) -> Iterator[tuple[list[str], list[Op]]]:  # fmt: skip
        """For each number of calls that come before: the body of a loop over the entries, and the calls behind it.

        Parameters
        ----------
        crossing : list of Value
            Those that lie in arrays, `direct` ones where they belong, others in tiles.
        at : str, optional
            What replaces the innermost counter in an index.
        new_folds : function
            Called for each loop: where its folds go.
        """
        late: list[Op] = []  # the calls behind the loop before, whose results may have to go from tiles to their places
        for depth in range(max(depths.values()) + 2):
            body: list[str] = []
            folds, loaded = new_folds(), set[Value]()
            for v in crossing:  # operands of calls that have to be gathered
                if v not in self.loop.made and v not in direct and depth == self._first(v, depths):
                    body.append(f"{self.tiles[v]}[{self._inner}] = {self._pointer(v)}[{self.at(v, at)}];")
            for op in self.loop.ops:
                if depths[op] != depth or op in calls:
                    continue
                body += [*self._loads(op, loaded, at), *self._in_tiles(op, loaded)]
                if op in self.loop.folds:
                    body += folds.add(op, at)
                    continue
                body += self._statement_in_tile(op, loaded)
                if op.outputs[0] not in direct:
                    body += self._store(op, at)
            for op in late:
                v = op.outputs[0]
                if v in self.steps and v not in direct:
                    body.append(f"{self._pointer(v)}[{self.at(v, at)}] = {self.tiles[v]}[{self._inner}];")
            late = [op for op in calls if depths[op] == depth]
            yield body, late

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

    def _pointer(self, v: Value) -> str:
        return self.part.pointer(self.part.place_of(v).memory)

    def _statement_in_tile(self, op: Op, loaded: set[Value]) -> Iterator[str]:
        v = op.outputs[0]
        yield self._statement(op)
        if v in self.tiles:
            loaded.add(v)
            yield f"{self.tiles[v]}[{self._inner}] = {self.entry(v)};"

    def _call(self, op: Op, count: str) -> str:
        """The call of a vectorised function on a tile."""
        return self.part.call(op, count, [self.tiles[a] for a in op.args], self.tiles[op.outputs[0]])


class _Folds:
    """What the folds of a loop need before, between and after its innermost loops.

    A long sum is cut into parts, which are added up in double precision: one running sum over all entries would lose a
    digit with every hundred times as many.
    """

    def __init__(self, writing: Writing, blocked: bool) -> None:
        self._writing, self.blocked = writing, blocked
        self.before: list[str] = []
        self.parts: list[str] = []
        self.sums: list[str] = []
        self.runs = False  # whether a fold goes from entry to entry in a way that the pragma does not know
        self.joined: list[str] = []
        self.after: list[str] = []

    def pragma(self) -> list[str]:
        """The line that lets the compiler add up in vectors."""
        return [f"SIMD({' '.join(self.sums)})"] if self.sums and not self.runs else []

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
        else:
            self.runs = True
        yield f"{part} = {w.part.combined(op.function, kind, part, x)};"
