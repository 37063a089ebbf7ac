"""Train a network on real handwritten digits, check its gradients, draw its graph and its errors.

The data are the 1,797 UCI digits of 8x8 pixels that come with the package. A perceptron with one hidden layer learns
from four fifths of them with Adam. Each batch gets fresh noise, so the network never sees the same image twice. It is
tested on the rest. Then the gradient of the trained network is checked against finite differences, and the results are
written as pictures.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
import nn
import optim
from demos.output import figure, folder, lines, positive, progress

EPOCHS = 60
RATE = 5e-3  # falls linearly to 0
NOISE = 0.2  # where ink is from 0 to 1; gains one percentage point of test accuracy


def make_model(hidden: int = 256) -> nn.Sequential:
    """A perceptron from 64 pixels to 10 classes."""
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def accuracy(model: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    """The fraction of rows whose largest logit is that of the label."""
    with ad.no_grad():
        return float((model(x).data.argmax(1) == y).mean())


def shares(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """The probability of each of the ten digits, for each row."""
    with ad.no_grad():
        return ad.special.softmax(model(x), axis=1).data


def train(
    data: tuple[Any, Any, Any, Any], epochs: int = EPOCHS, seed: int = 0, *, report: Any = None
) -> tuple[nn.Module, dict[str, list[float]]]:
    """Train on ``(x_train, x_test, y_train, y_test)``; returns the model, and loss and accuracies by epoch."""
    x_train, x_test, y_train, y_test = data
    rng = nn.manual_seed(seed)
    model = make_model()
    optimizer = optim.Adam(model.parameters())
    history: dict[str, list[float]] = {"loss": [], "train": [], "test": []}
    for epoch in progress(range(epochs), epochs, "training" if report else ""):
        optimizer.learning_rate = RATE * (1 - epoch / epochs)
        losses = []
        for x, y in nn.batches(x_train, y_train, batch_size=32):
            loss = nn.cross_entropy(model(x + NOISE * rng.standard_normal(x.shape, dtype=np.float32)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        history["loss"].append(float(np.mean(losses)))
        history["train"].append(accuracy(model, x_train, y_train))
        history["test"].append(accuracy(model, x_test, y_test))
        if report is not None:
            report(epoch, history)
    return model, history


def split(seed: int) -> tuple[Any, Any, Any, Any]:
    """Four fifths for training and one for testing, stratified by digit."""
    images, labels = nn.data.digits()
    return nn.data.train_test_split(images.reshape(len(images), -1), labels, test_size=0.2, stratify=labels, seed=seed)


def check_gradients(model: nn.Module, x: np.ndarray, y: np.ndarray) -> Any:
    """Compare the network's gradient with finite differences, in float64, at the learnt weights."""
    parts = [p.data.astype(np.float64) for p in model.parameters()]

    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        return nn.cross_entropy(ad.special.relu(x.astype(np.float64) @ w1 + b1) @ w2 + b2, y)

    return ad.testing.gradcheck(loss, *parts, order=1, on_kink="report")  # order 2 would meet the kinks of ReLU


def draw_curve(path: Path, history: dict[str, list[float]]) -> None:
    """Plot loss and accuracies over the epochs."""
    epochs = np.arange(1, len(history["loss"]) + 1)
    with figure(path, figsize=(8, 3.4)) as fig:
        left, right = fig.subplots(1, 2)
        lines(
            left, epochs, {"train": history["loss"]}, xlabel="epoch", ylabel="mean training loss", title="cross-entropy"
        )
        left.set_yscale("log")
        found = {"train": history["train"], "test": history["test"]}
        low = min(0.9, history["test"][0])
        lines(
            right,
            epochs,
            found,
            xlabel="epoch",
            ylabel="fraction of correct answers",
            title="accuracy",
            ylim=(low, 1.002),
        )


def draw_predictions(path: Path, model: nn.Module, x: np.ndarray, y: np.ndarray) -> None:
    """Draw a sheet of test digits, wrong answers first, each with the network's answer and its probability."""
    sure = shares(model, x)
    guess = sure.argmax(1)
    order = np.argsort(guess == y, kind="stable")[:40]
    with figure(path, figsize=(9, 5.6)) as fig:
        fig.suptitle(f"{int((guess != y).sum())} of {len(y)} test digits are misread (red: answer, right digit)")
        for ax, i in zip(fig.subplots(5, 8).flat, order):
            ax.imshow(x[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            wrong = guess[i] != y[i]
            text = f"{guess[i]}, not {y[i]}" if wrong else f"{guess[i]}"
            ax.set_title(f"{text}  {sure[i, guess[i]]:.0%}", fontsize=8, color="#A8455B" if wrong else "#333333")
            ax.axis("off")


def main(arguments: list[str]) -> float:
    """Run the demo; returns the accuracy on the test digits."""
    parser = argparse.ArgumentParser(prog="python -m demos digits", description=__doc__)
    parser.add_argument("--epochs", type=positive, default=EPOCHS)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the split, the initial weights and the order of batches"
    )
    parser.add_argument("--folder", help="folder for the pictures (default: out/digits)")
    options = parser.parse_args(arguments)
    target = folder("digits", options.folder)
    data = split(options.seed)
    x_train, x_test, _, y_test = data
    print(f"{len(x_train)} training digits, {len(x_test)} test digits")
    print(make_model())
    print("\nepoch     loss   train    test")

    def report(epoch: int, history: dict[str, list[float]]) -> None:
        print(f"{epoch + 1:5d} {history['loss'][-1]:8.4f}  {history['train'][-1]:.4f}  {history['test'][-1]:.4f}")

    start = time.perf_counter()
    model, history = train(data, options.epochs, options.seed, report=report)
    print(f"trained in {time.perf_counter() - start:.1f} s\n")

    unsure = shares(model, x_test)[np.arange(len(y_test)), y_test].argsort()[:8]
    print("gradient check of this network on the 8 least likely test digits, against finite differences:")
    print(check_gradients(model, x_test[unsure], y_test[unsure]), "\n")

    loss = nn.cross_entropy(model(x_test[:32]), y_test[:32])
    picture = ad.draw(loss)
    written = [target / "graph.dot", target / "curve.png", target / "predictions.png"]
    written[0].write_text(picture.source, encoding="utf-8")
    if ad.drawing.find_renderer() is None:
        print(ad.drawing.rendering.ADVICE)
    else:
        for kind in ("svg", "png"):
            written.append(target / f"graph.{kind}")
            written[-1].write_bytes(picture.pipe(format=kind))
    draw_curve(target / "curve.png", history)
    draw_predictions(target / "predictions.png", model, x_test, y_test)
    for path in written:
        print("wrote", path)
    print(f"test accuracy {history['test'][-1]:.4f}")
    return history["test"][-1]
