"""Functions of symmetric and Hermitian matrices, with derivatives right at equal eigenvalues, and the polar factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.errors import DomainError, GradientError
from autodiff.ops import spectra
from autodiff.ops.matrices import adjoint, hermitian_part, matrix, square
from autodiff.ops.matrix_functions import matrix_derivative
from autodiff.transforms.directions import derivative
from autodiff.typing import Array, Numbers

Kind = TypeVar("Kind", Tensor, Array)


class Polar(NamedTuple, Generic[Kind]):
    """The factors of a matrix, a = u p.

    Attributes
    ----------
    u : array or Tensor, (..., m, n)
        The direction: its columns (for a wide matrix its rows) are orthonormal.
    p : array or Tensor, (..., n, n)
        Hermitian and positive semidefinite.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> parts = ad.special.polar(np.diag([2.0, -3.0]))
    >>> np.diag(parts.u), np.diag(parts.p)
    (array([ 1., -1.]), array([2., 3.]))
    """

    u: Kind
    p: Kind


class _Slopes:
    """A function of one variable and its derivatives, entry by entry."""

    def __init__(self, f: Callable[[Any], Any]) -> None:
        self.f = f

    def __call__(self, n: int, x: Any) -> Any:
        y = derivative(self.f, n)(x)
        if getattr(y, "requires_grad", False):
            raise GradientError(
                "matrix_function: f depends on a tracked Tensor other than its argument, and the derivative with "
                "respect to it would be lost. The result is differentiated with respect to the matrix only: give f "
                "plain numbers."
            )
        return np.broadcast_to(np.asarray(getattr(y, "data", y) if hasattr(y, "requires_grad") else y), x.shape)


def _power(p: float) -> Callable[[int, Any], Any]:
    """The derivatives of x**p."""

    def slopes(n: int, x: Any) -> Any:
        factor = float(np.prod(p - np.arange(n)))
        return factor * x ** (p - n) if factor else np.zeros_like(x)  # high derivatives of a polynomial are 0, at 0 too

    return slopes


def _logarithm(n: int, x: Any) -> Any:
    return np.log(x) if n == 0 else _power(-1.0)(n - 1, x)


def _exponential(n: int, x: Any) -> Any:
    return np.exp(x)


def _of(a: Any, slopes: Callable[[int, Any], Any], name: str, *, positive: bool = False) -> Any:
    return matrix_derivative(hermitian_part(square(a, name)), slopes=slopes, positive=positive)


@overload
def matrix_function(f: Callable[[Any], Any], a: Tensor) -> Tensor: ...
@overload
def matrix_function(f: Callable[[Any], Any], a: Numbers) -> Array: ...
def matrix_function(f: Callable[[Any], Any], a: Tensor | Numbers) -> Tensor | Array:
    """A function of a symmetric or Hermitian matrix, ``f(V diag(w) V^H) = V diag(f(w)) V^H``.

    Parameters
    ----------
    f : callable
        An elementwise function of real arrays: a NumPy function, or any function that can be differentiated.
    a : array_like or Tensor, (..., n, n)
        Its Hermitian part is used, so that the gradient is Hermitian.

    Returns
    -------
    array or Tensor, (..., n, n)
        In the dtype of `a`.

    Raises
    ------
    GradientError
        If `f` depends on another tracked Tensor.
    ShapeError
        If the matrix is not square.

    Notes
    -----
    The derivatives are made of divided differences of `f`, which at equal eigenvalues are its derivatives. So they are
    exact at ties, to every order, where the vectors of `numpy.linalg.eigh` have no derivative. Where `f` is not
    differentiable they are infinite or NaN.

    References
    ----------
    N. J. Higham, "Functions of Matrices", SIAM 2008, theorem 3.11.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> from autodiff import special
    >>> a = np.array([[2.0, 1.0], [1.0, 2.0]])  # eigenvalues 1 and 3
    >>> special.matrix_function(np.cbrt, a)
    array([[1.22112479, 0.22112479],
           [0.22112479, 1.22112479]])
    >>> ad.grad(lambda x: special.matrix_function(np.sin, x).sum())(np.zeros((2, 2)))  # sin'(0) = 1
    array([[1., 1.],
           [1., 1.]])
    """
    return _of(a, _Slopes(f), "matrix_function")


@overload
def matrix_sqrt(a: Tensor) -> Tensor: ...
@overload
def matrix_sqrt(a: Numbers) -> Array: ...
def matrix_sqrt(a: Tensor | Numbers) -> Tensor | Array:
    """The square root of a positive semidefinite matrix, symmetric or Hermitian: ``V diag(sqrt(w)) V^H``.

    Parameters
    ----------
    a : array_like or Tensor, (..., n, n)
        Its Hermitian part is used, so that the gradient is Hermitian. Eigenvalues that are negative by rounding
        count as 0.

    Returns
    -------
    array or Tensor, (..., n, n)
        NaN where an eigenvalue is negative. The slope is not finite at a singular matrix. In the dtype of `a`.

    Raises
    ------
    ShapeError
        If the matrix is not square.

    References
    ----------
    N. J. Higham, "Functions of Matrices", SIAM 2008, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.matrix_sqrt(np.array([[5.0, 4.0], [4.0, 5.0]]))
    array([[2., 1.],
           [1., 2.]])
    """
    return _of(a, _power(0.5), "matrix_sqrt", positive=True)


@overload
def matrix_inverse_sqrt(a: Tensor) -> Tensor: ...
@overload
def matrix_inverse_sqrt(a: Numbers) -> Array: ...
def matrix_inverse_sqrt(a: Tensor | Numbers) -> Tensor | Array:
    """The inverse square root of a positive definite matrix, ``V diag(1 / sqrt(w)) V^H``, as in whitening and Shampoo.

    Parameters
    ----------
    a : array_like or Tensor, (..., n, n)
        Its Hermitian part is used, so that the gradient is Hermitian.

    Returns
    -------
    array or Tensor, (..., n, n)
        In the dtype of `a`.

    Raises
    ------
    ShapeError
        If the matrix is not square.

    References
    ----------
    N. J. Higham, "Functions of Matrices", SIAM 2008, chapter 6. V. Gupta, T. Koren, Y. Singer, "Shampoo: preconditioned
    stochastic tensor optimization", ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.matrix_inverse_sqrt(np.diag([4.0, 25.0]))
    array([[0.5, 0. ],
           [0. , 0.2]])
    """
    return _of(a, _power(-0.5), "matrix_inverse_sqrt")


@overload
def matrix_log(a: Tensor) -> Tensor: ...
@overload
def matrix_log(a: Numbers) -> Array: ...
def matrix_log(a: Tensor | Numbers) -> Tensor | Array:
    """The logarithm of a positive definite matrix, ``V diag(log(w)) V^H``.

    Parameters
    ----------
    a : array_like or Tensor, (..., n, n)
        Its Hermitian part is used, so that the gradient is Hermitian.

    Returns
    -------
    array or Tensor, (..., n, n)
        In the dtype of `a`.

    Raises
    ------
    ShapeError
        If the matrix is not square.

    References
    ----------
    N. J. Higham, "Functions of Matrices", SIAM 2008, chapter 11.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.matrix_log(np.diag([1.0, np.e]))
    array([[0., 0.],
           [0., 1.]])
    """
    return _of(a, _logarithm, "matrix_log")


@overload
def matrix_exp(a: Tensor) -> Tensor: ...
@overload
def matrix_exp(a: Numbers) -> Array: ...
def matrix_exp(a: Tensor | Numbers) -> Tensor | Array:
    """The exponential of a symmetric or Hermitian matrix, ``V diag(exp(w)) V^H``.

    Parameters
    ----------
    a : array_like or Tensor, (..., n, n)
        Its Hermitian part is used, so that the gradient is Hermitian.

    Returns
    -------
    array or Tensor, (..., n, n)
        In the dtype of `a`.

    Raises
    ------
    ShapeError
        If the matrix is not square.

    References
    ----------
    N. J. Higham, "Functions of Matrices", SIAM 2008, chapter 10.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.matrix_exp(np.log(2.0) * np.ones((2, 2)))  # eigenvalues 0 and 2 log 2
    array([[2.5, 1.5],
           [1.5, 2.5]])
    """
    return _of(a, _exponential, "matrix_exp")


@overload
def matrix_power(a: Tensor, p: float) -> Tensor: ...
@overload
def matrix_power(a: Numbers, p: float) -> Array: ...
def matrix_power(a: Tensor | Numbers, p: float) -> Tensor | Array:
    """A real power of a symmetric or Hermitian matrix, ``V diag(w**p) V^H``.

    Parameters
    ----------
    a : array_like or Tensor, (..., n, n)
        Its Hermitian part is used, so that the gradient is Hermitian. Positive definite if `p` is not an integer.
        `numpy.linalg.matrix_power` takes any square matrix and an integer.
    p : float
        A plain number: the result is differentiated with respect to the matrix only.

    Returns
    -------
    array or Tensor, (..., n, n)
        In the dtype of `a`.

    Raises
    ------
    DomainError
        If `p` is not a single real number, or is tracked.
    ShapeError
        If the matrix is not square.

    References
    ----------
    N. J. Higham, "Functions of Matrices", SIAM 2008, section 1.2.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.matrix_power(np.diag([1.0, 8.0]), 1 / 3)
    array([[1., 0.],
           [0., 2.]])
    """
    if hasattr(p, "requires_grad") or np.ndim(p) or not np.isreal(p):
        raise DomainError(f"matrix_power: p must be a single real number that is not tracked; {p!r} was given.")
    return _of(a, _power(float(p)), "matrix_power", positive=p > 0 and p % 1 != 0)


@overload
def polar(a: Tensor) -> Polar[Tensor]: ...
@overload
def polar(a: Numbers) -> Polar[Array]: ...
def polar(a: Tensor | Numbers) -> Polar[Tensor] | Polar[Array]:
    """The polar factors of a matrix, ``a = u p``: the direction u and the stretch p.

    Parameters
    ----------
    a : array_like or Tensor, (..., m, n)
        Real or complex.

    Returns
    -------
    Polar
        ``u`` (m, n) and ``p`` (n, n). With a = U diag(s) V^H they are U V^H, without the vectors whose singular value
        is 0, and V diag(s) V^H.

    Raises
    ------
    ShapeError
        If `a` has fewer than two axes.

    Notes
    -----
    Equal singular values do no harm, to any order, because the slope divides by their sums. If one is 0, it is NaN.

    References
    ----------
    N. J. Higham, "Functions of Matrices", SIAM 2008, chapter 8.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> from autodiff import special
    >>> u, p = special.polar(np.array([[0.0, -2.0], [3.0, 0.0]]))
    >>> u
    array([[ 0., -1.],
           [ 1.,  0.]])
    >>> p
    array([[3., 0.],
           [0., 2.]])
    >>> ad.jvp(lambda x: special.polar(x).u, (np.eye(2),), (np.array([[1.0, 2.0], [4.0, 3.0]]),))[1]
    array([[ 0., -1.],
           [ 1.,  0.]])
    """
    x = matrix(a, "polar")
    u = spectra.polar(x)
    return Polar(u, hermitian_part(adjoint(u) @ x))
