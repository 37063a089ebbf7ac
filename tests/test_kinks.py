"""`kink_report`: where a pass touched a kink, which slopes are valid there, which is taken."""

import inspect
import math
import threading
from collections.abc import Sequence

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.core import switches, tape
from autodiff.core.primitives import ELEMENTWISE, MASKING
from autodiff.ops.kinks import KINKS
from autodiff.testing import all_primitives

INF, NAN = math.inf, math.nan


def tracked(*values):
    return ad.tensor(list(values), requires_grad=True)


def kinks_of(f, *xs, within=0.0):
    with ad.kink_report(within) as report:
        f(*[ad.tensor(x, requires_grad=True) for x in xs])
    assert switches.active == 0
    return report


def rows(report):
    return [(k.operation, k.operand, k.index, k.value, k.low, k.high, k.taken) for k in report]


# Name: function, arguments, kinks as (operand, index, value, low, high, taken).
ELSEWHERE = [0.5, -1.5]
CASES = {
    "absolute": (np.abs, ([0.0, 2.0, -1.0],), [(0, (0,), 0.0, -1, 1, 0)]),
    "fabs": (np.fabs, ([1.0, 0.0],), [(0, (1,), 0.0, -1, 1, 0)]),
    "copysign": (lambda x: np.copysign(x, -1.0), ([1.0, 0.0],), [(0, (1,), 0.0, -1, 1, 0)]),
    "absolute of a complex": (np.abs, ([1j, 0j],), [(0, (1,), 0, -1, 1, 0)]),
    "relu": (lambda x: np.maximum(x, 0), ([0.0, 2.0, -1.0],), [(0, (0,), 0.0, 0, 1, 0)]),
    "ad.special.relu": (ad.special.relu, ([[0.0], [2.0]],), [(0, (0, 0), 0.0, 0, 1, 0)]),
    "leaky_relu": (nn.leaky_relu, ([0.0, 2.0],), [(0, (0,), 0.0, 0.01, 1, 0.01)]),
    "elu": (lambda x: nn.elu(x, 2.0), ([1.0, 0.0],), [(0, (1,), 0.0, 1, 2, 2)]),
    "hardtanh": (nn.hardtanh, ([-1.0, 0.0, 1.0],), [(0, (0,), -1.0, 0, 1, 0), (0, (2,), 1.0, 0, 1, 0)]),
    "hardsigmoid": (
        nn.hardsigmoid,
        ([-3.0, 3.0, 0.0],),
        [(0, (0,), -3.0, 0, 1 / 6, 0), (0, (1,), 3.0, 0, 1 / 6, 0)],
    ),
    "hardswish": (
        nn.hardswish,
        ([-3.0, 3.0, 0.0],),
        [(0, (0,), -3.0, -0.5, 0, 0), (0, (1,), 3.0, 1, 1.5, 1)],
    ),
    "maximum": (
        np.maximum,
        ([1.0, 2.0], [1.0, 0.0]),
        [(0, (0,), 1.0, 0, 1, 0.5), (1, (0,), 1.0, 0, 1, 0.5)],
    ),
    "minimum, broadcast": (
        np.minimum,
        ([[1.0], [2.0]], [5.0, 2.0]),
        [(0, (1, 1), 2.0, 0, 1, 0.5), (1, (1, 1), 2.0, 0, 1, 0.5)],
    ),
    "fmax": (np.fmax, ([1.0], [1.0]), [(0, (0,), 1.0, 0, 1, 0.5), (1, (0,), 1.0, 0, 1, 0.5)]),
    "fmin": (np.fmin, ([1.0], [1.0]), [(0, (0,), 1.0, 0, 1, 0.5), (1, (0,), 1.0, 0, 1, 0.5)]),
    "maximum with a constant": (lambda x: np.maximum(x, 3.0), ([3.0, 4.0],), [(0, (0,), 3.0, 0, 1, 0)]),
    "minimum with a constant": (lambda x: np.minimum(2.0, x), ([3.0, 2.0],), [(0, (1,), 2.0, 0, 1, 0)]),
    "fmax with a constant": (lambda x: np.fmax(x, 3.0), ([3.0],), [(0, (0,), 3.0, 0, 1, 0)]),
    "fmin with a constant": (lambda x: np.fmin(x, 3.0), ([3.0],), [(0, (0,), 3.0, 0, 1, 0)]),
    "an array of constants": (
        lambda x: np.maximum(x, np.array([3.0, 4.0])),
        ([3.0, 5.0],),
        [(0, (0,), 3.0, 0, 1, 0.5)],
    ),
    "clip": (
        lambda x: np.clip(x, -1, 2),
        ([-1.0, 0.0, 2.0, 5.0],),
        [(0, (0,), -1.0, 0, 1, 1), (0, (2,), 2.0, 0, 1, 1)],
    ),
    "a bound that is tracked": (
        lambda lo: np.clip(np.array([1.0, 3.0]), lo, 9.0),
        ([1.0, 1.0],),
        [(1, (0,), 1.0, 0, 1, 0)],
    ),
    "max": (np.max, ([1.0, 3.0, 3.0, 3.0],), [(0, (i,), 3.0, 0, 1, 1 / 3) for i in (1, 2, 3)]),
    "min along an axis": (
        lambda x: np.min(x, axis=1),
        ([[1.0, 1.0], [1.0, 2.0]],),
        [(0, (0, 0), 1.0, 0, 1, 0.5), (0, (0, 1), 1.0, 0, 1, 0.5)],
    ),
    "max with keepdims along two axes": (
        lambda x: np.max(x, axis=(0, 2), keepdims=True),
        (np.array([[[1.0, 2.0], [7.0, 8.0]], [[2.0, 0.0], [3.0, 4.0]]]),),
        [(0, (0, 0, 1), 2.0, 0, 1, 0.5), (0, (1, 0, 0), 2.0, 0, 1, 0.5)],
    ),
    "infinity norm": (
        lambda x: np.linalg.norm(x, np.inf),
        ([2.0, -2.0, 1.0],),
        [(0, (0,), 2.0, 0, 1, 0.5), (0, (1,), 2.0, 0, 1, 0.5)],
    ),
    "median": (np.median, ([1.0, 4.0, 4.0],), [(0, (1,), 4.0, 0, 1, 0.5), (0, (2,), 4.0, 0, 1, 0.5)]),
    "sort": (
        lambda x: np.sort(x, axis=0),
        ([[1.0, 2.0], [1.0, 3.0]],),
        [(0, (0, 0), 1.0, 0, 1, 1), (0, (1, 0), 1.0, 0, 1, 1)],
    ),
    "norm": (np.linalg.norm, ([0.0, 0.0],), [(0, (), 0.0, -1, 1, 0)]),
    "norms of rows": (
        lambda x: np.linalg.norm(x, axis=1),
        ([[1.0, 0.0], [0.0, 0.0]],),
        [(0, (1,), 0.0, -1, 1, 0)],
    ),
    "norm of order 3": (
        lambda x: np.linalg.norm(x, 3),
        ([0.0, 0.0],),
        [(0, (0,), 0.0, -1, 1, 0), (0, (1,), 0.0, -1, 1, 0), (0, (), 0.0, 0, 1, 0)],
    ),
    "hypot": (np.hypot, ([0.0, 3.0], [0.0, 4.0]), [(0, (0,), 0.0, -1, 1, 0), (1, (0,), 0.0, -1, 1, 0)]),
    "std": (np.std, ([5.0, 5.0],), [(0, (), 0.0, -0.5, 0.5, 0)]),
    "arctan2": (
        np.arctan2,
        ([0.0, 1.0], [0.0, 0.0]),
        [(0, (0,), 0.0, -INF, INF, 0), (1, (0,), 0.0, -INF, INF, 0)],
    ),
    "eigenvalues": (
        lambda x: np.linalg.eigvalsh(np.diag(x)),
        ([3.0, 1.0, 3.0],),
        [(0, (1,), 3.0, -INF, INF, NAN), (0, (2,), 3.0, -INF, INF, NAN)],
    ),
    "singular values": (
        lambda x: np.linalg.svd(x, compute_uv=False),
        (np.eye(2),),
        [(0, (0,), 1.0, -INF, INF, NAN), (0, (1,), 1.0, -INF, INF, NAN)],
    ),
    "nuclear norm": (
        lambda x: np.linalg.norm(x, "nuc"),
        (np.diag([1.0, 0.0]),),
        [(0, (), 1.0, -1, 1, 0)],
    ),
    "spectral norm": (
        lambda x: np.linalg.norm(x, 2),
        (np.eye(2),),
        [*[(0, (i,), 1.0, -INF, INF, NAN) for i in (0, 1)], *[(0, (i,), 1.0, 0, 1, 0.5) for i in (0, 1)]],
    ),
    "interp": (
        lambda x: np.interp(x, [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 7.0]),
        ([1.0, 0.5, 2.0, 0.0],),
        [(0, (0,), 1.0, 1, 3, 3), (0, (3,), 0.0, 0, 1, 1)],
    ),
    "sign": (np.sign, ([0.0, 1.0],), [(0, (0,), 0.0, 0, INF, 0)]),
    "floor": (np.floor, ([0.5, 2.0],), [(0, (1,), 2.0, 0, INF, 0)]),
    "ceil": (np.ceil, ([0.5, 0.0],), [(0, (1,), 0.0, 0, INF, 0)]),
    "trunc": (np.trunc, ([0.0, 2.0],), [(0, (1,), 2.0, 0, INF, 0)]),
    "fix": (np.fix, ([0.0, -2.0],), [(0, (1,), -2.0, 0, INF, 0)]),
    "rint": (np.rint, ([0.5, 2.0],), [(0, (0,), 0.5, 0, INF, 0)]),
    "round": (lambda x: np.round(x, 1), ([0.25, 0.5],), [(0, (0,), 0.25, 0, INF, 0)]),
    "floor_divide": (lambda x: x // 2.0, ([4.0, 3.0],), [(0, (0,), 4.0, 0, INF, 0)]),
    "modf": (lambda x: np.modf(x)[0], ([0.0, 1.0, 1.5],), [(0, (1,), 1.0, -INF, 1, 1), (0, (1,), 1.0, 0, INF, 0)]),
    "remainder": (lambda x: x % 2.0, ([4.0, 3.0],), [(0, (0,), 4.0, -INF, 1, 1)]),
    "fmod": (lambda x: np.fmod(x, 2.0), ([0.0, -4.0],), [(0, (1,), -4.0, -INF, 1, 1)]),
}


@pytest.mark.parametrize("name", CASES)
def test_kinks_are_listed_with_their_slopes(name):
    f, xs, expected = CASES[name]
    got = [row[1:] for row in rows(kinks_of(f, *xs))]
    if name.startswith("infinity norm"):
        got = [r for r in got if r[2] != 0.0]
    assert len(got) == len(expected)
    for row, wanted in zip(got, expected, strict=True):
        assert row[:2] == wanted[:2]
        np.testing.assert_allclose(row[2:], wanted[2:], rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_listed_away_from_kinks(name):
    f, xs, _ = CASES[name]
    rng = np.random.default_rng(5)
    away = [np.asarray(x) + rng.uniform(0.06, 0.19, np.shape(x)) for x in xs]
    assert len(kinks_of(f, *away)) == 0


def test_pinv_lists_the_rank_drop():
    (kink,) = kinks_of(np.linalg.pinv, np.stack([np.eye(2), np.ones((2, 2))]))
    assert (kink.operation, kink.index, kink.low, kink.high) == ("pinv", (1,), -INF, INF)
    assert math.isnan(kink.taken) and "rank" in kink.note and "taken" not in str(kink)
    with ad.kink_report() as report:
        np.linalg.lstsq(ad.tensor(np.ones((3, 2)), requires_grad=True), np.ones(3))
    assert [k.note for k in report if k.operation == "lstsq"] == ["the rank drops; it is taken as constant"]
    assert len(kinks_of(np.linalg.pinv, np.eye(2) + 0.1)) == 0


def test_every_row_of_the_table_is_met_by_a_case():
    met = set()

    class Met(tape.Watcher):
        def met(self, function, *_):
            met.add(function)

        def recorded(self, node):
            met.add(node.primitive)

    with switches.watching(Met()):
        for f, xs, _ in CASES.values():
            f(*[ad.tensor(x, requires_grad=True) for x in xs])
        x = ad.tensor(np.eye(2), requires_grad=True)
        np.linalg.pinv(x), np.linalg.lstsq(x, np.ones(2))
    assert set(KINKS) <= met


def test_every_function_that_chooses_entries_by_value_is_in_the_table():
    by_condition = {"where", "nan_to_num", "heaviside"}  # they jump, or not, as somebody else decides
    choosing = [p for p in all_primitives().values() if p.flags & MASKING and p.kind == ELEMENTWISE]
    assert len(choosing) > 10
    assert [p.name for p in choosing if p.name not in by_condition and p not in KINKS] == []


# --- the slopes are right: they bracket what differences see, and what the sweep gives

ONE_BY_ONE = [
    "absolute", "fabs", "relu", "maximum", "fmax", "fmin", "maximum with a constant", "minimum with a constant",
    "fmax with a constant", "fmin with a constant", "an array of constants", "clip", "a bound that is tracked",
    "max", "min along an axis", "median", "interp", "leaky_relu", "elu", "hardtanh", "hardsigmoid", "hardswish",
]  # fmt: skip


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_the_valid_slopes_are_the_one_sided_ones(name):
    f, xs, _ = CASES[name]
    report = kinks_of(f, *xs)
    xs = [np.array(x, float) for x in xs]
    gradients = ad.grad(lambda *xs: f(*xs).sum(), argnums=tuple(range(len(xs))))(*xs)
    h = 2.0**-20
    assert len(report)
    for kink in report:
        operand = 0 if name == "a bound that is tracked" else kink.operand
        slopes = []
        for side in (-h, h):
            moved = [x.copy() for x in xs]
            moved[operand][kink.index] += side
            slopes.append(float((np.sum(f(*moved)) - np.sum(f(*xs))) / side))
        np.testing.assert_allclose(sorted(slopes), [kink.low, kink.high], atol=1e-6)
        np.testing.assert_allclose(gradients[operand][kink.index], kink.taken, atol=1e-6)
        assert kink.low <= kink.taken <= kink.high


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("ddof", [0, 1])
def test_the_slopes_of_the_spread_are_the_one_sided_ones(n, ddof):
    x = np.full(n, 3.0)
    (kink,) = kinks_of(lambda x: np.std(x, ddof=ddof), x)
    moved = x + np.eye(n)[0]  # homogeneous: a step of 1 shows the slope
    np.testing.assert_allclose([kink.low, kink.high], [-np.std(moved, ddof=ddof), np.std(moved, ddof=ddof)])


# --- near a kink


def test_what_is_near_is_listed_when_asked_for():
    report = kinks_of(lambda x: np.abs(x), [1e-9, -0.5, 0.0], within=1e-6)
    assert [(k.index, k.taken, k.distance) for k in report] == [((0,), 1.0, 1e-9), ((2,), 0.0, 0.0)]
    assert str(report[0]).endswith("slopes [-1, 1], taken 1, 1e-09 from the kink")
    assert len(kinks_of(lambda x: np.abs(x), [1e-9, -0.5, 0.0])) == 1


def test_a_near_tie_of_an_extreme_is_one_of_both():
    report = kinks_of(lambda x: np.max(x), [1.0, 0.0, 1.001], within=0.01)
    assert [(k.index, k.taken) for k in report] == [((0,), 0.0), ((2,), 1.0)]
    np.testing.assert_allclose([k.distance for k in report], 0.001)
    assert len(kinks_of(lambda x: np.max(x), [1.0, 0.0, 1.001])) == 0
    assert len(kinks_of(lambda x: np.max(x), [1.0], within=1e9)) == 0


def test_a_near_tie_of_ranks_is_seen():
    assert [k.index for k in kinks_of(np.median, [1.0, 4.0, 4.001], within=0.01)] == [(1,), (2,)]
    assert [k.index for k in kinks_of(np.sort, [4.001, 1.0, 4.0], within=0.01)] == [(0,), (2,)]


@pytest.mark.parametrize("within", [-1.0, math.nan])
def test_a_distance_is_not_negative(within):
    with pytest.raises(ad.GradientError, match=f"within is a distance, 0 or more; {within}"):
        ad.kink_report(within)


# --- not finite


@pytest.mark.filterwarnings("ignore:invalid value")
def test_nan_is_no_kink_and_equal_infinities_are():
    assert len(kinks_of(np.abs, [math.nan])) == 0
    assert len(kinks_of(np.max, [math.nan, 1.0, 1.0])) == 0
    assert len(kinks_of(np.maximum, [INF, -INF], [INF, INF])) == 2
    assert len(kinks_of(lambda x: np.clip(x, None, 1.0), [-INF, 0.0])) == 1


# --- what is reported when


def line_with(marker):
    lines = inspect.getsource(inspect.getmodule(line_with)).splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"# {marker}")]
    return number


