"""Pictures of graphs: what is in them, hostile names, large graphs, machines with and without a renderer."""

import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import graphviz
import numpy as np
import pytest
from graphviz.backend import dot_command
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import nn
from autodiff.drawing import find_renderer, read_graph, rendering
from autodiff.drawing.labels import escape

SVG = "{http://www.w3.org/2000/svg}"


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def texts(picture):
    """All texts of the rendered picture, line by line; the SVG must be well formed."""
    root = ElementTree.fromstring(picture.pipe(format="svg"))
    return [(t.text or "").replace("\xa0", " ") for t in root.iter(f"{SVG}text")]


# --- what is in a graph ---------------------------------------------------------------------------


def test_vertices_and_edges_of_a_small_graph():
    a, b = tracked(2.0, name="a"), tracked([1.0, 2.0], name="b")
    y = np.tanh(a * b + 3.0).sum()
    graph = read_graph([y])
    assert [(v.kind, v.title, v.shape) for v in graph.vertices] == [
        ("parameter", "a", "scalar float64"),
        ("parameter", "b", "(2,) float64"),
        ("operation", "multiply", "(2,) float64"),
        ("operation", "add", "(2,) float64"),
        ("operation", "tanh", "(2,) float64"),
        ("result", "sum", "scalar float64"),
    ]
    keys = {v.title: v.key for v in graph.vertices}
    assert {(e.tail, e.head) for e in graph.edges} == {
        (keys["a"], keys["multiply"]),
        (keys["b"], keys["multiply"]),
        (keys["multiply"], keys["add"]),
        (keys["add"], keys["tanh"]),
        (keys["tanh"], keys["sum"]),
    }
    assert any("3.0" in d for v in graph.vertices for d in v.details)
    assert len({v.key for v in graph.vertices}) == len(graph.vertices)


def test_operands_that_do_not_commute_are_numbered():
    a, b = tracked(2.0), tracked(3.0)
    assert [e.label for e in read_graph([a - b]).edges] == ["0", "1"]
    assert [e.label for e in read_graph([a + b]).edges] == ["", ""]
    assert [e.label for e in read_graph([np.sin(a)]).edges] == [""]


def test_constants_are_drawn_where_they_enter():
    x = tracked(np.ones((2, 3)))
    graph = read_graph([x @ np.ones((3, 4), np.float32)])
    (constant,) = [v for v in graph.vertices if v.kind == "constant"]
    assert constant.shape == "(3, 4) float32"
    assert any(e.tail == constant.key and e.label == "1" for e in graph.edges)


def test_the_same_operand_twice_is_two_arrows():
    x = tracked(2.0)
    assert len(read_graph([x * x]).edges) == 2


def test_several_results_and_shared_parts_appear_once():
    x = tracked(2.0, name="x")
    y = np.sin(x)
    graph = read_graph([y * 2, y * 3, x])
    assert sorted(v.title for v in graph.vertices) == ["multiply", "multiply", "sin", "x"]
    assert [v.kind for v in graph.vertices if v.title == "multiply"] == ["result", "result"]
    assert "x" in ad.draw([y * 2, y]).source


def test_operations_with_several_outputs():
    x = tracked(np.arange(4.0))
    a, b = np.split(x, 2)
    titles = [v.title for v in read_graph([a * b]).vertices]
    assert titles.count("output 0") == 1 and titles.count("output 1") == 1


def test_data_and_targets_of_a_network_are_called_what_they_are():
    nn.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)), np.ones((4, 2), np.float32)
    losses = nn.mse_loss(model(x), np.zeros((4, 2), np.float32)), nn.cross_entropy(model(x), np.zeros(4, int))
    for loss, target in zip(losses, ("target", "labels"), strict=True):
        assert [v.title for v in read_graph([loss]).vertices if v.kind == "constant"] == ["x", target]
    product = read_graph([model(x) @ np.ones((2, 1), np.float32)])  # NumPy's functions do not tell
    assert [v.title for v in product.vertices if v.kind == "constant"] == ["x", "constant"]


def test_data_and_targets_are_called_as_the_user_calls_them():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    x, y, labels = np.ones((4, 2), "f4"), np.zeros((4, 2), "f4"), np.zeros(4, int)

    def step(data, classes):
        return nn.cross_entropy(model(data), classes)

    _ = y  # as a notebook holds what it shows
    for loss, names in (
        (nn.mse_loss(model(x), y), ["x", "y"]),
        (nn.huber_loss(model(x), y), ["x", "y"]),
        (step(x, labels), ["x", "labels"]),
    ):
        called = [v.title for v in read_graph([loss]).vertices if v.kind == "constant" and v.value.dtype != bool]
        assert called == names
        for picture in (ad.draw(loss), ad.draw(loss, view="both"), ad.draw_steps(loss).picture(0)):
            assert set(names) <= boxes(picture) and "target" not in boxes(picture)
    assert {"data", "classes"} <= boxes(ad.draw(step, x, labels))


