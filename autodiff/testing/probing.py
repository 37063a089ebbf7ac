"""The derivative along one direction: by differences, by each sweep, and whether the two agree.

A derivative that looks wrong is checked again with all steps, and then for what else may explain the difference.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.core.switches import watching
from autodiff.core.tape import Node, Watcher
from autodiff.testing.differences import DOUBLE, Slope, Vector, complex_step, direction, slope_along
from autodiff.testing.judging import SEVERITY, TRUST, Judged, Terms, judge
from autodiff.testing.problems import Problem, as_vector, resolution_of, widened, without_infinities
from autodiff.testing.report import ILL_CONDITIONED, MATCH, WRONG, Comparison
from autodiff.transforms.first_order import linearize, vjp
from autodiff.typing import Array

Mask = NDArray[np.bool_]

_ROUNDING = 1e-12  # round-off of many terms together, relative to the derivative along a direction
_RESULTS = 100  # how many results are searched for one that is wrong by itself
_BOTH_WAYS = 2.0  # in place of a sign: some results run away upwards, others downwards
_COARSE = 1e-4  # relative rounding of the steps from which differences are meaningless
_FAR = 1e5  # magnitude from which the smallest steps are no longer small compared with 1
_ARRAYS = (np.ndarray, np.generic)


@dataclass(frozen=True)
class Settings:
    """The settings of a check.

    Attributes
    ----------
    modes : tuple of str
        ``"reverse"``, ``"forward"`` or both.
    rtol, atol : float
        Allowed difference: ``atol + rtol * |derivative|``.
    complex_step : bool or None
        Whether the function takes complex numbers and is analytic there. None: try it where differences
        cannot decide.
    narrow : bool
        Whether to look for the entry that is to blame.
    full : bool
        Whether to check every entry by itself, after the random directions.
    """

    modes: tuple[str, ...]
    rtol: float
    atol: float
    complex_step: bool | None = None
    narrow: bool = True
    full: bool = False


class Probe(NamedTuple):
    """The result for one direction: one comparison for each mode."""

    comparisons: list[Comparison]

    @property
    def verdict(self) -> str:
        """The worst verdict of the comparisons."""
        return max((c.verdict for c in self.comparisons), key=SEVERITY.index, default=MATCH)

    @property
    def doubt(self) -> float:
        """The largest difference of the two derivatives, in units of what the estimated errors explain."""
        explained = [TRUST * c.error + _ROUNDING * abs(c.analytic) for c in self.comparisons]
        off = [abs(c.analytic - c.numeric) for c in self.comparisons]
        return max((o / e for o, e in zip(off, explained, strict=True) if 0 < e < np.inf), default=0.0)


class Prober:
    """The first derivatives of a problem along directions, by differences and by the sweeps.

    Parameters
    ----------
    problem : Problem
        The function to differentiate.
    order : int
        The order to note in the comparisons.
    settings : Settings
        The settings of the check.
    rng : numpy.random.Generator
        The source of directions and cotangents.

    Attributes
    ----------
    cts : list of ndarray
        The cotangents used.
    left_out : int
        How many results are not finite and were left out.
    """

    def __init__(self, problem: Problem, order: int, settings: Settings, rng: np.random.Generator) -> None:
        self.given, self.order, self.settings, self.rng = problem.leaves, order, settings, rng
        wide = problem.at(widened(problem.leaves))
        with np.errstate(all="ignore"):
            results = wide.call(*wide.leaves)
        self.problem, self.left_out = without_infinities(wide, results)
        if self.left_out:
            results = self.problem.call(*wide.leaves)
        self.at_zero = as_vector(results)
        self.resolution = max(resolution_of(results), DOUBLE)
        y, self.pullback = vjp(self.problem.call, *self.problem.leaves)
        self.cts = [direction(np.ones(np.shape(v), np.result_type(v.dtype, np.float64)), rng) for v in y]
        self.ct = as_vector(self.cts)
        self.all_real = all(x.dtype.kind == "f" for x in (*self.problem.leaves, *self.cts))
        self.gradients = self.pullback(list(self.cts)) if "reverse" in settings.modes else None
        self._pushforwards: dict[int, Any] = {}
        self._rounding: Vector | None = None
        self._is_near = False

    def probe(self, i: int, where: Mask, *, careful: bool = False) -> Probe:
        """The derivative along a random direction of the chosen entries, by differences and by each mode."""
        x = self.problem.leaves[i]
        v = direction(np.asarray(x), self.rng, where)
        slope = self.slope(i, v, careful)
        index = tuple(int(n) for n in np.argwhere(where)[0]) if np.count_nonzero(where) == 1 else None
        comparisons = []
        size = float(v[where][0]) if index is not None and x.dtype.kind == "f" else 1.0
        for mode in self.settings.modes:
            if not self.at_zero.size:
                continue
            if mode == "forward":
                judged = self._forward(i, v, where, slope)
                output = judged.worst if self.at_zero.size > 1 else None
            else:
                judged, output = self._reverse(i, v, slope, self.ct, self.gradients), None
                if index is not None and (judged.verdict == WRONG or self.at_zero.size == 1):
                    judged, output = self._reverse_by_result(i, v, slope, judged)
            comparisons.append(self._comparison(i, mode, index, output, judged, size))
        return Probe(comparisons)

    def careful(self, i: int, where: Mask) -> Probe:
        """Check with all steps. If it still looks wrong, see whether rounding in function or arguments explains it."""
        probe = self.probe(i, where, careful=True)
        if probe.verdict == WRONG and self._rounding is None:
            self._rounding = self._roundings()
            probe = self.probe(i, where, careful=True)
        if probe.verdict == WRONG and (self._is_rounding(i, probe) or self._is_too_far(i, where, probe)):
            return Probe([with_verdict(c, ILL_CONDITIONED) if c.verdict == WRONG else c for c in probe.comparisons])
        return probe

    def _is_too_far(self, i: int, where: Mask, probe: Probe) -> bool:
        """Whether entries are so large that proportional steps miss all detail on the scale of 1.

        Beyond 2^53 every number is even: `floor` looks like the identity, and `sin(pi x)` like 0. So the entries are
        checked again nearer to 0, and a rule that is right there is not called wrong here.
        """
        if self._is_near or not all(np.isfinite(c.analytic) for c in probe.comparisons):
            return False
        near = list(self.problem.leaves)
        far = [np.isfinite(x) & (np.abs(x) > _FAR) for x in near]
        if not far[i][where].any():
            return False
        for k, x in enumerate(near):
            near[k] = np.where(far[k], np.sign(x) * self.rng.uniform(0.5, 2.0, np.shape(x)), x)[()]
        closer = Prober(self.problem.at(near), self.order, self.settings, self.rng)
        closer._is_near = True
        return closer.careful(i, where).verdict != WRONG

    def _is_rounding(self, i: int, probe: Probe) -> bool:
        """Whether the derivatives change by as much, and smoothly, when the arguments are rounded differently.

        An example is the cofactor of a singular matrix: its differences are exactly 0, its rule is right to 1e-17.
        """
        off = max(abs(c.analytic - c.numeric) for c in probe.comparisons if c.verdict == WRONG)
        near, far = (self.sensitivity("reverse", i, step * DOUBLE) for step in (2, 2**14))
        return off <= 4 * near < far / 100

    def _roundings(self) -> Vector:
        """The error of each result at least: the rounding of every intermediate value times its cotangent.

        A value may be small because large terms cancel, and then its size does not show its error: in -1 + 1e-17 + 1
        the middle term is lost. This is the first-order analysis of rounding errors, made by a reverse sweep.
        """
        pullback = vjp(self.problem.call, *self.problem.leaves)[1]
        many = self.at_zero.size > _RESULTS  # then each gets the error of all together
        found = np.zeros_like(self.at_zero)
        for ct in [np.ones_like(found)] if many else np.eye(found.size):
            watch = _Rounding()
            with watching(watch), np.errstate(all="ignore"):
                gradients = pullback(_like(ct, self.cts))
                for x, g in zip(self.problem.leaves, gradients, strict=True):
                    watch.add(x, g)
            found += watch.total if many else watch.total * ct
        return self.resolution * found

    def sensitivity(self, mode: str, i: int, eps: float) -> float:
        """How much a derivative changes when arguments and results change by a rounding of relative size `eps`."""
        moved = [x * (1 + eps * self.rng.choice([-1.0, 1.0], np.shape(x))) for x in self.problem.leaves]
        found = []
        for leaves in (self.problem.leaves, moved):
            if mode == "reverse":
                found.append(as_vector([vjp(self.problem.call, *leaves)[1](list(self.cts))[i]]))
            else:
                ts = [np.ones(np.shape(x), x.dtype)[()] for x in leaves]
                found.append(as_vector([linearize(self.problem.call, *leaves)[1](*ts)[i]]))
        with np.errstate(all="ignore"):
            lost = largest(self.problem.value(self.given) - self.at_zero)  # digits that cancel inside the function
            step = min([np.abs(x[x != 0]).min(initial=1.0) for x in map(np.asarray, self.problem.leaves)], default=1.0)
        return largest(found[1] - found[0]) + float(lost / step)

    # --- the two derivatives ---

    def slope(self, i: int, v: Array, careful: bool) -> Slope:
        """The derivative along `v` by differences, or by a complex step where that is better."""
        leaves = list(self.problem.leaves)
        x = leaves[i]

        def line(h: Any) -> Any:
            leaves[i] = x + h * v
            return self.problem.value(leaves)

        def complex_line(h: complex) -> Any:
            leaves[i] = x + h * v
            values = self.problem.call(*leaves)
            return np.concatenate([np.asarray(y, dtype=np.complex128).reshape(-1) for y in values])

        real = self.order == 1 and self.all_real
        if self.settings.complex_step and real:
            return _exact(complex_step(complex_line), self.at_zero, self.resolution)
        fineness = _fineness(x, v)
        slope = slope_along(
            line,
            self.at_zero,
            resolution=self.resolution,
            rounding=0.0 if self._rounding is None else self._rounding,
            fineness=max(2 * DOUBLE, fineness),
            careful=careful,
        )
        if fineness > _COARSE:
            unknown = np.full_like(slope.error, np.inf)
            return slope._replace(error=unknown, scale=unknown)
        if careful and real and self.settings.complex_step is None:
            slope = _sharpened(slope, complex_line, self.resolution)
        return slope

    def _reverse_by_result(self, i: int, v: Array, slope: Slope, whole: Judged) -> tuple[Judged, int | None]:
        """For the message: find the single result whose derivative is wrong, in place of a combination of all."""
        for k in range(min(self.at_zero.size, _RESULTS)):
            ct = np.zeros_like(self.ct)
            ct[k] = 1.0
            parts = _like(ct, self.cts)
            judged = self._reverse(i, v, slope, ct, self.pullback(parts))
            if judged.verdict == whole.verdict:
                return judged, k if self.at_zero.size > 1 else None
        return whole, None

    def _reverse(self, i: int, v: Array, slope: Slope, ct: Vector, gradients: Any) -> Judged:
        """Compare <J'ct, v> with <ct, J v>."""
        g, along = as_vector([gradients[i]]), as_vector([v])
        taken = along != 0
        analytic = np.array([g[taken] @ along[taken]])
        low, high = slope.bracket
        flat = slope.runaway != 0
        with np.errstate(all="ignore"):
            runs = np.sign(ct * slope.runaway)[flat]
            runaway = 0.0 if not runs.size else runs[0] if (runs == runs[0]).all() else _BOTH_WAYS
            size = np.nan_to_num(np.abs(ct) @ np.abs(slope.value) + np.abs(g[taken]) @ np.abs(along[taken]), posinf=0.0)
            terms = Terms(
                numeric=np.array([ct @ slope.value]),
                error=np.array([np.abs(ct) @ slope.error + 16 * DOUBLE * size]),
                low=np.array([np.minimum(ct * low, ct * high).sum()]),
                high=np.array([np.maximum(ct * low, ct * high).sum()]),
                scale=np.array([np.abs(ct) @ slope.scale]),
                kinked=np.array([slope.kinked.any()]),
                runaway=np.array([runaway]),
                stairs=np.array([slope.stairs.any()]),
            )
        return judge(analytic, terms, v, rtol=self.settings.rtol, atol=self.settings.atol)

    def _forward(self, i: int, v: Array, where: Mask, slope: Slope) -> Judged:
        """Compare J v, entry by entry."""
        pushforward = self._pushforward(i, where)
        with np.errstate(all="ignore"):
            unit = unit_of(v)  # tangents of large numbers might overflow
            analytic = as_vector(pushforward((v / unit)[()])) * unit
            low, high = slope.bracket
            error = slope.error + 4 * DOUBLE * np.abs(slope.value)
        terms = Terms(slope.value, error, low, high, slope.scale, slope.kinked, slope.runaway, slope.stairs)
        return judge(analytic, terms, v, rtol=self.settings.rtol, atol=self.settings.atol)

    def _pushforward(self, i: int, where: Mask) -> Any:
        """The map from tangents of one leaf to those of the results.

        Entries that do not move are masked, since a tangent of 0 times an infinite slope would be NaN.
        """
        before, behind = self.problem.leaves[:i], self.problem.leaves[i + 1 :]
        x = self.problem.leaves[i]
        if where.all() or where.ndim == 0:
            if i not in self._pushforwards:
                self._pushforwards[i] = linearize(lambda z: self.problem.call(*before, z, *behind), x)[1]
            return self._pushforwards[i]
        return linearize(lambda z: self.problem.call(*before, np.where(where, z, x), *behind), x)[1]

    def _comparison(self, i: int, mode: str, index: Any, output: Any, judged: Judged, size: float) -> Comparison:
        _, verdict, analytic, numeric, error, low, high, scale = judged
        # for a single entry, report the derivative itself, not that along a direction of length `size`
        sides = (low / size, high / size) if low < high else None
        return Comparison(
            self.order,
            mode,
            self.problem.names[i],
            index,
            output,
            analytic / size,
            numeric / size,
            error / abs(size),
            verdict,
            scale / abs(size),
            sides,
        )


