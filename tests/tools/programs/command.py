"""The command line of both generators: many seeds, or one to be shown or made small."""

import argparse
import multiprocessing
import re
import time
from collections import Counter, defaultdict


class Verdict:
    """What is asked of one seed, as a function that can be sent to another process."""

    def __init__(self, check, checked):
        self.check, self.checked = check, checked

    def __call__(self, seed):
        try:
            outcome = self.check(seed, checked=self.checked)
        except Exception as error:  # of the generator itself: as bad as a failure
            return seed, "failed", f"{type(error).__name__}: {error}", ""
        return seed, outcome.verdict, outcome.what, outcome.program.kind


def main(doc, count, check, drawn, script, reduce) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--check", default="0", help="what ad.compile is told of checking itself: 0 or always")
    parser.add_argument("--show", type=int, metavar="SEED", help="print it as Python")
    parser.add_argument("--reduce", type=int, metavar="SEED", help="make a failing one small and print it")
    given = parser.parse_args()
    checked = 0 if given.check == "0" else given.check
    if given.show is not None:
        print(script(drawn(given.show)[0]))
        return 0
    if given.reduce is not None:
        outcome = check(given.reduce, checked=checked)
        if outcome.verdict != "same":
            outcome = reduce(outcome, checked)
        print(f"# {outcome.verdict}: {outcome.what}\n{script(outcome.program)}")
        return int(outcome.verdict == "failed")
    return _many(range(given.start, given.start + given.count), given.jobs, Verdict(check, checked))


def smallest(outcome, smaller, again, kind):
    """The last of a chain of outcomes, each that of a smaller program, which all failed in the same way."""
    failure = outcome.verdict, kind(outcome.what)
    while True:
        tried = filter(None, map(again, smaller(outcome.program)))
        found = next((o for o in tried if (o.verdict, kind(o.what)) == failure), None)
        if found is None:
            return outcome
        outcome = found


def _many(seeds, jobs, verdict) -> int:
    """Many seeds: the failing ones as they come, and a summary."""
    begun, verdicts, kinds, examples = time.time(), Counter(), Counter(), defaultdict(list)
    with multiprocessing.Pool(jobs) as pool:
        for seed, became, what, kind in pool.imap_unordered(verdict, seeds, 20):
            verdicts[became] += 1
            if became == "failed":
                print(f"{seed} ({kind}): {what[:240]!r}", flush=True)
            if became != "same":
                told = f"{became}: {re.sub(r'[0-9][0-9.e+-]*', '#', what)[:150]}"
                kinds[told] += 1
                examples[told].append(seed)
    print(f"\n{len(seeds)} in {time.time() - begun:.1f} s: {dict(verdicts)}")
    for told, n in kinds.most_common(40):
        print(f"{n:6d}  {told!r}, such as {examples[told][:4]}")
    return int(verdicts["failed"] > 0)
