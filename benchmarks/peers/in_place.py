"""In-place updates of plain arrays, one parameter after another, for engines without optimisers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.workloads import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON, ADAM_LEARNING_RATE, W2_LEARNING_RATE, Array


class Descent:
    """The update of W2."""

    def __init__(self, parameters: Sequence[Array]):
        self.parameters = parameters

    def __call__(self, gradient: Sequence[Array]) -> None:
        for p, g in zip(self.parameters, gradient, strict=True):
            p -= W2_LEARNING_RATE * g


class Adam:
    """The update of W3 and W4 (Kingma and Ba, 2015, algorithm 1)."""

    def __init__(self, parameters: Sequence[Array]):
        self.parameters = parameters
        self.first = [np.zeros_like(p) for p in parameters]
        self.second = [np.zeros_like(p) for p in parameters]
        self.count = 0

    def __call__(self, gradient: Sequence[Array]) -> None:
        self.count += 1
        rate = ADAM_LEARNING_RATE / (1 - ADAM_BETA1**self.count)
        scale = (1 - ADAM_BETA2**self.count) ** 0.5
        for p, g, m, v in zip(self.parameters, gradient, self.first, self.second, strict=True):
            m += (1 - ADAM_BETA1) * (g - m)
            v += (1 - ADAM_BETA2) * (g * g - v)
            root = np.sqrt(v)
            root /= scale
            root += ADAM_EPSILON
            p -= rate * m / root
