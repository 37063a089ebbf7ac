"""Our eager engine, through its public names only, except where a part is switched off to measure its cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

import autodiff as ad
import nn
import optim
from autodiff.core import sweeps
from benchmarks.peers import Step
from benchmarks.peers.ordinary import ours as ordinary
from benchmarks.workloads import (
    ADAM_LEARNING_RATE,
    CHAIN_LENGTHS,
    NETWORKS,
    RNN_FEATURES,
    RNN_HIDDEN,
    SCALAR_POINT,
    W2_LEARNING_RATE,
    W5_LEARNING_RATE,
    W5_MOMENTUM,
    Task,
    chain,
    chain_point,
    elementwise,
    elementwise_point,
    rosenbrock,
    rosenbrock_point,
    scalar_expression,
    task,
)


def scalar() -> Step:
    """W1 on scalar Tensors, which are created in every step."""
    relu = lambda t: np.maximum(t, 0.0)
    gradient: list[Any] = []

    def run() -> Any:
        a, b = (ad.tensor(value, requires_grad=True) for value in SCALAR_POINT)
        g = scalar_expression(a, b, relu)
        g.backward()
        gradient[:] = a.grad, b.grad
        return g.data

    return Step(run, lambda: [np.asarray(value) for value in gradient])


def elementwise_chain() -> Step:
    """W6."""
    point, both = elementwise_point(), ad.value_and_grad(lambda x: elementwise(x, np))
    gradient: list[Any] = []

    def run() -> Any:
        value, slope = both(point)
        gradient[:] = [slope]
        return value

    return Step(run, lambda: gradient)


def perceptron(name: str) -> nn.Module:
    """The network of W2 to W4."""
    layers: list[Any] = []
    for before, after in pairwise(NETWORKS[name].widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lenet(name: str) -> nn.Module:
    """The network of W5."""
    features = [nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    classes = [nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(*features, nn.Flatten(), *classes)


def training_step(
    name: str,
    loss_function: Callable[[Any, Any], Any],
    make_optimizer: Callable[[Any], Any],
    make_model: Callable[[str], nn.Module] = perceptron,
) -> tuple[Callable[[Any, Any], ad.Tensor], list[Any], Task]:
    """A network of `nn` and one step of an optimiser of `optim`: returns the step, the parameters, and the task."""
    given = task(name)
    model = make_model(name)
    parameters = model.parameters()
    optimizer = make_optimizer(parameters)
    for parameter, value in zip(parameters, given.parameters, strict=True):
        parameter.assign_(value)

    def step(x: Any, y: Any) -> ad.Tensor:
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step, parameters, given


def training(*what: Any) -> Step:
    """The step, as it is."""
    step, parameters, (inputs, targets, _, _) = training_step(*what)
    return Step(lambda: step(inputs, targets).data, lambda: [p.data for p in parameters])


def regression(name: str) -> Step:
    """W2."""
    return training(name, nn.mse_loss, partial(optim.GradientDescent, learning_rate=W2_LEARNING_RATE))


def classification(name: str) -> Step:
    """W3 and W4."""
    return training(name, nn.cross_entropy, partial(optim.Adam, learning_rate=ADAM_LEARNING_RATE))


CONVOLUTIONAL = ("W5", nn.cross_entropy, partial(optim.Momentum, learning_rate=W5_LEARNING_RATE, momentum=W5_MOMENTUM))
"""Arguments of `training` for W5, before the network."""


def recurrent_gradient(name: str) -> tuple[Callable[[Any, Any], ad.Tensor], list[Any], Task]:
    """W8: a function that sets the gradients of the layer, the parameters, and the task."""
    given = task(name)
    layer = nn.RNN(RNN_FEATURES, RNN_HIDDEN)
    parameters = layer.parameters()
    for parameter, value in zip(parameters, [*given.parameters, np.zeros(RNN_HIDDEN)], strict=True):
        parameter.assign_(value)

    def gradient(x: Any, y: Any) -> ad.Tensor:
        layer.zero_grad()
        _, last = layer(x)
        loss = nn.mse_loss(last[0], y)
        loss.backward()
        return loss

    return gradient, parameters[:3], given


def recurrent(name: str) -> Step:
    """W8."""
    gradient, parameters, (inputs, targets, _, _) = recurrent_gradient(name)
    return Step(lambda: gradient(inputs, targets).data, lambda: [p.grad for p in parameters])


def tanh_loss(given: Task) -> Callable[[Sequence[Any]], Any]:
    """The loss of W7 as a function of the list of parameters."""

    def loss(parameters: Sequence[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = np.tanh(given.inputs @ w1 + b1)
        h = np.tanh(h @ w2 + b2)
        return ((h @ w3 + b3 - given.targets) ** 2).mean()

    return loss


def hessian_vector_product() -> Step:
    """W7: recorded again for each product."""
    given = task("W7")
    loss = tanh_loss(given)
    product: list[Any] = []

    def run() -> None:
        product[:] = ad.hvp(loss, given.parameters, given.direction)

    return Step(run, lambda: product)


def further_product() -> Step:
    """W7-further: recorded once, here."""
    given = task("W7")
    operator = ad.hessian_operator(tanh_loss(given), given.parameters)
    product: list[Any] = []

    def run() -> None:
        product[:] = operator @ given.direction

    return Step(run, lambda: product)


def rosenbrock_hessian() -> Step:
    """W7b."""
    point, hessian = rosenbrock_point(), ad.hessian(rosenbrock)
    result: list[Any] = []

    def run() -> None:
        result[:] = [hessian(point)]

    return Step(run, lambda: result)


def long_chain(operations: int) -> Step:
    """A chain of `operations` operations, recorded and differentiated."""
    start = ad.tensor(chain_point(), requires_grad=True)

    def run() -> Any:
        start.zero_grad()
        loss = chain(start, operations).sum()
        loss.backward()
        return loss.data

    return Step(run, lambda: [start.grad])


def composed_loss(parameters: Sequence[Any], given: Task) -> Any:
    """A ReLU network and its cross-entropy in plain NumPy: maxima block, and logarithms may be infinite."""
    h: Any = given.inputs
    for i in range(0, len(parameters), 2):
        h = (np.maximum(h, 0.0) if i else h) @ parameters[i] + parameters[i + 1]
    h = h - h.max(axis=1, keepdims=True)
    log_p = h - np.log(np.exp(h).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(h)), given.targets].mean()


def masked_backward(*, masks: bool) -> Step:
    """Only the backward pass, over one recording, with or without masks."""
    given = task("masks")
    parameters = [ad.tensor(value, requires_grad=True) for value in given.parameters]
    loss = composed_loss(parameters, given)

    def run() -> Any:
        for p in parameters:
            p.zero_grad()
        loss.backward()
        return loss.data

    def run_without() -> Any:
        kept, sweeps.pull_back_to_leaves = sweeps.pull_back_to_leaves, sweep_without_masks
        try:
            return run()
        finally:
            sweeps.pull_back_to_leaves = kept

    return Step(run if masks else run_without, lambda: [p.grad for p in parameters])


def sweep_without_masks(found: Any, cts: Any) -> Any:
    """The sweep as it would be if nothing could block an infinite slope."""
    sweeps.pull_back_arrays(found.nodes, cts)
    return cts


STEPS = {
    "W1": scalar,
    "W2": partial(regression, "W2"),
    "W3": partial(classification, "W3"),
    "W4": partial(classification, "W4"),
    "W5": partial(training, *CONVOLUTIONAL, lenet),
    "W6": elementwise_chain,
    "W7": hessian_vector_product,
    "W7-further": further_product,
    "W7b": rosenbrock_hessian,
    "W8": partial(recurrent, "W8"),
    **{name: partial(long_chain, operations) for name, operations in CHAIN_LENGTHS.items()},
    "masks": partial(masked_backward, masks=True),
    "masks-off": partial(masked_backward, masks=False),
    **ordinary.steps(lambda f: f),
}
