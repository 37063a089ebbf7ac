"""The transforms: what goes in, what comes out, in which shape, type and structure."""

import collections
import tracemalloc
import weakref

import numpy as np
import pytest

import autodiff as ad

Pair = collections.namedtuple("Pair", "first second")


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


# --- arguments ------------------------------------------------------------------------------------


def test_argnums_may_be_a_number_or_a_tuple_in_any_order():
    f = lambda x, y, z: x * y**2 * z**3
    at = (2.0, 3.0, 5.0)
    by = {0: 9 * 125.0, 1: 2 * 6 * 125.0, 2: 2 * 9 * 75.0}
    for argnums, expected in [(0, by[0]), (2, by[2]), (-1, by[2])]:
        assert ad.grad(f, argnums)(*at) == expected
    assert ad.grad(f, argnums=(2, 0))(*at) == (by[2], by[0])
    value, g = ad.value_and_grad(f, argnums=(1,))(*at)
    assert value == 2250.0 and g == (by[1],)
    assert isinstance(g, tuple)


@pytest.mark.parametrize("argnums", [2, -3, (0, 5)])
def test_argnums_out_of_range_name_the_function(argnums):
    def cost(x, y):
        return x * y

    with pytest.raises(ad.GradientError, match=r"argnums=.*`cost`.*2 positional"):
        ad.grad(cost, argnums)(1.0, 2.0)


@pytest.mark.parametrize("argnums", ["x", 1.0, (), None, (0, "x")], ids=repr)
def test_argnums_of_another_kind_are_refused(argnums):
    with pytest.raises(ad.GradientError, match="argnums"):
        ad.grad(lambda x: x, argnums)


def test_keyword_arguments_pass_through():
    f = lambda x, *, scale, shift=0.0: scale * x**2 + shift
    assert ad.grad(f)(3.0, scale=2.0) == 12.0
    assert ad.value_and_grad(f)(3.0, scale=2.0, shift=1.0) == (19.0, 12.0)
    assert ad.hessian(f)(3.0, scale=2.0) == 4.0
    assert ad.jacobian(f)(3.0, scale=2.0) == 12.0
    assert ad.vjp(f, 3.0, scale=2.0)[1](1.0) == (12.0,)
    assert ad.jvp(f, (3.0,), (1.0,), scale=2.0)[1] == 12.0
    assert ad.derivative(f, 2)(3.0, scale=2.0) == 4.0


def test_aux_leaves_beside_the_gradient_and_untracked():
    f = lambda x: (np.sum(x**2), {"y": x * 2, "n": 3, "text": "a"})
    x = np.array([1.0, 2.0])
    g, aux = ad.grad(f, has_aux=True)(x)
    assert g.tolist() == [2.0, 4.0]
    assert type(aux["y"]) is np.ndarray and aux["y"].tolist() == [2.0, 4.0] and aux["n"] == 3 and aux["text"] == "a"
    (value, aux), g = ad.value_and_grad(f, has_aux=True)(x)
    assert value == 5.0 and aux["y"].tolist() == [2.0, 4.0]


@pytest.mark.parametrize("returned", [lambda x: x.sum(), lambda x: (x.sum(), 1, 2), lambda x: [x.sum(), 1]])
def test_has_aux_wants_a_pair(returned):
    with pytest.raises(ad.StructureError, match=r"has_aux.*pair"):
        ad.grad(returned, has_aux=True)(np.ones(2))


def test_the_transformed_function_keeps_its_name():
    def cost(x):
        """How bad it is."""
        return x * x

    assert ad.grad(cost).__name__ == "cost" and ad.grad(cost).__doc__ == "How bad it is."
    assert ad.derivative(cost).__name__ == "cost"
    assert ad.checkpoint(cost).__name__ == "cost"


# --- what comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (2.0, np.float64),
        (np.float32(2), np.float32),
        (np.array(2.0), np.ndarray),
        (np.array([2.0]), np.ndarray),
        (ad.tensor(2.0), ad.Tensor),
        (ad.tensor([[2.0]]), ad.Tensor),
    ],
    ids=["float", "NumPy scalar", "0-d array", "array", "Tensor", "Tensor with axes"],
)
def test_results_are_of_the_kind_of_the_argument(x, kind):
    g = ad.grad(lambda t: (t**3).sum())(x)
    assert type(g) is kind and np.shape(g) == np.shape(x) and g.dtype == np.asarray(x).dtype
    value, g = ad.value_and_grad(lambda t: (t**3).sum())(x)
    assert type(g) is kind and type(value) is (ad.Tensor if kind is ad.Tensor else type(np.asarray(x)[()].sum()))
    for h in (ad.hvp(lambda t: (t**3).sum(), x, x), ad.hessian(lambda t: (t**3).sum())(x)):
        assert isinstance(h, ad.Tensor) == (kind is ad.Tensor)
    assert not (isinstance(g, ad.Tensor) and g.requires_grad)


def test_a_tracked_tensor_that_is_passed_in_gives_a_tracked_gradient():
    w = tracked(3.0)
    g = ad.grad(lambda x: x**3)(w)
    assert g.requires_grad and g.item() == 27.0
    g.backward()
    assert w.grad == 18.0


