"""State that a program of JAX changes stays on the device; whoever looks finds what eager code would leave."""

import copy
import gc
import pickle
import re
import sys
import tempfile
import threading
import weakref

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import autodiff as ad
import nn
import optim
from autodiff.arrays.afar import current, is_afar
from autodiff.compiler.jax_layouts import Layout
from tests.test_compile_jax import needs_jax

pytestmark = needs_jax
F = np.float64
RNG = np.random.default_rng(0)
BATCHES = [(RNG.normal(size=(6, 3)), RNG.integers(0, 2, 6)) for _ in range(3)]


class Side:
    """A network with its optimiser, a step and a prediction."""

    def __init__(self, method=optim.Adam):
        nn.manual_seed(1)
        # No bias before BatchNorm: its gradient is rounding only, and Adam makes steps of that.
        layers = nn.Linear(3, 4, bias=False, dtype=F), nn.BatchNorm1d(4, dtype=F), nn.Tanh(), nn.Linear(4, 2, dtype=F)
        self.model = nn.Sequential(*layers)
        self.optimizer = method(self.model.parameters(), 0.05)
        self.tensors = [*self.model.parameters(), *self.model.buffers()]
        self.start = self.model.state_dict(), self.optimizer.state_dict()

    def loss(self, x, y):
        return nn.cross_entropy(self.model(x), y)

    def step(self, x, y):
        loss = self.loss(x, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def look(self, x):
        return np.tanh(x @ self.model[0].weight.detach())

    def state(self):
        return {**self.model.state_dict(), **{f"optimizer.{k}": v for k, v in self.optimizer.state_dict().items()}}


def assert_alike(a, b):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=1e-9, atol=1e-11, err_msg=key)


def sides(*backends):
    """Two networks, and the ways to step the second and to look at it; compiled once for all runs of a machine.

    Without the comparison with the plain call, which brings everything back.
    """
    both = Side(), Side()
    mine = both[1]
    ways = {"eager": mine.step} | {name: ad.compile(mine.step, backend=name, check=0) for name in backends}
    for run in ways.values():
        for x, y in BATCHES:
            run(x, y)
    return both, ways, {"eager": mine.look} | {name: ad.compile(mine.look, backend=name, check=0) for name in backends}


