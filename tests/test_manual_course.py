"""The pages of the course: each runs, and has what a page of the course has; no bullet of the curriculum lacks one."""

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from demos.explorer.answering import answer

DOCS = Path(__file__).resolve().parents[1] / "docs"
COURSE = DOCS / "course"
EXPLORER = re.compile(r"\[[^\]]+\]\(http://127\.0\.0\.1:8765/#([^)]*)\)")
EXERCISE = re.compile(r"<!-- exercise: ([a-z0-9-]+) -->\n(.*?)(?=\n\n|\Z)", re.S)


def _tool(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, DOCS / "tools" / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


executing, curriculum = _tool("executing"), _tool("curriculum")
PAGES = sorted(p.relative_to(COURSE).with_suffix("").as_posix() for p in COURSE.glob("*/*.md") if p.stem != "index")
LESSONS = [bullet.page for bullet in curriculum.BULLETS]
"""The pages that serve a bullet of the curriculum; others may be made in another way, and must run."""


def _text(page):
    return (COURSE / f"{page}.md").read_text(encoding="utf-8")


def _listed(index):
    """What the tables of contents of a page list, in their order."""
    return " ".join(re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)```", index, re.S)).split()


def _prose(page):
    return executing.FENCE.sub("", _text(page))


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs_and_its_pictures_are_labelled(page, monkeypatch):
    import matplotlib.pyplot as plt

    kept, bare = executing._figures, []

    def figures():
        for number in plt.get_fignums():
            axes = [ax for ax in plt.figure(number).axes if ax.get_label() != "<colorbar>"]
            bare.extend(ax for ax in axes if not (ax.get_title() and ax.get_xlabel()))
            bare.extend([] if axes[0].get_ylabel() else axes[:1])
        return kept()

    monkeypatch.setattr(executing, "_figures", figures)
    monkeypatch.setattr(executing, "CROP", None)  # in half the time
    shown = list(executing.outputs(_text(page), page))
    assert page not in LESSONS or any(output.pictures for _, output in shown)
    assert not bare, "a picture without title or names of its axes"
    assert all(len(picture) < 1_000_000 for _, output in shown for picture in output.pictures)
    assert page not in LESSONS or any(output.text for block, output in shown if block[1] == "python")


@pytest.mark.parametrize("page", LESSONS)
def test_the_page_has_its_parts(page):
    text = _text(page)
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert headings == ["The program", "What goes wrong", "In the explorer", "Exercises"]
    assert re.search(r"^\$\$$", text, re.M)
    wrong = text[text.index("## What goes wrong") : text.index("## In the explorer")]
    assert "```python" in wrong
    assert 60 <= len(text.splitlines()) <= 130
    assert all(len(line) <= 92 for block in executing.FENCE.finditer(text) for line in block[2].splitlines())


@pytest.mark.parametrize("page", [*LESSONS, *(bullet.page for bullet in curriculum.PROJECTS)])
def test_the_explorer_opens_where_the_page_says(page):
    text = _text(page)
    links = EXPLORER.findall(text[text.rindex("\n## In the explorer" if page in LESSONS else "\n## Go on") :])
    assert links
    for link in links:
        room, _, query = link.partition("?")
        state = {entry: json.loads(unquote(value)) for entry, _, value in (p.partition("=") for p in query.split("&"))}
        found = json.loads(answer(json.dumps({"room": room, "ask": "view", "state": state}), {}))
        assert "error" not in found, found
        assert state, "the room's own defaults are not the page's subject"


@pytest.mark.parametrize("page", LESSONS)
def test_the_exercises_can_be_named_and_checked(page):
    found = EXERCISE.findall(_text(page))
    assert [name for name, _ in found] == [f"{page.replace('/', '-')}-{i + 1}" for i in range(len(found))]
    assert 2 <= len(found) <= 3
    for i, (_, words) in enumerate(found):
        assert words.startswith(f"**{i + 1}.** ")
        written = re.search(r"[Ww]rite\s+`([a-z_]+\([A-Za-z0-9_, ]*\))`", words)
        assert written, words
        ast.parse(written[1])
        assert re.search(r"\d|`\"|`True`", words[written.end() :]), "no answer to compare with"


def test_every_bullet_has_a_page_in_its_place():
    pages = []
    for chapter in _listed((COURSE / "index.md").read_text(encoding="utf-8")):
        if not chapter.endswith("/index"):
            continue  # a page beside the chapters
        listed = _listed((COURSE / f"{chapter}.md").read_text(encoding="utf-8"))
        pages += [f"{chapter.removesuffix('/index')}/{page}" for page in listed]
    assert (len(curriculum.FUNDAMENTALS), len(curriculum.APPLICATIONS)) == (21, 13)
    assert len(set(LESSONS)) == len(LESSONS)
    assert [page for page in pages if page in LESSONS] == LESSONS
    assert set(pages) == set(PAGES), "a page that no table of contents lists"


def test_every_project_goes_step_by_step_from_numpy_to_this_code():
    listed = _listed((COURSE / "projects" / "index.md").read_text(encoding="utf-8"))
    assert [f"projects/{page}" for page in listed] == [bullet.page for bullet in curriculum.PROJECTS]
    for page in (bullet.page for bullet in curriculum.PROJECTS):
        headings = re.findall(r"^## (.*)$", _text(page), re.M)
        steps = [heading for heading in headings if heading.startswith("Step ")]
        assert [step.partition(":")[0] for step in steps] == [f"Step {i + 1}" for i in range(len(steps))]
        assert headings == [*steps, "Go on"]
        assert steps[-1].endswith("this project's code")
        assert "import numpy as np" in _text(page)


def test_the_text_of_a_page_is_its_own():
    seen = {}
    for page in LESSONS:
        for sentence in re.split(r"(?<=[.:])\s+", _prose(page)):
            if len(sentence) > 60 and "`make explorer`" not in sentence:
                assert sentence not in seen, (page, seen[sentence])
                seen[sentence] = page


def test_a_list_that_holds_axes_is_a_picture_and_not_printed():
    text = '```python\nimport matplotlib.pyplot as plt\n_, ax = plt.subplots()\nax.set(xlim=(0, 1), title="t")\n```\n'
    ((_, output),) = executing.outputs(text, "page")
    assert output.text == ""
    assert len(output.pictures) == 1


def test_large_surfaces_are_pixels_in_the_picture():
    text = "```python\nimport matplotlib.pyplot as plt\nplt.pcolormesh([[1.0] * 200] * 200)\n```\n"
    ((_, output),) = executing.outputs(text, "page")
    assert b"<image" in output.pictures[0]
    assert len(output.pictures[0]) < 100_000


# --- formulas


def _mathml(latex, display="inline"):
    pytest.importorskip("latex2mathml", reason="latex2mathml is not installed: pip install -e '.[docs]'")
    return re.sub(r' xmlns="[^"]*"| display="[^"]*"', "", _tool("formulas").mathml(latex, display))


def test_primes_stand_beside_their_letter():
    assert "<mrow><mi>f</mi><mo lspace=" in _mathml("f'(x)")
    assert "msup" not in _mathml("f''")
    assert "<msub><mpadded" in _mathml("f_x'")
    assert "msup" in _mathml("x^2")


def test_what_a_limit_is_for_stands_below_it_in_a_formula_of_its_own():
    assert "<munder><mo>lim</mo>" in _mathml(r"\lim_{h \to 0} h", "block")
    assert "<msub>" in _mathml(r"\lim_{h \to 0} h")


@pytest.mark.parametrize(
    ("latex", "prefix"), [("(-y, x)", 1), ("x = -y", 1), ("a - b", 0), ("f(x) - 1", 0), ("x^2 - y", 0), ("e^{-x}", 1)]
)
def test_a_minus_is_a_sign_where_no_operand_stands_before_it(latex, prefix):
    assert _mathml(latex).count('form="prefix"') == prefix


@pytest.mark.parametrize(
    ("latex", "spaces"), [(r"x \cos x", 2), (r"\cos(x)", 0), (r"r \sin\varphi", 2), (r"\sin^2 x", 1), ("x y", 0)]
)
def test_functions_stand_apart_from_their_neighbours(latex, spaces):
    assert _mathml(latex).count("mspace") == spaces


@pytest.mark.parametrize("environment", ["aligned", "split", "align*"])
def test_aligned_equations_are_a_table(environment):
    drawn = _mathml(rf"\begin{{{environment}}} a &= b \\ c &= d \end{{{environment}}}", "block")
    assert (drawn.count("<mtr"), drawn.count("<mtd"), "&" in drawn) == (2, 4, False)
    assert (drawn.count("text-align: right"), drawn.count("text-align: left")) == (2, 2)


def test_a_function_with_a_name_of_its_own_stands_at_its_parenthesis():
    assert _mathml(r"\operatorname{relu}(x)").startswith("<math><mrow><mi>relu</mi><mo stretchy")


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\Big\lVert x \Big\rVert", "‖x‖"),
        (r"\bigg\| x \bigg\|", "‖x‖"),
        (r"\bigl\{ x \bigr\}", "{x}"),
        (r"\Big\lvert x \Big\rvert", "|x|"),
        (r"\arg z", "argz"),
        (r"\arg\min_x f", "argminxf"),
        (r"A \backslash B", "A\\B"),
    ],
)
def test_what_the_converter_leaves_is_translated(latex, shown):
    assert re.sub(r"<.*?>", "", _mathml(latex)) == shown


def test_an_unknown_command_is_told():
    with pytest.raises(ValueError, match=r"formula .foo x has the unknown command .foo"):
        _mathml(r"\foo x")


@pytest.mark.parametrize("page", LESSONS)
def test_every_formula_can_be_drawn(page):
    prose = _prose(page)
    formulas = re.findall(r"\$\$(.+?)\$\$", prose, re.S) + re.findall(
        r"\$([^$]+)\$", re.sub(r"\$\$.+?\$\$", "", prose, flags=re.S)
    )
    assert formulas
    for formula in formulas:
        assert "\\" not in _mathml(formula.strip(), "block"), formula
