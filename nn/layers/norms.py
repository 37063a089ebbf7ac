"""Normalisation of each sample on its own: layer, group and root-mean-square normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from autodiff import special
from nn.checks import positive
from nn.inputs import as_input
from nn.module import Module
from nn.parameters import Parameter


def _shape(who: str, given: Any) -> tuple[int, ...]:
    shape = (given,) if isinstance(given, (int, np.integer)) else tuple(given)
    positive(who, **{f"normalized_shape[{i}]": n for i, n in enumerate(shape)})
    if not shape:
        raise ValueError(f"{who}: normalized_shape needs the length of at least one axis; {given!r} was given.")
    return tuple(int(n) for n in shape)


def _check_last_axes(layer: Module, x: Any, shape: tuple[int, ...]) -> None:
    if x.shape[-len(shape) :] != shape:
        sizes = ", ".join(map(str, shape))
        raise ad.ShapeError(f"{layer!r} takes input of shape (..., {sizes}); it was given shape {x.shape}.")


class LayerNorm(Module):
    """Normalise the last axes to mean 0 and variance 1, then scale and shift elementwise.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The lengths of the last axes, over which to normalise.
    eps : float, default 1e-5
        Added to the variance.
    affine : bool, default True
        Whether to scale and shift afterwards, with learnable parameters.
    bias : bool, default True
        Whether to shift, if `affine`.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.

    Attributes
    ----------
    weight, bias : Parameter of shape `normalized_shape`, or None
        Initialised to 1 and 0.

    Raises
    ------
    autodiff.ShapeError
        When called: if the last axes of the input have other lengths.
    ValueError
        If a length is not a positive integer.

    Notes
    -----
    ``(x - mean) / sqrt(variance + eps) * weight + bias``.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton, Layer normalization, 2016, equation (4).

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LayerNorm(2)(np.array([[1.0, 3.0]])).data.round(3)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        affine: bool = True,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape("LayerNorm", normalized_shape)
        self.eps, self.dtype = float(eps), np.dtype(dtype)
        self.weight = Parameter(np.ones(self.normalized_shape, dtype)) if affine else None
        self.bias = Parameter(np.zeros(self.normalized_shape, dtype)) if affine and bias else None

    def forward(self, x: Any) -> ad.Tensor:
        """Normalise; the output has the shape of the input."""
        x = as_input(x, self.dtype)
        _check_last_axes(self, x, self.normalized_shape)
        axes = tuple(range(x.ndim - len(self.normalized_shape), x.ndim))
        y = special.layer_norm(x, self.weight, self.bias, axis=axes, eps=self.eps)
        return y if isinstance(y, ad.Tensor) else ad.Tensor(y)

    def describe(self) -> str:
        """The shape, and options that are not the defaults."""
        text = str(self.normalized_shape[0] if len(self.normalized_shape) == 1 else self.normalized_shape)
        text += f", eps={self.eps:g}" if self.eps != 1e-5 else ""
        return text + (", affine=False" if self.weight is None else ", bias=False" if self.bias is None else "")


class RMSNorm(Module):
    """Normalise the last axes to mean square 1, then scale elementwise.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The lengths of the last axes, over which to normalise.
    eps : float, optional
        Added to the mean square; by default the machine epsilon of the input's dtype, as in torch.
    affine : bool, default True
        Whether to scale afterwards, with learnable parameters.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.

    Attributes
    ----------
    weight : Parameter of shape `normalized_shape`, or None
        Initialised to 1.

    Raises
    ------
    autodiff.ShapeError
        When called: if the last axes of the input have other lengths.
    ValueError
        If a length is not a positive integer.

    Notes
    -----
    ``x / sqrt(mean(x**2) + eps) * weight``.

    References
    ----------
    B. Zhang and R. Sennrich, Root mean square layer normalization, 2019, equation (4).

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.RMSNorm(2)(np.array([[1.0, 7.0]])).data.round(3)
    array([[0.2, 1.4]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        affine: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape("RMSNorm", normalized_shape)
        self.eps, self.dtype = eps, np.dtype(dtype)
        self.weight = Parameter(np.ones(self.normalized_shape, dtype)) if affine else None

    def forward(self, x: Any) -> ad.Tensor:
        """Normalise; the output has the shape of the input."""
        x = as_input(x, self.dtype)
        _check_last_axes(self, x, self.normalized_shape)
        axes = tuple(range(x.ndim - len(self.normalized_shape), x.ndim))
        y = special.rms_normalize(x, axes, eps=float(np.finfo(x.dtype).eps) if self.eps is None else self.eps)
        y = y if self.weight is None else y * self.weight
        return y if isinstance(y, ad.Tensor) else ad.Tensor(y)

    def describe(self) -> str:
        """The shape, and options that are not the defaults."""
        text = str(self.normalized_shape[0] if len(self.normalized_shape) == 1 else self.normalized_shape)
        text += "" if self.eps is None else f", eps={self.eps:g}"
        return text + (", affine=False" if self.weight is None else "")


class GroupNorm(Module):
    """Normalise groups of channels to mean 0 and variance 1 in each sample, then scale and shift each channel.

    Parameters
    ----------
    num_groups : int
        Number of groups into which the channels are divided.
    num_channels : int
        Number of channels: (n, channels, ...).
    eps : float, default 1e-5
        Added to the variance.
    affine : bool, default True
        Whether to scale and shift afterwards, with learnable parameters.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.

    Attributes
    ----------
    weight, bias : Parameter, (num_channels,), or None
        Initialised to 1 and 0.

    Raises
    ------
    ValueError
        If the channels cannot be divided into equal groups.
    autodiff.ShapeError
        When called: if the input is not (n, num_channels, ...).

    Notes
    -----
    ``(x - mean) / sqrt(variance + eps) * weight + bias``, with mean and variance over a group of channels.

    References
    ----------
    Y. Wu and K. He, Group normalization, 2018, equation (7).

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GroupNorm(2, 4)(np.ones((5, 4, 3))).shape
    (5, 4, 3)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        positive("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels cannot be divided into {num_groups} equal groups.")
        self.num_groups, self.num_channels = int(num_groups), int(num_channels)
        self.eps, self.dtype = float(eps), np.dtype(dtype)
        self.weight = Parameter(np.ones(num_channels, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_channels, dtype)) if affine else None

    def forward(self, x: Any) -> ad.Tensor:
        """Normalise; the output has the shape of the input."""
        x = as_input(x, self.dtype)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ad.ShapeError(
                f"{self!r} takes input of shape (n, {self.num_channels}, ...); it was given shape {x.shape}."
            )
        groups = (x.shape[0], self.num_groups, self.num_channels // self.num_groups, *x.shape[2:])
        y = special.standardize(x.reshape(groups), tuple(range(2, x.ndim + 1)), eps=self.eps)[0].reshape(x.shape)
        if self.weight is not None and self.bias is not None:
            column = (self.num_channels, *(1,) * (x.ndim - 2))
            y = y * self.weight.reshape(column) + self.bias.reshape(column)
        return y if isinstance(y, ad.Tensor) else ad.Tensor(y)

    def describe(self) -> str:
        """Sizes, and options that are not the defaults."""
        text = f"{self.num_groups}, {self.num_channels}" + (f", eps={self.eps:g}" if self.eps != 1e-5 else "")
        return text + (", affine=False" if self.weight is None else "")
