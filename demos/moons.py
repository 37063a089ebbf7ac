"""Watch a network learn to separate two moons, as a sheet of pictures and as a film.

Two half circles of noisy points are interleaved: no straight line separates them. A perceptron with two hidden layers
learns to. After each epoch a callback of `nn.fit` computes, at every point of a grid, the probability of the lower
moon. A sheet shows some epochs side by side, and a film shows all of them: the boundary starts as a line and bends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
import nn
import optim
from autodiff.plotting.style import Film
from demos import output

EPOCHS = 60
RATE = 1e-2  # falls to 0 along a cosine
GRID = 120
BOX = (-1.6, 2.6, -1.15, 1.65)  # left, right, bottom, top
SHEET = (0, 1, 2, 4, 8, 15, 30, 60)
Data = tuple[Any, Any, Any, Any]


def make_model() -> nn.Sequential:
    """A network from a point of the plane to one number, positive on the lower moon."""
    return nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1), nn.Flatten(0))


def split(seed: int, n: int = 500) -> Data:
    """Four fifths of the points for training and one for testing, stratified by moon."""
    points, labels = nn.data.moons(n, noise=0.18, seed=seed)
    return nn.data.train_test_split(points, labels, test_size=0.2, stratify=labels, seed=seed)


def grid() -> np.ndarray:
    """The grid points at which the network is evaluated, (GRID * GRID, 2), row by row."""
    left, right, bottom, top = BOX
    x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(bottom, top, GRID))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def shares(model: nn.Module, points: np.ndarray) -> np.ndarray:
    """The probability of the lower moon for each point."""
    with ad.no_grad():
        return ad.special.sigmoid(model(points)).data


def train(
    data: Data, epochs: int = EPOCHS, seed: int = 0, *, report: Any = None
) -> tuple[nn.Module, nn.History, np.ndarray]:
    """Train on ``(x_train, x_test, y_train, y_test)``.

    Returns the model, the history of `nn.fit`, and the probabilities over the grid before the first epoch and after
    each: (epochs + 1, GRID, GRID).
    """
    x_train, x_test, y_train, y_test = data
    nn.manual_seed(seed)
    model = make_model()
    points = grid()
    frames = [shares(model, points)]
    optimizer = optim.Adam(model.parameters(), learning_rate=RATE)
    history = nn.fit(
        model,
        optimizer,
        nn.binary_cross_entropy_with_logits,
        (x_train, y_train),
        epochs=epochs,
        batch_size=16,
        validation=(x_test, y_test),
        metrics={"accuracy": nn.accuracy},
        schedule=optim.CosineDecay(optimizer, n_steps=epochs),
        callbacks=[
            lambda epoch, history, model: frames.append(shares(model, points)),
            *([] if report is None else [report]),
        ],
        progress=None if report and output.on_terminal() else False,
    )
    return model, history, np.reshape(frames, (-1, GRID, GRID))


def draw_frame(ax: Any, share: np.ndarray, x: np.ndarray, y: np.ndarray, title: str) -> None:
    """Draw the probabilities over the plane, the decision boundary, and the points."""
    nn.plotting.draw_regions(ax, share, BOX, x, y)
    ax.set_title(title, fontsize=10)


def title_of(epoch: int, history: nn.History) -> str:
    """The epoch, and the test accuracy after it."""
    if not epoch:
        return "before the first epoch"
    return f"epoch {epoch}, test accuracy {history['validation_accuracy'][epoch - 1]:.0%}"


def draw_sheet(path: Path, frames: np.ndarray, history: nn.History, x: np.ndarray, y: np.ndarray) -> list[int]:
    """Draw eight epochs side by side; returns the epochs that are shown."""
    last = len(frames) - 1
    shown = sorted({epoch for epoch in SHEET if epoch < last} | {last})
    with output.figure(path, figsize=(12, 2.4 * -(-len(shown) // 4) + 0.5)) as fig:
        fig.suptitle("The network's decision boundary (circles: upper moon, triangles: lower moon)")
        grid_of_axes = fig.subplots(-(-len(shown) // 4), 4, squeeze=False).flat
        for ax, epoch in zip(grid_of_axes, shown):
            draw_frame(ax, frames[epoch], x, y, title_of(epoch, history))
        for ax in grid_of_axes:
            ax.axis("off")
    return shown


def draw_film(path: Path, frames: np.ndarray, history: nn.History, x: np.ndarray, y: np.ndarray) -> None:
    """Write all epochs as an animated GIF, which stays on the last one for a while."""

    def draw(figure: Any, epoch: int) -> None:
        draw_frame(figure.subplots(), frames[epoch], x, y, title_of(epoch, history))

    Film(draw, len(frames), figsize=(4.8, 3.5)).save(path)


def draw_curve(path: Path, history: nn.History) -> None:
    """Plot loss and accuracies over the epochs."""
    epochs = np.arange(1, history.epochs + 1)
    with output.figure(path, figsize=(8, 3.4)) as fig:
        left, right = fig.subplots(1, 2)
        for ax, what, title in (
            (left, "loss", "binary cross-entropy"),
            (right, "accuracy", "fraction of correct answers"),
        ):
            found = {"train": history[what], "test": history[f"validation_{what}"]}
            output.lines(ax, epochs, found, xlabel="epoch", title=title)


def main(arguments: list[str]) -> float:
    """Run the demo; returns the accuracy on the test points."""
    parser = output.options(
        "moons", __doc__, length="epochs", default=EPOCHS, seed="the points, the initial weights and the batches"
    )
    given = parser.parse_args(arguments)
    target = output.folder("moons", given.folder)
    data = split(given.seed)
    x_train, x_test, y_train, _ = data
    print(f"{len(x_train)} training points, {len(x_test)} test points")
    print(make_model())
    rows: list[list[Any]] = []

    def report(epoch: int, history: nn.History, model: nn.Module) -> None:
        if epoch in SHEET or epoch == given.epochs:
            numbers = (history[k][-1] for k in ("loss", "accuracy", "validation_loss", "validation_accuracy"))
            rows.append([epoch, *(f"{number:.4f}" for number in numbers)])

    _, history, frames = train(data, given.epochs, given.seed, report=report)
    output.table(["epoch", "loss", "accuracy", "test loss", "test accuracy"], rows)
    written = [target / name for name in ("sheet.png", "film.gif", "curve.png")]
    draw_sheet(written[0], frames, history, x_train, y_train)
    draw_film(written[1], frames, history, x_train, y_train)
    draw_curve(written[2], history)
    output.wrote(written)
    accuracy = float(history["validation_accuracy"][-1])
    print(f"test accuracy {accuracy:.4f}")
    return accuracy
