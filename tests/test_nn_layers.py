"""Layers and losses against plain NumPy, their gradients against central differences, dtypes, ranges."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn


def slope(f, x, h=1e-6):
    """Central differences of a function of one array, entry by entry."""
    out = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        out[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out


def check_gradients(loss, *arrays, rtol=1e-6, atol=1e-9):
    """The gradient of a scalar function of some arrays, in every one of them."""
    tensors = [ad.tensor(a, requires_grad=True) for a in arrays]
    loss(*tensors).backward()
    for i, t in enumerate(tensors):
        numeric = slope(lambda a, i=i: loss(*arrays[:i], a, *arrays[i + 1 :]).item(), arrays[i])
        np.testing.assert_allclose(t.grad, numeric, rtol=rtol, atol=atol, err_msg=f"argument {i}")


rng = np.random.default_rng(0)
X = rng.normal(size=(5, 3))
C = rng.normal(size=(5, 2))  # weights of the outputs, so that no gradient is trivially 1


# --- Linear ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (1, 3), (0, 3)], ids=str)
def test_linear_is_a_matrix_product_and_a_sum(shape, bias):
    layer = nn.Linear(3, 2, bias=bias, dtype=np.float64)
    x = rng.normal(size=shape)
    y = layer(x)
    expected = x @ layer.weight.data + (layer.bias.data if bias else 0.0)
    assert type(y) is ad.Tensor and y.requires_grad and y.shape == (*shape[:-1], 2)
    np.testing.assert_allclose(y.data, expected, rtol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 4, 3)], ids=str)
def test_linear_has_the_gradients_of_its_formula(shape):
    layer = nn.Linear(3, 2, dtype=np.float64, rng=np.random.default_rng(1))
    weights = rng.normal(size=(*shape[:-1], 2))

    def loss(x, w, b):
        layer.weight.assign_(np.asarray(getattr(w, "data", w)))
        layer.bias.assign_(np.asarray(getattr(b, "data", b)))
        return (np.tanh(layer(x)) * weights).sum()

    x, w, b = rng.normal(size=shape), layer.weight.data.copy(), layer.bias.data.copy()
    t = ad.tensor(x, requires_grad=True)
    (np.tanh(layer(t)) * weights).sum().backward()
    grads = t.grad, layer.weight.grad.copy(), layer.bias.grad.copy()
    for i, g in enumerate(grads):
        args = [x, w, b]

        def at(a, i=i, args=args):
            return loss(*args[:i], a, *args[i + 1 :]).item()

        np.testing.assert_allclose(g, slope(at, args[i]), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [1, 4, 100])
def test_linear_starts_uniform_within_one_over_the_root_of_the_inputs(n):
    layer = nn.Linear(n, 500, rng=np.random.default_rng(0))
    bound = 1 / math.sqrt(n)
    for p in (layer.weight.data, layer.bias.data):
        assert p.dtype == np.float32
        assert np.abs(p).max() <= np.float32(bound) and np.abs(p).max() > 0.97 * bound
        assert abs(p.mean()) < 0.1 * bound
        assert p.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert layer.weight.shape == (n, 500) and layer.bias.shape == (500,)


def test_linear_without_bias_has_one_parameter():
    layer = nn.Linear(3, 2, bias=False)
    assert [name for name, _ in layer.named_parameters()] == ["weight"] and layer.bias is None
    assert repr(layer) == "Linear(3, 2, bias=False)"


def test_linear_takes_its_numbers_from_the_generator_it_is_given():
    a, b = (nn.Linear(3, 2, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a.weight.data, b.weight.data)
    assert not np.array_equal(a.weight.data, nn.Linear(3, 2).weight.data)


# --- dtypes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.uint8, bool])
def test_untracked_input_is_cast_to_the_parameters(dtype):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = np.ones((2, 3), dtype)
    for given in (x, ad.tensor(x), x.tolist()):
        y = model(given)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y.data, model(np.ones((2, 3), np.float32)).data)


def test_tracked_input_is_not_cast_silently():
    layer = nn.Linear(3, 2)
    x = ad.tensor(np.ones((2, 3)), requires_grad=True)
    y = layer(x)
    assert y.dtype == np.float64
    y.sum().backward()
    assert x.grad.dtype == np.float64 and layer.weight.grad.dtype == np.float32


def test_a_float64_layer_takes_float32_data():
    layer = nn.Linear(3, 2, dtype=np.float64)
    assert layer(np.ones((2, 3), np.float32)).dtype == np.float64


def test_a_complex_layer():
    layer = nn.Linear(2, 1, bias=False, dtype=np.complex128)
    layer.weight.assign_(np.array([[1 + 2j], [3 - 1j]]))
    y = layer(np.array([[1.0, 2.0]]))
    assert y.dtype == np.complex128 and y.data[0, 0] == 7 + 0j
    (y.real**2 + y.imag**2).sum().backward()
    np.testing.assert_allclose(layer.weight.grad, [[14.0], [28.0]])


def test_losses_stay_in_the_dtype_of_the_prediction():
    for dtype in (np.float32, np.float64):
        logits = ad.tensor(np.ones((4, 3), dtype), requires_grad=True)
        assert nn.cross_entropy(logits, [0, 1, 2, 0]).dtype == dtype
        loss = nn.mse_loss(logits, np.zeros((4, 3)))
        assert loss.dtype == dtype
        loss.backward()
        assert logits.grad.dtype == dtype


# --- activations ----------------------------------------------------------------------------------

ACTIVATIONS = {
    "ReLU": (nn.ReLU, lambda x: np.maximum(x, 0)),
    "Sigmoid": (nn.Sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "Tanh": (nn.Tanh, np.tanh),
}


@pytest.mark.parametrize(("layer", "formula"), ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations_are_their_formulas(layer, formula):
    np.testing.assert_allclose(layer()(X).data, formula(X), rtol=1e-14)
    assert layer()(X.astype(np.float32)).dtype == np.float32
    assert layer()(2.0).shape == () and layer()([1.0, -1.0]).shape == (2,)
    assert layer()(np.zeros((0, 3))).shape == (0, 3)
    assert not list(layer().parameters())
    check_gradients(lambda x: (layer()(x) * C[0, 0] * x).sum(), X)


@pytest.mark.parametrize("layer", [nn.Sigmoid, nn.Tanh])
def test_activations_far_out_do_not_overflow(layer):
    x = ad.tensor(np.array([-1e4, -50.0, 50.0, 1e4]), requires_grad=True)
    y = layer()(x)
    y.sum().backward()
    assert np.isfinite(y.data).all() and np.isfinite(x.grad).all()
    assert y.data[-1] == 1.0 and x.grad[0] == 0.0


def test_relu_has_slope_0_at_0_and_keeps_nan():
    x = ad.tensor([-1.0, 0.0, 2.0, math.nan], requires_grad=True)
    y = nn.ReLU()(x)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [0.0, 0.0, 2.0, math.nan])
    np.testing.assert_array_equal(x.grad, [0.0, 0.0, 1.0, math.nan])


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (4,), (4, 1), (2, 3, 4)], ids=str)
def test_mse_loss_is_the_mean_over_all_entries(shape):
    a, b = rng.normal(size=shape), rng.normal(size=shape)
    loss = nn.mse_loss(a, b)
    assert loss.shape == () and loss.item() == pytest.approx(np.mean((a - b) ** 2), rel=1e-14)
    if shape:
        check_gradients(nn.mse_loss, a, b)


def test_mse_loss_of_whole_numbers_is_not_rounded():
    assert nn.mse_loss(np.array([1, 2]), [1.5, 2.5]).item() == 0.25
    assert nn.mse_loss([1, 2], [0, 4]).item() == 2.5
    assert nn.mse_loss(np.array([0], np.uint8), np.array([255], np.uint8)).item() == 255.0**2
    assert nn.mse_loss(ad.tensor([1.0]), np.array([True])).item() == 0.0


def test_mse_loss_refuses_complex_numbers():
    for pair in (([1.0], [1j]), ([1j], [1.0])):
        with pytest.raises(ad.DtypeError, match=r"complex128.*real"):
            nn.mse_loss(*pair)


def test_mse_loss_by_a_tracked_target():
    target = ad.tensor([1.0, 2.0], requires_grad=True)
    nn.mse_loss(np.array([3.0, 2.0]), target).backward()
    assert target.grad.tolist() == [-2.0, 0.0]


def _cross_entropy(logits, labels):
    shifted = logits - logits.max(1, keepdims=True)
    return -np.mean((shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))[np.arange(len(labels)), labels])


@pytest.mark.parametrize(("n", "k"), [(1, 2), (5, 3), (4, 1), (7, 10)])
def test_cross_entropy_is_its_formula(n, k):
    logits, labels = rng.normal(size=(n, k)) * 3, rng.integers(k, size=n)
    assert nn.cross_entropy(logits, labels).item() == pytest.approx(
        _cross_entropy(logits, labels), rel=1e-13, abs=1e-15
    )
    check_gradients(lambda z: nn.cross_entropy(z, labels), logits)
    t = ad.tensor(logits, requires_grad=True)
    nn.cross_entropy(t, labels).backward()
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    np.testing.assert_allclose(t.grad, (shares - np.eye(k)[labels]) / n, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "labels", [[0, 2], (0, 2), np.array([0, 2], np.uint8), np.array([0, 2], np.int32), ad.tensor([0, 2])], ids=repr
)
def test_cross_entropy_takes_labels_of_every_whole_type(labels):
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]))
    assert nn.cross_entropy(logits, labels).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e4, 1e30])
def test_cross_entropy_is_finite_at_any_magnitude(scale, dtype):
    logits = ad.tensor(np.array([[scale, -scale, 0.0], [-scale, scale, 0.0]], dtype), requires_grad=True)
    loss = nn.cross_entropy(logits, [0, 0])
    loss.backward()
    assert loss.item() == pytest.approx(scale, rel=1e-6)
    np.testing.assert_allclose(logits.grad, [[0.0, 0.0, 0.0], [-0.5, 0.5, 0.0]])


def test_cross_entropy_with_a_class_ruled_out():
    logits = ad.tensor([[0.0, -math.inf, 0.0]], requires_grad=True)
    loss = nn.cross_entropy(logits, [0])
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    np.testing.assert_allclose(logits.grad, [[-0.5, 0.0, 0.5]])


def test_cross_entropy_to_second_order():
    logits, labels = rng.normal(size=(3, 4)), [1, 0, 3]
    g = ad.grad(lambda z: nn.cross_entropy(z, labels))
    H = ad.hessian(lambda z: nn.cross_entropy(z, labels))(logits).reshape(12, 12)
    numeric = np.stack([slope(lambda a, i=i: g(a).reshape(12)[i], logits).reshape(12) for i in range(12)])
    np.testing.assert_allclose(H, numeric, rtol=1e-5, atol=1e-8)


def test_mse_loss_to_second_order():
    H = ad.hessian(lambda p: nn.mse_loss(p, np.zeros(4)))(np.ones(4))
    np.testing.assert_allclose(H, np.eye(4) / 2)


def test_the_gradient_of_a_whole_network():
    model = nn.Sequential(nn.Linear(3, 4, dtype=np.float64), nn.Tanh(), nn.Linear(4, 4, dtype=np.float64), nn.Sigmoid())
    labels = [0, 1, 2, 3, 0]
    loss = nn.cross_entropy(model(X), labels)
    loss.backward()
    for p in model.parameters():
        before = p.data.copy()

        def at(value, p=p):
            p.assign_(value)
            return nn.cross_entropy(model(X), labels).item()

        numeric = slope(at, before)
        p.assign_(before)
        np.testing.assert_allclose(p.grad, numeric, rtol=1e-6, atol=1e-9)


def test_the_gradient_of_a_bias_is_the_same_where_masks_are_kept():
    # Huber's loss masks and has an infinite slope in a branch not taken: a sweep that records itself keeps masks.
    rng = np.random.default_rng(4)
    layer = nn.Linear(3, 2, dtype=np.float64)
    loss = nn.huber_loss(layer(rng.normal(size=(5, 3))), 2 * rng.normal(size=(5, 2)))
    recorded = ad.gradients(loss, [layer.weight, layer.bias], create_graph=True)
    loss.backward()
    for p, g in zip((layer.weight, layer.bias), recorded):
        np.testing.assert_allclose(g.data, p.grad, rtol=1e-12)
