"""Exponential, sine and cosine integrals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.pieces import exprel
from autodiff.scipy_special.table import WHOLE, outputs, rules


def _expn(n: Any, x: Any) -> Any:
    """The exponential integral of order n - 1."""
    return np.where(n == 0, np.exp(-x) * (1 + 1 / x) / x, special.expn(np.where(n == 0, 0, n - 1), x))


rules("exp1", lambda t, y, x: -t * (np.exp(-x) / x))
rules("expi", lambda t, y, x: t * (np.exp(x) / x))
rules("expn", WHOLE, lambda t, y, n, x: -t * _expn(n, x))
outputs("sici", (lambda t, y, x: t * np.sinc(x / math.pi),), (lambda t, y, x: t * (np.cos(x) / x),))
outputs(
    "shichi",
    (lambda t, y, x: t * ((exprel(x, n=0) + exprel(-x, n=0)) / 2),),
    (lambda t, y, x: t * (np.cosh(x) / x),),
)
