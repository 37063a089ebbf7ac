"""Rows for autodiff/ops/joining.py."""

import numpy as np

from autodiff.ops import indexing, joining, shapes
from tests.op_cases.case import ANY, REAL, WITH_AXES, Case, along_axis

JOINED = [((3,), (2,)), ((2, 3), (2, 3)), ((1, 2), (3, 2)), ((0, 2), (2, 2)), ((1,), (1,))]
SAME = [(s, s) for s in ANY]


def of_list(fn):
    """A function of a list as a function of its members."""
    return lambda *xs, **keywords: fn(list(xs), **keywords)


def two(name, fn, *primitives, operands=SAME, keywords=None, numpy=(), **more):
    return Case(name, fn, (REAL, REAL), primitives, numpy, shapes=operands, keywords=keywords, analytic=True, **more)


def splitting(pick, shape):
    """One axis, and how many parts or where to cut."""
    axis = pick(range(len(shape)))
    n = shape[axis]
    cuts = [(1,), (1, 2), (0, n), (2, 1), (-1,)]
    return {"indices_or_sections": pick([m for m in (1, 2, 3) if n % m == 0] + cuts), "axis": axis}


def padding(pick, shape):
    """Keywords of pad."""
    n = len(shape)
    widths = [1, (2, 0), (0, 1)] + ([((1, 0),) * n] if n else [])
    return {"pad_width": pick(widths), "mode": pick(["constant", "edge", "wrap", "symmetric"])}


ENDS = [
    two(
        "concatenate",
        of_list(np.concatenate),
        joining.concatenate_all,
        operands=JOINED,
        numpy=(np.concatenate,),
        keywords=lambda pick, a, b: {"axis": pick([0, -len(a)])},
    ),
    two(
        "concatenate_flat",
        of_list(np.concatenate),
        joining.concatenate_all,
        operands=SAME,
        keywords=lambda pick, a, b: {"axis": None},
    ),
    two(
        "concatenate_columns",
        of_list(np.concatenate),
        joining.concatenate_all,
        operands=[((2, 1), (2, 3)), ((2, 0, 2), (2, 1, 2))],
        keywords=lambda pick, a, b: {"axis": 1},
    ),
    Case(
        "concatenate_twice_the_same",
        lambda x: np.concatenate([x, x, np.ones(2)]),
        (REAL,),
        (joining.concatenate_all,),
        shapes=[((3,),), ((0,),)],
    ),
    two(
        "append",
        np.append,
        joining.concatenate_all,
        operands=JOINED,
        keywords=lambda pick, a, b: {"axis": pick([None, 0])},
    ),
    two("vstack", of_list(np.vstack), joining.concatenate_all, numpy=(np.vstack,)),
    two("hstack", of_list(np.hstack), joining.concatenate_all, numpy=(np.hstack,)),
    two("dstack", of_list(np.dstack), joining.concatenate_all, numpy=(np.dstack,)),
    two(
        "column_stack",
        of_list(np.column_stack),
        joining.concatenate_all,
        numpy=(np.column_stack,),
        operands=[((3,), (3,)), ((3,), (3, 2)), ((0,), (0, 1))],
    ),
    two(
        "block",
        lambda a, b: np.block([[a, b], [b, 2 * a]]),
        joining.concatenate_all,
        numpy=(np.block,),
        operands=[((2, 2), (2, 2)), ((1, 3), (1, 3)), ((), ())],
    ),
    *(
        Case(
            name,
            fn,
            (REAL,),
            (joining.split_at,),
            shapes=[((4,),), ((2, 3),), ((3, 0),), ((2, 2, 2),)],
            keywords=splitting,
            analytic=True,
        )
        for name, fn in [("split", np.split), ("array_split", np.array_split)]
    ),
    Case("split_one_part", lambda x: np.split(x, 2)[1], (REAL,), (joining.split_at,), shapes=[((4,),), ((2, 3),)]),
    *(
        Case(
            f.__name__, lambda x, f=f: f(x, 2), (REAL,), (joining.split_at,), (f,), shapes=[((2, 2, 2),), ((4, 2, 4),)]
        )
        for f in (np.vsplit, np.hsplit, np.dsplit)
    ),
    Case(
        "split_at",
        joining.split_at,
        (REAL,),
        (joining.split_at,),
        shapes=[((4,),)],
        keywords=lambda pick, s: {"sizes": pick([(1, 3), (0, 2, 2)]), "axis": 0},
        reference=lambda x, sizes, axis: np.split(x, np.cumsum(sizes)[:-1]),
    ),
]

NEW_AXES = [
    two(
        "stack",
        of_list(np.stack),
        joining.stack_all,
        numpy=(np.stack,),
        keywords=lambda pick, a, b: {"axis": pick([0, -1, len(a)])},
    ),
    Case(
        "unstack",
        joining.unstack,
        (REAL,),
        (joining.unstack_all,),
        (getattr(np, "unstack", None) and (np.unstack,)) or (),
        shapes=[(s,) for s in WITH_AXES if all(s)],
        keywords=along_axis,
        reference=lambda x, axis: [np.take(x, i, axis) for i in range(x.shape[axis])],
    ),
]

REPEATING = [
    Case(
        "tile",
        np.tile,
        (REAL,),
        shapes=[(s,) for s in ANY],
        analytic=True,
        keywords=lambda pick, s: {"reps": pick([2, (2,), (1, 2), (2, 1, 2), 0])},
    ),
    Case(
        "repeat",
        np.repeat,
        (REAL,),
        shapes=[(s,) for s in WITH_AXES],
        analytic=True,
        keywords=lambda pick, s: {"repeats": pick([2, 0]), "axis": pick([None, *range(-len(s), len(s))])},
    ),
    Case(
        "repeat_unevenly",
        np.repeat,
        (REAL,),
        shapes=[((3,),), ((3, 2),)],
        keywords=lambda pick, s: {"repeats": [2, 0, 1], "axis": 0},
    ),
    Case("ix_", np.ix_, (REAL, REAL), (shapes.reshape_to,), shapes=[((3,), (2,)), ((1,), (4,)), ((0,), (2,))]),
    Case(
        "meshgrid",
        np.meshgrid,
        (REAL, REAL),
        (shapes.spread,),
        shapes=[((3,), (2,)), ((1,), ()), ((0,), (2,))],
        keywords=lambda pick, a, b: {"indexing": pick(["xy", "ij"]), "sparse": pick([False, True])},
    ),
]

PADDING = [
    Case("pad", np.pad, (REAL,), shapes=[((3,),), ((2, 3),), ((2, 2, 1),)], keywords=padding),
    Case(
        "pad_reflect", lambda x: np.pad(x, 1, mode="reflect"), (REAL,), (indexing.gather,), shapes=[((3,),), ((2, 3),)]
    ),
    Case(
        "pad_constant",
        lambda x: np.pad(x, 1, constant_values=2.0),
        (REAL,),
        (indexing.index_add,),
        shapes=[((3,),), ((2, 3),), ((0,),)],
    ),
]

CASES = [*ENDS, *NEW_AXES, *REPEATING, *PADDING]
