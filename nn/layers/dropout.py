"""Dropout: random entries are set to 0."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from nn.checks import share
from nn.inputs import as_tensor
from nn.module import Module
from nn.randomness import generator


def dropped(x: Any, p: float, rng: np.random.Generator | None) -> Any:
    """Set each entry to 0 with probability `p`, else divide it by ``1 - p``, so that its expectation is unchanged."""
    return x * ad.live(_kept, x.shape, p, x.dtype, rng)


def _kept(shape: tuple[int, ...], p: float, dtype: Any, rng: np.random.Generator | None) -> Any:
    kept = generator(rng).random(shape) >= p  # drawn in double precision: the same entries in every dtype
    return (kept / (1 - p)).astype(dtype)


def _generator_of(shape: tuple[int, ...], p: float, dtype: Any, rng: np.random.Generator | None) -> Any:
    return generator(rng)


_kept.draws_from = _generator_of  # type: ignore[attr-defined]  # `ad.live` asks for it


class Dropout(Module):
    """In training, set random entries to 0; in evaluation, do nothing.

    Parameters
    ----------
    p : float, default 0.5
        The probability of an entry to become 0; the others are divided by ``1 - p``.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given. One number is drawn for
        each entry.

    Raises
    ------
    ValueError
        If `p` is not at least 0 and less than 1.

    Notes
    -----
    In training ``y = x * keep / (1 - p)``, where each entry of keep is 0 with probability p and else 1.

    References
    ----------
    N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014, section 4.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    >>> layer(np.ones(6)).data
    array([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(np.ones(6)).data
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        super().__init__()
        share("Dropout", p=p)
        self.p = float(p)
        self.rng = rng

    def forward(self, x: Any) -> ad.Tensor:
        """Return a Tensor of the same shape."""
        x = as_tensor(x)
        return dropped(x, self.p, self.rng) if self.training and self.p else x

    def describe(self) -> str:
        """The probability."""
        return f"{self.p:g}"
