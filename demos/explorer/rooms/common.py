"""What several rooms do: sampling a window, gaps, and computations whose failure is told beside the picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from demos.explorer.state import StateError

Array = np.ndarray[Any, Any]
POINTS = 401
"""Of a curve."""


class Outcome(NamedTuple):
    """What a computation gave, or None and the message of its failure."""

    value: Any
    message: str


def outcome(compute: Callable[[], Any]) -> Outcome:
    """Compute; where the mathematics has no answer, keep what the engine says about it."""
    try:
        return Outcome(compute(), "")
    except ad.AutodiffError as error:
        return Outcome(None, said(error))


def said(error: Exception) -> str:
    """What the engine says, without the name of its function and advice about arguments that the page does not have."""
    text = re.sub(r"^\w+: ", "", str(error).split("\n\n")[0])
    return re.sub(r"(too rough): pass singular points.*", r"\1.", text)


def finite(y: Any) -> Array:
    """An array with NaN, a gap in the picture, where it is not finite."""
    values = np.asarray(y.data if isinstance(y, ad.Tensor) else y, float)
    return np.where(np.isfinite(values), values, np.nan)


def number(value: Any) -> float:
    """A result as a Python number."""
    return float(value)


def window(state: Any, low: str = "left", high: str = "right", points: int = POINTS) -> Array:
    """Coordinates across the window of a state."""
    left, right = getattr(state, low), getattr(state, high)
    if not left < right:
        raise StateError(low, f"the window runs from {left:g} to {right:g}; its first end must be the smaller one")
    return np.linspace(left, right, points)
