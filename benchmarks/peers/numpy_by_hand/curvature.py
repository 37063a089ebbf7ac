"""W7 and W7b: second derivatives.

The product H v is the derivative of the gradient along v (Pearlmutter, "Fast exact multiplication by the Hessian",
1994): a dot below stands for that derivative, so `h1_dot` belongs to `h1`.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.workloads import rosenbrock_point, task

ONE, MINUS_TWO = number(1), number(-2)


class TanhNetwork:
    """The network of W7: `record` runs it forwards and backwards, `multiply` computes the Hessian-vector product."""

    def __init__(self) -> None:
        self.inputs, self.targets, self.parameters, self.direction = task("W7")
        n = len(self.inputs)
        width = self.parameters[0].shape[1]
        self.slope = number(2 / n)
        wide = [np.empty((n, width), np.float32) for _ in range(11)]
        self.h1, self.h2, self.s1, self.s2, self.bend1, self.bend2, self.a2_ct = wide[:7]
        self.h1_dot, self.h2_dot, self.ct_dot, self.room = wide[7:]
        self.z_ct, self.z_dot, self.narrow = (np.empty_like(self.targets) for _ in range(3))
        self.product = [np.empty_like(p) for p in self.parameters]
        self.weight_room = [np.empty_like(p) for p in self.parameters]

    def record(self) -> None:
        """Compute everything that does not depend on the direction.

        The slope of tanh is s = 1 - h^2; its derivative, times the cotangent of h, is the `bend` -2 h h_ct.
        """
        w1, b1, w2, b2, w3, b3 = self.parameters
        for x, w, b, h, s in ((self.inputs, w1, b1, self.h1, self.s1), (self.h1, w2, b2, self.h2, self.s2)):
            np.dot(x, w, h)
            np.add(h, b, h)
            np.tanh(h, h)
            np.multiply(h, h, s)
            np.subtract(ONE, s, s)
        z_ct, a2_ct = self.z_ct, self.a2_ct
        np.dot(self.h2, w3, z_ct)
        np.add(z_ct, b3, z_ct)
        np.subtract(z_ct, self.targets, z_ct)
        np.multiply(z_ct, self.slope, z_ct)
        np.multiply(z_ct, w3.T, a2_ct)
        np.multiply(self.h2, a2_ct, self.bend2)
        np.multiply(self.bend2, MINUS_TWO, self.bend2)
        np.multiply(a2_ct, self.s2, a2_ct)
        np.dot(a2_ct, w2.T, self.bend1)
        np.multiply(self.bend1, self.h1, self.bend1)
        np.multiply(self.bend1, MINUS_TWO, self.bend1)

    def multiply(self) -> None:
        """Fill `product` with the Hessian times the direction."""
        _, _, w2, _, w3, _ = self.parameters
        v1, c1, v2, c2, v3, c3 = self.direction
        out1, out_b1, out2, out_b2, out3, out_b3 = self.product
        room2, room3 = self.weight_room[2], self.weight_room[4]
        h1_dot, h2_dot, z_dot, ct_dot, room = self.h1_dot, self.h2_dot, self.z_dot, self.ct_dot, self.room
        np.dot(self.inputs, v1, h1_dot)
        np.add(h1_dot, c1, h1_dot)
        np.multiply(h1_dot, self.s1, h1_dot)
        np.dot(self.h1, v2, h2_dot)
        np.dot(h1_dot, w2, room)
        np.add(h2_dot, room, h2_dot)
        np.add(h2_dot, c2, h2_dot)
        np.multiply(h2_dot, self.s2, h2_dot)
        np.dot(self.h2, v3, z_dot)
        np.dot(h2_dot, w3, self.narrow)
        np.add(z_dot, self.narrow, z_dot)
        np.add(z_dot, c3, z_dot)
        np.multiply(z_dot, self.slope, z_dot)  # now the derivative of the cotangent of z
        np.dot(h2_dot.T, self.z_ct, out3)
        np.dot(self.h2.T, z_dot, room3)
        np.add(out3, room3, out3)
        np.add.reduce(z_dot, 0, None, out_b3)
        np.multiply(self.z_ct, v3.T, ct_dot)
        np.multiply(z_dot, w3.T, room)
        np.add(ct_dot, room, ct_dot)
        np.multiply(ct_dot, self.s2, ct_dot)
        np.multiply(self.bend2, h2_dot, room)
        np.add(ct_dot, room, ct_dot)  # the derivative of the cotangent of a2 = h1 w2 + b2
        np.dot(h1_dot.T, self.a2_ct, out2)
        np.dot(self.h1.T, ct_dot, room2)
        np.add(out2, room2, out2)
        np.add.reduce(ct_dot, 0, None, out_b2)
        np.dot(ct_dot, w2.T, room)
        np.dot(self.a2_ct, v2.T, ct_dot)
        np.add(ct_dot, room, ct_dot)
        np.multiply(ct_dot, self.s1, ct_dot)
        np.multiply(self.bend1, h1_dot, room)
        np.add(ct_dot, room, ct_dot)  # the derivative of the cotangent of a1 = x w1 + b1
        np.dot(self.inputs.T, ct_dot, out1)
        np.add.reduce(ct_dot, 0, None, out_b1)


def hessian_vector_product() -> Step:
    """W7."""
    network = TanhNetwork()

    def run() -> None:
        network.record()
        network.multiply()

    return Step(run, lambda: network.product)


def further_product() -> Step:
    """W7-further: recorded once, here."""
    network = TanhNetwork()
    network.record()
    return Step(network.multiply, lambda: network.product)


def rosenbrock_hessian() -> Step:
    """W7b: three diagonals, written into a matrix of zeros."""
    x = rosenbrock_point()
    n = len(x)
    hessian = np.zeros((n, n), x.dtype)
    diagonal, above, below = (hessian.ravel()[k :: n + 1] for k in (0, 1, n))
    inner, outer, room = x[:-1], x[1:], np.empty_like(x[:-1])

    def run() -> None:
        np.multiply(inner, -400, room)
        above[:] = room
        below[:] = room
        diagonal[:-1] = 1200 * inner * inner - 400 * outer + 2
        diagonal[-1] = 0
        diagonal[1:] += 200

    return Step(run, lambda: [hessian])
