"""Whether a check can be trusted: faults that it must see, and right functions that it must let pass, at any point."""

import contextlib
import functools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import autodiff as ad
import nn
from autodiff import pytree, special
from autodiff.testing import GradientCheckError, NotCheckableError, check_rule, gradcheck
from autodiff.testing.gradients import finds_fault
from autodiff.testing.mutants import rules_of, spoiled
from autodiff.testing.probing import Settings
from autodiff.testing.problems import problem_of
from tests.op_cases import ALL
from tests.op_cases.checks import met_operands

# --- faults


def of_result(change):
    """A fault in what a rule returns."""

    def fault(rule):
        def wrong(*args, **keywords):
            result = rule(*args, **keywords)
            if isinstance(result, (tuple, list)):
                return tuple(None if r is None else change(r) for r in result)
            return None if result is None else change(result)

        return wrong

    return fault


def at_one_index(g):
    factor = np.ones(np.shape(g))
    factor[(-1,) * np.ndim(g)] = 1.01
    return g * factor


def transposed(g):
    square = np.ndim(g) >= 2 and np.shape(g)[-1] == np.shape(g)[-2]
    return np.swapaxes(g, -1, -2) if square else np.flip(g)


def one_layer_for_the_sum(rule):
    """Of the axes along which an operand was broadcast, the first layer in place of the sum."""

    def wrong(t, *args, **keywords):
        g = rule(t, *args, **keywords)
        first = np.zeros(np.shape(g))
        first[0 if np.ndim(g) else ()] = 1.0
        return g * first

    return wrong


def stale(rule):
    """Whatever it is called with, it works on the operands of its first call."""
    first = []

    def wrong(t, *args, **keywords):
        kept = first[0] if first else args
        parts = [leaf for a in args for leaf in (a if isinstance(a, tuple) else (a,))]
        if not first and not any(hasattr(a, "requires_grad") for a in parts):
            first.append(args)
        fits = len(kept) == len(args)  # another call may have other arrays among its indices
        fits &= all(isinstance(a, tuple) or np.shape(a) == np.shape(b) for a, b in zip(kept, args))
        return rule(t, *(kept if fits else args), **keywords)

    return wrong


def held_still(rule):
    """Right at first order; of the second, the term is missing in which the operands move."""

    def wrong(t, *args, **keywords):
        still = [ad.stop_gradient(a) if getattr(a, "requires_grad", False) else a for a in args]
        return rule(t, *still, **keywords)

    return wrong


FAULTS = {
    "sign": of_result(lambda g: -g),
    "factor 1.001": of_result(lambda g: g * 1.001),
    "missing broadcast sum": one_layer_for_the_sum,
    "transposed operand": of_result(transposed),
    "stale residual": stale,
    "missing term at second order": held_still,
    "wrong at one index": of_result(at_one_index),
}
MANY = 20
ROWS = [(case, p) for case in ALL for p in dict.fromkeys(case.covers) if rules_of(p)]


@pytest.mark.parametrize("kind", FAULTS)
def test_no_fault_passes(kind):
    """Put into primitives drawn by a fixed seed, one operand's rule each, until twenty have been changed by it."""
    rng = np.random.default_rng(7)
    put, passed = set(), []
    for k in rng.permutation(len(ROWS)):
        case, primitive = ROWS[k]
        if len(put) == MANY:
            break
        if primitive in put:
            continue
        rules = [(m, i) for m, i in rules_of(primitive) if i in met_operands(case)[primitive]]
        mode, operand = rules[rng.integers(len(rules))]
        fate = caught(case, primitive, FAULTS[kind], mode, operand)
        if fate is not None:
            put.add(primitive)
            if not fate:
                passed.append(f"{case}: {mode} rule of operand {operand} of {primitive.name}")
    assert not passed
    assert len(put) == MANY


