"""The conventions, line by line: what a derivative is where the calculus leaves a choice.

Every line is run through both sweeps, `backward` and the batched ones; where a line says something of the second
order, or the second order follows from it, forwards over reverse and reverse over reverse. Lines about linear algebra
stand in test_linalg.py.
"""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

import autodiff as ad
from autodiff import special

INF, NAN = math.inf, math.nan
ZERO2 = np.zeros(2)


class Line(NamedTuple):
    """At a point, the gradient of the sum of f, and its derivative along a vector of ones."""

    f: Any
    at: Any
    slope: Any
    second: Any = None


def chosen(x, f, other=0.0):
    """`f` where x > 0, and something else where it is not."""
    return np.where(x > 0, f(x), other)


def of_first(f, second):
    return lambda x: f(x, np.asarray(second)[()])


def of_second(f, first):
    return lambda x: f(np.asarray(first)[()], x)


LINES = {
    # --- kinks and ties
    "abs at 0": Line(np.abs, np.array([0.0, -2.0]), [0.0, -1.0], [0.0, 0.0]),
    "abs of NaN": Line(np.abs, NAN, NAN),
    "relu at 0": Line(special.relu, np.array([0.0, -1.0, 2.0]), [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]),
    "relu of NaN": Line(special.relu, NAN, NAN),
    "relu spelt maximum(x, 0)": Line(lambda x: np.maximum(x, 0.0), np.array([0.0, 2.0]), [0.0, 1.0], [0.0, 0.0]),
    "relu spelt where": Line(lambda x: np.where(x > 0, x, 0.0), np.array([0.0, 2.0]), [0.0, 1.0], [0.0, 0.0]),
    "relu spelt x * (x > 0)": Line(lambda x: x * (x > 0), np.array([0.0, 2.0]), [0.0, 1.0], [0.0, 0.0]),
    "hinge at its corner": Line(lambda x: np.maximum(1.0 - x, 0.0), 1.0, 0.0, 0.0),
    "L1 at its corner": Line(lambda x: np.sum(np.abs(x)), np.array([0.0, -2.0]), [0.0, -1.0], [0.0, 0.0]),
    "L1 as a norm": Line(lambda x: np.linalg.norm(x, 1), np.array([0.0, -2.0]), [0.0, -1.0], [0.0, 0.0]),
    "maximum of equals, first": Line(of_first(np.maximum, np.full(2, 2.0)), np.array([2.0, 3.0]), [0.5, 1.0]),
    "maximum of equals, second": Line(of_second(np.maximum, np.full(2, 2.0)), np.array([2.0, 3.0]), [0.5, 1.0]),
    "maximum(x, x)": Line(lambda x: np.maximum(x, x), 1.0, 1.0, 0.0),
    "minimum(x, x)": Line(lambda x: np.minimum(x, x), 1.0, 1.0, 0.0),
    "fmax(x, x)": Line(lambda x: np.fmax(x, x), 1.0, 1.0, 0.0),
    "maximum with a number": Line(lambda x: np.maximum(x, 2.0), 2.0, 0.0, 0.0),
    "maximum with a 0-d array": Line(lambda x: np.maximum(np.array(2.0), x), np.array([2.0]), [0.0], [0.0]),
    "minimum with a number": Line(lambda x: np.minimum(x, 2.0), np.array([2.0, 1.0]), [0.0, 1.0], [0.0, 0.0]),
    "clip at its bounds": Line(lambda x: np.clip(x, -1, 1), np.array([-1.0, 1.0, 2.0]), [1.0, 1.0, 0.0], np.zeros(3)),
    "max with ties": Line(np.max, np.array([3.0, 3.0, 3.0, 1.0]), [1 / 3] * 3 + [0.0], np.zeros(4)),
    "min with ties": Line(lambda x: x.min(axis=0), np.array([[1.0], [1.0]]), [[0.5], [0.5]], np.zeros((2, 1))),
    "amax with ties": Line(np.amax, np.array([3.0, 3.0]), [0.5, 0.5]),
    "infinity norm with ties": Line(lambda x: np.linalg.norm(x, INF), np.array([-2.0, 2.0, 1.0]), [-0.5, 0.5, 0.0]),
    "sort keeps the order of equals": Line(lambda x: np.sort(x) * np.arange(3), np.array([2.0, 2.0, 1.0]), [1, 2, 0]),
    "argsort and gather": Line(
        lambda x: x[np.argsort(x, kind="stable")] * np.arange(3), np.array([2.0, 2.0, 1.0]), [1.0, 2.0, 0.0]
    ),
    "median, odd": Line(np.median, np.array([3.0, 1.0, 2.0]), [0.0, 0.0, 1.0], np.zeros(3)),
    "median, even": Line(np.median, np.array([3.0, 1.0, 2.0, 4.0]), [0.5, 0.0, 0.5, 0.0], np.zeros(4)),
    "median with ties": Line(np.median, np.array([2.0, 2.0, 2.0]), [1 / 3] * 3, np.zeros(3)),
    "percentile with ties": Line(lambda x: np.percentile(x, 50), np.array([1.0, 2.0, 2.0]), [0.0, 0.5, 0.5]),
    "mod, first": Line(of_first(np.mod, 2.0), np.array([5.5, -5.5]), [1.0, 1.0], ZERO2),
    "mod, second": Line(of_second(np.mod, np.array([5.5, -5.5])), np.full(2, 2.0), [-2.0, 3.0], ZERO2),
    # --- infinite slopes and removable points
    "sqrt at 0": Line(np.sqrt, 0.0, INF, -INF),
    "cbrt at 0": Line(np.cbrt, 0.0, INF),
    "log at 0": Line(np.log, 0.0, INF, -INF),
    "1/x at 0": Line(lambda x: 1 / x, 0.0, -INF, INF),
    "arcsin at 1": Line(np.arcsin, 1.0, INF),
    "arccos at 1": Line(np.arccos, 1.0, -INF),
    "arccosh at 1": Line(np.arccosh, 1.0, INF),
    "arctanh at 1": Line(np.arctanh, 1.0, INF),
    "log1p at -1": Line(np.log1p, -1.0, INF, -INF),
    "sqrt masked": Line(lambda x: chosen(x, np.sqrt), np.array([0.0, 4.0]), [0.0, 0.25], [0.0, -1 / 32]),
    "cbrt masked": Line(lambda x: chosen(x, np.cbrt), np.array([0.0, 1.0]), [0.0, 1 / 3], [0.0, -2 / 9]),
    "log masked": Line(lambda x: chosen(x, np.log), np.array([0.0, 2.0]), [0.0, 0.5], [0.0, -0.25]),
    "1/x masked": Line(lambda x: chosen(x, lambda v: 1 / v), np.array([0.0, 2.0]), [0.0, -0.25], [0.0, 0.25]),
    "x log x masked": Line(lambda x: chosen(x, lambda v: v * np.log(v)), np.array([0.0, 1.0]), [0.0, 1.0], [0.0, 1.0]),
    "arcsin masked": Line(lambda x: np.where(x < 1, np.arcsin(x), 0.0), np.array([1.0, 0.0]), [0.0, 1.0], ZERO2),
    "sqrt through relu": Line(lambda x: np.sqrt(x)[1:], np.array([0.0, 4.0]), [0.0, 0.25], [0.0, -1 / 32]),
    "a computed zero does not absorb": Line(lambda x: np.sqrt(x) ** 2, 0.0, NAN),
    "2-norm at 0": Line(np.linalg.norm, ZERO2, ZERO2, [NAN, NAN]),
    "hypot at 0": Line(of_first(np.hypot, 0.0), 0.0, 0.0),
    "2-norm, underflow": Line(np.linalg.norm, np.full(2, 3e-200), [math.sqrt(0.5)] * 2),
    "2-norm, overflow": Line(np.linalg.norm, np.full(2, 3e200), [math.sqrt(0.5)] * 2),
    "2-norm beyond all numbers": Line(np.linalg.norm, np.full(2, 1.7e308), [NAN, NAN]),
    "2-norm of numbers without digits": Line(np.linalg.norm, np.full(2, 5e-324), [NAN, NAN]),
    "3-norm, underflow": Line(lambda x: np.linalg.norm(x, 3), np.full(2, 3e-200), [0.5 ** (2 / 3)] * 2),
    "std, underflow": Line(np.std, np.array([1e-200, 3e-200]), [-0.5, 0.5]),
    "std, overflow": Line(np.std, np.array([1e200, 3e200]), [-0.5, 0.5]),
    "square of a norm at 0": Line(lambda x: np.linalg.norm(x) ** 2, ZERO2, ZERO2),
    "sum_of_squares at 0": Line(special.sum_of_squares, ZERO2, ZERO2, [2.0, 2.0]),
    "std of equal values": Line(np.std, np.full(3, 2.0), np.zeros(3), [NAN] * 3),
    "where, NaN in the branch not taken": Line(
        lambda x: np.where(x > 0, np.log(x), x * x), np.array([-1.0, 2.0]), [-2.0, 0.5], [2.0, -0.25]
    ),
    "where, inf in the branch not taken": Line(
        lambda x: np.where(x < 1, x**3, np.exp(x * 1000)), np.array([0.5]), [0.75], [3.0]
    ),
    "nanmean": Line(np.nanmean, np.array([1.0, NAN, 3.0]), [0.5, 0.0, 0.5], np.zeros(3)),
    "nansum": Line(lambda x: np.nansum(x * x), np.array([1.0, NAN]), [2.0, 0.0], [2.0, 0.0]),
    "logsumexp, masked": Line(
        lambda x: special.logsumexp(np.where(np.isnan(x), -INF, x)), np.array([0.0, NAN, 0.0]), [0.5, 0.0, 0.5]
    ),
    "arctan2(0, 0), first": Line(of_first(np.arctan2, 0.0), 0.0, 0.0),
    "arctan2(0, 0), second": Line(of_second(np.arctan2, 0.0), 0.0, 0.0),
    "sinc at 0": Line(np.sinc, 0.0, 0.0, -(math.pi**2) / 3),
    "sinc near 0": Line(np.sinc, 1e-9, -(math.pi**2) / 3 * 1e-9, -(math.pi**2) / 3),
    # --- powers, products, logarithms of probabilities
    "x**y, large x": Line(of_first(np.power, -2.5), 1e80, -2.5e-280),
    "x**2.5, tiny x": Line(of_first(np.power, 2.5), 1e-100, 2.5e-150),
    "x**arange(3) at 0": Line(lambda x: x ** np.arange(3.0), np.zeros(3), [0.0, 1.0, 0.0]),
    "x**0.5 at 0": Line(of_first(np.power, 0.5), 0.0, INF),
    "x**-1.0 at 0": Line(of_first(np.power, -1.0), 0.0, -INF),
    "x**2 at 0": Line(lambda x: x**2, 0.0, 0.0, 2.0),
    "x**3 at 0": Line(of_first(np.power, 3.0), 0.0, 0.0, 0.0),
    "0**y": Line(of_second(np.power, np.zeros(3)), np.array([2.0, 0.0, -1.0]), [0.0, 0.0, -INF]),
    "constant exponent, negative base": Line(lambda x: x**3.0, -2.0, 12.0, -12.0),
    "prod, one zero": Line(np.prod, np.array([0.0, 2.0, 3.0]), [6.0, 0.0, 0.0], [5.0, 3.0, 2.0]),
    "prod, two zeros": Line(np.prod, np.array([0.0, 0.0, 3.0]), np.zeros(3), [3.0, 3.0, 0.0]),
    "prod, three zeros": Line(np.prod, np.zeros(3), np.zeros(3), np.zeros(3)),
    "cumprod, one zero": Line(np.cumprod, np.array([2.0, 0.0, 3.0]), [1.0, 8.0, 0.0], [4.0, 6.0, 2.0]),
    "cumprod, two zeros": Line(np.cumprod, np.array([0.0, 0.0, 3.0]), [1.0, 0.0, 0.0], [4.0, 4.0, 0.0]),
    "xlogy(0, y), first": Line(of_first(special.xlogy, 2.0), 0.0, math.log(2.0), 0.0),
    "xlogy(0, y), second": Line(of_second(special.xlogy, 0.0), 2.0, 0.0, 0.0),
    "xlogy(0, 0)": Line(of_first(special.xlogy, 0.0), 0.0, 0.0, 0.0),
    "entropy at p = 0": Line(special.entr, 0.0, INF),
    "entropy at p = 0, masked": Line(lambda p: chosen(p, special.entr), np.array([0.0, 1.0]), [0.0, -1.0], [0.0, -1.0]),
    "KL at p = 0, in q": Line(of_second(special.rel_entr, 0.0), 0.5, 0.0, 0.0),
    "KL at q = 0 < p, in p": Line(of_first(special.rel_entr, 0.0), 0.5, INF),
    "KL at q = 0 < p, in q": Line(of_second(special.rel_entr, 0.5), 0.0, -INF),
    "cross-entropy at 0, 0, in y": Line(lambda y: -special.xlogy(y, 0.0), 0.0, 0.0),
    "cross-entropy at 0, 0, in yhat": Line(lambda p: -special.xlogy(0.0, p), 0.0, 0.0),
    "cross-entropy from huge logits": Line(
        lambda z: special.softmax_cross_entropy(z, np.array([1])), np.array([[1e300, -1e300]]), [[1.0, -1.0]]
    ),
    # --- exponentials
    "softmax, largest floats": Line(
        lambda z: special.softmax(z) * np.array([1.0, 2.0]), np.array([1.7e308, -1.7e308]), ZERO2
    ),
    "log_softmax, -inf": Line(
        lambda z: special.log_softmax(z)[0], np.array([0.0, -INF, 0.0]), [0.5, 0.0, -0.5]
    ),
    "logsumexp of all -inf": Line(special.logsumexp, np.array([-INF, -INF]), ZERO2),
    "logsumexp with +inf": Line(special.logsumexp, np.array([INF, INF, 0.0]), [0.5, 0.5, 0.0]),
    "logaddexp(-inf, -inf)": Line(of_first(np.logaddexp, -INF), -INF, 0.0),
    "logaddexp(inf, inf)": Line(of_first(np.logaddexp, INF), INF, 0.5),
    "sigmoid far out": Line(special.sigmoid, np.array([800.0, -800.0, 40.0]), [0.0, 0.0, math.exp(-40.0)]),
    "tanh far out": Line(np.tanh, np.array([800.0, 20.0]), [0.0, 4 * math.exp(-40.0)]),
    "softplus": Line(special.softplus, np.array([0.0, INF, -INF]), [0.5, 1.0, 0.0], [0.25, 0.0, 0.0]),
    "expm1 far below 0": Line(np.expm1, -700.0, math.exp(-700.0), math.exp(-700.0)),
    # --- shapes
    "gather with repeated indices": Line(lambda x: x[[0, 0, 1]], np.array([1.0, 2.0, 3.0]), [2.0, 1.0, 0.0]),
    "at.set with repeated indices": Line(
        lambda v: ad.tensor(np.zeros(2)).at[np.array([0, 0])].set(v), np.array([1.0, 2.0]), [0.0, 1.0]
    ),
    "einsum, repeated index": Line(lambda x: np.einsum("ii->", x * x), np.ones((2, 2)), 2 * np.eye(2), 2 * np.eye(2)),
    "einsum, diagonal output": Line(lambda x: np.einsum("ii->i", x), np.ones((2, 2)), np.eye(2), np.zeros((2, 2))),
    "the same operand twice": Line(lambda x: x * x, 3.0, 6.0, 2.0),
}  # fmt: skip

