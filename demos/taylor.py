"""Taylor polynomials to order 20 in one sweep: accuracy, radius of convergence and remainder.

`ad.taylor` sends a power series through the recorded operations, using only their first-order rules. Three functions
are plotted with their polynomials: the exponential, whose series converges everywhere; 1 / (1 + x**2), which is smooth
on the whole line, but whose series converges only up to 1 because of the poles at i and -i; and the logarithm. The
radius is estimated from the coefficients, and the integral form of the remainder is compared with the true remainder.
At the end the cost of a high derivative is measured, by nesting and by series.
"""

from __future__ import annotations

import math
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff import plotting
from demos import output

ORDER = 20


class Function(NamedTuple):
    """A function, the point of expansion, the radius of convergence, and a point for the remainder."""

    f: Callable[[Any], Any]
    x0: float
    radius: float
    x: float


FUNCTIONS = {
    "exp(x)": Function(np.exp, 0.0, math.inf, 1.5),
    "1 / (1 + x²)": Function(lambda x: 1 / (1 + x * x), 0.0, 1.0, 0.7),
    "log(x) at 2": Function(np.log, 2.0, 2.0, 3.2),
}
SHOWN = {"exp(x)": (1, 2, 3, 5), "1 / (1 + x²)": (2, 4, 8, 16), "log(x) at 2": (1, 2, 5, 12)}


def wave(x: Any) -> Any:
    """The function whose derivatives are timed."""
    return np.tanh(x * np.sin(x))


def partial_errors(function: Function, order: int) -> tuple[np.ndarray, np.ndarray]:
    """For each order the error of the polynomial at the point, and the integral form of the remainder."""
    coefficients = ad.taylor(function.f, function.x0, order)
    sums = np.cumsum(coefficients * (function.x - function.x0) ** np.arange(order + 1))
    said = [float(ad.calculus.remainder(function.f, function.x0, k, function.x)) for k in range(order + 1)]
    return function.f(function.x) - sums, np.array(said)


def nested(f: Callable[[Any], Any], n: int) -> Callable[[Any], Any]:
    """The n-th derivative as the derivative of a derivative of a derivative."""
    for _ in range(n):
        f = ad.derivative(f)
    return f


def costs(most: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Milliseconds for derivatives of order 1, 2, ... by nesting and by series; checks that they agree."""
    orders = np.arange(1, most + 1)
    took: dict[str, list[float]] = {"nested": [], "series": []}
    for n in orders:
        answers = []
        for how, slope in (("nested", nested(wave, int(n))), ("series", ad.derivative(wave, int(n)))):
            answers.append(float(slope(0.7)))
            took[how].append(1e3 * min(timeit.repeat(lambda slope=slope: slope(0.7), number=1, repeat=3)))
        np.testing.assert_allclose(answers[0], answers[1], rtol=1e-9)
    return orders, {how: np.array(times) for how, times in took.items()}


def draw_polynomials(path: Path) -> None:
    """Plot each function with some of its polynomials, and its interval of convergence."""
    with output.figure(path, figsize=(14, 4.4)) as fig:
        for ax, (name, function) in zip(fig.subplots(1, 3), FUNCTIONS.items(), strict=True):
            reach = min(2.5, 1.9 * function.radius) if function.x0 == 0 else 1.97
            shown = (function.x0 - reach, function.x0 + reach)
            plotting.taylor_polynomials(function.f, function.x0, SHOWN[name], interval=shown, ax=ax)
            if math.isfinite(function.radius):
                for edge in (function.x0 - function.radius, function.x0 + function.radius):
                    if shown[0] <= edge <= shown[1]:
                        ax.axvline(edge, color=output.GREY, linestyle=":")
            ax.set_title(f"{name} (dotted: limits of convergence)" if function.x0 == 0 and name[0] == "1" else name)


def draw_errors(path: Path, found: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Plot the error at one point by order, and the integral form of the remainder."""
    with output.figure(path, figsize=(7.5, 4.6)) as fig:
        ax = fig.subplots()
        for (name, (off, said)), (colour, dash) in zip(found.items(), output.STYLES, strict=False):
            k = np.arange(len(off))
            ax.semilogy(k, np.abs(off) + 1e-17, color=colour, linestyle=dash, marker="o", markersize=4, label=name)
            ax.semilogy(k, np.abs(said) + 1e-17, color=colour, linewidth=6, alpha=0.2)
        ax.set(xlabel="order", ylabel="size of the error", title="errors (lines) and integral remainders (broad, pale)")
        ax.grid(alpha=0.3)
        ax.legend()


def main(arguments: list[str]) -> float:
    """Run the demo; returns the error of the exponential's polynomial of the last order."""
    parser = output.options("taylor", __doc__, length="order", default=ORDER, seed="nothing: the demo is deterministic")
    given = parser.parse_args(arguments)
    target = output.folder("taylor", given.folder)
    rows, found = [], {}
    for name, function in FUNCTIONS.items():
        off, said = found[name] = partial_errors(function, given.order)
        radius = ad.calculus.radius_of_convergence(ad.taylor(function.f, function.x0, max(given.order, 12)))
        rows.append([name, f"{function.radius:g}", f"{radius:.3f}", f"{off[-1]:.2e}", f"{said[-1]:.2e}"])
    columns = ["function", "radius", "estimated", f"error of order {given.order}", "integral remainder"]
    output.table(columns, rows)
    orders, took = costs(7)
    rows = [[int(n), f"{took['nested'][i]:.2f}", f"{took['series'][i]:.2f}"] for i, n in enumerate(orders)]
    output.table(["derivative", "nested (ms)", "by series (ms)"], rows)
    written = [target / name for name in ("polynomials.png", "errors.png")]
    draw_polynomials(written[0])
    draw_errors(written[1], found)
    output.wrote(written)
    last = float(abs(found["exp(x)"][0][-1]))
    print(f"error of the exponential's polynomial of order {given.order} at 1.5: {last:.1e}")
    return last
