"""Modules: names, sharing, modes, states, files, batches, random numbers."""

import copy
import os
import pickle
import threading
import zipfile

import numpy as np
import pytest

import autodiff as ad
import nn
import optim


def small():
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        self.heads = [nn.Linear(3, 1), nn.Linear(3, 1)]
        self.by_name = {"mean": nn.Linear(3, 1, bias=False)}
        self.scale = nn.Parameter(np.ones(1, np.float32))
        self.offsets = (nn.Parameter(np.zeros(1, np.float32)), nn.Parameter(np.zeros(1, np.float32)))
        self.note = "not a parameter"

    def forward(self, x, *, which=0):
        return self.heads[which](self.encoder(x)) * self.scale + self.offsets[which]


NAMES = [
    "scale",
    "offsets.0",
    "offsets.1",
    "encoder.0.weight",
    "encoder.0.bias",
    "heads.0.weight",
    "heads.0.bias",
    "heads.1.weight",
    "heads.1.bias",
    "by_name.mean.weight",
]


# --- what a module is made of ---------------------------------------------------------------------


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts():
    model = Model()
    assert [name for name, _ in model.named_parameters()] == NAMES
    assert all(p is q for (_, p), q in zip(model.named_parameters(), model.parameters(), strict=True))
    assert [name for name, _ in model.named_modules()][:4] == ["", "encoder", "encoder.0", "encoder.1"]


def test_parameters_know_their_path():
    model = Model()
    assert [p.name for p in model.parameters()] == NAMES
    outer = nn.Sequential(model)
    assert [p.name for p in outer.parameters()] == ["0." + n for n in NAMES]


def test_a_layer_that_is_used_twice_appears_once():
    shared = nn.Linear(2, 2)
    model = nn.Sequential(shared, nn.Tanh(), shared)
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert list(model.state_dict()) == ["0.weight", "0.bias"]
    x = np.ones((1, 2), np.float32)
    (model(x) ** 2).sum().backward()
    assert shared.weight.grad is not None
    assert len(optim.Adam(model.parameters()).parameters) == 2


def test_tied_weights_appear_once_and_receive_both_gradients():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 2, bias=False, dtype=np.float64)
            self.b = nn.Linear(2, 2, bias=False, dtype=np.float64)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    model = Tied()
    assert [name for name, _ in model.named_parameters()] == ["a.weight"]
    W = model.a.weight.data.copy()
    x = np.array([[1.0, 2.0]])
    model(x).sum().backward()
    ones = np.ones((1, 2))
    np.testing.assert_allclose(model.a.weight.grad, x.T @ (ones @ W.T) + (x @ W).T @ ones)
    state = {"a.weight": np.zeros((2, 2))}
    model.load_state_dict(state)
    assert not model.b.weight.data.any()


def test_a_module_may_point_at_its_parent():
    class Child(nn.Module):
        def forward(self, x):
            return x

    parent, child = Model(), Child()
    parent.child = child
    child.__dict__["parent"] = parent
    assert [name for name, _ in parent.named_parameters()] == NAMES
    parent.eval()
    assert not child.training


