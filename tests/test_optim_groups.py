"""Groups with options of their own, weight decay, and gradients that are clipped."""

import pickle

import numpy as np
import pytest

import autodiff as ad
import optim


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


# --- groups ---------------------------------------------------------------------------------------


def test_each_group_moves_by_its_own_options():
    a, b, c = tracked([1.0]), tracked([1.0]), tracked([1.0])
    optimizer = optim.GradientDescent(
        [{"params": [a, c]}, {"params": b, "learning_rate": 0.5, "weight_decay": 1.0}], learning_rate=0.25
    )
    optimizer.step(lambda: (a + b + c).sum())
    assert (a.data, b.data, c.data) == ([0.75], [0.0], [0.75])
    assert "learning_rate=0.25, 0.5" in repr(optimizer) and "learning_rate=0.5" in repr(optimizer.groups[1])


def test_groups_share_one_home():
    a, b, c = tracked([1.0]), tracked([2.0]), tracked([3.0])
    optimizer = optim.Adam([{"params": [a, c]}, {"params": [b]}])
    first, second, third = (t.data.ctypes.data for t in (a, c, b))
    assert second - first == third - second == a.data.nbytes
    assert optimizer.parameters == [a, c, b]


def test_a_group_without_parameters_is_idle():
    a = tracked([1.0])
    optimizer = optim.Momentum([{"params": []}, {"params": [a]}], 0.5)
    optimizer.step(lambda: a.sum())
    assert a.data == [0.5] and len(optimizer.groups) == 2


def test_an_option_of_the_optimiser_is_that_of_all_groups():
    a, b = tracked([1.0]), tracked([1.0])
    optimizer = optim.Momentum([{"params": [a]}, {"params": [b], "momentum": 0.5}], 0.1, 0.9)
    assert optimizer.momentum == 0.9 and [g.momentum for g in optimizer.groups] == [0.9, 0.5]
    optimizer.momentum = 0.25
    assert [g.momentum for g in optimizer.groups] == [0.25, 0.25]
    optimizer.groups[1].learning_rate = 0.5
    assert optimizer.learning_rate == 0.1


def test_groups_are_saved_and_copied():
    def build():
        a, b = tracked([1.0, 2.0]), tracked([3.0])
        return (a, b), optim.AdamW([{"params": [a]}, {"params": [b], "learning_rate": 0.5, "weight_decay": 0.1}], 0.1)

    def loss(pair):
        return lambda: (pair[0] ** 2).sum() + (pair[1] ** 2).sum()

    pair, optimizer = build()
    optimizer.step(loss(pair))
    state = optimizer.state_dict()
    assert state["learning_rate"].tolist() == [0.1, 0.5]
    other, again = build()
    for p, q in zip(pair, other, strict=True):
        q.assign_(p.data)
    again.learning_rate = 0.9
    again.load_state_dict(state)
    third, copied = pickle.loads(pickle.dumps((pair, optimizer)))
    for _ in range(3):
        for tensors, owner in ((pair, optimizer), (other, again), (third, copied)):
            owner.step(loss(tensors))
    for p, q, r in zip(pair, other, third, strict=True):
        assert p.data.tolist() == q.data.tolist() == r.data.tolist()
    assert copied.groups[1].weight_decay == 0.1
    assert state["betas"].tolist() == [[0.9, 0.999]] * 2 and state["weight_decay"].tolist() == [0.01, 0.1]
    again.groups[1].betas = (0.5, 0.5)
    again.weight_decay = 0.0
    again.load_state_dict(state)
    assert [group.betas for group in again.groups] == [(0.9, 0.999)] * 2
    assert [group.weight_decay for group in again.groups] == [0.01, 0.1]


