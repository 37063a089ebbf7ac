"""Losses for regression."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import special
from nn.losses._checks import real_pair, reduced, reduction_of


def mse_loss(prediction: Any, target: Any, *, reduction: str = "mean") -> ad.Tensor:
    """Mean squared error, ``mean((prediction - target)**2)``.

    Parameters
    ----------
    prediction : Tensor, any shape
        The outputs of the model.
    target : array_like or Tensor, the same shape
        Untracked numbers are cast to the prediction's dtype.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean over all entries, the sum, or each square.

    Returns
    -------
    Tensor, () or the shape of the prediction
        In the dtype of the prediction.

    Raises
    ------
    autodiff.ShapeError
        If the shapes differ. They are not broadcast: (n, 1) against (n,) would average n^2 differences.
    ValueError
        If `reduction` is unknown.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, equation (5.4).

    Examples
    --------
    >>> import autodiff as ad, nn
    >>> nn.mse_loss(ad.tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0
    """
    prediction, target = real_pair(prediction, target, "mse_loss")
    if reduction == "mean":
        y: ad.Tensor = special.mse(prediction, target)
        return y
    reduction_of(reduction, "mse_loss")
    return reduced((prediction - target) ** 2, reduction)


def l1_loss(prediction: Any, target: Any, *, reduction: str = "mean") -> ad.Tensor:
    """Mean absolute error, ``mean(|prediction - target|)``; the slope is 0 where prediction and target are equal.

    Parameters
    ----------
    prediction : Tensor, any shape
        The outputs of the model.
    target : array_like or Tensor, the same shape
        Untracked numbers are cast to the prediction's dtype.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean over all entries, the sum, or each difference.

    Returns
    -------
    Tensor, () or the shape of the prediction
        In the dtype of the prediction.

    Raises
    ------
    autodiff.ShapeError
        If the shapes differ.
    ValueError
        If `reduction` is unknown.

    References
    ----------
    P. Bloomfield, W. L. Steiger, "Least Absolute Deviations", Birkhäuser 1983.

    Examples
    --------
    >>> import autodiff as ad, nn
    >>> nn.l1_loss(ad.tensor([1.0, 2.0]), [1.0, 4.0]).item()
    1.0
    """
    prediction, target = real_pair(prediction, target, "l1_loss")
    return reduced(abs(prediction - target), reduction_of(reduction, "l1_loss"))


def huber_loss(prediction: Any, target: Any, *, delta: float = 1.0, reduction: str = "mean") -> ad.Tensor:
    """A parabola near 0 and a line beyond: ``d^2 / 2`` for ``|d|`` up to `delta`, then ``delta (|d| - delta / 2)``.

    Parameters
    ----------
    prediction : Tensor, any shape
        The outputs of the model.
    target : array_like or Tensor, the same shape
        Untracked numbers are cast to the prediction's dtype.
    delta : float, default 1.0
        Where the parabola passes into the line.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean over all entries, the sum, or each loss.

    Returns
    -------
    Tensor, () or the shape of the prediction
        In the dtype of the prediction.

    Raises
    ------
    ValueError
        If `delta` is not positive, or `reduction` is unknown.
    autodiff.ShapeError
        If the shapes differ.

    References
    ----------
    P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964).

    Examples
    --------
    >>> import autodiff as ad, nn
    >>> nn.huber_loss(ad.tensor([0.5, 3.0]), [0.0, 0.0], reduction="none").data
    array([0.125, 2.5  ])
    """
    prediction, target = real_pair(prediction, target, "huber_loss")
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive; {delta!r} was given.")
    d = prediction - target
    size = abs(d)
    losses = np.where(size <= delta, d * d * 0.5, (size - 0.5 * delta) * delta)
    return reduced(losses, reduction_of(reduction, "huber_loss"))
