"""NumPy functions that have no gradient, and those that refuse a Tensor on purpose, each with its reason.

Together with the functions that have rules, these are all functions that NumPy lets others override. A test
counts them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.primitives import NUMPY_CONSTANTS

WRITING: dict[Callable[..., Any], str] = {}
"""Functions that write into their operand, with what to call instead."""

REFUSED: dict[Callable[..., Any], str] = {}
"""Functions that refuse a Tensor, with the reason that the message shows."""

_TEXT = "it works on text, and only numbers can be tracked."

_REFUSED_MODULES = {
    "numpy.strings": _TEXT,
    "numpy.char": _TEXT,
    "numpy.polynomial.polynomial": "of that package NumPy lets only this function be overridden. Use np.polyval, with "
    "the highest power first, for one variable after another: its coefficients may be arrays.",
    "numpy.lib.recfunctions": "it works on records, and only numbers can be tracked.",
}
"""Modules that are not imported only to refuse their functions."""


def refusal(function: Any) -> str | None:
    """The reason why a NumPy function refuses a Tensor; None if it has not been decided that it does."""
    reason = WRITING.get(function) or REFUSED.get(function)
    return reason or _REFUSED_MODULES.get(getattr(function, "__module__", None) or "")


def _refuse(reason: str, names: str, room: Any = np) -> None:
    """Refuse functions by name, since not every version of NumPy has all of them."""
    REFUSED.update({getattr(room, name): reason for name in names.split() if hasattr(room, name)})


# --- functions without a gradient -----------------------------------------------------------------

_NAMES = (
    "unravel_index ravel_multi_index einsum_path packbits unpackbits "
    "in1d zeros ones empty eye identity tri arange fromfunction"
)
"""Functions of indices, and functions that make an array from a shape: with ``like=tensor`` an untracked Tensor."""
NUMPY_CONSTANTS.update({getattr(np, name) for name in _NAMES.split() if hasattr(np, name)})

# --- refused --------------------------------------------------------------------------------------

WRITING.update(
    {
        np.put: "use x.at[i].set(v) of the flat array, x.ravel().at[i].set(v).reshape(x.shape).",
        np.place: "use x.at[mask].set(v).",
        np.putmask: "use np.where(mask, v, x), or x.at[mask].set(v).",
        np.copyto: "use np.where(where, src, dst), or src.copy(). If it was np.full: np.full_like(x, value) of a "
        "Tensor x, or np.broadcast_to(value, shape); if np.nan_to_num: np.where(np.isnan(x), value, x).",
        np.fill_diagonal: "use x.at[i, i].set(v) with i = np.arange(n).",
        np.put_along_axis: "use x.at[i].set(v) with i from np.ix_ or np.arange.",
    }
)

_refuse(
    "it copies values out of the graph. Tensors are joined, and stay tracked, by np.stack([t1, t2]), np.concatenate or "
    "ad.tensor([t1, t2]); one is copied by .copy().",
    "array asarray asanyarray ascontiguousarray asfortranarray require",
)
_refuse(
    "it would take the value of a Tensor out of the graph; use np.full_like(x, value), or "
    "np.broadcast_to(value, shape).",
    "full",
)
_refuse(
    "files and texts hold values, not graphs: read or write x.data.",
    "save savez savez_compressed savetxt loadtxt genfromtxt fromfile fromstring frombuffer fromiter",
)
_refuse(
    "it works on dates, and only numbers can be tracked.",
    "datetime_as_string isnat is_busday busday_count busday_offset",
)
_refuse(
    "its dtype depends on the values. Cast to complex first, x.astype(complex), and call the function of NumPy itself.",
    "sqrt log log2 log10 logn power arccos arcsin arctanh",
    np.lib.scimath,
)

# --- functions of text ----------------------------------------------------------------------------

_UFUNCS: Any = np._core.umath  # type: ignore[attr-defined]  # the place of ufuncs without a public name
REFUSED.update(
    {f: _TEXT for f in vars(_UFUNCS).values() if isinstance(f, np.ufunc) and not f.types and hasattr(f, "nin")}
)
_refuse(_TEXT, "isalpha isnumeric", _UFUNCS)  # of objects, too
REFUSED[_UFUNCS.clip] = "it is internal to np.clip; call that."
NUMPY_CONSTANTS.add(_UFUNCS._ones_like)
