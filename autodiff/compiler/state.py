"""The state that a program may change: saved once, restored, and compared bit for bit."""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Hashable
from typing import Any

import numpy as np

from autodiff.arrays.afar import fetch_all
from autodiff.arrays.tensors import Tensor
from autodiff.compiler.reading.calls import is_of_ours
from autodiff.compiler.reading.holders import ATOMS, dict_of, entries_of, put_back, root, same_entries, slots_of
from autodiff.core.primitives import Primitive
from autodiff.core.tape import Leaf


class State:
    """Values and gradients of Tensors, settings and counters of the library's objects, states of generators.

    It holds one copy of each array from before; for what was computed since, digests are enough.
    """

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Any, Any]] = {}  # arrays, and copies of their values
        self._bound: list[tuple[Any, str, Any]] = []  # object, name of an attribute, its value
        self._containers: dict[int, tuple[Any, list[Any]]] = {}  # containers, and their entries
        self._generators: list[tuple[Any, Any]] = []
        self._seen: dict[int, Any] = {}

    def add(self, x: Any) -> None:
        """Save the state of an object and of everything that it holds."""
        waiting = [x]
        while waiting:
            x = waiting.pop()
            if isinstance(x, (*ATOMS, type, Primitive, functools.partial)) or id(x) in self._seen:
                continue
            self._seen[id(x)] = x
            if isinstance(x, (Tensor, Leaf)):
                fetch_all(x)  # before an array is copied in which something else lies that is on a device
            if isinstance(x, Tensor):
                self._bound.append((x, "_data", x._data))
                waiting += [x._data, x._node]
            elif isinstance(x, Leaf):
                self._bound += [(x, "grad", x.grad), (x, "stamp", x.stamp)]
                waiting += [x.grad, x.home]
            elif isinstance(x, np.ndarray):
                self._keep(x)
            elif isinstance(x, np.random.Generator):
                self._generators.append((x, x.bit_generator.state))
            elif isinstance(x, (list, dict)):
                self.hold(x)
                waiting += x.values() if isinstance(x, dict) else x
            elif isinstance(x, tuple):
                waiting += x
            elif is_of_ours(x) and not isinstance(x, types.FunctionType):
                if hasattr(type(x), "__autodiff_fetch__"):  # what is on a device is saved on this side
                    x.__autodiff_fetch__()
                attributes = dict_of(x)
                if attributes is not None:
                    self.hold(attributes)
                    waiting += attributes.values()
                for name in slots_of(x):
                    value = getattr(x, name, None)
                    if isinstance(value, ATOMS) and not name.startswith("__"):
                        self._bound.append((x, name, value))
                    waiting.append(value)

    def hold(self, x: Any) -> None:
        """Save the entries of an array or a container, but not the state of the objects in it."""
        if isinstance(x, np.ndarray):
            self._keep(x)
        else:
            self._containers.setdefault(id(x), (x, entries_of(x)))

    def has_changed(self, x: Any) -> bool:
        """Whether a saved array or container has changed since it was saved."""
        if not isinstance(x, np.ndarray):
            return not same_entries(entries_of(x), self._containers[id(x)][1])
        a, copy = self._arrays.get(id(root(x)), (x, x))
        return not same_bits(a, copy)

    def _keep(self, a: Any) -> None:
        a = root(a)  # the array that owns the memory: all its views are saved with it
        if id(a) not in self._arrays and a.flags.writeable and a.dtype != object:
            self._arrays[id(a)] = (a, a.copy(order="K"))

    def restore(self) -> None:
        """Restore everything."""
        for a, copy in self._arrays.values():
            a[...] = copy
        for x, name, value in self._bound:
            setattr(x, name, value)
        for container, entries in list(self._containers.values()):  # what was saved may hold this object
            put_back(container, entries)
        for generator, state in self._generators:
            generator.bit_generator.state = state

    def settle(self) -> None:
        """Put the present values of Tensors into the arrays that they had before, because programs refer to these."""
        for x, name, before in self._bound:
            now = getattr(x, name) if name == "_data" else before
            if now is not before and isinstance(before, np.ndarray) and before.ndim and before.shape == np.shape(now):
                before[...] = now
                setattr(x, name, before)

    def digests(self) -> dict[str, Any]:
        """Digests of the present state, under names that a user understands."""
        found: dict[str, Any] = {}
        for i, (x, name, _) in enumerate(self._bound):
            if name != "stamp":
                who = getattr(x, "name", None) or f"{type(x).__name__} {i}"
                what = {"grad": "the gradient", "_data": "the values"}.get(name, name)
                found[f"{what} of {who!r}"] = digest(
                    getattr(x, name, None)
                )  # a node has a name only where it was given one
        for i, (a, _) in enumerate(self._arrays.values()):
            if not any(isinstance(value, np.ndarray) and np.may_share_memory(value, a) for _, _, value in self._bound):
                found[f"array {i} of an optimiser or layer, {a.dtype}{list(a.shape)}"] = digest(a)
        for i, (container, _) in enumerate(self._containers.values()):
            pairs = enumerate(container) if isinstance(container, list) else container.items()
            numbers = {str(k): repr(v) for k, v in pairs if isinstance(v, (bool, int, float))}
            if numbers:
                found[f"settings and counters {i} ({', '.join(numbers)})"] = numbers
        for i, (generator, _) in enumerate(self._generators):
            found[f"the state of generator {i} of random numbers"] = repr(generator.bit_generator.state)
        return found


_SMALL = 1 << 16


def digest(x: Any) -> Hashable:
    """A key that is equal for equal bits; all NaNs count as equal."""
    if not isinstance(x, (np.ndarray, np.generic)):
        return repr(x)
    a = np.ascontiguousarray(x)
    if a.nbytes <= _SMALL:
        return a.dtype.str, a.shape, _canonical(a).tobytes()
    total = hashlib.blake2b(digest_size=16)
    flat = a.reshape(-1)
    for i in range(0, flat.size, _SMALL):
        total.update(_canonical(flat[i : i + _SMALL]).tobytes())
    return a.dtype.str, a.shape, total.digest()


def _canonical(a: Any) -> Any:
    missing = np.isnan(a) if a.dtype.kind in "fc" else None
    return np.where(missing, np.array(np.nan, a.dtype), a) if missing is not None and missing.any() else a


def owner_of(function: Any) -> object:
    """The object or dictionary to which a method is bound, which it may change; None for a plain function."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__self__", None)


def same_bits(a: Any, b: Any) -> bool:
    """Whether two arrays have equal bits, signs of zeros included; all NaNs count as equal."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) and same_bits(a.imag, b.imag)
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    return bool((((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))).all())
