"""Graphs are freed by reference counting, long runs stay flat, long chains need no stack."""

import contextlib
import gc
import sys
import threading
import time
import tracemalloc
import warnings
import weakref

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.core import walks
from autodiff.core.modes import SCOPES


@pytest.fixture
def no_collector():
    """The garbage collector off: what is freed is freed by counting."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def traced():
    """A function that gives the bytes allocated by Python and NumPy."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()


SIZE = 20_000  # entries: 160 kB an array
V = np.ones(SIZE)


def f(x):
    return (np.tanh(x) * x + np.exp(-x)).sum()


def _network():
    model = nn.Sequential(nn.Linear(8, 64, rng=np.random.default_rng(0)), nn.ReLU(), nn.Linear(64, 4))
    return model, np.ones((200, 8), np.float32), np.zeros(200, int)


def _training():
    model, x, y = _network()
    optimizer = optim.Adam(model.parameters())
    for _ in range(2):
        optimizer.step(lambda: nn.cross_entropy(model(x), y))


def _newton():
    model, x, y = _network()
    optimizer = optim.Newton(model.parameters(), max_products=3)
    optimizer.step(lambda: nn.cross_entropy(model(x), y))


def _failing():
    def g(x):
        raise ValueError("in the middle of a recording")

    with contextlib.suppress(ValueError):
        ad.grad(lambda x: g(np.tanh(x)))(V)
    with contextlib.suppress(ad.GradientError):
        ad.grad(lambda x: np.tanh(x))(V)


def _misfitting():
    with contextlib.suppress(TypeError):
        ad.grad(lambda x, y: (x * y).sum())(V)


def _writing():
    def g(x):
        out = np.zeros(2)
        out[0] = np.tanh(x)[0]

    with contextlib.suppress(ad.UntrackedError):
        ad.grad(g)(V)


def _backward():
    x = ad.tensor(V, requires_grad=True)
    f(x).backward()


def _kept_graph():
    x = ad.tensor(V, requires_grad=True)
    y = f(x)
    (g,) = ad.gradients(y, [x], create_graph=True)
    ad.gradients(g.sum(), [x])


def _several_outputs():
    x = ad.tensor(V, requires_grad=True)
    a, b = np.split(x, 2)
    (a * b).sum().backward()