@pytest.mark.parametrize(
    "slope",
    [
        lambda f: ad.grad(f)(2.0),
        lambda f: ad.value_and_grad(f)(2.0)[1],
        lambda f: ad.vjp(f, 2.0)[1](1.0)[0],
        lambda f: ad.jvp(f, (2.0,), (1.0,))[1],
        lambda f: ad.linearize(f, 2.0)[1](1.0),
        lambda f: ad.jacobian(f, mode="reverse")(2.0),
        lambda f: ad.jacobian(f, mode="forward")(2.0),
        lambda f: ad.derivative(f)(2.0),
        lambda f: ad.directional_derivative(f, 2.0, 1.0),
    ],
)
def test_what_depends_on_a_closed_over_leaf_stays_tracked(slope):
    w = tracked(3.0)
    g = slope(lambda x: w * x**2)
    assert isinstance(g, ad.Tensor) and g.requires_grad and g.item() == 12.0
    g.backward()
    assert w.grad == 4.0
    with ad.no_grad():
        held = slope(lambda x: w * x**2)
    assert not isinstance(held, ad.Tensor) and held == 12.0


def test_recording_is_on_inside_a_transform_whatever_the_switch_says():
    with ad.no_grad():
        assert ad.grad(lambda x: x**2)(3.0) == 6.0
        assert ad.hessian(lambda x: x**3)(2.0) == 12.0
        assert ad.hvp(lambda x: x**3, 2.0, 1.0) == 12.0
        assert not (tracked(1.0) * 2).requires_grad
    assert ad.grad(lambda x: x * ad.no_grad()(lambda: x * 1.0)())(3.0) == 3.0  # a switch inside is obeyed


def test_results_do_not_share_memory():
    x, ct = np.ones(3), np.full(3, 2.0)
    _, pullback = ad.vjp(lambda a, b: a + b, x, np.ones(3))
    ga, gb = pullback(ct)
    ga[0] = gb[1] = 99.0
    assert ga.tolist() == [99.0, 2.0, 2.0] and gb.tolist() == [2.0, 99.0, 2.0] and ct.tolist() == [2.0, 2.0, 2.0]
    _y, pushforward = ad.linearize(lambda a: (a, a + 0.0, a.reshape(3)), x)
    t = np.full(3, 2.0)
    outs = pushforward(t)
    for out in outs:
        out[0] = 99.0
    assert t.tolist() == [2.0, 2.0, 2.0] and all(out.tolist() == [99.0, 2.0, 2.0] for out in outs)
    g = ad.grad(lambda a: a.sum())(x)
    g[0] = 5.0
    assert ad.grad(lambda a: a.sum())(x).tolist() == [1.0, 1.0, 1.0]


def test_inputs_are_not_written():
    x = np.linspace(0.1, 1.0, 6)
    x.setflags(write=False)
    v = np.ones(6)
    v.setflags(write=False)
    ad.grad(rosenbrock)(x)
    ad.hessian(rosenbrock)(x)
    ad.hvp(rosenbrock, x, v)
    ad.vjp(np.sin, x)[1](v)
    ad.jvp(np.sin, (x,), (v,))


# --- zeros ----------------------------------------------------------------------------------------

INDEPENDENT = {
    "a constant": lambda x: np.ones(3),
    "a number": lambda x: 5.0,
    "floor": np.floor,
    "sign": np.sign,
    "stop_gradient": lambda x: ad.stop_gradient(x) ** 2,
    "shape only": lambda x: np.zeros_like(x),
}


@pytest.mark.parametrize("n", [1, 2, 3, 8])
@pytest.mark.parametrize("f", [np.sin, lambda x: x * 2.0])
def test_a_derivative_of_any_order_at_a_tensor_is_a_tensor(f, n):
    for x in (0.5, [0.5, 1.5]):
        found, expected = ad.derivative(f, n)(ad.tensor(x)), ad.derivative(f, n)(np.array(x))
        assert isinstance(found, ad.Tensor) and not isinstance(expected, ad.Tensor)
        np.testing.assert_array_equal(found.data, expected)


@pytest.mark.parametrize(
    "f", [np.tanh, np.negative, lambda x: np.where(x > 0, x, 1.0), lambda x: x, lambda x: np.sum(np.sort(x.reshape(1)))]
)
@pytest.mark.parametrize("x", [np.array(0.3), np.float64(0.3), 0.3])
def test_of_one_number_tangents_and_jacobians_are_numpy_numbers_and_gradients_are_like_the_argument(f, x):
    like_it = np.ndarray if isinstance(x, np.ndarray) else np.float64
    tangents = ad.jvp(f, (x,), (0.7,))[1], ad.hvp(f, x, 0.7), ad.linearize(f, x)[1](0.7)
    blocks = ad.jacobian(f)(x), ad.hessian(f)(x), ad.jacobian(f, mode="forward")(x)
    assert {type(t) for t in (*tangents, *blocks)} == {np.float64}
    assert {type(g) for g in (ad.grad(f)(x), ad.vjp(f, x)[1](1.0)[0])} == {like_it}


@pytest.mark.parametrize("f", INDEPENDENT.values(), ids=INDEPENDENT)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_output_that_does_not_depend_gives_zeros(f, dtype):
    x = np.array([0.5, 1.5, -2.5], dtype)
    out = np.asarray(f(x))
    g = ad.grad(lambda t: np.sum(f(t)))(x)
    assert g.shape == x.shape and g.dtype == dtype and not g.any()
    _, pullback = ad.vjp(f, x)
    (g,) = pullback(np.ones(out.shape))
    assert g.shape == x.shape and g.dtype == dtype and not g.any()
    _y, t = ad.jvp(f, (x,), (np.ones(3),))
    assert np.shape(t) == out.shape and not np.any(t)
    for mode in ("forward", "reverse", "auto"):
        J = ad.jacobian(f, mode=mode)(x)
        assert J.shape == out.shape + x.shape and not J.any()
    H = ad.hessian(lambda t: np.sum(f(t)))(x)
    assert H.shape == (3, 3) and H.dtype == dtype and not H.any()
    assert not ad.hvp(lambda t: np.sum(f(t)), x, np.ones(3)).any()


