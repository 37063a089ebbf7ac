"""Plots for calculus, drawn with Matplotlib (the extra ``plot``), and the style that all plots share.

Each function returns the Figure it drew on; those that fill a single Axes take ``ax=``.
"""

from __future__ import annotations

from typing import Any

from autodiff import names as _names
from autodiff.plotting.fields import gradient_field, vector_field
from autodiff.plotting.loops import green_theorem
from autodiff.plotting.polynomials import taylor_polynomials
from autodiff.plotting.style import Film
from autodiff.plotting.sums import riemann
from autodiff.plotting.surfaces import directional_derivative
from autodiff.plotting.tangents import secant_film, secant_to_tangent, tangent

__all__ = [
    "Film",
    "directional_derivative",
    "gradient_field",
    "green_theorem",
    "riemann",
    "secant_film",
    "secant_to_tangent",
    "tangent",
    "taylor_polynomials",
    "vector_field",
]


def __getattr__(name: str) -> Any:
    """Say what a name of another library is called here."""
    raise _names.not_in_module("autodiff.plotting", name, _row_of, __all__)


def _row_of(name: str) -> _names.Row | None:
    from autodiff.names.tables import of_plotting

    return of_plotting(name)
