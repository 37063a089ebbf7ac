"""Rates that follow a cosine: one decay, decays with restarts, or one cycle up and down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from optim.options import checked, share, whole
from optim.schedules.schedule import Schedule


class CosineDecay(Schedule):
    """The rate falls along half a cosine to `min_rate` in `n_steps` steps; then it rises again, and so on.

    Parameters
    ----------
    optimizer : optimiser
    n_steps : int
    min_rate : float, default 0.0

    Notes
    -----
    ``rate = min + (initial - min) (1 + cos(pi t / n)) / 2``.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5; torch's
    ``CosineAnnealingLR``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> schedule = optim.CosineDecay(optimizer, n_steps=4)
    >>> [round(schedule.rate(t, 1.0), 4) for t in range(5)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    def __init__(self, optimizer: Any, n_steps: int, min_rate: float = 0.0) -> None:
        self.n_steps = whole("n_steps", n_steps, 1)
        self.min_rate = checked("min_rate", min_rate, 0.0, open_high=True)
        super().__init__(optimizer)

    def rate(self, count: int, initial: float) -> float:
        return _between(initial, self.min_rate, count / self.n_steps)


class CosineRestarts(Schedule):
    """The rate falls along half a cosine, jumps back to its initial value, and falls again, in cycles.

    Parameters
    ----------
    optimizer : optimiser
    n_steps : int
        Number of steps in the first cycle.
    growth : int, default 1
        Factor by which every cycle is longer than the previous one.
    min_rate : float, default 0.0

    Notes
    -----
    Within a cycle of n steps ``rate = min + (initial - min) (1 + cos(pi t / n)) / 2``.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5; torch's
    ``CosineAnnealingWarmRestarts``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> schedule = optim.CosineRestarts(optimizer, n_steps=2, growth=2)
    >>> [round(schedule.rate(t, 1.0), 4) for t in range(7)]
    [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]
    """

    def __init__(self, optimizer: Any, n_steps: int, growth: int = 1, min_rate: float = 0.0) -> None:
        self.n_steps = whole("n_steps", n_steps, 1)
        self.growth = whole("growth", growth, 1)
        self.min_rate = checked("min_rate", min_rate, 0.0, open_high=True)
        super().__init__(optimizer)

    def rate(self, count: int, initial: float) -> float:
        length = self.n_steps
        if self.growth == 1:
            count %= length
        while count >= length:
            count -= length
            length *= self.growth
        return _between(initial, self.min_rate, count / length)


class OneCycle(Schedule):
    """The rate rises to a maximum and falls to almost 0; the momentum moves in the opposite direction.

    Parameters
    ----------
    optimizer : optimiser
    max_rate : float, or one for each group
    total_steps : int
        The rate of step ``total_steps - 1`` is the last, and stays from then on.
    rising_share : float, default 0.3
        The fraction of the steps in which the rate rises.
    shape : {"cos", "linear"}
    cycle_momentum : bool, default True
        Whether to move ``momentum``, or the first of ``betas``, from `max_momentum` to `base_momentum` and back.
    base_momentum, max_momentum : float, default 0.85 and 0.95
    div_factor : float, default 25.0
        The cycle begins at ``max_rate / div_factor``.
    final_div_factor : float, default 1e4
        The cycle ends at the initial rate divided by ``final_div_factor``.
    three_phase : bool, default False
        Whether the rate first falls back to the initial one, in as many steps as it rose, and then to the final one.

    Raises
    ------
    ValueError
        If `shape` is unknown, `max_rate` does not have one entry for each group, or there is no momentum to cycle.

    Notes
    -----
    With ``shape="cos"`` each part goes from a to b as ``b + (a - b) (1 + cos(pi s)) / 2``, for s from 0 to 1.

    References
    ----------
    L. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2017);
    torch's ``OneCycleLR``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)])
    >>> schedule, rates = optim.OneCycle(optimizer, max_rate=1.0, total_steps=10), []
    >>> for _ in range(10):
    ...     rates.append(round(optimizer.learning_rate, 3))
    ...     schedule.step()
    >>> rates
    [0.04, 0.52, 1.0, 0.95, 0.812, 0.611, 0.389, 0.188, 0.05, 0.0]
    """

    def __init__(
        self,
        optimizer: Any,
        max_rate: float | Sequence[float],
        total_steps: int,
        *,
        rising_share: float = 0.3,
        shape: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        self.total_steps = whole("total_steps", total_steps, 1)
        self.rising_share = checked("rising_share", rising_share, 0.0, 1.0)
        if shape not in ("cos", "linear"):
            raise ValueError(f'shape must be "cos" or "linear"; {shape!r} was given.')
        self.shape = shape
        self.cycle_momentum = bool(cycle_momentum)
        self.base_momentum = share("base_momentum", base_momentum)
        self.max_momentum = share("max_momentum", max_momentum)
        self.div_factor = checked("div_factor", div_factor, 0.0, open_low=True)
        self.final_div_factor = checked("final_div_factor", final_div_factor, 0.0, open_low=True)
        groups = getattr(optimizer, "groups", None) or [optimizer]
        rates = [max_rate] * len(groups) if isinstance(max_rate, (int, float)) else list(max_rate)
        if len(rates) != len(groups):
            raise ValueError(f"max_rate has {len(rates)} entries for {len(groups)} groups; give one, or one for each.")
        self._begin = [checked("max_rate", rate, 0.0, open_high=True) / self.div_factor for rate in rates]
        if self.cycle_momentum and not all(hasattr(group, "momentum") or hasattr(group, "betas") for group in groups):
            raise ValueError(
                f"OneCycle: {type(optimizer).__name__} has neither momentum nor betas to cycle; give "
                "cycle_momentum=False."
            )
        # (last step, rates at its start and end, momenta likewise); rates are multiples of the initial one
        top, bottom, low, high = self.div_factor, 1 / self.final_div_factor, self.base_momentum, self.max_momentum
        rise, last = self.rising_share * self.total_steps - 1.0, self.total_steps - 1.0
        self._phases = [(rise, 1.0, top, high, low), (last, top, bottom, low, high)]
        if three_phase:
            back = 2 * self.rising_share * self.total_steps - 2.0
            self._phases[1:] = [(back, top, 1.0, low, high), (last, 1.0, bottom, high, high)]
        super().__init__(optimizer)

    def _first_rate(self, i: int, group: Any) -> float:
        return self._begin[i]

    def rate(self, count: int, initial: float) -> float:
        done, (_, start, end, _, _) = self._phase(count)
        return self._between(start * initial, end * initial, done)

    def momentum(self, count: int) -> float | None:
        if not self.cycle_momentum:
            return None
        done, (_, _, _, start, end) = self._phase(count)
        return self._between(start, end, done)

    def _phase(self, count: int) -> tuple[float, tuple[float, ...]]:
        """The finished fraction of the phase at step `count`, and the phase."""
        begin = 0.0
        for phase in self._phases[:-1]:
            if count <= phase[0]:
                return (count - begin) / ((phase[0] - begin) or 1.0), phase
            begin = phase[0]
        phase = self._phases[-1]
        return min(1.0, (count - begin) / ((phase[0] - begin) or 1.0)), phase

    def _between(self, start: float, end: float, done: float) -> float:
        return _between(start, end, done) if self.shape == "cos" else start + (end - start) * done


def _between(start: float, end: float, done: float) -> float:
    """The value between `start` and `end` at the fraction `done` of half a cosine."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * done))
