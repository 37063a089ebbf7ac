"""The table is complete: every primitive, every rule, every supported NumPy function has a row that really meets it."""

from collections import Counter

import numpy as np
import pytest

from autodiff.core.primitives import NUMPY_FUNCTIONS, NUMPY_PRIMITIVES
from autodiff.testing import all_primitives
from autodiff.testing.mutants import rules_of
from tests.op_cases import ALL
from tests.op_cases.checks import met_operands

COVERED = {p for case in ALL for p in case.covers}


def test_every_primitive_has_a_row():
    missing = [name for name, primitive in all_primitives().items() if primitive not in COVERED]
    assert not missing, "these primitives have no row: add one to tests/op_cases/ that lists it under `covers`"


def test_every_supported_numpy_function_has_a_row():
    named = {f for case in ALL for f in (case.fn, *case.numpy)}
    missing = {getattr(f, "__name__", str(f)) for f in {*NUMPY_FUNCTIONS, *NUMPY_PRIMITIVES} - named}
    assert not missing, "these NumPy functions are supported, and no row of tests/op_cases/ names them"


def test_names_of_rows_differ():
    assert [name for name, n in Counter(case.name for case in ALL).items() if n > 1] == []


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_row_meets_what_it_says_it_covers(case):
    silent = {p for p in case.covers if not rules_of(p)}  # never recorded: it has no derivative
    assert {*case.covers} - silent <= met_operands(case).keys()


def test_a_missing_row_would_be_seen():
    without = [case for case in ALL if "arccosh" not in case.name]
    assert all_primitives()["elementwise.arccosh"] not in {p for case in without for p in case.covers}
    assert np.arccosh not in {f for case in without for f in (case.fn, *case.numpy)}