class Interleaved(RuleBasedStateMachine):
    """Two networks: one is only ever used eagerly, the other in every way."""

    backends: tuple = ("jax",)
    made: tuple = ()

    @initialize()
    def begin(self):
        if not self.made:
            type(self).made = sides(*self.backends)
        self.sides, self.ways, self.looks = self.made
        self.eager, self.mine = self.sides
        for side in self.sides:
            model, optimizer = side.start
            side.model.load_state_dict(model)
            side.optimizer.load_state_dict(optimizer)
            side.optimizer.zero_grad()
        self.held = []

    @rule(way=st.integers(0, 5), k=st.integers(0, 2))
    def step(self, way, k):
        x, y = BATCHES[k]
        way = [*self.ways][-1 - way % len(self.ways)] if way < 3 else "jax"
        np.testing.assert_allclose(self.ways[way](x, y).data, self.eager.step(x, y).data, rtol=1e-9)

    @rule(way=st.integers(0, 2))
    def another_function(self, way):
        x, way = BATCHES[0][0], [*self.looks][-1 - way % len(self.looks)]
        np.testing.assert_allclose(self.looks[way](x).data, self.eager.look(x).data, rtol=1e-9, atol=1e-12)

    @rule(i=st.integers(0, 7))
    def read(self, i):
        a, b = (side.tensors[i] for side in self.sides)
        assert b.shape == a.shape and b.dtype == a.dtype and b.size == a.size
        np.testing.assert_allclose(b.data, a.data, rtol=1e-9, atol=1e-11)

    @rule(i=st.integers(0, 4))
    def read_a_gradient(self, i):
        a, b = (side.model.parameters()[i].grad for side in self.sides)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-11)

    @rule(i=st.integers(0, 7), number=st.floats(-1, 1))
    def assign(self, i, number):
        for side in self.sides:
            t = side.tensors[i]
            t.assign_((np.ones(t.shape) * (1 + abs(number))).astype(t.dtype))

    @rule(i=st.integers(0, 4), factor=st.floats(0.5, 2))
    def change_in_place(self, i, factor):
        for side in self.sides:
            side.model.parameters()[i].data[...] *= factor

    @rule(i=st.integers(0, 4))
    def hold(self, i):
        """Somebody keeps an array of each side, and a view of it, over steps to come."""
        self.held = [[side.model.parameters()[i].data[:1], i] for side in self.sides]

    @rule(factor=st.floats(0.5, 2))
    def write_into_what_is_held(self, factor):
        for one in self.held:
            one[0][...] *= factor

    @rule()
    def let_go(self):
        self.held = []

    @rule()
    def read_the_state(self):
        assert_alike(*(side.state() for side in self.sides))

    @rule(copied=st.booleans())
    def save_and_load(self, copied):
        for side in self.sides:
            model, optimizer = side.model.state_dict(), side.optimizer.state_dict()
            if copied:
                twin, method = pickle.loads(pickle.dumps((side.model, side.optimizer)))
                model, optimizer = copy.deepcopy(twin).state_dict(), method.state_dict()
            side.model.load_state_dict({k: v * 0.5 if v.dtype.kind == "f" else v for k, v in model.items()})
            side.optimizer.load_state_dict(optimizer)

    @rule()
    def step_of_the_optimiser_alone(self):
        for side in self.sides:
            for p in side.model.parameters():
                p.grad = np.full(p.shape, 0.1)
            side.optimizer.step()

    @invariant()
    def what_is_held_is_current(self):
        if self.held:
            (a, _), (b, _) = self.held
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-11)

    def teardown(self):
        self.held = []
        assert_alike(*(side.state() for side in self.sides))


class InterleavedWithNumpy(Interleaved):
    """The same beside programs of NumPy, which hold the arrays of the parameters, so that these cannot leave."""

    backends = ("jax", "numpy")
    made: tuple = ()


class InterleavedWithC(Interleaved):
    """The same beside programs in C, which hold the addresses."""

    backends = ("jax", "native")
    made: tuple = ()


TestInterleaved = Interleaved.TestCase
TestInterleaved.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestInterleavedWithNumpy = InterleavedWithNumpy.TestCase
TestInterleavedWithNumpy.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestInterleavedWithC = pytest.mark.ci(InterleavedWithC.TestCase)
TestInterleavedWithC.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


# --- where the state is -----------------------------------------------------------------------------


def trained(calls=3, method=optim.Adam, wrap=lambda step: step):
    """A network after some calls of its compiled step, and the step."""
    side = Side(method)
    fast = ad.compile(wrap(side.step), backend="jax", check=0)
    for k in range(calls):
        fast(*BATCHES[k % 3])
    return side, fast


@pytest.fixture
def sent(monkeypatch):
    """The shapes of the arrays that are sent to the device as state."""
    found = []
    send = Layout.sent
    monkeypatch.setattr(Layout, "sent", lambda self, a, place: found.append(np.shape(a)) or send(self, a, place))
    return found


def test_state_stays_on_the_device_and_what_was_changed_is_sent_once(sent):
    side, fast = trained()
    model, parameters = side.model, side.model.parameters()
    assert all(map(is_afar, side.tensors)) and all(is_afar(p._node) for p in parameters)
    sent.clear()
    for batch in BATCHES:
        fast(*batch)
    assert sent == []
    assert model[0].weight.shape == (3, 4) and model[0].weight.dtype == F and is_afar(model[0].weight)
    model[0].weight.assign_(np.ones((3, 4)))
    fast(*BATCHES[0])
    fast(*BATCHES[1])
    assert sent == [(3, 4)]
    side.optimizer.load_state_dict(side.optimizer.state_dict())  # fetches two moments of each of five parameters
    sent.clear()
    fast(*BATCHES[0])
    fast(*BATCHES[1])
    assert len(sent) == 10
    model.eval()
    assert side.model(BATCHES[0][0]).shape == (6, 2)  # an eager call brings the parameters back
    assert not any(map(is_afar, side.tensors[:5]))


