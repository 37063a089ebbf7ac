"""Decisions by values, at the border: what the engine does with them at once, and what a compiled program does later.

Eagerly each of these is its function, called. In a function that is being compiled the values of this call must decide
for no other: the program asks again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core import switches
from autodiff.core.switches import is_traced


def possibly(condition: Any) -> bool:
    """Whether a condition holds anywhere; True of one that is traced, as it might in another call.

    For shortcuts: where it is False, what is done otherwise would give the same bits.
    """
    return True if is_traced(condition) else bool(np.any(condition))


def decided(function: Callable[..., Any], *arrays: Any) -> Any:
    """A number, or a tuple of them, that shapes or branches hang on.

    The program compares it at every call; where it is another one, the function is traced anew.
    """
    tracer = switches.tracer()
    return function(*arrays) if tracer is None else tracer.decide(function, arrays)


def whole(function: Callable[..., Any], *arrays: Any) -> Any:
    """Arrays, of shapes that hang on shapes alone, by a function that looks at values: one line of a program."""
    tracer = switches.tracer()
    return function(*arrays) if tracer is None else tracer.whole(function, arrays)


def look(function: Callable[..., object], *arrays: Any) -> None:
    """Look at values, to warn or to complain; a program does it at every call."""
    tracer = switches.tracer()
    if tracer is None:
        function(*arrays)
    else:
        tracer.look(function, arrays)
