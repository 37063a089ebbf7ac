"""`minimize`: every method on quadratics, valleys and saddles; bounds, containers, records, certificates, messages."""

import itertools
import math

import numpy as np
import pytest

import autodiff as ad
import optim
from optim.minima.minimizing import METHODS

SCALAR = [m for m in METHODS if m != "gauss-newton"]
SECOND_ORDER = ["newton-cg", "trust-krylov"]
FAST = [*SECOND_ORDER, "lbfgs", "bfgs", "cg"]
OPTIONS = {"momentum": {"learning_rate": 0.02}}


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def quadratic(n=8, seed=0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n))
    A = A @ A.T / n + np.eye(n)
    b = rng.normal(size=n)
    return (lambda x: 0.5 * (x @ (A @ x)) - b @ x), np.linalg.solve(A, b)


def residuals(x):
    return np.concatenate([10.0 * (x[1:] - x[:-1] ** 2), 1.0 - x[:-1]])


def double_well(p):
    return p[0] ** 2 - p[1] ** 2 + p[1] ** 4


# --- every method ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SCALAR)
def test_a_quadratic_is_solved(method):
    f, exact = quadratic()
    r = optim.minimize(f, np.zeros(8), method, **OPTIONS.get(method, {}))
    assert r.success, r
    np.testing.assert_allclose(r.x, exact, atol=1e-6)
    assert np.abs(r.grad).max() <= 1e-8 * max(1, abs(r.fun)) and r.fun == f(r.x)


@pytest.mark.parametrize("method", FAST)
def test_rosenbrocks_valley_is_followed(method):
    r = optim.minimize(rosenbrock, np.full(10, -1.2), method)
    assert r.success and np.allclose(r.x, 1.0, atol=1e-5), r
    assert r.nit > 0 and len(r.history) == r.nit + 1 and r.history[0].fun == rosenbrock(np.full(10, -1.2))


def test_least_squares_by_gauss_newton():
    r = optim.minimize(residuals, np.full(6, -1.2), "gauss-newton")
    assert r.success and np.allclose(r.x, 1.0, atol=1e-6), r
    assert r.history[0].fun == pytest.approx(0.5 * rosenbrock(np.full(6, -1.2)))
    assert r.curvature > 0 and "a minimum" in r.message


def test_gauss_newton_in_the_presence_of_bounds_and_idle_numbers():
    r = optim.minimize(lambda x: residuals(x[:2]), np.array([-1.2, 1.0, 7.0]), "gauss-newton", bounds=(-2.0, 7.0))
    assert r.success and np.allclose(r.x, [1, 1, 7], atol=1e-6)


@pytest.mark.parametrize("method", SCALAR)
def test_float32_stays_float32(method):
    r = optim.minimize(
        lambda x: ((x - 3) ** 2).sum(), np.zeros(3, np.float32), method, tol=1e-4, **OPTIONS.get(method, {})
    )
    assert r.success and r.x.dtype == r.grad.dtype == np.float32 and np.allclose(r.x, 3, atol=1e-3)
    assert r.history[-1].x.dtype == np.float32


@pytest.mark.parametrize("method", SCALAR)
def test_numbers_and_containers(method):
    options = OPTIONS.get(method, {})
    r = optim.minimize(lambda x: (x - 2.0) ** 2, 0.0, method, **options)
    assert isinstance(r.x, np.floating) and r.x == pytest.approx(2.0, abs=1e-6)
    start = {"w": np.zeros((2, 2)), "b": [0.0, np.ones(1)]}
    f = lambda p: ((p["w"] - 1.0) ** 2).sum() + (p["b"][0] + p["w"][0, 0]) ** 2 + (p["b"][1] ** 2).sum()
    r = optim.minimize(f, start, method, **options)
    assert r.success and r.x.keys() == start.keys() and r.x["w"].shape == (2, 2)
    assert np.allclose(r.x["w"], 1.0, atol=1e-6) and r.x["b"][0] == pytest.approx(-1.0, abs=1e-6)
    assert r.grad["b"][1].shape == r.history[0].x["b"][1].shape == (1,)
    assert start["w"].tolist() == [[0, 0], [0, 0]]


