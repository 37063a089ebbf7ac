"""Activation functions and their derivatives, and softmax."""

from __future__ import annotations

import numpy as np

import nn
from demos.course.drawing import array, number
from demos.course.exercises.networks.formulas import sigmoid
from demos.course.records import Array, exercise

NUMBERS = {
    "one number": lambda rng: (number(rng),),
    "an array": lambda rng: (array(rng, 5),),
    "a matrix": lambda rng: (array(rng, 2, 3),),
}


@exercise(
    serves="Neural networks: activation functions",
    keeps_dtype=True,
    draws={**NUMBERS, "large numbers": (np.array([-1000.0, -50.0, 50.0, 1000.0]),)},
    slope_of=sigmoid,
    by=("x",),
    example="sigmoid_derivative(0.0)",
    mistakes={
        "This is the sigmoid itself.": sigmoid,
        "The second factor is 1 - σ(x), not 1 - x.": lambda x: sigmoid(x) * (1 - x),
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
