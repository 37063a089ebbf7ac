"""Sums of exponentials and shares in them: logsumexp, softmax, log_softmax.

All are shifted by the largest entry, so that nothing overflows. An entry of -inf has share 0 and receives
no gradient. Entries of +inf have equal shares. If all entries are -inf, all shares are 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive
from autodiff.ops.reductions import Axes, kept, mask_back, mask_on
from autodiff.ops.shapes import spread


def _exponentials(x: Any, axis: Axes) -> tuple[Any, Any]:
    """The largest entry, and exp(x - largest), which is 1 for each +inf."""
    top = x.max(axis=axis, keepdims=True)
    if np.isfinite(top).all():
        return top, np.exp(x - top)
    with np.errstate(invalid="ignore"):
        e = np.exp(x - np.where(np.isinf(top), 0, top))
    return top, np.where(top == np.inf, x == np.inf, e).astype(x.dtype)


def _logsumexp(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    top, e = _exponentials(x, axis)
    total = e.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        y = np.log(total) + np.where(np.isinf(top) & (top < 0), 0, top)
    return (
        y if keepdims else y.reshape(tuple(n for i, n in enumerate(x.shape) if axis is not None and i not in axis))[()]
    )


def _softmax(x: Any, *, axis: Axes) -> Any:
    _, e = _exponentials(x, axis)
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


def _log_softmax(x: Any, *, axis: Axes) -> Any:
    top, e = _exponentials(x, axis)
    if np.isfinite(top).all():
        return x - top - np.log(e.sum(axis=axis, keepdims=True))
    with np.errstate(divide="ignore"):
        return np.log(_softmax(x, axis=axis))


def _mask(index: int, live: Any, y: Any, x: Any, *, axis: Axes) -> Any:
    return None if live is None else spread(live.any(axis=axis, keepdims=True), shape=x.shape)


def _turned(t: Any, y: Any, x: Any, *, axis: Axes) -> Any:
    """The Jacobian of softmax, which is its own transpose."""
    t = t * y
    return t - y * t.sum(axis=axis, keepdims=True)


softmax_over: Primitive = primitive(
    _softmax, name="softmax", vjp=[_turned], jvp=[_turned], mask_pull=_mask, mask_push=_mask
)
log_softmax_over: Primitive = primitive(
    _log_softmax,
    name="log_softmax",
    vjp=[lambda ct, y, x, *, axis: ct - softmax_over(x, axis=axis) * ct.sum(axis=axis, keepdims=True)],
    jvp=[lambda t, y, x, *, axis: t - (softmax_over(x, axis=axis) * t).sum(axis=axis, keepdims=True)],
    mask_pull=_mask,
    mask_push=_mask,
)
logsumexp_over: Primitive = primitive(
    _logsumexp,
    name="logsumexp",
    vjp=[lambda ct, y, x, *, axis, keepdims: kept(ct, x.shape, axis, keepdims) * softmax_over(x, axis=axis)],
    jvp=[lambda t, y, x, *, axis, keepdims: (t * softmax_over(x, axis=axis)).sum(axis=axis, keepdims=keepdims)],
    mask_pull=mask_back,
    mask_push=mask_on,
)
