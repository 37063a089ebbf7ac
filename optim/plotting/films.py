"""Animations of paths, several methods at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.plotting.style import Film, pyplot
from optim.plotting.contours import draw_path, free_corner, show_box
from optim.plotting.landscape import Objective, draw_levels, heights, levels_of
from optim.plotting.paths import box_around, paths_of

_GRID = 161  # a finer grid is invisible in a small picture, and every frame draws it


def film(
    f: Objective,
    box: Any = None,
    paths: Any = None,
    *,
    frames: int = 50,
    levels: int = 18,
    figsize: tuple[float, float] = (5.6, 4.6),
) -> Film:
    """An animation of the paths of methods over level lines, step by step.

    Parameters
    ----------
    f : callable
        Takes a point (2,) and returns a number. If it also takes (2, n, n), one call evaluates the whole grid.
    box : (left, right, bottom, top), optional
        The region to show; around the paths if not given.
    paths : history, or dict of name to history
        Results of `optim.minimize`, their histories, or arrays (n, 2); at least one.
    frames : int, default 50
        The largest number of frames. Longer paths skip steps: a frame shows step k of every path, with k spaced
        geometrically, so that the first steps are shown one by one.
    levels : int, default 18
        Number of level lines.
    figsize : pair of float
        Inches.

    Returns
    -------
    autodiff.plotting.Film
        ``.save("film.gif")`` writes it.

    Raises
    ------
    ValueError, autodiff.ShapeError, autodiff.DomainError
        As for `contours`.

    Examples
    --------
    >>> import numpy as np, optim
    >>> f = lambda p: p[0] ** 2 + 10 * p[1] ** 2
    >>> x, path = optim.gradient_descent(f, x0=np.array([2.0, 1.0]), learning_rate=0.05, n_iterations=4)
    >>> optim.plotting.film(f, paths=path)
    <Film of 5 frames; .save('film.gif') writes it>
    """
    pyplot()
    if paths is None:
        raise ValueError("film: give paths, such as {'gd': optim.gradient_descent(...)[1]}.")
    if not isinstance(frames, (int, np.integer)) or frames < 2:
        raise ValueError(f"film: frames must be an integer, 2 or more; {frames!r} was given.")
    found = paths_of("film", paths, f)
    shown = box_around("film", box, found)
    across, up, values = heights("film", f, shown, _GRID)
    corner = free_corner(found, shown)
    lines = levels_of("film", values, levels)
    steps = steps_shown(max(len(path.points) for path in found), frames)

    def draw(figure: Any, i: int) -> None:
        ax = figure.subplots()
        draw_levels(ax, across, up, values, lines)
        for j, path in enumerate(found):
            draw_path(ax, path, j, int(steps[i]) + 1)
        show_box(ax, shown)
        ax.set_title(f"step {steps[i]}", fontsize=10)
        ax.legend(fontsize=8, loc=corner)

    return Film(draw, len(steps), figsize)


def steps_shown(n: int, frames: int) -> Any:
    """At most `frames` of the steps 0 to n - 1, the first ones one by one, then spaced geometrically."""
    if n <= frames:
        return np.arange(n)
    ratios = np.geomspace(1, n, 4 * frames)
    for k in range(len(ratios), 1, -1):
        steps = np.unique(np.round(np.geomspace(1, n, k)).astype(int)) - 1
        if len(steps) <= frames:
            return steps
    return np.array([0, n - 1])
