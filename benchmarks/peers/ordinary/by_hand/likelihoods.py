"""A variational autoencoder, and a mixture of normal distributions."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.peers.ordinary.data import GIVEN

ZERO, HALF, ONE = number(0), number(0.5), number(1)


def autoencoder(name: str) -> Step:
    """The slope of the cross-entropy is sigmoid(logits) - x; both ends of the encoder are one product."""
    (x, noise), parameters = GIVEN[name]()
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = parameters
    gradient = [np.empty_like(p) for p in parameters]
    n, k = noise.shape
    h, h_ct, room = (np.empty((n, len(b1)), np.float32) for _ in range(3))
    ends, ends_ct = np.empty((n, 2 * k), np.float32), np.empty((n, 2 * k), np.float32)
    heads, heads_grad = np.empty((len(b1), 2 * k), np.float32), np.empty((len(b1), 2 * k), np.float32)
    mean, spread, mean_ct, spread_ct = ends[:, :k], ends[:, k:], ends_ct[:, :k], ends_ct[:, k:]
    root, z, small, z_ct = (np.empty((n, k), np.float32) for _ in range(4))
    hidden, hidden_ct, wide = (np.empty((n, len(b4)), np.float32) for _ in range(3))
    logits, e, part = (np.empty_like(x) for _ in range(3))
    positive, bias = np.empty(x.shape, bool), np.empty(2 * k, np.float32)
    scale = number(1 / n)

    def run() -> float:
        np.dot(x, w1, h)
        np.add(h, b1, h)
        np.tanh(h, h)
        heads[:, :k], heads[:, k:] = w2, w3
        bias[:k], bias[k:] = b2, b3
        np.dot(h, heads, ends)
        np.add(ends, bias, ends)
        np.multiply(spread, HALF, root)
        np.exp(root, root)
        np.multiply(root, noise, z_ct)  # kept for the way back
        np.add(mean, z_ct, z)
        np.dot(z, w4, hidden)
        np.add(hidden, b4, hidden)
        np.tanh(hidden, hidden)
        np.dot(hidden, w5, logits)
        np.add(logits, b5, logits)
        # entropy: max(l, 0) - x l + log(1 + exp(-|l|))
        np.abs(logits, e)
        np.negative(e, e)
        np.exp(e, e)
        np.log1p(e, part)
        total = np.add.reduce(part, None) - np.vdot(x, logits)
        np.greater_equal(logits, ZERO, positive)
        np.maximum(logits, ZERO, out=logits)
        total += np.add.reduce(logits, None)
        # divergence: (exp(v) + m^2 - 1 - v) / 2
        np.multiply(root, root, small)
        total += 0.5 * (np.add.reduce(small, None) + (mean * mean).sum() - small.size - spread.sum())
        # sigmoid(l) = (1 or e) / (1 + e)
        np.add(e, ONE, part)
        np.maximum(e, positive, out=e)
        np.divide(e, part, e)
        np.subtract(e, x, e)
        np.multiply(e, scale, e)
        np.dot(hidden.T, e, gradient[8])
        np.add.reduce(e, 0, None, gradient[9])
        np.dot(e, w5.T, hidden_ct)
        np.multiply(hidden, hidden, wide)
        np.subtract(ONE, wide, wide)
        np.multiply(hidden_ct, wide, hidden_ct)
        np.dot(z.T, hidden_ct, gradient[6])
        np.add.reduce(hidden_ct, 0, None, gradient[7])
        np.dot(hidden_ct, w4.T, z)
        # spread_ct = (z_ct root noise + (exp(v) - 1) / n) / 2, mean_ct = z_ct + m / n
        np.multiply(z_ct, z, z_ct)
        np.subtract(small, ONE, small)
        np.multiply(small, scale, small)
        np.add(small, z_ct, small)
        np.multiply(small, HALF, spread_ct)
        np.multiply(mean, scale, small)
        np.add(z, small, mean_ct)
        np.dot(h.T, ends_ct, heads_grad)
        gradient[2][...], gradient[4][...] = heads_grad[:, :k], heads_grad[:, k:]
        np.add.reduce(ends_ct, 0, None, bias)
        gradient[3][...], gradient[5][...] = bias[:k], bias[k:]
        np.dot(ends_ct, heads.T, h_ct)
        np.multiply(h, h, room)
        np.subtract(ONE, room, room)
        np.multiply(h_ct, room, h_ct)
        np.dot(x.T, h_ct, gradient[0])
        np.add.reduce(h_ct, 0, None, gradient[1])
        return float(total) / n

    return Step(run, lambda: gradient)


def mixture(name: str) -> Step:
    """The share of each component is the softmax of its terms; it is the cotangent of everything else."""
    (x,), (weights, means, log_scales) = GIVEN[name]()
    gradient = [np.empty_like(p) for p in (weights, means, log_scales)]
    n, k = len(x), len(weights)
    z, square = np.empty((n, *means.shape), np.float32), np.empty((n, *means.shape), np.float32)
    parts, row, shares = np.empty((n, k), np.float32), np.empty((n, 1), np.float32), np.empty(k, np.float32)
    inverse, constant, sums = np.empty_like(means), np.empty(k, np.float32), np.empty(k, np.float32)
    centred, minus_half, scale = x[:, None, :], number(-0.5), number(-1 / n)

    def run() -> float:
        np.negative(log_scales, inverse)
        np.exp(inverse, inverse)
        np.exp(weights, shares)
        whole = np.add.reduce(shares)
        np.divide(shares, whole, shares)
        np.add.reduce(log_scales, 1, None, constant)
        np.subtract(weights, constant, constant)
        np.subtract(constant, np.log(whole), constant)
        np.subtract(centred, means, z)
        np.multiply(z, inverse, z)
        np.multiply(z, z, square)
        np.add.reduce(square, 2, None, parts)
        np.multiply(parts, minus_half, parts)
        np.add(parts, constant, parts)
        np.maximum.reduce(parts, 1, None, row, True)
        np.subtract(parts, row, parts)
        loss = np.add.reduce(row, None)
        np.exp(parts, parts)
        np.add.reduce(parts, 1, None, row, True)
        np.divide(parts, row, parts)
        np.log(row, row)
        loss += np.add.reduce(row, None)
        np.multiply(parts, scale, parts)  # the cotangent of the terms
        np.add.reduce(parts, 0, None, sums)
        np.add(sums, shares, gradient[0])  # the cotangents add up to -1
        # z enters as -z^2 / 2: its cotangent is -ct z, that of a mean ct z / scale, of a log scale ct (z^2 - 1)
        column = parts[:, :, None]
        np.multiply(square, column, square)
        np.add.reduce(square, 0, None, gradient[2])
        np.subtract(gradient[2], sums[:, None], gradient[2])
        np.multiply(z, column, z)
        np.add.reduce(z, 0, None, gradient[1])
        np.multiply(gradient[1], inverse, gradient[1])
        return -float(loss) / n

    return Step(run, lambda: gradient)
