"""Logarithms of probabilities, with their limits at 0 and 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.ops.choices import where


def _nothing(x: Any, y: Any) -> Any:
    """Where a factor 0 multiplies a logarithm that does not exist: the product is the constant 0."""
    return (x == 0) & (y <= 0)


def _xlogy(x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y))[()].astype(np.result_type(x, y))


def _log_factor(x: Any, y: Any) -> Any:
    """Slope of ``x log y`` by `x`."""
    return np.log(where(_nothing(x, y), 1, y))


def share(x: Any, y: Any) -> Any:
    """Slope of ``x log y`` by `y`."""
    nothing = _nothing(x, y)
    return where(nothing, 0, x) / where(nothing, 1, y)


xlogy = elementwise(
    _xlogy,
    lambda t, y, a, b: t * _log_factor(a, b),
    lambda t, y, a, b: t * share(a, b),
    name="xlogy",
    singular=True,
)


def _entr(p: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p == 0, 0, np.where(p < 0, -math.inf, -p * np.log(p)))[()].astype(p.dtype)


entr = elementwise(_entr, lambda t, y, p: t * (-np.log(p) - 1), name="entr", singular=True)


def _rel_entr(p: Any, q: Any) -> Any:
    dtype = np.result_type(p, q)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.where((p == 0) & (q >= 0), 0, p * np.log(p / q))
        return np.where((p < 0) | (q < 0), math.inf, value)[()].astype(dtype)


rel_entr = elementwise(
    _rel_entr,
    lambda t, y, p, q: t * (np.log(p / where(_nothing(p, q), 1, q)) + 1),
    lambda t, y, p, q: -t * share(p, q),
    name="rel_entr",
    singular=True,
)


def _logit(p: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        # Near 1/2 the difference of the logarithms would cancel, but 2p - 1 is exact.
        middle = 2 * np.arctanh(2 * np.clip(p, 0.25, 0.75) - 1)
        return np.where(np.abs(p - 0.5) < 0.25, middle, np.log(p) - np.log1p(-p))[()].astype(p.dtype)


logit = elementwise(_logit, lambda t, y, p: t / (p * (1 - p)), name="logit", singular=True)


def _log1mexp(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(x < math.log(2), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))[()].astype(x.dtype)


log1mexp = elementwise(_log1mexp, lambda t, y, x: t * (np.exp(-x) / -np.expm1(-x)), name="log1mexp", singular=True)
