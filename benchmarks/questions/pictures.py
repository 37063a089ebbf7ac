"""The question: how long does the picture of a large graph take, from the Tensor to the SVG.

The graphs have 2,000 operations and arrays: a chain that repeats, a network of many layers, and one in which nothing
repeats. The figure is that of the slowest, including the renderer's process. Every picture must have fewer than 150
boxes, or the answer is infinite. There is nothing to compare with: a user waits for it. The table also has a graph of a
million nodes, for reading and folding.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, table

TITLE = "time of ad.draw and its SVG for graphs of 2,000 operations and arrays"

SIZE, HUGE, BOXES, ROUNDS = 2_000, 1_000_000, 150, 5


def _chain(size: int) -> Any:
    import autodiff as ad

    z = x = ad.tensor(1.0, requires_grad=True)
    for _ in range(size // 2):
        z = np.sin(z) + x
    return z


def _layers(size: int) -> Any:
    import nn

    count = size // 4  # a layer has an affine map, an activation and two parameters
    model = nn.Sequential(*[layer for _ in range(count) for layer in (nn.Linear(4, 4), nn.Tanh())])
    return model(np.ones((1, 4), np.float32)).sum()


def _irregular(size: int) -> Any:
    import autodiff as ad

    rng = np.random.default_rng(0)
    functions = (np.sin, np.cos, np.tanh, np.negative)
    zs = [ad.tensor(1.0, requires_grad=True) for _ in range(20)]
    steps = 2 * size  # the result depends on about half of the steps
    kinds, firsts, seconds = rng.integers(0, 7, steps), rng.integers(1, 20, steps), rng.integers(1, 20, steps)
    for kind, i, j in zip(kinds, firsts, seconds):
        zs.append(functions[kind](zs[-i]) if kind < 4 else zs[-i] * zs[-j] if kind < 6 else zs[-i] + zs[-j])
    return sum(zs[-20:])


GRAPHS: dict[str, Callable[[int], Any]] = {"a chain": _chain, "layers": _layers, "nothing repeats": _irregular}


def answer(peers: Peers, settings: Settings) -> Answer:
    """Draw each graph a few times; the value is the median of the slowest in milliseconds."""
    import autodiff as ad
    from autodiff.drawing import find_renderer, read_graph

    if find_renderer() is None:
        print("  left out: there is no renderer (the extra `dot`)")
        return Answer(None)
    rows: dict[str, dict[str, Any]] = {}
    for name, make in GRAPHS.items():
        y = make(SIZE)
        seconds = []
        for _ in range(min(settings.rounds, ROUNDS)):
            start = time.perf_counter()
            svg = ad.draw(y).pipe(format="svg")
            seconds.append(time.perf_counter() - start)
        nodes, boxes = len(read_graph([y]).vertices), svg.count(b'class="node"')
        rows[name] = {"nodes": nodes, "boxes": boxes, "seconds": seconds, "median_seconds": float(np.median(seconds))}
    y = _chain(HUGE)
    start = time.perf_counter()
    boxes = ad.draw(y).pipe(format="svg").count(b'class="node"')
    passed = time.perf_counter() - start
    rows["a chain of a million"] = {"nodes": HUGE, "boxes": boxes, "seconds": [passed], "median_seconds": passed}
    cells = [[n, f"{r['nodes']:,}", str(r["boxes"]), duration(r["median_seconds"])] for n, r in rows.items()]
    print(table(["", "nodes", "boxes", "median"], cells, []))
    if any(row["boxes"] >= BOXES for row in rows.values()):
        return Answer(float("inf"), rows)
    return Answer(1e3 * max(rows[name]["median_seconds"] for name in GRAPHS), rows)