# The slope is exact to the last digits but where the line says how many.
TOLERANCES = {"tanh far out": 1e-13, "sigmoid far out": 1e-13, "sinc near 0": 1e-12}


def quietly(f):
    """NumPy's warnings about values are not at issue: many of these points lie on a border of the domain."""

    def total(x):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return np.sum(f(x))

    return total


@pytest.mark.parametrize("name", LINES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_slope_in_both_sweeps(name):
    line = LINES[name]
    f, x = quietly(line.f), np.asarray(line.at, float)[()]
    expected = np.broadcast_to(np.asarray(line.slope, float), np.shape(x))
    leaf = ad.Tensor(x, requires_grad=True)
    f(leaf).backward()
    found = {
        "reverse": ad.grad(f)(x),
        "backward": leaf.grad,
        "forward": ad.jacobian(f, mode="forward")(x),
        "batched reverse": ad.jacobian(f, mode="reverse")(x),
    }
    for sweep, actual in found.items():
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCES.get(name, 1e-14), atol=0, err_msg=sweep)


@pytest.mark.parametrize("name", [name for name, line in LINES.items() if line.second is not None])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_second_order(name):
    line = LINES[name]
    f, x = quietly(line.f), np.asarray(line.at, float)[()]
    expected = np.broadcast_to(np.asarray(line.second, float), np.shape(x))
    found = {
        "forward over reverse": ad.hvp(f, x, np.ones(np.shape(x))[()]),
        "reverse over reverse": ad.grad(quietly(ad.grad(f)))(x),
        "hessian": ad.hessian(f)(x) @ np.ones(x.shape) if np.ndim(x) == 1 else expected,
    }
    if np.isnan(expected).any() or np.isinf(expected).any():
        del found["hessian"]  # its columns are summed here, and 0 * inf is no entry of it
    for sweep, actual in found.items():
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCES.get(name, 1e-13), atol=0, err_msg=sweep)


