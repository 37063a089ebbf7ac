"""Contour plots with paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.plotting.style import GREY, MARKERS, PALETTE, axes_of, titled
from optim.plotting.landscape import Box, Objective, draw_levels, heights, levels_of
from optim.plotting.paths import Path, box_around, paths_of

DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))


def contours(
    f: Objective, box: Any = None, paths: Any = None, *, levels: int = 18, grid: int | None = None, ax: Any = None
) -> Any:
    """The level lines of a function of the plane, with the paths of methods.

    Parameters
    ----------
    f : callable
        Takes a point (2,) and returns a number. If it also takes (2, n, n), one call evaluates the whole grid.
    box : (left, right, bottom, top), optional
        The region to show; around the paths if not given.
    paths : history, or dict of name to history, optional
        Results of `optim.minimize`, their histories, or arrays (n, 2). A path is drawn as long as it is finite, and the
        legend says where it was lost.
    levels : int, default 18
        Number of level lines; they are spaced geometrically above the lowest value if the function spans decades.
    grid : int, optional
        Number of grid points along each side; by default 301, or 101 if they are evaluated one at a time.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        Darker bands are lower. A square marks the start of a path, a cross its end.

    Raises
    ------
    ValueError
        If there is neither a box nor a path.
    autodiff.ShapeError
        If a path does not consist of points of the plane.
    autodiff.DomainError
        If the function is not finite anywhere in the box.

    Examples
    --------
    >>> import numpy as np, optim
    >>> f = lambda p: p[0] ** 2 + 10 * p[1] ** 2
    >>> x, path = optim.gradient_descent(f, x0=np.array([2.0, 1.0]), learning_rate=0.05, n_iterations=4)
    >>> figure = optim.plotting.contours(f, paths={"descent": path})
    >>> [line.get_label() for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    ['descent: 4 steps']
    """
    found = paths_of("contours", paths, f)
    shown = box_around("contours", box, found)
    across, up, values = heights("contours", f, shown, grid)
    ax = axes_of(ax, figsize=(6.4, 5.2))
    draw_levels(ax, across, up, values, levels_of("contours", values, levels))
    for i, path in enumerate(found):
        draw_path(ax, path, i)
    show_box(ax, shown)
    titled(ax, "level lines of f (darker: lower)")
    if found:
        ax.legend(fontsize=8, loc=free_corner(found, shown))
    return ax.figure


def free_corner(paths: list[Path], box: Box) -> str:
    """The corner with the fewest points of paths, for the legend, since Matplotlib's own search is slow."""
    left, right, bottom, top = box
    points = np.concatenate([path.points for path in paths])
    across, up = (points[:, 0] - left) / (right - left), (points[:, 1] - bottom) / (top - bottom)
    right_side, left_side, upper, lower = across > 0.5, across < 0.5, up > 0.65, up < 0.35
    crowds = {
        "upper right": right_side & upper,
        "upper left": left_side & upper,
        "lower right": right_side & lower,
        "lower left": left_side & lower,
    }
    return min(crowds, key=lambda corner: int(crowds[corner].sum()))


def show_box(ax: Any, box: Box) -> None:
    """Set limits and labels of the axes, with few enough ticks for small axes."""
    from matplotlib.ticker import MaxNLocator

    ax.set(xlim=box[:2], ylim=box[2:], xlabel="x", ylabel="y")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))


def draw_path(ax: Any, path: Path, i: int, upto: int | None = None) -> None:
    """Draw a path, with its points if they are few, a square at the start and a cross at the end."""
    points = path.points[:upto]
    colour, dash = PALETTE[i % len(PALETTE)], DASHES[i % len(DASHES)]
    marker = MARKERS[i % len(MARKERS)] if len(path.points) <= 60 else None
    ax.plot(*points.T, color=colour, linestyle=dash, linewidth=1.7, marker=marker, markersize=3.5, label=path.label)
    ax.plot(*points[:1].T, color=GREY, marker="s", markersize=6, linestyle="none", label="_start")
    if upto is None or upto >= len(path.points):
        ax.plot(*points[-1:].T, color=colour, marker="X", markersize=9, markeredgecolor="white", label="_end")
