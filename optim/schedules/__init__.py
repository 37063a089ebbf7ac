"""Learning rate schedules, with torch's formulas."""

from __future__ import annotations

from autodiff import names as _names
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


def __getattr__(name: str) -> object:
    """Say what a name of another library is called here."""
    raise _names.not_in_module("optim.schedules", name, _row_of, __all__)


def _row_of(name: str) -> _names.Row | None:
    from optim.names import of_optim

    return of_optim(name)
