"""Settings of the whole suite: Hypothesis profiles, one BLAS thread, what is collected and when."""

import faulthandler
import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Programs of their own: the stories are run by test_stories.py, `typing` by test_typing.py, the tools by the Makefile.
collect_ignore = ["stories", "tools", "typing"]

# No deadline and no complaint about slowness: a shared machine is slow for seconds at a time.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
STDERR = pytest.StashKey[int]()
HANGS = 600
"""Seconds after which a file of tests is thought to hang."""
PROFILES = {
    "quick": {"max_examples": 12, "derandomize": True},  # every day; the same examples each time
    "ci": {"max_examples": 30, "derandomize": True},  # before a merge
    "deep": {"max_examples": 1000},  # new examples each time; failures are kept in .hypothesis and printed
}
for name, choice in PROFILES.items():
    settings.register_profile(name, **_common, **choice)


def _profile() -> str:
    """Name of the profile that the environment asks for."""
    return os.environ.get("HYPOTHESIS_PROFILE") or "quick"


def pytest_configure(config):
    """Hold BLAS to one thread, and load the profile or say which ones there are."""
    # Sums in one order on every machine, and no two workers fighting for the same cores. It comes too late where the
    # plugin has loaded NumPy; the Makefile sets them first.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if _profile() not in PROFILES:
        raise pytest.UsageError(f"HYPOTHESIS_PROFILE is {_profile()!r}; it must be one of {', '.join(PROFILES)}.")
    settings.load_profile(_profile())
    config.stash[STDERR] = os.dup(2)  # before pytest takes it
    gc.disable()  # what is collected stays: to look for garbage among it takes a fifth of the time


def pytest_unconfigure(config):
    """Close what was opened above."""
    os.close(config.stash[STDERR])


def pytest_report_header(config):
    """Name the profile at the top of a run."""
    return f"hypothesis profile: {_profile()} ({PROFILES[_profile()]['max_examples']} examples)"


LATE = {"deep": ("deep",), "ci": ("ci", "deep")}
"""For each marker the profiles under which its tests run."""


def pytest_collection_modifyitems(config, items):
    """Leave tests marked `deep` to the profile of that name, and those marked `ci` to both that come after `quick`."""
    skipped = [marker for marker, profiles in LATE.items() if _profile() not in profiles]
    late = [item for item in items if any(item.get_closest_marker(marker) for marker in skipped)]
    if late:
        gone = set(late)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=late)


def pytest_collection_finish(session):
    """Set what collection made aside: 23,000 test items that every run of the garbage collector would go through."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="module")
def _a_file_that_hangs_says_where(request: pytest.FixtureRequest) -> Iterator[None]:
    """What pytest's `faulthandler_timeout` does for each test, for which it starts and ends 20,000 threads."""
    faulthandler.dump_traceback_later(HANGS, file=request.config.stash[STDERR])
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def _every_test_draws_the_same_numbers() -> None:
    """Parameters and masks of networks do not depend on the tests before."""
    import nn  # not at the top: it loads NumPy, which is told its threads first

    nn.manual_seed(0)


@pytest.fixture(autouse=True, scope="module")
def _every_program_is_compared(request: pytest.FixtureRequest) -> Iterator[None]:
    """In tests of the compiler the function itself runs beside its program at every call, unless `check=` says else."""
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__.rpartition(".")[2].startswith("test_compile"):
            patch.setattr("autodiff.compiler.compiled.CHECK", "always")
        yield


@pytest.fixture(scope="session")
def browser():
    """A browser and the address of a running explorer, for all tests of one process."""
    from tests.browser import chromium, serving

    with chromium() as browser, serving() as address:
        yield browser, address


@pytest.fixture(scope="session")
def _shared_pages():
    """The pages that tests share, by their options; one that a test took is back when the test has passed."""
    return {}


@pytest.fixture
def open_page(request, browser, _shared_pages):
    """Opens a room of the explorer, as ``open_page("curve", {"x": 2})``; a page that complained fails the test.

    To load a page takes seconds of computing. So tests share one for each set of options of `Page`, on which they go to
    their room by the address; with ``fresh=True`` it is loaded anew for this test alone. The worker behind a page keeps
    what a room keeps, such as a network that learned, until another of its entries is asked for.
    """
    from tests.browser import Page

    taken, own = {}, []

    def open_(room, state=None, *, fresh=False, **options):
        key = tuple(sorted(options.items()))
        if not fresh and key in _shared_pages:
            taken[key] = _shared_pages.pop(key)
        if not fresh and key in taken:
            taken[key].show(room, state)
            return taken[key]
        page = Page(*browser, **options)
        if fresh:
            own.append(page)
        else:
            taken[key] = page
        page.open(room, state)
        return page

    failures = request.session.testsfailed
    yield open_
    pages = [*own, *taken.values()]
    complaints = [complaint for page in pages for complaint in page.complaints]
    if not complaints and request.session.testsfailed == failures:
        _shared_pages.update(taken)
        pages = own
    for page in pages:
        page.context.close()
    assert not complaints
