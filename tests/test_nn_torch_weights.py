"""Weights from PyTorch and back: torch's own answers with the same weights; files of safetensors."""

import importlib.util
import json
import struct

import numpy as np
import pytest

import autodiff as ad
import nn

HERE = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not HERE, reason="torch is not installed: pip install torch")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 6)).astype(np.float32)
SEQUENCES = RNG.normal(size=(3, 4, 6)).astype(np.float32)
IMAGES = RNG.normal(size=(2, 3, 8, 8)).astype(np.float32)
SIGNALS = RNG.normal(size=(2, 4, 9)).astype(np.float32)
TOKENS = RNG.integers(0, 7, (2, 5))


def pairs():
    """For each name our model, torch's, and the input."""
    import torch

    t = torch.nn
    both = {"batch_first": True}
    return {
        "linear": (nn.Linear(6, 3), t.Linear(6, 3), X),
        "square linear without bias": (nn.Linear(6, 6, bias=False), t.Linear(6, 6, bias=False), X),
        "convolution": (nn.Conv2d(3, 4, 3, groups=1), t.Conv2d(3, 4, 3), IMAGES),
        "convolution 1d in groups": (nn.Conv1d(4, 4, 3, groups=2), t.Conv1d(4, 4, 3, groups=2), SIGNALS),
        "batch norm": (nn.BatchNorm1d(6), t.BatchNorm1d(6), X),
        "batch norm 2d": (nn.BatchNorm2d(3), t.BatchNorm2d(3), IMAGES),
        "layer norm": (nn.LayerNorm(6), t.LayerNorm(6), X),
        "group norm": (nn.GroupNorm(2, 4), t.GroupNorm(2, 4), SIGNALS),
        "rms norm": (nn.RMSNorm(6), t.RMSNorm(6, eps=nn.RMSNorm(6).eps), X),
        "embedding": (nn.Embedding(7, 3), t.Embedding(7, 3), TOKENS),
        "rnn": (nn.RNN(6, 6, 2), t.RNN(6, 6, 2, **both), SEQUENCES),
        "gru": (nn.GRU(6, 5, bidirectional=True), t.GRU(6, 5, bidirectional=True, **both), SEQUENCES),
        "lstm": (nn.LSTM(6, 6, 2), t.LSTM(6, 6, 2, **both), SEQUENCES),
        "attention": (nn.MultiHeadAttention(6, 2), t.MultiheadAttention(6, 2, **both), SEQUENCES),
        "transformer": (
            nn.TransformerBlock(6, 2, 8),
            t.TransformerEncoderLayer(6, 2, 8, 0.0, "gelu", norm_first=True, **both),
            SEQUENCES,
        ),
        "network": (
            nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4)),
            t.Sequential(t.Conv2d(3, 2, 3), t.BatchNorm2d(2), t.ReLU(), t.Flatten(), t.Linear(72, 4)),
            IMAGES,
        ),
    }


NAMES = [
    "linear", "square linear without bias", "convolution", "convolution 1d in groups", "batch norm", "batch norm 2d",
    "layer norm", "group norm", "rms norm", "embedding", "rnn", "gru", "lstm", "attention", "transformer", "network",
]  # fmt: skip


def answer(y):
    y = y[0] if isinstance(y, tuple) else y
    return y.detach().numpy() if hasattr(y, "numpy") and not isinstance(y, ad.Tensor) else y.data


@needs_torch
@pytest.mark.parametrize("name", NAMES)
def test_torch_answers_the_same_with_weights_that_came_or_went(name):
    import torch

    ours, theirs, x = pairs()[name]
    ours.eval(), theirs.eval()
    arguments = [torch.from_numpy(x)] * (3 if name == "attention" else 1)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.from_numpy(RNG.normal(size=tuple(p.shape)).astype(np.float32)))
        nn.load_torch(ours, theirs.state_dict())
        np.testing.assert_allclose(answer(ours(x)), answer(theirs(*arguments)), rtol=2e-5, atol=2e-5)
        for p in ours.parameters():
            p.assign_(RNG.normal(size=p.shape))
        theirs.load_state_dict({k: torch.from_numpy(v) for k, v in nn.to_torch(ours).items()})
        np.testing.assert_allclose(answer(theirs(*arguments)), answer(ours(x)), rtol=2e-5, atol=2e-5)


@needs_torch
def test_a_state_of_torch_is_named_where_ours_is_expected():
    import torch

    layer = nn.Linear(4, 4)
    with pytest.raises(ad.StructureError, match=r"nn.load_torch\(model, state\)"):
        layer.load_state_dict(torch.nn.Linear(4, 4).state_dict())
    state = {k: v.bfloat16() for k, v in torch.nn.Linear(4, 4).state_dict().items()}
    nn.load_torch(layer, state)
    np.testing.assert_array_equal(layer.weight.data, state["weight"].float().numpy().T)


def test_layouts_and_names_without_torch():
    model = nn.Sequential(nn.Linear(2, 3), nn.TransformerBlock(4, 2))
    state = nn.to_torch(model)
    assert state["0.weight"].shape == (3, 2) and state["1.self_attn.in_proj_weight"].shape == (12, 4)
    assert "1.self_attn.out_proj.bias" in state and not any("attention" in name for name in state)
    other = nn.Sequential(nn.Linear(2, 3), nn.TransformerBlock(4, 2))
    nn.load_torch(other, state)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)


