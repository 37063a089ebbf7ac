"""RNN, LSTM and GRU: states, layers, directions, dropout. Torch's numbers: test_nn_torch.py."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn
from tests.layer_checks import check_gradients, first

rng = np.random.default_rng(0)
KINDS = pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step(kind, layer, x, state):
    """One step by the formulas of the class."""
    p = {name.removesuffix("_l0"): v.data for name, v in layer.named_parameters()}
    a, b = x @ p["weight_ih"] + p["bias_ih"], state[0] @ p["weight_hh"] + p["bias_hh"]
    if kind is nn.RNN:
        return (np.tanh(a + b),)
    if kind is nn.GRU:
        (ar, az, an), (br, bz, bn) = np.split(a, 3, -1), np.split(b, 3, -1)
        z = sigmoid(az + bz)
        return ((1 - z) * np.tanh(an + sigmoid(ar + br) * bn) + z * state[0],)
    i, f, g, o = np.split(a + b, 4, -1)
    c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


@KINDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_step_is_the_formula(kind, dtype):
    layer = kind(3, 2, dtype=dtype)
    x = rng.normal(size=(4, 5, 3)).astype(dtype)
    state = tuple(rng.normal(size=(1, 4, 2)).astype(dtype) for _ in range(layer.states))
    y, last = layer(x, state if kind is nn.LSTM else state[0])
    s = tuple(v[0] for v in state)
    for t in range(5):
        s = step(kind, layer, x[:, t], s)
        np.testing.assert_allclose(y.data[:, t], s[0], rtol=1e-5 if dtype is np.float32 else 1e-12, atol=1e-6)
    for given, expected in zip(last if kind is nn.LSTM else (last,), s, strict=True):
        assert given.shape == (1, 4, 2) and given.dtype == dtype
        np.testing.assert_allclose(given.data[0], expected, rtol=1e-5 if dtype is np.float32 else 1e-12, atol=1e-6)


@KINDS
def test_a_sequence_in_two_parts_is_the_sequence(kind):
    layer = kind(2, 3, num_layers=2, dtype=np.float64)
    x = rng.normal(size=(2, 6, 2))
    whole, _ = layer(x)
    a, state = layer(x[:, :4])
    b, _ = layer(x[:, 4:], state)
    np.testing.assert_allclose(np.concatenate([a.data, b.data], 1), whole.data, rtol=1e-12)


@KINDS
def test_the_second_direction_is_the_first_on_the_sequence_turned_round(kind):
    layer = kind(2, 3, bidirectional=True, dtype=np.float64)
    plain = kind(2, 3, dtype=np.float64)
    plain.load_state_dict({n.removesuffix("_reverse"): v for n, v in layer.state_dict().items() if "reverse" in n})
    x = rng.normal(size=(2, 5, 2))
    y, last = layer(x)
    z, end = plain(x[:, ::-1])
    np.testing.assert_allclose(y.data[:, ::-1, 3:], z.data, rtol=1e-12)
    np.testing.assert_allclose(first(last).data[1:], first(end).data, rtol=1e-12)


@KINDS
def test_parameters_are_named_as_in_torch(kind):
    layer = kind(2, 3, 2, bidirectional=True)
    names = [n for n, _ in layer.named_parameters()]
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    assert names == [f"{p}_l{k}{s}" for k in range(2) for s in ("", "_reverse") for p in parts]
    assert layer.weight_ih_l0.shape == (2, kind.gates * 3) and layer.weight_ih_l1.shape == (6, kind.gates * 3)
    assert [n for n, _ in kind(2, 3, bias=False).named_parameters()] == ["weight_ih_l0", "weight_hh_l0"]


@KINDS
def test_first_values_are_uniform_within_one_over_the_root_of_the_state(kind):
    bound = 1 / math.sqrt(50)
    for p in kind(4, 50, rng=np.random.default_rng(0)).parameters():
        assert 0.9 * bound < np.abs(p.data).max() <= np.float32(bound)


@KINDS
def test_derivatives_by_the_first_state(kind):
    layer = kind(2, 2, bias=False, dtype=np.float64)
    x, start = rng.normal(size=(1, 3, 2)), rng.normal(size=(1, 1, 2))

    def call(layer, h):
        return layer(x, (h, h * 0.5) if kind is nn.LSTM else h)

    check_gradients(layer, start, call)


@KINDS
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_the_sweep_on_arrays_gives_what_the_recorded_sweep_gives(kind, nonlinearity):
    layer = kind(2, 3, nonlinearity=nonlinearity, dtype=np.float64) if kind is nn.RNN else kind(2, 3, dtype=np.float64)
    y, _ = layer(rng.normal(size=(4, 5, 2)))
    loss = (y**3).sum()
    recorded = ad.gradients(loss, layer.parameters(), create_graph=True)
    loss.backward()
    for p, g in zip(layer.parameters(), recorded, strict=True):
        np.testing.assert_allclose(p.grad, g.data, rtol=1e-12, atol=1e-14)


@KINDS
def test_dropout_lies_between_the_layers_and_in_training_only(kind):
    x = rng.normal(size=(2, 4, 3))
    layer = kind(3, 8, 2, dropout=0.5, rng=np.random.default_rng(0))
    a, b = first(layer(x)).data, first(layer(x)).data
    assert not np.array_equal(a, b)
    layer.eval()
    np.testing.assert_array_equal(first(layer(x)).data, first(layer(x)).data)
    single = kind(3, 8, dropout=0.5)
    np.testing.assert_array_equal(first(single(x)).data, first(single(x)).data)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: nn.RNN(2, 3)(np.ones((2, 4, 2)), np.zeros((2, 3))),
            ad.ShapeError,
            r"here \(1, 2, 3\); \(2, 3\) was given",
        ),
        (lambda: nn.LSTM(2, 3)(np.ones((2, 4, 2)), (np.zeros((1, 2, 3)),)), ad.ShapeError, "state and cell"),
        (lambda: nn.GRU(2, 3)(np.ones((2, 0, 2))), ad.ShapeError, "at least one step"),
        (lambda: nn.RNN(2, 3, nonlinearity="sine"), ValueError, "'tanh' or 'relu'; 'sine'"),
        (lambda: nn.GRU(2, 0), ValueError, "hidden_size"),
        (lambda: nn.GRU(2, 2, dropout=1.0), ValueError, "dropout"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_the_repr_shows_what_is_not_the_default():
    assert repr(nn.GRU(2, 3)) == "GRU(2, 3)"
    assert repr(nn.RNN(2, 3, 2, "relu", bidirectional=True)) == (
        "RNN(2, 3, num_layers=2, bidirectional=True, nonlinearity='relu')"
    )


def test_a_long_sequence_is_one_operation():
    layer = nn.RNN(2, 3, dtype=np.float64)
    y, _ = layer(rng.normal(size=(1, 3000, 2)) * 0.1)
    y[:, -1].sum().backward()
    assert np.isfinite(layer.weight_hh_l0.grad).all()
