"""Symmetric distributions with heavier tails than the normal one: Laplace and Student's t."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.ops.cumulative import log_student_cdf, student_cdf, student_quantile
from autodiff.ops.densities import student_constant, student_constant_slope, student_log_density
from autodiff.probability.distribution import Continuous
from autodiff.probability.parameters import POSITIVE, REAL, Parameter
from autodiff.typing import Array, Numbers


class Laplace(Continuous):
    """The Laplace distribution: two exponential distributions back to back.

    Parameters
    ----------
    location : array_like or Tensor
        The mean and median.
    scale : array_like or Tensor
        The mean distance from the location; positive.

    Raises
    ------
    DomainError
        If `scale` is not positive.

    Notes
    -----
    The density is ``exp(-abs(x - m) / s) / (2 s)``. Its logarithm has a corner at the location, so a fit takes its
    standard errors from the scores.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", volume 2 (1995), chapter 24.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Laplace(1.0, 2.0)
    >>> float(d.density(1.0)), float(d.variance), float(d.cdf(1.0))
    (0.25, 8.0, 0.5)
    """

    location: Parameter = Parameter(REAL)
    scale: Parameter = Parameter(POSITIVE)
    smooth = False

    def __init__(self, location: Tensor | Numbers = 0.0, scale: Tensor | Numbers = 1.0) -> None:
        self.location, self.scale = location, scale

    @property
    def mean(self) -> Tensor | Array:
        return self.location

    @property
    def variance(self) -> Tensor | Array:
        return 2 * self.scale * self.scale

    def entropy(self) -> Tensor | Array:
        return np.broadcast_to(1 + np.log(2 * self.scale), self.shape)[()]

    def _log_value(self, x: Any) -> Any:
        return -np.abs(x - self.location) / self.scale - np.log(2 * self.scale)

    def _cdf(self, x: Any) -> Any:
        z = np.clip((x - self.location) / self.scale, -800.0, 800.0)  # farther out it is 0 or 1, with slopes 0
        below = np.exp(np.minimum(z, 0.0)) / 2
        return np.where(z < 0, below, 1 - np.exp(-np.maximum(z, 0.0)) / 2)

    def _log_survival(self, x: Any) -> Any:
        z = (x - self.location) / self.scale
        return np.where(z < 0, np.log1p(-np.exp(np.minimum(z, 0.0)) / 2), -z - math.log(2))

    def _quantile(self, p: Any) -> Any:
        with np.errstate(divide="ignore"):  # the quantiles of 0 and 1 are infinite
            z = np.where(p < 0.5, np.log(2 * np.minimum(p, 0.5)), -np.log(2 * (1 - np.maximum(p, 0.5))))
        return self.location + self.scale * z

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        location = fixed.get("location", np.median(data))  # these are already the most likely parameters
        return {"location": location, "scale": np.abs(data - location).mean()}


class StudentT(Continuous):
    """Student's t distribution: a normal distribution with unknown variance.

    Parameters
    ----------
    degrees_of_freedom : array_like or Tensor
        Positive. The fewer, the heavier are the tails, which fall as abs(x)**-(degrees_of_freedom + 1).
    location : array_like or Tensor
        The centre.
    scale : array_like or Tensor
        Positive.

    Raises
    ------
    DomainError
        If `degrees_of_freedom` or `scale` is not positive.

    Notes
    -----
    The density of ``z = (x - m) / s`` is ``(1 + z**2 / n)**(-(n + 1) / 2) / (sqrt(n) B(1/2, n/2))`` with n degrees of
    freedom. Up to one degree of freedom the mean and the variance are NaN; from there up to two the variance is
    infinite. Samples can be differentiated by all parameters, since they are quantiles of fixed random numbers.

    References
    ----------
    N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", volume 2 (1995), chapter 28.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.StudentT(4.0)
    >>> float(d.variance), float(d.quantile(0.975))
    (2.0, 2.776445105)
    """

    degrees_of_freedom: Parameter = Parameter(POSITIVE)
    location: Parameter = Parameter(REAL)
    scale: Parameter = Parameter(POSITIVE)

    def __init__(
        self, degrees_of_freedom: Tensor | Numbers, location: Tensor | Numbers = 0.0, scale: Tensor | Numbers = 1.0
    ) -> None:
        self.degrees_of_freedom, self.location, self.scale = degrees_of_freedom, location, scale

    @property
    def mean(self) -> Tensor | Array:
        return np.where(self.degrees_of_freedom > 1, self.location, math.nan)

    @property
    def variance(self) -> Tensor | Array:
        nu = self.degrees_of_freedom
        finite = np.where(nu > 2, nu, 3.0)
        value = self.scale * self.scale * finite / (finite - 2)
        return np.where(nu > 2, value, np.where(nu > 1, math.inf, math.nan))

    def entropy(self) -> Tensor | Array:
        nu = self.degrees_of_freedom
        value = (nu + 1) / 2 * student_constant_slope(nu) + 0.5 + 0.5 / nu - student_constant(nu)
        return np.broadcast_to(value + np.log(self.scale), self.shape)[()]

    def _z(self, x: Any) -> Any:
        return (x - self.location) / self.scale

    def _log_value(self, x: Any) -> Any:
        return student_log_density(self.degrees_of_freedom, self._z(x)) - np.log(self.scale)

    def _cdf(self, x: Any) -> Any:
        return student_cdf(self.degrees_of_freedom, self._z(x))

    def _log_survival(self, x: Any) -> Any:
        return log_student_cdf(self.degrees_of_freedom, -self._z(x))

    def _quantile(self, p: Any) -> Any:
        return self.location + self.scale * student_quantile(self.degrees_of_freedom, p)

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        location = fixed.get("location", np.median(data))
        # for four degrees of freedom the quartiles lie 0.741 scales from the centre
        spread = np.quantile(np.abs(data - location), 0.5) / 0.741
        return {"degrees_of_freedom": 4.0, "location": location, "scale": spread, **fixed}