def test_an_unused_argument_gets_zeros():
    f = lambda x, y, z: (y**2).sum()
    gx, gy, gz = ad.grad(f, argnums=(0, 1, 2))(np.ones((2, 3), np.float32), np.ones(2), 1.5)
    assert gx.shape == (2, 3) and gx.dtype == np.float32 and not gx.any()
    assert gy.tolist() == [2.0, 2.0] and gz == 0.0


def test_the_hessian_of_a_linear_function_is_zero():
    assert not ad.hessian(lambda x: 3.0 * x.sum())(np.ones((2, 2))).any()
    assert ad.derivative(lambda x: 3.0 * x, 2)(1.0) == 0.0


def test_an_empty_argument_has_an_empty_gradient():
    x = np.zeros((0, 3))
    assert ad.grad(lambda t: (t**2).sum())(x).shape == (0, 3)
    for mode in ("forward", "reverse", "auto"):
        assert ad.jacobian(np.sin, mode=mode)(x).shape == (0, 3, 0, 3)
        assert ad.jacobian(lambda t: (t**2).sum(), mode=mode)(x).shape == (0, 3)
        assert ad.jacobian(lambda t: np.zeros((0, 2)) * t, mode=mode)(1.5).shape == (0, 2)
    assert ad.hessian(lambda t: (t**2).sum())(x).shape == (0, 3, 0, 3)
    assert ad.hessian_operator(lambda t: (t**2).sum(), np.zeros(0)).shape == (0, 0)


# --- containers -----------------------------------------------------------------------------------


def test_gradients_have_the_structure_of_the_argument():
    tree = {"a": np.array([1.0, 2.0]), "b": [3.0, (np.float32(4), {})], "c": Pair(5.0, None), "d": ()}
    f = lambda p: p["a"].sum() ** 2 + p["b"][0] * p["b"][1][0] + p["c"].first ** 3
    g = ad.grad(f)(tree)
    assert g["a"].tolist() == [6.0, 6.0] and g["b"][0] == 4.0 and g["b"][1][0] == 3.0
    assert type(g["b"][1]) is tuple and g["b"][1][1] == {} and g["d"] == ()
    assert type(g["c"]) is Pair and g["c"].first == 75.0 and g["c"].second is None
    assert g["b"][1][0].dtype == np.float32


def test_dictionaries_of_another_kind_survive():
    tree = collections.OrderedDict(b=1.0, a=2.0)
    g = ad.grad(lambda p: p["a"] * p["b"] ** 2)(tree)
    assert type(g) is collections.OrderedDict and list(g) == ["b", "a"] and g["b"] == 4.0 and g["a"] == 1.0


def test_cotangents_and_tangents_may_name_their_keys_in_another_order():
    f = lambda p: {"s": p["x"] * 2, "t": p["y"] * 3}
    x = {"x": 1.0, "y": 1.0}
    _, pullback = ad.vjp(f, x)
    assert pullback({"t": 10.0, "s": 1.0}) == ({"x": 2.0, "y": 30.0},)
    _, pushforward = ad.linearize(f, x)
    assert pushforward({"y": 10.0, "x": 1.0}) == {"s": 2.0, "t": 30.0}
    assert ad.hvp(lambda p: p["x"] ** 2 * p["y"], x, {"y": 1.0, "x": 0.0}) == {"x": 2.0, "y": 0.0}


@pytest.mark.parametrize(
    "wrong",
    [{"s": 1.0}, {"s": 1.0, "t": 1.0, "u": 1.0}, [1.0, 1.0], 1.0, {"s": [1.0], "t": 1.0}, {"s": None, "t": 1.0}, None],
    ids=repr,
)
def test_a_cotangent_of_another_structure_shows_both(wrong):
    _, pullback = ad.vjp(lambda x: {"s": x, "t": x * 2}, 1.0)
    with pytest.raises(ad.StructureError, match=r"the cotangent has the structure .*; expected \{'s': \*, 't': \*\}"):
        pullback(wrong)


def test_a_tangent_of_another_structure_or_count_is_refused():
    _, pushforward = ad.linearize(lambda a, b: a[0] * b, (1.0,), 2.0)
    with pytest.raises(ad.StructureError, match=r"tangent of argument 0.*expected \(\*,\)"):
        pushforward(1.0, 1.0)
    with pytest.raises(ad.GradientError, match=r"2 tangent.*1 were given"):
        pushforward((1.0,))
    with pytest.raises(ad.GradientError, match="two tuples of one length"):
        ad.jvp(np.sin, (1.0,), (1.0, 2.0))
    with pytest.raises(ad.GradientError, match="two tuples"):
        ad.jvp(np.sin, 1.0, 1.0)


