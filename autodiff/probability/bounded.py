"""Distributions on an interval: uniform and beta."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import check
from autodiff.errors import DomainError, UnsupportedError
from autodiff.ops.cumulative import beta_cdf, beta_quantile, log_beta_cdf
from autodiff.ops.densities import LOG_2PI, beta_log_density
from autodiff.ops.gamma_remainders import stirling
from autodiff.probability.distribution import Continuous, Support
from autodiff.probability.operands import log_of_part
from autodiff.probability.parameters import POSITIVE, REAL, Parameter
from autodiff.typing import Array, Numbers


def _in_order(low: Any, high: Any) -> None:
    low, high = np.broadcast_arrays(low, high)
    wrong = ~(low < high)
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        raise DomainError(f"Uniform: low is {low[at]:.6g} and high {high[at]:.6g}; low must be less than high.")


class Uniform(Continuous):
    """The same density everywhere between two ends: the uniform distribution.

    Parameters
    ----------
    low, high : array_like or Tensor
        The ends, low < high.

    Raises
    ------
    DomainError
        If `low` is not less than `high`.

    Notes
    -----
    The density is ``1 / (high - low)`` from `low` to `high`.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", volume 2 (1995), chapter 26.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Uniform(1.0, 3.0)
    >>> float(d.density(2.0)), float(d.density(4.0)), float(d.mean)
    (0.5, 0.0, 2.0)
    """

    low: Parameter = Parameter(REAL)
    high: Parameter = Parameter(REAL)
    _inside = 0.0

    def __init__(self, low: Tensor | Numbers = 0.0, high: Tensor | Numbers = 1.0) -> None:
        self.low, self.high = low, high
        check(_in_order, self.low, self.high)

    @property
    def support(self) -> Support:
        return Support(self.low, self.high)

    @property
    def mean(self) -> Tensor | Array:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor | Array:
        return (self.high - self.low) ** 2 / 12

    def entropy(self) -> Tensor | Array:
        return np.log(self.high - self.low)

    def _log_value(self, x: Any) -> Any:
        return -np.log(self.high - self.low) + 0.0 * x

    def _cdf(self, x: Any) -> Any:
        return (np.clip(x, self.low, self.high) - self.low) / (self.high - self.low)

    def _log_survival(self, x: Any) -> Any:
        inside = np.clip(x, self.low, self.high)
        part, rest = (self.high - inside) / (self.high - self.low), (inside - self.low) / (self.high - self.low)
        return np.where(x <= self.low, 0.0, np.where(x >= self.high, -np.inf, log_of_part(part, rest)))

    def _quantile(self, p: Any) -> Any:
        return self.low + (self.high - self.low) * p

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        raise UnsupportedError(
            "fit(Uniform): the likelihood is largest where the ends touch the data, "
            f"Uniform({data.min():.6g}, {data.max():.6g}): a corner, which has no curvature, so there are no standard "
            "errors."
        )


class Beta(Continuous):
    """A fraction between 0 and 1: the beta distribution.

    Parameters
    ----------
    alpha, beta : array_like or Tensor
        Positive. The mean is alpha / (alpha + beta); the larger their sum, the closer values are to it.

    Raises
    ------
    DomainError
        If a parameter is not positive.

    Notes
    -----
    The density is ``x**(alpha - 1) (1 - x)**(beta - 1) / B(alpha, beta)`` on [0, 1]. Samples can be differentiated by
    both parameters, since they are quantiles of fixed random numbers.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", volume 2 (1995), chapter 25.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Beta(2.0, 3.0)
    >>> float(d.mean), float(d.variance), float(d.cdf(0.4))
    (0.4, 0.04, 0.5248)
    """

    alpha: Parameter = Parameter(POSITIVE)
    beta: Parameter = Parameter(POSITIVE)
    everywhere = Support(0.0, 1.0)
    _inside = 0.5

    def __init__(self, alpha: Tensor | Numbers, beta: Tensor | Numbers) -> None:
        self.alpha, self.beta = alpha, beta

    @property
    def mean(self) -> Tensor | Array:
        return self.alpha / (self.alpha + self.beta)

    @property
    def variance(self) -> Tensor | Array:
        total = self.alpha + self.beta
        return self.alpha * self.beta / (total * total * (total + 1))

    def entropy(self) -> Tensor | Array:
        a, b = self.alpha, self.beta
        n = a + b
        rest = [stirling(x, n=0) + (1 - x) * stirling(x, n=1) for x in (a, b)]  # as in the entropy of Gamma
        whole = stirling(n, n=0) + (2 - n) * stirling(n, n=1)
        leading = 0.5 * (np.log(a) + np.log(b)) - 1.5 * np.log(n) + (LOG_2PI + 1 - 1 / a - 1 / b) / 2 + 1 / n
        return leading + rest[0] + rest[1] - whole

    def _log_value(self, x: Any) -> Any:
        return beta_log_density(self.alpha, self.beta, x)

    def _cdf(self, x: Any) -> Any:
        outside = (x <= 0) | (x >= 1)
        value = beta_cdf(self.alpha, self.beta, np.where(outside, 0.5, x))
        return np.where(x <= 0, 0.0, np.where(x >= 1, 1.0, value))

    def _log_survival(self, x: Any) -> Any:
        outside = (x <= 0) | (x >= 1)
        value = log_beta_cdf(self.alpha, self.beta, np.where(outside, 0.5, x), upper=True)
        return np.where(x <= 0, 0.0, np.where(x >= 1, -np.inf, value))

    def _quantile(self, p: Any) -> Any:
        return beta_quantile(self.alpha, self.beta, p)

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        m, v = data.mean(), data.var()
        with np.errstate(divide="ignore", invalid="ignore"):
            total = m * (1 - m) / v - 1
        return {"alpha": m * total, "beta": (1 - m) * total, **fixed}
