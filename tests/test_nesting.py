"""Transforms inside transforms, closures, aliases, results as targets: each against a closed form."""

import itertools
import math

import numpy as np
import pytest

import autodiff as ad

X = 0.7


def f(x):
    return x**5 + 2.0 * x**3


def f_derivative(n, x=X):
    """The n-th derivative of `f` at x, by the power rule."""
    return sum(c * math.perm(p, n) * x ** (p - n) for c, p in ((1, 5), (2, 3)) if p >= n)


def _by_gradients(g):
    def slope(x):
        t = x if isinstance(x, ad.Tensor) and x.requires_grad else ad.tensor(x, requires_grad=True)
        (out,) = ad.gradients(g(t), [t], create_graph=True)
        return out

    return slope


# Each takes a function of one number and gives its derivative of the stated order, as a function of one number.
FIRST = {
    "grad": ad.grad,
    "value_and_grad": lambda g: lambda x: ad.value_and_grad(g)(x)[1],
    "derivative": ad.derivative,
    "vjp": lambda g: lambda x: ad.vjp(g, x)[1](1.0)[0],
    "jvp": lambda g: lambda x: ad.jvp(g, (x,), (1.0,))[1],
    "linearize": lambda g: lambda x: ad.linearize(g, x)[1](1.0),
    "jacobian forward": lambda g: ad.jacobian(g, mode="forward"),
    "jacobian reverse": lambda g: ad.jacobian(g, mode="reverse"),
    "directional_derivative": lambda g: lambda x: ad.directional_derivative(g, x, 1.0),
    "gradients": _by_gradients,
    "grad of checkpoint": lambda g: ad.grad(ad.checkpoint(g)),
    "jvp of checkpoint": lambda g: lambda x: ad.jvp(ad.checkpoint(g), (x,), (1.0,))[1],
}
SECOND = {
    "hessian": ad.hessian,
    "hvp": lambda g: lambda x: ad.hvp(g, x, 1.0),
    "hessian_operator": lambda g: lambda x: ad.hessian_operator(g, x).matvec(1.0),
}
TRANSFORMS = [(name, t, 1) for name, t in FIRST.items()] + [(name, t, 2) for name, t in SECOND.items()]


def number(value):
    return value.item() if isinstance(value, ad.Tensor) else float(value)


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(TRANSFORMS, TRANSFORMS)), ids=lambda t: t[0])
def test_every_pair_of_transforms(outer, inner):
    (_, a, n), (_, b, m) = outer, inner
    assert number(a(b(f))(X)) == pytest.approx(f_derivative(n + m), rel=1e-12)


@pytest.mark.parametrize("triple", list(itertools.product(["grad", "jvp", "jacobian reverse"], repeat=3)), ids=" ".join)
def test_three_deep(triple):
    a, b, c = (FIRST[name] for name in triple)
    assert number(a(b(c(f)))(X)) == pytest.approx(f_derivative(3), rel=1e-12)


# --- perturbation confusion, closures, alias targets ----------------------------------------------

x, y, z = 0.7, -1.3, 2.1
grad = ad.grad
tracked = lambda v, name=None: ad.tensor(v, requires_grad=True, name=name)


def d(g, v):
    """Derivative in forward mode."""
    return ad.jvp(g, (v,), (1.0,))[1]


