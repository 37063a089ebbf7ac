"""The rooms over the plane in a real browser (surface, descent, fields): what they show is what the engine says."""

import base64
import json

import numpy as np
import pytest

import autodiff as ad
import optim
from autodiff.calculus import Region, theorems
from demos.explorer.answering import answer
from demos.explorer.rooms import descent


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
    page = open_page("descent", {"methods": "gd,nesterov,adam,newton", "steps": 30})
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
    for entry, said in (
        ("rate", "gradient descent diverges above 0.0196838"),
        ("rate_momentum", "Nesterov diverges above 0.0133569"),
    ):
        assert said in page.page.locator(f'[data-entry="{entry}"]').inner_text()


@pytest.mark.parametrize("name", descent.THRESHOLDS)
def test_a_method_settles_below_its_threshold_and_diverges_above_it(name):
    ends = []
    for part in (0.95, 1.05):
        rate = part * descent.THRESHOLDS[name]
        state = {"f": "(x^2 + y^2)/2", "methods": name, "rate": rate, "rate_momentum": rate, "steps": 500}
        path = json.loads(answer(json.dumps({"room": "descent", "ask": "view", "state": state}), {}))["paths"][name]
        ends.append(np.frombuffer(base64.b64decode(path["value"]["bdata"]))[-1])
    assert ends[0] < 1e-6 and ends[1] > 1e6


def test_where_f_is_not_defined_no_room_shows_a_derivative(open_page):
    for room, names in (
        ("curve?f=log(x)&x=-1", ("slope",)),
        ("surface?f=log(x)&x=-1", ("fx", "steepness", "along")),
        ("descent?f=log(x)&x=-1&steps=20", ("steepness", "gd-steepness")),
        ("graph?f=log(x)&x=-1", ("x",)),
    ):
        page = open_page(room)
        for name in names:
            assert page.page.locator(f'[data-number="{name}"]').inner_text() == "not defined", (room, name)
    assert "f is not defined here" in page.page.locator("#room").inner_text()


def test_what_takes_longer_is_asked_for_once(open_page):
    page = open_page("fields")
    page.at_rest()
    sent = []
    page.page.expose_function("sent", lambda text: sent.append(json.loads(text)["ask"]))
    page.page.evaluate(
        """() => {
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (text) { sent(text); send.call(this, text); };
        }"""
    )
    page.choose("colour", "divergence")
    page.page.wait_for_timeout(300)  # the rest after which it would be asked
    page.at_rest()
    assert sent == ["view", "grid"]
    page.type("x", 0.25)
    page.at_rest()
    assert sent[2:] == ["view", "green"]


def test_what_was_lost_with_the_connection_is_asked_for_again(open_page):
    page = open_page("fields", fresh=True)
    page.at_rest()
    page.page.evaluate(
        """() => {
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (text) {
                if (!text.includes('"green"')) return send.call(this, text);
                WebSocket.prototype.send = send;
                this.close();
            };
        }"""
    )
    page.type("x", 0.25)
    page.page.wait_for_selector("text=the connection was lost")
    page.choose("colour", "divergence")
    page.at_rest()
    assert page.page.locator("#room-error").inner_text() == ""
    assert page.number("circulation-left") == pytest.approx(page.number("circulation"), rel=1e-10)


def test_pictures_in_space_are_given_back_when_their_room_is_left(open_page):
    page = open_page("surface")  # a browser has sixteen contexts, and takes the oldest away with a warning
    lost = """() => {
        window.lent ??= [...document.querySelectorAll("canvas")].map((one) => one.getContext("webgl")).filter(Boolean);
        return lent.map((context) => context.isContextLost());
    }"""
    assert page.page.evaluate(lost) == [False]
    page.show("curve")
    assert page.page.evaluate(lost) == [True]
    page.show("surface")
    assert page.page.evaluate("delete window.lent") and page.page.evaluate(lost) == [False]  # and drawn again


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
