"""The command `python -m benchmarks`: answer the named questions, print tables and verdicts."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bars import BARS
from benchmarks.peers import PEERS, missing
from benchmarks.process import KEEP_MEMORY, Peers
from benchmarks.questions import QUESTIONS, STEP_WORKLOADS, TITLES
from benchmarks.questions.answer import Answer, Settings, verdicts


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the cost of a training step.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="W1, W2, ..., import, chain, memory (default: all W)")
    parser.add_argument("--peers", type=_comma_list, default=list(PEERS), help="separated by commas (default: all)")
    parser.add_argument("--rounds", type=int, default=15, help="number of rounds in which every peer takes a turn (15)")
    parser.add_argument(
        "--runs", type=int, default=1, help="number of runs of everything; a bar must hold in 2 of 3 (1)"
    )
    parser.add_argument(
        "--keep-memory", action="store_true", help="ours and the hand-written step call ad.keep_memory() first"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements to FILE")
    parser.add_argument("--list", action="store_true", help="list questions and peers, measure nothing")
    options = parser.parse_args(arguments)
    for given, known in ((options.names, QUESTIONS), (options.peers, PEERS)):
        if unknown := [name for name in given if name not in known]:
            parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(known)}")
    if min(options.rounds, options.runs) < 1:
        parser.error("--rounds and --runs must be at least 1")
    if options.list:
        show_list()
        return
    names = options.names or list(STEP_WORKLOADS)
    settings = Settings(rounds=options.rounds)
    if options.keep_memory:
        os.environ[KEEP_MEMORY] = "1"
    with Peers(options.peers) as peers:
        runs = [ask(names, peers, settings) for _ in range(options.runs)]
        pools = peers.thread_pools()
    if len(names) * len(runs) > 1:
        print("\nour bars")
        for name in names:
            print(verdicts(name, [run[name] for run in runs]))
    if options.json:
        options.json.write_text(json.dumps(record(runs, settings, pools), indent=1))


def _comma_list(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def show_list() -> None:
    """Print every question and every peer on one line each."""
    for name, title in TITLES.items():
        print(f"{name:<18} {title}")
    print()
    for name in PEERS:
        lacking = missing(name)
        print(f"{name:<18} {'not here: ' + ', '.join(lacking) if lacking else 'installed'}")


def ask(names: Sequence[str], peers: Peers, settings: Settings) -> dict[str, Answer]:
    """Answer the questions `names` once."""
    answers = {}
    for name in names:
        print(f"\n{name}  {TITLES[name]}", flush=True)
        answers[name] = QUESTIONS[name](peers, settings)
        print(f"  our bar: {verdicts(name, [answers[name]])}", flush=True)
    return answers


def record(runs: list[dict[str, Answer]], settings: Settings, pools: dict[str, list[str]]) -> dict[str, Any]:
    """All measurements and the machine, for a file."""
    return {
        "machine": {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "thread_pools": pools,
        },
        "settings": vars(settings),
        "bars": [bar._asdict() for bar in BARS],
        "runs": [{name: vars(answer) for name, answer in run.items()} for run in runs],
    }


if __name__ == "__main__":
    main()
