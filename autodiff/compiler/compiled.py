"""`compile`: a function that is traced once for each kind of call, and from then on runs as a NumPy program."""

from __future__ import annotations

import itertools
import linecache
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import pytree, tape
from autodiff.compiler.buffers import Plan, plan_buffers
from autodiff.compiler.passes import FOR_SPEED, PASSES
from autodiff.compiler.program import Program
from autodiff.compiler.reaching import holds_still
from autodiff.compiler.scalars import ScalarWriter, suits
from autodiff.compiler.source import Writer
from autodiff.compiler.tracing import Traced, trace
from autodiff.errors import CompileError
from autodiff.tape import Leaf
from autodiff.tensors import Tensor, lift

_MISS = object()
_MANY = 8
_numbers = itertools.count()


class Compiled:
    """A function that runs as a program of NumPy calls.

    Attributes
    ----------
    source : str
        The Python of the latest trace.
    program : Program
        The same as a list of operations.
    sources : list of str
        Of all traces, the oldest first.
    """

    def __init__(self, f: Callable[..., Any], fallback: bool = False, backend: str = "numpy") -> None:
        self._f, self._fallback, self._backend = f, fallback, backend
        self.__name__ = getattr(f, "__name__", type(f).__name__)
        self.__doc__ = getattr(f, "__doc__", None)
        self.__wrapped__ = f
        self._entries: list[_Entry] = []
        self._refused: CompileError | None = None
        self._lock = threading.RLock()

    @property
    def source(self) -> str:
        """The Python of the latest trace."""
        return self._latest().source

    @property
    def sources(self) -> list[str]:
        """That of all traces, the oldest first."""
        return [entry.source for entry in self._entries]

    @property
    def program(self) -> Program:
        """The latest trace as a list of operations."""
        return self._latest().program

    def __autodiff_graph__(self) -> Any:
        """What `autodiff.draw` draws: the latest program."""
        return self.program.__autodiff_graph__()

    def _latest(self) -> _Entry:
        if not self._entries:
            raise CompileError(
                f"compile: {self.__name__} has not been called yet; its program is written at the first call."
            )
        return self._entries[-1]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it: by the program for this kind of arguments, or, the first time, by the function itself."""
        if tape.special and tape.tracer() is not None:
            return self._f(*args, **kwargs)  # a part of what is being compiled
        for entry in self._entries:
            if entry.has_only_numbers:
                result = entry.run(args, kwargs)
            else:
                with self._lock:  # its buffers are those of all threads
                    result = entry.run(args, kwargs)
            if result is not _MISS:
                return result
        with self._lock:
            return self._trace(args, kwargs)

    def _trace(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._refused is not None:
            return self._f(*args, **kwargs)
        leaves, structure = pytree.flatten((args, kwargs))
        if any(map(_is_result, leaves)):
            if tape.is_recording():  # its result is to be tracked, as a program's is not
                return self._f(*args, **kwargs)
            args, kwargs = pytree.unflatten(structure, [x.detach() if _is_result(x) else x for x in leaves])
            return self(*args, **kwargs)
        try:
            traced = trace(self._f, self.__name__, leaves, lambda new: pytree.unflatten(structure, new))
        except CompileError as error:
            if not self._fallback:
                raise
            self._refused = error
            warnings.warn(f"{error} It runs eagerly from now on.", UserWarning, stacklevel=3)
            return self._f(*args, **kwargs)
        self._entries = [entry for entry in self._entries if entry.is_alive()]
        self._entries.append(_Entry(self.__name__, self._backend, traced, leaves, structure, bool(kwargs)))
        if len(self._entries) == _MANY:
            warnings.warn(
                f"compile: {self.__name__} was traced {_MANY} times; a new trace is written for every new shape, "
                f"dtype, memory layout or Python number among its arguments. Pass numbers that change as arrays.",
                UserWarning,
                stacklevel=3,
            )
        return traced.answer

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}, {len(self._entries)} trace(s)>"


def _is_result(x: Any) -> bool:
    """Whether a Tensor is tracked as the result of something, or by a transform that is under way."""
    return isinstance(x, Tensor) and x._node is not None and not isinstance(x._node, Leaf)


class _Entry:
    """One trace: its program, its source, and the function made of that."""

    def __init__(
        self, name: str, backend: str, traced: Traced, leaves: list[Any], structure: Any, keywords: bool
    ) -> None:
        program = traced.program
        for rewrite in (*PASSES, *(FOR_SPEED if backend == "numpy" else ())):
            program = rewrite(program)
        self.program = program
        self.traced, self._structure = traced, structure
        self._count = len(leaves)
        self._flat = not keywords and all(c.kind is None for c in structure.children[0].children)
        self._version = tape.structure[0]
        self.has_only_numbers = backend == "numpy" and suits(program)  # then it has no buffers
        self.source, self._run = _written(_function_name(name), program, traced, leaves, backend)

    def is_alive(self) -> bool:
        """Whether its guards could ever hold again."""
        return all(t._data is array or not getattr(array, "ndim", 0) for t, array in self.traced.states)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the program answers, or `_MISS` if it was not written for such a call."""
        if tape.structure[0] != self._version:
            if not self.traced.around.is_unchanged():
                return _MISS
            self._version = tape.structure[0]
        if self._flat:
            return self._run(*args) if len(args) == self._count and not kwargs else _MISS
        leaves, structure = pytree.flatten((args, kwargs))
        return _MISS if structure != self._structure else self._run(*leaves)


