"""Selections by arrays of integers, in C."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.native.pattern import Pattern
from autodiff.compiler.native.places import Place
from autodiff.compiler.values import Op, Value
from autodiff.core.primitives import Primitive


class Selection(Pattern):
    """Entries selected by arrays of integers, and their transpose, in which several may be added to one.

    The arrays stand side by side in the index; before and behind them are whole axes.
    """

    @classmethod
    def suits(cls, op: Op) -> bool:
        found = selected(op)
        return found is not None and all(np.dtype(v.dtype).kind in "iu" for v in found.arrays if isinstance(v, Value))

    def prepare(self) -> None:
        super().prepare()
        op, part = self.op, self.part
        found = selected(op)
        assert found is not None
        self._found = found
        self._code = 0
        where: dict[Value, Place] = {}
        for v in found.arrays:
            if not isinstance(v, Value):
                continue
            place = part.place_of(v)
            if place.memory.kind in ("passed", "kept"):
                where[v] = place
            elif not part.is_within(v):
                raise part.no_c(op)
        if not where:
            return

        def look(*args: Any) -> None:
            def value(v: Value) -> Any:
                if v not in where:
                    return np.zeros(v.shape, v.dtype)
                memory = where[v].memory
                kept = memory.kind == "kept"
                return where[v].entries(memory.payload if kept else args[part.passed.index(memory.payload)])

            op.result(value)

        part.codes.append(look)
        self._code = len(part.codes)

    def lines(self) -> list[str]:
        part, found = self.part, self._found
        large, small = part.place_of(found.large), part.place_of(found.small)
        n = len(found.block)
        first, last = found.at, found.at + len(found.arrays)
        lines = []
        if found.adds:
            lines.append(f"memset({self.at(found.large)}, 0, {large.size} * sizeof *{part.pointer(large.memory)});")
        if not small.size:
            return lines
        counters = [f"i{k}" for k in range(len(small.shape))]
        places = [part.place_of(v).broadcast(found.block) if isinstance(v, Value) else None for v in found.arrays]
        opened = 0

        def open_loop(k: int) -> str:
            return f"for (long {counters[k]} = 0; {counters[k]} < {small.shape[k]}; {counters[k]}++) {{"

        for k in range(first, first + n):  # the arrays first, so that each index is read once
            lines.append(open_loop(k))
            opened += 1
        chosen = []
        for k, (v, q) in enumerate(zip(found.arrays, places)):
            name, length = f"at{k}", large.shape[first + k]
            if q is None:
                lines.append(f"const long {name} = {int(v) % length};")
            else:
                steps = [f" + {s} * {counters[first + d]}" for d, s in enumerate(q.strides) if s]
                lines.append(f"long {name} = (long){part.pointer(q.memory)}[{q.offset}{''.join(steps)}];")
                if self._code:
                    lines.append(f"if ({name} < 0) {name} += {length};")
                    lines.append(f"if ({name} < 0 || {name} >= {length}) return {self._code};")
            chosen.append(f"{large.strides[first + k]} * {name}")
        outer, inner = list(range(first)), list(range(first + n, len(small.shape)))
        for k in (*outer, *inner):
            lines.append(open_loop(k))
            opened += 1
        one = [str(large.offset), *chosen]
        one += [f"{large.strides[k]} * {counters[k]}" for k in outer]
        one += [f"{large.strides[last + d]} * {counters[k]}" for d, k in enumerate(inner)]
        other = [str(small.offset)] + [f"{s} * {c}" for s, c in zip(small.strides, counters) if s]
        x = f"{part.pointer(large.memory)}[{' + '.join(one)}]"
        y = f"{part.pointer(small.memory)}[{' + '.join(other)}]"
        lines.append(f"{x} += {y};" if found.adds else f"{y} = {x};")
        return [*lines, *["}"] * opened]


class Selected(NamedTuple):
    """A selection.

    Attributes
    ----------
    large, small : Value
        The whole array, and the selected entries.
    arrays : list of Value or int
        The arrays of the index.
    at : int
        The first axis that they index.
    block : tuple of int
        The shape to which they broadcast.
    adds : bool
        Whether the entries are added to zeros.
    """

    large: Value
    small: Value
    arrays: list[Any]
    at: int
    block: tuple[int, ...]
    adds: bool


def selected(op: Op) -> Selected | None:
    """What an operation selects; None if its index is of another kind."""
    name = op.function.name if isinstance(op.function, Primitive) else ""
    if len(op.outputs) != 1:
        return None
    if op.form == "index":
        large, index, small, adds = op.args[0], op.args[1], op.outputs[0], False
    elif name == "index_add":
        large, small, adds = op.outputs[0], op.args[0], True
        index = op.keywords["index"].fill(op.args[1:])
    else:
        return None
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is None for part in parts) or not any(isinstance(part, Value) for part in parts):
        return None
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    missing = len(large.shape) - (len(parts) - len(dots))
    if len(dots) > 1 or missing < 0:
        return None
    at = dots[0] if dots else len(parts)
    parts[at : at + len(dots)] = [slice(None)] * missing
    advanced = [k for k, part in enumerate(parts) if not isinstance(part, slice)]
    if advanced != list(range(advanced[0], advanced[-1] + 1)):
        return None
    if any(isinstance(part, slice) and part != slice(None) for part in parts):
        return None
    arrays = [parts[k] for k in advanced]
    if not all(isinstance(a, Value) or type(a) is int for a in arrays):
        return None
    block = np.broadcast_shapes(*(a.shape for a in arrays if isinstance(a, Value)))
    first = advanced[0]
    if small.shape != (*large.shape[:first], *block, *large.shape[advanced[-1] + 1 :]):
        return None
    return Selected(large, small, arrays, first, block, adds)
