"""Programs in C give what the eager engine gives, to rounding. Without a C compiler nothing of this can run."""

import os
import re
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings

import autodiff as ad
import nn
import optim
from autodiff import pytree
from autodiff.compiler.native import building, target
from autodiff.compiler.native.expressions import literal
from autodiff.compiler.native.names import c_comment, c_identifier
from autodiff.testing import strategies as st
from tests.op_cases import ALL
from tests.op_cases.checks import quiet
from tests.test_compile_rows import depends_on_values, functions, other

needs_compiler = pytest.mark.skipif(not target.compilers(), reason=f"no C compiler: {target.HINT}")
RNG = np.random.default_rng(0)
F = np.float64


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    """Libraries of these tests go to a folder of their own."""
    before = os.environ.get("WENGERT_CACHE")
    os.environ["WENGERT_CACHE"] = before or str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["WENGERT_CACHE"]


def native(f, **options):
    """Without the comparison of the second call, which would hide what a program does to the state."""
    return ad.compile(f, backend="native", **{"check": 0, **options})


def close(found, expected, rtol=1e-13):
    """Equal to a fraction of the largest magnitude, with NaN and infinity in the same places."""
    a, b = pytree.flatten(found)[0], pytree.flatten(expected)[0]
    for x, y in zip(a, b, strict=True):
        x, y = (np.asarray(getattr(v, "data", v)) for v in (x, y))
        assert x.shape == y.shape and x.dtype == y.dtype
        if y.dtype.kind in "fc":
            size = np.abs(y[np.isfinite(y)]).max(initial=1.0)
            np.testing.assert_allclose(x, y, rtol=10 * rtol, atol=10 * rtol * size)
        else:
            np.testing.assert_array_equal(x, y)


# Each row costs a run of the compiler: a share of them every day, all of them in deep runs.
ROWS = [case for case in ALL if not depends_on_values(case)]


@needs_compiler
@pytest.mark.parametrize("case", ROWS[::40], ids=str)
def test_a_row_is_the_same(case):
    check_row(case)


@pytest.mark.deep
@needs_compiler
@pytest.mark.parametrize("case", ROWS, ids=str)
def test_every_row_is_the_same(case):
    check_row(case)


def check_row(case):
    call = case.example(0)
    xs = [np.array(x) for x in call.operands]
    for f in functions(case, call):
        compiled = native(f)
        moved = [other(x) for x in xs]
        with quiet():
            compiled(*xs)
            close(compiled(*moved), f(*moved), 1e-12)


