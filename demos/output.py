"""Helpers of the demos: options, output folders, a progress bar, tables, and figures that are written and closed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from autodiff.plotting.style import BLUE, GREEN, GREY, ORANGE, RED, STYLES, lines

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "RED", "STYLES", "lines"]

T = TypeVar("T")


def options(name: str, about: str | None, *, length: str, default: int, seed: str) -> argparse.ArgumentParser:
    """The common options of the demos: a length (such as ``--epochs``), ``--seed`` and ``--folder``."""
    parser = argparse.ArgumentParser(prog=f"python -m demos {name}", description=about)
    parser.add_argument(f"--{length}", type=positive, default=default, help=f"number of {length} ({default})")
    parser.add_argument("--seed", type=int, default=0, help=f"of {seed} (0)")
    parser.add_argument("--folder", help=f"folder for the pictures (out/{name})")
    return parser


def positive(text: str) -> int:
    """An integer, 1 or more, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected an integer, 1 or more; {number} was given")
    return number


def folder(name: str, parent: str | None) -> Path:
    """The folder that a demo writes to; it is created if it does not exist."""
    path = Path(parent) if parent else Path("out") / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def wrote(paths: Iterable[Path]) -> None:
    """Print the names of the written files."""
    for path in paths:
        print("wrote", path)


def on_terminal() -> bool:
    """Whether both streams are a terminal; otherwise rich would redirect the lines meant for a pipe."""
    return sys.stderr.isatty() and sys.stdout.isatty()


def progress(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """The items, with a progress bar (by rich if it is installed); silent without a terminal or a label."""
    if not label or not on_terminal():
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


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table, by rich if it is installed: the first column left-aligned, the others right-aligned."""
    cells = [[str(cell) for cell in row] for row in rows]
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        for row in (columns, *cells):
            print(row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)))
        return
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        shown.add_column(column, justify="right" if i else "left", no_wrap=True)
    for row in cells:
        shown.add_row(*row)
    console = Console(highlight=False)
    Console(highlight=False, width=None if console.is_terminal else 100).print(shown)


@contextmanager
def figure(path: Path, **options: Any) -> Iterator[Any]:
    """A Matplotlib figure that is written to `path` and closed; it needs no screen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig = plt.figure(layout="constrained", **options)
    try:
        yield fig
        write(fig, path)
    finally:
        plt.close(fig)


def write(fig: Any, path: Path, dpi: int = 130) -> None:
    """Write a figure. Its layout is made before: `savefig` would draw all of it once more to make it."""
    fig.set_dpi(dpi)
    engine = fig.get_layout_engine()
    if engine is not None:
        engine.execute(fig)
        fig.set_layout_engine("none")
    fig.savefig(path, dpi=dpi)


def image(ax: Any, pixels: Any, text: str = "", *, stands_out: bool = False) -> None:
    """Show an image in ink from 0 to 1, with a title, which is red if `stands_out`."""
    ax.imshow(pixels, cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(text, fontsize=8, color=RED if stands_out else "#333333")
    ax.axis("off")
