"""The question: how long does `import` take, after NumPy.

Each time is measured inside a new process that has already imported NumPy, so that neither the start of Python nor
NumPy counts. Compare ours with the 40 ms of the bar and with the first import of the other engines.
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
"""Seconds after which no further process is started for a peer, since some imports take seconds."""


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure all peers; the value is our median in milliseconds."""
    rows: dict[str, dict[str, Any]] = {}
    for peer in peers.installed:
        if PEERS[peer]:
            rows[peer] = _row(", ".join(PEERS[peer]), settings.rounds)
    cells = [
        [r["statement"], duration(r["median_seconds"]), duration(r["tenth_seconds"]), str(len(r["seconds"]))]
        for r in rows.values()
        if "failure" not in r
    ]
    notes = [f"{r['statement']}: not timed: {r['failure']}" for r in rows.values() if "failure" in r]
    print(table(["", "median", "10 %", "processes"], cells, notes))
    median = rows.get("ours", {}).get("median_seconds")
    return Answer(median and median * 1e3, rows)


def _row(modules: str, rounds: int) -> dict[str, Any]:
    row: dict[str, Any] = {"statement": f"import {modules}"}
    seconds: list[float] = []
    try:
        _import(modules)  # the first one writes the byte code and fills the disk cache
        end = time.monotonic() + PATIENCE
        while len(seconds) < rounds and (not seconds or time.monotonic() < end):
            seconds.append(_import(modules))
    except ImportError as error:
        return {**row, "failure": str(error)}
    median, tenth = np.quantile(seconds, [0.5, 0.1])
    return {**row, "median_seconds": float(median), "tenth_seconds": float(tenth), "seconds": seconds}


def _import(modules: str) -> float:
    """Seconds that ``import modules`` takes in a new process; raises ImportError if it fails there."""
    code = f"import time, numpy; start = time.perf_counter(); import {modules}; print(time.perf_counter() - start)"
    with start("-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        output, complaints = process.communicate()
    if process.returncode:
        raise ImportError(complaints.decode(errors="replace").strip().splitlines()[-1])
    return float(output)
