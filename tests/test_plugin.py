"""The pytest plugin, run by pytest inside pytest."""

import importlib.metadata
import tomllib
from pathlib import Path

import numpy as np
import pytest

from autodiff import drawing
from tests import pages

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]

HEAD = """
import numpy as np, pytest, autodiff as ad
wrong = ad.elementwise(lambda x: x**3, lambda t, y, x: t * 3.001 * x**2, name="wrong_cube")
"""


@pytest.fixture
def run(pytester):
    """Write a test file and run it; returns the result."""

    def runs(body, *arguments):
        pytester.makepyfile(HEAD + body)
        return pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:cacheprovider", *arguments)

    return runs


def test_pytest_finds_the_plugin_by_itself():
    (found,) = importlib.metadata.entry_points(group="pytest11", name="gradcheck")
    assert found.value == "autodiff.testing.plugin"


def test_the_fixture_checks(run):
    result = run(
        """
def test_right(gradcheck):
    assert gradcheck(np.sin, np.array([0.5, 1.0])).ok

def test_wrong(gradcheck):
    gradcheck(wrong, np.array([0.5, 1.0]))
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*wrong_cube*analytic*numeric*"])


def test_what_fails_shows_only_the_operations_that_lead_to_the_wrong_one(run):
    result = run(
        """
def test_wrong(gradcheck):
    gradcheck(lambda x: np.tanh(wrong(np.cos(x) * x)), np.array([0.5, 1.0]))
"""
    )
    result.stdout.fnmatch_lines(
        [
            "*graph of the failed gradcheck*",
            "v1 = cos(x)  (2,) float64",
            "v2 = multiply(v1, x)  (2,) float64",
            "v3 = wrong_cube(v2)  (2,) float64   <-- here",
        ]
    )
    result.stdout.no_fnmatch_line("*v4 = *")


def test_where_there_is_a_renderer_the_graph_is_drawn(run, pytester, monkeypatch):
    body = "def test_wrong(gradcheck):\n    gradcheck(wrong, np.array([0.5]))\n"
    with monkeypatch.context() as without:
        without.setattr(drawing, "find_renderer", lambda: None)
        result = run(body, "--gradcheck-report=pictures")
    result.stdout.no_fnmatch_line("drawn as*")
    assert not (pytester.path / "pictures").exists()
    if drawing.find_renderer() is None:
        pytest.skip("neither graphviz-pure nor dot is installed")
    result = run(body, "--gradcheck-report=pictures")
    result.stdout.fnmatch_lines(["drawn as *pictures*test_wrong-*.svg"])
    (picture,) = (pytester.path / "pictures").glob("*.svg")
    assert "wrong_cube" in picture.read_text(encoding="utf-8")


def test_the_marker_sets_what_is_passed_on_and_the_nearest_has_the_last_word(run):
    result = run(
        """
pytestmark = pytest.mark.gradcheck(order=1, modes=("reverse",))

def test_outer(gradcheck):
    assert {(c.order, c.mode) for c in gradcheck(np.sin, np.array([0.5])).comparisons} == {(1, "reverse")}

@pytest.mark.gradcheck(order=2)
def test_inner(gradcheck):
    found = gradcheck(np.sin, np.array([0.5])).comparisons
    assert {(c.order, c.mode) for c in found} == {(1, "reverse"), (2, "reverse")}

def test_given(gradcheck):
    found = gradcheck(np.sin, np.array([0.5]), modes=("forward",)).comparisons
    assert {(c.order, c.mode) for c in found} == {(1, "forward")}
"""
    )
    result.assert_outcomes(passed=3)


def test_strict_nan_refuses_a_derivative_that_is_no_number(run):
    body = """
def test_lax(gradcheck):
    assert gradcheck(np.linalg.norm, np.zeros(2)).ok

@pytest.mark.gradcheck(strict_nan=True)
def test_strict(gradcheck):
    gradcheck(np.linalg.norm, np.zeros(2))
"""
    result = run(body)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*derivative of order 2 by x at index (0,) is NaN*"])


def test_the_seed_is_that_of_the_name(run):
    result = run(
        """
import zlib
seen = []

@pytest.mark.parametrize("n", [1, 2])
def test_seed(gradcheck, request, n):
    report = gradcheck(np.sin, np.array([0.5, 1.0]), order=1)
    again = ad.testing.gradcheck(np.sin, np.array([0.5, 1.0]), order=1, seed=zlib.crc32(request.node.nodeid.encode()))
    assert [c.analytic for c in report.comparisons] == [c.analytic for c in again.comparisons]
    assert report.comparisons[0].analytic not in seen  # the other name gives another direction, in whatever order
    seen.append(report.comparisons[0].analytic)
"""
    )
    result.assert_outcomes(passed=2)


def test_the_deep_profile_looks_at_every_entry_from_several_seeds(run):
    body = """
def test_it(gradcheck):
    report = gradcheck(np.sin, np.array([0.5, 1.0]), order=1, modes=("reverse",))
    print("compared", len(report.comparisons), sorted({c.index for c in report.comparisons}, key=str))
"""
    result = run(body, "-s")
    result.stdout.fnmatch_lines(["*compared 1 [[]None[]]*"])
    result = run(body, "-s", "--gradcheck-profile=deep")
    result.stdout.fnmatch_lines(["*compared 15 [[](0,), (1,), None[]]*"])


def test_a_marker_with_positional_arguments_is_refused(run):
    result = run("@pytest.mark.gradcheck(1)\ndef test_it(gradcheck):\n    pass\n")
    result.stdout.fnmatch_lines(["*takes keywords only*"])


def test_a_marker_with_a_misspelt_keyword_is_refused(run):
    result = run("@pytest.mark.gradcheck(ordr=1)\ndef test_it(gradcheck):\n    pass\n")
    result.stdout.fnmatch_lines(["*takes the keywords order, *strict_nan*; ordr was given*"])


def test_a_failure_shows_the_line_of_the_test(run):
    result = run("def test_it(gradcheck):\n    gradcheck(lambda x: np.sum(wrong(x)), np.ones(2))\n")
    result.stdout.no_fnmatch_line("*def check_problem*")
    result.stdout.fnmatch_lines(["*gradcheck(lambda x: np.sum(wrong(x)), np.ones(2))*"])


# --- tracebacks


def test_a_traceback_ends_at_the_line_of_the_user(run):
    body = """
def loss(x):
    return np.sum(x) * float(x[0])  # the guilty line

def test_float(gradcheck):
    gradcheck(loss, np.ones(2))

def test_raises(gradcheck):
    gradcheck(lambda x: np.sum(x @ np.ones(3)), np.ones(2))

def test_writes(gradcheck):
    gradcheck(lambda x: x.fill(0.0), np.ones(2))

def test_two_values(gradcheck):
    rng = np.random.default_rng(0)
    gradcheck(lambda x: x * rng.random(), np.ones(2))
"""
    result = run(body)
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines([">*float(x[[]0[]])  # the guilty line", "E *UntrackedError*"])
    for folder in ("core", "arrays", "transforms", "testing"):
        result.stdout.no_fnmatch_line(f"*autodiff?{folder}?*.py:*")
    run(body, "--full-trace").stdout.fnmatch_lines(["*autodiff?testing?probing.py:*"])


def test_where_the_engine_itself_breaks_its_frames_are_shown(run):
    body = """
def broken(t, y, x):
    raise KeyError("a fault of the rule")

bad = ad.elementwise(lambda x: np.sin(x), broken, name="bad")

def test_broken(gradcheck):
    gradcheck(lambda x: bad(x), np.ones(2))

def test_strange(gradcheck, monkeypatch):
    monkeypatch.setattr("autodiff.testing.probing.direction", None)
    gradcheck(np.sin, np.ones(2))
"""
    result = run(body)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["E *KeyError*a fault of the rule*", "*autodiff?testing?probing.py:*: TypeError"])


def test_other_errors_keep_their_tracebacks(run):
    result = run("def test_it():\n    ad.tensor([1.0], requires_grad=True).backward(3)\n")
    result.stdout.fnmatch_lines(["*autodiff*.py:*"])


# --- the marker


@pytest.mark.parametrize("guess", ["gradients", "autodiff"])
def test_a_marker_by_another_name_is_told_what_it_is_called(run, pytester, guess):
    body = f"@pytest.mark.{guess}(order=1)\ndef test_it(gradcheck):\n    pass\n"
    result = run(body, "-W", "ignore::pytest.PytestUnknownMarkWarning")
    result.stdout.fnmatch_lines([f"*{guess} is no marker; the marker is called gradcheck*@pytest.mark.gradcheck(*"])
    result = run(body, "--strict-markers")
    result.stdout.fnmatch_lines(["*the marker is called gradcheck*@pytest.mark.gradcheck(*"])
    pytester.makeini(f"[pytest]\nmarkers = {guess}: slow ones")  # a marker of the user's own
    run(body, "--strict-markers").assert_outcomes(passed=1)


def test_a_marker_without_the_fixture_is_refused(run):
    result = run(
        """
@pytest.mark.gradcheck(order=1)
def test_it():
    pass

@pytest.mark.gradcheck(order=1)
def test_asks_later(request):
    request.getfixturevalue("gradcheck")(np.sin, np.ones(2))

@pytest.mark.gradcheck(order=1)
class TestAll:
    def test_other(self):
        pass
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*does not ask for*def test_it(gradcheck): gradcheck(f, x)*"])


# --- a gradient that is lost


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("x.data", ".data"),
        ("x.detach()", ".detach()"),
        ("x[0].item()", ".item()"),
        ("np.array(x.tolist())", ".tolist()"),
        ("ad.stop_gradient(x)", "ad.stop_gradient()"),
    ],
)
def test_a_gradient_lost_on_purpose_is_called_that(run, way, told):
    body = f"""
def loss(x):
    scale = {way}
    return np.sum(x * scale)

def test_in_part(gradcheck):
    gradcheck(loss, np.ones(2))

def test_as_a_whole(gradcheck):
    gradcheck(lambda x: np.sum(np.sin({way})), np.ones(2))
"""
    result = run(body)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            f"*wrong. The gradient is lost by {told} in test_*.py, line * (scale = *): a value taken out of the graph*",
            f"*wrong. The gradient is lost by {told} in test_*.py, line *",
        ]
    )
    result.stdout.no_fnmatch_line("*whose own rule*")


