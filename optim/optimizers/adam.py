"""Adam: steps scaled by running moments of the gradient; and AdamW, which decouples the weight decay from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from optim.optimizers.optimizer import Optimizer, Settings, Vector
from optim.options import Group, Option, finite_from_zero, flag, two_shares


class Adam(Optimizer):
    """Steps along the running mean of the gradient, divided elementwise by the root of the running mean of its square.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
    learning_rate : float, default 1e-3
    betas : tuple of two floats, default (0.9, 0.999)
        The fractions of the running means of g and of g^2 that each step keeps.
    eps : float, default 1e-8
        Added to the square root, so that an entry whose gradients are 0 is not divided by 0.
    weight_decay : float, default 0.0
        Adds ``weight_decay * p`` to the gradient, before the means; `AdamW` decouples it.
    amsgrad : bool, default False
        Divide by the root of the largest v so far, so that the divisor never shrinks. The same for all groups.

    Notes
    -----
    ``m <- b1 m + (1-b1) g``, ``v <- b2 v + (1-b2) g^2``,
    ``p <- p - rate/(1-b1^t) * m / (sqrt(v)/sqrt(1-b2^t) + eps)``.

    References
    ----------
    D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. S. Reddi, S. Kale,
    S. Kumar, "On the convergence of Adam and beyond", ICLR 2018, algorithm 2 (AMSGrad), in torch's form, in which
    the maximum is taken before the bias correction. The corrections are merged into step and eps (section 2, end).

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Adam([w], learning_rate=0.1)
    >>> _ = optimizer.step(lambda: (w * w).sum())
    >>> w.data.round(6)
    array([ 0.9, -1.9])
    """

    betas = Option(two_shares)
    eps = Option(finite_from_zero)
    amsgrad = Option(flag, shared=True)

    def __init__(
        self,
        parameters: Iterable[ad.Tensor] | Iterable[Mapping[str, Any]],
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        self.state_names = ("m", "v", "v_max") if amsgrad else ("m", "v")
        super().__init__(parameters, learning_rate, weight_decay=weight_decay, betas=betas, eps=eps, amsgrad=amsgrad)

    @staticmethod
    def settings(group: Group, step: int) -> tuple[float, ...]:
        """The weights of the new terms, and the step size and eps with the bias corrections merged in."""
        b1, b2 = group.betas
        root = (1 - b2**step) ** 0.5
        return 1 - b1, 1 - b2, group.learning_rate * root / (1 - b1**step), group.eps * root

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """One step; the running mean is ``m + (g - m) (1 - b1)``, which has one rounding fewer."""
        a1, a2, rate, eps = settings
        m, v, *largest = state
        m = m + (g - m) * a1
        v = v + (g * g - v) * a2
        largest = [np.maximum(top, v) for top in largest]
        root = np.sqrt(largest[0] if largest else v)
        return p - m / (root + eps) * rate, (m, v, *largest)

    @staticmethod
    def update_in_place(p: Vector, g: Vector, m: Vector, v: Vector, *rest: Any) -> None:
        """The same, in place."""
        t, settings = rest[-2:]
        a1, a2, rate, eps = settings
        np.subtract(g, m, t)
        np.multiply(t, a1, t)
        np.add(m, t, m)
        np.multiply(g, g, t)
        np.subtract(t, v, t)
        np.multiply(t, a2, t)
        np.add(v, t, v)
        if len(rest) > 2:
            v = np.maximum(rest[0], v, out=rest[0])
        np.sqrt(v, t)
        np.add(t, eps, t)
        np.divide(m, t, t)
        np.multiply(t, rate, t)
        np.subtract(p, t, p)


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p <- (1 - rate * weight_decay) p`` before each step.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
        Tracked leaves, such as ``model.parameters()``, or groups of them.
    learning_rate : float, default 1e-3
        The rate of the steps.
    betas : tuple of two floats, default (0.9, 0.999)
        The fractions of the running means of g and of g^2 that each step keeps.
    eps : float, default 1e-8
        Added to the square root, so that an entry whose gradients are 0 is not divided by 0.
    weight_decay : float, default 1e-2
        The fraction of a parameter that each step takes away, times the rate.
    amsgrad : bool, default False
        Divide by the root of the largest v so far, so that the divisor never shrinks. The same for all groups.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.AdamW([w], learning_rate=0.1, weight_decay=0.5)
    >>> _ = optimizer.step(lambda: (w * w).sum())
    >>> w.data.round(6)
    array([ 0.85, -1.8 ])
    """

    decay_in_gradient = False

    def __init__(
        self,
        parameters: Iterable[ad.Tensor] | Iterable[Mapping[str, Any]],
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(parameters, learning_rate, betas, eps, weight_decay=weight_decay, amsgrad=amsgrad)

    @staticmethod
    def settings(group: Group, step: int) -> tuple[float, ...]:
        """The factor of the decay, and the settings of `Adam`."""
        return 1 - group.learning_rate * group.weight_decay, *Adam.settings(group, step)

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """Decay, then a step of `Adam`."""
        kept, *rest = settings
        return Adam.update(p * kept, g, state, tuple(rest))

    @staticmethod
    def update_in_place(p: Vector, g: Vector, m: Vector, v: Vector, *rest: Any) -> None:
        """The same, in place."""
        *vectors, settings = rest
        np.multiply(p, settings[0], p)
        Adam.update_in_place(p, g, m, v, *vectors, settings[1:])