def _function_name(name: str) -> str:
    return name if name.isidentifier() else "step"


def _written(
    name: str, program: Program, traced: Traced, leaves: list[Any], backend: str
) -> tuple[str, Callable[..., Any]]:
    """The source of a trace, and the function it makes."""
    if backend == "jax":
        from autodiff.compiler.jax_backend import JaxWriter

        around = JaxWriter(program, Plan())
        source = _source_of(around, name, traced, leaves)
        return f"{source}\n\n{around.pure}", _run(source, name, around.namespace)
    plan = plan_buffers(program)
    if not suits(program):
        writer = Writer(program, plan)
        source = _source_of(writer, name, traced, leaves)
        return source, _run(source, name, writer.namespace)
    writer = ScalarWriter(program, plan)
    writer.in_numpy = f"{name}_in_numpy"
    in_numpy = Writer(program, plan)
    otherwise = _source_of(in_numpy, writer.in_numpy, traced, leaves, inner=True)
    writer.used.add(writer.in_numpy)
    writer.namespace[writer.in_numpy] = _run(otherwise, writer.in_numpy, in_numpy.namespace)
    source = _source_of(writer, name, traced, leaves)
    return f"{source}\n\n{otherwise}", _run(source, name, writer.namespace)


def _run(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """The function of that name; tracebacks and profilers show its lines."""
    file = f"<compiled {name} {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def _source_of(writer: Writer, function: str, traced: Traced, leaves: list[Any], *, inner: bool = False) -> str:
    """A function that runs a program; an inner one is called by another that has looked at the arguments."""
    program = writer.program
    writer.title = function
    writer.used.add(function)
    by_number = {v.payload: v for v in program.arguments}
    for i in range(len(leaves)):  # arguments have their names first, also those that are static
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
    body.append(f"return {_answer(writer, traced)}")
    lines = [f"def {function}({', '.join(parameters)}):"]
    if guards:
        lines.append("    if not (" + "\n            and ".join(guards) + "):")
        lines.append(f"        return {writer.bind('another_call', _MISS)}")
    lines += [f"    {line}" for line in body]
    legend = [] if inner else [_summary(writer, function), *writer.legend, ""]
    return "\n".join([*(f"# {line}".rstrip("# ") for line in legend), *lines]) + "\n"


def _summary(writer: Writer, function: str) -> str:
    plan = writer.plan or Plan()
    where = f"{len(plan.buffers)} buffers of {plan.nbytes / 1024:.0f} KiB (b0, b1, ...)"
    where = "on Python's floats" if isinstance(writer, ScalarWriter) else where
    return f"{function}, compiled from one call: {len(writer.program.ops)} operations, {where}"


def _guards(writer: Writer, traced: Traced, leaves: list[Any], parameters: list[str], by_number: dict[int, Any]) -> Any:
    """What must hold for the program to be the right one."""
    for i, (x, p) in enumerate(zip(leaves, parameters)):
        v = by_number.get(i)
        if v is None:
            if isinstance(x, float) and x == 0:
                yield f"type({p}) is float and {p}.hex() == {x.hex()!r}"  # 0.0 and -0.0 are equal, 1 / x is not
            elif isinstance(x, (bool, int, float, complex, str)):
                yield f"type({p}) is {type(x).__name__} and {p} == {x!r}" if x == x else f"{p} != {p}"
            else:
                yield f"{p} is {writer.bind('argument', x)}"
            continue
        data = p
        if isinstance(x, Tensor):
            yield f"type({p}) is {writer.bind('Tensor', type(x))} and {p}._node is None"
            data = f"{p}._data"
        elif isinstance(x, np.ndarray):
            yield f"type({p}) is {writer.bind('ndarray', np.ndarray)}"
        if isinstance(x, np.generic):
            yield f"type({p}) is {writer.bind(type(x).__name__, type(x))}"
        else:
            kind = np.dtype(v.dtype)
            yield f"{data}.shape == {tuple(v.shape)} and {data}.dtype == {writer.bind(kind.name, kind)}"
            if v.shape:
                yield f"{data}.strides == {v.strides}"
    read = {id(v.payload) for v in writer.program.values() if v.kind == "state"}
    for t, array in traced.states:
        if id(t) in read and np.ndim(array):
            owner = writer.bind(_owner("tensor", t), t)
            yield f"{owner}._data is {writer.bind(_owner('array', t), array)}"
    for leaf in traced.begun:
        yield f"{writer.bind(_owner('leaf', leaf), leaf)}.grad is None"
    for leaf in {v.payload for v in writer.program.values() if v.kind == "gradient"}:
        yield f"{writer.bind(_owner('leaf', leaf), leaf)}.grad is not None"
    for name, cell, contents in traced.around.cells:
        if not callable(contents) or isinstance(contents, Tensor):
            yield f"{writer.bind(f'cell_{name}', cell)}.cell_contents is {writer.bind(f'the_{name}', contents)}"
    for names, key, value in traced.around.names:
        where = writer.bind("module" if "__name__" in names else "attributes", names)
        yield f"{where}.get({key!r}) is {writer.bind(f'the_{key}', value)}"
    for name, container, entries in traced.containers:
        held = f"{writer.bind(f'list_{name}', container)}, {writer.bind(f'entries_of_{name}', entries)}"
        yield f"{writer.bind('holds_still', holds_still)}({held})"


def _owner(what: str, thing: Any) -> str:
    return f"{what}_{getattr(thing, 'name', None) or 'w'}"


def _answer(writer: Writer, traced: Traced) -> str:
    """What the function gives back, in the structure of what it gave at first."""
    parts = writer.returned_parts()
    wrapped = [
        f"{writer.bind('untracked', _untracked)}({part})" if kind == "tensor" else part
        for part, kind in zip(parts, traced.kinds)
    ]
    if traced.structure == pytree.LEAF:
        return wrapped[0]
    if traced.structure.kind is tuple and all(c == pytree.LEAF for c in traced.structure.children):
        return f"({', '.join(wrapped)}{',' if len(wrapped) == 1 else ''})"
    return f"{writer.bind('rebuilt', _rebuild(traced.structure))}([{', '.join(wrapped)}])"


def _untracked(array: Any) -> Tensor:
    return lift(array, None)  # type: ignore[arg-type]


def _rebuild(structure: Any) -> Callable[[list[Any]], Any]:
    return lambda leaves: pytree.unflatten(structure, leaves)
