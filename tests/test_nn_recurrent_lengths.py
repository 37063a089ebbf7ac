"""Padded sequences in RNN, LSTM and GRU: `lengths=` gives what every sequence gives alone, without its padding."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim

LENGTHS = [5, 2, 1, 4]
KINDS = pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
SHAPES = pytest.mark.parametrize("options", [
    {}, {"num_layers": 2}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True, "bias": False},
], ids=["one", "two layers", "both directions", "two layers in both directions"])  # fmt: skip


def padded(seed=0, fill=np.nan, features=3):
    x = np.random.default_rng(seed).normal(size=(len(LENGTHS), 6, features))
    for row, length in zip(x, LENGTHS):
        row[length:] = fill
    return x


def ends(last):
    return last if isinstance(last, tuple) else (last,)


@KINDS
@SHAPES
@pytest.mark.parametrize("started", [False, True])
def test_each_sequence_gives_what_it_gives_alone(kind, options, started):
    layer = kind(3, 4, dtype=np.float64, rng=np.random.default_rng(1), **options)
    x = padded()
    state = None
    if started:
        directions = layer.num_layers * (1 + layer.bidirectional)
        parts = tuple(np.random.default_rng(2 + k).normal(size=(directions, 4, 4)) for k in range(layer.states))
        state = parts if kind is nn.LSTM else parts[0]
    y, last = layer(x, state, lengths=LENGTHS)
    for i, n in enumerate(LENGTHS):
        own = None if state is None else tuple(s[:, i : i + 1] for s in ends(state))
        alone, end = layer(x[i : i + 1, :n], own if own is None or kind is nn.LSTM else own[0])
        np.testing.assert_allclose(y.data[i, :n], alone.data[0], rtol=1e-12)
        np.testing.assert_array_equal(y.data[i, n:], 0)
        for found, expected in zip(ends(last), ends(end), strict=True):
            np.testing.assert_allclose(found.data[:, i], expected.data[:, 0], rtol=1e-12)


@KINDS
@SHAPES
def test_gradients_are_those_of_the_sequences_alone(kind, options):
    layer = kind(3, 4, dtype=np.float64, rng=np.random.default_rng(1), **options)
    x = ad.tensor(padded(), requires_grad=True)  # NaN in the padding reaches no gradient

    def loss(y, last):
        return (y**3).sum() + sum((h**2).sum() for h in ends(last))

    loss(*layer(x, lengths=LENGTHS)).backward()
    found = {name: p.grad.copy() for name, p in layer.named_parameters()}
    layer.zero_grad()
    for i, n in enumerate(LENGTHS):
        np.testing.assert_array_equal(x.grad[i, n:], 0)
        one = ad.tensor(x.data[i : i + 1, :n], requires_grad=True)
        loss(*layer(one)).backward()
        np.testing.assert_allclose(x.grad[i, :n], one.grad[0], rtol=1e-10, atol=1e-13)
    for name, p in layer.named_parameters():
        np.testing.assert_allclose(found[name], p.grad, rtol=1e-10, atol=1e-13)


@KINDS
def test_second_derivatives(kind):
    layer = kind(2, 2, num_layers=2, bidirectional=True, dtype=np.float64, rng=np.random.default_rng(1))
    f = lambda x: (layer(x, lengths=LENGTHS)[0] ** 2).sum()
    ad.testing.gradcheck(f, padded(fill=0.5, features=2), order=2)


@KINDS
def test_full_lengths_change_nothing(kind):
    layer = kind(3, 4, num_layers=2, bidirectional=True)
    x = np.random.default_rng(0).normal(size=(4, 6, 3))
    y, last = layer(x)
    z, end = layer(x, lengths=np.full(4, 6))
    for a, b in zip((y, *ends(last)), (z, *ends(end)), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-6)
        assert b.dtype == np.float32


@KINDS
@pytest.mark.parametrize("bidirectional", [False, True])
def test_one_program_serves_all_lengths(kind, bidirectional):
    layers = [kind(3, 4, bidirectional=bidirectional, rng=np.random.default_rng(1)) for _ in range(2)]
    optimizers = [optim.Adam(layer.parameters(), 0.01) for layer in layers]

    def stepping(layer, optimizer):
        def step(x, lengths):
            y, last = layer(x, lengths=lengths)
            loss = (y**2).sum() + (ends(last)[0] ** 3).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, y

        return step

    plain, fast = stepping(layers[0], optimizers[0]), ad.compile(stepping(layers[1], optimizers[1]))
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(4, 6, 3)).astype("f4")
        lengths = np.random.default_rng(seed).integers(1, 7, 4)
        for a, b in zip(plain(x, lengths), fast(x, lengths), strict=True):
            np.testing.assert_array_equal(a.data, b.data)
    assert len(fast.sources) == 1
    with pytest.raises(ad.DomainError, match="from 1 to 6"):
        fast(x, np.array([1, 2, 3, 7]))


@pytest.mark.parametrize("dtype", ["u1", "u8", "i4"])
def test_lengths_are_any_integers(dtype):
    layer = nn.GRU(3, 4, bidirectional=True)
    expected, _ = layer(padded(), lengths=LENGTHS)
    for lengths in (np.array(LENGTHS, dtype), ad.tensor(np.array(LENGTHS, dtype)), tuple(LENGTHS)):
        np.testing.assert_array_equal(layer(padded(), lengths=lengths)[0].data, expected.data)


@pytest.mark.parametrize(
    ("lengths", "error", "text"),
    [
        ([5, 2, 1], ad.ShapeError, r"lengths must have shape \(n,\), here \(4,\).*\(3,\) was given"),
        (6, ad.ShapeError, r"shape \(\) was given"),
        ([5.0, 2.0, 1.0, 4.0], ad.DtypeError, r"float64 was given.*\.astype\(int\)"),
        (np.ones(4, bool), ad.DtypeError, r"bool was given.*mask\.sum\(axis=1\)"),
        ([5, 0, 1, 4], ad.DomainError, r"from 1 to 6.*; 0 was given.*Leave sequences without a step out"),
        ([5, 2, 7, 4], ad.DomainError, "7 was given"),
        ([5, 2, -1, 4], ad.DomainError, "-1 was given"),
    ],
)
def test_wrong_lengths_say_what_is_expected(lengths, error, text):
    with pytest.raises(error, match=text):
        nn.LSTM(3, 4)(padded(), lengths=lengths)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_states_of_relu_do_not_grow_in_the_padding(dtype, bidirectional, compiled):
    """Behind the end a state grew to infinity, and its slope of 0 times infinity spoilt every gradient."""
    layer = nn.RNN(2, 3, nonlinearity="relu", bidirectional=bidirectional, dtype=dtype)
    for path, p in layer.named_parameters():
        p.assign_(np.full(p.shape, 2.0 if "hh" in path else 0.1))
    x = np.ones((2, 1200, 2), dtype)

    def step(x):
        layer.zero_grad()
        loss = layer(x, lengths=[2, 3])[0].sum()
        loss.backward()
        return loss.detach()

    (ad.compile(step) if compiled else step)(x)
    padded = [p.grad.copy() for p in layer.parameters()]
    layer.zero_grad()
    (layer(x[:1, :2])[0].sum() + layer(x[1:, :3])[0].sum()).backward()
    for got, p in zip(padded, layer.parameters(), strict=True):
        np.testing.assert_allclose(got, p.grad, rtol={"float16": 1e-2, "float32": 1e-5, "float64": 1e-12}[dtype])
