"""Every distribution, function and parameter in double precision against mpmath, from tail to tail.

The points are quantiles from 1e-300 on, of logarithms of survival also some far to the right, where the survival
itself is less than the smallest number; shapes go from 1e-3 to 1e8. Errors are relative to the right number. 95 of 100
points have an error below 1e-10, all of them below 1e-6. One shape of each distribution every day, all in deep runs.
"""

import math

import mpmath
import numpy as np
import pytest

import autodiff as ad
from autodiff import probability as pr

M = mpmath.mpf
SHARES = [1e-300, 1e-100, 1e-20, 1e-5, 0.01, 0.2, 0.5, 0.7, 0.95, 1 - 1e-6]

# --- what mpmath does not have, or not in a second ------------------------------------------------


def continued(terms):
    """1 / (1 + a_1 / (1 + a_2 / ...)), by Lentz' method."""
    tiny = M(10) ** -1000
    f, c, d = M(1), M(1), M(0)
    for a in terms:
        d = 1 / ((1 + a * d) or tiny)
        c = (1 + a / c) or tiny
        f *= c * d
        if abs(1 - c * d) < M(10) ** (3 - mpmath.mp.dps):
            return 1 / f
    raise AssertionError("it does not converge")


def log_beta(a, b):
    return mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)


def beta_cdf(a, b, x, rest=None):
    rest = 1 - x if rest is None else rest
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(b, a, rest, x)

    def terms():
        m = 0
        while True:
            yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            m += 1
            yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))

    return mpmath.exp(a * mpmath.log(x) + b * mpmath.log(rest) - log_beta(a, b)) / a * continued(terms())


def gamma_beyond(a, x, side):
    """The integral of the density from x on outwards: at large shapes series and fractions have too many terms."""
    unit = 1 / (abs(1 - a / x) + 1 / mpmath.sqrt(a))
    density = lambda w: mpmath.exp(
        (a - 1) * mpmath.log(x + w * side * unit) - (x + w * side * unit) - mpmath.loggamma(a)
    )
    return unit * mpmath.quad(density, [0, *(2**k for k in range(8))])


def gamma_cdf(a, x):
    if a > 1e5:
        return gamma_beyond(a, x, -1) if x < a else 1 - gamma_beyond(a, x, 1)
    front = mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a))
    if x < a + 1:
        total = term = 1 / a
        k = a
        while term > total * M(10) ** (-mpmath.mp.dps):
            k += 1
            term *= x / k
            total += term
        return total * front
    return 1 - gamma_tail(a, x)


def gamma_tail(a, x):
    if a > 1e5:
        return gamma_beyond(a, x, 1) if x > a else 1 - gamma_beyond(a, x, -1)
    if x < a + 1:
        return 1 - gamma_cdf(a, x)

    def terms():  # Legendre's fraction; each term over the two denominators beside it
        k, below = 0, x + 1 - a
        while True:
            k += 1
            yield -k * (k - a) / (below * (below + 2))
            below += 2

    return mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a)) / (x + 1 - a) * continued(terms())


def student_cdf(nu, z):
    square = z * z
    tail = beta_cdf(nu / 2, M(1) / 2, nu / (nu + square), square / (nu + square)) / 2 if z else M(1) / 2
    return tail if z < 0 else 1 - tail


# --- rows -----------------------------------------------------------------------------------------


class Row:
    """A distribution: its parameters (one of them is taken every day), and what it is in mpmath."""

    def __init__(self, cls, parameters, log_density, cdf, survival, entropy, *, scaled=False):
        self.cls, self.parameters = cls, parameters
        self.log_density, self.cdf, self.survival, self.entropy = log_density, cdf, survival, entropy
        self.scaled = scaled  # the last two parameters are location and scale

    def log_survival(self, *args):
        above = self.survival(*args)
        return log(above) if above < 0.5 else log1p(-self.cdf(*args))


