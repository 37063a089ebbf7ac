"""What the functions of this room make of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DtypeError


def real_or_complex(x: Any) -> Any:
    """An array of real or complex numbers: integers are taken for the reals they are."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def real(x: Any, name: str) -> Any:
    """An array of real numbers."""
    x = real_or_complex(x)
    if x.dtype.kind == "c":
        raise DtypeError(f"special.{name} is for real numbers; the argument has dtype {x.dtype}. Take its .real.")
    return x
