"""Distributions against SciPy's, their derivatives against differences, their functions against each other."""

import math
import sys

import numpy as np
import pytest
from scipy import stats

import autodiff as ad
from autodiff import probability as pr
from autodiff.testing import gradcheck

INF, NAN = math.inf, math.nan


def weighted(x):
    """A number that depends on every entry of x differently."""
    return (x * np.arange(1.0, 1.0 + np.size(x)).reshape(np.shape(x))).sum()


# class, parameters, SciPy's distribution of the same parameters
CONTINUOUS = [
    (pr.Normal, lambda r: (r.normal(), r.uniform(0.2, 3)), lambda m, s: stats.norm(m, s)),
    (pr.Exponential, lambda r: (r.uniform(0.2, 4),), lambda rate: stats.expon(scale=1 / rate)),
    (pr.Gamma, lambda r: (r.uniform(0.3, 6), r.uniform(0.2, 4)), lambda a, b: stats.gamma(a, scale=1 / b)),
    (pr.Beta, lambda r: (r.uniform(0.4, 6), r.uniform(0.4, 6)), stats.beta),
    (pr.Uniform, lambda r: (r.uniform(-3, 0), r.uniform(0.5, 3)), lambda a, b: stats.uniform(a, b - a)),
    (pr.Laplace, lambda r: (r.normal(), r.uniform(0.2, 3)), lambda m, s: stats.laplace(m, s)),
    (pr.StudentT, lambda r: (r.uniform(2.5, 9), r.normal(), r.uniform(0.3, 2)), lambda n, m, s: stats.t(n, m, s)),
]
DISCRETE = [
    (pr.Bernoulli, lambda r: (r.uniform(0.1, 0.9),), stats.bernoulli),
    (pr.Binomial, lambda r: (r.integers(1, 20), r.uniform(0.1, 0.9)), stats.binom),
    (pr.Poisson, lambda r: (r.uniform(0.2, 20),), stats.poisson),
]
ALL = CONTINUOUS + DISCRETE
IDS = [row[0].__name__ for row in ALL]
SHARES = np.array([1e-6, 0.01, 0.2, 0.5, 0.7, 0.95, 1 - 1e-6])


def drawn(row, seed):
    """A distribution with random parameters, and SciPy's."""
    cls, parameters, theirs = row
    values = parameters(np.random.default_rng(seed))
    return cls(*values), theirs(*values)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("row", CONTINUOUS, ids=IDS[: len(CONTINUOUS)])
