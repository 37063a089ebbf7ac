"""Whether two peers computed the same thing: a fast wrong answer is not timed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.process import PeerError
from benchmarks.timing import Contestant
from benchmarks.workloads import WORKLOADS, Array, task

STEPS = 3
"""How many steps every peer takes from the initial state before it is compared."""

TOLERANCE = 1e-3
"""Largest difference let through, relative to what it is compared with; float32 peers differ by 1e-6 to 1e-4."""


class FirstSteps(NamedTuple):
    """What a peer computed in its first steps.

    Attributes
    ----------
    losses : one for each step, None where the peer's call does not give the loss
    state : parameters, or the derivative, after the last step; one array each, shapes as in `workloads`
    first_seconds : duration of the very first step, with all that is compiled or cached on the way
    two_seconds : of the first two together; the second of a compiled step is compared with the plain one
    """

    losses: list[float | None]
    state: list[Array]
    first_seconds: float
    two_seconds: float


def agree(contestants: list[Contestant], count: int = STEPS) -> dict[str, dict[str, Any]]:
    """Let everybody take the first `count` steps, and mark as failed who does not agree with the first that could.

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

    Of a training step what is compared is how far the parameters moved, not where they are: after three small steps
    any two peers are nearly where they began. The norm forgives the few entries whose gradient is nothing but
    rounding, to which Adam gives a full step of either sign.

    Raises
    ------
    ValueError
        The states have other shapes or dtypes: the peers did not do the same work.
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
    """2-norm of a - b over that of b; NaN counts as infinitely far."""
    distance = float(np.linalg.norm(np.ravel(a - b)) / max(float(np.linalg.norm(np.ravel(b))), 1e-12))
    return distance if distance == distance else float("inf")
