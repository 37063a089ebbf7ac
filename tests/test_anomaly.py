"""`detect_anomaly`: what made the first NaN or infinity, where, and which array was edited unseen."""

import inspect
import pickle
import threading
import warnings

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.core import switches
from autodiff.core.primitives import SINGULAR
from autodiff.flat import house
from autodiff.testing import all_primitives
from autodiff.watchers.remedies import REMEDIES, remedy


def tracked(*values, name="x"):
    return ad.tensor(list(values), requires_grad=True, name=name)


def line_with(marker):
    """The number of the one line of this file that ends in this comment."""
    lines = inspect.getsource(inspect.getmodule(line_with)).splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"# {marker}")]
    return number


def anomaly(run, kind=ad.AnomalyError, **options):
    """The error that a function ends in under the watch."""
    with pytest.raises(kind) as caught, ad.detect_anomaly(**options):
        run()
    assert switches.active == 0 and not switches.is_watched()
    return caught.value


# --- which operation, and where


def test_a_logarithm_of_0_is_named_with_its_line_and_range():
    def run():
        p = tracked(0.5, 0.0, 0.25, name="p")
        loss = -np.log(p).sum()  # log of 0
        loss.backward()

    error = anomaly(run)
    assert (error.operation, error.phase, error.file) == ("log", "forward", __file__)
    assert error.line == line_with("log of 0")
    text = str(error)
    assert text.startswith("log made -inf in the forward pass (1 of 3 entries, the first [1])\n")
    assert f"recorded at {__file__}:{error.line}: loss = -np.log(p).sum()" in text
    assert "operand 0, `p`: float64 (3,), 0 to 0.5" in text
    assert "xlogy" in text and "log_softmax" in text


def test_a_root_of_0_is_named_in_the_backward_pass():
    def run():
        x = tracked(4.0, 0.0)
        y = np.sqrt(x)  # root of 0
        (3 * y).sum().backward()

    error = anomaly(run)
    assert (error.operation, error.phase, error.line) == ("sqrt", "backward", line_with("root of 0"))
    text = str(error)
    assert "sqrt made inf in the backward pass (1 of 2 entries of the gradient, the first [1])" in text
    assert "cotangent: float64 (2,), 3 to 3" in text and "np.where(x > 0" in text