# --- what is no number


@pytest.mark.parametrize("f", [np.sign, np.floor, np.ceil, np.round, np.trunc, np.rint])
def test_steps_give_zeros_in_transforms_and_untracked_tensors(f):
    x = np.array([-1.5, 0.0, 2.0])
    np.testing.assert_array_equal(ad.grad(lambda v: np.sum(f(v)))(x), np.zeros(3))
    np.testing.assert_array_equal(ad.jvp(f, (x,), (np.ones(3),))[1], np.zeros(3))
    assert not f(ad.tensor(x, requires_grad=True)).requires_grad


def test_comparisons_are_untracked_and_integers_have_no_gradient():
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    assert not (x > 1).requires_grad and not np.argmax(x).requires_grad
    with pytest.raises(ad.GradientError, match="int"):
        ad.grad(lambda v: np.argmax(v))(np.array([1.0, 2.0]))


def test_ties_are_counted_in_at_least_float32():
    """65,536 equal values of float16: their number is no float16, and each share is 2**-16 all the same."""
    x = np.ones(2**16, np.float16)
    g = ad.grad(np.max)(x)
    assert g.dtype == np.float16
    np.testing.assert_array_equal(g, np.full(2**16, 2.0**-16, np.float16))


def test_counts_beyond_float16_divide_all_the_same():
    """100,000 is infinite in float16, and a gradient divided by it would be 0 without a word."""
    n = 100_000
    x = (np.arange(n) % 2).astype(np.float16)
    everything = np.ones(n, bool)
    slopes = {
        np.mean: np.full(n, 1 / n),
        np.average: np.full(n, 1 / n),
        lambda v: np.mean(v, where=everything): np.full(n, 1 / n),
        np.nanmean: np.full(n, 1 / n),
        np.std: np.where(x == 1, 1.0, -1.0) / n,
    }
    for f, expected in slopes.items():
        g = ad.grad(f)(x)
        assert g.dtype == np.float16
        np.testing.assert_allclose(g, expected, rtol=5e-3)
    large = np.full(4, 60_000, np.float16)  # the sum of two is infinite, their mean is not
    y = np.mean(ad.tensor(large), where=np.array([True, True, False, False]))
    assert y.dtype == np.float16 and y.item() == 60_000


