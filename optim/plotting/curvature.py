"""Curvature in the plane: ellipses of Hessians, and critical points with their kinds."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.sampling import box_of
from autodiff.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, axes_of, titled
from optim.minima.critical import critical_points as find
from optim.plotting.contours import show_box
from optim.plotting.landscape import Objective, Vector, draw_levels, heights, levels_of

_KINDS: dict[str, dict[str, Any]] = {
    "minimum": {"marker": "o", "color": BLUE},
    "maximum": {"marker": "^", "color": RED},
    "saddle": {"marker": "X", "color": ORANGE},
    "degenerate": {"marker": "D", "color": GREEN},
}
_PLURALS = {"minimum": "minima", "maximum": "maxima", "saddle": "saddles", "degenerate": "degenerate"}
_LEVELS = 18


def hessian_ellipses(f: Objective, points: Any, *, rise: float = 1.0, ax: Any = None) -> Any:
    """Draw, at points of the plane, the ellipse on which the quadratic part of a function rises or falls by `rise`.

    Parameters
    ----------
    f : callable
        A function of a point (2,).
    points : array_like, (n, 2) or (2,)
        Where to take the Hessian.
    rise : float, default 1.0
        The ellipse consists of the d with ``d' |H| d / 2 = rise``. Its half axes are sqrt(2 rise / abs(eigenvalue))
        along the eigenvectors, so they are long where the function is flat.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given. The limits of a given `ax` do not change.

    Returns
    -------
    matplotlib Figure
        Ellipses are solid blue if all curvatures are positive, and dashed red if one is negative; axes along which the
        function falls are dashed too. Directions without curvature have no axis, and such points have no ellipse.

    Raises
    ------
    autodiff.ShapeError
        If the points are not points of the plane.
    autodiff.DomainError
        If a Hessian is not finite.
    ValueError
        If `rise` is not a positive number.

    Examples
    --------
    >>> import numpy as np, optim
    >>> figure = optim.plotting.hessian_ellipses(lambda p: p[0] ** 2 + 4 * p[1] ** 2, [0.0, 0.0])
    >>> ellipse = figure.axes[0].patches[0]
    >>> sorted([float(ellipse.width), float(ellipse.height)])
    [1.0, 2.0]
    """
    at = np.atleast_2d(np.asarray(points, float))
    if at.ndim != 2 or at.shape[1] != 2 or not len(at):
        raise ad.ShapeError(
            f"hessian_ellipses: the points have shape {at.shape}; expected (n, 2), one or more points of the plane."
        )
    if not 0 < rise < np.inf:
        raise ValueError(f"hessian_ellipses: rise must be a positive number; {rise!r} was given.")
    fresh = ax is None
    ax = axes_of(ax, figsize=(6.0, 5.0))
    second = ad.hessian(f)
    with np.errstate(all="ignore"):
        corners = np.concatenate([_draw_ellipse(ax, p, np.asarray(second(p), float), rise) for p in at])
    if fresh:
        margin = 0.15 * np.ptp(corners, axis=0).max() or 1.0
        (left, bottom), (right, top) = corners.min(axis=0) - margin, corners.max(axis=0) + margin
        show_box(ax, (left, right, bottom, top))
        ax.set_aspect("equal")
        titled(ax, f"where the quadratic part of f rises by {rise:g} (dashed: falls)")
    return ax.figure


def _draw_ellipse(ax: Any, p: Vector, H: Vector, rise: float) -> Vector:
    """Draw the axes and the ellipse at one point; returns the ends of the axes, and the point itself."""
    from matplotlib.patches import Ellipse

    if H.shape != (2, 2) or not np.isfinite(H).all():
        raise ad.DomainError(f"hessian_ellipses: the Hessian at {p} is {H.tolist()}; f is not smooth there.")
    curvatures, directions = np.linalg.eigh((H + H.T) / 2)
    curved = np.abs(curvatures) > 1e-12 * np.abs(curvatures).max()
    half = np.sqrt(2 * rise / np.abs(curvatures[curved]))
    falls = bool((curvatures[curved] < 0).any())
    look = {"color": RED if falls else BLUE, "linewidth": 1.0}
    corners = [p]
    for length, direction, curvature in zip(half, directions.T[curved], curvatures[curved], strict=True):
        ends = np.stack([p - length * direction, p + length * direction])
        ax.plot(*ends.T, linestyle="--" if curvature < 0 else "-", **look)
        corners += list(ends)
    if curved.all():
        angle = float(np.degrees(np.arctan2(directions[1, 0], directions[0, 0])))
        shape: dict[str, Any] = {
            "fill": False,
            "edgecolor": look["color"],
            "linestyle": "--" if falls else "-",
            "linewidth": 1.6,
        }
        ax.add_patch(Ellipse(tuple(p), *(2 * half), angle=angle, **shape))
    return np.array(corners)


def critical_points(f: Objective, box: Any, *, ellipses: bool = True, n: int | None = None, ax: Any = None) -> Any:
    """Draw the level lines of a function in a box, with its minima, maxima and saddles.

    Parameters
    ----------
    f : callable
        A function of a point (2,).
    box : (left, right, bottom, top)
        The region to search and to show.
    ellipses : bool, default True
        Whether to draw the ellipses of the Hessians, with a rise of a fiftieth of the range of the function.
    n : int, optional
        Number of starting points; see `optim.critical_points`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The legend gives the number of each kind, and their values.

    Raises
    ------
    ValueError, autodiff.DomainError
        As for `contours`; also a DomainError if the gradient is not finite at any start.

    Examples
    --------
    >>> import optim
    >>> figure = optim.plotting.critical_points(lambda p: p[0] ** 3 - 3 * p[0] + p[1] ** 2, (-2, 2, -1.5, 1.5))
    >>> sorted(text.get_text() for text in figure.axes[0].get_legend().get_texts())
    ['1 minimum at -2', '1 saddle at 2']
    """
    left, right, bottom, top = shown = box_of("critical_points", box)
    found = find(f, [(left, right), (bottom, top)], n=n)
    across, up, values = heights("critical_points", f, shown, None)
    lines = levels_of("critical_points", values, _LEVELS)
    span = float(np.ptp(lines)) if len(lines) else 1.0
    ax = axes_of(ax, figsize=(6.4, 5.2))
    draw_levels(ax, across, up, values, lines)
    if ellipses:
        smooth = [point.x for point in found if point.kind != "degenerate"]
        if smooth:
            hessian_ellipses(f, smooth, rise=span / 50, ax=ax)
    for kind, look in _KINDS.items():
        these = [point for point in found if point.kind == kind]
        if these:
            label = _counted(kind, [0.0 if abs(point.fun) < 1e-12 * span else point.fun for point in these])
            look = {"linestyle": "none", "markersize": 9, "markeredgecolor": "white", **look}
            ax.plot(*np.array([point.x for point in these]).T, label=label, **look)
    show_box(ax, shown)
    if found:
        titled(ax, "level lines of f (darker: lower) and its critical points")
        ax.legend(fontsize=8)
    else:
        ax.set_title("no critical point in the box", fontsize=10, color=GREY)
    return ax.figure


def _counted(kind: str, heights: list[float]) -> str:
    """The number of points of a kind, and their values, as text."""
    texts = [f"{height:.4g}" for height in sorted(heights)]
    names = kind if len(texts) == 1 else _PLURALS[kind]
    return f"{len(texts)} {names} " + (f"at {texts[0]}" if texts[0] == texts[-1] else f"from {texts[0]} to {texts[-1]}")
