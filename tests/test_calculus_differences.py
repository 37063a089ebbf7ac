"""Difference formulas: the textbooks' weights, exact for polynomials, errors by their law, Richardson's limit."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.calculus import difference_error, difference_weights, finite_difference, richardson


@pytest.mark.parametrize(
    ("offsets", "n", "expected"),
    [
        ([0, 1], 1, [-1, 1]),
        ([-1, 0, 1], 1, [-1 / 2, 0, 1 / 2]),
        ([-2, -1, 0, 1, 2], 1, [1 / 12, -2 / 3, 0, 2 / 3, -1 / 12]),
        ([-2, -1, 0, 1, 2], 2, [-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12]),
        ([0, 1, 2], 1, [-3 / 2, 2, -1 / 2]),
        ([-2, -1, 0, 1, 2], 4, [1, -4, 6, -4, 1]),
        ([3], 0, [1]),
    ],
)
def test_weights_are_those_of_the_tables(offsets, n, expected):
    np.testing.assert_allclose(difference_weights(offsets, n), expected, rtol=1e-14, atol=1e-15)


@given(
    st.lists(st.integers(-6, 6), min_size=1, max_size=7, unique=True).flatmap(
        lambda points: st.tuples(st.just(points), st.integers(0, len(points) - 1))
    )
)
def test_weights_are_exact_for_polynomials(drawn):
    points, n = drawn
    weights = [Fraction(float(w)) for w in difference_weights(points, n)]
    for power in range(len(points)):
        exact = math.factorial(n) if power == n else 0
        terms = [w * Fraction(p) ** power for w, p in zip(weights, points, strict=True)]
        assert abs(sum(terms) - exact) <= 1e-12 * max(1, sum(map(abs, terms)))


@pytest.mark.parametrize("side", ["central", "forward", "backward"])
@pytest.mark.parametrize("accuracy", [2, 4])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_error_follows_its_law(n, accuracy, side):
    f, x = np.sin, np.array([0.3, 1.1])
    options = {"n": n, "accuracy": accuracy, "side": side}
    exact = ad.derivative(f, n)(x)
    for h in (0.05, 0.025):
        off = finite_difference(f, x, h, **options) - exact
        law = difference_error(f, x, h, **options)
        # the next term of the error, with a number of its own before it, is one power of h smaller
        assert np.all(np.abs(off - law) <= 12 * h * np.abs(law).max())


def test_the_step_by_default_is_about_the_best():
    off = [abs(finite_difference(np.exp, 1.0, accuracy=a) - np.e) for a in (2, 4)]
    assert off[0] < 1e-9 and off[1] < 1e-11
    assert abs(finite_difference(np.exp, 1.0, 1e-13) - np.e) > 1e-4  # a step too small
    assert finite_difference(np.sin, np.zeros((2, 3))).shape == (2, 3)


def test_differences_of_tensors_have_derivatives():
    slope = ad.derivative(lambda x: finite_difference(lambda t: t**3, x, 0.1))(2.0)
    np.testing.assert_allclose(slope, 12.0, rtol=1e-12)  # of 3 x**2 + h**2


def test_richardson_removes_powers():
    found = richardson(lambda h: 7.0 + 3 * h**2 - 5 * h**4, 0.5, rows=3)
    assert found.value == pytest.approx(7.0, abs=1e-13)
    assert [len(row) for row in found.table] == [1, 2, 3]
    assert found.table[1][0] == 7.0 + 3 * 0.25**2 - 5 * 0.25**4
    odd = richardson(lambda h: 1.0 + h - h**2 + h**3, 0.5, order=1, rows=4)
    assert odd.value == pytest.approx(1.0, abs=1e-13)


def test_romberg_is_richardson_of_trapezoids():
    def area(h):
        x = np.linspace(0, 1, round(1 / h) + 1)
        return ad.calculus.trapezoid(np.exp(x), x)

    found = richardson(area, 1.0, rows=6)
    assert abs(found.value - (np.e - 1)) < 1e-13
    assert abs(found.value - (np.e - 1)) <= found.error


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: difference_weights([0, 0, 1]), ad.DomainError, "must differ"),
        (lambda: difference_weights([0, 1], 2), ad.ShapeError, "needs a list of at least 3"),
        (lambda: difference_weights([0, 1], -1), ad.GradientError, "-1 was given"),
        (lambda: finite_difference(np.sin, 0.0, -0.1), ad.DomainError, "side='backward'"),
        (lambda: finite_difference(np.sin, 0.0, accuracy=3), ad.GradientError, "must be even"),
        (lambda: finite_difference(np.sin, 0.0, n=0), ad.GradientError, "integers, 1 or more"),
        (lambda: finite_difference(np.sin, 0.0, side="left"), ValueError, "'left' was given"),
        (lambda: richardson(lambda h: h, 0.0), ad.DomainError, "must be positive"),
        (lambda: richardson(lambda h: h, 0.1, rows=1), ad.GradientError, "rows 2 or more"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