def test_a_module_that_forgets_its_base_works():
    class Forgetful(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(np.ones((2, 1), np.float32))
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            return self.inner(x) @ self.w

    model = Forgetful()
    assert [name for name, _ in model.named_parameters()] == ["w", "inner.weight", "inner.bias"]
    assert model(np.ones((3, 2))).shape == (3, 1) and model.training
    assert "Forgetful(" in repr(model)


def test_a_parameter_copies_and_is_tracked():
    a = np.ones(2)
    p = nn.Parameter(a, name="w")
    a[0] = 5.0
    assert p.requires_grad and p.is_leaf and p.name == "w" and p.data.tolist() == [1.0, 1.0]
    assert isinstance(p, ad.Tensor) and type(p * 2) is ad.Tensor
    with pytest.raises(ad.DtypeError, match="int64"):
        nn.Parameter([1, 2])


def test_zero_grad_forgets_every_gradient():
    model = small()
    model(np.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_frozen_parameters_stay_listed_and_get_no_gradient():
    model = small()
    first = model[0]
    for p in first.parameters():
        p.requires_grad_(False)
    assert len(model.parameters()) == 4 and "0.weight" in model.state_dict()
    model(np.ones((1, 2))).sum().backward()
    assert first.weight.grad is None and model[2].weight.grad is not None
    with pytest.raises(ad.GradientError, match=r"parameter 0.*if p\.requires_grad"):
        optim.Adam(model.parameters())
    for p in first.parameters():
        p.requires_grad_()
    assert first.weight.name == "0.weight"


# --- modes and repr -------------------------------------------------------------------------------


def test_train_and_eval_reach_everything_below():
    model = Model()
    assert model.training and model.eval() is model
    assert not any(m.training for _, m in model.named_modules())
    assert model.train() is model
    assert all(m.training for _, m in model.named_modules())
    model.train(False)
    assert not model.heads[1].training


def test_the_repr_is_the_architecture():
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1, bias=False)))) == (
        "Sequential(\n  0: Linear(2, 3)\n  1: Sequential(\n    0: ReLU()\n    1: Linear(3, 1, bias=False)\n  )\n)"
    )
    text = repr(Model())
    for part in ("Model(", "encoder: Sequential(", "heads.0: Linear(3, 1)", "by_name.mean: Linear(3, 1, bias=False)"):
        assert part in text


def test_a_sequential_is_a_sequence():
    layers = nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)
    model = nn.Sequential(*layers)
    assert len(model) == 3 and model[0] is layers[0] and model[-1] is layers[2] and tuple(model) == layers
    x = np.ones((1, 2))
    np.testing.assert_array_equal(model(x).data, layers[2](layers[1](layers[0](x))).data)
    assert nn.Sequential()(3.0) == 3.0


def test_calling_passes_arguments_and_opens_a_scope():
    model = Model()
    x = np.ones((4, 2))
    assert not np.array_equal(model(x, which=1).data, model(x).data)
    assert "encoder" in ad.draw(model(x)).source


# --- states ---------------------------------------------------------------------------------------


def test_a_state_goes_round():
    a, b = Model(), Model()
    state = a.state_dict()
    assert list(state) == NAMES and all(type(v) is np.ndarray for v in state.values())
    b.load_state_dict(state)
    x = np.ones((3, 2))
    np.testing.assert_array_equal(a(x).data, b(x).data)
    state["scale"][0] = 77.0  # copies, in both directions
    assert a.scale.data[0] == 1.0 and b.scale.data[0] == 1.0


def test_a_state_may_hold_tensors_and_lists():
    a, b = small(), small()
    b.load_state_dict(dict(a.named_parameters()))
    np.testing.assert_array_equal(a[0].weight.data, b[0].weight.data)
    b.load_state_dict({k: v.tolist() for k, v in a.state_dict().items()})
    np.testing.assert_array_equal(a[2].bias.data, b[2].bias.data)


def _without(key):
    return lambda s: s.pop(key)


WRONG_STATES = {
    "missing": (_without("0.bias"), ad.StructureError, r"missing \['0\.bias'\], unknown nothing"),
    "unknown": (lambda s: s.update(extra=np.zeros(1)), ad.StructureError, r"missing nothing, unknown \['extra'\]"),
    "renamed": (lambda s: s.update(x=s.pop("2.bias")), ad.StructureError, r"missing \['2\.bias'\], unknown \['x'\]"),
    "transposed": (
        lambda s: s.update({"2.weight": s["2.weight"].T}),
        ad.ShapeError,
        r"2\.weight: .*\(2, 3\).*\(3, 2\)",
    ),
    "a number": (lambda s: s.update({"2.bias": 1.0}), ad.ShapeError, r"2\.bias: .*\(\).*\(2,\)"),
    "complex": (lambda s: s.update({"2.bias": s["2.bias"] * 1j}), ad.DtypeError, r"2\.bias: .*complex64.*float32"),
    "text": (lambda s: s.update({"2.bias": np.array(["a", "b"])}), ad.DtypeError, r"2\.bias"),
}


