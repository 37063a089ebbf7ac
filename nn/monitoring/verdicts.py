"""What the numbers of a `Monitor` mean: a plain word for each layer, why, and what to try."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.typing import Array
from nn.monitoring.measuring import Sample

RECENT = 10
"""A verdict looks at the medians of so many batches."""

FACTOR = 1e3
"""A signal that shrinks or grows by this between two layers is vanishing or exploding. Layers of different kinds and
widths differ by tens in healthy networks; what is lost by depth is lost in powers."""

DEAD = 0.7
"""The share of units from which a layer is dead. In a deep ReLU network that has lost its signal all rows look
alike, and half of the units are off by chance: that is vanishing, not dead."""

SATURATED = 0.5
"""The share of outputs from which a layer is saturated."""

LARGE_STEP = 0.5
"""Steps that all change the weights by this share of their size are no small steps downhill."""

ORDER = ("exploding", "dead", "saturated", "vanishing", "unused", "frozen", "healthy")
"""From what spoils the most, and first, to what needs nothing."""

REMEDIES = {
    "exploding": "lower the learning rate, clip with optim.clip_grad_norm, start with smaller weights (nn.init), or "
    "normalise between layers (nn.LayerNorm)",
    "dead": "lower the learning rate, start with nn.init.he_normal and biases of 0, or use nn.LeakyReLU",
    "saturated": "start with smaller weights (nn.init.xavier_normal), bring the inputs to mean 0 and variance 1, or "
    "normalise before the layer (nn.LayerNorm)",
    "vanishing": "start with nn.init.he_normal before ReLU and nn.init.xavier_normal before tanh, normalise between "
    "layers (nn.LayerNorm), add shortcuts (nn.Residual), or use ReLU in place of sigmoid and tanh",
    "unused": "see that forward calls it and that the loss depends on it",
}


class Verdict(NamedTuple):
    """A word for a layer or a network.

    Attributes
    ----------
    state : str
        ``"healthy"``, ``"vanishing"``, ``"exploding"``, ``"dead"`` or ``"saturated"``; of a layer also ``"frozen"``,
        and ``"unused"`` if it receives no gradient at all.
    why : str
        What was measured.
    remedy : str
        What to try; empty where nothing is wrong.
    """

    state: str
    why: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.why}" + (f"; {self.remedy}" if self.remedy else "")


class Track(NamedTuple):
    """A layer with what was seen of it, as `judge` is given it.

    Attributes
    ----------
    path, kind : str
        Where it is in the model, and its class.
    entries : int
        How many numbers its own parameters hold.
    frozen : bool
        Whether none of them learns.
    samples : sequence of Sample
        In the order of batches.
    """

    path: str
    kind: str
    entries: int
    frozen: bool
    samples: Sequence[Sample]

    def recent(self, name: str, of: Callable[[list[float]], Any] = np.median) -> float:
        """The median (or what `of` is) of the last batches where the number was seen; NaN if it never was."""
        values = [getattr(s, name) for s in self.samples[-RECENT:]]
        values = [v for v in values if not math.isnan(v)]
        return float(of(values)) if values else math.nan


def judge(tracks: Sequence[Track]) -> list[Verdict]:
    """A verdict for each layer; they are given in the order in which they run."""
    forward = np.array([t.recent("spread") for t in tracks])
    backward = np.array(
        [t.recent("gradient") / math.sqrt(t.entries) if t.entries and not t.frozen else math.nan for t in tracks]
    )
    return [_verdict(tracks, i, forward, backward) for i in range(len(tracks))]


def overall(tracks: Sequence[Track], verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for the network: the worst of its layers', with how many share it."""
    seen = [v.state for v in verdicts]
    states = [state for state in ORDER if state in seen and state != "frozen"]
    worst = states[0] if states else "healthy"
    if worst == "healthy":
        return Verdict("healthy", "signals and gradients keep their size from layer to layer, and units are alive")
    where = [i for i, state in enumerate(seen) if state == worst]
    first = where[0]
    names = ", ".join(tracks[i].path or "the model" for i in where[:6]) + (", ..." if len(where) > 6 else "")
    many = f"layers {names}" if len(where) > 1 else f"layer {names}"
    path = f"in {tracks[first].path}, " if len(where) > 1 and tracks[first].path else ""
    return Verdict(worst, f"{many}: {path}{verdicts[first].why}", REMEDIES[worst])