def boxes(picture):
    return set(re.findall(r'n\d+(?:c\d+)? \[label="?(\w+)', picture.source))


def test_multiplications_by_one_are_left_out_and_counted():
    source = ad.draw(ad.derivative(np.tanh, n=2), 0.5).source
    assert source.count("multiply") == 4 and "operand 0: 1.0" not in source and "operand 1: 1.0" not in source
    assert "multiplications by 1 that are left out: 4" in source
    x = ad.tensor([1.0, 2.0], requires_grad=True, name="x")
    graph = read_graph([(np.sin(x) * 1.0) * 1.0])  # at the end the result moves up
    assert [(v.title, v.kind) for v in graph.vertices] == [("x", "parameter"), ("sin", "result")]
    assert [v.title for v in read_graph([x * 1.0]).vertices] == ["x", "multiply"]  # a leaf is no result
    backward = ad.draw(ad.derivative(np.tanh, n=2), 0.5, view="backward").source
    assert "1: 1.0" not in backward and "multiplications by 1 that are left out: 4" in backward
    kept = [v.title for v in read_graph([np.sin(x * np.float64(2.0)) * np.ones((3, 1)), np.tanh(x) * 1.0j]).vertices]
    assert kept.count("multiply") == 3
    gradient = ad.draw(np.sin(x * 1.0), gradients=True, values=True).source
    assert "gradient" in gradient and "multiply" not in gradient


def test_arguments_of_transforms_are_inputs_by_name():
    seen = []

    def loss(weights):
        y = (weights**2).sum()
        seen.append(read_graph([y]))
        return y

    ad.grad(loss)(np.ones(3))
    assert [(v.kind, v.title) for v in seen[0].vertices][:1] == [("input", "weights")]


def test_the_backward_pass_is_a_graph_too():
    x = tracked(2.0, name="x")
    (g,) = ad.gradients(np.sin(x) * x, [x], create_graph=True)
    assert "cos" in ad.draw(g).source and {v.title for v in read_graph([g]).vertices if v.kind == "parameter"} == {"x"}


def test_parameters_appear_by_name_and_modules_as_frames():
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 3)))
    loss = nn.cross_entropy(model(np.ones((5, 4), np.float32)), np.array([0, 1, 2, 0, 1]))
    graph = read_graph([loss])
    assert {v.title for v in graph.vertices if v.kind == "parameter"} == {
        "0.weight",
        "0.bias",
        "1.1.weight",
        "1.1.bias",
    }
    by_title = {v.title: v for v in graph.vertices}
    assert by_title["relu"].scope == ("Sequential", "1 Sequential", "0 ReLU")
    assert all(v.scope == () for v in graph.vertices if "cross_entropy" in v.title)
    assert by_title["0.weight"].scope == ()
    source = ad.draw(loss).source
    assert source.count("subgraph") >= 4
    shown = texts(ad.draw(loss))
    for text in ("0 Linear", "1 Sequential", "1 Linear", "relu", "(5, 3) float32", "1.1.bias"):
        assert text in shown


def test_scopes_of_ones_own():
    x = tracked(2.0)
    with ad.scope("outer"):
        y = np.sin(x)
        with ad.scope("inner"):
            y = np.cos(y)
    y = np.exp(y)
    assert [v.scope for v in read_graph([y]).vertices] == [(), ("outer",), ("outer", "inner"), ()]
    assert "subgraph cluster_" in ad.draw(y).source


def test_values_of_large_operands_are_not_printed():
    x = tracked(np.zeros(100_000))
    assert len(ad.draw((x * np.ones(100_000))[np.arange(50_000)].sum()).source) < 5000


def test_drawing_records_and_computes_nothing():
    x = tracked(2.0)
    y = x * 3
    number = y._node.number
    ad.draw(y)
    assert x.grad is None and (x * 1)._node.number == number + 1


@pytest.mark.parametrize("direction", ["TB", "LR", "BT", "RL"])
def test_the_direction_of_the_arrows(direction):
    assert f"rankdir={direction}" in ad.draw(tracked(1.0) * 2, rankdir=direction).source


# --- large graphs ---------------------------------------------------------------------------------


