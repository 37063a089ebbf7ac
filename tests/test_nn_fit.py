"""`nn.fit`: what it measures, when it stops, that it resumes bit for bit, what it says of a loss that is not finite."""

import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from nn.training import progress

X, Y = nn.data.moons(120, noise=0.2)


def network(seed=0, dtype=np.float64):
    nn.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8, dtype=dtype), nn.Tanh(), nn.Linear(8, 2, dtype=dtype))


def run(epochs=5, model=None, **options):
    model = model or network()
    optimizer = options.pop("optimizer", None) or optim.Adam(model.parameters(), 0.02)
    return model, nn.fit(model, optimizer, nn.cross_entropy, (X, Y), epochs=epochs, progress=False, **options)


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


# --- what it measures


def test_it_is_the_loop_everybody_writes():
    model = network()
    optimizer = optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(3):
        total = 0.0
        for x, y in nn.batches(X, Y, batch_size=50):
            loss = nn.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        losses.append(total / len(X))
    fitted, history = run(3, batch_size=50)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-14)
    same(fitted.state_dict(), model.state_dict())


def test_validation_and_metrics_have_a_number_an_epoch():
    _, history = run(4, validation=(X, Y), metrics={"accuracy": nn.accuracy})
    assert set(history) == {"loss", "accuracy", "validation_loss", "validation_accuracy"}
    assert all(isinstance(v, np.ndarray) and v.shape == (4,) and v.dtype == np.float64 for v in history.values())
    assert history.epochs == 4 and history.stopped == ""


def test_evaluation_does_not_depend_on_the_size_of_batches_nor_train():
    model, _ = run(2)
    before = model.state_dict()
    metrics = {"accuracy": nn.accuracy}
    found = [nn.evaluate(model, nn.cross_entropy, (X, Y), metrics=metrics, batch_size=n) for n in (7, 120)]
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    same(model.state_dict(), before)


def test_the_model_is_in_training_mode_while_it_learns_only():
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(self.training)
            return x

    model = nn.Sequential(nn.Linear(2, 2), Spy()).eval()
    run(1, model=model, validation=(X, Y), batch_size=120)
    assert seen == [True, False] and not model.training


def test_every_optimiser_fits():
    for make in (lambda p: optim.GradientDescent(p, 0.5), lambda p: optim.Newton(p, radius=1.0)):
        model = network()
        _, history = run(3, model=model, optimizer=make(model.parameters()), batch_size=120)
        assert history["loss"][-1] < history["loss"][0]


# --- when it stops


def test_early_stopping_brings_back_the_best():
    model = network()
    stopping = nn.EarlyStopping("loss", patience=2)
    optimizer = optim.GradientDescent(model.parameters(), 0.5)

    def spoil(epoch, history, net):
        optimizer.learning_rate = 0.5 if epoch < 3 else 40.0

    _, history = run(30, model=model, optimizer=optimizer, early_stopping=stopping, callbacks=[spoil], batch_size=120)
    assert history.stopped == "early" and history.epochs < 30
    best = int(np.argmin(history["loss"])) + 1
    assert stopping.best_epoch == best and stopping.best == history["loss"].min()
    assert history.epochs == best + 2
    assert nn.evaluate(model, nn.cross_entropy, (X, Y))["loss"] < history["loss"][-1]


def test_larger_may_be_better():
    stopping = nn.EarlyStopping("accuracy", patience=1, largest=True)
    _, history = run(40, metrics={"accuracy": nn.accuracy}, early_stopping=stopping)
    assert -stopping.best == history["accuracy"].max()


def test_an_unknown_number_to_watch_is_refused():
    with pytest.raises(KeyError, match="the history has no 'validation_loss'; it has 'loss'"):
        run(1, early_stopping=nn.EarlyStopping())


def test_a_callback_may_end_it():
    _, history = run(9, callbacks=[lambda epoch, history, model: epoch == 2])
    assert history.epochs == 2 and history.stopped == "early"


