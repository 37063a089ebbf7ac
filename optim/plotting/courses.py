"""The course of a run: value, gradient, step and curvature, iteration by iteration."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.plotting.style import GREY, PALETTE, new_figure
from optim.plotting.contours import DASHES
from optim.plotting.paths import named, records_of


def courses(results: Any, *, lowest: float | None = None) -> Any:
    """Value, gradient norm, step length and curvature of one or several runs, over the iterations.

    Parameters
    ----------
    results : result or history of `optim.minimize`, or dict of name to these
    lowest : float, optional
        What values are measured from; the lowest of all runs if not given.

    Returns
    -------
    matplotlib Figure
        Four axes: the value above the lowest, the norm of the gradient, the length of the step, and the smallest
        curvature that the step met (negative ones below the line; methods without Hessian-vector products have none).

    Raises
    ------
    autodiff.StructureError
        If a run has no records: an array of points has no gradients.

    Examples
    --------
    >>> import numpy as np, optim
    >>> found = optim.minimize(lambda p: (p**2).sum(), np.array([3.0, 4.0]), "gd", learning_rate=0.25, max_iter=3)
    >>> figure = optim.plotting.courses(found)
    >>> figure.axes[1].lines[0].get_ydata()  # 2 |x|, and |x| halves
    array([10.  ,  5.  ,  2.5 ,  1.25])
    """
    runs = {name: records_of("courses", name, history) for name, history in named("courses", results).items()}
    least = min(r.fun for records in runs.values() for r in records) if lowest is None else lowest
    figure = new_figure(figsize=(10.0, 6.4))
    value, gradient, step, curvature = figure.subplots(2, 2).flat
    for i, (name, records) in enumerate(runs.items()):
        k = np.arange(len(records))
        look = {"color": PALETTE[i % len(PALETTE)], "linestyle": DASHES[i % len(DASHES)], "label": name}
        above = np.array([r.fun - least for r in records])
        value.plot(k, np.where(above > 0, above, np.nan), **look)
        gradient.plot(k, [r.grad_norm or np.nan for r in records], **look)
        step.plot(k[1:], [r.step or np.nan for r in records[1:]], **look)
        curvature.plot(k, [r.curvature for r in records], marker=".", **look)
    for ax, title in (
        (value, f"value above {least:.6g}"),
        (gradient, "norm of the gradient"),
        (step, "length of the step"),
        (curvature, "smallest curvature on the way"),
    ):
        ax.set_title(title, fontsize=10)
        ax.grid(alpha=0.3)
        if ax is not curvature:
            ax.set_yscale("log")
    curvature.set_yscale("symlog", linthresh=1e-2)
    curvature.axhline(0, color=GREY, linewidth=0.8)
    if not any(np.isfinite(r.curvature) for records in runs.values() for r in records):
        curvature.text(0.5, 0.5, "these methods see no curvature", transform=curvature.transAxes, ha="center")
    for ax in (step, curvature):
        ax.set_xlabel("iteration")
    if len(runs) > 1:
        value.legend(fontsize=8)
    return figure
