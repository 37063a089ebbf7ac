"""Compress digits of 64 pixels to two numbers, and plot them in the plane.

An encoder maps each of the 8x8 digits that come with the package to a point of the plane, and a decoder maps the point
back to pixels. Both learn together, only from the difference. They never see a label: the digits are coloured
afterwards. Three pictures show what the network has learnt: where the digits lie, how they are reconstructed, and what
the decoder draws over the plane.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
import nn
import optim
from demos import output

EPOCHS = 120
RATE = 3e-3  # falls to 0 along a cosine
COLOURS = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#777777")
"""Colours of the ten digits, safe for colour-blind people (P. Tol, "Colour schemes", 2021, "muted")."""

Data = tuple[Any, Any, Any, Any]


class Autoencoder(nn.Module):
    """A network from 64 pixels to a point of the plane, and back."""

    def __init__(self) -> None:
        super().__init__()
        # the last Tanh limits the codes to the interval from -1 to 1, which the digits then fill
        wide, narrow = nn.Linear(64, 128), nn.Linear(128, 32)
        self.encoder = nn.Sequential(wide, nn.Tanh(), narrow, nn.Tanh(), nn.Linear(32, 2), nn.Tanh())
        self.decoder = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 128), nn.Tanh(), nn.Linear(128, 64))

    def forward(self, x: Any) -> ad.Tensor:
        """Map pixels to pixels as logits, whose sigmoid is ink from 0 to 1."""
        y: ad.Tensor = self.decoder(self.encoder(x))
        return y


def split(seed: int) -> Data:
    """Four fifths for training and one for testing, stratified by digit."""
    images, labels = nn.data.digits()
    return nn.data.train_test_split(images.reshape(len(images), -1), labels, test_size=0.2, stratify=labels, seed=seed)


def square_error(logits: Any, x: Any) -> float:
    """Mean squared difference of pixels, in ink from 0 to 1."""
    return float(np.mean((ad.special.sigmoid(logits.data) - x) ** 2))


def train(data: Data, epochs: int = EPOCHS, seed: int = 0, *, report: Any = None) -> tuple[Autoencoder, nn.History]:
    """Train on the images of ``(x_train, x_test, y_train, y_test)``; returns the model and the history of `nn.fit`."""
    x_train, x_test, _, _ = data
    nn.manual_seed(seed)
    model = Autoencoder()
    optimizer = optim.Adam(model.parameters(), learning_rate=RATE)
    history = nn.fit(
        model,
        optimizer,
        nn.binary_cross_entropy_with_logits,
        (x_train, x_train),
        epochs=epochs,
        batch_size=32,
        validation=(x_test, x_test),
        metrics={"error": square_error},
        schedule=optim.CosineDecay(optimizer, n_steps=epochs),
        callbacks=[] if report is None else [report],
        progress=None if report and output.on_terminal() else False,
    )
    return model, history


def encode(model: Autoencoder, x: np.ndarray) -> np.ndarray:
    """The point of the plane for each image, (n, 2)."""
    with ad.no_grad():
        return model.encoder(x).data


def decode(model: Autoencoder, code: np.ndarray) -> np.ndarray:
    """The decoder's image for each point, (n, 8, 8)."""
    with ad.no_grad():
        return ad.special.sigmoid(model.decoder(code)).data.reshape(-1, 8, 8)


def nearest(code: np.ndarray, labels: np.ndarray, others: np.ndarray, count: int = 9) -> np.ndarray:
    """Nearest-neighbour classification of `others` in the plane, which shows whether the plane separates the digits."""
    apart = ((others[:, None] - code) ** 2).sum(axis=2)
    close = labels[np.argsort(apart, axis=1, kind="stable")[:, :count]]
    return np.stack([(close == digit).sum(axis=1) for digit in range(10)], axis=1).argmax(axis=1)


