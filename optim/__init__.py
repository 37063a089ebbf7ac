"""Optimisers: from gradients, or curvature, to the next parameters."""

from optim.adam import Adam
from optim.descent import GradientDescent, Momentum
from optim.newton import Newton, NewtonReport
from optim.optimizer import Optimizer

__all__ = ["Adam", "GradientDescent", "Momentum", "Newton", "NewtonReport", "Optimizer"]
