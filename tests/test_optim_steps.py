"""Optimisers: torch's numbers, the in-place twin, skipped parameters, one home, states, threads."""

import importlib.util
import json
import pickle
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from optim.optimizers import optimizer as base
from tests.reference import problem

STORED = json.loads(Path(__file__).with_name("reference").joinpath("optimizers.json").read_text())


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def reals(p):
    return p.data.reshape(-1).view(p.data.real.dtype).copy()


def run(kind, options, start, loss, *, scheduled=False, skipping=False):
    """The run of tests/reference/make_optimizers.py, with our optimisers."""
    params = {}
    for name, value in start.items():
        value = np.array(value)
        params[name] = tracked(value.view(complex)[..., 0] if name == "z" else value, name=name)
    given, rest = problem.grouped(params, options)
    optimizer = getattr(optim, kind)(given, **rest)
    initial = optimizer.learning_rate
    history = {name: [] for name in params}
    for step in range(problem.STEPS):
        if scheduled:
            optimizer.learning_rate = problem.rate(initial, step)
        optimizer.zero_grad()
        loss(**params).backward()
        for name, p in params.items():
            if skipping and not problem.has_gradient(name, step):
                p.grad = None
        optimizer.step()
        for name, p in params.items():
            history[name].append(reals(p))
    return history


def our_run(name):
    base_name = name.removesuffix(", scheduled").removesuffix(", skipping").removesuffix(", complex")
    kind, options, _, _ = problem.RUNS[base_name]
    if name.endswith(", complex"):
        return run(kind, options, problem.START_COMPLEX, problem.complex_loss)
    return run(
        kind,
        options,
        problem.START,
        problem.real_loss,
        scheduled=name.endswith(", scheduled"),
        skipping=name.endswith(", skipping"),
    )


# --- the same numbers as torch --------------------------------------------------------------------


@pytest.mark.parametrize("name", STORED["runs"])
def test_twenty_steps_are_torchs(name):
    ours = our_run(name)
    for p, values in STORED["runs"][name].items():
        for step, expected in zip(STORED["steps"], values, strict=True):
            np.testing.assert_allclose(ours[p][step], expected, rtol=1e-12, atol=1e-14, err_msg=f"{p}, step {step}")


def test_the_stored_numbers_cover_every_run():
    assert {n.split(",")[0] for n in STORED["runs"]} == {n.split(",")[0] for n in problem.RUNS}
    assert len(STORED["runs"]) == 4 * len(problem.RUNS)


def test_twenty_steps_are_those_of_the_torch_that_is_installed():
    if importlib.util.find_spec("torch") is None:
        return  # the stored numbers stand for it
    from tests.reference.make_optimizers import run_all

    for name, theirs in run_all()["runs"].items():
        ours = our_run(name)
        for p, values in theirs.items():
            np.testing.assert_allclose(ours[p], values, rtol=1e-12, atol=1e-14, err_msg=f"{name}: {p}")


