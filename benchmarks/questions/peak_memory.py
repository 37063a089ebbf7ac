"""The question: how much more memory does a training run take than the same run written by hand.

Peak resident memory of a process that takes 200 steps of W4, including the code of the libraries. Compare ours with the
hand-written step, which holds each array once. The median of three processes counts, since the peak varies by some
100 KB.
"""

from __future__ import annotations

from typing import Any

from benchmarks.process import PeerError, PeerProcess, Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import megabytes, table

TITLE = "peak resident memory of 200 steps of W4, over that of the hand-written step"

TITLE_COMPILED = "memory that 200 {} steps of W4 take beside the imports, over that of the hand-written step"

WORKLOAD, STEPS, PROCESSES = "W4", 200, 3


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure all peers; the value is our peak minus the hand-written step's, in units of 2**20 bytes."""
    rows, ours, floor = _rows(peers, "ours")
    return Answer((ours["peak_bytes"] - floor["peak_bytes"]) / 2**20 if ours and floor else None, rows)


def answer_compiled(peers: Peers, settings: Settings, row: str) -> Answer:
    """Measure all peers; the value is what our compiled step adds to the imports, divided by that by hand."""
    rows, ours, floor = _rows(peers, row)
    added = [r["peak_bytes"] - r["imported_bytes"] for r in (ours, floor) if r]
    return Answer(added[0] / added[1] if len(added) == 2 else None, rows)


def _rows(peers: Peers, asked: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """The measurements of all peers, of the one in question, and of the hand-written step."""
    rows = {peer.name: _row(peer.name) for peer in peers.that_do(WORKLOAD)}
    floor = rows.get("numpy_by_hand", {}).get("peak_bytes")
    measured = {label: r for label, r in rows.items() if "failure" not in r}
    cells = [
        [
            label,
            megabytes(r["imported_bytes"]),
            megabytes(r["peak_bytes"]),
            megabytes(r["peak_bytes"] - floor) if floor else "-",
        ]
        for label, r in measured.items()
    ]
    notes = [f"{label}: not measured: {r['failure']}" for label, r in rows.items() if "failure" in r]
    print(table(["", "after imports", f"after {STEPS} steps", "over by hand"], cells, notes))
    return rows, measured.get(asked, {}), measured.get("numpy_by_hand", {})


def _row(peer: str) -> dict[str, Any]:
    """Peak bytes of `peer` after its imports and after the run, from the median of a few new processes."""
    found = []
    try:
        for _ in range(PROCESSES):
            process = PeerProcess(peer)
            try:
                found.append(process.call("peak_memory", workload=WORKLOAD, count=STEPS))
            finally:
                process.close()
    except PeerError as error:
        return {"failure": str(error)}
    imported, peak = sorted(found, key=lambda pair: pair[1])[PROCESSES // 2]
    return {"imported_bytes": imported, "peak_bytes": peak}
