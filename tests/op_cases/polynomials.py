"""Rows for autodiff/ops/polynomials.py."""

import numpy as np

import autodiff as ad
from autodiff.ops import elementwise, indexing, joining, sequences, spectra
from tests.op_cases.case import ANY, COMPLEX, DISTINCT, NONZERO, POSITIVE, REAL, Case, Interval, Point

PAIRS = [((3,), (3,)), ((2,), (4,)), ((4,), (1,)), ((), (2,)), ((1,), ())]
"""Coefficients of two polynomials."""


def pairs(fn, *primitives, domain=REAL, more="", shapes=PAIRS, **how):
    return Case(f"{fn.__name__}{more}", fn, (domain, domain), primitives, (fn,), shapes=shapes, **how)


def divided(u, v):
    """Quotient and remainder as one array. Where the remainder begins hangs on rounding, where it ends does not."""
    quotient, rest = np.polydiv(u, v)
    return np.concatenate([quotient, rest[-1:]])


ARITHMETIC = [
    pairs(np.polyadd, indexing.index_add, analytic=True),
    pairs(np.polysub, indexing.index_add, analytic=True),
    pairs(np.polymul, sequences.convolve_full, domain=NONZERO, analytic=True),
    pairs(np.polymul, sequences.convolve_full, domain=COMPLEX, more="_of_complex"),
    Case(
        "polymul_with_leading_zeros",
        lambda a, b: np.polymul(np.concatenate([np.zeros(2, a.dtype), a]), b),
        (NONZERO, NONZERO),
        (sequences.convolve_full,),
        shapes=[((3,), (2,))],
    ),
    *(
        Case(
            name,
            divided,
            (domain, domain),
            (joining.concatenate_all,),
            (np.polydiv,),
            shapes=[((4,), (2,)), ((3,), (3,)), ((5,), (2,)), ((3,), (1,)), ((2,), (4,)), ((2,), ())],
        )
        for name, domain in [("polydiv", NONZERO), ("polydiv_of_complex", COMPLEX)]
    ),
]

VALUES = [
    Case(
        "polyval",
        np.polyval,
        (REAL, REAL),
        (elementwise.multiply,),
        shapes=[((3,), s) for s in ANY] + [((1,), (2,)), ((4,), ())],
        analytic=True,
        points=(Point((np.array([1.0, 2.0, 3.0]), 0.0), (np.array([0.0, 0.0, 1.0]), 2.0), (np.zeros(3), 2.0)),),
    ),
    Case(
        "polyval_of_complex",
        np.polyval,
        (COMPLEX, COMPLEX),
        (elementwise.multiply,),
        shapes=[((3,), (2,)), ((4,), ())],
    ),
    Case("polyval_of_real_and_complex", np.polyval, (REAL, COMPLEX), (), shapes=[((3,), (2,)), ((4,), ())]),
]


def times(pick, *shapes):
    return {"m": pick([0, 1, 2])}


CALCULUS = [
    Case("polyder", np.polyder, (REAL,), (), shapes=[((4,),), ((3,),), ((2,),)], keywords=times, analytic=True),
    Case("polyint", np.polyint, (REAL,), (), shapes=[((3,),), ((1,),)], keywords=times, analytic=True),
    Case(
        "polyint_with_constants",
        lambda k: np.polyint(ad.Tensor([1.0, 2.0, 3.0]), 2, k),  # NumPy hands over to a Tensor in the first place
        (REAL,),
        (joining.concatenate_all,),
        (np.polyint,),
        shapes=[((2,),), ((),), ((1,),)],
        reference=lambda k: np.polyint([1.0, 2.0, 3.0], 2, k),
    ),
]

ZEROS = [
    Case("poly", np.poly, (REAL,), (sequences.convolve_full,), shapes=[((3,),), ((1,),), ((4,),)], analytic=True),
    Case("poly_of_complex", np.poly, (COMPLEX,), (sequences.convolve_full,), shapes=[((3,),), ((2,),)], distinct=True),
    Case(
        "poly_of_conjugates",
        lambda z: np.poly(np.concatenate([z, np.conj(z)])),
        (COMPLEX,),
        (sequences.convolve_full,),
        shapes=[((2,),), ((1,),)],
        distinct=True,
    ),
    Case(
        "poly_of_matrix",
        lambda x: np.poly(x * 0.2 + np.diag(np.arange(1, x.shape[0] + 1)).astype(x.dtype)),
        (Interval(-0.5, 0.5),),
        (sequences.convolve_full, spectra.real_eig_of),
        shapes=[((2, 2),), ((3, 3),)],
        distinct=True,
    ),
]

ROOTS = [
    Case(
        "roots",
        lambda zeros: np.sort(np.roots(np.poly(zeros))),
        (DISTINCT,),
        (spectra.real_eig_of,),
        (np.roots,),
        shapes=[((3,),), ((1,),)],
        distinct=True,
    ),
    Case(
        "roots_of_complex",
        lambda p: np.poly(np.roots(p)),
        (COMPLEX,),
        (),
        (np.roots,),
        shapes=[((3,),), ((4,),), ((2,),)],
        distinct=True,
    ),
    Case(
        "roots_and_zeros",
        lambda p: np.abs(np.roots(np.pad(p, (1, 2)))),
        (POSITIVE,),
        (),
        shapes=[((3,),), ((2,),), ((1,),)],
        distinct=True,
    ),
]

POWERS = [
    Case(
        "vander",
        np.vander,
        (NONZERO,),
        (joining.stack_all,),
        shapes=[((3,),), ((1,),), ((0,),)],
        keywords=lambda pick, s: {"N": pick([None, 1, 4]) if s != (0,) else 2, "increasing": pick([False, True])},
        analytic=True,
        points=(Point((np.array([0.0, 1.0]),), (np.array([1.0, 6.0]),), (np.array([2.0, 8.0]),), {"N": 4}),),
    ),
    Case("vander_of_complex", np.vander, (COMPLEX,), (joining.stack_all,), shapes=[((3,),)]),
]


def fitted(pick, *shapes):
    return {"deg": pick([0, 1, 2])}


FITS = [
    Case(
        "polyfit",
        lambda x, y, deg: np.polyfit(np.cumsum(np.abs(x) + 0.3), y, deg),
        (POSITIVE, DISTINCT),
        (),
        (np.polyfit,),
        shapes=[((4,), (4,)), ((5,), (5, 2))],
        keywords=fitted,
        distinct=True,
    ),
    Case(
        "polyfit_with_weights",
        lambda y, w, deg: np.polyfit(np.array([-1.0, 0.0, 0.7, 2.0], w.dtype), y, deg, w=w),
        (DISTINCT, POSITIVE),
        (),
        (np.polyfit,),
        shapes=[((4,), (4,)), ((4, 2), (4,))],
        keywords=fitted,
        distinct=True,
    ),
]

CASES = [*ARITHMETIC, *VALUES, *CALCULUS, *ZEROS, *ROOTS, *POWERS, *FITS]
