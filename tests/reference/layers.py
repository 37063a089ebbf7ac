"""The runs of layers that are compared with torch: what is built, what it is shown, and how twenty steps go.

A run starts from weights drawn here. Its input is trained as well, so that layers without parameters have something to
learn, and every gradient is met.
"""

import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

STEPS = 20
RATE = 0.05


class Run(NamedTuple):
    """One layer, in both libraries.

    Attributes
    ----------
    ours, theirs : callable
        ``ours(nn)`` and ``theirs(torch)`` build it, in float64.
    shape : tuple of int
        Of the input.
    names : dict
        Torch's name of each parameter and buffer by ours, where they differ.
    call_ours, call_theirs : callable
        ``(layer, x) -> output``, where a plain call will not do.
    numbers : ndarray
        The input, for layers that take whole numbers.
    """

    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    shape: tuple[int, ...] = ()
    names: Mapping[str, str] = MappingProxyType({})
    call_ours: Callable[[Any, Any], Any] | None = None
    call_theirs: Callable[[Any, Any], Any] | None = None
    numbers: Any = None


F = np.float64
ATTENTION = {
    "in_weight": "in_proj_weight",
    "in_bias": "in_proj_bias",
    "out.weight": "out_proj.weight",
    "out.bias": "out_proj.bias",
}
BLOCK = {f"attention.{ours}": f"self_attn.{theirs}" for ours, theirs in ATTENTION.items()}
KEYS = np.array([[True, True, False, True], [True, True, True, True]])
NUMBERS = np.array([[1, 0, 3], [2, 2, 0]])
CAUSAL = np.triu(np.ones((4, 4), bool), 1)  # what torch's masks hide


def both(name, shape, *arguments, **options):
    """A layer that has the same name and the same options in both libraries."""
    return Run(
        lambda nn: getattr(nn, name)(*arguments, **options, dtype=F),
        lambda torch: getattr(torch.nn, name)(*arguments, **options, dtype=torch.float64),
        shape,
    )


def without_parameters(name, shape, *arguments, theirs=None, **options):
    return Run(
        lambda nn: getattr(nn, name)(*arguments, **options),
        lambda torch: getattr(torch.nn, name)(*arguments, **(options if theirs is None else theirs)),
        shape,
    )


def recurrent(name, *arguments, **options):
    def theirs(torch):
        return getattr(torch.nn, name)(*arguments, **options, batch_first=True, dtype=torch.float64)

    return both(name, (2, 4, 3), *arguments, **options)._replace(theirs=theirs)


def attention(call_ours, call_theirs):
    return Run(
        lambda nn: nn.MultiHeadAttention(4, 2, dtype=F),
        lambda torch: torch.nn.MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64),
        (2, 4, 4),
        ATTENTION,
        call_ours,
        call_theirs,
    )


def block(norm, activation, **masks):
    def theirs(torch):
        return torch.nn.TransformerEncoderLayer(
            4,
            2,
            dim_feedforward=6,
            dropout=0.0,
            activation=activation,
            batch_first=True,
            norm_first=norm == "pre",
            dtype=torch.float64,
        )

    def call_theirs(layer, x):
        import torch

        return layer(x, **{k: torch.tensor(v) for k, v in masks.items()})

    return Run(
        lambda nn: nn.TransformerBlock(
            4, 2, 6, norm=norm, activation=nn.ReLU() if activation == "relu" else nn.GELU(), dtype=F
        ),
        theirs,
        (2, 4, 4),
        BLOCK,
        lambda layer, x: layer(
            x, causal="src_mask" in masks, key_mask=KEYS if "src_key_padding_mask" in masks else None
        ),
        call_theirs,
    )


def tensor(x):
    import torch

    return torch.tensor(x)


