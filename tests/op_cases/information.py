"""Rows for autodiff/ops/information.py."""

import math

import numpy as np

from autodiff import special
from autodiff.ops import information
from tests.op_cases.case import INSIDE, POSITIVE, REAL, Case, Interval, Point

INF = math.inf
PROBABILITY = Interval(0.05, 0.95)

CASES = [
    Case(
        "xlogy",
        special.xlogy,
        (REAL, POSITIVE),
        (information.xlogy,),
        reference=lambda x, y: x * np.log(y),
        points=(
            Point((0.0, 2.0), (math.log(2), 0.0), (0.0, 0.0)),
            Point((0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
            Point((0.0, -1.0), (0.0, 0.0), (0.0, 0.0)),
            Point((2.0, 0.0), (-INF, INF)),
        ),
    ),
    Case(
        "entr",
        special.entr,
        (POSITIVE,),
        (information.entr,),
        reference=lambda p: -p * np.log(p),
        points=(Point((np.array([0.0, 1.0]),), (np.array([INF, -1.0]),), (np.array([-INF, -1.0]),)),),
    ),
    Case(
        "entr_masked",
        lambda p: np.where(p > 0, special.entr(p), 0),
        (POSITIVE,),
        (information.entr,),
        reference=lambda p: -p * np.log(p),
        points=(Point((np.array([0.0, 1.0]),), (np.array([0.0, -1.0]),), (np.array([0.0, -1.0]),)),),
    ),
    Case(
        "rel_entr",
        special.rel_entr,
        (POSITIVE, POSITIVE),
        (information.rel_entr,),
        reference=lambda p, q: p * np.log(p / q),
        points=(
            Point((0.0, 0.5), (-INF, 0.0), (INF, 0.0)),
            Point((0.0, 0.0), (-INF, 0.0)),
            Point((0.5, 0.0), (INF, -INF)),
        ),
    ),
    Case(
        "logit",
        special.logit,
        (PROBABILITY,),
        (information.logit,),
        reference=lambda p: np.log(p / (1 - p)),
        points=(Point((0.5,), (4.0,), (0.0,)), Point((np.array([0.0, 1.0]),), (np.array([INF, INF]),))),
    ),
    Case(
        "log1mexp",
        special.log1mexp,
        (POSITIVE,),
        (information.log1mexp,),
        reference=lambda x: np.log(-np.expm1(-x)),
        points=(Point((0.0,), (INF,)), Point((1000.0,), (0.0,), (0.0,))),
    ),
    Case("logit_of_sigmoid", lambda x: special.logit(special.sigmoid(x)), (INSIDE,), reference=lambda x: x),
]
