"""Riemann sums and the integral that they approximate."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.calculus import integrate, riemann_sum
from autodiff.errors import StructureError
from autodiff.plotting.sampling import frame, heights, interval_of
from autodiff.plotting.style import BLUE, GREY, ORANGE, Axes, Figure, axes_of
from autodiff.transforms.recording import Function

_PLACES = {"left": 0.0, "midpoint": 0.5, "right": 1.0}


def riemann(f: Function, a: float, b: float, n: int = 10, *, rule: str = "midpoint", ax: Axes | None = None) -> Figure:
    """Draw the rectangles, or trapezoids, of a Riemann sum under a curve, with the sum and the integral.

    Parameters
    ----------
    f : callable
        A function of an array of points, elementwise.
    a, b : float
        Limits, a < b.
    n : int, default 10
        Number of subintervals; at most 500.
    rule : {"midpoint", "left", "right", "trapezoid"}
        Where in each subinterval to take the height.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        Areas above 0 are blue, those below orange and hatched; the title has both numbers and their difference.

    Raises
    ------
    DomainError
        If the integral diverges.
    StructureError, ValueError
        If the rule is unknown, or `n` is not an integer from 1 to 500.

    Examples
    --------
    >>> import autodiff as ad
    >>> figure = ad.plotting.riemann(lambda x: x**2, 0.0, 1.0, 2, rule="left")
    >>> [float(bar.get_height()) for bar in figure.axes[0].patches], figure.axes[0].get_title()
    ([0.0, 0.25], 'left sum, n = 2: 0.125; integral 0.33333; difference 0.20833')
    """
    a, b = interval_of("riemann", (a, b))
    if rule not in (*_PLACES, "trapezoid"):
        raise StructureError(f'riemann: rule must be "left", "midpoint", "right" or "trapezoid"; {rule!r} was given.')
    if not isinstance(n, (int, np.integer)) or not 1 <= n <= 500:
        raise ValueError(f"riemann: n must be an integer from 1 to 500; {n!r} was given.")
    width = (b - a) / n
    edges = a + width * np.arange(n + 1)
    x = np.linspace(a, b, 401)
    y = heights("riemann", f, x)
    ax = axes_of(ax, figsize=(6.0, 4.2))
    if rule == "trapezoid":
        ends = heights("riemann", f, edges)
        for i in range(n):
            corners = [(edges[i], 0), (edges[i], ends[i]), (edges[i + 1], ends[i + 1]), (edges[i + 1], 0)]
            ax.fill(*zip(*corners, strict=True), **_look(ends[i] + ends[i + 1]))
        extra = ends
    else:
        taken = edges[:-1] + _PLACES[rule] * width
        extra = heights("riemann", f, taken)
        for left, height in zip(edges[:-1], extra, strict=True):
            ax.bar(left, height, width, align="edge", **_look(height))
        ax.plot(taken, extra, color=GREY, marker=".", linestyle="none")
    ax.plot(x, y, color="black", linewidth=1.8)
    ax.axhline(0, color=GREY, linewidth=0.8)
    frame(ax, (a - 0.02 * (b - a), b + 0.02 * (b - a)), y, 0.0, *extra[np.isfinite(extra)])
    total, value = float(riemann_sum(f, a, b, int(n), rule)), float(integrate(f, a, b))
    ax.set_title(f"{rule} sum, n = {n}: {total:.5g}; integral {value:.5g}; difference {value - total:.5g}", fontsize=10)
    return ax.figure


def _look(height: float) -> dict[str, Any]:
    below = {"facecolor": ORANGE, "hatch": "//"} if height < 0 else {"facecolor": BLUE}
    return {**below, "alpha": 0.45, "edgecolor": "white", "linewidth": 0.8}
