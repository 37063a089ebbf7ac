"""Taylor series by the first-order rules: against mpmath's, against nested derivatives, and what is made of them."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.calculus import radius_of_convergence, remainder, taylor_coefficients
from autodiff.testing.strategies import scalar_functions

ORDER = 20
FUNCTIONS = [
    ("tanh(x sin x)", lambda x: np.tanh(x * np.sin(x)), lambda x: mpmath.tanh(x * mpmath.sin(x))),
    ("exp/(1 + x**2)", lambda x: np.exp(x) / (1 + x * x), lambda x: mpmath.exp(x) / (1 + x * x)),
    ("log sqrt", lambda x: np.log(x) * np.sqrt(x), lambda x: mpmath.log(x) * mpmath.sqrt(x)),
    ("x**2.5", lambda x: x**2.5, lambda x: x ** mpmath.mpf("2.5")),
    ("x**7", lambda x: x**7, lambda x: x**7),
    ("2**x", lambda x: 2.0**x, lambda x: mpmath.mpf(2) ** x),
    ("arctan", np.arctan, mpmath.atan),
    ("arcsin", lambda x: np.arcsin(x / 2), lambda x: mpmath.asin(x / 2)),
    ("sinc", np.sinc, lambda x: mpmath.sin(mpmath.pi * x) / (mpmath.pi * x)),
    ("sigmoid", ad.special.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x))),
    ("softplus", ad.special.softplus, lambda x: mpmath.log(1 + mpmath.exp(x))),
    ("cosh of sinh", lambda x: np.cosh(np.sinh(x)), lambda x: mpmath.cosh(mpmath.sinh(x))),
]


@pytest.mark.parametrize(("f", "exact"), [row[1:] for row in FUNCTIONS], ids=[row[0] for row in FUNCTIONS])
def test_order_20_to_the_last_digits(f, exact):
    with mpmath.workdps(60):
        known = np.array([float(c) for c in mpmath.taylor(exact, mpmath.mpf("0.7"), ORDER)])
    found = ad.taylor(f, 0.7, ORDER)
    # What cancels in a coefficient is of the size of its neighbours.
    scale = np.maximum.reduce([np.abs(known), np.abs(np.roll(known, 1)), np.abs(np.roll(known, -1))])
    assert np.max(np.abs(found - known) / np.maximum(scale, 1e-12)) < 2e-12


@given(scalar_functions(1), st.floats(-1, 1))
def test_against_nested_derivatives(f, x):
    found = ad.taylor(lambda t: f([t]), x, 4)
    nested = [ad.derivative(lambda t: f([t]), n)(x) / math.factorial(n) for n in range(5)]
    np.testing.assert_allclose(found, nested, rtol=1e-9, atol=1e-9 * max(map(abs, nested)))


def test_arrays_and_directions():
    x = np.linspace(0.1, 1.0, 4)
    rows = ad.taylor(lambda t: t * np.sin(t), x, 5)
    assert rows.shape == (6, 4)
    np.testing.assert_allclose(rows[:, 2], ad.taylor(lambda t: t * np.sin(t), x[2], 5), rtol=1e-13)
    p, v = np.array([0.5, 0.2]), np.array([1.0, -2.0])
    along = ad.taylor(lambda q: np.exp(q[0]) * q[1], p, 4, direction=v)
    on_a_line = ad.taylor(lambda s: np.exp(0.5 + s) * (0.2 - 2 * s), 0.0, 4)
    np.testing.assert_allclose(along, on_a_line, rtol=1e-13)


def test_linear_algebra_on_the_way():
    A, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    inverse = np.linalg.inv(A)
    found = ad.taylor(lambda s: np.linalg.solve(A + s * np.eye(2), b), 0.0, 3)
    np.testing.assert_allclose(
        found, [(-1) ** k * np.linalg.matrix_power(inverse, k + 1) @ b for k in range(4)], atol=1e-14
    )
    turn = np.array([[0.0, 1.0], [1.0, 0.0]])
    values = ad.taylor(lambda s: np.linalg.eigh(A + s * turn)[0], 0.0, 3)
    s = 1e-3
    np.testing.assert_allclose(np.polyval(values[::-1], s), np.linalg.eigvalsh(A + s * turn), rtol=1e-12)
    moved = ad.taylor(lambda s: np.sum(np.stack([s, s * s]) * b), 2.0, 2)
    np.testing.assert_allclose(moved, [10.0, 9.0, 2.0])


def test_constants_and_polynomials_end():
    assert np.array_equal(ad.taylor(lambda x: 3.0, 1.0, 2), [3.0, 0.0, 0.0])
    np.testing.assert_allclose(ad.taylor(lambda x: x**3 - x, 2.0, 5), [6, 11, 6, 1, 0, 0], atol=1e-14)
    assert ad.taylor(lambda x: np.where(x > 0, x**2, -x), -2.0, 2).tolist() == [2.0, -1.0, 0.0]


def test_blocked_entries_stay_0():
    assert ad.taylor(lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, 3).tolist() == [0.0, 0.0, 0.0, 0.0]
    np.testing.assert_array_equal(ad.taylor(lambda x: x ** np.arange(4), 0.0, 3), np.eye(4))
    assert ad.taylor(lambda x: np.maximum(x, 0.0) ** 2, -1.0, 3).tolist() == [0.0, 0.0, 0.0, 0.0]
    assert np.isnan(ad.taylor(lambda x: np.sqrt(x) ** 2, 0.0, 1)[1])  # a computed 0 is no mask


def test_coefficients_differentiate():
    x = 0.3
    assert ad.grad(lambda t: ad.taylor(np.exp, t, 5)[5])(x) == pytest.approx(math.exp(x) / 120, rel=1e-13)
    k = 2.0
    by_k = ad.grad(lambda k: ad.taylor(lambda t: np.sin(k * t), x, 3)[3])(k)
    assert by_k == pytest.approx((-3 * k**2 * math.cos(k * x) + k**3 * x * math.sin(k * x)) / 6, rel=1e-13)


def test_several_variables():
    p = np.array([0.1, 0.2, 0.3])
    found = taylor_coefficients(lambda q: np.sin(q[0]) * np.exp(q[1] * q[2]), p, 3)
    assert len(found) == 20  # monomials of degree 3 at most in 3 variables
    e = math.exp(0.06)
    assert found[(1, 1, 1)] == pytest.approx(math.cos(0.1) * e * 1.06, rel=1e-11)
    assert found[(3, 0, 0)] == pytest.approx(-math.cos(0.1) * e / 6, rel=1e-11)
    assert found[(0, 2, 0)] == pytest.approx(math.sin(0.1) * e * 0.09 / 2, rel=1e-10)


@pytest.mark.parametrize(
    ("f", "radius", "digits"),
    [
        (lambda x: 1 / (2 - x), 2.0, 1e-6),
        (lambda x: 1 / (1 + x * x), 1.0, 1e-6),
        (lambda x: np.log(1 + x), 1.0, 1e-6),
        (np.tan, math.pi / 2, 1e-3),
        (np.tanh, math.pi / 2, 1e-3),
        (lambda x: np.sqrt(3 - x), 3.0, 1e-2),
        (lambda x: 1 / (x * x - 2 * x + 2), math.sqrt(2), 0.1),
    ],
)
def test_radius_of_convergence(f, radius, digits):
    assert radius_of_convergence(ad.taylor(f, 0.0, 20)) == pytest.approx(radius, rel=digits)


@pytest.mark.parametrize("f", [np.exp, np.sin, lambda x: np.exp(-x * x), lambda x: x**3 + 1])
def test_entire_functions_converge_everywhere(f):
    assert radius_of_convergence(ad.taylor(f, 0.0, 20)) == math.inf


@given(st.floats(-0.5, 0.5), st.integers(0, 6), st.floats(-0.9, 0.9))
def test_remainder_is_what_the_polynomial_leaves_out(x0, order, x):
    def f(t):
        return np.exp(t) / (2 + t)

    polynomial = np.polyval(ad.taylor(f, x0, order)[::-1], x - x0)
    assert remainder(f, x0, order, x) == pytest.approx(f(x) - polynomial, abs=1e-13)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: ad.taylor(np.exp, 0.0, -1), "integer"),
        (lambda: ad.taylor(np.exp, 0.0, 2.0), "integer"),
        (lambda: ad.taylor(lambda x: (x, x), 0.0, 2), "one array"),
        (lambda: ad.taylor(np.exp, 0.0, 2, direction=np.ones(2)), "the direction has shape"),
    ],
)
def test_calls_that_cannot_be_say_why(call, told):
    with pytest.raises(ad.GradientError, match=told):
        call()


def test_orders_and_points_of_any_kind_of_number():
    np.testing.assert_array_equal(ad.taylor(np.exp, 0.0, np.int64(3)), ad.taylor(np.exp, 0.0, 3))
    np.testing.assert_array_equal(ad.taylor(np.sin, [1.0, 2.0], 2), ad.taylor(np.sin, np.array([1.0, 2.0]), 2))
    assert taylor_coefficients(lambda p: p[0] * p[1], (1, 2), np.int64(1))[(1, 0)] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: ad.taylor(lambda p: p["a"], {"a": 1.0}, 2), ad.GradientError, "takes one array and returns one"),
        (lambda: ad.taylor(np.exp, 0.0, True), ad.GradientError, "taylor: the order must be an integer"),
        (lambda: taylor_coefficients(np.exp, 0.0, 2), ad.ShapeError, r"x0 has shape \(\); expected \(d,\)"),
        (lambda: taylor_coefficients(np.sum, np.zeros(0), 2), ad.ShapeError, r"x0 has shape \(0,\)"),
        (
            lambda: taylor_coefficients(np.sum, np.zeros(2), -1),
            ad.GradientError,
            "taylor_coefficients: the order must be a",
        ),
        (lambda: remainder(np.exp, 0.0, -1, 1.0), ad.GradientError, "remainder: the order must be an integer"),
        (lambda: radius_of_convergence([1.0, np.nan, 1.0]), ad.ShapeError, r"shape \(3,\) was given, with 1 that are"),
        (lambda: radius_of_convergence(np.ones((3, 3))), ad.ShapeError, r"shape \(3, 3\)"),
    ],
)
def test_what_has_no_series_is_refused(make, error, told):
    with pytest.raises(error, match=told):
        make()
