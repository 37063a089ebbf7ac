"""The chain, in one buffer for the values and one for the gradient."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.workloads import CHAIN_FACTOR, CHAIN_SHIFT, chain_point


def long_chain(operations: int) -> Step:
    """A chain of `operations` operations forwards, and its products backwards."""
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
