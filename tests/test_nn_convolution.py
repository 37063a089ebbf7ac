"""Convolution and pooling layers: options, first values, ties, what they refuse. Torch's numbers: test_nn_torch.py."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn

rng = np.random.default_rng(0)


# --- convolution ----------------------------------------------------------------------------------


def test_a_kernel_of_one_is_a_linear_layer_for_every_pixel():
    layer = nn.Conv2d(3, 2, 1, dtype=np.float64)
    x = rng.normal(size=(4, 3, 5, 6))
    W = layer.weight.data[:, :, 0, 0]
    np.testing.assert_allclose(
        layer(x).data,
        np.einsum("kc,nchw->nkhw", W, x) + layer.bias.data[:, None, None],
        rtol=1e-13,
        atol=1e-14,  # sums may cancel
    )


def test_the_kernel_is_not_reversed():
    layer = nn.Conv1d(1, 1, 2, bias=False, dtype=np.float64)
    layer.weight.assign_([[[1.0, 10.0]]])
    np.testing.assert_array_equal(layer([[[1.0, 2.0, 3.0]]]).data, [[[21.0, 32.0]]])


def test_groups_know_nothing_of_each_other():
    layer = nn.Conv2d(4, 6, 3, groups=2, dtype=np.float64)
    assert layer.weight.shape == (6, 2, 3, 3)
    x = ad.tensor(rng.normal(size=(1, 4, 3, 3)), requires_grad=True)
    layer(x)[:, :3].sum().backward()
    assert x.grad[:, :2].all() and not x.grad[:, 2:].any()


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_same_keeps_the_size(kernel, dilation):
    assert nn.Conv1d(2, 3, kernel, padding="same", dilation=dilation)(np.ones((1, 2, 7))).shape == (1, 3, 7)


def test_valid_adds_nothing():
    a, b = (nn.Conv1d(1, 1, 3, padding=p, rng=np.random.default_rng(0)) for p in ("valid", 0))
    x = rng.normal(size=(1, 1, 5))
    np.testing.assert_array_equal(a(x).data, b(x).data)


@pytest.mark.parametrize(("groups", "fan"), [(1, 4 * 9), (2, 2 * 9)])
def test_first_values_are_uniform_within_one_over_the_root_of_what_a_window_holds(groups, fan):
    layer = nn.Conv2d(4, 200, 3, groups=groups, rng=np.random.default_rng(0))
    bound = 1 / math.sqrt(fan)
    for p in (layer.weight.data, layer.bias.data):
        assert np.abs(p).max() <= np.float32(bound) and np.abs(p).max() > 0.95 * bound
        assert p.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)


def test_the_repr_shows_what_is_not_the_default():
    assert repr(nn.Conv2d(3, 8, 5)) == "Conv2d(3, 8, 5)"
    assert repr(nn.Conv1d(4, 4, 3, 2, 1, 2, 4, False)) == (
        "Conv1d(4, 4, 3, stride=2, padding=1, dilation=2, groups=4, bias=False)"
    )
    assert repr(nn.Conv2d(1, 1, (2, 3), padding="same")) == "Conv2d(1, 1, (2, 3), padding='same')"
    assert repr(nn.MaxPool2d((2, 3), 1, 1)) == "MaxPool2d((2, 3), stride=1, padding=1)"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.Conv1d(0, 1, 1), "in_channels must be a positive integer; 0"),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), r"kernel_size must be .*2 of them.*\(3, 3, 3\)"),
        (lambda: nn.Conv2d(1, 1, 0), "kernel_size .*1 or more.*0 was given"),
        (lambda: nn.Conv2d(1, 1, 2.5), "2.5"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), "stride"),
        (lambda: nn.Conv2d(1, 1, 3, padding=-1), "padding"),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), "'same' or 'valid'; 'full'"),
        (lambda: nn.Conv2d(1, 1, 3, stride=2, padding="same"), "needs stride 1; stride 2"),
        (lambda: nn.Conv2d(4, 6, 3, groups=4), "4 input and 6 output channels cannot both be divided into 4"),
        (lambda: nn.MaxPool1d(2, padding=2), "at most half the kernel, 2; 2 was given"),
    ],
)
def test_options_that_cannot_be_are_refused_when_the_layer_is_made(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_a_kernel_larger_than_the_image_names_the_layer_and_both():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 5))
    with pytest.raises(
        ad.ShapeError, match=r"^2: convolution: a window that spans \(5, 5\) does not fit into \(3, 4\)"
    ):
        model(np.ones((1, 1, 5, 6)))


# --- pooling --------------------------------------------------------------------------------------


def test_of_equal_entries_the_first_receives_the_gradient():
    x = ad.tensor(np.ones((1, 1, 2, 4)), requires_grad=True)
    nn.MaxPool2d(2)(x).sum().backward()
    np.testing.assert_array_equal(x.grad[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0]])


def test_where_windows_overlap_contributions_add():
    x = ad.tensor([[[0.0, 5.0, 1.0]]], requires_grad=True)
    nn.MaxPool1d(2, 1)(x).sum().backward()
    np.testing.assert_array_equal(x.grad, [[[0, 2, 0]]])


def test_padding_never_wins():
    x = -np.ones((1, 1, 4))
    np.testing.assert_array_equal(nn.MaxPool1d(3, 2, 1)(x).data, -np.ones((1, 1, 2)))


def test_nan_shows():
    x = np.array([[[math.nan, 1.0, 2.0, 3.0]]])
    np.testing.assert_array_equal(nn.MaxPool1d(2)(x).data, [[[math.nan, 3.0]]])
    np.testing.assert_array_equal(nn.AvgPool1d(2)(x).data, [[[math.nan, 2.5]]])


def test_a_mean_counts_the_padding_or_not():
    x = np.ones((1, 1, 3))
    np.testing.assert_allclose(nn.AvgPool1d(3, 1, 1)(x).data, [[[2 / 3, 1, 2 / 3]]])
    np.testing.assert_allclose(nn.AvgPool1d(3, 1, 1, count_include_pad=False)(x).data, [[[1, 1, 1]]])


def test_entries_in_no_window_receive_nothing():
    for layer in (nn.MaxPool1d(2, 3), nn.AvgPool1d(2, 3), nn.Conv1d(1, 1, 2, 3, dtype=np.float64)):
        x = ad.tensor(rng.normal(size=(1, 1, 6)), requires_grad=True)
        layer(x).sum().backward()
        assert x.grad[0, 0, 2] == x.grad[0, 0, 5] == 0.0


def test_a_network_of_convolutions_learns():
    """Which half of a small image is bright."""
    x = rng.normal(size=(64, 1, 8, 8)).astype(np.float32)
    y = rng.integers(2, size=64)
    x[y == 1, :, :4] += 0.7
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=np.random.default_rng(0)),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 2, rng=np.random.default_rng(1)),
    )
    first = nn.cross_entropy(model(x), y).item()
    for _ in range(60):
        model.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        for p in model.parameters():
            p.assign_(p.data - 0.3 * p.grad)
    assert loss.item() < 0.2 * first
