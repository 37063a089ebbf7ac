"""A repeated stretch in C: a loop around the steps of one time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.moves import copy
from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import Memory, Place, layout, moved, moving
from autodiff.compiler.native.repeats import Region
from autodiff.compiler.values import Op, Value

_TIME = "time_"


class Repeat(Step):
    """A loop over time.

    A result that is read after the loop, each time, is kept in a stack of all times; one that only the next time reads
    has two places, which take turns.
    """

    def __init__(self, part: Part, op: Op) -> None:
        super().__init__(part, op.function.originals[: len(op.function.body)])
        self.op, self.region = op, op.function
        part.repeating.append(op)
        self._bases: list[Memory] = []
        self._before: list[str] = []
        self._starts: list[tuple[Place, Place]] = []  # copies before the loop
        self._ends: list[tuple[Place, Place]] = []  # and after it
        region: Region = self.region
        for v, view in region.views.items():
            found = moved(view, [part.place_of(moving(view)[0])])
            if found is None or found.view is None or part.is_exported(v):
                raise part.no_c(op)
            source = part.place_of(moving(view)[0])
            part.places[v] = Place(source.memory, v.shape, found.view[1], found.view[0])
        for v, values in region.families.items():
            self._place_family(v, [part.place_of(u) for u in values])
        self._stacks: dict[Value, Memory] = {}
        carried = {v for v, _ in region.before.values()}
        for v, every in region.results.items():
            self._place_result(v, every, v in carried)
        for v, (result, start) in region.before.items():
            self._place_before(v, result, start)
        self.steps = part.scheduled(region.body)
        part.repeating.pop()

    # --- places ---

    def _moving(self, v: Value, strides: tuple[int, ...], text: Callable[[], str]) -> None:
        memory = Memory("moving", self.part.name_of(v), v.dtype, max(v.size, 1), text)
        self.part.places[v] = Place(memory, v.shape, strides)

    def _place_family(self, v: Value, places: list[Place]) -> None:
        part = self.part
        if len({q.strides for q in places}) > 1:
            raise part.no_c(self.op)
        memories = {q.memory for q in places}
        self._bases += memories
        offsets = [q.offset for q in places]
        step = offsets[1] - offsets[0]
        kind = c_type(v.dtype)
        if len(memories) == 1 and offsets == [offsets[0] + step * t for t in range(len(offsets))]:
            (memory,) = memories
            self._moving(v, places[0].strides, lambda: f"{part.start(memory)} + {offsets[0]} + {step} * {_TIME}")
            return
        kinds = {m.kind for m in memories}
        if kinds == {"arena"}:
            table = np.zeros(len(places), np.int64)
            held = part.keep_array("offsets", table)

            def text() -> str:
                size = np.dtype(v.dtype).itemsize
                table[:] = [part.offset_of(q.memory) + q.offset * size for q in places]
                return f"({kind} *)(arena + {part.start(held)}[{_TIME}])"
        elif kinds == {"kept"}:
            addresses = [q.memory.payload.__array_interface__["data"][0] + q.offset * q.memory.payload.itemsize
                         for q in places]  # fmt: skip
            held = part.keep_array("addresses", np.array(addresses, np.uintp))

            def text() -> str:
                return f"((({kind} **){part.start(held)})[{_TIME}])"
        else:
            raise part.no_c(self.op)
        self._moving(v, places[0].strides, text)

    def _place_result(self, v: Value, every: list[Value], is_carried: bool) -> None:
        part, times = self.part, self.region.times
        escaping = set(self.op.outputs)
        out = [t for t, u in enumerate(every) if u in escaping]
        if not out and not is_carried:
            return
        strides, size = layout(v), max(v.size, 1)
        stack = out not in ([], [times - 1])
        memory = self._stacks[v] = part.stacked(v, times if stack else 2)
        self._bases.append(memory)

        def number(t: int) -> int:
            return t if stack else t & 1

        for t in out:
            place = Place(memory, v.shape, strides, number(t) * size)
            if part.is_exported(every[t]):
                self._ends.append((part.place_of(every[t]), place))
                self._bases.append(part.place_of(every[t]).memory)
            else:
                part.places[every[t]] = place
        now = _TIME if stack else f"({_TIME} & 1)"
        self._moving(v, strides, lambda: f"{part.start(memory)} + {size} * {now}")

    def _place_before(self, v: Value, result: Value, start: Value) -> None:
        part = self.part
        memory, size, strides = self._stacks[result], max(v.size, 1), layout(result)
        first = part.place_of(start)
        self._bases.append(first.memory)
        if first.strides != strides and v.size > 1:
            own = part.stacked(v, 1)
            self._bases.append(own)
            copied = Place(own, v.shape, strides)
            self._starts.append((copied, first))
            first = copied
        is_stack = memory.size == size * self.region.times and self.region.times != 2
        earlier = f"({_TIME} - 1)" if is_stack else f"(({_TIME} - 1) & 1)"

        def text() -> str:
            begin = f"{part.start(first.memory)} + {first.offset}"
            return f"{_TIME} ? {part.start(memory)} + {size} * {earlier} : {begin}"

        self._moving(v, strides, text)

    # --- the step ---

    def prepare(self) -> None:
        """Say where the results of its steps lie."""
        self.part.repeating.append(self.op)
        for step in self.steps:
            step.prepare()
        self.part.repeating.pop()

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        yield from self._bases
        for step in self.steps:
            yield from step.memories()

    def text(self) -> list[str]:
        """The loop in C."""
        lines: list[str] = []
        for to, of in self._starts:
            lines += ["{", *self.part.pointers((to.memory, of.memory), {to.memory}), *copy(self.part, to, of), "}"]
        self.part.repeating.append(self.op)
        lines += [f"for (long {_TIME} = 0; {_TIME} < {self.region.times}; {_TIME}++) {{"]
        lines += [*self.part.step_text(self.steps), "}"]
        self.part.repeating.pop()
        for to, of in self._ends:
            lines += ["{", *self.part.pointers((to.memory, of.memory), {to.memory}), *copy(self.part, to, of), "}"]
        return lines
