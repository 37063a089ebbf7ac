"""Newton's method: quadratics, saddles, rejected steps, what the report says."""

import itertools
import warnings

import numpy as np
import pytest

import autodiff as ad
import nn
import optim


def tracked(value):
    return ad.tensor(value, requires_grad=True)


def quadratic(n, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n))
    A = (A @ A.T + n * np.eye(n)).astype(dtype)
    b = rng.normal(size=n).astype(dtype)
    return A, b


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-6), (np.float32, 1e-3)])
def test_a_quadratic_takes_a_few_steps(dtype, tol):
    """One, but for the tolerance of the inner iteration, which is loose far away and tight near the end."""
    A, b = quadratic(6, dtype=dtype)
    w = tracked(np.zeros(6, dtype))
    optimizer = optim.Newton([w], radius=1e3, max_radius=1e3)
    loss = lambda: 0.5 * (w @ (A @ w)) - b @ w
    first = optimizer.step(loss)
    assert first.item() == 0.0 and optimizer.report.accepted
    exact = np.linalg.solve(A, b)
    products = optimizer.report.products
    for _ in range(7):
        optimizer.step(loss)
        products += optimizer.report.products
    assert w.dtype == dtype and products < 40
    np.testing.assert_allclose(w.data, exact, rtol=tol, atol=tol)


def test_an_isotropic_quadratic_is_solved_exactly():
    w = tracked([3.0, -4.0])
    optimizer = optim.Newton([w], radius=10.0)
    optimizer.step(lambda: ((w - 1.0) ** 2).sum())
    assert w.data.tolist() == [1.0, 1.0]
    r = optimizer.report
    assert r.loss == 29.0 and r.gradient_norm == pytest.approx(np.hypot(4, 10))
    assert r.step_norm == pytest.approx(np.hypot(2, 5)) and r.ratio == pytest.approx(1.0)
    assert r.curvature == pytest.approx(2.0) and not r.negative_curvature
    assert r.accepted and r.products == 1 and r.radius == 10.0


def test_a_step_stays_inside_the_region_and_the_region_grows():
    w = tracked([100.0])
    optimizer = optim.Newton([w], radius=1.0, max_radius=4.0)
    lengths, radii = [], []
    for _ in range(5):
        optimizer.step(lambda: (w * w).sum())
        lengths.append(optimizer.report.step_norm)
        radii.append(optimizer.report.radius)
    assert lengths == pytest.approx([1.0, 2.0, 4.0, 4.0, 4.0])
    assert radii == [2.0, 4.0, 4.0, 4.0, 4.0]
    assert w.data.tolist() == [85.0]


def test_a_saddle_is_left_along_negative_curvature():
    w = tracked([1e-3, 0.5])
    optimizer = optim.Newton([w], radius=0.5)
    loss = lambda: -(w[0] ** 2) + w[1] ** 2 + w[0] ** 4
    optimizer.step(loss)
    optimizer.step(loss)
    seen = [optimizer.report.negative_curvature]
    for _ in range(15):
        optimizer.step(loss)
        seen.append(optimizer.report.negative_curvature)
    assert any(seen) and not seen[-1]
    np.testing.assert_allclose(np.abs(w.data), [np.sqrt(0.5), 0.0], atol=1e-6)
    assert loss().item() == pytest.approx(-0.25)


def test_the_report_of_a_step_with_negative_curvature():
    w = tracked([1.0])
    optimizer = optim.Newton([w], radius=0.5)
    optimizer.step(lambda: -(w * w).sum())
    r = optimizer.report
    assert r.negative_curvature and r.curvature == pytest.approx(-2.0) and r.step_norm == pytest.approx(0.5)
    assert w.data.tolist() == [1.5]


@pytest.mark.parametrize(
    ("f", "start"),
    [
        (lambda x: np.log(np.exp(x) + np.exp(-x)), 2.0),  # plain Newton diverges from here
        (lambda x: x * np.arctan(x) - np.log(1 + x * x) / 2, 3.0),  # slope arctan: it diverges too
        (lambda x: np.sqrt(1 + x * x), 1.5),
        (lambda x: x**4, 1.0),
    ],
    ids=["log cosh", "slope arctan", "sqrt", "x^4"],
)
def test_raising_steps_are_rejected_and_the_loss_never_rises(f, start):
    w = tracked([start])
    optimizer = optim.Newton([w], radius=50.0)
    losses = []
    for _ in range(30):
        losses.append(optimizer.step(lambda: f(w).sum()).item())
    assert all(b <= a + 1e-14 * abs(a) for a, b in itertools.pairwise(losses))
    assert abs(w.item()) < 1e-4


def test_a_trial_that_raises_the_loss_is_undone():
    w = tracked([0.5])
    optimizer = optim.Newton([w], radius=1.0)
    # the model promises a decrease that the function never shows
    calls = []

    def loss():
        calls.append(w.item())
        return (w * w).sum() if len(calls) == 1 else (w * w).sum() + 10.0

    optimizer.step(loss)
    assert not optimizer.report.accepted and optimizer.report.step_norm == 0.0
    assert w.data.tolist() == [0.5]
    assert optimizer.report.radius < 1e-3 and len(calls) > 5
    assert len(set(calls)) > 5  # each trial is shorter


