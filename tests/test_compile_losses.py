"""Losses are the same compiled, whatever they look at: their looks are made at every call."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from tests.reference.loss_cases import CASES, LABELS, LOGITS, SOME_LABELS, name_of


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_loss_and_its_gradient_are_the_same_compiled(case):
    name, _, (first, target), options = case
    step = ad.value_and_grad(lambda x, y: getattr(nn, name)(x, y, **options).sum())
    fast = ad.compile(step)
    fast(first[::-1], target)  # the program is of these numbers, and runs with others
    for found, expected in zip(fast(first, target), step(first, target), strict=True):
        np.testing.assert_array_equal(found, expected)


REFUSED = {
    "labels": (nn.cross_entropy, LOGITS, LABELS, np.full(6, 4), "label 4"),
    "labels, smoothed": (
        lambda z, y: nn.cross_entropy(z, y, label_smoothing=0.1), LOGITS, LABELS, np.full(6, -1), "label -1"
    ),
    "distributions": (nn.cross_entropy, LOGITS, np.full((6, 4), 0.25), np.full((6, 4), 0.5), "sum to 2"),
    "yes or no": (nn.binary_cross_entropy_with_logits, LOGITS, np.ones((6, 4)), np.full((6, 4), 1.5), "is 1.5"),
    "signs": (nn.hinge_loss, LOGITS, np.ones((6, 4)), np.zeros((6, 4)), "-1 or 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_compiled_loss_refuses_what_it_refuses(case):
    loss, logits, good, bad, message = REFUSED[case]
    fast = ad.compile(loss)
    fast(logits, good)
    with pytest.raises(ad.DomainError, match=message):
        fast(logits, bad)


def test_labels_that_do_not_count_may_come_later():
    found = []
    for wrap in (lambda f: f, ad.compile):
        nn.manual_seed(0)
        model = nn.Linear(4, 4)
        optimizer = optim.Momentum(model.parameters(), 0.1)

        def step(x, y, model=model, optimizer=optimizer):
            loss = nn.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = wrap(step)
        losses = [run(LOGITS, y) for y in (LABELS, SOME_LABELS, LABELS, np.full(6, -100), LABELS)]
        assert all(loss.dtype == np.float32 for loss in losses)
        found.append([loss.item() for loss in losses])
    np.testing.assert_array_equal(found[1], found[0])


@pytest.mark.parametrize("labels", [SOME_LABELS, np.full(6, -100)], ids=["some", "none"])
def test_labels_that_do_not_count_have_no_part_in_second_derivatives(labels):
    def simple(z):
        return nn.cross_entropy(z, labels)

    def composed(z):
        kept = labels != -100
        log_p = z - ad.special.logsumexp(z, axis=1, keepdims=True)
        return -(log_p[kept, labels[kept]]).sum() / max(kept.sum(), 1)

    v = np.random.default_rng(0).normal(size=LOGITS.shape)
    for f in (simple, ad.compile(simple)):
        np.testing.assert_allclose(ad.grad(f)(LOGITS), ad.grad(composed)(LOGITS), atol=1e-15)
        np.testing.assert_allclose(ad.hvp(f, LOGITS, v), ad.hvp(composed, LOGITS, v), atol=1e-15)
    np.testing.assert_allclose(
        ad.compile(lambda z, v: ad.hvp(simple, z, v))(LOGITS, v), ad.hvp(composed, LOGITS, v), atol=1e-15
    )


def test_a_row_that_does_not_count_may_hold_anything():
    x = ad.tensor([[np.nan, 0.0], [1.0, 2.0]], requires_grad=True)
    loss = nn.cross_entropy(x, [-100, 0])
    loss.backward()
    assert np.isfinite(loss.item())
    np.testing.assert_array_equal(x.grad[0], 0.0)


def test_a_mask_on_its_way_to_a_bias_is_summed_as_the_gradient_is():
    """The Huber loss blocks entries; the mask of a batch met the bias's gradient, which is summed already."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 5)).astype(np.float32), rng.normal(size=(4, 1)).astype(np.float32)
    gradients = []
    for wrap in (lambda f: f, ad.compile):
        nn.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 2), nn.Tanh(), nn.Linear(2, 1))
        step = wrap(lambda x, y, model=model: nn.huber_loss(model(x), y).backward())
        step(x, y), step(x, y)
        gradients.append([p.grad for p in model.parameters()])
    for expected, got in zip(*gradients, strict=True):
        np.testing.assert_array_equal(got, expected)
