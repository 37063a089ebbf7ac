"""A test must be able to fail: with any one rule off by one part in a thousand, the row's own check must fail."""

import functools

import numpy as np
import pytest

from autodiff.testing import KINDS, all_primitives, spoiled
from autodiff.testing.mutants import rules_of, watched
from tests.op_cases import ALL
from tests.op_cases.checks import assert_close, derivatives_are_wrong, met_nodes, met_operands

SEEDS = range(25)
ROWS = [pytest.param(case, p, id=f"{case}-{p.name}") for case in ALL for p in dict.fromkeys(case.covers) if rules_of(p)]


@pytest.mark.parametrize(("case", "primitive"), ROWS)
def test_a_rule_off_by_a_thousandth_is_caught(case, primitive):
    for mode, operand in rules_of(primitive):
        if operand in met_operands(case)[primitive]:
            assert is_caught(case, primitive, mode, operand), f"{mode} rule of operand {operand} times 1.001"


@pytest.mark.deep  # `make mutants`
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "scaled"])
@pytest.mark.parametrize("name", [name for name, p in all_primitives().items() if rules_of(p)])
def test_no_mutant_survives(name, kind):
    """A row may be blind to a mutant (where an operation is met twice, two flipped signs are none); not every row."""
    primitive = all_primitives()[name]
    for mode, operand in rules_of(primitive):
        if kind == "swapped operands" and (operand is None or len(primitive.pulls or ()) != 2):
            continue
        rows = [case for case in ALL if primitive in case.covers and operand in met_operands(case)[primitive]]
        differs = []
        change = watched(KINDS[kind], differs)
        caught = any(is_caught(case, primitive, mode, operand, change) for case in rows)
        assert caught or not differs, f"{mode} rule of operand {operand}, {kind}"


def is_caught(case, primitive, mode, operand, change=KINDS["scaled"]):
    with spoiled(primitive, change, modes=(mode,), operand=operand):
        for seed in SEEDS:
            try:
                if derivatives_are_wrong(case, case.example(seed), modes=(mode,)):
                    return True
            except Exception:  # also a rule that, with swapped operands, does not even run
                return True
    return False


def test_what_is_right_is_not_caught():
    assert not [str(case) for case in ALL[::10] if derivatives_are_wrong(case, case.example(0))]


def written(primitive, mode, operand):
    """The function that somebody wrote for this operand; several operands may share it."""
    rules = primitive.pulls if mode == "reverse" else primitive.pushes
    rule = rules[operand] if rules is not None else primitive.joint_pull if mode == "reverse" else primitive.joint_push
    return rule.func if isinstance(rule, functools.partial) else rule


@pytest.mark.parametrize("name", [name for name, p in all_primitives().items() if p.kind != "multilinear"])
def test_every_rule_of_every_primitive_is_met_by_a_row(name):
    check_every_rule_is_met(all_primitives()[name])


@pytest.mark.parametrize("name", [name for name, p in all_primitives().items() if p.kind == "multilinear"])
def test_every_transpose_of_a_product_is_met_by_a_row(name):
    check_every_rule_is_met(all_primitives()[name], modes=("reverse",))


def check_every_rule_is_met(primitive, modes=("reverse", "forward")):
    rows = [case for case in ALL if primitive in case.covers]
    everything = {written(primitive, mode, i) for mode, i in rules_of(primitive) if mode in modes}
    met = {
        written(primitive, mode, i)
        for case in rows
        for mode, i in rules_of(primitive)
        if mode in modes and i in met_operands(case)[primitive]
    }
    assert everything == met


@pytest.mark.parametrize(("case", "primitive"), [p for p in ROWS if p.values[1].direct is not None])
@pytest.mark.parametrize("given", [False, True], ids=["without a place", "into a place"])
def test_a_direct_rule_gives_what_the_rule_gives(case, primitive, given):
    for node in met_nodes(case):
        if node.primitive is not primitive:
            continue
        ct = np.cos(np.arange(1.0, np.size(node.output) + 1)).reshape(np.shape(node.output))
        for i, (rule, direct) in enumerate(zip(primitive.pulls, primitive.direct, strict=True)):
            expected = rule(ct, node.output, *node.operands, **node.keywords)
            out = np.full_like(node.operands[i], np.nan) if given else None
            result = direct(out, ct, *node.operands, **node.keywords)
            if np.shape(expected) == np.shape(node.operands[i]):
                assert_close(result, expected, 1e-13, what=f"operand {i}")
