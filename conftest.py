"""Pictures in tests and in the examples of docstrings: drawn without a screen, and closed when one of them is done."""

import os
import sys
import tempfile
from collections.abc import Iterator

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
if "MPLCONFIGDIR" not in os.environ:  # nor does it matter what the user's list of fonts says; workers share this one
    _folder = tempfile.TemporaryDirectory(prefix="matplotlib-", ignore_cleanup_errors=True)
    os.environ["MPLCONFIGDIR"] = _folder.name


@pytest.fixture(autouse=True)
def _close_pictures() -> Iterator[None]:
    """Matplotlib warns of more than twenty open figures, and warnings are errors."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
