"""The question: how long does a gradient check of a whole network take, to second order and in both modes.

The network has tanh layers, about 10,000 parameters and a cross-entropy; the answer is the median of a few runs.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np

from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, table

TITLE = "gradcheck of a network of 10,000 parameters, second order, both modes"

RUNS = 3


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure ours; the value is in milliseconds."""
    import nn
    from autodiff.testing import gradcheck

    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((16, 64)), rng.integers(0, 10, 16)
    widths = (64, 104, 32, 10)
    weights = [rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in pairwise(widths)]
    biases = [rng.standard_normal(n) / 10 for n in widths[1:]]

    def loss(weights: list[np.ndarray], biases: list[np.ndarray]) -> object:
        h = x
        for w, b in zip(weights[:-1], biases[:-1]):
            h = np.tanh(h @ w + b)
        return nn.cross_entropy(h @ weights[-1] + biases[-1], labels)

    found = []
    for _ in range(RUNS):
        start = time.perf_counter()
        report = gradcheck(loss, weights, biases, order=2)
        found.append(time.perf_counter() - start)
    count = sum(p.size for p in (*weights, *biases))
    middle = sorted(found)[RUNS // 2]
    print(table(["parameters", "verdicts", "median"], [[f"{count:,}", str(report.verdicts), duration(middle)]], []))
    return Answer(middle * 1e3, {"ours": {"seconds": found, "parameters": count}})