def test_std_without_degrees_of_freedom_is_nan_with_numpys_warning():
    def told(x):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert np.isnan(np.std(x, ddof=1))
        return [str(w.message) for w in caught]

    assert told(ad.tensor([1.0], requires_grad=True)) == told(np.array([1.0]))


def test_no_overflow_warning_far_out():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f in (special.sigmoid, np.tanh, special.softplus, special.softmax, special.log_softmax):
            for dtype in (np.float64, np.float32):
                ad.grad(lambda z, f=f: np.sum(f(z)))(np.array([1e4, -1e4, 0.0], dtype))


def test_the_third_derivative_of_tanh_keeps_its_digits():
    """4 sigmoid(2x) sigmoid(-2x), never through abs: order 3 at 0 is -2, and f''' of tanh has a closed form."""
    for x in (0.0, 0.3, -2.0):
        t = math.tanh(x)
        assert ad.derivative(np.tanh, 3)(x) == pytest.approx((1 - t * t) * (6 * t * t - 2), rel=1e-13)


def test_sinc_of_complex_numbers():
    z = np.array([0.3 + 0.4j, -2.2 + 1.5j, 7.0 - 0.1j, 0.0])
    u = np.pi * z[:-1]
    slope = np.append((u * np.cos(u) - np.sin(u)) / u**2 * np.pi, 0.0)
    np.testing.assert_allclose(ad.jvp(np.sinc, (z,), (np.ones_like(z),))[1], slope, rtol=1e-12)


