"""The course of a run: value, gradient, step and curvature over the iterations."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.plotting.style import GREY, MARKERS, PALETTE, new_figure
from optim.minima.minimizing import Record
from optim.plotting.contours import DASHES, contours
from optim.plotting.landscape import Objective
from optim.plotting.paths import legend_name, named, records_of

_TITLES = ("value above {}", "norm of the gradient", "length of the step", "smallest curvature on the way")


def courses(results: Any, f: Objective | None = None, box: Any = None, *, lowest: float | None = None) -> Any:
    """Plot value, gradient norm, step length and curvature of one or several runs over the iterations.

    Parameters
    ----------
    results : result or history of `optim.minimize`, or dict of name to these
    f : callable, optional
        A function of the plane, which takes a point (2,); its level lines and the paths are drawn beside the curves.
    box : (left, right, bottom, top), optional
        The region of `f` to show; around the paths if not given.
    lowest : float, optional
        The value from which others are measured; the lowest of all runs if not given.

    Returns
    -------
    matplotlib Figure
        Four axes: the value above the lowest, the norm of the gradient, the length of the step, and the smallest
        curvature of each step. Curvatures are dots, with negative ones below the line; a method that computes none has
        no dots. If one run is more than five times as long as another, the iteration axis is linear up to 10 and
        logarithmic beyond. Values that are 0 or not finite are not drawn.

    Raises
    ------
    autodiff.StructureError
        If a run has no records: an array of points does not hold gradients.

    Examples
    --------
    >>> import numpy as np, optim
    >>> found = optim.minimize(lambda p: (p**2).sum(), np.array([3.0, 4.0]), "gd", learning_rate=0.25, max_iter=3)
    >>> figure = optim.plotting.courses(found)
    >>> figure.axes[1].lines[0].get_ydata()  # 2 |x|, and |x| halves
    array([10.  ,  5.  ,  2.5 ,  1.25])
    """
    runs = {name: records_of("courses", name, history) for name, history in named("courses", results).items()}
    if lowest is None:
        values = np.array([r.fun for records in runs.values() for r in records])
        lowest = float(np.nanmin(values))
        if abs(lowest) < 1e-12 * np.abs(values[np.isfinite(values)]).max(initial=0.0):
            lowest = 0.0  # it differs from 0 only by rounding
    if f is None:
        figure = new_figure(figsize=(10.0, 6.4))
        _draw(list(figure.subplots(2, 2).flat), runs, lowest)
    else:
        figure = new_figure(figsize=(14.0, 6.0))
        left, right = figure.subfigures(1, 2, width_ratios=(1, 1.5))
        contours(f, box, results, ax=left.subplots())
        _draw(list(right.subplots(2, 2).flat), runs, lowest)
    return figure


def _draw(axes: list[Any], runs: dict[str, list[Record]], lowest: float) -> None:
    for i, (name, records) in enumerate(runs.items()):
        k, courses = np.arange(len(records)), _courses(records, lowest)
        colour, marker = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
        look = {"color": colour, "linestyle": DASHES[i % len(DASHES)], "label": legend_name(name)}
        if len(records) == 1:
            look["marker"] = marker  # a line of one point would be invisible
        for ax, course in zip(axes[:3], courses[:3], strict=True):
            ax.plot(k, course, **look)
        axes[3].plot(
            k, courses[3], color=colour, linestyle="none", marker=marker, markersize=3, alpha=0.8, label=look["label"]
        )
    lengths = [len(records) for records in runs.values()]
    for ax, title in zip(axes, _TITLES, strict=True):
        ax.set_title(title.format(f"{lowest:.6g}"), fontsize=10)
        ax.grid(alpha=0.3)
        ax.set_yscale("log")
        if max(lengths) > 5 * min(lengths):
            ax.set_xscale("symlog", linthresh=10)
        ax.set_xlim(0, max(1, max(lengths) - 1))
    axes[3].set_yscale("symlog", linthresh=1e-2)
    axes[3].axhline(0, color=GREY, linewidth=0.8)
    if not any(np.isfinite(r.curvature) for records in runs.values() for r in records):
        axes[3].text(0.5, 0.55, "no curvature was computed", transform=axes[3].transAxes, ha="center")
    for ax, quantity in zip(axes, ("f - lowest", "|gradient|", "|step|", "curvature"), strict=True):
        ax.set(xlabel="iteration", ylabel=quantity)
    if len(runs) > 1:
        handles, names = axes[0].get_legend_handles_labels()
        columns = min(5, max(1, 90 // (max(map(len, names)) + 6)))  # as many as fit above the panels
        axes[0].figure.legend(handles, names, fontsize=9, loc="outside upper center", ncols=columns)


def _courses(records: list[Record], lowest: float) -> tuple[Any, ...]:
    """Value, gradient, step and curvature for each iteration; NaN where a logarithmic axis cannot show them."""
    value, gradient, step, curvature = np.array(
        [(r.fun - lowest, r.grad_norm, r.step, r.curvature) for r in records], float
    ).T
    positive = [np.where((x > 0) & np.isfinite(x), x, np.nan) for x in (value, gradient, step)]
    return (*positive, np.where(np.isfinite(curvature), curvature, np.nan))
