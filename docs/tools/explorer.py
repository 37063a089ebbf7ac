"""Take the pictures of docs/explorer.md: ``python docs/tools/explorer.py``, with Chromium and Playwright installed."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.browser import Page, chromium, serving  # noqa: E402  # after the path is set

STATES = {
    "curve": {"sums": True, "taylor": True, "x": 1.2},
    "surface": {"critical": True},
    "descent": {"methods": "gd,momentum,adam,newton"},
    "graph": {"step": 12},
    "network": {},
    "fields": {"radii": "1,1.4,0.8,1,1.2,0.7"},
}
DARK = {"graph"}


def main() -> None:
    """Write a picture of each room."""
    with chromium() as browser, serving() as address:
        for room, state in STATES.items():
            page = Page(browser, address, height=900, theme="dark" if room in DARK else "light")
            page.open(room, state)
            if room == "network":
                page.page.get_by_role("button", name="Train").click()
                page.page.wait_for_timeout(4000)
                page.page.get_by_role("button", name="Pause").click()
            page.at_rest()
            page.page.wait_for_timeout(500)
            page.page.screenshot(path=ROOT / "docs" / "pictures" / f"explorer-{room}.png")
            page.context.close()


if __name__ == "__main__":
    main()
