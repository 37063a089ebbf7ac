"""The question: what does one complete step cost, compared with torch's eager step and the step written by hand.

Every peer first takes three steps from the same initial state, and its results are compared with the hand-written ones
(or with the first installed peer's). A peer that differs is reported and not timed. Then all take turns.
"""

from __future__ import annotations

from typing import Any

from benchmarks.agreement import agree
from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, multiple, table
from benchmarks.timing import Contestant, compete, ratio
from benchmarks.workloads import WORKLOADS


def title(workload: str) -> str:
    """The title of the workload, in one line."""
    return WORKLOADS[workload].title


def answer(workload: str, peers: Peers, settings: Settings, row: str = "ours", column: str = "x_torch") -> Answer:
    """Measure `workload`; the value is our time divided by torch's (the median of the ratios of the rounds).

    With ``row="compiled"`` and ``column="x_by_hand"`` it is our compiled step divided by the hand-written one.
    """
    contestants = [Contestant(peer.name, peer, workload) for peer in peers.that_do(workload)]
    yardstick = "torch"
    if other := WORKLOADS[workload].yardstick:
        yardstick = f"torch {other}"
        contestants += [Contestant(yardstick, peer, other) for peer in peers.that_do(other) if peer.name == "torch"]
    checks = agree(contestants)
    compete(contestants, settings.rounds, settings.warm_seconds, settings.slice_seconds)
    known = {contestant.label: contestant for contestant in contestants}
    rows = {
        label: _row(contestant, known.get(yardstick), known.get("numpy_by_hand"), checks.get(label, {}))
        for label, contestant in known.items()
    }
    for contestant in contestants:
        contestant.forget()
    print(_table(rows))
    return Answer(rows.get(row, {}).get(column), rows)


def _row(
    contestant: Contestant, torch: Contestant | None, by_hand: Contestant | None, check: dict[str, Any]
) -> dict[str, Any]:
    if contestant.failure:
        return {"failure": contestant.failure, **check}
    return {
        "median_seconds": contestant.quantile(0.5),
        "median_microseconds": contestant.quantile(0.5) * 1e6,
        "tenth_seconds": contestant.quantile(0.1),
        "round_medians": contestant.medians,
        "x_torch": ratio(contestant, torch),
        "x_by_hand": ratio(contestant, by_hand),
        **check,
    }


def _table(rows: dict[str, dict[str, Any]]) -> str:
    timed = {label: row for label, row in rows.items() if "failure" not in row}
    cells = [
        [
            label,
            *(duration(timed[label][key]) for key in ("median_seconds", "tenth_seconds")),
            *(multiple(timed[label][key]) for key in ("x_torch", "x_by_hand")),
            duration(timed[label]["first_seconds"]),
            f"{timed[label]['difference']:.0e}",
        ]
        for label in sorted(timed, key=lambda label: timed[label]["median_seconds"])
    ]
    notes = [f"{label}: not timed: {row['failure']}" for label, row in rows.items() if "failure" in row]
    return table(["", "median", "10 %", "x torch", "x by hand", "first step", "difference"], cells, notes)
