"""Rows for autodiff/ops/through_scipy.py. Values are SciPy's, so they are compared with identities, not with SciPy."""

import math

import numpy as np

from autodiff import special
from autodiff.ops import gamma_remainders, through_scipy
from tests.op_cases.case import POSITIVE, REAL, Case, Interval, Point

EULER = 0.57721566490153286061
ZETA3 = 1.2020569031595942854
BESSEL = (through_scipy.bessel_i,)
SCALED = (through_scipy.bessel_i_scaled,)


def lgamma(x):
    """Python's own."""
    return np.vectorize(math.lgamma, otypes=[float])(x).astype(x.dtype)[()]


def log_of_beta(a, b):
    """From three logarithms, in double precision."""
    a, b, dtype = np.float64(a), np.float64(b), a.dtype
    return (lgamma(a) + lgamma(b) - lgamma(a + b)).astype(dtype)


def integral(n, scaled=False):
    """Bessel's integral of I_n, by the trapezoidal rule, which converges geometrically (A&S 9.6.19)."""

    def f(x):
        angle = (np.arange(64) + 0.5) * math.pi / 64
        wide = np.asarray(x, float)[..., None]
        shift = np.abs(wide) if scaled else 0
        return (np.exp(wide * np.cos(angle) - shift) * np.cos(n * angle)).mean(-1).astype(x.dtype)[()]

    return f


def digamma_by_recurrence(x):
    """Shifted far out, where the asymptotic series holds (A&S 6.3.5, 6.3.18)."""
    wide = np.asarray(x, float)
    z = wide + 20
    series = np.log(z) - 1 / (2 * z) - 1 / (12 * z**2) + 1 / (120 * z**4) - 1 / (252 * z**6) + 1 / (240 * z**8)
    return (series - sum(1 / (wide + k) for k in range(20))).astype(x.dtype)[()]


CASES = [
    Case(
        "gammaln",
        special.gammaln,
        (POSITIVE,),
        (through_scipy.gammaln,),
        reference=lgamma,
        points=(Point((1.0,), (-EULER,), (math.pi**2 / 6,)),),
    ),
    Case(
        "digamma",
        special.digamma,
        (POSITIVE,),
        (through_scipy.polygamma,),
        reference=digamma_by_recurrence,
        points=(Point((1.0,), (math.pi**2 / 6,), (-2 * ZETA3,)),),
    ),
    Case(
        "trigamma",
        lambda x: special.polygamma(1, x),
        (POSITIVE,),
        (through_scipy.polygamma,),
        points=(Point((1.0,), (-2 * ZETA3,), (math.pi**4 / 15,)),),
    ),
    Case(
        "betaln",
        special.betaln,
        (POSITIVE, POSITIVE),
        (gamma_remainders.betaln,),
        reference=log_of_beta,
    ),
    Case("i0", special.i0, (REAL,), BESSEL, reference=integral(0), points=(Point((0.0,), (0.0,), (0.5,)),)),
    Case("i1", special.i1, (REAL,), BESSEL, reference=integral(1), points=(Point((0.0,), (0.5,), (0.0,)),)),
    Case(
        "i0e",
        special.i0e,
        (Interval(-2.0, 2.0, avoid=(0.0,)),),
        SCALED,
        reference=integral(0, scaled=True),
        points=(Point((0.0,), (0.0,)),),
    ),
    Case(
        "i1e",
        special.i1e,
        (Interval(-2.0, 2.0, avoid=(0.0,)),),
        SCALED,
        reference=integral(1, scaled=True),
        points=(Point((0.0,), (0.5,)),),
    ),
]
