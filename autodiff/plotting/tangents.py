"""A curve with its tangent, osculating parabola and circle, and secants that tend to the tangent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.errors import DomainError
from autodiff.plotting.sampling import frame, heights, interval_of, number
from autodiff.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, Axes, Figure, Film, axes_of
from autodiff.transforms.calling import called
from autodiff.transforms.directions import derivative
from autodiff.transforms.recording import Function
from autodiff.typing import Array

POINTS = 401


def tangent(
    f: Function,
    x0: float,
    *,
    parabola: bool = True,
    circle: bool = False,
    interval: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot a curve, its tangent at a point, and the osculating parabola (and circle) there.

    Parameters
    ----------
    f : callable
        A function of an array of points, elementwise.
    x0 : float
        The point of contact.
    parabola : bool, default True
        Whether to draw the osculating parabola, ``f + f' (x - x0) + f'' (x - x0)**2 / 2``.
    circle : bool, default False
        Whether to draw the osculating circle, of radius ``(1 + f'**2)**1.5 / abs(f'')``. Both axes then have the same
        scale.
    interval : (float, float), optional
        The interval to show; 2 on either side of `x0` if not given.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DomainError
        If the function, its slope or its second derivative is not finite at `x0`.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> figure = ad.plotting.tangent(lambda x: x**2, 1.0)
    >>> figure.axes[0].get_title()
    'at x = 1: value 1, slope 2, second derivative 2'
    """
    x0 = number("tangent", "x0", x0)
    low, high = interval_of("tangent", (x0 - 2, x0 + 2) if interval is None else interval)
    y0, slope, bend = _jet("tangent", f, x0, 2)
    x = np.linspace(low, high, POINTS)
    y = heights("tangent", f, x)
    ax = axes_of(ax, figsize=(6.0, 4.2))
    ax.plot(x, y, color=BLUE, linewidth=2, label="f")
    ax.plot(x, y0 + slope * (x - x0), color=RED, linestyle="--", label="tangent")
    if parabola:
        ax.plot(x, y0 + slope * (x - x0) + bend / 2 * (x - x0) ** 2, color=GREEN, linestyle="-.", label="parabola")
    text = f"at x = {x0:.4g}: value {y0:.4g}, slope {slope:.4g}, second derivative {bend:.4g}"
    if circle:
        text += _draw_circle(ax, x0, y0, slope, bend)
    ax.plot([x0], [y0], color=GREY, marker="o", linestyle="none", zorder=4)
    frame(ax, (low, high), y, y0)
    if circle:
        ax.set_aspect("equal")
    ax.set_title(text, fontsize=10)
    ax.legend(fontsize=9)
    return ax.figure


def _jet(who: str, f: Function, x0: float, order: int) -> list[float]:
    """Value, slope and, to second order, the second derivative at a point; all finite."""
    with np.errstate(all="ignore"):
        values = [float(called(f if n == 0 else derivative(f, n), np.float64(x0))) for n in range(order + 1)]
    for what, value in zip(("value", "slope", "second derivative"), values, strict=False):
        if not np.isfinite(value):
            raise DomainError(f"{who}: the {what} at x0 = {x0:g} is {value}; choose a point where f is smooth.")
    return values


def _draw_circle(ax: Any, x0: float, y0: float, slope: float, bend: float) -> str:
    if bend == 0:
        return "; no circle: straight"
    radius = (1 + slope**2) ** 1.5 / abs(bend)
    middle = x0 - slope * (1 + slope**2) / bend, y0 + (1 + slope**2) / bend
    turn = np.linspace(0, 2 * np.pi, POINTS)
    x, y = middle[0] + radius * np.cos(turn), middle[1] + radius * np.sin(turn)
    ax.plot(x, y, color=ORANGE, linestyle=":", linewidth=2, label="circle")
    ax.plot(*([v] for v in middle), color=ORANGE, marker="+", linestyle="none")
    return f",\nradius of curvature {radius:.4g}"


