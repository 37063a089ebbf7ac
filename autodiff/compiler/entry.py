"""One trace of a function: its program, the source of the program behind its guards, and the function made from it."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.arrays.counts import Count
from autodiff.arrays.tensors import Tensor, lift
from autodiff.compiler.backwards import Tracking
from autodiff.compiler.buffers import Plan, plan_buffers
from autodiff.compiler.identifiers import comment, identifier
from autodiff.compiler.passes import FOR_SPEED, PASSES
from autodiff.compiler.program import Program
from autodiff.compiler.record import Diverged
from autodiff.compiler.scalars import ScalarWriter, suits
from autodiff.compiler.source import Writer, owner_name
from autodiff.compiler.tracing import Traced
from autodiff.compiler.values import Value
from autodiff.core import switches

MISS = object()
"""The answer of a program to a call that it was not written for."""
_numbers = itertools.count()
_MANY_ALIKE = 4


class Entry:
    """One trace: its program, its source, and the function made from the source."""

    def __init__(
        self,
        f: Callable[..., Any],
        name: str,
        backend: str,
        traced: Traced,
        leaves: list[Any],
        structure: Any,
        keywords: bool,
        unchecked: int | str,
        layout: Any = None,
    ) -> None:
        program = traced.program
        for rewrite in PASSES:
            program = rewrite(program)
        self.pure = program
        for rewrite in FOR_SPEED if backend == "numpy" else ():
            program = rewrite(program)
        self.program = program
        if backend == "jax":  # which array holds the values of a Tensor does not matter, and it must be free to go
            traced = traced._replace(states=[(t, None) for t, _ in traced.states])
        self.traced, self._structure = traced, structure
        self.example = [weakref.ref(x) if isinstance(x, (np.ndarray, Tensor)) else x for x in leaves]
        self._count = len(leaves)
        self._flat = not keywords and all(c.kind is None for c in structure.children[0].children)
        self._parts = None if keywords else _lists_of_leaves(structure.children[0])
        self._version = switches.structure[0]
        self.has_only_numbers = backend == "numpy" and suits(program)  # such a program has no buffers and needs no lock
        self.unchecked = unchecked
        looks = [op.function for op in program.ops if op.form == "check"]
        self.agrees_to = max((getattr(look, "agrees_to", 0.0) for look in looks), default=0.0)
        if backend != "numpy":  # XLA and C have their own elementary functions and orders of summation
            narrow = any(np.dtype(v.dtype).char in "efF" for v in program.values())
            self.agrees_to = max(self.agrees_to, 1e-3 if narrow else 1e-7)
        self.source, self._run, writer = _written(_function_name(name), program, traced, leaves, backend, layout)
        self.summary = self.source.partition("\n")[0].lstrip("# ")
        self.in_c = frozenset(getattr(writer, "in_c", ()))
        self.device_bytes = getattr(writer, "device_bytes", None)
        self.names, self.namespace = ({}, {}) if unchecked == 0 else (writer.names, writer.namespace)
        self._recording = switches.is_recording()
        self._tracking = None
        if traced.back is not None:
            behind, run = _written_back(f"{_function_name(name)}_backwards", traced.back.program)
            self.source += behind
            self._tracking = Tracking(f, traced.back, run)

    def is_alive(self) -> bool:
        """Whether its guards can still hold: no Tensor that it reads has another array by now."""
        return all(not getattr(array, "ndim", 0) or t._data is array for t, array in self.traced.states)

    def example_arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The arguments of its first call, if they still exist."""
        leaves = [x() if isinstance(x, weakref.ref) else x for x in self.example]
        gone = any(isinstance(kept, weakref.ref) and x is None for kept, x in zip(self.example, leaves))
        return None if gone else pytree.unflatten(self._structure, leaves)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of the program, or `MISS` if it was not written for such a call."""
        if (not switches.active or switches.is_recording()) is not self._recording:
            return MISS
        if switches.structure[0] != self._version:
            if not self.traced.reading.is_unchanged():
                return MISS
            self._version = switches.structure[0]
        try:
            if self._flat:
                result = self._run(*args) if len(args) == self._count and not kwargs else MISS
            elif self._parts is not None:
                parts = None if kwargs else _opened(args, self._parts)
                result = MISS if parts is None else self._run(*parts)
            else:
                leaves, structure = pytree.flatten((args, kwargs))
                result = MISS if structure != self._structure else self._run(*leaves)
        except Diverged:
            return MISS
        if self._tracking is None or result is MISS:
            return result
        answer, kept = result  # type: ignore[misc]  # a pair, since it is not MISS
        return self._tracking(answer, kept, args, kwargs)

    def tracked_answer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of the function itself in the first call, tracked if the function's answer was."""
        answer, back = self.traced.answer, self.traced.back
        if self._tracking is None or back is None:
            return answer
        values, back.values = tuple(back.values), []
        return self._tracking(answer, values, args, kwargs)


