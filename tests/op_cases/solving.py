"""Rows for autodiff/ops/solving.py."""

import numpy as np

from autodiff.ops import solving
from tests.op_cases.case import COMPLEX, REAL, Case
from tests.op_cases.well_conditioned import (
    COMPLEX_REGULAR,
    EMPTY,
    RECTANGLES,
    REGULAR,
    SQUARE,
)

SYSTEMS = [
    ((3, 3), (3, 2)),
    ((2, 2), (2,)),
    ((1, 1), (1, 3)),
    ((2, 3, 3), (2, 3, 1)),
    ((2, 3, 3), (3, 2)),
    ((3, 3), (2, 3, 2)),
    ((2, 1, 2, 2), (3, 2, 1)),
    ((2, 2), (2, 2)),
    ((2, 2, 2), (2, 2, 2)),
    ((0, 0), (0, 2)),
    ((2, 2), (2, 0)),
]
RANK = 1e-4
"""Of a product of rounded factors the smallest singular values are 0 up to rounding, in single precision too."""


INVERSES = [
    Case("inv", np.linalg.inv, (REGULAR,), (solving.inverse,), shapes=[*SQUARE, *EMPTY], analytic=True, distinct=True),
    Case("complex_inv", np.linalg.inv, (COMPLEX_REGULAR,), (solving.inverse,), shapes=SQUARE, distinct=True),
    Case(
        "tensorinv",
        lambda a, ind: np.linalg.tensorinv(a.reshape((2, 2, 4) if ind == 2 else (4, 2, 2)), ind),
        (REGULAR,),
        (solving.inverse,),
        (np.linalg.tensorinv,),
        shapes=[((4, 4),)],
        keywords=lambda pick, s: {"ind": pick([1, 2])},
        analytic=True,
        distinct=True,
    ),
    Case(
        "cond",
        np.linalg.cond,
        (REGULAR,),
        shapes=[s for s in SQUARE if s != ((1, 1),)],
        keywords=lambda pick, s: {"p": pick([None, 2, -2, "fro", "nuc"])},
        distinct=True,
    ),
    Case("cond_of_rectangles", np.linalg.cond, (REGULAR,), shapes=[((3, 2),), ((2, 3),)], distinct=True),
    Case("complex_cond", np.linalg.cond, (COMPLEX_REGULAR,), shapes=[((3, 3),), ((3, 2),)], distinct=True),
]

SOLUTIONS = [
    Case("solve", np.linalg.solve, (REGULAR, REAL), (solving.solution,), shapes=SYSTEMS, analytic=True, distinct=True),
    Case(
        "complex_solve",
        np.linalg.solve,
        (COMPLEX_REGULAR, COMPLEX),
        (solving.solution,),
        shapes=[((3, 3), (3, 2)), ((2, 2), (2,)), ((2, 3, 3), (3, 1))],
        distinct=True,
    ),
    Case(
        "solve_real_matrix_complex_side",
        np.linalg.solve,
        (REGULAR, COMPLEX),
        (solving.solution,),
        shapes=[((3, 3), (3, 2)), ((2, 2), (2,))],
        distinct=True,
    ),
    Case(
        "tensorsolve",
        lambda a, b, axes: np.linalg.tensorsolve(a.reshape((2, 2, 2, 2)), b, axes),
        (REGULAR, REAL),
        (solving.solution,),
        (np.linalg.tensorsolve,),
        shapes=[((4, 4), (2, 2))],
        # the axes in another order make another matrix of the same entries: these keep it regular
        keywords=lambda pick, a, b: {"axes": pick([None, (2,), (2, 3)])},
        analytic=True,
        distinct=True,
    ),
]

LEAST_SQUARES = [
    Case("pinv", np.linalg.pinv, (REGULAR,), (solving.pseudo_inverse,), shapes=[*RECTANGLES, ((0, 2),)], distinct=True),
    Case(
        "complex_pinv", np.linalg.pinv, (COMPLEX_REGULAR,), (solving.pseudo_inverse,), shapes=RECTANGLES, distinct=True
    ),
    Case(
        "pinv_at_constant_rank",
        lambda a, b: np.linalg.pinv(a @ b, RANK),
        (REGULAR, REGULAR),
        (solving.pseudo_inverse,),
        shapes=[((3, 2), (2, 4)), ((2, 3, 1), (1, 3)), ((3, 2), (2, 3))],
        distinct=True,
    ),
    Case(
        "complex_pinv_at_constant_rank",
        lambda a, b: np.linalg.pinv(a @ b, RANK),
        (COMPLEX_REGULAR, COMPLEX_REGULAR),
        (solving.pseudo_inverse,),
        shapes=[((3, 2), (2, 4))],
        distinct=True,
    ),
    Case(
        "lstsq",
        np.linalg.lstsq,
        (REGULAR, REAL),
        (solving.least_squares,),
        shapes=[((4, 2), (4, 3)), ((3, 2), (3,)), ((2, 3), (2, 2)), ((2, 2), (2,)), ((2, 2), (2, 2))],
        distinct=True,
    ),
    Case(
        "complex_lstsq",
        np.linalg.lstsq,
        (COMPLEX_REGULAR, COMPLEX),
        (solving.least_squares,),
        shapes=[((4, 2), (4, 3)), ((2, 3), (2,))],
        distinct=True,
    ),
    Case(
        "lstsq_at_constant_rank",
        lambda a, b, c: np.linalg.lstsq(a @ b, c, RANK)[0],
        (REGULAR, REGULAR, REAL),
        (solving.least_squares,),
        shapes=[((3, 2), (2, 4), (3, 2)), ((4, 1), (1, 2), (4,)), ((3, 2), (2, 3), (3,))],
        distinct=True,
    ),
]

MANY = [
    Case(
        "matrix_power",
        np.linalg.matrix_power,
        (REGULAR,),
        shapes=SQUARE,
        keywords=lambda pick, s: {"n": pick([2, 1, 3, 5, -1, -2, 0])},
        analytic=True,
        distinct=True,
    ),
    Case(
        "multi_dot",
        lambda *xs: np.linalg.multi_dot(xs),
        (REAL, REAL, REAL),
        numpy=(np.linalg.multi_dot,),
        shapes=[((2, 3), (3, 4), (4, 1)), ((3,), (3, 2), (2,)), ((4, 1), (1, 3), (3,)), ((2,), (2, 3), (3, 2))],
        analytic=True,
    ),
    Case(
        "multi_dot_of_many",
        lambda *xs: np.linalg.multi_dot(xs),
        (REAL,) * 5,
        shapes=[((2, 3), (3, 1), (1, 4), (4, 2), (2, 3)), ((2,), (2, 3), (3, 1), (1, 2), (2, 2))],
        analytic=True,
    ),
    Case(
        "multi_dot_of_two", lambda *xs: np.linalg.multi_dot(xs), (REAL, REAL), shapes=[((2, 3), (3, 2)), ((3,), (3,))]
    ),
]

CASES = [*INVERSES, *SOLUTIONS, *LEAST_SQUARES, *MANY]
