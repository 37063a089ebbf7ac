"""Splitting a data set into training and test parts, and standardising both."""

from __future__ import annotations

from typing import Any, Never

import numpy as np

import autodiff as ad
from nn.inputs import array_of
from nn.named import refused
from nn.randomness import generator


def train_test_split(
    *arrays: Any,
    test_size: float = 0.25,
    stratify: Any = None,
    seed: int | None = None,
    rng: np.random.Generator | None = None,
    **unknown: Never,
) -> tuple[Any, ...]:
    """Split the rows of some arrays at random into a training and a test part.

    Parameters
    ----------
    *arrays : ndarray, (n, ...)
        Rows that belong together.
    test_size : float, default 0.25
        The fraction of rows in the test part, between 0 and 1.
    stratify : array_like, (n,), optional
        Labels; each label is split in the same proportion, to the nearest row.
    seed : int, optional
        Fixes the split.
    rng : numpy.random.Generator, optional
        Source of the random numbers, if no seed is given; this thread's generator (`nn.manual_seed`) by default.

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
        raise ValueError(f"train_test_split: test_size must be a fraction between 0 and 1; {test_size!r} was given.")
    if unknown:
        refused("train_test_split", "nn.data.train_test_split(x, y, {})", train_test_split, unknown)
    values = [array_of(a) for a in arrays]
    if not values:
        raise ValueError("train_test_split: no arrays were given.")
    labels = np.zeros(len(values[0]), int) if stratify is None else array_of(stratify)
    if any(len(a) != len(labels) for a in values):
        raise ad.ShapeError(
            f"train_test_split: the arrays and stratify must have the same number of rows; the arrays have "
            f"{[len(a) for a in values]} and the labels {len(labels)}."
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
            f"train_test_split: {len(labels)} rows cannot be split with test_size={test_size}: a part would be empty."
        )
    return tuple(part for a in values for part in (a[train], a[test]))


def standardise(train: Any, *others: Any) -> Any:
    """Shift and scale every column by its mean and standard deviation in the first array.

    Parameters
    ----------
    train : array_like, (n, ...)
        The training data: mean and standard deviation are taken over its first axis.
    *others : array_like, (m, ...)
        More data, shifted and scaled by the same numbers.

    Returns
    -------
    ndarray, or tuple of ndarray
        One for each argument. A column with standard deviation 0 is only shifted.

    Raises
    ------
    autodiff.ShapeError
        If the columns differ.

    Examples
    --------
    >>> import numpy as np, nn
    >>> train, test = nn.data.standardise(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[2.0, 6.0]]))
    >>> train.tolist(), test.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0]])
    """
    arrays = [array_of(a) for a in (train, *others)]
    arrays = [a if a.dtype.kind == "f" else a.astype(float) for a in arrays]
    if any(a.ndim < 1 or a.shape[1:] != arrays[0].shape[1:] for a in arrays):
        raise ad.ShapeError(
            f"standardise: the arrays must have the same columns; shapes {[a.shape for a in arrays]} were given."
        )
    mean, spread = arrays[0].mean(axis=0), arrays[0].std(axis=0)
    spread = np.where(spread > 0, spread, 1).astype(spread.dtype)
    scaled = tuple((a - mean) / spread for a in arrays)
    return scaled if others else scaled[0]
