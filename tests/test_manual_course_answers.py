"""The answers that the course's exercises give are right: each is solved here, by hand where the text says so."""

import functools
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff import probability as pr

COURSE = Path(__file__).resolve().parents[1] / "docs" / "course"


def _unit(v):
    return np.asarray(v, float) / np.linalg.norm(v)


def _central(f, p, h):
    p = np.asarray(p, float)
    return np.stack([(f(p + h * e) - f(p - h * e)) / (2 * h) for e in np.eye(len(p))], axis=-1)


def _polar(q):
    return np.stack([q[0] * np.cos(q[1]), q[0] * np.sin(q[1])])


def _sphere(u, v):
    return np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)])


def _bowl(p):
    return p[0] ** 2 + 4 * p[1] ** 2


def _torn(p):
    return p[0] * p[1] / (p[0] ** 2 + p[1] ** 2)


def _rotation(p):
    return np.stack([-p[1], p[0]])


def _newton(step, p, n):
    p = np.array(p)
    for _ in range(n):
        p = p - step(p)
    return p


def _chain(functions, x):
    slope = 1.0
    for f in functions:
        slope, x = slope * ad.derivative(f)(x), f(x)
    return slope


def _work(F, points):
    return (F((points[:, 1:] + points[:, :-1]) / 2) * np.diff(points)).sum()


def _midpoints(a, b, n):
    return a + (np.arange(n) + 0.5) * (b - a) / n


def _flux(n):
    return 2 * np.pi * np.pi / n * np.sin(_midpoints(0, np.pi, n)).sum()  # F . N is sin(u), whatever v is


def _shoelace(corners):
    x, y = np.asarray(corners, float)
    return 0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)


def _largest_step(f, p, n):
    g = ad.grad(f)(np.array(p))
    return next(s for s in 2.0 ** -np.arange(1, n + 1) if f(p - s * g) < f(np.array(p)))


def _softmax_jacobian(x):
    s = np.exp(x) / np.exp(x).sum()
    return np.diag(s) - np.outer(s, s)


def _field(p):
    return np.stack([p[0] ** 3 - p[1], p[0] * p[1] ** 2])


def _descent(slope, p, rate, n):
    p = np.array(p, float)
    for _ in range(n):
        p = p - rate * np.array(slope(p))
    return p


def _two_wells(x):
    return x**4 - 2 * x**2 + 0.3 * x


def _convex(f, points):
    return all(f((a + b) / 2) <= (f(a) + f(b)) / 2 + 1e-12 for a, b in itertools.combinations(points, 2))


def _softmax(z):
    return np.exp(z) / np.exp(z).sum()


def _momentum(slope, w, rate, beta, n):
    v = 0.0
    for _ in range(n):
        v = beta * v + slope(w)
        w = w - rate * v
    return w


def _log_softmax(z, k):
    return np.log(np.exp(np.array(z) - max(z)).sum()) + max(z) - z[k]


def _poisson_loss(k, counts):
    return -np.mean([c * math.log(k) - k - math.log(math.factorial(c)) for c in counts])


