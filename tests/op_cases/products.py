"""Rows for autodiff/ops/products.py and autodiff/ops/contractions.py."""

import numpy as np

from autodiff.ops import contractions, products
from tests.op_cases.case import COMPLEX, REAL, Case

MATMUL = [
    ((2, 3), (3, 2)),
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((1, 1), (1, 1)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 1)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 2)),
    ((2, 0), (0,)),
]
DOT = [((), (3,)), ((3,), ()), ((2, 3), (3,)), ((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (2, 3, 2)), ((3,), (2, 3, 1))]
EINSUM = [
    ("ij,jk->ik", ((2, 3), (3, 2))),
    ("ij,jk", ((2, 3), (3, 2))),
    ("i,i->", ((3,), (3,))),
    ("i,j->ij", ((2,), (3,))),
    ("ij,ij->i", ((2, 3), (2, 3))),
    ("...i,i...->...", ((2, 3), (3,))),
    ("...ij,...jk->...ik", ((2, 1, 3), (3, 2))),
    ("ij,kl->", ((2, 3), (1, 2))),
    ("ii,ij->j", ((3, 3), (3, 2))),
    ("iij,j->i", ((2, 2, 3), (3,))),
    ("ij,j->ij", ((2, 1), (3,))),
    ("i j , j", ((0, 3), (3,))),
]
EINSUM_OF_ONE = [
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("iij->ji", (2, 2, 3)),
    ("...i->...", (2, 3)),
    ("iii->i", (2, 2, 2)),
    ("i->i", (0,)),
]


def two(name, fn, *primitives, shapes, keywords=None, analytic=True):
    return Case(name, fn, (REAL, REAL), primitives, shapes=shapes, keywords=keywords, analytic=analytic)


def fitting(table):
    """Subscripts for operands of the chosen shapes."""
    return lambda pick, *shapes: {"subscripts": pick([s for s, t in table if t in (shapes, shapes[0])])}


def outer_ufunc(a, b):
    return np.multiply.outer(a, b)


PRODUCTS = [
    two("matmul", np.matmul, products.matmul, shapes=MATMUL),
    two("matmul_operator", lambda a, b: a @ b, products.matmul, shapes=MATMUL),
    two(
        "linalg_matmul",
        np.linalg.matmul,
        products.matmul,
        shapes=[s for s in MATMUL if len(s[0]) > 1 and len(s[1]) > 1],
    ),
    two("dot", np.dot, shapes=DOT),
    two("inner", np.inner, shapes=[((), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((3,), (3,)), ((2, 3), (2, 1, 3))]),
    Case("vdot", np.vdot, (REAL, REAL), (products.matmul,), shapes=[((3,), (3,)), ((2, 3), (2, 3))]),
    two("outer", np.outer, shapes=[((2,), (3,)), ((2, 2), (3,)), ((0,), (2,))]),
    two("linalg_outer", np.linalg.outer, shapes=[((2,), (3,)), ((1,), (0,))]),
    two("multiply_outer", outer_ufunc, shapes=[((2,), (3,)), ((), (2,)), ((2, 2), (1, 3))]),
    two(
        "tensordot",
        np.tensordot,
        shapes=[((2, 3), (2, 3)), ((3, 2, 2), (2, 2, 3))],
        keywords=lambda pick, a, b: pick(
            [{}, {"axes": 0}] if a == b else [{}, {"axes": 1}, {"axes": ((1, 0), (0, 2))}, {"axes": (-1, 0)}]
        ),
    ),
    two("linalg_tensordot", np.linalg.tensordot, shapes=[((2, 3), (2, 3))]),
    # these two and vecmat conjugate an operand: not analytic
    two(
        "vecdot",
        np.vecdot,
        shapes=[((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (2, 3)), ((2, 0), (0,))],
        analytic=False,
    ),
    two(
        "linalg_vecdot",
        np.linalg.vecdot,
        shapes=[((2, 3), (2, 3))],
        keywords=lambda pick, a, b: {"axis": pick([-1, 0])},
        analytic=False,
    ),
    *(
        two(name, getattr(np, name), products.matmul, shapes=shapes, analytic=name == "matvec")
        for name, shapes in [
            ("matvec", [((2, 3), (3,)), ((2, 2, 3), (3,)), ((2, 3), (4, 3))]),
            ("vecmat", [((3,), (3, 2)), ((4, 3), (3, 2)), ((2, 3), (2, 3, 1))]),
        ]
        if hasattr(np, name)
    ),
    Case("complex_matmul", np.matmul, (COMPLEX, COMPLEX), (products.matmul,), shapes=[((2, 3), (3, 2)), ((3,), (3,))]),
    Case("complex_vdot", np.vdot, (COMPLEX, COMPLEX), (products.matmul,), shapes=[((3,), (3,))]),
]

CONTRACTIONS = [
    Case(
        "einsum",
        lambda a, b, subscripts: np.einsum(subscripts, a, b),
        (REAL, REAL),
        (contractions.einsum_of,),
        (np.einsum,),
        shapes=[shapes for _, shapes in EINSUM],
        keywords=fitting(EINSUM),
        analytic=True,
    ),
    Case(
        "einsum_of_one",
        lambda a, subscripts: np.einsum(subscripts, a),
        (REAL,),
        (contractions.einsum_of,),
        shapes=[(shape,) for _, shape in EINSUM_OF_ONE],
        keywords=fitting(EINSUM_OF_ONE),
        analytic=True,
    ),
    Case(
        "einsum_of_three",
        lambda a, b, c: np.einsum("ij,jk,k->i", a, b, c),
        (REAL, REAL, REAL),
        (contractions.einsum_of,),
        shapes=[((2, 3), (3, 2), (2,))],
        analytic=True,
    ),
    Case(
        "einsum_by_numbers",
        lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]),
        (REAL, REAL),
        (contractions.einsum_of,),
        shapes=[((2, 3), (3, 2))],
        analytic=True,
    ),
    Case(
        "embed_letters",
        contractions.embed_letters,
        (REAL,),
        (contractions.embed_letters,),
        shapes=[((2, 3),)],
        keywords=lambda pick, s: {"subscripts": "iji->ij", "shape": (2, 3, 2)},
        reference=lambda v, subscripts, shape: np.einsum("ij,ik->ijk", v, np.eye(2, dtype=v.dtype)),
    ),
]

CASES = [*PRODUCTS, *CONTRACTIONS]
