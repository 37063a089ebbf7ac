"""The question: how long do the first two calls of a compiled step take, for tracing, planning, writing and comparing.

W2 and W3 run in a new process each; the answer is the longer time. JAX takes a second for the same. For the native
backend it is the first call that counts, with an empty cache of libraries (then the C compiler runs) and a full one.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from benchmarks.agreement import FirstSteps
from benchmarks.process import PeerError, PeerProcess, Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, table

TITLE = "first two calls of the compiled steps of W2 and W3, together"

TITLE_NATIVE = "first call of the native steps of W2 and W3, with an empty cache"

TITLE_CACHED = "first call of the native steps of W2 and W3, with a full cache"

WORKLOADS = ("W2", "W3")

CACHE = "WENGERT_CACHE"
"""The environment variable for the folder of built libraries."""


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure the peers that compile; the value is the longer of our two times in milliseconds."""
    found = {name: {w: _first(name, w) for w in WORKLOADS} for name in ("compiled", "jax") if _takes_part(peers, name)}
    rows = {name: {w: f.two_seconds if f else None for w, f in row.items()} for name, row in found.items()}
    return _answer("first two steps", "compiled", rows)


def answer_native(peers: Peers, settings: Settings, cached: bool) -> Answer:
    """Measure the native backend and JAX in new processes; the value is the longer of our two times in milliseconds."""
    rows: dict[str, dict[str, float | None]] = {}
    kept = os.environ.get(CACHE)
    try:
        for name in ("native", "jax"):
            if _takes_part(peers, name):
                with tempfile.TemporaryDirectory() as folder:
                    os.environ[CACHE] = folder
                    found = {w: _first(name, w) for w in WORKLOADS}
                    if cached:
                        found = {w: _first(name, w) for w in WORKLOADS}
                rows[name] = {w: f.first_seconds if f else None for w, f in found.items()}
    finally:
        os.environ.pop(CACHE, None)
        if kept is not None:
            os.environ[CACHE] = kept
    return _answer("first step", "native", rows)


def _takes_part(peers: Peers, name: str) -> bool:
    return all(name in [peer.name for peer in peers.that_do(w)] for w in WORKLOADS)


def _answer(what: str, ours: str, rows: dict[str, dict[str, float | None]]) -> Answer:
    cells = [[name, *(duration(s) if (s := row[w]) else "-" for w in WORKLOADS)] for name, row in rows.items()]
    print(table([what, *WORKLOADS], cells, []))
    measured = [seconds for seconds in rows.get(ours, {}).values() if seconds is not None]
    full: dict[str, dict[str, Any]] = {name: dict(row) for name, row in rows.items()}
    return Answer(max(measured) * 1e3 if len(measured) == len(WORKLOADS) else None, full)


def _first(peer: str, workload: str) -> FirstSteps | None:
    process = PeerProcess(peer)
    try:
        found: FirstSteps = process.call("first_steps", workload=workload, count=2)
        return found
    except PeerError:
        return None
    finally:
        process.close()
