"""The source of random numbers: one generator per thread, set by `manual_seed`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import numpy as np


class _Source(threading.local):
    generator: np.random.Generator | None = None


_source = _Source()


def manual_seed(seed: int) -> np.random.Generator:
    """Seed this thread's generator, from which layers draw their initial weights and `batches` its orders.

    Parameters
    ----------
    seed : int
        Not negative.

    Returns
    -------
    numpy.random.Generator
        The new generator.

    Raises
    ------
    ValueError
        If the seed is not an integer, 0 or more.

    Examples
    --------
    >>> import nn
    >>> _ = nn.manual_seed(0)
    >>> a = nn.Linear(3, 2).weight.data
    >>> _ = nn.manual_seed(0)
    >>> bool((nn.Linear(3, 2).weight.data == a).all())
    True
    """
    try:
        _source.generator = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(f"manual_seed: the seed must be an integer, 0 or more; {seed!r} was given.") from None
    return _source.generator


def reseed(seed: int) -> None:
    """`manual_seed` as pytest-randomly calls it before every part of a test, with any integer."""
    manual_seed(seed % 2**64)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A context in which this thread draws from a generator with this seed; afterwards it goes on where it was."""
    before, _source.generator = _source.generator, np.random.default_rng(seed)
    try:
        yield
    finally:
        _source.generator = before


def generator(rng: np.random.Generator | None = None) -> np.random.Generator:
    """The given generator, or this thread's (seeded from the system unless `manual_seed` was called)."""
    if rng is not None:
        return rng
    if _source.generator is None:
        _source.generator = np.random.default_rng()
    return _source.generator
