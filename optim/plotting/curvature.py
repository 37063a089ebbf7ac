"""Curvature in the plane: ellipses of Hessians, and critical points with their kind."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.sampling import box_of
from autodiff.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, axes_of
from optim.critical import critical_points as find
from optim.plotting.contours import contours
from optim.plotting.paths import Objective

_KINDS = {
    "minimum": {"marker": "o", "color": BLUE},
    "maximum": {"marker": "^", "color": RED},
    "saddle": {"marker": "X", "color": ORANGE},
    "degenerate": {"marker": "D", "color": GREEN},
}


def hessian_ellipses(f: Objective, points: Any, *, rise: float = 1.0, ax: Any = None) -> Any:
    """At points of the plane the ellipse on which the quadratic part of a function has risen, or fallen, by so much.

    Parameters
    ----------
    f : callable
        Of a point (2,).
    points : array_like, (n, 2) or (2,)
        Where the Hessian is taken.
    rise : float, default 1.0
        The ellipse is that of the d with d' |H| d / 2 = rise. Its half axes are sqrt(2 rise / abs(eigenvalue)) along
        the eigenvectors: long where the function is flat.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given. The view stays if `ax` is given.

    Returns
    -------
    matplotlib Figure
        Solid blue ellipses where all curvatures are positive, dashed red ones where one is negative; the axes along
        which the function falls are dashed too. A direction without curvature has no axis, nor has it an ellipse.

    Raises
    ------
    autodiff.ShapeError
        If the points are not of the plane.
    autodiff.DomainError
        If a Hessian is not finite.

    Examples
    --------
    >>> import numpy as np, optim
    >>> figure = optim.plotting.hessian_ellipses(lambda p: p[0] ** 2 + 4 * p[1] ** 2, [0.0, 0.0])
    >>> ellipse = figure.axes[0].patches[0]
    >>> sorted([float(ellipse.width), float(ellipse.height)])
    [1.0, 2.0]
    """
    from matplotlib.patches import Ellipse

    at = np.atleast_2d(np.asarray(points, float))
    if at.ndim != 2 or at.shape[1] != 2:
        raise ad.ShapeError(
            f"hessian_ellipses: the points have shape {at.shape}; expected (n, 2), points of the plane."
        )
    fresh = ax is None
    ax = axes_of(ax, figsize=(6.0, 5.0))
    second = ad.hessian(f)
    reach = []
    for p in at:
        H = np.asarray(second(p), float)
        if not np.isfinite(H).all():
            raise ad.DomainError(f"hessian_ellipses: the Hessian at {p} is not finite; f is not smooth there.")
        values, vectors = np.linalg.eigh((H + H.T) / 2)
        flat = np.abs(values) <= 1e-12 * np.abs(values).max()
        with np.errstate(divide="ignore"):
            half = np.where(flat, np.nan, np.sqrt(2 * rise / np.abs(values)))
        colour = RED if (values < 0).any() else BLUE
        for length, vector, value in zip(half, vectors.T, values, strict=True):
            if np.isfinite(length):
                ends = np.stack([p - length * vector, p + length * vector])
                ax.plot(*ends.T, color=colour, linewidth=0.9, linestyle="--" if value < 0 else "-")
                reach += list(ends)
        if not flat.any():
            angle = float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0])))
            dash = "--" if colour == RED else "-"
            ax.add_patch(Ellipse(p, *(2 * half), angle=angle, fill=False, edgecolor=colour, linestyle=dash, lw=1.4))
    if fresh:
        corners = np.array(reach or at)
        margin = 0.15 * np.ptp(corners, axis=0).max() or 1.0
        (left, bottom), (right, top) = corners.min(axis=0) - margin, corners.max(axis=0) + margin
        ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="x", ylabel="y")
        ax.set_aspect("equal")
    return ax.figure


def critical_points(f: Objective, box: Any, *, ellipses: bool = True, n: int | None = None, ax: Any = None) -> Any:
    """The level lines of a function in a box, with its minima, maxima and saddles.

    Parameters
    ----------
    f : callable
        Of a point (2,).
    box : (left, right, bottom, top)
        Where they are looked for, and what is shown.
    ellipses : bool, default True
        Draw the ellipses of the Hessians; they rise by a fiftieth of what the function spans.
    n : int, optional
        Starts of the search, see `optim.critical_points`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The legend counts each kind.

    Examples
    --------
    >>> import optim
    >>> figure = optim.plotting.critical_points(lambda p: p[0] ** 3 - 3 * p[0] + p[1] ** 2, (-2, 2, -1.5, 1.5))
    >>> sorted(text.get_text() for text in figure.axes[0].get_legend().get_texts())
    ['1 minimum at -2', '1 saddle at 2']
    """
    left, right, bottom, top = box_of("critical_points", box)
    found = find(f, [(left, right), (bottom, top)], n=n)
    ax = axes_of(ax, figsize=(6.4, 5.2))
    contours(f, (left, right, bottom, top), ax=ax)
    span = np.ptp([level for collection in ax.collections for level in collection.get_array()] or [1.0])
    if ellipses:
        smooth = [point.x for point in found if point.kind != "degenerate"]
        if smooth:
            hessian_ellipses(f, smooth, rise=float(span) / 50, ax=ax)
    for kind, look in _KINDS.items():
        these = [point for point in found if point.kind == kind]
        if these:
            values = sorted({f"{0.0 if abs(p.fun) < 1e-12 * span else p.fun:.4g}" for p in these}, key=float)
            where = f"at {values[0]}" if len(values) == 1 else f"from {values[0]} to {values[-1]}"
            plural = {"minimum": "minima", "maximum": "maxima", "saddle": "saddles"}.get(kind, kind)
            label = f"{len(these)} {kind if len(these) == 1 else plural} {where}"
            ax.plot(*np.array([point.x for point in these]).T, linestyle="none", markersize=9, label=label,
                    markeredgecolor="white", **look)  # fmt: skip
    ax.set(xlim=(left, right), ylim=(bottom, top))
    if found:
        ax.legend(fontsize=8)
    else:
        ax.set_title("no critical point in the box", fontsize=10, color=GREY)
    return ax.figure