def test_a_cotangent_of_another_shape_or_type_is_refused():
    _, pullback = ad.vjp(np.sin, np.ones(3))
    with pytest.raises(ad.GradientError, match=r"cotangent has shape \(2,\); expected \(3,\)"):
        pullback(np.ones(2))
    with pytest.raises(ad.GradientError, match=r"\(\); expected \(3,\)"):
        pullback(1.0)
    with pytest.raises(ad.DtypeError, match=r"complex.*float64"):
        pullback(np.ones(3) * 1j)
    with pytest.raises(ad.DtypeError, match="dtype"):
        pullback(np.array(["a", "b", "c"]))
    with pytest.raises(ad.GradientError, match=r"tangent of argument 0 has shape \(2,\); expected \(3,\)"):
        ad.jvp(np.sin, (np.ones(3),), (np.ones(2),))


def test_a_number_serves_as_cotangent_of_a_0d_output():
    _, pullback = ad.vjp(lambda x: (x**2).sum(), np.array([1.0, 2.0]))
    for ct in (2, 2.0, np.float32(2), np.array(2.0), ad.tensor(2.0)):
        assert np.asarray(pullback(ct)[0]).tolist() == [4.0, 8.0]


def test_pullback_and_pushforward_may_be_called_again_and_again():
    x = np.array([0.5, 1.0])
    _, pullback = ad.vjp(lambda x: np.exp(x) * x, x)
    _, pushforward = ad.linearize(lambda x: np.exp(x) * x, x)
    for k in (1.0, 2.0, 3.0):
        np.testing.assert_allclose(pullback(np.full(2, k))[0], k * np.exp(x) * (1 + x), rtol=1e-15)
        np.testing.assert_allclose(pushforward(np.full(2, k)), k * np.exp(x) * (1 + x), rtol=1e-15)


def test_an_output_that_appears_twice_gets_both_cotangents():
    def f(x):
        y = x * 3
        return y, [y, x], 7.0

    _, pullback = ad.vjp(f, 2.0)
    assert pullback((1.0, [10.0, 100.0], 1000.0)) == (133.0,)
    _, pushforward = ad.linearize(f, 2.0)
    assert pushforward(1.0) == (3.0, [3.0, 1.0], 0.0)


def test_what_cannot_be_differentiated_by_is_named():
    f = lambda params, x: x
    with pytest.raises(ad.GradientError, match=r"params\['layers'\]\[0\] is a str.*argnums="):
        ad.grad(f)({"layers": ["relu"]}, 1.0)
    with pytest.raises(ad.GradientError, match=r"params\['n'\] has dtype int64.*2\.0 for 2"):
        ad.grad(f)({"n": 3}, 1.0)
    with pytest.raises(ad.GradientError, match=r"callable|function"):
        ad.grad(3.0)(1.0)


# --- scalars only ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "parts"),
    [
        (lambda x: x * 2, ["grad needs a scalar", r"\(3,\)", r"\.sum\(\)", "jacobian", "vjp"]),
        (lambda x: (x.sum(), 1.0), ["grad needs a scalar", "tuple", "has_aux=True"]),
        (lambda x: None, ["grad needs a scalar", "NoneType"]),
        (lambda x: (x * 1j).sum(), ["real scalar", "complex", "ad.vjp"]),
        (lambda x: x.argmax(), ["real scalar", "int64", "argmax"]),
        (lambda x: (x > 0).all(), ["real scalar", "bool", "comparisons"]),
    ],
)
def test_grad_explains_what_a_scalar_is(f, parts):
    with pytest.raises(ad.GradientError) as caught:
        ad.grad(f)(np.ones(3))
    for part in parts:
        assert pytest.importorskip("re").search(part, str(caught.value)), (part, caught.value)
    assert isinstance(caught.value, TypeError)


def test_one_element_of_any_shape_is_a_scalar():
    assert ad.grad(lambda x: (x**2).reshape(1, 1))(3.0) == 6.0
    assert ad.grad(lambda x: x**2)(np.array([[3.0]])).tolist() == [[6.0]]


# --- complex numbers ------------------------------------------------------------------------------


def test_a_pullback_multiplies_with_the_conjugated_transpose():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    z = rng.normal(size=2) + 1j * rng.normal(size=2)
    ct = rng.normal(size=3) + 1j * rng.normal(size=3)
    f = lambda z: np.exp(A @ z)
    _, pullback = ad.vjp(f, z)
    J = np.exp(A @ z)[:, None] * A
    np.testing.assert_allclose(pullback(ct)[0], J.conj().T @ ct, rtol=1e-13)
    t = rng.normal(size=2) + 1j * rng.normal(size=2)
    np.testing.assert_allclose(ad.jvp(f, (z,), (t,))[1], J @ t, rtol=1e-13)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(f, mode=mode)(z), J, rtol=1e-13)


def test_a_real_argument_of_a_complex_function_has_a_real_cotangent():
    f = lambda x: np.exp(1j * x)
    x, ct = np.array([0.3, 0.8]), np.array([1.0 + 2j, -0.5j])
    (g,) = ad.vjp(f, x)[1](ct)
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, (np.conj(1j * np.exp(1j * x)) * ct).real, rtol=1e-14)
    np.testing.assert_allclose(ad.derivative(f)(0.3), 1j * np.exp(0.3j), rtol=1e-14)


