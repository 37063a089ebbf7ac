"""Random programs and random training runs, compiled: the same bits as eagerly, whatever changes between two calls.

Reduce a failing seed with `python tests/tools/random_programs.py --reduce SEED`, or `random_training.py`.
"""

import secrets

import numpy as np
import pytest

from tests.profiles import EVERY_DAY, PROFILE
from tests.tools.programs import running, training_runs

CHUNKS = 20
RUNS = 40 if EVERY_DAY else 60
PROGRAMS = 500 if EVERY_DAY else 2000
FLOATS = (np.float32, np.float64)
# Every day the same seeds; under the profile `deep` others each time. Those that fail are printed.
START = secrets.randbelow(2**30) if PROFILE == "deep" else 0


def outcomes(check, count, chunk):
    """What became of the seeds of a chunk, and what failed among them."""
    size = count // CHUNKS
    found = [check(START + seed) for seed in range(chunk * size, (chunk + 1) * size)]
    return found, [f"seed {outcome.seed}: {outcome.what}" for outcome in found if outcome.verdict == "failed"]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_random_program_does_compiled_what_it_does_eagerly(chunk):
    found, failed = outcomes(running.check, PROGRAMS, chunk)
    assert not failed, "\n".join(failed)
    # What is refused is not compared.
    refused = [f"seed {outcome.seed}: {outcome.what}" for outcome in found if outcome.verdict == "refused"]
    assert len(refused) <= len(found) // 5, "\n".join(refused)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_random_training_run_does_compiled_what_it_does_eagerly(chunk):
    _, failed = outcomes(training_runs.check, RUNS, chunk)
    assert not failed, "\n".join(failed)


def test_a_difference_is_seen():
    # The eager answers are moved by the last bit: whatever the program answers then, it differs.
    program, twin = running.drawn(0)
    for answer in twin.copies:
        answer[:] = [np.nextafter(x.real, 9) if getattr(x, "dtype", None) in FLOATS else x for x in answer]
    outcome = running.compare(program, twin)
    assert outcome.verdict == "failed" and "answer" in outcome.what
