"""Line searches: how far to go along a descent direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

Evaluate = Callable[[float], tuple[float, float]]


class LineSearchResult(NamedTuple):
    """The result of a line search.

    Attributes
    ----------
    step : float
        0 if no step was found that lowers the function.
    value : float
        The function at the step.
    slope : float
        Its derivative along the direction at the step.
    evaluations : int
    converged : bool
        Whether both Wolfe conditions hold. If not, the step is the best one found.

    Examples
    --------
    >>> from autodiff.solvers import strong_wolfe
    >>> found = strong_wolfe(lambda a: ((a - 3.0) ** 2, 2 * (a - 3.0)), 9.0, -6.0, c2=0.1)
    >>> found.converged, found.value < 9.0
    (True, True)
    """

    step: float
    value: float
    slope: float
    evaluations: int
    converged: bool


def strong_wolfe(
    phi: Evaluate,
    value: float,
    slope: float,
    first: float = 1.0,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    max_step: float = 1e20,
    max_evaluations: int = 25,
    slack: float = 0.0,
) -> LineSearchResult:
    """A step that meets the strong Wolfe conditions: it lowers the function and reduces the slope sufficiently.

    Parameters
    ----------
    phi : callable
        ``step -> (value, slope)`` along the direction. Values that are not finite count as infinitely high.
    value, slope : float
        Value and slope at step 0; the slope must be negative.
    first : float, default 1.0
        The step tried first.
    c1, c2 : float, default 1e-4 and 0.9
        The constants of the two conditions.
    max_step : float, default 1e20
        The longest step that is tried.
    max_evaluations : int, default 25
        The largest number of evaluations of `phi`.
    slack : float, default 0.0
        The rounding error of a value, by which the first condition is relaxed.

    Returns
    -------
    LineSearchResult

    Notes
    -----
    The conditions are ``phi(a) <= phi(0) + c1 a phi'(0)`` and ``|phi'(a)| <= c2 |phi'(0)|``.

    References
    ----------
    J. Moré, D. Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM Trans. Math. Softw. 20
    (1994), the algorithm of section 2 with the trial values of section 4.

    Examples
    --------
    >>> from autodiff.solvers import strong_wolfe
    >>> found = strong_wolfe(lambda a: ((a - 3.0) ** 2, 2 * (a - 3.0)), 9.0, -6.0, c2=0.1)
    >>> found.converged, abs(found.step - 3.0) < 0.3
    (True, True)
    """
    if not slope < 0.0:
        return LineSearchResult(0.0, value, slope, 0, False)
    goal = c1 * slope
    low, f_low, d_low = 0.0, value, slope  # the best end of the interval
    high, f_high, d_high = 0.0, value, slope  # the other end
    bracketed, first_stage = False, True
    width = before = 2.0 * max_step
    smallest, largest = 0.0, 5.0 * first
    a = min(first, max_step)
    best = LineSearchResult(0.0, value, slope, 0, False)
    k = 0
    while k < max_evaluations:
        f, d = phi(a)
        k += 1
        if not (math.isfinite(f) and math.isfinite(d)):  # too far: go back towards the best step
            if not bracketed:
                smallest, largest, max_step = low, a, min(a, max_step)
            a, failed = low + (0.5 if bracketed else 0.2) * (a - low), a
            if a in (low, failed):
                break
            continue
        enough = value + a * goal + slack
        if f < best.value or (best.step == 0.0 and f <= enough):
            best = LineSearchResult(a, f, d, k, False)
        if f <= enough and abs(d) <= -c2 * slope:
            return LineSearchResult(a, f, d, k, True)
        if a >= max_step and f <= enough and d <= goal:
            break
        if bracketed and abs(high - low) <= 4e-16 * max(high, low):
            break
        if first_stage and f <= enough and d >= min(c1, c2) * slope:
            first_stage = False
        if first_stage and f <= f_low and f > enough:  # use the function minus its required decrease
            a, ends, bracketed = _trial(
                (low, f_low - low * goal, d_low - goal),
                (high, f_high - high * goal, d_high - goal),
                (a, f - a * goal, d - goal),
                bracketed,
                smallest,
                largest,
            )
            (low, f_low, d_low), (high, f_high, d_high) = ((s, v + s * goal, c + goal) for s, v, c in ends)
        else:
            a, ends, bracketed = _trial(
                (low, f_low, d_low), (high, f_high, d_high), (a, f, d), bracketed, smallest, largest
            )
            (low, f_low, d_low), (high, f_high, d_high) = ends
        if bracketed:
            if abs(high - low) >= 0.66 * before:
                a = low + 0.5 * (high - low)
            before, width = width, abs(high - low)
            smallest, largest = min(low, high), max(low, high)
        else:
            smallest, largest = a + 1.1 * (a - low), a + 4.0 * (a - low)
        a = min(max(a, 0.0), max_step)
        if bracketed and (a <= smallest or a >= largest):
            a = low
            if a in (0.0, best.step):
                break
    return best._replace(evaluations=k)


End = tuple[float, float, float]


def _trial(
    x: End, y: End, t: End, bracketed: bool, smallest: float, largest: float
) -> tuple[float, tuple[End, End], bool]:
    """The next trial and the interval around it, by the four cases of section 4. An end is (step, value, slope)."""
    (ax, fx, dx), (ay, fy, dy), (a, f, d) = x, y, t
    opposite = d * math.copysign(1.0, dx) < 0.0
    if f > fx:  # higher: a minimum between x and a
        theta = 3.0 * (fx - f) / (a - ax) + dx + d
        gamma = math.copysign(_root(theta, dx, d), a - ax)
        r = ((gamma - dx) + theta) / (((gamma - dx) + gamma) + d)
        cubic = ax + r * (a - ax)
        quadratic = ax + ((dx / ((fx - f) / (a - ax) + dx)) / 2.0) * (a - ax)
        new = cubic if abs(cubic - ax) <= abs(quadratic - ax) else cubic + (quadratic - cubic) / 2.0
        bracketed = True
    elif opposite:  # lower, past a minimum
        theta = 3.0 * (fx - f) / (a - ax) + dx + d
        gamma = math.copysign(_root(theta, dx, d), ax - a)
        r = ((gamma - d) + theta) / (((gamma - d) + gamma) + dx)
        cubic = a + r * (ax - a)
        secant = a + (d / (d - dx)) * (ax - a)
        new = cubic if abs(cubic - a) > abs(secant - a) else secant
        bracketed = True
    elif abs(d) < abs(dx):  # lower and flatter: the minimum lies beyond, if the cubic has one there
        theta = 3.0 * (fx - f) / (a - ax) + dx + d
        gamma = math.copysign(_root(theta, dx, d, clipped=True), ax - a)
        r = ((gamma - d) + theta) / ((gamma + (dx - d)) + gamma)
        if r < 0.0 and gamma != 0.0:
            cubic = a + r * (ax - a)
        else:
            cubic = largest if a > ax else smallest
        secant = a + (d / (d - dx)) * (ax - a)
        if bracketed:
            new = cubic if abs(cubic - a) < abs(secant - a) else secant
            limit = a + 0.66 * (ay - a)
            new = min(limit, new) if a > ax else max(limit, new)
        else:
            new = cubic if abs(cubic - a) > abs(secant - a) else secant
            new = max(smallest, min(largest, new))
    elif bracketed:  # lower and as steep: between a and y
        theta = 3.0 * (f - fy) / (ay - a) + dy + d
        gamma = math.copysign(_root(theta, dy, d), ay - a)
        r = ((gamma - d) + theta) / (((gamma - d) + gamma) + dy)
        new = a + r * (ay - a)
    else:
        new = largest if a > ax else smallest
    if f > fx:
        ends = (x, t)
    else:
        ends = (t, x if opposite else y)
    return new, ends, bracketed


def _root(theta: float, d1: float, d2: float, *, clipped: bool = False) -> float:
    """``sqrt(theta^2 - d1 d2)`` without overflow."""
    s = max(abs(theta), abs(d1), abs(d2))
    if s == 0.0:
        return 0.0
    inside = (theta / s) ** 2 - (d1 / s) * (d2 / s)
    return s * math.sqrt(max(0.0, inside) if clipped else abs(inside))


def backtracking(
    phi: Callable[[float], float],
    value: float,
    decrease: Callable[[float], float],
    first: float = 1.0,
    *,
    c1: float = 1e-4,
    shrink: float = 0.5,
    max_evaluations: int = 40,
    slack: float = 0.0,
) -> tuple[float, float, int]:
    """The first of ``first, first * shrink, ...`` that lowers the function enough (Armijo's condition).

    Parameters
    ----------
    phi : callable
        ``step -> value``.
    value : float
        The value at step 0.
    decrease : callable
        ``step -> d``, the first-order decrease, of which a fraction `c1` is required. On a curved path, such as a
        projection, it is not proportional to the step.
    first : float, default 1.0
        The step tried first.
    c1 : float, default 1e-4
        A step a must meet ``phi(a) <= phi(0) - c1 decrease(a)``.
    shrink : float, default 0.5
        The ratio of successive steps.
    max_evaluations : int, default 40
        The largest number of steps that are tried.
    slack : float, default 0.0
        The rounding error of a value, by which the condition is relaxed.

    Returns
    -------
    step, value, evaluations
        Step 0 if none was found.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), algorithm 3.1; D. Bertsekas, "Projected
    Newton methods for optimization problems with simple constraints", SIAM J. Control Optim. 20 (1982), equation 36.

    Examples
    --------
    >>> from autodiff.solvers import backtracking
    >>> backtracking(lambda a: (a - 1.0) ** 2, 1.0, lambda a: 2 * a, first=4.0)
    (1.0, 0.0, 3)
    """
    a = first
    for k in range(1, max_evaluations + 1):
        f = phi(a)
        if f <= value - c1 * decrease(a) + slack:  # false if f is NaN
            return a, f, k
        a *= shrink
    return 0.0, value, max_evaluations
