"""Metrics of a model, for people to read; nothing here is differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from nn.checks import not_class_numbers, positive
from nn.inputs import array_of


def accuracy(outputs: Any, labels: Any) -> float:
    """The fraction of correct predictions.

    Parameters
    ----------
    outputs : array_like or Tensor, (n, k) or (n,)
        Scores of k classes, of which the largest is the prediction; or one score, which predicts label 1 if positive
        and 0 otherwise; or, as integers (n,), the predicted labels.
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
    given, answers, _ = _predicted("accuracy", outputs, labels)
    return float((given == answers).mean()) if answers.size else float("nan")


def _predicted(who: str, outputs: Any, labels: Any) -> tuple[Any, Any, int | None]:
    """The predicted labels, the right ones, and the number of classes as far as the outputs say it."""
    scores, answers = (array_of(x) for x in (outputs, labels))
    if scores.ndim not in (1, 2) or scores.shape[:1] != answers.shape or scores.shape[1:] in ((0,), (1,)):
        raise ad.ShapeError(
            f"{who}: outputs must have shape (n, k) or (n,), and labels (n,); {scores.shape} and {answers.shape} "
            f"were given." + (" For a single score use outputs[:, 0]." if scores.shape[1:] == (1,) else "")
        )
    if scores.dtype.kind not in "fiub" and scores.size:
        raise ad.DtypeError(
            f"{who}: outputs must be scores, or predicted labels as integers; dtype {scores.dtype} was given. Number "
            f"the names: names, numbers = np.unique(labels, return_inverse=True)."
        )
    if answers.dtype.kind in "OUST" and answers.size:
        raise not_class_numbers(who, answers)
    if scores.ndim == 2:
        return scores.argmax(axis=1), answers, scores.shape[1]
    k = 2 if scores.dtype.kind in "fb" else None
    return (scores > 0).astype(int) if scores.dtype.kind == "f" else scores.astype(int), answers, k


def confusion_matrix(outputs: Any, labels: Any, *, classes: int | None = None) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The confusion matrix: how often each class was predicted for each right class.

    Parameters
    ----------
    outputs : array_like or Tensor, (n, k) or (n,)
        Scores of k classes, or predicted labels. They come first: in scikit-learn they come second.
    labels : array_like of int, (n,)
        The right labels.
    classes : int, optional
        The number of classes k; if not given, that of the scores, or the smallest that fits predicted labels.

    Returns
    -------
    ndarray of int, (k, k)
        Rows are the right classes, columns the predictions. `nn.plotting.confusion` draws it.

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
    >>> nn.confusion_matrix([0, 1, 1], [0, 0, 1])  # the same predictions as labels
    array([[1, 1],
           [0, 1]])
    """
    given, answers, k = _predicted("confusion_matrix", outputs, labels)
    if answers.dtype.kind not in "iub" and answers.size:
        raise not_class_numbers("confusion_matrix", answers)
    answers = answers.astype(np.int64)
    if classes is not None:
        positive("confusion_matrix", classes=classes)
        if k is not None and k != classes:
            raise ad.ShapeError(f"confusion_matrix: classes={classes} was given, and scores of {k} classes.")
        k = int(classes)
    if k is None:
        k = 1 + max(int(given.max(initial=0)), int(answers.max(initial=0)))
    for what, numbers in (("labels", answers), ("predicted labels", given)):
        wrong = (numbers < 0) | (numbers >= k)
        if wrong.any():
            raise ad.DomainError(
                f"confusion_matrix: {what} must be in 0..{k - 1} for {k} classes; label {numbers[wrong][0]} was given."
            )
    counts = np.zeros((k, k), np.int64)
    np.add.at(counts, (answers, given), 1)
    return counts
