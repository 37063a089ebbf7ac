"""The curve room in a real browser: what it shows is what the engine says."""

import subprocess
import sys

import numpy as np
import pytest

import autodiff as ad


def f(x):
    return x * np.sin(x)


@pytest.fixture
def page(open_page):
    return open_page("curve")


def test_the_numbers_at_the_point_are_those_of_the_engine(page):
    for x in (1.0, -2.5, 0.0):
        page.type("x", x)
        assert page.number("value") == f(x)
        assert page.number("slope") == ad.derivative(f)(x)
        assert page.number("second") == pytest.approx(float(ad.derivative(f, 2)(x)), rel=1e-14)


def test_a_point_is_dragged_and_its_place_is_in_the_address(page):
    page.drag("x", 150, 40)
    x = float(page.state()["x"])
    assert 2.0 < x < 4.0
    assert page.number("value") == f(x) and page.at("x").startswith(f"x = {x}")
    page.page.keyboard.press("ArrowLeft")
    page.settled()
    assert float(page.state()["x"]) == pytest.approx(x - 0.12, abs=0.01)


def test_a_link_leads_back_to_what_was_shown(page):
    page.type("f", "exp(-x^2)")
    page.type("x", 0.5)
    page.tick("secant")
    link, secant = page.page.evaluate("location.href"), page.number("secant")
    page.state()
    page.open(page.page.evaluate("location.hash").removeprefix("#"))
    assert page.number("secant") == secant == (np.exp(-(1.5**2)) - np.exp(-(0.5**2))) / 1.0, link


def test_sums_and_the_integral(page):
    page.tick("sums")
    page.choose("rule", "trapezoid")
    assert page.number("integral") == pytest.approx(float(ad.integrate(f, 0, 3)), rel=1e-15)
    for rule in ("left", "right", "midpoint", "trapezoid", "simpson"):
        assert page.number(f"sum-{rule}") == ad.calculus.riemann_sum(f, 0.0, 3.0, 8, rule)
    page.drag("b", -120, 0)
    b = float(page.state()["b"])
    assert 0 < b < 3 and page.number("integral") == pytest.approx(float(ad.integrate(f, 0, b)), rel=1e-13)


def test_a_syntax_error_is_marked_at_its_column_and_the_picture_stays(page):
    value = page.number("value")
    page.type("f", "x*sin(x")
    assert "column 6: this ( is never closed; ) is expected" in page.error("f")
    assert page.number("value") == value
    page.type("f", "x*sin(x)")
    assert page.error("f") == ""


def test_a_domain_error_is_a_gap(page):
    page.type("f", "log(x)")
    page.type("x", -1)
    assert page.page.locator('[data-number="value"]').inner_text() == "not defined"
    assert page.page.locator('[data-number="slope"]').inner_text() == "not defined"
    drawn = "document.querySelector('.canvas')._fullData.find((trace) => trace.name === 'f').y"
    gaps = page.page.evaluate(f"Array.from({drawn}, Number.isNaN)")
    assert gaps == [x <= 0 for x in np.linspace(-6, 6, 401)]


def test_the_program_runs_and_prints_what_the_page_shows(page, tmp_path):
    page.tick("sums")
    page.tick("taylor")
    (tmp_path / "view.py").write_text(page.program(), encoding="utf-8")
    command = [sys.executable, "-c", "import matplotlib; matplotlib.use('Agg'); exec(open('view.py').read())"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert repr(page.number("slope"))[:12] in run.stdout and str(page.number("integral"))[:12] in run.stdout


def test_pictures_are_saved(page):
    name, svg = page.saved("#svg")
    assert name == "curve.svg" and svg.startswith(b"<svg") and b"tangent" in svg
    name, png = page.saved("#png")
    assert name == "curve.png" and png.startswith(b"\x89PNG")


def test_a_point_is_not_lost_beyond_the_window_and_an_emptied_box_shows_its_number_again(page):
    page.drag("x", 3000, 0)
    page.page.keyboard.press("ArrowRight")
    page.settled()
    assert page.at("x").startswith("x = 6,")
    page.type("x", "")
    page.page.keyboard.press("Tab")
    assert page.page.locator('[data-entry="x"] input').input_value() == "6"


def test_what_stays_while_there_is_an_error_is_pale(page):
    pale = "getComputedStyle(document.querySelector('.numbers')).opacity < 1"
    page.type("f", "sin x")
    assert "( is expected: the argument of sin" in page.error("f") and page.page.evaluate(pale)
    page.type("f", "sin(x)")
    assert not page.page.evaluate(pale)


def test_an_address_that_was_written_by_hand_shows_a_room(open_page):
    page = open_page("graph", fresh=True)
    page.page.goto("about:blank")
    page.page.goto(f"{page.address}#toString")
    page.page.wait_for_selector("html[data-ready]")
    assert page.page.locator("h2").inner_text() == "Curve"
    for address in ("__proto__", "curve?constructor=1", "curve?f=5", "descent?methods=5"):
        page.show("graph")
        page.page.evaluate("(hash) => { location.hash = hash; }", address)
        page.page.wait_for_selector("h2:not(:text('Graph'))")
        assert page.page.locator("h2").inner_text() == ("Descent" if "descent" in address else "Curve")


def test_a_state_that_is_written_late_does_not_lead_back_into_its_room(open_page):
    page = open_page("graph")
    page.page.evaluate(
        """() => {
            const input = [...document.querySelectorAll('[data-entry="x"] input')].at(-1);
            input.value = "0.25";
            input.dispatchEvent(new Event("input", { bubbles: true }));
            input.dispatchEvent(new Event("change", { bubbles: true }));
            location.hash = "#curve"; // the page hears of it in a later task
            dispatchEvent(new Event("pagehide")); // what is to be written is written now
        }"""
    )
    page.page.wait_for_selector("h2:has-text('Curve')")
    page.settled()
    assert page.page.evaluate("location.hash") == "#curve"


def test_the_link_to_the_content_stays_in_the_room_and_back_leads_to_what_was_typed(page):
    page.page.fill('[data-entry="f"] input', "x^3")
    page.page.click("[data-room=surface]")
    page.page.wait_for_selector("text=tangent plane")
    page.page.focus(".skip")
    page.page.keyboard.press("Enter")
    assert page.page.evaluate("document.activeElement.id") == "room"
    assert page.page.locator("h2").inner_text() == "Surface"
    page.page.go_back()
    page.page.wait_for_selector("text=tangent >> visible=true")
    page.settled()
    assert page.page.locator('[data-entry="f"] input').input_value() == "x^3"
