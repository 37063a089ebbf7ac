"""The same values in other memory layouts, which must not change the result of a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LAYOUTS = ("C", "F", "reversed", "strided", "stretched")
"""C and Fortran order, negative strides, every other entry of a wider array, a broadcast view."""


def laid_out(x: NDArray[Any], layout: str) -> NDArray[Any]:
    """The same values in another layout, read-only.

    Parameters
    ----------
    x : ndarray
        The values; not changed.
    layout : str
        One of `LAYOUTS`. "stretched" repeats the first slice of `x` along its first axis, since a broadcast view
        cannot hold anything else.

    Returns
    -------
    ndarray
        With the shape and dtype of `x`.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing.layouts import laid_out
    >>> laid_out(np.array([1.0, 2.0, 3.0]), "reversed").strides
    (-8,)
    """
    if layout == "F" and x.ndim:
        x = np.asfortranarray(x)
    elif layout == "reversed":
        whole = (slice(None, None, -1),) * x.ndim
        x = np.ascontiguousarray(x[whole])[whole] if x.ndim else x.copy()
    elif layout == "strided" and x.ndim:
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        x = wide[..., ::2]
    elif layout == "stretched" and x.ndim:
        x = np.broadcast_to(x[:1], x.shape) if x.shape[0] else x.copy()
    else:
        x = x.copy()
    x.flags.writeable = False
    return x
