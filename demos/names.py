"""Invent first names, letter by letter: a recurrent network and a transformer learn from real ones.

The package `names` contains the first names of the US census of 1990. Both models read a name from its beginning and
predict at every position the probability of each next letter, or of the end. They learn from nine tenths of the names
and are tested on the rest. Then letters are drawn with these probabilities until a name ends, and new names are shown:
twenty from each model.
"""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
import nn
import optim
from demos import output

EPOCHS = 12
RATE = 5e-3  # falls to 0 along a cosine
LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # the dot is where a name begins, and where it ends
NOTHING = -100  # a target that does not count
FILES = ("dist.female.first", "dist.male.first")
SHOWN = "katherine"


class Sequences(NamedTuple):
    """Names as numbers of letters.

    Attributes
    ----------
    read : (n, time) int, a dot and the name
    next : (n, time) int, the name and a dot, the next letter at every position; then `NOTHING`
    """

    read: np.ndarray
    next: np.ndarray


def load(*files: str) -> list[str]:
    """The first names in some files of the census, or in all, once each, in lower case."""
    try:
        folder = resources.files("names")
    except ModuleNotFoundError:
        advice = "this demo needs the package `names`: pip install names, or this project's extra `demos`"
        raise SystemExit(advice) from None
    lines = [line for file in files or FILES for line in folder.joinpath(file).read_text(encoding="ascii").splitlines()]
    return sorted({line.split()[0].lower() for line in lines if line.strip()})


def sequences(names: list[str], length: int) -> Sequences:
    """Names up to `length` letters as numbers."""
    read = np.zeros((len(names), length + 1), np.int64)
    following = np.full((len(names), length + 1), NOTHING)
    for i, name in enumerate(names):
        numbers = [LETTERS.index(letter) for letter in name]
        read[i, 1 : len(name) + 1] = numbers
        following[i, : len(name) + 1] = [*numbers, 0]
    return Sequences(read, following)


class Recurrent(nn.Module):
    """A GRU, whose state represents the letters read so far."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), 24)
        self.gru = nn.GRU(24, 128)
        self.dropout = nn.Dropout(0.25)
        self.out = nn.Linear(128, len(LETTERS))

    def forward(self, read: Any) -> ad.Tensor:
        """Logits of the next letter at every position, (n, time, letters)."""
        states, _ = self.gru(self.letters(read))
        y: ad.Tensor = self.out(self.dropout(states))
        return y


class Transformer(nn.Module):
    """Two transformer blocks: every position attends to all letters before."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), 48)
        self.places = nn.Embedding(length + 1, 48)
        self.blocks = nn.ModuleList([nn.TransformerBlock(48, 4, 96, dropout=0.1) for _ in range(2)])
        self.norm = nn.LayerNorm(48)
        self.out = nn.Linear(48, len(LETTERS))

    def forward(self, read: Any) -> ad.Tensor:
        """Logits of the next letter at every position, (n, time, letters)."""
        x = self.letters(read) + self.places(np.arange(read.shape[1]))
        for block in self.blocks:
            x = block(x, causal=True)
        y: ad.Tensor = self.out(self.norm(x))
        return y


MODELS = {"GRU": Recurrent, "transformer": Transformer}


def loss(logits: Any, following: np.ndarray) -> ad.Tensor:
    """Cross-entropy of the next letter, averaged over all letters."""
    rows = logits.reshape((following.size, len(LETTERS)))
    return nn.cross_entropy(rows, following.reshape(-1), ignore_index=NOTHING)


def train(
    kind: str, train_data: Sequences, test_data: Sequences, epochs: int = EPOCHS, seed: int = 0, *, report: Any = None
) -> tuple[nn.Module, nn.History]:
    """Train a model of `MODELS`; returns the model and the history of `nn.fit`."""
    nn.manual_seed(seed)
    model = MODELS[kind](train_data.read.shape[1] - 1)
    optimizer = optim.Adam(model.parameters(), learning_rate=RATE)
    history = nn.fit(
        model,
        optimizer,
        loss,
        train_data,
        epochs=epochs,
        batch_size=64,
        validation=test_data,
        schedule=optim.CosineDecay(optimizer, n_steps=epochs),
        callbacks=[] if report is None else [report],
        progress=None if report and output.on_terminal() else False,
    )
    return model.eval(), history


def shares(model: nn.Module, read: np.ndarray) -> np.ndarray:
    """The probability of each next letter at every position: (n, time, letters)."""
    with ad.no_grad():
        return ad.special.softmax(model(read), axis=2).data


