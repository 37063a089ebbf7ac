"""Rows for autodiff/ops/choices.py."""

import math

import numpy as np

from autodiff import special
from autodiff.ops import choices
from tests.op_cases.case import DISTINCT, NONZERO, REAL, Case, Interval, Point, Truth, Whole

INF, NAN = math.inf, math.nan


def of_two(fn, primitive, with_constant, larger):
    """The rows of maximum, minimum, fmax, fmin: of two operands, and against a constant."""
    one, other = (0.0, 1.0) if larger else (1.0, 0.0)
    name = fn.__name__
    missing = np.array([0.0, 1.0]) if name.startswith("f") else None
    nan_points = (
        () if missing is None else (Point((np.array([NAN, 2.0]), np.array([1.0, NAN])), (missing, 1 - missing)),)
    )
    return [
        Case(
            f"{name}_of_two",
            fn,
            (REAL, REAL),
            (primitive,),
            points=(Point((1.0, 1.0), (0.5, 0.5)), Point((1.0, 2.0), (one, other)), *nan_points),
        ),
        Case(
            f"{name}_with_constant",
            lambda x: fn(x, 0.5),
            (REAL,),
            (with_constant,),
            (fn,),
            points=(Point((np.array([0.5, 0.0, 1.0]),), (np.array([0.0, one, other]),)),),
        ),
        Case(f"{name}_of_itself", lambda x: fn(x, x), (REAL,), (primitive,), points=(Point((0.7,), (1.0,), (0.0,)),)),
    ]


# NumPy 2.0 refuses it
UNCLIPPED = (
    [Case("clip_nowhere", lambda x: np.clip(x, None, None), (REAL,))]
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0"
    else []
)

CASES = [
    *of_two(np.maximum, choices.maximum_of_two, choices.maximum_with_constant, True),
    *of_two(np.minimum, choices.minimum_of_two, choices.minimum_with_constant, False),
    *of_two(np.fmax, choices.fmax_of_two, choices.fmax_with_constant, True),
    *of_two(np.fmin, choices.fmin_of_two, choices.fmin_with_constant, False),
    Case(
        "relu",
        special.relu,
        (NONZERO,),
        (choices.relu,),
        reference=lambda x: np.maximum(x, 0),
        points=(
            Point((np.array([0.0, -1.0, 2.0]),), (np.array([0.0, 0.0, 1.0]),)),
            Point((NAN,), (NAN,)),
        ),
    ),
    Case("relu_by_maximum", lambda x: np.maximum(0, x), (NONZERO,), (choices.relu,), points=(Point((0.0,), (0.0,)),)),
    Case(
        "clip",
        np.clip,
        (Interval(-2, 2), Interval(-1.5, -0.5), Interval(0.5, 1.5)),
        (choices.clip_between,),
        points=(
            Point((-1.0, -1.0, 1.0), (1.0, 0.0, 0.0)),
            Point((1.0, -1.0, 1.0), (1.0, 0.0, 0.0)),
            Point((2.0, -1.0, 1.0), (0.0, 0.0, 1.0)),
            Point((-2.0, -1.0, 1.0), (0.0, 1.0, 0.0)),
            Point((0.0, 1.0, -1.0), (0.0, 0.0, 1.0)),
        ),
    ),
    Case("clip_below", lambda x: np.clip(x, 0.3, None), (REAL,), (choices.clip_between,)),
    Case("clip_above", lambda x: x.clip(max=0.3), (REAL,), (choices.clip_between,), shapes=[((3,),), ((2, 0),)]),
    *UNCLIPPED,
    Case(
        "nan_to_num",
        np.nan_to_num,
        (REAL,),
        (choices.finite_or,),
        keywords=lambda pick, shape: pick([{}, {"nan": 1.0}]),
        points=(Point((np.array([NAN, INF, -INF, 2.0]),), (np.array([0.0, 0.0, 0.0, 1.0]),)),),
    ),
    Case("where", np.where, (Truth(), REAL, REAL), (choices.select_where,)),
    Case(
        "where_of_comparison",
        lambda x: np.where(x > 0, x**2, -x),
        (NONZERO,),
        (choices.select_where,),
        points=(Point((np.array([NAN, 0.0]),), (np.array([-1.0, -1.0]),)),),
    ),
    Case(
        "where_guards_sqrt",
        lambda x: np.where(x > 0, np.sqrt(x), 0.0),
        (Interval(0.3, 3),),
        points=(Point((np.array([0.0, 4.0]),), (np.array([0.0, 0.25]),), (np.array([0.0, -1 / 32]),)),),
    ),
    Case(
        "select",
        lambda x, y: np.select([x > 1, x > 0], [y, x * y], x),
        (NONZERO, REAL),
        (choices.select_where,),
        (np.select,),
        shapes=[((3,), (3,)), ((2, 3), (3,)), ((0,), (0,))],
    ),
    Case(
        "heaviside",
        np.heaviside,
        (NONZERO, REAL),
        points=(Point((0.0, 0.5), (0.0, 1.0)), Point((1.0, 0.5), (0.0, 0.0))),
    ),
    Case("heaviside_at_0", np.heaviside, (Whole(-1, 1), REAL), (choices.heaviside,)),
    Case(
        "where_guards_exp",
        lambda x: np.where(x < 700, np.exp(x), 0.0),
        (REAL,),
        points=(Point((np.array([1000.0, 0.0]),), (np.array([0.0, 1.0]),), (np.array([0.0, 1.0]),)),),
    ),
    Case(
        "where_guards_nan",
        lambda x: np.where(np.isnan(x), 0.0, np.sin(x)),
        (REAL,),
        points=(Point((np.array([NAN, 0.0]),), (np.array([0.0, 1.0]),)),),
    ),
    Case("maximum_of_distinct", lambda x: np.maximum(x[:-1], x[1:]), (DISTINCT,), shapes=[((4,),), ((2, 3),)]),
]
