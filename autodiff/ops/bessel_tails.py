"""The slopes of scaled modified Bessel functions far out, where the usual formulas cancel.

Reference: M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions", 1964, 9.7.1 and 9.7.2 (Hankel's series).
"""

from __future__ import annotations

from typing import Any

import numpy as np

TERMS = 20


def is_far(v: Any, x: Any) -> Any:
    """Whether the series of order v is accurate at x."""
    return (x > 60) & (x > v * v)


def relative_slope(v: Any, x: Any, sign: int) -> Any:
    """The slope over the value of ``exp(-x) I_v(x)`` (sign -1) or ``exp(x) K_v(x)`` (sign 1), for x that is far."""
    square = 4 * v * v
    term, value, slope = 1.0, 1.0, 0.5
    for k in range(1, TERMS):
        term = term * (sign * (square - (2 * k - 1) ** 2) / (8 * k)) / x
        value = value + term
        slope = slope + (k + 0.5) * term
    return -slope / value / x


def patched(v: Any, x: Any, y: Any, sign: int, near: Any) -> Any:
    """The slope ``near``, and far out that of the series; even in x, but for the sign of the slope."""
    size = np.abs(x)
    far = is_far(v, size)
    beyond = np.sign(x) * y * relative_slope(np.where(far, v, 0), np.where(far, size, 100), sign)
    return np.where(far, beyond, near)
