"""The few words by which signatures speak of arrays, for a user's own annotations too.

They are NumPy's where NumPy has the word. A Tensor is an `ArrayLike`, since its values can be had as an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Array", "ArrayLike", "Axis", "DTypeLike", "Numbers", "Shape"]

Array: TypeAlias = NDArray[Any]
"""An ndarray. Where no axis is left NumPy gives one of its numbers; with the same methods it goes by this name too."""


class _HoldsNumbers(Protocol):
    def __array__(self) -> np.ndarray[Any, np.dtype[np.number[Any] | np.bool]]: ...


Numbers: TypeAlias = _HoldsNumbers | complex | Sequence["Numbers"]
"""What is no Tensor among what NumPy takes for an array of numbers: an array, a number, lists of them."""

Shape: TypeAlias = tuple[int, ...]
"""Lengths of axes."""

Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None
"""One axis, several, or, as None, all."""
