"""Convolution over signals and images."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from autodiff import special
from nn.checks import positive, several, written
from nn.inputs import as_input
from nn.module import Module
from nn.parameters import Parameter
from nn.randomness import generator

Sizes = int | tuple[int, ...]


class _Convolution(Module):
    """The code that the layers for every number of dimensions share."""

    axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        who, d = type(self).__name__, self.axes
        positive(who, in_channels=in_channels, out_channels=out_channels, groups=groups)
        self.kernel_size = several(who, "kernel_size", kernel_size, d, 1)
        self.stride = several(who, "stride", stride, d, 1)
        self.dilation = several(who, "dilation", dilation, d, 1)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"{who}: padding must be an integer, 'same' or 'valid'; {padding!r} was given.")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(
                    f"{who}: padding='same' keeps the size and needs stride 1; stride {stride!r} was given."
                )
        self.padding = padding if isinstance(padding, str) else several(who, "padding", padding, d, 0)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{who}: {in_channels} input and {out_channels} output channels cannot both be divided into {groups} "
                f"equal groups."
            )
        self.in_channels, self.out_channels, self.groups = int(in_channels), int(out_channels), int(groups)
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        draw = generator(rng)
        self.weight = Parameter(draw.uniform(-bound, bound, shape).astype(dtype))
        self.bias = Parameter(draw.uniform(-bound, bound, out_channels).astype(dtype)) if bias else None

    def forward(self, x: Any) -> ad.Tensor:
        """Map (n, in_channels, spatial...) to (n, out_channels, windows...)."""
        weight = self.weight
        x = as_input(x, weight.dtype)
        if x.ndim != self.axes + 2 or x.shape[1] != self.in_channels:
            spatial = ", ".join(("length",) if self.axes == 1 else ("height", "width"))
            raise ad.ShapeError(
                f"{self!r} takes input of shape (n, {self.in_channels}, {spatial}); it was given shape {x.shape}."
            )
        y: ad.Tensor = special.convolution(
            x, weight, stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups
        )
        return y if self.bias is None else y + self.bias[(slice(None), *(None,) * self.axes)]

    def describe(self) -> str:
        """Sizes, and options that are not the defaults."""
        text = f"{self.in_channels}, {self.out_channels}, {written(self.kernel_size)}"
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1)):
            value = getattr(self, name)
            if isinstance(value, str) or any(v != default for v in value):
                text += f", {name}={value!r}" if isinstance(value, str) else f", {name}={written(value)}"
        return (
            text
            + (f", groups={self.groups}" if self.groups > 1 else "")
            + ("" if self.bias is not None else ", bias=False")
        )


class Conv1d(_Convolution):
    """Slide a kernel over signals: (n, channels, length).

    Parameters
    ----------
    in_channels, out_channels : int
        Number of input and output channels.
    kernel_size : int or tuple of int
        Size of the window.
    stride : int or tuple of int, default 1
        The step from window to window.
    padding : int, tuple of int, "same" or "valid", default 0
        Number of zeros added at both ends of each axis. "same" keeps the size (stride 1 only; an odd number of zeros
        puts the extra one at the end), "valid" adds none.
    dilation : int or tuple of int, default 1
        The spacing between entries of a window.
    groups : int, default 1
        Number of groups into which the channels are divided; groups do not interact.
    bias : bool, default True
        Whether to add a bias to each channel.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    weight : Parameter, (out_channels, in_channels / groups, kernel)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ValueError
        If the channels cannot be divided into `groups`; if `padding` is something else than those above, or "same"
        with another stride than 1.
    autodiff.ShapeError
        When called: if the input is not (n, in_channels, length), or shorter than the window.

    Notes
    -----
    ``y[k, i] = bias[k] + sum_(c, j) weight[k, c, j] * x[c, i * stride + j * dilation]``: the kernel is not reversed.
    The length becomes ``(length + 2 padding - dilation (kernel - 1) - 1) // stride + 1``. Weight and bias are
    initialised uniformly in +-1/sqrt(in_channels / groups * kernel), as in torch.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.1. V. Dumoulin, F. Visin, "A
    guide to convolution arithmetic for deep learning" (2016), on the sizes.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Conv1d(2, 4, 3, padding="same")(np.ones((5, 2, 10))).shape
    (5, 4, 10)
    """

    axes = 1


class Conv2d(_Convolution):
    """Slide a kernel over images: (n, channels, height, width).

    Parameters
    ----------
    in_channels, out_channels : int
        Number of input and output channels.
    kernel_size : int or tuple of int
        Size of the window; like the sizes below one number for both axes, or a pair.
    stride : int or tuple of int, default 1
        The step from window to window.
    padding : int, tuple of int, "same" or "valid", default 0
        Number of zeros added at both ends of each axis. "same" keeps the size (stride 1 only; an odd number of
        zeros puts the extra one at the end), "valid" adds none.
    dilation : int or tuple of int, default 1
        The spacing between entries of a window.
    groups : int, default 1
        Number of groups into which the channels are divided; groups do not interact.
    bias : bool, default True
        Whether to add a bias to each channel.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    weight : Parameter, (out_channels, in_channels / groups, kernel...)
    bias : Parameter, (out_channels,), or None

    Raises
    ------
    ValueError
        If the channels cannot be divided into `groups`; if `padding` is something else than those above, or "same"
        with another stride than 1.
    autodiff.ShapeError
        When called: if the input is not (n, in_channels, height, width), or smaller than the window.

    Notes
    -----
    The formula of `Conv1d`, along both axes; the kernel is not reversed. An axis becomes
    ``(size + 2 padding - dilation (kernel - 1) - 1) // stride + 1`` long. Weight and bias are initialised uniformly in
    +-1/sqrt(in_channels / groups * prod(kernel)), as in torch.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.1. V. Dumoulin, F. Visin, "A
    guide to convolution arithmetic for deep learning" (2016), on the sizes.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Conv2d(3, 8, 5, stride=2, padding=2)
    >>> layer(np.ones((1, 3, 28, 28))).shape
    (1, 8, 14, 14)
    >>> layer
    Conv2d(3, 8, 5, stride=2, padding=2)
    """

    axes = 2
