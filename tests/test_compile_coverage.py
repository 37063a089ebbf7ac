"""What can be compiled beside plain operations: gradients that are clipped and set, settings, schedules, lookups."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.compiler import tracer


def agree(f, *args, calls=3):
    """The compiled function gives what the plain one gives, bit for bit; returns it."""
    g = ad.compile(f)
    for _ in range(calls):
        expected, found = ad.pytree.flatten(f(*args))[0], ad.pytree.flatten(g(*args))[0]
        assert len(expected) == len(found)
        for x, y in zip(expected, found):
            x, y = (np.asarray(getattr(v, "data", v)) for v in (x, y))
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(y, x)
    return g


def trained(wrap, make, body, calls=5):
    """The numbers of a model, and what its step returned, after some calls of a step."""
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = make(model.parameters())
    step = wrap(body(model, optimizer))
    rng = np.random.default_rng(0)
    returned = []
    for _ in range(calls):
        x = rng.normal(size=(5, 3)).astype("f4")
        returned.append(ad.pytree.flatten(step(x, np.ones((5, 2), "f4")))[0])
    flat = [np.asarray(getattr(v, "data", v)) for values in returned for v in values]
    state = [v for _, v in sorted(optimizer.state_dict().items())]
    return [p.data for p in model.parameters()] + flat + state, optimizer


def same_training(make, body, calls=5):
    expected, before = trained(lambda f: f, make, body, calls)
    found, after = trained(ad.compile, make, body, calls)
    assert len(expected) == len(found)
    for x, y in zip(expected, found):
        np.testing.assert_array_equal(y, x)
    assert [g.values() for g in before.groups] == [g.values() for g in after.groups]


def adam(parameters):
    return optim.Adam(parameters, 0.05)


# --- gradients ---


@pytest.mark.parametrize(
    "clip",
    [
        lambda p: optim.clip_grad_norm(p, 0.1),
        lambda p: optim.clip_grad_norm(p, 0.1, norm_type=np.inf),
        lambda p: optim.clip_grad_norm(p, 1e9),
        lambda p: optim.clip_grad_value(p, 0.01),
        lambda p: optim.clip_grad_norm(p[0], 0.1),
    ],
)
def test_clipped_gradients_in_a_step(clip):
    def body(model, optimizer):
        def step(x, y):
            loss = nn.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            norm = clip(model.parameters())
            kept = [p.grad * 1 for p in model.parameters()]
            optimizer.step()
            return loss, norm, kept

        return step

    same_training(adam, body)


def test_a_norm_that_is_not_finite_is_complained_about_at_the_call_in_which_it_is():
    w = ad.tensor([1.0, 2.0], requires_grad=True)

    @ad.compile
    def step(x):
        w.zero_grad()
        (w * x).sum().backward()
        return optim.clip_grad_norm([w], 1.0, error_if_nonfinite=True)

    assert step(np.array([3.0, 4.0])) == step(np.array([3.0, 4.0])) == 5.0
    with pytest.raises(ad.DomainError, match="norm of the gradients is nan"):
        step(np.array([3.0, np.nan]))


@pytest.mark.parametrize("make", [adam, lambda p: optim.GradientDescent(p, 0.1)])
def test_gradients_set_by_hand(make):
    def body(model, optimizer):
        def step(x, y):
            optimizer.zero_grad()
            nn.mse_loss(model(x), y).backward()
            for i, p in enumerate(model.parameters()):
                p.grad = np.sign(p.grad) if i % 2 else p.grad * 0.5
            model.parameters()[0].grad *= 2.0
            optimizer.step()
            model.parameters()[1].grad = None
            model.parameters()[2].grad = np.ones((4, 2))
            return [p.grad * 1 for p in model.parameters() if p.grad is not None]

        return step

    same_training(make, body)


def test_a_gradient_set_by_hand_has_the_shape_of_its_tensor_and_stays_where_it_is_refused():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    w.grad = [1.0, 2.0]
    with pytest.raises(ad.GradientError, match="shape"):
        w.grad = np.ones(3)
    np.testing.assert_array_equal(w.grad, [1, 2])
    with pytest.raises(ad.GradientError, match="shape"):
        ad.compile(lambda x: setattr(w, "grad", x))(np.ones(3))
    f = ad.compile(lambda x: setattr(w, "grad", x))
    for k in range(3):
        f(np.full(2, float(k)))
        np.testing.assert_array_equal(w.grad, [k, k])


@pytest.mark.parametrize("accumulated", [False, True])
@pytest.mark.parametrize("owned", [False, True])
def test_gradients_of_complex_parameters_point_uphill(accumulated, owned):
    def run(wrap):
        w = ad.tensor(np.array([1 + 2j, 0.5 - 1j]), requires_grad=True)
        optimizer = optim.Adam([w], 0.1) if owned else None

        def step(x):
            loss = np.sum(np.abs(w * x - (2 + 1j)) ** 2)
            if not accumulated:
                w.zero_grad()
            loss.backward()
            if accumulated:
                np.sum(np.abs(w * w * x) ** 2).backward()
            shown = w.grad * 1
            w.assign_(w - 0.01 * w.grad) if optimizer is None else optimizer.step()
            if accumulated:
                w.zero_grad()
            return loss, shown

        f = wrap(step)
        for _ in range(4):
            loss, shown = f(np.array([1.0, 2.0]))
        return w.data, loss.data, shown

    for x, y in zip(run(ad.compile), run(lambda f: f)):
        np.testing.assert_array_equal(x, y)


def test_gradients_that_pile_up_after_an_update():
    def run(wrap):
        w = ad.tensor([1.0, 2.0], requires_grad=True)
        optimizer = optim.GradientDescent([w], 0.1)

        def step(x):
            optimizer.step()
            (w * w * x).sum().backward()

        f = wrap(step)
        for _ in range(4):
            f(np.ones(2))
        return w.data, w.grad

    for x, y in zip(run(ad.compile), run(lambda f: f)):
        np.testing.assert_array_equal(x, y)


# --- settings and schedules ---


def momentum(parameters):
    half = len(parameters) // 2
    return optim.Momentum([{"params": parameters[:half]}, {"params": parameters[half:], "learning_rate": 0.2}], 0.1)


SCHEDULES = {
    "StepDecay": lambda o: optim.StepDecay(o, 2, 0.5),
    "ExponentialDecay": lambda o: optim.ExponentialDecay(o, 0.5),
    "LinearWarmup": lambda o: optim.LinearWarmup(o, 3),
    "CosineDecay": lambda o: optim.CosineDecay(o, 4),
    "CosineRestarts": lambda o: optim.CosineRestarts(o, 2),
    "OneCycle": lambda o: optim.OneCycle(o, 0.2, 6),
    "Chained": lambda o: optim.ChainedSchedule([optim.LinearWarmup(o, 3), optim.ExponentialDecay(o, 0.5)]),
    "Sequential": lambda o: optim.SequentialSchedule([optim.LinearWarmup(o, 3), optim.StepDecay(o, 2)], [2]),
    "ReduceOnPlateau": lambda o: optim.ReduceOnPlateau(o, patience=0, threshold=0.5),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("make", [adam, momentum])
def test_a_schedule_goes_on_by_one_at_every_call(name, make):
    def body(model, optimizer):
        schedule = SCHEDULES[name](optimizer)

        def step(x, y):
            loss = nn.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step(loss) if schedule.watches else schedule.step()
            return loss

        return step

    same_training(make, body)


def test_settings_are_set_at_every_call():
    def body(model, optimizer):
        def step(x, y):
            optimizer.learning_rate = 0.3
            optimizer.groups[1].momentum = 0.5
            loss = nn.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            optimizer.learning_rate = 0.1
            return loss

        return step

    same_training(momentum, body)


@pytest.mark.parametrize("kind", [optim.LBFGS, optim.Newton])
def test_an_optimiser_that_decides_by_losses_says_what_to_compile_instead(kind):
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    optimizer = kind([w])
    with pytest.raises(ad.CompileError, match=r"step depends on the losses.*Compile the loss"):
        ad.compile(lambda x: optimizer.step(lambda: (w * w * x).sum()))(np.ones(2))
    loss = ad.compile(lambda x: (w * w * x).sum())
    assert loss(np.ones(2)).data == 5.0


# --- lookups, orders and counts ---


WEIGHTS = np.array([0.2, 0.5, 0.3])
LOOKUPS = {
    "at": lambda x: (x.at[0].add(x[1]).at[1:].set(x[:2]) ** 2).sum(),
    "checkpoint": lambda x: ad.checkpoint(lambda v: np.sin(np.exp(v)))(x).sum(),
    "linspace": lambda x: np.linspace(x[0], x[1], 5).sum() + np.logspace(x[1], 2.0, 3).sum(),
    "geomspace": lambda x: np.geomspace(x[0], x[1], 5).sum(),
    "average": lambda x: np.average(x, weights=x * x),
    "quantile": lambda x: np.quantile(x, 0.3) + np.quantile(x, [0.2, 0.7], method="nearest").sum(),
    "quantile by q": lambda x: np.quantile(x, 1 / (1 + x)).sum(),
    "median": lambda x: np.median(x) + np.nanmedian(x) + np.nanpercentile(x, 30.0),
    "interp": lambda x: np.interp(1.5, x, x * x) + np.interp(x, [1.0, 2.0, 2.5], [0.0, 1.0, 3.0]).sum(),
    "interp round": lambda x: np.interp(x, np.array([0.0, 1.0, 2.0]), x, period=2.5).sum(),
    "cov": lambda x: np.cov(np.stack([x, x**2]), aweights=np.exp(x)).sum(),
    "histogram": lambda x: (np.histogram([0.1, 0.5, 0.8], 4, (0, 1), weights=x)[0] ** 2).sum(),
    "histogram of values": lambda x: (np.histogram(x, 4, weights=x * x)[0] ** 2).sum(),
    "histogram2d": lambda x: (np.histogram2d(x, x, 3, weights=x)[0] ** 2).sum(),
    "digitize": lambda x: (x * np.digitize(x, [1.5, 2.5]) * np.searchsorted(np.array([1.0, 2.0]), x)).sum(),
    "nanmax": lambda x: np.nanmax(np.where(x > 1.5, x, np.nan)) + np.nanmean(x) * np.nanstd(x),
    "lstsq": lambda x: np.linalg.lstsq(np.stack([x, x**2], 1), WEIGHTS, rcond=None)[0].sum(),
    "polynomials": lambda x: np.polyfit(x, WEIGHTS, 1).sum() + np.polymul(x, x).sum() + np.polydiv(x, x[:2])[0].sum(),
    "roots": lambda x: np.abs(np.roots(x)).sum() + np.trim_zeros(x).sum(),
    "bincount": lambda x: (np.bincount(np.array([0, 2, 2]), x) ** 2).sum(),
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_lookups_orders_and_counts(name):
    f = LOOKUPS[name]
    compiled = ad.compile(lambda x: f(ad.tensor(x))), ad.compile(ad.grad(f)), ad.compile(ad.value_and_grad(f))
    for x in ([3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [1.0, 2.0, 2.0], [0.5, 4.0, 2.5], [3.0, 1.0, 2.0]):
        x = np.array(x)
        plain = f(ad.tensor(x)), ad.grad(f)(x), ad.value_and_grad(f)(x)
        for g, expected in zip(compiled, plain):
            for a, b in zip(ad.pytree.flatten(g(x))[0], ad.pytree.flatten(expected)[0]):
                exact = 1e-12 if name == "roots" else 0  # of NumPy's complex products the last bit hangs on strides
                np.testing.assert_allclose(getattr(a, "data", a), getattr(b, "data", b), rtol=exact, atol=exact)


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_nan_comes_and_goes():
    for f in (np.median, np.nanmedian, np.nanmax, lambda x: np.nanquantile(x, 0.3), lambda x: np.interp(x, x, x).sum()):
        plain = ad.value_and_grad(f)
        g = ad.compile(plain)
        for x in ([1.0, 2.0, 4.0], [1.0, np.nan, 4.0], [np.nan] * 3, [np.inf, 2.0, -np.inf], [1.0, 2.0, 4.0]):
            with np.errstate(all="ignore"):
                pairs = zip(g(np.array(x)), plain(np.array(x)))
            for a, b in pairs:
                np.testing.assert_array_equal(a, b)


def test_a_decision_by_values_is_asked_for_at_every_call():
    f = ad.compile(lambda p: np.polymul(ad.tensor(p), [1.0, 1.0]))
    for p in ([1.0, 2.0], [0.0, 2.0], [1.0, 3.0], [0.0, 0.0], [0.0, 5.0]):
        for _ in range(2):
            np.testing.assert_array_equal(f(np.array(p)).data, np.polymul(p, [1.0, 1.0]))
    assert len(f.sources) == 3
    rng = np.random.default_rng(0)
    with pytest.raises(ad.CompileError, match="after a random draw"):
        ad.compile(lambda p: np.polymul(ad.tensor(p) * ad.live(rng.normal, size=2), [1.0, 1.0]))(np.ones(2))


# --- refusals ---


def swallowing(x):
    try:
        return x * 2 if float(x[0]) > 0 else x
    except Exception:
        return x * 100


def swallowing_and_raising(x):
    try:
        float(x[0])
    except Exception:
        raise ValueError("never raised by the plain function") from None
    return x


def mixture_of(x):
    return ad.probability.Mixture([0.5, 0.5], [ad.probability.Normal(x[0], 1.0), ad.probability.Normal(x[1], 1.0)])


TWO = np.array([1.0, 2.0])
CALLS = {
    "put": (TWO, 0, 1.0), "place": (TWO, TWO > 1, TWO), "putmask": (TWO, TWO > 1, TWO),
    "copyto": (TWO, TWO), "fill_diagonal": (np.eye(2), 1.0), "put_along_axis": (TWO, np.array([0]), TWO, 0),
    "repeat": (TWO, np.array([1, 2])), "delete": (TWO, np.array([1])), "compress": (np.array([True, False]), TWO),
    "extract": (np.array([True, False]), TWO), "bincount": (np.array([1, 2]),), "allclose": (TWO, TWO),
    "array_equal": (TWO, TWO), "array_equiv": (TWO, TWO), "union1d": (TWO, TWO), "intersect1d": (TWO, TWO),
    "setdiff1d": (TWO, TWO), "setxor1d": (TWO, TWO), "polymul": (TWO, TWO), "polydiv": (TWO, TWO),
}  # fmt: skip


LISTED = sorted((*tracer.OF_VALUES, *tracer.OF_COUNTS, *tracer.WRITING), key=lambda f: f.__name__)


@pytest.mark.parametrize("function", LISTED, ids=lambda f: f.__name__)
def test_what_the_page_lists_is_refused(function):
    args = [np.array(x) if isinstance(x, np.ndarray) else x for x in CALLS.get(function.__name__, (TWO,))]
    f = ad.compile(lambda *arrays: function(*arrays))
    with pytest.raises(ad.CompileError, match=f"np.{function.__name__} at "):
        f(*args)
    if function in tracer.WRITING:
        np.testing.assert_array_equal(args[0], CALLS[function.__name__][0])  # nothing was written


REFUSED = {
    "a branch": (lambda x: x if x[0] > 0 else -x, "a branch, or the truth of an array"),
    "a mask": (lambda x: x[x > 0], "an index by a mask"),
    "one-sided where": (lambda x: np.where(x > 0), "np.where"),
    "unique": (lambda x: np.unique(ad.tensor(x)), "np.unique"),
    "bincount": (lambda x: np.bincount(x.astype(int)), "np.bincount"),
    "repeat": (lambda x: np.repeat(np.ones(2), x.astype(int)), "np.repeat"),
    "delete": (lambda x: np.delete(np.ones(3), x.astype(int)), "np.delete"),
    "piecewise": (lambda x: np.piecewise(ad.tensor(x), [x > 0], [np.sin, np.cos]), "np.piecewise gives each"),
    "put": (lambda x: np.put(x, 0, 1.0), "np.put"),
    "a count": (lambda x: sum(x[i] for i in range(int(x[1]))), r"int\(\)"),
    "a list": (lambda x: np.array(x.tolist()), r"\.tolist\(\)"),
    "a text": (lambda x: x * len(f"{x[0]}"), "printing"),
    "a computed slice": (lambda x: x[: x[1].astype(int)], "slice"),
    "a write": (lambda x: x.__setitem__(0, 1.0), "a write into an array"),
    "data": (lambda x: ad.tensor(x).data * 2, r"reading \.data"),
    "minimize": (lambda x: optim.minimize(lambda t: ((t - x) ** 2).sum(), np.zeros(2)).x, "minimize, needed"),
    "Poisson": (lambda x: ad.probability.Poisson(x).entropy(), "Poisson.entropy"),
    "mixture": (lambda x: mixture_of(x).quantile(0.5), "Mixture.quantile"),
    "swallowed": (swallowing, r"float\(\)"),
    "swallowed, then another exception": (swallowing_and_raising, r"float\(\)"),
    "tobytes": (lambda x: len(x.tobytes()) * x, r"reading \.tobytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_compile_error_and_with_fallback_the_function_runs(name):
    f, reason = REFUSED[name]
    x = np.array([1.0, 2.0])
    with pytest.raises(ad.CompileError, match=reason):
        ad.compile(f)(x)
    g = ad.compile(f, fallback=True)
    with pytest.warns(UserWarning, match="runs eagerly from now on"):
        found = g(x.copy())
    for got in (found, g(x.copy())):
        for a, b in zip(ad.pytree.flatten(got)[0], ad.pytree.flatten(f(x.copy()))[0]):
            np.testing.assert_array_equal(getattr(a, "data", a), getattr(b, "data", b))


def test_a_refusal_says_what_it_is_about():
    model = nn.Linear(2, 2)

    def mine(x):
        return model(x).sum() if x[0, 0] > 0 else model(x).mean()

    with pytest.raises(ad.CompileError, match=r"truth of an array, at .*test_compile_coverage.*x\[0, 0\] > 0"):
        ad.compile(mine)(np.ones((1, 2)))

    @ad.primitive(vjp=[lambda ct, y, x: ct if y[0] > 0 else -ct], jvp=[lambda t, y, x: t], name="odd")
    def odd(x):
        return x * 1

    assert odd(np.ones(2))[0] == 1
    with pytest.raises(ad.CompileError, match=r"compile: .*at .*test_compile_coverage"):
        ad.compile(ad.grad(lambda x: odd(x).sum()))(np.ones(2))
    with pytest.raises(ad.CompileError, match=r"compile: minimize, needed at .*depends on traced values.*item"):
        ad.compile(lambda x: optim.minimize(lambda t: ((t - x) ** 2).sum(), np.zeros(2)).x)(np.ones(2))


def test_the_users_own_exceptions_come_unchanged():
    class MineError(RuntimeError):
        pass

    def f(x, fail):
        if fail:
            raise MineError("from the user")
        return x * 2

    g = ad.compile(f, fallback=True)
    g(np.ones(2), False), g(np.ones(2), False)
    for _ in range(2):
        with pytest.raises(MineError, match="from the user"):
            g(np.ones(2), True)
    np.testing.assert_array_equal(g(np.ones(2), False), [2, 2])
    assert g.sources


# --- the same errors ---


def check_labels(x):
    if (x < 0).any():
        raise ValueError("negative")


def checked(x):
    ad.check(check_labels, x)
    return x * 2


ERRORS = {
    "inv": (lambda x: np.linalg.inv(ad.tensor(x)), np.eye(2), np.zeros((2, 2))),
    "solve": (lambda x: np.linalg.solve(ad.tensor(x), np.ones(2)), np.eye(2), np.zeros((2, 2))),
    "cholesky": (lambda x: np.linalg.cholesky(ad.tensor(x)), np.eye(2), -np.eye(2)),
    "inv of an array": (lambda x: np.linalg.inv(x), np.eye(2), np.zeros((2, 2))),
    "gradient of inv": (ad.grad(lambda x: np.linalg.inv(x).sum()), np.eye(2), np.zeros((2, 2))),
    "shape": (lambda x: ad.tensor(x) @ np.ones((2, 2)), np.ones((2, 2)), np.ones((3, 3))),
    "reshape": (lambda x: ad.tensor(x).reshape(4), np.ones((2, 2)), np.ones((3, 3))),
    "weights that sum to 0": (lambda x: np.average(np.ones(2), weights=ad.tensor(x)), np.ones(2), np.array([1.0, -1])),
    "weights below 0": (lambda x: np.cov(np.eye(2), aweights=ad.tensor(x)), np.ones(2), -np.ones(2)),
    "a row through 0": (lambda x: np.geomspace(ad.tensor(x)[0], 2.0, 3), np.ones(1), np.zeros(1)),
    "a quantile of more than all": (lambda x: np.quantile(ad.tensor(np.eye(2)), x), np.ones(1), np.full(1, 1.5)),
    "a label that is none": (
        lambda x: nn.cross_entropy(ad.tensor(np.eye(2)), x), np.array([0, 1]), np.array([0, 7]),
    ),
    "a check": (checked, np.ones(2), -np.ones(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_the_plain_ones(name):
    f, good, bad = ERRORS[name]
    g = ad.compile(f)
    g(good), g(good)
    with pytest.raises((ad.AutodiffError, ValueError, ArithmeticError)) as expected:
        f(bad)
    for _ in range(2):
        with pytest.raises(type(expected.value)) as found:
            g(bad)
        assert type(found.value) is type(expected.value) and str(found.value) == str(expected.value)
    np.testing.assert_array_equal(getattr(g(good), "data", g(good)), getattr(f(good), "data", f(good)))


def test_an_error_behind_an_update_is_translated_and_the_step_not_done_again():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.GradientDescent([w], 0.1)

    @ad.compile(check=0)  # the function itself would raise NumPy's own error
    def step(x):
        optimizer.zero_grad()
        (w * 1.0).sum().backward()
        optimizer.step()
        return np.linalg.inv(x * 1.0)

    step(np.eye(2)), step(np.eye(2))
    before = w.data.copy()
    with pytest.raises(ad.MatrixError):
        step(np.zeros((2, 2)))
    np.testing.assert_allclose(w.data, before - 0.1)


@pytest.mark.parametrize(
    "f", [lambda x: np.log(x), lambda x: 1.0 / x, lambda x: np.sqrt(x - 1.0), lambda x: np.sum(np.log(x) / x)]
)
def test_warnings_of_numpy_come_at_every_call(f):
    g = ad.compile(f)
    for shape in ((3,), ()):
        x = np.zeros(shape)[()]
        messages = []
        for h in (f, g, g, g):
            with pytest.warns(RuntimeWarning) as said:
                h(x)
            messages.append([str(w.message).replace("scalar ", "") for w in said])  # how NumPy came to it
        assert messages == [messages[0]] * 4


def test_warnings_of_the_engine_come_at_every_call():
    g = ad.compile(lambda x: np.nanmean(ad.tensor(x)))
    g(np.ones(2))
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="Mean of empty slice"):
            g(np.full(2, np.nan))
