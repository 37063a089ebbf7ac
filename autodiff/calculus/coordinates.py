"""Orthogonal coordinates, described by their scale factors, which are all that the vector operators need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.errors import ShapeError, StructureError
from autodiff.typing import Array

_DIMENSIONS = {"polar": 2, "cylindrical": 3, "spherical": 3}


def _polar(q: Any) -> list[Any]:
    return [1.0, q[0]]


def _cylindrical(q: Any) -> list[Any]:
    return [1.0, q[0], 1.0]


def _spherical(q: Any) -> list[Any]:
    return [1.0, q[0], q[0] * np.sin(q[1])]


SCALES: dict[str, Callable[[Any], list[Any]]] = {
    "polar": _polar,
    "cylindrical": _cylindrical,
    "spherical": _spherical,
}
"""Length per change of each coordinate; theta, the second spherical coordinate, is the angle from the pole."""


def scale_factors(coordinates: str, who: str, d: int) -> Callable[[Any], list[Any]] | None:
    """The scale factors as a function of the point; None for Cartesian coordinates, where all are 1."""
    if coordinates == "cartesian":
        return None
    if coordinates not in SCALES:
        raise StructureError(
            f"{who}: coordinates must be one of cartesian, {', '.join(SCALES)}; {coordinates!r} was given."
        )
    if d != _DIMENSIONS[coordinates]:
        raise ShapeError(
            f"{who}: {coordinates} coordinates are {_DIMENSIONS[coordinates]} numbers; the point has {d} along its "
            "first axis."
        )
    return SCALES[coordinates]


@overload
def to_cartesian(q: Tensor, coordinates: str) -> Tensor: ...
@overload
def to_cartesian(q: Array, coordinates: str) -> Array: ...
def to_cartesian(q: Any, coordinates: str) -> Tensor | Array:
    """Convert points from curvilinear to Cartesian coordinates.

    Parameters
    ----------
    q : array_like, (d, ...)
        ``(r, phi)``, ``(r, phi, z)`` or ``(r, theta, phi)``; angles in radians, theta from the pole.
    coordinates : str
        ``"polar"``, ``"cylindrical"`` or ``"spherical"``.

    Returns
    -------
    ndarray, (d, ...)
        In the dtype of `q`.

    Raises
    ------
    ShapeError
        If `q` has another number of coordinates than the system.

    Notes
    -----
    ``(r cos(phi), r sin(phi), z)``, and ``r (sin(theta) cos(phi), sin(theta) sin(phi), cos(theta))``.

    References
    ----------
    G. B. Arfken, H. J. Weber, F. E. Harris, "Mathematical Methods for Physicists", 7th edition (2013), section 3.10.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.calculus import to_cartesian
    >>> to_cartesian(np.array([2.0, np.pi / 2]), "polar").round(12)
    array([0., 2.])
    """
    scale_factors(coordinates, "to_cartesian", np.shape(q)[0])
    if coordinates == "cartesian":
        return q
    if coordinates == "spherical":
        across = q[0] * np.sin(q[1])
        return np.stack([across * np.cos(q[2]), across * np.sin(q[2]), q[0] * np.cos(q[1])])
    rest = [q[2]] if coordinates == "cylindrical" else []
    return np.stack([q[0] * np.cos(q[1]), q[0] * np.sin(q[1]), *rest])
