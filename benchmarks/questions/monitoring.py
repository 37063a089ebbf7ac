"""The question: what does an `nn.Monitor` cost during training.

`nn.fit` on the digits for a few epochs, with an `nn.Monitor` with default options as a callback, divided by the same
without it. Both run in our own process, in turn, so that a busy machine slows both; the figure is the median of the
ratios of the rounds.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, multiple, table

TITLE = "nn.fit on the digits (64-128-10, batch 32) with an nn.Monitor, over the same without"

EPOCHS, WARM = 5, 2


def _seconds(watched: bool) -> float:
    import nn
    import optim

    images, labels = nn.data.digits()
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = optim.Adam(model.parameters(), learning_rate=2e-3)
    callbacks: list[Any] = [nn.Monitor()] if watched else []
    data = (images.reshape(len(images), -1), labels)
    start = time.perf_counter()
    nn.fit(model, optimizer, nn.cross_entropy, data, epochs=EPOCHS, progress=False, callbacks=callbacks)
    return time.perf_counter() - start


def answer(peers: Peers, settings: Settings) -> Answer:
    """Train both ways, in turn; the value is the median ratio."""
    for _ in range(WARM):
        _seconds(False), _seconds(True)
    pairs = np.array([[_seconds(True), _seconds(False)] for _ in range(settings.rounds)])
    value = float(np.median(pairs[:, 0] / pairs[:, 1]))
    watched, unwatched = np.median(pairs, axis=0).tolist()
    cells = [["watched", duration(watched), multiple(value)], ["unwatched", duration(unwatched), multiple(1.0)]]
    print(table(["", "median", "ratio"], cells, []))
    return Answer(
        value,
        {"watched": {"median_seconds": watched}, "unwatched": {"median_seconds": unwatched}, "ratio": {"value": value}},
    )
