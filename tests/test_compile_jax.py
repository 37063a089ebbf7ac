"""Programs under JAX give what the eager engine gives. Without JAX (extra `jax`) nothing of this can run."""

import importlib.util

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff import pytree
from tests.op_cases import ALL
from tests.op_cases.checks import quiet
from tests.test_compile_layers import MODELS as LAYERS
from tests.test_compile_rows import depends_on_values, functions, other

HERE = importlib.util.find_spec("jax") is not None
needs_jax = pytest.mark.skipif(not HERE, reason="JAX is not installed: pip install 'wengert[jax]'")
RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.normal(size=(6, 1, 8, 8)), RNG.integers(0, 3, 6)
F = np.float64


def test_a_missing_jax_and_an_unknown_backend_are_told(monkeypatch):
    with pytest.raises(ad.CompileError, match="'cuda' was given"):
        ad.compile(np.sin, backend="cuda")
    monkeypatch.setitem(__import__("sys").modules, "jax", None)
    with pytest.raises(ImportError, match=r"wengert\[jax\]"):
        ad.compile(np.sin, backend="jax")


@needs_jax
@pytest.mark.parametrize("case", [case for case in ALL if not depends_on_values(case)][::5], ids=str)
def test_rows(case):
    call = case.example(0)
    xs = [np.array(x) for x in call.operands]
    for f in functions(case, call):
        compiled = ad.compile(f, backend="jax")
        moved = [other(x) for x in xs]
        with quiet():
            compiled(*xs)
            found, expected = (pytree.flatten(y)[0] for y in (compiled(*moved), f(*moved)))
        for a, b in zip(found, expected, strict=True):
            a, b = (np.asarray(getattr(v, "data", v)) for v in (a, b))
            assert a.shape == b.shape and a.dtype == b.dtype
            size = np.abs(b[np.isfinite(b)]).max(initial=1.0)
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11 * size)  # XLA has functions of its own


MODELS = {
    "dense": lambda: [nn.Flatten(), nn.Linear(64, 8, dtype=F), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 3, dtype=F)],
    "convolution": lambda: [
        nn.Conv2d(1, 4, 3, dtype=F), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3, dtype=F),
    ],
}  # fmt: skip


@needs_jax
@pytest.mark.parametrize("name", ["dense", "convolution"])
@pytest.mark.parametrize("method", [optim.Adam, optim.Momentum])
def test_a_training_step_is_the_eager_one(name, method):
    found = []
    for wrap in (lambda f: f, lambda f: ad.compile(f, backend="jax")):
        nn.manual_seed(1)
        model = nn.Sequential(*MODELS[name]())
        optimizer = method(model.parameters(), 0.01)

        def step(x, y, model=model, optimizer=optimizer):
            loss = nn.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = wrap(step)
        nn.manual_seed(2)
        losses = [run(IMAGES, LABELS).item() for _ in range(4)]
        found.append((losses, [p.data.copy() for p in model.parameters()]))
        with pytest.raises(ValueError, match="class"):
            run(IMAGES, LABELS + 5)  # labels are looked at in every call
    (losses, parameters), (in_jax, others) = found
    np.testing.assert_allclose(in_jax, losses, rtol=1e-9)
    for p, q in zip(parameters, others, strict=True):
        np.testing.assert_allclose(q, p, rtol=1e-7, atol=1e-10)


@needs_jax
def test_parameters_are_read_at_every_call_and_results_are_the_callers():
    w = ad.tensor(np.ones(3), requires_grad=True)
    f = ad.compile(lambda x: np.sum(w * x) + x, backend="jax")
    assert f(np.ones(3)).data.tolist() == [4, 4, 4]
    w.assign_(2 * np.ones(3))
    y = f(np.ones(3))
    assert y.data.tolist() == [7, 7, 7]
    y.data[0] = 0.0
    assert "np.sum(product_1" in f.source and "def in_jax(" in f.source


@needs_jax
def test_tensors_that_are_assigned_to_hold_what_the_eager_run_leaves():
    def make():
        w = ad.tensor(np.ones(3), requires_grad=True)

        def f(x):
            w.assign_(w * x)
            return np.sum(w * w) + x

        return w, f

    (w, eager), (v, f) = make(), make()
    compiled = ad.compile(f, backend="jax")
    for k in range(1, 4):
        np.testing.assert_allclose(compiled(np.full(3, 1.0 + k)).data, eager(np.full(3, 1.0 + k)).data)
        np.testing.assert_allclose(v.data, w.data)


