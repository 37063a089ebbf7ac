"""Paths on a surface in space."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.plotting.style import PALETTE, axes_of, pyplot
from optim.plotting.contours import DASHES
from optim.plotting.landscape import box_around, heights
from optim.plotting.paths import Objective, paths_of

_GRID = 81


def surface(
    f: Objective,
    box: Any = None,
    paths: Any = None,
    *,
    logarithmic: bool = False,
    view: tuple[float, float] = (38.0, -60.0),
    grid: int = _GRID,
    ax: Any = None,
) -> Any:
    """The graph of a function of the plane as a surface, with the paths of methods on it.

    Parameters
    ----------
    f, box, paths, grid
        As for `contours`.
    logarithmic : bool, default False
        Heights are log10(1 + f - lowest), for functions that span decades.
    view : (elevation, azimuth), default (38, -60)
        Where from, in degrees.
    ax : matplotlib Axes3D, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError, autodiff.ShapeError, autodiff.DomainError
        As for `contours`; a ValueError as well if `ax` is flat.

    Examples
    --------
    >>> import numpy as np, optim
    >>> f = lambda p: p[0] ** 2 - p[1] ** 2
    >>> path = np.array([[1.0, 0.0], [0.5, 0.1], [0.0, 0.5]])
    >>> figure = optim.plotting.surface(f, (-1, 1, -1, 1), path)
    >>> [round(float(z), 2) for z in figure.axes[0].lines[0].get_data_3d()[2]]
    [1.0, 0.24, -0.25]
    """
    found = paths_of("surface", paths, f)
    shown = box_around("surface", box, found)
    across, up, values = heights("surface", f, shown, grid)
    lowest = float(min([np.nanmin(values), *(path.values.min() for path in found)]))

    def height(z: Any) -> Any:
        return np.log10(1 + z - lowest) if logarithmic else z

    if ax is not None and not hasattr(ax, "plot_surface"):
        raise ValueError('surface: ax is flat; make it with projection="3d".')
    pyplot()
    ax = axes_of(ax, projection="3d", figsize=(7.0, 5.6))
    ax.computed_zorder = False  # paths lie on the surface: drawn after it they are seen
    look = {"cmap": "cividis", "alpha": 0.75, "linewidth": 0, "rcount": grid, "ccount": grid}
    ax.plot_surface(*np.meshgrid(across, up), height(values), zorder=1, **look)
    left, right, bottom, top = shown
    for i, path in enumerate(found):
        x, y = path.points.T
        outside = (x < left) | (x > right) | (y < bottom) | (y > top)
        x, y = np.where(outside, np.nan, path.points.T)
        colour, dash = PALETTE[(i + 3) % len(PALETTE)], DASHES[i % len(DASHES)]
        z = height(path.values)
        ax.plot(x, y, z, color=colour, linestyle=dash, marker="o", markersize=2.5, label=path.label, zorder=2 + i)
    ax.view_init(*view)
    ax.set(xlabel="x", ylabel="y", zlabel="log10(1 + f - lowest)" if logarithmic else "f")
    if found:
        ax.legend(fontsize=8)
    return ax.figure
