"""MyGrad with its memory guarding off, as its manual advises for small arrays. It has no second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mygrad
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.peers import Step
from benchmarks.peers.in_place import Adam, Descent
from benchmarks.workloads import CHAIN_LENGTHS, SCALAR_POINT, chain, chain_point, scalar_expression, task

mygrad.turn_memory_guarding_off()


def scalar() -> Step:
    """W1 on 0-d Tensors, which are created in every step."""
    gradient: list[Any] = []

    def run() -> Any:
        a, b = (mygrad.tensor(value) for value in SCALAR_POINT)
        g = scalar_expression(a, b, relu)
        g.backward()
        gradient[:] = a.grad, b.grad
        return g.data

    return Step(run, lambda: [np.asarray(g) for g in gradient])


def mean_square(z: Any, y: Any) -> Any:
    """The loss of W2."""
    return mygrad.mean((z - y) ** 2)


def training(name: str, loss_function: Callable[[Any, Any], Any], update: type[Adam] | type[Descent]) -> Step:
    """Backpropagation, then an update in place."""
    inputs, targets, initial, _ = task(name)
    parameters = [mygrad.tensor(p) for p in initial]
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    move = update([p.data for p in parameters])

    def run() -> Any:
        for p in parameters:
            p.null_grad()
        x = inputs
        for weight, bias in layers[:-1]:
            x = relu(x @ weight + bias)
        weight, bias = layers[-1]
        loss = loss_function(x @ weight + bias, targets)
        loss.backward()
        move([p.grad for p in parameters])
        return loss.data

    return Step(run, lambda: [p.data for p in parameters])


def long_chain(operations: int) -> Step:
    """A chain of `operations` operations, recorded and differentiated."""
    start = mygrad.tensor(chain_point())

    def run() -> Any:
        start.null_grad()
        loss = chain(start, operations).sum()
        loss.backward()
        return loss.data

    return Step(run, lambda: [start.grad])


STEPS = {
    "W1": scalar,
    "W2": partial(training, "W2", mean_square, Descent),
    "W3": partial(training, "W3", softmax_crossentropy, Adam),
    "W4": partial(training, "W4", softmax_crossentropy, Adam),
    **{name: partial(long_chain, operations) for name, operations in CHAIN_LENGTHS.items()},
}
