"""What layers do to values and slopes: dropout, the derivative of many layers, the size of weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import autodiff as ad
from demos.course.drawing import array, number
from demos.course.records import Array, exercise


@exercise(
    serves="Neural networks: gradient flow",
    draws={
        "a vector": lambda rng: (array(rng, 6), (rng.random(6) < 0.6).astype(float), 0.4),
        "a matrix": lambda rng: (array(rng, 3, 4), (rng.random((3, 4)) < 0.8).astype(float), 0.2),
        "nothing dropped": lambda rng: (array(rng, 3), np.ones(3), 0.5),
    },
    example="dropout(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 1.0]), 0.5)",
    mistakes={
        "What is kept must be scaled, so that the mean stays the same.": lambda x, mask, p: x * mask,
        "p is the probability to be dropped; what is kept is divided by 1 - p.": lambda x, mask, p: x * mask / p,
        "What is kept becomes larger: divide by 1 - p.": lambda x, mask, p: x * mask * (1 - p),
        "Kept are the entries where the mask is 1.": lambda x, mask, p: x * (1 - mask) / (1 - p),
    },
    hints=("On average a share of 1 - p is kept.",),
    solution="""
def dropout(x, mask, p):
    return x * mask / (1 - p)
""",
)
def dropout(x: Array, mask: Array, p: float) -> Array:
    """Dropout with its scale.

    Every entry of x was dropped with the probability p: `mask` is 0 there, and 1 elsewhere. Return the layer's result
    while training; its mean over all masks must be x.
    """
    return np.where(mask == 1, x / (1 - p), 0.0)


def _chain(weights: Array, x: Array) -> Array:
    for w in weights:
        x = np.tanh(w * x)
    return x


def _deep(weights: Array, x: float, slope: Callable[[Array], Array]) -> float:
    product = 1.0
    for w in weights:
        x = np.tanh(w * x)
        product *= w * slope(x)
    return float(product)


@exercise(
    serves="Neural networks: chain rule in backpropagation",
    draws={
        "three layers": lambda rng: (array(rng, 3, low=0.5), number(rng)),
        "one layer": lambda rng: (array(rng, 1, low=0.5), number(rng)),
        "ten layers": lambda rng: (array(rng, 10, low=0.5), number(rng)),
    },
    slope_of=_chain,
    by=("x",),
    example="deep_derivative(np.array([1.0, 2.0]), 0.5)",
    mistakes={
        "The derivatives of tanh are missing: only the weights are multiplied.": lambda weights, x: np.prod(weights),
        "The weights are missing: each layer contributes w times the derivative of tanh.": lambda weights, x: (
            _deep(weights, x, lambda y: 1 - y**2) / np.prod(weights)
        ),
        "The derivative of tanh is 1 - tanh², with the layer's result.": lambda weights, x: _deep(
            weights, x, lambda y: 1 - y
        ),
        "Every layer has an input of its own; here all derivatives are taken at x.": lambda weights, x: np.prod(
            [w * (1 - np.tanh(w * x) ** 2) for w in weights]
        ),
    },
    hints=("A loop: keep the value and the derivative so far.", "Each layer multiplies it by w (1 - y²)."),
    solution="""
def deep_derivative(weights, x):
    derivative = 1.0
    for w in weights:
        x = np.tanh(w * x)
        derivative = derivative * w * (1 - x**2)
    return derivative
""",
)
def deep_derivative(weights: Array, x: float) -> float:
    """The derivative of a deep network.

    Layer after layer, x becomes tanh(w x), for every w of `weights`. Return the derivative of the result by the
    first x: with many layers it vanishes, unless the weights are large.
    """
    return float(ad.derivative(lambda x: _chain(weights, x))(x))


@exercise(
    serves="Neural networks: gradient flow",
    draws={"a layer": lambda rng: (int(rng.integers(2, 500)),), "one input": (1,)},
    example="he_scale(200)",
    mistakes={
        "This is the variance; the standard deviation is its root.": lambda n: 2 / n,
        "1 / n is for tanh; ReLU loses half of the variance, so there is a 2.": lambda n: (1 / n) ** 0.5,
        "Twice the root is not the root of twice.": lambda n: 2 / n**0.5,
    },
    hints=("The sum of n products has n times their variance.", "ReLU keeps half of the mean square."),
    solution="""
def he_scale(inputs):
    return np.sqrt(2 / inputs)
""",
)
def he_scale(inputs: int) -> float:
    """The size of weights at the beginning.

    A layer of ReLUs has so many inputs. Return the standard deviation of its random weights with which values keep
    their mean square from layer to layer (He's initialisation).
    """
    return float((2.0 / inputs) ** 0.5)
