"""What several rooms do: sampling a window, gaps, computations whose failure is told beside the picture, programs."""

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


def defined(value: Any, derivatives: Any) -> Any:
    """The derivatives at a point, or NaN where the function is not defined: its rules give numbers all the same."""
    return np.where(np.isfinite(value), derivatives, np.nan)


def program(function: list[str], lines: list[str], *imports: str) -> str:
    """A program that draws: what it imports, its function, and what it does with it."""
    head = ["import matplotlib.pyplot as plt", "import numpy as np", "", "import autodiff as ad", *imports]
    return "\n".join([*head, "", "", *function, "", "", *lines, "plt.show()"]) + "\n"


def window(state: Any, low: str = "left", high: str = "right", points: int = POINTS) -> Array:
    """Coordinates across the window of a state."""
    left, right = getattr(state, low), getattr(state, high)
    if not left < right:
        raise StateError(low, f"the window runs from {left:g} to {right:g}; its first end must be the smaller one")
    return np.linspace(left, right, points)
