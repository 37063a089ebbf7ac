"""State that a program of JAX changes stays on the device; whoever looks finds what eager code would leave."""

import copy
import gc
import pickle
import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import autodiff as ad
import nn
import optim
from autodiff.arrays.afar import is_afar
from tests.test_compile_jax import needs_jax

pytestmark = needs_jax
F = np.float64
RNG = np.random.default_rng(0)
BATCHES = [(RNG.normal(size=(6, 3)), RNG.integers(0, 2, 6)) for _ in range(3)]


class Side:
    """A network with its optimiser, a step and a prediction."""

    def __init__(self, method=optim.Adam):
        nn.manual_seed(1)
        layers = nn.Linear(3, 4, dtype=F), nn.BatchNorm1d(4, dtype=F), nn.Tanh(), nn.Linear(4, 2, dtype=F)
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
    """Two networks, and the ways to step the second and to look at it; compiled once for all runs of a machine."""
    both = Side(), Side()
    mine = both[1]
    ways = {"eager": mine.step} | {name: ad.compile(mine.step, backend=name) for name in backends}
    for run in ways.values():
        for x, y in BATCHES:
            run(x, y)
    return both, ways, {"eager": mine.look} | {name: ad.compile(mine.look, backend=name) for name in backends}


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

    @rule(i=st.integers(0, 8))
    def read(self, i):
        a, b = (side.tensors[i] for side in self.sides)
        assert b.shape == a.shape and b.dtype == a.dtype and b.size == a.size
        np.testing.assert_allclose(b.data, a.data, rtol=1e-9, atol=1e-11)

    @rule(i=st.integers(0, 5))
    def read_a_gradient(self, i):
        a, b = (side.model.parameters()[i].grad for side in self.sides)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-11)

    @rule(i=st.integers(0, 8), number=st.floats(-1, 1))
    def assign(self, i, number):
        for side in self.sides:
            t = side.tensors[i]
            t.assign_((np.ones(t.shape) * (1 + abs(number))).astype(t.dtype))

    @rule(i=st.integers(0, 5), factor=st.floats(0.5, 2))
    def change_in_place(self, i, factor):
        for side in self.sides:
            side.model.parameters()[i].data[...] *= factor

    @rule(i=st.integers(0, 5))
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


def trained(method=optim.Adam, calls=3):
    side = Side(method)
    fast = ad.compile(side.step, backend="jax")
    for k in range(calls):
        fast(*BATCHES[k % 3])
    gc.collect()
    fast(*BATCHES[0])
    return side, fast
