"""`mutate_rules` finds the holes in a suite, and reports what it cannot judge."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import KINDS, Mutant, all_primitives, gradcheck, mutate_rules
from autodiff.testing.mutants import spoiled

X = np.array([0.7, -1.3])

cubed = ad.elementwise(lambda x: x**3, lambda t, y, x: t * (3 * x * x), name="cubed")
ratio = ad.elementwise(lambda a, b: a / b, lambda t, y, a, b: t / b, lambda t, y, a, b: -t * y / b, name="own_ratio")


def test_a_careful_check_leaves_no_survivor():
    report = mutate_rules(
        lambda: gradcheck(cubed, X), lambda: gradcheck(ratio, X, X + 3), primitives={"cubed": cubed, "ratio": ratio}
    )
    assert report.ok
    assert {m.kind for m in report.caught} == set(KINDS)
    assert (
        len(report.caught) == 2 * 4 + 4 * 5
    )  # two rules of `cubed`, four of `ratio`, which alone has operands to swap


def test_a_check_that_looks_at_the_value_only_kills_nothing():
    report = mutate_rules(lambda: ad.grad(lambda x: np.sum(cubed(x)))(X), primitives={"cubed": cubed})
    assert not report.ok
    assert Mutant("cubed", "reverse", 0, "scaled") in report.survivors
    assert "survives: cubed: reverse rule of operand 0, flipped sign" in str(report)
    assert str(report).startswith("0 of 4 mutants caught, 4 idle")  # the forward rules are never called


def test_a_check_of_one_sweep_leaves_the_other_idle():
    report = mutate_rules(
        lambda: gradcheck(cubed, X, modes=("reverse",), order=1), primitives={"cubed": cubed}, kinds=["scaled"]
    )
    assert report.caught == [Mutant("cubed", "reverse", 0, "scaled")]
    assert report.idle == [Mutant("cubed", "forward", 0, "scaled")]


def test_a_mutant_that_makes_no_difference_is_idle():
    report = mutate_rules(lambda: ad.grad(lambda a: np.sum(a + a))(X), kinds=["swapped operands"], modes=("reverse",))
    assert [m for m in report.survivors if m.primitive == "elementwise.add"] == []


def test_by_default_all_that_a_check_uses_is_spoiled():
    report = mutate_rules(lambda: gradcheck(lambda x: np.sum(np.tanh(x) * x), X), kinds=["scaled"])
    assert report.ok
    assert {m.primitive for m in report.caught} >= {"elementwise.tanh", "elementwise.multiply", "reductions.sum_over"}


def test_by_default_rules_of_ones_own_are_spoiled_too():
    report = mutate_rules(lambda: ad.grad(lambda x: np.sum(cubed(x)))(X), kinds=["scaled"])
    assert Mutant("test_mutation.cubed", "reverse", 0, "scaled") in report.survivors


def test_without_checks_there_is_nothing_to_spoil():
    for checks in ((), (3,)):
        with pytest.raises(ValueError, match="give checks to run"):
            mutate_rules(*checks)


def test_rules_are_what_they_were_afterwards():
    sine = all_primitives()["elementwise.sin"]
    before = sine.pulls, sine.pushes, sine.direct

    def interrupted():
        with spoiled(sine, KINDS["scaled"]):
            assert sine.pulls != before[0]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert (sine.pulls, sine.pushes, sine.direct) == before


def test_checks_must_pass_to_begin_with():
    def fails():
        raise AssertionError("not even without mutants")

    with pytest.raises(AssertionError, match="not even"):
        mutate_rules(fails)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"kinds are scaled, .*; doubled was given"):
        mutate_rules(lambda: None, kinds=["doubled"])
