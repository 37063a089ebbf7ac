"""Distributions of counts: Bernoulli, binomial, Poisson."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.arrays.plain import untracked
from autodiff.arrays.tensors import Tensor
from autodiff.core import switches
from autodiff.core.effects import is_compiling, live
from autodiff.core.kinds import elementwise
from autodiff.errors import DomainError, UnsupportedError
from autodiff.ops.cumulative import beta_cdf, gamma_cdf, log_beta_cdf, log_gamma_cdf
from autodiff.ops.densities import LARGE, beta_kernel, gamma_kernel
from autodiff.probability.distribution import Discrete, Support
from autodiff.probability.operands import log
from autodiff.probability.parameters import COUNT, POSITIVE, PROBABILITY, Parameter
from autodiff.special import entr, gammaln, xlogy
from autodiff.typing import Array, Numbers


def _xlog1py(x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore"):  # if one outcome is certain, the other has the logarithm -inf
        return np.where(x == 0, 0, x * np.log1p(np.where(x == 0, 0, y)))[()]


xlog1py = elementwise(
    _xlog1py,
    lambda t, z, x, y: t * np.log1p(y),
    lambda t, z, x, y: t * np.where(x == 0, 0, x / (1 + y)),
    name="xlog1py",
    singular=True,
)
"""``x * log(1 + y)``, which is 0 where `x` is 0. With y = -p it keeps all digits of a small probability p."""


def _bernoulli(rng: Any, shape: tuple[int, ...], p: Any) -> Any:
    return (np.random.default_rng(rng).random(shape) < p).astype(float)


def _binomial(rng: Any, shape: tuple[int, ...], n: Any, p: Any) -> Any:
    return np.random.default_rng(rng).binomial(np.asarray(n).astype(int), p, shape) * 1.0


def _poisson(rng: Any, shape: tuple[int, ...], rate: Any) -> Any:
    return np.random.default_rng(rng).poisson(rate, shape) * 1.0


def first_reaching(cdf: Callable[[Array], Array], p: Array, guess: Array, high: Array) -> Array:
    """The smallest integer whose cumulative probability reaches p: doubling from a guess, then bisection."""
    low, above = np.full(np.shape(guess), -1.0), np.minimum(np.maximum(guess, 1.0), high)
    while (short := (cdf(above) < p) & (above < high)).any():
        low, above = np.where(short, above, low), np.where(short, np.minimum(2 * above + 1, high), above)
    while (above - low > 1).any():
        middle = np.floor((low + above) / 2)
        enough = cdf(middle) >= p
        above, low = np.where(enough, middle, above), np.where(enough, low, middle)
    return above


class _Count(Discrete):
    """The part that the distributions of this file share: quantiles by search."""

    def _quantile(self, p: Any) -> Any:
        if is_compiling():
            raise switches.refusal(
                f"compile: {type(self).__name__}.quantile searches for its value, which a compiled function cannot: "
                f"call it outside ad.compile."
            )
        of_numbers = self.replaced({name: untracked(value) for name, value in self.values().items()})
        p = np.asarray(untracked(p))
        shape = np.broadcast_shapes(p.shape, self.shape)
        high = np.broadcast_to(untracked(self.support.high), shape)
        guess = np.ceil(np.broadcast_to(of_numbers.mean, shape))
        # so that p = cdf(k) gives k again, despite rounding in the last digit
        goal = np.broadcast_to(p * (1 - 4 * np.finfo(float).eps), shape)
        found = first_reaching(of_numbers._cdf, goal, guess, np.where(np.isfinite(high), high, 1e15))
        return np.where(np.broadcast_to(p >= 1, shape), high, found)[()]


class Bernoulli(_Count):
    """One trial: 1 with a given probability, otherwise 0.

    Parameters
    ----------
    probability : array_like or Tensor
        The probability of a 1, from 0 to 1.

    Raises
    ------
    DomainError
        If `probability` is not from 0 to 1.

    Notes
    -----
    The probability of k is ``p**k (1 - p)**(1 - k)`` for k = 0, 1.

    References
    ----------
    C. M. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 2.1.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Bernoulli(0.25)
    >>> float(d.probability_of(1)), float(d.mean), float(d.variance)
    (0.25, 0.25, 0.1875)
    """

    probability: Parameter = Parameter(PROBABILITY)
    everywhere = Support(0.0, 1.0, discrete=True)

    def __init__(self, probability: Tensor | Numbers) -> None:
        self.probability = probability

    @property
    def mean(self) -> Tensor | Array:
        return self.probability

    @property
    def variance(self) -> Tensor | Array:
        return self.probability * (1 - self.probability)

    def entropy(self) -> Tensor | Array:
        p = self.probability
        return entr(p) - xlog1py(1 - p, -p)

    def _log_value(self, k: Any) -> Any:
        return xlogy(k, self.probability) + xlog1py(1 - k, -self.probability)

    def _cdf(self, k: Any) -> Any:
        return np.where(k < 0, 0.0, np.where(k >= 1, 1.0, 1 - self.probability + 0 * k))  # NaN stays NaN

    def _log_survival(self, k: Any) -> Any:
        return np.where(k < 0, 0.0, np.where(k >= 1, -np.inf, log(self.probability) + 0 * k))

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        return live(_bernoulli, rng, shape, untracked(self.probability))

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        return {"probability": data.mean()}


class Binomial(_Count):
    """The number of successes in independent trials.

    Parameters
    ----------
    n : array_like
        The number of trials, an integer.
    probability : array_like or Tensor
        The probability of a success, from 0 to 1.

    Raises
    ------
    DomainError
        If `n` is not an integer, 0 or more, or `probability` is not from 0 to 1.

    Notes
    -----
    The probability of k is ``n! / (k! (n - k)!) p**k (1 - p)**(n - k)`` for k = 0, ..., n.

    References
    ----------
    N. L. Johnson, A. W. Kemp, S. Kotz, "Univariate Discrete Distributions", 3rd edition (2005), chapter 3.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Binomial(4, 0.5)
    >>> float(d.probability_of(2)), float(d.cdf(2)), float(d.quantile(0.5))
    (0.375, 0.6875, 2.0)
    """

    n: Parameter = Parameter(COUNT)
    everywhere = Support(0.0, discrete=True)
    probability: Parameter = Parameter(PROBABILITY)

    def __init__(self, n: Tensor | Numbers, probability: Tensor | Numbers) -> None:
        self.n, self.probability = n, probability

    @property
    def support(self) -> Support:
        return Support(0.0, self.n, discrete=True)

    @property
    def mean(self) -> Tensor | Array:
        return self.n * self.probability

    @property
    def variance(self) -> Tensor | Array:
        return self.n * self.probability * (1 - self.probability)

    def entropy(self) -> Tensor | Array:
        """The sum of -p log p over 0 to n."""
        k = np.arange(float(np.max(untracked(self.n))) + 1).reshape(-1, *[1] * len(self.shape))
        return entr(self.probability_of(k)).sum(axis=0)

    def _log_value(self, k: Any) -> Any:
        n, p = self.n, self.probability
        k = np.minimum(k, n)  # larger counts have probability 0, and this value is not used for them
        chosen = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        plainly = chosen + xlogy(k, p) + xlog1py(n - k, -p)
        large = (n >= 2 * LARGE) & (k > 0) & (k < n) & (p > 0) & (p < 1)
        k, m, p = np.where(large, k, 1.0), np.where(large, n - k, 1.0), np.where(large, p, 0.5)
        return np.where(large, beta_kernel(k, m, p, 1 - p) + np.log((k + m) / k / m), plainly)

    def _cdf(self, k: Any) -> Any:
        k = np.floor(untracked(k))
        inside = np.clip(k, 0, np.maximum(self.n - 1, 0))
        value = beta_cdf(inside + 1, np.maximum(self.n - inside, 1.0), self.probability, upper=True)
        return np.where(k < 0, 0.0, np.where(k >= self.n, 1.0, value))

    def _log_survival(self, k: Any) -> Any:
        k = np.floor(untracked(k))
        inside = np.clip(k, 0, np.maximum(self.n - 1, 0))
        value = log_beta_cdf(inside + 1, np.maximum(self.n - inside, 1.0), self.probability)
        return np.where(k < 0, 0.0, np.where(k >= self.n, -np.inf, value))

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        return live(_binomial, rng, shape, untracked(self.n), untracked(self.probability))

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        if "n" not in fixed:
            raise UnsupportedError(
                "fit(Binomial): the number of trials must be given, it is not fitted: fit(Binomial, data, n=10)."
            )
        if data.max() > fixed["n"]:
            raise DomainError(f"fit(Binomial): {data.max():.6g} successes in n = {fixed['n']} trials are impossible.")
        return {"n": fixed["n"], "probability": data.mean() / fixed["n"]}


class Poisson(_Count):
    """The number of events that occur independently at a constant rate.

    Parameters
    ----------
    rate : array_like or Tensor
        The expected number of events; positive.

    Raises
    ------
    DomainError
        If `rate` is not positive.

    Notes
    -----
    The probability of k is ``rate**k exp(-rate) / k!`` for k = 0, 1, ...

    References
    ----------
    N. L. Johnson, A. W. Kemp, S. Kotz, "Univariate Discrete Distributions", 3rd edition (2005), chapter 4.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Poisson(2.0)
    >>> float(d.probability_of(0)), float(d.cdf(1)), float(d.quantile(0.5))
    (0.1353352832, 0.4060058497, 2.0)
    """

    rate: Parameter = Parameter(POSITIVE)
    everywhere = Support(0.0, discrete=True)

    def __init__(self, rate: Tensor | Numbers) -> None:
        self.rate = rate

    @property
    def mean(self) -> Tensor | Array:
        return self.rate

    @property
    def variance(self) -> Tensor | Array:
        return self.rate

    def entropy(self) -> Tensor | Array:
        """The sum of -p log p over all counts that matter in a float."""
        if is_compiling():
            raise switches.refusal(
                "compile: Poisson.entropy is a sum whose length depends on the rate, which a compiled function cannot "
                "follow. Call it outside ad.compile."
            )
        largest = float(np.max(untracked(self.rate)))
        k = np.arange(np.ceil(largest + 12 * largest**0.5 + 40)).reshape(-1, *[1] * len(self.shape))
        return entr(self.probability_of(k)).sum(axis=0)

    def _log_value(self, k: Any) -> Any:
        plainly = xlogy(k, self.rate) - self.rate - gammaln(k + 1)
        large = np.maximum(k + 1, LARGE)
        return np.where(k + 1 < LARGE, plainly, gamma_kernel(large, self.rate) - np.log(self.rate))

    def _cdf(self, k: Any) -> Any:
        k = np.floor(untracked(k))
        return np.where(k < 0, 0.0, gamma_cdf(np.maximum(k, 0.0) + 1, self.rate, upper=True))

    def _log_survival(self, k: Any) -> Any:
        k = np.floor(untracked(k))
        return np.where(k < 0, 0.0, log_gamma_cdf(np.maximum(k, 0.0) + 1, self.rate))

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        return live(_poisson, rng, shape, untracked(self.rate))

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        return {"rate": data.mean()}
