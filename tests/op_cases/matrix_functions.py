"""Rows for autodiff/ops/matrix_functions.py: functions of Hermitian matrices, their derivatives along directions."""

import numpy as np

from autodiff import special
from autodiff.ops import matrix_functions as mf
from tests.op_cases.case import Case
from tests.op_cases.well_conditioned import COMPLEX_REGULAR, EMPTY, HERMITIAN, REGULAR, SQUARE, SYMMETRIC

PAIRS = [(s, s) for s in [(2, 2), (3, 3), (2, 3, 3)]]


def sine(n, x):
    return (np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x))[n % 4](x)


def half(a):
    return (a + np.conj(np.swapaxes(a, -1, -2))) / 2


def by_vectors(a):
    w, v = np.linalg.eigh(half(a))
    return (v * np.sin(w)[..., None, :]) @ np.conj(np.swapaxes(v, -1, -2))


def along(a, e):
    return mf.matrix_derivative(half(a), e, slopes=sine, positive=False)


def along_by_vectors(a, e):
    """Daleckii and Krein's formula, where no eigenvalues are equal; in double precision, for it cancels."""
    w, v = np.linalg.eigh(half(a).astype(np.result_type(a, float)))
    adjoint = np.conj(np.swapaxes(v, -1, -2))
    one = np.eye(w.shape[-1])
    rates = (np.sin(w)[..., :, None] - np.sin(w)[..., None, :]) / (w[..., :, None] - w[..., None, :] + one)
    return (v @ ((rates + one * np.cos(w)[..., None, :]) * (adjoint @ e @ v)) @ adjoint).astype(np.result_type(a, e))


CASES = [
    Case(
        name,
        lambda a: special.matrix_function(np.sin, a),
        (domain,),
        (mf.matrix_derivative,),
        shapes=[*SQUARE, *EMPTY],
        reference=by_vectors,
        distinct=True,
    )
    for name, domain in [("matrix_function", SYMMETRIC), ("complex_matrix_function", HERMITIAN)]
] + [
    Case(
        name,
        along,
        domains,
        (mf.matrix_derivative,),
        shapes=PAIRS,
        reference=along_by_vectors,
        distinct=True,
    )
    for name, domains in [
        ("matrix_derivative", (SYMMETRIC, REGULAR)),
        ("complex_matrix_derivative", (HERMITIAN, COMPLEX_REGULAR)),
    ]
]