def first_derivative(f, operands, mode):
    """Numbers that depend on the first derivatives by the operands that move, as a function of these."""
    moving = tuple(x for x in operands if np.asarray(x).dtype.kind in "fc")
    ones = tuple(np.ones_like(x) for x in moving)

    def of(*xs):
        rest = iter(xs)
        return f(*(next(rest) if np.asarray(x).dtype.kind in "fc" else x for x in operands))

    def first(*xs):
        if mode == "forward":
            return ad.jvp(of, xs, ones)[1]
        y, pullback = ad.vjp(of, *xs)
        leaves, structure = pytree.flatten(y)
        cts = [np.cos(np.arange(1.0, np.size(v) + 1)).reshape(np.shape(v)).astype(v.dtype)[()] for v in leaves]
        return pullback(pytree.unflatten(structure, cts))

    return first, moving, ones


def derivatives(f, operands, mode):
    """Numbers that depend on the first and second derivatives by the operands that move."""
    first, moving, ones = first_derivative(f, operands, mode)
    return [pytree.flatten(first(*moving))[0], *(pytree.flatten(part)[0] for part in ad.jvp(first, moving, ones))]


def makes_a_difference(f, operands, mode, spoil):
    """Whether a derivative is another one: signs may cancel, and some rules are the same for every point."""
    with np.errstate(all="ignore"):
        right = derivatives(f, operands, mode)
        with spoil():
            try:
                wrong = derivatives(f, operands, mode)
            except (ValueError, IndexError, TypeError):
                return True
    pairs = [(a, b) for one, other in zip(right, wrong, strict=True) for a, b in zip(one, other, strict=True)]
    return not all(np.allclose(a, b, rtol=1e-4, atol=1e-9, equal_nan=True) for a, b in pairs)


def moved(x):
    """Beside `x`, and not in its own direction."""
    return (x * (1.02 + 0.01 * np.cos(np.arange(np.size(x))).reshape(np.shape(x)))).astype(x.dtype)[()]


def caught(case, primitive, fault, mode, operand, examples=12):
    """True or False; None if the fault makes no difference to this row."""
    differs = False
    for seed in range(examples):
        call = case.example(seed)
        f = functools.partial(case.fn, **call.keywords)

        @contextlib.contextmanager
        def spoil(f=f, call=call):
            with spoiled(primitive, fault, modes=(mode,), operand=operand):
                if fault is stale:  # it was called before, somewhere else
                    elsewhere = [moved(x) if np.asarray(x).dtype.kind in "fc" else x for x in call.operands]
                    first, moving, _ = first_derivative(f, elsewhere, mode)
                    first(*moving)
                yield

        if not makes_a_difference(f, call.operands, mode, spoil):
            continue
        differs = True
        with spoil():
            try:  # as `gradcheck` does, but without a search for whom to blame, which nobody reads here
                settings = Settings((mode,), max(case.rtol or 0, 1e-6), 0.0)
                if finds_fault(problem_of(f, call.operands), 2, settings):
                    return True
            except (GradientCheckError, ValueError, IndexError):
                return True
    return False if differs else None


def test_a_fault_is_found_where_gradcheck_raises():
    case = next(case for case in ALL if str(case) == "hypot")
    (primitive,) = dict.fromkeys(case.covers)
    for change, wrong in ((lambda g: g, False), (lambda g: g * 1.001, True)):
        with spoiled(primitive, of_result(change), modes=("reverse",), operand=0):
            call = case.example(0)
            assert finds_fault(problem_of(case.fn, call.operands), 2, Settings(("reverse",), 1e-6, 0.0)) is wrong
            with pytest.raises(GradientCheckError, match="wrong") if wrong else contextlib.nullcontext():
                gradcheck(case.fn, *call.operands, modes=("reverse",))


# --- right, but awkward

F32 = np.float32
RNG = np.random.default_rng(3)
MANY_NUMBERS = RNG.normal(size=20_000)

