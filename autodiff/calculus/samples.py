"""Integrals of samples, and Riemann sums with the leading terms of their errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.calculus.integrands import values_at
from autodiff.errors import ShapeError, StructureError
from autodiff.transforms.directions import derivative
from autodiff.typing import Array, Numbers

Y = TypeVar("Y")
RULES = ("left", "right", "midpoint", "trapezoid", "simpson")


def _steps(y: Any, x: Any, dx: float, who: str, least: int) -> Any:
    n = np.shape(y)[-1] if np.ndim(y) else 0
    if n < least:
        raise ShapeError(f"{who}: y has shape {np.shape(y)}; its last axis must have {least} samples or more.")
    if x is None:
        return np.full(n - 1, float(dx))
    if np.shape(x) != (n,):
        raise ShapeError(
            f"{who}: x has shape {np.shape(x)}; expected ({n},), since y has {n} samples along its last axis."
        )
    x = x if hasattr(x, "dtype") else np.asarray(x, float)
    return x[1:] - x[:-1]


@overload
def trapezoid(y: Tensor, x: Tensor | Numbers | None = ..., *, dx: float = ...) -> Tensor: ...
@overload
def trapezoid(y: Tensor | Numbers, x: Tensor, *, dx: float = ...) -> Tensor: ...
@overload
def trapezoid(y: Numbers, x: Numbers | None = ..., *, dx: float = ...) -> Array: ...
def trapezoid(y: Any, x: Any = None, *, dx: float = 1.0) -> Tensor | Array:
    """The integral of samples by the trapezoid rule: the area under the polygon through them.

    Parameters
    ----------
    y : array_like, (..., n)
        Samples; the integral is over the last axis.
    x : array_like, (n,), optional
        The points of the samples.
    dx : float, default 1.0
        The spacing of the samples, if `x` is not given.

    Returns
    -------
    array or scalar, (...)
        In double precision.

    Raises
    ------
    ShapeError
        If there is not one point for each sample.

    Notes
    -----
    The sum of ``(y_i + y_(i + 1)) / 2 * (x_(i + 1) - x_i)``. Differentiable in `y` and `x`. The error is
    ``-h**2 / 12 (f'(b) - f'(a))`` for equal steps h.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, section 3.5(i).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> float(ad.calculus.trapezoid(np.array([0.0, 1.0, 4.0]), dx=1.0))
    3.0
    """
    y = y if hasattr(y, "dtype") else np.asarray(y, float)
    h = _steps(y, x, dx, "trapezoid", 1)
    return ((y[..., 1:] + y[..., :-1]) * h).sum(axis=-1) / 2


@overload
def simpson(y: Tensor, x: Tensor | Numbers | None = ..., *, dx: float = ...) -> Tensor: ...
@overload
def simpson(y: Tensor | Numbers, x: Tensor, *, dx: float = ...) -> Tensor: ...
@overload
def simpson(y: Numbers, x: Numbers | None = ..., *, dx: float = ...) -> Array: ...
def simpson(y: Any, x: Any = None, *, dx: float = 1.0) -> Tensor | Array:
    """The integral of samples by Simpson's rule: parabolas through three neighbouring samples each.

    Parameters
    ----------
    y : array_like, (..., n)
        Three or more samples. If their number is even, the last step uses the parabola through the last three.
    x : array_like, (n,), optional
        The points of the samples, with any spacing.
    dx : float, default 1.0
        The spacing of the samples, if `x` is not given.

    Returns
    -------
    array or scalar, (...)
        In double precision.

    Raises
    ------
    ShapeError
        If there are fewer than three samples, or not one point for each.

    Notes
    -----
    Two equal steps add ``h/3 (y_0 + 4 y_1 + y_2)``. Exact for parabolas, and also for cubics if the steps are equal and
    n is odd. Differentiable in `y` and `x`.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, section 3.5(ii).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> x = np.linspace(0.0, 2.0, 5)
    >>> float(ad.calculus.simpson(x**3, x))
    4.0
    """
    y = y if hasattr(y, "dtype") else np.asarray(y, float)
    h = _steps(y, x, dx, "simpson", 3)
    n = np.shape(y)[-1]
    last = n - 1 if n % 2 else n - 2  # the end of the last full pair of steps
    a, b = h[0:last:2], h[1:last:2]
    y0, y1, y2 = y[..., 0 : last - 1 : 2], y[..., 1:last:2], y[..., 2 : last + 1 : 2]
    total = ((a + b) / 6 * ((2 - b / a) * y0 + (a + b) ** 2 / (a * b) * y1 + (2 - a / b) * y2)).sum(axis=-1)
    if n % 2 == 0:
        p, q = h[-2], h[-1]
        total = total + q / 6 * (
            (2 * q + 3 * p) / (p + q) * y[..., -1] + (q + 3 * p) / p * y[..., -2] - q * q / (p * (p + q)) * y[..., -3]
        )
    return total


@overload
def cumulative_integral(y: Tensor, x: Tensor | Numbers | None = ..., *, dx: float = ...) -> Tensor: ...
@overload
def cumulative_integral(y: Tensor | Numbers, x: Tensor, *, dx: float = ...) -> Tensor: ...
@overload
def cumulative_integral(y: Numbers, x: Numbers | None = ..., *, dx: float = ...) -> Array: ...
def cumulative_integral(y: Any, x: Any = None, *, dx: float = 1.0) -> Tensor | Array:
    """The integral of samples up to each sample, by the trapezoid rule.

    Parameters
    ----------
    y : array_like, (..., n)
        Samples; the integral is over the last axis.
    x : array_like, (n,), optional
        The points of the samples.
    dx : float, default 1.0
        The spacing of the samples, if `x` is not given.

    Returns
    -------
    array, (..., n)
        The first entry is 0. In double precision.

    Raises
    ------
    ShapeError
        If there is not one point for each sample.

    Notes
    -----
    Entry k is the sum of ``(y_i + y_(i + 1)) / 2 * (x_(i + 1) - x_i)`` over i < k. Differentiable in `y` and `x`.

    References
    ----------
    F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, section 3.5(i).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.calculus.cumulative_integral(np.array([1.0, 1.0, 3.0]))
    array([0., 1., 3.])
    """
    y = y if hasattr(y, "dtype") else np.asarray(y, float)
    h = _steps(y, x, dx, "cumulative_integral", 1)
    pieces = (y[..., 1:] + y[..., :-1]) * h / 2
    zero = np.zeros((*np.shape(y)[:-1], 1))
    return np.concatenate([zero, np.cumsum(pieces, axis=-1)], axis=-1)


def riemann_sum(f: Callable[..., Y], a: float, b: float, n: int, rule: str = "midpoint") -> Y:
    """The integral of f from a to b approximated by n rectangles, trapezoids or parabolas.

    Parameters
    ----------
    f : callable
        Takes an array of points.
    a, b : float
        The limits.
    n : int
        Number of subintervals.
    rule : str, default "midpoint"
        ``"left"``, ``"right"``, ``"midpoint"``, ``"trapezoid"`` or ``"simpson"``, which also uses the midpoint of each
        subinterval.

    Returns
    -------
    scalar

    Raises
    ------
    StructureError
        If the rule is unknown, or n is not positive.

    Notes
    -----
    The sum of ``f(x_i) h`` with ``h = (b - a) / n`` and one point x_i in each subinterval; for the last two rules the
    area under a line or a parabola takes the place of f(x_i) h.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), sections 5.2 and 7.7.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> [float(ad.calculus.riemann_sum(lambda x: x, 0.0, 1.0, 4, rule)) for rule in ("left", "midpoint", "right")]
    [0.375, 0.5, 0.625]
    """
    _check(rule, n)
    h = (b - a) / n
    edges, middles = a + h * np.arange(n + 1), a + h * (np.arange(n) + 0.5)

    def total(x: Any) -> Any:
        return values_at(f, [x], x.shape).sum(axis=-1)

    if rule == "midpoint":
        return h * total(middles)
    if rule in ("left", "right"):
        return h * total(edges[:-1] if rule == "left" else edges[1:])
    trapezoids = h * (total(edges[:-1]) + total(edges[1:])) / 2
    return trapezoids if rule == "trapezoid" else (trapezoids + 2 * h * total(middles)) / 3


def riemann_error(f: Callable[..., Y], a: float, b: float, n: int, rule: str = "midpoint") -> Y:
    """The leading term of the error of a `riemann_sum`, the integral minus the sum, for many subintervals.

    Parameters
    ----------
    f : callable
        A smooth function; takes an array of points.
    a, b : float
        The limits.
    n : int
        Number of subintervals.
    rule : str, default "midpoint"
        ``"left"``, ``"right"``, ``"midpoint"``, ``"trapezoid"`` or ``"simpson"``.

    Returns
    -------
    scalar

    Raises
    ------
    StructureError
        If the rule is unknown, or n is not positive.

    Notes
    -----
    With ``h = (b - a) / n``: left ``h/2 [f]``, right ``-h/2 [f]``, midpoint ``h**2/24 [f']``, trapezoid
    ``-h**2/12 [f']``, Simpson ``-h**4/2880 [f''']``, where [g] is g(b) - g(a): the first terms of the Euler-Maclaurin
    formula.

    References
    ----------
    P. J. Davis, P. Rabinowitz, "Methods of Numerical Integration", Academic Press 1984, section 2.9.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> off = np.e - 1 - ad.calculus.riemann_sum(np.exp, 0.0, 1.0, 100)
    >>> round(float(off / ad.calculus.riemann_error(np.exp, 0.0, 1.0, 100)), 4)
    1.0
    """
    _check(rule, n)
    h = (b - a) / n
    order, factor = {
        "left": (0, h / 2),
        "right": (0, -h / 2),
        "midpoint": (1, h**2 / 24),
        "trapezoid": (1, -(h**2) / 12),
        "simpson": (3, -(h**4) / 2880),
    }[rule]
    g = derivative(f, order)
    return factor * (g(np.float64(b)) - g(np.float64(a)))


def _check(rule: str, n: int) -> None:
    if rule not in RULES:
        raise StructureError(f"riemann_sum: rule must be one of {', '.join(RULES)}; {rule!r} was given.")
    if n < 1:
        raise StructureError(f"riemann_sum: n must be 1 or more; {n} was given.")
