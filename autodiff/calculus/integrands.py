"""Calls of users' functions (integrands, fields, curves and limits) on whole arrays of points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.arrays.plain import concrete
from autodiff.arrays.tensors import Tensor
from autodiff.errors import ShapeError, UnsupportedError
from autodiff.transforms.calling import called
from autodiff.transforms.recording import Function, title


def stacked(value: Any) -> Any:
    """The result of a field or curve as one array: a list or tuple of components is stacked along a new first axis."""
    if not isinstance(value, (list, tuple)):
        return value
    shape = np.broadcast_shapes(*(np.shape(v) for v in value))
    return np.stack([v if np.shape(v) == shape else np.broadcast_to(v, shape) for v in value])


def values_at(f: Function, xs: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """The integrand at an array of points of any shape: it is called once, on flat arrays.

    Parameters
    ----------
    f : callable
    xs : sequence of array_like
        The values of each argument; they broadcast to `shape`.
    shape : tuple of int
        The shape of the array of points.

    Returns
    -------
    array_like
        With shape ``components + shape``.
    """
    flat = [_flat(x, shape) for x in xs]
    n = int(np.prod(shape))
    y = stacked(called(f, *flat))
    if y is None:
        raise ShapeError(f"integrate: {title(f)} returned None; expected its values at {n} nodes. Is there a `return`?")
    given = np.shape(y)
    if given == () or (given[-1] != n and given[-1] == 1):
        y = np.broadcast_to(y, (*given[:-1], n))
    elif given[-1] != n:
        raise ShapeError(
            f"integrate calls {title(f)} once on an array of {n} nodes and got a result of shape {given}; expected "
            f"({n},), or (components, {n}) for several integrals at once: sum over components with axis=0, not over "
            f"all axes. For a function of single numbers pass vectorized=False."
        )
    return y if np.shape(y) == (*np.shape(y)[:-1], *shape) else y.reshape((*np.shape(y)[:-1], *shape))


def _flat(x: Any, shape: tuple[int, ...]) -> Any:
    if np.shape(x) != shape:
        x = np.broadcast_to(x, shape)
    return x if len(shape) == 1 else x.reshape(-1)


def one_by_one(f: Function) -> Function:
    """A function of single numbers as a function of arrays, by a Python loop over the points."""

    def looped(*xs: Any) -> Any:
        values = [called(f, *(x[i] for x in xs)) for i in range(np.shape(xs[0])[0])]
        return np.stack(
            [stacked(v) if np.ndim(stacked(v)) or isinstance(v, Tensor) else np.asarray(v) for v in values], axis=-1
        )

    looped.__name__ = getattr(f, "__name__", "<lambda>")
    return looped


def explained(f: Function, error: Exception, n_arguments: int) -> Exception:
    """The error of an integrand, with advice if it works only for single numbers."""
    try:
        np.asarray(concrete(f(*[0.5] * n_arguments)), dtype=complex)
    except Exception:
        return error
    return UnsupportedError(
        f"integrate calls {title(f)} on arrays of nodes, where it fails ({type(error).__name__}: {error}); for "
        f"single numbers it works. Write it with NumPy (np.sin for math.sin, np.where for if), or pass "
        f"vectorized=False, which calls it for one point after another."
    )
