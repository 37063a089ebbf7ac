"""Rows for autodiff/ops/reductions.py, variances.py, norms.py and exponentials.py."""

import math

import numpy as np

from autodiff import special
from autodiff.ops import exponentials as ex
from autodiff.ops import norms, spectra, variances
from autodiff.ops import reductions as red
from tests.op_cases.case import (
    ANY,
    COMPLEX,
    DISTINCT,
    MATRICES,
    NONZERO,
    POSITIVE,
    REAL,
    SOLID,
    SOLID_WITH_AXES,
    Case,
    Growing,
    Point,
    reduction,
    some_axes,
)
from tests.op_cases.well_conditioned import COMPLEX_REGULAR, REGULAR

INF, NAN = math.inf, math.nan
ONE = [(s,) for s in ANY]
SOME = [(s,) for s in SOLID]
"""At least one entry: the largest of nothing is an error."""


def reduced(name, fn, domain, primitive, *points, shapes=None, **more):
    """A row for a reduction, over all kinds of axes."""
    more.setdefault("keywords", reduction)
    return Case(name, fn, (domain,), (primitive,), shapes=shapes or ONE, points=points, **more)


def of(x, slope, second=None, **keywords):
    """A special point of one array."""
    x = np.asarray(x, dtype=float) if not np.iscomplexobj(x) else np.asarray(x)
    return Point((x,), (slope,), None if second is None else (second,), keywords)


def with_ddof(pick, shape):
    """Keywords of var and std."""
    axis, n = some_axes(pick, shape), min([*shape, int(np.prod(shape))], default=1)
    return {"axis": axis, "keepdims": pick([False, True]), "ddof": pick([0, 1] if n > 1 else [0])}


def vector_norm(pick, shape):
    """Keywords of a norm of vectors."""
    return {"axis": pick([*range(len(shape)), *range(-len(shape), 0)]), "keepdims": pick([False, True])}


def matrix_norm(pick, shape):
    """Keywords of a norm of matrices."""
    pairs = [(-2, -1), (-1, -2), (0, len(shape) - 1)]
    return {"axis": pick(pairs), "keepdims": pick([False, True])}


def one_two(ord_, **more):
    return {"ord": ord_, **more}


SUMS = [
    reduced("sum", np.sum, REAL, red.sum_over, analytic=True),
    reduced("sum_method", lambda x, axis, keepdims: x.sum(axis, keepdims=keepdims), REAL, red.sum_over),
    Case(
        "sum_where",
        lambda x: np.sum(x, axis=0, where=np.array([True, False, True])),
        (REAL,),
        (red.sum_over,),
        shapes=[((2, 3),), ((3,),)],
    ),
    reduced("sum_in_double", lambda x, **axes: np.sum(x, dtype=np.float64, **axes), REAL, red.sum_over),
    reduced("add_reduce", lambda x: np.add.reduce(x), REAL, red.sum_over, keywords=None, shapes=[((3,),), ((2, 3),)]),
    reduced("mean", np.mean, REAL, red.mean_over, shapes=SOME, analytic=True),
    reduced("mean_method", lambda x, axis, keepdims: x.mean(axis, keepdims=keepdims), REAL, red.mean_over, shapes=SOME),
    Case(
        "sum_of_squares",
        special.sum_of_squares,
        (REAL,),
        (red.sum_over,),
        shapes=ONE,
        keywords=reduction,
        reference=lambda x, **axes: np.sum(x * x, **axes),
        points=(of([0.0, 0.0], np.zeros(2), np.full(2, 2.0)),),
    ),
    reduced("complex_sum", np.sum, COMPLEX, red.sum_over),
    reduced("complex_mean", np.mean, COMPLEX, red.mean_over, shapes=SOME),
]

PRODUCTS = [
    reduced(
        "prod",
        np.prod,
        NONZERO,
        red.prod_along,
        of([2.0, 3.0, 4.0], np.array([12.0, 8.0, 6.0])),
        of([0.0, 3.0, 4.0], np.array([12.0, 0.0, 0.0]), np.array([7.0, 4.0, 3.0])),
        of([0.0, 0.0, 4.0], np.zeros(3), np.array([4.0, 4.0, 0.0])),
        of([0.0, 0.0, 0.0], np.zeros(3), np.zeros(3)),
        of(5.0, 1.0, 0.0),
        analytic=True,
    ),
    reduced(
        "multiply_reduce",
        lambda x: np.multiply.reduce(x, axis=-1),
        REAL,
        red.prod_along,
        keywords=None,
        shapes=[((3,),), ((2, 3),)],
    ),
]

