"""What the demos share: where files go, a progress bar, and a figure that is written and closed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def folder(name: str, parent: str | None) -> Path:
    """The folder a demo writes to, made if it is not there."""
    path = Path(parent) if parent else Path("out") / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def progress(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """The items, with a live bar on a terminal (rich where it is installed); silent in a pipe or without a label."""
    if not label or not (sys.stderr.isatty() and sys.stdout.isatty()):  # rich would take a pipe's lines to its own side
        yield from items
        return
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError:
        for i, item in enumerate(items, 1):
            print(f"\r{label} {i}/{total}", end="", file=sys.stderr, flush=True)
            yield item
        print(file=sys.stderr)
        return
    yield from track(items, description=label, total=total, console=Console(stderr=True), transient=True)


@contextmanager
def figure(path: Path, **options: Any) -> Iterator[Any]:
    """A Matplotlib figure that is written to `path` and closed; it needs no screen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig = plt.figure(layout="constrained", **options)
    try:
        yield fig
        fig.savefig(path, dpi=130)
    finally:
        plt.close(fig)
