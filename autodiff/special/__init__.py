"""Numerically stable functions that NumPy does not have, for arrays and Tensors."""

from __future__ import annotations

from typing import Any

from autodiff import names as _names
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
from autodiff.special.matrix_functions import (
    Polar,
    matrix_exp,
    matrix_function,
    matrix_inverse_sqrt,
    matrix_log,
    matrix_power,
    matrix_sqrt,
    polar,
)
from autodiff.special.network import affine, mse, softmax_cross_entropy
from autodiff.special.normalizing import layer_norm, rms_normalize, standardize
from autodiff.special.probabilities import entr, erf, erfc, rel_entr, xlogy
from autodiff.special.recurrent import gru, lstm, rnn
from autodiff.special.sums import log_softmax, logsumexp, softmax, sum_of_squares
from autodiff.special.windows import average_pool, convolution, max_pool

__all__ = [
    "Polar",
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
    "matrix_exp",
    "matrix_function",
    "matrix_inverse_sqrt",
    "matrix_log",
    "matrix_power",
    "matrix_sqrt",
    "max_pool",
    "mse",
    "polar",
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


def __getattr__(name: str) -> Any:
    """Say what a name of another library is called here."""
    raise _names.not_in_module("autodiff.special", name, _row_of, __all__)


def _row_of(name: str) -> _names.Row | None:
    from autodiff.names.tables import of_special

    return of_special(name)
