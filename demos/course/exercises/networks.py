"""Neural networks: activations, losses and their derivatives, gradient flow, training by hand, a small engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
import nn
from demos.course.drawing import Rng, array, distribution, number, one_hot
from demos.course.records import Array, exercise

NUMBERS = {
    "one number": lambda rng: (number(rng),),
    "an array": lambda rng: (array(rng, 5),),
    "a matrix": lambda rng: (array(rng, 2, 3),),
}


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


@exercise(
    serves="Neural networks: activation functions",
    keeps_dtype=True,
    draws={**NUMBERS, "large numbers": (np.array([-1000.0, -50.0, 50.0, 1000.0]),)},
    slope_of=lambda x: _sigmoid(x),
    by=("x",),
    example="sigmoid_derivative(0.0)",
    mistakes={
        "This is the sigmoid itself.": _sigmoid,
        "The second factor is 1 - σ(x), not 1 - x.": lambda x: _sigmoid(x) * (1 - x),
        "σ(x) (1 - σ(x)): here the x was given in place of σ(x).": lambda x: x * (1 - x),
        "For large numbers exp overflows to infinity, and ∞ / ∞ is NaN: write it with the sigmoid.": lambda x: (
            np.exp(-x) / (1 + np.exp(-x)) ** 2
        ),
        "This is the derivative of tanh, 1 - tanh².": lambda x: 1 - np.tanh(x) ** 2,
    },
    hints=("σ' = σ (1 - σ)", "Compute σ(x) once, and use it twice."),
    solution="""
def sigmoid_derivative(x):
    s = 1 / (1 + np.exp(-np.abs(x)))  # the derivative is even: exp never overflows
    return s * (1 - s)
""",
)
def sigmoid_derivative(x: Array) -> Array:
    """The derivative of the sigmoid.

    σ(x) = 1 / (1 + exp(-x)). Return σ'(x) for a number or an array; for large numbers, too, where it is nearly 0.
    float32 stays float32.
    """
    s = np.exp(-np.logaddexp(0, -x))
    return s * np.exp(-np.logaddexp(0, x))


@exercise(
    serves="Neural networks: activation functions",
    keeps_dtype=True,
    draws={**NUMBERS, "large numbers": (np.array([-1000.0, 1000.0]),)},
    slope_of=np.tanh,
    by=("x",),
    example="tanh_derivative(0.0)",
    mistakes={
        "tanh is squared: 1 - tanh(x)².": lambda x: 1 - np.tanh(x),
        "It is tanh(x) that is squared, not x.": lambda x: 1 - x**2,
        "This is tanh itself.": np.tanh,
        "Signs: the derivative is positive, 1 - tanh².": lambda x: np.tanh(x) ** 2 - 1,
        "For large numbers cosh overflows or exp does, and ∞ / ∞ is NaN: use tanh.": lambda x: (
            1 - ((np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))) ** 2
        ),
    },
    hints=("It can be said with tanh(x) alone.",),
    solution="""
def tanh_derivative(x):
    return 1 - np.tanh(x) ** 2
""",
)
def tanh_derivative(x: Array) -> Array:
    """The derivative of tanh.

    Return tanh'(x) for a number or an array; float32 stays float32.
    """
    return 1 - np.tanh(x) ** 2


@exercise(
    serves="Neural networks: activation functions",
    draws={**NUMBERS, "0": (0.0,), "an array with 0": (np.array([-1.0, 0.0, 2.0]),)},
    slope_of=lambda x: np.maximum(x, 0),
    by=("x",),
    example="relu_derivative(np.array([-1.0, 0.0, 2.0]))",
    mistakes={
        "At the kink, x = 0, the derivative is 0 by convention here: use > and not >=.": lambda x: (
            1.0 * (np.asarray(x) >= 0)
        ),
        "This is ReLU itself.": lambda x: np.maximum(x, 0),
        "For negative x ReLU is constant: its derivative is 0, not -1.": lambda x: np.sign(x),
        "The derivative of a constant part is 0: nothing is left of x where x is negative.": lambda x: np.where(
            np.asarray(x) > 0, 1.0, x
        ),
        "At the kink, x = 0, the derivative is 0 by convention here, not the mean of both sides.": lambda x: (
            np.heaviside(x, 0.5)
        ),
    },
    hints=("What is the slope to the right of 0, and to the left?", "Comparisons of arrays give arrays: x > 0."),
    solution="""