KINDS = ["?", "f", "d", "b", "h", "i", "q", "B", "H", "I", "Q"]


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
def test_arithmetic_of_every_dtype(kind):
    values = [0, 1, 2, 3, 5, 7, 100, 127] if kind in "bhiqBHIQ" else [-1.5, 0.0, -0.0, 2.0, np.inf, -np.inf, np.nan]
    values = [False, True] if kind == "?" else values + ([-1, -7, -128] if kind in "bhiq" else [])
    a, b = (x.ravel() for x in np.meshgrid(np.array(values, kind), np.array(values, kind)))

    def f(a, b):
        found = [a + b, a * b, a < b, a <= b, a == b, a != b, np.maximum(a, b), np.minimum(a, b), np.sign(a * 1)]
        found += [np.logical_and(a, b), np.logical_or(a, b), np.logical_not(a), np.where(a > b, a, b)]
        if kind != "?":
            found += [a - b, -a, a // b, a % b, np.abs(a), np.square(a), a / b, np.isnan(a), np.isfinite(b)]
        if kind in "fd":
            found += [np.fmax(a, b), np.fmin(a, b), np.floor(a), np.ceil(a), np.rint(a), np.copysign(a, b), np.isinf(a)]
            found += [np.heaviside(a, b), np.logaddexp(a, b), np.signbit(a), np.reciprocal(a), np.degrees(a)]
        if kind in "bhiqBHIQ":
            found += [a & b, a | b, a ^ b, ~a]
        if kind == "?":
            found = found[:8] + found[9:] + [a & b, a | b, a ^ b, ~a]
        return found

    compiled = native(f)
    with np.errstate(all="ignore"):
        compiled(a, b)
        close(compiled(b, a), f(b, a), 1e-7 if kind == "f" else 1e-15)


@needs_compiler
def test_comparisons_that_numpy_makes_without_a_cast():
    a, b = np.array([-1, 5, 2**62]), np.array([2**64 - 1, 5, 1], np.uint64)
    f = lambda a, b, c: [a < b, a == b, a >= b, c < 300, c != -200, a < 2**70]
    check = lambda a, b, c: close(compiled(a, b, c), f(a, b, c))
    compiled = native(f)
    check(a, b, np.array([1, -1], np.int8)), check(a[::-1].copy(), b, np.array([-128, 127], np.int8))


@needs_compiler
def test_of_two_zeros_a_maximum_has_the_sign_that_numpy_gives():
    f = lambda x: (1 / np.maximum(x, 0.0), 1 / np.minimum(x, 0.0))
    compiled = native(f)
    x = np.array([-0.0, 0.0, 1.0, -1.0] * 9)
    with np.errstate(all="ignore"):
        compiled(x), close(compiled(-x), f(-x))


@needs_compiler
@pytest.mark.parametrize("kind", ["f", "d"])
def test_elementary_functions_are_accurate_to_4_ulp(kind):
    plain = np.concatenate([RNG.normal(size=3000), np.geomspace(1e-6, 30, 500), -np.geomspace(1e-6, 30, 500)])
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(kind).tiny / 4, 1e30, -1e30, 1.0, -1.0])
    x = np.concatenate([plain, special]).astype(kind)
    unit = np.tanh(x)
    whole = [np.sin, np.cos, np.tan, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.cbrt]
    whole += [np.exp, np.exp2, np.expm1]
    positive = [np.log, np.log2, np.log10, np.log1p, np.sqrt]
    inverse = [np.arcsin, np.arccos, np.arctanh]

    def f(x, unit):
        found = [g(x) for g in whole] + [g(np.abs(x)) for g in positive] + [g(unit) for g in inverse]
        return [*found, np.arctan2(x, unit), np.hypot(x, unit), np.abs(x) ** unit]

    compiled = native(f)
    with np.errstate(all="ignore"):
        compiled(x, unit)
        wide = np.longdouble if kind == "d" else np.float64
        for found, exact in zip(compiled(x, unit), f(x.astype(wide), unit.astype(wide)), strict=True):
            rounded = exact.astype(kind)
            np.testing.assert_array_equal(np.isnan(found), np.isnan(rounded))
            np.testing.assert_array_equal(np.isinf(found), np.isinf(rounded))
            fine = np.isfinite(rounded)
            ulp = np.spacing(np.maximum(np.abs(rounded[fine]), np.finfo(kind).tiny))
            assert np.all(np.abs(found[fine] - exact[fine]) <= 4 * ulp)


SHAPES = [
    ((1,), (1,)), ((5,), (5,)), ((5,), (5, 3)), ((4, 5), (5,)), ((1, 7), (7, 1)), ((7, 1), (1, 9)), ((3, 0), (0, 4)),
    ((2, 33), (33, 17)), ((13, 64), (64, 67)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 6)), ((100, 16), (16, 1)),
    ((16, 100), (100, 1)), ((1, 300), (300, 40)), ((40, 300), (300, 6)), ((6, 17), (17, 200)),
]  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("kind", ["f", "d"])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_products_of_every_size_and_layout(kind, layout):
    """All in one program, since each costs a run of the compiler."""
    arrays = [np.asarray(RNG.normal(size=s).astype(kind), order=layout) for shapes in SHAPES for s in shapes]

    def f(*arrays):
        found = []
        for a, b in zip(arrays[::2], arrays[1::2], strict=True):
            found.append(a @ b)
            if a.ndim == b.ndim == 2:
                found += [b.T @ a.T, (b.T @ a.T).T, a[::-1] @ b[:, ::-1], (a @ b) @ (a @ b).T]
        return found

    compiled = native(f)
    compiled(*arrays)
    moved = [2 * a for a in arrays]
    close(compiled(*moved), f(*moved), 1e-6 if kind == "f" else 1e-14)


