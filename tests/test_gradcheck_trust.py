"""Whether a check can be trusted: seven kinds of fault that it must see, and forty right functions it must let pass."""

import contextlib
import functools

import numpy as np
import pytest

import autodiff as ad
from autodiff import pytree, special
from autodiff.testing import GradientCheckError, NotCheckableError, check_rule, gradcheck
from autodiff.testing.mutants import rules_of, spoiled
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
            try:
                gradcheck(f, *call.operands, modes=(mode,), rtol=max(case.rtol or 0, 1e-6))
            except (GradientCheckError, ValueError, IndexError):
                return True
    return False if differs else None


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
        with pytest.raises(NotCheckableError, match="the function is nowhere finite"):
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
