"""Numbers and derivatives in pictures: values, gradients, local partial derivatives, the backward pass as a graph."""

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.core.tape import INPUT
from autodiff.drawing import read_graph
from autodiff.drawing.derivatives import cotangents, local_partials, record_backward
from autodiff.drawing.dot import STYLES, TEXT
from autodiff.drawing.graph import LEAVES
from autodiff.drawing.labels import entries, size_of, summary
from tests.pictures import shown


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def boxes(picture):
    """The lines of each box, by its first line."""
    return {b.lines[0]: b.lines[1:] for b in shown(picture.pipe(format="svg")).boxes}


def on_arrows(picture):
    """Labels of arrows, by the titles at both ends."""
    svg = shown(picture.pipe(format="svg"))
    names = {b.name: b.lines[0] for b in svg.boxes}
    found = {}
    for line in picture.source.splitlines():
        if "->" in line and "label=" in line and "<TABLE" not in line:
            tail, head = line.split("[")[0].split("->")
            found[names[tail.strip()], names[head.strip()]] = line.split("label=")[1].strip()[:-1].strip('" ')
    return found


def expression():
    a, b = tracked(2.0, "a"), tracked(-3.0, "b")
    return np.tanh(a * b + b**2)


# --- values, gradients, partials ------------------------------------------------------------------


def test_a_small_graph_shows_value_gradient_and_local_partials():
    slope = 1 - np.tanh(3.0) ** 2
    picture = ad.draw(expression(), values=True, gradients=True, partials=True)
    assert boxes(picture) == {
        "a": ["scalar float64", "value 2", f"gradient {-3 * slope:.4g}"],
        "b": ["scalar float64", "value -3", f"gradient {2 * slope - 6 * slope:.4g}"],
        "multiply": ["scalar float64", "value -6", f"cotangent {slope:.4g}"],
        "square": ["scalar float64", "value 9", f"cotangent {slope:.4g}"],
        "add": ["scalar float64", "value 3", f"cotangent {slope:.4g}"],
        "tanh": ["scalar float64", f"value {np.tanh(3.0):.4g}", "cotangent 1"],
    }
    assert on_arrows(picture) == {
        ("a", "multiply"): "-3",
        ("b", "multiply"): "2",
        ("b", "square"): "-6",
        ("multiply", "add"): "1",
        ("square", "add"): "1",
        ("add", "tanh"): f"{slope:.4g}",
    }


def test_values_are_shown_unasked_for_a_few_scalars_only():
    assert "value 9" in ad.draw(expression()).source
    assert "value" not in ad.draw(expression(), values=False).source
    assert "value" not in ad.draw((tracked(np.ones(3)) * 2.0).sum()).source
    assert "gradient" not in ad.draw(expression()).source


def test_arrays_are_written_out_or_summarised():
    x, big = tracked([1.0, -2.0], "x"), tracked(np.linspace(-1, 2, 50), "big")
    found = boxes(ad.draw((x * x).sum() * big.sum(), values=True, gradients=True))
    assert found["x"] == ["(2,) float64", "value [1, -2]", "gradient [50, -100]"]
    assert found["big"] == ["(50,) float64", "value -1 to 2", f"gradient norm {5 * np.sqrt(50):.4g}"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        ([1.0, 1 / 3], "[1, 0.3333]"),
        ([[1.0, 2.0], [3.0, 4.0]], "[[1, 2], [3, 4]]"),
        (np.arange(5), "0 to 4"),
        (np.full(9, 2.5), "all 2.5"),
        ([1.0, np.nan, 2.0, np.inf, 3.0], "1 to 3, 2 not finite"),
        (np.full(6, np.nan), "6 not finite"),
        (1 + 2j, "1+2j"),
        ([True, False], "[True, False]"),
    ],
)
def test_summaries(value, text):
    assert summary(np.array(value)) == text


def test_sizes_of_gradients():
    assert size_of(np.array([3.0, 4.0])) == "[3, 4]" and size_of(np.full(25, 2.0)) == "norm 10"
    assert entries(np.float32(0.1)) == "0.1"
    assert size_of(np.full(9, 1e300)) == "norm inf" and size_of(np.zeros(0)) == summary(np.zeros(0)) == "[]"


