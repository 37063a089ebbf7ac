"""Entropies and divergences: values, edges, laws, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import autodiff as ad
from autodiff import probability as pr
from autodiff.testing import gradcheck

INF = math.inf
SOFTMAX = ad.special.softmax

# Rounding of a sum of a few terms of the size of log k.
ROUNDING = 1e-13


@st.composite
def shares(draw, shape):
    """Probabilities of this shape that sum to 1 over all of it; some may be 0, none is tiny."""
    n = math.prod(shape)
    weights = np.array(draw(st.lists(st.integers(0, 50), min_size=n, max_size=n)), float)
    weights[draw(st.integers(0, n - 1))] += 1.0
    return (weights / weights.sum()).reshape(shape)


SIZES = st.integers(1, 6)
PAIR = SIZES.flatmap(lambda k: st.tuples(shares((k,)), shares((k,))))
TABLE = st.tuples(SIZES, SIZES).flatmap(shares)


# --- values ---------------------------------------------------------------------------------------


def test_values_are_scipys():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(5), size=3), rng.dirichlet(np.ones(5), size=3)
    np.testing.assert_allclose(pr.entropy(p), stats.entropy(p, axis=-1), rtol=1e-14)
    np.testing.assert_allclose(pr.entropy(p, base=2), stats.entropy(p, axis=-1, base=2), rtol=1e-14)
    np.testing.assert_allclose(pr.kl_divergence(p, q), stats.entropy(p, q, axis=-1), rtol=1e-13)
    np.testing.assert_allclose(pr.kl_divergence(p.T, q.T, axis=0), stats.entropy(p, q, axis=-1), rtol=1e-13)
    np.testing.assert_allclose(pr.cross_entropy(p, q), -(p * np.log(q)).sum(axis=-1), rtol=1e-14)
    m = (p + q) / 2
    js = (stats.entropy(p, m, axis=-1) + stats.entropy(q, m, axis=-1)) / 2
    np.testing.assert_allclose(pr.jensen_shannon(p, q), js, rtol=1e-13)
    np.testing.assert_allclose(pr.entropy(p / 3, axis=None), stats.entropy((p / 3).ravel()), rtol=1e-14)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pr.entropy([1.0, 0.0]), 0.0),
        (pr.entropy([0.25] * 4, base=2), 2.0),
        (pr.kl_divergence([1.0, 0.0], [1.0, 0.0]), 0.0),
        (pr.kl_divergence([1.0, 0.0], [0.0, 1.0]), INF),
        (pr.kl_divergence([0.0, 1.0], [0.5, 0.5]), math.log(2)),
        (pr.cross_entropy([1.0, 0.0], [0.0, 1.0]), INF),
        (pr.cross_entropy([1.0, 0.0], [1.0, 0.0]), 0.0),
        (pr.jensen_shannon([1.0, 0.0], [0.0, 1.0]), math.log(2)),
        (pr.jensen_shannon([0.3, 0.7], [0.3, 0.7]), 0.0),
        (pr.mutual_information(np.outer([0.25, 0.75], [0.5, 0.5])), 0.0),
        (pr.mutual_information(np.diag([0.5, 0.5])), math.log(2)),
        (pr.conditional_entropy(np.diag([0.5, 0.5])), 0.0),
        (pr.conditional_entropy([[0.25, 0.25], [0.0, 0.5]], given=1, base=2), 0.75 * (math.log2(3) - 2 / 3)),
    ],
)
def test_edges_are_exact(value, expected):
    assert float(value) == pytest.approx(expected, rel=1e-15, abs=0)


def test_slopes_at_the_edges_are_those_of_the_conventions():
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(ad.grad(pr.entropy)(np.array([0.0, 1.0])), [INF, -1.0])
    np.testing.assert_array_equal(
        ad.grad(pr.kl_divergence, argnums=1)(np.array([0.0, 1.0]), np.array([0.0, 1.0])), [0.0, -1.0]
    )
    np.testing.assert_array_equal(
        ad.grad(pr.cross_entropy, argnums=1)(np.array([0.0, 1.0]), np.array([0.0, 1.0])), [0.0, -1.0]
    )


def test_measures_differentiate_twice_and_compile():
    rng = np.random.default_rng(1)
    z, w = rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    measures = [
        lambda z, w: pr.entropy(SOFTMAX(z)) + 0 * w.sum(),
        lambda z, w: pr.cross_entropy(SOFTMAX(z), SOFTMAX(w)),
        lambda z, w: pr.kl_divergence(SOFTMAX(z), SOFTMAX(w)),
        lambda z, w: pr.jensen_shannon(SOFTMAX(z), SOFTMAX(w)),
        lambda z, w: pr.mutual_information(SOFTMAX(z, axis=None)) + 0 * w.sum(),
        lambda z, w: pr.conditional_entropy(SOFTMAX(z, axis=None)) + 0 * w.sum(),
    ]
    for f in measures:
        gradcheck(f, z, w)
        gradient = ad.grad(lambda z, w, f=f: f(z, w).sum(), argnums=(0, 1))
        fast = ad.compile(gradient)
        fast(z, w)
        np.testing.assert_allclose(fast(w, z), gradient(w, z), rtol=1e-13, atol=1e-16)


def test_the_gradient_of_cross_entropy_from_scores_is_the_difference_of_probabilities():
    z, p = np.array([0.5, -1.0, 2.0]), np.array([0.2, 0.3, 0.5])
    np.testing.assert_allclose(ad.grad(lambda z: pr.cross_entropy(p, SOFTMAX(z)))(z), SOFTMAX(z) - p, rtol=1e-13)


def test_float32_stays_float32():
    p = np.array([0.25, 0.75], np.float32)
    for value in (pr.entropy(p), pr.kl_divergence(p, p), pr.jensen_shannon(p, p, base=2)):
        assert value.dtype == np.float32


# --- laws -----------------------------------------------------------------------------------------


@given(PAIR)
def test_gibbs_inequality(pair):
    p, q = pair
    assert pr.kl_divergence(p, q) >= -ROUNDING
    assert pr.cross_entropy(p, q) >= pr.entropy(p) - ROUNDING


@given(PAIR)
def test_only_equal_probabilities_have_no_divergence(pair):
    p, q = pair
    assert pr.kl_divergence(p, p) == 0.0
    # Pinsker's inequality: a divergence is at least half the square of the distance in total
    distance = np.abs(p - q).sum()
    assert pr.kl_divergence(p, q) >= distance**2 / 2 - ROUNDING
    if distance > 0:
        assert pr.kl_divergence(p, q) > 0.0


@given(SIZES.flatmap(lambda k: shares((k,))))
def test_entropy_lies_between_certainty_and_the_uniform(p):
    k = len(p)
    assert 0.0 <= pr.entropy(p) <= math.log(k) + ROUNDING
    # what is missing is the divergence from the uniform
    np.testing.assert_allclose(math.log(k) - pr.entropy(p), pr.kl_divergence(p, np.full(k, 1 / k)), atol=ROUNDING)


@given(TABLE)
def test_chain_rule_of_entropy(joint):
    whole, rows, columns = (
        pr.entropy(joint, axis=None),
        pr.entropy(joint.sum(axis=1)),
        pr.entropy(joint.sum(axis=0)),
    )
    np.testing.assert_allclose(rows + pr.conditional_entropy(joint, given=0), whole, atol=ROUNDING)
    np.testing.assert_allclose(columns + pr.conditional_entropy(joint, given=1), whole, atol=ROUNDING)
    np.testing.assert_allclose(pr.mutual_information(joint), rows + columns - whole, atol=ROUNDING)
    assert -ROUNDING <= pr.mutual_information(joint) <= min(rows, columns) + ROUNDING  # conditioning lowers entropy


CHANNEL = st.tuples(SIZES, SIZES, SIZES).flatmap(
    lambda s: st.tuples(shares(s[:2]), st.lists(shares((s[2],)), min_size=s[1], max_size=s[1]).map(np.array))
)


@given(CHANNEL)
def test_data_processing_inequality(case):
    joint, channel = case  # of x and y; of z, given y
    assert pr.mutual_information(joint @ channel) <= pr.mutual_information(joint) + ROUNDING


CHANNEL_AND_PAIR = st.tuples(SIZES, SIZES).flatmap(
    lambda s: st.tuples(
        shares((s[0],)), shares((s[0],)), st.lists(shares((s[1],)), min_size=s[0], max_size=s[0]).map(np.array)
    )
)


@given(CHANNEL_AND_PAIR)
def test_divergence_falls_through_a_channel(case):
    p, q, channel = case
    assert pr.kl_divergence(p @ channel, q @ channel) <= pr.kl_divergence(p, q) + ROUNDING
    assert pr.jensen_shannon(p @ channel, q @ channel) <= pr.jensen_shannon(p, q) + ROUNDING


@given(PAIR)
def test_jensen_shannon_is_symmetric_and_bounded(pair):
    p, q = pair
    np.testing.assert_allclose(pr.jensen_shannon(p, q), pr.jensen_shannon(q, p), atol=ROUNDING)
    assert -ROUNDING <= pr.jensen_shannon(p, q) <= math.log(2) + ROUNDING


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: pr.entropy([0.3, 0.3]), ad.DomainError, r"entropy: p sums to 0.6 along axis -1.*p / p.sum\(axis=-1"),
        (lambda: pr.entropy([[0.5, 0.5], [0.5, 0.4]]), ad.DomainError, "sums to 0.9"),
        (lambda: pr.entropy([[0.25, 0.25], [0.25, 0.25]]), ad.DomainError, "sums to 0.5 .*name it: axis="),
        (lambda: pr.entropy([1.2, -0.2]), ad.DomainError, r"p\[1\] is -0.2; a probability is .*softmax"),
        (lambda: pr.entropy([math.nan, 1.0]), ad.DomainError, r"p\[0\] is nan.*NaN came from"),
        (lambda: pr.kl_divergence([0.5, 0.5], [0.5, 0.6]), ad.DomainError, "kl_divergence: q sums to 1.1"),
        (lambda: pr.cross_entropy([0.5, 0.5], [0.2, 0.3, 0.5]), ad.ShapeError, r"p has shape \(2,\) and q \(3,\)"),
        (lambda: pr.entropy([0.5, 0.5], base=1), ad.DomainError, "base is 1; .* 2 for bits"),
        (lambda: pr.mutual_information([0.5, 0.5]), ad.ShapeError, r"joint has shape \(2,\).*p\[:, None\] \* q"),
        (lambda: pr.conditional_entropy(np.eye(2) / 2, given=2), ad.DomainError, "given is 2; give 0"),
        (lambda: pr.entropy(np.array([0.5 + 0j, 0.5])), ad.DtypeError, "p has dtype complex128"),
    ],
)
def test_what_is_no_probability_is_refused(call, error, told):
    with pytest.raises(error, match=f"(?s){told}"):
        call()


def test_compiled_measures_look_at_every_call():
    fast = ad.compile(lambda p: pr.entropy(p))
    fast(np.array([0.5, 0.5]))
    with pytest.raises(ad.DomainError, match=r"p sums to 1\.2"):
        fast(np.array([0.6, 0.6]))
