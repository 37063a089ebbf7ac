"""Our engine compiled: the steps of `ours`, through ``ad.compile``, for every backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import autodiff as ad
import autodiff.compiler
import nn
import optim
from benchmarks.peers import Step
from benchmarks.peers.ordinary import ours as ordinary
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

Compile = Callable[[Any], Any]
"""`ad.compile` with its backend."""


def scalar(compiled: Compile) -> Step:
    """W1: value and gradient as a function of two numbers."""
    relu = lambda t: np.maximum(t, 0.0)
    both = compiled(ad.value_and_grad(lambda a, b: scalar_expression(a, b, relu), argnums=(0, 1)))
    point = [np.float64(value) for value in SCALAR_POINT]
    gradient: list[Any] = []

    def run() -> Any:
        value, gradient[:] = both(*point)
        return value

    return Step(run, lambda: [np.asarray(value) for value in gradient])


def training(compiled: Compile, *what: Any) -> Step:
    """The whole training step of the eager engine."""
    step, parameters, (inputs, targets, _, _) = training_step(*what)
    run = compiled(step)
    return Step(lambda: run(inputs, targets).data, lambda: [p.data for p in parameters])


def elementwise_chain(compiled: Compile) -> Step:
    """W6."""
    point, both = elementwise_point(), compiled(ad.value_and_grad(lambda x: elementwise(x, np)))
    gradient: list[Any] = []

    def run() -> Any:
        value, slope = both(point)
        gradient[:] = [slope]
        return value

    return Step(run, lambda: gradient)


def recurrent(compiled: Compile) -> Step:
    """W8."""
    gradient, parameters, (inputs, targets, _, _) = recurrent_gradient("W8")
    run = compiled(gradient)
    return Step(lambda: run(inputs, targets).data, lambda: [p.grad for p in parameters])


def hessian_vector_product(compiled: Compile) -> Step:
    """W7: every product runs the gradient's program again."""
    given = task("W7")
    multiply = compiled(lambda parameters, direction: ad.hvp(tanh_loss(given), parameters, direction))
    product: list[Any] = []

    def run() -> None:
        product[:] = multiply(given.parameters, given.direction)

    return Step(run, lambda: product)


def rosenbrock_hessian(compiled: Compile) -> Step:
    """W7b."""
    point, hessian = rosenbrock_point(), compiled(ad.hessian(rosenbrock))
    result: list[Any] = []

    def run() -> None:
        result[:] = [hessian(point)]

    return Step(run, lambda: result)


def steps(**options: Any) -> dict[str, Callable[[], Step]]:
    """The steps of a peer that passes `options` to `ad.compile`."""
    make: dict[str, Callable[[Compile], Step]] = {
        "W1": scalar,
        "W2": lambda c: training(c, "W2", nn.mse_loss, descent),
        "W3": lambda c: training(c, "W3", nn.cross_entropy, adam),
        "W4": lambda c: training(c, "W4", nn.cross_entropy, adam),
        "W5": lambda c: training(c, *CONVOLUTIONAL, lenet),
        "W6": elementwise_chain,
        "W7": hessian_vector_product,
        "W7b": rosenbrock_hessian,
        "W8": recurrent,
    }
    compiled = partial(ad.compile, **options)
    return {**{name: partial(step, compiled) for name, step in make.items()}, **ordinary.steps(compiled)}


descent = partial(optim.GradientDescent, learning_rate=W2_LEARNING_RATE)
adam = partial(optim.Adam, learning_rate=ADAM_LEARNING_RATE)

STEPS = steps()
