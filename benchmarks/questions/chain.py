"""The question: does an operation cost the same in a long chain as in a short one.

A chain of 200,000 operations is built and differentiated, and one of 2,000. The answer is the ratio of their costs per
operation. The ideal is 1; cache misses, page faults and Python's garbage collector, which traverses all live objects,
make it larger. An engine that recurses fails here.
"""

from __future__ import annotations

from typing import Any

from benchmarks.agreement import agree
from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, multiple, table
from benchmarks.timing import Contestant, compete, ratio
from benchmarks.workloads import CHAIN_LENGTHS

TITLE = "cost per operation of a chain of 200,000 operations, over that of one of 2,000"

SHORT, LONG = CHAIN_LENGTHS
SLICE_SECONDS = 0.3  # about a hundred short chains, or one long one
ROUNDS = 5


def answer(peers: Peers, settings: Settings) -> Answer:
    """Measure all peers that can; the value is our cost per operation in the long chain over that in the short one."""
    rows: dict[str, dict[str, Any]] = {}
    short = [Contestant(peer.name, peer, SHORT) for peer in peers.that_do(SHORT)]
    long = [Contestant(peer.name, peer, LONG) for peer in peers.that_do(LONG)]
    for contestants in (short, long):
        agree(contestants, count=1)
    for pair in zip(short, long, strict=True):
        if not any(contestant.failure for contestant in pair):
            compete(list(pair), min(settings.rounds, ROUNDS), settings.warm_seconds, SLICE_SECONDS)
        for contestant in pair:
            contestant.forget()
        rows[pair[0].label] = _row(*pair)
    cells = [
        [label, duration(r["short_seconds"]), duration(r["long_seconds"]), multiple(r["ratio"])]
        for label, r in rows.items()
        if "failure" not in r
    ]
    notes = [f"{label}: not timed: {r['failure']}" for label, r in rows.items() if "failure" in r]
    print(table(["seconds per operation", SHORT, LONG, "ratio"], cells, notes))
    return Answer(rows.get("ours", {}).get("ratio"), rows)


def _row(short: Contestant, long: Contestant) -> dict[str, Any]:
    if failure := short.failure or long.failure:
        return {"failure": failure}
    whole = ratio(long, short)
    return {
        "short_seconds": short.quantile(0.5) / CHAIN_LENGTHS[SHORT],
        "long_seconds": long.quantile(0.5) / CHAIN_LENGTHS[LONG],
        "ratio": whole and whole * CHAIN_LENGTHS[SHORT] / CHAIN_LENGTHS[LONG],
    }
