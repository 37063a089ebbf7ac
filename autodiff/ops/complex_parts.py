"""Magnitude, sign, angle, conjugate, real and imaginary part: the functions that are not analytic.

Inside a sweep a cotangent is a linear functional, dL = Re(ct * dz), without conjugation. So the rules of
analytic functions hold for complex numbers as they are; only the functions here need complex rules.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise, primitive
from autodiff.core.primitives import Primitive, Rule, implements
from autodiff.ops.elementwise import positive, ratio


def _entrywise(fn: Rule, *, name: str, vjp: Rule, jvp: Rule, singular: bool = False) -> Primitive:
    """An elementwise function whose reverse and forward rules differ."""
    through = lambda index, live, *_: live
    return primitive(fn, name=name, vjp=[vjp], jvp=[jvp], singular=singular, mask_pull=through, mask_push=through)


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


# --- magnitude and sign ---------------------------------------------------------------------------

real_absolute = elementwise(np.absolute, lambda t, y, x: t * np.sign(x))
complex_absolute = _entrywise(
    lambda z: np.absolute(z),
    name="absolute",
    vjp=lambda ct, y, z: ct * ratio(np.conj(z), y),
    jvp=lambda t, y, z: np.real(t * ratio(np.conj(z), y)),
    singular=True,
)
real_sign = elementwise(lambda x: np.sign(x), None, name="sign")


@implements(np.absolute, np.abs)
def absolute(x: Any) -> Any:
    """The magnitude, real for a complex operand too; its slope is 0 at 0."""
    return complex_absolute(x) if _is_complex(x) else real_absolute(x)


@implements(np.sign)
def sign(x: Any) -> Any:
    """``np.sign``; not tracked for a real operand, z / abs(z) for a complex one."""
    return ratio(x, complex_absolute(x)) if _is_complex(x) else real_sign(x)


# --- parts ----------------------------------------------------------------------------------------

conjugate = _entrywise(
    lambda z: np.conjugate(z),
    name="conjugate",
    vjp=lambda ct, y, z: np.conjugate(ct),
    jvp=lambda t, y, z: np.conjugate(t),
)
real = _entrywise(
    lambda z: z.real.copy(), name="real", vjp=lambda ct, y, z: ct * (1 + 0j), jvp=lambda t, y, z: np.real(t)
)
imag = _entrywise(lambda z: z.imag.copy(), name="imag", vjp=lambda ct, y, z: ct * -1j, jvp=lambda t, y, z: np.imag(t))
angle_of_complex = _entrywise(
    lambda z: np.angle(z),
    name="angle",
    vjp=lambda ct, y, z: ct * (-1j * _inverse(z)),
    jvp=lambda t, y, z: np.imag(t * _inverse(z)),
    singular=True,
)


def _inverse(z: Any) -> Any:
    """1 / z, and 0 at 0 by convention."""
    r = np.absolute(z)
    return ratio(ratio(np.conj(z), r), r)


@implements(np.conjugate, np.conj)
def conj(x: Any) -> Any:
    """The complex conjugate; for a real operand the operand."""
    return conjugate(x) if _is_complex(x) else positive(x)


@implements(np.real)
def real_part(val: Any) -> Any:
    """The real part; for a real operand the operand."""
    return real(val) if _is_complex(val) else positive(val)


@implements(np.imag)
def imag_part(val: Any) -> Any:
    """The imaginary part; for a real operand 0, not tracked."""
    return imag(val) if _is_complex(val) else np.zeros_like(val)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """The argument of a complex number, in radians, or in degrees with `deg`; not tracked for a real operand."""
    y = angle_of_complex(z) if _is_complex(z) else real_angle(z)
    return y * (180 / math.pi) if deg else y


real_angle = elementwise(lambda x: np.angle(x), None, name="angle")