def test_the_fixed_rate_methods_are_the_optimisers():
    """The same numbers as the optimisers of the same names, step by step."""
    w = ad.tensor([-1.2, 1.0], requires_grad=True)
    for method, optimizer, options in (
        ("gd", optim.GradientDescent([w], 1e-3), {"learning_rate": 1e-3}),
        (
            "momentum",
            optim.Momentum([w], 1e-3, 0.8, nesterov=True),
            {"learning_rate": 1e-3, "momentum": 0.8, "nesterov": True},
        ),
        ("adam", optim.Adam([w], 0.01, (0.8, 0.9)), {"learning_rate": 0.01, "betas": (0.8, 0.9)}),
    ):
        w.assign_([-1.2, 1.0])
        r = optim.minimize(rosenbrock, w.data, method, max_iter=30, **options)
        for record in r.history[1:]:
            optimizer.step(lambda: rosenbrock(w))
            np.testing.assert_allclose(w.data, record.x, rtol=1e-12)


def test_bfgs_is_the_formula_of_the_book():
    """Against ten lines of NumPy: the direction after each step (Nocedal and Wright 2006, 6.17 and 6.20)."""
    f, _ = quadratic(4)
    g = ad.grad(f)
    history = optim.minimize(f, np.ones(4), "bfgs").history
    H = None
    for before, after in itertools.pairwise(history[:-1]):
        s, y = after.x - before.x, g(after.x) - g(before.x)
        if H is not None:
            d = -H @ g(before.x)
            assert d @ s / np.linalg.norm(d) / np.linalg.norm(s) == pytest.approx(1.0)
        rho, one = 1 / (s @ y), np.eye(4)
        H = (s @ y) / (y @ y) * one if H is None else H
        H = (one - rho * np.outer(s, y)) @ H @ (one - rho * np.outer(y, s)) + rho * np.outer(s, s)


# --- the result -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", SCALAR)
def test_the_record_is_the_run(method):
    calls = []

    def f(x):
        calls.append(1)
        return rosenbrock(x)

    seen = []
    options = {"learning_rate": 1e-4} if method == "momentum" else {}
    r = optim.minimize(f, np.array([-1.2, 1.0, 1.0]), method, max_iter=7, callback=seen.append, **options)
    assert r.nit == 7 and len(r.history) == 8 and seen == r.history[1:] and not r.success
    assert "max_iter = 7" in r.message
    assert r.nfev == len(calls) and (r.nhvp > 0) == (method in SECOND_ORDER)
    for before, record in itertools.pairwise(r.history):
        assert record.fun == rosenbrock(record.x)
        assert record.grad_norm == pytest.approx(np.linalg.norm(ad.grad(rosenbrock)(record.x)))
        assert record.step == pytest.approx(np.linalg.norm(record.x - before.x))
        assert np.isfinite(record.curvature)
    assert r.history[0].step == 0.0 and np.isnan(r.history[0].curvature)
    assert "history: 8 records" in repr(r)


@pytest.mark.parametrize("method", SECOND_ORDER)
def test_the_curvature_of_a_step_lies_within_the_hessians(method):
    A = np.diag([1.0, 3.0, 10.0])
    r = optim.minimize(lambda x: 0.5 * (x @ (A @ x)), np.ones(3), method)
    assert all(1.0 - 1e-9 <= record.curvature <= 10.0 + 1e-9 for record in r.history[1:])
    assert r.curvature == pytest.approx(1.0)


def test_a_callback_ends_the_run():
    r = optim.minimize(rosenbrock, np.array([-1.2, 1.0]), "lbfgs", callback=lambda record: record.fun < 1.0)
    assert r.history[-1].fun < 1.0 <= r.history[-2].fun and not r.success and "callback" in r.message


def test_a_start_at_the_minimum_needs_no_step():
    for method in SCALAR:
        r = optim.minimize(lambda x: (x**2).sum(), np.zeros(2), method, **OPTIONS.get(method, {}))
        assert r.success and r.nit == 0 and len(r.history) == 1


def test_the_tolerance_grows_with_the_value():
    r = optim.minimize(lambda x: 1e6 + (x**2).sum(), np.ones(2), "lbfgs", tol=1e-8)
    assert r.success and np.abs(r.grad).max() <= 1e-2


def test_the_start_is_not_written():
    x0 = np.array([-1.2, 1.0])
    x0.setflags(write=False)
    for method in FAST:
        optim.minimize(rosenbrock, x0, method)


def test_a_function_over_a_tracked_tensor():
    w = ad.tensor(3.0, requires_grad=True)
    for method in ("lbfgs", "newton-cg"):
        r = optim.minimize(lambda x: ((x - w) ** 2).sum(), np.zeros(2), method)
        assert np.allclose(r.x, 3.0) and isinstance(r.fun, float) and isinstance(r.x, np.ndarray)
    assert w.grad is None


