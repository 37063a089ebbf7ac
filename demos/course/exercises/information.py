"""Information theory: entropy, cross-entropy, divergence, maximum likelihood."""

from __future__ import annotations

import numpy as np

import autodiff as ad
from autodiff import probability
from demos.course.drawing import Rng, array, distribution, number
from demos.course.records import Array, exercise


def _h(p: Array, log: str = "log") -> Array:
    return -np.sum(np.where(p > 0, p * getattr(np, log)(np.where(p > 0, p, 1.0)), 0.0), axis=-1)


@exercise(
    serves="Information theory: entropy",
    draws={
        "four outcomes": lambda rng: (distribution(rng, 4),),
        "a probability of 0": (np.array([0.5, 0.0, 0.5]),),
        "a sure outcome": (np.array([0.0, 1.0]),),
    },
    example="entropy(np.array([0.5, 0.25, 0.25]))",
    mistakes={
        "It is in nats (natural logarithm); asked for are bits, with np.log2.": lambda p: _h(p),
        "The minus is lost: an entropy is never negative.": lambda p: -_h(p, "log2"),
        "A probability of 0 gives 0, not NaN: 0 log 0 counts as 0.": lambda p: -np.sum(p * np.log2(p)),
        "The logarithms must be weighted by the probabilities.": lambda p: -np.sum(np.log2(np.where(p > 0, p, 1.0))),
        "This is the mean over the outcomes; weights are enough, sum them.": lambda p: _h(p, "log2") / p.size,
    },
    laws={"An entropy is never negative.": lambda answer, p: np.all(np.asarray(answer(p)) >= -1e-12)},
    hints=("-sum of p log2(p).", "Leave out the outcomes with p = 0."),
    solution="""
def entropy(p):
    p = p[p > 0]
    return -np.sum(p * np.log2(p))
""",
)
def entropy(p: Array) -> float:
    """Entropy in bits.

    The entropy of the distribution p, a vector of probabilities, some of which may be 0. Return one number, in bits.
    """
    return float(probability.entropy(p, base=2))


def _pair(rng: Rng, k: int) -> tuple[Array, Array]:
    return distribution(rng, k), distribution(rng, k)


@exercise(
    serves="Information theory: cross-entropy",
    draws={
        "four outcomes": lambda rng: _pair(rng, 4),
        "seven outcomes": lambda rng: _pair(rng, 7),
        "p with a 0": (np.array([1.0, 0.0]), np.array([0.25, 0.75])),
    },
    example="cross_entropy(np.array([1.0, 0.0]), np.array([0.25, 0.75]))",
    mistakes={
        "The logarithm is of q, the model; p is the weight.": lambda p, q: (
            -np.sum(q * np.log(np.where(p > 0, p, 1e-300)))
        ),
        "The minus is lost.": lambda p, q: np.sum(p * np.log(q)),
        "This is the entropy of p: q does not occur.": lambda p, q: _h(p),
        "This is the divergence; the entropy of p is still to be added.": lambda p, q: -_h(p) - np.sum(p * np.log(q)),
        "It is in bits; asked for is the natural logarithm.": lambda p, q: -np.sum(p * np.log2(q)),
    },
    hints=("What does each outcome cost under q, and how often does it come?",),
    solution="""
def cross_entropy(p, q):
    return -np.sum(p * np.log(q))
""",
)
def cross_entropy(p: Array, q: Array) -> float:
    """Cross-entropy.

    The cross-entropy of the model q with respect to the true distribution p: the mean under p of -log q, in nats
    (natural logarithm). No entry of q is 0.
    """
    return float(probability.cross_entropy(p, q))


