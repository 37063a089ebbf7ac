"""The progress line of training: by rich if it is installed, else plain; none where nobody would see it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def shown(values: Mapping[str, float]) -> str:
    """Names and numbers on one line.

    Examples
    --------
    >>> from nn.training.progress import shown
    >>> shown({"loss": 0.12345, "validation_accuracy": 1.0})
    'loss 0.1235  validation accuracy 1.0000'
    """
    return "  ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in values.items())


class Silent:
    """No progress line."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, epoch: int, share: float, values: Mapping[str, float]) -> None:
        """Show the progress: the epoch (from 1), the finished fraction of it, the numbers so far."""


class Plain(Silent):
    """A line that overwrites itself."""

    def __init__(self, epochs: int) -> None:
        self._epochs, self._width = epochs, 0

    def update(self, epoch: int, share: float, values: Mapping[str, float]) -> None:
        """Write the line again."""
        line = f"epoch {epoch}/{self._epochs} {share:4.0%}  {shown(values)}"
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def __exit__(self, *_: object) -> None:
        sys.stderr.write("\n")


class Rich(Silent):
    """The progress bar of rich."""

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
    """The progress line for a number of epochs; by default shown only if standard error is a terminal."""
    if not (sys.stderr.isatty() if wanted is None else wanted):
        return Silent()
    import importlib.util

    return Rich(epochs) if importlib.util.find_spec("rich") else Plain(epochs)
