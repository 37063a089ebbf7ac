"""Functions of symmetric and Hermitian matrices, at ties above all, to every order, and the polar factors."""

import itertools
import math

import mpmath
import numpy as np
import pytest

import autodiff as ad
from autodiff import special
from autodiff.ops.matrix_functions import divided_differences
from autodiff.testing import gradcheck

RNG = np.random.default_rng(7)
Q = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
G = np.arange(1.0, 10.0).reshape(3, 3)
SPECTRA = {
    "distinct": [1.0, 2.0, 5.0],
    "a pair": [2.0, 2.0, 5.0],
    "all equal": [2.0, 2.0, 2.0],
    "nearly equal": [2.0, 2.0 + 1e-9, 2.0 + 1e-4],
}
NAMED = {
    "sqrt": (special.matrix_sqrt, np.sqrt),
    "inverse sqrt": (special.matrix_inverse_sqrt, lambda x: x**-0.5),
    "log": (special.matrix_log, np.log),
    "exp": (special.matrix_exp, np.exp),
    "cube": (lambda a: special.matrix_power(a, 3), lambda x: x**3),
    "power": (lambda a: special.matrix_power(a, -0.7), lambda x: x**-0.7),
}


def half(a):
    return (a + np.conj(a.mT)) / 2


def of(values):
    return half(Q @ np.diag(values) @ Q.T)


