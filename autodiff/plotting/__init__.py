"""Plots for calculus, drawn with Matplotlib (the extra ``plot``), and the style that all plots share.

Each function returns the Figure it drew on; those that fill a single Axes take ``ax=``.
"""

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
