"""Losses, and their derivatives by the predictions."""

from __future__ import annotations

import numpy as np

import autodiff as ad
import nn
from demos.course.drawing import Rng, array, distribution, one_hot
from demos.course.exercises.networks.formulas import sigmoid, softmax
from demos.course.records import Array, exercise

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


def _hot(scores: Array, labels: Array) -> Array:
    return np.eye(scores.shape[1])[labels]


@exercise(
    serves="Neural networks: loss function optimization; exercise 2 of the curriculum",
    draws={
        "four rows": lambda rng: _logits(rng, 4, 3),
        "one row": lambda rng: _logits(rng, 1, 5),
        "large scores": (np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([0, 0])),
    },
    slope_of=lambda scores, labels: -np.mean(np.sum(_hot(scores, labels) * np.log(softmax(scores)), axis=1)),
    by=("scores",),
    example="softmax_cross_entropy_gradient(np.array([[0.0, 0.0]]), np.array([1]))",
    mistakes={
        "The mean over the rows is missing.": lambda s, y: softmax(s) - _hot(s, y),
        "The sign is the opposite: probability minus target.": lambda s, y: (_hot(s, y) - softmax(s)) / len(s),
        "The softmax is missing: scores are no probabilities.": lambda s, y: (s - _hot(s, y)) / len(s),
        "The 1 of the right class is not subtracted.": lambda s, y: softmax(s) / len(s),
        "It is divided by all entries; the mean is over the rows only.": lambda s, y: (
            (softmax(s) - _hot(s, y)) / s.size
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
        "five scores": lambda rng: (array(rng, 5), rng.choice([-1.0, 1.0], 5)),
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
        "The sign is the opposite: probability minus target.": lambda s, y: (y - sigmoid(s)) / s.size,
        "The mean is missing.": lambda s, y: sigmoid(s) - y,
        "The sigmoid is missing: scores are no probabilities.": lambda s, y: (s - y) / s.size,
        "The derivative of the sigmoid cancels; here it is multiplied once too often.": lambda s, y: (
            (sigmoid(s) - y) * sigmoid(s) * (1 - sigmoid(s)) / s.size
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