def test_what_only_looks_at_values_is_not_blamed_for_a_wrong_rule(run):
    result = run(
        """
def test_it(gradcheck):
    gradcheck(lambda x: wrong(x) if x.max().item() > 0 else x, np.ones(2))
"""
    )
    result.stdout.fnmatch_lines(["*whose own rule disagrees: wrong_cube*"])
    result.stdout.no_fnmatch_line("*is lost by*")


# --- pictures


def test_nothing_is_written_unasked(run, pytester):
    result = run("def test_wrong(gradcheck):\n    gradcheck(wrong, np.array([0.5]))\n")
    result.stdout.fnmatch_lines(["(--gradcheck-report=DIR draws it as a picture)"])
    assert {path.suffix for path in pytester.path.iterdir()} <= {".py", ""}
    assert not list(pytester.path.rglob("*.svg")) and not (pytester.path / "gradcheck-report").exists()


def test_no_two_failures_write_the_same_picture(run, pytester):
    if drawing.find_renderer() is None:
        pytest.skip("neither graphviz-pure nor dot is installed")
    body = """
@pytest.mark.parametrize("name", ["a/b", "a b", "A b"])
def test_wrong(gradcheck, name):
    gradcheck(wrong, np.array([0.5]))
"""
    count = 3
    if int(pytest.__version__.partition(".")[0]) >= 9:  # the first with subtests
        body += """
def test_parts(gradcheck, subtests):
    for k in range(2):
        with subtests.test(k=k):
            gradcheck(wrong, np.ones(k + 1))
"""
        count += 2
    result = run(body, "--gradcheck-report=pictures")
    pictures = list((pytester.path / "pictures").iterdir())
    assert len(pictures) == len({path.name.lower() for path in pictures}) == count
    for path in pictures:
        result.stdout.fnmatch_lines([f"drawn as *{path.name}"])


