"""Comparisons of both sides of an identity, with their errors and a verdict."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.plain import concrete

_SLACK = 1e-9
"""Slack relative to the sides, since errors are only estimates, and a side is often a sum that has lost digits."""


class Comparison(NamedTuple):
    """The two sides of an identity.

    Attributes
    ----------
    left, right : scalar, or Tensor
    left_error, right_error : float
        Error estimates.
    holds : bool
        Whether the sides agree within their errors.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> sides = ad.calculus.theorems.green(lambda p: np.stack([-p[1], p[0]]), ad.calculus.Region.disc())
    >>> bool(sides.holds), round(float(sides.left), 6)
    (True, 6.283185)
    """

    left: Any
    right: Any
    left_error: float
    right_error: float
    holds: bool

    @property
    def verdict(self) -> str:
        """One line with both sides and whether they agree."""
        left, right = (float(concrete(v)) for v in (self.left, self.right))
        how = "agree" if self.holds else "DIFFER"
        return (
            f"left {left:.12g} (error {self.left_error:.0e}), right {right:.12g} (error {self.right_error:.0e}): they "
            f"{how}, difference {abs(left - right):.1e}"
        )


def compared(left: tuple[Any, Any], right: tuple[Any, Any], scale: float = 0.0) -> Comparison:
    """Compare two values with errors; `scale` is the size of the terms that cancelled in them."""
    (a, a_error), (b, b_error) = left, right
    a_error, b_error = float(concrete(a_error)), float(concrete(b_error))
    x, y = float(concrete(a)), float(concrete(b))
    bar = a_error + b_error + _SLACK * max(abs(x), abs(y), scale)
    return Comparison(a, b, a_error, b_error, bool(np.isfinite(x) and np.isfinite(y) and abs(x - y) <= bar))
