"""Models and minima."""

from typing import TYPE_CHECKING, Any, assert_type

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

    def forward(self, x: Array | Tensor, gain: float = 1.0) -> Tensor:
        """Of rows of 2 features."""
        return self.layer(x) * self.scale * gain


model = Model()
assert_type(model.layer, nn.Linear)

# A call is typed as `forward` is.
assert_type(model(np.ones((4, 2))), Tensor)
assert_type(model(np.ones((4, 2)), gain=2.0), Tensor)
assert_type(nn.LSTM(2, 3)(np.ones((1, 4, 2))), tuple[Tensor, tuple[Tensor, Tensor]])
assert_type(nn.Sequential(model, nn.ReLU())(np.ones((4, 2))), Any)
assert_type(ad.compile(model)(np.ones((4, 2))), Tensor)
assert_type(ad.checkpoint(model)(np.ones((4, 2)), gain=0.5), Tensor)
assert_type(nn.batches(np.ones(3)), nn.Batches)
assert_type(nn.data.from_table({"a": [1.0]}).encoder, nn.data.TableEncoder)
parts: list[nn.Module] = [model, nn.ReLU()]
assert_type(parts[0](np.ones((4, 2))), Any)

assert_type(model.scale, nn.Parameter)
assert_type(model.scale.sum(), Tensor)  # of a parameter no parameter
assert_type(model.scale * 2, Tensor)
assert_type(model.scale.requires_grad_(False), nn.Parameter)
assert_type(model.scale.data, Array)

found = optim.minimize(lambda p: ad.special.sum_of_squares(p - 1.0), np.zeros(2))
assert_type(found, optim.MinimizeResult)
assert_type(found.success, bool)

if TYPE_CHECKING:  # mistakes that a checker must see: it complains of an ignore that hides nothing
    model("x")  # type: ignore[arg-type]
    model(np.ones((4, 2)), gains=2.0)  # type: ignore[call-arg]
    nn.Linear(2, 3)()  # type: ignore[call-arg]
