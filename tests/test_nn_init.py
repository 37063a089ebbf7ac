"""First values: their spread, bounds, shapes, and where the numbers come from."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn
from nn import init

MATRIX, KERNEL = (300, 200), (50, 30, 3, 4)  # fans 300 and 200; 360 and 600

# The variance that the papers ask for.
SPREADS = {
    "xavier_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "xavier_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
}
EVERY = {
    **{name: getattr(init, name) for name in SPREADS},
    "uniform": init.uniform,
    "normal": init.normal,
    "truncated_normal": init.truncated_normal,
    "orthogonal": init.orthogonal,
}


@pytest.mark.parametrize("name", SPREADS)
@pytest.mark.parametrize(("shape", "fans"), [(MATRIX, (300, 200)), (KERNEL, (360, 600))], ids=["matrix", "kernel"])
def test_the_spread_is_the_papers(name, shape, fans):
    values = getattr(init, name)(shape, rng=np.random.default_rng(0))
    variance = SPREADS[name](*fans)
    assert values.shape == shape and values.dtype == np.float32
    assert values.var() == pytest.approx(variance, rel=0.03) and abs(values.mean()) < 0.03 * math.sqrt(variance)
    if name.endswith("uniform"):
        bound = math.sqrt(3 * variance)
        assert 0.99 * bound < np.abs(values).max() <= np.float32(bound)
    else:
        assert np.abs(values).max() > 3.5 * math.sqrt(variance)


def test_a_signal_keeps_its_size_through_many_layers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 200))
    for _ in range(20):
        x = np.maximum(x @ init.he_normal((200, 200), rng=rng), 0)
    assert 0.3 < (x**2).mean() < 3


def test_gain_and_mode():
    a = init.he_normal(MATRIX, gain=1.0, rng=np.random.default_rng(0))
    np.testing.assert_allclose(a * math.sqrt(2), init.he_normal(MATRIX, rng=np.random.default_rng(0)), rtol=1e-6)
    b = init.he_normal(MATRIX, mode="fan_out", rng=np.random.default_rng(0))
    assert b.std() == pytest.approx(math.sqrt(2 / 200), rel=0.03)
    c = init.xavier_normal(MATRIX, init.gain("tanh"), rng=np.random.default_rng(0))
    assert c.std() == pytest.approx(5 / 3 * math.sqrt(2 / 500), rel=0.03)
    with pytest.raises(ValueError, match="'fan_in' or 'fan_out'; 'in'"):
        init.he_uniform(MATRIX, mode="in")


def test_the_table_of_gains():
    assert init.gain("relu") == math.sqrt(2) and init.gain("tanh") == 5 / 3 and init.gain("sigmoid") == 1
    assert init.gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.gain("leaky_relu", 0.5) == math.sqrt(2 / 1.25)
    with pytest.raises(ValueError, match=r"nonlinearity must be one of 'linear'.*'swish' was given"):
        init.gain("swish")


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 2, 3), (6, 1, 2, 2)], ids=str)
def test_orthogonal_rows_or_columns(shape):
    q = init.orthogonal(shape, 2.0, dtype=np.float64).reshape(shape[0], -1) / 2
    small = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-12)


def test_no_orthogonal_matrix_is_preferred():
    """Without the sign of the diagonal, the first entry would mostly be negative."""
    rng = np.random.default_rng(0)
    corner = np.array([init.orthogonal((2, 2), rng=rng)[0, 0] for _ in range(500)])
    assert abs(corner.mean()) < 0.1 and corner.std() == pytest.approx(math.sqrt(1 / 2), rel=0.1)


@pytest.mark.parametrize(("low", "high"), [(-2, 2), (0.5, 1.0), (-10, 0)])
def test_a_truncated_normal_stays_inside_and_has_the_right_mean(low, high):
    x = init.truncated_normal((40_000,), 0.0, 1.0, low, high, dtype=np.float64, rng=np.random.default_rng(0))
    assert low <= x.min() and x.max() <= high
    density = lambda v: math.exp(-v * v / 2) / math.sqrt(2 * math.pi)
    share = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
    assert x.mean() == pytest.approx((density(low) - density(high)) / share, abs=0.02)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, -2), (8, 9)])
def test_bounds_that_hold_nothing_are_refused(low, high):
    with pytest.raises(ValueError, match="at least a thousandth"):
        init.truncated_normal((3,), low=low, high=high)


@pytest.mark.parametrize("f", EVERY.values(), ids=EVERY)
def test_numbers_come_from_the_generator_and_the_seed(f):
    a = f((4, 3), rng=np.random.default_rng(5))
    nn.manual_seed(5)
    np.testing.assert_array_equal(f((4, 3)), a)
    assert not np.array_equal(f((4, 3)), a)
    assert f((4, 3), dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("f", [*EVERY.values(), init.zeros, init.ones, lambda t: init.constant(t, 2.5)])
def test_a_parameter_is_set_in_its_own_dtype(f):
    layer = nn.Linear(4, 3, dtype=np.float64)
    weight = layer.weight
    before = weight.data.copy()
    assert f(weight) is weight and weight.dtype == np.float64 and weight.shape == (4, 3)
    assert not np.array_equal(weight.data, before) and weight.requires_grad


def test_a_parameter_and_its_shape_are_given_the_same():
    layer = nn.Conv2d(3, 5, 2)
    init.he_uniform(layer.weight, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(layer.weight.data, init.he_uniform((5, 3, 2, 2), rng=np.random.default_rng(1)))


def test_constants():
    assert init.zeros(3).tolist() == [0, 0, 0] and init.ones((1, 2)).tolist() == [[1, 1]]
    assert init.constant((2,), 0.5).dtype == np.float32


@pytest.mark.parametrize("f", [init.xavier_normal, init.he_uniform, init.lecun_normal, init.orthogonal])
def test_a_vector_has_no_fans(f):
    with pytest.raises(ad.ShapeError, match=r"\(3,\)"):
        f((3,))
