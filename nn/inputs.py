"""The inputs of layers and losses, as arrays or Tensors of the right dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad


def plain(x: Any) -> Any:
    """The values of an argument as an array, or as its stand-in while a function is being compiled."""
    if isinstance(x, ad.Tensor):
        return x.detach() if ad.is_compiling() else x.data
    return x if hasattr(x, "dtype") else np.asarray(x)


def as_tensor(x: Any) -> ad.Tensor:
    """The input of a layer without parameters: a floating-point or complex Tensor; other dtypes become float64."""
    x = x if isinstance(x, ad.Tensor) else ad.Tensor(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def as_input(x: Any, dtype: np.dtype[Any]) -> Any:
    """The input of a layer: untracked numbers are cast to the dtype of its parameters, which they must not widen."""
    if x.__class__ is np.ndarray:
        return x if x.dtype is dtype or x.dtype.kind not in "fiub" else x.astype(dtype, copy=False)
    if isinstance(x, ad.Tensor):
        return x if x.requires_grad or x.dtype == dtype or x.dtype.kind not in "fiub" else x.astype(dtype)
    if hasattr(x, "dtype"):  # the stand-in for an array while a function is being compiled
        return x if x.dtype == dtype or x.dtype.kind not in "fiub" else x.astype(dtype)
    return as_input(np.asarray(x), dtype)
