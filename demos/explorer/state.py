"""What a room knows of its state: each entry with its default and bounds, from which the page makes its controls.

A state travels in the address of the page and in every request. `decoded` turns what has come from outside into values
within their bounds, or says which entry is wrong. The page asks for these descriptions once, so that defaults, bounds
and labels are written here alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

from demos.explorer.expressions import Expression, ExpressionError


class StateError(ValueError):
    """An entry of a state that cannot be used: its name, what is wrong, and the column if it is a typed expression."""

    def __init__(self, entry: str, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.entry, self.message, self.column = entry, message, column


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; the page shows a slider with `step`, whose scale may be logarithmic."""

    label: str
    default: float
    low: float
    high: float
    step: float
    scale: str = "linear"
    control: str = "slider"  # or "none": the page moves it in another way, as the point of a curve

    def decode(self, entry: str, given: Any) -> float:
        """The number."""
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise _wrong(entry, f"{self.label} is a number from {self.low:g} to {self.high:g}", given)
        if not self.low <= given <= self.high:  # nor is NaN; and an integer may be too large for a float
            raise _wrong(entry, f"{self.label} lies between {self.low:g} and {self.high:g}", given)
        return float(given)


@dataclass(frozen=True)
class Integer(Number):
    """An integer from `low` to `high`."""

    def decode(self, entry: str, given: Any) -> int:
        """The integer."""
        number = super().decode(entry, given)
        if number != int(number):
            raise _wrong(entry, f"{self.label} is an integer", given)
        return int(number)


@dataclass(frozen=True)
class Typed:
    """A typed expression of the variables; it is decoded to an `Expression`."""

    label: str
    default: str
    variables: tuple[str, ...]

    def decode(self, entry: str, given: Any) -> Expression:
        """The function."""
        if not isinstance(given, str):
            raise _wrong(entry, f"{self.label} is a text", given)
        try:
            return Expression(given, self.variables)
        except ExpressionError as error:
            raise StateError(entry, error.message, error.column) from None


@dataclass(frozen=True)
class Choice:
    """One of the options; `options` are pairs of a key and what the page shows."""

    label: str
    default: str
    options: tuple[tuple[str, str], ...]

    def decode(self, entry: str, given: Any) -> str:
        """The key of the option."""
        known = [key for key, _ in self.options]
        if given not in known:
            raise _wrong(entry, f"{self.label} is one of {', '.join(known)}", given)
        return str(given)


@dataclass(frozen=True)
class Several:
    """Any of the options, as a text of their keys with commas between them."""

    label: str
    default: str
    options: tuple[tuple[str, str], ...]

    def decode(self, entry: str, given: Any) -> tuple[str, ...]:
        """The keys, in the order of the options."""
        keys = given.split(",") if isinstance(given, str) and given else []
        known = [key for key, _ in self.options]
        if not isinstance(given, str) or any(key not in known for key in keys):
            raise _wrong(entry, f"{self.label} are some of {', '.join(known)}", given)
        return tuple(key for key in known if key in keys)


@dataclass(frozen=True)
class Flag:
    """Whether something is shown."""

    label: str
    default: bool

    def decode(self, entry: str, given: Any) -> bool:
        """The truth value."""
        if not isinstance(given, bool):
            raise _wrong(entry, f"{self.label} is true or false", given)
        return given


@dataclass(frozen=True)
class Text:
    """A text that is not an expression, such as a table or a list of points, of at most `length` characters."""

    label: str
    default: str
    length: int

    def decode(self, entry: str, given: Any) -> str:
        """The text."""
        if not isinstance(given, str):
            raise _wrong(entry, f"{self.label} is a text", given)
        if len(given) > self.length:
            raise StateError(entry, f"{self.label} has {len(given):,} characters; at most {self.length:,} are allowed")
        return given


Kind = Number | Typed | Choice | Several | Flag | Text


def _wrong(entry: str, expected: str, given: Any) -> StateError:
    return StateError(entry, f"{expected}; {_shown(given)} was given")


def _shown(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 128:  # of the longest Python refuses to write the digits
        return "a huge integer"
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "..."


def decoded(kinds: dict[str, Kind], given: Any) -> SimpleNamespace:
    """The values of a state, each with its default where nothing is given."""
    if not isinstance(given, dict):
        raise StateError("", f"a state is an object with the room's entries; {_shown(given)} was given")
    for entry in given:
        if entry not in kinds:
            raise StateError(_shown(entry), f"this room has no entry {_shown(entry)}; it has {', '.join(kinds)}")
    return SimpleNamespace(
        **{entry: kind.decode(entry, given.get(entry, kind.default)) for entry, kind in kinds.items()}
    )


def described(kinds: dict[str, Kind]) -> dict[str, Any]:
    """The entries as the page reads them."""
    return {entry: {"kind": type(kind).__name__.lower(), **asdict(kind)} for entry, kind in kinds.items()}
