"""Optimisation: gradient descent and its learning rate, minima, saddle points, backpropagation by hand."""

from __future__ import annotations

import numpy as np

import autodiff as ad
from demos.course.drawing import Rng, array, bowl, number
from demos.course.records import Array, Function, Named, exercise


def _descent(df: Function, x0: Array, rate: float, steps: int, sign: float = -1.0) -> Array:
    points = [np.asarray(x0, float)]
    for _ in range(steps):
        points.append(points[-1] + sign * rate * df(points[-1]))
    return np.array(points)


def _descent_draws(rng: Rng, n: int) -> tuple[Function, Array, float, int]:
    return bowl(rng, n)[1], array(rng, n), number(rng, 0.1, 0.4), int(rng.integers(3, 8))


@exercise(
    serves="Optimization: gradient descent; exercise 1 of the curriculum",
    draws={
        "one variable": lambda rng: (Named("2 x", lambda x: 2 * x), number(rng), 0.1, int(rng.integers(3, 8))),
        "two variables": lambda rng: _descent_draws(rng, 2),
        "five variables": lambda rng: _descent_draws(rng, 5),
        "no step at all": lambda rng: (*_descent_draws(rng, 2)[:3], 0),
    },
    example="gradient_descent(lambda x: 2 * x, 2.0, 0.1, 3)",
    mistakes={
        "It climbs: the gradient points uphill, so the step goes against it.": lambda df, x0, rate, steps: _descent(
            df, x0, rate, steps, 1.0
        ),
        "The start belongs to the points, too: there is one more than steps.": lambda df, x0, rate, steps: _descent(
            df, x0, rate, steps
        )[1:],
        "Only the last point is returned; asked for are all of them.": lambda df, x0, rate, steps: _descent(
            df, x0, rate, steps
        )[-1],
        "Every point is the last one: the list holds the same array again and again, because it is changed in place.": (
            lambda df, x0, rate, steps: np.array([_descent(df, x0, rate, steps)[-1]] * (steps + 1))
        ),
        "The gradient is taken at the start each time; take it where you are.": lambda df, x0, rate, steps: np.array(
            [x0 - k * rate * df(x0) for k in range(steps + 1)]
        ),
        "The learning rate is missing.": lambda df, x0, rate, steps: _descent(df, x0, 1.0, steps),
    },
    hints=("x = x - rate * df(x), again and again.", "Collect the points in a list that begins with x0."),
    solution="""
def gradient_descent(df, x0, rate, steps):
    x = x0
    points = [x]
    for _ in range(steps):
        x = x - rate * df(x)
        points.append(x)
    return np.array(points)
""",
)
def gradient_descent(df: Function, x0: Array, rate: float, steps: int) -> Array:
    """Gradient descent from scratch.

    Walk `steps` steps from x0 (a number or a vector) downhill: df gives the gradient, `rate` is the learning rate.
    Return all points in order, x0 first: steps + 1 of them.
    """
    return _descent(df, x0, rate, steps)


@exercise(
    serves="Optimization: learning rate",
    draws={
        "two variables": lambda rng: (np.diag(array(rng, 2, low=0.5, high=3.0)),),
        "a Hessian that is not diagonal": lambda rng: (_positive(rng, 3),),
    },
    example="largest_rate(np.array([[4.0, 0.0], [0.0, 1.0]]))",
    mistakes={
        "With 1 divided by the largest curvature it arrives in one step; the bound is farther.": lambda H: float(
            1 / np.linalg.eigvalsh(H)[-1]
        ),
        "The steepest direction decides: the largest eigenvalue, not the smallest.": lambda H: float(
            2 / np.linalg.eigvalsh(H)[0]
        ),
        "The diagonal does not tell the curvatures; the eigenvalues do.": lambda H: float(2 / np.max(np.diag(H))),
        "This is the best rate for all directions together, 2 / (smallest + largest); asked for is the bound.": (
            lambda H: float(2 / (np.linalg.eigvalsh(H)[0] + np.linalg.eigvalsh(H)[-1]))
        ),
    },
    laws={
        "With this rate the descent must not move away from the lowest point.": lambda answer, H: (
            float(answer(H)) * np.linalg.eigvalsh(H)[-1] <= 2 + 1e-9
        ),
    },
    hints=(
        "Along an eigenvector a step multiplies the distance by 1 - rate * eigenvalue.",
        "When is |1 - rate * eigenvalue| less than 1?",
    ),
    solution="""
def largest_rate(H):
    return 2 / np.max(np.linalg.eigvalsh(H))
""",
)
def largest_rate(H: Array) -> float:
    """The bound of the learning rate.

    A quadratic function has the positive definite Hessian H. Return the bound of the learning rate: with less, gradient
    descent comes to the lowest point from everywhere, with more it runs away.
    """
    return float(2 / np.linalg.norm(H, 2))


