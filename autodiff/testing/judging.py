"""The verdict on two derivatives, one by a rule and one by differences: match, kink, ill-conditioned or wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.testing.differences import Vector
from autodiff.testing.report import ILL_CONDITIONED, KINK, MATCH, WRONG
from autodiff.typing import Array

SEVERITY = (MATCH, KINK, ILL_CONDITIONED, WRONG)
TRUST = 8.0  # the error of a difference may be this many times its estimate


class Terms(NamedTuple):
    """The result of differences, entry by entry."""

    numeric: Vector
    error: Vector
    low: Vector
    high: Vector
    scale: Vector
    kinked: Any
    runaway: Vector
    stairs: Any


class Judged(NamedTuple):
    """The worst entry: its index, verdict, both derivatives, error and bracket of the numeric one, the scale."""

    worst: int
    verdict: str
    analytic: float
    numeric: float
    error: float
    low: float
    high: float
    scale: float


def _reach(v: Array) -> tuple[float, float]:
    """The smallest and the largest magnitude in a direction, zeros apart."""
    size = np.abs(v[v != 0])
    return float(size.min(initial=np.inf)), float(size.max(initial=0.0))


def judge(analytic: Vector, terms: Terms, v: Array, *, rtol: float, atol: float) -> Judged:
    """The verdict on the worst entry of a derivative along `v`."""
    numeric, error, low, high, scale, kinked, runaway, _ = terms
    with np.errstate(all="ignore"):
        off = np.abs(analytic - numeric)
        size = np.fmax(np.abs(analytic), np.abs(numeric))
        close = off <= atol + rtol * size
        known = np.isfinite(analytic) & np.isfinite(scale) & np.isfinite(numeric) & np.isfinite(error)
        if (close & known & ~kinked & (runaway == 0)).all():  # as nearly always
            verdict = np.zeros(np.shape(off), int)
        else:
            verdict = _verdicts(analytic, terms, off, size, close, _reach(v), rtol)
    off = np.where(np.isfinite(off), off, np.inf)
    worst = int(np.lexsort((off, verdict))[-1])
    numbers = (float(a[worst]) for a in (analytic, numeric, error, low, high, scale))
    return Judged(worst, SEVERITY[int(verdict[worst])], *numbers)


def _verdicts(
    analytic: Vector,
    terms: Terms,
    off: Vector,
    size: Vector,
    close: NDArray[np.bool_],
    reach: tuple[float, float],
    rtol: float,
) -> NDArray[np.int_]:
    """The verdict on each entry, as a place in `SEVERITY`."""
    numeric, error, low, high, scale, kinked, runaway, stairs = terms
    smallest, largest = reach
    slack = TRUST * error
    overflows = np.abs(numeric) / smallest > 1e300  # the derivative itself overflows
    vanishes = np.isfinite(analytic) & (size / largest < 1e-300)
    explained = off <= slack
    sharp = error <= rtol * (scale + size)
    inside = (analytic >= low - slack) & (analytic <= high + slack)
    between = (analytic >= low) & (analytic <= high)
    beyond = np.abs(analytic) > np.fmax(np.abs(low), np.abs(high))  # steeper than even the smallest step can show
    beyond &= (np.sign(analytic) == runaway) | ((low < 0) & (high > 0))
    return np.select(
        [
            ~np.isfinite(scale),  # the function itself is not finite here
            ~np.isfinite(analytic) & overflows,
            vanishes & ~kinked & (runaway == 0),
            ~np.isfinite(analytic) & np.where(np.isinf(analytic), runaway == np.sign(analytic), False),
            np.isnan(analytic) & (runaway != 0),  # NaN is acceptable where there is no finite derivative
            ~np.isfinite(analytic),
            (runaway != 0) & between,
            (runaway != 0) & beyond,
            (runaway != 0) & np.isfinite(analytic),
            ~np.isfinite(numeric) | ~np.isfinite(error),
            kinked & inside,
            close,
            explained & sharp & ~kinked,
            explained,
            stairs & inside,
        ],
        [2, 2, 0, 0, 2, 3, 1, 2, 3, 2, 1, 0, 0, 2, 2],
        default=3,
    )