FUNCTIONS = {
    "products": lambda x, y: (x @ y + x * 2.0).sum(),
    "the same operand twice": lambda x, y: (x * x * y + x / x).sum(),
    "several outputs": lambda x, y: np.prod(np.split(x * y, 3, axis=1)[1]) + np.linalg.eigh(x @ x.T)[0].sum(),
    "several results of one": lambda x, y: np.concatenate([x, y, x]).std(),
    "masked": lambda x, y: np.where(x > 0, np.sqrt(np.abs(x)), y).sum(),
    "masked at an infinite slope": lambda x, y: np.sqrt(np.maximum(x - 0.5, 0.0)).sum() + y.sum(),
    "masked where the slope is infinite": lambda x, y: (
        np.where(x > 0, s := np.sqrt(np.maximum(x, 0.0)), 0.0) + np.where(x > 0.5, s, 0.0) + y
    ).sum(),
    "powers": lambda x, y: (np.abs(x) ** y).sum(),
    "broadcast": lambda x, y: (x[0] * y + x[:, :1]).mean(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cotangents_are_gradients(name):
    rng = np.random.default_rng(0)
    x, y = tracked(rng.normal(size=(3, 3))), tracked(rng.normal(size=(3, 3)))
    z = FUNCTIONS[name](x, y)
    found = cotangents([z])
    for t in (x, y):
        want = ad.gradients(z, [t])[0].data
        np.testing.assert_allclose(found[t._node], want, rtol=1e-12)
    assert x.grad is None


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "infinite" not in name])
def test_local_partials_agree_with_differences(name):
    """Every partial that a picture would show, against central differences of the primitive itself."""
    rng = np.random.default_rng(1)
    z = FUNCTIONS[name](tracked(rng.normal(size=(3, 3))), tracked(rng.normal(size=(3, 3))))
    checked = 0
    for v in read_graph([z]).vertices:
        node = v.node
        if node is None or node.primitive is INPUT or v.kind in LEAVES:
            continue
        for i, partial in enumerate(local_partials(node)):
            if partial is None or partial.form == "matrix":
                continue
            x = np.array(node.operands[i])
            rate = np.empty_like(x)
            for at in np.ndindex(x.shape):
                sides = []
                for step in (1e-6, -1e-6):
                    moved = x.copy()
                    moved[at] += step
                    operands = [moved if k == i else o for k, o in enumerate(node.operands)]
                    y = node.primitive.fn(*operands, **node.keywords)
                    sides.append(y[at] if partial.form == "diagonal" else y)
                rate[at] = (sides[0] - sides[1]) / 2e-6
            np.testing.assert_allclose(partial.values, rate, rtol=1e-5, atol=1e-7, err_msg=node.primitive.name)
            checked += 1
    assert checked >= 1


def test_partials_of_arrays_are_diagonals_rows_and_shapes():
    x, w = tracked([1.0, 2.0], "x"), tracked(np.ones((2, 3)), "w")
    picture = ad.draw((np.tanh(x * x) @ w).sum(), partials=True)
    found = on_arrows(picture)
    assert found["tanh", "matmul"] == "0: J 3×2" and found["w", "matmul"] == "1: J 3×2×3"
    assert found["matmul", "sum"] == "[1, 1, 1]"
    assert found["multiply", "tanh"] == f"diag {entries(1 - np.tanh(np.array([1.0, 4.0])) ** 2)}"
    assert set(on_arrows(ad.draw(tracked(np.ones(25)).mean(), partials=True)).values()) == {"row, norm 0.2"}


def test_infinite_partials_are_shown_without_a_warning():
    picture = ad.draw(np.sqrt(tracked(0.0, "x")), partials=True, gradients=True)
    assert on_arrows(picture) == {("x", "sqrt"): "inf"}


def test_a_tensor_that_is_drawn_twice_counts_twice():
    x = tracked(2.0, "x")
    y = x * 3.0
    assert boxes(ad.draw([y, y], gradients=True))["x"][-1] == "gradient 6"
    assert boxes(ad.draw([y, y], view="backward"))["multiply"][-2:] == ["value 6", "gradient of x"]


