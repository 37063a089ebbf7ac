"""Watch deep networks fail, each in its own way, and learn the reasons from a monitor.

Six networks with ten hidden layers learn the digits. They differ in activation function, size of the initial weights
and learning rate; one of them is healthy. An `nn.Monitor` watches some of their batches and gives each network a
verdict, the reason, and a remedy. The pictures show what it measured: the size of the gradients from layer to layer,
the lost units, and the distributions of the outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

import nn
import optim
from demos import output

EPOCHS = 3
WIDTH, DEPTH = 64, 10
EVERY = 5


class Setting(NamedTuple):
    """A network: activation function, standard deviation of the initial weights, and learning rate."""

    activation: type[nn.Module]
    std: float
    rate: float


SETTINGS = {
    "sigmoid": Setting(nn.Sigmoid, WIDTH**-0.5, 1e-3),
    "tanh, large weights": Setting(nn.Tanh, 1.0, 1e-3),
    "ReLU, small weights": Setting(nn.ReLU, 0.02, 1e-3),
    "ReLU, large weights": Setting(nn.ReLU, 1.0, 1e-3),
    "ReLU, large steps": Setting(nn.ReLU, (2 / WIDTH) ** 0.5, 0.1),
    "ReLU, He's weights": Setting(nn.ReLU, (2 / WIDTH) ** 0.5, 1e-3),
}
"""Only the last is healthy. Weights of variance 2 / WIDTH keep the size of a signal through ReLUs (He, 2015)."""


class Run(NamedTuple):
    """The result of training a network."""

    monitor: nn.Monitor
    loss: float
    accuracy: float


def make_model(setting: Setting) -> nn.Sequential:
    """A network from 64 pixels through ten layers of 64 units to 10 classes."""
    layers: list[nn.Module] = []
    for _ in range(DEPTH):
        linear = nn.Linear(WIDTH, WIDTH)
        nn.init.normal(linear.weight, std=setting.std)
        nn.init.zeros(linear.bias)
        layers += [linear, setting.activation()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 10))


def train(setting: Setting, epochs: int = EPOCHS, seed: int = 0) -> Run:
    """Train one network on the digits, with a monitor."""
    images, labels = nn.data.digits()
    nn.manual_seed(seed)
    model, monitor = make_model(setting), nn.Monitor(EVERY)
    optimizer = optim.Adam(model.parameters(), learning_rate=setting.rate)
    history = nn.fit(
        model,
        optimizer,
        nn.cross_entropy,
        (images.reshape(-1, WIDTH), labels),
        epochs=epochs,
        metrics={"accuracy": nn.accuracy},
        callbacks=[monitor],
        progress=False,
    )
    return Run(monitor, float(history["loss"][-1]), float(history["accuracy"][-1]))


def draw_flow(path: Path, runs: dict[str, Run]) -> None:
    """Draw the gradient flow of all networks, side by side."""
    with output.figure(path, figsize=(15, 8)) as fig:
        for ax, (name, run) in zip(fig.subplots(2, 3).flat, runs.items(), strict=True):
            nn.plotting.gradient_flow(run.monitor, ax=ax)
            ax.get_legend().remove()
            ax.set_title(f"{name}: {run.monitor.verdict.state}", fontsize=11)
        handles, labels = ax.get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=4)


def draw_units(path: Path, runs: dict[str, Run]) -> None:
    """Draw dead and saturated units of all networks, side by side."""
    with output.figure(path, figsize=(15, 8)) as fig:
        for ax, (name, run) in zip(fig.subplots(2, 3).flat, runs.items(), strict=True):
            nn.plotting.lost_units(run.monitor, ax=ax)
            ax.get_legend().remove()
            ax.set_title(f"{name}: {run.monitor.verdict.state}", fontsize=11)

        kinds = {
            label: handle for ax in fig.axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        fig.legend(kinds.values(), kinds.keys(), loc="outside lower center", ncols=2)


def draw_outputs(path: Path, name: str, run: Run) -> None:
    """Draw the distributions of the outputs of one network, layer by layer."""
    figure = nn.plotting.activation_histograms(run.monitor)
    figure.suptitle(f"{name}: share of the outputs (grey outline: at the first batch)", fontsize=10)
    output.write(figure, path, dpi=110)


def main(arguments: list[str]) -> float:
    """Run the demo; returns the accuracy of the healthy network."""
    parser = output.options("deep", __doc__, length="epochs", default=EPOCHS, seed="the first weights and the batches")
    given = parser.parse_args(arguments)
    target = output.folder("deep", given.folder)
    import matplotlib

    matplotlib.use("Agg")
    runs = {}
    for name, setting in SETTINGS.items():
        with np.errstate(all="ignore"):  # exploding networks overflow
            runs[name] = train(setting, given.epochs, given.seed)
        print(f"{name}\n  {runs[name].monitor.verdict}\n")
    output.table(
        ["network", "loss", "accuracy", "verdict"],
        [[name, f"{r.loss:.4g}", f"{r.accuracy:.4f}", r.monitor.verdict.state] for name, r in runs.items()],
    )
    written = [target / name for name in ("flow.png", "units.png", "outputs.png")]
    draw_flow(written[0], runs)
    draw_units(written[1], runs)
    saturated = "tanh, large weights"
    draw_outputs(written[2], saturated, runs[saturated])
    output.wrote(written)
    accuracy = runs["ReLU, He's weights"].accuracy
    print(f"training accuracy of the healthy network {accuracy:.4f}")
    return accuracy