CLOSED_FORMS = {
    # the classic: d/dx (x * d/dy (x + y)) is 1, not 2
    "confusion, forward": (lambda: d(lambda x: x * d(lambda y: x + y, 1.0), 1.0), 1.0),
    "confusion, reverse": (lambda: grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0), 1.0),
    "confusion, forward over reverse": (lambda: d(lambda x: x * grad(lambda y: x + y)(1.0), 1.0), 1.0),
    "confusion, reverse over forward": (lambda: grad(lambda x: x * d(lambda y: x + y, 1.0))(1.0), 1.0),
    "inner closes over outer": (lambda: grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0), 6.0),
    "inner at the outer's point": (lambda: grad(lambda x: x * grad(lambda y: x * y)(x))(3.0), 6.0),
    "inner point depends on the outer": (lambda: grad(lambda x: grad(lambda y: y**3)(x**2))(x), 12 * x**3),
    "mixed partial, reverse twice": (
        lambda: grad(lambda x: grad(lambda y: np.sin(x * y))(y))(x),
        math.cos(x * y) - x * y * math.sin(x * y),
    ),
    "mixed partial, forward twice": (
        lambda: d(lambda a: d(lambda b: np.sin(a * b), y), x),
        math.cos(x * y) - x * y * math.sin(x * y),
    ),
    "mixed partial, other order": (
        lambda: grad(lambda y: d(lambda x: np.sin(x * y), x))(y),
        math.cos(x * y) - x * y * math.sin(x * y),
    ),
    "three variables": (
        lambda: grad(lambda a: grad(lambda b: grad(lambda c: a * b**2 * c**3)(z))(y))(x),
        2 * y * 3 * z**2,
    ),
    "inner does not depend on its argument": (lambda: grad(lambda x: x + grad(lambda y: x * 1.0)(y))(x), 1.0),
    "inner constant": (lambda: grad(lambda x: x * grad(lambda y: 3.0 * y)(x))(x), 3.0),
    "value of the inner used": (lambda: grad(lambda x: ad.value_and_grad(lambda y: x * y**2)(x)[0])(x), 3 * x**2),
    "value and gradient of the inner used": (
        lambda: grad(lambda x: sum(ad.value_and_grad(lambda y: x * y**2)(x)))(x),
        3 * x**2 + 4 * x,
    ),
    "aux of the inner used": (
        lambda: grad(lambda x: grad(lambda y: (y**2, x * y), has_aux=True)(x)[1])(x),
        2 * x,
    ),
    "pullback called twice": (
        lambda: grad(lambda x: sum(p(1.0)[0] for p in [ad.vjp(lambda y: x * y**2, x)[1]] * 2))(x),
        8 * x,
    ),
    "tracked cotangent": (lambda: grad(lambda c: ad.vjp(lambda y: y**3, x)[1](c)[0])(y), 3 * x**2),
    "tracked cotangent, squared": (lambda: grad(lambda c: ad.vjp(lambda y: y**3, x)[1](c * c)[0])(y), 6 * y * x**2),
    "tracked tangent": (lambda: grad(lambda t: ad.jvp(lambda y: y**3, (x,), (t,))[1])(y), 3 * x**2),
    "tracked tangent and point": (lambda: grad(lambda t: ad.jvp(lambda y: y**3, (t,), (t,))[1])(x), 9 * x**2),
    "tracked tangent of linearize": (lambda: grad(lambda t: ad.linearize(np.sin, x)[1](t * t))(y), 2 * y * math.cos(x)),
    "tracked vector of hvp": (lambda: grad(lambda v: ad.hvp(lambda y: y**4, x, v))(y), 12 * x**2),
    "derivative of hvp by the point": (lambda: grad(lambda p: ad.hvp(lambda y: y**4, p, 1.0))(x), 24 * x),
    "hvp closes over the outer": (lambda: grad(lambda a: ad.hvp(lambda y: a * y**4, x, 1.0))(y), 12 * x**2),
    "operator closes over the outer": (
        lambda: grad(lambda a: ad.hessian_operator(lambda y: a * y**4, x) @ 1.0)(y),
        12 * x**2,
    ),
    "hessian closes over the outer": (lambda: grad(lambda a: ad.hessian(lambda y: a * y**4)(x))(y), 12 * x**2),
    "jacobian closes over the outer, forward": (
        lambda: grad(lambda a: ad.jacobian(lambda y: a * np.sin(y), mode="forward")(x))(y),
        math.cos(x),
    ),
    "jacobian closes over the outer, reverse": (
        lambda: grad(lambda a: ad.jacobian(lambda y: a * np.sin(y), mode="reverse")(x))(y),
        math.cos(x),
    ),
    "two arguments of the inner": (
        lambda: grad(lambda a: sum(grad(lambda p, q: a * p * q, argnums=(0, 1))(x, y)))(z),
        x + y,
    ),
    "inner argument used twice": (lambda: grad(lambda a: grad(lambda b: a * b * b + b * a * a)(a))(x), 4 * x + x * 2),
    "stop_gradient of the outer inside": (
        lambda: grad(lambda a: grad(lambda b: ad.stop_gradient(a) * a * b**2)(x))(y),
        2 * x * y,
    ),
    "stop_gradient of the inner point": (lambda: grad(lambda a: grad(lambda b: b * ad.stop_gradient(b) * a)(a))(x), x),
    "checkpoint closes over the outer": (lambda: grad(lambda a: grad(ad.checkpoint(lambda b: a * b**2))(x))(y), 2 * x),
    "checkpoint inside checkpoint": (
        lambda: grad(ad.checkpoint(lambda a: ad.checkpoint(lambda b: a * b**2)(a)))(x),
        3 * x**2,
    ),
    "derivative of order four inside grad": (
        lambda: grad(lambda a: ad.derivative(lambda b: np.exp(a * b), 4)(0.0))(x),
        4 * x**3,
    ),
    "recording is on inside no_grad": (
        lambda: ad.no_grad()(lambda: grad(lambda a: grad(lambda b: a * b**2)(x))(y))(),
        2 * x,
    ),
    "no_grad inside holds the value constant": (
        lambda: grad(lambda a: a * ad.no_grad()(lambda: a * 1.0)().item())(x),
        x,
    ),
    "loop of transforms": (
        lambda: grad(lambda a: sum(grad(lambda b, k=k: a**k * b**2)(1.0) for k in range(3)))(x),
        2 * (1 + 2 * x),
    ),
    "Newton step differentiated": (
        lambda: grad(lambda a: a - grad(lambda u: u**3 - 2 * u)(a) / ad.derivative(lambda u: u**3 - 2 * u, 2)(a))(x),
        1 - (36 * x**2 - 6 * (3 * x**2 - 2)) / (36 * x**2),
    ),
    "gradient descent differentiated by its rate": (
        lambda: grad(lambda r: x - r * grad(lambda u: u**2)(x - r * grad(lambda u: u**2)(x)))(0.1),
        -2 * x + 8 * 0.1 * x,
    ),
}