RUNS = {
    "linear": both("Linear", (3, 4), 4, 2),
    "linear, no bias": both("Linear", (2, 3, 4), 4, 2, bias=False),
    "conv1d": both("Conv1d", (2, 2, 6), 2, 3, 3),
    "conv1d, all options": both("Conv1d", (2, 4, 7), 4, 2, 2, stride=2, padding=1, dilation=2, groups=2),
    "conv1d, same": both("Conv1d", (2, 2, 5), 2, 2, 4, padding="same", bias=False),
    "conv2d": both("Conv2d", (2, 2, 5, 4), 2, 3, 2),
    "conv2d, all options": both(
        "Conv2d", (2, 2, 6, 5), 2, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2
    ),
    "conv2d, same": both("Conv2d", (1, 2, 4, 5), 2, 2, (2, 3), padding="same", dilation=2),
    "max pool 1d": without_parameters("MaxPool1d", (2, 2, 7), 3, 2, 1),
    "max pool 2d": without_parameters("MaxPool2d", (2, 2, 5, 6), (2, 3), stride=(1, 2), dilation=(2, 1)),
    "average pool 1d": without_parameters("AvgPool1d", (2, 2, 7), 3, 2, 1),
    "average pool 2d": without_parameters("AvgPool2d", (2, 2, 5, 6), 3, 2, 1),
    "average pool 2d, inside": without_parameters("AvgPool2d", (2, 2, 5, 6), 3, 2, 1, count_include_pad=False),
    "flatten": without_parameters("Flatten", (2, 2, 3)),
    "embedding": both("Embedding", (), 5, 3)._replace(numbers=NUMBERS),
    "embedding, padded": both("Embedding", (), 5, 3, padding_idx=0)._replace(numbers=NUMBERS),
    "batch norm 1d": both("BatchNorm1d", (5, 3), 3),
    "batch norm 1d, sequences": both("BatchNorm1d", (3, 2, 4), 2, momentum=0.3, eps=1e-3),
    "batch norm 1d, averages": both("BatchNorm1d", (4, 2), 2, momentum=None),
    "batch norm 2d": both("BatchNorm2d", (3, 2, 2, 3), 2),
    "batch norm 2d, plain": both("BatchNorm2d", (3, 2, 2, 3), 2, affine=False, track_running_stats=False),
    "layer norm": both("LayerNorm", (3, 4), 4),
    "layer norm, two axes": both("LayerNorm", (2, 3, 4), (3, 4), eps=1e-2),
    "group norm": both("GroupNorm", (2, 4, 3), 2, 4),
    "rms norm": both("RMSNorm", (3, 4), 4),
    "rms norm, eps": both("RMSNorm", (3, 4), 4, eps=0.1),
    "rnn": recurrent("RNN", 3, 2),
    "rnn, relu": recurrent("RNN", 3, 2, nonlinearity="relu", bias=False),
    "rnn, deep and in both directions": recurrent("RNN", 3, 2, num_layers=2, bidirectional=True),
    "lstm": recurrent("LSTM", 3, 2),
    "lstm, deep and in both directions": recurrent("LSTM", 3, 2, num_layers=2, bidirectional=True),
    "gru": recurrent("GRU", 3, 2),
    "gru, no bias": recurrent("GRU", 3, 2, bias=False),
    "gru, deep and in both directions": recurrent("GRU", 3, 2, num_layers=2, bidirectional=True),
    "attention": attention(None, lambda m, x: m(x, x, x, need_weights=False)[0]),
    "attention, causal": attention(
        lambda m, x: m(x, causal=True), lambda m, x: m(x, x, x, need_weights=False, attn_mask=tensor(CAUSAL))[0]
    ),
    "attention, some keys": attention(
        lambda m, x: m(x, key_mask=KEYS), lambda m, x: m(x, x, x, need_weights=False, key_padding_mask=tensor(~KEYS))[0]
    ),
    "attention, across": attention(
        lambda m, x: m(x[:, :2], x[:, 1:], x[:, 1:] * 2.0),
        lambda m, x: m(x[:, :2], x[:, 1:], x[:, 1:] * 2.0, need_weights=False)[0],
    ),
    "transformer block": block("pre", "gelu", src_mask=CAUSAL),
    "transformer block, post": block("post", "relu", src_key_padding_mask=~KEYS),
    "relu": without_parameters("ReLU", (3, 4)),
    "leaky relu": without_parameters("LeakyReLU", (3, 4), 0.2),
    "elu": without_parameters("ELU", (3, 4), 0.5),
    "gelu": without_parameters("GELU", (3, 4)),
    "gelu, tanh": without_parameters("GELU", (3, 4), approximate="tanh"),
    "silu": without_parameters("SiLU", (3, 4)),
    "softplus": without_parameters("Softplus", (3, 4), 2.0),
    "softmax": without_parameters("Softmax", (3, 4), axis=1, theirs={"dim": 1}),
    "log softmax": without_parameters("LogSoftmax", (3, 4), axis=0, theirs={"dim": 0}),
    "sigmoid": without_parameters("Sigmoid", (3, 4)),
    "tanh": without_parameters("Tanh", (3, 4)),
    "hardtanh": without_parameters("Hardtanh", (3, 4), -0.5, 1.5),
    "hardsigmoid": without_parameters("Hardsigmoid", (3, 4)),
    "hardswish": without_parameters("Hardswish", (3, 4)),
}


def numbers_of(name):
    """A generator of its own for every run."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def first_input(name):
    """What the layer is shown first; spread over both sides of every bend."""
    return numbers_of(name).normal(size=RUNS[name].shape) * 1.5


def first_value(name, parameter, shape):
    """Where a parameter starts, in our layout."""
    return numbers_of(f"{name}: {parameter}").normal(size=shape) * 0.5


def turned(parameter, value):
    """A parameter in the other library's layout: matrices that inputs are multiplied by are the other way round."""
    matrix = value.ndim == 2 and parameter.rpartition(".")[2].startswith(("weight", "in_weight"))
    return value.T if matrix else value


def is_no_matrix(name):
    """Whether weights with two axes are a table of rows, or a factor for each entry."""
    return name.startswith(("embedding", "layer norm"))


def target(name, number, shape):
    """What output `number` is drawn towards."""
    return numbers_of(f"{name}, output {number}").normal(size=shape)


def flat_outputs(y):
    """A layer's outputs, in a row."""
    return [v for part in y for v in flat_outputs(part)] if isinstance(y, (tuple, list)) else [y]
