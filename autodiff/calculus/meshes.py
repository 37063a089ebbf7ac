"""Meshes: one range of integration divided into panels, each with a quadrature rule, and the refinement of panels.

A mesh is defined on the unit interval of each segment of the range, so that it can be reused when the limits move.
Every panel is measured from the nearer end of its segment, so that nodes stay accurate near a singularity at an end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autodiff.calculus.rules import Rule, gauss_kronrod, tanh_sinh
from autodiff.typing import Array

_LOW, _HIGH = 0, 1
_BISECTIONS_BEFORE_ENDS = 3  # a panel at an end that still has a large error after these has a singularity there
_FIRST_LEVEL, _LAST_LEVEL = 3, 7
_NARROWEST = 2.0**-50


class Panel(NamedTuple):
    """A piece of a segment.

    Attributes
    ----------
    segment : int
    side : int
        The end from which it is measured: 0 for the low one, 1 for the high one.
    start, width : float
        In lengths of the segment.
    bisections : int
        The number of bisections that led to it.
    level : int or None
        Level of its double-exponential rule; None for a Gauss-Kronrod rule.
    tried : bool
        Whether that rule has failed: then the end has no singularity, but there are oscillations or a pole.
    """

    segment: int
    side: int
    start: float
    width: float
    bisections: int = 0
    level: int | None = None
    tried: bool = False

    def finer(self) -> list[Panel] | None:
        """The panels that replace it when refined; None if it cannot be refined."""
        if self.level is not None:
            if self.level < _LAST_LEVEL:
                return [self._replace(level=self.level + 1)]
            return self._replace(level=None, tried=True).finer()
        if self.width == 1:  # the whole segment; from here each half is measured from its own end
            return [Panel(self.segment, side, 0.0, 0.5, 1) for side in (_LOW, _HIGH)]
        if self.start == 0 and not self.tried and self.bisections >= _BISECTIONS_BEFORE_ENDS:
            return [self._replace(level=_FIRST_LEVEL)]
        if self.width < _NARROWEST:
            return None
        half = self.width / 2
        return [
            self._replace(start=start, width=half, bisections=self.bisections + 1)
            for start in (self.start, self.start + half)
        ]


def _place(panel: Panel) -> tuple[Any, ...]:
    return panel[:3]


class Mesh:
    """The panels of one range, with their nodes and weights.

    Parameters
    ----------
    panels : list of Panel
    order : int
        Number of nodes of the Gauss rule within the Gauss-Kronrod rule.
    least : list of (float, float)
        For each segment the smallest distances from its two ends that can be distinguished from 0.
    rule : Rule, optional
        One rule for all panels, which replaces their own.

    Attributes
    ----------
    below, above : ndarray, (n,)
        Distances of the nodes from the low and the high end of their segment; they sum to 1.
    fine, coarse, tail : ndarray, (n,)
        As in `Rule`, in lengths of the segment.
    starts : ndarray of int, (panels,)
        Index of the first node of each panel.
    """

    def __init__(
        self, panels: list[Panel], order: int, least: list[tuple[float, float]], rule: Rule | None = None
    ) -> None:
        self.panels, self.order, self.least, self._rule = sorted(panels, key=_place), order, least, rule
        rules = [self._rule_of(p) for p in self.panels]
        sizes = [len(r.nodes) for r in rules]
        near = np.concatenate([p.start + p.width * r.nodes for p, r in zip(self.panels, rules, strict=True)])
        high = np.repeat([p.side == _HIGH for p in self.panels], sizes)
        self.below, self.above = np.where(high, 1 - near, near), np.where(high, near, 1 - near)
        widths = np.repeat([p.width for p in self.panels], sizes)
        self.fine, self.coarse, self.tail = (
            widths * np.concatenate([r[i] for r in rules]) for i in range(1, len(Rule._fields))
        )
        self.starts = np.cumsum([0, *sizes[:-1]])
        self._segments = np.repeat([p.segment for p in self.panels], sizes)

    def __len__(self) -> int:
        return len(self.fine)

    def _rule_of(self, panel: Panel) -> Rule:
        if self._rule is not None:
            return self._rule
        if panel.level is None:
            return gauss_kronrod(self.order)
        return tanh_sinh(panel.level, min(self.least[panel.segment][panel.side] / panel.width, 0.1))

    def slices(self) -> list[slice]:
        """The slice of the nodes of each segment."""
        edges = np.searchsorted(self._segments, np.arange(len(self.least) + 1))
        return [slice(int(i), int(j)) for i, j in pairwise(edges)]

    def refined(self, chosen: Collection[int]) -> Mesh:
        """The mesh with the chosen panels refined."""
        if not chosen:
            return self
        panels = []
        for i, panel in enumerate(self.panels):
            panels += (panel.finer() or [panel]) if i in chosen else [panel]
        return Mesh(panels, self.order, self.least, self._rule)

    def unseen(self, seen: Array) -> set[int]:
        """The panels at the ends of unseen segments, until they have a rule that looks next to the end.

        A point that splits a range marks something there: on one side alone it is not seen, if it is narrow.

        Parameters
        ----------
        seen : ndarray of bool, (integrals, n)
            The nodes at which each integrand is not 0. A segment is seen if all integrands have such a node in it.
        """
        empty = {s for s, part in enumerate(self.slices()) if not seen[:, part].any(axis=1).all()}
        return {
            i
            for i, p in enumerate(self.panels)
            if p.segment in empty and p.start == 0 and p.level is None and not p.tried and self._rule is None
        }

    def can_refine(self) -> list[bool]:
        """For each panel, whether it can be refined."""
        return [self._rule is None and p.finer() is not None for p in self.panels]

    def place(self, ends: Sequence[Any]) -> tuple[Any, Any]:
        """The nodes in the range, and dx/du at each of them, where u is in the unit interval.

        Parameters
        ----------
        ends : sequence of array_like
            The ends of the segments, one more than there are segments: numbers, or arrays of one shape. The first and
            the last may be infinite.

        Returns
        -------
        x, slope : ndarray, (..., n)
        """
        xs, slopes = [], []
        for low, high, part in zip(ends, ends[1:], self.slices()):
            below, above = self.below[part], self.above[part]
            if type(high) is float and high in (np.inf, -np.inf):  # the far end is where `above` is 0
                sign = 1.0 if high > 0 else -1.0
                x, slope = low[..., None] + sign * below / above, sign / above**2
            elif type(low) is float and low in (np.inf, -np.inf):
                sign = 1.0 if low < 0 else -1.0
                x, slope = high[..., None] - sign * above / below, sign / below**2
            else:
                # Not low + below * (high - low), which would lose digits next to an end at 0.
                x, slope = low[..., None] * above + high[..., None] * below, (high - low)[..., None]
            xs.append(x)
            slopes.append(np.broadcast_to(slope, x.shape))
        if len(xs) == 1:
            return xs[0], slopes[0]
        shape = np.broadcast_shapes(*(x.shape[:-1] for x in xs))  # () between two points, though limits are arrays
        xs, slopes = ([np.broadcast_to(v, (*shape, v.shape[-1])) for v in parts] for parts in (xs, slopes))
        return np.concatenate(xs, axis=-1), np.concatenate(slopes, axis=-1)


def uniform(segments: int, panels: int, order: int, least: list[tuple[float, float]]) -> Mesh:
    """An initial mesh with `panels` panels in every segment: half are measured from each end, unless there is one."""
    if panels == 1:
        return Mesh([Panel(s, _LOW, 0.0, 1.0) for s in range(segments)], order, least)
    width = 1.0 / panels
    made = [
        Panel(s, side, i * width, width) for s in range(segments) for side in (_LOW, _HIGH) for i in range(panels // 2)
    ]
    return Mesh(made, order, least)


def whole(segments: int, least: list[tuple[float, float]], rule: Rule) -> Mesh:
    """A mesh with one panel per segment and this rule, which cannot be refined."""
    return Mesh([Panel(s, _LOW, 0.0, 1.0) for s in range(segments)], 0, least, rule)


def double_exponential(segments: int, least: list[tuple[float, float]]) -> Mesh:
    """A mesh with two panels per segment, with double-exponential rules, one for each end."""
    made = [Panel(s, side, 0.0, 0.5, 1, _FIRST_LEVEL) for s in range(segments) for side in (_LOW, _HIGH)]
    return Mesh(made, 10, least)


def ends_least(ends: Sequence[Array | float], variables: int) -> list[tuple[float, float]]:
    """For each segment the smallest distances from its ends, in lengths of the segment, at which x has digits left."""
    tiny = _TINY if variables < 3 else _TINY**0.5
    found = []
    for low, high in pairwise(ends):
        if np.any(np.isinf(low)) or np.any(np.isinf(high)):
            found.append(
                (_FAR, _FAR) if np.any(np.isinf(low)) and np.any(np.isinf(high)) else _half_line(low, high, tiny)
            )
            continue
        length = np.abs(high - low)
        length = np.where(length == 0, 1.0, length)
        at_low, at_high = (max(float(np.max(_ULPS * np.abs(end) / length)), tiny) for end in (low, high))
        found.append((at_low, at_high))
    return found


_ULPS = 8 * 2.0**-52
_TINY = 1e-150
"""Products of two such distances do not underflow to 0; for three or more variables its root is taken."""
_FAR = 1e-100
"""On a half-line x is the reciprocal of a distance; its third power must not overflow."""


def _half_line(low: Any, high: Any, tiny: float) -> tuple[float, float]:
    near = low if np.all(np.isfinite(low)) else high
    least = max(float(np.max(_ULPS * np.abs(near))), tiny)
    return (least, _FAR) if near is low else (_FAR, least)
