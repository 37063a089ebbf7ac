"""L-BFGS: curvature from the last steps, and a line search for the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from autodiff.solvers import LimitedMemory, strong_wolfe
from optim.optimizers.closures import ClosureOptimizer, Vector
from optim.options import Check, Saved, checked, whole

LossFunction = Callable[[], ad.Tensor]


class LBFGS(ClosureOptimizer):
    """L-BFGS: quasi-Newton steps from the last few changes of the gradient, each with a line search.

    Parameters
    ----------
    parameters : iterable of Tensor
        Tracked leaves, such as ``model.parameters()``; float64 is advisable.
    learning_rate : float, default 1.0
        The step that each line search tries first, at most 1.
    max_iter : int, default 20
        The largest number of iterations in one call of `step`.
    max_evaluations : int, optional
        The largest number of evaluations of the loss in one call; 5/4 of `max_iter` if not given.
    tolerance_grad : float, default 1e-7
        The iterations stop once no entry of the gradient is larger.
    tolerance_change : float, default 1e-9
        The iterations stop once neither the loss nor any parameter changes by more.
    history_size : int, default 100
        The number of pairs of steps and gradient changes to keep; each vector has the size of all parameters.

    Notes
    -----
    The loss must be the same function throughout a call, and should be the same in later calls: full batches, no
    dropout. ``.grad`` does not change.

    A step is ``p <- p - a H g``, where a comes from the line search and H approximates the inverse Hessian.

    References
    ----------
    D. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization", Math. Program. 45 (1989);
    the options and their defaults are torch's.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([3.0, -4.0], requires_grad=True)
    >>> optimizer = optim.LBFGS([w])
    >>> loss = optimizer.step(lambda: ((w - 1.0) ** 4).sum())
    >>> round(loss.item()), w.data.round(1)
    (641, array([1., 1.]))
    """

    any_shape = ("steps", "changes")
    kept_options: ClassVar[Mapping[str, Check]] = {
        "max_iter": partial(whole, low=1),
        "max_evaluations": partial(whole, low=1),
        "tolerance_grad": partial(checked, low=0.0),
        "tolerance_change": partial(checked, low=0.0),
    }

    def __init__(
        self,
        parameters: Iterable[ad.Tensor],
        learning_rate: float = 1.0,
        *,
        max_iter: int = 20,
        max_evaluations: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
    ) -> None:
        self.max_iter = whole("max_iter", max_iter, 1)
        self.max_evaluations = (
            self.max_iter * 5 // 4 if max_evaluations is None else whole("max_evaluations", max_evaluations, 1)
        )
        self.tolerance_grad = checked("tolerance_grad", tolerance_grad, 0.0)
        self.tolerance_change = checked("tolerance_change", tolerance_change, 0.0)
        self.memory = LimitedMemory(whole("history_size", history_size, 1))
        super().__init__(parameters, learning_rate)

    def step(self, loss_fn: Callable[[], ad.Tensor] | None = None) -> ad.Tensor:
        """Run up to `max_iter` iterations.

        Parameters
        ----------
        loss_fn : callable
            ``() -> loss``, a scalar Tensor computed from the parameters. It is called once at the start and once for
            each trial of the line searches.

        Returns
        -------
        Tensor
            The loss before the step.
        """
        loss_fn = self._function(loss_fn, "to evaluate it along the line")
        loss = self._evaluated(loss_fn)
        g = self._gradient(loss)
        value = float(loss.item())
        here = self._position()
        evaluations = 1
        try:
            for _ in range(self.max_iter):
                largest = float(np.abs(g).max(initial=0.0))
                if not self.tolerance_grad < largest < np.inf or evaluations >= self.max_evaluations:
                    break
                direction = -self.memory.apply(g)
                slope = float(g @ direction)
                if not slope < 0.0:
                    self.memory.forget()
                    direction = -g
                    slope = float(g @ direction)
                first = self.learning_rate
                if not self.memory.steps:
                    first *= min(1.0, 1.0 / float(np.abs(g).sum()))
                trials: dict[float, Vector] = {}

                found = strong_wolfe(
                    partial(self._along, loss_fn, here, direction, trials),
                    value,
                    slope,
                    first,
                    max_evaluations=self.max_evaluations - evaluations,
                    slack=float(np.finfo(loss.dtype).eps) ** 0.8 * abs(value),
                )
                evaluations += found.evaluations
                if not found.step:
                    self.memory.forget()
                    break
                self._move(here, found.step * direction)
                here = self._position()
                self.memory.remember(found.step * direction, trials[found.step] - g)
                change, value, g = abs(found.value - value), found.value, trials[found.step]
                if max(change, found.step * float(np.abs(direction).max())) <= self.tolerance_change:
                    break
        finally:
            self._move(here, np.zeros(self._size, g.dtype))
        return loss

    def _along(
        self, loss_fn: LossFunction, origin: list[Vector], d: Vector, trials: dict[float, Vector], a: float
    ) -> tuple[float, float]:
        """Loss and slope at ``origin + a d``; stores the gradient there in `trials`."""
        self._move(origin, a * d)
        loss = loss_fn()
        trials[a] = self._gradient(loss)
        return float(loss.item()), float(trials[a] @ d)

    def state_dict(self) -> dict[str, Vector]:
        """The options but for `history_size`, and the pairs as ``(k, n)`` arrays ``"steps"`` and ``"changes"``."""
        pairs = {"steps": self.memory.steps, "changes": self.memory.changes}
        empty = np.zeros((0, self._size))
        return {**super().state_dict(), **{k: np.array(v) if v else empty for k, v in pairs.items()}}

    def _checked_state(self, saved: Mapping[str, Any]) -> Saved:
        found = super()._checked_state(saved)
        steps, changes = found["steps"], found["changes"]
        if steps.shape != changes.shape or steps.ndim != 2 or steps.shape[1] != self._size:
            raise ad.ShapeError(
                f"the state has steps of shape {steps.shape} and changes of shape {changes.shape}; both must be "
                f"(k, {self._size}). Nothing was loaded."
            )
        if not ((steps * changes).sum(axis=1) > 0).all():
            raise ValueError(
                "the state has a step whose change of the gradient shows no positive curvature. Nothing was loaded."
            )
        return found

    def _load(self, saved: Saved) -> None:
        newest = slice(-self.memory.size, None)
        self.memory.steps = list(saved["steps"][newest].copy())
        self.memory.changes = list(saved["changes"][newest].copy())
        super()._load(saved)

    def __repr__(self) -> str:
        return f"LBFGS({self._size} numbers, {len(self.memory.steps)} of {self.memory.size} pairs kept)"