# --- other plugins


def test_the_example_of_the_readme_runs_under_pytest(run):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = (b.code for b in pages.blocks(readme, "python") if "def test_my_loss(gradcheck)" in b.code)
    run(f"my_loss = lambda x: np.sum(np.log(x) * x)\n{example}").assert_outcomes(passed=2)
    run(f"my_loss = lambda x: np.sum(np.log(x) * x.data)\n{example}").assert_outcomes(failed=2)


def run_apart(pytester, monkeypatch, body, *arguments):
    """As `run`, in a process of its own: without the settings of this suite, and with nothing loaded before."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(HEAD + body)
    return pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:cacheprovider", *arguments)


def test_the_fixture_works_beside_given(run):
    result = run(
        """
from hypothesis import given, settings
from autodiff.testing import strategies as st

@given(x=st.arrays())
def test_right(gradcheck, x):
    gradcheck(np.sin, x)

@settings(print_blob=False)
@given(x=st.arrays((2,), layouts=("C",)))
def test_wrong(gradcheck, x):
    gradcheck(lambda x: np.sum(wrong(x)), x)

class TestAll:
    @pytest.mark.gradcheck(order=1)
    @given(x=st.arrays())
    def test_method(self, gradcheck, x):
        assert {c.order for c in gradcheck(np.sin, x).comparisons} == {1}
