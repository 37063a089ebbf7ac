"""Pooling: the largest entry, or the mean, of windows that slide over signals and images."""

from __future__ import annotations

from typing import Any, ClassVar

import autodiff as ad
from autodiff import special
from nn.checks import several, written
from nn.inputs import as_tensor
from nn.module import Module

Sizes = int | tuple[int, ...]


class _Pooling(Module):
    """The code that all pooling layers share: a window and its stride."""

    axes: ClassVar[int]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        who = type(self).__name__
        self.kernel_size = several(who, "kernel_size", kernel_size, self.axes, 1)
        self.stride = self.kernel_size if stride is None else several(who, "stride", stride, self.axes, 1)
        self.padding = several(who, "padding", padding, self.axes, 0)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"{who}: padding must be at most half the kernel, {written(self.kernel_size)}; {padding!r} was given."
            )

    def _checked(self, x: Any) -> Any:
        x = as_tensor(x)
        if x.ndim != self.axes + 2:
            spatial = ", ".join(("length",) if self.axes == 1 else ("height", "width"))
            raise ad.ShapeError(
                f"{self!r} takes input of shape (n, channels, {spatial}); it was given shape {x.shape}."
            )
        return x

    def describe(self) -> str:
        """Sizes, and options that are not the defaults."""
        text = written(self.kernel_size)
        text += f", stride={written(self.stride)}" if self.stride != self.kernel_size else ""
        return text + (f", padding={written(self.padding)}" if any(self.padding) else "")


class _MaxPooling(_Pooling):
    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.dilation = several(type(self).__name__, "dilation", dilation, self.axes, 1)

    def forward(self, x: Any) -> ad.Tensor:
        """Map (n, channels, *spatial) to (n, channels, *windows)."""
        y: ad.Tensor = special.max_pool(
            self._checked(x), self.kernel_size, stride=self.stride, padding=self.padding, dilation=self.dilation
        )
        return y

    def describe(self) -> str:
        """Sizes, and options that are not the defaults."""
        return super().describe() + (
            f", dilation={written(self.dilation)}" if any(d > 1 for d in self.dilation) else ""
        )


class _AveragePooling(_Pooling):
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x: Any) -> ad.Tensor:
        """Map (n, channels, *spatial) to (n, channels, *windows)."""
        y: ad.Tensor = special.average_pool(
            self._checked(x),
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            count_include_pad=self.count_include_pad,
        )
        return y


class MaxPool1d(_MaxPooling):
    """The largest entry of each window of signals (n, channels, length).

    Parameters
    ----------
    kernel_size : int
        Size of the window.
    stride : int, optional
        The step from window to window; the kernel size by default, so that windows do not overlap.
    padding : int, default 0
        Number of -inf entries added at both ends.
    dilation : int, default 1
        The spacing between entries of a window.

    Raises
    ------
    autodiff.ShapeError
        When called: if the input is not (n, channels, length), or shorter than the window.
    ValueError
        If a size is out of range.

    Notes
    -----
    If several entries of a window are largest, the first receives the gradient. The length becomes
    ``(length + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1``.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.3.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.MaxPool1d(2)(np.array([[[3.0, 1.0, 2.0, 4.0]]])).data
    array([[[3., 4.]]])
    """

    axes = 1


class MaxPool2d(_MaxPooling):
    """The largest entry of each window of images (n, channels, height, width).

    Parameters
    ----------
    kernel_size : int or tuple of int
        Size of the window.
    stride : int or tuple of int, optional
        The step from window to window; the kernel size by default, so that windows do not overlap.
    padding : int or tuple of int, default 0
        Number of -inf entries added at both ends.
    dilation : int or tuple of int, default 1
        The spacing between entries of a window.

    Raises
    ------
    autodiff.ShapeError
        When called: if the input is not (n, channels, height, width), or smaller than the window.
    ValueError
        If a size is out of range.

    Notes
    -----
    If several entries of a window are largest, the first receives the gradient. An axis becomes
    ``(size + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1`` long.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.3.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.MaxPool2d(2)(np.ones((1, 3, 28, 28))).shape
    (1, 3, 14, 14)
    """

    axes = 2


class AvgPool1d(_AveragePooling):
    """The mean of each window of signals (n, channels, length).

    Parameters
    ----------
    kernel_size : int
        Size of the window.
    stride : int, optional
        The step from window to window; the kernel size by default, so that windows do not overlap.
    padding : int, default 0
        Number of zeros added at both ends.
    count_include_pad : bool, default True
        Whether the added zeros count as entries.

    Raises
    ------
    autodiff.ShapeError
        When called: if the input is not (n, channels, length), or shorter than the window.
    ValueError
        If a size is out of range.

    Notes
    -----
    The length becomes ``(length + 2 padding - kernel_size) // stride + 1``.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.3.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AvgPool1d(2)(np.array([[[3.0, 1.0, 2.0, 4.0]]])).data
    array([[[2., 3.]]])
    """

    axes = 1


class AvgPool2d(_AveragePooling):
    """The mean of each window of images (n, channels, height, width).

    Parameters
    ----------
    kernel_size : int or tuple of int
        Size of the window.
    stride : int or tuple of int, optional
        The step from window to window; the kernel size by default, so that windows do not overlap.
    padding : int or tuple of int, default 0
        Number of zeros added at both ends.
    count_include_pad : bool, default True
        Whether the added zeros count as entries.

    Raises
    ------
    autodiff.ShapeError
        When called: if the input is not (n, channels, height, width), or smaller than the window.
    ValueError
        If a size is out of range.

    Notes
    -----
    An axis becomes ``(size + 2 padding - kernel_size) // stride + 1`` long.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.3.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AvgPool2d(2)(np.ones((1, 3, 28, 28))).shape
    (1, 3, 14, 14)
    """

    axes = 2
