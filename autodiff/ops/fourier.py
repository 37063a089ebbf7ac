"""Discrete Fourier transforms: sums with the factors exp(∓2πi jk/n), all of them linear.

Inside the sweeps a cotangent is not conjugated, and the matrix of the transform is symmetric, so the
complex transforms are their own transposes. There are two real transforms: to half of a spectrum and
back. Padding and cropping happen before the primitives; everything else is composed of these three.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from autodiff.core.kinds import linear
from autodiff.core.primitives import Primitive, implements
from autodiff.errors import ShapeError
from autodiff.ops.complex_parts import conj
from autodiff.ops.indexing import Index, index_add
from autodiff.ops.shapes import canonical_axis, operand, rotate
from autodiff.typing import Shape

_SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The same normalisation for the other direction. None is NumPy's other name for "backward"."""

# --- the three primitives -------------------------------------------------------------------------


def _transform(x: Any, *, axes: Shape, inverse: bool, norm: str | None) -> Any:
    one, many = (np.fft.ifft, np.fft.ifftn) if inverse else (np.fft.fft, np.fft.fftn)
    if len(axes) == 1:
        return one(x, axis=axes[0], norm=norm)  # type: ignore[arg-type]  # NumPy checks the word
    return many(x, axes=axes, norm=norm)  # type: ignore[arg-type]  # likewise


transform: Primitive = linear(
    _transform,
    lambda ct, x, *, axes, inverse, norm: transform(ct, axes=axes, inverse=inverse, norm=norm),
    name="fft",
)
"""The complex transform along distinct axes, without padding: a symmetric matrix."""


def _half_transpose(ct: Any, x: Any, *, axis: int, norm: str | None) -> Any:
    return transform(resized(ct, x.shape[axis], axis), axes=(axis,), inverse=False, norm=norm).real


half_spectrum: Primitive = linear(
    lambda x, *, axis, norm: np.fft.rfft(x, axis=axis, norm=norm), _half_transpose, name="rfft"
)
"""The first half of the spectrum of real values, which determines the other half."""


def _from_half_transpose(ct: Any, x: Any, *, n: int, axis: int, norm: str | None) -> Any:
    """Each frequency counts twice, for itself and its mirror image, except 0 and, for even `n`, the last one."""
    twice = np.full(x.shape[axis], 2.0, ct.dtype)
    twice[0] = 1
    if n % 2 == 0:
        twice[-1] = 1
    spectrum = np.conj(half_spectrum(ct, axis=axis, norm=_SWAPPED[norm]))
    return spectrum * twice.reshape(tuple(-1 if i == axis else 1 for i in range(x.ndim)))


from_half_spectrum: Primitive = linear(
    lambda x, *, n, axis, norm: np.fft.irfft(x, n, axis=axis, norm=norm),
    _from_half_transpose,
    name="irfft",
)
"""The `n` real values whose spectrum has this first half, of length ``n // 2 + 1``."""

# --- canonical form -------------------------------------------------------------------------------


def resized(x: Any, n: int, axis: int) -> Any:
    """`x` cropped, or padded with zeros at the end, to length `n` along an axis."""
    have = x.shape[axis]
    if have == n:
        return x
    if have > n:
        return x[(slice(None),) * axis + (slice(0, n),)]
    shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])
    return index_add(x, index=Index((slice(None),) * axis + (slice(0, have),)), shape=shape)


def _length(n: Any, default: int, name: str) -> int:
    n = default if n is None else index(n)
    if n < 1:
        raise ShapeError(f"{name}: a transform needs at least one point; the length along its axis would be {n}.")
    return n


def _norm(norm: Any, name: str) -> str | None:
    if norm not in _SWAPPED:
        raise ValueError(f"{name}: norm must be 'backward', 'ortho' or 'forward'; {norm!r} was given.")
    return norm


def _one(a: Any, n: Any, axis: Any, norm: Any, inverse: bool, name: str) -> Any:
    a, norm = operand(a), _norm(norm, name)
    axis = canonical_axis(axis, a.ndim, name)
    a = resized(a, _length(n, a.shape[axis], name), axis)
    return transform(a, axes=(axis,), inverse=inverse, norm=norm)


def _axes(a: Any, s: Any, axes: Any, name: str) -> tuple[list[int], list[Any]]:
    """The axes to transform, and for each the given length, or None."""
    if axes is None:
        axes = range(-len(s), 0) if s is not None else range(a.ndim)
    axes = [canonical_axis(i, a.ndim, name) for i in axes]
    lengths = [None] * len(axes) if s is None else list(s)
    if len(lengths) != len(axes):
        raise ShapeError(f"{name}: s has {len(lengths)} lengths, but axes has {len(axes)}; they must be equally many.")
    return axes, [a.shape[i] if n == -1 else n for n, i in zip(lengths, axes)]


