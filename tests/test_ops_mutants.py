"""A test must be able to fail: with any one rule off by one part in a thousand, the row's own check must fail."""

import pytest

from autodiff.testing import GradientCheckError, scaled
from autodiff.testing.mutants import rules_of
from tests.op_cases import ALL
from tests.op_cases.checks import check_derivatives

SEEDS = range(25)
MUTANTS = [
    pytest.param(case, primitive, mode, operand, id=f"{case}-{primitive.name}-{mode}-{operand}")
    for case in ALL
    for primitive in case.covers
    for mode, operand in rules_of(primitive)
    if operand is None or operand < len(case.operands)
]


@pytest.mark.parametrize(("case", "primitive", "mode", "operand"), MUTANTS)
def test_a_rule_off_by_a_thousandth_is_caught(case, primitive, mode, operand):
    with scaled(primitive, 1.001, modes=(mode,), operand=operand):
        for seed in SEEDS:
            try:
                check_derivatives(case, case.example(seed), modes=(mode,), narrow=False)
            except GradientCheckError:
                return
    if SURVIVORS.get((case.name, operand)) is None:
        pytest.fail(f"{case}: {primitive.name} with its {mode} rule of operand {operand} times 1.001 passes the check")


SURVIVORS = {}
"""Row and operand: why this row cannot see that operand; another row must."""


def test_every_rule_is_caught_by_some_row():
    covered = {
        (p, mode, i)
        for case in ALL
        for p in case.covers
        for mode, i in rules_of(p)
        if (i is None or i < len(case.operands)) and (case.name, i) not in SURVIVORS
    }
    everything = {(p, mode, i) for case in ALL for p in case.covers for mode, i in rules_of(p)}
    missing = {(p.name, mode, i) for p, mode, i in everything - covered}
    assert missing == set()