def relu_derivative(x):
    return np.where(x > 0, 1.0, 0.0)
""",
)
def relu_derivative(x: Array) -> Array:
    """The derivative of ReLU.

    ReLU is max(0, x). Return its derivative for a number or an array; at 0 it is taken as 0.
    """
    return np.heaviside(x, 0.0)


@exercise(
    serves="Neural networks: activation functions",
    keeps_dtype=True,
    draws={
        "a vector": lambda rng: (array(rng, 4),),
        "a matrix": lambda rng: (array(rng, 3, 4),),
        "large numbers": (np.array([1000.0, 1001.0, 999.0]),),
        "very negative numbers": (np.array([-1000.0, -1001.0]),),
    },
    example="softmax(np.array([1.0, 2.0, 3.0]))",
    mistakes={
        "For large numbers exp overflows: subtract the largest first, which changes nothing else.": lambda x: (
            np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
        ),
        "The rows of a matrix are distributions, each for itself: sum over the last axis.": lambda x: (
            np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x)))
        ),
        "The sum is taken over the wrong axis: use the last one.": lambda x: (
            np.exp(x - np.max(x, 0)) / np.sum(np.exp(x - np.max(x, 0)), 0)
        ),
        "The exponentials are not divided by their sum.": lambda x: np.exp(x - np.max(x, -1, keepdims=True)),
        "This is the logarithm of the softmax.": lambda x: (
            x
            - np.log(np.sum(np.exp(x - np.max(x, -1, keepdims=True)), -1, keepdims=True))
            - np.max(x, -1, keepdims=True)
        ),
    },
    laws={
        "The results of each row must have the sum 1.": lambda answer, x: np.allclose(
            np.sum(np.asarray(answer(x)), axis=-1), 1
        ),
        "If the same number is added to all scores, nothing must change.": lambda answer, x: np.allclose(
            answer(x + 3), answer(x)
        ),
    },
    hints=("exp of each, divided by their sum.", "Subtract np.max(x, axis=-1, keepdims=True) before."),
    solution="""
def softmax(x):
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)
""",
)
def softmax(x: Array) -> Array:
    """Softmax that never overflows.

    exp(x_i) / sum of exp(x_j), over the last axis of a vector or a matrix x; also for scores like 1000. float32 stays
    float32.
    """
    return np.asarray(nn.softmax(x, axis=-1))


@exercise(
    serves="Neural networks: activation functions",
    draws={
        "a vector": lambda rng: (array(rng, 4),),
        "a matrix": lambda rng: (array(rng, 3, 4),),
        "large numbers": (np.array([1000.0, 1001.0, 999.0]),),
        "very negative numbers": (np.array([-1000.0, -1001.0]),),
    },
    example="logsumexp(np.array([0.0, 0.0]))",
    mistakes={
        "For large numbers exp overflows: subtract the largest before, and add it to the logarithm.": lambda x: np.log(
            np.sum(np.exp(x), axis=-1)
        ),
        "The largest was subtracted, but not added again.": lambda x: np.log(
            np.sum(np.exp(x - np.max(x, -1, keepdims=True)), axis=-1)
        ),
        "The logarithm of a sum is not the sum of the logarithms.": lambda x: np.sum(x, axis=-1),
        "Each row of a matrix gives one number: sum over the last axis.": lambda x: (
            np.max(x) + np.log(np.sum(np.exp(x - np.max(x))))
        ),
        "This is the largest alone.": lambda x: np.max(x, axis=-1),
    },
    laws={
        "If 3 is added to all numbers, the result must rise by 3.": lambda answer, x: np.allclose(
            np.asarray(answer(x + 3)), np.asarray(answer(x)) + 3
        )
    },
    hints=("log(sum(exp(x - m))) + m for any m: which one is best?",),
    solution="""
