"""The error function, its bell curve, and the logarithm of the tail of the normal distribution.

NumPy has none of them. Values are W. J. Cody's rational approximations (1969), whose relative error is below 1e-16 in
each of three ranges. They are always computed in double precision.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive

# W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), tables II to IV;
# coefficients from the highest power down, numerator and denominator.
_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
"""erf(x) / x as a function of x^2, for magnitudes up to 0.46875."""
_MIDDLE = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1),
        *(2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3),
        1.23033935479799725e3,
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)
"""exp(x^2) erfc(x), from 0.46875 to 4."""
_FAR = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2),
        2.33520497626869185e-3,
    ),
)
"""(1/sqrt(pi) - x exp(x^2) erfc(x)) x^2 as a function of 1/x^2, beyond 4."""


def _quotient(table: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    """The quotient of two polynomials, by Horner's scheme."""
    above, below = (np.full_like(x, coefficients[0]) for coefficients in table)
    for a in table[0][1:]:
        above = above * x + a
    for b in table[1][1:]:
        below = below * x + b
    return above / below


def _bell(x: Any) -> Any:
    # Rounding x^2 would cost x^2 units in the last place of exp(-x^2). Split at a sixteenth, the large square is exact.
    x = np.clip(x, -40, 40)  # exp(-1600) is 0 in double precision
    coarse = np.trunc(x * 16) / 16
    return np.exp(-coarse * coarse) * np.exp(-(x - coarse) * (x + coarse))


bell = elementwise(_bell, lambda t, y, x: t * (-2 * np.clip(x, -40, 40) * y), name="bell")  # clip: at infinity inf * 0
"""``exp(-x**2)``, accurate to the last digits for every x."""


def _beyond(x: Any) -> tuple[Any, Any]:
    """The operand `x`, at least 4, and ``1 - sqrt(pi) x exp(x^2) erfc(x)``."""
    far = np.clip(x, 4, 1e154)  # so that its square is finite, and with it the logarithm of the tail
    z = 1 / (far * far)
    return far, math.sqrt(math.pi) * z * _quotient(_FAR, z)


def _scaled(x: Any) -> Any:
    """``exp(x^2) erfc(x)`` for x of at least 0.46875."""
    far, less = _beyond(x)
    tail = (1 - less) / (math.sqrt(math.pi) * far)
    return np.where(x <= 4, _quotient(_MIDDLE, np.clip(x, 0.46875, 4)), tail)


def _complement(x: Any) -> Any:
    """Erfc of magnitudes of at least 0.46875."""
    return _bell(x) * _scaled(x)


def _wide(x: Any) -> Any:
    return np.asarray(x, np.float64)


def _odd_part(x: Any) -> Any:
    """Erf for magnitudes up to 0.46875; larger ones are limited to that."""
    near = np.clip(x, -0.46875, 0.46875)
    return near * _quotient(_NEAR, near * near)


def wide_erf(w: Any) -> Any:
    """Erf of double precision, in plain NumPy calls."""
    return np.where(np.abs(w) <= 0.46875, _odd_part(w), np.sign(w) * (1 - _complement(np.abs(w))))


def wide_erfc(w: Any) -> Any:
    """Erfc of double precision, in plain NumPy calls."""
    far = _complement(np.abs(w))
    return np.where(np.abs(w) <= 0.46875, 1 - _odd_part(w), np.where(w < 0, 2 - far, far))


def _erf(x: Any) -> Any:
    return wide_erf(_wide(x)).astype(x.dtype)[()]


def _erfc(x: Any) -> Any:
    return wide_erfc(_wide(x)).astype(x.dtype)[()]


erf = elementwise(_erf, lambda t, y, x: t * (2 / math.sqrt(math.pi) * bell(x)), name="erf")
erfc = elementwise(_erfc, lambda t, y, x: t * (-2 / math.sqrt(math.pi) * bell(x)), name="erfc")


# --- the tail of the normal distribution ----------------------------------------------------------


@np.errstate(over="ignore")  # where the logarithm overflows to -inf
def _log_normal_tail(x: Any) -> Any:
    w = _wide(x) * math.sqrt(0.5)
    near = np.log1p(-_erfc(np.maximum(-w, -0.5)) / 2)
    return np.where(w < 0.46875, near, np.log(_scaled(w) / 2) - w * w).astype(x.dtype)[()]


def _normal_hazard(x: Any) -> Any:
    w = _wide(x) * math.sqrt(0.5)
    near = _bell(w) / _erfc(np.minimum(w, 0.5))
    return (math.sqrt(2 / math.pi) * np.where(w < 0.46875, near, 1 / _scaled(w))).astype(x.dtype)[()]


def _normal_excess(x: Any) -> Any:
    w = _wide(x)
    far, less = _beyond(w * math.sqrt(0.5))
    beyond = math.sqrt(2) * far * less / (1 - less)
    return np.where(w < 4 * math.sqrt(2), _normal_hazard(w) - w, beyond).astype(x.dtype)[()]


log_normal_tail: Primitive = elementwise(
    _log_normal_tail, lambda t, y, x: t * -normal_hazard(x), name="log_normal_tail"
)
"""The logarithm of the probability that a standard normal variable is larger than x."""

normal_hazard: Primitive = elementwise(
    _normal_hazard,
    lambda t, y, x: t * (y * normal_excess(np.maximum(x, -40.0))),  # below -40 y is 0, and 0 * inf would be NaN
    name="normal_hazard",
)
"""The density at x divided by the probability beyond x; for large x slightly larger than x."""

normal_excess: Primitive = elementwise(
    _normal_excess, lambda t, y, x: t * (normal_hazard(x) * y - 1), name="normal_excess"
)
"""``normal_hazard(x) - x``, without cancellation."""
