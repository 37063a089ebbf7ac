"""A solution spoiled in the ways in which answers are wrong, and rewritten in ways in which they are still right.

Whoever adds an exercise sees with these that wrong answers are told apart, before a learner does.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from demos.course.detecting import close
from demos.course.records import Exercise, Function


class Mutant(NamedTuple):
    """A changed solution, and the kinds of verdict that are good for it."""

    way: str
    answer: Function
    kinds: set[str]


def mutants(exercise: Exercise) -> Iterator[Mutant]:
    """The changed solutions of an exercise, wrong ones and right ones."""
    if exercise.is_class:
        yield from _classes(exercise.solved())
        return
    solved = exercise.solved()
    yield from _broken(exercise, solved)
    right = exercise.cases[0].right
    if isinstance(right[0], str):
        yield _after("capitals", solved, lambda y: f" {y.upper()} ", "right")
        for word in sorted({case.right[0] for case in exercise.cases}):
            yield _after(f"always {word}", solved, lambda y, w=word: w, "cases", "mistake")
    elif isinstance(right[0], bool):
        yield _after("NumPy's Boolean", solved, np.bool_, "right")
        yield _after("a number", solved, float, "type")
        yield _after("a word", solved, str, "type")
        yield _after("the opposite", solved, lambda y: not y, "mistake")
    else:
        yield from _numbers(exercise, solved)
    if exercise.use is None:
        yield from _arguments(exercise, solved)


def _after(way: str, solved: Function, change: Function, *kinds: str) -> Mutant:
    """The solution, with something done to its result."""
    return Mutant(way, functools.wraps(solved)(lambda *xs: change(solved(*xs))), set(kinds))


def _broken(exercise: Exercise, solved: Function) -> Iterator[Mutant]:
    """Answers that are wrong whatever the exercise is."""
    used = {"error"} if exercise.use else set()

    def raises(y: Any) -> Any:
        raise ZeroDivisionError("division by zero")

    def endless(y: Any) -> Any:
        while True:
            time.sleep(0.001)

    def prints(y: Any) -> Any:
        for i in range(100):
            print(i, type(y))
        return y

    yield _after("nothing", solved, lambda y: None, "nothing")
    yield _after("exception", solved, raises, "error")
    yield _after("endless", solved, endless, "time")
    yield _after("exit", solved, lambda y: sys.exit(), "exit")
    yield _after("input", solved, lambda y: input("value: "), "input")
    yield _after("text", solved, lambda y: f"{y} is the answer", "type", "cases", "mistake", *used)
    yield _after("itself", solved, lambda y: solved, "type", *used)
    yield _after("prints", solved, prints, "right")
    yield Mutant("missing argument", lambda: 1.0, {"arguments", *used})


def _numbers(exercise: Exercise, solved: Function) -> Iterator[Mutant]:
    """Numbers that are wrong, and the right ones in another form."""
    parts = bool(exercise.parts)

    def each(change: Function) -> Function:
        return lambda y: tuple(map(change, y)) if isinstance(y, tuple) else change(y)

    yield _after("Tensors", solved, each(ad.tensor), "right")
    yield _after("lists", solved, each(lambda y: np.asarray(y).tolist()), "right")
    yield _after("float64 numbers", solved, each(lambda y: np.asarray(y, np.float64)), "right", "dtype")
    free = {"law", "shape", "mistake"} if exercise.free else set()
    known = {"mistake", *free}
    if not exercise.free:
        yield _after("sign", solved, each(lambda y: -1.0 * np.asarray(y)), "sign", *known)
    yield _after("factor", solved, each(lambda y: 3.5 * np.asarray(y)), "factor", *free)
    yield _after("offset", solved, each(lambda y: np.asarray(y) + 0.75), "offset", "where", *free)
    yield _after("NaN", solved, each(lambda y: np.asarray(y) * np.nan), "nan", *free)
    yield _after("a longer shape", solved, each(lambda y: np.asarray(y)[None]), "shape", "error", "transposed")
    if exercise.use is None:
        yield _after("a pair", solved, lambda y: (y, y), "type", "shape")
    squared = _after("squared", solved, each(lambda y: np.asarray(y) ** 2), "related", *known)
    if exercise.use is not None or _other_numbers(exercise, squared.answer):
        yield squared
    if parts and exercise.use is None:
        yield _after("one result less", solved, lambda y: y[:-1], "type")
    if (
        any(np.any(np.abs(np.asarray(y)) % 1 > 0.01) for case in exercise.cases for y in case.right)
        and not exercise.free
    ):
        yield _after("whole numbers", solved, each(lambda y: np.asarray(y).astype(int)), "dtype", "cases", *known)


def _arguments(exercise: Exercise, solved: Function) -> Iterator[Mutant]:
    """Answers that take their arguments in a wrong way."""
    cases = exercise.cases
    arrays = [
        i for i, x in enumerate(cases[0].arguments) if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size
    ]
    if arrays:
        i = arrays[0]

        def in_place(*xs: Any) -> Any:
            y = solved(*xs)
            if isinstance(xs[i], np.ndarray):
                xs[i][...] += 1.0
            return y

        yield Mutant("in place", functools.wraps(solved)(in_place), {"in-place"})

        def scalar(*xs: Any) -> Any:
            return solved(*(float(x) if k == i else x for k, x in enumerate(xs)))

        if any(np.size(c.arguments[i]) > 1 for c in cases):
            yield Mutant("one number only", functools.wraps(solved)(scalar), {"error", "cases"})
    for i, j in combinations(range(len(exercise.arguments)), 2):
        if any(_form(c.arguments[i]) != _form(c.arguments[j]) for c in cases):
            continue

        def swapped(*xs: Any, i: int = i, j: int = j) -> Any:
            return solved(*({i: xs[j], j: xs[i]}.get(k, x) for k, x in enumerate(xs)))

        if _other_numbers(exercise, swapped):
            way = f"{exercise.arguments[i]} for {exercise.arguments[j]}"
            yield Mutant(way, _as(solved, swapped), {"swapped", "mistake", "sign", "related"})
    for i, name in enumerate(exercise.arguments):
        if all(type(c.arguments[i]) is int for c in cases):

            def less(*xs: Any, i: int = i) -> Any:
                return solved(*(x + 1 if k == i else x for k, x in enumerate(xs)))

            if _other_numbers(exercise, less):
                yield Mutant(f"{name} off by one", _as(solved, less), {"count", "shape", "mistake"})


def _form(x: Any) -> tuple[Any, ...]:
    """What is the same for arguments that can be exchanged."""
    return (np.shape(x), isinstance(x, int), callable(x), getattr(x, "dtype", None))


def _as(solved: Function, other: Function) -> Function:
    """A function with the signature of the solution."""
    return functools.wraps(solved)(lambda *xs: other(*xs))


def _other_numbers(exercise: Exercise, answer: Function) -> bool:
    """Whether an answer gives numbers everywhere, and wrong ones somewhere."""
    try:
        found = [(exercise.right(c.arguments, answer), c.right) for c in exercise.cases]
    except Exception:  # it does not take these arguments
        return False
    finite = all(not isinstance(x, str) and np.all(np.isfinite(x)) for parts, _ in found for x in parts)
    return finite and not all(close(x, y, 1e-3) for parts, right in found for x, y in zip(parts, right, strict=True))


def _classes(solved: Any) -> Iterator[Mutant]:
    """The class `Value`, spoiled."""

    def changed(way: str, *kinds: str, **methods: Function) -> Mutant:
        def product(self: Any, other: Any) -> Any:
            return _into(made, solved.__mul__(self, other))

        def total(self: Any, other: Any) -> Any:
            return _into(made, solved.__add__(self, other))

        made = type("Value", (solved,), {"__mul__": product, "__add__": total, **methods})
        return Mutant(way, made, set(kinds))

    def backward(change: Function) -> Function:
        def swept(self: Any) -> None:
            solved.backward(self)
            for value in _reached(self):
                value.grad = change(value.grad)

        return swept

    def endless(self: Any) -> None:
        while True:
            time.sleep(0.001)

    def raises(self: Any) -> None:
        raise IndexError("pop from empty list")

    yield changed("the same", "right")
    yield changed("a subclass that prints", "right", backward=lambda self: print("x" * 9999) or solved.backward(self))
    yield changed("array gradients", "right", backward=backward(np.asarray))
    yield changed("no product", "error", __mul__=lambda self, other: None)
    yield changed("no sweep", "mistake", "entries", "factor", backward=lambda self: None)
    yield changed("endless", "time", backward=endless)
    yield changed("exception", "error", backward=raises)
    yield changed("exit", "exit", backward=lambda self: sys.exit())
    yield changed("sign", "sign", backward=backward(lambda g: -g))
    yield changed("factor", "factor", backward=backward(lambda g: 3 * g))
    yield changed("offset", "offset", backward=backward(lambda g: g + 0.75))
    yield changed("NaN", "nan", backward=backward(lambda g: g * np.nan))
    yield changed("nothing", "nothing", backward=backward(lambda g: None))
    yield changed("shape", "shape", backward=backward(lambda g: np.array([g])))
    yield Mutant("a function", lambda data: data, {"error"})


def _into(kind: Any, value: Any) -> Any:
    value.__class__ = kind
    return value


def _reached(value: Any) -> list[Any]:
    """All values that a value was made of."""
    found = [value]
    for v in found:
        found += [parent for parent, _ in v.parents if all(parent is not f for f in found)]
    return found
