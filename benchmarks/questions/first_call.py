"""The question: how long do the first two calls of a compiled step take, for tracing, planning, writing and comparing.

W2 and W3 run in a new process each; the answer is the longer time. JAX takes a second for the same.
"""

from __future__ import annotations

from typing import Any

from benchmarks.process import PeerError, PeerProcess, Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, table

TITLE = "first two calls of the compiled steps of W2 and W3, together"

WORKLOADS = ("W2", "W3")


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure the peers that compile; the value is the longer of our two times in milliseconds."""
    rows: dict[str, dict[str, Any]] = {}
    for name in ("compiled", "jax"):
        if all(name in [peer.name for peer in peers.that_do(w)] for w in WORKLOADS):
            rows[name] = {w: _first_seconds(name, w) for w in WORKLOADS}
    cells = [[name, *(duration(row[w]) if row[w] else "-" for w in WORKLOADS)] for name, row in rows.items()]
    print(table(["first two steps", *WORKLOADS], cells, []))
    ours = [seconds for seconds in rows.get("compiled", {}).values() if seconds is not None]
    return Answer(max(ours) * 1e3 if len(ours) == len(WORKLOADS) else None, rows)


def _first_seconds(peer: str, workload: str) -> float | None:
    process = PeerProcess(peer)
    try:
        return float(process.call("first_steps", workload=workload, count=2).two_seconds)
    except PeerError:
        return None
    finally:
        process.close()
