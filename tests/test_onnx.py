"""ONNX files: their answers in onnxruntime, for batches of other sizes than the recorded ones, and what is refused."""

import importlib.util
import math
import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff import pytree
from demos import autoencoder, digits, mnist, names, regression
from tests.layer_checks import LAYERS
from tests.op_cases import ALL
from tests.test_compile_layers import MODELS
from tests.test_compile_rows import functions

HERE = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))
pytestmark = pytest.mark.skipif(not HERE, reason='onnx or onnxruntime is not installed: pip install "wengert[onnx]"')
RNG = np.random.default_rng(0)
BATCHES = (0, 1, 2, 3, 17)
ROUNDING = {"f": 1e-5, "d": 1e-13}
"""Of the largest number of an answer: other orders of summation, over few terms."""
X = RNG.normal(size=(6, 4))
W, V = RNG.normal(size=(4, 5)), RNG.normal(size=4)


def session(path):
    import onnxruntime

    return onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])


def leaves(tree):
    return [np.asarray(y.data if isinstance(y, ad.Tensor) else y) for y in pytree.flatten(tree)[0]]


def check_answers(path, f, *inputs):
    """The file and the function give the same arrays: shapes, dtypes, numbers."""
    run = session(path)
    found = run.run(None, {known.name: x for known, x in zip(run.get_inputs(), inputs, strict=True)})
    with np.errstate(all="ignore"):
        expected = leaves(f(*inputs))
    for y, right in zip(found, expected, strict=True):
        assert (y.shape, y.dtype) == (right.shape, right.dtype)
        allowed = ROUNDING.get(right.dtype.char, 0) * np.max(np.abs(right), initial=0, where=np.isfinite(right))
        np.testing.assert_allclose(y, right, rtol=0, atol=allowed)


def drawn(shape, dtype, high=7):
    return RNG.normal(size=shape).astype(dtype) if np.dtype(dtype).kind == "f" else RNG.integers(0, high, shape)


def moved(model):
    """The model in evaluation mode, with numbers everywhere, so that nothing is hidden behind zeros and ones."""
    for p in model.parameters():
        p.assign_(RNG.normal(size=p.shape) / 2)
    for b in model.buffers():
        if b.dtype.kind == "f":
            b.assign_(RNG.uniform(0.5, 2, b.shape))
    return model.eval()


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.ci)])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name, dtype, tmp_path):
    import onnx

    layer = LAYERS[name]
    model = moved(layer.make(dtype=dtype, rng=np.random.default_rng(1)))
    nn.export_onnx(model, drawn(layer.shape, dtype), tmp_path / "layer.onnx")
    for n in BATCHES:
        check_answers(tmp_path / "layer.onnx", model, drawn((n, *layer.shape[1:]), dtype))
    again = tmp_path / "again.onnx"
    nn.export_onnx(model, drawn(layer.shape, dtype), again)
    assert again.read_bytes() == (tmp_path / "layer.onnx").read_bytes()
    graph = onnx.load(tmp_path / "layer.onnx").graph
    assert {path for path, _ in model.named_parameters()} <= {array.name for array in graph.initializer}
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


@pytest.mark.parametrize("name", MODELS)
def test_layers_one_after_the_other(name, tmp_path):
    layers, x = MODELS[name]
    model = moved(nn.Sequential(*layers()))
    nn.export_onnx(model, x, tmp_path / "model.onnx")
    for n in BATCHES:
        check_answers(tmp_path / "model.onnx", model, drawn((n, *x.shape[1:]), x.dtype))


