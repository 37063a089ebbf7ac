"""Functions that fold axes away.

Axes come in canonical form: a rising tuple of non-negative integers, or None for all of them.
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np

from autodiff.core.primitives import implements, linear, primitive
from autodiff.errors import ShapeError
from autodiff.ops.choices import maximum, minimum
from autodiff.ops.choices import where as choose
from autodiff.ops.deciding import look
from autodiff.ops.elementwise import power_of, ratio
from autodiff.ops.scans import products_of_others
from autodiff.ops.shapes import (
    canonical_axes,
    cast,
    in_single,
    moveaxis,
    operand,
    permute,
    reshape_to,
    spread,
    values,
)
from autodiff.ops.spectra import spectral_norm
from autodiff.typing import Shape

Axes = Shape | None


def kept(ct: Any, shape: Shape, axis: Axes, keepdims: bool) -> Any:
    """What a reduction gave, with the reduced axes put back, length 1 each."""
    if keepdims or axis is None:
        return ct
    return ct.reshape(tuple(1 if i in axis else n for i, n in enumerate(shape)))


def count(shape: Shape, axis: Axes) -> int:
    """How many entries are folded into one."""
    return math.prod(shape if axis is None else [shape[i] for i in axis])


def share(ct: Any, n: float) -> Any:
    """`ct` divided by a count, which from 65,520 on is infinite in float16: there the division is one of float32."""
    return ct / (np.float32(n) if ct.dtype.char == "e" else n)


def mask_back(index: int, live: Any, y: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, **_: Any) -> Any:
    """Alive is what is folded into something alive."""
    return None if live is None else spread(kept(live, x.shape, axis, keepdims), shape=x.shape)


def mask_on(index: int, live: Any, y: Any, x: Any, *, axis: Axes = None, keepdims: bool = False, **_: Any) -> Any:
    """Alive is what has something alive folded into it."""
    return None if live is None else live.any(axis=axis, keepdims=keepdims)


# --- sums and means -------------------------------------------------------------------------------


@linear(lambda x, *, axis=None, keepdims=False: x.sum(axis=axis, keepdims=keepdims), name="sum", passes_mask=True)
def sum_over(ct: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Cotangent of `x`: every summed entry receives the whole cotangent."""
    return spread(kept(ct, x.shape, axis, keepdims), shape=x.shape)


