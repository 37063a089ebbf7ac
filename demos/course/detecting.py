"""Detectors: in which way numbers are wrong, in any exercise; each gives a hint in the learner's terms, or None."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from demos.course.records import Exercise, Function, copied

NOT_FINITE = (
    "It returns NaN or infinity: is something divided by 0, or the logarithm or exponential of a number too far out?"
)


class Finding(NamedTuple):
    """In which way an answer is wrong, in a word, and the hint for the learner."""

    kind: str
    hint: str


UNKNOWN = Finding("value", "The numbers are not the right ones.")
"""What is said when no detector knows better."""


class Row(NamedTuple):
    """One case of one result: what was returned, and what is right."""

    label: str
    arguments: tuple[Any, ...]
    got: Any
    right: Any
    rtol: float
    part: int = 0
    """Which of several results it is."""


def close(got: Any, right: Any, rtol: float) -> bool:
    """Whether two answers are the same, to `rtol` of the largest entry."""
    if isinstance(right, (str, bool)) or isinstance(got, (str, bool)):
        return bool(got == right)
    if np.shape(got) != np.shape(right):
        return False
    with np.errstate(all="ignore"):
        size = float(np.max(np.abs(right[np.isfinite(right)]), initial=0.0))
        return bool(np.allclose(got, right, rtol=rtol, atol=rtol * size + 1e-12, equal_nan=True))


def identical(one: Any, other: Any) -> bool:
    """Whether two arguments are equal to the last bit."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(identical, one, other))
    return bool(np.array_equal(one, other, equal_nan=True)) if isinstance(one, np.ndarray) else bool(one == other)


def listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last


def first(exercise: Exercise, answer: Function, rows: Sequence[Row]) -> Finding | None:
    """What the first detector that recognises the answer says."""
    if isinstance(rows[0].right, (str, bool)):
        return another_word(exercise, rows) or by_case(exercise, rows)
    with np.errstate(all="ignore"):
        for detector in (
            shape,
            not_finite,
            unchanged,
            whole_numbers,
            sign,
            swapped,
            count,
            factor,
            offset,
            order,
            related,
        ):
            if (found := detector(exercise, rows)) is not None:
                return found
        if (found := near_zero(exercise, answer, rows)) is not None:
            return found
        for detector in (where, entries, by_case, roughly):
            if (found := detector(exercise, rows)) is not None:
                return found
    return None


# --- form


