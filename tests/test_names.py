"""The tables of names, and what asking for a name must not disturb."""

import copy
import inspect
import pickle
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import nn
import nn.names
import optim
import optim.names
from autodiff import probability as pr
from autodiff.names import tables
from tests.test_first_hour_names import (
    layer,
    made,
    model,
    normal,
    of_tensors,
    optimizer,
    parameters,
    poisson,
    schedule,
    x,
)

ROOT = Path(__file__).parents[1]

# --- the tables

TABLES = {
    **{
        f"tables.{n}": (getattr(tables, n), of_tensors)
        for n in ("AUTODIFF", "TENSOR", "TENSOR_KEYWORDS", "SPECIAL", "PLOTTING")
    },
    **{f"tables.{n}": (getattr(tables, n), of_tensors) for n in ("PROBABILITY", "CONTINUOUS", "DISCRETE")},
    **{f"tables.{n}": (rows, of_tensors) for n, rows in tables.DISTRIBUTION_KEYWORDS.items()},
    **{
        f"nn.{n}": (getattr(nn.names, n), made)
        for n in (
            "NN",
            "DATA",
            "INIT",
            "MODULE",
            "LAYER_KEYWORDS",
            "METHOD_KEYWORDS",
            "HISTORY",
            "FIT_KEYWORDS",
            "DATA_KEYWORDS",
            "PLOTTING",
        )
    },
    **{
        f"optim.{n}": (getattr(optim.names, n), made)
        for n in ("OPTIM", "OPTIMIZER", "SCHEDULE", "KEYWORDS", "PLOTTING")
    },
}