@needs_jax
def test_what_cannot_be_parted_is_refused():
    w = ad.tensor(np.ones(3), requires_grad=True)
    optimizer = optim.GradientDescent([w], 0.1)

    def thrice(x):  # JAX takes the first step; the second runs here, and nothing can be computed after it
        for _ in range(3):
            optimizer.zero_grad()
            np.sum(w * w * x).backward()
            optimizer.step()

    with pytest.raises(ad.CompileError, match="after a Tensor was changed"):
        ad.compile(thrice, backend="jax")(np.ones(3))
    assert (w.data == 1.0).all() and w.grad is None
    with pytest.raises(ad.CompileError, match="uses a result of JAX"):
        ad.compile(lambda x: np.sum(ad.live(np.cumsum, np.exp(x))), backend="jax")(np.ones(3))


@needs_jax
@pytest.mark.parametrize("name", LAYERS)
def test_a_step_of_every_layer_is_one_program_of_xla(name):
    """No operation of a layer is a callback into NumPy, and the numbers are those of the eager step."""
    layers, x = LAYERS[name]
    found = []
    for wrap in (lambda f: f, lambda f: ad.compile(f, backend="jax", check=0)):
        nn.manual_seed(1)
        model = nn.Sequential(*layers())
        optimizer = optim.Momentum(model.parameters(), 0.05)

        def step(x, model=model, optimizer=optimizer):
            y = model(x)
            y = y[0] if isinstance(y, tuple) else y
            loss = (y * y).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = wrap(step)
        nn.manual_seed(3)
        found.append(([run(x).item() for _ in range(3)], model.state_dict()))
    assert "_on_host" not in run.source
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-9)
    for key, value in found[0][1].items():
        np.testing.assert_allclose(found[1][1][key], value, rtol=1e-7, atol=1e-9, err_msg=key)


@needs_jax
def test_losses_and_softmax_have_no_callbacks_and_keep_infinities():
    x = np.array([[1.0, -np.inf, 3.0], [np.inf, 0.0, np.inf], [-np.inf, -np.inf, -np.inf], [0.0, 1.0, 2.0]])
    for f in (
        lambda x: ad.special.softmax(x, axis=1),
        lambda x: ad.special.log_softmax(x, axis=1),
        lambda x: ad.special.logsumexp(x, axis=1),
        lambda x: ad.special.logsumexp(x, axis=0, keepdims=True),
    ):
        compiled = ad.compile(f, backend="jax", check=0)
        with quiet():
            compiled(x)
            np.testing.assert_allclose(*(np.asarray(getattr(y, "data", y)) for y in (compiled(x), f(x))), rtol=1e-12)
        assert "_on_host" not in compiled.source
    logits, labels = RNG.normal(size=(6, 4)), np.array([0, 1, 2, 3, -100, 1])
    both = ad.value_and_grad(lambda z: nn.cross_entropy(z, labels, ignore_index=-100))
    compiled = ad.compile(both, backend="jax", check=0)
    compiled(logits)
    for a, b in zip(compiled(logits), both(logits), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert "_on_host" not in compiled.source


def _set(index, value):
    return lambda x: ad.tensor(x).at[index].set(value)[::-1]


WITHOUT_CALLBACKS = {
    "sum": lambda x: np.sum(np.sum(x, axis=1) ** 2),
    "mean": lambda x: np.mean(x, axis=0) ** 2,
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "std": lambda x: np.std(x, axis=0, ddof=1),
    # XLA's simplifier of a reverse ends the process, if all of an array is written before
    "reversed, and read whole": lambda x: (x[::-1][:, :]) ** 2,
    "written whole, and reversed": _set(slice(None), 2.0),
    "written in part": _set((slice(1, None), slice(None, None, -2)), np.array([3.0, 4.0])),
    "written in one row": _set((0, None, 1), np.array([5.0])),
}


@needs_jax
@pytest.mark.parametrize("size", [1.0, 1e-200, 1e200, np.inf, np.nan])
@pytest.mark.parametrize("name", WITHOUT_CALLBACKS)
def test_sums_and_slices_have_no_callbacks(name, size):
    f = WITHOUT_CALLBACKS[name]
    x = RNG.normal(size=(4, 3)) * (size if np.isfinite(size) else 1)
    x[1, 1] = x[1, 1] if np.isfinite(size) else size
    for g in (f, ad.grad(lambda x: np.sum(f(x)))):
        compiled = ad.compile(g, backend="jax", check=0)
        with quiet():
            compiled(x)
            found, expected = (np.asarray(getattr(y, "data", y)) for y in (compiled(x), g(x)))
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert "_on_host" not in compiled.source


LABELS_OF = {
    "a row": lambda t: t.reshape(-1),
    "time first": lambda t: t.T.reshape(-1),
    "computed": lambda t: np.where(t > 3, -100, (t + 1) % 5).ravel(),
}


@needs_jax
@pytest.mark.parametrize("name", LABELS_OF)
def test_labels_made_from_arguments_are_looked_at_before(name):
    """As in the loss of a language model: they are no reason for a callback, and wrong ones change nothing."""
    labels_of = LABELS_OF[name]
    tokens = RNG.integers(0, 5, (4, 6))
    found = []
    for wrap in (lambda f: f, lambda f: ad.compile(f, backend="jax", check=0)):
        model = nn.Linear(2, 5, dtype=F, rng=np.random.default_rng(0))
        optimizer = optim.Adam(model.parameters(), 0.05)

        def step(x, t, model=model, optimizer=optimizer):
            labels = labels_of(t)
            loss = nn.cross_entropy(model(x), labels, ignore_index=-100)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, labels

        run, x = wrap(step), np.random.default_rng(1).normal(size=(24, 2))
        losses = [run(x, t)[0].item() for t in (tokens, tokens[::-1])]
        before = model.state_dict()
        if name != "computed":
            with pytest.raises(ad.DomainError, match="label 9 was given"):
                run(x, np.full_like(tokens, 9))
        for key, value in before.items():
            np.testing.assert_array_equal(model.state_dict()[key], value)
        loss, labels = run(x, tokens)
        found.append((losses, loss.item(), labels, *model.state_dict().values()))
    assert "_on_host" not in run.source
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9)