@needs_compiler
@pytest.mark.parametrize("kind", ["f", "d", "i", "?"])
def test_folds_along_all_axes(kind):
    x = (RNG.normal(size=(3, 1, 40, 5)) * 9).astype(kind)

    def f(x):
        found = []
        for axis in (None, 0, 1, 2, 3, (0, 2), (1, 3), (0, 1, 2, 3), (2, 3), ()):
            for keepdims in (False, True):
                found += [np.max(x, axis, keepdims=keepdims), np.min(x, axis, keepdims=keepdims)]
                found += [np.sum(x, axis, keepdims=keepdims), np.all(x > 0, axis), np.any(x > 2, axis)]
        return found

    compiled = native(f)
    for y in (x, np.ascontiguousarray(x.T).T, np.repeat(x, 2, 2)[:, :, ::2]):
        compiled(y)
        close(compiled(y), f(y), 1e-6 if kind == "f" else 1e-14)


@needs_compiler
def test_entries_are_moved_from_arrays_in_every_layout():
    def f(x):
        found = [np.roll(x, 1, 0), np.repeat(x, 2, 1), np.tile(x, (2, 1)), np.tril(x), np.pad(x, 1), x[[2, 0, 1, 2]]]
        found += [x[::-1, 1], x.T.reshape(-1), np.concatenate([x, x[:, ::-1]]), np.flip(x), np.diagonal(x)]
        return [y * 2.0 for y in found]

    compiled = native(f)
    for x in (RNG.normal(size=(4, 4)), RNG.normal(size=(4, 4))[::-1, ::-1], np.asfortranarray(RNG.normal(size=(4, 4)))):
        compiled(x)
        close(compiled(x), f(x))


@needs_compiler
def test_arrays_of_many_axes():
    f = lambda x: np.sum(np.transpose(x, (*range(0, 18, 2), *range(1, 18, 2))) * x, (0, 3, 7))
    compiled = native(f)
    x = RNG.normal(size=(2,) * 18)
    compiled(x), close(compiled(x + 1), f(x + 1), 1e-12)


@needs_compiler
def test_long_sums_keep_their_digits():
    x = RNG.random(1_000_000).astype(np.float32)
    compiled = native(lambda x: (np.sum(x), np.sum(np.tanh(x)), x @ x))
    compiled(x)
    for found, exact in zip(compiled(x), (x.sum(dtype=F), np.tanh(x.astype(F)).sum(), x.astype(F) @ x.astype(F))):
        assert abs(found / exact - 1) < 1e-6


@needs_compiler
def test_nan_and_infinity_are_kept():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -1.0, 1.0] * 5)

    def f(x):
        return np.maximum(x, 0), np.max(x), np.sum(x), np.where(x > 0, x, np.nan), x - x, np.isnan(x), np.exp(-x)

    compiled = native(f)
    with np.errstate(all="ignore"):
        compiled(x)
        close(compiled(x[::-1].copy()), f(x[::-1].copy()))


@needs_compiler
@pytest.mark.parametrize("shape", [(4, 8), (3, 16), (5, 4), (2, 3, 4), (7, 9)], ids=str)
@pytest.mark.parametrize("kind", ["f", "d"])
def test_choices_between_arrays(shape, kind):
    """gcc 12 gives wrong numbers for short loops that read an array only where a condition holds."""

    def f(x, b):
        y = x + b
        positive = y > 0
        z = np.where(positive, y, np.expm1(np.minimum(y, 0)))
        return z, np.where(positive, np.exp(-z), z * 2), positive

    compiled = native(f)
    x, b = RNG.normal(size=shape).astype(kind), RNG.normal(size=shape[-1]).astype(kind)
    compiled(x, b)
    close(compiled(-x, b), f(-x, b), 1e-6 if kind == "f" else 1e-14)
    body = compiled.source.partition("static int")[2].partition("How Python calls")[0]
    assert not re.search(r"\?[^;]*\[", body)  # so nothing is read inside a choice


