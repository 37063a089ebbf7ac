"""Activation functions as modules; as plain functions they are in ``autodiff.special`` and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import special
from nn.module import Module


def _tensor(x: Any) -> ad.Tensor:
    return x if isinstance(x, ad.Tensor) else ad.Tensor(x)


class ReLU(Module):
    """``max(x, 0)``, slope 0 at 0.

    Examples
    --------
    >>> import nn
    >>> nn.ReLU()([-1.0, 2.0]).data
    array([0., 2.])
    """

    def forward(self, x: Any) -> ad.Tensor:
        """Entry by entry."""
        return special.relu(_tensor(x))


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``, without overflow.

    Examples
    --------
    >>> import nn
    >>> nn.Sigmoid()([0.0]).data
    array([0.5])
    """

    def forward(self, x: Any) -> ad.Tensor:
        """Entry by entry."""
        return special.sigmoid(_tensor(x))


class Tanh(Module):
    """The hyperbolic tangent.

    Examples
    --------
    >>> import nn
    >>> nn.Tanh()([0.0]).data
    array([0.])
    """

    def forward(self, x: Any) -> ad.Tensor:
        """Entry by entry."""
        y: ad.Tensor = np.tanh(_tensor(x))  # type: ignore[assignment]  # NumPy hands over to the Tensor
        return y