AWKWARD = {
    "abs at 0": (lambda x: np.abs(x), [0.0, 1.0]),
    "relu at 0": (special.relu, [0.0, -1.0, 1.0]),
    "max with ties": (np.max, [2.0, 2.0, 1.0]),
    "maximum of equals": (lambda x: np.maximum(x, x[::-1]), [1.0, 1.0]),
    "median of equals": (np.median, [1.0, 1.0, 1.0]),
    "sort with equals": (np.sort, [1.0, 1.0, 0.0]),
    "clip at its bound": (lambda x: np.clip(x, 0.0, 1.0), [0.0, 1.0, 0.5]),
    "norm at 0": (np.linalg.norm, [0.0, 0.0]),
    "hypot at 0": (lambda x: np.hypot(x[0], x[1]), [0.0, 0.0]),
    "L1 norm": (lambda x: np.linalg.norm(x, 1), [0.0, 1.0, -2.0]),
    "infinity norm with ties": (lambda x: np.linalg.norm(x, np.inf), [2.0, -2.0]),
    "Huber at its corner": (lambda x: np.where(np.abs(x) < 1, 0.5 * x * x, np.abs(x) - 0.5), [1.0, -1.0, 0.0]),
    "x**1.5 at 0": (lambda x: x**1.5, [0.0, 1.0]),
    "sqrt near 0": (np.sqrt, [1e-12, 1e-3]),
    "log near 0": (np.log, [1e-10, 1.0]),
    "1/x near 0": (lambda x: 1 / x, [1e-6, -1e-6]),
    "x log x, masked": (lambda x: np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0), [0.0, 1.0]),
    "square root of a square": (lambda x: np.sqrt(x * x + 1e-12), [1e-7, 1.0]),
    "sinc at 0": (np.sinc, [0.0, 1e-9, 0.5]),
    "prod with two zeros": (np.prod, [0.0, 0.0, 3.0]),
    "det of a singular matrix": (np.linalg.det, [[1.0, 2.0], [2.0, 4.0]]),
    "eigenvalues, near each other": (lambda a: np.sum(np.linalg.eigvalsh(a + a.T) ** 2), np.diag([1.0, 1.001, 2.0])),
    "eigenvalues, repeated, first order": (lambda a: np.sum(np.linalg.eigvalsh(a + a.T) ** 2), np.eye(3), 1),
    "1 - cos, cancelling": (lambda x: (1 - np.cos(x)) / x**2, [1e-3, 1.0]),
    "expm1 as exp - 1": (lambda x: (np.exp(x) - 1) / x, [1e-4, 1.0]),
    "sum that cancels": (lambda x: (1e8 + x) - 1e8, [1.0, 2.0]),
    "variance of nearly equal": (np.var, [1e6, 1e6 + 1e-3, 1e6 - 1e-3]),
    "huge scale": (lambda x: 1e150 * np.sin(x), [0.3, 1.0]),
    "tiny scale": (lambda x: 1e-150 * np.sin(x), [0.3, 1.0]),
    "huge argument": (lambda x: x * x, [1e120, -1e100]),
    "tiny argument": (lambda x: np.sum(np.exp(x)), [1e-120, 1e-100]),
    "mixed magnitudes": (lambda x: np.sum(x**2), [1e-8, 1.0, 1e8]),
    "fast oscillation": (lambda x: np.sin(1e5 * x), [0.3, 1.0]),
    "x**20": (lambda x: x**20, [0.9, 3.0]),
    "saturated sigmoid": (special.sigmoid, [40.0, -40.0, 0.0]),
    "logsumexp, far apart": (special.logsumexp, [1e4, -1e4, 1e4 - 1.0]),
    "exp(-1/x^2)": (lambda x: np.exp(-1 / x**2), [0.2, 0.05]),
    "mean of many": (lambda x: np.mean(np.sin(x)), MANY_NUMBERS),
    "float32 softmax": (special.softmax, np.array([10.0, -3.0, 9.5], F32)),
    "float32 network": (lambda w: np.tanh(np.tanh(w @ w) @ w).sum(), RNG.normal(size=(8, 8)).astype(F32)),
    "float32, cancelling": (lambda x: np.sum(np.log(1 + x) - x), np.array([0.1, 0.01], F32)),
    "float16 sum": (lambda x: np.sum(x * x), np.array([1.0, 2.0, 0.5], np.float16)),
    "floor beside a jump": (lambda x: x * np.floor(x), [1.5, -0.25]),
    "det of rank one": (np.linalg.det, np.ones((3, 3))),
    "arccos near its edge": (np.arccos, [1 - 1e-12]),
    "log near a pole": (lambda x: np.log(1 - x), [1 - 1e-10]),
}  # fmt: skip


