"""The objects outside a function, and their state before the call.

Tensors, and arrays that are combined with traced values, are *live*: the program reads them at every call. Everything
else that can change is *guarded*: the program runs only while it is unchanged. A change that no instruction showed is
found by comparison after the call, and undone.
"""

from __future__ import annotations

import functools
import itertools
import random
import threading
import types
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.compiler.reading import calls
from autodiff.compiler.reading.bytecode import UNKNOWN, Follower
from autodiff.compiler.reading.holders import (
    ATOMS,
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
    dict_of,
    entries_of,
    find,
    is_own,
    root,
    slots_of,
)
from autodiff.compiler.standins import drawing
from autodiff.compiler.tracer import Tracer
from autodiff.core.primitives import Primitive
from autodiff.errors import CompileError

RETURN = "Return the value, and keep it outside the function."
IN_PLACE = "To update a tensor, name it first, w = model.w; w -= ..., or write model.w.assign_(value)."
ARGUMENT = "Pass its value as an argument."
GENERATORS = "Use a generator of your own, rng = np.random.default_rng(seed); a program draws from it at every call."


class Outside:
    """What is known about the objects outside a function.

    Parameters
    ----------
    trace : Writer
        Is told about every Tensor that is met, and saves what may have to be restored.
    title : str
        The name of the compiled function, for messages.

    Attributes
    ----------
    holders : dict
        The places that were read, by their `identity`.
    modules : list of (dict, dict)
        The attributes of network modules, and a copy from when they were met.
    arrays : list of array
        All arrays that were met.
    frozen : list of (Tensor, Node)
        Tensors, with the nodes that they had.
    frames : dict of frame to Follower
        The frames of user code that are running.
    refusal : CompileError or None
        The first refusal: it ends the trace even if the user's code catches it.
    """

    def __init__(self, trace: Any, title: str) -> None:
        self.trace, self.title = trace, title
        self.holders: dict[Any, Holder] = {}
        self.modules: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.arrays: list[Any] = []
        self.frozen: list[tuple[Tensor, Any]] = []
        self.frames: dict[types.FrameType, Follower] = {}
        self.refusal: CompileError | None = None
        self._old: dict[int, Any] = {}
        self._borrowed: dict[int, Any] = {}
        self._held: list[tuple[str, Any]] = []
        self._objects: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._settings: dict[int, dict[str, Any]] = {}
        self._functions: dict[types.CodeType, list[types.FunctionType]] = defaultdict(list)
        self._pending: list[tuple[types.FrameType, Any, int]] = []
        self._is_read: dict[types.CodeType, tuple[bool, bool]] = {}
        self._generators: list[tuple[np.random.Generator, Any]] = []
        self._rebound: list[tuple[Holder, Any]] = []
        alone = threading.active_count() == 1  # other threads may draw from these
        self._random = (_global_state(), random.getstate()) if alone else None

    def is_old(self, x: Any) -> bool:
        """Whether an object is from outside, or is a view of an outside array."""
        return id(x) in self._old or id(x) in self._borrowed or (isinstance(x, np.ndarray) and id(root(x)) in self._old)

    def note(self, holder: Holder) -> Any:
        """Guard a place that was read, and meet the value found there."""
        if holder.identity not in self.holders:
            self.holders[holder.identity] = holder
            value = holder.before
            if isinstance(holder, (Cell, Global, Attribute, Item)) and type(value) is np.random.Generator:
                self._stand_in(holder, value)
            if not isinstance(holder, (Contents, Names, Numbers, Code)):
                self.meet(value, str(holder.key))
        return holder.before

    def _stand_in(self, holder: Holder, generator: np.random.Generator) -> None:
        """For the time of the trace, replace a generator by one whose draws are recorded and repeated at every call."""
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
        """Note an object from outside and all in it: Tensors are traced, containers compared when the call is over."""
        waiting: list[Any] = [value]
        ours: list[Any] = []  # what the library's objects hold: Tensors count, arrays and containers are not compared
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
                if not own:
                    self.hold(x, name)
            elif isinstance(x, np.random.Generator):
                self.trace.undo.add(x)
                self._generators.append((x, x.bit_generator.state))
            elif isinstance(x, (*CONTAINERS, tuple, frozenset, functools.partial)):
                found = entries_of(x)
                if isinstance(x, functools.partial):
                    self.note(Contents(x, "partial"))
                if isinstance(x, CONTAINERS) and not own:
                    self.hold(x, name)
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

    def hold(self, x: Any, name: str) -> None:
        """Save the entries of an array or a container, which must be the same when the call is over."""
        self.trace.undo.hold(x)
        self._held.append((name, x))

    def _meet_ours(self, x: Any) -> Iterator[Any]:
        """The contents of one of the library's objects. Modules are checked by `is_unchanged`, others by settings."""
        attributes = dict_of(x)
        if hasattr(x, "named_parameters") and attributes is not None:
            self.modules.append((attributes, dict(attributes)))
        elif attributes is not None:
            names = {n for kind in type(x).__mro__ for n, raw in kind.__dict__.items() if hasattr(type(raw), "__set__")}
            names -= {"__dict__", "__weakref__"}
            found = {**attributes, **{n: quietly(x, n) for n in names}}
            self._settings[id(x)] = {n: v for n, v in found.items() if isinstance(v, ATOMS)}
        yield from (attributes or {}).values()
        for name in slots_of(x):
            yield getattr(x, name, None)
        call = find(type(x), "__call__")
        if isinstance(call, types.FunctionType) and not calls.is_ours(call):
            yield call

    # --- reads of whole values ---

    def used(self, frame: types.FrameType, value: Any) -> None:
        """Note that all of a value is read, by an operator or a C function."""
        waiting, seen = [value], set()
        while waiting:
            x = waiting.pop()
            if isinstance(x, ATOMS) or x is UNKNOWN or id(x) in seen:
                continue
            seen.add(id(x))
            old = id(x) in self._old
            if isinstance(x, (*CONTAINERS, tuple, frozenset, functools.partial)):
                if old and not isinstance(x, (tuple, frozenset)):
                    self.note(Contents(x, type(x).__name__))
                waiting += entries_of(x)
            elif old and isinstance(x, np.ndarray):
                self._pending.append((frame, x, self.trace.uses.get(id(x), 0)))
            elif old and x is value and _is_iterator(x):
                raise self.refuse(frame, f"a {type(x).__name__} from outside is read, which advances it", ARGUMENT)

    def _read_all(self, frame: types.FrameType, x: Any) -> None:
        """Note that every attribute of an object is read, and of the objects that it holds."""
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
                    waiting.append(self.note(Attribute(y, name, find(y, name))))

    def _settle(self, frame: types.FrameType | None) -> None:
        """Decide about arrays that an instruction has used: those that the tracer met are live, others are guarded."""
        left = []
        for where, array, count in self._pending:
            if frame is not None and where is not frame:
                left.append((where, array, count))
            elif self.trace.uses.get(id(array), 0) == count and array.dtype != object:
                self.note(Numbers(array, "array"))
        self._pending = left

    # --- when the call is over ---

    def movable(self) -> list[Any]:
        """The generators that were met, whose state a run may advance."""
        return [generator for generator, _ in self._generators]

    def is_unchanged(self) -> bool:
        """Whether all modules still have the same attributes, and all Tensors the same nodes."""
        return all(
            now.keys() == before.keys() and all(now[key] is value for key, value in before.items())
            for now, before in self.modules
        ) and all(t._node is node for t, node in self.frozen)

    def _look_back(self) -> None:
        """Refuse changes that no instruction showed."""
        if self.refusal is not None:
            raise self.refusal
        for name, x in self._held:
            if self.trace.undo.has_changed(x) and not self.trace.is_state(x):
                raise self._refused_at(f"{name!r}, {a(x)} from outside, is changed", RETURN, "")
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
                random.setstate(python)
                np.random.set_state(legacy)  # noqa: NPY002 - the user's state is restored
                raise self._refused_at("random numbers of the whole process are drawn", GENERATORS, "")

    def _is_drawn_live(self, generator: Any) -> bool:
        drawn = [
            x for op in self.trace.ops if op.form == "live" for x in (*op.args, getattr(op.function, "__self__", 0))
        ]
        return any(getattr(x, "bit_generator", None) is generator.bit_generator for x in drawn)

    def refuse(self, frame: types.FrameType, what: str, instead: str) -> CompileError:
        """The error about something that a program cannot do; it is kept, in case the user's code catches it."""
        user: types.FrameType | None = frame
        while user is not None and (user not in self.frames or self._is_read.get(user.f_code, (0, False))[1]):
            user = user.f_back  # for a frame of the standard library, its caller
        place = user or frame
        error = self._refused_at(what, instead, f"{place.f_code.co_filename}:{place.f_lineno}")
        self.refusal = self.refusal or error
        return error

    def _refused_at(self, what: str, instead: str, place: str) -> CompileError:
        where = f" at {place}" if place else ""
        return CompileError(
            f"compile: {what}{where} while {self.title} runs; a program would not do this again in later calls. "
            f"{instead}"
        )


