"""Our engine as it was: the steps of `compiled`, with the packages of the commit `benchmarks.history.COMMIT`.

The worker has put the packages of that commit at the head of the import path.
"""

from __future__ import annotations

from pathlib import Path

import autodiff
from benchmarks.peers import ROOT
from benchmarks.peers.compiled import steps

if Path(autodiff.__file__).is_relative_to(ROOT):  # a comparison with ourselves would hold any bar
    raise ImportError("the packages of the earlier commit were not found; those of this project were imported")

STEPS = {name: step for name, step in steps().items() if name[0] == "W"}