def _positive(rng: Rng, n: int) -> Array:
    A = array(rng, n, n)
    return A @ A.T + 0.5 * np.eye(n)


def _momentum(df: Function, x: Array, rate: float, beta: float, steps: int, share: float = 1.0) -> Array:
    v = 0.0 * np.asarray(x)
    for _ in range(steps):
        v = beta * v + share * df(x)
        x = x - rate * v
    return x


def _nesterov(df: Function, x: Array, rate: float, beta: float, steps: int) -> Array:
    v = 0.0 * np.asarray(x)
    for _ in range(steps):
        v = beta * v + df(x)
        x = x - rate * (df(x) + beta * v)
    return x


@exercise(
    serves="Optimization: gradient descent",
    draws={
        "two variables": lambda rng: (bowl(rng, 2)[1], array(rng, 2), 0.1, 0.9, int(rng.integers(3, 8))),
        "four variables": lambda rng: (bowl(rng, 4)[1], array(rng, 4), 0.2, 0.5, int(rng.integers(3, 8))),
    },
    example="momentum(lambda x: 2 * x, np.array([1.0, -1.0]), 0.1, 0.9, 2)",
    mistakes={
        "The gradient enters the velocity whole, not with the weight 1 - beta.": lambda df, x, rate, beta, steps: (
            _momentum(df, x, rate, beta, steps, 1 - beta)
        ),
        "This is gradient descent: the velocity is not kept.": lambda df, x, rate, beta, steps: _descent(
            df, x, rate, steps
        )[-1],
        "It climbs: the velocity is subtracted.": lambda df, x, rate, beta, steps: _momentum(df, x, -rate, beta, steps),
        "This is Nesterov's momentum, which looks one step ahead.": _nesterov,
    },
    hints=("Begin with the velocity 0.", "In each step first the new velocity, then the new point."),
    solution="""
def momentum(df, x0, rate, beta, steps):
    x = x0
    v = np.zeros_like(x0)
    for _ in range(steps):
        v = beta * v + df(x)
        x = x - rate * v
    return x
""",
)
def momentum(df: Function, x0: Array, rate: float, beta: float, steps: int) -> Array:
    """Gradient descent with momentum.

    Begin at x0, with the velocity v = 0. In every step v becomes beta v + df(x), and then x becomes x - rate v.
    Return the point after `steps` steps.
    """
    return _momentum(df, x0, rate, beta, steps)


def _adam(
    x: Array, g: Array, m: Array, v: Array, t: int, corrected: bool = True, root: bool = True
) -> tuple[Array, ...]:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    a, b = (m / (1 - 0.9**t), v / (1 - 0.999**t)) if corrected else (m, v)
    return x - 0.1 * a / ((np.sqrt(b) if root else b) + 1e-8), m, v


@exercise(
    serves="Optimization: gradient descent",
    parts=("x", "m", "v"),
    draws={
        "the first step": lambda rng: (array(rng, 3), array(rng, 3), np.zeros(3), np.zeros(3), 1),
        "a later step": lambda rng: (
            array(rng, 3),
            array(rng, 3),
            array(rng, 3),
            array(rng, 3, low=0.1),
            int(rng.integers(2, 9)),
        ),
    },
    example="adam_step(np.array([1.0]), np.array([0.5]), np.zeros(1), np.zeros(1), 1)",
    mistakes={
        "The means m and v are not corrected for their start at 0: divide them by 1 - beta**t.": (
            lambda x, g, m, v, t: _adam(x, g, m, v, t, corrected=False)
        ),
        "The step is divided by the square root of v, not by v.": lambda x, g, m, v, t: _adam(
            x, g, m, v, t, root=False
        ),
        "v is the mean of the squared gradients.": lambda x, g, m, v, t: (
            x - 0.1 * (0.9 * m + 0.1 * g) / (1 - 0.9**t) / (np.sqrt((0.999 * v + 0.001 * g) / (1 - 0.999**t)) + 1e-8),
            0.9 * m + 0.1 * g,
            0.999 * v + 0.001 * g,
        ),
        "It climbs: the step is subtracted.": lambda x, g, m, v, t: (
            2 * x - _adam(x, g, m, v, t)[0],
            *_adam(x, g, m, v, t)[1:],
        ),
        "Return m and v as they are; only the step uses the corrected ones.": lambda x, g, m, v, t: (
            _adam(x, g, m, v, t)[0],
            _adam(x, g, m, v, t)[1] / (1 - 0.9**t),
            _adam(x, g, m, v, t)[2] / (1 - 0.999**t),
        ),
    },
    hints=("First the new m and v, then their corrected copies, then the step.", "m / (1 - 0.9**t)"),
    solution="""
def adam_step(x, g, m, v, t):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    m_corrected = m / (1 - 0.9**t)
    v_corrected = v / (1 - 0.999**t)
    return x - 0.1 * m_corrected / (np.sqrt(v_corrected) + 1e-8), m, v
""",
)
def adam_step(x: Array, g: Array, m: Array, v: Array, t: int) -> tuple[Array, ...]:
    """One step of Adam.

    m is the running mean of the gradients (beta 0.9), v that of their squares (beta 0.999), t the number of this step,
    from 1 on; the learning rate is 0.1 and epsilon 1e-8, added to the root. Return (new x, new m, new v) after a step
    with the gradient g, where m and v are not yet corrected for their start at 0.
    """
    return _adam(x, g, m, v, t)


