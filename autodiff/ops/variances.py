"""Variance and standard deviation, of all entries or of those selected by ``where=``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.primitives import implements
from autodiff.ops.choices import where as choose
from autodiff.ops.elementwise import ratio
from autodiff.ops.matrices import conj
from autodiff.ops.norms import at_scale, folding, kept_its_digits, norm_over, squares
from autodiff.ops.reductions import (
    Axes,
    count,
    kept,
    number_of,
    selection,
    share,
    sum_over,
    warn_of_nothing,
)
from autodiff.ops.shapes import canonical_axes, cast, in_single, operand


def _deviation(x: Any, axis: Axes) -> Any:
    """The conjugate of x - mean. It is centred twice, so that it is 0 for equal values even if their mean rounds."""
    d = x - x.mean(axis=axis, keepdims=True)
    return conj(d - d.mean(axis=axis, keepdims=True))


def _freedom(x: Any, axis: Axes, ddof: float) -> float:
    n = count(x.shape, axis) - ddof
    return n if n > 0 else math.nan


def _var_slope(y: Any, x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    return _deviation(x, axis) * (2 / _freedom(x, axis, ddof))


def _std_slope(y: Any, x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    """The slope of std, 0 where std is 0. There the second derivative, which divides by it, does not exist."""
    return share(ratio(_deviation(x, axis), kept(y, x.shape, axis, keepdims)), _freedom(x, axis, ddof))


var_over = folding(lambda x, *, axis, ddof, keepdims: x.var(axis=axis, ddof=ddof, keepdims=keepdims), _var_slope, "var")


def _std(x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    y = x.std(axis=axis, ddof=ddof, keepdims=keepdims)
    if kept_its_digits(y):
        return y
    n = _freedom(x, axis, ddof)
    return at_scale(
        lambda d: np.sqrt(squares(d).sum(axis=axis, keepdims=keepdims) / n), _deviation(x, axis), axis, keepdims
    )


std_over = folding(_std, _std_slope, "std", singular=True)


# --- of selected entries --------------------------------------------------------------------------


def _deviation_of(x: Any, here: Any, axis: Axes) -> Any:
    """The distance from the mean, centred twice; 0 for entries that are not selected."""
    n = number_of(here, axis, True, 0, x)
    d = choose(here, x, 0)
    for _ in range(2):
        d = choose(here, d - sum_over(d, axis=axis, keepdims=True) / n, 0)
    return d


def var_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """The variance of the selected entries."""
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    d = _deviation_of(x, here, axis)
    return sum_over(squares(d), axis=axis, keepdims=keepdims) / n


def std_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """The standard deviation of the selected entries, as a norm: its slope is 0 where all values are equal."""
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    return norm_over(_deviation_of(x, here, axis), axis=axis, keepdims=keepdims) / np.sqrt(n)


# --- with NumPy's signature -----------------------------------------------------------------------


def border(name: str, doc: str, over_all: Any, of_selected: Any, present: Any = None) -> Any:
    """A function of this name; ``present(a, where)`` gives the condition of those that leave NaN out."""

    def of(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        where: Any = None,
        correction: float | None = None,
    ) -> Any:
        a = operand(a)
        where = where if present is None else present(a, where)
        a = a if dtype is None else cast(a, dtype=np.dtype(dtype))
        how = {"axis": canonical_axes(axis, a.ndim, name), "ddof": _ddof(ddof, correction), "keepdims": bool(keepdims)}
        if where is None:
            return in_single(over_all, a, **how)
        return in_single(of_selected, a, here=selection(where, a.shape), **how)

    of.__name__, of.__doc__ = name, doc
    return of


def _ddof(ddof: float, correction: float | None) -> float:
    """`ddof` under either of NumPy's two names for it."""
    if correction is None:
        return ddof
    if ddof:
        raise ValueError("ddof and correction are two names for one thing; give only one of them.")
    return correction


def _std_over_all(x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    # std of one entry is constant 0, as var is; the second derivative of the root would be NaN
    over = var_over if count(x.shape, axis) == 1 else std_over
    return over(x, axis=axis, ddof=ddof, keepdims=keepdims)


var = implements(np.var)(border("var", "``np.var``.", var_over, var_of))
std = implements(np.std)(border("std", "``np.std``; its slope is 0 where all values are equal.", _std_over_all, std_of))