def test_a_tied_table_comes_under_both_names():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(5, 3)
            self.head = self.table.as_head()

    model = Words()
    state = nn.to_torch(model)
    assert set(state) == {"table.weight", "head.weight"}
    nn.load_torch(model, {k: v + 1 for k, v in state.items()})
    np.testing.assert_array_equal(model.table.weight.data, state["table.weight"] + 1)
    with pytest.raises(ad.StructureError, match=r"head.weight is tied to table.weight here, and has other values"):
        nn.load_torch(model, {**state, "head.weight": state["head.weight"] * 2})


def test_what_does_not_fit_loads_nothing():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before, state = model.state_dict(), nn.to_torch(model)
    wrong = {
        "a missing name, and one that is near": (
            {**{k: v for k, v in state.items() if k != "1.weight"}, "1.weigth": state["1.weight"]},
            ad.StructureError,
            r"missing \['1.weight'\], unknown \['1.weigth'\]; 1.weight looks like 1.weigth",
        ),
        "our own layout": (model.state_dict(), ad.ShapeError, r"0.weight has shape \(2, 3\); .* takes \(3, 2\)"),
        "text": ({**state, "0.bias": np.array(["a", "b", "c"])}, ad.DtypeError, "0.bias"),
        "no mapping": (3, TypeError, "an int was given|a int was given"),
        "a pickled file": ("weights.pt", ValueError, "may run code"),
    }
    for name, (given, kind, message) in wrong.items():
        with pytest.raises(kind, match=message):
            nn.load_torch(model, given)
        for key, value in before.items():
            np.testing.assert_array_equal(model.state_dict()[key], value, err_msg=name)
    with pytest.raises(ad.ShapeError, match=r"If the state comes from torch, nn\.load_torch"):
        model.load_state_dict({**before, "0.weight": before["0.weight"].T})


def test_safetensors_keep_arrays_and_metadata(tmp_path):
    path = tmp_path / "model.safetensors"
    state = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array(3), "c": np.array([True, False]), "d": np.zeros((0, 2))}
    nn.save(path, state, metadata={"epoch": "3"})
    found = nn.load(path)
    assert set(found) == set(state) and nn.metadata(path) == {"epoch": "3"}
    for key, value in state.items():
        np.testing.assert_array_equal(found[key], value)
        assert found[key].dtype == value.dtype and found[key].shape == value.shape
    with pytest.raises(ValueError, match=r"only a .safetensors file keeps metadata"):
        nn.save(tmp_path / "model.npz", state, metadata={"epoch": "3"})
    with pytest.raises(ad.DtypeError, match="<U1"):
        nn.save(tmp_path / "text.safetensors", {"a": np.array("x")})
    for name in ("__metadata__", 3):  # the first is the format's own: nothing could read such a file
        with pytest.raises(ValueError, match=f"save: {name!r} cannot be the name of an array"):
            nn.save(tmp_path / "name.safetensors", {name: np.ones(2)})
    with pytest.raises(TypeError, match=r"metadata are texts by name; 'epoch': 3 was given. Write str\(3\)"):
        nn.save(tmp_path / "text.safetensors", {"a": np.ones(2)}, metadata={"epoch": 3})
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def written(path, dtype, shape, data):
    header = json.dumps({"weight": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def test_safetensors_of_dtypes_that_numpy_lacks(tmp_path):
    path = tmp_path / "model.safetensors"
    written(path, "BF16", [2, 2], struct.pack("<4H", 0x3F80, 0x4000, 0xBFC0, 0x7F80))  # halves of float32
    np.testing.assert_array_equal(nn.load(path)["weight"], np.array([[1, 2], [-1.5, np.inf]], np.float32), strict=True)
    written(path, "F8_E4M3", [2], b"00")
    with pytest.raises(ValueError, match=r"'weight' in .* has dtype F8_E4M3, which NumPy lacks"):
        nn.load(path)


def test_values_of_torch_that_are_no_arrays_are_named():
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    model, w = nn.Linear(2, 2, bias=False), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    nn.load_torch(model, {"weight": w._neg_view()})
    for wrong in (w.to_sparse(), w.to("meta"), w.to(torch.float8_e4m3fn)):
        with pytest.raises(ad.DtypeError, match=r"load_torch: weight is no array: .*[^.]\. Nothing was loaded"):
            nn.load_torch(model, {"weight": wrong})
    with pytest.raises(ad.StructureError, match=r"unknown \['3'\]"):
        nn.load_torch(model, {"weight": w, 3: w})
    np.testing.assert_array_equal(model.weight.data, -w.numpy().T)


def test_damaged_safetensors_are_told(tmp_path):
    path = tmp_path / "model.safetensors"
    nn.save(path, {"weight": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)})
    whole = path.read_bytes()
    model = nn.Linear(2, 3)
    before = model.state_dict()
    for data in (b"", whole[:-1], whole[:20], struct.pack("<Q", 1 << 40) + whole[8:], whole[:8] + b"[" + whole[9:]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="not a whole safetensors file"):
            nn.load_torch(model, path)
    np.testing.assert_array_equal(model.weight.data, before["weight"])
