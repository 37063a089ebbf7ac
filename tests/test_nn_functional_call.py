"""`nn.functional_call`: a module as a function of its parameters, for every transform; the module stays as it is."""

import numpy as np
import pytest

import autodiff as ad
import nn
from tests.layer_checks import LAYERS, first

X = np.random.default_rng(0).normal(size=(6, 2))
Y = np.random.default_rng(1).normal(size=(6, 1))


def network(*, norm=False):
    nn.manual_seed(0)
    middle = [nn.BatchNorm1d(3, dtype=np.float64)] if norm else []
    return nn.Sequential(
        nn.Linear(2, 3, dtype=np.float64), *middle, nn.Tanh(), nn.Sequential(nn.Linear(3, 1, dtype=np.float64))
    )


def values(model):
    return {path: p.data.copy() for path, p in model.named_parameters()}


def loss_of(model):
    return lambda parameters: nn.mse_loss(nn.functional_call(model, parameters, X), Y)


def same(a, b, rtol=0.0):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=rtol, atol=1e-13 if rtol else 0.0, err_msg=name)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_the_gradients_of_a_backward_pass(name):
    row = LAYERS[name]
    layer = row.make(dtype=np.float64, rng=np.random.default_rng(3))
    x = np.random.default_rng(0).normal(size=row.shape)
    x = np.abs(x * 2).astype(int) % 3 if "Embedding" in name else x
    y = first(layer.eval()(x))
    if not layer.parameters():
        np.testing.assert_array_equal(first(nn.functional_call(layer, {}, x)).data, y.data)
        return
    (y**2).sum().backward()
    expected = {path: p.grad for path, p in layer.named_parameters()}
    twin = row.make(dtype=np.float64, rng=np.random.default_rng(4)).eval()
    before = twin.state_dict()
    same(ad.grad(lambda ps: (first(nn.functional_call(twin, ps, x)) ** 2).sum())(values(layer)), expected, 1e-10)
    same(twin.state_dict(), before)
    assert all(p.grad is None for p in twin.parameters())


def test_second_derivatives_by_parameters():
    model = network()
    loss, start = loss_of(model), values(model)
    direction = {path: np.random.default_rng(2).normal(size=p.shape) for path, p in start.items()}
    product = ad.hvp(loss, start, direction)
    hessian = ad.hessian(loss)(start)
    for a in start:
        parts = [np.tensordot(hessian[a][b], direction[b], start[b].ndim) for b in start]
        np.testing.assert_allclose(product[a], sum(parts), rtol=1e-10)
    ad.testing.gradcheck(loss, start, order=2)


def test_a_loss_after_a_step_differentiates_by_the_start():
    model = network()
    loss = loss_of(model)

    def after(parameters):
        for _ in range(2):
            gradient = ad.grad(loss)(parameters)
            parameters = {path: p - 0.3 * gradient[path] for path, p in parameters.items()}
        return loss(parameters)

    ad.testing.gradcheck(after, values(model))
    start = {path: ad.tensor(p, requires_grad=True) for path, p in values(model).items()}
    after(start).backward()
    same({path: p.grad for path, p in start.items()}, ad.grad(after)(values(model)), 1e-12)


def test_parameters_that_are_not_named_keep_their_values_and_are_trained():
    model = network()
    bias = np.array([5.0])
    expected = model(X).data + 5.0 - model[2][0].bias.data
    found = nn.functional_call(model, {"2.0.bias": bias}, X)
    np.testing.assert_allclose(found.data, expected)
    found.sum().backward()
    assert model[0].weight.grad is not None and model[2][0].bias.grad is None


def test_running_statistics_change_only_where_they_are_given():
    model = network(norm=True)
    before = model.state_dict()
    y = nn.functional_call(model, values(model), X)
    same(model.state_dict(), before)
    given = nn.Buffer(np.zeros(3))
    nn.functional_call(model, {"1.running_mean": given}, X)
    same(model.state_dict(), before)
    np.testing.assert_array_equal(model(X).data, y.data)
    np.testing.assert_array_equal(given.data, model[1].running_mean.data)
    assert given.data.any()
    model.eval()
    array = np.full(3, 2.0)
    assert not np.array_equal(nn.functional_call(model, {"1.running_mean": array}, X).data, model(X).data)
    assert array.tolist() == [2.0] * 3


