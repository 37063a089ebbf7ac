"""Gradient descent: plain, and with momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from optim.optimizers.optimizer import Optimizer, Settings, Vector
from optim.options import Group, Option, flag, share


class GradientDescent(Optimizer):
    """Gradient descent: ``p <- p - learning_rate * g``.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
    learning_rate : float, default 1e-3
    weight_decay : float, default 0.0
        Adds ``weight_decay * p`` to the gradient.

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", C. R. Acad. Sci. 25 (1847).
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 4.3.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.GradientDescent([w], learning_rate=0.5)
    >>> _ = optimizer.step(lambda: (w * w).sum() / 2)
    >>> w.data
    array([ 0.5, -1. ])
    """

    def __init__(
        self,
        parameters: Iterable[ad.Tensor] | Iterable[Mapping[str, Any]],
        learning_rate: float = 1e-3,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, learning_rate, weight_decay=weight_decay)

    @staticmethod
    def settings(group: Group, step: int) -> tuple[float, ...]:
        """The learning rate."""
        return (group.learning_rate,)

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step along the negative gradient."""
        (rate,) = settings
        return p - rate * g, ()

    @staticmethod
    def update_in_place(p: Vector, g: Vector, t: Vector, settings: Settings) -> None:
        """The same, in place."""
        (rate,) = settings
        np.multiply(g, rate, t)
        np.subtract(p, t, p)


class Momentum(Optimizer):
    """Gradient descent with a velocity: ``v <- momentum * v + g``, ``p <- p - learning_rate * v``.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
    learning_rate : float, default 1e-3
    momentum : float, default 0.9
        The fraction of the velocity that each step keeps, below 1.
    nesterov : bool, default False
        Step along ``g + momentum * v`` instead of `v`.
    weight_decay : float, default 0.0
        Adds ``weight_decay * p`` to the gradient.
    dampening : float, default 0.0
        From the second step on ``v <- momentum * v + (1 - dampening) * g``; not with `nesterov`.

    Raises
    ------
    ValueError
        If `nesterov` and `dampening` are given together.

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

    momentum = Option(share)
    nesterov = Option(flag)
    dampening = Option(share)

    def __init__(
        self,
        parameters: Iterable[ad.Tensor] | Iterable[Mapping[str, Any]],
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        nesterov: bool = False,
        *,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
    ) -> None:
        super().__init__(
            parameters,
            learning_rate,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            dampening=dampening,
        )
        for group in self.groups:
            if group.nesterov and group.dampening:
                raise ValueError(
                    f"Momentum: nesterov=True needs the undamped gradient, but dampening={group.dampening} was given. "
                    f"Leave one of them out."
                )

    @staticmethod
    def settings(group: Group, step: int) -> tuple[float, ...]:
        """Rate, momentum, the momentum of Nesterov's look-ahead (0 without it), the weight of the gradient."""
        weight = 1.0 - group.dampening if step > 1 and group.momentum else 1.0  # torch's first step is undamped
        return group.learning_rate, group.momentum, group.momentum if group.nesterov else 0.0, weight

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step along the velocity ``v``, or along ``g + momentum * v`` with `nesterov`."""
        rate, momentum, ahead, weight = settings
        (v,) = state
        v = v * momentum + (g if weight == 1 else weight * g)
        return p - rate * (g + ahead * v if ahead else v), (v,)

    @staticmethod
    def update_in_place(p: Vector, g: Vector, v: Vector, t: Vector, settings: Settings) -> None:
        """The same, in place."""
        rate, momentum, ahead, weight = settings
        np.multiply(v, momentum, v)
        if weight == 1:
            np.add(v, g, v)
        else:
            np.multiply(g, weight, t)
            np.add(v, t, v)
        if ahead:
            np.multiply(v, ahead, t)
            np.add(g, t, t)
            np.multiply(t, rate, t)
        else:
            np.multiply(v, rate, t)
        np.subtract(p, t, p)
