"""The optimisers that evaluate the loss themselves, beside Newton: L-BFGS and Gauss-Newton."""

import pickle

import numpy as np
import pytest

import autodiff as ad
import nn
import optim


def tracked(value):
    return ad.tensor(value, requires_grad=True)


def rosenbrock(w):
    return (100.0 * (w[1:] - w[:-1] ** 2) ** 2 + (1.0 - w[:-1]) ** 2).sum()


# --- L-BFGS ---------------------------------------------------------------------------------------


def test_lbfgs_reaches_the_bottom_of_rosenbrocks_valley():
    w = tracked([-1.2, 1.0, -1.2, 1.0])
    optimizer = optim.LBFGS([w])
    losses = [optimizer.step(lambda: rosenbrock(w)).item() for _ in range(5)]
    assert losses[0] == rosenbrock(np.array([-1.2, 1.0, -1.2, 1.0])) and losses == sorted(losses, reverse=True)
    np.testing.assert_allclose(w.data, 1.0, atol=1e-6)


def test_lbfgs_solves_a_quadratic_in_about_its_dimension():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6))
    A = A @ A.T + np.eye(6)
    b = rng.normal(size=6)
    w = tracked(np.zeros(6))
    calls = []

    def loss():
        calls.append(1)
        return 0.5 * (w @ (A @ w)) - b @ w

    optim.LBFGS([w], max_iter=40).step(loss)
    np.testing.assert_allclose(w.data, np.linalg.solve(A, b), atol=1e-6)
    assert len(calls) < 40


def test_lbfgs_calls_no_more_than_it_may():
    w = tracked(np.full(6, -1.2))
    calls = []

    def loss():
        calls.append(1)
        return rosenbrock(w)

    for most in (1, 3, 7):
        calls.clear()
        optim.LBFGS([w], max_evaluations=most).step(loss)
        assert len(calls) <= most


def test_lbfgs_works_in_float32_and_on_mixed_shapes():
    a, b = tracked(np.float32(3.0)), tracked(np.ones((2, 2), np.float32))
    optimizer = optim.LBFGS([a, b])
    loss = lambda: (a - 1.0) ** 2 + ((b - 2.0) ** 4).sum()
    for _ in range(3):
        optimizer.step(loss)
    assert a.dtype == b.dtype == np.float32 and loss().item() < 1e-4
    assert a.grad is None and b.grad is None


def test_lbfgs_keeps_its_pairs_and_forgets_the_oldest():
    w = tracked(np.full(4, -1.2))
    optimizer = optim.LBFGS([w], history_size=3)
    optimizer.step(lambda: rosenbrock(w))
    assert len(optimizer.memory.steps) == 3 and "3 of 3 pairs" in repr(optimizer)
    assert optimizer.state_dict()["steps"].shape == (3, 4)


@pytest.mark.parametrize(
    "make",
    [lambda p: optim.LBFGS(p, max_iter=3), lambda p: optim.Newton(p, radius=0.1), lambda p: optim.GaussNewton(p)],
    ids=["lbfgs", "newton", "gauss-newton"],
)
def test_a_resumed_run_is_bit_for_bit_the_whole_one(make):
    def function(optimizer, w):
        if isinstance(optimizer, optim.GaussNewton):
            return lambda: np.concatenate([10.0 * (w[1:] - w[:-1] ** 2), 1.0 - w[:-1]])
        return lambda: rosenbrock(w)

    start = np.array([-1.2, 1.0, 0.5])
    w = tracked(start)
    optimizer = make([w])
    for _ in range(6):
        optimizer.step(function(optimizer, w))
    v = tracked(start)
    optimizer = make([v])
    for _ in range(3):
        optimizer.step(function(optimizer, v))
    u = tracked(v.data)
    again = make([u])
    again.load_state_dict(pickle.loads(pickle.dumps(optimizer.state_dict())))
    (t,), copied = pickle.loads(pickle.dumps(([v], optimizer)))
    for _ in range(3):
        again.step(function(again, u))
        copied.step(function(copied, t))
    assert u.data.tolist() == t.data.tolist() == w.data.tolist()


def test_a_loss_that_fails_leaves_lbfgs_at_its_last_good_point():
    w = tracked([3.0])
    calls = []

    def loss():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return (w**2).sum()

    with pytest.raises(KeyboardInterrupt):
        optim.LBFGS([w]).step(loss)
    assert w.data.tolist() == [3.0]


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_lbfgs_takes_no_step_without_a_usable_gradient(bad):
    w = tracked([1.0, 2.0])
    with np.errstate(all="ignore"):
        optim.LBFGS([w]).step(lambda: (w * bad).sum())
    assert w.data.tolist() == [1.0, 2.0]


def test_trials_that_are_not_finite_are_too_long():
    w = tracked([0.5])
    with np.errstate(all="ignore"):
        optim.LBFGS([w], max_iter=60).step(lambda: (w - np.log(w) * 1e-3).sum())
    assert w.data == pytest.approx([1e-3], rel=1e-3)


def test_a_frozen_parameter_stays():
    a, b = tracked([3.0]), tracked([5.0])
    optimizer = optim.LBFGS([a, b])
    b.requires_grad_(False)
    optimizer.step(lambda: ((a - 1.0) ** 2 + b**2).sum())
    assert a.data == pytest.approx([1.0]) and b.data.tolist() == [5.0]


def test_lbfgs_trains_a_network():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8, dtype=np.float64), nn.Tanh(), nn.Linear(8, 2, dtype=np.float64))
    optimizer = optim.LBFGS(model.parameters())
    for _ in range(10):
        optimizer.step(lambda: nn.cross_entropy(model(x), y))
    assert nn.cross_entropy(model(x), y).item() < 0.02


