"""`nn.Monitor`: that its numbers are those of the layers, that it changes nothing, that its verdicts are right."""

import math

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from nn.monitoring.measuring import histogram, measured, norm, units_of
from nn.monitoring.verdicts import DEAD, REMEDIES, SATURATED, Track, judge, overall

X, Y = nn.data.moons(128, noise=0.2)
X = X.astype(np.float32)
IMAGES, LABELS = nn.data.digits()
PIXELS = IMAGES.reshape(len(IMAGES), -1)[:640]


def perceptron(dtype=np.float32, seed=0):
    nn.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8, dtype=dtype), nn.ReLU(), nn.Linear(8, 2, dtype=dtype))


def watched_step(model, loss, *, rate=0.1, monitor=None):
    """One step of gradient descent that a monitor looks at; the monitor."""
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer, monitor = optim.GradientDescent(learning, rate), monitor or nn.Monitor(1)
    with monitor.watch(model):
        optimizer.step(loss)
    return monitor


def deep(activation, std, n=12, width=32, bias=0.0):
    """A deep network whose weights start normal with a standard deviation."""
    nn.manual_seed(0)
    layers = []
    for i in range(n):
        linear = nn.Linear(64 if i == 0 else width, width)
        linear.weight = nn.Parameter(nn.init.normal(linear.weight.shape, std=std))
        linear.bias = nn.Parameter(np.full(width, bias, np.float32))
        layers += [linear, activation()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def trained(model, rate=1e-3, epochs=1):
    monitor = nn.Monitor(5)
    optimizer = optim.Adam(model.parameters(), rate)
    data = (PIXELS, LABELS[: len(PIXELS)])
    nn.fit(model, optimizer, nn.cross_entropy, data, epochs=epochs, progress=False, callbacks=[monitor])
    return monitor


# --- numbers


def test_norms_are_those_before_the_step_of_the_gradient_and_of_the_change():
    model = perceptron(np.float64)
    before = model.state_dict()
    monitor = watched_step(model, lambda: nn.cross_entropy(model(X), Y), rate=0.25)
    after = model.state_dict()
    linear = monitor.layers[0].samples[0]
    old = math.hypot(np.linalg.norm(before["0.weight"]), np.linalg.norm(before["0.bias"]))
    gradient = math.hypot(np.linalg.norm(model[0].weight.grad), np.linalg.norm(model[0].bias.grad))
    change = np.concatenate([(after[k] - before[k]).ravel() for k in ("0.weight", "0.bias")])
    assert linear.weight == pytest.approx(old, rel=1e-12)
    assert linear.gradient == pytest.approx(gradient, rel=1e-12)
    assert linear.update == pytest.approx(np.linalg.norm(change), rel=1e-9)
    assert linear.update == pytest.approx(0.25 * gradient, rel=1e-9)
    assert linear.ratio == pytest.approx(linear.update / old, rel=1e-12)


def test_moments_are_those_of_the_output():
    model = perceptron(np.float64)
    hidden = np.maximum(X.astype(float) @ model[0].weight.data + model[0].bias.data, 0)
    sample = watched_step(model, lambda: nn.cross_entropy(model(X), Y)).layers[1].samples[0]
    assert sample.mean == pytest.approx(hidden.mean(), rel=1e-10)
    assert sample.std == pytest.approx(hidden.std(), rel=1e-10)
    assert sample.spread == pytest.approx(np.sqrt(hidden.var(axis=0).mean()), rel=1e-10)
    assert sample.largest == hidden.max()
    assert sample.silent == (hidden.max(axis=0) == 0).mean()
    counts, edges = np.histogram(hidden, 32)
    assert (sample.histogram.counts == counts).sum() >= 30 and sample.histogram.counts.sum() == hidden.size
    np.testing.assert_allclose(sample.histogram.edges, edges)
    assert math.isnan(sample.weight) and math.isnan(sample.saturated)


def test_a_norm_of_tiny_and_of_huge_float32_is_right():
    for scale in (1e-30, 1.0, 1e30):
        assert norm([np.full(4, scale, np.float32)]) == pytest.approx(2 * scale, rel=1e-6)
    assert norm([np.array([3 + 4j])]) == pytest.approx(5.0)
    assert norm([np.array([3.0]), np.array([[4.0]])]) == 5.0


def test_units_are_channels_behind_a_convolution_and_the_last_axis_elsewhere():
    y = np.arange(24.0).reshape(2, 3, 4)
    assert units_of([y], channels_first=True).shape == (8, 3)
    assert units_of([y], channels_first=False).shape == (6, 4)
    assert units_of([np.ones(5)], channels_first=True).shape == (5, 1)
    assert units_of([y, y], channels_first=False).shape == (12, 4)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4, 2), nn.ReLU())
    model[0].weight.data = np.zeros((3, 1, 3, 3), np.float32)
    model[0].bias.data = np.array([-1.0, 1.0, 1.0], np.float32)  # one of three channels is off
    monitor = watched_step(model, lambda: model(np.ones((2, 1, 4, 4), np.float32)).sum())
    assert monitor.layers[1].samples[0].silent == pytest.approx(1 / 3)


