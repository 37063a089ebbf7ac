"""Every row's rules, in both sweeps and in every operand, against numbers and against each other."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing.gradients import check_problem
from autodiff.testing.rules import check_adjoint, check_memory
from tests.op_cases import ALL, cast
from tests.op_cases.case import Call
from tests.op_cases.checks import (
    assert_close,
    check_derivatives,
    largest,
    on_calls,
    plain,
    problem,
    settings_of,
    slope_size,
)
from tests.op_cases.tolerances import DERIVATIVE


@pytest.mark.parametrize("case", ALL, ids=str)
def test_both_sweeps_agree_with_differences_and_with_each_other_at_every_order(case):
    def first_order(call, order=1):
        here = problem(case, call)
        check_problem(here, order, settings_of(case), seed=1)
        check_adjoint(here, np.random.default_rng(0))
        check_memory(here)
        shapes_and_dtypes(here)

    def every_order(call):
        if case.analytic and case.order > 1:  # the first order by a complex step, the others by differences
            first_order(call)
            check_derivatives(case, call, order=case.order)
        else:
            first_order(call, case.order)

    on_calls(case, every_order, 0.3)
    on_calls(case, first_order, after=0.3)


def shapes_and_dtypes(here):
    """A gradient has shape and dtype of its operand, a tangent those of the result."""
    outputs, pullback = ad.vjp(here.call, *here.leaves)
    gradients = pullback([np.ones_like(y) for y in outputs])
    assert [(np.shape(g), g.dtype) for g in gradients] == [(np.shape(x), x.dtype) for x in here.leaves]
    tangents = ad.jvp(here.call, here.leaves, [np.ones_like(x) for x in here.leaves])[1]
    assert [(np.shape(t), t.dtype) for t in tangents] == [(np.shape(y), y.dtype) for y in outputs]


@pytest.mark.parametrize("case", ALL, ids=str)
def test_float32_stays_float32(case):
    def check(call):
        narrow = problem(case, Call([cast(x, np.float32) for x in call.operands], call.keywords))
        wide = problem(case, Call([cast(cast(x, np.float32), np.float64) for x in call.operands], call.keywords))
        shapes_and_dtypes(narrow)
        expected = derivatives(wide)
        # A tangent adds up entries as large as those of the gradient, which may cancel: one scale for both.
        size = max(largest(expected), slope_size(wide))
        for one, other in zip(derivatives(narrow), expected, strict=True):
            assert_close(one, other, DERIVATIVE[np.dtype(np.float32)], size=size)

    on_calls(case, check, 0.5)


def derivatives(here):
    """One gradient and one tangent."""
    outputs, pullback = ad.vjp(here.call, *here.leaves)
    tangents = ad.jvp(here.call, here.leaves, [uneven(x) for x in here.leaves])[1]
    return plain([pullback([uneven(y) for y in outputs]), tangents])


def uneven(like):
    """A cotangent or tangent whose entries differ: where constant ones give 0, only round-off would be compared."""
    return (1 + np.cos(np.arange(1.0, np.size(like) + 1)) / 2).reshape(np.shape(like)).astype(like.dtype)[()]


def pairs():
    """Rows of two operands or more that take the same array twice."""
    for case in ALL:
        if sum(hasattr(d, "low") or hasattr(d, "inner") for d in case.operands) > 1:
            yield case


@pytest.mark.parametrize("case", list(pairs()), ids=str)
def test_the_same_tensor_as_all_operands_receives_all_contributions(case):
    for seed in range(20):
        call = case.example(seed)
        moving = [i for i, x in enumerate(call.operands) if np.asarray(x).dtype.kind in "fc"]
        if len({(np.shape(call.operands[i]), call.operands[i].dtype) for i in moving}) > 1:
            continue
        for candidate in moving:  # of domains that differ, the narrower one
            x = call.operands[candidate]
            operands = [x if i in moving else other for i, other in enumerate(call.operands)]
            with np.errstate(all="ignore"):
                if not all(np.isfinite(y).all() for y in plain(case.fn(*operands, **call.keywords))):
                    continue
            apart = problem(case, Call(operands, call.keywords))
            outputs, pullback = ad.vjp(apart.call, *apart.leaves)
            cts = [np.ones_like(y) for y in outputs]
            together = ad.vjp(lambda z: apart.call(*[z] * len(moving)), x)[1](cts)[0]  # noqa: B023 - called here
            assert_close(together, sum(pullback(cts)), 1e-12)
            return
    pytest.skip("no operands of one shape")
