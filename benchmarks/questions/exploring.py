"""The questions: how long the explorer's page takes, from a drag to the new number, and until it is ready.

A server and a browser without a screen run as a user has them, on the cores that are there. A point is dragged a few
pixels at a time; in the page the time is taken from the pointer's event to the change of a number that follows from it.
The surface is a picture in space, which this browser draws without a graphics card. There is nothing to compare with: a
user waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import table

TITLE_DRAG = "from a drag to the new number in the explorer's page, the slowest of its rooms without a surface"
TITLE_SURFACE = "the same in the rooms with a surface"
TITLE_READY = "from opening the explorer's address to the picture, the server running"
TITLE_STREAM = "time of a frame while the network room trains, with its pictures"

MOVES, PIXELS, OPENED = 40, 3, 5
DRAGS = {"curve": ("x", "value"), "fields": ("centre", "circulation")}
SURFACES = {"surface": ("p", "value"), "descent": ("start", "value")}
WATCH = """(name) => {
    const number = document.querySelector(`[data-number="${name}"]`);
    window.took = [];
    let moved = null;
    addEventListener("pointermove", () => { moved ??= performance.now(); }, true);
    new MutationObserver(() => { if (moved !== null) took.push(performance.now() - moved); moved = null; })
        .observe(number, { attributes: true });
}"""
FRAMES = """() => new Promise((done) => {
    const at = [];
    const seen = new MutationObserver(() => {
        at.push(performance.now());
        if (at.length > 120) { seen.disconnect(); done(at.slice(1).map((t, i) => t - at[i])); }
    });
    seen.observe(document.documentElement, { attributes: true, attributeFilter: ["data-shown"] });
})"""


@contextmanager
def _explorer() -> Iterator[tuple[Any, str] | None]:
    """A browser and the address of a running explorer; None, with the reason printed, where they are not there."""
    try:
        import playwright.sync_api  # noqa: F401  # whether it is there

        from tests.browser import CHROMIUM, chromium, serving
    except ImportError as error:
        print(f"  left out: {error.name} is not installed")
        yield None
        return
    if CHROMIUM is None:
        print("  left out: no Chromium was found")
        yield None
        return
    with chromium() as browser, serving() as address:
        yield browser, address


def _dragged(browser: Any, address: str, room: str, handle: str, number: str) -> list[float]:
    """Milliseconds from each move of the pointer to the change of the number."""
    from tests.browser import Page

    page = Page(browser, address)
    page.open(room)
    box = page.page.locator(f'[data-handle="{handle}"]').bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.page.evaluate(WATCH, number)
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    for i in range(MOVES):
        page.page.mouse.move(x + PIXELS * (i + 1), y - PIXELS * (i % 8))
        page.page.wait_for_timeout(50)
    page.page.mouse.up()
    page.settled()
    took: list[float] = page.page.evaluate("took")
    page.context.close()
    return took


def _answer_drags(drags: dict[str, tuple[str, str]]) -> Answer:
    with _explorer() as there:
        if there is None:
            return Answer(None)
        rows = {}
        for room, (handle, number) in drags.items():
            took = _dragged(*there, room, handle, number)
            rows[room] = {"milliseconds": took, "median": float(np.median(took)), "moves": len(took)}
    cells = [
        [room, f"{row['median']:.1f} ms", f"{max(row['milliseconds']):.1f} ms", str(row["moves"])]
        for room, row in rows.items()
    ]
    print(table(["", "median", "slowest", "moves"], cells, []))
    return Answer(max(row["median"] for row in rows.values()), rows)


def answer_drag(peers: Peers, settings: Settings) -> Answer:
    """The slowest median of the rooms without a surface, in milliseconds."""
    return _answer_drags(DRAGS)


def answer_surface(peers: Peers, settings: Settings) -> Answer:
    """The slowest median of the rooms with a surface, in milliseconds."""
    return _answer_drags(SURFACES)


def answer_ready(peers: Peers, settings: Settings) -> Answer:
    """The median over some new windows, in milliseconds."""
    from tests.browser import Page

    with _explorer() as there:
        if there is None:
            return Answer(None)
        took = []
        for _ in range(OPENED):
            page = Page(*there)
            page.page.goto(there[1])
            page.page.wait_for_selector("html[data-ready]")
            took.append(page.page.evaluate("performance.getEntriesByName('ready')[0].startTime"))
            page.context.close()
    print(table(["", "median", "slowest"], [["curve", f"{np.median(took):.0f} ms", f"{max(took):.0f} ms"]], []))
    return Answer(float(np.median(took)), {"curve": {"milliseconds": took}})


def answer_stream(peers: Peers, settings: Settings) -> Answer:
    """The median time between two frames, in milliseconds."""
    from tests.browser import Page

    with _explorer() as there:
        if there is None:
            return Answer(None)
        page = Page(*there)
        page.open("network")
        page.page.get_by_role("button", name="Train").click()
        took = page.page.evaluate(FRAMES)
        page.context.close()
    print(table(["", "median", "slowest"], [["network", f"{np.median(took):.1f} ms", f"{max(took):.1f} ms"]], []))
    return Answer(float(np.median(took)), {"network": {"milliseconds": took}})