class _Rounding(Watcher):
    """Sums, over a reverse sweep, the magnitudes of all values times those of their cotangents."""

    def __init__(self) -> None:
        self.total = 0.0

    def add(self, value: Any, ct: Any) -> None:
        """Add one value and its cotangent. The results of an operation with several are nodes of their own."""
        terms = np.abs(as_vector([value])) * np.abs(as_vector([ct])) if isinstance(value, _ARRAYS) else np.zeros(0)
        self.total += float(terms[np.isfinite(terms)].sum())

    def swept(
        self, nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
    ) -> Iterator[Node]:
        """Add the cotangent of each node before it is pulled back."""
        for node in nodes:
            if node in values:
                self.add(node.output, values[node])
            yield node


# --- numbers --------------------------------------------------------------------------------------


def unit_of(v: Array) -> float:
    """A power of 2 near the largest magnitude: dividing by it rounds nothing."""
    largest = float(np.abs(v).astype(float).max(initial=0.0))
    return 2.0 ** np.floor(np.log2(largest)) if 0.0 < largest < np.inf else 1.0


def _fineness(x: Any, v: Array) -> float:
    """The rounding of the points along `v`, relative to one step. It is large only for subnormal numbers."""
    parts = [(x.real, v.real), (x.imag, v.imag)] if v.dtype.kind == "c" else [(x, v)]
    with np.errstate(all="ignore"):
        shares = [np.where(step != 0, np.spacing(np.abs(at)) / np.abs(step), 0.0) for at, step in parts]
    return max(largest(np.asarray(share)) for share in shares)