# --- saddles and certificates ---------------------------------------------------------------------


@pytest.mark.parametrize("method", SECOND_ORDER)
@pytest.mark.parametrize("start", [[0.5, 0.0], [0.0, 0.0], [0.5, 1e-12]])
def test_a_saddle_is_left(method, start):
    r = optim.minimize(double_well, np.array(start), method)
    assert r.success and r.fun == pytest.approx(-0.25) and abs(r.x[1]) == pytest.approx(np.sqrt(0.5)), r
    assert r.curvature == pytest.approx(2.0) and "a minimum" in r.message
    assert any(record.curvature < 0 for record in r.history)
    assert len(r.history) == r.nit + 1


def test_without_the_certificate_a_saddle_is_where_it_ends():
    r = optim.minimize(double_well, np.array([0.5, 0.0]), certify=False)
    assert r.success and r.fun == pytest.approx(0.0, abs=1e-12) and np.isnan(r.curvature)


def test_gradient_methods_certify_when_asked():
    assert np.isnan(optim.minimize(double_well, np.array([0.5, 0.0]), "lbfgs").curvature)
    for method in ("lbfgs", "bfgs", "cg", "gd"):
        r = optim.minimize(double_well, np.array([0.5, 0.0]), method, certify=True)
        assert r.fun == pytest.approx(-0.25) and r.curvature == pytest.approx(2.0)


def test_gauss_newton_leaves_a_saddle_of_the_sum_of_squares():
    r = optim.minimize(lambda x: np.stack([x[0] ** 2 - 1.0, x[1]]), np.array([0.0, 3.0]), "gauss-newton")
    assert r.success and abs(r.x[0]) == pytest.approx(1.0) and r.fun < 1e-12


def test_a_minimum_that_the_curvature_does_not_decide():
    r = optim.minimize(lambda p: p[0] ** 2 + p[1] ** 4, np.array([1.0, 0.0]))
    assert r.success and "may not be a minimum" in r.message and r.curvature == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("method", SECOND_ORDER)
def test_a_function_without_a_lower_bound(method):
    for start in ([0.5, 0.0], [0.5, 0.1]):
        r = optim.minimize(lambda p: p[0] ** 2 - p[1] ** 2, np.array(start), method)
        assert not r.success and "unbounded below" in r.message and r.nit < 100
    assert not optim.minimize(lambda p: p[0] ** 2 - p[1], np.array([0.5, 0.0]), method, max_iter=200).success


def test_steps_that_are_too_long_are_told():
    r = optim.minimize(lambda x: x * x, 1.0, "gd", learning_rate=3.0)
    assert not r.success and "smaller learning_rate" in r.message


# --- kinds of functions on which plain Newton fails -----------------------------------------------


@pytest.mark.parametrize("method", FAST)
@pytest.mark.parametrize(
    ("f", "start"),
    [
        (lambda x: np.log(np.exp(x) + np.exp(-x)), 2.0),
        (lambda x: x * np.arctan(x) - np.log(1 + x * x) / 2, 3.0),
        (lambda x: np.sqrt(1 + x * x), 1.5),
        (lambda x: x**4, 1.0),
    ],
    ids=["log cosh", "slope arctan", "sqrt", "x^4"],
)
def test_where_plain_newton_diverges(method, f, start):
    r = optim.minimize(f, start, method)
    assert r.success and abs(r.x) < 3e-3, r


@pytest.mark.parametrize("method", FAST)
def test_trial_points_outside_the_domain(method):
    r = optim.minimize(lambda x: (x - 1e-2 * np.log(x)).sum(), np.array([0.5, 3.0]), method)
    assert r.success and np.allclose(r.x, 1e-2, rtol=1e-5), r


def test_rounding_that_allows_no_smaller_gradient_is_told():
    r = optim.minimize(lambda x: 1e4 + np.cosh(x - 1e3), 999.0, "lbfgs", tol=0.0)
    assert r.x == pytest.approx(1e3, abs=1e-3)
    assert r.success or "rounding" in r.message


