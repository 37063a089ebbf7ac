"""The inputs of layers and losses, as arrays or Tensors of the right dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad


def plain(x: Any) -> Any:
    """The values of an argument as an array, or as its stand-in while a function is being compiled."""
    if isinstance(x, ad.Tensor):
        return x.detach() if ad.is_compiling() else x.data
    return x if _is_array(x) else array_of(x)


def _is_array(x: Any) -> bool:
    """Whether it is NumPy's, or the stand-in for such an array while a function is being compiled."""
    return isinstance(x, (np.ndarray, np.generic)) or getattr(x, "is_traced_array", None) is not None


def array_of(x: Any) -> Any:
    """The values of an argument as an array, whatever it is."""
    try:
        return x.data if isinstance(x, ad.Tensor) else np.asarray(x)
    except (ValueError, TypeError, RuntimeError):
        return ad.Tensor(x).data  # which says where the rows of a ragged list differ, and what else is no array


def _refuse(x: Any) -> None:
    """Raise TypeError if the input of a layer is None, or what a layer with a state returns."""
    if x is None:
        raise TypeError("None was given to a layer or loss; does the layer before it return something?")
    if not isinstance(x, tuple) or not x or not isinstance(x[0], ad.Tensor):
        return
    if any(getattr(part, "shape", None) != x[0].shape for part in x):  # rows of one shape are an array
        raise TypeError(
            f"a tuple of {len(x)} was given to a layer or loss, which take an array or Tensor. Recurrent layers return "
            "(outputs, state); pass the first entry: outputs, state = lstm(x)."
        )


def as_tensor(x: Any) -> ad.Tensor:
    """The input of a layer without parameters: a floating-point or complex Tensor; other dtypes become float64."""
    if not isinstance(x, ad.Tensor):
        _refuse(x)
        x = ad.Tensor(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def as_input(x: Any, dtype: np.dtype[Any]) -> Any:
    """The input of a layer: untracked numbers are cast to the dtype of its parameters, which they must not widen."""
    if x.__class__ is np.ndarray:
        return x if x.dtype is dtype or x.dtype.kind not in "fiub" else x.astype(dtype, copy=False)
    if isinstance(x, ad.Tensor):
        return x if x.requires_grad or x.dtype == dtype or x.dtype.kind not in "fiub" else x.astype(dtype)
    if _is_array(x):
        return x if x.dtype == dtype or x.dtype.kind not in "fiub" else x.astype(dtype)
    _refuse(x)
    values = array_of(x)
    return as_input(values if values.dtype.kind in "fciub" else ad.Tensor(x), dtype)  # which refuses what is no number
