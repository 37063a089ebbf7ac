"""Agreement of the peers' results: a fast wrong answer is not timed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.process import PeerError
from benchmarks.timing import Contestant
from benchmarks.workloads import WORKLOADS, Array, task

STEPS = 3
"""Number of steps that every peer takes from the initial state before the comparison."""

TOLERANCE = 1e-3
"""Largest accepted relative difference; float32 peers differ by 1e-6 to 1e-4."""


class FirstSteps(NamedTuple):
    """The results of a peer's first steps.

    Attributes
    ----------
    losses : one for each step, None if the peer's call does not return the loss
    state : parameters, or the derivative, after the last step; one array each, shapes as in `workloads`
    first_seconds : duration of the first step, including compilation and caching
    two_seconds : duration of the first two steps; the second call of a compiled step compares it with the plain one
    """

    losses: list[float | None]
    state: list[Array]
    first_seconds: float
    two_seconds: float


def agree(contestants: list[Contestant], count: int = STEPS) -> dict[str, dict[str, Any]]:
    """Let every peer take the first `count` steps, and mark those as failed that disagree with the first one.

    The hand-written steps come first. Returns, for each label, the difference from the reference and the duration of
    the first step in seconds.
    """
    checks: dict[str, dict[str, Any]] = {}
    reference: FirstSteps | None = None
    for contestant in sorted(contestants, key=lambda c: c.label != "numpy_by_hand"):
        workload = contestant.workload
        try:
            found: FirstSteps = contestant.peer.call("first_steps", workload=workload, count=count)
            reference = reference or found
            apart = difference(workload, found, reference)
        except (PeerError, ValueError) as error:
            contestant.failure = str(error)
            continue
        checks[contestant.label] = {"difference": apart, "first_seconds": found.first_seconds}
        if apart > TOLERANCE:
            contestant.failure = f"differs by {apart:.1e} after {count} steps"
    return checks


def difference(workload: str, ours: FirstSteps, reference: FirstSteps) -> float:
    """Largest relative difference in the losses and, array by array in the 2-norm, in the state.

    For a training step the changes of the parameters are compared, not their values: after three small steps the
    values of any two peers have hardly changed. The norm tolerates the few entries whose gradient is only rounding
    error, for which Adam takes a full step of either sign.

    Raises
    ------
    ValueError
        If the states differ in shape or dtype: then the peers did not do the same work.
    """
    start = task(workload).parameters if WORKLOADS[workload].trains else [np.float64(0)] * len(reference.state)
    if len(ours.state) != len(reference.state):
        raise ValueError(f"gives {len(ours.state)} arrays, not {len(reference.state)}")
    worst = 0.0
    for a, b, origin in zip(ours.state, reference.state, start, strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise ValueError(f"gives {a.dtype}{a.shape}, not {b.dtype}{b.shape}")
        worst = max(worst, _relative(a - np.float64(origin), b - np.float64(origin)))
    for x, y in zip(ours.losses, reference.losses, strict=True):
        if x is not None and y is not None:
            worst = max(worst, _relative(np.float64(x), np.float64(y)))
    return worst


def _relative(a: Array | np.float64, b: Array | np.float64) -> float:
    """2-norm of a - b divided by that of b; infinite for NaN."""
    distance = float(np.linalg.norm(np.ravel(a - b)) / max(float(np.linalg.norm(np.ravel(b))), 1e-12))
    return distance if distance == distance else float("inf")
