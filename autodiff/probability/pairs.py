"""Closed forms of the Kullback-Leibler divergence of two distributions: one line for each pair of classes.

Those of densities are in M. Gil, F. Alajaji, T. Linder, "Rényi divergence measures for commonly used univariate
continuous distributions", Inf. Sci. 249 (2013), table 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.errors import ShapeError, UnsupportedError
from autodiff.probability.bounded import Beta, Uniform
from autodiff.probability.categorical import Categorical
from autodiff.probability.counts import Bernoulli, Binomial, Poisson
from autodiff.probability.distribution import Distribution
from autodiff.probability.multivariate import MultivariateNormal
from autodiff.probability.normal import LOG_2PI, Normal
from autodiff.probability.symmetric import Laplace
from autodiff.probability.waiting import Exponential, Gamma
from autodiff.special import betaln, digamma, gammaln, rel_entr
from autodiff.typing import Array


def _normal(p: Any, q: Any) -> Any:
    ratio, distance = p.standard_deviation / q.standard_deviation, (p.mean - q.mean) / q.standard_deviation
    return (ratio * ratio + distance * distance - 1) / 2 - np.log(ratio)


def _vectors(p: Any, q: Any) -> Any:
    if p.dimension != q.dimension:
        raise ShapeError(f"kl_divergence: p has vectors of {p.dimension} entries and q of {q.dimension}.")
    factor = q.factor
    spread = np.linalg.solve(factor, p.factor)
    z = np.linalg.solve(factor, (p.mean - q.mean)[..., None])[..., 0]
    logs = q.log_determinant() - p.log_determinant()
    return ((spread * spread).sum() + (z * z).sum(axis=-1) - p.dimension + logs) / 2


def _bernoulli(p: Any, q: Any) -> Any:
    return rel_entr(p.probability, q.probability) + rel_entr(1 - p.probability, 1 - q.probability)


def _binomial(p: Any, q: Any) -> Any:
    if (p.n != q.n).any():
        raise UnsupportedError(
            f"kl_divergence: {p!r} and {q!r} have different numbers of trials, for which there is no closed form. Use "
            "the sum expectation(lambda k: p.log_probability(k) - q.log_probability(k), p)."
        )
    return p.n * _bernoulli(p, q)


def _categorical(p: Any, q: Any) -> Any:
    if p.k != q.k:
        raise ShapeError(
            f"kl_divergence: p has {p.k} categories and q {q.k}; give the missing categories probability 0."
        )
    return rel_entr(p.probabilities, q.probabilities).sum(axis=-1)


def _poisson(p: Any, q: Any) -> Any:
    return rel_entr(p.rate, q.rate) - p.rate + q.rate


def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - 1 - np.log(ratio)


def _gamma(p: Any, q: Any) -> Any:
    a, b, ratio = p.concentration, q.concentration, q.rate / p.rate
    return (a - b) * digamma(a) - gammaln(a) + gammaln(b) - b * np.log(ratio) + a * (ratio - 1)


def _beta(p: Any, q: Any) -> Any:
    a, b, both = p.alpha - q.alpha, p.beta - q.beta, digamma(p.alpha + p.beta)
    constants = betaln(q.alpha, q.beta) - betaln(p.alpha, p.beta)
    return constants + a * (digamma(p.alpha) - both) + b * (digamma(p.beta) - both)


def _uniform(p: Any, q: Any) -> Any:
    inside = (p.low >= q.low) & (p.high <= q.high)
    return np.where(inside, np.log((q.high - q.low) / (p.high - p.low)), np.inf)


def _laplace(p: Any, q: Any) -> Any:
    distance = np.abs(p.location - q.location)
    ratio = p.scale / q.scale
    return distance / q.scale + ratio * np.exp(-distance / p.scale) - 1 - np.log(ratio)


def _to_normal(p: Any, q: Any) -> Any:
    """For any p with mean, variance and entropy, since the logarithm of the normal density is a quadratic."""
    v, distance = q.variance, p.mean - q.mean
    return -p.entropy() + (LOG_2PI + np.log(v) + (p.variance + distance * distance) / v) / 2


def _to_exponential(p: Any, q: Any) -> Any:
    """For any positive p with mean and entropy, since the logarithm of the exponential density is linear."""
    return -p.entropy() - np.log(q.rate) + q.rate * p.mean


DIVERGENCES: dict[tuple[type[Distribution], type[Distribution]], Callable[[Any, Any], Any]] = {
    (Normal, Normal): _normal,
    (MultivariateNormal, MultivariateNormal): _vectors,
    (Bernoulli, Bernoulli): _bernoulli,
    (Binomial, Binomial): _binomial,
    (Categorical, Categorical): _categorical,
    (Poisson, Poisson): _poisson,
    (Exponential, Exponential): _exponential,
    (Gamma, Gamma): _gamma,
    (Gamma, Exponential): _to_exponential,
    (Exponential, Gamma): lambda p, q: _gamma(Gamma(1.0, p.rate), q),
    (Beta, Beta): _beta,
    (Beta, Exponential): _to_exponential,
    (Uniform, Uniform): _uniform,
    (Laplace, Laplace): _laplace,
    (Uniform, Normal): _to_normal,
    (Laplace, Normal): _to_normal,
    (Exponential, Normal): _to_normal,
    (Gamma, Normal): _to_normal,
    (Beta, Normal): _to_normal,
}


def divergence(p: Distribution, q: Distribution) -> Tensor | Array:
    """The divergence from the table; if it is not there, the error says how to compute it."""
    formula = DIVERGENCES.get((type(p), type(q)))
    if formula is None:
        how = "log_probability" if p.support.discrete else "log_density"
        raise UnsupportedError(
            f"kl_divergence: no closed form for {type(p).__name__} and {type(q).__name__} is known here; compute it as "
            f"expectation(lambda x: p.{how}(x) - q.{how}(x), p)."
        )
    return formula(p, q)
