"""Schedules: torch's rates, states, groups, what is refused."""

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import optim
from tests.reference import schedules

STORED = json.loads(Path(__file__).with_name("reference").joinpath("schedules.json").read_text())


def tracked(value=0.0):
    return ad.tensor(value, requires_grad=True)


def two_groups():
    return optim.Adam([{"params": [tracked()], "learning_rate": rate} for rate in schedules.RATES])


def advance(schedule, step):
    schedule.step(schedules.VALUES[step - 1])


def our_run(name):
    optimizer = two_groups()
    schedule = schedules.SCHEDULES[name][0](optim, optimizer)
    rows = []
    for step in range(schedules.STEPS + 1):
        if step:
            advance(schedule, step)
        rows.append([*(g.learning_rate for g in optimizer.groups), optimizer.groups[1].betas[0]])
    return rows


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_the_rates_are_torchs(name):
    np.testing.assert_allclose(our_run(name), STORED["runs"][name], rtol=1e-12, atol=1e-15)


def test_the_rates_are_those_of_the_torch_that_is_installed():
    if importlib.util.find_spec("torch") is None:
        return  # the stored numbers stand for it
    from tests.reference.make_schedules import run_all

    for name, rows in run_all()["runs"].items():
        np.testing.assert_allclose(our_run(name), rows, rtol=1e-12, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_a_schedule_that_is_saved_goes_on_bit_for_bit(name):
    def build():
        optimizer = two_groups()
        return optimizer, schedules.SCHEDULES[name][0](optim, optimizer)

    whole, schedule = build()
    for step in range(1, 24):
        advance(schedule, step)
    first, schedule = build()
    for step in range(1, 12):
        advance(schedule, step)
    state = pickle.loads(pickle.dumps(schedule.state_dict()))
    assert all(isinstance(v, np.ndarray) for v in state.values())
    second, schedule = build()
    schedule.load_state_dict(state)
    assert [g.learning_rate for g in second.groups] == [g.learning_rate for g in first.groups]
    assert second.betas == first.betas
    for step in range(12, 24):
        advance(schedule, step)
    assert [g.values() for g in second.groups] == [g.values() for g in whole.groups]


@pytest.mark.parametrize(
    "make", [lambda p: optim.Newton(p, 0.5), lambda p: optim.LBFGS(p, 0.5), lambda p: optim.RMSProp(p, 0.5)]
)
def test_every_optimiser_can_be_scheduled(make):
    optimizer = make([tracked([1.0])])
    schedule = optim.StepDecay(optimizer, 1, 0.5)
    schedule.step()
    assert optimizer.learning_rate == 0.25 and "0.25" in repr(schedule)


def test_momentum_is_cycled_too():
    optimizer = optim.Momentum([tracked()], 0.1)
    schedule = optim.OneCycle(optimizer, 1.0, 11, rising_share=0.5)
    seen = [optimizer.momentum]
    for _ in range(10):
        schedule.step()
        seen.append(optimizer.momentum)
    assert seen[0] == seen[-1] == 0.95 and min(seen) == pytest.approx(0.85, abs=5e-3)
    schedule.step()
    assert optimizer.learning_rate == pytest.approx(1 / 25 / 1e4)  # the last rate is kept


def test_a_rate_set_by_hand_is_a_new_beginning():
    optimizer = optim.Adam([tracked()], 0.8)
    optim.LinearWarmup(optimizer, 4, 0.5)
    assert optimizer.learning_rate == 0.4
    assert optim.ExponentialDecay(optimizer, 0.5).initial == [0.8]  # beside the first, from the same start
    optimizer.learning_rate = 0.1
    assert optim.ExponentialDecay(optimizer, 0.5).initial == [0.1]


def test_a_plateau_looks_at_values():
    optimizer = optim.Adam([tracked()], 1.0)
    schedule = optim.ReduceOnPlateau(optimizer, patience=0)
    schedule.step(np.float32(1.0))
    schedule.step(ad.tensor(0.5))
    assert optimizer.learning_rate == 1.0
    schedule.step(float("nan"))
    assert optimizer.learning_rate == pytest.approx(0.1)
    with pytest.raises(TypeError, match=r"needs the value.*step\(validation_loss\)"):
        schedule.step()


def test_a_schedule_drives_a_training_run():
    p = tracked([0.0])
    optimizer = optim.GradientDescent([p], 1.0)
    schedule = optim.StepDecay(optimizer, 1, 0.5)
    for _ in range(4):
        optimizer.step(lambda: p.sum())
        schedule.step()
    assert p.data.tolist() == [-1.875]


ADAM = optim.Adam([tracked()])
STAIRS = optim.StepDecay(ADAM, 3)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: optim.StepDecay(ADAM, 0), ValueError, "step_size.*0 was given"),
        (lambda: optim.StepDecay(ADAM, 2.5), ValueError, "step_size must be an integer; 2.5"),
        (lambda: optim.StepDecay(ADAM, 2, -1), ValueError, "gamma.*-1"),
        (lambda: optim.StepDecay([tracked()], 2), TypeError, "needs an optimiser.*a list was given"),
        (lambda: optim.MultiStepDecay(ADAM, [-1]), ValueError, "milestones.*-1"),
        (lambda: optim.ExponentialDecay(ADAM, float("nan")), ValueError, "gamma.*nan"),
        (lambda: optim.LinearWarmup(ADAM, 5, 1.5), ValueError, "start_factor.*1.5"),
        (lambda: optim.CosineDecay(ADAM, "ten"), TypeError, "n_steps must be a number; 'ten'"),
        (lambda: optim.CosineRestarts(ADAM, 5, 0), ValueError, "growth.*0"),
        (lambda: optim.OneCycle(ADAM, 1.0, 10, shape="sine"), ValueError, "shape.*'sine'"),
        (lambda: optim.OneCycle(ADAM, [1.0, 2.0], 10), ValueError, "2 entries for 1 groups"),
        (
            lambda: optim.OneCycle(optim.GradientDescent([tracked()]), 1.0, 10),
            ValueError,
            "neither momentum nor betas.*cycle_momentum=False",
        ),
        (lambda: optim.ReduceOnPlateau(ADAM, "least"), ValueError, "mode.*'least'"),
        (lambda: optim.ReduceOnPlateau(ADAM, factor=1.0), ValueError, "factor.*1.0"),
        (lambda: optim.ReduceOnPlateau(ADAM, threshold_mode="r"), ValueError, "threshold_mode.*'r'"),
        (lambda: optim.ChainedSchedule([]), ValueError, "at least one"),
        (lambda: optim.ChainedSchedule([ADAM]), TypeError, r"schedules\[0\] is a Adam"),
        (
            lambda: optim.ChainedSchedule([STAIRS, optim.ReduceOnPlateau(ADAM)]),
            TypeError,
            "ReduceOnPlateau.*separately",
        ),
        (
            lambda: optim.ChainedSchedule([STAIRS, optim.StepDecay(optim.Adam([tracked()]), 1)]),
            ValueError,
            "another optimiser",
        ),
        (lambda: optim.SequentialSchedule([STAIRS, STAIRS], []), ValueError, r"1 increasing steps.*\[\] was given"),
        (
            lambda: optim.SequentialSchedule([STAIRS, STAIRS, STAIRS], [5, 4]),
            ValueError,
            r"2 increasing steps.*\[5, 4\]",
        ),
    ],
)
def test_options_are_refused_when_it_is_built(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda s: s.pop("count"), ad.StructureError, r"StepDecay: missing \['count'\]"),
        (lambda s: s.update(best=np.array(1.0)), ad.StructureError, r"unknown \['best'\]"),
        (lambda s: s.update(rates=np.zeros(3)), ad.ShapeError, r"rates: .*\(3,\).*\(2,\)"),
        (lambda s: s.update(rates=np.array([1.0, -1.0])), ValueError, "rates.*-1.0"),
        (lambda s: s.update(count=np.array(-2)), ValueError, "count.*-2"),
        (lambda s: s.update(count=np.array(1.5)), ad.DtypeError, "count.*float64"),
        (lambda s: s.update(initial=np.array(["a", "b"])), ad.DtypeError, "initial"),
    ],
)
def test_a_wrong_state_changes_nothing(spoil, error, text):
    optimizer = two_groups()
    schedule = optim.StepDecay(optimizer, 2)
    schedule.step()
    before = schedule.state_dict()
    state = {k: v + 1 for k, v in before.items()}
    spoil(state)
    with pytest.raises(error, match=text):
        schedule.load_state_dict(state)
    after = schedule.state_dict()
    assert all((after[k] == before[k]).all() for k in before)
    assert [g.learning_rate for g in optimizer.groups] == list(schedules.RATES)


@pytest.mark.parametrize(
    "spoilt", [{"bad_steps": np.array("many")}, {"resting": np.array(-1)}, {"best": np.array([1.0, 2.0])}]
)
def test_a_plateau_with_a_spoilt_state_changes_nothing(spoilt):
    optimizer = two_groups()
    schedule = optim.ReduceOnPlateau(optimizer)
    before = schedule.state_dict()
    with pytest.raises((ad.AutodiffError, ValueError)):
        schedule.load_state_dict({**{k: v + 1 for k, v in before.items()}, **spoilt})
    after = schedule.state_dict()
    assert all((after[k] == before[k]).all() for k in before)
