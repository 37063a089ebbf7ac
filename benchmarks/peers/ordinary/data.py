"""The arrays of the ordinary workloads: inputs and parameters, float32, the same in every process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.workloads import Array


class Given(NamedTuple):
    """What a loss is a function of.

    Attributes
    ----------
    inputs : the arrays that are not differentiated
    parameters : those that are
    """

    inputs: list[Array]
    parameters: list[Array]


STEPS, BATCH, FEATURES, HIDDEN = 20, 32, 16, 32
"""The sizes of the recurrent networks: (n, time, d) sequences."""

HEADS = 4
"""Heads of the attention block, in a width of 64."""


def _normal(rng: np.random.Generator, *shape: int, scale: float | None = None) -> Array:
    """Normal numbers, for a weight (in, ..., out) scaled by the number of its inputs."""
    scale = shape[0] ** -0.5 if scale is None else scale
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def _sequences(rng: np.random.Generator) -> list[Array]:
    return [_normal(rng, BATCH, STEPS, FEATURES, scale=1), _normal(rng, BATCH, HIDDEN, scale=1)]


def rnn_cell() -> Given:
    """Sequences, and the target of the last state; the weights by input and by state, and the bias."""
    rng = np.random.default_rng(20)
    return Given(
        _sequences(rng),
        [_normal(rng, FEATURES, HIDDEN), _normal(rng, HIDDEN, HIDDEN), _normal(rng, HIDDEN, scale=0.1)],
    )


def lstm_cell() -> Given:
    """The same for the four gates: the input, forget and output gate, and the candidate, side by side."""
    rng = np.random.default_rng(21)
    return Given(
        _sequences(rng),
        [_normal(rng, FEATURES, 4 * HIDDEN), _normal(rng, HIDDEN, 4 * HIDDEN), _normal(rng, 4 * HIDDEN, scale=0.1)],
    )


def layer_norm() -> Given:
    """Inputs (64, 64) and targets (64, 10); two hidden layers of 128, each with bias, gain and shift, and an output."""
    rng = np.random.default_rng(22)
    parameters = []
    for before in (64, 128):
        parameters += [_normal(rng, before, 128), _normal(rng, 128, scale=0.1)]
        parameters += [1 + _normal(rng, 128, scale=0.1), _normal(rng, 128, scale=0.1)]
    parameters += [_normal(rng, 128, 10), _normal(rng, 10, scale=0.1)]
    return Given([_normal(rng, 64, 64, scale=1), _normal(rng, 64, 10, scale=1)], parameters)


def einsum_convolution() -> Given:
    """Images (16, 3, 16, 16) and targets (16, 10); two kernels of 3x3, and an output."""
    rng = np.random.default_rng(23)
    return Given(
        [_normal(rng, 16, 3, 16, 16, scale=1), _normal(rng, 16, 10, scale=1)],
        [
            *(_normal(rng, 8, 3, 3, 3, scale=27**-0.5), _normal(rng, 8, 1, 1, scale=0.1)),
            *(_normal(rng, 8, 8, 3, 3, scale=72**-0.5), _normal(rng, 8, 1, 1, scale=0.1)),
            *(_normal(rng, 8, 10), _normal(rng, 10, scale=0.1)),
        ],
    )


def autoencoder() -> Given:
    """Images (64, 64) in [0, 1] and noise (64, 8); an encoder 64-32-8 with two ends, and a decoder 8-32-64."""
    rng = np.random.default_rng(24)
    parameters = []
    for before, after in ((64, 32), (32, 8), (32, 8), (8, 32), (32, 64)):
        parameters += [_normal(rng, before, after), _normal(rng, after, scale=0.1)]
    return Given([rng.random((64, 64)).astype(np.float32), _normal(rng, 64, 8, scale=1)], parameters)


def physics_informed() -> Given:
    """Points (256, 1) and the right-hand side there; a network 1-32-32-1."""
    rng = np.random.default_rng(25)
    points = rng.uniform(-1, 1, (256, 1)).astype(np.float32)
    parameters = []
    for before, after in ((1, 32), (32, 32), (32, 1)):
        parameters += [_normal(rng, before, after), _normal(rng, after, scale=0.1)]
    return Given([points, np.sin(3 * points)], parameters)


def mixture() -> Given:
    """Points (512, 8); weights, means and log scales of 6 components."""
    rng = np.random.default_rng(26)
    return Given(
        [_normal(rng, 512, 8, scale=1)],
        [_normal(rng, 6, scale=0.5), _normal(rng, 6, 8, scale=1), _normal(rng, 6, 8, scale=0.2)],
    )


def attention() -> Given:
    """Tokens (8, 32, 64) and targets; a transformer block: norm, three projections and one back, norm, two layers."""
    rng = np.random.default_rng(27)
    norms = [1 + _normal(rng, 64, scale=0.1), _normal(rng, 64, scale=0.1)]
    projections = [_normal(rng, 64, HEADS, 64 // HEADS) for _ in range(3)]
    back = _normal(rng, HEADS, 64 // HEADS, 64, scale=1 / 8)
    more = [1 + _normal(rng, 64, scale=0.1), _normal(rng, 64, scale=0.1)]
    layers = [
        *(_normal(rng, 64, 128), _normal(rng, 128, scale=0.1)),
        *(_normal(rng, 128, 64), _normal(rng, 64, scale=0.1)),
    ]
    inputs = [_normal(rng, 8, 32, 64, scale=1), _normal(rng, 8, 32, 64, scale=1)]
    return Given(inputs, [*norms, *projections, back, *more, *layers])


GIVEN: dict[str, Callable[[], Given]] = {
    "rnn-cell": rnn_cell,
    "lstm-cell": lstm_cell,
    "layer-norm": layer_norm,
    "einsum-convolution": einsum_convolution,
    "vae": autoencoder,
    "pinn": physics_informed,
    "mixture": mixture,
    "attention": attention,
}
