"""Expectations by every method, their derivatives, and the slopes of the cumulative functions by shape parameters."""

import math

import mpmath
import numpy as np
import pytest

import autodiff as ad
from autodiff import probability as pr
from autodiff.ops.cumulative import beta_cdf, gamma_cdf, student_cdf
from autodiff.testing import gradcheck

SQUARE = np.square


@pytest.mark.parametrize(
    ("distribution", "f", "expected"),
    [
        (pr.Normal(1.0, 2.0), np.exp, math.exp(3.0)),
        (pr.Normal(1.0, 2.0), np.abs, 2 * math.sqrt(2 / math.pi) * math.exp(-1 / 8) + math.erf(1 / math.sqrt(8))),
        (pr.Normal(1e6, 1e-3), SQUARE, 1e12 + 1e-6),
        (pr.Exponential(2.0), np.sqrt, math.sqrt(math.pi / 8)),
        (pr.Gamma(0.3, 2.0), np.log, float(mpmath.digamma(0.3)) - math.log(2)),
        (pr.Gamma(1e6, 1e6), SQUARE, 1 + 1e-6),
        (pr.Beta(0.5, 0.5), SQUARE, 3 / 8),
        (pr.Beta(3e5, 2e5), lambda x: x, 0.6),
        (pr.Uniform(-1.0, 2.0), np.exp, (math.exp(2) - math.exp(-1)) / 3),
        (pr.Laplace(1.0, 0.5), np.cos, math.cos(1) / 1.25),
        (pr.StudentT(3.0), np.abs, 2 * math.sqrt(3) / math.pi),
        (pr.Bernoulli(0.3), lambda k: 5 * k + 1, 2.5),
        (pr.Binomial(10, 0.3), SQUARE, 9 + 2.1),
        (pr.Poisson(2.0), lambda k: 2.0**k, math.exp(2.0)),
        (pr.Poisson(1e6), SQUARE, 1e12 + 1e6),
        (pr.Categorical([0.2, 0.3, 0.5]), SQUARE, 2.3),
        (pr.Mixture([0.25, 0.75], [pr.Normal(-1e4, 1e-2), pr.Normal(1e4, 1e-2)]), lambda x: x, 5e3),
        (pr.MultivariateNormal([1.0, 0.0], [[2.0, 0.5], [0.5, 1.0]]), lambda x: x[:, 0] * x[:, 1], 0.5),
        (pr.MultivariateNormal([1.0, 0.0], [[2.0, 0.5], [0.5, 1.0]]), lambda x: np.exp(x.sum(axis=1)), math.exp(3.0)),
        (pr.Normal(), lambda x: 7.0, 7.0),
    ],
)
def test_the_rule_chosen_is_exact(distribution, f, expected):
    np.testing.assert_allclose(pr.expectation(f, distribution), expected, rtol=1e-9)


def test_gauss_hermite_is_exact_for_polynomials_of_twice_its_nodes():
    d = pr.Normal(0.5, 2.0)
    by_rule, error = pr.expectation(lambda x: x**7, d, method="gauss-hermite", nodes=4, return_error=True)
    np.testing.assert_allclose(by_rule, pr.expectation(lambda x: x**7, d), rtol=1e-12)
    assert error > 1.0  # three nodes, of which the estimate is made, are exact to degree 5 only
    assert abs(pr.expectation(lambda x: x**8, d, method="gauss-hermite", nodes=4) / 31000 - 1) > 0.01
    many = pr.expectation(SQUARE, pr.Normal(np.arange(3.0), 1.0), method="gauss-hermite")
    np.testing.assert_allclose(many, [1.0, 2.0, 5.0], rtol=1e-13)


def test_samples_come_within_their_standard_error():
    for d, f, expected in [(pr.Normal(1.0, 2.0), SQUARE, 5.0), (pr.Poisson([2.0, 3.0]), SQUARE, [6.0, 12.0])]:
        value, error = pr.expectation(f, d, method="sampling", samples=20000, return_error=True)
        assert (np.abs(value - expected) < 4 * error).all() and (error < 0.2).all()
    ten = pr.MultivariateNormal(np.zeros(10), np.eye(10))
    value, error = pr.expectation(lambda x: (x * x).sum(axis=1), ten, samples=20000, return_error=True)
    assert abs(value - 10) < 4 * error and error == pytest.approx(math.sqrt(20 / 20000), rel=0.1)


def test_expectations_differentiate_by_parameters():
    wave = np.sin
    gradcheck(lambda m, s: pr.expectation(wave, pr.Normal(m, s)), 0.4, 1.3)
    gradcheck(lambda m, s: pr.expectation(wave, pr.Normal(m, s), method="gauss-hermite"), 0.4, 1.3)
    gradcheck(lambda a, b: pr.expectation(wave, pr.Gamma(a, b)), 2.4, 1.3)
    gradcheck(lambda a, b: pr.expectation(wave, pr.Uniform(a, b)), 0.4, 1.3)
    gradcheck(lambda r: pr.expectation(wave, pr.Poisson(r)), 1.4)
    gradcheck(lambda k: pr.expectation(lambda x: np.sin(k * x), pr.Laplace()), 0.7)
    gradcheck(lambda m: pr.expectation(wave, pr.Normal(m, 1.0), method="sampling", samples=50), 0.3)
    gradcheck(
        lambda m, c: pr.expectation(lambda x: wave(x).prod(axis=1), pr.MultivariateNormal(m, c @ c.T + np.eye(2))),
        np.array([0.3, 0.8]),
        np.array([[0.5, 0.1], [0.3, 0.2]]),
    )