def test_two_functions_share_parameters_on_the_device(sent):
    side, fast = trained()
    ask = ad.compile(lambda x: np.tanh(x @ side.model[0].weight.detach()), backend="jax", check=0)
    for _ in range(3):
        ask(BATCHES[0][0])
    fast(*BATCHES[0])
    sent.clear()
    found = ask(BATCHES[1][0])
    fast(*BATCHES[1])
    assert sent == []
    eager = Side()
    for batch in (*BATCHES, BATCHES[0]):
        eager.step(*batch)
    np.testing.assert_allclose(found.data, eager.look(BATCHES[1][0]).data, rtol=1e-9, atol=1e-12)


def test_a_held_array_is_written_into_after_every_call():
    side, fast = trained()
    weight = side.model[0].weight
    held = weight.data[1:]
    for batch in BATCHES:
        before = held.copy()
        fast(*batch)
        assert not is_afar(weight) and (held != before).any()
        np.testing.assert_array_equal(held, weight.data[1:])
    held[...] = 0.5
    eager = Side()
    eager.model.load_state_dict(side.model.state_dict())
    eager.optimizer.load_state_dict(side.optimizer.state_dict())
    del held
    np.testing.assert_allclose(fast(*BATCHES[0]).data, eager.step(*BATCHES[0]).data, rtol=1e-9)
    assert is_afar(weight)


LOOKS = {
    "data": lambda side: side.model[0].weight.data,
    "array": lambda side: np.asarray(side.model[0].weight.detach()),
    "state_dict": lambda side: side.model.state_dict()["0.weight"],
    "numpy": lambda side: np.add(side.model[0].weight, 0).data,
    "item": lambda side: np.array(side.model[0].weight.tolist()),
    "pickle": lambda side: pickle.loads(pickle.dumps(side.model))[0].weight.data,
    "pickled tensor": lambda side: pickle.loads(pickle.dumps(side.model[0].weight)).data,
    "deepcopy": lambda side: copy.deepcopy(side.model)[0].weight.data,
    "copy": lambda side: copy.copy(side.model[0].weight).data,
    "copy of both": lambda side: copy.deepcopy((side.model, side.optimizer))[0][0].weight.data,
    "save": lambda side: saved(side)["0.weight"],
    "dlpack": lambda side: np.from_dlpack(side.model[0].weight.detach()),
    "view": lambda side: side.model[0].weight.detach().T.data.T,
    "repr": lambda side: [float(x) for x in re.findall(r"-?\d\.\d+", repr(side.model[0].weight))],
    "new optimiser": lambda side: optim.Momentum(side.model.parameters(), 0.1) and side.model[0].weight.data,
    "no_grad": lambda side: side.model[0].weight.requires_grad_(False).data,
    "vjp": lambda side: ad.grad(lambda w: (w * side.model[0].weight.detach()).sum())(np.zeros((3, 4))),
    "hvp": lambda side: ad.gradients((side.model[0].weight ** 2).sum() / 2, [side.model[0].weight])[0].data,
}  # fmt: skip


def saved(side):
    with tempfile.TemporaryDirectory() as folder:
        nn.save(f"{folder}/model.npz", side.model.state_dict())
        return nn.load(f"{folder}/model.npz")


@pytest.mark.parametrize("look", LOOKS)
def test_every_way_to_look_gives_the_values_of_now(look):
    side, _ = trained(5)
    eager = Side()
    for k in range(5):
        eager.step(*BATCHES[k % 3])
    assert is_afar(side.model[0].weight)
    found = np.reshape(LOOKS[look](side), (3, 4))
    np.testing.assert_allclose(found, eager.model[0].weight.data, rtol=1e-9 if look != "repr" else 1e-6)


