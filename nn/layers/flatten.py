"""Several axes joined to one."""

from __future__ import annotations

import math
from typing import Any

import autodiff as ad
from nn.inputs import as_tensor
from nn.module import Module


class Flatten(Module):
    """Join all axes but the first to one: images become rows.

    Parameters
    ----------
    start : int, default 1
        The first axis to join; all axes from there to the last are joined.

    Raises
    ------
    autodiff.ShapeError
        When called: if the input has no axis `start`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Flatten()(np.ones((5, 3, 4, 4))).shape
    (5, 48)
    """

    def __init__(self, start: int = 1) -> None:
        super().__init__()
        self.start = int(start)

    def forward(self, x: Any) -> ad.Tensor:
        """Map (n, ...) to (n, d)."""
        x = as_tensor(x)
        if not -x.ndim <= self.start < x.ndim:
            raise ad.ShapeError(f"{self!r} joins all axes from axis {self.start} on; it was given shape {x.shape}.")
        before = x.shape[: self.start % x.ndim]
        # The length is computed here, since reshape cannot infer -1 for an empty batch.
        y: ad.Tensor = x.reshape((*before, math.prod(x.shape[self.start % x.ndim :])))
        return y

    def describe(self) -> str:
        """The option, if it is not the default."""
        return "" if self.start == 1 else f"start={self.start}"
