"""Green's theorem: a loop with its direction, the curl inside, and both sides of the equation as title."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.calculus import Region, curl
from autodiff.calculus.integrands import stacked
from autodiff.calculus.theorems import green
from autodiff.plotting.fields import checked_count, draw_arrows, size_of
from autodiff.plotting.sampling import Box, field_at, grid, scalars_at, without_rounding
from autodiff.plotting.style import RED, Axes, Figure, axes_of, diverging
from autodiff.transforms.recording import Function
from autodiff.typing import Array

_POINTS = 181


def green_theorem(F: Function, region: Region, *, arrows: int = 18, ax: Axes | None = None) -> Figure:
    """Draw a region of the plane with the curl as colour, the field as arrows, and the boundary as a loop.

    Parameters
    ----------
    F : callable
        Takes points (2, ...) and returns two components for each.
    region : Region
        A region of the plane.
    arrows : int, default 18
        Number of arrows along each side.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The title has the circulation around the loop and the integral of the curl over the region.

    Raises
    ------
    DomainError
        If the field has a pole in the region, where the theorem does not hold.
    ShapeError
        If the region is not in the plane.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> disc = ad.calculus.Region.disc()
    >>> figure = ad.plotting.green_theorem(lambda p: np.stack([-p[1], p[0]]), disc)
    >>> figure.axes[0].get_title()
    'circulation 6.28319 = integral of the curl 6.28319'
    """
    found = green(F, region)
    loops = boundary(region)
    corners = np.concatenate(loops, axis=1)
    low, high = corners.min(axis=1), corners.max(axis=1)
    margin = 0.15 * float((high - low).max())
    box: Box = (low[0] - margin, high[0] + margin, low[1] - margin, high[1] + margin)
    ax = axes_of(ax, figsize=size_of(box))
    _fill(ax, F, region)
    field = field_at("green_theorem", F, grid(box, checked_count(arrows))[2])
    draw_arrows(ax, field, box, alpha=0.7)
    for loop in loops:
        ax.plot(*loop, color=RED, linewidth=2.2)
        middle = loop.shape[1] // 2
        start, stop = loop[:, middle], loop[:, middle + 1]
        ax.annotate("", stop, start, arrowprops={"arrowstyle": "-|>", "color": RED, "mutation_scale": 22})
    left, right = (
        0.0 if abs(value := float(concrete(side))) <= error else value
        for side, error in ((found.left, found.left_error), (found.right, found.right_error))
    )
    sign = "=" if found.holds else "≠"
    ax.set(xlabel="x", ylabel="y")
    ax.set_title(f"circulation {left:.6g} {sign} integral of the curl {right:.6g}", fontsize=10)
    return ax.figure


def boundary(region: Region) -> list[Array]:
    """The sides of a region of the plane that form its boundary, each (2, n), counterclockwise.

    They do not include a side that is a single point (the centre of a disc), nor two sides that coincide and are
    traversed in opposite directions (the cut from the centre to the circle).
    """
    sides = []
    for side in region.sides():
        ((low, high),) = side.ranges
        t = np.linspace(low, high, _POINTS)
        fixed = np.full(t.shape, side.end)
        path = np.asarray(concrete(stacked(region.map(*((fixed, t) if side.axis == 0 else (t, fixed))))), float)
        sides.append(path if side.sign * (1.0 if side.axis == 0 else -1.0) > 0 else path[:, ::-1])
    size = max(float(np.ptp(path, axis=1).max()) for path in sides)
    sides = [path for path in sides if np.ptp(path, axis=1).max() > 1e-9 * size]
    return [
        path
        for i, path in enumerate(sides)
        if not any(np.abs(path - other[:, ::-1]).max() < 1e-9 * size for j, other in enumerate(sides) if j != i)
    ]


def _fill(ax: Any, F: Function, region: Region) -> None:
    """Draw the curl on a mesh of the region's parameters."""
    (a, b), (c, d) = region.ranges
    u, v = np.meshgrid(np.linspace(a, b, 61), np.linspace(c, d, 61), indexing="ij")
    points = np.asarray(concrete(stacked(region.map(u.reshape(-1), v.reshape(-1)))), float).reshape(2, *u.shape)
    values = without_rounding(scalars_at("green_theorem", curl(F), points), F, points)
    limit = float(np.abs(values).max()) or 1.0
    shown = ax.pcolormesh(
        *points, values, cmap=diverging(), vmin=-limit, vmax=limit, shading="gouraud", rasterized=True
    )
    ax.figure.colorbar(shown, ax=ax, label="curl")