EXTREMES = [
    reduced(
        "max",
        np.max,
        DISTINCT,
        red.max_over,
        of([1.0, 3.0, 3.0, 2.0], np.array([0.0, 0.5, 0.5, 0.0])),
        of([NAN, 1.0], np.array([1.0, 0.0])),
        of([[2.0, 2.0], [1.0, 5.0]], np.array([[0.5, 0.5], [0.0, 1.0]]), axis=1),
        shapes=SOME,
        numpy=(np.amax,),
        distinct=True,
    ),
    reduced(
        "min",
        np.min,
        DISTINCT,
        red.min_over,
        of([3.0, 1.0, 1.0, 1.0], np.array([0.0, 1, 1, 1]) / 3),
        shapes=SOME,
        numpy=(np.amin,),
        distinct=True,
    ),
    reduced("ptp", np.ptp, DISTINCT, red.max_over, shapes=SOME, distinct=True),
    reduced(
        "maximum_reduce",
        lambda x: np.maximum.reduce(x),
        DISTINCT,
        red.max_over,
        keywords=None,
        shapes=[((3,),), ((2, 3),)],
        distinct=True,
    ),
]

SPREAD = [
    reduced(
        "var",
        np.var,
        DISTINCT,
        variances.var_over,
        of([2.0, 2.0], np.zeros(2), np.zeros(2)),
        shapes=SOME,
        keywords=with_ddof,
        distinct=True,
    ),
    reduced(
        "std",
        np.std,
        DISTINCT,
        variances.std_over,
        of([0.1, 0.1, 0.1], np.zeros(3)),
        of([2.0, 2.0, 2.0], np.zeros(3), np.full(3, NAN)),
        shapes=[(s,) for s in [(3,), (2, 3), (4, 2)]],
        keywords=with_ddof,
        distinct=True,
    ),
    reduced("complex_var", np.var, COMPLEX, variances.var_over, shapes=SOME, keywords=with_ddof, distinct=True),
]

