"""The ordinary workloads under `jax.jit`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.ordinary.data import GIVEN
from benchmarks.peers.ordinary.losses import LOSSES, Library


def windows(x: Any) -> Any:
    """All 3x3 windows; JAX has no view of them."""
    h, w = x.shape[2] - 2, x.shape[3] - 2
    parts = [jnp.stack([x[:, :, i : i + h, j : j + w] for j in range(3)], -1) for i in range(3)]
    return jnp.stack(parts, -2)


def curvature(u: Callable[[Any], Any], x: Any) -> Any:
    """The second derivative by two forward derivatives along ones, the cheapest way in JAX."""
    ones = jnp.ones_like(x)
    slope = lambda x: jax.jvp(u, (x,), (ones,))[1]
    return jax.jvp(slope, (x,), (ones,))[1]


JAX = Library(
    jnp,
    relu=jax.nn.relu,
    largest=lambda x: x.max(axis=-1, keepdims=True),
    windows=windows,
    curvature=curvature,
)


def gradient(name: str) -> Step:
    """The value and gradient of a loss."""
    inputs, parameters = jax.tree.map(jnp.asarray, tuple(GIVEN[name]()))
    both = jax.jit(jax.value_and_grad(lambda p, x: LOSSES[name](JAX, x, p)))
    found: Any = None

    def run() -> Any:
        nonlocal found
        value, found = jax.block_until_ready(both(parameters, inputs))
        return value

    return Step(run, lambda: [np.asarray(g) for g in found])


STEPS = {name: partial(gradient, name) for name in LOSSES}
