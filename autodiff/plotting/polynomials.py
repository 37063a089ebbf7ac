"""Taylor polynomials and their function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autodiff.calculus import taylor
from autodiff.errors import DomainError
from autodiff.plotting.sampling import frame, heights, interval_of, number
from autodiff.plotting.style import GREY, PALETTE, Axes, Figure, axes_of
from autodiff.transforms.recording import Function

_DASHES = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)))


def taylor_polynomials(
    f: Function,
    x0: float,
    orders: Sequence[int] = (1, 2, 3, 5),
    *,
    interval: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Plot a function and its Taylor polynomials about a point.

    Parameters
    ----------
    f : callable
        A function of an array of points, elementwise.
    x0 : float
        The point of expansion.
    orders : sequence of int, default (1, 2, 3, 5)
        The orders of the polynomials; at most six.
    interval : (float, float), optional
        The interval to show; 3 on either side of `x0` if not given.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The coefficients are those of ``ad.taylor``.

    Raises
    ------
    DomainError
        If a coefficient is not finite.
    ValueError
        If `orders` are not one to six integers, 0 or more.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> figure = ad.plotting.taylor_polynomials(np.exp, 0.0, [1, 2])
    >>> x, y = figure.axes[0].lines[1].get_data()
    >>> np.allclose(y, 1 + x)
    True
    """
    x0 = number("taylor_polynomials", "x0", x0)
    wanted = list(orders) if np.iterable(orders) else [orders]
    if not 1 <= len(wanted) <= 6 or any(not isinstance(k, (int, np.integer)) or k < 0 for k in wanted):
        raise ValueError(f"taylor_polynomials: orders must be one to six integers, 0 or more; {orders!r} was given.")
    shown = interval_of("taylor_polynomials", (x0 - 3, x0 + 3) if interval is None else interval)
    x = np.linspace(*shown, 401)
    y = heights("taylor_polynomials", f, x)
    with np.errstate(all="ignore"):
        coefficients = np.asarray(taylor(f, x0, max(wanted)), float)
    if not np.isfinite(coefficients).all():
        k = int(np.flatnonzero(~np.isfinite(coefficients))[0])
        raise DomainError(
            f"taylor_polynomials: the coefficient of order {k} at x0 = {x0:g} is {coefficients[k]}; choose a point "
            "where f is smooth."
        )
    ax = axes_of(ax, figsize=(6.4, 4.4))
    ax.plot(x, y, color="black", linewidth=2.2, label="f")
    for k, colour, dash in zip(wanted, PALETTE, _DASHES, strict=False):
        polynomial = np.polynomial.polynomial.polyval(x - x0, coefficients[: k + 1])
        ax.plot(x, polynomial, color=colour, linestyle=dash, linewidth=1.6, label=f"order {k}")
    ax.plot([x0], [coefficients[0]], color=GREY, marker="o", linestyle="none", zorder=4)
    frame(ax, shown, y, float(coefficients[0]))
    ax.set_title(f"Taylor polynomials at x0 = {x0:.4g}", fontsize=10)
    ax.legend(fontsize=9)
    return ax.figure
