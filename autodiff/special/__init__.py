"""Stable functions beyond NumPy, for arrays and Tensors alike."""

from autodiff.special.activations import expit, log1mexp, logit, relu, sigmoid, softplus
from autodiff.special.gamma import betaln, digamma, gammaln, i0, i0e, i1, i1e, polygamma
from autodiff.special.network import affine, mse, softmax_cross_entropy
from autodiff.special.probabilities import entr, erf, erfc, rel_entr, xlogy
from autodiff.special.sums import log_softmax, logsumexp, softmax, sum_of_squares

__all__ = [
    "affine",
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "expit",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1mexp",
    "log_softmax",
    "logit",
    "logsumexp",
    "mse",
    "polygamma",
    "rel_entr",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "sum_of_squares",
    "xlogy",
]