@pytest.mark.parametrize("at", SPECTRA)
@pytest.mark.parametrize("name", NAMED)
def test_the_named_ones_are_the_function_and_right_at_ties(name, at):
    named, f = NAMED[name]
    a = of(SPECTRA[at])
    general = lambda x: special.matrix_function(f, x)
    np.testing.assert_allclose(named(a), general(a), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(ad.vjp(named, a)[1](G)[0], ad.vjp(general, a)[1](G)[0], rtol=1e-9, atol=1e-10)
    assert gradcheck(named, a, order=2).ok
    assert gradcheck(general, a, order=2).ok


@pytest.mark.parametrize("dtype", [float, complex])
def test_at_the_unit_matrix_the_slope_is_that_of_the_function(dtype):
    """f(I + E) = f(1) I + f'(1) E + f''(1) E^2 / 2 + ...: third order in closed form."""
    e = half(RNG.normal(size=(3, 3)) + (1j * RNG.normal(size=(3, 3)) if dtype is complex else 0))
    one = np.eye(3, dtype=dtype)
    along = lambda t: special.matrix_sqrt(one + t * e)
    found = along
    for right in (e / 2, -e @ e / 4, 3 * e @ e @ e / 8):
        found = ad.jacobian(found)
        np.testing.assert_allclose(found(0.0), right, rtol=1e-12, atol=1e-13)


def test_the_identity_made_of_vectors():
    a = np.eye(2)
    g = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(
        ad.vjp(lambda x: special.matrix_function(lambda w: w * 1, x), a)[1](g)[0], half(g), rtol=1e-14
    )


def test_algebra_holds_for_values_and_slopes():
    a, t = of(SPECTRA["a pair"]), half(G)
    pairs = [
        (lambda x: special.matrix_sqrt(x) @ special.matrix_sqrt(x), lambda x: x),
        (lambda x: special.matrix_exp(special.matrix_log(x)), lambda x: x),
        (lambda x: special.matrix_inverse_sqrt(x) @ special.matrix_inverse_sqrt(x), np.linalg.inv),
        (lambda x: special.matrix_power(x, 3), lambda x: x @ x @ x),
        (lambda x: np.trace(special.matrix_log(x)), lambda x: np.linalg.slogdet(x)[1]),
    ]
    for f, g in pairs:
        for one, other in zip(ad.jvp(f, (a,), (t,)), ad.jvp(g, (a,), (t,)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)
        first = lambda x, f=f: np.sum(G * f(x))
        second = lambda x, g=g: np.sum(G * g(half(x)))
        np.testing.assert_allclose(ad.hvp(first, a, t), ad.hvp(second, a, t), rtol=1e-9, atol=1e-9)


def test_a_stack_a_jacobian_and_a_compiled_call():
    stack = np.stack([of(s) for s in SPECTRA.values()])
    np.testing.assert_allclose(special.matrix_sqrt(stack)[1], special.matrix_sqrt(stack[1]), rtol=1e-12)
    forward, reverse = (ad.jacobian(special.matrix_exp, mode=mode)(stack[2]) for mode in ("forward", "reverse"))
    np.testing.assert_allclose(forward, reverse, rtol=1e-12, atol=1e-12)
    loss = lambda x: np.sum(G * special.matrix_inverse_sqrt(x))
    fast = ad.compile(ad.grad(loss))
    for a in stack:
        np.testing.assert_array_equal(fast(a), ad.grad(loss)(a))


def test_single_precision_stays():
    a = of(SPECTRA["a pair"]).astype(np.float32)
    assert special.matrix_sqrt(a).dtype == np.float32
    assert ad.grad(lambda x: special.matrix_sqrt(x).sum())(a).dtype == np.float32


def test_the_edge_of_the_domain():
    singular = np.diag([4.0, 0.0, -1e-17])
    np.testing.assert_array_equal(special.matrix_sqrt(singular), np.diag([2.0, 0.0, 0.0]))
    g = ad.grad(lambda x: special.matrix_sqrt(x)[0, 0])(singular)
    assert g[0, 0] == 0.25 or np.isnan(g[0, 0])  # never another number
    assert not np.isfinite(ad.grad(lambda x: np.trace(special.matrix_sqrt(x)))(singular)).all()
    with np.errstate(invalid="ignore"):
        assert np.isnan(special.matrix_log(np.diag([1.0, -2.0]))).any()


def test_what_is_refused():
    p = ad.tensor(0.5, requires_grad=True)
    with pytest.raises(ad.GradientError, match="f depends on a tracked Tensor"):
        special.matrix_function(lambda w: w**p, np.eye(2))
    with pytest.raises(ad.DomainError, match="p must be a single real number"):
        special.matrix_power(np.eye(2), p)
    with pytest.raises(ad.ShapeError, match=r"matrix_sqrt: a has shape \(2, 3\); a square"):
        special.matrix_sqrt(np.ones((2, 3)))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    ("f", "exact"), [(np.exp, mpmath.exp), (np.sqrt, mpmath.sqrt), (np.sin, mpmath.sin)], ids=["exp", "sqrt", "sin"]
)
def test_divided_differences_of_numbers_at_every_distance(f, exact, order):
    """Against mpmath; what may be lost is relative to the largest term that is subtracted far apart."""
    slopes = lambda n, x: ad.derivative(f, n)(x)
    rng = np.random.default_rng(order)
    for _ in range(40):
        gaps = rng.choice([1e-14, 1e-12, 1e-8, 1e-5, 1e-3, 0.02, 0.04, 0.06, 0.1, 1], order)
        x = rng.uniform(0.5, 1.4) * (1 + np.append(0.0, np.cumsum(gaps * rng.uniform(0.5, 1, order))))
        with mpmath.workdps(120):
            row = [exact(mpmath.mpf(v)) for v in x]
            for k in range(1, order + 1):
                row = [(b - a) / (mpmath.mpf(x[i + k]) - x[i]) for i, (a, b) in enumerate(itertools.pairwise(row))]
            right = float(row[0])
        assert divided_differences(slopes, x[None])[0] == pytest.approx(right, rel=1e-11)
    equal = divided_differences(slopes, np.full((1, order + 1), 0.7))[0]
    assert equal == pytest.approx(float(mpmath.diff(exact, 0.7, order)) / math.factorial(order), rel=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
@pytest.mark.parametrize("dtype", [float, complex])
def test_the_polar_factors_at_ties(shape, dtype):
    a = np.eye(*shape, dtype=dtype) * 2
    t = RNG.normal(size=shape) + (1j * RNG.normal(size=shape) if dtype is complex else 0)
    u, p = special.polar(a)
    np.testing.assert_allclose(u @ p, a, atol=1e-14)
    np.testing.assert_allclose(p, half(p), atol=1e-15)
    for part in (0, 1):
        f = lambda x, part=part: special.polar(x)[part]
        h = 1e-5
        slope = (f(a + h * t) - f(a - h * t)) / (2 * h)
        np.testing.assert_allclose(ad.jvp(f, (a,), (t,))[1], slope, atol=1e-9)
        second = lambda x, f=f: ad.jvp(f, (x,), (t,))[1]
        slope = (second(a + h * t) - second(a - h * t)) / (2 * h)
        np.testing.assert_allclose(ad.jvp(second, (a,), (t,))[1], slope, atol=1e-8)
    assert gradcheck(lambda x: special.polar(x).u, a, order=2).ok


def test_the_polar_factor_of_a_singular_matrix_has_no_slope():
    a = np.diag([3.0, 1.0, 0.0])
    np.testing.assert_allclose(special.polar(a).u, np.diag([1.0, 1.0, 0.0]), atol=1e-15)
    assert np.isnan(ad.grad(lambda x: np.sum(G * special.polar(x).u))(a)).any()
