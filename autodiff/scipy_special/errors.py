"""The error function and its relatives: normal distribution, Dawson, Faddeeva, Voigt, Fresnel, Owen's T."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.ops import error_function
from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.pieces import ROOT_PI, normal_density, power_series
from autodiff.scipy_special.table import like, outputs, rules

like("erf", error_function.erf)
like("erfc", error_function.erfc)
rules("erfi", lambda t, y, x: t * (2 / ROOT_PI * np.exp(x * x)))
rules("erfinv", lambda t, y, p: t * (ROOT_PI / 2 * np.exp(y * y)))
rules("erfcinv", lambda t, y, p: t * (-ROOT_PI / 2 * np.exp(y * y)))
rules("ndtr", lambda t, y, x: t * normal_density(x))
rules("ndtri", lambda t, y, p: t * (math.sqrt(2 * math.pi) * np.exp(y * y / 2)))
rules("log_ndtr", lambda t, y, x: t * error_function.normal_hazard(-x))
rules("ndtri_exp", lambda t, y, x: t * (math.sqrt(math.pi / 2) * special.erfcx(-y / math.sqrt(2))))
rules(
    "owens_t",
    lambda t, y, h, a: t * (-0.5 * normal_density(h) * special.erf(a * h / math.sqrt(2))),
    lambda t, y, h, a: t * (normal_density(h) * normal_density(a * h) / (1 + a * a)),
)

# --- Faddeeva's function, of which the scaled ones are parts --------------------------------------

_ASYMPTOTIC = [math.prod(range(1, 2 * k, 2)) / 2**k for k in range(27)]
"""Coefficients of ``-i sqrt(pi) w(z)`` in 1 / z^(2 k + 1) (A&S 7.1.23)."""
_FAR = 7.5


def _bells(z: Any, n: int) -> Any:
    """The n-th derivative of exp(-z^2)."""
    y, before = np.exp(-z * z), 0 * z
    for k in range(n):
        y, before = -2 * z * y - 2 * k * before, y
    return y


def _faddeeva(z: Any, n: int) -> Any:
    """The n-th derivative of wofz. The recurrence from w' = -2 z w + 2i / sqrt(pi) cancels far out, the series not."""
    z = np.asarray(z, complex)
    y, before = special.wofz(z), 0 * z
    for k in range(n):
        y, before = -2 * z * y - 2 * k * before + (2j / ROOT_PI if k == 0 else 0), y
    below = z.imag < 0
    far = np.where(np.abs(z) > _FAR, np.where(below, -z, z), 8)
    q = 1 / far
    terms = [c * math.prod(range(2 * k + 1, 2 * k + 1 + n)) for k, c in enumerate(_ASYMPTOTIC)]
    series = (-q) ** n * q * power_series(terms, q * q) * (1j / ROOT_PI)
    flat = _bells(np.where((far * far).real > 0, far, 0), n) * ((far * far).real > 0)
    upper = series + np.where(below, 0, flat)
    lower = 2 * _bells(np.where(below, z, 0), n) - (-1) ** n * series
    return np.where(np.abs(z) > _FAR, np.where(below, lower, upper), y)


@np.errstate(all="ignore")
def _wofz(z: Any, *, n: int) -> Any:
    return _faddeeva(z, n).astype(special.wofz(z).dtype)[()]


@np.errstate(all="ignore")
def _erfcx(x: Any, *, n: int) -> Any:
    wide = np.asarray(x, float)
    turned = np.zeros(wide.shape, complex)
    turned.imag = np.clip(wide, -1e300, 1e300)
    y = (1j**n * _faddeeva(turned, n)).real
    return np.where(wide < -27, (-1) ** n * np.inf, y).astype(np.asarray(x).dtype)[()]  # no infinity minus infinity


@np.errstate(all="ignore")
def _dawson(x: Any, *, n: int) -> Any:
    y = ROOT_PI / 2 * _faddeeva(np.clip(np.asarray(x, float), -1e300, 1e300), n).imag
    return y.astype(np.asarray(x).dtype)[()]