TABLE = ad.tensor(RNG.normal(size=(5, 3)))
BY_INDEX = {
    "rows": lambda i: TABLE[i] * 2,
    "entries": lambda i: TABLE[i, i % 3] * 2,
    "behind other axes": lambda i: TABLE.T[None, ..., i] * 2,
    "computed": lambda i: TABLE[i.reshape(-1) + 0] * 2,
    "np.take": lambda i: np.take(TABLE, i, axis=0) * 2,
    "np.take_along_axis": lambda i: np.take_along_axis(TABLE, i[:, None], axis=0) * 2,
    "added": lambda i: TABLE.at[i].add(1.0) * 2,
    "written": lambda i: TABLE.at[i].set(1.0) * 2,
}


@needs_jax
@pytest.mark.parametrize("name", BY_INDEX)
def test_an_index_outside_is_an_error_as_in_numpy(name):
    """JAX would read the last entry, and write nowhere."""
    f = BY_INDEX[name]
    compiled = ad.compile(f, backend="jax", check=0)
    compiled(np.array([0, 4, 2]))
    entry = ad.compile(lambda x, i: np.take(x, i) * np.take_along_axis(x, i, axis=0), backend="jax", check=0)
    entry(np.arange(3.0), np.array([1, 2]))
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        entry(np.arange(3.0), np.array([1, 3]))
    for i in (np.array([1, 3, 3]), np.array([-1, 0, -5])):
        np.testing.assert_array_equal(compiled(i).data, f(i).data)
    for i in (np.array([1, 5, 0]), np.array([1, -6, 0])):
        with pytest.raises(IndexError, match=f"index {i[1]} is out of bounds"):
            compiled(i)


@needs_jax
def test_windows_of_one_entry_behind_a_reversed_axis():
    """Their sums of windows write all of an array at once, and the slope of the reversal reverses it."""
    x = RNG.normal(size=(2, 3, 5))
    for layer in (nn.Conv1d(3, 2, 1, dtype=F, rng=np.random.default_rng(0)), nn.AvgPool1d(1)):
        slope = ad.grad(lambda x, layer=layer: np.sum(layer(x[..., ::-1]) ** 2))
        compiled = ad.compile(slope, backend="jax", check=0)
        compiled(x)
        found, expected = (getattr(y, "data", y) for y in (compiled(x), slope(x)))
        np.testing.assert_allclose(found, expected, rtol=1e-12)
