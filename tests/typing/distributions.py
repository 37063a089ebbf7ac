"""Distributions: what they say is a Tensor where an argument is one, and hangs on the parameters elsewhere."""

from typing import TYPE_CHECKING, assert_type

import numpy as np

import autodiff as ad
from autodiff import Tensor, probability
from autodiff.typing import Array, Shape

x, a = ad.tensor([0.5, 1.0]), np.array([0.5, 1.0])
rate = ad.tensor(2.0, requires_grad=True)

# --- of continuous ones the density of a Tensor is a Tensor

normal = probability.Normal(0.0, 2.0)
assert_type(normal.log_density(x), Tensor)
assert_type(normal.density(x), Tensor)
assert_type(normal.log_density(a), Tensor | Array)
assert_type(probability.Exponential(rate).log_density(a), Tensor | Array)
assert_type(normal.mean, Tensor | Array)
assert_type(normal.standard_deviation, Tensor | Array)
assert_type(normal.entropy(), Tensor | Array)
assert_type(normal.cdf([0.0, 1]), Tensor | Array)
assert_type(normal.sample((2, 3), rng=0), Tensor | Array)
assert_type(normal.shape, Shape)
assert_type(normal.support.outside(a), Array)
assert_type(float(normal.quantile(0.975)), float)
assert_type(probability.MultivariateNormal(a, np.eye(2)).log_density(x), Tensor)
assert_type(probability.MultivariateNormal(a, np.eye(2)).factor, Tensor | Array)
(-probability.Normal(rate, 1.0).log_density(x)).mean().backward()

# --- those of whole numbers

poisson = probability.Poisson(rate)
assert_type(poisson.rate, Tensor | Array)
assert_type(poisson.log_probability(3), Tensor | Array)
assert_type(probability.Bernoulli(0.5).sample(10, rng=0), Array)

mixture = probability.Mixture([0.5, 0.5], [normal, probability.Normal(3.0)])
assert_type(mixture.log_density(x), Tensor)
assert_type(mixture.responsibilities(a), Tensor | Array)

# --- measures of probabilities in arrays are as the special functions

p, q = np.array([0.5, 0.5]), ad.tensor([0.25, 0.75])
assert_type(probability.entropy(p), Array)
assert_type(probability.entropy([0.5, 0.5], base=2), Array)
assert_type(probability.entropy(q), Tensor)
assert_type(probability.entropy(normal), Tensor | Array)
assert_type(probability.kl_divergence(p, q), Tensor)
assert_type(probability.kl_divergence(p, p, axis=None), Array)
assert_type(probability.kl_divergence(normal, normal), Tensor | Array)
assert_type(probability.cross_entropy(q, p), Tensor)
assert_type(probability.jensen_shannon(p, p), Array)
assert_type(probability.mutual_information(np.eye(2) / 2), Array)
assert_type(probability.conditional_entropy(ad.tensor(np.eye(2) / 2), given=1), Tensor)

# --- expectations and fits


def scaled(x: Array) -> Tensor:
    """It closes over something tracked."""
    return rate * x


assert_type(probability.expectation(scaled, normal), Tensor)
assert_type(probability.expectation(np.square, normal, return_error=True), tuple[Tensor | Array, Array])
found = probability.fit(probability.Normal, a)
assert_type(found, probability.Fit)
assert_type(found.distribution, probability.Distribution)
assert_type(found.covariance, Array)
assert_type(found.aic, float)

if TYPE_CHECKING:  # mistakes that a checker must see: it complains of an ignore that hides nothing
    probability.Normal(None)  # type: ignore[arg-type]
    normal.log_probability(3)  # type: ignore[attr-defined]
    normal.mean = None  # type: ignore[assignment]
    probability.kl_divergence(normal, p)  # type: ignore[call-overload]
    probability.entropy(p, axis="rows")  # type: ignore[call-overload]
