"""Fused primitives that every network has: one node, one pass, in place of several.

Each has a composed version that is its specification in the tests. A residual that the reverse rule needs is a
further output, which the public functions in `autodiff.special` leave away.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitives import primitive


def _flat(x: Any) -> Any:
    """Rows of the last axis as a matrix."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


# --- affine ---------------------------------------------------------------------------------------


def _affine(x: Any, w: Any, b: Any) -> Any:
    y = x @ w
    if y.dtype != np.result_type(y, b):
        return y + b
    y += b  # the product is fresh
    return y


def _affine_x(ct: Any, w: Any) -> Any:
    return ct @ w.T


def _affine_w(ct: Any, x: Any) -> Any:
    return _flat(x).T @ _flat(ct)


def _affine_b(ct: Any) -> Any:
    return _flat(ct).sum(axis=0)


def _affine_mask(index: int, live: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """Where anything arrives: the transposes of zeros and ones, with ones in place of the other factor."""
    if live is None:
        return None
    ones = live * 1.0
    if index == 0:
        return _affine_x(ones, np.ones(w.shape)) != 0
    return (_affine_w(ones, np.ones(x.shape)) if index == 1 else _affine_b(ones)) != 0


def _affine_mask_forward(index: int, live: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    if live is None:
        return None
    ones = live * 1.0
    if index == 0:
        return ones @ np.ones(w.shape) != 0
    return (np.ones(x.shape) @ ones if index == 1 else np.broadcast_to(ones, y.shape)) != 0


affine = primitive(
    _affine,
    name="affine",
    vjp=[lambda ct, y, x, w, b: _affine_x(ct, w), lambda ct, y, x, w, b: _affine_w(ct, x), lambda ct, y, x, w, b: _affine_b(ct)],
    jvp=[lambda t, y, x, w, b: t @ w, lambda t, y, x, w, b: x @ t, lambda t, y, x, w, b: t],
    mask_pull=_affine_mask,
    mask_push=_affine_mask_forward,
)
"""``x @ w + b`` for x (..., d), w (d, k), b (k,)."""

# --- losses ---------------------------------------------------------------------------------------


def _mse(prediction: Any, target: Any) -> Any:
    d = (prediction - target).ravel()
    return d.dot(d) / max(d.size, 1)


mse = primitive(
    _mse,
    name="mse",
    vjp=[lambda ct, y, p, q: (p - q) * (ct * (2 / max(p.size, 1))), lambda ct, y, p, q: (q - p) * (ct * (2 / max(p.size, 1)))],
    jvp=[
        lambda t, y, p, q: (t * (p - q)).sum() * (2 / max(p.size, 1)),
        lambda t, y, p, q: (t * (q - p)).sum() * (2 / max(p.size, 1)),
    ],
)
"""Mean of the squared differences of two real arrays of one shape."""


def _softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    n = len(labels)
    rows = np.arange(n)
    z = logits - logits.max(axis=1, keepdims=True)
    share = np.exp(z)
    total = share.sum(axis=1, keepdims=True)
    share /= total
    error = share.copy()
    error[rows, labels] -= 1
    loss = (np.log(total).sum() - z[rows, labels].sum()) / max(n, 1)
    return loss, error, share


def _along_softmax(t: Any, share: Any) -> Any:
    """The derivative of softmax along `t`; it is symmetric."""
    weighted = share * t
    return weighted - share * weighted.sum(axis=1, keepdims=True)


def _cross_entropy_pull(ct: Any, y: Any, logits: Any, labels: Any) -> Any:
    (ct_loss, ct_error, ct_share), (_, error, share) = ct, y
    g = None if ct_loss is None else error * (ct_loss * (1 / max(error.shape[0], 1)))
    for residual in (ct_error, ct_share):
        if residual is not None:
            part = _along_softmax(residual, share)
            g = part if g is None else g + part
    return g, None


def _cross_entropy_push(ts: Any, y: Any, logits: Any, labels: Any) -> Any:
    t, (_, error, share) = ts[0], y
    along = _along_softmax(t, share)
    return (error * t).sum() * (1 / max(error.shape[0], 1)), along, along


softmax_cross_entropy = primitive(
    _softmax_cross_entropy,
    name="softmax_cross_entropy",
    vjp=_cross_entropy_pull,
    jvp=_cross_entropy_push,
    symbolic_zeros=True,
)
"""Mean over rows of ``-log softmax(logits)[label]``; further outputs: softmax minus one-hot labels, and softmax."""
