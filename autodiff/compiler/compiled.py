"""`Compiled`: a function that is traced once for each kind of call and afterwards runs as a NumPy program."""

from __future__ import annotations

import functools
import gc
import linecache
import os
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.tensors import Tensor
from autodiff.compiler.buffers import apart
from autodiff.compiler.entry import MISS, Entry
from autodiff.compiler.program import Program
from autodiff.compiler.reporting import Report, report
from autodiff.compiler.second_look import Differs, compared, first_line, first_wrong
from autodiff.compiler.tracing import trace
from autodiff.core import switches
from autodiff.core.tape import Leaf
from autodiff.errors import AutodiffError, CompileError, MatrixError

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner")
Rest = ParamSpec("Rest")
_MANY = 8
CHECK: int | str = 1
"""How many calls of each program are compared with the function if `check` is 1, its default; tests set "always"."""


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

    Raises
    ------
    CompileError
        If `check` is neither a number of calls nor "always".

    Notes
    -----
    It has the name, the docstring and the signature of the function. In a class it is a method.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> f = ad.compile(lambda x: np.sin(x) * 2)
    >>> f(np.zeros(2))
    array([0., 0.])
    >>> "sin" in f.source
    True
    """

    __autodiff_program__ = True
    __name__: str
    __wrapped__: Callable[P, R]

    def __init__(
        self,
        f: Callable[P, R],
        fallback: bool = False,
        backend: str = "numpy",
        check: int | str = 1,
        mesh: Any = None,
        shardings: Mapping[str, Any] | None = None,
    ) -> None:
        if check != "always" and (not isinstance(check, int) or check < 0):
            raise CompileError(f'compile: check must be a number of calls or "always"; {check!r} was given.')
        self._f, self._fallback, self._backend = f, fallback, backend
        self.check, self._mesh, self._shardings, self._layout = check, mesh, shardings, None
        if backend == "jax":
            from autodiff.compiler.jax_backend import layout_of

            self._layout = layout_of(mesh, shardings)
        elif mesh is not None or shardings is not None:
            raise CompileError(f'compile: mesh= and shardings= need backend="jax"; it is {backend!r}.')
        functools.update_wrapper(self, f, updated=())
        self.__dict__.setdefault("__name__", type(f).__name__)
        self._entries: list[Entry] = []
        self._has_numbers = False  # whether a program needs no lock
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
        given = {"fallback": self._fallback, "backend": self._backend, "check": self.check}
        others = {"mesh": self._mesh, "shardings": self._shardings}
        return given | {name: value for name, value in others.items() if value is not None}

    def report(self, *args: P.args, **kwargs: P.kwargs) -> Report:
        """What the latest program does line by line, and what each line costs; what it changes is put back.

        Parameters
        ----------
        *args, **kwargs
            Arguments to measure with; without any, those of the first call, if they still exist.

        Returns
        -------
        Report
            Printed, a table: microseconds, whether a line calls C, and the line.

        Raises
        ------
        CompileError
            If the arguments of the first call are gone, or the program was not written for those given.

        Examples
        --------
        >>> import numpy as np, autodiff as ad
        >>> f = ad.compile(lambda x: np.sum(np.sin(x)) * 2.0)
        >>> x = np.ones(3)
        >>> _ = f(x)
        >>> len(f.report().lines)
        4
        """
        entry = self._latest()
        given = (args, kwargs) if args or kwargs else entry.example_arguments()
        if given is None:
            raise CompileError(f"report: the arguments of the first call are gone; call {self.__name__}.report(...).")
        state = entry.traced.state()
        with self._lock:
            if entry.run(*given) is MISS:
                state.restore()
                raise CompileError("report: the latest program was not written for these arguments.")
            state.restore()
            found = report(lambda: entry.run(*given), entry.summary, state.restore, entry.in_c)
            found.device_bytes = entry.device_bytes
            return found

    def write_c(self, folder: str | os.PathLike[str], *examples: Any, **others: Compiled[..., Any]) -> list[Path]:
        """Write the latest program as C that stands alone: no Python, no library but C's, no memory from a heap.

        Parameters, the state of the optimiser and constants are arrays in the C file, with their values of now.

        Parameters
        ----------
        folder : path
            For ``NAME.c``, ``NAME.h`` and ``main.c``; the function and its files have the name of this function.
        *examples : array
            Arguments of the shapes and dtypes of the latest call, with which ``main.c`` calls the function three times.
        **others : Compiled
            Other functions for the same file, by their names in C; functions that share parameters share them there.

        Returns
        -------
        list of Path
            The files. ``cc -O2 NAME.c main.c -lm`` builds them.

        Raises
        ------
        CompileError
            If something in the program runs in Python at every call, such as a draw of random numbers.

        Examples
        --------
        >>> import tempfile, numpy as np, autodiff as ad
        >>> f = ad.compile(lambda x: np.sum(np.tanh(x)), backend="native")
        >>> _ = f(np.ones(3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in f.write_c(folder, np.ones(3))]
        ['function.c', 'function.h', 'main.c']
        """
        from autodiff.compiler.native.carrying import write_c

        programs = {self.__name__ if self.__name__.isidentifier() else "function": self._latest().pure}
        return write_c(programs | {name: other._latest().pure for name, other in others.items()}, folder, examples)

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

    def _latest(self) -> Entry:
        if not self._entries:
            raise CompileError(
                f"compile: {self.__name__} has not been called yet; its program is written at the first call."
            )
        return self._entries[-1]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the program for arguments of this kind, or, the first time, the function itself."""
        if switches.active and switches.tracer() is not None:
            return self._f(*args, **kwargs)  # a caller is being compiled, and this call is a part of it
        if self._has_numbers:
            for entry in self._entries:
                if entry.has_only_numbers and not entry.unchecked:
                    try:
                        result = entry.run(args, kwargs)
                    except Exception as error:
                        result = self._failed(error, args, kwargs)
                    if result is not MISS:
                        return result
        lock = self._lock  # threads share the buffers of a program, and simultaneous first calls make one trace
        lock.acquire()  # `with` would take twice as long, which counts where a step takes microseconds
        try:
            for entry in self._entries:
                if entry.unchecked:
                    result = self._checked(entry, args, kwargs)
                else:
                    try:
                        result = entry.run(args, kwargs)
                    except Exception as error:
                        result = self._failed(error, args, kwargs)
                if result is not MISS:
                    return result
            return self._trace(args, kwargs)
        finally:
            lock.release()

    def _failed(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(error, AutodiffError) and error.of_another_call and not _has_changed_something(error):
            return MISS
        return self._after(error, args, kwargs)

    def _checked(self, entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of a program after comparing it with the function itself."""
        state = entry.traced.state()
        try:
            answer = compared(
                lambda: entry.run(args, kwargs), MISS, lambda: self._eagerly(args, kwargs), state, entry.agrees_to
            )
        except Differs as found:
            return self._differs(entry, found, args, kwargs)
        if answer is not MISS and entry.unchecked != "always":
            entry.unchecked -= 1  # type: ignore[operator]  # an integer, since it is not "always"
        return answer

    def _differs(self, entry: Entry, found: Differs, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
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
        return self._eagerly(args, kwargs)

    def _first_line(self, entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
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
                now = Entry(self._f, self.__name__, self._backend, traced, leaves, structure, bool(kwargs), 0)
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
        answer = self._eagerly(args, kwargs)
        self._give_up(_surprise(f"the program of {self.__name__} fails where the function does not", error))
        return answer

    def _eagerly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The answer of the function itself."""
        args, kwargs = self._whole(args, kwargs)
        return self._f(*args, **kwargs)

    def _whole(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """All of the arguments, if this process feeds a part of them."""
        if self._layout is None or self._layout.groups == 1:
            return args, kwargs
        leaves, structure = pytree.flatten((args, kwargs))
        return pytree.unflatten(structure, [*map(self._layout.gathered, leaves)])

    def _trace(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._refused is not None:
            return self._eagerly(args, kwargs)
        leaves, structure = pytree.flatten((args, kwargs))
        if any(map(_is_result, leaves)):
            if switches.is_recording():  # the result must be tracked through these arguments, which a program cannot do
                return self._f(*args, **kwargs)
            args, kwargs = pytree.unflatten(structure, [x.detach() if _is_result(x) else x for x in leaves])
            return self(*args, **kwargs)
        if self._layout is not None:
            self._layout.check(self._f, args, kwargs)
            args, kwargs = self._whole(args, kwargs)
            leaves, structure = pytree.flatten((args, kwargs))
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
            rest = traced._replace(undo=None), leaves, structure, bool(kwargs), check, self._layout
            with _without_collection():
                try:
                    entry = Entry(self._f, self.__name__, self._backend, *rest)
                except CompileError as error:  # there is no C compiler, or it failed
                    if self._backend != "native" or not self._fallback:
                        raise
                    self._backend = "numpy"
                    warnings.warn(f"{error} It runs as a NumPy program from now on.", UserWarning, stacklevel=3)
                    entry = Entry(self._f, self.__name__, self._backend, *rest)
        except Exception as error:
            if not self._fallback and traced.undo is not None:  # the call ends with an error: it has changed nothing
                traced.undo.restore()
            self._give_up(_surprise(f"the program of {self.__name__} cannot be written", error))
            return traced.answer
        self._entries.append(entry)
        self._has_numbers |= entry.has_only_numbers
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


@contextmanager
def _without_collection() -> Iterator[None]:
    """No search for garbage: among thousands of new objects that are all needed it takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
        if not module.startswith(within) or module in (f"{within}tracer", f"{within}record"):
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
