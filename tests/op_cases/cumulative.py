"""Rows for the primitives of autodiff/probability: SciPy's values against series, or functions of other arguments."""

import math

import numpy as np
from scipy import special as scipy_special

from autodiff.ops import cumulative, densities
from autodiff.probability import counts, normal
from tests.op_cases.case import POSITIVE, REAL, Case, Interval, Point

SHARE = Interval(0.1, 0.9)
EULER = 0.57721566490153286061


def as_given(f):
    """In double precision, and then the type of the operands."""
    return lambda *xs, **how: np.asarray(f(*(np.asarray(x, float) for x in xs), **how)).astype(np.result_type(*xs))[()]


def one_tail(pick, *shapes):
    return {"upper": pick([False, True])}


def gamma_cdf(a, x, upper):
    """By the series of A&S 6.5.29."""
    part = sum(np.exp((a + k) * np.log(x) - x - scipy_special.gammaln(a + k + 1)) for k in range(60))
    return 1 - part if upper else part


def beta_cdf(a, b, x, upper):
    """By the hypergeometric function (A&S 26.5.23 after its first transformation)."""
    front = np.exp(a * np.log(x) + b * np.log1p(-x) - scipy_special.betaln(a, b)) / a
    part = front * scipy_special.hyp2f1(a + b, 1.0, a + 1, x)
    return 1 - part if upper else part


def student_cdf(nu, x):
    tail = beta_cdf(nu / 2, 0.5, nu / (nu + x * x), upper=False) / 2
    return np.where(x < 0, tail, 1 - tail)


def exponential_integral(x):
    """``exp(x) E1(x)`` of a large x (A&S 5.1.51)."""
    return sum((-1) ** k * math.factorial(k) / x ** (k + 1) for k in range(6))


def logarithm(f):
    return lambda *xs, **how: np.log(f(*xs, **how))


GAMMA, BETA, STUDENT = (POSITIVE, POSITIVE), (POSITIVE, POSITIVE, SHARE), (POSITIVE, Interval(avoid=(0.0,)))

CASES = [
    Case(
        "gamma_cdf",
        cumulative.gamma_cdf,
        GAMMA,
        (cumulative.gamma_cdf,),
        keywords=one_tail,
        reference=as_given(gamma_cdf),
    ),
    Case(
        "log_gamma_cdf",
        cumulative.log_gamma_cdf,
        GAMMA,
        (cumulative.log_gamma_cdf,),
        keywords=one_tail,
        reference=as_given(logarithm(gamma_cdf)),
        points=(  # Q(1, x) = exp(-x)
            Point((1.0, 1e4), (math.log(1e4) + EULER + exponential_integral(1e4), -1.0), None, {"upper": True}),
        ),
    ),
    Case(
        "gamma_quantile",
        cumulative.gamma_quantile,
        (POSITIVE, SHARE),
        (cumulative.gamma_quantile,),
        reference=as_given(lambda a, p: scipy_special.gammainccinv(a, 1 - p)),
    ),
    Case(
        "beta_cdf",
        cumulative.beta_cdf,
        BETA,
        (cumulative.beta_cdf,),
        keywords=one_tail,
        reference=as_given(beta_cdf),
    ),
    Case(
        "log_beta_cdf",
        cumulative.log_beta_cdf,
        BETA,
        (cumulative.log_beta_cdf,),
        keywords=one_tail,
        reference=as_given(logarithm(beta_cdf)),
    ),
    Case(
        "beta_quantile",
        cumulative.beta_quantile,
        (POSITIVE, POSITIVE, SHARE),
        (cumulative.beta_quantile,),
        reference=as_given(lambda a, b, p: 1 - scipy_special.betaincinv(b, a, 1 - p)),
    ),
    Case("student_cdf", cumulative.student_cdf, STUDENT, (cumulative.student_cdf,), reference=as_given(student_cdf)),
    Case(
        "log_student_cdf",
        cumulative.log_student_cdf,
        STUDENT,
        (cumulative.log_student_cdf,),
        reference=as_given(logarithm(student_cdf)),
    ),
    Case(
        "student_quantile",
        cumulative.student_quantile,
        (POSITIVE, Interval(0.1, 0.9, avoid=(0.5,))),
        (cumulative.student_quantile,),
        reference=as_given(scipy_special.stdtrit),
    ),
    Case(
        "normal_quantile",
        normal.standard_quantile,
        (SHARE,),
        (normal.standard_quantile,),
        reference=as_given(scipy_special.ndtri),
        points=(Point((0.5,), (math.sqrt(2 * math.pi),), (0.0,)),),
    ),
    Case(
        "log1p_square",
        densities.log1p_square,
        (REAL,),
        (densities.log1p_square,),
        reference=as_given(lambda w: np.log1p(w * w)),
        points=(Point((0.0,), (0.0,), (2.0,)), Point((1e200,), (2e-200,))),
    ),
    Case(
        "student_power",
        densities.student_power,
        (POSITIVE, REAL),
        (densities.student_power,),
        reference=as_given(lambda nu, t: -(nu + 1) / 2 * np.log1p(t * t / nu)),
        points=(Point((3.0, 0.0), (0.0, 0.0), (0.0, -4 / 3)),),
    ),
    Case(
        "xlog1py",
        counts.xlog1py,
        (REAL, Interval(-0.9, 2.0)),
        (counts.xlog1py,),
        reference=as_given(lambda x, y: x * np.log1p(y)),
        points=(Point((0.0, -1.0), (-math.inf, 0.0)),),
    ),
]
