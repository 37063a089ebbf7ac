"""Rows for autodiff/ops/statistics.py."""

import numpy as np

from autodiff.ops import indexing, products, reductions, statistics
from tests.op_cases.case import COMPLEX, DISTINCT, POSITIVE, REAL, SOLID, Case, Interval, Point, reduction

SOME = [(s,) for s in SOLID]
PLACES = np.array([0, 2, 2, 5])


def weighted(pick, shape, weights):
    """Along which axes the weights lie."""
    n = len(shape)
    if shape == weights:
        axis = pick([None, *range(n), -1])
    else:
        axis = pick([i for i in range(-n, n) if (shape[i],) == weights])
    return {"axis": axis, "keepdims": pick([False, True])}


MEANS = [
    Case(
        "average",
        np.average,
        (REAL,),
        (reductions.mean_over,),
        shapes=SOME,
        keywords=lambda pick, s: {**reduction(pick, s), "returned": pick([False, True])},
    ),
    Case(
        "average_with_weights",
        lambda a, w, **how: np.average(a, weights=w, **how),
        (REAL, POSITIVE),
        (reductions.sum_over,),
        (np.average,),
        shapes=[((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (2,)), ((2, 1, 2), (2,))],
        keywords=weighted,
        distinct=True,
        points=(Point((np.array([1.0, 3.0]), np.array([1.0, 1.0])), (np.full(2, 0.5), np.array([-0.5, 0.5]))),),
    ),
    Case(
        "average_and_sum_of_weights",
        lambda w: np.average(np.arange(3.0, dtype=w.dtype), weights=w, returned=True)[1],
        (POSITIVE,),
        (reductions.sum_over,),
        shapes=[((3,),)],
    ),
    Case(
        "average_along_two_axes",
        lambda a, w: np.average(a, axis=(0, 2), weights=w),
        (REAL, POSITIVE),
        (reductions.sum_over,),
        (np.average,),
        shapes=[((2, 2, 3), (2, 3)), ((1, 3, 2), (1, 2))],
    ),
    Case(
        "average_of_complex",
        lambda a, w: np.average(a, weights=w),
        (COMPLEX, POSITIVE),
        (reductions.sum_over,),
        shapes=[((3,), (3,)), ((2, 2), (2, 2))],
    ),
]


def covariance(pick, *shapes):
    return {
        "rowvar": pick([True, False]),
        **pick([{}, {"bias": True}, {"ddof": 0}, {"ddof": 2}, {"dtype": np.float64}]),
    }


OBSERVED = [((4,),), ((3, 4),), ((4, 3),), ((1, 4),)]

COVARIANCES = [
    Case(
        "cov",
        np.cov,
        (DISTINCT,),
        (products.matmul,),
        shapes=[((4,),), ((3, 4),), ((5, 3),)],
        keywords=covariance,
        distinct=True,
        points=(Point((np.array([1.0, 3.0]),), (np.array([-2.0, 2.0]),), (np.array([0.0, 0.0]),)),),
    ),
    Case(
        "cov_of_two",
        np.cov,
        (DISTINCT, DISTINCT),
        (products.matmul,),
        shapes=[((4,), (4,)), ((4, 4), (4, 4)), ((2, 4), (4,))],
        keywords=lambda pick, a, b: {"rowvar": True, "bias": pick([False, True])},
        distinct=True,
    ),
    Case(
        "cov_with_weights",
        lambda m, w, **how: np.cov(m, aweights=w, **how),
        (DISTINCT, POSITIVE),
        (products.matmul,),
        (np.cov,),
        shapes=[((4,), (4,)), ((2, 4), (4,))],
        keywords=lambda pick, m, w: {
            "ddof": pick([None, 0, 1]),
            "fweights": pick([None, np.array([1, 3, 0, 2])]),
        },
        distinct=True,
    ),
    Case(
        "cov_with_counts",
        lambda m, **how: np.cov(m, fweights=[1, 3, 0, 2], **how),
        (DISTINCT,),
        (products.matmul,),
        (np.cov,),
        shapes=[((4,),), ((2, 4),)],
        keywords=lambda pick, m: {"bias": pick([False, True])},
        distinct=True,
    ),
    Case(
        "cov_of_complex",
        np.cov,
        (COMPLEX,),
        (products.matmul,),
        shapes=[((4,),), ((3, 4),)],
        distinct=True,
    ),
    Case(
        "corrcoef",
        np.corrcoef,
        (DISTINCT,),
        (products.matmul,),
        shapes=[((3, 4),), ((4, 5),), ((4,),)],
        keywords=lambda pick, s: {"rowvar": pick([True, False])},
        distinct=True,
    ),
    Case(
        "corrcoef_of_two",
        lambda x, y: np.corrcoef(x, y)[0, 1],
        (DISTINCT, DISTINCT),
        (products.matmul,),
        (np.corrcoef,),
        shapes=[((4,), (4,)), ((5,), (5,))],
        distinct=True,
    ),
    Case("corrcoef_of_complex", np.corrcoef, (COMPLEX,), (), shapes=[((3, 4),)], distinct=True),
]

INSIDE = Interval(-1.9, 1.9, avoid=(-1.0, 0.0, 1.0))

COUNTS = [
    Case(
        "bincount",
        lambda w, minlength: np.bincount(PLACES, w, minlength),
        (REAL,),
        (indexing.index_add,),
        (np.bincount,),
        shapes=[((4,),)],
        keywords=lambda pick, s: {"minlength": pick([0, 8])},
        points=(Point((np.ones(4),), (np.ones(4),), keywords={"minlength": 0}),),
    ),
    Case(
        "histogram",
        lambda w, **how: np.histogram(PLACES, weights=w, **how),
        (POSITIVE,),
        (indexing.index_add,),
        (np.histogram,),
        shapes=[((4,),)],
        keywords=lambda pick, s: {
            **pick(
                [{"bins": 3, "density": pick([False, True])}, {"bins": [0, 1, 2, 5]}, {"bins": np.array([-1.0, 2, 3])}]
            )
        },
    ),
    Case(
        "edges_of_a_histogram",
        lambda x, bins: np.histogram(x, bins)[1],
        (DISTINCT,),
        (statistics.even_edges,),
        (np.histogram,),
        shapes=[((5,),), ((2, 3),)],
        keywords=lambda pick, s: {"bins": pick([1, 4, "sqrt"])},
        distinct=True,
    ),
    Case(
        "histogram_bin_edges",
        np.histogram_bin_edges,
        (DISTINCT,),
        (statistics.even_edges,),
        shapes=[((5,),), ((2, 3),)],
        keywords=lambda pick, s: {"bins": pick([1, 4, "sqrt"])},
        distinct=True,
    ),
    Case(
        "density_of_a_histogram",
        lambda x: np.histogram(x, 3, density=True)[0],
        (DISTINCT,),
        (statistics.even_edges,),
        (np.histogram,),
        shapes=[((5,),)],
        distinct=True,
    ),
    Case(
        "histogram2d_edges",
        lambda x, y: np.histogram2d(x, y, [2, np.array([-3.0, 0.0, 3.0])], density=True)[:2],
        (DISTINCT, DISTINCT),
        (),  # the row of histogram's edges sees to the rule
        (np.histogram2d,),
        shapes=[((5,), (5,))],
        distinct=True,
    ),
    Case(
        "histogram_in_range",
        lambda w: np.histogram(PLACES, 4, (0.0, 4.0), weights=w),
        (POSITIVE,),
        (indexing.index_add,),
        (np.histogram,),
        shapes=[((4,),)],
    ),
    Case(
        "histogram_of_complex_weights",
        lambda w: np.histogram(PLACES, 3, weights=w),
        (COMPLEX,),
        (indexing.index_add,),
        (np.histogram,),
        shapes=[((4,),)],
    ),
]
GRID = np.array([0.1, 0.4, 0.6, 1.0, 2.0]), np.array([0.0, 0.2, 1.0, 0.7, 0.5])
"""Points in the plane, the last one outside of the ranges below."""

TABLES = [
    Case(
        "histogram2d",
        lambda w, **how: np.histogram2d(*GRID, weights=w, **how)[0],
        (POSITIVE,),
        (indexing.index_add,),
        (np.histogram2d,),
        shapes=[((5,),)],
        keywords=lambda pick, s: {
            "bins": pick([2, (2, 3), np.array([0.0, 0.5, 1.0]), [np.array([0.0, 0.3, 1.0]), 2]]),
            "range": [[0, 1], [0, 1]],
            "density": pick([False, True]),
        },
    ),
    Case(
        "histogramdd",
        lambda w, **how: np.histogramdd(np.stack(GRID, 1), weights=w, **how)[0],
        (POSITIVE,),
        (indexing.index_add,),
        (np.histogramdd,),
        shapes=[((5,),)],
        keywords=lambda pick, s: {"bins": pick([2, (2, 3)]), "range": [[0, 1], [0, 1]], "density": pick([False, True])},
    ),
]

CASES = [*MEANS, *COVARIANCES, *COUNTS, *TABLES]
