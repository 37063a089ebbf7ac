"""The same program with `jax.numpy` as its namespace, under `jax.jit`: for devices that NumPy cannot use."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from autodiff.arrays.afar import current, fetched, is_afar, lock, put, ways
from autodiff.compiler.buffers import Plan
from autodiff.compiler.layouts import Layout
from autodiff.compiler.naming import own_name
from autodiff.compiler.native.updates import Update, updates_of
from autodiff.compiler.passes import PASSES
from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.record import Decision
from autodiff.compiler.source import Writer, owner_name
from autodiff.compiler.tracing import trace
from autodiff.compiler.values import Op, Value, elementwise, mapped
from autodiff.core.sweeps import are_finite
from autodiff.core.tape import Leaf, next_number
from autodiff.errors import CompileError
from autodiff.ops.network import counting

_FOLDS = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"}
_FOLDS |= {np.logical_and: "all", np.logical_or: "any"}

_OTHERWISE = {"intersect1d", "eig", "eigvals", "argsort", "sort", "partition", "argpartition", "lexsort"}
"""Functions that JAX has under the same name, but with other orders of results, or not for shapes that depend on
values."""


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


@dataclass
class Flow:
    """A program, cut into what runs here before JAX, what JAX computes, and what runs here after it.

    Attributes
    ----------
    first : list of Op
        Checks of labels, and random draws.
    inside : list of Op
        What JAX computes: gradients and Tensors get new values in it too, and optimisers take their steps.
    looks : list of Op
        Checks of results, which may raise, before anything is changed.
    last : list of Op
        Other effects, and checks after them.
    updates : dict of Op to list of Update
        What an optimiser does in a step that is inside.
    """

    first: list[Op] = field(default_factory=list)
    inside: list[Op] = field(default_factory=list)
    looks: list[Op] = field(default_factory=list)
    last: list[Op] = field(default_factory=list)
    updates: dict[Op, list[Update]] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program) -> Flow:
        """Cut a program."""
        flow, computed = cls(), set[Value]()
        given: set[Any] = set()  # the leaves that have a gradient
        changed: set[Any] = set()  # the Tensors that an optimiser has changed
        roots = roots_of(program)
        for op in program.ops:
            stale = changed and any(
                r.kind == "state" and r.payload in changed for v in op.inputs() if v.kind == "result" for r in roots[v]
            )
            if op.form in ("live", "check") and not computed.intersection(op.inputs()):
                flow.first.append(op)
            elif op.form == "check":
                (flow.last if flow.last or changed else flow.looks).append(op)
            elif op.form == "live":
                raise CompileError(
                    f'compile(backend="jax"): {op.title} runs in Python at every call and uses a result of JAX. Call '
                    "it outside the function, or use the NumPy backend."
                )
            elif op.form == "effect":
                taken = [u.run for updates in flow.updates.values() for u in updates]
                updates = None if flow.last else _inside(op, given, taken)
                if updates is None:
                    flow.last.append(op)
                else:
                    flow.updates[op] = updates
                    flow.inside.append(op)
                    changed |= {p for u in updates for p in u.run.parameters}
            elif stale or (op.form not in ("assign", "store") and any(o.form == "effect" for o in flow.last)):
                raise CompileError(
                    'compile(backend="jax"): something is computed after a Tensor was changed. Change Tensors last, or '
                    "use the NumPy backend."
                )
            else:
                flow.inside.append(op)
                computed.update(op.outputs)
                if op.form == "store":
                    (given.discard if op.args[0] is None else given.add)(op.function)
        return flow


def _finite(op: Op) -> list[Op]:
    """A check that arrays are finite as an operation of JAX, and a check of its answer: they need not come here."""
    if not isinstance(op.function, Decision) or op.function.function is not are_finite or not op.function.answer:
        return [op]
    fine = Value("result", (), np.dtype(bool), name="finite", number=True)
    return [
        replace(op, form="opaque", function=are_finite, outputs=[fine]),
        replace(op, function=Decision(bool, True), args=(fine,)),
    ]


def _inside(op: Op, given: set[Any], taken: list[Any]) -> list[Update] | None:
    """The updates of an effect, if JAX can compute them: elementwise, of real parameters that all have a gradient.

    The numbers of a step are asked for before the program runs, so a second step of the same parameters is not taken.
    """
    updates = updates_of(op.function, given)
    for u in updates or ():
        whole = all(leaf in given for leaf in u.run.leaves) and u.run.values.dtype == u.vectors[0].dtype
        if not whole or u.run in taken or u.begin(here=False) is None or _formula(u) is None:
            return None
    return updates


def _formula(update: Update) -> tuple[Program, dict[int, float]] | None:
    """The formula of an update as a program for one parameter of any shape; None if it is more than elementwise.

    With it come the numbers by which the formula decides, by their place: they are built into the program.
    """
    numbers = list(enumerate(update.begin(here=False) or ()))
    program = _traced_formula(update, fixed := {})
    if program is None:
        program = _traced_formula(update, fixed := dict(numbers))
        for k, _ in numbers:  # free again those that decide nothing
            fewer = {i: x for i, x in fixed.items() if i != k}
            found = None if program is None else _traced_formula(update, fewer)
            program, fixed = (program, fixed) if found is None else (found, fewer)
    return None if program is None else (program, fixed)


def _traced_formula(update: Update, fixed: dict[int, float]) -> Program | None:
    dtype = update.vectors[0].dtype
    leaves: list[Any] = [np.zeros(2, dtype) for _ in update.vectors]
    for k, x in enumerate(update.begin(here=False) or ()):
        leaves.append(float(x) if k in fixed else np.asarray(x, dtype)[()])
    try:
        program = trace(update.formula, "update", leaves, lambda new: (tuple(new), {})).program
    except CompileError:
        return None
    for rewrite in PASSES:
        program = rewrite(program)
    fits = all(elementwise(op) or op.form == "operator" for op in program.ops)
    arrays = any(v.shape and v.kind not in ("argument", "result") for v in program.values())
    return program if fits and not arrays else None


class PureWriter(Writer):
    """Writes the computation of a program as a pure function of everything that it reads."""

    def __init__(self, program: Program, jax: Any) -> None:
        super().__init__(program)
        self._jax = jax
        self.namespace["np"] = jax.numpy

    def function(self, wish: str, thing: Any) -> str:
        """The name of a NumPy function that JAX has as well; LookupError if JAX has none that does the same."""
        if wish in _OTHERWISE:
            raise LookupError(wish)
        if getattr(np, wish, None) is thing and hasattr(self._jax.numpy, wish):
            return f"np.{wish}"
        if getattr(np.linalg, wish, None) is thing and hasattr(self._jax.numpy.linalg, wish):
            return f"np.linalg.{wish}"
        raise LookupError(wish)

    def expression(self, op: Op) -> str:
        """The right-hand side of a line, cast to NumPy's dtype, because JAX promotes differently."""
        if op.form == "reduce" and op.function in _FOLDS:
            axis, keepdims = op.keywords.get("axis"), op.keywords.get("keepdims", False)
            keep = ", keepdims=True" if keepdims else ""
            text = f"np.{_FOLDS[op.function]}({self.text(op.args[0])}, axis={self.text(axis)}{keep})"
        elif op.form in ("opaque", "reduce"):
            return self._on_host(op)
        else:
            try:
                text = super().expression(op)
            except LookupError:
                return self._on_host(op)
        dtypes = {np.dtype(v.dtype) for v in op.inputs()}
        if len(op.outputs) == 1 and dtypes != {np.dtype(op.outputs[0].dtype)}:
            return f"np.asarray({text}, {self.text(np.dtype(op.outputs[0].dtype))})"
        return text

    def _on_host(self, op: Op) -> str:
        """An operation without a namesake in JAX: in other functions of JAX, or as a callback into NumPy."""
        from autodiff.compiler import jax_forms  # imports JAX

        form = jax_forms.form(op)
        if form is not None:
            name = self.bind(f"{op.title.strip('_')}_in_jax", form)
            return f"{name}({', '.join([*map(self.text, op.args), *self.keyword_list(op)])})"
        inputs = list(dict.fromkeys(op.inputs()))
        shapes = [self._jax.ShapeDtypeStruct(*_packed_type(v)) for v in op.outputs]

        def call(*arrays: Any) -> Any:
            known = {v: _unpacked(np.asarray(a), v) for v, a in zip(inputs, arrays)}
            args, keywords = mapped(op.args, known.__getitem__), mapped(op.keywords, known.__getitem__)
            function = getattr(op.function, "fn", op.function)
            y = function.reduce(*args, **keywords) if op.form == "reduce" else function(*args, **keywords)
            parts = y if isinstance(y, (tuple, list)) else (y,)
            found = [_packed(np.asarray(part, v.dtype), v) for part, v in zip(parts, op.outputs, strict=True)]
            return found[0] if len(found) == 1 else found

        def called_back(*arrays: Any) -> Any:
            packed = [self._packed_in_jax(a, v) for a, v in zip(arrays, inputs)]
            found = self._jax.pure_callback(call, shapes[0] if len(shapes) == 1 else shapes, *packed)
            if len(shapes) == 1:
                return self._unpacked_in_jax(found, op.outputs[0])
            return [self._unpacked_in_jax(a, v) for a, v in zip(found, op.outputs)]

        name = self.bind(f"{op.title.strip('_')}_on_host", called_back)
        return f"{name}({', '.join(self.names[v] for v in inputs)})"

    # XLA may run a callback in a thread in which JAX does not keep 64 bits: numbers of 64 bits travel as pairs of 32.

    def _packed_in_jax(self, a: Any, v: Value) -> Any:
        if not _is_wide(v):
            return a
        numbers = self._jax.numpy
        if np.dtype(v.dtype).kind == "c":
            a = numbers.stack([a.real, a.imag], axis=-1)
        return self._jax.lax.bitcast_convert_type(a, numbers.uint32)

    def _unpacked_in_jax(self, a: Any, v: Value) -> Any:
        if not _is_wide(v):
            return a
        kind = np.dtype(v.dtype)
        a = self._jax.lax.bitcast_convert_type(a, np.dtype(np.float64) if kind.kind == "c" else kind)
        return self._jax.lax.complex(a[..., 0], a[..., 1]) if kind.kind == "c" else a


