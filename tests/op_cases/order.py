"""Rows for autodiff/ops/order.py."""

import math

import numpy as np

from autodiff.ops import indexing, order
from tests.op_cases.case import COMPLEX, DISTINCT, POSITIVE, SOLID, Case, Interval, Point, an_axis, reduction

NAN, INF = math.nan, math.inf
SOME = [(s,) for s in SOLID]
METHODS = [
    "linear",
    "lower",
    "higher",
    "midpoint",
    "nearest",
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "median_unbiased",
    "normal_unbiased",
]


def of(x, slope, second=None, **keywords):
    return Point((np.array(x),), (np.array(slope),), None if second is None else (np.array(second),), keywords)


def quantiles(*qs):
    """Keywords of a quantile."""

    def keywords(pick, shape):
        return {**reduction(pick, shape), "q": pick(qs), "method": pick(METHODS)}

    return keywords


STATISTICS = [
    Case(
        "order_statistics",
        lambda x, ranks: order.order_statistics(x, ranks),
        (DISTINCT,),
        (order.order_statistics,),
        shapes=[((4,),), ((2, 3),), ((2, 1, 3),)],
        keywords=lambda pick, s: {"ranks": np.broadcast_to(np.array(pick([[0, 1], [2, 0], [1, 1]])), (*s[:-1], 2))},
        reference=lambda x, ranks: np.take_along_axis(np.sort(x, axis=-1), ranks, -1),
        distinct=True,
        points=(
            of([2.0, 2.0, 1.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0], ranks=np.array([1])),
            of([2.0, 2.0, 2.0], [2 / 3, 2 / 3, 2 / 3], ranks=np.array([0, 2])),
        ),
    ),
    Case(
        "median",
        np.median,
        (DISTINCT,),
        (order.order_statistics,),
        shapes=SOME,
        keywords=reduction,
        distinct=True,
        points=(
            of([3.0, 1.0, 2.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]),
            of([3.0, 1.0, 2.0, 5.0], [0.5, 0.0, 0.5, 0.0]),
            of([2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
            of([2.0, 2.0, 2.0, 5.0], [1 / 3, 1 / 3, 1 / 3, 0.0]),
            of([1.0, 2.0, 2.0, 5.0], [0.0, 0.5, 0.5, 0.0]),
            of([1.0, NAN, 2.0], [0.0, 1.0, 0.0]),
            of([-INF, 1.0, INF], [0.0, 1.0, 0.0]),
            of([1.0, INF, INF, INF], [0.0, 1 / 3, 1 / 3, 1 / 3]),
        ),
    ),
    Case(
        "quantile",
        np.quantile,
        (DISTINCT,),
        (order.order_statistics,),
        shapes=[((5,),), ((2, 3),), ((4, 1, 2),)],
        keywords=quantiles(0.5, 0.3, [0.1, 0.75], [[0.0], [1.0]]),
        distinct=True,
        points=(
            of([1.0, 2.0, 4.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0], q=0.25),
            of([2.0, 2.0, 4.0], [0.5, 0.5, 0.0], q=0.25),
            of([2.0, 1.0, 1.0], [0.0, 0.5, 0.5], q=0.0),
            of([1.0, 5.0, 5.0, 5.0], [0.0, 1 / 3, 1 / 3, 1 / 3], q=1.0),
            of([1.0, INF], [1.0, 0.0], q=0.0),
        ),
    ),
    Case(
        "percentile",
        np.percentile,
        (DISTINCT,),
        (order.order_statistics,),
        shapes=[((5,),), ((2, 3),), ((4, 1, 2),)],
        keywords=quantiles(50, 30.0, [10, 75], [[0.0], [100.0]]),
        distinct=True,
        points=(
            of([1.0, 2.0, 4.0], [0.5, 0.5, 0.0], q=25),
            of([2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3], q=50),
        ),
    ),
    # A tracked q, between two values.
    Case(
        "quantile_by_q",
        lambda x, q, **how: np.quantile(x, q, **how),
        (DISTINCT, Interval(0.05, 0.95, avoid=(0.25, 0.5, 0.75), gap=0.02)),
        (order.order_statistics,),
        (np.quantile,),
        shapes=[((5,), ()), ((5,), (3,)), ((5, 2), (2, 1)), ((1, 5), (2,))],
        keywords=lambda pick, s, q: {"axis": int(np.argmax(s)), "keepdims": pick([False, True])},
        distinct=True,
    ),
    Case(
        "percentile_by_q",
        lambda x, q: np.percentile(x, q, axis=0),
        (DISTINCT, Interval(5.0, 95.0, avoid=(25.0, 50.0, 75.0), gap=2.0)),
        (order.order_statistics,),
        (np.percentile,),
        shapes=[((5,), ()), ((5, 2), (2,))],
        distinct=True,
    ),
]


def parted(pick, shape):
    axis = an_axis(pick, shape)
    return {"kth": pick([0, -1, (0, shape[axis] - 1)]), "axis": pick([axis, axis, None])}


def sum_of_first(x, **how):
    """What NumPy promises of a partition: which entries are in front, not their order."""
    return np.partition(x, 1, **how)[..., :2].sum(axis=-1)


ORDERED = [
    Case(
        "partition",
        np.partition,
        (DISTINCT,),
        (indexing.gather,),
        shapes=[((4,),), ((2, 3),), ((2, 1, 3),)],
        keywords=parted,
        distinct=True,
    ),
    Case(
        "partition_in_front", sum_of_first, (DISTINCT,), (indexing.gather,), shapes=[((5,),), ((2, 4),)], distinct=True
    ),
    Case("sort_complex", np.sort_complex, (DISTINCT,), (indexing.gather,), shapes=[((4,),), ((2, 3),)], distinct=True),
    Case(
        "sort_complex_of_complex",
        np.sort_complex,
        (COMPLEX,),
        (indexing.gather,),
        shapes=[((4,),), ((2, 3),)],
        distinct=True,
    ),
    Case(
        "trim_zeros",
        lambda x, trim: np.trim_zeros(np.concatenate([np.zeros(2, x.dtype), x, np.zeros(1, x.dtype)]), trim),
        (POSITIVE,),
        (indexing.gather,),
        (np.trim_zeros,),
        shapes=[((3,),), ((1,),)],
        keywords=lambda pick, s: {"trim": pick(["fb", "f", "b", "FB"])},
    ),
    *(
        [
            Case(
                "trim_zeros_of_matrix",
                lambda x, **how: np.trim_zeros(np.pad(x, ((1, 2), (0, 1))), **how),
                (POSITIVE,),
                (indexing.gather,),
                shapes=[((2, 3),), ((1, 1),)],
                keywords=lambda pick, s: {"trim": pick(["fb", "f", "b"]), "axis": pick([None, 0, -1])},
            )
        ]
        if np.lib.NumpyVersion(np.__version__) >= "2.2.0"
        else []
    ),
]


def repeated(fn):
    """The function of an array that holds every entry twice."""
    return lambda x, **keywords: fn(np.concatenate([x, x[::-1]]), **keywords)


UNIQUE = [
    Case(
        "unique",
        np.unique,
        (DISTINCT,),
        (indexing.gather,),
        shapes=[((4,),), ((2, 3),), ((0,),)],
        keywords=lambda pick, s: {
            "return_index": pick([False, True]),
            "return_inverse": pick([False, True]),
            "return_counts": pick([False, True]),
        },
        distinct=True,
        points=(of([2.0, 1.0, 2.0, 1.0], [1.0, 1.0, 0.0, 0.0]),),
    ),
    Case(
        "unique_rows",
        lambda x, axis: np.unique(np.concatenate([x, x], axis), axis=axis),
        (DISTINCT,),
        (indexing.gather,),
        shapes=[((3, 2),), ((2, 3),)],
        keywords=lambda pick, s: {"axis": pick([0, 1, -1])},
        distinct=True,
    ),
    *(
        Case(
            fn.__name__,
            repeated(fn),
            (DISTINCT,),
            (indexing.gather,),
            (fn,),
            shapes=[((3,),), ((2, 2),)],
            distinct=True,
        )
        for fn in (np.unique_all, np.unique_counts, np.unique_inverse)
    ),
    # NumPy does not promise an order
    Case(
        "unique_values",
        lambda x: np.sort(repeated(np.unique_values)(x)),
        (DISTINCT,),
        (indexing.gather,),
        (np.unique_values,),
        shapes=[((3,),), ((2, 2),)],
        distinct=True,
    ),
]

LEFT, RIGHT = np.array([0.5, 0.25, -2.0]), np.array([7.0, 0.25])

SETS = [
    Case(
        "union1d",
        np.union1d,
        (DISTINCT, Interval(10.0, 20.0)),
        (indexing.gather,),
        shapes=[((3,), (2,)), ((2, 2), ())],
        distinct=True,
        points=(Point((LEFT, RIGHT), (np.ones(3), np.array([1.0, 0.0]))),),
    ),
    Case(
        "intersect1d",
        lambda x, **how: np.intersect1d(x, np.concatenate([x, x + 50.0])[1:], **how),
        (DISTINCT,),
        (indexing.gather,),
        (np.intersect1d,),
        shapes=[((3,),), ((4,),)],
        keywords=lambda pick, s: {"assume_unique": pick([False, True]), "return_indices": pick([False, True])},
        distinct=True,
        points=(Point((LEFT,), (np.array([0.0, 1.0, 1.0]),)),),
    ),
    *(
        Case(
            fn.__name__,
            lambda x, y, fn=fn, **how: fn(np.concatenate([x, np.ones(2, x.dtype) * 99]), np.append(y, 99.0), **how),
            (DISTINCT, Interval(10.0, 20.0)),
            (indexing.gather,),
            (fn,),
            shapes=[((3,), (2,)), ((1,), (1,))],
            keywords=lambda pick, x, y: {"assume_unique": pick([False, False])},
            distinct=True,
        )
        for fn in (np.setdiff1d, np.setxor1d)
    ),
]

CASES = [*STATISTICS, *ORDERED, *UNIQUE, *SETS]
