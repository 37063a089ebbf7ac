"""Stand-ins for Tensors, leaves and generators while a thread traces a function; only that thread sees them.

During a trace, a Tensor that the traced function can read gets another class, whose `_data` asks which thread is
reading. The tracing thread finds a Tracer; all other threads find the array, which never leaves its slot. So nothing
has to be put back: after an interrupted trace, every Tensor still gives its array.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core import switches
from autodiff.core.tape import Leaf

_DATA: Any = Tensor.__dict__["_data"]
_GRAD: Any = Leaf.__dict__["grad"]
_CLASS: Any = object.__dict__["__class__"]
_MISSING: Any = object()
_lock = threading.RLock()
_standing: dict[int, tuple[Any, type, int]] = {}  # the object, its class, and how many traces hold it


def real_data(t: Tensor) -> Any:
    """The array of a Tensor, in every thread."""
    return _DATA.__get__(t)


def bind_data(t: Tensor, array: Any) -> None:
    """Bind another array to a Tensor, for all threads."""
    _DATA.__set__(t, array)


def real_grad(leaf: Leaf) -> Any:
    """The gradient of a leaf, in every thread."""
    return _GRAD.__get__(leaf)


def _property(slot: Any) -> property:
    def get(self: Any) -> Any:
        tracer = switches.tracer()
        found = _MISSING if tracer is None else tracer.standing.get(id(self), _MISSING)
        return slot.__get__(self) if found is _MISSING else found

    def put(self: Any, value: Any) -> None:
        tracer = switches.tracer()
        if tracer is None or id(self) not in tracer.standing:
            slot.__set__(self, value)
        else:
            tracer.standing[id(self)] = value

    return property(get, put)


@functools.cache
def _class_for(kind: type) -> type:
    slots = {"grad": _property(_GRAD)} if issubclass(kind, Leaf) else {"_data": _property(_DATA)}
    named = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), {**named, **slots, "__class__": property(lambda _: kind)})


def stand_in(x: Any) -> None:
    """Make a Tensor or leaf ask which thread is reading it."""
    with _lock:
        _, kind, count = _standing.get(id(x), (x, type(x), 0))
        _standing[id(x)] = (x, kind, count + 1)
        if not count:
            _CLASS.__set__(x, _class_for(kind))


def step_back(x: Any) -> None:
    """Give a Tensor or leaf its own class back, unless another trace still holds it."""
    with _lock:
        _, kind, count = _standing[id(x)]
        if count > 1:
            _standing[id(x)] = (x, kind, count - 1)
        else:
            del _standing[id(x)]
            _CLASS.__set__(x, kind)


# --- generators -----------------------------------------------------------------------------------


class _Drawing(np.random.Generator):
    """A generator whose draws are recorded in the tracing thread and are plain in all others."""

    _real: np.random.Generator


def drawing(generator: np.random.Generator) -> np.random.Generator:
    """A stand-in for a generator, with the same bit generator."""
    made = _Drawing(generator.bit_generator)
    made._real = generator
    return made


def _draw(name: str) -> Any:
    def method(self: _Drawing, *args: Any, **keywords: Any) -> Any:
        draw = getattr(self._real, name)
        tracer = switches.tracer()
        if tracer is None:
            return draw(*args, **keywords)
        if name == "shuffle":
            raise tracer.refused("rng.shuffle, which writes in place,", "Write rng.permutation(x).")
        if name == "spawn":
            raise tracer.refused("rng.spawn", "Spawn generators outside the function.")
        return tracer.record("live", _as_array(draw), _as_array(draw), args, keywords)

    method.__name__ = name
    return method


class _as_array:  # noqa: N801 - it takes the place of a function
    """A draw that returns NumPy scalars in place of Python numbers, so that a program can hold them."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw
        self.__name__ = draw.__name__
        self.__self__ = draw.__self__

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        y = self._draw(*args, **keywords)
        return y if isinstance(y, (np.ndarray, np.generic)) else np.asarray(y)[()]


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name != "bit_generator":
        setattr(_Drawing, _name, _draw(_name))
