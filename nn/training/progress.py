"""A line that says how far training is: by rich where it is installed, plain elsewhere, silent where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def shown(values: Mapping[str, float]) -> str:
    """Numbers by name, on one line.

    Examples
    --------
    >>> from nn.training.progress import shown
    >>> shown({"loss": 0.12345, "validation_accuracy": 1.0})
    'loss 0.1235  validation accuracy 1.0000'
    """
    return "  ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in values.items())


class Silent:
    """No line."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, epoch: int, share: float, values: Mapping[str, float]) -> None:
        """Note how far it is: the epoch (from 1), the share of it that is done, the numbers so far."""


class Plain(Silent):
    """A line that is written over."""

    def __init__(self, epochs: int) -> None:
        self._epochs, self._width = epochs, 0

    def update(self, epoch: int, share: float, values: Mapping[str, float]) -> None:
        """Write it anew."""
        line = f"epoch {epoch}/{self._epochs} {share:4.0%}  {shown(values)}"
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def __exit__(self, *_: object) -> None:
        sys.stderr.write("\n")


class Rich(Silent):
    """rich's bar."""

    def __init__(self, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._epochs = epochs
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[line]}"),
        )
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._task = self._bar.add_task(f"epoch 0/{epochs}", total=float(epochs), line="")

    def __enter__(self) -> Rich:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)

    def update(self, epoch: int, share: float, values: Mapping[str, float]) -> None:
        """Move the bar."""
        done, text = epoch - 1 + share, f"epoch {epoch}/{self._epochs}"
        self._bar.update(self._task, completed=done, description=text, line=shown(values))


def line(epochs: int, wanted: bool | None) -> Any:
    """The line for so many epochs: by default where the standard error stream is a terminal."""
    if not (sys.stderr.isatty() if wanted is None else wanted):
        return Silent()
    import importlib.util

    return Rich(epochs) if importlib.util.find_spec("rich") else Plain(epochs)
