"""Large graphs: what is folded, that the fold tells the truth, that the picture fits a page."""

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.drawing import read_graph
from autodiff.drawing.fold import fit, fold_modules, fold_repeats
from tests.pictures import overlaps, renderers, shown


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def rnn(steps, width=4):
    """A recurrent network unrolled by hand: two products, two sums and a tanh a step."""
    w, u = tracked(np.eye(width) / 2, "W"), tracked(np.ones((3, width)), "U")
    b, xs = tracked(np.zeros(width), "b"), np.ones((steps, 2, 3))
    h = np.zeros((2, width))
    for t in range(steps):
        h = np.tanh(xs[t] @ u + h @ w + b)
    return (h**2).mean()


def chain(steps):
    x = tracked(np.ones(3), "x")
    z = x
    for _ in range(steps):
        z = np.sin(z) + x
    return z.sum()


def attention(module=nn.MultiHeadAttention):
    return module(16, 4, rng=np.random.default_rng(0))(np.ones((2, 6, 16), np.float32)).sum()


def titles(graph):
    return {v.title: v for v in graph.vertices}


def irregular(count, seed=0):
    """A graph in which nothing repeats."""
    rng = np.random.default_rng(seed)
    zs = [tracked(1.0, f"x{i}") for i in range(20)]
    functions = [np.sin, np.cos, np.tanh, np.negative]
    for kind, i, j in zip(
        rng.integers(0, 7, count), rng.integers(1, 20, count), rng.integers(1, 20, count), strict=True
    ):
        zs.append(functions[kind](zs[-i]) if kind < 4 else zs[-i] * zs[-j] if kind < 6 else zs[-i] + zs[-j])
    return sum(zs[-20:])


# --- repeated structure ---------------------------------------------------------------------------


def test_time_steps_fold_to_one_copy_with_its_count():
    graph = fold_repeats(read_graph([rnn(50)]))
    counts = sorted((v.title, v.count) for v in graph.vertices)
    assert counts == [
        ("U", 1),
        ("W", 1),
        ("add", 50),
        ("add", 50),
        ("b", 1),
        ("constant", 1),  # the first state
        ("constant", 50),  # the inputs
        ("matmul", 50),
        ("matmul", 50),
        ("mean", 1),
        ("square", 1),
        ("tanh", 50),
    ]
    by_key = {v.key: v for v in graph.vertices}
    arrows = {(by_key[e.tail].title, by_key[e.head].title) for e in graph.edges if not e.to_next}
    assert arrows == {
        ("U", "matmul"),
        ("W", "matmul"),
        ("constant", "matmul"),
        ("matmul", "add"),
        ("add", "add"),
        ("b", "add"),
        ("add", "tanh"),
        ("tanh", "square"),
        ("square", "mean"),
    }
    assert [(by_key[e.tail].title, by_key[e.head].title) for e in graph.edges if e.to_next] == [("tanh", "matmul")]


def test_layers_fold_with_their_own_parameters():
    model = nn.Sequential(*[layer for _ in range(30) for layer in (nn.Linear(8, 8), nn.ReLU())])
    graph = fold_repeats(read_graph([model(np.ones((2, 8), np.float32)).sum()]))
    found = titles(graph)
    assert found["0.weight ... 58.weight"].count == 30 and found["0.bias ... 58.bias"].count == 30
    assert found["affine"].count == 30 and found["relu"].count == 30
    assert found["affine"].scope == ("Sequential", "repeated ×30", "0 Linear")
    assert "repeated ×30" in ad.draw(model(np.ones((2, 8), np.float32)).sum(), repeats=True).source


def test_inner_repetitions_multiply():
    x = tracked(np.ones(3))
    z = x
    for _ in range(10):
        for _ in range(4):
            z = np.sin(z) + x
        z = np.exp(z) * x
    graph = fold_repeats(read_graph([z.sum()]))
    assert {v.title: v.count for v in graph.vertices if v.kind == "operation"} == {
        "sin": 40,
        "add": 40,
        "exp": 10,
        "multiply": 10,
    }


def test_a_copy_that_reads_the_one_before_has_an_arrow_to_itself():
    x = tracked(0.5)
    z = x
    for _ in range(30):
        z = np.sin(z)
    graph = fold_repeats(read_graph([np.exp(z)]))
    (sine,) = [v for v in graph.vertices if v.title == "sin"]
    assert sine.count == 30
    assert [(e.tail, e.head) for e in graph.edges if e.to_next] == [(sine.key, sine.key)]
    assert "style=dashed" in ad.draw(np.exp(z), repeats=True).source


