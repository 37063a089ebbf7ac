"""einops, autoray, cotengra and dask know Tensors, whichever is loaded first; derivatives travel to other processes."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.arrays import registering
from autodiff.testing import gradcheck
from tests.neighbours import loaded, shows

X = np.arange(6.0).reshape(2, 3) + 0.5


def checked(f, x=X):
    """The gradient of a function of Tensors."""
    gradcheck(lambda x: f(x if isinstance(x, ad.Tensor) else ad.tensor(x)), x)


def compiled(f):
    """A function of arrays and its gradient, compiled: what the library remembers is no change of a user's."""
    for plain in (lambda x: np.sum(f(x)), ad.grad(lambda x: np.sum(f(x)))):
        fast = ad.compile(plain)
        for factor in (1.0, 2.0):
            np.testing.assert_allclose(fast(factor * X), plain(factor * X))


@shows(
    "einops",
    "`rearrange`, `reduce`, `repeat`, `einsum`, `pack`, `unpack`, of parameters and compiled too",
    "gradients right",
)
def test_einops(library):
    checked(lambda x: library.rearrange(x, "a b -> b a"))
    checked(lambda x: library.rearrange(x, "a (b c) -> (a b) c", c=3))
    for reduction in ("sum", "mean", "max", "min", "prod"):
        checked(lambda x, reduction=reduction: library.reduce(x, "a b -> b", reduction))
    checked(lambda x: library.repeat(x, "a b -> a b 2"))
    checked(lambda x: library.einsum(x, x, "a b, c b -> a c"))
    checked(lambda x: library.unpack(*library.pack([x, x * x], "a *"), "a *")[1])
    assert library.rearrange(nn.Linear(2, 3).weight, "a b -> b a").requires_grad
    compiled(lambda x: library.rearrange(x, "a b -> b a") ** 2)
    compiled(lambda x: library.einsum(x, x, "a b, c b -> a c"))
    with pytest.raises(ad.UntrackedError):
        library.asnumpy(ad.tensor(X, requires_grad=True))


@shows(
    "autoray",
    "`do` of `sin`, `linalg.norm`, `einsum`, `stack`, `transpose`, `tensordot`; `to_numpy`",
    "gradients right; UntrackedError",
)
def test_autoray(library):
    checked(lambda x: library.do("sin", x))
    checked(lambda x: library.do("linalg.norm", x))
    checked(lambda x: library.do("einsum", "ab->ba", x))
    checked(lambda x: library.do("stack", [x, x]))
    checked(lambda x: library.do("tensordot", x, x, 2))
    assert library.infer_backend(nn.Linear(2, 3).weight) == "numpy"
    compiled(lambda x: library.do("tensordot", library.do("sin", x), x, 2))
    with pytest.raises(ad.UntrackedError):
        library.to_numpy(ad.tensor(X, requires_grad=True))


@shows("cotengra", "`einsum`, `array_contract`", "gradients right")
def test_cotengra(library):
    checked(lambda x: library.einsum("ab,cb,cd->ad", x, x, x))
    checked(lambda x: library.array_contract([x, x], [("a", "b"), ("c", "b")], ("a", "c")))
    compiled(lambda x: library.einsum("ab,cb,cd->ad", x, x, x))


@pytest.mark.ci
@shows(
    "dask.array",
    "`from_array(tensor)`, operators on both sides, ufuncs, sums, products, `tensordot`, `einsum`, by threads",
    "gradients right, second order too",
)
def test_dask(library):
    other = library.from_array(X + 1.0, chunks=(1, 3))
    for f in (
        lambda x: (library.from_array(x, chunks=(1, 3)) ** 2).sum(),
        lambda x: other * x,
        lambda x: x * other,
        lambda x: np.add(x, other),
        lambda x: other.T @ x,
        lambda x: library.tensordot(library.from_array(x, chunks=1), other, 2),
        lambda x: library.dot(library.from_array(x, chunks=1), other.T),
        lambda x: library.einsum("ab,cb->ac", library.from_array(x, chunks=1), other),
        lambda x: library.sin(library.from_array(x)).mean(axis=0),
        lambda x: library.stack([library.from_array(x), other]),
        lambda x: library.from_array(x, chunks=(1, 3)).map_blocks(np.cos),
    ):
        for scheduler in ("sync", "threads"):
            checked(lambda x, f=f, scheduler=scheduler: f(x).compute(scheduler=scheduler))
    cubic = lambda x: (library.from_array(x, chunks=1) ** 3).sum().compute()
    np.testing.assert_allclose(ad.hessian(cubic)(np.array([1.0, 2.0])), np.diag([6.0, 12.0]))
    a, b = (ad.tensor(X, requires_grad=True) for _ in range(2))  # equal, and not the same
    both = (library.from_array(a) * 3 + library.from_array(b) * 5).sum().compute()
    assert [g.data[0, 0] for g in ad.gradients(both, [a, b])] == [3.0, 5.0]


