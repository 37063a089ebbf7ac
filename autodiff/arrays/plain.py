"""What is behind an argument: the array in a Tensor, the numbers in what stands for an array, a history or none."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor, met
from autodiff.core.switches import is_traced


def untracked(x: Any) -> Any:
    """The same without its history: of a Tensor its array, or what stands for one while a trace is written."""
    return x._data if isinstance(x, Tensor) else x


def data_of(x: Any) -> Any:
    """The same as an array, which a trace takes note of."""
    x = untracked(x)
    return x if is_traced(x) else met(np.asarray(x))


def concrete(x: Any) -> Any:
    """The numbers: in a function that is being compiled those of this call, fixed in the program."""
    x = untracked(x)
    return x._value if is_traced(x) else np.asarray(x)


def is_tracked(x: Any) -> bool:
    """Whether derivatives with respect to this may be asked for."""
    return isinstance(x, Tensor) and x._node is not None


def is_more_than_numbers(x: Any) -> bool:
    """Whether it is a Tensor, or stands for an array while a function is compiled."""
    return isinstance(x, Tensor) or is_traced(x)
