"""Losses: torch's numbers, refusals that mend, conventions at the hard points, second order."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.testing import gradcheck
from tests.reference.loss_cases import CASES, RATE, STEPS, name_of

STORED = json.loads(Path(__file__).with_name("reference").joinpath("losses.json").read_text())["cases"]


def ours(case):
    """Value and gradient of the sum by the first argument."""
    name, _, (first, *others), options = case
    x = ad.tensor(first, requires_grad=True)
    y = getattr(nn, name)(x, *others, **options)
    y.sum().backward()
    return y.data, x.grad


def test_every_case_is_stored():
    assert set(STORED) == {name_of(case) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_values_and_gradients_are_torchs(case):
    for found, expected in zip(ours(case), STORED[name_of(case)][:2], strict=True):
        np.testing.assert_allclose(found, np.array(expected), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_twenty_steps_of_descent_end_where_torch_ends(case):
    name, _, (first, *others), options = case
    x = ad.tensor(first, requires_grad=True)
    optimizer = optim.GradientDescent([x], learning_rate=RATE)
    for _ in range(STEPS):
        optimizer.step(lambda: getattr(nn, name)(x, *others, **options).sum())
    np.testing.assert_allclose(x.data, np.array(STORED[name_of(case)][2]), rtol=1e-9, atol=1e-9)


def test_the_stored_numbers_are_those_of_the_torch_that_is_installed():
    if importlib.util.find_spec("torch") is None:
        return  # the stored numbers stand for it
    from tests.reference.make_losses import run_all

    for name, pair in run_all()["cases"].items():
        for found, expected in zip(pair, STORED[name], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("case", CASES[::3], ids=name_of)
def test_derivatives_hold_to_second_order(case):
    name, _, (first, *others), options = case
    gradcheck(lambda x: getattr(nn, name)(x, *others, **options), np.array(first), order=2)


@pytest.mark.parametrize("case", CASES[::4], ids=name_of)
def test_float32_stays_float32(case):
    name, _, (first, *others), options = case
    x = ad.tensor(first.astype(np.float32), requires_grad=True)
    y = getattr(nn, name)(x, *[a.astype(np.float32) if a.dtype.kind == "f" else a for a in others], **options)
    y.sum().backward()
    assert y.dtype == np.float32 and x.grad.dtype == np.float32


def test_targets_may_be_tracked():
    a, b = ad.tensor([1.0, 2.0], requires_grad=True), ad.tensor([0.5, 4.0], requires_grad=True)
    nn.huber_loss(a, b, reduction="sum").backward()
    np.testing.assert_array_equal(a.grad, -b.grad)


# --- the hard points


def test_huber_is_smooth_at_its_corners_and_its_curvature_is_that_of_the_inner_side():
    x = np.array([0.5, -0.5, 0.0])
    f = lambda v: nn.huber_loss(v, np.zeros(3), delta=0.5, reduction="sum")
    np.testing.assert_array_equal(ad.grad(f)(x), x)
    np.testing.assert_array_equal(ad.hvp(f, x, np.ones(3)), np.ones(3))


def test_corners_of_hinge_and_l1_have_slope_0():
    assert ad.grad(lambda z: nn.hinge_loss(z, np.array([1.0])))(np.array([1.0])) == 0
    assert ad.grad(lambda z: nn.l1_loss(z, np.array([1.0])))(np.array([1.0])) == 0


def test_logits_may_be_huge():
    z = np.array([[1e30, -1e30]])
    assert nn.cross_entropy(ad.tensor(z), [0]).item() == 0.0
    assert np.isfinite(ad.grad(lambda v: nn.cross_entropy(v, [1], label_smoothing=0.1))(z)).all()
    assert nn.binary_cross_entropy_with_logits(ad.tensor([1e30]), [1.0]).item() == 0.0


def test_impossible_events_cost_100_as_in_torch_and_certain_ones_nothing():
    p = ad.tensor([0.0, 1.0, 0.0], requires_grad=True)
    losses = nn.binary_cross_entropy(p, [1.0, 1.0, 0.0], reduction="none")
    np.testing.assert_array_equal(losses.data, [100.0, 0.0, 0.0])
    losses.sum().backward()
    assert np.isfinite(p.grad).all()


def test_a_class_of_probability_0_that_does_not_happen_costs_nothing():
    z = np.array([[0.0, -np.inf]])
    assert nn.cross_entropy(ad.tensor(z), [[1.0, 0.0]]).item() == 0.0
    np.testing.assert_array_equal(ad.grad(lambda v: nn.cross_entropy(v, [[1.0, 0.0]]))(z), [[0.0, 0.0]])


def test_if_all_labels_are_ignored_the_mean_is_nan_as_in_torch():
    assert np.isnan(nn.cross_entropy(ad.tensor(np.zeros((2, 3))), [-100, -100]).item())
    assert nn.cross_entropy(ad.tensor(np.zeros((2, 3))), [-100, -100], reduction="sum").item() == 0.0


# --- refusals

TWO = np.zeros((2, 1))
REFUSED = {
    "a column against a row": (
        lambda: nn.l1_loss(TWO, np.zeros(2)), ad.ShapeError, r"\(2, 1\).*\(2,\).*prediction\[:, 0\]",
    ),
    "the same, of the others": (
        lambda: nn.binary_cross_entropy_with_logits(np.zeros(2), TWO), ad.ShapeError, r"target\[:, 0\]",
    ),
    "complex numbers": (lambda: nn.huber_loss(np.zeros(2, complex), np.zeros(2)), ad.DtypeError, "complex128"),
    "a delta of 0": (lambda: nn.huber_loss(TWO, TWO, delta=0.0), ValueError, "delta must be positive"),
    "an unknown reduction": (
        lambda: nn.mse_loss(TWO, TWO, reduction="average"), ValueError, r"'mean', 'sum' or 'none'; 'average'",
    ),
    "logits for probabilities": (
        lambda: nn.binary_cross_entropy(np.array([3.0]), [1.0]), ad.DomainError, r"entry \[0\] is 3\..*with_logits",
    ),
    "targets that are no probabilities": (
        lambda: nn.binary_cross_entropy_with_logits(np.zeros(1), [2.0]), ad.DomainError, "targets must be between 0",
    ),
    "labels 0 and 1 for the hinge": (lambda: nn.hinge_loss(np.zeros(1), [0]), ad.DomainError, r"2 \* labels - 1"),
    "a label that is no class": (
        lambda: nn.cross_entropy(np.zeros((2, 3)), [0, 3]), ad.DomainError, r"3 classes; label 3.*entry 1",
    ),
    "the same, weighted": (
        lambda: nn.cross_entropy(np.zeros((2, 3)), [0, -1], weight=np.ones(3)), ad.DomainError, r"label -1.*\[1\]",
    ),
    "labels that are floats": (
        lambda: nn.cross_entropy(np.zeros((2, 3)), [0.0, 1.0]), ad.DtypeError, r"labels\.astype\(int\)",
    ),
    "labels in a column": (
        lambda: nn.cross_entropy(np.zeros((2, 3)), [[0], [1]]), ad.ShapeError, r"labels\[:, 0\]",
    ),
    "one-hot integers": (
        lambda: nn.cross_entropy(np.zeros((2, 3)), [[1, 0, 0], [0, 1, 0]]), ad.ShapeError, r"labels\.argmax\(1\)",
    ),
    "a distribution that does not sum to one": (
        lambda: nn.cross_entropy(np.zeros((2, 2)), [[0.5, 0.5], [0.5, 0.4]]), ad.DomainError, r"\[1\] sum to 0\.9",
    ),
    "negative probabilities": (
        lambda: nn.kl_div(np.zeros((1, 2)), [[1.5, -0.5]]), ad.DomainError, r"entry \[0, 1\] is -0\.5",
    ),
    "weights of the wrong number": (
        lambda: nn.cross_entropy(np.zeros((2, 3)), [0, 1], weight=np.ones(2)), ad.ShapeError, r"\(2,\); expected",
    ),
    "too much smoothing": (
        lambda: nn.cross_entropy(np.zeros((2, 3)), [0, 1], label_smoothing=1.5), ValueError, "between 0 and 1; 1.5",
    ),
    "logits for log-probabilities": (
        lambda: nn.nll_loss(np.ones((1, 2)), [0]), ad.DomainError, "never positive; 1 was given.*cross_entropy",
    ),
    "a number for a distribution": (lambda: nn.kl_div(np.zeros(()), 1.0), ad.ShapeError, "needs an axis"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_is_refused(name):
    call, error, told = REFUSED[name]
    with pytest.raises(error, match=told):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda w: nn.binary_cross_entropy(np.full(3, 0.5), np.ones(3), weight=w),
        lambda w: nn.binary_cross_entropy_with_logits(np.zeros(3), np.ones(3), weight=w),
        lambda w: nn.binary_cross_entropy_with_logits(np.zeros(3), np.ones(3), pos_weight=w),
    ],
)
def test_a_weight_does_not_widen_the_loss(call):
    for shape in ((3, 1), (2,)):
        with pytest.raises(ad.ShapeError, match=r"weight has shape .* cannot be broadcast"):
            call(np.ones(shape))
    call(np.ones(1)), call(2.0)


def test_one_hot_labels_may_be_truth_values():
    z, labels = ad.tensor([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]]), np.array([2, 0])
    hot = np.eye(3, dtype=bool)[labels]
    for options in ({}, {"label_smoothing": 0.1}, {"weight": [1.0, 2.0, 3.0]}, {"reduction": "sum"}):
        loss = nn.cross_entropy(z, hot, **options)
        np.testing.assert_allclose(loss.item(), nn.cross_entropy(z, hot.astype(float), **options).item(), rtol=1e-15)
    np.testing.assert_allclose(nn.cross_entropy(z, hot).item(), nn.cross_entropy(z, labels).item(), rtol=1e-14)
    assert nn.cross_entropy(z.data.astype(np.float32), hot).dtype == np.float32
    p = np.array([0.2, 0.7])
    for f in (nn.binary_cross_entropy, nn.mse_loss, nn.huber_loss):
        np.testing.assert_array_equal(f(p, np.array([False, True])).data, f(p, np.array([0.0, 1.0])).data)


def test_complex_logits_are_refused():
    with pytest.raises(ad.DtypeError, match="the logits have dtype complex128"):
        nn.cross_entropy(np.ones((2, 3)) + 1j, [0, 1])