@pytest.mark.ci
@pytest.mark.parametrize("first", ["autodiff", "einops, autoray, dask.array"])
def test_whichever_is_loaded_first(first):
    for name in ("einops", "autoray", "dask.array"):
        loaded(name)
    code = f"""
import {first}
import autodiff, einops, autoray, dask.array
x = autodiff.tensor([[1.0, 2.0]], requires_grad=True)
assert einops.rearrange(x, "a b -> b a").requires_grad
assert autoray.do("sin", x).requires_grad
assert (dask.array.ones((1, 2)) * x).sum().compute().requires_grad
import einops._backends as backends, inspect
assert "class NumpyBackend" in inspect.getsource(backends)
print("known")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "known", done.stderr


def test_another_version_breaks_nothing(monkeypatch):
    monkeypatch.setitem(registering.REGISTERS, "einops._backends", lambda module: module.no_such_thing)
    monkeypatch.setitem(sys.modules, "einops._backends", np)
    monkeypatch.setattr(np, "__name__", "einops._backends")
    with pytest.warns(RuntimeWarning, match="einops could not be told"):
        registering._register(np)
    finders = list(sys.meta_path)
    monkeypatch.setattr(registering, "REGISTERS", {})
    registering.watch()
    assert sys.meta_path == finders


KEYWORDS = (
    {"dtype": float},
    {"casting": "same_kind"},
    {"where": True},
    {"order": "K"},
    {"subok": True},
    {"dtype": None},
)


@pytest.mark.parametrize("keywords", KEYWORDS, ids=str)
def test_keywords_that_change_nothing(keywords):
    checked(lambda x: np.add(x, x**2, **keywords))
    checked(lambda x: np.sin(x, **keywords))
    with pytest.raises(ad.UnsupportedError, match=r"does not take dtype="):
        np.add(ad.tensor(X), 1.0, dtype=np.float32)
    with pytest.raises(ad.UnsupportedError, match=r"does not take where="):
        np.add(ad.tensor(X), 1.0, where=X > 1)


# --- travel


def cube(x):
    return np.sum(x**3)


def travellers():
    local = 3.0
    return {
        "compiled": ad.compile(lambda x: np.sum(x**3)),
        "gradient": ad.grad(lambda x: np.sum(x**local)),
        "compiled gradient": ad.compile(ad.grad(cube)),
        "hessian": lambda x: ad.hessian(cube)(x) @ np.ones(2),
    }


@shows("cloudpickle", "compiled functions, gradients, compiled gradients, closures", "made anew on the other side")
def test_derivatives_travel(library):
    for name, f in travellers().items():
        expected = f(np.array([1.0, 2.0]))
        again = library.loads(library.dumps(f))
        np.testing.assert_array_equal(again(np.array([1.0, 2.0])), expected, err_msg=name)
    assert pickle.loads(pickle.dumps(ad.compile(cube)))(np.ones(2)) == 2.0


@pytest.mark.ci
@shows("joblib", "`Parallel` of gradients and compiled gradients, by threads and by processes", "as in a loop")
def test_derivatives_in_parallel(library):
    points = [np.array([1.0, 2.0]) * k for k in range(3)]
    for name, f in travellers().items():
        expected = [f(x) for x in points]
        for options in ({"prefer": "threads"}, {}):
            found = library.Parallel(n_jobs=2, **options)(library.delayed(f)(x) for x in points)
            np.testing.assert_array_equal(found, expected, err_msg=name)
