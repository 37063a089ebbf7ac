"""Comparing the derivatives of the sweeps with finite differences, along random directions first.

A direction that does not match is narrowed down, by bisection, to the entry of the argument that is to blame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autodiff.testing.differences import direction, of_one_magnitude
from autodiff.testing.judging import TRUST
from autodiff.testing.probing import Mask, Probe, Prober, Settings, largest, unit_of, with_verdict
from autodiff.testing.problems import Problem, as_vector, widened
from autodiff.testing.report import ILL_CONDITIONED, KINK, MATCH, WRONG, Comparison
from autodiff.transforms.first_order import linearize, vjp

_SUMS = 6  # how many directions are tried to find slopes that do not add up
_PROBES = 400  # how many directions may be used for narrowing down
_SINGULAR_ENTRIES = 8  # how many entries with an infinite slope are checked one by one


class Examination(Prober):
    """A comparison of the first derivatives of a problem; it chooses the directions.

    Parameters
    ----------
    problem, order, settings, rng
        As in `Prober`.
    excluded : list of ndarray of bool
        For every leaf the entries that must not be moved.

    Attributes
    ----------
    kinked : list of ndarray of bool
        For every leaf the entries at which the function has a kink or an infinite slope, as far as found.
    """

    def __init__(
        self, problem: Problem, order: int, settings: Settings, rng: np.random.Generator, excluded: Sequence[Mask]
    ) -> None:
        super().__init__(problem, order, settings, rng)
        self.excluded = excluded
        self.kinked = [np.zeros(x.shape, bool) for x in problem.leaves]
        self._probes_left = _PROBES

    def run(self) -> Iterator[Comparison]:
        """Check one leaf after another."""
        for i, x in enumerate(self.problem.leaves):
            alive = np.isfinite(x) & ~self.excluded[i]
            singular = np.zeros(np.shape(x), bool)
            if self.gradients is not None:
                singular = alive & ~np.isfinite(self.gradients[i])
                self.kinked[i] |= singular
            if (alive & ~singular).any():
                for group in of_one_magnitude(x, alive & ~singular):
                    yield from self._direction(i, group)
            for entry in np.argwhere(alive & ~singular) if self.settings.full else ():
                yield from self._entry(i, _single(np.shape(x), entry))
            for entry in np.argwhere(singular)[:_SINGULAR_ENTRIES]:
                yield from self.careful(i, _single(np.shape(x), entry)).comparisons
        if any(given.dtype.itemsize < wide.dtype.itemsize for given, wide in zip(self.given, self.problem.leaves)):
            yield from self._in_own_precision()

    def _direction(self, i: int, where: Mask) -> Iterator[Comparison]:
        """Check all entries at once; if that does not match, narrow it down."""
        probe = self.probe(i, where)
        if probe.verdict != MATCH:
            probe = self.careful(i, where)
        if probe.verdict in (MATCH, ILL_CONDITIONED) or not self.settings.narrow:
            suspect = self._suspect(i, where, probe) if self.settings.narrow else None
            yield from (suspect or probe).comparisons
            return
        yield from self._narrowed(i, where, probe)

    def _suspect(self, i: int, where: Mask, probe: Probe) -> Probe | None:
        """An entry that is wrong by itself, although the direction matches because the other entries are large.

        The allowed difference is relative to the whole derivative. If the differences are more accurate than that and
        disagree, the half that disagrees most is bisected down to one entry.
        """
        if probe.verdict != MATCH or not probe.doubt > 1:
            return None
        part = where
        while np.count_nonzero(part) > 1:
            part = max(_halves(part), key=lambda half: self.probe(i, half).doubt)
        single = self.careful(i, part)
        return single if single.verdict == WRONG and self._adds_up(i, where, part) else None

    def _entry(self, i: int, where: Mask) -> Iterator[Comparison]:
        """Check one entry by itself."""
        probe = self.probe(i, where)
        yield from (probe if probe.verdict == MATCH else self.careful(i, where)).comparisons

    def _narrowed(self, i: int, where: Mask, whole: Probe) -> Iterator[Comparison]:
        """Bisect: find the first wrong entry, or every entry with a kink."""
        todo = [where]
        kinks: list[Comparison] = []
        exhausted = False
        while todo:
            part = todo.pop()
            single = np.count_nonzero(part) == 1
            if part is where and not single:
                todo += _halves(part)
                continue
            if self._probes_left <= 0:  # too many kinks to find each of them
                self.kinked[i] |= part
                exhausted = True
                continue
            self._probes_left -= 1
            probe = self.careful(i, part)
            if probe.verdict in (MATCH, ILL_CONDITIONED):
                continue
            if not single:
                todo += _halves(part)
                continue
            if probe.verdict == WRONG and self._adds_up(i, where, part):
                yield from (c for c in probe.comparisons if c.verdict == WRONG)
                return
            self.kinked[i] |= part
            kinks += [with_verdict(c, KINK) for c in probe.comparisons if c.verdict in (KINK, WRONG)]
        if exhausted and whole.verdict == WRONG:
            yield from whole.comparisons
            return
        rest = where & ~self.kinked[i]
        if rest.any() and kinks:
            yield from self.careful(i, rest).comparisons
        # Every entry by itself is right, only their sum is not: the slopes do not add up, as at the tip of a cone.
        yield from kinks or [with_verdict(c, KINK) for c in whole.comparisons]

    def _adds_up(self, i: int, where: Mask, part: Mask) -> bool:
        """Whether the slope along a direction is the sum of the slopes along a part of it and along the rest.

        If not, the function itself has no derivative there, though it may have one along every axis. An example is the
        median of three equal values, which does not change when any single one of them moves.
        """
        rest = where & ~part
        if not rest.any():
            return True
        for _ in range(_SUMS):
            v = direction(np.asarray(self.problem.leaves[i]), self.rng, where)
            whole, one, other = (self.slope(i, np.where(m, v, 0), True) for m in (where, part, rest))
            with np.errstate(all="ignore"):
                gap = np.abs(whole.value - one.value - other.value)
                size = np.abs(whole.value) + np.abs(one.value) + np.abs(other.value)
                if np.any(gap > TRUST * (whole.error + one.error + other.error) + 1e-3 * size):
                    return False
        return True

    # --- in the dtype of the arguments ---

    def _in_own_precision(self) -> Iterator[Comparison]:
        """Compare the derivative in the dtype of the arguments (float32, float16) with that in double precision."""
        outputs, pullback = vjp(self.problem.call, *self.given)
        if not np.isfinite(as_vector(outputs)).all():
            return  # a result that overflows in the dtype of the arguments has no slope there
        cts = [c.astype(np.asarray(y).dtype) for c, y in zip(self.cts, outputs, strict=True)]
        directions = [direction(x, self.rng) for x in widened(self.given)]
        # below 1/4, so that twice the largest float times a tangent does not overflow
        ts = [(v / (8 * unit_of(v))).astype(x.dtype) for v, x in zip(directions, self.given, strict=True)]
        if "reverse" in self.settings.modes:
            wide = self.pullback([c.astype(w.dtype) for c, w in zip(cts, self.cts, strict=True)])
            for i, own in enumerate(pullback(cts)):
                yield self._precise_enough("reverse", i, self.problem.names[i], own, wide)
        if "forward" in self.settings.modes:
            own_tangents = linearize(self.problem.call, *self.given)[1](*ts)
            wide = linearize(self.problem.call, *self.problem.leaves)[1](*widened(ts))
            for i, own in enumerate(own_tangents):
                yield self._precise_enough("forward", i, "all operands together", own, wide)

    def _precise_enough(self, mode: str, i: int, name: str, own: Any, exact: Sequence[Any]) -> Comparison:
        eps = float(np.finfo(own.dtype).eps)
        a, n = as_vector([own]), as_vector([exact[i]])
        with np.errstate(all="ignore"):
            same = (a == n) | (np.isnan(a) & np.isnan(n)) | ~np.isfinite(n.astype(np.real(own).dtype))
            off = np.where(same, 0.0, np.abs(a - n))
        off = np.where(np.isnan(off), np.inf, off)
        size = largest(n)
        verdict, error = MATCH, 500 * eps * size
        if off.max(initial=0.0) > error:  # allow an error relative to all derivatives, and that of rounded arguments
            error = 500 * eps * largest(as_vector(exact)) + 50 * self.sensitivity(mode, i, eps)
            verdict = ILL_CONDITIONED if off.max() <= error else WRONG
        worst = int(off.argmax()) if off.size else 0
        analytic, numeric = (float(a[worst]), float(n[worst])) if off.size else (0.0, 0.0)
        name = f"{name} in {own.dtype}"
        return Comparison(self.order, mode, name, None, worst, analytic, numeric, error, verdict, size)


# --- masks ----------------------------------------------------------------------------------------


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