@pytest.mark.parametrize(("spoil", "error", "text"), WRONG_STATES.values(), ids=WRONG_STATES)
@pytest.mark.parametrize("homed", [False, True], ids=["free", "homed"])
def test_a_wrong_state_changes_nothing(spoil, error, text, homed):
    model = small()
    if homed:
        optim.Adam(model.parameters())
    before = model.state_dict()
    state = {k: v + 1 for k, v in before.items()}
    spoil(state)
    with pytest.raises(error, match=text + r".*Nothing was loaded"):
        model.load_state_dict(state)
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(p.data, before[name])


def test_loading_copies_into_the_optimisers_home():
    model = small()
    optimizer = optim.GradientDescent(model.parameters(), learning_rate=1.0)
    model.load_state_dict({k: np.zeros_like(v) for k, v in model.state_dict().items()})
    x = np.ones((1, 2))
    model(x).sum().backward()
    optimizer.step()
    assert model[2].bias.data.tolist() == [-1.0, -1.0]


def test_a_deep_copy_of_a_model_trains_by_itself():
    model = small()
    optim.Adam(model.parameters())
    twin = copy.deepcopy(model)
    before = model.state_dict()
    optimizer = optim.GradientDescent(twin.parameters(), learning_rate=1.0)
    optimizer.step(lambda: (twin(np.ones((1, 2))) ** 2).sum())
    assert not np.array_equal(twin[2].bias.data, before["2.bias"])
    np.testing.assert_array_equal(model[2].bias.data, before["2.bias"])
    np.testing.assert_array_equal(twin(np.ones((1, 2))).data, twin[2](twin[1](twin[0](np.ones((1, 2))))).data)


# --- files ----------------------------------------------------------------------------------------


def test_a_state_survives_a_file(tmp_path):
    path = tmp_path / "model.npz"
    state = {
        **Model().state_dict(),
        "file": np.arange(3),  # np.savez would take these three for arguments
        "arr_0": np.array(2.5),
        "allow_pickle": np.array([True, False]),
        "kind": np.array("adam"),
        "complex": np.array([1j]),
        "empty": np.zeros((0, 3), np.float16),
        "odd/key.npy": np.asfortranarray(np.ones((2, 3))),
    }
    nn.save(path, state)
    back = nn.load(path)
    assert list(back) == list(state)
    for key, value in state.items():
        np.testing.assert_array_equal(back[key], value)
        assert back[key].dtype == value.dtype
    with np.load(path, allow_pickle=False) as plain:
        np.testing.assert_array_equal(plain["scale"], state["scale"])


def test_a_file_may_have_any_name_and_be_written_again(tmp_path):
    path = os.path.join(tmp_path, "weights")
    nn.save(path, {"a": np.zeros(2)})
    nn.save(path, {"a": np.ones(2)})
    assert os.listdir(tmp_path) == ["weights"]
    assert nn.load(path)["a"].tolist() == [1.0, 1.0]


def test_a_file_is_readable_by_whom_the_system_says(tmp_path):
    nn.save(tmp_path / "a.npz", {"a": np.zeros(2)})
    (tmp_path / "b").touch()
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_tensors_and_numbers_are_saved(tmp_path):
    nn.save(tmp_path / "a.npz", {"t": ad.tensor([1.0], requires_grad=True), "n": 3, "x": 2.5})
    back = nn.load(tmp_path / "a.npz")
    assert back["t"].tolist() == [1.0] and back["n"] == 3 and back["x"] == 2.5


@pytest.mark.parametrize("value", [object(), [None], lambda: 0], ids=["object", "list", "function"])
def test_objects_are_not_saved(tmp_path, value):
    with pytest.raises(ad.DtypeError, match="'bad' has dtype object"):
        nn.save(tmp_path / "a.npz", {"good": np.ones(2), "bad": value})
    assert not list(tmp_path.iterdir())


