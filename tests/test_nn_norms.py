"""Normalisation, dropout and embedding: averages, modes, ranges."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn

rng = np.random.default_rng(0)


# --- batch norm -----------------------------------------------------------------------------------


def test_batch_norm_brings_every_channel_to_mean_0_and_variance_1():
    y = nn.BatchNorm2d(3, dtype=np.float64)(rng.normal(size=(8, 3, 4, 4)) * 5 + 2).data
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-4)


def test_running_averages_are_buffers_in_the_state_and_no_parameters():
    layer = nn.BatchNorm1d(2)
    assert [n for n, _ in layer.named_parameters()] == ["weight", "bias"]
    assert [n for n, _ in layer.named_buffers()] == ["running_mean", "running_var", "num_batches_tracked"]
    layer(rng.normal(size=(5, 2)))
    other = nn.BatchNorm1d(2)
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(other.running_var.data, layer.running_var.data)
    assert other.num_batches_tracked.item() == 1


def test_evaluation_goes_by_the_averages_and_leaves_them():
    layer = nn.BatchNorm1d(2, dtype=np.float64)
    for _ in range(5):
        layer(rng.normal(size=(10, 2)) + 3)
    layer.eval()
    before = layer.state_dict()
    x = rng.normal(size=(1, 2))
    expected = (x - before["running_mean"]) / np.sqrt(before["running_var"] + 1e-5)
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-12)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_without_momentum_the_averages_are_those_of_all_batches():
    layer = nn.BatchNorm1d(1, momentum=None, dtype=np.float64)
    batches = rng.normal(size=(4, 6, 1))
    for x in batches:
        layer(x)
    np.testing.assert_allclose(layer.running_mean.data, batches.mean((0, 1)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.data, batches.var(1, ddof=1).mean(0), rtol=1e-12)


def test_without_averages_evaluation_goes_by_the_batch():
    layer = nn.BatchNorm1d(2, track_running_stats=False, affine=False).eval()
    assert not layer.state_dict()
    np.testing.assert_allclose(layer(rng.normal(size=(50, 2))).data.mean(0), 0, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1])
def test_a_batch_of_one_value_a_channel_has_no_variance(n):
    with pytest.raises(ad.ShapeError, match=rf"at least two values.*\({n}, 2\) has {n}.*\.eval\(\)"):
        nn.BatchNorm1d(2)(np.ones((n, 2)))
    assert nn.BatchNorm1d(2).eval()(np.ones((n, 2))).shape == (n, 2)
    if n:
        assert nn.BatchNorm1d(2)(np.ones((n, 2, 3))).shape == (n, 2, 3)


def test_the_averages_of_a_model_that_is_differentiated_by_a_transform_are_plain():
    layer = nn.BatchNorm1d(2, dtype=np.float64)
    x = rng.normal(size=(4, 2))
    ad.grad(lambda x: (layer(x) ** 3).sum())(x)
    np.testing.assert_allclose(layer.running_mean.data, 0.1 * x.mean(0))
    assert not layer.running_mean.requires_grad


@pytest.mark.parametrize(
    ("options", "text"),
    [({"momentum": 2.0}, "momentum.*2.0"), ({"eps": 0.0}, "eps"), ({"num_features": 0}, "num_features")],
)
def test_batch_norm_refuses_options_that_cannot_be(options, text):
    with pytest.raises(ValueError, match=text):
        nn.BatchNorm1d(**{"num_features": 2, **options})


# --- layer, group and root-mean-square norm -------------------------------------------------------


def test_layer_norm_is_its_formula():
    layer = nn.LayerNorm((2, 3), dtype=np.float64)
    layer.weight.assign_(rng.normal(size=(2, 3)))
    layer.bias.assign_(rng.normal(size=(2, 3)))
    x = rng.normal(size=(4, 2, 3))
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-5) * layer.weight.data + layer.bias.data
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-12)


def test_layer_norm_of_equal_entries_is_the_shift():
    layer = nn.LayerNorm(3, dtype=np.float64)
    x = ad.tensor(np.ones((1, 3)) * 7, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [[0, 0, 0]])
    np.testing.assert_allclose(x.grad, 0, atol=1e-9)


def test_one_group_is_a_layer_norm_and_a_group_each_an_instance_norm():
    x = rng.normal(size=(2, 4, 5))
    one = nn.GroupNorm(1, 4, affine=False, dtype=np.float64)(x).data
    np.testing.assert_allclose(one, nn.LayerNorm((4, 5), affine=False, dtype=np.float64)(x).data, rtol=1e-12)
    each = nn.GroupNorm(4, 4, affine=False, dtype=np.float64)(x).data
    np.testing.assert_allclose(each.mean(2), 0, atol=1e-12)
    with pytest.raises(ValueError, match="4 channels cannot be divided into 3"):
        nn.GroupNorm(3, 4)


def test_rms_norm_keeps_the_direction():
    x = rng.normal(size=(3, 4))
    y = nn.RMSNorm(4, dtype=np.float64)(x).data
    np.testing.assert_allclose((y**2).mean(1), 1, rtol=1e-9)
    np.testing.assert_allclose(
        y / np.linalg.norm(y, axis=1, keepdims=True), x / np.linalg.norm(x, axis=1, keepdims=True)
    )


def test_the_reprs_show_what_is_not_the_default():
    assert repr(nn.LayerNorm((2, 3), eps=1e-3, bias=False)) == "LayerNorm((2, 3), eps=0.001, bias=False)"
    assert repr(nn.BatchNorm2d(3, momentum=None, affine=False)) == "BatchNorm2d(3, momentum=None, affine=False)"
    assert repr(nn.GroupNorm(2, 4)) == "GroupNorm(2, 4)" and repr(nn.RMSNorm(4)) == "RMSNorm(4)"


# --- dropout --------------------------------------------------------------------------------------


def test_dropout_leaves_out_a_share_and_keeps_the_expectation():
    x = np.ones(100_000)
    y = nn.Dropout(0.3, rng=np.random.default_rng(0))(x).data
    assert set(np.unique(y)) == {0.0, 1 / 0.7}
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01) and y.mean() == pytest.approx(1, abs=0.01)


def test_the_gradient_goes_through_what_was_left():
    x = ad.tensor(np.ones(50), requires_grad=True)
    y = nn.Dropout(0.5)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.data)


def test_dropout_draws_one_number_an_entry_from_the_threads_generator_in_order():
    nn.manual_seed(3)
    a, b = nn.Dropout(0.5)(np.ones(4)).data, nn.Dropout(0.5)(np.ones((2, 3))).data
    draw = np.random.default_rng(3)
    np.testing.assert_array_equal(a, 2.0 * (draw.random(4) >= 0.5))
    np.testing.assert_array_equal(b, 2.0 * (draw.random((2, 3)) >= 0.5))


def test_dropout_gives_the_same_entries_in_every_dtype():
    ys = [nn.Dropout(0.5, rng=np.random.default_rng(0))(np.ones(20, d)).data for d in (np.float32, np.float64)]
    assert ys[0].dtype == np.float32
    np.testing.assert_array_equal(ys[0], ys[1])


def test_in_evaluation_and_at_0_nothing_is_drawn():
    draw = np.random.default_rng(0)
    x = rng.normal(size=5)
    np.testing.assert_array_equal(nn.Dropout(0.5, rng=draw).eval()(x).data, x)
    np.testing.assert_array_equal(nn.Dropout(0.0, rng=draw)(x).data, x)
    assert draw.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("p", [-0.1, 1.0, math.nan, "half"])
def test_dropout_refuses_what_is_no_share(p):
    with pytest.raises(ValueError, match="at least 0 and less than 1"):
        nn.Dropout(p)


# --- embedding ------------------------------------------------------------------------------------


def test_rows_that_are_read_twice_receive_both_gradients():
    table = nn.Embedding(4, 2, dtype=np.float64)
    table([1, 3, 1]).sum().backward()
    np.testing.assert_array_equal(table.weight.grad, [[0, 0], [2, 2], [0, 0], [1, 1]])


@pytest.mark.parametrize("padding", [0, -1])
def test_the_padding_row_is_0_and_stays_0(padding):
    table = nn.Embedding(4, 2, padding_idx=padding, dtype=np.float64)
    assert not table.weight.data[padding].any()
    table([[0, 1], [3, 3]]).sum().backward()
    assert not table.weight.grad[padding].any() and table.weight.grad[1].all()
    assert repr(table) == f"Embedding(4, 2, padding_idx={padding % 4})"


@pytest.mark.parametrize(
    "numbers", [[], np.zeros((0, 3), int), 2, ad.tensor([1, 2]), np.array([1], np.uint8)], ids=repr
)
def test_an_embedding_takes_whole_numbers_of_every_shape(numbers):
    y = nn.Embedding(5, 3)(numbers)
    assert y.shape == (*np.shape(getattr(numbers, "data", numbers)), 3)


@pytest.mark.parametrize(
    ("numbers", "error", "text"),
    [
        ([0, 5], ad.DomainError, r"rows 0\.\.4; row 5"),
        ([[-1]], ad.DomainError, "row -1"),
        ([0.0], ad.DtypeError, r"float64.*astype\(int\)"),
        ([True], ad.DtypeError, "bool"),
    ],
)
def test_an_embedding_refuses_what_is_no_row(numbers, error, text):
    with pytest.raises(error, match=text):
        nn.Embedding(5, 3)(numbers)
