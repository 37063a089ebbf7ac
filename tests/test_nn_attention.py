"""Attention and transformer blocks: masks, heads, weights. Torch's numbers: test_nn_torch.py."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
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


MASKS = {
    "queries and keys": rng.random((4, 4)) < 0.6,
    "the batch": rng.random((2, 1, 4, 4)) < 0.6,
    "the heads": rng.random((1, 3, 4, 4)) < 0.6,
    "all": rng.random((2, 3, 4, 4)) < 0.6,
    "keys": np.array([True, False, True, True]),
}


def head_by_head(layer, query, key, value, shown):
    """`by_hand` with a mask for each head; queries that see nothing receive zeros."""
    shown = np.broadcast_to(shown, (len(query), layer.num_heads, query.shape[1], key.shape[1]))
    E, d = layer.embed_dim, layer.embed_dim // layer.num_heads
    if layer.in_weight is None:
        W = [layer.query_weight.data, layer.key_weight.data, layer.value_weight.data]
    else:
        W = np.split(layer.in_weight.data, 3, axis=1)
    b = np.split(layer.in_bias.data, 3)
    q, k, v = (x @ w + c for x, w, c in zip((query, key, value), W, b))
    out = np.zeros((*query.shape[:2], E))
    for n, h, t in np.ndindex(shown.shape[:3]):
        part = slice(h * d, (h + 1) * d)
        seen = shown[n, h, t]
        if seen.any():
            e = np.exp(k[n][seen][:, part] @ q[n, t, part] / math.sqrt(d))
            out[n, t, part] = e @ v[n][seen][:, part] / e.sum()
    return out @ layer.out.weight.data + layer.out.bias.data


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("causal", [False, True])
def test_a_general_mask_hides_what_it_says(mask, causal):
    layer, x = seeded(), rng.normal(size=(2, 4, 6))
    shown = mask & np.tri(4, dtype=bool) if causal else mask
    expected = head_by_head(layer, x, x, x, shown)
    np.testing.assert_allclose(layer(x, mask=mask, causal=causal).data, expected, rtol=1e-10, atol=1e-12)
    keys = np.array([[True, True, False, False], [True, False, True, True]])
    found = layer(x, mask=ad.tensor(mask), causal=causal, key_mask=keys)
    expected = head_by_head(layer, x, x, x, shown & keys[:, None, None])
    np.testing.assert_allclose(found.data, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("t", "s"), [(2, 5), (5, 2)])
def test_causal_with_other_numbers_of_queries_and_keys(t, s):
    layer, q, k = seeded(), rng.normal(size=(2, t, 6)), rng.normal(size=(2, s, 6))
    y, weights = layer(q, k, k, causal=True, need_weights=True)
    np.testing.assert_array_equal(weights.data > 0, np.broadcast_to(np.tri(t, s) > 0, weights.shape))
    np.testing.assert_allclose(y.data, head_by_head(layer, q, k, k, np.tri(t, s) > 0), rtol=1e-10, atol=1e-12)


def test_the_last_positions_alone_give_what_they_give_among_all():
    layer, x = seeded(), rng.normal(size=(2, 5, 6))
    found = layer(x[:, 3:], x, x, mask=np.tri(2, 5, 3, dtype=bool))
    np.testing.assert_allclose(found.data, layer(x, causal=True).data[:, 3:], rtol=1e-10)


def test_keys_and_values_of_other_widths():
    layer = seeded(key_features=4, value_features=5)
    q, k, v = rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5, 5))
    mask = rng.random((3, 5)) < 0.7
    np.testing.assert_allclose(
        layer(q, k, v, mask=mask).data, head_by_head(layer, q, k, v, mask), rtol=1e-10, atol=1e-12
    )
    assert list(layer.state_dict()) == [
        "query_weight", "key_weight", "value_weight", "in_bias", "out.weight", "out.bias",
    ]  # fmt: skip
    assert layer.value_weight.shape == (5, 6) and repr(layer) == (
        "MultiHeadAttention(6, 3, key_features=4, value_features=5)"
    )
    twin = nn.MultiHeadAttention(6, 3, dtype=np.float64)
    wide = seeded(key_features=6, value_features=6)  # as many features as queries: one matrix, as ever
    twin.load_state_dict(wide.state_dict())
    np.testing.assert_array_equal(twin(q).data, wide(q).data)


def test_the_widths_are_initialised_as_in_torch():
    layer = nn.MultiHeadAttention(40, 4, key_features=60, value_features=20, rng=np.random.default_rng(0))
    for p, features in ((layer.query_weight, 40), (layer.key_weight, 60), (layer.value_weight, 20)):
        bound = math.sqrt(6 / (features + 40))
        assert 0.98 * bound < np.abs(p.data).max() <= np.float32(bound)


def test_derivatives_with_other_widths_and_a_mask():
    layer = nn.MultiHeadAttention(2, 2, dtype=np.float64, key_features=1, value_features=3)
    k, v = rng.normal(size=(1, 3, 1)), rng.normal(size=(1, 3, 3))
    mask = np.array([[True, False, True], [False, True, True]])
    check_gradients(layer, rng.normal(size=(1, 2, 2)), lambda layer, x: layer(x, k * x[:, :1, :1], v, mask=mask))


def test_a_compiled_step_reads_its_masks_anew():
    layers = [seeded(key_features=4) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    optimizers = [optim.Adam(layer.parameters(), 0.01) for layer in layers]

    def stepping(layer, optimizer):
        def step(q, k, v, mask, keys):
            y = layer(q, k, v, mask=mask, key_mask=keys, causal=True)
            loss = (y**2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, y

        return step

    plain, fast = stepping(layers[0], optimizers[0]), ad.compile(stepping(layers[1], optimizers[1]))
    for _ in range(5):
        given = rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5, 6))
        masks = rng.random((2, 1, 3, 5)) < 0.7, rng.random((2, 5)) < 0.7
        for a, b in zip(plain(*given, *masks), fast(*given, *masks), strict=True):
            np.testing.assert_array_equal(a.data, b.data)
    assert len(fast.sources) == 1


def test_a_block_passes_the_mask_on():
    block, x, mask = nn.TransformerBlock(8, 2), rng.normal(size=(1, 4, 8)), np.tri(4, dtype=bool)
    np.testing.assert_array_equal(block(x, mask=mask).data, block(x, causal=True).data)


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
        (lambda a, x: a(x, mask=np.ones((3, 3))), ad.DtypeError, r"here \(1, 3, 3, 3\), True where.*mask.astype"),
        (lambda a, x: a(x, mask=np.ones((3, 2), bool)), ad.ShapeError, r"broadcasts to .*shape \(3, 2\) was given"),
        (lambda a, x: a(x, mask=np.ones((2, 1, 3, 3), bool)), ad.ShapeError, r"\(2, 1, 3, 3\) was given"),
        (lambda a, x: a(x, mask=np.ones((1, 1, 1, 3, 3), bool)), ad.ShapeError, "was given"),
        (lambda a, x: a(x, mask=np.ones((3, 3, 3), bool)), ad.ShapeError, r"mask\[:, None\] if it is the batch"),
        (lambda a, x: nn.MultiHeadAttention(6, 3, key_features=0), ValueError, "key_features must be a positive"),
        (
            lambda a, x: nn.MultiHeadAttention(6, 3, key_features=4)(x, x, x),
            ad.ShapeError,
            r"keys of shape \(n, s, 4\) and values of shape \(n, s, 6\)",
        ),
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
