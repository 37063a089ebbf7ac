"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

import autodiff as ad
from optim.optimizer import Optimizer, Settings, Vector, checked


class Adam(Optimizer):
    """Gradient steps scaled, entry by entry, by running means of the gradient and of its square.

    Parameters
    ----------
    parameters : iterable of Tensor
    learning_rate : float, default 1e-3
    betas : tuple of two floats, default (0.9, 0.999)
        How much of the running means of g and of g^2 is kept at each step.
    eps : float, default 1e-8
        Added to the root, so that a parameter without gradients does not divide by 0.

    Notes
    -----
    ``m <- b1 m + (1-b1) g``, ``v <- b2 v + (1-b2) g^2``,
    ``p <- p - rate/(1-b1^t) * m / (sqrt(v)/sqrt(1-b2^t) + eps)``.

    References
    ----------
    D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Adam([w], learning_rate=0.1)
    >>> _ = optimizer.step(lambda: (w * w).sum())
    >>> w.data.round(6)
    array([ 0.9, -1.9])
    """

    state_names = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[ad.Tensor],
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, learning_rate)
        self.betas = (
            checked("betas[0]", betas[0], 0.0, 1.0, open_high=True),
            checked("betas[1]", betas[1], 0.0, 1.0, open_high=True),
        )
        self.eps = checked("eps", eps, 0.0, open_high=True)

    def settings(self, step: int) -> tuple[float, ...]:
        """The weights of the new terms, the size of the step, the correction of the root, eps."""
        b1, b2 = self.betas
        return 1 - b1, 1 - b2, self.learning_rate / (1 - b1**step), (1 - b2**step) ** -0.5, self.eps

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step; the running means as ``m + (g - m) (1 - b1)``, which rounds once less."""
        a1, a2, rate, correction, eps = settings
        m, v = state
        m = m + (g - m) * a1
        v = v + (g * g - v) * a2
        return p - m / (np.sqrt(v) * correction + eps) * rate, (m, v)

    @staticmethod
    def update_in_place(p: Vector, g: Vector, m: Vector, v: Vector, t: Vector, settings: Settings) -> None:
        """The same, into `p`, `m` and `v`."""
        a1, a2, rate, correction, eps = settings
        np.subtract(g, m, t)
        np.multiply(t, a1, t)
        np.add(m, t, m)
        np.multiply(g, g, t)
        np.subtract(t, v, t)
        np.multiply(t, a2, t)
        np.add(v, t, v)
        np.sqrt(v, t)
        np.multiply(t, correction, t)
        np.add(t, eps, t)
        np.divide(m, t, t)
        np.multiply(t, rate, t)
        np.subtract(p, t, p)
