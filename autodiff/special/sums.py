"""Sums of exponentials, shares in them, and sums of squares."""

from __future__ import annotations

from typing import Any, overload

from autodiff.arrays.tensors import Tensor
from autodiff.names import refuse_for_tensors
from autodiff.ops import exponentials, reductions
from autodiff.ops.shapes import canonical_axes, in_single
from autodiff.special._operands import real_or_complex
from autodiff.typing import Array, Axis, Numbers


@overload
def logsumexp(x: Tensor, axis: Axis = ..., *, keepdims: bool = ...) -> Tensor: ...
@overload
def logsumexp(x: Numbers, axis: Axis = ..., *, keepdims: bool = ...) -> Array: ...
def logsumexp(x: Tensor | Numbers, axis: Axis = None, *, keepdims: bool = False, **unknown: Any) -> Tensor | Array:
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
        Without the summed axes, or with length 1 there.

    Raises
    ------
    DtypeError
        If they are no numbers.
    numpy.exceptions.AxisError, ValueError
        If an axis does not exist, or is given twice.

    Notes
    -----
    The gradient is `softmax`: it is 0 for entries of -inf, and entries of +inf share it evenly. If all
    entries are -inf, the value is -inf and the gradient 0.

    References
    ----------
    P. Blanchard, D. J. Higham, N. J. Higham, "Accurately computing the log-sum-exp and softmax functions", IMA J.
    Numer. Anal. 41 (2021).

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    if unknown:
        refuse_for_tensors("logsumexp", "logsumexp(x, {})", logsumexp, unknown)
    x = real_or_complex(x)
    return in_single(
        exponentials.logsumexp_over, x, axis=canonical_axes(axis, x.ndim, "logsumexp"), keepdims=bool(keepdims)
    )


@overload
def softmax(x: Tensor, axis: Axis = ...) -> Tensor: ...
@overload
def softmax(x: Numbers, axis: Axis = ...) -> Array: ...
def softmax(x: Tensor | Numbers, axis: Axis = -1, **unknown: Any) -> Tensor | Array:
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
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If they are no numbers.
    numpy.exceptions.AxisError, ValueError
        If an axis does not exist, or is given twice.

    Notes
    -----
    An entry of -inf has share 0, and entries of +inf have equal shares. If all are -inf, all shares are 0, so that a
    fully masked row of attention weights gives 0 (SciPy and torch give NaN).

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.softmax([0.0, 0.0, -np.inf])
    array([0.5, 0.5, 0. ])
    """
    if unknown:
        refuse_for_tensors("softmax", "softmax(x, {})", softmax, unknown)
    x = real_or_complex(x)
    return in_single(exponentials.softmax_over, x, axis=canonical_axes(axis, x.ndim, "softmax"))


@overload
def log_softmax(x: Tensor, axis: Axis = ...) -> Tensor: ...
@overload
def log_softmax(x: Numbers, axis: Axis = ...) -> Array: ...
def log_softmax(x: Tensor | Numbers, axis: Axis = -1, **unknown: Any) -> Tensor | Array:
    """``log(softmax(x))``, accurate even where a share underflows.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    axis : int or tuple of int, or None, default -1
        The axes along which the shares sum to 1; None for all.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If they are no numbers.
    numpy.exceptions.AxisError, ValueError
        If an axis does not exist, or is given twice.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 4.1.

    Examples
    --------
    >>> from autodiff import special
    >>> special.log_softmax([0.0, 1000.0])
    array([-1000.,     0.])
    """
    if unknown:
        refuse_for_tensors("log_softmax", "log_softmax(x, {})", log_softmax, unknown)
    x = real_or_complex(x)
    return in_single(exponentials.log_softmax_over, x, axis=canonical_axes(axis, x.ndim, "log_softmax"))


@overload
def sum_of_squares(x: Tensor, axis: Axis = ..., *, keepdims: bool = ...) -> Tensor: ...
@overload
def sum_of_squares(x: Numbers, axis: Axis = ..., *, keepdims: bool = ...) -> Array: ...
def sum_of_squares(x: Tensor | Numbers, axis: Axis = None, *, keepdims: bool = False) -> Tensor | Array:
    """``sum(abs(x)**2)``: the square of a norm, smooth where the norm is 0.

    Parameters
    ----------
    x : array_like or Tensor
        Real or complex.
    axis : int or tuple of int, optional
        The axes to sum over; all of them if not given.
    keepdims : bool, default False
        Keep the summed axes, with length 1.

    Returns
    -------
    array or Tensor
        Real, without the summed axes, or with length 1 there.

    Raises
    ------
    DtypeError
        If they are no numbers.
    numpy.exceptions.AxisError, ValueError
        If an axis does not exist, or is given twice.

    Notes
    -----
    ``np.linalg.norm(x)**2`` has the right gradient at 0, but no second derivative there; this function does.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 2.5.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.hessian(ad.special.sum_of_squares)(np.zeros(2))
    array([[2., 0.],
           [0., 2.]])
    """
    x = real_or_complex(x)
    squares = x * x if x.dtype.kind == "f" else x.real * x.real + x.imag * x.imag
    return reductions.sum_over(squares, axis=canonical_axes(axis, x.ndim, "sum_of_squares"), keepdims=bool(keepdims))
