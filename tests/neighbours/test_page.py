"""The page lists what the tests run."""

import importlib.util
import re
from pathlib import Path

from tests.neighbours import PACKAGES

ROOT = Path(__file__).parents[2]


def _tool():
    spec = importlib.util.spec_from_file_location("neighbours_page", ROOT / "docs" / "tools" / "neighbours.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_row():
    tool = _tool()
    text = tool.PAGE.read_text(encoding="utf-8")
    written = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]*) ?\|", text, flags=re.M))
    versions = {
        top: written.get(PACKAGES.get(top, top), "") for top in {r.library.partition(".")[0] for r in tool.rows()}
    }
    assert text == tool.page(tool.rows(), versions), "python docs/tools/neighbours.py writes it anew"
