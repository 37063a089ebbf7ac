"""What shows itself in a notebook: the forms, and a notebook executed without a screen."""

import json
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff import display


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def history():
    found = nn.History()
    for loss in (4.0, 2.0, 1.0):
        found.add({"loss": loss, "accuracy": 1 / loss})
    return found


def quadratic(x):
    return ((x - np.array([1.0, -2.0])) ** 2).sum()


model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())

# What is shown, the forms it has, and texts that are in its table.
SHOWN = {
    "a matrix": (lambda: tracked([[1.0, 2.0], [3.0, 4.5]], "W"), "html", ["W (2, 2) float64", "4.5"]),
    "a vector": (lambda: ad.tensor([1, 2, 3]), "html", ["Tensor (3,) int64", "3"]),
    "a number": (lambda: ad.tensor(1.0), None, []),
    "a large array": (lambda: ad.tensor(np.zeros((3, 100))), None, []),
    "a graph": (lambda: ad.draw(np.sin(tracked(1.0))), "svg", []),
    "steps": (lambda: ad.draw_steps(np.sin(tracked(1.0))), "html", []),
    "a trace": (lambda: ad.trace_table(np.sin, 1.0), "html", ["sin(x)", "0.5403"]),
    "a model": (lambda: model, "html", ["Sequential: 9 parameters", "0.weight", "(2, 3)", "6"]),
    "a module without parameters": (lambda: nn.ReLU(), None, []),
    "a summary": (lambda: model.summary((1, 2)), "html", ["Linear", "9 trainable"]),
    "a history": (history, "html", ["3 epochs", "loss", "4", "1", "accuracy"]),
    "an empty history": (nn.History, None, []),
    "a result": (lambda: optim.minimize(quadratic, np.zeros(2)), "html", ["nit", "True", "fun, by iteration"]),
    "several minima": (lambda: optim.multistart(quadratic, [(-3.0, 3.0)] * 2, 3), "html", ["0 runs failed", "share"]),
    "a program": (lambda: _compiled().program, "svg", []),
}
MIME = {"html": {"text/plain", "text/html"}, "svg": {"text/plain", "image/svg+xml"}, None: {"text/plain"}}


def _compiled():
    f = ad.compile(lambda x: np.sin(x) * 2.0)
    f(np.ones(2))
    return f


class Cells(HTMLParser):
    """The texts of a page's cells and captions; fails on tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", SHOWN)
def test_everything_has_a_text_and_a_picture_or_table_where_there_is_one(name):
    make, form, expected = SHOWN[name]
    thing = make()
    bundle = thing._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == MIME[form]
    assert all(isinstance(v, str) and v for v in bundle.values())
    if name not in ("a graph", "steps", "a program"):
        assert bundle["text/plain"] == repr(thing)
    if form == "svg":
        ElementTree.fromstring(bundle["image/svg+xml"])
    if form == "html":
        texts = Cells(bundle["text/html"]).texts
        assert [e for e in expected if e not in texts and not any(t.startswith(e) for t in texts)] == []


def test_the_numbers_of_a_history():
    texts = Cells(history()._repr_mimebundle_()["text/html"]).texts
    assert texts == ["3 epochs; best: epoch 3, loss 1.0000", "first", "last", "lowest", "highest", "by epoch",
                     "loss", "4", "1", "1", "4", "accuracy", "0.25", "1", "0.25", "1"]  # fmt: skip


def test_tags_in_names_are_text():
    assert "<b>bold</b>" in "".join(Cells(tracked([1.0], "<b>bold</b>")._repr_mimebundle_()["text/html"]).texts)
    assert "<i>" in Cells(display.table(["<i>"], [["<i>&amp;"]], "<i>")).texts


def test_a_long_table_shows_both_ends():
    rows = [[i] for i in range(1000)]
    texts = Cells(display.table(["n"], rows)).texts
    assert texts[:3] == ["n", "0", "1"] and texts[-1] == "999" and "... 960 more" in texts and len(texts) == 42


@pytest.mark.parametrize(
    ("values", "points"),
    [
        ([0.0, 1.0], ["2.0,34.0", "158.0,2.0"]),
        ([5.0, 5.0, 5.0], ["2.0,34.0", "80.0,34.0", "158.0,34.0"]),
        ([1.0, 10.0, 100.0, 1000.0], ["2.0,34.0", "54.0,23.3", "106.0,12.7", "158.0,2.0"]),  # logarithmic
        ([0.0, np.nan, 1.0], ["2.0,34.0", "158.0,2.0"]),
    ],
)
def test_points_of_a_curve(values, points):
    svg = ElementTree.fromstring(display.curve(values))
    assert svg[0].get("points").split() == points


def test_a_curve_has_one_point_a_pixel_at_most():
    svg = ElementTree.fromstring(display.curve(np.linspace(0, 1, 100_000)))
    assert 100 < len(svg[0].get("points").split()) <= 161
    assert display.curve([1.0]) == display.curve([np.nan, 1.0]) == ""


def test_ipython_asks_for_these_forms():
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not installed (extra `dev`)")
    data, _ = formatters.DisplayFormatter().format(ad.draw(np.sin(tracked(1.0))))
    assert set(data) == MIME["svg"]
    data, _ = formatters.DisplayFormatter().format(model)
    assert set(data) == MIME["html"]


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_a_notebook_is_executed():
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra `dev`)")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `dev`)")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed (extra `dev`)")
    cells = [
        "import numpy as np, autodiff as ad, nn, optim\nx = ad.tensor([1.0, 2.0], requires_grad=True, name='x')\nx",
        "ad.draw((x * x).sum(), values=True)",
        "ad.draw_steps((x * x).sum())",
        "ad.trace_table(lambda a, b: a * b, 2.0, 3.0)",
        "nn.Linear(2, 3)",
        "optim.minimize(lambda v: ((v - 1.0) ** 2).sum(), np.zeros(2))",
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells], metadata=kernel)
    nbclient.NotebookClient(notebook, timeout=120).execute()
    forms = [{mime for output in cell.outputs for mime in output["data"]} for cell in notebook.cells]
    assert forms == [MIME[f] for f in ("html", "svg", "html", "html", "html", "html")]
    assert "gradient" not in json.dumps(notebook.cells[1].outputs[0]["data"]["text/plain"])
    assert "value [1, 2]" in notebook.cells[1].outputs[0]["data"]["image/svg+xml"].replace("\xa0", " ")
