"""What every module can do beside running: buffers, hooks, freezing, summaries, lists of modules, sums."""

import copy
from typing import NamedTuple

import numpy as np
import pytest

import autodiff as ad
import nn
import optim


@pytest.fixture(autouse=True)
def _seed():
    """First weights that train: of some seeds a unit of ReLU is dead, and has no gradient."""
    nn.manual_seed(0)


def small(**options):
    return nn.Sequential(nn.Linear(2, 3, **options), nn.Tanh(), nn.Sequential(nn.Linear(3, 2, **options), nn.ReLU()))


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.calls = nn.Buffer(0)
        self.tables = [nn.Buffer(np.ones(2)), nn.Buffer([1, 2])]

    def forward(self, x):
        self.calls.assign_(self.calls.data + 1)
        return self.inner(x) * self.tables[0]


# --- buffers --------------------------------------------------------------------------------------


def test_buffers_are_found_saved_and_loaded_and_are_no_parameters():
    model = nn.Sequential(Counting())
    model(np.ones((1, 2)))
    assert [n for n, _ in model.named_buffers()] == ["0.calls", "0.tables.0", "0.tables.1"]
    assert [n for n, _ in model.named_parameters()] == ["0.inner.weight", "0.inner.bias"]
    assert [b.dtype.kind for b in model.buffers()] == ["i", "f", "i"] and not any(
        b.requires_grad for b in model.buffers()
    )
    state = model.state_dict()
    assert state["0.calls"] == 1 and list(state)[:2] == ["0.calls", "0.tables.0"]
    other = nn.Sequential(Counting())
    other.load_state_dict(state)
    assert other[0].calls.item() == 1
    state["0.tables.0"][0] = 99.0
    assert other[0].tables[0].data[0] == 1.0


def test_a_buffer_copies_what_it_is_given():
    a = np.ones(2)
    b = nn.Buffer(a)
    a[0] = 5.0
    assert b.data.tolist() == [1.0, 1.0] and isinstance(b, ad.Tensor) and type(b + 1) is ad.Tensor


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"tables.0": np.ones(3)}, ad.ShapeError, r"tables\.0: the state has shape \(3,\), the buffer \(2,\)"),
        ({"calls": 1.5}, ad.DtypeError, "calls: the state has dtype float64, the buffer int64"),
        ({"calls": None}, ad.StructureError, r"missing \['calls'\]"),
    ],
)
def test_a_state_with_a_wrong_buffer_changes_nothing(change, error, text):
    model = Counting()
    state = {k: v + 1 for k, v in model.state_dict().items()} | change
    state = {k: v for k, v in state.items() if v is not None}
    before = model.state_dict()
    with pytest.raises(error, match=text):
        model.load_state_dict(state)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_deep_copy_has_its_own_buffers():
    model = Counting()
    twin = copy.deepcopy(model)
    twin(np.ones((1, 2)))
    assert model.calls.item() == 0 and twin.calls.item() == 1


def test_a_buffer_survives_a_file(tmp_path):
    model = nn.BatchNorm1d(2)
    model(np.random.default_rng(0).normal(size=(4, 2)))
    nn.save(tmp_path / "a.npz", model.state_dict())
    other = nn.BatchNorm1d(2)
    other.load_state_dict(nn.load(tmp_path / "a.npz"))
    np.testing.assert_array_equal(other.running_mean.data, model.running_mean.data)


# --- paths and hooks ------------------------------------------------------------------------------


def test_modules_are_found_by_path():
    model = small()
    assert model.module_at("") is model and model.module_at("2.0") is model[2][0]
    shared = nn.Linear(2, 2)
    assert nn.Sequential(shared, shared).module_at("1") is shared
    with pytest.raises(ad.StructureError, match=r"no module '2\.00'; did you mean '2\.0'"):
        model.module_at("2.00")
    with pytest.raises(ad.StructureError, match=r"no module 'encoder'; its modules are '', '0'"):
        model.module_at("encoder")


def test_modules_in_lists_are_found_by_path():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = [nn.Linear(2, 2), nn.Sequential(nn.Tanh())]

    model = Model()
    assert model.module_at("heads.1.0") is model.heads[1][0]