def another_word(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """A text that is no answer in any case."""
    words = dict.fromkeys(str(r.right) for r in rows)
    odd = next((r.got for r in rows if str(r.got) not in words), None)
    return None if odd is None else Finding("type", f"It returns {odd!r:.60}; it should be one of {', '.join(words)}.")


def shape(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """Shapes that differ."""
    row = next((r for r in rows if r.got.shape != r.right.shape), None)
    if row is None:
        return None
    good = dict.fromkeys(r.label for r in rows if close(r.got, r.right, r.rtol))
    start = (
        f"Right for {listed(good)}, but not for {row.label}: there" if good and row.label not in good else "The result"
    )
    told = f"{start} has the shape {row.got.shape}, and {row.right.shape} is right"
    if row.got.ndim > 1 and row.got.T.shape == row.right.shape:
        return Finding("transposed", f"{told}: rows and columns are exchanged.")
    if row.got.size == row.right.size:
        return Finding("shape", f"{told}: the number of entries is right.")
    if row.right.ndim == 0:
        if close(np.sum(row.got), row.right, row.rtol):
            return Finding("shape", f"{told}: one number. Is a sum missing?")
        if close(np.mean(row.got), row.right, row.rtol):
            return Finding("shape", f"{told}: one number. Is a mean missing?")
        return Finding("shape", f"{told}: one number is expected.")
    if row.got.ndim == 0:
        return Finding("shape", f"{told}: is there a sum or a mean too many?")
    if row.got.ndim == row.right.ndim and abs(row.got.shape[0] - row.right.shape[0]) == 1:
        few = "few" if row.got.shape[0] < row.right.shape[0] else "many"
        return Finding("shape", f"{told}: there is one entry too {few}.")
    return Finding("shape", f"{told}.")


def not_finite(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """NaN or infinity where a number is right."""
    bad = [r for r in rows if np.any(~np.isfinite(r.got) & np.isfinite(r.right))]
    if not bad:
        return None
    good = dict.fromkeys(r.label for r in rows if r.label not in {b.label for b in bad})
    start = f"For {listed(dict.fromkeys(b.label for b in bad))}: " if good else ""
    return Finding("nan", start + NOT_FINITE)


def whole_numbers(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """Results cut to whole numbers."""
    bad = [r for r in rows if not close(r.got, r.right, r.rtol)]
    if all(np.array_equal(r.got, np.trunc(r.right)) or np.array_equal(r.got, np.round(r.right)) for r in bad):
        if any(r.got.dtype.kind in "iu" for r in bad):
            return Finding("dtype", "It is cut to whole numbers: an array of integers keeps no fractions.")
        if any(np.any(r.got) for r in bad):
            return Finding("dtype", "It is rounded to whole numbers.")
    return None


# --- arguments


def unchanged(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """One of the arguments, as it was given."""
    for i, name in enumerate(exercise.arguments[: len(rows[0].arguments)]):
        if all(_numeric(r.arguments[i]) and close(r.got, np.asarray(r.arguments[i]), 1e-12) for r in rows):
            return Finding("unchanged", f"It is the argument `{name}`, unchanged.")
    return None


def swapped(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """The right function of its arguments in another order."""
    for i, j in combinations(range(len(exercise.arguments)), 2):
        if all(_as(exercise, row, {i: row.arguments[j], j: row.arguments[i]}) for row in rows):
            names = exercise.arguments
            return Finding("swapped", f"The arguments `{names[i]}` and `{names[j]}` seem to be exchanged.")
    return None


def count(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """The right function of a whole number that is off by one."""
    for i, name in enumerate(exercise.arguments):
        if i >= len(rows[0].arguments) or not all(type(row.arguments[i]) is int for row in rows):
            continue
        for step, word in ((-1, "one less"), (1, "one more")):
            if all(_as(exercise, row, {i: row.arguments[i] + step}) for row in rows):
                return Finding("count", f"It is what `{name}` gives that is {word}: off by one.")
    return None


def _as(exercise: Exercise, row: Row, changes: dict[int, Any]) -> bool:
    """Whether the answer is that of the reference with other arguments."""
    try:
        parts = exercise.right(tuple(changes.get(k, a) for k, a in enumerate(row.arguments)))
    except Exception:  # these arguments make no sense
        return False
    return close(row.got, parts[row.part], row.rtol)


# --- numbers


def sign(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """The negative of the right answer."""
    if all(close(-1.0 * r.got, r.right, r.rtol) for r in rows):
        return Finding("sign", "The sign is the opposite.")
    return None


def factor(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """A multiple of the right answer: by a constant, by a size or by an argument."""
    zero = [r for r in rows if np.max(np.abs(r.right), initial=0.0) < 1e-12]
    known = [(r, _ratio(r)) for r in rows if not any(r is z for z in zero)]
    if not known or any(math.isnan(c) for _, c in known) or not all(close(r.got, r.right, r.rtol) for r in zero):
        return None
    values = np.array([c for _, c in known])
    if np.allclose(values, values[0], rtol=1e-5):
        c = float(values[0])
        if c == 0.0:
            return Finding("factor", "It is always 0.")
        return Finding("factor", f"It is too {'large' if abs(c) > 1 else 'small'} by the factor {_number(c)}.")
    for what, sizes in _sizes(exercise, [r for r, _ in known]):
        mean = what.startswith("the number")
        if np.allclose(values, sizes, rtol=1e-5):
            return Finding(
                "factor", f"It is too large by a factor: {what}." + (" Did you take the mean?" if mean else "")
            )
        if np.allclose(values * sizes, 1.0, rtol=1e-5):
            more = " Is it a mean where the sum is asked for?" if mean else ""
            return Finding("factor", f"It is too small by a factor: {what}.{more}")
        if np.allclose(-values, sizes, rtol=1e-5):
            return Finding("factor", f"The sign is the opposite, and it is too large by a factor: {what}.")
    if all(r.right.size > 1 for r, _ in known) and all(values > 0):
        return Finding("factor", "The direction is right, the length is not: every entry is off by the same factor.")
    return None


def _ratio(row: Row) -> float:
    """By how much an answer is too large; NaN if it is no multiple of the right one."""
    right = np.where(np.isfinite(row.right), row.right, 0.0).astype(float)
    c = float(np.sum(row.got * right) / np.sum(right * right))
    return c if close(np.asarray(row.got), c * row.right, row.rtol) else math.nan


def _number(c: float) -> str:
    """A factor as one writes it."""
    if abs(abs(c) * math.log(2) - 1) < 1e-6:
        return "1/log 2"  # bits for nats
    for value, word in ((1.0, ""), (math.pi, "π"), (math.log(2), "log 2"), (math.sqrt(2), "√2")):
        for top in range(1, 13):
            for below in range(1, 13):
                if math.gcd(top, below) == 1 and abs(abs(c) * below / (value * top) - 1) < 1e-6:
                    mark = "-" if c < 0 else ""
                    upper = (str(top) if top > 1 or not word else "") + (" " if word and top > 1 else "") + word
                    return mark + upper + (f"/{below}" if below > 1 else "")
    return f"{c:.4g}"


def _sizes(exercise: Exercise, rows: Sequence[Row]) -> Iterable[tuple[str, Any]]:
    """Numbers that come with the arguments, each with its name."""
    for i, name in enumerate(exercise.arguments[: len(rows[0].arguments)]):
        values = [r.arguments[i] for r in rows]
        if all(np.ndim(v) == 0 and isinstance(v, (int, float, np.number)) for v in values):
            yield f"the value of `{name}`", np.array(values, float)
            yield f"the square of `{name}`", np.array(values, float) ** 2
            yield f"the square root of `{name}`", np.array(values, float) ** 0.5
        elif all(isinstance(v, (np.ndarray, list, int, float, np.number)) for v in values):
            yield f"the number of entries of `{name}`", np.array([np.size(v) for v in values], float)
            yield f"the number of rows of `{name}`", np.array([(*np.shape(v), 1)[0] for v in values], float)
            yield f"the number of columns of `{name}`", np.array([(1, *np.shape(v))[-1] for v in values], float)


def offset(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """A constant too much."""
    d = rows[0].got.ravel()[0] - rows[0].right.ravel()[0] if rows[0].right.size else 0.0
    if d and all(close(r.got - d, r.right, r.rtol) for r in rows):
        return Finding("offset", f"It is too {'large' if d > 0 else 'small'} by the constant {_number(abs(float(d)))}.")
    return None


def order(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """The right numbers in another order."""
    larger = [r for r in rows if r.right.size > 1]
    if larger and all(r.right.ndim == 2 and close(r.got.T, r.right, r.rtol) for r in larger):
        return Finding("transposed", "Rows and columns are exchanged: it is the transpose of the right answer.")
    if all(close(np.sort(r.got, axis=None), np.sort(r.right, axis=None), r.rtol) for r in rows):
        return Finding("order", "These are the right numbers, in another order.")
    return None


RELATED: dict[str, Callable[[Any], Any]] = {
    "the square of the right answer": np.square,
    "the square root of the right answer": np.sqrt,
    "1 divided by the right answer": lambda y: 1 / y,
    "the logarithm of the right answer": np.log,
    "the exponential of the right answer": np.exp,
    "the right answer without its sign": np.abs,
    "1 minus the right answer": lambda y: 1 - y,
}


def related(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """A known function of the right answer."""
    for what, function in RELATED.items():
        if all(close(r.got, function(r.right), r.rtol) for r in rows):
            return Finding("related", f"It is {what}.")
    return None


def near_zero(exercise: Exercise, answer: Function, rows: Sequence[Row]) -> Finding | None:
    """An approximation that is right near 0 only."""
    row = next(r for r in rows if not close(r.got, r.right, r.rtol))
    small = tuple(_scaled(a, 1e-4) for a in row.arguments)
    moved = sum(s is not a for s, a in zip(small, row.arguments, strict=True))
    if exercise.parts or exercise.use or moved != 1:  # with several it is not said which one has to be small
        return None
    try:
        got, (right,) = np.asarray(answer(*copied(small))), exercise.right(small)
    except Exception:  # the argument cannot be so small
        return None
    if not np.any(right) or np.max(np.abs(row.got - row.right)) < 1e-2 * np.max(np.abs(row.right)):
        return None
    if close(got, right, 1e-3):
        return Finding("near 0", "It is right only near 0.")
    return None


def _scaled(x: Any, c: float) -> Any:
    floats = isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
    return x * c if floats else x


# --- where


def by_case(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """Right for some kinds of arguments, wrong for others."""
    bad = dict.fromkeys(r.label for r in rows if not close(r.got, r.right, r.rtol))
    good = dict.fromkeys(r.label for r in rows if r.label not in bad)
    if good and bad:
        return Finding("cases", f"Right for {listed(good)}, but not for {listed(bad)}.")
    return None


def where(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """Wrong only where an argument is negative, zero or positive."""
    for i, name in enumerate(exercise.arguments[: len(rows[0].arguments)]):
        if not all(np.shape(r.arguments[i]) == r.right.shape and _numeric(r.arguments[i]) for r in rows):
            continue
        x = np.concatenate([np.ravel(r.arguments[i]) for r in rows]).astype(float)
        wrong = np.concatenate([np.ravel(_off(r)) for r in rows])
        for word, mask in (("negative", x < 0), ("0", x == 0), ("positive", x > 0)):
            if np.any(~mask) and not np.any(wrong & ~mask) and np.sum(wrong) > np.sum(mask) / 2:
                return Finding("where", f"It is right, but not where `{name}` is {word}.")
    return None


def _numeric(x: Any) -> bool:
    return isinstance(x, (int, float, np.number)) or (isinstance(x, np.ndarray) and x.dtype.kind in "iuf")


def _off(row: Row) -> Any:
    size = float(np.max(np.abs(row.right), initial=0.0))
    return ~np.isclose(row.got, row.right, rtol=row.rtol, atol=row.rtol * size + 1e-12)


def entries(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """The same entries wrong in every case, the others right."""
    shapes = {r.right.shape for r in rows}
    if len(shapes) != 1 or rows[0].right.size < 2:
        return None
    wrong = np.any([_off(r) for r in rows], axis=0)
    if np.all(wrong) or 2 * sum(np.any(_off(r)) for r in rows) < len(rows):
        return None
    places = [tuple(map(int, p)) if len(p) > 1 else int(p[0]) for p in np.argwhere(wrong)]
    which = (
        f"entr{'y' if len(places) == 1 else 'ies'} {listed(map(str, places[:4]))}{' ...' if len(places) > 4 else ''}"
    )
    if all(not np.any(r.got[wrong]) for r in rows):
        return Finding(
            "entries", f"The {which} {'is' if len(places) == 1 else 'are'} missing (0); the others are right."
        )
    if all(close(-1.0 * r.got[wrong], r.right[wrong], r.rtol) for r in rows):
        return Finding("entries", f"The sign of the {which} is the opposite; the others are right.")
    return Finding("entries", f"The {which} {'is' if len(places) == 1 else 'are'} wrong; the others are right.")


def roughly(exercise: Exercise, rows: Sequence[Row]) -> Finding | None:
    """Close, but not close enough."""
    if all(close(r.got, r.right, 2e-2) for r in rows):
        return Finding("roughly", "It is nearly right: is it an approximation, a step too large, or too few terms?")
    return None