log, log1p = mpmath.log, mpmath.log1p
ROOT_2PI = mpmath.sqrt(2 * mpmath.pi)
ROWS = [
    Row(
        pr.Normal,
        [(0.3, 1.0), (1.0, 1e-3), (-2.0, 1e8)],
        lambda x: -x * x / 2 - log(mpmath.sqrt(2 * mpmath.pi)),
        lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
        lambda x: mpmath.erfc(x / mpmath.sqrt(2)) / 2,
        lambda: log(mpmath.sqrt(2 * mpmath.pi)) + M(1) / 2,
        scaled=True,
    ),
    Row(
        pr.Laplace,
        [(0.3, 1.0), (1.0, 1e-3), (-2.0, 1e8)],
        lambda x: -abs(x) - log(2),
        lambda x: mpmath.exp(x) / 2 if x < 0 else 1 - mpmath.exp(-x) / 2,
        lambda x: 1 - mpmath.exp(x) / 2 if x < 0 else mpmath.exp(-x) / 2,
        lambda: 1 + log(2),
        scaled=True,
    ),
    Row(
        pr.StudentT,
        [(n, 0.3, 1.0) for n in (3.0, 1e-3, 3e-3, 0.5, 1.0, 31.0, 33.0, 1e3, 1e8)]
        + [(4.0, 1.0, 1e-3), (2.5, -3.0, 1e6)],
        lambda n, x: -(n + 1) / 2 * log1p(x * x / n) - log(n) / 2 - log_beta(n / 2, M(1) / 2),
        student_cdf,
        lambda n, x: student_cdf(n, -x),
        lambda n: (
            (n + 1) / 2 * (mpmath.psi(0, (n + 1) / 2) - mpmath.psi(0, n / 2)) + log(n) / 2 + log_beta(n / 2, M(1) / 2)
        ),
        scaled=True,
    ),
    Row(
        pr.Exponential,
        [(1.3,), (1e-3,), (1e8,)],
        lambda r, x: log(r) - r * x,
        lambda r, x: -mpmath.expm1(-r * x),
        lambda r, x: mpmath.exp(-r * x),
        lambda r: 1 - log(r),
    ),
    Row(  # at 1e8 and the median both slopes of log_density cancel: 8e-9, of the rounding of rate * x
        pr.Gamma,
        [(7.3, 3.3), *((a, 3.3) for a in (1e-3, 0.3, 1.0, 15.9, 16.1, 100.0, 1e4, 1e6, 1e8))],
        lambda a, r, x: (a - 1) * log(x) + a * log(r) - r * x - mpmath.loggamma(a),
        lambda a, r, x: gamma_cdf(a, r * x),
        lambda a, r, x: gamma_tail(a, r * x),
        lambda a, r: a - log(r) + mpmath.loggamma(a) + (1 - a) * mpmath.psi(0, a),
    ),
    Row(
        pr.Beta,
        [(7.3, 2.5), *((a, b) for a in (1e-3, 0.3, 1.0, 40.0, 1e4) for b in (1e-3, 0.9, 2.5, 300.0))],
        lambda a, b, x: (a - 1) * log(x) + (b - 1) * log1p(-x) - log_beta(a, b),
        beta_cdf,
        lambda a, b, x: beta_cdf(b, a, 1 - x, x),
        lambda a, b: (
            log_beta(a, b)
            - (a - 1) * mpmath.psi(0, a)
            - (b - 1) * mpmath.psi(0, b)
            + (a + b - 2) * mpmath.psi(0, a + b)
        ),
    ),
    Row(
        pr.Uniform,
        [(-1.5, 2.0), (1.0, 1.001), (-1e8, 1e3)],
        lambda a, b, x: -log(b - a),
        lambda a, b, x: (x - a) / (b - a),
        lambda a, b, x: (b - x) / (b - a),
        lambda a, b: log(b - a),
    ),
]


def slope(f, args, i, step="1e-12"):
    """The derivative by one argument, by differences of fourth order in 60 digits or more."""
    h = abs(args[i]) * M(step)
    moved = [f(*args[:i], args[i] + k * h, *args[i + 1 :]) for k in (1, -1, 2, -2)]
    return (8 * (moved[0] - moved[1]) - (moved[2] - moved[3])) / (12 * h)


