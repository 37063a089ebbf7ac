"""The verdict on an answer: it is tried on every case, and where it is wrong, a hint says in which way.

First come the mistakes that the exercise knows, then the detectors of `detecting`, which know no exercise.
"""

from __future__ import annotations

import inspect
import linecache
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

import autodiff as ad
from demos.course import detecting, slopes
from demos.course.detecting import Finding, Row, close
from demos.course.records import SINGLE, Case, Exercise, Function, Named, copied


class TimeUpError(BaseException):
    """The learner's time is over; no ``except Exception`` of his stops it."""


class InputError(Exception):
    """The answer asks somebody to type."""


@dataclass
class Verdict:
    """What a learner is told; it counts as True if the exercise is solved."""

    exercise: str
    kind: str
    """In one word: right, sign, factor, shape, ..."""
    hint: str = field(default="", repr=False)
    example: str = field(default="", repr=False)
    """The arguments of one wrong case, what was returned and what is right."""
    printed: str = field(default="", repr=False)
    """The beginning of what the answer printed."""

    def __bool__(self) -> bool:
        return self.kind == "right"

    def __str__(self) -> str:
        head = f"{self.exercise}: " + ("solved." if self else "not begun yet." if self.kind == "begin" else "not yet.")
        printed = [f"It printed: {self.printed}"] if self.printed else []
        return "\n  ".join([head, *(line for line in (self.hint, self.example) if line), *printed])

    def as_dict(self) -> dict[str, Any]:
        """The fields, for another process."""
        return asdict(self)


@dataclass
class Outcome:
    """What an answer made of one case: its parts as arrays, or what went wrong."""

    case: Case
    got: tuple[Any, ...] = ()
    wrong: Finding | None = None
    changed: str = ""
    """Which of its arguments."""
    typed: bool = True
    """Whether it was an array, and not a number or a list, which have no dtype."""

    @property
    def shown(self) -> str:
        """What was returned, for a reader."""
        return ", ".join(text(x, 60) for x in self.got)


def judge(exercise: Exercise, answer: Any, source: str | None = None) -> Verdict:
    """The verdict on an answer; `source` is the file it stands in."""
    source = source or _source(answer)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the answer, or of looking for what is wrong with it
            if (found := _unsuitable(exercise, answer)) is None:
                return _judged(exercise, answer, source)
    except TimeUpError as error:
        found = Finding("time", f"It does not come to an end{_at(error, source)}: what should stop the loop?")
    return Verdict(exercise.name, found.kind, found.hint)


def _unsuitable(exercise: Exercise, answer: Any) -> Finding | None:
    if not callable(answer):
        return Finding("type", f"`{exercise.function}` is {_a(answer)}, not a function.")
    if exercise.is_class:
        return None
    try:
        takes = inspect.signature(answer)
    except (ValueError, TypeError):  # a function written in C, or one that says something else of itself
        return None
    try:
        takes.bind(*exercise.arguments)
    except TypeError:
        names = ", ".join(exercise.arguments)
        return Finding("arguments", f"The function is called as `{exercise.function}({names})`; yours takes `{takes}`.")
    return None


def _judged(exercise: Exercise, answer: Function, source: str | None) -> Verdict:
    outcomes = [_tried(exercise, answer, case, source) for case in exercise.cases]
    bad = [o for o in outcomes if not _right(exercise, o)]
    changed = next((o for o in outcomes if o.changed), None)
    if changed is not None:
        told = f"It changes its argument `{changed.changed}` in place: what was given must be the same afterwards."
        return Verdict(exercise.name, "in-place", told)
    if exercise.free:
        return _lawful(exercise, answer, outcomes, source)
    if not bad:
        return _same_dtype(exercise, outcomes)
    found = _found(exercise, answer, outcomes, bad)
    shown = min((_counterexample(exercise, o) for o in bad), key=len)
    return Verdict(exercise.name, found.kind, found.hint, shown)


