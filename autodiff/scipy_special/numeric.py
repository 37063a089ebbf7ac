"""Derivatives from values, where no closed form is known: by the orders and shapes of special functions.

The function is interpolated at Chebyshev points around the operand, and the interpolant is differentiated. All these
functions are analytic in their orders, so the error of the interpolant falls geometrically as the interval shrinks, and
then rounding takes over, which grows like the inverse of its length. The intervals shrink by thirds, starting from
the widest; each entry keeps the interval with the smallest sum of both errors, as the last coefficients and the size of
the values show them. Where the values of the function are good to the last digits, some 13 digits of a first
derivative are right, and 11 to 12 of a second.

A mixed derivative takes its closed-form part from the rules, and its other parts one operand after another.

References
----------
L. N. Trefethen, "Approximation Theory and Approximation Practice", 2013, chapters 8 and 21.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive, Rule
from autodiff.ops.deciding import whole

Function = Callable[..., Any]
Orders = tuple[int, ...]

POINTS = 16
LEVELS = 13
"""Intervals that are tried; the last is half a million times shorter than the first."""
WRONG = 1e-4
"""With a larger estimated error there is no derivative: NaN."""

_ANGLES = (np.arange(POINTS) + 0.5) * np.pi / POINTS
NODES = np.cos(_ANGLES)


@functools.cache
def _weights(n: int, at: int) -> Any:
    """The terms of the n-th derivative at the point `at` of [-1, 1], by values at the nodes; a column a coefficient."""
    transform = 2 / POINTS * np.cos(np.outer(_ANGLES, np.arange(POINTS)))
    transform[:, 0] /= 2
    basis = np.eye(POINTS)
    slopes = [np.polynomial.chebyshev.chebval(at, np.polynomial.chebyshev.chebder(b, n)) for b in basis]
    return transform * slopes


def differentiate(f: Function, x: Any, n: int, low: float, high: float) -> Any:
    """The n-th derivative of a function of one operand, entry by entry.

    Parameters
    ----------
    f : callable
        ``f(x, entries)``: its values at `x`, (k, points), with all its other operands from these k entries.
    x : ndarray, (m,)
    n : int
        At least 1.
    low, high : float
        Limits of the operand.

    Returns
    -------
    ndarray, (m,)
        NaN where no interval gives a derivative.
    """
    best, error, size = np.full(x.shape, complex(np.nan)), np.full(x.shape, np.inf), np.zeros(x.shape)
    room = np.minimum(x - low, high - x)
    _shrink(f, x, n, 0, np.minimum(np.maximum(2.0, np.abs(x) / 2), 0.9 * room), best, error, size)
    for at, limit in ((-1, low), (1, high)):
        edge = np.isfinite(limit) & ~(error <= 1e-7 * (np.abs(best) + size)) & ~np.isnan(x)
        if edge.any():  # at or near a limit: from one side
            sided = np.full(x.shape, complex(np.nan)), np.full(x.shape, np.inf), np.zeros(x.shape)
            width = np.where(edge, np.minimum(1.0, np.maximum(np.abs(x) / 4, 0.5)), 0.0)
            _shrink(f, x, n, at, width, *sided)
            better = edge & (sided[1] < error)
            for old, new in zip((best, error, size), sided, strict=True):
                old[better] = new[better]
    return np.where(error <= WRONG * (np.abs(best) + size), best, np.nan)


def _shrink(f: Function, x: Any, n: int, at: int, radius: Any, best: Any, error: Any, size: Any) -> None:
    """Try shorter and shorter intervals; improves `best`, `error` and `size` in place."""
    weights = _weights(n, at)
    gain = np.abs(weights.sum(axis=1)).sum() * np.finfo(float).eps
    scale = np.maximum(np.abs(x), 1.0) ** -float(n)
    todo = np.flatnonzero((radius > 0) & np.isfinite(x))
    for level in range(LEVELS):
        if not len(todo):
            return
        r = radius[todo] / 3.0**level
        points = x[todo, None] + r[:, None] * (NODES - at)
        values = f(points, todo)
        terms = values @ weights / r[:, None] ** n
        height = np.abs(values).max(axis=1)
        missing = np.abs(terms[:, -4:]).max(axis=1) * 2
        noise = gain * height / r**n
        found = terms.sum(axis=1)
        better = missing + noise < error[todo]  # False for NaN
        chosen = todo[better]
        best[chosen], error[chosen] = found[better], (missing + noise)[better]
        size[chosen] = (height * scale[todo])[better]
        # Two digits worse than a good one: the best interval was longer. Before that, errors may jump (near poles).
        good = error[todo] <= 1e-7 * (np.abs(best[todo]) + size[todo])
        past = good & (missing + noise > 10 * error[todo])
        todo = todo[~((missing <= noise) | past)]


def partial_derivatives(
    value: Function,
    name: str,
    operands: int,
    closed: Mapping[int, Rule],
    limits: Mapping[int, tuple[float, float]],
) -> Primitive:
    """The primitive ``(*xs, orders=(..)) -> mixed partial derivative`` of a function of real operands.

    Parameters
    ----------
    value : callable
        The function of arrays.
    name : str
    operands : int
    closed : mapping of int to callable
        Maps ``(t, y, *xs)``, for the operands that have one.
    limits : mapping of int to pair of float
        For the other operands the limits between which the function may be evaluated.

    Returns
    -------
    Primitive
        Its rules raise the orders, so that the derivatives are closed under differentiation.
    """
    everywhere = (-np.inf, np.inf)

    def derivative(xs: tuple[Any, ...], orders: Orders) -> Any:
        """Of one-dimensional arrays of one length."""
        if not any(orders):
            return value(*xs)
        if sum(orders) == 1 and (i := orders.index(1)) in closed:
            return closed[i](1.0, value(*xs), *xs)
        i = next((i for i in limits if orders[i]), -1)
        if i < 0:
            i = next(i for i in closed if orders[i])
        # The closed forms give one derivative; the others come from values.
        n = orders[i] - (i in closed and sum(orders) == orders[i]) or 1
        rest = _changed(orders, i, orders[i] - n if i in closed else 0)

        def along(x: Any, entries: Any) -> Any:
            others = [np.repeat(o[entries], x.shape[1]) for o in xs]
            return derivative((*others[:i], x.ravel(), *others[i + 1 :]), rest).reshape(x.shape)

        return differentiate(along, xs[i], n, *limits.get(i, everywhere))

    def compute(*xs: Any, orders: Orders) -> Any:
        kinds = [np.asarray(x).dtype for x in xs]
        wide = [np.asarray(x, float if k.kind == "f" else k) for x, k in zip(xs, kinds, strict=True)]
        arrays = np.broadcast_arrays(*wide)
        flat = [np.ravel(a) for a in arrays]
        kind = value(*(np.empty(0, k) for k in kinds)).dtype
        y = np.full(flat[0].shape, np.nan, complex)
        with np.errstate(all="ignore"):
            good = np.isfinite(value(*flat))  # outside of its domain a function may be slow
            y[good] = derivative(tuple(a[good] for a in flat), orders)
        return (y if kind.kind == "c" else y.real).reshape(arrays[0].shape).astype(kind)[()]

    def by(i: int) -> Rule | None:
        if i not in closed and i not in limits:
            return None
        return lambda t, y, *xs, orders: t * primitive(*xs, orders=_changed(orders, i, orders[i] + 1))

    primitive = elementwise(
        lambda *xs, orders: whole(functools.partial(compute, orders=orders), *xs),
        *map(by, range(operands)),
        name=f"partial_{name}",
        singular=True,
    )
    return primitive


def _changed(orders: Orders, i: int, n: int) -> Orders:
    return (*orders[:i], n, *orders[i + 1 :])
