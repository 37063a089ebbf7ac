"""Entropy, cross-entropy and divergence, both of probabilities in an array and of distributions.

For two distributions the divergences are a table of closed forms, one line per pair of classes.
"""

from __future__ import annotations

from typing import Any, overload

from autodiff.arrays.tensors import Tensor
from autodiff.errors import StructureError
from autodiff.probability.distribution import Distribution
from autodiff.probability.information import cross_entropy_of, entropy_of, in_unit, kl_divergence_of
from autodiff.probability.pairs import divergence
from autodiff.typing import Array, Axis, Numbers


@overload
def entropy(p: Tensor, *, axis: Axis = ..., base: float | None = ...) -> Tensor: ...
@overload
def entropy(p: Numbers, *, axis: Axis = ..., base: float | None = ...) -> Array: ...
@overload
def entropy(p: Distribution, *, axis: Axis = ..., base: float | None = ...) -> Tensor | Array: ...
def entropy(p: Tensor | Numbers | Distribution, *, axis: Axis = -1, base: float | None = None) -> Tensor | Array:
    """The entropy: the average information in an outcome.

    Parameters
    ----------
    p : array_like or Tensor, (..., k), or Distribution
        Probabilities, or a distribution; with a density, the result is the differential entropy.
    axis : int or tuple of int, or None, default -1
        The axis of the outcomes; None for the whole array.
    base : float, optional
        The base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    array or Tensor, (...)
        From 0 (one outcome is certain) to log k (all are equally likely). In the dtype of the probabilities.

    Raises
    ------
    DomainError
        If probabilities are negative or do not sum to 1.

    Notes
    -----
    The sum of ``-p * log(p)``, to which p = 0 adds 0. The slope by p at p = 0 is +inf.

    References
    ----------
    C. E. Shannon, "A mathematical theory of communication", Bell Syst. Tech. J. 27 (1948).

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> float(pr.entropy([0.5, 0.25, 0.25, 0.0], base=2))
    1.5
    """
    return in_unit(p.entropy() if isinstance(p, Distribution) else entropy_of(p, axis), base)


@overload
def kl_divergence(p: Tensor, q: Tensor | Numbers, *, axis: Axis = ..., base: float | None = ...) -> Tensor: ...
@overload
def kl_divergence(p: Tensor | Numbers, q: Tensor, *, axis: Axis = ..., base: float | None = ...) -> Tensor: ...
@overload
def kl_divergence(p: Numbers, q: Numbers, *, axis: Axis = ..., base: float | None = ...) -> Array: ...
@overload
def kl_divergence(
    p: Distribution, q: Distribution, *, axis: Axis = ..., base: float | None = ...
) -> Tensor | Array: ...
def kl_divergence(p: Any, q: Any, *, axis: Axis = -1, base: float | None = None) -> Tensor | Array:
    """The Kullback-Leibler divergence: the cost of assuming q if p is true.

    Parameters
    ----------
    p, q : array_like or Tensor, (..., k), or Distribution
        Probabilities of the same outcomes, which are broadcast; or two distributions.
    axis : int or tuple of int, or None, default -1
        The axis of the outcomes; None for the whole array.
    base : float, optional
        The base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    array or Tensor, (...)
        Not negative; 0 only if p = q; inf if an outcome is possible under p but not under q. In the dtype of the
        probabilities.

    Raises
    ------
    DomainError
        If probabilities are negative or do not sum to 1.
    UnsupportedError
        If there is no closed form for two distributions; the message gives the integral.

    Notes
    -----
    The sum (or integral) of ``p * log(p / q)``. It is not symmetric.

    References
    ----------
    S. Kullback, R. A. Leibler, "On information and sufficiency", Ann. Math. Stat. 22 (1951).

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> float(pr.kl_divergence([0.5, 0.5, 0.0], [0.25, 0.25, 0.5], base=2))
    1.0
    >>> float(pr.kl_divergence(pr.Normal(1.0, 1.0), pr.Normal(0.0, 1.0)))
    0.5
    """
    if isinstance(p, Distribution) or isinstance(q, Distribution):
        _both(p, q, "kl_divergence")
        return in_unit(divergence(p, q), base)
    return in_unit(kl_divergence_of(p, q, axis), base)


@overload
def cross_entropy(p: Tensor, q: Tensor | Numbers, *, axis: Axis = ..., base: float | None = ...) -> Tensor: ...
@overload
def cross_entropy(p: Tensor | Numbers, q: Tensor, *, axis: Axis = ..., base: float | None = ...) -> Tensor: ...
@overload
def cross_entropy(p: Numbers, q: Numbers, *, axis: Axis = ..., base: float | None = ...) -> Array: ...
@overload
def cross_entropy(
    p: Distribution, q: Distribution, *, axis: Axis = ..., base: float | None = ...
) -> Tensor | Array: ...
def cross_entropy(p: Any, q: Any, *, axis: Axis = -1, base: float | None = None) -> Tensor | Array:
    """The cross-entropy: the average length of a code made for q if p is true.

    Parameters
    ----------
    p, q : array_like or Tensor, (..., k), or Distribution
        Probabilities of the same outcomes, which are broadcast; or two distributions.
    axis : int or tuple of int, or None, default -1
        The axis of the outcomes; None for the whole array.
    base : float, optional
        The base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    array or Tensor, (...)
        At least the entropy of p, by Gibbs' inequality; inf if an outcome is possible under p but not under q. In
        the dtype of the probabilities.

    Raises
    ------
    DomainError
        If probabilities are negative or do not sum to 1. ``nn.cross_entropy`` takes scores instead.
    UnsupportedError
        If there is no closed form for two distributions; the message gives the integral.

    Notes
    -----
    The sum of ``-p * log(q)``: the entropy of p plus the divergence of p and q.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, equation (3.51).

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> float(pr.cross_entropy([1.0, 0.0], [0.25, 0.75], base=2))
    2.0
    """
    if isinstance(p, Distribution) or isinstance(q, Distribution):
        _both(p, q, "cross_entropy")
        return in_unit(p.entropy() + divergence(p, q), base)
    return in_unit(cross_entropy_of(p, q, axis), base)


def _both(p: Any, q: Any, who: str) -> None:
    for name, one in (("p", p), ("q", q)):
        if not isinstance(one, Distribution):
            raise StructureError(
                f"{who}: {name} is a {type(one).__name__}, but the other is a distribution; give two arrays or two "
                "distributions. Probabilities in an array become a distribution by Categorical(probabilities)."
            )
    if p.support.discrete != q.support.discrete:
        raise StructureError(
            f"{who}: {p!r} and {q!r}: one has probabilities, the other a density, so neither can be taken for the "
            f"other."
        )