@exercise(
    serves="Optimization: gradient descent",
    draws={"three variables": lambda rng: (array(rng, 3), array(rng, 3), _positive(rng, 3))},
    example="newton_step(np.array([1.0, 1.0]), np.array([2.0, 8.0]), np.array([[2.0, 0.0], [0.0, 8.0]]))",
    mistakes={
        "The gradient is multiplied by the Hessian; Newton's step solves with it.": lambda x, g, H: x - H @ g,
        "The step goes against the gradient.": lambda x, g, H: x + np.linalg.solve(H, g),
        "This is gradient descent: the Hessian is not used.": lambda x, g, H: x - g,
        "Dividing by the diagonal is not enough: solve the system.": lambda x, g, H: x - g / np.diag(H),
        "This is the step alone; asked for is the new point.": lambda x, g, H: -np.linalg.solve(H, g),
    },
    hints=("Which d makes gradient + H d = 0?", "`np.linalg.solve(H, g)`"),
    solution="""
def newton_step(x, gradient, hessian):
    return x - np.linalg.solve(hessian, gradient)
""",
)
def newton_step(x: Array, gradient: Array, hessian: Array) -> Array:
    """Newton's step.

    From x go to the point where the gradient would be 0 if the Hessian were the same everywhere.
    """
    return x - np.linalg.inv(hessian) @ gradient


def _backtracked(f: Function, x: Array, g: Array, rate: float, share: float = 0.5) -> float:
    while f(x - rate * g) > f(x) - share * rate * np.sum(g * g):
        rate /= 2
    return rate


def _search(rng: Rng, n: int) -> tuple[Function, Array, Array, float]:
    f, df, _ = bowl(rng, n)
    x = array(rng, n)
    return f, x, df(x), float(2 ** rng.integers(2, 5))


@exercise(
    serves="Optimization: learning rate",
    draws={
        "one variable": lambda rng: _search(rng, 1),
        "three variables": lambda rng: _search(rng, 3),
        "a rate that is good at once": lambda rng: (*_search(rng, 3)[:3], 0.0625),
    },
    example="backtracking(lambda x: np.sum(x**2), np.array([1.0]), np.array([2.0]), 4.0)",
    mistakes={
        "Any decrease is accepted; asked for is at least half of what the slope promises.": lambda f, x, g, rate: (
            _backtracked(f, x, g, rate, 0.0)
        ),
        "The rate is halved once too often.": lambda f, x, g, rate: _backtracked(f, x, g, rate) / 2,
        "The rate is never halved.": lambda f, x, g, rate: rate,
        "The rate is tried by tenths; halve it.": lambda f, x, g, rate: next(
            r for r in (rate * 0.1**k for k in range(20)) if f(x - r * g) <= f(x) - 0.5 * r * np.sum(g * g)
        ),
    },
    hints=("A while loop that halves the rate.", "The slope promises the decrease rate * |g|²."),
    solution="""
def backtracking(f, x, g, rate):
    while f(x - rate * g) > f(x) - 0.5 * rate * (g @ g):
        rate = rate / 2
    return rate
""",
)
def backtracking(f: Function, x: Array, g: Array, rate: float) -> float:
    """A line search by halving.

    g is the gradient of f at x. Begin with `rate`, and halve it until the step x - rate g makes f less by at least
    half of rate |g|², which is what the slope promises. Return that rate.
    """
    return _backtracked(f, x, g, rate)