def test_gradients_by_complex_numbers_point_uphill():
    z = tracked(3.0 + 4.0j, "z")
    y = (z * (1.0 + 2.0j)).real
    assert boxes(ad.draw(y, gradients=True, values=True))["z"][-1] == "gradient 1-2j"
    np.testing.assert_allclose(cotangents([y])[z._node], ad.gradients(y, [z])[0].data)


def test_drawing_writes_no_gradient():
    x = tracked(2.0)
    y = x * 3
    ad.draw(y, gradients=True, partials=True)
    ad.draw(y, view="both")
    ad.draw_steps(y)
    assert x.grad is None


def test_a_complex_result_has_no_gradient_to_show():
    with pytest.raises(ad.DtypeError, match="real part"):
        ad.draw(tracked(1 + 1j) * 2, gradients=True)


# --- the backward pass ----------------------------------------------------------------------------


def test_the_backward_pass_starts_at_the_seed_and_ends_at_gradients():
    found = boxes(ad.draw(expression(), view="backward"))
    slope = 1 - np.tanh(3.0) ** 2
    assert found["seed"] == ["scalar float64", "value 1"]
    assert found["a"][1] == "value 2"
    assert found["add"][1:] == ["through multiply", f"value {-4 * slope:.4g}", "gradient of b"]
    kinds = {v.kind for v in _backward_graph(expression()).vertices}
    assert kinds == {"input", "parameter", "saved", "derivative", "result"}


def _backward_graph(y):
    backward = record_backward([y])
    return read_graph(backward.results, since=backward.since, rules=backward.rules)


def test_both_views_share_what_the_backward_pass_reads():
    forward, both = read_graph([expression()]), ad.draw(expression(), view="both").source
    assert both.count("fillcolor=") > len(forward.vertices) and "saved" not in both
    assert "gradient of a" in both and "tanh" in both


@pytest.mark.parametrize("name", FUNCTIONS)
def test_recorded_gradients_have_the_right_values(name):
    rng = np.random.default_rng(0)
    x, y = tracked(rng.normal(size=(3, 3)), "x"), tracked(rng.normal(size=(3, 3)), "y")
    z = FUNCTIONS[name](x, y)
    backward = record_backward([z])
    values = {backward.names[t._node]: t.data for t in backward.results}
    for t in (x, y):
        if f"gradient of {t.name}" in values:
            np.testing.assert_allclose(values[f"gradient of {t.name}"], ad.gradients(z, [t])[0].data, rtol=1e-12)
    assert values


def test_the_backward_pass_is_framed_by_the_layers_it_goes_through():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    loss = nn.cross_entropy(model(np.ones((5, 4), np.float32)), np.array([0, 1, 2, 0, 1]))
    frames = {v.scope for v in _backward_graph(loss).vertices}
    assert ("Sequential, backwards", "0 Linear, backwards") in frames
    found = boxes(ad.draw(loss, view="both", depth=1))
    assert {"0 Linear", "2 Linear", "0 Linear, backwards", "2 Linear, backwards"} <= set(found)


def test_a_blocked_backward_pass_says_so():
    def wall(x):
        return np.ones_like(x)

    wall = ad.primitive(wall, vjp=[lambda ct, y, x: None], jvp=[lambda t, y, x: t * 0])
    with pytest.raises(ad.GradientError, match="nothing flows back"):
        ad.draw(wall(tracked(1.5)), view="backward")


# --- functions, derivatives, options --------------------------------------------------------------


def test_a_function_is_drawn_at_an_example():
    found = boxes(ad.draw(lambda a, b: np.sin(a) * b["k"], 0.5, {"k": 2.0}))
    assert found["a"][1] == "value 0.5" and found["b['k']"][1] == "value 2"
    assert found["multiply"][1] == f"value {2 * np.sin(0.5):.4g}"


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_graph_of_a_derivative_ends_at_its_value(n):
    value = float(ad.derivative(np.tanh, n)(0.5))
    picture = ad.draw(ad.derivative(np.tanh, n), 0.5)
    (result,) = [b for b in shown(picture.pipe(format="svg")).boxes if b.border == STYLES["result"].line.lower()]
    assert f"value {value:.4g}" in " ".join(result.lines)
    assert "alias" not in picture.source and picture.source.count('label="x') == 1


