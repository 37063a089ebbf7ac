"""A rate that is reduced when a watched value stops improving."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from optim.options import Saved, checked, whole
from optim.schedules.schedule import Schedule


class ReduceOnPlateau(Schedule):
    """Multiply the rate by `factor` whenever a value has not improved for more than `patience` steps.

    Parameters
    ----------
    optimizer : optimiser
    mode : {"min", "max"}
        Whether the value should fall, as a loss, or rise, as an accuracy.
    factor : float, default 0.1
        The factor, below 1.
    patience : int, default 10
    threshold : float, default 1e-4
        The least improvement that counts.
    threshold_mode : {"rel", "abs"}
        Whether `threshold` is relative to the best value, or absolute.
    cooldown : int, default 0
        The number of steps after a reduction that are not counted.
    min_rate : float, default 0.0
    eps : float, default 1e-8
        Reductions by no more than this are skipped.

    Raises
    ------
    ValueError
        If `mode` or `threshold_mode` is unknown.

    Notes
    -----
    A reduction is ``rate <- max(rate * factor, min_rate)``.

    References
    ----------
    K. He et al., "Deep residual learning for image recognition", CVPR 2016, section 3.4, by hand; torch's
    ``ReduceLROnPlateau``.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> optimizer = optim.Adam([ad.tensor(1.0, requires_grad=True)], learning_rate=1.0)
    >>> schedule = optim.ReduceOnPlateau(optimizer, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> optimizer.learning_rate
    0.1
    """

    watches = True

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        *,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_rate: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f'mode must be "min" or "max"; {mode!r} was given.')
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f'threshold_mode must be "rel" or "abs"; {threshold_mode!r} was given.')
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = checked("factor", factor, 0.0, 1.0, open_high=True)
        self.patience = whole("patience", patience, 0)
        self.threshold = checked("threshold", threshold, 0.0)
        self.cooldown = whole("cooldown", cooldown, 0)
        self.min_rate = checked("min_rate", min_rate, 0.0, open_high=True)
        self.eps = checked("eps", eps, 0.0)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_steps = 0
        self.resting = 0
        super().__init__(optimizer)

    def rate(self, count: int, initial: float) -> float:
        return initial

    def step(self, value: float | None = None) -> None:
        """Take note of a value, and reduce the rates if it has not improved for too long.

        Parameters
        ----------
        value : float
            The watched value, such as the validation loss. NaN is not an improvement.
        """
        super().step(value)

    def _advance(self, value: Any = None) -> None:
        if value is None:
            raise TypeError("ReduceOnPlateau.step needs the value that it watches: schedule.step(validation_loss).")
        number = float(value.item() if hasattr(value, "item") else value)
        self.count += 1
        if self._is_better(number):
            self.best, self.bad_steps = number, 0
        else:
            self.bad_steps += 1
        if self.resting:
            self.resting -= 1
            self.bad_steps = 0
        if self.bad_steps > self.patience:
            lower = [max(rate * self.factor, self.min_rate) for rate in self.rates]
            pairs = zip(self.rates, lower, strict=True)
            self._set([new if old - new > self.eps else old for old, new in pairs])
            self.bad_steps, self.resting = 0, self.cooldown

    def _is_better(self, value: float) -> bool:
        if math.isinf(self.best):
            return value < self.best if self.mode == "min" else value > self.best
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1.0)
        return value < self.best - margin if self.mode == "min" else value > self.best + margin

    def state_dict(self) -> dict[str, Any]:
        """A copy of the count, the rates, the best value, and the counters since then."""
        own = {"best": np.array(self.best), "bad_steps": np.array(self.bad_steps), "resting": np.array(self.resting)}
        return {**super().state_dict(), **own}

    def _checked_state(self, saved: Mapping[str, Any]) -> Saved:
        found = super()._checked_state(saved)
        for key in ("bad_steps", "resting"):
            checked(key, found[key].item(), 0.0)
        return found

    def _load(self, saved: Saved) -> None:
        self.best, self.bad_steps, self.resting = float(saved["best"]), int(saved["bad_steps"]), int(saved["resting"])
