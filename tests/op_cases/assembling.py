"""Rows for autodiff/ops/assembling.py."""

import numpy as np

from autodiff.ops import choices, indexing, joining
from tests.op_cases.case import ANY, COMPLEX, REAL, SOLID, WITH_AXES, Case, Point, an_axis

# --- products -------------------------------------------------------------------------------------


def crossed(pick, a, b):
    """Where the components are, in both and in the result."""
    keywords = [{}]
    if len(a) == len(b) == 2:
        keywords += [{"axisc": 0}] + ([{"axis": 0}, {"axisa": 0, "axisb": 0}] if a == b == (3, 3) else [])
    return pick(keywords)


def spread_out(pick, *shapes):
    return {"axis": -1}


PRODUCTS = [
    Case(
        "cross",
        np.cross,
        (REAL, REAL),
        (joining.stack_all,),
        shapes=[((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((3, 3), (3, 3)), ((2, 1, 3), (2, 3))],
        keywords=crossed,
        analytic=True,
    ),
    Case("cross_of_complex", np.cross, (COMPLEX, COMPLEX), (joining.stack_all,), shapes=[((3,), (3,))]),
    Case(
        "linalg_cross",
        np.linalg.cross,
        (REAL, REAL),
        (joining.stack_all,),
        shapes=[((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (1, 3))],
        keywords=lambda pick, a, b: pick([{}, {"axis": -1}]),
        analytic=True,
    ),
    Case(
        "linalg_cross_along_the_first",
        lambda a, b: np.linalg.cross(a, b, axis=0),
        (REAL, REAL),
        (joining.stack_all,),
        shapes=[((3, 2), (3, 2))],
    ),
    Case(
        "kron",
        np.kron,
        (REAL, REAL),
        (),
        shapes=[((2,), (3,)), ((2, 2), (2, 3)), ((2,), (2, 2)), ((2, 1, 2), (3,)), ((), (2,)), ((), ())],
        analytic=True,
    ),
    Case("kron_of_complex", np.kron, (COMPLEX, COMPLEX), (), shapes=[((2,), (2, 2))]),
]

# --- by number ------------------------------------------------------------------------------------

NUMBERS = np.array([1, 0, 2])


def numbered(pick, *shapes):
    return {"mode": pick(["raise", "wrap", "clip"])}


CHOICES = [
    Case(
        "choose",
        lambda a, b, c, mode: np.choose(NUMBERS if mode == "raise" else NUMBERS * 2 - 1, [a, b, c], mode=mode),
        (REAL, REAL, REAL),
        (choices.select_where,),
        (np.choose,),
        shapes=[((3,), (3,), (3,)), ((3,), (), (2, 3)), ((), (), ())],
        keywords=numbered,
        points=(
            Point(
                (np.ones(3), np.ones(3), np.ones(3)),
                (np.array([0.0, 1, 0]), np.array([1.0, 0, 0]), np.array([0.0, 0, 1])),
                None,
                {"mode": "raise"},
            ),
        ),
    ),
    Case(
        "real_if_close",
        lambda x: np.real_if_close(x + 1e-16j),
        (REAL,),
        (),
        (np.real_if_close,),
        shapes=[(s,) for s in SOLID],
    ),
    Case("real_if_close_of_real", np.real_if_close, (REAL,), (), shapes=[(s,) for s in ANY]),
    Case(
        "real_if_close_of_complex", lambda z: np.real_if_close(z) * 2, (COMPLEX,), (), shapes=[((3,),)], distinct=True
    ),
]

# --- more and fewer -------------------------------------------------------------------------------


MASKS = [np.array([True, False, True])] if np.lib.NumpyVersion(np.__version__) >= "2.2.0" else []
"""Before, NumPy took truth values for the numbers 0 and 1."""


def put_in(arr, values, obj, axis):
    """``np.insert``, the differentiable operands first."""
    return np.insert(arr, obj, values, axis)


MORE = [
    Case(
        "insert",
        put_in,
        (REAL, REAL),
        (joining.concatenate_all,),
        (np.insert,),
        shapes=[((3,), ()), ((3,), (2,)), ((3, 2), ()), ((3, 2), (2,)), ((3, 2), (2, 2))],
        keywords=lambda pick, arr, values: {
            "obj": pick([slice(0, 2), [1, 3], [2, 2], [-1, 0], *MASKS]),
            "axis": 0,
        },
    ),
    Case(
        "insert_one",
        put_in,
        (REAL, REAL),
        (joining.concatenate_all,),
        (np.insert,),
        shapes=[((3,), ()), ((3, 2), ()), ((3, 2), (2,)), ((3,), (2,)), ((2, 3, 2), (3, 2))],
        keywords=lambda pick, arr, values: {"obj": pick([0, 1, -1, 2]), "axis": 0},
    ),
    Case(
        "insert_one_in_a_list",
        put_in,
        (REAL, REAL),
        (joining.concatenate_all,),
        (np.insert,),
        shapes=[((3,), ()), ((3, 2), ()), ((3, 2), (2,)), ((3, 2), (2, 2))],
        keywords=lambda pick, arr, values: {"obj": pick([[0], [-1], np.array([3])]), "axis": 0},
    ),
    Case(
        "insert_columns",
        put_in,
        (REAL, REAL),
        (joining.concatenate_all,),
        (np.insert,),
        shapes=[((2, 3), (2,)), ((2, 3), ()), ((3, 2), (3,))],
        keywords=lambda pick, arr, values: {"obj": pick([0, 1, -1]), "axis": pick([1, -1])},
    ),
    Case(
        "insert_into_all",
        put_in,
        (REAL, REAL),
        (joining.concatenate_all,),
        (np.insert,),
        shapes=[((2, 2), ()), ((3,), ()), ((2, 1, 2), (2,))],
        keywords=lambda pick, arr, values: {"obj": pick([[0, 2], [3, 3]]), "axis": None},
    ),
    Case(
        "resize",
        np.resize,
        (REAL,),
        (indexing.gather,),
        shapes=[((3,),), ((2, 2),), ((),), ((0,),)],
        keywords=lambda pick, s: {"new_shape": pick([5, (2, 4), (1,), (0,), (2, 1, 3)])},
        analytic=True,
    ),
]

# --- functions along axes -------------------------------------------------------------------------


def twice(v):
    return v.sum() * v


FUNCTIONS = [
    Case(
        "apply_along_axis",
        lambda x, f, axis: np.apply_along_axis(f, axis, x),
        (REAL,),
        (joining.stack_all,),
        (np.apply_along_axis,),
        shapes=[((3,),), ((2, 3),), ((2, 1, 3),)],
        keywords=lambda pick, s: {
            "f": pick([np.sum, twice, lambda v: v[:1] * v[-1], lambda v: np.stack([v, v * v])]),
            "axis": an_axis(pick, s),
        },
    ),
    Case(
        "apply_over_axes",
        lambda x, axes: np.apply_over_axes(np.sum, x, axes),
        (REAL,),
        (),
        (np.apply_over_axes,),
        shapes=[((3,),), ((2, 3),), ((2, 1, 3),)],
        keywords=lambda pick, s: {"axes": pick([0, -1, [0], (0, len(s) - 1) if len(s) > 1 else (0,)])},
        analytic=True,
    ),
    Case(
        "piecewise",
        lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [lambda v: v * v, 3.0, lambda v: v * v * v]),
        (REAL,),
        (indexing.at_set,),
        (np.piecewise,),
        shapes=[(s,) for s in SOLID],
        points=(
            Point(
                (np.array([-1.0, 0.0, 2.0, 0.5]),), (np.array([-2.0, 0.0, 0.0, 0.75]),), (np.array([2.0, 0, 0, 3.0]),)
            ),
        ),
    ),
    Case(
        "piecewise_without_default",
        lambda x: np.piecewise(x, [x >= 0], [lambda v, a, b: a * v + b], 2.0, b=1.0),
        (REAL,),
        (indexing.at_set,),
        (np.piecewise,),
        shapes=[(s,) for s in WITH_AXES],
    ),
]

CASES = [*PRODUCTS, *CHOICES, *MORE, *FUNCTIONS]
