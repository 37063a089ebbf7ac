"""Surface plots with paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.plotting.style import MARKERS, PALETTE, axes_of, pyplot, titled
from optim.plotting.contours import DASHES
from optim.plotting.landscape import Objective, Vector, heights, levels_of, pale, values_at
from optim.plotting.paths import Path, box_around, paths_of

_GRID = 101
_BETWEEN = 8  # segments of a step, so that it runs on the surface, not through it
_LINES = 14  # level lines on the surface
_FEW = 60  # paths with more points have short steps


def surface(
    f: Objective,
    box: Any = None,
    paths: Any = None,
    *,
    logarithmic: bool = False,
    view: tuple[float, float] = (50.0, -60.0),
    grid: int = _GRID,
    ax: Any = None,
) -> Any:
    """Draw the graph of a function of the plane as a surface, with the paths of methods on it.

    Parameters
    ----------
    f : callable
        Takes a point (2,) and returns a number. If it also takes (2, n, n), one call evaluates the whole grid.
    box : (left, right, bottom, top), optional
        The region to show; around the paths if not given.
    paths : history, or dict of name to history, optional
        Results of `optim.minimize`, their histories, or arrays (n, 2). Between two points a path is drawn on the
        surface, straight as seen from above; parts outside the box are left out.
    logarithmic : bool, default False
        Whether to draw log10(1 + f - lowest), for functions that span decades.
    view : (elevation, azimuth), default (50, -60)
        The viewing angles in degrees.
    grid : int, default 101
        Number of grid points along each side.
    ax : matplotlib Axes3D, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        Level lines and paths are drawn over the surface, even where it should hide them: choose a `view` from above.

    Raises
    ------
    ValueError, autodiff.ShapeError, autodiff.DomainError
        As for `contours`; also a ValueError if `ax` is not three-dimensional.

    Examples
    --------
    >>> import numpy as np, optim
    >>> f = lambda p: p[0] ** 2 - p[1] ** 2
    >>> path = np.array([[1.0, 0.0], [0.5, 0.1], [0.0, 0.5]])
    >>> figure = optim.plotting.surface(f, (-1, 1, -1, 1), path)
    >>> [round(float(z), 2) for z in figure.axes[0].lines[0].get_data_3d()[2][::8]]
    [1.0, 0.24, -0.25]
    """
    found = paths_of("surface", paths, f)
    shown = box_around("surface", box, found)
    across, up, values = heights("surface", f, shown, grid)
    lowest = float(min([np.nanmin(values), *(path.values.min() for path in found)]))

    def height(z: Any) -> Any:
        return np.log10(1 + z - lowest) if logarithmic else z

    if ax is not None and not hasattr(ax, "plot_surface"):
        raise ValueError('surface: ax must be three-dimensional; make it with projection="3d".')
    pyplot()
    ax = axes_of(ax, projection="3d", figsize=(7.0, 5.6))
    ax.computed_zorder = False  # paths lie on the surface, and must be drawn after it to be visible
    look = {"cmap": pale(), "linewidth": 0, "antialiased": False, "rcount": grid, "ccount": grid}
    ax.plot_surface(*np.meshgrid(across, up), height(values), zorder=1, rasterized=True, **look)
    lines = levels_of("surface", height(values), _LINES)
    if len(lines):
        look = {"colors": "#5d7186", "linewidths": 0.5, "linestyles": "solid"}
        ax.contour(across, up, height(values), levels=lines, zorder=2, **look)
    left, right, bottom, top = shown
    for i, path in enumerate(found):
        (x, y), z, every = _on_the_surface(f, path)
        z = np.where((x < left) | (x > right) | (y < bottom) | (y > top), np.nan, height(z))
        colour, dash = PALETTE[i % len(PALETTE)], DASHES[i % len(DASHES)]
        few = len(path.points) <= _FEW
        dots = {"marker": MARKERS[i % len(MARKERS)], "markersize": 4, "markevery": every} if few else {}
        ax.plot(x, y, z, color=colour, linestyle=dash, linewidth=1.8, label=path.label, zorder=3 + i, **dots)
    ax.view_init(*view)
    titled(ax, "the surface of f" + (" with paths" if found else ""))
    ax.set_zlabel("log10(1 + f - lowest)" if logarithmic else "f", labelpad=9)
    ax.locator_params(nbins=5)
    if found:
        ax.legend(fontsize=8, loc="upper left")
    return ax.figure


def _on_the_surface(f: Objective, path: Path) -> tuple[Vector, Vector, int]:
    """Points (2, m) along a path, the function there, and the number of points per step."""
    n = len(path.points)
    every = _BETWEEN if 1 < n <= _FEW else 1
    at = np.arange((n - 1) * every + 1) / every
    way = np.stack([np.interp(at, np.arange(n), c) for c in path.points.T])
    values = values_at("surface", f, way) if every > 1 else path.values.copy()
    values[::every] = path.values
    return way, values, every
