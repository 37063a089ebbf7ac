"""What does one complete step cost, beside torch's eager step and the step written by hand?

Every peer first takes three steps from the same initial state and is compared with the hand-written ones (or with the
first peer that is here). One that differs is reported and not timed. Then all take turns.
"""

from __future__ import annotations

from typing import Any

from benchmarks.agreement import STEPS, TOLERANCE, FirstSteps, difference
from benchmarks.process import PeerError, Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, multiple, table
from benchmarks.timing import Contestant, compete, ratio
from benchmarks.workloads import WORKLOADS


def title(workload: str) -> str:
    """One line on the workload."""
    return WORKLOADS[workload].title


def answer(workload: str, peers: Peers, settings: Settings) -> Answer:
    """Measure `workload`; the value is our step over torch's (the median of the per-round ratios)."""
    contestants = {peer.name: Contestant(peer.name, peer, workload) for peer in peers.that_do(workload)}
    yardstick = "torch"
    if other := WORKLOADS[workload].yardstick:
        yardstick = f"torch {other}"
        contestants |= {
            yardstick: Contestant(yardstick, peer, other) for peer in peers.that_do(other) if peer.name == "torch"
        }
    checks = agree(list(contestants.values()))
    timed = [contestant for contestant in contestants.values() if not contestant.failure]
    compete(timed, settings.rounds, settings.warm_seconds, settings.slice_seconds)
    rows = {
        label: _row(contestant, contestants.get(yardstick), contestants.get("numpy_by_hand"), checks.get(label, {}))
        for label, contestant in contestants.items()
    }
    print(_table(rows))
    for contestant in contestants.values():
        if not contestant.failure:
            contestant.peer.call("forget", workload=contestant.workload)
    return Answer(rows.get("ours", {}).get("x_torch"), rows)


def agree(contestants: list[Contestant], count: int = STEPS) -> dict[str, dict[str, Any]]:
    """Let everybody take the first `count` steps, and mark as failed who does not agree with the first that could.

    Returns, for each label, the difference from that reference and the duration of the first step in seconds.
    """
    checks: dict[str, dict[str, Any]] = {}
    reference: FirstSteps | None = None
    for contestant in sorted(contestants, key=lambda c: c.label != "numpy_by_hand"):
        workload = contestant.workload
        try:
            found: FirstSteps = contestant.peer.call("first_steps", workload=workload, count=count)
            reference = reference or found
            apart = difference(workload, found, reference)
        except (PeerError, ValueError) as error:
            contestant.failure = str(error)
            continue
        checks[contestant.label] = {"difference": apart, "first_seconds": found.first_seconds}
        if apart > TOLERANCE:
            contestant.failure = f"differs by {apart:.1e} after {count} steps"
    return checks


def _row(
    contestant: Contestant, torch: Contestant | None, by_hand: Contestant | None, check: dict[str, Any]
) -> dict[str, Any]:
    if contestant.failure:
        return {"failure": contestant.failure, **check}
    return {
        "median_seconds": contestant.quantile(0.5),
        "tenth_seconds": contestant.quantile(0.1),
        "round_medians": contestant.medians,
        "x_torch": ratio(contestant, torch),
        "x_by_hand": ratio(contestant, by_hand),
        **check,
    }


def _table(rows: dict[str, dict[str, Any]]) -> str:
    timed = sorted((r["median_seconds"], label) for label, r in rows.items() if "failure" not in r)
    cells = []
    for median, label in timed:
        r = rows[label]
        cells.append(
            [label, duration(median), duration(r["tenth_seconds"]), multiple(r["x_torch"]), multiple(r["x_by_hand"])]
            + [duration(r["first_seconds"]), f"{r['difference']:.0e}"]
        )
    notes = [f"{label}: not timed: {r['failure']}" for label, r in rows.items() if "failure" in r]
    return table(["", "median", "10 %", "x torch", "x by hand", "first step", "difference"], cells, notes)
