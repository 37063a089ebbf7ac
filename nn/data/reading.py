"""Tables as columns of raw values, from CSV files, data frames and dicts, and the values as numbers or texts.

Every message names the column and the line, and says what can be done.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?")
"""Texts that stand for a missing value unless others are given."""

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")
_WHOLE = re.compile(r"-?\d+\.0+")
_TRUTH = {"true": 1.0, "false": 0.0}


class Column:
    """The values of a column, and what they are as numbers.

    Attributes
    ----------
    name : str
    values : sequence
        As they came.
    missing, is_number : ndarray of bool, (n,)
        Where a value stands for nothing, and where it is a number.
    numbers : ndarray, (n,)
        NaN where there is none.
    """

    def __init__(self, name: str, values: Sequence[Any], reader: Reader, title: str, lines: list[int] | None) -> None:
        self.name, self.values = name, values
        self._reader, self._title, self._lines = reader, title, lines

    def place(self, row: int) -> str:
        """Where a value stands, for messages."""
        where = f"row {row}" if self._lines is None else f"line {self._lines[row]}"
        return f"column {self.name!r}, {where} of {self._title}"

    @cached_property
    def _parsed(self) -> tuple[Any, Any, Any]:
        parse = self._reader.parsed
        try:
            distinct = {value: parse(value) for value in set(self.values)}
            found = [distinct[value] for value in self.values]
        except TypeError:  # something that cannot be the key of a dict
            found = [parse(value) for value in self.values]
        missing = np.array([number is None for number in found], bool)
        is_number = np.array([isinstance(number, float) for number in found], bool)
        numbers = np.array([number if isinstance(number, float) else math.nan for number in found], float)
        return missing, is_number, numbers

    @property
    def missing(self) -> Any:
        return self._parsed[0]

    @property
    def is_number(self) -> Any:
        return self._parsed[1]

    @property
    def numbers(self) -> Any:
        return self._parsed[2]


class Rows(NamedTuple):
    """A table by its columns.

    Attributes
    ----------
    title : str
        What it is called in messages.
    columns : dict of str to Column
    """

    title: str
    columns: dict[str, Column]

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())).values) if self.columns else 0

    def column(self, name: str, who: str, as_what: str = "") -> Column:
        """A column, which must exist."""
        if name not in self.columns:
            import difflib  # only for a wrong name

            near = difflib.get_close_matches(name, list(self.columns), n=1)
            mend = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, self.columns))}."
            raise ad.StructureError(f"{who}: {self.title} has no column {name!r}{as_what}; {mend}")
        return self.columns[name]


class Reader(NamedTuple):
    """How values are read.

    Attributes
    ----------
    missing : tuple of str
        Texts that stand for a missing value.
    delimiter, decimal : str
        Of a CSV file, what separates fields, and the point of decimal numbers.
    """

    missing: tuple[str, ...] = MISSING
    delimiter: str = ","
    decimal: str = "."

    def rows(self, source: Any, who: str) -> Rows:
        """The columns of a source: a path, a data frame, a mapping of columns, one row, or a list of rows."""
        if isinstance(source, (str, os.PathLike)):
            return self._of_file(source, who)
        if isinstance(source, np.ndarray) and source.dtype == object:  # rows that have been split
            source = source.tolist()
        if isinstance(source, Mapping):
            columns = dict(source)
            if columns and not any(_is_column(v) for v in columns.values()):
                columns = {name: [value] for name, value in columns.items()}  # one row
        elif hasattr(source, "columns") and hasattr(source, "__getitem__"):
            columns = {name: np.asarray(source[name]) for name in source.columns}
        elif isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source):
            columns = {name: [row.get(name) for row in source] for name in dict.fromkeys(k for r in source for k in r)}
        else:
            raise TypeError(
                f"{who}: a table is the path of a CSV file, a DataFrame, a dict of columns, or a list of dicts, one "
                f"for each row; a {type(source).__name__} was given. Of an array, "
                f'{{"a": array[:, 0], "b": array[:, 1]}} is such a dict.'
            )
        found = {str(name): _flat(values) for name, values in columns.items()}
        if len(found) < len(columns):
            raise ad.StructureError(f"{who}: two columns have the same name as text: {list(columns)}. Rename one.")
        sizes = {name: len(values) for name, values in found.items()}
        if len(set(sizes.values())) > 1:
            raise ad.ShapeError(f"{who}: the columns must have the same number of rows; they have {sizes}.")
        return self._rows("the table", found, None)

    def _rows(self, title: str, columns: Mapping[str, Sequence[Any]], lines: list[int] | None) -> Rows:
        return Rows(title, {name: Column(name, values, self, title, lines) for name, values in columns.items()})

    def _of_file(self, path: str | os.PathLike[str], who: str) -> Rows:
        import csv  # only for files

        title = repr(os.path.basename(os.fspath(path)))
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=self.delimiter, skipinitialspace=True)
            try:
                header = [name.strip() for name in next(reader, [])]
                records, lines = [], []
                for record in reader:
                    if record:
                        records.append(record)
                        lines.append(reader.line_num)
            except UnicodeDecodeError as error:
                raise ValueError(f"{who}: {title} is not a text in UTF-8 ({error.reason}). Save it as UTF-8.") from None
            except csv.Error as error:
                raise ValueError(f"{who}: line {reader.line_num} of {title} cannot be read: {error}.") from None
        self._check_header(header, title, who)
        for record, line in zip(records, lines, strict=True):
            if len(record) != len(header):
                raise ValueError(
                    f"{who}: line {line} of {title} has {len(record)} fields, and the header {len(header)}: {record}. "
                    f"Put fields that contain {self.delimiter!r} in double quotes."
                )
        columns = [list(values) for values in zip(*records, strict=True)] or [[] for _ in header]
        return self._rows(title, dict(zip(header, columns, strict=True)), lines)

    def _check_header(self, header: list[str], title: str, who: str) -> None:
        if not header:
            raise ValueError(f"{who}: {title} is empty; its first line must name the columns.")
        other = next((d for d in (";", "\t", ",", "|") if d != self.delimiter and d in header[0]), None)
        if len(header) == 1 and other:
            raise ValueError(
                f"{who}: {title} has one column only, {header[0]!r}. If {other!r} separates its fields, give "
                f"delimiter={other!r}."
            )
        twice = [name for name in dict.fromkeys(header) if header.count(name) > 1 or not name]
        if twice:
            raise ValueError(
                f"{who}: the header of {title} must name every column, each once; {twice[0]!r} is "
                f"{'empty' if not twice[0] else 'there twice'}: {header}."
            )
        if all(isinstance(self.parsed(name), float) for name in header):
            raise ValueError(
                f"{who}: the first line of {title} must name the columns; it holds the numbers {header}. Add a header."
            )

    def parsed(self, value: Any) -> float | str | None:
        """A value as a number; None if it stands for nothing, and an empty text if it is something else."""
        if isinstance(value, str):
            text = value.strip()
            if text in self.missing:
                return None
            if text.lower() in _TRUTH:
                return _TRUTH[text.lower()]
            if self.decimal != ".":  # a point then separates thousands, and nothing else
                text = "_" if "." in text and not _THOUSANDS.fullmatch(text) else text.replace(".", "")
                text = text.replace(self.decimal, ".")
            value = "" if "_" in text else text  # Python reads 1_000
        elif value is None or type(value).__name__ in ("NAType", "NaTType"):
            return None
        elif isinstance(value, (complex, np.complexfloating)):
            return ""
        try:
            number = float(value)
        except OverflowError:  # an integer of more than 308 digits
            return math.inf
        except (TypeError, ValueError):
            return ""
        return None if math.isnan(number) and not isinstance(value, str) else number


def text(value: Any) -> str:
    """A value as the name of a category: the same for 3, 3.0, "3" and "3.0", which are one number in some tables.

    Other texts stay as they are: 0300 is a postcode, and 3.10 the version after 3.9.
    """
    if isinstance(value, str):
        value = value.strip()
        return value.partition(".")[0] if _WHOLE.fullmatch(value) else value
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _is_column(value: Any) -> bool:
    if isinstance(value, (np.ndarray, ad.Tensor)):
        return bool(value.ndim)
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes))


def _flat(values: Any) -> Sequence[Any]:
    """The values of a column as a list of Python objects; dates stay an array."""
    array: Any = values.data if isinstance(values, ad.Tensor) else values
    if isinstance(array, np.ndarray):
        if array.ndim != 1:
            raise ad.ShapeError(f"a column of a table must have one axis; an array of shape {array.shape} was given.")
        return array if array.dtype.kind == "M" else array.tolist()  # type: ignore[return-value]  # as good as one
    return list(array)
