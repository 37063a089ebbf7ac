"""Functions with a rule of their own over complex numbers: the two sweeps are adjoint, and right.

Inside a rule a cotangent is a linear functional, without conjugation; a public pullback called there would conjugate
twice. Each row is a function and where it is looked at; tolerances are those of the step control where there is one.
"""

import numpy as np
import pytest

import autodiff as ad
import optim
from autodiff.testing import laws

Z = np.array([0.5 - 0.3j, 1.1 + 0.4j])
A = np.array([[-0.3 + 1j, 0.2 - 0.5j], [0.4, -0.1 - 2j]])
T = np.array([0.0, 0.4, 1.0])

cube = ad.primitive(
    lambda z: z**3, name="cube", vjp=[lambda ct, y, z: ct * 3 * z**2], jvp=[lambda t, y, z: t * 3 * z**2]
)
power = ad.primitive(
    lambda z: np.abs(z) ** 2,
    name="power",
    vjp=[lambda ct, y, z: ct * 2 * np.conj(z)],
    jvp=[lambda t, y, z: 2 * np.real(t * np.conj(z))],
)
own_square = ad.elementwise(lambda z: z * z, lambda t, y, z: 2 * z * t, name="own_square")
turned = ad.linear(lambda z: 1j * z[::-1], lambda ct, z: 1j * ct[::-1], name="turned")
own_product = ad.multilinear(lambda a, b: a * b, lambda ct, a, b: ct * b, lambda ct, a, b: ct * a, name="own_product")


def solved(rate, adjoint=True):
    return lambda y0, p: ad.odeint(rate, y0, T, p, adjoint=adjoint)


def root(f, x0):
    return lambda *p: optim.root(f, x0, *p)


def linear_rate(y, t, a):
    return a @ y * np.cos(t)


START = np.ones(2) + 0j
BY_STEPS = 1e-6

ROWS = {
    "odeint through its steps": (solved(linear_rate, False), (Z, A), BY_STEPS),
    "odeint by adjoint": (solved(linear_rate), (Z, A), BY_STEPS),
    "odeint by adjoint, real parameter": (
        solved(lambda y, t, w: (1j * w - 0.1 * w) * y * np.conj(y)), (Z, 0.7), BY_STEPS
    ),
    "odeint by adjoint, real rate": (solved(lambda y, t, w: np.abs(w * y)), (Z, 0.7 + 0.2j), BY_STEPS),
    "odeint by adjoint, real state": (
        solved(lambda y, t, w: np.real(w) * y + np.imag(w)), (np.array([1.0, 2.0]), 0.7 + 0.2j), BY_STEPS
    ),
    "odeint by adjoint, real start": (solved(lambda y, t, w: w * y), (np.array([1.0, 2.0]), 0.7 + 0.2j), BY_STEPS),
    "odeint by adjoint, times": (
        lambda t: ad.odeint(lambda y, s: 1j * y * np.exp(s), Z, t, adjoint=True), (T,), BY_STEPS
    ),
    "checkpoint": (ad.checkpoint(lambda z, a: np.exp(a @ z) * np.conj(z)), (Z, A), 1e-8),
    "root": (root(lambda z, p: z**3 + z - p, START), (Z,), 1e-8),
    "root of a number": (root(lambda z, p: z**3 + z - p, 1 + 0j), (0.4 - 0.5j,), 1e-8),
    "root of a system": (root(lambda z, p, a: a @ z + 0.1 * np.sin(z) - p, START), (Z, A), 1e-8),
    "root with a conjugate": (root(lambda z, p: z + 0.3 * np.conj(z) - p, START), (Z,), 1e-8),
    "fixed point": (lambda p: optim.fixed_point(lambda z: 0.3 * np.sin(z) + p, START), (Z,), 1e-8),
    "fixed point with a conjugate": (
        lambda p: optim.fixed_point(lambda z: 0.3 * np.conj(z) * z + 0.2 * p, 0 * START), (Z,), 1e-8
    ),
    "integrate": (lambda p, b: ad.integrate(lambda x: np.exp(p * x), 0.0, b), (0.4 - 0.5j, 1.5), 1e-8),
    "primitive": (cube, (Z,), 1e-8),
    "primitive to real numbers": (power, (Z,), 1e-8),
    "elementwise": (own_square, (Z,), 1e-8),
    "linear": (turned, (Z,), 1e-8),
    "multilinear": (own_product, (Z, Z[::-1]), 1e-8),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_the_sweeps_are_adjoint_and_linear(name):
    f, xs, rtol = ROWS[name]
    laws.adjointness(f, *xs, rtol=min(rtol, 1e-7))
    laws.linearity(f, *xs, rtol=min(rtol, 1e-7))


@pytest.mark.parametrize("name", ROWS)
def test_the_pushforward_is_the_limit_of_differences(name):
    f, xs, rtol = ROWS[name]
    rng = np.random.default_rng(3)
    v = [rng.standard_normal(np.shape(x)) * (1 + 0.7j if np.iscomplexobj(x) else 1) for x in xs]
    h = 1e-5
    ahead, behind = (np.asarray(f(*(x + s * t for x, t in zip(xs, v, strict=True)))) for s in (h, -h))
    found = ad.jvp(f, xs, tuple(v))[1]
    np.testing.assert_allclose(found, (ahead - behind) / (2 * h), rtol=max(rtol, 1e-7), atol=max(rtol, 1e-7))


def test_the_adjoint_of_a_complex_state_by_a_real_rate():
    """Closed form: y = y0 exp((i - 1/10) w t)."""

    def distance(w):
        ys = ad.odeint(lambda y, t, w: (1j * w - 0.1 * w) * y, 1 + 0.5j, np.array([0.0, 1.3]), w, adjoint=True)
        return np.abs(ys[-1] - 0.3) ** 2

    assert ad.grad(distance)(0.7) == pytest.approx(0.525464, rel=2e-6)