# --- bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [m for m in SCALAR if m != "momentum"])
def test_the_nearest_point_of_a_box(method):
    goal = np.arange(10.0)
    r = optim.minimize(lambda x: ((x - goal) ** 2).sum(), np.full(10, 3.0), method, bounds=(1.0, 5.0))
    np.testing.assert_allclose(r.x, np.clip(goal, 1, 5), atol=1e-6)
    assert r.success and all(((x >= 1) & (x <= 5)).all() for x in (record.x for record in r.history))


@pytest.mark.parametrize("method", FAST)
def test_a_minimum_at_a_bound_of_a_curved_valley(method):
    r = optim.minimize(rosenbrock, np.array([-1.2, 1.0, 1.0]), method, bounds=[(-2, 0.5), (None, 2), (-2, 2)])
    assert r.success, r
    np.testing.assert_allclose(r.x, [0.5, 0.257426, 0.066268], atol=1e-5)
    assert r.grad[0] < -2 and np.abs(r.grad[1:]).max() < 1e-7 and r.nfev < 200
    assert r.history[-1].grad_norm < 1e-6


def test_bounds_of_containers_and_a_start_outside():
    f = lambda p: ((p["a"] - 3.0) ** 2).sum() + (p["b"] + 1.0) ** 2
    r = optim.minimize(f, {"a": np.array([9.0, 0.0]), "b": 2.0}, bounds={"a": [(None, 2.0), (0.0, 4.0)]})
    assert r.x["a"] == pytest.approx([2.0, 3.0]) and r.x["b"] == pytest.approx(-1.0)
    assert r.history[0].x["a"].tolist() == [2.0, 0.0]
    r = optim.minimize(lambda p: (p[0] - 3.0) ** 2 + p[1] ** 2, [0.0, 5.0], bounds=[(0, 1), (1, None)])
    assert r.x == pytest.approx([1.0, 1.0])
    r = optim.minimize(lambda x: (x - 3.0) ** 2, 0.0, bounds=(None, 2.0))
    assert r.x == 2.0 and r.success


def test_everything_held_by_bounds():
    r = optim.minimize(lambda x: x.sum(), np.array([3.0, 4.0]), bounds=(1.0, 5.0))
    assert r.success and r.x.tolist() == [1.0, 1.0] and r.curvature == math.inf


def test_a_saddle_is_left_within_bounds():
    r = optim.minimize(double_well, np.array([0.5, 0.0]), bounds=[(0.0, 1.0), (-0.3, 0.3)])
    assert r.success and r.x[0] == pytest.approx(0.0, abs=1e-8) and abs(r.x[1]) == pytest.approx(0.3)


# --- what is refused ------------------------------------------------------------------------------

ZERO = np.zeros(2)
square = lambda x: (x * x).sum()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.minimize(square, ZERO, "newton"), ValueError, "method must be one of gd,.*'newton' was given"),
        (
            lambda: optim.minimize(square, ZERO, "lbfgs", lr=1),
            TypeError,
            "lbfgs has no option 'lr'; it has history_size",
        ),
        (lambda: optim.minimize(square, ZERO, "bfgs", radius=1), TypeError, "bfgs has no option 'radius'; it has none"),
        (lambda: optim.minimize(square, ZERO, tol=-1), ValueError, "tol.*-1"),
        (lambda: optim.minimize(square, ZERO, max_iter=2.5), ValueError, "max_iter must be an integer; 2.5"),
        (lambda: optim.minimize(square, np.ones(2), "gd", learning_rate=0.0), ValueError, "learning_rate.*0.0"),
        (lambda: optim.minimize(square, np.ones(2), radius=-1.0), ValueError, "radius.*-1.0"),
        (lambda: optim.minimize(square, np.ones(2), "lbfgs", history_size=0), ValueError, "history_size.*0"),
        (lambda: optim.minimize(3.0, ZERO), TypeError, "f must be a function.*float"),
        (lambda: optim.minimize(square, np.zeros(2, complex)), ad.DtypeError, "x0 has dtype complex128.*two arrays"),
        (lambda: optim.minimize(square, {}), ad.StructureError, "x0 holds no numbers"),
        (lambda: optim.minimize(lambda x: x, ZERO), ad.GradientError, "must return one number"),
        (
            lambda: optim.minimize(lambda x: np.log(x).sum(), ZERO),
            ad.DomainError,
            "f is -inf at x0.*start at a point where",
        ),
        (lambda: optim.minimize(square, ZERO, "gauss-newton"), ad.GradientError, "array of real residuals.*returned a"),
        (lambda: optim.minimize(square, ZERO, bounds=(1, 0)), ValueError, r"number 0 has the bounds \(1.0, 0.0\)"),
        (lambda: optim.minimize(square, ZERO, bounds=[(0, 1)] * 3), ad.ShapeError, r"shape \(3, 2\).*shape \(2,\)"),
        (lambda: optim.minimize(square, ZERO, bounds="all"), TypeError, "pairs.*'all' was given"),
        (lambda: optim.minimize(square, {"a": ZERO}, bounds=(0, 1)), ad.StructureError, r"is a dict.*\['a'\]"),
        (lambda: optim.minimize(square, {"a": ZERO}, bounds={"b": 1}), ad.StructureError, "'b' is not a key"),
        (lambda: optim.minimize(square, [1.0, 2.0], bounds=[(0, 1)]), ad.StructureError, "1 entries.*list of 2"),
    ],
)
def test_what_cannot_be_done_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- the curriculum's example ---------------------------------------------------------------------


