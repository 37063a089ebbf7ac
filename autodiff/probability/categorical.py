"""The categorical distribution: one of k outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.plain import untracked
from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import live
from autodiff.errors import UnsupportedError
from autodiff.probability.distribution import Discrete, Support
from autodiff.probability.operands import log, log_of_part
from autodiff.probability.parameters import PROBABILITIES, Parameter
from autodiff.special import entr
from autodiff.typing import Array, Numbers, Shape


def drawn(rng: Any, shape: Shape, p: Any) -> Array:
    """Random categories with these probabilities."""
    u = np.random.default_rng(rng).random((*shape, 1))
    # by rounding, the last cumulative sum may be a little less than 1
    return np.minimum((u >= np.cumsum(p, axis=-1)).sum(axis=-1), p.shape[-1] - 1) * 1.0


class Categorical(Discrete):
    """One of the categories 0 to k - 1.

    Parameters
    ----------
    probabilities : array_like or Tensor, (..., k)
        The probability of each category; they sum to 1 along the last axis. From scores: ``special.softmax(scores)``.

    Raises
    ------
    DomainError
        If probabilities are negative or do not sum to 1.

    Notes
    -----
    The probability of k is ``probabilities[..., k]``.

    References
    ----------
    C. M. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 2.2.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Categorical([0.5, 0.25, 0.25])
    >>> float(d.probability_of(1)), float(d.mean), float(d.quantile(0.6))
    (0.25, 0.75, 1.0)
    """

    probabilities: Parameter = Parameter(PROBABILITIES)
    everywhere = Support(0.0, discrete=True)

    def __init__(self, probabilities: Tensor | Numbers) -> None:
        self.probabilities = probabilities

    @property
    def k(self) -> int:
        """The number of categories."""
        return int(np.shape(self.probabilities)[-1])

    @property
    def support(self) -> Support:
        return Support(0.0, self.k - 1.0, discrete=True)

    @property
    def mean(self) -> Tensor | Array:
        return (self.probabilities * np.arange(self.k)).sum(axis=-1)

    @property
    def variance(self) -> Tensor | Array:
        distance = np.arange(self.k) - self.mean[..., None]
        return (self.probabilities * distance * distance).sum(axis=-1)

    def entropy(self) -> Tensor | Array:
        return entr(self.probabilities).sum(axis=-1)

    def _log_value(self, k: Any) -> Any:
        # Selected before the logarithm: a category that did not occur must not bring in its infinite slope at 0.
        index = np.clip(untracked(k), 0, self.k - 1)  # values outside are never used
        chosen = np.where(index[..., None] == np.arange(self.k), self.probabilities, 0.0).sum(axis=-1)
        return log(chosen)

    def _cdf(self, x: Any) -> Any:
        return np.where(untracked(x)[..., None] >= np.arange(self.k), self.probabilities, 0.0).sum(axis=-1)

    def _log_survival(self, x: Any) -> Any:
        above = untracked(x)[..., None] < np.arange(self.k)
        part = np.where(above, self.probabilities, 0.0).sum(axis=-1)
        return log_of_part(part, np.where(above, 0.0, self.probabilities).sum(axis=-1)) + 0 * x  # NaN stays NaN

    def _quantile(self, p: Any) -> Any:
        sums = np.cumsum(untracked(self.probabilities), axis=-1)[..., :-1]
        return (untracked(p)[..., None] > sums).sum(axis=-1) * 1.0

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        return live(drawn, rng, shape, untracked(self.probabilities))

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        counts = np.bincount(data.astype(int))
        if len(counts) < 2:
            raise UnsupportedError(
                "fit(Categorical): all data are category 0; with one category there is nothing to fit. If there are "
                "more, give a distribution to start from: fit(Categorical([0.5, 0.5]), data)."
            )
        return {"probabilities": counts / counts.sum()}
