"""Ranges of integration: limits are numbers, arrays, Tensors, or functions of the outer variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.arrays.plain import concrete, is_more_than_numbers
from autodiff.errors import DomainError, ShapeError, StructureError


class Range:
    """The range of one variable.

    Parameters
    ----------
    low, high : array_like or callable
        A callable takes the variables before this one, as arrays of one shape.
    number : int
        The index of the variable, from 0.
    breaks : sequence of float
        Points between the limits at which the integrand is not smooth.
    """

    def __init__(self, low: Any, high: Any, number: int, breaks: Sequence[float] = ()) -> None:
        self.low, self.high, self.number = low, high, number
        self.breaks = [float(b) for b in breaks]
        self.infinite = (0.0, 0.0)
        """The limits that are infinite, else 0; set by `look`."""

    def limits(self, xs: Sequence[Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Both limits, given the variables before: numbers, or arrays with shape `shape`."""
        return self._limit(self.low, xs, shape, "lower"), self._limit(self.high, xs, shape, "upper")

    def _limit(self, limit: Any, xs: Sequence[Any], shape: tuple[int, ...], which: str) -> Any:
        value = limit
        if callable(limit) and not isinstance(limit, int):  # the size of a Tensor can be called, to say what it is
            if not xs:
                raise StructureError(
                    f"integrate: the {which} limit of the first range is a function, but there is no variable before "
                    "it. Give ranges in the order of f's arguments, the outermost first."
                )
            value = limit(*xs)
        if not is_more_than_numbers(value):
            value = np.asarray(value)
        if value.dtype.kind in "iu" and value.dtype.kind != "b":
            value = value.astype(float)
        if value.dtype.kind != "f":
            raise StructureError(
                f"integrate: the {which} limit of range {self.number} has dtype {value.dtype}; expected real numbers. "
                "A path in the complex plane is a line integral: integrate f(z(t)) z'(t) over t."
            )
        if np.shape(value) not in ((), shape) and xs:
            raise ShapeError(
                f"integrate: the {which} limit of range {self.number} has shape {np.shape(value)}; the variables "
                f"before it have shape {shape}, and a limit must be one number for each of their points."
            )
        return value[()] if isinstance(value, np.ndarray) else value

    def look(self, low: Any, high: Any) -> list[Any]:
        """The ends of the segments as plain numbers; also stores which limits are infinite."""
        plain = [concrete(low), concrete(high)]
        for which, value in zip(("lower", "upper"), plain, strict=True):
            if np.isnan(value).any():
                raise DomainError(f"integrate: the {which} limit of range {self.number} is nan.")
            if np.isinf(value).any() and not (np.isinf(value).all() and np.unique(value).size == 1):
                raise DomainError(
                    f"integrate: the {which} limit of range {self.number} is infinite for only some of the integrals; "
                    "compute those separately."
                )
        # always a pair, which the type of a tuple from a generator cannot express
        # The checker is wrong below: two limits give two numbers.
        self.infinite = tuple(float(v.flat[0]) if v.size and np.isinf(v).any() else 0.0 for v in plain)  # type: ignore[assignment]
        if all(self.infinite) and self.infinite[0] != self.infinite[1] and not self.breaks:
            self.breaks = [0.0]
        inside = [b for b in self.breaks if np.all((b - plain[0]) * (b - plain[1]) < 0)]
        self.breaks = sorted(inside, reverse=bool(np.all(plain[0] > plain[1])))
        return self.ends(*(v[()] for v in plain))

    def ends(self, low: Any, high: Any) -> list[Any]:
        """The ends of the segments, from limits of any kind."""
        ends = [low, *(np.float64(b) for b in self.breaks), high]
        for place, value in zip((0, -1), self.infinite, strict=True):
            if value:
                ends[place] = value
        return ends

    def is_empty(self) -> bool:
        """Whether both limits are the same infinity."""
        return self.infinite[0] == self.infinite[1] != 0


def ranges_of(args: Sequence[Any], points: Sequence[float]) -> list[Range]:
    """The ranges from the arguments of `integrate`: ``a, b``, or one pair for each variable."""
    if len(args) == 2 and not any(isinstance(a, (tuple, list)) for a in args):
        return [Range(args[0], args[1], 0, points)]
    if not args or not all(isinstance(a, (tuple, list)) and len(a) == 2 for a in args):
        raise StructureError(
            f"integrate takes two limits, integrate(f, a, b), or a pair for each argument of f, integrate(f, (a, b), "
            f"(c, d)); it was given {len(args)} argument(s) after f: {', '.join(map(repr, args))}."
        )
    if len(args) == 1 and any(isinstance(end, (tuple, list)) for end in args[0]):
        raise StructureError(
            f"integrate takes each range as an argument of its own, as in integrate(f, (0, 1), (0, 2)) with "
            f"f = lambda x, y: ...; it was given one list, {args[0]!r}. Limits that are arrays must be NumPy arrays."
        )
    if len(args) == 2 and all(isinstance(a, list) for a in args):  # two ranges, or two corners?
        raise StructureError(
            f"integrate: {args[0]}, {args[1]} may be two ranges or two corners. For ranges write pairs, integrate(f, "
            f"{tuple(args[0])}, {tuple(args[1])}); from corner to corner it is integrate(f, "
            f"{', '.join(map(str, zip(*args, strict=True)))})."
        )
    if len(args) > 1 and len(points):
        raise StructureError("integrate: points= needs a single variable; there are several. Split a range instead.")
    return [Range(low, high, i, points if len(args) == 1 else ()) for i, (low, high) in enumerate(args)]
