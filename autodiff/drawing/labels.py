"""Texts in pictures: short numbers, and users' texts in which nothing is interpreted."""

from __future__ import annotations

from typing import Any

import graphviz
import numpy as np

FEW = 4
"""Arrays of at most this many entries are written out; larger ones are summarised."""


def number(x: Any) -> str:
    """A number with four significant digits."""
    return f"{complex(x):.4g}" if np.iscomplexobj(x) else f"{x:.4g}" if np.asarray(x).dtype.kind == "f" else str(x)


def entries(x: Any) -> str:
    """All entries of a small array, row by row."""
    array = np.asarray(x)
    if array.ndim == 0:
        return number(array[()])
    return "[" + ", ".join(entries(row) for row in array) + "]"


def summary(x: Any) -> str:
    """A value in one line: the entries of a small array; for a large one the range, and how many are not finite."""
    array = np.asarray(x)
    if array.size <= FEW:
        return entries(array)
    if array.dtype.kind == "c":
        array = np.abs(array)
    fine = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    spoilt = array.size - fine.size
    low, high = (number(fine.min()), number(fine.max())) if fine.size else ("", "")
    text = f"all {low}" if low and low == high else f"{low} to {high}" if low else ""
    return ", ".join(filter(None, (text, f"{spoilt:,} not finite" if spoilt else "")))


def size_of(x: Any) -> str:
    """A gradient in one line: the entries of a small array, the norm of a large one."""
    array = np.asarray(x)
    if array.size <= FEW:
        return entries(array)
    with np.errstate(all="ignore"):  # squares of huge entries
        return f"norm {number(np.linalg.norm(array.ravel()))}"


def printable(text: str, limit: int = 200) -> str:
    """A user's text without characters that cannot be printed, cut if it is very long; line breaks are kept."""
    text = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(c if c == "\n" or c.isprintable() else " " if c.isspace() else "�" for c in text)


def escape(text: str, limit: int = 200) -> str:
    """A user's text as a DOT label: nothing in it is interpreted, line breaks are kept, a very long text is cut."""
    text = printable(text, limit).replace("&", "&amp;").replace("\\", "\\\\").replace("\n", "\\n")
    label: str = graphviz.nohtml(text)  # otherwise the package takes "<...>" for HTML
    return label
