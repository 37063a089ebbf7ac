"""Buffers for large intermediate results, kept from call to call.

Asking the system for a megabyte of memory costs as much as filling it. A buffer must not leave the function that asks
for it: it is valid only until the same name is asked for again in the same thread, and is then overwritten.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

LARGEST = 2**26
"""The most bytes that are kept for one name and one thread."""


class _Rooms(threading.local):
    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}


_rooms = _Rooms()


def workspace(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """An uninitialised array in the buffer of that name."""
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or size > LARGEST:
        return np.empty(shape, dtype)
    room = _rooms.by_name.get(name)
    if room is None or size > room.size:
        room = _rooms.by_name[name] = np.empty(size, np.uint8)
    return room[:size].view(dtype).reshape(shape)


def writes_out(function: Function) -> Function:
    """Mark a function that takes ``out=``: a compiled program passes a buffer for the result."""
    function.writes_out = True  # type: ignore[attr-defined]  # a function may have attributes
    return function