def draw_names(model: nn.Module, count: int, length: int, rng: np.random.Generator) -> list[str]:
    """Draw some names letter by letter; those that have not ended after `length` letters are cut."""
    read = np.zeros((count, length + 1), np.int64)
    for place in range(length):
        until = shares(model, read[:, : place + 1])[:, -1].cumsum(axis=1)
        drawn = (rng.random((count, 1)) * until[:, -1:] > until).sum(axis=1)
        ended = (read[:, place] == 0) if place else np.zeros(count, bool)
        read[:, place + 1] = np.where(ended, 0, drawn)
    return ["".join(LETTERS[i] for i in row[1:] if i) for row in read]


def invent(model: nn.Module, known: set[str], length: int, seed: Any, count: int = 20) -> tuple[list[str], float]:
    """New names of three letters or more, and the fraction of all drawn names that are in the census."""
    drawn = draw_names(model, 400, length, np.random.default_rng(seed))
    new = list(dict.fromkeys(name for name in drawn if name not in known and len(name) > 2))
    return new[:count], float(np.mean([name in known for name in drawn]))


def draw_curve(path: Path, histories: dict[str, nn.History]) -> None:
    """Plot both losses of both models over the epochs."""
    with output.figure(path, figsize=(8, 3.6)) as fig:
        for ax, (kind, history) in zip(fig.subplots(1, 2, sharey=True), histories.items(), strict=True):
            found = {"train": history["loss"], "test": history["validation_loss"]}
            output.lines(ax, np.arange(1, history.epochs + 1), found, xlabel="epoch", title=kind)
        fig.axes[0].set_ylabel("cross-entropy per letter")


def draw_letters(path: Path, models: dict[str, nn.Module], name: str = SHOWN) -> None:
    """Draw the predictions of each model while it reads a name: a column per position, a row per letter."""
    read, following = sequences([name], len(name))
    with output.figure(path, figsize=(8.4, 7)) as fig:
        fig.suptitle(f"Predictions of the next letter, after reading “{name}” up to the letter below each column")
        for ax, (kind, model) in zip(fig.subplots(1, 2, sharey=True), models.items(), strict=True):
            found = shares(model, read)[0]
            shown = ax.imshow(found.T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            ax.scatter(np.arange(len(name) + 1), following[0], s=60, facecolors="none", edgecolors=output.RED)
            ax.set(xticks=range(len(name) + 1), xticklabels=["start", *name], title=kind)
            ax.set(yticks=range(len(LETTERS)), yticklabels=["end", *LETTERS[1:]])
        fig.axes[0].set_ylabel("next letter (circles: the actual one)")
        fig.colorbar(shown, ax=fig.axes, shrink=0.6, label="probability")


def main(arguments: list[str]) -> float:
    """Run the demo; returns the lower of both test losses."""
    parser = output.options(
        "names", __doc__, length="epochs", default=EPOCHS, seed="the split, the initial weights and all drawing"
    )
    given = parser.parse_args(arguments)
    target = output.folder("names", given.folder)
    names = load()
    length = max(map(len, names))
    learnt, kept = nn.data.train_test_split(np.array(names), test_size=0.1, seed=given.seed)
    train_data, test_data = (sequences(part.tolist(), length) for part in (learnt, kept))
    print(f"{len(learnt)} training names, {len(kept)} test names, of up to {length} letters")
    histories: dict[str, nn.History] = {}
    models: dict[str, nn.Module] = {}
    invented: dict[str, list[str]] = {}
    for number, kind in enumerate(MODELS):

        def report(epoch: int, history: nn.History, model: nn.Module) -> None:
            print(f"{epoch:5d} {history['loss'][-1]:8.4f} {history['validation_loss'][-1]:8.4f}")

        start = time.perf_counter()
        print(f"\n{kind}\nepoch     loss     test")
        models[kind], histories[kind] = train(kind, train_data, test_data, given.epochs, given.seed, report=report)
        size = sum(p.size for p in models[kind].parameters())
        print(f"{size} parameters trained in {time.perf_counter() - start:.1f} s")
        invented[kind], known = invent(models[kind], set(names), length, [given.seed, number])
        print(f"{known:.0%} of the names it draws are in the census")
    rows = zip(*([name.capitalize() for name in invented[kind]] for kind in MODELS), strict=False)
    output.table(["", *(f"invented by the {kind}" for kind in MODELS)], [(i, *row) for i, row in enumerate(rows, 1)])
    written = [target / name for name in ("curve.png", "letters.png", "names.txt")]
    draw_curve(written[0], histories)
    draw_letters(written[1], models)
    written[2].write_text("".join(f"{k}: {' '.join(v)}\n" for k, v in invented.items()), encoding="utf-8")
    output.wrote(written)
    best = min(float(history["validation_loss"][-1]) for history in histories.values())
    print(f"test loss {best:.4f}")
    return best