def test_gradients_accumulate_over_both_sides():
    nn.manual_seed(1)
    w = ad.tensor(np.ones(3), requires_grad=True)
    fast = ad.compile(lambda x: (w * w * x).sum().backward(), backend="jax", check=0)
    expected = np.zeros(3)
    for k in range(6):
        x = np.arange(3.0) + k
        if k % 3 == 2:
            (w * w * x).sum().backward()
        else:
            fast(x)
        expected += 2 * x
        if k % 2:
            np.testing.assert_allclose(w.grad, expected)
    np.testing.assert_allclose(w.grad, expected)


def test_no_two_arrays_share_what_a_later_step_overwrites():
    """The gradients of `u` and `v` are `w`, those of `a` and `b` are the same, and `c` is given what `w` is."""
    u, v, w, a, b = (ad.tensor(np.full(3, k), requires_grad=True) for k in (1.0, 1.0, 2.0, 3.0, 4.0))
    c = ad.tensor(np.ones(3))
    optimizer = optim.GradientDescent([w, a], 0.5)

    def first(x):
        (u * w + (a + b) * x).sum().backward()
        v.grad = w.detach()
        c.assign_(w)

    def second(x):
        optimizer.zero_grad()
        (w * w + a * x).sum().backward()
        optimizer.step()

    one, two = (ad.compile(f, backend="jax", check=0) for f in (first, second))
    for _ in range(2):  # traces
        one(np.ones(3))
        two(np.ones(3))
    u.zero_grad()
    b.zero_grad()
    before = w.data.copy()
    for f in (one, two, two):
        f(np.full(3, 2.0))
    np.testing.assert_array_equal(u.grad, before)
    np.testing.assert_array_equal(v.grad, before)
    np.testing.assert_array_equal(b.grad, np.full(3, 2.0))
    np.testing.assert_array_equal(c.data, before)
    np.testing.assert_array_equal(w.data, np.zeros(3))


def test_a_graph_from_before_a_step_on_the_device_is_stale():
    side, fast = trained()
    y = (side.model[0].weight ** 3).sum()
    fast(*BATCHES[0])
    with pytest.raises(ad.StaleError):
        y.backward()


def test_a_tensor_on_a_device_dies_with_its_last_reference():
    side, fast = trained()
    gone = weakref.ref(side.model[0].weight)
    assert is_afar(side.model[0].weight)
    del side, fast
    gc.collect()  # compiled functions and their closures are cycles
    assert gone() is None


# --- what goes wrong in the middle ------------------------------------------------------------------


def test_an_interrupt_in_the_middle_of_a_step_loses_nothing():
    """Wherever it comes, the network is as before the step or as after it, and training goes on."""
    places = 0
    while True:
        side, fast = trained()
        twin = Side()
        for batch in BATCHES:
            twin.step(*batch)
        for batch in (BATCHES[0], BATCHES[1]):
            fast(*batch)
            twin.step(*batch)
        before = {key: np.array(value) for key, value in twin.state().items()}
        if not interrupted(fast, BATCHES[2], places):
            break
        twin.step(*BATCHES[2])
        found = side.state()
        assert_alike(found, before if alike(found, before) else twin.state())
        fast(*BATCHES[0])
        side.state()
        places += 7
    assert places > 20


def alike(a, b):
    return all(np.allclose(a[key], b[key], rtol=1e-9, atol=1e-11) for key in a)


def interrupted(fast, batch, place):
    """Call with a KeyboardInterrupt where Python looks for signals: at the start of a function, or after a call into C.

    Of such places in the files that hold the state, it comes at number `place`. Whether the call got so far.
    """
    seen = 0

    def comes(frame, event, _):
        nonlocal seen
        ours = frame.f_code.co_filename.endswith(("jax_step.py", "afar.py", "optimizer.py"))
        if ours and event in ("call", "c_return"):
            seen += 1
            if seen > place:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(comes)
    try:
        fast(*batch)
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
    return False


