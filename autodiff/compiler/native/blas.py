"""The BLAS that NumPy carries: its routines can be called from C by their addresses."""

from __future__ import annotations

import ctypes
import importlib
from typing import Any

import numpy as np


def address(dtype: Any) -> int:
    """The address of NumPy's own ``cblas_?gemm`` with 64-bit integers; 0 if it does not have that one."""
    letter = {"f": "s", "d": "d"}[np.dtype(dtype).char]
    try:
        built = ctypes.CDLL(importlib.import_module("numpy._core._multiarray_umath").__file__)
        return ctypes.cast(getattr(built, f"scipy_cblas_{letter}gemm64_"), ctypes.c_void_p).value or 0
    except (OSError, AttributeError):
        return 0
