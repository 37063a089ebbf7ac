"""Rows for autodiff/ops/complex_parts.py."""

import math

import numpy as np

from autodiff.ops import complex_parts as cp
from tests.op_cases.case import COMPLEX, NONZERO, Case, Point

NAN = math.nan

CASES = [
    Case(
        "absolute",
        np.absolute,
        (NONZERO,),
        (cp.real_absolute,),
        points=(
            Point((np.array([0.0, -0.0, -2.0]),), (np.array([0.0, 0.0, -1.0]),)),
            Point((NAN,), (NAN,)),
        ),
    ),
    Case("abs_builtin", abs, (NONZERO,), (cp.real_absolute,), points=(Point((0.0,), (0.0,)),)),
    Case(
        "complex_absolute",
        np.absolute,
        (COMPLEX,),
        (cp.complex_absolute,),
        points=(Point((0j,), (0j,)), Point((3 + 4j,), (0.6 + 0.8j,))),
    ),
    Case("sign", np.sign, (NONZERO,), (cp.real_sign,), points=(Point((0.0,), (0.0,)),)),
    Case("complex_sign", np.sign, (COMPLEX,)),
    Case("conjugate", np.conjugate, (COMPLEX,), (cp.conjugate,)),
    Case("conjugate_of_real", np.conjugate, (NONZERO,)),
    Case("real", np.real, (COMPLEX,), (cp.real,)),
    Case("imag", np.imag, (COMPLEX,), (cp.imag,)),
    Case("real_of_real", np.real, (NONZERO,)),
    Case("imag_of_real", np.imag, (NONZERO,)),
    Case("real_and_imag", lambda z: z.real * z.imag, (COMPLEX,), (cp.real, cp.imag)),
    Case("angle", np.angle, (COMPLEX,), (cp.angle_of_complex,), keywords=lambda pick, s: {"deg": pick([False, True])}),
    Case("angle_of_real", np.angle, (NONZERO,), (cp.real_angle,)),
]
