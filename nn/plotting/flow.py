"""The sizes of weights, gradients and updates, and the lost units, layer by layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, axes_of
from nn.module import Module
from nn.monitoring.measuring import norm
from nn.monitoring.monitor import Monitor
from nn.monitoring.verdicts import DEAD, RECENT, SATURATED

_LOST = {
    "dead": (RED, "//", "dead units", DEAD),
    "saturated": (ORANGE, "..", "saturated outputs", SATURATED),
}
"""The colour, hatch and label of each kind of bar, and the threshold of its verdict."""

_WRONG = ("vanishing", "exploding", "dead", "saturated", "unused")


def gradient_flow(source: Monitor | Module, *, ax: Any = None) -> Any:
    """The size of weights, gradients and updates in every layer with parameters, from input to output.

    Parameters
    ----------
    source : Monitor or Module
        A monitor: medians of its last watched batches, and the gradients of the first one. Or a model after
        ``loss.backward()``: its current weights and gradients.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    autodiff.StructureError
        If the monitor has seen nothing, or the model has no gradients.

    Notes
    -----
    Sizes are root mean squares, ``norm / sqrt(entries)``, so that wide and narrow layers can be compared; the axis is
    logarithmic. An exact 0 is marked x at the lower edge. For a monitor, the names of layers that are not healthy are
    red.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    >>> nn.mse_loss(model(np.ones((8, 2))), np.zeros((8, 1))).backward()
    >>> figure = nn.plotting.gradient_flow(model)
    >>> [line.get_label() for line in figure.axes[0].lines], figure.axes[0].get_yscale()
    (['weights', 'gradients'], 'log')
    """
    if isinstance(source, Monitor):
        names, wrong, series, title = _of_monitor(source)
    else:
        names, wrong, series, title = _of_model(source)
    ax = axes_of(ax, figsize=(max(6.5, 0.35 * len(names) + 3.5), 4.0))
    positive = [v for _, values, *_ in series for v in values if v > 0 and math.isfinite(v)]
    floor = min(positive, default=1.0) / 3
    at = np.arange(len(names))
    for label, values, colour, dash, marker in series:
        shown = np.where((values > 0) & np.isfinite(values), values, np.nan)
        ax.plot(at, shown, color=colour, linestyle=dash, marker=marker, markersize=5, label=label)
        if (values == 0).any():
            where = at[values == 0]
            ax.scatter(
                where, np.full(len(where), floor), color=colour, marker="x", zorder=3, label=f"{label}: exactly 0"
            )
    ax.set_yscale("log")
    ax.set_ylabel("root mean square")
    _name_layers(ax, names, wrong)
    ax.set_title(title, fontsize=11)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax.figure


def lost_units(monitor: Monitor, *, ax: Any = None) -> Any:
    """The fraction of units that are dead (ReLU) or of outputs that are saturated (tanh, sigmoid), layer by layer.

    Parameters
    ----------
    monitor : Monitor
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        Bars for the last watched batches, grey strokes for the first one, and a dotted line at the threshold of the
        verdict; the legend says so.

    Raises
    ------
    autodiff.StructureError
        If the monitor has seen no layer that can be dead or saturated.

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1))
    >>> model[0].bias.data = np.full(4, -100.0)  # no unit is ever positive
    >>> monitor, optimizer = nn.Monitor(), optim.GradientDescent(model.parameters(), 0.1)
    >>> with monitor.watch(model):
    ...     _ = optimizer.step(lambda: nn.mse_loss(model(np.ones((8, 1))), np.ones((8, 1))))
    >>> [float(bar.get_height()) for bar in nn.plotting.lost_units(monitor).axes[0].patches]
    [1.0]
    """
    expect_monitor("lost_units", monitor)
    verdicts = list(monitor.verdicts.values())
    bars = []  # the layer, the kind of loss, the fraction at the first batch and now
    for i, layer in enumerate(monitor.layers):
        for name in ("dead", "saturated"):
            shares = [getattr(sample, name) for sample in layer.samples]
            there = [share for share in shares if not math.isnan(share)]
            if there:
                now = there[-1] if name == "dead" else float(np.median(there[-RECENT:]))
                bars.append((i, name, there[0], now))
    if not bars:
        raise ad.StructureError(
            "lost_units: no layer of this model can be dead or saturated, or none was called (a compiled step). This "
            "plot shows ReLU, tanh, sigmoid and recurrent layers."
        )
    ax = axes_of(ax, figsize=(max(7.0, 0.5 * len(bars) + 4.5), 3.6))
    for at, (_, name, first, now) in enumerate(bars):
        colour, hatch, label, _ = _LOST[name]
        ax.bar(at, now, color=colour, hatch=hatch, edgecolor="white", label=label)
        ax.plot([at - 0.4, at + 0.4], [first, first], color=GREY, linewidth=2, label="at the first batch")
    for name in dict.fromkeys(name for _, name, *_ in bars):
        colour, _, _, level = _LOST[name]
        ax.axhline(level, color=colour, linestyle=":", linewidth=1.2, label=f"from here on the layer is {name}")
    ax.set(ylim=(0, 1.05), ylabel="share")
    names = [f"{monitor.layers[i].path} {monitor.layers[i].kind}".strip() for i, *_ in bars]
    _name_layers(ax, names, [verdicts[i].state in _WRONG for i, *_ in bars])
    ax.set_title("lost units at the last watched batches", fontsize=10)
    handles = {shown.get_label(): shown for shown in (*ax.containers, *ax.lines)}
    ax.legend(handles.values(), handles.keys(), fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax.figure


def expect_monitor(who: str, monitor: Any) -> None:
    """Raise TypeError if the argument is not a Monitor."""
    if not isinstance(monitor, Monitor):
        raise TypeError(
            f"{who}: an nn.Monitor is expected; a {type(monitor).__name__} was given. Make one, pass it to nn.fit as a "
            "callback, and then draw it."
        )


def _of_monitor(monitor: Monitor) -> Any:
    verdict, verdicts = monitor.verdict, list(monitor.verdicts.values())
    columns = [i for i, layer in enumerate(monitor.layers) if layer.parameters]
    layers = [monitor.layers[i] for i in columns]
    roots = np.sqrt([sum(p.size for p in layer.parameters) for layer in layers])

    def recent(name: str) -> Any:
        return np.array([layer.track().recent(name) for layer in layers]) / roots

    first = monitor.series("gradient")[0, columns] / roots
    series = [
        ("weights", recent("weight"), BLUE, "-", "o"),
        ("gradients", recent("gradient"), RED, "--", "s"),
        ("updates", recent("update"), GREEN, "-.", "^"),
        ("gradients at the first batch", first, GREY, ":", "."),
    ]
    title = f"{verdict.state} ({len(monitor.batches)} batches watched)"
    names = [f"{layer.path} {layer.kind}".strip() for layer in layers]
    return names, [verdicts[i].state in _WRONG for i in columns], series, title


def _of_model(model: Any) -> Any:
    if not isinstance(model, Module):
        raise TypeError(f"gradient_flow: an nn.Monitor or a model is expected; a {type(model).__name__} was given.")
    owners: dict[str, list[Any]] = {}
    for path, p in model.named_parameters():
        owners.setdefault(path.rpartition(".")[0], []).append(p)
    if not any(p.grad is not None for group in owners.values() for p in group):
        raise ad.StructureError(
            "gradient_flow: the model has no gradients; call loss.backward() first, and draw before zero_grad()."
        )
    roots = np.sqrt([sum(p.size for p in group) for group in owners.values()])
    weights = np.array([norm([p.data for p in group]) for group in owners.values()]) / roots
    found = [[p.grad for p in group if p.grad is not None] for group in owners.values()]
    gradients = np.array([norm(group) if group else math.nan for group in found]) / roots
    names = [f"{path} {type(model.module_at(path)).__name__}".strip() for path in owners]
    series = [("weights", weights, BLUE, "-", "o"), ("gradients", gradients, RED, "--", "s")]
    return names, [False] * len(names), series, "one batch"


def _name_layers(ax: Any, names: list[str], wrong: list[bool]) -> None:
    steep = len(names) > 5
    ax.set_xticks(range(len(names)), names, rotation=60 if steep else 0, ha="right" if steep else "center", fontsize=8)
    if steep:
        for label in ax.get_xticklabels():
            label.set_rotation_mode("anchor")
    ax.set_xlabel("layer, from input to output" + (" (red: not healthy)" if any(wrong) else ""))
    for label, bad in zip(ax.get_xticklabels(), wrong, strict=True):
        label.set_color(RED if bad else "black")
