"""The places from which a function reads: variables, attributes, items, the contents of containers and arrays.

Each remembers what it held when it was read. Before a program runs, a guard checks that it still holds the same.
"""

from __future__ import annotations

import array
import collections
import functools
import math
import operator
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff.flat import Part
from autodiff.typing import Array

MISSING: Any = type("MISSING", (), {"__repr__": lambda _: "<missing>", "__slots__": ()})()
"""Stands for the value of a name, attribute or item that does not exist."""

ATOMS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice, np.dtype, np.generic)
"""Immutable types: equal values count as the same."""

_DIGEST = 1 << 20  # bytes of an array from which a digest is kept in place of a copy


def alike(now: Any, before: Any) -> bool:
    """Whether a value is unchanged: the same object, or an equal number, string, or tuple of them."""
    if now is before:
        return True
    kind = type(now)
    if kind is not type(before):
        return False
    if kind is float:
        return (now == before and math.copysign(1, now) == math.copysign(1, before)) or (
            now != now and before != before
        )
    if kind is tuple or kind is frozenset:
        return len(now) == len(before) and (all(map(alike, now, before)) if kind is tuple else now == before)
    if issubclass(kind, np.generic):
        return bool(now.tobytes() == before.tobytes())
    if issubclass(kind, complex):
        return repr(now) == repr(before)
    if isinstance(now, types.MethodType):
        return now.__func__ is before.__func__ and now.__self__ is before.__self__
    return isinstance(now, ATOMS) and bool(now == before)


class Holder:
    """A place from which a value was read.

    Attributes
    ----------
    owner : object
        The dictionary of globals, the cell, the object, the container or the array.
    key : object
        The name or index in the owner.
    before : object
        The value that was found.
    """

    __slots__ = ("before", "key", "owner")
    what = "the value"

    def __init__(self, owner: Any, key: Any, before: Any) -> None:
        self.owner, self.key, self.before = owner, key, before

    def now(self) -> object:
        """The present value."""
        raise NotImplementedError

    def put(self, value: Any) -> None:
        """Bind another value, for the time of the trace."""
        raise NotImplementedError

    def holds(self) -> bool:
        """Whether the present value is the one that was found."""
        return alike(self.now(), self.before)

    def guard(self, bind: Callable[[str, Any], str]) -> str:
        """`holds` as a Python expression; `bind` gives an object a name in the program."""
        return f"{bind(f'holds_{self.key}', self.holds)}()"

    @property
    def identity(self) -> tuple[Any, ...]:
        """A key that distinguishes it from other holders."""
        key = self.key if isinstance(self.key, (str, int, float, tuple, type(None))) else id(self.key)
        return type(self), id(self.owner), type(self.key), key

    def __str__(self) -> str:
        return f"{self.what} {self.key!r}"


class Global(Holder):
    """A global variable of a module; `owner` is its dictionary."""

    __slots__ = ()
    what = "the global"

    def now(self) -> object:
        return self.owner.get(self.key, MISSING)

    def put(self, value: Any) -> None:
        self.owner[self.key] = value

    def guard(self, bind: Callable[[str, Any], str]) -> str:
        found = f"{bind('module', self.owner)}.get({self.key!r}, {bind('missing', MISSING)})"
        return _is(found, bind(f"the_{self.key}", self.before), self.before, bind)


class Cell(Holder):
    """A variable of an enclosing function; `owner` is its cell."""

    __slots__ = ()
    what = "the variable"

    def now(self) -> object:
        try:
            return self.owner.cell_contents
        except ValueError:
            return MISSING

    def put(self, value: Any) -> None:
        self.owner.cell_contents = value

    def guard(self, bind: Callable[[str, Any], str]) -> str:
        if self.before is MISSING:
            return super().guard(bind)
        found = f"{bind(f'cell_{self.key}', self.owner)}.cell_contents"
        return _is(found, bind(f"the_{self.key}", self.before), self.before, bind)


