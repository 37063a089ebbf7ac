"""SciPy's special functions as they are written in the rules: the ufuncs themselves.

Under SCIPY_ARRAY_API the public name of a ufunc is a function that chooses a library by its operands, and refuses
a Tensor beside an array. The ufunc then stands in a private module, where also those behind `zeta` and its kind are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special


def find(name: str) -> Any:
    """A ufunc, public or private; None where this SciPy is too old to have it."""
    found = (getattr(home, name, None) for home in (special, getattr(special, "_ufuncs", None)))
    return next((f for f in found if isinstance(f, np.ufunc)), None)


def __getattr__(name: str) -> Any:
    found = find(name)
    return globals().setdefault(name, getattr(special, name) if found is None else found)
