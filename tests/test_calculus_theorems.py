"""Curves, surfaces and the theorems on them: closed forms, laws on random fields, poles reported."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

import autodiff as ad
from autodiff.calculus import Region, arc_length, curvature, flux, surface_area, theorems
from autodiff.testing.strategies import scalar_functions, vector_functions

PI = math.pi


def circle(t):
    return np.stack([np.cos(t), np.sin(t)])


def sphere(u, v):
    return np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)])


def vortex(p):
    return np.stack([-p[1], p[0]]) / np.sum(p**2, axis=0)


def charge(p):
    return p / np.sum(p**2, axis=0) ** 1.5


# --- curves


def test_line_integrals():
    assert ad.line_integral(lambda p: [-p[1], p[0]], circle, 0.0, 2 * PI) == pytest.approx(2 * PI, rel=1e-12)
    assert ad.line_integral(lambda p: [-p[1], p[0]], circle, 2 * PI, 0.0) == pytest.approx(-2 * PI, rel=1e-12)
    assert ad.line_integral(vortex, circle, 0.0, 2 * PI) == pytest.approx(2 * PI, rel=1e-12)
    assert ad.line_integral(lambda p: p[0] ** 2, circle, 0.0, 2 * PI) == pytest.approx(PI, rel=1e-12)
    assert ad.line_integral(lambda p: [1.0, 0.0, 2.0], lambda t: [t, t**2, t**3], 0.0, 1.0) == pytest.approx(
        3.0, rel=1e-12
    )
    value, error = ad.line_integral(lambda p: p, lambda t: [t, t**2], 0.0, 2.0, return_error=True)
    assert (value, error < 1e-11) == (pytest.approx(10.0, rel=1e-12), True)


@given(scalar_functions(3))
def test_work_of_a_gradient_is_the_difference(f):
    def helix(t):
        return [np.cos(t), np.sin(t), 0.3 * t]

    work = ad.line_integral(ad.gradient_field(f), helix, 0.0, 2.0)
    ends = [f(np.stack(helix(np.float64(t)))) for t in (0.0, 2.0)]
    assert work == pytest.approx(ends[1] - ends[0], abs=1e-9 * (1 + abs(ends[0]) + abs(ends[1])))


def test_derivatives_of_line_integrals():
    def work(r):
        return ad.line_integral(lambda p: [-p[1], p[0]], lambda t: [r * np.cos(t), r * np.sin(t)], 0.0, 2 * PI)

    assert ad.grad(work)(1.5) == pytest.approx(4 * PI * 1.5, rel=1e-12)
    assert ad.grad(ad.grad(work))(1.5) == pytest.approx(4 * PI, rel=1e-12)


def test_arc_length_and_curvature():
    assert arc_length(lambda t: [t, np.cosh(t)], 0.0, 1.0) == pytest.approx(math.sinh(1), rel=1e-12)
    assert arc_length(lambda t: [t - np.sin(t), 1 - np.cos(t)], 0.0, 2 * PI) == pytest.approx(8, rel=1e-10)  # cycloid
    assert curvature(lambda t: [t, t**2])(0.0) == pytest.approx(2.0)
    np.testing.assert_allclose(curvature(lambda t: [3 * np.cos(t), 3 * np.sin(t), 4 * t])(np.linspace(0, 1, 4)), 3 / 25)
    assert curvature(lambda t: [t, 2 * t, 3 * t])(0.3) == pytest.approx(0.0, abs=1e-15)


def test_a_pole_on_the_path_raises():
    with pytest.raises(ad.DomainError, match="does not converge"):
        ad.line_integral(lambda p: p / np.sum(p**2, axis=0), lambda t: [t, 0 * t], -0.5, 0.7)


# --- surfaces


def test_surface_integrals():
    full = (0.0, PI), (0.0, 2 * PI)
    assert ad.surface_integral(lambda p: p, sphere, *full) == pytest.approx(4 * PI, rel=1e-12)
    assert flux(charge, sphere, *full) == pytest.approx(4 * PI, rel=1e-12)
    assert surface_area(sphere, *full) == pytest.approx(4 * PI, rel=1e-12)
    assert ad.surface_integral(lambda p: p[2] ** 2, sphere, *full) == pytest.approx(4 * PI / 3, rel=1e-12)
    triangle = surface_area(lambda x, y: [x, y, x + y], (0.0, 1.0), (0.0, lambda x: 1 - x))
    assert triangle == pytest.approx(math.sqrt(3) / 2, rel=1e-12)
    torus = surface_area(
        lambda u, v: [(2 + np.cos(u)) * np.cos(v), (2 + np.cos(u)) * np.sin(v), np.sin(u)], (0, 2 * PI), (0, 2 * PI)
    )
    assert torus == pytest.approx(8 * PI**2, rel=1e-11)
    growing = ad.grad(lambda r: surface_area(lambda u, v: r * sphere(u, v), *full))(1.5)
    assert growing == pytest.approx(8 * PI * 1.5, rel=1e-11)


def test_regions():
    area = Region.between(0.0, 1.0, lambda x: x**2, np.sqrt).integral(lambda p: 1.0)
    assert area == pytest.approx(1 / 3, rel=1e-9)
    assert Region.disc((1.0, 2.0), 3.0).integral(lambda p: p[0]) == pytest.approx(9 * PI, rel=1e-12)
    assert Region.ball(radius=2.0).integral(lambda p: 1.0) == pytest.approx(32 * PI / 3, rel=1e-12)
    assert Region.box((0, 2), (0, 3)).integral(lambda p: p[0] * p[1]) == pytest.approx(9, rel=1e-13)
    turned_over = Region(lambda u, v: [v, u], [(0.0, 1.0), (0.0, 2.0)])
    assert turned_over.integral(lambda p: 1.0) == pytest.approx(2.0, rel=1e-13)


# --- the theorems


def holds(found):
    assert found.holds, found.verdict


@settings(max_examples=10)
@given(vector_functions(2, 2))
def test_green(F):
    holds(theorems.green(F, Region.disc((0.3, -0.2), 1.2)))
    holds(theorems.green(F, Region.between(-1.0, 1.0, lambda x: x**2 - 1, lambda x: 1 + 0.5 * np.sin(x))))


@settings(max_examples=10)
@given(vector_functions(2, 2))
def test_divergence_theorem_in_the_plane(F):
    holds(theorems.divergence_theorem(F, Region.box((-1.0, 0.5), (0.0, 1.0))))
    holds(theorems.divergence_theorem(F, Region(lambda u, v: [v * np.cos(u), v * np.sin(u)], [(0.0, 2.0), (0.5, 1.0)])))


@settings(max_examples=10)
@given(vector_functions(3, 3, max_steps=5))
def test_divergence_theorem_in_space(F):
    holds(theorems.divergence_theorem(F, Region.box((-0.5, 0.5), (0.0, 1.0), (-0.3, 0.4))))


@settings(max_examples=10)
@given(vector_functions(3, 3))
def test_stokes(F):
    holds(theorems.stokes(F, sphere, (0.0, 1.2), (0.0, 2 * PI)))
    holds(theorems.stokes(F, lambda u, v: [u, v, u * v], (-0.5, 1.0), (0.0, 1.0)))


def test_both_sides_and_their_signs():
    found = theorems.green(lambda p: np.stack([-(p[1] ** 3), p[0] ** 3]), Region.disc())
    assert found.left == pytest.approx(1.5 * PI, rel=1e-12)
    assert found.right == pytest.approx(1.5 * PI, rel=1e-12)
    assert max(found.left_error, found.right_error) < 1e-11
    assert "they agree" in found.verdict
    out = theorems.divergence_theorem(lambda p: p, Region.ball((1.0, 2.0, 3.0), 2.0))
    assert out.left == pytest.approx(32 * PI, rel=1e-12)
    flat = theorems.stokes(
        lambda p: [-p[1], p[0], p[2]], lambda r, t: [r * np.cos(t), r * np.sin(t), 0 * r], (0, 1), (0, 2 * PI)
    )
    assert flat.left == pytest.approx(2 * PI, rel=1e-12)
    holds(
        theorems.green(ad.gradient_field(lambda p: np.sin(p[0]) * p[1]), Region.disc())
    )  # both sides 0 but for rounding


def test_a_wrong_side_is_seen():
    from autodiff.calculus.comparisons import compared

    assert compared((1.0, 1e-12), (1.0 + 1e-11, 1e-12)).holds
    wrong = compared((1.0, 1e-12), (1.0 + 1e-7, 1e-12))
    assert not wrong.holds
    assert "DIFFER" in wrong.verdict
    assert not compared((math.nan, 1.0), (math.nan, 1.0)).holds


@pytest.mark.parametrize(
    "region",
    [
        Region.disc(),
        Region.disc((0.3, 0.1)),
        Region.box((-1.0, 1.0), (-1.0, 1.5)),
        Region.box((0.0, 1.0), (-1.0, 1.5)),
        Region.between(-1.0, 1.0, lambda x: -1 - x**2, 0.7),
    ],
)
def test_a_pole_in_the_region_is_reported(region):
    with pytest.raises(
        ad.DomainError, match=r"green: .*pole in the region, near \((-?\d\.?\d*e-\d+|0), .*cut the pole out"
    ):
        theorems.green(vortex, region)


def test_a_pole_outside_is_none_of_our_business():
    found = theorems.green(vortex, Region.disc((3.0, 0.1)))
    holds(found)
    assert abs(found.left) < 1e-12
    holds(theorems.divergence_theorem(charge, Region.box((1.0, 2.0), (-1.0, 1.0), (-1.0, 1.0))))
    holds(
        theorems.divergence_theorem(
            charge,
            Region(  # a shell round the pole
                lambda r, u, v: r * sphere(u, v), [(0.5, 1.0), (0.0, PI), (0.0, 2 * PI)]
            ),
        )
    )


def test_poles_in_space_and_on_surfaces():
    with pytest.raises(ad.DomainError, match=r"divergence_theorem: .*pole"):
        theorems.divergence_theorem(charge, Region.ball((0.2, 0.1, 0.0)))
    with pytest.raises(ad.DomainError, match=r"stokes: .*pole"):
        theorems.stokes(lambda p: charge(p - np.array([0.0, 0.0, 1.0])[:, None]), sphere, (0.0, 1.0), (0.0, 2 * PI))


def test_a_steep_field_is_no_pole():
    holds(theorems.green(lambda p: np.stack([-p[1], p[0]]) / (0.05 + np.sum(p**2, axis=0)), Region.disc()))


# --- the rules of integration


def test_substitution_and_parts():
    found = theorems.substitution(np.exp, lambda x: x**2, 0.0, 1.0)
    holds(found)
    assert found.right == pytest.approx(math.e - 1, rel=1e-13)
    holds(theorems.substitution(np.cos, lambda x: np.sin(3 * x), 0.0, 2.0))  # u turns back on the way
    found = theorems.by_parts(lambda x: x, np.sin, 0.0, 1.0)
    holds(found)
    assert found.left == pytest.approx(math.sin(1) + math.cos(1) - 1, rel=1e-12)
    with pytest.raises(ad.DomainError, match="f g is nan at 0"):
        theorems.by_parts(np.log, lambda x: x**2, 0.0, 1.0)


@pytest.mark.parametrize(
    ("p", "q", "limits"),
    [
        ([1.0], [1.0, 0.0, 1.0], (0.0, 1.0)),
        ([1.0, 2.0], [1.0, -3.0, 2.0], (3.0, 5.0)),
        ([1.0, 0.0, 0.0, 1.0], [1.0, 1.0], (0.0, 2.0)),
        ([2.0, 1.0], [1.0, -2.0, 1.0], (2.0, 4.0)),
        ([1.0], [1.0, 0.0, 0.0, 0.0, 1.0], (-1.0, 2.0)),
        ([1.0, 1.0, 1.0], [1.0, 0.0, 2.0, 0.0, 1.0], (0.0, 3.0)),
        ([3.0], [2.0, 2.0, 5.0], (-4.0, 1.0)),
    ],
)
def test_partial_fractions(p, q, limits):
    holds(theorems.partial_fractions_integral(p, q, *limits))
    parts = theorems.partial_fractions(p, q)
    x = np.linspace(*limits, 7)
    np.testing.assert_allclose(parts(x), np.polyval(p, x) / np.polyval(q, x), rtol=1e-6, atol=1e-7)


def test_partial_fractions_refuse_a_pole_between_the_limits():
    with pytest.raises(ad.DomainError, match="root 1 between the limits"):
        theorems.partial_fractions_integral([1.0], [1.0, 0.0, -1.0], 0.0, 2.0)
    with pytest.raises(ad.DomainError, match="denominator q is 0"):
        theorems.partial_fractions([1.0], [0.0])


# --- calls that cannot be


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: ad.line_integral(lambda p: p, lambda t: np.stack([t, t], axis=-1), 0, 1), ad.ShapeError, "first axis"),
        (lambda: ad.line_integral(lambda p: p[:1], circle, 0, 1), ad.ShapeError, "2 components"),
        (lambda: ad.line_integral(lambda p: np.ones(3), circle, 0, 1), ad.ShapeError, "a scalar one"),
        (lambda: ad.surface_integral(lambda p: p, lambda u, v: [u, v], (0, 1), (0, 1)), ad.ShapeError, "3 coordinates"),
        (lambda: flux(lambda p: p[0], sphere, (0, 1), (0, 1)), ad.ShapeError, "3 components"),
        (lambda: theorems.green(lambda p: p, Region.ball()), ad.ShapeError, "holds in the plane"),
        (lambda: Region(lambda u: u, [(0.0, 1.0)]), ad.StructureError, "two or three pairs"),
    ],
)
def test_calls_that_cannot_be_say_why(call, error, told):
    with pytest.raises(error, match=f"(?s){told}"):
        call()
