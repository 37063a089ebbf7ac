"""Losses: a prediction and a target to one number, the mean over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import special
from nn.module import as_input


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, ad.Tensor) else np.asarray(x)


def mse_loss(prediction: Any, target: Any) -> ad.Tensor:
    """Mean squared error.

    Parameters
    ----------
    prediction : Tensor, any shape
    target : array_like or Tensor, the same shape
        Untracked numbers are cast to the prediction's dtype.

    Returns
    -------
    Tensor, ()
        ``mean((prediction - target)**2)`` over all entries.

    Raises
    ------
    autodiff.ShapeError
        If the shapes differ. They are not broadcast: (n, 1) against (n,) would average n^2 differences.

    Examples
    --------
    >>> import autodiff as ad, nn
    >>> nn.mse_loss(ad.tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0
    """
    prediction = prediction if isinstance(prediction, ad.Tensor) else ad.Tensor(prediction)
    if prediction.dtype.kind in "iub":
        prediction = prediction.astype(float)
    if not isinstance(target, ad.Tensor) or not target.requires_grad:
        target = as_input(_plain(target), prediction.dtype)
    for who, x in (("prediction", prediction), ("target", target)):
        if x.dtype.kind != "f":
            raise ad.DtypeError(
                f"mse_loss: the {who} has dtype {x.dtype}; expected real numbers. Of complex ones, take real and "
                f"imaginary part apart."
            )
    if prediction.shape != target.shape:
        raise ad.ShapeError(
            f"mse_loss: the prediction has shape {prediction.shape} and the target {target.shape}; they must be equal. "
            f"{_mend(prediction.shape, target.shape)}"
        )
    return special.mse(prediction, target)


def _mend(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    if prediction == (*target, 1):
        return "Did you mean target[:, None], or prediction[:, 0]?"
    if target == (*prediction, 1):
        return "Did you mean target[:, 0]?"
    return "Reshape one of them."


def cross_entropy(logits: Any, labels: Any) -> ad.Tensor:
    """Cross-entropy between class labels and the softmax of logits, mean over the batch.

    Parameters
    ----------
    logits : Tensor, (n, k)
        Unnormalised log-probabilities of k classes.
    labels : array_like of int, (n,)
        The right classes, 0..k-1.

    Returns
    -------
    Tensor, ()
        ``-mean(log softmax(logits)[labels])``, finite for logits of any magnitude.

    Raises
    ------
    autodiff.ShapeError, autodiff.DtypeError, ValueError
        If the shapes do not fit, the labels are not integers, or a label is not one of the classes.

    Examples
    --------
    >>> import numpy as np, autodiff as ad, nn
    >>> round(nn.cross_entropy(ad.tensor(np.zeros((4, 2))), [0, 1, 1, 0]).item(), 6)
    0.693147
    """
    logits = logits if isinstance(logits, ad.Tensor) else ad.Tensor(logits)
    labels = _plain(labels)
    shape = logits.shape
    if len(shape) != 2 or labels.shape != shape[:1]:
        raise ad.ShapeError(
            f"cross_entropy: logits have shape (n, k) and labels (n,); given were {shape} and {labels.shape}."
            + (" Labels in one-hot form: use labels.argmax(1)." if labels.shape == shape else "")
            + (" Labels in a column: use labels[:, 0]." if labels.shape == (*shape[:1], 1) != shape else "")
        )
    return special.softmax_cross_entropy(logits, labels)
