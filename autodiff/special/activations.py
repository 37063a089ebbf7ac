"""The bends and switches of networks, and the inverses that go with them."""

from __future__ import annotations

from typing import Any

from autodiff.ops import choices, elementwise, information
from autodiff.special._operands import real, real_or_complex


def relu(x: Any) -> Any:
    """``max(x, 0)``; the slope at 0 is 0.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Examples
    --------
    >>> from autodiff import special
    >>> special.relu([-1.0, 2.0])
    array([0., 2.])
    """
    return choices.relu(real_or_complex(x))


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, without overflow; the inverse of the log-odds.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape of `x`, between 0 and 1.

    Examples
    --------
    >>> from autodiff import special
    >>> special.sigmoid([0.0, 1000.0])
    array([0.5, 1. ])
    """
    return elementwise.sigmoid(real_or_complex(x))


def expit(x: Any) -> Any:
    """`sigmoid`, by the name it has in SciPy.

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.expit(0.0))
    0.5
    """
    return sigmoid(x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, without overflow: a smooth `relu`.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.softplus(1000.0))
    1000.0
    """
    return elementwise.softplus(real_or_complex(x))


def logit(p: Any) -> Any:
    """``log(p / (1 - p))``, the log-odds of a probability: the inverse of `sigmoid`.

    Parameters
    ----------
    p : array_like or Tensor
        Real, between 0 and 1; NaN outside.

    Returns
    -------
    array or Tensor
        In the shape of `p`; -inf at 0, inf at 1.

    Examples
    --------
    >>> from autodiff import special
    >>> special.logit([0.0, 0.5, 0.75])
    array([      -inf, 0.        , 1.09861229])
    """
    return information.logit(real(p, "logit"))


def log1mexp(x: Any) -> Any:
    """``log(1 - exp(-x))`` for x > 0, without cancellation on either side.

    Parameters
    ----------
    x : array_like or Tensor
        Real; -inf at 0, NaN below.

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    References
    ----------
    M. Mächler, Accurately computing log(1 - exp(-abs(a))), 2012, equation (7).

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.log1mexp(1e-20))
    -46.05170185988091
    """
    return information.log1mexp(real(x, "log1mexp"))