"""
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*gradcheck(lambda x: np.sum(wrong(x)), x)",
            "*analytic*numeric*wrong. The first operation whose own rule disagrees: wrong_cube*",
            "*gradcheck=gradcheck,",
            "*graph of the failed gradcheck*",
            "v1 = wrong_cube(x)*<-- here",
        ]
    )


def test_several_failures_in_one_group_show_all_their_graphs(run):
    result = run(
        """
def test_it(gradcheck):
    errors = []
    for f in (wrong, lambda x: np.sin(wrong(x))):
        try:
            gradcheck(f, np.ones(2))
        except AssertionError as error:
            errors.append(error)
    raise ExceptionGroup("two examples", errors)
"""
    )
    assert result.stdout.str().count("<-- here") == 2


def test_the_first_check_keeps_the_deadline_of_hypothesis(pytester, monkeypatch):
    result = run_apart(
        pytester,
        monkeypatch,
        """
import time
from hypothesis import given, settings
from autodiff.testing import strategies as st
times = []

@settings(max_examples=20, deadline=None, database=None)  # a deadline in a test would measure the machine
@given(x=st.arrays((2,), min_value=0.5))
def test_it(gradcheck, x):
    start = time.thread_time()
    gradcheck(lambda x: np.sum(np.sin(x)), x)
    times.append(time.thread_time() - start)

def test_times():
    assert times[0] < 4 * np.median(times), times
""",
    )
    result.assert_outcomes(passed=2)


def test_from_type_draws_tensors_wherever_the_plugin_is_loaded(pytester, monkeypatch):
    body = """
import sys
from hypothesis import given, settings, strategies as st

@settings(deadline=None, database=None, max_examples=20)
@given(x=st.from_type(ad.Tensor))
def test_it(x):
    assert type(x) is ad.Tensor and x.requires_grad and x.grad is None
"""
    run_apart(pytester, monkeypatch, body).assert_outcomes(passed=1)
    own = """
st.register_type_strategy(ad.Tensor, st.builds(ad.tensor, st.just(7.0)))

@settings(deadline=None, database=None, max_examples=5)
@given(x=st.from_type(ad.Tensor))
def test_own(x):
    assert x.item() == 7.0
"""
    run_apart(pytester, monkeypatch, body + own, "-k", "own").assert_outcomes(passed=1, deselected=1)


def test_without_hypothesis_in_the_tests_the_plugin_does_not_load_it(pytester, monkeypatch):
    body = "import sys\ndef test_it(gradcheck):\n    gradcheck(np.sin, np.ones(2))\n"
    body += "    assert not {'hypothesis', 'autodiff.testing.strategies'} & sys.modules.keys()\n"
    result = run_apart(pytester, monkeypatch, body, "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)


def seeder():
    """What pytest-randomly calls, as its entry point names it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (value,) = project["entry-points"]["pytest_randomly.random_seeder"].values()
    return importlib.metadata.EntryPoint("nn", value, "pytest_randomly.random_seeder").load()


@pytest.mark.parametrize("seed", [0, -1, 2**32 + 1])
def test_pytest_randomly_seeds_the_generator_of_networks(seed):
    import nn

    first, second = (seeder()(seed) or nn.Linear(3, 2).weight.data for _ in range(2))
    np.testing.assert_array_equal(first, second)
    seeder()(seed + 1)
    assert not np.array_equal(first, nn.Linear(3, 2).weight.data)


def test_with_pytest_randomly_its_seed_decides_what_networks_draw(pytester, monkeypatch):
    pytest.importorskip("pytest_randomly")
    if not importlib.metadata.entry_points(group="pytest_randomly.random_seeder", name="nn"):
        pytest.skip("installed before the entry point was written: make clean")
    body = """
import nn

def test_it():
    print("weights", nn.Linear(3, 2).weight.data.tolist())
"""
    runs = [run_apart(pytester, monkeypatch, body, "-s", f"--randomly-seed={seed}") for seed in (1, 1, 2)]
    first, again, other = ([line for line in r.outlines if "weights" in line] for r in runs)
    assert len(first) == 1 and first == again != other
