"""AdaGrad: each entry's steps shrink with the sum of all its squared gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from optim.optimizers.optimizer import Optimizer, Settings, Vector
from optim.options import Group, Option, finite_from_zero


class AdaGrad(Optimizer):
    """Gradient steps divided, elementwise, by the square root of the sum of all squared gradients.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
    learning_rate : float, default 1e-2
    rate_decay : float, default 0.0
        Step number t is taken with ``learning_rate / (1 + (t - 1) * rate_decay)``.
    weight_decay : float, default 0.0
        Adds ``weight_decay * p`` to the gradient.
    initial_sum : float, default 0.0
        Initial value of the sums.
    eps : float, default 1e-10
        Added to the square root, so that an entry whose gradients are 0 is not divided by 0.

    Notes
    -----
    ``s <- s + g^2``, ``p <- p - rate * g / (sqrt(s) + eps)``.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    J. Mach. Learn. Res. 12 (2011), figure 1, with a diagonal matrix.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.AdaGrad([w], learning_rate=0.1)
    >>> for _ in range(2):
    ...     loss = optimizer.step(lambda: w.sum())
    >>> w.data.round(6)
    array([ 0.829289, -2.170711])
    """

    state_names = ("sum",)

    rate_decay = Option(finite_from_zero)
    initial_sum = Option(finite_from_zero)
    eps = Option(finite_from_zero)

    def __init__(
        self,
        parameters: Iterable[ad.Tensor] | Iterable[Mapping[str, Any]],
        learning_rate: float = 1e-2,
        *,
        rate_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_sum: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            parameters,
            learning_rate,
            weight_decay=weight_decay,
            rate_decay=rate_decay,
            initial_sum=initial_sum,
            eps=eps,
        )

    @staticmethod
    def first_state(name: str, group: Group, values: Vector) -> Vector:
        """The sums start at `initial_sum`, for real and imaginary parts alike."""
        start = complex(group.initial_sum, group.initial_sum) if values.dtype.kind == "c" else group.initial_sum
        return np.full_like(values, start)

    @staticmethod
    def settings(group: Group, step: int) -> tuple[float, ...]:
        """The rate of this step, and eps."""
        return group.learning_rate / (1 + (step - 1) * group.rate_decay), group.eps

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step, scaled by the sum that includes this gradient."""
        rate, eps = settings
        (s,) = state
        s = s + g * g
        return p - g / (np.sqrt(s) + eps) * rate, (s,)

    @staticmethod
    def update_in_place(p: Vector, g: Vector, s: Vector, t: Vector, settings: Settings) -> None:
        """The same, in place."""
        rate, eps = settings
        np.multiply(g, g, t)
        np.add(s, t, s)
        np.sqrt(s, t)
        np.add(t, eps, t)
        np.divide(g, t, t)
        np.multiply(t, rate, t)
        np.subtract(p, t, p)
