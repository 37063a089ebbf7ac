"""What every question is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes
    ----------
    rounds : rounds in which everybody has a turn
    slice_seconds : length of a turn
    warm_seconds : how long everybody runs before the first round
    """

    rounds: int = 15
    slice_seconds: float = 0.06
    warm_seconds: float = 0.3


@dataclass(frozen=True)
class Answer:
    """What a question found.

    Attributes
    ----------
    value : the figure its bar is held against, in the bar's unit; None if our engine or its yardstick was not there
    rows : for each contestant what was measured, in seconds, bytes and ratios, ready for JSON
    """

    value: float | None
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