def test_gradient_descent_as_it_is_taught():
    f, df = lambda x: x**2, lambda x: 2 * x
    x, history = optim.gradient_descent(f, df, x0=2.0)
    assert abs(float(x)) < 1e-8 and len(history) == 101 and history[0] == 2.0 and history[-1] == x
    assert history[1:].tolist() == pytest.approx((0.8 * history[:-1]).tolist())
    again, path = optim.gradient_descent(f, x0=2.0, learning_rate=0.1, n_iterations=100)
    assert again == x and path.tolist() == history.tolist()


@pytest.mark.parametrize(("rate", "end"), [(0.9, 0.0), (1.0, 2.0), (1.1, np.inf)])
def test_descent_below_at_and_above_the_longest_stable_rate(rate, end):
    x, history = optim.gradient_descent(lambda x: x**2, x0=2.0, learning_rate=rate, n_iterations=300)
    assert (history[1:] * history[:-1] < 0).all()  # it oscillates
    assert abs(x) > 1e20 if end == np.inf else abs(x) == pytest.approx(end, abs=1e-8)


def test_gradient_descent_on_arrays_and_containers():
    x, history = optim.gradient_descent(lambda x: (x**2).sum(), x0=np.array([1, 2]), n_iterations=2)
    assert history.shape == (3, 2) and history[0].tolist() == [1.0, 2.0] and x == pytest.approx([0.64, 1.28])
    x, history = optim.gradient_descent(lambda p: p["a"] ** 2, x0={"a": 1.0}, n_iterations=2)
    assert history == [{"a": 1.0}, {"a": pytest.approx(0.8)}, {"a": pytest.approx(0.64)}] and x is history[-1]
    assert optim.gradient_descent(lambda x: x**2, x0=2.0, n_iterations=0)[1].tolist() == [2.0]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.gradient_descent(2.0, x0=1.0), TypeError, "f must be a function"),
        (lambda: optim.gradient_descent(square, 2.0, x0=1.0), TypeError, "df must be a function.*x0="),
        (lambda: optim.gradient_descent(square, x0=ZERO, learning_rate=-1), ValueError, "learning_rate.*-1"),
        (lambda: optim.gradient_descent(square, lambda x: 1.0, x0=ZERO), ad.ShapeError, "1 numbers for the 2"),
    ],
)
def test_gradient_descent_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("method", ["gd", "adam", "lbfgs", "newton-cg", "gauss-newton"])
def test_a_search_is_not_differentiated_through_silently(method):
    def found(a):
        f = (lambda x: x - a) if method == "gauss-newton" else lambda x: ((x - a) ** 2).sum()
        return optim.minimize(f, np.zeros(2), method).x.sum()

    for transform in (ad.grad, ad.derivative):
        with pytest.raises(ad.GradientError, match=r"optim.root\(ad.grad\(f\), x0\)"):
            transform(found)(3.0)


def test_a_search_may_close_over_a_leaf():
    p = ad.tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_allclose(optim.minimize(lambda x: ((x - 2 * p) ** 2).sum(), np.zeros(2)).x, [2.0, 4.0])


@pytest.mark.parametrize("df", [None, lambda a: lambda x: 2 * (x - a)])
def test_gradient_descent_is_not_differentiated_through_silently(df):
    def found(a):
        return optim.gradient_descent(lambda x: (x - a) ** 2, df and df(a), x0=0.0)[0]

    assert found(3.0) == pytest.approx(3.0)
    with pytest.raises(ad.GradientError, match="the derivative would be 0"):
        ad.grad(found)(3.0)
