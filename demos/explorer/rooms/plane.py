"""What rooms over a part of the plane share: its window as entries of the state, and values on a grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from demos.explorer.expressions import Expression
from demos.explorer.rooms.common import Array, finite, window
from demos.explorer.state import Number

ACROSS = 61
"""Grid lines each way."""


def box_entries(left: float, right: float, bottom: float, top: float) -> dict[str, Number]:
    """The entries of a window; the page moves them by dragging and zooming the picture."""
    ends = {"left": left, "right": right, "bottom": bottom, "top": top}
    return {name: Number(name, end, -1e6, 1e6, 0.01, control="none") for name, end in ends.items()}


def box_of(state: Any) -> tuple[float, float, float, float]:
    """The window as (left, right, bottom, top)."""
    return state.left, state.right, state.bottom, state.top


def of_point(f: Expression) -> Callable[[Any], Any]:
    """The expression as a function of a point."""
    return lambda p: f(p[0], p[1])


def definition(f: Expression) -> list[str]:
    """The same in a program; a constant keeps the kind of the point, so that it has a gradient."""
    constant = not any(map(f.uses, f.variables))
    return ["def f(p):", "    x, y = p", f"    return {f.python}{' + 0 * x' if constant else ''}"]


def heights(state: Any, points: int = ACROSS) -> dict[str, Any]:
    """The function over the window: both axes, the values with gaps, and a range of values that ignores poles."""
    x, y = window(state, "left", "right", points), window(state, "bottom", "top", points)
    z = finite(state.f(*np.meshgrid(x, y)))
    return {"x": x, "y": y, "z": z, "range": shown_range(z)}


def shown_range(values: Array) -> list[float]:
    """The range of values to show: all of them, or without the highest and lowest twentieth where those are poles."""
    there = values[np.isfinite(values)]
    if not there.size:
        return [0.0, 1.0]
    low, inner_low, inner_high, high = np.quantile(there, [0.0, 0.05, 0.95, 1.0])
    inner = inner_high - inner_low
    if high - low > 12 * inner > 0:
        low, high = inner_low - inner, inner_high + inner
    return [float(low), float(high)] if low < high else [float(low) - 1.0, float(high) + 1.0]
