"""Several schedules for one optimiser: at the same time, or one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from optim.options import whole
from optim.schedules.plateau import ReduceOnPlateau
from optim.schedules.schedule import Schedule


class ChainedSchedule(Schedule):
    """All schedules at the same time: ``rate = initial * f_1(t) * f_2(t)``, where f is each one's factor.

    Parameters
    ----------
    schedules : sequence of Schedule
        Schedules of one optimiser. Call `step` only on the combined schedule.

    References
    ----------
    torch's ``ChainedScheduler``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> warmup = optim.LinearWarmup(optimizer, n_steps=2, start_factor=0.5)
    >>> decay = optim.ExponentialDecay(optimizer, gamma=0.5)
    >>> schedule = optim.ChainedSchedule([warmup, decay])
    >>> [schedule.rate(t, 1.0) for t in range(4)]
    [0.5, 0.375, 0.25, 0.125]
    """

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self.schedules = _checked(type(self).__name__, schedules)
        super().__init__(self.schedules[0].optimizer)

    def rate(self, count: int, initial: float) -> float:
        product = initial
        for schedule in self.schedules:
            product *= schedule.rate(count, initial) / initial if initial else 0.0
        return product

    def momentum(self, count: int) -> float | None:
        return next((m for s in self.schedules if (m := s.momentum(count)) is not None), None)


class SequentialSchedule(Schedule):
    """One schedule after another, each starting from its own step 0: ``rate(t) = rate_k(t - milestone_k)``.

    Parameters
    ----------
    schedules : sequence of Schedule
        Schedules of one optimiser. Call `step` only on the combined schedule.
    milestones : sequence of int
        The steps at which the second, third, ... schedule begins.

    Raises
    ------
    ValueError
        If there is not one milestone for each schedule but the first, in ascending order.

    References
    ----------
    torch's ``SequentialLR``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> warmup = optim.LinearWarmup(optimizer, n_steps=2, start_factor=0.5)
    >>> decay = optim.ExponentialDecay(optimizer, gamma=0.5)
    >>> schedule = optim.SequentialSchedule([warmup, decay], milestones=[2])
    >>> [schedule.rate(t, 1.0) for t in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(self, schedules: Sequence[Schedule], milestones: Iterable[int]) -> None:
        self.schedules = _checked(type(self).__name__, schedules)
        self.milestones = [whole("milestones", m, 1) for m in milestones]
        if len(self.milestones) != len(self.schedules) - 1 or sorted(set(self.milestones)) != self.milestones:
            raise ValueError(
                f"milestones must be {len(self.schedules) - 1} increasing steps, one for each schedule but the first; "
                f"{self.milestones} was given."
            )
        super().__init__(self.schedules[0].optimizer)

    def _turn(self, count: int) -> tuple[Schedule, int]:
        i = bisect_right(self.milestones, count)
        return self.schedules[i], count - (self.milestones[i - 1] if i else 0)

    def rate(self, count: int, initial: float) -> float:
        schedule, since = self._turn(count)
        return schedule.rate(since, initial)

    def momentum(self, count: int) -> float | None:
        schedule, since = self._turn(count)
        return schedule.momentum(since)


def _checked(who: str, schedules: Sequence[Schedule]) -> list[Schedule]:
    found = list(schedules)
    if not found:
        raise ValueError(f"{who} needs at least one schedule; the sequence is empty.")
    for i, schedule in enumerate(found):
        if not isinstance(schedule, Schedule):
            raise TypeError(f"{who}: schedules[{i}] is a {type(schedule).__name__}; give schedules, such as StepDecay.")
        if isinstance(schedule, ReduceOnPlateau):
            raise TypeError(
                f"{who}: schedules[{i}] is a ReduceOnPlateau, whose rate depends on values and not only on the step. "
                "Step it separately."
            )
        if schedule.optimizer is not found[0].optimizer:
            raise ValueError(f"{who}: schedules[{i}] has another optimiser than schedules[0]; they must share one.")
    return found
