"""Losses for binary classification."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import special
from nn.losses._checks import check_between, real_pair, reduced, reduction_of, weight_of

_FLOOR = -100.0  # the logarithm of probability 0, as in torch


def binary_cross_entropy(prediction: Any, target: Any, *, weight: Any = None, reduction: str = "mean") -> ad.Tensor:
    """Cross-entropy of probabilities: ``-(y log p + (1 - y) log(1 - p))``.

    Parameters
    ----------
    prediction : Tensor, any shape
        Probabilities p, 0 to 1. For logits use `binary_cross_entropy_with_logits`, which loses no digits.
    target : array_like or Tensor, the same shape
        y, 0 to 1.
    weight : array_like, broadcast to that shape, optional
        A weight for each entry.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean over all entries, the sum, or each loss.

    Returns
    -------
    Tensor, () or the shape of the prediction
        In the dtype of the prediction.

    Raises
    ------
    autodiff.ShapeError, autodiff.DomainError
        If the shapes differ, or a number is not a probability.
    ValueError
        If `reduction` is unknown.

    Notes
    -----
    Logarithms are at least -100, as in torch: an event of probability 0 that happens costs 100, not infinity.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.2.2.2.

    Examples
    --------
    >>> import autodiff as ad, nn
    >>> round(nn.binary_cross_entropy(ad.tensor([0.5, 1.0]), [1.0, 1.0]).item(), 6)
    0.346574
    """
    name = "binary_cross_entropy"
    p, y = real_pair(prediction, target, name)
    check_between(p, 0.0, 1.0, name, "predictions", "For logits use binary_cross_entropy_with_logits.")
    check_between(y, 0.0, 1.0, name, "targets", "Scale them to probabilities.")
    with np.errstate(divide="ignore"):
        log_p, log_q = np.maximum(np.log(p), _FLOOR), np.maximum(np.log1p(-p), _FLOOR)
    losses = -(y * log_p + (1.0 - y) * log_q)
    return reduced(
        losses if weight is None else losses * weight_of(weight, p.shape, p.dtype, name), reduction_of(reduction, name)
    )


def binary_cross_entropy_with_logits(
    logits: Any, target: Any, *, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> ad.Tensor:
    """Cross-entropy of the sigmoid of logits, finite for logits of any size.

    Parameters
    ----------
    logits : Tensor, any shape
        Log-odds z.
    target : array_like or Tensor, the same shape
        y, 0 to 1.
    weight : array_like, broadcast to that shape, optional
        A weight for each entry.
    pos_weight : array_like, broadcast to that shape, optional
        Factor by which positive targets count more than negative ones.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean over all entries, the sum, or each loss.

    Returns
    -------
    Tensor, () or the shape of the logits
        In the dtype of the logits.

    Raises
    ------
    autodiff.ShapeError, autodiff.DomainError
        If the shapes differ, or a target is not from 0 to 1.
    ValueError
        If `reduction` is unknown.

    Notes
    -----
    ``softplus(z) - z y``; with `pos_weight` c, ``(1 - y) z + (1 + (c - 1) y) softplus(-z)``.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.2.2.2.

    Examples
    --------
    >>> import autodiff as ad, nn
    >>> nn.binary_cross_entropy_with_logits(ad.tensor([1000.0, -1000.0]), [1.0, 1.0]).item()
    500.0
    """
    name = "binary_cross_entropy_with_logits"
    z, y = real_pair(logits, target, name)
    check_between(y, 0.0, 1.0, name, "targets", "Scale them to probabilities.")
    if pos_weight is None:
        losses = special.softplus(z) - z * y
    else:
        c = weight_of(pos_weight, z.shape, z.dtype, name, "pos_weight")
        losses = (1.0 - y) * z + ((c - 1.0) * y + 1.0) * special.softplus(-z)
    return reduced(
        losses if weight is None else losses * weight_of(weight, z.shape, z.dtype, name), reduction_of(reduction, name)
    )


def hinge_loss(prediction: Any, target: Any, *, margin: float = 1.0, reduction: str = "mean") -> ad.Tensor:
    """``max(0, margin - y z)``: the loss is 0 once a prediction is on the right side by the margin.

    Parameters
    ----------
    prediction : Tensor, any shape
        Scores z; their sign is the predicted class.
    target : array_like, the same shape
        The right classes y, -1 or 1.
    margin : float, default 1.0
        How far on its side a prediction must be.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean over all entries, the sum, or each loss.

    Returns
    -------
    Tensor, () or the shape of the prediction
        In the dtype of the prediction.

    Raises
    ------
    autodiff.DomainError
        If a target is neither -1 nor 1.
    autodiff.ShapeError
        If the shapes differ.
    ValueError
        If `reduction` is unknown.

    References
    ----------
    C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20 (1995).

    Examples
    --------
    >>> import autodiff as ad, nn
    >>> nn.hinge_loss(ad.tensor([2.0, 0.5, -1.0]), [1, 1, 1], reduction="none").data
    array([0. , 0.5, 2. ])
    """
    z, y = real_pair(prediction, target, "hinge_loss")
    ad.check(_check_answers, y)
    return reduced(np.maximum(margin - z * y, 0.0), reduction_of(reduction, "hinge_loss"))


def _check_answers(answers: Any) -> None:
    bad = np.abs(answers) != 1
    if bad.any():
        raise ad.DomainError(
            f"hinge_loss: targets must be -1 or 1; {answers[bad][0]:.6g} was given. For labels 0 and 1 use "
            f"2 * labels - 1."
        )
