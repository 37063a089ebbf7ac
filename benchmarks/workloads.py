"""The workloads: the data, the initial parameters and the constants of each, in plain NumPy.

A workload is one complete step, from inputs to updated parameters (or to a derivative). All peers start from the arrays
made here, and return their results in the order and shapes of this file: weights are ``(in, out)``, and parameters are
listed layer by layer, weight before bias.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

W2_LEARNING_RATE = 0.05  # plain gradient descent
W5_LEARNING_RATE, W5_MOMENTUM = 0.01, 0.9
ADAM_LEARNING_RATE = 1e-3
ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8

SCALAR_POINT = (-4.0, 2.0)
"""The numbers a and b at which W1 is differentiated."""


class Network(NamedTuple):
    """A multilayer perceptron and its batch size."""

    seed: int
    widths: tuple[int, ...]
    samples: int


NETWORKS = {
    "W2": Network(seed=2, widths=(2, 16, 16, 1), samples=100),
    "W3": Network(seed=3, widths=(64, 64, 10), samples=32),
    "W4": Network(seed=4, widths=(784, 512, 256, 10), samples=128),
    "masks": Network(seed=5, widths=(64, 64, 64, 64, 10), samples=32),
    "W7": Network(seed=7, widths=(2, 64, 64, 1), samples=512),
}


RNN_BATCH, RNN_STEPS, RNN_FEATURES, RNN_HIDDEN = 32, 50, 16, 64
"""The sizes of W8."""


class Task(NamedTuple):
    """The training data and initial parameters of a network.

    Attributes
    ----------
    inputs : (n, d) float32, for W5 images (n, 1, h, w), for W8 sequences (n, time, d)
    targets : (n, 1) float32 in {-1, 1} for a regression, (n,) int64 class numbers for a classification; for W8 the
        target of the last state, (n, h) float32
    parameters : weight (in, out) and bias (out,) of each layer in turn, float32; a convolution's weight is (out, in,
        h, w), the recurrent layer of W8 has a weight for the inputs, one for the state, and a bias
    direction : one array for each parameter, float32, by which W7 multiplies the Hessian; empty for the others
    """

    inputs: Array
    targets: Array
    parameters: list[Array]
    direction: list[Array]


def task(name: str) -> Task:
    """Data and initial parameters of the workload `name`, the same in every process; of `W3-fed` those of W3."""
    name = name.removesuffix("-fed")
    if name in OTHERS:
        return OTHERS[name]()
    network = NETWORKS[name]
    rng = np.random.default_rng(network.seed)
    if network.widths[-1] == 1:
        inputs, targets = _two_moons(rng, network.samples)
    else:
        inputs = rng.random((network.samples, network.widths[0])).astype(np.float32)
        targets = rng.integers(0, network.widths[-1], network.samples)
    parameters = _he_normal(rng, network.widths)
    direction = [rng.standard_normal(p.shape).astype(np.float32) for p in parameters] if name == "W7" else []
    return Task(inputs, targets, parameters, direction)


def _lenet() -> Task:
    """W5: images of noise, and LeNet without padding: 6 and 16 kernels of 5x5, then 256-120-84-10."""
    rng = np.random.default_rng(5)
    inputs = rng.random((32, 1, 28, 28)).astype(np.float32)
    targets = rng.integers(0, 10, 32)
    parameters = []
    for shape in ((6, 1, 5, 5), (16, 6, 5, 5)):
        spread = np.sqrt(2 / np.prod(shape[1:]))
        parameters.append((rng.standard_normal(shape) * spread).astype(np.float32))
        parameters.append((rng.standard_normal(shape[0]) * 0.01).astype(np.float32))
    return Task(inputs, targets, parameters + _he_normal(rng, (256, 120, 84, 10)), [])


def _recurrent() -> Task:
    """W8: sequences of noise, and a state that starts at 0."""
    rng = np.random.default_rng(8)
    inputs = rng.standard_normal((RNN_BATCH, RNN_STEPS, RNN_FEATURES)).astype(np.float32)
    targets = rng.standard_normal((RNN_BATCH, RNN_HIDDEN)).astype(np.float32)
    by_input = (rng.standard_normal((RNN_FEATURES, RNN_HIDDEN)) / 4).astype(np.float32)
    by_state = (rng.standard_normal((RNN_HIDDEN, RNN_HIDDEN)) / 8).astype(np.float32)
    bias = (rng.standard_normal(RNN_HIDDEN) * 0.01).astype(np.float32)
    return Task(inputs, targets, [by_input, by_state, bias], [])


OTHERS: dict[str, Callable[[], Task]] = {"W5": _lenet, "W8": _recurrent}
"""The tasks of networks other than a perceptron."""


def _two_moons(rng: np.random.Generator, samples: int) -> tuple[Array, Array]:
    """Two interleaved half circles with noise, labelled -1 and 1."""
    half = samples // 2
    angle = np.pi * rng.random(half)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    points = np.concatenate([upper, lower]) + 0.1 * rng.standard_normal((samples, 2))
    labels = np.repeat([-1.0, 1.0], half)[:, None]
    return points.astype(np.float32), labels.astype(np.float32)


def _he_normal(rng: np.random.Generator, widths: tuple[int, ...]) -> list[Array]:
    """Normal weights of variance 2/in, and small nonzero biases, so that a forgotten bias shows."""
    parameters = []
    for before, after in pairwise(widths):
        parameters.append((rng.standard_normal((before, after)) * np.sqrt(2 / before)).astype(np.float32))
        parameters.append((rng.standard_normal(after) * 0.01).astype(np.float32))
    return parameters


def scalar_expression(a: Any, b: Any, relu: Callable[[Any], Any]) -> Any:
    """W1: about 25 operations on numbers, the well-known example of micrograd's README."""
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + relu(b + a)
    d = d + 3 * d + relu(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f


def rosenbrock_point() -> Array:
    """W7b: the point (100,) float32 at which the Hessian of the Rosenbrock function is taken."""
    return np.random.default_rng(77).uniform(-1, 1, 100).astype(np.float32)


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's function in as many dimensions as `x` has, for any array type that slices and sums like NumPy's."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def elementwise_point() -> Array:
    """W6: a million numbers, float64."""
    return np.random.default_rng(6).standard_normal(1_000_000)


def elementwise(x: Any, xp: Any) -> Any:
    """W6: the mean of a chain of elementwise functions from the module `xp`."""
    return xp.tanh(xp.sin(x) * xp.exp(-(x**2)) + xp.sqrt(x**2 + 1) / (1 + x**2)).mean()


CHAIN_FACTOR, CHAIN_SHIFT = 1 + 2**-16, 2**-13
"""Numbers that are exact in float32, since rounding errors in 100,000 factors would give another function."""

CHAIN_LENGTHS = {"chain-2000": 2_000, "chain-200000": 200_000}


def chain_point() -> Array:
    """The starting point of a chain of operations: (10,) float32."""
    return np.linspace(0.1, 1, 10, dtype=np.float32)


def chain(x: Any, operations: int) -> Any:
    """`operations` products and sums in turn, each on the previous result."""
    for _ in range(operations // 2):
        x = x * CHAIN_FACTOR + CHAIN_SHIFT
    return x


class Workload(NamedTuple):
    """What the harness needs to know about a workload; the peers define what a step computes.

    Attributes
    ----------
    title : one line for the reader
    trains : whether the state after a step is the parameters (compared by their changes), else the derivative
    yardstick : the workload of torch to compare with, if it is not the same
    """

    title: str
    trains: bool = False
    yardstick: str = ""


WORKLOADS = {
    "W1": Workload("scalar expression of about 25 operations, built and differentiated"),
    "W2": Workload("MLP 2-16-16-1, batch 100, ReLU, MSE, gradient descent", trains=True),
    "W3": Workload("MLP 64-64-10, batch 32, ReLU, cross-entropy, Adam", trains=True),
    "W4": Workload("MLP 784-512-256-10, batch 128, ReLU, cross-entropy, Adam", trains=True),
    "W3-fed": Workload("W3 with a batch that comes from NumPy and a loss that is read", trains=True),
    "W4-fed": Workload("W4 with a batch that comes from NumPy and a loss that is read", trains=True),
    "W5": Workload("LeNet on 28x28 images, batch 32, cross-entropy, momentum", trains=True),
    "W6": Workload("value and gradient of the mean of a chain of elementwise functions of a million numbers"),
    "W7": Workload("Hessian-vector product, tanh MLP 2-64-64-1, 512 samples: recorded and multiplied once"),
    "W7-further": Workload("each further product of one recording of W7, beside torch's W7", yardstick="W7"),
    "W7b": Workload("Hessian of the Rosenbrock function in 100 dimensions"),
    "W8": Workload("vanilla RNN, batch 32, hidden 64, 50 steps: loss and gradient of all parameters"),
    "rnn-cell": Workload("a recurrent network in plain NumPy: batch 32, hidden 32, 20 steps"),
    "lstm-cell": Workload("long short-term memory in plain NumPy: batch 32, hidden 32, 20 steps"),
    "layer-norm": Workload("a perceptron 64-128-128-10 with layer normalisation by hand, batch 64"),
    "einsum-convolution": Workload("two convolutions by windows and Einstein sums of 16 images 16x16"),
    "vae": Workload("a variational autoencoder 64-32-8-32-64, batch 64"),
    "pinn": Workload("the residual of u'' + u = f for a network 1-32-32-1 at 256 points"),
    "mixture": Workload("the likelihood of a mixture of 6 normal distributions, 512 points in 8 dimensions"),
    "attention": Workload("a transformer block by Einstein sums: 8 x 32 tokens, width 64, 4 heads"),
    "masks": Workload("backward pass of a composed ReLU network 64-64-64-64-10, batch 32"),
    "masks-off": Workload("the same with masks switched off"),
    "chain-2000": Workload("a chain of 2,000 operations on 10 numbers, built and differentiated"),
    "chain-200000": Workload("a chain of 200,000 operations on 10 numbers, built and differentiated"),
}
