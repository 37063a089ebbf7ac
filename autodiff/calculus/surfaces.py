"""Surfaces in space: area, flux, and surface integrals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.calculus.integrals import integrate
from autodiff.calculus.integrands import stacked
from autodiff.calculus.partials import components, partials, times_element
from autodiff.errors import ShapeError
from autodiff.transforms.recording import Function, title
from autodiff.typing import Array, ArrayLike

Limits = Sequence[ArrayLike | Function]
"""The limits of a parameter: numbers, or functions of the parameters before it."""


def cross(a: Any, b: Any) -> Any:
    """The cross product along the first axis."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def point_and_tangents(surface: Function, parameters: tuple[Any, ...], who: str, d: int = 3) -> tuple[Any, Any]:
    """S(u, v), (d, ...), and its derivatives with respect to each parameter, (parameters, d, ...)."""

    def position(q: Any) -> Any:
        r = stacked(surface(*(q[i] for i in range(len(parameters)))))
        if np.shape(r) != (d, *np.shape(q)[1:]):
            raise ShapeError(
                f"{who}: at parameters of shape {np.shape(q)[1:]} {title(surface)} returned shape "
                f"{np.shape(r)}; expected {(d, *np.shape(q)[1:])}: {d} coordinates along the first axis, as in "
                f"np.stack([x, y, z], axis=0)."
            )
        return r

    return partials(position, np.stack(parameters))


@overload
def surface_integral(
    F: Function, surface: Function, u: Limits, v: Limits, *, return_error: Literal[True], **options: Any
) -> tuple[Tensor | Array, Array]: ...
@overload
def surface_integral(F: Function, surface: Function, u: Limits, v: Limits, **options: Any) -> Tensor | Array: ...
def surface_integral(F: Function, surface: Function, u: Limits, v: Limits, **options: Any) -> Any:
    """The integral of a field over a surface: the flux for a vector field, the integral over area for a scalar.

    Parameters
    ----------
    F : callable
        Takes points (3, ...) and returns 3 components for each, (3, ...), or one number for each, (...).
    surface : callable
        S(u, v) takes parameters (n,) each and returns (3, n): an array or a list of coordinates.
    u, v : pair of limits
        Ranges of the parameters; the limits of `v` may be functions of u.
    **options
        Options of `integrate`.

    Returns
    -------
    scalar, or Tensor
        With ``return_error=True``, the pair of value and error.

    Raises
    ------
    ShapeError
        If surface or field return wrong shapes.

    Notes
    -----
    The integral of ``F . N``, or of ``F |N|``, over u and v, where ``N = S_u x S_v`` is the normal; flux towards its
    side is positive.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.7.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> sphere = lambda u, v: [np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)]
    >>> float(ad.surface_integral(lambda p: p, sphere, (0.0, np.pi), (0.0, 2 * np.pi))), 4 * np.pi
    (12.566370614359, 12.566370614359)
    """

    def integrand(s: Any, t: Any) -> Any:
        r, tangents = point_and_tangents(surface, (s, t), "surface_integral")
        return times_element(F, r, cross(tangents[0], tangents[1]), "surface_integral")

    return integrate(integrand, u, v, **options)


@overload
def flux(
    F: Function, surface: Function, u: Limits, v: Limits, *, return_error: Literal[True], **options: Any
) -> tuple[Tensor | Array, Array]: ...
@overload
def flux(F: Function, surface: Function, u: Limits, v: Limits, **options: Any) -> Tensor | Array: ...
def flux(F: Function, surface: Function, u: Limits, v: Limits, **options: Any) -> Any:
    """The flux of a vector field through a surface, towards the side of S_u x S_v: a `surface_integral`.

    Parameters
    ----------
    F : callable
        The vector field: takes points (3, ...) and returns 3 components for each, (3, ...).
    surface : callable
        S(u, v) takes parameters (n,) each and returns (3, n): an array or a list of coordinates.
    u, v : pair of limits
        Ranges of the parameters; the limits of `v` may be functions of u.
    **options
        Options of `integrate`.

    Returns
    -------
    scalar, or Tensor
        With ``return_error=True``, the pair of value and error.

    Raises
    ------
    ShapeError
        If the field is a scalar field, or surface or field return wrong shapes.

    Notes
    -----
    The integral of ``F . N`` over u and v, where ``N = S_u x S_v``.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.7.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> sheet = lambda x, y: [x, y, x + y]
    >>> float(ad.calculus.flux(lambda p: [0.0, 0.0, 2.0], sheet, (0.0, 1.0), (0.0, 1.0)))
    2.0
    """
    return surface_integral(lambda r: components(F, r, "flux"), surface, u, v, **options)


@overload
def surface_area(
    surface: Function, u: Limits, v: Limits, *, return_error: Literal[True], **options: Any
) -> tuple[Tensor | Array, Array]: ...
@overload
def surface_area(surface: Function, u: Limits, v: Limits, **options: Any) -> Tensor | Array: ...
def surface_area(surface: Function, u: Limits, v: Limits, **options: Any) -> Any:
    """The area of a surface: the integral of ``|S_u x S_v|`` over u and v.

    Parameters
    ----------
    surface : callable
        S(u, v) takes parameters (n,) each and returns (3, n): an array or a list of coordinates.
    u, v : pair of limits
        Ranges of the parameters; the limits of `v` may be functions of u.
    **options
        Options of `integrate`.

    Returns
    -------
    scalar, or Tensor
        With ``return_error=True``, the pair of value and error.

    Raises
    ------
    ShapeError
        If the surface returns a wrong shape.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.6.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> cone = lambda r, phi: [r * np.cos(phi), r * np.sin(phi), r]
    >>> float(ad.calculus.surface_area(cone, (0.0, 1.0), (0.0, 2 * np.pi))), float(np.pi * np.sqrt(2))
    (4.442882938158, 4.442882938158)
    """
    return surface_integral(lambda r: 1.0, surface, u, v, **options)