def _exact(value: Vector, at_zero: Vector, resolution: float) -> Slope:
    """A slope that is known to round-off."""
    zero = np.zeros_like(value)
    error = 16 * resolution * np.abs(value)
    return Slope(
        value, error, zero, zero, np.abs(at_zero), zero, value, value, zero, *np.zeros((2, *value.shape), bool)
    )


def _sharpened(slope: Slope, line: Any, resolution: float) -> Slope:
    """The slope by a complex step, for entries where it is more accurate than differences and agrees with them.

    Three tests keep it from being used for functions that are not analytic. `abs` or a comparison gives a slope that
    does not agree with differences. x^1.5 at 0, analytic only next to the point, gives another slope for a larger
    step. And a maximum of equal numbers, which NumPy orders by imaginary parts, gives another slope for a step of the
    opposite sign.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exact, larger, mirrored = (complex_step(line, h) for h in (2.0**-100, 2.0**-80, -(2.0**-100)))
    except Exception:  # the function does not take complex numbers
        return slope
    if not exact.shape == larger.shape == mirrored.shape == slope.value.shape:
        return slope
    # Round-off, also in terms that cancel: the error is at least 1e-15 of the slope and of the differences' error.
    error = 16 * resolution * np.maximum(np.maximum(np.abs(exact), np.abs(slope.value)), slope.error)
    better = np.isfinite(exact) & (np.abs(exact - slope.value) <= TRUST * slope.error) & (error < slope.error)
    better &= (np.abs(exact - larger) <= error) & (np.abs(exact - mirrored) <= error)
    better &= np.isfinite(slope.error) & ~slope.kinked & (slope.runaway == 0)
    return slope._replace(value=np.where(better, exact, slope.value), error=np.where(better, error, slope.error))


def _like(vector: Vector, arrays: Sequence[Array]) -> list[Array]:
    """The inverse of `as_vector`: the vector cut into arrays of the same shapes and dtypes as `arrays`."""
    parts, start = [], 0
    for a in arrays:
        stop = start + np.size(a) * (2 if a.dtype.kind == "c" else 1)
        part = vector[start:stop].view(a.dtype if a.dtype.kind == "c" else np.float64)
        parts.append(part.reshape(np.shape(a)).astype(a.dtype)[()])
        start = stop
    return parts


def with_verdict(c: Comparison, verdict: str) -> Comparison:
    """The same comparison, judged anew."""
    return dataclasses.replace(c, verdict=verdict)


def largest(values: Vector) -> float:
    """The largest finite magnitude, 0 if there is none."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
