"""Rows for autodiff/ops/scans.py."""

import numpy as np

from autodiff.ops import scans
from tests.op_cases.case import ANY, NONZERO, REAL, WITH_AXES, Case, Point, along_axis, along_axis_or_none

ONE = [(s,) for s in ANY]


def recurrence_reference(a, b, axis, back):
    """The recurrence as its definition has it, entry by entry."""
    a, r = np.moveaxis(a, axis, 0), np.moveaxis(np.array(b), axis, 0)
    steps = range(len(r) - 2, -1, -1) if back else range(1, len(r))
    for i in steps:
        r[i] += a[i + 1] * r[i + 1] if back else a[i] * r[i - 1]
    return np.moveaxis(r, 0, axis)


def others_reference(x, axis):
    """The products of all entries but one."""
    return np.stack([np.delete(x, i, axis).prod(axis) for i in range(x.shape[axis])], axis) if x.size else x


# NumPy 2.1 and later
CUMULATIVE = [
    Case(name, getattr(np, name), (domain,), (primitive,), shapes=[(s,) for s in WITH_AXES], keywords=along_axis)
    for name, domain, primitive in [
        ("cumulative_sum", REAL, scans.cumsum_along),
        ("cumulative_prod", NONZERO, scans.cumprod_along),
    ]
    if hasattr(np, name)
]

CASES = [
    *CUMULATIVE,
    Case("cumsum", np.cumsum, (REAL,), (scans.cumsum_along,), shapes=ONE, keywords=along_axis_or_none, analytic=True),
    Case("add_accumulate", lambda x: np.add.accumulate(x), (REAL,), (scans.cumsum_along,), shapes=[((3,),), ((3, 2),)]),
    Case(
        "cumprod",
        np.cumprod,
        (NONZERO,),
        (scans.cumprod_along,),
        shapes=ONE,
        keywords=along_axis_or_none,
        analytic=True,
        points=(
            Point((np.array([2.0, 0.0, 3.0]),), (np.array([1.0, 8.0, 0.0]),), (np.array([4.0, 6.0, 2.0]),)),
            Point((np.array([0.0, 0.0, 3.0]),), (np.array([1.0, 0.0, 0.0]),), (np.array([4.0, 4.0, 0.0]),)),
            Point((np.zeros(3),), (np.array([1.0, 0.0, 0.0]),), (np.array([1.0, 1.0, 0.0]),)),
        ),
    ),
    Case(
        "products_of_others",
        scans.others_along,
        (NONZERO,),
        (scans.others_along,),
        shapes=[(s,) for s in WITH_AXES],
        keywords=lambda pick, x: {"axis": pick(range(len(x)))},
        reference=others_reference,
        points=(
            Point((np.array([2.0, 0.0, 3.0]),), (np.array([3.0, 5.0, 2.0]),), keywords={"axis": 0}),
            Point((np.array([1e-200, 1e300, 1e-300]),), (np.array([1e300, 1e-200, 1e300]),), keywords={"axis": 0}),
        ),
    ),
    Case(
        "recurrence",
        scans.recurrence,
        (REAL, REAL),
        (scans.recurrence,),
        shapes=[(s, s) for s in WITH_AXES] + [((5,), (5,)), ((4, 2), (4, 2))],
        keywords=lambda pick, a, b: {"axis": pick(range(len(a))), "back": pick([False, True])},
        reference=recurrence_reference,
        points=(
            Point(
                (np.zeros(3), np.ones(3)), (np.array([0.0, 1.0, 1.0]), np.ones(3)), keywords={"axis": 0, "back": False}
            ),
        ),
    ),
    Case(
        "diff",
        np.diff,
        (REAL,),
        shapes=[(s,) for s in WITH_AXES],
        keywords=lambda pick, s: {**along_axis(pick, s), "n": pick([1, 2])},
    ),
    Case(
        "diff_with_edges",
        lambda x, first, last, axis: np.diff(x, axis=axis, prepend=first, append=last),
        (REAL, REAL, REAL),
        shapes=[((3,), (), (2,)), ((2, 3), (), ())],
        keywords=lambda pick, *s: {"axis": -1},
    ),
]