def _tried(exercise: Exercise, answer: Function, case: Case, source: str | None) -> Outcome:
    arguments = copied(case.arguments)
    try:
        with np.errstate(all="ignore"):
            value = exercise.called(answer, arguments)
    except TimeUpError:
        raise
    except SystemExit:
        return Outcome(
            case, wrong=Finding("exit", "It ends the whole program (exit or quit): return the result instead.")
        )
    except InputError as error:
        told = f"It waits for somebody to type (input){_at(error, source)}: use the arguments instead."
        return Outcome(case, wrong=Finding("input", told))
    except MemoryError as error:
        return Outcome(case, wrong=Finding("memory", f"It needs too much memory{_at(error, source)}."))
    except RecursionError as error:
        return Outcome(case, wrong=Finding("error", f"It calls itself without an end{_at(error, source)}."))
    except BaseException as error:
        told = f"It stops with {said(error)}{_at(error, source)}."
        return Outcome(case, wrong=Finding("error", told))
    changed = next(
        (
            name
            for name, given, now in zip(exercise.arguments, case.arguments, arguments, strict=False)
            if isinstance(given, (np.ndarray, list)) and not detecting.identical(given, now)
        ),
        "",
    )
    if exercise.parts:
        return _in_parts(exercise, case, value, changed)
    got, wrong = normal(value, case.right[0])
    return Outcome(case, (got,), wrong, changed, typed=isinstance(value, (np.ndarray, np.generic, ad.Tensor)))


def _in_parts(exercise: Exercise, case: Case, value: Any, changed: str) -> Outcome:
    names = ", ".join(exercise.parts)
    if value is None:
        return Outcome(case, (None,), NOTHING, changed)
    several = isinstance(value, (tuple, list)) or (isinstance(value, (np.ndarray, ad.Tensor)) and np.ndim(value) > 0)
    try:
        found = list(value[: len(exercise.parts) + 1]) if several else []
    except Exception:  # a class of the learner's
        several = False
    if not several:
        told = f"It returns {_a(value)}; it should return {len(exercise.parts)} results: {names}."
        return Outcome(case, (value,), Finding("type", told), changed)
    if len(found) != len(exercise.parts):
        told = (
            f"It returns {len(value)} result{'s' * (len(value) != 1)}; there should be {len(exercise.parts)}: {names}."
        )
        return Outcome(case, (value,), Finding("type", told), changed)
    pairs = [normal(v, right) for v, right in zip(found, case.right, strict=True)]
    wrong = None
    for name, (_, w) in zip(exercise.parts, pairs, strict=True):
        if w is not None and wrong is None:
            wrong = Finding(w.kind, f"`{name}`: {w.hint}")
    return Outcome(case, tuple(got for got, _ in pairs), wrong, changed)


def said(error: BaseException) -> str:
    """An error in one line: its kind and the beginning of its message."""
    try:
        message = " ".join(str(error).split())[:200]
    except Exception:  # a class of the learner's, whose text fails
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


LARGEST = 10_000_000
"""How many numbers a result may have; the largest right one has some thousands."""
NOTHING = Finding("nothing", "It returns nothing (None): is the `return` missing?")


