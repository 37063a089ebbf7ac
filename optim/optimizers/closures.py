"""The base of optimisers that evaluate the loss themselves: all parameters as one vector, moved and moved back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Never

import numpy as np

import autodiff as ad
from autodiff import flat
from optim.named import Named
from optim.options import Check, Saved, checked, fitting, listed

Vector = np.ndarray[Any, np.dtype[Any]]


class ClosureOptimizer(Named):
    """Base of `Newton`, `GaussNewton` and `LBFGS`: their ``step`` takes the loss as a function.

    Parameters
    ----------
    parameters : iterable of Tensor
        Tracked leaves, such as ``model.parameters()``; real.
    learning_rate : float
        The fraction of each step that is taken, at most 1.

    Attributes
    ----------
    scheduled : tuple of two floats, or None
        Kept by schedules: the learning rate before them, and the one that they set last.
    """

    any_shape: tuple[str, ...] = ()  # entries of the state whose shape varies
    kept_options: ClassVar[Mapping[str, Check]] = {}  # besides the learning rate: part of the state

    def __init__(self, parameters: Iterable[ad.Tensor], learning_rate: float) -> None:
        self.learning_rate = checked("learning_rate", learning_rate, 0.0, 1.0)
        self.scheduled: tuple[float, float] | None = None
        parameters = listed(type(self), parameters)
        for i, p in enumerate(parameters):
            if isinstance(p, Mapping):
                raise TypeError(
                    f"{type(self).__name__} updates all parameters together and takes no parameter groups; parameter "
                    f"{i} is a dict. Give the parameters themselves."
                )
            if isinstance(p, ad.Tensor) and p.dtype.kind == "c":
                raise ad.DtypeError(
                    f"{type(self).__name__}: parameter {i} is complex; this optimiser needs real parameters. Keep the "
                    "real and imaginary parts as two parameters."
                )
        self._runs = flat.house(parameters)

    @property
    def parameters(self) -> list[ad.Tensor]:
        """The parameters, each once."""
        return [p for run in self._runs for p in run.parameters]

    def zero_grad(self, **unknown: Never) -> None:
        """Clear the gradients of all parameters; `step` does not need this."""
        if unknown:
            self._refuse("zero_grad", unknown)
        for p in self.parameters:
            p.zero_grad()

    def _function(self, loss_fn: Callable[[], ad.Tensor] | None, why: str) -> Callable[[], ad.Tensor]:
        if not callable(loss_fn):
            raise TypeError(
                f"{type(self).__name__}.step needs the loss as a function, {why}: optimizer.step(lambda: loss(...))."
            )
        if ad.is_compiling():
            raise ad.CompileError(
                f"compile: the number of evaluations in {type(self).__name__}.step depends on the losses. Compile the "
                f"loss function and pass that to step."
            )
        return loss_fn

    def _evaluated(self, loss_fn: Callable[[], ad.Tensor]) -> ad.Tensor:
        """The loss returned by the user's function, checked to be a Tensor."""
        loss = loss_fn()
        if not isinstance(loss, ad.Tensor):
            raise TypeError(
                f"{type(self).__name__}.step: the function returned a {type(loss).__name__}; it must return the loss, "
                "a Tensor, and not call backward() itself: lambda: nn.mse_loss(model(x), y)."
            )
        return loss

    def _position(self) -> list[Vector]:
        """A copy of all values."""
        for run in self._runs:
            run.home.fetch()
        return [run.values.copy() for run in self._runs]

    def _move(self, origin: list[Vector], step: Vector) -> None:
        """Set the values to `origin` plus `step`."""
        start = 0
        for run, values in zip(self._runs, origin, strict=True):
            run.home.fetch()
            np.add(values, step[start : start + values.size], run.values)
            start += values.size
            run.mark_changed()

    def _gradient(self, loss: ad.Tensor) -> Vector:
        """The gradient of a recorded loss as one vector; zeros for frozen parameters. No ``.grad`` is changed."""
        free = [p for p in self.parameters if p.requires_grad]
        found = dict(zip(map(id, free), ad.gradients(loss, free), strict=True))
        return self._flattened({key: g.data for key, g in found.items()})

    def _flattened(self, found: Mapping[int, Vector]) -> Vector:
        """The arrays of all parameters, given by id, as one vector; zeros for those without an array."""
        return np.concatenate(
            [found[id(p)].reshape(-1) if id(p) in found else np.zeros(p.size, p.dtype) for p in self.parameters]
        )

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Vector]:
        """A copy of all that the next step depends on, besides the parameters."""
        options = {name: np.array(getattr(self, name)) for name in self.kept_options}
        return {"learning_rate": np.array(self.learning_rate), **options}

    def check_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Raise the errors that `load_state_dict` would raise, and change nothing."""
        self._checked_state(saved)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore a saved state with its options. All of it is checked before anything is changed.

        Options that the state does not have stay as they are.

        Raises
        ------
        autodiff.StructureError, autodiff.ShapeError, autodiff.DtypeError, ValueError
            If the state does not belong to this optimiser.
        """
        self._load(self._checked_state(saved))

    def _checked_state(self, saved: Mapping[str, Any]) -> Saved:
        """The saved state as checked arrays, the input of `_load`."""
        known = {k: v for k, v in self.state_dict().items() if k in saved or k not in self.kept_options}
        found = fitting(self, known, saved, self.any_shape)
        for name, check in self.kept_options.items():
            if name in found:  # states of earlier versions have no options
                check(name, found[name].item())
        checked("learning_rate", found["learning_rate"].item(), 0.0, 1.0)
        return found

    def _load(self, saved: Saved) -> None:
        self.learning_rate = float(saved["learning_rate"])
        for name, check in self.kept_options.items():
            if name in saved:
                setattr(self, name, check(name, saved[name].item()))

    def __getstate__(self) -> dict[str, Any]:
        options = {k: v for k, v in self.__dict__.items() if k != "_runs"}
        return {"options": options, "parameters": self.parameters}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved["options"])
        with flat.thawed(saved["parameters"]) as parameters:
            self._runs = flat.house(parameters)

    @property
    def _size(self) -> int:
        return sum(run.values.size for run in self._runs)