def test_an_interrupt_keeps_what_was_learnt():
    def interrupt(epoch, history, model):
        if epoch == 2:
            raise KeyboardInterrupt

    model, history = run(9, callbacks=[interrupt])
    reference, _ = run(2)
    assert history.epochs == 2 and history.stopped == "interrupted"
    same(model.state_dict(), reference.state_dict())


# --- resuming


class Halving:
    """A schedule of its own, with a state."""

    def __init__(self, optimizer):
        self.optimizer, self.count = optimizer, 0

    def step(self):
        self.count += 1
        self.optimizer.learning_rate = 0.05 * 0.5 ** (self.count // 3)

    def state_dict(self):
        return {"count": np.array(self.count)}

    def load_state_dict(self, saved):
        self.count = int(saved["count"])


def scheduled(checkpoint, epochs, every, stop_at=None, seed=0):
    model = network(seed)
    optimizer = optim.Adam(model.parameters(), 0.05)

    def killed(epoch, history, net):
        if epoch == stop_at:
            raise ZeroDivisionError

    return model, nn.fit(
        model, optimizer, nn.cross_entropy, (X, Y), epochs=epochs, progress=False, schedule=Halving(optimizer),
        schedule_every=every, checkpoint=checkpoint, callbacks=[killed], validation=(X, Y),
        early_stopping=nn.EarlyStopping(patience=50),
    )  # fmt: skip


@pytest.mark.parametrize("every", ["epoch", "batch"])
@pytest.mark.parametrize("stop_at", [1, 4])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path, every, stop_at):
    whole, expected = scheduled(None, 7, every)
    with pytest.raises(ZeroDivisionError):
        scheduled(tmp_path / "run.npz", 7, every, stop_at)
    model, history = scheduled(tmp_path / "run.npz", 7, every, seed=99 if stop_at > 1 else 0)
    same(history, expected)
    same(model.state_dict(), whole.state_dict())


def test_a_run_that_had_stopped_early_does_not_go_on(tmp_path):
    path = tmp_path / "run.npz"
    _, first = run(9, checkpoint=path, callbacks=[lambda epoch, history, model: epoch == 3])
    with pytest.warns(UserWarning, match="a finished run of 3 epochs"):
        _, second = run(9, checkpoint=path)
    same(second, first)
    assert second.stopped == "early"


KILLED = """
import sys, nn, optim
nn.manual_seed(1)
x, y = nn.data.moons(400, noise=0.2)
model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = optim.Adam(model.parameters(), 0.01)
print("started", flush=True)
history = nn.fit(model, optimizer, nn.cross_entropy, (x, y), epochs=40, batch_size=10, checkpoint=sys.argv[1],
                 progress=False, callbacks=[lambda *_: print("epoch", flush=True)])
print(repr(history["loss"].tolist()))
"""


def test_a_run_that_is_killed_at_any_moment_goes_on_bit_for_bit(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(KILLED)
    env = {**os.environ, "PYTHONPATH": os.getcwd()}

    def start(file):
        return subprocess.Popen([sys.executable, program, tmp_path / file], stdout=subprocess.PIPE, text=True, env=env)

    expected = start("whole.npz").communicate(timeout=120)[0].splitlines()[-1]
    for lines, wait in ((2, 0.0), (5, 0.013), (3, 0.007)):
        process = start("killed.npz")
        for _ in range(lines):
            process.stdout.readline()
        time.sleep(wait)  # somewhere within an epoch, or while the file is written
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert start("killed.npz").communicate(timeout=120)[0].splitlines()[-1] == expected


# --- checkpoints


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    path = tmp_path / "run.npz"
    model, _ = run(1)
    nn.save_checkpoint(path, model, optim.Adam(model.parameters()))
    other = nn.Sequential(nn.Linear(2, 8, dtype=np.float64), nn.Tanh(), nn.Linear(8, 3, dtype=np.float64))
    before = other.state_dict()
    with pytest.raises(ad.ShapeError, match=r"2\.weight"):
        nn.load_checkpoint(path, other, optim.Adam(other.parameters()))
    same(other.state_dict(), before)
    twin = network(5)
    before = twin.state_dict()
    with pytest.raises(ad.StructureError):
        nn.load_checkpoint(path, twin, optim.Momentum(twin.parameters()))
    same(twin.state_dict(), before)
    with pytest.raises(ad.StructureError, match="holds a optimizer, and none was given"):
        nn.load_checkpoint(path, twin)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b[:900] + bytes([b[900] ^ 255]) + b[901:],
        lambda b: b"no archive",
        lambda b: b"",
    ],
)
def test_a_truncated_or_foreign_file_is_refused_whole(tmp_path, spoil):
    path = tmp_path / "run.npz"
    model, _ = run(1)
    nn.save_checkpoint(path, model)
    path.write_bytes(spoil(path.read_bytes()))
    twin = network(5)
    before = twin.state_dict()
    with pytest.raises(ValueError, match=r"not a complete npz file|was not written"):
        nn.load_checkpoint(path, twin)
    same(twin.state_dict(), before)