def logsumexp(x):
    largest = np.max(x, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(x - largest), axis=-1)) + largest[..., 0]
""",
)
def logsumexp(x: Array) -> Array:
    """log-sum-exp that never overflows.

    The logarithm of the sum of exp(x_i), over the last axis of a vector or a matrix x; also for numbers like 1000.
    """
    return np.logaddexp.reduce(x, axis=-1)


# --- losses

PAIRS = {
    "four numbers": lambda rng: (array(rng, 4), array(rng, 4)),
    "nine numbers": lambda rng: (array(rng, 9), array(rng, 9)),
    "one number": lambda rng: (array(rng, 1), array(rng, 1)),
}


@exercise(
    serves="Neural networks: loss function optimization; exercise 2 of the curriculum",
    draws=PAIRS,
    keeps_dtype=True,
    slope_of=lambda prediction, target: np.mean((prediction - target) ** 2),
    by=("prediction",),
    example="mse_gradient(np.array([1.0, 2.0]), np.array([0.0, 4.0]))",
    mistakes={
        "The derivative by the prediction: the inner derivative is +1, so prediction - target comes first.": (
            lambda p, y: 2 * (y - p) / p.size
        ),
        "The mean is missing: divide by the number of entries.": lambda p, y: 2 * (p - y),
        "The factor 2 of the square is missing.": lambda p, y: (p - y) / p.size,
        "Each prediction has its own derivative: no sum, no mean over them.": lambda p, y: np.mean(2 * (p - y)),
        "This is the loss itself, not its derivative.": lambda p, y: np.mean((p - y) ** 2),
    },
    hints=("Derive (p_i - y_i)² / n by p_i; the other terms do not contain it.",),
    solution="""
def mse_gradient(prediction, target):
    return 2 * (prediction - target) / prediction.size
""",
)
def mse_gradient(prediction: Array, target: Array) -> Array:
    """The gradient of the mean squared error.

    The loss is the mean of (prediction - target)². Return its derivatives by the prediction, in its shape. float32
    stays float32.
    """
    return ad.grad(lambda p: np.mean((p - target) ** 2))(prediction)


@exercise(
    serves="Neural networks: loss function optimization; exercise 2 of the curriculum",
    draws={**PAIRS, "a prediction that is right": (np.array([1.0, 2.0, 0.5]), np.array([1.0, 0.0, 3.0]))},
    slope_of=lambda prediction, target: np.mean(np.abs(prediction - target)),
    by=("prediction",),
    example="mae_gradient(np.array([1.0, 2.0]), np.array([0.0, 4.0]))",
    mistakes={
        "The sign is the opposite: where the prediction is too large, the loss rises with it.": lambda p, y: (
            np.sign(y - p) / p.size
        ),
        "The mean is missing: divide by the number of entries.": lambda p, y: np.sign(p - y),
        "The size of the error does not matter, only its sign.": lambda p, y: (p - y) / p.size,
        "Where the prediction is right there is a kink; its derivative is taken as 0 there.": lambda p, y: (
            np.where(p >= y, 1.0, -1.0) / p.size
        ),
        "Where the prediction is right, 0 is divided by 0: use np.sign.": lambda p, y: (p - y) / np.abs(p - y) / p.size,
    },
    hints=("The derivative of |e| is 1 where e > 0, -1 where e < 0.",),
    solution="""
def mae_gradient(prediction, target):
    return np.sign(prediction - target) / prediction.size
