"""The base of all schedules: a learning rate for every step, set in the optimiser, and a state to resume from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import autodiff as ad
from optim.named import Named
from optim.options import Saved, checked, fitting


class Schedule(Named):
    """Base of the schedules: a subclass defines the `rate` of each step.

    Creating a schedule sets the rate of step 0; each call of `step` advances by one. The caller decides what a step is:
    a batch or an epoch.

    Parameters
    ----------
    optimizer : optimiser
        Any object with a ``learning_rate``, or with ``groups`` that have one. Several schedules of one optimiser start
        from the rate before the first of them, unless the rate has been set by hand since then.

    Attributes
    ----------
    count : int
        Number of calls of `step` so far.
    initial : list of float
        The initial rate of each group.
    watches : bool
        Whether `step` needs a value to watch.

    Raises
    ------
    TypeError
        If `optimizer` has no ``learning_rate`` to set.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> class Halved(optim.Schedule):
    ...     def rate(self, step, base):
    ...         return base * 0.5**step
    >>> optimizer = optim.GradientDescent([ad.tensor(1.0, requires_grad=True)], learning_rate=0.8)
    >>> schedule = Halved(optimizer)
    >>> schedule.step()
    >>> optimizer.learning_rate
    0.4
    """

    watches = False
    called = "optim.{name}(optimizer, {keywords})"
    answers = "SCHEDULE"

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        for group in self._groups:
            if not hasattr(group, "learning_rate"):
                raise TypeError(
                    f"{type(self).__name__} needs an optimiser with a learning_rate to set; a "
                    f"{type(optimizer).__name__} was given."
                )
        self.initial = [self._first_rate(i, group) for i, group in enumerate(self._groups)]
        self.count = 0
        self._apply()

    @property
    def _groups(self) -> list[Any]:
        return getattr(self.optimizer, "groups", None) or [self.optimizer]

    @property
    def rates(self) -> list[float]:
        """The current learning rates, one for each group."""
        return [float(group.learning_rate) for group in self._groups]

    def rate(self, count: int, initial: float) -> float:
        """The learning rate after `count` steps of a group with the initial rate `initial`."""
        raise NotImplementedError

    def momentum(self, count: int) -> float | None:
        """The momentum after `count` steps; None if it does not change."""
        return None

    def step(self, value: float | None = None) -> None:
        """Advance by one step and set the rates.

        Parameters
        ----------
        value : float, optional
            The watched value, such as the validation loss; only `ReduceOnPlateau` uses it.
        """
        if value is None:
            ad.effect(self._advance)
        else:
            ad.check(self._advance, value)

    def _advance(self, value: Any = None) -> None:
        """Advance by one step; a compiled function does this at every call."""
        self.count += 1
        self._apply()

    def _first_rate(self, i: int, group: Any) -> float:
        known = getattr(group, "scheduled", None)
        rate = float(group.learning_rate)
        return float(known[0]) if known is not None and known[1] == rate else rate

    def _apply(self) -> None:
        """Set the rates and the momentum of the current step."""
        self._set([self.rate(self.count, initial) for initial in self.initial], self.momentum(self.count))

    def _set(self, rates: list[float], momentum: float | None = None) -> None:
        for group, rate, initial in zip(self._groups, rates, self.initial, strict=True):
            group.learning_rate = rate
            group.scheduled = (initial, rate)
            if momentum is None:
                continue
            if hasattr(group, "momentum"):
                group.momentum = momentum
            else:
                group.betas = (momentum, group.betas[1])

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """A copy of the count and of the rates, as arrays."""
        return {"count": np.array(self.count), "initial": np.array(self.initial), "rates": np.array(self.rates)}

    def check_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Raise the errors that `load_state_dict` would raise, and change nothing."""
        self._checked_state(saved)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore a saved state, and set the rates in the optimiser. All is checked before anything is changed.

        Raises
        ------
        autodiff.StructureError, autodiff.ShapeError, autodiff.DtypeError, ValueError
            If names, shapes, dtypes or values do not belong to this schedule.
        """
        found = self._checked_state(saved)
        self.count = int(found["count"])
        self.initial = found["initial"].tolist()
        self._load(found)
        self._set(found["rates"].tolist(), self.momentum(self.count))

    def _checked_state(self, saved: Mapping[str, Any]) -> Saved:
        """The saved state as checked arrays, the input of `_load`."""
        found = fitting(self, self.state_dict(), saved)
        for key in ("count", "initial", "rates"):
            for number in found[key].reshape(-1).tolist():
                checked(key, number, 0.0, open_high=True)
        return found

    def _load(self, saved: Saved) -> None:
        """Restore the state that a subclass adds."""

    def __repr__(self) -> str:
        rates = ", ".join(dict.fromkeys(f"{rate:.6g}" for rate in self.rates))
        return f"{type(self).__name__}(step {self.count}, learning_rate={rates})"