NORMS = [
    reduced(
        "norm",
        np.linalg.norm,
        NONZERO,
        norms.norm_over,
        of([0.0, 0.0], np.zeros(2), np.full(2, NAN)),
        of([3.0, 4.0], np.array([0.6, 0.8])),
        shapes=[(s,) for s in SOLID_WITH_AXES],
        keywords=vector_norm,
    ),
    Case(
        "norm_of_all",
        np.linalg.norm,
        (NONZERO,),
        (norms.norm_over,),
        shapes=SOME,
        points=(of([[0.0, 0.0]], np.zeros((1, 2))),),
    ),
    *(
        Case(
            f"norm_{order}",
            lambda x, order=order, **how: np.linalg.norm(x, ord=order, **how),
            (Growing(),),
            (covered,) if covered else (),
            (np.linalg.norm,),
            shapes=[(s,) for s in SOLID_WITH_AXES],
            keywords=vector_norm,
            distinct=True,
            points=points,
        )
        for order, covered, points in [
            (1, red.sum_over, (of([0.0, -2.0], np.array([0.0, -1.0])),)),
            (3, norms.power_norm_over, (of([0.0, 0.0], np.zeros(2)), of([0.0, -2.0], np.array([0.0, -1.0])))),
            (2.5, norms.power_norm_over, (of([0.0, 0.0], np.zeros(2)),)),
            (math.inf, red.max_over, (of([2.0, -2.0, 1.0], np.array([0.5, -0.5, 0.0])),)),
            (-math.inf, red.min_over, ()),
            (0, None, ()),
        ]
    ),
    *(
        Case(
            f"matrix_norm_{order}",
            lambda x, order=order, **how: np.linalg.norm(x, ord=order, **how),
            (Growing(),),
            (covered,),
            (np.linalg.norm,),
            shapes=[((2, 3),), ((3, 2),), ((2, 2, 3),)],
            keywords=matrix_norm,
            distinct=True,
        )
        for order, covered in [
            ("fro", norms.norm_over),
            (1, red.max_over),
            (-1, red.min_over),
            (math.inf, red.max_over),
        ]
    ),
    *(
        Case(
            f"{name}_{order}",
            lambda x, order=order, **how: np.linalg.norm(x, ord=order, **how),
            (domain,),
            (covered,),
            shapes=[((2, 3),), ((3, 2),), ((3, 3),), ((2, 2, 3),), ((1, 2),)],
            keywords=matrix_norm,
            distinct=True,
            points=points if domain is REGULAR else (),
        )
        for order, covered, points in [
            (2, spectra.extreme_value, (of(np.zeros((2, 2)), np.zeros((2, 2)), np.full((2, 2), NAN)),)),
            (-2, spectra.extreme_value, (of(np.zeros((2, 2)), np.zeros((2, 2))),)),
            ("nuc", spectra.nuclear_norm, (of(np.zeros((2, 2)), np.zeros((2, 2)), np.full((2, 2), NAN)),)),
        ]
        for name, domain in [("matrix_norm", REGULAR), ("complex_matrix_norm", COMPLEX_REGULAR)]
    ),
    Case(
        "vector_norm",
        np.linalg.vector_norm,
        (NONZERO,),
        (norms.norm_over,),
        shapes=[(s,) for s in SOLID_WITH_AXES],
        keywords=reduction,
    ),
    Case(
        "linalg_matrix_norm",
        np.linalg.matrix_norm,
        (NONZERO,),
        (norms.norm_over,),
        shapes=[(s,) for s in MATRICES if 0 not in s],
        keywords=lambda pick, s: {"keepdims": pick([False, True])},
    ),
    Case(
        "complex_norm",
        np.linalg.norm,
        (COMPLEX,),
        (norms.norm_over,),
        shapes=[(s,) for s in SOLID_WITH_AXES],
        keywords=vector_norm,
        points=(of(np.zeros(2, complex), np.zeros(2)),),
    ),
    Case(
        "power_norm",
        lambda x, **how: norms.power_norm_over(x, order=3.0, **how),
        (POSITIVE,),
        (norms.power_norm_over,),
        shapes=[(s,) for s in SOLID_WITH_AXES],
        keywords=lambda pick, s: {"axis": pick([None, (0,)]), "keepdims": pick([False, True])},
        reference=lambda x, axis, keepdims: np.cbrt((x**3).sum(axis=axis, keepdims=keepdims)),
    ),
]


def shares(pick, shape):
    """Keywords of softmax."""
    return {"axis": some_axes(pick, shape)}


def plain_softmax(x, axis):
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


EXPONENTIALS = [
    Case(
        "logsumexp",
        special.logsumexp,
        (REAL,),
        (ex.logsumexp_over,),
        shapes=SOME,
        keywords=reduction,
        reference=lambda x, **axes: np.log(np.exp(x).sum(**axes)),
        points=(
            of([-INF, -INF], np.zeros(2)),
            of([INF, INF, 0.0], np.array([0.5, 0.5, 0.0])),
            of([-INF, 1.0], np.array([0.0, 1.0])),
            of([1000.0, 1000.0], np.full(2, 0.5)),
        ),
    ),
    Case(
        "softmax",
        special.softmax,
        (REAL,),
        (ex.softmax_over,),
        shapes=SOME,
        keywords=shares,
        reference=plain_softmax,
        points=(of([-INF, 1.0, 1.0], np.zeros(3), np.zeros(3)), of([1e300, 0.0], np.zeros(2))),
    ),
    Case(
        "log_softmax",
        special.log_softmax,
        (REAL,),
        (ex.log_softmax_over,),
        shapes=SOME,
        keywords=shares,
        reference=lambda x, axis: np.log(plain_softmax(x, axis)),
        points=(of([0.0, 1000.0], np.array([1.0, -1.0])),),
    ),
]

CASES = [*SUMS, *PRODUCTS, *EXTREMES, *SPREAD, *NORMS, *EXPONENTIALS]