def test_file_line_and_layer_are_told():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model[0].weight.assign_(np.zeros((2, 2)))
    model[0].bias.assign_([0.0, 1.0])
    with ad.kink_report() as report:
        model(np.ones((1, 2)))  # the net
    (kink,) = report
    assert (kink.file, kink.line, kink.layer) == (__file__, line_with("the net"), "Sequential > 1 ReLU")
    assert f"relu (the slope turns from 0 to 1) at {__file__}:{kink.line}: model(np.ones" in str(report)
    assert ", in Sequential > 1 ReLU\n  [0, 0] of operand 0, value 0: slopes [0, 1], taken 0" in str(report)


def test_a_graph_from_before_is_reported_when_it_is_swept():
    x = tracked(0.0, 1.0)
    y = np.abs(x).sum()
    with ad.kink_report() as report:
        y.backward()
    (kink,) = report
    assert (kink.operation, kink.file, kink.line) == ("absolute", "", 0)
    assert "a line that is not known" in str(report)


@pytest.mark.parametrize(
    "transform",
    [ad.grad, ad.hessian, ad.jacobian, lambda f: ad.grad(lambda x: ad.grad(f)(x).sum())],
    ids=["grad", "hessian", "jacobian", "grad of grad"],
)
def test_a_kink_is_listed_once_whatever_is_derived(transform):
    def f(x):
        return (np.abs(x) * np.maximum(x, 0) + np.sort(x)).sum()

    with ad.kink_report() as report:
        transform(f)(np.array([0.0, 1.0]))
    assert [k.operation for k in report] == ["absolute", "relu"]


