"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import live
from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.ops.error_function import bell, log_normal_tail
from autodiff.probability.distribution import Continuous
from autodiff.probability.parameters import POSITIVE, REAL, Parameter
from autodiff.special import erfc
from autodiff.typing import Array, Numbers, Shape

LOG_2PI = math.log(2 * math.pi)


def standard_normal(rng: Any, shape: Shape) -> Array:
    """Random normal numbers with mean 0 and variance 1."""
    return np.random.default_rng(rng).standard_normal(shape)


def _standard_quantile(p: Any) -> Any:
    # The rational start has an error below 4.5e-4 (Abramowitz & Stegun 1964, 26.2.23); each Halley step cubes it.
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = np.minimum(p, 1 - p).astype(float)
        t = np.sqrt(-2 * np.log(tail))
        x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
        for _ in range(3):
            error = (erfc(x / math.sqrt(2)) / 2 - tail) / (bell(x / math.sqrt(2)) / math.sqrt(2 * math.pi))
            x = np.where(np.isfinite(error), x + error / (1 - x * error / 2), x)
        x = np.where(tail == 0, np.inf, np.where(tail == 0.5, 0.0, x))
    return np.where(p < 0.5, -x, x).astype(p.dtype)[()]


standard_quantile: Primitive = elementwise(
    _standard_quantile,
    lambda t, y, p: t * (math.sqrt(2 * math.pi) / bell(y / math.sqrt(2))),
    name="normal_quantile",
    singular=True,
)
"""The inverse of the cumulative function for mean 0 and variance 1."""


class Normal(Continuous):
    """The normal (Gaussian) distribution.

    Parameters
    ----------
    mean : array_like or Tensor
        The centre; real.
    standard_deviation : array_like or Tensor
        Positive; in the unit of `mean`. Its square is the variance.

    Raises
    ------
    DomainError
        If a parameter is not finite, or `standard_deviation` is not positive.

    Notes
    -----
    The density is ``exp(-z**2 / 2) / (s sqrt(2 pi))`` with ``z = (x - m) / s``.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", volume 1 (1994), chapter 13.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Normal(1.0, 2.0)
    >>> float(d.cdf(1.0)), float(d.quantile(0.975))
    (0.5, 4.919927969)
    """

    mean: Parameter = Parameter(REAL)
    standard_deviation: Parameter = Parameter(POSITIVE)

    def __init__(self, mean: Tensor | Numbers = 0.0, standard_deviation: Tensor | Numbers = 1.0) -> None:
        self.mean, self.standard_deviation = mean, standard_deviation

    @property
    def variance(self) -> Tensor | Array:
        return self.standard_deviation**2

    def entropy(self) -> Tensor | Array:
        return np.broadcast_to(np.log(self.standard_deviation) + (1 + LOG_2PI) / 2, self.shape)[()]

    def _z(self, x: Any) -> Any:
        return (x - self.mean) / self.standard_deviation

    def _log_value(self, x: Any) -> Any:
        z = self._z(x)
        return -0.5 * z * z - np.log(self.standard_deviation) - LOG_2PI / 2

    def _cdf(self, x: Any) -> Any:
        z = np.clip(self._z(x), -60.0, 60.0)  # farther out it is 0 or 1 to the last digit, with slopes 0
        return erfc(z * -math.sqrt(0.5)) / 2

    def _log_survival(self, x: Any) -> Any:
        return log_normal_tail(self._z(x))

    def _quantile(self, p: Any) -> Any:
        return self.mean + self.standard_deviation * standard_quantile(p)

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        return self.mean + self.standard_deviation * live(standard_normal, rng, shape)

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        mean = fixed.get("mean", data.mean())
        return {"mean": mean, "standard_deviation": np.sqrt(((data - mean) ** 2).mean())}