def test_sinc_has_its_fourth_derivative_at_0():
    assert ad.derivative(np.sinc, 4)(0.0) == pytest.approx(math.pi**4 / 5, rel=1e-13)


def test_a_constant_exponent_leaks_no_nan():
    y = ad.tensor([-2.0, 3.0], requires_grad=True)
    (y ** np.array([2.0, 3.0])).sum().backward()
    np.testing.assert_array_equal(y.grad, [-4.0, 27.0])


def test_masks_reach_through_jacobian_and_hessian():
    """The zeros of a basis vector are masks: they meet no infinite slope of the other entries."""
    x = np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ad.jacobian(np.sqrt, mode="forward")(x), [[INF, 0.0], [0.0, 0.5]])
        np.testing.assert_array_equal(ad.jacobian(np.sqrt, mode="reverse")(x), [[INF, 0.0], [0.0, 0.5]])
        second = ad.hessian(lambda v: np.sum(np.where(v > 0, v**1.5, 0.0)))(x)
    np.testing.assert_array_equal(second, [[0.0, 0.0], [0.0, 0.75]])


@pytest.mark.parametrize("view", [lambda a: a[::-1], lambda a: a.T, lambda a: np.broadcast_to(a[:1], a.shape)])
def test_views_have_the_gradient_of_a_copy_and_are_never_written(view):
    whole = np.arange(1.0, 10.0).reshape(3, 3)
    before, x = whole.copy(), view(whole)
    x.flags.writeable = False
    f = lambda v: np.sum(np.sin(v) * np.cumsum(v, axis=0))
    np.testing.assert_array_equal(ad.grad(f)(x), ad.grad(f)(x.copy()))
    np.testing.assert_array_equal(whole, before)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0), (1, 3, 1)])
