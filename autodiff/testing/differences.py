"""Numerical derivatives along a line, each with an estimate of its own error.

A function of one number h is evaluated at shrinking steps on both sides of 0. Richardson extrapolation
improves the difference quotients step by step. The disagreement of neighbouring quotients estimates their
error, and for each entry the best quotient is kept. The second difference gives the jump of the slope, so
that a kink is recognised and not mistaken for a wrong rule.

References
----------
L. F. Richardson, "The approximate arithmetical solution by finite differences", 1911;
C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", 1982 (choosing the entry of the
tableau that disagrees least with its neighbours).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Line = Callable[[float], Vector]

DOUBLE = 2.0**-52
"""Relative spacing of double precision, the resolution of most functions that are checked."""

_STEP, _RATIO = 0.12, 0.45  # not 1/2: with halved steps, rounded values can agree by coincidence
_LEVELS, _AT_ONCE = 25, 5  # down to 6e-10, five levels at a time
_SMALL = 1e-290  # steps of this size would hardly move zeros
_SIGNS = np.array([-1.0, 1.0])
_CENTRAL, _ODD, _ONE_SIDED = (2, 4, 6, 8), (1, 3, 5), (1, 2, 3, 4)


class Slope(NamedTuple):
    """The derivative of every entry at h = 0, as far as differences can tell.

    Attributes
    ----------
    value, error : ndarray
        The mean of the slopes on both sides (or the slope on the only side where the function exists), and
        an estimate of its error; the error is infinite where there is no slope.
    jump, jump_error : ndarray
        The slope on the right minus that on the left, and an estimate of its error.
    scale : ndarray
        The magnitude of the function's values, to which round-off is relative.
    runaway : ndarray
        +1 or -1 where the quotients grow without bound with that sign as the step shrinks, else 0.
    right, left, side_error : ndarray
        The one-sided quotients at the smallest step, and the round-off in them.
    jumps : ndarray of bool
        Where the value itself jumps on one side of 0. The slopes are then those of the branches.
    stairs : ndarray of bool
        Where the values change in portions and are constant over the smallest steps: stairs, or a function whose
        digits cancel. The slope may be 0 or that of the large steps.
    """

    value: Vector
    error: Vector
    jump: Vector
    jump_error: Vector
    scale: Vector
    runaway: Vector
    right: Vector
    left: Vector
    side_error: Vector
    jumps: NDArray[np.bool_]
    stairs: NDArray[np.bool_]

    @property
    def kinked(self) -> NDArray[np.bool_]:
        """Where the function jumps, or the two slopes differ by more than the errors explain."""
        size = np.abs(self.value) + np.abs(self.jump)
        return self.jumps | (self.jump_error < np.inf) & (np.abs(self.jump) > 16 * self.jump_error + 1e-7 * size)

    @property
    def bracket(self) -> tuple[Vector, Vector]:
        """The interval between the one-sided slopes, a single point where the function is smooth."""
        half = np.where(self.kinked, np.abs(self.jump) / 2, 0.0)
        run = self.runaway != 0
        low = np.where(run, np.fmin(self.right, self.left) - self.side_error, self.value - half)
        high = np.where(run, np.fmax(self.right, self.left) + self.side_error, self.value + half)
        return np.where(self.stairs, np.fmin(low, 0), low), np.where(self.stairs, np.fmax(high, 0), high)


def slope_along(
    line: Line,
    at_zero: Vector,
    *,
    resolution: float = DOUBLE,
    rounding: Vector | float = 0.0,
    fineness: float = 2 * DOUBLE,
    careful: bool = False,
) -> Slope:
    """The derivative of ``line(h)`` at h = 0.

    Parameters
    ----------
    line : callable
        ``line(h) -> array, (m,)``, of float64. Outside its domain it may give NaN or raise.
    at_zero : ndarray, (m,)
        ``line(0)``.
    resolution : float
        Relative precision of the values.
    rounding : ndarray, (m,), or float
        The error of the values at least, if known. It is larger than `resolution` implies if large terms cancel.
    fineness : float
        The rounding of the points on the line, relative to one step along it.
    careful : bool, default False
        Use all steps, even if fewer seem to be enough. This protects against functions that mislead at
        large steps.

    Returns
    -------
    Slope
    """
    rows: list[tuple[Vector, Vector]] = []
    wanted = _LEVELS if careful else _AT_ONCE
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while True:
            rows += [_both_sides(line, _STEP * _RATIO**k, at_zero) for k in range(len(rows), wanted)]
            slope = _from_samples(rows, at_zero, resolution, rounding, fineness)
            if wanted >= _LEVELS or _is_settled(slope):
                return slope
            wanted += _AT_ONCE


def complex_step(line: Callable[[complex], NDArray[np.complex128]], h: float = 2.0**-100) -> Vector:
    """The derivative at 0 of an analytic function from one evaluation: without a difference, nothing cancels.

    Parameters
    ----------
    line : callable
        ``line(h) -> array, (m,)``, of complex128, for complex h.
    h : float
        The step, so small that the truncation error is below round-off.

    Notes
    -----
    f'(0) = Im f(ih) / h + O(h^2).

    References
    ----------
    W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", 1998.
    """
    with np.errstate(all="ignore"):
        return np.imag(line(1j * h)) / h


def _both_sides(line: Line, h: float, at_zero: Vector) -> tuple[Vector, Vector]:
    return _sample(line, h, at_zero), _sample(line, -h, at_zero)


def _sample(line: Line, h: float, at_zero: Vector) -> Vector:
    try:
        return line(h)
    except (np.linalg.LinAlgError, ValueError, ArithmeticError):
        return np.full_like(at_zero, np.nan)  # outside the domain


def _is_settled(slope: Slope) -> bool:
    """Whether smaller steps are not needed: all errors are small, and there is no kink."""
    known = np.isfinite(slope.scale)
    target = 1e-9 * np.abs(slope.value) + 1e-12 * slope.scale
    return bool(np.all((slope.error <= target) & ~slope.kinked | ~known))


def _from_samples(
    rows: Sequence[tuple[Vector, Vector]],
    at_zero: Vector,
    resolution: float,
    rounding: Vector | float,
    fineness: float,
) -> Slope:
    steps = _STEP * _RATIO ** np.arange(len(rows))[:, None]
    right = np.stack([r for r, _ in rows])
    left = np.stack([r for _, r in rows])
    scale = np.abs(at_zero)
    quotients = (right - left) / (2 * steps)
    varies = np.abs(right - left)
    size = np.fmax(np.fmax(np.abs(right), np.abs(left)), scale)
    portions = _quantum(varies)
    stairs = (portions > 1e3 * resolution * size[-1]) & (varies[-8:] == 0).all(axis=0)
    grain = np.maximum(np.maximum(resolution * size, rounding), portions)
    noise = (grain + fineness * np.abs(quotients)) / steps
    value, error = extrapolate(quotients, noise, _CENTRAL, varies <= 1e-5 * size)
    jump, jump_error = extrapolate((right - 2 * at_zero + left) / steps, 4 * noise, _ODD)
    for side, sign in ((right, 1), (left, -1)):  # at the edge of a domain only one side exists
        missing = ~np.isfinite(error)
        if missing.any():
            of_side = sign * (side - at_zero) / steps
            one, one_error = extrapolate(of_side, 2 * grain / steps, _ONE_SIDED)
            value, error = np.where(missing, one, value), np.where(missing, one_error, error)
            quotients = np.where(missing & np.isfinite(of_side[-1]), of_side, quotients)
    jumps = (_steady(right - at_zero, grain) | _steady(left - at_zero, grain)) & np.isfinite(at_zero)
    if jumps.any():
        (rising, rising_error), (falling, falling_error) = (_branch(right, steps, grain), _branch(left, -steps, grain))
        both, gap = (rising - falling) / 2 + falling, rising - falling
        value, error = np.where(jumps, both, value), np.where(jumps, np.fmax(rising_error, falling_error), error)
        jump, jump_error = np.where(jumps, gap, jump), np.where(jumps, rising_error + falling_error, jump_error)
        quotients = np.where(jumps, both, quotients)
    runaway = _runaway(quotients)
    error = np.maximum(error, _still_falling(quotients))
    # A function that varies as much over the smallest steps as over the largest is resolved by none of them.
    seen = 1e3 * resolution * scale[np.isfinite(scale)].max(initial=0.0)  # less may be the round-off of larger entries
    rough = np.fmax(varies[-1], varies[-2]) >= 0.5 * np.fmax(varies[0], varies[1])
    rough &= np.fmin(varies[-1], varies[-2]) > seen
    if len(rows) == _LEVELS:  # an oscillating function may return to the same value at some steps
        usual = np.median(varies[-8:], axis=0)
        rough |= (usual >= 0.25 * varies[:4].max(axis=0)) & (usual > seen)
    rough &= (runaway == 0) & ~jumps
    error = np.where(rough, np.inf, error)
    return Slope(
        value,
        error,
        jump,
        jump_error,
        np.where(np.isfinite(at_zero), scale, np.inf),
        runaway,
        (right[-1] - at_zero) / steps[-1],
        (at_zero - left[-1]) / steps[-1],
        16 * np.maximum(resolution * size[-1], rounding) / steps[-1],
        jumps,
        stairs,
    )


def _steady(gap: Any, grain: Any) -> NDArray[np.bool_]:
    """Whether the values on one side differ from the value at 0 by the same amount at all small steps: a jump."""
    if len(gap) < _LEVELS:
        return np.zeros(gap.shape[1], bool)
    last = np.abs(gap[-1])
    return (last > 1e3 * grain[-1]) & (np.abs(gap[-8:] - gap[-1]) <= 1e-3 * last).all(axis=0)


def _branch(side: Any, steps: Any, grain: Any) -> tuple[Vector, Vector]:
    """The slope at 0 of the branch on one side, without using the value at 0, and an estimate of its error."""
    between = steps[:-1] - steps[1:]
    return extrapolate((side[:-1] - side[1:]) / between, 2 * grain[1:] / np.abs(between), _ONE_SIDED)


def _quantum(varies: Vector) -> Vector:
    """The portion in which values change: the smallest difference seen, if the finest step sees none; else 0."""
    seen = np.where(varies > 0, varies, np.inf).min(axis=0)
    ends_flat = (varies[-1] == 0) & (seen < np.inf)
    return np.where(ends_flat, seen, 0.0)


def extrapolate(
    values: Vector, noise: Vector, powers: Sequence[int], doubtful: NDArray[np.bool_] | None = None
) -> tuple[Vector, Vector]:
    """The limit of a sequence at shrinking steps, and an estimate of its error.

    Parameters
    ----------
    values : ndarray, (levels, m)
        The values at the steps h, 0.45 h, 0.45^2 h, ...
    noise : ndarray, (levels, m)
        The round-off in each value.
    powers : sequence of int
        The powers of h in the expansion of the error, which are eliminated one after another.
    doubtful : ndarray of bool, (levels, m), optional
        Where the values vary so little that it may be round-off only. If the best entry disagrees with the entries
        from there, the disagreement counts as its error.

    Returns
    -------
    limit, error : ndarray, (m,)
        The entry of the tableau that agrees best with its neighbours, and its disagreement with the worst
        of them; NaN and infinity where no entry is finite.

    Examples
    --------
    >>> import numpy as np
    >>> h = 0.45 ** np.arange(3, 9)[:, None]
    >>> limit, error = extrapolate(np.sinh(h) / h, 1e-16 / h, (2, 4))  # 1 + h^2 / 6 + ...
    >>> bool(abs(limit[0] - 1) < error[0] < 1e-9)
    True
    """
    candidates, errors = [], []
    table = values
    for column, power in enumerate(powers):
        coarse, fine = table[:-1], table[1:]
        better = fine + (fine - coarse) / (_RATIO**-power - 1)
        doubt = np.fmax(np.abs(better - fine), np.abs(better - coarse)) + noise[column + 1 :]
        if len(better) < 2:
            break
        doubt[1:] = np.maximum(doubt[1:], np.abs(better[1:] - better[:-1]))
        # Among many noisy entries some agree by chance, so the next finer step must agree as well.
        doubt = np.maximum(doubt[:-1], doubt[1:])
        candidates.append(better[:-1])
        errors.append(np.where(np.isfinite(doubt), doubt, np.inf))
        table = better
    every, doubts = np.concatenate(candidates), np.concatenate(errors)
    best = doubts.argmin(axis=0)[None]
    limit = np.take_along_axis(every, best, 0)[0]
    error = np.take_along_axis(doubts, best, 0)[0]
    if doubtful is not None and doubtful.any():
        suspects = np.concatenate([doubtful[c + 1 :][: len(t)] for c, t in enumerate(candidates)])
        apart = np.abs(every - limit) - 4 * doubts
        error = np.maximum(error, np.where(suspects & np.isfinite(apart), apart, 0.0).max(axis=0))
    return np.where(np.isfinite(error), limit, np.nan), error


def _still_falling(quotients: Vector) -> Vector:
    """The remaining distance to 0 where the quotients shrink towards 0 by about the same factor at each step; else 0.

    An example is x^1.5 at 0, whose expansion has no integer powers: there the extrapolation underestimates its error.
    """
    tail = quotients[-8:]
    shrink = tail[1:] / tail[:-1]
    steady = ((shrink > 0.02) & (shrink < 0.98)).all(axis=0)
    return np.where(steady & np.isfinite(tail[-1]), np.abs(tail[-1]) / (1 - np.minimum(shrink.max(axis=0), 0.98)), 0.0)


def _runaway(quotients: Vector) -> Vector:
    """The sign of the quotients where they grow at every one of the smallest steps, else 0."""
    tail = quotients[-8:]
    growth = tail[1:] / tail[:-1]
    steady = (growth > 1.02).all(axis=0) & (np.abs(tail[-1]) > 4 * np.abs(quotients[0]))
    return np.where(steady & np.isfinite(tail[-1]), np.sign(tail[-1]), 0.0)


def direction(x: NDArray[Any], rng: np.random.Generator, where: NDArray[np.bool_] | None = None) -> NDArray[Any]:
    """A random direction in which to move `x`: no entry is small, and each is proportional to the entry it moves.

    Parameters
    ----------
    x : ndarray of float64 or complex128
        The point.
    rng : numpy.random.Generator
        The source of random numbers.
    where : ndarray of bool, optional
        The entries to move; all others get 0.

    Returns
    -------
    ndarray
        With the shape and dtype of `x`; 0 where `x` is not finite.
    """
    alive = np.isfinite(x) if where is None else np.isfinite(x) & where
    size = np.where(alive, np.abs(x), 0.0)
    largest = size.max(initial=0.0)
    size = np.maximum(size, largest * 2.0**-10) if largest > 0 else np.ones_like(size)
    v = _unit(x.shape, rng) * size
    if x.dtype.kind == "c":
        v = v + 1j * (_unit(x.shape, rng) * size)
    return np.where(alive, v, 0).astype(x.dtype)


def of_one_magnitude(x: NDArray[Any], where: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The chosen entries in groups of similar magnitude: next to others 10^8 times as large an entry would not show."""
    size = np.where(where, np.abs(x), 0.0)
    largest = size.max(initial=0.0)
    if not largest:
        return [where]
    with np.errstate(divide="ignore"):
        rest = 0 if largest > _SMALL else -1  # zeros move together with the largest, unless its steps are tiny
        group = np.where(size > 0, np.floor(np.log2(largest / size) / 26), rest)
    return [where & (group == g) for g in np.unique(group[where])]


def _unit(shape: tuple[int, ...], rng: np.random.Generator) -> Vector:
    """Random numbers of either sign with magnitudes between 1/2 and 1."""
    return rng.uniform(0.5, 1.0, shape) * _SIGNS[rng.integers(0, 2, shape)]
