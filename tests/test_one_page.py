"""The engine on one page, docs/one_page.md, gives what the engine gives; what the guides say of the files is so."""

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from tests import pages

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "one_page.md"
TEXT = PAGE.read_text(encoding="utf-8")
ENGINE, NETWORK = TEXT.split("\n## A network\n")
RTOL = 1e-12


def program_of(text):
    """The names that a page leaves, without its examples."""
    return pages.run_page(text, {}, PAGE, "python")


@pytest.fixture(scope="module")
def page():
    return program_of(TEXT)


def test_every_example_shows_what_is_printed():
    pages.run_page(TEXT, {}, PAGE)


# --- the same numbers


def drawn(*shapes, low=0.5, high=2.0, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(low, high, shape) for shape in shapes)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def network(x, w1, b1, w2, b2):
    return np.tanh(x @ w1 + b1) @ w2 + b2


def layer_norm(x):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.mean(centred**2, axis=-1, keepdims=True) ** 0.5


PLACES = np.array([2, 0, 2, 2])
CASES = {
    "a number": (lambda x: x * np.sin(x), drawn(())),
    "every elementwise function": (lambda x: np.exp(-x) + np.log(x) * np.cos(+x) - np.tanh(x) / np.sin(x), drawn((3,))),
    "one operand twice": (lambda x: x * x + x @ x, drawn((3, 3))),
    "powers": (lambda x, n: x**3 + x**-1.5 + 2.0**x + x**n, drawn((3,), (3,))),
    "numbers and arrays beside": (lambda x: 2 * x - np.arange(1.0, 4.0) / x + 1, drawn((3,))),
    "broadcasting a row": (lambda a, b: a * b, drawn((5, 3), (3,))),
    "broadcasting both": (lambda a, b: a / b - b, drawn((5, 1), (1, 3))),
    "broadcasting a number": (lambda a, b: a**b, drawn((), (2, 3))),
    "broadcasting a single entry": (lambda a, b: a + b, drawn((1, 1), (4, 2, 3))),
    "matrices": (lambda a, b: a @ b, drawn((2, 3), (3, 4))),
    "stacks of matrices": (lambda a, b: a @ b, drawn((2, 1, 3, 4), (5, 4, 2))),
    "one matrix, a stack": (lambda a, b: np.matmul(a, b), drawn((3, 4), (5, 4, 2))),
    "sum": (lambda x: np.sum(x**2), drawn((2, 3))),
    "sum over an axis": (lambda x: np.sum(x**2, axis=1) * np.sum(x, 0)[:2], drawn((2, 3))),
    "sum over axes": (lambda x: np.sum(x**2, axis=(0, -1)) + np.sum(x, axis=(0, 2), keepdims=True), drawn((2, 3, 4))),
    "mean": (lambda x: np.mean(x) * np.mean(x**3), drawn((2, 3))),
    "mean over an axis": (lambda x: np.mean(x**2, axis=-1) - np.mean(x, 1, keepdims=True), drawn((3, 4))),
    "a slice": (lambda x: x[1:, ::2] * x[:-1, 0:2], drawn((3, 4))),
    "one entry": (lambda x: x[1, -1] * x[0], drawn((2, 3))),
    "places, some often": (lambda x: x[PLACES] ** 2, drawn((3, 2))),
    "a mask": (lambda x: x[np.array([True, False, True])] ** 2, drawn((3,))),
    "a new axis": (lambda x: x[:, None] - x[None, :] ** 2, drawn((3,))),
    "shapes": (lambda x: np.reshape(np.swapaxes(x, 0, 1), (2, 6)) ** 2, drawn((4, 3))),
    "more shapes": (lambda x: np.broadcast_to(np.expand_dims(x, 1), (3, 2)) ** 2, drawn((3,))),
    "a constant": (lambda x: np.ones(3) + 0 * x, drawn((3,))),
    "Rosenbrock's valley": (rosenbrock, drawn((5,))),
    "a network": (network, drawn((4, 2), (2, 3), (3,), (3, 1), (1,), low=-1.0)),
    "normalised rows": (layer_norm, drawn((3, 5))),
}


