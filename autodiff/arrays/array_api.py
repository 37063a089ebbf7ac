"""The namespace of the array API standard for Tensors, for code that is written once for all array libraries.

NumPy's own functions have the standard's names and take Tensors, so most of the namespace *is* NumPy. The rest is
here: functions that create arrays, which must return Tensors, and the few functions whose signature differs.

This module does not import the Tensor: the caller of `namespace` passes the functions that make Tensors.
Source: the Python array API standard, https://data-apis.org/array-api/latest/.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.arrays.others import kind_of
from autodiff.errors import UnsupportedError
from autodiff.ops import scans

VERSION = "2025.12"
_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", VERSION)
DEVICE = "cpu"
NAME = "autodiff.array_api"
"""The namespace's ``__name__``, by which clients tell libraries apart."""

# --- the names in the namespace -------------------------------------------------------------------


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"
_FROM_NUMPY = _words(
    _DTYPES
    + """
    e inf nan pi newaxis
    broadcast_arrays broadcast_to broadcast_shapes can_cast isdtype iinfo result_type tril triu
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or
    bitwise_right_shift bitwise_xor ceil conj copysign cos cosh divide equal exp expm1 floor floor_divide greater
    greater_equal hypot imag isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp logical_and
    logical_not logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive pow real
    reciprocal remainder round sign signbit sin sinh square sqrt subtract tan tanh trunc
    take matmul tensordot matrix_transpose vecdot concat expand_dims flip moveaxis permute_dims repeat roll squeeze
    stack tile argmax argmin nonzero where unique_all unique_counts unique_inverse unique_values isin
    max mean min prod std sum var all any diff
    """
)
_LINALG = _words(
    """
    cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
    """
)
_FFT = _words("fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftshift ifftshift")
_MADE = _words("empty eye full ones zeros arange linspace fftfreq rfftfreq")
_LIKE = {"empty_like": np.empty, "ones_like": np.ones, "zeros_like": np.zeros}


def on_cpu(device: Any) -> None:
    """Refuse every device but the CPU."""
    if device is not None and device != DEVICE:
        raise UnsupportedError(f"device must be {DEVICE!r}, the only one, or None; {device!r} was given.")


def check_version(version: str | None) -> None:
    """Refuse a version of the standard that the namespace does not follow."""
    if version is not None and version not in _VERSIONS:
        raise UnsupportedError(f"the array API is supported in versions {', '.join(_VERSIONS)}; {version!r} was given.")