def test_a_network_in_float32_trains_as_in_float64():
    """The same first steps up to float32's rounding, and every array stays float32."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.integers(2, size=20)
    losses = {}
    for dtype in (np.float32, np.float64):
        model = nn.Sequential(
            nn.Linear(3, 5, dtype=dtype, rng=np.random.default_rng(1)),
            nn.Tanh(),
            nn.Linear(5, 2, dtype=dtype, rng=np.random.default_rng(2)),
        )
        optimizer = optim.Adam(model.parameters(), learning_rate=0.05)
        losses[dtype] = [optimizer.step(lambda model=model: nn.cross_entropy(model(x), y)).item() for _ in range(20)]
        assert all(p.dtype == dtype and p.grad.dtype == dtype for p in model.parameters())
        assert all(v.dtype == dtype for k, v in optimizer.state_dict().items() if k.endswith((".m", ".v")))
    np.testing.assert_allclose(losses[np.float32], losses[np.float64], rtol=1e-5)
    assert losses[np.float64][-1] < 0.7 * losses[np.float64][0]


# --- the in-place twin ----------------------------------------------------------------------------

TWINS = {
    "descent": lambda p: optim.GradientDescent(p, 0.1),
    "momentum": lambda p: optim.Momentum(p, 0.1, 0.9),
    "nesterov": lambda p: optim.Momentum(p, 0.1, 0.9, nesterov=True),
    "dampened": lambda p: optim.Momentum(p, 0.1, 0.9, dampening=0.5),
    "adam": lambda p: optim.Adam(p, 0.01),
    "amsgrad": lambda p: optim.Adam(p, 0.01, betas=(0.5, 0.5), amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, 0.01, weight_decay=0.5),
    "adamw amsgrad": lambda p: optim.AdamW(p, 0.01, weight_decay=0.5, amsgrad=True),
    "adagrad": lambda p: optim.AdaGrad(p, 0.1, rate_decay=0.1, initial_sum=0.25),
    "rmsprop": lambda p: optim.RMSProp(p, 0.01),
    "rmsprop momentum": lambda p: optim.RMSProp(p, 0.01, momentum=0.5),
    "rmsprop centered": lambda p: optim.RMSProp(p, 0.01, centered=True),
    "rmsprop all": lambda p: optim.RMSProp(p, 0.01, momentum=0.5, centered=True),
}


@pytest.mark.parametrize("make", TWINS.values(), ids=TWINS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_update_in_place_is_the_update(make, dtype):
    """To one unit in the last place, for ten steps, from the same state each time."""
    if dtype is np.float16 and "eps" in make([P]).groups[0].values():
        dtype = np.float32  # eps is 0 in half precision
    rng = np.random.default_rng(0)
    optimizer = make([tracked(np.zeros(1, dtype))])
    p = rng.normal(size=500).astype(dtype)
    state = tuple(optimizer.first_state(name, optimizer.groups[0], p) for name in optimizer.state_names)
    for step in range(1, 11):
        g = rng.normal(size=500).astype(dtype)
        settings = tuple(np.array(s, dtype) for s in optimizer.settings(optimizer.groups[0], step))
        q, new_state = optimizer.update(p, g, state, settings)
        in_place = p.copy(), [s.copy() for s in state]
        g_before = g.copy()
        optimizer.update_in_place(in_place[0], g, *in_place[1], np.empty(500, dtype), settings)
        np.testing.assert_array_equal(g, g_before)
        for a, b in zip((in_place[0], *in_place[1]), (q, *new_state), strict=True):
            assert a.dtype == b.dtype == dtype
            assert (np.abs(a - b) <= np.spacing(np.maximum(np.abs(a), np.abs(b)))).all()
        p, state = q, new_state
    assert np.abs(p).max() < 20


@pytest.mark.parametrize("make", TWINS.values(), ids=TWINS)
def test_long_vectors_go_in_blocks_to_the_same_end(make, monkeypatch):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=1000), rng.normal(size=(5, 1000))
    ends = []
    for block in (base.BLOCK, 64, 1):
        monkeypatch.setattr(base, "BLOCK", block)
        p = tracked(start)
        optimizer = make([p])
        for g in gradients:
            p.grad = g
            optimizer.step()
        ends.append(p.data.copy())
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[0], ends[2])


# --- parameters without a gradient ----------------------------------------------------------------


@pytest.mark.parametrize("make", TWINS.values(), ids=TWINS)
def test_a_parameter_without_gradient_keeps_value_moments_and_count(make):
    a, b, c = tracked([1.0, 2.0]), tracked([3.0]), tracked([[4.0]])
    optimizer = make([a, b, c])
    optimizer.step(lambda: (a**2).sum() + (b**2).sum() + (c**2).sum())
    before, value = optimizer.state_dict(), b.data.copy()
    for _ in range(3):
        optimizer.step(lambda: (a**2).sum() + (c**2).sum())
        assert b.grad is None
    after = optimizer.state_dict()
    np.testing.assert_array_equal(b.data, value)
    for key in before:
        if key.startswith("1."):
            np.testing.assert_array_equal(after[key], before[key])
    assert after["0.step"] == after["2.step"] == 4 and after["1.step"] == 1


def test_a_step_without_any_gradient_does_nothing():
    p = tracked([1.0])
    optimizer = optim.Adam([p])
    optimizer.step()
    assert p.data.tolist() == [1.0] and optimizer.state_dict()["0.step"] == 0


def test_a_skipped_parameter_is_not_stale():
    """What was not moved may still be differentiated."""
    a, b = tracked([1.0]), tracked([2.0])
    optimizer = optim.GradientDescent([a, b], learning_rate=0.5)
    second = (b**3).sum()
    stale = (a**3).sum()
    (a**2).sum().backward()
    optimizer.step()
    second.backward()
    assert b.grad.tolist() == [12.0]
    with pytest.raises(ad.StaleError, match="changed by assign_"):
        stale.backward()


def test_a_frozen_parameter_does_not_move_and_goes_on_when_thawed():
    a, b = tracked([1.0], name="a"), tracked([2.0])
    optimizer = optim.GradientDescent([a, b], learning_rate=0.5)
    loss = lambda: (a**2).sum() / 2 + (b**2).sum() / 2
    loss().backward()
    a.requires_grad_(False)
    optimizer.step()
    assert a.data.tolist() == [1.0] and b.data.tolist() == [1.0]
    optimizer.step(loss)
    assert a.data.tolist() == [1.0] and b.data.tolist() == [0.5]
    a.requires_grad_()
    optimizer.step(loss)
    assert a.data.tolist() == [0.5] and b.data.tolist() == [0.25]


# --- homes ----------------------------------------------------------------------------------------


def test_values_and_gradients_live_side_by_side():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters())
    model(np.ones((1, 3))).sum().backward()
    for arrays in ([p.data for p in model.parameters()], [p.grad for p in model.parameters()]):
        assert all(b.ctypes.data == a.ctypes.data + a.nbytes for a, b in pairwise(arrays))
    assert "26 numbers in 4 parameters" in repr(optimizer)


def test_a_second_optimiser_uses_the_same_home():
    a, b, c = tracked([1.0, 2.0]), tracked([3.0]), tracked([4.0])
    first = optim.GradientDescent([a, b], learning_rate=0.5)
    values = a.data
    second = optim.Momentum([b, c, a], learning_rate=0.5, momentum=0.0)
    assert a.data is values
    loss = lambda: (a**2).sum() / 2 + (b**2).sum() / 2 + (c**2).sum() / 2
    first.step(loss)
    assert (a.data.tolist(), b.data.tolist(), c.data.tolist()) == ([0.5, 1.0], [1.5], [4.0])
    second.step(loss)
    assert (a.data.tolist(), b.data.tolist(), c.data.tolist()) == ([0.25, 0.5], [0.75], [2.0])
    first.step(loss)
    assert (a.data.tolist(), b.data.tolist(), c.data.tolist()) == ([0.125, 0.25], [0.375], [2.0])
    third = optim.Adam([c])
    third.step(loss)
    assert c.data.tolist() != [2.0] and a.data.tolist() == [0.125, 0.25]


def test_assignments_between_steps_are_seen():
    p = tracked([1.0, 2.0])
    optimizer = optim.GradientDescent([p], learning_rate=1.0)
    p.assign_([10.0, 20.0])
    optimizer.step(lambda: p.sum())
    assert p.data.tolist() == [9.0, 19.0]
    p.data = [5.0, 5.0]
    p.grad = [1.0, 2.0]
    optimizer.step()
    assert p.data.tolist() == [4.0, 3.0]


def test_gradients_from_before_the_optimiser_count():
    p = tracked([1.0])
    (p * 3).sum().backward()
    optimizer = optim.GradientDescent([p], learning_rate=1.0)
    (p * 4).sum().backward()
    optimizer.step()
    assert p.data.tolist() == [-6.0]


def test_tied_parameters_are_moved_once():
    p = tracked([1.0])
    optimizer = optim.GradientDescent([p, p], learning_rate=1.0)
    (only,) = optimizer.parameters
    assert only is p
    optimizer.step(lambda: (p * p).sum())
    assert p.data.tolist() == [-1.0]


def test_parameters_of_several_dtypes_and_shapes():
    params = [
        tracked(np.array(1.0, np.float32)),
        tracked(np.ones((2, 2))),
        tracked(np.ones(0)),
        tracked(np.ones(3, np.float32)),
        tracked(np.ones(1, complex)),
    ]
    optimizer = optim.GradientDescent(params, learning_rate=0.5)
    dtypes = [p.dtype for p in params]
    optimizer.step(lambda: sum(((p * p).real if p.dtype.kind == "c" else p * p).sum() for p in params))
    assert [p.dtype for p in params] == dtypes
    for p in params:
        assert p.shape == p.grad.shape
        np.testing.assert_array_equal(p.data, np.zeros(p.shape))


# --- the loss as a function, schedules ------------------------------------------------------------


def test_a_step_with_the_loss_returns_it_and_replaces_old_gradients():
    p = tracked([2.0])
    optimizer = optim.GradientDescent([p], learning_rate=0.25)
    p.grad = [100.0]
    loss = optimizer.step(lambda: (p * p).sum())
    assert loss.item() == 4.0 and p.data.tolist() == [1.0]
    assert optimizer.step() is None


@pytest.mark.parametrize("kind", [optim.GradientDescent, optim.Momentum, optim.AdaGrad, optim.RMSProp, optim.Adam])
@pytest.mark.parametrize("zeroed", [True, False])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_closure_that_calls_backward_makes_the_step_of_its_loss(kind, zeroed, compiled):
    def trained(backward):
        w = tracked([1.0, -2.0])
        optimizer = kind([w], 0.1)

        def closure():
            if zeroed:
                optimizer.zero_grad()
            loss = (w * w * w).sum()
            if backward:
                loss.backward()
            return loss

        def step():
            return optimizer.step(closure)

        step = ad.compile(step) if compiled else step
        losses = [step().item() for _ in range(3)]
        return losses, w.data.tolist(), w.grad.tolist()

    assert trained(True) == trained(False)


@pytest.mark.parametrize("change", ["clipped", "of a further loss", "scaled in place"])
def test_gradients_of_a_closure_that_are_not_those_of_its_loss_are_refused(change):
    a, b = (
        tracked(
            [3.0],
        ),
        tracked([4.0]),
    )
    a.name = "a"
    optimizer = optim.GradientDescent([b, a], 0.1)

    def closure():
        loss = (a * a).sum() + b.sum()
        loss.backward()
        if change == "clipped":
            optim.clip_grad_norm([a], 1.0)
        elif change == "scaled in place":
            a.grad[...] *= 0.5
        else:
            a.sum().backward()
        return loss

    with pytest.raises(ad.GradientError, match=r"loss_fn called backward.*in 'a' is not that of the loss.*step\(\)"):
        optimizer.step(closure)
    assert a.data.tolist() == [3.0] and b.data.tolist() == [4.0]


def test_a_closure_may_add_up_the_gradients_of_parts():
    w = tracked(np.linspace(-1, 1, 5, dtype=np.float32))
    x = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
    optimizer = optim.GradientDescent([w], 0.1)

    def closure():
        parts = [((x[i : i + 8] @ w) ** 2).sum() / 64 for i in range(0, 64, 8)]
        for part in parts:
            part.backward()
        return sum(parts)

    optimizer.step(closure)
    expected = np.linspace(-1, 1, 5) - 0.1 * 2 * x.T.astype(float) @ (x @ np.linspace(-1, 1, 5)) / 64
    np.testing.assert_allclose(w.data, expected, rtol=1e-5)


def test_zero_grad_of_the_optimiser():
    p = tracked([2.0])
    optimizer = optim.Adam([p])
    (p * p).sum().backward()
    optimizer.zero_grad()
    assert p.grad is None


def test_the_rate_may_change_between_steps():
    p = tracked([0.0])
    optimizer = optim.GradientDescent([p], learning_rate=1.0)
    for rate in (1.0, 0.5, np.float64(0.25), 0):
        optimizer.learning_rate = rate
        optimizer.step(lambda: p.sum())
    assert p.data.tolist() == [-1.75]


# --- options --------------------------------------------------------------------------------------

P = tracked([1.0])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: optim.GradientDescent([P], learning_rate=-0.1), ValueError, "learning_rate.*-0.1"),
        (lambda: optim.GradientDescent([P], learning_rate=float("nan")), ValueError, "learning_rate.*nan"),
        (lambda: optim.GradientDescent([P], learning_rate=float("inf")), ValueError, "learning_rate.*inf"),
        (lambda: optim.GradientDescent([P], learning_rate="fast"), TypeError, "learning_rate.*number.*'fast'"),
        (lambda: optim.Adam([P], None), TypeError, "learning_rate.*None"),
        (lambda: optim.Momentum([P], 0.1, momentum=1.0), ValueError, "momentum.*1.0"),
        (lambda: optim.Momentum([P], 0.1, momentum=-0.1), ValueError, "momentum.*-0.1"),
        (lambda: optim.Adam([P], betas=(1.0, 0.9)), ValueError, r"betas\[0\].*1.0"),
        (lambda: optim.Adam([P], betas=(0.9, -1)), ValueError, r"betas\[1\].*-1"),
        (lambda: optim.Adam([P], eps=-1e-8), ValueError, "eps"),
        (lambda: optim.Newton([P], radius=0.0), ValueError, "radius"),
        (lambda: optim.Newton([P], radius=-1.0), ValueError, "radius"),
        (lambda: optim.Newton([P], radius=2.0, max_radius=1.0), ValueError, "radius"),
        (lambda: optim.Newton([P], max_products=0), ValueError, "max_products"),
        (lambda: optim.Newton([P], learning_rate=1.5), ValueError, "learning_rate"),
        (lambda: optim.Newton([tracked([1j])]), ad.DtypeError, "complex.*two parameters"),
        (lambda: optim.Adam([]), ad.GradientError, "no parameters"),
        (lambda: optim.Adam([P, 3.0]), ad.GradientError, "parameter 1 is a float"),
        (lambda: optim.Adam([P, ad.tensor([1.0])]), ad.GradientError, "parameter 1"),
    ],
)
def test_options_are_refused_when_it_is_built(make, error, text):
    with pytest.raises(error, match=text):
        make()


# --- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", TWINS.values(), ids=TWINS)
def test_a_resumed_run_is_bit_for_bit_the_whole_one(make, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.integers(2, size=30)

    def build():
        model = nn.Sequential(nn.Linear(3, 4, rng=np.random.default_rng(1)), nn.Tanh(), nn.Linear(4, 2))
        model.load_state_dict(
            {k: np.full(v.shape, 0.1) * (1 + np.arange(v.size).reshape(v.shape)) for k, v in model.state_dict().items()}
        )
        return model, make(model.parameters())

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.step(lambda: nn.cross_entropy(model(x), y))

    whole, optimizer = build()
    train(whole, optimizer, 7)
    first, optimizer = build()
    train(first, optimizer, 4)
    optimizer.learning_rate *= 1.0
    nn.save(tmp_path / "m.npz", first.state_dict())
    nn.save(tmp_path / "o.npz", optimizer.state_dict())
    second, optimizer = build()
    second.load_state_dict(nn.load(tmp_path / "m.npz"))
    optimizer.load_state_dict(nn.load(tmp_path / "o.npz"))
    train(second, optimizer, 3)
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_the_learning_rate_is_part_of_the_state():
    optimizer = optim.Adam([tracked([1.0])], learning_rate=0.5)
    optimizer.learning_rate = 0.125
    other = optim.Adam([tracked([1.0])], learning_rate=0.5)
    other.load_state_dict(optimizer.state_dict())
    assert other.learning_rate == 0.125


def _spoilt(key, value):
    return lambda s: s.update({key: value})


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda s: s.pop("1.v"), ad.StructureError, r"missing \['1\.v'\]"),
        (_spoilt("2.m", np.zeros(1)), ad.StructureError, r"unknown \['2\.m'\]"),
        (_spoilt("0.m", np.zeros(3)), ad.ShapeError, r"0\.m: .*\(3,\).*\(2,\)"),
        (_spoilt("0.m", np.zeros(2, complex)), ad.DtypeError, r"0\.m: .*complex128.*float64"),
        (_spoilt("1.step", np.array(2.5)), ad.DtypeError, r"1\.step"),
        (_spoilt("1.step", np.array(-1)), ValueError, r"1\.step.*-1"),
        (_spoilt("learning_rate", np.array(-1.0)), ValueError, "learning_rate.*-1"),
        (_spoilt("learning_rate", np.array("fast")), ad.DtypeError, "learning_rate"),
    ],
)
def test_a_wrong_state_changes_nothing(spoil, error, text):
    a, b = tracked([1.0, 2.0]), tracked([3.0])
    optimizer = optim.Adam([a, b], 0.1)
    optimizer.step(lambda: (a * a).sum() + (b * b).sum())
    before = optimizer.state_dict()
    state = {k: v + 1 for k, v in before.items()}
    spoil(state)
    with pytest.raises(error, match=text):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert list(after) == list(before)
    for key in before:
        np.testing.assert_array_equal(after[key], before[key])


def test_the_state_is_a_copy():
    p = tracked([1.0])
    optimizer = optim.Momentum([p], 0.1)
    optimizer.step(lambda: p.sum())
    state = optimizer.state_dict()
    state["0.velocity"][...] = 99.0
    assert optimizer.state_dict()["0.velocity"] == [1.0]
    assert pickle.loads(pickle.dumps(state)).keys() == state.keys()


# --- threads --------------------------------------------------------------------------------------


def _train(seed):
    """A little training run with everything in it; returns the bits of the weights."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(64, 4)).astype(np.float32), rng.integers(3, size=64)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = optim.Adam(model.parameters(), learning_rate=0.01)
    for _ in range(15):
        for xb, yb in nn.batches(x, y, batch_size=16):
            optimizer.zero_grad()
            nn.cross_entropy(model(xb), yb).backward()
            optimizer.step()
        with ad.no_grad():
            model(x)
    newton = optim.Newton(model.parameters())
    for _ in range(2):
        newton.step(lambda: nn.cross_entropy(model(x), y))
    return np.concatenate([p.data.ravel() for p in model.parameters()]).tobytes()


