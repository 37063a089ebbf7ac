"""The step: a pure function under `jax.jit`, and where what it changes is kept between calls."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import numpy as np

from autodiff.arrays.afar import current, fetched, is_afar, leave, lock, put, ways
from autodiff.compiler.jax_flow import Flow
from autodiff.compiler.jax_function import Function
from autodiff.compiler.jax_layouts import Layout, wide
from autodiff.compiler.native.updates import Update
from autodiff.compiler.program import Program
from autodiff.compiler.values import Value
from autodiff.core.tape import Leaf, next_number
from autodiff.errors import DeviceError


class Step:
    """A program on a device, or on several.

    Tensors, gradients and the state of optimisers that it reads or changes stay there until somebody looks at them.

    Parameters
    ----------
    flow : Flow
    program : Program
    wanted : list of Value
        What it returns to NumPy.
    layout : Layout
        Where arrays lie.
    """

    def __init__(self, flow: Flow, program: Program, wanted: list[Value], layout: Layout) -> None:
        self._jax, self._layout, self._wide = layout.jax, layout, wide(layout.jax)
        self.function = function = Function(layout.jax, flow, program, wanted)
        self._numbers: list[Any] = []
        self._pending: Any = None
        self._looks = bool(flow.looks)
        self._goes = not flow.last  # else an effect on this side is about to look at everything
        tensors = [*function.changed, *function.kept]
        places = layout.of_tensors(tensors)
        self._places = {id(t): place for t, place in zip(tensors, places)}
        self._places |= {id(t._node): place for t, place in zip(tensors, places) if isinstance(t._node, Leaf)}
        self._tensors = [(t, *ways(t)[:2]) for t in tensors]
        self._changed, self._gradients = (
            [(x, *ways(x)[::2]) for x in them] for them in (function.changed, function.gradients)
        )
        self._parts: list[tuple[Update, int, int]] = []  # where the state of each optimiser lies in what comes back
        start = len(function.changed)
        for u in function.updates:
            stop = start + len(u.run.parameters) * len(u.vectors[2:])
            self._parts.append((u, start, stop))
            start = stop
        self._states = start  # where they end, and gradients begin
        self._results = start + len(function.gradients)
        by_optimiser = {id(p) for u in function.updates for p in u.run.parameters}  # which stamps them itself
        self._stamped = [t._node for t in function.changed if isinstance(t._node, Leaf) and id(t) not in by_optimiser]
        states = [(p, v.dtype) for u in function.updates for p in u.run.parameters for v in u.vectors[2:]]
        # A look at the results, or a call back into NumPy, may refuse the step: what it read must then still be there.
        self._is_safe = not self._looks and not function.calls_back
        donated = [*range(len(function.changed)), *range(len(tensors), len(tensors) + len(states))]
        out = [*map(self._place, (*function.changed, *(p for p, _ in states), *function.gradients))]
        self._fed_places = [layout.of_fed(v) for v in function.fed]
        options = layout.options(out + [layout.whole] * function.results)
        self._jitted = layout.jax.jit(function, donate_argnums=tuple(donated) if self._is_safe else (), **options)
        with self._wide(True):
            self._made = [layout.sent(v.payload, layout.whole) for v in function.made]
        arrays = [(t, t.dtype) for t in tensors] + states
        self.device_bytes = sum(math.prod(layout.share(t.shape, self._place(t))) * d.itemsize for t, d in arrays)

    def begins(self) -> bool:
        """Whether all optimisers take the step that was written; their numbers for it are kept."""
        self._numbers = [u.begin(here=False) for u in self.function.updates]
        return all(
            numbers is not None and all(numbers[k] == x for k, x in fixed.items())
            for numbers, fixed in zip(self._numbers, self.function.fixed)
        )

    def __call__(self, *fed: Any) -> list[Any]:
        """Run the step; the changes are kept at once, or by `keep` if the results are looked at before."""
        with lock, self._wide(True):
            inputs = [read(x) if type(x) is kind else self._given(x) for x, kind, read in self._tensors]
            if self._layout.devices > 1:
                inputs = [self._moved(x, a) for (x, _, _), a in zip(self._tensors, inputs)]
            for u in self.function.updates:
                inputs += self._state_of(u)
            inputs += map(self._given, self.function.read)
            for u, numbers in zip(self.function.updates, self._numbers):
                inputs.append(np.array(numbers, u.vectors[0].dtype))
            inputs += map(self._layout.fed, fed, self._fed_places)
            inputs += self._made
            done: list[Any] = []
            try:  # filled in C: an interrupt that came meanwhile is raised when the results are in the list
                done.extend(itertools.starmap(self._jitted, (inputs,)))
                if not self._is_safe or not self.function.results:
                    self._jax.block_until_ready(done)  # for an error in it, or so that arguments may be written to
            except self._jax.errors.JaxRuntimeError as error:
                raise self._failed(error) from error
            finally:
                if done and self._is_safe:  # what it read is gone
                    left = [*self._parts]
                    try:
                        self._keep(done[0], left)
                    except KeyboardInterrupt:
                        self._keep(done[0], left)
                        raise
            if not self._is_safe:
                self._pending = done[0]
                if not self._looks:
                    self.keep()
            try:
                return [np.array(fetched(y))[()] for y in done[0][self._results :]]
            except DeviceError as error:
                raise self._failed(error) from error

    def keep(self) -> None:
        """Keep what the last run has changed."""
        out, self._pending = self._pending, None
        with lock:
            self._keep(out, [*self._parts])

    def _keep(self, out: Any, left: list[tuple[Update, int, int]]) -> None:
        """Keep what a run has changed; `left` are the updates that are not kept yet, so that it can be called again."""
        for them, start in ((self._changed, 0), (self._gradients, self._states)):
            for (x, kind, write), array in zip(them, out[start:]):
                write(x, array) if type(x) is kind else put(x, array)
        for leaf in self._stamped:
            leaf.stamp = next_number()
        for leaf in self.function.cleared:
            leaf.grad = None
        while left:
            u, start, stop = left[-1]
            u.keep([*out[start:stop]])
            u.end()
            left.pop()

    def _failed(self, error: Exception) -> Exception:
        """The error about a run that failed; one that NumPy raised in a call back is not the device's."""
        if self.function.calls_back:
            return error
        several = self._layout.devices > 1
        return DeviceError(
            f"compile: a step failed on {f'{self._layout.devices} devices' if several else 'its device'}"
            f"{', perhaps because another process has ended' if self._jax.process_count() > 1 else ''}. What it was to "
            f"change is gone: start {'all processes' if several else 'it'} again from the last checkpoint. {error}"
        )

    def _given(self, x: Any) -> Any:
        """The values of a Tensor, or a gradient, on the device; a Tensor that nobody holds stays there."""
        if is_afar(x):
            return current(x)
        send = partial(self._layout.sent, place=self._place(x))
        return send(current(x)) if isinstance(x, Leaf) or not self._goes else leave(x, send)

    def _moved(self, x: Any, array: Any) -> Any:
        """An array at the place that it has in this step: another function may have left it elsewhere."""
        moved = self._layout.moved(array, self._place(x))
        if moved is not array and is_afar(x):
            put(x, moved)
        return moved

    def _place(self, x: Any) -> Any:
        return self._places.get(id(x), self._layout.whole)

    def _state_of(self, u: Update) -> list[Any]:
        """The state of an optimiser on the device, parameter by parameter."""
        known, run = u.afar(), u.run
        places = [self._place(p) for p in run.parameters for _ in u.vectors[2:]]
        if known is not None:
            return known if self._layout.devices == 1 else [*map(self._layout.moved, known, places)]
        parts = [
            vector[run.offsets[k] : run.offsets[k + 1]].reshape(p.shape)
            for k, p in enumerate(run.parameters)
            for vector in u.vectors[2:]
        ]
        return [*map(self._layout.sent, parts, places)]
