"""Tensors whose values are on a device: the slot of such a Tensor holds an array of JAX in place of NumPy's.

A compiled step leaves its results where they were computed. A Tensor that gets one is given another class, whose
`_data` fetches the values when somebody first looks and gives the Tensor its own class back. So one field, the slot,
says which side is current, and a Tensor that was never on a device costs nothing.

A Tensor leaves for a device only if nobody else holds its array. Whoever does would see old numbers in it, and could
write numbers into it that nobody reads. For such a Tensor the results are copied into the array after every call.
"""

from __future__ import annotations

import copyreg
import functools
import threading
import weakref
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.tape import Leaf

_DATA: Any = Tensor.__dict__["_data"]
_GRAD: Any = Leaf.__dict__["grad"]
_CLASS: Any = object.__dict__["__class__"]
lock = threading.RLock()
"""Held while values move, and while a program runs that overwrites what is on a device."""


def _slot(x: Any) -> Any:
    return _GRAD if isinstance(x, Leaf) else _DATA


def current(x: Any) -> Any:
    """The values of a Tensor, or the gradient of a leaf, on the side where they are: nothing is fetched."""
    return _slot(x).__get__(x)


def ways(x: Any) -> tuple[type, Any, Any]:
    """The class that a Tensor or leaf has while it is afar, and what then reads and writes its slot, without a check.

    They are for steps that move many at every call.
    """
    slot = _slot(x)
    return _class_for(x.__class__), slot.__get__, slot.__set__


def is_afar(x: Any) -> bool:
    """Whether the values of a Tensor, or the gradient of a leaf, are on a device only."""
    return type(x) is _class_for(x.__class__)


def fetched(array: Any) -> Any:
    """An array from a device as NumPy's, read-only; from a device of another process too, if all processes ask."""
    if getattr(array, "is_fully_addressable", True):
        return np.asarray(array)
    if array.is_fully_replicated:
        return np.asarray(array.addressable_data(0))
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(array, tiled=True))


def put(x: Any, array: Any) -> None:
    """Make an array on a device the values of a Tensor, or the gradient of a leaf."""
    with lock:
        if is_afar(x):
            _slot(x).__set__(x, array)
        elif type(x) is not x.__class__ or not _leaves(x, array):  # a trace of another thread holds it, or a user
            before = current(x)
            if isinstance(before, np.ndarray):
                before[...] = fetched(array)
            else:
                _slot(x).__set__(x, np.array(fetched(array))[()])


def _leaves(x: Any, array: Any) -> bool:
    """Let a Tensor or a leaf go, unless somebody else holds the array of the Tensor or a view of it."""
    slot, kind, before = _slot(x), type(x), current(x)
    held: Any = tuple  # a single number is immutable, and the next pass overwrites a gradient anyway: nobody waits
    shape: Any = None
    if slot is _DATA and isinstance(before, np.ndarray):
        owner = _owner(before)
        if owner is None:
            return False
        held, shape = weakref.ref(owner), before.shape
        del owner
    _CLASS.__set__(x, _class_for(kind))  # from here on another thread that looks waits for the lock
    slot.__set__(x, array)
    seen = weakref.ref(before) if shape is not None else tuple
    del before
    owner = held()
    if shape is not None and owner is not None:
        slot.__set__(x, owner.reshape(shape) if seen() is None else seen())
        _CLASS.__set__(x, kind)
        return False
    home = _home(x)
    if home is not None and slot is _DATA:
        home.away[id(x)] = x
    return True


def _owner(a: Any) -> Any:
    """The array that owns the memory of `a`, and lives as long as any view of it; None if nobody can tell how long."""
    owner = a
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    whole = owner.size == a.size and owner.flags.c_contiguous and a.flags.c_contiguous and a.flags.writeable
    known = owner.base is None or hasattr(owner.base, "home")  # else the memory of a file, or of another library
    return owner if whole and known else None


def _home(x: Any) -> Any:
    """The flat home in which a Tensor or the gradient of a leaf lies on this side; None if it has none."""
    leaf = x if isinstance(x, Leaf) else x._node if x._node is not None else getattr(x, "_resting", None)
    place = getattr(leaf, "place", None)
    return None if place is None else place[0]


def fetch(x: Any) -> None:
    """Bring the values of a Tensor, or the gradient of a leaf, back, if they are on a device."""
    with lock:
        if not is_afar(x):
            return
        slot = _slot(x)
        array = slot.__get__(x)
        values, home = fetched(array), _home(x)
        if home is None:
            here = np.array(values)
            here = here if slot is _GRAD else here[()]
        elif slot is _GRAD:
            here = x.home
            here[...] = values
        else:
            leaf = x._node if x._node is not None else x._resting
            here = home.part(leaf.place[1], values.shape)
            here[...] = values
            home.away.pop(id(x), None)
        slot.__set__(x, here)
        _CLASS.__set__(x, x.__class__)


def _put_here(x: Any, value: Any) -> None:
    """Bind other values on this side, in place of those on a device."""
    with lock:
        if is_afar(x):
            home = None if isinstance(x, Leaf) else _home(x)
            if home is not None:
                home.away.pop(id(x), None)
            _slot(x).__set__(x, value)
            _CLASS.__set__(x, x.__class__)
        else:
            setattr(x, "grad" if isinstance(x, Leaf) else "_data", value)


@functools.cache
def _class_for(kind: type) -> type:
    """The class of the Tensors or leaves of a class whose values are on a device."""
    name = "grad" if issubclass(kind, Leaf) else "_data"

    def get(x: Any) -> Any:
        fetch(x)
        return getattr(x, name)

    def reduced(x: Any, protocol: Any) -> Any:  # pickle looks for a class, and this one has no name
        fetch(x)
        known = copyreg.dispatch_table.get(kind)
        return x.__reduce_ex__(protocol) if known is None else known(x)

    def described(what: str) -> property:
        return property(lambda x: getattr(current(x), what))

    own: dict[str, Any] = {name: property(get, _put_here), "__class__": property(lambda _: kind)}
    own |= {"__slots__": (), "__reduce_ex__": reduced, "__module__": kind.__module__, "__doc__": kind.__doc__}
    if name == "_data":
        own |= {what: described(what) for what in ("shape", "ndim", "dtype", "nbytes")}
    return type(kind.__name__, (kind,), {"__qualname__": kind.__qualname__, **own})
