"""Differential equations: closed forms, derivatives through the steps and by adjoint, and what cannot be followed."""

import math

import numpy as np
import pytest

import autodiff as ad
from autodiff.calculus import gradient_flow

T = np.linspace(0.0, 2.0, 5)
START = np.array([1.0, 0.0])


def pendulum(y, t, k):
    return np.stack([y[1], -k * np.sin(y[0])])


def test_closed_forms():
    np.testing.assert_allclose(ad.odeint(lambda y, t: -y, 1.0, T), np.exp(-T), rtol=1e-8)
    np.testing.assert_allclose(ad.odeint(lambda y, t: -y, 1.0, T[::-1]), np.exp(T[::-1] * -1 + 2), rtol=1e-8)
    np.testing.assert_allclose(ad.odeint(lambda y, t: np.cos(t) + 0 * y, 0.0, T), np.sin(T), atol=1e-8)
    circle = ad.odeint(lambda y, t: [-y[1], y[0]], START, T)
    np.testing.assert_allclose(circle, np.stack([np.cos(T), np.sin(T)], axis=1), atol=1e-8)
    matrix = ad.odeint(lambda y, t: y @ np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(2), T)
    assert matrix.shape == (5, 2, 2)
    np.testing.assert_allclose(matrix[-1] @ matrix[-1].T, np.eye(2), atol=1e-8)


def test_the_error_follows_the_tolerance():
    off = [abs(ad.odeint(lambda y, t: -y, 1.0, T, rtol=r, atol=r)[-1] - math.exp(-2)) for r in (1e-4, 1e-7, 1e-10)]
    assert off[0] < 1e-3 and off[1] < 1e-6 and off[2] < 1e-9
    assert off[0] > off[1] > off[2]


def test_a_stiff_stretch_is_followed():
    def van_der_pol(y, t):
        return np.stack([y[1], 5 * (1 - y[0] ** 2) * y[1] - y[0]])

    # SciPy's solve_ivp with its DOP853 at rtol 1e-12 gives these digits.
    end = ad.odeint(van_der_pol, np.array([2.0, 0.0]), np.array([0.0, 20.0]))[-1]
    np.testing.assert_allclose(end, [-1.60129688, 0.19832668], rtol=1e-6)


@pytest.mark.parametrize("adjoint", [False, True])
def test_derivatives_by_start_times_and_parameters(adjoint):
    def loss(y0, t, k):
        return (ad.odeint(pendulum, y0, t, k, adjoint=adjoint) ** 2).sum()

    by_start, by_times, by_k = ad.grad(loss, (0, 1, 2))(START, T, 2.0)
    h = 1e-5

    def difference(f):
        return (f(h) - f(-h)) / (2 * h)

    for i, e in enumerate(np.eye(2)):
        assert by_start[i] == pytest.approx(difference(lambda s, e=e: loss(START + s * e, T, 2.0)), abs=1e-6)
    for i, e in enumerate(np.eye(5)):
        assert by_times[i] == pytest.approx(difference(lambda s, e=e: loss(START, T + s * e, 2.0)), abs=1e-6)
    assert by_k == pytest.approx(difference(lambda s: loss(START, T, 2.0 + s)), abs=1e-6)


def test_both_ways_agree_to_second_order():
    def loss(k, adjoint):
        return (ad.odeint(pendulum, START, T[:3], k, adjoint=adjoint) ** 2).sum()

    for operator in (ad.grad, ad.derivative, ad.hessian, lambda f: ad.derivative(f, 2)):
        through, by_adjoint = (operator(lambda k, a=a: loss(k, a))(2.0) for a in (False, True))
        assert by_adjoint == pytest.approx(through, rel=1e-6)


def test_parameters_closed_over():
    k = ad.tensor(1.0, requires_grad=True)
    ad.odeint(lambda y, t: -k * y, 1.0, T)[-1].backward()
    assert k.grad == pytest.approx(-2 * math.exp(-2), rel=1e-7)
    with pytest.raises(ad.GradientError, match=r"closes over a tracked value.*Pass it as an argument"):
        ad.odeint(lambda y, t: -k * y, 1.0, T, adjoint=True)


def test_gradient_descent_as_a_flow():
    H = np.array([[3.0, 1.0], [1.0, 2.0]])
    path = ad.odeint(gradient_flow(lambda y: y @ H @ y / 2), np.array([1.0, -1.0]), T)
    values, vectors = np.linalg.eigh(H)
    exact = [vectors @ (np.exp(-values * t) * (vectors.T @ np.array([1.0, -1.0]))) for t in T]
    np.testing.assert_allclose(path, exact, atol=1e-8)


def test_compiled_solutions_follow_or_refuse():
    f = ad.compile(lambda k: ad.odeint(lambda y, t: -k * y, 1.0, T))
    f(np.array(1.0))
    np.testing.assert_allclose(f(np.array(1.2)), np.exp(-1.2 * T), rtol=1e-7)
    for k in (10.0, 1.0, 9.5):  # with other steps
        np.testing.assert_allclose(f(np.array(k)), np.exp(-k * T), rtol=1e-7, atol=1e-8)
    assert len(f.sources) == 2
    one = lambda: np.ones(())
    g = ad.compile(lambda k: ad.odeint(lambda y, t: -k * y, ad.live(one), T), check=0)
    g(np.array(1.0))
    with pytest.raises(ad.DomainError, match="a compiled solution keeps the steps"):
        g(np.array(100.0))  # behind a draw, which cannot be taken back


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: ad.odeint(lambda y, t: y * y, 1.0, [0.0, 2.0]), ad.DomainError, r"beyond t = 1, .*blows up"),
        (
            lambda: ad.odeint(lambda y, t: y[:1], START, T),
            ad.ShapeError,
            r"state of shape \(2,\).*shape \(1,\).*f\(y, t\)",
        ),
        (lambda: ad.odeint(lambda y, t: y * np.nan, 1.0, T), ad.DomainError, "at the first time, t = 0, .* not finite"),
        (lambda: ad.odeint(lambda y, t: -y, 1.0, 2.0), ad.ShapeError, r"expected \(n,\)"),
    ],
)
def test_calls_that_cannot_be_say_why(call, error, told):
    with pytest.raises(error, match=told):
        call()
