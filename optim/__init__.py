"""Optimisers, learning rate schedules, and minimisation of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optim import beside as _beside  # isort: skip  # before anything that would fail without our autodiff
from autodiff import names as _names
from optim.optimizers.adagrad import AdaGrad
from optim.optimizers.adam import Adam, AdamW
from optim.optimizers.clipping import clip_grad_norm, clip_grad_value
from optim.optimizers.descent import GradientDescent, Momentum
from optim.optimizers.gauss_newton import GaussNewton
from optim.optimizers.lbfgs import LBFGS
from optim.optimizers.newton import Newton, NewtonReport
from optim.optimizers.optimizer import Optimizer
from optim.optimizers.rmsprop import RMSProp
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

if TYPE_CHECKING:
    from optim import plotting
    from optim.minima.critical import CriticalPoint, classify_critical_point, critical_points
    from optim.minima.descending import gradient_descent
    from optim.minima.minimizing import MinimizeResult, Record, minimize
    from optim.minima.starting import Basin, MultistartResult, multistart
    from optim.solving import fixed_point, root

__wengert__ = "0.1.0"
_beside.look()

__all__ = [
    "AdaGrad",
    "Adam",
    "AdamW",
    "Basin",
    "ChainedSchedule",
    "CosineDecay",
    "CosineRestarts",
    "CriticalPoint",
    "ExponentialDecay",
    "GaussNewton",
    "GradientDescent",
    "LBFGS",
    "LinearWarmup",
    "MinimizeResult",
    "Momentum",
    "MultiStepDecay",
    "MultistartResult",
    "Newton",
    "NewtonReport",
    "OneCycle",
    "Optimizer",
    "RMSProp",
    "Record",
    "ReduceOnPlateau",
    "Schedule",
    "SequentialSchedule",
    "StepDecay",
    "classify_critical_point",
    "clip_grad_norm",
    "clip_grad_value",
    "critical_points",
    "fixed_point",
    "gradient_descent",
    "minimize",
    "multistart",
    "plotting",
    "root",
]


# Minima and zeros of functions, which no network needs, would make up a sixth of the time that the imports take.
_WHEN_USED = {
    **dict.fromkeys(("CriticalPoint", "classify_critical_point", "critical_points"), "minima.critical"),
    "gradient_descent": "minima.descending",
    **dict.fromkeys(("MinimizeResult", "Record", "minimize"), "minima.minimizing"),
    **dict.fromkeys(("Basin", "MultistartResult", "multistart"), "minima.starting"),
    **dict.fromkeys(("fixed_point", "root"), "solving"),
}


def __getattr__(name: str) -> Any:
    """Load what networks do not need when it is first used; say what a name of another library is called here."""
    import importlib

    if name in _WHEN_USED:
        return getattr(importlib.import_module(f"optim.{_WHEN_USED[name]}"), name)
    if name == "plotting":
        return importlib.import_module("optim.plotting")
    raise _names.not_in_module("optim", name, _row_of, __all__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _row_of(name: str) -> _names.Row | None:
    from optim.names import of_optim

    return of_optim(name)
