"""Eager PyTorch: `torch.nn` and `torch.optim` as in its tutorials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers import Step
from benchmarks.peers.ordinary import torch as ordinary
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
    chain,
    chain_point,
    elementwise,
    elementwise_point,
    rosenbrock,
    rosenbrock_point,
    scalar_expression,
    task,
)

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def scalar() -> Step:
    """W1 on 0-d float64 tensors, which are created in every step."""
    gradient: list[Any] = []

    def run() -> Any:
        a, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in SCALAR_POINT)
        g = scalar_expression(a, b, torch.relu)
        g.backward()
        gradient[:] = a.grad, b.grad
        return g.detach()

    return Step(run, lambda: [value.numpy() for value in gradient])


def elementwise_chain() -> Step:
    """W6."""
    x = torch.tensor(elementwise_point(), requires_grad=True)

    def run() -> Any:
        x.grad = None
        value = elementwise(x, torch)
        value.backward()
        return value.detach()

    return Step(run, lambda: [x.grad.numpy()])


def perceptron(name: str) -> nn.Module:
    """The network of W2 to W4."""
    layers: list[nn.Module] = []
    for before, after in pairwise(NETWORKS[name].widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def training(
    name: str,
    loss_function: Callable[[Any, Any], Any],
    make_optimizer: Callable[[Any], Any],
    make_model: Callable[[str], nn.Module] = perceptron,
) -> Step:
    """A network of `torch.nn` and one step of an optimiser of `torch.optim`."""
    given = task(name)
    inputs, targets = torch.from_numpy(given.inputs), torch.from_numpy(given.targets)
    model = make_model(name)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), given.parameters, strict=True):
            parameter.copy_(torch.from_numpy(swapped(value)))
    optimizer = make_optimizer(model.parameters())

    def run() -> Any:
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return Step(run, lambda: [swapped(p.detach().numpy()) for p in model.parameters()])


def swapped(weight: Any) -> Any:
    """Convert between (in, out) and torch's (out, in); other arrays have the same layout."""
    return weight.T if weight.ndim == 2 else weight


def regression(name: str) -> Step:
    """W2."""
    return training(name, functional.mse_loss, partial(torch.optim.SGD, lr=W2_LEARNING_RATE))


def classification(name: str) -> Step:
    """W3 and W4."""
    return training(name, functional.cross_entropy, partial(torch.optim.Adam, lr=ADAM_LEARNING_RATE))


def lenet(name: str) -> nn.Module:
    """The network of W5."""
    features = [nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    classes = [nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(*features, nn.Flatten(), *classes)


def convolutional(name: str) -> Step:
    """W5."""
    momentum = partial(torch.optim.SGD, lr=W5_LEARNING_RATE, momentum=W5_MOMENTUM)
    return training(name, functional.cross_entropy, momentum, lenet)


def recurrent(name: str, *, fused: bool = False) -> Step:
    """W8, cell by cell, or with `fused` by the layer that runs the loop inside torch."""
    given = task(name)
    inputs, targets = torch.from_numpy(given.inputs.swapaxes(0, 1).copy()), torch.from_numpy(given.targets)
    layer = (nn.RNN if fused else nn.RNNCell)(RNN_FEATURES, RNN_HIDDEN)
    by_input, by_state, bias, other_bias = layer.parameters()
    with torch.no_grad():
        for parameter, value in zip((by_input, by_state, bias), given.parameters, strict=True):
            parameter.copy_(torch.from_numpy(swapped(value)))
        other_bias.zero_()

    def last_state() -> torch.Tensor:
        if fused:
            return layer(inputs)[1][0]
        state = torch.zeros(inputs.shape[1], RNN_HIDDEN)
        for step in inputs:
            state = layer(step, state)
        return state

    def run() -> Any:
        layer.zero_grad()
        loss = functional.mse_loss(last_state(), targets)
        loss.backward()
        return loss.detach()

    return Step(run, lambda: [swapped(np.asarray(p.grad)) for p in (by_input, by_state, bias)])


class TanhNetwork:
    """The network of W7, its parameters and the fixed direction."""

    def __init__(self) -> None:
        given = task("W7")
        self.inputs, self.targets = torch.from_numpy(given.inputs), torch.from_numpy(given.targets)
        self.parameters = [torch.from_numpy(p).requires_grad_() for p in given.parameters]
        self.direction = [torch.from_numpy(v) for v in given.direction]
        self.product: Sequence[torch.Tensor] = ()

    def gradient(self) -> Sequence[torch.Tensor]:
        """The gradient, recorded so that it can be differentiated again."""
        w1, b1, w2, b2, w3, b3 = self.parameters
        h = torch.tanh(torch.addmm(b1, self.inputs, w1))
        h = torch.tanh(torch.addmm(b2, h, w2))
        loss = functional.mse_loss(torch.addmm(b3, h, w3), self.targets)
        return torch.autograd.grad(loss, self.parameters, create_graph=True)

    def multiply(self, gradient: Sequence[torch.Tensor], keep: bool) -> None:
        """The Hessian times the direction, by a second backward pass; `keep` keeps the recording for another."""
        self.product = torch.autograd.grad(gradient, self.parameters, self.direction, retain_graph=keep)


def hessian_vector_product() -> Step:
    """W7: recorded again for each product, with reverse over reverse, as usual in torch."""
    network = TanhNetwork()
    return Step(lambda: network.multiply(network.gradient(), keep=False), lambda: [h.numpy() for h in network.product])


def further_product() -> Step:
    """W7-further: the recorded gradient is kept."""
    network = TanhNetwork()
    gradient = network.gradient()
    return Step(lambda: network.multiply(gradient, keep=True), lambda: [h.numpy() for h in network.product])


def rosenbrock_hessian() -> Step:
    """W7b, by `torch.func`, which pushes all directions at once."""
    point, hessian = torch.from_numpy(rosenbrock_point()), torch.func.hessian(rosenbrock)
    result: list[Any] = []

    def run() -> None:
        result[:] = [hessian(point)]

    return Step(run, lambda: [h.numpy() for h in result])


def long_chain(operations: int) -> Step:
    """A chain of `operations` operations, recorded and differentiated."""
    start = torch.from_numpy(chain_point()).requires_grad_()

    def run() -> Any:
        start.grad = None
        loss = chain(start, operations).sum()
        loss.backward()
        return loss.detach()

    return Step(run, lambda: [np.asarray(start.grad)])


STEPS = {
    "W1": scalar,
    "W2": partial(regression, "W2"),
    "W3": partial(classification, "W3"),
    "W4": partial(classification, "W4"),
    "W5": partial(convolutional, "W5"),
    "W6": elementwise_chain,
    "W7": hessian_vector_product,
    "W7-further": further_product,
    "W7b": rosenbrock_hessian,
    "W8": partial(recurrent, "W8"),
    **{name: partial(long_chain, operations) for name, operations in CHAIN_LENGTHS.items()},
    **ordinary.STEPS,
}
