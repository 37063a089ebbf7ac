"""The manual's programs run; it builds without a warning, its links lead somewhere, and no other host is asked.

To build it takes a minute, in which all its programs run again, so that is for the profiles `ci` and `deep`.
"""

import functools
import html.parser
import http.server
import inspect
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "tools"))

import conventions  # noqa: E402  # it lies beside the manual
import executing  # noqa: E402  # it lies beside the manual
import notebooks  # noqa: E402  # it lies beside the manual
import reference  # noqa: E402  # it lies beside the manual

import autodiff as ad  # noqa: E402  # after those
import nn  # noqa: E402  # after those
import optim  # noqa: E402  # after those


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The built manual. Where the suite runs in several processes, one of them builds it, and the others wait."""
    pytest.importorskip("sphinx", reason="sphinx is not installed: pip install -e .[docs]")
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    folder, done = shared / "manual", shared / "manual.txt"
    try:
        folder.mkdir()
    except FileExistsError:
        while not done.exists():
            time.sleep(0.2)
    else:
        done.write_text(build(folder), encoding="utf-8")
    said = done.read_text(encoding="utf-8")
    assert said == "", said
    return folder / "html"


def build(folder):
    """Build it; what Sphinx complained of."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(folder / "doctrees")]
    run = subprocess.run(
        [*command, "docs", str(folder / "html")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return run.stdout + run.stderr if run.returncode else ""


class Page(html.parser.HTMLParser):
    """What a page links to and loads, and its anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors.update(found[name] for name in ("id", "name") if found.get(name))
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        loads = found.get("src") or (found.get("href") if tag == "link" else None)
        if loads:
            self.loads.append(loads)


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


@pytest.mark.ci
def test_every_link_leads_somewhere(site, pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            if urlsplit(link).scheme:
                continue
            there, anchor = urldefrag(link)
            target = (path.parent / unquote(there)).resolve() if there else path
            if not target.is_file():
                dead.append(f"{path.relative_to(site)}: {link}")
            elif anchor and target.suffix == ".html" and unquote(anchor) not in pages[target].anchors:
                dead.append(f"{path.relative_to(site)}: {link}: no such anchor")
    assert dead == []


@pytest.mark.ci
def test_nothing_is_loaded_from_another_host(site, pages):
    loads = [load for page in pages.values() for load in page.loads]
    assert loads and [load for load in loads if urlsplit(load).netloc] == []
    styles = list(site.rglob("*.css"))
    assert styles
    for style in styles:
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"url\([\"']?(https?:)?//|@import", text), style


GROUPED = [
    name for groups in reference.CHAPTERS.values() for group in groups.values() for name in reference.names_of(group)
]


def test_the_reference_has_every_public_name_with_a_docstring_and_an_example():
    known = {id(reference.located(name)) for name in GROUPED}
    assert [name for name, value in reference.public_names() if id(value) not in known] == []
    assert len(GROUPED) == len(set(GROUPED))
    lacking = [
        name for name, value in reference.public_names() if callable(value) and ">>>" not in inspect.getdoc(value)
    ]
    assert lacking == []


@pytest.mark.ci
def test_the_built_reference_has_all_of_them(pages):
    anchors = set().union(*(page.anchors for path, page in pages.items() if path.parent.name == "reference"))
    assert [name for name in GROUPED if reference.DATA.get(name, name) not in anchors] == []


@pytest.mark.ci
def test_the_reference_reads_as_the_docstrings_do(site):
    """What napoleon and reStructuredText make of them unasked: lists of initials, links of letters, names as types."""
    written = {path.name: path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html")}
    assert [name for name, text in written.items() if re.search(r'<ol class="(upper|lower)', text)] == []
    assert [name for name, text in written.items() if "Alias for field number" in text] == []
    assert [name for name, text in written.items() if re.search(r"<a [^>]*><em>[a-z]+</em></a>", text)] == []
    assert "<strong>nfev</strong> (<em>int</em>)" in written["minima.html"]  # it shares its entry with `nhvp`


# Those of the course are run by test_manual_course.py, test_course_exercises.py and the next two.
OTHERS = [
    path.relative_to(ROOT / "docs").with_suffix("").as_posix()
    for folder in executing.FOLDERS
    if folder != "course"
    for path in sorted((ROOT / "docs").glob(f"{folder}.md")) + sorted((ROOT / "docs" / folder).glob("*.md"))
]


@pytest.mark.parametrize("page", OTHERS)
def test_the_page_runs(page, monkeypatch):
    monkeypatch.setattr(executing, "CROP", None)  # in half the time
    list(executing.outputs((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), page))


def test_the_tables_of_the_course_agree_with_sympy():
    pytest.importorskip("sympy", reason="sympy is not installed (extra `docs`)")
    text = (ROOT / "docs" / "course" / "tables.md").read_text(encoding="utf-8")
    printed = "".join(shown.text for _, shown in executing.outputs(text, "tables"))
    differences = re.findall(r"difference (?:from the engine's at .*: )?(\d+e[+-]\d+)", printed)
    assert len(differences) == 13 and all(float(d) < 1e-15 for d in differences)


def test_the_curriculums_own_program_runs_as_it_is_written():
    text = (ROOT / "docs" / "course" / "gradient-descent-example.md").read_text(encoding="utf-8")
    shown = [output for _, output in executing.outputs(text, "example")]
    assert "def gradient_descent(f, df, x0, learning_rate=0.1, n_iterations=100):" in text
    assert len(shown[0].pictures) == 1 and "True True" in shown[1].text


@pytest.mark.ci  # the same programs run when the manual is built
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_the_notebooks_of_the_course_run(tmp_path, monkeypatch):
    """All in one kernel, which forgets everything between two of them."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra `dev`)")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `dev`)")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed (extra `dev`)")
    first = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    cells = [nbformat.v4.new_code_cell(first)]
    for page in sorted((ROOT / "docs" / "course").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if executing.FENCE.search(text):
            made = nbformat.reads(json.dumps(notebooks.notebook(text)), as_version=4)
            nbformat.validate(made)
            cells += [nbformat.v4.new_code_cell("%reset -f\nimport nn\nnn.manual_seed(0)"), *made.cells]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a notebook shows figures itself
    whole = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbclient.NotebookClient(whole, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = {mime for cell in whole.cells for output in cell.get("outputs", []) for mime in output.get("data", {})}
    assert {"image/png", "image/svg+xml"} <= shown


def test_the_conventions_are_what_the_page_promises():
    rows = [row for rows in conventions.tables().values() for row in rows]
    assert {row.point: conventions.computed(row) for row in rows} == {row.point: row.here for row in rows}


@pytest.mark.parametrize("page", ["jax", "micrograd", "numpy", "pytorch"])
def test_what_a_quickstart_says_to_type_runs(page, tmp_path):
    text = (ROOT / "docs" / "start" / f"{page}.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    typed = [span for row in rows for span in re.findall("`(.*?)`", row[2])]
    assert len(typed) >= 5
    for span in typed:
        exec(span.replace(", ...", "").replace("..., ", "*fitting, "), names_of_a_quickstart(tmp_path))


def names_of_a_quickstart(folder):
    """What the tables of the quickstarts speak of, made anew."""
    a, b, m, s, x0, n, i, value, path = 0.0, 1.0, 0.0, 1.0, np.ones(2), 2, slice(2), 5.0, folder / "model.npz"
    x, p = ad.tensor(np.ones((n, 3)), requires_grad=True), ad.tensor(1.0, requires_grad=True)
    (p * p).backward()
    v, loss = x * 2, np.sum(x * x)
    f = step = lambda *xs: sum(np.sum(x * x) for x in xs)
    model, y = nn.Linear(3, 2), np.array([0, 1])
    logits, parameters = model(x), model.parameters()
    fitting = model, optim.Adam(parameters), nn.cross_entropy, (x.data, y)
    return {**globals(), **locals()}


def test_a_block_that_raises_or_does_not_is_told():
    def run(text):
        return [shown for _, shown in executing.outputs(text, "page")]

    assert run("```python\nprint(1)\n2\n```\n")[0].text == "1\n2"
    assert run("```python raises\n1 / 0\n```\n")[0].text == "ZeroDivisionError: division by zero"
    with pytest.raises(executing.PageError, match="block at line 1: ZeroDivisionError"):
        run("```python\n1 / 0\n```\n")
    with pytest.raises(executing.PageError, match="raised nothing"):
        run("```python raises\n1\n```\n")


@pytest.mark.ci
def test_the_site_in_a_browser(site, browser):
    said, asked = [], []
    handler = functools.partial(Quiet, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        look(browser[0], f"http://127.0.0.1:{server.server_port}/", said, asked)
        server.shutdown()
    assert (said, asked) == ([], [])


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, *_):
        """Nothing."""


def look(browser, address, said, asked):
    """Open pages as on a phone, and search."""
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: request.url.startswith((address, "data:")) or asked.append(request.url))
    for name in ("index.html", "start/pytorch.html", "reference/derivatives.html"):
        page.goto(address + name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    page.goto(address + "search.html?q=hessian")
    page.wait_for_selector("#search-results li a")
    assert any("reference" in (a.get_attribute("href") or "") for a in page.locator("#search-results li a").all())
    context.close()