def test_an_error_in_a_callback_leaves_the_state():
    w = ad.tensor(np.ones(3), requires_grad=True)
    optimizer = optim.Adam([w], 0.1)

    def step(a):
        root = np.linalg.cholesky(a)
        return optimizer.step(lambda: (w * w).sum() * root[0, 0] + np.sum(np.sort(w)))

    fast = ad.compile(step, backend="jax", check=0)
    for _ in range(3):
        fast(np.eye(2))
    before = w.data.copy()
    fast(np.eye(2))
    assert (w.data != before).all()
    before = w.data.copy()
    with pytest.raises((np.linalg.LinAlgError, ad.AutodiffError, ValueError)):
        fast(np.array([[1.0, 2.0], [2.0, 1.0]]))
    np.testing.assert_array_equal(w.data, before)


def test_values_that_are_gone_are_told():
    side, _ = trained()
    current(side.model[0].weight).delete()
    with pytest.raises(ad.DeviceError, match=r"values of a Tensor are gone.*last checkpoint"):
        side.model.state_dict()


def test_threads_that_train_and_look_at_once():
    side, fast = trained()
    failures = []

    def look():
        try:
            for _ in range(60):
                for value in side.model.state_dict().values():
                    assert np.isfinite(value).all()
                side.optimizer.state_dict()
        except Exception as error:
            failures.append(error)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for thread in lookers:
        thread.start()
    for k in range(60):
        fast(*BATCHES[k % 3])
    for thread in lookers:
        thread.join()
    assert not failures
    eager = Side()
    for k in (*range(3), *range(60)):
        eager.step(*BATCHES[k % 3])
    assert_alike(side.state(), eager.state())


# --- the order of changes in one function ----------------------------------------------------------

ACTIONS = ["half", "sync", "swap", "both", "step", "zero", "back", "read", "result"]


def ordered(actions):
    """Two parameters with an optimiser and a buffer, and a function that changes them in this order."""
    w, v = (ad.tensor(np.linspace(k, k + 1, 3), requires_grad=True) for k in (1, 2))
    b = ad.tensor(np.ones(3))
    optimizer = optim.Momentum([w, v], 0.1)
    do = {
        "half": lambda x: w.assign_(w.detach() * 0.5),
        "sync": lambda x: b.assign_(w),
        "swap": lambda x: v.assign_(w),
        "both": lambda x: (b.assign_(x), v.assign_(x)),
        "step": lambda x: optimizer.step(),
        "zero": lambda x: optimizer.zero_grad(),
        "back": lambda x: (w * w * v * x).sum().backward(),
        "read": lambda x: (w * b).detach().sum(),
        "result": lambda x: w.detach() * x,
    }

    def run(x):
        found = [(name, do[name](x)) for name in actions]
        return [y for name, y in found if name in ("read", "result")]

    state = lambda: [t.data for t in (w, v, b)] + [p.grad for p in (w, v)] + [*optimizer.state_dict().values()]
    return run, state


@example(actions=["zero", "back", "half", "step", "read"])
@example(actions=["zero", "back", "step", "half", "result"])
@example(actions=["zero", "back", "both", "step", "sync", "step"])
@example(actions=["swap", "sync", "zero", "back"])
@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=7))
@settings(max_examples=20, deadline=None)
def test_changes_in_any_order(actions):
    (run, state), (eager, expected) = ordered(actions), ordered(actions)
    fast, refused = ad.compile(run, backend="jax", check=0), ""
    for k in range(4):
        x = np.linspace(0.5, 1, 3) + k
        try:
            found = fast(x)
        except ad.CompileError as error:
            refused = str(error)
            break
        for a, b in zip(found, eager(x), strict=True):
            np.testing.assert_allclose(a.data, b.data, rtol=1e-10)
        for a, b in zip(state(), expected(), strict=True) if k != 2 else ():
            assert (a is None) == (b is None)
            np.testing.assert_allclose(0 if a is None else a, 0 if b is None else b, rtol=1e-10, atol=1e-12)
    assert not refused or "after a Tensor was changed" in refused
