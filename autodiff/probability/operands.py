"""What this room makes of arguments: real arrays, and probabilities that are some."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import check
from autodiff.errors import DomainError, DtypeError
from autodiff.typing import Array, Axis


def real(x: Any, what: str) -> Tensor | Array:
    """An array of real numbers, tracked if it was; whole numbers are taken for the reals they are."""
    if not hasattr(x, "dtype"):
        x = np.asarray(x)[()]
    if x.dtype.kind in "biu":
        return x.astype(float)
    if x.dtype.kind != "f":
        raise DtypeError(f"{what} has dtype {x.dtype}; real numbers are needed.")
    return x


def log(p: Any) -> Tensor | Array:
    """The logarithm, without the warning at 0: -inf is the answer asked for."""
    with np.errstate(divide="ignore"):
        return np.log(p)


def log_of_part(part: Any, rest: Any) -> Tensor | Array:
    """The logarithm of a probability, of which near 1 the other one has the digits; -inf at 0."""
    small = part < 0.5
    with np.errstate(divide="ignore"):
        return np.where(small, np.log(np.where(small, part, 1.0)), np.log1p(-np.where(small, 0.0, rest)))


def probabilities(p: Any, axis: Axis, who: str, name: str) -> Tensor | Array:
    """Checked: none is negative, and along `axis` they sum to one."""
    p = real(p, f"{who}: {name}")
    check(_Probabilities(axis, who, name), p)
    return p


class _Probabilities:
    """Looks whether an array holds probabilities; a compiled function looks at every call."""

    def __init__(self, axis: Axis, who: str, name: str) -> None:
        self.axis, self.who, self.name = axis, who, name

    def __call__(self, p: Any) -> None:
        bad = ~(p >= 0)  # also NaN
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
        # of n rounded numbers; what was typed with fewer digits is asked about
        off = np.abs(sums - 1) > np.sqrt(np.finfo(p.dtype).eps)
        if off.any():
            along = "altogether" if self.axis is None else f"along axis {self.axis}"
            raise DomainError(
                f"{self.who}: {self.name} sums to {sums[off].flat[0]:.10g} {along}; probabilities sum to 1. If these "
                f"are counts or weights, divide: {self.name} / {self.name}.sum(axis={self.axis}, keepdims=True); if "
                "they are scores, special.softmax(scores); if they lie along another axis, name it: axis=..."
            )