def test_decay_alone_shrinks_by_the_same_share():
    """Decoupled decay is exact; in the gradient it is what a penalty would add."""
    p, q, r = tracked([2.0]), tracked([2.0]), tracked([2.0])
    for t, optimizer in ((p, optim.AdamW([p], 0.1, weight_decay=0.5)), (q, optim.GradientDescent([q], 0.1))):
        t.grad = [0.0]
        optimizer.step()
    assert p.data == [1.9] and q.data == [2.0]
    optim.GradientDescent([r], 0.1, weight_decay=0.5).step(lambda: (r * 0.0).sum())
    assert r.data == pytest.approx([1.9])


def test_decay_leaves_the_gradient_as_it_was():
    p = tracked(np.arange(4.0))
    optimizer = optim.Adam([p], weight_decay=0.5)
    p.grad = [1.0, 2.0, 3.0, 4.0]
    optimizer.step()
    assert p.grad.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_equal_gradients_do_not_give_the_centred_root_a_negative_number():
    p = tracked(np.full(3, 0.1))
    optimizer = optim.RMSProp([p], centered=True, alpha=0.5)
    for _ in range(200):
        p.grad = np.full(3, 0.1) / 3
        optimizer.step()
    assert np.isfinite(p.data).all()


P = tracked([1.0], name="w")
Q = tracked([1.0])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: optim.Adam([{"params": [P]}, P]), TypeError, "group 1 of Adam is a Tensor.*all must be"),
        (lambda: optim.Adam([{"parameters": [P]}]), ValueError, r"\['parameters'\].*\"params\".*missing"),
        (lambda: optim.Adam([{"params": [P], "lr": 0.1}]), ValueError, "unknown option 'lr'.*learning_rate"),
        (lambda: optim.Adam([{"params": [P], "eps": -1.0}]), ValueError, "eps.*-1"),
        (lambda: optim.Adam([{"params": [P], "amsgrad": True}]), ValueError, "amsgrad must be the same for all groups"),
        (lambda: optim.Adam([{"params": [P]}, {"params": [Q, P]}]), ValueError, "parameter 'w' is in group 0.*group 1"),
        (lambda: optim.Adam([{"params": []}]), ad.GradientError, "no parameters"),
        (lambda: optim.Newton([{"params": [P]}]), TypeError, "takes no parameter groups; parameter 0 is a dict"),
        (lambda: optim.AdamW([P], weight_decay=-0.1), ValueError, "weight_decay.*-0.1"),
        (lambda: optim.Adam([P], betas=0.9), TypeError, r"betas must be a pair.*0\.9 was given"),
        (lambda: optim.AdaGrad([P], rate_decay=-1), ValueError, "rate_decay.*-1"),
        (lambda: optim.AdaGrad([P], initial_sum=-1), ValueError, "initial_sum.*-1"),
        (lambda: optim.RMSProp([P], alpha=1.0), ValueError, "alpha.*1.0"),
        (lambda: optim.RMSProp([P], momentum=1.0), ValueError, "momentum.*1.0"),
        (lambda: optim.Momentum([P], nesterov=True, dampening=0.5), ValueError, "nesterov.*dampening.*0.5"),
        (lambda: setattr(optim.Adam([P]), "amsgrad", True), ValueError, "amsgrad cannot be changed.*Build a new"),
        (lambda: setattr(optim.Adam([P]), "learning_rate", -1.0), ValueError, "learning_rate.*-1.0"),
        (lambda: setattr(optim.Adam([P]).groups[0], "lr", 0.1), AttributeError, "no option 'lr'; it has learning_rate"),
        (lambda: optim.Adam([P]).groups[0].lr, AttributeError, "no option 'lr'; it has learning_rate"),
        (lambda: optim.LBFGS([P], history_size=0), ValueError, "history_size.*0"),
        (lambda: optim.LBFGS([P], max_iter=1.5), ValueError, "max_iter must be an integer"),
        (lambda: optim.GaussNewton([P], radius=0.0), ValueError, "radius"),
    ],
)
def test_options_are_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_a_velocity_that_was_not_built_is_refused():
    p = tracked([1.0])
    optimizer = optim.RMSProp([p])
    optimizer.momentum = 0.5
    with pytest.raises(ValueError, match=r"0\.5, but the optimiser was built without momentum.*Build it with momentum"):
        optimizer.step(lambda: p.sum())


