"""What the tests of layers share: a table of all of them, and a layer as a function of its input and its parameters."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
import nn


class Layer(NamedTuple):
    """One row: how it is made, what it takes, what it gives, and what it refuses.

    Attributes
    ----------
    make : callable
        ``make(dtype=, rng=)``; layers without parameters ignore both.
    shape : tuple of int
        Of an input, the batch first.
    output : tuple of int
        Of what comes out; of several outputs the first.
    wrong : tuple of int
        The shape of an input that does not fit; None where all fit.
    says : str
        Part of the message: what is expected.
    smooth : bool
        Whether it may be checked against differences anywhere.
    empty : bool
        Whether it takes an empty batch.
    """

    make: Callable[..., nn.Module]
    shape: tuple[int, ...]
    output: tuple[int, ...]
    wrong: tuple[int, ...] | None = None
    says: str = ""
    smooth: bool = True
    empty: bool = True


def made(kind, *arguments, **options):
    return lambda **more: kind(*arguments, **options, **more)


def unseeded(kind, *arguments, **options):
    """Layers that start from fixed values."""
    return lambda dtype=np.float32, rng=None: kind(*arguments, **options, dtype=dtype)


def bare(kind, *arguments, **options):
    """Layers without parameters."""
    return lambda dtype=None, rng=None: kind(*arguments, **options)


LAYERS = {
    "Linear": Layer(made(nn.Linear, 3, 2), (2, 3), (2, 2), (2, 4), "last axis has length 3"),
    "Conv1d": Layer(made(nn.Conv1d, 2, 3, 2), (2, 2, 4), (2, 3, 3), (2, 3, 4), "(n, 2, length)"),
    "Conv1d, options": Layer(
        made(nn.Conv1d, 2, 2, 2, stride=2, padding=1, dilation=2, groups=2),
        (1, 2, 5),
        (1, 2, 3),
        (2, 4),
        "(n, 2, length)",
    ),
    "Conv2d": Layer(made(nn.Conv2d, 2, 2, (1, 2)), (1, 2, 2, 3), (1, 2, 2, 2), (2, 2, 3), "(n, 2, height, width)"),
    "MaxPool1d": Layer(bare(nn.MaxPool1d, 2), (2, 2, 4), (2, 2, 2), (2, 4), "(n, channels, length)"),
    "MaxPool2d": Layer(bare(nn.MaxPool2d, 2, 1), (1, 2, 3, 3), (1, 2, 2, 2), (2, 2, 4), "(n, channels, height, width)"),
    "AvgPool1d": Layer(bare(nn.AvgPool1d, 2, padding=1), (2, 2, 4), (2, 2, 3), (2, 4), "(n, channels, length)"),
    "AvgPool2d": Layer(bare(nn.AvgPool2d, 2), (1, 2, 4, 2), (1, 2, 2, 1), (2, 4), "(n, channels, height, width)"),
    "Flatten": Layer(bare(nn.Flatten), (2, 3, 2), (2, 6), (3,), "from axis 1 on"),
    "BatchNorm1d": Layer(unseeded(nn.BatchNorm1d, 3), (4, 3), (4, 3), (4, 2), "(n, 3) or (n, 3, length)", empty=False),
    "BatchNorm2d": Layer(
        unseeded(nn.BatchNorm2d, 2), (2, 2, 2, 1), (2, 2, 2, 1), (2, 2), "(n, 2, height, width)", empty=False
    ),
    "LayerNorm": Layer(unseeded(nn.LayerNorm, 3), (2, 3), (2, 3), (2, 2), "(..., 3)"),
    "LayerNorm, two axes": Layer(unseeded(nn.LayerNorm, (2, 3)), (2, 2, 3), (2, 2, 3), (2, 3, 2), "(..., 2, 3)"),
    "GroupNorm": Layer(unseeded(nn.GroupNorm, 2, 4), (2, 4, 2), (2, 4, 2), (2, 3), "(n, 4, ...)"),
    "RMSNorm": Layer(unseeded(nn.RMSNorm, 3, eps=1e-3), (2, 3), (2, 3), (2, 2), "(..., 3)"),
    "RNN": Layer(made(nn.RNN, 2, 2), (2, 3, 2), (2, 3, 2), (2, 3, 3), "(n, time, 2)"),
    "RNN, both ways": Layer(made(nn.RNN, 2, 1, 2, bidirectional=True), (1, 2, 2), (1, 2, 2), (2, 2), "(n, time, 2)"),
    "LSTM": Layer(made(nn.LSTM, 2, 2), (2, 2, 2), (2, 2, 2), (2, 0, 2), "at least one step"),
    "GRU": Layer(made(nn.GRU, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2), "(n, time, 2)"),
    "MultiHeadAttention": Layer(made(nn.MultiHeadAttention, 4, 2), (1, 3, 4), (1, 3, 4), (1, 3, 3), "(n, t, 4)"),
    "TransformerBlock": Layer(made(nn.TransformerBlock, 2, 1, 3), (1, 2, 2), (1, 2, 2), (1, 2, 3), "(..., 2)"),
    "TransformerBlock, post": Layer(
        made(nn.TransformerBlock, 2, 1, 3, norm="post"), (1, 2, 2), (1, 2, 2), (1, 2, 3), "(n, t, 2)"
    ),
    "Residual": Layer(
        lambda dtype=np.float32, rng=None: nn.Residual(nn.Linear(2, 2, dtype=dtype, rng=rng)),
        (3, 2),
        (3, 2),
        (3, 3),
        "last axis has length 2",
    ),
    "Dropout": Layer(bare(nn.Dropout, 0.0), (2, 3), (2, 3)),
    "Lambda": Layer(bare(nn.Lambda, lambda x: x * x), (2, 3), (2, 3)),
    "ReLU": Layer(bare(nn.ReLU), (2, 3), (2, 3)),
    "LeakyReLU": Layer(bare(nn.LeakyReLU, 0.1), (2, 3), (2, 3)),
    "ELU": Layer(bare(nn.ELU), (2, 3), (2, 3)),
    "GELU": Layer(bare(nn.GELU), (2, 3), (2, 3)),
    "GELU, tanh": Layer(bare(nn.GELU, "tanh"), (2, 3), (2, 3)),
    "SiLU": Layer(bare(nn.SiLU), (2, 3), (2, 3)),
    "Softplus": Layer(bare(nn.Softplus, 2.0), (2, 3), (2, 3)),
    "Softmax": Layer(bare(nn.Softmax), (2, 3), (2, 3)),
    "LogSoftmax": Layer(bare(nn.LogSoftmax), (2, 3), (2, 3)),
    "Sigmoid": Layer(bare(nn.Sigmoid), (2, 3), (2, 3)),
    "Tanh": Layer(bare(nn.Tanh), (2, 3), (2, 3)),
    "Hardtanh": Layer(bare(nn.Hardtanh), (2, 3), (2, 3)),
    "Hardsigmoid": Layer(bare(nn.Hardsigmoid), (2, 3), (2, 3)),
    "Hardswish": Layer(bare(nn.Hardswish), (2, 3), (2, 3)),
}


def first(y: Any) -> Any:
    """The output, or the first of several."""
    return y[0] if isinstance(y, tuple) else y


def as_function(layer, call=lambda layer, x: layer(x)):
    """``f(x, *parameters) -> outputs``: what the layer would return with other parameters."""
    names = [name for name, _ in layer.named_parameters()]

    def f(x, *parameters):
        kept = []
        for name, value in zip(names, parameters, strict=True):
            path, _, key = name.rpartition(".")
            holder = layer.module_at(path).__dict__
            kept.append((holder, key, holder[key]))
            holder[key] = value
        try:
            return call(layer, x)
        finally:
            for holder, key, value in kept:
                holder[key] = value

    return f


def check_gradients(layer, x, call=lambda layer, x: layer(x), order=2):
    """The layer's derivatives by input and parameters, against differences, at parameters drawn here."""
    rng = np.random.default_rng(7)
    values = [rng.normal(size=p.shape) * 0.7 for p in layer.parameters()]
    ad.testing.gradcheck(as_function(layer, call), x, *values, order=order)
