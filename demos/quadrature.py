"""Riemann sums and better rules: how their errors fall, and how good the error estimates are.

First come Riemann sums, with their predicted errors (the Euler-Maclaurin formula), and the Gauss-Legendre rule, which
beats them all. Then `ad.integrate` computes integrals that are hard for one reason each, with the estimated and the
true error. An integral that diverges is refused. Last come the derivatives of an integral with respect to a parameter
and a limit, from the same nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import plotting
from demos import output

PIECES = 9  # up to 2**9
RULES = ("left", "midpoint", "trapezoid", "simpson")
LIMITS = (0.0, 2.0)
EXACT = float(np.exp(2.0) * (np.sin(2.0) - np.cos(2.0)) + 1) / 2

# difficulty: integrand, limits, value in closed form
HARD: dict[str, tuple[Callable[[Any], Any], tuple[float, float], float]] = {
    "a narrow peak": (lambda x: 1 / (1e-6 + (x - 0.3) ** 2), (0.0, 1.0), 1e3 * float(np.arctan(700) + np.arctan(300))),
    "a kink": (lambda x: np.abs(x - 1 / 3), (0.0, 1.0), 5 / 18),
    "many waves": (lambda x: np.cos(200 * x), (0.0, 1.0), float(np.sin(200)) / 200),
    "infinite at 0": (lambda x: 1 / np.sqrt(x), (0.0, 1.0), 2.0),
    "infinite at both ends": (lambda x: 1 / np.sqrt(1 - x * x), (-1.0, 1.0), float(np.pi)),
    "no end": (lambda x: np.exp(-x * x), (-np.inf, np.inf), float(np.sqrt(np.pi))),
    "no end, waves": (lambda x: np.exp(-x) * np.cos(20 * x), (0.0, np.inf), 1 / 401),
}


def smooth(x: Any) -> Any:
    """The integrand of the sums."""
    return np.exp(x) * np.sin(x)


def errors(pieces: np.ndarray) -> dict[str, np.ndarray]:
    """For each rule the size of the error by number of subintervals; for Gauss's rule by number of nodes."""
    found = {
        rule: np.array([abs(EXACT - float(ad.calculus.riemann_sum(smooth, *LIMITS, int(n), rule))) for n in pieces])
        for rule in RULES
    }
    few = {"method": "gauss-legendre", "tol": 10.0}  # accepts any error, since four nodes are few
    sums = [float(ad.integrate(smooth, *LIMITS, nodes=int(n), **few)) for n in pieces if n > 3]
    found["gauss-legendre"] = np.abs(EXACT - np.array(sums))
    return found


def laws(pieces: np.ndarray) -> dict[str, np.ndarray]:
    """For each rule the predicted error."""
    return {
        rule: np.array([abs(float(ad.calculus.riemann_error(smooth, *LIMITS, int(n), rule))) for n in pieces])
        for rule in RULES
    }


def hard_integrals() -> dict[str, tuple[float, float, float, list[np.ndarray]]]:
    """For each difficulty the value, the estimated error, the true error, and the nodes of each call."""
    found = {}
    for name, (f, limits, exact) in HARD.items():
        calls: list[np.ndarray] = []

        def watched(x: Any, f: Any = f, calls: list[np.ndarray] = calls) -> Any:
            calls.append(np.asarray(x))
            return f(x)

        value, error = ad.integrate(watched, *limits, return_error=True)
        found[name] = (float(value), float(error), abs(float(value) - exact), calls)
    return found


def draw_sums(path: Path, n: int = 8) -> None:
    """Draw four Riemann sums of the same curve."""
    with output.figure(path, figsize=(12, 7)) as fig:
        for ax, rule in zip(fig.subplots(2, 2).flat, ("left", "right", "midpoint", "trapezoid"), strict=True):
            plotting.riemann(smooth, *LIMITS, n, rule=rule, ax=ax)


