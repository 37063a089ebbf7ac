"""Rows for autodiff/ops/shapes.py and autodiff/ops/diagonals.py."""

import numpy as np

import autodiff as ad
from autodiff.ops import diagonals, shapes
from tests.op_cases.case import ANY, MATRICES, REAL, WITH_AXES, Case, an_axis

ONE = [(s,) for s in ANY]
AXES = [(s,) for s in WITH_AXES]
CUBES = [((2, 3),), ((2, 1, 2),), ((1, 3, 2),), ((2, 0, 1),)]


def regrouped(pick, shape):
    """Another shape for as many entries."""
    n = int(np.prod(shape, dtype=int))
    return {
        "shape": pick([(n,), n, (1, n), (n, 1), *([-1] if n else []), *([(2, -1)] if n and n % 2 == 0 else []), shape])
    }


def permuted(pick, shape):
    """A permutation of the axes."""
    n = len(shape)
    orders = [None, tuple(range(n)), tuple(range(n))[::-1]]
    return {"axes": pick(orders + ([(1, 0, 2), (2, 0, 1), (-1, 0, 1)] if n == 3 else []))}


def flipped(pick, shape):
    n = len(shape)
    return {"axis": pick([None, *range(n), *range(-n, 0), *([(0, -1)] if n > 1 else [])])}


def rolled(pick, shape):
    n = len(shape)
    keywords = [{"shift": 1}, {"shift": -2}]
    keywords += [{"shift": 1, "axis": i} for i in range(-n, n)]
    keywords += [{"shift": (1, -1), "axis": (0, 1)}, {"shift": 2, "axis": (0, 1)}] if n > 1 else []
    return pick(keywords)


def larger(pick, shape):
    """Shapes that this one broadcasts to."""
    return {"shape": pick([shape, (2, *shape), tuple(4 if n == 1 else n for n in shape), (0, *shape)])}


def one(name, fn, *primitives, shapes_=ONE, keywords=None, numpy=(), **more):
    return Case(name, fn, (REAL,), primitives, numpy, shapes=shapes_, keywords=keywords, analytic=True, **more)


SPREADING = [
    one("spread", shapes.spread, shapes.spread, keywords=larger, reference=np.broadcast_to),
    one("broadcast_to", np.broadcast_to, shapes.spread, keywords=larger),
    Case("broadcast_arrays", np.broadcast_arrays, (REAL, REAL), (shapes.spread,)),
]

FILLING = [
    Case(
        "full_like",
        lambda v, **how: np.full_like(ad.Tensor(np.zeros((2, 3))), v, **how),
        (REAL,),
        (shapes.spread,),
        (np.full_like,),
        shapes=[((),), ((3,),), ((2, 1),)],
        keywords=lambda pick, s: pick([{}, {"dtype": np.float32}, {"shape": (4, 2, 3)}]),
        reference=lambda v, **how: np.full_like(np.zeros((2, 3)), v, **how),
        rtol=1e-6,  # for the sake of float32
    ),
]

RESHAPING = [
    # positional: NumPy 2.0 calls the keyword `newshape`
    one("reshape", lambda x, shape: np.reshape(x, shape), shapes.reshape_to, keywords=regrouped, numpy=(np.reshape,)),
    one("reshape_method", lambda x, shape: x.reshape(shape), shapes.reshape_to, keywords=regrouped),
    one("ravel", np.ravel, shapes.reshape_to),
    one("squeeze", np.squeeze, shapes.reshape_to),
    one("squeeze_axis", lambda x: np.squeeze(x, 1), shapes.reshape_to, shapes_=[((3, 1),), ((2, 1, 2),)]),
    one(
        "expand_dims",
        np.expand_dims,
        shapes.reshape_to,
        keywords=lambda pick, s: {"axis": pick([0, -1, len(s), (0, -1)])},
    ),
    *(one(f.__name__, f, shapes.reshape_to) for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d)),
]

