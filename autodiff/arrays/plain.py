"""What an argument holds: the array in a Tensor, the numbers of a traced array, whether there is a history."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.others import as_array
from autodiff.arrays.tensors import Tensor, met
from autodiff.core.switches import is_traced

_PLAIN = (np.ndarray, np.generic, float, int)  # most of what is met: nothing needs to be asked of it


def untracked(x: Any) -> Any:
    """`x` without its history: for a Tensor its array, which is a traced array while a function is compiled."""
    return x._data if isinstance(x, Tensor) else x


def data_of(x: Any) -> Any:
    """`x` as an array; while a function is traced, the tracer takes note of it."""
    if isinstance(x, Tensor):
        return x._data
    if is_traced(x):
        return x
    return met(np.asarray(x) if isinstance(x, _PLAIN) else as_array(x))


def concrete(x: Any) -> Any:
    """The numbers of `x`. In a function that is being compiled they are those of this call, fixed in the program."""
    x = untracked(x)
    return x._value if is_traced(x) else np.asarray(x)


def is_tracked(x: Any) -> bool:
    """Whether derivatives with respect to `x` may be asked for."""
    return isinstance(x, Tensor) and x._node is not None


def is_more_than_numbers(x: Any) -> bool:
    """Whether `x` is a Tensor, or a traced array while a function is compiled."""
    return isinstance(x, Tensor) or is_traced(x)
