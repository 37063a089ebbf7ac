"""How good a model is, as a number for people; nothing here is differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad


def accuracy(outputs: Any, labels: Any) -> float:
    """The share of right answers.

    Parameters
    ----------
    outputs : array_like or Tensor, (n, k) or (n,)
        Scores of k classes, of which the largest is the answer; or one score, whose sign is: label 1 if it is positive.
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
            f"accuracy: outputs have shape (n, k) or (n,), labels (n,); given were {scores.shape} and {answers.shape}."
            + (" Of a single score for yes or no take outputs[:, 0]." if scores.shape[1:] == (1,) else "")
        )
    given = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
    return float((given == answers).mean()) if answers.size else float("nan")


def confusion_matrix(outputs: Any, labels: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How often a class was taken for another.

    Parameters
    ----------
    outputs : array_like or Tensor, (n, k)
        Scores of k classes, of which the largest is the answer.
    labels : array_like of int, (n,)

    Returns
    -------
    ndarray of int, (k, k)
        Rows by the right class, columns by the answer.

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
            f"confusion_matrix: outputs have shape (n, k), labels (n,); given were {scores.shape} and {answers.shape}."
        )
    k = scores.shape[1]
    if answers.dtype.kind not in "iu" and answers.size:
        raise ad.DtypeError(
            f"confusion_matrix: labels are class numbers of an integer type; they have dtype {answers.dtype}. If they "
            f"are whole numbers, use labels.astype(int)."
        )
    wrong = (answers < 0) | (answers >= k)
    if wrong.any():
        raise ad.DomainError(
            f"confusion_matrix: labels are in 0..{k - 1} for {k} classes; label {answers[wrong][0]} was given."
        )
    counts = np.zeros((k, k), np.int64)
    if answers.size:
        np.add.at(counts, (answers, scores.argmax(axis=1)), 1)
    return counts