def refusal(f, x, order=2):
    try:
        with np.errstate(all="ignore"):
            gradcheck(f, np.asarray(x), order=order)
    except GradientCheckError as error:
        return str(error)
    return ""


def test_right_functions_pass():
    """At most one in forty may be refused; at present none is."""
    assert len(AWKWARD) >= 40
    refused = {name: text for name, entry in AWKWARD.items() if (text := refusal(*entry))}
    assert refused == {}


# --- what looks like a match and is none


def test_nan_is_no_match_where_the_derivative_is_zero():
    """Outside of its domain the branch that is not taken made NaN: the classical fault, and the slope there is 0."""
    leaking = ad.elementwise(
        lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0.0),
        lambda t, y, x: t * 0.5 / np.sqrt(x) * (x > 0),
        name="leaking",
    )
    assert gradcheck(leaking, np.array([1.0, 2.0])).ok
    with (
        np.errstate(all="ignore"),
        pytest.raises(GradientCheckError, match=r"index \(1,\).*analytic nan, numeric -?0 .*wrong"),
    ):
        gradcheck(leaking, np.array([1.0, -2.0]))


def test_what_is_nowhere_finite_cannot_be_checked():
    with np.errstate(all="ignore"):
        with pytest.raises(NotCheckableError, match="no result of the function is finite"):
            gradcheck(lambda x: np.log(-np.abs(x)), np.array([1.0, 2.0]))
        assert gradcheck(np.log, np.array([1.0, -2.0])).notes  # a part of it can


@pytest.mark.parametrize("shape", [(10_000,), (100, 100)])
def test_one_wrong_entry_does_not_drown_in_a_sum_of_many(shape):
    """What is allowed is a part of the derivative of an entry, not of ten thousand together."""
    x = np.random.default_rng(0).normal(size=shape)
    factor = np.ones(shape)
    factor.flat[777] = 1.001
    square = ad.elementwise(lambda x: x * x, lambda t, y, x: t * (2 * x * factor), name="almost_square")
    index = tuple(int(k) for k in np.unravel_index(777, shape))
    with pytest.raises(GradientCheckError, match=f"index {index}".replace("(", r"\(").replace(")", r"\)")):
        gradcheck(lambda x: np.sum(square(x)), x, order=1)


def test_rule_without_operands_to_check_is_refused():
    square = ad.elementwise(lambda x: x * x, lambda t, y, x: t * (2 * x), name="square")
    with pytest.raises(NotCheckableError, match=r"check_rule of square.*Write 2\.0 for 2"):
        check_rule(square, np.array([1, 2]))


# --- right, at points that nobody would choose

RIGHT = {
    "sum": np.sum,
    "mean": np.mean,
    "sum of squares": lambda x: (x * x).sum(),
    "cube": lambda x: x * x * x,
    "polynomial": lambda x: x**2 - 3 * x + 1,
    "linear": lambda x: 3 * x - x[::-1],
    "product with itself": lambda x: x @ x[::-1],
    "outer product": lambda x: np.outer(x, x).sum(),
    "running sum": np.cumsum,
    "differences": np.diff,
    "digits lost": lambda x: (1e8 + x) - 1e8,
    "inverse": lambda x: 1 / x,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "sin": np.sin,
    "sum of cosines": lambda x: np.cos(x).sum(),
    "sinc": np.sinc,
    "sinh": np.sinh,
    "tanh": np.tanh,
    "sum of tanh": lambda x: np.tanh(x).sum(),
    "arctan": np.arctan,
    "arcsinh": np.arcsinh,
    "Gauss": lambda x: np.exp(-x * x).sum(),
    "sigmoid": special.sigmoid,
    "softplus": special.softplus,
    "softmax": special.softmax,
    "logsumexp": special.logsumexp,
    "variance": np.var,
    "product": np.prod,
    "largest": np.max,
    "range": np.ptp,
    "median": np.median,
    "sort": np.sort,
    "abs": np.abs,
    "relu": special.relu,
    "clip": lambda x: np.clip(x, -1, 1),
    "root, masked": lambda x: np.where(x > 0, np.sqrt(x), 0.0),
    "sign": np.sign,
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "floor": np.floor,
    "round": np.round,
    "x floor": lambda x: x * np.floor(x),
    "remainder": lambda x: np.mod(x, 3.0),
}
"""Functions whose rules are right. The norm and the standard deviation are not among them: their second slope is NaN
where squares vanish."""
ANY = arrays_of.arrays(np.float64, arrays_of.array_shapes(max_dims=1, max_side=4), elements=st.floats())


