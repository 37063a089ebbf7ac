"""Flat buffers with shaped views, and numbers as 0-d arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.workloads import Array


def number(value: float) -> Array:
    """`value` as a 0-d float32 array, the cheapest form of a scalar operand."""
    return np.array(value, np.float32)


def flat(arrays: Sequence[Array]) -> tuple[Array, list[Array]]:
    """One buffer (n,) with copies of `arrays` one after another, and a view into it for each."""
    buffer = np.concatenate([a.ravel() for a in arrays])
    ends = np.cumsum([a.size for a in arrays])
    parts = np.split(buffer, ends[:-1])
    return buffer, [part.reshape(a.shape) for part, a in zip(parts, arrays, strict=True)]