def test_dicts_of_dicts_are_not_saved(tmp_path):
    with pytest.raises(ad.DtypeError, match="'bad' is a dict"):
        nn.save(tmp_path / "a.npz", {"good": np.ones(2), "bad": {"a": 1}})
    assert not list(tmp_path.iterdir())


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    nn.save(path, {"a": np.zeros(2)})

    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="no space"):
        nn.save(path, {"a": np.ones(2)})
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["model.npz"]
    assert nn.load(path)["a"].tolist() == [0.0, 0.0]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        nn.save(tmp_path / "nowhere" / "a.npz", {"a": np.zeros(2)})
    with pytest.raises(FileNotFoundError, match="missing"):
        nn.load(tmp_path / "missing.npz")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_pickle_is_never_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Bomb()))
    np.savez(tmp_path / "b.npz", a=np.array([Bomb()], object))
    np.save(tmp_path / "c.npy", np.array([Bomb()], object))
    for name in ("a.pkl", "b.npz", "c.npy"):
        with pytest.raises(ValueError, match=rf"load: '.*{name}' is not a complete npz file"):
            nn.load(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_other_files_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(2))
    (tmp_path / "b.txt").write_text("weights")
    (tmp_path / "c.npz").touch()
    for name in ("a.npy", "b.txt", "c.npz"):
        with pytest.raises(ValueError, match="not a complete npz file of plain arrays"):
            nn.load(tmp_path / name)