def test_a_real_output_of_a_complex_argument_has_one_jacobian_in_every_mode():
    """dy = Re(J dx): forward sweeps along 1 alone would know nothing of the directions along i."""
    z, x = np.array([1 + 1j, 2 - 3j]), np.array([2.0, -1.0])
    f = lambda z, x: {"squares": np.abs(z) ** 2 * x, "analytic": z * x}
    for mode in ("auto", "forward", "reverse"):
        by_z, by_x = zip(*ad.jacobian(f, (0, 1), mode=mode)(z, x).values(), strict=True)
        np.testing.assert_allclose(by_z[0], np.diag(2 * z.conj() * x), rtol=1e-14)
        np.testing.assert_allclose(by_z[1], np.diag(x), rtol=1e-14)
        np.testing.assert_allclose(by_x[0], np.diag(np.abs(z) ** 2), rtol=1e-14)
        np.testing.assert_allclose(by_x[1], np.diag(z), rtol=1e-14)
        assert (by_z[0].dtype, by_x[0].dtype) == (np.complex128, np.float64)


# --- Jacobians ------------------------------------------------------------------------------------

SHAPES = [(), (1,), (3,), (2, 3), (2, 1, 2)]


@pytest.mark.parametrize("out", SHAPES, ids=str)
@pytest.mark.parametrize("into", SHAPES, ids=str)
def test_jacobians_have_the_shape_of_the_output_then_the_input(into, out):
    rng = np.random.default_rng(1)
    n, m = int(np.prod(into, dtype=int)), int(np.prod(out, dtype=int))
    A = rng.normal(size=(m, n))
    x = np.asarray(rng.normal(size=into))
    f = lambda x: np.reshape(np.sin(A @ np.reshape(x, (n,))), out)
    expected = (np.cos(A @ x.reshape(n))[:, None] * A).reshape(out + into)
    for mode in ("forward", "reverse", "auto"):
        J = ad.jacobian(f, mode=mode)(x)
        assert J.shape == out + into and J.dtype == np.float64
        np.testing.assert_allclose(J, expected, rtol=1e-12)
        J = ad.jacobian(f, mode=mode)(x.astype(np.float32))
        assert J.shape == out + into


def test_jacobians_of_containers_are_containers_of_blocks():
    def f(p, q):
        return {"u": p["a"] * q, "v": [np.outer(p["a"], p["b"]), q**2]}

    p, q = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0, 5.0])}, 2.0
    for mode in ("forward", "reverse"):
        J = ad.jacobian(f, argnums=(0, 1), mode=mode)(p, q)
        by_p, by_q = J["u"]
        np.testing.assert_allclose(by_p["a"], 2 * np.eye(2))
        assert by_p["b"].shape == (2, 3) and not by_p["b"].any()
        np.testing.assert_allclose(by_q, [1.0, 2.0])
        outer = J["v"][0][0]
        assert outer["a"].shape == (2, 3, 2) and outer["b"].shape == (2, 3, 3)
        np.testing.assert_allclose(outer["a"], np.einsum("ik,j->ijk", np.eye(2), p["b"]))
        assert J["v"][1][1] == 4.0
    H = ad.hessian(lambda p: p["a"].sum() * p["b"].sum())(p)
    assert H["a"]["b"].tolist() == np.ones((2, 3)).tolist() and not H["b"]["b"].any()


def test_many_directions_take_several_sweeps():
    rng = np.random.default_rng(2)
    x = rng.normal(size=1100)
    f = lambda x: np.sin(x[:-1]) * x[1:]
    expected = np.zeros((1099, 1100))
    i = np.arange(1099)
    expected[i, i], expected[i, i + 1] = np.cos(x[:-1]) * x[1:], np.sin(x[:-1])
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(f, mode=mode)(x), expected, atol=1e-14)


def test_auto_takes_the_cheaper_mode():
    calls = []
    probe = ad.primitive(
        lambda x: x * 1.0,
        vjp=[lambda ct, y, x: (calls.append("reverse"), ct)[1]],
        jvp=[lambda t, y, x: (calls.append("forward"), t)[1]],
        name="probe",
    )
    ad.jacobian(lambda x: probe(x).sum())(np.ones(5))
    assert set(calls) == {"reverse"}
    calls.clear()
    ad.jacobian(lambda x: probe(x) * np.ones(5))(1.0)
    assert set(calls) == {"forward"}


def test_a_mode_of_another_name_is_refused():
    with pytest.raises(ad.GradientError, match='"auto", "forward" or "reverse"'):
        ad.jacobian(np.sin, mode="backward")


def test_the_jacobian_of_whole_numbers_is_refused():
    with pytest.raises(ad.GradientError, match="integer or boolean"):
        ad.jacobian(lambda x: np.argsort(x))(np.ones(3))


# --- second derivatives ---------------------------------------------------------------------------


def test_hessian_against_differences_of_the_gradient():
    x = np.linspace(-0.8, 1.1, 5)
    g = ad.grad(rosenbrock)
    h = 1e-6
    expected = np.stack([(g(x + h * e) - g(x - h * e)) / (2 * h) for e in np.eye(5)], axis=1)
    np.testing.assert_allclose(ad.hessian(rosenbrock)(x), expected, rtol=1e-6, atol=1e-5)


def test_a_hessian_is_not_symmetrised():
    def f(p):
        """Its mixed partials at 0 differ: d/dy of df/dx is -1, d/dx of df/dy is 1."""
        x, y = p
        r = x * x + y * y
        return np.where(r == 0, 0.0, x * y * (x * x - y * y) / np.where(r == 0, 1.0, r))

    H = ad.hessian(f)(np.array([0.3, 0.2]))
    np.testing.assert_allclose(H, H.T, rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (4, 1)], ids=str)
