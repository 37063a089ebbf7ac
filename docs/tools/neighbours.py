"""Write docs/neighbours.md: what happens where other libraries meet Tensors, as the tests in tests/neighbours show it.

usage: python docs/tools/neighbours.py
"""

import importlib
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "neighbours.md"

from tests.neighbours import PACKAGES, ROWS, Row  # noqa: E402 - the tests are found from the root


def rows() -> list[Row]:
    """All rows, in the order of the files and the tests in them."""
    for file in sorted((ROOT / "tests" / "neighbours").glob("test_*.py")):
        importlib.import_module(f"tests.neighbours.{file.stem}")
    return sorted(ROWS, key=lambda row: row.file)


def version(library: str) -> str:
    """The installed version of a library, major and minor."""
    try:
        found = metadata.version(PACKAGES.get(library, library))
    except metadata.PackageNotFoundError:
        return ""
    return ".".join(found.split("+")[0].split(".")[:2])


def page(found: list[Row], versions: dict[str, str]) -> str:
    """The text of the page."""
    return "\n".join(_lines(found, versions)) + "\n"


def _lines(found: list[Row], versions: dict[str, str]) -> Iterator[str]:
    yield "# Neighbours"
    yield ""
    yield "<!-- Written by docs/tools/neighbours.py; do not edit. -->"
    yield ""
    yield (
        "What happens where other libraries meet Tensors. Each row is a test that runs the real library "
        "(`make test-neighbours`). On all of these ways a gradient is right, or an error says that it would be lost."
    )
    yield ""
    yield "| library | version | what was run | what happens |"
    yield "| --- | --- | --- | --- |"
    for row in found:
        top = row.library.partition(".")[0]
        yield f"| {PACKAGES.get(top, top)} | {versions[top]} | {row.run} | {row.happens} |".replace("|  |", "| |")


def main() -> None:
    """Write the page."""
    found = rows()
    tops = {row.library.partition(".")[0] for row in found}
    PAGE.write_text(page(found, {top: version(top) for top in tops}), encoding="utf-8")


if __name__ == "__main__":
    main()
