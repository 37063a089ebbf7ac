"""Variance and standard deviation, of all entries or of those selected by ``where=``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.primitives import implements, primitive
from autodiff.ops.choices import where as choose
from autodiff.ops.elementwise import ratio
from autodiff.ops.matrices import conj, real_part
from autodiff.ops.norms import at_scale, kept_its_digits, norm_over, squares
from autodiff.ops.reductions import (
    Axes,
    count,
    kept,
    mask_back,
    mask_on,
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


def _var_slope(x: Any, *, axis: Axes, ddof: float) -> Any:
    return _deviation(x, axis) * (2 / _freedom(x, axis, ddof))


def _std_slope(y: Any, x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    """The slope of std, 0 where std is 0. There the second derivative, which divides by it, does not exist."""
    return share(ratio(_deviation(x, axis), kept(y, x.shape, axis, keepdims)), _freedom(x, axis, ddof))


var_over = primitive(
    lambda x, *, axis, ddof, keepdims: x.var(axis=axis, ddof=ddof, keepdims=keepdims),
    name="var",
    vjp=[
        lambda ct, y, x, *, axis, ddof, keepdims: (
            kept(ct, x.shape, axis, keepdims) * _var_slope(x, axis=axis, ddof=ddof)
        )
    ],
    jvp=[
        lambda t, y, x, *, axis, ddof, keepdims: real_part(t * _var_slope(x, axis=axis, ddof=ddof)).sum(
            axis=axis, keepdims=keepdims
        )
    ],
    mask_pull=mask_back,
    mask_push=mask_on,
)


def _std(x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    y = x.std(axis=axis, ddof=ddof, keepdims=keepdims)
    if kept_its_digits(y):
        return y
    n = _freedom(x, axis, ddof)
    return at_scale(
        lambda d: np.sqrt(squares(d).sum(axis=axis, keepdims=keepdims) / n), _deviation(x, axis), axis, keepdims
    )


std_over = primitive(
    _std,
    name="std",
    vjp=[lambda ct, y, x, **how: kept(ct, x.shape, how["axis"], how["keepdims"]) * _std_slope(y, x, **how)],
    jvp=[lambda t, y, x, **how: real_part(t * _std_slope(y, x, **how)).sum(axis=how["axis"], keepdims=how["keepdims"])],
    mask_pull=mask_back,
    mask_push=mask_on,
    singular=True,
)


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    correction: float | None = None,
) -> Any:
    """``np.var``."""
    a = operand(a) if dtype is None else cast(operand(a), dtype=np.dtype(dtype))
    axes, keepdims, ddof = canonical_axes(axis, a.ndim, "var"), bool(keepdims), _ddof(ddof, correction)
    if where is not None:
        return var_of(a, selection(where, a.shape), axes, keepdims, ddof)
    return in_single(var_over, a, axis=axes, ddof=ddof, keepdims=keepdims)


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    correction: float | None = None,
) -> Any:
    """``np.std``; its slope is 0 where all values are equal."""
    a = operand(a) if dtype is None else cast(operand(a), dtype=np.dtype(dtype))
    axes, keepdims, ddof = canonical_axes(axis, a.ndim, "std"), bool(keepdims), _ddof(ddof, correction)
    if where is not None:
        return std_of(a, selection(where, a.shape), axes, keepdims, ddof)
    if count(a.shape, axes) == 1:  # std is constant 0, as var is; the second derivative of the root would be NaN
        return in_single(var_over, a, axis=axes, ddof=ddof, keepdims=keepdims)
    return in_single(std_over, a, axis=axes, ddof=ddof, keepdims=keepdims)


def _ddof(ddof: float, correction: float | None) -> float:
    """`ddof` under either of NumPy's two names for it."""
    if correction is None:
        return ddof
    if ddof:
        raise ValueError("ddof and correction are two names for one thing; give only one of them.")
    return correction


# --- of selected entries --------------------------------------------------------------------------


def _deviation_of(x: Any, here: Any, axis: Axes) -> Any:
    """The distance from the mean, centred twice; 0 for entries that are not selected."""
    n = number_of(here, axis, True, 0, x)
    d = choose(here, x, 0)
    for _ in range(2):
        d = choose(here, d - sum_over(d, axis=axis, keepdims=True) / n, 0)
    return d


def var_of(x: Any, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """The variance of the selected entries."""
    return in_single(_var_of, x, here=here, axis=axis, keepdims=keepdims, ddof=ddof)


def _var_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    d = _deviation_of(x, here, axis)
    return sum_over(squares(d), axis=axis, keepdims=keepdims) / n


def std_of(x: Any, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """The standard deviation of the selected entries, as a norm: its slope is 0 where all values are equal."""
    return in_single(_std_of, x, here=here, axis=axis, keepdims=keepdims, ddof=ddof)


def _std_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    return norm_over(_deviation_of(x, here, axis), axis=axis, keepdims=keepdims) / np.sqrt(n)
