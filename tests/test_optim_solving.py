"""Roots and fixed points, and their derivatives by the implicit function theorem."""

import math

import numpy as np
import pytest

import autodiff as ad
import optim


def test_roots():
    assert optim.root(lambda x: x**3 - 2, 1.0) == pytest.approx(2 ** (1 / 3), rel=1e-13)
    assert optim.root(np.arctan, 3.0) == pytest.approx(0.0, abs=1e-13)  # where plain Newton runs away
    assert optim.root(lambda x: x**2, 1.0) == pytest.approx(0.0, abs=1e-11)  # a double root: step by step
    x = optim.root(lambda x: np.stack([x[0] ** 2 + x[1] ** 2 - 4, x[0] * x[1] - 1]), [2.0, 1.0])
    assert (x[0] ** 2 + x[1] ** 2, x[0] * x[1]) == (pytest.approx(4), pytest.approx(1))
    assert type(optim.root(lambda x: x - 1, 0)) is np.float64


def test_derivatives_of_a_root_to_third_order():
    def cube_root(a):
        return optim.root(lambda x: x**3 - a, 1.0)

    def power(a):
        return a ** (1 / 3)

    found, exact = cube_root, power
    for _ in range(3):
        found, exact = ad.grad(found), ad.grad(exact)
        assert found(2.0) == pytest.approx(exact(2.0), rel=1e-12)


def test_systems_parameters_and_closures():
    A = np.array([[3.0, 1.0], [1.0, 2.0]])

    def solution(b):
        return optim.root(lambda x, b: A @ x + 0.1 * x**3 - b, np.zeros(2), b)

    b = np.array([1.0, 2.0])
    x = solution(b)
    np.testing.assert_allclose(ad.jacobian(solution)(b), np.linalg.inv(A + np.diag(0.3 * x**2)), rtol=1e-12)
    ad.testing.gradcheck(lambda b: (solution(b) ** 2).sum(), b)
    k = ad.tensor(2.0, requires_grad=True)
    optim.root(lambda x: x**2 - k, 1.0).backward()
    assert k.grad == pytest.approx(1 / (2 * math.sqrt(2)), rel=1e-12)


def test_fixed_points():
    x = optim.fixed_point(np.cos, 1.0)
    assert x == pytest.approx(math.cos(x), rel=1e-12)
    slope = ad.grad(lambda a: optim.fixed_point(lambda x, a: np.cos(a * x), 1.0, a))(1.0)
    assert slope == pytest.approx(-x * math.sin(x) / (1 + math.sin(x)), rel=1e-10)
    M = np.array([[0.3, 0.1], [0.2, 0.4]])
    by_b = ad.jacobian(lambda b: optim.fixed_point(lambda x: M @ x + b, np.zeros(2)))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(by_b, np.linalg.inv(np.eye(2) - M), rtol=1e-11)


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: optim.root(lambda x: x**2 + 1, 1.0), ad.DomainError, "no solution was found: .*Start elsewhere"),
        (lambda: optim.root(lambda x: x[:1], np.ones(2)), ad.ShapeError, "one equation for each unknown"),
        (lambda: optim.fixed_point(lambda x: 2 * x + 1, 1.0), ad.DomainError, "damp it"),
        (lambda: optim.fixed_point(lambda x: x**2, 3.0), ad.DomainError, "the iterations diverged"),
    ],
)
def test_calls_that_cannot_be_say_why(call, error, told):
    with pytest.raises(error, match=told):
        call()
