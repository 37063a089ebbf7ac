"""What the functions of this room make of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.errors import DtypeError
from autodiff.typing import Array


def real_or_complex(x: Any) -> Tensor | Array:
    """An array of real or complex numbers: integers are taken for the reals they are."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.dtype.kind in "fc":
        return x
    if x.dtype.kind not in "iub":  # astype would make NaN of None and a number of "1"
        raise DtypeError(
            f"special functions take numbers; an argument has dtype {x.dtype}. Convert it, .astype(float)."
        )
    return x.astype(float)


def real(x: Any, name: str) -> Tensor | Array:
    """An array of real numbers."""
    x = real_or_complex(x)
    if x.dtype.kind == "c":
        raise DtypeError(f"special.{name} is for real numbers; the argument has dtype {x.dtype}. Take its .real.")
    return x
