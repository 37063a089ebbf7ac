"""Reading along: what the user's functions read and change while they are traced.

Every value that a function reads from outside becomes one of three things. Tensors, and arrays that meet traced values,
are *live*: the program looks at them in every call. All else that can be edited or bound anew is *guarded*: the program
runs only while it is what it was. What a program could not do again, a write to something from outside or a look at the
clock, is *refused* before it happens, with its name and line.
"""

from __future__ import annotations

import builtins
import contextvars
import functools
import gc
import itertools
import operator
import random
import sys
import threading
import time
import types
import warnings
import weakref
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.compiler.program import Value
from autodiff.compiler.reading import calls
from autodiff.compiler.reading.bytecode import UNKNOWN, Follower
from autodiff.compiler.reading.holders import (
    ATOMS,
    BYTES,
    CONTAINERS,
    MISSING,
    Attribute,
    Cell,
    Code,
    Contents,
    Global,
    Holder,
    Item,
    Names,
    Numbers,
    Setting,
    alike,
    dict_of,
    entries_of,
    find,
    is_own,
    same_entries,
    slots_of,
)
from autodiff.compiler.tracer import Tracer
from autodiff.errors import CompileError
from autodiff.primitives import Primitive
from autodiff.tensors import Tensor

_METADATA = frozenset(("shape", "ndim", "size", "dtype", "nbytes", "itemsize", "strides", "flags", "base"))


