"""Containers of arrays as one flat vector and back, so that methods for vectors work on any container."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.arrays.plain import untracked
from autodiff.errors import DtypeError, StructureError

Vector = np.ndarray[Any, np.dtype[Any]]


def ravel(tree: Any, what: str = "x0") -> tuple[Vector, Callable[[Vector], Any]]:
    """All numbers of a nested container as one vector, and the function that goes back.

    Parameters
    ----------
    tree : array_like of any shape, or nested dicts, lists and tuples of them
        Real numbers; integers become float64.
    what : str, default "x0"
        Its name in messages.

    Returns
    -------
    vector : ndarray, (n,)
        A copy, in the widest dtype among the leaves.
    unravel : callable
        ``(n,) -> tree``: leaves of the same shapes and dtypes; numbers become NumPy scalars.

    Raises
    ------
    autodiff.DtypeError
        If a leaf is not an array of real numbers.
    autodiff.StructureError
        If there is no number in it.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import ravel
    >>> vector, unravel = ravel({"w": np.array([[1.0, 2.0]]), "b": 3})
    >>> vector
    array([1., 2., 3.])
    >>> unravel(vector * 2)
    {'w': array([[2., 4.]]), 'b': np.float64(6.0)}
    """
    leaves, structure = pytree.flatten(pytree.point(tree))
    names = pytree.paths(structure, what)
    arrays = [_real(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
    if not sum(a.size for a in arrays):
        raise StructureError(f"{what} holds no numbers; give an array or container with at least one number.")
    shapes, dtypes = [a.shape for a in arrays], [a.dtype for a in arrays]
    ends = np.cumsum([a.size for a in arrays]).tolist()
    vector = np.concatenate([a.reshape(-1) for a in arrays])

    def unravel(v: Vector) -> Any:
        parts = [
            v[end - int(np.prod(shape)) : end].reshape(shape).astype(dtype, copy=False)[()]
            for end, shape, dtype in zip(ends, shapes, dtypes, strict=True)
        ]
        return pytree.unflatten(structure, parts)

    return vector, unravel


def _real(leaf: Any, name: str) -> Vector:
    array = np.asarray(untracked(leaf))
    if array.dtype.kind in "biu":
        return array.astype(float)
    if array.dtype.kind != "f":
        mend = "give real and imaginary part as two arrays" if array.dtype.kind == "c" else "give numbers"
        raise DtypeError(f"{name} has dtype {array.dtype}; real numbers are needed: {mend}.")
    return array
