"""Against SymPy: derivatives, integrals and vector operators of a hundred random expressions."""

import random

import numpy as np
import pytest
import sympy

import autodiff as ad

X = sympy.symbols("x y z", real=True)
_UNARY = (
    sympy.sin,
    sympy.cos,
    sympy.exp,
    sympy.tanh,
    sympy.atan,
    lambda e: sympy.sqrt(2 + e**2),
    lambda e: 1 / (2 + e**2),
)


def expression(rng, depth, variables):
    """A random smooth expression, of moderate size near 0."""
    if depth == 0:
        return rng.choice([*variables, sympy.Rational(rng.randint(1, 5), 2)])
    if rng.random() < 0.5:
        return rng.choice(_UNARY)(expression(rng, depth - 1, variables) / 2)
    a, b = (expression(rng, depth - 1, variables) for _ in range(2))
    return a + b if rng.random() < 0.4 else a * b


def numpy_function(expressions, variables):
    """The same as a function of NumPy, of points along the first axis; a list gives a vector."""
    f = sympy.lambdify(variables, expressions, "numpy")
    return lambda p: f(*(p[i] for i in range(len(variables))))


def numbers(expressions, variables, p):
    values = sympy.lambdify(variables, expressions, "numpy")(*p)
    if not isinstance(values, list):
        return np.broadcast_to(values, p.shape[1:])
    return np.stack([np.broadcast_to(v, p.shape[1:]) for v in values])


POINTS = np.random.default_rng(3).uniform(-1, 1, (3, 5))


@pytest.mark.parametrize("seed", range(40))
def test_vector_operators(seed):
    rng = random.Random(seed)
    f = expression(rng, 3, X)
    F = [expression(rng, 2, X) for _ in range(3)]
    field, vectors = numpy_function(f, X), numpy_function(F, X)
    spread = sum(sympy.diff(c, v) for c, v in zip(F, X, strict=True))
    turned = [sympy.diff(F[(i + 2) % 3], X[(i + 1) % 3]) - sympy.diff(F[(i + 1) % 3], X[(i + 2) % 3]) for i in range(3)]
    for found, exact in (
        (ad.gradient_field(field), [sympy.diff(f, v) for v in X]),
        (ad.laplacian(field), sum(sympy.diff(f, v, 2) for v in X)),
        (ad.divergence(vectors), spread),
        (ad.curl(vectors), turned),
    ):
        known = numbers(exact, X, POINTS)
        np.testing.assert_allclose(found(POINTS), known, rtol=1e-10, atol=1e-11 * (1 + np.abs(known).max()))


@pytest.mark.parametrize("seed", range(40, 70))
def test_derivatives_and_series(seed):
    rng = random.Random(seed)
    x = X[0]
    e = expression(rng, 3, (x,))
    f = sympy.lambdify(x, e, "numpy")
    exact = [
        float(sympy.diff(e, x, n).subs(x, sympy.Rational(3, 10)).evalf(30)) / float(sympy.factorial(n))
        for n in range(5)
    ]
    np.testing.assert_allclose(ad.taylor(lambda t: f(t) + 0 * t, 0.3, 4), exact, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ad.derivative(lambda t: f(t) + 0 * t, 3)(0.3), 6 * exact[3], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("seed", range(70, 100))
def test_integrals(seed):
    """The derivative of a random antiderivative is integrated: SymPy differentiates, which it always can."""
    rng = random.Random(seed)
    x, y = X[:2]
    antiderivative = expression(rng, 3, (x, y))
    a, b = -0.7, 0.9
    F = sympy.lambdify((x, y), antiderivative, "numpy")
    f = sympy.lambdify((x, y), sympy.diff(antiderivative, x), "numpy")
    by_y = sympy.lambdify((x, y), sympy.diff(antiderivative, y), "numpy")

    def integral(c):
        return ad.integrate(lambda t: f(t, c), a, b)

    c = 0.4
    scale = 1 + abs(F(b, c)) + abs(F(a, c))
    assert integral(c) == pytest.approx(F(b, c) - F(a, c), abs=1e-11 * scale)
    assert ad.grad(integral)(c) == pytest.approx(by_y(b, c) - by_y(a, c), abs=1e-10 * scale)
