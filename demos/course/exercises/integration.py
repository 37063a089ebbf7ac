"""Integration: sums, antiderivatives, techniques, several variables, probability."""

from __future__ import annotations

import numpy as np

import autodiff as ad
from demos.course.drawing import Rng, array, number, smooth
from demos.course.records import Array, Function, Named, exercise
from demos.course.slopes import slope


def _sum_draws(rng: Rng) -> tuple[Function, float, float, int]:
    return smooth(rng)[0], number(rng, -2.0, -0.5), number(rng, 0.5, 2.0), int(rng.integers(2, 6)) * 2


def _at(f: Function, a: float, b: float, n: int, shift: float) -> float:
    """The Riemann sum with its points at the share `shift` of each interval."""
    h = (b - a) / n
    return float(np.sum(f(a + (np.arange(n) + shift) * h)) * h)


@exercise(
    serves="Integration: definite and indefinite integrals",
    draws={"several intervals": _sum_draws, "one interval": lambda rng: (*_sum_draws(rng)[:3], 1)},
    example="riemann_sum(lambda x: x**2, 0.0, 1.0, 10)",
    mistakes={
        "The heights are taken at the left ends; asked for are the midpoints.": lambda f, a, b, n: _at(f, a, b, n, 0.0),
        "The heights are taken at the right ends; asked for are the midpoints.": (
            lambda f, a, b, n: _at(f, a, b, n, 1.0)
        ),
        "The width of the intervals is missing.": lambda f, a, b, n: _at(f, a, b, n, 0.5) * n / (b - a),
        "The sum is that of the mean height: times b - a.": lambda f, a, b, n: _at(f, a, b, n, 0.5) / (b - a),
    },
    hints=("Each of the n intervals has the width (b - a) / n.", "Where is the middle of the first one?"),
    solution="""
def riemann_sum(f, a, b, n):
    h = (b - a) / n
    return sum(f(a + (i + 0.5) * h) for i in range(n)) * h
""",
)
def riemann_sum(f: Function, a: float, b: float, n: int) -> float:
    """The Riemann sum at midpoints.

    The interval from a to b is cut into n equal ones. Return the sum of the areas of the rectangles that are as high
    as f in the middle of each.
    """
    return _at(f, a, b, n, 0.5)


@exercise(
    serves="Integration: definite and indefinite integrals",
    draws={"several intervals": _sum_draws, "one interval": lambda rng: (*_sum_draws(rng)[:3], 1)},
    example="trapezoid_rule(lambda x: x**2, 0.0, 1.0, 10)",
    mistakes={
        "Both ends count half.": lambda f, a, b, n: _at(f, a, b, n, 0.0) + f(b) * (b - a) / n,
        "The right end is left out: this is the sum with left ends.": lambda f, a, b, n: _at(f, a, b, n, 0.0),
        "There are n intervals, so n + 1 points.": lambda f, a, b, n: float(
            np.trapezoid(f(np.linspace(a, b, n)), np.linspace(a, b, n))
        ),
    },
    hints=("A trapezoid has the width h and the mean of its two heights.", "Inner points belong to two trapezoids."),
    solution="""
def trapezoid_rule(f, a, b, n):
    x = np.linspace(a, b, n + 1)
    y = f(x)
    return np.sum((y[1:] + y[:-1]) / 2) * (b - a) / n
""",
)
def trapezoid_rule(f: Function, a: float, b: float, n: int) -> float:
    """The trapezoidal rule.

    The integral of f from a to b, by n trapezoids of equal width; f takes arrays, too.
    """
    return (_at(f, a, b, n, 0.0) + _at(f, a, b, n, 1.0)) / 2


def _simpson(f: Function, a: float, b: float, n: int, weights: tuple[float, float, float]) -> float:
    x = np.linspace(a, b, n + 1)
    ends, odd, even = weights
    inner = odd * np.sum(f(x[1:-1:2])) + even * np.sum(f(x[2:-1:2]))
    return float((ends * (f(x[0]) + f(x[-1])) + inner) * (b - a) / n / 3)


