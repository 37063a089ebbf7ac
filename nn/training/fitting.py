"""The training loop in one call."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

import autodiff as ad
from nn import beside
from nn.module import Module
from nn.saving import expect_folder
from nn.training import arguments
from nn.training import progress as lines
from nn.training.checkpoints import checked_checkpoint, save_checkpoint
from nn.training.history import EarlyStopping, History
from nn.training.minibatches import Batches, batches
from nn.training.steps import Step

Metric = Callable[[Any, Any], float]


@arguments.named
def fit(
    model: Module,
    optimizer: Any,
    loss: Callable[[Any, Any], ad.Tensor],
    data: Sequence[Any],
    *,
    epochs: int = 10,
    batch_size: int = 32,
    shuffle: bool = True,
    drop_last: bool = False,
    validation: Sequence[Any] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    clip_norm: float | None = None,
    compile: bool | str = False,
    mesh: Any = None,
    shardings: Mapping[str, Any] | None = None,
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
        The model, which is changed.
    optimizer : an optimiser over its parameters
        Any object with ``state_dict()``, and with ``step(loss_fn)`` that takes a step and returns the loss.
    loss : callable
        ``(outputs, targets) -> Tensor``, a mean over the batch.
    data : tuple of array_like, (n, ...)
        The inputs of the model, and the targets last.
    epochs : int, default 10
        The total number of epochs, including those of a checkpoint.
    batch_size : int, default 32
        Number of rows in a batch; the last may have fewer.
    shuffle : bool, default True
        Whether each epoch has a new, random order.
    drop_last : bool, default False
        Whether to leave out a last batch that is not full.
    validation : tuple of array_like, optional
        Validation data in the form of `data`, on which the model is measured after each epoch.
    metrics : mapping of str to callable, optional
        ``(outputs, targets) -> float``, a mean over the batch, such as `nn.accuracy`.
    clip_norm : float, optional
        Before each step, scale all gradients by one factor so that their total norm is at most this number, as
        ``optim.clip_grad_norm`` does.
    compile : bool or {"numpy", "native", "jax"}, default False
        Compile the training step with `ad.compile`: the numbers are the same, and each batch takes less time. True is
        ``"numpy"``; with ``"native"``, C, and ``"jax"`` they are the same but for rounding. Batches
        of another size are compiled anew; `drop_last` leaves them out. A batch that a callback watches runs as it is.
    mesh : jax.sharding.Mesh or int, optional
        With ``compile="jax"``, the devices that share each batch, or their number. Of several processes each passes its
        own part of the data, as many rows as the others, with the same model, seed, validation data and options;
        `batch_size` counts its own rows.
    shardings : mapping of str to jax.sharding.PartitionSpec, optional
        How parameters lie on the mesh: patterns of their paths, such as ``{"*.weight": P(None, "model")}``.
    schedule : optional
        Its ``step()`` is called after every epoch, or batch. After an epoch a schedule that watches a number
        (``watches = True``) is passed the validation loss, or the loss if there is no validation.
    schedule_every : {"epoch", "batch"}, default "epoch"
        When to call its ``step()``.
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
    autodiff.CompileError
        With ``compile=True``, if the model or the optimiser decides by the values of arrays, as `optim.Newton` does.
    autodiff.AnomalyError
        If the loss of a batch is not finite. The message names the operation and layer where this began; the parameters
        are those before that batch.
    ValueError
        If an option is out of range; if no batch is full, with `drop_last`; if `checkpoint` is damaged or of
        another run.

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
    beside.look(stacklevel=4)  # the decorator has a frame of its own
    if checkpoint is not None:
        expect_folder("fit", checkpoint)
    callbacks = list(callbacks) if np.iterable(callbacks) else callbacks
    arguments.check(model, optimizer, loss, data, validation, metrics, schedule, early_stopping, callbacks)
    arguments.warn_of_activation(model, loss, stacklevel=3)
    metrics = metrics or {}
    if schedule_every not in ("epoch", "batch"):
        raise ValueError(f'fit: schedule_every must be "epoch" or "batch"; {schedule_every!r} was given.')
    if not isinstance(epochs, (int, np.integer)) or epochs < 0:
        raise ValueError(f"fit: epochs must be an integer, 0 or more; {epochs!r} was given.")
    if compile != "jax" and (mesh is not None or shardings is not None):
        raise ValueError(f'fit: mesh= and shardings= need compile="jax"; compile={compile!r} was given.')
    _check_clipping(clip_norm, optimizer)
    loader = _loader("fit", data, batch_size=batch_size, shuffle=shuffle, drop_last=drop_last, rng=rng)
    if not len(loader):
        raise ValueError(
            f"fit: drop_last=True leaves out every batch, since {loader.rows} rows do not fill one of "
            f"batch_size={batch_size}. Give batch_size={loader.rows} or less, or drop_last=False."
        )
    if validation is not None:
        _loader("fit, validation", validation, batch_size=batch_size)
    watches = [callback.watch for callback in callbacks if hasattr(callback, "watch")]
    history = History()
    history.follow(early_stopping, validation is not None)
    if early_stopping is not None:
        early_stopping.begin()
    if checkpoint is not None and os.path.exists(checkpoint):
        try:
            extra, apply = checked_checkpoint(checkpoint, model, optimizer, schedule, rng)
            _resume(extra, history, early_stopping, model)
        except (ValueError, TypeError) as error:
            raise (type(error) if isinstance(error, ad.AutodiffError) else ValueError)(
                f"fit: training would resume from {os.fspath(checkpoint)!r}, which is damaged or of another run. "
                f"Delete or rename it to begin anew. {error}"
            ) from error
        given = _options(optimizer)
        apply()
        changed = {k: v for k, v in _options(optimizer).items() if k in given and not np.array_equal(v, given[k])}
        if schedule is not None:  # which has set it
            changed.pop("learning_rate", None)
        _tell_resumed(checkpoint, history, epochs, changed)
    try:
        with model.modes_kept(), lines.line(epochs, progress) as line:
            parameters = arguments.trainable(model, loss)
            step = Step(model, optimizer, loss, clip_norm, compile, mesh, shardings)
            for epoch in () if history.stopped else range(history.epochs + 1, epochs + 1):
                model.train()
                first = arguments.fingerprints(parameters) if epoch == 1 else None
                sums = _Means()
                for k, (*inputs, target) in enumerate(loader, 1):
                    with ExitStack() as watching:
                        for watch in watches:
                            watching.enter_context(watch(model))
                        value, outputs, target = step(inputs, target)
                    values = {"loss": float(value.item())}
                    values |= {name: float(metric(outputs, target)) for name, metric in metrics.items()}
                    sums.add(values, len(target))
                    line.update(epoch, k / len(loader), sums.means)
                    if schedule is not None and schedule_every == "batch":
                        schedule.step()
                if first is not None:
                    arguments.check_trained(parameters, first)
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


def _options(optimizer: Any) -> dict[str, Any]:
    """The options of an optimiser, as far as they are attributes that its state holds."""
    names = [key for key in optimizer.state_dict() if "." not in key and key not in ("steps", "changes")]
    return {name: getattr(optimizer, name) for name in names if hasattr(optimizer, name)}


def _tell_resumed(path: Any, history: History, epochs: int, changed: Mapping[str, Any]) -> None:
    """Warn if nothing is left to train, or if options of the checkpoint replace those of the optimiser."""
    name = os.fspath(path)
    if history.stopped or history.epochs >= epochs:
        warnings.warn(
            f"fit: {name!r} holds a finished run of {history.epochs} epochs, so nothing is trained. Delete or "
            "rename it to begin anew, or give more epochs=.",
            stacklevel=4,
        )
    elif changed:
        warnings.warn(
            f"fit: it resumes from {name!r} with the options of that run, {changed}, in place of the optimiser's. "
            "Delete or rename the file to begin anew, or set them in a callback.",
            stacklevel=4,
        )


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
    model : Module
        The model, which is not changed.
    loss : callable
        ``(outputs, targets) -> Tensor``, a mean over the batch.
    data : tuple of array_like, (n, ...)
        The inputs of the model, and the targets last.
    metrics : mapping of str to callable, optional
        ``(outputs, targets) -> float``, a mean over the batch, such as `nn.accuracy`.
    batch_size : int, default 256
        Number of rows in a batch.

    Returns
    -------
    dict of str to float
        ``loss`` and the metrics, as means over all rows.

    Raises
    ------
    TypeError, autodiff.ShapeError
        If `data` is not a tuple of inputs and targets, or these have different numbers of rows.
    ValueError
        If `batch_size` is not a positive integer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.evaluate(nn.Tanh(), nn.mse_loss, (np.zeros((4, 1)), np.ones((4, 1))))
    {'loss': 1.0}
    """
    arguments.check_data("evaluate: data", data)
    loader = _loader("evaluate", data, batch_size=batch_size, shuffle=False)
    sums = _Means()
    with model.modes_kept(), ad.no_grad():
        model.eval()
        for *inputs, target in loader:
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


def _loader(who: str, data: Sequence[Any], **options: Any) -> Batches:
    """The batches of the data, which must have at least one row."""
    loader = batches(*data, **options)
    if not loader.rows:
        raise ad.ShapeError(f"{who}: the data have no rows; their shapes are {[np.shape(a) for a in data]}.")
    return loader


def _check_clipping(clip_norm: Any, optimizer: Any) -> None:
    """Check that `clip_norm` is a positive number or None, and that the optimiser can clip."""
    if clip_norm is None:
        return
    if not isinstance(clip_norm, (int, float, np.number)) or isinstance(clip_norm, bool) or not clip_norm > 0:
        raise ValueError(f"fit: clip_norm must be a positive number, or None; {clip_norm!r} was given.")
    if "clip_norm" not in inspect.signature(optimizer.step).parameters:
        raise TypeError(
            f"fit: clip_norm= needs an optimiser whose step() takes clip_norm=, such as optim.Adam; that of "
            f"{type(optimizer).__name__} does not. Leave clip_norm= out, or choose another optimiser."
        )
