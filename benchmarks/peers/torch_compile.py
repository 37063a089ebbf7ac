"""PyTorch with `torch.compile`, which needs a C++ compiler: W6, where fusion counts."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.peers import Step
from benchmarks.workloads import elementwise, elementwise_point

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def elementwise_chain() -> Step:
    """W6."""
    x = torch.tensor(elementwise_point(), requires_grad=True)
    compiled = torch.compile(lambda x: elementwise(x, torch))

    def run() -> Any:
        x.grad = None
        value = compiled(x)
        value.backward()
        return value.detach()

    return Step(run, lambda: [x.grad.numpy()])


STEPS = {"W6": elementwise_chain}