@exercise(
    serves="Integration: definite and indefinite integrals",
    draws={"several intervals": _sum_draws, "two intervals": lambda rng: (*_sum_draws(rng)[:3], 2)},
    example="simpson(np.sin, 0.0, np.pi, 10)",
    mistakes={
        "The weights 4 and 2 are exchanged: odd places count 4.": lambda f, a, b, n: _simpson(f, a, b, n, (1, 2, 4)),
        "The inner points have the weights 4, 2, 4, 2, ..., 4: not all the same.": lambda f, a, b, n: _simpson(
            f, a, b, n, (1, 4, 4)
        ),
        "This is the trapezoidal rule.": lambda f, a, b, n: (_at(f, a, b, n, 0.0) + _at(f, a, b, n, 1.0)) / 2,
        "It is divided by 6, not 3: h is the width of one interval, not of a pair.": lambda f, a, b, n: (
            _simpson(f, a, b, n, (1, 4, 2)) / 2
        ),
    },
    laws={
        "A polynomial of degree three must come out exactly.": lambda answer, f, a, b, n: np.isclose(
            answer(lambda x: x**3 - x, a, b, n), (b**4 - a**4) / 4 - (b**2 - a**2) / 2
        )
    },
    hints=("The weights are 1, 4, 2, 4, ..., 2, 4, 1.", "The factor before the sum is h / 3."),
    solution="""
def simpson(f, a, b, n):
    x = np.linspace(a, b, n + 1)
    y = f(x)
    h = (b - a) / n
    return h / 3 * (y[0] + 4 * np.sum(y[1:-1:2]) + 2 * np.sum(y[2:-1:2]) + y[-1])
""",
)
def simpson(f: Function, a: float, b: float, n: int) -> float:
    """Simpson's rule.

    The integral of f from a to b, with n intervals of equal width, where n is even: parabolas through each three
    points. f takes arrays, too.
    """
    return _simpson(f, a, b, n, (1, 4, 2))


@exercise(
    serves="Integration: definite and indefinite integrals",
    draws={
        "four coefficients": lambda rng: (array(rng, 4),),
        "a constant": lambda rng: (array(rng, 1),),
    },
    example="antiderivative(np.array([1.0, 4.0, 3.0]))",
    mistakes={
        "The constant term 0 is missing in front: every exponent rises by 1.": lambda c: c / np.arange(1, len(c) + 1),
        "Divide by the new exponent, k + 1.": lambda c: np.concatenate([[0.0], c]),
        "Divide by the new exponents, do not multiply: that is the derivative.": lambda c: np.concatenate(
            [[0.0], c * np.arange(1, len(c) + 1)]
        ),
        "The constant term is 0: the antiderivative that vanishes at 0.": lambda c: np.concatenate(
            [[1.0], c / np.arange(1, len(c) + 1)]
        ),
    },
    hints=("The term c_k x^k comes from c_k x^(k+1) / (k+1).",),
    solution="""
def antiderivative(coefficients):
    return np.concatenate([[0.0], coefficients / np.arange(1, len(coefficients) + 1)])
""",
)
def antiderivative(coefficients: Array) -> Array:
    """The antiderivative of a polynomial.

    The array [c_0, c_1, c_2, ...] stands for c_0 + c_1 x + c_2 x^2 + ... Return the coefficients of the antiderivative
    that is 0 at x = 0, in the same order, one more.
    """
    return np.polynomial.polynomial.polyint(coefficients)


@exercise(
    serves="Integration: integration techniques",
    draws={"two limits": lambda rng: (number(rng, 0.1, 1.0), number(rng, 1.1, 2.5))},
    example="by_substitution(0.0, 1.0)",
    mistakes={
        "The limits change with the substitution u = x²: to a² and b².": lambda a, b: np.sin(b) - np.sin(a),
        "The antiderivative of cos is sin, with a plus.": lambda a, b: np.sin(a * a) - np.sin(b * b),
        "2 x dx is du: no factor stays before cos(u).": lambda a, b: 2 * b * np.sin(b * b) - 2 * a * np.sin(a * a),
        "This is the integrand's difference; find its antiderivative.": lambda a, b: (
            2 * b * np.cos(b * b) - 2 * a * np.cos(a * a)
        ),
    },
    laws={
        "Derived by the upper limit b, the result must be the integrand at b.": lambda answer, a, b: np.isclose(
            slope(lambda b: answer(a, b), b), 2 * b * np.cos(b * b), rtol=1e-4
        ),
        "From a to a there is no area: the result must be 0.": lambda answer, a, b: np.isclose(answer(a, a), 0),
    },
    hints=("Put u = x². What is du?", "The integral of cos(u) du, from a² to b²."),
    solution="""
def by_substitution(a, b):
    return np.sin(b**2) - np.sin(a**2)
""",
)
def by_substitution(a: float, b: float) -> float:
    """An integral by substitution.

    The integral of 2 x cos(x²) from a to b, as a formula, not as a sum.
    """
    return float(ad.integrate(lambda x: 2 * x * np.cos(x**2), a, b))


