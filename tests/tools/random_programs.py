"""Run random programs eagerly and compiled and say where they differ.

usage: python tests/tools/random_programs.py [--count 2000] [--start 0] [--jobs 1] [--check MODE]
       python tests/tools/random_programs.py --show SEED | --reduce SEED
"""

import argparse
import multiprocessing
import os
import re
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = "1"
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.tools.programs import reducing, running, writing  # noqa: E402 - after the number of threads and the path


def _verdict(given):
    seed, checked = given
    try:
        outcome = running.check(seed, checked=checked)
    except Exception as error:  # of the generator itself: as bad as a failure
        return seed, "failed", f"{type(error).__name__}: {error}", ""
    return seed, outcome.verdict, outcome.what, outcome.program.kind


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--check", default="0", help="what ad.compile is told of checking itself: 0 or always")
    parser.add_argument("--show", type=int, metavar="SEED")
    parser.add_argument("--reduce", type=int, metavar="SEED")
    given = parser.parse_args()
    checked = 0 if given.check == "0" else given.check
    if given.show is not None:
        print(writing.script(running.drawn(given.show)[0]))
        return 0
    if given.reduce is not None:
        outcome = running.check(given.reduce, checked=checked)
        print(f"# {outcome.verdict}: {outcome.what}")
        if outcome.verdict != "same":
            print(writing.source(reducing.reduce(outcome.program, outcome, checked)))
        return int(outcome.verdict == "failed")
    return run(given, checked)


def run(given, checked) -> int:
    """Many seeds, and a summary."""
    seeds = [(seed, checked) for seed in range(given.start, given.start + given.count)]
    begun, verdicts, kinds, examples = time.time(), Counter(), Counter(), defaultdict(list)
    with multiprocessing.Pool(given.jobs) if given.jobs > 1 else _Alone() as pool:
        for seed, verdict, what, kind in pool.imap(_verdict, seeds, 50):
            verdicts[verdict] += 1
            if verdict == "failed":
                print(f"{seed} ({kind}): {what.splitlines()[0][:200]}", flush=True)
            if verdict != "same":
                told = f"{verdict}: {re.sub(r'[0-9][0-9.e+-]*', '#', what)[:110]}"
                kinds[told] += 1
                examples[told].append(seed)
    print(f"\n{given.count} programs in {time.time() - begun:.1f} s: {dict(verdicts)}")
    for told, n in kinds.most_common(40):
        print(f"{n:6d}  {told!r}, such as {examples[told][:4]}")
    return int(verdicts["failed"] > 0)


class _Alone:
    """One process in place of a pool."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def imap(self, f, items, _):
        return map(f, items)


if __name__ == "__main__":
    sys.exit(main())