MAKERS = {  # name of the operation: (phase, function of an array, argument)
    "sqrt": ("forward", lambda x: np.sqrt(x).sum(), [-1.0]),
    "log1p": ("forward", lambda x: np.log1p(x).sum(), [-1.0]),
    "divide": ("forward", lambda x: (1.0 / x).sum(), [0.0]),
    "subtract": ("forward", lambda x: (x - 1e308 * np.ones(1)).sum(), [-1e308]),
    "power": ("forward", lambda x: (x**0.3).sum(), [-1.0]),
    "exp": ("forward", lambda x: np.exp(x).sum(), [1000.0]),
    "multiply": ("forward", lambda x: (x * x).sum(), [1e200]),
    "sum": ("forward", lambda x: x.sum(), [1e308, 1e308]),
    "matmul": ("forward", lambda x: x @ x, [1e200, 1.0]),
    "arcsin": ("backward", lambda x: np.arcsin(x).sum(), [1.0]),
    "cbrt": ("backward", lambda x: np.cbrt(x).sum(), [0.0]),
    "prod": ("forward", lambda x: x.prod(), [1e200, 1e200]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_each_maker_is_named(name):
    phase, f, value = MAKERS[name]
    for run in (
        lambda: f(tracked(*value)).backward(),
        lambda: ad.grad(f)(np.array(value)),
        lambda: ad.vjp(f, np.array(value))[1](1.0),
    ):
        error = anomaly(run)
        assert (error.operation, error.phase) == (name, phase)
        assert remedy(name) in str(error)
    error = anomaly(lambda: ad.jvp(f, (np.array(value),), (np.ones(len(value)),)))
    assert (error.operation, error.phase) == (name, phase if phase == "forward" else "pushforward")


def test_the_first_is_named_not_what_it_became():
    def run():
        x = tracked(1000.0, 1.0)
        e = np.exp(x)
        y = np.tanh(e) + (e - e)  # NaN here, but exp came first
        y.sum().backward()

    assert anomaly(run).operation == "exp"


def test_an_infinity_that_only_the_backward_pass_trips_over_is_traced_to_its_origin():
    error = anomaly(lambda: np.tanh(np.exp(tracked(1000.0, 1.0))).sum().backward())
    assert (error.operation, error.phase) == ("exp", "forward")
    assert "In the backward pass it became NaN at exp" in str(error)


def test_the_operand_of_several_is_named():
    def run():
        a, b = tracked(1.0, 2.0, name="a"), tracked(1e-200, 1.0, name="b")
        (a / b).sum().backward()

    error = anomaly(run)
    assert error.operation == "divide" and "(1 of 2 entries of the gradient of operand 1, the first [0])" in str(error)
    assert "operand 0, `a`: float64 (2,), 1 to 2" in str(error) and "operand 1, `b`" in str(error)


def test_local_names_of_what_has_no_name_are_found():
    def run():
        inner = tracked(3.0) - 3.0
        np.log(inner).sum().backward()

    assert "operand 0, `inner`: float64 (1,), 0 to 0" in str(anomaly(run))


def test_the_layer_is_named():
    model = nn.Sequential(nn.Linear(2, 3, rng=np.random.default_rng(0)), nn.Sequential(nn.Linear(3, 1)))
    model[1][0].weight.assign_(np.full((3, 1), 1e38))
    model[0].bias.assign_(np.full(3, 1e6))

    def run():
        nn.mse_loss(model(np.ones((4, 2))), np.zeros((4, 1))).backward()  # the user's line

    error = anomaly(run)
    assert error.operation == "affine" and error.line == line_with("the user's line")
    assert "in the layer Sequential > 1 Sequential > 0 Linear\n" in str(error)
    assert "`1.0.weight`: float32 (3, 1), 1e+38 to 1e+38" in str(error)


def test_the_line_in_a_users_own_layer_is_named():
    class Bad(nn.Module):
        def forward(self, x):
            return np.log(x - 1.0)  # in a layer

    error = anomaly(lambda: Bad()(tracked(1.0)).sum().backward())
    assert error.line == line_with("in a layer") and "in the layer Bad\n" in str(error)


def test_scopes_of_the_user_are_named_and_closed_again():
    def run():
        with ad.scope("first"):
            x = tracked(0.0) * 2
        with ad.scope("loss"), ad.scope("entropy"):
            y = np.log(x).sum()
        y.backward()

    assert "in the layer loss > entropy\n" in str(anomaly(run))
    with ad.detect_anomaly():
        pass
    assert switches.open_scopes() == ()


@pytest.mark.parametrize(
    "run",
    [
        lambda: ad.jacobian(np.sqrt)(np.array([0.0, 1.0])),
        lambda: ad.jacobian(lambda x: np.sqrt(x).sum(keepdims=True), mode="reverse")(np.array([0.0, 1.0])),
        lambda: ad.hessian(lambda x: np.sqrt(x).sum())(np.array([0.0, 1.0])),
        lambda: ad.hvp(lambda x: (np.sqrt(x) * x).sum(), np.array([0.0]), np.ones(1)),
        lambda: ad.derivative(np.sqrt)(0.0),
        lambda: ad.gradients(np.sqrt(tracked(0.0)).sum(), [tracked(1.0)], create_graph=True),
        lambda: ad.checkpoint(np.sqrt)(tracked(0.0)).sum().backward(),
    ],
    ids=["jacobian", "reverse jacobian", "hessian", "hvp", "derivative", "gradients", "checkpoint"],
)
def test_every_transform_is_watched(run, request):
    if request.node.callspec.id == "gradients":
        x = tracked(0.0)
        error = anomaly(lambda: ad.gradients(np.sqrt(x).sum(), [x], create_graph=True))
    else:
        error = anomaly(run)
    assert "sqrt" in str(error) and error.file == __file__


def test_a_second_derivative_that_does_not_exist_is_named():
    error = anomaly(lambda: ad.hessian(np.linalg.norm)(np.zeros(2)))
    assert "made NaN in the forward sweep of the derivative" in str(error) and error.file == __file__


# --- forward alone


def test_a_result_that_nothing_used_is_found_at_the_end():
    error = anomaly(lambda: np.log(tracked(0.0)) * 2)
    assert (error.operation, error.phase) == ("log", "forward")


def test_an_exception_on_the_way_out_is_given_a_note():
    with pytest.raises(KeyError) as caught, ad.detect_anomaly():
        raise KeyError(np.log(tracked(0.0)).shape)
    (note,) = caught.value.__notes__
    assert note.startswith("detect_anomaly: log made -inf in the forward pass")
    with pytest.raises(KeyError) as caught, ad.detect_anomaly():
        raise KeyError(np.log(tracked(1.0)).shape)
    assert not hasattr(caught.value, "__notes__")


# --- what is no anomaly

HARMLESS = {
    "the branch not taken": (lambda x: np.where(x > 0, np.log(x), 0).sum(), [0.0, 2.0], [0.0, 0.5]),
    "NaN in the branch not taken": (lambda x: np.where(x > 0, np.sqrt(x), 0).sum(), [-1.0, 4.0], [0.0, 0.25]),
    "an infinite slope that is masked": (lambda x: np.sqrt(np.maximum(x, 0)).sum(), [-1.0, 4.0], [0.0, 0.25]),
    "a mask of -inf": (lambda x: ad.special.softmax(x + np.array([0.0, -np.inf]))[0], [1.0, 1.0], [0.0, 0.0]),
    "missing data": (lambda x: np.nanmean(x * np.array([1.0, np.nan])), [3.0, 4.0], [1.0, 0.0]),
    "clip with one bound": (lambda x: np.clip(x, 1.0, None).sum(), [0.0, 2.0], [0.0, 1.0]),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_dropped_again_is_no_anomaly(name):
    f, value, expected = HARMLESS[name]
    with ad.detect_anomaly():
        x = tracked(*value)
        f(x).backward()
        g = ad.grad(f)(np.array(value))
    np.testing.assert_allclose(x.grad, expected, atol=1e-15)
    np.testing.assert_allclose(g, expected, atol=1e-15)


def test_an_infinity_that_a_value_passes_through_is_no_anomaly():
    with ad.detect_anomaly():
        y = np.exp(np.log(tracked(0.0, 3.0))) + 1 / np.exp(tracked(1000.0))
    np.testing.assert_allclose(y.data, [0.0, 3.0])


def test_nan_that_came_in_with_the_data_is_reported_as_such():
    data = np.array([1.0, np.nan, 3.0])

    def run():
        w = tracked(1.0, 2.0, 3.0, name="w")
        loss = (w * data).sum()  # data with NaN
        loss.backward()

    error = anomaly(run)
    assert error.operation == "" and error.line == line_with("data with NaN")
    assert "the result is NaN, and no operation made that: it came in as an operand of multiply" in str(error)
    assert "operand 1, `data`: float64 (3,), 1 to 3, 1 NaN" in str(error)


def test_an_infinity_that_came_in_with_the_data_is_reported_as_such():
    weights = np.array([np.inf, 1.0])
    error = anomaly(lambda: (tracked(2.0, 3.0) * weights).sum().backward())
    assert error.operation == "" and "the result is inf, and no operation made that" in str(error)
    assert "operand 1, `weights`: float64 (2,), 1 to 1, 1 inf" in str(error)


def test_what_a_rule_makes_and_nobody_asks_for_is_no_anomaly():
    scale = ad.primitive(
        lambda a, b: a * b,
        vjp=lambda ct, y, a, b: (ct * b, ct / (0 * b)),
        jvp=lambda ts, y, a, b: ts[0] * b,
        name="scale",
    )
    x = tracked(1.0, 2.0)
    with ad.detect_anomaly():
        (g,) = ad.gradients((scale(x, np.ones(2)) ** 2).sum(), [x], create_graph=True)
    assert g.data.tolist() == [2.0, 4.0]


def test_a_cotangent_that_is_not_finite_is_reported_as_such():
    error = anomaly(lambda: (tracked(1.0, 2.0) * 2).backward([np.nan, 1.0]))
    assert "the cotangent that was given is not finite: float64 (2,), 1 to 1, 1 NaN" in str(error)


def test_a_graph_from_before_the_watch_is_swept_under_it():
    y = np.sqrt(tracked(0.0)).sum()
    error = anomaly(y.backward)
    assert (error.operation, error.line) == ("sqrt", 0)
    assert "a line that is not known (it was recorded before the watch began)" in str(error)
    with np.errstate(divide="ignore"):
        y = np.log(tracked(0.0)) * 2
    error = anomaly(y.sum().backward)
    assert (error.operation, error.phase, error.line) == ("log", "forward", 0)


def test_nothing_is_changed_by_looking():
    model = nn.Sequential(nn.Linear(4, 8, rng=np.random.default_rng(0)), nn.ReLU(), nn.Linear(8, 3))
    twin = pickle.loads(pickle.dumps(model))
    x, y = np.random.default_rng(1).normal(size=(10, 4)), np.arange(10) % 3
    optimizers = [optim.Adam(m.parameters(), learning_rate=0.1) for m in (model, twin)]
    for _ in range(5):
        optimizers[0].step(lambda: nn.cross_entropy(model(x), y))
        with ad.detect_anomaly():
            optimizers[1].step(lambda: nn.cross_entropy(twin(x), y))
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_newton_runs_under_the_watch():
    w = tracked(3.0, -4.0)
    with ad.detect_anomaly():
        optim.Newton([w], radius=10.0).step(lambda: ((w - 1.0) ** 2).sum())
    np.testing.assert_allclose(w.data, 1.0)


def test_nothing_is_recorded_under_no_grad_and_nothing_watched():
    with ad.detect_anomaly(), ad.no_grad():
        assert np.log(tracked(0.0)).data.tolist() == [-np.inf]


def test_other_threads_are_not_watched():
    def work():
        with np.errstate(all="ignore"):
            x = tracked(0.0)
            np.log(x).sum().backward()
            results.append((x.grad.tolist(), switches.is_watched()))

    results = []
    with ad.detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert results == [([np.inf], False)]


def test_the_switch_is_off_again_after_an_error():
    anomaly(lambda: np.sqrt(tracked(0.0)).sum().backward())
    before = np.geterr()
    x = tracked(0.0)
    np.sqrt(x).sum().backward()
    assert x.grad.tolist() == [np.inf] and np.geterr() == before


# --- warnings in place of errors


def test_warnings_point_at_the_line_and_the_pass_goes_on():
    def run():
        for _ in range(3):
            x.zero_grad()
            np.sqrt(x).sum().backward()  # warned of once

    x = tracked(4.0, 0.0)
    told = pytest.warns(RuntimeWarning, match="sqrt made inf in the backward pass")
    with told as caught, ad.detect_anomaly(on_anomaly="warn"):
        run()
    assert x.grad.tolist() == [0.25, np.inf]
    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, line_with("warned of once"))


def test_numpys_warnings_are_silent_but_what_shall_raise_raises():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        anomaly(lambda: np.log(tracked(0.0)))
    with pytest.raises(FloatingPointError), np.errstate(divide="raise"), ad.detect_anomaly():
        np.log(tracked(0.0))


def test_an_unknown_wish_is_refused():
    with pytest.raises(ad.GradientError, match='"raise" or "warn"; \'log\' was given'):
        ad.detect_anomaly(on_anomaly="log")


# --- edited arrays


def test_an_edited_operand_is_named_with_its_line():
    def run():
        data = np.ones(3)
        x = tracked(1.0, 2.0, 3.0)
        y = (x * data).sum()  # data is read here
        data[0] = 7.0
        y.backward()

    error = anomaly(run, ad.EditedError)
    assert isinstance(error, ad.StaleError) and error.operation == "multiply"
    assert (error.file, error.line) == (__file__, line_with("data is read here"))
    assert str(error).startswith("`data` was edited in place after it was recorded as operand 1 of multiply")
    assert "now: float64 (3,), 1 to 7" in str(error) and "data.copy()" in str(error)


def edit_a_result():
    y = np.exp(tracked(1.0))
    y.data[0] = 3.0
    y.sum().backward()


def edit_an_index():
    i = np.array([0, 1])
    y = tracked(1.0, 2.0, 3.0)[i] ** 2
    y._node.operands[0][...] = 5.0
    y.sum().backward()


def edit_a_leaf():
    x = tracked(1.0, 2.0, name="w")
    y = (x * x).sum()
    x.data[0] = 5.0
    y.backward()


def edit_a_view_of_it():
    data = np.ones((2, 3))
    y = (tracked(1.0, 2.0, 3.0) * data.T[:, 1]).sum()
    data[1, 2] = 0.0
    y.backward()


@pytest.mark.parametrize("run", [edit_a_result, edit_an_index, edit_a_leaf, edit_a_view_of_it])
def test_every_edit_that_matters_is_found(run):
    assert anomaly(run, ad.EditedError).phase == "backward"


def test_an_edit_is_found_by_the_forward_sweep():
    def run():
        data = np.ones(2)
        _, pushforward = ad.linearize(lambda x: x * data, np.ones(2))
        data[0] = 2.0
        pushforward(np.ones(2))

    assert anomaly(run, ad.EditedError).operation == "multiply"


def test_an_edit_that_no_rule_reads_is_left_alone():
    data = np.ones(3)
    x = tracked(1.0, 2.0, 3.0)
    with ad.detect_anomaly():
        y = (x + data).sum()
        data[0] = 7.0
        y.backward()
        z = x + data
        z.data[0] = 5.0
        z.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_an_assignment_in_place_that_no_rule_minds_is_left_alone():
    a, b = ad.tensor(np.eye(2), requires_grad=True), ad.tensor(np.full((2, 2), 3.0), requires_grad=True)
    house([a, b])  # now they are assigned in place
    with ad.detect_anomaly():
        y = (a @ b).sum()
        a.assign_(np.ones((2, 2)))
        (g,) = ad.gradients(y, [a])
    assert g.data.tolist() == [[6.0, 6.0], [6.0, 6.0]]


def test_what_assign_changed_is_told_as_ever():
    def run():
        w = tracked(1.0, 2.0, name="w")
        y = (w * w).sum()
        w.assign_([3.0, 4.0])
        y.backward()

    with pytest.raises(ad.StaleError, match="assign_") as caught, ad.detect_anomaly():
        run()
    assert not isinstance(caught.value, ad.AnomalyError)


# --- remedies


def test_remedies_are_for_primitives_that_exist():
    assert set(REMEDIES) <= {p.name for p in all_primitives().values()}


def test_every_singular_primitive_of_everyday_use_has_its_remedy():
    everyday = ("elementwise", "reductions", "norms", "variances", "exponentials", "information")
    singular = {
        p.name for name, p in all_primitives().items() if p.flags & SINGULAR and name.partition(".")[0] in everyday
    }
    assert len(singular) > 25 and singular <= set(REMEDIES)