def test_everything_comes_back_after_an_exception():
    model = network()
    before = dict(model.named_parameters())
    with pytest.raises(ad.ShapeError):
        nn.functional_call(model, values(model), np.ones((2, 7)))
    assert all(p is before[path] for path, p in model.named_parameters())
    assert len(before) == len(model.parameters())


class Odd(nn.Module):
    """Parameters in containers, one of them used at two places."""

    def __init__(self):
        super().__init__()
        self.weights = [nn.Parameter(np.array([2.0])), {"a": nn.Parameter(np.array([3.0]))}]
        self.pair = (self.weights[0], 7)
        self.again = nn.Sequential(nn.Lambda(lambda x: x))
        self.again.scale = self.weights[0]

    def forward(self, x, power=1):
        return (x * self.weights[0] * self.weights[1]["a"] + self.pair[0] + self.again.scale) ** power


def test_containers_and_shared_parameters():
    model = Odd()
    weights, pair = model.weights, model.pair
    f = lambda ps: nn.functional_call(model, ps, np.array([10.0]), power=2).sum()
    ps = {"weights.0": np.array([1.5]), "weights.1.a": np.array([0.5])}
    assert list(values(model)) == list(ps)
    assert f(ps).item() == (10 * 1.5 * 0.5 + 1.5 + 1.5) ** 2
    same(ad.grad(f)(ps), {"weights.0": [2 * 10.5 * 7.0], "weights.1.a": [2 * 10.5 * 15.0]}, 1e-12)
    assert model.weights is weights and model.pair is pair and model.again.scale is weights[0]


@pytest.mark.parametrize("norm", [False, True])
def test_it_compiles_to_one_program(norm):
    model = network(norm=norm)
    plain = ad.value_and_grad(loss_of(model))
    fast = ad.compile(plain)
    before = model.state_dict()
    for k in range(4):
        ps = {path: p + 0.1 * k for path, p in values(model).items()}
        (a, b), (c, d) = plain(ps), fast(ps)
        assert a == c
        same(b, d)
    assert len(fast.sources) == 1
    same(model.state_dict(), before)


def test_of_a_compiled_model_too():
    model = network()
    fast = ad.compile(model)
    for _ in range(2):
        fast(X)
    ps = {path: p + 1.0 for path, p in values(model).items()}
    expected = nn.functional_call(model, ps, X).data
    for _ in range(2):
        np.testing.assert_array_equal(nn.functional_call(fast, ps, X).data, expected)
    np.testing.assert_array_equal(fast(X).data, model(X).data)
    outer = nn.Sequential(fast)
    inner = {f"0.{path}": p for path, p in ps.items()}
    for _ in range(2):
        np.testing.assert_array_equal(nn.functional_call(outer, inner, X).data, expected)
        np.testing.assert_array_equal(outer(X).data, model(X).data)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda m: nn.functional_call(m, {"0.weights": 1.0}, X), ad.StructureError, "did you mean '0.weight'"),
        (lambda m: nn.functional_call(m, {"q": 1.0}, X), ad.StructureError, r"no parameter or buffer 'q'; it has '0\."),
        (
            lambda m: nn.functional_call(m, {"0.weight": np.ones((3, 2))}, X),
            ad.ShapeError,
            r"'0.weight' was given shape \(3, 2\); the parameter has shape \(2, 3\)",
        ),
        (lambda m: nn.functional_call(m, {"0.bias": ["a", "b", "c"]}, X), ad.DtypeError, "must be numbers"),
        (lambda m: nn.functional_call(m, m.parameters(), X), TypeError, r"dict\(model\.named_parameters\(\)\); a list"),
        (lambda m: nn.functional_call(np.tanh, {}, X), TypeError, "must be a module; a ufunc was given"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, text):
    model = network()
    before = model.state_dict()
    with pytest.raises(error, match=text):
        call(model)
    same(model.state_dict(), before)
