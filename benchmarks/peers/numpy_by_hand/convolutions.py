"""W5: LeNet, with the batch as the last axis of every array.

Images have shape (c, h, w, n). Then a row of any window is one block of memory, all windows are gathered at the speed
of a copy, and a convolution of the whole batch is one matrix product. The output of the last pooling, flattened, is
the transposed input of the first dense layer. ReLU comes after the pooling, which gives the same result on a quarter
of the numbers.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import flat, number
from benchmarks.peers.numpy_by_hand.networks import CrossEntropy
from benchmarks.workloads import W5_LEARNING_RATE, W5_MOMENTUM, Array, task

ZERO = number(0)
Shape = tuple[int, ...]


def empty(*shape: int) -> Array:
    """An uninitialised float32 buffer."""
    return np.empty(shape, np.float32)


class Convolution:
    """Convolution with square kernels, the bias, 2x2 max-pooling and ReLU.

    Attributes
    ----------
    outputs : (k, h, w, n), written by `forward`
    outputs_ct : the same shape, to be filled before `backward`, which overwrites it
    """

    def __init__(self, x: Array, weight: Array, bias: Array, weight_grad: Array, bias_grad: Array, x_ct: Array | None):
        k, c, side, _ = weight.shape
        _, height, width, n = x.shape
        out: Shape = (height - side + 1, width - side + 1, n)
        windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))
        self._windows = windows.transpose(0, 4, 5, 1, 2, 3)
        self._gathered = empty(c, side, side, *out)
        self._columns = self._gathered.reshape(c * side * side, -1)
        self._weight, self._bias = weight.reshape(k, -1), bias[:, None]
        self._weight_grad, self._bias_grad = weight_grad.reshape(k, -1), bias_grad
        z, z_ct, rows = empty(k, *out), empty(k, *out), empty(k, out[0] // 2, *out[1:])
        self._z, self._z_ct = z.reshape(k, -1), z_ct.reshape(k, -1)
        self._row_pairs = z[:, ::2], z[:, 1::2], rows
        self.outputs = empty(k, out[0] // 2, out[1] // 2, n)
        self.outputs_ct = np.empty_like(self.outputs)
        self._column_pairs = rows[:, :, ::2], rows[:, :, 1::2], self.outputs
        self._picks = [(z[:, i::2, j::2], z_ct[:, i::2, j::2]) for i in (0, 1) for j in (0, 1)]
        self._mask = np.empty(self.outputs.shape, bool)
        self._x_ct = x_ct
        if x_ct is not None:
            self._columns_ct = np.empty_like(self._columns)
            parts = self._columns_ct.reshape(self._gathered.shape)
            places = [(i, j) for i in range(side) for j in range(side)]
            self._scatter = [(x_ct[:, i : i + out[0], j : j + out[1]], parts[:, i, j]) for i, j in places]

    def forward(self) -> None:
        """Fill the outputs."""
        np.copyto(self._gathered, self._windows)
        np.dot(self._weight, self._columns, self._z)
        np.add(self._z, self._bias, self._z)
        for first, second, larger in (self._row_pairs, self._column_pairs):
            np.maximum(first, second, out=larger)
        np.maximum(self.outputs, ZERO, out=self.outputs)

    def backward(self) -> None:
        """Fill the gradients of weight and bias, and the cotangent of the input if it is needed."""
        y, ct, mask = self.outputs, self.outputs_ct, self._mask
        np.greater(y, ZERO, mask)
        np.multiply(ct, mask, ct)
        for entries, entries_ct in self._picks:  # equal entries other than 0 do not occur in these data
            np.equal(entries, y, mask)
            np.multiply(ct, mask, entries_ct)
        np.dot(self._z_ct, self._columns.T, self._weight_grad)
        np.add.reduce(self._z_ct, 1, None, self._bias_grad)
        if self._x_ct is not None:
            np.dot(self._weight.T, self._z_ct, self._columns_ct)
            self._x_ct.fill(0)
            for part, columns in self._scatter:
                np.add(part, columns, part)


class Dense:
    """A dense layer, with or without ReLU, that writes the cotangent of its input into a given buffer."""

    def __init__(self, x: Array, x_ct: Array, weight: Array, bias: Array, weight_grad: Array, bias_grad: Array):
        self.outputs, self.outputs_ct = empty(len(x), len(bias)), empty(len(x), len(bias))
        self.bends = True
        self._x, self._weight, self._bias = x, weight, bias
        self._mask = np.empty(self.outputs.shape, bool)
        self._gradients = x.T, weight_grad, bias_grad
        # dot writes only into contiguous arrays; for transposed ones, such as the images, it writes the transpose
        self._turned = not x_ct.flags.c_contiguous
        self._x_ct = x_ct.T if self._turned else x_ct

    def forward(self) -> None:
        """Fill the outputs."""
        np.dot(self._x, self._weight, self.outputs)
        np.add(self.outputs, self._bias, self.outputs)
        if self.bends:
            np.maximum(self.outputs, ZERO, out=self.outputs)

    def backward(self) -> None:
        """Fill the gradients and the cotangent of the input."""
        ct = self.outputs_ct
        if self.bends:
            np.greater(self.outputs, ZERO, self._mask)
            np.multiply(ct, self._mask, ct)
        x_t, weight_grad, bias_grad = self._gradients
        np.dot(x_t, ct, weight_grad)
        np.add.reduce(ct, 0, None, bias_grad)
        if self._turned:
            np.dot(self._weight, ct.T, self._x_ct)
        else:
            np.dot(ct, self._weight.T, self._x_ct)


def convolutional(name: str) -> Step:
    """W5: cross-entropy and momentum."""
    inputs, targets, initial, _ = task(name)
    parameters, views = flat(initial)
    gradient, gradient_views = flat([np.zeros_like(p) for p in initial])
    velocity, move = np.zeros_like(parameters), np.empty_like(parameters)
    rate, kept = number(W5_LEARNING_RATE), number(W5_MOMENTUM)
    n = len(inputs)

    images = np.ascontiguousarray(inputs.transpose(1, 2, 3, 0))
    first = Convolution(images, *views[:2], *gradient_views[:2], None)
    second = Convolution(first.outputs, *views[2:4], *gradient_views[2:4], first.outputs_ct)
    layers = [first, second]
    x, x_ct = second.outputs.reshape(-1, n).T, second.outputs_ct.reshape(-1, n).T
    for i in range(4, len(views), 2):
        layer = Dense(x, x_ct, *views[i : i + 2], *gradient_views[i : i + 2])
        layers.append(layer)
        x, x_ct = layer.outputs, layer.outputs_ct
    layer.bends = False
    loss_and_cotangent = CrossEntropy(x, x_ct, targets)
    backwards = layers[::-1]

    def run() -> float:
        for layer in layers:
            layer.forward()
        loss = loss_and_cotangent()
        for layer in backwards:
            layer.backward()
        np.multiply(velocity, kept, velocity)
        np.add(velocity, gradient, velocity)
        np.multiply(velocity, rate, move)
        np.subtract(parameters, move, parameters)
        return loss

    return Step(run, lambda: views)