def test_a_kink_of_the_slope_is_listed_when_the_slope_is_differentiated():
    slope = lambda t, y, x: t / (1 + np.abs(x)) ** 2  # the rule
    softsign = ad.elementwise(lambda x: x / (1 + np.abs(x)), slope, name="softsign")
    with ad.kink_report() as report:
        ad.grad(softsign)(0.0)
    assert len(report) == 0
    with ad.kink_report() as report:
        ad.grad(ad.grad(softsign))(0.0)
    assert [(k.operation, k.line) for k in report] == [("absolute", line_with("the rule"))]


def test_what_is_not_tracked_has_no_kinks():
    with ad.kink_report() as report:
        x = ad.tensor([0.0, 0.0])
        np.abs(x), np.sort(x), np.floor(x), np.sign(x)
        np.interp([1.0], [0.0, 1.0, 2.0], tracked(0.0, 1.0, 4.0))
        np.floor_divide.outer(tracked(4.0), 2.0)
        np.maximum(x, tracked(1.0, 1.0) * 0)  # one operand is
        with ad.no_grad():
            np.abs(tracked(0.0)), np.floor(tracked(0.0)), np.sign(tracked(0.0))
    assert [(k.operation, k.operand) for k in report] == [("maximum", 1), ("maximum", 1)]


