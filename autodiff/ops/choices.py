"""Functions that choose, entry by entry, which of their operands passes through.

Each declares `live`, the entries through which a gradient flows. The gradient of a blocked entry stays 0
even where a later slope is infinite. NaN is never blocked, so that it is propagated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import OVERFLOWING, implements
from autodiff.ops.elementwise import positive
from autodiff.ops.shapes import operand

# --- the larger and the smaller -------------------------------------------------------------------

maximum_of_two = elementwise(
    np.maximum,
    lambda t, y, a, b: np.where(a > b, t, np.where(a < b, 0, t / 2)),
    lambda t, y, a, b: np.where(b > a, t, np.where(b < a, 0, t / 2)),
    live=(lambda y, a, b: ~(a < b), lambda y, a, b: ~(b < a)),
)
minimum_of_two = elementwise(
    np.minimum,
    lambda t, y, a, b: np.where(a < b, t, np.where(a > b, 0, t / 2)),
    lambda t, y, a, b: np.where(b < a, t, np.where(b > a, 0, t / 2)),
    live=(lambda y, a, b: ~(a > b), lambda y, a, b: ~(b > a)),
)
fmax_of_two = elementwise(
    np.fmax,
    lambda t, y, a, b: np.where((a > b) | np.isnan(b), t, np.where(a == b, t / 2, 0)),
    lambda t, y, a, b: np.where((b > a) | np.isnan(a), t, np.where(a == b, t / 2, 0)),
    live=(lambda y, a, b: (a >= b) | np.isnan(b), lambda y, a, b: (b >= a) | np.isnan(a)),
)
fmin_of_two = elementwise(
    np.fmin,
    lambda t, y, a, b: np.where((a < b) | np.isnan(b), t, np.where(a == b, t / 2, 0)),
    lambda t, y, a, b: np.where((b < a) | np.isnan(a), t, np.where(a == b, t / 2, 0)),
    live=(lambda y, a, b: (a <= b) | np.isnan(b), lambda y, a, b: (b <= a) | np.isnan(a)),
)


def _step(x: Any, excess: Any) -> Any:
    """1 where `x` is chosen, so that its excess is positive, else 0; NaN for NaN. Complex order is NumPy's."""
    return np.sign(excess) if x.dtype.kind != "c" else np.where(x == x, excess > 0, math.nan)


# With a constant: one operand, and slope 0 (the smallest subgradient) where it equals the constant.
relu = elementwise(
    lambda x: np.maximum(x, 0.0 if x.dtype.kind == "f" else 0),
    lambda t, y, x: t * (np.sign(y) if y.dtype.kind != "c" else _step(x, y)),  # used in every network, so inlined
    name="relu",
    live=(lambda y, x: ~(x <= 0),),
)
# The slope is 0 or 1, except at NaN. Checking the gradients of every network for NaN would cost a tenth of a step.
relu.flags &= ~OVERFLOWING
maximum_with_constant = elementwise(
    lambda x, c: np.maximum(x, c),
    lambda t, y, x, c: t * _step(x, y - c),
    None,
    name="maximum",
    live=(lambda y, x, c: ~(x <= c), None),
)
minimum_with_constant = elementwise(
    lambda x, c: np.minimum(x, c),
    lambda t, y, x, c: t * _step(x, c - y),
    None,
    name="minimum",
    live=(lambda y, x, c: ~(x >= c), None),
)
fmax_with_constant = elementwise(
    lambda x, c: np.fmax(x, c),
    lambda t, y, x, c: t * ~(y <= c),
    None,
    name="fmax",
    live=(lambda y, x, c: ~(y <= c), None),
)
fmin_with_constant = elementwise(
    lambda x, c: np.fmin(x, c),
    lambda t, y, x, c: t * ~(y >= c),
    None,
    name="fmin",
    live=(lambda y, x, c: ~(y >= c), None),
)


def _is_constant(c: Any) -> bool:
    """Whether `c` is a number or an untracked 0-d array; its value is not looked at."""
    return isinstance(c, (int, float, complex)) or (
        getattr(c, "ndim", 1) == 0 and not getattr(c, "requires_grad", False)
    )


@implements(np.maximum)
def maximum(a: Any, b: Any) -> Any:
    """The larger of two. At a tie two operands have slope 1/2 each; against a constant the slope is 0."""
    if (type(b) is float or type(b) is int) and b == 0 and a.dtype.kind in "fc":  # of whole numbers 0.0 makes floats
        return relu(a)
    if _is_constant(b):
        return maximum_with_constant(a, b)
    return maximum(b, a) if _is_constant(a) else maximum_of_two(a, b)


@implements(np.minimum)
def minimum(a: Any, b: Any) -> Any:
    """The smaller of two; ties as in `maximum`."""
    if _is_constant(b):
        return minimum_with_constant(a, b)
    return minimum(b, a) if _is_constant(a) else minimum_of_two(a, b)


