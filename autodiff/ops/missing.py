"""Reductions and scans that treat NaN as a missing entry.

Each is the ordinary function of the entries that are present. The others are replaced by `where`, so that
their gradient is exactly 0, even if a later slope is infinite.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.primitives import implements
from autodiff.ops.choices import maximum, minimum
from autodiff.ops.choices import where as choose
from autodiff.ops.deciding import possibly
from autodiff.ops.order import median_of, quantile_of
from autodiff.ops.reductions import (
    Axes,
    extreme_of,
    max_over,
    mean_of,
    min_over,
    prod,
    sum_,
    warn_of_nothing,
)
from autodiff.ops.scans import cumprod, cumsum
from autodiff.ops.shapes import canonical_axes, cast, operand, values
from autodiff.ops.variances import border, std_of, var_of


def present(a: Any, where: Any = None) -> Any:
    """A mask of the entries that are present, as a plain array."""
    here = ~np.isnan(values(a))
    return here if where is None else here & values(where)


# --- sums, products and means ---------------------------------------------------------------------


@implements(np.nansum)
def nansum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Any:
    """``np.nansum``."""
    a = operand(a)
    return sum_(choose(present(a, where), a, 0), axis, dtype, keepdims=keepdims)


@implements(np.nanprod)
def nanprod(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Any:
    """``np.nanprod``."""
    a = operand(a)
    return prod(choose(present(a, where), a, 1), axis, dtype, keepdims=keepdims)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """``np.nancumsum``."""
    a = operand(a)
    return cumsum(choose(present(a), a, 0), axis, dtype)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """``np.nancumprod``."""
    a = operand(a)
    return cumprod(choose(present(a), a, 1), axis, dtype)


@implements(np.nanmean)
def nanmean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Any:
    """``np.nanmean``; the mean of no entries is NaN and has no slope."""
    a = operand(a) if dtype is None else cast(operand(a), dtype=np.dtype(dtype))
    return mean_of(a, present(a, where), canonical_axes(axis, a.ndim, "nanmean"), bool(keepdims))


# --- variance and standard deviation --------------------------------------------------------------


nanvar = implements(np.nanvar)(border("nanvar", "``np.nanvar``.", None, var_of, present))
_ABOUT_NANSTD = "``np.nanstd``; its slope is 0 where all values are equal, as for a norm at 0."
nanstd = implements(np.nanstd)(border("nanstd", _ABOUT_NANSTD, None, std_of, present))


# --- the largest and the smallest -----------------------------------------------------------------


def _extreme(over: Any, limit: Any, worst: float, a: Any, axis: Axes, keepdims: bool, initial: Any, where: Any) -> Any:
    here = present(a)
    if not possibly(~here):
        return extreme_of(over, limit, a, axis, keepdims, initial, where)
    y = extreme_of(over, limit, choose(here, a, worst), axis, keepdims, initial, where)
    anything = here.any(axis=axis, keepdims=keepdims)
    if initial is not None or not possibly(~anything):
        return y
    warn_of_nothing("All-NaN slice encountered", ~anything)
    return choose(anything, y, math.nan)


@implements(np.nanmax)
def nanmax(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """``np.nanmax``; k equal largest entries have slope 1/k each."""
    a = operand(a)
    axes = canonical_axes(axis, a.ndim, "nanmax")
    return _extreme(max_over, maximum, -math.inf, a, axes, bool(keepdims), initial, where)


@implements(np.nanmin)
def nanmin(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """``np.nanmin``; k equal smallest entries have slope 1/k each."""
    a = operand(a)
    axes = canonical_axes(axis, a.ndim, "nanmin")
    return _extreme(min_over, minimum, math.inf, a, axes, bool(keepdims), initial, where)


# --- by rank --------------------------------------------------------------------------------------


@implements(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """``np.nanmedian``."""
    return quantile_of(a, 0.5, axis, "linear", keepdims, like=median_of, missing=True)


@implements(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Any:
    """``np.nanquantile``."""
    return quantile_of(a, q, axis, method, keepdims, missing=True)


@implements(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Any = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Any:
    """``np.nanpercentile``."""
    return quantile_of(a, q, axis, method, keepdims, like=np.percentile, scale=100, missing=True)
