"""Special points: where limits of differences say nothing, the conventions do, in both sweeps and without a warning."""

import numpy as np
import pytest

import autodiff as ad
from tests.op_cases import ALL
from tests.op_cases.checks import quiet

POINTS = [pytest.param(case, point, id=f"{case}-{i}") for case in ALL for i, point in enumerate(case.points)]


def total(case, point):
    """The sum of the row's results as a function of the operands. NumPy's warnings about values are not at issue."""

    def f(*xs):
        with quiet():
            y = case.fn(*xs, **point.keywords)
            return np.sum(np.real(y)) if y.dtype.kind == "c" else np.sum(y)

    return f


def operands_of(point):
    """Arrays and NumPy scalars: a Python number may be metadata, which chooses another rule."""
    return [np.asarray(x)[()] for x in point.operands]


def moving(point):
    return tuple(i for i, slope in enumerate(point.slopes) if slope is not None)


def is_real(point):
    return not any(np.iscomplexobj(x) for x in point.operands)


def matches(actual, expected, what):
    expected = np.broadcast_to(expected, np.shape(actual))
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=0, err_msg=what)


@pytest.mark.parametrize(("case", "point"), POINTS)
def test_slopes_are_those_of_the_conventions(case, point):
    f, numbers, operands = total(case, point), moving(point), operands_of(point)
    for g, i in zip(ad.grad(f, numbers)(*operands), numbers, strict=True):
        matches(g, point.slopes[i], f"reverse, operand {i}")
    leaves = [ad.Tensor(x, requires_grad=True) if i in numbers else x for i, x in enumerate(operands)]
    y = f(*leaves)
    if y.requires_grad:
        y.backward()
    for i in numbers:
        grad = leaves[i].grad
        matches(np.zeros(leaves[i].shape) if grad is None else grad, point.slopes[i], f"backward, operand {i}")
    if is_real(point):
        for row, i in zip(ad.jacobian(f, numbers, mode="forward")(*operands), numbers, strict=True):
            matches(row, point.slopes[i], f"forward, operand {i}")
        for row, i in zip(ad.jacobian(f, numbers, mode="reverse")(*operands), numbers, strict=True):
            matches(row, point.slopes[i], f"batched reverse, operand {i}")


@pytest.mark.parametrize(("case", "point"), [p for p in POINTS if p.values[1].second is not None])
def test_second_derivatives_are_those_of_the_conventions(case, point):
    f, operands = total(case, point), operands_of(point)
    for i in moving(point):

        def of_one(x, i=i):
            return f(*operands[:i], x, *operands[i + 1 :])

        x = operands[i]
        ones = np.ones(np.shape(x))[()]
        matches(ad.jvp(ad.grad(of_one), (x,), (ones,))[1], point.second[i], "forward over reverse")
        matches(ad.grad(lambda z: np.sum(ad.grad(of_one)(z)))(x), point.second[i], "reverse over reverse")


@pytest.mark.parametrize(
    ("case", "point"),
    [
        p
        for p in POINTS
        if not all(s is None or np.isfinite(s).all() for s in p.values[1].slopes) and is_real(p.values[1])
    ],
)
def test_a_masked_entry_is_0_whatever_the_slope(case, point):
    f, numbers, operands = total(case, point), moving(point), operands_of(point)

    def masked(*xs):
        return np.where(False, f(*xs), 0.0)

    for i, x in zip(numbers, ad.grad(masked, numbers)(*operands), strict=True):
        matches(x, 0.0, f"reverse, operand {i}")
    for i, x in zip(numbers, ad.jacobian(masked, numbers, mode="forward")(*operands), strict=True):
        matches(x, 0.0, f"forward, operand {i}")
    for i in numbers:

        def of_one(x, i=i):
            return masked(*operands[:i], x, *operands[i + 1 :])

        x = operands[i]
        matches(ad.jvp(ad.grad(of_one), (x,), (np.ones(np.shape(x))[()],))[1], 0.0, f"second order, operand {i}")