def normal(value: Any, right: Any) -> tuple[Any, Finding | None]:
    """A returned value as an array, or as a text where that is the answer; and what is wrong with its type."""
    if value is None:
        return value, NOTHING
    if isinstance(right, (str, bool)):
        if isinstance(right, bool) and isinstance(value, (bool, np.bool_)):
            return bool(value), None
        if isinstance(right, str) and isinstance(value, str):
            return value.strip().lower(), None
        return value, Finding("type", f"It returns {_a(value)}; {_a(right)} is expected.")
    if isinstance(value, ad.Tensor):
        return np.asarray(value.data), None
    if isinstance(value, (str, bytes, dict, set)) or callable(value) or hasattr(value, "__next__"):
        more = " Call it, and return its result." if callable(value) else ""
        return value, Finding("type", f"It returns {_a(value)}; {_a(right)} is expected.{more}")
    try:
        array = np.asarray(_plain(value))
    except Exception:  # it is not to be read as an array, for whatever reason
        array = np.asarray(None)
    if array.size > LARGEST:  # perhaps a view that repeats one number: to compare it would need the memory
        return value, Finding("memory", f"It returns {_a(array)}; {_a(right)} is expected.")
    if isinstance(value, tuple) and right.ndim == 0:
        return value, Finding("type", f"It returns a tuple of {len(value)}; {_a(right)} is expected.")
    if array.dtype.kind not in "biufc":
        return value, Finding("type", f"It returns {_a(value)} that is no array of numbers; {_a(right)} is expected.")
    if array.dtype.kind == "c":
        if np.any(array.imag):
            return value, Finding("type", "It returns complex numbers; real ones are expected.")
        array = array.real
    return array, None


def _plain(value: Any) -> Any:
    if isinstance(value, ad.Tensor):
        return value.data
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _right(exercise: Exercise, outcome: Outcome) -> bool:
    if outcome.wrong is not None:
        return False
    pairs = zip(outcome.got, outcome.case.right, strict=True)
    return exercise.free or all(close(got, right, _rtol(exercise, outcome.case)) for got, right in pairs)


def _rtol(exercise: Exercise, case: Case) -> float:
    return max(exercise.rtol, 1e-3 if case.label == SINGLE else 0.0)


def _same_dtype(exercise: Exercise, outcomes: list[Outcome]) -> Verdict:
    for o in outcomes:
        if exercise.keeps_dtype and o.typed and o.case.label == SINGLE:
            for got in o.got:
                if got.dtype == np.float64 and got.ndim:
                    told = "The numbers are right, but float32 goes in and float64 comes out: which constant widens it?"
                    return Verdict(exercise.name, "dtype", told)
    return Verdict(exercise.name, "right")


def _lawful(exercise: Exercise, answer: Function, outcomes: list[Outcome], source: str | None) -> Verdict:
    for o in outcomes:
        if o.wrong is not None:
            return Verdict(exercise.name, o.wrong.kind, o.wrong.hint, _counterexample(exercise, o))
    if (known := _mistaken(exercise, outcomes)) is not None:
        return Verdict(exercise.name, known.kind, known.hint)
    shape = next((o for o in outcomes if any(_misshapen(*p) for p in zip(o.got, o.case.right, strict=True))), None)
    if shape is not None:
        found = detecting.shape(exercise, _rows(exercise, [shape], 0)) or Finding("shape", "The shape is wrong.")
        return Verdict(exercise.name, found.kind, found.hint)
    for o in outcomes:
        for got in o.got:
            if exercise.use is None and not np.all(np.isfinite(got)):
                return Verdict(exercise.name, "nan", detecting.NOT_FINITE)
        if (hint := _broken(exercise, answer, o.case)) is not None:
            given = _arguments(exercise, o.case)
            return Verdict(exercise.name, "law", hint, f"For {given} you return {o.shown}." if given else "")
    return Verdict(exercise.name, "right")


def _misshapen(got: Any, right: Any) -> bool:
    return not isinstance(right, (str, bool)) and np.shape(got) != np.shape(right)


def _broken(exercise: Exercise, answer: Function, case: Case) -> str | None:
    """The hint of the first law that does not hold."""
    for hint, holds in exercise.laws.items():
        try:
            with np.errstate(all="ignore"):
                if not holds(answer, *copied(case.arguments)):
                    return hint
        except Exception:  # the answer is wrong in a way that the law does not expect
            continue
    return None


