"""Boxes: bounds for each number of a point, and the projection onto them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import autodiff as ad

Vector = np.ndarray[Any, np.dtype[Any]]


class Box(NamedTuple):
    """Bounds of a flat vector.

    Attributes
    ----------
    low, high : ndarray, (n,)
        Infinite where there is no bound.
    """

    low: Vector
    high: Vector

    def project(self, x: Vector) -> Vector:
        """The nearest point in the box."""
        return np.clip(x, self.low, self.high)

    def projected_gradient(self, x: Vector, g: Vector) -> Vector:
        """The gradient, with 0 for the entries that push a number against its bound."""
        return np.where(self.free(x, g), g, np.zeros_like(g))

    def free(self, x: Vector, g: Vector) -> Vector:
        """A mask of the numbers that may move along the negative gradient."""
        return ~(((x <= self.low) & (g > 0)) | ((x >= self.high) & (g < 0)))


def box_of(bounds: Any, x: Any, what: str = "bounds") -> Box | None:
    """The bounds of a point, given in its structure, as a `Box`; None if there are none.

    Parameters
    ----------
    bounds : None, pair, array_like of pairs, or container of them
        For every array of `x`: one pair ``(low, high)`` for all its numbers, or a pair for each, an array of shape
        ``shape + (2,)``. None is no bound, as a whole or in a pair. For a container give a container of the same
        structure; missing keys of a dict have no bounds.
    x : array_like or container
        The point.
    what : str, default "bounds"
        The name of the bounds in messages.
    """
    if bounds is None:
        return None
    parts = _parts(bounds, x, what)
    low = np.concatenate([p[0] for p in parts])
    high = np.concatenate([p[1] for p in parts])
    if not (low <= high).all():
        i = int(np.flatnonzero(~(low <= high))[0])
        raise ValueError(
            f"{what}: number {i} has the bounds ({low[i]}, {high[i]}); the lower one must not be above the upper one. "
            "Give a pair (low, high) for each number."
        )
    return Box(low, high)


def _parts(bounds: Any, x: Any, what: str) -> list[tuple[Vector, Vector]]:
    if isinstance(x, dict):
        if bounds is not None and not isinstance(bounds, dict):
            raise ad.StructureError(f"{what}: the point is a dict; give a dict with bounds for its keys {list(x)}.")
        if unknown := [k for k in bounds or {} if k not in x]:
            raise ad.StructureError(f"{what}: {unknown[0]!r} is not a key of the point; its keys are {list(x)}.")
        return [part for k, v in x.items() for part in _parts((bounds or {}).get(k), v, f"{what}[{k!r}]")]
    if isinstance(x, (list, tuple)):
        if bounds is not None and len(bounds) != len(x):
            raise ad.StructureError(
                f"{what}: {len(bounds)} entries for a {type(x).__name__} of {len(x)}; give one for each."
            )
        each = [None] * len(x) if bounds is None else bounds
        return [part for i, (v, b) in enumerate(zip(x, each, strict=True)) for part in _parts(b, v, f"{what}[{i}]")]
    if x is None:
        return []
    return [_leaf(bounds, np.shape(x), what)]


def _leaf(bounds: Any, shape: tuple[int, ...], what: str) -> tuple[Vector, Vector]:
    size = int(np.prod(shape))
    if bounds is None:
        return np.full(size, -np.inf), np.full(size, np.inf)
    try:
        given = np.array(bounds, dtype=object)
        open_ends = np.array([v is None for v in given.reshape(-1)], bool).reshape(given.shape)
        pairs = np.where(open_ends, np.nan, given).astype(float)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must hold pairs (low, high) of numbers or None; {bounds!r} was given.") from None
    if pairs.shape == (2,):
        pairs, open_ends = np.broadcast_to(pairs, (*shape, 2)), np.broadcast_to(open_ends, (*shape, 2))
    if pairs.shape != (*shape, 2):
        raise ad.ShapeError(
            f"{what} has shape {pairs.shape} for numbers of shape {shape}; give one pair (low, high), or a pair for "
            f"each number: shape {(*shape, 2)}."
        )
    low = np.where(open_ends[..., 0], -np.inf, pairs[..., 0])
    high = np.where(open_ends[..., 1], np.inf, pairs[..., 1])
    return low.reshape(-1), high.reshape(-1)