IMAGES, LABELS = RNG.normal(size=(6, 1, 8, 8)), RNG.integers(0, 3, 6)
MODELS = {
    "dense": lambda: [nn.Flatten(), nn.Linear(64, 8, dtype=F), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 3, dtype=F)],
    "convolution": lambda: [
        nn.Conv2d(1, 4, 3, padding=1, dtype=F), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, stride=2, dtype=F),
        nn.GELU(), nn.AvgPool2d(1), nn.Flatten(), nn.Linear(5, 3, dtype=F),
    ],
    "normalised": lambda: [
        nn.Conv2d(1, 4, 3, dtype=F), nn.BatchNorm2d(4, dtype=F), nn.SiLU(), nn.Flatten(), nn.LayerNorm(144, dtype=F),
        nn.Linear(144, 3, dtype=F),
    ],
    "float32": lambda: [nn.Flatten(), nn.Linear(64, 33), nn.ReLU(), nn.Linear(33, 3)],
}  # fmt: skip
METHODS = {
    "adam": lambda p: optim.Adam(p, 0.01),
    "adamw": lambda p: optim.AdamW(p, 0.01),
    "amsgrad with decay": lambda p: optim.Adam(p, 0.01, weight_decay=0.1, amsgrad=True),
    "momentum": lambda p: optim.Momentum(p, 0.01),
    "rmsprop": lambda p: optim.RMSProp(p, 0.01),
    "adagrad": lambda p: optim.AdaGrad(p, 0.01),
    "groups": lambda p: optim.GradientDescent([{"params": p[:1]}, {"params": p[1:], "learning_rate": 0.1}], 0.01),
}


def trained(name, method, wrap, steps=5):
    """The losses and parameters of a training run."""
    nn.manual_seed(1)
    model = nn.Sequential(*MODELS[name]())
    parameters = model.parameters()
    optimizer = METHODS[method](parameters)
    schedule = optim.StepLR(optimizer, 2, 0.5) if hasattr(optim, "StepLR") else None

    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(clip_norm=1.0 if name == "dense" else None)
        return loss

    run = wrap(step)
    nn.manual_seed(2)
    kind = parameters[0].dtype
    losses = []
    for _ in range(steps):
        losses.append(run(IMAGES.astype(kind), LABELS).item())
        if schedule is not None:
            schedule.step()
    state = {k: v for k, v in optimizer.state_dict().items() if not k.endswith("step")}
    return losses, [p.data.copy() for p in parameters], state, run, [p.grad for p in parameters]


@needs_compiler
@pytest.mark.parametrize(
    ("name", "method"),
    [("dense", m) for m in METHODS] + [(n, "momentum") for n in MODELS if n != "dense"] + [("convolution", "adam")],
)
def test_a_training_step_is_the_eager_one(name, method):
    eager, in_c = trained(name, method, lambda f: f), trained(name, method, native)
    narrow = name == "float32"
    np.testing.assert_allclose(in_c[0], eager[0], rtol=1e-5 if narrow else 1e-11)
    # Where a gradient is near 0, Adam turns its rounding into a move of up to the learning rate.
    loose = method.startswith(("adam", "amsgrad", "rms", "adag"))
    for a, b in zip(in_c[1], eager[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4 if narrow else 1e-9, atol=1e-3 if narrow and loose else 1e-6)
    for k in eager[2]:
        np.testing.assert_allclose(in_c[2][k], eager[2][k], rtol=1e-4 if narrow else 1e-7, atol=1e-8)
    with pytest.raises(ValueError, match="class"):
        in_c[3](IMAGES.astype(in_c[1][0].dtype), LABELS + 5)


@needs_compiler
def test_labels_of_no_class_change_nothing():
    nn.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 3))
    optimizer = optim.Adam(model.parameters(), 0.1)

    @native
    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    x, y = RNG.normal(size=(5, 4)).astype(np.float32), np.array([0, 1, 2, 0, 1])
    step(x, y), step(x, y)
    before = [p.data.copy() for p in model.parameters()]
    with pytest.raises(ad.DomainError, match=r"label 7 was given \(entry 3\)"):
        step(x, np.array([0, 1, 2, 7, 1]))
    for p, kept in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.data, kept)