NETWORKS = {
    "digits": (lambda: digits.make_model(32), (64,), np.float32),
    "mnist": (mnist.make_model, (1, 28, 28), np.float32),
    "autoencoder": (autoencoder.Autoencoder, (64,), np.float32),
    "regression": (lambda: regression.make_model(0), (1,), np.float64),
    **{f"names, {kind}": (lambda kind=kind: names.MODELS[kind](8), (8,), np.int64) for kind in names.MODELS},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_the_demos(name, tmp_path):
    make, shape, dtype = NETWORKS[name]
    model = make().eval()
    nn.export_onnx(model, drawn((2, *shape), dtype), tmp_path / "model.onnx")
    for n in BATCHES:
        check_answers(tmp_path / "model.onnx", model, drawn((n, *shape), dtype))


def test_no_layer_of_nn_is_forgotten():
    """Every class of modules in nn is part of a model that is exported above."""
    made = [layer.make(dtype=np.float32, rng=np.random.default_rng(0)) for layer in LAYERS.values()]
    made += [nn.Sequential(*layers()) for layers, _ in MODELS.values()] + [make() for make, _, _ in NETWORKS.values()]
    exported = {type(module) for model in made for _, module in model.named_modules()}
    classes = {thing for name in nn.__all__ if isinstance(thing := getattr(nn, name), type)}
    assert {kind for kind in classes if issubclass(kind, nn.Module)} - exported == {nn.Module}


# --- functions of arrays

FUNCTIONS = {
    "elementwise": lambda x: (
        np.log1p(abs(x)) + np.expm1(x) + np.logaddexp(x, 0) + np.cbrt(x) + np.exp2(x) + np.hypot(x, 2) + np.square(x),
        np.trunc(3 * x) + np.rint(3 * x) + x**3 + abs(x) ** 1.5 + np.sign(x) + np.floor(x) + np.ceil(x) + 2.0**x,
        np.sqrt(abs(x)) + np.radians(x) + np.log2(abs(x) + 1) + np.log10(abs(x) + 1) + 1 / (x**2 + 1),
        np.fmax(x, 0.1) + np.fmin(x, 0.5) + np.heaviside(x, 0.5) + np.sin(x) * np.cos(x) + np.fmod(x, 0.7),
    ),
    "digits near 0": lambda x: (np.log1p(x * 1e-12) * 1e12, np.expm1(x * 1e-12) * 1e12),
    "error function": lambda x: (ad.special.erf(ad.tensor(x)), ad.special.erfc(ad.tensor(3 * x))),
    "comparisons": lambda x: (
        *(x > 0, (x > 0) & (x < 1), np.round(x, 1), np.clip(x, -0.5, 0.5), np.select([x > 1, x > 0], [x, 2 * x], 0)),
        *(~(x > 0), x != 0, np.isfinite(x), np.isinf(x), np.isnan(x)),
        *(np.maximum(x > 0, x < -1), np.where(x > 0, x > 1, x < -1), np.logical_or(x, x > 0)),
    ),
    "remainders": lambda x: (
        *(np.mod(x, 0.7), x // 0.7, np.mod(x, -0.1), x // -0.1, np.mod(x, np.inf), x // 0),
        *(np.mod((10 * x).astype(int), 3),),
        *((10 * x).astype(int) // 3, np.mod((10 * x).astype(int), -3), (10 * x).astype(int) // -3),
        *((10 * x).astype(int) // (3 * x).astype(int), (10 * x).astype(int) % (3 * x).astype(int)),  # 0 where by 0
    ),
    "lengths": lambda x: (
        *(np.hypot(x * 1e200, x[::-1] * 1e200), ad.tensor(x * 1e-200) / np.linalg.norm(ad.tensor(x * 1e-200), axis=0)),
        *(np.linalg.norm(ad.tensor(x), ord=p, axis=1) for p in (1, 3, np.inf)),
        np.linalg.norm(ad.tensor(0 * x)),
    ),
    "means over the batch": lambda x: (
        *(x - np.mean(x, axis=0), np.mean(x), x.std(0, ddof=1), (x - x.mean(0)) / x.std(0)),
        *(np.var(x, axis=0, ddof=1), np.std(x, axis=1), x.std(), x.var(axis=0)),
    ),
    "reductions": lambda x: (
        *(x.sum(), x.sum(axis=0), x.prod(axis=1), x.max(), x.min(axis=0), np.sum(x, axis=(0, 1))),
        *(x.mean(keepdims=True), (x > 0).any(), (x > -9).all(axis=1), (x > 0).sum(), np.count_nonzero(x > 0, axis=1)),
        *(np.linalg.norm(x, axis=1),),
    ),
    "order": lambda x: (
        *(x.argmax(axis=1), np.argmin(x, axis=0), np.argmax(x), np.argsort(x, axis=1), np.sort(x, axis=0)),
        *(np.cumsum(x, axis=1), np.cumsum(x), np.cumsum(x.sum(), axis=0), x.sum().sum(-1)),
        *(np.median(x, axis=1), np.ptp(x, axis=1)),
    ),
    "entries": lambda x: (
        *(x[0], x[-1], x[:, 1], x[:, ::-1], x[::-1], x[1:], x[:-1], x[..., None], x[::2], x[::-2, ::-3]),
        *(x[:, [0, 2]], x[:, None, 1:3]),
        *(x[0, 1], x[np.arange(len(x)), 1], x[np.arange(len(x))[::-1]]),
        *(x[np.arange(len(x))[:, None], np.array([0, 2])],),
        *(x[len(x) - 1], x[: len(x) - 1], x[-len(x) :], x[:3], x[-2:], x[1:-1, 1]),
        *(x[:, np.array([[0, 1], [2, 3]])], np.take(x, [1, 2], axis=1), np.take_along_axis(x, np.argsort(x, 1), 1)),
    ),
    "other entries": lambda x: (
        *(ad.tensor(x).at[:, 0].set(5.0), ad.tensor(x).at[::-1, ::-2].set(x[:, 1:3])),
        *(ad.tensor(x).at[:, [0, 2]].set(x[:, 1:3]),),
        *(ad.tensor(x).at[np.arange(len(x)), 1].set(x[:, 0]), ad.tensor(x).at[0].set(x[-1])),
        *(ad.tensor(x).at[1:].add(x[1:]),),
        *(ad.tensor(x).at[:, [0, 0]].set(x[:, 1:3]), ad.tensor(x).at[:, [0, 0]].add(x[:, 1:3])),  # the last; both
    ),
    "shapes": lambda x: (
        *(x.reshape(-1), x.reshape(len(x), 2, 2), x.T, np.swapaxes(x, 0, 1), np.expand_dims(x, 1), x.ravel()),
        *(np.moveaxis(x.reshape(-1, 2, 2), 0, 2), np.broadcast_to(x[:, None], (len(x), 3, 4)), x.flatten()),
        *(np.transpose(x.reshape(-1, 2, 2), (2, 0, 1)), np.squeeze(x[:, None], 1)),
        np.diagonal(x.reshape(-1, 2, 2), 0, 1, 2),
    ),
    "joining": lambda x: (
        *(np.concatenate([x, 2 * x]), np.concatenate([x, np.zeros((len(x), 1))], axis=1).astype(x.dtype)),
        *(np.stack([x, x], axis=1), np.stack([x, x], -1), *np.split(x, 2, axis=1), np.flip(x), np.flip(x, 1)),
        *(np.roll(x, 1, axis=1), np.roll(ad.tensor(x.reshape(-1, 2, 2)), (1, 3), (1, 2)), np.repeat(x, 2, axis=1)),
        *(np.tril(x.reshape(-1, 2, 2)),),
        *(np.triu(x.reshape(-1, 2, 2), 1), np.tile(x, (1, 2)), np.pad(x, ((0, 0), (1, 1))), np.vstack([x, x])),
        *(np.diff(x, axis=1),),
    ),
    "products": lambda x: (
        *(x @ W, x @ V, V @ x.T, np.dot(x, W), np.einsum("ij,jk->ik", x, W), np.einsum("ij,ij->i", x, x), x.dot(V)),
        *(x.T @ x[:, 0],),
        *(np.einsum("...i,ij->...j", x, W), np.einsum("bi->", x), np.einsum("bii->bi", x.reshape(-1, 2, 2))),
        *(np.tensordot(x, W, 1), np.tensordot(x, W, ([1], [0])), np.inner(x, x), np.outer(x[:, 0], V)),
        *(np.add.outer(x[:, 0], V), np.conj(x)),
    ),
    "Einstein sums": lambda x: (
        np.einsum("bhi,bhj->bij", x.reshape(-1, 2, 2), x.reshape(-1, 2, 2)),
        np.einsum("bi,ij,bj->b", x, W[:, :4], x),
        *(np.einsum("bi,bj", x, x), np.einsum("ij->ji", x), np.einsum("bi,k->kb", x, V)),
        np.einsum("i...,j->ij...", x, V),
        *(np.einsum("bii,bjj->ij", *[x.reshape(-1, 2, 2)] * 2), np.einsum("bi,bi->", x, x)),
        np.einsum("ij,ij->ij", x, x[:1]),
        *(np.einsum("ij,kj->ikj", x, W.T), np.einsum("bi,ij->jb", ad.tensor(x), W), np.einsum("i,i,i->i", *x.T[:3])),
    ),
    "pairs of rows": lambda x: ((x[:, None] - x[None]) ** 2).sum(-1).reshape(-1),
    "exponentials": lambda x: (
        *(ad.special.softmax(ad.tensor(x), axis=a) for a in (0, 1, (0, 1))),
        *(ad.special.log_softmax(ad.tensor(x), axis=a) for a in (1, (0, 1))),
        ad.special.logsumexp(ad.tensor(x), axis=1),
    ),
    "made from the size": lambda x: (
        x * np.ones((len(x), 1)) * np.arange(4) + np.arange(len(x))[:, None] + len(x),
        x - np.arange(1.0, 2 * len(x), 2)[:, None],
        x.sum(axis=0) / len(x) + 1 / len(x) + np.full((len(x), 1), 1 / len(x)),
    ),
    "no entries": lambda x: (
        *(x[:, :0], np.broadcast_to(x[:, :1], (len(x), 0)), x[:, :0].sum(axis=1), np.concatenate([x, x[:0]])),
    ),
    "gradients": lambda x: (
        ad.grad(lambda z: np.sum(np.tanh(z @ W) ** 2))(x),
        ad.grad(lambda z: np.sum(z[:, 1:] * z[:, [0, 0, 2]]))(x),
        ad.value_and_grad(lambda z: np.mean(ad.special.softmax(z, axis=1)[:, 0] ** 2))(x),
    ),
}  # fmt: skip


NEED_ROWS = {"reductions", "order", "entries", "other entries", "exponentials", "made from the size"}
"""Functions that are no functions of no rows, such as a largest entry."""


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.ci)])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:Degrees of freedom")
def test_functions_of_arrays(name, dtype, tmp_path):
    f = FUNCTIONS[name]
    nn.export_onnx(f, X.astype(dtype), tmp_path / "f.onnx")
    for n in (1, 2, 5, 18) if name in NEED_ROWS else (0, 1, 2, 5, 18):
        check_answers(tmp_path / "f.onnx", f, drawn((n, 4), dtype))


def test_losses(tmp_path):
    labels = np.array([0, 3, 1, 1, 2, 3])
    for f, other in (
        (lambda x, y: nn.cross_entropy(ad.tensor(x), y), labels),
        (lambda x, y: nn.cross_entropy(ad.tensor(x), y, ignore_index=1), labels),
        (ad.value_and_grad(lambda x, y: nn.cross_entropy(x, y, ignore_index=1)), labels),
        (lambda x, y: nn.mse_loss(ad.tensor(x), y), X[::-1]),
        (lambda x, y: nn.huber_loss(ad.tensor(x), y), X[::-1]),
    ):
        nn.export_onnx(f, (X, other), tmp_path / "f.onnx")
        check_answers(tmp_path / "f.onnx", f, RNG.normal(size=(3, 4)), other[1:4])


def test_no_rows_in_an_einstein_sum(tmp_path):
    """ONNX's Einsum ends the process of onnxruntime 1.32 here."""
    f = lambda x: np.einsum("bhid,bhjd->bhij", x, x)
    nn.export_onnx(f, RNG.normal(size=(2, 2, 3, 4)), tmp_path / "f.onnx")
    for n in (0, 1, 5):
        check_answers(tmp_path / "f.onnx", f, RNG.normal(size=(n, 2, 3, 4)))


@settings(max_examples=25)
@given(st.data())
def test_any_index(data):
    part = st.one_of(
        st.integers(-3, 2),
        st.builds(slice, *[st.one_of(st.none(), st.integers(-4, 4))] * 2, st.sampled_from([None, 1, 2, -1, -2])),
        st.sampled_from([[0, 2], [1, -1, 0], np.array([[0, 1], [2, 2]])]),
    )
    index = tuple(data.draw(st.lists(part, min_size=1, max_size=3)))
    x = RNG.normal(size=(3, 3, 3))
    try:
        x[index]
    except IndexError:
        return  # arrays of places that do not go together
    from autodiff.compiler.onnx_file.model import run, to_onnx

    model = to_onnx(lambda x: x[index] * 1.0, "f", [x], ["x"], {}, True)
    for n in (3, 8):
        x = RNG.normal(size=(n, 3, 3))
        np.testing.assert_array_equal(run(model, {"x": x})["output"], x[index])


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore:onnxruntime .* cannot run this file")
def test_every_row_of_the_table_of_operations():
    """What has a form gives the right numbers, gradients too: else the export says that answers differ."""
    from autodiff.compiler.onnx_file.model import to_onnx

    written, wrong = 0, []
    for case in ALL:
        call = case.example(0)
        inputs = [np.asarray(x) for x in call.operands]
        for f in functions(case, call)[:2]:
            try:
                to_onnx(f, "f", inputs, [f"x{k}" for k in range(len(inputs))], {}, False)
                written += 1
            except (ad.UnsupportedError, ad.CompileError, ad.DtypeError, ad.GradientError) as error:
                if "different answers" in str(error):
                    wrong.append((case.name, str(error)))
    assert wrong == []
    assert written > 750


# --- what is in the file


def test_names_and_operations(tmp_path):
    import onnx

    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    nn.export_onnx(model, np.ones((1, 1, 4, 4), np.float32), tmp_path / "model.onnx")
    file = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(file, full_check=True)
    assert (file.opset_import[0].version, file.ir_version, file.producer_name) == (18, 8, "wengert")
    nodes = [node.name for node in file.graph.node]
    assert nodes == ["0/Pad", "0/Conv", "0/Reshape_5", "0/Add", "1/Relu", "2/MaxPool", "3/Reshape", "4/MatMul", "4/Add"]
    assert [x.name for x in file.graph.input] + [y.name for y in file.graph.output] == ["x", "output"]
    block = nn.Sequential(nn.TransformerBlock(4, 2))
    nn.export_onnx(block, np.ones((1, 3, 4), np.float32), tmp_path / "block.onnx")
    assert "0.attention.out/MatMul" in [node.name for node in onnx.load(tmp_path / "block.onnx").graph.node]


def test_results_that_are_inputs_constants_or_parameters(tmp_path):
    w = ad.tensor([[1.0, 2.0]], requires_grad=True, name="x")
    for f in (lambda x: x, lambda x: (x, x), lambda x: w, lambda x: {"a b": x, "a_b": (w, w, x + 0), "c": np.eye(2)}):
        nn.export_onnx(f, X, tmp_path / "f.onnx")
        for n in (0, 1, 4):
            check_answers(tmp_path / "f.onnx", f, RNG.normal(size=(n, 4)))
    nn.export_onnx(lambda output, constant: constant, (X, X + 1), tmp_path / "f.onnx")  # names that the graph uses
    check_answers(tmp_path / "f.onnx", lambda a, b: b, X, X + 1)


def test_inputs_and_outputs(tmp_path):
    def f(a, b, fixed):
        return {"sum": a + b, "parts": (a, a, b @ fixed), "constant": np.arange(3.0)}

    a, b, fixed = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2)), RNG.normal(size=(2, 3))
    nn.export_onnx(f, (a, b, fixed), tmp_path / "f.onnx")
    run = session(tmp_path / "f.onnx")
    assert [(x.name, x.shape) for x in run.get_inputs()] == [("a", ["n", 2]), ("b", ["n", 2]), ("fixed", [2, 3])]
    assert [y.name for y in run.get_outputs()] == [
        "output_sum", "output_parts_0", "output_parts_1", "output_parts_2", "output_constant"
    ]  # fmt: skip
    check_answers(tmp_path / "f.onnx", f, a[:1], b[:1], fixed)
    nn.export_onnx(f, (a, b, fixed), tmp_path / "f.onnx", batch=False)
    assert session(tmp_path / "f.onnx").get_inputs()[0].shape == [4, 2]
    nn.export_onnx(lambda x: x * 2, np.float32(3), tmp_path / "number.onnx", batch=False)
    check_answers(tmp_path / "number.onnx", lambda x: x * 2, np.array(4, np.float32))


