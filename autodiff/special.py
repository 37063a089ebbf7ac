"""Stable functions beyond NumPy, for arrays and Tensors alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.ops import choices, elementwise, exponentials, network, reductions
from autodiff.ops.shapes import canonical_axes

__all__ = [
    "affine",
    "expit",
    "log_softmax",
    "logsumexp",
    "mse",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "sum_of_squares",
]


def _array(x: Any) -> Any:
    """An array of real or complex numbers: integers are taken for the reals they are."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


# --- activations ----------------------------------------------------------------------------------


def relu(x: Any) -> Any:
    """``max(x, 0)``; the slope at 0 is 0.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Examples
    --------
    >>> from autodiff import special
    >>> special.relu([-1.0, 2.0])
    array([0., 2.])
    """
    return choices.relu(_array(x))


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, without overflow; the inverse of the log-odds.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape of `x`, between 0 and 1.

    Examples
    --------
    >>> from autodiff import special
    >>> special.sigmoid([0.0, 1000.0])
    array([0.5, 1. ])
    """
    return elementwise.sigmoid(_array(x))


def expit(x: Any) -> Any:
    """`sigmoid`, by the name it has in SciPy.

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.expit(0.0))
    0.5
    """
    return sigmoid(x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, without overflow: a smooth `relu`.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.softplus(1000.0))
    1000.0
    """
    return elementwise.softplus(_array(x))


# --- sums of exponentials, and shares in them -----------------------------------------------------


def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))``, shifted by the maximum, so that nothing overflows.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    axis : int or tuple of int, optional
        The axes to sum over; all of them if not given.
    keepdims : bool, default False
        Keep the summed axes, with length 1.

    Returns
    -------
    array or Tensor

    Notes
    -----
    The gradient is `softmax`: -inf entries have none, +inf entries share it evenly. Of nothing but -inf
    the value is -inf and the gradient 0.

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    x = _array(x)
    return exponentials.logsumexp_over(x, axis=canonical_axes(axis, x.ndim, "logsumexp"), keepdims=bool(keepdims))


def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))``, the shares of a sum of exponentials, without overflow.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    axis : int or tuple of int, or None, default -1
        The axes along which the shares sum to 1; None for all.

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Notes
    -----
    An entry of -inf has share 0, entries of +inf share evenly. Where all are -inf, all shares are 0, so that a row of
    attention weights masked entirely gives 0 (SciPy and torch give NaN).

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.softmax([0.0, 0.0, -np.inf])
    array([0.5, 0.5, 0. ])
    """
    x = _array(x)
    return exponentials.softmax_over(x, axis=canonical_axes(axis, x.ndim, "softmax"))


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """``log(softmax(x))``, with all its digits where a share is too small for a float.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    axis : int or tuple of int, or None, default -1
        The axes along which the shares sum to 1; None for all.

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Examples
    --------
    >>> from autodiff import special
    >>> special.log_softmax([0.0, 1000.0])
    array([-1000.,     0.])
    """
    x = _array(x)
    return exponentials.log_softmax_over(x, axis=canonical_axes(axis, x.ndim, "log_softmax"))


# --- squares --------------------------------------------------------------------------------------


def sum_of_squares(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``sum(abs(x)**2)``: the square of a norm, smooth where the norm is 0.

    Parameters
    ----------
    x : array_like or Tensor
    axis : int or tuple of int, optional
        The axes to sum over; all of them if not given.
    keepdims : bool, default False
        Keep the summed axes, with length 1.

    Returns
    -------
    array or Tensor
        Real.

    Notes
    -----
    ``np.linalg.norm(x)**2`` has the right gradient at 0, but no second derivative there; this has.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.hessian(ad.special.sum_of_squares)(np.zeros(2))
    array([[2., 0.],
           [0., 2.]])
    """
    x = _array(x)
    squares = x * x if x.dtype.kind == "f" else x.real * x.real + x.imag * x.imag
    return reductions.sum_over(squares, axis=canonical_axes(axis, x.ndim, "sum_of_squares"), keepdims=bool(keepdims))


# --- what networks need, each in one operation ----------------------------------------------------


def affine(x: Any, w: Any, b: Any) -> Any:
    """``x @ w + b`` in one operation.

    Parameters
    ----------
    x : array or Tensor, (..., d)
    w : array or Tensor, (d, k)
    b : array or Tensor, (k,)

    Returns
    -------
    array or Tensor, (..., k)

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.affine(np.ones((2, 3)), np.ones((3, 1)), np.array([0.5]))
    array([[3.5],
           [3.5]])
    """
    return network.affine(x, w, b)


def mse(prediction: Any, target: Any) -> Any:
    """Mean of the squared differences, in one operation.

    Parameters
    ----------
    prediction, target : array or Tensor
        Real, of one shape.

    Returns
    -------
    scalar or Tensor, ()

    Raises
    ------
    ShapeError
        If the shapes differ: they are not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> float(special.mse(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    return network.mse(prediction, target)


def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """Mean over rows of ``-log softmax(logits)[label]``, in one operation.

    Parameters
    ----------
    logits : array or Tensor, (..., k)
        Unnormalised log-probabilities of k classes, of any magnitude.
    labels : ndarray of int, (...)
        The right classes, 0..k-1.

    Returns
    -------
    scalar or Tensor, ()

    Raises
    ------
    ShapeError
        If the shapes do not fit, or a label is not one of the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> round(float(special.softmax_cross_entropy(np.zeros((4, 2)), np.array([0, 1, 1, 0]))), 6)
    0.693147
    """
    return network.softmax_cross_entropy(logits, labels)
