"""What a training run has measured, and the decision that it has trained enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import autodiff as ad
from autodiff import names
from nn.checks import positive
from nn.module import Module

_LINES = 20
"""A history of more epochs shows only some of them."""


class History(dict[str, np.ndarray[Any, np.dtype[np.float64]]]):
    """The measurements of `fit`: for each name an array with one number per epoch. It prints as a table.

    Attributes
    ----------
    stopped : str
        Why training ended before its last epoch: ``"early"``, ``"interrupted"``, or empty.
    best_epoch : int
        The epoch, counted from 1, with the best value of the number that was watched: the one that `EarlyStopping`
        monitors, else ``validation_loss``, else ``loss``. 0 if there is none.

    Examples
    --------
    >>> import nn
    >>> history = nn.History()
    >>> for loss in (0.9, 0.4, 0.5):
    ...     history.add({"loss": loss, "accuracy": 1 - loss})
    >>> history.best_epoch
    2
    >>> history
    3 epochs; best: epoch 2, loss 0.4000
    epoch    loss  accuracy
        1  0.9000    0.1000
        2  0.4000    0.6000  best
        3  0.5000    0.5000
    """

    stopped: str = ""
    _watched: tuple[str, bool, float] = ("", False, 0.0)  # its name, whether larger is better, the least improvement

    if not TYPE_CHECKING:  # a checker that saw it would accept every attribute

        def __getattr__(self, name: str) -> Any:
            from nn.names import HISTORY  # only for a name that does not exist

            if name in HISTORY:
                raise AttributeError(names.told("History", f".{name}", HISTORY[name]), name=name)
            return object.__getattribute__(self, name)  # the error as it would be

    def add(self, values: Mapping[str, float]) -> None:
        """Append the numbers of one epoch."""
        for name, value in values.items():
            self[name] = np.append(self.get(name, np.zeros(0)), float(value))

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return max((len(v) for v in self.values()), default=0)

    def follow(self, early_stopping: EarlyStopping | None, validated: bool) -> None:
        """Set which number decides what the best epoch is."""
        if early_stopping is not None:
            self._watched = (early_stopping.monitor, early_stopping.largest, early_stopping.min_delta)
        else:
            self._watched = ("validation_loss" if validated else "loss", False, 0.0)

    @property
    def _name_watched(self) -> str:
        return self._watched[0] or ("validation_loss" if "validation_loss" in self else "loss")

    @property
    def best_epoch(self) -> int:
        """The epoch with the best value of the number that was watched."""
        _, largest, min_delta = self._watched
        best, at = math.inf, 0
        for epoch, value in enumerate(self.get(self._name_watched, np.zeros(0)), 1):
            cost = -value if largest else value
            if cost < best - min_delta or not at:
                best, at = math.inf if math.isnan(cost) else cost, epoch
        return at

    def _at(self, name: str, epoch: int) -> float:
        """A number of an epoch; NaN where it is one of some epochs only."""
        values = self[name]
        return float(values[epoch - 1]) if epoch <= len(values) else math.nan

    def __repr__(self) -> str:
        """Show the epochs line by line; of many the first, the last, and those around the best."""
        if not self.epochs:
            return "0 epochs"
        names, best, last = list(self), self.best_epoch, self.epochs
        shown = [e for e in range(1, last + 1) if last <= _LINES or e <= 5 or abs(e - best) <= 2 or e > last - 5]
        columns = [["epoch", *map(str, shown)]]
        columns += [[name, *_written([self._at(name, e) for e in shown])] for name in names]
        widths = [max(map(len, column)) for column in columns]
        lines = ["  ".join(text.rjust(w) for text, w in zip(row, widths, strict=True)) for row in zip(*columns)]
        table = [lines[0]]
        for before, epoch, line in zip([0, *shown], shown, lines[1:], strict=False):
            table += ["...".rjust(widths[0])] if epoch > before + 1 else []
            table += [f"{line}  best" if epoch == best else line]
        return "\n".join([self.title, *table])

    @property
    def title(self) -> str:
        """A line: the number of epochs, the best one, and why training stopped."""
        best, name = self.best_epoch, self._name_watched
        found = f"; best: epoch {best}, {name} {_written([float(self[name][best - 1])])[0]}" if best else ""
        count = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{count}{found}" + (f"; stopped: {self.stopped}" if self.stopped else "")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, and a table with a curve for each name."""
        display = ad.display
        rows = [[name, v[0], v[-1], v.min(), v.max(), display.curve(v)] for name, v in self.items() if len(v)]
        header = ["", "first", "last", "lowest", "highest", "by epoch"]
        return display.bundle(repr(self), display.table(header, rows, self.title) if rows else "")


