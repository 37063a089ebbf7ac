"""The methods of `optim.minimize`: each is a generator of moves from a point, and ends when it finds no more."""

from optim.minima.methods.first_order import adam_steps, gradient_steps, momentum_steps
from optim.minima.methods.least_squares import gauss_newton_steps
from optim.minima.methods.line_searches import bfgs_steps, conjugate_steps, lbfgs_steps
from optim.minima.methods.move import Move
from optim.minima.methods.trust_regions import newton_cg_steps, trust_krylov_steps

__all__ = [
    "Move",
    "adam_steps",
    "bfgs_steps",
    "conjugate_steps",
    "gauss_newton_steps",
    "gradient_steps",
    "lbfgs_steps",
    "momentum_steps",
    "newton_cg_steps",
    "trust_krylov_steps",
]