def test_leaves_merge_by_the_place_they_enter():
    """Two matrices a step, of one shape: they stay two boxes."""
    first = [tracked(np.eye(3), f"A{i}") for i in range(10)]
    second = [tracked(np.eye(3), f"B{i}") for i in range(10)]
    z = tracked(np.ones(3), "z")
    for a, b in zip(first, second, strict=True):
        z = np.tanh(a @ z) + b @ z
    found = titles(fold_repeats(read_graph([z.sum()])))
    assert found["A0 ... A9"].count == found["B0 ... B9"].count == 10


def test_what_does_not_repeat_stays():
    x, y = tracked(1.0), tracked(2.0)
    z = x * y * np.sin(x) + np.exp(y) - np.tanh(x * y)
    products = [np.sin(x) * y, np.cos(x) * x]
    unlike = products[0] * (products[1] * z) * products[0]  # three products in a row, each of something else
    graph = read_graph([unlike])
    assert [v.key for v in fold_repeats(graph).vertices] == [v.key for v in graph.vertices]
    two = read_graph([np.sin(np.cos(np.sin(np.cos(tracked(1.0)))))])
    assert [v.count for v in fold_repeats(two).vertices] == [1] * 5


def test_steps_on_other_shapes_are_no_copies():
    x, y = tracked(np.ones(3)), tracked(np.ones(4))
    for _ in range(5):
        x, y = np.sin(np.cos(x)), np.exp(np.cos(y))
    graph = fold_repeats(read_graph([x.sum() * y.sum()]))
    assert {v.count for v in graph.vertices if v.title in ("sin", "cos", "exp")} == {5}
    assert sum(v.title == "cos" for v in graph.vertices) == 2


@pytest.mark.parametrize("y", [rnn(12), chain(40), attention(nn.TransformerBlock), irregular(80)], ids=str)
@pytest.mark.parametrize("fold", [fold_repeats, lambda g: fold_modules(g, 1), lambda g: fit(g, 10)], ids="rmf")
def test_a_fold_keeps_every_dependence_and_invents_none(y, fold):
    """Every arrow of the folded graph stands for arrows of the full one, and reachability is kept."""
    graph = read_graph([y])
    folded = fold(graph)
    assert sum(v.count for v in folded.vertices if v.kind != "module") <= len(graph.vertices)
    keys = {v.key for v in folded.vertices}
    assert len(keys) == len(folded.vertices)
    assert all(e.tail in keys and e.head in keys for e in folded.edges)
    # every leaf of the full graph leads to the result in the folded one as well
    heads = {}
    for e in folded.edges:
        heads.setdefault(e.head, set()).add(e.tail)
    result = [v.key for v in folded.vertices if v.kind == "result"] or [folded.vertices[-1].key]
    reached, todo = set(), result
    while todo:
        key = todo.pop()
        if key not in reached:
            reached.add(key)
            todo += heads.get(key, ())
    assert reached == keys


# --- modules --------------------------------------------------------------------------------------


def mlp():
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 3)))
    return nn.cross_entropy(model(np.ones((5, 4), np.float32)), np.array([0, 1, 2, 0, 1]))


def test_depth_makes_one_box_of_a_module():
    graph = fold_modules(read_graph([mlp()]), 1)
    found = titles(graph)
    assert found["0 Linear"].notes == ("affine", "0.weight (4, 8)", "0.bias (8,)", "40 parameters")
    assert found["1 Sequential"].notes == ("2 operations", "1.1.weight (8, 3)", "1.1.bias (3,)", "27 parameters")
    assert found["1 Sequential"].shape == "(5, 3) float32"
    assert not any(v.kind == "parameter" for v in graph.vertices)
    inputs = [v.scope for v in graph.vertices if v.kind == "constant" and v.shape == "(5, 4) float32"]
    assert inputs == [("Sequential",)]  # it left the frame of the folded layer
    deeper = titles(fold_modules(read_graph([mlp()]), 2))
    assert {"0 ReLU", "1 Linear", "affine"} <= set(deeper)
    whole = titles(fold_modules(read_graph([mlp()]), 0))
    assert whole["Sequential"].notes[-1] == "67 parameters" and whole["Sequential"].notes[0] == "3 operations"


def test_each_call_of_a_module_is_a_box_of_its_own():
    layer = nn.Linear(3, 3)
    z = layer(layer(np.ones((1, 3), np.float32))).sum()
    graph = fold_modules(read_graph([z]), 0)
    assert [v.title for v in graph.vertices if v.kind == "module"] == ["Linear", "Linear"]
    # its parameters belong to two boxes, so they stay outside
    assert sorted(v.title for v in graph.vertices if v.kind == "parameter") == ["bias", "weight"]


# --- the limit ------------------------------------------------------------------------------------


