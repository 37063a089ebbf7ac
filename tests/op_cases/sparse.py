"""Rows for autodiff/ops/sparse.py."""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from autodiff.ops import sparse
from tests.op_cases.case import REAL, Case

DENSE = np.array([[4.0, 1.0, 0.0], [0.0, 5.0, -1.0], [2.0, 0.0, 6.0]])
PATTERNS = [sparse._taken(make(DENSE), None, "a row")[1] for make in (scipy.sparse.csr_array, scipy.sparse.coo_array)]
WIDE = sparse._taken(scipy.sparse.csc_array(DENSE[:2]), None, "a row")[1]
ON_DIAGONAL = 4.0 * (PATTERNS[0].rows == PATTERNS[0].columns)
FACTORS = scipy.sparse.linalg.splu(scipy.sparse.csc_array(DENSE))


def dense(data, pattern):
    full = np.zeros(pattern.shape, data.dtype)
    full[pattern.rows, pattern.columns] = data
    return full


def regular(data):
    """Stored values of a matrix that can be inverted."""
    return np.sin(data) + ON_DIAGONAL


def row_of_solutions(name, solver, pattern=PATTERNS[0]):
    return Case(
        name,
        lambda data, b: sparse.solution(regular(data), b, pattern=pattern, solver=solver),
        (REAL, REAL),
        (sparse.solution,),
        shapes=[((6,), (3,)), ((6,), (3, 2))],
        reference=lambda data, b: np.linalg.solve(dense(regular(data), pattern), b),
        distinct=True,
    )


CASES = [
    *(
        Case(
            name,
            lambda data, x, pattern=pattern: sparse.product(data, x, pattern=pattern),
            (REAL, REAL),
            (sparse.product,),
            shapes=[((len(pattern.rows),), (3,)), ((len(pattern.rows),), (3, 2)), ((len(pattern.rows),), (3, 0))],
            reference=lambda data, x, pattern=pattern: dense(data, pattern) @ x,
        )
        for name, pattern in (("sparse_csr", PATTERNS[0]), ("sparse_coo", PATTERNS[1]), ("sparse_wide", WIDE))
    ),
    row_of_solutions("sparse_solve", None),
    row_of_solutions("sparse_solve_coo", None, PATTERNS[1]),
    row_of_solutions("sparse_solve_by_function", lambda a, b: np.linalg.solve(a.toarray(), b)),
    Case(
        "sparse_factors",
        lambda b: sparse.solved_by_factors(np.multiply(b, np.float64(1.0)), factors=FACTORS, trans="N"),
        (REAL,),
        (sparse.solved_by_factors,),
        shapes=[((3,),), ((3, 2),)],
        reference=lambda b: np.linalg.solve(DENSE, np.asarray(b, float)),
        distinct=True,
    ),
]