def test_an_operator_takes_vectors_of_every_kind(shape):
    rng = np.random.default_rng(3)
    x, v = np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=shape))
    f = lambda x: (np.sin(x) * np.cumsum(np.reshape(x, (-1,))).reshape(shape)).sum()
    n = x.size
    H = ad.hessian(f)(x).reshape(n, n)
    op = ad.hessian_operator(f, x)
    assert op.shape == (n, n) and op.dtype == np.float64 and "shape" in repr(op)
    assert op.value == pytest.approx(f(x)) and np.shape(op.gradient) == shape
    own = op @ v
    assert np.shape(own) == shape
    np.testing.assert_allclose(np.reshape(own, n), H @ v.reshape(n), rtol=1e-11)
    flat = op.matvec(v.reshape(n))
    assert flat.shape == (n,) if shape != () else np.shape(flat) in ((1,), ())
    np.testing.assert_allclose(np.reshape(flat, n), H @ v.reshape(n), rtol=1e-11)
    column = op @ v.reshape(n, 1)
    assert column.shape == (n, 1)
    np.testing.assert_allclose(column.reshape(n), H @ v.reshape(n), rtol=1e-11)
    np.testing.assert_allclose(ad.hvp(f, x, v), own, rtol=1e-11)
    if n > 1:
        with pytest.raises(ad.GradientError, match=rf"\({n}, {n}\).*\({n + 1},\)"):
            op @ np.ones(n + 1)


def test_an_operator_on_containers():
    x = {"a": np.array([1.0, 2.0]), "b": [3.0]}
    f = lambda p: (p["a"] ** 2).sum() * p["b"][0]
    op = ad.hessian_operator(f, x)
    assert op.shape == (3, 3)
    H = np.array([[6.0, 0, 2], [0, 6, 4], [2, 4, 0]])
    v = np.array([1.0, 10.0, 100.0])
    np.testing.assert_allclose(op @ v, H @ v)
    own = op @ {"b": [100.0], "a": v[:2]}
    np.testing.assert_allclose(own["a"], (H @ v)[:2])
    assert own["b"] == [(H @ v)[2]]


def test_an_operator_of_a_recorded_number():
    a, b = tracked([1.0, 2.0]), tracked(np.float32(3))
    loss = (a**3).sum() * b + a.sum()
    op = ad.hessian_operator(loss, [a, b])
    assert op.shape == (3, 3) and op.value == loss.item()
    np.testing.assert_allclose(op.gradient[0], [10.0, 37.0])
    H = np.array([[18.0, 0, 3], [0, 36, 12], [3, 12, 0]])
    for v in np.eye(3):
        np.testing.assert_allclose(op @ v, H @ v)
    assert [p.dtype for p in op @ [np.ones(2), 1.0]] == [np.float64, np.float32]
    assert a.grad is None


def test_an_operator_is_recorded_once():
    runs = []

    def f(x):
        runs.append(1)
        return (x**4).sum()

    op = ad.hessian_operator(f, np.ones(3))
    for v in np.eye(3):
        op @ v
    assert len(runs) == 1


def test_conjugate_gradients_accept_the_operator_as_scipys_do():
    """What scipy.sparse.linalg.aslinearoperator asks for: shape, dtype and matvec of (n,) and (n, 1)."""
    from autodiff.solvers import conjugate_gradient

    rng = np.random.default_rng(4)
    A = rng.normal(size=(6, 6))
    A = A @ A.T + 6 * np.eye(6)
    op = ad.hessian_operator(lambda x: 0.5 * x @ (A @ x), np.zeros(6))
    b = rng.normal(size=6)
    assert op.matvec(b).shape == (6,) and op.matvec(b[:, None]).shape == (6, 1)
    assert op.matvec(b).dtype == op.dtype
    np.testing.assert_allclose(conjugate_gradient(op.matvec, b).x, np.linalg.solve(A, b), rtol=1e-8)


# --- along directions -----------------------------------------------------------------------------


def test_directional_derivatives_are_not_normalised():
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert ad.directional_derivative(lambda x: (x**2).sum(), x, v) == 22.0
    assert ad.directional_derivative(lambda x: (x**2).sum(), x, 2 * v) == 44.0
    assert ad.directional_derivative(lambda p: p["x"] ** 2, {"x": 3.0}, {"x": 2.0}) == 12.0


def test_derivatives_of_a_number_and_of_an_array():
    for n, expected in enumerate([np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]):
        assert ad.derivative(np.sin, n)(0.3) == pytest.approx(float(expected(0.3)), rel=1e-14)
        x = np.linspace(0, 1, 7).reshape(7, 1)
        np.testing.assert_allclose(ad.derivative(np.sin, n)(x), expected(x), rtol=1e-13, atol=1e-15)
    curve = ad.derivative(lambda t: np.stack([np.cos(t), np.sin(t), t**2]), 2)(0.5)
    np.testing.assert_allclose(curve, [-np.cos(0.5), -np.sin(0.5), 2.0], rtol=1e-14)
    parts = ad.derivative(lambda t: {"x": t**3, "y": (t,)})(2.0)
    assert parts == {"x": 12.0, "y": (1.0,)}


@pytest.mark.parametrize("n", [-1, 1.0, True, "1"], ids=repr)
def test_the_order_of_a_derivative_is_a_whole_number(n):
    with pytest.raises(ad.GradientError, match="must be an integer, 0 or more"):
        ad.derivative(np.sin, n)