def test_masks_lengths_and_integers(tmp_path):
    attention, gru = nn.MultiHeadAttention(4, 2).eval(), nn.GRU(4, 2).eval()
    x, mask = drawn((2, 3, 4), np.float32), np.array([[True, True, False], [True, False, False]])
    hidden = np.zeros((17, 3), bool)  # nothing may be seen: shares of 0, not NaN
    for f, second, other in (
        (lambda x, mask: attention(x, key_mask=mask, causal=True), mask, hidden),
        (lambda x, lengths: gru(x, lengths=lengths), np.array([3, 1]), RNG.integers(1, 4, 17)),
    ):
        nn.export_onnx(f, (x, second), tmp_path / "f.onnx")
        check_answers(tmp_path / "f.onnx", f, drawn((17, 3, 4), np.float32), other)
    for tokens in (np.array([[1, 2]], np.int32), np.array([[1, 2]], np.uint8), [[1, 2]]):
        table = nn.Embedding(5, 3)
        nn.export_onnx(table, tokens, tmp_path / "table.onnx")
        check_answers(tmp_path / "table.onnx", table, np.array([[4, 0], [3, 3]], np.asarray(tokens).dtype))


def test_shared_frozen_and_compiled_models(tmp_path):
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer).requires_grad_(False)
    x = drawn((2, 3), np.float32)
    for f in (model, ad.compile(model), model.forward, ad.compile(lambda x: np.sin(x))):
        nn.export_onnx(f, x, tmp_path / "model.onnx")
        check_answers(tmp_path / "model.onnx", f, drawn((5, 3), np.float32))