def test_a_hook_sees_module_inputs_and_output_until_it_is_removed():
    model, seen = small(), []
    handle = model.register_hook("2.0", lambda *what: seen.append(what))
    x = np.ones((4, 2))
    y = model(x)
    ((module, inputs, output),) = seen
    assert module is model[2][0] and len(inputs) == 1 and inputs[0].shape == (4, 3)
    np.testing.assert_array_equal(np.maximum(output.data, 0), y.data)
    handle.remove()
    handle.remove()
    model(x)
    assert len(seen) == 1


def test_what_a_hook_returns_takes_the_place_of_the_output():
    model = small()
    with model.register_hook("", lambda module, inputs, output: output * 0 + 7):
        with model.register_hook("", lambda module, inputs, output: output + 1):
            assert (model(np.ones((1, 2))).data == 8).all()
        assert (model(np.ones((1, 2))).data == 7).all()
    assert not (model(np.ones((1, 2))).data == 7).any()


def test_gradients_flow_through_what_a_hook_returns():
    model = nn.Sequential(nn.Linear(2, 1, dtype=np.float64))
    with model.register_hook("0", lambda module, inputs, output: output * 3.0):
        model(np.ones((1, 2))).sum().backward()
    np.testing.assert_array_equal(model[0].bias.grad, [3.0])


def test_hooks_run_once_a_call_also_of_a_layer_used_twice():
    layer, seen = nn.Linear(2, 2), []
    model = nn.Sequential(layer, layer)
    model.register_hook("1", lambda *_: seen.append(1))
    model(np.ones((1, 2)))
    assert seen == [1, 1]


def test_a_hook_must_be_callable_and_the_path_must_exist():
    with pytest.raises(TypeError, match="a str was given"):
        small().register_hook("0", "print")
    with pytest.raises(ad.StructureError, match="no module '9'"):
        small().register_hook("9", print)


def test_a_module_as_hook_is_no_part_of_the_model():
    model = small()
    model.register_hook("0", nn.Lambda(lambda module, *_: None))
    assert len(list(model.named_modules())) == 6


# --- freezing -------------------------------------------------------------------------------------


def test_a_frozen_part_gets_no_gradient_and_does_not_move():
    model = small(dtype=np.float64)
    optimizer = optim.GradientDescent(model.parameters(), learning_rate=0.1)
    assert model[0].requires_grad_(False) is model[0]
    before = model.state_dict()
    optimizer.step(lambda: (model(np.ones((3, 2))) ** 2).sum() + model[2][0].bias.sum())
    assert len(model.parameters()) == 4
    for name, value in model.state_dict().items():
        assert np.array_equal(value, before[name]) == name.startswith("0.")
    model.requires_grad_()
    assert all(p.requires_grad for p in model.parameters())
    assert [p.name for p in model.parameters()] == ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]


def test_nothing_is_recorded_for_a_frozen_model():
    model = small().requires_grad_(False)
    assert not model(np.ones((1, 2))).requires_grad
    x = ad.tensor(np.ones((1, 2)), requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None


# --- summary --------------------------------------------------------------------------------------


def test_a_summary_is_a_table_of_layers():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Sequential(nn.Flatten(), nn.Linear(144, 10, dtype=np.float64)),
    )
    model[0].requires_grad_(False)
    s = model.summary((2, 1, 8, 8))
    assert isinstance(s, nn.Summary)
    assert [r.path for r in s.rows] == ["0", "1", "2", "3.0", "3.1"]
    assert [r.kind for r in s.rows] == ["Conv2d", "BatchNorm2d", "ReLU", "Flatten", "Linear"]
    assert [r.output for r in s.rows] == ["(2, 4, 6, 6)"] * 3 + ["(2, 144)", "(2, 10)"]
    assert [r.parameters for r in s.rows] == [40, 8, 0, 0, 1450]
    assert [r.nbytes for r in s.rows] == [160, 4 * 16 + 8, 0, 0, 8 * 1450]  # averages and a count are bytes too
    assert s.parameters == 1498 and s.trainable == 1458 and s.nbytes == sum(r.nbytes for r in s.rows)
    text = str(s)
    for part in ("3.1", "Linear", "(2, 10)", "1,450", "11,600", "total", "1,458 trainable, 40 frozen"):
        assert part in text
    assert len({len(line) for line in text.splitlines()[:-1]}) == 1


