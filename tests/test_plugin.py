"""The pytest plugin, run by pytest inside pytest."""

import importlib.metadata

import pytest

from autodiff import drawing

pytest_plugins = ["pytester"]

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
    result.stdout.fnmatch_lines(["drawn as *pictures*test_wrong.svg"])
    (picture,) = (pytester.path / "pictures").glob("*.svg")
    assert "wrong_cube" in picture.read_text(encoding="utf-8")


def test_the_marker_sets_what_is_passed_on_and_the_nearest_has_the_last_word(run):
    result = run(
        """
pytestmark = pytest.mark.gradients(order=1, modes=("reverse",))

def test_outer(gradcheck):
    assert {(c.order, c.mode) for c in gradcheck(np.sin, np.array([0.5])).comparisons} == {(1, "reverse")}

@pytest.mark.gradients(order=2)
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

@pytest.mark.gradients(strict_nan=True)
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
    result = run("@pytest.mark.gradients(1)\ndef test_it(gradcheck):\n    pass\n")
    result.stdout.fnmatch_lines(["*takes keywords only*"])


def test_a_marker_with_a_misspelt_keyword_is_refused(run):
    result = run("@pytest.mark.gradients(ordr=1)\ndef test_it(gradcheck):\n    pass\n")
    result.stdout.fnmatch_lines(["*takes the keywords order, *strict_nan*; ordr was given*"])


def test_a_failure_shows_the_line_of_the_test(run):
    result = run("def test_it(gradcheck):\n    gradcheck(lambda x: np.sum(wrong(x)), np.ones(2))\n")
    result.stdout.no_fnmatch_line("*def check_problem*")
    result.stdout.fnmatch_lines(["*gradcheck(lambda x: np.sum(wrong(x)), np.ones(2))*"])
