"""The question: how much memory does a training run take, over the same run written by hand.

Peak resident memory of a process that takes 200 steps of W4, code of the libraries included. Compare ours with the
hand-written step, which holds each array once. The middle of three processes counts: the peak moves by some 100 KB.
"""

from __future__ import annotations

from typing import Any

from benchmarks.process import PeerError, PeerProcess, Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import megabytes, table

TITLE = "peak resident memory of 200 steps of W4, over that of the hand-written step"

WORKLOAD, STEPS, PROCESSES = "W4", 200, 3


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure all peers; the value is our peak less the hand-written step's, in units of 2**20 bytes."""
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
    if floor is None or "ours" not in measured:
        return Answer(None, rows)
    return Answer((measured["ours"]["peak_bytes"] - floor) / 2**20, rows)


def _row(peer: str) -> dict[str, Any]:
    """Peak bytes of `peer` after its imports and after the run, from the middle one of a few new processes."""
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