@pytest.mark.parametrize("rows", TABLES)
def test_every_example_runs(rows, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found, namespace = TABLES[rows]
    nn.save("model.npz", made()["model"].state_dict())
    for example in dict.fromkeys(example for _, example in found.values() if example):
        exec(example, namespace())
    capsys.readouterr()


@pytest.mark.parametrize("rows", TABLES)
def test_every_name_that_is_recommended_exists(rows):
    found, namespace = TABLES[rows]
    names = namespace()
    for here, _ in found.values():
        for first, *rest in (path.split(".") for path in re.findall(r"\b(?:ad|nn|optim|np|pr|x)(?:\.\w+)+", here)):
            thing = names[first]
            for name in rest:
                thing = getattr(thing, name)


@pytest.mark.parametrize(
    ("rows", "owner"),
    [
        (tables.AUTODIFF, ad),
        (tables.TENSOR, x),
        (tables.PROBABILITY, pr),
        (tables.SPECIAL, ad.special),
        (tables.PLOTTING, ad.plotting),
        (nn.names.PLOTTING, nn.plotting),
        (optim.names.PLOTTING, optim.plotting),
        (tables.CONTINUOUS, normal),
        (tables.DISCRETE, poisson),
        (nn.names.NN, nn),
        (nn.names.INIT, nn.init),
        (nn.names.DATA, nn.data),
        (nn.names.MODULE, model),
        (nn.names.MODULE, layer),
        (nn.names.HISTORY, nn.History()),
        (optim.names.OPTIM, optim),
        (optim.names.OPTIMIZER, optimizer),
        (optim.names.SCHEDULE, schedule),
    ],
)
def test_a_row_is_for_a_name_that_does_not_exist(rows, owner):
    assert [name for name in rows if hasattr(owner, name)] == []
    assert not set(rows) & set(dir(owner))


def test_the_special_functions_of_the_table_exist():
    assert [name for name in tables._SPECIAL if not callable(getattr(ad.special, name, None))] == []


# --- what works


def test_what_costs_nothing_works():
    y = ad.tensor([1.0, 2.0])
    assert y.numpy().tolist() == [1.0, 2.0] and (x * 2).detach().numpy().shape == (2, 3)
    y.requires_grad = True
    assert y.requires_grad and (y * y).requires_grad
    y.requires_grad = False
    assert not (y * y).requires_grad
    with pytest.raises(ad.GradientError, match="for leaves"):
        (x * x).requires_grad = False


def test_the_number_of_entries_is_a_number():
    y = ad.tensor(np.ones((2, 3), "f4"), requires_grad=True)
    assert y.size == 6 and isinstance(y.size, int) and repr(y.size) == "6" and pickle.loads(pickle.dumps(y.size)) == 6
    for z in (y * y.size, y.size * y, y / y.size, y.size / y, y + y.size, np.multiply(y, y.size), y - y.size):
        assert z.dtype == np.float32
    assert (y / y.size)._node.primitive is (y / 6)._node.primitive
    assert type((y / y.size)._node.operands[1]) is int
    plain = np.ones(3, "f4")  # to NumPy a subclass of int is no Python number, and would widen it
    for z in (
        plain * y.size,
        y.size * plain,
        plain / y.size,
        np.add(plain, y.size),
        np.float32(2) / y.size,
        plain[0] * y.size,
    ):
        assert z.dtype == np.float32
    for z in (np.where(plain > 0, plain, y.size), np.where(y > 0, y, y.size), np.stack([plain, plain]) * y.size):
        assert z.dtype == np.float32
    assert np.full(y.size, 1.0).shape == (6,) and np.arange(y.size).dtype == np.arange(6).dtype
    assert np.array([y.size]).dtype == np.array([6]).dtype and (plain == y.size).tolist() == [False] * 3


@pytest.mark.parametrize(
    "f",
    [
        lambda t: (t * t).sum() / t.size,
        lambda t: np.multiply(t, t.size).sum(),
        lambda t: np.where(t > 0, t, t.size).sum(),
        lambda t: (t.size * np.float32(2) * t).sum(),
    ],
)
def test_the_number_of_entries_can_be_compiled(f):
    t = ad.tensor(np.ones((2, 3), "f4"), requires_grad=True)
    fast = ad.compile(lambda t: f(t))
    assert fast(t).dtype == np.float32 and [fast(t).item() for _ in range(2)] == [f(t).item()] * 2


# --- the protocols of Python


def test_nobody_has_a_name_that_it_should_not_have():
    for thing in (x, x.sum(), model, optimizer, schedule, normal, ad, nn, optim, pr):
        for name in (
            "__wrapped__",
            "__fspath__",
            "_repr_html_",
            "__array_wrap__",
            "__cuda_array_interface__",
            "_ipython_display_",
        ):
            assert not hasattr(thing, name), (thing, name)
            with pytest.raises(AttributeError) as caught:
                getattr(thing, name)
            assert "Write" not in str(caught.value)
    for thing in (x.detach(), model, optimizer, schedule, normal):
        assert (
            type(copy.deepcopy(thing))
            is type(copy.copy(thing))
            is type(pickle.loads(pickle.dumps(thing)))
            is type(thing)
        )


def test_functions_keep_their_signatures():
    assert list(inspect.signature(nn.Linear).parameters) == ["in_features", "out_features", "bias", "dtype", "rng"]
    assert list(inspect.signature(nn.ReLU).parameters) == []
    assert list(inspect.signature(optim.Adam).parameters)[:2] == ["parameters", "learning_rate"]
    assert list(inspect.signature(pr.Normal).parameters) == ["mean", "standard_deviation"]
    assert pickle.loads(pickle.dumps(ad.Tensor.sum)) is ad.Tensor.sum


def test_an_attribute_error_inside_of_a_property_is_the_one_that_is_told():
    class Mine(nn.Module):
        @property
        def fit(self):
            return self.weight.shape

    with pytest.raises(AttributeError, match="'Mine' object has no attribute 'weight'"):
        _ = Mine().fit

    class Own(optim.GradientDescent):
        def __init__(self, parameters, lr):
            super().__init__(parameters, lr)

        @property
        def minimize(self):
            return self.nothing

    with pytest.raises(AttributeError, match="'Own' object has no attribute 'nothing'"):
        _ = Own(parameters, lr=0.1).minimize


def test_a_layer_of_ones_own_takes_what_it_likes():
    class Mine(nn.Linear):
        def __init__(self, units, device=None):
            super().__init__(2, units)
            self.device = device

    assert Mine(units=3, device="cpu").device == "cpu"


def test_a_name_that_is_not_there_costs_nothing_before():
    late = ("autodiff.names.tables", "nn.names", "optim.names", "difflib", "optim.minima.objective", "optim.solving")
    code = f"import autodiff, nn, optim, sys; print([m for m in {late} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_similar_name_is_looked_for_when_the_message_is_shown(monkeypatch):
    looked = []
    monkeypatch.setattr(ad.names, "_nearest", lambda name, known: looked.append(name))
    for package in (ad, nn, optim):
        assert not hasattr(package, "Jacobbian") and not looked
        with pytest.raises(AttributeError) as caught:
            _ = package.Jacobbian
        copied = pickle.loads(pickle.dumps(caught.value))
        assert str(copied) == str(caught.value) and "Jacobbian" in repr(copied) and len(repr(copied)) < 100
        assert looked and not looked.clear()


def test_asking_in_vain_is_quick():
    hasattr(x, "cpu"), hasattr(model, "cuda")
    start = time.perf_counter()
    for _ in range(200):
        hasattr(x, "cpu"), hasattr(model, "cuda"), hasattr(x, "to_numpy")
    assert (time.perf_counter() - start) / 600 < 1e-3