def test_a_graph_of_20000_nodes_is_read_without_recursion():
    x = tracked(1.0, name="x")
    y = x
    for _ in range(10_000):
        y = np.sin(y) + x
    found = {}

    def work():
        found["graph"] = read_graph([y])
        found["source"] = ad.draw(y).source

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert len(found["graph"].vertices) == 20_001 and len(found["graph"].edges) == 30_000
    assert found["source"].count("->") == 4  # folded: see test_drawing_folds.py


# --- hostile names --------------------------------------------------------------------------------

HOSTILE = [
    'we"ird <name> {|}',
    "<b>bold</b>",
    "  <i>indented</i> ",
    "back\\slash \\n \\l \\N \\G \\",
    '\\"',
    '"',
    "&amp; &lt; &#65; & &copy;",
    "Größe ∂L/∂w 权重 🙂",
    "-->",
    "]]>",
    "a;b} digraph {",
    "node",
    "%s {0}",
    "it's",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_drawn_as_it_is(name):
    x = tracked(np.ones(2), name=name)
    with ad.scope(name):
        y = (x * 2.0).sum()
    shown = texts(ad.draw(y))
    assert shown.count(name) == 2, shown  # the box of the leaf and the frame


def test_lines_tabs_controls_and_length():
    shown = texts(ad.draw(tracked(1.0, name="first\nsecond\tpart\x00\x1b\ud800end") * 2))
    assert "first" in shown and "second part���end" in shown
    shown = texts(ad.draw(tracked(1.0, name="y" * 10_000) * 2))
    (long,) = [t for t in shown if t.startswith("yyy")]
    assert 100 < len(long) <= 200 and long.endswith("...")


@given(st.text(max_size=40))
def test_any_text_is_one_quoted_label(text):
    """Whatever is in it, the DOT source has one closing quote, and unescaping gives the text back."""
    picture = graphviz.Digraph()
    picture.node("n", escape(text))
    (line,) = [part for part in picture.source.split("\n\tn ") if "label" in part]
    label = line.split("label=", 1)[1].rsplit("]", 1)[0]
    if label.startswith('"'):
        assert label.endswith('"') and len(label) >= 2
        label = label[1:-1]
        decoded, i = "", 0
        while i < len(label):
            if label[i] == "\\":
                decoded += "\n" if label[i + 1] == "n" else label[i + 1]
                i += 2
            else:
                assert label[i] != '"'
                decoded += label[i]
                i += 1
    else:
        decoded = label
    decoded = decoded.replace("&amp;", "&")
    assert len(decoded) == len(text)
    assert all(d == t or not t.isprintable() for d, t in zip(decoded, text, strict=True))


@settings(max_examples=10)
@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20))
def test_any_name_gives_a_well_formed_picture(name):
    assert name in texts(ad.draw(tracked(1.0, name=name) * 2))


# --- what a picture is ----------------------------------------------------------------------------


