"""Random programs and random training runs, compiled: the same bits as eagerly, call after call, whatever changes between."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.programs import running

PROGRAMS, CHUNKS = 2000, 20


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_random_program_compiled_is_the_program(chunk):
    """Show one with `python tests/tools/random_programs.py --show SEED`, make it small with `--reduce SEED`."""
    size = PROGRAMS // CHUNKS
    outcomes = [running.check(seed) for seed in range(chunk * size, (chunk + 1) * size)]
    failed = [f"{outcome.seed}: {outcome.what}" for outcome in outcomes if outcome.verdict == "failed"]
    assert not failed, "\n".join(["seeds that differ:", *failed])
