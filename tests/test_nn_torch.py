"""Layers that torch has too: twenty steps of training from the same weights end at torch's numbers."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.compiler.native import target
from tests.reference import layers

STORED = json.loads(Path(__file__).with_name("reference").joinpath("layers.json").read_text())
EXACT = {"rtol": 1e-9, "atol": 1e-9}


def our_run(name, wrap=lambda f: f):
    """The run of tests/reference/make_torch_layers.py, with our layers; `wrap` may compile the step."""
    case = layers.RUNS[name]
    layer = case.ours(nn)
    parameters = dict(layer.named_parameters())
    for n, p in parameters.items():
        p.assign_(layers.first_value(name, n, p.shape))
    trained = list(parameters.values())
    x = case.numbers
    if x is None:
        x = ad.tensor(layers.first_input(name), requires_grad=True)
        trained.append(x)
    call = case.call_ours or (lambda layer, x: layer(x))
    optimizer = optim.GradientDescent(trained, learning_rate=layers.RATE)
    loss = None

    @wrap
    def step():
        outputs = layers.flat_outputs(call(layer, x))
        loss = sum(((y - layers.target(name, i, y.shape)) ** 2).mean() for i, y in enumerate(outputs))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(layers.STEPS):
        loss = step()
    ends = {**layer.state_dict(), "loss": loss.data}
    if case.numbers is None:
        ends["input"] = x.data
    layer.eval()
    with ad.no_grad():
        ends |= {f"output {i}": y.data for i, y in enumerate(layers.flat_outputs(call(layer, x)))}
    return ends


@pytest.mark.parametrize("name", layers.RUNS)
def test_twenty_steps_end_where_torch_ends(name):
    ours, theirs = our_run(name), STORED["runs"][name]
    assert ours.keys() == theirs.keys()
    for n, expected in theirs.items():
        np.testing.assert_allclose(np.reshape(ours[n], -1), expected, **EXACT, err_msg=n)


@pytest.mark.ci
@pytest.mark.skipif(not target.compilers(), reason=f"no C compiler: {target.HINT}")
@pytest.mark.parametrize("name", layers.RUNS)
def test_the_same_steps_in_c_end_where_torch_ends(name):
    ours, theirs = our_run(name, lambda f: ad.compile(f, backend="native", check=0)), STORED["runs"][name]
    assert ours.keys() == theirs.keys()
    for n, expected in theirs.items():
        np.testing.assert_allclose(np.reshape(ours[n], -1), expected, **EXACT, err_msg=n)


def test_the_stored_numbers_cover_every_run():
    assert STORED["runs"].keys() == layers.RUNS.keys()


def test_twenty_steps_end_where_the_torch_ends_that_is_installed():
    if importlib.util.find_spec("torch") is None:
        return  # the stored numbers stand for it
    from tests.reference.make_torch_layers import run_all

    for name, theirs in run_all().items():
        ours = our_run(name)
        assert ours.keys() == theirs.keys()
        for n, expected in theirs.items():
            np.testing.assert_allclose(ours[n], expected, **EXACT, err_msg=f"{name}: {n}")


@pytest.mark.parametrize("name", ["linear", "conv2d", "batch norm 2d", "gru", "transformer block"])
def test_a_run_with_another_rate_ends_elsewhere(name, monkeypatch):
    """So the comparison would see a wrong gradient."""
    monkeypatch.setattr(layers, "RATE", layers.RATE * (1 + 1e-5))
    ours, theirs = our_run(name), STORED["runs"][name]
    assert not all(np.allclose(np.reshape(ours[n], -1), expected, **EXACT) for n, expected in theirs.items())
