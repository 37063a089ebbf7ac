"""Displays for notebooks: always a text, and often an HTML table.

Jupyter, and other programs that follow its protocol, call ``_repr_mimebundle_`` of an object for its representations by
MIME type. The functions here make these representations; they know nothing about the objects.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Bundle = dict[str, str]

ROWS = 40
"""A table with more rows than this shows only its first and last rows."""

_TABLE = 'style="border-collapse: collapse; font-family: monospace; text-align: right"'
_CELL = 'style="border: 1px solid #8888; padding: 2px 8px; white-space: pre; text-align: {}"'


def bundle(text: str, body: str = "") -> Bundle:
    """The representations of an object that has a text and perhaps HTML.

    Examples
    --------
    >>> from autodiff import display
    >>> display.bundle("1 + 1")
    {'text/plain': '1 + 1'}
    """
    return {"text/plain": text} | ({"text/html": body} if body else {})


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> str:
    """An HTML table. All cells are text: tags and entities are shown, not interpreted.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences
        Each with as many cells as the header. Numbers have six digits and are right-aligned; `Markup` stays HTML.
    caption : str, optional
        A line above the table.

    Returns
    -------
    str

    Examples
    --------
    >>> from autodiff import display
    >>> "&lt;b&gt;" in display.table(["name"], [["<b>"]])
    True
    """
    left_out = len(rows) - ROWS
    shown: list[Sequence[Any]] = list(rows)
    if left_out > 0:
        gap = [f"... {left_out:,} more", *[""] * (len(header) - 1)]
        shown = [*rows[: ROWS // 2], gap, *rows[-(ROWS // 2) :]]
    head = "".join(f"<th {_CELL.format('left')}>{html.escape(h)}</th>" for h in header)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in shown)
    above = f'<caption style="text-align: left; white-space: pre">{html.escape(caption)}</caption>' if caption else ""
    return f"<table {_TABLE}>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Markup(str):
    """HTML that a cell shows unescaped: only for HTML that is made here, never for a user's text."""


def _cell(value: Any) -> str:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    text = value if isinstance(value, Markup) else html.escape(number(value) if is_number else str(value))
    return f"<td {_CELL.format('right' if is_number else 'left')}>{text}</td>"


def number(x: Any) -> str:
    """A number as text: floats with six significant digits, integers with commas between thousands.

    Examples
    --------
    >>> from autodiff import display
    >>> display.number(2 / 3), display.number(12000)
    ('0.666667', '12,000')
    """
    return f"{x:,}" if isinstance(x, (int, np.integer)) else f"{x:.6g}"


def curve(values: Iterable[float], width: int = 160, height: int = 36) -> Markup:
    """A small curve as SVG, on a logarithmic scale if all values are positive and differ by more than a factor of 100.

    Parameters
    ----------
    values : iterable of float
        Values that are not finite are left out.
    width, height : int
        Pixels.

    Returns
    -------
    Markup
        Empty for fewer than two points.

    Examples
    --------
    >>> from autodiff import display
    >>> "<polyline" in display.curve([3.0, 2.0, 1.5]), display.curve([1.0])
    (True, '')
    """
    ys = [float(v) for v in values]
    points = [(i, y) for i, y in enumerate(ys) if math.isfinite(y)]
    if len(points) < 2:
        return Markup()
    low, high = min(y for _, y in points), max(y for _, y in points)
    if low > 0 and high > 100 * low:
        points = [(i, math.log(y)) for i, y in points]
        low, high = math.log(low), math.log(high)
    if len(points) > width:  # one point per pixel
        points = points[:: -(-len(points) // width)] + points[-1:]
    across, up = (width - 4) / (len(ys) - 1), (height - 4) / ((high - low) or 1.0)
    path = " ".join(f"{2 + across * i:.1f},{height - 2 - up * (y - low):.1f}" for i, y in points)
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<polyline fill="none" stroke="#0072B2" stroke-width="1.5" points="{path}"/></svg>'
    )


def array(data: Any, caption: str) -> str:
    """The entries of a small array with one or two axes as a table; an empty string for other arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import display
    >>> display.array(np.zeros((2, 2)), "zeros").count("<td")
    6
    """
    a = np.asarray(data)
    if a.ndim not in (1, 2) or not a.size or a.shape[-1] > 20 or a.dtype.kind not in "fciub":
        return ""
    rows = np.atleast_2d(a)
    columns = ["", *map(str, range(rows.shape[1]))]
    names = [""] if a.ndim == 1 else [str(i) for i in range(len(rows))]
    return table(columns, [[name, *row] for name, row in zip(names, rows, strict=True)], caption)
