"""The training loop in one call."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autodiff as ad
from nn.checks import positive
from nn.module import Module
from nn.training import progress as lines
from nn.training.checkpoints import checked_checkpoint, save_checkpoint
from nn.training.minibatches import batches

Metric = Callable[[Any, Any], float]


class History(dict[str, np.ndarray[Any, np.dtype[np.float64]]]):
    """The measurements of `fit`: for each name an array with one number per epoch.

    Attributes
    ----------
    stopped : str
        Why training ended before its last epoch: ``"early"``, ``"interrupted"``, or empty.
    """

    stopped: str = ""

    def add(self, values: Mapping[str, float]) -> None:
        """Append the numbers of one epoch."""
        for name, value in values.items():
            self[name] = np.append(self.get(name, np.zeros(0)), float(value))

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return max((len(v) for v in self.values()), default=0)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, and a table with a curve for each name."""
        display = ad.display
        rows = [[name, v[0], v[-1], v.min(), v.max(), display.curve(v)] for name, v in self.items() if len(v)]
        stopped = f", stopped: {self.stopped}" if self.stopped else ""
        caption = f"{self.epochs} epochs{stopped}"
        header = ["", "first", "last", "lowest", "highest", "by epoch"]
        return display.bundle(repr(self), display.table(header, rows, caption) if rows else "")


