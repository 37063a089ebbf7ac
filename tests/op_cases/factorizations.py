"""Rows for autodiff/ops/factorizations.py."""

import numpy as np

from autodiff.ops import factorizations as fac
from tests.op_cases.case import COMPLEX, REAL, Case
from tests.op_cases.well_conditioned import (
    COMPLEX_POSITIVE_DEFINITE,
    EMPTY,
    POSITIVE_DEFINITE,
    SQUARE,
    ComplexDominant,
    Dominant,
)


def made_positive(a):
    """A positive definite matrix from any."""
    return a @ np.conj(a.swapaxes(-1, -2)) + np.eye(a.shape[-2], dtype=np.finfo(a.dtype).dtype)


CHOLESKY = [
    Case(
        name,
        np.linalg.cholesky,
        (domain,),
        (fac.lower_factor,),
        shapes=[*SQUARE, *EMPTY] if name == "cholesky" else SQUARE,
        keywords=lambda pick, s: {"upper": pick([False, True])},
        distinct=True,
    )
    for name, domain in [("cholesky", POSITIVE_DEFINITE), ("complex_cholesky", COMPLEX_POSITIVE_DEFINITE)]
] + [
    Case(
        name,
        lambda a: np.linalg.cholesky(made_positive(a)),
        (domain,),
        (fac.lower_factor,),
        shapes=[((2, 2),), ((3, 2),), ((2, 3, 3),)],
    )
    for name, domain in [("cholesky_of_a_product", REAL), ("complex_cholesky_of_a_product", COMPLEX)]
]


def qr_keywords(pick, shape):
    *_, m, n = shape
    return {"mode": pick(["reduced", "r", "complete"] if m <= n else ["reduced", "r"])}


QR = [
    Case(
        name,
        np.linalg.qr,
        (domain,),
        (fac.tall_factors,),
        shapes=[((3, 2),), ((3, 3),), ((3, 4),), ((1, 1),), ((2, 3, 2),), ((2, 3, 5),), ((4, 1),)],
        keywords=qr_keywords,
        distinct=True,
    )
    for name, domain in [("qr", Dominant()), ("complex_qr", ComplexDominant())]
]

CASES = [*CHOLESKY, *QR]
