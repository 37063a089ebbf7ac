"""Rows for autodiff/ops/ufunc_methods.py."""

import numpy as np

from autodiff.ops import choices, elementwise, exponentials, reductions, running, scans, shapes
from tests.op_cases.case import DISTINCT, NONZERO, POSITIVE, REAL, Case, Point, some_axes

SHAPES = [((3,),), ((2, 3),), ((2, 1, 3),)]


def over(pick, shape):
    """Keywords of reduce; without an axis it is the first one, unlike in the functions."""
    return pick([{}, {"axis": some_axes(pick, shape)}, {"axis": -1, "keepdims": True}])


def along(pick, shape):
    return pick([{}, {"axis": -1}, {"axis": 0}])


REDUCING = [
    Case(
        f"{ufunc.__name__}.reduce",
        lambda x, ufunc=ufunc, **how: ufunc.reduce(x, **how),
        (domain,),
        (covered,),
        shapes=SHAPES,
        keywords=over,
        distinct=True,
    )
    for ufunc, domain, covered in [
        (np.add, REAL, reductions.sum_over),
        (np.maximum, DISTINCT, reductions.max_over),
        (np.minimum, DISTINCT, reductions.min_over),
        (np.fmax, DISTINCT, reductions.max_over),
        (np.fmin, DISTINCT, reductions.min_over),
        (np.logaddexp, REAL, exponentials.logsumexp_over),
    ]
]
REDUCING += [
    Case(
        "multiply.reduce",
        lambda x, **how: np.multiply.reduce(x, **how),
        (NONZERO,),
        (reductions.prod_along,),
        shapes=SHAPES,
        keywords=over,
    ),
    Case(
        "add.reduce_of_some",
        lambda x: np.add.reduce(x, axis=-1, initial=2.0, where=np.array([True, False, True])),
        (REAL,),
        (reductions.sum_over,),
        shapes=SHAPES,
    ),
]

RUNNING = [
    Case(
        f"{ufunc.__name__}.accumulate",
        lambda x, ufunc=ufunc, **how: ufunc.accumulate(x, **how),
        (NONZERO,),
        (covered,),
        shapes=SHAPES,
        keywords=along,
    )
    for ufunc, covered in [(np.add, scans.cumsum_along), (np.multiply, scans.cumprod_along)]
]

RUNNING += [
    Case(
        f"{ufunc.__name__}.accumulate",
        lambda x, ufunc=ufunc, **how: ufunc.accumulate(x, **how),
        (DISTINCT,),
        (covered,),
        shapes=SHAPES,
        keywords=along,
        distinct=True,
        points=(
            Point((np.array([1.0, 1.0, 1.0]),), (np.array([1 + 1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 3]),)),
            Point((np.array([2.0, 1.0, 3.0]) * sign,), (np.array([2.0, 0.0, 1.0]),)),
        ),
    )
    for ufunc, covered, sign in [
        (np.maximum, running.running_maximum, 1),
        (np.minimum, running.running_minimum, -1),
        (np.fmax, running.running_fmax, 1),
        (np.fmin, running.running_fmin, -1),
    ]
]
RUNNING += [
    Case(
        "logaddexp.accumulate",
        lambda x, **how: np.logaddexp.accumulate(x, **how),
        (REAL,),
        (running.running_logaddexp,),
        shapes=SHAPES,
        keywords=along,
        points=(Point((np.array([1000.0, 1000.0]),), (np.array([1.5, 0.5]),)),),
    )
]

PAIRS = [((3,), (2,)), ((2, 2), (3,)), ((), (3,)), ((2,), ()), ((), ()), ((0,), (2,))]

MEETING = [
    Case(
        f"{ufunc.__name__}.outer",
        lambda a, b, ufunc=ufunc: ufunc.outer(a, b),
        (POSITIVE, POSITIVE),
        (covered, shapes.reshape_to),
        shapes=PAIRS,
        distinct=True,
    )
    for ufunc, covered in [
        (np.add, elementwise.add),
        (np.subtract, elementwise.subtract),
        (np.multiply, elementwise.multiply),
        (np.divide, elementwise.divide),
        (np.power, elementwise.power),
        (np.arctan2, elementwise.arctan2),
    ]
]
MEETING += [
    Case(
        "maximum.outer",
        lambda a, b: np.maximum.outer(a, b),
        (REAL, REAL),
        (choices.maximum_of_two,),
        shapes=[((3,), (2,)), ((2, 2), (3,))],
    )
]

CASES = [*REDUCING, *RUNNING, *MEETING]
