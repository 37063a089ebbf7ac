"""Reading along: what the user's functions read and change while they are traced.

Every value that a function reads from outside is *live*, *guarded* or *refused*. Refused is anything that a program
could not repeat, such as a write to an outside object or a call of the clock; it is refused before it happens, with its
name and line. The interpreter reports each instruction (`sys.settrace`), and the `Follower` of the frame knows its
operands. The modules `outside`, `variables` and `functions` decide what these mean for a program.
"""

from __future__ import annotations

import gc
import sys
import types
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

from autodiff.arrays.tensors import Tensor
from autodiff.compiler.reading import calls
from autodiff.compiler.reading.bytecode import Follower
from autodiff.compiler.reading.functions import Functions
from autodiff.compiler.reading.holders import ATOMS, MISSING, Attribute, Cell, Code, Contents
from autodiff.compiler.tracer import Tracer
from autodiff.compiler.values import Value
from autodiff.errors import CompileError


class Reading(Functions):
    """Context manager: follow the user's code of this thread.

    Attributes
    ----------
    names : dict of Value to str
        The names of the user's variables that hold the values.
    """

    def __init__(self, trace: Any, title: str) -> None:
        super().__init__(trace, title)
        self.names: dict[Value, str] = {}
        self._users: dict[types.FrameType, Any] = {}
        self._user: Any = None
        self._active = False
        self._aside: set[types.FrameType] = set()
        self._quiet: dict[int, types.CodeType] = {}
        self._collectors = {getattr(c, "__code__", None) for c in (*gc.callbacks, weakref.finalize.__call__)}

    # --- beginning and end ---

    def __enter__(self) -> Reading:
        self._user = sys.gettrace()
        self._active = True
        frame = sys._getframe()
        frame.f_trace_opcodes = True  # Python 3.12 reports instructions only if this was set before `settrace`
        frame.f_trace_opcodes = False
        del frame  # it would hold itself, and with it the frame that traces, and all arrays of the trace
        sys.settrace(self._enters)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self._active = False
        sys.settrace(self._user)
        for holder, real in self._rebound:
            holder.put(real)
        for frame in self.frames:
            frame.f_trace_opcodes = False
        self.frames.clear()
        self._users.clear()
        self._aside.clear()
        if kind is None:
            self._settle(None)
            self._look_back()

    def begin(self, f: Any, static: list[Any], borrowed: list[Any]) -> None:
        """Meet the function itself and its arguments."""
        self.meet(f, self.title)
        for x in static:
            self.meet(x, "argument")
        for container in borrowed:
            self._borrowed[id(container)] = container
            self.hold(container, "argument")

    def done(self) -> None:
        """Drop what only the trace needed, and warn once about calls that later calls will not repeat."""
        if self.told:
            warnings.warn(
                f"compile: {self.title} calls {', '.join(dict.fromkeys(self.told))}. That happens only while its "
                f"program is written and checked; later calls run the program, without it.",
                UserWarning,
                stacklevel=5,
            )
        self.trace = None  # it holds all arrays of this run
        self._old.clear()
        self._borrowed.clear()
        self._held.clear()
        self._objects.clear()
        self._functions.clear()

    # --- the interpreter's events ---

    def _enters(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        # Nearly all calls are the engine's own and NumPy's. Hashing a code object takes longer than the rest of this.
        if id(frame.f_code) in self._quiet and self._user is None and not self._aside:
            return None
        user = self._user(frame, event, arg) if self._user is not None else None
        if not self._active or event != "call":
            return user
        by_others = frame.f_code.co_name == "__del__" or frame.f_code in self._collectors
        if frame.f_back in self._aside or by_others or calls.root_of(frame.f_globals.get("__name__")) == "importlib":
            self._aside.add(frame)  # run by the garbage collector or an import: not part of the function
            return self._ends_aside if user is None else user
        if not self._reads(frame):
            return user
        if user is not None:
            self._users[frame] = user
        frame.f_trace = self._inside  # Python 3.13 needs this before `f_trace_opcodes`
        frame.f_trace_opcodes = True
        if frame not in self.frames:
            self.frames[frame] = Follower(frame, self)
            self._starts(frame)
        return self._inside

    def _ends_aside(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        if event == "return":
            self._aside.discard(frame)
        return self._ends_aside

    def _inside(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        user = self._users.get(frame)
        if user is not None and event != "opcode":
            self._users[frame] = user(frame, event, arg)
        if not self._active:
            return user
        follower = self.frames.get(frame)
        if follower is None:
            return self._inside
        try:
            if event == "opcode":
                if self._pending:
                    self._settle(frame)
                follower.before(frame)
            elif event == "return":
                self._settle(frame)
                self._leaves(frame)
                caller = self.frames.get(frame.f_back) if frame.f_back is not None else None
                if caller is not None:
                    caller.child_returned(frame.f_code, arg)
        except CompileError:
            raise
        except Exception as error:
            raise self.refuse(
                frame, f"something is done that compile does not know ({type(error).__name__}: {error})", ""
            ) from error
        return self._inside

    def _reads(self, frame: types.FrameType) -> bool:
        code = frame.f_code
        if code in self._is_read:
            known = self._is_read[code][0]
        else:
            module = calls.root_of(frame.f_globals.get("__name__"))
            known = module not in calls.QUIET and not module.startswith("namedtuple_")
            self._is_read[code] = (known, module in sys.stdlib_module_names)
            if not known:
                self._quiet[id(code)] = code
        return known and (frame.f_back in self.frames or not self._is_read[code][1])

    def _leaves(self, frame: types.FrameType) -> None:
        """Note which values the user's variables hold."""
        for name, held in frame.f_locals.items():
            data = held._data if isinstance(held, Tensor) else held
            if isinstance(data, Tracer):
                self.names.setdefault(data._var, name)

    def _starts(self, frame: types.FrameType) -> None:
        """Find the function of a frame, and guard its code, its defaults and the enclosing variables."""
        code = frame.f_code
        functions = self._functions.get(code) or list(self._in_class(frame))
        variables = frame.f_locals if code.co_freevars else {}
        for f in functions:
            cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
            if any(Cell(c, name, None).now() is not variables.get(name, MISSING) for name, c in cells.items()):
                continue  # another function with the same code
            self.note(Code(f))
            for x in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
                self.meet(x, f.__name__)
            if f.__kwdefaults__:
                self.note(Contents(f.__kwdefaults__, f.__name__))
            for name, cell in cells.items():
                self.note(Cell(cell, name, Cell(cell, name, None).now()))
            for inner in _codes_in(code):
                self._cells[inner].update(set(inner.co_freevars).intersection(cells))
        if code.co_freevars:
            _ = frame.f_locals  # refresh it: its values are written back to the cells when this method has returned

    def _in_class(self, frame: types.FrameType) -> Iterator[types.FunctionType]:
        """The method that a frame runs, found in the class of its first argument."""
        code = frame.f_code
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if first is None or isinstance(first, ATOMS):
            return
        for kind in (first, type(first)) if isinstance(first, type) else (type(first),):
            for base in kind.__mro__:
                for name, raw in list(base.__dict__.items()):
                    for f in calls.plain_functions(raw):
                        if getattr(f, "__code__", None) is code:
                            self.note(Attribute(base, name, raw))
                            yield f


def _codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code objects defined inside another."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes_in(constant)