class Attribute(Holder):
    """An attribute, found without running user code: the value in the object, or the raw entry in its class."""

    __slots__ = ()
    what = "the attribute"

    def now(self) -> object:
        return find(self.owner, self.key)

    def put(self, value: Any) -> None:
        setattr(self.owner, self.key, value)

    def guard(self, bind: Callable[[str, Any], str]) -> str:
        found = f"{bind('find', find)}({bind(f'of_{self.key}', self.owner)}, {self.key!r})"
        return _is(found, bind(f"the_{self.key}", self.before), self.before, bind)

    def __str__(self) -> str:
        owner = self.owner
        kind = owner.__name__ if isinstance(owner, (type, types.ModuleType)) else type(owner).__name__
        return f"the attribute {self.key!r} of {kind}"


class Setting(Attribute):
    """An attribute of one of the library's objects, whose descriptors may be run."""

    __slots__ = ()

    def now(self) -> object:
        return getattr(self.owner, self.key, MISSING)

    guard = Holder.guard


class Item(Holder):
    """An item of a list, tuple, dict or deque."""

    __slots__ = ()
    what = "the item"

    def now(self) -> object:
        try:  # `dict.get` does not call `__missing__`
            return dict.get(self.owner, self.key, MISSING) if isinstance(self.owner, dict) else self.owner[self.key]
        except (LookupError, TypeError):
            return MISSING

    def put(self, value: Any) -> None:
        self.owner[self.key] = value


class Contents(Holder):
    """All entries of a container, in order; `key` is the name that led to it."""

    __slots__ = ()
    what = "the contents of"

    def __init__(self, owner: Any, key: Any) -> None:
        super().__init__(owner, key, entries_of(owner))

    def now(self) -> list[Any]:
        return entries_of(self.owner)

    def holds(self) -> bool:
        return same_entries(entries_of(self.owner), self.before)

    @property
    def identity(self) -> tuple[Any, ...]:
        return Contents, id(self.owner)


class Names(Holder):
    """The names of an object's, or a class's, own attributes."""

    __slots__ = ()
    what = "the attributes of"

    def __init__(self, owner: Any) -> None:
        super().__init__(owner, "attributes", tuple(dict_of(owner) or ()))

    def now(self) -> tuple[str, ...]:
        return tuple(dict_of(self.owner) or ())


class Numbers(Holder):
    """The numbers in an array, or in the part at the index `part`, which untraced code has read."""

    __slots__ = ("part",)
    what = "the numbers in the array"

    def __init__(self, owner: Any, key: Any, part: Any = ...) -> None:
        self.part = part
        super().__init__(owner, key, None)
        self.before = self.now()

    def now(self) -> bytes:
        a = np.asarray(self.owner[self.part])
        if a.nbytes < _DIGEST:
            return a.tobytes()
        import hashlib  # only large arrays need it

        return hashlib.blake2b(np.ascontiguousarray(a).view(np.uint8).data, digest_size=16).digest()

    def holds(self) -> bool:
        return bool(self.now() == self.before)

    @property
    def identity(self) -> tuple[Any, ...]:
        return Numbers, id(self.owner), repr(self.part)


class Code(Holder):
    """The code and the defaults of a function."""

    __slots__ = ()
    what = "the function"

    def __init__(self, owner: types.FunctionType) -> None:
        super().__init__(owner, owner.__name__, (owner.__code__, owner.__defaults__, owner.__kwdefaults__))

    def now(self) -> tuple[Any, ...]:
        return self.owner.__code__, self.owner.__defaults__, self.owner.__kwdefaults__

    def holds(self) -> bool:
        f, (code, defaults, keywords) = self.owner, self.before
        return f.__code__ is code and alike(f.__defaults__, defaults) and f.__kwdefaults__ is keywords

    def guard(self, bind: Callable[[str, Any], str]) -> str:
        if self.before[1] or self.before[2]:
            return super().guard(bind)
        return f"{bind(f'function_{self.key}', self.owner)}.__code__ is {bind(f'code_{self.key}', self.before[0])}"


def _is(found: str, name: str, value: Any, bind: Callable[[str, Any], str]) -> str:
    """A guard by identity; for an immutable value, an equal one is enough."""
    if isinstance(value, (*ATOMS, tuple)) and value is not None:
        return f"({found} is {name} or {bind('alike', alike)}({found}, {name}))"
    return f"{found} is {name}"


# --- attributes and entries, read without running user code ---------------------------------------

_SLOT = (types.MemberDescriptorType, types.GetSetDescriptorType)