PERMUTING = [
    one("transpose", np.transpose, shapes.permute, keywords=permuted),
    one("T", lambda x: x.T, shapes.permute),
    one(
        "swapaxes",
        np.swapaxes,
        shapes.permute,
        shapes_=AXES,
        keywords=lambda pick, s: {"axis1": an_axis(pick, s), "axis2": an_axis(pick, s)},
    ),
    one(
        "matrix_transpose",
        np.matrix_transpose,
        shapes.permute,
        numpy=(np.linalg.matrix_transpose,),
        shapes_=[(s,) for s in MATRICES],
    ),
    one("linalg_matrix_transpose", np.linalg.matrix_transpose, shapes.permute, shapes_=[(s,) for s in MATRICES]),
    one(
        "moveaxis",
        np.moveaxis,
        shapes.permute,
        shapes_=CUBES,
        keywords=lambda pick, s: pick([{"source": 0, "destination": -1}, {"source": (0, 1), "destination": (1, 0)}]),
    ),
    one(
        "rollaxis",
        np.rollaxis,
        shapes.permute,
        shapes_=CUBES,
        keywords=lambda pick, s: {"axis": an_axis(pick, s), "start": pick(range(-len(s), len(s) + 1))},
    ),
]

TURNING = [
    one("flip", np.flip, shapes.flip_axes, keywords=flipped),
    one("fliplr", np.fliplr, shapes.flip_axes, shapes_=CUBES),
    one("flipud", np.flipud, shapes.flip_axes, shapes_=AXES),
    one(
        "rot90",
        np.rot90,
        shapes_=CUBES,
        keywords=lambda pick, s: {"k": pick(range(-1, 4)), "axes": pick([(0, 1), (1, 0)])},
    ),
    one("roll", np.roll, shapes.rotate, keywords=rolled),
]

TYPES = [
    Case("astype_double", lambda x: x.astype(np.float64), (REAL,), (shapes.cast,), shapes=ONE),
    *(
        Case(
            "astype_of_numpy",
            lambda x: np.astype(x, np.float32),
            (REAL,),
            (shapes.cast,),
            (np.astype,),
            shapes=[s for s in ONE if s != ((),)],  # NumPy 2.0 refuses scalars
            rtol=1e-6,
        )
        for _ in [0]
        if hasattr(np, "astype")
    ),
    Case("astype_complex", lambda x: x.astype(np.complex128) * (1 + 2j), (REAL,), (shapes.cast,), shapes=ONE),
]

DIAGONALS = [
    one(
        "diagonal",
        np.diagonal,
        diagonals.diagonal_of,
        shapes_=CUBES,
        keywords=lambda pick, s: pick(
            [{}, {"offset": 1}, {"offset": -1}, {"axis1": 1, "axis2": 0}, {"axis1": -1, "axis2": 0}]
        ),
    ),
    one(
        "linalg_diagonal",
        np.linalg.diagonal,
        diagonals.diagonal_of,
        shapes_=[(s,) for s in MATRICES],
        keywords=lambda pick, s: {"offset": pick([0, 1, -1])},
    ),
    one("trace", np.trace, diagonals.diagonal_of, shapes_=CUBES, keywords=lambda pick, s: {"offset": pick([0, 1])}),
    one(
        "linalg_trace",
        np.linalg.trace,
        diagonals.diagonal_of,
        shapes_=[(s,) for s in MATRICES],
        keywords=lambda pick, s: {"offset": pick([0, 1])},
    ),
    one(
        "diag_of_matrix",
        np.diag,
        diagonals.diagonal_of,
        shapes_=[((2, 3),), ((3, 3),), ((0, 2),)],
        keywords=lambda pick, s: {"k": pick([0, 1, -1])},
    ),
    one(
        "diag_of_vector",
        np.diag,
        diagonals.embed_diagonal,
        shapes_=[((3,),), ((1,),), ((0,),)],
        keywords=lambda pick, s: {"k": pick([0, 1, -2])},
    ),
    one("diagflat", np.diagflat, diagonals.embed_diagonal, keywords=lambda pick, s: {"k": pick([0, 1])}),
    one("tril", np.tril, shapes_=CUBES, keywords=lambda pick, s: {"k": pick([0, 1, -1])}),
    one("triu", np.triu, shapes_=CUBES, keywords=lambda pick, s: {"k": pick([0, 1, -1])}),
]

CASES = [*SPREADING, *FILLING, *RESHAPING, *PERMUTING, *TURNING, *TYPES, *DIAGONALS]
