"""Programs of single numbers run on Python's floats, and give what NumPy gives, infinities and warnings included."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import autodiff as ad
import optim

F = np.float64
FUNCTIONS = {
    "polynomial": lambda a, b: 3 * a**3 - a * b + 1.0,
    "quotient": lambda a, b: (a - b) / (a + b),
    "reciprocal": lambda a, b: np.reciprocal(a) + np.square(b),
    "powers": lambda a, b: a**b + b**0.5,
    "exponentials": lambda a, b: np.exp(a) * np.log(b) + np.log1p(a) + np.expm1(b) + np.log2(a) - np.log10(b),
    "angles": lambda a, b: np.sin(a) * np.cos(b) + np.tan(a) - np.arctan(b) + np.arctan2(a, b) + np.hypot(a, b),
    "inverse": lambda a, b: np.arcsin(a / 40) + np.arccos(b / 40) + np.arcsinh(a) + np.arctanh(b / 40),
    "hyperbolic": lambda a, b: np.sinh(a) + np.cosh(b) * np.tanh(a) + np.sqrt(a) * np.cbrt(b),
    "choices": lambda a, b: np.maximum(a, b) + np.minimum(a, 2.0) * np.abs(b - a) + np.maximum(a - b, 0.0),
    "selected": lambda a, b: np.where((a > b) | ~(b < 1.0), np.log(a), a * b),
    "copysign": lambda a, b: np.copysign(a, b - 1) + np.fabs(a - b),
    "special": lambda a, b: ad.special.sigmoid(a) * ad.special.softplus(b),
}


def both_ways(f, *xs):
    """Value and gradient eagerly and compiled, with what they warn of."""
    eager = ad.value_and_grad(f, argnums=tuple(range(len(xs))))
    compiled = ad.compile(eager)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled(*[F(1.25 + i / 4) for i in range(len(xs))])  # traced elsewhere
    found = []
    for g in (eager, compiled):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            value, gradient = g(*map(F, xs))
        found.append(([value, *gradient], [str(w.message) for w in told]))
    return compiled, *found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_are_those_of_the_eager_engine(name):
    compiled, (expected, _), (got, _) = both_ways(FUNCTIONS[name], 0.7, 1.9)
    assert [x.tobytes() for x in got] == [x.tobytes() for x in expected]
    assert all(type(x) is F for x in got)
    assert "on Python's floats" in compiled.source
    ours, _, numpys = compiled.source.partition("def both_in_numpy(")
    assert numpys and "np." not in ours


@pytest.mark.parametrize("name", FUNCTIONS)
@given(a=st.sampled_from([0.0, -0.0, 1.0, -2.0, 3.5, 1e200, 1e-200, math.inf, -math.inf, math.nan]), b=st.floats())
@example(a=-0.0, b=1.0)  # what is blocked is a zero that has a sign
def test_where_python_raises_numpys_numbers_come_back(name, a, b):
    _, (expected, _), (got, _) = both_ways(FUNCTIONS[name], a, b)
    np.testing.assert_array_equal(got, expected)
    assert [np.signbit(x) for x in got if x == 0] == [np.signbit(x) for x in expected if x == 0]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ad.hvp(lambda x: np.sum(np.maximum(np.cos(x), 0.25)), x, np.array(0.7)),
        lambda x: ad.jvp(lambda x: np.clip(x, None, -0.5), (x,), (np.array(-0.7),))[1],
        ad.grad(lambda x: np.log(np.maximum(x, 1e-3)) * -2.0),
        ad.value_and_grad(lambda x: np.sqrt(np.maximum(-x, 0.0))),
    ],
)
def test_what_is_blocked_keeps_its_sign_until_masks_are_needed(f):
    fast = ad.compile(f)
    for x in (0.3, 1.4, -1.4, 0.0, 0.3, -0.3):  # at 0 the root has no slope
        found, expected = fast(np.array(x)), f(np.array(x))
        assert str(found) == str(expected)


def test_a_result_that_is_not_finite_warns_as_numpy_does():
    for f, a, b in ((FUNCTIONS["quotient"], 1.0, -1.0), (lambda a, b: a * b, 1e200, 1e200), (np.power, -8.0, 0.5)):
        _, (_, expected), (_, got) = both_ways(f, a, b)
        assert expected
        assert got


def test_a_training_step_of_numbers():
    def training():
        w, b = ad.tensor(0.5, requires_grad=True, name="w"), ad.tensor(-1.0, requires_grad=True, name="b")
        optimizer = optim.Adam([w, b], 0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = (np.tanh(w * x + b) - y) ** 2
            loss.backward()
            optimizer.step()
            return loss

        return step, w, b

    (eager, *expected), (step, *parameters) = training(), training()
    compiled = ad.compile(step)
    for x, y in ((1.0, 0.5), (2.0, -0.5), (-1.0, 0.0), (0.5, 0.25)):
        assert compiled(F(x), F(y)).item() == eager(F(x), F(y)).item()
        for p, e in zip(parameters, expected, strict=True):
            assert p.item() == e.item()
            assert p.grad.item() == e.grad.item()
            assert type(p.grad) is type(e.grad)
    assert "on Python's floats" in compiled.source


def test_where_it_fails_nothing_has_changed_before_numpy_takes_over():
    w = ad.tensor(1.0, requires_grad=True)

    @ad.compile
    def step(x):
        w.grad = None
        loss = 1.0 / (w * x)
        loss.backward()
        w.assign_(w + 1.0)
        return loss

    step(F(2.0))
    with np.errstate(all="ignore"):
        assert step(F(0.0)).item() == math.inf
    assert w.item() == 3.0  # once for each call
    assert step(F(0.5)).item() == pytest.approx(1 / 1.5)


def test_a_number_that_an_effect_replaced_is_read_after_it():
    p = ad.tensor(2.0, requires_grad=True, name="p")
    optimizer = optim.GradientDescent([p], 0.1)

    @ad.compile
    def step(x):
        optimizer.zero_grad()
        before = (p * x) ** 2
        before.backward()
        optimizer.step()
        return before, (p * x) ** 2, p

    for _ in range(2):
        before, after, now = step(F(1.0))
        assert after.item() == pytest.approx(0.64 * before.item())
        assert now.item() == p.item()
    assert p.item() == pytest.approx(2 * 0.8**2)


def test_other_precisions_and_arrays_stay_with_numpy():
    double = ad.compile(lambda x: x * 2.0)
    assert type(double(np.float32(3.0))) is np.float32 and "on Python's floats" not in double.source
    assert double(np.ones(2)).tolist() == [2.0, 2.0] and "on Python's floats" not in double.source
    assert double(F(3.0)) == 6.0 and "on Python's floats" in double.source
