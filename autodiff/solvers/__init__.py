"""Iterative methods on flat arrays. They need products with a matrix, never the matrix itself."""

from autodiff.solvers.conjugate_gradient import CGResult, conjugate_gradient
from autodiff.solvers.krylov_region import krylov_step
from autodiff.solvers.lanczos import Eigenpair, smallest_eigenvalue
from autodiff.solvers.limited_memory import LimitedMemory
from autodiff.solvers.line_search import LineSearchResult, backtracking, strong_wolfe
from autodiff.solvers.raveling import ravel
from autodiff.solvers.tracked import is_being_differentiated
from autodiff.solvers.trust_region import TrustRegionStep, steihaug, updated_radius
from autodiff.transforms.calling import called

__all__ = [
    "CGResult",
    "Eigenpair",
    "LimitedMemory",
    "LineSearchResult",
    "TrustRegionStep",
    "backtracking",
    "called",
    "conjugate_gradient",
    "is_being_differentiated",
    "krylov_step",
    "ravel",
    "smallest_eigenvalue",
    "steihaug",
    "strong_wolfe",
    "updated_radius",
]
