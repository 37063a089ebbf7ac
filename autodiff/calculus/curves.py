"""Curves: length, curvature, and line integrals."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.calculus.integrals import integrate
from autodiff.calculus.integrands import stacked
from autodiff.calculus.partials import times_element
from autodiff.errors import ShapeError
from autodiff.transforms.first_order import jvp
from autodiff.transforms.recording import Function, title
from autodiff.typing import Array, ArrayLike


def point_and_velocity(curve: Function, t: Any, who: str) -> tuple[Any, Any]:
    """r(t) and r'(t), (d, ...), at parameters (...)."""

    def position(s: Any) -> Any:
        r = stacked(curve(s))
        if np.ndim(r) != np.ndim(s) + 1 or np.shape(r)[1:] != np.shape(s):
            expected = f"({', '.join(map(str, ('d', *np.shape(s))))}{'' if np.ndim(s) else ','})"
            raise ShapeError(
                f"{who}: at parameters of shape {np.shape(s)} {title(curve)} returned shape {np.shape(r)}; "
                f"expected {expected}: coordinates along the first axis, as in np.stack([x(t), y(t)])."
            )
        return r

    return jvp(position, (t,), (np.ones(np.shape(t)),))


@overload
def line_integral(
    F: Function, curve: Function, a: ArrayLike, b: ArrayLike, *, return_error: Literal[True], **options: Any
) -> tuple[Tensor | Array, Array]: ...
@overload
def line_integral(F: Function, curve: Function, a: ArrayLike, b: ArrayLike, **options: Any) -> Tensor | Array: ...
def line_integral(F: Function, curve: Function, a: ArrayLike, b: ArrayLike, **options: Any) -> Any:
    """The integral of a field along a curve: the work for a vector field, the integral over arc length for a scalar.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns d components for each, (d, ...), or one number for each, (...).
    curve : callable
        r(t) takes parameters (n,) and returns (d, n): an array or a list of coordinates.
    a, b : float
        The limits of the parameter.
    **options
        Options of `integrate`.

    Returns
    -------
    scalar, or Tensor
        With ``return_error=True``, the pair of value and error.

    Raises
    ------
    DomainError
        If the field is infinite on the curve.
    ShapeError
        If curve or field return wrong shapes.

    Notes
    -----
    The integral of ``F(r(t)) . r'(t)``, or of ``F(r(t)) |r'(t)|``, over t. The first changes its sign with the
    direction of travel; the second is an integral over length, and has the sign of b - a.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.2.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> circle = lambda t: np.stack([np.cos(t), np.sin(t)])
    >>> float(ad.line_integral(lambda p: np.stack([-p[1], p[0]]), circle, 0.0, 2 * np.pi)), 2 * np.pi
    (6.283185307180, 6.283185307180)
    """

    def integrand(t: Any) -> Any:
        r, velocity = point_and_velocity(curve, t, "line_integral")
        return times_element(F, r, velocity, "line_integral")

    return integrate(integrand, a, b, **options)


@overload
def arc_length(
    curve: Function, a: ArrayLike, b: ArrayLike, *, return_error: Literal[True], **options: Any
) -> tuple[Tensor | Array, Array]: ...
@overload
def arc_length(curve: Function, a: ArrayLike, b: ArrayLike, **options: Any) -> Tensor | Array: ...
def arc_length(curve: Function, a: ArrayLike, b: ArrayLike, **options: Any) -> Any:
    """The length of a curve between two parameters: the integral of ``|r'(t)|`` from `a` to `b`.

    Parameters
    ----------
    curve : callable
        r(t) takes parameters (n,) and returns (d, n): an array or a list of coordinates.
    a, b : float
        The limits of the parameter.
    **options
        Options of `integrate`.

    Returns
    -------
    scalar, or Tensor
        In the unit of the coordinates. With ``return_error=True``, the pair of value and error.

    Raises
    ------
    ShapeError
        If the curve returns a wrong shape.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), sections 8.1 and 13.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> float(ad.calculus.arc_length(lambda t: [t, np.cosh(t)], 0.0, 1.0)), float(np.sinh(1.0))
    (1.175201193644, 1.175201193644)
    """
    return line_integral(lambda r: 1.0, curve, a, b, **options)


def curvature(curve: Function) -> Function:
    """The curvature of a curve: the reciprocal of the radius of the osculating circle.

    Parameters
    ----------
    curve : callable
        r(t) takes parameters (n,) and returns (d, n), in any dimension d.

    Returns
    -------
    callable
        Takes parameters (...) and returns (...), never negative. In the dtype of the parameters.

    Raises
    ------
    ShapeError
        When called: if the curve returns a wrong shape.

    Notes
    -----
    ``sqrt(|r'|**2 |r''|**2 - (r' . r'')**2) / |r'|**3``.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 13.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> float(ad.calculus.curvature(lambda t: [2 * np.cos(t), 2 * np.sin(t)])(1.0))
    0.5
    """

    def bend(t: Any) -> Any:
        t = t if hasattr(t, "dtype") else np.asarray(t, float)[()]
        velocity, acceleration = jvp(
            lambda s: point_and_velocity(curve, s, "curvature")[1], (t,), (np.ones(np.shape(t)),)
        )
        speed = (velocity * velocity).sum(axis=0)
        # The part of r'' perpendicular to r': the difference in the formula, without its cancellation.
        across = acceleration - velocity * ((velocity * acceleration).sum(axis=0) / speed)
        return np.linalg.norm(across, axis=0) / speed

    return bend
