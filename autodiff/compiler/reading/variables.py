"""Variables, attributes and items that a function reads, and those that it is about to set."""

from __future__ import annotations

import sys
import types
from collections import defaultdict
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.compiler.reading import calls
from autodiff.compiler.reading.bytecode import UNKNOWN
from autodiff.compiler.reading.holders import (
    ATOMS,
    BYTES,
    CONTAINERS,
    MISSING,
    Attribute,
    Code,
    Global,
    Item,
    Names,
    Numbers,
    Setting,
    alike,
    dict_of,
    find,
    is_own,
)
from autodiff.compiler.reading.outside import ARGUMENT, GENERATORS, IN_PLACE, RETURN, Outside, a, quietly
from autodiff.compiler.tracer import Tracer

_METADATA = frozenset(("shape", "ndim", "size", "dtype", "nbytes", "itemsize", "strides", "flags", "base"))


class Variables(Outside):
    """What the instructions of the user's code read and what they set."""

    def __init__(self, trace: Any, title: str) -> None:
        super().__init__(trace, title)
        self._cells: dict[types.CodeType, set[str]] = defaultdict(set)

    def read_global(self, frame: types.FrameType, name: str) -> object:
        """Note the read of a global variable or a builtin, and return its value."""
        found = frame.f_globals.get(name, MISSING)
        self.note(Global(frame.f_globals, name, found))
        if found is MISSING:
            return frame.f_builtins.get(name, UNKNOWN)
        return frame.f_globals[name]  # `note` may have put a stand-in for a generator there

    def read_attribute(self, frame: types.FrameType, owner: Any, name: str) -> object:
        """Note the read of an attribute, and return its value if that is known without running user code."""
        if isinstance(owner, np.ndarray):
            if name in _METADATA:
                return UNKNOWN
            self.used(frame, owner)
            return _bound(find(owner, name), owner, name)
        if isinstance(owner, np.random.RandomState) and self.is_old(owner):
            raise self.refuse(frame, f"random numbers are drawn (RandomState.{name})", GENERATORS)
        if name == "__dict__" and self.is_old(owner):
            return self.read_attributes(frame, owner)
        if isinstance(owner, (Tracer, Tensor, super)):
            return owner.shape if name == "shape" and not isinstance(owner, super) else UNKNOWN
        if isinstance(owner, types.ModuleType):
            if calls.root_of(owner.__name__) in calls.OURS or calls.root_of(owner.__name__) == "builtins":
                return vars(owner).get(name, UNKNOWN)
            if owner.__name__ == "os" and name in ("environ", "environb"):
                raise self.refuse(frame, "the environment (os.environ) is read", ARGUMENT)
        elif not self.is_old(owner) and not isinstance(owner, type):
            if isinstance(owner, ATOMS) or calls.is_of_ours(owner):
                return UNKNOWN
            return _bound(find(owner, name), owner, name)
        raw = find(owner, name)
        if not isinstance(owner, (type, types.ModuleType)):
            if calls.is_of_ours(owner):
                return self._read_ours(frame, owner, name, raw)
            if id(owner) not in self._objects and id(owner) in self._old:
                attributes = dict_of(owner)
                self._objects[id(owner)] = (owner, dict(attributes or {}))
                if attributes is not None:
                    self.trace.undo.hold(attributes)
        elif isinstance(owner, type) and calls.is_ours(owner):
            return _bound(raw, owner, name)
        if isinstance(owner, ATOMS) or type(owner) in _BUILT_IN:
            return _bound(raw, owner, name)
        self.note(Attribute(owner, name, raw))
        return _bound(find(owner, name), owner, name)

    def _read_ours(self, frame: types.FrameType, owner: Any, name: str, raw: Any) -> Any:
        """Note the read of an attribute of one of the library's objects: a network module, an optimiser, a schedule."""
        own = is_own(owner, name)
        if own and hasattr(owner, "named_parameters"):
            self.meet(raw, name)  # no guard: `is_unchanged` watches the attributes of modules
            return raw
        if own or hasattr(type(raw), "__set__"):
            value = raw if own else quietly(owner, name)
            if isinstance(value, ATOMS):
                if not alike(self._settings.get(id(owner), {}).get(name, value), value):
                    raise self.refuse(
                        frame,
                        f"{type(owner).__name__}.{name} is read after it was set",
                        "Read it before, or outside the function.",
                    )
                self.note(Setting(owner, name, value))
                return value
            if not own:
                return UNKNOWN
        functions = calls.plain_functions(raw)
        if own or not functions or not all(map(calls.is_ours, functions)):
            self.note(Attribute(owner, name, raw))
        return _bound(find(owner, name), owner, name)

    def read_attributes(self, frame: types.FrameType, x: Any) -> object:
        """Note that all attributes of an object are read; for a Python module return its dictionary."""
        if id(x) not in self._old or isinstance(x, Tensor):
            return UNKNOWN
        self._read_all(frame, x)
        if isinstance(x, types.ModuleType) and not calls.is_ours(x):
            return self._names_of(vars(x))
        if isinstance(x, type) and not calls.is_ours(x) and not is_built_in(x):
            for name, raw in vars(x).items():
                self.note(Attribute(x, name, raw))
        if not calls.is_of_ours(x) and not isinstance(x, types.ModuleType) and dict_of(x) is not None:
            self.note(Names(x))
        return UNKNOWN

    def _names_of(self, variables: dict[str, Any]) -> dict[str, Any]:
        """The dictionary of a module's variables; each variable is guarded when it is read."""
        self._old[id(variables)] = variables
        return variables

    def read_item(self, frame: types.FrameType, owner: Any, key: Any) -> object:
        """Note the read of an item of a container or a part of an array, and return the item if it is known."""
        if isinstance(owner, np.ndarray):
            self._read_part(owner, key)
            return UNKNOWN
        if not isinstance(owner, (*CONTAINERS, tuple)):
            return UNKNOWN
        get = find(type(owner), "__getitem__")
        whole = key is UNKNOWN or isinstance(key, slice) or not isinstance(get, C_METHODS)
        if whole or isinstance(owner, (*BYTES, types.MappingProxyType)):
            self.used(frame, owner)
            return UNKNOWN
        value = Item(owner, key, None).now()
        if id(owner) in self._old and not isinstance(owner, tuple):
            self.note(Item(owner, key, value))
            value = Item(owner, key, None).now()  # `note` may have put a stand-in for a generator there
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
            self.note(Numbers(array, "array", part))
        except (LookupError, TypeError, ValueError):
            self.note(Numbers(array, "array"))

    def compared(self, frame: types.FrameType, a: Any, b: Any) -> None:
        """Check a comparison of two values by identity (``is``)."""
        pair = (a, b)
        if a is b or not all(isinstance(x, (np.ndarray, Tracer, Tensor)) for x in pair):
            return
        given = [stands_for_argument(x) for x in pair]
        if any(given) and all(g or self.is_old(x) for g, x in zip(given, pair)):
            raise self.refuse(
                frame,
                "an argument is compared with another array by identity (is)",
                "The answer may differ from call to call. Pass a flag that is a Python bool.",
            )

    def imported(self, frame: types.FrameType, name: str) -> object:
        """A module that is imported inside the function."""
        return sys.modules.get(name, UNKNOWN)

    # --- changing ---

    def writes(self, frame: types.FrameType, what: str, owner: Any, key: Any) -> None:
        """Refuse to set a variable, attribute or item from outside, or to change an outside object in place."""
        if what == "variable":
            if key in self._cells[frame.f_code] or self._is_of_old_function(frame, key):
                raise self.refuse(frame, f"the variable {key!r} of an enclosing function is set", RETURN)
            return
        if what == "global":
            raise self.refuse(frame, f"the global {key!r} is set", RETURN)
        if owner is UNKNOWN or not self.is_old(owner) or isinstance(owner, (Tensor, Tracer)):
            return
        if what == "attribute":
            raw = MISSING if isinstance(owner, (type, types.ModuleType)) else find(owner, key)
            if hasattr(type(raw), "__set__") and calls.is_of_ours(raw):
                return  # a descriptor of the library, which records the change itself
            if calls.is_ours(find(type(owner), "__setattr__")) and not hasattr(owner, "named_parameters"):
                return  # a ``__setattr__`` of the library, which does the same
            if isinstance(raw, property):
                if calls.is_of_ours(owner) and calls.is_ours(raw.fset):
                    return
                if raw.fset is not None and not calls.is_ours(raw.fset):
                    return  # the frame of its setter is followed
            kind = owner.__name__ if isinstance(owner, (type, types.ModuleType)) else type(owner).__name__
            instead = IN_PLACE if isinstance(raw, Tensor) else RETURN
            raise self.refuse(frame, f"the attribute {key!r} of {kind} is set", instead)
        if what == "in place" and not isinstance(owner, (np.ndarray, *CONTAINERS)):
            return
        if what == "item" and not isinstance(find(type(owner), "__setitem__"), C_METHODS):
            return  # the frame of its ``__setitem__`` is followed
        raise self.refuse(frame, f"{a(owner)} from outside is written to", RETURN)

    def _is_of_old_function(self, frame: types.FrameType, name: str) -> bool:
        return name in frame.f_code.co_freevars and any(
            isinstance(h, Code) and h.owner.__code__ is frame.f_code for h in self.holders.values()
        )


C_METHODS = (
    types.WrapperDescriptorType, types.MethodDescriptorType, types.BuiltinFunctionType, types.MethodWrapperType
)  # fmt: skip
_BUILT_IN = {*CONTAINERS, tuple, frozenset, str, bytes}


def is_built_in(kind: type) -> bool:
    """Whether a class is built into Python."""
    return calls.root_of(kind.__module__) in ("builtins", "collections", "itertools", "_collections")


def stands_for_argument(x: Any) -> bool:
    """Whether a value is an argument of the call that is traced."""
    x = x._data if isinstance(x, Tensor) else x
    return isinstance(x, Tracer) and x._var.kind == "argument"


def _bound(raw: Any, owner: Any, name: str) -> Any:
    """The value of an attribute with the raw entry `raw`, if it is known without running user code."""
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
