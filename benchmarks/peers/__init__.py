"""Who takes part, and what a peer has to provide.

A peer is a module of this package, run in a process of its own. It has ``STEPS``, which maps a workload's name to a
function that builds the workload from its initial state and returns a `Step`. It writes each step as a careful user of
its library would. What a peer cannot do it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

from benchmarks.workloads import Array

PEERS: dict[str, tuple[str, ...]] = {
    "numpy_by_hand": (),
    "ours": ("autodiff", "nn", "optim"),
    "compiled": ("autodiff", "nn", "optim"),
    "torch": ("torch",),
    "jax": ("jax", "jax.numpy"),
    "autograd": ("autograd", "autograd.numpy"),
    "mygrad": ("mygrad",),
    "micrograd": ("micrograd.engine",),
}
"""The peers, each with the modules that its users import."""


class Step(NamedTuple):
    """One workload of one peer, ready to run.

    Attributes
    ----------
    run : takes one complete step and returns the loss, or None where the library's call does not give it; what it
        returns is converted outside the timed part
    state : the parameters now if the workload trains, else the derivative that the last `run` computed
    """

    run: Callable[[], Any]
    state: Callable[[], list[Array]]


def missing(peer: str) -> list[str]:
    """The packages that `peer` needs and that are not installed."""
    packages = dict.fromkeys(module.partition(".")[0] for module in PEERS[peer])
    return [package for package in packages if find_spec(package) is None]