def test_a_file_of_weights_is_no_checkpoint(tmp_path):
    path = tmp_path / "weights.npz"
    nn.save(path, network().state_dict())
    with pytest.raises(ValueError, match="was not written by save_checkpoint"):
        nn.load_checkpoint(path, network())


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_bit_generator_is_kept(tmp_path, kind):
    rng = np.random.Generator(kind(3))
    rng.normal(size=5)
    nn.save_checkpoint(tmp_path / "a.npz", network(), rng=rng)
    expected = rng.normal(size=4)
    again = np.random.Generator(kind(8))
    nn.load_checkpoint(tmp_path / "a.npz", network(), rng=again)
    np.testing.assert_array_equal(again.normal(size=4), expected)


def with_noise(layer_rng=None, seed=0):
    nn.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5, rng=layer_rng), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))


@pytest.mark.parametrize("own", [False, True], ids=["", "a layer's own generator"])
@pytest.mark.parametrize("given", [False, True], ids=["", "rng="])
def test_every_generator_of_a_run_goes_on_where_it_was(tmp_path, own, given):
    def trained(epochs, path, seed=0):
        model = with_noise(np.random.default_rng(seed + 7) if own else None, seed)
        rng = np.random.default_rng(seed + 3) if given else None
        return run(epochs, model, checkpoint=path, rng=rng)

    whole, expected = trained(4, tmp_path / "whole.npz")
    trained(2, tmp_path / "parts.npz")
    model, history = trained(4, tmp_path / "parts.npz", seed=99)
    same(history, expected)
    same(model.state_dict(), whole.state_dict())


def test_generators_that_are_not_those_of_the_run_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    nn.save_checkpoint(path, with_noise(np.random.default_rng(0)), rng=np.random.default_rng(1))
    for model, rng, told in (
        (with_noise(), np.random.default_rng(1), r"unknown \['model/1\.rng'\]"),
        (with_noise(np.random.default_rng(0)), None, r"unknown \['given'\]"),
    ):
        before = model.state_dict()
        with pytest.raises(ad.StructureError, match=told):
            nn.load_checkpoint(path, model, rng=rng)
        same(model.state_dict(), before)


SPOILT = {
    "random/thread": [
        '{"bit_generator": "PCG64", "state": {"state": -1, "inc": -1}, "has_uint32": 0, "uinteger": 0}',
        '{"bit_generator": "PCG64"}', '{"bit_generator": "MT19937"}', "[]", "{", 3,
    ],
    "random/model/1.rng": ["{}", '{"bit_generator": "SFC64", "state": 1}'],
    "model/0.bias": [np.zeros(3), np.zeros(8, complex), "text"],
    "optimizer/0.step": [np.array(1.5), np.array(-1), np.array("a"), np.zeros(2, int)],
    "optimizer/3.v": [np.zeros(1), np.zeros(2, complex)],
    "optimizer/learning_rate": [np.array(np.nan), np.array([0.1, 0.1]), np.array("fast")],
    "schedule/count": [np.array(-1), np.array(0.5), np.array("a")],
    "schedule/best": [np.zeros(2), np.array("a")],
    "schedule/resting": [np.array(-1), np.array(1j)],
}  # fmt: skip


