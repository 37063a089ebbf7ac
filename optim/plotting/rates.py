"""Learning rates for gradient descent: below 2 / L it converges, at 2 / L it oscillates, above it diverges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.style import BLUE, GREY, RED, new_figure, titled
from optim.minima.descending import gradient_descent
from optim.minima.minimizing import MinimizeResult, minimize
from optim.plotting.contours import contours
from optim.plotting.landscape import Objective, value_at


def steepest(f: Objective, x: Any) -> tuple[float, Any]:
    """L, the largest eigenvalue of the Hessian at a point (in one variable f''), and its eigenvector."""
    if np.ndim(x) == 0:
        return float(ad.derivative(f, 2)(x)), 1.0
    values, vectors = np.linalg.eigh(ad.hessian(f)(x))
    return float(values[-1]), vectors[:, -1]


def verdict(away: Any, direction: Any) -> str:
    """The outcome of a run from its offsets to the minimum, first along the direction of the largest curvature."""
    with np.errstate(all="ignore"):  # a diverging run overflows
        whole = np.linalg.norm(away.reshape(len(away), -1), axis=1)
        steep = np.abs(away @ direction if np.ndim(direction) else away)
    if not np.isfinite(whole).all():
        return "diverges"
    if not whole.any():
        return "has arrived"
    if not steep[0] > 1e-9 * whole[0]:  # no offset along that direction
        steep = whole
    if steep[-1] > 1.02 * steep[0]:
        return "diverges"
    if steep[-1] > 0.98 * steep[0]:
        return "neither converges nor diverges"
    return "has arrived" if whole[-1] < 1e-3 * whole[0] else "comes nearer"


def learning_rates(
    f: Objective, x0: Any, shares: Sequence[float] = (0.1, 0.5, 0.95, 1.0, 1.03), *, n_iterations: int = 20
) -> Any:
    r"""Plot gradient descent from one start at several learning rates, given as fractions of 2 / L.

    Parameters
    ----------
    f : callable
        A function of a number, or of a point (2,), with a minimum that `optim.minimize` finds from `x0`.
    x0 : float or array_like, (2,)
        The start.
    shares : sequence of float, default (0.1, 0.5, 0.95, 1.0, 1.03)
        The rates divided by 2 / L, where L is the largest curvature at the minimum. On a parabola descent converges
        below 1, arrives in one step at 0.5, oscillates at 1 and diverges above.
    n_iterations : int, default 20

    Returns
    -------
    matplotlib Figure
        An Axes for each rate. The title has the rate and the outcome: whether the run ends, along the direction of the
        largest curvature, further from the minimum than it began, as far (within a fiftieth) or nearer, and whether it
        ends within a thousandth of its initial distance.

    Raises
    ------
    autodiff.DomainError
        If no minimum with positive curvature is found.
    autodiff.ShapeError
        If `x0` is neither a number nor a point of the plane.
    ValueError
        If a share is not positive.

    References
    ----------
    Y. Nesterov, "Lectures on Convex Optimization", 2nd edition (2018), section 2.1.5: descent converges for rates below
    2 / L.

    Examples
    --------
    >>> import optim
    >>> figure = optim.plotting.learning_rates(lambda x: 2 * x**2, 1.0, [0.5, 1.0, 1.1])  # L = 4
    >>> [ax.get_title().replace("\n", ", ") for ax in figure.axes]
    ['0.5 · 2/L = 0.25, has arrived', '1 · 2/L = 0.5, neither converges nor diverges', '1.1 · 2/L = 0.55, diverges']
    """
    start = np.asarray(x0, float)
    if start.shape not in ((), (2,)):
        raise ad.ShapeError(f"learning_rates: x0 has shape {start.shape}; expected a number or a point (2,).")
    start = start[()]
    if not len(shares) or not all(0 < s < np.inf for s in shares):
        raise ValueError(f"learning_rates: shares must be one or more positive numbers; {shares!r} was given.")
    found = minimize(f, start)
    curvature, direction = steepest(f, found.x)
    if not found.success or not curvature > 0 or _is_flat(f, found, curvature, direction):
        raise ad.DomainError(
            f"learning_rates: from {start} no minimum with a positive curvature was found; the search ended at "
            f"{found.x}, where the largest curvature is {curvature:.3g}: {found.message}"
        )
    figure = new_figure(figsize=(2.9 * len(shares), 3.3))
    with np.errstate(all="ignore"):
        runs = [
            gradient_descent(f, x0=start, learning_rate=s * 2 / curvature, n_iterations=n_iterations)[1] for s in shares
        ]
    reach = 1.6 * float(np.abs(start - found.x).max()) or 1.0
    for ax, share, points in zip(figure.subplots(1, len(shares), squeeze=False).flat, shares, runs, strict=True):
        if start.ndim:
            x, y = found.x
            contours(f, (x - reach, x + reach, y - reach, y + reach), points, grid=81, levels=10, ax=ax)
            ax.get_legend().remove()
        else:
            _draw_zigzag(ax, f, points, float(found.x), reach)
        ax.set_title(
            f"{share:g} · 2/L = {share * 2 / curvature:.4g}\n{verdict(points - found.x, direction)}", fontsize=9
        )
    return figure


def _is_flat(f: Objective, found: MinimizeResult, curvature: float, direction: Any) -> bool:
    """Whether the curvature vanishes at the minimum itself, near which the search ended, as for x**4.

    Then one more Newton step changes the curvature; at any other minimum it does not.
    """
    step = np.dot(found.grad, direction) / curvature
    return bool(abs(steepest(f, found.x - step * direction)[0] - curvature) > 0.01 * curvature)


def _draw_zigzag(ax: Any, f: Objective, points: Any, minimum: float, reach: float) -> None:
    x = np.linspace(minimum - reach, minimum + reach, 201)
    y, heights = (np.array([value_at("learning_rates", f, v) for v in values]) for values in (x, points))
    ax.plot(x, y, color=GREY, linewidth=1)
    ax.plot(points, heights, color=BLUE, marker="o", markersize=3.5, linewidth=1)
    ax.plot(points[:1], heights[:1], color=RED, marker="s", markersize=6, linestyle="none")
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    ax.set(xlim=(minimum - reach, minimum + reach), ylim=(low - 0.06 * (high - low), high))
    titled(ax, ylabel="f(x)")
    ax.grid(alpha=0.3)
