"""What all optimisers share: the parameters' flat home, their state, and going over both in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import flat

Vector = np.ndarray[Any, np.dtype[Any]]
Settings = tuple[Any, ...]

BLOCK = 16384
"""Entries updated at a time, so that the vectors of a long update stay in the cache between its calls."""


class Optimizer:
    """Base of the optimisers that update from gradients alone.

    A subclass names its state vectors and gives three things: the `settings` of a step, the `update` as
    one plain-NumPy function, and `update_in_place`, the same numbers without new arrays. Both see real
    vectors: of complex parameters the real and imaginary parts, as torch does it.

    Parameters
    ----------
    parameters : iterable of Tensor
        Tracked leaves, such as ``model.parameters()``.
    learning_rate : float

    Attributes
    ----------
    learning_rate : float
        May be changed between steps.
    """

    state_names: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[ad.Tensor], learning_rate: float) -> None:
        self.learning_rate = checked("learning_rate", learning_rate, 0.0, open_high=True)
        self._runs = flat.house(parameters)
        self._state = [{name: np.zeros_like(run.values) for name in self.state_names} for run in self._runs]
        self._steps = [[0] * len(run.parameters) for run in self._runs]
        self._vectors = [
            [_real_view(v) for v in (run.values, run.gradients, *state.values())]
            for run, state in zip(self._runs, self._state, strict=True)
        ]
        self._scratch = [np.empty(min(BLOCK, vectors[0].size), vectors[0].dtype) for vectors in self._vectors]

    @property
    def parameters(self) -> list[ad.Tensor]:
        """The parameters, each once."""
        return [p for run in self._runs for p in run.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters: each ``grad`` becomes None."""
        for run in self._runs:
            for leaf in run.leaves:
                leaf.grad = None

    def step(self, loss_fn: Callable[[], ad.Tensor] | None = None) -> ad.Tensor | None:
        """Move every parameter that has a gradient; the others keep value and state.

        Parameters
        ----------
        loss_fn : callable, optional
            Given, it is evaluated and differentiated first: ``() -> loss``, a scalar Tensor.

        Returns
        -------
        Tensor or None
            The loss that `loss_fn` returned, before the step.
        """
        loss = None
        if loss_fn is not None:
            self.zero_grad()
            loss = loss_fn()
            loss.backward()
        for run, steps, vectors, scratch in zip(self._runs, self._steps, self._vectors, self._scratch, strict=True):
            dtype = scratch.dtype
            width = 2 if run.values.dtype.kind == "c" else 1
            for first, last in _groups(run, steps):
                # 0-d arrays of the same dtype are the cheapest scalar operands
                settings = tuple([np.array(s, dtype) for s in self.settings(steps[first] + 1)])
                self._sweep(vectors, scratch, run.offsets[first] * width, run.offsets[last] * width, settings)
                for i in range(first, last):
                    steps[i] += 1
                run.mark_changed(first, last)
        return loss

    def _sweep(self, vectors: list[Vector], scratch: Vector, start: int, stop: int, settings: Settings) -> None:
        if stop - start <= BLOCK:
            self.update_in_place(*[v[start:stop] for v in vectors], scratch[: stop - start], settings)
            return
        for i in range(start, stop, BLOCK):
            j = min(i + BLOCK, stop)
            self.update_in_place(*[v[i:j] for v in vectors], scratch[: j - i], settings)

    def settings(self, step: int) -> tuple[float, ...]:
        """The numbers of step number `step` (from 1), from the options and the learning rate."""
        raise NotImplementedError

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """Parameters, gradients, state and settings to new parameters and state: the method's formula."""
        raise NotImplementedError

    @staticmethod
    def update_in_place(*vectors: Any) -> None:
        """The same: ``(p, g, *state, scratch, settings)``, writing into `p` and the state."""
        raise NotImplementedError

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Vector]:
        """A copy of the state of every parameter, by its number: ``"0.m"``, ``"0.step"``, and the learning rate."""
        out: dict[str, Any] = {"learning_rate": np.array(self.learning_rate)}
        i = 0
        for run, state, steps in zip(self._runs, self._state, self._steps, strict=True):
            for k, p in enumerate(run.parameters):
                out[f"{i}.step"] = np.array(steps[k])
                for name, vector in state.items():
                    out[f"{i}.{name}"] = vector[run.offsets[k] : run.offsets[k + 1]].reshape(p.shape).copy()
                i += 1
        return out

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from a saved state; all of it is checked before anything is changed.

        Raises
        ------
        autodiff.StructureError, autodiff.ShapeError, autodiff.DtypeError, ValueError
            If names, shapes, dtypes or values do not belong to this optimiser.
        """
        mine = self.state_dict()
        missing, unknown = [k for k in mine if k not in saved], [k for k in saved if k not in mine]
        if missing or unknown:
            raise ad.StructureError(
                f"the state does not belong to this {type(self).__name__}: missing {missing or 'nothing'}, unknown "
                f"{unknown or 'nothing'}. Nothing was loaded."
            )
        for key, value in mine.items():
            given = np.asarray(saved[key])
            if given.shape != value.shape:
                raise ad.ShapeError(
                    f"{key}: the state has shape {given.shape}, expected {value.shape}. Nothing was loaded."
                )
            if not np.can_cast(given.dtype, value.dtype, "same_kind"):
                raise ad.DtypeError(
                    f"{key}: the state has dtype {given.dtype}, expected {value.dtype}. Nothing was loaded."
                )
            if not value.ndim and key.endswith(("step", "rate")):
                checked(key, given.item(), 0.0, open_high=True)
        self.learning_rate = float(saved["learning_rate"])
        i = 0
        for run, state, steps in zip(self._runs, self._state, self._steps, strict=True):
            for k in range(len(run.parameters)):
                steps[k] = int(saved[f"{i}.step"])
                for name, vector in state.items():
                    vector[run.offsets[k] : run.offsets[k + 1]] = np.ravel(saved[f"{i}.{name}"])
                i += 1

    def __repr__(self) -> str:
        count = sum(run.values.size for run in self._runs)
        owned = f"{count} numbers in {len(self.parameters)} parameters"
        return f"{type(self).__name__}({owned}, learning_rate={self.learning_rate})"


def _real_view(v: Vector) -> Vector:
    return v.view(v.real.dtype) if v.dtype.kind == "c" else v


def _groups(run: flat.Run, steps: list[int]) -> list[tuple[int, int]]:
    """Ranges of neighbouring parameters that have a gradient and have made the same number of steps."""
    n = len(run.leaves)
    if run.has_all_gradients() and steps.count(steps[0]) == n:
        return [(0, n)]
    groups: list[tuple[int, int]] = []
    for i, leaf in enumerate(run.leaves):
        if leaf.grad is None:
            continue
        if groups and groups[-1][1] == i and steps[i] == steps[i - 1]:
            groups[-1] = (groups[-1][0], i + 1)
        else:
            groups.append((i, i + 1))
    return groups


def checked(
    what: str, value: float, low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = False
) -> float:
    """An option of an optimiser as a float, refused when the object is built rather than at step 1000."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be a number; {value!r} was given.") from None
    if not low <= number <= high or (open_low and number == low) or (open_high and number == high):
        raise ValueError(f"{what} must be between {low} and {high}; {value!r} was given.")
    return number