def _saddle(rng: Rng, n: int) -> tuple[Array]:
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    values = rng.uniform(0.5, 2.0, n)
    values[0] *= -1
    h = q @ np.diag(values) @ q.T
    return ((h + h.T) / 2,)


@exercise(
    serves="Optimization: saddle points",
    free=True,
    draws={"two variables": lambda rng: _saddle(rng, 2), "five variables": lambda rng: _saddle(rng, 5)},
    example="np.abs(escape_direction(np.array([[1.0, 0.0], [0.0, -2.0]])))",
    mistakes={
        "This is the direction of the largest curvature: f rises that way.": lambda H: np.linalg.eigh(H)[1][:, -1],
        "`eigh` gives the eigenvectors as columns; this is a row.": lambda H: np.linalg.eigh(H)[1][0],
        "This is the curvature, an eigenvalue; asked for is the direction.": lambda H: np.linalg.eigvalsh(H)[0],
    },
    laws={
        "The vector must have the length 1.": lambda answer, H: np.isclose(np.linalg.norm(answer(H)), 1.0),
        "Along this direction the function does not fall: d·H d must be negative.": lambda answer, H: (
            np.asarray(answer(H)) @ H @ np.asarray(answer(H)) < -1e-9
        ),
    },
    hints=("The gradient is 0: only the curvature tells the way.", "`np.linalg.eigh` and a negative eigenvalue."),
    solution="""
def escape_direction(H):
    values, vectors = np.linalg.eigh(H)
    return vectors[:, 0]  # of the lowest eigenvalue, which is negative at a saddle
""",
)
def escape_direction(H: Array) -> Array:
    """The way off a saddle point.

    The gradient is 0, and the Hessian H has a negative eigenvalue. Return a vector of length 1 along which the function
    falls; there is more than one.
    """
    return np.linalg.eigh(H)[1][:, 0]


def _waves(rng: Rng) -> tuple[Named, Named, Array, float, int]:
    a = number(rng, 0.3, 0.9)
    f = Named(f"cos(3 x) + {a} x", lambda x: np.cos(3 * x) + a * x)
    df = Named(f"-3 sin(3 x) + {a}", lambda x: -3 * np.sin(3 * x) + a)
    return f, df, np.array([2.0, 3.0, -1.0, -3.0, 0.0]), 0.05, 60


def _ends(f: Function, df: Function, starts: Array, rate: float, steps: int) -> Array:
    return np.array([_descent(df, x, rate, steps)[-1] for x in starts])


@exercise(
    serves="Optimization: local vs global minima",
    draws={
        "five starts": _waves,
        "the best valley from its slope": lambda rng: (*_waves(rng)[:2], np.array([1.0, -2.4, -1.05, 3.0]), 0.05, 60),
    },
    example="best_of_starts(lambda x: x**4 - x**2 + x, lambda x: 4 * x**3 - 2 * x + 1, np.array([1.0, -1.0]), 0.1, 50)",
    mistakes={
        "This is the lowest value; asked for is the place.": lambda f, df, starts, rate, steps: np.min(
            f(_ends(f, df, starts, rate, steps))
        ),
        "The best start need not have the best end: compare after the descent.": lambda f, df, starts, rate, steps: (
            _descent(df, starts[np.argmin(f(starts))], rate, steps)[-1]
        ),
        "This is the first descent alone.": lambda f, df, starts, rate, steps: _descent(df, starts[0], rate, steps)[-1],
        "This is the highest of the ends.": lambda f, df, starts, rate, steps: _ends(f, df, starts, rate, steps)[
            np.argmax(f(_ends(f, df, starts, rate, steps)))
        ],
    },
    hints=("Walk down from every start; compare f at the ends.",),
    solution="""
def best_of_starts(f, df, starts, rate, steps):
    ends = []
    for x in starts:
        for _ in range(steps):
            x = x - rate * df(x)
        ends.append(x)
    return min(ends, key=f)
""",
)
def best_of_starts(f: Function, df: Function, starts: Array, rate: float, steps: int) -> float:
    """Local minima and a better one.

    f has several valleys, df is its derivative. Walk down from each of the `starts`, `steps` steps with the learning
    rate `rate`, and return the end where f is lowest.
    """
    ends = _ends(f, df, starts, rate, steps)
    return float(ends[int(np.argmin([f(x) for x in ends]))])


