"""Gamma and Bessel functions. Their values come from SciPy (the extra ``special``), their derivatives from here."""

from __future__ import annotations

from typing import overload

from autodiff.arrays.tensors import Tensor
from autodiff.errors import DomainError
from autodiff.ops import gamma_remainders, through_scipy
from autodiff.special._operands import real
from autodiff.typing import Array, Numbers


@overload
def gammaln(x: Tensor) -> Tensor: ...
@overload
def gammaln(x: Numbers) -> Array: ...
def gammaln(x: Tensor | Numbers) -> Tensor | Array:
    """``log(abs(gamma(x)))``, the logarithm of the magnitude of the gamma function; its slope is `digamma`.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 5.2.1.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.gammaln(5.0)), 6)  # log(4!)
    3.178054
    """
    return through_scipy.gammaln(real(x, "gammaln"))


@overload
def digamma(x: Tensor) -> Tensor: ...
@overload
def digamma(x: Numbers) -> Array: ...
def digamma(x: Tensor | Numbers) -> Tensor | Array:
    """The slope of `gammaln`: ``gamma'(x) / gamma(x)``.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 5.2.2.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.digamma(1.0)), 6)
    -0.577216
    """
    return through_scipy.polygamma(real(x, "digamma"), n=0)


@overload
def polygamma(n: int, x: Tensor) -> Tensor: ...
@overload
def polygamma(n: int, x: Numbers) -> Array: ...
def polygamma(n: int, x: Tensor | Numbers) -> Tensor | Array:
    """The `n`-th derivative of `digamma`, ``d^(n + 1) gammaln(x) / dx^(n + 1)``.

    Parameters
    ----------
    n : int
        Not negative.
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DomainError
        If `n` is not a non-negative integer.
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, section 5.15.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.polygamma(1, 1.0)), 6)  # pi**2 / 6
    1.644934
    """
    if not isinstance(n, int) or n < 0:
        raise DomainError(f"polygamma: the order n must be a non-negative integer; {n!r} was given.")
    return through_scipy.polygamma(real(x, "polygamma"), n=n)


@overload
def betaln(a: Tensor, b: Tensor | Numbers) -> Tensor: ...
@overload
def betaln(a: Tensor | Numbers, b: Tensor) -> Tensor: ...
@overload
def betaln(a: Numbers, b: Numbers) -> Array: ...
def betaln(a: Tensor | Numbers, b: Tensor | Numbers) -> Tensor | Array:
    """Logarithm of the beta function, ``gammaln(a) + gammaln(b) - gammaln(a + b)`` without cancellation.

    Parameters
    ----------
    a, b : array_like or Tensor
        Real; they are broadcast.

    Returns
    -------
    array or Tensor
        In the dtype of the operands; integers become float64.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 5.12.1.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.betaln(2.0, 3.0)), 6)  # log(1/12)
    -2.484907
    """
    return gamma_remainders.betaln(real(a, "betaln"), real(b, "betaln"))


@overload
def i0(x: Tensor) -> Tensor: ...
@overload
def i0(x: Numbers) -> Array: ...
def i0(x: Tensor | Numbers) -> Tensor | Array:
    """Modified Bessel function of the first kind of order 0, the sum of ``(x/2)**(2 k) / (k!)**2``; its slope is `i1`.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 10.25.2.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.i0(1.0)), 6)
    1.266066
    """
    return through_scipy.bessel_i(real(x, "i0"), n=0)


@overload
def i1(x: Tensor) -> Tensor: ...
@overload
def i1(x: Numbers) -> Array: ...
def i1(x: Tensor | Numbers) -> Tensor | Array:
    """Modified Bessel function of the first kind of order 1, the sum of ``(x/2)**(2 k + 1) / (k! (k + 1)!)``.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 10.25.2.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.i1(1.0)), 6)
    0.565159
    """
    return through_scipy.bessel_i(real(x, "i1"), n=1)


@overload
def i0e(x: Tensor) -> Tensor: ...
@overload
def i0e(x: Numbers) -> Array: ...
def i0e(x: Tensor | Numbers) -> Tensor | Array:
    """``exp(-abs(x)) * i0(x)``, without overflow. It has a corner at 0, where the slope is 0.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 10.25.2.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.i0e(1000.0)), 6)
    0.012617
    """
    return through_scipy.bessel_i_scaled(real(x, "i0e"), n=0)


@overload
def i1e(x: Tensor) -> Tensor: ...
@overload
def i1e(x: Numbers) -> Array: ...
def i1e(x: Tensor | Numbers) -> Tensor | Array:
    """``exp(-abs(x)) * i1(x)``, without overflow.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 10.25.2.

    Examples
    --------
    >>> from autodiff import special
    >>> round(float(special.i1e(1000.0)), 6)
    0.012611
    """
    return through_scipy.bessel_i_scaled(real(x, "i1e"), n=1)
