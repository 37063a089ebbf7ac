"""How answers look: tables of text with units, and the verdicts on the bars."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bars import bars_of, verdict


def duration(seconds: float | None) -> str:
    """A duration in the unit in which it has one to four digits before the point."""
    if seconds is None:
        return "-"
    for unit, scale in (("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 10_000:
            return f"{seconds * scale:.3g} {unit}" if seconds * scale < 100 else f"{seconds * scale:.0f} {unit}"
    return f"{seconds:.1f} s"


def multiple(value: float | None) -> str:
    """A ratio, to three digits."""
    return "-" if value is None else f"{value:.3f}" if value < 10 else f"{value:.0f}"


def megabytes(count: float) -> str:
    """A number of bytes, in units of 2**20."""
    return f"{count / 2**20:.1f} MB"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], footnotes: Sequence[str] = ()) -> str:
    """Rows of text under their heads, the first column to the left, the others to the right."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    text = [
        "  " + "   ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
    return "\n".join([*(line.rstrip() for line in text), *(f"  {note}" for note in footnotes)])


def verdicts(question: str, values: Sequence[float]) -> list[str]:
    """A line for each bar of `question`: what was measured in each run, the two figures, and whether they hold."""
    lines = []
    for bar in bars_of(question):
        measured = ", ".join(f"{value:.3g}" for value in values) or "-"
        goal = "" if bar.goal == bar.must else f", goal {bar.goal:g}"
        lines.append(f"{bar.question:<11}{measured} {bar.unit} (must {bar.must:g}{goal}): {verdict(bar, list(values))}")
    return lines