@exercise(
    serves="Information theory: KL divergence",
    draws={
        "four outcomes": lambda rng: _pair(rng, 4),
        "p with a 0": (np.array([0.5, 0.0, 0.5]), np.array([0.25, 0.5, 0.25])),
        "equal distributions": (np.array([0.25, 0.75]), np.array([0.25, 0.75])),
    },
    example="kl_divergence(np.array([0.5, 0.5]), np.array([0.25, 0.75]))",
    mistakes={
        "The weight is p, not q: KL is not symmetric.": lambda p, q: np.sum(q * np.log(np.where(p > 0, p, 1e-300) / q)),
        "p is divided by q in the logarithm, not q by p.": lambda p, q: np.sum(
            np.where(p > 0, p * np.log(q / np.where(p > 0, p, 1.0)), 0.0)
        ),
        "This is the cross-entropy; the entropy of p is still to be subtracted.": lambda p, q: -np.sum(p * np.log(q)),
        "Where p is 0 the term is 0, not NaN.": lambda p, q: np.sum(p * np.log(p / q)),
        "This is the difference of the entropies.": lambda p, q: _h(q) - _h(p),
    },
    laws={"KL is never negative.": lambda answer, p, q: answer(p, q) >= -1e-12},
    hints=("The mean under p of log(p / q).", "Leave out the outcomes with p = 0."),
    solution="""
def kl_divergence(p, q):
    kept = p > 0
    return np.sum(p[kept] * np.log(p[kept] / q[kept]))
""",
)
def kl_divergence(p: Array, q: Array) -> float:
    """The Kullback-Leibler divergence.

    KL(p || q), in nats (natural logarithm), of two distributions given as vectors. p may have entries that are 0, q
    none.
    """
    return float(probability.kl_divergence(p, q))


def _kl_normal(m: float, s: float, n: float, t: float) -> float:
    return float(np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5)


@exercise(
    serves="Information theory: KL divergence",
    draws={"two normals": lambda rng: (number(rng), number(rng, 0.5, 2.0), number(rng), number(rng, 0.5, 2.0))},
    example="kl_of_normals(0.0, 1.0, 1.0, 2.0)",
    mistakes={
        "The two distributions are exchanged: KL is not symmetric.": lambda m, s, n, t: _kl_normal(n, t, m, s),
        "It is not 0 for equal distributions: the -1/2 is missing.": lambda m, s, n, t: _kl_normal(m, s, n, t) + 0.5,
        "The difference of the means is missing.": lambda m, s, n, t: _kl_normal(m, s, m, t),
        "The logarithm of s2 / s1 has its quotient upside down.": lambda m, s, n, t: (
            _kl_normal(m, s, n, t) - 2 * np.log(t / s)
        ),
        "s is a standard deviation; it enters squared.": lambda m, s, n, t: (
            np.log(t / s) + (s + (m - n) ** 2) / (2 * t) - 0.5
        ),
    },
    laws={
        "For two equal distributions it must be 0.": lambda answer, m, s, n, t: abs(answer(m, s, m, s)) < 1e-9,
        "KL is never negative.": lambda answer, m, s, n, t: answer(m, s, n, t) >= -1e-12,
    },
    hints=("The mean under the first of the difference of both log densities.", "E (x - m2)² = s1² + (m1 - m2)²"),
    solution="""
def kl_of_normals(m1, s1, m2, s2):
    return np.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5
""",
)
def kl_of_normals(m1: float, s1: float, m2: float, s2: float) -> float:
    """The divergence of two normal distributions.

    KL(N(m1, s1) || N(m2, s2)) as a formula; m are the means, s the standard deviations.
    """
    return _kl_normal(m1, s1, m2, s2)


@exercise(
    serves="Information theory: maximum likelihood estimation",
    parts=("mean", "variance"),
    draws={"eight values": lambda rng: (array(rng, 8),), "three values": lambda rng: (array(rng, 3),)},
    example="fit_normal(np.array([1.0, 2.0, 6.0]))",
    mistakes={
        "The likelihood is largest with 1/n; 1/(n - 1) is the unbiased estimate.": lambda x: (
            np.mean(x),
            np.var(x, ddof=1),
        ),
        "The second result is the standard deviation; asked for is its square.": lambda x: (np.mean(x), np.std(x)),
        "The variance is measured from the mean, not from 0.": lambda x: (np.mean(x), np.mean(x**2)),
        "The median is not the mean.": lambda x: (np.median(x), np.mean((x - np.median(x)) ** 2)),
        "The squared distances are summed; take their mean.": lambda x: (np.mean(x), np.sum((x - np.mean(x)) ** 2)),
    },
    hints=("Set the derivatives of the log-likelihood by the mean and by the variance to 0.",),
    solution="""
def fit_normal(x):
    mean = np.mean(x)
    return mean, np.mean((x - mean) ** 2)
""",
)
def fit_normal(x: Array) -> tuple[float, float]:
    """Maximum likelihood of a normal distribution.

    Return (mean, variance) of the normal distribution under which the values x are most likely.
    """
    return float(np.mean(x)), float(np.var(x))