@exercise(
    serves="Optimization: gradient descent",
    draws={
        "a long gradient": lambda rng: (array(rng, 4, low=1.0, high=5.0), number(rng, 0.5, 1.5)),
        "a short gradient": lambda rng: (array(rng, 4, low=-0.2, high=0.2), number(rng, 0.5, 1.5)),
        "a gradient of 0": (np.zeros(3), 1.0),
    },
    example="clip_gradient(np.array([3.0, 4.0]), 1.0)",
    mistakes={
        "A short gradient must stay as it is: it is only made shorter, never longer.": lambda g, bound: (
            bound * g / np.linalg.norm(g) if np.any(g) else g
        ),
        "This cuts each entry for itself, which turns the direction; scale the whole vector.": lambda g, bound: np.clip(
            g, -bound, bound
        ),
        "It has length 1 now, not `bound`.": lambda g, bound: (
            g / np.linalg.norm(g) if np.linalg.norm(g) > bound else 1 * g
        ),
        "It is compared with the largest entry; the length decides.": lambda g, bound: (
            g * min(1.0, bound / max(np.max(np.abs(g)), 1e-300))
        ),
        "The gradient of 0 is divided by its length, 0.": lambda g, bound: (
            g * np.minimum(1.0, bound / (g @ g) ** 0.5) if np.any(g) else g * np.nan
        ),
    },
    hints=("The direction stays; only the length changes, and only if it is too long.",),
    solution="""
def clip_gradient(g, bound):
    length = np.linalg.norm(g)
    return g * (bound / length) if length > bound else g
""",
)
def clip_gradient(g: Array, bound: float) -> Array:
    """Gradient clipping.

    If the vector g is longer than `bound`, return one of the same direction and the length `bound`, else g as it is.
    """
    return g / max(1.0, float(np.sqrt(np.sum(g * g))) / bound)


@exercise(
    serves="Optimization: gradient descent",
    parts=("slope", "intercept"),
    draws={
        "ten points": lambda rng: (array(rng, 10), array(rng, 10)),
        "three points": lambda rng: (array(rng, 3), array(rng, 3)),
    },
    example="fit_line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))",
    mistakes={
        "The line need not go through the origin: take the means away first.": lambda x, y: (
            np.sum(x * y) / np.sum(x * x),
            np.mean(y) - np.sum(x * y) / np.sum(x * x) * np.mean(x),
        ),
        "Slope and intercept are in the wrong order.": lambda x, y: np.polyfit(x, y, 1)[::-1],
        "x and y are exchanged: the distances are measured along y.": lambda x, y: np.polyfit(y, x, 1),
        "The sign in the intercept: it is mean(y) - slope * mean(x).": lambda x, y: (
            np.polyfit(x, y, 1)[0],
            np.mean(y) + np.polyfit(x, y, 1)[0] * np.mean(x),
        ),
    },
    hints=(
        "Both partial derivatives of the sum of squares are 0.",
        "Covariance of x and y, divided by the variance of x.",
    ),
    solution="""
def fit_line(x, y):
    dx, dy = x - np.mean(x), y - np.mean(y)
    slope = np.sum(dx * dy) / np.sum(dx * dx)
    return slope, np.mean(y) - slope * np.mean(x)
""",
)
def fit_line(x: Array, y: Array) -> tuple[float, float]:
    """The line of least squares.

    The line slope * x + intercept with the least sum of squared distances from the values y: where both partial
    derivatives of the sum are 0.
    Return (slope, intercept).
    """
    return tuple(np.polyfit(x, y, 1))


# --- backpropagation


def _network(rng: Rng, n: int = 5) -> tuple[Array, ...]:
    return (
        *(array(rng, n, 3), array(rng, n, 2)),
        *(array(rng, 3, 4, low=-1.0, high=1.0), array(rng, 4, low=-0.5, high=0.5)),
        *(array(rng, 4, 2, low=-1.0, high=1.0), array(rng, 2)),
    )


