"""Stable functions beyond NumPy, for arrays and Tensors alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.ops import elementwise, network
from autodiff.ops.choices import relu as _relu

__all__ = ["affine", "mse", "relu", "sigmoid", "softmax", "softmax_cross_entropy", "softplus"]


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)


def relu(x: Any) -> Any:
    """``max(x, 0)``, slope 0 at 0."""
    return _relu(_array(x))


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, without overflow."""
    return elementwise.sigmoid(_array(x))


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, without overflow."""
    return elementwise.softplus(_array(x))


def softmax(x: Any, axis: int = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis, shifted by the maximum."""
    x = _array(x)
    top = np.max(getattr(x, "data", x) if hasattr(type(x), "__autodiff_apply__") else x, axis=axis, keepdims=True)
    e = np.exp(x - top)
    return e / e.sum(axis=axis, keepdims=True)


def affine(x: Any, w: Any, b: Any) -> Any:
    """``x @ w + b`` in one operation, for x (..., d), w (d, k) and b (k,)."""
    return network.affine(x, w, b)


def mse(prediction: Any, target: Any) -> Any:
    """Mean of the squared differences of two real arrays of one shape, in one operation."""
    return network.mse(prediction, target)


def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """Mean over rows of ``-log softmax(logits)[label]``, in one operation.

    Parameters
    ----------
    logits : array or Tensor, (n, k)
    labels : ndarray of int, (n,)
        0..k-1; not checked here.

    Returns
    -------
    scalar or Tensor, ()
    """
    return network.softmax_cross_entropy(logits, labels)[0]
