"""Does an operation cost the same in a long chain as in a short one?

A chain of 200,000 operations is built and differentiated beside one of 2,000. Compare the cost per operation: 1 would
be perfect; memory that no longer fits the caches, page faults and Python's garbage collector, which walks everything
that is alive, make it more. An engine that recurses ends here.
"""

from __future__ import annotations

from typing import Any

from benchmarks.process import PeerError, Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.questions.steps import agree
from benchmarks.report import duration, multiple, table
from benchmarks.timing import Contestant, compete, ratio
from benchmarks.workloads import CHAIN_LENGTHS

TITLE = "cost per operation of a chain of 200,000 operations, over that of one of 2,000"

SHORT, LONG = CHAIN_LENGTHS
SLICE_SECONDS = 0.3  # some hundred short chains beside one long one
ROUNDS = 5
