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
]
