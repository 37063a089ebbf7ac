"""Metrics of a model, for people to read; nothing here is differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from nn.checks import not_class_numbers


def accuracy(outputs: Any, labels: Any) -> float:
    """The fraction of correct predictions.

    Parameters
    ----------
    outputs : array_like or Tensor, (n, k) or (n,)
        Scores of k classes, of which the largest is the prediction; or one score, which predicts label 1 if positive
        and 0 otherwise.
    labels : array_like of int, (n,)

    Returns
    -------
    float

    Raises
    ------
    autodiff.ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), [0, 0])
    0.5
    """
    scores, answers = (np.asarray(x.data if isinstance(x, ad.Tensor) else x) for x in (outputs, labels))
    if scores.ndim not in (1, 2) or scores.shape[:1] != answers.shape or scores.shape[1:] in ((0,), (1,)):
        raise ad.ShapeError(
            f"accuracy: outputs must have shape (n, k) or (n,), and labels (n,); {scores.shape} and {answers.shape} "
            f"were given." + (" For a single score use outputs[:, 0]." if scores.shape[1:] == (1,) else "")
        )
    given = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
    return float((given == answers).mean()) if answers.size else float("nan")


def confusion_matrix(outputs: Any, labels: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The confusion matrix: how often each class was predicted for each right class.

    Parameters
    ----------
    outputs : array_like or Tensor, (n, k)
        Scores of k classes, of which the largest is the prediction.
    labels : array_like of int, (n,)

    Returns
    -------
    ndarray of int, (k, k)
        Rows are the right classes, columns the predictions.

    Raises
    ------
    autodiff.ShapeError, autodiff.DtypeError, autodiff.DomainError
        If the shapes do not fit, or a label is not one of the classes.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.confusion_matrix(np.array([[2.0, 1.0], [0.0, 3.0], [0.0, 1.0]]), [0, 0, 1])
    array([[1, 1],
           [0, 1]])
    """
    scores, answers = (np.asarray(x.data if isinstance(x, ad.Tensor) else x) for x in (outputs, labels))
    if scores.ndim != 2 or answers.shape != scores.shape[:1]:
        raise ad.ShapeError(
            f"confusion_matrix: outputs must have shape (n, k), and labels (n,); {scores.shape} and {answers.shape} "
            f"were given."
        )
    k = scores.shape[1]
    if answers.dtype.kind not in "iu" and answers.size:
        raise not_class_numbers("confusion_matrix", answers)
    wrong = (answers < 0) | (answers >= k)
    if wrong.any():
        raise ad.DomainError(
            f"confusion_matrix: labels must be in 0..{k - 1} for {k} classes; label {answers[wrong][0]} was given."
        )
    counts = np.zeros((k, k), np.int64)
    if answers.size:
        np.add.at(counts, (answers, scores.argmax(axis=1)), 1)
    return counts
