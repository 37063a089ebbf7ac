"""The output of answers: text tables with units, and the verdicts on the bars."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bars import bars_of, verdict


def duration(seconds: float) -> str:
    """A duration with three digits, in microseconds, milliseconds or seconds."""
    unit, scale = next(((u, s) for u, s in (("us", 1e6), ("ms", 1e3)) if seconds * s < 1000), ("s", 1.0))
    value = seconds * scale
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def multiple(value: float | None) -> str:
    """A ratio, with three decimals if it is small; a dash if there is none."""
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 10 else f"{value:.0f}"


def megabytes(count: float) -> str:
    """A number of bytes, in units of 2**20."""
    return f"{count / 2**20:.1f} MB"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """Rows of text under their headers, the first column left-aligned, the others right-aligned; then the notes."""
    lines = [heads, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    text = [
        "   ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines if rows
    ]
    return "\n".join(f"  {line}" for line in [*text, *notes])


def verdicts(question: str, values: Sequence[float | None]) -> str:
    """A line for each bar of `question`: our measurement in each run, the two figures, and whether they hold.

    Parameters
    ----------
    values : one for each run, in the unit of the bar; None if our engine or its counterpart was not measured
    """
    measured = [value for value in values if value is not None]
    lines = []
    for bar in bars_of(question):
        figures = ", ".join(f"{value:.3g}" for value in measured) or "-"
        goal = "" if bar.goal == bar.must else f", goal {bar.goal:g}"
        lines.append(f"{question:<11} {figures} {bar.unit} (must {bar.must:g}{goal}): {verdict(bar, measured)}")
    return "\n".join(lines)
