"""Numerical checks of the integral theorems (Green, Gauss, Stokes) and of the rules of integration.

Each function computes both sides and reports whether they agree. The theorems assume a smooth field, so the region is
first searched for a pole, which is reported instead of meaningless numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.calculus.comparisons import Comparison, compared
from autodiff.calculus.curves import line_integral
from autodiff.calculus.fields import curl, divergence
from autodiff.calculus.fractions import PartialFractions, partial_fractions, partial_fractions_integral
from autodiff.calculus.integrals import integrate
from autodiff.calculus.integrands import stacked
from autodiff.calculus.partials import components
from autodiff.calculus.poles import look_for_poles
from autodiff.calculus.regions import Region
from autodiff.calculus.surfaces import surface_integral
from autodiff.errors import DomainError, ShapeError
from autodiff.transforms.directions import derivative
from autodiff.transforms.recording import Function, title

__all__ = [
    "PartialFractions",
    "by_parts",
    "divergence_theorem",
    "green",
    "partial_fractions",
    "partial_fractions_integral",
    "stokes",
    "substitution",
]


def _refuse_pole(who: str, F: Function, place: Function, ranges: Sequence[tuple[float, float]]) -> float:
    """The largest magnitude of the field; raises if it has a pole."""
    pole, largest = look_for_poles(F, place, ranges)
    if pole is not None:
        at = ", ".join(f"{v:.6g}" for v in pole)
        raise DomainError(
            f"{who}: {title(F)} has a pole in the region, near ({at}). The theorem holds for fields that are smooth "
            "in the whole region: cut the pole out, and give the cut its own boundary."
        )
    return largest


def _noise(largest: float, sides: float) -> float:
    return 1e-13 * largest * max(sides, 1.0)


def boundary_integral(region: Region, integrand: str, F: Function, atol: float) -> tuple[Any, float]:
    """The integral over all sides of a region, and its error."""
    total: Any = 0.0
    error = 0.0
    for side in region.sides():
        value, off = integrate(
            lambda *q, side=side: getattr(side, integrand)(F, q), *side.ranges, atol=atol, return_error=True
        )
        total, error = total + value, error + float(off)
    return total, error


def _length(region: Region) -> float:
    """The largest extent of a region along an axis, from a grid of 5 parameters in each range."""
    ends = np.array(np.meshgrid(*[np.linspace(a, b, 5) for a, b in region.ranges], indexing="ij"))
    points = concrete(stacked(region.map(*ends.reshape(region.dimension, -1))))
    return float(np.ptp(points, axis=-1).max())


def green(F: Function, region: Region) -> Comparison:
    """Green's theorem: the circulation around a region of the plane, and the integral of the curl over it.

    Parameters
    ----------
    F : callable
        Takes points (2, ...) and returns (2, ...).
    region : Region
        A region of the plane.

    Returns
    -------
    Comparison
        The left side is the counterclockwise circulation, the right side the integral of
        ``dF_y/dx - dF_x/dy``.

    Raises
    ------
    DomainError
        If the field has a pole in the region.
    ShapeError
        If the region is not in the plane.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.4.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.theorems.green(lambda p: np.stack([-(p[1] ** 3), p[0] ** 3]), ad.calculus.Region.disc())
    >>> found.holds, round(float(found.left), 9), round(1.5 * np.pi, 9)
    (True, 4.71238898, 4.71238898)
    """
    if region.dimension != 2:
        raise ShapeError(
            f"green: the region has {region.dimension} parameters; Green's theorem holds in the plane. In space use "
            "stokes for a surface or divergence_theorem for a solid."
        )
    largest = _refuse_pole("green", F, region.map, region.ranges)
    size = _length(region)
    left = boundary_integral(region, "circulation", lambda p: components(F, p, "green"), _noise(largest, size))
    right = region.integral(curl(F), atol=_noise(largest, size), return_error=True)
    return compared(left, right, largest * size)


def divergence_theorem(F: Function, region: Region) -> Comparison:
    """Gauss's theorem, in space or in the plane: the flux out of a region, and the integral of the divergence over it.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns (d, ...).
    region : Region
        A region of the plane or of space.

    Returns
    -------
    Comparison
        The left side is the flux through the boundary, the right side the integral of the divergence.

    Raises
    ------
    DomainError
        If the field has a pole in the region.

    Notes
    -----
    The integral of ``F . n`` over the boundary is that of ``div F = sum_i dF_i/dx_i`` over the region.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.9.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.theorems.divergence_theorem(lambda p: p, ad.calculus.Region.ball())
    >>> found.holds, round(float(found.right), 9), round(4 * np.pi, 9)
    (True, 12.566370614, 12.566370614)
    """
    largest = _refuse_pole("divergence_theorem", F, region.map, region.ranges)
    size = _length(region) ** (region.dimension - 1)
    left = boundary_integral(
        region, "outward_flux", lambda p: components(F, p, "divergence_theorem"), _noise(largest, size)
    )
    right = region.integral(divergence(F), atol=_noise(largest, size), return_error=True)
    return compared(left, right, largest * size)


def stokes(F: Function, surface: Function, u: tuple[float, float], v: tuple[float, float]) -> Comparison:
    """Stokes' theorem: the circulation around the boundary of a surface, and the flux of the curl through it.

    Parameters
    ----------
    F : callable
        Takes points (3, ...) and returns (3, ...).
    surface : callable
        S(u, v) returns (3, n). The boundary is the image of the sides of the ranges; seen with S_u x S_v upwards, it is
        traversed with the surface on the left.
    u, v : (float, float)
        Ranges of the parameters.

    Returns
    -------
    Comparison
        The left side is the circulation, the right side the flux of the curl.

    Raises
    ------
    DomainError
        If the field has a pole on the surface.

    Notes
    -----
    The integral of ``F . dr`` along the boundary is that of ``curl F . N`` over u and v, with ``N = S_u x S_v``.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.8.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> cap = lambda r, t: [r * np.cos(t), r * np.sin(t), 1 - r**2]
    >>> found = ad.calculus.theorems.stokes(lambda p: [-p[1], p[0], p[2]], cap, (0.0, 1.0), (0.0, 2 * np.pi))
    >>> found.holds, round(float(found.left), 9), round(2 * np.pi, 9)
    (True, 6.283185307, 6.283185307)
    """
    largest = _refuse_pole("stokes", F, surface, [u, v])
    atol = _noise(largest, 1.0)
    (a, b), (c, d) = u, v
    left: Any = 0.0
    error = 0.0
    for curve, start, stop in (
        (lambda t: surface(t, np.full(np.shape(t), c)), a, b),
        (lambda t: surface(np.full(np.shape(t), b), t), c, d),
        (lambda t: surface(t, np.full(np.shape(t), d)), b, a),
        (lambda t: surface(np.full(np.shape(t), a), t), d, c),
    ):
        value, off = line_integral(
            lambda p: components(F, p, "stokes"), curve, start, stop, atol=atol, return_error=True
        )
        left, error = left + value, error + float(off)
    right = surface_integral(curl(F), surface, u, v, atol=atol, return_error=True)
    return compared((left, error), right, largest)


def substitution(f: Function, u: Function, a: float, b: float) -> Comparison:
    """Integration by substitution: the integral of ``f(u(x)) u'(x)`` from a to b, and that of f from u(a) to u(b).

    Parameters
    ----------
    f, u : callable
        Functions of one variable.
    a, b : float
        Limits of x.

    Returns
    -------
    Comparison
        Both sides, with their errors.

    Raises
    ------
    DomainError
        If one of the integrals diverges.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 5.5.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.theorems.substitution(np.exp, lambda x: x**2, 0.0, 1.0)
    >>> found.holds, round(float(found.right), 9)
    (True, 1.718281828)
    """
    slope = derivative(u)
    left = integrate(lambda x: f(u(x)) * slope(x), a, b, return_error=True)
    right = integrate(f, u(np.float64(a)), u(np.float64(b)), return_error=True)
    return compared(left, right)


def by_parts(f: Function, g: Function, a: float, b: float) -> Comparison:
    """Integration by parts: the integral of ``f(x) g'(x)``, and f g at the limits minus the integral of ``f'(x) g(x)``.

    Parameters
    ----------
    f, g : callable
        Functions of one variable.
    a, b : float
        Finite limits, since f g is evaluated there.

    Returns
    -------
    Comparison
        Both sides, with their errors.

    Raises
    ------
    DomainError
        If one of the integrals diverges, or f g is not finite at a limit.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 7.1.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.theorems.by_parts(lambda x: x, np.exp, 0.0, 1.0)  # the integral of x exp(x)
    >>> found.holds, round(float(found.left), 9)
    (True, 1.0)
    """
    left = integrate(lambda x: f(x) * derivative(g)(x), a, b, return_error=True)
    rest, error = integrate(lambda x: derivative(f)(x) * g(x), a, b, return_error=True)
    with np.errstate(all="ignore"):
        ends = [f(np.float64(x)) * g(np.float64(x)) for x in (a, b)]
    if not all(np.isfinite(concrete(e)) for e in ends):
        raise DomainError(f"by_parts: f g is {ends[0]} at {a} and {ends[1]} at {b}; it must be finite at both limits.")
    return compared(left, (ends[1] - ends[0] - rest, error), float(max(abs(concrete(e)) for e in ends)))
