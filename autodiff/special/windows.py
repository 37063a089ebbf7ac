"""Convolution and pooling over the last axes of images and signals: (n, channels, length) or (n, channels, h, w)."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.errors import ShapeError
from autodiff.ops import windows
from autodiff.ops.indexing import getitem
from autodiff.ops.joining import pad
from autodiff.ops.shapes import operand, ravel
from autodiff.typing import Array

Sizes = int | tuple[int, ...]
Ends = tuple[tuple[int, int], ...]


def sizes(value: Any, d: int, what: str, low: int) -> tuple[int, ...]:
    """An option as a tuple with one integer for each of `d` axes, none below `low`."""
    many = (value,) * d if isinstance(value, (int, np.integer)) else tuple(value)
    if len(many) != d or any(not isinstance(v, (int, np.integer)) or v < low for v in many):
        raise ValueError(
            f"{what} must be an integer, {low} or more, or {d} of them, one for each axis; {value!r} was given."
        )
    return tuple(int(v) for v in many)


def _ends(padding: Any, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Ends:
    """The numbers of entries added before and after, for each axis."""
    if not isinstance(padding, str):
        return tuple((p, p) for p in sizes(padding, len(kernel), "padding", 0))
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding != "same":
        raise ValueError(f"padding must be an integer, a tuple of them, 'same' or 'valid'; {padding!r} was given.")
    if any(s != 1 for s in stride):
        raise ValueError(f"padding='same' keeps the size and therefore needs stride 1; the stride is {stride}.")
    spans = windows.extents(kernel, dilation)
    return tuple(((e - 1) // 2, e // 2) for e in spans)  # an odd total has the extra entry at the end, as in torch


def _padded(x: Any, ends: Ends, value: float) -> Any:
    return pad(x, [(0, 0), (0, 0), *ends], constant_values=value) if any(map(any, ends)) else x


def _fits(x: Any, kernel: tuple[int, ...], dilation: tuple[int, ...], name: str) -> None:
    spans = windows.extents(kernel, dilation)
    if any(e > n for e, n in zip(spans, x.shape[2:], strict=True)):
        raise ShapeError(
            f"{name}: a window that spans {spans} does not fit into {x.shape[2:]}, padding included. Pad more, or use "
            f"a smaller kernel."
        )


@overload
def convolution(
    x: Tensor,
    w: Array | Tensor,
    *,
    stride: Sizes = ...,
    padding: Sizes | str = ...,
    dilation: Sizes = ...,
    groups: int = ...,
) -> Tensor: ...
@overload
def convolution(
    x: Array | Tensor,
    w: Tensor,
    *,
    stride: Sizes = ...,
    padding: Sizes | str = ...,
    dilation: Sizes = ...,
    groups: int = ...,
) -> Tensor: ...
@overload
def convolution(
    x: Array,
    w: Array,
    *,
    stride: Sizes = ...,
    padding: Sizes | str = ...,
    dilation: Sizes = ...,
    groups: int = ...,
) -> Array: ...
def convolution(
    x: Any, w: Any, *, stride: Sizes = 1, padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1
) -> Tensor | Array:
    """Slide a kernel over the last axes. As in network layers, the kernel is not reversed.

    Parameters
    ----------
    x : array or Tensor, (n, c, spatial...)
        With one or more spatial axes.
    w : array or Tensor, (k, c / groups, kernel...)
        One kernel for each output channel.
    stride, padding, dilation : int or tuple of int
        For each spatial axis: the step from window to window, the number of zeros added at both ends, the distance of
        entries within a window. Padding "same" adds as many as keep the size (with stride 1), "valid" adds none.
    groups : int, default 1
        Channels are divided into this many independent groups.

    Returns
    -------
    array or Tensor, (n, k, windows...)
        ``windows = (spatial + 2 padding - dilation (kernel - 1) - 1) // stride + 1``. In the dtype of the operands.

    Raises
    ------
    ShapeError
        If the channels do not match, or the kernel is larger than the image.

    Notes
    -----
    In one dimension ``y[i] = sum_j x[i * stride + j * dilation] * w[j]``, summed over the channels too.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, equation (9.6). V. Dumoulin, F. Visin, "A
    guide to convolution arithmetic for deep learning" (2016), on the sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.convolution(np.arange(5.0).reshape(1, 1, 5), np.array([[[-1.0, 1.0]]]))
    array([[[1., 1., 1., 1.]]])
    """
    x, w = operand(x), operand(w)
    d = w.ndim - 2
    if d < 1 or x.ndim != w.ndim:
        raise ShapeError(
            f"convolution: the input must be (n, channels, *spatial) and the weights (k, channels / groups, *kernel), "
            f"with equally many axes; {x.shape} and {w.shape} were given."
        )
    if not isinstance(groups, (int, np.integer)) or groups < 1 or w.shape[0] % groups:
        raise ShapeError(f"convolution: {w.shape[0]} output channels cannot be divided into {groups!r} equal groups.")
    if x.shape[1] != w.shape[1] * groups:
        raise ShapeError(
            f"convolution: weights of shape {w.shape} in {groups} group(s) take {w.shape[1] * groups} channels; the "
            f"input has shape {x.shape}, with {x.shape[1]}."
        )
    steps, apart = sizes(stride, d, "stride", 1), sizes(dilation, d, "dilation", 1)
    x = _padded(x, _ends(padding, w.shape[2:], steps, apart), 0.0)
    _fits(x, w.shape[2:], apart, "convolution")
    return windows.convolution(x, w, stride=steps, dilation=apart, groups=int(groups))


def _pooling(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, name: str) -> tuple[Any, Any, Ends]:
    """The input, the keywords of the window, and the padding at the ends."""
    x = operand(x)
    d = x.ndim - 2
    if d < 1:
        raise ShapeError(f"{name}: the input must be (n, channels, *spatial); its shape is {x.shape}.")
    kernel = sizes(kernel, d, "kernel", 1)
    stride = kernel if stride is None else sizes(stride, d, "stride", 1)
    padding, dilation = sizes(padding, d, "padding", 0), sizes(dilation, d, "dilation", 1)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ValueError(f"{name}: padding must be at most half of the kernel, {kernel}; {padding} was given.")
    return x, {"kernel": kernel, "stride": stride, "dilation": dilation}, tuple((p, p) for p in padding)


@overload
def max_pool(
    x: Tensor, kernel: Sizes, *, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ...
) -> Tensor: ...
@overload
def max_pool(
    x: Array, kernel: Sizes, *, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ...
) -> Array: ...
def max_pool(
    x: Any, kernel: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1
) -> Tensor | Array:
    """The largest entry of each window; of equal ones the first receives the gradient.

    Parameters
    ----------
    x : array or Tensor, (n, c, spatial...)
        With one or more spatial axes.
    kernel : int or tuple of int
        The window.
    stride : int or tuple of int, optional
        The step from window to window; by default the kernel, so that windows do not overlap.
    padding : int or tuple of int, default 0
        Entries of -inf added at both ends.
    dilation : int or tuple of int, default 1
        The distance of entries within a window.

    Returns
    -------
    array or Tensor, (n, c, windows...)
        In the dtype of the operands.

    Raises
    ------
    ShapeError
        If `x` has fewer than three axes, or a window does not fit into it.

    Notes
    -----
    There are ``windows = (spatial + 2 padding - dilation (kernel - 1) - 1) // stride + 1`` along each axis.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.3. V. Dumoulin, F. Visin, "A
    guide to convolution arithmetic for deep learning" (2016), on the sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.max_pool(np.array([[[3.0, 1.0, 2.0, 2.0]]]), 2)
    array([[[3., 2.]]])
    """
    x, how, ends = _pooling(x, kernel, stride, padding, dilation, "max_pool")
    x = _padded(x, ends, -math.inf)
    _fits(x, how["kernel"], how["dilation"], "max_pool")
    return getitem(ravel(x), windows.first_largest(x, **how))


@overload
def average_pool(
    x: Tensor, kernel: Sizes, *, stride: Sizes | None = ..., padding: Sizes = ..., count_include_pad: bool = ...
) -> Tensor: ...
@overload
def average_pool(
    x: Array, kernel: Sizes, *, stride: Sizes | None = ..., padding: Sizes = ..., count_include_pad: bool = ...
) -> Array: ...
def average_pool(
    x: Any, kernel: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0, count_include_pad: bool = True
) -> Tensor | Array:
    """The mean of each window.

    Parameters
    ----------
    x : array or Tensor, (n, c, spatial...)
        With one or more spatial axes.
    kernel : int or tuple of int
        The window.
    stride : int or tuple of int, optional
        The step from window to window; by default the kernel.
    padding : int or tuple of int, default 0
        Zeros added at both ends.
    count_include_pad : bool, default True
        Whether these zeros count as entries.

    Returns
    -------
    array or Tensor, (n, c, windows...)
        In the dtype of the operands.

    Raises
    ------
    ShapeError
        If `x` has fewer than three axes, or a window does not fit into it.

    Notes
    -----
    There are ``windows = (spatial + 2 padding - kernel) // stride + 1`` along each axis.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.3. V. Dumoulin, F. Visin, "A
    guide to convolution arithmetic for deep learning" (2016), on the sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.average_pool(np.array([[[3.0, 1.0, 2.0, 2.0]]]), 2)
    array([[[2., 2.]]])
    """
    x, how, ends = _pooling(x, kernel, stride, padding, 1, "average_pool")
    inside = x.shape[2:]
    x = _padded(x, ends, 0.0)
    _fits(x, how["kernel"], how["dilation"], "average_pool")
    total = windows.sum_windows(x, **how)
    if count_include_pad or not any(map(any, ends)):
        return total / float(math.prod(how["kernel"]))
    here = np.pad(np.ones((1, 1, *inside), x.dtype), [(0, 0), (0, 0), *ends])
    return total / windows.sum_windows(here, **how)
