"""Iteration over a data set in minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Never

import numpy as np

import autodiff as ad
from nn.inputs import array_of
from nn.named import refused
from nn.randomness import generator


class Batches:
    """Minibatches of the rows of some arrays; each loop over it is one epoch. `batches` makes it.

    Attributes
    ----------
    rows : int
        Number of rows of the arrays.
    batch_size : int
    shuffle, drop_last : bool

    Examples
    --------
    >>> import numpy as np, nn
    >>> loader = nn.batches(np.arange(6), batch_size=4)
    >>> loader
    Batches(6 rows, batch_size=4)
    >>> len(loader), [len(x) for (x,) in loader], [len(x) for (x,) in loader]
    (2, [4, 2], [4, 2])
    """

    def __init__(
        self, arrays: list[Any], batch_size: int, shuffle: bool, drop_last: bool, rng: np.random.Generator | None
    ) -> None:
        self._arrays, self._rng = arrays, rng
        self.rows, self.batch_size = int(arrays[0].shape[0]), batch_size
        self.shuffle, self.drop_last = bool(shuffle), bool(drop_last)

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return self.rows // self.batch_size if self.drop_last else -(-self.rows // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The batches of one epoch, as tuples of arrays; if they are shuffled, in a new order each time."""
        order = generator(self._rng).permutation(self.rows) if self.shuffle else np.arange(self.rows)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows = order[start : start + self.batch_size]
            yield tuple(a[rows] for a in self._arrays)

    def __repr__(self) -> str:
        options = ("" if self.shuffle else ", shuffle=False") + (", drop_last=True" if self.drop_last else "")
        return f"Batches({self.rows} rows, batch_size={self.batch_size}{options})"


def batches(
    *arrays: Any,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | None = None,
    drop_last: bool = False,
    rng: np.random.Generator | None = None,
    **unknown: Never,
) -> Batches:
    """Minibatches of the rows of some arrays, in random order.

    Parameters
    ----------
    *arrays : ndarray, (n, ...)
        Rows that belong together: inputs and labels, for example.
    batch_size : int, default 32
        Number of rows in a batch; the last may have fewer.
    shuffle : bool, default True
        False keeps the order.
    seed : int, optional
        Fixes the orders of all epochs.
    drop_last : bool, default False
        Whether to leave out a last batch that is not full.
    rng : numpy.random.Generator, optional
        Generator of the orders, if no seed is given; this thread's generator (`nn.manual_seed`) by default.

    Returns
    -------
    Batches
        Each loop over it is one epoch, in a new order: tuples with the same rows of each array. ``len`` is the number
        of batches in an epoch.

    Raises
    ------
    autodiff.ShapeError
        If the arrays do not have the same number of rows.
    ValueError
        If `batch_size` is not a positive integer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> for x, y in nn.batches(np.arange(5), np.arange(5) ** 2, batch_size=2, shuffle=False):
    ...     print(x, y)
    [0 1] [0 1]
    [2 3] [4 9]
    [4] [16]
    >>> loader = nn.batches(np.arange(5), batch_size=2, drop_last=True)
    >>> len(loader), [len(x) for epoch in range(3) for (x,) in loader]
    (2, [2, 2, 2, 2, 2, 2])
    """
    if unknown:
        refused("batches", "nn.batches(x, y, {})", batches, unknown)
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batches: batch_size must be a positive integer; {batch_size!r} was given.")
    values = [array_of(a) for a in arrays]
    shapes = [a.shape for a in values]
    if not values or any(not s or s[0] != shapes[0][0] for s in shapes):
        number = next((a for a in arrays if isinstance(a, (int, np.integer))), None)
        raise ad.ShapeError(
            f"batches: the arrays must have the same number of rows (first axis); shapes {shapes} were given."
            + ("" if number is None else f" The number of rows in a batch has a name: batch_size={number}.")
        )
    draw = np.random.default_rng(seed) if seed is not None else rng
    return Batches(values, int(batch_size), shuffle, drop_last, draw)
