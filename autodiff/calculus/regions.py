"""Regions of the plane and of space, as images of boxes of parameters; boundaries are the images of the sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, overload

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.arrays.tensors import Tensor
from autodiff.calculus.integrals import integrate
from autodiff.calculus.partials import scalar_values
from autodiff.calculus.surfaces import cross, point_and_tangents
from autodiff.errors import StructureError
from autodiff.transforms.recording import Function
from autodiff.typing import Array


@dataclass(frozen=True)
class Region:
    """A parametrised region of the plane or of space.

    Parameters
    ----------
    map : callable
        Takes two parameters, (n,) each, and returns (x, y) as (2, n), or three and returns (x, y, z) as (3, n).
    ranges : sequence of (float, float)
        The ranges of the two or three parameters.

    Raises
    ------
    StructureError
        If the ranges are not two or three pairs of finite numbers.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ellipse = ad.calculus.Region(lambda r, t: [2 * r * np.cos(t), r * np.sin(t)], [(0.0, 1.0), (0.0, 2 * np.pi)])
    >>> float(ellipse.integral(lambda p: 1.0)), 2 * np.pi
    (6.283185307180, 6.283185307180)
    """

    map: Function
    ranges: Sequence[tuple[float, float]]

    def __post_init__(self) -> None:
        if len(self.ranges) not in (2, 3) or not all(np.isfinite(r).all() and len(r) == 2 for r in self.ranges):
            raise StructureError(
                f"Region: ranges must be two or three pairs of finite numbers; {self.ranges!r} was given."
            )

    @classmethod
    def between(cls, a: float, b: float, low: Any, high: Any) -> Region:
        """The region with a <= x <= b and low(x) <= y <= high(x), where low and high are functions or numbers."""

        def at(curve: Any, x: Any) -> Any:
            return curve(x) if callable(curve) else curve

        return cls(lambda x, s: [x, at(low, x) * (1 - s) + at(high, x) * s], [(a, b), (0.0, 1.0)])

    @classmethod
    def box(cls, *ranges: tuple[float, float]) -> Region:
        """A rectangle or box with sides parallel to the axes."""
        return cls(lambda *xs: list(xs), ranges)

    @classmethod
    def disc(cls, center: Sequence[float] = (0.0, 0.0), radius: Any = 1.0) -> Region:
        """A disc in the plane."""
        x, y = center
        return cls(
            lambda r, t: [x + radius * r * np.cos(t), y + radius * r * np.sin(t)], [(0.0, 1.0), (0.0, 2 * np.pi)]
        )

    @classmethod
    def ball(cls, center: Sequence[float] = (0.0, 0.0, 0.0), radius: Any = 1.0) -> Region:
        """A ball in space."""
        x, y, z = center
        return cls(
            lambda r, u, v: [
                x + radius * r * np.sin(u) * np.cos(v),
                y + radius * r * np.sin(u) * np.sin(v),
                z + radius * r * np.cos(u),
            ],
            [(0.0, 1.0), (0.0, np.pi), (0.0, 2 * np.pi)],
        )

    @property
    def dimension(self) -> int:
        """2 in the plane, 3 in space."""
        return len(self.ranges)

    @overload
    def integral(self, f: Function, *, return_error: Literal[True], **options: Any) -> tuple[Tensor | Array, Array]: ...
    @overload
    def integral(self, f: Function, **options: Any) -> Tensor | Array: ...
    def integral(self, f: Function, **options: Any) -> Any:
        """The integral of a scalar field over the area or volume of the region.

        Parameters
        ----------
        f : callable
            Takes points (d, ...) and returns (...).
        **options
            Options of `integrate`.
        """

        def integrand(*q: Any) -> Any:
            p, volume = self.point_and_volume(q)
            return scalar_values(f, p, "Region.integral") * volume

        return integrate(integrand, *self.ranges, **options)

    def point_and_volume(self, q: tuple[Any, ...]) -> tuple[Any, Any]:
        """The points at some parameters, and the positive ratio of area or volume there to that of the parameters."""
        p, tangents = point_and_tangents(self.map, q, "Region", self.dimension)
        return p, self._orientation() * _determinant(tangents)

    def _orientation(self) -> float:
        """1, or -1 if the parametrisation reverses orientation, judged near the middle of the ranges."""
        middle = tuple(np.array([0.55 * a + 0.45 * b]) for a, b in self.ranges)
        _, tangents = point_and_tangents(self.map, middle, "Region", self.dimension)
        return 1.0 if float(concrete(_determinant(tangents))[0]) * self._sense() >= 0 else -1.0

    def _sense(self) -> float:
        return float(np.prod([np.sign(b - a) or 1.0 for a, b in self.ranges]))

    def sides(self) -> Iterator[Side]:
        """The images of the sides of the box, each with the sign that makes its normal point outward."""
        sign = self._orientation()
        for i, ends in enumerate(self.ranges):
            for end, outward in zip(ends, (-1.0, 1.0), strict=True):
                yield Side(self, i, end, sign * outward)


class Side(NamedTuple):
    """One side of a region, where the parameter `axis` has the value `end`."""

    region: Region
    axis: int
    end: float
    sign: float

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """The ranges of the other parameters."""
        return [r for i, r in enumerate(self.region.ranges) if i != self.axis]

    def _point_and_tangents(self, q: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        fixed = np.full(np.shape(q[0]), self.end)
        full = (*q[: self.axis], fixed, *q[self.axis :])
        p, tangents = point_and_tangents(self.region.map, full, "Region", self.region.dimension)
        d = self.region.dimension
        # In cyclic order after the axis, so that the tangent, or the cross product of the tangents, has the right sign.
        return p, [tangents[(self.axis + k) % d] for k in range(1, d)]

    def outward_flux(self, F: Callable[[Any], Any], q: tuple[Any, ...]) -> Tensor | Array:
        """F . N at some parameters, where N is the outward normal times the area element."""
        p, tangents = self._point_and_tangents(q)
        if self.region.dimension == 3:
            return self.sign * (F(p) * cross(*tangents)).sum(axis=0)
        (tangent,) = tangents
        y = F(p)
        turn = self.sign * self._turn()
        return turn * (y[0] * tangent[1] - y[1] * tangent[0])

    def circulation(self, F: Callable[[Any], Any], q: tuple[Any, ...]) -> Tensor | Array:
        """F . T at some parameters, where T is the tangent, counterclockwise around the region; only in the plane."""
        p, (tangent,) = self._point_and_tangents(q)
        return self.sign * self._turn() * (F(p) * tangent).sum(axis=0)

    def _turn(self) -> float:
        return 1.0 if self.axis == 0 else -1.0


def _determinant(tangents: Any) -> Any:
    if np.shape(tangents)[0] == 2:
        return tangents[0, 0] * tangents[1, 1] - tangents[0, 1] * tangents[1, 0]
    return (tangents[0] * cross(tangents[1], tangents[2])).sum(axis=0)
