"""Fused operations for networks: affine map, softmax cross-entropy, mean square.

Each is one node in place of several. Its specification is the composed version, which is in the tests. The
rules are plain NumPy, like all rules, so they hold to second order.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive
from autodiff.errors import DomainError, DtypeError, ShapeError
from autodiff.ops.exponentials import softmax_over
from autodiff.ops.products import matmul
from autodiff.ops.shapes import in_single

# --- affine map -----------------------------------------------------------------------------------


def _affine(x: Any, w: Any, b: Any) -> Any:
    rows = _rows(x)
    quick = type(w) is np.ndarray and rows.size != 1  # dot takes two thirds of the time of matmul; see `_direct_x`
    y = rows.dot(w) if quick else rows @ w
    if y.dtype == b.dtype and b.ndim <= y.ndim and y.ndim:
        y += b
    else:
        y = y + b
    return y if x.ndim <= 2 else y.reshape((*x.shape[:-1], w.shape[1]))


def _rows(x: Any) -> Any:
    """All leading axes merged into one: one long matrix product in place of many small ones."""
    return x if x.ndim <= 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


@functools.lru_cache(maxsize=64)
def _ones(n: int, dtype: Any) -> Any:
    """Ones for summing columns: a matrix product takes a third of the time of ``sum(axis=0)``."""
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def _affine_x(ct: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """Cotangent of `x`: one product for the rows of all leading axes."""
    return ct @ w.T if ct.ndim < 3 else (_rows(ct) @ w.T).reshape(x.shape)


def _affine_w(ct: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    return x[:, None] * ct if x.ndim == 1 else _rows(x).T @ _rows(ct)


def _affine_b(ct: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    if ct.ndim < 2 or (ct.ndim > 2 and b.ndim > 1):
        return ct
    rows = _rows(ct)
    return _ones(rows.shape[0], rows.dtype) @ rows


def _affine_mask(index: int, live: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """The mask goes through the matrix product as through `matmul`, and for `b` through the sum over the rows."""
    if live is None:
        return None
    if index == 2:
        return _affine_b(live * 1.0, y, x, w, b) != 0  # with the shape that the rule gives
    ones = [np.ones(x.shape), np.ones(w.shape)]
    rule = (matmul.pulls or ())[index]
    assert rule is not None  # it has one for each operand
    return rule(live * 1.0, *ones) != 0


def _affine_mask_forward(index: int, live: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    if live is None or index == 2:
        return live
    ones = np.ones((w if index == 0 else x).shape)
    return (live * 1.0 @ ones if index == 0 else ones @ (live * 1.0)) != 0


affine: Primitive = primitive(
    _affine,
    name="affine",
    vjp=[
        _affine_x,
        _affine_w,
        _affine_b,
    ],
    jvp=[
        lambda t, y, x, w, b: t @ w,
        lambda t, y, x, w, b: x @ t,
        lambda t, y, x, w, b: t,
    ],
    mask_pull=_affine_mask,
    mask_push=_affine_mask_forward,
)
"""``x @ w + b``: `x` (..., n), `w` (n, m), `b` (m,)."""


# `dot` is quicker than `matmul`. Of two single numbers alone it keeps the sign of a zero, which `matmul` makes positive
# as the rules above do, and compiled programs with them.


def _direct_x(out: Any, ct: Any, x: Any, w: Any, b: Any) -> Any:
    if ct.size == 1:
        return _affine_x(ct, None, x, w, b)
    return ct.dot(w.T) if ct.ndim < 3 else _rows(ct).dot(w.T).reshape(x.shape)


def _direct_w(out: Any, ct: Any, x: Any, w: Any, b: Any) -> Any:
    if x.ndim == 1:
        return np.multiply(x[:, None], ct, out=out)
    return (np.matmul if ct.size == 1 else np.dot)(_rows(x).T, _rows(ct), out)


def _direct_b(out: Any, ct: Any, x: Any, w: Any, b: Any) -> Any:
    ct = _rows(ct)
    product = np.matmul if ct.size == 1 else np.dot
    return product(_ones(ct.shape[0], ct.dtype), ct, out) if ct.ndim == 2 else ct


affine.direct = (_direct_x, _direct_w, _direct_b)

# --- softmax cross-entropy ------------------------------------------------------------------------


def _cross_entropy(logits: Any, labels: Any, *, ignore_index: int | None = None) -> Any:
    """The loss and its gradient with respect to the logits, which both sweeps need."""
    k = logits.shape[-1]
    rows = np.ascontiguousarray(logits).reshape((-1, k))  # C-contiguous, so that `e.reshape(-1)` below is a view
    labels = labels.reshape(-1)
    n = len(labels)
    counts = counting(labels, k, ignore_index)
    if counts is not None:
        labels = np.where(counts, labels, 0)
    picked = np.arange(0, n * k, k) + labels
    shifted = rows - np.maximum.reduce(rows, axis=1, keepdims=True)
    e = np.exp(shifted)
    total = np.add.reduce(e, axis=1, keepdims=True)
    if counts is None:
        loss = (np.add.reduce(np.log(total), axis=None) - np.add.reduce(shifted.ravel().take(picked))) / n
    else:
        n = int(np.count_nonzero(counts))
        losses = np.log(total[:, 0]) - shifted.ravel().take(picked)
        loss = np.add.reduce(losses[counts]) / n if n else losses.dtype.type(np.nan)
    e /= total
    e.reshape(-1)[picked] -= 1
    if counts is not None:
        e[~counts] = 0
    e /= max(n, 1)
    return loss, e.reshape(logits.shape)


def counting(labels: Any, k: int, ignore_index: int | None) -> Any:
    """A mask of the labels that count; None if all do, which the maximum shows. Refuses labels of no class."""
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            f"labels must be class indices of an integer dtype; they have dtype {labels.dtype}. If their values are "
            f"integers, use labels.astype(int)."
        )
    is_class = ignore_index is not None and 0 <= ignore_index < k
    as_unsigned = labels.view(f"u{labels.itemsize}") if labels.dtype.kind == "i" else labels
    if not is_class and (not labels.size or as_unsigned.max() < k):
        return None
    counts = np.ones(labels.shape, bool) if ignore_index is None else labels != ignore_index
    wrong = np.flatnonzero(counts & ((labels < 0) | (labels >= k)))
    if wrong.size:
        at = int(wrong[0])
        raise DomainError(f"labels must be in 0..{k - 1} for {k} classes; label {labels[at]} was given (entry {at}).")
    return counts


def _curvature(t: Any, logits: Any, labels: Any, ignore_index: int | None) -> Any:
    """The product of the Hessian of the loss, which is symmetric, and `t`."""
    p = softmax_over(logits, axis=(logits.ndim - 1,))
    t = t * p
    curved = t - p * t.sum(axis=-1, keepdims=True)
    if ignore_index is None:
        return curved / max(labels.size, 1)
    counts = labels != ignore_index
    share = counts / np.maximum(counts.sum(), 1)
    return np.where(counts[..., None], curved * share[..., None].astype(logits.dtype), 0.0)


def _cross_entropy_pull(cts: Any, y: Any, logits: Any, labels: Any, *, ignore_index: int | None = None) -> Any:
    loss_ct, slope_ct = cts
    if slope_ct is None:
        return loss_ct * y[1]
    curved = _curvature(slope_ct, logits, labels, ignore_index)
    return curved if loss_ct is None else loss_ct * y[1] + curved


def _cross_entropy_push(t: Any, y: Any, logits: Any, labels: Any, *, ignore_index: int | None = None) -> Any:
    return (t * y[1]).sum(), _curvature(t, logits, labels, ignore_index)


cross_entropy_with_slope: Primitive = primitive(
    _cross_entropy,
    name="softmax_cross_entropy",
    vjp=[_cross_entropy_pull, None],
    jvp=[_cross_entropy_push, None],
    symbolic_zeros=True,
)


def softmax_cross_entropy(logits: Any, labels: Any, *, ignore_index: int | None = None) -> Any:
    """The mean of -log softmax(logits) at the row's label, over all rows that count."""
    if logits.ndim == 0 or labels.shape != logits.shape[:-1]:
        raise ShapeError(
            f"softmax_cross_entropy: logits must have shape (..., k) and labels (...); {logits.shape} and "
            f"{labels.shape} were given."
        )

    def loss(logits: Any) -> Any:
        return cross_entropy_with_slope(logits, labels, ignore_index=ignore_index)[0]

    return in_single(loss, logits)


# --- mean square ----------------------------------------------------------------------------------


def _mean_square(prediction: Any, target: Any) -> Any:
    d = (prediction - target).reshape(-1)
    return d.dot(d) / d.size if d.size else d.mean()


def _pull_a(ct: Any, y: Any, a: Any, b: Any) -> Any:
    return (a - b) * (ct * (2 / max(a.size, 1)))


def _push_a(t: Any, y: Any, a: Any, b: Any) -> Any:
    return ((a - b) * t).sum() * (2 / max(a.size, 1))


mean_square: Primitive = primitive(
    _mean_square,
    name="mse",
    vjp=[_pull_a, lambda ct, y, a, b: _pull_a(-ct, y, a, b)],
    jvp=[_push_a, lambda t, y, a, b: _push_a(-t, y, a, b)],
)


def mse(prediction: Any, target: Any) -> Any:
    """The mean of (prediction - target)^2 over all entries; the shapes must be equal."""
    if prediction.shape != target.shape:
        raise ShapeError(
            f"mse: the prediction has shape {prediction.shape} and the target {target.shape}; they must be equal."
        )
    return in_single(mean_square, prediction, target)