def _written(values: list[float]) -> list[str]:
    """Numbers with four decimals, or, where these would hide small or flood large ones, with four digits."""
    sizes = [abs(v) for v in values if v and math.isfinite(v)]
    fine = not sizes or (min(sizes) >= 1e-3 and max(sizes) < 1e6)
    return [f"{v:.4f}" if fine else f"{v:.3e}" for v in values]


class EarlyStopping:
    """Stop when a number has not improved for some epochs.

    Parameters
    ----------
    monitor : str, default "validation_loss"
        The name of the number in the history.
    patience : int, default 10
        How many epochs may pass without a new best.
    min_delta : float, default 0.0
        The least improvement that counts as a new best.
    largest : bool, default False
        Whether larger is better, as for an accuracy.
    restore : bool, default True
        Whether to restore the parameters of the best epoch at the end.

    Examples
    --------
    >>> import nn, optim
    >>> rng = nn.manual_seed(0)
    >>> x, y = nn.data.moons(60)
    >>> model = nn.Linear(2, 2)
    >>> stop = nn.EarlyStopping(monitor="loss", patience=2, min_delta=0.5)
    >>> history = nn.fit(
    ...     model, optim.Adam(model.parameters()), nn.cross_entropy, (x, y), epochs=20, early_stopping=stop
    ... )
    >>> history.stopped, len(history["loss"])
    ('early', 3)
    """

    def __init__(
        self,
        monitor: str = "validation_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        largest: bool = False,
        restore: bool = True,
    ) -> None:
        positive("EarlyStopping", patience=patience)
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.largest, self.restore = largest, restore
        self.begin()

    def __repr__(self) -> str:
        names = ("monitor", "patience", "min_delta", "largest", "restore")
        return f"EarlyStopping({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def begin(self) -> None:
        """Reset, since another training run has other numbers."""
        self.best, self.best_epoch = math.inf, 0
        self._state: dict[str, Any] = {}

    def see(self, epoch: int, history: History, model: Module) -> bool:
        """Take note of an epoch; returns whether to stop."""
        if self.monitor not in history:
            known = ", ".join(map(repr, history))
            mend = "Give validation=(x, y), or write" if self.monitor.startswith("validation_") else "Write"
            raise KeyError(
                f"EarlyStopping: the history has no {self.monitor!r}; it has {known}. {mend} "
                f"EarlyStopping(monitor={next(iter(history))!r})."
            )
        value = float(history[self.monitor][-1]) * (-1 if self.largest else 1)
        if value < self.best - self.min_delta or not self._state:
            self.best, self.best_epoch = math.inf if math.isnan(value) else value, epoch
            self._state = model.state_dict()
        return epoch - self.best_epoch >= self.patience

    def end(self, model: Module) -> None:
        """Restore the best parameters, if asked to."""
        if self.restore and self._state:
            model.load_state_dict(self._state)

    def state_dict(self) -> dict[str, Any]:
        """The best so far: its number, its epoch, its parameters."""
        return {"best": self.best, "epoch": self.best_epoch, **{f"model/{k}": v for k, v in self._state.items()}}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore a saved state.

        Raises
        ------
        autodiff.StructureError
            If it is not the state of an EarlyStopping.
        """
        if missing := [key for key in ("best", "epoch") if np.shape(saved.get(key, [])) != ()]:
            raise ad.StructureError(
                f"the state does not belong to an EarlyStopping: missing {missing}. Nothing was loaded."
            )
        self.best, self.best_epoch = float(saved["best"]), int(saved["epoch"])
        self._state = {k.removeprefix("model/"): v for k, v in saved.items() if k.startswith("model/")}
