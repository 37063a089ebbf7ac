"""Plots of optimisation, drawn with Matplotlib (the extra ``plot``).

A path is a result of `optim.minimize` or its history, the points of `optim.gradient_descent`, or any array (n, 2); a
dict holds several paths by name. Each function returns the Figure it drew on; those that fill a single Axes take
``ax=``.
"""

from __future__ import annotations

from typing import Any

from autodiff import names as _names
from optim.plotting.contours import contours
from optim.plotting.courses import courses
from optim.plotting.curvature import critical_points, hessian_ellipses
from optim.plotting.films import film
from optim.plotting.rates import learning_rates
from optim.plotting.surfaces import surface

__all__ = [
    "contours",
    "courses",
    "critical_points",
    "film",
    "hessian_ellipses",
    "learning_rates",
    "surface",
]


def __getattr__(name: str) -> Any:
    """Say what a name of another library is called here."""
    raise _names.not_in_module("optim.plotting", name, _row_of, __all__)


def _row_of(name: str) -> _names.Row | None:
    from optim.names import of_plotting

    return of_plotting(name)
