"""Arrays of other libraries: which are taken as plain arrays, which decide themselves, and what is said of the rest.

A library tells by the protocols that it implements. What has ``__array__`` holds numbers: a tensor of torch, an array
of JAX, a column of pandas or polars. What answers NumPy's functions itself (``__array_ufunc__``) may hold Tensors and
add something to them, as xarray adds the names of axes and pint the units, so it is asked first. Columns of tables
(Arrow's protocol, or that of pandas) answer NumPy, too, but they hold no Tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.messages import no_rows
from autodiff.core.switches import is_traced
from autodiff.errors import AutodiffError, DtypeError, UnsupportedError
from autodiff.ops.shapes import is_sparse, no_dense_array

_NUMPYS = (np.ndarray, np.generic)


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Whether it is one of NumPy's own dtypes of numbers; some of ml_dtypes' float8 have NumPy's letter for floats."""
    return dtype.kind in "fciub" and dtype.isbuiltin != 2  # 2: another library has registered it


def kind_of(x: Any) -> str:
    """The class of an object with the library it is from: ``pandas.Series``."""
    kind = type(x)
    library = kind.__module__.partition(".")[0]
    return kind.__qualname__ if library == "builtins" else f"{library}.{kind.__qualname__}"


def decides(kind: type) -> bool:
    """Whether objects of this class answer NumPy's functions themselves, so that a Tensor leaves the answer to them."""
    if hasattr(kind, "__autodiff_priority__"):
        return True
    if issubclass(kind, _NUMPYS) or hasattr(kind, "__autodiff_apply__"):
        return False
    return getattr(kind, "__array_ufunc__", None) is not None and not _holds_columns(kind)


def _holds_columns(kind: type) -> bool:
    arrow = hasattr(kind, "__arrow_c_stream__") and not hasattr(kind, "__array_priority__")  # xarray has both
    return arrow or hasattr(kind, "__pandas_priority__")


def taken(x: Any) -> Any:
    """The numbers of another library's array, as a plain one; NotImplemented for anything else but a sparse matrix."""
    kind = type(x)
    if is_sparse(x):
        raise no_dense_array(x)
    if not hasattr(kind, "__array__") or decides(kind) or is_traced(x) or hasattr(kind, "__autodiff_apply__"):
        return NotImplemented
    return as_array(x)


def times_sparse(x: Any, other: Any) -> Any:
    """``x @ other`` for a sparse matrix."""
    from autodiff.ops import sparse

    return sparse.left_product(x, other)


def operand(x: Any) -> Any:
    """An operand of one of NumPy's functions: a plain array for another library's, all else as it is."""
    if isinstance(x, _NUMPYS) or is_traced(x) or hasattr(type(x), "__autodiff_apply__"):
        return x
    array = taken(x)
    return x if array is NotImplemented else array


def as_array(x: Any) -> Any:
    """`np.asarray`, which says of a ragged list where its rows differ, and of others' arrays why they are none here."""
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise no_rows(x, error) from None
    except AutodiffError:
        raise
    except (TypeError, RuntimeError) as error:
        if not hasattr(type(x), "__array__"):
            raise
        if "ScalarType" in str(error):  # torch's word for a dtype, here for one that NumPy lacks
            raise DtypeError(
                f"a Tensor holds numbers of NumPy's own dtypes; a {kind_of(x)} of dtype {x.dtype} was given. Convert "
                f"it with x.{'to(torch.complex64)' if x.is_complex() else 'float()'}."
            ) from error
        raise UnsupportedError(f"a {kind_of(x)} cannot be taken as an array: {error}") from error
    if array.dtype.kind == "O" and is_sparse(x):
        raise no_dense_array(x)
    if not is_numeric(array.dtype) and not isinstance(x, _NUMPYS) and hasattr(type(x), "__array__"):
        raise DtypeError(_no_numbers(x, array))
    return array


def _no_numbers(x: Any, array: Any) -> str:
    """The message for a column or a table that does not hold numbers only."""
    who = f"a {kind_of(x)}"
    columns = getattr(x, "columns", None)
    if array.dtype.isbuiltin == 2:
        return (
            f"a Tensor holds numbers of NumPy's own dtypes; {who} of dtype {array.dtype} was given. Convert it with "
            ".astype(float)."
        )
    if columns is None or array.ndim != 2:
        return (
            f"a Tensor holds numbers; {who} of dtype {getattr(x, 'dtype', array.dtype)} was given. Convert it with "
            ".astype(float); of labels, write classes, codes = np.unique(labels, return_inverse=True)."
        )
    kinds = {name: np.asarray(x[name]).dtype for name in columns}
    bad = [f"{name!r} ({kind})" for name, kind in kinds.items() if kind.kind not in "fciub"]
    if not bad:
        several = ", ".join(sorted({str(kind) for kind in kinds.values()}))
        return f"{who} with columns of dtypes {several} has no dtype for all of them. Convert it with .astype(float)."
    return (
        f"a Tensor holds numbers; {who} with columns that hold none was given: {', '.join(bad)}. Choose the others, "
        "or encode these: nn.data.from_table makes numbers of text."
    )
