"""Rows for autodiff/ops/spectra.py; those of the norms it makes stand with the other norms."""

import numpy as np

from autodiff.ops import diagonals, spectra
from tests.op_cases.case import Case, Interval
from tests.op_cases.well_conditioned import (
    COMPLEX_REGULAR,
    EMPTY,
    HERMITIAN,
    RECTANGLES,
    REGULAR,
    SQUARE,
    SYMMETRIC,
    ComplexEigenvalues,
    RealEigenvalues,
    Turning,
    gauge_free,
)

BIG = [((2, 2),), ((3, 3),), ((2, 3, 3),)]
EVEN = [((2, 2),), ((4, 4),), ((2, 2, 2),)]
"""No real eigenvalue among complex ones: the slope of its imaginary part is 0, by rule only up to rounding."""


def triangle(pick, shape):
    return {"UPLO": pick(["L", "U", "l", "u"])}


def weighted(w, v):
    """Values, and what does not depend on the phase of a vector."""
    return w, gauge_free(v)


def plain_mirrored(a, triangle):
    other = np.conj(a.swapaxes(-1, -2))
    lower = np.tri(a.shape[-1], dtype=bool)
    return np.where(lower, a, other) if triangle == "L" else np.where(lower.T, a, other)


HERMITIAN_ROWS = [
    *(
        Case(
            name,
            diagonals.mirrored,
            (domain,),
            (diagonals.mirrored_of,),
            shapes=[*SQUARE, *EMPTY],
            keywords=lambda pick, s: {"triangle": pick(["L", "U"])},
            reference=plain_mirrored,
        )
        for name, domain in [("mirrored", REGULAR), ("complex_mirrored", COMPLEX_REGULAR)]
    ),
    Case(
        "eigh",
        np.linalg.eigh,
        (SYMMETRIC,),
        (spectra.eigh_of,),
        shapes=[*SQUARE, *EMPTY],
        distinct=True,
    ),
    Case(
        "eigh_of_a_triangle",
        np.linalg.eigh,
        (SYMMETRIC,),
        (spectra.eigh_of,),
        shapes=BIG,
        keywords=triangle,
        distinct=True,
    ),
    Case(
        "complex_eigh",
        lambda a: weighted(*np.linalg.eigh(a)),
        (HERMITIAN,),
        (spectra.eigh_of,),
        shapes=BIG,
        distinct=True,
    ),
    Case(
        "complex_eigh_of_a_triangle",
        lambda a, UPLO: weighted(*np.linalg.eigh(a, UPLO)),
        (HERMITIAN,),
        (spectra.eigh_of,),
        shapes=BIG,
        keywords=triangle,
        distinct=True,
    ),
    Case(
        "eigvalsh",
        np.linalg.eigvalsh,
        (SYMMETRIC,),
        (spectra.eigh_of,),
        shapes=[*SQUARE, *EMPTY],
        distinct=True,
    ),
    Case(
        "eigvalsh_of_a_triangle",
        np.linalg.eigvalsh,
        (HERMITIAN,),
        (spectra.eigh_of,),
        shapes=BIG,
        keywords=triangle,
        distinct=True,
    ),
]

EIG = [
    Case("eig", np.linalg.eig, (RealEigenvalues(),), (spectra.eig_of,), shapes=[*SQUARE, *EMPTY], distinct=True),
    Case("eigvals", np.linalg.eigvals, (RealEigenvalues(),), (spectra.eig_of,), shapes=SQUARE, distinct=True),
    Case("eigvals_in_pairs", np.linalg.eigvals, (Turning(),), (spectra.eig_of,), shapes=EVEN, distinct=True),
    Case(
        "eig_in_pairs",
        lambda a: weighted(*np.linalg.eig(a)),
        (Turning(),),
        (spectra.eig_of,),
        shapes=EVEN,
        distinct=True,
    ),
    Case(
        "complex_eig",
        lambda a: weighted(*np.linalg.eig(a)),
        (ComplexEigenvalues(),),
        (spectra.eig_of,),
        shapes=BIG,
        distinct=True,
    ),
    Case(
        "complex_eigvals", np.linalg.eigvals, (ComplexEigenvalues(),), (spectra.eig_of,), shapes=SQUARE, distinct=True
    ),
    Case(
        "basis_inverse",
        spectra.basis_inverse,
        (REGULAR,),
        (spectra.basis_inverse,),
        shapes=[*SQUARE, *EMPTY],
        reference=np.linalg.inv,
        analytic=True,
        distinct=True,
    ),
]


