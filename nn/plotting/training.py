"""A training run over its epochs, and the mistakes of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.style import BLUE, GREY, RED, axes_of, new_figure
from nn.training.history import History

_VALIDATION = "validation_"
_WRITTEN = 30
"""A confusion matrix of more classes has no numbers in its cells."""


def history(history: History) -> Any:
    """The loss and the metrics of a training run by epoch, with the best epoch marked.

    Parameters
    ----------
    history : History
        As returned by `nn.fit`.

    Returns
    -------
    matplotlib Figure
        A panel for the loss and for each metric, with the numbers of training and of validation. A loss that falls by
        more than a factor of 100 has a logarithmic axis.

    Raises
    ------
    autodiff.StructureError
        If the history has no epoch.
    TypeError
        If it is not a History.

    Examples
    --------
    >>> import nn
    >>> run = nn.History()
    >>> for loss in (0.9, 0.4, 0.5):
    ...     run.add({"loss": loss, "validation_loss": 1.1 * loss, "accuracy": 1 - loss})
    >>> figure = nn.plotting.history(run)
    >>> [ax.get_title() for ax in figure.axes], figure.axes[0].get_xlabel()
    (['loss', 'accuracy'], 'epoch')
    """
    if not isinstance(history, History):
        raise TypeError(
            f"history: an nn.History is expected, as nn.fit returns it; a {type(history).__name__} was given. "
            "nn.History(dict) makes one of a dict of arrays."
        )
    if not history.epochs:
        raise ad.StructureError("history: the history has no epochs, so there is nothing to show.")
    names = list(dict.fromkeys(name.removeprefix(_VALIDATION) for name in history))
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = new_figure(figsize=(4.6 * columns if columns > 1 else 5.6, 3.2 * rows + 0.4))
    best = history.best_epoch
    figure.suptitle(history.title, fontsize=11)
    for k, name in enumerate(names):
        _panel(figure.add_subplot(rows, columns, k + 1), history, name, best)
    return figure


def _panel(ax: Any, history: History, name: str, best: int) -> None:
    """One number in training and in validation."""
    values = []
    for key, label, colour, dash in ((name, "training", BLUE, "-"), (_VALIDATION + name, "validation", RED, "--")):
        if key in history:
            y = np.asarray(history[key])
            values.append(y)
            marker = "o" if len(y) < 20 else None
            ax.plot(
                np.arange(1, len(y) + 1), y, color=colour, linestyle=dash, marker=marker, markersize=3.5, label=label
            )
    if best:
        ax.axvline(best, color=GREY, linestyle=":", label=f"best epoch: {best}")
    flat = np.concatenate(values)
    flat = flat[np.isfinite(flat)]
    if flat.size and flat.min() > 0 and flat.max() > 100 * flat.min():
        ax.set_yscale("log")
    shown = name.replace("_", " ")
    ax.set(xlabel="epoch", ylabel=shown, title=shown)
    ax.xaxis.get_major_locator().set_params(integer=True)
    if history.epochs == 1:
        ax.set_xticks([1])
    ax.grid(alpha=0.3)
    ax.legend(fontsize=9)


def confusion(matrix: Any, names: Sequence[Any] | None = None, *, ax: Any = None) -> Any:
    """A confusion matrix: right classes by row, predictions by column, and how often each pair occurred.

    Parameters
    ----------
    matrix : array_like of int, (k, k)
        As returned by `nn.confusion_matrix`.
    names : sequence, optional
        A name for each class; their numbers if not given.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        The darkness of a cell is its share of its row. The title is the number of right predictions.

    Raises
    ------
    autodiff.ShapeError, autodiff.DomainError
        If the matrix is not square or not of counts, or the number of names is another.

    Examples
    --------
    >>> import numpy as np, nn
    >>> counts = nn.confusion_matrix(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]))
    >>> figure = nn.plotting.confusion(counts, ["cat", "dog"])
    >>> figure.axes[0].get_title(), figure.axes[0].get_ylabel()
    ('3 of 4 right (75.0 %)', 'right class')
    """
    counts = np.asarray(matrix.data if isinstance(matrix, ad.Tensor) else matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ad.ShapeError(
            f"confusion: the matrix must have shape (k, k), as nn.confusion_matrix returns it; shape {counts.shape} "
            "was given."
        )
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ad.DomainError(
            f"confusion: the matrix must hold counts, integers from 0 on; dtype {counts.dtype} with the smallest entry "
            f"{counts.min()} was given. Give the counts of nn.confusion_matrix: their shares are drawn as darkness."
        )
    k = len(counts)
    labels = [str(name) for name in (range(k) if names is None else names)]
    if len(labels) != k:
        raise ad.ShapeError(f"confusion: {len(labels)} names were given for {k} classes; give one for each.")
    side = min(11.0, max(3.6, 0.5 * k + 1.8))
    ax = axes_of(ax, figsize=(side + 0.9, side))
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    shown = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ax.figure.colorbar(shown, ax=ax, shrink=0.8, label="share of the row")
    if k <= _WRITTEN:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black" if count else GREY
            ax.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9 if k <= 12 else 6)
    every = -(-k // _WRITTEN)
    steep = max(map(len, labels)) * len(labels[::every]) > 40
    ax.set_xticks(range(0, k, every), labels[::every], rotation=60 if steep else 0, ha="right" if steep else "center")
    if steep:
        for label in ax.get_xticklabels():
            label.set_rotation_mode("anchor")
    ax.set_yticks(range(0, k, every), labels[::every])
    right, all_ = int(np.trace(counts)), int(counts.sum())
    share = f" ({right / all_:.1%})".replace("%", " %") if all_ else ""
    ax.set(xlabel="predicted class", ylabel="right class", title=f"{right} of {all_} right{share}")
    return ax.figure
