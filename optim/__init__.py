"""Optimisers: from gradients, or curvature, to the next parameters."""

from optim.adagrad import AdaGrad
from optim.adam import Adam, AdamW
from optim.clipping import clip_grad_norm, clip_grad_value
from optim.descent import GradientDescent, Momentum
from optim.gauss_newton import GaussNewton
from optim.lbfgs import LBFGS
from optim.newton import Newton, NewtonReport
from optim.optimizer import Optimizer
from optim.rmsprop import RMSProp
from optim.schedules import (
    ChainedSchedule,
    CosineDecay,
    CosineRestarts,
    ExponentialDecay,
    LinearWarmup,
    MultiStepDecay,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    SequentialSchedule,
    StepDecay,
)

__all__ = [
    "AdaGrad",
    "Adam",
    "AdamW",
    "ChainedSchedule",
    "CosineDecay",
    "CosineRestarts",
    "ExponentialDecay",
    "GaussNewton",
    "GradientDescent",
    "LBFGS",
    "LinearWarmup",
    "Momentum",
    "MultiStepDecay",
    "Newton",
    "NewtonReport",
    "OneCycle",
    "Optimizer",
    "RMSProp",
    "ReduceOnPlateau",
    "Schedule",
    "SequentialSchedule",
    "StepDecay",
    "clip_grad_norm",
    "clip_grad_value",
]