def test_modes_are_restored(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[1].eval()
    modes, state = [m.training for _, m in model.named_modules()], model.state_dict()
    nn.export_onnx(model, drawn((2, 3), np.float32), tmp_path / "model.onnx")
    assert [m.training for _, m in model.named_modules()] == modes
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[key])
    check_answers(tmp_path / "model.onnx", model.eval(), drawn((5, 3), np.float32))


# --- what cannot be written


class Singular(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, x):
        return np.linalg.svd(self.inner(x), full_matrices=False)[1]  # the line


def drop(x, layer=nn.Dropout(0.5)):  # noqa: B008 - one layer, in training mode
    return layer(x)


def _doubled(x):
    y = np.empty_like(x)
    np.multiply(x, 2, out=y)
    return y


doubled = ad.primitive(_doubled, vjp=lambda ct, y, x: 2 * ct, jvp=lambda t, y, x: 2 * t, name="flip")

REFUSED = {
    "an operation of the user's with NumPy's name": (
        lambda x: doubled(ad.tensor(x)),
        X,
        ad.UnsupportedError,
        "flip, at .*has no form",
    ),
    "an operation": (Singular(), X[:, :3], ad.UnsupportedError, r"svd in layer 'Singular', at .*test_onnx.*# the line"),
    "dropout": (drop, X, ad.UnsupportedError, r"drop draws random numbers .*call .eval\(\) first"),
    "a complex number": (lambda x: x * 1j, X, ad.DtypeError, "multiply, at .* is of dtype complex128"),
    "a complex input": (np.abs, X * 1j, ad.DtypeError, "complex128"),
    "a wide float": (lambda x: x * 2, X.astype(np.longdouble), ad.DtypeError, np.dtype(np.longdouble).name),
    "a branch": (lambda x: x if x.sum() > 0 else -x, X, ad.CompileError, "a branch"),
    "a choice by values": (
        lambda x: np.poly(ad.tensor(x)),
        X[:2, :2],
        ad.UnsupportedError,
        "chooses what it does by the values",
    ),
    "no batch axis": (nn.Linear(4, 2), X[0], ad.ShapeError, r"but not 5 rows of it .*Write x\[None\]"),
    "no axis": (np.sin, 2.0, ad.ShapeError, r"has shape \(\); its first axis must be the batch"),
    "no rows": (np.sin, X[:0], ad.ShapeError, r"has shape \(0, 4\)"),
    "no input": (lambda: 1, (), ad.ShapeError, "there is no example"),
    "numbers for rows": (nn.Embedding(9, 2), X, ad.DtypeError, "row numbers of an integer dtype"),
    "a size as a constant": (lambda x: x.reshape(6, 2, 2), X, ad.ShapeError, "but not 7 rows"),
    "a function of the size": (lambda x: x / len(x) ** 0.5, X, ad.UnsupportedError, "2.449.* or 2.645.* in divide, at"),
    "a square of the size": (lambda x: x * len(x) ** 2, X, ad.UnsupportedError, "different answers"),
    "every second row, written": (
        lambda x: ad.tensor(x).at[::2].set(0.0),
        X,
        ad.UnsupportedError,
        "the file stops with",
    ),
    "axes of one row": (lambda x: np.squeeze(x[:, :1]), X, ad.UnsupportedError, r"float64\[1\] and float64\[\]"),
    "an index by a mask": (
        lambda x: ad.tensor(x).at[x > 0].set(1.0),
        X,
        ad.UnsupportedError,
        "at_set, at .*: an index by a mask",
    ),
    "the batch, rolled by itself": (lambda x: np.roll(x, len(x), axis=1), X, ad.UnsupportedError, "size of the batch"),
    "a loop over rows": (
        lambda x: np.stack([r * 2 for r in x]),
        X,
        ad.UnsupportedError,
        "stack, at .*, or getitem, at",
    ),
    "rows without a rule": (lambda x: x + np.arange(len(x))[:, None] ** 2, X, ad.UnsupportedError, "follow no rule"),
    "a number as result": (lambda x: (x, 3.0), X, ad.StructureError, r"returns 3.0 as output\[1\]"),
    "no result": (lambda x: None, X, ad.StructureError, "returns no array"),
    "no function": (3, X, TypeError, "takes a model or a function"),
}


