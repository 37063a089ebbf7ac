"""The rooms over the plane in a real browser (surface, descent, fields): what they show is what the engine says."""

import numpy as np
import pytest

import autodiff as ad
import optim
from autodiff.calculus import Region, theorems


def f(p):
    x, y = p
    return x**3 / 3 - x + y**2 - x * y / 2


def valley(p):
    x, y = p
    return (1 - x) ** 2 + 10 * (y - x**2) ** 2


def point(page):
    state = page.state()
    return np.array([float(state["x"]), float(state["y"])])


def test_the_surface_at_a_point_that_is_dragged(open_page):
    page = open_page("surface", {"angle": 60})
    page.drag("p", 40, 25)
    p = point(page)
    assert p[0] > 0.6 and p[1] < 0.9
    g, H = ad.grad(f)(p), ad.hessian(f)(p)
    shown = [page.number(name) for name in ("value", "fx", "fy", "fxx", "fxy", "fyy", "low", "high")]
    np.testing.assert_allclose(shown, [f(p), *g, H[0, 0], H[0, 1], H[1, 1], *np.linalg.eigvalsh(H)], rtol=1e-13)
    v = np.array([np.cos(np.pi / 3), np.sin(np.pi / 3)])
    assert page.number("along") == pytest.approx(g @ v, rel=1e-13)
    page.drag("v", 0, 60)
    turn = np.deg2rad(float(page.state()["angle"]))
    assert page.number("along") == pytest.approx(g @ [np.cos(turn), np.sin(turn)], rel=1e-13)


def test_all_critical_points_are_marked(open_page):
    page = open_page("surface", {"critical": True})
    page.page.wait_for_selector("[data-critical]")
    found = page.page.locator("[data-critical]")
    kinds = [found.nth(i).get_attribute("data-critical") for i in range(found.count())]
    assert kinds == [c.kind for c in optim.critical_points(f, [(-2.5, 2.5), (-2.0, 2.0)])] == ["minimum", "saddle"]
    page.settled()
    name, svg = page.saved("#svg")
    assert name == "surface.svg" and b"saddle" in svg


def test_the_paths_are_those_of_the_optimisers(open_page):
    page = open_page("descent", {"methods": "gd,adam,newton", "steps": 30})
    page.drag("start", 30, -20)
    start = point(page)
    assert start[0] > -1 and start[1] > 1.5
    for name, make in (("gd", lambda p: optim.GradientDescent([p], 0.01)), ("adam", lambda p: optim.Adam([p], 0.1))):
        p = ad.tensor(start, requires_grad=True)
        optimizer = make(p)
        for _ in range(30):
            p.grad = ad.grad(valley)(p.data)
            optimizer.step()
        assert page.number(f"{name}-value") == pytest.approx(float(valley(p.data)), rel=1e-12)
        assert page.number(f"{name}-x") == pytest.approx(p.data[0], rel=1e-12)
    page.at_rest()
    largest = np.linalg.eigvalsh(ad.hessian(valley)(np.ones(2)))[-1]
    assert page.number("threshold") == pytest.approx(2 / largest, rel=1e-6)
    assert "diverges above 0.0196838" in page.page.locator('[data-entry="rate"]').inner_text()


def test_a_rate_above_the_threshold_diverges_and_steps_can_be_seen(open_page):
    page = open_page("descent", {"f": "x^2 + 10*y^2", "methods": "gd", "rate": 0.11, "x": 1, "y": 1})
    page.at_rest()
    assert page.number("threshold") == pytest.approx(0.1)
    assert abs(page.number("gd-y")) > 1e6
    slider = page.page.get_by_role("slider", name="step that is shown")
    slider.focus()
    page.page.keyboard.press("Home")
    page.page.keyboard.press("ArrowRight")
    page.settled()
    assert page.number("gd-y") == pytest.approx(1 - 0.11 * 20)


def field(p):
    x, y = p
    return np.stack([-(y**3), x**3])


def test_both_sides_of_greens_theorem_on_a_loop_that_is_reshaped(open_page):
    page = open_page("fields")
    page.at_rest()
    assert page.number("circulation") == pytest.approx(3 * np.pi / 2, rel=1e-12)
    page.drag("corner-0", 50, 0)
    page.drag("centre", 20, 10)
    state = page.state()
    radii = np.array([float(r) for r in state["radii"].strip('"').split(",")])
    assert radii[0] > 1.2 and (radii[1:] == 1).all()
    waves = np.fft.rfft(radii) / 6 * [1, 2, 2, 1]
    cx, cy = point(page)

    def place(s, t):
        r = s * sum(np.cos(k * t) * w.real - np.sin(k * t) * w.imag for k, w in enumerate(waves))
        return [cx + r * np.cos(t), cy + r * np.sin(t)]

    page.at_rest()
    sides = theorems.green(field, Region(place, [(0.0, 1.0), (0.0, 2 * np.pi)]))
    assert page.number("circulation-left") == pytest.approx(float(sides.left), rel=1e-10)
    assert page.number("circulation-right") == pytest.approx(float(sides.right), rel=1e-10)


def test_a_pole_inside_the_loop_is_named(open_page):
    page = open_page("fields", {"P": "-y/(x^2+y^2)", "Q": "x/(x^2+y^2)", "x": 0.1})
    page.at_rest()
    assert page.number("circulation") == pytest.approx(2 * np.pi, rel=1e-10)
    assert "has a pole in the region, near" in page.page.locator('[data-part="green"]').inner_text()


def test_a_surface_that_is_nowhere_does_not_stop_the_pictures(open_page):
    page = open_page("surface", {"f": "sqrt(-1-x^2)"})
    page.type("f", "x*y")
    assert page.page.locator("svg .contourlayer path").count() and page.number("value") == 0.5


def test_a_path_that_is_lost_is_drawn_to_where_it_can_be(open_page):
    page = open_page("descent", {"f": "exp(x)*1e200", "methods": "gd,newton"})
    assert page.page.locator("svg .contourlayer path").count()