def draw_plane(path: Path, code: np.ndarray, labels: np.ndarray) -> None:
    """Draw every digit at its point, in its own colour."""
    with output.figure(path, figsize=(7, 7)) as fig:
        ax = fig.subplots()
        for digit, colour in enumerate(COLOURS):
            ax.scatter(*code[labels == digit].T, s=42, color=colour, marker=f"${digit}$", linewidths=0.4)
        ax.set(title="The code of every test digit; the network has seen no labels")
        ax.set(xlabel="first number of the code", ylabel="second number")


def draw_reconstructions(path: Path, model: Autoencoder, x: np.ndarray, y: np.ndarray) -> None:
    """Draw two test digits of each kind, above their reconstructions."""
    chosen = np.concatenate([np.flatnonzero(y == digit)[:2] for digit in range(10)])
    back = decode(model, encode(model, x[chosen]))
    with output.figure(path, figsize=(10, 4.6)) as fig:
        fig.suptitle("Ten pairs of test digits, and below each its reconstruction from two numbers")
        axes = fig.subplots(4, 10)
        for k, i in enumerate(chosen):
            row, column = 2 * (k % 2), k // 2
            output.image(axes[row, column], x[i].reshape(8, 8), str(y[i]) if not row else "")
            output.image(axes[row + 1, column], back[k])


def draw_walk(path: Path, model: Autoencoder, side: int = 15) -> None:
    """Draw the decoder's images over the plane, each at its point."""
    steps = (np.arange(side) + 0.5) / side * 2 - 1
    across, up = np.meshgrid(steps, steps[::-1])
    drawn = decode(model, np.stack([across.ravel(), up.ravel()], axis=1))
    framed = np.pad(drawn, [(0, 0), (1, 1), (1, 1)])
    sheet = framed.reshape(side, side, 10, 10).swapaxes(1, 2).reshape(side * 10, side * 10)
    with output.figure(path, figsize=(7, 7)) as fig:
        ax = fig.subplots()
        ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, extent=(-1, 1, -1, 1))
        ax.set(title="The decoder's images over the plane")
        ax.set(xlabel="first number of the code", ylabel="second number")


def main(arguments: list[str]) -> float:
    """Run the demo; returns the mean squared error of the test digits' pixels."""
    parser = output.options(
        "autoencoder", __doc__, length="epochs", default=EPOCHS, seed="the split, the initial weights and the batches"
    )
    given = parser.parse_args(arguments)
    target = output.folder("autoencoder", given.folder)
    data = split(given.seed)
    x_train, x_test, y_train, y_test = data
    print(f"{len(x_train)} training digits, {len(x_test)} test digits")
    print(Autoencoder().summary((1, 64)))
    rows: list[list[Any]] = []

    def report(epoch: int, history: nn.History, model: nn.Module) -> None:
        if epoch == 1 or epoch % 20 == 0 or epoch == given.epochs:
            numbers = (history[k][-1] for k in ("loss", "validation_loss", "error", "validation_error"))
            rows.append([epoch, *(f"{number:.4f}" for number in numbers)])

    model, history = train(data, given.epochs, given.seed, report=report)
    output.table(["epoch", "loss", "test loss", "squared error", "test squared error"], rows)
    still = np.mean((x_test - x_train.mean(axis=0)) ** 2)
    print(f"the mean image, as the reconstruction of every digit, would have a squared error of {still:.4f}")
    code, test_code = encode(model, x_train), encode(model, x_test)
    apart = float(np.mean(nearest(code, y_train, test_code) == y_test))
    print(f"nine nearest neighbours in the plane classify {apart:.1%} of the test digits correctly\n")
    written = [target / name for name in ("plane.png", "reconstructions.png", "walk.png")]
    draw_plane(written[0], test_code, y_test)
    draw_reconstructions(written[1], model, x_test, y_test)
    draw_walk(written[2], model)
    output.wrote(written)
    error = float(history["validation_error"][-1])
    print(f"test squared error {error:.4f}")
    return error
