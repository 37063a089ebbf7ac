"""Inverse and hyperbolic functions of complex numbers, from the smallest to the largest, against mpmath.

Every pair of magnitudes in the two parts, with all signs; a part of the grid every day, all of it in deep runs. The
measure is the distance over the magnitude of the right number: a part that is 1e-300 of the other has no digits of
its own.
"""

import mpmath
import numpy as np
import pytest

import autodiff as ad

FUNCTIONS = {
    "arcsin": (mpmath.asin, lambda z: 1 / (mpmath.sqrt(1 - z) * mpmath.sqrt(1 + z))),
    "arccos": (mpmath.acos, lambda z: -1 / (mpmath.sqrt(1 - z) * mpmath.sqrt(1 + z))),
    "arcsinh": (mpmath.asinh, lambda z: 1 / (mpmath.sqrt(1 - 1j * z) * mpmath.sqrt(1 + 1j * z))),
    "arccosh": (mpmath.acosh, lambda z: 1 / (mpmath.sqrt(z - 1) * mpmath.sqrt(z + 1))),
    "arctan": (mpmath.atan, lambda z: 1 / (1 + z * z)),
    "arctanh": (mpmath.atanh, lambda z: 1 / (1 - z * z)),
    "tan": (mpmath.tan, lambda z: mpmath.cos(z) ** -2),
    "tanh": (mpmath.tanh, lambda z: mpmath.cosh(z) ** -2),
}
MAGNITUDES = {
    np.complex128: [1e-300, 1e-160, 1e-8, 0.3, 0.99, 1, 1.01, 3, 20, 360, 400, 720, 1e8, 1e20, 1e155, 1e160, 1e300],
    np.complex64: [1e-37, 1e-20, 1e-8, 0.3, 0.99, 1, 1.01, 3, 20, 45, 60, 90, 1e5, 1e20, 1e37],
}
DIGITS = 700  # 1 + 1e-600 is not 1
UNITS = 6  # of the last place


def grid(dtype, step):
    sizes = MAGNITUDES[dtype][::step]
    return np.array([s * a + 1j * t * b for a in sizes for b in sizes for s in (1, -1) for t in (1, -1)]).astype(dtype)


def check(name, dtype, step):
    value, slope = FUNCTIONS[name]
    zs = grid(dtype, step)
    with np.errstate(all="ignore"):
        y, pushed = ad.jvp(getattr(np, name), (zs,), (np.ones_like(zs),))
        pulled = np.conj(ad.vjp(getattr(np, name), zs)[1](np.ones_like(zs))[0])
    np.testing.assert_array_equal(pushed, pulled)
    unit, floor = UNITS * float(np.finfo(dtype).eps), UNITS * float(np.finfo(dtype).smallest_subnormal)
    with mpmath.workdps(DIGITS):
        for z, *found in zip(zs, y, pushed, strict=True):
            point = mpmath.mpc(float(z.real), float(z.imag))
            for got, right in zip(found, (value(point), slope(point)), strict=True):
                assert abs(mpmath.mpc(complex(got)) - right) <= unit * abs(right) + floor, (z, got, right)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", MAGNITUDES)
def test_values_and_slopes(name, dtype):
    check(name, dtype, 4)


@pytest.mark.deep
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", MAGNITUDES)
def test_values_and_slopes_everywhere(name, dtype):
    check(name, dtype, 1)


@pytest.mark.parametrize("name", ["arcsin", "arccos", "arctanh", "arccosh", "arcsinh", "arctan"])
@pytest.mark.parametrize("side", [0.0, -0.0])
def test_on_a_cut_the_sign_of_zero_decides(name, side):
    """The slope on the cut is that next to it, on the side of the value."""

    def slope(z):
        return ad.jvp(getattr(np, name), (np.complex128(z),), (np.complex128(1),))[1]

    for x in (3.0, -3.0):
        on, beside = (complex(x, s) for s in (side, np.copysign(1e-9, side)))
        if name in ("arcsinh", "arctan"):  # cut along the imaginary axis
            on, beside = (complex(z.imag, z.real) for z in (on, beside))
        np.testing.assert_allclose(slope(on), slope(beside), rtol=1e-7)


def test_maximum_and_minimum_of_complex_numbers_follow_numpys_order():
    """Real parts first, then imaginary ones; as everywhere slope 0 where a number is met."""
    z, v = np.array([1 - 1j, 0.5, 0.5 + 1j, 0.5 - 1j, -1 + 2j, 0]), np.full(6, 0.3 + 0.6j)
    for f in (np.maximum, np.minimum, np.fmax, np.fmin):
        for c in (0.5, 0.0, 0.5 + 0j, np.array(0.5 - 1j)):
            right = np.where((f(z, c) == z) & (z != np.asarray(c)), v, 0)
            for g in (lambda t, f=f, c=c: f(t, c), lambda t, f=f, c=c: f(c, t)):
                np.testing.assert_array_equal(ad.jvp(g, (z,), (v,))[1], right)
                np.testing.assert_array_equal(ad.vjp(g, z)[1](v)[0], right)
    for f in (np.max, np.min):
        assert ad.jvp(lambda t, f=f: f(t, initial=0.7), (z[:1],), (v[:1],))[1] == (v[0] if f is np.max else 0)
