"""Compiled methods belong to their objects, compiled modules are modules, results are tracked as the plain ones."""

import copy
import functools
import gc
import inspect
import os
import pickle
import threading
import weakref

import numpy as np
import pytest

import autodiff as ad
import nn
import optim


@ad.compile
def doubled(x, *, by=2.0):
    """Twice as much."""
    return x * by


def model_of(seed=0):
    nn.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


X = np.random.default_rng(0).normal(size=(5, 3)).astype("f4")
Y = np.ones((5, 2), "f4")


# --- decorators ---


def test_a_decorated_function_has_the_attributes_of_the_function():
    assert doubled.__name__ == "doubled" and doubled.__qualname__ == "doubled" and doubled.__module__ == __name__
    assert doubled.__doc__ == "Twice as much." and doubled.__wrapped__(1.0) == 2.0
    assert str(inspect.signature(doubled)) == "(x, *, by=2.0)"
    for _ in range(3):
        np.testing.assert_array_equal(doubled(np.ones(2)), [2, 2])
        np.testing.assert_array_equal(doubled(np.ones(2), by=3.0), [3, 3])


def test_with_options_it_is_a_decorator_too():
    @ad.compile(fallback=True, check="always")
    def f(x):
        return x * 2 if float(x[0]) > 0 else x

    with pytest.warns(UserWarning, match="runs eagerly"):
        np.testing.assert_array_equal(f(np.ones(2)), [2, 2])
    np.testing.assert_array_equal(f(-np.ones(2)), [-1, -1])
    assert f.options == {"fallback": True, "backend": "numpy", "check": "always"}


@pytest.mark.parametrize("wrong", [3, "f", nn.Linear, None])
def test_what_is_no_function_is_refused(wrong):
    if wrong is None:
        assert isinstance(ad.compile(), functools.partial)
        return
    with pytest.raises(ad.CompileError, match=r"compile: "):
        ad.compile(wrong)


class Scaled:
    """Holds a number."""

    kind = 3.0

    def __init__(self, by):
        self.by = by

    @ad.compile
    def times(self, x):
        """By what it holds."""
        return x * self.by

    @classmethod
    @ad.compile
    def of_class(cls, x):
        return x * cls.kind

    @ad.compile
    @classmethod
    def of_class_too(cls, x):
        return x * cls.kind

    @staticmethod
    @ad.compile
    def static(x):
        return x * 5.0

    @ad.compile
    @staticmethod
    def static_too(x):
        return x * 5.0


def test_a_method_has_programs_for_every_object():
    a, b = Scaled(2.0), Scaled(3.0)
    for _ in range(3):
        np.testing.assert_array_equal(a.times(np.ones(2)), [2, 2])
        np.testing.assert_array_equal(b.times(np.ones(2)), [3, 3])
    assert a.times is a.times and a.times is not b.times
    assert len(a.times.sources) == len(b.times.sources) == 1 and not Scaled.times.sources
    assert a.times.__name__ == "times" and a.times.__doc__ == "By what it holds."
    assert str(inspect.signature(a.times)) == "(x)" and "def times(x):" in a.times.source
    np.testing.assert_array_equal(Scaled.times(a, np.ones(2)), [2, 2])
    for f, by in ((Scaled.of_class, 3), (a.of_class, 3), (Scaled.of_class_too, 3), (a.static, 5), (a.static_too, 5)):
        for _ in range(3):
            np.testing.assert_array_equal(f(np.ones(2)), [by, by])


def test_a_method_does_not_keep_its_object():
    a = Scaled(2.0)
    a.times(np.ones(2)), a.times(np.ones(2))
    gone = weakref.ref(a)
    del a
    gc.collect()
    assert gone() is None


