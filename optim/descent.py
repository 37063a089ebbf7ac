"""Steps along the negative gradient: plain, and with momentum."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

import autodiff as ad
from optim.optimizer import Optimizer, Settings, Vector, checked


class GradientDescent(Optimizer):
    """``p <- p - learning_rate * g``.

    Parameters
    ----------
    parameters : iterable of Tensor
    learning_rate : float, default 1e-3

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.GradientDescent([w], learning_rate=0.5)
    >>> _ = optimizer.step(lambda: (w * w).sum() / 2)
    >>> w.data
    array([ 0.5, -1. ])
    """

    def __init__(self, parameters: Iterable[ad.Tensor], learning_rate: float = 1e-3) -> None:
        super().__init__(parameters, learning_rate)

    def settings(self, step: int) -> tuple[float, ...]:
        """The learning rate."""
        return (self.learning_rate,)

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step down the gradient."""
        (rate,) = settings
        return p - rate * g, ()

    @staticmethod
    def update_in_place(p: Vector, g: Vector, t: Vector, settings: Settings) -> None:
        """The same, into `p`."""
        (rate,) = settings
        np.multiply(g, rate, t)
        np.subtract(p, t, p)


class Momentum(Optimizer):
    """Gradient descent with a velocity: ``v <- momentum * v + g``, ``p <- p - learning_rate * v``.

    Parameters
    ----------
    parameters : iterable of Tensor
    learning_rate : float, default 1e-3
    momentum : float, default 0.9
        The share of the velocity that is kept, below 1.
    nesterov : bool, default False
        Step along ``g + momentum * v`` in place of `v`.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
    learning", ICML 2013; in torch's form, in which the rate multiplies the velocity.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Momentum([w], learning_rate=0.1, momentum=0.9, nesterov=True)
    >>> for _ in range(150):
    ...     loss = optimizer.step(lambda: (w * w).sum() / 2)
    >>> bool(loss.item() < 1e-5)
    True
    """

    state_names = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[ad.Tensor],
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, learning_rate)
        self.momentum = checked("momentum", momentum, 0.0, 1.0, open_high=True)
        self.nesterov = bool(nesterov)

    def settings(self, step: int) -> tuple[float, ...]:
        """Rate, momentum, and the momentum of Nesterov's look ahead (0 without)."""
        return self.learning_rate, self.momentum, self.momentum if self.nesterov else 0.0

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step along the velocity; with Nesterov's correction along where it will be."""
        rate, momentum, ahead = settings
        (v,) = state
        v = v * momentum + g
        return p - rate * (g + ahead * v if ahead else v), (v,)

    @staticmethod
    def update_in_place(p: Vector, g: Vector, v: Vector, t: Vector, settings: Settings) -> None:
        """The same, into `p` and `v`."""
        rate, momentum, ahead = settings
        np.multiply(v, momentum, v)
        np.add(v, g, v)
        if ahead:
            np.multiply(v, ahead, t)
            np.add(g, t, t)
            np.multiply(t, rate, t)
        else:
            np.multiply(v, rate, t)
        np.subtract(p, t, p)
