"""The ordinary workloads in eager PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.peers import Step
from benchmarks.peers.ordinary.data import GIVEN
from benchmarks.peers.ordinary.losses import LOSSES, Library


def curvature(u: Callable[[Any], Any], x: Any) -> Any:
    """The second derivative by two gradients of a sum, as usual in torch."""
    x = x.requires_grad_()
    (slope,) = torch.autograd.grad(u(x).sum(), x, create_graph=True)
    return torch.autograd.grad(slope.sum(), x, create_graph=True)[0]


TORCH = Library(
    torch,
    relu=torch.relu,
    largest=lambda x: x.amax(dim=-1, keepdim=True),
    windows=lambda x: x.unfold(2, 3, 1).unfold(3, 3, 1),
    curvature=curvature,
)


def gradient(name: str) -> Step:
    """The value and gradient of a loss."""
    given = GIVEN[name]()
    inputs = [torch.from_numpy(x) for x in given.inputs]
    parameters = [torch.from_numpy(p).requires_grad_() for p in given.parameters]
    found: list[Any] = []

    def run() -> Any:
        loss = LOSSES[name](TORCH, inputs, parameters)
        found[:] = torch.autograd.grad(loss, parameters)
        return loss.detach()

    return Step(run, lambda: [g.numpy() for g in found])


STEPS = {name: partial(gradient, name) for name in LOSSES}
