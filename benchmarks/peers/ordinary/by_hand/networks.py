"""A perceptron with layer normalisation, and a network with the second derivative of its output in the loss."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.peers.ordinary.by_hand.norms import Norm
from benchmarks.peers.ordinary.data import GIVEN

ZERO, ONE, MINUS_TWO = number(0), number(1), number(-2)


def layer_norm(name: str) -> Step:
    """Two hidden layers, each with a norm and ReLU."""
    (x, target), parameters = GIVEN[name]()
    gradient = [np.empty_like(p) for p in parameters]
    weight, _ = parameters[8:]
    n = len(x)
    hidden = []
    entering = x
    for i in (0, 4):
        product = np.empty((n, parameters[i].shape[1]), np.float32)
        norm = Norm(product, *parameters[i + 2 : i + 4], *gradient[i + 2 : i + 4])
        ct, positive = np.empty_like(product), np.empty(product.shape, bool)
        hidden.append((entering, *parameters[i : i + 2], *gradient[i : i + 2], product, norm, ct, positive))
        entering = norm.outputs
    residual, first_ct = np.empty_like(target), hidden[0][7]
    scale = number(2 / target.size)

    def run() -> float:
        for x, w, b, _, _, product, norm, _, _ in hidden:
            np.dot(x, w, product)
            np.add(product, b, product)
            norm.forward()
            np.maximum(norm.outputs, ZERO, out=norm.outputs)
        np.dot(entering, weight, residual)
        np.add(residual, parameters[9], residual)
        np.subtract(residual, target, residual)
        loss = float(np.vdot(residual, residual)) / target.size
        np.multiply(residual, scale, residual)
        np.dot(entering.T, residual, gradient[8])
        np.add.reduce(residual, 0, None, gradient[9])
        np.dot(residual, weight.T, hidden[1][7])
        for x, w, _, w_grad, b_grad, _, norm, ct, positive in reversed(hidden):
            np.greater(norm.outputs, ZERO, positive)
            np.multiply(ct, positive, ct)
            norm.backward(ct, ct)
            np.dot(x.T, ct, w_grad)
            np.add.reduce(ct, 0, None, b_grad)
            if ct is not first_ct:
                np.dot(ct, w.T, first_ct)
        return loss

    return Step(run, lambda: gradient)


def physics_informed(name: str) -> Step:
    """Values and derivatives by x travel together: h, h' and h'' of a layer are the rows of one matrix.

    With s = 1 - h^2 the slope of tanh, h' = s a' and h'' = s a'' - 2 h h' a'. In the first layer a' is the weight, and
    a'' is 0.
    """
    (x, f), (w1, b1, w2, b2, w3, b3) = GIVEN[name]()
    n, k = len(x), w1.shape[1]
    gradient = [np.empty_like(p) for p in (w1, b1, w2, b2, w3, b3)]
    one, two, into = (np.empty((3 * n, k), np.float32) for _ in range(3))
    one_ct, two_ct = np.empty_like(one), np.empty_like(two)
    h1, d1, e1 = (one[j * n : (j + 1) * n] for j in range(3))
    h2, d2, e2 = (two[j * n : (j + 1) * n] for j in range(3))
    a2, p2, q2 = (into[j * n : (j + 1) * n] for j in range(3))
    h1_ct, d1_ct, e1_ct = (one_ct[j * n : (j + 1) * n] for j in range(3))
    h2_ct, d2_ct, e2_ct = (two_ct[j * n : (j + 1) * n] for j in range(3))
    s1, s2, g1, g2, r1, r2 = (np.empty((n, k), np.float32) for _ in range(6))
    residual, total = np.empty_like(f), np.empty((n, k), np.float32)
    row = np.empty(k, np.float32)
    scale = number(2 / n)

    def run() -> float:
        # layer 1
        np.multiply(x, w1, h1)
        np.add(h1, b1, h1)
        np.tanh(h1, h1)
        np.multiply(h1, h1, s1)
        np.subtract(ONE, s1, s1)
        np.multiply(s1, w1, d1)
        np.multiply(h1, w1, g1)
        np.multiply(g1, MINUS_TWO, g1)  # -2 h a'
        np.multiply(g1, d1, e1)
        # layer 2
        np.dot(one, w2, into)
        np.add(a2, b2, a2)
        np.tanh(a2, h2)
        np.multiply(h2, h2, s2)
        np.subtract(ONE, s2, s2)
        np.multiply(s2, p2, d2)
        np.multiply(h2, p2, g2)
        np.multiply(g2, MINUS_TWO, g2)
        np.multiply(g2, d2, e2)
        np.multiply(s2, q2, r2)
        np.add(e2, r2, e2)
        # the residual u'' + u - f
        np.add(h2, e2, total)
        np.dot(total, w3, residual)
        np.add(residual, b3, residual)
        np.subtract(residual, f, residual)
        loss = float(np.vdot(residual, residual)) / n
        np.multiply(residual, scale, residual)
        np.dot(total.T, residual, gradient[4])
        np.add.reduce(residual, 0, None, gradient[5])
        # layer 2 backwards: c is the cotangent of h, and of h''
        c = h2_ct
        np.multiply(residual, w3.T, c)
        np.multiply(c, g2, r2)  # the cotangent of h'
        np.multiply(c, s2, e2_ct)
        np.multiply(h2, d2, r1)
        np.multiply(r1, MINUS_TWO, r1)
        np.multiply(r1, c, d2_ct)
        np.multiply(r2, s2, r1)
        np.add(d2_ct, r1, d2_ct)
        np.multiply(c, q2, r1)  # the cotangent of s: c a'' + h'_ct a'
        np.multiply(r2, p2, r2)
        np.add(r1, r2, r1)
        np.multiply(r1, h2, r1)
        np.multiply(d2, p2, r2)
        np.multiply(r2, c, r2)
        np.add(r1, r2, r1)
        np.multiply(r1, MINUS_TWO, r1)
        np.add(c, r1, c)
        np.multiply(c, s2, c)
        np.add.reduce(c, 0, None, gradient[3])
        np.dot(one.T, two_ct, gradient[2])
        np.dot(two_ct, w2.T, one_ct)
        # layer 1 backwards
        np.multiply(e1_ct, g1, r1)
        np.add(d1_ct, r1, d1_ct)
        np.multiply(d1_ct, s1, r1)  # the cotangent of a' = w1
        np.multiply(h1, d1, r2)
        np.multiply(r2, e1_ct, r2)
        np.multiply(r2, MINUS_TWO, r2)
        np.add(r1, r2, r1)
        np.add.reduce(r1, 0, None, gradient[0][0])
        np.multiply(d1_ct, h1, r1)
        np.multiply(e1_ct, d1, r2)
        np.add(r1, r2, r1)
        np.multiply(r1, w1, r1)
        np.multiply(r1, MINUS_TWO, r1)
        np.add(h1_ct, r1, h1_ct)
        np.multiply(h1_ct, s1, h1_ct)
        np.add.reduce(h1_ct, 0, None, gradient[1])
        np.dot(x.T, h1_ct, row[None])
        np.add(gradient[0][0], row, gradient[0][0])
        return loss

    return Step(run, lambda: gradient)