def _found(exercise: Exercise, answer: Function, outcomes: list[Outcome], bad: list[Outcome]) -> Finding:
    """In which way an answer is wrong."""
    if all(o.wrong is NOTHING for o in bad) and len(bad) == len(outcomes):
        return NOTHING
    if (known := _mistaken(exercise, outcomes)) is not None:
        return known
    troubled = [o for o in bad if o.wrong is not None]
    if troubled:
        wrong = troubled[0].wrong
        assert wrong is not None
        rights = {o.case.label for o in outcomes} - {o.case.label for o in bad}
        if rights and len(troubled) == len(bad):
            start = f"Right for {_list(rights, exercise)}, but not for {_list({o.case.label for o in bad}, exercise)}. "
            return Finding("cases" if wrong.kind == "error" else wrong.kind, start + wrong.hint)
        return wrong
    for i, _ in enumerate(outcomes[0].case.right):
        rows = _rows(exercise, outcomes, i)
        if all(close(row.got, row.right, row.rtol) for row in rows):
            continue
        found = detecting.first(exercise, answer, rows) or _by_law(exercise, answer, bad)
        found = found or _by_slope(exercise, rows) or detecting.UNKNOWN
        if not exercise.parts:
            return found
        good = [
            name
            for k, name in enumerate(exercise.parts)
            if all(close(r.got, r.right, r.rtol) for r in _rows(exercise, outcomes, k))
        ]
        praise = f" ({', '.join(good)} {'is' if len(good) == 1 else 'are'} right.)" if good else ""
        return Finding(found.kind, f"`{exercise.parts[i]}`: {found.hint}{praise}")
    raise AssertionError("a wrong answer has a wrong part")


def _by_law(exercise: Exercise, answer: Function, bad: list[Outcome]) -> Finding | None:
    for o in bad:
        if (hint := _broken(exercise, answer, o.case)) is not None:
            return Finding("law", hint)
    return None


def _by_slope(exercise: Exercise, rows: list[Row]) -> Finding | None:
    """What differences of the function say, where a derivative is asked for."""
    for row in rows:
        off = np.abs(row.got - row.right)
        place = tuple(map(int, np.unravel_index(np.argmax(off), off.shape)))
        rise = slopes.measured(exercise, row.arguments, row.part, place)
        if not np.isnan(rise) and not np.isclose(rise, row.got[place], rtol=1e-3):
            name = exercise.by[row.part] + (str(list(place)) if place else "")
            told = f"If `{name}` alone changes a little, the function changes {rise:.4g} times as much"
            return Finding("slope", f"{told}; your derivative says {float(row.got[place]):.4g}.")
    return None


def _mistaken(exercise: Exercise, outcomes: list[Outcome]) -> Finding | None:
    """The mistake that gives the same results on every case."""
    for hint, mistake in exercise.mistakes.items():
        if any(map(_says_something, outcomes)) and all(_same(exercise, mistake, o) for o in outcomes):
            return Finding("mistake", hint)
    return None


def _says_something(outcome: Outcome) -> bool:
    """Whether there is a result by which a mistake can be recognised."""
    return outcome.wrong is None and any(isinstance(x, str) or np.any(np.isfinite(x)) for x in outcome.got)


def _same(exercise: Exercise, mistake: Function, outcome: Outcome) -> bool:
    try:
        parts = exercise.right(outcome.case.arguments, mistake)
    except Exception:
        return outcome.wrong is not None and outcome.wrong.kind == "error"
    if outcome.wrong is not None and outcome.wrong.kind == "error":  # Python raises where NumPy gives infinity
        return not any(isinstance(part, str) or np.any(np.isfinite(part)) for part in parts)
    if outcome.wrong is not None or len(parts) != len(outcome.got):
        return False
    rtol = _rtol(exercise, outcome.case)
    return all(close(got, part, rtol) for got, part in zip(outcome.got, parts, strict=True))