def none_is_called_wrong(f, examples):
    @hypothesis.seed(1)
    @hypothesis.settings(max_examples=examples, database=None, deadline=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(ANY)
    def check(x):
        with np.errstate(all="ignore"), contextlib.suppress(NotCheckableError):
            gradcheck(f, x)

    check()


@pytest.mark.parametrize("f", RIGHT.values(), ids=RIGHT)
def test_no_right_function_is_called_wrong_at_any_numbers(f):
    none_is_called_wrong(f, 4)


@pytest.mark.deep
@pytest.mark.parametrize("f", RIGHT.values(), ids=RIGHT)
def test_of_two_thousand_right_functions_none_is_called_wrong(f):
    none_is_called_wrong(f, 2000 // len(RIGHT) + 1)


HARD = {
    "sum beside 1e-17": (np.sum, [-1.0, 1e-17, 1.0]),
    "sum beside 1e-9": (np.sum, [-1e8, 1e-9, 1e8]),
    "tanh beside 3e-200": (lambda x: np.tanh(x).sum(), [-1e6, 3e-200, 1e6]),
    "sign at 0": (np.sign, [0.0, 1.0]),
    "heaviside at 0": (lambda x: np.heaviside(x, 0.5).sum(), [0.0]),
    "floor at a step": (lambda x: x * x + np.floor(x), [3.0, -1.0]),
    "sqrt of the smallest number": (np.sqrt, 5e-324),
    "zero beside the smallest number": (np.cos, [0.0, 5e-324]),
    "floor where all numbers are whole": (np.floor, [1e17, 3e200]),
    "the largest of zeros far below": (np.ptp, [0.0, 0.0, 0.0, -6e16]),
    "the root of the lower zero": (np.sqrt, [-0.0, 1.0]),
    "float32, overflow along the direction only": (lambda x: np.exp(-x * x), np.array([3.4e38, 1.0], F32), 1),
    "float32, overflow of the value": (np.var, np.array([3.4e38, 3.4e38, 1.0], F32)),
    "overflow along the direction only": (lambda x: np.exp(-x * x), [3e240, 0.0]),
}


@pytest.mark.parametrize("entry", HARD.values(), ids=HARD)
def test_right_functions_pass_where_differences_see_little(entry):
    assert refusal(*entry) == ""


def test_a_jump_is_a_kink_between_the_slopes_of_its_branches():
    stairs = lambda x: np.where(x < 1, 2 * x, 3 * x)
    assert gradcheck(stairs, np.array([1.0, 0.3]), order=1).verdicts["kink"] >= 1
    with pytest.raises(GradientCheckError, match="kink"):
        gradcheck(stairs, np.array([1.0]), on_kink="raise")


def slanted(value, slope):
    """A function whose rule is `slope` everywhere."""
    return ad.elementwise(lambda x: value(x), lambda t, y, x: t * slope(x), name="slanted")


FALSE = {
    "the jump of sign has a slope": (slanted(np.sign, lambda x: 5.0 + 0 * x), [0.0]),
    "the slope of floor beside a jump": (slanted(lambda x: x + np.floor(x), lambda x: 2.0 + 0 * x), [3.0]),
    "beside what cancels": (slanted(lambda x: x, lambda x: np.where(np.abs(x) > 0.5, 1.001, 1.0)), [-1.0, 1e-17, 1.0]),
    "far out and near alike": (slanted(np.tanh, lambda x: 1 - np.tanh(x)), [1e6, 1.0]),
    "far out only, as NaN": (slanted(np.arctan, lambda x: x**2 / (x**2 + x**4)), [1e200]),
    "of digits that are lost": (slanted(lambda x: (1e8 + x) - 1e8, lambda x: 1.5 + 0 * x), [1.0]),
    "among small numbers": (slanted(lambda x: x * x, lambda x: 2.002 * x), [1e-100, 1e-120]),
    "among the smallest normal numbers": (slanted(np.sqrt, lambda x: 0.501 / np.sqrt(x)), [1e-300]),
}


@pytest.mark.parametrize(("f", "x"), FALSE.values(), ids=FALSE)
def test_wrong_rules_are_found_where_differences_see_little(f, x):
    with np.errstate(all="ignore"), pytest.raises(GradientCheckError, match="wrong"):
        gradcheck(lambda x: f(x).sum(), np.asarray(x), order=1)


# --- networks


def network():
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4, dtype=float), nn.Tanh(), nn.Linear(4, 1, dtype=float))


