"""The flat home of parameters: side by side, one for life, values and gradients as views."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.flat import house


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def in_place(view, whole):
    return np.shares_memory(view, whole)


def test_values_keep_their_numbers_shapes_and_become_views():
    a, b, c = tracked([[1.0, 2.0], [3.0, 4.0]]), tracked(5.0), tracked(np.zeros((2, 0)))
    (run,) = house([a, b, c])
    assert run.values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0] and run.offsets == [0, 4, 5, 5]
    assert a.shape == (2, 2) and b.shape == () and c.shape == (2, 0)
    run.values += 10.0
    assert a.data.tolist() == [[11.0, 12.0], [13.0, 14.0]] and b.item() == 15.0
    assert in_place(a.data, run.values) and in_place(b.data, run.values)


def test_gradients_arrive_in_the_home():
    a, b = tracked([1.0, 2.0]), tracked(np.array(3.0))
    (run,) = house([a, b])
    assert not run.has_all_gradients()
    (a * a).sum().backward()
    assert not run.has_all_gradients()
    (b * b).backward()
    assert run.has_all_gradients() and run.gradients.tolist() == [2.0, 4.0, 6.0]
    assert in_place(a.grad, run.gradients) and in_place(b.grad, run.gradients)
    (a * a).sum().backward()
    assert run.gradients.tolist() == [4.0, 8.0, 6.0]
    a.zero_grad()
    assert a.grad is None and not run.has_all_gradients()
    (a * 1.0).sum().backward()
    assert run.gradients[:2].tolist() == [1.0, 1.0]


def test_gradients_from_before_move_in():
    a = tracked([1.0, 2.0])
    (a * a).sum().backward()
    (run,) = house([a])
    assert run.gradients.tolist() == [2.0, 4.0] and in_place(a.grad, run.gradients)


def test_a_gradient_that_is_set_is_copied_into_the_home():
    a = tracked([1.0, 2.0])
    (run,) = house([a])
    g = np.array([7.0, 8.0])
    a.grad = g
    assert in_place(a.grad, run.gradients) and not in_place(a.grad, g) and run.gradients.tolist() == [7.0, 8.0]


def test_what_a_user_kept_of_the_old_value_is_not_written():
    start = np.array([1.0, 2.0])
    a = ad.Tensor(start, requires_grad=True)
    (run,) = house([a])
    run.values[...] = 9.0
    assert start.tolist() == [1.0, 2.0] and a.data.tolist() == [9.0, 9.0]


def test_a_home_is_for_life():
    a, b, c = tracked([1.0]), tracked([2.0]), tracked([3.0])
    (first,) = house([a, b])
    (again,) = house([a, b])
    assert in_place(first.values, again.values)
    one, two = house([b, c])
    assert in_place(one.values, first.values) and not in_place(two.values, first.values)
    assert [p.item() for run in (one, two) for p in run.parameters] == [2.0, 3.0]


def test_runs_are_as_few_as_order_and_homes_allow():
    a, b, c, d = (tracked(np.full(i + 1, float(i))) for i in range(4))
    house([a, b, c, d])
    assert [len(r.parameters) for r in house([a, b, c, d])] == [4]
    assert [len(r.parameters) for r in house([b, c])] == [2]
    assert [len(r.parameters) for r in house([a, c])] == [1, 1]
    assert [len(r.parameters) for r in house([c, d, a, b])] == [2, 2]
    assert [len(r.parameters) for r in house([b, a])] == [1, 1]
    (run,) = house([b, c])
    assert run.values.tolist() == [1.0, 1.0, 2.0, 2.0, 2.0]


def test_each_dtype_has_a_home_of_its_own_and_the_order_stays():
    params = [tracked(np.full(1, i, dt)) for i, dt in enumerate([np.float32, np.float64, np.float32, np.complex64])]
    runs = house(params)
    assert [r.values.dtype for r in runs] == [np.float32, np.float64, np.float32, np.complex64]
    assert all(p is q for p, q in zip([p for r in runs for p in r.parameters], params, strict=True))
    assert in_place(runs[0].values.base, runs[2].values)


def test_a_parameter_given_twice_is_taken_once():
    a, b = tracked([1.0]), tracked([2.0])
    (run,) = house([a, b, a])
    assert run.values.tolist() == [1.0, 2.0]


def test_writing_is_seen_by_graphs_from_before():
    a, b = tracked([1.0], name="a"), tracked([1.0], name="b")
    (run,) = house([a, b])
    old_a, old_b, needless = (a * a).sum(), (b * b).sum(), a.sum()
    run.values[0] = 5.0
    run.mark_changed(0, 1)
    with pytest.raises(ad.StaleError, match="'a'"):
        old_a.backward()
    old_b.backward()
    needless.backward()
    run.mark_changed()
    with pytest.raises(ad.StaleError, match="'b'"):
        (b * b + old_b).sum().backward()
    (a * a).sum().backward()
    assert a.grad.tolist() == [11.0]


def test_strangers_are_refused():
    for bad in (ad.tensor([1.0]), tracked([1.0]) * 2, np.ones(2), None):
        with pytest.raises(ad.GradientError, match="parameter 1 is"):
            house([tracked([1.0]), bad])
    with pytest.raises(ad.GradientError, match="no parameters"):
        house([])


def test_a_refusal_moves_nobody():
    a = tracked([1.0])
    value = a.data
    with pytest.raises(ad.GradientError):
        house([a, 3.0])
    assert a.data is value


def test_transforms_of_homed_parameters():
    """A home is no reason for a gradient to be shared with one."""
    a = tracked([1.0, 2.0])
    (run,) = house([a])
    (g,) = ad.gradients((a * a).sum(), [a])
    assert not in_place(g.data, run.gradients) and not run.gradients.any() and a.grad is None
    h = ad.hvp(lambda x: (x**3).sum(), a, np.ones(2))
    assert h.data.tolist() == [6.0, 12.0]
    y = a.sum()
    y.backward()
    assert run.gradients.tolist() == [1.0, 1.0]


def test_the_gradient_of_a_homed_weight_is_that_of_a_free_one():
    """Rules may write a weight's gradient straight into its place: the first, the second, with two uses."""
    rng = np.random.default_rng(0)
    W, x = rng.normal(size=(3, 2)), rng.normal(size=(4, 3))

    def losses(w, b):
        yield (np.tanh(ad.special.affine(x, w, b)) ** 2).sum()
        yield (x @ w + b).sum() + (w * w).sum()
        yield ad.special.affine(x, w, b).sum() * ad.special.affine(2 * x, w, b).sum()

    free = tracked(W), tracked(np.ones(2))
    homed = tracked(W), tracked(np.ones(2))
    house(homed)
    for a, b in zip(losses(*free), losses(*homed), strict=True):
        a.backward()
        b.backward()
        for p, q in zip(free, homed, strict=True):
            np.testing.assert_allclose(q.grad, p.grad, rtol=1e-13)
