"""Train LeNet, a convolutional network, on 5,000 images of MNIST, and show which digits it confuses.

The images, 28x28 pixels, come with the package. LeNet-5 in its modern form (ReLU, max pooling, dropout) learns from
four fifths of them with Adam, whose learning rate falls along a cosine, and is tested on the other fifth. The results
are the loss and accuracy over the epochs, the confusion matrix, and the worst mistakes.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", 1998.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
import nn
import optim
from demos import output

EPOCHS = 12
RATE = 2e-3
Data = tuple[Any, Any, Any, Any]


def make_model() -> nn.Sequential:
    """LeNet-5, from images (n, 1, 28, 28) to 10 classes."""
    features = [
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
    ]
    classes = [nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(*features, nn.Flatten(), nn.Dropout(0.25), *classes)


def split(seed: int) -> Data:
    """Four fifths for training and one for testing, stratified by digit."""
    images, labels = nn.data.mnist()
    return nn.data.train_test_split(images[:, None], labels, test_size=0.2, stratify=labels, seed=seed)


def train(data: Data, epochs: int = EPOCHS, seed: int = 0, *, report: Any = None) -> tuple[nn.Module, nn.History]:
    """Train on ``(x_train, x_test, y_train, y_test)``; returns the model and the history of `nn.fit`."""
    x_train, x_test, y_train, y_test = data
    nn.manual_seed(seed)
    model = make_model()
    optimizer = optim.Adam(model.parameters(), learning_rate=RATE)
    history = nn.fit(
        model,
        optimizer,
        nn.cross_entropy,
        (x_train, y_train),
        epochs=epochs,
        batch_size=32,
        validation=(x_test, y_test),
        metrics={"accuracy": nn.accuracy},
        schedule=optim.CosineDecay(optimizer, n_steps=epochs),
        callbacks=[] if report is None else [report],
        progress=None if report and output.on_terminal() else False,
    )
    return model, history


def scores(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """The probability of each of the ten digits, for each image."""
    with ad.no_grad():
        return np.concatenate(
            [ad.special.softmax(model(part), axis=1).data for (part,) in nn.batches(x, shuffle=False)]
        )


def draw_curve(path: Path, history: nn.History) -> None:
    """Plot loss and accuracies over the epochs."""
    epochs = np.arange(1, history.epochs + 1)
    with output.figure(path, figsize=(8, 3.4)) as fig:
        left, right = fig.subplots(1, 2)
        for ax, what, title in ((left, "loss", "cross-entropy"), (right, "accuracy", "fraction of correct answers")):
            found = {"train": history[what], "test": history[f"validation_{what}"]}
            output.lines(ax, epochs, found, xlabel="epoch", title=title)
            ax.xaxis.get_major_locator().set_params(integer=True)


def draw_confusion(path: Path, counts: np.ndarray) -> None:
    """Draw the confusion matrix, right digits by row and answers by column, with mistakes in colour."""
    mistakes = counts - np.diag(np.diag(counts))
    with output.figure(path, figsize=(5.6, 5.4)) as fig:
        ax = fig.subplots()
        shown = ax.imshow(mistakes, cmap="Oranges", vmin=0, vmax=max(4, mistakes.max()))
        for (row, column), count in np.ndenumerate(counts):
            right = row == column
            text = str(count) if count else "·"
            colour = output.GREY if right or not count else "black"
            ax.text(column, row, text, ha="center", va="center", color=colour, weight="normal" if right else "bold")
        ax.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="right digit")
        ax.set_title(f"{mistakes.sum()} of {counts.sum()} test images are misread")
        bar = fig.colorbar(shown, shrink=0.7, label="mistakes")
        bar.locator.set_params(integer=True)


def draw_mistakes(path: Path, found: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Draw the test images whose right digit has the lowest probability, with the answer and its probability."""
    guess = found.argmax(1)
    order = np.argsort(found[np.arange(len(y)), y], kind="stable")[:40]
    with output.figure(path, figsize=(9, 6.2)) as fig:
        fig.suptitle("The images with the lowest probability of the right digit: answer, right digit, probability")
        for ax, i in zip(fig.subplots(5, 8).flat, order):
            wrong = guess[i] != y[i]
            text = f"{guess[i]}, not {y[i]}" if wrong else f"{guess[i]}, right"
            output.image(ax, x[i, 0], f"{text}  {found[i, guess[i]]:.0%}", stands_out=wrong)


def digit_rows(counts: np.ndarray) -> list[list[Any]]:
    """For each digit the number of images, the fraction recognised, and the most frequent wrong answer."""
    rows = []
    for digit, row in enumerate(counts):
        others = np.where(np.arange(10) == digit, 0, row)
        taken = f"{others.argmax()} ({others.max()} of them)" if others.any() else "-"
        rows.append([digit, row.sum(), f"{row[digit] / row.sum():.3f}", taken])
    return rows


def main(arguments: list[str]) -> float:
    """Run the demo; returns the accuracy on the test images."""
    parser = output.options(
        "mnist", __doc__, length="epochs", default=EPOCHS, seed="the split, the initial weights and the batches"
    )
    given = parser.parse_args(arguments)
    target = output.folder("mnist", given.folder)
    data = split(given.seed)
    x_train, x_test, _, y_test = data
    print(f"{len(x_train)} training images, {len(x_test)} test images")
    print(make_model().summary((1, 1, 28, 28)))
    print("\nepoch     loss   train    test")

    def report(epoch: int, history: nn.History, model: nn.Module) -> None:
        loss, seen, test = (history[k][-1] for k in ("loss", "accuracy", "validation_accuracy"))
        print(f"{epoch:5d} {loss:8.4f}  {seen:.4f}  {test:.4f}")

    start = time.perf_counter()
    model, history = train(data, given.epochs, given.seed, report=report)
    print(f"trained in {time.perf_counter() - start:.1f} s\n")

    found = scores(model, x_test)
    counts = nn.confusion_matrix(found, y_test)
    output.table(["digit", "images", "recognised", "mostly misread as"], digit_rows(counts))
    written = [target / name for name in ("curve.png", "confusion.png", "mistakes.png")]
    draw_curve(written[0], history)
    draw_confusion(written[1], counts)
    draw_mistakes(written[2], found, x_test, y_test)
    output.wrote(written)
    accuracy = float(history["validation_accuracy"][-1])
    print(f"test accuracy {accuracy:.4f}")
    return accuracy
