"""Run random training runs eagerly and compiled, and say where they differ.

usage: python tests/tools/random_training.py [--count 3000] [--start 0] [--jobs 1] [--check 0|always]
       python tests/tools/random_training.py --show SEED | --reduce SEED
"""

import os
import sys
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = "1"
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.tools.programs import command, training_runs  # noqa: E402 - after the number of threads

if __name__ == "__main__":
    sys.exit(
        command.main(
            __doc__, 3000, training_runs.check, training_runs.drawn, training_runs.script, training_runs.reduce
        )
    )