class Errors:
    """Relative errors by the name of a function.

    Where terms cancel that are given (`among`: their size), an error of a rounding of them is inherent; relative to a
    hundred-thousandth of them it is 1e-11.
    """

    def __init__(self):
        self.found = {}

    def add(self, name, got, right, where, among=None):
        got, size = float(got), max(abs(right), (among or 0) * M("1e-5"))
        if abs(right) < 1e-290 or abs(right) > 1e290:  # what a double holds with few digits or not at all
            return
        error = math.inf if not math.isfinite(got) else float(abs(M(got) - right) / size)
        self.found.setdefault(name, []).append((error, where, got, float(right)))

    def check(self):
        for name, rows in self.found.items():
            errors = np.array([row[0] for row in rows])
            worst = max(rows, key=lambda row: row[0])
            assert np.mean(errors < 1e-10) >= 0.95, (name, np.mean(errors < 1e-10), worst)
            assert worst[0] < 1e-6, (name, worst)


def standard(row, args):
    """Shapes and the standardised variable, and location and scale (0 and 1 where there are none)."""
    if not row.scaled:
        return args[:-1], args[-1], M(0), M(1)
    *shapes, location, scale, x = args
    return shapes, (x - location) / scale, location, scale


def inside(row, shapes, x):
    low, high = {pr.Beta: (0, 1), pr.Uniform: shapes[:2]}.get(row.cls, (0, math.inf))
    return math.isfinite(x) and (row.scaled or low < x < high)


def far_points(row, parameters):
    """Where the survival is less than the smallest number, or nearly."""
    d = row.cls(*parameters)
    if row.cls is pr.Uniform:
        return [parameters[1] - 1e-12 * (parameters[1] - parameters[0])]
    if row.cls is pr.Beta:
        return [0.3, 0.5, 1 - 1e-9, 1 - 2.0**-53]  # of small shapes no quantile is in the middle
    middle, end = float(d.quantile(0.5)), float(d.quantile(1 - 1e-6))
    return [x for factor in (10.0, 1000.0) if math.isfinite(x := middle + factor * (end - middle))]


def measured(row, parameters):
    errors = Errors()
    everything = tuple(range(len(parameters) + 1))
    exact = [M(p) for p in parameters]
    shapes, _, _, scale = standard(row, [*exact, M(0)])
    errors.add("entropy", row.cls(*parameters).entropy(), row.entropy(*shapes) + log(scale), parameters)
    found = ad.grad(lambda *p: row.cls(*p).entropy() * 1.0, everything[:-1])(*parameters)
    for i in range(len(shapes)):
        errors.add(f"entropy by {i}", found[i], slope(row.entropy, shapes, i), parameters)
    for x in far_points(row, parameters):
        survival_measured(errors, row, parameters, x)
    for share in SHARES:
        x = float(row.cls(*parameters).quantile(share))
        shapes, z, location, scale = standard(row, [*exact, M(x)])
        if not inside(row, shapes, x) or abs(z) < 1e-12:  # the median: what is left of x - location are roundings
            continue
        survival_measured(errors, row, parameters, x)
        where = (parameters, share)
        density, cdf = row.log_density(*shapes, z) - log(scale), row.cdf(*shapes, z)
        height = mpmath.exp(density)
        d = row.cls(*parameters)
        errors.add("log_density", d.log_density(x), density, where, among=1)
        errors.add("density", d.density(x), height, where)
        errors.add("cdf", d.cdf(x), cdf, where)
        errors.add("quantile", x, M(x) - (cdf - M(share)) / height, where, among=shift(row, shapes, location))
        by = {
            what: ad.grad(lambda *p, what=what: getattr(row.cls(*p[:-1]), what)(p[-1]), everything)
            for what in ("log_density", "cdf", "quantile")
        }
        log_slopes, cdf_slopes, quantile_slopes = (
            by["log_density"](*parameters, x), by["cdf"](*parameters, x), by["quantile"](*parameters, share)
        )  # fmt: skip
        for i in range(len(shapes)):
            of_cdf = slope(row.cdf, [*shapes, z], i)
            errors.add(f"log_density by {i}", log_slopes[i], slope(row.log_density, [*shapes, z], i), where)
            errors.add(f"cdf by {i}", cdf_slopes[i], of_cdf, where)
            if row.cls is pr.Uniform:  # x is rounded beside an end
                of_cdf = slope(row.cdf, [*shapes, z - (cdf - M(share)) / height], i)
            errors.add(f"quantile by {i}", quantile_slopes[i], -of_cdf / height, where)
        with mpmath.workdps(400):  # beside a 1e-300 that is added
            of_x = slope(row.log_density, [*shapes, z], len(shapes), "1e-40") / scale
        terms = (abs(shapes[0]) + 1) / abs(z) if shapes and not row.scaled else None
        errors.add("log_density by x", log_slopes[-1], of_x, where, among=terms)
        errors.add("cdf by x", cdf_slopes[-1], height, where)
        errors.add("quantile by p", quantile_slopes[-1], 1 / height, where)
        if row.scaled:
            for name, slopes, right in (
                ("log_density", log_slopes, (-of_x, -z * of_x - 1 / scale)),
                ("cdf", cdf_slopes, (-height, -z * height)),
                ("quantile", quantile_slopes, (M(1), z)),
            ):
                among = abs(location / scale) if name == "quantile" else 1 / scale if name == "log_density" else None
                for k in (0, 1):
                    errors.add(f"{name} by {('location', 'scale')[k]}", slopes[-3 + k], right[k], where, among=among)
    return errors


