"""The same program with `jax.numpy` as its namespace, under `jax.jit`: for devices that NumPy cannot use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from autodiff.arrays.afar import current
from autodiff.compiler.buffers import Plan
from autodiff.compiler.jax_flow import Flow, split
from autodiff.compiler.jax_layouts import Layout, Spread
from autodiff.compiler.jax_step import Step
from autodiff.compiler.program import Program
from autodiff.compiler.source import Writer, owner_name
from autodiff.compiler.values import Value
from autodiff.errors import CompileError
from autodiff.ops.network import counting


def load() -> ModuleType:
    """Import JAX.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import jax
        import jax.numpy
    except ImportError:
        raise ImportError('ad.compile(backend="jax") needs JAX: pip install "wengert[jax]".') from None
    return jax


def layout_of(mesh: Any, shardings: Mapping[str, Any] | None) -> Layout:
    """The layout that the options of `compile` describe."""
    if mesh is not None:
        return Spread(load(), mesh, shardings)
    if shardings is not None:
        raise CompileError("compile: shardings= says how parameters lie on the devices of a mesh; give mesh= as well.")
    return Layout(load())


class JaxWriter(Writer):
    """Writes the part around it: draws and checks, the call of the step on the device, and other effects."""

    def __init__(self, program: Program, layout: Layout) -> None:
        super().__init__(program.with_ops([part for op in program.ops for part in split(op)]), Plan())
        self.inlined = {}  # what is made here may be read there
        self._layout = layout

    @property
    def pure(self) -> str:
        """The source of the pure function."""
        return self._step.function.source

    @property
    def whereabouts(self) -> str:
        """Where its operations run, in words."""
        n, size = self._layout.devices, self._step.device_bytes
        where = "a device" if n == 1 else f"each of {n} devices"
        return f"{size / 1024:.0f} KiB of Tensors and optimiser state on {where}"

    @property
    def device_bytes(self) -> int:
        """How many bytes of Tensors and of the state of optimisers lie on one device."""
        return self._step.device_bytes

    def name_values(self) -> None:
        """Name the values, and write the step, which the guards ask as well."""
        super().name_values()
        for v in self.program.values():
            if v.kind == "state":  # a Tensor is looked up when the step runs
                self.namespace.pop(self.names[v], None)
        several = self._layout.groups > 1
        self._flow = flow = Flow.of(self.program, whole=not several)
        for op in flow.first:
            if several and op.form == "live" and any(v.kind == "argument" for v in op.inputs()):
                raise CompileError(
                    f'compile(backend="jax"): {op.title} runs in Python and uses an argument, of which each process '
                    f"has only a part. Call it outside the function."
                )
        kinds = ("result", "state", "gradient", *(["argument"] if several else []))
        answers = [v for v in self.program.results if v.kind in kinds]
        looked_at = [v for op in (*flow.looks, *flow.last) for v in op.inputs() if v.kind not in ("constant", "made")]
        drawn = {v for op in flow.first for v in op.outputs}
        self._wanted = [v for v in dict.fromkeys((*answers, *looked_at)) if v not in drawn]
        self._step = Step(flow, self.program, self._wanted, self._layout)

    def ready(self) -> str:
        """The guard that all optimisers take the step that was written."""
        return f"{self.bind('in_jax', self._step)}.begins()" if self._flow.updates else ""

    def gradient(self, leaf: Any) -> str:
        """The gradient of a leaf, where it is."""
        return f"{self.bind('current', current)}({self.bind(owner_name('leaf', leaf), leaf)})"

    def fits(self, data: str, v: Value) -> Iterator[str]:
        """The conditions for an argument: JAX does not mind how it lies in memory, and a process may have a part."""
        shape, kind = self._layout.local(tuple(v.shape)), np.dtype(v.dtype)
        yield f"{data}.shape == {shape} and {data}.dtype == {self.bind(kind.name, kind)}"

    def body(self) -> Iterator[str]:
        """All lines between the guard and the return."""
        yield from self.lines(self.program.with_ops(self._flow.first), ())
        yield from self._looks(self.program.with_ops(self._flow.inside))
        step = self.bind("in_jax", self._step)
        names = "".join(f"{self.names[v]}, " for v in self._wanted).rstrip()
        call = f"{step}({', '.join(self.names[v] for v in self._step.function.fed)})"
        line = f"{names} = {call}" if names else call
        self.changing.add(line)
        yield line
        if self._flow.looks:
            yield from self.lines(self.program.with_ops(self._flow.looks), ())
            yield f"{step}.keep()"
            self.changing.discard(line)
            self.changing.add(f"{step}.keep()")
        yield from self.lines(self.program.with_ops(self._flow.last), ())

    def reads(self, values: Iterable[Value], read: set[Value]) -> Iterator[str]:
        """No lines: the step reads Tensors and gradients."""
        yield from ()

    def _looks(self, computing: Program) -> Iterator[str]:
        """Lines that look at labels and indices, which JAX takes as they are: at one outside it reads another entry."""
        looked: dict[Any, None] = {}
        for op in computing.ops:
            labels = self._flow.labels(op)
            if labels is not None:
                look = partial(counting, k=op.args[0].shape[-1], ignore_index=op.keywords.get("ignore_index"))
                yield f"{self.bind('check_labels', look)}({self.names[labels]})"
            looked |= dict.fromkeys(self._flow.indices(op))
        for v, n in looked:
            yield f"{self.bind('check_index', partial(_check_index, n=n))}({self.names[v]})"


def _check_index(index: Any, n: int) -> None:
    """Raise IndexError if an index does not fit an axis of length n, as NumPy does."""
    index = np.asarray(index)
    if index.size and not (-n <= index.min() and index.max() < n):
        wrong = index[(index < -n) | (index >= n)].flat[0]
        raise IndexError(f"index {wrong} is out of bounds for an axis with size {n}")