@exercise(
    serves="Information theory: maximum likelihood estimation",
    draws={"a coin": lambda rng: (int(rng.integers(1, 9)), int(rng.integers(10, 20)), number(rng, 0.1, 0.9))},
    slope_of=lambda k, n, p: k * np.log(p) + (n - k) * np.log(1 - p),
    by=("p",),
    example="bernoulli_score(7, 10, 0.5)",
    mistakes={
        "The derivative of log(1 - p) has a minus: the inner derivative is -1.": lambda k, n, p: (
            k / p + (n - k) / (1 - p)
        ),
        "The failures count, too: their term is missing.": lambda k, n, p: k / p,
        "There are n - k failures, not n.": lambda k, n, p: k / p - n / (1 - p),
        "This is the log-likelihood itself; asked for is its derivative.": lambda k, n, p: (
            k * np.log(p) + (n - k) * np.log(1 - p)
        ),
        "This is the estimate k / n, where the derivative is 0; asked for is the derivative at p.": lambda k, n, p: (
            k / n
        ),
    },
    laws={"At p = k / n it must be 0.": lambda answer, k, n, p: abs(answer(k, n, k / n)) < 1e-9},
    hints=("The log-likelihood is k log p + (n - k) log(1 - p).",),
    solution="""
def bernoulli_score(k, n, p):
    return k / p - (n - k) / (1 - p)
""",
)
def bernoulli_score(k: int, n: int, p: float) -> float:
    """Maximum likelihood of a coin.

    In n throws heads came k times. Return the derivative by p of the logarithm of the likelihood p^k (1 - p)^(n -
    k); it is 0 at the estimate.
    """
    return float(ad.derivative(lambda p: k * np.log(p) + (n - k) * np.log(1 - p))(p))


@exercise(
    serves="Information theory: entropy",
    draws={
        "two by three": lambda rng: (distribution(rng, 6).reshape(2, 3),),
        "three by three": lambda rng: (distribution(rng, 9).reshape(3, 3),),
        "independent": (np.outer([0.25, 0.75], [0.5, 0.5]),),
        "fully dependent": (np.diag([0.5, 0.5]),),
    },
    example="mutual_information(np.array([[0.5, 0.0], [0.0, 0.5]]))",
    mistakes={
        "This is the entropy of both together.": lambda p: _h(p.ravel()),
        "Entries that are 0 give 0, not NaN.": lambda p: np.sum(p * np.log(p / np.outer(p.sum(1), p.sum(0)))),
        "The sign is the opposite: it is never negative.": lambda p: _h(p.ravel()) - _h(p.sum(0)) - _h(p.sum(1)),
        "It is in bits; asked for is the natural logarithm.": lambda p: (
            (_h(p.sum(0)) + _h(p.sum(1)) - _h(p.ravel())) / np.log(2)
        ),
        "This is the sum of both entropies; subtract that of both together.": lambda p: _h(p.sum(0)) + _h(p.sum(1)),
    },
    laws={
        "x and y play the same part: for the transpose the result must be the same.": lambda answer, p: np.isclose(
            answer(p.T), answer(p)
        ),
        "If x and y are independent, it must be 0.": lambda answer, p: np.isclose(
            answer(np.outer(p.sum(1), p.sum(0))), 0
        ),
    },
    hints=("The divergence of the joint distribution from the product of its margins.", "H(x) + H(y) - H(x, y)"),
    solution="""
def mutual_information(p):
    independent = np.outer(p.sum(axis=1), p.sum(axis=0))
    kept = p > 0
    return np.sum(p[kept] * np.log(p[kept] / independent[kept]))
""",
)
def mutual_information(p: Array) -> float:
    """Mutual information.

    p[i, j] is the probability that x is i and y is j. Return their mutual information in nats (natural logarithm); some
    entries may be 0.
    """
    return float(probability.mutual_information(p))
