"""A chain of layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nn.checks import given_for_module
from nn.module import Module


class Numbered(Module):
    """The code that containers share whose modules have no names but numbers."""

    _modules: tuple[Module, ...]

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: int) -> Module:
        return self._modules[index]

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules)


class Sequential(Numbered):
    """A chain of modules: each takes the output of the one before.

    Parameters
    ----------
    *modules : Module
        In the order in which they run; they are named ``0``, ``1``, ...

    Raises
    ------
    TypeError
        If an argument is not a module.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    >>> model
    Sequential(
      0: Linear(2, 8)
      1: Tanh()
      2: Linear(8, 1)
    )
    >>> model(np.ones((4, 2))).shape
    (4, 1)
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        for i, m in enumerate(modules):
            if not isinstance(m, Module):
                raise TypeError(f"Sequential: argument {i} must be a module; {given_for_module(m)}")
        self._modules = modules

    def forward(self, x: Any) -> Any:
        """Run the modules in order."""
        for m in self._modules:
            x = m(x)
        return x
