"""Our engine compiled to C: the steps of `compiled` with ``backend="native"``."""

from __future__ import annotations

from benchmarks.peers.compiled import steps

STEPS = steps(backend="native")
