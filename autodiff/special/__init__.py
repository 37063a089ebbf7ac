"""Stable functions beyond NumPy, for arrays and Tensors alike."""

from autodiff.special.activations import (
    elu,
    expit,
    gelu,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log1mexp,
    logit,
    relu,
    sigmoid,
    silu,
    softplus,
)
from autodiff.special.gamma import betaln, digamma, gammaln, i0, i0e, i1, i1e, polygamma
from autodiff.special.network import affine, mse, softmax_cross_entropy
from autodiff.special.normalizing import layer_norm, rms_normalize, standardize
from autodiff.special.probabilities import entr, erf, erfc, rel_entr, xlogy
from autodiff.special.recurrent import gru, lstm, rnn
from autodiff.special.sums import log_softmax, logsumexp, softmax, sum_of_squares
from autodiff.special.windows import average_pool, convolution, max_pool

__all__ = [
    "affine",
    "average_pool",
    "betaln",
    "convolution",
    "digamma",
    "elu",
    "entr",
    "erf",
    "erfc",
    "expit",
    "gammaln",
    "gelu",
    "gru",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "layer_norm",
    "leaky_relu",
    "log1mexp",
    "log_softmax",
    "logit",
    "logsumexp",
    "lstm",
    "max_pool",
    "mse",
    "polygamma",
    "rel_entr",
    "relu",
    "rms_normalize",
    "rnn",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "standardize",
    "sum_of_squares",
    "xlogy",
]
