"""Losses for classification into several classes."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import special
from nn.checks import not_class_numbers
from nn.inputs import as_input, as_tensor, plain
from nn.losses._checks import check_distribution, real_pair, reduced, reduction_of


def cross_entropy(
    logits: Any,
    target: Any,
    *,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> ad.Tensor:
    """Cross-entropy between the softmax of logits and class labels, or target distributions.

    Parameters
    ----------
    logits : Tensor, (n, k) or (n, k, ...), or (k,)
        Unnormalised log-probabilities of k classes. Further axes are positions, as in torch.
    target : array_like of int, (n, ...), or of float in the shape of the logits
        The right classes, 0..k-1, or a distribution over them.
    weight : array_like, (k,), optional
        A weight for each class. With labels, the mean then divides by the sum of the weights of the right classes.
    ignore_index : int, default -100
        A label whose entries do not count.
    label_smoothing : float, default 0.0
        The fraction of the target that is spread evenly over all classes.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean, the sum, or each loss.

    Returns
    -------
    Tensor, () or (n, ...)
        ``-log softmax(logits)[label]``, finite for logits of any magnitude. In the dtype of the logits.

    Raises
    ------
    autodiff.ShapeError, autodiff.DtypeError, autodiff.DomainError
        If the shapes do not fit, a label is not one of the classes, or a distribution does not sum to one.
    ValueError
        If `label_smoothing` is not from 0 to 1, or `reduction` is unknown.

    Notes
    -----
    Formulas, defaults and reductions are torch's: for distributions the mean is over samples and positions.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3. Label smoothing: C.
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016, section 7.

    Examples
    --------
    >>> import numpy as np, autodiff as ad, nn
    >>> round(nn.cross_entropy(ad.tensor(np.zeros((4, 2))), [0, 1, 1, 0]).item(), 6)
    0.693147
    >>> round(nn.cross_entropy(ad.tensor(np.zeros((1, 2))), [[0.25, 0.75]]).item(), 6)
    0.693147
    """
    name = "cross_entropy"
    logits = as_tensor(logits)
    if logits.dtype.kind != "f":
        raise ad.DtypeError(f"{name}: the logits have dtype {logits.dtype}; expected real floating numbers.")
    labels = plain(target)
    whole = labels.dtype.kind in "iu"
    simple = whole and weight is None and not label_smoothing and reduction == "mean" and logits.ndim == 2
    if simple:
        _check_shapes(logits.shape, labels.shape, name)
        y: ad.Tensor = special.softmax_cross_entropy(logits, labels, ignore_index=ignore_index)
        return y
    reduction_of(reduction, name)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"{name}: label_smoothing must be between 0 and 1; {label_smoothing!r} was given.")
    if not whole and labels.shape == logits.shape and logits.ndim:
        return _of_distributions(logits, target, weight, label_smoothing, reduction)
    _check_shapes(logits.shape, labels.shape, name)
    log_p = special.log_softmax(_classes_last(logits), axis=-1)
    return _picked(log_p, labels, weight, ignore_index, label_smoothing, reduction, name)


def _check_shapes(shape: tuple[int, ...], labels: tuple[int, ...], name: str) -> None:
    classes = 1 if len(shape) > 1 else 0
    if not shape or labels != shape[:classes] + shape[classes + 1 :]:
        column = len(shape) == 2 and labels == (shape[0], 1) != shape
        raise ad.ShapeError(
            f"{name}: logits must have shape (n, k) and labels (n,), or (n, k, ...) and (n, ...); {shape} and "
            f"{labels} were given."
            + (" For one-hot labels use labels.argmax(1), or make them floats." if labels == shape else "")
            + (" For labels in a column use labels[:, 0]." if column else "")
        )


def _classes_last(x: Any) -> Any:
    return x if x.ndim <= 2 else np.moveaxis(x, 1, -1)


def _class_weights(weight: Any, k: int, dtype: Any, name: str) -> Any:
    w = as_input(plain(weight), dtype)
    if w.shape != (k,):
        raise ad.ShapeError(f"{name}: weight has shape {w.shape}; expected ({k},), one number for each class.")
    return w


def _picked(
    log_p: Any, labels: Any, weight: Any, ignore_index: int, smoothing: float, reduction: str, name: str
) -> ad.Tensor:
    """The loss from log-probabilities (..., k) and labels (...)."""
    k = log_p.shape[-1]
    if labels.dtype.kind not in "iu":
        raise not_class_numbers(name, labels)

    def check_labels(labels: Any) -> None:
        bad = (labels != ignore_index) & ((labels < 0) | (labels >= k))
        if bad.any():
            at = [int(i) for i in np.argwhere(bad)[0]]
            raise ad.DomainError(
                f"labels must be in 0..{k - 1} for {k} classes; label {labels[tuple(at)]} was given (entry {at or 0})"
            )

    ad.check(check_labels, labels)
    counts = labels != ignore_index
    safe = np.where(counts, labels, 0)
    w = None if weight is None else _class_weights(weight, k, log_p.dtype, name)
    # index a Tensor: while a function is being compiled, labels cannot index an array
    share = counts.astype(log_p.dtype) if w is None else np.where(counts, ad.Tensor(w)[safe], 0.0)
    losses = -np.take_along_axis(log_p, safe[..., None], -1)[..., 0] * share
    if smoothing:
        spread = log_p if w is None else log_p * w
        even = np.where(counts, -spread.sum(axis=-1), 0.0)
        losses = losses * (1.0 - smoothing) + even * (smoothing / k)
    if reduction != "mean":
        return reduced(losses, reduction)
    whole = share.sum()
    total: ad.Tensor = losses.sum() / np.where(whole != 0, whole, np.nan)  # NaN if nothing counts, as in torch
    return total


def _of_distributions(logits: Any, target: Any, weight: Any, smoothing: float, reduction: str) -> ad.Tensor:
    name = "cross_entropy"
    axis = 1 if logits.ndim > 1 else 0
    if plain(target).dtype.kind == "b":  # one-hot
        target = plain(target).astype(logits.dtype)
    check_distribution(plain(target), axis, name)
    k = logits.shape[axis]
    is_tracked = isinstance(target, ad.Tensor) and target.requires_grad
    p = _classes_last(target if is_tracked else as_input(plain(target), logits.dtype))
    if smoothing:
        p = p * (1.0 - smoothing) + smoothing / k
    log_p = special.log_softmax(_classes_last(logits), axis=-1)
    # a term with probability 0 is 0, also where the log-probability is -inf
    terms = np.where(plain(p) != 0, log_p, 0.0) * p
    if weight is not None:
        terms = terms * _class_weights(weight, k, logits.dtype, name)
    return reduced(-terms.sum(axis=-1), reduction)


def nll_loss(
    log_probabilities: Any, labels: Any, *, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> ad.Tensor:
    """Minus the log-probability of the right classes, ``-log_probabilities[label]``.

    Parameters
    ----------
    log_probabilities : Tensor, (n, k) or (n, k, ...), or (k,)
        As returned by `special.log_softmax`; further axes are positions.
    labels : array_like of int, (n, ...)
        The right classes, 0..k-1.
    weight : array_like, (k,), optional
        A weight for each class. The mean then divides by the sum of the weights of the right classes.
    ignore_index : int, default -100
        A label whose entries do not count.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean, the sum, or each loss.

    Returns
    -------
    Tensor, () or (n, ...)
        In the dtype of the log-probabilities.

    Raises
    ------
    autodiff.DomainError
        If a number is positive, and so not a log-probability, or a label is not one of the classes.
    autodiff.ShapeError, autodiff.DtypeError
        If the shapes do not fit, or labels are not integers.
    ValueError
        If `reduction` is unknown.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad, nn
    >>> round(nn.nll_loss(ad.tensor(np.log([[0.25, 0.75]])), [1]).item(), 6)
    0.287682
    """
    log_p, labels = as_tensor(log_probabilities), plain(labels)
    reduction_of(reduction, "nll_loss")
    _check_shapes(log_p.shape, labels.shape, "nll_loss")
    ad.check(_check_log_probabilities, log_p)
    return _picked(_classes_last(log_p), labels, weight, ignore_index, 0.0, reduction, "nll_loss")


def _check_log_probabilities(log_p: Any) -> None:
    slack = 64 * float(np.finfo(log_p.dtype).eps)
    if (log_p > slack).any():
        raise ad.DomainError(
            f"nll_loss: log-probabilities are never positive; {log_p.max():.6g} was given. For logits use "
            f"cross_entropy."
        )


def kl_div(log_q: Any, p: Any, *, log_target: bool = False, reduction: str = "mean", axis: int = -1) -> ad.Tensor:
    """Kullback-Leibler divergence ``p (log p - log q)``, elementwise.

    Parameters
    ----------
    log_q : Tensor, any shape
        Log-probabilities of the model.
    p : array_like or Tensor, the same shape
        Probabilities of the data, which sum to one along an axis.
    log_target : bool, default False
        Whether `p` holds log-probabilities too.
    reduction : {"mean", "batchmean", "sum", "none"}, default "mean"
        "mean" is over all entries, as in torch; "batchmean", the sum divided by the length of the first axis, is the
        divergence of information theory.
    axis : int, default -1
        The axis along which probabilities sum to one.

    Returns
    -------
    Tensor, () or the shape of `log_q`
        In the dtype of `log_q`.

    Raises
    ------
    autodiff.ShapeError, autodiff.DomainError
        If the shapes differ, or `p` does not sum to one.
    ValueError
        If `reduction` is unknown.

    References
    ----------
    S. Kullback, R. A. Leibler, "On information and sufficiency", Ann. Math. Stat. 22 (1951).

    Examples
    --------
    >>> import numpy as np, autodiff as ad, nn
    >>> q = np.log([[0.5, 0.5]])
    >>> round(nn.kl_div(ad.tensor(q), [[1.0, 0.0]], reduction="batchmean").item(), 6)
    0.693147
    """
    name = "kl_div"
    log_q, p = real_pair(log_q, p, name)
    reduction_of(reduction, name, ("mean", "batchmean", "sum", "none"))
    if not log_q.ndim:
        raise ad.ShapeError(f"{name}: a distribution needs an axis; the shapes are ().")
    check_distribution(np.exp(plain(p)) if log_target else p, axis, name)
    losses = np.exp(p) * (p - log_q) if log_target else special.xlogy(p, p) - np.where(plain(p) != 0, log_q, 0.0) * p
    if reduction == "batchmean":
        y: ad.Tensor = losses.sum() / float(losses.shape[0])
        return y
    return reduced(losses, reduction)
