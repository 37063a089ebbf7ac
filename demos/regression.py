"""Fit a noisy sine with Newton's method, L-BFGS and Adam, and compare steps and times.

One small network is trained three times from the same weights, on all data at every step. Newton's method uses
Hessian-vector products, L-BFGS uses changes of the gradient, and Adam uses only gradients; its step is compiled, since
it is taken thousands of times. The loss is the mean squared error plus a small multiple of the squared weights, so
that it has a minimum. The costs of a step differ much, so the loss is plotted against steps and against seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
import nn
import optim
from demos import output

STEPS = 4000
"""The number of Adam's steps. The others take fewer, in about the same time."""

NOISE = 0.2
DECAY = 3e-4  # times the sum of the squares of all weights
RATE = 1e-2


Loss = Callable[[], ad.Tensor]


class Run(NamedTuple):
    """The run of one method.

    Attributes
    ----------
    losses : (steps + 1,), before the first step and after each
    seconds : (steps + 1,), from the first step on
    fit : (n,), the network's output at the points of `line`
    """

    losses: np.ndarray
    seconds: np.ndarray
    fit: np.ndarray


def make_model(seed: int) -> nn.Sequential:
    """A network from one number to one number, in float64, since curvature depends on small differences."""
    rng = np.random.default_rng(seed)
    layers = [nn.Linear(a, b, dtype=np.float64, rng=rng) for a, b in ((1, 16), (16, 16), (16, 1))]
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


def line() -> np.ndarray:
    """The points at which the fits are plotted and compared with the sine, (200, 1)."""
    return np.linspace(-3, 3, 200)[:, None]


def newton(model: nn.Module, loss: Loss, steps: int) -> Loss:
    """A step of Newton's method."""
    optimizer = optim.Newton(model.parameters())
    return lambda: optimizer.step(loss)


def lbfgs(model: nn.Module, loss: Loss, steps: int) -> Loss:
    """An iteration of L-BFGS, with its line search; several in one call would save an evaluation each."""
    optimizer = optim.LBFGS(model.parameters(), max_iter=1, max_evaluations=25)
    return lambda: optimizer.step(loss)


def adam(model: nn.Module, loss: Loss, steps: int) -> Loss:
    """A step of Adam, compiled; its rate falls to 0 along a cosine."""
    optimizer = optim.Adam(model.parameters(), learning_rate=RATE)
    schedule = optim.CosineDecay(optimizer, n_steps=steps)

    @ad.compile
    def move() -> ad.Tensor:
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    def step() -> ad.Tensor:
        value = move()
        schedule.step()
        return value

    return step


METHODS = {"Newton": (newton, 30), "L-BFGS": (lbfgs, 8), "Adam, compiled": (adam, 1)}
"""For each name the method, and the number of Adam's steps that one of its steps replaces."""


def run(make_step: Any, steps: int, x: np.ndarray, y: np.ndarray, seed: int) -> Run:
    """Take some steps of a method from the weights of `seed`."""
    model = make_model(seed)
    parameters = model.parameters()

    def loss() -> ad.Tensor:
        squares: Any = sum((p * p).sum() for p in parameters)
        return nn.mse_loss(model(x), y) + DECAY * squares

    step = make_step(model, loss, steps)
    losses, seconds, start = [], [0.0], time.perf_counter()
    for _ in range(steps):
        losses.append(step().item())  # each method returns the loss before its step
        seconds.append(time.perf_counter() - start)
    with ad.no_grad():
        losses.append(loss().item())
        return Run(np.array(losses), np.array(seconds), model(line()).data[:, 0])


def compare(steps: int, seed: int, *, label: str = "") -> tuple[np.ndarray, np.ndarray, dict[str, Run]]:
    """The data, and the run of each method."""
    x, y = nn.data.sine(100, noise=NOISE, seed=seed)
    runs = {}
    for name in output.progress(METHODS, len(METHODS), label):
        make_step, price = METHODS[name]
        runs[name] = run(make_step, max(1, steps // price), x, y, seed)
    return x, y, runs


def distance(fit: np.ndarray) -> float:
    """Root mean square distance from the sine without noise."""
    return float(np.sqrt(np.mean((fit - np.sin(line()[:, 0])) ** 2)))


def reached(found: Run, level: float) -> tuple[str, str]:
    """The step and the time at which a run reached a level, or dashes."""
    at = np.flatnonzero(found.losses <= level)
    return (f"step {at[0]}", f"{found.seconds[at[0]]:.2f} s") if len(at) else ("-", "-")


def draw_losses(path: Path, runs: dict[str, Run]) -> None:
    """Plot the losses above the lowest loss of all runs."""
    lowest = min(found.losses.min() for found in runs.values())
    with output.figure(path, figsize=(9, 3.8)) as fig:
        for ax, what in zip(fig.subplots(1, 2, sharey=True), ("steps", "seconds"), strict=True):
            for (name, found), (colour, dash) in zip(runs.items(), output.STYLES, strict=False):
                across = np.arange(len(found.losses)) if what == "steps" else found.seconds
                above = np.where(found.losses > lowest, found.losses - lowest, np.nan)
                ax.loglog(across[1:], above[1:], color=colour, linestyle=dash, label=name)
            ax.set(xlabel=what, ylim=(1e-8, None))
            ax.grid(alpha=0.3)
        fig.axes[0].set_ylabel("loss above the lowest one found")
        fig.axes[0].legend()


def draw_fits(path: Path, x: np.ndarray, y: np.ndarray, runs: dict[str, Run]) -> None:
    """Plot the data, the sine, and the fit of each network."""
    with output.figure(path, figsize=(8, 4.2)) as fig:
        ax = fig.subplots()
        ax.scatter(x, y, s=14, color="#BBBBBB", label="data")
        ax.plot(line(), np.sin(line()), color="black", linewidth=1, label="sine")
        output.lines(ax, line(), {name: found.fit for name, found in runs.items()}, xlabel="x", ylabel="y")


def main(arguments: list[str]) -> float:
    """Run the demo; returns the distance of Newton's fit from the sine."""
    parser = output.options(
        "regression", __doc__, length="steps", default=STEPS, seed="the noise and the initial weights"
    )
    given = parser.parse_args(arguments)
    target = output.folder("regression", given.folder)
    print(f"100 points of a sine, with noise of {NOISE}")
    print(make_model(given.seed))
    x, y, runs = compare(given.steps, given.seed, label="fitting")
    level = 1.01 * min(found.losses.min() for found in runs.values())
    rows = [
        [
            *(name, len(found.losses) - 1, f"{found.seconds[-1]:.2f} s", f"{found.losses[-1]:.6f}"),
            *reached(found, level),
            f"{distance(found.fit):.4f}",
        ]
        for name, found in runs.items()
    ]
    output.table(["method", "steps", "time", "last loss", "within 1 %", "after", "distance from sine"], rows)
    written = [target / name for name in ("losses.png", "fits.png")]
    draw_losses(written[0], runs)
    draw_fits(written[1], x, y, runs)
    output.wrote(written)
    off = distance(runs["Newton"].fit)
    print(f"Newton's distance from the sine {off:.4f}")
    return off
