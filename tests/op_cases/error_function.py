"""Rows for autodiff/ops/error_function.py."""

import math

import numpy as np

from autodiff import special
from autodiff.ops import error_function as ef
from tests.op_cases.case import Case, Interval, Point

WIDE = Interval(-5.0, 5.0)
C = 2 / math.sqrt(math.pi)


def entry_by_entry(f):
    """Python's own function, cast to the operand's dtype."""
    return lambda x: np.vectorize(f, otypes=[float])(x).astype(x.dtype)[()]


def log_tail(x):
    """By Python's erfc, which has all digits of it up to x = 5."""
    return math.log(math.erfc(x / math.sqrt(2)) / 2)


def hazard(x):
    return math.exp(-x * x / 2 - log_tail(x)) / math.sqrt(2 * math.pi)


CASES = [
    Case(
        "erf",
        special.erf,
        (WIDE,),
        (ef.erf,),
        reference=entry_by_entry(math.erf),
        points=(
            Point((0.0,), (C,), (0.0,)),
            Point((np.array([math.inf, -math.inf, 40.0]),), (np.zeros(3),), (np.zeros(3),)),
            Point((math.nan,), (math.nan,)),
        ),
    ),
    Case(
        "erfc",
        special.erfc,
        (WIDE,),
        (ef.erfc,),
        reference=entry_by_entry(math.erfc),
        points=(Point((0.0,), (-C,), (0.0,)), Point((math.inf,), (0.0,), (0.0,))),
    ),
    Case(
        "bell",
        ef.bell,
        (Interval(-2.5, 2.5),),
        (ef.bell,),
        reference=lambda x: np.exp(-x * x),
        points=(Point((0.0,), (0.0,), (-2.0,)), Point((-math.inf,), (0.0,), (0.0,))),
    ),
    Case(
        "log_normal_tail",
        ef.log_normal_tail,
        (WIDE,),
        (ef.log_normal_tail,),
        reference=entry_by_entry(log_tail),
        points=(
            Point((0.0,), (-math.sqrt(2 / math.pi),), (-2 / math.pi,)),
            Point((1e8,), (-1e8,), (-1.0,)),
            Point((-40.0,), (0.0,), (0.0,)),
        ),
    ),
    Case(
        "normal_hazard",
        ef.normal_hazard,
        (WIDE,),
        (ef.normal_hazard,),
        reference=entry_by_entry(hazard),
        points=(Point((1e8,), (1.0,)), Point((-40.0,), (0.0,), (0.0,))),
    ),
    Case(
        "normal_excess",
        ef.normal_excess,
        (WIDE,),
        (ef.normal_excess,),
        reference=entry_by_entry(lambda x: hazard(x) - x),
        points=(Point((-40.0,), (-1.0,), (0.0,)),),
    ),
]