def test_above_the_limit_it_folds_and_says_so():
    full = len(read_graph([chain(60)]).vertices)
    assert full == 122
    source = ad.draw(chain(60)).source
    assert (
        "122 operations and arrays in 4 boxes: repeated structure is drawn once (×n). max_nodes=122 draws all."
        in source
    )
    assert ad.draw(chain(60), max_nodes=122).source.count("->") == 60 * 3 + 1
    assert ad.draw(chain(59)).source.count("->") == 59 * 3 + 1


def test_modules_fold_before_stretches_do():
    blocks = nn.Sequential(*[nn.TransformerBlock(8, 2) for _ in range(4)])
    y = blocks(np.ones((1, 3, 8), np.float32)).sum()
    source = ad.draw(y, max_nodes=60, repeats=False).source
    assert "modules below level 2 are one box each" in source and "norm1 LayerNorm" in source
    source = ad.draw(y, max_nodes=20, repeats=False).source
    assert "modules below level 1 are one box each" in source and "0 TransformerBlock" in source
    assert "each box holds" in ad.draw(irregular(200), max_nodes=20).source


@pytest.mark.parametrize("limit", [10, 40, 120])
def test_nothing_is_too_irregular_for_the_limit(limit):
    y = irregular(3000)
    graph = fit(read_graph([y]), limit)
    assert len(graph.vertices) <= limit
    assert "each box holds a stretch of the record" in graph.remarks[0]
    assert len(graph.edges) <= limit * limit


def test_repeats_can_be_refused_and_asked_for():
    assert ad.draw(rnn(5), repeats=True).source.count("×5") >= 6
    refused = ad.draw(rnn(50), repeats=False).source
    assert "repeated" not in refused and "each box holds a stretch of the record" in refused


def test_a_picture_of_thousands_of_boxes_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"6,002 boxes are too many.*5,000.*max_nodes at its default.*depth=1"):
        ad.draw(chain(3000), max_nodes=None)


def test_a_backward_pass_of_a_huge_graph_is_refused_with_its_count(monkeypatch):
    monkeypatch.setattr("autodiff.drawing.pictures._BACKWARD_LIMIT", 1000)
    with pytest.raises(ValueError, match=r"2,002 vertices.*up to 1,000.*view='forward'"):
        ad.draw(chain(1000), view="backward")


@pytest.mark.deep
def test_a_million_nodes_are_folded():
    x = tracked(1.0)
    y = x
    for _ in range(500_000):
        y = np.sin(y) + x
    source = ad.draw(y).source
    assert "1,000,001 operations and arrays in 3 boxes" in source and "×500,000" in source


# --- what it looks like ---------------------------------------------------------------------------

PAGE = {
    "attention": attention,
    "transformer block": lambda: attention(nn.TransformerBlock),
    "50 steps": lambda: rnn(50),
    "a small expression": lambda: np.tanh(tracked(2.0, "a") * tracked(-3.0, "b") + 1.0),
}


@pytest.mark.parametrize("name", PAGE)
def test_it_fits_a_page_and_can_be_read(name):
    picture = ad.draw(PAGE[name]())
    for program in renderers():
        picture.renderer_program = program
        found = shown(picture.pipe(format="svg"))
        assert found.width <= 1600 and found.height <= 1000, (program, found.width, found.height)
        assert min(found.type_sizes) >= 9, (program, min(found.type_sizes))
        assert overlaps(found.boxes) == [], program


def test_overlapping_boxes_would_be_seen():
    picture = ad.draw(PAGE["attention"]())
    boxes = shown(picture.pipe(format="svg")).boxes
    moved = boxes[1]._replace(
        left=boxes[0].left + 1, right=boxes[0].right + 1, top=boxes[0].top, bottom=boxes[0].bottom
    )
    assert overlaps([boxes[0], moved, *boxes[2:]])


def test_2000_nodes_are_drawn_in_few_boxes():
    """How long it takes is asked in benchmarks/ (`picture`)."""
    for y in (chain(1000), irregular(2000)):
        found = shown(ad.draw(y).pipe(format="svg"))
        assert 3 <= len(found.boxes) < 150


def test_every_renderer_draws_the_same_nodes_and_edges():
    if len(renderers()) < 2:
        pytest.skip("only one renderer is here; with Graphviz's own `dot` on PATH the two are compared")
    picture = ad.draw(attention(nn.TransformerBlock), depth=1)
    found = []
    for program in renderers():
        picture.renderer_program = program
        drawn = shown(picture.pipe(format="svg"))
        found.append((sorted((b.name, tuple(b.lines)) for b in drawn.boxes), sorted(drawn.arrows)))
    source_arrows = picture.source.count("->")
    assert all(f == found[0] for f in found) and len(found[0][1]) == source_arrows
