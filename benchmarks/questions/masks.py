"""The question: what do masks cost in a network whose loss could have an infinite slope.

The backward pass of a ReLU network with its cross-entropy written in NumPy (maxima block, and logarithms may be
infinite, so masks are ready) is compared with the same pass with masks switched off. Both run in our own process.
"""

from __future__ import annotations

from benchmarks.agreement import agree
from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, multiple, table
from benchmarks.timing import Contestant, compete, ratio

TITLE = "backward pass of a composed ReLU network, over the same with masks switched off"

WITH, WITHOUT = "masks", "masks-off"


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure ours in both ways; the value is their ratio."""
    pair = [Contestant(f"{peer.name}, {w}", peer, w) for w in (WITH, WITHOUT) for peer in peers.that_do(w)]
    if len(pair) != 2:
        return Answer(None)
    agree(pair, count=1)
    if not any(contestant.failure for contestant in pair):
        compete(pair, settings.rounds, settings.warm_seconds, settings.slice_seconds)
    failures = [f"{c.label}: not timed: {c.failure}" for c in pair if c.failure]
    if failures:
        print(table(["", "median", "ratio"], [], failures))
        return Answer(None)
    on, off = pair
    value = ratio(on, off)
    cells = [[c.label, duration(c.quantile(0.5)), multiple(r)] for c, r in ((on, value), (off, 1.0))]
    print(table(["", "median", "ratio"], cells, []))
    for contestant in pair:
        contestant.forget()
    return Answer(value, {c.label: {"median_seconds": c.quantile(0.5)} for c in pair} | {"ratio": {"value": value}})
