"""Histograms of outputs and weights, a panel for each layer."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.style import BLUE, GREY, new_figure, pyplot
from nn.module import Module
from nn.monitoring.measuring import Histogram, histogram
from nn.monitoring.monitor import Monitor
from nn.plotting.flow import expect_monitor

PANELS = 24
"""The largest number of panels. Of more layers this many are chosen evenly, including the first and the last."""


def activation_histograms(monitor: Monitor) -> Any:
    """Histograms of the outputs of every layer: filled at the last watched batch, as a grey outline at the first.

    Parameters
    ----------
    monitor : Monitor

    Returns
    -------
    matplotlib Figure
        A panel for each layer, with its own scale: the fraction of all entries in bins of equal width. At most 24
        layers are shown.

    Raises
    ------
    autodiff.StructureError
        If the monitor saw no outputs.

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    >>> monitor, optimizer = nn.Monitor(), optim.Adam(model.parameters())
    >>> with monitor.watch(model):
    ...     _ = optimizer.step(lambda: nn.mse_loss(model(np.ones((8, 2))), np.ones((8, 1))))
    >>> [ax.get_title() for ax in nn.plotting.activation_histograms(monitor).axes]
    ['0 Linear', '1 Tanh', '2 Linear']
    """
    expect_monitor("activation_histograms", monitor)
    panels = []
    for layer in monitor.layers:
        seen = [sample.histogram for sample in layer.samples if sample.histogram is not None]
        if seen:
            panels.append((f"{layer.path} {layer.kind}".strip(), seen[-1], seen[0] if len(seen) > 1 else None))
    if not panels:
        raise ad.StructureError(
            "activation_histograms: the monitor saw no outputs. It sees the outputs of modules in steps that are not "
            "compiled, within nn.fit(..., callbacks=[monitor]) or `with monitor.watch(model):`."
        )
    return _sheet(panels, "outputs of the layers", ("at the last watched batch", "at the first"))


def weight_histograms(model: Module) -> Any:
    """Histograms of the parameters of a model.

    Parameters
    ----------
    model : Module

    Returns
    -------
    matplotlib Figure
        A panel for each parameter with more than one entry; at most 24 are shown.

    Raises
    ------
    autodiff.StructureError
        If there are no such parameters.
    TypeError
        If `model` is not a module.

    Examples
    --------
    >>> import nn
    >>> [ax.get_title() for ax in nn.plotting.weight_histograms(nn.Linear(3, 4)).axes]
    ['weight (3, 4)', 'bias (4,)']
    """
    if not isinstance(model, Module):
        raise TypeError(f"weight_histograms: a model is expected; a {type(model).__name__} was given.")
    panels = []
    for path, p in model.named_parameters():
        values = np.abs(p.data) if p.dtype.kind == "c" else p.data
        values = values[np.isfinite(values)]
        if values.size > 1:
            panels.append((f"{path} {p.shape}", histogram(values, float(values.min()), float(values.max())), None))
    if not panels:
        raise ad.StructureError("weight_histograms: the model has no parameter with more than one finite entry.")
    return _sheet(panels, "parameters")


def _sheet(panels: list[tuple[str, Any, Any]], title: str, meanings: tuple[str, str] | None = None) -> Any:
    if len(panels) > PANELS:
        title += f"; {PANELS} of {len(panels)}"
        panels = [panels[i] for i in np.linspace(0, len(panels) - 1, PANELS).round().astype(int)]
    columns = min(len(panels), 6 if len(panels) > 12 else 4)
    rows = -(-len(panels) // columns)
    figure = new_figure(figsize=(2.3 * columns + (0.6 if meanings is None else 2.4), 1.6 * rows + 0.9))
    figure.suptitle(title, fontsize=10)
    figure.supxlabel("value of an entry", fontsize=8)
    figure.supylabel("share of entries", fontsize=8)
    for i, (name, now, first) in enumerate(panels):
        ax = figure.add_subplot(rows, columns, i + 1)
        if now.low == now.high:  # all entries are equal: one bar of some width
            pad = 0.03 * (first.high - first.low if first else 0.0) or 0.01 * abs(now.low) or 0.01
            now = Histogram(now.low - pad, now.high + pad, now.counts.sum(keepdims=True))
        ax.stairs(now.counts / now.counts.sum(), now.edges, fill=True, color=BLUE)
        if first is not None and first.low < first.high:
            ax.stairs(first.counts / first.counts.sum(), first.edges, color=GREY, linewidth=1.1)
        ax.set_title(name, fontsize=8)
        ax.set_yticks([])
        ax.locator_params(axis="x", nbins=4)
        ax.tick_params(labelsize=7)
        ax.margins(x=0.02)
    if meanings is not None and any(first is not None for *_, first in panels):
        filled, outline = ({"facecolor": BLUE}, {"fill": False, "edgecolor": GREY})
        keys = [pyplot().Rectangle((0, 0), 1, 1, **look) for look in (filled, outline)]
        figure.legend(keys, meanings, fontsize=8, loc="outside right center")
    return figure