def test_a_summary_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5, rng=np.random.default_rng(0)))
    model[2].eval()
    before = model.state_dict()
    model.summary((3, 2))
    assert model[0].training and not model[2].training and not model[0]._hooks
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    with pytest.raises(ad.ShapeError):
        model.summary((3, 5))
    assert model[0].training and not model[0]._hooks


def test_a_summary_takes_an_input_and_shows_several_outputs():
    s = nn.Sequential(nn.Embedding(5, 3), nn.LSTM(3, 4)).summary([[1, 2, 0]])
    assert [r.output for r in s.rows] == ["(1, 3, 3)", "((1, 3, 4), ((1, 1, 4), (1, 1, 4)))"]


def test_shared_weights_count_once_and_own_ones_of_a_model_have_a_row():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.b.weight = self.a.weight
            self.scale = nn.Parameter(np.ones(3, np.float32))

        def forward(self, x):
            return self.b(self.a(x)) * self.scale

    s = Tied().summary((2, 3))
    assert [(r.path, r.parameters) for r in s.rows] == [("", 3), ("a", 9), ("b", 0)]
    assert s.parameters == s.trainable == 12


# --- lists, sums, functions -----------------------------------------------------------------------


def test_a_list_of_modules_grows_and_knows_its_names():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2)])
            self.layers.append(nn.Linear(2, 3)).extend([nn.Linear(3, 1)])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    model = Model()
    assert [n for n, _ in model.named_parameters()][::2] == ["layers.0.weight", "layers.1.weight", "layers.2.weight"]
    assert [p.name for p in model.parameters()] == [n for n, _ in model.named_parameters()]
    assert len(model.layers) == 3 and model.layers[-1].out_features == 1 and list(model.layers)[1] is model.layers[1]
    model.layers.insert(0, nn.Tanh())
    model.layers[0] = nn.ReLU()
    assert model(np.ones((4, 2))).shape == (4, 1) and model.layers[1].weight.name == "layers.1.weight"
    assert "0: ReLU()" in repr(model)
    with pytest.raises(ad.ShapeError, match=r"^layers\.1: Linear"):
        model(np.ones((4, 5)))


def test_a_list_of_modules_refuses_other_things_and_cannot_be_called():
    with pytest.raises(TypeError, match="a function was given"):
        nn.ModuleList([lambda x: x])
    with pytest.raises(TypeError, match="call its entries"):
        nn.ModuleList()(1.0)


def test_a_residual_adds_what_came_in():
    layer = nn.Residual(nn.Linear(2, 2))
    x = np.ones((3, 2))
    y = layer(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, x + layer.inner(x).data, rtol=1e-6)
    wide = nn.Residual(nn.Linear(2, 3), nn.Linear(2, 3, bias=False))
    assert wide(x).shape == (3, 3)
    with pytest.raises(ad.ShapeError, match=r"^1: Residual: .*\(3, 4\).*\(3, 2\).*shortcut="):
        nn.Sequential(nn.Tanh(), nn.Residual(nn.Linear(2, 4)))(x)
    with pytest.raises(TypeError, match=r"inner must be a module; a function was given\. .* by nn\.Lambda"):
        nn.Residual(lambda x: x)


def test_a_function_as_a_layer():
    def double(x):
        return x * 2

    assert repr(nn.Lambda(double)) == "Lambda(double)" and repr(nn.Lambda(lambda x: x)) == "Lambda()"
    assert nn.Lambda(double)([1.0]).data.tolist() == [2.0]
    with pytest.raises(TypeError, match="a int was given"):
        nn.Lambda(3)


def test_flatten_takes_its_axes_from_any_place():
    x = np.ones((2, 3, 4, 5))
    assert nn.Flatten()(x).shape == (2, 60) and nn.Flatten(2)(x).shape == (2, 3, 20)
    assert nn.Flatten(-2)(x).shape == (2, 3, 20) and nn.Flatten(0)(x).shape == (120,)
    assert nn.Flatten()(np.ones((0, 3, 4))).shape == (0, 12)


# --- inside of transforms -------------------------------------------------------------------------


