"""How the functions of this package convert their arguments."""

from __future__ import annotations

from typing import Any

from autodiff.arrays.tensors import Tensor
from autodiff.errors import DtypeError
from autodiff.ops.shapes import operand
from autodiff.typing import Array


def real_or_complex(x: Any) -> Tensor | Array:
    """An array of real or complex numbers; integers become floats."""
    x = operand(x)
    if x.dtype.kind in "fc":
        return x
    if x.dtype.kind not in "iub":  # astype would turn None into NaN and "1" into a number
        raise DtypeError(
            f"special functions take numbers; an argument has dtype {x.dtype}. Convert it with .astype(float)."
        )
    return x.astype(float)


def real(x: Any, name: str) -> Tensor | Array:
    """An array of real numbers."""
    x = real_or_complex(x)
    if x.dtype.kind == "c":
        raise DtypeError(f"special.{name} is for real numbers; the argument has dtype {x.dtype}. Take its .real.")
    return x