@pytest.mark.parametrize(
    "write", [nn.save, lambda path, state: np.savez_compressed(path, **state)], ids=["plain", "compressed"]
)
def test_a_damaged_file_is_noticed(tmp_path, write):
    """Cut off anywhere, or with bytes changed anywhere: the right numbers or a ValueError."""
    path = tmp_path / "a.npz"
    state = {"w": np.arange(50, dtype=np.float32), "b": np.ones(3)}
    write(path, state)
    whole = path.read_bytes()
    damaged = tmp_path / "b.npz"
    for cut in np.linspace(0, len(whole) - 1, 40).astype(int):
        damaged.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="not a complete npz"):
            nn.load(damaged)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        spoilt = bytearray(whole)
        spoilt[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        damaged.write_bytes(spoilt)
        try:
            back = nn.load(damaged)
        except ValueError:
            refused += 1
            continue
        for key in set(back) & set(state):  # a name may have changed; load_state_dict will say so
            np.testing.assert_array_equal(back[key], state[key])
    assert refused > 100


# --- batches --------------------------------------------------------------------------------------


def test_batches_go_through_every_row_once():
    x = np.arange(10)
    seen = list(nn.batches(x, x**2, batch_size=3))
    assert [len(a) for a, _ in seen] == [3, 3, 3, 1]
    for a, b in seen:
        np.testing.assert_array_equal(a**2, b)
    assert sorted(np.concatenate([a for a, _ in seen]).tolist()) == list(range(10))


def test_batches_in_order_and_without_the_rest():
    x = np.arange(7)
    assert [a.tolist() for (a,) in nn.batches(x, batch_size=3, shuffle=False)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [a.tolist() for (a,) in nn.batches(x, batch_size=3, shuffle=False, drop_last=True)] == [[0, 1, 2], [3, 4, 5]]
    assert list(nn.batches(x, batch_size=8, drop_last=True)) == []
    assert list(nn.batches(np.zeros((0, 2)), batch_size=8)) == []


def test_the_seed_fixes_the_order():
    order = lambda **options: np.concatenate([a for (a,) in nn.batches(np.arange(50), **options)]).tolist()
    assert order(seed=1) == order(seed=1) != order(seed=2)
    assert order(rng=np.random.default_rng(1)) == order(seed=1)
    nn.manual_seed(3)
    first, second = order(), order()
    assert first != second
    nn.manual_seed(3)
    assert [order(), order()] == [first, second]
    assert order(seed=1) == order(seed=1, rng=np.random.default_rng(9))


def test_batches_made_once_serve_every_epoch_in_new_orders():
    x = np.arange(50)
    loader = nn.batches(x, batch_size=8, seed=4)
    epochs = [np.concatenate([a for (a,) in loader]).tolist() for _ in range(3)]
    draw = np.random.default_rng(4)
    assert epochs == [draw.permutation(50).tolist() for _ in range(3)]
    assert epochs[0] != epochs[1] and all(sorted(epoch) == x.tolist() for epoch in epochs)
    together = zip(loader, loader)  # two epochs at the same time do not disturb each other
    assert [sorted(np.concatenate(rows).tolist()) for rows in zip(*[(a, b) for (a,), (b,) in together])] == [
        x.tolist(), x.tolist(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "drop_last", "expected"), [(7, False, 3), (7, True, 2), (6, True, 2), (2, True, 0), (0, False, 0)]
)
def test_batches_have_a_length(rows, drop_last, expected):
    loader = nn.batches(np.zeros((rows, 2)), batch_size=3, drop_last=drop_last)
    assert len(loader) == len(list(loader)) == expected
    assert loader.rows == rows and loader.batch_size == 3


def test_batches_say_what_they_are():
    assert repr(nn.batches(np.arange(5), batch_size=2)) == "Batches(5 rows, batch_size=2)"
    shown = repr(nn.batches(np.arange(5), batch_size=2, shuffle=False, drop_last=True))
    assert shown == "Batches(5 rows, batch_size=2, shuffle=False, drop_last=True)"


def test_batches_take_lists_and_tensors():
    ((a, b),) = nn.batches([[1.0], [2.0]], ad.tensor([3.0, 4.0], requires_grad=True), shuffle=False)
    assert type(a) is np.ndarray and type(b) is np.ndarray and b.tolist() == [3.0, 4.0]


def test_batches_are_the_callers_own():
    x = np.arange(4.0)
    for (a,) in nn.batches(x, batch_size=2, shuffle=False):
        a[:] = 99.0
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("arrays", "options", "error", "text"),
    [
        ((np.ones(3), np.ones((4, 2))), {}, ad.ShapeError, r"\(3,\), \(4, 2\)"),
        ((np.ones(3), 5.0), {}, ad.ShapeError, r"\(\)"),
        ((), {}, ad.ShapeError, "same number of rows"),
        ((np.ones(3),), {"batch_size": 0}, ValueError, "batch_size.*0"),
        ((np.ones(3),), {"batch_size": 2.5}, ValueError, "2.5"),
    ],
)
def test_batches_refuse_at_once_what_cannot_work(arrays, options, error, text):
    with pytest.raises(error, match=text):
        nn.batches(*arrays, **options)  # not only when the first batch is asked for


# --- splits ---------------------------------------------------------------------------------------


def test_a_split_keeps_rows_together_and_shares_equal():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    x = np.arange(100)
    a, b, la, lb = nn.data.train_test_split(x, labels, test_size=0.2, stratify=labels, seed=4)
    assert np.bincount(lb).tolist() == [10, 6, 4] and np.bincount(la).tolist() == [40, 24, 16]
    np.testing.assert_array_equal(labels[a], la)
    assert sorted([*a, *b]) == list(range(100))
    assert b.tolist() != sorted(b.tolist())
    again = nn.data.train_test_split(x, labels, test_size=0.2, stratify=labels, seed=4)
    np.testing.assert_array_equal(again[1], b)
    assert nn.data.train_test_split(x, seed=5)[1].tolist() != nn.data.train_test_split(x, seed=6)[1].tolist()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.data.train_test_split(np.ones(4), test_size=1.5), ValueError, "between 0 and 1; 1.5"),
        (lambda: nn.data.train_test_split(), ValueError, "no arrays"),
        (lambda: nn.data.train_test_split(np.ones(4), np.ones(3)), ad.ShapeError, r"\[4, 3\]"),
        (lambda: nn.data.train_test_split(np.ones(4), stratify=[1, 2]), ad.ShapeError, "4"),
        (lambda: nn.data.train_test_split(np.ones(1)), ValueError, "would be empty"),
    ],
)
def test_a_split_that_cannot_be_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


# --- randomness -----------------------------------------------------------------------------------


def test_a_seed_fixes_the_first_weights():
    nn.manual_seed(7)
    a = small().state_dict()
    nn.manual_seed(7)
    b = small().state_dict()
    c = small().state_dict()
    np.testing.assert_array_equal(a["0.weight"], b["0.weight"])
    assert not np.array_equal(b["0.weight"], c["0.weight"])