@pytest.mark.parametrize("kind", [optim.LBFGS, optim.GaussNewton])
def test_the_loss_must_be_a_function(kind):
    with pytest.raises(TypeError, match=rf"{kind.__name__}\.step needs the loss as a function.*lambda"):
        kind([tracked([1.0])]).step()


def test_a_foreign_state_changes_nothing():
    optimizer = optim.LBFGS([tracked([1.0, 2.0])])
    state = {**optimizer.state_dict(), "learning_rate": np.array(0.5)}
    for spoilt, error, text in (
        ({**state, "steps": np.zeros((1, 3)), "changes": np.zeros((1, 3))}, ad.ShapeError, r"\(1, 3\).*\(k, 2\)"),
        ({"learning_rate": np.array(0.5)}, ad.StructureError, r"missing \['steps', 'changes'\]"),
        ({**state, "learning_rate": np.array(2.0)}, ValueError, "learning_rate.*2.0"),
    ):
        with pytest.raises(error, match=text):
            optimizer.load_state_dict(spoilt)
        assert optimizer.learning_rate == 1.0


SPOILT_PAIRS = {
    "complex": ({"steps": np.ones((1, 2), complex)}, ad.DtypeError),
    "text": ({"changes": np.array([["a", "b"]])}, ad.DtypeError),
    "no curvature": ({"steps": np.array([[1.0, -1.0]]), "changes": np.ones((1, 2))}, ValueError),
    "NaN": ({"steps": np.full((1, 2), np.nan), "changes": np.ones((1, 2))}, ValueError),
    "of unequal length": ({"steps": np.ones((1, 2)), "changes": np.ones((2, 2))}, ad.ShapeError),
}


@pytest.mark.parametrize(("spoilt", "error"), SPOILT_PAIRS.values(), ids=SPOILT_PAIRS)
def test_spoilt_pairs_change_nothing(spoilt, error):
    w = tracked([1.0, 2.0])
    optimizer = optim.LBFGS([w], max_iter=2)
    optimizer.step(lambda: (w**4).sum())
    before = optimizer.state_dict()
    state = {**before, "learning_rate": np.array(0.5), **spoilt}
    for load in (optimizer.check_state_dict, optimizer.load_state_dict):
        with pytest.raises(error):
            load(state)
    assert before.keys() == optimizer.state_dict().keys()
    assert all(np.array_equal(v, before[k]) for k, v in optimizer.state_dict().items())


def test_of_more_pairs_than_are_kept_the_newest_are_loaded():
    w = tracked([1.0, 2.0])
    full, short = optim.LBFGS([w], max_iter=5), optim.LBFGS([w], history_size=2)
    full.step(lambda: (w**4).sum())
    short.load_state_dict(full.state_dict())
    np.testing.assert_array_equal(short.state_dict()["steps"], full.state_dict()["steps"][-2:])


@pytest.mark.parametrize("radius", [np.array([1.0, 2.0]), np.array("far"), np.array(np.nan), np.array(-1.0)])
def test_a_spoilt_radius_changes_nothing(radius):
    optimizer = optim.Newton([tracked([1.0])])
    state = {"learning_rate": np.array(0.5), "radius": radius}
    with pytest.raises((ad.AutodiffError, ValueError)):
        optimizer.load_state_dict(state)
    assert (optimizer.learning_rate, optimizer.radius) == (1.0, 1.0)


# --- Gauss-Newton ---------------------------------------------------------------------------------


def test_a_few_steps_solve_linear_least_squares():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    w, b = tracked(np.zeros(3)), tracked(0.0)
    optimizer = optim.GaussNewton([w, b], radius=100.0)
    loss = optimizer.step(lambda: X @ w + b - y)
    assert loss.item() == pytest.approx(0.5 * y @ y)
    for _ in range(9):  # the inner iteration is loose far away and tight near the end
        optimizer.step(lambda: X @ w + b - y)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(20)]), y, rcond=None)[0]
    np.testing.assert_allclose([*w.data, b.item()], expected, atol=1e-7)
    assert optimizer.report.accepted or optimizer.report.gradient_norm < 1e-7


def test_products_are_those_of_the_jacobian():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 2))
    w, unused = tracked(rng.normal(size=(2, 3))), tracked([1.0, 2.0])
    residuals = lambda: np.tanh(x @ w)
    _, value, g, product = optim.GaussNewton([w, unused])._model(residuals)
    J = ad.jacobian(lambda v: np.tanh(x @ v))(w.data).reshape(15, 6)
    r = np.tanh(x @ w.data).ravel()
    assert value == pytest.approx(0.5 * r @ r)
    np.testing.assert_allclose(g, [*(J.T @ r), 0.0, 0.0], atol=1e-12)
    v = rng.normal(size=8)
    np.testing.assert_allclose(product(v), [*(J.T @ (J @ v[:6])), 0.0, 0.0], atol=1e-12)


def test_a_curve_is_fitted():
    t = np.linspace(0, 2, 30)
    y = 2.0 * np.exp(-1.3 * t) + 0.5
    p = tracked([1.0, 0.0, 0.0])
    optimizer = optim.GaussNewton([p])
    for _ in range(15):
        optimizer.step(lambda: p[0] * np.exp(p[1] * t) + p[2] - y)
    np.testing.assert_allclose(p.data, [2.0, -1.3, 0.5], atol=1e-6)


def test_one_number_is_no_residual():
    w = tracked([1.0])
    with pytest.raises(ad.ShapeError, match=r"returned one number.*before they are squared.*optim\.Newton"):
        optim.GaussNewton([w]).step(lambda: (w**2).sum())
    with pytest.raises(ad.GradientError, match="returned ndarray"):
        optim.GaussNewton([w]).step(lambda: np.zeros(3))