def test_the_bins_of_a_histogram_are_closed():
    assert histogram(np.array([0.0, 0.5, 1.0]), 0.0, 1.0, bins=4).counts.tolist() == [1, 0, 1, 1]
    assert histogram(np.full(7, 2.0), 2.0, 2.0, bins=4).counts.sum() == 7


@pytest.mark.parametrize(
    ("layer", "values", "share"),
    [
        (nn.Tanh(), [-0.98, 0.0, 0.96, 0.99], 0.5),
        (nn.Sigmoid(), [0.01, 0.5, 0.98, 0.99], 0.5),  # 0.985 is as far out as 0.97 of tanh
        (nn.Hardtanh(-2.0, 2.0), [-2.0, 1.9, 1.95, 2.0], 0.75),
    ],
)
def test_saturated_is_near_a_bound(layer, values, share):
    found, alive = measured(np.array(values).reshape(-1, 1), layer)
    assert found["saturated"] == share and alive is None


def test_a_unit_is_dead_when_it_was_silent_for_ten_looks():
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    model[0].weight.data = np.ones((1, 2), np.float32)
    model[0].bias.data = np.array([0.0, -5.0], np.float32)  # the second unit answers above 5 only
    monitor, shares = nn.Monitor(1), []
    for x in [6.0] + [1.0] * 11 + [6.0]:
        inputs = np.array([[x], [x]])
        watched_step(model, lambda inputs=inputs: model(inputs).sum(), rate=0.0, monitor=monitor)
        shares.append(monitor.layers[1].samples[-1].dead)
    assert shares == [0.0] * 10 + [0.5, 0.5, 0.0]
    assert monitor.series("silent")[:, 1].tolist() == [0.0] + [0.5] * 11 + [0.0]


# --- it looks, and changes nothing


def test_a_run_that_is_watched_gives_the_numbers_of_one_that_is_not():
    found = []
    for callbacks in ([], [nn.Monitor(1)]):
        model = perceptron()
        optimizer = optim.Adam(model.parameters(), 0.02)
        options = {"epochs": 3, "progress": False, "callbacks": callbacks}
        history = nn.fit(model, optimizer, nn.cross_entropy, (X, Y), **options)
        found.append((history["loss"], model.state_dict()))
        assert not any(m._hooks for _, m in model.named_modules())
    np.testing.assert_array_equal(found[0][0], found[1][0])
    for name, values in found[0][1].items():
        np.testing.assert_array_equal(values, found[1][1][name])


