"""Our engine compiled: the steps of `ours`, through ``ad.compile``."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import autodiff as ad
import autodiff.compiler
import nn
import optim
from benchmarks.peers import Step
from benchmarks.peers.ours import CONVOLUTIONAL, lenet, recurrent_gradient, tanh_loss, training_step
from benchmarks.workloads import (
    ADAM_LEARNING_RATE,
    SCALAR_POINT,
    W2_LEARNING_RATE,
    elementwise,
    elementwise_point,
    rosenbrock,
    rosenbrock_point,
    scalar_expression,
    task,
)


def scalar() -> Step:
    """W1: value and gradient as a function of two numbers."""
    relu = lambda t: np.maximum(t, 0.0)
    both = ad.compile(ad.value_and_grad(lambda a, b: scalar_expression(a, b, relu), argnums=(0, 1)))
    point = [np.float64(value) for value in SCALAR_POINT]
    gradient: list[Any] = []

    def run() -> Any:
        value, gradient[:] = both(*point)
        return value

    return Step(run, lambda: [np.asarray(value) for value in gradient])


def training(*what: Any) -> Step:
    """The whole training step of the eager engine."""
    step, parameters, (inputs, targets, _, _) = training_step(*what)
    compiled = ad.compile(step)
    return Step(lambda: compiled(inputs, targets).data, lambda: [p.data for p in parameters])


def elementwise_chain() -> Step:
    """W6."""
    point, both = elementwise_point(), ad.compile(ad.value_and_grad(lambda x: elementwise(x, np)))
    gradient: list[Any] = []

    def run() -> Any:
        value, slope = both(point)
        gradient[:] = [slope]
        return value

    return Step(run, lambda: gradient)


def recurrent(name: str) -> Step:
    """W8."""
    gradient, parameters, (inputs, targets, _, _) = recurrent_gradient(name)
    compiled = ad.compile(gradient)
    return Step(lambda: compiled(inputs, targets).data, lambda: [p.grad for p in parameters])


def hessian_vector_product() -> Step:
    """W7: every product runs the gradient's program again."""
    given = task("W7")
    compiled = ad.compile(lambda parameters, direction: ad.hvp(tanh_loss(given), parameters, direction))
    product: list[Any] = []

    def run() -> None:
        product[:] = compiled(given.parameters, given.direction)

    return Step(run, lambda: product)


def rosenbrock_hessian() -> Step:
    """W7b."""
    point, hessian = rosenbrock_point(), ad.compile(ad.hessian(rosenbrock))
    result: list[Any] = []

    def run() -> None:
        result[:] = [hessian(point)]

    return Step(run, lambda: result)


STEPS = {
    "W1": scalar,
    "W2": partial(training, "W2", nn.mse_loss, partial(optim.GradientDescent, learning_rate=W2_LEARNING_RATE)),
    "W3": partial(training, "W3", nn.cross_entropy, partial(optim.Adam, learning_rate=ADAM_LEARNING_RATE)),
    "W4": partial(training, "W4", nn.cross_entropy, partial(optim.Adam, learning_rate=ADAM_LEARNING_RATE)),
    "W5": partial(training, *CONVOLUTIONAL, lenet),
    "W6": elementwise_chain,
    "W7": hessian_vector_product,
    "W7b": rosenbrock_hessian,
    "W8": partial(recurrent, "W8"),
}
