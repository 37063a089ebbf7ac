"""Rows for autodiff/ops/reductions.py and variances.py where only some entries are folded, or something beside them."""

import math

import numpy as np

from autodiff.ops import norms, variances
from autodiff.ops import reductions as red
from tests.op_cases.case import COMPLEX, DISTINCT, NONZERO, REAL, Case, Point

NAN = math.nan
SHAPES = [((3,),), ((2, 3),), ((4, 2, 3),)]
SOME = np.array([True, False, True])


def selecting(pick, shape):
    """Which entries; along the first axis the condition is the same for all."""
    several = [(0, len(shape) - 1)] if len(shape) > 1 else [(0,)]
    axis = pick([None, -1, *several])
    return {"axis": axis, "keepdims": pick([False, True]), "where": SOME}


def row(fn, domain, covered, *points, name="", fixed=None, **more):
    """The function of selected entries, with some keywords fixed."""
    fixed = fixed or {}
    return Case(
        f"{fn.__name__}{name}",
        lambda x, **keywords: fn(x, **fixed, **keywords),
        (domain,),
        covered,
        (fn,),
        shapes=SHAPES,
        keywords=more.pop("keywords", selecting),
        distinct=True,
        points=points,
        **more,
    )


def of(x, slope, **keywords):
    return Point((np.array(x),), (np.array(slope),), None, keywords)


def folding(pick, shape):
    return {"axis": pick([None, 0, -1]), "keepdims": pick([False, True])}


CASES = [
    row(np.sum, REAL, (red.sum_over,), name="_of_some", fixed={"initial": 2.0}, analytic=True),
    row(np.prod, NONZERO, (red.prod_along,), name="_of_some", fixed={"initial": 2.0}, analytic=True),
    row(np.mean, REAL, (red.sum_over,), name="_of_some", analytic=True),
    row(np.mean, COMPLEX, (red.sum_over,), name="_of_some_complex"),
    row(np.var, DISTINCT, (red.sum_over,), name="_of_some", fixed={"ddof": 1}),
    row(np.var, COMPLEX, (red.sum_over,), name="_of_some_complex"),
    row(
        np.std,
        DISTINCT,
        (norms.norm_over,),
        of([2.0, NAN, 2.0], [0.0, 0.0, 0.0], where=SOME),
        of([1.0, NAN, 3.0], [-0.5, 0.0, 0.5], where=SOME),
        name="_of_some",
    ),
    row(
        np.max,
        DISTINCT,
        (red.max_over,),
        of([3.0, 9.0, 3.0], [0.5, 0.0, 0.5], where=SOME),
        of([-1.0, 9.0, -2.0], [0.0, 0.0, 0.0], where=SOME),  # the initial value is larger
        name="_of_some",
        fixed={"initial": -0.4},
    ),
    row(np.min, DISTINCT, (red.min_over,), name="_of_some", fixed={"initial": 0.4}),
    row(
        np.max,
        DISTINCT,
        (red.max_over,),
        of([-0.25, -1.0], [0.0, 0.0]),  # as against a constant: at a tie the slope of smallest norm
        name="_or_more",
        fixed={"initial": -0.25},
        keywords=folding,
    ),
    row(np.min, DISTINCT, (red.min_over,), name="_or_less", fixed={"initial": 0.25}, keywords=folding),
    row(np.sum, REAL, (red.sum_over,), name="_and_more", fixed={"initial": 1.5}, keywords=folding),
    row(np.prod, NONZERO, (red.prod_along,), name="_times_more", fixed={"initial": 1.5}, keywords=folding),
    row(np.var, DISTINCT, (variances.var_over,), name="_in_double", fixed={"dtype": np.float64}, keywords=folding),
]