def full_or_not(pick, shape):
    *_, m, n = shape
    return {"full_matrices": pick([False, True] if m == n else [False])}


def free_of_phases(u, s, vh):
    """Of the vectors what does not depend on the phase that each pair shares."""
    first = np.conj(u[..., :1, :])
    return u * first, s, first.swapaxes(-1, -2).conj() * vh


SVD = [
    Case(
        "svd",
        np.linalg.svd,
        (REGULAR,),
        (spectra.svd_of,),
        shapes=[*RECTANGLES, *EMPTY],
        keywords=full_or_not,
        distinct=True,
    ),
    Case(
        "svd_of_values",
        np.linalg.svd,
        (REGULAR,),
        (spectra.svd_of,),
        shapes=RECTANGLES,
        keywords=lambda pick, s: {"compute_uv": False, "full_matrices": pick([True, False])},
        distinct=True,
    ),
    Case(
        "svd_of_symmetric_values",
        lambda a: np.linalg.svd((a + a.swapaxes(-1, -2)) / 2, compute_uv=False, hermitian=True),
        (SYMMETRIC,),
        (spectra.svd_of,),
        shapes=BIG,
        distinct=True,
    ),
    Case("svdvals", np.linalg.svdvals, (REGULAR,), (spectra.svd_of,), shapes=[*RECTANGLES, ((0, 2),)], distinct=True),
    Case(
        "complex_svd",
        lambda a: free_of_phases(*np.linalg.svd(a, full_matrices=False)),
        (COMPLEX_REGULAR,),
        (spectra.svd_of,),
        shapes=RECTANGLES,
        distinct=True,
    ),
    Case("complex_svdvals", np.linalg.svdvals, (COMPLEX_REGULAR,), (spectra.svd_of,), shapes=RECTANGLES, distinct=True),
]


def plain_polar(a):
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return u @ vh


def plain_sylvester(p, x):
    """By the Kronecker product."""
    p, one = p @ p.mT + np.eye(p.shape[-1]), np.eye(p.shape[-1])
    n = p.shape[-1]
    both = np.einsum("...ik,jl->...ijkl", p, one) + np.einsum("ik,...lj->...ijkl", one, p)
    flat = both.reshape((*p.shape[:-2], n * n, n * n))
    return np.linalg.solve(flat, x.reshape((*x.shape[:-2], n * n, 1))).reshape(x.shape)


NORMS = [
    *(
        Case(
            name,
            spectra.polar,
            (domain,),
            (spectra.polar_of_tall,),
            shapes=RECTANGLES,
            reference=plain_polar,
            distinct=True,
        )
        for name, domain in [("polar", REGULAR), ("complex_polar", COMPLEX_REGULAR)]
    ),
    Case(
        "sylvester",
        lambda p, x: spectra.sylvester(p @ p.mT + np.eye(p.shape[-1]), x),
        (SYMMETRIC, REGULAR),
        (spectra.sylvester,),
        shapes=[((2, 2), (2, 2)), ((3, 3), (3, 3)), ((2, 3, 3), (2, 3, 3))],
        reference=plain_sylvester,
        distinct=True,
    ),
    Case(
        "extreme_value",
        lambda s, last: spectra.extreme_value(-np.sort(-s), last=last, rtol=1e-6),
        (Interval(0.3, 3.0),),
        (spectra.extreme_value,),
        shapes=[((3,),), ((2, 4),), ((1,),)],
        keywords=lambda pick, s: {"last": pick([False, True])},
        reference=lambda s, last: s.min(-1) if last else s.max(-1),
        distinct=True,
    ),
]

CASES = [*HERMITIAN_ROWS, *EIG, *SVD, *NORMS]
