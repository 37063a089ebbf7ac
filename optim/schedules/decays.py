"""Rates that decay in steps or by a constant factor, and the warm-up before them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from optim.options import checked, whole
from optim.schedules.schedule import Schedule


class StepDecay(Schedule):
    """Multiply the rate by `gamma` every `step_size` steps: ``rate = initial * gamma ** (t // step_size)``.

    Parameters
    ----------
    optimizer : optimiser
    step_size : int
    gamma : float, default 0.1

    References
    ----------
    torch's ``StepLR``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> schedule, rates = optim.StepDecay(optimizer, step_size=2, gamma=0.5), []
    >>> for _ in range(5):
    ...     rates.append(optimizer.learning_rate)
    ...     schedule.step()
    >>> rates
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Any, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = whole("step_size", step_size, 1)
        self.gamma = checked("gamma", gamma, 0.0, open_high=True)
        super().__init__(optimizer)

    def rate(self, count: int, initial: float) -> float:
        return initial * self.gamma ** (count // self.step_size)


class MultiStepDecay(Schedule):
    """Multiply the rate by `gamma` at each of the given steps: ``rate = initial * gamma**k`` after k of them.

    Parameters
    ----------
    optimizer : optimiser
    milestones : iterable of int
        In any order; a step that appears twice counts twice.
    gamma : float, default 0.1

    References
    ----------
    torch's ``MultiStepLR``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> schedule = optim.MultiStepDecay(optimizer, [2, 3], gamma=0.5)
    >>> [schedule.rate(t, 1.0) for t in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Any, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(whole("milestones", m, 0) for m in milestones)
        self.gamma = checked("gamma", gamma, 0.0, open_high=True)
        super().__init__(optimizer)

    def rate(self, count: int, initial: float) -> float:
        return initial * self.gamma ** bisect_right(self.milestones, count)


class ExponentialDecay(Schedule):
    """Multiply the rate by `gamma` at every step: ``rate = initial * gamma ** t``.

    Parameters
    ----------
    optimizer : optimiser
    gamma : float

    References
    ----------
    torch's ``ExponentialLR``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> schedule = optim.ExponentialDecay(optimizer, gamma=0.5)
    >>> schedule.step()
    >>> optimizer.learning_rate
    0.5
    """

    def __init__(self, optimizer: Any, gamma: float) -> None:
        self.gamma = checked("gamma", gamma, 0.0, open_high=True)
        super().__init__(optimizer)

    def rate(self, count: int, initial: float) -> float:
        return float(initial * self.gamma**count)


class LinearWarmup(Schedule):
    """Raise the rate from a fraction of its initial value to the full value, in equal steps.

    Parameters
    ----------
    optimizer : optimiser
    n_steps : int, default 5
        The number of steps to the end value, which stays from then on.
    start_factor, end_factor : float, default 1/3 and 1
        Fractions of the initial rate.

    Notes
    -----
    ``rate = initial * (start + (end - start) * min(t, n) / n)``.

    References
    ----------
    P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017), section 2.2; torch's
    ``LinearLR``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> schedule = optim.LinearWarmup(optimizer, n_steps=4, start_factor=0.0)
    >>> [schedule.rate(t, 1.0) for t in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(self, optimizer: Any, n_steps: int = 5, start_factor: float = 1 / 3, end_factor: float = 1.0) -> None:
        self.n_steps = whole("n_steps", n_steps, 1)
        self.start_factor = checked("start_factor", start_factor, 0.0, 1.0)
        self.end_factor = checked("end_factor", end_factor, 0.0, 1.0)
        super().__init__(optimizer)

    def rate(self, count: int, initial: float) -> float:
        done = min(count, self.n_steps) / self.n_steps
        return initial * (self.start_factor + (self.end_factor - self.start_factor) * done)
