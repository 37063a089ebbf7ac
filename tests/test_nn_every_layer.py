"""What holds for every layer: derivatives, dtypes, empty batches, messages, states."""

import copy
import pickle

import numpy as np
import pytest

import autodiff as ad
import nn
from tests.layer_checks import LAYERS, check_gradients, first

ROWS = pytest.mark.parametrize("row", LAYERS.values(), ids=LAYERS)


def drawn(row, seed=0, shape=None):
    return np.random.default_rng(seed).normal(size=row.shape if shape is None else shape) * 1.3


@ROWS
def test_derivatives_by_input_and_parameters_to_second_order(row):
    check_gradients(row.make(dtype=np.float64), drawn(row))


@ROWS
def test_the_output_has_the_shape_it_should(row):
    assert first(row.make()(drawn(row))).shape == row.output


@ROWS
def test_float32_stays_float32_and_float64_data_do_not_widen_it(row):
    layer = row.make(dtype=np.float32)
    x = ad.tensor(drawn(row).astype(np.float32), requires_grad=True)
    y = first(layer(x))
    y.sum().backward()
    assert type(y) is ad.Tensor and y.dtype == np.float32 and x.grad.dtype == np.float32
    assert all(p.grad.dtype == np.float32 for p in layer.parameters())
    if layer.parameters():
        for given in (drawn(row), ad.tensor(drawn(row)), np.ones(row.shape, int)):
            assert first(layer(given)).dtype == np.float32
    assert all(b.dtype == np.float32 for b in layer.buffers() if b.dtype.kind == "f")


@ROWS
def test_a_batch_of_one_is_the_first_of_many(row):
    layer = row.make(dtype=np.float64).eval()
    x = drawn(row, shape=(3, *row.shape[1:]))
    np.testing.assert_allclose(first(layer(x[:1])).data, first(layer(x)).data[:1], rtol=1e-12, atol=1e-14)


@ROWS
def test_an_empty_batch_gives_an_empty_result_and_gradients_of_0(row):
    layer = row.make(dtype=np.float64)
    if not row.empty:
        layer.eval()
    x = ad.tensor(np.zeros((0, *row.shape[1:])), requires_grad=True)
    y = first(layer(x))
    assert y.shape == (0, *row.output[1:])
    y.sum().backward()
    assert x.grad.shape == x.shape
    for p in layer.parameters():
        if p.grad is not None:
            assert p.grad.shape == p.shape and not p.grad.any()


@pytest.mark.parametrize("row", [r for r in LAYERS.values() if r.wrong], ids=[n for n, r in LAYERS.items() if r.wrong])
def test_a_wrong_shape_is_refused_with_path_expected_and_given_shape(row):
    model = nn.Sequential(nn.Sequential(nn.Tanh(), row.make()))
    with pytest.raises(ad.ShapeError) as raised:
        model(np.zeros(row.wrong))
    text = str(raised.value)
    assert text.startswith("0.1") and row.says in text and str(row.wrong) in text


@ROWS
def test_a_state_goes_round(row):
    a, b = row.make(dtype=np.float64), row.make(dtype=np.float64)
    a(drawn(row))
    b.load_state_dict(a.state_dict())
    a.eval(), b.eval()
    x = drawn(row, seed=1)
    np.testing.assert_array_equal(first(a(x)).data, first(b(x)).data)


@ROWS
def test_a_layer_is_copied_and_pickled(row):
    layer = row.make(dtype=np.float64).eval()
    x = drawn(row)
    copies = [copy.deepcopy(layer)]
    if not isinstance(layer, nn.Lambda):
        copies.append(pickle.loads(pickle.dumps(layer)))
    for other in copies:
        assert repr(other) == repr(layer)
        np.testing.assert_array_equal(first(other(x)).data, first(layer(x)).data)


@ROWS
def test_first_values_come_from_the_generator(row):
    def state(seed):
        nn.manual_seed(seed)
        return row.make().state_dict()

    a, b = state(1), state(1)
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name])
    own = row.make(rng=np.random.default_rng(1)).state_dict()
    for name, value in a.items():
        np.testing.assert_array_equal(value, own[name])


@ROWS
def test_nothing_is_written_into_the_input(row):
    x = drawn(row)
    x.flags.writeable = False
    before = x.copy()
    t = ad.Tensor(x, requires_grad=True)
    first(row.make(dtype=np.float64)(t)).sum().backward()
    np.testing.assert_array_equal(x, before)


@ROWS
def test_the_repr_begins_with_the_name_and_is_made_without_running(row):
    layer = row.make()
    assert repr(layer).startswith(type(layer).__name__ + "(") and repr(layer).count("(") == repr(layer).count(")")