@implements(np.sum)
def sum_(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Any:
    """``np.sum``."""
    if where is not None:
        a = choose(where, a, 0)
    if dtype is not None:
        a = cast(a, dtype=np.dtype(dtype))
    y = sum_over(a, axis=canonical_axes(axis, a.ndim, "sum"), keepdims=bool(keepdims))
    return y if initial is None else y + first(initial, y)


def first(initial: Any, y: Any) -> Any:
    """What a reduction starts from, in the type of its result; 0-d arrays and numbers alike."""
    return cast(operand(initial), dtype=y.dtype)


def _mean(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    n = count(x.shape, axis)
    if n and x.dtype.char in "fd":
        return x.sum(axis=axis, keepdims=keepdims) / n  # a third of the time of x.mean(), which does the same
    return x.mean(axis=axis, keepdims=keepdims)


@linear(_mean, name="mean", passes_mask=True)
def mean_over(ct: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Cotangent of `x`: an equal share for every entry."""
    return spread(share(kept(ct, x.shape, axis, keepdims), max(count(x.shape, axis), 1)), shape=x.shape)


@implements(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = None) -> Any:
    """``np.mean``."""
    if dtype is not None:
        a = cast(a, dtype=np.dtype(dtype))
    axes, keepdims = canonical_axes(axis, a.ndim, "mean"), bool(keepdims)
    if where is not None:
        return mean_of(a, selection(where, a.shape), axes, keepdims)
    return mean_over(a, axis=axes, keepdims=keepdims)


# --- products -------------------------------------------------------------------------------------

prod_along = primitive(
    lambda x, *, axis: x.prod(axis),
    name="prod",
    vjp=[lambda ct, y, x, *, axis: kept(ct, x.shape, (axis,), False) * products_of_others(x, axis)],
    jvp=[lambda t, y, x, *, axis: (t * products_of_others(x, axis)).sum(axis=axis)],
    mask_pull=lambda index, live, y, x, *, axis: mask_back(index, live, y, x, axis=(axis,)),
    mask_push=lambda index, live, y, x, *, axis: mask_on(index, live, y, x, axis=(axis,)),
)


def folded(x: Any, axis: Axes) -> Any:
    """`x` with these axes made one, the last."""
    axes = tuple(range(x.ndim)) if axis is None else axis
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    order = rest + axes
    if order != tuple(range(x.ndim)):
        x = permute(x, axes=order)
    return reshape_to(x, shape=(*x.shape[: len(rest)], math.prod(x.shape[len(rest) :])))


@implements(np.prod)
def prod(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Any:
    """``np.prod``; exact with any number of zeros, to every order."""
    if where is not None:
        a = choose(where, a, 1)
    if dtype is not None:
        a = cast(a, dtype=np.dtype(dtype))
    axes = canonical_axes(axis, a.ndim, "prod")
    if axes is not None and len(axes) == 1:
        y = prod_along(a, axis=axes[0])
    else:
        y = prod_along(folded(a, axes), axis=a.ndim - len(axes) if axes is not None else 0)
    if initial is not None:
        y = y * first(initial, y)
    if not keepdims:
        return y
    return reshape_to(y, shape=tuple(1 if axes is None or i in axes else n for i, n in enumerate(a.shape)))


# --- the largest and the smallest -----------------------------------------------------------------


def _ties(y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    """Which entries are the extreme one; NaN is, where there is any."""
    return (x == kept(y, x.shape, axis, keepdims)) | (x != x)  # x != x: NaN


def _shares(y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    ties = _ties(y, x, axis=axis, keepdims=keepdims)
    # counted in float32 at least: float16 cannot count beyond 2048
    return ties / ties.sum(axis=axis, keepdims=True).astype(np.result_type(x.dtype, np.float32))


def _extreme(fn: Any, name: str) -> Any:
    return primitive(
        fn,
        name=name,
        vjp=[lambda ct, y, x, **axes: kept(ct, x.shape, **axes) * _shares(y, x, **axes)],
        jvp=[lambda t, y, x, **axes: (t * _shares(y, x, **axes)).sum(**axes)],
        live=(_ties,),
        mask_pull=lambda i, live, y, x, **axes: _and(_ties(y, x, **axes), mask_back(i, live, y, x, **axes)),
        mask_push=lambda i, live, y, x, **axes: _and(_ties(y, x, **axes), live).any(**axes),
    )


def _and(a: Any, b: Any) -> Any:
    return a if b is None else a & b


max_over = _extreme(lambda x, *, axis, keepdims: x.max(axis=axis, keepdims=keepdims), "max")
min_over = _extreme(lambda x, *, axis, keepdims: x.min(axis=axis, keepdims=keepdims), "min")


def extreme_of(over: Any, limit: Any, a: Any, axis: Axes, keepdims: bool, initial: Any, where: Any) -> Any:
    """The extreme entry of some, or of none: then, and where it is surpassed, there is the initial value."""
    if initial is None:
        if where is not None:
            raise ValueError(f"{over.name}: with where= give initial=, the answer where nothing is selected.")
        return over(a, axis=axis, keepdims=keepdims)
    start = a.dtype.type(initial)
    if where is not None:
        a = choose(where, a, start)
    if count(a.shape, axis):
        return limit(over(a, axis=axis, keepdims=keepdims), start)
    return np.full(np.zeros(a.shape).sum(axis=axis, keepdims=keepdims).shape, start)


@implements(np.max, np.amax)
def max_(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """``np.max``; k equal largest entries have slope 1/k each."""
    return extreme_of(max_over, maximum, a, canonical_axes(axis, a.ndim, "max"), bool(keepdims), initial, where)


@implements(np.min, np.amin)
def min_(a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
    """``np.min``; k equal smallest entries have slope 1/k each."""
    return extreme_of(min_over, minimum, a, canonical_axes(axis, a.ndim, "min"), bool(keepdims), initial, where)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``np.ptp``."""
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


# --- spread round the mean ------------------------------------------------------------------------


def _conj(x: Any) -> Any:
    return x.conj() if x.dtype.kind == "c" else x


def _real(x: Any) -> Any:
    return x.real if x.dtype.kind == "c" else x


def _deviation(x: Any, axis: Axes) -> Any:
    """Conjugate distance from the mean. Centred twice: of equal values it is 0, also where their mean was rounded."""
    d = x - x.mean(axis=axis, keepdims=True)
    return _conj(d - d.mean(axis=axis, keepdims=True))


def _freedom(x: Any, axis: Axes, ddof: float) -> float:
    n = count(x.shape, axis) - ddof
    return n if n > 0 else math.nan


def _var_slope(x: Any, *, axis: Axes, ddof: float) -> Any:
    return _deviation(x, axis) * (2 / _freedom(x, axis, ddof))


def _std_slope(y: Any, x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    """0 where the deviation is 0. Its own slope divides by it: no second derivative there."""
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
        lambda t, y, x, *, axis, ddof, keepdims: _real(t * _var_slope(x, axis=axis, ddof=ddof)).sum(
            axis=axis, keepdims=keepdims
        )
    ],
    mask_pull=mask_back,
    mask_push=mask_on,
)


def _std(x: Any, *, axis: Axes, ddof: float, keepdims: bool) -> Any:
    y = x.std(axis=axis, ddof=ddof, keepdims=keepdims)
    if _exact(y):
        return y
    n = _freedom(x, axis, ddof)
    return _at_scale(
        lambda d: np.sqrt(_squares(d).sum(axis=axis, keepdims=keepdims) / n), _deviation(x, axis), axis, keepdims
    )


std_over = primitive(
    _std,
    name="std",
    vjp=[lambda ct, y, x, **how: kept(ct, x.shape, how["axis"], how["keepdims"]) * _std_slope(y, x, **how)],
    jvp=[lambda t, y, x, **how: _real(t * _std_slope(y, x, **how)).sum(axis=how["axis"], keepdims=how["keepdims"])],
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
    if count(a.shape, axes) == 1:  # constant, which the root of the variance would not know to second order
        return in_single(var_over, a, axis=axes, ddof=ddof, keepdims=keepdims)
    return in_single(std_over, a, axis=axes, ddof=ddof, keepdims=keepdims)


def _ddof(ddof: float, correction: float | None) -> float:
    """NumPy has two names for it."""
    if correction is None:
        return ddof
    if ddof:
        raise ValueError("ddof and correction are two names for one thing; give one of them.")
    return correction


# --- lengths --------------------------------------------------------------------------------------


def _squares(x: Any) -> Any:
    return x.real * x.real + x.imag * x.imag if x.dtype.kind == "c" else x * x


@functools.cache
def _least(kind: str, power: float) -> float:
    """The least root of a sum of powers that has all its digits."""
    info = np.finfo(kind)
    return (float(info.tiny) / float(info.eps)) ** (1 / power) if power > 0 else 0.0


def _exact(y: Any, power: float = 2.0) -> bool:
    """Whether no root of a sum of powers lost digits, or all of them, because the sum under- or overflowed."""
    least = _least(y.dtype.char, power)
    if type(y) is np.float64:
        return bool(least < y < math.inf)
    return not y.size or bool(least < np.minimum.reduce(y, None) and np.maximum.reduce(y, None) < math.inf)


def _at_scale(root: Any, x: Any, axis: Axes, keepdims: bool) -> Any:
    """``root(x)``, a length, computed where it is near 1; powers of two, so that nothing is rounded."""
    size = np.abs(x)
    n = np.frexp(np.where(np.isfinite(size), size, 0).max(axis=axis, keepdims=True, initial=0))[1]
    if x.dtype.kind == "c":
        x = np.ldexp(x.real, -n) + 1j * np.ldexp(x.imag, -n)
    else:
        x = np.ldexp(x, -n)
    y = root(x)
    return np.ldexp(y, n if keepdims else n.reshape(y.shape))


def _norm(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    def root(x: Any) -> Any:
        return np.sqrt(_squares(x).sum(axis=axis, keepdims=keepdims))

    y = root(x)
    return y if _exact(y) else _at_scale(root, x, axis, keepdims)


def direction(x: Any, y: Any, *, axis: Axes, keepdims: bool) -> Any:
    """The conjugate of `x` over its length `y`; 0 where that is 0."""
    return ratio(_conj(x), kept(y, x.shape, axis, keepdims))


norm_over = primitive(
    _norm,
    name="norm",
    vjp=[lambda ct, y, x, **axes: kept(ct, x.shape, **axes) * direction(x, y, **axes)],
    jvp=[lambda t, y, x, **axes: _real(t * direction(x, y, **axes)).sum(**axes)],
    mask_pull=mask_back,
    mask_push=mask_on,
    singular=True,
)


def _power_slope(y: Any, x: Any, *, axis: Axes, keepdims: bool, order: float) -> Any:
    """By the magnitudes `x`; 0 where all of them are 0."""
    return power_of(ratio(x, kept(y, x.shape, axis, keepdims)), order - 1)


def _power_norm(x: Any, *, axis: Axes, keepdims: bool, order: float) -> Any:
    def root(x: Any) -> Any:
        return (x**order).sum(axis=axis, keepdims=keepdims) ** (1 / order)

    y = root(x)
    return y if _exact(y, order) else _at_scale(root, x, axis, keepdims)


power_norm_over = primitive(
    _power_norm,
    name="norm",
    vjp=[lambda ct, y, x, **how: kept(ct, x.shape, how["axis"], how["keepdims"]) * _power_slope(y, x, **how)],
    jvp=[lambda t, y, x, **how: (t * _power_slope(y, x, **how)).sum(axis=how["axis"], keepdims=how["keepdims"])],
    mask_pull=mask_back,
    mask_push=mask_on,
    singular=True,
)
"""The p-norm of what is not negative."""


def _vector_norm(x: Any, axes: Axes, keepdims: bool, order: Any) -> Any:
    if order is None or order == 2:
        return norm_over(x, axis=axes, keepdims=keepdims)
    size = np.abs(x)
    if order == math.inf:
        return max_over(size, axis=axes, keepdims=keepdims)
    if order == -math.inf:
        return min_over(size, axis=axes, keepdims=keepdims)
    if order == 1:
        return sum_over(size, axis=axes, keepdims=keepdims)
    if order == 0:
        return sum_over(cast(size != 0, dtype=size.dtype), axis=axes, keepdims=keepdims)
    if not isinstance(order, (int, float, np.number)):
        raise ValueError(f"norm: the order of a vector norm is a number; {order!r} was given.")
    return power_norm_over(size, axis=axes, keepdims=keepdims, order=float(order))


def _matrix_norm(x: Any, axes: Shape, keepdims: bool, order: Any) -> Any:
    """`axes` are those of the rows and of the columns, in this order."""
    if order in (None, "fro", "f"):
        return norm_over(x, axis=tuple(sorted(axes)), keepdims=keepdims)
    rows, columns = axes
    if order in (2, -2, "nuc"):
        y = spectral_norm(moveaxis(x, (rows, columns), (-2, -1)), order)
        return np.expand_dims(y, axes) if keepdims else y
    if order not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"norm: ord of a matrix is one of None, 'fro', 'nuc', 1, -1, 2, -2, inf, -inf; {order!r} was given."
        )
    summed, other = (columns, rows) if abs(order) == math.inf else (rows, columns)
    sums = sum_over(np.abs(x), axis=(summed,), keepdims=True)
    y = (max_over if order > 0 else min_over)(sums, axis=(other,), keepdims=True)
    if keepdims:
        return y
    return reshape_to(y, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``; slope 0 at 0."""
    x = operand(x)
    if axis is None and (ord is None or x.ndim == 1):
        return _vector_norm(x, None, bool(keepdims), ord)
    given = tuple(range(x.ndim)) if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    axes = canonical_axes(given, x.ndim, "norm")
    assert axes is not None
    if len(axes) == 1:
        return _vector_norm(x, axes, bool(keepdims), ord)
    if len(axes) != 2:
        raise ShapeError(f"norm: axis is one (of vectors) or two (of matrices); {axis} was given for shape {x.shape}.")
    return _matrix_norm(x, tuple(i % x.ndim for i in given), bool(keepdims), ord)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm``."""
    return _vector_norm(x, canonical_axes(axis, x.ndim, "vector_norm"), bool(keepdims), ord)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``np.linalg.matrix_norm``."""
    return norm(x, ord, (-2, -1), keepdims)


# --- of some entries only -------------------------------------------------------------------------


def selection(where: Any, shape: Shape) -> Any:
    """A selection as a plain array of truth values, in the shape of what is selected from."""
    return np.broadcast_to(values(where).astype(bool), shape)


def number_of(here: Any, axis: Axes, keepdims: bool, ddof: float, like: Any) -> Any:
    """How many entries are selected, less `ddof`, as real numbers of the type of `like`; NaN instead of 0 and less."""
    kind = like.dtype if like.dtype.kind in "fc" else np.dtype(float)
    n = here.sum(axis=axis, keepdims=keepdims) - ddof
    return np.where(n > 0, n, math.nan)[()].astype(kind.type(0).real.dtype)


def warn_of_nothing(message: str, bad: Any) -> None:
    """NumPy's own warning where there is nothing, or too little, to fold."""

    def warn(bad: Any) -> None:
        if np.any(bad):
            warnings.warn(message, RuntimeWarning, stacklevel=7)

    if not isinstance(bad, (bool, np.bool_)) or bad:
        look(warn, bad)


def mean_of(x: Any, here: Any, axis: Axes, keepdims: bool) -> Any:
    """The mean of the entries that are selected; of none it is NaN. In float32 for float16, as NumPy has it."""
    if x.dtype.char == "e":
        return cast(mean_of(cast(x, dtype=np.dtype(np.float32)), here, axis, keepdims), dtype=x.dtype)
    n = number_of(here, axis, keepdims, 0, x)
    warn_of_nothing("Mean of empty slice", n != n)
    return sum_over(choose(here, x, 0), axis=axis, keepdims=keepdims) / n


def _deviation_of(x: Any, here: Any, axis: Axes) -> Any:
    """Distance from the mean, centred twice; 0 for what is left out."""
    n = number_of(here, axis, True, 0, x)
    d = choose(here, x, 0)
    for _ in range(2):
        d = choose(here, d - sum_over(d, axis=axis, keepdims=True) / n, 0)
    return d


def var_of(x: Any, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """The variance of the entries that are selected."""
    return in_single(_var_of, x, here=here, axis=axis, keepdims=keepdims, ddof=ddof)


def _var_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    d = _deviation_of(x, here, axis)
    squares = d.real * d.real + d.imag * d.imag if d.dtype.kind == "c" else d * d
    return sum_over(squares, axis=axis, keepdims=keepdims) / n


def std_of(x: Any, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    """Its square root, as a length: the slope is 0 where all values are equal."""
    return in_single(_std_of, x, here=here, axis=axis, keepdims=keepdims, ddof=ddof)


def _std_of(x: Any, *, here: Any, axis: Axes, keepdims: bool, ddof: float) -> Any:
    n = number_of(here, axis, keepdims, ddof, x)
    warn_of_nothing("Degrees of freedom <= 0 for slice", n != n)
    return norm_over(_deviation_of(x, here, axis), axis=axis, keepdims=keepdims) / np.sqrt(n)
