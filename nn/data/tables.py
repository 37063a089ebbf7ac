"""Tables of numbers and texts as arrays for a network, and the encoding that does the same with new rows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import autodiff as ad
from nn.data.reading import MISSING, Column, Reader, Rows, text
from nn.module import Module
from nn.parameters import Buffer

_OWN_CATEGORY = "missing"
_WHO = "TableEncoder"


class Table(NamedTuple):
    """The arrays of a table, and its encoding.

    Attributes
    ----------
    features : ndarray, (n, d), float32
    target : ndarray, or None
        Of a column of numbers (n, 1), float32; of categories (n,), int64: the numbers of `classes`. None without one.
    names : list of str
        What each column of `features` is: ``age``, ``city=Graz``, ``age is missing``.
    classes : list of str
        The names of the target's classes; empty if the target is a number.
    encoder : TableEncoder
        It makes features of new rows.

    Examples
    --------
    >>> import nn
    >>> table = nn.data.from_table({"a": [1.0, 2.0, 3.0], "kind": ["x", "y", "x"]}, target="kind")
    >>> table.features.shape, table.classes
    ((3, 1), ['x', 'y'])
    """

    features: npt.NDArray[np.float32]
    target: npt.NDArray[Any] | None
    names: list[str]
    classes: list[str]
    encoder: TableEncoder


class TableEncoder(Module):
    """The encoding of a table: called with other rows, it gives their features. `from_table` makes it.

    All it knows is in its buffers. So it is saved with a model that holds it (``model.encoder = table.encoder``), in
    its ``state_dict`` and in checkpoints.

    Parameters
    ----------
    state : mapping of str to array_like
        The ``state_dict()`` of an encoder, of which this becomes a copy.

    Attributes
    ----------
    mean, scale : Buffer, (numeric columns,)
        Mean and standard deviation of each column of numbers.
    description : Buffer, (bytes,), uint8
        Names, kinds and categories of the columns, and all options, as JSON.

    Raises
    ------
    autodiff.StructureError
        If the state is not that of an encoder.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> table = nn.data.from_table({"age": [20, 40], "city": ["Graz", "Wien"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "encoder.npz")
    ...     nn.save(path, table.encoder.state_dict())
    ...     encoder = nn.data.TableEncoder(nn.load(path))
    >>> encoder.names, encoder({"age": 30, "city": "Wien"})
    (['age', 'city=Graz', 'city=Wien'], array([[0., 0., 1.]], dtype=float32))
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        super().__init__()
        names = ("description", "mean", "scale")
        if not isinstance(state, Mapping) or set(state) != set(names):
            held = sorted(map(str, state)) if isinstance(state, Mapping) else type(state).__name__
            raise ad.StructureError(
                f"TableEncoder: the state must hold {', '.join(names)}, as the state_dict() of an encoder; {held} was "
                f"given. Of the state of a model that holds one as `encoder`, take the entries that begin with "
                f"'encoder.', without that."
            )
        self.description = Buffer(np.asarray(state["description"], np.uint8))
        self.mean, self.scale = (Buffer(np.asarray(state[name], float)) for name in names[1:])

    @property
    def _plan(self) -> dict[str, Any]:
        import json  # which a program without tables does not need

        known: dict[str, Any] = json.loads(self.description.data.tobytes().decode())
        return known

    @property
    def names(self) -> list[str]:
        """What each feature is."""
        return [name for column in self._plan["columns"] for name in _names(column)]

    @property
    def classes(self) -> list[str]:
        """The names of the target's classes."""
        target = self._plan["target"]
        return list(target["categories"] or ()) if target else []

    def forward(self, source: Any) -> npt.NDArray[np.float32]:
        """Map a table, in any form that `from_table` takes, or one row as a dict, to features (n, d), float32."""
        plan = self._plan
        return _features(plan, Reader(*plan["reader"]).rows(source, _WHO), self.mean.data, self.scale.data, _WHO)

    def target(self, source: Any) -> npt.NDArray[Any]:
        """The target of other rows, as `Table.target` has it: to measure a model on a test file."""
        plan = self._plan
        if plan["target"] is None:
            raise ad.StructureError(f"{_WHO}: the table was read without a target; give from_table(target=...).")
        return _target(plan, Reader(*plan["reader"]).rows(source, _WHO), _WHO)

    def describe(self) -> str:
        """The numbers of columns and of features."""
        return f"{len(self._plan['columns'])} columns to {len(self.names)} features"


def from_table(
    source: Any,
    target: str | None = None,
    *,
    categories: Collection[str] = (),
    drop: Collection[str] = (),
    missing: str = "mean",
    unknown: str = "error",
    standardise: bool = True,
    max_categories: int = 100,
    missing_values: Iterable[str] = MISSING,
    delimiter: str = ",",
    decimal: str = ".",
) -> Table:
    """Read a table, such as a CSV file or a DataFrame, as arrays for a network.

    Parameters
    ----------
    source : path, DataFrame, dict of columns, or list (or array) of dicts
        A path is that of a CSV file in UTF-8 whose first line names the columns.
    target : str, optional
        The column to predict.
    categories : collection of str, optional
        Columns to be read as categories although they hold numbers: postcodes, or a target that is a class number.
    drop : collection of str, optional
        Columns to leave out: numbers of rows, names.
    missing : {"mean", "indicator", "error"}, default "mean"
        A missing number becomes the mean of its column; "indicator" also adds a feature that is 1 where a number is
        missing, for columns in which some are. A missing category is a category of its own, ``missing``. "error"
        refuses both.
    unknown : {"error", "zeros"}, default "error"
        What the encoder makes of a category in new rows that the table does not have: an error, or no category.
    standardise : bool, default True
        Whether to shift and scale columns of numbers to mean 0 and standard deviation 1.
    max_categories : int, default 100
        A column of more categories is refused: it is more likely a name or a text.
    missing_values : iterable of str, optional
        Texts that stand for a missing value. By default the empty text, ``NA``, ``NaN``, ``null``, ``None``, ``?`` and
        their usual variants.
    delimiter, decimal : str, default "," and "."
        What separates the fields of a CSV file, and the point of its decimal numbers.

    Returns
    -------
    Table
        The arrays, the names of features and classes, and the encoder for new rows.

    Raises
    ------
    ValueError, autodiff.StructureError, autodiff.DtypeError
        If something cannot be read. The message names the column and the line.
    TypeError
        If a list of columns is a single text.
    autodiff.ShapeError
        If there are no rows.

    Notes
    -----
    A column all of whose values are numbers, or truth values, holds numbers. A column of texts holds categories, and
    each becomes a feature that is 0 or 1; 1, 1.0, "1" and "1.0" are one category. A column most of whose values are
    numbers must hold nothing else. Means, deviations and categories are those of the rows given here. To keep test data
    out of them, read the training rows with `from_table` and the others with the encoder: ``table.encoder(rows)``,
    ``table.encoder.target(rows)``.

    Examples
    --------
    >>> import nn
    >>> rows = {"age": [20, None, 40], "city": ["Graz", "Wien", "Graz"], "rent": ["low", "high", "low"]}
    >>> table = nn.data.from_table(rows, target="rent")
    >>> table.names, table.classes
    (['age', 'city=Graz', 'city=Wien'], ['high', 'low'])
    >>> table.features.tolist(), table.target.tolist()
    ([[-1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]], [1, 0, 1])
    >>> table.encoder({"age": 50, "city": "Wien"}).tolist()
    [[2.0, 0.0, 1.0]]
    """
    for what, value, known in (
        ("missing", missing, ("mean", "indicator", "error")),
        ("unknown", unknown, ("error", "zeros")),
    ):
        if value not in known:
            raise ValueError(f"from_table: {what} must be one of {', '.join(map(repr, known))}; {value!r} was given.")
    for what, listed in (("categories", categories), ("drop", drop), ("missing_values", missing_values)):
        if isinstance(listed, str) or not np.iterable(listed):
            raise TypeError(f"from_table: {what} must be a list of texts; give {what}=[{listed!r}].")
    categories, drop = [str(name) for name in categories], [str(name) for name in drop]  # as columns are named
    target = None if target is None else str(target)
    reader = Reader(tuple(missing_values), delimiter, decimal)
    rows = reader.rows(source, "from_table")
    for name in (*categories, *drop, *([] if target is None else [target])):
        rows.column(name, "from_table")
    if not rows.size:
        raise ad.ShapeError(f"from_table: {rows.title} has no rows.")
    columns, mean, scale = [], [], []
    for name, column in rows.columns.items():
        if name in drop or name == target:
            continue
        found, kept, gone = _categories(column, name in categories, max_categories, rows), missing, column.missing.any()
        if found is None:
            numbers = _numbers(column, missing != "error", "from_table")
            numbers = numbers[~column.missing]
            _, power = np.frexp(np.abs(numbers).max())  # without this, squares of huge numbers overflow
            near_one = np.ldexp(numbers, -power)
            mean.append(np.ldexp(near_one.mean(), power))
            scale.append(np.ldexp(near_one.std(), power) if numbers.min() < numbers.max() else 1.0)
            kept = "mean" if missing == "indicator" and not gone else missing
        elif gone and missing != "error" and _OWN_CATEGORY not in found:
            found = [*found, _OWN_CATEGORY]
        columns.append({"name": name, "categories": found, "missing": kept, "unknown": unknown})
    if not columns:
        raise ad.StructureError(f"from_table: {rows.title} has no column beside the target and those that are dropped.")
    plan: dict[str, Any] = {"columns": columns, "target": None, "standardise": bool(standardise), "reader": reader}
    if target is not None:
        found = _categories(rows.columns[target], target in categories, max_categories, rows)
        plan["target"] = {"name": target, "categories": found, "missing": "error", "unknown": "error"}
    import json  # which a program without tables does not need

    description = np.frombuffer(json.dumps(plan).encode(), np.uint8)
    encoder = TableEncoder({"description": description, "mean": mean, "scale": scale})
    features = _features(plan, rows, encoder.mean.data, encoder.scale.data, "from_table")
    answers = None if target is None else _target(plan, rows, "from_table")
    return Table(features, answers, encoder.names, encoder.classes, encoder)


def _features(plan: Mapping[str, Any], rows: Rows, mean: Any, scale: Any, who: str) -> npt.NDArray[np.float32]:
    """The features of all rows: each column of numbers as one or two, each column of categories as several."""
    parts: list[Any] = [np.zeros((rows.size, 0))]
    k = 0
    for known in plan["columns"]:
        column = rows.column(known["name"], who)
        if known["categories"] is not None:
            parts.append(_codes(column, known, who)[:, None] == np.arange(len(known["categories"])))
            continue
        found = _numbers(column, known["missing"] != "error", who)
        filled = np.where(column.missing, mean[k], found)
        parts.append(((filled - mean[k]) / scale[k] if plan["standardise"] else filled)[:, None])
        k += 1
        if known["missing"] == "indicator":
            parts.append(column.missing[:, None])
    return _narrow(np.concatenate(parts, axis=1), who)


def _target(plan: Mapping[str, Any], rows: Rows, who: str) -> npt.NDArray[Any]:
    """The target of all rows: numbers (n, 1), or the numbers of classes (n,)."""
    known = plan["target"]
    column = rows.column(known["name"], who, ", the target")
    if known["categories"] is not None:
        return _codes(column, known, who)
    return _narrow(_numbers(column, False, who)[:, None], who)


def _narrow(numbers: Any, who: str) -> npt.NDArray[np.float32]:
    """The numbers in float32."""
    largest = np.finfo(np.float32).max
    if numbers.size and np.abs(numbers).max() > largest:
        raise ad.DomainError(
            f"{who}: the number {numbers.flat[np.abs(numbers).argmax()]:g} does not fit float32, whose largest is "
            f"{largest:g}. Scale the column."
        )
    return numbers.astype(np.float32)


def _names(column: Mapping[str, Any]) -> list[str]:
    """The names of the features that a column becomes."""
    name = column["name"]
    if column["categories"] is not None:
        return [f"{name}={category}" for category in column["categories"]]
    return [name] + ([f"{name} is missing"] if column["missing"] == "indicator" else [])


def _categories(column: Column, wanted: bool, most: int, rows: Rows) -> list[str] | None:
    """The categories of a column, sorted; None if it holds numbers."""
    name, values = column.name, column.values
    if isinstance(values, np.ndarray):  # of dates: `Reader` makes lists of all others
        raise ad.DtypeError(
            f"from_table: column {name!r} holds dates, {values.dtype}. Make numbers of them, such as days since the "
            f"first, (dates - dates.min()) / np.timedelta64(1, 'D'); or leave it out, drop=[{name!r}]."
        )
    present, strange = np.flatnonzero(~column.missing), np.flatnonzero(~column.missing & ~column.is_number)
    if not present.size:
        raise ValueError(f"from_table: column {name!r} of {rows.title} holds no value. Leave it out: drop=[{name!r}].")
    if not wanted and not strange.size:
        return None
    if not wanted and 2 * strange.size < present.size:
        raise ValueError(
            f"from_table: {column.place(strange[0])}: {values[strange[0]]!r} is not a number, and "
            f"{present.size - strange.size} of {present.size} values are. Correct it; or, if it stands for a missing "
            f"value, add it to missing_values=; or, if the column holds categories, give categories=[{name!r}]."
        )
    found = {text(values[i]): column.numbers[i] for i in present.tolist()}
    if len(found) > most:
        raise ValueError(
            f"from_table: column {name!r} of {rows.title} has {len(found)} different texts in {rows.size} rows, such "
            f"as {text(values[present[0]])!r}. Leave it out, drop=[{name!r}]; or allow more with max_categories=. If "
            f"they are numbers with a decimal comma, give decimal=','."
        )
    return sorted(found, key=lambda c: (math.inf if math.isnan(found[c]) else found[c], c))


def _numbers(column: Column, gaps: bool, who: str) -> npt.NDArray[np.float64]:
    """A column as numbers, with NaN where one is missing; all others must be finite."""
    if column.missing.any() and not gaps:
        raise ValueError(_absent(column, who))
    strange = np.flatnonzero(~column.missing & ~np.isfinite(column.numbers))
    if strange.size:
        raise ValueError(
            f"{who}: {column.place(strange[0])}: {column.values[strange[0]]!r} is not a finite number, and the column "
            f"holds numbers."
        )
    return column.numbers


def _absent(column: Column, who: str) -> str:
    """The message about a missing value that is not allowed: of a target, or with ``missing="error"``."""
    place = column.place(int(column.missing.argmax()))
    return f"{who}: {place}: the value is missing, and must not be. Add it, or leave the row out."


def _codes(column: Column, known: Mapping[str, Any], who: str) -> npt.NDArray[np.int64]:
    """The numbers of the categories of a column; -1 for an unknown one, where that is allowed."""
    if known["missing"] == "error" and column.missing.any():
        raise ValueError(_absent(column, who))
    numbers = {category: k for k, category in enumerate(known["categories"])}
    texts = [_OWN_CATEGORY if gone else text(v) for v, gone in zip(column.values, column.missing.tolist(), strict=True)]
    found = np.array([numbers.get(category, -1) for category in texts], np.int64)
    strange = np.flatnonzero((found < 0) & ~column.missing)
    if strange.size and known["unknown"] == "error":
        shown = ", ".join(map(repr, list(numbers)[:10])) + (", ..." if len(numbers) > 10 else "")
        raise ad.DomainError(
            f"{who}: {column.place(strange[0])}: the category {texts[strange[0]]!r} is unknown; the table it was made "
            f'of has {shown}. Correct it; or give from_table(..., unknown="zeros").'
        )
    return found
