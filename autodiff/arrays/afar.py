"""Tensors whose values are on a device: the slot of such a Tensor holds an array of JAX in place of NumPy's.

A compiled step leaves its results where they were computed. A Tensor that goes to a device is given another class,
whose `_data` fetches the values when somebody first looks and gives the Tensor its own class back. So one field, the
slot, says which side is current, and a Tensor that was never on a device costs nothing.

A Tensor goes only if nobody else holds its array. Whoever does would see old numbers in it, and could write numbers
into it that nobody reads. For such a Tensor the results are copied into the array after every call.
"""

from __future__ import annotations

import copyreg
import functools
import threading
import weakref
from collections.abc import Callable
from sys import getrefcount
from typing import Any, Protocol

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.tape import Leaf
from autodiff.errors import DeviceError
from autodiff.typing import Array

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


class DeviceArray(Protocol):
    """What is used here of an array of JAX."""

    shape: tuple[int, ...]
    is_fully_addressable: bool
    is_fully_replicated: bool

    def is_deleted(self) -> bool:
        """Whether another program has taken its memory."""
        ...

    def addressable_data(self, index: int) -> Any:
        """The part of it on one device of this process."""
        ...


def fetched(array: DeviceArray) -> Array:
    """An array from a device as NumPy's, read-only; from a device of another process too, if all processes ask.

    Raises
    ------
    DeviceError
        If a step failed that was to replace it, or that computed it.
    """
    if array.is_deleted():
        raise DeviceError(
            "the values of a Tensor are gone: they were on a device, and the step that was to replace them failed. "
            "Start again from the last checkpoint."
        )
    try:
        if array.is_fully_addressable:
            return np.asarray(array)
        if array.is_fully_replicated:
            return np.asarray(array.addressable_data(0))
        from jax.experimental import multihost_utils

        return np.asarray(multihost_utils.process_allgather(array, tiled=True))
    except RuntimeError as error:  # the step that computed it ran on while its caller went on
        raise DeviceError(
            f"the values of a Tensor are gone: the step that computed them failed on its device. Start again from the "
            f"last checkpoint. {error}"
        ) from error


def leave(x: Any, send: Callable[[Any], DeviceArray]) -> DeviceArray:
    """Let a Tensor go to a device, unless somebody holds its array or a view of it.

    Parameters
    ----------
    x : Tensor
    send : function
        Copies an array to the device.

    Returns
    -------
    jax.Array
        The values, on the device in either case.
    """
    with lock:
        if is_afar(x):
            return current(x)
        kind = type(x)
        if kind is not x.__class__:  # another thread traces it
            return send(current(x))
        _CLASS.__set__(x, _class_for(kind))  # from here on another thread that looks waits for the lock
        goes = False
        try:
            goes = not _is_held(x)
            array = send(current(x))
            if goes:
                _DATA.__set__(x, array)
        finally:
            if not goes or isinstance(current(x), (np.ndarray, np.generic)):
                _CLASS.__set__(x, kind)
        if not goes:
            return array
        _note(x)
        return array


def put(x: Any, array: Any) -> None:
    """Make an array on a device the values of a Tensor that has gone there, or the gradient of a leaf.

    Into the array of a Tensor that has not gone they are copied.
    """
    with lock:
        if is_afar(x):
            _slot(x).__set__(x, array)
        elif isinstance(x, Leaf) and type(x) is x.__class__:
            kind: Any = x.__class__
            _CLASS.__set__(x, _class_for(kind))
            _GRAD.__set__(x, array)
            _note(x)
        else:
            here = current(x)
            if isinstance(here, np.ndarray):
                here[...] = fetched(array)
            else:
                _slot(x).__set__(x, np.array(fetched(array))[()])


def _references(x: Tensor) -> tuple[int, int]:
    """How many references there are to the array of a Tensor, and to the array that owns its memory."""
    here = _DATA.__get__(x)
    return getrefcount(here), getrefcount(here.base)


_example = Tensor(np.zeros(1))
_DATA.__set__(_example, np.zeros(2).reshape(1, 2))
_ALONE = _references(_example)
"""The references to an array that only its Tensor holds, as this interpreter counts them."""


def _is_held(x: Tensor) -> bool:
    """Whether somebody else holds the array of a Tensor, or a view of it; also if nobody can tell."""
    here = _DATA.__get__(x)
    if not isinstance(here, np.ndarray):  # a number, which is immutable
        return False
    base = here.base
    known = base is None or hasattr(base, "home") or (isinstance(base, np.ndarray) and base.base is None)
    if not known or not here.flags.c_contiguous or not here.flags.writeable:  # the memory of a file, for example
        return True
    del here, base
    array, owner = _references(x)
    return array > _ALONE[0] or (isinstance(_DATA.__get__(x).base, np.ndarray) and owner > _ALONE[1])


def _home(x: Any) -> Any:
    """The flat home in which a Tensor or the gradient of a leaf lies on this side; None if it has none."""
    leaf = x if isinstance(x, Leaf) else x._node if x._node is not None else getattr(x, "_resting", None)
    place = getattr(leaf, "place", None)
    return None if place is None else place[0]


def _note(x: Any) -> None:
    """Note in the flat home of a Tensor or leaf that something of it is on a device."""
    home = _home(x)
    if home is not None:
        home.away[id(x)] = weakref.ref(x)


def fetch_all(x: Any) -> None:
    """Bring back a Tensor or the gradient of a leaf, and all that shares its flat home."""
    fetch(x)
    home = _home(x)
    if home is not None and home.away:
        home.fetch()


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
            here = here if slot is _GRAD else here[()]  # single numbers are NumPy's scalars in a Tensor
        elif slot is _GRAD:
            here = x.home
            here[...] = values
        else:
            leaf = x._node if x._node is not None else x._resting
            here = home.part(leaf.place[1], values.shape)
            here[...] = values
        if home is not None:
            home.away.pop(id(x), None)
        slot.__set__(x, here)
        _CLASS.__set__(x, x.__class__)


def _put_here(x: Any, value: Any) -> None:
    """Bind other values on this side, in place of those on a device."""
    with lock:
        if is_afar(x):
            home = _home(x)
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
