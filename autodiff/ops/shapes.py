"""Functions that move entries without changing them: every one is linear.

Shapes, axes and permutations come in canonical form: tuples of non-negative integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitives import NUMPY_CONSTANTS, implements, linear

Shape = tuple[int, ...]


def _spread(x: Any, *, shape: Shape) -> Any:
    out = np.empty(shape, x.dtype)  # a third of the time of np.broadcast_to, and not read-only
    out[...] = x
    return out


def _unspread(ct: Any, x: Any, *, shape: Shape) -> Any:
    extra = len(shape) - x.ndim
    axes = tuple(range(extra)) + tuple(extra + i for i, n in enumerate(x.shape) if n != shape[extra + i])
    return ct.sum(axis=axes).reshape(x.shape) if axes else ct


spread = linear(_spread, _unspread, name="spread", passes_mask=True)
"""Broadcast to a shape, as a fresh array: the transpose of summing."""


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    """``np.broadcast_to``."""
    return spread(array, shape=(shape,) if isinstance(shape, int) else tuple(shape))


reshape_to = linear(
    lambda x, *, shape: x.reshape(shape), lambda ct, x, *, shape: ct.reshape(x.shape), name="reshape", passes_mask=True
)


@implements(np.reshape)
def reshape(a: Any, shape: Any = None) -> Any:
    """``np.reshape``."""
    return reshape_to(a, shape=canonical_shape(shape, a.size))


def canonical_shape(shape: Any, size: int) -> Shape:
    """`shape` as a tuple, with -1 worked out."""
    shape = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
    if -1 in shape:
        known = 1
        for n in shape:
            known *= 1 if n == -1 else n
        if known and size % known == 0 and shape.count(-1) == 1:
            shape = tuple(size // known if n == -1 else n for n in shape)
    return shape


permute = linear(
    lambda x, *, axes: x.transpose(axes),
    lambda ct, x, *, axes: ct.transpose(inverse(axes)),
    name="transpose",
    passes_mask=True,
)


def inverse(axes: Shape) -> Shape:
    """The permutation that undoes `axes`."""
    back = [0] * len(axes)
    for i, a in enumerate(axes):
        back[a] = i
    return tuple(back)


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """``np.transpose``."""
    if axes is None:
        return permute(a, axes=tuple(range(a.ndim))[::-1])
    return permute(a, axes=tuple(int(i) % a.ndim for i in axes))


cast = linear(lambda x, *, dtype: x.astype(dtype), lambda ct, x, *, dtype: ct, name="astype", passes_mask=True)

# --- no gradient by nature ------------------------------------------------------------------------

NUMPY_CONSTANTS.update({np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj})
NUMPY_CONSTANTS.update({np.zeros_like, np.ones_like, np.full_like, np.empty_like})
