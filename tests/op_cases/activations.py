"""Rows for autodiff/ops/activations.py."""

import math

import numpy as np

from autodiff import special
from autodiff.ops import activations as act
from tests.op_cases.case import Case, Interval, Point

NAN, INF = math.nan, math.inf
OFF_ZERO = Interval(-4.0, 4.0, avoid=(0.0,))
OFF_THREE = Interval(-5.0, 5.0, avoid=(-3.0, 3.0))
WIDE = Interval(-6.0, 6.0)
NOT_FLAT = Interval(-6.0, 6.0, avoid=(-0.7518,), gap=0.4)
"""Away from the lowest point of gelu, where the two parts of the slope cancel and float32 has no digits left."""


def normal_share(x):
    share = np.vectorize(lambda v: math.erfc(-v / math.sqrt(2)) / 2, otypes=[float])
    return share(x.astype(float))


def at(x, expected, second=None, **keywords):
    """A point: the same everywhere but in one number."""
    return Point((float(x),), (float(expected),), None if second is None else (float(second),), keywords)


def plain_sigmoid(x):
    return 1 / (1 + np.exp(-x))


CASES = [
    Case(
        "leaky_relu",
        special.leaky_relu,
        (OFF_ZERO,),
        (act.leaky_relu,),
        keywords=lambda pick, *_: {"slope": pick([0.01, 0.2])},
        reference=lambda x, slope: np.maximum(x, 0) + x.dtype.type(slope) * np.minimum(x, 0),
        points=(at(0, 0.01), at(0, 0.5, slope=0.5), at(INF, 1), at(-INF, 0.01)),
    ),
    Case(
        "elu",
        special.elu,
        (OFF_ZERO,),
        (act.elu,),
        keywords=lambda pick, *_: {"alpha": pick([1.0, 0.5])},
        reference=lambda x, alpha: np.maximum(x, 0) + x.dtype.type(alpha) * (np.exp(np.minimum(x, 0)) - 1),
        points=(at(0, 1), at(0, 0.5, alpha=0.5), at(1000, 1, 0), at(-1000, 0, 0), at(INF, 1), at(-INF, 0)),
        rtol=1e-6,  # far below 0 the reference loses the digits
    ),
    Case(
        "silu",
        special.silu,
        (Interval(-6.0, 6.0, avoid=(-1.2785,), gap=0.4),),
        (act.silu,),
        reference=lambda x: x * plain_sigmoid(x),
        points=(at(0, 0.5, 0.5), at(1000, 1, 0), at(-1000, 0, 0), at(-INF, 0), at(INF, 1), at(NAN, NAN)),
    ),
    Case(
        "gelu",
        special.gelu,
        (NOT_FLAT,),
        (act.gelu,),
        reference=lambda x: (x * normal_share(x)).astype(x.dtype),
        points=(
            at(0, 0.5, math.sqrt(2 / math.pi)),
            at(1000, 1, 0),
            at(-1000, 0, 0),
            at(-INF, 0),
            at(INF, 1),
            at(NAN, NAN),
        ),
    ),
    Case(
        "slope_of_gelu",
        act.slope_of_gelu,
        (NOT_FLAT,),
        (act.slope_of_gelu,),
        reference=lambda x: (normal_share(x) + x * np.exp(-(x.astype(float) ** 2) / 2) / math.sqrt(2 * math.pi)).astype(
            x.dtype
        ),
        points=(at(0, math.sqrt(2 / math.pi)), at(1000, 0, 0), at(-INF, 0), at(NAN, NAN)),
    ),
    Case(
        "gelu_tanh",
        lambda x: special.gelu(x, "tanh"),
        (NOT_FLAT,),
        (act.gelu_tanh,),
        reference=lambda x: (
            (lambda w: w * plain_sigmoid(2 * math.sqrt(2 / math.pi) * (w + 0.044715 * w**3)))(x.astype(float))
        ).astype(x.dtype),
        points=(
            at(0, 0.5, math.sqrt(2 / math.pi)),
            at(1000, 1, 0),
            at(-1000, 0, 0),
            at(-INF, 0),
            at(INF, 1),
            at(NAN, NAN),
        ),
    ),
    Case(
        "hardtanh",
        special.hardtanh,
        (Interval(-4.0, 4.0, avoid=(-2.0, -1.0, 1.0, 1.5)),),
        (act.hardtanh,),
        keywords=lambda pick, *_: pick([{}, {"low": -2.0, "high": 1.5}]),
        reference=lambda x, low=-1.0, high=1.0: np.minimum(np.maximum(x, low), high),
        points=(at(1, 0), at(-1, 0), at(0.5, 1, 0), at(2, 0, low=-1, high=2), at(NAN, 1)),
    ),
    Case(
        "hardsigmoid",
        special.hardsigmoid,
        (OFF_THREE,),
        (act.hardsigmoid,),
        reference=lambda x: np.minimum(np.maximum(x / 6 + x.dtype.type(0.5), 0), 1),
        points=(at(3, 0), at(-3, 0), at(0, 1 / 6, 0), at(INF, 0), at(-INF, 0)),
    ),
    Case(
        "hardswish",
        special.hardswish,
        (OFF_THREE,),
        (act.hardswish,),
        reference=lambda x: x * np.minimum(np.maximum(x / 6 + x.dtype.type(0.5), 0), 1),
        points=(at(3, 1), at(-3, 0), at(0, 0.5, 1 / 3), at(4, 1, 0), at(-4, 0, 0), at(INF, 1), at(-INF, 0)),
    ),
]