def test_continuous_distributions_are_scipys(row, seed):
    ours, theirs = drawn(row, seed)
    x = theirs.ppf(SHARES)
    np.testing.assert_allclose(ours.log_density(x), theirs.logpdf(x), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ours.density(x), theirs.pdf(x), rtol=1e-11)
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-11)
    np.testing.assert_allclose(ours.quantile(SHARES), x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.mean, theirs.mean(), rtol=1e-12)
    np.testing.assert_allclose(ours.variance, theirs.var(), rtol=1e-11)
    np.testing.assert_allclose(ours.standard_deviation, theirs.std(), rtol=1e-11)
    np.testing.assert_allclose(ours.entropy(), theirs.entropy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("row", DISCRETE, ids=IDS[len(CONTINUOUS) :])
def test_discrete_distributions_are_scipys(row, seed):
    ours, theirs = drawn(row, seed)
    k = np.arange(-2.0, 45.0)
    np.testing.assert_allclose(ours.probability_of(k), theirs.pmf(k), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(ours.cdf(k), theirs.cdf(k), rtol=1e-11)
    np.testing.assert_allclose(ours.cdf(k + 0.5), theirs.cdf(k + 0.5), rtol=1e-11)
    np.testing.assert_array_equal(ours.quantile(SHARES), theirs.ppf(SHARES))
    np.testing.assert_allclose([ours.mean, ours.variance], [theirs.mean(), theirs.var()], rtol=1e-12)
    np.testing.assert_allclose(ours.entropy(), theirs.entropy(), rtol=1e-9)
    assert ours.probability_of(1.5) == 0.0


@pytest.mark.parametrize("row", DISCRETE, ids=IDS[len(CONTINUOUS) :])
def test_a_discrete_quantile_undoes_the_cdf(row):
    ours, theirs = drawn(row, 7)
    k = np.arange(theirs.ppf(1e-9), theirs.ppf(1 - 1e-6))
    np.testing.assert_array_equal(ours.quantile(ours.cdf(k)), k)


@pytest.mark.parametrize("row", CONTINUOUS, ids=IDS[: len(CONTINUOUS)])
def test_the_cdf_is_the_integral_of_the_density(row):
    ours, theirs = drawn(row, 5)
    low = ours.support.low
    for x in theirs.ppf([0.1, 0.6, 0.9]):
        np.testing.assert_allclose(ad.integrate(ours.density, low, x), ours.cdf(x), rtol=1e-8)
        np.testing.assert_allclose(ad.grad(ours.cdf)(x), ours.density(x), rtol=1e-10)


def test_the_normal_quantile_has_all_digits():
    p = np.array([1e-300, 1e-20, 1e-5, 0.1, 0.5, 0.9, 1 - 1e-10])
    np.testing.assert_allclose(pr.Normal().quantile(p), stats.norm.ppf(p), rtol=4e-15, atol=1e-16)
    np.testing.assert_array_equal(pr.Normal().quantile([0.0, 1.0]), [-INF, INF])


def test_far_tails_do_not_round_to_nothing():
    assert float(pr.Normal().cdf(-30.0)) == pytest.approx(4.906713927148e-198, rel=1e-11)
    assert float(pr.Laplace().cdf(-400.0)) == pytest.approx(math.exp(-400) / 2, rel=1e-14)
    assert float(pr.Poisson(200.0).cdf(50)) == pytest.approx(stats.poisson(200).cdf(50), rel=1e-10)


@pytest.mark.parametrize(
    ("distribution", "x", "log_density"),
    [
        (pr.Exponential(2.0), [-1.0, 0.0], [-INF, math.log(2)]),
        (pr.Gamma(1.0, 2.0), [-1.0, 0.0], [-INF, math.log(2)]),
        (pr.Gamma(2.0, 2.0), [0.0], [-INF]),
        (pr.Gamma(0.5, 2.0), [0.0], [INF]),
        (pr.Beta(1.0, 1.0), [-0.1, 0.0, 1.0, 1.1], [-INF, 0.0, 0.0, -INF]),
        (pr.Uniform(1.0, 3.0), [0.9, 1.0, 3.0, 3.1], [-INF, -math.log(2), -math.log(2), -INF]),
        (pr.Normal(), [-INF, NAN], [-INF, NAN]),
        (pr.Exponential(), [NAN], [NAN]),
    ],
)
def test_log_densities_at_the_edge_of_the_support(distribution, x, log_density):
    np.testing.assert_allclose(distribution.log_density(np.array(x)), log_density, rtol=1e-15)


@pytest.mark.parametrize(
    ("distribution", "k", "probability"),
    [
        (pr.Bernoulli(0.0), [0, 1, 2], [1, 0, 0]),
        (pr.Bernoulli(1.0), [0, 1], [0, 1]),
        (pr.Binomial(3, 0.0), [0, 1, 3, 4], [1, 0, 0, 0]),
        (pr.Binomial(3, 1.0), [0, 3], [0, 1]),
        (pr.Binomial(0, 0.5), [0, 1], [1, 0]),
        (pr.Categorical([0.5, 0.5, 0.0]), [-1, 0, 2, 3, 0.5], [0, 0.5, 0, 0, 0]),
    ],
)
def test_certain_and_impossible_outcomes(distribution, k, probability):
    np.testing.assert_allclose(distribution.probability_of(k), probability, atol=1e-15)


def test_student_has_the_moments_that_exist():
    d = pr.StudentT([0.5, 1.0, 1.5, 2.0, 4.0], location=3.0)
    np.testing.assert_array_equal(d.mean, [NAN, NAN, 3.0, 3.0, 3.0])
    np.testing.assert_allclose(d.variance, [NAN, NAN, INF, INF, 2.0])


def test_parameters_and_arguments_broadcast():
    d = pr.Normal(np.zeros((3, 1)), np.array([1.0, 2.0]))
    assert d.shape == (3, 2)
    assert d.log_density(np.zeros((5, 3, 2))).shape == (5, 3, 2)
    assert d.sample(4, rng=0).shape == (4, 3, 2)
    assert np.shape(d.entropy()) == (3, 2)


def test_categorical():
    d = pr.Categorical([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0]])
    np.testing.assert_allclose(d.mean, [1.3, 0.4])
    np.testing.assert_allclose(d.variance, [0.61, 0.24])
    np.testing.assert_allclose(d.cdf(1.0), [0.5, 1.0])
    np.testing.assert_array_equal(d.quantile(0.55), [2.0, 0.0])
    np.testing.assert_allclose(d.entropy(), [stats.entropy([0.2, 0.3, 0.5]), stats.entropy([0.6, 0.4])])
    frequencies = (d.sample(20000, rng=1)[..., None] == np.arange(3)).mean(axis=0)
    np.testing.assert_allclose(frequencies, d.probabilities, atol=0.015)  # 4 standard deviations: 0.0141


def test_multivariate_normal_is_scipys():
    rng = np.random.default_rng(2)
    a, mean, x = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(5, 3))
    ours, theirs = pr.MultivariateNormal(mean, a @ a.T), stats.multivariate_normal(mean, a @ a.T)
    np.testing.assert_allclose(ours.log_density(x), theirs.logpdf(x), rtol=1e-10)
    np.testing.assert_allclose(ours.entropy(), theirs.entropy(), rtol=1e-12)
    samples = ours.sample(50000, rng=1)
    np.testing.assert_allclose(samples.mean(axis=0), mean, atol=4 * np.sqrt(np.diag(a @ a.T).max() / 50000))
    np.testing.assert_allclose(np.cov(samples.T), a @ a.T, atol=0.03 * np.abs(a @ a.T).max())


