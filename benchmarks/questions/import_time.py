"""How long does `import` take, once NumPy is there?

Each time is taken inside a new process that has imported NumPy already, so that neither the start of Python nor NumPy
counts. Compare ours with the 40 ms of the bar and with what the other engines need, at their first import statement.
"""

from __future__ import annotations

import subprocess
import time
from typing import Any

import numpy as np

from benchmarks.peers import PEERS
from benchmarks.process import Peers, start
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, table

TITLE = "time of the import statement, in the process, after NumPy"

PATIENCE = 5.0
"""Seconds after which no further process is started for a peer: some imports take seconds themselves."""


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure all peers; the value is our median in milliseconds."""
    rows: dict[str, dict[str, Any]] = {}
    notes = []
    for peer in peers.running:
        modules = ", ".join(PEERS[peer])
        if not modules:
            continue
        _import(modules)  # the first one writes the byte code and fills the disk cache
        seconds, began = [], time.monotonic()
        while len(seconds) < settings.rounds and time.monotonic() - began < PATIENCE:
            seconds.append(_import(modules))
        rows[peer] = {
            "statement": f"import {modules}",
            "median_seconds": float(np.median(seconds)),
            "tenth_seconds": float(np.quantile(seconds, 0.1)),
            "seconds": seconds,
        }
    cells = [
        [r["statement"], duration(r["median_seconds"]), duration(r["tenth_seconds"]), str(len(r["seconds"]))]
        for r in rows.values()
    ]
    print(table(["", "median", "10 %", "processes"], cells, notes))
    return Answer(rows["ours"]["median_seconds"] * 1e3 if "ours" in rows else None, rows)


def _import(modules: str) -> float:
    """Seconds that ``import modules`` takes in a new process."""
    code = f"import time, numpy; start = time.perf_counter(); import {modules}; print(time.perf_counter() - start)"
    with start("-c", code, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        output, _ = process.communicate()
    return float(output)