# --- float32 --------------------------------------------------------------------------------------


def test_float32_stays_float32_everywhere():
    x, v = np.linspace(0.1, 1, 4, dtype=np.float32), np.ones(4)
    f = lambda x: (np.tanh(x) * 0.5 + x**2.5 / 3 - 2.0**x).mean() * 2
    F = lambda x: np.exp(-x) * np.sum(x**2) / 3
    y, pullback = ad.vjp(F, x)
    z, pushforward = ad.linearize(F, x)
    value, g = ad.value_and_grad(f)(x)
    results = {
        "grad": ad.grad(f)(x),
        "value": value,
        "value_and_grad": g,
        "vjp": pullback(v)[0],
        "vjp value": y,
        "linearize": pushforward(v),
        "linearize value": z,
        "jvp": ad.jvp(F, (x,), (v,))[1],
        "jacobian forward": ad.jacobian(F, mode="forward")(x),
        "jacobian reverse": ad.jacobian(F, mode="reverse")(x),
        "hessian": ad.hessian(f)(x),
        "hvp": ad.hvp(f, x, v),
        "operator": ad.hessian_operator(f, x) @ v,
        "derivative": ad.derivative(np.tanh, 3)(x),
        "derivative of a scalar": ad.derivative(np.tanh, 2)(np.float32(0.5)),
        "directional": ad.directional_derivative(f, x, v),
        "checkpoint": ad.grad(ad.checkpoint(f))(x),
        "third order": ad.grad(lambda x: ad.hvp(f, x, v).sum())(x),
    }
    assert {name: r.dtype for name, r in results.items()} == dict.fromkeys(results, np.dtype(np.float32))


# --- gradients ------------------------------------------------------------------------------------


def test_gradients_of_results_as_targets():
    x = tracked(2.0)
    y = x * x
    z = y * y * x
    gx, gy = ad.gradients(z, [x, y])
    assert gy.item() == 2 * 4 * 2 and gx.item() == 5 * 2.0**4
    assert x.grad is None
    assert not gx.requires_grad
    (again,) = ad.gradients(z, [x], create_graph=True)
    (second,) = ad.gradients(again, [x])
    assert second.item() == 20 * 2.0**3


def test_gradients_of_what_it_does_not_depend_on_are_zeros():
    x, y = tracked([1.0, 2.0]), tracked(np.ones((2, 2), np.float32))
    gx, gy = ad.gradients((x * x).sum(), [x, y])
    assert gx.data.tolist() == [2.0, 4.0]
    assert gy.shape == (2, 2) and gy.dtype == np.float32 and not gy.data.any()


def test_gradients_with_a_cotangent():
    x = tracked([1.0, 2.0])
    (g,) = ad.gradients(x**2, [x], np.array([1.0, 10.0]))
    assert g.data.tolist() == [2.0, 40.0]
    with pytest.raises(ad.GradientError, match=r"\(2,\)"):
        ad.gradients(x**2, [x])
    c = tracked([1.0, 10.0])
    (g,) = ad.gradients(x**2, [x], c, create_graph=True)
    (by_c,) = ad.gradients(g.sum(), [c])
    assert by_c.data.tolist() == [2.0, 4.0]


def test_gradients_refuse_what_is_not_tracked():
    x = tracked(1.0)
    with pytest.raises(ad.GradientError, match=r"gradients: y is not tracked"):
        ad.gradients(ad.tensor(1.0), [x])
    with pytest.raises(ad.GradientError, match=r"xs\[1\] is a float"):
        ad.gradients(x * 2, [x, 1.0])
    with pytest.raises(ad.GradientError, match=r"\[x\]"):
        ad.gradients(x * 2, x)


# --- stop_gradient and checkpoint -----------------------------------------------------------------


def test_stop_gradient_of_containers_and_arrays():
    x = tracked([1.0])
    held = ad.stop_gradient({"a": x, "b": [2.0, np.ones(2)]})
    assert not held["a"].requires_grad and held["b"][0] == 2.0 and held["b"][1].tolist() == [1.0, 1.0]
    assert ad.grad(lambda x: x * ad.stop_gradient(x))(3.0) == 3.0
    assert ad.jvp(lambda x: x * ad.stop_gradient(x), (3.0,), (1.0,))[1] == 3.0
    assert ad.hessian(lambda x: x**2 * ad.stop_gradient(x))(3.0) == 6.0


def _deep(x):
    for _ in range(40):
        x = np.sin(x) + x
    return x


def test_checkpoint_gives_the_same_values_and_gradients():
    x = np.linspace(0, 1, 5)
    f = lambda x: (_deep(x) ** 2).sum()
    g = lambda x: (ad.checkpoint(_deep)(x) ** 2).sum()
    np.testing.assert_array_equal(ad.grad(g)(x), ad.grad(f)(x))
    np.testing.assert_allclose(ad.hessian(g)(x), ad.hessian(f)(x), rtol=1e-12)
    np.testing.assert_allclose(ad.jvp(g, (x,), (x,))[1], ad.jvp(f, (x,), (x,))[1], rtol=1e-13)


def test_checkpoint_forgets_the_inside():
    x = tracked(np.ones(50_000))
    tracemalloc.start()
    try:
        kept = _deep(x)
        whole = tracemalloc.get_traced_memory()[0]
        del kept
        before = tracemalloc.get_traced_memory()[0]
        y = ad.checkpoint(_deep)(x)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < 3 * x.nbytes < whole / 10
    y.sum().backward()
    assert x.grad.shape == x.shape


