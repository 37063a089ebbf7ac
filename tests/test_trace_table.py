"""The evaluation trace: names, expressions, values, local partials, both sweeps."""

import numpy as np
import pytest

import autodiff as ad
from tests.test_drawing_derivatives import FUNCTIONS


def test_the_textbook_example():
    """f(x1, x2) = (sin(x1/x2) + x1/x2 - exp(x2)) (x1/x2 - exp(x2)) at (1.5, 0.5), to four decimals.

    The running example of A. Griewank, A. Walther, Evaluating Derivatives, 2nd edition, 2008, section 1.2.
    """

    def f(x1, x2):
        quotient, e = x1 / x2, np.exp(x2)
        difference = quotient - e
        return (np.sin(quotient) + difference) * difference

    table = ad.trace_table(f, 1.5, 0.5, direction=(1.0, 0.0))
    rows = {r.expression: r for r in table.rows}
    assert [r.expression for r in table.rows] == [
        "input",
        "input",
        "x1 / x2",
        "exp(x2)",
        "v1 - v2",
        "sin(v1)",
        "v4 + v3",
        "v5 * v3",
    ]
    values = {e: round(float(r.value), 4) for e, r in rows.items() if e != "input"}
    assert values == {
        "x1 / x2": 3.0,
        "exp(x2)": 1.6487,
        "v1 - v2": 1.3513,
        "sin(v1)": 0.1411,
        "v4 + v3": 1.4924,
        "v5 * v3": 2.0166,
    }
    tangents = [round(float(r.tangent), 4) for r in table.rows]
    assert tangents == [1.0, 0.0, 2.0, 0.0, 2.0, -1.98, 0.02, 3.0118]
    cotangents = [round(float(r.cotangent), 4) for r in table.rows[:2]]
    assert cotangents == [3.0118, -13.724]
    assert rows["x1 / x2"].partials == {"x1": "2", "x2": "-6"}


def test_it_prints_as_columns():
    text = str(ad.trace_table(lambda x: np.sin(x) * 2.0, 0.0))
    lines = text.splitlines()
    assert lines[0].split() == ["node", "expression", "value", "local", "partials", "cotangent"]
    assert lines[1].split() == ["x", "input", "0", "2"]
    assert lines[2].split(maxsplit=3)[:3] == ["v1", "sin(x)", "0"] and "∂v1/∂x = 1" in lines[2]
    assert lines[3].split(maxsplit=1)[1].startswith("v1 * 2") and len(lines) == 4
    assert repr(ad.trace_table(lambda x: np.sin(x) * 2.0, 0.0)) == text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_sweeps_meet(name):
    """Cotangent times tangent, summed over the arguments, is the tangent of the result."""
    rng = np.random.default_rng(0)
    x, y, s, t = rng.normal(size=(4, 3, 3))
    with np.errstate(all="ignore"):
        table = ad.trace_table(FUNCTIONS[name], x, y, direction=(s, t))
    first, second = table.rows[:2]
    total = (first.cotangent * first.tangent).sum() + (second.cotangent * second.tangent).sum()
    np.testing.assert_allclose(table.rows[-1].tangent, total, rtol=1e-9)
    np.testing.assert_allclose(first.cotangent, ad.grad(FUNCTIONS[name])(x, y), rtol=1e-12)
    np.testing.assert_allclose(table.rows[-1].value, FUNCTIONS[name](x, y), rtol=1e-15)


def test_nested_arguments_have_a_row_a_leaf():
    table = ad.trace_table(
        lambda p, x: (x @ p["w"] + p["b"]).sum(),
        {"w": np.ones((2, 3)), "b": 1.0},
        np.ones((4, 2)),
        direction=({"w": np.zeros((2, 3)), "b": 1.0}, np.zeros((4, 2))),
    )
    by_name = {r.name: r for r in table.rows}
    assert list(by_name)[:3] == ["p['w']", "p['b']", "x"]
    assert by_name["v1"].expression == "x @ p['w']"
    assert float(by_name["p['b']"].cotangent) == 12 and float(table.rows[-1].tangent) == 12


def test_constants_outputs_and_outer_tensors_are_told_apart():
    w = ad.tensor(2.0, requires_grad=True, name="w")
    table = ad.trace_table(lambda x: np.split(x * w, 2)[0] - np.ones(1), np.ones(2))
    assert [r.expression for r in table.rows] == [
        "input",
        "x * w",
        "split(v1, sizes=(1, 1), axis=0)",
        "v2[0]",
        "v3 - <(1,) float64>",
    ]


def test_an_unused_argument_has_zeros_and_a_constant_result_no_rows():
    table = ad.trace_table(lambda x, y: x * 2.0, 1.0, 2.0, direction=(0.0, 1.0))
    assert float(table.rows[1].cotangent) == 0 and float(table.rows[-1].tangent) == 0
    assert [r.name for r in ad.trace_table(lambda x: 3.0, 1.0).rows] == ["x"]


def test_a_long_trace_shows_both_ends():
    def f(x):
        for _ in range(500):
            x = np.sin(x)
        return x

    lines = str(ad.trace_table(f, 1.0)).splitlines()
    assert len(lines) == 202 and "... 301 more" in lines[101] and lines[-1].startswith("v500")


def test_names_of_tensors_from_outside_leave_the_table_a_table():
    w = ad.tensor(2.0, requires_grad=True, name="line\nbreak" + "n" * 10_000)
    lines = str(ad.trace_table(lambda x: w * x, 3.0)).splitlines()
    assert len(lines) == 3 and max(map(len, lines)) < 200
    assert "line break" in lines[2]


def test_wrong_directions_are_told():
    with pytest.raises(ad.GradientError, match=r"a tangent for each of the 1 argument"):
        ad.trace_table(np.sin, 1.0, direction=1.0)
    with pytest.raises(ad.GradientError, match="shape"):
        ad.trace_table(lambda x: x.sum(), np.ones(2), direction=(np.ones(3),))
    with pytest.raises(ad.GradientError, match="int"):
        ad.trace_table(np.sin, 1)


def test_the_notebook_form_is_a_table_of_text():
    bundle = ad.trace_table(lambda x: x * 2.0, np.ones((2, 2)))._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"].count("<tr>") == 3
    assert "<td" in bundle["text/html"] and "∂v1/∂x = diag [[2, 2], [2, 2]]" in bundle["text/html"]


def test_an_operand_that_occurs_twice_has_both_of_its_partials():
    (_, square, result) = ad.trace_table(lambda x: x * x + x, 1.5).rows
    assert square.partials == {"x": "1.5 + 1.5"} and result.partials == {"v1": "1", "x": "1"}
