"""Rows for autodiff/ops/determinants.py."""

import numpy as np

from autodiff.ops import determinants as det
from tests.op_cases.case import COMPLEX, REAL, Case, Point
from tests.op_cases.well_conditioned import COMPLEX_REGULAR, EMPTY, REGULAR, SQUARE

TWICE = [((2, 2), (2, 2)), ((3, 3), (3, 3)), ((1, 1), (1, 1)), ((2, 3, 3), (2, 3, 3)), ((4, 4), (4, 4))]


def plain_cofactors(a):
    return (np.linalg.det(a)[..., None, None] * np.linalg.inv(a)).swapaxes(-1, -2)


def plain_slope(a, m):
    """By the formula for regular matrices."""
    x = np.linalg.inv(a)
    trace = np.trace(x @ m, axis1=-2, axis2=-1)[..., None, None]
    return (np.linalg.det(a)[..., None, None] * (trace * x - x @ m @ x)).swapaxes(-1, -2)


CASES = [
    Case(
        "det",
        np.linalg.det,
        (REGULAR,),
        (det.determinant,),
        shapes=[*SQUARE, ((4, 4),), *EMPTY],
        analytic=True,
        distinct=True,
        points=(Point((np.zeros((3, 3)),), (np.zeros((3, 3)),), (np.zeros((3, 3)),)),),
    ),
    Case("complex_det", np.linalg.det, (COMPLEX_REGULAR,), (det.determinant,), shapes=SQUARE, distinct=True),
    Case(
        "cofactors",
        det.cofactors,
        (REGULAR,),
        (det.cofactors,),
        shapes=SQUARE,
        reference=plain_cofactors,
        distinct=True,
    ),
    Case(
        "complex_cofactors",
        det.cofactors,
        (COMPLEX_REGULAR,),
        (det.cofactors,),
        shapes=SQUARE,
        reference=plain_cofactors,
        distinct=True,
    ),
    Case(
        "cofactors_slope",
        det.cofactors_slope,
        (REGULAR, REAL),
        (det.cofactors_slope,),
        shapes=TWICE,
        reference=plain_slope,
        distinct=True,
    ),
    Case(
        "complex_cofactors_slope",
        det.cofactors_slope,
        (COMPLEX_REGULAR, COMPLEX),
        (det.cofactors_slope,),
        shapes=TWICE[:2],
        reference=plain_slope,
        distinct=True,
    ),
    Case(
        "slogdet",
        np.linalg.slogdet,
        (REGULAR,),
        (det.log_abs_determinant, det.sign_of_determinant),
        shapes=[*SQUARE, *EMPTY],
        distinct=True,
    ),
    Case(
        "complex_slogdet",
        np.linalg.slogdet,
        (COMPLEX_REGULAR,),
        (det.log_abs_determinant, det.phase_of_determinant),
        shapes=SQUARE,
        distinct=True,
    ),
]