@pytest.mark.parametrize("case", CLOSED_FORMS)
def test_closed_form(case):
    compute, expected = CLOSED_FORMS[case]
    assert number(compute()) == pytest.approx(expected, rel=1e-12, abs=1e-14)


# --- tracked Tensors from outside -----------------------------------------------------------------


def test_a_gradient_that_closes_over_a_leaf_can_be_differentiated_again():
    w = tracked(2.0)
    slope = grad(lambda u: w * u**2)(3.0)
    assert isinstance(slope, ad.Tensor) and slope.requires_grad
    slope.backward()
    assert (slope.item(), float(w.grad)) == (12.0, 6.0)


def test_under_no_grad_the_same_gradient_is_an_array():
    w = tracked(2.0)
    with ad.no_grad():
        slope = grad(lambda u: w * u**2)(3.0)
    assert not isinstance(slope, ad.Tensor) and float(slope) == 12.0


@pytest.mark.parametrize("take", [grad, ad.derivative, lambda g: lambda v: ad.hvp(lambda u: g(u) * u, v, 1.0)])
def test_what_does_not_depend_on_the_leaf_is_not_tracked(take):
    w = tracked(2.0)
    out = take(lambda u: u**2 + 0.0 * w.detach())(3.0)
    assert not isinstance(out, ad.Tensor)


def test_value_and_aux_are_tracked_only_by_what_is_outside():
    w = tracked(2.0)
    (value, (own, outer)), _ = ad.value_and_grad(lambda u: (w * u, (u * u, w * 3.0)), has_aux=True)(5.0)
    assert value.requires_grad and outer.requires_grad and not isinstance(own, ad.Tensor)
    value.backward()
    assert float(w.grad) == 5.0