def _verdict(tracks: Sequence[Track], i: int, forward: Array, backward: Array) -> Verdict:
    track = tracks[i]
    found = (
        _exploding(track, i, forward, backward)
        or _dead(track, forward[:i])
        or _saturated(track, last=all(not t.entries for t in tracks[i + 1 :]))
        or _vanishing(tracks, i, forward, backward)
    )
    if found:
        return found
    if track.frozen:
        return Verdict("frozen", "its parameters do not learn")
    seen = tracks[i].samples
    learning = any(not math.isnan(t.recent("gradient")) for t in tracks)
    if track.entries and seen and learning and math.isnan(track.recent("gradient")):
        return Verdict("unused", "it receives no gradient", REMEDIES["unused"])
    return Verdict("healthy", "nothing is out of the ordinary")


def _bad(state: str, why: str) -> Verdict:
    return Verdict(state, why, REMEDIES[state])


def _exploding(track: Track, i: int, forward: Array, backward: Array) -> Verdict | None:
    for name, what in (("largest", "its output is"), ("gradient", "its gradient is"), ("weight", "its weights are")):
        if math.isinf(track.recent(name)):
            return _bad("exploding", f"{what} not finite")
    # The smallest: weights that start at 0 make large steps at first. Where no gradient is seen a line search chose it.
    step = track.recent("ratio", min)
    if step > LARGE_STEP and not math.isnan(track.recent("gradient")):
        return _bad("exploding", f"every step changes its weights by {step:.0%} of their size or more")
    before = _first(forward[:i])
    if forward[i] > FACTOR * before > 0:
        return _bad("exploding", f"its output varies {_times(forward[i] / before)} times as much as the first layer's")
    after = _first(backward[i + 1 :][::-1])
    if backward[i] > FACTOR * after > 0:
        return _bad("exploding", f"its gradient is {_times(backward[i] / after)} times that of the last layer")
    return None


def _dead(track: Track, before: Array) -> Verdict | None:
    """Units that are given next to nothing are off for that reason; the layer that killed the signal is another."""
    if _first(before[::-1]) * math.sqrt(FACTOR) < _largest(before):
        return None
    share = track.samples[-1].dead if track.samples else math.nan
    return _bad("dead", f"{share:.0%} of its units were 0 at every row seen lately") if share >= DEAD else None


def _saturated(track: Track, last: bool) -> Verdict | None:
    """An output behind which no layer stands may be as sure as it likes."""
    share = track.recent("saturated")
    if last or not share >= SATURATED:
        return None
    return _bad("saturated", f"{share:.0%} of its outputs lie close to a bound, where the slope is nearly 0")


def _vanishing(tracks: Sequence[Track], i: int, forward: Array, backward: Array) -> Verdict | None:
    before, after = _largest(forward[:i]), _largest(backward[i + 1 :])
    if forward[i] * FACTOR < before:
        part = "none" if forward[i] == 0 else f"1/{_times(before / forward[i])}"
        return _bad("vanishing", f"its output varies from row to row by {part} of what an earlier layer's does")
    if backward[i] * FACTOR < after:
        part = "0" if backward[i] == 0 else f"1/{_times(after / backward[i])} of that of a layer behind it"
        return _bad("vanishing", f"its gradient is {part}")
    return None


def _first(values: Array) -> float:
    there = values[np.isfinite(values)]
    return float(there[0]) if there.size else math.nan


def _largest(values: Array) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all NaN: there is none
        return float(np.nanmax(values)) if values.size else math.nan


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor < 1e6 else f"{factor:.0e}"