def draw_errors(path: Path, pieces: np.ndarray, found: dict[str, np.ndarray], said: dict[str, np.ndarray]) -> None:
    """Plot the errors and the predicted errors against the number of subintervals."""
    with output.figure(path, figsize=(7.5, 5)) as fig:
        ax = fig.subplots()
        for (rule, off), (colour, dash) in zip(found.items(), (*output.STYLES, ("black", "-")), strict=True):
            n = pieces[-len(off) :]
            ax.loglog(n, np.maximum(off, 1e-17), color=colour, linestyle=dash, marker="o", markersize=4, label=rule)
            if rule in said:
                ax.loglog(pieces, said[rule], color=colour, linewidth=5, alpha=0.2)
        ax.set(xlabel="subintervals, or nodes", ylabel="size of the error", ylim=(1e-17, 10))
        ax.set_title("errors (lines) and predicted errors (broad, pale)")
        ax.grid(alpha=0.3)
        fig.legend(loc="outside right upper")


def draw_nodes(path: Path, calls: list[np.ndarray]) -> None:
    """Draw the nodes of each call for the narrow peak."""
    f, limits, _ = HARD["a narrow peak"]
    with output.figure(path, figsize=(8, 5)) as fig:
        top, bottom = fig.subplots(2, 1, sharex=True)
        x = np.sort(np.concatenate([np.linspace(*limits, 400), 0.3 + np.geomspace(1e-5, 0.1, 100), [0.3]]))
        top.semilogy(x, f(x), color=output.BLUE)
        top.set_title("1 / (1e-6 + (x - 0.3)²)")
        for i, nodes in enumerate(calls):
            bottom.plot(nodes, np.full(nodes.shape, i + 1), "|", color=output.BLUE, markersize=9)
        bottom.set(xlabel="x", ylabel="call", title="the nodes cluster at the peak")
        bottom.invert_yaxis()


def main(arguments: list[str]) -> float:
    """Run the demo; returns the largest true error of the hard integrals, relative to their values."""
    parser = output.options(
        "quadrature", __doc__, length="doublings", default=PIECES, seed="nothing: there is no chance in it"
    )
    given = parser.parse_args(arguments)
    target = output.folder("quadrature", given.folder)
    pieces = 2 ** np.arange(1, given.doublings + 1)
    found, said = errors(pieces), laws(pieces)
    rows = [[rule, f"{found[rule][-1]:.3e}", f"{said[rule][-1]:.3e}"] for rule in RULES]
    output.table([f"{pieces[-1]} subintervals", "error", "predicted"], rows)
    hard = hard_integrals()
    rows = [
        [name, f"{value:.12g}", f"{error:.0e}", f"{off:.0e}", sum(map(len, calls))]
        for name, (value, error, off, calls) in hard.items()
    ]
    output.table(["difficulty", "value", "estimated error", "true error", "evaluations"], rows)
    try:
        ad.integrate(lambda x: 1 / x, 0.0, 1.0)
    except ad.DomainError as error:
        print("1/x from 0 to 1:", error)
    slope = ad.grad(lambda k: ad.integrate(lambda x: np.exp(-k * x), 0.0, np.inf))(2.0)
    edge = ad.grad(lambda b: ad.integrate(smooth, 0.0, b))(2.0)
    print(f"d/dk of the integral of exp(-k x) at k = 2: {slope:.12f}, which is -1/k**2")
    print(f"d/db of the integral of exp(x) sin(x) to b = 2: {edge:.12f}, which is exp(2) sin(2) = {smooth(2.0):.12f}")
    written = [target / name for name in ("sums.png", "errors.png", "nodes.png")]
    draw_sums(written[0])
    draw_errors(written[1], pieces, found, said)
    draw_nodes(written[2], hard["a narrow peak"][3])
    output.wrote(written)
    worst = max(off / abs(value) for value, _, off, _ in hard.values())
    print(f"largest relative error of a hard integral: {worst:.1e}")
    return worst
