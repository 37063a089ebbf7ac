"""Options of `nn.fit`: a compiled step, clipped gradients, full batches only; the best epoch, and how it is shown."""

import re

import numpy as np
import pytest

import autodiff as ad
import nn
import optim

X, Y = nn.data.moons(70, noise=0.2, seed=0)


def network(seed=0, *, noise=0.0, norm=False):
    nn.manual_seed(seed)
    layers = [nn.Linear(2, 8), nn.BatchNorm1d(8)] if norm else [nn.Linear(2, 8)]
    return nn.Sequential(*layers, nn.Tanh(), nn.Dropout(noise), nn.Linear(8, 2))


def trained(model, epochs=4, optimizer=None, **options):
    options = {"batch_size": 16, "progress": False, **options}
    optimizer = optimizer or optim.Adam(model.parameters(), 0.02)
    return nn.fit(model, optimizer, nn.cross_entropy, (X, Y), epochs=epochs, **options)


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


# --- compile=True


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("norm", [False, True])
def test_compiled_training_gives_the_same_numbers(noise, norm):
    runs = []
    for compiled in (False, True):
        model = network(noise=noise, norm=norm)
        history = trained(
            model, 5, compile=compiled, validation=(X, Y), metrics={"accuracy": nn.accuracy}, clip_norm=0.3
        )
        runs.append((history, model.state_dict()))
    same(runs[0][0], runs[1][0])
    same(runs[0][1], runs[1][1])


def test_the_compiled_step_is_used_and_made_once_for_each_size_of_batch():
    programs = []
    made = ad.compile

    def seen(f):
        programs.append(made(f))
        return programs[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ad, "compile", seen)
        trained(network(), 1)
        assert programs == []
        trained(network(), 6, compile=True, validation=(X, Y))  # 70 rows: four batches of 16 and one of 6
        assert [len(p.sources) for p in programs] == [2]
        trained(network(), 6, compile=True, drop_last=True)
        assert [len(p.sources) for p in programs] == [2, 1]


@pytest.mark.parametrize("batch", [0, 1, 2, 3])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_loss_that_is_not_finite_changes_nothing(batch, compiled):
    model = network()
    x = X[:64].copy()
    x[16 * batch + 3] = np.inf
    reference = network()
    good = X[: 16 * batch], Y[: 16 * batch]
    if batch:
        nn.fit(reference, optim.Adam(reference.parameters()), nn.cross_entropy, good, epochs=1, batch_size=16,
               shuffle=False, progress=False)  # fmt: skip
    with pytest.raises(ad.AnomalyError, match="Linear"), np.errstate(invalid="ignore"):
        nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, (x, Y[:64]), epochs=1, batch_size=16,
               shuffle=False, progress=False, compile=compiled)  # fmt: skip
    same(model.state_dict(), reference.state_dict())


def test_a_monitor_sees_the_batches_of_compiled_training():
    shown, states = [], []
    for compiled in (False, True):
        model = network()
        monitor = nn.Monitor(every=3)
        trained(model, 3, compile=compiled, callbacks=[monitor])
        states.append(model.state_dict())
        shown.append((monitor.batches, monitor.series("gradient")))
    assert shown[0][0] == shown[1][0] == [0, 3, 6, 9, 12]
    np.testing.assert_array_equal(shown[0][1], shown[1][1])
    same(*states)


def test_compiled_training_follows_a_schedule_and_resumes(tmp_path):
    def run(epochs, path, compiled):
        model = network(noise=0.2)
        optimizer = optim.Adam(model.parameters(), 0.05)
        schedule = optim.StepDecay(optimizer, 1, 0.5)
        return model, trained(model, epochs, optimizer, schedule=schedule, checkpoint=path, compile=compiled)

    whole, expected = run(4, None, False)
    run(2, tmp_path / "run.npz", True)
    model, history = run(4, tmp_path / "run.npz", True)
    same(history, expected)
    same(model.state_dict(), whole.state_dict())


def test_an_optimiser_that_decides_by_values_is_refused_when_compiled():
    model = network()
    with pytest.raises(ad.CompileError, match=r"evaluations in Newton\.step.*leave compile=True out"):
        trained(model, 1, optim.Newton(model.parameters()), compile=True)


def test_a_norm_to_clip_to_is_checked_by_the_optimiser_too():
    model = network()
    with pytest.raises(ValueError, match=r"clip_norm must be between 0\.0 and inf; -1"):
        optim.Adam(model.parameters()).step(lambda: nn.cross_entropy(model(X), Y), clip_norm=-1)


# --- clip_norm=


def test_gradients_are_clipped_before_each_step():
    model, twin = network(), network()
    trained(model, 2, optim.GradientDescent(model.parameters(), 0.5), shuffle=False, clip_norm=0.1)
    optimizer, norms = optim.GradientDescent(twin.parameters(), 0.5), []
    for _ in range(2):
        for x, y in nn.batches(X, Y, batch_size=16, shuffle=False):
            optimizer.zero_grad()
            nn.cross_entropy(twin(x), y).backward()
            norms.append(optim.clip_grad_norm(twin.parameters(), 0.1))
            optimizer.step()
    assert min(norms) > 0.1
    same(model.state_dict(), twin.state_dict())


