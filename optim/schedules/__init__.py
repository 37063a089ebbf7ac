"""Learning rate schedules, with torch's formulas."""

from optim.schedules.combining import ChainedSchedule, SequentialSchedule
from optim.schedules.cosine import CosineDecay, CosineRestarts, OneCycle
from optim.schedules.decays import ExponentialDecay, LinearWarmup, MultiStepDecay, StepDecay
from optim.schedules.plateau import ReduceOnPlateau
from optim.schedules.schedule import Schedule

__all__ = [
    "ChainedSchedule",
    "CosineDecay",
    "CosineRestarts",
    "ExponentialDecay",
    "LinearWarmup",
    "MultiStepDecay",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "SequentialSchedule",
    "StepDecay",
]