def a(x: Any) -> str:
    """The kind of an object, with its article."""
    kind = "array" if isinstance(x, np.ndarray) else type(x).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def _functions_in(primitive: Primitive) -> Iterator[Any]:
    """The user's functions in a primitive."""
    waiting = [*(dict_of(primitive) or {}).values(), *(getattr(primitive, n, None) for n in slots_of(primitive))]
    while waiting:
        x = waiting.pop()
        if isinstance(x, (list, tuple, dict)):
            waiting += entries_of(x)
        elif isinstance(x, types.FunctionType) and not calls.is_ours(x):
            yield x


def _is_iterator(x: Any) -> bool:
    return hasattr(type(x), "__next__") and not isinstance(find(type(x), "__next__"), types.FunctionType)


def quietly(x: Any, name: str) -> object:
    """An attribute of one of the library's objects; `MISSING` if reading it raises."""
    try:
        return getattr(x, name)
    except Exception:  # a property that has no value yet
        return MISSING


def _global_state() -> Any:
    return np.random.get_state(legacy=False)  # noqa: NPY002 - to see whether the user draws from it


def _equal_states(a: Any, b: Any) -> bool:
    """Whether two states of NumPy's global generator are equal."""
    (key, pos), (other, place) = ((x["state"]["key"], x["state"]["pos"]) for x in (a, b))
    return bool(a["bit_generator"] == b["bit_generator"] and pos == place and np.array_equal(key, other))