@pytest.mark.parametrize(("entry", "value"), [(key, value) for key, values in SPOILT.items() for value in values])
def test_one_spoilt_entry_changes_nothing(tmp_path, entry, value):
    def parts(seed):
        model = with_noise(np.random.default_rng(seed), seed)
        optimizer = optim.Adam(model.parameters())
        schedule = optim.ReduceOnPlateau(optimizer)
        for _ in range(seed + 1):
            optimizer.step(lambda: nn.cross_entropy(model(X), Y))
            schedule.step(1.0)
        return model, optimizer, schedule

    def states(model, optimizer, schedule):
        random = repr((model[1].rng.bit_generator.state, nn.randomness.generator().bit_generator.state))
        return {"random": random, **model.state_dict(), **optimizer.state_dict(), **schedule.state_dict()}

    nn.save_checkpoint(tmp_path / "run.npz", *parts(1))
    found = nn.load(tmp_path / "run.npz")
    assert entry in found
    nn.save(tmp_path / "run.npz", {**found, entry: value})
    mine = parts(2)
    before = states(*mine)
    with pytest.raises((ad.AutodiffError, ValueError, TypeError)):
        nn.load_checkpoint(tmp_path / "run.npz", *mine)
    same(states(*mine), before)


@pytest.mark.parametrize(
    ("entry", "value"),
    [("history/loss", np.zeros((2, 2))), ("history/loss", "low"), ("best/best", np.zeros(2)),
     ("best/model/0.bias", np.zeros(3))],
)  # fmt: skip
def test_a_spoilt_history_changes_nothing(tmp_path, entry, value):
    path = tmp_path / "run.npz"
    run(2, checkpoint=path, early_stopping=nn.EarlyStopping(monitor="loss"))
    found = nn.load(path)
    assert f"extra/{entry}" in found
    nn.save(path, {**found, f"extra/{entry}": value})
    model = network(5)
    before = model.state_dict()
    with pytest.raises((ad.AutodiffError, ValueError)):
        run(4, model, checkpoint=path, early_stopping=nn.EarlyStopping(monitor="loss"))
    same(model.state_dict(), before)


def test_a_foreign_part_that_fails_leaves_all_as_it_was(tmp_path):
    class Foreign(Halving):
        def load_state_dict(self, saved):
            self.count = -1
            if "broken" in saved:
                raise ZeroDivisionError
            super().load_state_dict(saved)

        def state_dict(self):
            return {"count": np.array(self.count)}

    path = tmp_path / "run.npz"
    model = network()
    optimizer = optim.Adam(model.parameters())
    nn.save_checkpoint(path, model, optimizer, Foreign(optimizer))
    nn.save(path, {**nn.load(path), "schedule/broken": 1})
    other = network(5)
    optimizer = optim.Adam(other.parameters(), 0.5)
    schedule, before = Foreign(optimizer), other.state_dict()
    with pytest.raises(ZeroDivisionError):
        nn.load_checkpoint(path, other, optimizer, schedule)
    same(other.state_dict(), before)
    assert optimizer.learning_rate == 0.5 and schedule.count == 0


# --- a loss that is not finite


class Root(nn.Module):
    def forward(self, x):
        return np.sqrt(x - 100.0)


def test_a_loss_that_is_nan_names_the_first_layer_that_made_it_and_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 2), Root(), nn.Linear(2, 2))
    before = model.state_dict()
    with pytest.raises(ad.AnomalyError, match=r"(?s)sqrt made NaN.*1 Root"), np.errstate(all="ignore"):
        run(3, model=model)
    same(model.state_dict(), before)


