"""Conservative and solenoidal fields: tests with a witness, and the potential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.calculus.fields import divergence, jacobian_field
from autodiff.calculus.integrals import integrate
from autodiff.calculus.partials import components, points_of
from autodiff.calculus.poles import look_for_poles
from autodiff.calculus.regions import Region
from autodiff.calculus.theorems import boundary_integral
from autodiff.core.modes import no_grad
from autodiff.errors import DomainError, ShapeError
from autodiff.transforms.recording import Function

_SAMPLES = 256
_BAR = 1e-8


class Finding(NamedTuple):
    """Whether a field has a property on a box.

    Attributes
    ----------
    holds : bool
    witness : ndarray, (d,), or None
        A counterexample: a point where the curl or divergence is largest, or a pole.
    size : float
        The curl or divergence there, or the circulation or flux around the pole.
    reason : str

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> found = ad.calculus.is_solenoidal(lambda p: np.stack([p[1], -p[0]]), [(-1.0, 1.0), (-1.0, 1.0)])
    >>> found.holds
    True
    """

    holds: bool
    witness: Any
    size: float
    reason: str


def _box(box: Sequence[tuple[float, float]], who: str) -> Any:
    sides = np.asarray(box, float)
    if sides.ndim != 2 or sides.shape[1] != 2 or not (sides[:, 0] < sides[:, 1]).all():
        raise ShapeError(f"{who}: a box must be a pair (low, high) for each coordinate, low < high; {box!r} was given.")
    return sides


def _samples(sides: Any, seed: int) -> Any:
    u = np.random.default_rng(seed).random((len(sides), _SAMPLES))
    return sides[:, :1] + u * (sides[:, 1:] - sides[:, :1])


def is_conservative(F: Function, box: Sequence[tuple[float, float]], *, seed: int = 0) -> Finding:
    """Test whether a field is a gradient on a box: no curl anywhere, and no circulation around a pole.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns (d, ...).
    box : sequence of (float, float)
        A pair for each coordinate.
    seed : int, default 0
        Seed of the sampled points.

    Returns
    -------
    Finding
        ``holds`` is True if 256 sampled points show no curl, or False with a witness.

    Raises
    ------
    ShapeError
        If the field returns a wrong shape, or the box is not a pair for each coordinate.

    Notes
    -----
    If there is a pole in the plane or in space, the circulation around the box, or around each of its faces, is
    computed too: ``(-y, x) / (x**2 + y**2)`` has no curl anywhere, but no potential on a box around the origin either.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> vortex = lambda p: np.stack([-p[1], p[0]]) / np.sum(p**2, axis=0)
    >>> found = ad.calculus.is_conservative(vortex, [(-1.0, 1.0), (-1.0, 1.5)])
    >>> found.holds, round(found.size, 6), found.reason  # 2 pi
    (False, 6.283185, 'the circulation around a pole')
    >>> ad.calculus.is_conservative(vortex, [(1.0, 2.0), (-1.0, 1.5)]).holds
    True
    """
    sides = _box(box, "is_conservative")
    points = _samples(sides, seed)
    with no_grad(), np.errstate(all="ignore"):
        J = concrete(jacobian_field(lambda p: components(F, p, "is_conservative"))(points))
    turned = np.abs(J - J.swapaxes(0, 1)).max(axis=(0, 1))
    scale = np.abs(J).max(axis=(0, 1))
    worst = int(np.argmax(np.where(np.isfinite(turned), turned - _BAR * scale, -np.inf)))
    if turned[worst] > _BAR * scale[worst]:
        return Finding(False, points[:, worst], float(turned[worst]), "the curl")
    if len(sides) in (2, 3):
        pole, largest = look_for_poles(F, lambda *q: np.stack(q), [tuple(s) for s in sides])
        for field, box_of_it in [] if pole is None else [(F, sides)] if len(sides) == 2 else _faces(F, sides):
            around = _round(field, box_of_it, "circulation")
            if around is None or abs(around) > _BAR * largest:
                return Finding(False, pole, float("nan") if around is None else around, "the circulation around a pole")
    return Finding(True, None, 0.0, f"no curl at {_SAMPLES} points")


def is_solenoidal(F: Function, box: Sequence[tuple[float, float]], *, seed: int = 0) -> Finding:
    """Test whether a field has no sources on a box: no divergence anywhere, and no flux out of a pole.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns (d, ...).
    box : sequence of (float, float)
        A pair for each coordinate.
    seed : int, default 0
        Seed of the sampled points.

    Returns
    -------
    Finding
        ``holds`` is True if 256 sampled points show no divergence, or False with a witness.

    Raises
    ------
    ShapeError
        If the field returns a wrong shape, or the box is not a pair for each coordinate.

    Notes
    -----
    A field has no sources where ``div F = sum_i dF_i/dx_i = 0``. In the plane and in space the flux out of the box is
    computed too, if there is a pole inside.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), sections 16.5 and 16.9.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> charge = lambda p: p / np.sum(p**2, axis=0) ** 1.5
    >>> found = ad.calculus.is_solenoidal(charge, [(-1.0, 1.0)] * 3)
    >>> found.holds, round(found.size, 6), found.reason  # 4 pi
    (False, 12.566371, 'the flux out of a pole')
    """
    sides = _box(box, "is_solenoidal")
    points = _samples(sides, seed)
    with no_grad(), np.errstate(all="ignore"):
        spread = np.abs(concrete(divergence(F)(points)))
        scale = np.abs(concrete(jacobian_field(F)(points))).max(axis=(0, 1))
    worst = int(np.argmax(np.where(np.isfinite(spread), spread - _BAR * scale, -np.inf)))
    if spread[worst] > _BAR * scale[worst]:
        return Finding(False, points[:, worst], float(spread[worst]), "the divergence")
    if len(sides) in (2, 3):
        pole, largest = look_for_poles(F, lambda *q: np.stack(q), [tuple(s) for s in sides])
        around = _round(F, sides, "outward_flux") if pole is not None else 0.0
        if pole is not None and (around is None or abs(around) > _BAR * largest):
            return Finding(False, pole, float("nan") if around is None else around, "the flux out of a pole")
    return Finding(True, None, 0.0, f"no divergence at {_SAMPLES} points")


def _faces(F: Function, sides: Any) -> list[tuple[Function, Any]]:
    """For each face of a box in space, the tangential field as a field of the plane, and the sides of the face."""

    def on_face(axis: int, height: float) -> Function:
        along = [i for i in range(3) if i != axis]

        def field(p: Any) -> Any:
            q = list(p)
            q.insert(axis, np.full(np.shape(p[0]), height))
            y = components(F, np.stack(q), "is_conservative")
            return np.stack([y[i] for i in along])

        return field

    return [(on_face(axis, end), np.delete(sides, axis, axis=0)) for axis in range(3) for end in sides[axis]]


def _round(F: Function, sides: Any, what: str) -> float | None:
    """The circulation around a box or the flux out of it; None if the pole lies on the boundary."""
    try:
        return float(concrete(boundary_integral(Region.box(*map(tuple, sides)), what, F, 1e-10)[0]))
    except DomainError:
        return None


def potential(F: Function, origin: Any, **options: Any) -> Function:
    """The potential of a conservative field: the scalar field whose gradient it is, 0 at the origin.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns (d, ...). It is assumed to be conservative; `is_conservative` tests this.
    origin : array_like, (d,)
        Where the potential is 0; the straight line from there to every point must lie in the field's domain.
    **options
        Options of `integrate`.

    Returns
    -------
    callable
        Takes points (d, ...) and returns (...).

    Raises
    ------
    DomainError
        If the field has a pole on the line.
    ShapeError
        If a point has another number of coordinates than the origin.

    Notes
    -----
    The line integral of F along the straight line, the integral of ``F(o + t (p - o)) . (p - o)`` over t from 0 to 1.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> phi = ad.calculus.potential(lambda p: np.stack([2 * p[0] * p[1], p[0] ** 2]), [0.0, 0.0])
    >>> float(phi(np.array([2.0, 3.0]))), ad.gradient_field(phi)(np.array([2.0, 3.0]))
    (12.0, array([12.,  4.]))
    """

    def value(p: Any) -> Any:
        p = points_of(p, "potential")
        start = np.asarray(origin, float).reshape((-1,) + (1,) * (np.ndim(p) - 1))
        if start.shape[0] != np.shape(p)[0]:
            raise ShapeError(f"potential: the origin has {start.shape[0]} coordinates, but the point {np.shape(p)[0]}.")
        way = p - start

        def integrand(t: Any) -> Any:
            q = start[..., None] + way[..., None] * t
            return (components(F, q, "potential") * way[..., None]).sum(axis=0)

        return integrate(integrand, 0.0, 1.0, **options)

    return value
