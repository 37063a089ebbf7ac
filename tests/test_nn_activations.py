"""Activations: modules and plain functions give the same, arrays and Tensors alike; far out nothing overflows."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff import special

PAIRS = {
    "relu": (nn.ReLU(), nn.relu),
    "leaky_relu": (nn.LeakyReLU(0.2), lambda x: nn.leaky_relu(x, 0.2)),
    "elu": (nn.ELU(0.5), lambda x: nn.elu(x, 0.5)),
    "gelu": (nn.GELU(), nn.gelu),
    "gelu_tanh": (nn.GELU("tanh"), lambda x: nn.gelu(x, "tanh")),
    "silu": (nn.SiLU(), nn.silu),
    "softplus": (nn.Softplus(), nn.softplus),
    "softmax": (nn.Softmax(0), lambda x: nn.softmax(x, 0)),
    "log_softmax": (nn.LogSoftmax(), nn.log_softmax),
    "sigmoid": (nn.Sigmoid(), nn.sigmoid),
    "tanh": (nn.Tanh(), nn.tanh),
    "hardtanh": (nn.Hardtanh(-2.0, 0.5), lambda x: nn.hardtanh(x, -2.0, 0.5)),
    "hardsigmoid": (nn.Hardsigmoid(), nn.hardsigmoid),
    "hardswish": (nn.Hardswish(), nn.hardswish),
}
BOTH = pytest.mark.parametrize(("module", "function"), PAIRS.values(), ids=PAIRS)
X = np.linspace(-5, 5, 24).reshape(4, 6)


@BOTH
def test_module_and_function_are_the_same(module, function):
    y = function(X)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(module(X).data, y)
    t = ad.tensor(X, requires_grad=True)
    assert type(function(t)) is ad.Tensor and function(t).requires_grad


@BOTH
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtypes_are_kept_in_value_and_gradient(module, function, dtype):
    x = ad.tensor(X.astype(dtype), requires_grad=True)
    y = module(x)
    y.sum().backward()
    assert y.dtype == dtype and x.grad.dtype == dtype and function(X.astype(dtype)).dtype == dtype
    tolerance = {np.float16: 1e-2, np.float32: 1e-5}.get(dtype, 1e-12)
    np.testing.assert_allclose(y.data, function(X), rtol=tolerance, atol=tolerance)


@BOTH
def test_numbers_lists_and_whole_numbers(module, function):
    if not isinstance(module, (nn.Softmax, nn.LogSoftmax)):
        assert np.shape(function(0.5)) == () and module(1).shape == ()
    np.testing.assert_array_equal(module([1, -2]).data, module([1.0, -2.0]).data)
    np.testing.assert_array_equal(function([1, -2]), function(np.array([1.0, -2.0])))


@BOTH
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_far_out_nothing_overflows(module, function, dtype):
    huge = np.finfo(dtype).max / 8
    x = ad.tensor(np.array([-huge, -100.0, 0.0, 100.0, huge], dtype), requires_grad=True)
    y = module(x)
    y.backward(np.ones(5, dtype))
    assert np.isfinite(y.data).all() and np.isfinite(x.grad).all()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (nn.gelu, lambda x: x * math.erfc(-x / math.sqrt(2)) / 2),
        (nn.silu, lambda x: x / (1 + math.exp(-x))),
        (nn.softplus, lambda x: math.log1p(math.exp(x))),
        (nn.elu, lambda x: math.expm1(x)),
    ],
)
@pytest.mark.parametrize("x", [-30.0, -8.0, -1e-9])
def test_small_values_keep_their_digits(function, expected, x):
    assert float(function(x)) == pytest.approx(expected(x), rel=1e-13)


@pytest.mark.parametrize("x", [-30.0, -8.0])
def test_small_slopes_keep_their_digits(x):
    s = 1 / (1 + math.exp(-x))
    assert float(ad.grad(nn.silu)(x)) == pytest.approx(s * (1 + x * (1 / (1 + math.exp(x)))), rel=1e-12)
    density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    assert float(ad.grad(nn.gelu)(x)) == pytest.approx(math.erfc(-x / math.sqrt(2)) / 2 + x * density, rel=1e-12)


def test_in_single_precision_gelu_keeps_its_digits():
    x = np.linspace(-9, 9, 10_001).astype(np.float32)
    wide, narrow = (ad.tensor(x.astype(d), requires_grad=True) for d in (np.float64, np.float32))
    for t in (wide, narrow):
        nn.gelu(t).sum().backward()
    np.testing.assert_allclose(nn.gelu(x), nn.gelu(x.astype(float)), rtol=2e-6)
    np.testing.assert_allclose(narrow.grad, wide.grad, rtol=2e-6, atol=2e-7)
    np.testing.assert_array_equal(nn.gelu(np.array([-np.inf, -1e30, 0.0, np.inf], np.float32)), [0, 0, 0, np.inf])


def test_the_corners_have_the_slope_of_smallest_norm():
    corners = {
        special.leaky_relu: {0.0: 0.01},
        special.hardtanh: {-1.0: 0.0, 1.0: 0.0},
        special.hardsigmoid: {-3.0: 0.0, 3.0: 0.0},
        special.hardswish: {-3.0: 0.0, 3.0: 1.0},
    }
    for f, slopes in corners.items():
        for x, expected in slopes.items():
            assert float(ad.grad(f)(x)) == pytest.approx(expected), (f.__name__, x)
            assert float(ad.derivative(f)(x)) == pytest.approx(expected), (f.__name__, x)


def test_third_derivatives_of_smooth_ones():
    """Against differences of the second."""
    h = 1e-5
    for f in (nn.gelu, lambda x: nn.gelu(x, "tanh"), nn.silu, nn.softplus, nn.sigmoid, nn.tanh):
        second, third = ad.derivative(f, 2), ad.derivative(f, 3)
        for x in (-1.3, 0.0, 0.7):
            assert float(third(x)) == pytest.approx(
                float((second(x + h) - second(x - h)) / (2 * h)), rel=1e-6, abs=1e-8
            )


def test_softplus_with_a_factor():
    x = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_allclose(nn.Softplus(3.0)(x).data, np.log1p(np.exp(3 * x)) / 3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.GELU("fast"), "'none' or 'tanh'; 'fast'"),
        (lambda: nn.gelu(1.0, "fast"), "'none' or 'tanh'; 'fast'"),
        (lambda: nn.Hardtanh(1.0, 1.0), "low must be less than high; 1.0 and 1.0"),
        (lambda: special.hardtanh(1.0, 2.0, 1.0), "2.0 and 1.0"),
        (lambda: nn.Softplus(0.0), "beta must be positive; 0.0"),
    ],
)
def test_options_that_cannot_be_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_complex_numbers_are_refused():
    own = (special.sigmoid, special.expit, special.softplus, special.relu)  # sigmoid once dropped the imaginary part
    for f in (nn.gelu, nn.silu, nn.elu, nn.leaky_relu, nn.hardtanh, nn.hardsigmoid, nn.hardswish, *own):
        with pytest.raises(ad.DtypeError, match="real numbers"):
            f(1j)


def test_what_is_no_number_is_refused():
    """NumPy would make NaN of None, and a number of a text."""
    for f in (special.sigmoid, special.erf, special.softmax, special.gammaln):
        for value in (None, "1.5", [None, 1.0]):
            with pytest.raises(ad.DtypeError, match=r"take numbers; an argument has dtype (object|<U3).*astype"):
                f(value)


def test_reprs_show_what_is_not_the_default():
    shown = [
        nn.GELU(),
        nn.GELU("tanh"),
        nn.LeakyReLU(),
        nn.LeakyReLU(0.2),
        nn.Softmax(),
        nn.Softmax(1),
        nn.Hardtanh(0, 6),
    ]
    assert [repr(m) for m in shown] == [
        "GELU()",
        "GELU(approximate='tanh')",
        "LeakyReLU()",
        "LeakyReLU(0.2)",
        "Softmax()",
        "Softmax(axis=1)",
        "Hardtanh(0, 6)",
    ]