CALLS = {
    "backward": _backward,
    "gradients": _kept_graph,
    "several outputs": _several_outputs,
    "grad": lambda: ad.grad(f)(V),
    "value_and_grad": lambda: ad.value_and_grad(f)(V),
    "vjp": lambda: ad.vjp(f, V)[1](1.0),
    "jvp": lambda: ad.jvp(f, (V,), (V,)),
    "linearize": lambda: ad.linearize(f, V)[1](V),
    "hvp": lambda: ad.hvp(f, V, V),
    "hessian_operator": lambda: ad.hessian_operator(f, V) @ V,
    "jacobian forward": lambda: ad.jacobian(lambda t: t * V, mode="forward")(1.5),
    "jacobian reverse": lambda: ad.jacobian(f, mode="reverse")(V),
    "hessian": lambda: ad.hessian(lambda x: (x**3).sum() ** 2)(np.ones(50)),
    "derivative": lambda: ad.derivative(np.tanh, 3)(V),
    "directional": lambda: ad.directional_derivative(f, V, V),
    "checkpoint": lambda: ad.grad(ad.checkpoint(f))(V),
    "nested": lambda: ad.grad(lambda x: (ad.grad(f)(x) ** 2).sum())(V),
    "no_grad": lambda: ad.no_grad()(f)(ad.tensor(V, requires_grad=True)),
    "masks": lambda: ad.grad(lambda x: np.where(x > 0, np.sqrt(x), 0.0).sum())(V),
    "drawing": lambda: ad.draw(f(ad.tensor(V, requires_grad=True))).source,
    "an error": _failing,
    "other arguments": _misfitting,
    "a tensor in an array": _writing,
    "training": _training,
    "newton": _newton,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.usefixtures("no_collector")
def test_everything_is_freed_without_the_collector(call, traced):
    call()
    before = traced()
    for _ in range(3):
        call()
    assert traced() - before < V.nbytes  # not one array a call is kept


@pytest.mark.usefixtures("no_collector")
def test_results_of_transforms_do_not_hold_the_graph():
    nodes = []

    def g(x):
        y = np.tanh(x)
        nodes.append(weakref.ref(y._node))
        return y.sum()

    kept = [ad.grad(g)(V), ad.value_and_grad(g)(V), ad.hvp(g, V, V), ad.vjp(g, V)[0], ad.jvp(g, (V,), (V,))]
    kept.append(ad.grad(g)(ad.tensor(V)))
    assert len(kept) == 6 and nodes and all(node() is None for node in nodes)


@pytest.mark.usefixtures("no_collector")
def test_a_pullback_holds_the_graph_only_as_long_as_it_lives():
    nodes = []

    def g(x):
        y = np.tanh(x)
        nodes.append(weakref.ref(y._node))
        return y * 2

    _, pullback = ad.vjp(g, V)
    pullback(V)
    assert nodes[0]() is not None
    del pullback
    assert nodes[0]() is None


@pytest.mark.usefixtures("no_collector")
def test_a_gradient_does_not_hold_the_graph():
    x = ad.tensor(V, requires_grad=True)
    y = f(x)
    node = weakref.ref(y._node)
    y.backward()
    grad = x.grad
    del y
    assert node() is None and grad.base is None


@pytest.mark.usefixtures("no_collector")
def test_a_model_and_its_optimiser_are_freed():
    model, x, y = _network()
    optimizer = optim.Adam(model.parameters())
    nn.cross_entropy(model(x), y).backward()
    optimizer.step()
    refs = [
        weakref.ref(model[0]),
        weakref.ref(optimizer),
        weakref.ref(model[0].weight),
        weakref.ref(model[0].weight._node),
    ]
    del model, optimizer
    assert [r() for r in refs] == [None] * 4


@pytest.mark.usefixtures("no_collector")
def test_two_thousand_steps_that_keep_the_loss_are_flat(traced):
    model, x, y = _network()
    x, y = x[:16], y[:16]
    optimizer = optim.Adam(model.parameters())
    losses, marks = [], []
    for _ in range(SCOPES.maxlen):  # the notes of scopes, of which there are so many and no more
        with ad.scope("earlier"):
            pass
    for step in range(2000):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step in (999, 1999):
            marks.append(traced())
    assert marks[1] - marks[0] < 150_000, marks  # 1,000 floats in a list, and tuples that Python keeps for later
    assert losses[-1] < losses[0]


def test_graphs_that_pile_up_are_mentioned_once(monkeypatch):
    monkeypatch.setattr(walks, "_LIMIT", 50_000_000)
    monkeypatch.setattr(walks._Memory, "warned", False)
    x = ad.tensor(np.ones(100_000), requires_grad=True)
    kept = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(60):
            loss = (x * x * x).sum()
            loss.backward()
            kept.append(loss)
    texts = [str(w.message) for w in caught]
    assert len(texts) == 1 and "loss.item()" in texts[0] and "GB" in texts[0]


def test_steps_that_let_go_are_not_mentioned(monkeypatch):
    monkeypatch.setattr(walks, "_LIMIT", 50_000_000)
    monkeypatch.setattr(walks._Memory, "warned", False)
    x = ad.tensor(np.ones(100_000), requires_grad=True)
    for _ in range(60):
        (x * x * x).sum().backward()  # a warning would be an error


# --- long chains ----------------------------------------------------------------------------------

N = 300_000


def test_a_long_chain_is_differentiated_in_a_loop():
    x = ad.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(N):
        y = y * 1.0000001
    (g,) = ad.gradients(y, [x])
    assert g.item() == pytest.approx(1.0000001**N, rel=1e-9)
    y.backward()
    assert x.grad == pytest.approx(1.0000001**N, rel=1e-9)
    start = time.perf_counter()
    del y  # as freeing is: a deep chain must not be a deep recursion
    assert time.perf_counter() - start < 10


def test_a_long_chain_is_pushed_through_in_a_loop():
    def chain(x):
        for _ in range(50_000):
            x = np.sin(x)
        return x

    expected, v = 1.0, 0.5
    for _ in range(50_000):
        expected, v = expected * np.cos(v), np.sin(v)
    y, dy = ad.jvp(chain, (0.5,), (1.0,))
    assert y == pytest.approx(v) and dy == pytest.approx(expected)
    _, pullback = ad.vjp(chain, 0.5)
    assert pullback(1.0)[0] == pytest.approx(expected)


def test_second_derivatives_of_a_long_chain():
    def chain(x):
        for _ in range(10_000):
            x = x * 1.0001 + x * x * 1e-9
        return x

    limit = sys.getrecursionlimit()
    assert ad.hvp(chain, 1.0, 1.0) == pytest.approx(
        (ad.grad(chain)(1.0 + 1e-4) - ad.grad(chain)(1.0 - 1e-4)) / 2e-4, rel=1e-3
    )
    assert sys.getrecursionlimit() == limit


def test_a_wide_graph_and_a_ladder_take_linear_time():
    x = ad.tensor(1.0, requires_grad=True)
    sum(x * float(i) for i in range(20_000)).backward()
    assert x.grad == 19_999 * 10_000
    x.zero_grad()
    a = b = x
    for _ in range(1000):  # 2**1000 paths
        a, b = (a + b) * 0.5, (a - b) * 0.5
    (a + b).backward()
    assert np.isfinite(x.grad)


# CPython 3.12 and 3.13 drop linked objects up to 10,000 C calls deep, whatever the stack: no linked list of that length
# could be dropped in less. 3.11 goes 50 deep, 3.14 looks at the stack.
SMALL_STACK = 4 << 20 if sys.version_info[:2] in ((3, 12), (3, 13)) else 256 << 10


def test_a_long_chain_in_a_thread_with_a_small_stack():
    found = []

    def work():
        x = ad.tensor(1.0, requires_grad=True)
        y = x
        for _ in range(50_000):
            y = y + 1.0
        y.backward()
        found.append(x.grad.item())

    before = threading.stack_size(SMALL_STACK)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found == [1.0]
