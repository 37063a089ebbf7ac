"""Information, distributions and maximum likelihood.

Entropies and divergences of probabilities in arrays; distributions whose functions can all be differentiated by
parameters and arguments; expectations by quadrature and by sampling; `fit`, Newton's method on the likelihood.
"""

from autodiff.probability.bounded import Beta, Uniform
from autodiff.probability.categorical import Categorical
from autodiff.probability.counts import Bernoulli, Binomial, Poisson
from autodiff.probability.distribution import Continuous, Discrete, Distribution, Support
from autodiff.probability.divergences import cross_entropy, entropy, kl_divergence
from autodiff.probability.expectations import expectation
from autodiff.probability.fitting import Fit, fit
from autodiff.probability.information import conditional_entropy, jensen_shannon, mutual_information
from autodiff.probability.mixture import Mixture
from autodiff.probability.multivariate import MultivariateNormal
from autodiff.probability.normal import Normal
from autodiff.probability.symmetric import Laplace, StudentT
from autodiff.probability.waiting import Exponential, Gamma

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Continuous",
    "Discrete",
    "Distribution",
    "Exponential",
    "Fit",
    "Gamma",
    "Laplace",
    "Mixture",
    "MultivariateNormal",
    "Normal",
    "Poisson",
    "StudentT",
    "Support",
    "Uniform",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "expectation",
    "fit",
    "jensen_shannon",
    "kl_divergence",
    "mutual_information",
]