def secant_to_tangent(
    f: Function,
    x0: float,
    steps: Sequence[float] = (2.0, 1.0, 0.5, 0.1),
    *,
    interval: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot secants through a point of a curve and ever nearer points, and the tangent that they tend to.

    Parameters
    ----------
    f : callable
        A function of an array of points, elementwise.
    x0 : float
    steps : sequence of float
        Distances of the other points; not 0, and negative to the left.
    interval : (float, float), optional
        The interval to show; if not given, all points and a margin.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The legend has the slope of every secant and of the tangent.

    Raises
    ------
    ValueError
        If a step is 0 or not finite, or the interval is not in order.
    DomainError
        If the function or its slope is not finite at `x0`.

    Examples
    --------
    >>> import autodiff as ad
    >>> figure = ad.plotting.secant_to_tangent(lambda x: x**2, 1.0, [1.0, 0.5])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['f', 'h = 1: slope 3', 'h = 0.5: slope 2.5', 'tangent: slope 2']
    """
    x0, h = number("secant_to_tangent", "x0", x0), _steps("secant_to_tangent", steps)
    shown = _interval("secant_to_tangent", interval, x0, h)
    ax = axes_of(ax, figsize=(6.0, 4.2))
    _draw_secants(ax, f, x0, h, shown)
    return ax.figure


def secant_film(
    f: Function,
    x0: float,
    *,
    start: float = 2.0,
    frames: int = 24,
    interval: tuple[float, float] | None = None,
) -> Film:
    """Animate a secant that turns into the tangent: the distance of its points halves every third frame.

    Parameters
    ----------
    f : callable
        A function of an array of points, elementwise.
    x0 : float
    start : float, default 2.0
        The first distance; negative to the left.
    frames : int, default 24
    interval : (float, float), optional
        The interval to show; if not given, both points and a margin.

    Returns
    -------
    Film
        ``.save(path)`` writes it as a GIF.

    Raises
    ------
    ValueError
        If `frames` is not a positive integer.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.plotting.secant_film(np.sin, 0.5)
    <Film of 24 frames; .save('film.gif') writes it>
    """
    if not isinstance(frames, (int, np.integer)) or frames < 1:
        raise ValueError(f"secant_film: frames must be a positive integer; {frames!r} was given.")
    x0, (first,) = number("secant_film", "x0", x0), _steps("secant_film", [start])
    shown = _interval("secant_film", interval, x0, np.array([first]))
    heights("secant_film", f, np.linspace(*shown, 3))  # raises now if the function cannot be drawn

    def draw(figure: Any, i: int) -> None:
        ax = figure.add_subplot()
        _draw_secants(ax, f, x0, np.array([first / 2 ** (i / 3)]), shown)
        # Below the axes, where the legend does not jump from frame to frame.
        ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)

    return Film(draw, int(frames), figsize=(5.6, 4.0))


def _steps(who: str, steps: Any) -> Array:
    h = np.asarray(steps, float).reshape(-1)
    if not len(h) or not np.isfinite(h).all() or (h == 0).any():
        raise ValueError(f"{who}: steps must be finite and not 0; {steps!r} was given.")
    return h


def _interval(who: str, interval: Any, x0: float, h: Array) -> tuple[float, float]:
    if interval is not None:
        return interval_of(who, interval)
    ends = np.array([x0, *(x0 + h)])
    margin = 0.35 * np.ptp(ends)
    return float(ends.min() - margin), float(ends.max() + margin)


def _draw_secants(ax: Any, f: Function, x0: float, h: Array, interval: tuple[float, float]) -> None:
    x = np.linspace(*interval, POINTS)
    y = heights("secant_to_tangent", f, x)
    others = heights("secant_to_tangent", f, x0 + h)
    y0, slope = _jet("secant_to_tangent", f, x0, 1)
    ax.plot(x, y, color=BLUE, linewidth=2, label="f")
    for i, (step, end) in enumerate(zip(h, others, strict=True)):
        secant = (end - y0) / step
        look = {"color": ORANGE, "alpha": 0.45 + 0.55 * (i + 1) / len(h)}  # later secants are more opaque
        ax.plot(x, y0 + secant * (x - x0), linestyle="-.", label=f"h = {step:.3g}: slope {secant:.4g}", **look)
        ax.plot([x0 + step], [end], marker="s", linestyle="none", **look)
    ax.plot(x, y0 + slope * (x - x0), color=RED, linestyle="--", label=f"tangent: slope {slope:.4g}")
    ax.plot([x0], [y0], color=GREY, marker="o", linestyle="none", zorder=4)
    frame(ax, interval, y, y0)
    ax.set_title(f"(f(x0 + h) - f(x0)) / h at x0 = {x0:.4g}", fontsize=10)
    ax.legend(fontsize=8)
