"""Entropies and divergences of probabilities in an array, along an axis, in nats or any other unit.

Every measure is a sum of terms ``x log y`` with exact values at the edges: an outcome with x = 0 adds 0, and one with
x > 0 and y = 0 adds infinity.
"""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.errors import DomainError, ShapeError
from autodiff.probability.operands import probabilities
from autodiff.special import entr, rel_entr, xlogy
from autodiff.typing import Array, Axis, Numbers


def in_unit(value: Tensor | Array, base: float | None) -> Tensor | Array:
    """Converts nats to the unit whose logarithm has this base."""
    if base is None:
        return value
    if not base > 1:
        raise DomainError(f"base is {base!r}; give the base of a logarithm, above 1: 2 for bits, 10 for hartleys.")
    return value / math.log(base)


def _fitting(p: Any, q: Any, who: str) -> None:
    try:
        np.broadcast_shapes(np.shape(p), np.shape(q))
    except ValueError:
        raise ShapeError(
            f"{who}: p has shape {np.shape(p)} and q {np.shape(q)}; both are probabilities of the same outcomes, so "
            "their shapes must be equal or broadcast."
        ) from None


def entropy_of(p: Any, axis: Axis) -> Tensor | Array:
    """The sum of -p log p."""
    return entr(probabilities(p, axis, "entropy", "p")).sum(axis=axis)


def cross_entropy_of(p: Any, q: Any, axis: Axis) -> Tensor | Array:
    """The sum of -p log q."""
    p, q = probabilities(p, axis, "cross_entropy", "p"), probabilities(q, axis, "cross_entropy", "q")
    _fitting(p, q, "cross_entropy")
    return -xlogy(p, q).sum(axis=axis)


def kl_divergence_of(p: Any, q: Any, axis: Axis) -> Tensor | Array:
    """The sum of p log(p / q)."""
    p, q = probabilities(p, axis, "kl_divergence", "p"), probabilities(q, axis, "kl_divergence", "q")
    _fitting(p, q, "kl_divergence")
    return rel_entr(p, q).sum(axis=axis)


@overload
def jensen_shannon(p: Tensor, q: Tensor | Numbers, *, axis: Axis = ..., base: float | None = ...) -> Tensor: ...
@overload
def jensen_shannon(p: Tensor | Numbers, q: Tensor, *, axis: Axis = ..., base: float | None = ...) -> Tensor: ...
@overload
def jensen_shannon(p: Numbers, q: Numbers, *, axis: Axis = ..., base: float | None = ...) -> Array: ...
def jensen_shannon(
    p: Tensor | Numbers, q: Tensor | Numbers, *, axis: Axis = -1, base: float | None = None
) -> Tensor | Array:
    """The Jensen-Shannon divergence: how far two sets of probabilities are from the mean of both.

    Parameters
    ----------
    p, q : array_like or Tensor, (..., k)
        Probabilities of the same outcomes; they are broadcast.
    axis : int or tuple of int, or None, default -1
        The axis of the outcomes; None for the whole array.
    base : float, optional
        The base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    array or Tensor, (...)
        From 0 (only if p = q) to log 2 (no outcome is possible under both). In the dtype of the probabilities.

    Raises
    ------
    DomainError
        If probabilities are negative or do not sum to 1.

    Notes
    -----
    ``(KL(p, m) + KL(q, m)) / 2`` with ``m = (p + q) / 2``. It is symmetric and finite, and its square root is a
    distance.

    References
    ----------
    J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37 (1991), equation 5.1.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> float(pr.jensen_shannon([1.0, 0.0], [0.0, 1.0], base=2))
    1.0
    """
    p, q = probabilities(p, axis, "jensen_shannon", "p"), probabilities(q, axis, "jensen_shannon", "q")
    _fitting(p, q, "jensen_shannon")
    m = (p + q) / 2
    return in_unit((rel_entr(p, m) + rel_entr(q, m)).sum(axis=axis) / 2, base)


def _joint(joint: Any, who: str) -> Tensor | Array:
    if np.ndim(joint) < 2:
        raise ShapeError(
            f"{who}: joint has shape {np.shape(joint)}; give the joint probabilities of two variables, (..., m, n): "
            "rows for the first, columns for the second. For independent variables they are p[:, None] * q."
        )
    return probabilities(joint, (-2, -1), who, "joint")


@overload
def mutual_information(joint: Tensor, *, base: float | None = ...) -> Tensor: ...
@overload
def mutual_information(joint: Numbers, *, base: float | None = ...) -> Array: ...
def mutual_information(joint: Tensor | Numbers, *, base: float | None = None) -> Tensor | Array:
    """The mutual information: the divergence of the joint probabilities of two variables from independent ones.

    Parameters
    ----------
    joint : array_like or Tensor, (..., m, n)
        The joint probabilities of two variables: rows for the first, columns for the second.
    base : float, optional
        The base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    array or Tensor, (...)
        Not negative; 0 only if the variables are independent. In the dtype of `joint`.

    Raises
    ------
    DomainError, ShapeError
        If `joint` is not a table of probabilities that sum to 1.

    Notes
    -----
    The sum of ``p(x, y) * log(p(x, y) / (p(x) p(y)))``, which has no cancellation, unlike H(X) + H(Y) - H(X, Y).

    References
    ----------
    T. M. Cover, J. A. Thomas, "Elements of Information Theory", 2nd edition (2006), equation 2.28.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import probability as pr
    >>> float(pr.mutual_information(np.eye(4) / 4, base=2))  # each determines the other
    2.0
    """
    joint = _joint(joint, "mutual_information")
    rows, columns = joint.sum(axis=-1, keepdims=True), joint.sum(axis=-2, keepdims=True)
    return in_unit(rel_entr(joint, rows * columns).sum(axis=(-2, -1)), base)


@overload
def conditional_entropy(joint: Tensor, *, given: int = ..., base: float | None = ...) -> Tensor: ...
@overload
def conditional_entropy(joint: Numbers, *, given: int = ..., base: float | None = ...) -> Array: ...
def conditional_entropy(joint: Tensor | Numbers, *, given: int = 0, base: float | None = None) -> Tensor | Array:
    """The conditional entropy: the average information in one variable if the other is known.

    Parameters
    ----------
    joint : array_like or Tensor, (..., m, n)
        The joint probabilities of two variables: rows for the first, columns for the second.
    given : {0, 1}, default 0
        The known variable: 0, the first (the row), for H(Y | X); 1, the second, for H(X | Y).
    base : float, optional
        The base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    array or Tensor, (...)
        Not negative; 0 only if the known variable determines the other. In the dtype of `joint`.

    Raises
    ------
    DomainError, ShapeError
        If `joint` is not a table of probabilities that sum to 1, or `given` is neither 0 nor 1.

    Notes
    -----
    ``H(Y | X) = -sum p(x, y) log(p(x, y) / p(x))``.

    References
    ----------
    T. M. Cover, J. A. Thomas, "Elements of Information Theory", 2nd edition (2006), equation 2.12.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> joint = [[0.25, 0.25], [0.0, 0.5]]
    >>> float(pr.conditional_entropy(joint, given=0, base=2))  # the first row leaves one bit, the second none
    0.5
    """
    if given not in (0, 1):
        raise DomainError(f"conditional_entropy: given is {given!r}; give 0 (rows are known) or 1 (columns are known).")
    joint = _joint(joint, "conditional_entropy")
    known = joint.sum(axis=-1 if given == 0 else -2, keepdims=True)
    return in_unit(-rel_entr(joint, known).sum(axis=(-2, -1)), base)
