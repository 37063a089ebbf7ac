"""Calls that a function makes: those that read things, change them, or ask what something is."""

from __future__ import annotations

import builtins
import contextvars
import functools
import operator
import sys
import time
import types
import weakref
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.compiler.reading import calls, numbers
from autodiff.compiler.reading.bytecode import UNKNOWN
from autodiff.compiler.reading.holders import CONTAINERS
from autodiff.compiler.reading.outside import ARGUMENT, GENERATORS, RETURN, a
from autodiff.compiler.reading.variables import C_METHODS, Variables, is_built_in, stands_for_argument
from autodiff.compiler.tracer import Tracer
from autodiff.watchers.places import place_of


class Functions(Variables):
    """What is known about a call before it is made.

    Attributes
    ----------
    told : list of str
        Calls with a harmless side effect, such as printing, which the program will not repeat.
    """

    def __init__(self, trace: Any, title: str) -> None:
        super().__init__(trace, title)
        self.told: list[str] = []

    def called(self, frame: types.FrameType, function: Any, args: list[Any], names: tuple[str, ...]) -> object:
        """Check a function that is about to be called; return its result if that is known."""
        if function is UNKNOWN:
            for x in args:
                self.used(frame, x)
            return UNKNOWN
        while isinstance(function, functools.partial):
            if id(function) in self._old:
                self.used(frame, function)
            n = len(args) - len(names)
            args = [*function.args, *args[:n], *function.keywords.values(), *args[n:]]
            names, function = (*function.keywords, *names), function.func
        about = _ABOUT.get(function) if isinstance(function, (types.BuiltinFunctionType, type)) else None
        if function is globals:
            return self._names_of(frame.f_globals)
        if about is not None and args:
            return about(self, frame, args)
        if isinstance(function, weakref.ref):
            found = function()
            self.meet(found, "what a weak reference leads to")
            return found
        if isinstance(getattr(function, "__self__", None), contextvars.ContextVar):
            raise self.refuse(frame, "a context variable is read", ARGUMENT)
        if isinstance(function, C_METHODS) and function.__name__ in ("__setattr__", "__delattr__"):
            owners = [function.__self__] if isinstance(function, types.MethodWrapperType) else []
            return self._sets_attribute(frame, [*owners, *args])
        self._look_outside(frame, function)
        plain = function.__func__ if isinstance(function, types.MethodType) else function
        if isinstance(plain, types.FunctionType) and self._is_python_of_user(plain):
            return UNKNOWN
        for x in calls.written(function, args, names):
            if self.is_old(x):
                raise self.refuse(frame, f"{a(x)} from outside is changed ({function.__name__})", RETURN)
        self._look_at_numpy(frame, function, args)
        owner = getattr(function, "__self__", None)
        if isinstance(owner, dict) and function.__name__ == "get" and args:
            self.read_item(frame, owner, args[0])
            return UNKNOWN
        if isinstance(owner, (*CONTAINERS, tuple, np.ndarray)):
            self.used(frame, owner)
        if isinstance(function, type) and not calls.is_ours(function) and not is_built_in(function):
            return UNKNOWN  # the frames of its methods are followed
        if function in calls.ASKS_ONLY if isinstance(function, (type, types.BuiltinFunctionType)) else False:
            return UNKNOWN
        deep = calls.root_of(getattr(function, "__module__", "")) in calls.READS_ALL
        deep = deep or isinstance(function, (operator.attrgetter, operator.methodcaller))
        for x in args:
            self.used(frame, x)
            if deep and id(x) in self._old and not isinstance(x, (Tensor, np.ndarray)):
                self._read_all(frame, x)
        name = numbers.name_of(function)
        return self.computed(frame, name, *args) if name else UNKNOWN

    def computed(self, frame: types.FrameType, name: str, *operands: Any) -> object:
        """Note an operator or function of numbers that Python runs; its result, if somebody wants to know."""
        if self.trace.numbers is None:
            return UNKNOWN
        result = numbers.result_of(name, operands)
        if result is not UNKNOWN:
            self.trace.numbers.append(numbers.Computed(name, operands, place_of(frame)))
        return result

    def _is_python_of_user(self, function: types.FunctionType) -> bool:
        return calls.root_of(function.__globals__.get("__name__")) not in calls.QUIET

    def _look_outside(self, frame: types.FrameType, function: Any) -> None:
        """Refuse the clock, files and the like; note harmless calls, to warn about them once."""
        module = calls.root_of(getattr(function, "__module__", None))
        name = getattr(function, "__name__", type(function).__name__)
        if function is builtins.print or function is time.sleep or module in calls.HARMLESS:
            self.told.append(f"{name}() at {frame.f_code.co_filename}:{frame.f_lineno}")
            return
        outside = calls.is_from_outside(function)
        if outside == "random numbers":
            raise self.refuse(frame, f"random numbers are drawn ({module}.{name})", GENERATORS)
        if outside:
            raise self.refuse(frame, f"{name}() reads or changes {outside}", ARGUMENT)

    def _look_at_numpy(self, frame: types.FrameType, function: Any, args: list[Any]) -> None:
        owner = getattr(function, "__self__", None)
        name = getattr(function, "__name__", "")
        if isinstance(owner, np.random.RandomState):
            raise self.refuse(frame, f"random numbers are drawn (np.random.{name})", GENERATORS)
        if isinstance(owner, np.random.Generator) and type(owner) is np.random.Generator and id(owner) in self._old:
            raise self.refuse(frame, f"random numbers are drawn ({name})", f"Write ad.live(rng.{name}, ...).")
        if function is np.random.default_rng and not any(a is not None for a in args):
            raise self.refuse(frame, "a generator of random numbers is made without a seed", GENERATORS)

    # --- functions that ask what something is ---

    def _asks_type(self, frame: types.FrameType, args: list[Any]) -> Any:
        x = args[0]
        if isinstance(x, Tracer) or (isinstance(x, Tensor) and type(x) is not x.__class__):
            raise self.refuse(
                frame, "type() of a traced value is asked", "Ask isinstance(x, ad.Tensor), or np.ndim(x)."
            )
        return UNKNOWN if x is UNKNOWN or len(args) > 1 else type(x)

    def _asks_instance(self, frame: types.FrameType, args: list[Any]) -> Any:
        x = args[0]
        if isinstance(x, Tracer):
            kinds = args[1] if len(args) > 1 else UNKNOWN
            try:
                known = isinstance(x, kinds) == isinstance(x._value, kinds)
            except TypeError:  # the classes are unknown
                known = False
            if not known:
                raise self.refuse(
                    frame,
                    "isinstance() of a traced value is asked, whose class is not that of the array",
                    "Decide by x.ndim or x.dtype, or outside the function.",
                )
        return UNKNOWN

    def _asks_attribute(self, frame: types.FrameType, args: list[Any]) -> Any:
        x, name = args[0], args[1] if len(args) > 1 else UNKNOWN
        if x is UNKNOWN or not isinstance(name, str):
            return UNKNOWN
        if isinstance(x, Tracer):
            if hasattr(x._value, name) != hasattr(type(x), name):
                raise self.refuse(frame, f"whether a traced value has the attribute {name!r} is asked", ARGUMENT)
            return UNKNOWN
        return self.read_attribute(frame, x, name)

    def _has_attribute(self, frame: types.FrameType, args: list[Any]) -> Any:
        self._asks_attribute(frame, args)
        return UNKNOWN

    def _sets_attribute(self, frame: types.FrameType, args: list[Any]) -> Any:
        if len(args) > 1 and isinstance(args[1], str):
            self.writes(frame, "attribute", args[0], args[1])
        return UNKNOWN

    def _asks_attributes(self, frame: types.FrameType, args: list[Any]) -> Any:
        return self.read_attributes(frame, args[0])

    def _lists_attributes(self, frame: types.FrameType, args: list[Any]) -> Any:
        self.read_attributes(frame, args[0])
        return UNKNOWN

    def _takes_next(self, frame: types.FrameType, args: list[Any]) -> Any:
        self.used(frame, args[0])
        return UNKNOWN

    def _imports(self, frame: types.FrameType, args: list[Any]) -> Any:
        return sys.modules.get(args[0], UNKNOWN) if isinstance(args[0], str) else UNKNOWN

    def _asks_identity(self, frame: types.FrameType, args: list[Any]) -> Any:
        if stands_for_argument(args[0]):
            raise self.refuse(frame, "the id() of an argument is asked", "Pass a flag that is a Python bool.")
        return UNKNOWN

    def _asks_length(self, frame: types.FrameType, args: list[Any]) -> Any:
        x = args[0]
        if not isinstance(x, np.ndarray):
            self.used(frame, x)
        return len(x) if isinstance(x, (Tensor, Tracer)) and x.ndim else UNKNOWN


_ABOUT: dict[Any, Any] = {
    type: Functions._asks_type,
    isinstance: Functions._asks_instance,
    getattr: Functions._asks_attribute,
    hasattr: Functions._has_attribute,
    setattr: Functions._sets_attribute,
    delattr: Functions._sets_attribute,
    vars: Functions._asks_attributes,
    dir: Functions._lists_attributes,
    next: Functions._takes_next,
    iter: Functions._takes_next,
    len: Functions._asks_length,
    __import__: Functions._imports,
    id: Functions._asks_identity,
}
