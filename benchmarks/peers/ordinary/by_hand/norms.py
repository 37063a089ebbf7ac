"""Layer normalisation, forwards and backwards."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.workloads import Array

EPSILON = number(1e-5)


class Norm:
    """Normalise the rows of `x` (n, d); a gain and a shift follow.

    Attributes
    ----------
    outputs : (n, d), written by `forward`
    """

    def __init__(self, x: Array, gain: Array, shift: Array, gain_grad: Array, shift_grad: Array):
        self._x, self._gain, self._shift = x, gain, shift
        self._gradients = gain_grad, shift_grad
        self.outputs, self._normal, self._room = (np.empty_like(x) for _ in range(3))
        self._root, self._row = np.empty((len(x), 1), np.float32), np.empty((len(x), 1), np.float32)
        self._share = number(1 / x.shape[1])

    def forward(self) -> None:
        """Fill the outputs."""
        x, normal, root, row = self._x, self._normal, self._root, self._row
        np.add.reduce(x, 1, None, row, True)
        np.multiply(row, self._share, row)
        np.subtract(x, row, normal)
        np.multiply(normal, normal, self._room)
        np.add.reduce(self._room, 1, None, root, True)
        np.multiply(root, self._share, root)
        np.add(root, EPSILON, root)
        np.sqrt(root, root)
        np.divide(normal, root, normal)
        np.multiply(normal, self._gain, self.outputs)
        np.add(self.outputs, self._shift, self.outputs)

    def backward(self, ct: Array, x_ct: Array) -> None:
        """Fill both gradients, and the cotangent of `x`: (ct - mean ct - normal * mean(ct * normal)) / root."""
        normal, room, row = self._normal, self._room, self._row
        np.add.reduce(ct, 0, None, self._gradients[1])
        np.multiply(ct, normal, room)
        np.add.reduce(room, 0, None, self._gradients[0])
        np.multiply(ct, self._gain, x_ct)
        np.multiply(x_ct, normal, room)
        np.add.reduce(room, 1, None, row, True)
        np.multiply(row, self._share, row)
        np.multiply(normal, row, room)
        np.add.reduce(x_ct, 1, None, row, True)
        np.multiply(row, self._share, row)
        np.subtract(x_ct, row, x_ct)
        np.subtract(x_ct, room, x_ct)
        np.divide(x_ct, self._root, x_ct)
