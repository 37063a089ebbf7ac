"""The output of answers: text tables with units."""

from __future__ import annotations

from collections.abc import Sequence


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
