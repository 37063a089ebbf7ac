"""The library that a test is about."""

import pytest

from tests.neighbours import loaded


@pytest.fixture
def library(request):
    """The library that `shows` names."""
    return loaded(request.param)
