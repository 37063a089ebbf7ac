"""Integrals over many variables by sampling with a randomly shifted low-discrepancy sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.calculus.integrands import values_at
from autodiff.calculus.ranges import Range
from autodiff.errors import DomainError, StructureError
from autodiff.transforms.recording import Function, title
from autodiff.typing import Array

_SHIFTS = 16
_CONFIDENCE = 4.07  # two-sided 99.9 % of Student's t with 15 degrees of freedom


def _directions(d: int) -> Any:
    """The irrational steps of the sequence: powers of 1 / r, where r > 1 is the root of x**(d + 1) = x + 1."""
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (d + 1))
    return root ** -np.arange(1.0, d + 1)


def unit_points(d: int, samples: int, seed: int) -> Array:
    """Points of the unit cube, (d, shifts, samples / shifts): one sequence with several random shifts.

    References
    ----------
    R. Cranley, T. N. L. Patterson, "Randomization of number theoretic methods for multiple integration", SIAM J.
    Numer. Anal. 13 (1976). The sequence is Kronecker's, with the steps of M. Roberts, "The unreasonable effectiveness
    of quasirandom sequences" (2018).

    Examples
    --------
    >>> from autodiff.calculus.monte_carlo import unit_points
    >>> unit_points(3, 160, seed=0).shape
    (3, 16, 10)
    """
    shifts = np.random.default_rng(seed).random((d, _SHIFTS, 1))
    steps = np.arange(samples // _SHIFTS) * _directions(d)[:, None]
    # The tent map 1 - abs(2u - 1) makes the integrand periodic, so that the error falls faster.
    return 1 - np.abs(2 * np.mod(shifts + steps[:, None, :], 1.0) - 1)


def integral(f: Function, parts: Sequence[Range], samples: int, seed: int) -> tuple[Any, Any]:
    """The integral and the half-width of its 99.9 % confidence interval, from the spread of the shifts."""
    if samples < 8 * _SHIFTS:
        raise StructureError(f"integrate: samples={samples}; sampling needs {8 * _SHIFTS} or more.")
    units = unit_points(len(parts), samples, seed)
    shape = units.shape[1:]
    xs: list[Any] = []
    volume: Any = 1.0
    for part, u in zip(parts, units, strict=True):
        low, high = part.limits(xs, shape)
        part.look(low, high)
        x, slope = _placed(low, high, part.infinite, u)
        xs.append(np.broadcast_to(x, shape))
        volume = volume * slope
    values = values_at(f, xs, shape) * volume
    plain = concrete(values)
    if not np.isfinite(plain).all():
        point = [float(concrete(x)[~np.isfinite(plain).reshape(-1, *shape).all(axis=0)].flat[0]) for x in xs]
        raise DomainError(f"integrate: {title(f)} is not finite at the sampled point {tuple(point)}.")
    means = plain.mean(axis=-1)
    error = _CONFIDENCE * means.std(axis=-1, ddof=1) / np.sqrt(_SHIFTS)
    return values.mean(axis=(-2, -1)), np.asarray(error)


def _placed(low: Any, high: Any, infinite: tuple[float, float], u: Any) -> tuple[Any, Any]:
    """Sampled values of one variable and dx/du; the points move with a moving limit."""
    if not any(infinite):
        return low + (high - low) * u, high - low
    u = np.clip(u, 1e-12, 1 - 1e-12)
    if all(infinite):
        sign = (infinite[1] > 0) - (infinite[0] > 0)
        return sign * np.log(u / (1 - u)), sign / (u * (1 - u))
    if infinite[1]:
        sign = 1 if infinite[1] > 0 else -1
        return low + sign * u / (1 - u), sign / (1 - u) ** 2
    sign = 1 if infinite[0] < 0 else -1
    return high - sign * (1 - u) / u, sign / u**2
