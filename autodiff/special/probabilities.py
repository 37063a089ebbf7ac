"""Terms of entropies and divergences, correct at probabilities of 0, and the error function."""

from __future__ import annotations

from typing import overload

from autodiff.arrays.tensors import Tensor
from autodiff.ops import error_function, information
from autodiff.special._operands import real
from autodiff.typing import Array, Numbers


@overload
def xlogy(x: Tensor, y: Tensor | Numbers) -> Tensor: ...
@overload
def xlogy(x: Tensor | Numbers, y: Tensor) -> Tensor: ...
@overload
def xlogy(x: Numbers, y: Numbers) -> Array: ...
def xlogy(x: Tensor | Numbers, y: Tensor | Numbers) -> Tensor | Array:
    """``x * log(y)``, which is 0 where `x` is 0, unless `y` is NaN.

    Parameters
    ----------
    x, y : array_like or Tensor
        Real; they are broadcast.

    Returns
    -------
    array or Tensor
        In the dtype of the operands; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    Notes
    -----
    Where `x` is 0, the slopes are log(y) and 0; where also y <= 0, both are 0.

    References
    ----------
    T. M. Cover, J. A. Thomas, "Elements of Information Theory", 2nd edition (2006), section 2.1.

    Examples
    --------
    >>> from autodiff import special
    >>> special.xlogy([0.0, 1.0], [0.0, 2.0])
    array([0.        , 0.69314718])
    """
    return information.xlogy(real(x, "xlogy"), real(y, "xlogy"))


@overload
def entr(p: Tensor) -> Tensor: ...
@overload
def entr(p: Numbers) -> Array: ...
def entr(p: Tensor | Numbers) -> Tensor | Array:
    """``-p * log(p)``, one term of an entropy in nats; 0 at 0, -inf below 0.

    Parameters
    ----------
    p : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `p`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    Notes
    -----
    The slope is -log(p) - 1, which is +inf at 0.

    References
    ----------
    T. M. Cover, J. A. Thomas, "Elements of Information Theory", 2nd edition (2006), equation 2.1.

    Examples
    --------
    >>> from autodiff import special
    >>> special.entr([0.0, 0.5, 1.0])
    array([ 0.        , 0.34657359, -0.        ])
    """
    return information.entr(real(p, "entr"))


@overload
def rel_entr(p: Tensor, q: Tensor | Numbers) -> Tensor: ...
@overload
def rel_entr(p: Tensor | Numbers, q: Tensor) -> Tensor: ...
@overload
def rel_entr(p: Numbers, q: Numbers) -> Array: ...
def rel_entr(p: Tensor | Numbers, q: Tensor | Numbers) -> Tensor | Array:
    """``p * log(p / q)``, one term of a Kullback-Leibler divergence in nats.

    Parameters
    ----------
    p, q : array_like or Tensor
        Real; they are broadcast.

    Returns
    -------
    array or Tensor
        0 where `p` is 0; inf where `q` is 0 and `p` is not, and where either is negative.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    Notes
    -----
    The slopes are log(p / q) + 1 and -p / q. Where `p` is 0 the second is 0, even if `q` is 0.

    References
    ----------
    T. M. Cover, J. A. Thomas, "Elements of Information Theory", 2nd edition (2006), equation 2.26.

    Examples
    --------
    >>> from autodiff import special
    >>> special.rel_entr([0.0, 0.5, 0.5], [0.0, 0.25, 0.0])
    array([0.        , 0.34657359,        inf])
    """
    return information.rel_entr(real(p, "rel_entr"), real(q, "rel_entr"))


@overload
def erf(x: Tensor) -> Tensor: ...
@overload
def erf(x: Numbers) -> Array: ...
def erf(x: Tensor | Numbers) -> Tensor | Array:
    """The error function, ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to `x`.

    Parameters
    ----------
    x : array_like or Tensor
        Real. Computed in double precision, also for longer floats.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x` (integers become float64), between -1 and 1.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 7.2.1. The
    approximation: W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> from autodiff import special
    >>> special.erf([0.0, 1.0])
    array([0.        , 0.84270079])
    """
    return error_function.erf(real(x, "erf"))


@overload
def erfc(x: Tensor) -> Tensor: ...
@overload
def erfc(x: Numbers) -> Array: ...
def erfc(x: Tensor | Numbers) -> Tensor | Array:
    """``1 - erf(x)``, accurate where that is small.

    Parameters
    ----------
    x : array_like or Tensor
        Real. Computed in double precision, also for longer floats.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x` (integers become float64), between 0 and 2.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, equation 7.2.2. The
    approximation: W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.erfc(10.0))
    2.088487583762545e-45
    """
    return error_function.erfc(real(x, "erfc"))
