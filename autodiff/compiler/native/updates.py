"""Updates of parameters in C: the formula of an optimiser, traced on its flat vectors, becomes one pass over them.

An effect may say what it does to arrays: the object whose method it is has ``__autodiff_updates__``, which returns a
list of `Update`, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.native.loops import Loop
from autodiff.compiler.native.lowering import Function, has_c
from autodiff.compiler.native.part import Part
from autodiff.compiler.native.target import Target
from autodiff.compiler.passes import PASSES
from autodiff.compiler.tracing import trace
from autodiff.compiler.values import Value
from autodiff.errors import CompileError


class Update(NamedTuple):
    """One update of some vectors.

    Attributes
    ----------
    formula : function
        From the vectors and then the numbers to a tuple of the new vectors; one that does not change is returned as it
        is.
    vectors : sequence of array
    names : sequence of str
        What they are called, and then the numbers.
    begin : function
        Called before each update; returns the numbers, or None if this time another update is due. It brings back
        what is on a device, unless it is called with ``here=False``.
    end : function
        Called after each update.
    numbers : function
        The numbers for step number t, from 1, by arithmetic that can be traced.
    step : function
        How many steps have been taken.
    run : Run
        The parameters.
    afar, keep : function
        The state vectors as arrays on a device, parameter by parameter, or None; and what is called with new ones.
    """

    formula: Callable[..., tuple[Any, ...]]
    vectors: Sequence[Any]
    names: Sequence[str]
    begin: Callable[..., tuple[float, ...] | None]
    end: Callable[[], None]
    numbers: Callable[[Any], tuple[Any, ...]]
    step: Callable[[], int]
    run: Any
    afar: Callable[[], list[Any] | None]
    keep: Callable[[list[Any]], None]


def updates_of(effect: Any, given: Container[Any]) -> list[Update] | None:
    """What an effect does to arrays, if it says so; `given` are the leaves that have a gradient by then."""
    owner = getattr(effect, "__self__", None)
    ask = getattr(owner, "__autodiff_updates__", None)
    if ask is None:
        return None
    found = ask(effect, given)
    return None if found is None else [Update(*one) for one in found]


def numbers_part(update: Update, name: str, target: Target) -> Part:
    """The numbers of a step as a C function of the number of the step: all in float64."""
    program = trace(update.numbers, name, [np.float64(1.0)], lambda new: (tuple(new), {})).program
    for rewrite in PASSES:
        program = rewrite(program)
    exported = {v: np.empty((), v.dtype) for v in program.results}
    part = Function(name, program.ops, target, exported, lambda v: None, dict.fromkeys(program.arguments, "step"))
    part.outputs = program.outputs
    return part


def part_of(update: Update, name: str, target: Target) -> Part | None:
    """An update as a C function; None if its formula is more than elementwise."""
    numbers = update.begin()
    if numbers is None or any(not v.flags.c_contiguous for v in update.vectors):
        return None
    dtype = update.vectors[0].dtype
    leaves = [*update.vectors, *(np.asarray(x, dtype)[()] for x in numbers)]
    try:
        program = trace(update.formula, name, leaves, lambda new: (tuple(new), {})).program
    except CompileError:
        return None
    for rewrite in PASSES:
        program = rewrite(program)
    if not all(has_c(op) for op in program.ops):
        return None
    by_number = {v.payload: v for v in program.arguments}
    arrays: dict[Value, Any] = {v: update.vectors[v.payload] for v in program.arguments if v.shape}
    exported: dict[Value, Any] = {}
    for new, array in zip(program.outputs, update.vectors):
        if isinstance(new, Value) and new is not by_number.get(new.payload):
            if new.kind != "result" or new in exported:
                return None
            exported[new] = array
    names = {v: update.names[v.payload] for v in program.arguments}
    part = Function(name, program.ops, target, exported, arrays.get, names)
    part.numbers = [v for v in program.arguments if not v.shape and v in part.places]
    if len(part.steps) != 1 or not isinstance(part.steps[0], Loop):
        return None
    if len(part.numbers) != len(numbers):  # the function takes all of them, in their order
        return None
    return part
