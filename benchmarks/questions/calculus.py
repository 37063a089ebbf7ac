"""The questions: what do an integral with its gradient, and the divergence of a field, cost.

The first is the integral of exp(-a x^2 - b y^2 - c x y) over 0 < y < x < 1, with its gradient in a, b and c; the nodes
are chosen again at each call. It must be correct to 1e-10, or the answer is infinite. The second is the divergence of a
field at 10,000 points in one call, divided by one evaluation of the field there: three tangents through each operation
should cost a few times that. There is no other library to compare with.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, multiple, table

TITLE_INTEGRAL = "the integral of exp(-a x^2 - b y^2 - c x y) over 0 < y < x < 1 and its gradient in a, b, c"
TITLE_DIVERGENCE = "divergence of a field at 10,000 points, over one evaluation of the field"

PARAMETERS = np.array([1.0, 2.0, 0.5])
CALLS = 20
POINTS = 10_000


def _median(call: Callable[[], Any], rounds: int) -> float:
    """Seconds per call: the median over the rounds of the best of some calls."""
    call()
    medians = []
    for _ in range(rounds):
        seconds = []
        for _ in range(CALLS):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        medians.append(float(np.median(seconds)))
    return float(np.median(medians))


def by_hand(p: np.ndarray) -> tuple[float, np.ndarray]:
    """The same value and gradient by a fixed rule, written out."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    nodes, weights = (1 + nodes) / 2, weights / 2
    x = nodes[:, None]
    y = x * nodes
    values = x * weights[:, None] * weights * np.exp(-p[0] * x * x - p[1] * y * y - p[2] * x * y)
    return float(values.sum()), -np.array([(values * m).sum() for m in (x * x, y * y, x * y)])


def answer_integral(peers: Peers, settings: Settings) -> Answer:
    """Measure it; the value is in milliseconds, or infinite if a result is wrong."""
    import autodiff as ad

    def integral(p: Any) -> Any:
        def integrand(x: Any, y: Any) -> Any:
            return np.exp(-p[0] * x * x - p[1] * y * y - p[2] * x * y)

        return ad.integrate(integrand, (0.0, 1.0), (0.0, lambda x: x))

    both = ad.value_and_grad(integral)
    compiled = ad.compile(both)
    value, gradient = both(PARAMETERS)
    known, known_gradient = by_hand(PARAMETERS)
    off = max(abs(value - known), float(np.abs(gradient - known_gradient).max()))
    rows: dict[str, dict[str, Any]] = {
        name: {"median_seconds": _median(lambda f=f: f(PARAMETERS), settings.rounds)}
        for name, f in (("eager", both), ("compiled", compiled), ("a fixed rule by hand", by_hand))
    }
    rows["eager"]["difference"] = off
    notes = [f"difference from the rule by hand {off:.0e}"]
    print(table(["", "median"], [[n, duration(r["median_seconds"])] for n, r in rows.items()], notes))
    return Answer(1e3 * rows["eager"]["median_seconds"] if off <= 1e-10 else float("inf"), rows)


def answer_divergence(peers: Peers, settings: Settings) -> Answer:
    """Measure it; the value is the ratio."""
    import autodiff as ad

    def field(p: Any) -> Any:
        return np.stack([np.sin(p[0] * p[1]) * p[2], np.exp(p[1]) * np.cos(p[0]), p[0] * p[1] * p[2]])

    points = np.random.default_rng(0).normal(size=(3, POINTS))
    spread = ad.divergence(field)
    rows = {
        name: {"median_seconds": _median(lambda f=f: f(points), settings.rounds)}
        for name, f in (("field", field), ("divergence", spread), ("curl", ad.curl(field)))
    }
    ratio = rows["divergence"]["median_seconds"] / rows["field"]["median_seconds"]
    cells = [[n, duration(r["median_seconds"])] for n, r in rows.items()]
    print(table(["", "median"], cells, [f"ratio {multiple(ratio)}"]))
    return Answer(ratio, rows)