def test_the_generator_is_the_threads_own():
    nn.manual_seed(7)
    expected = nn.Linear(3, 3).weight.data
    seen = {}

    def other():
        nn.manual_seed(8)
        seen["seeded"] = nn.Linear(3, 3).weight.data

    nn.manual_seed(7)
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    np.testing.assert_array_equal(nn.Linear(3, 3).weight.data, expected)
    assert not np.array_equal(seen["seeded"], expected)


def test_numpys_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - NumPy's global generator must stay untouched
    nn.manual_seed(0)
    nn.Linear(3, 3)
    list(nn.batches(np.arange(5)))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002 - NumPy's global generator must stay untouched


# --- what is registered -----------------------------------------------------------------------------


def test_a_subclass_of_a_container_may_have_layers_of_its_own():
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(2, 3))
            self.head = nn.Linear(3, 1)

    class Layers(nn.ModuleList):
        def __init__(self):
            super().__init__([nn.Linear(2, 3)])
            self.head = nn.Linear(3, 1)

    for model in (Net(), Layers()):
        assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "head.weight", "head.bias"]
        assert [name for name, _ in model.named_modules()] == ["", "0", "head"]
        assert len(model) == 1


def test_modules_in_nested_lists_are_listed():
    class Grid(nn.Module):
        def __init__(self):
            super().__init__()
            self.rows = [[nn.Linear(1, 1, bias=False)], {"a": (nn.Linear(1, 1, bias=False),)}]

    model = Grid()
    assert [name for name, _ in model.named_parameters()] == ["rows.0.0.weight", "rows.1.a.0.weight"]
    assert model.parameters()[1].name == "rows.1.a.0.weight"
    assert isinstance(model.module_at("rows.1.a.0"), nn.Linear)


def test_a_tracked_tensor_in_a_list_is_refused_as_one_alone_is():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = [ad.tensor([1.0], requires_grad=True)]

    with pytest.raises(TypeError, match=r"Model.weights.0: parameters\(\) would not list.*nn.Parameter"):
        Model()


def test_a_lambda_is_given_what_a_recurrent_layer_returns():
    model = nn.Sequential(nn.LSTM(2, 3), nn.Lambda(lambda result: result[0][:, -1]), nn.Linear(3, 1))
    assert model(np.ones((4, 5, 2))).shape == (4, 1)


def test_a_hook_that_changes_the_output_reaches_compiled_functions():
    model = nn.Sequential(nn.Linear(2, 2))
    x = np.ones((1, 2), np.float32)
    fast = ad.compile(lambda x: model(x))
    before = fast(x).data.copy()
    with model.register_hook("0", lambda module, inputs, y: y + 1):
        np.testing.assert_allclose(fast(x).data, before + 1, rtol=1e-6)
    np.testing.assert_array_equal(fast(x).data, before)


def test_a_hook_that_only_looks_leaves_compiled_functions_alone():
    model = nn.Sequential(nn.Linear(2, 2))
    x, seen = np.ones((1, 2), np.float32), []
    fast = ad.compile(lambda x: model(x), check=0)  # else the second call runs the layers beside the program
    fast(x)
    with model.register_hook("0", lambda module, inputs, y: seen.append(y), looks_only=True):
        fast(x)
        assert not seen and "1 trace" in repr(fast)
        model(x)
    assert len(seen) == 1


class Tied(nn.Module):
    def __init__(self, tie):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7)
        tie(self)


def compute_in_init(module):
    module.scale = module.head.bias * 2.0


def compute_in_a_list(module):
    module.scales = [module.head.bias * 2.0]