@dataclass
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
    """

    monitor: str = "validation_loss"
    patience: int = 10
    min_delta: float = 0.0
    largest: bool = False
    restore: bool = True
    best: float = field(default=math.inf, init=False)
    best_epoch: int = field(default=0, init=False)
    _state: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        positive("EarlyStopping", patience=self.patience)

    def begin(self) -> None:
        """Reset, since another training run has other numbers."""
        self.best, self.best_epoch, self._state = math.inf, 0, {}

    def see(self, epoch: int, history: History, model: Module) -> bool:
        """Take note of an epoch; returns whether to stop."""
        if self.monitor not in history:
            known = ", ".join(map(repr, history))
            raise KeyError(f"EarlyStopping: the history has no {self.monitor!r}; it has {known}.")
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


class _NotFiniteError(Exception):
    """The loss of a batch is not finite; the batch has changed nothing."""


def fit(
    model: Module,
    optimizer: Any,
    loss: Callable[[Any, Any], ad.Tensor],
    data: Sequence[Any],
    *,
    epochs: int = 10,
    batch_size: int = 32,
    shuffle: bool = True,
    validation: Sequence[Any] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    early_stopping: EarlyStopping | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    callbacks: Iterable[Callable[[int, History, Module], object]] = (),
    progress: bool | None = None,
    rng: np.random.Generator | None = None,
) -> History:
    """Train a model on data, epoch by epoch.

    Parameters
    ----------
    model : Module
    optimizer : an optimiser over its parameters
        Any object with ``state_dict()``, and with ``step(loss_fn)`` that takes a step and returns the loss.
    loss : callable
        ``(outputs, targets) -> Tensor``, a mean over the batch.
    data : tuple of array_like, (n, ...)
        The inputs of the model, and the targets last.
    epochs : int, default 10
        The total number of epochs, including those of a checkpoint.
    batch_size, shuffle
        As for `nn.batches`; each epoch has a new order.
    validation : tuple of array_like, optional
        Validation data in the form of `data`, on which the model is measured after each epoch.
    metrics : mapping of str to callable, optional
        ``(outputs, targets) -> float``, a mean over the batch, such as `nn.accuracy`.
    schedule : optional
        Its ``step()`` is called after every epoch, or batch. After an epoch a schedule that watches a number
        (``watches = True``) is passed the validation loss, or the loss if there is no validation.
    schedule_every : {"epoch", "batch"}, default "epoch"
    early_stopping : EarlyStopping, optional
        When to stop early. It is reset first, unless training resumes from a checkpoint.
    checkpoint : path, optional
        A file that is written after every epoch. If it exists, training resumes from it: a run that was killed at any
        moment and is started again gives the numbers of an uninterrupted one, to the last bit on the same machine. The
        file holds all that `save_checkpoint` lists, the history, and the state of `early_stopping`, but no state of
        callbacks.
    callbacks : iterable of callable
        Each is called as ``(epoch, history, model)`` after each epoch, counted from 1; returning True ends the
        training. If it has a context manager ``watch(model)``, as `nn.Monitor` has, every step runs inside it.
    progress : bool, optional
        Show a progress line; by default only if standard error is a terminal.
    rng : numpy.random.Generator, optional
        Generator of the orders; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    History
        Arrays with one number per epoch: ``loss`` and the metrics, averaged over the batches before each step;
        ``validation_loss`` and ``validation_<metric>``, measured after the epoch.

    Raises
    ------
    autodiff.AnomalyError
        If the loss of a batch is not finite. The message names the operation and layer where this began; the parameters
        are those before that batch.

    Notes
    -----
    Every submodule is in training mode during the epochs, and in its previous mode afterwards.

    An interrupt (Ctrl-C) ends the training and returns the history, with ``stopped`` set. The parameters are then those
    of the last step, not the best that `early_stopping` has seen.

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> _ = nn.manual_seed(0)
    >>> x, y = nn.data.sine(64)
    >>> model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    >>> history = nn.fit(model, optim.Adam(model.parameters(), 0.02), nn.mse_loss, (x, y), epochs=30)
    >>> bool(history["loss"][-1] < 0.2 * history["loss"][0])
    True
    """
    metrics = metrics or {}
    if len(data) < 2 or (validation is not None and len(validation) != len(data)):
        raise TypeError("fit: data, and validation, must be tuples of inputs and targets: (x, y).")
    if schedule_every not in ("epoch", "batch"):
        raise ValueError(f'fit: schedule_every must be "epoch" or "batch"; {schedule_every!r} was given.')
    if not isinstance(epochs, (int, np.integer)) or epochs < 0:
        raise ValueError(f"fit: epochs must be an integer, 0 or more; {epochs!r} was given.")
    rows = _rows("fit", data, batch_size)
    if validation is not None:
        _rows("fit, validation", validation, batch_size)
    callbacks = list(callbacks)
    watches = [callback.watch for callback in callbacks if hasattr(callback, "watch")]
    history = History()
    if early_stopping is not None:
        early_stopping.begin()
    if checkpoint is not None and os.path.exists(checkpoint):
        extra, apply = checked_checkpoint(checkpoint, model, optimizer, schedule, rng)
        _resume(extra, history, early_stopping, model)
        apply()
    count = math.ceil(rows / batch_size)
    try:
        with model.modes_kept(), lines.line(epochs, progress) as line:
            for epoch in () if history.stopped else range(history.epochs + 1, epochs + 1):
                model.train()
                sums = _Means()
                for k, batch in enumerate(batches(*data, batch_size=batch_size, shuffle=shuffle, rng=rng), 1):
                    with ExitStack() as watching:
                        for watch in watches:
                            watching.enter_context(watch(model))
                        values = _step(model, optimizer, loss, metrics, batch)
                    sums.add(values, len(batch[-1]))
                    line.update(epoch, k / count, sums.means)
                    if schedule is not None and schedule_every == "batch":
                        schedule.step()
                values = sums.means
                if validation is not None:
                    found = evaluate(model, loss, validation, metrics=metrics, batch_size=batch_size)
                    values |= {f"validation_{name}": v for name, v in found.items()}
                history.add(values)
                line.update(epoch, 1.0, values)
                if schedule is not None and schedule_every == "epoch":
                    watched = values.get("validation_loss", values["loss"])
                    schedule.step(watched) if getattr(schedule, "watches", False) else schedule.step()
                wishes = [callback(epoch, history, model) is True for callback in callbacks]
                if any(wishes) or (early_stopping is not None and early_stopping.see(epoch, history, model)):
                    history.stopped = "early"
                if checkpoint is not None:
                    extra = _extra(history, early_stopping)
                    save_checkpoint(checkpoint, model, optimizer, schedule, rng=rng, extra=extra)
                if history.stopped:
                    break
    except KeyboardInterrupt:
        history.stopped = "interrupted"
    if early_stopping is not None and history.stopped != "interrupted":
        early_stopping.end(model)
    return history


def _extra(history: History, early_stopping: EarlyStopping | None) -> dict[str, Any]:
    """The extras of a checkpoint: the history, and the state of early stopping."""
    extra: dict[str, Any] = {f"history/{name}": values for name, values in history.items()}
    if early_stopping is not None:
        extra |= {f"best/{key}": value for key, value in early_stopping.state_dict().items()}
    return extra | {"stopped": np.array(history.stopped)}


def _resume(extra: Mapping[str, Any], history: History, early_stopping: EarlyStopping | None, model: Module) -> None:
    for key, values in extra.items():
        if key.startswith("history/"):
            history[key.removeprefix("history/")] = values
    if any(v.ndim != 1 or v.dtype.kind != "f" or len(v) != history.epochs for v in history.values()):
        raise ValueError("fit: the history in the checkpoint is not one number per epoch. Nothing was loaded.")
    history.stopped = str(extra["stopped"]) if "stopped" in extra else ""
    best = {key.removeprefix("best/"): value for key, value in extra.items() if key.startswith("best/")}
    if early_stopping is not None and best:
        early_stopping.load_state_dict(best)
        if early_stopping._state:
            model.check_state_dict(early_stopping._state)


def evaluate(
    model: Module,
    loss: Callable[[Any, Any], ad.Tensor],
    data: Sequence[Any],
    *,
    metrics: Mapping[str, Metric] | None = None,
    batch_size: int = 256,
) -> dict[str, float]:
    """Measure a model batch by batch, in evaluation mode and without recording.

    Parameters
    ----------
    model, loss, data, metrics
        As for `fit`.
    batch_size : int, default 256

    Returns
    -------
    dict of str to float
        ``loss`` and the metrics, as means over all rows.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.evaluate(nn.Tanh(), nn.mse_loss, (np.zeros((4, 1)), np.ones((4, 1))))
    {'loss': 1.0}
    """
    _rows("evaluate", data, batch_size)
    sums = _Means()
    with model.modes_kept(), ad.no_grad():
        model.eval()
        for *inputs, target in batches(*data, batch_size=batch_size, shuffle=False):
            outputs = model(*inputs)
            values = {"loss": float(loss(outputs, target).item())}
            values |= {name: float(metric(outputs, target)) for name, metric in (metrics or {}).items()}
            sums.add(values, len(target))
    return sums.means


class _Means:
    """Means of numbers over batches, weighted by their numbers of rows."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._rows = 0

    def add(self, values: Mapping[str, float], rows: int) -> None:
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value * rows
        self._rows += rows

    @property
    def means(self) -> dict[str, float]:
        return {name: value / self._rows for name, value in self._sums.items()}


