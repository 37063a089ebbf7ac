"""Rows for autodiff/ops/indexing.py."""

import numpy as np

from autodiff.ops import indexing as ix
from tests.op_cases.case import ANY, DISTINCT, REAL, Case, Point, along_axis_or_none

FULL = slice(None)
TABLE = [((4, 3),), ((4, 3, 2),)]


def basic(pick, shape):
    """Integers, slices, new axes, an ellipsis."""
    n = len(shape)
    options = [Ellipsis, None, (), (None, Ellipsis), (Ellipsis, None)]
    if n:
        options += [
            slice(None, None, -1),
            slice(1, None),
            slice(None, -1),
            slice(None, None, 2),
            (FULL, None),
            slice(2, 1),
        ]
    if n and shape[0]:
        options += [0, -1, np.int64(0), (0, None), (Ellipsis, slice(None, None, -2))]
    if n > 1 and shape[0]:
        options += [(0, slice(1, None)), (None, 0, FULL), (slice(None, None, -1), slice(None, None, 2))]
    return {"index": pick(options)}


def advanced(pick, shape):
    """Arrays of integers and of truth values, alone and beside slices, with repetitions."""
    repeated, matrix, truth = np.array([0, 2, 2, -1]), np.array([[0, 1], [3, 0]]), np.array([True, False, True, True])
    options = [
        repeated,
        [3, 0, 0],
        matrix,
        truth,
        np.array([], dtype=int),
        [],
        (repeated, np.array([0, 1, 1, 2])),
        (repeated, 1),
        (matrix, slice(None, None, -1)),
        (FULL, np.array([2, 2, 0])),
        (slice(1, 3), [True, False, True]),
        (None, repeated),
        (repeated, None, FULL),
        (truth, 0),
        (Ellipsis, np.array([1, 1])),
        np.arange(shape[0] * shape[1]).reshape(shape[:2]) % 3 == 0,
    ]
    if len(shape) == 3:
        options += [(repeated, FULL, np.array([0, 1, 0, 1])), (0, FULL, np.array([1, 1])), (FULL, np.array([0, 0]), 1)]
    return {"index": pick(options)}


def set_at(x, v, index):
    """``x.at[index].set(v)`` for arrays and Tensors."""
    template, arrays = ix.split_index(index)
    return ix.at_set(x, v, *arrays, index=template)


def set_reference(x, v, index):
    out = np.array(x, dtype=np.result_type(x, v))
    out[index] = v
    return out


def add_at(v, index, shape):
    """Zeros with `v` added at an index."""
    template, arrays = ix.split_index(index)
    return ix.index_add(v, *arrays, index=template, shape=shape)


def add_reference(v, index, shape):
    out = np.zeros(shape, v.dtype)
    np.add.at(out, index, v)
    return out


def written(pick, x, v):
    """Indices for writing two numbers, or one to all places."""
    return {"index": pick([slice(0, 2), np.array([0, 2]), np.array([1, 1]), np.array([True, False, True])])}


READING = [
    Case(
        "getitem_basic",
        lambda x, index: x[index],
        (REAL,),
        (ix.gather,),
        shapes=[(s,) for s in ANY],
        keywords=basic,
        analytic=True,
    ),
    Case(
        "getitem_advanced",
        lambda x, index: x[index],
        (REAL,),
        (ix.gather,),
        shapes=TABLE,
        keywords=advanced,
        analytic=True,
        points=(
            Point(
                (np.ones((4, 3)),),
                (np.array([[1.0] * 3, [0] * 3, [2] * 3, [1] * 3]),),
                keywords={"index": [0, 2, 2, -1]},
            ),
        ),
    ),
    Case(
        "take",
        np.take,
        (REAL,),
        (ix.gather,),
        shapes=[((3,),), ((3, 2),), ((3, 2, 3),)],
        analytic=True,
        keywords=lambda pick, s: {
            "indices": pick([0, -1, [1, 0, 1], np.array([[0, 1], [1, 1]])]),
            "axis": pick([None, *range(-len(s), len(s))]),
        },
    ),
    Case(
        "take_modes",
        np.take,
        (REAL,),
        (ix.gather,),
        shapes=[((3,),), ((3, 2),)],
        keywords=lambda pick, s: {"indices": [5, -4, 1], "axis": 0, "mode": pick(["clip", "wrap"])},
    ),
    Case(
        "take_along_axis",
        np.take_along_axis,
        (REAL,),
        (ix.gather,),
        shapes=[((3,),), ((2, 3),)],
        keywords=lambda pick, s: {
            "indices": np.array([[2, 0, 2]] * 2) if len(s) == 2 else np.array([2, 0, 0]),
            "axis": -1,
        },
    ),
    Case(
        "compress",
        lambda x, **axis: np.compress([True, False, True], x, **axis),
        (REAL,),
        (ix.gather,),
        (np.compress,),
        shapes=[((3,),), ((3, 2),)],
        keywords=lambda pick, s: {"axis": pick([None, 0])},
    ),
    Case(
        "extract",
        lambda x: np.extract(np.arange(6).reshape(2, 3) % 2 == 0, x),
        (REAL,),
        (ix.gather,),
        (np.extract,),
        shapes=[((2, 3),)],
    ),
    Case(
        "delete",
        np.delete,
        (REAL,),
        (ix.gather,),
        shapes=[((3,),), ((3, 2),)],
        keywords=lambda pick, s: {"obj": pick([1, [0, -1], slice(0, 2)]), "axis": pick([None, 0])},
    ),
]

WRITING = [
    Case(
        "index_add",
        add_at,
        (REAL,),
        (ix.index_add,),
        shapes=[((2,),), ((2, 3),)],
        reference=add_reference,
        keywords=lambda pick, s: {
            "index": pick([np.array([1, 1]), np.array([0, 3]), slice(1, 3)]),
            "shape": (4, *s[1:]),
        },
    ),
    Case(
        "at_set",
        set_at,
        (REAL, REAL),
        (ix.at_set,),
        shapes=[((3,), (2,)), ((3, 2), (2, 2)), ((3,), ()), ((3, 2), (2,))],
        keywords=written,
        reference=set_reference,
        points=(
            Point(
                (np.zeros(3), np.array([5.0, 7.0])),
                (np.array([1.0, 0, 1]), np.array([0.0, 1.0])),
                keywords={"index": np.array([1, 1])},
            ),
        ),
    ),
    Case(
        "at_set_one",
        set_at,
        (REAL, REAL),
        (ix.at_set,),
        shapes=[((3,), ()), ((3, 2), (2,)), ((3, 2), ())],
        keywords=lambda pick, *s: {"index": pick([0, -1])},
        reference=set_reference,
    ),
]

ORDER = [
    Case(
        "sort",
        np.sort,
        (DISTINCT,),
        (ix.gather,),
        shapes=[((4,),), ((2, 3),), ((0,),)],
        keywords=along_axis_or_none,
        distinct=True,
        points=(Point((np.array([2.0, 1.0, 1.0]),), (np.ones(3),)),),
    ),
    Case(
        "sort_picks_the_first_of_equals",
        lambda x: np.sort(x)[0],
        (DISTINCT,),
        (ix.gather,),
        shapes=[((4,),)],
        distinct=True,
        points=(Point((np.array([2.0, 1.0, 1.0]),), (np.array([0.0, 1.0, 0.0]),)),),
    ),
    Case(
        "argsort_gather",
        lambda x: x[np.argsort(x)] * np.arange(1.0, 5.0),
        (DISTINCT,),
        (ix.gather,),
        shapes=[((4,),)],
        distinct=True,
    ),
]

CASES = [*READING, *WRITING, *ORDER]