def test_nan_in_the_data_is_told_from_an_operation():
    x = X.copy()
    x[3, 1] = np.nan
    model = network()
    with pytest.raises(ad.AnomalyError, match="came in as an operand"):
        nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, (x, Y), progress=False)


# --- what is asked of it


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"data": (X,)}, TypeError, r"must be a tuple of inputs and targets.*a tuple of length 1 was given"),
        ({"validation": (X,)}, TypeError, r"must be a tuple of inputs and targets.*a tuple of length 1 was given"),
        ({"schedule_every": "year"}, ValueError, "'year' was given"),
        ({"epochs": -1}, ValueError, "-1 was given"),
        ({"data": (X, Y[:5])}, ad.ShapeError, "same number of rows"),
    ],
)
def test_nonsense_is_refused(change, error, told):
    model = network()
    arguments = {"data": (X, Y), "epochs": 1, "progress": False, **change}
    with pytest.raises(error, match=told):
        nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, **arguments)


# --- the line


def test_the_line_is_silent_unless_somebody_looks(capsys, monkeypatch):
    run(2)
    assert capsys.readouterr() == ("", "")
    assert type(progress.line(3, None)) is progress.Silent  # standard error is no terminal here
    assert type(progress.line(3, False)) is progress.Silent
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert type(progress.line(3, True)) is progress.Plain


def test_the_plain_line_is_written_over(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.Plain(2) as line:
        line.update(1, 0.5, {"loss": 0.25})
        line.update(2, 1.0, {"loss": 0.125, "validation_loss": 1.0})
    assert stream.getvalue() == ("\repoch 1/2  50%  loss 0.2500\repoch 2/2 100%  loss 0.1250  validation loss 1.0000\n")


def test_the_rich_line_shows_the_same(monkeypatch):
    pytest.importorskip("rich")
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.Rich(2) as line:
        line.update(2, 1.0, {"loss": 0.125})
    assert "epoch 2/2" in stream.getvalue() and "loss 0.1250" in stream.getvalue()


# --- metrics and data


def test_metrics():
    scores, labels = np.array([[2.0, 1.0], [0.0, 3.0], [0.0, 1.0]]), np.array([0, 0, 1])
    assert nn.accuracy(scores, labels) == pytest.approx(2 / 3)
    assert nn.accuracy(scores[:, 1] - scores[:, 0], labels) == pytest.approx(2 / 3)
    np.testing.assert_array_equal(nn.confusion_matrix(ad.tensor(scores), labels), [[1, 1], [0, 1]])
    for metric in (nn.accuracy, nn.confusion_matrix):
        with pytest.raises(ad.ShapeError, match=r"\(3, 2\) and \(2,\)"):
            metric(scores, labels[:2])


def test_predicted_labels_stand_for_scores():
    scores = np.random.default_rng(0).normal(size=(40, 5))
    labels = np.random.default_rng(1).integers(0, 5, 40)
    predicted = scores.argmax(axis=1)
    expected = nn.confusion_matrix(scores, labels)
    assert expected[labels[0], predicted[0]] > 0 and expected.sum() == 40
    np.testing.assert_array_equal(nn.confusion_matrix(predicted, labels), expected)
    np.testing.assert_array_equal(nn.confusion_matrix(predicted.tolist(), ad.tensor(labels)), expected)
    assert nn.accuracy(predicted, labels) == nn.accuracy(scores, labels) == np.trace(expected) / 40
    # the number of classes: the least that fits, or as given
    np.testing.assert_array_equal(nn.confusion_matrix([0, 1, 1], [0, 0, 2]), [[1, 1, 0], [0, 0, 0], [0, 1, 0]])
    assert nn.confusion_matrix([0], [0]).shape == (1, 1) and nn.confusion_matrix([0], [0], classes=3).shape == (3, 3)
    # one score each, or truth values: two classes
    np.testing.assert_array_equal(nn.confusion_matrix([-1.0, 2.0], [0, 0]), [[1, 1], [0, 0]])
    np.testing.assert_array_equal(nn.confusion_matrix([True, True], [False, True]), [[0, 1], [0, 1]])


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: nn.confusion_matrix([0, 3], [0, 1], classes=3), ad.DomainError, "predicted labels.*0..2.*label 3"),
        (lambda: nn.confusion_matrix([0, -1], [0, 1]), ad.DomainError, "label -1"),
        (lambda: nn.confusion_matrix(["a", "b"], [0, 1]), ad.DtypeError, "return_inverse=True"),
        (lambda: nn.confusion_matrix([0, 1], ["a", "b"]), ad.DtypeError, "return_inverse=True"),
        (lambda: nn.accuracy(["a", "b"], ["a", "b"]), ad.DtypeError, "accuracy.*return_inverse=True"),
        (lambda: nn.confusion_matrix(np.eye(2), [0, 1], classes=3), ad.ShapeError, "classes=3.*scores of 2"),
        (lambda: nn.confusion_matrix([0, 1], [0, 1], classes=0), ValueError, "classes must be a positive"),
    ],
)
def test_labels_that_are_no_numbers_are_refused(call, error, told):
    with pytest.raises(error, match=told):
        call()