@needs_compiler
@settings(max_examples=10, deadline=None)
@given(f=st.scalar_functions(3))
def test_random_functions_their_gradients_and_products(f):
    x, v = np.array([0.3, -0.4, 1.2]), np.array([1.0, -2.0, 0.5])
    for g in (f, ad.grad(f), lambda x, v: ad.hvp(f, x, v)):
        arguments = (x, v) if g.__name__ == "<lambda>" else (x,)
        compiled = native(g)
        for scale in (1.0, 1.5):
            arguments = tuple(a * scale for a in arguments)
            close(compiled(*arguments), g(*arguments), 1e-12)


@needs_compiler
def test_arguments_in_any_layout_are_read_and_never_written():
    f = lambda x, y: np.tanh(x) @ y
    compiled = native(f)
    x, y = RNG.normal(size=(6, 4)), RNG.normal(size=(4, 3))
    for a in (x, np.asfortranarray(x), np.repeat(x, 2, 0)[::2], x[::-1], np.broadcast_to(x[:1], (6, 4))):
        a = a.view()
        a.flags.writeable = False
        kept = a.copy()
        close(compiled(a, y), f(a, y))
        close(compiled(a, y), f(a, y))
        np.testing.assert_array_equal(a, kept)
    room = np.zeros(6 * 4 * 8 + 1, np.uint8)
    odd = room[1:].view(F).reshape(6, 4)  # begins at an odd address
    odd[...] = x
    assert not odd.flags.aligned
    close(compiled(odd, y), f(x, y))
    swapped = x.astype(x.dtype.newbyteorder())
    close(compiled(swapped, y), f(x, y))


@needs_compiler
def test_a_new_shape_or_dtype_is_a_new_trace():
    compiled = native(lambda x: np.sum(x * x))
    for x in (np.ones(3), np.ones(4), np.ones(4, np.float32), np.ones((2, 2)), np.ones(3)):
        assert compiled(x) == compiled(x) == x.size
    assert len(compiled.sources) == 4


@needs_compiler
def test_results_that_are_partly_infinite_agree_with_the_function():
    compiled = ad.compile(lambda x: np.cumsum(np.exp(x)) / np.tanh(x), backend="native", check="always")
    x = RNG.normal(size=50).astype(np.float32) * 60
    with np.errstate(all="ignore"):
        compiled(x), compiled(2 * x)


@needs_compiler
def test_results_belong_to_the_caller():
    compiled = native(lambda x: (x + 1, (x + 1).reshape(2, 2), np.sum(x)))
    x = np.arange(4.0)
    first = compiled(x), compiled(x)
    second = compiled(10 * x)
    np.testing.assert_array_equal(first[1][0], x + 1)
    second[0][...] = 0
    np.testing.assert_array_equal(second[1], (10 * x + 1).reshape(2, 2))


@needs_compiler
def test_what_has_no_c_runs_between_two_stretches():
    def f(x):
        y = np.exp(x) @ x
        values = np.linalg.eigvalsh(y + y.T)
        return np.sum(np.sort(values) ** 2)

    compiled = native(ad.value_and_grad(f))
    x = RNG.normal(size=(4, 4))
    for k in (1, 2, 3):
        close(compiled(k * x), ad.value_and_grad(f)(k * x), 1e-11)
    assert "eigh" in compiled.source and compiled.source.count("_in_c(") > 2


@needs_compiler
def test_loops_around_what_has_no_c():
    def f(x, w):
        for _ in range(6):
            x = np.cumsum(np.sort(np.tanh(x @ w + 1.0) - x * 0.5, 1), 1)
        return np.sum(x)

    f = ad.value_and_grad(f)
    compiled = native(f)
    x, w = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 4)) / 9
    compiled(x, w), close(compiled(2 * x, w), f(2 * x, w), 1e-11)


