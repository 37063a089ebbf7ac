"""Comparing what the sweeps say with what differences say, along random directions first.

Only where a direction does not match is it narrowed down, by halves, to the entry of the argument that
is to blame; what looks wrong gets a second opinion from a fresh direction and all steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.testing.differences import DOUBLE, Slope, Vector, complex_step, direction, slope_along
from autodiff.testing.problems import Array, Problem, as_vector, resolution_of, widened
from autodiff.testing.report import ILL_CONDITIONED, KINK, MATCH, WRONG, Comparison
from autodiff.transforms import linearize, vjp

Mask = NDArray[np.bool_]

_SEVERITY = (MATCH, KINK, ILL_CONDITIONED, WRONG)
_TRUST = 8.0  # how many times its own estimate the error of a difference may be
_PROBES = 400  # how many directions may be spent on narrowing down
_SINGULAR_ENTRIES = 8  # how many entries with an infinite slope are looked at one by one


@dataclass(frozen=True)
class Settings:
    """How a check is made.

    Attributes
    ----------
    modes : tuple of str
        ``"reverse"``, ``"forward"`` or both.
    rtol, atol : float
        Allowed difference: ``atol + rtol * |derivative|``.
    complex_step : bool or None
        Whether the function takes complex numbers and is analytic there; None: find out where differences
        cannot decide.
    narrow : bool
        Whether to look for the entry that is to blame.
    """

    modes: tuple[str, ...]
    rtol: float
    atol: float
    complex_step: bool | None = None
    narrow: bool = True


class Probe(NamedTuple):
    """What was found along one direction: one comparison a mode."""

    comparisons: list[Comparison]

    @property
    def verdict(self) -> str:
        """The worst of them."""
        return max((c.verdict for c in self.comparisons), key=_SEVERITY.index, default=MATCH)


class Examination:
    """The first derivatives of a problem, compared.

    Parameters
    ----------
    problem : Problem
        What to differentiate.
    order : int
        Noted in the comparisons.
    settings : Settings
        How.
    rng : numpy.random.Generator
        Where directions and cotangents come from.
    excluded : list of ndarray of bool
        For every leaf the entries not to move.

    Attributes
    ----------
    kinked : list of ndarray of bool
        For every leaf the entries at which the function has a kink, as far as they were met.
    cts : list of ndarray
        The cotangents used.
    """

    def __init__(
        self, problem: Problem, order: int, settings: Settings, rng: np.random.Generator, excluded: Sequence[Mask]
    ) -> None:
        self.order, self.settings, self.rng, self.excluded = order, settings, rng, excluded
        self.problem = problem.at(widened(problem.leaves))
        self.kinked = [np.zeros(x.shape, bool) for x in problem.leaves]
        self.at_zero = self.problem.value(self.problem.leaves)
        self.resolution = max(resolution_of(self.problem, self.problem.leaves), DOUBLE)
        y, pullback = vjp(self.problem.call, *self.problem.leaves)
        self.cts = [direction(np.ones(np.shape(v), np.result_type(v.dtype, np.float64)), rng) for v in y]
        self.ct = as_vector(self.cts)
        self.gradients = pullback(list(self.cts)) if "reverse" in settings.modes else None
        self._pushforwards: dict[int, Any] = {}
        self._probes_left = _PROBES

    def run(self) -> Iterator[Comparison]:
        """Every leaf in turn."""
        for i, x in enumerate(self.problem.leaves):
            alive = np.isfinite(x) & ~self.excluded[i]
            singular = np.zeros(np.shape(x), bool)
            if self.gradients is not None:
                singular = alive & ~np.isfinite(self.gradients[i])
            if (alive & ~singular).any():
                yield from self._direction(i, alive & ~singular)
            for entry in np.argwhere(singular)[:_SINGULAR_ENTRIES]:
                yield from self._probe(i, _single(np.shape(x), entry), careful=True).comparisons

    def _direction(self, i: int, where: Mask) -> Iterator[Comparison]:
        """All entries at once; where that does not match, narrowed down."""
        probe = self._probe(i, where)
        if probe.verdict != MATCH:
            probe = self._probe(i, where, careful=True)
        if probe.verdict in (MATCH, ILL_CONDITIONED) or not self.settings.narrow:
            yield from probe.comparisons
            return
        yield from self._narrowed(i, where, probe)

    def _narrowed(self, i: int, where: Mask, whole: Probe) -> Iterator[Comparison]:
        """By halves: the first entry that is wrong, or every entry with a kink."""
        todo = [where]
        kinks: list[Comparison] = []
        exhausted = False
        while todo:
            part = todo.pop()
            single = np.count_nonzero(part) == 1
            if part is where and not single:
                todo += _halves(part)
                continue
            if self._probes_left <= 0:  # too many kinks to name them all
                self.kinked[i] |= part
                exhausted = True
                continue
            self._probes_left -= 1
            probe = self._probe(i, part, careful=True)
            if probe.verdict in (MATCH, ILL_CONDITIONED):
                continue
            if not single:
                todo += _halves(part)
                continue
            if probe.verdict == WRONG:
                yield from (c for c in probe.comparisons if c.verdict == WRONG)
                return
            self.kinked[i] |= part
            kinks += [c for c in probe.comparisons if c.verdict == KINK]
        if exhausted and whole.verdict == WRONG:
            yield from whole.comparisons
            return
        rest = where & ~self.kinked[i]
        if rest.any() and kinks:
            yield from self._probe(i, rest, careful=True).comparisons
        # Every entry by itself is well, only their sum is not: the slopes do not add up, as at the tip of a cone.
        yield from kinks or [_with_verdict(c, KINK) for c in whole.comparisons]

    # --- one direction ----------------------------------------------------------------------------

    def _probe(self, i: int, where: Mask, *, careful: bool = False) -> Probe:
        """The derivative along a random direction of the chosen entries, by differences and by each mode."""
        x = self.problem.leaves[i]
        v = direction(np.asarray(x), self.rng, where)
        slope = self._numeric(i, v, careful)
        index = tuple(int(n) for n in np.argwhere(where)[0]) if np.count_nonzero(where) == 1 else None
        comparisons = []
        size = abs(v[where][0]) if index is not None and x.dtype.kind == "f" else 1.0
        for mode in self.settings.modes:
            judged = self._reverse(i, v, slope) if mode == "reverse" else self._forward(i, v, where, slope)
            if judged is not None:
                comparisons.append(self._comparison(i, mode, index, judged, size))
        return Probe(comparisons)

    def _numeric(self, i: int, v: Array, careful: bool) -> Slope:
        leaves = list(self.problem.leaves)
        x = leaves[i]

        def line(h: Any) -> Any:
            leaves[i] = x + h * v
            return self.problem.value(leaves)

        def complex_line(h: complex) -> Any:
            leaves[i] = x + h * v
            values = self.problem.call(*leaves)
            return np.concatenate([np.asarray(y, dtype=np.complex128).reshape(-1) for y in values])

        analytic = self.settings.complex_step
        if analytic is False or self.order > 1 or x.dtype.kind == "c" or v.dtype.kind == "c":
            return slope_along(line, self.at_zero, resolution=self.resolution, careful=careful)
        if analytic:
            return _exact(complex_step(complex_line), self.at_zero, self.resolution)
        return slope_along(line, self.at_zero, resolution=self.resolution, careful=careful)

    def _reverse(self, i: int, v: Array, slope: Slope) -> _Judged | None:
        """<J'ct, v> against <ct, J v>."""
        assert self.gradients is not None
        if not self.at_zero.size:
            return None
        ct = self.ct
        g, along = as_vector([self.gradients[i]]), as_vector([v])
        taken = along != 0
        analytic = np.array([g[taken] @ along[taken]])
        low, high = slope.bracket
        flat = slope.runaway != 0
        with np.errstate(all="ignore"):
            runs = np.sign(ct * slope.runaway)[flat]
            runaway = runs[0] if runs.size and (runs == runs[0]).all() else 0.0
            size = np.abs(ct) @ np.abs(slope.value) + np.abs(g[taken]) @ np.abs(along[taken])
            terms = _Terms(
                numeric=np.array([ct @ slope.value]),
                error=np.array([np.abs(ct) @ slope.error + 16 * DOUBLE * size]),
                low=np.array([np.minimum(ct * low, ct * high).sum()]),
                high=np.array([np.maximum(ct * low, ct * high).sum()]),
                scale=np.array([np.abs(ct) @ slope.scale]),
                kinked=np.array([slope.kinked.any()]),
                runaway=np.array([runaway]),
            )
        return _judge(analytic, terms, self.settings)

    def _forward(self, i: int, v: Array, where: Mask, slope: Slope) -> _Judged | None:
        """J v, entry by entry."""
        if not self.at_zero.size:
            return None
        pushforward = self._pushforward(i, where)
        with np.errstate(all="ignore"):
            analytic = as_vector(pushforward(v if v.ndim else v[()]))
            low, high = slope.bracket
            error = slope.error + 4 * DOUBLE * np.abs(slope.value)
        terms = _Terms(slope.value, error, low, high, slope.scale, slope.kinked, slope.runaway)
        return _judge(analytic, terms, self.settings)

    def _pushforward(self, i: int, where: Mask) -> Any:
        """Tangents of one leaf to those of the results. Entries that stay are masked, not just multiplied by 0."""
        before, behind = self.problem.leaves[:i], self.problem.leaves[i + 1 :]
        x = self.problem.leaves[i]
        if where.all() or where.ndim == 0:
            if i not in self._pushforwards:
                self._pushforwards[i] = linearize(lambda z: self.problem.call(*before, z, *behind), x)[1]
            return self._pushforwards[i]
        return linearize(lambda z: self.problem.call(*before, np.where(where, z, x), *behind), x)[1]

    def _comparison(self, i: int, mode: str, index: Any, judged: _Judged, size: float) -> Comparison:
        worst, verdict, analytic, numeric, error = judged
        output = None
        if mode == "forward" and self.at_zero.size > 1:
            output = (worst,)
        name = self.problem.names[i]
        # of one entry the derivative itself is told, not that along a direction of some length
        return Comparison(
            self.order, mode, name, index, output, analytic / size, numeric / size, error / size, verdict
        )


