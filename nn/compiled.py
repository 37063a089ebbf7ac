"""A compiled model: an object with the same attributes as the plain model, whose calls run a compiled program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import autodiff as ad
from nn.summaries import Summary

M = TypeVar("M")  # a Module; nn.module imports this file, so it cannot be named here
_OF_PROGRAM = ("source", "sources", "program")


class CompiledModule:
    """The methods in which a compiled module differs; all others are inherited from the class of the plain one."""

    __slots__ = ()
    _plain: Any
    _compiled: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for arguments of this kind."""
        return self._compiled(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in _OF_PROGRAM:
            return getattr(self._compiled, name)
        inherited = getattr(super(), "__getattr__", None)
        if inherited is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return inherited(name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Make a copy by compiling a copy of the model."""
        return partial(ad.compile, **self._compiled.options), (self._plain,)

    def __autodiff_compiled__(self, make: Callable[[Any], Any]) -> Any:
        """Compile the same model in another way."""
        return compiled_module(self._plain, make)

    def __autodiff_graph__(self) -> Any:
        """The latest program, for `autodiff.draw`."""
        return self._compiled.__autodiff_graph__()

    def summary(self, x: Any) -> Summary:
        """The summary of the plain module, as in `Module.summary`: its layers can be observed."""
        summary: Summary = self._plain.summary(x)
        return summary


def compiled_module(model: M, make: Callable[[M], Any]) -> M:
    """A module of a derived class, with the same attributes, that runs `make(model)`.

    Both share one ``__dict__``: an attribute assigned to one appears in the other.
    """
    kind: Any = type(model)
    slots = {"__slots__": ("_compiled", "_plain"), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    derived = type(kind)(kind.__name__, (CompiledModule, kind), {**slots, "__doc__": kind.__doc__})
    twin: Any = object.__new__(derived)
    object.__setattr__(twin, "__dict__", model.__dict__)
    object.__setattr__(twin, "_plain", model)
    object.__setattr__(twin, "_compiled", make(model))
    compiled: M = twin
    return compiled
