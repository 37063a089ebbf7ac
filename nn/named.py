"""The base of modules: it answers names of other libraries with those used here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from autodiff import names


class Named:
    """An object that says what an attribute that it does not have, or a keyword of its layer, is called here."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # The constructors of other people's modules are their own, and they call that of Module with what they like.
        if cls.__module__.startswith("nn.") and Named not in cls.__bases__:
            names.answering(cls, "nn.{name}({keywords})", lambda: _tables().LAYER_KEYWORDS)

    if not TYPE_CHECKING:  # a checker that saw it would accept every attribute

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and not hasattr(type(self), name):
                row = _tables().MODULE.get(name)
                if row is not None:
                    raise AttributeError(names.told(type(self).__name__, f".{name}", row), name=name)
            return object.__getattribute__(self, name)  # the error as it would be, also that of a property

    def _refuse(self, method: str, given: Mapping[str, Any]) -> NoReturn:
        """Raise the error for keywords that a method does not take."""
        owner, called = type(self).__name__, "layer" if method == "forward" else f"model.{method}"
        accepted = names.keywords_of(getattr(type(self), method))
        names.refuse(f"{owner}.{method}", f"{called}(..., {{}})", given, accepted, _tables().METHOD_KEYWORDS)

    def _cannot_set(self, name: str) -> AttributeError:
        """The error for setting an attribute that would do nothing, in silence."""
        return AttributeError(names.told(type(self).__name__, f".{name}", _tables().MODULE[name]), name=name)


def refused(
    call: str, example: str, function: Callable[..., Any], given: Mapping[str, Any], table: str = "DATA_KEYWORDS"
) -> NoReturn:
    """Raise the error for keywords that a function of training does not take."""
    names.refuse(call, example, given, names.keywords_of(function), getattr(_tables(), table))


def _tables() -> Any:
    import nn.names  # only for a name that does not exist

    return nn.names
