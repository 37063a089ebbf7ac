"""Rows for autodiff/ops/normalizing.py, with the composed formulas as reference."""

import numpy as np

from autodiff import special
from autodiff.ops import normalizing
from tests.op_cases.case import DISTINCT, REAL, Case

ROWS = [((4, 3),), ((4, 2, 3),)]  # so many means that never all of them nearly cancel, which float32 would not bear
SHAPES = [((3,),), ((2, 3),), ((4, 2, 3),), ((2, 1, 5),)]


def axes(pick, shape):
    several = [(0, len(shape) - 1)] if len(shape) > 1 else []
    return {"axis": pick([-1, *several, None]), "eps": pick([1e-5, 0.1])}


def moments(x, axis, eps):
    mean, variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    return (x - mean) / np.sqrt(variance + x.dtype.type(eps)), mean, variance


CASES = [
    Case(
        "standardize",
        special.standardize,
        (DISTINCT,),
        (normalizing.standardized,),
        shapes=ROWS,
        keywords=lambda pick, shape: {"axis": -1, "eps": pick([1e-5, 0.1])},
        reference=moments,
        distinct=True,
        rtol=1e-6,  # of few entries it is nearly flat: the differences lose digits
    ),
    Case(
        "standardize_to_one",
        lambda x, **keywords: special.standardize(x, **keywords)[0],
        (REAL,),
        (normalizing.standardized,),
        shapes=SHAPES,
        keywords=lambda pick, shape: {**axes(pick, shape), "eps": 0.3},
        reference=lambda x, **keywords: moments(x, **keywords)[0],
    ),
    Case(
        "standardize_moments",
        lambda x, **keywords: special.standardize(x, **keywords)[1:],
        (DISTINCT,),
        (normalizing.standardized,),
        shapes=ROWS,
        keywords=lambda pick, shape: {"axis": -1, "eps": 0.1},
        distinct=True,
        reference=lambda x, **keywords: moments(x, **keywords)[1:],
    ),
    Case(
        "layer_norm",
        special.layer_norm,
        (REAL, REAL, REAL),
        (normalizing.standardized,),
        shapes=[((2, 3), (3,), (3,)), ((0, 3), (3,), (3,)), ((2, 2, 3), (3,), (3,))],
        keywords=lambda pick, *_: {"eps": 0.2},
        reference=lambda x, w, b, eps: moments(x, -1, eps)[0] * w + b,
    ),
    Case(
        "rms_normalize",
        special.rms_normalize,
        (REAL,),
        (normalizing.rms_scaled,),
        shapes=[*SHAPES, ((0, 3),)],
        keywords=lambda pick, shape: {"axis": -1, "eps": pick([0.1, 0.3])},
        reference=lambda x, axis, eps: x / np.sqrt((x * x).mean(axis, keepdims=True) + x.dtype.type(eps)),
    ),
    Case(
        "rms_normalize_with_square",
        normalizing.rms_scaled,
        (REAL,),
        (normalizing.rms_scaled,),
        shapes=SHAPES[1:3],
        keywords=lambda pick, shape: {"axes": pick([(0,), (0, 1)]), "eps": 0.2},
        reference=lambda x, axes, eps: (
            x / np.sqrt((x * x).mean(axes, keepdims=True) + x.dtype.type(eps)),
            (x * x).mean(axes, keepdims=True),
        ),
    ),
]