def weighted(f, xs):
    """A function of `xs` with one number as its value, in which all results count."""
    (w,) = drawn(np.shape(f(*xs)), seed=1)
    return lambda *xs: np.sum(w * f(*xs) ** 2)


def compare(names, f, xs):
    """Values, gradients, second derivatives and tangents of the page against those of the engine."""
    vjp, jvp = names["vjp"], names["jvp"]
    (y_page, pullback), (y, pullback_of_engine) = vjp(f, *xs), ad.vjp(f, *xs)
    same(y_page, y)
    (ct,) = drawn(np.shape(y), seed=2)
    same(pullback(ct), pullback_of_engine(ct))
    ts = drawn(*map(np.shape, xs), low=-1.0, seed=3)
    same(jvp(f, xs, ts), ad.jvp(f, xs, ts))

    scalar = weighted(f, xs)
    same(names["grad"](scalar)(*xs), ad.grad(scalar)(*xs))

    def slope(vjp):  # of the gradient along a direction: reverse over reverse, by all arguments at once
        def along(*xs):
            _, pullback = vjp(scalar, *xs)
            return sum(np.sum(g * t) for g, t in zip(pullback(np.ones(())), ts, strict=True))

        return vjp(along, *xs)[1](np.ones(()))

    expected = slope(ad.vjp)
    same(slope(vjp), expected)
    same(jvp(lambda *xs: vjp(scalar, *xs)[1](np.ones(()))[0], xs, ts)[1], expected[0])  # forward over reverse


def same(found, expected):
    """All arrays alike, and none of the page's Tensors."""
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
        return
    assert isinstance(found, np.ndarray | np.generic)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=RTOL, atol=RTOL)


@pytest.mark.parametrize("case", CASES)
def test_the_page_gives_what_the_engine_gives(page, case):
    compare(page, *CASES[case])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("t * np.cos(x))", "t * np.cos(y))"),
        ("t * n * x ** (n - 1)", "t * n * x ** (n - 1) * 1.0001"),
        ("-t * y / b", "t * y / b"),
        ("cts[parent] = cts[parent] + ", "cts[parent] = "),
        ("tangents[node] = tangents.get(node, 0.0) + ", "tangents[node] = "),
        ("if n != ct.shape[i])", "if n == ct.shape[i])"),
        ("np.add.at(y, index, x)", "y[index] = x"),
        ("* (y.size / x.size)", ""),
        ("reverse=True)", "reverse=False)"),
        ("Node(alias, [a], [node_of(x)], {}, a)", "Node(alias, [a], [None], {}, a)"),
        ("Tensor(x, p) for x, p", "x for x, p"),
        ("return y if OPEN", "return data_of(y) if OPEN"),
        ("else data_of(y)\n\n\ndef vjp", "else y\n\n\ndef vjp"),
    ],
)
def test_a_wrong_page_is_seen(right, wrong):
    assert ENGINE.count(right) == 1
    names = program_of(ENGINE.replace(right, wrong))
    seen = 0
    for f, xs in CASES.values():
        try:
            compare(names, f, xs)
        except Exception:
            seen += 1
    assert seen


@pytest.mark.parametrize("engine", ["page", "real"])
def test_gradients_nest(page, engine):
    d, jvp = (page["grad"], page["jvp"]) if engine == "page" else (ad.grad, ad.jvp)
    assert d(lambda x: x * d(lambda y: x + y)(1.0))(1.0) == 1.0  # the two directions are not confused
    assert d(lambda x: x * d(lambda y: x * y)(1.0))(3.0) == 6.0
    assert jvp(lambda x: x * jvp(lambda y: x * y, (1.0,), (1.0,))[1], (3.0,), (1.0,)) == (9.0, 6.0)
    assert d(d(lambda x: 2 * x))(1.0) == d(d(d(lambda x: x * x)))(1.0) == 0.0
    spiral = lambda x: np.exp(x) * np.sin(x)
    fifth = -4 * np.exp(0.3) * (np.sin(0.3) + np.cos(0.3))
    np.testing.assert_allclose(d(d(d(d(d(spiral)))))(0.3), fifth, rtol=1e-10)


