"""Running extremes and running sums of exponentials along an axis. Their derivatives are linear recurrences."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive
from autodiff.ops.elementwise import share_of_exp
from autodiff.ops.scans import delayed, recurrence
from autodiff.ops.shapes import canonical_axis, operand, values

# --- extremes -------------------------------------------------------------------------------------


def _equal(a: Any, b: Any) -> Any:
    """Whether entries are equal; NaN equals NaN."""
    return (a == b) | ((a != a) & (b != b))


def _shares(y: Any, x: Any, axis: int) -> tuple[Any, Any, Any]:
    """Which entries equal the running extreme, where it does not change, and how many entries share it."""
    x, y = values(x), values(y)
    ties = _equal(x, y) * 1.0
    stays = _equal(y, delayed(y, axis)) * 1.0
    return ties, stays, recurrence(stays, ties, axis=axis, back=False)


def _pull(ct: Any, y: Any, x: Any, *, axis: int) -> Any:
    ties, stays, among = (part.astype(ct.dtype) for part in _shares(y, x, axis))
    return ties * recurrence(stays, ct / among, axis=axis, back=True)


def _push(t: Any, y: Any, x: Any, *, axis: int) -> Any:
    ties, stays, among = (part.astype(t.dtype) for part in _shares(y, x, axis))
    return recurrence(stays, t * ties, axis=axis, back=False) / among


def _mask_pulled(index: int, live: Any, y: Any, x: Any, *, axis: int) -> Any:
    ties, stays, _ = _shares(y, x, axis)
    return ties * recurrence(stays, np.ones(x.shape) if live is None else live * 1.0, axis=axis, back=True) != 0


def _mask_pushed(index: int, live: Any, y: Any, x: Any, *, axis: int) -> Any:
    ties, stays, _ = _shares(y, x, axis)
    return recurrence(stays, ties if live is None else ties * live, axis=axis, back=False) != 0


def _extreme(ufunc: np.ufunc) -> Primitive:
    return primitive(
        lambda x, *, axis: ufunc.accumulate(x, axis),
        name=f"{ufunc.__name__}.accumulate",
        vjp=[_pull],
        jvp=[_push],
        live=(lambda y, x, *, axis: _mask_pulled(0, None, y, x, axis=axis),),
        mask_pull=_mask_pulled,
        mask_push=_mask_pushed,
    )


running_maximum, running_minimum = _extreme(np.maximum), _extreme(np.minimum)
running_fmax, running_fmin = _extreme(np.fmax), _extreme(np.fmin)


def _along(function: Primitive, a: Any, axis: Any = 0) -> Any:
    a = operand(a)
    return function(a, axis=canonical_axis(axis, a.ndim, function.name))


EXTREMES_SO_FAR: dict[np.ufunc, Callable[..., Any]] = {
    np.maximum: partial(_along, running_maximum),
    np.minimum: partial(_along, running_minimum),
    np.fmax: partial(_along, running_fmax),
    np.fmin: partial(_along, running_fmin),
}
"""The functions for their ``accumulate``; k equal extremes have slope 1/k each, as in ``max``."""

# --- sums of exponentials -------------------------------------------------------------------------


def _parts(y: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """The share of the earlier entries, and of the entry itself."""
    before = delayed(y, axis, -math.inf)
    return share_of_exp(before, x), share_of_exp(x, before)


def _sum_pull(ct: Any, y: Any, x: Any, *, axis: int) -> Any:
    before, own = _parts(y, x, axis)
    return own * recurrence(before, ct, axis=axis, back=True)


def _sum_push(t: Any, y: Any, x: Any, *, axis: int) -> Any:
    before, own = _parts(y, x, axis)
    return recurrence(before, own * t, axis=axis, back=False)


running_logaddexp: Primitive = primitive(
    lambda x, *, axis: np.logaddexp.accumulate(x, axis),
    name="logaddexp.accumulate",
    vjp=[_sum_pull],
    jvp=[_sum_push],
)


def cumulative_logaddexp(a: Any, axis: Any = 0) -> Any:
    """``np.logaddexp.accumulate``."""
    return _along(running_logaddexp, a, axis)
