"""Rows for autodiff/ops/network.py: fused operations, with the composed version as reference."""

import numpy as np

from autodiff import special
from autodiff.ops import network
from tests.op_cases.case import REAL, Case

LABELS = np.array([2, 0, 2, 1, 1, 0])


def labelled(pick, shape):
    """Labels for logits of this shape, with three classes."""
    return {"labels": LABELS[: int(np.prod(shape[:-1]))].reshape(shape[:-1])}


def plain_cross_entropy(logits, labels):
    rows = logits.reshape(-1, logits.shape[-1])
    log_p = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(rows)), labels.reshape(-1)].mean()


def plain_slope(logits, labels):
    """The gradient of the loss by the logits."""
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return (p - np.eye(logits.shape[-1], dtype=p.dtype)[labels]) / labels.size


CASES = [
    Case(
        "affine",
        special.affine,
        (REAL, REAL, REAL),
        (network.affine,),
        shapes=[
            ((2, 3), (3, 2), (2,)),
            ((3,), (3, 2), (2,)),
            ((2, 2, 3), (3, 2), (2,)),
            ((1, 1), (1, 1), (1,)),
            ((0, 3), (3, 2), (2,)),
        ],
        reference=lambda x, w, b: x @ w + b,
        analytic=True,
    ),
    Case(
        "softmax_cross_entropy",
        special.softmax_cross_entropy,
        (REAL,),
        (network.cross_entropy_with_slope,),
        shapes=[((2, 3),), ((1, 3),), ((3, 2, 3),), ((3,),)],
        keywords=labelled,
        reference=plain_cross_entropy,
    ),
    Case(
        "cross_entropy_with_slope",
        network.cross_entropy_with_slope,
        (REAL,),
        (network.cross_entropy_with_slope,),
        shapes=[((2, 3),), ((1, 3),)],
        keywords=labelled,
        reference=lambda x, labels: (plain_cross_entropy(x, labels), plain_slope(x, labels)),
    ),
    Case(
        "mse",
        special.mse,
        (REAL, REAL),
        (network.mean_square,),
        shapes=[((3,), (3,)), ((2, 3), (2, 3)), ((), ())],
        reference=lambda a, b: ((a - b) ** 2).mean(),
    ),
]