# --- verdicts -------------------------------------------------------------------------------------


class _Terms(NamedTuple):
    """What differences say, entry by entry."""

    numeric: Vector
    error: Vector
    low: Vector
    high: Vector
    scale: Vector
    kinked: Any
    runaway: Vector


class _Judged(NamedTuple):
    """The worst entry: its number, verdict, analytic and numeric derivative, error of the latter."""

    worst: int
    verdict: str
    analytic: float
    numeric: float
    error: float


def _judge(analytic: Vector, terms: _Terms, settings: Settings) -> _Judged:
    numeric, error, low, high, scale, kinked, runaway = terms
    with np.errstate(all="ignore"):
        off = np.abs(analytic - numeric)
        size = np.fmax(np.abs(analytic), np.abs(numeric))
        slack = _TRUST * error
        close = off <= settings.atol + settings.rtol * size
        explained = off <= slack
        sharp = error <= settings.rtol * (scale + size)
        inside = (analytic >= low - slack) & (analytic <= high + slack)
        between = (analytic >= low) & (analytic <= high)
        verdict = np.select(
            [
                ~np.isfinite(scale),  # the function itself is not finite here
                ~np.isfinite(analytic) & np.where(np.isinf(analytic), runaway == np.sign(analytic), False),
                ~np.isfinite(analytic),
                (runaway != 0) & between,
                (runaway != 0) & np.isfinite(analytic),
                ~np.isfinite(numeric),
                kinked & inside,
                close,
                explained & sharp & ~kinked,
                explained,
            ],
            [2, 0, 3, 1, 3, 2, 1, 0, 0, 2],
            default=3,
        )
    off = np.where(np.isfinite(off), off, np.inf)
    worst = int(np.lexsort((off, verdict))[-1])
    return _Judged(
        worst, _SEVERITY[int(verdict[worst])], float(analytic[worst]), float(numeric[worst]), float(error[worst])
    )


def _exact(value: Vector, at_zero: Vector, resolution: float) -> Slope:
    """A slope that is known to the last digits."""
    zero = np.zeros_like(value)
    error = 16 * resolution * np.abs(value)
    return Slope(value, error, zero, zero, np.abs(at_zero), zero, value, value)


def _with_verdict(c: Comparison, verdict: str) -> Comparison:
    return Comparison(c.order, c.mode, c.operand, c.index, c.output, c.analytic, c.numeric, c.error, verdict)


def _single(shape: tuple[int, ...], entry: Any) -> Mask:
    mask = np.zeros(shape, bool)
    mask[tuple(entry)] = True
    return mask


def _halves(part: Mask) -> list[Mask]:
    """Two masks with half of the entries each."""
    entries = np.flatnonzero(part)
    out = []
    for half in (entries[: len(entries) // 2], entries[len(entries) // 2 :]):
        mask = np.zeros(part.size, bool)
        mask[half] = True
        out.append(mask.reshape(part.shape))
    return out
