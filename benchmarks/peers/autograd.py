"""HIPS autograd, the NumPy engine that preceded JAX, with in-place updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import autograd
import autograd.numpy as np
from autograd.scipy.special import logsumexp

from benchmarks.peers import Step
from benchmarks.peers.in_place import Adam, Descent
from benchmarks.workloads import (
    CHAIN_LENGTHS,
    SCALAR_POINT,
    chain,
    chain_point,
    rosenbrock_point,
    scalar_expression,
    task,
)


def scalar() -> Step:
    """W1."""
    function = autograd.value_and_grad(lambda ab: scalar_expression(ab[0], ab[1], lambda t: np.maximum(t, 0.0)))
    gradient: list[Any] = []

    def run() -> Any:
        value, gradient[:] = function(SCALAR_POINT)
        return value

    return Step(run, lambda: [np.asarray(g) for g in gradient])


def _logits(parameters: Sequence[Any], x: Any) -> Any:
    last = len(parameters) - 2
    for i in range(0, last, 2):
        x = np.maximum(np.dot(x, parameters[i]) + parameters[i + 1], 0)
    return np.dot(x, parameters[last]) + parameters[last + 1]


def mean_square(parameters: Sequence[Any], x: Any, y: Any) -> Any:
    """The loss of W2."""
    return np.mean((_logits(parameters, x) - y) ** 2)


def cross_entropy(parameters: Sequence[Any], x: Any, y: Any) -> Any:
    """The loss of W3 and W4."""
    z = _logits(parameters, x)
    return np.mean(logsumexp(z, axis=1) - z[np.arange(len(y)), y])


def training(name: str, loss_function: Callable[..., Any], update: type[Adam] | type[Descent]) -> Step:
    """Value and gradient, then an update in place."""
    inputs, targets, parameters, _ = task(name)
    function, move = autograd.value_and_grad(loss_function), update(parameters)

    def run() -> Any:
        loss, gradient = function(parameters, inputs, targets)
        move(gradient)
        return loss

    return Step(run, lambda: parameters)


def tanh_loss(parameters: Sequence[Any], x: Any, y: Any) -> Any:
    """The loss of W7."""
    w1, b1, w2, b2, w3, b3 = parameters
    h = np.tanh(np.dot(np.tanh(np.dot(x, w1) + b1), w2) + b2)
    return np.mean((np.dot(h, w3) + b3 - y) ** 2)


def hessian_vector_product(keep: bool) -> Step:
    """W7, or W7-further if the recording is kept."""
    inputs, targets, parameters, direction = task("W7")
    record = autograd.make_hvp(lambda p: tanh_loss(p, inputs, targets))
    kept = record(parameters)[0] if keep else None
    product: list[Any] = []

    def run() -> None:
        multiply = kept or record(parameters)[0]
        product[:] = multiply(direction)

    return Step(run, lambda: product)


def rosenbrock_hessian() -> Step:
    """W7b; autograd's boxes have no method `sum`, so the function is written with `np.sum`."""
    point = rosenbrock_point()
    hessian = autograd.hessian(lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))
    result: list[Any] = []

    def run() -> None:
        result[:] = [hessian(point)]

    return Step(run, lambda: result)


def long_chain(operations: int) -> Step:
    """A chain of `operations` operations, recorded and differentiated."""
    point, function = chain_point(), autograd.value_and_grad(lambda x: np.sum(chain(x, operations)))
    gradient: list[Any] = []

    def run() -> Any:
        value, g = function(point)
        gradient[:] = [g]
        return value

    return Step(run, lambda: gradient)


STEPS = {
    "W1": scalar,
    "W2": partial(training, "W2", mean_square, Descent),
    "W3": partial(training, "W3", cross_entropy, Adam),
    "W4": partial(training, "W4", cross_entropy, Adam),
    "W7": partial(hessian_vector_product, keep=False),
    "W7-further": partial(hessian_vector_product, keep=True),
    "W7b": rosenbrock_hessian,
    **{name: partial(long_chain, operations) for name, operations in CHAIN_LENGTHS.items()},
}
