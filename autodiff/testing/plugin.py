"""The pytest plugin: a `gradcheck` fixture, the marker `gradients`, and graphs in the output of failed tests.

If this package is installed, pytest loads the plugin automatically, before any `conftest.py`.
"""

from __future__ import annotations

import inspect
import re
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from autodiff import drawing
from autodiff.testing.gradients import gradcheck as check_derivatives
from autodiff.testing.report import GradientCheckError

SEEDS = {"quick": 1, "deep": 5}
"""The number of seeds for which the fixture repeats a check."""

_KEYWORDS = [p.name for p in inspect.signature(check_derivatives).parameters.values() if p.kind is p.KEYWORD_ONLY]


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
        default="gradcheck-report",
        help="folder for SVG graphs of failed checks, if Graphviz is installed (default: gradcheck-report)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "gradients(**keywords): default keywords of the `gradcheck` fixture, such as order=1 or strict_nan=True "
        "(a derivative that is NaN fails).",
    )


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`autodiff.testing.gradcheck` with a seed made from the test's name, and with the marker's keywords.

    With ``--gradcheck-profile=deep`` every entry is checked by itself, from five seeds.

    Examples
    --------
    A test asks for it by name::

        @pytest.mark.gradients(strict_nan=True)
        def test_my_loss(gradcheck):
            gradcheck(my_loss, np.ones(3))
    """
    profile = request.config.getoption("--gradcheck-profile")
    first = zlib.crc32(request.node.nodeid.encode())
    marked: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("gradients"))):  # the closest marker overrides the others
        if marker.args:
            raise pytest.UsageError(f"{request.node.nodeid}: the marker gradients takes keywords only: {marker.args}")
        if unknown := marker.kwargs.keys() - _KEYWORDS:
            raise pytest.UsageError(
                f"{request.node.nodeid}: the marker gradients takes the keywords {', '.join(_KEYWORDS)}; "
                f"{', '.join(sorted(unknown))} was given."
            )
        marked |= marker.kwargs

    def check(f: Callable[..., Any], *xs: Any, **keywords: Any) -> Any:
        __tracebackhide__ = True  # a failed test shows its own line
        settings = {"full": profile == "deep", "seed": first, **marked, **keywords}
        report = check_derivatives(f, *xs, **settings)
        for k in range(1, SEEDS[profile]):
            report.comparisons += check_derivatives(f, *xs, **{**settings, "seed": settings["seed"] + k}).comparisons
        return report

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the graph of a failed check to the test's report."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    if report.failed and isinstance(error, GradientCheckError) and error.listing:
        text = error.listing
        drawn = _drawn(item, error)
        report.sections.append(("graph of the failed gradcheck", f"{text}\n{drawn}" if drawn else text))
    return report


def _drawn(item: pytest.Item, error: GradientCheckError) -> str:
    """Draw the graph in the report folder and say where; empty if there is no renderer."""
    if error.picture is None or drawing.find_renderer() is None:
        return ""
    folder = Path(item.config.rootpath, item.config.getoption("--gradcheck-report"))
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")
    path = error.picture().render(outfile=str(folder / f"{name}.svg"), cleanup=True)
    return f"drawn as {path}"
