"""Copies that move entries: to the pieces of a result, or by a table of where each entry comes from."""

from __future__ import annotations

from collections.abc import Iterator

from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import FILL, Memory, Moved, Place, merged, moving
from autodiff.compiler.values import Op, row_strides


class Move(Step):
    """One operation that moves entries."""

    def __init__(self, part: Part, op: Op, how: Moved) -> None:
        super().__init__(part, [op])
        self.op, self._how = op, how
        out = op.outputs[0]
        if not part.is_exported(out) and out not in part.places:
            part.places[out] = part.new_arena(out)
        elif how.view is None and not part.place_of(out).is_dense():
            raise part.no_c(op)
        self._table: Memory | None = None
        if how.table is not None:
            self._table = part.keep_array("table", how.table)

    def prepare(self) -> None:
        """Say where the result lies."""
        self.part.place_of(self.op.outputs[0])

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        for v in (*moving(self.op), self.op.outputs[0]):
            yield self.part.place_of(v).memory
        if self._table is not None:
            yield self._table

    def text(self) -> list[str]:
        """The copies in C."""
        part, how = self.part, self._how
        out = part.place_of(self.op.outputs[0])
        lines = list(part.pointers(self.memories(), {out.memory}))
        to = part.pointer(out.memory)
        sources = [part.place_of(v) for v in moving(self.op)]
        if how.view is not None:
            source = Place(sources[0].memory, out.shape, how.view[1], how.view[0])
            return lines + copy(part, out, source)
        if how.table is not None:
            assert self._table is not None
            table, x = part.pointer(self._table), part.pointer(sources[0].memory)
            dense = Place(out.memory, (out.size,), (1,), out.offset)
            assert out.is_dense() or out.size == 0
            lines.append(f"for (long i = 0; i < {dense.size}; i++) {{")
            value = f"{x}[{table}[i]]"
            if (how.table == FILL).any():  # read before the choice, as in loops
                kind = c_type(out.dtype)
                lines.append(f"const {kind} moved_ = {x}[{table}[i] == INT32_MIN ? 0 : {table}[i]];")
                value = f"{table}[i] == INT32_MIN ? 0 : moved_"
            return [*lines, f"{to}[{dense.offset} + i] = {value};", "}"]
        if how.fill:
            assert out.is_dense() or out.size == 0
            lines.append(f"memset({to} + {out.offset}, 0, {out.size} * sizeof *{to});")
        assert out.strides == row_strides(out.shape, 1) or out.is_dense() or not out.size
        for k, offset, strides in how.pieces:
            source = sources[k]
            lines += copy(part, Place(out.memory, source.shape, strides, out.offset + offset), source)
        return lines


def copy(part: Part, to: Place, of: Place) -> list[str]:
    """Loops that copy entry by entry, the longest run innermost."""
    loops, at = over(part, to, of)
    return [f"{loops} {at[0]} = {at[1]};"] if to.size else []


def over(part: Part, *places: Place) -> tuple[str, list[str]]:
    """The head of loops over the entries of places of one shape, in the order of the first, and the entry of each."""
    lengths, steps = merged(places[0].shape, places, places[0])
    at = []
    for q, ns in zip(places, steps):
        terms = [str(q.offset)] if q.offset else []
        terms += [f"{s} * i{d}" if s != 1 else f"i{d}" for d, s in enumerate(ns) if s]
        at.append(f"{part.pointer(q.memory)}[{' + '.join(terms) or '0'}]")
    return " ".join(f"for (long i{d} = 0; i{d} < {n}; i{d}++)" for d, n in enumerate(lengths)), at
