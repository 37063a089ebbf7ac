"""Derivatives by differences, as the engine's own checks take them: they judge an answer without a formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.testing.differences import slope_along
from autodiff.testing.laws import LawError
from demos.course.records import Exercise, copied


def slope(f: Callable[[float], Any], x: float) -> float:
    """The derivative of f at x by differences, NaN where that cannot be said."""

    def line(h: float) -> Any:
        return np.atleast_1d(np.asarray(f(x + h), float))

    found = slope_along(line, line(0.0), careful=True)  # a kink may be near
    value, error = float(found.value[0]), float(found.error[0])
    return float("nan") if found.kinked[0] or not error <= 1e-6 * (1 + abs(value)) else value


def measured(exercise: Exercise, arguments: tuple[Any, ...], part: int, place: tuple[int, ...]) -> float:
    """How fast the exercise's function changes if one entry of one argument does; NaN if that cannot be said."""
    name = exercise.by[part] if part < len(exercise.by) else ""
    if exercise.slope_of is None or not name:
        return float("nan")
    i, function = exercise.arguments.index(name), exercise.slope_of

    def moved(h: float) -> Any:
        xs = list(copied(arguments))
        xs[i] = np.array(xs[i], np.float64)
        xs[i][place] += h
        return np.sum(function(*xs))

    with np.errstate(all="ignore"):
        return slope(moved, 0.0)


def holds(law: Callable[..., None], *arguments: Any, **options: Any) -> bool:
    """Whether a law of `autodiff.testing.laws` holds."""
    try:
        law(*arguments, **options)
    except LawError:
        return False
    return True