def test_a_module_is_drawn_as_a_function():
    assert "0 Linear" in ad.draw(nn.Sequential(nn.Linear(2, 3)), np.ones((1, 2), np.float32)).source


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: ad.draw(np.sin), TypeError, ""),
        (lambda: ad.draw(lambda: 1.0), ad.GradientError, "ad.draw(f, x)"),
        (lambda: ad.draw(ad.tensor(1.0)), ad.GradientError, "tensor 0 is not tracked"),
        (lambda: ad.draw([]), ad.GradientError, "list of tensors is empty"),
        (lambda: ad.draw(3), ad.GradientError, "is a int"),
        (lambda: ad.draw(expression(), view="sideways"), ValueError, "'sideways'"),
        (lambda: ad.draw(expression(), depth=-1), ValueError, "-1"),
        (lambda: ad.draw(expression(), max_nodes=3), ValueError, "10 or more"),
        (lambda: ad.draw(expression(), rankdir="up"), ValueError, "'up'"),
    ],
)
def test_wrong_calls_are_told(call, error, told):
    with pytest.raises(error) as caught:
        call()
    assert told in str(caught.value)


# --- programs -------------------------------------------------------------------------------------


def test_a_compiled_program_is_drawn_by_the_same_code():
    f = ad.compile(ad.value_and_grad(lambda w: np.sum(np.tanh(w) ** 2)))
    f(np.ones(3))
    picture = f.program.draw()
    assert picture.source == ad.draw(f).source == ad.draw(f.program).source
    svg = shown(picture.pipe(format="svg"))
    assert len(svg.boxes) == len(f.program.ops) + 1
    reads = sum(len(list(op.inputs())) for op in f.program.ops)
    assert picture.source.count("->") == reads
    assert "through tanh" in picture.source
    colours = {b.fill for b in svg.boxes}
    assert colours == {STYLES[k].fill.lower() for k in ("input", "operation", "derivative", "result")}
    bundle = f.program._repr_mimebundle_()
    assert bundle["text/plain"] == str(f.program) and "<svg" in bundle["image/svg+xml"]


def test_layers_of_a_program_fold():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    f = ad.compile(lambda x: model(x))
    f(np.ones((5, 4), np.float32))
    assert {"0 Linear", "1 ReLU", "2 Linear"} <= set(boxes(f.program.draw(depth=1)))


def test_a_program_has_no_values_to_show():
    f = ad.compile(lambda x: x * 2.0)
    f(np.ones(2))
    with pytest.raises(ValueError, match=r"ad\.grad"):
        ad.draw(f, view="backward")
    with pytest.raises(ad.CompileError, match="not been called"):
        ad.draw(ad.compile(lambda x: x * 2.0))


# --- colours --------------------------------------------------------------------------------------


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def test_text_stands_out_from_every_box():
    """At least 7:1, level AAA of the Web Content Accessibility Guidelines 2.1, criterion 1.4.6."""
    for kind, style in STYLES.items():
        assert (luminance(style.fill) + 0.05) / (luminance(TEXT) + 0.05) > 7, kind


def test_kinds_differ_in_colour_and_in_line_or_form():
    looks = {(s.fill, s.line, tuple(s.attributes.items())) for s in STYLES.values()}
    assert len(looks) == len({s.fill for s in STYLES.values()}) == len({s.line for s in STYLES.values()}) == len(STYLES)


def test_the_legend_names_the_colours_that_occur():
    texts = shown(ad.draw(expression(), partials=True).pipe(format="svg")).texts
    assert {"parameter", "operation", "result", "on arrows: local partial derivative"} <= set(texts)
    assert "backward pass" not in texts and "constant" not in texts
    assert "backward pass" in shown(ad.draw(expression(), view="backward").pipe(format="svg")).texts


def test_the_picture_brings_its_own_ground():
    """So it reads as well in a dark page."""
    assert b'fill="white"' in ad.draw(expression()).pipe(format="svg")