def test_checkpoint_with_containers_keywords_and_several_outputs():
    @ad.checkpoint
    def f(p, *, k):
        return {"s": p["a"] * k, "t": (p["b"][0] ** 2, 5.0)}

    def loss(p):
        out = f(p, k=3.0)
        return out["s"].sum() * out["t"][0] + out["t"][1]

    g = ad.grad(loss)({"a": np.array([1.0, 2.0]), "b": [2.0]})
    assert g["a"].tolist() == [12.0, 12.0] and g["b"] == [36.0]


def test_checkpoint_sees_what_the_function_closes_over():
    w = tracked([2.0, 3.0])
    f = ad.checkpoint(lambda x: (w * x**2).sum())
    f(np.array([1.0, 2.0])).backward()
    assert w.grad.tolist() == [1.0, 4.0]
    x = tracked([1.0, 2.0])
    w.zero_grad()
    f(x).backward()
    assert w.grad.tolist() == [1.0, 4.0] and x.grad.tolist() == [4.0, 12.0]


def test_checkpoint_refuses_a_function_that_changes_its_mind():
    rng = np.random.default_rng(0)
    f = ad.checkpoint(lambda x: x * rng.uniform())
    with pytest.raises(ad.RuleError, match="deterministic"):
        ad.grad(f)(2.0)


def test_checkpoint_of_arrays_alone_runs_the_function():
    assert ad.checkpoint(np.sin)(0.5) == np.sin(0.5)
    with ad.no_grad():
        assert not ad.checkpoint(np.sin)(tracked(0.5)).requires_grad


# --- freed ----------------------------------------------------------------------------------------

CALLS = {
    "grad": lambda f, x: ad.grad(f)(x),
    "value_and_grad": lambda f, x: ad.value_and_grad(f)(x),
    "vjp": lambda f, x: ad.vjp(f, x)[1](1.0),
    "jvp": lambda f, x: ad.jvp(f, (x,), (x,)),
    "linearize": lambda f, x: ad.linearize(f, x)[1](x),
    "jacobian": lambda f, x: ad.jacobian(f)(x),
    "hessian": lambda f, x: ad.hessian(f)(x),
    "hvp": lambda f, x: ad.hvp(f, x, x),
    "operator": lambda f, x: ad.hessian_operator(f, x) @ x,
    "directional": lambda f, x: ad.directional_derivative(f, x, x),
    "checkpoint": lambda f, x: ad.grad(ad.checkpoint(f))(x),
    "nested": lambda f, x: ad.grad(lambda y: ad.grad(f)(y).sum())(x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_transform_keeps_nothing(call):
    import gc

    nodes = []

    def f(x):
        y = (np.tanh(x) * x).sum()
        nodes.append(weakref.ref(y._node))
        return y

    gc.disable()
    try:
        call(f, np.ones(4))
        assert nodes and all(n() is None for n in nodes)
    finally:
        gc.enable()


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), [1, 0, -1]])
def test_an_argument_named_twice_is_refused_and_not_given_zeros(argnums):
    with pytest.raises(ad.GradientError, match=r"argnums=.* names argument [01] twice; name it once"):
        ad.grad(lambda a, b: a * b, argnums=argnums)(2.0, 3.0)


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_higher_derivatives_in_closed_form(n):
    np.testing.assert_allclose(ad.derivative(lambda x: np.sin(2 * x), n)(0.3), 2**n * np.sin(0.6 + n * np.pi / 2))
    z = 0.3 + 0.2j
    np.testing.assert_allclose(ad.derivative(lambda z: np.exp(1j * z), n)(z), 1j**n * np.exp(1j * z))
    found = ad.derivative(lambda x: {"power": x**5, "pair": (3.0, np.exp(2 * x))}, n)(1.0)
    assert found["power"] == [20, 60, 120, 0][[2, 3, 5, 9].index(n)] and found["pair"][0] == 0.0
    np.testing.assert_allclose(found["pair"][1], 2**n * np.exp(2.0))


def test_higher_derivatives_are_tracked_and_typed():
    # d/da of a**3 (-cos(a x))
    slope = ad.grad(lambda a: ad.derivative(lambda x: np.sin(a * x), 3)(0.4))(2.0)
    np.testing.assert_allclose(slope, -12 * np.cos(0.8) + 8 * 0.4 * np.sin(0.8))
    x = ad.Tensor(2.0, requires_grad=True)
    ad.derivative(lambda t: t**5, 3)(x).backward()
    assert x.grad == 240.0
    assert ad.derivative(lambda x: x**3, 3)(np.float32(2)).dtype == np.float32
    fifth = ad.derivative(np.tanh, 5)
    np.testing.assert_allclose(ad.compile(fifth)(0.7), fifth(0.7), rtol=1e-13)


def test_a_rule_that_takes_no_series_is_nested():
    cube = ad.primitive(
        lambda x: x**3, name="cube", vjp=lambda ct, y, x: (ct * 3 * x**2,), jvp=lambda ts, y, x: asked(ts[0]) * 3 * x**2
    )

    def asked(t):
        return t if isinstance(t, ad.Tensor) else np.asarray(t)

    with pytest.raises(ad.UnsupportedError, match="power series"):
        ad.taylor(cube, 2.0, 2)
    assert ad.derivative(cube, 2)(2.0) == 12.0