@np.errstate(all="ignore")
def _voigt(x: Any, s: Any, g: Any, *, n: int, imaginary: bool = False) -> Any:
    dtype = np.result_type(x, s, g)
    x, s, g = np.broadcast_arrays(*(np.asarray(v, float) for v in (x, s, g)))
    sharp = s == 0  # a Lorentz profile
    pole, width = x + 1j * g, np.where(sharp, 1, s)
    y = _faddeeva(pole / (width * math.sqrt(2)), n) / (width * math.sqrt(2 * math.pi) * (width * math.sqrt(2)) ** n)
    y = np.where(sharp, 1j / math.pi * math.factorial(n) * (-1) ** n / pole ** (n + 1), y)
    return (y.imag if imaginary else y.real).astype(dtype)[()]


wofz_derivative: Primitive = elementwise(
    _wofz, lambda t, y, z, *, n: t * wofz_derivative(z, n=n + 1), name="wofz_derivative", singular=True
)
erfcx_derivative: Primitive = elementwise(
    _erfcx, lambda t, y, x, *, n: t * erfcx_derivative(x, n=n + 1), name="erfcx_derivative", singular=True
)
dawson_derivative: Primitive = elementwise(
    _dawson, lambda t, y, x, *, n: t * dawson_derivative(x, n=n + 1), name="dawson_derivative", singular=True
)
voigt_derivative: Primitive = elementwise(
    _voigt,
    lambda t, y, x, s, g, *, n, imaginary=False: t * voigt_derivative(x, s, g, n=n + 1, imaginary=imaginary),
    # the profile is a heat kernel at time s^2 / 2
    lambda t, y, x, s, g, *, n, imaginary=False: t * (s * voigt_derivative(x, s, g, n=n + 2, imaginary=imaginary)),
    lambda t, y, x, s, g, *, n, imaginary=False: (
        t * ((1 if imaginary else -1) * voigt_derivative(x, s, g, n=n + 1, imaginary=not imaginary))
    ),
    name="voigt_derivative",
    singular=True,
)
"""The n-th derivative by x of Voigt's profile, or of the imaginary part of the function of x + i g that it is of."""

rules("wofz", lambda t, y, z: t * wofz_derivative(z, n=1), analytic=True)
rules("erfcx", lambda t, y, x: t * erfcx_derivative(x, n=1))
rules("dawsn", lambda t, y, x: t * dawson_derivative(x, n=1))
rules(
    "voigt_profile",
    lambda t, y, x, s, g: t * voigt_derivative(x, s, g, n=1),
    lambda t, y, x, s, g: t * (s * voigt_derivative(x, s, g, n=2)),
    lambda t, y, x, s, g: -t * voigt_derivative(x, s, g, n=1, imaginary=True),
)

# --- Fresnel --------------------------------------------------------------------------------------


def _half_square(x: Any) -> Any:
    """``x**2 / 2`` modulo 2: the square in two parts, each of them exact."""
    wide = np.clip(np.asarray(x, float), -1e150, 1e150)
    split = wide * 134217729.0  # 2^27 + 1: T. J. Dekker, "A floating-point technique", 1971
    coarse = split - (split - wide)
    fine = wide - coarse
    y = sum(np.fmod(part, 4) for part in (coarse * coarse, 2 * coarse * fine, fine * fine)) / 2
    return y.astype(np.asarray(x).dtype)[()]


half_square = elementwise(_half_square, lambda t, y, x: t * x, name="half_square")
outputs(
    "fresnel",
    (lambda t, y, x: t * np.sin(math.pi * half_square(x)),),
    (lambda t, y, x: t * np.cos(math.pi * half_square(x)),),
)
outputs(
    "modfresnelp",
    (lambda t, y, x: -t * np.exp(1j * x * x),),
    (lambda t, y, x: t * modified_fresnel(x, n=1),),
)
outputs(
    "modfresnelm",
    (lambda t, y, x: -t * np.exp(-1j * x * x),),
    (lambda t, y, x: t * np.conj(modified_fresnel(x, n=1)),),
)


@np.errstate(all="ignore")
def _modified_fresnel(x: Any, *, n: int) -> Any:
    turn = (1 + 1j) / math.sqrt(2)  # the function is wofz(x exp(i pi / 4)) / 2
    narrow = np.result_type(np.asarray(x).dtype, np.complex64)
    return (turn**n * _faddeeva(turn * np.asarray(x, float), n) / 2).astype(narrow)[()]


modified_fresnel: Primitive = elementwise(
    _modified_fresnel, lambda t, y, x, *, n: t * modified_fresnel(x, n=n + 1), name="modified_fresnel", singular=True
)