def chunked(x):
    return np.concatenate([x[i : i + 100] * 2 for i in range(0, len(x), 100)])


def counted_down(x):
    n = x.shape[0]
    while n > 100:
        n -= 100
    return x * n


BY_SIZE = {
    "4 > 100": lambda x: x * 2 if len(x) > 100 else x,
    "(?=4 > 100 with 4 rows, 5 > 100 with one more)4 > 100": counted_down,
    "16 >= 3000": lambda x: x * 2 if x.shape[0] * x.shape[1] >= 3000 else x,
    "4 == 1": lambda x: x * 2 if len(x) == 1 else x,
    "-4 < -100": lambda x: x * (-len(x) < -100),
    "4 != 9": lambda x: x if x.shape[0] != 9 else -x,
    "4 % 7": lambda x: x * 2 if not len(x) % 7 else x,
    "4 // 2": lambda x: x[: len(x) // 2],
    "4 // 100": lambda x: x * (len(x) // 100 + 1),
    "4 >> 7": lambda x: x * (1 + (len(x) >> 7)),
    r"min\(4, 100\)": lambda x: x[: min(len(x), 100)],
    r"ceil\(0.04\)": lambda x: x * math.ceil(len(x) / 100),
    r"np.ceil\(0.04\)": lambda x: x * np.ceil(len(x) / 100),
    r"round\(0.004\)": lambda x: x * (1 + round(len(x) / 1000)),
    r"range\(0, 4, 100\)": chunked,
}


@pytest.mark.parametrize("what", BY_SIZE)
def test_a_size_that_decides_is_refused(what, tmp_path):
    """Also where the sizes at which the function is recorded and compared all lie on one side."""
    f = BY_SIZE[what]
    with pytest.raises(ad.UnsupportedError, match=rf"(?s)decides by the size of the batch, at .*: {what} with 4 rows"):
        nn.export_onnx(f, X[:4], tmp_path / "f.onnx")
    nn.export_onnx(f, X[:4], tmp_path / "f.onnx", batch=False)
    check_answers(tmp_path / "f.onnx", f, X[2:])


def checked(x, y):
    assert len(x) > 0
    if len(x) != len(y) or x.shape[1] != 4:
        raise ValueError("shapes")
    i = 0
    while i < x.shape[1]:
        x, i = x + i, i + 1
    return x * max(1, len(x)) + y.reshape(len(y), y.size // len(y)) - sum(x[:, [k]] for k in range(x.shape[1]))


def test_sizes_that_decide_nothing(tmp_path):
    nn.export_onnx(checked, (X[:4], X[1:5]), tmp_path / "f.onnx")
    for n in (1, 5, 300):
        check_answers(tmp_path / "f.onnx", checked, RNG.normal(size=(n, 4)), RNG.normal(size=(n, 4)))


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_written(what, tmp_path):
    f, example, kind, message = REFUSED[what]
    (tmp_path / "f.onnx").write_bytes(b"before")
    with pytest.raises(kind, match=f"(?s){message}"):
        nn.export_onnx(f, example, tmp_path / "f.onnx")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("f.onnx", b"before")]


def test_a_refused_function_has_changed_nothing(tmp_path):
    layers = nn.BatchNorm1d(4), nn.Dropout(0.5)
    state = layers[0].state_dict()
    for layer in layers:
        nn.manual_seed(0)
        with pytest.raises(ad.UnsupportedError, match="training mode"):
            nn.export_onnx(lambda x: layer(x), X, tmp_path / "f.onnx")  # noqa: B023 - called at once
        after = layers[1](X).data
        nn.manual_seed(0)
        np.testing.assert_array_equal(after, layers[1](X).data)
    for key, value in layers[0].state_dict().items():
        np.testing.assert_array_equal(value, state[key])


def test_files_that_cannot_be_written(tmp_path):
    model = nn.Linear(4, 2)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        nn.export_onnx(model, X, tmp_path / "nowhere" / "model.onnx")
    with pytest.raises(OSError, match="is not a file"):
        nn.export_onnx(model, X, tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- what runs the file


def test_without_onnxruntime_the_evaluator_of_onnx_compares(tmp_path, monkeypatch):
    model = nn.Sequential(nn.Conv1d(2, 3, 2), nn.GELU(), nn.GRU(3, 2), nn.Lambda(lambda y: y[0]), nn.Softmax())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    nn.export_onnx(model, drawn((2, 2, 4), np.float32), tmp_path / "model.onnx")
    with pytest.raises(ad.UnsupportedError, match="different answers"):
        nn.export_onnx(lambda x: x * len(x) ** 2, X, tmp_path / "f.onnx")
    monkeypatch.undo()
    check_answers(tmp_path / "model.onnx", model, drawn((3, 2, 4), np.float32))


def test_what_onnxruntime_lacks_is_said(tmp_path):
    with pytest.warns(UserWarning, match=r"onnxruntime .* cannot run this file, which is valid: .*Tan.* float32"):
        nn.export_onnx(np.tan, X, tmp_path / "tan.onnx")
    nn.export_onnx(np.tan, X.astype(np.float32), tmp_path / "tan.onnx")
    check_answers(tmp_path / "tan.onnx", np.tan, X[:3].astype(np.float32))


def test_without_onnx(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ad.MissingExtraError, match=r"pip install 'wengert\[onnx\]'"):
        nn.export_onnx(nn.Linear(4, 2), X, tmp_path / "model.onnx")
