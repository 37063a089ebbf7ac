"""The graph room in a real browser: both sweeps, step by step."""

import numpy as np
import pytest

import autodiff as ad


def f(x, y):
    return np.sin(x * y) + x**2


def box(page, name):
    return page.page.locator(f'[data-vertex="{name}"]').text_content()


def test_values_forward_and_cotangents_backward(open_page):
    page = open_page("graph")
    assert "0.75" not in box(page, "v1")  # not computed yet
    page.page.get_by_role("button", name="Next").click()
    page.settled()
    assert "0.75" in box(page, "v1") and "0.681639" not in box(page, "v2")
    assert page.page.locator('[data-part="caption"]').inner_text().startswith("v1 = x * y = 0.75")
    page.page.locator('[aria-label="the graph"]').focus()
    page.page.keyboard.press("End")
    page.settled()
    gx, gy = ad.grad(f, (0, 1))(1.5, 0.5)
    assert f"∂v4/∂x = {gx:.6g}" in box(page, "x") and f"∂v4/∂y = {gy:.6g}" in box(page, "y")
    assert (page.number("x"), page.number("y"), page.number("value")) == (gx, gy, f(1.5, 0.5))


def test_a_step_of_the_chain_rule_lights_its_lines_of_the_program(open_page):
    page = open_page("graph", {"step": 12})
    assert "v2 sends 0.7317 to v1" in page.page.locator('[data-part="caption"]').inner_text()
    lit = page.page.locator(".program mark").all_inner_texts()
    assert [line.strip() for line in lit] == ["# backwards through sin", "ct_cos_1 = np.cos(product_1)"]
    assert page.page.locator(".formula math mfrac").count() == 3


def test_a_graph_follows_the_sliders_and_is_saved(open_page):
    page = open_page("graph", {"step": 16})
    page.type("x", 0.25)
    assert page.number("x") == float(ad.grad(f)(0.25, 0.5))
    name, svg = page.saved("#svg")
    assert name == "graph.svg" and b"v1 = x * y" in svg
    assert page.saved("#png")[1].startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["2", "x"])
def test_what_has_no_graph_is_told(open_page, text):
    page = open_page("graph")
    page.type("f", text)
    assert "there is no operation on x or y to differentiate" in page.error("f")


def test_back_steps_back_also_after_an_expression_of_more_steps(open_page):
    page = open_page("graph", {"step": 16})
    page.type("f", "2x")
    last = page.page.locator('[data-number="step"]').inner_text()
    page.page.get_by_role("button", name="Back").click()
    page.settled()
    assert last == "5 of 5" and page.page.locator('[data-number="step"]').inner_text() == "4 of 5"