@implements(np.fmax)
def fmax(a: Any, b: Any) -> Any:
    """The larger of two; NaN counts as missing, ties as in `maximum`."""
    if _is_constant(b):
        return fmax_with_constant(a, b)
    return fmax(b, a) if _is_constant(a) else fmax_of_two(a, b)


@implements(np.fmin)
def fmin(a: Any, b: Any) -> Any:
    """The smaller of two; NaN counts as missing, ties as in `maximum`."""
    if _is_constant(b):
        return fmin_with_constant(a, b)
    return fmin(b, a) if _is_constant(a) else fmin_of_two(a, b)


# --- limits ---------------------------------------------------------------------------------------


def _below(x: Any, lo: Any, hi: Any) -> Any:
    return (x < lo) & (lo <= hi)


def _above(x: Any, lo: Any, hi: Any) -> Any:
    return (x > hi) | (lo > hi)  # if the limits are crossed, the result is the upper one


def _between(x: Any, lo: Any, hi: Any) -> Any:
    return ~((x < lo) | (x > hi))


clip_between = elementwise(
    lambda x, lo, hi: np.clip(x, lo, hi),
    lambda t, y, x, lo, hi: t * _between(x, lo, hi),
    lambda t, y, x, lo, hi: t * _below(x, lo, hi),
    lambda t, y, x, lo, hi: t * _above(x, lo, hi),
    name="clip",
    live=(
        lambda y, x, lo, hi: _between(x, lo, hi),
        lambda y, x, lo, hi: _below(x, lo, hi),
        lambda y, x, lo, hi: _above(x, lo, hi),
    ),
)


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """``np.clip``; the slope is 1 at a bound, so that a parameter does not stick to it."""
    lo = min if a_min is None else a_min
    hi = max if a_max is None else a_max
    if lo is None and hi is None:
        return positive(a)
    whole = np.iinfo(a.dtype) if getattr(a, "dtype", np.dtype(float)).kind in "iu" else None
    lo = (whole.min if whole else -math.inf) if lo is None else lo
    hi = (whole.max if whole else math.inf) if hi is None else hi
    return clip_between(a, lo, hi)


def _nan_to_num(x: Any, *, nan: float, posinf: float | None, neginf: float | None) -> Any:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


finite_or = elementwise(
    _nan_to_num,
    lambda t, y, x, **replacements: np.where(np.isfinite(x), t, 0),
    name="nan_to_num",
    live=(lambda y, x, **replacements: np.isfinite(x),),
    singular=True,  # as for `where`
)


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """``np.nan_to_num``, always a copy; replaced entries receive no gradient."""
    if x.dtype.kind == "c":
        parts = [finite_or(p, nan=nan, posinf=posinf, neginf=neginf) for p in (np.real(x), np.imag(x))]
        return parts[0] + 1j * parts[1]
    return finite_or(x, nan=nan, posinf=posinf, neginf=neginf)


# --- by condition ---------------------------------------------------------------------------------


def _where(c: Any, a: Any, b: Any) -> Any:
    y: Any = np.where(c, a, b)
    return y[()]  # np.where turns a NumPy scalar into an array


select_where = elementwise(
    _where,
    None,
    lambda t, y, c, a, b: np.where(c, t, 0),
    lambda t, y, c, a, b: np.where(c, 0, t),
    name="where",
    live=(None, lambda y, c, a, b: c, lambda y, c, a, b: ~c),
    singular=True,  # it guards against infinite slopes, so the sweep keeps masks wherever it is used
    reads=False,
)


def _condition(c: Any) -> Any:
    """A condition as an untracked Boolean array."""
    c = operand(c)
    c = c.data if getattr(c, "requires_grad", False) else c
    return c if c.dtype == np.bool_ else c != 0


@implements(np.where)
def where(condition: Any, *branches: Any) -> Any:
    """``np.where``; the branch not taken receives no gradient, even if its slope there is infinite or NaN."""
    if not branches:
        return np.nonzero(condition)
    if len(branches) != 2:
        raise ValueError("where: give both branches, np.where(condition, x, y), or neither.")
    return select_where(_condition(condition), *branches)


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """``np.select``: the first choice whose condition holds."""
    if len(condlist) == 0 or len(condlist) != len(choicelist):
        raise ValueError(
            f"select: give as many choices as conditions, at least one; {len(choicelist)} choice(s) and "
            f"{len(condlist)} condition(s) were given."
        )
    y = default
    for c, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = where(c, choice, y)
    return y


heaviside = elementwise(
    np.heaviside,
    None,
    lambda t, y, x, middle: np.where(x == 0, t, 0),
    live=(None, lambda y, x, middle: x == 0),
)
