"""Gamma and Bessel functions. Their values are SciPy's (the extra ``special``), their derivatives are ours."""

from __future__ import annotations

from typing import Any

from autodiff.errors import DomainError
from autodiff.ops import gamma_remainders, through_scipy
from autodiff.special._operands import real


def gammaln(x: Any) -> Any:
    """Logarithm of the magnitude of the gamma function; its slope is `digamma`.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.gammaln(5.0)), 6)  # log(4!)
    3.178054
    """
    return through_scipy.gammaln(real(x, "gammaln"))


def digamma(x: Any) -> Any:
    """Slope of `gammaln`.

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
    >>> round(float(special.digamma(1.0)), 6)
    -0.577216
    """
    return through_scipy.polygamma(real(x, "digamma"), n=0)


def polygamma(n: int, x: Any) -> Any:
    """The `n`-th derivative of `digamma`.

    Parameters
    ----------
    n : int
        Not negative.
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape of `x`.

    Raises
    ------
    DomainError
        If `n` is not a whole number from 0 on.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.polygamma(1, 1.0)), 6)  # pi**2 / 6
    1.644934
    """
    if not isinstance(n, int) or n < 0:
        raise DomainError(f"polygamma: the order n is a whole number from 0 on; {n!r} was given.")
    return through_scipy.polygamma(real(x, "polygamma"), n=n)


def betaln(a: Any, b: Any) -> Any:
    """Logarithm of the beta function, gammaln(a) + gammaln(b) - gammaln(a + b) without cancellation.

    Parameters
    ----------
    a, b : array_like or Tensor
        Real; they are broadcast.

    Returns
    -------
    array or Tensor

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.betaln(2.0, 3.0)), 6)  # log(1/12)
    -2.484907
    """
    return gamma_remainders.betaln(real(a, "betaln"), real(b, "betaln"))


def i0(x: Any) -> Any:
    """Modified Bessel function of the first kind of order 0; its slope is `i1`.

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
    >>> round(float(special.i0(1.0)), 6)
    1.266066
    """
    return through_scipy.bessel_i(real(x, "i0"), n=0)


def i1(x: Any) -> Any:
    """Modified Bessel function of the first kind of order 1.

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
    >>> round(float(special.i1(1.0)), 6)
    0.565159
    """
    return through_scipy.bessel_i(real(x, "i1"), n=1)


def i0e(x: Any) -> Any:
    """``exp(-abs(x)) * i0(x)``, without overflow. It has a corner at 0, where the slope is 0.

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
    >>> round(float(special.i0e(1000.0)), 6)
    0.012617
    """
    return through_scipy.bessel_i_scaled(real(x, "i0e"), n=0)


def i1e(x: Any) -> Any:
    """``exp(-abs(x)) * i1(x)``, without overflow.

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
    >>> round(float(special.i1e(1000.0)), 6)
    0.012611
    """
    return through_scipy.bessel_i_scaled(real(x, "i1e"), n=1)
