"""Normalisation of entries to a common scale."""

from __future__ import annotations

from typing import Any, overload

from autodiff.arrays.tensors import Tensor
from autodiff.errors import ShapeError
from autodiff.ops import normalizing
from autodiff.ops.shapes import canonical_axes, in_single
from autodiff.special._operands import real
from autodiff.typing import Array, Axis, Numbers


def _axes(x: Any, axis: Any, name: str) -> tuple[int, ...]:
    axes = canonical_axes(axis, x.ndim, name)
    axes = tuple(range(x.ndim)) if axes is None else axes
    if any(x.shape[i] == 0 for i in axes):
        raise ShapeError(f"{name}: the mean of no entries does not exist; the shape is {x.shape}, the axes are {axes}.")
    return axes


@overload
def standardize(x: Tensor, axis: Axis = ..., *, eps: float = ...) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def standardize(x: Numbers, axis: Axis = ..., *, eps: float = ...) -> tuple[Array, Array, Array]: ...
def standardize(
    x: Tensor | Numbers, axis: Axis = -1, *, eps: float = 1e-5
) -> tuple[Tensor | Array, Tensor | Array, Tensor | Array]:
    """``(x - mean) / sqrt(variance + eps)`` along some axes, in one operation.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    axis : int or tuple of int, or None, default -1
        The axes over which mean and variance are taken; None for all.
    eps : float, default 1e-5
        Keeps the quotient finite where all entries are equal.

    Returns
    -------
    y : array or Tensor
        In the shape and dtype of `x`; integers become float64.
    mean, variance : array or Tensor
        With length 1 along `axis`; the variance is that of the entries (ddof=0).

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> y, mean, variance = special.standardize(np.array([1.0, 3.0]), eps=0.0)
    >>> y, mean, variance
    (array([-1.,  1.]), array([2.]), array([1.]))
    """
    x = real(x, "standardize")
    return in_single(normalizing.standardized, x, axes=_axes(x, axis, "standardize"), eps=float(eps))


@overload
def layer_norm(
    x: Tensor,
    weight: Tensor | Numbers | None = ...,
    bias: Tensor | Numbers | None = ...,
    *,
    axis: Axis = ...,
    eps: float = ...,
) -> Tensor: ...
@overload
def layer_norm(
    x: Tensor | Numbers, weight: Tensor, bias: Tensor | Numbers | None = ..., *, axis: Axis = ..., eps: float = ...
) -> Tensor: ...
@overload
def layer_norm(
    x: Tensor | Numbers, weight: Tensor | Numbers | None, bias: Tensor, *, axis: Axis = ..., eps: float = ...
) -> Tensor: ...
@overload
def layer_norm(
    x: Numbers, weight: Numbers | None = ..., bias: Numbers | None = ..., *, axis: Axis = ..., eps: float = ...
) -> Array: ...
def layer_norm(
    x: Tensor | Numbers,
    weight: Tensor | Numbers | None = None,
    bias: Tensor | Numbers | None = None,
    *,
    axis: Axis = -1,
    eps: float = 1e-5,
) -> Tensor | Array:
    """`standardize` followed by a scale and a shift: ``standardized * weight + bias``.

    Parameters
    ----------
    x : array_like or Tensor, (..., d)
        Real.
    weight, bias : array or Tensor, (d,), optional
        Broadcast against `x`.
    axis : int or tuple of int, default -1
        The axes over which mean and variance are taken.
    eps : float, default 1e-5
        Added to the variance.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton, Layer normalization, 2016, equation (4).

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.layer_norm(np.array([[1.0, 3.0]]), np.array([2.0, 2.0]), np.array([0.0, 1.0]), eps=0.0)
    array([[-2.,  3.]])
    """
    x = real(x, "layer_norm")
    y = in_single(normalizing.standardized, x, axes=_axes(x, axis, "layer_norm"), eps=float(eps))[0]
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@overload
def rms_normalize(x: Tensor, axis: Axis = ..., *, eps: float = ...) -> Tensor: ...
@overload
def rms_normalize(x: Numbers, axis: Axis = ..., *, eps: float = ...) -> Array: ...
def rms_normalize(x: Tensor | Numbers, axis: Axis = -1, *, eps: float = 1e-6) -> Tensor | Array:
    """``x / sqrt(mean(x**2) + eps)`` along some axes, in one operation.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    axis : int or tuple of int, or None, default -1
        The axes over which the mean is taken; None for all.
    eps : float, default 1e-6
        Keeps the quotient finite where all entries are 0.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019, equation (4).

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.rms_normalize(np.array([1.0, 7.0]), eps=0.0)
    array([0.2, 1.4])
    """
    x = real(x, "rms_normalize")
    return in_single(normalizing.rms_scaled, x, axes=_axes(x, axis, "rms_normalize"), eps=float(eps))[0]
