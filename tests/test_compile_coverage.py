"""What can be compiled beside plain operations: gradients that are clipped and set, settings, schedules, lookups."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim


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
    with pytest.raises(ad.CompileError, match=r"step decides by the losses.*Compile the loss"):
        ad.compile(lambda x: optimizer.step(lambda: (w * w * x).sum()))(np.ones(2))
    loss = ad.compile(lambda x: (w * w * x).sum())
    assert loss(np.ones(2)).data == 5.0
