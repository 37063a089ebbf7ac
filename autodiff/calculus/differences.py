"""Finite differences as in textbooks: formulas of any order, their leading error terms, and Richardson extrapolation.

The engine itself never uses them; its derivatives are compared with them. To check your own code see
`autodiff.testing.gradcheck`, which chooses its steps and recognises kinks and round-off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from autodiff.arrays.tensors import Tensor
from autodiff.errors import DomainError, GradientError, ShapeError
from autodiff.transforms.directions import derivative
from autodiff.typing import Array, ArrayLike

Step = float | Array | Tensor
Y = TypeVar("Y")
SIDES = ("central", "forward", "backward")


def difference_weights(offsets: ArrayLike, n: int = 1) -> NDArray[np.float64]:
    """The weights of values at given points for the n-th derivative at 0, exact for polynomials.

    Parameters
    ----------
    offsets : array_like, (m,)
        The m > n different points, in units of the step.
    n : int, default 1
        Order of the derivative; 0 interpolates.

    Returns
    -------
    ndarray, (m,)
        ``f^(n)(x) * h**n`` is approximately the sum of ``weights * f(x + offsets * h)``.

    Raises
    ------
    GradientError
        If `n` is not an integer, 0 or more.
    ShapeError
        If there are not more points than `n`.
    DomainError
        If two points are equal.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988).

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.calculus.difference_weights([-1, 0, 1], n=2)
    array([ 1., -2.,  1.])
    """
    points = np.asarray(offsets, float)
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise GradientError(f"difference_weights: n must be an integer, 0 or more; {n!r} was given.")
    if points.ndim != 1 or points.size <= n:
        raise ShapeError(
            f"difference_weights: offsets has shape {points.shape}; derivative {n} needs a list of at least {n + 1}."
        )
    if np.unique(points).size < points.size:
        raise DomainError(f"difference_weights: the offsets must differ; {points.tolist()} were given.")
    # Add one point at a time; the rows are coefficients of Lagrange's polynomials up to power n.
    weights = np.zeros((points.size, n + 1))
    weights[0, 0], before = 1.0, 1.0
    k = np.arange(1, n + 1)
    for i in range(1, points.size):
        gaps = points[i] - points[:i]
        after = float(np.prod(gaps))
        last = weights[i - 1].copy()
        weights[i, 0] = -before / after * points[i - 1] * last[0]
        weights[i, 1:] = before / after * (k * last[:-1] - points[i - 1] * last[1:])
        lower = weights[:i, :-1].copy()
        weights[:i] *= points[i]
        weights[:i, 1:] -= k * lower
        weights[:i] /= gaps[:, None]
        before = after
    return weights[:, n]


def _formula(n: int, accuracy: int, side: str, who: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offsets and weights of the shortest formula."""
    if side not in SIDES:
        raise ValueError(f"{who}: side must be one of {', '.join(SIDES)}; {side!r} was given.")
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in (n, accuracy))
    if not whole or n < 1 or accuracy < 1:
        raise GradientError(f"{who}: n and accuracy must be integers, 1 or more; {n!r} and {accuracy!r} were given.")
    if side == "central":
        if accuracy % 2:
            raise GradientError(
                f"{who}: the accuracy of a central formula must be even (2, 4, ...); {accuracy} was given."
            )
        reach = (n + 1) // 2 - 1 + accuracy // 2
        offsets = np.arange(-reach, reach + 1.0)
    else:
        offsets = np.arange(float(n + accuracy)) * (1 if side == "forward" else -1)
    return offsets, difference_weights(offsets, n)


def finite_difference(
    f: Callable[..., Y],
    x: ArrayLike,
    h: Step | None = None,
    *,
    n: int = 1,
    accuracy: int = 2,
    side: str = "central",
) -> Y:
    """The n-th derivative by a difference formula.

    Parameters
    ----------
    f : callable
        A function of one number; given an array, it must act elementwise.
    x : array_like
        The points.
    h : float or array_like, optional
        The step. The default ``eps**(1 / (n + accuracy)) * max(1, |x|)`` roughly balances the error of the formula with
        round-off, which grows as eps / h**n.
    n : int, default 1
        Order of the derivative.
    accuracy : int, default 2
        Order of the error in h; even for central formulas.
    side : {"central", "forward", "backward"}, default "central"
        The side of `x` on which the points lie.

    Returns
    -------
    array or scalar, with the shape of f's result

    Raises
    ------
    GradientError
        If `n` or `accuracy` is not an integer, 1 or more, or `accuracy` is odd for a central formula.
    DomainError
        If the step is not positive.

    See Also
    --------
    difference_error : the leading term of its error.
    richardson : the limit as h goes to 0.
    autodiff.derivative : the exact derivative, without a step.

    Notes
    -----
    The sum of ``w_i f(x + k_i h) / h**n``, with the weights of `difference_weights`: for the first derivative
    ``(f(x + h) - f(x - h)) / (2 h)``.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> print(ad.calculus.finite_difference(np.exp, 0.0, 0.1))
    1.00166750
    >>> print(ad.calculus.finite_difference(np.exp, 0.0, 0.1, accuracy=4))
    0.99999666
    """
    offsets, weights = _formula(n, accuracy, side, "finite_difference")
    at = x if hasattr(x, "dtype") else np.asarray(x, float)
    if h is None:
        h = np.finfo(float).eps ** (1 / (n + accuracy)) * np.maximum(1.0, np.abs(getattr(at, "data", at)))
    elif not np.all(np.asarray(h) > 0):
        raise DomainError(
            f"finite_difference: the step h must be positive; {h!r} was given (side='backward' goes backwards)."
        )
    total: Any = sum(w * f(at + o * h) for w, o in zip(weights, offsets, strict=True) if w)
    return total / h**n


