"""Rows for autodiff/ops/gamma_remainders.py: against the formulas that cancel, where they do not cancel much."""

import math

import numpy as np
from scipy import special as scipy_special

from autodiff.ops import gamma_remainders as gr
from tests.op_cases.case import Case, Interval, Point


def stirling(x, n):
    x = np.asarray(x, float)
    if n == 0:
        y = scipy_special.gammaln(x) - (x - 0.5) * np.log(x) + x - 0.5 * math.log(2 * math.pi)
    elif n == 1:
        y = scipy_special.digamma(x) - np.log(x) + 0.5 / x
    else:
        leading = math.factorial(n - 2) / x ** (n - 1) + math.factorial(n - 1) / (2 * x**n)
        y = scipy_special.polygamma(n - 1, x) - (-1) ** n * leading
    return y


def as_given(f):
    """In the type of the operands."""
    return lambda *xs, **how: np.asarray(f(*xs, **how)).astype(np.result_type(*xs))[()]


CASES = [
    Case(
        "stirling_remainder",
        gr.stirling,
        (Interval(0.3, 4.0),),
        (gr.stirling,),
        keywords=lambda pick, s: {"n": pick([0, 1, 2])},
        reference=as_given(stirling),
        points=(
            Point((1e8,), (-1 / 12e16,), None, {"n": 0}),
            Point((1e4,), (1 / 6e12 * (1 - 1 / 5e8),), None, {"n": 1}),
        ),
    ),
    Case(
        "log1p_less",
        gr.log1p_less,
        (Interval(-0.8, 3.0),),
        (gr.log1p_less,),
        reference=as_given(lambda x: np.log1p(np.asarray(x, float)) - x),
        points=(Point((0.0,), (0.0,), (-1.0,)), Point((1e-200,), (-1e-200,))),
    ),
    Case(
        "polygamma_rise",
        gr.polygamma_rise,
        (Interval(0.3, 4.0), Interval(0.3, 4.0)),
        (gr.polygamma_rise,),
        keywords=lambda pick, *s: {"n": pick([0, 1, 2])},
        reference=as_given(
            lambda a, b, n: (
                scipy_special.polygamma(n, np.asarray(a, float) + b) - scipy_special.polygamma(n, np.asarray(a, float))
            )
        ),
        points=(Point((1.0, 0.0), (0.0, math.pi**2 / 6), None, {"n": 0}),),
    ),
]