@pytest.mark.parametrize("modes", [("reverse",), ("forward",), ("reverse", "forward")])
def test_a_function_may_close_over_what_is_tracked(modes):
    model, w = network(), ad.tensor(2.0, requires_grad=True)
    assert gradcheck(lambda x: w * model(x).sum(), np.ones((2, 3)), modes=modes).ok
    assert gradcheck(lambda x: (w * x, {"y": x * x}), np.ones(2), modes=modes).ok
    twice = ad.elementwise(lambda x: 2 * x, lambda t, y, x: t * 2.002, name="twice")
    with pytest.raises(GradientCheckError, match=r"wrong.*The first operation.*twice"):
        gradcheck(lambda x: (w * twice(x)).sum(), np.ones(2), modes=modes)
    assert w.grad is None and w.item() == 2.0 and w.requires_grad


def test_a_network_is_checked_by_its_parameters():
    model, x = network(), np.random.default_rng(0).normal(size=(2, 3))
    before = model.state_dict()
    names = {name for name, _ in model.named_parameters()}
    assert {c.operand for c in gradcheck(model, x).comparisons} >= names
    loss = lambda: nn.mse_loss(model(x), np.ones((2, 1)))
    for given in (model, model.parameters()):
        assert {c.operand for c in gradcheck(loss, parameters=given, order=1).comparisons} == names
    model[0].requires_grad_(False)
    assert "0.weight" not in {c.operand for c in gradcheck(loss, parameters=model, order=1).comparisons}
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert all(p.grad is None for p in model.parameters()) and model[2].weight.requires_grad


def test_a_layer_that_does_not_reach_its_parameters_is_found():
    class Forgetful(nn.Linear):
        def forward(self, x):
            return x @ self.weight + self.bias.detach()

    layer = Forgetful(2, 2, dtype=float)
    assert gradcheck(lambda x: layer(x), np.ones((1, 2))).ok  # by the input all is well
    with pytest.raises(GradientCheckError, match=r"by bias at index.*analytic -?0, numeric 1 .*wrong"):
        gradcheck(layer, np.ones((1, 2)))
    assert isinstance(layer.bias.data, np.ndarray) and layer.bias.requires_grad


def test_a_float32_network_is_checked_in_its_own_precision_as_well():
    model = nn.Linear(3, 2)
    report = gradcheck(model, np.ones((2, 3), np.float32))
    assert report.ok and any("weight in float32" in c.operand for c in report.comparisons)
    assert model.weight.dtype == np.float32


def test_parameters_that_are_none_are_refused():
    x = ad.tensor([1.0], requires_grad=True)
    for given, told in (([np.ones(1)], r"entry 0 is a ndarray"), ([x * 2], r"parameters\[0\] is the result")):
        with pytest.raises(ad.GradientError, match=told):
            gradcheck(lambda: x.sum(), parameters=given)
