"""The pytest plugin: a `gradcheck` fixture and a marker of the same name, and graphs in the output of failed tests.

If this package is installed, pytest loads the plugin automatically, before any `conftest.py`.
"""

from __future__ import annotations

import inspect
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodiff import drawing
from autodiff.testing.gradients import gradcheck as check_derivatives
from autodiff.testing.registration import register_tensors
from autodiff.testing.report import GradientCheckError
from autodiff.testing.tracebacks import end_at_the_users_line

SEEDS = {"quick": 1, "deep": 5}
"""The number of seeds for which the fixture repeats a check."""

_KEYWORDS = [p.name for p in inspect.signature(check_derivatives).parameters.values() if p.kind is p.KEYWORD_ONLY]
_GUESSES = ("gradients", "autodiff")  # what the marker is called by those who do not look it up
_MARKER = 'the marker is called gradcheck, as the fixture is: @pytest.mark.gradcheck(order=1, modes=("reverse",)).'

_running = pytest.StashKey[pytest.Item]()
_pictures = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command line options."""
    group = parser.getgroup("gradcheck", "checks of derivatives")
    group.addoption(
        "--gradcheck-profile",
        choices=sorted(SEEDS),
        default="quick",
        help="quick: random directions from one seed; deep: every entry by itself, and five seeds (default: quick)",
    )
    group.addoption(
        "--gradcheck-report",
        metavar="DIR",
        help="folder for SVG graphs of failed checks; without it nothing is written",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.stash[_pictures] = {}
    config.addinivalue_line(
        "markers",
        "gradcheck(**keywords): default keywords of the `gradcheck` fixture, such as order=1 or strict_nan=True "
        "(a derivative that is NaN fails).",
    )


# --- the fixture ---


class Gradcheck:
    """What the fixture gives: `gradcheck` with the seed and the marker's keywords of the test that is running."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __repr__(self) -> str:  # Hypothesis prints it among the arguments of a failing example
        return "gradcheck"

    def __call__(self, f: Callable[..., Any], *xs: Any, **keywords: Any) -> Any:
        __tracebackhide__ = True  # a failed test shows its own line
        profile = self._config.getoption("--gradcheck-profile")
        item = self._config.stash.get(_running, None)
        settings = {"full": profile == "deep", "seed": 0, **(_settings(item) if item else {}), **keywords}
        report = check_derivatives(f, *xs, **settings)
        for k in range(1, SEEDS[profile]):
            report.comparisons += check_derivatives(f, *xs, **{**settings, "seed": settings["seed"] + k}).comparisons
        return report


@pytest.fixture(scope="session")
def gradcheck(request: pytest.FixtureRequest) -> Gradcheck:
    """`autodiff.testing.gradcheck` with a seed made from the test's name, and with the marker's keywords.

    With ``--gradcheck-profile=deep`` every entry is checked by itself, from five seeds. It holds nothing of a single
    test, so Hypothesis has nothing against it beside ``@given``.

    Examples
    --------
    A test asks for it by name::

        @pytest.mark.gradcheck(strict_nan=True)
        def test_my_loss(gradcheck):
            gradcheck(my_loss, np.ones(3))
    """
    # The first check imports and fills caches, for 40 ms on an idle machine. Here it counts against no deadline.
    check_derivatives(lambda x: np.sum(np.sin(x)), np.ones(2, np.float32))
    return Gradcheck(request.config)


def _settings(item: pytest.Item) -> dict[str, Any]:
    """What the test's name and its markers say."""
    settings: dict[str, Any] = {"seed": zlib.crc32(item.nodeid.encode())}
    for marker in reversed(list(item.iter_markers("gradcheck"))):  # the closest marker overrides the others
        settings |= marker.kwargs
    return settings


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note which test is running: the fixture is made once for all."""
    item.config.stash[_running] = item
    try:
        return (yield)
    finally:
        del item.config.stash[_running]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse markers that say nothing to the fixture."""
    if complaint := next(_complaints(item), None):
        pytest.fail(f"{item.nodeid}: {complaint}", pytrace=False)


def _complaints(item: pytest.Item) -> Iterator[str]:
    """What is wrong with the markers of a test."""
    for marker in item.iter_markers("gradcheck"):
        if marker.args:
            yield f"the marker gradcheck takes keywords only: {marker.args}"
        if unknown := marker.kwargs.keys() - _KEYWORDS:
            given = ", ".join(sorted(unknown))
            yield f"the marker gradcheck takes the keywords {', '.join(_KEYWORDS)}; {given} was given."
    names = getattr(item, "fixturenames", ())
    if any(m.name == "gradcheck" for m in item.own_markers) and not {"gradcheck", "request"} & set(names):
        yield (
            "the marker gradcheck only sets keywords of the fixture, which this test does not ask for. Write "
            "def test_it(gradcheck): gradcheck(f, x)."
        )
    for guess in _GUESSES:
        if item.get_closest_marker(guess) and guess not in _registered(item.config):
            yield f"{guess} is no marker; {_MARKER}"


def _registered(config: pytest.Config) -> set[str]:
    """The markers that are known."""
    return {re.split(r"[(:\s]", line, maxsplit=1)[0] for line in config.getini("markers")}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Under --strict-markers pytest refuses a marker that it does not know, and cannot say what it is called here."""
    report = yield
    if report.failed and any(f"'{guess}' not found in `markers`" in str(report.longrepr) for guess in _GUESSES):
        report.sections.append(("autodiff", _MARKER))
    return report


def pytest_collection_finish() -> None:
    """If the tests use Hypothesis, tell it how to draw Tensors."""
    register_tensors()


# --- the output of failed tests ---


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let tracebacks of checks end at the user's line, and add the graph of a failed check to the test's report."""
    if call.excinfo is not None and not item.config.getoption("fulltrace", False):
        end_at_the_users_line(call.excinfo.value, call.excinfo.tb)
    report = yield
    if report.failed and call.excinfo is not None:
        for error in _failed_checks(call.excinfo.value):
            shown = f"{error.listing}\n{_drawn(item, error)}".rstrip()
            report.sections.append(("graph of the failed gradcheck", shown))
    return report


def _failed_checks(error: BaseException) -> list[GradientCheckError]:
    """The failed checks with a graph in an error, which may be a group: Hypothesis raises one of several examples."""
    if isinstance(error, BaseExceptionGroup):
        return [found for inner in error.exceptions for found in _failed_checks(inner)]
    return [error] if isinstance(error, GradientCheckError) and error.listing else []


def _drawn(item: pytest.Item, error: GradientCheckError) -> str:
    """Draw the graph in the folder that was asked for and say where; what to say if that is not to be."""
    where = item.config.getoption("--gradcheck-report")
    if error.picture is None or (where and drawing.find_renderer() is None):
        return ""
    if not where:
        return "(--gradcheck-report=DIR draws it as a picture)"
    folder = Path(item.config.rootpath, where)
    folder.mkdir(parents=True, exist_ok=True)
    # Different names of tests may read the same after this, so a checksum follows; then a number, for subtests.
    name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")[-100:]
    name = f"{name}-{zlib.crc32(item.nodeid.encode()):08x}"
    counts = item.config.stash[_pictures]
    counts[name] = counts.get(name, 0) + 1
    if counts[name] > 1:
        name += f"-{counts[name]}"
    path = error.picture().render(outfile=str(folder / f"{name}.svg"), cleanup=True)
    return f"drawn as {path}"
