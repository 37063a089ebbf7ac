"""Elementwise derivatives to their last digits: in float64 within 4 ULP of mpmath, also for tiny and huge arguments.

A derivative near one of its own zeros is held to 4 eps, absolutely. All rows reach 4 ULP; one that could not would have
its own figure here, and say why.
"""

import math
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
import pytest

import autodiff as ad
from autodiff import special

mp.mp.dps = 60
EPS = float(np.finfo(float).eps)
RNG = np.random.default_rng(20)

# Magnitudes from the smallest to the largest, and the neighbourhoods of 1 and of 0.
SIZES = [1e-300, 1e-160, 1e-30, 1e-9, 1e-4, 0.03, 0.3, 0.5, 0.75, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 3.0, 12.0, 37.5]
SIZES += [150.0, 600.0, 1e4, 1e9, 1e30, 1e160, 1e300, *np.exp(RNG.uniform(-40, 40, 200)), *RNG.uniform(0.5, 2, 100)]
REAL = [s * x for x in SIZES for s in (1.0, -1.0)] + [0.0]
POSITIVE = SIZES
MODERATE = [x for x in REAL if abs(x) < 700]
WAVES = [x for x in REAL if abs(x) < 1e9] + [k * math.pi / 2 + d for k in range(-4, 5) for d in (0.0, 1e-9, -1e-5)]
INSIDE = [x for x in REAL if abs(x) < 1] + [s * (1 - 10.0**-k) for k in range(1, 16) for s in (1, -1)]
ABOVE_1 = [x for x in SIZES if x > 1] + [1 + 10.0**-k for k in range(1, 16)]
PROBABILITIES = [x for x in INSIDE if x > 0]


class Row(NamedTuple):
    """A function, its derivative in mpmath, the arguments, the bar in ULP."""

    fn: Any
    slope: Any
    at: list[float]
    ulp: float = 4
    zeros: bool = False  # of the derivative, at arguments that are no floating-point numbers


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def sinc_slope(x):
    u = mp.pi * x
    return mp.pi * (mp.cos(u) / u - mp.sin(u) / u**2) if x else mp.mpf(0)


ROWS = {
    "square": Row(np.square, lambda x: 2 * x, [x for x in REAL if abs(x) < 1e150]),
    "sqrt": Row(np.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), POSITIVE),
    "cbrt": Row(np.cbrt, lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2), [x for x in REAL if x]),
    "reciprocal": Row(np.reciprocal, lambda x: -1 / x**2, [x for x in REAL if 1e-150 < abs(x) < 1e150]),
    "1/x": Row(lambda x: 1 / x, lambda x: -1 / x**2, [x for x in REAL if 1e-150 < abs(x) < 1e150]),
    "exp": Row(np.exp, mp.exp, MODERATE),
    "exp2": Row(np.exp2, lambda x: mp.log(2) * mp.power(2, x), MODERATE),
    "expm1": Row(np.expm1, mp.exp, MODERATE),
    "log": Row(np.log, lambda x: 1 / x, POSITIVE),
    "log2": Row(np.log2, lambda x: 1 / (x * mp.log(2)), POSITIVE),
    "log10": Row(np.log10, lambda x: 1 / (x * mp.log(10)), POSITIVE),
    "log1p": Row(np.log1p, lambda x: 1 / (1 + x), [x for x in REAL if x > -1] + [10.0**-k - 1 for k in range(1, 16)]),
    "sigmoid": Row(special.sigmoid, lambda x: sigmoid(x) * sigmoid(-x), MODERATE),
    "expit": Row(special.expit, lambda x: sigmoid(x) * sigmoid(-x), MODERATE),
    "softplus": Row(special.softplus, sigmoid, MODERATE),
    "logit": Row(special.logit, lambda x: 1 / (x * (1 - x)), PROBABILITIES),
    "log1mexp": Row(special.log1mexp, lambda x: 1 / mp.expm1(x), [x for x in SIZES if x < 700]),
    "logaddexp(x, 1)": Row(lambda x: np.logaddexp(x, 1.0), lambda x: sigmoid(x - 1), [x for x in MODERATE if x < 600]),
    "sin": Row(np.sin, mp.cos, WAVES, zeros=True),
    "cos": Row(np.cos, lambda x: -mp.sin(x), WAVES, zeros=True),
    "tan": Row(np.tan, lambda x: 1 / mp.cos(x) ** 2, WAVES),
    "arcsin": Row(np.arcsin, lambda x: 1 / mp.sqrt(1 - x * x), INSIDE),
    "arccos": Row(np.arccos, lambda x: -1 / mp.sqrt(1 - x * x), INSIDE),
    "arctan": Row(np.arctan, lambda x: 1 / (1 + x * x), [x for x in REAL if abs(x) < 1e150]),
    "sinh": Row(np.sinh, mp.cosh, MODERATE),
    "cosh": Row(np.cosh, mp.sinh, MODERATE),
    "tanh": Row(np.tanh, lambda x: mp.sech(x) ** 2, [x for x in MODERATE if abs(x) < 350]),
    "arcsinh": Row(np.arcsinh, lambda x: 1 / mp.sqrt(1 + x * x), REAL),
    "arccosh": Row(np.arccosh, lambda x: 1 / mp.sqrt(x * x - 1), ABOVE_1),
    "arctanh": Row(np.arctanh, lambda x: 1 / (1 - x * x), INSIDE),
    "degrees": Row(np.degrees, lambda x: 180 / mp.pi, REAL),
    "radians": Row(np.radians, lambda x: mp.pi / 180, REAL),
    "sinc": Row(np.sinc, sinc_slope, [x for x in REAL if 1e-4 < abs(x) < 100], zeros=True),
    "hypot(x, 1)": Row(lambda x: np.hypot(x, 1.0), lambda x: x / mp.sqrt(x * x + 1), REAL),
    "arctan2(x, 1)": Row(lambda x: np.arctan2(x, 1.0), lambda x: 1 / (1 + x * x), [x for x in REAL if abs(x) < 1e150]),
    "arctan2(1, x)": Row(lambda x: np.arctan2(1.0, x), lambda x: -1 / (1 + x * x), [x for x in REAL if abs(x) < 1e150]),
    "erf": Row(special.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), [x for x in MODERATE if abs(x) < 26]),
    "erfc": Row(special.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x), [x for x in MODERATE if abs(x) < 26]),
    "entr": Row(special.entr, lambda x: -mp.log(x) - 1, POSITIVE, zeros=True),
    "xlogy(x, 2)": Row(lambda x: special.xlogy(x, 2.0), lambda x: mp.log(2), POSITIVE),
    "xlogy(2, x)": Row(lambda x: special.xlogy(2.0, x), lambda x: 2 / x, POSITIVE),
}  # fmt: skip


