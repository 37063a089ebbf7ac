"""Directional derivatives as slopes of a surface."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DomainError, ShapeError
from autodiff.plotting.sampling import box_of, grid, scalars_at
from autodiff.plotting.style import BLUE, GREY, RED, Axes, Figure, axes_of
from autodiff.transforms.directions import directional_derivative as slope_along
from autodiff.transforms.first_order import grad
from autodiff.transforms.recording import Function


def directional_derivative(
    f: Function, p: Any, v: Any, *, box: tuple[float, float, float, float] | None = None, ax: Axes | None = None
) -> Figure:
    """Draw a surface over the plane and its cut along a direction, with the tangent of the cut and the gradient below.

    Parameters
    ----------
    f : callable
        Takes points (2, ...) and returns one number for each.
    p : array_like, (2,)
        The point.
    v : array_like, (2,)
        The direction; its length does not matter, since the slope is per unit length.
    box : (left, right, bottom, top), optional
        The region to show; 1.5 on every side of `p` if not given.
    ax : matplotlib 3-D Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The arrows on the floor are the gradient (blue), the direction of steepest ascent, and `v` (red). The title has
        the slope along `v`, which is ``gradient . v / |v|``, and the norm of the gradient, which is the largest slope.

    Raises
    ------
    DomainError
        If the direction is 0, or the slope is not finite.
    ShapeError
        If point and direction do not have the shape (2,).
    TypeError
        If `ax` has no three dimensions.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> figure = ad.plotting.directional_derivative(lambda p: p[0] ** 2 + p[1], [1.0, 0.0], [1.0, 1.0])
    >>> figure.axes[0].get_title()
    'slope along v 2.121; largest slope, along the gradient, 2.236'
    """
    who = "directional_derivative"
    point, v = np.asarray(p, float), np.asarray(v, float)
    if point.shape != (2,) or v.shape != (2,):
        raise ShapeError(f"{who}: point and direction must have shape (2,); {point.shape} and {v.shape} were given.")
    length = float(np.linalg.norm(v))
    if not (0 < length < np.inf):
        raise DomainError(f"{who}: the direction is {v.tolist()}; it must be finite and not 0.")
    if ax is not None and not hasattr(ax, "plot_surface"):
        raise TypeError(f'{who} draws a surface: ax must be a 3-D Axes, figure.add_subplot(projection="3d").')
    unit = v / length
    around = (point[0] - 1.5, point[0] + 1.5, point[1] - 1.5, point[1] + 1.5)
    left, right, bottom, top = box_of(who, around if box is None else box)
    across, up, points = grid((left, right, bottom, top), 61)
    z = scalars_at(who, f, points)
    z0 = float(scalars_at(who, f, point))
    slope, gradient = float(slope_along(f, point, unit)), np.asarray(grad(f)(point), float)
    if not np.isfinite([z0, slope, *gradient]).all():
        raise DomainError(f"{who}: at {point.tolist()} the value is {z0} and the slope {slope}; choose a smooth point.")
    ax = axes_of(ax, projection="3d", figsize=(6.0, 5.2))
    floor = float(np.nanmin(z)) - 0.35 * (float(np.nanmax(z) - np.nanmin(z)) or 1.0)
    ax.plot_surface(
        *np.meshgrid(across, up), z, cmap="Greys", alpha=0.45, linewidth=0, antialiased=True, rasterized=True
    )
    reach = _reach(point, unit, (left, right, bottom, top))
    t = np.linspace(*reach, 121)
    way = point[:, None] + unit[:, None] * t
    ax.plot(*way, scalars_at(who, f, way), color=RED, linewidth=2, label="cut along v", zorder=5)
    near = t[np.abs(t) <= 0.6 * min(-reach[0], reach[1])] if min(-reach[0], reach[1]) > 0 else t
    flat = point[:, None] + unit[:, None] * near
    ax.plot(*flat, z0 + slope * near, color="black", linestyle="--", linewidth=2, label="tangent", zorder=6)
    ax.scatter([point[0]], [point[1]], [z0], color="black", s=28, depthshade=False, zorder=7)
    ax.plot([point[0]] * 2, [point[1]] * 2, [floor, z0], color=GREY, linestyle=":", linewidth=1)
    size = 0.3 * min(right - left, top - bottom)
    steepest = gradient / (np.linalg.norm(gradient) or 1.0)
    for arrow, colour, label in ((steepest, BLUE, "gradient"), (unit, RED, "v")):
        if arrow.any():
            look = {"color": colour, "linewidth": 2, "arrow_length_ratio": 0.25, "label": label}
            ax.quiver(*point, floor, *(size * arrow), 0, **look)
    ax.set(xlabel="x", ylabel="y", zlabel="f", zlim=(floor, float(np.nanmax(z))))
    largest = float(np.linalg.norm(gradient))
    ax.set_title(f"slope along v {slope:.4g}; largest slope, along the gradient, {largest:.4g}", fontsize=10)
    ax.legend(fontsize=8, loc="upper left")
    return ax.figure


def _reach(point: Any, unit: Any, box: tuple[float, float, float, float]) -> tuple[float, float]:
    """How far a line through the point stays in the box, backwards and forwards."""
    low, high = -np.inf, np.inf
    for x, d, (a, b) in zip(point, unit, (box[:2], box[2:]), strict=True):
        if d:
            ends = sorted(((a - x) / d, (b - x) / d))
            low, high = max(low, ends[0]), min(high, ends[1])
    return float(low), float(high)