def test_a_picture_is_a_digraph_that_renders():
    picture = ad.draw(np.tanh(tracked(2.0, name="a") * 3.0))
    assert isinstance(picture, graphviz.Digraph) and picture.source.startswith("digraph")
    assert picture.pipe(format="svg").startswith(b"<?xml") or b"<svg" in picture.pipe(format="svg")
    png = picture.pipe(format="png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and len(png) > 1000
    assert picture.pipe(format="svg", encoding="utf-8").lstrip().startswith("<")


def test_a_picture_is_written_to_a_file(tmp_path):
    picture = ad.draw(tracked(2.0) * 3.0)
    path = picture.render(tmp_path / "graph", format="svg", cleanup=True)
    assert Path(path).read_bytes().count(b"<svg") == 1
    assert os.listdir(tmp_path) == ["graph.svg"]


def test_a_notebook_shows_text_and_svg():
    bundle = ad.draw(tracked(2.0) * 3.0)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml"}
    assert bundle["text/plain"].startswith("digraph") and "<svg" in bundle["image/svg+xml"]


# --- which renderer -------------------------------------------------------------------------------


def program(folder, name, body):
    """A program in a folder, for the searches of the tests."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """Neither graphviz-pure nor dot: an empty PATH, an interpreter with nothing beside it."""
    beside, path = tmp_path / "bin", tmp_path / "path"
    beside.mkdir()
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(sys, "executable", str(beside / "python"))
    monkeypatch.setattr(rendering.sysconfig, "get_path", lambda *_, **__: str(beside))
    return beside, path


@pytest.mark.parametrize(
    ("name", "begin"), [("a.svg", b"<?xml"), ("b.PNG", b"\x89PNG"), ("new/c.svg", b"<?xml"), ("d.dot", b"digraph")]
)
def test_saving_writes_what_the_name_ends_in(tmp_path, name, begin):
    picture = ad.draw(ad.tensor(2.0, requires_grad=True) * 3.0)
    written = picture.save(tmp_path / name)
    assert Path(written) == tmp_path / name and Path(written).read_bytes().lstrip(b"/ \n").startswith(begin)


def test_saving_beside_rendering_leaves_the_package_its_ways(tmp_path):
    picture = ad.draw(ad.tensor(2.0, requires_grad=True) * 3.0)
    drawn = picture.render(tmp_path / "odd.svg", format="png")  # the package saves the text by the name that is given
    assert (tmp_path / "odd.svg").read_text(encoding="utf-8").startswith("digraph")
    assert Path(drawn).read_bytes().startswith(b"\x89PNG")
    assert Path(picture.save("e.svg", tmp_path)).read_bytes().startswith(b"<?xml")
    assert Path(picture.save(tmp_path / "text.gv")).read_text(encoding="utf-8") == picture.source


def test_without_a_renderer_there_is_text_and_advice(bare_machine):
    picture = ad.draw(tracked(2.0, name="a") * 3.0)
    assert find_renderer() is None
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    advice, _, source = bundle["text/plain"].partition("\n\n")
    assert "pip install graphviz-pure" in advice and "\n" not in advice
    assert source == picture.source and "digraph" in source


@pytest.mark.parametrize(
    "call", [lambda p: p.pipe(format="svg"), lambda p: p.render("nothing", format="png")], ids=["pipe", "render"]
)
def test_without_a_renderer_the_error_says_how_to_get_one(bare_machine, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    picture = ad.draw(tracked(2.0) * 3.0)
    before = dot_command.DOT_BINARY
    with pytest.raises(graphviz.ExecutableNotFound, match=r"pip install graphviz-pure.*\.source"):
        call(picture)
    assert dot_command.DOT_BINARY is before
    assert not (tmp_path / "nothing.png").exists()


def test_the_order_of_renderers(bare_machine):
    beside, path = bare_machine
    dot = program(path, "dot", "echo from dot")
    assert find_renderer() == dot
    pure = program(beside, "graphviz-pure", "echo from pure")
    assert find_renderer() == pure
    assert find_renderer("/somewhere/else") == "/somewhere/else"
    picture = ad.draw(tracked(2.0) * 3.0)
    assert picture.pipe(format="svg") == b"from pure\n"
    picture.renderer_program = dot
    assert picture.pipe(format="svg") == b"from dot\n"


def test_the_packages_own_setting_is_lent_and_given_back(bare_machine, monkeypatch):
    beside, path = bare_machine
    program(path, "dot", "echo fine")
    before = dot_command.DOT_BINARY
    picture = ad.draw(tracked(2.0) * 3.0)
    picture.pipe(format="svg")
    assert dot_command.DOT_BINARY is before
    picture.renderer_program = program(beside, "broken", "echo trouble >&2; exit 3")
    with pytest.raises(subprocess.CalledProcessError):
        picture.pipe(format="svg")
    assert dot_command.DOT_BINARY is before
    picture.renderer_program = beside / "not there"
    with pytest.raises(graphviz.ExecutableNotFound, match="not there"):
        picture.pipe(format="svg")
    assert dot_command.DOT_BINARY is before
    with pytest.raises(ValueError, match="format"):
        picture.pipe(format="no such format")
    assert dot_command.DOT_BINARY is before


def test_other_digraphs_keep_the_program_of_the_process(bare_machine):
    beside, path = bare_machine
    program(path, "dot", "echo plain")
    program(beside, "graphviz-pure", "echo ours")
    assert ad.draw(tracked(1.0) * 2).pipe(format="svg") == b"ours\n"
    assert graphviz.Digraph().pipe(format="svg") == b"plain\n"


def test_pictures_in_threads_use_their_own_programs(bare_machine):
    beside, path = bare_machine
    program(path, "dot", "echo default")
    pictures = [ad.draw(tracked(1.0) * 2) for _ in range(4)]
    for i, p in enumerate(pictures):
        p.renderer_program = program(beside, f"program{i}", f"echo {i}")
    before = dot_command.DOT_BINARY
    found = {i: [] for i in range(4)}

    def work(i):
        for _ in range(5):
            found[i].append(pictures[i].pipe(format="svg"))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {i: [f"{i}\n".encode()] * 5 for i in range(4)}
    assert dot_command.DOT_BINARY is before


def test_importing_the_engine_loads_no_graphviz():
    code = (
        "import sys, autodiff, nn, optim; assert 'graphviz' not in sys.modules; "
        "autodiff.draw; assert 'graphviz' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
