"""Checks of the arguments of losses, and the reduction of elementwise losses."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from nn.inputs import as_input, as_tensor, plain

REDUCTIONS = ("mean", "sum", "none")


def reduction_of(value: str, name: str, allowed: tuple[str, ...] = REDUCTIONS) -> str:
    """The option `reduction`, if it is one of those allowed."""
    if value not in allowed:
        raise ValueError(
            f"{name}: reduction must be {', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}; {value!r} was given."
        )
    return value


def reduced(losses: Any, reduction: str) -> ad.Tensor:
    """Elementwise losses, reduced as asked."""
    y: ad.Tensor = losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
    return y


def real_pair(prediction: Any, target: Any, name: str) -> tuple[ad.Tensor, Any]:
    """A prediction and a target, checked to be real and of one shape; an untracked target gets the prediction's dtype.

    Raises
    ------
    autodiff.ShapeError
        If the shapes differ. They are not broadcast: (n, 1) against (n,) would compare n^2 pairs.
    autodiff.DtypeError
        If either is not real.
    """
    prediction = as_tensor(prediction)
    if not isinstance(target, ad.Tensor) or not target.requires_grad:
        target = as_input(plain(target), prediction.dtype)
    for who, x in (("prediction", prediction), ("target", target)):
        if x.dtype.kind != "f":
            raise ad.DtypeError(
                f"{name}: the {who} has dtype {x.dtype}; expected real numbers. Split complex ones into real and "
                f"imaginary parts."
            )
    if prediction.shape != target.shape:
        raise ad.ShapeError(
            f"{name}: the prediction has shape {prediction.shape} and the target {target.shape}; they must be equal. "
            f"{_mend(prediction.shape, target.shape)}"
        )
    return prediction, target


def _mend(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    if prediction == (*target, 1):
        return "Did you mean target[:, None], or prediction[:, 0]?"
    if target == (*prediction, 1):
        return "Did you mean target[:, 0]?"
    return "Reshape one of them."


def check_between(x: Any, low: float, high: float, name: str, what: str, mend: str) -> None:
    """Refuse numbers outside an interval. NaN passes: it shows in the result."""

    def check_range(values: Any) -> None:
        bad = (values < low) | (values > high)
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ad.DomainError(
                f"{name}: {what} must be between {low:g} and {high:g}; entry {list(first)} is {values[first]:.6g}. "
                f"{mend}"
            )

    ad.check(check_range, x)


def check_distribution(p: Any, axis: int, name: str) -> None:
    """Refuse numbers that are not probabilities summing to one along an axis."""
    check_between(p, 0.0, np.inf, name, "probabilities", "Take a softmax, or divide by the sum.")

    def check_sums(values: Any) -> None:
        sums = values.sum(axis=axis, dtype=float)
        bad = np.abs(sums - 1) > 8 * values.shape[axis] * max(float(np.finfo(values.dtype).eps), 1e-7)
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ad.DomainError(
                f"{name}: probabilities must sum to one along axis {axis}; those at {list(first)} sum to "
                f"{sums[first]:.6g}. Divide them by their sum."
            )

    ad.check(check_sums, p)


def weight_of(weight: Any, shape: tuple[int, ...], dtype: Any, name: str, what: str = "weight") -> Any:
    """A weight for each entry, whose shape must broadcast to `shape`.

    Raises
    ------
    autodiff.ShapeError
        If the weight would change the shape: (n, 1) against (n,) would make n^2 losses.
    """
    w = as_input(plain(weight), dtype)
    try:
        fits = np.broadcast_shapes(w.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ad.ShapeError(
            f"{name}: {what} has shape {w.shape}, which cannot be broadcast to that of the loss, {shape}."
        )
    return w