@exercise(
    serves="Integration: integration techniques",
    draws={
        "a positive limit": lambda rng: (number(rng, 0.5, 2.0),),
        "a negative limit": lambda rng: (number(rng, -2.0, -0.5),),
    },
    example="by_parts(1.0)",
    mistakes={
        "The lower limit contributes, too: at 0 the antiderivative is -1, not 0.": lambda b: (b - 1) * np.exp(b),
        "The second integral is subtracted.": lambda b: (b + 1) * np.exp(b) - 1,
        "b e^b is the first term only; the integral of e^x is still to be subtracted.": lambda b: b * np.exp(b),
        "x was integrated and e^x left as it is: choose u = x and dv = e^x dx.": lambda b: b**2 / 2 * np.exp(b),
    },
    laws={
        "Derived by b, the result must be the integrand, b e^b.": lambda answer, b: np.isclose(
            slope(answer, b), b * np.exp(b), rtol=1e-4
        ),
        "From 0 to 0 there is no area: the result must be 0.": lambda answer, b: np.isclose(answer(0.0), 0),
    },
    hints=("u = x, and dv = e^x dx.", "x e^x minus the integral of e^x, at both limits."),
    solution="""
def by_parts(b):
    return (b - 1) * np.exp(b) + 1
""",
)
def by_parts(b: float) -> float:
    """An integral by parts.

    The integral of x e^x from 0 to b, as a formula.
    """
    return float(ad.integrate(lambda x: x * np.exp(x), 0.0, b))


def _plane(rng: Rng) -> Named:
    a, b = number(rng), number(rng)
    return Named(f"{a} x² y + sin({b} y)", lambda x, y: a * x**2 * y + np.sin(b * y))


def _midpoints(a: float, b: float, n: int) -> Array:
    return a + (np.arange(n) + 0.5) * (b - a) / n


@exercise(
    serves="Integration: multiple integrals",
    draws={
        "a rectangle": lambda rng: (
            _plane(rng),
            number(rng, -1.0, 0.0),
            number(rng, 0.5, 2.0),
            number(rng, -2.0, -1.0),
            number(rng, 1.5, 3.0),
            int(rng.integers(2, 6)),
        )
    },
    example="double_integral(lambda x, y: x * y, 0.0, 1.0, 0.0, 2.0, 10)",
    mistakes={
        "The area of each small rectangle is missing.": lambda f, a, b, c, d, n: float(
            np.sum(f(_midpoints(a, b, n)[:, None], _midpoints(c, d, n)))
        ),
        "Every x goes with every y: there are n² small rectangles, not n.": lambda f, a, b, c, d, n: float(
            np.sum(f(_midpoints(a, b, n), _midpoints(c, d, n))) * (b - a) * (d - c) / n
        ),
        "x and y are exchanged: x goes from a to b, y from c to d.": lambda f, a, b, c, d, n: float(
            np.mean(f(_midpoints(c, d, n)[:, None], _midpoints(a, b, n))) * (b - a) * (d - c)
        ),
        "Take the middle of each small rectangle, not its lower left corner.": lambda f, a, b, c, d, n: float(
            np.mean(f((a + np.arange(n) * (b - a) / n)[:, None], c + np.arange(n) * (d - c) / n)) * (b - a) * (d - c)
        ),
    },
    hints=("Two loops, one inside the other: every x with every y.", "The small area is (b - a) (d - c) / n²."),
    solution="""
def double_integral(f, a, b, c, d, n):
    hx, hy = (b - a) / n, (d - c) / n
    total = 0.0
    for i in range(n):
        for j in range(n):
            total += f(a + (i + 0.5) * hx, c + (j + 0.5) * hy)
    return total * hx * hy
""",
)
def double_integral(f: Function, a: float, b: float, c: float, d: float, n: int) -> float:
    """A double integral.

    The integral of f(x, y) over the rectangle with x from a to b and y from c to d, as a midpoint sum with n intervals
    in each direction.
    """
    return float(np.mean(f(_midpoints(a, b, n)[:, None], _midpoints(c, d, n))) * (b - a) * (d - c))


