"""Taylor series: coefficients to high order in one sweep, in one or several variables, and the remainder."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from autodiff.arrays.plain import data_of
from autodiff.arrays.tensors import Tensor
from autodiff.calculus.integrals import integrate
from autodiff.calculus.integrands import stacked
from autodiff.errors import GradientError, ShapeError
from autodiff.transforms.expansions import coefficients
from autodiff.transforms.recording import Function, matching
from autodiff.typing import ArrayLike

Y = TypeVar("Y")


def taylor(f: Callable[..., Y], x0: ArrayLike, order: int, *, direction: ArrayLike | None = None) -> Y:
    """The coefficients of the Taylor series of a function.

    Parameters
    ----------
    f : callable
        A function of one number, or of an array: elementwise, or along a `direction`. It returns an array of any shape.
    x0 : array_like
        The point of expansion.
    order : int
        The order of the last coefficient.
    direction : array_like, with the shape of `x0`, optional
        The series is that of f(x0 + s direction) in s. By default all ones.

    Returns
    -------
    ndarray or Tensor, (order + 1, *shape of f's result)
        Coefficient k is the k-th derivative divided by k!. `x0`, and values that `f` closes over, may be tracked.

    Raises
    ------
    GradientError
        If the order is not an integer, or the result is not an array.

    Notes
    -----
    The series goes through the recorded operations by their first-order rules: ``y' = rule(x'; y, x)`` gives each
    coefficient from the lower ones. The cost grows with the square of the order, or with the cube for quotients;
    nesting derivatives would double it with each order.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", SIAM 2008, chapter 13.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.taylor(np.exp, 0.0, 4)
    array([1.        , 1.        , 0.5       , 0.16666667, 0.04166667])
    >>> f = lambda p: p[0] * np.sin(p[1])
    >>> ad.taylor(f, np.array([1.0, 0.0]), 3, direction=np.array([1.0, 1.0]))  # (1 + s) sin(s)
    array([ 0.        ,  1.        ,  1.        , -0.16666667])
    """
    order = _whole(order, "taylor")
    if isinstance(x0, (list, tuple)):
        x0 = stacked(x0)
    if isinstance(x0, int):
        x0 = float(x0)
    along = np.ones_like(data_of(x0)) if direction is None else matching(direction, x0, "the direction")
    structure, found = coefficients(f, x0, along, range(order + 1))
    if structure.kind is not None or isinstance(x0, dict):
        raise GradientError("taylor: the function takes one array and returns one; stack several with np.stack.")
    joined: Any = np.stack(found[0])
    return joined


def _whole(order: Any, who: str) -> int:
    """An order as a Python integer."""
    if not isinstance(order, (int, np.integer)) or isinstance(order, bool) or order < 0:
        raise GradientError(f"{who}: the order must be an integer, 0 or more; {order!r} was given.")
    return int(order)


def taylor_coefficients(f: Function, x0: Any, order: int) -> dict[tuple[int, ...], Any]:
    """The coefficients of the Taylor polynomial in several variables.

    Parameters
    ----------
    f : callable
        A function of an array (d,).
    x0 : array_like, (d,)
        The point of expansion.
    order : int
        The largest total degree.

    Returns
    -------
    dict
        Maps the powers (i_1, ..., i_d) to the coefficient of ``(x_1 - x0_1)**i_1 ... (x_d - x0_d)**i_d``.

    Raises
    ------
    ShapeError
        If `x0` is not one point, (d,).

    Notes
    -----
    Computed from series in one variable, along as many directions as there are monomials of the largest degree: each
    degree is a linear system.

    The coefficient is the partial derivative ``d^|i| f / (dx_1^i_1 ... dx_d^i_d)`` over ``i_1! ... i_d!``.

    References
    ----------
    A. Griewank, J. Utke, A. Walther, "Evaluating higher derivative tensors by forward propagation of univariate Taylor
    series", Math. Comp. 69 (2000).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.taylor_coefficients(lambda p: np.exp(p[0]) * p[1], np.zeros(2), 3)
    >>> {powers: round(float(c), 12) for powers, c in found.items() if abs(c) > 1e-12}
    {(0, 1): 1.0, (1, 1): 1.0, (2, 1): 0.5}
    """
    order = _whole(order, "taylor_coefficients")
    x0 = x0 if isinstance(x0, Tensor) else np.asarray(x0, float)
    if np.ndim(x0) != 1 or not np.size(x0):
        raise ShapeError(
            f"taylor_coefficients: x0 has shape {np.shape(x0)}; expected (d,), the coordinates of one point. For one "
            "variable use ad.taylor."
        )
    (d,) = np.shape(x0)
    directions = np.array(_powers(d, max(order, 1)), float)
    rows = [taylor(f, x0, order, direction=v) for v in directions]
    found: dict[tuple[int, ...], Any] = {}
    for degree in range(order + 1):
        powers = _powers(d, degree)
        chosen = directions / max(order, 1)
        matrix = np.array([[math.prod(v**i for v, i in zip(row, p, strict=True)) for p in powers] for row in chosen])
        inverse = np.linalg.pinv(matrix) / float(max(order, 1)) ** degree
        values = np.stack([row[degree] for row in rows])
        solved = np.tensordot(inverse, values, 1)
        found.update({p: solved[i] for i, p in enumerate(powers)})
    return found


def _powers(d: int, degree: int) -> list[tuple[int, ...]]:
    """All tuples of d powers that sum to the degree."""
    return [p for p in itertools.product(range(degree + 1), repeat=d) if sum(p) == degree]


def remainder(f: Callable[..., Y], x0: Any, order: int, x: Any, **options: Any) -> Y:
    """The remainder at x of the Taylor polynomial of this order about x0.

    Parameters
    ----------
    f : callable
        A function of one number, elementwise on arrays.
    x0, x : float
        The point of expansion, and where the remainder is wanted.
    order : int
        The order n of the polynomial.
    **options
        Options of `integrate`.

    Returns
    -------
    scalar
        ``f(x)`` minus the polynomial at x.

    Raises
    ------
    GradientError
        If the order is not an integer, 0 or more.

    Notes
    -----
    The integral form of the remainder: ``h**(n + 1)`` times the integral of ``(n + 1) (1 - s)**n c_(n + 1)(x0 + s h)``
    over s from 0 to 1, where h = x - x0 and c_(n + 1)(t) is the next coefficient of the series at t.

    References
    ----------
    T. M. Apostol, "Calculus", volume 1, 2nd edition (1967), chapter 7.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> off = ad.calculus.remainder(np.exp, 0.0, 3, 1.0)
    >>> float(off), float(np.e - 1 - 1 - 1 / 2 - 1 / 6)
    (0.051615161792, 0.051615161792)
    """
    h = x - x0
    n = _whole(order, "remainder")

    def integrand(s: Any) -> Any:
        terms: Any = taylor(f, x0 + s * h, n + 1)
        return (n + 1) * (1 - s) ** n * terms[n + 1]

    return h ** (n + 1) * integrate(integrand, 0.0, 1.0, **options)


def radius_of_convergence(coefficients: Any) -> float:
    """Estimate the radius of convergence of a series from its coefficients.

    Parameters
    ----------
    coefficients : array_like, (order + 1,)
        Ten or more for an estimate with two digits.

    Returns
    -------
    float
        Infinite if the coefficients fall ever faster, as for an entire function.

    Raises
    ------
    ShapeError
        If the coefficients are not one finite series, (order + 1,).

    Notes
    -----
    Coefficients behave as ``k**p / R**k``, times an oscillation if the nearest singularities are a pair. The logarithms
    of their sizes are fitted by a + p log k - k log R, without the first quarter, and without those where the
    oscillation is near 0. An entire function has an extra term -k log k; a fit with that term detects it.

    References
    ----------
    P. Flajolet, R. Sedgewick, "Analytic Combinatorics", Cambridge 2009, chapters IV and VI.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> round(ad.calculus.radius_of_convergence(ad.taylor(lambda x: 1 / (2 - x), 0.0, 20)), 3)
    2.0
    >>> ad.calculus.radius_of_convergence(ad.taylor(np.exp, 0.0, 20))
    inf
    """
    sizes = np.abs(np.asarray(coefficients, float))
    if sizes.ndim != 1 or not np.isfinite(sizes).all():
        raise ShapeError(
            f"radius_of_convergence: expected the finite coefficients of one series, (order + 1,); shape {sizes.shape} "
            f"was given, with {np.sum(~np.isfinite(sizes))} that are not finite."
        )
    k = np.arange(len(sizes))
    kept = (sizes > 0) & (k > len(sizes) // 4)
    while kept.sum() >= 4:
        n, logs = k[kept].astype(float), np.log(sizes[kept])
        if _fitted(n, n * np.log(n), logs)[0][2] < -0.25:
            return math.inf
        (_, slope, _), residual = _fitted(n, np.log(n), logs)
        low = residual < -_WAVE
        if not low.any():
            return float(math.exp(-slope))
        kept[np.flatnonzero(kept)[low]] = False  # the oscillation is near 0 there
    return math.inf


_WAVE = 0.7


def _fitted(n: Any, third: Any, logs: Any) -> tuple[Any, Any]:
    """The least-squares fit a + b n + c third to the logarithms, as (a, b, c), and the residuals."""
    columns = np.stack([np.ones_like(n), n, third], axis=1)
    found = np.linalg.lstsq(columns, logs, rcond=None)[0]
    return found, logs - columns @ found
