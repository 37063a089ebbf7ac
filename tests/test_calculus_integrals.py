"""Integrals: values against closed forms, honest errors, divergence, derivatives by parameters and limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.calculus.rules import clenshaw_curtis, gauss_kronrod, gauss_legendre, tanh_sinh

INF, PI = math.inf, math.pi
SQRT = np.sqrt

# name, integrand, limits, value, relative accuracy asked for. Closed forms; Gradshteyn and Ryzhik have all but the
# elementary ones, and mpmath gave the digits of the special functions.
SMOOTH, SINGULAR = 1e-10, 1e-8
TABLE = [
    ("exp", np.exp, (0, 1), math.e - 1, SMOOTH),
    ("backwards", np.exp, (1, 0), 1 - math.e, SMOOTH),
    ("polynomial", lambda x: 21 * x**20 - 3 * x**2, (-1, 2), 2**21 + 1 - 9, SMOOTH),
    ("sin", np.sin, (0, PI), 2, SMOOTH),
    ("odd", lambda x: x**3 * np.cos(x), (-2, 2), 0, SMOOTH),
    ("runge", lambda x: 1 / (1 + 25 * x * x), (-1, 1), 0.4 * math.atan(5), SMOOTH),
    ("arctan", lambda x: 1 / (1 + x * x), (0, 1), PI / 4, SMOOTH),
    ("log", lambda x: np.log(1 + x) / (1 + x * x), (0, 1), PI / 8 * math.log(2), SMOOTH),
    ("dilogarithm", lambda x: np.log1p(x) / x, (0, 1), PI**2 / 12, SMOOTH),
    ("sinc", lambda x: np.sin(x) / x, (-1, 1), 1.89216614073436602, SMOOTH),
    ("bessel", lambda t: np.cos(np.sin(t)) / PI, (0, PI), 0.76519768655796655, SMOOTH),
    ("elliptic", lambda t: 1 / SQRT(1 - 0.5 * np.sin(t) ** 2), (0, PI / 2), 1.8540746773013719, SMOOTH),
    ("wave", lambda x: np.cos(50 * x), (0, 1), math.sin(50) / 50, SMOOTH),
    ("fast wave", lambda x: np.cos(1000 * x) + 1, (0, 1), 1 + math.sin(1000) / 1000, SMOOTH),
    ("chirp", lambda x: np.sin(x * x), (0, 10), 0.58367089992962334, SMOOTH),
    ("wave of 1/x", lambda x: np.sin(1 / x), (0.01, 1), 0.50398189317541547, SMOOTH),
    ("damped wave", lambda x: np.exp(-x) * np.cos(20 * x), (0, INF), 1 / 401, SMOOTH),
    ("lorentz peak", lambda x: 1 / (1e-6 + (x - 0.3) ** 2), (0, 1), 1e3 * (math.atan(700) + math.atan(300)), SMOOTH),
    ("gauss peak", lambda x: np.exp(-(((x - 0.3) / 1e-2) ** 2)), (0, 1), 1e-2 * SQRT(PI), SMOOTH),
    ("narrow gauss peak", lambda x: np.exp(-(((x - 0.3) / 3e-3) ** 2)), (0, 1), 3e-3 * SQRT(PI), SMOOTH),
    ("boundary layer", lambda x: np.exp(-1000 * x), (0, 1), 1e-3, SMOOTH),
    ("step", lambda x: np.where(x > 1 / 3, 1.0, 0.0), (0, 1), 2 / 3, SMOOTH),
    ("kink", lambda x: np.abs(x - 1 / 3), (0, 1), 5 / 18, SMOOTH),
    ("two kinks", lambda x: np.abs(x * x - 0.5), (-1, 1), (4 * SQRT(0.5) - 1) / 3, SMOOTH),
    ("sqrt", SQRT, (0, 1), 2 / 3, SMOOTH),
    ("fifth root", lambda x: x**0.2, (0, 1), 5 / 6, SMOOTH),
    ("1/sqrt", lambda x: 1 / SQRT(x), (0, 1), 2, SINGULAR),
    ("x**-0.9", lambda x: x**-0.9, (0, 1), 10, SINGULAR),
    ("log at 0", np.log, (0, 1), -1, SINGULAR),
    ("log**2", lambda x: np.log(x) ** 2, (0, 1), 2, SINGULAR),
    ("x log x", lambda x: x * np.log(x), (0, 1), -0.25, SINGULAR),
    ("log / sqrt", lambda x: np.log(x) / SQRT(x), (0, 1), -4, SINGULAR),
    ("half circle", lambda x: SQRT(x * (1 - x)), (0, 1), PI / 8, SINGULAR),
    ("arcsine", lambda x: 1 / SQRT(1 - x * x), (-1, 1), PI, SINGULAR),
    ("far end", lambda x: 1 / SQRT(1 - x), (0, 1), 2, SINGULAR),
    ("shifted end", lambda x: (x - 1) ** -0.25, (1, 2), 4 / 3, SINGULAR),
    ("inside", lambda x: np.abs(x - 0.3) ** -0.5, (0, 1), 2 * (SQRT(0.3) + SQRT(0.7)), SINGULAR),
    ("log inside", lambda x: np.log(np.abs(x - 0.3)), (0, 1), 0.3 * math.log(0.3) + 0.7 * math.log(0.7) - 1, SINGULAR),
    (
        "beta",
        lambda x: x**-0.25 * (1 - x) ** 0.5,
        (0, 1),
        math.gamma(0.75) * math.gamma(1.5) / math.gamma(2.25),
        SINGULAR,
    ),
    ("log sin", lambda x: np.log(np.sin(x)), (0, PI / 2), -PI / 2 * math.log(2), SINGULAR),
    ("exponential", lambda x: np.exp(-x), (0, INF), 1, SMOOTH),
    ("exponential, from below", lambda x: np.exp(x), (-INF, 0), 1, SMOOTH),
    ("infinite, backwards", lambda x: np.exp(-x), (INF, 0), -1, SMOOTH),
    ("gauss", lambda x: np.exp(-x * x), (-INF, INF), SQRT(PI), SMOOTH),
    ("gauss, far", lambda x: np.exp(-((x - 10) ** 2)), (-INF, INF), SQRT(PI), SMOOTH),
    ("second moment", lambda x: x * x * np.exp(-x * x), (-INF, INF), SQRT(PI) / 2, SMOOTH),
    ("cauchy", lambda x: 1 / (1 + x * x), (-INF, INF), PI, SMOOTH),
    ("sech", lambda x: 1 / np.cosh(x), (-INF, INF), PI, SMOOTH),
    ("gamma(5)", lambda x: x**4 * np.exp(-x), (0, INF), 24, SMOOTH),
    ("gamma(1/2)", lambda x: np.exp(-x) / SQRT(x), (0, INF), SQRT(PI), SINGULAR),
    ("planck", lambda x: x**3 / np.expm1(x), (0, INF), PI**4 / 15, SMOOTH),
    ("slow decay", lambda x: x**-1.5, (1, INF), 2, SINGULAR),
    ("slower decay", lambda x: x**-1.1, (1, INF), 10, SINGULAR),
    ("log decay", lambda x: np.log(x) / x**2, (1, INF), 1, SINGULAR),
    ("both ends", lambda x: 1 / (SQRT(x) * (1 + x)), (0, INF), PI, SINGULAR),
    ("euler", lambda x: -np.exp(-x) * np.log(x), (0, INF), 0.57721566490153286, SINGULAR),
    ("dirichlet, damped", lambda x: np.exp(-x) * np.sin(x) / x, (0, INF), PI / 4, SMOOTH),
    ("logistic", lambda x: np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))) ** 2, (-INF, INF), 1, SMOOTH),
    ("student", lambda x: (1 + x * x / 3) ** -2, (-INF, INF), SQRT(3) * PI / 2, SMOOTH),
    ("tiny", lambda x: 1e-20 * np.exp(x), (0, 1), 1e-20 * (math.e - 1), SMOOTH),
]


def outcome(row):
    name, f, (a, b), value, accuracy = row
    found, error = ad.integrate(f, a, b, return_error=True)
    return abs(float(found) - value), float(error), accuracy * (abs(value) or 1.0), name


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_closed_forms(row):
    off, _, allowed, _ = outcome(row)
    assert off <= allowed


def test_error_estimates_are_honest():
    assert len(TABLE) == 60
    outcomes = [outcome(row) for row in TABLE]
    below = [name for off, error, _, name in outcomes if off > error]
    assert len(below) <= 0.05 * len(TABLE), below
    wide = [name for off, error, _, name in outcomes if error > max(1e4 * off, 1e-12)]
    assert len(wide) <= 0.1 * len(TABLE), wide


DIVERGENT = [
    ("1/x at 0", lambda x: 1 / x, (0, 1)),
    ("1/x through 0", lambda x: 1 / x, (-1, 1)),
    ("1/x**2 at 0", lambda x: 1 / x**2, (0, 1)),
    ("pole inside", lambda x: 1 / (x - 0.3), (0, 1)),
    ("double pole inside", lambda x: 1 / (x - 0.3) ** 2, (0, 1)),
    ("tan", np.tan, (0, 2)),
    ("pole at the far end", lambda x: 1 / (1 - x), (0, 1)),
    ("1/x to infinity", lambda x: 1 / x, (1, INF)),
    ("1/(x log x) to infinity", lambda x: 1 / (x * np.log(x)), (2, INF)),
    ("sin to infinity", np.sin, (0, INF)),
    ("exp to infinity", np.exp, (0, INF)),
    ("constant to infinity", lambda x: 1.0, (0, INF)),
    ("odd over the line", lambda x: x, (-INF, INF)),
    ("x/(1 + x**2) over the line", lambda x: x / (1 + x * x), (-INF, INF)),
]


@pytest.mark.parametrize(("f", "limits"), [row[1:] for row in DIVERGENT], ids=[row[0] for row in DIVERGENT])
def test_divergent_integrals_raise(f, limits):
    with pytest.raises(ad.DomainError, match=r"does not converge|diverges"):
        ad.integrate(f, *limits)


def test_a_function_that_is_not_defined_is_named_with_the_place():
    with pytest.raises(ad.DomainError, match=r"`log` is nan at -0\.99.*inside its domain"):
        ad.integrate(np.log, -1.0, 1.0)


# --- rules


@pytest.mark.parametrize("n", [7, 10, 15])
def test_kronrod_is_exact_to_degree_3n_plus_1(n):
    rule = gauss_kronrod(n)
    degrees = np.arange(3 * n + 2)
    np.testing.assert_allclose((rule.nodes ** degrees[:, None]) @ rule.fine, 1 / (degrees + 1), rtol=1e-12)
    np.testing.assert_allclose(
        (rule.nodes ** degrees[: 2 * n, None]) @ rule.coarse, 1 / (degrees[: 2 * n] + 1), rtol=1e-12
    )


def test_kronrod_has_the_published_figures():
    rule = gauss_kronrod(10)  # QUADPACK's QK21: its outermost node and weight, and the middle weight
    np.testing.assert_allclose(2 * rule.nodes[-1] - 1, 0.995657163025808080735527280689003, rtol=1e-14)
    np.testing.assert_allclose(2 * rule.fine[-1], 0.011694638867371874278064396062192, rtol=1e-12)
    np.testing.assert_allclose(2 * rule.fine[10], 0.149445554002916905664936468389821, rtol=1e-13)


def test_the_other_rules_are_exact_where_they_should_be():
    gauss, cc = gauss_legendre(8), clenshaw_curtis(16)
    for rule, degree in ((gauss, 15), (cc, 16)):
        for k in range(degree + 1):
            assert rule.fine @ rule.nodes**k == pytest.approx(1 / (k + 1), rel=1e-13)
    assert abs(gauss.fine @ gauss.nodes**18 - 1 / 19) > 1e-12
    ends = tanh_sinh(5, 1e-150)
    assert ends.fine @ ends.nodes**-0.75 == pytest.approx(4, rel=1e-13)


@pytest.mark.parametrize("method", ["gauss-legendre", "clenshaw-curtis", "tanh-sinh"])
def test_the_other_methods(method):
    value, error = ad.integrate(
        lambda x, y: np.exp(x * y), (0.0, 1.0), (0.0, lambda x: x), method=method, return_error=True
    )
    assert value == pytest.approx(0.6589510757272019, rel=1e-12)
    assert error < 1e-10
    if method == "tanh-sinh":
        assert ad.integrate(lambda x: x**-0.75, 0.0, 1.0, method=method) == pytest.approx(4.0, rel=1e-12)
    else:
        with pytest.raises(ad.DomainError):
            ad.integrate(lambda x: x**-0.75, 0.0, 1.0, method=method)


# --- several variables


def test_several_variables():
    integrate = ad.integrate
    assert integrate(lambda x, y: x * y, (0.0, 1.0), (0.0, lambda x: x)) == pytest.approx(1 / 8, rel=1e-13)
    assert integrate(lambda x, y: np.exp(-x * x - y * y), (-INF, INF), (-INF, INF)) == pytest.approx(PI, rel=1e-10)
    disc = integrate(lambda x, y: 1.0, (-1, 1), (lambda x: -SQRT(1 - x * x), lambda x: SQRT(1 - x * x)))
    assert disc == pytest.approx(PI, rel=1e-10)
    assert integrate(lambda x, y: 1 / SQRT(x * y), (0, 1), (0, 1)) == pytest.approx(4, rel=1e-8)
    simplex = integrate(lambda x, y, z: x + y * z, (0, 1), (0, lambda x: 1 - x), (0, lambda x, y: 1 - x - y))
    assert simplex == pytest.approx(1 / 24 + 1 / 120, rel=1e-12)
    four = integrate(lambda x, y, z, w: np.exp(-x - y - z - w), *[(0.0, 1.0)] * 4)
    assert four == pytest.approx((1 - math.exp(-1)) ** 4, rel=1e-12)
    backwards = integrate(lambda x, y: x * y, (1.0, 0.0), (0.0, lambda x: x))
    assert backwards == pytest.approx(-1 / 8, rel=1e-13)


def test_a_kink_across_the_grid_is_refused_with_the_way_out():
    with pytest.raises(ad.DomainError, match="split the region along a kink"):
        ad.integrate(lambda x, y: np.abs(x - y), (0, 1), (0, 1))
    halves = [(0, lambda x: x), (lambda x: x, 1)]
    whole = sum(ad.integrate(lambda x, y: np.abs(x - y), (0, 1), half) for half in halves)
    assert whole == pytest.approx(1 / 3, rel=1e-12)


def test_sampling_is_seeded_and_its_error_is_honest():
    def bell(*xs):
        return np.exp(-sum(x * x for x in xs))

    exact = (SQRT(PI) / 2 * math.erf(1)) ** 6
    misses = 0
    for seed in range(20):
        value, error = ad.integrate(bell, *[(0.0, 1.0)] * 6, samples=4096, seed=seed, return_error=True)
        misses += abs(value - exact) > error
        assert error < 1e-2 * exact
    assert misses <= 1
    again = [ad.integrate(bell, *[(0.0, 1.0)] * 6, samples=4096, seed=3) for _ in range(2)]
    assert again[0] == again[1]
    line = ad.integrate(lambda x: np.exp(-x * x), -INF, INF, method="monte-carlo")
    assert line == pytest.approx(SQRT(PI), rel=1e-3)


@pytest.mark.parametrize(
    ("f", "ranges", "exact"),
    [
        (lambda x: np.exp(-(((x - 37.123) / 1e-3) ** 2)), [(-100.0, 100.0)], 1e-3 * SQRT(PI)),
        (lambda x: np.exp(-((x - 370.123) ** 2)), [(-INF, INF)], SQRT(PI)),
        (lambda x, y: np.exp(-((x - 0.3123) ** 2 + (y - 0.7) ** 2) / 1e-5), [(0.0, 1.0)] * 2, 1e-5 * PI),
    ],
    ids=["line", "whole line", "plane"],
)
def test_a_peak_between_the_first_nodes_is_found_where_all_else_is_0(f, ranges, exact):
    assert ad.integrate(f, *ranges) == pytest.approx(exact, rel=1e-11)


def test_a_peak_is_found_where_one_is_told_to_look():
    far = lambda x: np.exp(-((x - 5e4) ** 2)) + 1e-9 * np.exp(-(x**2))
    assert ad.integrate(far, -INF, INF, points=[5e4]) == pytest.approx(SQRT(PI), rel=1e-8)


def test_an_integrand_that_is_0_has_the_integral_0():
    for dimension in (1, 2, 3):
        value, error = ad.integrate(lambda *xs: 0.0 * xs[0], *[(0.0, 1.0)] * dimension, return_error=True)
        assert value == error == 0.0
    assert ad.grad(lambda a: ad.integrate(lambda x: a * x, 0.0, 1.0))(0.0) == pytest.approx(0.5, rel=1e-12)


def test_no_limits_give_no_integrals():
    for low, high in ((np.zeros(0), 1.0), (0.0, np.zeros((2, 0)))):
        value, error = ad.integrate(np.exp, low, high, return_error=True)
        assert value.shape == error.shape == np.broadcast_shapes(np.shape(low), np.shape(high))
    assert ad.grad(lambda b: ad.antiderivative(np.exp, 0.0)(b).sum())(np.zeros(0)).shape == (0,)


def test_errors_aimed_at_are_numbers_from_0():
    for options in ({"tol": -1e-9}, {"tol": np.nan}, {"atol": -1.0}):
        with pytest.raises(ad.StructureError, match="integrate: tol and atol must be 0 or more; "):
            ad.integrate(np.exp, 0.0, 1.0, **options)


def test_an_integrand_without_a_return_is_told_so():
    with pytest.raises(ad.ShapeError, match=r"returned None; expected its values at \d+ nodes. Is there a `return`"):
        ad.integrate(lambda x: None, 0.0, 1.0)


# --- derivatives


def test_leibniz_for_limits_and_parameters():
    assert ad.grad(lambda b: ad.integrate(np.exp, 0.0, b))(1.0) == pytest.approx(math.e, rel=1e-14)
    assert ad.grad(lambda a: ad.integrate(np.exp, a, 1.0))(0.5) == pytest.approx(-math.exp(0.5), rel=1e-14)
    both = ad.grad(lambda t: ad.integrate(np.sin, t, t * t))(2.0)
    assert both == pytest.approx(4 * math.sin(4) - math.sin(2), rel=1e-13)
    k = 2.0
    slope = ad.grad(lambda k: ad.integrate(lambda x: np.sin(k * x), 0.0, 1.0))(k)
    assert slope == pytest.approx((math.cos(k) - 1) / k**2 + math.sin(k) / k, rel=1e-13)
    tail = ad.grad(lambda k: ad.integrate(lambda x: np.exp(-k * x), 0.0, INF))(3.0)
    assert tail == pytest.approx(-1 / 9, rel=1e-12)


@pytest.mark.parametrize(
    ("f", "exact"),
    [
        (lambda b: ad.integrate(np.exp, b, b * b), lambda b: np.exp(b * b) - np.exp(b)),
        (lambda b: ad.integrate(lambda x: np.exp(b * x), 0.0, b * b), lambda b: (np.exp(b**3) - 1) / b),
        (lambda b: ad.integrate(lambda x: np.exp(-b * x), b, INF), lambda b: np.exp(-b * b) / b),
        (lambda b: ad.integrate(lambda x, y: x * y * b, (0.0, b), (0.0, lambda x: b * x)), lambda b: b**7 / 8),
    ],
    ids=["limits", "limit and parameter", "infinite range", "inner limit"],
)
def test_power_series_of_integrals_with_limits_that_move(f, exact):
    """Of a series nothing is recorded, and yet it has all derivatives."""
    known = ad.taylor(exact, 0.7, 20)
    np.testing.assert_allclose(ad.taylor(f, 0.7, 20), known, rtol=1e-9, atol=1e-12 * np.abs(known).max())
    assert ad.derivative(f, 2)(0.7) == pytest.approx(ad.grad(ad.grad(exact))(0.7), rel=1e-12)


def closed_form(p):
    """The integral of exp(k x) from a to b."""
    a, b, k = p[0], p[1], p[2]
    return (np.exp(k * b) - np.exp(k * a)) / k


def numeric(p):
    return ad.integrate(lambda x: np.exp(p[2] * x), p[0], p[1])


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.3, 2))
def test_limits_and_parameters_together_to_second_order(a, b, k):
    p = np.array([a, b, k])
    scale = 1 + abs(closed_form(p))
    np.testing.assert_allclose(ad.grad(numeric)(p), ad.grad(closed_form)(p), atol=1e-11 * scale)
    np.testing.assert_allclose(ad.hessian(numeric)(p), ad.hessian(closed_form)(p), atol=1e-9 * scale)


def test_mixed_derivatives_to_third_order_in_any_order():
    def third(f, i, j, k):
        return ad.grad(ad.grad(ad.grad(f, i), j), k)

    def found(b, k):
        return ad.integrate(lambda x: np.exp(k * x), 0.0, b)

    def exact(b, k):
        return (np.exp(k * b) - 1) / k

    for order in ((0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1)):
        assert third(found, *order)(1.1, 0.7) == pytest.approx(third(exact, *order)(1.1, 0.7), rel=1e-11)


def test_limits_that_move_inside():
    def region(b):
        return ad.integrate(lambda x, y: np.exp(x * y * b), (0.0, b), (0.0, lambda x: b * x * x))

    h = 1e-3
    slope = ad.grad(region)
    at = 1.1
    differences = (8 * (region(at + h) - region(at - h)) - region(at + 2 * h) + region(at - 2 * h)) / (12 * h)
    assert slope(at) == pytest.approx(differences, rel=1e-9)
    differences = (8 * (slope(at + h) - slope(at - h)) - slope(at + 2 * h) + slope(at - 2 * h)) / (12 * h)
    assert ad.grad(slope)(at) == pytest.approx(differences, rel=1e-8)
    only_inside = ad.grad(lambda b: ad.integrate(lambda x, y: y, (0.0, 1.0), (0.0, lambda x: b * x)))(3.0)
    assert only_inside == pytest.approx(1.0, rel=1e-13)  # b**2 / 6


def test_equal_limits_give_0_and_the_right_slope():
    def f(t):
        return ad.integrate(np.exp, t, t * t)

    value, slope = ad.value_and_grad(f)(1.0)
    assert value == 0
    assert slope == pytest.approx(math.e, rel=1e-14)  # f(b) b' - f(a) a' = 2e - e


def test_a_limit_at_an_infinite_slope():
    assert ad.grad(lambda a: ad.integrate(np.sqrt, a, 1.0))(0.0) == 0
    assert ad.grad(lambda a: ad.integrate(lambda x: 1 / np.sqrt(x), a, 1.0))(0.0) == -INF
    k = ad.grad(lambda k: ad.integrate(lambda x: k * np.sqrt(x), 0.0, 1.0))(2.0)
    assert k == pytest.approx(2 / 3, rel=1e-12)
    # Each inner limit has an infinite slope at the ends of the outer range.
    radius = ad.grad(lambda r: ad.integrate(lambda x, y: 1.0, (-r, r), (lambda x: -np.sqrt(r * r - x * x), 0.0)))(1.3)
    assert radius == pytest.approx(PI * 1.3, rel=1e-8)


def test_backward_reaches_closed_over_tensors_and_limits():
    k, b = ad.tensor(2.0, requires_grad=True), ad.tensor(1.0, requires_grad=True)
    ad.integrate(lambda x: k * x, 0.0, b).backward()
    assert (k.grad, b.grad) == (pytest.approx(0.5), pytest.approx(2.0))


def test_arrays_of_limits_and_of_integrands():
    b = np.linspace(0.0, 2.0, 5)
    np.testing.assert_allclose(ad.integrate(np.cos, 0.0, b), np.sin(b), atol=1e-14)
    np.testing.assert_allclose(ad.jacobian(ad.antiderivative(np.cos, 0.0))(b), np.diag(np.cos(b)), atol=1e-13)
    np.testing.assert_allclose(ad.integrate(lambda x: [x, x**2, 1.0 + 0 * x], 0.0, 1.0), [1 / 2, 1 / 3, 1], rtol=1e-13)
    assert ad.integrate(lambda x: np.exp(1j * x), 0.0, 1.0) == pytest.approx(math.sin(1) + 1j * (1 - math.cos(1)))


def test_what_comes_back():
    assert type(ad.integrate(np.exp, 0, 1)) is np.float64
    assert isinstance(ad.integrate(np.exp, 0.0, ad.tensor(1.0)), ad.Tensor)
    assert not ad.integrate(np.exp, 0.0, ad.tensor(1.0)).requires_grad
    assert ad.integrate(np.exp, INF, INF) == 0
    k = ad.tensor(1.0, requires_grad=True)
    assert ad.integrate(lambda x: k * x, 0.0, 1.0).requires_grad
    assert ad.integrate(lambda x: 2.0, 1.0, 3.0) == pytest.approx(4.0, rel=1e-14)


# --- compiled


def test_compiled_integrals_follow_parameters_and_limits():
    f = ad.compile(ad.value_and_grad(lambda k: ad.integrate(lambda x: np.exp(-k * x), 0.0, INF)))
    for k in (1.0, 1.5, 0.7):
        value, slope = f(np.array(k))
        assert value == pytest.approx(1 / k, rel=1e-9)
        assert slope == pytest.approx(-1 / k**2, rel=1e-8)
    g = ad.compile(lambda b: ad.integrate(np.exp, 0.0, b))
    for b in (1.0, 2.0, -1.0):
        assert g(np.array(b)) == pytest.approx(math.exp(b) - 1, rel=1e-12)


def test_a_compiled_integral_whose_nodes_no_longer_do_is_traced_anew_or_raises():
    f = ad.compile(lambda k: ad.integrate(lambda x: np.cos(k * x), 0.0, 1.0))
    assert f(np.array(1.0)) == pytest.approx(math.sin(1), rel=1e-12)
    assert f(np.array(20.0)) == pytest.approx(math.sin(20) / 20, rel=1e-9)
    for k in (300.0, 1.0, 290.0):
        assert f(np.array(k)) == pytest.approx(math.sin(k) / k, rel=1e-9)
    assert len(f.sources) == 2
    one = lambda: np.ones(())
    g = ad.compile(lambda k: ad.integrate(lambda x: np.cos(k * x), 0.0, ad.live(one)))
    g(np.array(1.0)), g(np.array(1.0))
    with pytest.raises(ad.DomainError, match="a compiled integral keeps the nodes of its first call"):
        g(np.array(5e4))  # behind a draw, which cannot be taken back


# --- calls that cannot be


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: ad.integrate(np.sin, 0.0, math.nan), ad.DomainError, "upper limit of range 0 is nan"),
        (lambda: ad.integrate(np.sin, (0.0, 1.0), 1.0), ad.StructureError, r"integrate\(f, \(a, b\), \(c, d\)\)"),
        (lambda: ad.integrate(np.sin, 0.0, 1.0, 2.0), ad.StructureError, "3 argument"),
        (lambda: ad.integrate(np.sin, 0.0, 1.0, method="romberg"), ad.StructureError, "method must be one of auto"),
        (lambda: ad.integrate(np.sin, 0.0, 1.0, method="gauss-legendre", nodes=5), ad.StructureError, "multiple of 4"),
        (lambda: ad.integrate(np.sin, 0.0, 1.0, method="monte-carlo", samples=3), ad.StructureError, "128 or more"),
        (lambda: ad.integrate(lambda x: x[:3], 0.0, 1.0), ad.ShapeError, r"axis=0.*vectorized=False"),
        (lambda: ad.integrate(np.sin, 1j, 0.0), ad.StructureError, "complex128"),
        (lambda: ad.integrate(lambda x, y: x, (0.0, lambda x: x), (0, 1)), ad.StructureError, "outermost first"),
        (lambda: ad.integrate(math.sin, 0.0, 1.0), ad.UnsupportedError, "np.sin for math.sin.*vectorized=False"),
        (lambda: ad.integrate(lambda x: 1.0 if x > 0 else 0.0, 0, 1), ad.UnsupportedError, "np.where for if"),
        (lambda: ad.integrate(np.sin, 0.0, np.array([1.0, INF])), ad.DomainError, "infinite for only some"),
        (lambda: ad.integrate(lambda x, y: x, (0, 1), (0, 1), points=[0.5]), ad.StructureError, "Split a range"),
    ],
)
def test_calls_that_cannot_be_say_why(call, error, told):
    with pytest.raises(error, match=f"(?s){told}"):
        call()


def test_functions_of_single_numbers():
    assert ad.integrate(math.sin, 0.0, 1.0, vectorized=False) == pytest.approx(1 - math.cos(1), rel=1e-13)
    k = ad.grad(lambda k: ad.integrate(lambda x: k * math.exp(x), 0.0, 1.0, vectorized=False))(2.0)
    assert k == pytest.approx(math.e - 1, rel=1e-13)


def test_an_error_of_the_integrand_itself_comes_through():
    with pytest.raises(KeyError):
        ad.integrate(lambda x: {}["no"], 0.0, 1.0)


def test_points_divide_the_range():
    value, error = ad.integrate(lambda x: np.abs(x - 0.3) ** 0.5, 0.0, 1.0, points=[0.3, 7.0], return_error=True)
    assert value == pytest.approx((0.3**1.5 + 0.7**1.5) / 1.5, rel=1e-12)
    assert error < 1e-12


# --- laws


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(-2, 2))
def test_linear_and_additive(a, b, c, factor):
    def f(x):
        return np.exp(-x * x) + np.sin(3 * x)

    def g(x):
        return 1 / (1 + x * x)

    whole = ad.integrate(f, a, c)
    assert whole == pytest.approx(ad.integrate(f, a, b) + ad.integrate(f, b, c), abs=1e-12)
    assert whole == pytest.approx(-ad.integrate(f, c, a), abs=1e-13)
    together = ad.integrate(lambda x: f(x) + factor * g(x), a, c)
    assert together == pytest.approx(whole + factor * ad.integrate(g, a, c), abs=1e-12)


# --- samples and sums


def test_sampled_integrals():
    x = np.array([0.0, 0.1, 0.4, 0.5, 1.0, 1.7])
    for n in (5, 6):  # odd and even
        assert ad.calculus.simpson(x[:n] ** 2, x[:n]) == pytest.approx(x[n - 1] ** 3 / 3, rel=1e-13)
    assert ad.calculus.trapezoid(2 * x + 1, x) == pytest.approx(1.7**2 + 1.7, rel=1e-14)
    np.testing.assert_allclose(ad.calculus.cumulative_integral(2 * x, x), x**2, atol=1e-15)
    rows = np.stack([x, x**2])
    assert ad.calculus.simpson(rows, x).shape == (2,)
    np.testing.assert_allclose(ad.grad(lambda y: ad.calculus.trapezoid(y, dx=0.5))(np.ones(4)), [0.25, 0.5, 0.5, 0.25])
    by_place = ad.grad(lambda x: ad.calculus.trapezoid(x**2, x))(x)
    assert by_place.shape == x.shape
    assert by_place[-1] == pytest.approx((x[-1] ** 2 + x[-2] ** 2) / 2 + (x[-1] - x[-2]) * x[-1], rel=1e-14)
    with pytest.raises(ad.ShapeError, match="3 samples or more"):
        ad.calculus.simpson(np.ones(2))
    with pytest.raises(ad.ShapeError, match=r"expected \(4,\)"):
        ad.calculus.trapezoid(np.ones(4), np.ones(3))


@pytest.mark.parametrize(
    ("rule", "order"), [("left", 1), ("right", 1), ("midpoint", 2), ("trapezoid", 2), ("simpson", 4)]
)
def test_riemann_sums_obey_their_error_laws(rule, order):
    exact = math.e - 1
    off = [exact - ad.calculus.riemann_sum(np.exp, 0.0, 1.0, n, rule) for n in (16, 32)]
    assert math.log2(off[0] / off[1]) == pytest.approx(order, abs=0.05)
    assert off[1] == pytest.approx(ad.calculus.riemann_error(np.exp, 0.0, 1.0, 32, rule), rel=0.03)
    with pytest.raises(ad.StructureError, match="rule must be one of left"):
        ad.calculus.riemann_sum(np.exp, 0.0, 1.0, 4, "middle")


@pytest.mark.parametrize("width", [1e-3, 1e-4, 1e-5, 1e-6, 1e-8])
def test_a_peak_at_a_given_point_is_seen_on_both_sides(width):
    def peak(x):
        return np.exp(-(((x - 0.3) / width) ** 2))

    value, error = ad.integrate(peak, -1.0, 1.0, points=[0.3], return_error=True)
    # The distance from 0.3 has so few digits left.
    assert value == pytest.approx(width * np.sqrt(np.pi), rel=max(1e-10, 1e-15 / width)) and error < 1e-12


@pytest.mark.parametrize("place", [0.05, 0.3, 0.71])
@pytest.mark.parametrize("width", 10.0 ** np.linspace(-6, -2, 9))
def test_a_peak_is_seen_on_both_sides_beside_other_integrals(place, width):
    def peak(x):
        return np.exp(-(((x - place) / width) ** 2)) / (width * SQRT(PI))

    together = ad.integrate(lambda x: np.stack([peak(x), x < place, peak(x) * x]), 0.0, 1.0, points=[place])
    digits = max(1e-11, 1e-14 / width)  # that the distance from the point has left
    np.testing.assert_allclose(together, [1.0, place, place], rtol=digits)
    assert ad.integrate(peak, 0.0, 1.0, points=[place]) == pytest.approx(1.0, rel=digits)


def test_an_integral_that_is_done_does_not_stop_the_others():
    found = ad.integrate(
        lambda x: np.stack([np.ones_like(x), np.exp(-(((x - 0.3) / 1e-3) ** 2))]), 0.0, 1.0, points=[0.3]
    )
    np.testing.assert_allclose(found, [1.0, 1e-3 * SQRT(PI)], rtol=1e-11)


@pytest.mark.parametrize("compiled", [False, True])
def test_points_divide_ranges_with_one_limit_for_each_integral(compiled):
    highs = np.array([0.9, 1.0, 2.0])
    up_to = lambda b: ad.integrate(lambda x: np.abs(x - 0.3), 0.0, b, points=[0.3])
    call = ad.compile(up_to) if compiled else up_to
    np.testing.assert_allclose(call(highs), (0.3**2 + (highs - 0.3) ** 2) / 2, rtol=1e-13)
    np.testing.assert_allclose(ad.grad(lambda b: up_to(b).sum())(highs), highs - 0.3, rtol=1e-13)
    np.testing.assert_allclose(
        ad.integrate(lambda x: np.exp(-np.abs(x - 0.3)), highs - 2, INF, points=[0.3]),
        2 - np.exp(highs - 2.3),
        rtol=1e-12,
    )


def test_no_integrals_at_all():
    assert ad.integrate(lambda x: x * np.zeros((0, 1)), 0.0, 1.0).shape == (0,)