@needs_compiler
def test_results_of_numpy_that_lie_otherwise_than_in_the_recorded_call():
    """In C order from C, and so in C order from `concatenate`, where the eager arrays are views."""
    nn.manual_seed(1)
    model = nn.RNN(2, 3, num_layers=2, bidirectional=True, dtype=F)
    compiled = native(lambda x: model(x))
    x = RNG.normal(size=(3, 5, 2))
    compiled(x), close(compiled(2 * x), model(2 * x), 1e-12)


@needs_compiler
def test_a_view_that_is_a_result_and_is_read_by_another_stretch():
    def f(x):
        y = (x * 2.0)[:, ::-1]
        return y, np.tanh(y) + np.sort(y, 0)

    compiled = native(f)
    x = RNG.normal(size=(3, 4))
    compiled(x), close(compiled(2 * x), f(2 * x))


@needs_compiler
@pytest.mark.parametrize("kind", ["f", "d"])
def test_softmax_and_its_like_are_all_c(kind):
    x = np.array([[1.0, 2.0, 3.0], [-np.inf, 0.0, 1.0], [np.inf, 0.0, np.inf], [-np.inf, -np.inf, -np.inf]], kind)
    f = lambda x: (nn.softmax(x), nn.log_softmax(x), ad.special.logsumexp(x, axis=1))
    compiled = native(f)
    with np.errstate(all="ignore"):
        compiled(x), close(compiled(x[:, ::-1].copy()), f(x[:, ::-1].copy()), 1e-6 if kind == "f" else 1e-14)
    assert "0 in NumPy" in compiled.source


@needs_compiler
def test_selections_by_views_of_an_index():
    kept = np.array([0, 2, 1])
    x, i = RNG.normal(size=(4, 3)), np.array([0, -1, 2])
    f = lambda x, i: (x[i[:, None], kept], x[i[1:]], x[kept[::-1]], x[i.reshape(1, 3).T])
    for g in (f, ad.grad(lambda x, i: sum(np.sum(np.sin(y)) for y in f(x, i)))):
        compiled = native(g)
        compiled(x, i), close(compiled(x, i - 1), g(x, i - 1))
        with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 4"):
            compiled(x, i + 3)


@needs_compiler
def test_an_exception_in_python_between_two_stretches_is_the_functions_own():
    compiled = native(lambda x: np.exp(np.linalg.inv(x * 2.0)))
    compiled(np.eye(2)), compiled(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        compiled(np.zeros((2, 2)))
    close(compiled(np.eye(2)), np.exp(np.eye(2) / 2))


@needs_compiler
def test_masks_and_divergence_as_in_numpy():
    f = ad.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))
    compiled = native(f)
    for x in (np.array([1.0, 4.0]), np.array([9.0, 1.0]), np.array([0.0, 4.0]), np.array([-1.0, 4.0])):
        with np.errstate(all="ignore"):
            close(compiled(x), f(x))