class Reading:
    """Context manager: follow the user's code of this thread.

    Parameters
    ----------
    trace : Writer
        Is told of every Tensor that is met.
    title : str
        Of the function that is compiled, for messages.

    Attributes
    ----------
    holders : dict
        What was read from outside, by its identity.
    modules : list of (dict, dict)
        The attributes of modules of networks, and what they were.
    names : dict of Value to str
        What the user's variables hold.
    """

    def __init__(self, trace: Any, title: str) -> None:
        self.trace, self.title = trace, title
        self.holders: dict[Any, Holder] = {}
        self.modules: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.arrays: list[Any] = []
        self.frozen: list[tuple[Tensor, Any]] = []
        self.names: dict[Value, str] = {}
        self.refusal: CompileError | None = None
        self.told: list[str] = []
        self._old: dict[int, Any] = {}
        self._borrowed: dict[int, Any] = {}
        self._containers: list[tuple[str, Any, list[Any]]] = []
        self._objects: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._settings: dict[int, dict[str, Any]] = {}
        self._frames: dict[types.FrameType, Follower] = {}
        self._functions: dict[types.CodeType, list[types.FunctionType]] = defaultdict(list)
        self._cells: dict[types.CodeType, set[str]] = defaultdict(set)
        self._pending: list[tuple[types.FrameType, Any, int]] = []
        self._is_read: dict[types.CodeType, tuple[bool, bool]] = {}
        self._generators: list[tuple[np.random.Generator, Any]] = []
        self._rebound: list[tuple[Holder, Any]] = []
        self._users: dict[types.FrameType, Any] = {}
        self._user: Any = None
        self._active = False
        self._aside: set[types.FrameType] = set()
        self._collectors = {getattr(c, "__code__", None) for c in gc.callbacks}

    # --- beginning and end ---

    def __enter__(self) -> Reading:
        alone = threading.active_count() == 1  # other threads may draw from these
        self._random = (_global_state(), random.getstate()) if alone else None
        self._user = sys.gettrace()
        self._active = True
        frame = sys._getframe()
        frame.f_trace_opcodes = True  # Python 3.12 tells of instructions only if this was asked for before `settrace`
        frame.f_trace_opcodes = False
        sys.settrace(self._enters)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self._active = False
        sys.settrace(self._user)
        for holder, real in self._rebound:
            holder.put(real)
        for frame in self._frames:
            frame.f_trace_opcodes = False
        self._frames.clear()
        self._users.clear()
        self._aside.clear()
        if kind is None:
            self._settle(None)
            self._look_back()

    def begin(self, f: Any, static: list[Any], borrowed: list[Any]) -> None:
        """Meet the function itself, and what it is called with."""
        self.meet(f, self.title)
        for x in static:
            self.meet(x, "argument")
        for container in borrowed:
            self._borrowed[id(container)] = container
            self._containers.append(("argument", container, entries_of(container)))

    def done(self) -> None:
        """Forget what only the trace needed; say once what the function does beside computing."""
        if self.told:
            warnings.warn(
                f"compile: {self.title} calls {', '.join(dict.fromkeys(self.told))}. That happens while its program is "
                f"written and checked; later calls run the program, without it.",
                UserWarning,
                stacklevel=5,
            )
        self.trace = None  # it holds all arrays of this run
        self._old.clear()
        self._borrowed.clear()
        self._containers.clear()
        self._objects.clear()
        self._functions.clear()

    def movable(self) -> list[Any]:
        """Generators that were met: their state may be moved on by a run."""
        return [generator for generator, _ in self._generators]

    def is_unchanged(self) -> bool:
        """Whether the modules that were found are made of the same things still."""
        return all(
            now.keys() == before.keys() and all(now[key] is value for key, value in before.items())
            for now, before in self.modules
        ) and all(t._node is node for t, node in self.frozen)

    def _look_back(self) -> None:
        """Refuse what was changed where no instruction told of it."""
        if self.refusal is not None:
            raise self.refusal
        for name, container, before in self._containers:
            if not same_entries(entries_of(container), before):
                raise self._refused_at(
                    f"{name!r}, a {type(container).__name__} from outside, is changed",
                    "Return what you want to keep, and keep it outside.",
                    "",
                )
        for x, before_attributes in self._objects.values():
            now = dict_of(x) or {}
            changed = [
                k for k in {**before_attributes, **now} if now.get(k, MISSING) is not before_attributes.get(k, MISSING)
            ]
            changed = [k for k in changed if not isinstance(find(type(x), k), functools.cached_property)]
            if changed and not calls.is_of_ours(x):
                raise self._refused_at(
                    f"the attribute {changed[0]!r} of a {type(x).__name__} is set", "Return the value instead.", ""
                )
        for generator, state in self._generators:
            if generator.bit_generator.state != state and not self._is_drawn_live(generator):
                raise self._refused_at(
                    "random numbers are drawn from a generator", "Draw them with ad.live(rng.normal, size=...).", ""
                )
        if self._random is not None and threading.active_count() == 1:
            legacy, python = self._random
            if random.getstate() != python or not _equal_states(_global_state(), legacy):
                raise self._refused_at("random numbers of the whole process are drawn", _GENERATORS, "")

    def _is_drawn_live(self, generator: Any) -> bool:
        drawn = [
            x for op in self.trace.ops if op.form == "live" for x in (*op.args, getattr(op.function, "__self__", 0))
        ]
        return any(getattr(x, "bit_generator", None) is generator.bit_generator for x in drawn)

    def _refused_at(self, what: str, instead: str, place: str) -> CompileError:
        where = f" at {place}" if place else ""
        return CompileError(
            f"compile: {what}{where} while {self.title} runs; a program would not do it again in later calls. {instead}"
        )

    def refuse(self, frame: types.FrameType, what: str, instead: str) -> CompileError:
        """The error about something that a program cannot do, noted also for those who catch it."""
        user: types.FrameType | None = frame
        while user is not None and (user not in self._frames or self._is_read.get(user.f_code, (0, False))[1]):
            user = user.f_back  # of Python's own library the caller
        place = user or frame
        error = self._refused_at(what, instead, f"{place.f_code.co_filename}:{place.f_lineno}")
        self.refusal = self.refusal or error
        return error

    # --- the interpreter's events ---

    def _enters(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        user = self._user(frame, event, arg) if self._user is not None else None
        if not self._active or event != "call":
            return user
        by_others = frame.f_code.co_name == "__del__" or frame.f_code in self._collectors
        if frame.f_back in self._aside or by_others or calls.root_of(frame.f_globals.get("__name__")) == "importlib":
            self._aside.add(frame)  # the collector's doing, at whatever moment, or an import: no part of the function
            return self._ends_aside if user is None else user
        if not self._reads(frame):
            return user
        if user is not None:
            self._users[frame] = user
        frame.f_trace = self._inside  # Python 3.13 wants it there first
        frame.f_trace_opcodes = True
        if frame not in self._frames:
            self._frames[frame] = Follower(frame, self)
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
        follower = self._frames.get(frame)
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
                caller = self._frames.get(frame.f_back) if frame.f_back is not None else None
                if caller is not None:
                    caller.child_returned(frame.f_code, arg)
        except CompileError:
            raise
        except Exception as error:
            raise self.refuse(
                frame, f"something that compile does not know ({type(error).__name__}: {error}) is done", ""
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
        return known and (frame.f_back in self._frames or not self._is_read[code][1])

    def _leaves(self, frame: types.FrameType) -> None:
        """Learn what the user's variables hold."""
        for name, held in frame.f_locals.items():
            data = held._data if isinstance(held, Tensor) else held
            if isinstance(data, Tracer):
                self.names.setdefault(data._var, name)

    def _starts(self, frame: types.FrameType) -> None:
        """Find the function of a frame: its code, its defaults and the variables around it are read."""
        code = frame.f_code
        functions = self._functions.get(code) or list(self._in_class(frame))
        variables = frame.f_locals if code.co_freevars else {}
        for f in functions:
            cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
            if any(Cell(c, name, None).now() is not variables.get(name, MISSING) for name, c in cells.items()):
                continue  # another function of the same code
            self._note(Code(f))
            for x in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
                self.meet(x, f.__name__)
            if f.__kwdefaults__:
                self._note(Contents(f.__kwdefaults__, f.__name__))
            for name, cell in cells.items():
                self._note(Cell(cell, name, Cell(cell, name, None).now()))
            for inner in _codes_in(code):
                self._cells[inner].update(set(inner.co_freevars).intersection(cells))
        if code.co_freevars:
            _ = frame.f_locals  # read anew: what it holds is written back to the cells when this has returned

    def _in_class(self, frame: types.FrameType) -> Iterator[types.FunctionType]:
        """The method that a frame runs, if its first argument has it."""
        code = frame.f_code
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if first is None or isinstance(first, ATOMS):
            return
        for kind in (first, type(first)) if isinstance(first, type) else (type(first),):
            for base in kind.__mro__:
                for name, raw in list(base.__dict__.items()):
                    for f in calls.plain_functions(raw):
                        if getattr(f, "__code__", None) is code:
                            self._note(Attribute(base, name, raw))
                            yield f

    # --- what is from outside ---

    def is_old(self, x: Any) -> bool:
        """Whether an object is from outside."""
        return id(x) in self._old or id(x) in self._borrowed

    def _note(self, holder: Holder) -> Any:
        """Something was read: it is guarded, and what was found is from outside."""
        if holder.identity not in self.holders:
            self.holders[holder.identity] = holder
            value = holder.before
            if isinstance(holder, (Cell, Global, Attribute, Item)) and type(value) is np.random.Generator:
                self._stand_in(holder, value)
            if not isinstance(holder, (Contents, Names, Numbers, Code)):
                self.meet(value, str(holder.key))
        return holder.before

    def _stand_in(self, holder: Holder, generator: np.random.Generator) -> None:
        """Put a generator there, for this trace, whose draws are drawn anew in every call."""
        from autodiff.compiler.standins import drawing

        if isinstance(holder, Attribute) and not is_own(holder.owner, str(holder.key)):
            kinds = holder.owner.__mro__ if isinstance(holder.owner, type) else type(holder.owner).__mro__
            base = next((k for k in kinds if holder.key in k.__dict__), None)
            if base is not None and not isinstance(base.__dict__[holder.key], types.MemberDescriptorType):
                holder = Attribute(base, holder.key, generator)
        try:
            holder.put(drawing(generator))
        except (AttributeError, TypeError):
            return
        self._rebound.append((holder, generator))

    def meet(self, value: Any, name: str) -> None:
        """Something from outside: Tensors in it are traced, containers looked at when all is done."""
        waiting: list[Any] = [value]
        ours: list[Any] = []  # what the library keeps for itself is its own business
        while waiting or ours:
            own = not waiting
            x = ours.pop() if own else waiting.pop()
            if isinstance(x, ATOMS) or id(x) in self._old or isinstance(x, Tracer):
                continue
            self._old[id(x)] = x
            rest = ours if own else waiting
            if isinstance(x, Tensor):
                self.trace.take(x)
                self.frozen.append((x, x._node))
            elif isinstance(x, np.ndarray):
                self.arrays.append(x)
            elif isinstance(x, np.random.Generator):
                self._generators.append((x, x.bit_generator.state))
            elif isinstance(x, (*CONTAINERS, tuple, frozenset, functools.partial)):
                found = entries_of(x)
                if isinstance(x, functools.partial):
                    self._note(Contents(x, "partial"))
                if isinstance(x, CONTAINERS) and not own:
                    self._containers.append((name, x, found))
                rest += found
            elif isinstance(x, types.FunctionType):
                self._functions[x.__code__].append(x)
                if calls.is_ours(x) or calls.root_of(x.__globals__.get("__name__")) in calls.QUIET:
                    for cell in x.__closure__ or ():
                        rest.append(Cell(cell, "", None).now())
                    rest += x.__defaults__ or ()
                    rest += (x.__kwdefaults__ or {}).values()
            elif isinstance(x, types.MethodType):
                rest += (x.__func__, x.__self__)
            elif isinstance(x, Primitive):
                rest += _functions_in(x)
            elif isinstance(x, (types.ModuleType, type, np.ufunc)):
                continue
            elif calls.is_of_ours(x):
                is_module = hasattr(x, "named_parameters")
                (rest if is_module and not calls.is_ours(type(x)) else ours).extend(self._meet_ours(x))
            elif (wrapped := find(x, "__wrapped__")) is not MISSING:
                rest.append(wrapped)

    def _meet_ours(self, x: Any) -> Iterator[Any]:
        """What an object of the library holds. Modules count their changes; optimisers and schedules have settings."""
        attributes = dict_of(x)
        if hasattr(x, "named_parameters") and attributes is not None:
            self.modules.append((attributes, dict(attributes)))
        elif attributes is not None:
            names = {n for kind in type(x).__mro__ for n, raw in kind.__dict__.items() if hasattr(type(raw), "__set__")}
            names -= {"__dict__", "__weakref__"}
            found = {**attributes, **{n: _quietly(x, n) for n in names}}
            self._settings[id(x)] = {n: v for n, v in found.items() if isinstance(v, ATOMS)}
        yield from (attributes or {}).values()
        for name in slots_of(x):
            yield getattr(x, name, None)
        call = find(type(x), "__call__")
        if isinstance(call, types.FunctionType) and not calls.is_ours(call):
            yield call

    # --- what the follower tells: reading ---

    def read_global(self, frame: types.FrameType, name: str) -> Any:
        """A global variable, or one of Python's own names."""
        found = frame.f_globals.get(name, MISSING)
        self._note(Global(frame.f_globals, name, found))
        if found is MISSING:
            return frame.f_builtins.get(name, UNKNOWN)
        return frame.f_globals[name]  # perhaps a generator that stands in for it

    def read_attribute(self, frame: types.FrameType, owner: Any, name: str) -> Any:
        """An attribute."""
        if isinstance(owner, np.ndarray):
            if name in _METADATA:
                return UNKNOWN
            self.used(frame, owner)
            return _bound(find(owner, name), owner, name)
        if isinstance(owner, np.random.RandomState) and self.is_old(owner):
            raise self.refuse(frame, f"random numbers are drawn (RandomState.{name})", _GENERATORS)
        if name == "__dict__" and self.is_old(owner):
            return self._asks_attributes(frame, [owner])
        if isinstance(owner, (Tracer, Tensor, super)):
            return UNKNOWN
        if isinstance(owner, types.ModuleType):
            if calls.root_of(owner.__name__) in calls.OURS or calls.root_of(owner.__name__) == "builtins":
                return vars(owner).get(name, UNKNOWN)
            if owner.__name__ == "os" and name in ("environ", "environb"):
                raise self.refuse(frame, "the environment (os.environ) is looked at", _ARGUMENT)
        elif not self.is_old(owner) and not isinstance(owner, type):
            if isinstance(owner, ATOMS) or calls.is_of_ours(owner):
                return UNKNOWN
            return _bound(find(owner, name), owner, name)
        raw = find(owner, name)
        if not isinstance(owner, (type, types.ModuleType)):
            if calls.is_of_ours(owner):
                return self._read_ours(frame, owner, name, raw)
            if id(owner) not in self._objects and id(owner) in self._old:
                self._objects[id(owner)] = (owner, dict(dict_of(owner) or {}))
        elif isinstance(owner, type) and calls.is_ours(owner):
            return _bound(raw, owner, name)
        if isinstance(owner, ATOMS) or type(owner) in _BUILT_IN:
            return _bound(raw, owner, name)
        self._note(Attribute(owner, name, raw))
        return _bound(find(owner, name), owner, name)

    def _read_ours(self, frame: types.FrameType, owner: Any, name: str, raw: Any) -> Any:
        """An attribute of a module of a network, an optimiser, a schedule."""
        own = is_own(owner, name)
        if own and hasattr(owner, "named_parameters"):
            self.meet(raw, name)  # its changes are counted
            return raw
        if own or hasattr(type(raw), "__set__"):
            value = raw if own else _quietly(owner, name)
            if isinstance(value, ATOMS):
                if not alike(self._settings.get(id(owner), {}).get(name, value), value):
                    raise self.refuse(
                        frame,
                        f"{type(owner).__name__}.{name} is read after it was set",
                        "Read it before, or outside of the function.",
                    )
                self._note(Setting(owner, name, value))
                return value
            if not own:
                return UNKNOWN
        functions = calls.plain_functions(raw)
        if own or not functions or not all(map(calls.is_ours, functions)):
            self._note(Attribute(owner, name, raw))
        return _bound(find(owner, name), owner, name)

    def read_item(self, frame: types.FrameType, owner: Any, key: Any) -> Any:
        """An item of a container, a part of an array."""
        if isinstance(owner, np.ndarray):
            self._read_part(owner, key)
            return UNKNOWN
        if not isinstance(owner, (*CONTAINERS, tuple)):
            return UNKNOWN
        get = find(type(owner), "__getitem__")
        whole = key is UNKNOWN or isinstance(key, slice) or not isinstance(get, _C_METHODS)
        if whole or isinstance(owner, (*BYTES, types.MappingProxyType)):
            self.used(frame, owner)
            return UNKNOWN
        value = Item(owner, key, None).now()
        if id(owner) in self._old and not isinstance(owner, tuple):
            self._note(Item(owner, key, value))
            value = Item(owner, key, None).now()  # perhaps a generator that stands in for it
        return UNKNOWN if value is MISSING else value

    def _read_part(self, array: Any, key: Any) -> None:
        if id(array) not in self._old:
            return
        known = key is not UNKNOWN and all(
            isinstance(k, (*ATOMS, np.ndarray)) for k in (key if isinstance(key, tuple) else (key,))
        )
        parts = key if isinstance(key, tuple) else (key,)
        part = tuple(k.copy() if isinstance(k, np.ndarray) else k for k in parts) if known else ...
        try:
            self._note(Numbers(array, "array", part))
        except (LookupError, TypeError, ValueError):
            self._note(Numbers(array, "array"))

    def used(self, frame: types.FrameType, value: Any) -> None:
        """Something looks at all of a value: an operator, a function of C."""
        waiting, seen = [value], set()
        while waiting:
            x = waiting.pop()
            if isinstance(x, ATOMS) or x is UNKNOWN or id(x) in seen:
                continue
            seen.add(id(x))
            old = id(x) in self._old
            if isinstance(x, (*CONTAINERS, tuple, frozenset, functools.partial)):
                if old and not isinstance(x, (tuple, frozenset)):
                    self._note(Contents(x, type(x).__name__))
                waiting += entries_of(x)
            elif old and isinstance(x, np.ndarray):
                self._pending.append((frame, x, self.trace.uses.get(id(x), 0)))
            elif old and x is value and _is_iterator(x):
                raise self.refuse(frame, f"a {type(x).__name__} from outside is read, which moves it on", _ARGUMENT)

    def _names_of(self, variables: dict[str, Any]) -> dict[str, Any]:
        """The variables of a module, by their dictionary: each is guarded when it is read."""
        self._old[id(variables)] = variables
        return variables

    def compared(self, frame: types.FrameType, a: Any, b: Any) -> None:
        """It is asked whether two values are the same object."""
        pair = (a, b)
        if a is b or not all(isinstance(x, (np.ndarray, Tracer, Tensor)) for x in pair):
            return
        given = [_stands_for_argument(x) for x in pair]
        if any(given) and all(g or self.is_old(x) for g, x in zip(given, pair)):
            raise self.refuse(
                frame,
                "whether an argument is another array (is), which may be so in one call and not in another, is asked",
                "Pass a flag that is a Python bool.",
            )

    def _settle(self, frame: types.FrameType | None) -> None:
        """Arrays that an instruction has used: they were traced, and are live, or their numbers were read."""
        left = []
        for where, array, count in self._pending:
            if frame is not None and where is not frame:
                left.append((where, array, count))
            elif self.trace.uses.get(id(array), 0) == count and array.dtype != object:
                self._note(Numbers(array, "array"))
        self._pending = left

    def imported(self, frame: types.FrameType, name: str) -> Any:
        """A module that is imported inside of the function."""
        return sys.modules.get(name, UNKNOWN)

    # --- what the follower tells: changing ---

    def writes(self, frame: types.FrameType, what: str, owner: Any, key: Any) -> None:
        """A variable, attribute or item is about to be bound, or something changed in place."""
        if what == "variable":
            if key in self._cells[frame.f_code] or self._is_of_old_function(frame, key):
                raise self.refuse(frame, f"the variable {key!r} of an enclosing function is set", _RETURN)
            return
        if what == "global":
            raise self.refuse(frame, f"the global {key!r} is set", _RETURN)
        if owner is UNKNOWN or not self.is_old(owner) or isinstance(owner, (Tensor, Tracer)):
            return
        if what == "attribute":
            raw = MISSING if isinstance(owner, (type, types.ModuleType)) else find(owner, key)
            if hasattr(type(raw), "__set__") and calls.is_of_ours(raw):
                return  # a setting of the library's own, which sees to it
            if calls.is_ours(find(type(owner), "__setattr__")) and not hasattr(owner, "named_parameters"):
                return  # the same
            if isinstance(raw, property):
                if calls.is_of_ours(owner) and calls.is_ours(raw.fset):
                    return
                if raw.fset is not None and not calls.is_ours(raw.fset):
                    return  # its own frame tells
            kind = owner.__name__ if isinstance(owner, (type, types.ModuleType)) else type(owner).__name__
            raise self.refuse(frame, f"the attribute {key!r} of {kind} is set", _RETURN)
        if what == "in place" and not isinstance(owner, (np.ndarray, *CONTAINERS)):
            return
        kind = type(owner).__name__
        if what == "item" and not isinstance(find(type(owner), "__setitem__"), _C_METHODS):
            return  # the frame of its own method tells
        raise self.refuse(frame, f"a {kind} from outside is written to", _RETURN)

    def _is_of_old_function(self, frame: types.FrameType, name: str) -> bool:
        return name in frame.f_code.co_freevars and any(
            isinstance(h, Code) and h.owner.__code__ is frame.f_code for h in self.holders.values()
        )

    # --- what the follower tells: calls ---

    def called(self, frame: types.FrameType, function: Any, args: list[Any]) -> Any:
        """A function is about to be called; what it returns, if that is known."""
        if function is UNKNOWN:
            for a in args:
                self.used(frame, a)
            return UNKNOWN
        while isinstance(function, functools.partial):
            if id(function) in self._old:
                self.used(frame, function)
            args, function = [*function.args, *args], function.func
        about = _ABOUT.get(function) if isinstance(function, (types.BuiltinFunctionType, type)) else None
        if function is globals:
            return self._names_of(frame.f_globals)
        if about is not None and args:
            return about(self, frame, args)
        if isinstance(function, weakref.ref):
            found = function()
            self.meet(found, "what a weak reference leads to")
            return found
        if isinstance(getattr(function, "__self__", None), contextvars.ContextVar):
            raise self.refuse(frame, "a context variable is looked at", _ARGUMENT)
        if isinstance(function, _C_METHODS) and function.__name__ in ("__setattr__", "__delattr__"):
            owners = [function.__self__] if isinstance(function, types.MethodWrapperType) else []
            return self._sets_attribute(frame, [*owners, *args])
        self._look_outside(frame, function)
        plain = function.__func__ if isinstance(function, types.MethodType) else function
        if isinstance(plain, types.FunctionType) and self._is_python_of_user(plain):
            return UNKNOWN
        changed = calls.changes_itself(function)
        if changed is not None and self.is_old(changed):
            raise self.refuse(
                frame, f"a {type(changed).__name__} from outside is changed ({function.__name__})", _RETURN
            )
        self._look_at_numpy(frame, function, args)
        owner = getattr(function, "__self__", None)
        if isinstance(owner, dict) and function.__name__ == "get" and args:
            self.read_item(frame, owner, args[0])
            return UNKNOWN
        if isinstance(owner, (*CONTAINERS, tuple, np.ndarray)):
            self.used(frame, owner)
        if isinstance(function, type) and not calls.is_ours(function) and not _is_built_in(function):
            return UNKNOWN  # the frames of its methods tell
        if function in calls.ASKS_ONLY if isinstance(function, (type, types.BuiltinFunctionType)) else False:
            return UNKNOWN
        deep = calls.root_of(getattr(function, "__module__", "")) in calls.READS_ALL
        deep = deep or isinstance(function, (operator.attrgetter, operator.methodcaller))
        for a in args:
            self.used(frame, a)
            if deep and id(a) in self._old and not isinstance(a, (Tensor, np.ndarray)):
                self._read_all(frame, a)
        return UNKNOWN

    def _is_python_of_user(self, function: types.FunctionType) -> bool:
        return calls.root_of(function.__globals__.get("__name__")) not in calls.QUIET

    def _look_outside(self, frame: types.FrameType, function: Any) -> None:
        """Refuse the clock, files and the like; name what is harmless once."""
        module = calls.root_of(getattr(function, "__module__", None))
        name = getattr(function, "__name__", type(function).__name__)
        if function is builtins.print or function is time.sleep or module in calls.HARMLESS:
            self.told.append(f"{name}() at {frame.f_code.co_filename}:{frame.f_lineno}")
            return
        outside = calls.is_from_outside(function)
        if outside == "random numbers":
            raise self.refuse(frame, f"random numbers are drawn ({module}.{name})", _GENERATORS)
        if outside:
            raise self.refuse(frame, f"{name}() looks at, or changes, {outside}", _ARGUMENT)

    def _look_at_numpy(self, frame: types.FrameType, function: Any, args: list[Any]) -> None:
        owner = getattr(function, "__self__", None)
        name = getattr(function, "__name__", "")
        if isinstance(owner, np.random.RandomState):
            raise self.refuse(frame, f"random numbers are drawn (np.random.{name})", _GENERATORS)
        if isinstance(owner, np.random.Generator) and type(owner) is np.random.Generator and id(owner) in self._old:
            raise self.refuse(frame, f"random numbers are drawn ({name})", f"Write ad.live(rng.{name}, ...).")
        if function is np.random.default_rng and not any(a is not None for a in args):
            raise self.refuse(frame, "a generator of random numbers is made from no seed", _GENERATORS)
        if name in calls.WRITERS_OF_NUMPY and calls.is_ours(function) and args and self.is_old(args[0]):
            raise self.refuse(frame, f"np.{name} writes into an array from outside", _RETURN)

    def _read_all(self, frame: types.FrameType, x: Any) -> None:
        """Every attribute of an object, and of those that it holds."""
        waiting = [x]
        seen: set[int] = set()
        while waiting:
            y = waiting.pop()
            if id(y) in seen or isinstance(y, (*ATOMS, Tensor, type, types.ModuleType, types.FunctionType)):
                continue
            seen.add(id(y))
            if isinstance(y, (*CONTAINERS, tuple, frozenset)):
                self.used(frame, y)
                waiting += entries_of(y)
            elif isinstance(y, np.ndarray):
                self.meet(y, "array")
                self.used(frame, y)
            elif not calls.is_of_ours(y):
                for name in itertools.chain(dict_of(y) or {}, slots_of(y)):
                    self.meet(y, name)
                    waiting.append(self._note(Attribute(y, name, find(y, name))))

    # --- functions that ask what something is ---

    def _asks_type(self, frame: types.FrameType, args: list[Any]) -> Any:
        x = args[0]
        if isinstance(x, Tracer) or (isinstance(x, Tensor) and type(x) is not x.__class__):
            raise self.refuse(
                frame, "type() of a traced value is asked", "Ask isinstance(x, ad.Tensor), or np.ndim(x)."
            )
        return UNKNOWN if x is UNKNOWN or len(args) > 1 else type(x)

    def _asks_instance(self, frame: types.FrameType, args: list[Any]) -> Any:
        x = args[0]
        if isinstance(x, Tracer):
            kinds = args[1] if len(args) > 1 else UNKNOWN
            try:
                known = isinstance(x, kinds) == isinstance(x._value, kinds)
            except TypeError:  # kinds that are not known here
                known = False
            if not known:
                raise self.refuse(
                    frame,
                    "isinstance() of a traced value, which is not what it stands for,",
                    "Decide by x.ndim or x.dtype, or outside of the function.",
                )
        return UNKNOWN

    def _asks_attribute(self, frame: types.FrameType, args: list[Any]) -> Any:
        x, name = args[0], args[1] if len(args) > 1 else UNKNOWN
        if x is UNKNOWN or not isinstance(name, str):
            return UNKNOWN
        if isinstance(x, Tracer):
            if hasattr(x._value, name) != hasattr(type(x), name):
                raise self.refuse(frame, f"whether a traced value has the attribute {name!r} is asked", _ARGUMENT)
            return UNKNOWN
        return self.read_attribute(frame, x, name)

    def _has_attribute(self, frame: types.FrameType, args: list[Any]) -> Any:
        self._asks_attribute(frame, args)
        return UNKNOWN

    def _sets_attribute(self, frame: types.FrameType, args: list[Any]) -> Any:
        if len(args) > 1 and isinstance(args[1], str):
            self.writes(frame, "attribute", args[0], args[1])
        return UNKNOWN

    def _asks_attributes(self, frame: types.FrameType, args: list[Any]) -> Any:
        x = args[0]
        if id(x) not in self._old or isinstance(x, Tensor):
            return UNKNOWN
        self._read_all(frame, x)
        if isinstance(x, types.ModuleType) and not calls.is_ours(x):
            return self._names_of(vars(x))
        if isinstance(x, type) and not calls.is_ours(x) and not _is_built_in(x):
            for name, raw in dict_of(x).items():  # type: ignore[union-attr]
                self._note(Attribute(x, name, raw))
        if not calls.is_of_ours(x) and not isinstance(x, types.ModuleType) and dict_of(x) is not None:
            self._note(Names(x))
        return UNKNOWN

    def _takes_next(self, frame: types.FrameType, args: list[Any]) -> Any:
        self.used(frame, args[0])
        return UNKNOWN

    def _imports(self, frame: types.FrameType, args: list[Any]) -> Any:
        return sys.modules.get(args[0], UNKNOWN) if isinstance(args[0], str) else UNKNOWN

    def _asks_identity(self, frame: types.FrameType, args: list[Any]) -> Any:
        if _stands_for_argument(args[0]):
            raise self.refuse(frame, "the id() of an argument is asked", "Pass a flag that is a Python bool.")
        return UNKNOWN

    def _lists_attributes(self, frame: types.FrameType, args: list[Any]) -> Any:
        self._asks_attributes(frame, args)
        return UNKNOWN

    def _asks_length(self, frame: types.FrameType, args: list[Any]) -> Any:
        if not isinstance(args[0], np.ndarray):
            self.used(frame, args[0])
        return UNKNOWN


_RETURN = "Return the value, and keep it outside of the function."
_ARGUMENT = "Pass what it gives as an argument."
_GENERATORS = "Use a generator of your own, rng = np.random.default_rng(seed), which is drawn from anew in every call."

_ABOUT: dict[Any, Any] = {
    type: Reading._asks_type,
    isinstance: Reading._asks_instance,
    getattr: Reading._asks_attribute,
    hasattr: Reading._has_attribute,
    setattr: Reading._sets_attribute,
    delattr: Reading._sets_attribute,
    vars: Reading._asks_attributes,
    dir: Reading._lists_attributes,
    next: Reading._takes_next,
    iter: Reading._takes_next,
    len: Reading._asks_length,
    __import__: Reading._imports,
    id: Reading._asks_identity,
}

_C_METHODS = (
    types.WrapperDescriptorType, types.MethodDescriptorType, types.BuiltinFunctionType, types.MethodWrapperType
)  # fmt: skip
_BUILT_IN = {*CONTAINERS, tuple, frozenset, str, bytes}


def _is_built_in(kind: type) -> bool:
    return calls.root_of(kind.__module__) in ("builtins", "collections", "itertools", "_collections")


def _functions_in(primitive: Primitive) -> Iterator[Any]:
    """The functions of a user's that a primitive is made of."""
    waiting = [*(dict_of(primitive) or {}).values(), *(getattr(primitive, n, None) for n in slots_of(primitive))]
    while waiting:
        x = waiting.pop()
        if isinstance(x, (list, tuple, dict)):
            waiting += entries_of(x)
        elif isinstance(x, types.FunctionType) and not calls.is_ours(x):
            yield x


def _stands_for_argument(x: Any) -> bool:
    x = x._data if isinstance(x, Tensor) else x
    return isinstance(x, Tracer) and x._var.kind == "argument"


def _is_iterator(x: Any) -> bool:
    return hasattr(type(x), "__next__") and not isinstance(find(type(x), "__next__"), types.FunctionType)


def _quietly(x: Any, name: str) -> Any:
    """An attribute of an object of ours, or `MISSING`."""
    try:
        return getattr(x, name)
    except Exception:  # a property that has nothing to say yet
        return MISSING


def _bound(raw: Any, owner: Any, name: str) -> Any:
    """What an attribute gives, where that is known without asking anybody."""
    if raw is MISSING:
        return UNKNOWN
    if isinstance(owner, types.ModuleType) or is_own(owner, name):
        return raw
    if isinstance(raw, types.FunctionType):
        return raw if isinstance(owner, type) else types.MethodType(raw, owner)
    if isinstance(raw, staticmethod):
        return raw.__func__
    if isinstance(raw, classmethod):
        return types.MethodType(raw.__func__, owner if isinstance(owner, type) else type(owner))
    if isinstance(raw, types.ClassMethodDescriptorType):
        return raw.__get__(None, owner if isinstance(owner, type) else type(owner))
    if isinstance(raw, (types.MethodDescriptorType, types.WrapperDescriptorType)):
        return raw if isinstance(owner, type) else raw.__get__(owner, type(owner))
    return UNKNOWN if hasattr(type(raw), "__get__") else raw


def _codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code objects defined inside of another."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes_in(constant)


def _global_state() -> Any:
    return np.random.get_state(legacy=False)  # noqa: NPY002 - to see whether the user draws from it


def _equal_states(a: Any, b: Any) -> bool:
    """Whether NumPy's own generator, the one without a name, is where it was."""
    (key, pos), (other, place) = ((x["state"]["key"], x["state"]["pos"]) for x in (a, b))
    return bool(a["bit_generator"] == b["bit_generator"] and pos == place and np.array_equal(key, other))