def _lists_of_leaves(structure: Any) -> list[tuple[type | None, int]] | None:
    """For each argument the type and length of its list or tuple of leaves, None as the type of a leaf.

    The answer is None if there are other containers.
    """
    parts = []
    for c in structure.children:
        if c.kind not in (None, list, tuple) or any(leaf.kind is not None for leaf in c.children):
            return None
        parts.append((c.kind, len(c.children)))
    return parts


def _opened(args: tuple[Any, ...], parts: list[tuple[Any, int]]) -> list[Any] | None:
    """The leaves of such arguments; None for others. That they are leaves is seen by the guard of the program."""
    if len(args) != len(parts):
        return None
    leaves: list[Any] = []
    for a, (kind, n) in zip(args, parts):
        if kind is None:
            leaves.append(a)
        elif type(a) is kind and len(a) == n:
            leaves += a
        else:
            return None
    return leaves


def _function_name(name: str) -> str:
    return name if identifier(name) == name else "step"


def _written(
    name: str, program: Program, traced: Traced, leaves: list[Any], backend: str, layout: Any
) -> tuple[str, Callable[..., Any], Writer]:
    """The source of a trace, the function made from it, and its writer."""
    if backend == "jax":
        from autodiff.compiler.jax_backend import JaxWriter

        around = JaxWriter(program, layout)
        source = _source_of(around, name, traced, leaves)
        return f"{source}\n\n{around.pure}", _run(source, name, around.namespace), around
    if backend == "native":
        from autodiff.compiler.native.writer import NativeWriter

        in_c = NativeWriter(program)
        source = _source_of(in_c, name, traced, leaves)
        return f"{source}\n\n{in_c.c_source}", _run(source, name, in_c.namespace), in_c
    plan = plan_buffers(program)
    if not suits(program):
        writer = Writer(program, plan)
        source = _source_of(writer, name, traced, leaves)
        return source, _run(source, name, writer.namespace), writer
    writer = ScalarWriter(program, plan)
    writer.in_numpy = f"{name}_in_numpy"
    in_numpy = Writer(program, plan)
    otherwise = _source_of(in_numpy, writer.in_numpy, traced, leaves, inner=True)
    writer.used.add(writer.in_numpy)
    writer.namespace[writer.in_numpy] = _run(otherwise, writer.in_numpy, in_numpy.namespace)
    source = _source_of(writer, name, traced, leaves)
    return f"{source}\n\n{otherwise}", _run(source, name, writer.namespace), writer


def _written_back(name: str, program: Program | None) -> tuple[str, Callable[..., Any] | None]:
    """The source of a backward pass and its function. It has no buffers: it may run late and in any thread."""
    if program is None:
        return "", None
    for rewrite in PASSES:
        program = rewrite(program)
    writer = Writer(program, Plan())
    writer.title = name
    writer.used.add(name)
    writer.name_values()
    lines = [*writer.body(), f"return [{', '.join(writer.returned_parts())}]"]
    parameters = ", ".join(writer.names[v] for v in program.arguments)
    source = "\n".join([f"def {name}({parameters}):", *(f"    {line}" for line in lines)]) + "\n"
    return f"\n\n{source}", _run(source, name, writer.namespace)


