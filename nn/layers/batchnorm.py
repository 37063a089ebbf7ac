"""Batch normalisation: mean 0 and variance 1 for each channel over the batch."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from autodiff import special
from nn.checks import positive
from nn.inputs import as_input
from nn.module import Module
from nn.parameters import Buffer, Parameter


class _BatchNorm(Module):
    """The code that the layers for every number of dimensions share."""

    takes: ClassVar[dict[int, str]]  # number of axes -> the rest of the shape, for messages

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        positive(who, num_features=num_features)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(f"{who}: momentum must be a number from 0 to 1, or None; {momentum!r} was given.")
        if not eps > 0:
            raise ValueError(f"{who}: eps must be positive; {eps!r} was given.")
        self.num_features, self.eps, self.momentum = int(num_features), float(eps), momentum
        self.dtype = np.dtype(dtype)
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine else None
        self.running_mean = Buffer(np.zeros(num_features, dtype)) if track_running_stats else None
        self.running_var = Buffer(np.ones(num_features, dtype)) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.array(0)) if track_running_stats else None

    def forward(self, x: Any) -> ad.Tensor:
        """Normalise; the output has the shape of the input."""
        x = as_input(x, self.dtype)
        if x.ndim not in self.takes or x.shape[1] != self.num_features:
            shapes = " or ".join(f"(n, {self.num_features}{text})" for text in self.takes.values())
            raise ad.ShapeError(f"{self!r} takes input of shape {shapes}; it was given shape {x.shape}.")
        column = (self.num_features, *(1,) * (x.ndim - 2))
        if self.training or self.running_mean is None or self.running_var is None:
            axes = (0, *range(2, x.ndim))
            count = math.prod(x.shape[i] for i in axes)
            if count < 2:
                raise ad.ShapeError(
                    f"{self!r} in training mode takes mean and variance over the batch, and needs at least two values "
                    f"for each channel; shape {x.shape} has {count}. Give a larger batch; leave out a last "
                    f"batch that is not full, with drop_last=True in nn.fit or nn.batches; or call .eval()."
                )
            y, mean, variance = special.standardize(x, axes, eps=self.eps)
            if self.training:
                self._track(mean, variance, count)
        else:
            # The factor of each channel is computed first, so that the root is not taken for every entry.
            scale = (self.running_var + self.eps) ** -0.5
            y = (x - self.running_mean.reshape(column)) * scale.reshape(column)
        if self.weight is not None and self.bias is not None:
            y = y * self.weight.reshape(column) + self.bias.reshape(column)
        return y if isinstance(y, ad.Tensor) else ad.Tensor(y)

    def _track(self, mean: Any, variance: Any, count: int) -> None:
        """Move the running statistics towards the mean and the unbiased variance of this batch."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.assign_(self.num_batches_tracked + 1)
        seen = self.num_batches_tracked.astype(self.running_mean.dtype)
        share: Any = 1.0 / seen if self.momentum is None else self.momentum
        for running, now in ((self.running_mean, mean), (self.running_var, variance)):
            now = now.detach() if isinstance(now, ad.Tensor) else now
            now = now.reshape(self.num_features) * (count / (count - 1) if running is self.running_var else 1.0)
            running.assign_(running * (1.0 - share) + now * share)

    def describe(self) -> str:
        """Sizes, and options that are not the defaults."""
        text = str(self.num_features)
        text += f", eps={self.eps:g}" if self.eps != 1e-5 else ""
        text += f", momentum={self.momentum}" if self.momentum != 0.1 else ""
        text += ", affine=False" if self.weight is None else ""
        return text + (", track_running_stats=False" if self.running_mean is None else "")


class BatchNorm1d(_BatchNorm):
    """Normalise each feature to mean 0 and variance 1 over the batch: (n, features) or (n, channels, length).

    Parameters
    ----------
    num_features : int
        Number of features or channels.
    eps : float, default 1e-5
        Added to the variance.
    momentum : float or None, default 0.1
        Weight of the new batch in the running statistics; None: they are the plain averages over all batches.
    affine : bool, default True
        Whether to scale and shift each feature afterwards, with learnable parameters.
    track_running_stats : bool, default True
        Whether to keep running statistics for evaluation; without them evaluation uses the batch, as training does.
    dtype : dtype, default float32
        Dtype of the parameters and running statistics; untracked input is cast to it.

    Attributes
    ----------
    weight, bias : Parameter, (num_features,), or None
        Initialised to 1 and 0.
    running_mean, running_var : Buffer, (num_features,), or None
        Initialised to 0 and 1.
    num_batches_tracked : Buffer, (), or None

    Raises
    ------
    ValueError
        If `momentum` is not from 0 to 1, or `eps` not positive.
    autodiff.ShapeError
        When called: if the shape of the input does not fit, or in training a channel has fewer than two values.

    Notes
    -----
    ``(x - mean) / sqrt(variance + eps) * weight + bias``. A batch is divided by its own standard deviation (ddof=0);
    the running variance averages the unbiased variances, as in torch.

    References
    ----------
    S. Ioffe and C. Szegedy, Batch normalization, 2015, algorithms 1 and 2.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.BatchNorm1d(1)
    >>> layer(np.array([[1.0], [3.0]])).data.round(3)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.running_mean.data
    array([0.2], dtype=float32)
    """

    takes: ClassVar[dict[int, str]] = {2: "", 3: ", length"}


class BatchNorm2d(_BatchNorm):
    """Normalise each channel to mean 0 and variance 1 over the batch: (n, channels, height, width).

    Parameters
    ----------
    num_features : int
        Number of channels.
    eps : float, default 1e-5
        Added to the variance.
    momentum : float or None, default 0.1
        Weight of the new batch in the running statistics; None: they are the plain averages over all batches.
    affine : bool, default True
        Whether to scale and shift each channel afterwards, with learnable parameters.
    track_running_stats : bool, default True
        Whether to keep running statistics for evaluation; without them evaluation uses the batch, as training does.
    dtype : dtype, default float32
        Dtype of the parameters and running statistics; untracked input is cast to it.

    Attributes
    ----------
    weight, bias : Parameter, (num_features,), or None
        Initialised to 1 and 0.
    running_mean, running_var : Buffer, (num_features,), or None
        Initialised to 0 and 1.
    num_batches_tracked : Buffer, (), or None

    Raises
    ------
    ValueError
        If `momentum` is not from 0 to 1, or `eps` not positive.
    autodiff.ShapeError
        When called: if the shape of the input does not fit, or in training a channel has fewer than two values.

    Notes
    -----
    ``(x - mean) / sqrt(variance + eps) * weight + bias``, with mean and variance as in `BatchNorm1d`.

    References
    ----------
    S. Ioffe and C. Szegedy, Batch normalization, 2015, algorithms 1 and 2, and section 3.2 on images.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.BatchNorm2d(3)
    >>> layer(np.random.default_rng(0).normal(size=(4, 3, 5, 5))).shape
    (4, 3, 5, 5)
    >>> list(layer.state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    takes: ClassVar[dict[int, str]] = {4: ", height, width"}