def test_other_threads_are_not_reported():
    with ad.kink_report() as report:
        thread = threading.Thread(target=lambda: np.abs(tracked(0.0)))
        thread.start()
        thread.join()
    assert len(report) == 0


def test_nothing_is_reported_after_the_block_or_left_by_an_error():
    with pytest.raises(KeyError), ad.kink_report() as report:
        raise KeyError(np.abs(tracked(0.0)).shape)
    np.abs(tracked(0.0))
    assert len(report) == 1 and switches.active == 0


def test_anomalies_and_kinks_are_watched_together():
    with ad.kink_report() as report, pytest.raises(ad.AnomalyError, match="sqrt"), ad.detect_anomaly():
        np.sqrt(np.abs(tracked(0.0))).sum().backward()
    assert [k.operation for k in report] == ["absolute"]


# --- the report


def test_the_report_is_a_sequence():
    with ad.kink_report() as report:
        np.abs(tracked(0.0, 1.0, 0.0))
        np.maximum(tracked(2.0), 2.0)
    assert isinstance(report, Sequence) and isinstance(report[0], ad.Kink)
    assert [k.index for k in report] == [(0,), (2,), (0,)]
    assert report[-1] == report[2] and report[-1].operation == "maximum" and report[-3].index == (0,)
    assert [k.operation for k in report[1:]] == ["absolute", "maximum"]
    assert report[0] in report and next(reversed(report)) == report[2]
    for i in (3, -4):
        with pytest.raises(IndexError, match="3 kinks"):
            report[i]
    index, value = report[0].index, report[0].value
    assert type(index[0]) is int and type(value) is float


def test_many_kinks_are_counted_and_the_text_stays_short():
    report = kinks_of(lambda x: np.abs(x), np.zeros((1000, 100)))
    assert len(report) == 100_000 and report[99_999].index == (999, 99)
    text = str(report)
    assert text.startswith("100000 kinks\n") and text.endswith("\n  and 99996 more") and len(text) < 800
    assert repr(report) == text


def test_an_empty_report_says_so():
    assert str(kinks_of(np.abs, [1.0])) == "no kinks"
