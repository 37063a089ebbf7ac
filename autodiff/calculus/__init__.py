"""Calculus: fields and their operators, differentiable integrals, curves, surfaces and the theorems on them.

Everything is built from the engine's transforms; frequent names are also ``ad.curl``, ``ad.integrate`` and so on.
"""

from autodiff.calculus import theorems
from autodiff.calculus.comparisons import Comparison
from autodiff.calculus.coordinates import to_cartesian
from autodiff.calculus.curves import arc_length, curvature, line_integral
from autodiff.calculus.differences import (
    Extrapolation,
    difference_error,
    difference_weights,
    finite_difference,
    richardson,
)
from autodiff.calculus.fields import curl, divergence, gradient_field, jacobian_field, laplacian, vector_laplacian
from autodiff.calculus.integrals import antiderivative, integrate
from autodiff.calculus.odes import gradient_flow, odeint
from autodiff.calculus.potentials import Finding, is_conservative, is_solenoidal, potential
from autodiff.calculus.regions import Region
from autodiff.calculus.samples import cumulative_integral, riemann_error, riemann_sum, simpson, trapezoid
from autodiff.calculus.series import radius_of_convergence, remainder, taylor, taylor_coefficients
from autodiff.calculus.surfaces import flux, surface_area, surface_integral

__all__ = [
    "Comparison",
    "Extrapolation",
    "Finding",
    "Region",
    "antiderivative",
    "arc_length",
    "cumulative_integral",
    "curl",
    "curvature",
    "difference_error",
    "difference_weights",
    "divergence",
    "finite_difference",
    "flux",
    "gradient_field",
    "gradient_flow",
    "integrate",
    "is_conservative",
    "is_solenoidal",
    "jacobian_field",
    "laplacian",
    "line_integral",
    "odeint",
    "potential",
    "radius_of_convergence",
    "remainder",
    "richardson",
    "riemann_error",
    "riemann_sum",
    "simpson",
    "surface_area",
    "surface_integral",
    "taylor",
    "taylor_coefficients",
    "theorems",
    "to_cartesian",
    "trapezoid",
    "vector_laplacian",
]
