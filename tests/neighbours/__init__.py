"""Other libraries that meet Tensors. Each test runs the real library, and is a row of docs/neighbours.md."""

import importlib
from typing import Any, NamedTuple

import pytest

PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn"}
"""What a library is called where it is installed from, if that differs."""


class Row(NamedTuple):
    """A row of the page: the library, what was run, what happens, and the file of the test that shows it."""

    library: str
    run: str
    happens: str
    file: str


ROWS: list[Row] = []


def shows(library: str, run: str, happens: str) -> Any:
    """Decorate a test: it is a row of the page, and is skipped, with the reason, where the library is missing.

    The test is called with the library as its argument `library`.
    """

    def keep(test: Any) -> Any:
        ROWS.append(Row(library, run, happens, test.__module__))
        name = f"{library}: {run}"
        return pytest.mark.parametrize("library", [pytest.param(library, id=name)], indirect=True)(test)

    return keep


def loaded(name: str) -> Any:
    """A library, or a part of one; the test is skipped where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        top = name.partition(".")[0]
        pytest.skip(f"{name} cannot be imported ({error}); pip install {PACKAGES.get(top, top)}")
