"""`Compiled`: a function that is traced once for each kind of call and afterwards runs as a NumPy program."""

from __future__ import annotations

import functools
import itertools
import linecache
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.tensors import Tensor, lift
from autodiff.compiler.backwards import Tracking
from autodiff.compiler.buffers import Plan, apart, plan_buffers
from autodiff.compiler.identifiers import comment, identifier
from autodiff.compiler.passes import FOR_SPEED, PASSES
from autodiff.compiler.program import Program
from autodiff.compiler.scalars import ScalarWriter, suits
from autodiff.compiler.second_look import Differs, compared, first_line, first_wrong
from autodiff.compiler.source import Writer
from autodiff.compiler.tracer import Diverged
from autodiff.compiler.tracing import Traced, trace
from autodiff.compiler.values import Value
from autodiff.core import switches
from autodiff.core.tape import Leaf
from autodiff.errors import AutodiffError, CompileError, MatrixError

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner")
Rest = ParamSpec("Rest")
_MISS = object()
_MANY = 8
CHECK: int | str = 1
"""How many calls of each program are compared with the function if `check` is 1, its default; tests set "always"."""
_numbers = itertools.count()


class Compiled(Generic[P, R]):
    """A function that runs as a program of NumPy calls.

    Attributes
    ----------
    source : str
        The Python source of the latest trace.
    program : Program
        The latest trace as a list of operations.
    sources : list of str
        The sources of all traces, oldest first.
    options : dict
        The options it was compiled with.

    Notes
    -----
    It has the name, the docstring and the signature of the function. In a class it is a method.
    """

    __autodiff_program__ = True
    __name__: str
    __wrapped__: Callable[P, R]

    def __init__(self, f: Callable[P, R], fallback: bool = False, backend: str = "numpy", check: int | str = 1) -> None:
        if check != "always" and (not isinstance(check, int) or check < 0):
            raise CompileError(f'compile: check must be a number of calls or "always"; {check!r} was given.')
        self._f, self._fallback, self._backend = f, fallback, backend
        self.check = check
        functools.update_wrapper(self, f, updated=())
        self.__dict__.setdefault("__name__", type(f).__name__)
        self._entries: list[_Entry] = []
        self._refused: CompileError | None = None
        self._lock = threading.RLock()

    @property
    def source(self) -> str:
        """The Python source of the latest trace."""
        return self._latest().source

    @property
    def sources(self) -> list[str]:
        """The sources of all traces, oldest first."""
        return [entry.source for entry in self._entries]

    @property
    def program(self) -> Program:
        """The latest trace as a list of operations."""
        return self._latest().program

    @property
    def options(self) -> dict[str, Any]:
        """The options it was compiled with, as keyword arguments of `compile`."""
        return {"fallback": self._fallback, "backend": self._backend, "check": self.check}

    def __autodiff_graph__(self) -> Any:
        """The graph for `autodiff.draw`: that of the latest program."""
        return self.program.__autodiff_graph__()

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: Compiled[Concatenate[Owner, Rest], R], instance: Owner, owner: type | None = None
    ) -> Compiled[Rest, R]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind a method: every instance has its own compiled function with its own traces, and they die together."""
        if instance is None:
            return self
        if isinstance(instance, type):  # a class method: the class is an argument
            return types.MethodType(self, instance)
        known = getattr(instance, "__dict__", None)
        if known is None:
            raise CompileError(
                f"compile: {self.__name__} is a method of {type(instance).__name__}, whose __slots__ leave no room "
                f'for its programs. Add "__dict__" to the slots, or compile a function that takes the object.'
            )
        methods = known.get("__compiled__")
        if methods is None or methods.owner != id(instance):  # another owner: `instance` is a shallow copy of it
            known["__compiled__"] = methods = _Methods()
            methods.owner = id(instance)
        bound = methods.get(self)
        if bound is None:
            method = types.MethodType(self._f, instance)
            bound = methods.setdefault(self, Compiled(method, **self.options))
        return bound

    def __reduce__(self) -> Any:
        """Pickle a decorated function by its name, any other by its function and options. Programs are not kept."""
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, part, None)
        if found is self:
            return self.__qualname__
        return functools.partial(type(self), **self.options), (self._f,)

    def _latest(self) -> _Entry:
        if not self._entries:
            raise CompileError(
                f"compile: {self.__name__} has not been called yet; its program is written at the first call."
            )
        return self._entries[-1]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the program for arguments of this kind, or, the first time, the function itself."""
        if switches.active and switches.tracer() is not None:
            return self._f(*args, **kwargs)  # a caller is being compiled, and this call is a part of it
        for entry in self._entries:
            if entry.has_only_numbers and not entry.unchecked:
                result = self._run(entry, args, kwargs)
                if result is not _MISS:
                    return result
        with self._lock:  # threads share the buffers of a program, and simultaneous first calls make one trace
            for entry in self._entries:
                run = self._checked if entry.unchecked else self._run
                result = run(entry, args, kwargs)
                if result is not _MISS:
                    return result
            return self._trace(args, kwargs)

    def _run(self, entry: _Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return entry.run(args, kwargs)
        except Exception as error:
            if isinstance(error, AutodiffError) and error.of_another_call and not _has_changed_something(error):
                return _MISS
            return self._after(error, args, kwargs)

    def _checked(self, entry: _Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of a program after comparing it with the function itself."""
        state = entry.traced.state()
        try:
            answer = compared(
                lambda: entry.run(args, kwargs), _MISS, lambda: self._f(*args, **kwargs), state, entry.agrees_to
            )
        except Differs as found:
            return self._differs(entry, found, args, kwargs)
        if answer is not _MISS and entry.unchecked != "always":
            entry.unchecked -= 1  # type: ignore[operator]  # an integer, since it is not "always"
        return answer

    def _differs(self, entry: _Entry, found: Differs, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Report where a program is wrong. The state is as before the call; with a fallback the function then runs."""
        self._entries = [e for e in self._entries if e is not entry]
        found.state.restore()
        where = self._first_line(entry, args, kwargs)
        self._give_up(
            CompileError(
                f"compile: the program of {self.__name__} does not do what the function does: {found.what}. "
                f"{f'The program begins to differ in {where}. ' if where else ''}Either the function depends on "
                f"something that changes and that compile does not see, or this is a fault of compile. Run it without "
                f"compile, or with fallback=True; check=0 switches the comparison off."
            )
        )
        return self._f(*args, **kwargs)

    def _first_line(self, entry: _Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if self._backend != "numpy":
            return ""
        leaves, structure = pytree.flatten((args, kwargs))
        state = entry.traced.state()
        data = [x._data if isinstance(x, Tensor) else x for x in leaves]
        inputs = {v: data[v.payload] for v in entry.program.arguments}
        for v in entry.program.values():
            if v.kind in ("state", "gradient"):
                inputs[v] = v.payload._data if v.kind == "state" else v.payload.grad
        inputs = {v: apart(np.asarray(x)) for v, x in inputs.items()}
        try:
            where = first_wrong(lambda: entry.run(args, kwargs), entry.names, entry.program, inputs, entry.source)
            if not where:
                traced = trace(self._f, self.__name__, leaves, lambda new: pytree.unflatten(structure, new))
                now = _Entry(self._f, self.__name__, self._backend, traced, leaves, structure, bool(kwargs), 0)
                where = first_line(entry.source, now.source, entry.namespace, now.namespace)
        except Exception as error:  # the place is only a help: the difference is reported without it too
            where = f"(the search for the place failed with {type(error).__name__}: {error})"
        finally:
            state.restore()
        return where

    def _give_up(self, error: CompileError) -> None:
        """Raise the error; with a fallback, warn instead and run the function itself from now on."""
        if not self._fallback:
            raise error
        self._refused, self._entries = error, []
        warnings.warn(f"{error} It runs eagerly from now on.", UserWarning, stacklevel=4)

    def _after(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Handle an exception in a program: if nothing has been changed yet, run the function, which raises its own."""
        if isinstance(error, AutodiffError) or _has_changed_something(error):
            if isinstance(error, np.linalg.LinAlgError) and not isinstance(error, MatrixError):
                raise MatrixError(str(error)) from error
            raise error
        answer = self._f(*args, **kwargs)
        self._give_up(_surprise(f"the program of {self.__name__} fails where the function does not", error))
        return answer

    def _trace(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._refused is not None:
            return self._f(*args, **kwargs)
        leaves, structure = pytree.flatten((args, kwargs))
        if any(map(_is_result, leaves)):
            if switches.is_recording():  # the result must be tracked through these arguments, which a program cannot do
                return self._f(*args, **kwargs)
            args, kwargs = pytree.unflatten(structure, [x.detach() if _is_result(x) else x for x in leaves])
            return self(*args, **kwargs)
        failed = None
        try:
            traced = trace(self._f, self.__name__, leaves, lambda new: pytree.unflatten(structure, new))
        except CompileError as error:
            self._give_up(error)
            return self._f(*args, **kwargs)
        except Exception as error:
            failed = error
            if _is_internal(error):
                self._give_up(_surprise(f"{self.__name__} cannot be traced", error))
        if failed is not None:  # the trace has undone its changes, so the function itself can run and raise its own
            answer = self._f(*args, **kwargs)
            if self._refused is None:
                self._give_up(_surprise(f"{self.__name__} fails while it is traced, and not otherwise", failed))
            return answer
        self._entries = [entry for entry in self._entries if entry.is_alive()]
        try:
            check = CHECK if self.check == 1 else self.check
            entry = _Entry(self._f, self.__name__, self._backend, traced, leaves, structure, bool(kwargs), check)
        except Exception as error:
            self._give_up(_surprise(f"the program of {self.__name__} cannot be written", error))
            return traced.answer
        self._entries.append(entry)
        if len(self._entries) == _MANY:
            warnings.warn(
                f"compile: {self.__name__} was traced {_MANY} times; a new trace is written for every new shape, "
                f"dtype, memory layout or Python number among its arguments, and for every change of what else it "
                f"reads. Pass numbers that change as arrays.",
                UserWarning,
                stacklevel=3,
            )
        return entry.tracked_answer(args, kwargs)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}, {len(self._entries)} trace(s)>"


def _surprise(what: str, error: Exception) -> CompileError:
    """An error of the compiler itself as a CompileError; a refusal, which is one already, stays as it is."""
    if isinstance(error, CompileError):
        return error
    new = CompileError(f"compile: {what} ({type(error).__name__}: {error}). This is a fault of compile.")
    return new.with_traceback(error.__traceback__)


def _is_internal(error: Exception) -> bool:
    """Whether an exception in a trace comes from the compiler around the function, not from the function."""
    place, within = error.__traceback__, "autodiff.compiler."
    while place is not None:
        module = str(place.tb_frame.f_globals.get("__name__", ""))
        if not module.startswith(within) or module == f"{within}tracer":
            return False
        place = place.tb_next
    return True


def _has_changed_something(error: Exception) -> bool:
    """Whether a program had changed something, or drawn a number, when it raised."""
    place = error.__traceback__
    while place is not None:
        frame = place.tb_frame
        changing = frame.f_globals.get("__changing__")
        if changing is not None:
            done = linecache.getlines(frame.f_code.co_filename)[: place.tb_lineno]
            if any(line.strip() in changing for line in done):
                return True
        place = place.tb_next
    return False


class _Methods(dict["Compiled[..., Any]", "Compiled[..., Any]"]):
    """The compiled methods of one object; a copy of the object has its own."""

    owner = 0

    def __reduce__(self) -> Any:
        return _Methods, ()


def _is_result(x: Any) -> bool:
    """Whether `x` is a Tensor that is tracked as a result, or by a transform that is running."""
    return isinstance(x, Tensor) and x._node is not None and not isinstance(x._node, Leaf)


class _Entry:
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
    ) -> None:
        program = traced.program
        for rewrite in (*PASSES, *(FOR_SPEED if backend == "numpy" else ())):
            program = rewrite(program)
        self.program = program
        self.traced, self._structure = traced, structure
        self._count = len(leaves)
        self._flat = not keywords and all(c.kind is None for c in structure.children[0].children)
        self._version = switches.structure[0]
        self.has_only_numbers = backend == "numpy" and suits(program)  # such a program has no buffers and needs no lock
        self.unchecked = unchecked
        looks = [op.function for op in program.ops if op.form == "check"]
        self.agrees_to = max((getattr(look, "agrees_to", 0.0) for look in looks), default=0.0)
        if backend == "jax":  # XLA has its own elementary functions and orders of summation
            narrow = any(np.dtype(v.dtype).char in "efF" for v in program.values())
            self.agrees_to = max(self.agrees_to, 1e-3 if narrow else 1e-7)
        self.source, self._run, writer = _written(_function_name(name), program, traced, leaves, backend)
        self.names, self.namespace = ({}, {}) if unchecked == 0 else (writer.names, writer.namespace)
        self._recording = switches.is_recording()
        self._tracking = None
        if traced.back is not None:
            behind, run = _written_back(f"{_function_name(name)}_backwards", traced.back.program)
            self.source += behind
            self._tracking = Tracking(f, traced.back, run)

    def is_alive(self) -> bool:
        """Whether its guards can still hold: no Tensor that it reads has another array by now."""
        return all(t._data is array or not getattr(array, "ndim", 0) for t, array in self.traced.states)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of the program, or `_MISS` if it was not written for such a call."""
        if switches.is_recording() is not self._recording:
            return _MISS
        if switches.structure[0] != self._version:
            if not self.traced.reading.is_unchanged():
                return _MISS
            self._version = switches.structure[0]
        try:
            if self._flat:
                result = self._run(*args) if len(args) == self._count and not kwargs else _MISS
            else:
                leaves, structure = pytree.flatten((args, kwargs))
                result = _MISS if structure != self._structure else self._run(*leaves)
        except Diverged:
            return _MISS
        if self._tracking is None or result is _MISS:
            return result
        answer, kept = result  # type: ignore[misc]  # a pair, since it is not _MISS
        return self._tracking(answer, kept, args, kwargs)

    def tracked_answer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of the function itself in the first call, tracked if the function's answer was."""
        answer, back = self.traced.answer, self.traced.back
        if self._tracking is None or back is None:
            return answer
        values, back.values = tuple(back.values), []
        return self._tracking(answer, values, args, kwargs)


def _function_name(name: str) -> str:
    return name if identifier(name) == name else "step"


def _written(
    name: str, program: Program, traced: Traced, leaves: list[Any], backend: str
) -> tuple[str, Callable[..., Any], Writer]:
    """The source of a trace, the function made from it, and its writer."""
    if backend == "jax":
        from autodiff.compiler.jax_backend import JaxWriter

        around = JaxWriter(program, Plan())
        source = _source_of(around, name, traced, leaves)
        return f"{source}\n\n{around.pure}", _run(source, name, around.namespace), around
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
        lines.append(f"        return {writer.bind('another_call', _MISS)}")
    lines += [f"    {line}" for line in body]
    legend = [] if inner else [_summary(writer, function), *writer.legend, ""]
    return "\n".join([*(f"# {comment(line)}".rstrip("# ") for line in legend), *lines]) + "\n"


def _summary(writer: Writer, function: str) -> str:
    plan = writer.plan or Plan()
    where = f"{len(plan.buffers)} buffers of {plan.nbytes / 1024:.0f} KiB (b0, b1, ...)"
    where = "on Python's floats" if isinstance(writer, ScalarWriter) else where
    return f"{function}, compiled from one call: {len(writer.program.ops)} operations, {where}"


def _guards(writer: Writer, traced: Traced, leaves: list[Any], parameters: list[str], by_number: dict[int, Any]) -> Any:
    """The conditions under which the program is the right one for a call."""
    for i, (x, p) in enumerate(zip(leaves, parameters)):
        v = by_number.get(i)
        if v is None:
            yield _is_constant(writer, p, x)
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
    for holder in traced.reading.holders.values():
        yield holder.guard(writer.bind)


def _is_constant(writer: Writer, p: str, x: Any) -> str:
    """The guard of a static argument: an equal number or text, or the same object, as is built into the program."""
    kind = type(x)
    if kind is complex or (kind is float and (x == 0 or not np.isfinite(x))):
        return f"type({p}) is {kind.__name__} and repr({p}) == {repr(x)!r}"  # 0.0 and -0.0 are equal, 1 / x is not
    if kind in (bool, int, float, complex, str):
        return f"type({p}) is {kind.__name__} and {p} == {x!r}"
    if isinstance(x, np.str_):
        return f"type({p}) is {writer.bind(kind.__name__, kind)} and {p} == {writer.bind('argument', x)}"
    return f"{p} is {writer.bind('argument', x)}"


def _owner(what: str, thing: Any) -> str:
    return f"{what}_{getattr(thing, 'name', None) or 'w'}"


def _answer(writer: Writer, traced: Traced) -> str:
    """The returned expression, in the structure of the function's own first answer."""
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


def _kept(writer: Writer, traced: Traced) -> str:
    """The values saved for a backward pass, returned after the answer. An argument is not copied, as in a node."""
    if traced.back is None:
        return ""
    n = len(traced.kinds)
    pairs = zip(writer.program.outputs[n:], writer.returned_parts()[n:])
    parts = [writer.boxed(v) if isinstance(v, Value) and v.kind == "argument" else part for v, part in pairs]
    return f", ({''.join(f'{part}, ' for part in parts).rstrip()})"


def _untracked(array: Any) -> Tensor:
    return lift(array, None)


def _rebuild(structure: Any) -> Callable[[list[Any]], Any]:
    return lambda leaves: pytree.unflatten(structure, leaves)
