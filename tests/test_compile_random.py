"""Random programs and random training runs, compiled: the same bits as eagerly, whatever changes between two calls.

Reduce a failing seed with `python tests/tools/random_programs.py --reduce SEED`, or `random_training.py`.
"""

import os
import secrets

import pytest

from tests.tools.programs import running, training_runs

CHUNKS, PROGRAMS, RUNS = 20, 2000, 60
# Every day the same seeds; under the profile `deep` others each time. Those that fail are printed.
START = secrets.randbelow(2**30) if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 0


def failing(check, count, chunk):
    """What failed among the seeds of a chunk, with its seed."""
    size = count // CHUNKS
    outcomes = [check(START + seed) for seed in range(chunk * size, (chunk + 1) * size)]
    return [f"seed {outcome.seed}: {outcome.what}" for outcome in outcomes if outcome.verdict == "failed"]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_random_program_does_compiled_what_it_does_eagerly(chunk):
    failed = failing(running.check, PROGRAMS, chunk)
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_random_training_run_does_compiled_what_it_does_eagerly(chunk):
    failed = failing(training_runs.check, RUNS, chunk)
    assert not failed, "\n".join(failed)


def test_most_random_programs_are_compiled():
    # Otherwise the comparison above compares nothing.
    outcomes = [running.check(seed).verdict for seed in range(START, START + 200)]
    assert outcomes.count("refused") <= 20


def test_a_wrong_program_is_seen():
    # The eager twin is given other numbers than the compiled one: every program that reads its arguments differs.
    program, twin = running.drawn(START)
    for copies in twin.copies:
        copies[:] = [c + 1 if hasattr(c, "dtype") and c.dtype.kind in "fc" else c for c in copies]
    assert running.compare(program, twin).verdict == "failed"