def test_a_model_may_be_differentiated_by_its_input():
    model = small(dtype=np.float64).requires_grad_(False)  # else the answer could be differentiated by the weights
    J = ad.jacobian(model)(np.ones((1, 2)))
    assert J.shape == (1, 2, 1, 2)
    g = ad.grad(lambda x: model(x).sum())(np.ones((1, 2)))
    np.testing.assert_allclose(J.sum((0, 1)), g)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(2, 2, 2, dtype=np.float64),
        nn.LSTM(3, 2, dtype=np.float64),
        nn.LayerNorm(3, dtype=np.float64),
        nn.MultiHeadAttention(3, 1, dtype=np.float64),
        nn.MaxPool1d(2, 1),
    ],
    ids=lambda m: type(m).__name__,
)
def test_jacobians_forwards_and_backwards_agree(layer):
    layer.requires_grad_(False)
    f = lambda x: y[0] if isinstance(y := layer(x), tuple) else y
    x = np.random.default_rng(0).normal(size=(2, 2, 3))
    np.testing.assert_allclose(
        ad.jacobian(f, mode="forward")(x), ad.jacobian(f, mode="reverse")(x), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("homed", [False, True])
def test_parameters_are_updated_by_hand(compiled, homed):
    """As in torch, in a loop over the parameters; also where an optimiser keeps them in one buffer."""
    x, y = np.random.default_rng(0).normal(size=(2, 8, 2)).astype("f4")
    model = nn.Linear(2, 2)
    twin = copy.deepcopy(model)
    if homed:
        optim.GradientDescent(model.parameters(), 0.1)

    def step(x, y):
        model.zero_grad()
        loss = nn.mse_loss(model(x), y)
        loss.backward()
        with ad.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
        return loss.detach()

    optimizer = optim.GradientDescent(twin.parameters(), 0.1)
    run = ad.compile(step) if compiled else step
    for _ in range(4):
        run(x, y)
        optimizer.zero_grad()
        nn.mse_loss(twin(x), y).backward()
        optimizer.step()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-6)


class Penalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(np.array([3.0]))

    def forward(self):
        return sum((p**2).sum() for p in self.parameters())


def test_a_module_lists_its_stand_ins():
    model = Penalised()
    f = lambda parameters: nn.functional_call(model, parameters)
    assert f({"w": np.array([4.0])}).item() == 16.0
    assert ad.grad(f)({"w": np.array([4.0])})["w"].tolist() == [8.0]
    w = ad.tensor([5.0], requires_grad=True)
    f({"w": w}).backward()
    assert w.grad.tolist() == [10.0] and model.w.grad is None


class Pair(NamedTuple):
    slope: nn.Parameter
    shift: nn.Parameter


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = Pair(nn.Parameter(np.array([3.0])), nn.Parameter(np.array([1.0])))

    def forward(self, x):
        return self.p.slope * x + self.p.shift


def test_stand_ins_keep_the_type_of_a_container():
    model = Line()
    gradient = ad.grad(lambda q: nn.functional_call(model, q, np.array([2.0])).sum())
    start = {path: p.data for path, p in model.named_parameters()}
    assert [g.tolist() for g in gradient(start).values()] == [[2.0], [1.0]]


class Forgetful(nn.Module):
    def __init__(self, by_argument):
        super().__init__()
        self.w = nn.Parameter(np.array([3.0]))
        self.by_argument = by_argument

    def forward(self, x):
        if self.by_argument:
            return ad.checkpoint(lambda x, w: w * x)(x, self.w)
        return ad.checkpoint(lambda x: self.w * x)(x)


def test_a_checkpoint_inside_of_a_functional_call_loses_no_gradient_in_silence():
    """The second evaluation runs in the sweep, when the stand-ins are gone."""
    f = lambda model: lambda q: nn.functional_call(model, q, np.array([2.0])).sum()
    start = {"w": np.array([3.0])}
    assert ad.grad(f(Forgetful(True)))(start)["w"].tolist() == [2.0]
    for call in (ad.grad(f(Forgetful(False))), ad.compile(ad.grad(f(Forgetful(False))))):
        with pytest.raises(ad.RuleError, match=r"does not read the tensors that it read.*ad\.checkpoint\(f\)\(x, w\)"):
            call(start)