def test_a_leaf_made_inside_is_seen():
    kept = []

    def g(u):
        kept.append(tracked(4.0))
        return kept[-1] * u

    slope = grad(g)(3.0)
    slope.backward()
    assert float(kept[-1].grad) == 1.0


def test_an_alias_of_a_tracked_tensor_carries_the_gradient_out():
    w = tracked(3.0)
    (ad.grad(lambda u: u**3)(w) * 2.0).backward()
    assert float(w.grad) == pytest.approx(2 * 6 * 3.0)


def test_the_same_tensor_as_both_arguments_has_two_derivatives():
    w = tracked(3.0)
    a, b = ad.grad(lambda p, q: p**2 * q, argnums=(0, 1))(w, w)
    assert (a.item(), b.item()) == (18.0, 9.0)
    (a + b).backward()
    assert float(w.grad) == pytest.approx(4 * 3.0 + 2 * 3.0)


def test_results_can_be_targets():
    w = tracked(2.0)
    h = w**2
    out = h**3 + w
    by_h, by_w = ad.gradients(out, [h, w])
    assert (by_h.item(), by_w.item()) == (3 * 4.0**2, 6 * 2.0**5 + 1)


def test_a_result_and_what_it_came_from_as_targets_of_a_graph():
    w = tracked(2.0)
    h = np.sin(w)
    by_h, by_w = ad.gradients(h * w, [h, w], create_graph=True)
    (second,) = ad.gradients(by_h + by_w, [w])
    assert second.item() == pytest.approx(1 + 2 * math.cos(2.0) - 2.0 * math.sin(2.0))


def test_gradients_leaves_grad_alone():
    w = tracked(2.0)
    ad.gradients(w * w, [w])
    assert w.grad is None


def test_backward_inside_a_transform_reaches_leaves_outside():
    w = tracked(2.0)

    def g(u):
        (w * 3.0).backward()
        return u * u

    assert float(grad(g)(5.0)) == 10.0 and float(w.grad) == 3.0


def test_containers_nest():
    params = {"a": np.array([1.0, 2.0]), "b": [np.array(3.0), (4.0,)]}

    def g(p):
        return (p["a"] ** 2).sum() * p["b"][0] * p["b"][1][0]

    h = ad.hessian(g)(params)
    np.testing.assert_allclose(h["a"]["a"], 24 * np.eye(2))
    np.testing.assert_allclose(h["a"]["b"][1][0], [6.0, 12.0])
    v = {"a": np.ones(2), "b": [np.array(0.0), (1.0,)]}
    product = ad.hvp(g, params, v)
    np.testing.assert_allclose(product["a"], [24 + 6, 24 + 12])


def test_a_function_that_ignores_its_argument_has_zeros_everywhere():
    a = np.array([1.0, 2.0])
    assert np.array_equal(grad(lambda u: 3.0)(a), [0.0, 0.0])
    assert np.array_equal(ad.jacobian(lambda u: np.ones(3))(a), np.zeros((3, 2)))
    assert np.array_equal(ad.hessian(lambda u: u.sum())(a), np.zeros((2, 2)))
    assert np.array_equal(ad.hvp(lambda u: u.sum(), a, a), [0.0, 0.0])
    assert float(ad.jvp(lambda u: 3.0, (1.0,), (1.0,))[1]) == 0.0
    assert np.array_equal(ad.vjp(lambda u: u * 0 + np.floor(u), a)[1](a)[0], [0.0, 0.0])


# --- what an earlier transform left behind, called inside of a later one --------------------------

