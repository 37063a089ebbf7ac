"""What a function reads from outside: the Tensors it can reach, and the names that must stay bound to what they are."""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.primitives import Primitive
from autodiff.tensors import Tensor

_LONG = 64
_PLAIN = (bool, int, float, complex, str)
_OURS = ("autodiff", "nn", "optim", "numpy", "builtins")


@dataclass
class Surroundings:
    """What was found.

    Attributes
    ----------
    tensors : list of Tensor
        Each once.
    cells : list of (str, cell, object)
        Closure cells, the variables they are and what they held.
    names : list of (dict, str, object)
        Globals and attributes that were read, and what they were bound to.
    modules : list of (dict, dict)
        Attributes of the modules of a network, and what they were.
    containers : list of (str, list or dict)
        Lists and dicts that may hold something the function reads, each under the name that led to it.
    """

    tensors: list[Tensor] = field(default_factory=list)
    cells: list[tuple[str, Any, Any]] = field(default_factory=list)
    names: list[tuple[dict[str, Any], str, Any]] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    modules: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    containers: list[tuple[str, Any]] = field(default_factory=list)

    def is_unchanged(self) -> bool:
        """Whether the modules that were found are made of the same things still."""
        return all(
            now.keys() == before.keys() and all(now[key] is value for key, value in before.items())
            for now, before in self.modules
        )

    def watch(self, name: str, value: Any) -> None:
        """Note a list or a dict, and those in it; long ones, and too many, are data: not looked at in every call."""
        waiting, known = [value], {id(c) for _, c in self.containers}
        while waiting and len(self.containers) < _LONG:
            x = waiting.pop()
            if type(x) not in (list, dict, tuple) or len(x) > _LONG or id(x) in known:
                continue
            if type(x) is not tuple:
                self.containers.append((name, x))
                known.add(id(x))
            waiting += x.values() if type(x) is dict else x


def entries_of(container: Any) -> list[Any]:
    """What a list or a dict holds, the keys first."""
    return [*container, *container.values()] if type(container) is dict else list(container)


def holds_still(container: Any, before: list[Any]) -> bool:
    """Whether a list or a dict holds what it held: the same objects, or equal numbers and texts."""
    now = entries_of(container)
    return len(now) == len(before) and (
        all(map(operator.is_, now, before))
        or all(a is b or (type(a) is type(b) and type(a) in _PLAIN and a == b) for a, b in zip(now, before))
    )


def surroundings(f: Any) -> Surroundings:
    """Go through closures, globals, attributes and containers, from a function on."""
    found = Surroundings()
    seen: set[int] = set()
    waiting: list[Any] = [f]
    while waiting:
        x = waiting.pop()
        if id(x) in seen or x is None:
            continue
        seen.add(id(x))
        waiting += _look_into(x, found)
    return found


def _is_ours(x: Any) -> bool:
    return str(getattr(x, "__module__", "") or "").partition(".")[0] in _OURS


def _look_into(x: Any, found: Surroundings) -> Iterator[Any]:
    if isinstance(x, Tensor):
        found.tensors.append(x)
    elif isinstance(x, types.FunctionType):
        for name, cell in zip(x.__code__.co_freevars, x.__closure__ or ()):
            try:
                found.cells.append((name, cell, cell.cell_contents))
            except ValueError:  # not bound yet
                continue
            found.watch(name, cell.cell_contents)
            yield cell.cell_contents
        found.watch("defaults", (*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()))
        yield from x.__defaults__ or ()
        yield from (x.__kwdefaults__ or {}).values()
        if not _is_ours(x):
            for name in _names(x.__code__):
                if name in x.__globals__ and not isinstance(x.__globals__[name], (types.ModuleType, type)):
                    found.names.append((x.__globals__, name, x.__globals__[name]))
                    found.watch(name, x.__globals__[name])
                    yield x.__globals__[name]
    elif hasattr(type(x), "__autodiff_program__"):  # a compiled function
        yield x.__wrapped__
    elif isinstance(x, types.MethodType):
        yield from (x.__func__, x.__self__)
    elif isinstance(x, functools.partial):
        found.watch("arguments", (*x.args, *x.keywords.values()))
        yield from (x.func, *x.args, *x.keywords.values())
    elif isinstance(x, (list, tuple, set, frozenset)):
        yield from x
    elif isinstance(x, dict):
        yield from x.values()
    elif isinstance(x, np.ndarray):
        found.arrays.append(x)
    elif isinstance(x, (types.ModuleType, type, np.generic, Primitive, str, int, float, complex, bytes)):
        return
    elif hasattr(x, "__dict__"):
        yield from _attributes(x, found)


def _attributes(x: Any, found: Surroundings) -> Iterator[Any]:
    """What an object holds. Of modules and optimisers one counter tells of changes; of others every attribute."""
    parameters = getattr(x, "parameters", None)
    if isinstance(parameters, list):  # an optimiser
        yield from parameters
    elif _counts_changes(x):
        found.modules.append((vars(x), dict(vars(x))))
    for key, value in vars(x).items():
        if not _counts_changes(x) and not key.startswith("__"):
            found.names.append((vars(x), key, value))
        if not _counts_changes(x) or hasattr(x, "named_parameters"):  # a user's object, or a module: not an optimiser
            found.watch(key, value)
        yield value
    call = vars(type(x)).get("__call__")
    if isinstance(call, types.FunctionType) and not _is_ours(type(x)):
        yield call


def _counts_changes(x: Any) -> bool:
    return any(_is_ours(kind) for kind in type(x).__mro__[:-1])


def _names(code: types.CodeType) -> Iterator[str]:
    """Names of globals that the code, and that of functions defined in it, reads."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