def _rows(who: str, data: Sequence[Any], batch_size: int) -> int:
    """The number of rows of the data, which must be at least one."""
    batches(*data, batch_size=batch_size)  # raises if the arrays do not belong together
    rows = np.shape(data[0].data if isinstance(data[0], ad.Tensor) else data[0])[0]
    if not rows:
        raise ad.ShapeError(f"{who}: the data have no rows; their shapes are {[np.shape(a) for a in data]}.")
    return int(rows)


def _step(
    model: Module, optimizer: Any, loss: Callable[[Any, Any], ad.Tensor], metrics: Mapping[str, Metric], batch: Any
) -> dict[str, float]:
    """Take one step on one batch; returns the loss and the metrics before it."""
    *inputs, target = batch
    first: list[Any] = []

    def evaluated() -> ad.Tensor:
        outputs = model(*inputs)
        value = loss(outputs, target)
        if not first:
            first.append(outputs)
            if not math.isfinite(value.item()):
                raise _NotFiniteError
        return value

    try:
        value = optimizer.step(evaluated)
    except _NotFiniteError:
        _explain(model, loss, inputs, target)
    values = {"loss": float(value.item())}
    return values | {name: float(metric(first[0], target)) for name, metric in metrics.items()}


def _explain(model: Module, loss: Callable[[Any, Any], ad.Tensor], inputs: list[Any], target: Any) -> None:
    """Run the batch again to find the operation that made its loss not finite; the parameters do not change."""
    with ad.detect_anomaly():
        value = loss(model(*inputs), target)
        if value.requires_grad:
            value.backward()
    model.zero_grad()
    raise ad.AnomalyError(
        f"fit: the loss of a batch was not finite, but on a second run of the same batch it is {value.item()}: the "
        f"model is random (dropout). Lower the learning rate, or check the inputs."
    )
