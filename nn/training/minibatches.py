"""Iteration over a data set in minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import autodiff as ad
from nn.randomness import generator


def batches(
    *arrays: Any,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | None = None,
    drop_last: bool = False,
    rng: np.random.Generator | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Minibatches of the rows of some arrays, in random order: one epoch.

    Parameters
    ----------
    *arrays : ndarray, (n, ...)
        Rows that belong together: inputs and labels, for example.
    batch_size : int, default 32
        Number of rows in a batch; the last may have fewer.
    shuffle : bool, default True
        False keeps the order.
    seed : int, optional
        Fixes the order of this epoch.
    drop_last : bool, default False
        Whether to leave out a last batch that is not full.
    rng : numpy.random.Generator, optional
        Generator of the order, if no seed is given; this thread's generator (`nn.manual_seed`) by default.

    Yields
    ------
    tuple of ndarray
        The same rows of each array.

    Raises
    ------
    autodiff.ShapeError
        If the arrays do not have the same number of rows.

    Examples
    --------
    >>> import numpy as np, nn
    >>> for x, y in nn.batches(np.arange(5), np.arange(5) ** 2, batch_size=2, shuffle=False):
    ...     print(x, y)
    [0 1] [0 1]
    [2 3] [4 9]
    [4] [16]
    """
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batches: batch_size must be a positive integer; {batch_size!r} was given.")
    plain = [a.data if isinstance(a, ad.Tensor) else np.asarray(a) for a in arrays]
    shapes = [a.shape for a in plain]
    if not plain or any(not s or s[0] != shapes[0][0] for s in shapes):
        raise ad.ShapeError(
            f"batches: the arrays must have the same number of rows (first axis); shapes {shapes} were given."
        )
    return _batches(plain, int(batch_size), shuffle, seed, drop_last, rng)


def _batches(
    plain: list[Any], batch_size: int, shuffle: bool, seed: int | None, drop_last: bool, rng: np.random.Generator | None
) -> Iterator[tuple[Any, ...]]:
    n = plain[0].shape[0]
    draw = np.random.default_rng(seed) if seed is not None else generator(rng)
    order = draw.permutation(n) if shuffle else np.arange(n)
    for start in range(0, n - batch_size + 1 if drop_last else n, batch_size):
        rows = order[start : start + batch_size]
        yield tuple(a[rows] for a in plain)
