"""The peers, and what a peer has to provide.

A peer is a module of this package that runs in its own process. Its ``STEPS`` maps the name of a workload to a function
that builds the workload from its initial state and returns a `Step`. Each step is written as a careful user of the
library would write it. A peer leaves out the workloads that it cannot do.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import history
from benchmarks.workloads import Array

PEERS: dict[str, tuple[str, ...]] = {
    "numpy_by_hand": (),
    "ours": ("autodiff", "nn", "optim"),
    "compiled": ("autodiff", "nn", "optim"),
    "native": ("autodiff", "nn", "optim"),
    "in_jax": ("jax", "autodiff", "nn", "optim"),
    "before": (),
    "torch": ("torch",),
    "torch_compile": ("torch",),
    "jax": ("jax", "jax.numpy"),
    "autograd": ("autograd", "autograd.numpy"),
    "mygrad": ("mygrad",),
    "micrograd": ("micrograd.engine",),
}
"""The peers, each with the modules that it imports."""

ROOT = Path(__file__).resolve().parents[2]
"""The folder from which `benchmarks` and the packages of this project are imported."""

EARLIER = "before"
"""The peer that runs the packages of the commit `history.COMMIT`."""


class Step(NamedTuple):
    """One workload of one peer, ready to run.

    Attributes
    ----------
    run : takes one complete step and returns the loss, or None if the library's call does not return it; the result
        is converted outside the timed part
    state : the parameters now if the workload trains, else the derivative that the last `run` computed
    """

    run: Callable[[], Any]
    state: Callable[[], list[Array]]


def missing(peer: str) -> list[str]:
    """What `peer` needs and is not there: packages, or the earlier commit."""
    if peer == EARLIER:
        return [what] if (what := history.lacking(str(ROOT))) else []
    packages = dict.fromkeys(module.partition(".")[0] for module in PEERS[peer])
    return [package for package in packages if find_spec(package) is None]