@pytest.mark.parametrize("name", ["moons", "circles", "spirals", "blobs", "xor"])
def test_toy_problems_are_balanced_seeded_and_shuffled(name):
    make = getattr(nn.data, name)
    points, labels = make(120)
    assert points.shape == (120, 2) and np.ptp(np.bincount(labels)) <= 1
    assert (np.diff(labels) != 0).any() and not (np.sort(labels) == labels).all()
    np.testing.assert_array_equal(make(120)[0], points)
    assert not np.array_equal(make(120, seed=1)[0], points)
    assert not np.array_equal(make(120, seed=None)[0], make(120, seed=None)[0])
    with pytest.raises(ValueError, match=f"{name}: n must be an integer"):
        make(0)


def test_mnist_is_whole():
    images, labels = nn.data.mnist()
    assert images.shape == (5000, 28, 28) and images.dtype == np.float32
    assert images.min() == 0 and images.max() == 1
    np.testing.assert_array_equal(np.bincount(labels), np.full(10, 500))
    assert float(images.mean()) == pytest.approx(0.1306, abs=2e-3)  # the mean ink of the whole of MNIST is 0.1307


def test_standardised_columns_have_mean_0_and_spread_1():
    rng = np.random.default_rng(0)
    train, test = rng.normal(5, 3, (50, 2)), rng.normal(5, 3, (20, 2))
    a, b = nn.data.standardise(train, test)
    np.testing.assert_allclose([a.mean(0), a.std(0)], [[0, 0], [1, 1]], atol=1e-12)
    np.testing.assert_allclose(b, (test - train.mean(0)) / train.std(0))
    with pytest.raises(ad.ShapeError, match="same columns"):
        nn.data.standardise(train, test[:, :1])


# --- modes, early stopping and checkpoints ----------------------------------------------------------


def _with_batchnorm():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[1].eval()
    return model, np.ones((4, 2), np.float32)


def test_parts_are_in_their_own_mode_after_measuring_and_training():
    model, x = _with_batchnorm()
    nn.evaluate(model, nn.mse_loss, (x, x))
    assert [m.training for _, m in model.named_modules()] == [True, True, False]
    nn.fit(model, optim.GradientDescent(model.parameters(), 0.01), nn.mse_loss, (x, x), epochs=1)
    assert [m.training for _, m in model.named_modules()] == [True, True, False]


def _numbers(stopping, numbers):
    """Show a stopping the numbers of some epochs; after how many it stops."""
    history, model = nn.History(), nn.Linear(1, 1)
    for epoch, number in enumerate(numbers, 1):
        history.add({"validation_loss": number})
        if stopping.see(epoch, history, model):
            return epoch
    return None


def test_a_first_number_that_is_nan_is_no_best():
    stopping = nn.EarlyStopping(patience=3)
    assert repr(stopping) == (
        "EarlyStopping(monitor='validation_loss', patience=3, min_delta=0.0, largest=False, restore=True)"
    )
    assert _numbers(stopping, [np.nan, 2.0, 1.0, 1.5, np.nan, 1.5]) == 6
    assert stopping.best == 1.0 and stopping.best_epoch == 3