def _run(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Run the source and return its function; tracebacks and profilers can show its lines."""
    file = f"<compiled {name} {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), namespace)
    weakref.finalize(namespace[name], linecache.cache.pop, file, None).atexit = False
    return namespace[name]


def _source_of(writer: Writer, function: str, traced: Traced, leaves: list[Any], *, inner: bool = False) -> str:
    """The source of a function that runs a program. An inner one has no guards: its caller checked the arguments."""
    program = writer.program
    writer.title = function
    writer.used.add(function)
    by_number = {v.payload: v for v in program.arguments}
    for i in range(len(leaves)):  # arguments, also static ones, are named before all other values
        if i not in by_number:
            writer.names[("static", i)] = writer.unique(f"static_{i}")
    writer.name_values()
    parameters = [writer.names.get(by_number.get(i), "") or writer.names[("static", i)] for i in range(len(leaves))]
    if isinstance(writer, ScalarWriter):
        writer.parameters = parameters
    guards = [] if inner else list(_guards(writer, traced, leaves, parameters, by_number))
    tensors = [] if inner else [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and i in by_number]
    body = [f"{parameters[i]} = {parameters[i]}._data" for i in tensors]
    body += list(writer.body())
    body.append(f"return {_answer(writer, traced)}{_kept(writer, traced)}")
    lines = [f"def {function}({', '.join(parameters)}):"]
    if guards:
        lines.append("    if not (" + "\n            and ".join(guards) + "):")
        lines.append(f"        return {writer.bind('another_call', MISS)}")
    lines += [f"    {line}" for line in body]
    legend = [] if inner else [_summary(writer, function), *_joined(writer.legend), ""]
    return "\n".join([*(f"# {comment(line)}".rstrip("# ") for line in legend), *lines]) + "\n"


def _joined(legend: list[str]) -> list[str]:
    """The lines of a legend; of many that say the same only the first and the last name."""
    found: dict[str, list[str]] = {}
    for line in legend:
        name, _, what = line.partition(": ")
        found.setdefault(what or line, []).append(name)
    lines = []
    for what, names in found.items():
        if len(names) > _MANY_ALIKE:
            lines.append(f"{names[0]} to {names[-1]} ({len(names)} arrays): {what}")
        else:
            lines += [name if name == what else f"{name}: {what}" for name in names]
    return lines


def _summary(writer: Writer, function: str) -> str:
    return f"{function}, compiled from one call: {len(writer.program.ops)} operations, {writer.whereabouts}"


def _guards(writer: Writer, traced: Traced, leaves: list[Any], parameters: list[str], by_number: dict[int, Any]) -> Any:
    """The conditions under which the program is the right one for a call."""
    plain = [
        (parameters[i], v)
        for i, v in by_number.items()
        if isinstance(leaves[i], np.ndarray) and type(leaves[i]) is np.ndarray
    ]
    quick = writer.quick_guard(plain)
    slow = [c for p, v in plain for c in _is_alike(writer, p, p, v)] if quick else []
    if quick:
        yield f"({quick} or ({' and '.join(slow)}))"
    for i, (x, p) in enumerate(zip(leaves, parameters)):
        if quick and type(x) is np.ndarray and i in by_number:
            continue
        v = by_number.get(i)
        if v is None:
            yield _is_constant(writer, p, x)
            continue
        data = p
        if isinstance(x, Tensor):
            yield f"{p}.__class__ is {writer.bind('Tensor', x.__class__)} and {p}._node is None"
            data = f"{p}._data"
        if isinstance(x, np.generic):  # its type says what its shape and dtype are
            yield f"type({p}) is {writer.bind(type(x).__name__, type(x))}"
        else:
            yield from _is_alike(writer, p if isinstance(x, np.ndarray) else "", data, v)
    read = {id(v.payload) for v in writer.program.values() if v.kind == "state"}
    for t, array in traced.states:
        if id(t) in read and array is not None and np.ndim(array):
            owner = writer.bind(owner_name("tensor", t), t)
            yield f"{owner}._data is {writer.bind(owner_name('array', t), array)}"
    for leaf in traced.begun:
        yield f"{writer.gradient(leaf)} is None"
    for leaf in {v.payload for v in writer.program.values() if v.kind == "gradient"}:
        yield f"{writer.gradient(leaf)} is not None"
    for holder in traced.reading.holders.values():
        yield holder.guard(writer.bind)
    ready = writer.ready()
    if ready:  # the last one: it takes the numbers of the step
        yield ready


def _is_alike(writer: Writer, p: str, data: str, v: Value) -> Iterator[str]:
    """The conditions under which an array has the type, shape, dtype and layout of a value."""
    if p:
        yield f"type({p}) is {writer.bind('ndarray', np.ndarray)}"
    yield from writer.fits(data, v)


def _is_constant(writer: Writer, p: str, x: Any) -> str:
    """The guard of a static argument: an equal number or text, or the same object, as is built into the program."""
    kind = type(x)
    if kind is complex or (kind is float and (x == 0 or not np.isfinite(x))):
        return f"type({p}) is {kind.__name__} and repr({p}) == {repr(x)!r}"  # 0.0 and -0.0 are equal, 1 / x is not
    if kind in (bool, int, float, complex, str):
        return f"type({p}) is {kind.__name__} and {p} == {x!r}"
    if isinstance(x, (np.str_, Count)):
        return f"type({p}) is {writer.bind(kind.__name__, kind)} and {p} == {writer.bind('argument', x)}"
    return f"{p} is {writer.bind('argument', x)}"


def _answer(writer: Writer, traced: Traced) -> str:
    """The returned expression, in the structure of the function's own first answer."""
    parts = writer.returned_parts()
    wrapped = [
        f"{writer.bind('tensor', lift)}({part}, None)" if kind == "tensor" else part
        for part, kind in zip(parts, traced.kinds)
    ]
    return _structured(writer, traced.structure, iter(wrapped))


def _structured(writer: Writer, structure: Any, parts: Iterator[str]) -> str:
    """The expression of a nested container of leaves."""
    kind = structure.kind
    if kind is None:
        return next(parts)
    if kind in (tuple, list):
        inner = ", ".join([_structured(writer, c, parts) for c in structure.children])
        return f"[{inner}]" if kind is list else f"({inner},)" if len(structure.children) == 1 else f"({inner})"
    if kind is type(None):
        return "None"
    own = ", ".join(itertools.islice(parts, structure.size))
    return f"{writer.bind('rebuilt', _rebuild(structure))}([{own}])"


def _kept(writer: Writer, traced: Traced) -> str:
    """The values saved for a backward pass, returned after the answer. An argument is not copied, as in a node."""
    if traced.back is None:
        return ""
    n = len(traced.kinds)
    pairs = zip(writer.program.outputs[n:], writer.returned_parts()[n:])
    parts = [writer.boxed(v) if isinstance(v, Value) and v.kind == "argument" else part for v, part in pairs]
    return f", ({''.join(f'{part}, ' for part in parts).rstrip()})"


def _rebuild(structure: Any) -> Callable[[list[Any]], Any]:
    return lambda leaves: pytree.unflatten(structure, leaves)