def dict_of(x: Any) -> dict[str, Any] | None:
    """The dictionary of an object's own attributes; None if it has none."""
    if isinstance(x, (type, types.ModuleType)):
        return dict(vars(x))
    whose: Any = (
        threading.local if isinstance(x, threading.local) else object
    )  # a thread-local object has one dictionary for each thread
    try:
        found = whose.__getattribute__(x, "__dict__")
    except AttributeError:
        return None
    return found if isinstance(found, dict) else None


def find(x: Any, name: str) -> Any:
    """The attribute of an object before any descriptor in Python is run; `MISSING` if there is none."""
    if isinstance(x, types.ModuleType):
        return vars(x).get(name, MISSING)
    if isinstance(x, type):
        for kind in x.__mro__:
            if name in kind.__dict__:
                return kind.__dict__[name]
        return _in_class(type(x), name)
    raw = _in_class(type(x), name)
    if isinstance(raw, _SLOT) or _is_field_of_c(raw):
        if name == "__dict__":
            return raw
        try:
            return raw.__get__(x, type(x))
        except AttributeError:
            return MISSING
    if raw is not MISSING and hasattr(type(raw), "__set__"):
        return raw
    own = dict_of(x)
    if own is not None and name in own:
        return own[name]
    return raw


def _is_field_of_c(raw: Any) -> bool:
    """Whether a descriptor, such as a field of `ctypes`, gives its value without running Python code."""
    get = _in_class(type(raw), "__get__")
    return (
        isinstance(get, types.WrapperDescriptorType) and hasattr(type(raw), "__set__") and not isinstance(raw, property)
    )


def is_own(x: Any, name: str) -> bool:
    """Whether an attribute belongs to the object itself, not to its class."""
    own = None if isinstance(x, (type, types.ModuleType)) else dict_of(x)
    return own is not None and name in own


def _in_class(kind: type, name: str) -> Any:
    for k in kind.__mro__:
        if name in k.__dict__:
            return k.__dict__[name]
    return MISSING


def slots_of(x: Any) -> Iterator[str]:
    """Names of the attributes that an object keeps in slots."""
    for kind in type(x).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if isinstance(kind.__dict__.get(name), types.MemberDescriptorType):
                yield name


BYTES = (bytearray, array.array, memoryview)
"""Mutable types that hold numbers as bytes."""

CONTAINERS = (list, dict, set, collections.deque, *BYTES)
"""Mutable containers; subclasses count too."""


def entries_of(x: Any) -> list[Any]:
    """The entries of a container; for a dict the keys, then the values."""
    if isinstance(x, functools.partial):
        return [x.func, *x.args, *x.keywords, *x.keywords.values()]
    if isinstance(x, BYTES):
        return [bytes(x)]
    if isinstance(x, dict):
        return [*dict.keys(x), *dict.values(x)]
    if isinstance(x, (list, tuple, collections.deque, set, frozenset)):
        kind: Any = type(x)
        return list(kind.__iter__(x))
    return []


def put_back(x: Any, entries: list[Any]) -> None:
    """Restore the entries of a container. Only those that differ are set, since another thread may be reading it."""
    if same_entries(entries_of(x), entries):
        return
    if isinstance(x, dict):
        n = len(entries) // 2
        before = dict(zip(entries[:n], entries[n:]))
        for key in [k for k in dict.keys(x) if k not in before]:
            del x[key]
        for key, value in before.items():
            if dict.get(x, key, MISSING) is not value:
                x[key] = value
    elif isinstance(x, list):
        x[:] = entries
    elif isinstance(x, bytearray):
        x[:] = entries[0]
    elif isinstance(x, set):
        x.clear()
        x.update(entries)
    elif isinstance(x, collections.deque):
        x.clear()
        x.extend(entries)
    elif isinstance(x, array.array):
        del x[:]
        x.frombytes(entries[0])
    else:
        memoryview(x).cast("B")[:] = entries[0]


def root(a: Array) -> Array:
    """The array that owns the memory of `a`: its last base, or `a` itself."""
    while True:
        base = a.base.home if isinstance(a.base, Part) else a.base
        if not isinstance(base, np.ndarray):
            return a
        a = base


def same_entries(now: list[Any], before: list[Any]) -> bool:
    """Whether two lists hold the same objects, or equal numbers and strings."""
    return len(now) == len(before) and (all(map(operator.is_, now, before)) or all(map(alike, now, before)))