def test_hessians_and_third_derivatives(page):
    (x,) = drawn((4,))
    np.testing.assert_allclose(page["hessian"](rosenbrock)(x), ad.hessian(rosenbrock)(x), rtol=RTOL)

    def curvature(grad):  # along (1, 1, 1, 1)
        return lambda x: np.sum(grad(lambda x: np.sum(grad(rosenbrock)(x)))(x))

    np.testing.assert_allclose(page["grad"](curvature(page["grad"]))(x), ad.grad(curvature(ad.grad))(x), rtol=RTOL)


def test_results_leave_as_arrays_when_no_transform_needs_them(page):
    grad, vjp = page["grad"], page["vjp"]
    (x,) = drawn((3,))
    same(grad(lambda x: grad(lambda y: x * y * y)(2.0))(3.0), ad.grad(lambda x: ad.grad(lambda y: x * y * y)(2.0))(3.0))
    same(grad(lambda ct: np.sum(vjp(np.sin, x)[1](ct)[0]))(np.ones(3)), np.cos(x))
    _, pullback = vjp(np.sin, x)  # before the transform that differentiates it begins
    same(grad(lambda ct: np.sum(pullback(ct)[0]))(np.ones(3)), np.cos(x))
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: 1 / 0)(1.0)
    assert not page["OPEN"]


