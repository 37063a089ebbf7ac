"""Chains of elementwise operations: a long one on ten numbers, and a short one on a million, block by block."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.workloads import CHAIN_FACTOR, CHAIN_SHIFT, chain_point, elementwise_point

BLOCK = 8192
"""Number of entries of W6 processed at a time, so that intermediate values stay in the cache."""


def long_chain(operations: int) -> Step:
    """A chain of `operations` operations forwards, and the products of its slopes backwards."""
    point = chain_point()
    x, gradient = np.empty_like(point), np.empty_like(point)
    factor, shift = number(CHAIN_FACTOR), number(CHAIN_SHIFT)

    def run() -> float:
        np.copyto(x, point)
        for _ in range(operations // 2):
            np.multiply(x, factor, x)
            np.add(x, shift, x)
        gradient.fill(1)
        for _ in range(operations // 2):
            np.multiply(gradient, factor, gradient)
        return float(x.sum())

    return Step(run, lambda: [gradient])


def elementwise() -> Step:
    """W6: value and gradient of `workloads.elementwise`; shared terms are computed once."""
    x = elementwise_point()
    gradient = np.empty_like(x)
    rooms = [np.empty(BLOCK) for _ in range(8)]
    blocks = [(x[i : i + BLOCK], gradient[i : i + BLOCK]) for i in range(0, x.size, BLOCK)]
    one, two, share = np.array(1.0), np.array(2.0), np.array(1 / x.size)

    def run() -> float:
        total = 0.0
        for part, out in blocks:
            square, sine, cosine, bell, q, root, t, y = [room[: part.size] for room in rooms]
            np.multiply(part, part, square)
            np.sin(part, sine)
            np.cos(part, cosine)
            np.negative(square, bell)
            np.exp(bell, bell)
            np.add(square, one, q)
            np.sqrt(q, root)
            np.divide(root, q, t)  # 1 / sqrt(1 + x^2)
            np.multiply(sine, bell, y)
            np.add(y, t, y)
            np.tanh(y, y)
            total += np.add.reduce(y)
            # dy = (1 - y^2) (bell (cos x - 2 x sin x) - x t / q)
            np.multiply(y, y, y)
            np.subtract(one, y, y)
            np.multiply(part, sine, sine)
            np.multiply(sine, two, sine)
            np.subtract(cosine, sine, cosine)
            np.multiply(cosine, bell, cosine)
            np.multiply(part, t, t)
            np.divide(t, q, t)
            np.subtract(cosine, t, cosine)
            np.multiply(y, cosine, out)
            np.multiply(out, share, out)
        return total / x.size

    return Step(run, lambda: [gradient])
