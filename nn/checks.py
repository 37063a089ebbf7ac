"""Checks of the options of layers, with their error messages."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad


def positive(who: str, **options: Any) -> None:
    """Check that each option is a positive integer."""
    for what, n in options.items():
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
            raise ValueError(f"{who}: {what} must be a positive integer; {n!r} was given.")


def given_for_module(value: Any) -> str:
    """The end of a message: what was given where a module is needed, and how to make one of it."""
    if isinstance(value, type):
        return f"the class {value.__name__} was given. Write {value.__name__}(), with brackets."
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} was given. Write *layers for its entries, one argument each."
    name = getattr(value, "__name__", "")
    if callable(value):
        function = f"np.{name}" if isinstance(value, np.ufunc) else "f" if name in ("", "<lambda>") else name
        return f"a {type(value).__name__} was given. A function becomes a layer by nn.Lambda({function})."
    return f"a {type(value).__name__} was given."


def not_class_numbers(who: str, labels: Any) -> ad.DtypeError:
    """The error about labels that are not integers."""
    mend = (
        "Number the classes: classes, labels = np.unique(labels, return_inverse=True)."
        if labels.dtype.kind in "OUST"
        else "If their values are integers, use labels.astype(int)."
    )
    return ad.DtypeError(
        f"{who}: labels must be class numbers of an integer dtype; these have dtype {labels.dtype}. {mend}"
    )


def share(who: str, **options: Any) -> None:
    """Check that each option is a number from 0 up to, but not including, 1."""
    for what, p in options.items():
        if not isinstance(p, (int, float, np.floating)) or not 0 <= p < 1:
            raise ValueError(f"{who}: {what} must be at least 0 and less than 1; {p!r} was given.")


def several(who: str, what: str, value: Any, d: int, low: int) -> tuple[int, ...]:
    """An integer, `low` or more, for each of `d` axes, from one number or from `d` of them."""
    many = (value,) * d if isinstance(value, (int, np.integer)) else tuple(value) if np.iterable(value) else ()
    if len(many) != d or any(not isinstance(v, (int, np.integer)) or v < low for v in many):
        axes = "" if d == 1 else f", or {d} of them, one for each axis"
        raise ValueError(f"{who}: {what} must be an integer, {low} or more{axes}; {value!r} was given.")
    return tuple(int(v) for v in many)


def written(sizes: tuple[int, ...]) -> str:
    """Sizes as shown in a repr: one number if all are equal."""
    return str(sizes[0] if len(set(sizes)) == 1 else sizes)