def test_an_early_stopping_begins_anew_with_every_training():
    x, ends = np.ones((4, 2), np.float32), []
    stopping = nn.EarlyStopping("loss", patience=2)
    for rate in (0.1, 0.0):  # the first learns in every epoch, the second never
        nn.manual_seed(0)
        model = nn.Linear(2, 2)
        optimizer = optim.GradientDescent(model.parameters(), rate)
        ends.append(nn.fit(model, optimizer, nn.mse_loss, (x, x), epochs=5, early_stopping=stopping).epochs)
    assert ends == [5, 3]


def test_patience_is_checked_when_it_is_given():
    with pytest.raises(ValueError, match="EarlyStopping: patience must be a positive integer; 0 was given"):
        nn.EarlyStopping(patience=0)


def test_an_interrupt_keeps_the_last_step_also_with_early_stopping():
    model, x = _with_batchnorm()
    last = {}

    def interrupt(epoch, history, model):
        if epoch == 3:
            last.update(model.state_dict())
            raise KeyboardInterrupt

    stopping = nn.EarlyStopping("loss", min_delta=100.0)  # the first epoch stays the best
    optimizer = optim.GradientDescent(model.parameters(), 0.1)
    nn.fit(model, optimizer, nn.mse_loss, (x, 2 * x), epochs=9, early_stopping=stopping, callbacks=[interrupt])
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, last[name])


def test_a_checkpoint_with_another_kind_of_generator_is_refused_whole(tmp_path):
    model = nn.Linear(2, 2)
    nn.save_checkpoint(tmp_path / "run.npz", model, rng=np.random.Generator(np.random.MT19937(0)))
    model.weight.assign_(np.full((2, 2), 7.0))
    with pytest.raises(ad.StructureError, match="state of a MT19937, and a PCG64 was given"):
        nn.load_checkpoint(tmp_path / "run.npz", model, rng=np.random.default_rng(0))
    assert (model.weight.data == 7.0).all()


# --- metrics


def test_a_single_score_in_a_column_is_not_taken_for_classes():
    with pytest.raises(ad.ShapeError, match=r"\(2, 1\) and \(2,\).*outputs\[:, 0\]"):
        nn.accuracy([[2.0], [-1.0]], [1, 0])
    assert nn.accuracy([2.0, -1.0], [1, 0]) == 1.0


def test_a_confusion_matrix_refuses_labels_of_no_class():
    for labels, error, told in (
        ([-1, 0], ad.DomainError, "label -1"),
        ([0, 2], ad.DomainError, "0..1 for 2 classes; label 2"),
        ([0.0, 1.0], ad.DtypeError, "astype"),
    ):
        with pytest.raises(error, match=told):
            nn.confusion_matrix(np.eye(2), labels)
    assert nn.confusion_matrix(np.zeros((0, 2)), []).sum() == 0


def test_data_without_rows_are_refused():
    model, x = _with_batchnorm()
    optimizer, empty = optim.GradientDescent(model.parameters(), 0.1), x[:0]
    with pytest.raises(ad.ShapeError, match=r"fit: the data have no rows; their shapes are \[\(0, 2\), \(0, 2\)\]"):
        nn.fit(model, optimizer, nn.mse_loss, (empty, empty))
    with pytest.raises(ad.ShapeError, match="fit, validation: the data have no rows"):
        nn.fit(model, optimizer, nn.mse_loss, (x, x), validation=(empty, empty))
    with pytest.raises(ad.ShapeError, match="evaluate: the data have no rows"):
        nn.evaluate(model, nn.mse_loss, (empty, empty))
    with pytest.raises(ValueError, match="batch_size must be a positive integer; 0 was given"):
        nn.fit(model, optimizer, nn.mse_loss, (x, x), batch_size=0)
