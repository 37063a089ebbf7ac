"""Mathieu and spheroidal wave functions. Second outputs are slopes; the slopes of these follow from the equations.

By the parameters q and c they are computed from values, with SciPy's normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.table import NUMERIC, POSITIVE, WHOLE, Without, outputs, part, rules

# --- Mathieu (A&S 20.1.1, 20.1.2) -----------------------------------------------------------------

rules("mathieu_a", WHOLE, NUMERIC)
rules("mathieu_b", WHOLE, NUMERIC)

DEGREE = math.pi / 180


def _mathieu(name: str, value: Callable[..., Any]) -> None:
    outputs(
        name,
        (WHOLE, NUMERIC, lambda t, y, m, q, x: t * (DEGREE * part(name, 1)(m, q, x))),
        (
            WHOLE,
            NUMERIC,
            lambda t, y, m, q, x: (
                t * (-DEGREE * (value(m, q) - 2 * q * np.cos(2 * DEGREE * x)) * part(name, 0)(m, q, x))
            ),
        ),
    )


def _modified(name: str, value: Callable[..., Any]) -> None:
    outputs(
        name,
        (WHOLE, NUMERIC, lambda t, y, m, q, x: t * part(name, 1)(m, q, x)),
        (
            WHOLE,
            NUMERIC,
            lambda t, y, m, q, x: t * ((value(m, q) - 2 * q * np.cosh(2 * x)) * part(name, 0)(m, q, x)),
        ),
    )


_mathieu("mathieu_cem", special.mathieu_a)
_mathieu("mathieu_sem", special.mathieu_b)
for _kind in ("1", "2"):
    _modified(f"mathieu_modcem{_kind}", special.mathieu_a)
    _modified(f"mathieu_modsem{_kind}", special.mathieu_b)

# --- spheroidal (A&S 21.6) ------------------------------------------------------------------------

rules("pro_cv", WHOLE, WHOLE, POSITIVE)
rules("obl_cv", WHOLE, WHOLE, POSITIVE)


def _prolate(cv: Any, m: Any, c: Any, x: Any, value: Any, slope: Any) -> Any:
    inside = 1 - x * x
    return (2 * x * slope - (cv - c * c * x * x - m * m / inside) * value) / inside


def _oblate(cv: Any, m: Any, c: Any, x: Any, value: Any, slope: Any) -> Any:
    inside = 1 - x * x
    return (2 * x * slope - (cv + c * c * x * x - m * m / inside) * value) / inside


def _oblate_radial(cv: Any, m: Any, c: Any, x: Any, value: Any, slope: Any) -> Any:
    outside = 1 + x * x
    return (-2 * x * slope + (cv - c * c * x * x - m * m / outside) * value) / outside


_BOUND = Without("c and its characteristic value move together; the function without _cv has the derivative by c")


def _spheroidal(name: str, value: Callable[..., Any], second: Callable[..., Any]) -> None:
    """Both spellings of a function, in which its characteristic value is computed or given."""
    given = f"{name}_cv"
    outputs(
        name,
        (WHOLE, WHOLE, POSITIVE, lambda t, y, m, n, c, x: t * part(name, 1)(m, n, c, x)),
        (
            WHOLE,
            WHOLE,
            POSITIVE,
            lambda t, y, m, n, c, x: t * second(value(m, n, c), m, c, x, part(name, 0)(m, n, c, x), y),
        ),
    )
    outputs(
        given,
        (WHOLE, WHOLE, _BOUND, _BOUND, lambda t, y, *xs: t * part(given, 1)(*xs)),
        (
            WHOLE,
            WHOLE,
            _BOUND,
            _BOUND,
            lambda t, y, m, n, c, cv, x: t * second(cv, m, c, x, part(given, 0)(m, n, c, cv, x), y),
        ),
    )


for _kind in ("ang1", "rad1", "rad2"):
    _spheroidal(f"pro_{_kind}", special.pro_cv, _prolate)
    _spheroidal(f"obl_{_kind}", special.obl_cv, _oblate if _kind == "ang1" else _oblate_radial)