def _is_wide(v: Value) -> bool:
    kind = np.dtype(v.dtype)
    return kind.kind in "fiuc" and kind.itemsize // (2 if kind.kind == "c" else 1) == 8


def _packed_type(v: Value) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype in which a value travels."""
    if not _is_wide(v):
        return v.shape, v.dtype
    return (*v.shape, *((2, 2) if np.dtype(v.dtype).kind == "c" else (2,))), np.dtype(np.uint32)


def _packed(x: Any, v: Value) -> Any:
    if not _is_wide(v):
        return x
    shape, kind = _packed_type(v)
    return np.frombuffer(x.tobytes(), kind).reshape(shape)


def _unpacked(x: Any, v: Value) -> Any:
    return np.frombuffer(x.tobytes(), v.dtype).reshape(v.shape)[()] if _is_wide(v) else x


class JaxWriter(Writer):
    """Writes the part around it: draws and checks, the call of the step on the device, and other effects."""

    def __init__(self, program: Program, layout: Layout | None = None) -> None:
        super().__init__(program.with_ops([part for op in program.ops for part in _finite(op)]), Plan())
        self._layout = layout
        self.pure = ""

    def name_values(self) -> None:
        """Name the values, and write the step, which the guards ask as well."""
        super().name_values()
        for v in self.program.values():
            if v.kind == "state":  # a Tensor is looked up when the step runs
                self.namespace.pop(self.names[v], None)
        self._flow = flow = Flow.of(self.program)
        answers = [v for v in self.program.results if v.kind in ("result", "state", "gradient")]
        if self._layout is not None:  # whose argument may be a part of the batch
            answers = self.program.results
        looked_at = [v for op in (*flow.looks, *flow.last) for v in op.inputs()]
        drawn = {v for op in flow.first for v in op.outputs}
        wanted = [v for v in dict.fromkeys((*answers, *looked_at)) if v not in drawn]
        self._wanted = [v for v in wanted if v.kind != "constant" and v.kind != "made"]
        self.step = Step(flow, self.program, self._wanted, self._layout)
        self.pure = self.step.source

    def ready(self) -> str:
        """The guard that all optimisers take the step that was written."""
        return f"{self.bind('in_jax', self.step)}.begins()" if self._flow.updates else ""

    def gradient(self, leaf: Any) -> str:
        """The gradient of a leaf, where it is."""
        return f"{self.bind('current', current)}({self.bind(owner_name('leaf', leaf), leaf)})"

    def local(self, v: Value) -> tuple[int, ...]:
        """The shape of an argument in this process."""
        return v.shape if self._layout is None else self._layout.local(v.shape)

    def body(self) -> Iterator[str]:
        """All lines between the guard and the return."""
        yield from self.lines(self.program.with_ops(self._flow.first), ())
        yield from self._looks(self.program.with_ops(self._flow.inside))
        step = self.bind("in_jax", self.step)
        names = "".join(f"{self.names[v]}, " for v in self._wanted).rstrip()
        call = f"{step}({', '.join(self.names[v] for v in self.step.fed)})"
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
        """Lines that look at the labels of cross-entropies, which JAX takes as they are."""
        from autodiff.compiler import jax_forms

        for op in computing.ops:
            labels = jax_forms.labels_of(op)
            if labels is not None:
                look = partial(counting, k=op.args[0].shape[-1], ignore_index=op.keywords.get("ignore_index"))
                yield f"{self.bind('check_labels', look)}({self.names[labels]})"


def wide(jax: Any) -> Any:
    """The context manager in which JAX keeps float64."""
    return jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


class Step:
    """A program on a device: a pure function of all that it reads, and where what it returns is kept.

    Tensors, gradients and the state of optimisers that it changes stay on the device until somebody looks at them.

    Parameters
    ----------
    flow : Flow
    program : Program
    wanted : list of Value
        What it returns to NumPy.
    layout : Layout, optional
        How arrays are laid out over several devices.

    Attributes
    ----------
    fed : list of Value
        What it is called with, as NumPy arrays.
    source : str
        The pure function as Python, with ``np`` for `jax.numpy`.
    """

    def __init__(self, flow: Flow, program: Program, wanted: list[Value], layout: Layout | None) -> None:
        self._jax, self._layout = load(), layout
        self._wide = wide(self._jax)
        self._updates = [u for updates in flow.updates.values() for u in updates]
        self._numbers: list[Any] = []
        self._pending: Any = None
        self._tensors: dict[int, Any] = {}
        self._stored: dict[Any, Value | None] = {}
        writer = PureWriter(program, self._jax)
        lines = list(self._lines(writer, flow, wanted))
        changed = {id(p): p for u in self._updates for p in u.run.parameters}
        changed |= {id(op.function): op.function for op in flow.inside if op.form == "assign"}
        self._changed = list(changed.values())
        self._kept = [t for i, t in self._tensors.items() if i not in changed]
        self._goes = not flow.last  # else an effect on this side is about to look at everything
        self._finish(writer, flow, wanted, lines)

    def _lines(self, writer: PureWriter, flow: Flow, wanted: list[Value]) -> Iterator[str]:
        """The lines of the pure function. A Tensor has one name in it, which is bound anew where the Tensor changes."""
        writer.name_values()
        self._names: dict[int, str] = {}  # of Tensors
        self._read: dict[Any, str] = {}  # leaves whose gradient from before is read
        self._moments: list[list[list[str]]] = []
        self._fixed_numbers: list[dict[int, float]] = []
        self._assigned: dict[int, str] = {}
        constants: dict[Value, None] = {}
        made = {v for op in flow.inside for v in op.outputs}

        def see(values: Iterable[Value]) -> None:
            for v in values:
                if v.kind == "state":
                    self._tensors[id(v.payload)] = v.payload
                    writer.names[v] = self._names.setdefault(id(v.payload), writer.names[v])
                    writer.namespace.pop(writer.names[v], None)
                elif v.kind == "gradient":
                    stored = self._stored.get(v.payload)
                    if v.payload in self._stored and stored is not None and v.payload not in self._read:
                        writer.names[v] = writer.text(stored)
                    else:
                        writer.names[v] = self._read.setdefault(v.payload, writer.names[v])
                elif v not in made:
                    writer.names.setdefault(v, writer.unique(v.name or "drawn"))
                    writer.namespace.pop(writer.names[v], None)
                    constants[v] = None

        for op in flow.inside:
            see(op.inputs())
            if op.form == "store":
                self._stored[op.function] = op.args[0]
            elif op.form == "effect":
                for u in flow.updates[op]:
                    yield from self._update(writer, u)
            elif op.form != "assign" and not (op.outputs and op.outputs[0] in writer.inlined):
                yield from writer.line(op)
        see(wanted)
        see(v for v in self._stored.values() if v is not None)
        self._results = [writer.text(v) for v in wanted]
        for op in flow.inside:
            if op.form == "assign":
                t = op.function
                self._tensors.setdefault(id(t), t)
                self._names.setdefault(id(t), "")
                self._assigned[id(t)] = writer.text(op.args[0])
        self.fed = [v for v in constants if v.kind != "made"]
        self._made = [v for v in constants if v.kind == "made"]

    def _update(self, writer: PureWriter, update: Update) -> Iterator[str]:
        """The lines of a step of an optimiser: one for each parameter."""
        k = len(self._moments)
        found = _formula(update)
        assert found is not None  # since it was chosen
        program, fixed = found
        self._fixed_numbers.append(fixed)
        inner = PureWriter(program, self._jax)
        inner.name_values()
        text = [f"    {line}" for line in inner.lines(program, ())]
        given = ", ".join(inner.names[v] for v in program.arguments)
        title = writer.unique(f"update_{k}")
        text = [f"def {title}({given}):", *text, f"    return {', '.join(map(inner.text, program.outputs))}"]
        exec(compile("\n".join(text), "<compiled in_jax>", "exec"), inner.namespace)
        writer.namespace[title] = inner.namespace[title]
        self._helpers = [*getattr(self, "_helpers", []), "\n".join(text)]
        names = update.names[2 : len(update.vectors)]
        self._moments.append([])
        first = len(update.vectors)  # of the arguments of the formula, whose numbers come behind the vectors
        settings = [f"settings_{k}[{v.payload - first}]" for v in program.arguments if v.payload >= first]
        for p, leaf in zip(update.run.parameters, update.run.leaves, strict=True):
            self._tensors[id(p)] = p
            own = self._names.setdefault(id(p), writer.unique(own_name(p.name or "w")))
            moments = [writer.unique(f"{name}_{own}") for name in names]
            self._moments[k].append(moments)
            ct = self._stored[leaf]
            new, old = ", ".join([own, "_", *moments]), ", ".join([own, writer.text(ct), *moments, *settings])
            yield f"{new} = {title}({old})"

    def _finish(self, writer: PureWriter, flow: Flow, wanted: list[Value], lines: list[str]) -> None:
        """Write the function around the lines, and give it to JAX."""
        for t in self._changed:
            self._names[id(t)] = self._names.get(id(t)) or writer.unique("w")
        read = [self._names[id(t)] for t in (*self._changed, *self._kept)]
        moments = [name for update in self._moments for one in update for name in one]
        settings = [f"settings_{k}" for k in range(len(self._updates))]
        fed = [writer.names[v] for v in self.fed]
        made = [writer.names[v] for v in self._made]
        given = [*read, *moments, *self._read.values(), *settings, *fed, *made]
        self._gradients = [leaf for leaf, v in self._stored.items() if v is not None]
        self._cleared = [leaf for leaf, v in self._stored.items() if v is None]
        back = [self._assigned.get(id(t), self._names[id(t)]) for t in self._changed]
        back += [writer.text(self._stored[leaf]) for leaf in self._gradients]
        back += moments
        out = [*self._results, *back]
        body = [*lines, f"return {''.join(f'{name}, ' for name in out).strip() or '()'}"]
        text = "\n".join([f"def in_jax({', '.join(given)}):  # np is jax.numpy", *(f"    {x}" for x in body)])
        exec(compile(text, "<compiled in_jax>", "exec"), writer.namespace)
        self.source = "\n\n".join([*getattr(self, "_helpers", []), text]) + "\n"
        self._tensors_in = [(t, *ways(t)[:2]) for t in (*self._changed, *self._kept)]
        self._tensors_out = [(x, *ways(x)[::2]) for x in (*self._changed, *self._gradients)]
        by_optimiser = {id(p) for u in self._updates for p in u.run.parameters}  # which stamps them itself
        self._stamped = [t._node for t in self._changed if isinstance(t._node, Leaf) and id(t) not in by_optimiser]
        self._updates_out = [(u, len(u.run.parameters) * len(u.vectors[2:])) for u in self._updates]
        self._looks = bool(flow.looks)
        # A look at the results may refuse the step: what it read must then still be there.
        n = 0 if self._looks else len(self._changed)
        donated = [*range(n), *(range(len(read), len(read) + len(moments)) if n else ())]
        options: dict[str, Any] = {}
        if self._layout is not None:
            layout = self._layout
            of = {id(t): layout.of_tensor(t) for t in (*self._changed, *self._kept)}
            parts = [of[id(p)] for u in self._updates for p in u.run.parameters for _ in u.vectors[2:]]
            by_leaf = {t._node: of[id(t)] for t in self._tensors.values()}
            results = [layout.whole] * len(self._results)
            options["out_shardings"] = tuple(
                [*results, *(of[id(t)] for t in self._changed), *(by_leaf.get(g, layout.whole) for g in self._gradients), *parts]
            )
            self._of, self._by_leaf, self._places = of, by_leaf, [layout.of_batch(v.shape) for v in self.fed]
        self._jitted = self._jax.jit(writer.namespace["in_jax"], donate_argnums=tuple(donated), **options)
        with self._wide(True):
            self._fixed = [self._sent(v.payload, None if self._layout is None else self._layout.whole) for v in self._made]

    def begins(self) -> bool:
        """Whether all optimisers take the step that was written; their numbers for it are kept."""
        self._numbers = [u.begin(here=False) for u in self._updates]
        if None in self._numbers:
            return False
        for numbers, fixed in zip(self._numbers, self._fixed_numbers):
            for k, x in fixed.items():
                if numbers[k] != x:
                    return False
        return True

    def __call__(self, *fed: Any) -> list[Any]:
        """Run the step; the changes are kept at once, or by `keep` if the results are looked at before."""
        plain = self._layout is None
        with lock, self._wide(True):
            if plain:
                inputs = [read(x) if type(x) is kind else self._given(x) for x, kind, read in self._tensors_in]
            else:
                inputs = [self._given(x) for x, _, _ in self._tensors_in]
            for u in self._updates:
                inputs += self._state_of(u)
            inputs += [self._given(leaf) for leaf in self._read]
            for u, numbers in zip(self._updates, self._numbers):
                inputs.append(np.array(numbers, u.vectors[0].dtype))
            inputs += fed if self._layout is None else map(self._layout.placed, fed, self._places)
            inputs += self._fixed
            done: list[Any] = []
            try:  # filled in C: an interrupt that came meanwhile is raised when the results are in the list
                done.extend(itertools.starmap(self._jitted, (inputs,)))
            finally:
                if done:
                    n = len(self._results)
                    self._pending = done[0][n:], inputs[len(self._changed) : len(self._changed) + len(self._kept)]
                    if not self._looks:
                        self.keep()
            if not n and done[0]:
                self._jax.block_until_ready(done[0])  # the caller may write into the arguments from here on
            return [np.array(y if plain else fetched(y))[()] for y in done[0][:n]]

    def keep(self) -> None:
        """Keep what the last run has changed."""
        with lock:
            (new, kept), self._pending = self._pending, None
            left = iter(new)
            for (x, kind, write), array in zip(self._tensors_out, left):  # it ends before it takes one too many
                write(x, array) if type(x) is kind else put(x, array)
            for leaf in self._stamped:
                leaf.stamp = next_number()
            for u, n in self._updates_out:
                u.keep(list(itertools.islice(left, n)))
                u.end()
            for leaf in self._cleared:
                leaf.grad = None
            if self._goes:
                for t, array in zip(self._kept, kept):
                    if not is_afar(t):
                        put(t, array)

    def _given(self, x: Any) -> Any:
        """The values of a Tensor, or a gradient, on the device."""
        found = current(x)
        if is_afar(x):
            return found if self._layout is None else self._layout.moved(found, self._place(x))
        return self._sent(found, None if self._layout is None else self._place(x))

    def _place(self, x: Any) -> Any:
        return self._by_leaf[x] if isinstance(x, Leaf) else self._of[id(x)]

    def _sent(self, array: Any, place: Any) -> Any:
        """A copy of an array on the device: one that JAX may overwrite."""
        array = np.array(array)
        return self._jax.device_put(array) if place is None else self._layout.sent(array, place)

    def _state_of(self, u: Update) -> list[Any]:
        """The state of an optimiser on the device, parameter by parameter."""
        known, run = u.afar(), u.run
        if known is not None and self._layout is None:
            return known
        places = [None if self._layout is None else self._place(p) for p in run.parameters]
        if known is not None:
            return [self._layout.moved(a, p) for a, p in zip(known, [p for p in places for _ in u.vectors[2:]])]
        return [
            self._sent(vector[run.offsets[k] : run.offsets[k + 1]].reshape(p.shape), places[k])
            for k, p in enumerate(run.parameters)
            for vector in u.vectors[2:]
        ]
