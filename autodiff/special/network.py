"""Functions for networks, each as one operation."""

from __future__ import annotations

from typing import overload

from autodiff.arrays.tensors import Tensor
from autodiff.ops import network
from autodiff.typing import Array, Numbers


@overload
def affine(x: Tensor, w: Tensor | Numbers, b: Tensor | Numbers) -> Tensor: ...
@overload
def affine(x: Tensor | Numbers, w: Tensor, b: Tensor | Numbers) -> Tensor: ...
@overload
def affine(x: Tensor | Numbers, w: Tensor | Numbers, b: Tensor) -> Tensor: ...
@overload
def affine(x: Numbers, w: Numbers, b: Numbers) -> Array: ...
def affine(x: Tensor | Numbers, w: Tensor | Numbers, b: Tensor | Numbers) -> Tensor | Array:
    """``x @ w + b`` in one operation.

    Parameters
    ----------
    x : array or Tensor, (..., d)
        The inputs.
    w : array or Tensor, (d, k)
        The weights.
    b : array or Tensor, (k,)
        The bias.

    Returns
    -------
    array or Tensor, (..., k)
        In the dtype of the operands.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.1.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.affine(np.ones((2, 3)), np.ones((3, 1)), np.array([0.5]))
    array([[3.5],
           [3.5]])
    """
    return network.affine(x, w, b)


@overload
def mse(prediction: Tensor, target: Tensor | Numbers) -> Tensor: ...
@overload
def mse(prediction: Tensor | Numbers, target: Tensor) -> Tensor: ...
@overload
def mse(prediction: Numbers, target: Numbers) -> Array: ...
def mse(prediction: Tensor | Numbers, target: Tensor | Numbers) -> Tensor | Array:
    """Mean of the squared differences, ``mean((prediction - target)**2)``, in one operation.

    Parameters
    ----------
    prediction, target : array or Tensor
        Real, of equal shape.

    Returns
    -------
    scalar or Tensor, ()
        In the dtype of the operands.

    Raises
    ------
    ShapeError
        If the shapes differ: they are not broadcast.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, equation (5.4).

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> float(special.mse(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    return network.mse(prediction, target)


@overload
def softmax_cross_entropy(logits: Tensor, labels: Tensor | Numbers, *, ignore_index: int | None = ...) -> Tensor: ...
@overload
def softmax_cross_entropy(logits: Numbers, labels: Numbers, *, ignore_index: int | None = ...) -> Array: ...
def softmax_cross_entropy(
    logits: Tensor | Numbers, labels: Tensor | Numbers, *, ignore_index: int | None = None
) -> Tensor | Array:
    """Mean over rows of ``-log softmax(logits)[label]``, in one operation.

    Parameters
    ----------
    logits : array or Tensor, (..., k)
        Unnormalised log-probabilities of k classes, of any magnitude.
    labels : ndarray of int, (...)
        The correct classes, 0..k-1.
    ignore_index : int, optional
        A label that does not count: its rows are left out of the mean.

    Returns
    -------
    scalar or Tensor, ()
        NaN if no row counts. In the dtype of the logits.

    Raises
    ------
    ShapeError
        If the shapes do not match.
    DtypeError, DomainError
        If the labels are not integers, or one of them is not a class.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> round(float(special.softmax_cross_entropy(np.zeros((4, 2)), np.array([0, 1, 1, 0]))), 6)
    0.693147
    """
    return network.softmax_cross_entropy(logits, labels, ignore_index=ignore_index)
