"""The question: what does one complete step cost, compared with torch's eager step and the step written by hand.

Every peer first takes three steps from the same initial state, and its results are compared with the hand-written ones
(or with the first installed peer's). A peer that differs is reported and not timed. Then all take turns.
"""

from __future__ import annotations

from typing import Any

from benchmarks.agreement import agree
from benchmarks.bars import Unit
from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import duration, multiple, table
from benchmarks.timing import Contestant, compete, ratio
from benchmarks.workloads import WORKLOADS

YARDSTICKS = {
    Unit.TORCH: "torch",
    Unit.BY_HAND: "numpy_by_hand",
    Unit.JAX: "jax",
    Unit.BEFORE: "before",
    Unit.TORCH_COMPILE: "torch_compile",
    Unit.MICROGRAD: "micrograd",
}
"""What the ratios are to: for each unit the peer."""


def title(workload: str) -> str:
    """The title of the workload, in one line."""
    return WORKLOADS[workload].title


def answer(workload: str, peers: Peers, settings: Settings, row: str = "ours", column: str = "") -> Answer:
    """Measure `workload`; the figures are our time divided by that of each yardstick (medians of ratios of rounds).

    Parameters
    ----------
    row : which of our peers the bars are about
    column : if given, the figure is this entry of the row, whatever the bar's unit
    """
    contestants = [Contestant(p.name, p, workload) for p in peers.that_do(workload, earlier=row == "native")]
    yardsticks = dict(YARDSTICKS)
    if other := WORKLOADS[workload].yardstick:
        yardsticks[Unit.TORCH] = f"torch {other}"
        contestants += [
            Contestant(f"torch {other}", peer, other) for peer in peers.that_do(other) if peer.name == "torch"
        ]
    checks = agree(contestants)
    compete(contestants, settings.rounds, settings.warm_seconds, settings.slice_seconds)
    known = {contestant.label: contestant for contestant in contestants}
    rows = {
        label: _row(contestant, {unit: known.get(name) for unit, name in yardsticks.items()}, checks.get(label, {}))
        for label, contestant in known.items()
    }
    for contestant in contestants:
        contestant.forget()
    print(_table(rows))
    ours = rows.get(row, {})
    return Answer(ours.get(column), rows, {} if column else {unit: ours.get(key(unit)) for unit in YARDSTICKS})


def key(unit: Unit) -> str:
    """The entry of a row for the ratio to a yardstick: `x_torch` and so on."""
    return unit.value.replace(" ", "_").replace(".", "_")


def _row(contestant: Contestant, yardsticks: dict[Unit, Contestant | None], check: dict[str, Any]) -> dict[str, Any]:
    if contestant.failure:
        return {"failure": contestant.failure, **check}
    return {
        "median_seconds": contestant.quantile(0.5),
        "median_microseconds": contestant.quantile(0.5) * 1e6,
        "tenth_seconds": contestant.quantile(0.1),
        "round_medians": contestant.medians,
        **{key(unit): ratio(contestant, yardstick) for unit, yardstick in yardsticks.items()},
        **check,
    }


def _table(rows: dict[str, dict[str, Any]]) -> str:
    timed = {label: row for label, row in rows.items() if "failure" not in row}
    shown = [unit for unit in YARDSTICKS if any(row[key(unit)] is not None for row in timed.values())]
    cells = [
        [
            label,
            *(duration(timed[label][column]) for column in ("median_seconds", "tenth_seconds")),
            *(multiple(timed[label][key(unit)]) for unit in shown),
            duration(timed[label]["first_seconds"]),
            f"{timed[label]['difference']:.0e}",
        ]
        for label in sorted(timed, key=lambda label: timed[label]["median_seconds"])
    ]
    notes = [f"{label}: not timed: {row['failure']}" for label, row in rows.items() if "failure" in row]
    return table(["", "median", "10 %", *map(str, shown), "first step", "difference"], cells, notes)
