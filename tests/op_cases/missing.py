"""Rows for autodiff/ops/missing.py."""

import math

import numpy as np

from autodiff.ops import norms, order, reductions, scans
from tests.op_cases.case import (
    COMPLEX,
    DISTINCT,
    NONZERO,
    REAL,
    SOLID,
    Case,
    Point,
    along_axis_or_none,
    reduction,
    some_axes,
)

NAN, INF = math.nan, math.inf
SOME = [(s,) for s in SOLID]
WHOLE = [((3,),), ((2, 3),), ((3, 2, 2),)]
"""Shapes of which at least two entries stay when one of the first axis is missing."""


def holed(fn):
    """The function of an array whose first entries, those with number 0 along the first axis, are missing."""

    def of_rest(x, **keywords):
        missing = np.arange(x.shape[0]).reshape((-1,) + (1,) * (x.ndim - 1)) == 0
        return fn(np.where(missing, NAN, x), **keywords)

    return of_rest


def over_first(pick, shape):
    """Axes along which something is left."""
    several = [(0, len(shape) - 1), (-1, 0)] if len(shape) > 1 else [(0,)]
    return {"axis": pick([None, 0, -len(shape), *several]), "keepdims": pick([False, True])}


def with_ddof(pick, shape):
    return {**over_first(pick, shape), "ddof": pick([0, 1])}


def chosen(pick, shape):
    """Keywords of a reduction of some entries only."""
    return {"axis": pick([None, -1]), "where": np.array([True, False, True])}


def rows(fn, domain, primitive, *points, keywords=reduction, holes=over_first, shapes=SOME, whole=WHOLE, **more):
    """The function of arrays in which nothing is missing, and of such with holes."""
    name = fn.__name__
    return [
        Case(name, fn, (domain,), (primitive,), shapes=shapes, keywords=keywords, points=points, **more),
        Case(f"{name}_of_the_rest", holed(fn), (domain,), (primitive,), (fn,), shapes=whole, keywords=holes, **more),
    ]


def of(x, slope, second=None, **keywords):
    return Point((np.array(x),), (np.array(slope),), None if second is None else (np.array(second),), keywords)


def partly(fn, primitive, domain=REAL):
    """The same with where=."""
    return Case(
        f"{fn.__name__}_where", fn, (domain,), (primitive,), shapes=[((3,),), ((2, 3),)], keywords=chosen, distinct=True
    )


def scanned(pick, shape):
    return {"axis": pick([None, 0, -1])}


def with_spread(pick, shape):
    n = min([*shape, int(np.prod(shape, dtype=int))], default=1)
    return {"axis": some_axes(pick, shape), "keepdims": pick([False, True]), "ddof": pick([0, 1] if n > 1 else [0])}