def ulps(actual, exact, near_zero):
    """Distance in units of the last place of the exact value; where that is near a zero, in units of eps."""
    unit = mp.mpf(float(np.spacing(abs(float(exact)))))
    return float(abs(mp.mpf(float(actual)) - exact) / max(unit, mp.mpf(EPS) if near_zero else 0))


def worst(fn, slope, at, zeros):
    """The largest distance over the arguments, and where."""
    x = np.array(at)
    with np.errstate(over="ignore", under="ignore"):
        g = ad.grad(lambda v: np.sum(fn(v)))(x)
    exact = [slope(mp.mpf(v)) for v in at]
    tiny = float(np.finfo(float).tiny)  # below, a float has fewer digits
    found = [(ulps(a, e, zeros and abs(e) < 0.5), v) for a, e, v in zip(g, exact, at) if e == 0 or abs(e) > tiny]
    assert len(found) > len(at) / 2
    return max(found)


@pytest.mark.parametrize("name", ROWS)
def test_the_slope_is_exact_to_the_last_digits(name):
    row = ROWS[name]
    distance, where = worst(row.fn, row.slope, row.at, row.zeros)
    assert distance <= row.ulp, f"{distance:.3g} ULP at {where!r}"


BASES = [1e-200, 1e-20, 1e-3, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 1e3, 1e20, 1e200, *np.exp(RNG.uniform(-20, 20, 50))]


@pytest.mark.parametrize("n", [0.3, 1.5, -0.7, -2.0, 2.5, 3.0, 7.0, 0.5, -1.0, 1.25])
def test_powers_keep_their_digits_by_the_base(n):
    """Within (2 + |log x|) ULP, for a number and for an array as exponent."""
    x = np.array([b for b in BASES if abs(n * math.log10(b)) < 290])
    exact = [n * mp.power(mp.mpf(b), mp.mpf(n) - 1) for b in x]
    for exponent in (n, np.full(x.shape, n)):
        with np.errstate(over="ignore", under="ignore"):
            g = ad.grad(lambda v, e=exponent: np.sum(v**e))(x)
        for a, e, b in zip(g, exact, x):
            if float(np.finfo(float).tiny) < abs(e) < float(np.finfo(float).max):
                assert ulps(a, e, False) <= 2 + abs(math.log(b)), f"base {b!r}"


def test_powers_keep_their_digits_by_the_exponent():
    x, n = (a.ravel() for a in np.meshgrid(BASES, [0.3, -1.5, 2.0, 0.0, -0.01]))
    keep = np.abs(n * np.log10(x)) < 290
    x, n = x[keep], n[keep]
    g = ad.grad(lambda e: np.sum(x**e))(n)
    for a, b, e in zip(g, x, n):
        exact = mp.power(mp.mpf(b), mp.mpf(e)) * mp.log(mp.mpf(b))
        assert ulps(a, exact, False) <= 2 + abs(math.log(b)), f"base {b!r}, exponent {e!r}"