def difference_error(
    f: Callable[..., Y], x: ArrayLike, h: Step, *, n: int = 1, accuracy: int = 2, side: str = "central"
) -> Y:
    """The leading term of the error of `finite_difference`, from the exact derivative of higher order.

    Parameters
    ----------
    f : callable
        A smooth function of one number; given an array, it must act elementwise.
    x : array_like
        The points.
    h : float or array_like
        The step.
    n : int, default 1
        Order of the derivative.
    accuracy : int, default 2
        Order of the error in h; even for central formulas.
    side : {"central", "forward", "backward"}, default "central"
        The side of `x` on which the points lie.

    Returns
    -------
    array or scalar
        ``C f^(n + accuracy)(x) h**accuracy``: the formula minus the derivative, for small h and without round-off.

    Raises
    ------
    GradientError
        If `n` or `accuracy` is not an integer, 1 or more, or `accuracy` is odd for a central formula.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> law = ad.calculus.difference_error(np.exp, 0.0, 0.1)  # h**2 / 6
    >>> print(f"{law:.6f} {ad.calculus.finite_difference(np.exp, 0.0, 0.1) - 1:.6f}")
    0.001667 0.001668
    """
    offsets, weights = _formula(n, accuracy, side, "difference_error")
    order = n + accuracy
    constant = float(weights @ offsets**order) / math.factorial(order)
    return constant * derivative(f, order)(x) * h**accuracy


class Extrapolation(NamedTuple):
    """The result of `richardson`.

    Attributes
    ----------
    value : array or scalar
        The limit.
    error : array or scalar
        The change in the last step.
    table : list of list
        Row i holds g(h / ratio**i), then the result of each elimination.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.richardson(lambda h: ad.calculus.finite_difference(np.exp, 0.0, h), 0.4)
    >>> len(found.table), bool(abs(found.value - 1) <= found.error)
    (5, True)
    """

    value: Any
    error: Any
    table: list[list[Any]]


def richardson(
    g: Callable[[float], Any],
    h: float,
    *,
    order: int = 2,
    spacing: int | None = None,
    ratio: float = 2.0,
    rows: int = 5,
) -> Extrapolation:
    """The limit of g(h) as h goes to 0, by eliminating one power of h after another.

    Parameters
    ----------
    g : callable
        A function of the step: a difference quotient, a Riemann sum, or anything whose error is a power series in it.
    h : float
        The largest step.
    order : int, default 2
        The lowest power in the error.
    spacing : int, optional
        The difference of successive powers; by default 2 for an even order (symmetric formulas), else 1.
    ratio : float, default 2.0
        The ratio of successive steps.
    rows : int, default 5
        The number of steps.

    Returns
    -------
    Extrapolation
        ``value``, ``error`` and the triangular ``table``.

    Raises
    ------
    DomainError
        If `h` is not positive, or `ratio` not more than 1.
    GradientError
        If `order` is less than 1, or `rows` less than 2.

    Notes
    -----
    An error of order p is eliminated by ``(ratio**p g(h / ratio) - g(h)) / (ratio**p - 1)``.

    References
    ----------
    L. F. Richardson, "The approximate arithmetical solution by finite differences", Phil. Trans. A 210 (1911).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.richardson(lambda h: ad.calculus.finite_difference(np.exp, 0.0, h), 0.4, rows=3)
    >>> print(f"{found.value:.10f}, off by {found.value - 1:.0e}, said {found.error:.0e}")
    1.0000000127, off by 1e-08, said 3e-06
    """
    if not h > 0 or not ratio > 1:
        raise DomainError(f"richardson: h must be positive and ratio more than 1; {h!r} and {ratio!r} were given.")
    if order < 1 or rows < 2:
        raise GradientError(
            f"richardson: order must be 1 or more, and rows 2 or more; {order!r} and {rows!r} were given."
        )
    between = spacing or (1 if order % 2 else 2)
    table: list[list[Any]] = []
    for i in range(rows):
        row = [g(h / ratio**i)]
        for j in range(i):
            row.append(row[j] + (row[j] - table[i - 1][j]) / (ratio ** (order + j * between) - 1))
        table.append(row)
    return Extrapolation(table[-1][-1], abs(table[-1][-1] - table[-1][-2]), table)
