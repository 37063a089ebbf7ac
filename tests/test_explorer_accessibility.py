"""Every room in both themes: axe-core finds no serious fault; what a keyboard and a screen reader need is there."""

from importlib.resources import files

import pytest

from demos.explorer.rooms import ROOMS

SEVERE = {"serious", "critical"}


def violations(page):
    """What axe-core finds, and where: ``rule: selector, ...`` for each serious or critical violation."""
    if not page.page.evaluate("'axe' in window"):
        page.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.page.evaluate("axe.run({resultTypes: ['violations']})")[
        "violations"
    ]  # else it describes what is right
    return [
        f"{v['id']}: {v['nodes'][0]['target']} {v['nodes'][0]['failureSummary']}"
        for v in found
        if v["impact"] in SEVERE
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_is_wider_than_a_phone_and_axe_finds_nothing_serious_in_either_theme(open_page, room):
    page = open_page(room, width=390, height=800)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: pip install axe-playwright-python")
    page.page.set_viewport_size({"width": 1280, "height": 860})
    page.at_rest()
    assert violations(page) == []
    page.page.click("#theme")
    page.at_rest()
    assert page.page.locator("html").get_attribute("data-theme") == "dark"
    assert violations(page) == []
    page.page.click("#theme")  # as the next room expects it


def test_everything_is_reached_by_keyboard(open_page):
    page = open_page("curve")
    reached = []
    for _ in range(40):
        page.page.keyboard.press("Tab")
        reached.append(page.page.evaluate("document.activeElement.dataset.handle ?? document.activeElement.id ?? ''"))
    assert {"theme", "link", "python", "svg", "png", "x"} <= set(reached)
    page.page.locator('[data-handle="x"]').focus()
    page.page.keyboard.press("Shift+ArrowRight")
    page.settled()
    assert page.at("x") == "x = 2.2, f(x) = 1.77869"


def test_a_planted_fault_is_found(open_page):
    page = open_page("graph", fresh=True)
    page.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert [text.split(":")[0] for text in violations(page)] == ["button-name"]
