"""Convolutions of 3x3, with the batch as the last axis, so that a row of a window is one block of memory."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.peers.ordinary.data import GIVEN
from benchmarks.workloads import Array

ZERO = number(0)


class Convolution:
    """A convolution of images (c, h, w, n) with a bias and ReLU.

    Attributes
    ----------
    outputs, outputs_ct : (k, h - 2, w - 2, n)
    """

    def __init__(self, x: Array, x_ct: Array | None, kernel: Array, bias: Array, kernel_grad: Array, bias_grad: Array):
        k, c = kernel.shape[:2]
        h, w, n = x.shape[1] - 2, x.shape[2] - 2, x.shape[3]
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
        self._windows = windows.transpose(0, 4, 5, 1, 2, 3)
        self._gathered = np.empty((c, 3, 3, h, w, n), np.float32)
        self._columns = self._gathered.reshape(c * 9, -1)
        self._kernel, self._bias = kernel.reshape(k, -1), bias.reshape(k, 1)
        self._gradients = kernel_grad.reshape(k, -1), bias_grad.reshape(k)
        self.outputs, self.outputs_ct = np.empty((k, h, w, n), np.float32), np.empty((k, h, w, n), np.float32)
        self._rows, self._rows_ct = self.outputs.reshape(k, -1), self.outputs_ct.reshape(k, -1)
        self._positive = np.empty(self._rows.shape, bool)
        self._x_ct = x_ct
        if x_ct is not None:
            self._columns_ct = np.empty_like(self._columns)
            parts = self._columns_ct.reshape(self._gathered.shape)
            self._places = [(x_ct[:, i : i + h, j : j + w], parts[:, i, j]) for i in range(3) for j in range(3)]

    def forward(self) -> None:
        """Fill the outputs."""
        np.copyto(self._gathered, self._windows)
        np.dot(self._kernel, self._columns, self._rows)
        np.add(self._rows, self._bias, self._rows)
        np.maximum(self._rows, ZERO, out=self._rows)

    def backward(self) -> None:
        """Fill both gradients, and the cotangent of the images if it is needed."""
        ct = self._rows_ct
        np.greater(self._rows, ZERO, self._positive)
        np.multiply(ct, self._positive, ct)
        np.dot(ct, self._columns.T, self._gradients[0])
        np.add.reduce(ct, 1, None, self._gradients[1])
        if self._x_ct is not None:
            np.dot(self._kernel.T, ct, self._columns_ct)
            self._x_ct.fill(0)
            for part, columns in self._places:
                np.add(part, columns, part)


def einsum_convolution(name: str) -> Step:
    """Two convolutions, the mean of each image, and a linear layer."""
    (x, target), parameters = GIVEN[name]()
    gradient = [np.empty_like(p) for p in parameters]
    images = np.ascontiguousarray(x.transpose(1, 2, 3, 0))
    first = Convolution(images, None, *parameters[:2], *gradient[:2])
    second = Convolution(first.outputs, first.outputs_ct, *parameters[2:4], *gradient[2:4])
    weight, bias = parameters[4:]
    k, h, w, n = second.outputs.shape
    mean, mean_ct = np.empty((k, n), np.float32), np.empty((k, n), np.float32)
    flat, flat_ct = second.outputs.reshape(k, h * w, n), second.outputs_ct.reshape(k, h * w, n)
    residual = np.empty_like(target)
    scale, share = number(2 / target.size), number(1 / (h * w))

    def run() -> float:
        first.forward()
        second.forward()
        np.add.reduce(flat, 1, None, mean)
        np.multiply(mean, share, mean)
        np.dot(mean.T, weight, residual)
        np.add(residual, bias, residual)
        np.subtract(residual, target, residual)
        loss = float(np.vdot(residual, residual)) / target.size
        np.multiply(residual, scale, residual)
        np.dot(mean, residual, gradient[4])
        np.add.reduce(residual, 0, None, gradient[5])
        np.dot(weight, residual.T, mean_ct)
        np.multiply(mean_ct, share, mean_ct)
        np.copyto(flat_ct, mean_ct[:, None])
        second.backward()
        first.backward()
        return loss

    return Step(run, lambda: gradient)
