"""The data that the network room trains on, each with the lines of the program that make the same arrays."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
import nn
from demos.explorer.rooms.common import Array
from demos.explorer.state import StateError
from nn.data.reading import MISSING, Reader

ROWS, COLUMNS, FEATURES, CLASSES = 5000, 60, 256, 20
"""The most of a table; of its features after texts have become one for each category."""
TABLE = 1_000_000
"""The most characters of a table."""
NAME = 200
"""The most characters of a column's name."""
PAINTED, PAINTABLE = 400, 4
"""The most painted points, and their classes."""
WINDOW, FINE = 2.0, 1000
"""Painted coordinates lie between minus and plus `WINDOW`, in steps of one part in `FINE`."""
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Of painted coordinates, two for each."""

DATA = (
    ("moons", "two moons"),
    ("circles", "circles"),
    ("spirals", "two spirals"),
    ("arms", "three spirals"),
    ("blobs", "four blobs"),
    ("xor", "exclusive or"),
    ("sine", "sine (a curve)"),
    ("digits", "handwritten digits"),
    ("painted", "paint your own"),
    ("table", "your table (CSV)"),
)


class Waiting(Exception):  # noqa: N818  # nothing is wrong
    """There is nothing to train on yet; it says what to do, and holds the points that are there."""

    def __init__(self, message: str, x: Array | None = None, y: Array | None = None) -> None:
        super().__init__(message)
        self.x = np.zeros((0, 2), np.float32) if x is None else x
        self.y = np.zeros(0, np.int64) if y is None else y


class Data(NamedTuple):
    """Rows to learn from.

    Attributes
    ----------
    x : ndarray, (n, d), float32
    y : ndarray of int, (n,), or of float32, (n, 1)
    classes : tuple of str
        The names of the classes; empty if numbers are predicted.
    names : tuple of str
        What each column of `x` is.
    lines : tuple of str
        Those of a program that make `x` and `y`.
    centre, scale : ndarray, (d,)
        A picture has ``x * scale + centre`` at its axes: the numbers of a table before they were standardised.
    window : tuple of float, optional
        The part of the plane to show; the points and a margin if None.
    notes : tuple of str
        What was done with a table's columns.
    images : bool
        Whether each row is an image of 8x8.
    """

    x: Array
    y: Array
    classes: tuple[str, ...]
    names: tuple[str, ...]
    lines: tuple[str, ...]
    centre: Array
    scale: Array
    window: tuple[float, float, float, float] | None = None
    notes: tuple[str, ...] = ()
    images: bool = False

    @property
    def picture(self) -> str:
        """How it is drawn: as points of a plane, as a curve, as images, or by its errors alone."""
        if self.images:
            return "images"
        d = self.x.shape[1]
        return "plane" if d == 2 else "curve" if d == 1 and not self.classes else "table"


def load(state: Any, session: dict[str, Any]) -> Data:
    """The data of a state; it is kept in the session until an entry that it depends on changes."""
    entries = ("data", "n", "noise", "seed", "points", "file", "target", "reading", "drop")
    key = (*(getattr(state, entry) for entry in entries), session.get("loads", 0))
    if session.get("data_key") != key:
        session["data"] = _MAKERS.get(state.data, _toy)(state, session)
        session["data_key"] = key
    found: Data = session["data"]
    return found


def _made(x: Array, y: Array, classes: tuple[str, ...], names: tuple[str, ...], *lines: str, **more: Any) -> Data:
    d = x.shape[1]
    y = y.astype(np.int64 if classes else np.float32)
    return Data(x.astype(np.float32), y, classes, names, lines, np.zeros(d), np.ones(d), **more)


def _toy(state: Any, _: dict[str, Any]) -> Data:
    """A toy set; its noise is scaled so that the same number makes each set about as hard."""
    n, noise, seed, plane = state.n, state.noise, state.seed, ("x", "y")
    more = {"spirals": {"arms": 2}, "arms": {"arms": 3}, "blobs": {"centres": 4}}.get(state.data, {})
    share = {"blobs": 4.0, "circles": 0.5, "spirals": 0.3, "arms": 0.25}.get(state.data, 1.0)
    options = more | {"spread" if state.data == "blobs" else "noise": round(share * noise, 6), "seed": seed}
    name = {"arms": "spirals"}.get(state.data, state.data)
    x, y = getattr(nn.data, name)(n, **options)
    given = ", ".join(f"{key}={value!r}" for key, value in options.items())
    lines = (f"x, y = nn.data.{name}({n}, {given})", "x = x.astype(np.float32)")
    if state.data == "sine":
        return _made(x, y, (), ("x", "y"), lines[0], "x, y = x.astype(np.float32), y.astype(np.float32)")
    return _made(x, y, tuple(map(str, range(1 + int(y.max())))), plane, *lines)


def _digits(state: Any, _: dict[str, Any]) -> Data:
    images, labels = nn.data.digits()
    lines = ("images, y = nn.data.digits()", "x = images.reshape(-1, 64)")
    names = tuple(f"pixel {i}" for i in range(64))
    return _made(images.reshape(-1, 64), labels, tuple("0123456789"), names, *lines, images=True)


def _painted(state: Any, _: dict[str, Any]) -> Data:
    text = state.points
    if not re.fullmatch(rf"(?:[\w-]{{4}}[0-{PAINTABLE - 1}])*", text, re.ASCII):
        raise StateError("points", "the painted points in this address cannot be read; clear them to begin anew")
    if len(text) > 5 * PAINTED:
        raise StateError("points", f"{len(text) // 5:,} points are painted; at most {PAINTED} are allowed: undo some")
    codes = np.array([DIGITS.index(c) for c in text], int).reshape(-1, 5)
    y = np.array([int(c) for c in text[4::5]], int)
    steps = codes[:, [0, 2]] * len(DIGITS) + codes[:, [1, 3]]
    if (steps > 2 * WINDOW * FINE).any():
        raise StateError("points", "the painted points in this address cannot be read; clear them to begin anew")
    x = np.round(steps / FINE - WINDOW, 3)
    if not len(x):
        raise Waiting(
            "Paint points: click or drag on the picture, or move the brush with the arrow keys and press Enter."
        )
    if len(set(y.tolist())) < 2:
        raise Waiting("Paint points of a second class: choose it under Paint.", x, y)
    rows = [f"    [{a!r}, {b!r}, {c}]," for (a, b), c in zip(x.tolist(), y.tolist(), strict=True)]
    lines = (
        "points = np.array([  # x, y, class",
        *(" ".join([rows[i], *(row.strip() for row in rows[i + 1 : i + 5])]) for i in range(0, len(rows), 5)),
        "])",
        "x, y = points[:, :2].astype(np.float32), points[:, 2].astype(int)",
    )
    classes = tuple(map(str, range(1 + int(y.max()))))
    return _made(x, y, classes, ("x", "y"), *lines, window=(-WINDOW, WINDOW, -WINDOW, WINDOW))


# --- tables ---------------------------------------------------------------------------------------


def take(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """Keep a table for the next requests; the answer names its columns."""
    text = state.table
    if text.count("\n") > ROWS + 1:
        raise StateError(
            "table", f"the table has about {text.count(chr(10)):,} rows; at most {ROWS:,} can be used here"
        )
    if "\x00" in text:
        raise StateError("table", "this is not a text: save the table as CSV in UTF-8")
    header = text.lstrip("\ufeff").split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count)
    comma = delimiter != "," and re.search(r"\d,\d", text) is not None and re.search(r"\d\.\d", text) is None
    options = {"delimiter": delimiter} if delimiter != "," else {}
    session["table"] = (state.file, text, options | ({"decimal": ","} if comma else {}))
    session["loads"] = session.get("loads", 0) + 1
    columns = _in_file(state, session, _columns)
    if len(columns) > COLUMNS:
        raise StateError("table", f"the table has {len(columns)} columns; at most {COLUMNS} can be used here")
    longest = max(columns, key=len)
    if len(longest) > NAME:
        raise StateError(
            "table",
            f"the column {longest[:20]!r}... has a name of {len(longest)} characters; at most {NAME} can be used here",
        )
    return {"columns": columns}


def _in_file(state: Any, session: dict[str, Any], use: Callable[[str, dict[str, Any]], Any]) -> Any:
    """Use the table as a file of its name; what the engine says of it is told with what can be done in the page."""
    name, text, options = session["table"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file_name(name)
        path.write_text(text, encoding="utf-8", errors="replace", newline="")
        try:
            return use(str(path), options)
        except (ValueError, TypeError, ad.AutodiffError) as error:
            raise StateError("table", _said(error)) from None


def file_name(name: str) -> str:
    """The name of a file, without what could lead out of a folder."""
    return re.sub(r"[^\w .-]", "_", name).strip(". ")[-60:] or "table.csv"


def _said(error: Exception) -> str:
    text = str(error).split("\n\n")[0].removeprefix("from_table: ")
    for call, control in (
        (r"; or allow more with max_categories=\.( If they are numbers.*)?", "."),
        (r"[,:] drop=\[.*?\]", " with its check box"),
        (r"if it stands for a missing value, add it to missing_values=", "if it stands for a missing value, empty it"),
        (r"if the column holds categories, give categories=\[.*?\]", "leave the column out with its check box"),
    ):
        text = re.sub(call, control, text)
    return text if len(text) < 400 else text[:400] + "..."


def _columns(path: str, options: dict[str, Any]) -> list[str]:
    rows = Reader(MISSING, options.get("delimiter", ","), options.get("decimal", ".")).rows(path, "from_table")
    if rows.size > ROWS:
        raise ValueError(f"the table has {rows.size:,} rows; at most {ROWS:,} can be used here")
    return list(rows.columns)


def _table(state: Any, session: dict[str, Any]) -> Data:
    if "table" not in session or session["table"][0] != state.file:
        again = f"Load {state.file} again: a table is kept in the page, and is no part of its address."
        raise Waiting(again if state.file else "Load a CSV file whose first line names the columns.")
    data: Data = _in_file(state, session, lambda path, options: _read(path, options, state))
    return data


def _read(path: str, options: dict[str, Any], state: Any) -> Data:
    rows = Reader(MISSING, options.get("delimiter", ","), options.get("decimal", ".")).rows(path, "from_table")
    names = list(rows.columns)
    target = state.target or names[-1]
    drop = [name for name in state.drop.split("\n") if name in names and name != target]
    column = rows.column(target, "from_table")
    distinct = set(column.numbers[column.is_number].tolist())
    few = 2 * len(distinct) <= min(CLASSES, len(column.values)) and all(
        number == int(number) for number in distinct if np.isfinite(number)
    )
    as_classes = state.reading == "classes" or (state.reading == "auto" and column.is_number.all() and few)
    given: dict[str, Any] = {"target": target} | ({"drop": drop} if drop else {}) | options
    if as_classes:
        given["categories"] = [target]
    table = nn.data.from_table(path, **given)
    y = table.target
    assert y is not None
    if state.reading == "number" and table.classes:
        raise StateError("table", f"column {target!r} holds texts, not numbers: predict it as classes")
    if len(table.classes) == 1:
        only = f"column {target!r} has one class only, {table.classes[0]!r}"
        raise StateError("table", f"{only}: choose another column to predict")
    if len(table.classes) > CLASSES:
        many = f"column {target!r} has {len(table.classes)} classes, at most {CLASSES} can be told apart here"
        raise StateError("table", f"{many}: choose another column to predict, or predict it as a number")
    if table.features.shape[1] > FEATURES:
        widest = max((n for n in names if n != target), key=lambda n: sum(f.startswith(f"{n}=") for f in table.names))
        many = f"the columns become {table.features.shape[1]} features, at most {FEATURES} can be used here"
        raise StateError("table", f"{many}: leave out columns of many texts, such as {widest!r}")
    if len(column.values) < 4:
        raise StateError("table", f"the table has {len(column.values)} rows; a network needs 4 at least")
    notes = []
    for name in names:
        gone, texts = int(rows.columns[name].missing.sum()), [f for f in table.names if f.startswith(f"{name}=")]
        if name != target and name not in drop and texts:
            notes.append(f"{name}: texts, which became {len(texts)} features.")
        if gone and name not in drop:
            notes.append(
                f"{name}: {gone} cells are missing; " + ("a class of their own." if texts else "the mean stands in.")
            )
    arguments = "".join(f", {key}={value!r}" for key, value in given.items())
    lines = (
        f"table = nn.data.from_table({Path(path).name!r}{arguments})",
        "x, y = table.features, table.target",
    )
    data = _made(table.features, y, tuple(table.classes), (*table.names, target), *lines, notes=tuple(notes))
    if len(table.encoder.mean.data) == table.features.shape[1]:  # columns of numbers alone
        return data._replace(centre=table.encoder.mean.data, scale=table.encoder.scale.data)
    return data


_MAKERS: dict[str, Callable[[Any, dict[str, Any]], Data]] = {"digits": _digits, "painted": _painted, "table": _table}
