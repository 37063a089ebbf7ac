"""Vector operators: values, coordinates, many points at once, nesting, and the laws on random smooth fields."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.calculus import (
    is_conservative,
    is_solenoidal,
    jacobian_field,
    potential,
    to_cartesian,
    vector_laplacian,
)
from autodiff.testing.strategies import scalar_functions, vector_functions

RNG = np.random.default_rng(7)
POINTS = RNG.uniform(0.3, 1.4, (3, 4, 5))


def twisted(p):
    return np.stack([np.sin(p[0] * p[1]) * p[2], np.exp(p[1]) * np.cos(p[0]), p[0] * p[1] * p[2] ** 2])


def hill(p):
    return np.sin(p[0]) * p[1] ** 2 * np.exp(-p[2])


# --- values


def test_known_values_at_one_point():
    p = np.array([0.3, -0.2, 0.5])
    x, y, z = p
    np.testing.assert_allclose(
        ad.gradient_field(hill)(p),
        np.exp(-z) * np.array([np.cos(x) * y**2, 2 * y * np.sin(x), -np.sin(x) * y**2]),
        rtol=1e-14,
    )
    assert ad.divergence(twisted)(p) == pytest.approx(
        y * z * np.cos(x * y) + np.exp(y) * np.cos(x) + 2 * x * y * z, rel=1e-13
    )
    np.testing.assert_allclose(
        ad.curl(twisted)(p),
        [x * z**2, np.sin(x * y) - y * z**2, -np.exp(y) * np.sin(x) - x * z * np.cos(x * y)],
        rtol=1e-12,
    )
    assert ad.laplacian(hill)(p) == pytest.approx(np.exp(-z) * 2 * np.sin(x), rel=1e-13)
    assert ad.curl(lambda q: [-q[1], q[0]])(np.array([1.0, 2.0])) == 2.0


def test_many_points_are_the_points_one_by_one():
    for operator, field in (
        (ad.gradient_field, hill),
        (ad.laplacian, hill),
        (ad.divergence, twisted),
        (ad.curl, twisted),
        (vector_laplacian, twisted),
        (jacobian_field, twisted),
    ):
        together = operator(field)(POINTS)
        assert together.shape[-2:] == (4, 5)
        for i in range(4):
            for j in range(5):
                np.testing.assert_allclose(
                    together[..., i, j], operator(field)(POINTS[:, i, j]), rtol=1e-12, atol=1e-13
                )


def test_very_many_points_are_the_same_by_direction():
    """Above some thousand points each direction has a sweep of its own."""
    p = RNG.uniform(-1, 1, (3, 20_000))
    for operator, field in ((ad.divergence, twisted), (ad.curl, twisted), (ad.laplacian, hill)):
        many = operator(field)(p)
        np.testing.assert_allclose(many[..., :50], operator(field)(p[:, :50]), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(many[..., -50:], operator(field)(p[:, -50:]), rtol=1e-13, atol=1e-14)


def test_jacobian_field_agrees_with_jacobian():
    p = POINTS[:, 0, 0]
    np.testing.assert_allclose(jacobian_field(twisted)(p), ad.jacobian(twisted)(p), rtol=1e-14)
    to_plane = jacobian_field(lambda q: np.stack([q[0] * q[2], q[1]]))(POINTS)
    assert to_plane.shape == (2, 3, 4, 5)
    np.testing.assert_allclose(to_plane[0, 2], POINTS[0])


def test_lists_constants_and_unused_coordinates():
    np.testing.assert_allclose(ad.divergence(lambda p: [p[0] ** 2, 3.0, p[2]])(POINTS), 2 * POINTS[0] + 1)
    assert np.all(ad.divergence(lambda p: np.array([1.0, 2.0, 3.0]))(POINTS) == 0)
    assert ad.divergence(lambda p: np.array([1.0, 2.0, 3.0]))(POINTS).shape == (4, 5)
    assert np.all(ad.gradient_field(lambda p: 2.0)(POINTS) == 0)
    assert ad.laplacian(lambda p: p[0])(POINTS).shape == (4, 5)


def test_what_comes_back():
    p = np.array([1.0, 2.0])
    assert type(ad.divergence(lambda q: q)(p)) is np.float64
    assert isinstance(ad.divergence(lambda q: q**2)(ad.tensor(p)), ad.Tensor)
    a = ad.tensor(2.0, requires_grad=True)
    ad.divergence(lambda q: [a * q[0] ** 2, a**2 * q[1]])(p).backward()
    assert a.grad == 2 * 1.0 + 2 * 2.0
    assert ad.divergence(lambda q: q)([1, 2]) == 2.0


def test_masked_entries_stay_masked():
    field = ad.divergence(lambda p: np.where(p > 0, np.sqrt(p), 0.0))
    np.testing.assert_allclose(field(np.array([[0.0, 4.0], [1.0, 0.0]])), [0.5, 0.25])


# --- nesting


def test_nesting():
    np.testing.assert_allclose(
        ad.gradient_field(ad.divergence(twisted))(POINTS) - ad.curl(ad.curl(twisted))(POINTS),
        vector_laplacian(twisted)(POINTS),
        rtol=1e-11,
        atol=1e-12,
    )
    lap_of_div = ad.laplacian(ad.divergence(twisted))(POINTS)
    np.testing.assert_allclose(lap_of_div, ad.divergence(vector_laplacian(twisted))(POINTS), rtol=1e-11, atol=1e-12)
    p = POINTS[:, 0, 0]
    np.testing.assert_allclose(
        ad.grad(ad.divergence(twisted))(p), ad.gradient_field(ad.divergence(twisted))(p), rtol=1e-12
    )
    assert ad.jacobian(ad.curl(twisted))(p).shape == (3, 3)
    ad.testing.gradcheck(lambda q: ad.laplacian(hill)(q), p)


def test_compiled():
    f = ad.compile(ad.curl(twisted))
    f(POINTS)
    np.testing.assert_allclose(f(POINTS + 0.1), ad.curl(twisted)(POINTS + 0.1), rtol=1e-14)


# --- coordinates


def unit_vectors(q, coordinates):
    """Columns of the Jacobian of the change to Cartesian coordinates, to length 1."""
    J = jacobian_field(lambda r: to_cartesian(r, coordinates))(q)
    return J / np.linalg.norm(J, axis=0)


@pytest.mark.parametrize("coordinates", ["polar", "cylindrical", "spherical"])
def test_curvilinear_coordinates_agree_with_cartesian(coordinates):
    q = POINTS[:2] if coordinates == "polar" else POINTS
    p = to_cartesian(q, coordinates)
    e = unit_vectors(q, coordinates)
    f = (lambda p: np.sin(p[0]) * p[1] ** 3) if coordinates == "polar" else hill
    F = (lambda p: np.stack([p[0] * p[1] ** 2, np.sin(p[0])])) if coordinates == "polar" else twisted

    def f_of(r):
        return f(to_cartesian(r, coordinates))

    def field_of(r):
        E = unit_vectors(r, coordinates)
        return (F(to_cartesian(r, coordinates))[:, None] * E).sum(axis=0)

    def along(v):
        return (v[:, None] * e).sum(axis=0)

    options = {"coordinates": coordinates}
    np.testing.assert_allclose(ad.gradient_field(f_of, **options)(q), along(ad.gradient_field(f)(p)), atol=1e-12)
    np.testing.assert_allclose(ad.laplacian(f_of, **options)(q), ad.laplacian(f)(p), atol=1e-11)
    np.testing.assert_allclose(ad.divergence(field_of, **options)(q), ad.divergence(F)(p), atol=1e-11)
    turned = ad.curl(F)(p)
    np.testing.assert_allclose(
        ad.curl(field_of, **options)(q), turned if coordinates == "polar" else along(turned), atol=1e-11
    )
    np.testing.assert_allclose(ad.vector_laplacian(field_of, **options)(q), along(vector_laplacian(F)(p)), atol=1e-9)


# --- laws on random smooth fields


def near_zero(value, *parts):
    scale = 1 + max(np.max(np.abs(p)) for p in parts)
    assert np.max(np.abs(value)) <= 1e-11 * scale


points3 = st.builds(lambda seed: np.random.default_rng(seed).uniform(-1.5, 1.5, (3, 6)), st.integers(0, 99))


@given(scalar_functions(3), points3)
def test_curl_of_a_gradient_is_0(f, p):
    near_zero(ad.curl(ad.gradient_field(f))(p), ad.laplacian(f)(p), jacobian_field(ad.gradient_field(f))(p))


@given(vector_functions(3, 3), points3)
def test_divergence_of_a_curl_is_0(F, p):
    near_zero(ad.divergence(ad.curl(F))(p), jacobian_field(ad.curl(F))(p))


@given(vector_functions(3, 3), points3)
def test_curl_of_curl(F, p):
    spread, turned = ad.gradient_field(ad.divergence(F))(p), ad.curl(ad.curl(F))(p)
    near_zero(spread - turned - vector_laplacian(F)(p), spread, turned)


@given(scalar_functions(3), vector_functions(3, 3), points3)
def test_product_rules(f, F, p):
    def scaled(q):
        return f(q) * F(q)

    grad, value, field = ad.gradient_field(f)(p), f(p), F(p)
    spread = value * ad.divergence(F)(p) + (grad * field).sum(axis=0)
    near_zero(ad.divergence(scaled)(p) - spread, spread, grad, field)
    turned = value * ad.curl(F)(p) + np.cross(grad, field, axis=0)
    near_zero(ad.curl(scaled)(p) - turned, turned, grad, field)


@given(scalar_functions(3), scalar_functions(3), points3)
def test_laplacian_of_a_product(f, g, p):
    both = f(p) * ad.laplacian(g)(p) + g(p) * ad.laplacian(f)(p)
    both = both + 2 * (ad.gradient_field(f)(p) * ad.gradient_field(g)(p)).sum(axis=0)
    near_zero(ad.laplacian(lambda q: f(q) * g(q))(p) - both, both)


@given(vector_functions(3, 3), vector_functions(3, 3), points3, st.floats(-3, 3))
def test_operators_are_linear(F, G, p, a):
    for operator in (ad.divergence, ad.curl):
        parts = operator(F)(p), operator(G)(p)
        near_zero(operator(lambda q: F(q) + a * G(q))(p) - parts[0] - a * parts[1], *parts)


# --- conservative, solenoidal, potential

BOX = [(-1.0, 1.0), (-1.0, 1.5)]


def vortex(p):
    return np.stack([-p[1], p[0]]) / np.sum(p**2, axis=0)


def test_conservative_fields_and_witnesses():
    assert is_conservative(ad.gradient_field(hill), [(0.0, 1.0)] * 3).holds
    found = is_conservative(twisted, [(0.0, 1.0)] * 3)
    assert not found.holds
    assert np.max(np.abs(ad.curl(twisted)(found.witness))) == pytest.approx(found.size)
    assert found.reason == "the curl"
    round_the_pole = is_conservative(vortex, BOX)
    assert not round_the_pole.holds
    assert round_the_pole.size == pytest.approx(2 * math.pi, rel=1e-9)
    assert np.max(np.abs(round_the_pole.witness)) < 1e-9
    assert is_conservative(vortex, [(0.5, 1.0), (-1.0, 1.5)]).holds
    assert is_conservative(lambda p: p / np.sum(p**2, axis=0), BOX).holds  # a pole, and nothing circulates round it


@pytest.mark.parametrize("axis", range(3))
def test_a_vortex_in_space_is_not_conservative_round_its_line(axis):
    def whirl(p):
        q = np.roll(p, -axis, axis=0)
        return np.roll(np.stack([-q[1], q[0], 0 * q[2]]) / (q[0] ** 2 + q[1] ** 2), axis, axis=0)

    found = is_conservative(whirl, [(-1.0, 1.5)] * 3)
    assert not found.holds and found.reason == "the circulation around a pole"
    assert abs(found.size) == pytest.approx(2 * math.pi, rel=1e-9)
    assert np.delete(found.witness, (axis + 2) % 3) == pytest.approx(0.0, abs=1e-9)
    box = [(-1.0, 1.5)] * 3
    box[axis] = (0.5, 1.0)
    assert is_conservative(whirl, box).holds
    charge = lambda p: p / np.sum(p**2, axis=0) ** 1.5  # a pole, and nothing circulates round it
    assert is_conservative(charge, [(-1.0, 1.5)] * 3).holds


def test_solenoidal_fields_and_witnesses():
    assert is_solenoidal(ad.curl(twisted), [(0.0, 1.0)] * 3).holds
    assert is_solenoidal(vortex, BOX).holds
    found = is_solenoidal(twisted, [(0.0, 1.0)] * 3)
    assert not found.holds
    assert abs(ad.divergence(twisted)(found.witness)) == pytest.approx(found.size)
    source = is_solenoidal(lambda p: p / np.sum(p**2, axis=0), BOX)
    assert (source.holds, source.size) == (False, pytest.approx(2 * math.pi, rel=1e-9))


def test_potential_is_differentiable_and_right():
    phi = potential(ad.gradient_field(hill), [0.1, 0.2, 0.3])
    np.testing.assert_allclose(phi(POINTS), hill(POINTS) - hill(np.array([0.1, 0.2, 0.3])), rtol=1e-11)
    np.testing.assert_allclose(ad.gradient_field(phi)(POINTS), ad.gradient_field(hill)(POINTS), rtol=1e-10)
    with pytest.raises(ad.DomainError):
        potential(lambda p: p / np.sum(p**2, axis=0), [-1.0, 0.0])(np.array([1.0, 0.0]))


# --- calls that cannot be


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: ad.laplacian(lambda p: np.sum(p**2))(POINTS), ad.ShapeError, r"shape \(\); expected \(4, 5\).*axis=0"),
        (lambda: ad.divergence(lambda p: p[:2])(POINTS), ad.ShapeError, r"expected \(3, 4, 5\): 3 components.*axis=0"),
        (lambda: ad.divergence(lambda p: np.stack([p[0], p[1], p[2]], axis=-1))(POINTS), ad.ShapeError, "axis=0"),
        (lambda: ad.curl(lambda p: p)(np.ones(4)), ad.ShapeError, r"plane \(2\) and in space \(3\)"),
        (lambda: ad.divergence(lambda p: p)(1.0), ad.ShapeError, "ad.derivative"),
        (lambda: ad.divergence(lambda p: p)(np.ones(2, complex)), ad.DtypeError, "real coordinates"),
        (lambda: ad.curl(lambda p: p, coordinates="polar")(POINTS), ad.ShapeError, "polar coordinates are 2 numbers"),
        (lambda: ad.curl(lambda p: p, coordinates="toroidal")(POINTS), ad.StructureError, "must be one of cartesian"),
        (lambda: is_conservative(vortex, [(1.0, 0.0), (0.0, 1.0)]), ad.ShapeError, "low < high"),
        (lambda: potential(vortex, [0.0])(np.ones(2)), ad.ShapeError, "the origin has 1"),
    ],
)
def test_calls_that_cannot_be_say_why(call, error, told):
    with pytest.raises(error, match=f"(?s){told}"):
        call()
