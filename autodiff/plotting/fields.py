"""Vector fields of the plane as arrows, with divergence or curl as colour; gradients with level lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.calculus import curl, divergence
from autodiff.calculus import gradient_field as gradient_of
from autodiff.errors import DomainError
from autodiff.plotting.sampling import Box, box_of, field_at, grid, scalars_at, without_rounding
from autodiff.plotting.style import Axes, Figure, axes_of, diverging, titled
from autodiff.transforms.recording import Function
from autodiff.typing import Array

_COLOURS = {"divergence": divergence, "curl": curl}
_FINE = 120


def vector_field(
    F: Function, box: Box, *, colour: str | None = "divergence", arrows: int = 18, ax: Axes | None = None
) -> Figure:
    """Draw a vector field of the plane as arrows, over its divergence or its curl.

    Parameters
    ----------
    F : callable
        Takes points (2, ...) and returns two components for each.
    box : (left, right, bottom, top)
    colour : {"divergence", "curl", None}
        The quantity shown by the background: blue below 0, white at 0, orange above.
    arrows : int, default 18
        Number of arrows along each side.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The longest arrow has the length of a grid cell. There is no arrow where the field is not finite. Colours are
        clipped at the largest hundredth of the values, so that a pole does not make everything else pale.

    Raises
    ------
    ShapeError
        If `F` returns another shape.
    ValueError
        If `colour` is unknown.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> figure = ad.plotting.vector_field(lambda p: np.stack([-p[1], p[0]]), (-1, 1, -1, 1), colour="curl", arrows=3)
    >>> np.unique(figure.axes[0].images[0].get_array()).tolist()
    [2.0]
    """
    if colour is not None and colour not in _COLOURS:
        raise ValueError(f'vector_field: colour must be "divergence", "curl" or None; {colour!r} was given.')
    box = box_of("vector_field", box)
    field = field_at("vector_field", F, grid(box, checked_count(arrows))[2])
    ax = axes_of(ax, figsize=size_of(box))
    if colour is not None:
        with np.errstate(all="ignore"):
            points = grid(box, _FINE)[2]
            found = without_rounding(scalars_at("vector_field", _COLOURS[colour](F), points), F, points)
        _background(ax, found, box, colour)
    draw_arrows(ax, field, box)
    titled(ax, f"the field F and its {colour}" if colour else "the field F")
    return ax.figure


def gradient_field(f: Function, box: Box, *, arrows: int = 18, levels: int = 14, ax: Axes | None = None) -> Figure:
    """Draw the level lines of a function of the plane, and its gradient, which is perpendicular to them.

    Parameters
    ----------
    f : callable
        Takes points (2, ...) and returns one number for each.
    box : (left, right, bottom, top)
    arrows : int, default 18
        Number of arrows along each side.
    levels : int, default 14
        Approximate number of level lines.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ShapeError
        If `f` returns another shape.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> figure = ad.plotting.gradient_field(lambda p: p[0] ** 2 + p[1] ** 2, (-1, 1, -1, 1), arrows=3)
    >>> arrows = figure.axes[0].collections[-1]
    >>> (arrows.U / arrows.U.max()).tolist()  # from left to right, row by row
    [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 0.0, 1.0]
    """
    box = box_of("gradient_field", box)
    across, up, fine = grid(box, _FINE)
    z = scalars_at("gradient_field", f, fine)
    with np.errstate(all="ignore"):
        field = field_at("gradient_field", gradient_of(f), grid(box, checked_count(arrows))[2])
    ax = axes_of(ax, figsize=size_of(box))
    z = np.where(np.isfinite(z), z, np.nan)
    if np.nanmin(z, initial=np.inf) < np.nanmax(z, initial=-np.inf):  # a constant has no level lines
        filled = ax.contourf(across, up, z, levels=levels, cmap="cividis", alpha=0.55)
        ax.contour(across, up, z, levels=filled.levels, colors="white", linewidths=0.5)
        ax.figure.colorbar(filled, ax=ax, label="f")
    draw_arrows(ax, field, box)
    titled(ax, "f and its gradient field")
    return ax.figure


def size_of(box: Box) -> tuple[float, float]:
    """The size in inches of a figure that the box and a colour bar beside it fill well."""
    left, right, bottom, top = box
    tall = (top - bottom) / (right - left)
    return (6.0, max(2.0, 4.6 * tall + 0.5)) if tall < 1 else (max(2.5, 4.4 / tall + 1.4), 5.0)


def checked_count(arrows: Any) -> int:
    """The number of arrows along each side, checked."""
    if not isinstance(arrows, (int, np.integer)) or not 2 <= arrows <= 100:
        raise ValueError(f"arrows must be an integer from 2 to 100, the number along each side; {arrows!r} was given.")
    return int(arrows)


def draw_arrows(ax: Any, field: Array, box: Box, **look: Any) -> None:
    """Draw one arrow at each grid point; the longest has the length of a cell."""
    left, right, bottom, top = box
    n = field.shape[-1]
    across, up, _ = grid(box, n)
    there = np.isfinite(field).all(axis=0)
    lengths = np.hypot(*np.where(there, field, 0.0))
    if not there.any():
        raise DomainError(f"the field is not finite anywhere in the box ({left:g}, {right:g}, {bottom:g}, {top:g}).")
    longest = float(np.quantile(lengths[there], 0.98)) or 1.0  # a pole does not shrink all other arrows
    kept = np.where(there, np.minimum(1.0, longest / np.where(lengths > 0, lengths, 1.0)), np.nan)
    cell = min((right - left) / (n - 1), (top - bottom) / (n - 1))
    xs, ys = np.meshgrid(across, up)
    u, v = field * kept
    ax.quiver(
        xs,
        ys,
        u,
        v,
        angles="xy",
        scale_units="xy",
        scale=longest / cell,
        pivot="mid",
        width=0.004,
        **{"color": "#222222", **look},
    )
    margin = 0.5 * cell
    ax.set(xlim=(left - margin, right + margin), ylim=(bottom - margin, top + margin), aspect="equal")


def _background(ax: Any, values: Array, box: Box, label: str) -> Any:
    """Draw a quantity as colour, white at 0 and symmetric on both sides."""
    there = np.abs(values[np.isfinite(values)])
    limit = (float(np.quantile(there, 0.99)) if there.size else 0.0) or 1.0
    shown = ax.imshow(values, extent=box, origin="lower", cmap=diverging(), vmin=-limit, vmax=limit, aspect="auto")
    ax.figure.colorbar(shown, ax=ax, label=label)
    return shown