@needs_compiler
def test_threads_share_a_function():
    compiled = native(lambda x: np.sum(np.tanh(x) @ x))
    inputs = [RNG.normal(size=(8, 8)) for _ in range(8)]
    expected = [np.sum(np.tanh(x) @ x) for x in inputs]
    found = [[] for _ in inputs]

    def work(k):
        for _ in range(50):
            found[k].append(compiled(inputs[k]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for k, values in enumerate(found):
        assert len(values) == 50
        np.testing.assert_allclose(values, expected[k], rtol=1e-12)


@needs_compiler
def test_two_functions_with_the_same_text_keep_their_own_arrays():
    models = [nn.Sequential(nn.Linear(3, 2, dtype=F)) for _ in range(2)]
    steps = [native(lambda x, m=m: np.sum(m(x))) for m in models]
    x = RNG.normal(size=(4, 3))
    for _ in range(3):
        for m, step in zip(models, steps, strict=True):
            close(step(x), np.sum(m(x)))


@needs_compiler
def test_names_that_c_has_already_are_those_of_users_too():
    given = ["x", "x_i", "p", "code", "M_PI", "NULL", "tanhf", "memcpy", "pack_float64", "all_tanh", "m", "at0"]
    given += ["linux", "stdin", "W", "double", "size_t", "int64_t"]
    names = {"np": np}
    terms = " + ".join(f"np.tanh({name}) @ {name}.T" for name in given)
    exec(f"def main({', '.join(given)}):\n    return {terms}", names)
    compiled = native(names["main"])
    xs = [RNG.normal(size=(2, 3)) for _ in given]
    compiled(*xs), close(compiled(*xs[::-1]), names["main"](*xs[::-1]))


# --- C that stands alone --------------------------------------------------------------------------


def carried(folder, compiled, *examples):
    """What the carried program prints: the first entries of the results, three times."""
    compiled.write_c(folder, *examples)
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=address,undefined"]
    files = [str(path) for path in folder.glob("*.c")]
    subprocess.run([*target.compiler().command, "-fsyntax-only", *files], check=True)  # with names that C99 has not
    subprocess.run([*target.compiler().command, *strict, *files, "-o", str(folder / "run"), "-lm"], check=True)
    done = subprocess.run([str(folder / "run")], check=True, capture_output=True, text=True)
    assert not done.stderr
    return [[float(x) for x in line.split()] for line in done.stdout.splitlines()]


@needs_compiler
def test_a_carried_step_is_the_compiled_one(tmp_path):
    """Its gradients lie in memory in another order than its parameters; a count is a number that it assigns."""
    nn.manual_seed(1)
    layers = nn.Conv2d(1, 3, 3, dtype=F), nn.BatchNorm2d(3, dtype=F), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    model = nn.Sequential(*layers, nn.Linear(27, 3, dtype=F))
    optimizer = optim.Adam(model.parameters(), 0.01)

    @native
    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step(IMAGES, LABELS)
    found = carried(tmp_path, step, IMAGES, LABELS)
    np.testing.assert_allclose(found, [[step(IMAGES, LABELS).item()] for _ in range(3)], rtol=1e-8)


@needs_compiler
@pytest.mark.parametrize("kind", ["q", *(pytest.param(k, marks=pytest.mark.ci) for k in "hiBHQd")])
def test_carried_numbers_wrap_around(kind, tmp_path):
    ends = [np.inf, np.nan] if kind == "d" else [np.iinfo(kind).max, np.iinfo(kind).min]
    x = np.array([*ends, 3, 0, 1], kind)

    def f(x, unread):
        found = [x + x[0], x - x[1], x * x[0], -x, np.abs(x), np.square(x), np.sign(x), x // x[::-1], x % x[::-1]]
        return [y for z in found for y in (z[0], z[1], z[2])]

    compiled = native(f)
    with np.errstate(all="ignore"):
        compiled(x, x)
        assert "0 in NumPy" in compiled.source
        np.testing.assert_allclose(carried(tmp_path, compiled, x, x)[0], np.array(f(x, x), float), rtol=1e-8)


def test_names_of_users_are_harmless_in_c():
    for name in ("double", "a*/b", "2 x", "x; system", "é", "_", "sin", "i0", "long", "__attribute__"):
        found = c_identifier(name)
        assert found.isidentifier() and found.isascii() and found not in ("double", "sin", "long", "i0")
    for text in ("*/ evil(); /*", "two\nlines", "back\\slash\\", "trigraph ??/", "π"):
        found = c_comment(text)
        assert "*/" not in found and "/*" not in found and "\n" not in found and "\\" not in found
        assert "??" not in found and found.isascii()


def test_literals():
    assert literal(0.1, np.float32) == "0.1f" and literal(1, F) == "1.0" and literal(-2.5, F) == "(-2.5)"
    assert literal(np.nan, F) == "NAN" and literal(-np.inf, F) == "(-INFINITY)"
    assert literal(-(2**63), np.int64) == "((-9223372036854775807ll - 1))" and literal(True, bool) == "1"


# --- the compiler and the cache -------------------------------------------------------------------


def script(folder, text):
    """A program that stands for a C compiler."""
    path = folder / "compiler"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys; sys.stderr.write('out of luck'); sys.exit(3)", "failed with status 3: out of luck"),
        ("import time; time.sleep(60)", "did not finish within"),
        ("", "failed with status 0"),
    ],
)
def test_a_compiler_that_fails_is_told(text, message, tmp_path, monkeypatch):
    monkeypatch.setenv("CC", script(tmp_path, text))
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(building, "TIME_LIMIT", 1.0)
    x = np.arange(3.0)
    with pytest.raises(ad.CompileError, match=message):
        native(lambda x: x * 2.5)(x)
    compiled = native(lambda x: x * 2.5, fallback=True)
    with pytest.warns(UserWarning, match=message) as seen:
        close(compiled(x), x * 2.5)
    close(compiled(x), x * 2.5)
    assert len(seen) == 1
    assert "multiply(x, c_2_5)" in compiled.source  # the NumPy program runs


@needs_compiler
def test_a_compiler_that_is_clang_by_its_macros_gets_no_flags_of_gcc(tmp_path, monkeypatch):
    program = "import os, sys\nif '-E' in sys.argv:\n    print('12 1')\n    sys.exit()\n"
    program += "if not {'-fno-tree-sink'}.isdisjoint(sys.argv) or any(x.startswith('--param') for x in sys.argv):\n"
    program += "    sys.exit('unknown flag')\n"
    real = target.compiler().command
    monkeypatch.setenv("CC", script(tmp_path, f"{program}os.execv({real[0]!r}, [*{real!r}, *sys.argv[1:]])"))
    monkeypatch.setenv("WENGERT_CACHE", "0")
    close(native(lambda x: x * 2.5)(np.arange(3.0)), np.arange(3.0) * 2.5)


def test_a_missing_compiler_is_told(monkeypatch):
    monkeypatch.setattr(target.shutil, "which", lambda *_: None)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setitem(sys.modules, "ziglang", None)
    with pytest.raises(ad.CompileError, match=r"wengert\[native\]"):
        native(lambda x: x * 2.5)(np.ones(2))


@needs_compiler
def test_libraries_are_kept_and_damaged_ones_are_built_anew(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("WENGERT_CACHE", str(folder))
    runs = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: runs.extend(a[: "-shared" in a[0]]) or run(*a, **k))
    f = lambda x: x * 3.25 - 1
    x = np.arange(4.0)

    def built():
        before = len(runs)
        compiled = native(f)
        compiled(x)
        close(compiled(2 * x), f(2 * x))
        return len(runs) - before

    assert built() == 1 and built() == 0
    (library,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and not stat.S_IMODE(library.stat().st_mode) & 0o077
    whole = library.read_bytes()
    for data in (whole[:-1], whole[:100], b"", whole[:-40] + b"x" + whole[-39:], b"foreign"):
        library.unlink()
        library.write_bytes(data)
        library.chmod(0o700)
        assert built() == 1
        assert library.read_bytes() == whole or len(library.read_bytes()) > 1000
        assert built() == 0
    library.chmod(0o722)  # somebody else could have written it
    assert built() == 1
    monkeypatch.setenv("WENGERT_CACHE", "0")
    assert built() == 1 and built() == 1


@needs_compiler
def test_two_processes_fill_the_cache_at_once(tmp_path):
    program = (
        "import numpy as np, autodiff as ad\n"
        "f = ad.compile(lambda x: np.sum(np.tanh(x) * 1.75), backend='native')\n"
        "f(np.ones(50)); print(f(np.ones(50)))"
    )
    env = {**os.environ, "WENGERT_CACHE": str(tmp_path / "cache")}
    running = [subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE) for _ in range(2)]
    answers = {p.communicate()[0] for p in running}
    assert len(answers) == 1 and all(p.returncode == 0 for p in running)
    assert [p.suffix for p in (tmp_path / "cache").iterdir()] == [".so"]
