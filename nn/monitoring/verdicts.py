"""Verdicts from the numbers of a `Monitor`: a word for each layer, the reason, and a remedy."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.typing import Array
from nn.monitoring.measuring import Sample

RECENT = 10
"""The number of recent batches whose medians a verdict uses."""

FACTOR = 1e3
"""A signal that shrinks or grows by this factor between two layers is vanishing or exploding. In healthy networks
layers of different kinds and widths differ by factors of tens; losses by depth grow exponentially."""

DEAD = 0.7
"""The fraction of dead units from which a layer is dead. In a deep ReLU network that has lost its signal all rows look
alike, and half of the units are 0 by chance: that is vanishing, not dead."""

SATURATED = 0.5
"""The fraction of saturated outputs from which a layer is saturated."""

LARGE_STEP = 0.5
"""If every step changes the weights by this fraction of their size, the steps are too large to descend."""

ORDER = ("exploding", "dead", "saturated", "vanishing", "unused", "frozen", "healthy")
"""The states from the most harmful to healthy."""

REMEDIES = {
    "exploding": "lower the learning rate, clip with optim.clip_grad_norm, start with smaller weights (nn.init), or "
    "normalise between layers (nn.LayerNorm)",
    "dead": "lower the learning rate, start with nn.init.he_normal and biases of 0, or use nn.LeakyReLU",
    "saturated": "start with smaller weights (nn.init.xavier_normal), bring the inputs to mean 0 and variance 1, or "
    "normalise before the layer (nn.LayerNorm)",
    "vanishing": "start with nn.init.he_normal before ReLU and nn.init.xavier_normal before tanh, normalise between "
    "layers (nn.LayerNorm), add shortcuts (nn.Residual), or use ReLU instead of sigmoid and tanh",
    "unused": "make sure that forward calls it and that the loss depends on it",
}


class Verdict(NamedTuple):
    """The verdict on a layer or a network.

    Attributes
    ----------
    state : str
        ``"healthy"``, ``"vanishing"``, ``"exploding"``, ``"dead"`` or ``"saturated"``; for a layer also ``"frozen"``;
        ``"unused"`` if a layer receives no gradient at all.
    why : str
        The measurement behind it.
    remedy : str
        What to try; empty if nothing is wrong.
    """

    state: str
    why: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.why}" + (f"; {self.remedy}" if self.remedy else "")


class Track(NamedTuple):
    """A layer and its samples, the input of `judge`.

    Attributes
    ----------
    path, kind : str
        Its path in the model, and the name of its class.
    entries : int
        The number of entries of its own parameters.
    frozen : bool
        Whether it has parameters and all are frozen.
    samples : sequence of Sample
        In the order of batches.
    """

    path: str
    kind: str
    entries: int
    frozen: bool
    samples: Sequence[Sample]

    def recent(self, name: str, of: Callable[[list[float]], Any] = np.median) -> float:
        """The median (or another function `of`) of a number over recent batches; NaN if it was not seen."""
        values = [getattr(s, name) for s in self.samples[-RECENT:]]
        values = [v for v in values if not math.isnan(v)]
        return float(of(values)) if values else math.nan


def judge(tracks: Sequence[Track]) -> list[Verdict]:
    """A verdict for each layer; `tracks` are in the order in which the layers run."""
    forward = np.array([t.recent("spread") for t in tracks])
    backward = np.array(
        [t.recent("gradient") / math.sqrt(t.entries) if t.entries and not t.frozen else math.nan for t in tracks]
    )
    return [_verdict(tracks, i, forward, backward) for i in range(len(tracks))]


def overall(tracks: Sequence[Track], verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for the network: the worst of those on its layers, with the layers that share it."""
    seen = [v.state for v in verdicts]
    states = [state for state in ORDER if state in seen and state != "frozen"]
    worst = states[0] if states else "healthy"
    if worst == "healthy":
        return Verdict("healthy", "signals and gradients keep their size from layer to layer, and units are active")
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
    # The smallest, since weights that start at 0 make large relative steps at first. Without a gradient the step comes
    # from a line search, and may be large.
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
    """Not if the layer receives almost no signal: its units are 0 for that reason, and another layer is to blame."""
    if _first(before[::-1]) * math.sqrt(FACTOR) < _largest(before):
        return None
    share = track.samples[-1].dead if track.samples else math.nan
    return _bad("dead", f"{share:.0%} of its units were 0 at every row seen lately") if share >= DEAD else None


def _saturated(track: Track, last: bool) -> Verdict | None:
    """The last layer may be saturated: it is the output of the network, which may be as certain as it likes."""
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
        part = "0" if backward[i] == 0 else f"1/{_times(after / backward[i])} of that of a later layer"
        return _bad("vanishing", f"its gradient is {part}")
    return None


def _first(values: Array) -> float:
    there = values[np.isfinite(values)]
    return float(there[0]) if there.size else math.nan


def _largest(values: Array) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of nanmax, if all values are NaN
        return float(np.nanmax(values)) if values.size else math.nan


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor < 1e6 else f"{factor:.0e}"