def _rows(exercise: Exercise, outcomes: list[Outcome], i: int) -> list[Row]:
    return [
        Row(o.case.label, o.case.arguments, o.got[i], o.case.right[i], _rtol(exercise, o.case), i)
        for o in outcomes
        if o.wrong is None
    ]


# --- for a reader


def _list(labels: set[str], exercise: Exercise) -> str:
    return detecting.listed(label for label in exercise_labels(exercise) if label in labels)


def exercise_labels(exercise: Exercise) -> Iterator[str]:
    """The labels of the cases, in order."""
    yield from dict.fromkeys(case.label for case in exercise.cases)


def text(x: Any, most: int = 240) -> str:
    """A value in one line, shortened to some `most` characters."""
    try:
        shown = " ".join(_text(x).split())
    except Exception:  # a class of the learner's, whose text fails
        shown = _a(x)
    if len(shown) <= most:
        return shown
    return _a(x) if isinstance(x, np.ndarray) else f"{shown[: max(most - 10, 60)]} ..."


def _text(x: Any) -> str:
    if np.size(x) > 200:
        return _a(x)
    if isinstance(x, np.ndarray) or (np.isscalar(x) and not isinstance(x, (str, bool))):
        digits: Any = {"float_kind": lambda v: f"{v:.6g}"}
        shown = np.array2string(np.asarray(x), threshold=12, edgeitems=3, separator=", ", formatter=digits)
    elif isinstance(x, (list, tuple)):
        shown = "[" + ", ".join(map(text, x)) + "]"
    elif isinstance(x, np.ufunc):
        shown = f"np.{x.__name__}"
    elif getattr(type(x), "__repr__", None) is object.__repr__ or (callable(x) and not isinstance(x, Named)):
        shown = _a(x)
    else:
        shown = repr(x)
    return shown


def _arguments(exercise: Exercise, case: Case) -> str:
    """The arguments, if they are short enough to be read."""
    if exercise.free and exercise.use is not None:  # they are not what the learner's function gets
        return ""
    names = exercise.arguments if exercise.use is None else tuple(inspect.signature(exercise.use).parameters)[1:]
    shown = ", ".join(f"{n} = {text(v)}" for n, v in zip(names, case.arguments, strict=False))
    return shown if len(shown) < 300 else ""


def _counterexample(exercise: Exercise, outcome: Outcome) -> str:
    """One case in which the answer is wrong."""
    shown = _arguments(exercise, outcome.case)
    if outcome.wrong is not None and outcome.wrong.kind not in ("type", "nothing"):
        return f"It was called with {shown}." if shown else ""
    given = f"For {shown or outcome.case.label}"
    parts = list(zip(exercise.parts or ("",), outcome.got, outcome.case.right, strict=False))
    if outcome.wrong is not None:
        return f"{given} you return {text(outcome.got[0]) if len(outcome.got) == 1 else outcome.shown}."
    rtol = _rtol(exercise, outcome.case)
    name, got, right = next(p for p in parts if not close(p[1], p[2], rtol))  # the first wrong one is enough
    return f"{given} you return {text(got)}{f' as `{name}`' if name else ''}; {text(right)} is right."


def _a(value: Any) -> str:
    """What a value is, with its article."""
    if isinstance(value, np.ndarray):
        return "one number" if value.ndim == 0 else f"an array of shape {value.shape}"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, bool):
        return "True or False"
    if callable(value):
        return "a function"
    word = type(value).__name__
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _source(answer: Any) -> str | None:
    members = [answer, *(vars(answer).values() if inspect.isclass(answer) else ())]
    return next((m.__code__.co_filename for m in members if hasattr(m, "__code__")), None)


def _at(error: BaseException, source: str | None) -> str:
    """Where in the learner's file an error came from: his last line on the way."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == source:
            line = (linecache.getline(source, frame.lineno or 0) or frame.line or "").strip()
            return f" (line {frame.lineno}: `{line}`)" if line else f" (line {frame.lineno})"
    return ""
