"""The explorer in a real browser: a server in its own process, Chromium without a screen, and what it must not do."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

ROOT = Path(__file__).parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# No sandbox: the tests may run as root. The rest keeps the browser from asking its maker's servers at every start.
FLAGS = [
    "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--enable-unsafe-swiftshader",
]  # fmt: skip


@contextlib.contextmanager
def serving():
    """The address of a running explorer."""
    command = [sys.executable, "-W", "error", "-m", "demos", "explorer", "--no-browser", "--port", "0"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield re.search(r"http\S+", server.stdout.readline()).group()
    finally:
        server.terminate()
        _, said = server.communicate(timeout=20)
    assert not said, said


@contextlib.contextmanager
def chromium():
    """A browser; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium was found: install Debian's chromium, or another browser of its family")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _hash(room, state):
    """The part of the address that names a room and a state."""
    query = "&".join(f"{name}={quote(json.dumps(value))}" for name, value in (state or {}).items())
    return f"#{room}{'?' if query else ''}{query}"


class Page:
    """A page of the explorer, which complains of errors in its console and of requests to anywhere else."""

    def __init__(self, browser, address, *, width=1280, height=860, theme="light", motion="no-preference"):
        self.address, self.complaints, self.size = address, [], {"width": width, "height": height}
        self.context = browser.new_context(
            viewport=self.size,
            color_scheme=theme,
            reduced_motion=motion,
            accept_downloads=True,
        )
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        own = (address, address.replace("http", "ws"), "blob:", "data:")
        self.page.on("request", lambda r: r.url.startswith(own) or self.complaints.append(f"asked {r.url}"))

    def open(self, room, state=None):
        """Go to a room, or to an address such as ``curve?x=2``, at a state, and wait for its picture."""
        self.page.goto("about:blank")
        self.page.goto(self.address + _hash(room, state))
        self.page.wait_for_selector("html[data-shown]")
        self.settled()

    def show(self, room, state=None):
        """The same on a page that is open: by the address alone, as a link within it does, without loading it again."""
        self.page.set_viewport_size(self.size)
        name = room.split("?")[0]
        if self.page.evaluate("location.hash.slice(1).split('?')[0]") == name:  # by way of another: nothing is kept
            self._enter("#graph" if name != "graph" else "#curve")
        self._enter(_hash(room, state))
        self.settled()

    def _enter(self, address):
        """Go to another room and wait for its picture."""
        self.page.evaluate(
            "(hash) => { delete document.documentElement.dataset.shown; location.hash = hash; }", address
        )
        self.page.wait_for_selector("html[data-shown]")

    def settled(self):
        """Wait until every request is answered, everything is drawn, and nothing follows in the next frames."""
        self.page.evaluate(
            """() => new Promise((done) => {
                let last = null, calm = 0;
                const look = () => {
                    const now = document.documentElement.dataset.shown;
                    const busy = ["data-asking", "data-drawing"].some((a) => document.documentElement.hasAttribute(a));
                    calm = now === last && !busy ? calm + 1 : 0; last = now;
                    calm > 3 ? done() : requestAnimationFrame(look);
                };
                look();
            })"""
        )

    def at_rest(self):
        """Wait until also what takes longer is shown."""
        busy = '[aria-busy="true"]'
        while True:  # an answer that arrives may be followed by more work
            self.page.wait_for_selector(busy, state="detached")
            self.settled()
            if not self.page.locator(busy).count():
                return

    def number(self, name):
        """A number that the page shows, with all its digits."""
        return float(self.page.locator(f'[data-number="{name}"]').get_attribute("data-value"))

    def type(self, entry, text):
        """Type into the control of an entry."""
        self.page.locator(f'[data-entry="{entry}"] input').last.fill(str(text))
        self.settled()

    def tick(self, entry, on=True):
        """Set the check box of an entry."""
        self.page.locator(f'[data-entry="{entry}"] input').set_checked(on)
        self.settled()

    def choose(self, entry, option):
        """Choose an option of an entry."""
        self.page.locator(f'[data-entry="{entry}"] select').select_option(option)
        self.settled()

    def drag(self, handle, dx, dy):
        """Drag a point by so many pixels."""
        box = self.page.locator(f'[data-handle="{handle}"]').bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=8)
        self.page.mouse.up()
        self.settled()

    def at(self, handle):
        """Where a point says that it is."""
        return self.page.locator(f'[data-handle="{handle}"]').get_attribute("aria-valuetext")

    def state(self):
        """The state in the address, as ``{"x": "1"}``, each entry as JSON."""
        self.page.evaluate("dispatchEvent(new Event('pagehide'))")  # else the address follows a moment later
        return self.page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.split('?')[1] ?? ''))")

    def error(self, entry):
        """The message at an entry."""
        return self.page.locator(f'[data-entry="{entry}"] .error').inner_text()

    def saved(self, button):
        """The files that a button saves: their names and contents."""
        with self.page.expect_download() as waiting:
            self.page.click(button)
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()

    def program(self):
        """The program that the page offers to copy."""
        self.page.click("#python")
        return self.page.evaluate("navigator.clipboard.readText()")
