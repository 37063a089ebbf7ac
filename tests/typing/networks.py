"""Models and minima."""

from typing import assert_type

import numpy as np

import autodiff as ad
import nn
import optim
from autodiff import Tensor
from autodiff.typing import Array


class Model(nn.Module):
    """A layer and a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.scale = nn.Parameter(np.ones(3))

    def forward(self, x: Array | Tensor) -> Tensor:
        """Of rows of 2 features."""
        y: Tensor = self.layer(x)
        return y * self.scale


model = Model()
assert_type(model.layer, nn.Linear)
assert_type(model.forward(np.ones((4, 2))), Tensor)
assert_type(model.scale, nn.Parameter)
assert_type(model.scale.sum(), Tensor)  # of a parameter no parameter
assert_type(model.scale * 2, Tensor)
assert_type(model.scale.requires_grad_(False), nn.Parameter)
assert_type(model.scale.data, Array)

found = optim.minimize(lambda p: ad.special.sum_of_squares(p - 1.0), np.zeros(2))
assert_type(found, optim.MinimizeResult)
assert_type(found.success, bool)
