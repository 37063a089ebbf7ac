"""Matrices by kind: those that a routine of linear algebra needs, and those that it must survive."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autodiff.testing.strategies.arrays import arrays

Matrix = NDArray[Any]

KINDS = ("well-conditioned", "spd", "symmetric", "orthogonal", "lower", "upper", "diagonal", "singular")
"""The kinds of `matrices`."""


def _orthogonal(entries: Matrix) -> Matrix:
    """The Cayley transform of the skew-symmetric part: orthogonal, and the identity for zeros."""
    skew = np.tril(entries, -1)
    skew = skew - skew.T
    one = np.eye(len(entries))
    return np.asarray(np.linalg.solve(one + skew, one - skew))


def _of_kind(kind: str, entries: Matrix) -> Matrix:
    n = len(entries)
    one = np.eye(n)
    if kind == "spd":
        return entries @ entries.T / max(n, 1) + one
    if kind == "symmetric":
        return entries + entries.T
    if kind == "orthogonal":
        return _orthogonal(entries)
    if kind == "diagonal":
        return np.diag(np.diag(entries))
    # diagonally dominant, so it is well conditioned
    tame = entries + one * (1 + np.abs(entries).sum(axis=1, keepdims=True))
    if kind == "lower":
        return np.tril(tame)
    if kind == "upper":
        return np.triu(tame)
    if kind == "singular" and n:
        tame[:, -1] = tame[:, :-1].sum(axis=1) if n > 1 else 0.0
    return tame


@st.composite
def matrices(
    draw: st.DrawFn,
    kind: str = "well-conditioned",
    *,
    size: int | st.SearchStrategy[int] | None = None,
    batch: Sequence[int] = (),
    max_value: float = 2.0,
) -> Matrix:
    """Square matrices of one kind, read-only.

    Parameters
    ----------
    kind : str
        One of `KINDS`. "singular" has rank n - 1, since the last column is the sum of the others.
    size : int, or strategy, optional
        The number of rows; 1 to 4 by default.
    batch : sequence of int
        Leading axes, for a stack of matrices.
    max_value : float, default 2
        The largest magnitude of the numbers from which a matrix is made.

    Returns
    -------
    strategy of ndarray, (*batch, n, n)
        Shrinks to one row, and to numbers near 0.

    Examples
    --------
    >>> import numpy as np
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> find(st.matrices("spd", size=2), lambda a: True)
    array([[1., 0.],
           [0., 1.]])
    """
    if kind not in KINDS:
        raise ValueError(f"matrices: kind must be one of {', '.join(map(repr, KINDS))}; {kind!r} was given.")
    n = size if isinstance(size, int) else draw(st.integers(1, 4) if size is None else size)
    entries = draw(arrays((*batch, n, n), min_value=-max_value, max_value=max_value, layouts=("C",)))
    made = np.empty_like(entries)
    for index in np.ndindex(*batch):
        made[index] = _of_kind(kind, entries[index].copy())
    made.flags.writeable = False
    return made
