"""Maximum likelihood: closed forms, SciPy's estimates, standard errors that tell the spread, refusals."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

import autodiff as ad
from autodiff import probability as pr

RNG = np.random.default_rng


def test_normal_has_the_textbook_estimates_and_errors():
    data = RNG(0).normal(3.0, 2.0, 5000)
    found = pr.fit(pr.Normal, data)
    n, s = len(data), data.std()
    np.testing.assert_allclose(found.distribution.mean, data.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.distribution.standard_deviation, s, rtol=1e-12)
    np.testing.assert_allclose(found.standard_errors["mean"], s / math.sqrt(n), rtol=1e-10)
    np.testing.assert_allclose(found.standard_errors["standard_deviation"], s / math.sqrt(2 * n), rtol=1e-10)
    np.testing.assert_allclose(found.information, np.diag([n, 2 * n]) / s**2, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(found.log_likelihood, stats.norm(data.mean(), s).logpdf(data).sum(), rtol=1e-12)
    np.testing.assert_allclose(found.bic - found.aic, 2 * (math.log(n) - 2), rtol=1e-10)
    assert found.names == ("mean", "standard_deviation") and found.n == n and found.iterations <= 2


def test_the_information_by_scores_is_that_of_the_third_and_fourth_moments():
    data = RNG(1).normal(0.0, 1.5, 400)
    found = pr.fit(pr.Normal, data)
    m, s = data.mean(), data.std()
    scores = np.stack([(data - m) / s**2, ((data - m) ** 2 - s**2) / s**3])
    np.testing.assert_allclose(found.information_by_scores, scores @ scores.T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("distribution", "data", "expected"),
    [
        (pr.Exponential, RNG(0).exponential(0.5, 500), lambda x: {"rate": 1 / x.mean()}),
        (pr.Poisson, RNG(0).poisson(4.0, 500), lambda k: {"rate": k.mean()}),
        (pr.Bernoulli, RNG(0).random(500) < 0.3, lambda k: {"probability": k.mean()}),
        (pr.Laplace, RNG(0).laplace(1, 2, 501), lambda x: {"scale": abs(x - np.median(x)).mean()}),
        (pr.Categorical, RNG(0).integers(0, 4, 500), lambda k: {"probabilities": np.bincount(k) / len(k)}),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)  # fmt: skip
def test_closed_forms_are_met(distribution, data, expected):
    found = pr.fit(distribution, data)
    for name, value in expected(data).items():
        np.testing.assert_allclose(getattr(found.distribution, name), value, rtol=1e-9)


@pytest.mark.parametrize(
    ("distribution", "theirs", "names", "fixed"),
    [
        (pr.Gamma, stats.gamma(2.5, scale=0.5), ("concentration", "rate"), {"floc": 0}),
        (pr.Gamma, stats.gamma(0.2, scale=40.0), ("concentration", "rate"), {"floc": 0}),
        (pr.Beta, stats.beta(2.0, 5.0), ("alpha", "beta"), {"floc": 0, "fscale": 1}),
        (pr.Beta, stats.beta(0.4, 0.3), ("alpha", "beta"), {"floc": 0, "fscale": 1}),
        (pr.StudentT, stats.t(4.0, 1.0, 2.0), ("degrees_of_freedom", "location", "scale"), {}),
    ],
    ids=["Gamma", "Gamma far", "Beta", "Beta U", "StudentT"],
)
def test_no_better_parameters_are_found_by_scipy(distribution, theirs, names, fixed):
    data = np.clip(theirs.rvs(800, random_state=3), -np.inf, 1 - 1e-12 if distribution is pr.Beta else np.inf)
    found = pr.fit(distribution, data)
    values = np.array([getattr(found.distribution, name) for name in names])

    def cost(logs):
        values = [v if name == "location" else math.exp(v) for name, v in zip(names, logs, strict=True)]
        return -distribution(*values).log_density(data).sum()

    start = np.array([v if name == "location" else math.log(v) for name, v in zip(names, values, strict=True)])
    best = optimize.minimize(cost, start + 0.1, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    assert found.log_likelihood >= -best.fun - 1e-7
    np.testing.assert_allclose(start, best.x, atol=1e-4)
    scores = ad.grad(lambda *v: distribution(*v).log_density(data).sum(), argnums=tuple(range(len(names))))(*values)
    np.testing.assert_allclose(np.array(scores) * found.covariance.diagonal() ** 0.5, 0.0, atol=1e-6)


def test_standard_errors_tell_the_spread_of_estimates():
    truth = pr.Gamma(2.0, 0.5)
    fits = [pr.fit(pr.Gamma, truth.sample(300, rng=seed)) for seed in range(120)]
    for name in ("concentration", "rate"):
        estimates = np.array([float(getattr(f.distribution, name)) for f in fits])
        told = np.array([f.standard_errors[name] for f in fits])
        # the standard deviation of 120 numbers is known to 1/sqrt(240), 6.5 %: three of those
        np.testing.assert_allclose(told.mean(), estimates.std(ddof=1), rtol=0.2)


def test_the_two_informations_agree_only_for_the_right_distribution():
    right = [pr.fit(pr.Normal, RNG(seed).normal(size=2000)).agrees for seed in range(30)]
    wrong = [pr.fit(pr.Normal, RNG(seed).laplace(size=2000)).agrees for seed in range(30)]
    assert sum(right) >= 29 and sum(wrong) <= 3  # one in a hundred by chance; of the others few look right
    assert "agree" in repr(pr.fit(pr.Normal, RNG(0).normal(size=2000)))
    assert "DIFFER" in repr(pr.fit(pr.Normal, RNG(0).laplace(size=2000)))


def test_probabilities_that_sum_to_one_have_the_multinomial_covariance():
    k = RNG(5).choice(3, 1000, p=[0.5, 0.3, 0.2])
    found = pr.fit(pr.Categorical, k)
    p = np.bincount(k) / 1000
    np.testing.assert_allclose(found.covariance, (np.diag(p) - np.outer(p, p)) / 1000, rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(found.standard_errors["probabilities"], np.sqrt(p * (1 - p) / 1000), rtol=1e-8)
    assert found.aic == pytest.approx(2 * 2 - 2 * found.log_likelihood)  # two free parameters of three


def test_vectors():
    data = RNG(6).normal(size=(500, 2)) @ np.array([[1.0, 0.0], [0.7, 0.5]]).T + [1.0, -2.0]
    found = pr.fit(pr.MultivariateNormal, data)
    covariance = np.cov(data.T, bias=True)
    np.testing.assert_allclose(found.distribution.mean, data.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(found.distribution.covariance, covariance, rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors["mean"], np.sqrt(np.diag(covariance) / 500), rtol=1e-8)
    # of a Wishart matrix: (s_ij^2 + s_ii s_jj) / n
    spread = np.sqrt((covariance**2 + np.outer(np.diag(covariance), np.diag(covariance))) / 500)
    np.testing.assert_allclose(found.standard_errors["covariance"], spread, rtol=1e-8)
    assert found.names[2] == "covariance[0, 0]"


def test_a_mixture_is_fitted_from_a_start():
    truth = pr.Mixture([0.3, 0.7], [pr.Normal(-2.0, 0.5), pr.Normal(1.0, 1.0)])
    data = truth.sample(2000, rng=1)
    start = pr.Mixture([0.5, 0.5], [pr.Normal(-1.0, 1.0), pr.Normal(0.5, 1.0)])
    found = pr.fit(start, data)
    low, high = found.distribution.components
    for estimate, error, true in [
        (found.distribution.weights[0], found.standard_errors["weights"][0], 0.3),
        (low.mean, found.standard_errors["components[0].mean"], -2.0),
        (high.standard_deviation, found.standard_errors["components[1].standard_deviation"], 1.0),
    ]:
        assert abs(estimate - true) < 4 * error < 0.3
    assert found.log_likelihood > truth.log_density(data).sum()


def test_arrays_of_parameters_are_fitted_together():
    data = RNG(7).normal([0.0, 5.0], [1.0, 2.0], (400, 2))
    found = pr.fit(pr.Normal([0.0, 1.0], [1.0, 1.0]), data)
    np.testing.assert_allclose(found.distribution.mean, data.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors["mean"], data.std(axis=0) / 20, rtol=1e-8)


def test_known_parameters_stay():
    data = RNG(8).normal(1.0, 2.0, 300)
    found = pr.fit(pr.Normal, data, mean=1.0)
    assert float(found.distribution.mean) == 1.0 and "mean" not in found.standard_errors
    np.testing.assert_allclose(found.distribution.standard_deviation, math.sqrt(((data - 1) ** 2).mean()), rtol=1e-10)
    successes = RNG(8).binomial(12, 0.25, 200)
    np.testing.assert_allclose(pr.fit(pr.Binomial, successes, n=12).distribution.probability, successes.mean() / 12)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1e-8), (0.0, 1e9), (1e5, 1.0), (-40.0, 1e-3)])
def test_the_unit_of_the_data_does_not_matter(shift, scale):
    data = RNG(9).normal(size=300) * scale + shift
    found = pr.fit(pr.Normal, data)
    np.testing.assert_allclose(found.distribution.standard_deviation, data.std(), rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors["mean"], data.std() / math.sqrt(300), rtol=1e-7)


def test_data_far_from_zero_need_no_scaling_of_the_start():
    data = RNG(9).gamma(3.0, 1e7, 300)
    small = pr.fit(pr.Gamma, data / 1e7)
    found = pr.fit(pr.Gamma(1.0, 1e-7), data)
    np.testing.assert_allclose(found.distribution.concentration, small.distribution.concentration, rtol=1e-8)
    np.testing.assert_allclose(found.standard_errors["rate"], small.standard_errors["rate"] / 1e7, rtol=1e-7)


def test_a_bad_start_still_arrives():
    data = RNG(10).normal(50.0, 2.0, 200)
    found = pr.fit(pr.Normal(0.0, 0.1), data)
    np.testing.assert_allclose(
        [found.distribution.mean, found.distribution.standard_deviation], [data.mean(), data.std()]
    )


def test_laplace_has_its_errors_from_the_scores():
    data = RNG(11).laplace(0.0, 2.0, 1001)
    found = pr.fit(pr.Laplace, data)
    assert found.standard_errors_from == "scores"
    scale = float(found.distribution.scale)
    np.testing.assert_allclose(found.standard_errors["location"], scale / math.sqrt(1001), rtol=0.01)
    np.testing.assert_allclose(found.standard_errors["scale"], scale / math.sqrt(1001), rtol=0.1)


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: pr.fit(pr.Exponential, [1.0, -2.0]), ad.DomainError, r"data\[1\] is -2, .*the support is \[0, inf\)"),
        (lambda: pr.fit(pr.Poisson, [1.0, 2.5]), ad.DomainError, r"data\[1\] is 2.5, .*the integers from 0 on"),
        (lambda: pr.fit(pr.Bernoulli, [0, 1, 2]), ad.DomainError, r"data\[2\] is 2, .*the integers from 0 to 1"),
        (lambda: pr.fit(pr.Beta, [0.2, 1.2]), ad.DomainError, r"data\[1\] is 1.2"),
        (lambda: pr.fit(pr.Gamma, [0.2, -1.2]), ad.DomainError, r"data\[1\] is -1.2"),
        (lambda: pr.fit(pr.Normal, [1.0, math.nan]), ad.DomainError, r"data\[1\] is nan; leave out"),
        (lambda: pr.fit(pr.Normal, [2.0, 2.0]), ad.DomainError, "standard_deviation = 0 .*All data are equal"),
        (lambda: pr.fit(pr.Gamma, [2.0, 2.0]), ad.DomainError, "concentration = inf .*All data are equal"),
        (lambda: pr.fit(pr.Beta, [0.5, 0.5]), ad.DomainError, "alpha = inf"),
        (lambda: pr.fit(pr.Bernoulli, [1, 1]), ad.DomainError, "probability = 1 .*an outcome is missing"),
        (lambda: pr.fit(pr.Poisson, [0, 0]), ad.DomainError, "rate = 0"),
        (lambda: pr.fit(pr.Categorical, [0, 2]), ad.DomainError, "an outcome is missing"),
        (lambda: pr.fit(pr.Uniform, [0.5, 2.0]), ad.UnsupportedError, r"Uniform\(0.5, 2\): a corner"),
        (lambda: pr.fit(pr.Binomial, [1, 2]), ad.UnsupportedError, "n=10"),
        (lambda: pr.fit(pr.Mixture, [1.0, 2.0]), ad.UnsupportedError, "give a distribution, not its class"),
        (lambda: pr.fit(pr.Normal, []), ad.ShapeError, r"shape \(0,\)"),
        (lambda: pr.fit(pr.Normal, np.zeros((3, 2))), ad.ShapeError, r"shape \(3, 2\); expected \(n,\).*data.ravel"),
        (lambda: pr.fit(pr.MultivariateNormal, np.zeros(3)), ad.ShapeError, r"expected \(n, d\)"),
        (lambda: pr.fit(pr.MultivariateNormal, np.eye(3)[:2]), ad.DomainError, "covariance"),
        (lambda: pr.fit(pr.Normal, [1.0, 2.0], scale=1.0), ad.StructureError, "no parameter 'scale'; it has mean"),
        (lambda: pr.fit(pr.Normal(), [1.0, 2.0], mean=1.0), ad.StructureError, "known parameters go with a class"),
        (lambda: pr.fit(pr.Exponential, [1.0, 2.0], rate=1.0), ad.UnsupportedError, "no parameter left"),
        (lambda: pr.fit(pr.Normal, [1 + 1j]), ad.DtypeError, "complex128"),
        (lambda: pr.fit(pr.Normal, ad.tensor([1.0, 2.0], requires_grad=True)), ad.GradientError, "detach"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_refused(call, error, told):
    with pytest.raises(error, match=f"(?s){told}"):
        call()


def test_parameters_that_run_away_are_not_an_answer():
    with pytest.raises(ad.DomainError, match=r"(no largest likelihood|no largest value)"):
        pr.fit(pr.StudentT, RNG(3).uniform(-1, 1, 200))  # lighter tails than normal: ever more degrees of freedom
    same = pr.Mixture([0.5, 0.5], [pr.Normal(0.0, 1.0), pr.Normal(0.0, 1.0)])
    with pytest.raises(ad.DomainError, match="cannot tell all parameters"):
        pr.fit(same, RNG(0).normal(size=100))


def test_a_corner_of_the_likelihood_is_found_among_many_equal_data():
    data = np.repeat(np.arange(2, 9), [30, 190, 590, 1130, 1350, 1080, 530])
    found = pr.fit(pr.Laplace, data)
    assert float(found.distribution.location) == pytest.approx(np.median(data), abs=1e-9)
    assert float(found.distribution.scale) == pytest.approx(np.abs(data - np.median(data)).mean(), rel=1e-6)
