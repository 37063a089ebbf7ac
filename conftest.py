"""Pictures in tests and in the examples of docstrings: drawn without a screen, and closed when one of them is done."""

import os
import sys
from collections.abc import Iterator

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(autouse=True)
def _close_pictures() -> Iterator[None]:
    """Matplotlib warns of more than twenty open figures, and warnings are errors."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
