"""How arguments are converted and checked: real arrays, and arrays of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import check
from autodiff.errors import DomainError, DtypeError
from autodiff.typing import Array, Axis


def real(x: Any, what: str) -> Tensor | Array:
    """An array of real numbers, tracked if `x` is; integers and Booleans are converted to floats."""
    if not hasattr(x, "dtype"):
        x = np.asarray(x)[()]
    if x.dtype.kind in "biu":
        return x.astype(float)
    if x.dtype.kind != "f":
        raise DtypeError(f"{what} has dtype {x.dtype}; real numbers are needed.")
    return x


def log(p: Any) -> Tensor | Array:
    """The logarithm, without the warning at 0, since -inf is the right value."""
    with np.errstate(divide="ignore"):
        return np.log(p)


def log_of_part(part: Any, rest: Any) -> Tensor | Array:
    """The logarithm of the probability `part`; near 1 it is computed from `rest`, which has the digits; -inf at 0."""
    small = part < 0.5
    with np.errstate(divide="ignore"):
        return np.where(small, np.log(np.where(small, part, 1.0)), np.log1p(-np.where(small, 0.0, rest)))


def probabilities(p: Any, axis: Axis, who: str, name: str) -> Tensor | Array:
    """The array `p`, after a check: no entry is negative, and along `axis` they sum to 1."""
    p = real(p, f"{who}: {name}")
    check(_Probabilities(axis, who, name), p)
    return p


class _Probabilities:
    """Checks that an array holds probabilities; a compiled function checks it at every call."""

    def __init__(self, axis: Axis, who: str, name: str) -> None:
        self.axis, self.who, self.name = axis, who, name

    def __call__(self, p: Any) -> None:
        bad = ~(p >= 0)  # NaN is bad too
        if bad.any():
            at = tuple(int(i) for i in np.argwhere(bad)[0])
            where = f"[{', '.join(map(str, at))}]" if at else ""
            mend = (
                "A NaN came from the computation before." if np.isnan(p[at]) else
                "Probabilities from scores are special.softmax(scores)."
            )  # fmt: skip
            raise DomainError(
                f"{self.who}: {self.name}{where} is {p[at]:.6g}; a probability is a number from 0 to 1. {mend}"
            )
        sums = np.asarray(p.sum(axis=self.axis))
        # a tolerance for rounded numbers; probabilities typed with only a few digits are refused
        off = np.abs(sums - 1) > np.sqrt(np.finfo(p.dtype).eps)
        if off.any():
            along = "altogether" if self.axis is None else f"along axis {self.axis}"
            raise DomainError(
                f"{self.who}: {self.name} sums to {sums[off].flat[0]:.10g} {along}; probabilities sum to 1. If these "
                f"are counts or weights, divide: {self.name} / {self.name}.sum(axis={self.axis}, keepdims=True); if "
                "they are scores, special.softmax(scores); if they lie along another axis, name it: axis=..."
            )