def _loss(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    return np.mean(np.sum((np.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2, axis=1))


def _backward(
    x: Array,
    y: Array,
    W1: Array,
    b1: Array,
    W2: Array,
    b2: Array,
    *,
    slope: bool = True,
    mean: bool = True,
    two: bool = True,
) -> tuple[Array, ...]:
    h = np.tanh(x @ W1 + b1)
    d = (2 if two else 1) * (h @ W2 + b2 - y) / (len(x) if mean else 1)
    dz = d @ W2.T * (1 - h**2 if slope else 1)
    return x.T @ dz, dz.sum(0), h.T @ d, d.sum(0)


@exercise(
    serves="Optimization: backpropagation; exercise 3 of the curriculum",
    parts=("dW1", "db1", "dW2", "db2"),
    draws={"five rows": _network, "one row": lambda rng: _network(rng, 1)},
    slope_of=lambda *parameters: _loss(*parameters),
    by=("W1", "b1", "W2", "b2"),
    example="two_layer_backward(*map(np.ones, [(1, 1), (1, 1), (1, 1), 1, (1, 1), 1]))",
    mistakes={
        "The derivative of tanh, 1 - h², is missing on the way back to the first layer.": (
            lambda *a: _backward(*a, slope=False)
        ),
        "The mean over the rows is missing: divide by their number.": lambda *a: _backward(*a, mean=False),
        "It is half: the factor 2 of the square is missing, or all entries of y are counted, not rows.": lambda *a: (
            _backward(*a, two=False)
        ),
        "The biases' gradients are sums over the rows, not means.": lambda x, *a: (
            lambda g: (g[0], g[1] / len(x), g[2], g[3] / len(x))
        )(_backward(x, *a)),
        "The gradients are right, their order is not: first layer first.": lambda *a: (
            lambda g: (g[2], g[3], g[0], g[1])
        )(_backward(*a)),
    },
    hints=(
        "Name the values of the forward pass: h = tanh(x W1 + b1), p = h W2 + b2.",
        "Begin with dp = 2 (p - y) / n. Then dW2 = h.T @ dp, and dh = dp @ W2.T.",
        "Through tanh: dz = dh * (1 - h**2). The first layer is like the second one.",
    ),
    solution="""
def two_layer_backward(x, y, W1, b1, W2, b2):
    h = np.tanh(x @ W1 + b1)
    p = h @ W2 + b2
    dp = 2 * (p - y) / len(x)
    dh = dp @ W2.T
    dz = dh * (1 - h**2)
    return x.T @ dz, dz.sum(axis=0), h.T @ dp, dp.sum(axis=0)
""",
)
def two_layer_backward(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, ...]:
    """Backpropagation through two layers, by hand.

    The network is p = tanh(x @ W1 + b1) @ W2 + b2, the loss is the mean over the n rows of the sum over the columns of
    (p - y)². Return its gradients (dW1, db1, dW2, db2), each in the shape of its parameter.
    """
    return ad.grad(_loss, argnums=(2, 3, 4, 5))(x, y, W1, b1, W2, b2)


@exercise(
    serves="Optimization: backpropagation",
    parts=("dx", "dW", "db"),
    draws={
        "four rows": lambda rng: (array(rng, 4, 3), array(rng, 3, 2), array(rng, 4, 2)),
        "one row": lambda rng: (array(rng, 1, 3), array(rng, 3, 2), array(rng, 1, 2)),
    },
    slope_of=lambda x, W, dy: x @ W * dy,
    by=("x", "W"),
    example="dense_backward(np.array([[1.0, 2.0]]), np.array([[1.0], [3.0]]), np.array([[1.0]]))",
    mistakes={
        "db is a sum over the rows, not a mean.": lambda x, W, dy: (dy @ W.T, x.T @ dy, dy.mean(0)),
        "db is summed over the wrong axis: over the rows, so that one number for each column stays.": lambda x, W, dy: (
            dy @ W.T,
            x.T @ dy,
            dy.sum(1),
        ),
        "dW has its rows and columns exchanged.": lambda x, W, dy: (dy @ W.T, dy.T @ x, dy.sum(0)),
        "The sum over the rows is missing in db: it has the shape of b.": lambda x, W, dy: (dy @ W.T, x.T @ dy, 1 * dy),
    },
    hints=("The shapes tell: dx is like x, dW like W.", "dx = dy @ W.T"),
    solution="""
def dense_backward(x, W, dy):
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)
""",
)
def dense_backward(x: Array, W: Array, dy: Array) -> tuple[Array, ...]:
    """Back through a dense layer.

    The layer is y = x @ W + b, with x of shape (n, d), W (d, k) and b (k,); dy, of shape (n, k), is the derivative of
    the loss by y. Return the derivatives (dx, dW, db).
    """
    return ad.vjp(lambda x, W, b: x @ W + b, x, W, np.zeros(W.shape[1]))[1](dy)
