"""A program as a pure function with `jax.numpy` as its namespace: what it reads comes in, what it changes goes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from autodiff.compiler.jax_flow import Flow, formula
from autodiff.compiler.jax_pure import PureWriter
from autodiff.compiler.naming import own_name
from autodiff.compiler.native.updates import Update
from autodiff.compiler.program import Program
from autodiff.compiler.values import Value


class Function:
    """The pure function of a program.

    Its arguments are, in this order: the Tensors that it changes, those that it only reads, the state of each
    optimiser parameter by parameter, gradients from before, the numbers of each optimiser for this step, what it is
    fed with, and constants. It returns the new Tensors, state and gradients, and the wanted results.

    Parameters
    ----------
    jax : module
    flow : Flow
    program : Program
    wanted : list of Value
        What it returns besides what it changes.

    Attributes
    ----------
    source : str
        The function as Python, with ``np`` for `jax.numpy`.
    updates : list of Update
        The steps of optimisers in it.
    fixed : list of dict of int to float
        For each of them, the numbers that are built in, because the formula decides by them.
    changed, kept : list of Tensor
        Those that it changes, and those that it only reads.
    read, gradients, cleared : list of Leaf
        Those whose gradient from before it reads, those that get one, and those that lose it.
    fed, made : list of Value
        What changes with every call: arguments and random numbers; and constants.
    results : int
        How many results it returns, after what it changes.
    calls_back : bool
        Whether it calls back into NumPy, which may raise.
    """

    def __init__(self, jax: Any, flow: Flow, program: Program, wanted: list[Value]) -> None:
        self._jax = jax
        self.updates = [u for updates in flow.updates.values() for u in updates]
        self.fixed: list[dict[int, float]] = []
        self.results = len(wanted)
        self._helpers: list[str] = []
        self._tensors: dict[int, Any] = {}
        self._names: dict[int, str] = {}  # of Tensors: a name is bound anew where its Tensor changes
        self._moments: list[str] = []
        self._read: dict[Any, str] = {}
        self._stored: dict[Any, Value | None] = {}
        looked_at = [op for op in flow.inside if flow.labels(op) is not None]
        writer = PureWriter(program.with_ops(flow.inside), jax, looked_at)
        writer.name_values()
        lines = list(self._lines(writer, flow, wanted))
        changed = {id(p): p for u in self.updates for p in u.run.parameters}
        changed |= {id(op.function): op.function for op in flow.inside if op.form == "assign"}
        self.changed, self.kept = [*changed.values()], [t for i, t in self._tensors.items() if i not in changed]
        self.read = [*self._read]
        self.gradients = [leaf for leaf, v in self._stored.items() if v is not None]
        self.cleared = [leaf for leaf, v in self._stored.items() if v is None]
        self.calls_back = writer.calls_back
        self._finish(writer, wanted, lines)

    def __call__(self, *given: Any) -> tuple[Any, ...]:
        """Call it with the Tracers of JAX.

        What it returns has memory of its own: JAX may return an argument itself, or one array twice, and a later call
        overwrites the arrays of what it changes.
        """
        found: list[Any] = []
        taken = set(map(id, given))
        for y in self._call(*given):
            found.append(self._jax.numpy.copy(y) if id(y) in taken else y)
            taken.add(id(y))
        return tuple(found)

    def _lines(self, writer: PureWriter, flow: Flow, wanted: list[Value]) -> Iterator[str]:
        constants: dict[Value, None] = {}
        made = {v for op in flow.inside for v in op.outputs}

        def see(values: Iterable[Value]) -> None:
            for v in values:
                if v.kind == "state":
                    writer.names[v] = self._name(writer, v.payload, writer.names[v])
                    writer.namespace.pop(writer.names[v], None)
                elif v.kind == "gradient":
                    stored = self._stored.get(v.payload)
                    if stored is not None and v.payload not in self._read:
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
            elif op.form == "assign":
                yield f"{self._name(writer, op.function)} = {writer.text(op.args[0])}"
            elif not (op.outputs and op.outputs[0] in writer.inlined):
                yield from writer.line(op)
        see(wanted)
        see(v for v in self._stored.values() if v is not None)
        self.fed = [v for v in constants if v.kind != "made"]
        self.made = [v for v in constants if v.kind == "made"]

    def _name(self, writer: PureWriter, t: Any, wish: str = "") -> str:
        if id(t) not in self._names:
            self._tensors[id(t)] = t
            self._names[id(t)] = wish or writer.unique(own_name(t.name or "w"))
        return self._names[id(t)]

    def _update(self, writer: PureWriter, update: Update) -> Iterator[str]:
        """The lines of a step of an optimiser: one for each parameter."""
        k = len(self.fixed)
        found = formula(update)
        assert found is not None  # since it was chosen
        program, fixed = found
        self.fixed.append(fixed)
        title = writer.unique(f"update_{k}")
        inner = PureWriter(program, self._jax)
        inner.name_values()
        text = "\n".join(
            [
                f"def {title}({', '.join(inner.names[v] for v in program.arguments)}):",
                *(f"    {line}" for line in inner.lines(program, ())),
                f"    return {', '.join(map(inner.text, program.outputs))}",
            ]
        )
        exec(compile(text, "<compiled in_jax>", "exec"), inner.namespace)
        writer.namespace[title] = inner.namespace[title]
        self._helpers.append(text)
        first = len(update.vectors)  # of the arguments of the formula: its numbers come behind the vectors
        settings = [f"settings_{k}[{v.payload - first}]" for v in program.arguments if v.payload >= first]
        for p, leaf in zip(update.run.parameters, update.run.leaves, strict=True):
            own = self._name(writer, p)
            moments = [writer.unique(f"{name}_{own}") for name in update.names[2:first]]
            self._moments += moments
            gradient = self._stored[leaf]
            assert gradient is not None  # since it was chosen
            new, old = ", ".join([own, "_", *moments]), ", ".join([own, writer.text(gradient), *moments, *settings])
            yield f"{new} = {title}({old})"

    def _finish(self, writer: PureWriter, wanted: list[Value], lines: list[str]) -> None:
        """Write the function around the lines."""
        changed = [self._names[id(t)] for t in self.changed]
        settings = [f"settings_{k}" for k in range(len(self.updates))]
        given = [*changed, *(self._names[id(t)] for t in self.kept), *self._moments, *self._read.values(), *settings]
        given += [writer.names[v] for v in (*self.fed, *self.made)]
        out = [*changed, *self._moments]  # first, as among the arguments: JAX gives them the memory of those
        out += [writer.text(v) for v in (*(v for v in self._stored.values() if v is not None), *wanted)]
        lines = [*lines, f"return {''.join(f'{name}, ' for name in out).strip() or '()'}"]
        text = "\n".join([f"def in_jax({', '.join(given)}):  # np is jax.numpy", *(f"    {line}" for line in lines)])
        exec(compile(text, "<compiled in_jax>", "exec"), writer.namespace)
        self._call = writer.namespace["in_jax"]
        self.source = "\n\n".join([*self._helpers, text]) + "\n"