@pytest.mark.parametrize(
    ("tie", "told"),
    [
        (
            lambda m: setattr(m.head, "weight", m.embedding.weight.T),
            r"Linear\.weight is a parameter.*assign the parameter",
        ),
        (lambda m: setattr(m.head, "weight", np.zeros((4, 7))), r"Linear\.weight is a parameter.*assign_\(value\)"),
        (lambda m: setattr(m.head, "bias", m.head.bias.detach()), r"Linear\.bias is a parameter.*nn\.Parameter"),
        (compute_in_init, r"Tied\.scale: this tensor is computed only once, in __init__.*forward"),
        (compute_in_a_list, r"Tied\.scales\.0: this tensor is computed"),
    ],
)
def test_a_weight_that_would_not_be_trained_is_refused(tie, told):
    with pytest.raises(TypeError, match=told):
        Tied(tie)


def test_a_module_may_keep_results_and_give_up_or_replace_parameters():
    model = Tied(lambda m: setattr(m.head, "bias", None))
    model.last = model.head(np.ones((1, 4), np.float32)).sum()
    model.head.weight = nn.Parameter(np.ones((4, 7), np.float32))
    assert [name for name, _ in model.named_parameters()] == ["embedding.weight", "head.weight"]
    del model.head.weight
    model.head.weight = np.zeros((4, 7), np.float32)  # on purpose
    assert model.last.requires_grad and len(model.parameters()) == 1


def test_a_buffer_is_not_displaced_by_its_next_value():
    layer = nn.BatchNorm1d(2)
    with pytest.raises(TypeError, match=r"BatchNorm1d\.running_mean is a buffer.*running_mean\.assign_\(value\)"):
        layer.running_mean = layer.running_mean * 0.9
    assert "running_mean" in layer.state_dict()


def test_a_state_is_in_c_order_whatever_the_weights_are():
    """Other formats write the memory as it lies: safetensors 0.8 writes a transposed array scrambled."""
    layer = nn.Linear(3, 2)
    layer.weight = nn.Parameter(np.arange(6.0).reshape(2, 3).T)
    assert not layer.weight.data.flags.c_contiguous
    state = layer.state_dict()
    assert all(value.flags.c_contiguous for value in state.values())
    np.testing.assert_array_equal(state["weight"], np.arange(6.0).reshape(2, 3).T)


@pytest.mark.parametrize("link", ["relative", "absolute", "to a link", "dangling"])
def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path, link):
    folder = tmp_path / "versions"
    folder.mkdir()
    target, path = folder / "1.npz", tmp_path / "model.npz"
    if link != "dangling":
        nn.save(target, {"a": np.zeros(2)})
    if link == "to a link":
        (tmp_path / "latest").symlink_to(target)
    path.symlink_to({"relative": os.path.join("versions", "1.npz"), "to a link": tmp_path / "latest"}.get(link, target))
    nn.save(path, {"a": np.ones(2)})
    assert path.is_symlink() and not target.is_symlink()
    assert nn.load(target)["a"].tolist() == nn.load(path)["a"].tolist() == [1.0, 1.0]
    assert [p.name for p in folder.iterdir()] == ["1.npz"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_a_file_that_is_written_again_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "model.npz"
    nn.save(path, {"a": np.zeros(2)})
    path.chmod(mode)
    nn.save(path, {"a": np.ones(2)})
    assert path.stat().st_mode & 0o777 == mode
    assert nn.load(path)["a"].tolist() == [1.0, 1.0]


def test_a_file_is_on_the_disk_before_it_replaces_the_old_one(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), sync(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replace"), replace(*paths)))
    nn.save(tmp_path / "model.npz", {"a": np.zeros(2)})
    assert done == ["fsync", "replace", "fsync"]


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="is not a file"):
            nn.save(path, {"a": np.zeros(2)})
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_a_file_of_torch_is_told_apart(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", b"pickled")
        archive.writestr("model/data/0", b"1234")
    with pytest.raises(ValueError, match=r"not a complete npz file.*'model/data\.pkl', as files of torch\.save do"):
        nn.load(tmp_path / "model.pt")


def test_numbers_that_numpy_does_not_know_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", good=np.ones(2), half=np.zeros(3, "V2"))  # what becomes of bfloat16 in an npz file
    with pytest.raises(ValueError, match=r"'half' has dtype \|V2; save bfloat16 as float32"):
        nn.load(tmp_path / "a.npz")