def _many(a: Any, s: Any, axes: Any, norm: Any, inverse: bool, name: str) -> Any:
    a, norm = operand(a), _norm(norm, name)
    axes, lengths = _axes(a, s, axes, name)
    if len(set(axes)) < len(axes):  # an axis given twice is transformed twice
        lengths = [a.shape[i] if s is None else n for n, i in zip(lengths, axes)]
        for n, axis in zip(reversed(lengths), reversed(axes)):
            a = _one(a, n, axis, norm, inverse, name)
        return a
    for n, axis in zip(lengths, axes):
        a = resized(a, _length(n, a.shape[axis], name), axis)
    return transform(a, axes=tuple(axes), inverse=inverse, norm=norm) if axes else a


def _real_one(a: Any, n: Any, axis: Any, norm: Any, name: str) -> Any:
    a, norm = operand(a), _norm(norm, name)
    if a.dtype.kind == "c":
        raise TypeError(f"{name} transforms real values; these are complex. Use {name.replace('rfft', 'fft')}.")
    axis = canonical_axis(axis, a.ndim, name)
    return half_spectrum(resized(a, _length(n, a.shape[axis], name), axis), axis=axis, norm=norm)


def _back_to_real(a: Any, n: Any, axis: Any, norm: Any, name: str) -> Any:
    a, norm = operand(a), _norm(norm, name)
    axis = canonical_axis(axis, a.ndim, name)
    n = _length(n, 2 * (a.shape[axis] - 1), name)
    return from_half_spectrum(resized(a, n // 2 + 1, axis), n=n, axis=axis, norm=norm)


# --- along one axis -------------------------------------------------------------------------------


@implements(np.fft.fft)
def fft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    """``np.fft.fft``."""
    return _one(a, n, axis, norm, False, "fft")


@implements(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    """``np.fft.ifft``."""
    return _one(a, n, axis, norm, True, "ifft")


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    """``np.fft.rfft``."""
    return _real_one(a, n, axis, norm, "rfft")


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    """``np.fft.irfft``; the imaginary part of frequency 0, on which a real result cannot depend, has slope 0."""
    return _back_to_real(a, n, axis, norm, "irfft")


@implements(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    """``np.fft.hfft``."""
    return _back_to_real(conj(operand(a)), n, axis, _SWAPPED[_norm(norm, "hfft")], "hfft")


@implements(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    """``np.fft.ihfft``."""
    return conj(_real_one(a, n, axis, _SWAPPED[_norm(norm, "ihfft")], "ihfft"))


# --- along several axes ---------------------------------------------------------------------------


@implements(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """``np.fft.fftn``."""
    return _many(a, s, axes, norm, False, "fftn")


@implements(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """``np.fft.ifftn``."""
    return _many(a, s, axes, norm, True, "ifftn")


@implements(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """``np.fft.rfftn``: along the last of the axes it gives half of the spectrum."""
    a = operand(a)
    axes, lengths = _axes(a, s, axes, "rfftn")
    a = _real_one(a, lengths[-1], axes[-1], norm, "rfftn")
    return _many(a, lengths[:-1], axes[:-1], norm, False, "rfftn")


@implements(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    """``np.fft.irfftn``."""
    a = operand(a)
    axes, lengths = _axes(a, s, axes, "irfftn")
    a = _many(a, lengths[:-1], axes[:-1], norm, True, "irfftn")
    return _back_to_real(a, lengths[-1], axes[-1], norm, "irfftn")


@implements(np.fft.fft2)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """``np.fft.fft2``."""
    return fftn(a, s, axes, norm)


@implements(np.fft.ifft2)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """``np.fft.ifft2``."""
    return ifftn(a, s, axes, norm)


@implements(np.fft.rfft2)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """``np.fft.rfft2``."""
    return rfftn(a, s, axes, norm)


@implements(np.fft.irfft2)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    """``np.fft.irfft2``."""
    return irfftn(a, s, axes, norm)


# --- the order of frequencies ---------------------------------------------------------------------


def _shift(x: Any, axes: Any, sign: int, name: str) -> Any:
    x = operand(x)
    axes = range(x.ndim) if axes is None else axes if isinstance(axes, (tuple, list)) else (axes,)
    places = tuple(canonical_axis(i, x.ndim, name) for i in axes)
    return rotate(x, by=tuple(sign * (x.shape[i] // 2) for i in places), axes=places)


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """``np.fft.fftshift``."""
    return _shift(x, axes, 1, "fftshift")


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """``np.fft.ifftshift``."""
    return _shift(x, axes, -1, "ifftshift")