def test_a_cotangent_has_the_shape_of_its_operand(shape):
    x = np.ones(shape)
    assert np.shape(ad.grad(lambda v: np.sum(v * np.ones((2, 1, 1, 1))))(x)) == shape


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_gradient_has_the_dtype_of_the_operand(dtype):
    x, w = np.ones(3, dtype), np.full(3, 2.0)
    gx, gw = ad.grad(lambda x, w: np.sum(x * w), (0, 1))(x, w)
    assert gx.dtype == dtype and gw.dtype == np.float64


def test_buffers_given_to_users_are_never_shared():
    x, y = ad.tensor([1.0, 2.0], requires_grad=True), ad.tensor([3.0, 4.0], requires_grad=True)
    (x + y).sum().backward()
    assert not np.shares_memory(x.grad, y.grad)
    gx, gy = ad.grad(lambda a, b: np.sum(a + b), (0, 1))(x.data, y.data)
    assert not np.shares_memory(gx, gy)


def test_a_stale_leaf_is_an_error_only_where_its_value_is_needed():
    w = ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    linear, square = w.sum(), (w * w).sum()
    w.assign_(np.array([5.0, 6.0]))
    linear.backward()
    np.testing.assert_array_equal(w.grad, [1.0, 1.0])
    with pytest.raises(ad.StaleError, match="'w'"):
        square.backward()


@pytest.mark.parametrize("dtype", [int, bool, object, "datetime64[s]"])
def test_what_cannot_be_differentiated_is_an_error_that_names_the_cast(dtype):
    with pytest.raises(ad.GradientError, match=r"x has dtype .*astype\(float\)"):
        ad.grad(lambda x: np.sum(x * x))(np.array([0, 1]).astype(dtype))


def test_the_spread_of_one_value_is_constant_to_second_order():
    assert ad.hessian(np.std)(np.array([2.0])).tolist() == [[0.0]]
    assert (
        ad.hessian(lambda x: np.std(x, axis=1).sum())(np.array([[2.0], [3.0]])).tolist()
        == np.zeros((2, 1) * 2).tolist()
    )


@pytest.mark.parametrize("scale", [1e-200, 1e200, 2.0**-500, 1.0])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_lengths_and_spreads_have_their_digits_where_squares_under_or_overflow(scale, axis):
    """The value too: scaling by a number goes through. To second order it goes the other way."""
    x = np.array([[3.0, -4.0, 12.0], [1.0, 2.0, -2.0]])
    with np.errstate(all="ignore"):
        for f in (
            lambda x: np.linalg.norm(x, axis=axis),
            lambda x: np.linalg.norm(x + 2j * x, axis=axis),
            lambda x: np.std(x, axis=axis, ddof=1),
            lambda x: np.std(x, axis=axis, where=np.array([[True, True, False], [True] * 3])),
            lambda x: np.hypot(x[0], x[1]),
        ):
            value, pull = ad.vjp(lambda x, f=f: f(ad.tensor(x) if isinstance(x, np.ndarray) else x), scale * x)
            np.testing.assert_allclose(np.asarray(value) / scale, f(x), rtol=1e-14)
            ones = np.ones(np.shape(value))[()]
            np.testing.assert_allclose(pull(ones)[0], ad.vjp(f, x)[1](ones)[0], rtol=1e-13, atol=1e-15)
            total = lambda x, f=f: np.sum(f(x))
            second = ad.hvp(total, scale * x, x[::-1]) * scale
            np.testing.assert_allclose(second, ad.hvp(total, x, x[::-1]), rtol=1e-12, atol=1e-14)