def test_copies_of_an_object_have_programs_of_their_own():
    a = Scaled(2.0)
    a.times(np.ones(2)), a.times(np.ones(2))
    for b in (copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        b.by = 7.0
        for _ in range(3):
            np.testing.assert_array_equal(b.times(np.ones(2)), [7, 7])
            np.testing.assert_array_equal(a.times(np.ones(2)), [2, 2])


def test_an_object_with_slots_says_what_is_missing():
    class Slotted:
        __slots__ = ("by",)

        @ad.compile
        def times(self, x):
            return x * self.by

    with pytest.raises(ad.CompileError, match=r'Add "__dict__" to the slots'):
        Slotted().times(np.ones(2))


def test_a_training_step_as_a_method():
    class Trainer:
        def __init__(self):
            self.model = model_of()
            self.optimizer = optim.Adam(self.model.parameters())

        def step(self, x, y):
            loss = nn.mse_loss(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            return loss

    class Compiled(Trainer):
        step = ad.compile(Trainer.step)

    plain, fast = Trainer(), Compiled()
    for _ in range(4):
        assert plain.step(X, Y).data == fast.step(X, Y).data
    assert len(fast.step.sources) == 1


def test_decorated_functions_are_pickled_by_name_and_others_anew():
    assert pickle.loads(pickle.dumps(doubled)) is doubled and copy.deepcopy(doubled) is doubled
    f = ad.compile(functools.partial(np.multiply, 3.0))
    f(np.ones(2))
    for g in (copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        np.testing.assert_array_equal(g(np.ones(2)), [3, 3])


def test_a_compiled_function_inside_of_another_is_a_part_of_it():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    inner = ad.compile(lambda x: x * w)
    outer = ad.compile(lambda x: inner(x).sum())
    for value in (1.0, 5.0):
        w.assign_([value, value])
        for _ in range(2):
            assert outer(np.ones(2)).data == 2 * value


# --- modules ---


def test_a_compiled_module_is_the_module():
    m = model_of()
    c = ad.compile(m)
    assert isinstance(c, nn.Sequential) and isinstance(c, nn.Module) and type(c).__name__ == "Sequential"
    assert [k for k, _ in c.named_parameters()] == [k for k, _ in m.named_parameters()]
    assert all(p is q for p, q in zip(c.parameters(), m.parameters()))
    assert list(c.children()) == list(m.children()) and c[0] is m[0] and len(c) == 3 and repr(c) == repr(m)
    for _ in range(3):
        np.testing.assert_array_equal(c(X).data, m(X).data)
    assert len(c.sources) == 1 and "tanh" in c.source and "tanh" in str(c.program)
    assert str(c.summary((1, 3))) == str(m.summary((1, 3)))
    assert "digraph" in ad.draw(c).source
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'sauce'"):
        c.sauce  # noqa: B018  # looking it up is what raises
    again = ad.compile(c, fallback=True)
    np.testing.assert_array_equal(again(X).data, m(X).data)


def test_state_modes_and_attributes_are_shared():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(3)
            self.drop = nn.Dropout(0.5)
            self.by = 2.0

        def forward(self, x):
            return self.drop(self.norm(x)) * self.by

    nn.manual_seed(0)
    plain = Net()
    nn.manual_seed(0)
    m = Net()
    c = ad.compile(m)
    for training in (True, False, True):
        c.train(training)
        plain.train(training)
        assert m.training is training and m.norm.training is training
        for _ in range(3):
            nn.manual_seed(1)
            expected = plain(X).data
            nn.manual_seed(1)
            np.testing.assert_array_equal(c(X).data, expected)
    for key, value in plain.state_dict().items():
        np.testing.assert_array_equal(c.state_dict()[key], value)
    c.by = 3.0
    c.eval()
    assert m.by == 3.0
    np.testing.assert_array_equal(c(X).data, m(X).data)
    state = {k: np.zeros_like(v) for k, v in m.state_dict().items()}
    c.load_state_dict(state)
    np.testing.assert_array_equal(m.norm.weight.data, 0)
    np.testing.assert_array_equal(c(X).data, m(X).data)
    c.requires_grad_(False)
    assert not any(p.requires_grad for p in m.parameters())


def test_hooks_of_a_compiled_module():
    m = model_of()
    c = ad.compile(m)
    before = c(X).data
    with c.register_hook("", lambda module, inputs, y: y * 2):
        for _ in range(2):
            np.testing.assert_array_equal(c(X).data, before * 2)
    np.testing.assert_array_equal(c(X).data, before)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_a_copy_of_a_compiled_module_is_one(again):
    c = ad.compile(model_of(), check=0)
    c(X), c(X)
    d = again(c)
    assert isinstance(d, nn.Sequential) and d.parameters()[0] is not c.parameters()[0]
    c[0].weight.assign_(c[0].weight.data * 2)
    assert not np.array_equal(c(X).data, d(X).data)
    for _ in range(2):
        np.testing.assert_array_equal(d(X).data, model_of()(X).data)
    assert d._compiled.options["check"] == 0 and len(d.sources) == 1


def test_a_compiled_module_inside_of_a_model_is_fitted_and_saved(tmp_path):
    def train(wrap):
        model = nn.Sequential(wrap(model_of()), nn.ReLU(), nn.Linear(2, 2))
        optimizer = optim.Adam(model.parameters(), 0.01)
        nn.manual_seed(3)
        nn.fit(model, optimizer, nn.mse_loss, (X, Y), epochs=2, progress=False)
        return model

    plain, fast = train(lambda m: m), train(ad.compile)
    path = os.path.join(tmp_path, "model.npz")
    nn.save(path, fast.state_dict())
    assert list(plain.state_dict()) == list(nn.load(path))
    for key, value in plain.state_dict().items():
        np.testing.assert_array_equal(fast.state_dict()[key], value)


# --- tracked results ---


def gradients(model, call, x, y):
    for p in model.parameters():
        p.zero_grad()
    nn.mse_loss(call(x), y).backward()
    return [p.grad.copy() for p in model.parameters()]


def test_gradients_come_through_a_compiled_model():
    m = model_of()
    c = ad.compile(m)
    for k in range(3):
        x = X + k
        for g, h in zip(gradients(m, m, x, Y), gradients(m, c, x, Y)):
            np.testing.assert_array_equal(h, g)
    assert "def Sequential_backwards(" in c.source


def test_what_is_kept_for_the_sweep_is_no_result():
    m = nn.Linear(2, 2)
    c = ad.compile(lambda x: np.tanh(m(x)))
    c(np.ones((1, 2), "f4"))
    lines = str(c.program).splitlines()
    assert lines[-2].startswith("  return ") and "," not in lines[-2] and lines[-1].startswith("  keep ")
    text = ad.derive(lambda x: np.tanh(m(x)))(np.ones((1, 2), "f4"))
    assert text.endswith("return np.tanh(linear)")


def test_training_through_a_compiled_model():
    def train(wrap):
        m = model_of()
        f = wrap(m)
        optimizer = optim.Momentum(m.parameters(), 0.1)
        for k in range(5):
            optimizer.zero_grad()
            nn.mse_loss(f(X + k), Y).backward()
            optimizer.step()
        return [p.data for p in m.parameters()]

    for p, q in zip(train(lambda m: m), train(ad.compile)):
        np.testing.assert_array_equal(p, q)


def test_no_gradient_is_lost_beside_another_one():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    v = ad.tensor([3.0, 4.0], requires_grad=True)
    c = ad.compile(lambda x: (np.sin(w * x), x, [w * w * v]))
    for _ in range(3):
        w.zero_grad(), v.zero_grad()
        a, x, (b,) = c(np.array([1.0, 3.0]))
        assert a.requires_grad and b.requires_grad and not isinstance(x, ad.Tensor)
        (a.sum() + (b * b).sum() + w.sum()).backward()
        np.testing.assert_allclose(w.grad, np.cos([1, 6]) * [1, 3] + 4 * np.array([1, 8]) * [9, 16] + 1)
        np.testing.assert_allclose(v.grad, 2 * np.array([1, 16]) * [3, 4])


def test_what_was_drawn_forward_is_used_backward_and_state_moves_once():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.norm, self.drop = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(self.norm(self.first(x)))

    def run(wrap):
        nn.manual_seed(0)
        m = Net()
        f = wrap(m)
        nn.manual_seed(1)
        found = [gradients(m, f, X, np.ones((5, 4), "f4")) for _ in range(4)]
        return [g for gs in found for g in gs] + list(m.state_dict().values())

    for a, b in zip(run(lambda m: m), run(ad.compile)):
        np.testing.assert_array_equal(a, b)


def test_a_sweep_may_come_late_and_from_several_calls():
    m = model_of()
    c = ad.compile(m)
    c(X)
    late = [c(X + k) for k in range(4)]
    for k in (2, 0, 3, 1):
        for p in m.parameters():
            p.zero_grad()
        nn.mse_loss(late[k], Y).backward()
        got = [p.grad.copy() for p in m.parameters()]
        for g, h in zip(gradients(m, m, X + k, Y), got):
            np.testing.assert_array_equal(h, g)


def test_a_leaf_that_has_changed_since_is_complained_about():
    m = model_of()
    c = ad.compile(m)
    c(X)
    loss = nn.mse_loss(c(X), Y)
    m[0].weight.assign_(m[0].weight.data * 2)
    with pytest.raises(ad.StaleError, match="compiled"):
        loss.backward()


def test_not_tracked_without_recording_after_a_step_and_of_derivatives():
    m = model_of()
    c = ad.compile(m)
    for _ in range(3):
        with ad.no_grad():
            assert not c(X).requires_grad
        assert c(X).requires_grad
    assert len(c.sources) == 2
    optimizer = optim.Adam(m.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = m(x).sum()
        loss.backward()
        optimizer.step()
        return loss

    fast = ad.compile(step)
    assert not any(fast(X).requires_grad for _ in range(3)) and "backwards(" not in fast.source.split("def ")[0]
    slope = ad.compile(ad.grad(lambda x: m(x).sum()))
    assert not any(getattr(slope(X), "requires_grad", False) for _ in range(3))


def test_a_loss_whose_gradients_were_taken_inside_says_that_it_cannot_be_swept_again():
    m = model_of()

    @ad.compile
    def step(x):
        loss = (m(x) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(3):  # eagerly a second sweep is possible; here what it needs is not kept, which is said
        with pytest.raises(ad.GradientError, match="has swept back itself"):
            (step(X) * 2).backward()


def test_second_derivatives_and_forward_sweeps_run_the_function_again_or_say_why_not():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    f = lambda x: np.sum(np.sin(w * x))
    c = ad.compile(f)
    for g in (f, c, c):
        y = g(np.array([1.0, 3.0]))
        (first,) = ad.gradients(y, [w], create_graph=True)
        (second,) = ad.gradients(first.sum(), [w])
        np.testing.assert_allclose(second.data, -np.sin([1.0, 6.0]) * [1, 9])
    rng = np.random.default_rng(0)
    noisy = ad.compile(lambda x: np.sum(np.sin(w * x * ad.live(rng.normal, size=2))))
    noisy(np.ones(2))
    with pytest.raises(ad.GradientError, match=r"runs the function again.*draws or changes something"):
        ad.gradients(noisy(np.ones(2)), [w], create_graph=True)
    w.zero_grad()
    noisy(np.ones(2)).backward()
    assert w.grad is not None


def test_single_numbers_are_tracked_too():
    w = ad.tensor(0.5, requires_grad=True)
    c = ad.compile(lambda x: np.sin(w * x))
    for _ in range(3):
        w.zero_grad()
        (c(np.float64(2.0)) * 3).backward()
        np.testing.assert_allclose(w.grad, 6 * np.cos(1.0))


def test_threads_differentiate_their_own_calls():
    m = model_of()
    c = ad.compile(m)
    c(X), c(X)
    expected = {k: ad.gradients(nn.mse_loss(m(X + k), Y), m.parameters()) for k in range(8)}
    wrong = []

    def work(k):
        for _ in range(20):
            found = ad.gradients(nn.mse_loss(c(X + k), Y), m.parameters())
            if not all(np.array_equal(a.data, b.data) for a, b in zip(found, expected[k])):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert not wrong


def test_a_tracked_result_is_copied_but_not_pickled():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    c = ad.compile(lambda x: np.sin(w * x))
    c(np.ones(2))
    y = c(np.ones(2))
    assert copy.deepcopy(y).requires_grad
    with pytest.raises(ad.RuleError, match="its graph holds a program"):
        pickle.dumps(y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(y.detach())).data, y.data)


def test_a_forward_that_is_compiled():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.drop, self.last = nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2)

        def forward(self, x):
            return self.last(self.drop(np.tanh(self.first(x))))

    class Fast(Net):
        forward = ad.compile(Net.forward)

    def run(kind):
        nn.manual_seed(0)
        m = nn.Sequential(kind(), nn.Tanh())
        nn.manual_seed(1)
        found = [gradients(m, m, X + k, Y) for k in range(3)]
        m.eval()
        return [g for gs in found for g in gs] + [m(X).data, *m.state_dict().values()], m

    (expected, _), (got, m) = run(Net), run(Fast)
    for a, b in zip(expected, got):
        np.testing.assert_array_equal(a, b)
    assert len(m[0].forward.sources) == 2
    assert [k for k, _ in m.named_parameters()] == ["0.first.weight", "0.first.bias", "0.last.weight", "0.last.bias"]
    np.testing.assert_array_equal(copy.deepcopy(m)(X).data, m(X).data)
    optimizer = optim.Adam(m.parameters())

    def step(x):
        loss = m(x).sum()
        optimizer.zero_grad(), loss.backward(), optimizer.step()
        return loss

    whole = ad.compile(step)
    assert float(whole(X).data) > float(whole(X).data) > float(whole(X).data)
