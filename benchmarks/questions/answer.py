"""The input and the output of every question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
    """

    value: float | None
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