# --- clipping -------------------------------------------------------------------------------------


def with_gradients(*gradients, dtype=float):
    tensors = [tracked(np.zeros(np.shape(g), dtype)) for g in gradients]
    for t, g in zip(tensors, gradients, strict=True):
        t.grad = g
    return tensors


@pytest.mark.parametrize("housed", [False, True])
def test_a_long_gradient_is_shortened_as_a_whole(housed):
    a, b, c = *with_gradients([3.0, 0.0], [[4.0]]), tracked([1.0])
    if housed:
        optim.Adam([a, b, c])
    assert optim.clip_grad_norm([a, b, c], 1.0) == 5.0
    np.testing.assert_allclose(a.grad, [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(b.grad, [[0.8]], rtol=1e-6)
    assert c.grad is None


def test_a_short_gradient_stays_bit_for_bit():
    (a,) = with_gradients([0.3, 0.4])
    assert optim.clip_grad_norm(a, 1.0) == pytest.approx(0.5) and a.grad.tolist() == [0.3, 0.4]
    assert optim.clip_grad_norm(a, np.inf) == pytest.approx(0.5) and a.grad.tolist() == [0.3, 0.4]


@pytest.mark.parametrize(("p", "norm"), [(1.0, 7.0), (2.0, 5.0), (3.0, 91 ** (1 / 3)), (np.inf, 4.0)])
def test_other_norms(p, norm):
    a, b = with_gradients([3.0], [-4.0])
    assert optim.clip_grad_norm([a, b], 1.0, p) == pytest.approx(norm)
    assert np.linalg.norm([a.grad[0], b.grad[0]], p) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize(("dtype", "size"), [(np.float16, 6e4), (np.float32, 1e38), (np.float64, 1e300)])
def test_the_norm_does_not_overflow(dtype, size):
    (a,) = with_gradients(np.full(4, size, dtype), dtype=dtype)
    assert optim.clip_grad_norm(a, 1.0) == pytest.approx(2 * size, rel=1e-2)
    np.testing.assert_allclose(a.grad, 0.5, rtol=1e-2)
    assert a.grad.dtype == dtype


def test_a_gradient_that_is_not_finite():
    (a,) = with_gradients([1.0, np.nan])
    with pytest.raises(ad.DomainError, match=r"norm of the gradients is nan.*detect_anomaly"):
        optim.clip_grad_norm(a, 1.0, error_if_nonfinite=True)
    assert a.grad[0] == 1.0
    assert np.isnan(optim.clip_grad_norm(a, 1.0))


def test_tied_parameters_are_clipped_once():
    (a,) = with_gradients([3.0, 4.0])
    assert optim.clip_grad_norm([a, a], 1.0) == 5.0
    np.testing.assert_allclose(a.grad, [0.6, 0.8], rtol=1e-6)


def test_values_are_clipped_and_complex_ones_part_by_part():
    a, b = with_gradients([-3.0, 0.5, 2.0], [3.0 - 0.5j], dtype=complex)
    assert optim.clip_grad_value([a, b], 1.0) == pytest.approx(np.sqrt(9 + 0.25 + 4 + 9 + 0.25))
    assert a.grad.tolist() == [-1.0, 0.5, 1.0] and b.grad.tolist() == [1.0 - 0.5j]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.clip_grad_norm([P], -1.0), ValueError, "max_norm.*-1.0"),
        (lambda: optim.clip_grad_norm([P], 1.0, 0.0), ValueError, "norm_type.*0.0"),
        (lambda: optim.clip_grad_value([P], "a"), TypeError, "max_value must be a number; 'a'"),
        (lambda: optim.clip_grad_value([3.0], 1.0), TypeError, "parameter 0 is a float"),
    ],
)
def test_clipping_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()