class Namespace:
    """A namespace that looks up a name in its own table, then in a module of NumPy.

    The standard's names are listed. Programs for "any" library also ask for NumPy's other functions (`einsum`, `pad`,
    `gradient`), which take Tensors as well, and for the ``__name__`` that a module has.

    Parameters
    ----------
    title : str
        Its name in messages and ``repr``.
    name : str
        Its ``__name__``.
    home : module
        The module of NumPy.
    names : frozenset of str
        The standard's names that are taken from `home`; ``dir`` lists them.
    own : dict
        Its own names, which are looked up first.
    """

    def __init__(self, title: str, name: str, home: Any, names: frozenset[str], own: dict[str, Any]) -> None:
        self._title, self._home, self._names, self._own = title, home, names, own
        self.__name__ = name

    def __getattr__(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        if not name.startswith("_") and hasattr(self._home, name):
            return getattr(self._home, name)
        raise AttributeError(f"the {self._title} has no {name!r}, and NumPy neither.", name=name, obj=self)

    def __dir__(self) -> list[str]:
        return sorted(self._names | set(self._own))

    def __repr__(self) -> str:
        return f"<the {self._title}, over Tensors>"


class SpecialFunctions:
    """SciPy's ufuncs, where SciPy is loaded. They take Tensors, and under SCIPY_ARRAY_API SciPy asks for them here."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(sys.modules.get("scipy.special._ufuncs"), name, None)
        if isinstance(found, np.ufunc):
            return found
        raise AttributeError(name)


# --- functions whose signature is not NumPy's -----------------------------------------------------


def reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    """The same entries in another shape. `copy` has no effect, since a Tensor is never a writable view."""
    return np.reshape(x, shape)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis."""
    return tuple(np.moveaxis(x, axis, 0))


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """Entries at `indices` along an axis."""
    return np.take_along_axis(x, indices, axis)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Indices that sort the entries; equal entries keep their order, in descending order too."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    backwards = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(backwards, axis)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The entries in order; the gradient follows the permutation."""
    return np.take_along_axis(x, argsort(x, axis=axis, descending=descending), axis)


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The number of non-zero entries, as an array (NumPy before 2.1 returns an int)."""
    return np.sum(np.not_equal(x, 0), axis=axis, keepdims=keepdims)


def searchsorted(x1: Any, x2: Any, /, *, side: Any = "left", sorter: Any = None) -> Any:
    """Indices at which the entries of `x2` would be inserted in the sorted `x1`."""
    return np.searchsorted(x1, x2, side=side, sorter=sorter)


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """The entries limited to an interval, in the dtype of `x`."""
    return np.clip(x, min, max)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """`x` in another dtype."""
    on_cpu(device)
    return x if not copy and x.dtype == dtype else x.astype(dtype)


def eigvals(x: Any, /) -> Any:
    """Eigenvalues of a square matrix, always complex."""
    return eig(x)[0]


def eig(x: Any, /) -> Any:
    """Eigenvalues and eigenvectors of a square matrix, always complex."""
    result = np.linalg.eig(x)
    return type(result)(
        *(y if y.dtype.kind == "c" else y.astype(np.result_type(y.dtype, np.complex64)) for y in result)
    )


class Info:
    """The result of ``xp.__array_namespace_info__()``."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean indices and shapes that depend on values are supported, and as many axes as in NumPy."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """``"cpu"``."""
        return DEVICE

    def devices(self) -> list[str]:
        """``["cpu"]``."""
        return [DEVICE]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """NumPy's default dtypes."""
        on_cpu(device)
        whole = np.dtype(np.intp)
        floating, both = np.dtype(np.float64), np.dtype(np.complex128)
        return {"real floating": floating, "complex floating": both, "integral": whole, "indexing": whole}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        """The dtypes of a kind, or of each of several kinds."""
        on_cpu(device)
        found = {name: np.dtype(name) for name in _DTYPES.split()}
        return {n: d for n, d in found.items() if kind is None or np.isdtype(d, kind)}


# --- the namespace --------------------------------------------------------------------------------


@functools.cache
def namespace(array: Any, make: Callable[..., Any]) -> Namespace:
    """The namespace for one type of array.

    Parameters
    ----------
    array : type
        Wraps a NumPy array without a copy.
    make : callable
        ``make(values, dtype=)`` copies numbers, arrays, or nested lists of arrays; tracked ones stay tracked.

    Returns
    -------
    Namespace
        Its attributes are the standard's functions, and the namespaces `linalg` and `fft`.
    """

    def made(function: Callable[..., Any]) -> Callable[..., Any]:
        def creation(*args: Any, device: Any = None, **keywords: Any) -> Any:
            on_cpu(device)
            y = function(*args, **keywords)
            return y if isinstance(y, array) else array(y)

        creation.__name__ = function.__name__
        creation.__doc__ = f"``np.{function.__name__}`` as a Tensor."
        return creation

    def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
        """A Tensor of some values. A Tensor is returned itself, an array is shared, if `dtype` and `copy` allow it."""
        on_cpu(device)
        if isinstance(obj, array):
            changed = dtype is not None and obj.dtype != dtype
            if changed and copy is False:
                raise ValueError(f"asarray: a change of dtype from {obj.dtype} needs a copy, but copy=False was given.")
            return obj.astype(dtype) if changed else obj.copy() if copy else obj
        if isinstance(obj, np.ndarray) and not copy:
            return array(np.asarray(obj, dtype=dtype, copy=copy))
        if copy is False:
            raise ValueError(f"asarray: a {type(obj).__name__} must be copied, but copy=False was given.")
        return make(obj, dtype=dtype)

    def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
        """A Tensor that shares the memory of another library's array."""
        on_cpu(device)
        try:
            y = np.from_dlpack(x)
        except RuntimeError as error:
            raise UnsupportedError(
                f"from_dlpack: a {kind_of(x)} of dtype {getattr(x, 'dtype', '?')} cannot be shared: "
                f"{str(error).rstrip('.')}. Move it to the CPU, and convert what NumPy lacks, for example to float32."
            ) from error
        return array(y.copy() if copy else y)

    def like(name: str) -> Callable[..., Any]:
        fill = made(_LIKE[name])

        def creation(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
            return fill(x.shape, dtype=x.dtype if dtype is None else dtype, device=device)

        creation.__name__ = name
        creation.__doc__ = f"``np.{name}`` as an untracked Tensor."
        return creation

    def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
        """An array filled with `fill_value`, in the shape of `x`."""
        return own["full"](x.shape, fill_value, dtype=x.dtype if dtype is None else dtype, device=device)

    def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
        """An array filled with `fill_value`; if that is a tracked 0-d Tensor, the result is tracked."""
        on_cpu(device)
        if not isinstance(fill_value, array):
            return array(np.full(shape, fill_value, dtype))
        value = fill_value if dtype is None else fill_value.astype(dtype)
        return np.broadcast_to(value, shape).copy()

    def finfo(kind: Any, /) -> Any:
        """The limits of a floating dtype, or of the dtype of an array."""
        return np.finfo(kind.dtype if isinstance(kind, array) else kind)

    def meshgrid(*arrays: Any, indexing: Any = "xy") -> tuple[Any, ...]:
        """The coordinates of the points of a grid."""
        return tuple(np.meshgrid(*arrays, indexing=indexing))

    own: dict[str, Any] = {name: made(getattr(np, name)) for name in _MADE if hasattr(np, name)}
    own |= {name: like(name) for name in _LIKE}
    for f in (
        *(asarray, from_dlpack, full, full_like, finfo, meshgrid, reshape, unstack, take_along_axis, argsort),
        *(sort, count_nonzero, searchsorted, scans.cumulative_sum, scans.cumulative_prod, clip, astype),
    ):
        own[f.__name__] = f
    own["__array_api_version__"], own["__array_namespace_info__"] = VERSION, Info
    frequencies = {name: made(getattr(np.fft, name)) for name in ("fftfreq", "rfftfreq")}
    own["linalg"] = Namespace(
        "array API's linalg", f"{NAME}.linalg", np.linalg, _LINALG, {"eig": eig, "eigvals": eigvals}
    )
    own["special"] = Namespace("namespace of special functions", f"{NAME}.special", SpecialFunctions(), frozenset(), {})
    own["fft"] = Namespace("array API's fft", f"{NAME}.fft", np.fft, _FFT, frequencies)
    return Namespace("array API", NAME, np, _FROM_NUMPY, own)
