"""Classic test functions of the plane: formula, box, starting point, and known critical points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Scene(NamedTuple):
    """A test function.

    Attributes
    ----------
    f : callable
        Takes points (2, ...) and returns one number for each.
    box : (left, right, bottom, top)
    start : (x, y)
    about : str
    minima : tuple of (x, y)
        The global minima.
    others : tuple of (x, y, kind)
        Some of the other critical points, with their kind from `optim.classify_critical_point`.
    source : str
        Author and title; empty if there is none in particular.
    """

    f: Callable[[Any], Any]
    box: tuple[float, float, float, float]
    start: tuple[float, float]
    about: str
    minima: tuple[tuple[float, float], ...]
    others: tuple[tuple[float, float, str], ...] = ()
    source: str = ""


def rosenbrock(p: Any) -> Any:
    """A curved valley with a flat floor: (1 - x)**2 + 100 (y - x**2)**2."""
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def himmelblau(p: Any) -> Any:
    """Four minima, all at 0: (x**2 + y - 11)**2 + (x + y**2 - 7)**2."""
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def rastrigin(p: Any) -> Any:
    """A bowl full of local minima: 20 + x**2 + y**2 - 10 (cos 2 pi x + cos 2 pi y)."""
    x, y = p[0], p[1]
    return 20 + x**2 + y**2 - 10 * (np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y))


def beale(p: Any) -> Any:
    """A plain with steep walls: the sum of the squares of 1.5 - x + x y, 2.25 - x + x y**2 and 2.625 - x + x y**3."""
    x, y = p[0], p[1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def saddle(p: Any) -> Any:
    """A saddle that rises again far out: x**2 - y**2 + y**4 / 2."""
    return p[0] ** 2 - p[1] ** 2 + p[1] ** 4 / 2


def monkey_saddle(p: Any) -> Any:
    """Three valleys from a point without curvature, which rise far out: x**3 - 3 x y**2 + (x**2 + y**2)**2."""
    x, y = p[0], p[1]
    return x**3 - 3 * x * y**2 + (x**2 + y**2) ** 2


def narrow_valley(p: Any) -> Any:
    """An elliptic valley with fifty times the curvature across as along: (x**2 + 50 y**2) / 2."""
    return (p[0] ** 2 + 50 * p[1] ** 2) / 2


_FAR = 3 / 4  # r**3 cos(3 t) + r**4 has its minimum where the cosine is -1 and 3 r**2 = 4 r**3

GALLERY = {
    "Rosenbrock": Scene(
        rosenbrock,
        box=(-2.0, 2.0, -1.0, 3.0),
        start=(-1.2, 1.0),
        about="the floor of the valley is nearly flat",
        minima=((1.0, 1.0),),
        source='H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a function" (1960)',
    ),
    "Himmelblau": Scene(
        himmelblau,
        box=(-5.5, 5.5, -5.5, 5.5),
        start=(0.0, -1.0),
        about="four equal minima, and a maximum between them",
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        others=((-0.270844590667653, -0.923038522009213, "maximum"),),
        source='D. M. Himmelblau, "Applied Nonlinear Programming" (1972)',
    ),
    "Rastrigin": Scene(
        rastrigin,
        box=(-2.6, 2.6, -2.6, 2.6),
        start=(1.8, -1.25),
        about="a local minimum near every point with integer coordinates",
        minima=((0.0, 0.0),),
        others=((0.9949586379, 0.0, "minimum"), (0.5025460365, 0.0, "saddle"), (0.5025460365, 0.5025460365, "maximum")),
        source='L. A. Rastrigin, "Systems of Extremal Control" (1974, in Russian)',
    ),
    "Beale": Scene(
        beale,
        box=(-4.5, 4.5, -4.5, 4.5),
        start=(1.0, 1.0),
        about="gradients differ by powers of ten",
        minima=((3.0, 0.5),),
        others=((0.0, 1.0, "saddle"),),
        source='E. M. L. Beale, "On an iterative method for finding a local minimum of a function of more than one '
        'variable" (1958)',
    ),
    "saddle": Scene(
        saddle,
        box=(-1.8, 1.8, -1.8, 1.8),
        start=(1.5, 0.0),
        about="from the ridge the gradient leads to the saddle and no further",
        minima=((0.0, 1.0), (0.0, -1.0)),
        others=((0.0, 0.0, "saddle"),),
    ),
    "monkey saddle": Scene(
        monkey_saddle,
        box=(-1.0, 1.0, -1.0, 1.0),
        start=(0.8, 0.02),
        about="no curvature where three valleys meet",
        minima=((-_FAR, 0.0), (_FAR / 2, _FAR * 3**0.5 / 2), (_FAR / 2, -_FAR * 3**0.5 / 2)),
        others=((0.0, 0.0, "degenerate"),),
        source='D. Hilbert, S. Cohn-Vossen, "Anschauliche Geometrie" (1932)',
    ),
    "narrow valley": Scene(
        narrow_valley,
        box=(-11.0, 11.0, -4.0, 4.0),
        start=(-10.0, 1.0),
        about="steep across, flat along: condition number 50",
        minima=((0.0, 0.0),),
    ),
}
