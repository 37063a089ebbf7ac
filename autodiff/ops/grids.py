"""linspace, logspace and geomspace, differentiable in both ends."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np

from autodiff.core.primitives import implements
from autodiff.core.switches import is_traced
from autodiff.ops.choices import where
from autodiff.ops.deciding import look
from autodiff.ops.elementwise import log, power_of
from autodiff.ops.shapes import cast, moveaxis, operand, reshape_to, values


def _raw(x: Any) -> Any:
    """The plain value. A Python number stays one, because NumPy's choice of a dtype depends on it."""
    return values(x) if hasattr(type(x), "__autodiff_apply__") else x


def _like(x: Any) -> Any:
    """The plain value, or in a trace ones of its shape and dtype: only for asking NumPy about dtypes."""
    raw = _raw(x)
    return np.ones(raw.shape, raw.dtype)[()] if is_traced(raw) else raw


def _ends(start: Any, stop: Any, dtype: Any) -> tuple[Any, Any]:
    a, b = operand(start), operand(stop)
    return (a if a.dtype == dtype else cast(a, dtype=dtype)), (b if b.dtype == dtype else cast(b, dtype=dtype))


def _fractions(num: Any, endpoint: bool, ndim: int, dtype: Any) -> Any:
    """The position of each sample as a fraction of the whole span, along an axis before `ndim` axes of length 1."""
    n = index(num)
    if n < 0:
        raise ValueError(f"the number of samples, num, must not be negative; {n} was given.")
    steps = max(n - 1 if endpoint else n, 1)
    return (np.arange(n) / steps).reshape((n,) + (1,) * ndim).astype(dtype.type(0).real.dtype)


def _finished(y: Any, axis: Any, dtype: Any) -> Any:
    y = y if y.dtype == dtype else cast(y, dtype=dtype)
    return y if axis == 0 else moveaxis(y, 0, axis)


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: Any = 0,
) -> Any:
    """``np.linspace``, differentiable in both ends."""
    wanted, inner = (np.linspace(_like(start), _like(stop), 1, dtype=d).dtype for d in (dtype, None))
    if wanted.kind not in "fc":
        # The checker is wrong below: NumPy's stubs know `retstep` as a constant only.
        return np.linspace(_raw(start), _raw(stop), num, endpoint, retstep, dtype, axis)  # type: ignore[call-overload]
    a, b = _ends(start, stop, inner)
    span = b - a
    t = _fractions(num, endpoint, span.ndim, inner)
    y = a * (1 - t) + b * t
    y = _finished(y, axis, wanted)
    parts = num - 1 if endpoint else num
    return (y, span / parts if parts > 0 else span * math.nan) if retstep else y


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: Any = 0
) -> Any:
    """``np.logspace``, differentiable in both ends and in the base."""
    wanted = np.logspace(_like(start), _like(stop), 1, base=_like(base), dtype=dtype).dtype
    if wanted.kind not in "fc":
        return np.logspace(_raw(start), _raw(stop), num, endpoint, _raw(base), dtype, axis)
    exponents = linspace(start, stop, num, endpoint)
    if np.ndim(base):  # NumPy lets the base broadcast with the ends
        base = operand(base)
        extra = base.ndim - (exponents.ndim - 1)
        if extra > 0:
            shape = exponents.shape
            exponents = reshape_to(exponents, shape=(shape[0], *(1,) * extra, *shape[1:]))
    return _finished(power_of(base, exponents), axis, wanted)


def _no_zeros(a: Any, b: Any) -> None:
    if np.any(a == 0) or np.any(b == 0):
        raise ValueError("Geometric sequence cannot include zero")


@implements(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: Any = 0) -> Any:
    """``np.geomspace``, differentiable in both ends."""
    wanted, inner = (np.geomspace(_like(start), _like(stop), 1, dtype=d).dtype for d in (dtype, None))
    if wanted.kind not in "fc":
        return np.geomspace(_raw(start), _raw(stop), num, endpoint, dtype, axis)
    a, b = _ends(start, stop, inner)
    look(_no_zeros, values(a), values(b))
    if inner.kind == "c":
        span = log(b / a)
    else:
        sign = np.sign(values(a))
        span = log(b * sign) - log(a * sign)
    t = _fractions(num, endpoint, span.ndim, inner)
    near = t > 0.5  # compute from the nearer end: both ends are exact, and no intermediate power overflows
    return _finished(where(near, b, a) * np.exp(span * (t - near)), axis, wanted)
