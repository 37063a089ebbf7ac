"""The 18 problems of unconstrained minimisation of Moré, Garbow and Hillstrom.

Each is a sum of squares of residuals, with its published starting point. The list and the numbers of the functions are
from section 3 of J. Moré, B. Garbow, K. Hillstrom, "Testing unconstrained optimization software", ACM Trans. Math.
Softw. 7 (1981). If the dimension is free, `PROBLEMS` has ours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

Residuals = Callable[[Any], Any]


class Problem(NamedTuple):
    """A sum of squares.

    Attributes
    ----------
    name : str
    residuals : callable
        ``(n,) -> (m,)``
    start : ndarray, (n,)
    minima : tuple of float
        The values at the published local minima; a sum of squares may also approach 0 at infinity.
    """

    name: str
    residuals: Residuals
    start: np.ndarray
    minima: tuple[float, ...]

    def value(self, x: Any) -> Any:
        """The sum of the squares."""
        r = self.residuals(x)
        return (r * r).sum()


def helical_valley(x: Any) -> Any:
    """Number 7."""
    turn = np.arctan(x[1] / x[0]) / (2 * np.pi) + np.where(x[0] < 0, 0.5, 0.0)
    return np.stack([10 * (x[2] - 10 * turn), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


def biggs_exp6(x: Any) -> Any:
    """Number 18, 13 residuals."""
    t = 0.1 * np.arange(1, 14)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


def gaussian(x: Any) -> Any:
    """Number 9."""
    rising = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521]
    y = np.array([*rising, 0.3989, *rising[::-1]])
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - y


def powell_badly_scaled(x: Any) -> Any:
    """Number 3."""
    return np.stack([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def box(x: Any) -> Any:
    """Number 12, ten residuals."""
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def variably_dimensioned(x: Any) -> Any:
    """Number 25."""
    weighted = (np.arange(1, x.size + 1) * (x - 1)).sum()
    return np.concatenate([x - 1, np.stack([weighted, weighted**2])])


def watson(x: Any) -> Any:
    """Number 20."""
    t = np.arange(1, 30) / 29
    j = np.arange(x.size)
    slopes = (j[1:] * t[:, None] ** (j[1:] - 1)) @ x[1:]
    values = t[:, None] ** j @ x
    return np.concatenate([slopes - values**2 - 1, np.stack([x[0], x[1] - x[0] ** 2 - 1])])


def penalty_1(x: Any) -> Any:
    """Number 23."""
    return np.concatenate([1e-5**0.5 * (x - 1), np.stack([(x * x).sum() - 0.25])])


def penalty_2(x: Any) -> Any:
    """Number 24."""
    n, a = x.size, 1e-5**0.5
    i = np.arange(2, n + 1)
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    e = np.exp(x / 10)
    weighted = (np.arange(n, 0, -1) * x**2).sum()
    return np.concatenate(
        [np.stack([x[0] - 0.2]), a * (e[1:] + e[:-1] - y), a * (e[1:] - np.exp(-0.1)), np.stack([weighted - 1])]
    )


def brown_badly_scaled(x: Any) -> Any:
    """Number 4."""
    return np.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def brown_and_dennis(x: Any) -> Any:
    """Number 16, 20 residuals."""
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def gulf(x: Any) -> Any:
    """Number 11, 99 residuals, without the misprint of the first publication (``y m i x2`` for ``y - x2``)."""
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.exp(-(np.abs(y - x[1]) ** x[2]) / x[0]) - t


def trigonometric(x: Any) -> Any:
    """Number 26."""
    i = np.arange(1, x.size + 1)
    return x.size - np.cos(x).sum() + i * (1 - np.cos(x)) - np.sin(x)


def rosenbrock(x: Any) -> Any:
    """Number 21, extended."""
    return np.concatenate([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]])


def powell_singular(x: Any) -> Any:
    """Number 22, extended."""
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    return np.concatenate([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])


def beale(x: Any) -> Any:
    """Number 5."""
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - np.stack([x[1], x[1] ** 2, x[1] ** 3]))


def wood(x: Any) -> Any:
    """Number 14."""
    return np.stack(
        [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            90**0.5 * (x[3] - x[2] ** 2),
            1 - x[2],
            10**0.5 * (x[1] + x[3] - 2),
            10**-0.5 * (x[1] - x[3]),
        ]
    )


def chebyquad(x: Any) -> Any:
    """Number 35."""
    before, now = 1.0, 2 * x - 1
    means = []
    for i in range(1, x.size + 1):
        means.append(now.sum() / x.size - (-1 / (i * i - 1) if i % 2 == 0 else 0.0))
        before, now = now, 2 * (2 * x - 1) * now - before
    return np.stack(means)


def _problem(name: str, residuals: Residuals, start: Any, *minima: float) -> Problem:
    return Problem(name, residuals, np.asarray(start, float), minima or (0.0,))


_one_to = partial(np.arange, 1)

PROBLEMS: tuple[Problem, ...] = (
    _problem("helical valley", helical_valley, [-1, 0, 0]),
    _problem("Biggs exp6", biggs_exp6, [1, 2, 1, 1, 1, 1], 0.0, 5.65565e-3),
    _problem("Gaussian", gaussian, [0.4, 1, 0], 1.12793e-8),
    _problem("Powell badly scaled", powell_badly_scaled, [0, 1]),
    _problem("box three-dimensional", box, [0, 10, 20]),
    _problem("variably dimensioned", variably_dimensioned, 1 - _one_to(11) / 10),
    _problem("Watson", watson, np.zeros(6), 2.28767e-3),
    _problem("penalty I", penalty_1, _one_to(5), 2.24997e-5),
    _problem("penalty II", penalty_2, np.full(4, 0.5), 9.37629e-6),
    _problem("Brown badly scaled", brown_badly_scaled, [1, 1]),
    _problem("Brown and Dennis", brown_and_dennis, [25, 5, -5, -1], 85822.2),
    _problem("Gulf research", gulf, [5, 2.5, 0.15]),
    _problem("trigonometric", trigonometric, np.full(10, 0.1), 0.0, 2.79506e-5),
    _problem("extended Rosenbrock", rosenbrock, np.tile([-1.2, 1], 5)),
    _problem("extended Powell singular", powell_singular, np.tile([3, -1, 0, 1], 3)),
    _problem("Beale", beale, [1, 1]),
    _problem("Wood", wood, [-3, -1, -3, -1]),
    _problem("Chebyquad", chebyquad, _one_to(9) / 9, 3.51687e-3),
)
