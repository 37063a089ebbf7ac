"""`compile` keeps signatures: of functions, of methods, of modules."""

from typing import TYPE_CHECKING, assert_type

import numpy as np

import autodiff as ad
import nn
from autodiff import Tensor
from autodiff.typing import Array


@ad.compile
def double(x: Tensor, n: int = 2) -> Tensor:
    """A decorated function."""
    return x * n


@ad.compile(fallback=True)
def triple(x: Array) -> Array:
    """With options."""
    return x * 3


class Trainer:
    """Methods, and a function of an object."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.compiled = ad.compile(self.plain)

    def plain(self, x: Tensor) -> Tensor:
        """As it is."""
        return x * 1.0

    @ad.compile
    def step(self, x: Tensor) -> Tensor:
        """Compiled for each object."""
        return x - x * x


x = ad.tensor([1.0, 2.0])
trainer = Trainer(0.1)
assert_type(double(x), Tensor)
assert_type(double(x, n=3), Tensor)
assert_type(double.source, str)
assert_type(triple(np.ones(2)), Array)
assert_type(trainer.step(x), Tensor)
assert_type(trainer.compiled(x), Tensor)
assert_type(ad.compile(nn.Linear(2, 3)), nn.Linear)
assert_type(ad.derive(np.sin)(1.0), str)

if TYPE_CHECKING:  # mistakes that a checker must see: it complains of an ignore that hides nothing
    double("x")  # type: ignore[arg-type]
    double(x, m=3)  # type: ignore[call-arg]
    trainer.step(3)  # type: ignore[arg-type]