def test_the_network_trains_in_the_same_steps(page):
    (block,) = pages.blocks(NETWORK, "python")
    real = {"np": np, "vjp": ad.vjp}  # the same program, on the engine
    pages.run(block, real, PAGE)
    np.testing.assert_allclose(page["losses"], real["losses"], rtol=1e-9)
    for a, b in zip(page["parameters"], real["parameters"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    assert page["losses"][-1] < page["losses"][0] / 50


@pytest.mark.parametrize(
    ("error", "f", "x"),
    [
        (AssertionError, np.sin, np.ones(2)),  # not one number
        (KeyError, np.floor, 1.0),  # no rule
        (KeyError, lambda x: x if x > 0 else -x, 1.0),  # nor for comparisons
        (TypeError, np.add.reduce, np.ones(2)),
        (np.exceptions.AxisError, lambda x: x @ np.ones(2), np.ones(2)),  # two vectors
    ],
)
def test_what_the_page_cannot_do_is_an_error(page, error, f, x):
    with pytest.raises(error):
        page["grad"](f)(x)


# --- what is said of the page


def test_the_page_is_short_and_needs_numpy_only():
    code = "\n".join(block.code for block in pages.blocks(ENGINE, "python"))
    assert pages.lines_of_code(code) <= 122
    assert max(map(len, code.splitlines())) <= 120
    imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]


def test_every_part_is_where_the_page_says():
    """After each block stands the file in which the parts of the same name are found."""
    own = {
        "data_of",
        "node_of",
        "lifted",
        "sum_to",
        "add_at",
        "scatter",
        "alias",
        "OPEN",
    }  # there otherwise, or not at all
    known = set()
    rest = TEXT
    for block in pages.blocks(ENGINE, "python"):
        rest = rest.partition(block.code)[2]
        said = rest.partition("\nIn the engine: ")[2].partition("\n\n")[0]
        files = [PAGE.parent / link for link in re.findall(r"\]\(([\w./]+\.py)\)", said)]
        there = {name for file in files for name in defined(file.read_text(encoding="utf-8"))}
        parts = set(defined(block.code)) - own
        assert parts <= there | {"PRIMITIVES"}, block.line
        known |= parts
    assert {"Primitive", "Node", "Tensor", "walk", "pull_back", "push_forward", "vjp", "jvp", "grad", "leave"} <= known


def defined(code):
    """The names that a module defines on its first level."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("file", ["docs/one_page.md", "autodiff/compiler/README.md", "autodiff/testing/README.md"])
def test_links_lead_somewhere(file):
    prose = re.sub(r"^```.*?^```", "", (ROOT / file).read_text(encoding="utf-8"), flags=re.S | re.M)
    links = re.findall(r"\]\(([^)#]+)(#[^)]*)?\)", prose)
    assert links
    for link, anchor in links:
        target = (ROOT / file).parent / link
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.M)
            assert anchor[1:] in {heading.lower().replace(" ", "-") for heading in headings}, anchor


def test_the_line_counts_of_the_readme_are_right():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    counts = re.findall(r"\]\(([\w/]+\.py)\)\s+\((\d+)\s+lines\)", readme)
    assert len(counts) == 7
    for file, count in counts:
        lines = len((ROOT / file).read_text(encoding="utf-8").splitlines())
        assert abs(int(count) - lines) <= 0.1 * lines, f"{file} has {lines} lines"
    (count,) = re.findall(r"one_page\.md\) is the core of the engine in (\d+) lines", readme)
    assert int(count) == sum(pages.lines_of_code(block.code) for block in pages.blocks(ENGINE, "python"))


# --- the maps of two rooms


@pytest.mark.parametrize("room", ["compiler", "testing"])
def test_a_map_names_the_files_that_are_there(room):
    folder = ROOT / "autodiff" / room
    text = (folder / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", text))
    assert {name for name in named if not (folder / name).is_file()} == set()
    modules = {file.relative_to(folder).as_posix() for file in folder.rglob("*.py")}
    assert {name for name in modules if not name.endswith("__init__.py")} - named == set()
    for block in pages.blocks(text):
        pages.run(block, {}, folder / "README.md")
    functions = re.findall(r"`(\w+)\.(\w+)`", text)  # `blame.first_wrong_operation`: which file, and what in it
    assert functions
    for module, name in functions:
        if name != "py" and module not in ("ad", "np"):
            assert name in set(defined((folder / f"{module}.py").read_text(encoding="utf-8"))), f"{module}.{name}"


# --- the two walks of docs/design.md


def files_entered(call):
    """The files of the packages in which Python enters a function during a call."""
    entered = set()
    packages = ROOT / "autodiff"

    def note(frame, event, argument):
        if event == "call":
            entered.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return {file.relative_to(packages).as_posix() for file in map(Path, entered) if file.is_relative_to(packages)}


def files_listed(first, last):
    """The files that docs/design.md lists between two sentences."""
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert design.count(first) == design.count(last) == 1
    files = re.findall(r"^\d+\. `([\w/]+\.py)`: ", design.partition(first)[2].partition(last)[0], flags=re.M)
    assert len(files) == len(set(files))
    return set(files)


def f(x):
    return x * np.sin(x)


def test_the_walk_of_a_gradient():
    x, v = ad.tensor(2.0, requires_grad=True), ad.tensor([1.0, 2.0], requires_grad=True)

    def of_a_number():
        y = x * np.sin(x)
        y.backward()
        return x.grad

    def of_an_array():
        y = v * np.sin(v)
        y.backward(np.ones(2))
        return v.grad

    listed = files_listed("Python enters functions in these files", "That is the whole walk of a gradient.")
    assert files_entered(of_a_number) == files_entered(of_an_array) == listed
    assert len(listed) <= 4


def test_the_walk_of_a_hessian():
    listed = files_listed("of the same function enters these:", "That is the whole walk of a Hessian.")
    assert files_entered(lambda: ad.hessian(f)(2.0)) == listed
    assert len(listed) <= 15
    summed = files_entered(lambda: ad.hessian(lambda x: np.sum(f(x)))(np.ones(3)))
    assert summed - listed == {"ops/reductions.py", "ops/shapes.py"}
