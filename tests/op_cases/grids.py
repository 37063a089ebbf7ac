"""Rows for autodiff/ops/grids.py."""

import numpy as np

from autodiff.ops import elementwise
from tests.op_cases.case import COMPLEX, POSITIVE, REAL, Case

ENDS = [((), ()), ((2,), ()), ((), (3,)), ((2,), (2,)), ((2, 1), (3,))]


def spaced(pick, *ends):
    """How many, with or without the last one, along which axis."""
    n = max(len(s) for s in ends)
    return {"num": pick([0, 1, 2, 4]), "endpoint": pick([True, False]), "axis": pick([0, -1, n])}


def row(name, fn, domains, primitive, **more):
    return Case(name, fn, domains, (primitive,), shapes=more.pop("shapes", ENDS), keywords=spaced, **more)


EVEN = [
    row("linspace", np.linspace, (REAL, REAL), elementwise.multiply, analytic=True),
    row("linspace_of_complex", np.linspace, (COMPLEX, COMPLEX), elementwise.multiply),
    row("linspace_of_real_and_complex", np.linspace, (REAL, COMPLEX), elementwise.multiply),
    Case(
        "linspace_and_step",
        lambda a, b, **how: np.linspace(a, b, retstep=True, **how)[1],
        (REAL, REAL),
        (elementwise.subtract,),
        (np.linspace,),
        shapes=ENDS,
        keywords=lambda pick, *s: {"num": pick([2, 5]), "endpoint": pick([True, False])},
    ),
    Case(
        "linspace_from_a_number",
        lambda b: np.linspace(0, b, 3),
        (REAL,),
        (elementwise.multiply,),
        (np.linspace,),
        shapes=[((),), ((2,),)],
    ),
]

RATIOS = [
    row("logspace", np.logspace, (REAL, REAL), elementwise.number_to_power),
    row(
        "logspace_of_base",
        lambda a, b, base, **how: np.logspace(a, b, base=base, **how),
        (REAL, REAL, POSITIVE),
        elementwise.power,
        numpy=(np.logspace,),
        shapes=[((), (), ()), ((2,), (), ()), ((2,), (2,), (2,)), ((), (), (3,))],
    ),
    row("geomspace", np.geomspace, (POSITIVE, POSITIVE), elementwise.multiply),
    row(
        "geomspace_below_0",
        lambda a, b, **how: np.geomspace(-a, -b, **how),
        (POSITIVE, POSITIVE),
        elementwise.multiply,
    ),
    row("geomspace_of_complex", np.geomspace, (COMPLEX, COMPLEX), elementwise.multiply, shapes=[((), ())]),
]

CASES = [*EVEN, *RATIOS]