def shift(row, shapes, location):
    """What is added to a quantile."""
    return max(map(abs, shapes)) if row.cls is pr.Uniform else abs(location)


def survival_measured(errors, row, parameters, x):
    """The logarithm of the survival, and its slopes."""
    where = (parameters, x)
    shapes, z, _, scale = standard(row, [*map(M, parameters), M(x)])
    right = row.log_survival(*shapes, z)
    hazard = mpmath.exp(row.log_density(*shapes, z) - right) / scale
    f = lambda *p: row.cls(*p[:-1]).log_survival(p[-1])
    errors.add("log_survival", f(*parameters, x), right, where)
    slopes = ad.grad(f, tuple(range(len(parameters) + 1)))(*parameters, x)
    for i in range(len(shapes)):
        errors.add(f"log_survival by {i}", slopes[i], slope(row.log_survival, [*shapes, z], i, "1e-20"), where)
    errors.add("log_survival by x", slopes[-1], -hazard, where)
    if row.scaled:
        errors.add("log_survival by location", slopes[-3], hazard, where)
        errors.add("log_survival by scale", slopes[-2], z * hazard, where)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.cls.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_of_each(row):
    with mpmath.workdps(60):
        errors = measured(row, row.parameters[0])
    for name, rows in errors.found.items():
        worst = max(rows, key=lambda row: row[0])
        assert worst[0] < 1e-10, (name, worst)


@pytest.mark.deep
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.cls.__name__)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_one(row):
    whole = Errors()
    with mpmath.workdps(60):
        for parameters in row.parameters:
            for name, rows in measured(row, parameters).found.items():
                whole.found.setdefault(name, []).extend(rows)
    whole.check()


# --- counts ---------------------------------------------------------------------------------------


def log_choice(n, k):
    return mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(n - k + 1)


N = 1000


def of_bernoulli(p, k):
    return (M(1), M(0)) if k else (1 - p, p)


def of_binomial(p, k):
    """The probabilities up to k and beyond, each after the other by the quotient of the two."""
    term, terms = (1 - p) ** N, []
    for j in range(N + 1):
        terms.append(term)
        term *= M(N - j) / (j + 1) * p / (1 - p)
    return mpmath.fsum(terms[: k + 1]), mpmath.fsum(terms[k + 1 :])