A = np.array([0.3, 0.5])
LATER = {
    "a pullback": (lambda: ad.vjp(np.sin, A)[1], lambda pull, c: (pull(c)[0] ** 2).sum(), 2 * np.cos(A) ** 2 * A),
    "a pushforward": (lambda: ad.linearize(np.sin, A)[1], lambda f, c: (f(c) ** 2).sum(), 2 * np.cos(A) ** 2 * A),
    "a Hessian": (
        lambda: ad.hessian_operator(lambda x: (x**3).sum(), A), lambda op, c: ((op @ c) ** 2).sum(), 72 * A**3
    ),
    "a pullback of a leaf": (
        lambda: ad.vjp(np.sin, ad.tensor(A, requires_grad=True))[1],
        lambda pull, c: (pull(c)[0] ** 2).sum(),
        2 * np.cos(A) ** 2 * A,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LATER)
def test_what_a_transform_left_is_differentiated_by_a_later_one(name):
    make, use, expected = LATER[name]
    left = make()
    for take in (
        ad.grad(lambda c: use(left, c)),
        ad.jacobian(lambda c: use(left, c), mode="forward"),
        lambda c: ad.vjp(lambda c: use(left, c), c)[1](1.0)[0],
        lambda c: ad.grad(ad.checkpoint(lambda c: use(left, c)))(c),
    ):
        np.testing.assert_allclose(getattr(take(A), "data", take(A)), expected, rtol=1e-12)
    second = ad.hessian(lambda c: use(left, c))(A)
    np.testing.assert_allclose(getattr(second, "data", second), np.diag(expected / A), rtol=1e-12)


def test_a_rule_that_runs_a_function_again_keeps_what_it_closes_over():
    f = lambda x: ad.checkpoint(lambda a: ad.grad(lambda b: b * x * x)(2.0) + a)(x)
    found = ad.grad(f)(1.5), ad.jvp(f, (1.5,), (1.0,))[1], ad.vjp(f, 1.5)[1](1.0)[0], ad.jacobian(f)(1.5)
    assert found == (4.0, 4.0, 4.0, 4.0)


def test_a_tensor_that_was_kept_is_still_differentiated_by():
    kept = []
    ad.grad(lambda x: (kept.append((x, x**3)), x**2)[1])(2.0)
    x, y = kept[0]
    (g,) = ad.gradients(ad.grad(lambda c: c * y)(1.0) * x, [x])
    assert g.item() == 32.0


def test_rules_do_not_run_for_what_leads_to_no_target():
    kept = []
    ad.grad(lambda m: (kept.append(m * 1.0), m.sum())[1])(np.ones((2, 2)))
    g = ad.grad(lambda y: np.where(True, y**2, np.linalg.slogdet(kept[0])[1]))(3.0)  # which is singular
    assert float(g) == 6.0


def test_an_argument_is_open_while_its_function_runs():
    kept = []
    with pytest.raises(ValueError, match="mine"):
        ad.grad(lambda x: (kept.append(x), (_ for _ in ()).throw(ValueError("mine")))[0])(3.0)
    assert not kept[-1]._node.is_open
    ad.grad(lambda x: (kept.append(x._node.is_open), x**2)[1])(3.0)
    assert kept[-1] is True


def test_a_checkpoint_that_closes_over_one_of_several_outputs():
    def f(a):
        _, pull = ad.vjp(lambda b: np.linalg.eigh(np.outer(b, b) + np.diag([1.0, 2.0]))[0], a)
        use = lambda c: (pull(c)[0] ** 2).sum()
        return use(a), ad.checkpoint(use)(a)

    for take in (ad.grad, lambda f: ad.jacobian(f, mode="forward"), ad.hessian):
        plain, checkpointed = (take(lambda a, i=i: f(a)[i])(A) for i in (0, 1))
        np.testing.assert_allclose(checkpointed, plain, rtol=1e-12)


def test_series_through_a_checkpoint_that_closes_over_the_variable():
    f = lambda x: ad.checkpoint(lambda z: z * z * x)(x * x)
    assert float(ad.derivative(f, 2)(1.2)) == pytest.approx(20 * 1.2**3, rel=1e-13)
    with pytest.raises(ad.UnsupportedError, match="not by what it closes over"):
        ad.taylor(f, 1.2, 2)
