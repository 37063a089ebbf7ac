"""W2 to W4: a ReLU perceptron, its two losses and its two updates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import flat, number
from benchmarks.workloads import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    ADAM_LEARNING_RATE,
    W2_LEARNING_RATE,
    Array,
    task,
)

ZERO = number(0)
BLOCK = 16_384
"""Number of entries that Adam updates at a time, so that the five arrays it uses (64 KiB each) stay in the cache."""


class Perceptron:
    """A ReLU network on fixed inputs, with every activation and gradient in its own buffer.

    Attributes
    ----------
    parameters, gradient : flat float32 buffers of one size, in the order of `workloads`
    outputs : (n, out) float32, written by `forward`
    outputs_ct : (n, out) float32, the cotangent of the outputs, to be filled before `backward`
    """

    def __init__(self, inputs: Array, initial: Sequence[Array]):
        self.parameters, self.views = flat(initial)
        self.gradient, gradient_views = flat([np.zeros_like(p) for p in initial])
        weights, biases = self.views[::2], self.views[1::2]
        values = [np.empty((len(inputs), w.shape[1]), np.float32) for w in weights]
        cotangents = [np.empty_like(v) for v in values]
        entering = [inputs, *values[:-1]]
        self.outputs, self.outputs_ct = values[-1], cotangents[-1]
        self._hidden = list(zip(entering, weights, biases, values, strict=True))[:-1]
        self._last = entering[-1], weights[-1], biases[-1]
        self._first_backward = inputs.T, cotangents[0], gradient_views[0], gradient_views[1]
        self._backward = [
            (
                *(entering[i].T, cotangents[i], gradient_views[2 * i], gradient_views[2 * i + 1]),
                *(weights[i].T, entering[i], cotangents[i - 1], np.empty(entering[i].shape, bool)),
            )
            for i in range(len(weights) - 1, 0, -1)
        ]

    def forward(self) -> None:
        """Fill the activations."""
        for x, weight, bias, y in self._hidden:
            np.dot(x, weight, y)
            np.add(y, bias, y)
            np.maximum(y, ZERO, out=y)
        x, weight, bias = self._last
        np.dot(x, weight, self.outputs)
        np.add(self.outputs, bias, self.outputs)

    def backward(self) -> None:
        """Fill the gradient, from the cotangent of the outputs."""
        for x_t, ct, weight_grad, bias_grad, weight_t, x, x_ct, positive in self._backward:
            np.dot(x_t, ct, weight_grad)
            np.add.reduce(ct, 0, None, bias_grad)
            np.dot(ct, weight_t, x_ct)
            np.greater(x, ZERO, positive)
            np.multiply(x_ct, positive, x_ct)
        x_t, ct, weight_grad, bias_grad = self._first_backward
        np.dot(x_t, ct, weight_grad)
        np.add.reduce(ct, 0, None, bias_grad)


class CrossEntropy:
    """Softmax and cross-entropy from logits, which are overwritten; the mean over the batch."""

    def __init__(self, logits: Array, logits_ct: Array, targets: Array):
        n, k = logits.shape
        self._logits, self._ct = logits, logits_ct
        self._row = np.empty((n, 1), np.float32)
        self._right = np.empty(n, np.float32)
        self._where_right = np.arange(n) * k + targets
        self._one_hot = np.eye(k, dtype=np.float32)[targets]
        self._n, self._per_sample = n, number(1 / n)

    def __call__(self) -> float:
        """Return the loss, and write the cotangent of the logits into its buffer."""
        z, ct, row = self._logits, self._ct, self._row
        np.maximum.reduce(z, 1, None, row, True)
        np.subtract(z, row, z)
        z.take(self._where_right, None, self._right, "clip")
        np.exp(z, ct)
        np.add.reduce(ct, 1, None, row, True)
        np.divide(ct, row, ct)
        np.subtract(ct, self._one_hot, ct)
        np.multiply(ct, self._per_sample, ct)
        np.log(row, row)
        return float((np.add.reduce(row, None) - np.add.reduce(self._right)) / self._n)


class Adam:
    """Adam with both bias corrections merged into the step and epsilon (Kingma and Ba, 2015, end of section 2)."""

    def __init__(self, parameters: Array, gradient: Array):
        first, second, room = np.zeros_like(parameters), np.zeros_like(parameters), np.empty_like(parameters[:BLOCK])
        self._blocks = [
            (parameters[part], gradient[part], first[part], second[part], room[: len(parameters[part])])
            for part in (slice(i, i + BLOCK) for i in range(0, len(parameters), BLOCK))
        ]
        self._count = 0
        self._rate, self._epsilon = number(0), number(0)
        self._fresh1, self._fresh2 = number(1 - ADAM_BETA1), number(1 - ADAM_BETA2)

    def __call__(self) -> None:
        """Update the parameters."""
        self._count += 1
        root = (1 - ADAM_BETA2**self._count) ** 0.5
        rate, epsilon, fresh1, fresh2 = self._rate, self._epsilon, self._fresh1, self._fresh2
        rate[()] = ADAM_LEARNING_RATE * root / (1 - ADAM_BETA1**self._count)
        epsilon[()] = ADAM_EPSILON * root
        for p, g, m, v, t in self._blocks:
            np.subtract(g, m, t)
            np.multiply(t, fresh1, t)
            np.add(m, t, m)
            np.multiply(g, g, t)
            np.subtract(t, v, t)
            np.multiply(t, fresh2, t)
            np.add(v, t, v)
            np.sqrt(v, t)
            np.add(t, epsilon, t)
            np.divide(m, t, t)
            np.multiply(t, rate, t)
            np.subtract(p, t, p)


def regression(name: str) -> Step:
    """W2: mean squared error and gradient descent."""
    inputs, targets, initial, _ = task(name)
    network = Perceptron(inputs, initial)
    n, residual, move = len(inputs), network.outputs_ct, np.empty_like(network.gradient)
    slope, rate = number(2 / n), number(W2_LEARNING_RATE)

    def run() -> float:
        network.forward()
        np.subtract(network.outputs, targets, residual)
        loss = float(np.vdot(residual, residual)) / n
        np.multiply(residual, slope, residual)
        network.backward()
        np.multiply(network.gradient, rate, move)
        np.subtract(network.parameters, move, network.parameters)
        return loss

    return Step(run, lambda: network.views)


def classification(name: str) -> Step:
    """W3 and W4: cross-entropy and Adam."""
    inputs, targets, initial, _ = task(name)
    network = Perceptron(inputs, initial)
    loss_and_cotangent = CrossEntropy(network.outputs, network.outputs_ct, targets)
    update = Adam(network.parameters, network.gradient)

    def run() -> float:
        network.forward()
        loss = loss_and_cotangent()
        network.backward()
        update()
        return loss

    return Step(run, lambda: network.views)