def test_the_region_does_not_collapse_at_the_minimum():
    """Differences within the rounding of the loss are no reason to distrust the model."""
    A, b = quadratic(4)
    w = tracked(np.zeros(4))
    optimizer = optim.Newton([w], radius=1.0)
    for _ in range(30):
        optimizer.step(lambda: 0.5 * (w @ (A @ w)) - b @ w + 1.0)
    assert optimizer.radius >= 0.5
    np.testing.assert_allclose(w.data, np.linalg.solve(A, b), rtol=1e-7)


def test_the_region_does_not_collapse_in_float32():
    w = tracked(np.zeros(3, np.float32))
    optimizer = optim.Newton([w])
    for _ in range(30):
        optimizer.step(lambda: (np.cosh(w - 0.3)).sum())
    assert optimizer.radius >= 0.5 and w.dtype == np.float32
    np.testing.assert_allclose(w.data, 0.3, atol=2e-3)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_no_step_without_a_usable_gradient(bad):
    w = tracked([1.0, 2.0])
    optimizer = optim.Newton([w], radius=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer.step(lambda: (w * bad).sum())
    r = optimizer.report
    assert not r.accepted and r.step_norm == 0.0 and r.products == 0 and optimizer.radius == 1.0
    assert w.data.tolist() == [1.0, 2.0]


def test_a_loss_that_fails_leaves_the_parameters():
    w = tracked([1.0])
    optimizer = optim.Newton([w])
    calls = []

    def loss():
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return (w * w).sum()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(loss)
    assert w.data.tolist() == [1.0]


def test_a_share_of_each_step():
    w = tracked([8.0])
    optimizer = optim.Newton([w], learning_rate=0.5, radius=100.0)
    for expected in (4.0, 2.0, 1.0):
        optimizer.step(lambda: (w * w).sum())
        assert w.data.tolist() == pytest.approx([expected])
        assert optimizer.report.ratio == pytest.approx(1.0)


def test_parameters_of_mixed_dtypes_and_shapes():
    a, b, c = tracked(np.float32(3.0)), tracked(np.ones((2, 2))), tracked(np.ones(2, np.float32))
    optimizer = optim.Newton([a, b, c], radius=50.0)
    assert len(optimizer.parameters) == 3
    loss = lambda: (a - 1.0) ** 2 + ((b - 2.0) ** 2).sum() + ((c + 1.0) ** 2).sum() * 0.5 + (b[0] * c).sum() * 0.1
    for _ in range(8):
        optimizer.step(loss)
    assert a.dtype == np.float32 and b.dtype == np.float64 and c.dtype == np.float32
    assert a.item() == pytest.approx(1.0, abs=1e-3)
    g = ad.gradients(loss(), [a, b, c])
    assert all(np.abs(v.data).max() < 1e-3 for v in g)


def test_a_parameter_that_the_loss_does_not_use_stays():
    a, b = tracked([3.0]), tracked([5.0])
    optimizer = optim.Newton([a, b], radius=10.0)
    optimizer.step(lambda: (a * a).sum())
    assert a.data.tolist() == [0.0] and b.data.tolist() == [5.0]


def test_newton_shares_the_home_with_other_optimisers():
    w = tracked([4.0])
    adam, newton = optim.Adam([w], 0.5), optim.Newton([w], radius=10.0)
    adam.step(lambda: (w * w).sum())
    newton.step(lambda: (w * w).sum())
    assert w.data.tolist() == [0.0]
    assert "radius=10.0" in repr(newton) and "1 numbers" in repr(newton)


def test_gradients_are_left_alone_and_graphs_from_before_are_stale():
    w = tracked([4.0])
    optimizer = optim.Newton([w])
    before = (w * w).sum()
    optimizer.step(lambda: (w * w).sum())
    assert w.grad is None
    with pytest.raises(ad.StaleError):
        before.backward()


def test_a_small_network_is_trained_to_the_bottom():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 6, dtype=np.float64), nn.Tanh(), nn.Linear(6, 2, dtype=np.float64))
    optimizer = optim.Newton(model.parameters())
    losses = [optimizer.step(lambda: nn.cross_entropy(model(x), y)).item() for _ in range(40)]
    assert losses[-1] < 0.02
    assert all(b <= a * (1 + 1e-14) for a, b in itertools.pairwise(losses))


def residual_loss(model):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 2)), rng.standard_normal((8, 1))
    return lambda: nn.mse_loss(model(x), y)


@pytest.mark.parametrize("part", [0, 2])
@pytest.mark.parametrize("kind", [optim.Newton, optim.LBFGS])
def test_frozen_layers_stay_and_the_others_go_on_as_if_they_were_alone(kind, part):
    def network():
        nn.manual_seed(0)
        return nn.Sequential(nn.Linear(2, 3, dtype=float), nn.Tanh(), nn.Linear(3, 1, dtype=float))

    model, alone = network(), network()
    optimizer = kind(model.parameters())
    for net in (model, alone):
        net[part].requires_grad_(False)
    other = kind([p for p in alone.parameters() if p.requires_grad])
    before = model[part].weight.data.copy()
    for _ in range(3):
        assert optimizer.step(residual_loss(model)).item() == other.step(residual_loss(alone)).item()
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, alone.state_dict()[name])
    np.testing.assert_array_equal(model[part].weight.data, before)
    model.requires_grad_(True)
    optimizer.step(residual_loss(model))
    assert (model[part].weight.data != before).any()
    model.requires_grad_(False)
    with pytest.raises(ad.GradientError, match="not tracked"):
        optimizer.step(residual_loss(model))