def test_every_kth_batch_is_looked_at_and_the_epochs_are_noted():
    model, monitor = perceptron(), nn.Monitor(3)
    optimizer = optim.Adam(model.parameters())
    data = (X, Y)
    nn.fit(model, optimizer, nn.cross_entropy, data, epochs=2, batch_size=32, progress=False, callbacks=[monitor])
    assert monitor.batches == [0, 3, 6] and monitor.epochs == [4, 8]
    assert monitor.series("gradient").shape == (3, 3)
    nn.fit(model, optimizer, nn.cross_entropy, data, epochs=1, batch_size=32, progress=False, callbacks=[monitor])
    assert monitor.batches == [0, 3, 6, 9] and monitor.epochs == [4, 8, 12]


def test_a_step_that_fails_is_not_counted_and_leaves_no_hook():
    model, monitor = perceptron(), nn.Monitor(1)
    optimizer = optim.Adam(model.parameters())
    with pytest.raises(ZeroDivisionError), monitor.watch(model):
        optimizer.step(lambda: model(X).sum() / (1 // 0))
    assert monitor.batches == [] and not any(m._hooks for _, m in model.named_modules())
    with pytest.raises(ad.StructureError, match=r"seen no batch.*callbacks=\[monitor\]"):
        _ = monitor.verdict
    assert str(monitor) == "<Monitor(every=1): no batch seen yet>"


def test_bad_input_is_refused():
    for every in (0, -1, 2.5, True, "all"):
        with pytest.raises(ValueError, match="every must be a positive integer"):
            nn.Monitor(every)
    monitor = nn.Monitor()
    with pytest.raises(TypeError, match="a module is expected; a int"):
        monitor.watch(3)
    monitor.watch(perceptron())
    with pytest.raises(ad.StructureError, match="Make a Monitor for each model"):
        monitor.watch(perceptron())
    with pytest.raises(KeyError, match=r"no series 'grad'; the series are weight, gradient"):
        monitor.series("grad")


# --- what it is given


def test_a_compiled_step_shows_parameters_and_says_that_no_layer_was_called():
    model = perceptron()
    optimizer, monitor = optim.Adam(model.parameters(), 0.01), nn.Monitor(1)

    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    fast = ad.compile(step, check=0)  # else the second call runs the layers beside the program
    for _ in range(3):
        with monitor.watch(model):
            fast(X, Y)
    eager = perceptron()
    other = watched_step(eager, lambda: nn.cross_entropy(eager(X), Y))
    np.testing.assert_allclose(monitor.series("gradient")[0], other.series("gradient")[0], rtol=1e-5)
    assert (monitor.series("update")[:, [0, 2]] > 0).all() and np.isnan(monitor.series("mean")).all()
    assert "The layers were not called (a compiled step): activations were not seen." in str(monitor)
    assert len(fast.sources) == 1  # the hooks do not make it trace anew
    with pytest.raises(ad.CompileError, match="around the compiled step"):
        ad.compile(lambda: monitor.watch(model))()


class Tied(nn.Module):
    """A frozen table, a recurrent layer, and two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 6)
        self.cells = nn.RNN(6, 6)
        self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)
        self.two.weight = self.one.weight
        self.table.requires_grad_(False)

    def forward(self, numbers):
        y, _ = self.cells(self.table(numbers))
        return self.two(np.tanh(self.one(y[:, -1])))


def test_frozen_tied_and_recurrent_layers():
    nn.manual_seed(0)
    model, numbers = Tied(), np.arange(40).reshape(8, 5) % 10
    monitor = watched_step(model, lambda: (model(numbers) ** 2).mean())
    at = {layer.path: layer for layer in monitor.layers}
    assert list(at) == ["table", "cells", "one", "two"]  # in the order in which they run
    assert at["two"].tied == "one" and at["one"].tied == ""
    assert "Linear (tied to one)" in str(monitor)
    sample = at["two"].samples[0]
    assert sample.gradient == pytest.approx(np.linalg.norm(model.one.weight.grad), rel=1e-6)
    assert monitor.verdicts["table"].state == "frozen" and math.isnan(at["table"].samples[0].gradient)
    states, _ = model.cells(model.table(numbers))
    cells = at["cells"].samples[0]
    assert cells.largest <= 1 and 0 <= cells.saturated < 0.1
    assert cells.weight > 0 and cells.gradient > 0 and states.shape == (8, 5, 6)


def test_a_layer_that_the_loss_does_not_need_is_unused():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.used(x)

    nn.manual_seed(0)
    model = Half()
    monitor = watched_step(model, lambda: nn.cross_entropy(model(X), Y))
    assert monitor.verdicts["idle"].state == "unused" and monitor.verdict.state == "unused"


def test_a_layer_called_several_times_is_measured_over_all_calls_of_the_first_evaluation():
    layer = nn.Linear(1, 1, bias=False, dtype=np.float64)
    layer.weight.data = np.array([[2.0]])

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = layer

        def forward(self, x):
            return self.inner(self.inner(x))

    model, monitor = Twice(), nn.Monitor(1)
    with monitor.watch(model):
        model(np.array([[1.0], [1.0]]))
        model(np.array([[100.0]]))
    assert monitor.layers[0].samples[0].mean == 3.0  # of 2, 2, 4, 4


def test_an_optimiser_that_keeps_no_gradients_is_said():
    model, monitor = perceptron(), nn.Monitor(1)
    optimizer = optim.LBFGS(model.parameters())
    nn.fit(model, optimizer, nn.cross_entropy, (X, Y), epochs=1, batch_size=128, progress=False, callbacks=[monitor])
    assert np.isnan(monitor.series("gradient")).all() and (monitor.series("update")[0, [0, 2]] > 0).all()
    assert "No gradients were seen" in str(monitor)
    assert all(v.state != "unused" for v in monitor.verdicts.values())


# --- verdicts


@pytest.mark.parametrize(
    ("model", "rate", "state"),
    [
        (lambda: deep(nn.Tanh, 32**-0.5), 1e-3, "healthy"),
        (lambda: deep(nn.ReLU, (2 / 32) ** 0.5), 1e-3, "healthy"),
        (lambda: deep(nn.Sigmoid, 32**-0.5), 1e-3, "vanishing"),
        (lambda: deep(nn.Tanh, 0.02), 1e-3, "vanishing"),
        (lambda: deep(nn.ReLU, 0.02), 1e-4, "vanishing"),
        (lambda: deep(nn.ReLU, 1.0), 1e-4, "exploding"),
        (lambda: deep(nn.Tanh, 1.0, n=6), 1e-3, "saturated"),
        (lambda: deep(nn.ReLU, 0.1, n=3, bias=-10.0), 1e-3, "dead"),
        (lambda: perceptron_of_digits(), 2e-3, "healthy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_word_for_a_network(model, rate, state):
    monitor = trained(model(), rate)
    assert monitor.verdict.state == state, monitor
    assert (monitor.verdict.remedy == "") == (state == "healthy")


def perceptron_of_digits():
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def test_a_gradient_that_is_nan_is_not_taken_for_none():
    """The outputs are finite: the loss made the NaN."""
    model = perceptron()
    with np.errstate(all="ignore"):
        monitor = watched_step(model, lambda: np.sqrt((model(X) * 0).sum()), rate=0.0)
    assert np.isinf(monitor.series("gradient")[0, [0, 2]]).all()
    assert {monitor.verdicts[path].state for path in "02"} == {"exploding"}
    assert monitor.verdicts["0"].why == "its gradient is not finite" and "No gradients were seen" not in str(monitor)


def test_a_learning_rate_beyond_all_measure_is_exploding():
    model = perceptron()
    monitor = nn.Monitor(1)
    for _ in range(3):
        watched_step(model, lambda: nn.mse_loss(model(X), np.ones((len(X), 2))), rate=30.0, monitor=monitor)
    assert monitor.verdict.state == "exploding"


def track(path="a", entries=1, frozen=False, kind="Linear", **numbers):
    """A layer of which one batch was seen."""
    return Track(path, kind, entries, frozen, [nn.monitoring.measuring.Sample(**numbers)])


def states(*tracks):
    return [verdict.state for verdict in judge(tracks)]


def test_gradients_are_compared_with_the_layers_behind():
    flow = [track(gradient=g) for g in (2e-3, 1.0, 1.0)]
    assert states(*flow) == ["healthy"] * 3
    assert states(*[track(gradient=g) for g in (0.9e-3, 1.0, 1e-6)]) == ["vanishing", "exploding", "healthy"]
    assert states(track(gradient=0.0), track(gradient=1.0)) == ["vanishing", "healthy"]
    assert states(track(gradient=1e-2, entries=1), track(gradient=1e2, entries=10**6)) == ["healthy"] * 2  # by rms


def test_signals_are_compared_with_the_layers_before():
    assert states(*[track(spread=s) for s in (1.0, 2e-3, 2e3 * 0.9e-3)]) == ["healthy"] * 3
    assert states(*[track(spread=s) for s in (1.0, 0.9e-3, 1.1e3)]) == ["healthy", "vanishing", "exploding"]
    assert states(track(largest=math.inf)) == ["exploding"]


def test_shares_and_steps_have_their_thresholds():
    last = track(gradient=1.0)
    assert states(track(dead=DEAD, gradient=1.0), last) == ["dead", "healthy"]
    assert states(track(dead=DEAD - 0.01, gradient=1.0), last) == ["healthy"] * 2
    weak = [track(spread=1.0, gradient=1.0), track(spread=0.03, gradient=1.0)]  # the signal was lost before
    assert states(*weak, track(spread=1e-4, dead=0.9, entries=0), last)[2] == "vanishing"
    assert states(weak[0], track(spread=1e-4, dead=0.9, entries=0), last)[1] == "dead"
    assert states(track(saturated=SATURATED, gradient=1.0), last) == ["saturated", "healthy"]
    assert states(last, track(saturated=1.0, entries=0, kind="Sigmoid")) == ["healthy"] * 2  # an answer may be sure
    assert states(track(ratio=0.6, gradient=1.0)) == ["exploding"]
    assert states(track(ratio=0.4, gradient=1.0)) == ["healthy"]
    assert states(track(ratio=0.6)) == ["healthy"]  # a line search chose it


def test_the_whole_has_the_worst_word_of_its_layers():
    tracks = [track("a", gradient=1.0, dead=0.9), track("b", gradient=1.0), track("c", gradient=1.0, dead=0.8)]
    verdict = overall(tracks, judge(tracks))
    assert verdict.state == "dead" and verdict.remedy == REMEDIES["dead"]
    assert verdict.why == "layers a, c: in a, 90% of its units were 0 at every row seen lately"
    assert str(verdict) == f"dead: {verdict.why}; {verdict.remedy}"


def test_remedies_name_what_there_is():
    for text in REMEDIES.values():
        for name in [word.strip("(),;.") for word in text.split() if "nn." in word or "optim." in word]:
            room, *path = name.split(".")
            thing = {"nn": nn, "optim": optim}[room]
            for part in path:
                thing = getattr(thing, part)


# --- how it shows itself


def test_it_prints_a_table():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2, dtype=np.float64), nn.Tanh())
    model[0].weight.data, model[0].bias.data = np.eye(2) * 2, np.zeros(2)
    inputs = np.array([[1.0, 0.0], [-1.0, 0.0]])
    monitor = watched_step(model, lambda: model(inputs).sum(), rate=0.0)
    header, linear, tanh, verdict = str(monitor).splitlines()
    assert header.split() == [
        "layer",
        "kind",
        "weight",
        "gradient",
        "update/weight",
        "mean",
        "spread",
        "lost",
        "verdict",
    ]
    assert linear.split()[:3] == ["0", "Linear", "2.8"] and linear.split()[4:] == ["0", "0", "1.4", "healthy"]
    assert tanh.split() == ["1", "Tanh", "0", "0.68", "0%", "healthy"]
    assert verdict.startswith("1 of 1 batches watched. healthy: ")
    html = monitor._repr_mimebundle_()["text/html"]
    assert html.count("<tr>") == 3 and "update/weight" in html and "1 of 1 batches watched" in html
