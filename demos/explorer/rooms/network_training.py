"""A network in training, step by step, and the program that trains it in the same way.

A step is compiled once. A network is built twice from the same entries: as objects by `Training`, and as lines of a
program by `recipe`; states with the same lines have the same network, and a test compares the losses to the last digit.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
import nn
import optim
from demos.explorer.rooms.common import Array
from demos.explorer.rooms.network_data import Data
from demos.explorer.state import StateError
from nn.monitoring.verdicts import RECENT

LAYERS, WIDTH = 6, 64
"""The most hidden layers, and units of one."""
BUDGET = 0.012
"""Seconds of a frame that are for steps; a step that has begun is finished."""
MOST_STEPS = 1_000_000
MOST_RATES = 500
"""How often the rate may change while a network learns: each change is a line of its program."""
MEMORY = 360
"""The most points of the curves; when they are full, every second one is forgotten."""
WATCHED = 400
"""Batches that a monitor keeps before another takes its place."""

ACTIVATIONS = {
    "tanh": ("tanh", nn.Tanh),
    "relu": ("ReLU", nn.ReLU),
    "leaky": ("leaky ReLU", nn.LeakyReLU),
    "gelu": ("GELU", nn.GELU),
    "silu": ("SiLU", nn.SiLU),
    "sigmoid": ("sigmoid", nn.Sigmoid),
    "none": ("none (linear)", None),
}
OPTIMISERS = {
    "gd": ("gradient descent", optim.GradientDescent, "0.03 to 1"),
    "momentum": ("momentum", optim.Momentum, "0.01 to 0.3"),
    "rmsprop": ("RMSProp", optim.RMSProp, "0.001 to 0.03"),
    "adagrad": ("AdaGrad", optim.AdaGrad, "0.01 to 0.3"),
    "adam": ("Adam", optim.Adam, "0.001 to 0.03"),
    "adamw": ("AdamW", optim.AdamW, "0.001 to 0.03"),
    "lbfgs": ("L-BFGS", optim.LBFGS, "0.1 to 1, with all rows in one batch"),
}
"""Name, class, and the rates that usually work for networks of this size."""
ITERATIONS = 8
"""Of one step of L-BFGS, so that it fits into a frame."""


class Loss(NamedTuple):
    """A loss: what the page calls it, what it is for, the number of outputs for k classes, and its program."""

    label: str
    fits: Callable[[int], bool]  # the number of classes, 0 for numbers
    outputs: Callable[[int], int]
    function: Callable[[Any, Any], Any]
    line: str


LOSSES = {
    "cross": Loss("cross-entropy", lambda k: k > 0, lambda k: k, nn.cross_entropy, "loss = nn.cross_entropy"),
    "binary": Loss(
        "binary cross-entropy (2 classes)",
        lambda k: k == 2,
        lambda _: 1,
        lambda z, y: nn.binary_cross_entropy_with_logits(z[:, 0], y),
        "def loss(z, y):\n    return nn.binary_cross_entropy_with_logits(z[:, 0], y)",
    ),
    "hinge": Loss(
        "hinge (2 classes)",
        lambda k: k == 2,
        lambda _: 1,
        lambda z, y: nn.hinge_loss(z[:, 0], 2 * y - 1),
        "def loss(z, y):\n    return nn.hinge_loss(z[:, 0], 2 * y - 1)",
    ),
    "mse": Loss("squared error (numbers)", lambda k: k == 0, lambda _: 1, nn.mse_loss, "loss = nn.mse_loss"),
    "l1": Loss("absolute error (numbers)", lambda k: k == 0, lambda _: 1, nn.l1_loss, "loss = nn.l1_loss"),
    "huber": Loss("Huber (numbers)", lambda k: k == 0, lambda _: 1, nn.huber_loss, "loss = nn.huber_loss"),
}


def widths(text: str) -> list[int]:
    """The widths of the hidden layers, from a text such as ``8, 8``."""
    parts = [part for part in re.split(r"[\s,;x]+", text.strip()) if part]
    if any(not re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        wrong = next(part for part in parts if not re.fullmatch(r"[0-9]{1,9}", part))[:20]
        raise StateError("layers", f"layers are numbers of units with commas between them, such as 8, 8; not {wrong!r}")
    found = [int(part) for part in parts]
    if len(found) > LAYERS:
        raise StateError("layers", f"{len(found)} layers were given; at most {LAYERS} are allowed")
    for width in found:
        if not 1 <= width <= WIDTH:
            raise StateError("layers", f"a layer has 1 to {WIDTH} units; {width} was given")
    return found


def loss_of(state: Any, data: Data) -> Loss:
    """The loss of a state, which must fit the data; "auto" always does."""
    k = len(data.classes)
    name = ("cross" if k else "mse") if state.loss == "auto" else state.loss
    loss = LOSSES[name]
    if not loss.fits(k):
        have = f"the data have {k} classes" if k else "the data are numbers to predict"
        raise StateError("loss", f"{have}, which {loss.label} does not fit; choose the usual one")
    return loss


def recipe(state: Any, data: Data) -> list[str]:
    """The lines of a program up to the first step."""
    loss, sizes = loss_of(state, data), [data.x.shape[1], *widths(state.layers)]
    _, activation = ACTIVATIONS[state.activation]
    layers = []
    for a, b in itertools.pairwise(sizes):
        layers += [f"    nn.Linear({a}, {b}),"] + ([f"    nn.{activation.__name__}(),"] if activation else [])
    layers.append(f"    nn.Linear({sizes[-1]}, {loss.outputs(len(data.classes))}),")
    _, optimiser, _ = OPTIMISERS[state.optimiser]
    lbfgs = optimiser is optim.LBFGS
    options = ", ".join(f"{key}={value!r}" for key, value in _options(optimiser, state).items())
    stratify = ", stratify=y" if data.classes else ""
    parts = f"nn.data.train_test_split(x, y, test_size={state.share!r}{stratify}, seed={state.seed})"
    return [
        *data.lines,
        f"x_train, x_test, y_train, y_test = {parts}" if _splits(state, data) else "x_train, y_train = x, y",
        "",
        f"nn.manual_seed({state.seed})",
        "model = nn.Sequential(",
        *layers,
        ")",
        *(["", ""] if loss.line.startswith("def") else []),
        loss.line,
        *(["", ""] if loss.line.startswith("def") else []),
        f"optimizer = optim.{optimiser.__name__}(model.parameters(), RATE, {options})",
        *(["value = ad.compile(lambda x, y: loss(model(x), y), check=0)"] if lbfgs else []),
        "",
        "",
        *([] if lbfgs else ["@ad.compile(check=0)"]),
        "def step(x, y):",
        "    return optimizer.step(lambda: value(x, y))"
        if lbfgs
        else "    return optimizer.step(lambda: loss(model(x), y))",
        "",
        "",
        f"batches = nn.batches(x_train, y_train, batch_size={state.batch}, seed={state.seed})",
    ]


def _options(optimiser: Any, state: Any) -> dict[str, Any]:
    if optimiser is not optim.LBFGS:
        return {"weight_decay": state.decay}
    if state.decay:
        raise StateError("decay", "L-BFGS has no weight decay; set it to 0, or choose another optimiser")
    return {"max_iter": ITERATIONS}


def _check_rate(optimiser: Any, rate: float) -> None:
    if optimiser is optim.LBFGS and rate > 1:
        raise StateError("rate", f"L-BFGS takes rates up to 1, the whole step; {rate:g} was given")


def _splits(state: Any, data: Data) -> bool:
    """Whether a part of the rows is left for validation; of few rows none may be."""
    if not state.share:
        return False
    counts = np.bincount(data.y) if data.classes else np.array([len(data.y)])
    held = sum(round(int(count) * state.share) for count in counts)
    return bool(0 < held < len(data.y))


class Training:
    """A network, its optimiser, and what was measured so far."""

    def __init__(self, state: Any, data: Data) -> None:
        self.data, self.loss, self.recipe = data, loss_of(state, data), recipe(state, data)
        sizes = [data.x.shape[1], *widths(state.layers)]
        _, optimiser, _ = OPTIMISERS[state.optimiser]
        _check_rate(optimiser, state.rate)
        if _splits(state, data):
            stratify = data.y if data.classes else None
            split = nn.data.train_test_split(data.x, data.y, test_size=state.share, stratify=stratify, seed=state.seed)
            self.parts = {"training": (split[0], split[2]), "validation": (split[1], split[3])}
        else:
            self.parts = {"training": (data.x, data.y)}
        nn.manual_seed(state.seed)
        _, activation = ACTIVATIONS[state.activation]
        modules: list[Any] = []
        for a, b in itertools.pairwise(sizes):
            modules += [nn.Linear(a, b)] + ([activation()] if activation else [])
        self.model = nn.Sequential(*modules, nn.Linear(sizes[-1], self.loss.outputs(len(data.classes))))
        self.model.eval()  # no layer differs in training; so measuring changes no mode, and the step is compiled once
        self.optimizer: Any = optimiser(self.model.parameters(), state.rate, **_options(optimiser, state))
        self._step = self._compiled(optimiser is optim.LBFGS)
        loader = nn.batches(*self.parts["training"], batch_size=state.batch, seed=state.seed)
        self.batches_per_epoch = len(loader)
        self._stream = itertools.chain.from_iterable(itertools.repeat(loader))
        self.steps, self.rates, self.ended = 0, {0: state.rate}, ""
        self.latest = nn.Monitor(every=1)
        self._before: nn.Monitor | None = None
        self.course: list[tuple[float, ...]] = []
        self.measured: dict[str, dict[str, float]] = {}
        self._measure()

    def _compiled(self, lbfgs: bool) -> Callable[[Any, Any], Any]:
        """One step on a batch. The compiler does not look twice here (`check`): a frame has no time for it."""
        model, loss, optimizer = self.model, self.loss.function, self.optimizer
        if lbfgs:  # it decides by the losses how often it evaluates, so its loss is compiled alone
            value = ad.compile(lambda x, y: loss(model(x), y), check=0)
            return lambda x, y: optimizer.step(lambda: value(x, y))
        return ad.compile(lambda x, y: optimizer.step(lambda: loss(model(x), y)), check=0)

    # --- learning ---------------------------------------------------------------------------------

    def set_rate(self, rate: float) -> None:
        """Go on with another learning rate."""
        if rate == self.optimizer.learning_rate:
            return
        _check_rate(type(self.optimizer), rate)
        if len(self.rates) >= MOST_RATES and self.steps not in self.rates:
            raise StateError("rate", f"the rate has changed {MOST_RATES} times; start again to change it further")
        self.optimizer.learning_rate = self.rates[self.steps] = rate

    def advance(self, most: int, seconds: float = BUDGET) -> int:
        """Take up to so many steps in so many seconds, at least one; the first is watched."""
        began, taken = time.perf_counter(), 0
        while taken < most and not self.ended and not (taken and time.perf_counter() - began > seconds):
            x, y = next(self._stream)
            value = self._watched(x, y) if not taken else self._step(x, y)
            taken += 1
            self.steps += 1
            if not np.isfinite(value.item()):
                self.ended = f"The loss was no longer finite at step {self.steps:,}. Start again with a lower rate."
                for _ in range(RECENT):  # nothing can change any more; the monitor's verdict is on recent batches
                    self._watched(x, y)
            elif self.steps >= MOST_STEPS:
                self.ended = f"{MOST_STEPS:,} steps are enough for this page; copy the program to go on."
        self._measure()
        return taken

    def _watched(self, x: Array, y: Array) -> Any:
        """One step before the eyes of the monitor: the compiled step does not call the layers, so they run first."""
        if len(self.latest.batches) >= WATCHED:
            self.latest, self._before = nn.Monitor(every=1), self.latest
        with self.latest.watch(self.model):
            with ad.no_grad():
                self.model(x)
            return self._step(x, y)

    @property
    def monitor(self) -> nn.Monitor:
        """The monitor that has seen enough batches for a verdict, if there is one."""
        return self._before if self._before is not None and len(self.latest.batches) < RECENT else self.latest

    # --- measuring --------------------------------------------------------------------------------

    def _measure(self) -> None:
        """Loss and accuracy of both parts, and the gradients of the latest watched batch, as one more point."""
        metrics = {"accuracy": self.accuracy} if self.data.classes else {}
        for part, rows in self.parts.items():
            self.measured[part] = nn.evaluate(
                self.model, self.loss.function, rows, metrics=metrics, batch_size=len(rows[0])
            )
        losses = [self.measured.get(part, {}).get("loss", np.nan) for part in ("training", "validation")]
        point = (float(self.steps), *losses, *self.gradients())
        if self.course and self.course[-1][0] == self.steps:
            self.course.pop()
        self.course.append(point)
        if len(self.course) > MEMORY:
            self.course = [*self.course[:-1:2], point]

    def accuracy(self, outputs: Any, y: Any) -> float:
        """The fraction of right classes, also where one output decides between two."""
        return nn.accuracy(outputs if outputs.shape[1] > 1 else outputs[:, 0], y)

    def gradients(self) -> list[float]:
        """The norm of the gradient of each layer with parameters."""
        seen = {id(layer.module): layer.samples[-1].gradient for layer in self.latest.layers if layer.samples}
        return [seen.get(id(module), np.nan) for module in self.linear]

    @property
    def linear(self) -> list[nn.Linear]:
        """The layers with parameters."""
        return [module for module in self.model if isinstance(module, nn.Linear)]

    def outputs(self, x: Array) -> Array:
        """What the network says of some rows: numbers, or the probabilities of the classes (n, k)."""
        with ad.no_grad():
            z = np.asarray(self.model(x.astype(np.float32)).data, float)
        if not self.data.classes:
            return z
        if z.shape[1] > 1:
            return np.asarray(ad.special.softmax(z, axis=1))
        if self.loss is LOSSES["hinge"]:  # a score, whose sign decides: shown with the slope it has at the margin
            z = 2 * z
        p = np.asarray(ad.special.sigmoid(z))
        return np.concatenate([1 - p, p], axis=1)

    def hidden(self, x: Array) -> list[Array]:
        """The activations of each hidden layer at some rows."""
        found, h = [], ad.tensor(x.astype(np.float32))
        with ad.no_grad():
            for module, after in itertools.pairwise(self.model):
                h = module(h)
                if isinstance(after, nn.Linear):
                    found.append(np.asarray(h.data, float))
        return found

    # --- the program ------------------------------------------------------------------------------

    def program(self) -> str:
        """The program that takes the same steps and prints the same losses."""
        data, lines = self.data, []
        for line in self.recipe:
            lines.append(line.replace("RATE", repr(self.rates[0])) if line.startswith("optimizer = ") else line)
        changed = len(self.rates) > 1
        stream = f"itertools.islice(itertools.chain.from_iterable(itertools.repeat(batches)), {self.steps})"
        if changed:
            lines += [f"rates = {self.rates!r}  # from which step on"]
            lines += [f"for k, (x_batch, y_batch) in enumerate({stream}):"]
            lines += ["    optimizer.learning_rate = rates.get(k, optimizer.learning_rate)"]
        else:
            lines += [f"for x_batch, y_batch in {stream}:"]
        lines += ["    step(x_batch, y_batch)", ""]
        metrics = ""
        if data.classes:
            column = "z" if self.loss.outputs(len(data.classes)) > 1 else "z[:, 0]"
            metrics = f', metrics={{"accuracy": lambda z, y: nn.accuracy({column}, y)}}'
        for part, (x, y) in {"training": ("x_train", "y_train"), "validation": ("x_test", "y_test")}.items():
            if part in self.parts:
                size = f", batch_size=len({x})"
                lines += [f'print("{part}:", nn.evaluate(model, loss, ({x}, {y}){metrics}{size}))']
        plotting = data.picture == "plane" and data.classes
        if plotting:
            lines += ["nn.plotting.decision_boundary(model, x_train, y_train)", "plt.show()"]
        imports = [
            "import itertools",
            "",
            *(["import matplotlib.pyplot as plt"] if plotting else []),
            "import numpy as np",
        ]
        return "\n".join([*imports, "", "import autodiff as ad", "import nn", "import optim", "", *lines]) + "\n"
