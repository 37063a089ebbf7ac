"""Iterative methods on flat arrays: they know products with a matrix, never the matrix."""

from autodiff.solvers.conjugate_gradient import CGResult, conjugate_gradient
from autodiff.solvers.trust_region import TrustRegionStep, steihaug, updated_radius

__all__ = ["CGResult", "TrustRegionStep", "conjugate_gradient", "steihaug", "updated_radius"]
