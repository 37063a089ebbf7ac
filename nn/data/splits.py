"""Dividing a data set into a part to learn from and a part to be tested on."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from nn.randomness import generator


def train_test_split(
    *arrays: Any,
    test_size: float = 0.25,
    stratify: Any = None,
    seed: int | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[Any, ...]:
    """Divide the rows of some arrays at random into two parts.

    Parameters
    ----------
    *arrays : ndarray, (n, ...)
        Rows that belong together.
    test_size : float, default 0.25
        The share of rows in the second part, between 0 and 1.
    stratify : array_like, (n,), optional
        Labels; each appears in both parts in the same share, to the nearest row.
    seed : int, optional
        Fixes the division.
    rng : numpy.random.Generator, optional
        Where chance comes from, if no seed is given; this thread's generator (`nn.manual_seed`) by default.

    Returns
    -------
    tuple of ndarray
        ``first_train, first_test, second_train, second_test, ...``; both parts in random order.

    Raises
    ------
    autodiff.ShapeError
        If the numbers of rows differ.
    ValueError
        If a part would be empty, or `test_size` is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x_train, x_test, y_train, y_test = nn.data.train_test_split(
    ...     np.arange(8), np.array([0, 0, 0, 0, 1, 1, 1, 1]), stratify=[0, 0, 0, 0, 1, 1, 1, 1], seed=0
    ... )
    >>> sorted(y_test.tolist()), len(x_train)
    ([0, 1], 6)
    """
    if not 0 < test_size < 1:
        raise ValueError(f"train_test_split: test_size is a share between 0 and 1; {test_size!r} was given.")
    plain = [a.data if isinstance(a, ad.Tensor) else np.asarray(a) for a in arrays]
    if not plain:
        raise ValueError("train_test_split: no arrays were given.")
    labels = np.zeros(len(plain[0]), int) if stratify is None else np.asarray(stratify)
    if any(len(a) != len(labels) for a in plain):
        raise ad.ShapeError(
            f"train_test_split: the arrays and stratify must have the same number of rows; given were "
            f"{[len(a) for a in plain]} and {len(labels)}."
        )
    draw = np.random.default_rng(seed) if seed is not None else generator(rng)
    kinds, number = np.unique(labels, return_inverse=True)
    test_rows = []
    for k in range(len(kinds)):
        rows = draw.permutation(np.flatnonzero(number == k))
        test_rows.append(rows[: round(len(rows) * test_size)])
    test = draw.permutation(np.concatenate(test_rows)) if test_rows else np.zeros(0, int)
    train = draw.permutation(np.setdiff1d(np.arange(len(labels)), test))
    if not len(test) or not len(train):
        raise ValueError(
            f"train_test_split: {len(labels)} rows cannot be divided with test_size={test_size}: a part would be empty."
        )
    return tuple(part for a in plain for part in (a[train], a[test]))
