"""RMSProp: gradient steps divided by the square root of a running mean of squared gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from optim.optimizers.optimizer import Optimizer, Settings, Vector
from optim.options import Group, Option, finite_from_zero, flag, share


class RMSProp(Optimizer):
    """Gradient steps divided, elementwise, by the square root of the running mean of g^2.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
    learning_rate : float, default 1e-2
    alpha : float, default 0.99
        The fraction of the running mean that each step keeps.
    eps : float, default 1e-8
        Added to the square root, so that an entry whose gradients are 0 is not divided by 0.
    weight_decay : float, default 0.0
        Adds ``weight_decay * p`` to the gradient.
    momentum : float, default 0.0
        The fraction of the velocity that each step keeps, below 1. An optimiser built with 0 has no velocity, so it
        cannot be raised later.
    centered : bool, default False
        Subtract the square of the running mean of g, so as to divide by an estimate of the standard deviation. The same
        for all groups.

    Notes
    -----
    ``s <- alpha s + (1-alpha) g^2``, ``v <- momentum v + g / (sqrt(s) + eps)``, ``p <- p - rate v``; with `centered`
    ``a <- alpha a + (1-alpha) g`` and ``sqrt(s - a^2)`` replaces ``sqrt(s)``.

    References
    ----------
    T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", Neural Networks for Machine Learning (2012). A. Graves,
    "Generating sequences with recurrent neural networks" (2013), equations 38 to 41, for the centred one; both in
    torch's form.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.RMSProp([w], learning_rate=0.1, alpha=0.75)
    >>> _ = optimizer.step(lambda: (w * w).sum())
    >>> w.data.round(6)
    array([ 0.8, -1.8])
    """

    alpha = Option(share)
    eps = Option(finite_from_zero)
    momentum = Option(share)
    centered = Option(flag, shared=True)

    def __init__(
        self,
        parameters: Iterable[ad.Tensor] | Iterable[Mapping[str, Any]],
        learning_rate: float = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        given: list[Any] = list(parameters)
        momenta = [momentum, *(p.get("momentum", 0.0) for p in given if isinstance(p, Mapping))]
        self.state_names = ("square", *(["mean"] if centered else []), *(["velocity"] if any(momenta) else []))
        super().__init__(
            given,
            learning_rate,
            weight_decay=weight_decay,
            alpha=alpha,
            eps=eps,
            momentum=momentum,
            centered=centered,
        )

    @staticmethod
    def settings(group: Group, step: int) -> tuple[float, ...]:
        """Rate, weight of the new terms, eps, momentum, and whether the mean is subtracted."""
        return group.learning_rate, 1 - group.alpha, group.eps, group.momentum, float(group.centered)

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step along the scaled gradient, or along the velocity."""
        rate, weight, eps, momentum, centered = settings
        s, *rest = state
        s = s + (g * g - s) * weight
        spread = s
        if centered:
            rest[0] = rest[0] + (g - rest[0]) * weight
            spread = np.maximum(s - rest[0] * rest[0], 0)  # rounding may make it negative if all gradients are equal
        scaled = g / (np.sqrt(spread) + eps)
        if len(rest) > bool(centered):
            rest[-1] = scaled = rest[-1] * momentum + scaled
        elif momentum:
            raise _no_velocity(momentum)
        return p - scaled * rate, (s, *rest)

    @staticmethod
    def update_in_place(p: Vector, g: Vector, s: Vector, *rest: Any) -> None:
        """The same, in place."""
        *more, t, settings = rest
        rate, weight, eps, momentum, centered = settings
        np.multiply(g, g, t)
        np.subtract(t, s, t)
        np.multiply(t, weight, t)
        np.add(s, t, s)
        if centered:
            mean = more[0]
            np.subtract(g, mean, t)
            np.multiply(t, weight, t)
            np.add(mean, t, mean)
            np.multiply(mean, mean, t)
            np.subtract(s, t, t)
            np.maximum(t, 0, out=t)
            np.sqrt(t, t)
        else:
            np.sqrt(s, t)
        np.add(t, eps, t)
        np.divide(g, t, t)
        if len(more) > bool(centered):
            velocity = more[-1]
            np.multiply(velocity, momentum, velocity)
            np.add(velocity, t, velocity)
            np.multiply(velocity, rate, t)
        elif momentum:
            raise _no_velocity(momentum)
        else:
            np.multiply(t, rate, t)
        np.subtract(p, t, p)


def _no_velocity(momentum: Any) -> ValueError:
    return ValueError(
        f"RMSProp: momentum was set to {float(momentum)}, but the optimiser was built without momentum and has no "
        "velocity. Build it with momentum > 0."
    )
