"""Attention and transformer blocks: masks, heads, weights. Torch's numbers: test_nn_torch.py."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn
from tests.layer_checks import check_gradients

rng = np.random.default_rng(0)


def by_hand(layer, query, key, value, shown=True):
    """Head by head, with loops."""
    E, H = layer.embed_dim, layer.num_heads
    W, b = layer.in_weight.data, layer.in_bias.data
    q, k, v = (x @ W[:, i * E : (i + 1) * E] + b[i * E : (i + 1) * E] for i, x in enumerate((query, key, value)))
    d = E // H
    heads = []
    for h in range(H):
        part = slice(h * d, (h + 1) * d)
        scores = q[..., part] @ k[..., part].swapaxes(1, 2) / math.sqrt(d)
        e = np.exp(scores) * shown
        heads.append(e / e.sum(-1, keepdims=True) @ v[..., part])
    return np.concatenate(heads, -1) @ layer.out.weight.data + layer.out.bias.data


def seeded(**options):
    layer = nn.MultiHeadAttention(6, 3, dtype=np.float64, **options)
    for p in layer.parameters():
        p.assign_(rng.normal(size=p.shape))
    return layer


def test_attention_is_its_formula():
    layer, x = seeded(), rng.normal(size=(2, 4, 6))
    np.testing.assert_allclose(layer(x).data, by_hand(layer, x, x, x), rtol=1e-11)


def test_across_two_sequences():
    layer, q, k = seeded(), rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 5, 6))
    v = rng.normal(size=(2, 5, 6))
    np.testing.assert_allclose(layer(q, k, v).data, by_hand(layer, q, k, v), rtol=1e-11)
    np.testing.assert_allclose(layer(q, q, q).data, layer(q).data, rtol=1e-12)


def test_causal_attention_does_not_look_ahead():
    layer, x = seeded(), rng.normal(size=(1, 5, 6))
    np.testing.assert_allclose(layer(x, causal=True).data, by_hand(layer, x, x, x, np.tri(5)), rtol=1e-11)
    t = ad.tensor(x, requires_grad=True)
    layer(t, causal=True)[:, 2].sum().backward()
    assert t.grad[:, :3].all() and not t.grad[:, 3:].any()


def test_keys_that_are_hidden_change_nothing():
    layer, x = seeded(), rng.normal(size=(2, 4, 6))
    mask = np.array([[True, True, False, False], [True, False, True, True]])
    expected = by_hand(layer, x, x, x, mask[:, None])
    np.testing.assert_allclose(layer(x, key_mask=mask).data, expected, rtol=1e-11)
    both = by_hand(layer, x, x, x, mask[:, None] & np.tri(4, dtype=bool))
    np.testing.assert_allclose(layer(x, key_mask=mask, causal=True).data, both, rtol=1e-11)


def test_a_query_that_may_see_nothing_receives_zeros_and_no_nan():
    layer = seeded()
    x = ad.tensor(rng.normal(size=(1, 3, 6)), requires_grad=True)
    y, weights = layer(x, key_mask=np.zeros((1, 3), bool), need_weights=True)
    y.sum().backward()
    assert not weights.data.any()
    np.testing.assert_allclose(y.data, np.broadcast_to(layer.out.bias.data, y.shape))
    assert np.isfinite(x.grad).all() and np.isfinite(layer.in_weight.grad).all()


def test_weights_are_shares():
    layer, x = seeded(), rng.normal(size=(2, 4, 6))
    y, weights = layer(x, causal=True, need_weights=True)
    assert weights.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(weights.data.sum(-1), 1)
    np.testing.assert_array_equal(y.data, layer(x, causal=True).data)


@pytest.mark.parametrize(
    "call",
    [
        lambda layer, x: layer(x, causal=True),
        lambda layer, x: layer(x[:, :1], x[:, 1:], x[:, 1:]),
        lambda layer, x: layer(x, key_mask=np.array([[True, False, True]])),
    ],
    ids=["causal", "across", "some keys"],
)
def test_derivatives_to_second_order(call):
    check_gradients(nn.MultiHeadAttention(2, 2, dtype=np.float64), rng.normal(size=(1, 3, 2)), call)


def test_derivatives_of_a_causal_block_to_second_order():
    block = nn.TransformerBlock(2, 1, 2, norm="post", activation=nn.Tanh(), dtype=np.float64)
    check_gradients(block, rng.normal(size=(1, 2, 2)), lambda layer, x: layer(x, causal=True))


def test_first_values_are_those_of_torch():
    layer = nn.MultiHeadAttention(40, 4, rng=np.random.default_rng(0))
    bound = math.sqrt(6 / 160)
    assert 0.98 * bound < np.abs(layer.in_weight.data).max() <= np.float32(bound)
    assert not layer.in_bias.data.any() and not layer.out.bias.data.any()
    assert [n for n, _ in nn.MultiHeadAttention(4, 2, bias=False).named_parameters()] == ["in_weight", "out.weight"]


def test_dropout_of_weights_in_training_only():
    layer = nn.MultiHeadAttention(8, 2, dropout=0.5, rng=np.random.default_rng(0))
    x = rng.normal(size=(1, 6, 8))
    _, weights = layer(x, need_weights=True)
    assert (weights.data == 0).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x).data, layer(x).data)


def test_a_block_drops_in_training_only():
    block = nn.TransformerBlock(8, 2, dropout=0.3)
    x = rng.normal(size=(2, 4, 8))
    assert not np.array_equal(block(x).data, block(x).data)
    block.eval()
    np.testing.assert_array_equal(block(x).data, block(x).data)


def test_the_two_places_of_the_norm():
    x = rng.normal(size=(2, 4, 8)) * 3
    y = nn.TransformerBlock(8, 2, norm="post", dtype=np.float64)(x).data
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)
    block = nn.TransformerBlock(8, 2, dtype=np.float64)
    for p in (block.attention.out.weight, block.attention.out.bias, block.linear2.weight, block.linear2.bias):
        p.assign_(np.zeros(p.shape))
    np.testing.assert_array_equal(block(x).data, x)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda a, x: a(x, x), TypeError, "queries alone, or queries, keys and values"),
        (lambda a, x: a(x[:, :2], x, x, causal=True), ad.ShapeError, "as many queries as keys; there are 2 and 3"),
        (lambda a, x: a(x, key_mask=np.ones((1, 2), bool)), ad.ShapeError, r"here \(1, 3\).*bool of shape \(1, 2\)"),
        (lambda a, x: a(x, key_mask=np.ones((1, 3))), ad.ShapeError, "Boolean array.*float64"),
        (lambda a, x: a(x, x, x[:, :2]), ad.ShapeError, r"\(1, 3, 6\), \(1, 3, 6\) and \(1, 2, 6\)"),
        (lambda a, x: nn.MultiHeadAttention(6, 4), ValueError, "6 features cannot be divided into 4"),
        (lambda a, x: nn.TransformerBlock(6, 3, norm="mid"), ValueError, "'pre' or 'post'; 'mid'"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call(nn.MultiHeadAttention(6, 3), np.ones((1, 3, 6)))