FOLDED = [
    *rows(
        np.nansum,
        REAL,
        reductions.sum_over,
        of([NAN, 2.0, 3.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
        of([NAN, NAN], [0.0, 0.0]),
        analytic=True,
    ),
    *rows(
        np.nanprod,
        NONZERO,
        reductions.prod_along,
        of([NAN, 2.0, 3.0], [0.0, 3.0, 2.0], [0.0, 1.0, 1.0]),
        of([NAN, 0.0, 3.0], [0.0, 3.0, 0.0]),
        analytic=True,
    ),
    *rows(
        np.nanmean,
        REAL,
        reductions.sum_over,
        of([NAN, 2.0, 3.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0]),
        of([NAN, 2.0], [0.0, 1.0]),
        analytic=True,
    ),
    *rows(np.nancumsum, REAL, scans.cumsum_along, keywords=along_axis_or_none, holes=scanned, analytic=True),
    *rows(
        np.nancumprod,
        NONZERO,
        scans.cumprod_along,
        of([NAN, 2.0, 3.0], [0.0, 4.0, 2.0]),
        keywords=along_axis_or_none,
        holes=scanned,
        analytic=True,
    ),
    partly(np.nansum, reductions.sum_over),
    partly(np.nanprod, reductions.prod_along),
    partly(np.nanmean, reductions.sum_over),
    *(
        Case(f"{fn.__name__}_of_complex", fn, (COMPLEX,), (), shapes=SOME, keywords=reduction)
        for fn in (np.nansum, np.nanprod, np.nanmean)
    ),
    Case(
        "nansum_in_double",
        lambda x: np.nansum(x, dtype=np.float64),
        (REAL,),
        (reductions.sum_over,),
        shapes=SOME,
    ),
    # What is missing stays at slope 0, also in what follows.
    Case(
        "nansum_of_a_logarithm",
        lambda x: np.nansum(np.log(np.abs(x))),
        (NONZERO,),
        (reductions.sum_over,),
        shapes=[((3,),)],
        points=(of([NAN, 4.0], [0.0, 0.25], [0.0, -1 / 16]),),
    ),
]

SPREAD = [
    *rows(
        np.nanvar,
        DISTINCT,
        reductions.sum_over,
        of([NAN, 1.0, 3.0], [0.0, -1.0, 1.0], [0.0, 0.0, 0.0]),
        of([NAN, 2.0, 2.0], [0.0, 0.0, 0.0]),
        keywords=with_spread,
        holes=with_ddof,
        whole=[((3,),), ((4, 2),), ((3, 2, 2),)],
        distinct=True,
    ),
    Case(
        "nanstd",
        np.nanstd,
        (DISTINCT,),
        (norms.norm_over,),
        shapes=[(s,) for s in [(3,), (2, 3), (4, 2)]],
        keywords=with_spread,
        distinct=True,
        points=(
            of([NAN, 1.0, 3.0], [0.0, -0.5, 0.5]),
            of([NAN, 0.1, 0.1, 0.1], [0.0, 0.0, 0.0, 0.0]),
        ),
    ),
    Case(
        "nanstd_of_the_rest",
        holed(np.nanstd),
        (DISTINCT,),
        (norms.norm_over,),
        shapes=[((4,),), ((3, 3),)],
        keywords=with_ddof,
        distinct=True,
    ),
    partly(np.nanvar, reductions.sum_over, DISTINCT),
    Case(
        "nanvar_of_complex", np.nanvar, (COMPLEX,), (), shapes=[((3,),), ((2, 3),)], keywords=reduction, distinct=True
    ),
    Case("nanstd_of_complex", np.nanstd, (COMPLEX,), (), shapes=[((3,),)], distinct=True),
]

EXTREMES = [
    *(
        Case(
            f"{fn.__name__}{more}",
            f,
            (DISTINCT,),
            (primitive,),
            (fn,),
            shapes=shapes,
            keywords=keywords,
            distinct=True,
            points=points,
        )
        for fn, primitive, start, tie in [
            (np.nanmax, reductions.max_over, -0.2, of([NAN, 3.0, 3.0, 2.0], [0.0, 0.5, 0.5, 0.0])),
            (np.nanmin, reductions.min_over, 0.1, of([NAN, 1.0, 1.0, 2.0], [0.0, 0.5, 0.5, 0.0])),
        ]
        for more, f, shapes, keywords, points in [
            ("", fn, SOME, reduction, (tie,)),
            ("_of_the_rest", holed(fn), WHOLE, over_first, ()),
            (
                "_where",
                lambda x, fn=fn, start=start, **how: fn(x, initial=start, **how),
                [((3,),), ((2, 3),)],
                chosen,
                (),
            ),
        ]
    ),
]


def ranked(q, keys=("linear", "lower", "higher", "midpoint", "median_unbiased")):
    """Keywords of a quantile of what is left."""

    def keywords(pick, shape):
        return {**over_first(pick, shape), "q": pick(q), "method": pick(keys)}

    return keywords


RANKS = [
    *rows(
        np.nanmedian,
        DISTINCT,
        order.order_statistics,
        of([NAN, 1.0, 2.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0]),
        of([NAN, 2.0, 2.0, 5.0], [0.0, 0.5, 0.5, 0.0]),
        distinct=True,
    ),
    *rows(
        np.nanquantile,
        DISTINCT,
        order.order_statistics,
        of([NAN, 1.0, 2.0], [0.0, 0.75, 0.25], q=0.25),
        keywords=ranked([0.3, [0.1, 0.75], 1.0]),
        holes=ranked([0.3, [0.1, 0.75], 0.0]),
        shapes=[((3,),), ((2, 3),)],
        distinct=True,
    ),
    *rows(
        np.nanpercentile,
        DISTINCT,
        order.order_statistics,
        keywords=ranked([30.0, [10, 75], 100]),
        holes=ranked([30, [10.0, 75.0], 0]),
        shapes=[((3,),), ((2, 3),)],
        distinct=True,
    ),
]

CASES = [*FOLDED, *SPREAD, *EXTREMES, *RANKS]
