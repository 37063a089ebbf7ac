"""Numbers that Python itself computes, such as from lengths.

A program has them built in. Who records a function for several sizes (`onnx_file.two_sizes`) wants to know whether they
were decided by one.
"""

from __future__ import annotations

import math
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.reading.bytecode import UNKNOWN
from autodiff.watchers.places import Place

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
    "!=": operator.ne, ">>": operator.rshift, "<<": operator.lshift, "&": operator.and_, "|": operator.or_,
    "^": operator.xor,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min, "max": max, "range": range, "int": int, "round": round, "ceil": math.ceil, "floor": math.floor,
    **{f"np.{name}": f for name, f in vars(np).items() if isinstance(f, np.ufunc)},
}  # fmt: skip
_NAMES = {f: name for name, f in FUNCTIONS.items()}


class Computed(NamedTuple):
    """An operator or a function of numbers, its operands, and its line."""

    name: str
    operands: tuple[Any, ...]
    place: Place

    @property
    def result(self) -> Any:
        """What comes out."""
        return result_of(self.name, self.operands)

    def __str__(self) -> str:
        if self.name in OPERATORS:
            return "{1} {0} {2}".format(self.name, *self.operands)
        return f"{self.name}({', '.join(map(str, self.operands))})"


def name_of(function: Any) -> str:
    """The name of one of these functions; empty for others."""
    return _NAMES.get(function, "") if isinstance(function, (type, np.ufunc, types.BuiltinFunctionType)) else ""


def result_of(name: str, operands: Sequence[Any]) -> Any:
    """The result of an operator or function of these numbers; `UNKNOWN` for anything else."""
    if not operands or any(type(x) not in (int, float) for x in operands):
        return UNKNOWN
    try:
        return (OPERATORS.get(name) or FUNCTIONS[name])(*operands)
    except (KeyError, ArithmeticError, TypeError, ValueError):
        return UNKNOWN
