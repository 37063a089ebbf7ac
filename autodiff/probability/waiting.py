"""Distributions of positive numbers: exponential and gamma."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.ops.cumulative import gamma_cdf, gamma_quantile, log_gamma_cdf
from autodiff.ops.densities import LARGE, LOG_2PI, gamma_kernel
from autodiff.ops.gamma_remainders import stirling
from autodiff.probability.distribution import Continuous, Support
from autodiff.probability.parameters import POSITIVE, Parameter
from autodiff.special import gammaln, xlogy
from autodiff.typing import Array, Numbers


class Exponential(Continuous):
    """The time until an event that occurs at a constant rate: the exponential distribution.

    Parameters
    ----------
    rate : array_like or Tensor
        Events per unit of time; positive. The mean is 1 / rate.

    Raises
    ------
    DomainError
        If `rate` is not positive.

    Notes
    -----
    The density is ``r exp(-r x)`` for x >= 0.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", volume 1 (1994), chapter 19.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Exponential(2.0)
    >>> float(d.mean), float(d.quantile(0.5))
    (0.5, 0.346573590)
    """

    rate: Parameter = Parameter(POSITIVE)
    everywhere = Support(0.0)
    _inside = 1.0

    def __init__(self, rate: Tensor | Numbers = 1.0) -> None:
        self.rate = rate

    @property
    def mean(self) -> Tensor | Array:
        return 1 / self.rate

    @property
    def variance(self) -> Tensor | Array:
        return 1 / (self.rate * self.rate)

    def entropy(self) -> Tensor | Array:
        return 1 - np.log(self.rate)

    def _log_value(self, x: Any) -> Any:
        return np.log(self.rate) - self.rate * x

    def _cdf(self, x: Any) -> Any:
        return -np.expm1(-self.rate * np.maximum(x, 0.0))

    def _log_survival(self, x: Any) -> Any:
        return -self.rate * np.maximum(x, 0.0)

    def _quantile(self, p: Any) -> Any:
        with np.errstate(divide="ignore"):  # the quantile of 1 is infinite
            return -np.log1p(-p) / self.rate

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        with np.errstate(divide="ignore"):
            return {"rate": 1 / data.mean()}


class Gamma(Continuous):
    """The time until several events that occur at a constant rate: the gamma distribution.

    Parameters
    ----------
    concentration : array_like or Tensor
        The number of events, which need not be an integer; often called shape. Positive.
    rate : array_like or Tensor
        Events per unit of time, the inverse of the scale; positive.

    Raises
    ------
    DomainError
        If a parameter is not positive.

    Notes
    -----
    The density is ``r**a x**(a - 1) exp(-r x) / gamma(a)`` for x >= 0. Samples can be differentiated by both
    parameters, since they are quantiles of fixed random numbers. Up to a = 1e4 the cdf is SciPy's incomplete gamma
    function. For larger a that loses digits far below the mean (all of them at 1e8), so the cdf is the integral of the
    density.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", volume 1 (1994), chapter 17.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Gamma(3.0, 2.0)
    >>> float(d.mean), float(d.variance), float(d.cdf(1.5))
    (1.5, 0.75, 0.576809918)
    """

    concentration: Parameter = Parameter(POSITIVE)
    rate: Parameter = Parameter(POSITIVE)
    everywhere = Support(0.0)
    _inside = 1.0

    def __init__(self, concentration: Tensor | Numbers, rate: Tensor | Numbers = 1.0) -> None:
        self.concentration, self.rate = concentration, rate

    @property
    def mean(self) -> Tensor | Array:
        return self.concentration / self.rate

    @property
    def variance(self) -> Tensor | Array:
        return self.concentration / (self.rate * self.rate)

    def entropy(self) -> Tensor | Array:
        a = self.concentration  # gammaln and digamma by Stirling's formula, whose terms cancel
        rest = stirling(a, n=0) + (1 - a) * stirling(a, n=1)
        return 0.5 * np.log(a) - np.log(self.rate) + (LOG_2PI + 1 - 1 / a) / 2 + rest

    def _log_value(self, x: Any) -> Any:
        a = self.concentration
        plainly = xlogy(a - 1, x) + a * np.log(self.rate) - self.rate * x - gammaln(a)
        large = (a >= LARGE) & (x > 0)
        x = np.where(large, x, 1.0)
        return np.where(large, gamma_kernel(a, self.rate * x) - np.log(x), plainly)

    def _in_means(self, x: Any) -> Any:
        """The number of events expected until x, limited so that it cannot overflow."""
        u = self.rate * np.where(x <= 0, 1.0, x)
        return np.minimum(u, float(np.finfo(u.dtype).max) * 1e-8)

    def _cdf(self, x: Any) -> Any:
        return np.where(x <= 0, 0.0, gamma_cdf(self.concentration, self._in_means(x)))

    def _log_survival(self, x: Any) -> Any:
        return np.where(x <= 0, 0.0, log_gamma_cdf(self.concentration, self._in_means(x), upper=True))

    def _quantile(self, p: Any) -> Any:
        return gamma_quantile(self.concentration, p) / self.rate

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        # Minka's start ("Estimating a Gamma distribution", 2002): 1 / (2 (log of the mean - mean of the logarithms)).
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.log(data.mean()) - np.log(data).mean()
            a = fixed.get("concentration", 0.5 / gap if gap > 1e-14 else np.inf)
            return {"concentration": a, "rate": a / data.mean()}
