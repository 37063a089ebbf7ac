"""Slopes of the inverse and the hyperbolic functions at complex numbers, accurate for small and large numbers.

The formulas of a calculus book square the operand, which overflows, or compute 1 - y^2, which cancels for large
operands. Also, each formula must know its side of a branch cut. There the sign of a zero decides, and ``1 + z`` loses
it, because NumPy takes a real number for a complex one with imaginary part +0. So operands are assembled from parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive


def _complex(real: Any, imag: Any, like: Any) -> Any:
    z = np.empty_like(like)
    z.real, z.imag = real, imag
    return z[()]


def _root_of_one_minus_square(z: Any) -> Any:
    x, y = z.real, z.imag
    return np.sqrt(_complex(1 - x, -y, z)) * np.sqrt(_complex(1 + x, y, z))


def _root_of_one_plus_square(z: Any) -> Any:
    return _root_of_one_minus_square(_complex(-z.imag, z.real, z))


def _root_of_square_minus_one(z: Any) -> Any:
    x, y = z.real, z.imag
    return np.sqrt(_complex(x - 1, y, z)) * np.sqrt(_complex(1 + x, y, z))


root_of_one_minus_square = elementwise(
    _root_of_one_minus_square, lambda t, y, z: -t * (z / y), name="root_of_one_minus_square", singular=True
)
"""sqrt(1 - z) sqrt(1 + z), the reciprocal of the slope of arcsin."""
root_of_one_plus_square = elementwise(
    _root_of_one_plus_square, lambda t, y, z: t * (z / y), name="root_of_one_plus_square", singular=True
)
"""sqrt(1 - iz) sqrt(1 + iz), the reciprocal of the slope of arcsinh."""
root_of_square_minus_one = elementwise(
    _root_of_square_minus_one, lambda t, y, z: t * (z / y), name="root_of_square_minus_one", singular=True
)
"""sqrt(z - 1) sqrt(z + 1), the reciprocal of the slope of arccosh."""


def _limited(x: Any) -> Any:
    """`x`, limited so that cosh does not overflow; beyond the limit the slope is 0 to rounding."""
    limit = -0.55 * np.log(np.finfo(x.dtype).smallest_subnormal)
    return np.clip(x, -limit, limit)


def _inverse_square_of_cosh(z: Any) -> Any:
    c = np.cosh(_complex(_limited(z.real), z.imag, z))
    return 1 / c / c


def _inverse_square_of_cos(z: Any) -> Any:
    c = np.cos(_complex(z.real, _limited(z.imag), z))
    return 1 / c / c


inverse_square_of_cosh: Primitive = elementwise(
    _inverse_square_of_cosh, lambda t, y, z: -2 * t * (np.tanh(z) * y), name="inverse_square_of_cosh", singular=True
)
"""The slope of tanh."""
inverse_square_of_cos: Primitive = elementwise(
    _inverse_square_of_cos, lambda t, y, z: 2 * t * (np.tan(z) * y), name="inverse_square_of_cos", singular=True
)
"""The slope of tan."""
