"""When the tables of this folder are loaded: a ufunc without an entry meets a Tensor, and it is one of SciPy's."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from autodiff.core.primitives import OTHER_UFUNCS

HOMES = ("scipy.special", "scipy.special._ufuncs")
"""Where SciPy keeps them; in the second also those behind functions such as `zeta`."""

FAMILIES = (
    *("gamma", "incomplete", "errors", "elementary", "integrals", "bessel", "kelvin", "elliptic"),
    *("hypergeometric", "polynomials", "waves", "distributions"),
)
"""The files with the tables."""


def of_scipy(ufunc: Any) -> bool:
    """Whether SciPy's special functions have it. None of them can be met before SciPy's module is loaded."""
    name = ufunc.__name__
    return any(getattr(sys.modules.get(home), name, None) is ufunc for home in HOMES)


def load() -> None:
    """Fill the tables."""
    for family in FAMILIES:
        importlib.import_module(f"autodiff.scipy_special.{family}")


def entered(ufunc: Any) -> bool:
    """Whether this is one of SciPy's special functions that are in the tables, which it loads if need be."""
    if ufunc not in OTHER_UFUNCS and of_scipy(ufunc):
        load()
    return ufunc in OTHER_UFUNCS
