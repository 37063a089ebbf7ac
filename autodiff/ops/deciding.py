"""Decisions that depend on values, made outside the rules.

In eager code, each function here simply calls the function that it is given. In a function that is being compiled, the
values of this call must not decide for later calls, so the program decides again at every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core import switches
from autodiff.core.switches import is_traced


def possibly(condition: Any) -> bool:
    """Whether a condition holds anywhere. For a traced condition it is True, since it might hold in another call.

    Use it for shortcuts only: where it is False, the long way must give the same bits.
    """
    return True if is_traced(condition) else bool(np.any(condition))


def decided(function: Callable[..., Any], *arrays: Any) -> Any:
    """A number, or a tuple of numbers, on which shapes or branches depend.

    A program compares it at every call; if it differs, the function is traced again.
    """
    tracer = switches.tracer()
    return function(*arrays) if tracer is None else tracer.decide(function, arrays)


def whole(function: Callable[..., Any], *arrays: Any) -> Any:
    """Call a function that looks at values and returns arrays whose shapes do not depend on them.

    In a program it is one line.
    """
    tracer = switches.tracer()
    return function(*arrays) if tracer is None else tracer.whole(function, arrays)


def look(function: Callable[..., object], *arrays: Any) -> None:
    """Check values, to warn or to raise; a program does so at every call."""
    tracer = switches.tracer()
    if tracer is None:
        function(*arrays)
    else:
        tracer.look(function, arrays)
