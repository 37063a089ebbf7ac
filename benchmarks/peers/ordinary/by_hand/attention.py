"""A transformer block: the three projections are one product, and a head is a matrix of a stack."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.peers.ordinary.by_hand.norms import Norm
from benchmarks.peers.ordinary.data import GIVEN

ONE, HALF = number(1), number(0.5)
SLOPE, CUBE, CUBE_SLOPE = number(0.7978845608), number(0.044715), number(3 * 0.044715)


def attention(name: str) -> Step:
    """All tokens are the rows of one matrix, except in the products between tokens."""
    (inputs, target), parameters = GIVEN[name]()
    gradient = [np.empty_like(p) for p in parameters]
    gain1, shift1, by_query, _, _, back, gain2, shift2, w1, b1, w2, b2 = parameters
    n, t, d = inputs.shape
    heads, k = by_query.shape[1:]
    m, width = n * t, w1.shape[1]

    def matrix(*shape: int) -> np.ndarray:
        return np.empty(shape, np.float32)

    x, y_true = inputs.reshape(m, d), target.reshape(m, d)
    first = Norm(x, gain1, shift1, *gradient[:2])
    together, together_grad = matrix(d, 3 * d), matrix(d, 3 * d)
    parts = [(together[:, j * d : (j + 1) * d], parameters[2 + j].reshape(d, d)) for j in range(3)]
    parts_grad = [(gradient[2 + j].reshape(d, d), together_grad[:, j * d : (j + 1) * d]) for j in range(3)]
    projected, projected_ct = matrix(m, 3 * d), matrix(m, 3 * d)
    query, key, value = projected.reshape(n, t, 3, heads, k).transpose(2, 0, 3, 1, 4)
    query_ct, key_ct, value_ct = projected_ct.reshape(n, t, 3, heads, k).transpose(2, 0, 3, 1, 4)
    scores, scores_ct, row = matrix(n, heads, t, t), matrix(n, heads, t, t), matrix(n, heads, t, 1)
    mixed, mixed_ct, rows = matrix(m, d), matrix(m, d), matrix(m, d)
    mixed_heads = mixed.reshape(n, t, heads, k).transpose(0, 2, 1, 3)
    mixed_heads_ct = mixed_ct.reshape(n, t, heads, k).transpose(0, 2, 1, 3)
    after, back2, back_grad = matrix(m, d), back.reshape(d, d), gradient[5].reshape(d, d)
    second = Norm(after, gain2, shift2, *gradient[6:8])
    a, square, bent, room = (matrix(m, width) for _ in range(4))
    residual, ct = matrix(m, d), matrix(m, d)
    root, scale = number(k**-0.5), number(2 / target.size)

    def run() -> float:
        first.forward()
        for part, weight in parts:
            np.copyto(part, weight)
        np.dot(first.outputs, together, projected)
        np.matmul(query, key.swapaxes(-1, -2), scores)
        np.multiply(scores, root, scores)
        np.maximum.reduce(scores, 3, None, row, True)
        np.subtract(scores, row, scores)
        np.exp(scores, scores)
        np.add.reduce(scores, 3, None, row, True)
        np.divide(scores, row, scores)
        np.matmul(scores, value, mixed_heads)
        np.dot(mixed, back2, after)
        np.add(after, x, after)
        second.forward()
        np.dot(second.outputs, w1, a)
        np.add(a, b1, a)
        # gelu = a (1 + tanh(c (a + e a^3))) / 2
        np.multiply(a, a, square)
        np.multiply(square, CUBE, bent)
        np.add(bent, ONE, bent)
        np.multiply(bent, a, bent)
        np.multiply(bent, SLOPE, bent)
        np.tanh(bent, bent)
        np.add(bent, ONE, room)
        np.multiply(room, HALF, room)
        np.multiply(room, a, room)
        np.dot(room, w2, residual)
        np.add(residual, b2, residual)
        np.add(residual, after, residual)
        np.subtract(residual, y_true, residual)
        loss = float(np.vdot(residual, residual)) / residual.size
        np.multiply(residual, scale, residual)
        np.dot(room.T, residual, gradient[10])
        np.add.reduce(residual, 0, None, gradient[11])
        # its slope: (1 + tanh + a (1 - tanh^2) c (1 + 3 e a^2)) / 2
        np.multiply(square, CUBE_SLOPE, square)
        np.add(square, ONE, square)
        np.multiply(square, SLOPE, square)
        np.multiply(square, a, square)
        np.multiply(bent, bent, a)
        np.subtract(ONE, a, a)
        np.multiply(a, square, a)
        np.add(a, bent, a)
        np.add(a, ONE, a)
        np.multiply(a, HALF, a)
        np.dot(residual, w2.T, room)
        np.multiply(room, a, room)
        np.dot(second.outputs.T, room, gradient[8])
        np.add.reduce(room, 0, None, gradient[9])
        np.dot(room, w1.T, ct)
        second.backward(ct, ct)
        np.add(ct, residual, ct)
        np.dot(mixed.T, ct, back_grad)
        np.dot(ct, back2.T, mixed_ct)
        np.matmul(mixed_heads_ct, value.swapaxes(-1, -2), scores_ct)
        np.matmul(scores.swapaxes(-1, -2), mixed_heads_ct, value_ct)
        np.multiply(scores_ct, scores, scores_ct)
        np.add.reduce(scores_ct, 3, None, row, True)
        np.multiply(scores, row, scores)
        np.subtract(scores_ct, scores, scores_ct)
        np.multiply(scores_ct, root, scores_ct)
        np.matmul(scores_ct, key, query_ct)
        np.matmul(scores_ct.swapaxes(-1, -2), query, key_ct)
        np.dot(first.outputs.T, projected_ct, together_grad)
        for part, whole in parts_grad:
            np.copyto(part, whole)
        np.dot(projected_ct, together.T, rows)
        first.backward(rows, rows)
        return loss

    return Step(run, lambda: gradient)