e, pi, q = np.exp, np.pi, np.array
ANSWERS = {
    "derivatives-definition-1": [((np.sin(1.1) - np.sin(0.9)) / 0.2, 0.5394), (np.cos(1.0), 0.5403)],
    "derivatives-definition-2": [(ad.derivative(lambda x: 1 / x)(2.0), -0.25)],
    "derivatives-definition-3": [(1 + 1 * 0.1, 1.1)],
    "derivatives-power-rule-1": [(np.polynomial.polynomial.polyder([5.0, 0.0, -3.0, 2.0]), [0.0, -6.0, 6.0])],
    "derivatives-power-rule-2": [(0.5 / 2 - 2 / 64, 0.21875)],
    "derivatives-power-rule-3": [(math.factorial(5), 120)],
    "derivatives-product-rule-1": [((2 * 2 - 4) * e(-2), 0), ((2 - 1) * e(-1), 0.3679)],
    "derivatives-product-rule-2": [(ad.derivative(lambda x: np.sin(x) * np.cos(x))(0.0), 1)],
    "derivatives-product-rule-3": [(ad.derivative(lambda x: np.exp(x) * np.exp(x), 2)(0.0), 4)],
    "derivatives-chain-rule-1": [(-2 * e(-1), -0.7358)],
    "derivatives-chain-rule-2": [(_chain([np.sin, np.exp], 0.0), 1), (_chain([np.exp, np.sin], 0.0), 0.5403)],
    "derivatives-chain-rule-3": [(1 / e(2), 0.1353)],
    "derivatives-partial-derivatives-1": [(2 * e(1), 5.4366), (0.5 * e(1), 1.3591)],
    "derivatives-partial-derivatives-2": [(2 * 2 * 3, 12), (2 * 2, 4)],
    "derivatives-partial-derivatives-3": [(2.25 + (np.sin(0.51) - np.sin(0.49)) / 0.02, 3.12757)],
    "derivatives-directional-derivatives-1": [(q([4, 1]) @ _unit([6, 8]), 3.2)],
    "derivatives-directional-derivatives-2": [(q([0.0, 2.0]) @ q([1.0, 0.0]), 0)],
    "derivatives-directional-derivatives-3": [(np.linalg.solve([[1, 1], [1, -1]], [5.0, 3.0]), [4.0, 1.0])],
    "derivatives-gradients-1": [(_central(np.prod, [2.0, 3.0, 5.0], 1e-5), [15, 10, 6])],
    "derivatives-gradients-2": [(ad.grad(np.linalg.norm)(q([3.0, 4.0])), [0.6, 0.8])],
    "derivatives-gradients-3": [(q([2.0, 0.0]) - 1 + 2 * 0.5 * q([2.0, 0.0]), [3.0, -1.0])],
    "integration-definite-and-indefinite-1": [(e(_midpoints(0, 1, 10)).mean(), 1.71757), (e(1) - 1, 1.71828)],
    "integration-definite-and-indefinite-2": [
        (np.polynomial.polynomial.polyint([5.0, -6.0, 6.0]), [0.0, 5.0, -3.0, 2.0])
    ],
    "integration-definite-and-indefinite-3": [(ad.integrate(np.sin, 0.0, pi) / pi, 0.63662)],
    "integration-techniques-1": [(0.5 * np.log(5), 0.80472)],
    "integration-techniques-2": [(pi * np.sin(pi) + np.cos(pi) - 1, -2)],
    "integration-techniques-3": [(1 / (3 - 1), 0.5), (1 / (1 - 3), -0.5)],
    "integration-multiple-integrals-1": [((_midpoints(0, 1, 10) ** 2).mean() * 2, 0.665)],
    "integration-multiple-integrals-2": [(ad.integrate(lambda x, y: x + y, (0.0, 1.0), (0.0, lambda x: 1 - x)), 1 / 3)],
    "integration-multiple-integrals-3": [(4 * pi / 3 * 7, 29.3215)],
    "integration-probability-1": [(1 - e(-2), 0.86466)],
    "integration-probability-2": [(1 / 3 - 1 / 4, 1 / 12)],
    "integration-probability-3": [(e(1) - 1, 1.71828)],
    "multivariable-functions-1": [(_bowl(q([[1, 0], [0, 1]])), [1, 4])],
    "multivariable-functions-2": [(_bowl(q([np.cos(1.0), np.sin(1.0) / 2])), 1)],
    "multivariable-functions-3": [
        (_torn(1e-9 * q([np.cos(np.arange(8) * pi / 4), np.sin(np.arange(8) * pi / 4)])), [0, 0.5, 0, -0.5] * 2)
    ],
    "multivariable-partial-derivatives-1": [((1.6**3 - 1.4**3) / 0.2 * (0.4**2 - 0.6**2) / 0.2, -6.76)],
    "multivariable-partial-derivatives-2": [
        (ad.laplacian(lambda p: np.exp(p[0]) * np.sin(p[1]))(q([0.3, 0.8])), 0),
        (2 * 3, 6),
    ],
    "multivariable-partial-derivatives-3": [
        (len(list(itertools.combinations_with_replacement("ab", 2))), 3),
        (len(list(itertools.combinations_with_replacement("abc", 3))), 10),
    ],
    "multivariable-gradients-1": [(_unit([2.0, 4.0]), [0.4472, 0.8944])],
    "multivariable-gradients-2": [(0.8 + 1.2 * 0.6 / 1.6, 1.25)],
    "multivariable-gradients-3": [(_largest_step(_bowl, [1.0, 0.5], 10), 0.25)],
    "multivariable-hessians-1": [(np.sign(np.linalg.eigvalsh([[0, 1], [1, 0]])), [-1, 1])],
    "multivariable-hessians-2": [(ad.hvp(lambda p: p[0] ** 2 * p[1], q([1.0, 3.0]), q([1.0, 0.0]))[0], 6)],
    "multivariable-hessians-3": [
        (_newton(lambda p: q([np.tanh(p[0]), p[1]]), [1.0, 1.0], 5), [0.0, 0.0]),
    ],
    "multivariable-jacobians-1": [(_central(_polar, [2.0, 0.0], 1e-5), [[1, 0], [0, 2]])],
    "multivariable-jacobians-2": [(_softmax_jacobian(np.zeros(2)), [[0.25, -0.25], [-0.25, 0.25]])],
    "multivariable-jacobians-3": [
        (
            _newton(
                lambda p: np.linalg.solve([[2 * p[0], 2 * p[1]], [1, -1]], [p @ p - 4, p[0] - p[1]]), [1.0, 2.0], 6
            ),
            [2**0.5, 2**0.5],
        )
    ],
    "vector-calculus-fields-1": [(-q([3.0, 4.0]) / 125, [-0.024, -0.032])],
    "vector-calculus-fields-2": [(1 / 5, 0.2)],
    "vector-calculus-fields-3": [(ad.curl(_rotation)(q([0.1, 0.2])), 2)],
    "vector-calculus-line-integrals-1": [
        (_work(_rotation, q([np.cos(np.linspace(0, pi, 5)), np.sin(np.linspace(0, pi, 5))])), 2.8284)
    ],
    "vector-calculus-line-integrals-2": [(ad.integrate(lambda t: np.sqrt(1 + 4 * t**2), 0.0, 1.0), 1.47894)],
    "vector-calculus-line-integrals-3": [(1**2 * 2 + 2, 4)],
    "vector-calculus-surface-integrals-1": [(_sphere(pi / 2, 0.0), [1, 0, 0])],
    "vector-calculus-surface-integrals-2": [(4 * pi**2 * 2, 78.957)],
    "vector-calculus-surface-integrals-3": [(_flux(50), 12.568), (4 * pi, 12.566)],
    "vector-calculus-divergence-and-curl-1": [
        (np.trace(_central(_field, [0.5, 1.0], 0.1)), 1.76),
        (ad.divergence(_field)(q([0.5, 1.0])), 1.75),
    ],
    "vector-calculus-divergence-and-curl-2": [
        (ad.curl(lambda p: np.stack([-p[1], p[0], 0 * p[2]]))(np.ones(3)), [0, 0, 2])
    ],
    "vector-calculus-divergence-and-curl-3": [
        (ad.divergence(lambda p: p / np.linalg.norm(p, axis=0) ** 3)(q([2.0, 0.0, 0.0])), 0),
        (ad.divergence(lambda p: p)(q([2.0, 0.0, 0.0])), 3),
    ],
    "vector-calculus-green-1": [
        (_shoelace([[0, 1, 1, 0], [0, 0, 1, 1]]), 1),
        (_shoelace([[0, 1, 1, 0], [1, 1, 0, 0]]), -1),
    ],
    "vector-calculus-green-2": [
        (
            0.5 * ad.line_integral(_rotation, lambda t: np.stack([2 * np.cos(t), 3 * np.sin(t)]), 0.0, 2 * pi),
            6 * pi,
        )
    ],
    "vector-calculus-green-3": [(ad.integrate(lambda x, y: 2 * x + x, (0.0, 2.0), (0.0, 1.0)), 6)],
    "optimisation-gradient-descent-1": [
        (_descent(lambda p: q([2 * p[0], 8 * p[1]]), [2.0, 1.0], 0.1, 2), [1.28, 0.04])
    ],
    "optimisation-gradient-descent-2": [((1 - 0.8**2) / (0.1 * 2**2), 0.9)],
    "optimisation-gradient-descent-3": [
        (
            _descent(
                lambda w: 2 * np.mean((w[0] * np.arange(3) + w[1] - [1, 3, 5]) * q([[0, 1, 2], [1, 1, 1]]), axis=1),
                [0.0, 0.0],
                0.1,
                1,
            ),
            [0.86667, 0.6],
        )
    ],
    "optimisation-learning-rate-1": [(2 / (2 + 8), 0.2)],
    "optimisation-learning-rate-2": [(math.ceil(np.log(1e-3) / np.log(1 - 0.1 * 2)), 31)],
    "optimisation-learning-rate-3": [((1 + np.cos(pi * 5 / 20)) / 2, 0.85355)],
    "optimisation-local-and-global-minima-1": [
        (
            min(_two_wells(_descent(lambda x: 4 * x**3 - 4 * x + 0.3, start, 0.05, 200)) for start in (-1.5, 1.5)),
            -1.30543,
        )
    ],
    "optimisation-local-and-global-minima-2": [
        (np.sum(np.diff(np.sign(np.diff(_two_wells(np.linspace(-2, 2, 101))))) > 0), 2)
    ],
    "optimisation-local-and-global-minima-3": [
        (_convex(np.square, np.linspace(0, 6, 13)), 1),
        (_convex(np.sin, np.linspace(0, 6, 13)), 0),
    ],
    "optimisation-saddle-points-1": [(math.ceil(np.log(1e6) / np.log(1 + 2 * 0.1)), 76)],
    "optimisation-saddle-points-2": [
        ((np.linalg.eigvalsh([[1, 2], [2, 1]]) < 0).sum(), 1),
        ((np.linalg.eigvalsh(-np.eye(3)) < 0).sum(), 3),
    ],
    "optimisation-saddle-points-3": [(q([[1, 2], [2, 1]]) @ _unit([1, -1]), [-0.7071, 0.7071])],  # curvature -1
    "optimisation-backpropagation-1": [(2 * (q([1.0, 2.0]) - [0.0, 4.0]) / 2, [1.0, -2.0])],
    "optimisation-backpropagation-2": [
        (
            ad.grad(lambda W: (2.0 * np.tanh(q([[1.0, 2.0]]) @ W)).sum())(q([[np.arctanh(0.5)], [0.0]])),
            [[1.5], [3.0]],
        )
    ],
    "optimisation-backpropagation-3": [(_softmax(np.zeros(2)) - [1, 0], [-0.5, 0.5])],
    "networks-chain-rule-in-backpropagation-1": [(q([[1, 2], [3, 4]]).T @ q([[0, 1], [1, 0]]).T @ [1, 0], [3, 4])],
    "networks-chain-rule-in-backpropagation-2": [(_chain([lambda x: np.tanh(0.5 * x)] * 10, 0.0), 0.00098)],
    "networks-chain-rule-in-backpropagation-3": [(ad.derivative(lambda w: w * (w * 1.0 + 1.0) + 1.0)(0.5), 2)],
    "networks-activation-functions-1": [
        (ad.derivative(lambda x: 1 / (1 + np.exp(-x)))(q([0.0, 2.0])), [0.25, 0.10499]),
        (e(-1000.0), 0),
    ],
    "networks-activation-functions-2": [(np.where(q([3.0, -2.0]) > 0, 1, 0.1) * [3.0, -2.0], [3.0, -0.2])],
    "networks-activation-functions-3": [((q([[1], [2]]) @ [[1, -1]] + [0, -1] <= 0).all(axis=0).mean(), 0.5)],
    "networks-loss-optimisation-1": [(_momentum(lambda w: 2 * w, 1.0, 0.1, 0.5, 2), 0.54)],
    "networks-loss-optimisation-2": [(-0.1 * 1e-6 / np.sqrt(1e-12), -0.1)],
    "networks-loss-optimisation-3": [(2.5 * _unit([3.0, 4.0]), [1.5, 2.0])],
    "networks-gradient-flow-1": [((2 / 8) ** 0.5, 0.5)],
    "networks-gradient-flow-2": [(math.ceil(np.log(1e-3) / np.log(0.25)), 5)],
    "networks-gradient-flow-3": [(np.prod(1 + q([0.1] * 3)), 1.331), (0.1**3, 0.001)],
    "information-entropy-1": [
        (pr.entropy([0.5, 0.5, 0.0], base=2), 1),
        (-(0.9 * np.log2(0.9) + 0.1 * np.log2(0.1)), 0.469),
    ],
    "information-entropy-2": [(0.5 * 1 + 0.25 * 2 + 0.25 * 2, 1.5)],
    "information-entropy-3": [
        (ad.grad(lambda z: pr.entropy(_softmax(z)))(np.zeros(2)), [0, 0]),
        (ad.grad(lambda z: pr.entropy(_softmax(z)))(q([1.0, 0.0])), [-0.19661, 0.19661]),
    ],
    "information-cross-entropy-1": [(-0.5 * (np.log(0.9) + np.log(0.1)), 1.20397)],
    "information-cross-entropy-2": [(_log_softmax([1000.0, 0.0], 0), 0), (_log_softmax([1000.0, 0.0], 1), 1000)],
    "information-cross-entropy-3": [(1 / (1 + e(-2)) - 1, -0.1192), (1 / (1 + e(-2)), 0.8808)],
    "information-kl-divergence-1": [(np.log(2), 0.69315)],
    "information-kl-divergence-2": [(1 / 2, 0.5), (np.log(2) + 1 / 8 - 1 / 2, 0.31815)],
    "information-kl-divergence-3": [
        (ad.grad(lambda z: pr.kl_divergence([1.0, 0.0], _softmax(z)))(np.zeros(2)), [-0.5, 0.5])
    ],
    "information-maximum-likelihood-1": [(4 / (0.5 + 1 + 3 + 3.5), 0.5)],
    "information-maximum-likelihood-2": [
        (_poisson_loss(2.0, [1, 2, 3]), 1.44201),
        (min((1.9, 2.0, 2.1), key=lambda k: _poisson_loss(k, [1, 2, 3])), 2.0),
    ],
    "information-maximum-likelihood-3": [((0.7 * 0.3 / 10) ** 0.5, 0.14491)],
}


@functools.cache
def _in_text():
    return {
        name: (page, words)
        for page in COURSE.glob("*/*.md")
        for name, words in re.findall(
            r"<!-- exercise: (\S+) -->\n(.*?)(?=\n\n|\Z)", page.read_text(encoding="utf-8"), re.S
        )
    }


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_answer_is_right_and_stands_in_the_text(name):
    _, words = _in_text()[name]
    for computed, said in ANSWERS[name]:
        wrong = np.abs(np.asarray(computed, float) - np.asarray(said, float))
        digits = max(len(str(v).partition(".")[2]) for v in np.ravel(said).tolist())
        assert (wrong <= 0.51 * 10.0 ** -min(digits, 9)).all() and (wrong < 6e-4).all(), (computed, said)
        for value in np.ravel(said):
            if value == round(value, 5) and value not in (0, 1, -1):
                assert f"{abs(value):g}" in words.replace("\n", " "), (value, words)


def test_every_exercise_is_solved_here():
    assert set(_in_text()) == set(ANSWERS)