def test_two_threads_train_two_models_as_one_after_the_other():
    expected = {seed: _train(seed) for seed in (1, 2, 3, 4)}
    found, errors = {}, []

    def work(seeds):
        try:
            for seed in seeds:
                found[seed] = _train(seed)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seeds,)) for seeds in ((1, 2), (3, 4))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors and found == expected


@pytest.mark.parametrize("kind", [optim.Adam, optim.LBFGS])
def test_a_model_in_place_of_its_parameters_is_refused(kind):
    import nn

    model = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=rf"{kind.__name__}: .*model.parameters\(\); a Linear was given\.$"):
        kind(model)
    with pytest.raises(TypeError, match=r"a method was given\. Call it: model.parameters\(\)\."):
        kind(model.parameters)


@pytest.mark.parametrize("value", [2.0, None])
def test_a_loss_that_is_no_tensor_is_refused(value):
    w = ad.tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match=rf"Adam.step: loss_fn returned a {type(value).__name__}; expected"):
        optim.Adam([w]).step(lambda: value)


@pytest.mark.parametrize("kind", [optim.Adam, optim.GradientDescent, optim.LBFGS, optim.Newton])
def test_the_learning_rate_is_called_by_its_name(kind):
    with pytest.raises(
        TypeError, match=rf"{kind.__name__}: lr= is called learning_rate= here. Write `optim.{kind.__name__}\(model"
    ):
        kind([ad.tensor([1.0], requires_grad=True)], lr=0.1)


@pytest.mark.parametrize("kind", [optim.LBFGS, optim.Newton])
def test_a_closure_without_a_loss_is_told_so(kind):
    optimizer = kind([ad.tensor([1.0], requires_grad=True)])
    with pytest.raises(TypeError, match="returned a NoneType; it must return the loss"):
        optimizer.step(lambda: None)
