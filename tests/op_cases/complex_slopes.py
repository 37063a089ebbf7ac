"""Rows for autodiff/ops/complex_slopes.py: the functions that have those slopes, and the slopes themselves."""

import numpy as np

from autodiff.ops import complex_slopes as cs
from autodiff.ops import elementwise as ew
from tests.op_cases.case import Case, Complex

INSIDE = Complex(0.3, 0.85)
OUTSIDE = Complex(1.3, 2.0)
"""Away from the cuts of arcsin and its kin, and from that of arccosh."""

FUNCTIONS = [
    Case(f"complex_{f.__name__}", f, (domain,), (p,))
    for f, domain, p in [
        (np.tan, INSIDE, ew.tan),
        (np.tanh, INSIDE, ew.tanh),
        (np.arcsin, INSIDE, ew.arcsin),
        (np.arccos, INSIDE, ew.arccos),
        (np.arcsinh, INSIDE, ew.arcsinh),
        (np.arccosh, OUTSIDE, ew.arccosh),
        (np.arctan, INSIDE, ew.arctan),
        (np.arctanh, INSIDE, ew.arctanh),
    ]
]

SLOPES = [
    Case(p.name, p, (domain,), (p,), reference=reference)
    for p, domain, reference in [
        (cs.inverse_square_of_cos, INSIDE, lambda z: 1 / np.cos(z) ** 2),
        (cs.inverse_square_of_cosh, INSIDE, lambda z: 1 / np.cosh(z) ** 2),
        (cs.root_of_one_minus_square, INSIDE, lambda z: np.sqrt(1 - z * z)),
        (cs.root_of_one_plus_square, INSIDE, lambda z: np.sqrt(1 + z * z)),
        (cs.root_of_square_minus_one, OUTSIDE, lambda z: np.sqrt(z - 1) * np.sqrt(z + 1)),
    ]
]

CASES = [*FUNCTIONS, *SLOPES]
