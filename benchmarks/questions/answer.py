"""The input and the output of every question, and the verdict on its bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.bars import bars_of, verdict


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes
    ----------
    rounds : number of rounds in which every peer takes a turn
    slice_seconds : length of a turn
    warm_seconds : length of the warm-up of every peer before the first round
    """

    rounds: int = 15
    slice_seconds: float = 0.06
    warm_seconds: float = 0.3


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    Attributes
    ----------
    value : the figure for the bar, in its unit; None if our engine or the one to compare with was not measured
    rows : the measurements of each contestant, in seconds, bytes and ratios, ready for JSON
    others : figures for the question's bars in other units
    """

    value: float | None
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: dict[str, float | None] = field(default_factory=dict)

    def figure(self, unit: str) -> float | None:
        """The figure for a bar in `unit`."""
        return self.others.get(unit, self.value)


def verdicts(question: str, answers: Sequence[Answer]) -> str:
    """A line for each bar of `question`: our measurement in each run, the two figures, and whether they hold.

    Parameters
    ----------
    answers : one for each run
    """
    lines = []
    for bar in bars_of(question):
        measured = [value for answer in answers if (value := answer.figure(bar.unit)) is not None]
        figures = ", ".join(f"{value:.3g}" for value in measured) or "-"
        goal = "" if bar.goal == bar.must else f", goal {bar.goal:g}"
        lines.append(f"{question:<11} {figures} {bar.unit} (must {bar.must:g}{goal}): {verdict(bar, measured)}")
    return "\n".join(lines)