""",
)
def mae_gradient(prediction: Array, target: Array) -> Array:
    """The gradient of the mean absolute error.

    The loss is the mean of |prediction - target|. Return its derivatives by the prediction; 0 where they are equal.
    """
    return ad.grad(lambda p: np.mean(np.abs(p - target)))(prediction)


@exercise(
    serves="Neural networks: loss function optimization; exercise 2 of the curriculum",
    draws={
        "three classes": lambda rng: (distribution(rng, 3), distribution(rng, 3)),
        "six classes": lambda rng: (distribution(rng, 6), one_hot(rng, 1, 6)[0]),
    },
    slope_of=lambda q, target: -np.sum(target * np.log(q)),
    by=("q",),
    example="cross_entropy_gradient(np.array([0.5, 0.25, 0.25]), np.array([0.0, 1.0, 0.0]))",
    mistakes={
        "The minus before the sum is lost.": lambda q, y: y / q,
        "The derivative of log(q) is 1 / q.": lambda q, y: -y * np.log(q),
        "q - y is the derivative by the scores before a softmax; here it is by the probabilities.": lambda q, y: q - y,
        "Target and probability are exchanged in the quotient.": lambda q, y: -q / np.where(y == 0, np.inf, y),
        "Every class has its own derivative: no sum.": lambda q, y: -np.sum(y / q),
    },
    hints=("Derive -y_i log(q_i) by q_i.",),
    solution="""
def cross_entropy_gradient(q, target):
    return -target / q
""",
)
def cross_entropy_gradient(q: Array, target: Array) -> Array:
    """The gradient of the cross-entropy.

    The loss is -sum of y_i log(q_i), where `target` is y and q are the predicted probabilities. Return its
    derivatives by q, where every q_i is a variable of its own.
    """
    return ad.grad(lambda q: -np.sum(target * np.log(q)))(q)


def _logits(rng: Rng, n: int, k: int) -> tuple[Array, Array]:
    return array(rng, n, k), rng.integers(0, k, n)


def _softmax(x: Array) -> Array:
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def _hot(scores: Array, labels: Array) -> Array:
    return np.eye(scores.shape[1])[labels]


@exercise(
    serves="Neural networks: loss function optimization; exercise 2 of the curriculum",
    draws={
        "four rows": lambda rng: _logits(rng, 4, 3),
        "one row": lambda rng: _logits(rng, 1, 5),
        "large scores": (np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([0, 0])),
    },
    slope_of=lambda scores, labels: -np.mean(np.sum(_hot(scores, labels) * np.log(_softmax(scores)), axis=1)),
    by=("scores",),
    example="softmax_cross_entropy_gradient(np.array([[0.0, 0.0]]), np.array([1]))",
    mistakes={
        "The mean over the rows is missing.": lambda s, y: _softmax(s) - _hot(s, y),
        "The sign is the opposite: probability minus target.": lambda s, y: (_hot(s, y) - _softmax(s)) / len(s),
        "The softmax is missing: scores are no probabilities.": lambda s, y: (s - _hot(s, y)) / len(s),
        "The 1 of the right class is not subtracted.": lambda s, y: _softmax(s) / len(s),
        "It is divided by all entries; the mean is over the rows only.": lambda s, y: (
            (_softmax(s) - _hot(s, y)) / s.size
        ),
        "For large scores exp overflows: subtract the largest score of each row first.": lambda s, y: (
            (np.exp(s) / np.exp(s).sum(1, keepdims=True) - _hot(s, y)) / len(s)
        ),
    },
    laws={
        "The derivatives of each row must have the sum 0: adding a number to all scores changes nothing.": (
            lambda answer, s, y: np.allclose(np.sum(np.asarray(answer(s, y)), axis=1), 0, atol=1e-9)
        )
    },
    hints=("Probabilities minus targets, with a 1 for the right class.", "Divide by the number of rows."),
    solution="""
