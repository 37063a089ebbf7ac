"""Slopes of the inverse and the hyperbolic functions at complex numbers, right from the smallest to the largest.

The formulas of the calculus book square the operand, which overflows, or take 1 - y^2, which cancels far out. And each
has to know on which side of a cut it is: there the sign of a zero decides, which ``1 + z`` loses, since a real number
in NumPy is a complex one whose imaginary part is +0. So operands are put together from their parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.core.primitives import Primitive, elementwise


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
"""sqrt(1 - z) sqrt(1 + z): 1 over the slope of arcsin."""
root_of_one_plus_square = elementwise(
    _root_of_one_plus_square, lambda t, y, z: t * (z / y), name="root_of_one_plus_square", singular=True
)
"""sqrt(1 - iz) sqrt(1 + iz): 1 over the slope of arcsinh."""
root_of_square_minus_one = elementwise(
    _root_of_square_minus_one, lambda t, y, z: t * (z / y), name="root_of_square_minus_one", singular=True
)
"""sqrt(z - 1) sqrt(z + 1): 1 over the slope of arccosh."""


def _limited(x: Any) -> Any:
    """Far out, where the slope is 0 to the last digit, cosh shall not overflow."""
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
