"""Arguments for the exercises, drawn at random: numbers, arrays and smooth functions with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from demos.course.records import Named

Rng = np.random.Generator
Draw = Callable[[Rng], Any]


def number(rng: Rng, low: float = -2.0, high: float = 2.0) -> float:
    """A number with few digits, which is not 0."""
    return float(np.round(rng.uniform(low, high), 2)) or 0.5


def array(rng: Rng, *shape: int, low: float = -2.0, high: float = 2.0) -> Any:
    """An array of numbers with few digits."""
    return np.round(rng.uniform(low, high, shape), 2)


def distribution(rng: Rng, *shape: int) -> Any:
    """Probabilities, none of them 0, whose sum over the last axis is 1."""
    weights = rng.uniform(0.1, 1.0, shape)
    return weights / weights.sum(-1, keepdims=True)


def one_hot(rng: Rng, n: int, k: int) -> Any:
    """Targets: in each row one 1."""
    return np.eye(k)[rng.integers(0, k, n)]


def smooth(rng: Rng, name: str = "f") -> tuple[Named, Named]:
    """A smooth function of a number or an array, and its derivative."""
    a, b, c = np.round(rng.uniform(0.5, 1.5, 3), 2).tolist()
    return (
        Named(f"{a} x² + {c} sin({b} x)", lambda x: a * x**2 + c * np.sin(b * x)),
        Named(f"{2 * a:g} x + {c * b:g} cos({b} x)", lambda x: 2 * a * x + c * b * np.cos(b * x)),
    )


def bowl(rng: Rng, n: int) -> tuple[Named, Named, Any]:
    """A quadratic function of n variables, its gradient and its lowest point."""
    scales, lowest = array(rng, n, low=0.5, high=2.0), array(rng, n)
    return (
        Named(
            f"sum({scales.tolist()} * (x - {lowest.tolist()})**2) / 2", lambda x: np.sum(scales * (x - lowest) ** 2) / 2
        ),
        Named(f"{scales.tolist()} * (x - {lowest.tolist()})", lambda x: scales * (x - lowest)),
        lowest,
    )