def of_poisson(r, k):
    return gamma_tail(M(k + 1), r), gamma_cdf(M(k + 1), r)


def binomial_log(n, k, p):
    return log_choice(n, k) + k * log(p) + (n - k) * log1p(-p)


# How it is made, the logarithm of a probability, the probabilities up to k and beyond, the slope of the first of them.
COUNTS = {
    "Bernoulli": (
        lambda p: pr.Bernoulli(p),
        lambda p, k: log(p) if k else log1p(-p),
        of_bernoulli,
        lambda p, k: M(0) if k else M(-1),
        [1e-300, 1e-20, 0.3],
        [0, 1],
    ),
    "Binomial": (
        lambda p: pr.Binomial(N, p),
        lambda p, k: binomial_log(N, k, p),
        of_binomial,
        lambda p, k: -N * mpmath.exp(binomial_log(N - 1, k, p)) if k < N else M(0),
        [1e-20, 1e-3, 0.3, 0.999],
        [0, 1, 16, 300, 999, 1000],
    ),
    "Poisson": (
        lambda r: pr.Poisson(r),
        lambda r, k: k * log(r) - r - mpmath.loggamma(k + 1),
        of_poisson,
        lambda r, k: -mpmath.exp(k * log(r) - r - mpmath.loggamma(k + 1)),
        [1e-20, 0.3, 20.0, 1e8],
        [0, 1, 14, 15, 16, 30, 1000, 10**8 - 30_000, 10**8],
    ),
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_counts(name):
    make, exact, both, cdf_slope, parameters, counts = COUNTS[name]
    errors = Errors()
    with mpmath.workdps(60):
        for p in parameters:
            for k in counts:
                errors.add("log_probability", make(p).log_probability(k), exact(M(p), k), (p, k), among=1)
                terms = (k + 1) / p + (N / (1 - p) if name == "Binomial" else 0)
                found = ad.grad(lambda p, k=k: make(p).log_probability(k))(p)
                errors.add("by the parameter", found, slope(lambda p, k=k: exact(p, k), [M(p)], 0), (p, k), among=terms)
                below, above = both(M(p), k)
                if not above:  # nothing is beyond; the edges have tests of their own
                    continue
                of_cdf = cdf_slope(M(p), k)
                errors.add("cdf", make(p).cdf(k), below, (p, k))
                errors.add("cdf by the parameter", ad.grad(lambda p, k=k: make(p).cdf(k))(p), of_cdf, (p, k))
                log_survival = log(above) if above < 0.5 else log1p(-below)
                errors.add("log_survival", make(p).log_survival(k), log_survival, (p, k))
                found = ad.grad(lambda p, k=k: make(p).log_survival(k))(p)
                errors.add("log_survival by the parameter", found, -of_cdf / mpmath.exp(log_survival), (p, k))
    errors.check()


# --- infinite bounds, ends of the shares, largest shapes ------------------------------------------

EVERY = [
    pr.Normal(0.3, 2.0), pr.Laplace(0.3, 2.0), pr.StudentT(3.0, 0.3, 2.0), pr.Exponential(0.7), pr.Gamma(2.5, 0.7),
    pr.Beta(2.5, 0.7), pr.Uniform(-1.0, 2.0), pr.Poisson(3.0), pr.Binomial(5, 0.3), pr.Bernoulli(0.3),
]  # fmt: skip


@pytest.mark.parametrize("d", EVERY, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("x", [math.inf, -math.inf, 1e300, -1e300])
def test_at_an_infinite_bound_a_cdf_is_0_or_1_and_its_slopes_are_0(d, x):
    values = [float(v) for v in d.values().values()]
    numbers = tuple(i for i, name in enumerate(d.values()) if name != "n")
    for f in (lambda *p: type(d)(*p).cdf(x), lambda *p: type(d)(*p).cdf(np.array([x, 1.0]))[0]):
        if math.isinf(x) or not isinstance(d, pr.StudentT):  # whose tails are heavy
            assert f(*values) == (x > 0)
            np.testing.assert_array_equal(ad.grad(f, numbers)(*values), np.zeros(len(numbers)))
            for i in numbers:
                one = [float(j == i) for j in range(len(values))]
                assert ad.jvp(f, tuple(values), tuple(one))[1] == 0
    assert np.isnan(d.cdf(math.nan))


@pytest.mark.parametrize("d", EVERY, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("x", [math.inf, -math.inf])
def test_at_an_infinite_bound_a_log_survival_is_0_or_minus_infinity_and_its_slopes_are_0(d, x):
    values = [float(v) for v in d.values().values()]
    numbers = tuple(i for i, name in enumerate(d.values()) if name != "n")
    f = lambda x, *p: type(d)(*p).log_survival(np.stack([x, 1.0]))[0]
    assert f(x, *values) == (-math.inf if x > 0 else 0)
    slopes = ad.grad(f, (0, *(i + 1 for i in numbers)))(x, *values)
    np.testing.assert_array_equal(slopes, np.zeros(len(numbers) + 1))
    assert d.survival(x) == (0 if x > 0 else 1)
    assert np.isnan(d.log_survival(math.nan)) and np.isnan(d.survival(math.nan))


def test_open_outer_bins():
    """Differences with bounds so far away that nothing is there."""
    counts = np.array([3.0, 5, 6, 2])

    def likelihood(s, bound):
        return counts @ np.log(np.diff(pr.Normal(0.2, s).cdf(np.array([-bound, -1, 0, 1, bound]))))

    assert ad.grad(lambda s: likelihood(s, np.inf))(1.3) == pytest.approx(-2.541961, rel=1e-6)
    assert ad.grad(lambda s: likelihood(s, np.inf))(1.3) == pytest.approx(ad.grad(lambda s: likelihood(s, 1e3))(1.3))
    censored = lambda r: np.log(pr.Exponential(r).cdf(np.inf) - pr.Exponential(r).cdf(2.0))
    assert ad.grad(censored)(0.7) == pytest.approx(-2.0, rel=1e-12)


@pytest.mark.parametrize("d", EVERY[:7], ids=lambda d: type(d).__name__)
def test_the_ends_of_the_shares_are_those_of_the_support(d):
    np.testing.assert_array_equal(d.quantile(np.array([0.0, 1.0])), [d.support.low, d.support.high])


def test_the_largest_shapes():
    """Expansions for nu to infinity: f' = phi (x^4 - 2 x^2 - 1) / (4 nu^2), and F' = phi (x^3 + x) / (4 nu^2)."""
    for a, share in ((1e6, 2.749580359270071e-7), (1e8, 2.854642139958626e-7)):  # of the series, in 40 digits
        far = pr.Gamma(a, 1.0)
        assert far.cdf(a - 5 * math.sqrt(a)) == pytest.approx(share, rel=1e-11)
        np.testing.assert_allclose(far.cdf(far.quantile([share, 1 - share])), [share, 1 - share], rtol=1e-11)
        assert far.quantile(share) == pytest.approx(a - 5 * math.sqrt(a), rel=1e-14)
    nu, x = 1e8, 1.5
    phi = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    by_log = ad.grad(lambda n: pr.StudentT(n).log_density(x))(nu)
    assert by_log == pytest.approx(-(x**4 - 2 * x**2 - 1) / (4 * nu * nu), rel=1e-7)
    by_cdf = ad.grad(lambda n: pr.StudentT(n).cdf(x))(nu)
    assert by_cdf == pytest.approx(phi * (x**3 + x) / (4 * nu * nu), rel=1e-6)
    assert pr.StudentT(3.0).quantile(1e-300) == pytest.approx(-1.03311083604e100, rel=1e-10)
    for a in (1e5, 1e8, 1e12, 1e16):
        np.testing.assert_allclose(ad.grad(ad.special.betaln)(a, 1.0), -1 / a, rtol=1e-14)
        np.testing.assert_allclose(ad.special.betaln(a, 1.0), -math.log(a), rtol=1e-14)
