"""Room for large intermediate results that never leave the function which makes them, kept from call to call.

To ask the system for a megabyte costs as much as to fill it. What is taken from here is dropped before the function
returns: it is good until the same name is asked for again in the same thread.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

LARGEST = 2**26
"""Bytes that are kept under a name, at most, for a thread."""


class _Rooms(threading.local):
    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}


_rooms = _Rooms()


def workspace(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array whose entries may be anything."""
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or size > LARGEST:
        return np.empty(shape, dtype)
    room = _rooms.by_name.get(name)
    if room is None or size > room.size:
        room = _rooms.by_name[name] = np.empty(size, np.uint8)
    return room[:size].view(dtype).reshape(shape)


def writes_out(function: Function) -> Function:
    """Mark a function that takes ``out=``: a compiled program gives it a buffer for its result."""
    # a mark on the function itself, which its type does not know
    function.writes_out = True  # type: ignore[attr-defined]
    return function
