"""The ordinary workloads in our engine, eager or compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import autodiff as ad
from benchmarks.peers import Step
from benchmarks.peers.ordinary.data import GIVEN
from benchmarks.peers.ordinary.losses import LOSSES, Library


def curvature(u: Callable[[Any], Any], x: Any) -> Any:
    """The second derivative by two forward derivatives along ones, as in JAX."""
    ones = np.ones_like(x)
    slope = lambda x: ad.jvp(u, (x,), (ones,))[1]
    return ad.jvp(slope, (x,), (ones,))[1]


NUMPY = Library(
    np,
    relu=lambda x: np.maximum(x, 0.0),
    largest=lambda x: x.max(axis=-1, keepdims=True),
    windows=lambda x: np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3)),
    curvature=curvature,
)


def gradient(name: str, compiled: Callable[[Any], Any]) -> Step:
    """The value and gradient of a loss; `compiled` is `ad.compile` or does nothing."""
    inputs, parameters = GIVEN[name]()
    both = compiled(ad.value_and_grad(lambda parameters: LOSSES[name](NUMPY, inputs, parameters)))
    found: list[Any] = []

    def run() -> Any:
        value, found[:] = both(parameters)
        return value

    return Step(run, lambda: found)


def steps(compiled: Callable[[Any], Any]) -> dict[str, Callable[[], Step]]:
    """All of them."""
    return {name: partial(gradient, name, compiled) for name in LOSSES}