def _density(rng: Rng) -> tuple[Named, float, float]:
    k = int(rng.integers(1, 4))
    high = float(rng.integers(1, 4))
    return Named(f"{k + 1} x**{k} / {high:g}**{k + 1}", lambda x: (k + 1) * x**k / high ** (k + 1)), 0.0, high


def _moment(p: Function, a: float, b: float, g: Function) -> float:
    return float(ad.integrate(lambda x: g(x) * p(x), a, b))


@exercise(
    serves="Integration: applications in probability",
    parts=("mean", "variance"),
    rtol=1e-4,
    draws={"a density": _density},
    example="moments(lambda x: 2 * x, 0.0, 1.0)",
    mistakes={
        "The second result is the mean of x²; the variance is less, by the square of the mean.": lambda p, a, b: (
            _moment(p, a, b, lambda x: x),
            _moment(p, a, b, lambda x: x**2),
        ),
        "The second result is the standard deviation, the root of the variance.": lambda p, a, b: (
            _moment(p, a, b, lambda x: x),
            np.sqrt(_moment(p, a, b, lambda x: x**2) - _moment(p, a, b, lambda x: x) ** 2),
        ),
        "The density must be a weight: this is the middle of the interval, and the variance if all x were as likely.": (
            lambda p, a, b: ((a + b) / 2, (b - a) ** 2 / 12)
        ),
    },
    hints=("The mean is the integral of x p(x).", "The variance is the integral of (x - mean)² p(x)."),
    solution="""
def moments(density, a, b):
    n = 2000
    x = a + (np.arange(n) + 0.5) * (b - a) / n
    weights = density(x) * (b - a) / n
    mean = np.sum(x * weights)
    return mean, np.sum((x - mean) ** 2 * weights)
""",
)
def moments(density: Function, a: float, b: float) -> tuple[float, float]:
    """Mean and variance of a density.

    A random number lies between a and b with the probability density `density`, a function that takes arrays, too, and
    whose integral from a to b is 1. Return the pair (mean, variance), right to four digits: by a fine sum, for example.
    """
    mean = _moment(density, a, b, lambda x: x)
    return mean, _moment(density, a, b, lambda x: (x - mean) ** 2)


@exercise(
    serves="Integration: applications in probability",
    parts=("estimate", "standard error"),
    draws={
        "ten values": lambda rng: (array(rng, 10), 1.0),
        "thirty values": lambda rng: (array(rng, 30), number(rng, 2.0, 4.0)),
    },
    example="monte_carlo(np.array([0.1, 0.5, 0.3, 0.9]), 2.0)",
    mistakes={
        "The second result is the spread of the values; that of their mean is less by the root of n.": lambda v, w: (
            w * np.mean(v),
            w * np.std(v),
        ),
        "The error shrinks with the root of n, not with n.": lambda v, w: (w * np.mean(v), w * np.std(v) / v.size),
        "The width is missing in the standard error.": lambda v, w: (w * np.mean(v), np.std(v) / np.sqrt(v.size)),
        "The width is missing in both results.": lambda v, w: (np.mean(v), np.std(v) / np.sqrt(v.size)),
    },
    hints=("The integral is the width, times the mean height.", "np.std(values) / root of n, times the width."),
    solution="""
def monte_carlo(values, width):
    return width * np.mean(values), width * np.std(values) / np.sqrt(values.size)
""",
)
def monte_carlo(values: Array, width: float) -> tuple[float, float]:
    """Monte Carlo integration.

    `values` are the heights of a function at random points of an interval of the given width. Return the pair (estimate
    of its integral, standard error of this estimate); take the standard deviation of the values with 1/n.
    """
    return width * float(np.mean(values)), width * float(np.std(values)) / values.size**0.5
