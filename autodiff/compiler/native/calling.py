"""Python functions made from C functions without a header of Python: a call costs some 30 ns.

A C function gets one table of pointers. Its first entries are the arrays of this call, in the order in which they are
passed; the others are arrays that are kept, by the function object itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_FASTCALL = 0x80


class _Method(ctypes.Structure):
    """Python's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def bound(built: ctypes.CDLL, name: str, passed: int, kept: Sequence[Any]) -> Callable[..., int]:
    """The function `name` of a library as a Python function.

    Parameters
    ----------
    built : CDLL
    name : str
    passed : int
        How many arrays each call passes.
    kept : sequence of ndarray or int
        The arrays, or addresses, behind them in the table.
    """
    table = np.zeros(passed + len(kept) + 1, np.uintp)
    for i, x in enumerate(kept):
        table[passed + i] = x if isinstance(x, int) else x.__array_interface__["data"][0]
    address = ctypes.cast(getattr(built, name), ctypes.c_void_p).value
    method = _Method(name.encode(), address, _FASTCALL, None)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    # The function object holds this tuple, so whatever C has the address of lives as long as the function.
    owner = (table, method, built, *kept)
    function: Callable[..., int] = make(ctypes.addressof(method), owner, None)
    return function