@pytest.mark.parametrize("wrong", [0, -1.0, "1", True, float("nan")])
def test_a_wrong_norm_is_refused(wrong):
    with pytest.raises(ValueError, match=r"fit: clip_norm must be a positive number.*was given"):
        trained(network(), 1, clip_norm=wrong)


def test_an_optimiser_that_cannot_clip_says_so():
    model = network()
    for make in (optim.Newton, optim.LBFGS):
        with pytest.raises(TypeError, match=r"step\(\) takes clip_norm=.*Leave clip_norm= out"):
            trained(model, 1, make(model.parameters()), clip_norm=1.0)


# --- drop_last=


def test_a_last_batch_of_one_says_how_to_leave_it_out():
    data = (X[:33], Y[:33])
    model = network(norm=True)
    with pytest.raises(ad.ShapeError, match=r"at least two values.*drop_last=True.*\.eval\(\)"):
        nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, data, epochs=1, batch_size=16, progress=False)
    model = network(norm=True)
    history = nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, data, epochs=3, batch_size=16,
                     drop_last=True, progress=False)  # fmt: skip
    assert history.epochs == 3 and int(model[1].num_batches_tracked.data) == 6


def test_no_full_batch_is_an_error():
    with pytest.raises(ValueError, match=r"70 rows do not fill one of batch_size=71.*batch_size=70 or less"):
        trained(network(), 1, batch_size=71, drop_last=True)


def test_a_loader_in_the_place_of_data_says_what_to_give():
    model = network()
    with pytest.raises(TypeError, match=r"\(x, y\); nn\.batches was given.*batch_size="):
        nn.fit(model, optim.Adam(model.parameters()), nn.cross_entropy, nn.batches(X, Y), progress=False)


# --- the best epoch


def recorded(**numbers):
    history = nn.History()
    for row in zip(*numbers.values()):
        history.add(dict(zip(numbers, row)))
    return history


def test_the_best_epoch_is_that_of_the_number_that_is_watched():
    history = recorded(loss=[3.0, 2.0, 1.0], validation_loss=[2.0, 1.0, 1.5])
    assert history.best_epoch == 2
    assert recorded(loss=[3.0, 2.0, 1.0]).best_epoch == 3
    assert recorded(loss=[np.nan, np.nan]).best_epoch == 1
    assert recorded(loss=[np.nan, 2.0, np.nan]).best_epoch == 2
    assert nn.History().best_epoch == 0 and recorded(accuracy=[1.0]).best_epoch == 0


@pytest.mark.parametrize(("monitor", "largest"), [("validation_loss", False), ("validation_accuracy", True)])
@pytest.mark.parametrize("min_delta", [0.0, 0.02])
def test_early_stopping_and_the_history_agree(monitor, largest, min_delta):
    stopping = nn.EarlyStopping(monitor, patience=50, largest=largest, min_delta=min_delta)
    history = trained(
        network(), 12, validation=(X, Y), metrics={"accuracy": nn.accuracy}, early_stopping=stopping,
    )  # fmt: skip
    assert history.best_epoch == stopping.best_epoch
    if not min_delta:
        best = np.argmax if largest else np.argmin
        assert history.best_epoch == best(history[monitor]) + 1


def test_a_resumed_history_knows_its_best_epoch(tmp_path):
    stopping = nn.EarlyStopping("accuracy", largest=True, patience=50)
    options = {"metrics": {"accuracy": nn.accuracy}, "checkpoint": tmp_path / "run.npz"}
    trained(network(), 3, early_stopping=stopping, **options)
    history = trained(network(), 6, early_stopping=stopping, **options)
    assert history.epochs == 6 and history.best_epoch == int(np.argmax(history["accuracy"])) + 1


# --- how it is shown


def test_a_history_prints_an_epoch_a_line_and_marks_the_best():
    history = recorded(loss=[0.9, 0.4, 0.5], validation_loss=[1.0, 10.0, 0.75])
    history.stopped = "early"
    lines = str(history).splitlines()
    assert lines[0] == "3 epochs; best: epoch 3, validation_loss 0.7500; stopped: early"
    assert lines[1].split() == ["epoch", "loss", "validation_loss"]
    assert [line.split() for line in lines[2:]] == [
        ["1", "0.9000", "1.0000"], ["2", "0.4000", "10.0000"], ["3", "0.5000", "0.7500", "best"],
    ]  # fmt: skip
    assert len({len(line.removesuffix("  best")) for line in lines[1:]}) == 1
    assert repr(history) == str(history)


def test_of_many_epochs_some_are_shown_and_the_best_among_them():
    lines = str(recorded(loss=abs(np.arange(100) - 40.0))).splitlines()
    numbers = [int(line.split()[0]) for line in lines[2:] if "..." not in line]
    assert numbers == [1, 2, 3, 4, 5, 39, 40, 41, 42, 43, 96, 97, 98, 99, 100]
    assert [i for i, line in enumerate(lines) if "..." in line] == [7, 13]
    assert re.search(r"^ +41 +0\.0000  best$", "\n".join(lines), re.MULTILINE)


def test_small_and_large_numbers_stay_readable():
    assert "1.000e-05" in str(recorded(loss=[1e-5, 2.0])) and "3.000e+08" in str(recorded(loss=[3e8]))
    assert str(nn.History()) == "0 epochs"
    assert str(recorded(accuracy=[0.5])).splitlines()[0] == "1 epoch"