def softmax_cross_entropy_gradient(scores, labels):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    gradient = powers / powers.sum(axis=1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / len(labels)
""",
)
def softmax_cross_entropy_gradient(scores: Array, labels: Array) -> Array:
    """The gradient of softmax with cross-entropy.

    Row i of `scores`, of shape (n, k), goes through a softmax; the loss is the mean over the rows of -log of the
    probability of the right class, labels[i]. Return its derivatives by the scores.
    """
    return ad.grad(lambda s: nn.cross_entropy(s, labels))(scores)


@exercise(
    serves="Neural networks: loss function optimization; exercise 2 of the curriculum",
    draws={
        "five scores": lambda rng: (array(rng, 5), np.sign(array(rng, 5)) + (array(rng, 5) == 9)),
        "a score beyond the margin": (np.array([3.0, -3.0, 0.5]), np.array([1.0, 1.0, -1.0])),
    },
    slope_of=lambda scores, y: np.mean(np.maximum(0.0, 1 - y * scores)),
    by=("scores",),
    example="hinge_gradient(np.array([2.0, 0.5, 0.5]), np.array([1.0, 1.0, -1.0]))",
    mistakes={
        "Right answers beyond the margin cost nothing: their derivative is 0.": lambda s, y: -y / s.size,
        "The minus is lost: the loss falls as y s grows.": lambda s, y: np.where(y * s < 1, y, 0.0) / s.size,
        "The margin is 1, not 0: also right answers below it cost something.": lambda s, y: (
            np.where(y * s < 0, -y, 0.0) / s.size
        ),
        "The mean is missing.": lambda s, y: np.where(y * s < 1, -y, 0.0),
        "The derivative of 1 - y s by s is -y, not -s.": lambda s, y: np.where(y * s < 1, -s, 0.0) / s.size,
    },
    hints=("Where is 1 - y s positive? There derive it by s.",),
    solution="""
def hinge_gradient(scores, y):
    return np.where(y * scores < 1, -y, 0.0) / scores.size
""",
)
def hinge_gradient(scores: Array, y: Array) -> Array:
    """The gradient of the hinge loss.

    The targets y are 1 or -1; the loss is the mean of max(0, 1 - y * scores). Return its derivatives by the scores.
    """
    return ad.grad(lambda s: np.mean(np.maximum(0.0, 1 - y * s)))(scores)


@exercise(
    serves="Neural networks: loss function optimization; exercise 2 of the curriculum",
    draws={
        "five scores": lambda rng: (array(rng, 5), rng.integers(0, 2, 5).astype(float)),
        "large scores": (np.array([-1000.0, 1000.0]), np.array([0.0, 0.0])),
    },
    slope_of=lambda scores, y: np.mean(np.logaddexp(0, scores) - y * scores),
    by=("scores",),
    example="binary_cross_entropy_gradient(np.array([0.0, 2.0]), np.array([1.0, 0.0]))",
    mistakes={
        "The sign is the opposite: probability minus target.": lambda s, y: (y - _sigmoid(s)) / s.size,
        "The mean is missing.": lambda s, y: _sigmoid(s) - y,
        "The sigmoid is missing: scores are no probabilities.": lambda s, y: (s - y) / s.size,
        "The derivative of the sigmoid cancels; here it is multiplied once too often.": lambda s, y: (
            (_sigmoid(s) - y) * _sigmoid(s) * (1 - _sigmoid(s)) / s.size
        ),
    },
    hints=("Almost everything cancels: what is left is the probability minus the target.",),
    solution="""
def binary_cross_entropy_gradient(scores, y):
    probability = (1 + np.tanh(scores / 2)) / 2  # the sigmoid, without an overflow
    return (probability - y) / scores.size
""",
)
def binary_cross_entropy_gradient(scores: Array, y: Array) -> Array:
    """The gradient of the binary cross-entropy.

    The probability of class 1 is p = σ(score); the loss is the mean of -(y log p + (1 - y) log(1 - p)), with the
    targets y 0 or 1. Return its derivatives by the scores.
    """
    return ad.grad(lambda s: np.mean(np.logaddexp(0, s) - y * s))(scores)


# --- parts of networks


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
    slope_of=lambda weights, x: _chain(weights, x),
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


# --- a network by hand


def _moons(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (40, 2))
    return x, ((x[:, :1] * x[:, 1:]) > 0).astype(float)


def _trained(update: Any, seed: int, steps: int) -> Any:
    """The loss after so many updates, as a share of the loss before; and whether shapes stayed."""
    x, y = _moons(seed)
    rng = np.random.default_rng(seed + 1)
    parameters = [rng.normal(size=(2, 8)), np.zeros(8), rng.normal(size=(8, 1)) * 0.5, np.zeros(1)]
    first = float(_by_network(x, y, *parameters))
    for _ in range(steps):
        new = update(*(p.copy() for p in parameters), x, y)
        if new is None:
            return None
        if not isinstance(new, (tuple, list)) or len(new) != 4:
            raise ValueError("the four parameters (W1, b1, W2, b2) should be returned")
        for name, old, now in zip(("W1", "b1", "W2", "b2"), parameters, new, strict=True):
            if np.shape(now) != old.shape:
                raise ValueError(f"{name} had the shape {old.shape} and now has {np.shape(now)}")
        parameters = [np.asarray(getattr(p, "data", p) if isinstance(p, ad.Tensor) else p) for p in new]
    return float(_by_network(x, y, *parameters)) / first


def _by_network(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    return np.mean((np.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2)


def _update(rate: float, sign: float = -1.0, hidden: bool = True) -> Callable[..., Any]:
    def update(W1: Array, b1: Array, W2: Array, b2: Array, x: Array, y: Array) -> Any:
        h = np.tanh(x @ W1 + b1)
        d = 2 * (h @ W2 + b2 - y) / len(x)
        dz = d @ W2.T * (1 - h**2) * hidden
        gradients = (x.T @ dz, dz.sum(0), h.T @ d, d.sum(0))
        return tuple(p + sign * rate * g for p, g in zip((W1, b1, W2, b2), gradients, strict=True))

    return update


@exercise(
    serves="Neural networks: loss function optimization; exercise 4 of the curriculum",
    free=True,
    use=lambda update, seed, steps: _trained(update, seed, steps),
    draws={"a network": lambda rng: (int(rng.integers(0, 100)), 300)},
    example="[p.shape for p in train_step(*map(np.ones, [(2, 8), 8, (8, 1), 1, (4, 2), (4, 1)]))]",
    mistakes={
        "The loss rises: the step goes with the gradient, not against it.": _update(0.001, 1.0),
        "Only the second layer learns: the first one gets no gradient.": _update(0.3, hidden=False),
        "It learns, but too slowly: the learning rate is much too small.": _update(0.003),
        "Nothing changes: the parameters come back as they went in.": lambda *parameters: parameters[:4],
    },
    laws={
        "The loss is NaN or infinite: is the rate too large, or does the step go uphill?": lambda answer, seed, steps: (
            np.isfinite(_trained(answer, seed, steps))
        ),
        "The loss rises: does the step go against the gradient?": lambda answer, seed, steps: (
            _trained(answer, seed, steps) < 1
        ),
        "The loss falls, but not to a quarter: are all four gradients right, and is the rate large enough?": (
            lambda answer, seed, steps: _trained(answer, seed, steps) < 0.25
        ),
    },
    hints=("First the gradients, as in two-layer-backward.", "Then p - rate * gradient for each; try the rate 0.3."),
    solution="""
def train_step(W1, b1, W2, b2, x, y):
    h = np.tanh(x @ W1 + b1)
    dp = 2 * (h @ W2 + b2 - y) / len(x)
    dz = dp @ W2.T * (1 - h**2)
    rate = 0.5
    W1 = W1 - rate * x.T @ dz
    b1 = b1 - rate * dz.sum(axis=0)
    W2 = W2 - rate * h.T @ dp
    b2 = b2 - rate * dp.sum(axis=0)
    return W1, b1, W2, b2
""",
)
def train_step(W1: Array, b1: Array, W2: Array, b2: Array, x: Array, y: Array) -> Any:
    """Optimise a network by hand.

    The network tanh(x @ W1 + b1) @ W2 + b2 has 8 hidden units, x has the shape (40, 2), y (40, 1), and the loss is the
    mean squared error. Write one step of training: return the new (W1, b1, W2, b2). It is called 300 times; after that
    the loss must be less than a quarter of what it was.
    """
    return _update(0.5)(W1, b1, W2, b2, x, y)


# --- a small engine


class Value:
    """A small engine for derivatives.

    Write a class: `Value(data)` holds a number in `.data` and its derivative in `.grad`, 0.0 at first. `a + b` and
    `a * b` of two Values give a Value. `y.backward()` sets y.grad to 1.0 and adds to the `.grad` of every Value
    that y was made of the derivative of y by it, also where a Value was used more than once.
    """

    def __init__(self, data: float, parents: tuple[Any, ...] = ()) -> None:
        self.data, self.grad, self.parents = data, 0.0, parents

    def __add__(self, other: Any) -> Any:
        """The sum."""
        return type(self)(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Any) -> Any:
        """The product."""
        return type(self)(self.data * other.data, ((self, other.data), (other, self.data)))

    def order(self) -> list[Any]:
        """All values this one was made of, itself last."""
        found: list[Any] = []

        def visit(v: Any) -> None:
            if all(v is not f for f in found):
                for parent, _ in v.parents:
                    visit(parent)
                found.append(v)

        visit(self)
        return found

    def backward(self) -> None:
        """The reverse sweep."""
        self.grad = 1.0
        for v in reversed(self.order()):
            for parent, local in v.parents:
                parent.grad += local * v.grad


def _expression(kind: Any, a: float, b: float) -> tuple[float, ...]:
    """``(a b + a) (a b)``: every value is used more than once."""
    x, y = kind(a), kind(b)
    product = x * y
    z = (product + x) * product
    z.backward()
    return z.data, x.grad, y.grad


class _Overwrites(Value):
    def backward(self) -> None:
        self.grad = 1.0
        for v in reversed(self.order()):
            for parent, local in v.parents:
                parent.grad = local * v.grad


class _Depth(Value):
    def backward(self) -> None:
        self.grad = 1.0
        self._down()

    def _down(self) -> None:
        for parent, local in self.parents:
            parent.grad += local * self.grad
            parent._down()


class _Own(Value):
    def __mul__(self, other: Any) -> Any:
        return type(self)(self.data * other.data, ((self, self.data), (other, other.data)))


class _NoSeed(Value):
    def backward(self) -> None:
        for v in reversed(self.order()):
            for parent, local in v.parents:
                parent.grad += local * v.grad


exercise(
    serves="Neural networks: chain rule in backpropagation",
    parts=("y.data", "a.grad", "b.grad"),
    use=lambda kind, a, b: _expression(kind, a, b),
    draws={"(a*b + a) * (a*b)": lambda rng: (number(rng), number(rng)), "b = 0": lambda rng: (number(rng), 0.0)},
    example="(Value(2.0) * Value(3.0) + Value(1.0)).data",
    mistakes={
        "A Value that is used twice gets both derivatives, added: here the second overwrites the first.": _Overwrites,
        "A Value must have its whole derivative before it passes it on: the last made comes first.": _Depth,
        "In a product each factor gets the other one as its derivative.": _Own,
        "All derivatives are 0: `backward` must begin with y.grad = 1.0.": _NoSeed,
    },
    hints=(
        "Every Value keeps its parents, each with the local derivative.",
        "backward: sort the Values so that each comes after its parents, and go through them from the end.",
        "parent.grad += local derivative * v.grad",
    ),
    solution="""
class Value:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, 0.0, parents

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def backward(self):
        order = []

        def visit(value):
            if value not in order:
                for parent, _ in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for parent, local in value.parents:
                parent.grad += local * value.grad
""",
)(Value)