# --- survival -------------------------------------------------------------------------------------

COINS = pr.Categorical([0.5, 0.3, 0.2])
EVERY = [*(row[0](*row[1](np.random.default_rng(4))) for row in ALL), COINS]


@pytest.mark.parametrize("d", EVERY, ids=lambda d: type(d).__name__)
def test_survival_is_what_the_cdf_leaves(d):
    x = np.arange(-3.0, 8.0) if d.support.discrete else d.quantile(np.array([1e-3, 0.1, 0.4, 0.6, 0.99]))
    np.testing.assert_allclose(d.survival(x), 1 - d.cdf(x), rtol=1e-12, atol=1e-15)
    some = d.survival(x) > 0
    np.testing.assert_allclose(d.log_survival(x)[some], np.log(d.survival(x)[some]), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(d.log_survival(x)[~some], -INF)


def test_survivals_are_scipys_in_the_far_tail():
    np.testing.assert_allclose(
        pr.Normal().log_survival([-37.0, 40.0, 1e5]), stats.norm.logsf([-37.0, 40.0, 1e5]), rtol=1e-13
    )  # the rounding of 37 / sqrt(2) is 37**2 times as large in the result
    np.testing.assert_allclose(pr.Gamma(3.0, 2.0).log_survival(1e4), math.log1p(2e4 + 2e8) - 2e4, rtol=1e-15)
    np.testing.assert_allclose(pr.Beta(3.0, 1.0).log_survival(1e-150), -1e-450, atol=1e-300)
    np.testing.assert_allclose(pr.Beta(1.0, 200.0).log_survival(1 - 2.0**-50), 200 * math.log(2.0**-50), rtol=1e-15)
    np.testing.assert_allclose(pr.StudentT(2.0).log_survival(1e180), -math.log(2) - 2 * math.log(1e180), rtol=1e-15)
    np.testing.assert_allclose(pr.Binomial(500, 1e-9).log_survival(499), 500 * math.log(1e-9), rtol=1e-15)
    np.testing.assert_allclose(pr.Poisson(1e-300).log_survival(3), 4 * math.log(1e-300) - math.log(24), rtol=1e-15)


@pytest.mark.parametrize(
    ("distribution", "x", "log_survival"),
    [
        (pr.Exponential(2.0), [-1.0, 0.0, 3.0], [0, 0, -6]),
        (pr.Gamma(2.0, 2.0), [-1.0, 0.0], [0, 0]),
        (pr.Beta(2.0, 3.0), [-1.0, 0.0, 1.0, 2.0], [0, 0, -INF, -INF]),
        (pr.Uniform(1.0, 3.0), [0.0, 1.0, 2.0, 3.0, 4.0], [0, 0, -math.log(2), -INF, -INF]),
        (pr.Bernoulli(0.25), [-1, 0, 0.5, 1, 2], [0, math.log(0.25), math.log(0.25), -INF, -INF]),
        (pr.Binomial(2, 0.5), [-1, 0, 1.5, 2, 3], [0, math.log(0.75), math.log(0.25), -INF, -INF]),
        (pr.Binomial(0, 0.5), [-1, 0], [0, -INF]),
        (pr.Poisson(1.0), [-1, 0], [0, math.log1p(-math.exp(-1))]),
        (COINS, [-1, 0, 1.5, 2, 3], [0, math.log(0.5), math.log(0.2), -INF, -INF]),
    ],
)
def test_log_survival_at_the_edge_of_the_support(distribution, x, log_survival):
    """And a datum beside it, of which the gradient is told, gets none of the infinite slopes there."""
    np.testing.assert_allclose(distribution.log_survival(np.array(x)), log_survival, rtol=1e-14)
    values = [np.asarray(v) * 1.0 for v in distribution.values().values()]
    moving = tuple(i for i, name in enumerate(distribution.values()) if name != "n")
    ends = np.array(x)[np.isin(log_survival, [0, -INF])]
    log_survivals = lambda *v: type(distribution)(*v).log_survival(np.array([*ends, 0.7]))
    alone = ad.grad(lambda *v: log_survivals(*v)[-1], moving)(*values)
    with_ends = ad.grad(lambda *v: log_survivals(*v).sum(), moving)(*values)
    np.testing.assert_array_equal(alone, with_ends)
    assert np.isfinite(alone).all()


def test_hazards_have_digits_where_the_logarithm_has_none_to_spare():
    """By logarithms of 1e20, 1e10 and 1e9 the quotient of density and survival could not be told."""
    hazard = lambda d, x: -ad.grad(d.log_survival)(x)
    assert hazard(pr.Gamma(3.0, 2.0), 1e20) == pytest.approx(2.0, rel=1e-12)
    assert hazard(pr.Beta(1e12, 1e12), 0.6) == pytest.approx(1e12 / 0.4 - 1e12 / 0.6, rel=1e-10)
    assert hazard(pr.StudentT(1e12), 1e5) == pytest.approx(1e17 / (1e12 + 1e10), rel=1e-9)
    assert hazard(pr.Normal(), 1e8) == pytest.approx(1e8, rel=1e-15)


def test_slopes_by_a_probability_of_0_or_1():
    """Of (1 - p)**3, 1 - 3 p**2 + 2 p**3, 1 - p**3."""
    k = np.arange(3.0)
    for p, of_cdf, of_log_survival in ((0.0, [-3, 0, 0], [INF, INF, INF]), (1.0, [0, 0, -3], [0, 0, 3])):
        np.testing.assert_allclose(ad.jacobian(lambda p: pr.Binomial(3, p).cdf(k))(p), of_cdf, rtol=1e-14)
        np.testing.assert_allclose(ad.jacobian(lambda p: pr.Binomial(3, p).log_survival(k))(p), of_log_survival)


@pytest.mark.parametrize("row", CONTINUOUS, ids=IDS[: len(CONTINUOUS)])
def test_log_survivals_differentiate_twice(row):
    cls, parameters, theirs = row
    values = tuple(map(np.asarray, parameters(np.random.default_rng(3))))
    x = theirs(*values).ppf([0.01, 0.15, 0.6, 0.99])
    gradcheck(lambda x, *v: cls(*v).log_survival(x), x, *values, rtol=1e-5)


@pytest.mark.parametrize("row", DISCRETE, ids=IDS[len(CONTINUOUS) :])
def test_log_survivals_of_counts_differentiate_twice(row):
    cls, parameters, _ = row
    *whole, p = parameters(np.random.default_rng(3))
    gradcheck(lambda p: cls(*whole, p).log_survival(np.array([0.0, 3.0] if whole else [0.0])), np.asarray(p))


FAR = [
    (lambda z, m, s: pr.Normal(m, s).log_survival(z), (60.0, 0.3, 1.2)),
    (lambda x, a, r: pr.Gamma(a, r).log_survival(x), (500.0, 2.5, 2.0)),
    (lambda x, a, b: pr.Beta(a, b).log_survival(x), (0.95, 2.5, 300.0)),
    (lambda x, n: pr.StudentT(n).log_survival(x), (80.0, 1000.0)),
    (lambda p: pr.Binomial(1000, p).log_survival(800), (1e-3,)),
    (lambda r: pr.Poisson(r).log_survival(400), (2.0,)),
]


@pytest.mark.parametrize(("f", "at"), FAR)
def test_far_tails_differentiate_twice(f, at):
    gradcheck(f, *map(np.asarray, at), rtol=1e-6)


@pytest.mark.parametrize(("f", "at"), FAR)
def test_log_survivals_compile(f, at):
    """Entries on either side of every decision, told apart anew at each call."""
    near = [np.asarray(x) for x in at[:1]]
    gradient = ad.grad(lambda x, *v: f(x, *v).sum(), argnums=tuple(range(len(at))))
    fast = ad.compile(gradient)
    fast(*near, *at[1:])
    other = [np.asarray(0.4 if at[0] < 1 else 2.0), *at[1:]]
    np.testing.assert_allclose(fast(*other), gradient(*other), rtol=1e-13)


def test_survivals_of_single_precision():
    for d in (pr.Normal(*np.float32([0.0, 1.0])), pr.Gamma(*np.float32([2.0, 1.0])), pr.Beta(*np.float32([2.0, 30.0]))):
        x = np.float32([0.5, 0.9])
        wide = type(d)(*(np.float64(v) for v in d.values().values()))
        assert d.log_survival(x).dtype == np.float32
        np.testing.assert_allclose(d.log_survival(x), wide.log_survival(x.astype(float)), rtol=1e-5)
        np.testing.assert_allclose(
            ad.grad(lambda x, d=d: d.log_survival(x).sum())(x), -wide.density(x) / wide.survival(x), rtol=1e-4
        )


def test_a_distribution_of_ones_own_has_a_survival():
    class Triangle(pr.Continuous):
        def _cdf(self, x):
            return np.clip(x, 0.0, 1.0) ** 2

    assert float(Triangle().survival(0.6)) == pytest.approx(0.64, rel=1e-15)


# --- derivatives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", CONTINUOUS, ids=IDS[: len(CONTINUOUS)])
def test_densities_cdfs_and_quantiles_differentiate_twice(row):
    cls, parameters, theirs = row
    values = tuple(map(np.asarray, parameters(np.random.default_rng(3))))
    x = theirs(*values).ppf([0.15, 0.6, 0.85])
    gradcheck(lambda x, *v: cls(*v).log_density(x), x, *values)
    gradcheck(lambda x, *v: cls(*v).cdf(x), x, *values, rtol=1e-5)
    gradcheck(lambda p, *v: cls(*v).quantile(p), np.array([0.15, 0.6, 0.85]), *values, rtol=1e-5)
    gradcheck(lambda *v: cls(*v).entropy(), *values)


@pytest.mark.parametrize("row", DISCRETE, ids=IDS[len(CONTINUOUS) :])
def test_probabilities_and_cdfs_differentiate_twice(row):
    cls, parameters, _ = row
    *whole, p = parameters(np.random.default_rng(3))
    k = np.array([0.0, 1.0]) if cls is pr.Bernoulli else np.array([0.0, 1.0, 3.0])
    gradcheck(lambda p: cls(*whole, p).log_probability(k), np.asarray(p))
    gradcheck(lambda p: cls(*whole, p).cdf(k), np.asarray(p))
    gradcheck(lambda p: cls(*whole, p).entropy(), np.asarray(p))


def test_vectors_and_categories_differentiate_twice():
    rng = np.random.default_rng(4)
    a, mean, x = rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal(size=(3, 2))

    def of_vectors(x, mean, a):
        return pr.MultivariateNormal(mean, a @ a.T + np.eye(2)).log_density(x)

    gradcheck(of_vectors, x, mean, a)
    gradcheck(lambda z: pr.Categorical(ad.special.softmax(z)).log_probability([0, 2, 2]), rng.normal(size=3))


def test_a_category_that_did_not_happen_has_no_say():
    slope = ad.grad(lambda p: pr.Categorical(p).log_probability(np.array([0.0, 1.0])).sum())(np.array([0.5, 0.5, 0.0]))
    np.testing.assert_array_equal(slope, [2.0, 2.0, 0.0])


@pytest.mark.parametrize("row", CONTINUOUS, ids=IDS[: len(CONTINUOUS)])
def test_gradients_of_likelihoods_compile(row):
    cls, parameters, theirs = row
    values = tuple(map(np.asarray, parameters(np.random.default_rng(6))))
    x = theirs(*values).ppf([0.1, 0.5, 0.8])
    gradient = ad.grad(lambda *v: cls(*v).log_density(x).sum(), argnums=tuple(range(len(values))))
    fast = ad.compile(gradient)
    fast(*values)
    # `wider` holds the same points inside a support that depends on the parameters
    wider = tuple(v * 1.25 for v in values)
    np.testing.assert_allclose(fast(*wider), gradient(*wider), rtol=1e-13)


def test_compiled_parameters_are_still_checked():
    fast = ad.compile(lambda s: pr.Normal(0.0, s).log_density(np.ones(2)).sum())
    fast(np.array(1.0))
    with pytest.raises(ad.DomainError, match=r"standard_deviation is -2; it must be a positive number"):
        fast(np.array(-2.0))


@pytest.mark.parametrize("row", CONTINUOUS, ids=IDS[: len(CONTINUOUS)])
def test_samples_differentiate_by_the_parameters(row):
    cls, parameters, _ = row
    values = tuple(map(np.asarray, parameters(np.random.default_rng(8))))
    gradcheck(lambda *v: weighted(cls(*v).sample(5, rng=1)), *values, rtol=1e-5)
    # the mean of many samples has the slope that the mean has
    by_samples = ad.grad(lambda *v: cls(*v).sample(40000, rng=2).mean(), argnums=tuple(range(len(values))))(*values)
    exact = ad.grad(lambda *v: cls(*v).mean * 1.0, argnums=tuple(range(len(values))))(*values)
    np.testing.assert_allclose(by_samples, exact, atol=0.1)


@pytest.mark.parametrize("row", ALL, ids=IDS)
def test_samples_follow_the_distribution(row):
    ours, theirs = drawn(row, 9)
    samples = ours.sample((200, 100), rng=3)
    assert samples.shape == (200, 100)
    if ours.support.discrete:
        error = 4 * theirs.std() / math.sqrt(20000)
        assert abs(samples.mean() - theirs.mean()) < error and (samples == np.floor(samples)).all()
    else:
        assert stats.kstest(samples.ravel(), theirs.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(samples, ours.sample((200, 100), rng=np.random.default_rng(3)))


def test_compiled_samples_are_drawn_anew():
    rng = np.random.default_rng(0)
    fast = ad.compile(lambda m: pr.Normal(m, 1.0).sample(3, rng=rng))
    m = np.array(0.0)
    first, second, third = fast(m), fast(m), fast(m)
    assert not np.array_equal(first, second) and not np.array_equal(second, third)
    np.testing.assert_allclose(
        np.concatenate([first, second, third]), np.random.default_rng(0).standard_normal(9), rtol=1e-15
    )


# --- mixtures -------------------------------------------------------------------------------------

TWO = pr.Mixture([0.3, 0.7], [pr.Normal(-2.0, 0.5), pr.Normal(1.0, 1.5)])


def test_mixture_by_hand():
    x = np.linspace(-5.0, 6.0, 12)
    low, high = stats.norm(-2, 0.5), stats.norm(1, 1.5)
    np.testing.assert_allclose(TWO.density(x), 0.3 * low.pdf(x) + 0.7 * high.pdf(x), rtol=1e-13)
    np.testing.assert_allclose(TWO.cdf(x), 0.3 * low.cdf(x) + 0.7 * high.cdf(x), rtol=1e-13)
    np.testing.assert_allclose(TWO.cdf(TWO.quantile(SHARES)), SHARES, rtol=1e-12)
    np.testing.assert_allclose(TWO.mean, 0.1, rtol=1e-13)
    np.testing.assert_allclose(TWO.variance, 0.3 * (0.25 + 2.1**2) + 0.7 * (2.25 + 0.9**2), rtol=1e-13)
    np.testing.assert_allclose(TWO.responsibilities(x)[:, 0], 0.3 * low.pdf(x) / TWO.density(x), rtol=1e-12)
    np.testing.assert_allclose(TWO.entropy(), -TWO.log_density(TWO.sample(200_000, rng=0)).mean(), atol=0.01)


def test_a_mixture_of_one_is_its_component():
    one = pr.Mixture([1.0, 0.0], [pr.Gamma(2.0, 3.0), pr.Gamma(9.0, 1.0)])
    x = np.array([-1.0, 0.2, 2.0])
    np.testing.assert_allclose(one.log_density(x), pr.Gamma(2.0, 3.0).log_density(x), rtol=1e-14)
    np.testing.assert_allclose(one.entropy(), pr.Gamma(2.0, 3.0).entropy(), rtol=1e-10)


def test_survival_of_a_mixture_in_both_tails():
    far = pr.Mixture([0.4, 0.6], [pr.Normal(), pr.Normal(1.0, 2.0)])
    np.testing.assert_allclose(far.log_survival(90.0), math.log(0.6) + stats.norm.logsf(44.5), rtol=1e-14)
    np.testing.assert_allclose(far.log_survival(-60.0), -0.6 * stats.norm.cdf(-30.5), rtol=1e-11)
    np.testing.assert_allclose(far.survival(SHARES), 1 - far.cdf(SHARES), rtol=1e-13)
    gradcheck(
        lambda x, s: pr.Mixture([0.4, 0.6], [pr.Normal(), pr.Normal(1.0, s)]).log_survival(x),
        np.array([-4.0, 0.3, 90.0]),
        np.asarray(2.0),
    )
    ended = lambda b: pr.Mixture([0.4, 0.6], [pr.Beta(2.0, b), pr.Uniform(0.0, 1.0)]).log_survival(np.array([0.5, 2.0]))
    assert ended(3.0)[1] == -INF and np.isfinite(ad.grad(lambda b: ended(b)[0])(3.0))
    assert ad.grad(lambda b: ended(b)[1])(3.0) == 0


def test_mixtures_differentiate():
    def mixture(z, m, s):
        return pr.Mixture(ad.special.softmax(z), [pr.Normal(m[0], s[0]), pr.Normal(m[1], s[1])])

    z, m, s = np.array([0.2, -0.3]), np.array([-1.0, 1.5]), np.array([0.7, 1.2])
    x = np.array([-1.5, 0.0, 2.0])
    gradcheck(lambda z, m, s: mixture(z, m, s).log_density(x), z, m, s)
    gradcheck(lambda p, z, m, s: mixture(z, m, s).quantile(p), np.array([0.2, 0.5]), z, m, s, rtol=1e-5)
    # held fixed: the sample drawn at (z, m, s), followed along its cumulative function
    slope = ad.grad(lambda m: mixture(z, m, s).sample(20000, rng=0).mean())(m)
    np.testing.assert_allclose(slope, ad.special.softmax(z), atol=0.02)
    by_weight = ad.grad(lambda z: mixture(z, m, s).sample(20000, rng=0).mean())(z)
    np.testing.assert_allclose(by_weight, ad.grad(lambda z: mixture(z, m, s).mean)(z), atol=0.03)


def test_mixtures_of_counts_and_of_vectors():
    counts = pr.Mixture([0.25, 0.75], [pr.Poisson(1.0), pr.Binomial(4, 0.5)])
    k = np.arange(6.0)
    expected = 0.25 * stats.poisson(1).pmf(k) + 0.75 * stats.binom(4, 0.5).pmf(k)
    np.testing.assert_allclose(counts.probability_of(k), expected, rtol=1e-12)
    np.testing.assert_array_equal(counts.quantile(counts.cdf(k)), k)
    vectors = pr.Mixture([0.5, 0.5], [pr.MultivariateNormal(np.zeros(2), np.eye(2)) for _ in range(2)])
    np.testing.assert_allclose(vectors.log_density(np.zeros((3, 2))), [-math.log(2 * math.pi)] * 3)
    assert vectors.sample(5, rng=0).shape == (5, 2)


# --- divergences ----------------------------------------------------------------------------------

PAIRS = [
    (pr.Normal(0.3, 1.2), pr.Normal(-0.5, 0.7)),
    (pr.Bernoulli(0.3), pr.Bernoulli(0.8)),
    (pr.Binomial(5, 0.3), pr.Binomial(5, 0.6)),
    (pr.Categorical([0.2, 0.8, 0.0]), pr.Categorical([0.5, 0.4, 0.1])),
    (pr.Poisson(3.0), pr.Poisson(5.5)),
    (pr.Exponential(2.0), pr.Exponential(0.5)),
    (pr.Gamma(2.5, 1.5), pr.Gamma(1.2, 0.7)),
    (pr.Gamma(2.5, 1.5), pr.Exponential(0.7)),
    (pr.Exponential(1.5), pr.Gamma(1.2, 0.7)),
    (pr.Beta(2.0, 3.0), pr.Beta(1.5, 0.8)),
    (pr.Beta(2.0, 3.0), pr.Exponential(0.8)),
    (pr.Uniform(0.0, 1.0), pr.Uniform(-1.0, 1.5)),
    (pr.Laplace(0.0, 1.0), pr.Laplace(0.7, 1.6)),
    (pr.Uniform(0.0, 1.0), pr.Normal(0.2, 0.6)),
    (pr.Laplace(0.0, 1.0), pr.Normal(0.2, 1.6)),
    (pr.Exponential(1.5), pr.Normal(0.2, 1.6)),
    (pr.Gamma(2.5, 1.5), pr.Normal(0.2, 1.6)),
    (pr.Beta(2.0, 3.0), pr.Normal(0.2, 0.6)),
]


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=lambda d: type(d).__name__)
def test_divergences_are_expectations(p, q):
    how = "log_probability" if p.support.discrete else "log_density"
    by_quadrature = pr.expectation(lambda x: getattr(p, how)(x) - getattr(q, how)(x), p)
    np.testing.assert_allclose(pr.kl_divergence(p, q), by_quadrature, rtol=1e-9)
    np.testing.assert_allclose(pr.cross_entropy(p, q), p.entropy() + by_quadrature, rtol=1e-9)
    np.testing.assert_allclose(pr.kl_divergence(p, p) if type(p) is type(q) else 0.0, 0.0, atol=1e-14)


def test_every_pair_of_the_table_is_tested():
    from autodiff.probability.pairs import DIVERGENCES

    vectors = (pr.MultivariateNormal, pr.MultivariateNormal)
    assert {(type(p), type(q)) for p, q in PAIRS} | {vectors} == set(DIVERGENCES)


def test_divergence_of_vectors():
    p = pr.MultivariateNormal([0.3, -0.2], [[1.0, 0.4], [0.4, 0.8]])
    q = pr.MultivariateNormal([0.0, 0.5], [[1.5, -0.2], [-0.2, 1.0]])
    by_quadrature = pr.expectation(lambda x: p.log_density(x) - q.log_density(x), p)
    np.testing.assert_allclose(pr.kl_divergence(p, q), by_quadrature, rtol=1e-12)
    independent = pr.MultivariateNormal([1.0, 0.0], np.diag([4.0, 9.0])), pr.MultivariateNormal([0.0, 0.0], np.eye(2))
    by_entry = pr.kl_divergence(pr.Normal([1.0, 0.0], [2.0, 3.0]), pr.Normal([0.0, 0.0], [1.0, 1.0])).sum()
    np.testing.assert_allclose(pr.kl_divergence(*independent), by_entry, rtol=1e-13)


def test_divergence_is_infinite_where_the_second_cannot_follow():
    assert pr.kl_divergence(pr.Uniform(0.0, 2.0), pr.Uniform(0.0, 1.0)) == INF
    assert pr.kl_divergence(pr.Bernoulli(0.5), pr.Bernoulli(1.0)) == INF
    assert pr.kl_divergence(pr.Bernoulli(0.0), pr.Bernoulli(0.25)) == pytest.approx(-math.log(0.75))


# --- without SciPy


@pytest.fixture
def no_scipy(monkeypatch):
    """Imports of SciPy fail, as where it is not installed."""
    for name in [name for name in sys.modules if name.split(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)


@pytest.mark.usefixtures("no_scipy")
def test_what_needs_no_scipy_works_without():
    for d in (pr.Normal(), pr.Exponential(), pr.Laplace(), pr.Uniform(), pr.Mixture([1.0], [pr.Normal()])):
        assert float(d.cdf(d.quantile(0.3))) == pytest.approx(0.3, rel=1e-13)
        assert float(d.survival(d.quantile(0.3))) == pytest.approx(0.7, rel=1e-13)
        assert math.isfinite(d.log_density(0.5)) and math.isfinite(d.entropy()) and d.sample(2, rng=0).shape == (2,)
    assert float(pr.Categorical([0.25, 0.75]).probability_of(1)) == 0.75
    assert float(pr.fit(pr.Bernoulli, [0, 1, 1, 0]).standard_errors["probability"]) == pytest.approx(0.25)


@pytest.mark.usefixtures("no_scipy")
@pytest.mark.parametrize(
    "call",
    [
        lambda: pr.Gamma(2.0).log_density(1.0),
        lambda: pr.Gamma(2.0).cdf(1.0),
        lambda: pr.Beta(2.0, 1.0).sample(),
        lambda: pr.StudentT(2.0).quantile(0.3),
        lambda: pr.Poisson(2.0).cdf(1.0),
        lambda: pr.Poisson(2.0).log_survival(1.0),
    ],
)
def test_what_needs_scipy_names_the_extra(call):
    with pytest.raises(ad.MissingExtraError, match=r"pip install 'wengert\[special\]'"):
        call()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: pr.Normal(0.0, 0.0), ad.DomainError, "Normal: standard_deviation is 0; it must be a positive number"),
        (lambda: pr.Normal([0.0, NAN], 1.0), ad.DomainError, r"Normal: mean\[1\] is nan; it must be a finite number"),
        (lambda: pr.Gamma(1.0, [1.0, -2.0]), ad.DomainError, r"Gamma: rate\[1\] is -2; it must be a positive number"),
        (lambda: pr.Bernoulli(1.5), ad.DomainError, "Bernoulli: probability is 1.5; .*sigmoid"),
        (lambda: pr.Binomial(2.5, 0.5), ad.DomainError, "Binomial: n is 2.5; it must be an integer, 0 or more"),
        (lambda: pr.Categorical([0.5, 0.6]), ad.DomainError, r"Categorical: probabilities sums to 1.1 .*softmax"),
        (lambda: pr.Categorical([1.5, -0.5]), ad.DomainError, r"Categorical: probabilities\[1\] is -0.5"),
        (lambda: pr.Categorical(0.5), ad.ShapeError, r"single number; give one for each category"),
        (lambda: pr.Uniform(1.0, 1.0), ad.DomainError, "Uniform: low is 1 and high 1; low must be less"),
        (lambda: pr.Normal(1j, 1.0), ad.DtypeError, "Normal: mean has dtype complex128"),
        (
            lambda: pr.Normal(np.zeros(3), np.ones(2)),
            ad.ShapeError,
            r"Normal: standard_deviation has shape \(2,\) and mean \(3,\)",
        ),
        (lambda: pr.Normal().sample(-1), ad.ShapeError, "Normal.sample: size must be an integer, 0 or more, .* -1 was"),
        (lambda: pr.Poisson(1.0).sample(2.5), ad.ShapeError, "Poisson.sample: size must be an integer, .* 2.5 was"),
        (lambda: pr.MultivariateNormal([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]), ad.MatrixError, "eigenvalue is -1"),
        (lambda: pr.MultivariateNormal([0.0, 0.0], [[1.0, 0.5], [0.0, 1.0]]), ad.DomainError, "not symmetric"),
        (lambda: pr.MultivariateNormal([0.0], np.eye(2)), ad.ShapeError, r"mean has shape \(1,\)"),
        (lambda: pr.MultivariateNormal([0.0], 2.0), ad.ShapeError, "give a square matrix"),
        (lambda: pr.MultivariateNormal(np.zeros(2), np.eye(2)).log_density(np.zeros(3)), ad.ShapeError, "x has shape"),
        (lambda: pr.MultivariateNormal(np.zeros(2), np.eye(2)).cdf(np.zeros(2)), ad.UnsupportedError, "Count samples"),
        (
            lambda: pr.MultivariateNormal(np.zeros(2), np.eye(2)).log_survival(np.zeros(2)),
            ad.UnsupportedError,
            "closed form",
        ),
        (lambda: pr.Normal().survival(1j), ad.DtypeError, "Normal.log_survival: x has dtype complex128"),
        (lambda: pr.Normal().quantile(1.5), ad.DomainError, "Normal.quantile: p is 1.5; a share"),
        (lambda: pr.Mixture([0.5, 0.5], [pr.Normal()]), ad.ShapeError, "give one weight for each"),
        (lambda: pr.Mixture([0.5, 0.5], [pr.Normal(), pr.Poisson(1.0)]), ad.StructureError, r"components\[1\]"),
        (lambda: pr.Mixture([1.0], [pr.Normal([0.0, 1.0])]), ad.ShapeError, r"parameters of shape \(2,\)"),
        (lambda: pr.kl_divergence(pr.Normal(), pr.Poisson(1.0)), ad.StructureError, "neither can be taken"),
        (lambda: pr.kl_divergence(pr.Normal(), [0.5, 0.5]), ad.StructureError, "q is a list"),
        (lambda: pr.kl_divergence(pr.Normal(), pr.Laplace()), ad.UnsupportedError, "expectation"),
        (lambda: pr.kl_divergence(pr.Binomial(2, 0.5), pr.Binomial(3, 0.5)), ad.UnsupportedError, "expectation"),
        (lambda: ad.grad(lambda r: pr.Poisson(r).sample(3).sum())(2.0), ad.GradientError, "rate is tracked.*jump"),
    ],
)
def test_bad_input_is_refused(make, error, told):
    with pytest.raises(error, match=f"(?s){told}"):
        make()


def test_repr_shows_the_parameters():
    assert repr(pr.Normal(1.0, 2.5)) == "Normal(mean=1, standard_deviation=2.5)"
    assert repr(pr.Gamma([1.0, 2.0], 3.0)) == "Gamma(concentration=[1. 2.], rate=3)"
    assert str(pr.Exponential().support) == "[0, inf)" and str(pr.Poisson(1.0).support) == "the integers from 0 on"