def test_expectations_compile():
    for make in (lambda m: pr.Normal(m, 1.0), lambda m: pr.Gamma(2.0 + m, 1.0), lambda m: pr.Poisson(3.0 + m)):
        slope = ad.grad(lambda m, make=make: pr.expectation(np.sin, make(m)))
        fast = ad.compile(slope)
        fast(np.array(0.3))
        np.testing.assert_allclose(fast(np.array(0.5)), slope(np.array(0.5)), rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: pr.expectation(lambda x: x, pr.StudentT(1.0)), ad.DomainError, "diverge|converge"),
        (lambda: pr.expectation(SQUARE, pr.StudentT(2.0)), ad.DomainError, "diverge|converge"),
        (lambda: pr.expectation(lambda x: 1 / x, pr.Exponential()), ad.DomainError, "diverge|converge"),
        (lambda: pr.expectation(SQUARE, pr.MultivariateNormal([0.0], [[1.0]])), ad.ShapeError, "one number for each"),
        (
            lambda: pr.expectation(lambda x: np.abs(x[:, 0]), pr.MultivariateNormal([0.0], [[1.0]])),
            ad.DomainError,
            "not smooth enough",
        ),
        (lambda: pr.expectation(SQUARE, pr.Normal(), method="simpson"), ad.StructureError, "no method 'simpson'"),
        (lambda: pr.expectation(SQUARE, pr.Normal(), method="sum"), ad.StructureError, "for integers"),
        (lambda: pr.expectation(SQUARE, pr.Poisson(1.0), method="quadrature"), ad.StructureError, "method='sum'"),
        (lambda: pr.expectation(SQUARE, pr.Gamma(1.0), method="gauss-hermite"), ad.StructureError, "for normal"),
        (lambda: pr.expectation(SQUARE, pr.Normal([0.0, 1.0])), ad.ShapeError, "several variables"),
        (lambda: pr.expectation(SQUARE, pr.Normal(), method="sampling", samples=1), ad.StructureError, "samples=1"),
        (lambda: pr.expectation(SQUARE, pr.Normal(), method="gauss-hermite", nodes=1), ad.StructureError, "nodes=1"),
        (
            lambda: pr.expectation(np.vectorize(lambda k: math.gamma(k + 1)), pr.Poisson(1.0)),
            ad.DomainError,
            "do not fall",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_what_has_no_expectation_is_refused(call, error, told):
    with pytest.raises(error, match=told):
        call()


# --- slopes of cumulative functions by shape parameters -------------------------------------------


def slope(f, a):
    """Of a function of mpmath, to double precision."""
    with mpmath.workdps(30):
        return float(mpmath.diff(f, mpmath.mpf(a), h=mpmath.mpf(10) ** -8 * a))


@pytest.mark.parametrize("a", [0.05, 0.3, 1.0, 2.5, 10.0, 100.0])
def test_incomplete_gamma_by_its_shape(a):
    for x in [1e-3 * a, 0.3 * a, 0.9 * a, a, 1.2 * a, 3 * a]:
        expected = slope(lambda q, x=x: mpmath.gammainc(q, 0, mpmath.mpf(x), regularized=True), a)
        assert float(ad.grad(gamma_cdf)(a, x)) == pytest.approx(expected, rel=1e-8, abs=1e-15)
        assert float(ad.grad(lambda q, x=x: gamma_cdf(q, x, upper=True))(a)) == pytest.approx(
            -expected, rel=1e-8, abs=1e-15
        )


@pytest.mark.parametrize("a", [0.1, 1.0, 3.0, 40.0])
@pytest.mark.parametrize("b", [0.2, 5.0])
def test_incomplete_beta_by_its_parameters(a, b):
    for x in [1e-4, 0.1, 0.5, 0.8, 0.999]:
        by_a = slope(lambda q, x=x: mpmath.betainc(q, b, 0, mpmath.mpf(x), regularized=True), a)
        by_b = slope(lambda q, x=x: mpmath.betainc(a, q, 0, mpmath.mpf(x), regularized=True), b)
        np.testing.assert_allclose(ad.grad(beta_cdf, argnums=(0, 1))(a, b, x), [by_a, by_b], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("nu", [0.5, 1.0, 3.0, 30.0])
def test_students_cumulative_function_by_its_degrees_of_freedom(nu):
    for t in [-8.0, -1.0, -0.1, 0.2, 3.0, 50.0]:
        tail = slope(
            lambda n, t=t: mpmath.betainc(n / 2, 0.5, 0, n / (n + mpmath.mpf(t) ** 2), regularized=True) / 2, nu
        )
        expected = tail if t < 0 else -tail
        assert float(ad.grad(student_cdf)(nu, t)) == pytest.approx(expected, rel=1e-8, abs=1e-15)
