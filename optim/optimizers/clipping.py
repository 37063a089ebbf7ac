"""Gradient clipping, in place, between ``backward`` and ``step``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import autodiff as ad
from optim.options import checked

Vector = np.ndarray[Any, np.dtype[Any]]


def clip_grad_norm(
    parameters: ad.Tensor | Iterable[ad.Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    *,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale all gradients by one factor, so that their total norm is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Each ``.grad`` is changed in place; parameters without one are skipped.
    max_norm : float
        The largest norm that is allowed.
    norm_type : float, default 2.0
        The p of the p-norm over all entries; ``inf`` for the maximum norm.
    error_if_nonfinite : bool, default False
        Raise if the norm is NaN or infinite; otherwise the gradients become NaN or 0.

    Returns
    -------
    float
        The norm before clipping.

    Raises
    ------
    autodiff.DomainError
        With `error_if_nonfinite`, if the norm is NaN or infinite.

    Notes
    -----
    The factor is ``min(1, max_norm / (norm + 1e-6))``, as in torch.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013,
    algorithm 1.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([0.0, 0.0], requires_grad=True)
    >>> (w * [3.0, 4.0]).sum().backward()
    >>> optim.clip_grad_norm([w], max_norm=1.0), w.grad.round(5)
    (5.0, array([0.6, 0.8]))
    """
    max_norm = checked("max_norm", max_norm, 0.0)
    p = checked("norm_type", norm_type, 0.0, open_low=True)

    def clip(gradients: list[Vector]) -> float:
        norm = _norm(gradients, p)
        if error_if_nonfinite and not math.isfinite(norm):
            raise ad.DomainError(
                f"clip_grad_norm: the norm of the gradients is {norm}. ad.detect_anomaly() finds the operation that "
                "caused it; error_if_nonfinite=False continues regardless."
            )
        factor = max_norm / (norm + 1e-6) if math.isfinite(max_norm) else 1.0
        if not factor >= 1.0:  # also if it is NaN
            for g in gradients:
                np.multiply(g, np.array(factor, g.real.dtype), g)
        return norm

    return _clipped(parameters, clip)


def clip_grad_value(parameters: ad.Tensor | Iterable[ad.Tensor], max_value: float) -> float:
    """Clip every entry of the gradients to ``[-max_value, max_value]``.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Each ``.grad`` is changed in place; parameters without one are skipped. The real and imaginary parts of complex
        gradients are clipped separately.
    max_value : float
        The largest magnitude of an entry.

    Returns
    -------
    float
        The 2-norm of all gradients before clipping.

    Raises
    ------
    ValueError
        If `max_value` is negative.
    TypeError
        If a parameter is not a Tensor.

    Notes
    -----
    ``g <- max(-max_value, min(max_value, g))``.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 10.11.1.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([0.0, 0.0], requires_grad=True)
    >>> (w * [-3.0, 0.5]).sum().backward()
    >>> _ = optim.clip_grad_value([w], 1.0)
    >>> w.grad
    array([-1. ,  0.5])
    """
    max_value = checked("max_value", max_value, 0.0)

    def clip(gradients: list[Vector]) -> float:
        norm = _norm(gradients, 2.0)
        for g in gradients:
            for part in (g.real, g.imag) if g.dtype.kind == "c" else (g,):
                np.clip(part, -max_value, max_value, out=part)
        return norm

    return _clipped(parameters, clip)


def _clipped(parameters: ad.Tensor | Iterable[ad.Tensor], clip: Callable[[list[Vector]], float]) -> float:
    """Clip, and return the norm before; a compiled function does this at every call."""
    if not ad.is_compiling():
        return clip(_gradients(parameters))
    given = [parameters] if isinstance(parameters, ad.Tensor) else list(parameters)
    norms = [0.0]

    def clip_gradients() -> None:
        norms[0] = clip(_gradients(given))

    def norm_of_gradients() -> np.float64:
        return np.float64(norms[0])

    ad.effect(clip_gradients, given)
    norm: float = ad.live(norm_of_gradients)
    return norm


def _gradients(parameters: ad.Tensor | Iterable[ad.Tensor]) -> list[Vector]:
    """The existing gradients, each once, as writeable arrays."""
    found: dict[int, Vector] = {}
    for i, p in enumerate([parameters] if isinstance(parameters, ad.Tensor) else parameters):
        if not isinstance(p, ad.Tensor):
            raise TypeError(f"parameter {i} is a {type(p).__name__}; give Tensors, such as model.parameters().")
        if p.grad is None:
            continue
        if not p.grad.flags.writeable:
            p.grad = p.grad.copy()
        found[id(p)] = p.grad
    return list(found.values())


def _norm(gradients: list[Vector], p: float) -> float:
    """The p-norm of all entries, which are first divided by the largest, so that no power overflows."""
    largest = max((float(np.abs(g).max(initial=0.0)) for g in gradients), default=0.0)
    if any(np.isnan(g).any() for g in gradients):
        return math.nan
    if p == math.inf or largest in (0.0, math.inf):
        return largest
    total = 0.0
    for g in gradients:
        share = np.abs(g).astype(float) / largest
        total += float(np.vdot(share, share)) if p == 2.0 else float(np.sum(share**p))
    return float(largest * total ** (1 / p))
