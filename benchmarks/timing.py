"""Taking turns: a slice of every contestant in every round, and their statistics."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from benchmarks.process import PeerError, PeerProcess

PAUSE = 0.02
"""Seconds between two slices, so that the threads of the previous peer can stop."""

SHORTEST_SAMPLE = 20e-6
"""Seconds; shorter steps are timed several in a row, so that the clock's own 0.1 us does not matter."""


@dataclass
class Contestant:
    """One peer at one workload.

    Attributes
    ----------
    label : the name of its row
    rounds : for each round the samples of its slice, in seconds per step
    failure : the reason why it is not (or no longer) timed, in one line; empty if it is
    """

    label: str
    peer: PeerProcess
    workload: str
    rounds: list[list[float]] = field(default_factory=list)
    failure: str = ""
    _repeat: int = 1
    _count: int = 1

    def warm_up(self, seconds: float, slice_seconds: float) -> None:
        """Run for `seconds`, and determine how many steps fill a slice of `slice_seconds`."""
        end = time.monotonic() + seconds
        count = 1
        try:
            while True:
                per_step = float(np.median(self._sample(count, 1)))
                if time.monotonic() >= end:
                    break
                count = max(1, min(2 * count, int(slice_seconds / per_step)))
        except PeerError as error:
            self.failure = str(error)
            return
        self._repeat = max(1, round(SHORTEST_SAMPLE / per_step))
        self._count = max(1, int(slice_seconds / (per_step * self._repeat)))

    def take_turn(self) -> None:
        """Time one slice."""
        try:
            self.rounds.append(self._sample(self._count, self._repeat))
        except PeerError as error:
            self.failure = str(error)

    def forget(self) -> None:
        """Let the peer drop what it built, unless its process has ended."""
        with suppress(PeerError):
            self.peer.call("forget", workload=self.workload)

    def _sample(self, count: int, repeat: int) -> list[float]:
        samples: list[float] = self.peer.call("sample", workload=self.workload, count=count, repeat=repeat)
        return samples

    @property
    def medians(self) -> list[float]:
        """Seconds per step: the median of each round."""
        return [float(np.median(samples)) for samples in self.rounds]

    def quantile(self, q: float) -> float:
        """Seconds per step: the `q` quantile over the samples of all rounds; 0.1 stands for a quiet machine."""
        return float(np.quantile(np.concatenate(self.rounds), q))


def compete(contestants: list[Contestant], rounds: int, warm_seconds: float, slice_seconds: float) -> None:
    """Warm up all contestants that have not failed, then let them take turns, with another one first in each round."""
    for contestant in contestants:
        if not contestant.failure:
            contestant.warm_up(warm_seconds, slice_seconds)
    ready = [contestant for contestant in contestants if not contestant.failure]
    for i in range(rounds):
        first = i % max(len(ready), 1)
        for contestant in ready[first:] + ready[:first]:
            if not contestant.failure:
                time.sleep(PAUSE)
                contestant.take_turn()


def ratio(a: Contestant | None, b: Contestant | None) -> float | None:
    """Median over the rounds of the time of `a` divided by that of `b` in the same round; None if one was not timed."""
    if a is None or b is None or a.failure or b.failure:
        return None
    return float(np.median([x / y for x, y in zip(a.medians, b.medians, strict=True)]))
